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
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from eventstudy.arrays import BoolArray, IntArray
from eventstudy.calendars import SettlementCalendar
from eventstudy.events import Event
from eventstudy.windows import Window

State = Literal["kept", "moved", "ambiguous", "confounded", "dropped", "undated"]
AMBIGUOUS_MINUTES = 30


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one event falls on a calendar.

    Parameters
    ----------
    event : Event
    state : str
        ``kept``, ``moved``, ``ambiguous``, ``dropped`` or ``undated``; confounding depends on
        the asset and is added by `align`.
    session : int or None
        Index of session 0.
    alternative : int or None
        Index of the second possible session.
    moved_from : str
        ISO date the event was moved away from, or empty.
    reason : str
        Why this session, or why none.
    """

    event: Event
    state: State
    session: int | None = None
    alternative: int | None = None
    moved_from: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """One event on one asset.

    Parameters
    ----------
    placement : Placement
    asset : str
    state : str
    confounded_with, overlaps_with, estimation_overlaps : tuple of str
        Events with the same session 0; with an overlapping event window; with an event window
        that reaches into this estimation window.
    perhaps_with : tuple of str
        Ambiguous events whose second possible session is this session 0.
    """

    placement: Placement
    asset: str
    state: State
    confounded_with: tuple[str, ...] = ()
    overlaps_with: tuple[str, ...] = ()
    estimation_overlaps: tuple[str, ...] = ()
    perhaps_with: tuple[str, ...] = ()

    @property
    def event_id(self) -> str:
        """Key of the event."""
        return self.placement.event.event_id

    @property
    def studied(self) -> bool:
        """Whether the pair has a session and was not dropped."""
        return self.state not in ("dropped", "undated")

    def dropped(self, reason: str) -> Pair:
        """Return the same pair, left out for a reason."""
        placement = replace(self.placement, reason=_joined(self.placement.reason, reason))
        return replace(self, placement=placement, state="dropped")


def place_event(
    event: Event, calendar: SettlementCalendar, *, ambiguous_minutes: int = AMBIGUOUS_MINUTES
) -> Placement:
    """Find the session of one event.

    Parameters
    ----------
    event : Event
    calendar : SettlementCalendar
    ambiguous_minutes : int
        A moment this close to a settlement could belong to either side of it.

    Returns
    -------
    Placement
    """
    if event.precision == "undated" or (event.date is None and event.time is None):
        return Placement(event, "undated", reason=_bounds(event))
    if event.time is not None and calendar.settlements is not None:
        placed = _place_moment(event, event.time, calendar, ambiguous_minutes)
    else:
        placed = _place_day(event, calendar)
    placed = _with_other_dates(placed, calendar)
    return _within(placed, calendar)


def align(
    events: Sequence[Event],
    calendar: SettlementCalendar,
    assets: Sequence[str],
    *,
    window: Window,
    estimation: Window,
    ambiguous_minutes: int = AMBIGUOUS_MINUTES,
) -> tuple[Pair, ...]:
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
    tuple of Pair
        Ordered by event, then by asset.
    """
    placements = [
        place_event(event, calendar, ambiguous_minutes=ambiguous_minutes) for event in events
    ]
    pairs: dict[tuple[int, int], Pair] = {}
    for column, asset in enumerate(assets):
        rows = [i for i, e in enumerate(events) if e.asset in (None, asset)]
        mine = [placements[i] for i in rows]
        for row, pair in zip(rows, _on_asset(mine, asset, window, estimation), strict=True):
            pairs[row, column] = pair
    return tuple(pairs[key] for key in sorted(pairs))


def other_event_mask(
    position: IntArray, sessions: IntArray, *, window: Window, estimation: Window
) -> BoolArray:
    """Estimation sessions that lie in the event window of another event.

    Parameters
    ----------
    position : (N,) int
        Session 0 of the events studied.
    sessions : (M,) int
        Session 0 of every event on the asset, the studied ones included.
    window, estimation : Window

    Returns
    -------
    (N, L) bool
        An event never masks its own estimation window: that lies before its own event window.
    """
    columns = position[:, None] + np.arange(estimation.start, estimation.end + 1)[None, :]
    busy = np.unique((sessions[:, None] + np.arange(window.start, window.end + 1)).ravel())
    return np.isin(columns, busy)


