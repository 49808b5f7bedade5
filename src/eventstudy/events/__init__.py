"""Event tables: types, reading and selection."""

from eventstudy.events.reading import events_from_frame, read_events
from eventstudy.events.table import Direction, Event, EventTable, Precision

__all__ = ["Direction", "Event", "EventTable", "Precision", "events_from_frame", "read_events"]
