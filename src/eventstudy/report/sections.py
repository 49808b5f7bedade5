"""The sections on single events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eventstudy.charts.letters import is_readable, readable
from eventstudy.report.numbers import (
    is_number,
    mde_percent,
    new_york,
    number,
    pvalue,
    signed,
    span,
    text_of,
    whole,
)
from eventstudy.report.tablets import Column, Tablet, tablet
from eventstudy.report.verdicts import (
    cautions,
    perhaps_shared,
    second_session,
    shared,
    size,
    verdict,
)
from eventstudy.results import records
from eventstudy.results.tables import wide_columns

if TYPE_CHECKING:
    from eventstudy.results import StudyResult

MAX_ASSETS = 4
MAX_ROWS = 24
MOST_LETTERS = 160
_DIRECTIONS = {"up": "higher oil price", "down": "lower oil price"}


def event_rows(result: StudyResult) -> dict[str, list[dict[str, Any]]]:
    """Rows of the events that have a session, by event, in order of the study."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in records(result.events):
        if text_of(row["session"]) and row["state"] not in {"dropped", "undated"}:
            grouped.setdefault(str(row["event_id"]), []).append(row)
    return grouped


def event_section(
    result: StudyResult,
    rows: Sequence[dict[str, Any]],
    figures: Sequence[Mapping[str, Any]],
    twin: str,
) -> dict[str, Any]:
    """Return one event as the template reads it."""
    first, shown = rows[0], list(rows[:MAX_ASSETS])
    left = len(rows) - len(shown)
    return {
        "heading": readable(first["title"] or first["event_id"]),
        "facts": [*_facts(first), *_further(result, first)],
        "sessions": _placing(shown),
        "sentences": [_sentences(result, row) for row in shown],
        "more": f"{left} more assets of this event are in tables/effects.csv." if left else "",
        "effects": _effects(result, shown),
        "tests": _tests(result, shown),
        "figures": list(figures),
        "twin": _no_charts(twin, drawn=bool(figures)),
    }


def _no_charts(twin: str, *, drawn: bool) -> str:
    if drawn:
        return ""
    if twin:
        return f"The charts are those of {readable(twin)}, which has the same session."
    return "No charts are drawn for this event; its abnormal returns are in tables/ar.csv."


def _facts(row: dict[str, Any]) -> list[list[str]]:
    stated = text_of(row["stated"])
    moment = new_york(stated)
    zone = text_of(row["zone"])
    facts = [
        ["Key", readable(row["event_id"])],
        [
            "Title as given",
            ""
            if is_readable(row["title"])
            else "transliterated above; the original is in result.json",
        ],
        ["Kind", readable(text_of(row["kind"]))],
        ["Place", readable(text_of(row["place"]))],
        [
            "Expected direction",
            _DIRECTIONS.get(text_of(row["direction"]), text_of(row["direction"])),
        ],
        ["When, as stated", f"{stated}{f' ({zone})' if zone else ''}"],
        ["In New York", moment or "only the day is known" if stated else ""],
        ["Precision", text_of(row["precision"])],
        ["Source", readable(text_of(row["source"]))],
        ["Windows overlap with", readable(text_of(row["overlaps_with"]))],
        ["In its estimation window", readable(text_of(row["estimation_overlaps"]))],
        ["Rolls at tau", text_of(row["roll_taus"])],
    ]
    return [fact for fact in facts if fact[1]]


def _further(result: StudyResult, row: dict[str, Any]) -> list[list[str]]:
    """Further columns of the event file, such as where an article says it, in their order."""
    known = set(wide_columns(result.windows))
    return [
        [name.removeprefix("feature_").replace("_", " ").capitalize(), _cut(readable(text))]
        for name, text in ((n, _once(text_of(v))) for n, v in row.items() if n not in known)
        if text
    ]


def _once(text: str) -> str:
    """Each of the parts between semicolons once: several spans of one article name it once."""
    return "; ".join(dict.fromkeys(part.strip() for part in text.split(";")))


def _cut(text: str) -> str:
    if len(text) <= MOST_LETTERS:
        return text
    return f"{text[:MOST_LETTERS].rstrip()}... (whole in tables/events.csv)"


