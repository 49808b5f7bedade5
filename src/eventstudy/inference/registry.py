"""The registry of statistics: one entry each, read by tables, texts and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventstudy.errors import UnknownNameError, did_you_mean
from eventstudy.inference.entries_asset import ASSET_STATISTICS, FAMILY_STATISTICS
from eventstudy.inference.entries_event import EVENT_STATISTICS
from eventstudy.inference.entries_sample import SAMPLE_STATISTICS

if TYPE_CHECKING:
    from eventstudy.inference.statistic import Statistic

ENTRIES: tuple[Statistic, ...] = (
    *EVENT_STATISTICS,
    *ASSET_STATISTICS,
    *SAMPLE_STATISTICS,
    *FAMILY_STATISTICS,
)


def statistics() -> tuple[Statistic, ...]:
    """Return every statistic, in the order of the docs page."""
    return ENTRIES


def statistic(name: str) -> Statistic:
    """Return one statistic.

    Raises
    ------
    UnknownNameError
        When there is none of that name; the message names the nearest.
    """
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    msg = f"no statistic {name!r}: {did_you_mean(name, (entry.name for entry in ENTRIES))}"
    raise UnknownNameError(msg)
