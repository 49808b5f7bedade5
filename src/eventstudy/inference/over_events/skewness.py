"""Tests of a mean CAR that allow for skewness."""

from __future__ import annotations

import math

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.over_events.sample import EventSample, OverEvents
from eventstudy.inference.statistic import (
    APART,
    MEAN_ZERO,
    NO_CROSS_CORRELATION,
    TestValue,
    normal_value,
    spread,
    t_value,
)

LEAST_SKEW = 3


@OverEvents(
    name="johnson_t",
    title="skewness-adjusted t",
    paper="Johnson (1978), JASA 73, 536-544",
    null=MEAN_ZERO,
    distribution="t, N - 1 degrees of freedom",
    formula="sqrt N (S + g S^2/3 + g/(6N)), S = CAAR / s_CAR, g the skewness of the CARs",
    meaning="The cross-sectional t, corrected where a few large moves lean to one side.",
    assumes=(NO_CROSS_CORRELATION, APART),
    min_n=5,
    allows_event_variance=True,
)
def johnson_t(sample: EventSample) -> TestValue:
    """Skewness-adjusted t of the mean CAR."""
    return skewness_adjusted(sample.car, "CAR")


def skewness_adjusted(values: FloatArray, what: str) -> TestValue:
    """Return Johnson's t of a mean."""
    n, location, skew = len(values), *location_and_skew(values, what)
    value = math.sqrt(n) * (location + skew * location**2 / 3 + skew / (6 * n))
    return t_value(value, n - 1, n)


@OverEvents(
    name="hall_t",
    title="Hall's transformed t",
    paper="Hall (1992), JRSS B 54, 221-228",
    null=MEAN_ZERO,
    distribution="N(0, 1)",
    formula="sqrt N (S + g S^2/3 + g^2 S^3/27 + g/(6N))",
    meaning="The cross-sectional t with its skewness removed by a monotone transform.",
    assumes=(NO_CROSS_CORRELATION, APART),
    min_n=10,
    allows_event_variance=True,
)
def hall_t(sample: EventSample) -> TestValue:
    """Hall's transformed t of the mean CAR."""
    n, s, g = len(sample), *location_and_skew(sample.car, "CAR")
    value = math.sqrt(n) * (s + g * s**2 / 3 + g**2 * s**3 / 27 + g / (6 * n))
    return normal_value(value, n)


def location_and_skew(values: FloatArray, what: str) -> tuple[float, float]:
    """``S = mean / sd`` and ``g = N / ((N-1)(N-2)) sum (x - mean)^3 / sd^3``, from 3 values on."""
    n = len(values)
    if n < LEAST_SKEW:
        msg = f"{n} values of {what}: skewness needs {LEAST_SKEW}"
        raise EstimationError(msg)
    sd = spread(values, what)
    cubes = float((((values - values.mean()) / sd) ** 3).sum())
    return float(values.mean()) / sd, n / ((n - 1) * (n - 2)) * cubes
