"""Rows of CSV files as frozen dataclasses whose fields declare the columns, once.

A field made with `column` says how its cell is read, what it means, and what a blank stands for.
Reading, writing and the documents come from that declaration.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import pandas as pd

from eventstudy.errors import TableError, nearest
from eventstudy.tables.text import bytes_of, cells_of, text_of

Row = tuple[int, dict[str, str]]
T = TypeVar("T")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_DECLARED: Final = "column"


class Faults:
    """Collects what is wrong with the table in `path`, so that all of it is shown at once."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lines: list[str] = []

    def add(self, message: str, *, row: int | None = None, column: str | None = None) -> None:
        """Note one fault."""
        self.lines.append(str(TableError(message, path=self.path, row=row, column=column)))

    def raise_any(self) -> None:
        """Raise all that was noted as one `TableError`, a line per fault."""
        if self.lines:
            raise TableError("\n".join(self.lines), faults=tuple(self.lines))


class Cells:
    """The cells of one row by column, read as what their columns hold.

    `line` is that of the file, the header being line 1; `faults` is where faults are noted.
    """

    def __init__(self, line: int, cells: Mapping[str, str], faults: Faults) -> None:
        self.line, self.cells, self.faults = line, cells, faults

    def fault(self, column: str, message: str) -> None:
        """Note a fault of this row."""
        self.faults.add(message, row=self.line, column=column)

    def text(self, column: str) -> str:
        """Return a cell as it is, blank where there is no such column."""
        return self.cells.get(column, "")

    def text_or_none(self, column: str) -> str | None:
        """Return a cell, or None where it is blank."""
        return self.text(column) or None

    def number(self, column: str) -> float | None:
        """Read a finite number, None where the cell is blank."""
        text = self.text(column)
        value = number(text)
        if text and (value is None or not math.isfinite(value)):
            self.fault(column, f"{text!r} is not a number")
            return None
        return value

    def choice(self, column: str, choices: Mapping[str, T], what: str) -> T | None:
        """Read one of a few words in any case, None where the cell is blank; `what` they are."""
        text = self.text(column)
        if text and text.casefold() not in choices:
            self.fault(column, f"{text!r} is not a {what}")
        return choices.get(text.casefold())

    def zone(self, column: str = "zone") -> str | None:
        """Read the name of a time zone."""
        name = self.text(column)
        if not name or name in zone_names():
            return name or None
        near = nearest(name, zone_names())
        hint = f"did you mean {near!r}?" if near else "use a name such as Europe/Paris"
        self.fault(column, f"{name!r} is not an IANA time zone; {hint}")
        return None

    def day(self, column: str, text: str | None = None) -> dt.date | None:
        """Read a day; `text` where it is a part of the cell."""
        text = self.text(column) if text is None else text
        if not text:
            return None
        if not _DAY.fullmatch(text):
            timed = _DAY.match(text) is not None and len(text) > len("2026-01-07")
            remedy = "put it in column 'time'" if timed else "write it as YYYY-MM-DD"
            what = "holds a time of day" if timed else "is not a day"
            self.fault(column, f"{text!r} {what}; {remedy}")
            return None
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            self.fault(column, f"{text!r} is a day that does not exist; correct it")
            return None

    def days(self, column: str) -> tuple[dt.date, ...]:
        """Read days separated by semicolons."""
        parts = (part.strip() for part in self.text(column).split(";"))
        return tuple(day for part in parts if part and (day := self.day(column, part)))

    def moment(self, column: str, zone: str | None) -> dt.datetime | None:
        """Read a moment: with an offset of its own, else in the zone of its row."""
        text = self.text(column)
        if not text:
            return None
        if _DAY.fullmatch(text):
            remedy = "put it in column 'date'" if column == "time" else "add a time with its offset"
            self.fault(column, f"{text!r} has no time of day; {remedy}")
            return None
        try:
            value = dt.datetime.fromisoformat(text)
        except ValueError:
            remedy = "write it as 2026-01-07T10:06:00+08:00"
            self.fault(column, f"{text!r} is not an ISO 8601 time; {remedy}")
            return None
        if value.tzinfo is not None:
            return value.astimezone(ZoneInfo(zone)) if zone else value
        return self._placed(column, value, zone)

    def _placed(self, column: str, value: dt.datetime, zone: str | None) -> dt.datetime | None:
        """Place a naive moment in its zone, where clocks show it once."""
        text = self.text(column)
        if zone is None:
            if not self.text("zone"):
                remedy = "add an offset or Z, or an IANA name in 'zone'"
                self.fault(column, f"{text!r} has no zone; {remedy}")
            return None
        local = value.replace(tzinfo=ZoneInfo(zone))
        if local.astimezone(dt.UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != value:
            skipped = f"does not exist in {zone} (clocks skip it)"
            self.fault(column, f"{text!r} {skipped}; give an offset")
        elif local.utcoffset() != local.replace(fold=1).utcoffset():
            self.fault(column, f"{text!r} happens twice in {zone} (clocks go back); give an offset")
        return local


@cache
def zone_names() -> frozenset[str]:
    """Return the names of the IANA time zones, the same on every machine."""
    return frozenset((resources.files("tzdata") / "zones").read_text("utf-8").split())


def number(text: str) -> float | None:
    """Return a number written without separators, or None."""
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a file, as its field declares it."""

    field: str
    names: tuple[str, ...]  # read from; more than one where they mean something together
    read: Callable[[Any, str], Any]  # takes the `Cells` of a row and the first of the names
    meaning: str  # Markdown
    blank: str  # what a missing or blank cell stands for; Markdown
    is_required: bool  # a file without it, and a row where it is blank, is refused
    tags: frozenset[str]  # the module of the dataclass says which tags it knows


def column(
    read: Callable[[Any, str], Any],
    meaning: str = "",
    blank: str = "",
    *,
    names: Sequence[str] = (),
    required: bool = False,
    default: Any = None,  # noqa: ANN401  # a field holds any type
    tags: Iterable[str] = (),
) -> Any:  # noqa: ANN401  # what dataclasses.field returns, typed by the annotation beside it
    """Declare a field that is read from a column; a required one has no default."""
    blank = "an error" if required else blank
    declared = FileColumn("", tuple(names), read, meaning, blank, required, frozenset(tags))
    return field(default=MISSING if required else default, metadata={_DECLARED: declared})


def _columns_of(kind: type) -> tuple[FileColumn, ...]:
    return tuple(
        replace(declared, field=item.name, names=declared.names or (item.name,))
        for item in fields(kind)
        if (declared := item.metadata.get(_DECLARED))
    )


columns_of: Callable[[type], tuple[FileColumn, ...]] = cache(_columns_of)
"""The columns that a dataclass declares, in the order of its fields."""


def column_names(kind: type) -> tuple[str, ...]:
    """Return the names of the columns that a dataclass is read from."""
    return tuple(dict.fromkeys(name for item in columns_of(kind) for name in item.names))


def read_table(path: str | Path, kind: type[T], *, cells: type[Cells], what: str) -> tuple[T, ...]:
    """Read a CSV file of `what` into a dataclass that declares its columns.

    Its first required column is the key of the rows; `cells` has the methods its columns name.

    Raises
    ------
    TableError
        With every fault of the file, one line each.
    """
    header, rows = split_csv(bytes_of(Path(path), what), str(path))
    faults = Faults(str(path))
    for name in required_names(kind):
        if name not in header:
            faults.add(f"column {name!r} is missing; add it", row=1)
    faults.raise_any()
    check_keys(rows, required_names(kind)[0], faults)
    found = [read_row(cells(line, row, faults), kind) for line, row in rows]
    faults.raise_any()
    return tuple(item for item in found if item is not None)


def required_names(kind: type) -> tuple[str, ...]:
    """Return the names of the columns that a file must have, the key of its rows first."""
    needed = (item.names for item in columns_of(kind) if item.is_required)
    return tuple(dict.fromkeys(name for names in needed for name in names))


def check_keys(rows: Sequence[Row], key: str, faults: Faults) -> None:
    """Note the rows whose key is blank or used before."""
    first: dict[str, int] = {}
    for line, cells in rows:
        name = cells[key]
        if not name:
            what = key.removesuffix("_id")
            faults.add(f"is empty; give the {what} a key", row=line, column=key)
        elif name in first:
            msg = f"{name!r} is already used in line {first[name]}; keys must be unique"
            faults.add(msg, row=line, column=key)
        else:
            first[name] = line


def read_row(cells: Cells, kind: type[T], **further: Any) -> T | None:  # noqa: ANN401  # fields without a column
    """Read one row; None where it has a fault."""
    before = len(cells.faults.lines)
    for name in required_names(kind)[1:]:
        if not cells.text(name):
            cells.fault(name, "is empty; fill it in")
    values = {item.field: item.read(cells, item.names[0]) for item in columns_of(kind)}
    return kind(**values, **further) if len(cells.faults.lines) == before else None


def row_of(item: Any) -> dict[str, str]:  # noqa: ANN401  # any dataclass with declared columns
    """Return the cells from which an object is read back."""
    return {
        declared.field: cell_of(getattr(item, declared.field))
        for declared in columns_of(type(item))
        if declared.names == (declared.field,)
    }


def cell_of(value: object) -> str:
    """Return a value as the text of a cell: blank for a missing one, ISO 8601 for times."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, dt.datetime):
        midnight = value.tzinfo is None and value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, (tuple, list)):
        return ";".join(cell_of(item) for item in value)
    return value.isoformat() if isinstance(value, dt.date) else str(value).strip()


