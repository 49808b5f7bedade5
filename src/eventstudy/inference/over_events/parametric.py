"""Parametric tests over N pairs of event and asset."""

from __future__ import annotations

import math

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.over_events.correlation import Residuals, WindowPairs
from eventstudy.inference.over_events.sample import EventSample, OverEvents
from eventstudy.inference.statistic import (
    APART,
    COMMON,
    MEAN_ZERO,
    NO_CROSS_CORRELATION,
    NO_EVENT_VARIANCE,
    NORMAL,
    TestValue,
    mean_t,
    normal_value,
    spread,
    t_value,
)

LEAST_DF = 3
PATELL = "Patell (1976), Journal of Accounting Research 14, 246-276"
BMP = "Boehmer, Musumeci and Poulsen (1991), JFE 30, 253-272"
KOLARI_PYNNONEN = "Kolari and Pynnonen (2010), RFS 23, 3996-4025"


def _plain_error(sample: EventSample, n: int) -> float:
    return math.sqrt(float(sample.variance.mean()) / n)


def _scaled_error(sample: EventSample, n: int) -> float:
    """Error of a test on SCARs, which weigh each pair by its own standard deviation."""
    df, inverse = sample.df, float((1.0 / np.sqrt(sample.variance)).mean())
    return math.sqrt(float((df / (df - 2.0)).mean())) / (inverse * math.sqrt(n))


def _inflated_error(sample: EventSample, n: int, part: Residuals | WindowPairs) -> float:
    return _scaled_error(sample, n) * math.sqrt(max(1.0 + (n - 1) * part.mean_correlation, 0.0))


def _crude_error(sample: EventSample, n: int) -> tuple[float, float]:
    aar = average_by_session(sample.pairs.ar_est)
    factor = math.sqrt(len(sample) / n)
    return float(aar.std(ddof=1)) * math.sqrt(len(sample.pairs.window)) * factor, len(aar) - 1.0


@OverEvents(
    name="time_series_t",
    title="time-series t, independence",
    paper="MacKinlay (1997), Journal of Economic Literature 35, 13-39",
    null=MEAN_ZERO,
    distribution="t, L - K degrees of freedom (the least over pairs)",
    formula="CAAR / ((1/N) sqrt(sum V_i)), V_i = s_i^2 [W + 1'X*(X'X)^-1 X*'1]",
    meaning="Is the average move large against the noise before the events?",
    assumes=(NO_EVENT_VARIANCE, NO_CROSS_CORRELATION, APART, "normal abnormal returns"),
    standard_error=lambda sample, n: (_plain_error(sample, n), float(sample.df.min())),
)
def time_series_t(sample: EventSample) -> TestValue:
    """Return the t of the CAAR from the estimation windows, as if pairs were independent."""
    sample.require_variance()
    value = sample.car.sum() / math.sqrt(float(sample.variance.sum()))
    return t_value(value, float(sample.df.min()), len(sample))


@OverEvents(
    name="crude_dependence_t",
    title="crude dependence adjustment",
    paper="Brown and Warner (1980), JFE 8, 205-258; (1985), JFE 14, 3-31",
    null=MEAN_ZERO,
    distribution="t, L - 1 degrees of freedom",
    formula="CAAR / (S sqrt W), S^2 = (1/(L-1)) sum_est (AAR_t - mean)^2",
    meaning="Is the average move large against the average's own noise before the events?",
    assumes=(NO_EVENT_VARIANCE, COMMON, APART),
    allows_cross_correlation=True,
    needs_shared_sessions=True,
    standard_error=_crude_error,
)
def crude_dependence_t(sample: EventSample) -> TestValue:
    """Return the t of the CAAR, S from the AAR of the estimation window.

    AAR_t averages over events by relative session; L counts the sessions that have one, W the
    event sessions that have one.
    """
    aar = average_by_session(sample.pairs.ar_est)
    sd = spread(aar, "average abnormal return of the estimation window")
    sessions = int(np.isfinite(sample.pairs.ar).any(axis=0).sum())
    value = sample.car.mean() / (sd * math.sqrt(sessions))
    return t_value(value, len(aar) - 1, len(sample))


