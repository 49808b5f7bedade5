"""Tests that count every session once, however many windows cover it."""

from __future__ import annotations

import math

import numpy as np

from eventstudy.arrays import FloatArray, IntArray
from eventstudy.errors import EstimationError
from eventstudy.inference.over_dates.sample import DatedReturns, OverDates, Rejects
from eventstudy.inference.statistic import NO_EVENT_VARIANCE, TestValue, normal_value

NOISE = 1e-9
LEAST_MEAN = 5
LARGE = 8.0**9
UNCORRELATED = "filtered returns are uncorrelated in time"
ANYWHERE = "the dates could have fallen anywhere on the series"
SHIFTS = "share of circular shifts, steps of 1 / T"
MEAN_EFFECT_ZERO = "the mean effect is zero"
AS_VOLATILE = "event sessions are as volatile as others"


def _unit_effect(dated: DatedReturns) -> FloatArray:
    """Spread one effect over the sessions of each window, each session once, centred (T, A)."""
    unit = np.zeros(dated.z.shape)
    for step in range(dated.sessions):
        unit[dated.first + step, dated.column] = 1.0 / dated.sessions
    return np.asarray(unit - unit.mean(axis=0), dtype=float)


def _share_rejected(values: FloatArray, level: float) -> float:
    """Share of places whose first value is rejected among all shifts."""
    size = np.abs(values)
    pvalues = np.mean(size >= size[:, :1] * (1.0 - NOISE), axis=1)
    return float(np.mean(pvalues <= level))


def _placebo_overlap(dated: DatedReturns, places: IntArray, level: float) -> Rejects:
    """Judge `overlap_z`: an effect moves its sum linearly, and the scale of returns a little."""
    from scipy.special import ndtri

    cover, scale = dated.cover, math.sqrt(float(dated.variances.sum()))
    sums = shifted_sums(cover, dated.x)[places]
    unit, critical = _unit_effect(dated), -scale * float(ndtri(level / 2))
    per_effect, spread = float((cover * unit).sum()), float(unit.var(axis=0).mean())

    def rejects(effect: float) -> float:
        bound = critical * math.sqrt(1.0 + effect**2 * spread)
        return float(np.mean(np.abs(sums + effect * per_effect) > bound))

    return rejects


@OverDates(
    name="overlap_z",
    title="overlap-exact z",
    paper="this package; Var(sum CAR_i) = sigma^2 sum d_t^2",
    null=MEAN_EFFECT_ZERO,
    distribution="N(0, 1)",
    formula="sum_t d_t (z_t - zbar) / (sd(z) sqrt(sum_t d_t^2)), d_t windows over session t",
    meaning="Did the price move one way on event sessions, each counted as often as covered?",
    assumes=(UNCORRELATED, NO_EVENT_VARIANCE),
    studentised_by="shift_mean",
    placebo=_placebo_overlap,
)
def overlap_z(dated: DatedReturns) -> TestValue:
    """Overlap-exact z; d_t is the number of windows that cover session t.

    For several assets the variance is ``sum_t d_t' R d_t`` with R the correlation of their
    filtered returns.
    """
    variance = float(dated.variances.sum())
    if not variance > 0:
        msg = "no window has a filtered return that counts"
        raise EstimationError(msg)
    return normal_value(float((dated.cover * dated.x).sum()) / math.sqrt(variance), len(dated))


def _placebo_sharp(dated: DatedReturns, places: IntArray, level: float) -> Rejects:
    """Judge `shift_sharp`: its sums at a place are ``T(s + place) + effect A(s)``."""
    sums = shifted_sums(dated.cover, dated.x)
    moved = sums[(np.arange(len(sums)) + places[:, None]) % len(sums)]
    per_effect = shifted_sums(dated.cover, _unit_effect(dated))

    def rejects(effect: float) -> float:
        return _share_rejected(moved + effect * per_effect, level)

    return rejects


