"""Buy-and-hold abnormal returns."""

from __future__ import annotations

import math

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.over_events.sample import EventSample, OverEvents
from eventstudy.inference.over_events.skewness import location_and_skew, skewness_adjusted
from eventstudy.inference.statistic import APART, NO_CROSS_CORRELATION, NORMAL, TestValue, mean_t

BOOTSTRAP_DRAWS = 9999
BOOTSTRAP_PART = 4
LEAST_BOOTSTRAP = 20
BLOCK = 2_000_000
BHAR_ZERO = "the mean BHAR is zero"
LYON_BARBER_TSAI = "Lyon, Barber and Tsai (1999), Journal of Finance 54, 165-201"


def buy_and_hold(sample: EventSample) -> FloatArray:
    """``prod(1 + R) - prod(1 + ER)`` over the sessions present (N,); refuses price changes.

    References
    ----------
    Barber and Lyon (1997), Journal of Financial Economics 43, 341-372.
    """
    pairs = sample.pairs
    if pairs.return_kind == "change":
        msg = "price changes do not compound: buy-and-hold needs log or simple returns"
        raise EstimationError(msg)
    present = np.isfinite(pairs.ar)
    grown = [np.where(present, x, 0.0) for x in (pairs.returns, pairs.expected)]
    if pairs.return_kind == "log":
        held, expected = (np.expm1(x.sum(axis=1)) for x in grown)
    else:
        held, expected = ((1.0 + x).prod(axis=1) - 1.0 for x in grown)
    return np.asarray(held - expected, dtype=float)


@OverEvents(
    name="bhar_t",
    title="buy-and-hold t",
    paper="Barber and Lyon (1997), JFE 43, 341-372",
    null=BHAR_ZERO,
    distribution="t, N - 1 degrees of freedom",
    formula="mean(BHAR) / (sd / sqrt N), BHAR = prod(1+R) - prod(1+ER)",
    meaning="Did holding through the window beat what the model expects?",
    assumes=(NO_CROSS_CORRELATION, APART, NORMAL),
    min_n=2,
    allows_event_variance=True,
)
def bhar_t(sample: EventSample) -> TestValue:
    """Return the t of the mean buy-and-hold abnormal return."""
    return mean_t(buy_and_hold(sample), "BHAR")


@OverEvents(
    name="bhar_skew_t",
    title="buy-and-hold t, adjusted for skewness",
    paper=LYON_BARBER_TSAI,
    null=BHAR_ZERO,
    distribution="t, N - 1 degrees of freedom",
    formula="sqrt N (S + g S^2/3 + g/(6N)) on BHAR",
    meaning="The buy-and-hold t where compounding makes a long right tail.",
    assumes=(NO_CROSS_CORRELATION, APART),
    min_n=5,
    allows_event_variance=True,
)
def bhar_skew_t(sample: EventSample) -> TestValue:
    """Skewness-adjusted t of the mean BHAR."""
    return skewness_adjusted(buy_and_hold(sample), "BHAR")


@OverEvents(
    name="bhar_bootstrap",
    title="buy-and-hold t, bootstrapped",
    paper=LYON_BARBER_TSAI,
    null=BHAR_ZERO,
    distribution="bootstrap, resamples of N / 4",
    formula="sqrt N (S + g S^2/3 + g/(6N)) on BHAR, against its own resamples",
    meaning="The skewness-adjusted t with critical values from the events themselves.",
    assumes=(NO_CROSS_CORRELATION, APART),
    min_n=20,
    allows_event_variance=True,
    needs_rng=True,
)
def bhar_bootstrap(sample: EventSample, rng: np.random.Generator) -> TestValue:
    """Skewness-adjusted t of the mean BHAR against its own bootstrap distribution.

    Resamples of N / 4 BHARs, centred on the sample mean; the p-value is twice the smaller tail,
    the observed value counted.
    """
    values = buy_and_hold(sample)
    if len(values) < LEAST_BOOTSTRAP:
        msg = f"{len(values)} BHARs: resamples of a quarter need {LEAST_BOOTSTRAP}"
        raise EstimationError(msg)
    observed = skewness_adjusted(values, "BHAR").value
    drawn = _bootstrap(values, rng)
    below, above = int((drawn <= observed).sum()), int((drawn >= observed).sum())
    pvalue = min(1.0, 2.0 * (1 + min(below, above)) / (len(drawn) + 1))
    return TestValue(observed, math.nan, pvalue, len(values))


def _bootstrap(values: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Skewness-adjusted t of resamples, about the sample mean."""
    location_and_skew(values, "BHAR")
    size = len(values) // BOOTSTRAP_PART
    rows = max(BLOCK // size, 1)
    # a block of resamples at a time: those of many events do not fit into memory together
    blocks = [min(rows, BOOTSTRAP_DRAWS - done) for done in range(0, BOOTSTRAP_DRAWS, rows)]
    return np.concatenate([_resampled(values, rng, n, size) for n in blocks])


def _resampled(values: FloatArray, rng: np.random.Generator, n: int, size: int) -> FloatArray:
    drawn = values[rng.integers(0, len(values), size=(n, size))]
    sd = drawn.std(axis=1, ddof=1)
    drawn, sd = drawn[sd > 0], sd[sd > 0]
    s = (drawn.mean(axis=1) - values.mean()) / sd
    cubes = (((drawn - drawn.mean(axis=1, keepdims=True)) / sd[:, None]) ** 3).sum(axis=1)
    g = size / ((size - 1) * (size - 2)) * cubes
    return np.asarray(math.sqrt(size) * (s + g * s**2 / 3 + g / (6 * size)), dtype=float)
