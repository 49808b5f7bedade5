"""Which tests suit a sample, which are the default there, and why a test is refused or doubted.

A sample is described (`describe`, `describe_dates`), `DEFAULTS` says which tests a description
calls for, and `judge` of a description compares what a test declares with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from eventstudy.errors import EstimationError
from eventstudy.inference.over_dates.episodes import episode_labels
from eventstudy.inference.over_dates.overlap import shift_variance
from eventstudy.inference.over_dates.sample import DatedReturns, OverDates
from eventstudy.inference.over_events.sample import EventSample, OverEvents, event_sample
from eventstudy.inference.statistic import Scope, Statistic, statistic
from eventstudy.models.abnormal import AbnormalReturns

NOMINAL = 0.05
SIZE_CAUTION = 0.0625
SIZE_REFUSED = 0.10
LEAST_FOR_VARIANCE = 5
CROWDED = 0.5
FEW_EPISODES = 5
NO_SHARED = "no two assets share sessions: rbar of the estimation windows misleads"
LEAST_SHOWN = 0.001

Layout = Literal[
    "one pair", "overlapping", "partly common dates", "common dates", "uncorrelated",
    "always", "episodes", "directions",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Default:
    """Tests that are the default where a sample has a layout.

    A sample over events has one `layout`; over dates each that it has adds its tests. `why` is
    one sentence for the report, filled in with the description as ``d``.
    """

    scope: Scope
    layout: Layout
    tests: tuple[str, ...]
    why: str


DEFAULTS = (
    Default(
        "events", "uncorrelated",
        ("cross_sectional_t", "bmp", "corrado_rank", "grank_t", "generalised_sign", "wilcoxon"),
        "windows are uncorrelated: tests over independent events, robust ones beside them",
    ),
    Default(
        "events", "common dates",
        ("crude_dependence_t", "bmp_kp", "corrado_rank", "grank_t", "calendar_time_t"),
        "common dates and a mean correlation of {d.rbar_windows:.2f}: tests that allow for "
        "assets moving together",
    ),
    Default(
        "events", "partly common dates",
        ("bmp_kp_overlap", "calendar_time_t"),
        "some windows of different assets share sessions: tests that count the correlation of "
        "the sessions shared",
    ),
    Default(
        "events", "overlapping",
        ("bmp_kp_overlap", "calendar_time_t"),
        "{d.overlaps} on one asset share sessions: tests that count each session once",
    ),
    Default(
        "events", "one pair",
        ("time_series_t", "crude_dependence_t"),
        "one pair only: its move is compared with its own estimation window",
    ),
    Default(
        "dates", "always",
        ("overlap_z", "shift_sharp", "shift_mean", "shift_variance"),
        "all dates of an asset together, each session counted as often as windows cover it",
    ),
    Default(
        "dates", "episodes",
        ("episode_bmp", "episode_sign_flip"),
        "windows that share sessions are merged: one shock is one observation",
    ),
    Default(
        "dates", "directions",
        ("signed_overlap_z", "signed_shift", "direction_share"),
        "expected directions were declared: one-sided tests of them",
    ),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class SampleDescription:
    """What N pairs of an event and an asset look like to a test; measured when asked for."""

    sample: EventSample = field(repr=False)

    @property
    def n(self) -> int:
        """Pairs with an abnormal return in the window."""
        return len(self.sample)

    @property
    def n_assets(self) -> int:
        """Different assets."""
        return int(self.sample.asset_codes.max()) + 1

    @property
    def overlapping(self) -> int:
        """Pairs of windows on one asset that share a session."""
        return self.sample.windows.overlapping

    @property
    def overlaps(self) -> str:
        """The same in words."""
        return f"{self.overlapping} pair{'' if self.overlapping == 1 else 's'} of windows"

    @property
    def shared(self) -> float:
        """Share of the pairs of windows on different assets that share a session; NaN without."""
        return self.sample.windows.shared

    @property
    def rbar(self) -> float:
        """Mean correlation of estimation residuals matched by calendar session."""
        return self.sample.residuals.mean_correlation

    @property
    def rbar_windows(self) -> float:
        """Mean correlation of CARs, counting the sessions that windows share."""
        return self.sample.windows.mean_correlation

    @property
    def size_xc(self) -> float:
        """Rejection rate at 5% of a test that ignores `rbar_windows`."""
        return size_ignoring(1.0 + (self.n - 1) * self.rbar_windows)

    @property
    def variance_ratio(self) -> float:
        """Variance of the standardised CARs over what estimation windows imply; NaN below 5."""
        return self._variance[0]

    @property
    def variance_pvalue(self) -> float:
        """One-sided chi-square p-value of a ratio above one; NaN below 5."""
        return self._variance[1]

    @cached_property
    def _variance(self) -> tuple[float, float]:
        from scipy.special import chdtrc

        scar, df = self.sample.usable_scar
        n = len(scar)
        if n < LEAST_FOR_VARIANCE:
            return math.nan, math.nan
        ratio = float(scar.var(ddof=1) / np.mean(df / (df - 2)))
        return ratio, float(chdtrc(n - 1, (n - 1) * ratio))

    @property
    def cross_correlated(self) -> bool:
        """Whether ignoring the correlation of windows moves the size beyond 6.25%."""
        return self.size_xc > SIZE_CAUTION

    @property
    def variance_raised(self) -> bool:
        """Whether the events differ more than estimation windows imply, at 5%."""
        return self.variance_pvalue < NOMINAL

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """How the windows lie: one layout."""
        if self.n == 1:
            return ("one pair",)
        if self.overlapping:
            return ("overlapping",)
        if not self.cross_correlated:
            return ("uncorrelated",)
        return ("partly common dates",) if self.shared < 1 else ("common dates",)

    def prepared(self, _entry: Statistic) -> tuple[EventSample, str]:
        """Return the sample a test is run on, and what to note of it."""
        return self.sample, ""

    def judge(self, entry: Statistic) -> tuple[list[str], list[str]]:
        """Compare what a test declares with the sample: refusals, or else cautions."""
        refusals = []
        if self.n < entry.min_n:
            refusals.append(f"N = {self.n}, needs {entry.min_n}")
        if not entry.allows_overlap and self.overlapping:
            refusals.append(f"{self.overlaps} on one asset share sessions")
        elif not entry.allows_cross_correlation and self.size_xc > SIZE_REFUSED:
            refusals.append(self._correlated)
        return refusals, [] if refusals else self._cautions(entry)

    def _cautions(self, entry: Statistic) -> list[str]:
        reasons = []
        if not entry.allows_cross_correlation and self.cross_correlated:
            reasons.append(self._correlated)
        if isinstance(entry, OverEvents):
            if entry.needs_shared_sessions and self.shared < 1 and self.cross_correlated:
                reasons.append(f"only {100 * self.shared:.0f}% of pairs of assets share sessions")
            if entry.uses_rbar and not self.shared > 0:
                reasons.append(NO_SHARED)
        if not entry.allows_event_variance and self.variance_raised:
            size = 100 * size_ignoring(self.variance_ratio)
            reasons.append(
                f"events vary {self.variance_ratio:.2f} times as much as estimation windows "
                f"imply: size about {size:.0f}% at 5%"
            )
        return reasons

    @property
    def _correlated(self) -> str:
        return (
            f"mean correlation of windows {self.rbar_windows:.3f} over {self.n} pairs: "
            f"size about {100 * self.size_xc:.0f}% at 5%"
        )


def describe(sample: AbnormalReturns | EventSample) -> SampleDescription:
    """Describe a sample restricted to its window; refuses one without an abnormal return."""
    return SampleDescription(event_sample(sample))


def size_ignoring(factor: float, level: float = NOMINAL) -> float:
    """Return the true size of a z test whose variance is `factor` times what it takes it for.

    ``2 Phi(-q / sqrt c)`` with q the two-sided normal quantile of the level.
    """
    from scipy.special import ndtr, ndtri

    if factor <= 0:
        return 0.0
    return 2.0 * float(ndtr(ndtri(level / 2) / math.sqrt(factor)))


@dataclass(frozen=True, slots=True, eq=False)
class DatesDescription:
    """How windows lie on a series.

    `n_episodes` are windows merged wherever they share a session, `overlapping` those that share
    one with another, `covered` the share of sessions inside a window; `variance_ratio` is mean |z|
    on covered over other sessions, `variance_pvalue` that of its circular shifts.
    """

    dated: DatedReturns = field(repr=False)
    n: int
    n_episodes: int
    overlapping: int
    covered: float
    variance_ratio: float
    variance_pvalue: float

    @property
    def directed(self) -> bool:
        """Whether an event declares an expected direction."""
        return bool(np.isfinite(self.dated.sign).any())

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """How the windows lie: every layout they have."""
        had: list[Layout] = ["always"]
        had += ["episodes"] if self.overlapping else []
        had += ["directions"] if self.directed else []
        return tuple(had)

    def prepared(self, entry: Statistic) -> tuple[DatedReturns, str]:
        """Return the windows a test is run on, and a note; refuses undeclared directions."""
        if not (isinstance(entry, OverDates) and entry.directional):
            return self.dated.unsigned(), ""
        windows = self.dated.directed()
        note = f"one-sided, {len(windows)} of {self.n} windows with an expected direction"
        return windows, note

    def judge(self, entry: Statistic) -> tuple[list[str], list[str]]:
        """Compare what a test declares with the windows: refusals and cautions."""
        refusals = []
        count, what = (
            (self.n_episodes, "episode") if entry.counts == "episodes" else (self.n, "window")
        )
        if count < entry.min_n:
            refusals = [f"{count} {what}{'s' if count != 1 else ''}, needs {entry.min_n}"]
        elif not entry.allows_overlap and self.overlapping:
            refusals = [f"{self.overlapping} windows share sessions: they are not independent"]
        return refusals, self._cautions(entry)

    def _cautions(self, entry: Statistic) -> list[str]:
        reasons = []
        if isinstance(entry, OverDates) and entry.by_shifts and self.covered > CROWDED:
            reasons.append(f"windows cover {100 * self.covered:.0f}% of the sessions: little power")
        if entry.counts != "episodes" and self.n_episodes < FEW_EPISODES:
            reasons.append(
                f"{self.n} windows in {self.n_episodes} separate "
                f"episode{'s' if self.n_episodes != 1 else ''}: few independent observations"
            )
        raised = self.variance_ratio > 1 and self.variance_pvalue <= NOMINAL
        if raised and isinstance(entry, OverDates) and entry.studentised_by:
            reasons.append(
                f"event sessions move {self.variance_ratio:.2f} times as much as others "
                f"(p {_rounded(self.variance_pvalue)}): a rejection may be variance, "
                f"read {entry.studentised_by}"
            )
        return reasons


Description = SampleDescription | DatesDescription


def _rounded(pvalue: float) -> str:
    return f"= {pvalue:.3f}" if pvalue >= LEAST_SHOWN else f"< {LEAST_SHOWN}"


def describe_dates(dated: DatedReturns) -> DatesDescription:
    """Measure how windows lie on a series."""
    windows = dated.unsigned()
    sizes = np.bincount(episode_labels(windows.first, windows.sessions))
    try:
        found = shift_variance(windows)
        ratio, pvalue = found.value, found.pvalue
    except EstimationError:
        ratio = pvalue = math.nan
    return DatesDescription(
        dated,
        n=len(windows),
        n_episodes=len(sizes),
        overlapping=int(sizes[sizes > 1].sum()),
        covered=float((windows.cover != 0).sum() / max(int(windows.present.sum()), 1)),
        variance_ratio=ratio,
        variance_pvalue=pvalue,
    )


def default_tests(d: Description) -> tuple[tuple[str, ...], str]:
    """Names of the tests that suit a sample, and one sentence why.

    Over events those with enough pairs; over dates a test short of windows is named too, and
    refused with the reason.
    """
    layouts = d.layouts
    rows = [row for row in DEFAULTS if row.layout in layouts]
    names = [name for row in rows for name in row.tests]
    if isinstance(d, SampleDescription):
        names = [name for name in names if statistic(name).min_n <= d.n]
    return tuple(names), "; ".join(row.why.format(d=d) for row in rows)


def verdict(entry: Statistic, d: SampleDescription) -> tuple[str, str]:
    """Say whether a test over events "holds", needs "caution" or is "refused", and why."""
    refusals, cautions = d.judge(entry)
    if refusals:
        return "refused", "; ".join(refusals)
    return ("caution", "; ".join(cautions)) if cautions else ("holds", "")
