"""The tables of a report that concern the study as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eventstudy.charts.letters import readable
from eventstudy.report.numbers import (
    number,
    pvalue,
    signed,
    text_of,
    true_minus,
    whole,
)
from eventstudy.report.tablets import Column, Tablet, merged, tablet
from eventstudy.results import records

if TYPE_CHECKING:
    from eventstudy.results import StudyResult

MAX_PLACES = 6
MAX_ROWS = 300


def left_out(result: StudyResult) -> Tablet:
    """Events without an effect, with the reason."""
    rows = records(result.events[result.events["state"].isin(["undated", "dropped"])])
    columns = [
        Column("Event", "event_id", share=2), Column("What", "title", share=3),
        Column("Asset", "asset"), Column("State", "state"), Column("Stated", "stated"),
        Column("Reason", "reason", share=3),
    ]  # fmt: skip
    return tablet(columns, merged(columns, rows), most=MAX_ROWS, where="tables/events.csv")


def confounders(result: StudyResult) -> Tablet:
    """Events that share a session or a window with others."""
    events = result.events
    shared = events[["confounded_with", "overlaps_with", "estimation_overlaps"]].fillna("") != ""
    rows = records(events[shared.any(axis=1)])
    columns = [
        Column("Event", "event_id", share=2), Column("Asset", "asset"),
        Column("Session", "session"), Column("Same session", "confounded_with", share=2),
        Column("Event window overlaps", "overlaps_with", share=2),
        Column("In estimation window", "estimation_overlaps", share=2),
    ]  # fmt: skip
    return tablet(columns, merged(columns, rows), most=MAX_ROWS, where="tables/events.csv")


def claims(result: StudyResult) -> dict[str, Any]:
    """Claims and quotes: a sentence for each, and two tables."""
    stated = [(readable(c.title).rstrip(".") + ".", c.sentence) for c in result.claims]
    stated += [(f"Quoted price, {readable(q.asset)}.", q.sentence) for q in result.quotes]
    return {
        "claims": _claim_table(result),
        "quotes": _quote_table(result),
        "sentences": [[lead, true_minus(readable(said))] for lead, said in stated],
    }


def tests(result: StudyResult) -> dict[str, Any]:
    """Statistics over all events, headline window first; each reason is told once, by number."""
    columns = [
        Column("Window", "window"), Column("Asset", "asset"), Column("Statistic", "statistic"),
        Column("Value", "value", lambda v: number(v, 3)), Column("df", "df", whole),
        Column("p", "pvalue", pvalue), Column("N", "n", whole),
        Column("Verdict", "verdict"), Column("Reasons", "why", share=1),
    ]  # fmt: skip
    order = {str(window): k for k, window in enumerate(result.windows)}
    rows = sorted(records(result.tests), key=lambda r: order.get(str(r["window"]), len(order)))
    shown = [row for row in rows if row["verdict"] != "refused"]
    numbers: dict[str, int] = {}
    for row in shown[:MAX_ROWS]:
        parts = [part.strip() for part in text_of(row["reason"]).split(";") if part.strip()]
        row["why"] = ", ".join(str(numbers.setdefault(p, len(numbers) + 1)) for p in parts)
    return {
        "table": tablet(columns, shown, most=MAX_ROWS, where="tables/tests.csv"),
        "reasons": [readable(reason) for reason in numbers],
        "refused": _refused([row for row in rows if row["verdict"] == "refused"]),
        "why": _why(result),
        "family": family(result),
    }


def family(result: StudyResult) -> Tablet:
    """Single p-values held together and the study without each event, headline window."""
    columns = [
        Column("Asset", "asset"), Column("Event", "event_id", share=1),
        Column("z", "score", lambda v: number(v, 2)), Column("p", "pvalue", pvalue),
        Column("p max |z|", "p_max_z", pvalue), Column("p Holm", "p_holm", pvalue),
        Column("p BH", "p_benjamini_hochberg", pvalue),
        Column("z without", "overlap_z_without", lambda v: number(v, 2)),
        Column("p without", "p_overlap_z_without", pvalue),
    ]  # fmt: skip
    if not len(result.family):
        return tablet(columns, [])
    rows = records(result.family[result.family["window"] == str(result.headline)])
    return tablet(columns, rows, most=MAX_ROWS, where="tables/family.csv")


def _refused(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Say once for each reason which statistics were refused, and where."""
    said: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        where = f"{row['asset']} {row['window']}"
        told = said.setdefault(text_of(row["reason"]), {})
        told.setdefault(str(row["statistic"]), []).append(where)
    return [
        readable(f"{', '.join(told)}: {reason} ({_places(list(told.values()))})")
        for reason, told in said.items()
    ]


def _places(lists: Sequence[Sequence[str]]) -> str:
    places = list(dict.fromkeys(place for one in lists for place in one))
    more = f" and {len(places) - MAX_PLACES} more" if len(places) > MAX_PLACES else ""
    return ", ".join(places[:MAX_PLACES]) + more


