"""Kernels of the single-event tests: volatility-filtered (VFC), simulated (FHS) and conformal.

Everywhere `history` is (H,), the abnormal returns before the window, oldest first; `path` the same
seen through the filter; `sessions` W, the sessions of the window with an abnormal return.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from eventstudy.arrays import FloatArray

if TYPE_CHECKING:
    from eventstudy.models.volatility import FilteredPath, VolatilityFilter


MDE_POWER = 0.8
HALVINGS = 60
# a tie by arithmetic noise alone counts as a tie
TIE = 1.0 - 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class FilteredTests:
    """VFC and FHS of one window, and the interval of the test that is the default there.

    P-values, NaN where the history is shorter than the window, and sizes of the reference sets; by
    the default `method` (VFC for one session, FHS for several) the largest absolute effect not
    rejected (infinite where it cannot reject), the effect found in 8 of 10 cases, and the null
    distribution of the effect (n,).
    """

    p_vfc: float
    p_fhs: float
    n_vfc: int
    n_fhs: int
    method: Literal["vfc", "fhs"]
    critical: float
    mde: float
    reference: FloatArray


def filtered_tests(
    effect: float,
    sessions: int,
    *,
    history: FloatArray,
    path: FilteredPath,
    filt: VolatilityFilter,
    forecast_sd: float,
    level: float,
    draws: int,
    rng: np.random.Generator,
) -> FilteredTests:
    """Rank a CAR among what its history, filtered, would show in as many sessions.

    `forecast_sd` is the standard deviation of the error that the estimated model adds to the CAR;
    `level` is that of interval and detectable effect, `draws` the number B of simulated CARs.
    """
    scale = float(filt.forecast_scale(path.sigma_next, sessions))
    vfc = scale * vfc_reference(history, path, filt, sessions)
    fhs = fhs_reference(path, filt, sessions, forecast_sd=forecast_sd, draws=draws, rng=rng)
    method: Literal["vfc", "fhs"] = "vfc" if sessions == 1 else "fhs"
    reference = vfc if method == "vfc" else fhs
    ordered = np.sort(np.abs(reference))
    critical = critical_value(ordered, level)
    return FilteredTests(
        p_vfc=rank_pvalue(effect, vfc),
        p_fhs=rank_pvalue(effect, fhs),
        n_vfc=len(vfc),
        n_fhs=len(fhs),
        method=method,
        critical=critical,
        mde=detectable_effect(ordered, critical),
        reference=reference,
    )


def rank_pvalue(value: float, reference: FloatArray) -> float:
    """``(1 + #{|x| >= |value|}) / (n + 1)`` over a null reference (n,); NaN where that is empty."""
    if not len(reference):
        return math.nan
    at_least = np.abs(reference) >= abs(value) * TIE
    return (1.0 + float(np.count_nonzero(at_least))) / (len(reference) + 1.0)


def critical_value(ordered: FloatArray, level: float) -> float:
    """Largest absolute value that `rank_pvalue` does not reject, given sorted absolute values.

    Infinite where the granularity ``1 / (n + 1)`` lies above the level.
    """
    size = len(ordered)
    order = math.floor(level * (size + 1) - 1 + 1e-9) + 1
    return float(ordered[size - order]) if order > 0 else math.inf


def detectable_effect(ordered: FloatArray, critical: float, power: float = MDE_POWER) -> float:
    """Effect found with the given power, given the sorted absolute values of the null.

    The null distribution, made symmetric, is shifted until the share of it outside
    ``[-critical, critical]`` is `power`.
    """
    if not math.isfinite(critical):
        return math.inf
    n = len(ordered)
    low, high = 0.0, critical + float(ordered[-1])
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        edge = critical - middle
        # Of the values and their mirror images: those above the upper edge, then below the lower.
        above = (
            n - ordered.searchsorted(edge, "right")
            if edge >= 0
            else (n + ordered.searchsorted(-edge, "left"))
        )
        below = n - ordered.searchsorted(critical + middle, "right")
        low, high = (low, middle) if above + below >= power * 2 * n else (middle, high)
    return high


def vfc_reference(
    history: FloatArray, path: FilteredPath, filt: VolatilityFilter, sessions: int
) -> FloatArray:
    """W-session sums in units of the volatility forecast at their start (H - W + 1,).

    ``sum_{h<W} r_{s+h} / sqrt(sum_{h<W} sigma2_{s+h|s-1})`` for every s of the history; for one
    session this is ``z_s``. Standardising by the forecast at the start keeps the volatility
    realised inside a window out of it.

    References
    ----------
    Own construction; the conformal argument is that of Chernozhukov, Wuthrich and Zhu (2021),
    JASA 116, 1849-1864.
    """
    sums = block_sums(history, sessions)
    return sums / filt.forecast_scale(path.sigma[: len(sums)], sessions)


def block_sums(values: FloatArray, sessions: int) -> FloatArray:
    """Sum every run of W consecutive values of each row (..., n - W + 1); empty below W values.

    Examples
    --------
    >>> block_sums(np.array([1.0, 2.0, 3.0]), 2).tolist()
    [3.0, 5.0]
    """
    totals = running_totals(values)
    return np.asarray(totals[..., sessions:] - totals[..., :-sessions], dtype=float)


def running_totals(values: FloatArray) -> FloatArray:
    """Sum the first 0, 1, .. n values of each row (..., n + 1)."""
    totals = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=totals[..., 1:])
    return totals


