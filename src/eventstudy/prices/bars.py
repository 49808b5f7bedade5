"""Bars, series and corrections: what a store takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Interval = Literal["1d", "1h", "5m", "1m"]
FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Parameters
    ----------
    stamp : str
        ISO day of the session, or for intraday bars the UTC instant of its start, such as
        ``2026-01-07T15:00:00Z``.
    open, high, low, close, volume : float or None
        Prices in the unit of the series; None where the source has no figure. A bar has a close.
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
    """One changed figure.

    Parameters
    ----------
    symbol, interval, stamp : str
        The bar.
    field : str
        ``open`` .. ``volume``, ``source`` or ``provisional``.
    old, new : float, str or None
        Figure before and after.
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
        Expiry rule of a front-month series.
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
        Figures of final bars that changed.
    kept : int
        Bars of another source that were left alone.
    """

    added: int = 0
    settled: int = 0
    revisions: tuple[Revision, ...] = field(default=())
    kept: int = 0