def _why(result: StudyResult) -> list[str]:
    """Say once for each reason why these tests are the default, and where."""
    said: dict[str, list[str]] = {}
    for row in records(result.design):
        said.setdefault(text_of(row["why"]), []).append(f"{row['asset']} {row['window']}")
    return [readable(f"{_places([where])}: {why}") for why, where in said.items() if why]


def regression(result: StudyResult) -> Tablet:
    """Coefficients of the joint regression, groups of inseparable events by name."""
    columns = [
        Column("Asset", "asset"), Column("Events", "events", share=2), Column("Window", "window"),
        Column("Effect", "coef", lambda v: signed(v, 4)),
        Column("OLS s.e.", "se_ols", lambda v: number(v, 4)),
        Column("HAC s.e.", "se_hac", lambda v: number(v, 4)), Column("HAC p", "p_hac", pvalue),
        Column("Randomisation p", "p_shift", pvalue), Column("n", "n", whole),
    ]  # fmt: skip
    rows = [
        r | {"events": ", ".join(text_of(r["event_ids"]).replace("; ", ";").split(";"))}
        for r in records(result.regression)
    ]
    parts = [part.strip() for r in rows for part in text_of(r.get("note")).split(";")]
    notes = "; ".join(dict.fromkeys(filter(None, parts)))
    return tablet(
        columns, rows, note=f"Notes: {notes}." if notes else "", most=MAX_ROWS,
        where="tables/regression.csv",
    )  # fmt: skip


def statistics(result: StudyResult) -> list[dict[str, str]]:
    """Say what each statistic over all events is, in the words of the registry."""
    from eventstudy.inference.statistic import statistics as registered

    used = set(result.tests["statistic"])
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "meaning": entry.meaning,
            "formula": entry.formula,
            "distribution": entry.distribution,
            "paper": entry.paper,
        }
        for entry in registered()
        if entry.name in used
    ]


def settings(result: StudyResult) -> list[list[str]]:
    """List the study file as it was understood, defaults included, a line for each section."""
    lines = []
    for section, values in sorted(result.settings.items()):
        told = [
            f"{key} = {_setting(value)}"
            for key, value in sorted(values.items())
            if value not in (None, "", [], (), {})
        ]
        if told:
            lines.append([section, readable("; ".join(told))])
    return lines


def provenance(result: StudyResult) -> dict[str, Any]:
    """Series, hashes and versions from which the same bytes can be made again."""
    made = result.provenance
    columns = [
        Column("Series", "name"), Column("What", "title", share=2), Column("Unit", "unit"),
        Column("Kind", "kind"), Column("Source", "source", share=2), Column("First", "first"),
        Column("Last", "last"), Column("Sessions", "n_sessions", whole),
        Column("Missing", "n_missing", whole), Column("Rolls masked", "n_masked_rolls", whole),
        Column("Stale", "n_stale", whole),
    ]  # fmt: skip
    digests = (
        ("study", made.study_sha256), ("events", made.events_sha256), ("prices", made.prices_sha256)
    )  # fmt: skip
    return {
        "series": tablet(columns, result.tables.series.records()),
        "hashes": [[what, digest] for what, digest in digests if digest],
        "versions": [list(pair) for pair in made.versions],
    }


def notes(result: StudyResult) -> Tablet:
    """Everything that was moved, dropped, masked or replaced."""
    columns = [
        Column("Kind", "kind"), Column("Subject", "subject", share=1),
        Column("What was done", "detail", share=3),
    ]  # fmt: skip
    rows = result.notes.records()
    return tablet(columns, rows, most=MAX_ROWS, where="tables/notes.csv")


def _claim_table(result: StudyResult) -> Tablet:
    columns = [
        Column("Claim", "title", share=2), Column("Asset", "asset"),
        Column("Event", "event_id", share=1), Column("Window", "window"),
        Column("Direction", "direction"), Column("Effect, %", "percent", signed),
        Column("p", "pvalue", pvalue), Column("Test", "test"), Column("Answer", "verdict", share=2),
    ]  # fmt: skip
    return tablet(columns, result.claims.records())


def _quote_table(result: StudyResult) -> Tablet:
    columns = [
        Column("Quote", "quote_id"), Column("Asset", "asset"), Column("Moment", "moment", share=1),
        Column("Session", "session"), Column("Base", "base_session"),
        Column("Settlement", "base_price", number), Column("Level", "level", number),
        Column("Implied, %", "implied_change_pct", lambda v: signed(v, 3)),
        Column("Quoted, %", "quoted_change_pct", signed), Column("Agree", "agreed"),
    ]  # fmt: skip
    rows = [
        quote | {"agreed": "yes" if quote["agrees"] else "no"} for quote in result.quotes.records()
    ]
    return tablet(columns, rows)


def _setting(value: Any) -> str:  # noqa: ANN401  # a study file holds any plain value
    if isinstance(value, (list, tuple)):
        nested = any(isinstance(v, (list, tuple)) for v in value)
        return ", ".join(f"[{_setting(v)}]" if nested else _setting(v) for v in value)
    return text_of(value)
