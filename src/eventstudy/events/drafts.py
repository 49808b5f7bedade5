"""Drafts: extracted events as rows that a reviewer decides on.

A reviewer's row is never overwritten. Extracting again adds what is new and says, beside a row,
what the extraction now finds otherwise.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eventstudy.articles.merge import MergedEvent
from eventstudy.articles.text import printable
from eventstudy.errors import OutputError, TableError
from eventstudy.events.columns import columns_of, row_of, split_csv
from eventstudy.events.table import Event
from eventstudy.tables import replacement
from eventstudy.tables.text import bytes_of

Row = dict[str, str]

NOT_REVIEWED: Final = "extracted, not reviewed"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class ReviewColumn:
    """A column that a draft has beside those of an event file."""

    name: str
    meaning: str
    of: Callable[[MergedEvent], str]  # its cell for an extracted event
    is_left_behind: bool = False  # it ends with the draft: accepted rows do not have it
    is_list: bool = False  # a part for each source, separated by semicolons: merging joins them


def _blank(_: MergedEvent) -> str:
    return ""


def _reading(event: MergedEvent) -> str:
    """Return what the extraction read, by which a later one is compared."""
    lead = event.lead
    place = lead.place.name if lead.place else "-"
    return _PART.join((lead.kind, lead.state, lead.date, place))


def _per_span(part: int) -> Callable[[MergedEvent], str]:
    """Return a list with a part for each sentence: 0 its article, 1 the hash, 2 the span."""

    def cell(event: MergedEvent) -> str:
        return ";".join(
            (account.document.name, account.document.sha256, str(span))[part]
            for account in event.accounts
            for span in account.event.spans
        )

    return cell


_PART = "; "

REVIEW_COLUMNS: Final = (
    ReviewColumn(
        "decision", "What the reviewer writes: `accept` or `reject`.", _blank, is_left_behind=True
    ),
    ReviewColumn(
        "tier",
        "`confident`, or `candidate`: worth a look, the likeliest first.",
        lambda e: e.tier,
        is_left_behind=True,
    ),
    ReviewColumn(
        "score",
        "How likely it is to be wanted, in log-odds.",
        lambda e: f"{e.score:.2f}",
        is_left_behind=True,
    ),
    ReviewColumn(
        "reader",
        "Model of a second reader that found it, too, or alone.",
        lambda e: ";".join(dict.fromkeys(a.event.reader for a in e.accounts if a.event.reader)),
    ),
    ReviewColumn(
        "expected_reason", "Why the price is expected to go that way.", lambda e: e.lead.reason
    ),
    ReviewColumn(
        "state", "Whether it was reported, planned or conditional.", lambda e: e.lead.state
    ),
    ReviewColumn(
        "date_rule", "How the date was found, or why there is none.", lambda e: e.lead.date_rule
    ),
    ReviewColumn("conflict", "Who gives which day, where they differ.", lambda e: e.conflict),
    ReviewColumn("actors", "Who is named.", lambda e: ";".join(e.lead.actors)),
    ReviewColumn("article", "File of each sentence.", _per_span(0), is_list=True),
    ReviewColumn("article_sha256", "Its hash.", _per_span(1), is_list=True),
    ReviewColumn("span", "Its characters, `start-end`.", _per_span(2), is_list=True),
    ReviewColumn(
        "extracted", "What the extraction read, kept as it was.", _reading, is_left_behind=True
    ),
    ReviewColumn("change", "`new`, or what the extraction now reads.", _blank, is_left_behind=True),
)
"""The columns of a draft beside those of an event file, the reviewer's decision first."""

DRAFT_COLUMNS: Final = (
    "event_id",
    "decision",
    *(c.field for c in columns_of(Event)[1:] if "not in drafts" not in c.tags),
    *(c.name for c in REVIEW_COLUMNS[1:]),
)


@dataclass(frozen=True, slots=True)
class DraftUpdate:
    """What a second extraction did to a draft: its rows, and their keys by what happened."""

    rows: tuple[Row, ...]  # all of them, the reviewer's own unchanged
    new: tuple[str, ...]
    changed: tuple[str, ...]  # the extraction now reads them otherwise
    kept: tuple[str, ...]


def draft_rows(events: Sequence[MergedEvent]) -> tuple[Row, ...]:
    """Turn extracted events into draft rows, keyed by kind, place and day."""
    taken: set[str] = set()
    rows = []
    for event in events:
        key = _free(_key(event), taken)
        taken.add(key)
        cells = row_of(_event(event, key)) | {c.name: c.of(event) for c in REVIEW_COLUMNS}
        rows.append({name: cells[name] for name in DRAFT_COLUMNS})
    return tuple(rows)


