"""Parametric tests over N pairs of event and asset."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.correlation import (
    car_correlation,
    mean_correlation,
    mean_off_diagonal,
)
from eventstudy.inference.values import (
    TestValue,
    normal_value,
    spread,
    standardised_car,
    t_value,
    with_car,
)

if TYPE_CHECKING:
    from eventstudy.models.abnormal import AbnormalReturns

LEAST_DF = 3


def time_series_t(sample: AbnormalReturns) -> TestValue:
    """``CAAR / ((1/N) sqrt(sum V_i))`` against t with the least ``L_i - K``.

    Raises
    ------
    EstimationError
        When an estimation window has no variance.

    References
    ----------
    MacKinlay (1997), Journal of Economic Literature 35, 13-39, with the forecast error kept.
    """
    sample = with_car(sample)
    standardised_car(sample)
    value = sample.car.sum() / math.sqrt(float(sample.variance.sum()))
    return t_value(value, float(sample.df.min()), len(sample))


def crude_dependence_t(sample: AbnormalReturns) -> TestValue:
    """``CAAR / (S sqrt W)``, S from the AAR of the estimation window, against t_{L-1}.

    AAR_t averages over events by relative session; L counts the sessions that have one, W the
    event sessions that have one.

    Raises
    ------
    EstimationError
        When the AAR of the estimation window does not vary.

    References
    ----------
    Brown and Warner (1980), Journal of Financial Economics 8, 205-258; (1985) 14, 3-31.
    """
    sample = with_car(sample)
    aar = average_by_session(sample.ar_est)
    sd = spread(aar, "average abnormal return of the estimation window")
    sessions = int(np.isfinite(sample.ar).any(axis=0).sum())
    value = sample.car.mean() / (sd * math.sqrt(sessions))
    return t_value(value, len(aar) - 1, len(sample))


def average_by_session(values: FloatArray) -> FloatArray:
    """Average over pairs by relative session, over the sessions where any pair has a value."""
    present = np.isfinite(values)
    live = present.any(axis=0)
    total = np.where(present, values, 0.0).sum(axis=0)
    return np.asarray(total[live] / present.sum(axis=0)[live], dtype=float)


def cross_sectional_t(sample: AbnormalReturns) -> TestValue:
    """``CAAR / (s_CAR / sqrt N)`` against t_{N-1}, s_CAR with N - 1.

    Raises
    ------
    EstimationError
        When there is one CAR or all are equal.

    References
    ----------
    Brown and Warner (1980), Journal of Financial Economics 8, 205-258.
    """
    return mean_t(with_car(sample).car, "CAR")


def mean_t(values: FloatArray, what: str) -> TestValue:
    """Return the t of a mean across events."""
    n = len(values)
    value = math.sqrt(n) * values.mean() / spread(values, what)
    return t_value(value, n - 1, n)


def patell(sample: AbnormalReturns) -> TestValue:
    """``sum SCAR_i / sqrt(sum Q_i)`` against N(0, 1), full covariance of the window.

    Raises
    ------
    EstimationError
        When an estimation window has no variance or fewer than 3 degrees of freedom.

    References
    ----------
    Patell (1976), Journal of Accounting Research 14, 246-276.
    """
    sample = with_car(sample)
    value = standardised_car(sample).sum() / math.sqrt(_variance_sum(sample))
    return normal_value(value, len(sample))


def patell_sum_sar(sample: AbnormalReturns) -> TestValue:
    """``sum_i (sum_tau SAR_it / sqrt W_i) / sqrt(sum Q_i)`` against N(0, 1).

    Raises
    ------
    EstimationError
        When an estimation window has no variance or fewer than 3 degrees of freedom.

    References
    ----------
    Patell (1976), Journal of Accounting Research 14, 246-276, sum over sessions.
    """
    sample = with_car(sample)
    standardised_car(sample)
    total = np.nansum(sample.sar, axis=1) / np.sqrt(sample.n_sessions)
    return normal_value(total.sum() / math.sqrt(_variance_sum(sample)), len(sample))


def _variance_sum(sample: AbnormalReturns) -> float:
    """``sum Q_i``, ``Q_i = (L_i - K) / (L_i - K - 2)``."""
    df = sample.df.astype(float)
    if df.min() < LEAST_DF:
        msg = f"{df.min():.0f} degrees of freedom in an estimation window, {LEAST_DF} needed"
        raise EstimationError(msg)
    return float((df / (df - 2.0)).sum())


def patell_kp(sample: AbnormalReturns) -> TestValue:
    """``Patell / sqrt(1 + (N - 1) rbar)`` against N(0, 1).

    Raises
    ------
    EstimationError
        As `patell`, or when ``1 + (N - 1) rbar`` is not positive.

    References
    ----------
    Kolari and Pynnonen (2010), Review of Financial Studies 23, 3996-4025.
    """
    sample = with_car(sample)
    return _inflated_patell(sample, mean_correlation(sample))


def patell_kp_overlap(sample: AbnormalReturns) -> TestValue:
    """Compute `patell_kp` with the correlation of windows that overlap in part.

    Raises
    ------
    EstimationError
        As `patell_kp`.

    References
    ----------
    Kolari and Pynnonen (2010), with rbar the mean of ``rho_ij |common sessions| / W``.
    """
    sample = with_car(sample)
    return _inflated_patell(sample, mean_off_diagonal(car_correlation(sample)))


def _inflated_patell(sample: AbnormalReturns, rbar: float) -> TestValue:
    plain = patell(sample)
    return normal_value(plain.value / math.sqrt(_inflation(len(sample), rbar)), len(sample))


def _inflation(n: int, rbar: float) -> float:
    factor = 1.0 + (n - 1) * rbar
    if factor <= 0:
        msg = f"mean correlation {rbar:.4f} over {n} pairs leaves no variance of the mean"
        raise EstimationError(msg)
    return factor


def bmp(sample: AbnormalReturns) -> TestValue:
    """``sqrt N mean(SCAR) / sd(SCAR)`` against t_{N-1}.

    Raises
    ------
    EstimationError
        When there is one SCAR, or all are equal.

    References
    ----------
    Boehmer, Musumeci and Poulsen (1991), Journal of Financial Economics 30, 253-272.
    """
    return mean_t(standardised_car(with_car(sample)), "standardised CAR")


def bmp_kp(sample: AbnormalReturns) -> TestValue:
    """``BMP sqrt((1 - rbar) / (1 + (N - 1) rbar))`` against t_{N-1}.

    Raises
    ------
    EstimationError
        As `bmp`, or when the correlation leaves no variance.

    References
    ----------
    Kolari and Pynnonen (2010), Review of Financial Studies 23, 3996-4025.
    """
    sample = with_car(sample)
    return _deflated_bmp(sample, mean_correlation(sample))


def bmp_kp_overlap(sample: AbnormalReturns) -> TestValue:
    """Compute `bmp_kp` with the correlation of windows that overlap in part.

    Raises
    ------
    EstimationError
        As `bmp_kp`.

    References
    ----------
    Kolari and Pynnonen (2010), with rbar the mean of ``rho_ij |common sessions| / W``.
    """
    sample = with_car(sample)
    return _deflated_bmp(sample, mean_off_diagonal(car_correlation(sample)))


def _deflated_bmp(sample: AbnormalReturns, rbar: float) -> TestValue:
    plain, n = bmp(sample), len(sample)
    if rbar >= 1.0:
        msg = "the windows coincide on one asset: one observation, not several"
        raise EstimationError(msg)
    return t_value(plain.value * math.sqrt((1.0 - rbar) / _inflation(n, rbar)), n - 1, n)
