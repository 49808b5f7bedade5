"""Sign and signed-rank tests over N pairs of event and asset."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.values import TestValue, normal_value, with_car

if TYPE_CHECKING:
    from eventstudy.models.abnormal import AbnormalReturns

EXACT_SIGN_BELOW = 25
EXACT_WILCOXON_UP_TO = 25


def sign(sample: AbnormalReturns) -> TestValue:
    """``(N+ - N/2) / sqrt(N/4)``; the exact binomial p-value below 25 CARs.

    A CAR of exactly zero has no sign and is left out of N.

    Raises
    ------
    EstimationError
        When no CAR has a sign.

    References
    ----------
    Brown and Warner (1980), Journal of Financial Economics 8, 205-258.
    """
    car = _signed(with_car(sample).car)
    n, positive = len(car), int((car > 0).sum())
    value = (positive - n / 2) / math.sqrt(n / 4)
    if n >= EXACT_SIGN_BELOW:
        return normal_value(value, n)
    return TestValue(value, math.nan, _binomial_pvalue(positive, n), n)


def _binomial_pvalue(positive: int, n: int) -> float:
    """Two-sided exact p-value of a fair coin."""
    extreme = max(positive, n - positive)
    tail = sum(math.comb(n, k) for k in range(extreme, n + 1)) / math.pow(2.0, n)
    return min(1.0, 2.0 * tail)


def _signed(car: FloatArray) -> FloatArray:
    nonzero: FloatArray = car[car != 0]
    if len(nonzero) == 0:
        msg = "every CAR is zero: none has a sign"
        raise EstimationError(msg)
    return nonzero


def generalised_sign(sample: AbnormalReturns) -> TestValue:
    """``(N+ - N p) / sqrt(N p (1 - p))`` against N(0, 1).

    p is the mean over pairs of each one's own share of positive estimation residuals.

    Raises
    ------
    EstimationError
        When that share is 0 or 1.

    References
    ----------
    Cowan (1992), Review of Quantitative Finance and Accounting 2, 343-358.
    """
    sample = with_car(sample)
    n, present = len(sample), np.isfinite(sample.ar_est)
    positive = np.where(present, sample.ar_est, 0.0) > 0
    p = float(np.mean(positive.sum(axis=1) / np.maximum(present.sum(axis=1), 1)))
    if not 0 < p < 1:
        msg = f"the share of positive estimation residuals is {p:.0f}"
        raise EstimationError(msg)
    value = (float((sample.car > 0).sum()) - n * p) / math.sqrt(n * p * (1 - p))
    return normal_value(value, n)


def wilcoxon(sample: AbnormalReturns) -> TestValue:
    """Smaller of the two sums of signed ranks of the CARs; exact law up to 25 of them.

    Zero CARs are left out, ties share their rank, and the exact law is that of the ranks as they
    are, ties included; above 25 the normal law with its tie correction.

    Raises
    ------
    EstimationError
        When every CAR is zero.

    References
    ----------
    Wilcoxon (1945), Biometrics Bulletin 1, 80-83.
    """
    from scipy.stats import rankdata

    car = _signed(with_car(sample).car)
    n, ranks = len(car), rankdata(np.abs(car))
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
