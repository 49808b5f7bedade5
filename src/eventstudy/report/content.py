"""All that a report says, as plain data for the template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from eventstudy.charts.glyphs import has_glyphs, transliterate
from eventstudy.charts.style import coverage, shorten
from eventstudy.formats import TYPESET, listed, percent
from eventstudy.report import study_tables, wording
from eventstudy.report.figures import Kinds
from eventstudy.report.study_tables import ReportColumn, ReportTable, numbers, report_table
from eventstudy.results.tables import EffectRow, EventRow

if TYPE_CHECKING:
    from eventstudy.report.figures import DrawnFigure
    from eventstudy.results import StudyResult

NEW_YORK = ZoneInfo("America/New_York")
MAX_SUMMARY = 150
MAX_ASSETS = 4
MAX_EFFECTS = 24
MAX_FACT = 160
SECTIONS = (
    "findings", "summary", "events", "confounders", "claims", "tests", "regression", "methods",
    "provenance", "notes",
)  # fmt: skip
_RETURNS = {"log": "log returns", "simple": "simple returns", "change": "changes of the price"}
_DIRECTIONS = {"up": "higher oil price", "down": "lower oil price"}
Pair = tuple[EventRow, EffectRow | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a study asks of its report, ``settings["report"]`` of its result.

    On the title page stand `title` (that of the study where empty) and `author`; `events` is the
    most events with a section of their own, `pairs` the most pairs of an event and an asset with a
    figure (`events` where it is given), `figures` the files kept of each figure, `tables` the file
    formats of the tables, names in `eventstudy.results.export.FORMATS`, and `sections` names of
    `SECTIONS`.
    """

    title: str = ""
    author: str = ""
    events: int = 40
    pairs: int = 24
    figures: Kinds = "both"
    tables: Sequence[str] = ("csv",)
    sections: Sequence[str] = SECTIONS

    @classmethod
    def of(cls, result: StudyResult) -> Options:
        """Read the options of a result; what is not given keeps its default."""
        asked = dict(result.settings.get("report", {}))
        known = {field.name for field in fields(cls)}
        given = {k: v for k, v in asked.items() if k in known and v not in (None, "", [], ())}
        if "events" in given:
            given["pairs"] = given["events"]
        return cls(**given)


def content(result: StudyResult, figures: Sequence[DrawnFigure], asked: Options) -> dict[str, Any]:
    """Return the report as data: text, tables of text, and names of the figures that were drawn."""
    parts: dict[str, Callable[[], Any]] = {
        "findings": lambda: [asdict(finding) for finding in wording.key_findings(result)],
        "summary": lambda: _summary(result, figures),
        "events": lambda: _events(result, figures, asked.events),
        "confounders": lambda: study_tables.confounders(result),
        "claims": lambda: study_tables.claims(result),
        "tests": lambda: study_tables.tests(result),
        "regression": lambda: study_tables.regression(result),
        "methods": lambda: _methods(result),
        "provenance": lambda: study_tables.provenance(result),
        "notes": lambda: study_tables.notes(result),
    }
    made = {name: make() if name in asked.sections else None for name, make in parts.items()}
    return _head(result, asked) | made


def _head(result: StudyResult, options: Options) -> dict[str, Any]:
    title, events = options.title or result.title or result.name, result.tables.events
    texts = {title, *events.title, *events.place, *events.source}
    return {
        "title": transliterate(title),
        "author": transliterate(options.author),
        "as_of": result.provenance.as_of,
        "name": transliterate(result.name),
        "foreign": sum(not has_glyphs(text) for text in texts),
        "scope": _scope(result),
    }


def _scope(result: StudyResult) -> str:
    events, assets = len(set(result.tables.events.event_id)), len(result.assets)
    first, *others = map(str, result.windows)
    windows = f"window {first}" + (f", then {', '.join(others)}" if others else "")
    return (
        f"{events} event{'s' * (events != 1)} on {assets} price series; "
        f"{_RETURNS[result.return_kind]}; {windows}; level of tests {percent(result.level)}."
    )