def document(columns: Iterable[FileColumn]) -> list[tuple[str, str, str]]:
    """Return name, meaning and what a blank stands for of each column, for the documents."""
    return [
        (", ".join(f"`{name}`" for name in item.names), item.meaning, item.blank)
        for item in columns
    ]


def split_csv(content: bytes, path: str) -> tuple[list[str], list[Row]]:
    """Split a CSV file into its columns and its rows with their lines.

    Cells are stripped of surrounding blanks and otherwise kept as they are: what looks like a
    formula is text.

    Raises
    ------
    TableError
        When the file is not UTF-8, has no header, repeats a column or has ragged rows.
    """
    place, faults = Path(path), Faults(path)
    rows = cells_of(place, text_of(place, content, "a header line and rows"))
    lines = [(line, [cell.strip() for cell in cells]) for line, cells in rows if any(cells)]
    if not lines:
        msg = "the file is empty: every cell is blank, the header too"
        raise TableError(msg, path=path)
    header = lines[0][1]
    for name in sorted({name for name in header if header.count(name) > 1}):
        faults.add("appears twice in the header; remove or rename one", row=1, column=name)
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            counts = f"{len(cells)} cells where the header has {len(header)}"
            faults.add(f"{counts}; quote a cell that holds a comma", row=line)
    faults.raise_any()
    return header, [(line, dict(zip(header, cells, strict=True))) for line, cells in lines[1:]]
