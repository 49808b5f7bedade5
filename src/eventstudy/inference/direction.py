"""Events with an expected direction: how many went that way, and one-sided tests."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.dated import DatedReturns
from eventstudy.inference.overlap import NOISE, overlap_z, studentised_shifts
from eventstudy.inference.values import TestValue

SIGNS = {"up": 1.0, "down": -1.0}


@dataclass(frozen=True, slots=True)
class DirectionShare:
    """Share of events that went the expected way.

    Parameters
    ----------
    n : int
        Events with an expected direction and a move.
    n_expected : int
        Those that went that way.
    share : float
        The quotient.
    low, high : float
        Exact (Clopper-Pearson) interval.
    pvalue : float
        One-sided exact binomial p-value of a share above one half.
    """

    n: int
    n_expected: int
    share: float
    low: float
    high: float
    pvalue: float


def expected_signs(directions: tuple[str, ...]) -> FloatArray:
    """Turn "up" and "down" into +1 and -1, anything else into NaN (N,)."""
    return np.array([SIGNS.get(text.strip().lower(), math.nan) for text in directions])


def one_sided(pvalues: FloatArray, signed: FloatArray) -> FloatArray:
    """Turn two-sided p-values into one-sided ones (N,); NaN where no direction was declared.

    Parameters
    ----------
    pvalues : (N,) float
        Two-sided p-values of tests that are symmetric about zero.
    signed : (N,) float
        Effects, positive in the expected direction.
    """
    one = np.where(signed > 0, pvalues / 2, 1 - pvalues / 2)
    return np.where(np.isfinite(signed), one, np.nan)


def direction_share(
    effects: FloatArray, signs: FloatArray, *, level: float = 0.05
) -> DirectionShare:
    """Count the events that went the expected way.

    Parameters
    ----------
    effects : (N,) float
        CARs.
    signs : (N,) float
        Expected directions; NaN where none was declared. A CAR of exactly zero is left out.
    level : float
        The interval covers ``1 - level``.

    Raises
    ------
    EstimationError
        When no event has an expected direction and a move.

    References
    ----------
    Clopper and Pearson (1934), Biometrika 26, 404-413.
    """
    from scipy.special import betaincinv

    product = effects * signs
    product = product[np.isfinite(product) & (product != 0)]
    n, k = len(product), int((product > 0).sum())
    if n == 0:
        msg = "no event has an expected direction and a move"
        raise EstimationError(msg)
    low = float(betaincinv(k, n - k + 1, level / 2)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - level / 2)) if k < n else 1.0
    tail = sum(math.comb(n, j) for j in range(k, n + 1)) / math.pow(2.0, n)
    return DirectionShare(n, k, k / n, low, high, tail)


def signed_overlap_z(dated: DatedReturns) -> TestValue:
    """Overlap-exact z of the signed windows; one-sided, large where events go as expected.

    Raises
    ------
    EstimationError
        As `overlap_z`.
    """
    from scipy.special import ndtr

    found = overlap_z(dated)
    return TestValue(found.value, math.nan, float(ndtr(-found.value)), found.n)


def signed_shift(dated: DatedReturns) -> TestValue:
    """Circular-shift randomisation of the studentised signed mean; one-sided.

    Studentised within each placebo set, as `shift_mean`, so that events which are merely more
    volatile do not count as going the expected way.

    Parameters
    ----------
    dated : DatedReturns
        N windows with their signs, at least 5.

    Raises
    ------
    EstimationError
        When there are fewer than 5 windows, or they all have the same sum.
    """
    values = studentised_shifts(dated)
    slack = NOISE * max(abs(float(values[0])), 1.0)
    return TestValue(
        float(values[0]), math.nan, float(np.mean(values >= values[0] - slack)), len(dated)
    )


def share_value(
    effects: FloatArray, signs: FloatArray, *, level: float, note: str
) -> tuple[TestValue, str]:
    """Return the share as a test value, its interval in the note.

    Raises
    ------
    EstimationError
        As `direction_share`.
    """
    found = direction_share(effects, signs, level=level)
    interval = f"{100 * (1 - level):.0f} % interval {found.low:.2f} to {found.high:.2f}"
    return TestValue(found.share, math.nan, found.pvalue, found.n), f"{note}; {interval}"
