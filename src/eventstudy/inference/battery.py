"""Run the tests that suit a sample; refuse the others, each with its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from eventstudy.errors import EstimationError
from eventstudy.inference.design import Design, describe, overlapping, verdict
from eventstudy.inference.registry import statistic, statistics

if TYPE_CHECKING:
    import numpy as np

    from eventstudy.inference.statistic import Statistic
    from eventstudy.inference.values import TestValue
    from eventstudy.models.abnormal import AbnormalReturns

Verdict = Literal["holds", "caution", "refused", "marked"]
Tests = Literal["default", "all"] | tuple[str, ...]

INDEPENDENT = (
    "cross_sectional_t",
    "bmp",
    "corrado_rank",
    "grank_t",
    "generalised_sign",
    "wilcoxon",
)
COMMON_DATES = (
    "crude_dependence_t",
    "bmp_kp",
    "corrado_rank",
    "grank_t",
    "calendar_time_t",
)
PARTLY_COMMON = ("bmp_kp_overlap", "calendar_time_t")
SINGLE = ("time_series_t", "crude_dependence_t")


@dataclass(frozen=True, slots=True)
class TestResult:
    """A statistic on a sample, and whether it can be believed there.

    Parameters
    ----------
    statistic : str
        Its name in the registry.
    value, df, pvalue : float
        NaN where refused; `df` is NaN where the law has none.
    n : int
        Pairs of event and asset that entered.
    verdict : {"holds", "caution", "refused", "marked"}
        "marked": it cannot hold and is shown because all tests were asked for.
    reason : str
        Why not "holds"; empty where it holds.
    """

    __test__ = False

    statistic: str
    value: float
    df: float
    pvalue: float
    n: int
    verdict: Verdict
    reason: str


def run_battery(
    sample: AbnormalReturns, *, tests: Tests = "default", rng: np.random.Generator
) -> tuple[TestResult, ...]:
    """Run tests over the pairs of a sample.

    Parameters
    ----------
    sample : AbnormalReturns
        N pairs, already restricted to the window.
    tests : "default", "all" or tuple of str
        Names of other scopes (one event, all dates of an asset) are left to their own tables.
    rng : numpy.random.Generator
        Source of the bootstrap.

    Returns
    -------
    tuple of TestResult
        Every statistic asked for, refused ones included, in the order of the registry or of the
        names given.

    Raises
    ------
    UnknownNameError
        When a name is not in the registry.
    """
    chosen = None if isinstance(tests, str) else _named(tests)
    try:
        design = describe(sample)
    except EstimationError as error:
        entries = _sample_entries() if chosen is None else chosen
        return tuple(_refused(entry, 0, str(error)) for entry in entries)
    if chosen is None:
        names = default_selection(design)[0]
        chosen = _sample_entries() if tests == "all" else _named(names)
    return tuple(_run(entry, sample, design, rng, show=tests == "all") for entry in chosen)


def default_selection(design: Design) -> tuple[tuple[str, ...], str]:
    """Choose the tests that suit a design.

    Returns
    -------
    names : tuple of str
    reason : str
        One sentence for the report.
    """
    names, reason = _by_design(design)
    return tuple(name for name in names if statistic(name).min_n <= design.n), reason


def _by_design(design: Design) -> tuple[tuple[str, ...], str]:
    if design.n == 1:
        return SINGLE, "one pair only: its move is compared with its own estimation window"
    if design.overlapping:
        return PARTLY_COMMON, (
            f"{overlapping(design)} on one asset share sessions: tests that count each session once"
        )
    if design.cross_correlated and design.shared < 1:
        return PARTLY_COMMON, (
            "some windows of different assets share sessions: tests that count the correlation "
            "of the sessions shared"
        )
    if design.cross_correlated:
        return COMMON_DATES, (
            f"common dates and a mean correlation of {design.rbar_windows:.2f}: tests that allow "
            "for assets moving together"
        )
    return INDEPENDENT, (
        "windows are uncorrelated: tests over independent events, robust ones beside them"
    )


def _sample_entries() -> tuple[Statistic, ...]:
    return tuple(entry for entry in statistics() if entry.scope == "sample")


def _named(names: tuple[str, ...]) -> tuple[Statistic, ...]:
    entries = (statistic(name) for name in dict.fromkeys(names))
    return tuple(entry for entry in entries if entry.scope == "sample")


def _run(
    entry: Statistic,
    sample: AbnormalReturns,
    design: Design,
    rng: np.random.Generator,
    *,
    show: bool,
) -> TestResult:
    outcome, reason = verdict(entry, design)
    if outcome == "refused" and not show:
        return _refused(entry, design.n, reason)
    try:
        value = _value(entry, sample, rng)
    except EstimationError as error:
        return _refused(entry, design.n, "; ".join(filter(None, (reason, str(error)))))
    if not (math.isfinite(value.value) and math.isfinite(value.pvalue)):
        return _refused(entry, design.n, "; ".join(filter(None, (reason, "it has no value here"))))
    label = cast("Verdict", "marked" if outcome == "refused" else outcome)
    return TestResult(entry.name, value.value, value.df, value.pvalue, value.n, label, reason)


def _value(entry: Statistic, sample: AbnormalReturns, rng: np.random.Generator) -> TestValue:
    if entry.function is None:
        msg = f"{entry.name} is not a test over pairs"
        raise EstimationError(msg)
    result: TestValue = entry.function(sample, rng) if entry.needs_rng else entry.function(sample)
    return result


def _refused(entry: Statistic, n: int, reason: str) -> TestResult:
    return TestResult(entry.name, math.nan, math.nan, math.nan, n, "refused", reason)
