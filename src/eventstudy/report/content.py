"""All that a report says, as plain data for the template."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from eventstudy.charts.labels import shorten
from eventstudy.charts.letters import is_readable, readable
from eventstudy.report import panels
from eventstudy.report.figures import figure_entry, twin_of
from eventstudy.report.findings import key_findings
from eventstudy.report.numbers import mde_percent, number, pvalue, signed, span, text_of
from eventstudy.report.sections import event_rows, event_section
from eventstudy.report.tablets import Column, Tablet, merged, tablet
from eventstudy.results import records

if TYPE_CHECKING:
    from eventstudy.charts import SavedFigure
    from eventstudy.results import StudyResult

MAX_EVENTS = 40
MAX_SUMMARY = 150
SECTIONS = (
    "findings", "summary", "events", "confounders", "claims", "tests", "regression", "methods",
    "provenance", "notes",
)  # fmt: skip
_RETURNS = {"log": "log returns", "simple": "simple returns", "change": "changes of the price"}
_PERCENT = re.compile(r"(\d) %")  # a line does not end between a number and its unit


def content(result: StudyResult, figures: Sequence[SavedFigure]) -> dict[str, Any]:
    """Return the report as data: text, tables of text, and names of figures.

    Parameters
    ----------
    result : StudyResult
        Its ``settings["report"]`` may hold `title`, `author`, `events` (most event sections) and
        `sections` (names of `SECTIONS` to print).
    figures : sequence of SavedFigure
        What `save_figures` drew.
    """
    options = result.settings.get("report", {})
    chosen = tuple(options.get("sections") or SECTIONS)
    most = int(options.get("events", MAX_EVENTS))
    parts: dict[str, Callable[[], Any]] = {
        "findings": lambda: [asdict(f) for f in key_findings(result)],
        "summary": lambda: _summary(result, figures),
        "events": lambda: _events(result, figures, most),
        "confounders": lambda: panels.confounders(result),
        "claims": lambda: panels.claims(result),
        "tests": lambda: panels.tests(result),
        "regression": lambda: panels.regression(result),
        "methods": lambda: _methods(result),
        "provenance": lambda: panels.provenance(result),
        "notes": lambda: panels.notes(result),
    }
    made = {name: make() if name in chosen else None for name, make in parts.items()}
    return {name: _plain(part) for name, part in (_head(result, options) | made).items()}


def _head(result: StudyResult, options: Mapping[str, Any]) -> dict[str, Any]:
    title = text_of(options.get("title")) or result.title or result.name
    texts = (title, *(v for c in ("title", "place", "source") for v in result.events[c]))
    return {
        "title": readable(title),
        "author": readable(text_of(options.get("author"))),
        "as_of": result.provenance.as_of,
        "name": readable(result.name),
        "foreign": sum(not is_readable(text_of(t)) for t in dict.fromkeys(texts)),
        "scope": _scope(result),
    }


def _scope(result: StudyResult) -> str:
    events, assets = result.events["event_id"].nunique(), len(result.assets)
    first, *others = map(str, result.windows)
    windows = f"window {first}" + (f", then {', '.join(others)}" if others else "")
    return (
        f"{events} event{'s' * (events != 1)} on {assets} price series; "
        f"{_RETURNS[result.return_kind]}; {windows}; level of tests {100 * result.level:g} %."
    )


def _summary(result: StudyResult, figures: Sequence[SavedFigure]) -> dict[str, Any]:
    cover = f"{100 * (1 - result.level):g} % interval"
    columns = [
        Column("Event", "event", share=1), Column("Asset", "asset"), Column("Session", "session"),
        Column("State", "state"), Column("Effect, %", "percent", signed),
        Column(cover, "band", str), Column("In price", "usd", signed),
        Column("p, VFC", "p_vfc", pvalue), Column("p, FHS", "p_fhs", pvalue),
        Column("MDE, %", "mde_percent", number), Column("Vol. ratio", "vol_ratio", number),
    ]  # fmt: skip
    rows = [
        r | {
            "event": shorten(r["event_id"], 28),
            "band": span(r.get("percent_low"), r.get("percent_high")),
            "mde_percent": mde_percent(result, r),
        }
        for r in records(result.events)
    ]  # fmt: skip
    units = ", ".join(sorted({u for u in result.units.values() if u}))
    note = f"Effects over the window {result.headline}." + (f" In price: {units}." if units else "")
    return {
        "table": tablet(
            columns, merged(columns, rows), note=note, most=MAX_SUMMARY, where="tables/events.csv"
        ),
        "figures": [figure_entry(result, f) for f in figures if f.which != "event"],
        "more": _undrawn(result, figures),
    }


def _undrawn(result: StudyResult, figures: Sequence[SavedFigure]) -> str:
    drawn = {f.asset for f in figures if f.which == "effects"}
    left = len(set(result.abnormal.assets) - drawn)
    return f"Charts of {left} more assets are not drawn; their numbers are in tables/." * (left > 0)


def _events(result: StudyResult, figures: Sequence[SavedFigure], most: int) -> dict[str, Any]:
    own: dict[str, list[dict[str, Any]]] = {}
    for figure in figures:
        if figure.which == "event":
            own.setdefault(figure.event_id, []).append(figure_entry(result, figure))
    grouped = list(event_rows(result).items())
    left = len(grouped) - most
    note = f"{left} more events have no section here: they are in tables/events.csv."
    return {
        "note": note if left > 0 else "",
        "items": [
            event_section(result, rows, own.get(name, []), twin_of(result, name, own))
            for name, rows in grouped[:most]
        ],
        "left_out": panels.left_out(result),
    }


def _methods(result: StudyResult) -> dict[str, Any]:
    abnormal = result.abnormal
    return {
        "statistics": panels.statistics(result),
        "settings": panels.settings(result),
        "window": str(abnormal.window),
        "estimation": str(abnormal.estimation),
        "parameters": abnormal.n_params,
    }


def _plain(value: Any) -> Any:  # noqa: ANN401  # walks any nesting of plain values
    if isinstance(value, Tablet):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return _PERCENT.sub("\\1\u00a0%", value) if isinstance(value, str) else value