def _placing(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Say which session and why, once for assets that agree."""
    said: dict[str, list[str]] = {}
    for row in rows:
        said.setdefault(_session(row), []).append(readable(row["asset"]))
    return [f"{', '.join(assets)}: {text}" for text, assets in said.items()]


def _session(row: dict[str, Any]) -> str:
    parts = [f"session {row['session']}, {row['state']}."]
    if text_of(row["alt_session"]):
        parts.append(f"The other possible session is {row['alt_session']}.")
    reason = readable(text_of(row["reason"])).rstrip(".")
    if reason:
        parts.append(f"Why: {reason}.")
    elif text_of(row["moved_from"]):
        parts.append(f"Moved from {row['moved_from']}.")
    return " ".join(parts)


def _sentences(result: StudyResult, row: dict[str, Any]) -> str:
    if not is_number(row.get("effect")):
        return f"{readable(row['asset'])}: no effect could be computed."
    parts = (
        f"{readable(row['asset'])}, window {result.headline}: {size(result, row)}.",
        verdict(result, row), second_session(result, row), shared(row),
        perhaps_shared(result, row), cautions(row),
    )  # fmt: skip
    return " ".join(p for p in parts if p)


def _all_windows(result: StudyResult, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Effects of the pairs, those on a second possible session after those on the first."""
    event, assets = rows[0]["event_id"], [row["asset"] for row in rows]
    found = []
    for asset in assets:
        for table in (result.effects, result.alternatives):
            same = (table["event_id"] == event) & (table["asset"] == asset)
            found += records(table[same])
    return found


def _effects(result: StudyResult, rows: Sequence[dict[str, Any]]) -> Tablet:
    cover = f"{100 * (1 - result.level):g} % interval"
    units = sorted({result.units.get(str(r["asset"]), "") for r in rows} - {""})
    lines = [
        r | {
            "percent_span": span(r["percent_low"], r["percent_high"]),
            "usd_span": span(r["usd_low"], r["usd_high"]),
            "mde_percent": mde_percent(result, r),
            "method": text_of(r["ci_method"]).upper(),
        }
        for r in _all_windows(result, rows)
    ]  # fmt: skip
    columns = [
        Column("Asset", "asset"), Column("Session", "session"), Column("Window", "window"),
        Column("Effect, %", "percent", signed), Column(cover, "percent_span", str),
        Column(", ".join(units) or "In price units", "usd", signed), Column(cover, "usd_span", str),
        Column("MDE", "mde_percent", number), Column("Interval by", "method"),
    ]  # fmt: skip
    note = "MDE: minimum detectable effect at 80 % power, in per cent."
    return tablet(columns, lines, note=note, most=MAX_ROWS, where="tables/effects.csv")


def _tests(result: StudyResult, rows: Sequence[dict[str, Any]]) -> Tablet:
    columns = [
        Column("Asset", "asset"), Column("Session", "session"), Column("Window", "window"),
        Column("t", "t", number), Column("p, t", "p_t", pvalue), Column("p, SQ", "p_sq", pvalue),
        Column("p, VFC", "p_vfc", pvalue), Column("p, FHS", "p_fhs", pvalue),
        Column("p, conformal", "p_conformal", pvalue), Column("Vol. ratio", "vol_ratio", number),
        Column("L", "n_estimation", whole), Column("Filter", "filter"),
    ]  # fmt: skip
    lines = _all_windows(result, rows)
    return tablet(
        columns, lines, note=_granularity(result, lines), most=MAX_ROWS, where="tables/effects.csv"
    )


def _granularity(result: StudyResult, lines: Sequence[dict[str, Any]]) -> str:
    counts = [int(r["n_estimation"]) for r in lines if is_number(r["n_estimation"])]
    parts = ["L: usable sessions of the estimation window."]
    if counts:
        parts.append(f"SQ moves in steps of 1/(L+1) = {1 / (min(counts) + 1):.4f}.")
    samples = result.placebos.of_event(lines[0]["event_id"]) if lines else ()
    sizes = [len(sample.standardised) for sample in samples]
    if sizes:
        parts.append(
            f"VFC rests on {min(sizes)} ordinary windows: steps of {1 / (min(sizes) + 1):.4f}."
        )
    reasons = sorted({text_of(r["filter_reason"]).rstrip(".") for r in lines} - {""})
    parts += [f"Filter: {reason}." for reason in reasons[:2]]
    return " ".join(parts)