def _methods(result: StudyResult) -> dict[str, Any]:
    abnormal = result.abnormal
    return {
        "statistics": wording.described_statistics(result),
        "settings": study_tables.settings(result),
        "window": str(abnormal.window),
        "estimation": str(abnormal.estimation),
        "parameters": abnormal.n_params,
    }


# ---- summary


def _summary(result: StudyResult, figures: Sequence[DrawnFigure]) -> dict[str, Any]:
    cover = f"{coverage(result)} interval"
    columns: list[ReportColumn[Pair]] = [
        ReportColumn("Event", lambda pair: shorten(pair[0].event_id, 28), share=1),
        ReportColumn("Asset", lambda pair: pair[0].asset, merges=True),
        ReportColumn("Session", lambda pair: str(pair[0].session or "")),
        ReportColumn("State", lambda pair: pair[0].state),
        _of_effect("Effect, %", lambda e: TYPESET.signed(e.percent)),
        _of_effect(cover, lambda e: TYPESET.span(e.percent_low, e.percent_high)),
        _of_effect("In price", lambda e: TYPESET.signed(e.usd)),
        _of_effect("p, VFC", lambda e: TYPESET.pvalue(e.p_vfc)),
        _of_effect("p, FHS", lambda e: TYPESET.pvalue(e.p_fhs)),
        _of_effect("MDE, %", lambda e: TYPESET.number(e.mde_percent)),
        _of_effect("Vol. ratio", lambda e: TYPESET.number(e.vol_ratio)),
    ]
    rows: list[Pair] = [(event, result.effect_of(event)) for event in result.tables.events]
    units = ", ".join(sorted({u for u in result.units.values() if u}))
    left = len(set(result.abnormal.assets) - {f.asset for f in figures if not f.event_id})
    note = f"Effects over the window {result.headline}." + (f" In price: {units}." if units else "")
    file = "tables/events.csv"
    return {
        "table": report_table(columns, rows, note=note, most=MAX_SUMMARY, where=file),
        "figures": [figure.entry(result) for figure in figures if not figure.event_id],
        "more": f"Charts of {left} more assets are not drawn; their numbers are in tables/."
        * (left > 0),
    }


def _of_effect(heading: str, cell: Callable[[EffectRow], str]) -> ReportColumn[Pair]:
    """Declare a column of numbers on the effect of a pair, where there is one."""
    return numbers(heading, lambda pair: TYPESET.missing if pair[1] is None else cell(pair[1]))


# ---- single events


def _events(result: StudyResult, figures: Sequence[DrawnFigure], most: int) -> dict[str, Any]:
    drawn: dict[str, list[dict[str, Any]]] = {}
    for figure in figures:
        if figure.event_id:
            drawn.setdefault(figure.event_id, []).append(figure.entry(result))
    grouped: dict[str, list[EventRow]] = {}
    for event in result.tables.events:
        if event.studied and event.session is not None:
            grouped.setdefault(event.event_id, []).append(event)
    left = len(grouped) - most
    note = f"{left} more events have no section here: they are in tables/events.csv."
    return {
        "note": note if left > 0 else "",
        "items": [_section(result, rows, drawn) for rows in list(grouped.values())[:most]],
        "left_out": study_tables.left_out(result),
    }


