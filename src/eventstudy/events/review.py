"""Reviewing event files: accept drafts, find likely duplicates, merge rows, split them again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from eventstudy.articles.merge import similarity
from eventstudy.errors import TableError, UnknownNameError, did_you_mean
from eventstudy.events.columns import columns_of
from eventstudy.events.drafts import NOT_REVIEWED, REVIEW_COLUMNS, Row
from eventstudy.events.table import Event, EventTable

LIKELY = 70.0
"""Least token-set ratio of two titles; higher than for sentences, since titles are short."""

_LEFT_BEHIND = frozenset(column.name for column in REVIEW_COLUMNS if column.is_left_behind)
_LISTS = tuple(column.name for column in REVIEW_COLUMNS if column.is_list)
_DATING = tuple(item.field for item in columns_of(Event) if "dating" in item.tags)
_DECISIONS = ("", "accept", "reject")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The reviewed file as it will be, and the keys of the draft rows by what happened to them."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    accepted: tuple[str, ...]
    updated: tuple[str, ...]
    rejected: tuple[str, ...]
    open: tuple[str, ...]


def accept(
    draft_columns: Sequence[str],
    draft: Sequence[Row],
    reviewed_columns: Sequence[str],
    reviewed: Sequence[Row],
) -> Acceptance:
    """Move accepted rows of a draft into the reviewed rows.

    Raises
    ------
    TableError
        When there is no column of decisions, or one is neither ``accept``, ``reject`` nor blank.
    """
    if "decision" not in draft_columns:
        msg = (
            "column 'decision' is missing; give a draft of eventstudy articles extract --draft, "
            "or add the column and write accept or reject in it"
        )
        raise TableError(msg, row=1)
    for line, row in enumerate(draft, start=2):
        if row.get("decision", "").strip().casefold() not in _DECISIONS:
            remedy = "write accept or reject, or leave it blank"
            msg = f"{row['decision']!r} is not a decision; {remedy}"
            raise TableError(msg, row=line, column="decision")
    kept = {row["event_id"]: dict(row) for row in reviewed}
    keys: dict[str, list[str]] = {"accepted": [], "updated": [], "rejected": [], "open": []}
    for row in draft:
        decision, key = row.get("decision", "").strip().casefold(), row["event_id"]
        if decision == "accept":
            keys["updated" if key in kept else "accepted"].append(key)
            plain = {name: cell for name, cell in row.items() if name not in _LEFT_BEHIND}
            plain["source"] = plain.get("source", "").replace(NOT_REVIEWED, "article")
            kept[key] = {**kept.get(key, {}), **plain}
        else:
            keys["rejected" if decision == "reject" else "open"].append(key)
    fresh = [name for name in draft_columns if name not in _LEFT_BEHIND]
    columns = tuple(dict.fromkeys((*reviewed_columns, *fresh)))
    found = {name: tuple(names) for name, names in keys.items()}
    return Acceptance(columns, tuple(kept.values()), **found)


def merge_rows(rows: Sequence[Row], keep: str, other: str) -> tuple[Row, ...]:
    """Merge two rows: `keep` stays, a differing day of `other` becomes one of its other dates.

    Where the kept row has no value that of the other is taken; provenance of both is kept.

    Raises
    ------
    UnknownNameError, TableError
        When a key is not in the rows; when both are the same row.
    """
    first, second = (_find(rows, key) for key in (keep, other))
    if first is second:
        msg = f"{keep!r} cannot be merged with itself; name two events"
        raise TableError(msg, column="event_id")
    merged = {name: cell or second.get(name, "") for name, cell in first.items()}
    timed = first if first.get("date") or first.get("time") else second
    merged |= {name: timed.get(name, "") for name in _DATING if name in merged}
    merged["other_dates"] = ";".join(_days(first, second))
    for name in _LISTS:
        if name in merged:
            cells = (first.get(name, ""), second.get(name, ""))
            merged[name] = ";".join(cell for cell in cells if cell)
    merged["merged_from"] = ";".join(
        dict.fromkeys(filter(None, (*first.get("merged_from", "").split(";"), other)))
    )
    return tuple(merged if row is first else dict(row) for row in rows if row is not second)


def split_row(rows: Sequence[Row], key: str, new: str) -> tuple[Row, ...]:
    """Split a row with several days: the first other day becomes an event of its own.

    Raises
    ------
    UnknownNameError, TableError
        When the key is not in the rows; when it has one day only, or the new key is taken.
    """
    row = _find(rows, key)
    days = [day.strip() for day in row.get("other_dates", "").split(";") if day.strip()]
    if not days:
        msg = f"{key!r} has no other dates to split off"
        raise TableError(msg, column="other_dates")
    if any(other["event_id"] == new for other in rows):
        msg = f"{new!r} is already used; choose another key"
        raise TableError(msg, column="event_id")
    rest = {**row, "other_dates": ";".join(days[1:])}
    added = {**row, "event_id": new, "date": days[0], "time": "", "precision": "day"}
    added["other_dates"] = ""
    at = next(place for place, item in enumerate(rows) if item is row)
    return (*map(dict, rows[:at]), rest, added, *map(dict, rows[at + 1 :]))


def _find(rows: Sequence[Row], key: str) -> Row:
    known = {row["event_id"]: row for row in reversed(rows)}
    if key in known:
        return known[key]
    hint = did_you_mean(key, (row["event_id"] for row in rows))
    msg = f"no event has the ID {key!r}; {hint}"
    raise UnknownNameError(msg)


def _days(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    own = first.get("date") or first.get("time", "")[:10]
    others = [
        *first.get("other_dates", "").split(";"),
        second.get("date") or second.get("time", "")[:10],
        *second.get("other_dates", "").split(";"),
    ]
    return [day for day in dict.fromkeys(cell.strip() for cell in others) if day and day != own]


def likely_duplicates(table: EventTable) -> tuple[tuple[str, str], ...]:
    """Return the keys of pairs that may be one event.

    Two events are compared where kind and place agree and their days are at most one apart, or
    both have none; then their titles have to be alike. A day or a place is left out of the titles.
    """
    blocks: dict[tuple[str, dt.date | None], list[Event]] = {}
    for event in table:
        blocks.setdefault((event.kind.casefold(), event.date), []).append(event)
    pairs: list[tuple[Event, Event]] = []
    for (kind, day), events in blocks.items():
        pairs += combinations(events, 2)
        if day is not None:
            pairs += product(events, blocks.get((kind, day + dt.timedelta(1)), ()))
    found = sorted(
        (*sorted(((one.row, one.event_id), (other.row, other.event_id))),)
        for one, other in pairs
        if _near(one, other) and one.title and similarity(one.title, other.title) >= LIKELY
    )
    return tuple((keep[1], other[1]) for keep, other in found)


def _near(one: Event, other: Event) -> bool:
    if {one.direction, other.direction} == {"up", "down"}:
        return False
    return not one.place or not other.place or one.place.casefold() == other.place.casefold()