def average_by_session(values: FloatArray) -> FloatArray:
    """Average over pairs by relative session, over the sessions where any pair has a value."""
    count = np.isfinite(values).sum(axis=0)
    return np.asarray(np.nansum(values, axis=0)[count > 0] / count[count > 0], dtype=float)


@OverEvents(
    name="cross_sectional_t",
    title="cross-sectional t",
    paper="Brown and Warner (1980), JFE 8, 205-258",
    null=MEAN_ZERO,
    distribution="t, N - 1 degrees of freedom",
    formula="CAAR / (s_CAR / sqrt N), s_CAR with N - 1",
    meaning="Is the average move large against how much the events differ?",
    assumes=(NO_CROSS_CORRELATION, APART, NORMAL),
    min_n=2,
    allows_event_variance=True,
    standard_error=lambda sample, n: (_plain_error(sample, n), n - 1.0),
)
def cross_sectional_t(sample: EventSample) -> TestValue:
    """Return the t of the CAAR from the spread of the CARs."""
    return mean_t(sample.car, "CAR")


@OverEvents(
    name="patell",
    title="Patell",
    paper=PATELL,
    null=MEAN_ZERO,
    distribution="N(0, 1)",
    formula="sum SCAR_i / sqrt(sum Q_i), Q_i = (L_i - K) / (L_i - K - 2)",
    meaning="The average move with each event measured in its own noise before the event.",
    assumes=(NO_EVENT_VARIANCE, NO_CROSS_CORRELATION, APART),
    standard_error=lambda sample, n: (_scaled_error(sample, n), math.inf),
)
def patell(sample: EventSample) -> TestValue:
    """Patell's z, full covariance of the window."""
    return normal_value(sample.scar.sum() / math.sqrt(_variance_sum(sample)), len(sample))


@OverEvents(
    name="patell_sum_sar",
    title="Patell, sum over sessions",
    paper=PATELL,
    null=MEAN_ZERO,
    distribution="N(0, 1)",
    formula="sum_i (sum_tau SAR_it / sqrt W_i) / sqrt(sum Q_i)",
    meaning="Patell's original form, which ignores the covariance between sessions.",
    assumes=(NO_EVENT_VARIANCE, NO_CROSS_CORRELATION, APART),
)
def patell_sum_sar(sample: EventSample) -> TestValue:
    """Patell's z of the sums of standardised abnormal returns."""
    sample.require_variance()
    total = np.nansum(sample.pairs.sar, axis=1) / np.sqrt(sample.pairs.n_sessions)
    return normal_value(total.sum() / math.sqrt(_variance_sum(sample)), len(sample))


def _variance_sum(sample: EventSample) -> float:
    """``sum Q_i``, ``Q_i = (L_i - K) / (L_i - K - 2)``."""
    df = sample.df
    if df.min() < LEAST_DF:
        msg = f"{df.min():.0f} degrees of freedom in an estimation window, {LEAST_DF} needed"
        raise EstimationError(msg)
    return float((df / (df - 2.0)).sum())


@OverEvents(
    name="patell_kp",
    title="Patell, adjusted for cross-correlation",
    paper=KOLARI_PYNNONEN,
    null=MEAN_ZERO,
    distribution="N(0, 1)",
    formula="Patell / sqrt(1 + (N - 1) rbar)",
    meaning="Patell, allowing for assets that move together on the event's date.",
    assumes=(NO_EVENT_VARIANCE, COMMON, APART),
    min_n=2,
    allows_cross_correlation=True,
    needs_shared_sessions=True,
    uses_rbar=True,
)
def patell_kp(sample: EventSample) -> TestValue:
    """Patell's z, adjusted by the mean correlation of the estimation windows."""
    return _inflated_patell(sample, sample.residuals.mean_correlation)