def _section(
    result: StudyResult, rows: Sequence[EventRow], drawn: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """Return one event, with a row for each of its assets, as the template reads it."""
    first, shown = rows[0], list(rows[:MAX_ASSETS])
    left = len(rows) - len(shown)
    effects = [effect for event in shown for effect in _all_windows(result, event)]
    figures = drawn.get(first.event_id, [])
    return {
        "heading": transliterate(first.title or first.event_id),
        "facts": [*_facts(first), *_further(first)],
        "sessions": _placing(shown),
        "sentences": [_sentences(result, event) for event in shown],
        "more": f"{left} more assets of this event are in tables/effects.csv." if left else "",
        "effects": _effects(result, effects),
        "tests": _tests(result, effects),
        "figures": figures,
        "twin": "" if figures else _no_charts(result, first.event_id, drawn),
    }


def _no_charts(result: StudyResult, event_id: str, drawn: Mapping[str, Any]) -> str:
    """Name the event whose charts stand for those of another on the same sessions."""
    ab = result.abnormal
    places = list(zip(ab.event_ids, ab.assets, ab.position.tolist(), strict=True))
    mine = {place[1:] for place in places if place[0] == event_id}
    twin = next((e for e, *place in places if e in drawn and tuple(place) in mine), "")
    if twin:
        return f"The charts are those of {transliterate(twin)}, which has the same session."
    return "No charts are drawn for this event; its abnormal returns are in tables/ar.csv."


def _facts(event: EventRow) -> list[list[str]]:
    latin = "transliterated above; the original is in result.json"
    stated = "" if event.stated is None else event.stated.isoformat()
    facts = (
        ("Key", event.event_id),
        ("Title as given", "" if has_glyphs(event.title) else latin),
        ("Kind", event.kind),
        ("Place", event.place),
        ("Expected direction", _DIRECTIONS.get(event.direction, event.direction)),
        ("When, as stated", f"{stated}{f' ({event.zone})' if event.zone else ''}"),
        ("In New York", (_new_york(event) or "only the day is known") if stated else ""),
        ("Precision", event.precision),
        ("Source", event.source),
        ("Windows overlap with", listed(event.overlaps_with)),
        ("In its estimation window", listed(event.estimation_overlaps)),
        ("Rolls at tau", listed(event.roll_taus)),
    )
    return [[name, transliterate(text)] for name, text in facts if text]


def _new_york(event: EventRow) -> str:
    """Return an exact moment in New York time; empty when only the day is known."""
    if not isinstance(event.stated, datetime) or event.stated.tzinfo is None:
        return ""
    moment = event.stated.astimezone(NEW_YORK)
    return moment.strftime("%Y-%m-%d %H:%M:%S %Z").replace(":00 ", " ", 1)


def _further(event: EventRow) -> list[list[str]]:
    """Further columns of the event file, such as where an article says it, in their order."""
    found = [(name, transliterate(_once(value))) for name, value in event.features.items()]
    return [[name.replace("_", " ").capitalize(), _cut(text)] for name, text in found if text]


def _once(value: object) -> str:
    """Each of the parts between semicolons once: several spans of one article name it once."""
    missing = value is None or (isinstance(value, float) and np.isnan(value))
    parts = "" if missing else str(value)
    return "; ".join(dict.fromkeys(part.strip() for part in parts.split(";")))


def _cut(text: str) -> str:
    cut = f"{text[:MAX_FACT].rstrip()}... (whole in tables/events.csv)"
    return cut if len(text) > MAX_FACT else text


def _placing(rows: Sequence[EventRow]) -> list[str]:
    """Say which session and why, once for assets that agree."""
    said: dict[str, list[str]] = {}
    for event in rows:
        said.setdefault(_session(event), []).append(transliterate(event.asset))
    return [f"{', '.join(assets)}: {text}" for text, assets in said.items()]


def _session(event: EventRow) -> str:
    parts = [f"session {event.session}, {event.state}."]
    if event.alt_session is not None:
        parts.append(f"The other possible session is {event.alt_session}.")
    reason = transliterate(event.reason).rstrip(".")
    if reason:
        parts.append(f"Why: {reason}.")
    elif event.moved_from:
        parts.append(f"Moved from {event.moved_from}.")
    return " ".join(parts)


def _sentences(result: StudyResult, event: EventRow) -> str:
    effect, asset = result.effect_of(event), transliterate(event.asset)
    if effect is None or not effect.has_effect:
        return f"{asset}: no effect could be computed."
    parts = (
        f"{asset}, window {result.headline}: {wording.size(result, effect)}.",
        wording.verdict(result, effect), wording.second_session(result, event),
        wording.shared(event), wording.perhaps_shared(event), wording.cautions(effect),
    )  # fmt: skip
    return " ".join(filter(None, parts))


def _all_windows(result: StudyResult, event: EventRow) -> list[EffectRow]:
    """Effects of a pair, those on a second possible session after those on the first."""
    found = (
        result.effect_of(event, window, second=second)
        for second in (False, True)
        for window in result.windows
    )
    return [effect for effect in found if effect is not None]


def _effects(result: StudyResult, effects: Sequence[EffectRow]) -> ReportTable:
    cover = f"{coverage(result)} interval"
    units = sorted({result.units.get(e.asset, "") for e in effects} - {""})
    columns: list[ReportColumn[EffectRow]] = [
        *_which_effect(),
        numbers("Effect, %", lambda e: TYPESET.signed(e.percent)),
        numbers(cover, lambda e: TYPESET.span(e.percent_low, e.percent_high)),
        numbers(", ".join(units) or "In price units", lambda e: TYPESET.signed(e.usd)),
        numbers(cover, lambda e: TYPESET.span(e.usd_low, e.usd_high)),
        numbers("MDE", lambda e: TYPESET.number(e.mde_percent)),
        ReportColumn("Interval by", lambda e: e.ci_method.upper()),
    ]
    note = "MDE: minimum detectable effect at 80% power, in per cent."
    return report_table(columns, effects, note=note, most=MAX_EFFECTS, where="tables/effects.csv")


def _tests(result: StudyResult, effects: Sequence[EffectRow]) -> ReportTable:
    columns: list[ReportColumn[EffectRow]] = [
        *_which_effect(),
        numbers("t", lambda e: TYPESET.number(e.t)),
        numbers("p, t", lambda e: TYPESET.pvalue(e.p_t)),
        numbers("p, SQ", lambda e: TYPESET.pvalue(e.p_sq)),
        numbers("p, VFC", lambda e: TYPESET.pvalue(e.p_vfc)),
        numbers("p, FHS", lambda e: TYPESET.pvalue(e.p_fhs)),
        numbers("p, conformal", lambda e: TYPESET.pvalue(e.p_conformal)),
        numbers("Vol. ratio", lambda e: TYPESET.number(e.vol_ratio)),
        numbers("L", lambda e: TYPESET.whole(e.n_estimation)),
        ReportColumn("Filter", lambda e: e.filter),
    ]
    note = _granularity(result, effects)
    return report_table(columns, effects, note=note, most=MAX_EFFECTS, where="tables/effects.csv")


def _which_effect() -> list[ReportColumn[EffectRow]]:
    return [
        ReportColumn("Asset", lambda e: e.asset),
        ReportColumn("Session", lambda e: str(e.session or "")),
        ReportColumn("Window", lambda e: str(e.window)),
    ]


def _granularity(result: StudyResult, effects: Sequence[EffectRow]) -> str:
    parts = ["L: usable sessions of the estimation window."]
    if not effects:
        return parts[0]
    least = min(e.n_estimation for e in effects)
    parts.append(f"SQ moves in steps of 1/(L+1) = {1 / (least + 1):.4f}.")
    samples = result.placebos.of_event(effects[0].event_id)
    if samples:
        size = min(len(sample.standardised) for sample in samples)
        parts.append(f"VFC rests on {size} ordinary windows: steps of {1 / (size + 1):.4f}.")
    reasons = sorted({e.filter_reason.rstrip(".") for e in effects} - {""})
    parts += [f"Filter: {reason}." for reason in reasons[:2]]
    return " ".join(parts)
