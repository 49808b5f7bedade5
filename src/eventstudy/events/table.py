"""Event tables: one row per event, keyed on `event_id`, dated to the day or to the moment.

The columns of an event file are the fields of `Event`, each declared once with how it is read and
what it means; reading, `EventTable.frame`, drafts, editing and docs/events.md come from there. A
column of your own needs no declaration: it is a feature.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast, get_args

import pandas as pd

from eventstudy.articles.language import Direction
from eventstudy.errors import did_you_mean
from eventstudy.events import columns as declare
from eventstudy.events.columns import Cells, Faults, Row, column, columns_of, number
from eventstudy.tables.text import bytes_of, looks_like_header

Precision = Literal["exact", "hour", "day", "undated"]

_DATING = ("dating",)
_PRECISIONS = get_args(Precision)
_SPELLINGS: Mapping[Direction, str] = {
    "up": "up +1 1 1.0 +", "down": "down -1 -1.0 -", "none": "none 0 0.0"
}  # fmt: skip
_DIRECTIONS = {word: direction for direction, all_ in _SPELLINGS.items() for word in all_.split()}


class Features(Mapping[str, str | float]):
    """The further columns of one event: a mapping that nothing changes."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str | float]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str | float:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"Features({self._values!r})"


class _EventCells(Cells):
    """A row of an event file: its zone places its times, its day and its moment must agree."""

    own_zone = cached_property(Cells.zone)

    @cached_property
    def own_time(self) -> dt.datetime | None:
        return self.moment("time", self.own_zone)

    def bound(self, name: str) -> dt.datetime | None:
        return self.moment(name, self.own_zone)

    def local_day(self, name: str) -> dt.date | None:
        date, time = self.day(name), self.own_time
        if date and time and date != time.date():
            self.fault(name, f"{date} is not the local day of time {time.isoformat()}; blank it")
        return time.date() if time else date

    def precision(self, name: str) -> Precision:
        stated = self.text(name)
        has_time, has_date = bool(self.text("time")), bool(self.text("date"))
        if stated and stated not in _PRECISIONS:
            self.fault(name, f"{stated!r} is not a precision; {did_you_mean(stated, _PRECISIONS)}")
        elif stated == "undated" and (has_time or has_date):
            self.fault(name, "is 'undated' although the row has a date; blank one of them")
        elif stated in {"exact", "hour"} and not has_time:
            self.fault(name, f"is {stated!r} but the row has no time; fill 'time'")
        elif stated != "undated" and not has_time and not has_date:
            self.fault("date", "is empty; fill 'date' or 'time', or set precision to 'undated'")
        default = "exact" if has_time else "day" if has_date else "undated"
        return cast("Precision", stated or default)

    def direction(self, name: str) -> Direction | None:
        return self.choice(name, _DIRECTIONS, "direction; use up, down or none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One dated (or bounded) event.

    The fields are the columns of an event file (docs/events.md, written from here), and:

    Parameters
    ----------
    features : mapping
        Further columns, numbers where every value of the column is one.
    row : int
        Line of the file, the header being line 1.

    Notes
    -----
    A field made with `column` is one more column of the file: it is read, shown by
    `EventTable.frame`, offered in drafts and documented. Its tags: ``dating``, on a merge it comes
    from the row that states the day; ``carried``, it stands in the tables of a result beside the
    features; ``not in drafts``.
    """

    event_id: str = column(
        Cells.text,
        "Key of the event, unique in the file. All tables and charts use it.",
        required=True,
    )
    title: str = column(
        Cells.text, "What happened, in words. Shown literally in the report.", "empty", default=""
    )
    kind: str = column(Cells.text, "Class of the event, any text.", "empty", default="")
    date: dt.date | None = column(
        _EventCells.local_day,
        "The local day, `YYYY-MM-DD`.",
        "the local day of `time`",
        tags=_DATING,
    )
    time: dt.datetime | None = column(
        lambda cells, _: cells.own_time,
        "The moment, ISO 8601 with an offset or `Z` (`2026-01-07T10:06:00+08:00`). Without an "
        "offset the row needs a `zone`; a naive time without a zone is an error, because the same "
        "clock time belongs to different sessions in different places.",
        "the event is known to the day",
        tags=_DATING,
    )
    zone: str | None = column(
        lambda cells, _: cells.own_zone,
        "IANA name such as `Europe/Paris`: where date and time are stated.",
        "the offset of `time`; for a day, the zone of the calendar",
        tags=_DATING,
    )
    precision: Precision = column(
        _EventCells.precision,
        "`exact`, `hour` (known to about an hour), `day` or `undated`.",
        "`exact` with a time, `day` with a date",
        default="day",
        tags=_DATING,
    )
    other_dates: tuple[dt.date, ...] = column(
        Cells.days,
        "Further days that other sources give, separated by `;`. The conflict is kept: both "
        "sessions are studied.",
        "none",
        default=(),
    )
    not_before: dt.datetime | None = column(
        _EventCells.bound,
        "An undated event did not happen before it; ISO 8601 with zone.",
        "none",
        tags=_DATING,
    )
    not_after: dt.datetime | None = column(
        _EventCells.bound,
        "An undated event had happened by then; ISO 8601 with zone.",
        "none",
        tags=_DATING,
    )
    asset: str | None = column(
        Cells.text_or_none,
        "The only asset the event concerns, a column of the prices and one of `[study] assets`.",
        "every asset of the study",
        tags=["not in drafts"],
    )
    place: str | None = column(Cells.text_or_none, "Where it happened.", "empty")
    direction: Direction | None = column(
        _EventCells.direction,
        "Expected direction of the price: `up`, `down` or `none` (also `+1`, `-1`, `0`). It is "
        "shown beside the effect; p-values stay two-sided.",
        "not stated",
    )
    source: str | None = column(Cells.text_or_none, "Who says so.", "empty")
    features: Mapping[str, str | float] = Features({})
    row: int = 0

    def __post_init__(self) -> None:
        """Keep any mapping of features as one that nothing changes."""
        if not isinstance(self.features, Features):
            object.__setattr__(self, "features", Features(self.features))

    @property
    def carried(self) -> dict[str, Any]:
        """What the tables of a result carry beside their own columns, by name."""
        own = [item.field for item in columns_of(type(self)) if "carried" in item.tags]
        return {**{name: getattr(self, name) for name in own}, **self.features}


@dataclass(frozen=True, slots=True)
class EventTable:
    """Events in the order of their file.

    Parameters
    ----------
    events : tuple of Event
        At least one when read; a selection may be empty.
    path, sha256 : str or None
        Where they came from and the hash of that file.
    """

    events: tuple[Event, ...]
    path: str | None = None
    sha256: str | None = None

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    @property
    def ids(self) -> tuple[str, ...]:
        """Keys of the events."""
        return tuple(event.event_id for event in self.events)

    def frame(self) -> pd.DataFrame:
        """Return a row per event, indexed by ``event_id``, features as further columns."""
        names = [item.field for item in columns_of(Event)]
        rows = [
            {**{name: getattr(event, name) for name in names}, **event.features}
            for event in self.events
        ]
        features = dict.fromkeys(key for event in self.events for key in event.features)
        return pd.DataFrame(rows, columns=pd.Index([*names, *features])).set_index("event_id")

    def select(
        self,
        *,
        kind: str | Iterable[str] | None = None,
        place: str | Iterable[str] | None = None,
        event_id: str | Iterable[str] | None = None,
        first: dt.date | None = None,
        last: dt.date | None = None,
    ) -> EventTable:
        """Keep the events of some kinds, places and days.

        Parameters
        ----------
        kind, place, event_id : str or iterable of str, optional
            Accepted values, compared without regard to case. A place also stands for the places
            in it: ``"Libya"`` keeps ``"Sirte, Libya"``.
        first, last : date, optional
            Days, both included; an undated event is outside any range of days.
        """
        kinds, places, ids = _wanted(kind), _wanted(place), _wanted(event_id)
        kept = (
            event
            for event in self.events
            if (kinds is None or event.kind.casefold() in kinds)
            and (places is None or not places.isdisjoint(_places(event.place)))
            and (ids is None or event.event_id.casefold() in ids)
            and _within(event.date, first, last)
        )
        return replace(self, events=tuple(kept))

    def without_blank_features(self) -> EventTable:
        """Leave out the features that are blank for every event of the table."""
        filled = {
            name
            for event in self.events
            for name, value in event.features.items()
            if value != "" and value == value  # noqa: PLR0124  # NaN is blank
        }

        def kept(event: Event) -> Event:
            left = {name: value for name, value in event.features.items() if name in filled}
            return replace(event, features=left)

        return replace(self, events=tuple(map(kept, self.events)))


def _wanted(value: str | Iterable[str] | None) -> set[str] | None:
    if value is None:
        return None
    return {item.casefold() for item in ([value] if isinstance(value, str) else value)}


def _places(place: str | None) -> set[str]:
    """Return a place and what it lies in: the parts after each comma."""
    parts = [part.strip() for part in (place or "").casefold().split(",")]
    return {", ".join(parts[start:]) for start in range(len(parts))} | set(parts)


def _within(day: dt.date | None, first: dt.date | None, last: dt.date | None) -> bool:
    if first is None and last is None:
        return True
    return day is not None and (first is None or day >= first) and (last is None or day <= last)


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
    header, rows = declare.split_csv(content, path)
    return EventTable(_parse(header, rows, path), path, hashlib.sha256(content).hexdigest())


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

    Examples
    --------
    >>> import pandas as pd
    >>> table = events_from_frame(pd.DataFrame({"event_id": ["cut"], "date": ["2024-06-02"]}))
    >>> table.events[0].date
    datetime.date(2024, 6, 2)
    """
    table = frame.reset_index() if frame.index.name == "event_id" else frame
    header = [str(name) for name in table.columns]
    records = table.itertuples(index=False, name=None)
    rows = [
        (line, {name: declare.cell_of(value) for name, value in zip(header, record, strict=True)})
        for line, record in enumerate(records, start=2)
    ]
    return EventTable(_parse(header, rows, "events"))


def _parse(header: Sequence[str], rows: Sequence[Row], path: str) -> tuple[Event, ...]:
    faults = Faults(path)
    if "event_id" not in header:
        quoted = looks_like_header(header)
        hint = did_you_mean("event_id", header) if quoted else "this is not the header of a table"
        faults.add(f"column 'event_id' is missing; {hint}", row=1)
    if "date" not in header and "time" not in header:
        faults.add("column 'date' or 'time' is missing; add the day or the moment", row=1)
    faults.raise_any()
    if not rows:
        faults.add("no events in the file; add at least one row")
    declare.check_keys(rows, "event_id", faults)
    further = [name for name in header if name and name not in declare.column_names(Event)]
    numeric = {name for name in further if _is_numeric([cells[name] for _, cells in rows])}
    events = [_event(line, cells, further, numeric, faults) for line, cells in rows]
    faults.raise_any()
    return tuple(event for event in events if event is not None)


def _is_numeric(values: Sequence[str]) -> bool:
    filled = [value for value in values if value]
    return bool(filled) and all(number(value) is not None for value in filled)


def _event(
    line: int, cells: Mapping[str, str], further: Sequence[str], numeric: set[str], faults: Faults
) -> Event | None:
    features = Features(
        {name: float(cells[name] or "nan") if name in numeric else cells[name] for name in further}
    )
    return declare.read_row(_EventCells(line, cells, faults), Event, features=features, row=line)