@OverDates(
    name="shift_sharp",
    title="circular shift, sharp null",
    paper="this package; randomisation after Fisher (1935), The Design of Experiments",
    null="no event has any effect, on mean or variance",
    distribution=SHIFTS,
    formula="share of |T(s)| >= |T(0)|, T(s) = sum_t d_{t-s} z_t; the value is T(0) / rms T(s)",
    meaning="Move all dates along together: how often is the sum as large as on the true ones?",
    assumes=(ANYWHERE,),
    by_shifts=True,
    studentised_by="shift_mean",
    placebo=_placebo_sharp,
)
def shift_sharp(dated: DatedReturns) -> TestValue:
    """Circular-shift randomisation of the sum over windows; the sharp null.

    The value is T(0) over the root mean square of all shifts; the observed one is one of them.
    """
    sums = shifted_sums(dated.cover, dated.x)
    spread = math.sqrt(float(np.mean(sums**2)))
    if not spread > 0:
        msg = "the sums of shifted windows do not vary"
        raise EstimationError(msg)
    return TestValue(float(sums[0]) / spread, math.nan, share_at_least(sums), len(dated))


def _placebo_mean(dated: DatedReturns, places: IntArray, level: float) -> Rejects:
    """Judge `shift_mean`: sums and squares at every shift, as polynomials of the effect."""
    starts, length = dated.starts, len(dated.z)
    blocks = circular_blocks(dated.x, dated.sessions)
    unit = circular_blocks(_unit_effect(dated), dated.sessions)
    turned = (np.arange(length) + places[:, None]) % length
    total, squares = (shifted_sums(starts, b)[turned] for b in (blocks, blocks**2))
    unit_total, unit_squares = (shifted_sums(starts, b) for b in (unit, unit**2))
    cross = np.array(
        [shifted_sums(starts, np.roll(blocks, -int(place), axis=0) * unit) for place in places]
    )

    def rejects(effect: float) -> float:
        summed = total + effect * unit_total
        squared = squares + 2.0 * effect * cross + effect**2 * unit_squares
        values = studentised(summed, squared, len(dated))
        return _share_rejected(np.where(np.isfinite(values), values, LARGE), level)

    return rejects


@OverDates(
    name="shift_mean",
    title="circular shift, mean null",
    paper="this package; studentised randomisation after Janssen (1997), SPL 36, 9-21",
    null="the mean effect is zero, whatever the variance",
    distribution=SHIFTS,
    formula="share of |t(s)| >= |t(0)|, t(s) = mean / (sd / sqrt N) within each placebo set",
    meaning="The same, where events may also make the price more volatile.",
    assumes=(ANYWHERE,),
    min_n=5,
    allows_event_variance=True,
    by_shifts=True,
    placebo=_placebo_mean,
)
def shift_mean(dated: DatedReturns) -> TestValue:
    """Circular-shift randomisation of the studentised mean of the windows; the mean null.

    Each placebo set is studentised by its own spread, so that windows which vary more than
    ordinary ones do not count as a mean effect.
    """
    values = studentised_shifts(dated)
    return TestValue(float(values[0]), math.nan, share_at_least(values), len(dated))


def studentised_shifts(dated: DatedReturns) -> FloatArray:
    """``mean / (sd / sqrt N)`` of the signed windows at every circular shift (T,)."""
    if len(dated) < LEAST_MEAN:
        msg = f"{len(dated)} windows: a studentised mean needs {LEAST_MEAN}"
        raise EstimationError(msg)
    blocks = circular_blocks(dated.x, dated.sessions)
    total = shifted_sums(dated.starts, blocks)
    squares = shifted_sums(dated.unsigned().starts, blocks**2)
    values = studentised(total, squares, len(dated))
    if not math.isfinite(values[0]):
        msg = "every window has the same sum"
        raise EstimationError(msg)
    return values


def studentised(total: FloatArray, squares: FloatArray, n: int) -> FloatArray:
    """``mean / (sd / sqrt n)`` from sums and sums of squares; infinite without spread."""
    variance = np.maximum(squares - total**2 / n, 0.0) / (n - 1)
    floor = NOISE * np.maximum(squares, NOISE)
    root = np.sqrt(np.where(variance > floor, variance, np.nan))
    values = total / n / (root / math.sqrt(n))
    return np.asarray(np.where(np.isnan(values), math.inf, values), dtype=float)


