"""Statistics of one event on one asset; the order here is that of the documents."""

from eventstudy.inference.one_event import sample

__all__ = ["sample"]
