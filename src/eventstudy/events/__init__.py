"""Event tables: types, reading, selection, and the catalogue that ships."""

from eventstudy.events.catalogue import catalogue, load_events
from eventstudy.events.reading import events_from_frame, read_events
from eventstudy.events.table import Direction, Event, EventTable, Precision

__all__ = [
    "Direction",
    "Event",
    "EventTable",
    "Precision",
    "catalogue",
    "events_from_frame",
    "load_events",
    "read_events",
]
