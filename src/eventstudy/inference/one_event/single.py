"""One event, one asset: every single-event test side by side, intervals and detectable effect."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from eventstudy.arrays import BoolArray, FloatArray, IntArray
from eventstudy.errors import EstimationError
from eventstudy.inference.one_event.filtered import (
    MDE_POWER,
    TIE,
    conformal_pvalue,
    filtered_tests,
    running_totals,
)

if TYPE_CHECKING:
    from eventstudy.models.volatility import VolatilityFilter
    from eventstudy.tables.columns import TextArray

VOLATILITY_HIGH = 1.3
VOLATILITY_LOW = 0.7
BLOCK = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Textbook:
    """Test of a CAR by the t distribution; arrays of one shape.

    Parameters
    ----------
    t, p, low, high, mde : float
        ``CAR / sqrt V``, two-sided p-value, interval, effect found in 8 of 10 cases.
    """

    t: FloatArray
    p: FloatArray
    low: FloatArray
    high: FloatArray
    mde: FloatArray


def textbook_tests(
    effect: FloatArray, se: FloatArray, df: FloatArray | IntArray, *, level: float
) -> Textbook:
    """Test CARs by the t distribution.

    Parameters
    ----------
    effect, se : (...) float
        CAR and ``sqrt V``, forecast error included.
    df : (...) float
        ``L - K``.
    level : float
        Level of the intervals and of the detectable effect.

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
    """Rank ``|CAR|`` among the sums of W consecutive residuals of its estimation window.

    Parameters
    ----------
    effect : (N, M) float
        CARs of N events over M windows; NaN where there is none.
    residuals : (N, L) float
        Residuals of the estimation windows; missing ones (NaN) are stepped over.
    sessions : (N, M) int
        W, sessions present.

    Returns
    -------
    p : (N, M) float
        NaN where there is no effect or no run of W residuals.
    n : (N, M) int
        Size of the reference sets.

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
    """Moving-block permutation p-values of N events (N,).

    Parameters
    ----------
    null : (N, L + W) float
        Residuals of models fitted on estimation and event sessions together; missing ones (NaN)
        are stepped over.
    sessions : (N,) int
        Sessions present among the last W; no p-value where there is none.

    References
    ----------
    Chernozhukov, Wuthrich and Zhu (2021), JASA 116, 1849-1864.
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
    vol_ratio : float
        Volatility forecast for the first session over that of the estimation window.
    vol_warning : bool
        Whether the ratio lies above 1.3 or below 0.7: the t and SQ p-values mislead there.
    filter, reason : str
        Which filter, and why it is an EWMA, why a value is missing or why nothing was tested.
    n_sq, n_vfc, n_fhs, n_conformal : int
        Sizes of the reference sets; 0 where there is none.
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
    n_sq: IntArray
    n_vfc: IntArray
    n_fhs: IntArray
    n_conformal: IntArray

    @property
    def tested(self) -> BoolArray:
        """Windows that were tested (N, M)."""
        return np.isfinite(self.effect)

    def granularity(self, test: Literal["t", "sq", "vfc", "fhs", "conformal"]) -> FloatArray:
        """Smallest p-value a test can give (N, M): 0 for the t, NaN where it gives nothing."""
        if test == "t":
            return np.where(self.tested, 0.0, np.nan)
        n: IntArray = getattr(self, f"n_{test}")
        # the conformal set holds the observed order itself
        return np.where(n > 0, 1.0 / np.maximum(n + (test != "conformal"), 1), np.nan)


@dataclass(frozen=True, slots=True)
class Granularity:
    """Smallest p-value each test can give; 0 for the t.

    Parameters
    ----------
    t, sq, vfc, fhs, conformal : float
        ``1 / (n + 1)`` with n the size of the reference set; NaN where the test gives nothing.
    """

    t: float
    sq: float
    vfc: float
    fhs: float
    conformal: float


@dataclass(frozen=True, slots=True)
class SingleEventResult:
    """What the single-event tests say about one window.

    Parameters
    ----------
    effect : float
        CAR over the sessions present, in units of the return.
    se, t : float
        ``sqrt V`` and ``CAR / sqrt V``.
    df : int
        ``L - K``.
    p_t, p_sq, p_vfc, p_fhs, p_conformal : float
        Two-sided p-values; NaN where `notes` says why.
    ci_t : (low, high)
        Interval of the textbook t.
    granularity : Granularity
        Smallest p-value of each test.
    method : {"vfc", "fhs"}
        The default test: VFC for one session, FHS for several.
    ci_low, ci_high : float
        Interval for the effect by inversion of the default test.
    mde, mde_t : float
        Effect found with 80% power by the default test, and by the t.
    sigma_next : float
        Volatility forecast for the first session of the window.
    vol_ratio : float
        `sigma_next` over the volatility of the estimation window.
    vol_warning : bool
        Whether the ratio lies above 1.3 or below 0.7: the t and SQ p-values mislead there.
    filter_kind, filter_reason : str
        Which filter, and why an EWMA where it is one.
    reference : (n,) float
        Distribution of the effect under the null by the default test, for a chart of placebos.
    notes : tuple of str
        One line for every value that is NaN or infinite.
    """

    effect: float
    se: float
    t: float
    df: int
    p_t: float
    p_sq: float
    p_vfc: float
    p_fhs: float
    p_conformal: float
    ci_t: tuple[float, float]
    granularity: Granularity
    method: Literal["vfc", "fhs"]
    ci_low: float
    ci_high: float
    mde: float
    mde_t: float
    sigma_next: float
    vol_ratio: float
    vol_warning: bool
    filter_kind: str
    filter_reason: str
    reference: FloatArray = field(repr=False, compare=False)
    notes: tuple[str, ...]

    @property
    def p_default(self) -> float:
        """P-value of the default test."""
        return self.p_vfc if self.method == "vfc" else self.p_fhs

    @property
    def ci_method(self) -> str:
        """Test whose inversion gives the interval."""
        return self.method


