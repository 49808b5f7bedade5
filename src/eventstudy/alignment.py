"""Which session an event belongs to, and what else happens around it.

News at a moment u belongs to the first settlement after u. Nothing is moved silently: every
event ends in one state, with the reason, and keeps the facts behind it.

===========  ==================================================================================
state        meaning
===========  ==================================================================================
kept         the session is the stated day
moved        the session is another day: after the settlement, a weekend, a holiday
ambiguous    two sessions are possible; both are studied
confounded   another event of the study has the same session 0 on the same asset
dropped      not studied, with the reason
undated      the source gives no day; only bounds are known
===========  ==================================================================================

Where several hold, the one lower in the table but above ``dropped`` is the state; the others
stay visible in their own columns.

Everything is an array over events, or over pairs of event and asset. Sentences and lists of
names are made when they are read: at 100,000 events they would fill the memory.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from eventstudy.arrays import BoolArray, DayArray, IntArray
from eventstudy.calendars import SettlementCalendar
from eventstudy.events import Event
from eventstudy.windows import Window

State = Literal["kept", "moved", "ambiguous", "confounded", "dropped", "undated"]
StateArray = npt.NDArray[np.int8]
STATES: Final[tuple[State, ...]] = (
    "kept", "moved", "ambiguous", "confounded", "dropped", "undated",
)  # fmt: skip
KEPT, MOVED, AMBIGUOUS, CONFOUNDED, DROPPED, UNDATED = range(6)
AMBIGUOUS_MINUTES = 30
HOUR_MINUTES = 30  # a moment known to the hour may be this much off
_END_OF_DAY = dt.time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one event falls on a calendar.

    Confounding depends on the asset and is added by `align`. ``session`` and ``alternative`` are
    indices of session 0 and of the second possible session, ``moved_from`` the ISO date the event
    was moved away from, ``reason`` why this session or why none.
    """

    event: Event
    state: State
    session: int | None = None
    alternative: int | None = None
    moved_from: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Placements:
    """Where E events fall on a calendar; the arrays are (E,).

    ``state`` is an index into `STATES`; ``stated`` the local day, NaT where the source gives none;
    ``session`` and ``alternative`` are indices of session 0 and of the second possible session, -1
    where there is none; ``moved`` says whether session 0 is another day than the one stated,
    ``either_side`` whether the clock allows two sessions (a moment within `ambiguous_minutes` of a
    settlement), ``beyond`` whether the second one has no price any more.
    """

    events: tuple[Event, ...]
    calendar: SettlementCalendar
    ambiguous_minutes: int
    state: StateArray
    stated: DayArray
    session: IntArray
    alternative: IntArray
    moved: BoolArray
    either_side: BoolArray
    beyond: BoolArray

    def __len__(self) -> int:
        return len(self.events)

    def __getitem__(self, i: int) -> Placement:
        return Placement(
            self.events[i],
            STATES[int(self.state[i])],
            _known(self.session[i]),
            _known(self.alternative[i]),
            self.moved_from(i),
            "; ".join(self.reasons(i)),
        )

    def moved_from(self, i: int) -> str:
        """ISO date event i was moved away from, or empty."""
        return str(self.stated[i]) if self.moved[i] else ""

    def reasons(self, i: int) -> tuple[str, ...]:
        """Why event i has this session, or why none, part by part."""
        event = self.events[i]
        if self.state[i] == UNDATED:
            return (_bounds(event),)
        first, last = self.calendar.sessions[0], self.calendar.sessions[-1]
        if self.state[i] == DROPPED:
            return (f"{self.stated[i]} lies outside the prices, which run from {first} to {last}",)
        if event.time is not None and self.calendar.settlements is not None:
            parts = self._reasons_of_moment(i, event, event.time)
        else:
            parts = self._reasons_of_day(i)
        if event.other_dates:
            others = ", ".join(day.isoformat() for day in event.other_dates)
            parts.append(f"another source says {others}")
        if self.beyond[i]:
            parts.append(f"the second session lies after the last price, {last}")
        return tuple(parts)

    def _reasons_of_moment(self, i: int, event: Event, moment: dt.datetime) -> list[str]:
        zone = self.calendar.zone or "UTC"
        city = zone.rsplit("/", 1)[-1].replace("_", " ")
        clock = f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {city}"
        reason = f"{clock} is before the settlement of {self.calendar.sessions[self.session[i]]}"
        if self.moved[i]:
            reason += f", the first one after the news ({self.stated[i]} as stated)"
        if not self.either_side[i]:
            return [reason]
        minutes = _margin(event, self.ambiguous_minutes)
        return [reason, f"within {minutes} minutes of a settlement: both sessions shown"]

    def _reasons_of_day(self, i: int) -> list[str]:
        day = self.stated[i].item()
        if not self.moved[i]:
            reason = "stated day"
        elif self.calendar.settlements is None:
            reason = f"{day} is not a session of the file: moved to the next one"
        else:
            reason = f"no settlement on {day:%A} {day}: moved to the next session"
        if not self.either_side[i]:
            return [reason]
        late = "known to the day only: news after the settlement belongs to the next session"
        return [reason, late]


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Which of N pairs on one asset lie near one another in time.

    In the order of their sessions the neighbours of a pair are a range, so that two numbers per
    pair (N, 2) hold any number of names; pairs without a session have empty ranges.
    """

    order: IntArray  # (M,) pairs with a session, by asset and session
    second: IntArray  # (A,) pairs with a second session, by asset and that session
    same: IntArray  # range of `order` with the same session 0
    near: IntArray  # ... with an overlapping event window
    reach: IntArray  # ... whose event window reaches into the estimation window
    perhaps: IntArray  # range of `second`: pairs whose second session is this session 0

    def within(self, row: int, kind: Literal["same", "near", "reach", "perhaps"]) -> list[int]:
        """Return the other pairs in one of the ranges, in the order of the pairs."""
        first, last = getattr(self, kind)[row].tolist()
        order = self.second if kind == "perhaps" else self.order
        return [other for other in sorted(order[first:last].tolist()) if other != row]


@dataclass(frozen=True, eq=False)
class Alignment:
    """N pairs of an event and an asset it concerns, ordered by event, then by asset.

    ``event`` and ``asset`` (N,) are indices of each pair, ``state`` (N,) one into `STATES`;
    ``faults`` says by row why pairs that have a session are not studied.

    Examples
    --------
    >>> import datetime as dt
    >>> import pandas as pd
    >>> from eventstudy.calendars import settlement_calendar
    >>> from eventstudy.events import events_from_frame
    >>> events = events_from_frame(
    ...     pd.DataFrame({"event_id": ["a", "b"], "date": ["2026-01-03", "2026-01-05"]})
    ... )
    >>> wti = settlement_calendar("wti", dt.date(2025, 1, 1), dt.date(2026, 2, 27))
    >>> pairs = align(events, wti, ["wti"], window=Window(0, 1), estimation=Window(-60, -1))
    >>> [(pair.event_id, pair.state, pair.moved_from) for pair in pairs]
    [('a', 'confounded', '2026-01-03'), ('b', 'confounded', '')]
    >>> pairs[0].confounded_with
    ('b',)
    """

    placements: Placements
    assets: tuple[str, ...]
    event: IntArray
    asset: IntArray
    state: StateArray
    neighbours: Neighbours
    faults: Mapping[int, str]

    def __len__(self) -> int:
        return len(self.event)

    def __getitem__(self, row: int) -> Pair:
        return Pair(self, range(len(self))[row])

    def __iter__(self) -> Iterator[Pair]:
        return (Pair(self, row) for row in range(len(self)))

    @property
    def session(self) -> IntArray:
        """Index of session 0 (N,); -1 where there is none."""
        return self.placements.session[self.event]

    @property
    def alternative(self) -> IntArray:
        """Index of the second possible session (N,); -1 where there is none."""
        return self.placements.alternative[self.event]

    @property
    def studied(self) -> BoolArray:
        """Whether a pair has a session and was not dropped (N,)."""
        return np.asarray((self.state != DROPPED) & (self.state != UNDATED))

    def rows_of(self, asset: str) -> IntArray:
        """Pairs on one asset, in order."""
        return np.flatnonzero(self.asset == self.assets.index(asset))

    def event_ids(self, rows: IntArray) -> tuple[str, ...]:
        """Keys of the events of some pairs."""
        events = self.placements.events
        return tuple([events[i].event_id for i in self.event[rows].tolist()])

    @property
    def moved(self) -> BoolArray:
        """Whether session 0 is another day than the one stated (N,)."""
        return self.placements.moved[self.event]

    @property
    def n_confounded(self) -> IntArray:
        """Other pairs on the asset with the same session 0 (N,)."""
        ranges = self.neighbours.same
        return np.asarray(np.maximum(ranges[:, 1] - ranges[:, 0] - 1, 0), dtype=np.int64)

    @property
    def n_possible(self) -> IntArray:
        """Pairs on the asset whose second possible session is this session 0 (N,)."""
        return self.neighbours.perhaps[:, 1] - self.neighbours.perhaps[:, 0]

    def days(self, at: IntArray) -> DayArray:
        """Days of sessions by index, NaT where it is -1."""
        sessions, blank = self.placements.calendar.sessions, np.datetime64("NaT")
        return np.asarray(np.where(at >= 0, sessions[at], blank))

    def reasons(self, row: int) -> tuple[str, ...]:
        """Why a pair has this session, or why it is not studied, part by part."""
        parts = self.placements.reasons(int(self.event[row]))
        return (*parts, self.faults[row]) if row in self.faults else parts

    def confounded_with(self, row: int) -> tuple[str, ...]:
        """Events with the same session 0."""
        return self._ids(self.neighbours.within(row, "same"))

    def confounded(self) -> dict[int, tuple[str, ...]]:
        """`confounded_with` of every pair that has any, by row."""
        found: dict[int, tuple[str, ...]] = {}
        order, ids = self.neighbours.order.tolist(), self._every_id
        ranges = self.neighbours.same[self.n_confounded > 0]
        for first, last in np.unique(ranges, axis=0).tolist():
            rows = sorted(order[first:last])
            names = tuple([ids[row] for row in rows])
            for at, row in enumerate(rows):
                found[row] = names[:at] + names[at + 1 :]
        return found

    def overlaps_with(self, row: int) -> tuple[str, ...]:
        """Events with another session 0 and an overlapping event window."""
        same = set(self.neighbours.within(row, "same"))
        near = self.neighbours.within(row, "near")
        return self._ids([other for other in near if other not in same])

    def estimation_overlaps(self, row: int) -> tuple[str, ...]:
        """Events whose event window reaches into this estimation window."""
        return self._ids(self.neighbours.within(row, "reach"))

    def perhaps_with(self, row: int) -> tuple[str, ...]:
        """Ambiguous events whose second possible session is this session 0."""
        return self._ids(self.neighbours.within(row, "perhaps"))

    def _ids(self, rows: Sequence[int]) -> tuple[str, ...]:
        return tuple([self._every_id[row] for row in rows])

    @cached_property
    def _every_id(self) -> tuple[str, ...]:
        return self.event_ids(np.arange(len(self)))

    def dropped(self, rows: Sequence[int] | IntArray, reasons: Sequence[str]) -> Alignment:
        """Return the same pairs, some of them left out, each for a reason."""
        state, faults = self.state.copy(), dict(self.faults)
        for row, reason in zip(map(int, rows), reasons, strict=True):
            state[row] = DROPPED
            faults[row] = "; ".join(filter(None, (faults.get(row), reason)))
        return replace(self, state=state, faults=faults)


@dataclass(frozen=True, slots=True)
class Pair:
    """One event on one asset: a row of an `Alignment` that makes each value when it is read."""

    alignment: Alignment
    row: int

    @property
    def event(self) -> Event:
        """The event."""
        return self.alignment.placements.events[int(self.alignment.event[self.row])]

    @property
    def event_id(self) -> str:
        """Key of the event."""
        return self.event.event_id

    @property
    def asset(self) -> str:
        """The asset."""
        return self.alignment.assets[int(self.alignment.asset[self.row])]

    @property
    def state(self) -> State:
        """One of `STATES`."""
        return STATES[int(self.alignment.state[self.row])]

    @property
    def studied(self) -> bool:
        """Whether the pair has a session and was not dropped."""
        return self.state not in ("dropped", "undated")

    @property
    def session(self) -> int | None:
        """Index of session 0."""
        return _known(self.alignment.session[self.row])

    @property
    def alternative(self) -> int | None:
        """Index of the second possible session."""
        return _known(self.alignment.alternative[self.row])

    @property
    def moved_from(self) -> str:
        """ISO date the event was moved away from, or empty."""
        return self.alignment.placements.moved_from(int(self.alignment.event[self.row]))

    @property
    def reason(self) -> str:
        """Why this session, or why the pair is not studied."""
        return "; ".join(self.alignment.reasons(self.row))

    @property
    def confounded_with(self) -> tuple[str, ...]:
        """Events with the same session 0."""
        return self.alignment.confounded_with(self.row)

    @property
    def overlaps_with(self) -> tuple[str, ...]:
        """Events with another session 0 and an overlapping event window."""
        return self.alignment.overlaps_with(self.row)

    @property
    def estimation_overlaps(self) -> tuple[str, ...]:
        """Events whose event window reaches into this estimation window."""
        return self.alignment.estimation_overlaps(self.row)

    @property
    def perhaps_with(self) -> tuple[str, ...]:
        """Ambiguous events whose second possible session is this session 0."""
        return self.alignment.perhaps_with(self.row)


def place_event(
    event: Event, calendar: SettlementCalendar, *, ambiguous_minutes: int = AMBIGUOUS_MINUTES
) -> Placement:
    """Find the session of one event, see `place_events`."""
    return place_events((event,), calendar, ambiguous_minutes=ambiguous_minutes)[0]


def place_events(
    events: Sequence[Event],
    calendar: SettlementCalendar,
    *,
    ambiguous_minutes: int = AMBIGUOUS_MINUTES,
) -> Placements:
    """Find the sessions of events.

    A moment within `ambiguous_minutes` of a settlement could belong to either side of it.
    """
    stated, dated = _stated_days(events)
    size, sessions = len(calendar.sessions), calendar.sessions
    session = np.searchsorted(sessions, np.where(dated, stated, sessions[0]), side="left")
    session = np.where(dated, session, -1).astype(np.int64)
    alternative = np.full(len(events), -1, dtype=np.int64)
    if calendar.settlements is not None:
        timed = np.array([event.time is not None for event in events], dtype=bool)
        rows = np.flatnonzero(dated & timed)
        mine = [events[i] for i in rows.tolist()]
        session[rows], alternative[rows] = _of_moments(mine, calendar, ambiguous_minutes)
        rows = np.flatnonzero(dated & ~timed)
        late = _of_last_seconds([events[i] for i in rows.tolist()], stated[rows], calendar)
        alternative[rows] = np.where(late > session[rows], late, -1)
    either_side = alternative >= 0
    at = np.minimum(session, size - 1)
    moved = dated & (session < size) & (sessions[at] != stated)
    state = np.where(moved, MOVED, KEPT).astype(np.int8)
    state[either_side] = AMBIGUOUS
    _allow_other_dates(events, dated, calendar, session, alternative, state)
    outside = dated & ((session >= size) | ((session == 0) & (stated < sessions[0])))
    beyond = ~outside & (alternative >= size)
    alternative[outside | beyond], session[outside] = -1, -1
    state[outside], state[~dated] = DROPPED, UNDATED
    return Placements(
        tuple(events), calendar, ambiguous_minutes, state, stated, session, alternative,
        moved & ~outside, either_side, beyond,
    )  # fmt: skip


def align(
    events: Sequence[Event],
    calendar: SettlementCalendar,
    assets: Sequence[str],
    *,
    window: Window,
    estimation: Window,
    ambiguous_minutes: int = AMBIGUOUS_MINUTES,
) -> Alignment:
    """Place every event on every asset it concerns, with its overlaps.

    Parameters
    ----------
    events : sequence of Event
    calendar : SettlementCalendar
    assets : sequence of str
        Assets of the study; an event that names its own asset is studied on that one only.
    window, estimation : Window
        Event window and estimation window.
    ambiguous_minutes : int

    Returns
    -------
    Alignment
        Ordered by event, then by asset.
    """
    placements = place_events(tuple(events), calendar, ambiguous_minutes=ambiguous_minutes)
    event, asset = _pairs_of(placements.events, tuple(assets))
    session, second = placements.session[event], placements.alternative[event]
    neighbours = _neighbours(asset, session, second, window, estimation)
    state = placements.state[event]
    state[neighbours.same[:, 1] - neighbours.same[:, 0] > 1] = CONFOUNDED
    return Alignment(placements, tuple(assets), event, asset, state, neighbours, {})


def event_sessions(sessions: IntArray, *, window: Window, size: int) -> BoolArray:
    """Whether each of S = `size` sessions lies in the event window of an event (S,).

    `sessions` (M,) are session 0 of every event on an asset. An event never takes a session from
    its own estimation window: that lies before its own event window.
    """
    edges = np.zeros(size + 1, dtype=np.int64)
    np.add.at(edges, np.clip(sessions + window.start, 0, size), 1)
    np.add.at(edges, np.clip(sessions + window.end + 1, 0, size), -1)
    return np.asarray(np.cumsum(edges)[:size] > 0)


def _stated_days(events: Sequence[Event]) -> tuple[DayArray, BoolArray]:
    """Local days (E,), NaT where the source gives none, and whether it gives one."""
    dated = [event if event.precision != "undated" else None for event in events]
    days = [event and (event.date or (event.time and event.time.date())) for event in dated]
    stated = np.array(days, dtype="datetime64[D]")
    return stated, ~np.isnat(stated)


def _of_moments(
    events: Sequence[Event], calendar: SettlementCalendar, minutes: int
) -> tuple[IntArray, IntArray]:
    """Session and alternative of events with a moment (E,)."""
    assert calendar.settlements is not None  # noqa: S101  # the caller has looked
    # Settlements are whole seconds: cutting a moment to its second moves it past none of them.
    seconds = [int(event.time.timestamp() // 1) for event in events if event.time is not None]
    instants = np.array(seconds, dtype="datetime64[s]")
    margin = np.array([60 * _margin(event, minutes) for event in events], dtype="timedelta64[s]")
    settled, last = calendar.settlements, len(calendar.settlements) - 1
    found = calendar.positions_of(instants)
    after = (found > 0) & (instants - settled[np.maximum(found - 1, 0)] < margin)
    before = (found <= last) & (settled[np.minimum(found, last)] - instants <= margin)
    return found, np.where(after, found - 1, np.where(before, found + 1, -1))


def _of_last_seconds(
    events: Sequence[Event], days: DayArray, calendar: SettlementCalendar
) -> IntArray:
    """Session to which the last second of each day belongs, in the zone of its event (E,)."""

    @cache
    def end(zone: str, day: dt.date) -> int:
        return int(dt.datetime.combine(day, _END_OF_DAY, tzinfo=ZoneInfo(zone)).timestamp())

    zones = [event.zone or calendar.zone or "UTC" for event in events]
    seconds = [end(zone, day) for zone, day in zip(zones, days.tolist(), strict=True)]
    return calendar.positions_of(np.array(seconds, dtype="datetime64[s]"))


def _allow_other_dates(
    events: Sequence[Event],
    dated: BoolArray,
    calendar: SettlementCalendar,
    session: IntArray,
    alternative: IntArray,
    state: StateArray,
) -> None:
    """Make an event ambiguous where another source gives a day with another session."""
    for i, event in enumerate(events):
        if not (event.other_dates and dated[i]):
            continue
        found = [calendar.on_or_after(day) for day in event.other_dates]
        different = [other for other in found if other != session[i]]
        if different:
            state[i] = AMBIGUOUS
            if alternative[i] not in different:
                alternative[i] = different[0]


def _pairs_of(events: Sequence[Event], assets: tuple[str, ...]) -> tuple[IntArray, IntArray]:
    """Event and asset of every pair (N,); an event that names no asset concerns them all."""
    known = {None: -1} | {name: i for i, name in enumerate(assets)}
    own = np.array([known.get(event.asset, -2) for event in events], dtype=np.int64)
    count = np.select([own == -1, own >= 0], [len(assets), 1], 0)
    event = np.repeat(np.arange(len(events)), count)
    within = np.arange(len(event)) - np.repeat(np.cumsum(count) - count, count)
    return event, np.where(own[event] >= 0, own[event], within)


def _neighbours(
    asset: IntArray, session: IntArray, second: IntArray, window: Window, estimation: Window
) -> Neighbours:
    """Find the ranges of neighbours of every pair by binary search."""
    lags = (estimation.start - window.end, estimation.end - window.start)
    width = len(window) - 1
    reach = max(width, abs(lags[0]), abs(lags[1])) + 1
    band = int(max(session.max(initial=0), second.max(initial=0))) + 2 * reach + 1
    base = asset * band + reach  # no range of one asset reaches into the band of the next

    def ordered(place: IntArray) -> tuple[IntArray, IntArray]:
        rows = np.flatnonzero(place >= 0)
        rows = rows[np.argsort(base[rows] + place[rows], kind="stable")]
        return rows, base[rows] + place[rows]

    order, keys = ordered(session)
    others, other_keys = ordered(second)

    def between(low: int, high: int, sorted_keys: IntArray) -> IntArray:
        ranges = np.zeros((len(session), 2), dtype=np.int64)
        ranges[order, 0] = np.searchsorted(sorted_keys, keys + low, side="left")
        ranges[order, 1] = np.searchsorted(sorted_keys, keys + high, side="right")
        return ranges

    return Neighbours(
        order, others,
        same=between(0, 0, keys), near=between(-width, width, keys),
        reach=between(*lags, keys), perhaps=between(0, 0, other_keys),
    )  # fmt: skip


def _margin(event: Event, minutes: int) -> int:
    return minutes + (HOUR_MINUTES if event.precision == "hour" else 0)


def _known(index: np.int64) -> int | None:
    return int(index) if index >= 0 else None


def _bounds(event: Event) -> str:
    if event.not_before and event.not_after:
        bound = f"between {event.not_before:%Y-%m-%d %H:%M} and {event.not_after:%Y-%m-%d %H:%M}"
    elif event.not_after:
        bound = f"before {event.not_after:%Y-%m-%d %H:%M %Z}"
    elif event.not_before:
        bound = f"after {event.not_before:%Y-%m-%d %H:%M %Z}"
    else:
        return "the source gives no day"
    return f"the source gives no day: only {bound.strip()} is known"
