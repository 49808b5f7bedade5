"""Events with an expected direction: how many went that way, and one-sided tests."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.over_dates.overlap import (
    ANYWHERE,
    NOISE,
    UNCORRELATED,
    overlap_z,
    studentised_shifts,
)
from eventstudy.inference.over_dates.sample import DatedReturns, OverDates
from eventstudy.inference.statistic import TestValue

SIGNS = {"up": 1.0, "down": -1.0}
NO_DIRECTION = "events do not move the price in their expected direction"
DECLARED = "directions were declared before the prices were seen"


@dataclass(frozen=True, slots=True)
class DirectionShare:
    """Share of the `n` events with an expected direction and a move that went that way.

    `low` and `high` are the exact (Clopper-Pearson) interval, `pvalue` the one-sided exact binomial
    one of a share above one half.
    """

    n: int
    n_expected: int
    share: float
    low: float
    high: float
    pvalue: float


def expected_signs(directions: tuple[str, ...]) -> FloatArray:
    """Turn "up" and "down" into +1 and -1, anything else into NaN (N,)."""
    signs = {text: SIGNS.get(text.strip().lower(), math.nan) for text in set(directions)}
    return np.array([signs[text] for text in directions], dtype=np.float64)


def one_sided(pvalues: FloatArray, signed: FloatArray) -> FloatArray:
    """Turn two-sided p-values (N,) of symmetric tests into one-sided ones.

    `signed` (N,) are the effects, positive in the expected direction; NaN, like the p-value, where
    none was declared.
    """
    one = np.where(signed > 0, pvalues / 2, 1 - pvalues / 2)
    return np.where(np.isfinite(signed), one, np.nan)


def direction_share(
    effects: FloatArray, signs: FloatArray, *, level: float = 0.05
) -> DirectionShare:
    """Count the events that went the expected way, of CARs (N,) and their expected directions (N,).

    A direction is NaN where none was declared; a CAR of exactly zero is left out. The interval
    covers ``1 - level``. Clopper and Pearson (1934), Biometrika 26, 404-413.
    """
    from scipy.stats import binomtest

    product = effects * signs
    product = product[np.isfinite(product) & (product != 0)]
    n, k = len(product), int((product > 0).sum())
    if n == 0:
        msg = "no event has an expected direction and a move"
        raise EstimationError(msg)
    interval = binomtest(k, n).proportion_ci(1 - level, method="exact")
    pvalue = float(binomtest(k, n, alternative="greater").pvalue)
    return DirectionShare(n, k, k / n, float(interval.low), float(interval.high), pvalue)


@OverDates(
    name="signed_overlap_z",
    title="overlap-exact z in the expected direction, one-sided",
    paper="this package",
    null=NO_DIRECTION,
    distribution="N(0, 1), upper tail",
    formula="overlap_z with windows signed by their expected direction",
    meaning="Did the price go where each event was expected to send it?",
    assumes=(UNCORRELATED, DECLARED),
    directional=True,
    studentised_by="signed_shift",
)
def signed_overlap_z(dated: DatedReturns) -> TestValue:
    """Overlap-exact z of the signed windows; one-sided, large where events go as expected."""
    from scipy.special import ndtr

    found = overlap_z(dated)
    return TestValue(found.value, math.nan, float(ndtr(-found.value)), found.n)


@OverDates(
    name="signed_shift",
    title="circular shift in the expected direction, one-sided",
    paper="this package",
    null=NO_DIRECTION,
    distribution="share of circular shifts, upper tail",
    formula="share of t(s) >= t(0), t(s) = mean / (sd / sqrt N) of the signed windows",
    meaning="The same by moving all dates along together, whatever the variance.",
    assumes=(ANYWHERE, DECLARED),
    min_n=5,
    allows_event_variance=True,
    directional=True,
    by_shifts=True,
)
def signed_shift(dated: DatedReturns) -> TestValue:
    """Circular-shift randomisation of the studentised signed mean; one-sided.

    Studentised within each placebo set, as `shift_mean`, so that events which are merely more
    volatile do not count as going the expected way.
    """
    values = studentised_shifts(dated)
    slack = NOISE * max(abs(float(values[0])), 1.0)
    return TestValue(
        float(values[0]), math.nan, float(np.mean(values >= values[0] - slack)), len(dated)
    )


@OverDates(
    name="direction_share",
    title="share of events in the expected direction, one-sided",
    paper="Clopper and Pearson (1934), Biometrika 26, 404-413",
    null="an event goes the expected way by a fair coin",
    distribution="exact binomial, upper tail",
    formula="#{CAR_i sign_i > 0} / N, with its exact interval",
    meaning="How many events went the way they were expected to?",
    assumes=("windows are independent", "directions were declared before the prices"),
    allows_event_variance=True,
    allows_cross_correlation=False,
    allows_overlap=False,
    directional=True,
    needs_level=True,
)
def expected_share(dated: DatedReturns, *, level: float = 0.05) -> TestValue:
    """Share of windows whose filtered returns went the expected way, its interval in the note."""
    found = direction_share(dated.unsigned().scores(), dated.sign, level=level)
    note = f"{100 * (1 - level):g}% interval {found.low:.2f} to {found.high:.2f}"
    return TestValue(found.share, math.nan, found.pvalue, found.n, note)
