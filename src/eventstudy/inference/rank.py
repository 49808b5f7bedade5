"""Rank tests over N pairs of event and asset."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
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


def corrado_rank(sample: AbnormalReturns) -> TestValue:
    """``sqrt W mean_tau(Kbar) / S`` against N(0, 1), ``S^2 = (1/T) sum_t Kbar_t^2``.

    ``Kbar_t = (1/N) sum_i (K_it - (T_i + 1) / 2)``; a missing session adds nothing to the sum.

    Raises
    ------
    EstimationError
        When the mean ranks do not vary.

    References
    ----------
    Corrado (1989), Journal of Financial Economics 23, 385-395; Cowan (1992) for several
    sessions.
    """
    sample = with_car(sample)
    ranks, count = midranks(_joined(sample))
    centred = ranks - (count[:, None] + 1) / 2
    return _against_own_spread(np.nansum(centred, axis=0) / len(sample), sample)


def corrado_zivney_rank(sample: AbnormalReturns) -> TestValue:
    """``V_0 / sqrt((1/T) sum V_t^2)`` against N(0, 1), for missing data.

    ``U_it = K_it / (1 + T_i)``, ``V_t = N_t^-1/2 sum_i (U_it - 1/2)``; several sessions are
    summed and divided by sqrt W.

    Raises
    ------
    EstimationError
        When the scaled ranks do not vary.

    References
    ----------
    Corrado and Zivney (1992), Journal of Financial and Quantitative Analysis 27, 465-478.
    """
    sample = with_car(sample)
    ranks, count = midranks(_joined(sample))
    return _against_own_spread(_root_sum(ranks / (1 + count[:, None]) - 0.5), sample)


def corrado_zivney_sign(sample: AbnormalReturns) -> TestValue:
    """Compute `corrado_zivney_rank` with ``G_it = sign(AR_it - median_i)`` for the ranks.

    Raises
    ------
    EstimationError
        When the signs do not vary.

    References
    ----------
    Corrado and Zivney (1992), Journal of Financial and Quantitative Analysis 27, 465-478.
    """
    sample = with_car(sample)
    joined = _joined(sample)
    signs = np.sign(joined - np.nanmedian(joined, axis=1, keepdims=True))
    return _against_own_spread(_root_sum(signs), sample)


def _joined(sample: AbnormalReturns) -> FloatArray:
    """Estimation and event sessions side by side (N, L + W)."""
    return np.concatenate([sample.ar_est, sample.ar], axis=1)


def midranks(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rank each row, ties shared, missing values skipped.

    Returns
    -------
    ranks : (N, T) float
        NaN where the value is missing.
    count : (N,) float
        Values present, T_i.
    """
    from scipy.stats import rankdata

    present = np.isfinite(values)
    # a missing value ranks above all others, which leaves their ranks as they are
    ranks = rankdata(np.where(present, values, np.inf), method="average", axis=1)
    return np.where(present, ranks, np.nan), present.sum(axis=1).astype(float)


def _root_sum(scores: FloatArray) -> FloatArray:
    """``N_t^-1/2 sum_i`` by session; NaN where no pair has one."""
    count = np.isfinite(scores).sum(axis=0)
    total = np.nansum(scores, axis=0)
    return np.where(count > 0, total / np.sqrt(np.maximum(count, 1)), np.nan)


def _against_own_spread(series: FloatArray, sample: AbnormalReturns) -> TestValue:
    """Divide the event part of a mean score by the root mean square of all of it."""
    live = np.asarray(np.isfinite(_joined(sample)).any(axis=0))
    rms = math.sqrt(float(np.mean(series[live] ** 2)))
    if not rms > 0:
        msg = "the scores do not vary: every abnormal return is tied"
        raise EstimationError(msg)
    event = series[sample.ar_est.shape[1] :][live[sample.ar_est.shape[1] :]]
    return normal_value(math.sqrt(len(event)) * float(event.mean()) / rms, len(sample))


def grank_t(sample: AbnormalReturns) -> TestValue:
    """``Z sqrt((T - 2) / (T - 1 - Z^2))`` against t_{T-2}, ``Z = Ubar_0 / S_U``.

    ``S_U^2 = (1/T) sum_t (N_t / N) Ubar_t^2`` with the event entry in it; T = L + 1.

    Raises
    ------
    EstimationError
        When the standardised CARs or the ranks do not vary.

    References
    ----------
    Kolari and Pynnonen (2011), Journal of Empirical Finance 18, 953-971.
    """
    sample = with_car(sample)
    scores, _ = _generalised_ranks(sample)
    count = np.asarray(np.isfinite(scores).sum(axis=0))
    mean = np.nansum(scores, axis=0)[count > 0] / count[count > 0]
    terms = len(mean)
    variance = float(np.sum(count[count > 0] / len(sample) * mean**2)) / terms
    if not variance > 0:
        msg = "the generalised ranks do not vary"
        raise EstimationError(msg)
    z = float(mean[-1]) / math.sqrt(variance)
    if terms < 3 or z**2 >= terms - 1:  # noqa: PLR2004  # T - 2 degrees of freedom
        msg = "the event takes all the variance of the generalised ranks: no t left"
        raise EstimationError(msg)
    return t_value(z * math.sqrt((terms - 2) / (terms - 1 - z**2)), terms - 2, len(sample))


def grank_z(sample: AbnormalReturns) -> TestValue:
    """``sqrt(12 N (T + 1) / (T - 1)) Ubar_0`` against N(0, 1).

    Where T_i differs by pair the variance of Ubar_0 is ``sum (T_i - 1) / (T_i + 1) / (12 N^2)``.

    Raises
    ------
    EstimationError
        When the standardised CARs do not vary.

    References
    ----------
    Kolari and Pynnonen (2011), Journal of Empirical Finance 18, 953-971.
    """
    sample = with_car(sample)
    scores, count = _generalised_ranks(sample)
    variance = float(((count - 1) / (count + 1)).sum()) / (12 * len(sample) ** 2)
    return normal_value(float(scores[:, -1].mean()) / math.sqrt(variance), len(sample))


def _generalised_ranks(sample: AbnormalReturns) -> tuple[FloatArray, FloatArray]:
    """``rank / (T_i + 1) - 1/2`` (N, L + 1), the event entry last, and T_i."""
    scar = standardised_car(sample)
    event = scar / spread(scar, "standardised CAR")
    estimation = sample.ar_est / np.sqrt(sample.s2)[:, None]
    ranks, count = midranks(np.concatenate([estimation, event[:, None]], axis=1))
    return ranks / (count[:, None] + 1) - 0.5, count
