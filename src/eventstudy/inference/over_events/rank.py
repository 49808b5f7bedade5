"""Rank tests over N pairs of event and asset."""

from __future__ import annotations

import math

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.over_events.sample import EventSample, OverEvents, centred_ranks
from eventstudy.inference.statistic import (
    APART,
    COMMON,
    NO_CROSS_CORRELATION,
    NO_EVENT_VARIANCE,
    TestValue,
    normal_value,
    spread,
    t_value,
)

ORDINARY_RANK = "event sessions rank like estimation sessions"
ORDINARY_CAR = "the standardised CAR ranks like an ordinary session"
CORRADO_ZIVNEY = "Corrado and Zivney (1992), JFQA 27, 465-478"
GENERALISED = "Kolari and Pynnonen (2011), Journal of Empirical Finance 18, 953-971"


@OverEvents(
    name="corrado_rank",
    title="Corrado rank",
    paper="Corrado (1989), JFE 23, 385-395; Cowan (1992), RQFA 2, 343-358",
    null=ORDINARY_RANK,
    distribution="N(0, 1)",
    formula="sqrt W mean_tau(Kbar) / S, Kbar_t = (1/N) sum (K_it - (T+1)/2), S its rms",
    meaning="Do event sessions rank high or low among each pair's own sessions?",
    assumes=(NO_EVENT_VARIANCE, COMMON, APART),
    allows_cross_correlation=True,
    needs_shared_sessions=True,
)
def corrado_rank(sample: EventSample) -> TestValue:
    """Mean rank of the event sessions; a missing session adds nothing to the sum."""
    total = sample.ranks.sum(axis=0, dtype=np.float64)
    return _against_own_spread(total / len(sample), sample)


@OverEvents(
    name="corrado_zivney_rank",
    title="Corrado-Zivney rank",
    paper=CORRADO_ZIVNEY,
    null=ORDINARY_RANK,
    distribution="N(0, 1)",
    formula="sum_tau V_tau / (sqrt W S), V_t = N_t^-1/2 sum (K_it/(1+T_i) - 1/2), S its rms",
    meaning="The rank test for series with missing sessions.",
    assumes=(NO_EVENT_VARIANCE, COMMON, APART),
    allows_cross_correlation=True,
    needs_shared_sessions=True,
)
def corrado_zivney_rank(sample: EventSample) -> TestValue:
    """Scaled ranks, for missing data; several sessions are summed and divided by sqrt W."""
    return _root_mean(1.0 / (1.0 + sample.rank_counts) @ sample.ranks, sample)


@OverEvents(
    name="corrado_zivney_sign",
    title="Corrado-Zivney sign",
    paper=CORRADO_ZIVNEY,
    null="event sessions lie as often above as below each pair's median",
    distribution="N(0, 1)",
    formula="sum_tau V_tau / (sqrt W S), V_t = N_t^-1/2 sum sign(AR_it - median_i), S its rms",
    meaning="Do event sessions fall on one side of each pair's median?",
    assumes=(COMMON, APART),
    allows_event_variance=True,
    allows_cross_correlation=True,
    needs_shared_sessions=True,
)
def corrado_zivney_sign(sample: EventSample) -> TestValue:
    """Compute `corrado_zivney_rank` with ``G_it = sign(AR_it - median_i)`` for the ranks."""
    total = sum(
        np.nansum(np.sign(values - np.nanmedian(values, axis=1, keepdims=True)), axis=0)
        for _, values in sample.joined()
    )
    return _root_mean(np.asarray(total), sample)


def _root_mean(total: FloatArray, sample: EventSample) -> TestValue:
    """Test ``N_t^-1/2 sum_i`` of scores, given their sums by session."""
    series = total / np.sqrt(np.maximum(sample.session_counts, 1))
    return _against_own_spread(series, sample)


def _against_own_spread(series: FloatArray, sample: EventSample) -> TestValue:
    """Divide the event part of a mean score by the root mean square of all of it."""
    live, length = sample.session_counts > 0, sample.pairs.ar_est.shape[1]
    rms = math.sqrt(float(np.mean(series[live] ** 2)))
    if not rms > 0:
        msg = "the scores do not vary: every abnormal return is tied"
        raise EstimationError(msg)
    event = series[length:][live[length:]]
    return normal_value(math.sqrt(len(event)) * float(event.mean()) / rms, len(sample))


@OverEvents(
    name="grank_t",
    title="generalised rank t",
    paper=GENERALISED,
    null=ORDINARY_CAR,
    distribution="t, T - 2 degrees of freedom (T = L + 1)",
    formula="Z sqrt((T-2) / (T-1-Z^2)), Z = Ubar_0 / S_U, S_U^2 = (1/T) sum (N_t/N) Ubar_t^2",
    meaning="Does the whole window, as one observation, rank high or low?",
    assumes=(COMMON, APART),
    min_n=20,
    allows_event_variance=True,
    allows_cross_correlation=True,
    needs_shared_sessions=True,
)
def grank_t(sample: EventSample) -> TestValue:
    """Generalised rank t; the event entry is in ``S_U``."""
    total, count, _ = _generalised_ranks(sample)
    mean = total[count > 0] / count[count > 0]
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


@OverEvents(
    name="grank_z",
    title="generalised rank z",
    paper=GENERALISED,
    null=ORDINARY_CAR,
    distribution="N(0, 1)",
    formula="sqrt(12 N (T + 1) / (T - 1)) Ubar_0",
    meaning="The generalised rank test where pairs are independent.",
    assumes=(NO_CROSS_CORRELATION, APART),
    min_n=20,
    allows_event_variance=True,
)
def grank_z(sample: EventSample) -> TestValue:
    """Generalised rank z.

    Where T_i differs by pair the variance of Ubar_0 is ``sum (T_i - 1) / (T_i + 1) / (12 N^2)``.
    """
    total, _, ranked = _generalised_ranks(sample)
    variance = float(((ranked - 1) / (ranked + 1)).sum()) / (12 * len(sample) ** 2)
    return normal_value(float(total[-1]) / len(sample) / math.sqrt(variance), len(sample))


def _generalised_ranks(sample: EventSample) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sum ``rank / (T_i + 1) - 1/2``, count the pairs, by session (L + 1,); ``T_i`` (N,).

    The event entry is the last.
    """
    scar = sample.scar
    event, s = scar / spread(scar, "standardised CAR"), np.sqrt(sample.pairs.s2)
    length = sample.pairs.ar_est.shape[1]
    total, count, ranked = np.zeros(length + 1), np.zeros(length + 1), np.empty(len(sample))
    for rows, values in sample.joined():
        scaled = np.concatenate([values[:, :length] / s[rows, None], event[rows, None]], axis=1)
        ranks, present = centred_ranks(scaled)
        ranked[rows] = present.sum(axis=1)
        total += (ranks / (ranked[rows, None] + 1)).sum(axis=0)
        count += present.sum(axis=0)
    return total, count, ranked
