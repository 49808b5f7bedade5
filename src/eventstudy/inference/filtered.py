"""Kernels of the single-event tests: volatility-filtered, sample-quantile and conformal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.arrays import FloatArray

if TYPE_CHECKING:
    from eventstudy.models.volatility import FilteredPath, VolatilityFilter


MDE_POWER = 0.8
HALVINGS = 60


def rank_pvalue(value: float, reference: FloatArray) -> float:
    """Return ``(1 + #{|x| >= |value|}) / (n + 1)``, the value counted among its reference.

    Parameters
    ----------
    value : float
        Observed statistic.
    reference : (n,) float
        What the statistic does where there is no effect.
    """
    # a tie by arithmetic noise alone counts as a tie
    at_least = np.abs(reference) >= abs(value) * (1.0 - 1e-12)
    return (1.0 + float(np.count_nonzero(at_least))) / (len(reference) + 1.0)


def critical_value(reference: FloatArray, level: float) -> float:
    """Return the largest absolute value that `rank_pvalue` does not reject.

    Parameters
    ----------
    reference : (n,) float
        What the statistic does where there is no effect.
    level : float
        A value is rejected where its p-value is at most this.

    Returns
    -------
    float
        Infinite where the granularity ``1 / (n + 1)`` lies above the level.
    """
    size = len(reference)
    order = math.floor(level * (size + 1) - 1 + 1e-9) + 1
    if order <= 0:
        return math.inf
    return float(np.sort(np.abs(reference))[size - order])


def detectable_effect(reference: FloatArray, critical: float, power: float = MDE_POWER) -> float:
    """Return the effect that a test with this critical value finds with the given power.

    The law of the statistic under the null, made symmetric, is shifted until the share of it
    outside ``[-critical, critical]`` is `power`.

    Parameters
    ----------
    reference : (n,) float
        Law under the null, in units of the effect.
    critical : float
        Largest absolute value not rejected, in the same units.
    power : float
        Share of rejections wanted.
    """
    if not math.isfinite(critical):
        return math.inf
    law = np.sort(np.concatenate([reference, -reference]))
    low, high = 0.0, critical + float(law[-1])
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        kept = np.searchsorted(law, critical - middle, "right")
        enough = len(law) - kept + np.searchsorted(law, -critical - middle) >= power * len(law)
        low, high = (low, middle) if enough else (middle, high)
    return high


def vfc_reference(
    history: FloatArray, path: FilteredPath, filt: VolatilityFilter, sessions: int
) -> FloatArray:
    """Return what W-session sums were, in units of the volatility forecast at their start.

    ``sum_{h<W} r_{s+h} / sqrt(sum_{h<W} sigma2_{s+h|s-1})`` for every s of the history; for one
    session this is ``z_s``. Standardising by the forecast at the start keeps the volatility
    realised inside a window out of it.

    Parameters
    ----------
    history : (H,) float
        Abnormal returns before the window.
    path : FilteredPath
        The history seen through the filter.
    filt : VolatilityFilter
        The filter, for its forecasts of several sessions.
    sessions : int
        W.

    Returns
    -------
    (H - W + 1,) float

    References
    ----------
    Own construction; the conformal argument is that of Chernozhukov, Wuthrich and Zhu (2021),
    JASA 116, 1849-1864.
    """
    sums = block_sums(history, sessions)
    return sums / filt.forecast_scale(path.sigma[: len(sums)], sessions)


def block_sums(values: FloatArray, sessions: int) -> FloatArray:
    """Sum every run of W consecutive values (n - W + 1,); empty where there are fewer."""
    if len(values) < sessions:
        return np.empty(0)
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[sessions:] - total[:-sessions], dtype=float)


def fhs_reference(
    path: FilteredPath,
    filt: VolatilityFilter,
    sessions: int,
    *,
    forecast_sd: float,
    draws: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Simulate the CAR that W sessions without an effect would show.

    The filter runs W steps from its state before the window, fed with runs of W consecutive
    ``z - zbar`` of the history, every run as often as every other. Runs rather than single
    draws keep the serial correlation of settlements, which on WTI makes sums narrower or wider
    than independent draws would. An independent normal error with the standard deviation that
    the estimated model adds, ``sqrt(V - W s^2)``, keeps the forecast-error term.

    Parameters
    ----------
    path : FilteredPath
        The history seen through the filter.
    filt : VolatilityFilter
        The filter.
    sessions : int
        W.
    forecast_sd : float
        Standard deviation of the error that the estimated model adds to the CAR.
    draws : int
        B.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    (B,) float
        Simulated CARs; empty where the history is shorter than the window.

    References
    ----------
    Barone-Adesi, Giannopoulos and Vosper (1999), Journal of Futures Markets 19, 583-602;
    Davison, Hinkley and Schechtman (1986), Biometrika 73, 555-566, for balanced draws.
    """
    centred = path.z - path.z.mean()
    if len(centred) < sessions:
        return np.empty(0)
    runs = len(centred) - sessions + 1
    starts = np.concatenate([rng.permutation(runs) for _ in range(-(-draws // runs))])[:draws]
    shocks = centred[starts[:, None] + np.arange(sessions)]
    simulated = filt.simulate(path.sigma_next, shocks).sum(axis=1)
    return np.asarray(simulated + forecast_sd * rng.standard_normal(draws), dtype=float)


def conformal_pvalue(residuals: FloatArray, sessions: int) -> float:
    """Return the moving-block permutation p-value of the last W residuals.

    All ``T = L + W`` cyclic shifts of the residuals, the observed order included; the statistic
    is the absolute sum over the last W places.

    Parameters
    ----------
    residuals : (L + W,) float
        Residuals of a model fitted on estimation and event sessions together, under the null.
    sessions : int
        W.

    References
    ----------
    Chernozhukov, Wuthrich and Zhu (2021), JASA 116, 1849-1864.
    """
    if len(residuals) <= sessions:
        return float("nan")
    circle = np.concatenate([residuals, residuals[: sessions - 1]])
    sums = np.abs(block_sums(circle, sessions))
    observed = sums[len(residuals) - sessions]
    return float(np.mean(sums >= observed * (1.0 - 1e-12)))
