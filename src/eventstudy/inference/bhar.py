"""Buy-and-hold abnormal returns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.parametric import mean_t
from eventstudy.inference.skewness import location_and_skew, skewness_adjusted
from eventstudy.inference.values import TestValue, with_car

if TYPE_CHECKING:
    from eventstudy.models.abnormal import AbnormalReturns

BOOTSTRAP_DRAWS = 9999
BOOTSTRAP_PART = 4
LEAST_BOOTSTRAP = 20


def buy_and_hold(sample: AbnormalReturns) -> FloatArray:
    """``prod(1 + R) - prod(1 + ER)`` over the sessions present (N,), simple returns.

    Raises
    ------
    EstimationError
        When returns are price changes, which do not compound.

    References
    ----------
    Barber and Lyon (1997), Journal of Financial Economics 43, 341-372.
    """
    if sample.return_kind == "change":
        msg = "price changes do not compound: buy-and-hold needs log or simple returns"
        raise EstimationError(msg)
    present = np.isfinite(sample.ar)
    grown = [np.where(present, x, 0.0) for x in (sample.returns, sample.expected)]
    if sample.return_kind == "log":
        held, expected = (np.expm1(x.sum(axis=1)) for x in grown)
    else:
        held, expected = ((1.0 + x).prod(axis=1) - 1.0 for x in grown)
    return np.asarray(held - expected, dtype=float)


def bhar_t(sample: AbnormalReturns) -> TestValue:
    """``mean(BHAR) / (sd / sqrt N)`` against t_{N-1}.

    Raises
    ------
    EstimationError
        When returns do not compound, or there is no spread.

    References
    ----------
    Barber and Lyon (1997), Journal of Financial Economics 43, 341-372.
    """
    return mean_t(buy_and_hold(with_car(sample)), "BHAR")


def bhar_skew_t(sample: AbnormalReturns) -> TestValue:
    """Skewness-adjusted t of the mean BHAR, against t_{N-1}.

    Raises
    ------
    EstimationError
        When returns do not compound, or there are fewer than 3.

    References
    ----------
    Lyon, Barber and Tsai (1999), Journal of Finance 54, 165-201.
    """
    return skewness_adjusted(buy_and_hold(with_car(sample)), "BHAR")


def bhar_bootstrap(sample: AbnormalReturns, rng: np.random.Generator) -> TestValue:
    """Skewness-adjusted t of the mean BHAR against its own bootstrap law.

    Resamples of N / 4 BHARs, centred on the sample mean; the p-value is twice the smaller tail,
    the observed value counted.

    Raises
    ------
    EstimationError
        When returns do not compound, or there are fewer than 20.

    References
    ----------
    Lyon, Barber and Tsai (1999), Journal of Finance 54, 165-201.
    """
    values = buy_and_hold(with_car(sample))
    if len(values) < LEAST_BOOTSTRAP:
        msg = f"{len(values)} BHARs: resamples of a quarter need {LEAST_BOOTSTRAP}"
        raise EstimationError(msg)
    observed = skewness_adjusted(values, "BHAR").value
    law = _bootstrap_law(values, rng)
    below, above = int((law <= observed).sum()), int((law >= observed).sum())
    pvalue = min(1.0, 2.0 * (1 + min(below, above)) / (len(law) + 1))
    return TestValue(observed, math.nan, pvalue, len(values))


def _bootstrap_law(values: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Skewness-adjusted t of resamples, about the sample mean."""
    location_and_skew(values, "BHAR")
    size = len(values) // BOOTSTRAP_PART
    drawn = values[rng.integers(0, len(values), size=(BOOTSTRAP_DRAWS, size))]
    sd = drawn.std(axis=1, ddof=1)
    drawn, sd = drawn[sd > 0], sd[sd > 0]
    s = (drawn.mean(axis=1) - values.mean()) / sd
    cubes = (((drawn - drawn.mean(axis=1, keepdims=True)) / sd[:, None]) ** 3).sum(axis=1)
    g = size / ((size - 1) * (size - 2)) * cubes
    return np.asarray(math.sqrt(size) * (s + g * s**2 / 3 + g / (6 * size)), dtype=float)
