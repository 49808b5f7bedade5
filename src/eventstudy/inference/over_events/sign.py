"""Sign and signed-rank tests over N pairs of event and asset."""

from __future__ import annotations

import math

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.over_events.sample import EventSample, OverEvents, centred_ranks
from eventstudy.inference.statistic import APART, NO_CROSS_CORRELATION, TestValue, normal_value

EXACT_SIGN_BELOW = 25
EXACT_WILCOXON_UP_TO = 25


@OverEvents(
    name="sign",
    title="sign test",
    paper="Brown and Warner (1980), JFE 8, 205-258",
    null="a CAR is as often positive as negative",
    distribution="exact binomial below N = 25, else N(0, 1)",
    formula="(N+ - N/2) / sqrt(N/4)",
    meaning="Did more events go one way than a fair coin would?",
    assumes=(NO_CROSS_CORRELATION, APART, "the median abnormal return is zero"),
    min_n=6,
    allows_event_variance=True,
)
def sign(sample: EventSample) -> TestValue:
    """Sign test of the CARs; one of exactly zero has no sign and is left out of N."""
    car = _signed(sample.car)
    n, positive = len(car), int((car > 0).sum())
    value = (positive - n / 2) / math.sqrt(n / 4)
    if n >= EXACT_SIGN_BELOW:
        return normal_value(value, n)
    from scipy.special import bdtr

    tail = float(bdtr(min(positive, n - positive), n, 0.5))
    return TestValue(value, math.nan, min(1.0, 2.0 * tail), n)


def _signed(car: FloatArray) -> FloatArray:
    nonzero: FloatArray = car[car != 0]
    if len(nonzero) == 0:
        msg = "every CAR is zero: none has a sign"
        raise EstimationError(msg)
    return nonzero


@OverEvents(
    name="generalised_sign",
    title="generalised sign test",
    paper="Cowan (1992), RQFA 2, 343-358",
    null="a CAR is positive as often as an estimation session",
    distribution="N(0, 1)",
    formula="(N+ - N p) / sqrt(N p (1-p)), p = mean_i (1/L_i) #{AR_it > 0}",
    meaning="Did more events go up than the ordinary share of up sessions?",
    assumes=(NO_CROSS_CORRELATION, APART),
    min_n=10,
    allows_event_variance=True,
)
def generalised_sign(sample: EventSample) -> TestValue:
    """Sign test against p, the mean over pairs of each one's own share of positive residuals."""
    n, residuals = len(sample), sample.pairs.ar_est
    present = np.maximum(np.isfinite(residuals).sum(axis=1), 1)
    p = float(np.mean((residuals > 0).sum(axis=1) / present))
    if not 0 < p < 1:
        msg = f"the share of positive estimation residuals is {p:.0f}"
        raise EstimationError(msg)
    value = (float((sample.car > 0).sum()) - n * p) / math.sqrt(n * p * (1 - p))
    return normal_value(value, n)


@OverEvents(
    name="wilcoxon",
    title="Wilcoxon signed rank",
    paper="Wilcoxon (1945), Biometrics Bulletin 1, 80-83",
    null="CARs are symmetric about zero",
    distribution="exact up to N = 25, else normal",
    formula="min(sum of ranks of |CAR| with CAR > 0, the same with CAR < 0)",
    meaning="Are moves one way larger and more frequent than moves the other way?",
    assumes=(NO_CROSS_CORRELATION, APART, "symmetric abnormal returns"),
    min_n=6,
    allows_event_variance=True,
)
def wilcoxon(sample: EventSample) -> TestValue:
    """Smaller of the two sums of signed ranks of the CARs.

    Zero CARs are left out, ties share their rank, and the exact distribution is that of the ranks
    as they are, ties included; above 25 the normal one with its tie correction.
    """
    car = _signed(sample.car)
    n, (centred, _) = len(car), centred_ranks(np.abs(car)[None, :])
    ranks = centred[0] + (n + 1) / 2
    plus = float(ranks[car > 0].sum())
    value = min(plus, n * (n + 1) / 2 - plus)
    if n <= EXACT_WILCOXON_UP_TO:
        return TestValue(value, math.nan, _signed_rank_pvalue(value, ranks), n)
    variance = float((ranks**2).sum()) / 4
    z = (value - n * (n + 1) / 4) / math.sqrt(variance)
    return TestValue(value, math.nan, normal_value(z, n).pvalue, n)


def _signed_rank_pvalue(smaller: float, ranks: FloatArray) -> float:
    """Two-sided exact p-value: count the sign patterns by the rank sum they give."""
    doubled = np.rint(2 * ranks).astype(int)  # midranks are halves
    ways = np.zeros(int(doubled.sum()) + 1)
    ways[0] = 1.0
    for rank in doubled:
        ways[rank:] += ways[:-rank].copy()
    tail = ways[: int(np.rint(2 * smaller)) + 1].sum() / ways.sum()
    return min(1.0, 2.0 * float(tail))