@OverEvents(
    name="patell_kp_overlap",
    title="Patell, adjusted for windows that overlap in part",
    paper=f"{KOLARI_PYNNONEN}, with rho_ij |common sessions| / W",
    null=MEAN_ZERO,
    distribution="N(0, 1)",
    formula="Patell / sqrt(1 + (N - 1) rbar), rbar = mean of rho_ij |common sessions| / W",
    meaning="Patell, counting two windows as correlated only in the sessions they share.",
    assumes=(NO_EVENT_VARIANCE,),
    min_n=2,
    allows_cross_correlation=True,
    allows_overlap=True,
    standard_error=lambda sample, n: (_inflated_error(sample, n, sample.windows), math.inf),
)
def patell_kp_overlap(sample: EventSample) -> TestValue:
    """Compute `patell_kp` with the correlation of windows that overlap in part."""
    return _inflated_patell(sample, sample.windows.mean_correlation)


def _inflated_patell(sample: EventSample, rbar: float) -> TestValue:
    plain = patell(sample)
    return normal_value(plain.value / math.sqrt(_inflation(len(sample), rbar)), len(sample))


def _inflation(n: int, rbar: float) -> float:
    factor = 1.0 + (n - 1) * rbar
    if factor <= 0:
        msg = f"mean correlation {rbar:.4f} over {n} pairs leaves no variance of the mean"
        raise EstimationError(msg)
    return factor


@OverEvents(
    name="bmp",
    title="Boehmer, Musumeci and Poulsen",
    paper=BMP,
    null=MEAN_ZERO,
    distribution="t, N - 1 degrees of freedom",
    formula="sqrt N mean(SCAR) / sd(SCAR), sd with N - 1",
    meaning="The average standardised move against how much the events differ.",
    assumes=(NO_CROSS_CORRELATION, APART, NORMAL),
    min_n=2,
    allows_event_variance=True,
    standard_error=lambda sample, n: (_scaled_error(sample, n), n - 1.0),
)
def bmp(sample: EventSample) -> TestValue:
    """Return the t of the mean standardised CAR from the spread of these."""
    return mean_t(sample.scar, "standardised CAR")


@OverEvents(
    name="bmp_kp",
    title="BMP, adjusted for cross-correlation",
    paper=KOLARI_PYNNONEN,
    null=MEAN_ZERO,
    distribution="t, N - 1 degrees of freedom",
    formula="BMP sqrt((1 - rbar) / (1 + (N - 1) rbar))",
    meaning="BMP, allowing for assets that move together on the event's date.",
    assumes=(COMMON, APART, NORMAL),
    min_n=2,
    allows_event_variance=True,
    allows_cross_correlation=True,
    needs_shared_sessions=True,
    uses_rbar=True,
    standard_error=lambda sample, n: (_inflated_error(sample, n, sample.residuals), n - 1.0),
)
def bmp_kp(sample: EventSample) -> TestValue:
    """BMP, adjusted by the mean correlation of the estimation windows."""
    return _deflated_bmp(sample, sample.residuals.mean_correlation)


@OverEvents(
    name="bmp_kp_overlap",
    title="BMP, adjusted for windows that overlap in part",
    paper=f"{KOLARI_PYNNONEN}, with rho_ij |common sessions| / W",
    null=MEAN_ZERO,
    distribution="t, N - 1 degrees of freedom",
    formula="BMP sqrt((1 - rbar) / (1 + (N - 1) rbar)), rbar = mean of rho_ij |common| / W",
    meaning="BMP, counting two windows as correlated only in the sessions they share.",
    assumes=(NORMAL,),
    min_n=2,
    allows_event_variance=True,
    allows_cross_correlation=True,
    allows_overlap=True,
    standard_error=lambda sample, n: (_inflated_error(sample, n, sample.windows), n - 1.0),
)
def bmp_kp_overlap(sample: EventSample) -> TestValue:
    """Compute `bmp_kp` with the correlation of windows that overlap in part."""
    return _deflated_bmp(sample, sample.windows.mean_correlation)


def _deflated_bmp(sample: EventSample, rbar: float) -> TestValue:
    plain, n = bmp(sample), len(sample)
    if rbar >= 1.0:
        msg = "the windows coincide on one asset: one observation, not several"
        raise EstimationError(msg)
    return t_value(plain.value * math.sqrt((1.0 - rbar) / _inflation(n, rbar)), n - 1, n)
