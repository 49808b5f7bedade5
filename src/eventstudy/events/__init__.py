"""Event tables: declared columns, reading, selection, and the bundled catalogue."""

from eventstudy.articles.language import Direction
from eventstudy.events.catalogue import catalogue, load_events
from eventstudy.events.table import Event, EventTable, Precision, events_from_frame, read_events

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
