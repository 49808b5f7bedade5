"""Run statistics: on one sample, or on every sample of a study in whatever scope they are.

`run_tests` is the one runner. `StudySamples` holds what the tests of a study need, cuts the
sample of each scope out of it, and gives rows for any window.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, TypeVar

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.applicability import (
    DEFAULTS,
    Description,
    SampleDescription,
    default_tests,
    describe,
    describe_dates,
)
from eventstudy.inference.multiplicity import Family, OverFamily
from eventstudy.inference.one_event.sample import OneEvent, SingleEvents
from eventstudy.inference.over_dates.direction import expected_signs
from eventstudy.inference.over_dates.sample import DatedReturns, OverDates
from eventstudy.inference.over_events.correlation import Residuals
from eventstudy.inference.over_events.sample import EventSample, OverEvents, event_sample
from eventstudy.inference.statistic import Statistic, TestValue, statistic, statistics
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.windows import Window

ALL = "all"
Verdict = Literal["holds", "caution", "refused", "marked"]
Tests = Literal["default", "all"] | tuple[str, ...]
Sample = AbnormalReturns | EventSample | DatedReturns
S = TypeVar("S", bound=Statistic)


@dataclass(frozen=True, slots=True)
class TestResult:
    """A statistic on a sample, and whether it can be believed there.

    Parameters
    ----------
    statistic : str
        Its name in the registry.
    value, df, pvalue : float
        NaN where refused; `df` is NaN where the distribution has none.
    n : int
        Observations that entered: pairs of event and asset, windows or episodes.
    verdict : {"holds", "caution", "refused", "marked"}
        "marked": it cannot hold and is shown because all tests were asked for.
    reason : str
        Why not "holds", and what else a reader of the value must know.
    asset : str
        The sample: an asset, or "all" for every pair of a study.
    event_id : str
        The event, for statistics of one event; empty for those of many.
    window : Window or None
        The window, for the samples of a study.
    """

    __test__ = False

    statistic: str
    value: float
    df: float
    pvalue: float
    n: int
    verdict: Verdict
    reason: str
    asset: str = ""
    event_id: str = ""
    window: Window | None = None


def run_tests(
    sample: Sample, *, tests: Tests = "default", rng: np.random.Generator, level: float = 0.05
) -> tuple[TestResult, ...]:
    """Run the tests over many events on one sample.

    Parameters
    ----------
    sample : AbnormalReturns, EventSample or DatedReturns
        N pairs, restricted to the window; or N windows on filtered returns, ``sign`` NaN where no
        direction was declared.
    tests : "default", "all" or tuple of str
        Names of other scopes are left out; an `UnknownNameError` for one not in the registry.
    rng : numpy.random.Generator
        Source of bootstraps and sign flips.
    level : float
        Stated intervals cover ``1 - level``.

    Returns
    -------
    tuple of TestResult
        Every statistic asked for, refused ones with NaN values and the reason, in the order of the
        registry or of the names given.
    """
    over_dates = isinstance(sample, DatedReturns)
    try:
        d = describe_dates(sample) if isinstance(sample, DatedReturns) else describe(sample)
    except EstimationError as error:
        named = _named(OverDates if over_dates else OverEvents, tests)
        return tuple(_refused(entry, 0, [str(error)]) for entry in named)
    return tuple(_run(entry, d, rng, level, show=tests == "all") for entry in _chosen(tests, d))


def _named(kind: type[S], tests: Tests) -> tuple[S, ...]:
    """Return the statistics of a kind that are named, or all of them."""
    given = statistics() if isinstance(tests, str) else map(statistic, dict.fromkeys(tests))
    return tuple(entry for entry in given if isinstance(entry, kind))


def _chosen(tests: Tests, d: Description) -> tuple[Statistic, ...]:
    if isinstance(d, SampleDescription):
        return _named(OverEvents, default_tests(d)[0] if tests == "default" else tests)
    named = _named(OverDates, default_tests(d)[0] if tests == "default" else tests)
    # asked for by name, a directional test without directions is refused with the reason
    skip = tests == "all" and not d.directed
    return tuple(entry for entry in named if not (skip and entry.directional))


def _run(
    entry: Statistic, d: Description, rng: np.random.Generator, level: float, *, show: bool
) -> TestResult:
    refusals, cautions = d.judge(entry)
    if refusals and not show:
        return _refused(entry, d.n, refusals)
    try:
        sample, note = d.prepared(entry)
        drawn = (rng,) if entry.needs_rng else ()
        options = {"level": level} if entry.needs_level else {}
        found: TestValue = entry.function(sample, *drawn, **options)
    except EstimationError as error:
        return _refused(entry, d.n, [*refusals, str(error)])
    if not (math.isfinite(found.value) and math.isfinite(found.pvalue)):
        return _refused(entry, d.n, [*refusals, "it has no value here"])
    noted = replace(found, note="; ".join(filter(None, (note, found.note))))
    return _judged(entry, noted, refusals, cautions)


def _judged(
    entry: Statistic, found: TestValue, refusals: Sequence[str], cautions: Sequence[str]
) -> TestResult:
    verdict: Verdict = "marked" if refusals else "caution" if cautions else "holds"
    reason = "; ".join(filter(None, (*refusals, *cautions, found.note)))
    return TestResult(entry.name, found.value, found.df, found.pvalue, found.n, verdict, reason)


def _refused(entry: Statistic, n: int, reasons: Sequence[str]) -> TestResult:
    reason = "; ".join(dict.fromkeys(reasons))
    return TestResult(entry.name, math.nan, math.nan, math.nan, n, "refused", reason)


def run_each(events: SingleEvents, tests: Tests) -> tuple[TestResult, ...]:
    """Give the named statistics of one event for every event: a row each."""
    return tuple(row for entry in _named(OneEvent, tests) for row in _each(entry, events))


def _each(entry: OneEvent, events: SingleEvents) -> Iterator[TestResult]:
    try:
        found = entry.function(events)
    except EstimationError as error:
        yield _refused(entry, len(events), [str(error)])
        return
    for i, (event_id, asset) in enumerate(zip(events.event_ids, events.assets, strict=True)):
        if math.isfinite(found.pvalue[i]):
            value = TestValue(float(found.value[i]), float(found.df[i]), float(found.pvalue[i]), 1)
            caution = entry.caution(float(events.vol_ratio[i]))
            row = _judged(entry, value, (), [caution] if caution else ())
        else:
            row = _refused(entry, 0, [events.reasons[i] or "it has no value here"])
        yield replace(row, asset=asset, event_id=event_id)


def run_family(family: Family, tests: Tests) -> tuple[TestResult, ...]:
    """Give the named adjustments of single p-values: a row for every event of a family."""
    return tuple(row for entry in _named(OverFamily, tests) for row in _adjusted(entry, family))


def _adjusted(entry: OverFamily, family: Family) -> Iterator[TestResult]:
    n = len(family)
    if n < entry.min_n:
        yield _refused(entry, n, [f"{n} event{'s' if n != 1 else ''}, needs {entry.min_n}"])
        return
    try:
        pvalues = entry.adjust(family)
    except EstimationError as error:
        yield _refused(entry, n, [str(error)])
        return
    for event_id, single, pvalue in zip(family.event_ids, family.pvalues, pvalues, strict=True):
        if math.isfinite(pvalue):
            row = _judged(entry, TestValue(float(single), math.nan, float(pvalue), n), (), ())
        else:
            row = _refused(entry, n, ["the event has no single p-value here"])
        yield replace(row, event_id=event_id)


def needs_filtered_returns(tests: Tests) -> bool:
    """Whether a selection of tests needs the filtered returns of whole series."""
    if isinstance(tests, str):
        return True
    adjust = any(entry.takes == "windows" for entry in _named(OverFamily, tests))
    return adjust or bool(_named(OverDates, tests))


def as_rows(found: Sequence[TestResult]) -> list[dict[str, Any]]:
    """Return results as mappings by the names of their fields, the columns of a table of tests."""
    names = [one.name for one in fields(TestResult)]
    return [{name: getattr(one, name) for name in names} for one in found]


@dataclass(frozen=True, eq=False)
class StudySamples:
    """What the tests of a study need, in every scope; can be pickled.

    Parameters
    ----------
    abnormal : AbnormalReturns
        Every pair studied.
    filtered : mapping of str to (S,) float
        Filtered returns of every session, by asset; may compute them when first asked.
    singles : mapping of Window to SingleEvents
        Single events over the windows they were tested on.
    directions : tuple of str, length N
        Expected direction of each pair, "up", "down" or anything else for none.
    seed : int
        For the statistics that draw; each sample and window has a generator of its own.
    """

    abnormal: AbnormalReturns
    filtered: Mapping[str, FloatArray] = field(default_factory=dict, repr=False)
    singles: Mapping[Window, SingleEvents] = field(default_factory=dict, repr=False)
    directions: tuple[str, ...] = ()
    seed: int = 1

    def run(
        self, *windows: Window, tests: Tests = "default", level: float = 0.05
    ) -> tuple[TestResult, ...]:
        """Run tests of any scope over some windows inside the event window.

        Parameters
        ----------
        *windows : Window
        tests : "default", "all" or tuple of str
            A selection of the tests over many events, or names of any scope: statistics of one
            event and adjustments of single p-values give a row for every event.
        level : float
            Stated intervals cover ``1 - level``.

        Returns
        -------
        tuple of TestResult
            Scope by scope, sample by sample, window by window; every name that was asked for has
            a row, refused ones with the reason.

        Raises
        ------
        UnknownNameError, WindowError
            When a name is not in the registry, or a window not inside the event window.
        """
        rows: list[TestResult] = []
        many, each = (OverEvents, OverDates), (OneEvent, OverFamily)
        for kind in many if isinstance(tests, str) else (*many, *each):
            labels = self._labels(kind, tests) if _named(kind, tests) else ()
            # a sample is known for one window at a time
            found = {
                (label, window): self._tested(kind, label, window, tests, level)
                for window in dict.fromkeys(windows)
                for label in labels
            }
            for label in labels:
                rows += [row for window in dict.fromkeys(windows) for row in found[label, window]]
        return tuple(rows)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Samples: all pairs, then each asset with two events or more; one asset by its name."""
        found = self.abnormal.rows_by_asset
        if len(found) == 1:
            return tuple(found)
        return (ALL, *(asset for asset, rows in found.items() if len(rows) > 1))

    def over_events(self, label: str, window: Window) -> EventSample:
        """Return the pairs of a sample over a window; an `EstimationError` where there is none."""
        whole = self._whole(window)
        if label == self.labels[0]:
            return whole
        rows = whole.pairs.rows_by_asset.get(label)
        if rows is None:
            msg = "0 pairs with an abnormal return in the window, 1 needed"
            raise EstimationError(msg)
        # correlations of estimation residuals are the same for every window
        shared = self._residuals if len(whole) == len(self.abnormal) else {}
        part = whole.take(rows, residuals=shared.get(label))
        shared[label] = part.residuals
        return part

    def over_dates(self, label: str, window: Window) -> DatedReturns:
        """Return the windows of a sample on filtered returns; an `EstimationError` if none."""
        pairs = self.abnormal
        assets = tuple(dict.fromkeys(pairs.assets)) if label == ALL else (label,)
        missing = [name for name in assets if name not in self.filtered]
        if missing:
            msg = f"there are no filtered returns of {missing[0]!r}"
            raise EstimationError(msg)
        z = np.column_stack([self.filtered[name] for name in assets])
        code = {asset: number for number, asset in enumerate(assets)}
        column = np.array([code.get(asset, -1) for asset in pairs.assets], dtype=np.int64)
        first, width = pairs.position + window.start, len(window)
        inside = np.flatnonzero((column >= 0) & (first >= 0) & (first + width <= len(z)))
        days = first[inside, None] + np.arange(width)
        rows = inside[np.isfinite(z[days, column[inside, None]]).any(axis=1)]
        usable = np.isfinite(z).any(axis=1)
        start = int(np.argmax(usable)) if usable.any() else 0
        directions = self.directions or ("",) * len(pairs)
        return DatedReturns(
            z[start:],
            first[rows] - start,
            sessions=width,
            column=column[rows],
            event_ids=tuple(pairs.event_ids[i] for i in rows),
            sign=expected_signs(tuple(directions[i] for i in rows)),
        )

    def family(self, asset: str, window: Window) -> Family:
        """Return the single p-values of one asset over a window, and its windows."""
        mine = self._single_events(window).on(asset)
        return Family(
            tuple(mine.event_ids), mine.p, mine.sessions, lambda: self.over_dates(asset, window)
        )

    def _single_events(self, window: Window) -> SingleEvents:
        if window not in self.singles:
            tested = ", ".join(map(str, self.singles)) or "none"
            msg = (
                f"single events were not tested over {window} but over {tested}: "
                "add the window to [windows] car"
            )
            raise EstimationError(msg)
        return self.singles[window]

    def __getstate__(self) -> dict[str, Any]:
        # what was computed from them is not part of the samples
        return {part.name: getattr(self, part.name) for part in fields(self)}

    @cached_property
    def _known(self) -> dict[Window, EventSample]:
        return {}

    @cached_property
    def _residuals(self) -> dict[str, Residuals]:
        return {self.labels[0]: Residuals(self.abnormal.ar_est, self.abnormal.position)}

    def _whole(self, window: Window) -> EventSample:
        """Every pair over a window; kept for the last window, as ranks of many pairs are large."""
        if window not in self._known:
            self._known.clear()
            every = self.abnormal.restrict(window)
            self._known[window] = event_sample(every, residuals=self._residuals[self.labels[0]])
        return self._known[window]

    def _labels(self, kind: type[Statistic], tests: Tests) -> tuple[str, ...]:
        """Name the samples of a scope; every single event is in the first one."""
        if kind is OneEvent:
            return self.labels[:1]
        if kind is OverFamily:
            return tuple(dict.fromkeys(self.abnormal.assets))
        if kind is OverDates and tests == "default":
            return tuple(label for label in self.labels if self._n_events(label) > 1)
        return self.labels

    def _n_events(self, label: str) -> int:
        pairs = zip(self.abnormal.event_ids, self.abnormal.assets, strict=True)
        return len({event for event, asset in pairs if label in {ALL, asset}})

    def _tested(
        self, kind: type[Statistic], label: str, window: Window, tests: Tests, level: float
    ) -> tuple[TestResult, ...]:
        """Rows of a scope for one sample and window; all refused where there is no sample."""
        seed, text = self.seed, str(window)
        try:
            if kind is OverEvents:
                rng = generator(seed, label, text, words=(8,))
                sample = self.over_events(label, window)
                found = run_tests(sample, tests=tests, rng=rng, level=level)
            elif kind is OverDates:
                rng = generator(seed, "dates", label, text)
                dated = self.over_dates(label, window)
                found = run_tests(dated, tests=tests, rng=rng, level=level)
            elif kind is OneEvent:
                found = run_each(self._single_events(window), tests)
            else:
                found = run_family(self.family(label, window), tests)
        except EstimationError as error:
            if kind is OverDates and isinstance(tests, str):  # one row for all of them
                tests = next(row.tests[:1] for row in DEFAULTS if row.layout == "always")
            found = tuple(_refused(entry, 0, [str(error)]) for entry in _named(kind, tests))
        return tuple(replace(row, asset=row.asset or label, window=window) for row in found)


def generator(
    seed: int, *labels: str, words: tuple[int, ...] = (4, 4, 4, 4)
) -> np.random.Generator:
    """Return a generator that depends on the seed and on labels, not on the order of samples.

    Tests over events take the digest as one word of 8 bytes, all others as four of 4, so that
    drawn p-values stay what they were before they shared this function.
    """
    digest = hashlib.blake2b("\x1f".join(labels).encode(), digest_size=sum(words)).digest()
    parts = [digest[a:b] for a, b in pairwise(np.cumsum((0, *words)))]
    return np.random.default_rng([seed, *(int.from_bytes(part, "little") for part in parts)])