def _place_moment(
    event: Event, moment: dt.datetime, calendar: SettlementCalendar, minutes: int
) -> Placement:
    assert calendar.settlements is not None  # noqa: S101  # the caller has looked
    session = calendar.session_of(moment)
    local = moment.astimezone(ZoneInfo(calendar.zone or "UTC"))
    instant = np.datetime64(moment.astimezone(dt.UTC).replace(tzinfo=None), "s")
    margin = np.timedelta64((minutes + (30 if event.precision == "hour" else 0)) * 60, "s")
    stated = (event.date or moment.date()).isoformat()
    clock = f"{local:%Y-%m-%d %H:%M} {_city(calendar.zone)}"
    day = _day(calendar, session)
    moved = stated if day and day != stated else ""
    reason = f"{clock} is before the settlement of {day or 'no session in the prices'}"
    if moved:
        reason += f", the first one after the news ({stated} as stated)"
    alternative = None
    if session > 0 and instant - calendar.settlements[session - 1] < margin:
        alternative = session - 1
    elif session < len(calendar.settlements) and calendar.settlements[session] - instant <= margin:
        alternative = session + 1
    if alternative is None:
        return Placement(event, "moved" if moved else "kept", session, None, moved, reason)
    near = f"within {int(margin.astype(int)) // 60} minutes of a settlement: both sessions shown"
    return Placement(event, "ambiguous", session, alternative, moved, _joined(reason, near))


def _place_day(event: Event, calendar: SettlementCalendar) -> Placement:
    day = event.date or (event.time.date() if event.time else None)
    assert day is not None  # noqa: S101  # the caller has looked
    session = calendar.on_or_after(day)
    found = _day(calendar, session)
    moved = day.isoformat() if found and found != day.isoformat() else ""
    reason = (
        f"no settlement on {day:%A} {day}: moved to the next session" if moved else "stated day"
    )
    if moved and calendar.settlements is None:
        reason = f"{day} is not a session of the file: moved to the next one"
    late = None if calendar.settlements is None else _end_of_day(event, day, calendar)
    if late is None or late <= session:
        return Placement(event, "moved" if moved else "kept", session, None, moved, reason)
    why = "known to the day only: news after the settlement belongs to the next session"
    return Placement(event, "ambiguous", session, late, moved, _joined(reason, why))


def _end_of_day(event: Event, day: dt.date, calendar: SettlementCalendar) -> int:
    zone = ZoneInfo(event.zone or calendar.zone or "UTC")
    last = dt.datetime.combine(day, dt.time(23, 59, 59), tzinfo=zone)
    return calendar.session_of(last)


def _with_other_dates(placed: Placement, calendar: SettlementCalendar) -> Placement:
    if not placed.event.other_dates:
        return placed
    others = ", ".join(day.isoformat() for day in placed.event.other_dates)
    reason = _joined(placed.reason, f"another source says {others}")
    sessions = [calendar.on_or_after(day) for day in placed.event.other_dates]
    different = [s for s in sessions if s != placed.session]
    if not different:
        return replace(placed, reason=reason)
    alternative = placed.alternative if placed.alternative in different else different[0]
    return replace(placed, state="ambiguous", alternative=alternative, reason=reason)


def _within(placed: Placement, calendar: SettlementCalendar) -> Placement:
    size = len(calendar.sessions)
    first, last = str(calendar.sessions[0]), str(calendar.sessions[-1])
    stated = placed.event.date or (placed.event.time.date() if placed.event.time else None)
    before = stated is not None and stated.isoformat() < first and placed.session == 0
    if placed.session is None or placed.session >= size or before:
        reason = f"{stated} lies outside the prices, which run from {first} to {last}"
        return Placement(placed.event, "dropped", reason=reason)
    if placed.alternative is not None and placed.alternative >= size:
        reason = _joined(placed.reason, f"the second session lies after the last price, {last}")
        return replace(placed, alternative=None, reason=reason)
    return placed


def _on_asset(
    placements: list[Placement], asset: str, window: Window, estimation: Window
) -> list[Pair]:
    dated = [p for p in placements if p.session is not None]
    at = np.array([p.session for p in dated], dtype=np.int64)
    second = np.array([-1 if p.alternative is None else p.alternative for p in dated])
    ids = np.array([p.event.event_id for p in dated], dtype=object)
    pairs = []
    for placed in placements:
        if placed.session is None:
            pairs.append(Pair(placed, asset, placed.state))
            continue
        lag = at - placed.session
        other = ids != placed.event.event_id
        same = tuple(ids[other & (lag == 0)])
        near = tuple(ids[other & (lag != 0) & (np.abs(lag) < len(window))])
        reach = (lag + window.end >= estimation.start) & (lag + window.start <= estimation.end)
        inside = tuple(ids[other & reach])
        perhaps = tuple(ids[other & (lag != 0) & (second == placed.session)])
        state: State = "confounded" if same else placed.state
        pairs.append(Pair(placed, asset, state, same, near, inside, perhaps))
    return pairs


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


def _day(calendar: SettlementCalendar, session: int) -> str:
    return str(calendar.sessions[session]) if session < len(calendar.sessions) else ""


def _city(zone: str | None) -> str:
    return (zone or "UTC").rsplit("/", 1)[-1].replace("_", " ")


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
