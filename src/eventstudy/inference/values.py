"""The value of a test, and the few laws the textbook statistics follow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError

if TYPE_CHECKING:
    from eventstudy.models.abnormal import AbnormalReturns


@dataclass(frozen=True, slots=True)
class TestValue:
    """What a statistic came to.

    Parameters
    ----------
    value : float
        The statistic.
    df : float
        Degrees of freedom of its t law; NaN where its law has none.
    pvalue : float
        Two-sided.
    n : int
        Pairs of event and asset that entered.
    """

    __test__ = False

    value: float
    df: float
    pvalue: float
    n: int


def normal_value(value: float, n: int) -> TestValue:
    """Give a statistic its two-sided p-value under N(0, 1)."""
    from scipy.special import ndtr

    return TestValue(float(value), math.nan, 2.0 * float(ndtr(-abs(value))), n)


def t_value(value: float, df: float, n: int) -> TestValue:
    """Give a statistic its two-sided p-value under t with `df` degrees of freedom."""
    from scipy.special import stdtr

    return TestValue(float(value), float(df), 2.0 * float(stdtr(df, -abs(value))), n)


def with_car(sample: AbnormalReturns, least: int = 1) -> AbnormalReturns:
    """Keep the pairs that have an abnormal return in the window.

    Raises
    ------
    EstimationError
        When fewer than `least` are left.
    """
    rows = np.flatnonzero(sample.n_sessions > 0)
    if len(rows) < least:
        msg = f"{len(rows)} pairs with an abnormal return in the window, {least} needed"
        raise EstimationError(msg)
    return sample.take(rows)


def standardised_car(sample: AbnormalReturns) -> FloatArray:
    """Return SCAR (N,) of pairs that all have one.

    Raises
    ------
    EstimationError
        When the estimation window of a pair has no variance.
    """
    flat = ~(sample.s2 > 0)
    if flat.any():
        i = int(np.argmax(flat))
        msg = (
            f"the estimation window of {sample.event_ids[i]!r} on {sample.assets[i]!r} "
            "has no variance"
        )
        raise EstimationError(msg)
    return sample.scar


def spread(values: FloatArray, what: str) -> float:
    """Return the standard deviation with n - 1.

    Raises
    ------
    EstimationError
        When there are fewer than two values, or all are equal.
    """
    if len(values) < 2:  # noqa: PLR2004  # a spread needs two
        msg = f"one {what} only: no spread across events"
        raise EstimationError(msg)
    sd = float(values.std(ddof=1))
    if not sd > 1e-12 * float(np.abs(values).max()):
        msg = f"every {what} is the same: no spread across events"
        raise EstimationError(msg)
    return sd
