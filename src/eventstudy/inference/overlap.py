"""Tests that count every session once, however many windows cover it."""

from __future__ import annotations

import math

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.dated import DatedReturns
from eventstudy.inference.values import TestValue, normal_value

NOISE = 1e-9
LEAST_MEAN = 5


def overlap_z(dated: DatedReturns) -> TestValue:
    """``sum_t d_t (z_t - zbar) / (sd(z) sqrt(sum_t d_t^2))`` against N(0, 1).

    d_t is the number of windows that cover session t. For several assets the variance is
    ``sum_t d_t' R d_t`` with R the correlation of their filtered returns.

    Parameters
    ----------
    dated : DatedReturns
        N windows.

    Raises
    ------
    EstimationError
        When no window has a filtered return, or expected signs cancel.

    References
    ----------
    Own construction: the variance of a sum of overlapping sums is ``sigma^2 sum_t d_t^2``, not
    ``sigma^2 N W``.
    """
    cover = dated.cover
    variance = float(np.einsum("ta,ab,tb->", cover, dated.correlation, cover))
    if not variance > 0:
        msg = "no window has a filtered return that counts"
        raise EstimationError(msg)
    return normal_value(float((cover * dated.x).sum()) / math.sqrt(variance), len(dated))


def shift_sharp(dated: DatedReturns) -> TestValue:
    """Circular-shift randomisation of ``T(s) = sum_t d_{t-s} x_t``; the sharp null.

    The value is T(0) over the root mean square of all shifts; the p-value the share of shifts,
    the observed one included, with ``|T(s)| >= |T(0)|``.

    Parameters
    ----------
    dated : DatedReturns
        N windows.

    Raises
    ------
    EstimationError
        When the filtered returns do not vary.
    """
    sums = shifted_sums(dated.cover, dated.x)
    spread = math.sqrt(float(np.mean(sums**2)))
    if not spread > 0:
        msg = "the sums of shifted windows do not vary"
        raise EstimationError(msg)
    return TestValue(float(sums[0]) / spread, math.nan, share_at_least(sums), len(dated))


def shift_mean(dated: DatedReturns) -> TestValue:
    """Circular-shift randomisation of ``mean / (sd / sqrt N)`` of the windows; the mean null.

    Each placebo set is studentised by its own spread, so that windows which vary more than
    ordinary ones do not count as a mean effect.

    Parameters
    ----------
    dated : DatedReturns
        N windows, at least 5.

    Raises
    ------
    EstimationError
        When there are fewer than 5 windows, or they all have the same sum.
    """
    values = studentised_shifts(dated)
    return TestValue(float(values[0]), math.nan, share_at_least(values), len(dated))


def studentised_shifts(dated: DatedReturns) -> FloatArray:
    """``mean / (sd / sqrt N)`` of the signed windows at every circular shift (T,).

    Raises
    ------
    EstimationError
        When there are fewer than 5 windows, or they all have the same sum.
    """
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


def shift_variance(dated: DatedReturns) -> TestValue:
    """Circular-shift randomisation of the mean of |z| over covered sessions; the variance effect.

    The value is that mean over the mean of |z| on all other sessions; two-sided about the mean
    of the shifts.

    Parameters
    ----------
    dated : DatedReturns
        N windows.

    Raises
    ------
    EstimationError
        When every session is covered, or none has a filtered return.
    """
    covered = (dated.cover != 0).astype(float)
    present = np.isfinite(dated.z).astype(float)
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


def brown_forsythe(dated: DatedReturns) -> TestValue:
    """Brown-Forsythe F of filtered returns on event against ordinary sessions, F(1, n - 2).

    Parameters
    ----------
    dated : DatedReturns
        N windows.

    Raises
    ------
    EstimationError
        When a group has fewer than two sessions.

    References
    ----------
    Brown and Forsythe (1974), Journal of the American Statistical Association 69, 364-367.
    """
    from scipy.special import fdtrc

    inside = dated.cover != 0
    groups = [dated.x[part] for part in (inside, np.isfinite(dated.z) & ~inside)]
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
