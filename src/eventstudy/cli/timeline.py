"""Events in New York time between the settlements."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from eventstudy.cli.output import echo

if TYPE_CHECKING:
    from eventstudy.alignment import Placement
    from eventstudy.calendars import SettlementCalendar
    from eventstudy.events import Event


def place(dated: list[Event], market: str) -> list[tuple[Placement, SettlementCalendar]]:
    """Find the session of each event on the calendar of a market, in the order of time."""
    from eventstudy.alignment import place_event
    from eventstudy.calendars import settlement_calendar

    if not dated:
        return []
    days = [event.date for event in dated if event.date]
    margin = dt.timedelta(15)
    calendar = settlement_calendar(market, min(days) - margin, max(days) + margin)
    placed = [place_event(event, calendar) for event in dated]
    placed.sort(key=lambda item: (_moment(item.event), item.event.event_id))
    return [(item, calendar) for item in placed]


def _moment(event: Event) -> dt.datetime:
    from zoneinfo import ZoneInfo

    if event.time:
        return event.time.astimezone(dt.UTC)
    zone = ZoneInfo(event.zone) if event.zone else dt.UTC
    return dt.datetime.combine(event.date or dt.date.min, dt.time(), zone).astimezone(dt.UTC)


def plain_placement(item: Placement, calendar: SettlementCalendar) -> dict[str, Any]:
    """Return a placement as plain values."""
    event = item.event
    return {
        "event_id": event.event_id,
        "title": event.title,
        "new_york": _moment(event).astimezone(_new_york()).isoformat() if event.time else None,
        "date": str(event.date),
        "state": item.state,
        "session": _session(item.session, calendar),
        "alternative": _session(item.alternative, calendar),
        "reason": item.reason,
    }


def _session(index: int | None, calendar: SettlementCalendar) -> str | None:
    return None if index is None else str(calendar.sessions[index])


def _new_york() -> dt.tzinfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo("America/New_York")


def draw(placed: list[tuple[Placement, SettlementCalendar]]) -> None:
    """Draw a line for each settlement that lies between two events, or that one belongs to."""
    lines: list[tuple[dt.datetime, int, str]] = []
    for item, calendar in placed:
        moment = _moment(item.event)
        local = moment.astimezone(_new_york())
        stated = f"{local:%Y-%m-%d %H:%M}" if item.event.time else f"{item.event.date}      "
        session = _session(item.session, calendar) or "-"
        if item.alternative is not None:
            session += f" or {_session(item.alternative, calendar)}"
        others = [
            other.event.event_id
            for other, _ in placed
            if other is not item and other.session is not None and other.session == item.session
        ]
        text = f"{stated}  -> {session}  {item.state:<10} {item.event.event_id}: {item.event.title}"
        lines.append((moment, 1, text + (f"  [with {', '.join(others)}]" if others else "")))
        for index in (item.session, item.alternative):
            if index is not None and calendar.settlements is not None:
                settled = calendar.settlements[index].item().replace(tzinfo=dt.UTC)
                mark = f"{settled.astimezone(_new_york()):%Y-%m-%d %H:%M}  ---- settlement ----"
                lines.append((settled, 0, mark))
    for _, _, text in sorted(set(lines)):
        echo(text)