def fhs_reference(
    path: FilteredPath,
    filt: VolatilityFilter,
    sessions: int,
    *,
    forecast_sd: float,
    draws: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Simulate the CAR that W sessions without an effect would show (B,); empty below W of history.

    The filter runs W steps from its state before the window, fed with runs of W consecutive
    ``z - zbar`` of the history, every run as often as every other. Runs rather than single
    draws keep the serial correlation of settlements, which on WTI makes sums narrower or wider
    than independent draws would. An independent normal error with the standard deviation that
    the estimated model adds, ``sqrt(V - W s^2)``, keeps the forecast-error term.

    References
    ----------
    Barone-Adesi, Giannopoulos and Vosper (1999), Journal of Futures Markets 19, 583-602;
    Davison, Hinkley and Schechtman (1986), Biometrika 73, 555-566, for balanced draws.
    """
    centred = path.z - path.z.mean()
    runs = len(centred) - sessions + 1
    if runs < 1:
        return np.empty(0)
    starts = np.concatenate([rng.permutation(runs) for _ in range(-(-draws // runs))])[:draws]
    shocks = (centred[step : step + runs].take(starts) for step in range(sessions))
    total = np.zeros(draws)
    for returns in filt.steps(path.sigma_next, shocks):
        total += returns
    error = rng.standard_normal(draws)
    error *= forecast_sd
    total += error
    return total


def conformal_pvalue(residuals: FloatArray, sessions: int) -> FloatArray:
    """Return the moving-block permutation p-value of the last W residuals of each row (..., L + W).

    The residuals are those of a model fitted on estimation and event sessions together, under the
    null. All ``T = L + W`` cyclic shifts count, the observed order too; the statistic is the
    absolute sum over the last W places. NaN where there is nothing before them.

    References
    ----------
    Chernozhukov, Wuthrich and Zhu (2021), JASA 116, 1849-1864.
    """
    *rows, n = residuals.shape
    if n <= sessions:
        return np.full(rows, np.nan)
    circle = np.concatenate([residuals, residuals[..., : sessions - 1]], axis=-1)
    sums = np.abs(block_sums(circle, sessions))
    observed = sums[..., n - sessions, None]
    return np.asarray(np.count_nonzero(sums >= observed * TIE, axis=-1) / n, dtype=float)
