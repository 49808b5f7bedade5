"""Reading event files: every fault of a file is found and shown at once."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import cast, get_args
from zoneinfo import ZoneInfo, available_timezones

import pandas as pd

from eventstudy.errors import did_you_mean
from eventstudy.events.rows import Faults, Row, split_csv
from eventstudy.events.table import Direction, Event, EventTable, Precision
from eventstudy.tables.text import bytes_of

_TEXT_COLUMNS = ("title", "kind", "asset", "place", "source")
_KNOWN = (
    "event_id",
    "date",
    "time",
    "direction",
    "zone",
    "precision",
    "other_dates",
    "not_before",
    "not_after",
    *_TEXT_COLUMNS,
)
_DIRECTIONS: Mapping[str, Direction] = {
    "up": "up",
    "+1": "up",
    "1": "up",
    "1.0": "up",
    "+": "up",
    "down": "down",
    "-1": "down",
    "-1.0": "down",
    "-": "down",
    "none": "none",
    "0": "none",
    "0.0": "none",
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PRECISIONS = get_args(Precision)


def read_events(path: str | Path) -> EventTable:
    """Read an event file.

    Parameters
    ----------
    path : str or Path
        CSV with ``event_id`` and ``date`` or ``time`` (ISO 8601).

    Raises
    ------
    TableError
        With every fault of the file, one line each (attribute `faults`).
    """
    return parse_events(bytes_of(Path(path), "events"), str(path))


def parse_events(content: bytes, path: str) -> EventTable:
    """Read the bytes of an event file, see `read_events`."""
    columns, rows = split_csv(content, path)
    events = _parse(columns, rows, path)
    return EventTable(events, path, hashlib.sha256(content).hexdigest())


def events_from_frame(frame: pd.DataFrame) -> EventTable:
    """Build an event table from a DataFrame, with the checks of `read_events`.

    Parameters
    ----------
    frame : DataFrame
        The columns of an event file; ``event_id`` may be the index. Missing values are blank
        cells, dates and times may be text, `date`, `datetime` or timestamps.

    Raises
    ------
    TableError
        With every fault, one line each; row 2 is the first of the frame.
    """
    table = frame.reset_index() if frame.index.name == "event_id" else frame
    columns = [str(name) for name in table.columns]
    records = table.itertuples(index=False, name=None)
    rows = [
        (line, {name: _cell(value) for name, value in zip(columns, record, strict=True)})
        for line, record in enumerate(records, start=2)
    ]
    return EventTable(_parse(columns, rows, "events"))


def _cell(value: object) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, dt.datetime):
        midnight = value.tzinfo is None and value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, (tuple, list)):
        return ";".join(_cell(item) for item in value)
    return value.isoformat() if isinstance(value, dt.date) else str(value).strip()


def _parse(columns: Sequence[str], rows: Sequence[Row], path: str) -> tuple[Event, ...]:
    faults = Faults(path)
    _check_columns(columns, faults)
    faults.raise_any()
    if not rows:
        faults.add("no events in the file; add at least one row")
    _check_ids(rows, faults)
    extra = [name for name in columns if name not in _KNOWN and name]
    numeric = {name for name in extra if _is_numeric([cells[name] for _, cells in rows])}
    events = [_event(line, cells, extra, numeric, faults) for line, cells in rows]
    faults.raise_any()
    return tuple(cast("list[Event]", events))


def _check_columns(columns: Sequence[str], faults: Faults) -> None:
    if "event_id" not in columns:
        hint = did_you_mean("event_id", columns)
        faults.add(f"column 'event_id' is missing; {hint}", row=1)
    if "date" not in columns and "time" not in columns:
        faults.add("column 'date' or 'time' is missing; add the day or the moment", row=1)


def _check_ids(rows: Sequence[Row], faults: Faults) -> None:
    first: dict[str, int] = {}
    for line, cells in rows:
        name = cells["event_id"]
        if not name:
            faults.add("is empty; give the event a key", row=line, column="event_id")
        elif name in first:
            msg = f"{name!r} is already used in line {first[name]}; keys must be unique"
            faults.add(msg, row=line, column="event_id")
        else:
            first[name] = line


def _is_numeric(values: Sequence[str]) -> bool:
    filled = [value for value in values if value]
    return bool(filled) and all(_number(value) is not None for value in filled)


def _number(text: str) -> float | None:
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None


def _event(
    line: int, cells: dict[str, str], extra: Sequence[str], numeric: set[str], faults: Faults
) -> Event | None:
    before = len(faults.lines)
    reader = _RowReader(line, cells, faults)
    zone = reader.zone()
    time = reader.moment("time", zone)
    date = reader.day("date", cells.get("date", ""))
    precision = reader.precision(date, time)
    other = tuple(
        day
        for part in cells.get("other_dates", "").split(";")
        if part.strip() and (day := reader.day("other_dates", part.strip()))
    )
    bounds = reader.moment("not_before", zone), reader.moment("not_after", zone)
    direction = reader.direction()
    local = reader.local_day(date, time)
    if len(faults.lines) > before:
        return None
    features = {
        name: float(cells[name] or "nan") if name in numeric else cells[name] for name in extra
    }
    text = {name: cells.get(name) or None for name in ("asset", "place", "source")}
    return Event(
        event_id=cells["event_id"],
        title=cells.get("title", ""),
        kind=cells.get("kind", ""),
        date=local,
        time=time,
        zone=zone,
        precision=precision,
        other_dates=other,
        not_before=bounds[0],
        not_after=bounds[1],
        direction=direction,
        features=MappingProxyType(features),
        row=line,
        **text,
    )


class _RowReader:
    """The dates of one row; faults go where all the others are."""

    def __init__(self, line: int, cells: Mapping[str, str], faults: Faults) -> None:
        self.line = line
        self.cells = cells
        self.faults = faults

    def fault(self, column: str, message: str) -> None:
        self.faults.add(message, row=self.line, column=column)

    def zone(self) -> str | None:
        name = self.cells.get("zone", "")
        if not name or name in available_timezones():
            return name or None
        hint = did_you_mean(name, available_timezones())
        hint = hint if hint.startswith("did") else "use a name such as Europe/Paris"
        self.fault("zone", f"{name!r} is not an IANA time zone; {hint}")
        return None

    def day(self, column: str, text: str) -> dt.date | None:
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

    def moment(self, column: str, zone: str | None) -> dt.datetime | None:
        text = self.cells.get(column, "")
        if not text:
            return None
        if _DAY.fullmatch(text):
            remedy = "put it in column 'date'" if column == "time" else "add a time with its offset"
            self.fault(column, f"{text!r} has no time of day; {remedy}")
            return None
        try:
            value = dt.datetime.fromisoformat(text)
        except ValueError:
            self.fault(
                column, f"{text!r} is not an ISO 8601 time; write it as 2026-01-07T10:06:00+08:00"
            )
            return None
        return self._placed(column, value, zone)

    def _placed(self, column: str, value: dt.datetime, zone: str | None) -> dt.datetime | None:
        text = self.cells[column]
        if value.tzinfo is not None:
            return value.astimezone(ZoneInfo(zone)) if zone else value
        if zone is None:
            if not self.cells.get("zone"):
                self.fault(
                    column, f"{text!r} has no zone; add an offset or Z, or an IANA name in 'zone'"
                )
            return None
        local = value.replace(tzinfo=ZoneInfo(zone))
        if local.astimezone(dt.UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != value:
            self.fault(
                column, f"{text!r} does not exist in {zone} (clocks skip it); give an offset"
            )
        elif local.utcoffset() != local.replace(fold=1).utcoffset():
            self.fault(column, f"{text!r} happens twice in {zone} (clocks go back); give an offset")
        return local

    def precision(self, date: dt.date | None, time: dt.datetime | None) -> Precision:
        stated = self.cells.get("precision", "")
        has_time, has_date = bool(self.cells.get("time")), bool(self.cells.get("date"))
        if stated and stated not in _PRECISIONS:
            hint = did_you_mean(stated, _PRECISIONS)
            self.fault("precision", f"{stated!r} is not a precision; {hint}")
        elif stated == "undated" and (has_time or has_date):
            self.fault("precision", "is 'undated' although the row has a date; blank one of them")
        elif stated in {"exact", "hour"} and not has_time:
            self.fault("precision", f"is {stated!r} but the row has no time; fill 'time'")
        elif stated != "undated" and not has_time and not has_date:
            self.fault("date", "is empty; fill 'date' or 'time', or set precision to 'undated'")
        default = "exact" if time else "day" if date else "undated"
        return cast("Precision", stated or default)

    def direction(self) -> Direction | None:
        text = self.cells.get("direction", "")
        if text and text.casefold() not in _DIRECTIONS:
            self.fault("direction", f"{text!r} is not a direction; use up, down or none")
        return _DIRECTIONS.get(text.casefold())

    def local_day(self, date: dt.date | None, time: dt.datetime | None) -> dt.date | None:
        if date and time and date != time.date():
            self.fault("date", f"{date} is not the local day of time {time.isoformat()}; blank it")
        return time.date() if time else date
