"""Quoted prices, and whether they agree with the settlements around them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from eventstudy.calendars import SettlementCalendar
from eventstudy.errors import AlignmentError
from eventstudy.events.columns import Cells, column, read_table

_NEW_YORK = ZoneInfo("America/New_York")


class _QuoteCells(Cells):
    def stated_time(self, name: str) -> dt.datetime | None:
        return self.moment(name, self.zone())

    def price(self, name: str) -> float | None:
        value = self.number(name)
        if value is not None and value <= 0:
            self.fault(name, f"{self.text(name)!r} is not a positive price")
        return value

    def decimals(self, name: str) -> int:
        return len(self.text(name).partition(".")[2])


@dataclass(frozen=True, slots=True)
class Quote:
    """A price somebody printed, with the moment it was seen.

    Parameters
    ----------
    quote_id, asset : str
        Key, and the price series it speaks of.
    time : datetime
        Aware.
    level : float
        In `unit`.
    level_decimals : int
        Decimals printed, which bound what rounding can hide.
    title : str
        What was seen, in words.
    zone : str or None
        IANA zone in which the moment was stated.
    change_pct : float or None
        Quoted change in per cent.
    change_decimals : int
        Decimals printed of the change.
    unit, note, article, article_sha256, span : str
        Unit and where it was printed; several articles or spans are separated by semicolons.
    """

    quote_id: str = column(_QuoteCells.text, required=True)
    asset: str = column(_QuoteCells.text, required=True)
    time: dt.datetime = column(_QuoteCells.stated_time, required=True)
    level: float = column(_QuoteCells.price, required=True)
    level_decimals: int = column(_QuoteCells.decimals, names=("level",), default=0)
    title: str = column(_QuoteCells.text, default="")
    zone: str | None = column(_QuoteCells.text_or_none)
    change_pct: float | None = column(_QuoteCells.number)
    change_decimals: int = column(_QuoteCells.decimals, names=("change_pct",), default=0)
    unit: str = column(_QuoteCells.text, default="")
    note: str = column(_QuoteCells.text, default="")
    article: str = column(_QuoteCells.text, default="")
    article_sha256: str = column(_QuoteCells.text, default="")
    span: str = column(_QuoteCells.text, default="")


@dataclass(frozen=True, slots=True)
class QuoteCheck:
    """A quote beside the settlements it can be compared with.

    Parameters
    ----------
    quote_id, asset : str
        The quote and its series.
    moment : datetime
        In New York.
    session : date
        Session the moment belongs to: the first settlement after it.
    base_session : date
        The settlement before the moment, on which a quoted change is based.
    base : float
        Its price.
    level : float
        The quoted price.
    implied_pct : float
        ``100 (level / base - 1)``.
    quoted_pct, difference : float or None
        The quoted change, and quoted minus implied, in percentage points.
    tolerance : float
        What rounding of level, base and change can explain, in percentage points.
    agrees : bool or None
        Whether the difference is within the tolerance; None where no change is quoted.
    settlement, settlement_pct : float or None
        Price of `session` itself and its change from `base`; None where there is none yet.
    sentence : str
        All of it in words.
    """

    quote_id: str
    asset: str
    moment: dt.datetime
    session: dt.date
    base_session: dt.date
    base: float
    level: float
    implied_pct: float
    quoted_pct: float | None
    difference: float | None
    tolerance: float
    agrees: bool | None
    settlement: float | None
    settlement_pct: float | None
    sentence: str


def read_quotes(path: str | Path) -> tuple[Quote, ...]:
    """Read quoted prices from a CSV file.

    Parameters
    ----------
    path : str or Path
        Columns ``quote_id, asset, time, level`` and where wanted ``title, change_pct, unit,
        zone, note, article, article_sha256, span``.

    Raises
    ------
    TableError
        With every fault of the file, one line each.
    """
    return read_table(path, Quote, cells=_QuoteCells, what="quotes")


def reconcile(quote: Quote, calendar: SettlementCalendar, levels: pd.Series) -> QuoteCheck:
    """Compare a quote with the settlement before it.

    Parameters
    ----------
    quote : Quote
        What was printed.
    calendar : SettlementCalendar
        Decides to which session the moment belongs.
    levels : Series
        Settlements of the quoted series, indexed by session.

    Raises
    ------
    AlignmentError
        When no settlement before the moment is known.
    """
    position = calendar.session_of(quote.time)
    if not 0 < position < len(calendar.sessions):
        msg = f"quote {quote.quote_id!r} at {quote.time.isoformat()} is outside the calendar"
        raise AlignmentError(msg)
    session, base_session = (_date(calendar, index) for index in (position, position - 1))
    base, settlement = (_level(levels, day) for day in (base_session, session))
    if base is None:
        msg = (
            f"quote {quote.quote_id!r} needs the settlement of {base_session}, "
            f"which the series {quote.asset!r} does not have"
        )
        raise AlignmentError(msg)
    implied = 100 * (quote.level / base - 1)
    tolerance = _tolerance(quote, base)
    difference = None if quote.change_pct is None else quote.change_pct - implied
    agrees = None if difference is None else abs(difference) <= tolerance
    moment = quote.time.astimezone(_NEW_YORK)
    return QuoteCheck(
        quote_id=quote.quote_id,
        asset=quote.asset,
        moment=moment,
        session=session,
        base_session=base_session,
        base=base,
        level=quote.level,
        implied_pct=implied,
        quoted_pct=quote.change_pct,
        difference=difference,
        tolerance=tolerance,
        agrees=agrees,
        settlement=settlement,
        settlement_pct=None if settlement is None else 100 * (settlement / base - 1),
        sentence=_sentence(quote, session, base_session, base),
    )


def _tolerance(quote: Quote, base: float) -> float:
    change = 0.5 * 10.0**-quote.change_decimals
    # Level and base are both rounded, each to half of its last printed digit at most.
    return change + 100 * 10.0**-quote.level_decimals / base


def _date(calendar: SettlementCalendar, position: int) -> dt.date:
    day: dt.date = calendar.sessions[position].astype("datetime64[D]").item()
    return day


def _level(levels: pd.Series, day: dt.date) -> float | None:
    value = float(levels.get(pd.Timestamp(day), np.nan))
    return value if np.isfinite(value) else None


def _sentence(quote: Quote, session: dt.date, base_session: dt.date, base: float) -> str:
    moment = quote.time.astimezone(_NEW_YORK)
    implied = 100 * (quote.level / base - 1)
    text = (
        f"{quote.level:.{quote.level_decimals}f} {quote.unit} at {quote.time:%Y-%m-%d %H:%M} "
        f"({quote.zone or quote.time.tzname()}) is {moment:%H:%M} in New York on "
        f"{moment:%d %B %Y}, within the session of {session}; against the settlement "
        f"{base:.2f} of {base_session} that is {implied:+.3f}%"
    )
    if quote.change_pct is None:
        return f"{text}."
    agrees = abs(quote.change_pct - implied) <= _tolerance(quote, base)
    verdict = "agrees with" if agrees else "does not agree with"
    return f"{text}, which {verdict} the quoted {quote.change_pct:+.{quote.change_decimals}f}%."
