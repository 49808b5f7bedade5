"""What an entry of the registry says, as text: for the command line, the docs and the report."""

from __future__ import annotations

from typing import Any

from eventstudy.inference.registry import statistics
from eventstudy.inference.statistic import Scope, Statistic

SCOPES: dict[Scope, str] = {
    "event": "one event, one asset",
    "asset": "all dates of one asset, or of several on the same dates",
    "sample": "N pairs of an event and an asset",
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
    asks = []
    if entry.min_n > 1:
        asks.append(f"at least {entry.min_n} {_units(entry)}")
    if entry.scope == "sample":
        if entry.needs_no_overlap:
            asks.append("no two windows of one asset share a session")
        if entry.needs_common_dates:
            asks.append("common dates where assets move together")
        if not entry.robust_xc:
            asks.append("windows uncorrelated (refused above a size of 10 % at 5 %)")
        if not entry.robust_eiv:
            asks.append("no event-induced variance (a caution where there is)")
    return tuple(asks)


def _units(entry: Statistic) -> str:
    return "pairs" if entry.scope == "sample" else "events"


def described(entry: Statistic) -> dict[str, Any]:
    """Return an entry as plain values."""
    return {
        "name": entry.name,
        "title": entry.title,
        "scope": SCOPES[entry.scope],
        "null": entry.null,
        "formula": entry.formula,
        "law": entry.law,
        "meaning": entry.meaning,
        "assumes": list(entry.assumes),
        "requires": list(requirements(entry)),
        "min_n": entry.min_n,
        "robust_eiv": entry.robust_eiv,
        "robust_xc": entry.robust_xc,
        "paper": entry.paper,
    }


def explained(entry: Statistic) -> str:
    """Return an entry as a short text, one fact per line."""
    lines = [
        f"{entry.name}: {entry.title}",
        entry.meaning,
        "",
        f"  for       {SCOPES[entry.scope]}",
        f"  null      {entry.null}",
        f"  formula   {entry.formula}",
        f"  law       {entry.law}",
        f"  assumes   {'; '.join(entry.assumes)}",
    ]
    asked = requirements(entry)
    if asked:
        lines.append(f"  checked   {'; '.join(asked)}")
    return "\n".join([*lines, f"  paper     {entry.paper}"])


def methods_page() -> str:
    """Return the page of the docs that lists every statistic, as Markdown."""
    parts = [HEAD]
    for scope, title in SCOPES.items():
        parts.append(f"\n## {title[0].upper()}{title[1:]}\n")
        parts += [_section(entry) for entry in statistics() if entry.scope == scope]
    return "\n".join(parts)


def _section(entry: Statistic) -> str:
    asked = requirements(entry)
    rows = [
        ("null", entry.null),
        ("formula", f"`{entry.formula}`"),
        ("law", entry.law),
        ("assumes", "; ".join(entry.assumes)),
        ("checked", "; ".join(asked) if asked else "nothing further"),
        ("paper", entry.paper),
    ]
    facts = "\n".join(f"* {name}: {text}" for name, text in rows)
    return f"### `{entry.name}`: {entry.title}\n\n{entry.meaning}\n\n{facts}\n"