def single_event_tests(
    *,
    history: FloatArray,
    filter: VolatilityFilter,  # noqa: A002  # the field's word, and it is keyword-only
    residuals: FloatArray,
    window_ar: FloatArray,
    se: float,
    s: float,
    df: int,
    null_residuals: FloatArray,
    rng: np.random.Generator,
    level: float = 0.05,
    draws: int = 9999,
) -> SingleEventResult:
    """Test one window of one event on one asset.

    Parameters
    ----------
    history : (H,) float
        Usable abnormal returns of the sessions strictly before the window, oldest first.
    filter : VolatilityFilter
        Fitted on sessions before the window.
    residuals : (L,) float
        Usable estimation-window residuals.
    window_ar : (W,) float
        Abnormal returns present in the window.
    se : float
        ``sqrt V``, forecast error included.
    s : float
        Residual standard deviation of the estimation window.
    df : int
        ``L - K``.
    null_residuals : (L + W,) float
        Residuals of the model fitted on estimation and event sessions together.
    rng : numpy.random.Generator
        Source of the draws of the filtered historical simulation.
    level : float
        Level of the intervals and of the detectable effect.
    draws : int
        B, number of simulated CARs.

    Returns
    -------
    SingleEventResult

    Raises
    ------
    EstimationError
        When the window has no abnormal return, a value is not finite, or the estimation window
        has no variance.

    Notes
    -----
    SQ for W sessions ranks ``|CAR|`` among the sums of W consecutive estimation residuals.
    VFC for W sessions ranks the CAR over the volatility forecast for W sessions made at its start
    among the same for every run of W sessions of the history; the volatility realised inside the
    window never enters.

    References
    ----------
    MacKinlay (1997), Journal of Economic Literature 35, 13-39, for the t; Gelbach, Helland and
    Klick (2013), American Law and Economics Review 15, 495-541, for SQ; Chernozhukov, Wuthrich
    and Zhu (2021), JASA 116, 1849-1864, for the conformal p-value; Barone-Adesi, Giannopoulos
    and Vosper (1999), Journal of Futures Markets 19, 583-602, for FHS.
    """
    _check((window_ar, residuals, null_residuals), se, s, df)
    sessions, effect = len(window_ar), float(np.sum(window_ar))
    path = filter.run(history)
    found = filtered_tests(
        effect,
        sessions,
        history=history,
        path=path,
        filt=filter,
        forecast_sd=math.sqrt(max(se**2 - sessions * s**2, 0.0)),
        level=level,
        draws=draws,
        rng=rng,
    )
    one = textbook_tests(np.array([effect]), np.array([se]), np.array([df]), level=level)
    p_sq, n_sq = quantile_pvalues(np.array([[effect]]), residuals[None, :], np.array([[sessions]]))
    sizes = {"sq": int(n_sq[0, 0]), "vfc": found.n_vfc, "fhs": found.n_fhs}
    ratio = path.sigma_next / s
    return SingleEventResult(
        effect=effect,
        se=se,
        t=effect / se,
        df=df,
        p_t=float(one.p[0]),
        p_sq=float(p_sq[0, 0]),
        p_vfc=found.p_vfc,
        p_fhs=found.p_fhs,
        p_conformal=float(conformal_pvalue(null_residuals, sessions)),
        ci_t=(float(one.low[0]), float(one.high[0])),
        granularity=Granularity(
            t=0.0,
            conformal=1.0 / len(null_residuals),
            **{name: 1.0 / (n + 1) if n else math.nan for name, n in sizes.items()},
        ),
        method=found.method,
        ci_low=effect - found.critical,
        ci_high=effect + found.critical,
        mde=found.mde,
        mde_t=float(one.mde[0]),
        sigma_next=path.sigma_next,
        vol_ratio=ratio,
        vol_warning=bool(unusual_volatility(np.array(ratio))),
        filter_kind=filter.kind,
        filter_reason=filter.reason,
        reference=found.reference,
        notes=shortfalls(sizes, found.method, found.critical, sessions, level),
    )


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


def _check(series: tuple[FloatArray, ...], se: float, s: float, df: int) -> None:
    """Refuse what no test can be computed from."""
    if len(series[0]) == 0:
        msg = "no abnormal return in the event window: every session is missing or masked"
        raise EstimationError(msg)
    if not all(np.isfinite(values).all() for values in series):
        msg = "an abnormal return is not finite: mask or drop the session first"
        raise EstimationError(msg)
    if df < 1 or not (se > 0 and s > 0 and math.isfinite(se) and math.isfinite(s)):
        msg = f"the estimation window gives no variance (s = {s:g}, {df} degrees of freedom)"
        raise EstimationError(msg)
