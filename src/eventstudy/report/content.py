"""All that a report says, as plain data for the template."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from eventstudy.charts.labels import shorten
from eventstudy.charts.letters import is_readable, readable
from eventstudy.report.findings import key_findings
from eventstudy.report.numbers import (
    in_percent,
    number,
    pvalue,
    signed,
    span,
    text_of,
    true_minus,
    whole,
)
from eventstudy.report.sections import event_rows, event_section
from eventstudy.report.tablets import Column, Tablet, merged, tablet

if TYPE_CHECKING:
    from eventstudy.charts import SavedFigure
    from eventstudy.results import StudyResult

MAX_EVENTS = 40
MAX_SUMMARY = 150
MAX_ROWS = 300
MAX_HEIGHT = 620.0  # points that a figure may take on an A4 page
SECTIONS = (
    "findings", "summary", "events", "confounders", "claims", "tests", "regression", "methods",
    "provenance", "remarks",
)  # fmt: skip
Rows = list[dict[str, Any]]
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
    parts: dict[str, Callable[[], Any]] = {
        "findings": lambda: [asdict(f) for f in key_findings(result)],
        "summary": lambda: _summary(result, figures),
        "events": lambda: _events(result, figures, int(options.get("events") or MAX_EVENTS)),
        "confounders": lambda: _confounders(result),
        "claims": lambda: _claims(result),
        "tests": lambda: _tests(result),
        "regression": lambda: _regression(result),
        "methods": lambda: _methods(result),
        "provenance": lambda: _provenance(result),
        "remarks": lambda: _remarks(result),
    }
    return _plain(_head(result, options)) | {
        name: _plain(make()) if name in chosen else None for name, make in parts.items()
    }


def _head(result: StudyResult, options: Mapping[str, Any]) -> dict[str, Any]:
    title = text_of(options.get("title")) or result.title or result.name
    words = (title, *result.events["title"], *result.events["place"], *result.events["source"])
    foreign = sum(not is_readable(text_of(w)) for w in dict.fromkeys(words))
    return {
        "title": readable(title),
        "author": readable(text_of(options.get("author"))),
        "as_of": result.provenance.as_of,
        "name": readable(result.name),
        "foreign": foreign,
        "scope": _scope(result),
    }


def _scope(result: StudyResult) -> str:
    events, assets = result.events["event_id"].nunique(), len(result.assets)
    kinds = {"log": "log returns", "simple": "simple returns", "change": "changes of the price"}
    windows = ", ".join(map(str, result.windows))
    return (
        f"{events} event{'s' * (events != 1)} on {assets} price series; {kinds[result.return_kind]}; "
        f"windows {windows}, the first of which is the headline; "
        f"level of tests {100 * result.level:g} %."
    )


def _summary(result: StudyResult, figures: Sequence[SavedFigure]) -> dict[str, Any]:
    cover = f"{100 * (1 - result.level):g} % interval"
    rows = [
        r | {
            "event": shorten(r["event_id"], 28),
            "band": span(r.get("percent_low"), r.get("percent_high")),
            "mde_percent": in_percent(result, r.get("mde")),
        }
        for r in result.events.to_dict("records")
    ]  # fmt: skip
    columns = [
        Column("Event", "event", share=1), Column("Asset", "asset"), Column("Session", "session"),
        Column("State", "state"), Column("Effect, %", "percent", signed),
        Column(cover, "band", str), Column("In price", "usd", signed),
        Column("p, VFC", "p_vfc", pvalue), Column("p, FHS", "p_fhs", pvalue),
        Column("MDE, %", "mde_percent", number), Column("Vol. ratio", "vol_ratio", number),
    ]  # fmt: skip
    units = ", ".join(sorted({u for u in result.units.values() if u}))
    note = f"Effects over the window {result.headline}." + (f" In price: {units}." if units else "")
    return {
        "table": tablet(columns, merged(columns, rows), note=note, most=MAX_SUMMARY, where="tables/events.csv"),
        "figures": [figure_entry(result, f) for f in figures if f.which != "event"],
    }


def figure_entry(result: StudyResult, figure: SavedFigure) -> dict[str, Any]:
    """Return a figure as the template reads it: file, width, caption, text for those who cannot see it."""
    width, height = map(float, re.findall(rb'(?:width|height)="([\d.]+)pt"', figure.svg)[:2])
    asset, window = readable(figure.asset), result.abnormal.window
    own = f"{readable(figure.event_id)}, {asset}"
    captions = {
        "prices": (f"{asset}: price around the events.", "Line chart of the price with a numbered vertical line at the session of each event; the key below names the events."),
        "effects": (f"{asset}: effects over {result.headline} with intervals.", "A row per event with its effect as a point and its interval as a line; the numbers are in the summary table."),
        "caar": (f"{asset}: mean cumulative abnormal return over all events. The band allows for windows that share sessions.", f"Line chart of the mean cumulative abnormal return from {window.start} to {window.end} sessions, with a band around zero that widens."),
        "event": (f"{own}: abnormal returns, their cumulative path from {window.start} on, and the event among ordinary windows.", f"Charts of the abnormal returns of {own} from {window.start} to {window.end} sessions with intervals, of their running sum with a band, and where there is history a histogram of effects of ordinary windows with the event marked."),
    }  # fmt: skip
    caption, alt = captions[figure.which]
    return {
        "file": f"{figure.stem}.svg",
        "width": width * min(1.0, MAX_HEIGHT / height),
        "caption": caption,
        "alt": alt,
    }


def _events(result: StudyResult, figures: Sequence[SavedFigure], most: int) -> dict[str, Any]:
    grouped = event_rows(result)
    own: dict[str, list[dict[str, Any]]] = {}
    for figure in figures:
        if figure.which == "event":
            own.setdefault(figure.event_id, []).append(figure_entry(result, figure))
    shown = list(grouped.items())[:most]
    left = len(grouped) - len(shown)
    note = (
        f"{left} more events have no section here: they are in tables/events.csv." if left else ""
    )
    return {
        "note": note,
        "items": [
            event_section(result, rows, own.get(name, []), _twin(result, name, own))
            for name, rows in shown
        ],
        "left_out": _left_out(result),
    }


def _twin(result: StudyResult, event_id: str, own: Mapping[str, Any]) -> str:
    """Name the event whose charts stand for those of another on the same sessions."""
    if event_id in own:
        return ""
    ab = result.abnormal
    places = list(zip(ab.event_ids, ab.assets, ab.position.tolist(), strict=True))
    mine = {place[1:] for place in places if place[0] == event_id}
    return next((e for e, *place in places if e in own and tuple(place) in mine), "")


def _left_out(result: StudyResult) -> Tablet:
    rows = result.events[result.events["state"].isin(["undated", "dropped"])]
    lines = rows.to_dict("records")
    columns = [
        Column("Event", "event_id", share=2), Column("What", "title", share=3),
        Column("Asset", "asset"), Column("State", "state"), Column("Stated", "stated"),
        Column("Reason", "reason", share=3),
    ]  # fmt: skip
    return tablet(columns, merged(columns, lines), most=MAX_ROWS, where="tables/events.csv")


def _confounders(result: StudyResult) -> Tablet:
    events = result.events
    shared = events[["confounded_with", "overlaps_with", "estimation_overlaps"]].fillna("") != ""
    rows = events[shared.any(axis=1)].to_dict("records")
    columns = [
        Column("Event", "event_id", share=2), Column("Asset", "asset"), Column("Session", "session"),
        Column("Same session", "confounded_with", share=2),
        Column("Event window overlaps", "overlaps_with", share=2),
        Column("In estimation window", "estimation_overlaps", share=2),
    ]  # fmt: skip
    return tablet(columns, merged(columns, rows), most=MAX_ROWS, where="tables/events.csv")


def _claims(result: StudyResult) -> dict[str, Any]:
    claims = [asdict(c) | {"band": span(c.ci_low, c.ci_high, 4)} for c in result.claims]
    quotes = [asdict(q) | {"agreed": "yes" if q.agrees else "no"} for q in result.quotes]
    return {
        "claims": tablet(
            [
                Column("Claim", "title", share=2), Column("Asset", "asset"), Column("Event", "event_id", share=1),
                Column("Window", "window"), Column("Direction", "direction"),
                Column("Effect, %", "percent", signed), Column("p", "pvalue", pvalue),
                Column("Test", "test"), Column("Answer", "verdict", share=2),
            ],
            claims,
        ),
        "quotes": tablet(
            [
                Column("Quote", "quote_id"), Column("Asset", "asset"), Column("Moment", "moment", share=1),
                Column("Session", "session"), Column("Base", "base_session"),
                Column("Settlement", "base_price", number), Column("Level", "level", number),
                Column("Implied, %", "implied_change_pct", lambda v: signed(v, 3)),
                Column("Quoted, %", "quoted_change_pct", signed), Column("Agree", "agreed"),
            ],
            quotes,
        ),
        "sentences": [
            *([readable(c.title).rstrip(".") + ".", true_minus(readable(c.sentence))] for c in result.claims),
            *([f"Quoted price, {readable(q.asset)}.", true_minus(readable(q.sentence))] for q in result.quotes),
        ],
    }  # fmt: skip


def _tests(result: StudyResult) -> Tablet:
    columns = [
        Column("Asset", "asset"), Column("Window", "window"), Column("Statistic", "statistic"),
        Column("Value", "value", lambda v: number(v, 3)), Column("df", "df", whole),
        Column("p", "pvalue", pvalue), Column("N", "n", whole), Column("Verdict", "verdict", share=1),
        Column("Reason", "reason", share=2),
    ]  # fmt: skip
    return tablet(columns, result.tests.to_dict("records"), most=MAX_ROWS, where="tables/tests.csv")


def _regression(result: StudyResult) -> Tablet:
    columns = [
        Column("Asset", "asset"), Column("Events", "events", share=2), Column("Window", "window"),
        Column("Effect", "coef", lambda v: signed(v, 4)),
        Column("OLS s.e.", "se_ols", lambda v: number(v, 4)),
        Column("HAC s.e.", "se_hac", lambda v: number(v, 4)), Column("HAC p", "p_hac", pvalue),
        Column("Randomisation p", "p_shift", pvalue), Column("n", "n", whole),
    ]  # fmt: skip
    rows = [
        r | {"events": ", ".join(text_of(r["event_ids"]).replace("; ", ";").split(";"))}
        for r in result.regression.to_dict("records")
    ]
    parts = [part.strip() for r in rows for part in text_of(r.get("note")).split(";")]
    notes = "; ".join(dict.fromkeys(filter(None, parts)))
    return tablet(
        columns, rows, note=f"Notes: {notes}." if notes else "", most=MAX_ROWS,
        where="tables/regression.csv",
    )  # fmt: skip


def _methods(result: StudyResult) -> dict[str, Any]:
    lines = [
        [section, key, _setting(value)]
        for section, values in sorted(result.settings.items())
        for key, value in sorted(values.items())
        if value not in (None, "", [], (), {})
    ]
    rows: Rows = [dict(zip(("section", "key", "value"), line, strict=True)) for line in lines]
    columns = [
        Column("Section", "section"),
        Column("Key", "key"),
        Column("Value", "value", share=1),
    ]
    ab = result.abnormal
    return {
        "settings": tablet(columns, rows),
        "window": f"{ab.window}",
        "estimation": f"{ab.estimation}",
        "parameters": ab.n_params,
    }


def _setting(value: Any) -> str:  # noqa: ANN401  # a study file holds any plain value
    if isinstance(value, (list, tuple)):
        nested = any(isinstance(v, (list, tuple)) for v in value)
        return ", ".join(f"[{_setting(v)}]" if nested else _setting(v) for v in value)
    return text_of(value)


def _provenance(result: StudyResult) -> dict[str, Any]:
    made = result.provenance
    series = [asdict(s) for s in made.series]
    hashes = [
        ("study", made.study_sha256),
        ("events", made.events_sha256),
        ("prices", made.prices_sha256),
    ]
    return {
        "series": tablet(
            [
                Column("Series", "name"), Column("What", "title", share=2), Column("Unit", "unit"),
                Column("Kind", "kind"), Column("Source", "source", share=2), Column("First", "first"),
                Column("Last", "last"), Column("Sessions", "n_sessions", whole),
                Column("Missing", "n_missing", whole), Column("Rolls masked", "n_masked_rolls", whole),
                Column("Stale", "n_stale", whole),
            ],
            series,
        ),
        "hashes": [[what, digest] for what, digest in hashes if digest],
        "versions": [list(pair) for pair in made.versions],
    }  # fmt: skip


def _remarks(result: StudyResult) -> Tablet:
    columns = [
        Column("Kind", "kind"),
        Column("Subject", "subject", share=1),
        Column("What was done", "detail", share=3),
    ]
    rows = [asdict(r) for r in result.remarks]
    return tablet(columns, rows, most=MAX_ROWS, where="tables/remarks.csv")


def _plain(value: Any) -> Any:  # noqa: ANN401  # walks any nesting of plain values
    if isinstance(value, Tablet):
        return asdict(value)
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return _PERCENT.sub("\\1\u00a0%", value) if isinstance(value, str) else value
