"""What a batch is compared with: the days its market settled on, and the series related to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from eventstudy.calendars import settlement_calendar
from eventstudy.prices.records import StoredSeries
from eventstudy.prices.store import Store
from eventstudy.products import product_table

_PETROLEUM_UNITS = ("USD/bbl", "USD/gal")
_FIRST_SESSION = "1983-03-30"  # the first day of WTI futures; calendars are not asked before it


def sessions_between(calendar: str, first: str, last: str) -> frozenset[str] | None:
    """Return the sessions of a market between two ISO days; None where no calendar reaches."""
    start = max(first[:10], _FIRST_SESSION)
    if last[:10] < start or last[:4] > "2100":
        return None
    found = settlement_calendar(calendar, date.fromisoformat(start), date.fromisoformat(last[:10]))
    days = {str(day) for day in found.sessions}
    return frozenset(days)


def related_closes(store: Store, series: StoredSeries) -> Mapping[str, Mapping[str, float]] | None:
    """Return the closes of the benchmark crudes by name, None for what does not move with them."""
    if series.unit not in _PETROLEUM_UNITS or series.calendar == "file":
        return None
    fronts = (item.front for item in product_table().products.values() if item.benchmark)
    return {
        front.name: store.closes(front.name)
        for front in fronts
        if front is not None and front.name != series.symbol
    }
