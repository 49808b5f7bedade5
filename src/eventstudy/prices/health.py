"""Whether the store is as fresh as the calendar allows, for monitors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from eventstudy.calendars import settlement_calendar
from eventstudy.prices.instruments import GRACE
from eventstudy.prices.moments import moment_text
from eventstudy.prices.runs import last_good_item
from eventstudy.prices.store import Store
from eventstudy.products import main_calendar

TOLERANCE: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Health:
    """The state of a store.

    Parameters
    ----------
    good : bool
        Whether a good refresh followed the newest settlement that is due.
    last : str or None
        UTC instant of the last good refresh; None when there was none.
    due : str
        The newest session whose figures should be there.
    reason : str
        One line for people.
    """

    good: bool
    last: str | None
    due: str
    reason: str


def health(
    store: Store, *, now: datetime, symbol: str = "", tolerance: timedelta = TOLERANCE
) -> Health:
    """Hold the last good refresh against the settlement calendar.

    Parameters
    ----------
    store : Store
        Open store.
    now : datetime
        With a time zone.
    symbol : str
        Only this series; where empty, runs in which nothing failed.
    tolerance : timedelta
        How long after a settlement is published a refresh may take place.

    Returns
    -------
    Health
        Good over weekends and holidays as long as the last session was fetched after it settled.
    """
    today = now.astimezone(UTC).date()
    calendar = settlement_calendar(
        main_calendar(), today - timedelta(days=15), today + timedelta(days=1)
    )
    assert calendar.settlements is not None  # noqa: S101  # a market calendar has them
    published = [
        moment.astype(datetime).replace(tzinfo=UTC) + GRACE for moment in calendar.settlements
    ]
    index = max(i for i, moment in enumerate(published) if moment + tolerance <= now)
    due, needed = str(calendar.sessions[index]), moment_text(published[index])
    last = last_good_item(store, symbol) if symbol else _last_good_run(store)
    what = symbol or "everything"
    if last is None:
        return Health(False, None, due, f"{what} was never refreshed without a failure")
    if last < needed:
        reason = f"{what} was last refreshed at {last}, before session {due} was published"
        return Health(False, last, due, reason)
    return Health(True, last, due, f"{what} was refreshed at {last}, after session {due}")


def _last_good_run(store: Store) -> str | None:
    query = "SELECT max(started) FROM runs WHERE exit_code = 0"
    return store.query(query)[0][0]  # type: ignore[no-any-return]  # a cell
