"""Many events looked at one by one: what their smallest p-values are worth together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.inference.dated import DatedReturns
from eventstudy.inference.overlap import circular_blocks, overlap_z, shift_sharp


def holm(pvalues: FloatArray) -> FloatArray:
    """Adjust p-values for the chance of any false finding; NaN stays NaN and does not count.

    Parameters
    ----------
    pvalues : (N,) float
        Single p-values.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    return _ordered(pvalues, lambda p: np.maximum.accumulate(p * np.arange(len(p), 0, -1)))


def benjamini_hochberg(pvalues: FloatArray) -> FloatArray:
    """Adjust p-values for the expected share of false findings; NaN stays NaN.

    Parameters
    ----------
    pvalues : (N,) float
        Single p-values.

    References
    ----------
    Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.
    """

    def adjust(p: FloatArray) -> FloatArray:
        scaled = p * len(p) / np.arange(1, len(p) + 1)
        return np.minimum.accumulate(scaled[::-1])[::-1]

    return _ordered(pvalues, adjust)


def _ordered(pvalues: FloatArray, adjust) -> FloatArray:  # type: ignore[no-untyped-def]  # noqa: ANN001  # a function of sorted p-values
    """Apply an adjustment to the sorted p-values and put them back."""
    adjusted = np.full(len(pvalues), math.nan)
    known = np.flatnonzero(np.isfinite(pvalues))
    order = known[np.argsort(pvalues[known], kind="stable")]
    adjusted[order] = np.minimum(adjust(pvalues[order]), 1.0)
    return adjusted


def step_down(dated: DatedReturns) -> FloatArray:
    """Adjust the windows of a study together by the largest |z| of the same placebo shifts.

    Window i scores ``|sum of x| / sqrt(W)``. Every circular shift of all windows together gives a
    placebo set; the adjusted p-value of the k-th largest score is the share of shifts whose
    largest score among the windows not yet passed reaches it, made monotone.

    Parameters
    ----------
    dated : DatedReturns
        N windows.

    Returns
    -------
    (N,) float
        Adjusted p-values.

    References
    ----------
    Westfall and Young (1993), Resampling-Based Multiple Testing; Romano and Wolf (2005),
    Econometrica 73, 1237-1282.
    """
    blocks = np.abs(circular_blocks(dated.x, dated.sessions))
    observed = blocks[dated.first, dated.column]
    order = np.argsort(-observed, kind="stable")
    total, length = np.zeros(len(order)), len(dated.z)
    largest = np.zeros(length)
    for rank in range(len(order) - 1, -1, -1):
        i = order[rank]
        shifted = np.roll(blocks[:, dated.column[i]], -int(dated.first[i]))
        largest = np.maximum(largest, shifted)
        total[rank] = np.mean(largest >= observed[i] * (1 - 1e-12))
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate(total)
    return adjusted


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """What the study would say without each event.

    Parameters
    ----------
    event_ids : tuple of str
        The event left out.
    overlap_z, p_overlap, p_shift : (N,) float
        The overlap-exact z, its p-value, and that of the sharp circular shift, without it.
    """

    event_ids: tuple[str, ...]
    overlap_z: FloatArray
    p_overlap: FloatArray
    p_shift: FloatArray


def leave_one_out(dated: DatedReturns) -> Influence:
    """Leave out one event at a time, on every asset where it has a window.

    Parameters
    ----------
    dated : DatedReturns
        Windows of at least two events.

    Raises
    ------
    EstimationError
        When there is one event only.
    """
    events = tuple(dict.fromkeys(dated.event_ids))
    labels = np.array(dated.event_ids, dtype=object)
    values = []
    for event in events:
        rest = dated.take(np.flatnonzero(labels != event))
        z = overlap_z(rest)
        values.append((z.value, z.pvalue, shift_sharp(rest).pvalue))
    table = np.array(values)
    return Influence(events, table[:, 0], table[:, 1], table[:, 2])
