"""What the declarations say, as text: for the command line, the documents and the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eventstudy.inference.applicability import DEFAULTS
from eventstudy.inference.over_dates.sample import OverDates
from eventstudy.inference.over_events.sample import OverEvents
from eventstudy.inference.statistic import Scope, Statistic, statistics

SCOPES: dict[Scope, str] = {
    "event": "one event, one asset",
    "dates": "all dates of one asset, or of several on the same dates",
    "events": "N pairs of an event and an asset",
    "family": "the p-values of a whole study",
}

HEAD = (
    "# Statistics\n\nEvery statistic by its name in study files and tables. A study checks what is "
    "listed under *checked* and refuses a statistic that cannot hold, with the reason; "
    '`tests = "all"` shows it all the same, marked. This page is written by '
    "`eventstudy methods --markdown`.\n"
)


def requirements(entry: Statistic) -> tuple[str, ...]:
    """Say what a study checks before it shows the statistic."""
    asks = [f"at least {entry.min_n} {entry.counts}"] if entry.min_n > 1 else []
    if isinstance(entry, OverEvents | OverDates) and not entry.allows_overlap:
        asks.append("no two windows of one asset share a session")
    if isinstance(entry, OverDates):
        if entry.directional:
            asks.append("events with an expected direction")
        if entry.studentised_by:
            asks.append("events no more volatile than other sessions (a caution where they are)")
    if isinstance(entry, OverEvents):
        if entry.needs_shared_sessions:
            asks.append("common dates where assets move together")
        if not entry.allows_cross_correlation:
            asks.append("windows uncorrelated (refused above a size of 10% at 5%)")
        if not entry.allows_event_variance:
            asks.append("no event-induced variance (a caution where there is)")
    return tuple(asks)


def described(entry: Statistic) -> dict[str, Any]:
    """Return a declaration as plain values."""
    return {
        "name": entry.name,
        "title": entry.title,
        "scope": SCOPES[entry.scope],
        "null": entry.null,
        "formula": entry.formula,
        "distribution": entry.distribution,
        "meaning": entry.meaning,
        "assumes": list(entry.assumes),
        "requires": list(requirements(entry)),
        "min_n": entry.min_n,
        "counts": entry.counts,
        "allows_event_variance": entry.allows_event_variance,
        "allows_cross_correlation": entry.allows_cross_correlation,
        "allows_overlap": entry.allows_overlap,
        "paper": entry.paper,
    }


def _facts(entry: Statistic) -> list[tuple[str, str]]:
    return [
        ("null", entry.null),
        ("formula", entry.formula),
        ("null distribution", entry.distribution),
        ("assumes", "; ".join(entry.assumes)),
        ("checked", "; ".join(requirements(entry)) or "nothing further"),
        ("paper", entry.paper),
    ]


def explained(entry: Statistic) -> str:
    """Return a declaration as a short text, one fact per line."""
    facts = [("for", SCOPES[entry.scope]), *_facts(entry)]
    width = max(len(name) for name, _ in facts) + 2
    lines = [f"  {name:<{width}}{text}" for name, text in facts]
    return "\n".join([f"{entry.name}: {entry.title}", entry.meaning, "", *lines])


def methods_page() -> str:
    """Return the page of the documents that lists every statistic, as Markdown."""
    parts = [HEAD]
    for scope, title in SCOPES.items():
        parts.append(f"\n## {title[0].upper()}{title[1:]}\n")
        parts += [_section(entry) for entry in statistics(scope)]
    return "\n".join(parts)


def _section(entry: Statistic) -> str:
    shown: dict[str, Callable[[str], str]] = {"formula": "`{}`".format}
    facts = "\n".join(f"* {name}: {shown.get(name, str)(text)}" for name, text in _facts(entry))
    return f"### `{entry.name}`: {entry.title}\n\n{entry.meaning}\n\n{facts}\n"


def statistic_rows() -> list[list[str]]:
    """Return name, formula, null distribution and paper of the tests of `tables/tests.csv`."""
    return [[f"`{s.name}`", f"`{s.formula}`", s.distribution, s.paper] for s in statistics()]


def default_rows() -> list[list[str]]:
    """Return the defaults: scope, layout of the sample, tests, and why."""
    return [
        [SCOPES[row.scope], row.layout, ", ".join(f"`{name}`" for name in row.tests)]
        for row in DEFAULTS
    ]