@OverDates(
    name="shift_variance",
    title="circular shift, variance effect",
    paper="this package; randomisation of the mean of |z|",
    null=AS_VOLATILE,
    distribution=SHIFTS,
    formula="share of |A(s) - Abar| >= |A(0) - Abar|, A(s) = mean |z| on covered sessions; "
    "the value is A(0) / mean |z| elsewhere",
    meaning="Do events move the price more than ordinary news, whichever way?",
    assumes=(ANYWHERE,),
    allows_event_variance=True,
    by_shifts=True,
)
def shift_variance(dated: DatedReturns) -> TestValue:
    """Circular-shift randomisation of the mean of |z| over covered sessions; the variance effect.

    Two-sided about the mean of the shifts.
    """
    covered = (dated.cover != 0).astype(float)
    present = dated.present.astype(float)
    size, outside = np.abs(dated.x), float((present - covered).sum())
    if not (covered.any() and outside > 0):
        msg = "event and ordinary sessions cannot be told apart"
        raise EstimationError(msg)
    counts = np.rint(shifted_sums(covered, present))
    means = shifted_sums(covered, size) / np.maximum(counts, 1.0)
    means = np.where(counts > 0, means, np.mean(size[present > 0]))
    ordinary = float((size * (present - covered)).sum()) / outside
    return TestValue(
        float(means[0]) / ordinary, math.nan, share_at_least(means - means.mean()), len(dated)
    )


@OverDates(
    name="brown_forsythe",
    title="Brown-Forsythe",
    paper="Brown and Forsythe (1974), JASA 69, 364-367",
    null=AS_VOLATILE,
    distribution="F(1, n - 2)",
    formula="F of |z - median| on covered against other sessions",
    meaning="The variance effect by a textbook test that takes sessions as independent.",
    assumes=("filtered returns are independent",),
    allows_event_variance=True,
    allows_cross_correlation=False,
)
def brown_forsythe(dated: DatedReturns) -> TestValue:
    """Brown-Forsythe F of filtered returns on event against ordinary sessions."""
    from scipy.special import fdtrc

    inside = dated.cover != 0
    groups = [dated.x[part] for part in (inside, dated.present & ~inside)]
    if min(len(group) for group in groups) < 2:  # noqa: PLR2004  # a spread needs two
        msg = "fewer than two sessions on one side of event and ordinary ones"
        raise EstimationError(msg)
    spreads = [np.abs(group - np.median(group)) for group in groups]
    n, pooled = sum(map(len, spreads)), np.concatenate(spreads)
    between = sum(len(s) * (s.mean() - pooled.mean()) ** 2 for s in spreads)
    within = sum(float(((s - s.mean()) ** 2).sum()) for s in spreads) / (n - 2)
    if not within > 0:
        msg = "the filtered returns do not vary"
        raise EstimationError(msg)
    value = float(between) / within
    return TestValue(value, float(n - 2), float(fdtrc(1, n - 2, value)), len(dated))


def shifted_sums(weights: FloatArray, values: FloatArray) -> FloatArray:
    """``sum_a sum_t weights[t - s, a] values[t, a]`` for every circular shift s (T,), by FFT."""
    spectrum = np.conj(np.fft.rfft(weights, axis=0)) * np.fft.rfft(values, axis=0)
    return np.asarray(np.fft.irfft(spectrum.sum(axis=1), n=len(values)), dtype=float)


def circular_blocks(values: FloatArray, sessions: int) -> FloatArray:
    """Sum of the W sessions that begin at each one, round the end (T, A)."""
    joined = np.concatenate([values, values[: sessions - 1]])
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(joined, axis=0)])
    return np.asarray(total[sessions:] - total[:-sessions], dtype=float)


def share_at_least(values: FloatArray) -> float:
    """Share of shifts at least as large in absolute value as the first, which is among them."""
    size = np.abs(values)
    if not math.isfinite(size[0]):
        return float(np.mean(~np.isfinite(size)))
    slack = NOISE * max(float(size[0]), float(np.median(size)))
    return float(np.mean(size >= size[0] - slack))
