"""Drafts: extracted events as rows that a reviewer decides on.

A reviewer's row is never overwritten. Extracting again adds what is new and says, beside a row,
what the extraction now finds otherwise.
"""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eventstudy.articles.merge import MergedEvent
from eventstudy.articles.text import printable
from eventstudy.errors import OutputError, TableError
from eventstudy.events.rows import read_csv_rows, split_csv

DRAFT_COLUMNS = (
    "event_id",
    "decision",
    "title",
    "kind",
    "date",
    "time",
    "zone",
    "precision",
    "other_dates",
    "not_before",
    "not_after",
    "place",
    "direction",
    "expected_reason",
    "state",
    "date_rule",
    "conflict",
    "actors",
    "source",
    "article",
    "article_sha256",
    "span",
    "extracted",
    "change",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class DraftUpdate:
    """What a second extraction did to a draft.

    Parameters
    ----------
    rows : tuple of dict
        All rows, the reviewer's own unchanged.
    new, changed, kept : tuple of str
        Keys of rows added, of rows the extraction now reads otherwise, and of the others.
    """

    rows: tuple[Row, ...]
    new: tuple[str, ...]
    changed: tuple[str, ...]
    kept: tuple[str, ...]


def draft_rows(events: Sequence[MergedEvent]) -> tuple[Row, ...]:
    """Turn extracted events into draft rows, keyed by kind, place and day."""
    taken: set[str] = set()
    rows = []
    for event in events:
        row = _row(event)
        row["event_id"] = _free(row["event_id"], taken)
        taken.add(row["event_id"])
        rows.append(row)
    return tuple(rows)


def update_draft(existing: Sequence[Row], extracted: Sequence[Row]) -> DraftUpdate:
    """Add to a draft what an extraction finds new; note what it now reads otherwise."""
    rows = [dict(row) for row in existing]
    taken = {row["event_id"] for row in rows}
    new, changed, kept = [], [], []
    for row in extracted:
        known = next((old for old in rows if _same_source(old, row)), None)
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


def read_draft(path: str | Path) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Read the columns and rows of a draft or event file as text."""
    columns, rows = read_csv_rows(path, what="events")
    if "event_id" not in columns:
        msg = "column 'event_id' is missing; give an event file or a draft"
        raise TableError(msg, path=str(path), row=1)
    return tuple(columns), tuple(_unguarded(cells) for _, cells in rows)


def write_rows(path: str | Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Write rows so that the file is whole or absent, and no cell runs in a spreadsheet.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    place = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(to_csv(columns, rows))
        Path(name).chmod(0o644)
        Path(name).replace(place)
    except OSError as error:
        msg = f"{path} cannot be written ({error.strerror or error}); choose another place"
        raise OutputError(msg) from error


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


def parse_csv(text: str) -> tuple[Row, ...]:
    """Read back what `to_csv` wrote."""
    return tuple(_unguarded(cells) for _, cells in split_csv(text.encode(), "text")[1])


def _unguarded(cells: Mapping[str, str]) -> Row:
    return {
        name: cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA and cell[1:2] else cell
        for name, cell in cells.items()
    }


def _row(event: MergedEvent) -> Row:
    lead = event.lead
    dated = lead.first is not None
    exact = lead.moment is not None
    spans = [
        (account.document.name, account.document.sha256, str(span))
        for account in event.accounts
        for span in account.event.spans
    ]
    ranged = lead.first != lead.last
    row = {
        "event_id": _key(event),
        "decision": "",
        "title": lead.title,
        "kind": lead.kind,
        "date": str(lead.first) if dated and not exact and not ranged else "",
        "time": lead.moment.isoformat() if lead.moment else "",
        "zone": lead.place.zone if lead.place else "",
        "precision": "exact" if exact else "day" if dated and not ranged else "undated",
        "other_dates": ";".join(str(day) for day in event.other_dates),
        "not_before": "",
        "not_after": lead.not_after.isoformat() if lead.not_after else "",
        "place": lead.place.name if lead.place else "",
        "direction": lead.direction,
        "expected_reason": lead.reason,
        "state": lead.state,
        "date_rule": lead.date_rule,
        "conflict": event.conflict,
        "actors": ";".join(lead.actors),
        "source": "extracted, not reviewed",
        "article": ";".join(name for name, _, _ in spans),
        "article_sha256": ";".join(digest for _, digest, _ in spans),
        "span": ";".join(span for _, _, span in spans),
        "extracted": "; ".join(
            (lead.kind, lead.state, lead.date, lead.place.name if lead.place else "-")
        ),
        "change": "",
    }
    if ranged and lead.first and lead.last:
        # A range is no day: it bounds the event, in the zone of its place.
        row["not_before"] = f"{lead.first}T00:00:00+00:00"
        row["not_after"] = f"{lead.last}T23:59:59+00:00"
    return row


def _key(event: MergedEvent) -> str:
    lead = event.lead
    parts = [lead.kind, lead.place.name if lead.place else "", str(lead.first or "undated")]
    return re.sub(r"[^a-z0-9]+", "-", " ".join(parts).casefold()).strip("-")


def _free(name: str, taken: set[str]) -> str:
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}-{number}", number + 1
    return candidate


def _same_source(old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Whether two rows tell of one event: the same words of one file, or its kind and place."""
    old_spans = set(_spans(old))
    if old_spans & set(_spans(new)):
        return old.get("extracted", "").split(";")[0] == new["extracted"].split(";")[0]
    articles = set(old.get("article", "").split(";")) & set(new["article"].split(";"))
    same_text = set(old.get("article_sha256", "").split(";")) & set(
        new["article_sha256"].split(";")
    )
    if not articles - {""} or same_text - {""}:
        return False
    ends = ("; ", 0, -1)
    first, second = (row["extracted"].split(ends[0]) for row in (old, new))
    return (first[0], first[-1]) == (second[0], second[-1])


def _spans(row: Mapping[str, str]) -> list[tuple[str, str]]:
    names = row.get("article_sha256", "").split(";")
    spans = row.get("span", "").split(";")
    return [(name, span) for name, span in zip(names, spans, strict=False) if name and span]
