"""Editing reviewed event files: accept drafts, merge rows, split them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eventstudy.errors import TableError, UnknownNameError, did_you_mean
from eventstudy.events.drafts import Row

_REVIEW_ONLY = ("decision", "extracted", "change")
_DECISIONS = ("", "accept", "reject")
_DATING = ("date", "time", "zone", "precision", "not_before", "not_after")
_LISTS = ("article", "article_sha256", "span")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What accepting a draft does to the reviewed file.

    Parameters
    ----------
    columns, rows : tuple
        The reviewed file as it will be.
    accepted, updated, rejected, open : tuple of str
        Keys of draft rows by what happened to them; `open` ones await a decision.
    """

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
            msg = (
                f"{row['decision']!r} is not a decision; write accept or reject, or leave it blank"
            )
            raise TableError(msg, row=line, column="decision")
    kept = {row["event_id"]: dict(row) for row in reviewed}
    accepted: list[str] = []
    updated: list[str] = []
    rejected: list[str] = []
    waiting: list[str] = []
    for row in draft:
        decision, key = row.get("decision", "").strip().casefold(), row["event_id"]
        if decision == "accept":
            (updated if key in kept else accepted).append(key)
            plain = {name: cell for name, cell in row.items() if name not in _REVIEW_ONLY}
            plain["source"] = plain.get("source", "").replace("extracted, not reviewed", "article")
            kept[key] = {**kept.get(key, {}), **plain}
        else:
            (rejected if decision == "reject" else waiting).append(key)
    fresh = [name for name in draft_columns if name not in _REVIEW_ONLY]
    columns = tuple(dict.fromkeys((*reviewed_columns, *fresh)))
    return Acceptance(
        columns,
        tuple(kept.values()),
        tuple(accepted),
        tuple(updated),
        tuple(rejected),
        tuple(waiting),
    )


def merge_rows(rows: Sequence[Row], keep: str, other: str) -> tuple[Row, ...]:
    """Merge two rows: `keep` stays, a differing day of `other` becomes one of its other dates.

    Where the kept row has no value that of the other is taken; provenance of both is kept.

    Raises
    ------
    UnknownNameError
        When a key is not in the rows.
    TableError
        When both are the same row.
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
    UnknownNameError
        When the key is not in the rows.
    TableError
        When the event has one day only, or the new key is taken.
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
    result: list[Row] = []
    for item in rows:
        result += [rest, added] if item is row else [dict(item)]
    return tuple(result)


def _find(rows: Sequence[Row], key: str) -> Row:
    for row in rows:
        if row["event_id"] == key:
            return row
    msg = f"no event is called {key!r}; {did_you_mean(key, (row['event_id'] for row in rows))}"
    raise UnknownNameError(msg)


def _days(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    own = first.get("date") or first.get("time", "")[:10]
    others = [
        *first.get("other_dates", "").split(";"),
        second.get("date") or second.get("time", "")[:10],
        *second.get("other_dates", "").split(";"),
    ]
    return [day for day in dict.fromkeys(cell.strip() for cell in others) if day and day != own]
