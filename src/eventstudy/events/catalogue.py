"""The catalogue of dated oil events that ships with the package."""

from __future__ import annotations

from importlib import resources

from eventstudy.events.reading import read_events
from eventstudy.events.table import EventTable


def catalogue() -> EventTable:
    """Return the reviewed oil events of 1986 to early 2026.

    Each row has a kind, a place with its zone, the expected direction of the oil price, a source
    to look up, and `certainty`: ``"firm"``, or ``"uncertain: ..."`` with what is in doubt.

    Examples
    --------
    >>> from eventstudy.events import catalogue
    >>> decisions = catalogue().select(kind="producer decision")
    """
    path = resources.files("eventstudy") / "data" / "catalogue.csv"
    with resources.as_file(path) as file:
        return read_events(file)
