"""Many events looked at one by one: what their smallest p-values are worth together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np

from eventstudy.arrays import FloatArray, IntArray
from eventstudy.inference.over_dates.overlap import (
    ANYWHERE,
    circular_blocks,
    overlap_z,
    shift_sharp,
)
from eventstudy.inference.over_dates.sample import DatedReturns
from eventstudy.inference.statistic import Scope, Statistic

NO_EFFECT = "no event of the study has an effect"
SINGLE_VALID = "single p-values are valid"
SINGLE = "single p-values"


@dataclass(frozen=True, eq=False)
class Family:
    """The events of one asset over one window, looked at together.

    Single `pvalues` (N,), NaN where there is none; `sessions` (N,), session 0 of each: events on
    one session are one test, counted once; `windows` gives their windows on filtered returns, or an
    `EstimationError` why there are none.
    """

    event_ids: tuple[str, ...]
    pvalues: FloatArray
    sessions: IntArray
    windows: Callable[[], DatedReturns]

    def __len__(self) -> int:
        return len(self.event_ids)

    @cached_property
    def dated(self) -> DatedReturns:
        """Windows on filtered returns, each counted as +1."""
        return self.windows().unsigned()

    def adjusted(self, method: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Adjust the single p-values, those of one session counted once (N,)."""
        known = np.isfinite(self.pvalues)
        _, first, place = np.unique(self.sessions[known], return_index=True, return_inverse=True)
        found = np.full(len(self), math.nan)
        found[known] = method(self.pvalues[known][first])[place]
        return found

    def over_windows(self, method: Callable[[DatedReturns], FloatArray]) -> FloatArray:
        """Adjust by the windows on filtered returns (N,); NaN for an event without one."""
        found = dict(zip(self.dated.event_ids, method(self.dated), strict=True))
        return np.array([found.get(event_id, math.nan) for event_id in self.event_ids])


@dataclass(frozen=True, slots=True, kw_only=True)
class OverFamily(Statistic):
    """Declare an adjustment of single p-values, one adjusted p-value per event.

    It `takes` the p-values, as ``function(pvalues)``, or the windows, as ``function(dated)``.
    """

    scope: ClassVar[Scope] = "family"

    takes: Literal["pvalues", "windows"] = "pvalues"
    min_n: int = 2
    allows_cross_correlation: bool = True
    allows_overlap: bool = True

    def adjust(self, family: Family) -> FloatArray:
        """Return the adjusted p-value of each event (N,)."""
        if self.takes == "windows":
            return family.over_windows(self.function)
        return family.adjusted(self.function)


@OverFamily(
    name="max_z",
    title="max-|z| step-down",
    paper="Westfall and Young (1993); Romano and Wolf (2005), Econometrica 73, 1237-1282",
    null=NO_EFFECT,
    distribution="largest |z| of the same placebo shifts",
    formula="share of shifts with max_j |z_j(s)| >= |z_i|, j over windows not yet passed",
    meaning="The p-value of each event, given how many events were looked at.",
    assumes=(ANYWHERE,),
    takes="windows",
)
def step_down(dated: DatedReturns) -> FloatArray:
    """Adjust the windows of a study together by the largest |z| of the same placebo shifts (N,).

    Window i scores ``|sum of x| / sqrt(W)``. Every circular shift of all windows together gives a
    placebo set; the adjusted p-value of the k-th largest score is the share of shifts whose
    largest score among the windows not yet passed reaches it, made monotone.
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


@OverFamily(
    name="holm",
    title="Holm",
    paper="Holm (1979), Scandinavian Journal of Statistics 6, 65-70",
    null=NO_EFFECT,
    distribution=SINGLE,
    formula="max_{j<=k} (N - j + 1) p_(j)",
    meaning="Single p-values, adjusted so that any false finding is rare.",
    assumes=(SINGLE_VALID,),
)
def holm(pvalues: FloatArray) -> FloatArray:
    """Adjust p-values (N,) for the chance of any false finding; NaN is not counted."""
    return _by_rank(pvalues, lambda p: np.maximum.accumulate(p * np.arange(len(p), 0, -1)))


@OverFamily(
    name="benjamini_hochberg",
    title="Benjamini-Hochberg",
    paper="Benjamini and Hochberg (1995), JRSS B 57, 289-300",
    null=NO_EFFECT,
    distribution=SINGLE,
    formula="min_{j>=k} N p_(j) / j",
    meaning="Single p-values, adjusted so that few findings are false.",
    assumes=(SINGLE_VALID, "they are independent or positively dependent"),
    allows_cross_correlation=False,
)
def benjamini_hochberg(pvalues: FloatArray) -> FloatArray:
    """Adjust p-values (N,) for the expected share of false findings; NaN stays NaN."""

    def adjust(p: FloatArray) -> FloatArray:
        scaled = p * len(p) / np.arange(1, len(p) + 1)
        return np.asarray(np.minimum.accumulate(scaled[::-1])[::-1], dtype=float)

    return _by_rank(pvalues, adjust)


def _by_rank(pvalues: FloatArray, adjust: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Adjust the sorted p-values and put them back.

    Not by `scipy.stats`, whose import takes longer than a study of a thousand events.
    """
    adjusted = np.full(len(pvalues), math.nan)
    known = np.flatnonzero(np.isfinite(pvalues))
    order = known[np.argsort(pvalues[known], kind="stable")]
    adjusted[order] = np.minimum(adjust(pvalues[order]), 1.0)
    return adjusted


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """What the study would say without each event: overlap-exact z and p, sharp shift p."""

    event_ids: tuple[str, ...]
    overlap_z: FloatArray
    p_overlap: FloatArray
    p_shift: FloatArray


def leave_one_out(dated: DatedReturns) -> Influence:
    """Leave out one of two events or more at a time, on every asset where it has a window."""
    events = tuple(dict.fromkeys(dated.event_ids))
    labels = np.array(dated.event_ids, dtype=object)
    values = []
    for event in events:
        rest = dated.take(np.flatnonzero(labels != event))
        z = overlap_z(rest)
        values.append((z.value, z.pvalue, shift_sharp(rest).pvalue))
    table = np.array(values)
    return Influence(events, table[:, 0], table[:, 1], table[:, 2])
