"""Rows of an event file that may be one event told twice: to look at, never merged here."""

from __future__ import annotations

import datetime as dt
from itertools import combinations, product

from eventstudy.articles.merge import similarity
from eventstudy.events.table import Event, EventTable

LIKELY = 70.0
"""Least token-set ratio of two titles; higher than for sentences, since titles are short."""


def likely_duplicates(table: EventTable) -> tuple[tuple[str, str], ...]:
    """Return the keys of pairs that may be one event.

    Two events are compared where kind and place agree and their days are at most one apart, or
    both have none; then their titles have to be alike. A day or a place is left out of the titles.

    Parameters
    ----------
    table : EventTable
        In the order of its file.
    """
    blocks: dict[tuple[str, dt.date | None], list[Event]] = {}
    for event in table:
        blocks.setdefault((event.kind.casefold(), event.date), []).append(event)
    pairs: list[tuple[Event, Event]] = []
    for (kind, day), events in blocks.items():
        pairs += combinations(events, 2)
        if day is not None:
            pairs += product(events, blocks.get((kind, day + dt.timedelta(1)), ()))
    found = sorted(
        (*sorted(((one.row, one.event_id), (other.row, other.event_id))),)
        for one, other in pairs
        if _near(one, other) and one.title and similarity(one.title, other.title) >= LIKELY
    )
    return tuple((keep[1], other[1]) for keep, other in found)


def _near(one: Event, other: Event) -> bool:
    if {one.direction, other.direction} == {"up", "down"}:
        return False
    return not one.place or not other.place or one.place.casefold() == other.place.casefold()
