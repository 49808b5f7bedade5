"""Moments as the store writes them: UTC text whose order is the order of time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from eventstudy.errors import StoreError

_STAMP: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


def moment_text(moment: datetime) -> str:
    """Write an aware moment in UTC so that text order is time order."""
    if moment.tzinfo is None:
        msg = f"moment {moment.isoformat()} has no time zone"
        raise StoreError(msg)
    return moment.astimezone(UTC).strftime(_STAMP)


def asof_text(asof: date | datetime | str | None) -> str | None:
    """Turn an as-of moment into its stored form; a day means its end in UTC.

    Raises
    ------
    StoreError
        When it is neither an ISO date nor an ISO moment with a time zone.
    """
    if asof is None:
        return None
    if isinstance(asof, str):
        try:
            asof = datetime.fromisoformat(asof) if "T" in asof else date.fromisoformat(asof)
        except ValueError:
            msg = f"as-of {asof!r} is no ISO date or moment such as 2026-01-07T20:00:00Z"
            raise StoreError(msg) from None
    if isinstance(asof, datetime):
        return moment_text(asof)
    end = datetime(asof.year, asof.month, asof.day, tzinfo=UTC) + timedelta(days=1)
    return moment_text(end - timedelta(microseconds=1))
