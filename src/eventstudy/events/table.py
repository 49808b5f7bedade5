"""Event tables: one row per event, keyed on `event_id`, dated to the day or to the moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd

Precision = Literal["exact", "hour", "day", "undated"]
Direction = Literal["up", "down", "none"]


@dataclass(frozen=True, slots=True)
class Event:
    """One dated (or bounded) event.

    Parameters
    ----------
    event_id : str
        Key of the event, never the asset.
    title, kind : str
        What happened, in words and as a class; empty where the file says nothing.
    date : date or None
        The local day; None for an undated event.
    time : datetime or None
        The moment, with its zone, where one is known.
    zone : str or None
        IANA zone in which date and time are stated; None means that of the calendar.
    precision : {"exact", "hour", "day", "undated"}
        ``"hour"``: the moment is known to about an hour.
    other_dates : tuple of date
        Days that other sources give: a conflict that is kept.
    not_before, not_after : datetime or None
        Bounds of an undated event.
    asset, place, source : str or None
        The only asset concerned, where it happened, who says so.
    direction : {"up", "down", "none"} or None
        Expected direction of the oil price.
    features : mapping
        Further columns, numbers where every value of the column is one.
    row : int
        Line of the file, the header being line 1.
    """

    event_id: str
    title: str
    kind: str
    date: dt.date | None
    time: dt.datetime | None
    zone: str | None
    precision: Precision
    other_dates: tuple[dt.date, ...]
    not_before: dt.datetime | None
    not_after: dt.datetime | None
    asset: str | None
    place: str | None
    direction: Direction | None
    source: str | None
    features: Mapping[str, str | float]
    row: int

    def __reduce__(self) -> tuple[Any, ...]:
        # The read-only view of the features cannot be pickled; a copy gets a view of its own.
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return _unpickled, (values | {"features": dict(self.features)},)


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
        names = [item.name for item in fields(Event) if item.name not in {"features", "row"}]
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
        kept = tuple(
            event
            for event in self.events
            if (kinds is None or event.kind.casefold() in kinds)
            and (places is None or not places.isdisjoint(_places(event.place)))
            and (ids is None or event.event_id.casefold() in ids)
            and _within(event.date, first, last)
        )
        return EventTable(kept, self.path, self.sha256)

    def without_blank_features(self) -> EventTable:
        """Leave out the features that are blank for every event of the table."""
        filled = {
            name
            for event in self.events
            for name, value in event.features.items()
            if value != "" and value == value  # noqa: PLR0124  # NaN is blank
        }
        kept = tuple(
            replace(
                event,
                features=MappingProxyType(
                    {name: value for name, value in event.features.items() if name in filled}
                ),
            )
            for event in self.events
        )
        return EventTable(kept, self.path, self.sha256)


def _unpickled(values: dict[str, Any]) -> Event:
    return Event(**(values | {"features": MappingProxyType(values["features"])}))


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
