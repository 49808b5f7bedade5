"""Deciding on the rows of a draft one by one; each step gives new rows and can be undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from eventstudy.articles.text import Document, printable, read_document
from eventstudy.errors import TableError
from eventstudy.events.drafts import Row, to_csv
from eventstudy.events.review import merge_rows
from eventstudy.events.table import parse_events

Decision = Literal["accept", "reject", ""]

_CONTEXT = 80  # characters before and after a sentence that are shown with it
_DATING = ("date", "time")
_SHOWN = 9  # rows that are offered for a merge


@dataclass(frozen=True, slots=True)
class Desk:
    """A draft on the desk of a reviewer.

    Parameters
    ----------
    path : str
        The file.
    columns, rows : tuple
        As `read_draft` gives them.
    passed : frozenset of str
        Keys of rows that were skipped.

    Examples
    --------
    >>> desk = Desk("d.csv", ("event_id",), ({"event_id": "a"}, {"event_id": "b"}))
    >>> [row["event_id"] for row in decide(desk, "a", "accept").waiting]
    ['b']
    """

    path: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    passed: frozenset[str] = frozenset()

    @property
    def waiting(self) -> tuple[Row, ...]:
        """Rows without a decision that were not skipped: confident ones, then the likeliest."""
        rows = (row for row in self.rows if not row.get("decision", "").strip())
        fresh = [row for row in rows if row["event_id"] not in self.passed]
        return tuple(sorted(fresh, key=_rank))


def _rank(row: Row) -> tuple[bool, float]:
    is_candidate = row.get("tier") == "candidate"
    return is_candidate, -_score(row) if is_candidate else 0.0


def _score(row: Row) -> float:
    try:
        return float(row.get("score", ""))
    except ValueError:
        return 0.0


def decide(desk: Desk, key: str, decision: Decision) -> Desk:
    """Write a decision beside a row."""
    columns = tuple(dict.fromkeys((*desk.columns, "decision")))
    return replace(_changed(desk, key, {"decision": decision}), columns=columns)


def skip(desk: Desk, key: str) -> Desk:
    """Leave a row for another time."""
    return replace(desk, passed=desk.passed | {key})


def edit(desk: Desk, key: str, column: str, value: str) -> Desk:
    """Change a cell of a row; a day that is given or taken away changes its precision, too.

    Raises
    ------
    TableError
        When the column is unknown, or the row is no event any more.
    """
    if column not in desk.columns:
        msg = f"no column {column!r}; there are {', '.join(desk.columns)}"
        raise TableError(msg, path=desk.path)
    if column == "event_id" and any(row["event_id"] == value for row in desk.rows):
        msg = f"{value!r} is already used; choose another key"
        raise TableError(msg, path=desk.path, column=column)
    cells = {column: value.strip()}
    if column in _DATING and "precision" in desk.columns:
        cells["precision"] = ""  # what follows from the day, or from its time
        dated = any({**_row(desk, key), **cells}.get(name) for name in _DATING)
        cells |= {} if dated else {"precision": "undated"}
    changed = _changed(desk, key, cells)
    (row,) = (new for new, old in zip(changed.rows, desk.rows, strict=True) if new is not old)
    parse_events(to_csv(desk.columns, [row]).encode(), desk.path)
    return changed


def merge_into(desk: Desk, key: str, keep: str) -> Desk:
    """Merge a row into another, see `merge_rows`."""
    columns = tuple(dict.fromkeys((*desk.columns, "other_dates", "merged_from")))
    return replace(desk, columns=columns, rows=merge_rows(desk.rows, keep, key))


def alike_rows(desk: Desk, row: Row) -> tuple[Row, ...]:
    """Return rows that a row may be merged into: those of its kind, place and day first."""
    others = [
        other
        for other in desk.rows
        if other["event_id"] != row["event_id"] and other.get("decision", "") != "reject"
    ]

    def distance(other: Row) -> tuple[bool, ...]:
        return tuple(other.get(name) != row.get(name) for name in ("kind", "place", "date"))

    return tuple(sorted(others, key=distance)[:_SHOWN])


def _row(desk: Desk, key: str) -> Row:
    return next(row for row in desk.rows if row["event_id"] == key)


def _changed(desk: Desk, key: str, cells: Mapping[str, str]) -> Desk:
    rows = tuple({**row, **cells} if row["event_id"] == key else row for row in desk.rows)
    return replace(desk, rows=rows)


@dataclass(frozen=True, slots=True)
class Quotation:
    """A sentence of an article with what stands around it; empty where the file is not at hand.

    Parameters
    ----------
    article, span : str
        File and characters.
    before, sentence, after : str
        On one line each.
    """

    article: str
    span: str
    before: str = ""
    sentence: str = ""
    after: str = ""


def quotations_of(
    row: Row, folders: Iterable[Path], cache: dict[str, Document | None]
) -> tuple[Quotation, ...]:
    """Look up the sentences of a row in article files that are there and unchanged.

    Parameters
    ----------
    row : dict
        Of a draft.
    folders : iterable of Path
        Where articles may be.
    cache : dict
        Documents by hash; those that were looked for are added.
    """
    cells: list[Sequence[str]] = [
        row.get(name, "").split(";") for name in ("article", "article_sha256", "span")
    ]
    places = tuple(folders)
    found = []
    for name, digest, span in zip(*cells, strict=False):
        if digest not in cache:
            cache[digest] = _find(name, digest, places)
        document, (start, _, end) = cache[digest], span.partition("-")
        if document is None or not (start.isdigit() and end.isdigit()):
            found.append(Quotation(name, span))
            continue
        first, last = int(start), int(end)
        pieces = (
            document.text[max(0, first - _CONTEXT) : first],
            document.text[first:last],
            document.text[last : last + _CONTEXT],
        )
        found.append(Quotation(name, span, *(" ".join(printable(item).split()) for item in pieces)))
    return tuple(item for item in found if item.article)


def _find(name: str, digest: str, folders: Sequence[Path]) -> Document | None:
    for folder in folders:
        path = folder / Path(name).name
        if not path.is_file():
            continue
        try:
            document = read_document(path)
        except (TableError, ImportError):
            continue
        if document.sha256 == digest:
            return document
    return None
