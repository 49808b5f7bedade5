"""Tests of a mean that allow for skewness."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.values import (
    TestValue,
    normal_value,
    spread,
    t_value,
    with_car,
)

if TYPE_CHECKING:
    from eventstudy.models.abnormal import AbnormalReturns

LEAST_SKEW = 3


def johnson_t(sample: AbnormalReturns) -> TestValue:
    """``sqrt N (S + g S^2 / 3 + g / (6N))`` against t_{N-1}.

    Raises
    ------
    EstimationError
        When there are fewer than 3 CARs or all are equal.

    References
    ----------
    Johnson (1978), Journal of the American Statistical Association 73, 536-544.
    """
    return skewness_adjusted(with_car(sample).car, "CAR")


def skewness_adjusted(values: FloatArray, what: str) -> TestValue:
    """Return Johnson's t of a mean."""
    n, location, skew = len(values), *location_and_skew(values, what)
    value = math.sqrt(n) * (location + skew * location**2 / 3 + skew / (6 * n))
    return t_value(value, n - 1, n)


def hall_t(sample: AbnormalReturns) -> TestValue:
    """``sqrt N (S + g S^2 / 3 + g^2 S^3 / 27 + g / (6N))`` against N(0, 1).

    Raises
    ------
    EstimationError
        When there are fewer than 3 CARs or all are equal.

    References
    ----------
    Hall (1992), Journal of the Royal Statistical Society B 54, 221-228.
    """
    car = with_car(sample).car
    n, s, g = len(car), *location_and_skew(car, "CAR")
    value = math.sqrt(n) * (s + g * s**2 / 3 + g**2 * s**3 / 27 + g / (6 * n))
    return normal_value(value, n)


def location_and_skew(values: FloatArray, what: str) -> tuple[float, float]:
    """Return ``S = mean / sd`` and ``g = N / ((N-1)(N-2)) sum (x - mean)^3 / sd^3``.

    Raises
    ------
    EstimationError
        When there are fewer than 3 values or all are equal.
    """
    n = len(values)
    if n < LEAST_SKEW:
        msg = f"{n} values of {what}: skewness needs {LEAST_SKEW}"
        raise EstimationError(msg)
    sd = spread(values, what)
    cubes = float((((values - values.mean()) / sd) ** 3).sum())
    return float(values.mean()) / sd, n / ((n - 1) * (n - 2)) * cubes
