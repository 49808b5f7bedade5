"""Single events on one asset: N events over M windows, every single-event test side by side.

`sessions` counts the sessions W of a window that have an abnormal return.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.arrays import BoolArray, FloatArray, IntArray
from eventstudy.inference.one_event.filtered import (
    MDE_POWER,
    TIE,
    conformal_pvalue,
    running_totals,
)

if TYPE_CHECKING:
    from eventstudy.tables.columns import TextArray

VOLATILITY_HIGH = 1.3
VOLATILITY_LOW = 0.7
BLOCK = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Textbook:
    """Test of a CAR by the t distribution; arrays of one shape.

    ``CAR / sqrt V``, two-sided p-value, interval, and the effect found in 8 of 10 cases.
    """

    t: FloatArray
    p: FloatArray
    low: FloatArray
    high: FloatArray
    mde: FloatArray


def textbook_tests(
    effect: FloatArray, se: FloatArray, df: FloatArray | IntArray, *, level: float
) -> Textbook:
    """Test CARs with their ``sqrt V``, forecast error included, against t with ``L - K``.

    `level` is that of the intervals and of the detectable effect.

    References
    ----------
    MacKinlay (1997), Journal of Economic Literature 35, 13-39.

    Examples
    --------
    >>> found = textbook_tests(np.array([0.03]), np.array([0.01]), np.array([249]), level=0.05)
    >>> float(found.p[0].round(4))
    0.003
    """
    from scipy.special import stdtr, stdtrit

    known, at = np.unique(df, return_inverse=True)  # one quantile for the many of one length
    at = at.reshape(np.shape(df))
    quantile = -stdtrit(known, level / 2)[at]
    power = -stdtrit(known, 1.0 - MDE_POWER)[at]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = effect / se
    half = quantile * se
    return Textbook(
        t=np.asarray(t),
        p=np.asarray(2.0 * stdtr(df, -np.abs(t))),
        low=np.asarray(effect - half),
        high=np.asarray(effect + half),
        mde=np.asarray((quantile + power) * se),
    )


def quantile_pvalues(
    effect: FloatArray, residuals: FloatArray, sessions: IntArray
) -> tuple[FloatArray, IntArray]:
    """Rank ``|CAR|`` (N, M) among the sums of W consecutive residuals of its estimation window.

    Missing residuals (N, L) are stepped over. Returns the p-values, NaN where there is no effect or
    no run of W residuals, and the sizes of the reference sets, (N, M) each.

    References
    ----------
    Gelbach, Helland and Klick (2013), American Law and Economics Review 15, 495-541.
    """
    p, size = np.full(effect.shape, np.nan), np.zeros(effect.shape, dtype=np.int64)
    for start in range(0, len(effect), BLOCK):  # what a block needs stays in the cache
        part = slice(start, start + BLOCK)
        packed, usable = _packed(residuals[part])
        totals = running_totals(packed)
        for window in range(effect.shape[1]):
            mine, width = effect[part, window], sessions[part, window]
            for w in np.unique(width[width > 0]):
                rows = np.flatnonzero((width == w) & np.isfinite(mine))
                chosen = totals if len(rows) == len(mine) else totals[rows]
                sums = chosen[:, w:] - chosen[:, :-w]
                np.abs(sums, out=sums)
                n = np.maximum(usable[rows] - w + 1, 0)
                # a run that reaches past the last residual is NaN and counts for nothing
                larger = np.count_nonzero(sums >= np.abs(mine[rows, None]) * TIE, axis=1)
                size[start + rows, window] = n
                p[start + rows, window] = np.where(n > 0, (1.0 + larger) / (n + 1.0), np.nan)
    return p, size


def conformal_pvalues(null: FloatArray, sessions: IntArray) -> FloatArray:
    """`conformal_pvalue` of N events (N,), missing residuals (N, L + W) stepped over.

    NaN where none of the last W sessions is present.
    """
    packed, usable = _packed(null)
    p = np.full(len(null), np.nan)
    shapes = np.column_stack([usable, sessions])
    for n, w in np.unique(shapes[sessions > 0], axis=0).tolist():
        rows = np.flatnonzero((usable == n) & (sessions == w))
        p[rows] = conformal_pvalue(packed[rows, :n], w)
    return p


def _packed(values: FloatArray) -> tuple[FloatArray, IntArray]:
    """Move missing values to the end of each row; return the rows and how many are not missing."""
    present = np.isfinite(values)
    usable = np.asarray(present.sum(axis=1), dtype=np.int64)
    if present.all():
        return values, usable
    order = np.argsort(~present, axis=1, kind="stable")
    return np.take_along_axis(values, order, axis=1), usable


@dataclass(frozen=True, slots=True, eq=False)
class SingleTests:
    """Single-event tests of N events over M windows; every array is (N, M).

    Parameters
    ----------
    n_sessions : int
        W, sessions of the window with an abnormal return.
    effect, se, t, df : float
        CAR over them, ``sqrt V``, their ratio, ``L - K``; NaN, like every number below, where
        the event was not tested.
    p_t, p_sq, p_vfc, p_fhs, p_conformal : float
        Two-sided p-values; NaN where `reason` says why.
    ci_method : str
        The default test: ``vfc`` for one session, ``fhs`` for several, ``t`` where no filter was
        asked for; empty where the event was not tested.
    ci_low, ci_high, mde : float
        Interval by inversion of the default test, and the effect it finds in 8 of 10 cases.
    ci_t_low, ci_t_high, mde_t : float
        The same by the t.
    vol_ratio, vol_warning
        Volatility forecast for the first session over that of the estimation window, and whether
        it lies above 1.3 or below 0.7: the t and SQ p-values mislead there.
    filter, reason : str
        Which filter, and why it is an EWMA, why a value is missing or why nothing was tested.
    """

    n_sessions: IntArray
    effect: FloatArray
    se: FloatArray
    t: FloatArray
    df: FloatArray
    p_t: FloatArray
    p_sq: FloatArray
    p_vfc: FloatArray
    p_fhs: FloatArray
    p_conformal: FloatArray
    ci_method: TextArray
    ci_low: FloatArray
    ci_high: FloatArray
    mde: FloatArray
    ci_t_low: FloatArray
    ci_t_high: FloatArray
    mde_t: FloatArray
    vol_ratio: FloatArray
    vol_warning: BoolArray
    filter: TextArray
    reason: TextArray

    @property
    def tested(self) -> BoolArray:
        """Windows that were tested (N, M)."""
        return np.isfinite(self.effect)


def unusual_volatility(ratio: FloatArray) -> BoolArray:
    """Whether volatility ratios lie above 1.3 or below 0.7; not where there is none (...)."""
    return np.asarray((ratio < VOLATILITY_LOW) | (ratio > VOLATILITY_HIGH))


def shortfalls(
    sizes: dict[str, int], method: str, critical: float, sessions: int, level: float
) -> tuple[str, ...]:
    """Return one line for every p-value that is missing, and for an interval without bounds."""
    empty = tuple(
        f"{name}: fewer sessions than the {sessions} of the window, no p-value"
        for name, size in sizes.items()
        if not size
    )
    if math.isfinite(critical):
        return empty
    wide = (
        f"{method}: {sizes[method]} reference values cannot reject at level {level}, "
        "interval unbounded"
    )
    return (*empty, wide)