def _event(event: MergedEvent, key: str) -> Event:
    """Return an extracted event as one of an event file."""
    lead = event.lead
    not_before, not_after = None, lead.not_after
    is_day = lead.first is not None and lead.first == lead.last
    if lead.first and lead.last and not is_day:
        # A range is no day: it bounds the event.
        not_before = dt.datetime.combine(lead.first, dt.time(), dt.UTC)
        not_after = dt.datetime.combine(lead.last, dt.time(23, 59, 59), dt.UTC)
    return Event(
        event_id=key,
        title=lead.title,
        kind=lead.kind,
        date=lead.first if is_day and not lead.time else None,
        time=lead.time,
        zone=lead.zone,
        precision="exact" if lead.time else "day" if is_day else "undated",
        other_dates=event.other_dates,
        not_before=not_before,
        not_after=not_after,
        place=lead.place.name if lead.place else None,
        direction=lead.direction,
        source=NOT_REVIEWED,
    )


def _key(event: MergedEvent) -> str:
    lead = event.lead
    parts = [lead.kind, lead.place.name if lead.place else "", str(lead.first or "undated")]
    return re.sub(r"[^a-z0-9]+", "-", " ".join(parts).casefold()).strip("-")


def _free(name: str, taken: set[str]) -> str:
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}-{number}", number + 1
    return candidate


def update_draft(existing: Sequence[Row], extracted: Sequence[Row]) -> DraftUpdate:
    """Add to a draft what an extraction finds new; note what it now reads otherwise."""
    rows = [dict(row) for row in existing]
    taken = {row["event_id"] for row in rows}
    new, changed, kept = [], [], []
    free = list(rows)
    for row in extracted:
        # Two events of a kind may stand in one sentence: a row is taken up once.
        same = [old for old in free if _same_source(old, row)]
        known = next((old for old in same if old.get("extracted") == row["extracted"]), None)
        known = known or next(iter(same), None)
        free = [old for old in free if old is not known]
        if known is None:
            added = {**row, "event_id": _free(row["event_id"], taken), "change": "new"}
            taken.add(added["event_id"])
            rows.append(added)
            new.append(added["event_id"])
        elif known.get("extracted", "") != row["extracted"]:
            known["change"] = f"extraction now reads: {row['extracted']}"
            changed.append(known["event_id"])
        else:
            known["change"] = ""
            kept.append(known["event_id"])
    return DraftUpdate(tuple(rows), tuple(new), tuple(changed), tuple(kept))


def _same_source(old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Whether two rows report one event: the same words of one file, or its kind and place."""
    first, second = (row.get("extracted", "").split(_PART) for row in (old, new))
    if set(_spans(old)) & set(_spans(new)):
        return first[0] == second[0]
    names, digests = _parts(old, "article"), _parts(old, "article_sha256")
    if not names & _parts(new, "article") or digests & _parts(new, "article_sha256"):
        return False
    return (first[0], first[-1]) == (second[0], second[-1])


def _parts(row: Mapping[str, str], name: str) -> set[str]:
    return set(row.get(name, "").split(";")) - {""}


def _spans(row: Mapping[str, str]) -> list[tuple[str, str]]:
    digests = row.get("article_sha256", "").split(";")
    spans = row.get("span", "").split(";")
    return [(digest, span) for digest, span in zip(digests, spans, strict=False) if digest and span]


def read_draft(path: str | Path) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Read the columns and rows of a draft or event file as text."""
    return parse_rows(bytes_of(Path(path), "events"), str(path))


def parse_rows(content: bytes, path: str) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Read the bytes of a draft or event file as text, as `to_csv` wrote them."""
    header, rows = split_csv(content, path)
    if "event_id" not in header:
        msg = "column 'event_id' is missing; give an event file or a draft"
        raise TableError(msg, path=path, row=1)
    return tuple(header), tuple(_unguarded(cells) for _, cells in rows)


def write_rows(path: str | Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Write rows so that the file is whole or absent, and no cell runs in a spreadsheet.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    if not Path(path).parent.is_dir():
        msg = f"{path} cannot be written: {Path(path).parent} is not a folder; make it first"
        raise OutputError(msg)
    with replacement(Path(path)) as partial:
        partial.write_text(to_csv(columns, rows), encoding="utf-8", newline="")


def to_csv(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows as CSV text."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([guarded(row.get(name, "")) for name in columns])
    return stream.getvalue()


def guarded(text: str) -> str:
    """Return a cell that a spreadsheet shows and does not run."""
    cell = printable(text)
    risky = text.startswith(_FORMULA) and not _NUMBER.fullmatch(text)
    return f"'{cell}" if risky else cell


def _unguarded(cells: Mapping[str, str]) -> Row:
    return {
        name: cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA and cell[1:2] else cell
        for name, cell in cells.items()
    }
