"""What a store takes and gives: bars, series, corrections, and the timestamps it writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, Literal

from eventstudy.errors import StoreError

Interval = Literal["1d", "1h", "5m", "1m"]
_TIMESTAMP: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
FIELDS: Final = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Parameters
    ----------
    stamp : str
        ISO day of the session, or for intraday bars the UTC instant of its start, such as
        ``2026-01-07T15:00:00Z``.
    open, high, low, close, volume : float or None
        Prices in the unit of the series; None where the source has no value. A bar has a close.
    provisional : bool
        Whether its session has not settled yet.
    """

    stamp: str
    close: float
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """One changed value.

    Parameters
    ----------
    symbol, interval, stamp : str
        The bar.
    field : str
        ``open`` .. ``volume``, ``source`` or ``provisional``.
    old, new : float, str or None
        Value before and after.
    seen_at : str
        UTC instant at which the change was seen.
    was_final : bool
        Whether the bar had been final: the replacement of a provisional bar is no correction.
    """

    symbol: str
    interval: str
    stamp: str
    field: str
    old: float | str | None
    new: float | str | None
    seen_at: str
    was_final: bool


@dataclass(frozen=True, slots=True)
class StoredSeries:
    """What a store knows about a series.

    Parameters
    ----------
    symbol, title, unit, kind : str
        Name in the store, name for people, unit such as ``USD/bbl``, and ``futures``, ``contract``,
        ``spot``, ``index`` or ``volatility``.
    roll : str or None
        Roll rule of a front-month series: a product.
    calendar : str
        Settlement calendar.
    """

    symbol: str
    title: str
    unit: str
    kind: str
    roll: str | None = None
    calendar: str = "file"


@dataclass(frozen=True, slots=True)
class Written:
    """What storing a batch of bars changed.

    Parameters
    ----------
    added : int
        Bars that were not there.
    settled : int
        Provisional bars that became final or were replaced.
    revisions : tuple of Revision
        Values of final bars that changed.
    kept : int
        Bars of another source that were left alone.
    """

    added: int = 0
    settled: int = 0
    revisions: tuple[Revision, ...] = field(default=())
    kept: int = 0


def timestamp(moment: datetime) -> str:
    """Write an aware moment in UTC so that text order is time order."""
    if moment.tzinfo is None:
        msg = f"moment {moment.isoformat()} has no time zone"
        raise StoreError(msg)
    try:
        return moment.astimezone(UTC).strftime(_TIMESTAMP)
    except OverflowError:
        msg = f"moment {moment.isoformat()} is beyond the calendar"
        raise StoreError(msg) from None


def moment_of(text: str, what: str) -> datetime:
    """Read a moment with a time zone.

    Raises
    ------
    StoreError
        When it is not one; `what` names it.
    """
    try:
        moment = datetime.fromisoformat(text)
        timestamp(moment)
    except (ValueError, OverflowError, StoreError):
        msg = f"{what} {text[:60]!r} is not a moment with a zone such as 2026-01-07T20:00:00Z"
        raise StoreError(msg) from None
    return moment


def asof_timestamp(asof: date | datetime | str | None) -> str | None:
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
            msg = f"as-of {asof!r} is not an ISO date or moment such as 2026-01-07T20:00:00Z"
            raise StoreError(msg) from None
    if isinstance(asof, datetime):
        return timestamp(asof)
    return f"{asof.isoformat()}T23:59:59.999999Z"
