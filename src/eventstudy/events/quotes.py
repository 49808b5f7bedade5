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
        Aware; `zone` is the IANA zone in which it was stated.
    level : float
        In `unit`; `level_decimals` were printed, which bound what rounding can hide.
    change_pct : float or None
        Quoted change in per cent, printed with `change_decimals`.
    title, unit, note, article, article_sha256, span : str
        What was seen, in words, and where it was printed; several articles or spans are separated
        by semicolons.
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
    """A quote beside the settlements it can be compared with."""

    moment: dt.datetime  # in New York
    session: dt.date  # to which the moment belongs: the first settlement after it
    base_session: dt.date  # the settlement before it, on which a quoted change is based
    base: float  # its price
    implied_pct: float  # 100 (level / base - 1)
    agrees: bool | None  # up to rounding of the printed numbers; None where no change is quoted
    sentence: str  # all of it in words


def read_quotes(path: str | Path) -> tuple[Quote, ...]:
    """Read quoted prices from a CSV file, whose columns are the fields of `Quote`.

    Parameters
    ----------
    path : str or Path
        ``quote_id, asset, time, level``, and the others where wanted.

    Raises
    ------
    TableError
        With every fault of the file, one line each.
    """
    return read_table(path, Quote, cells=_QuoteCells, what="quotes")


def reconcile(quote: Quote, calendar: SettlementCalendar, levels: pd.Series) -> QuoteCheck:
    """Compare a quote with the settlement before it; `levels` are settlements by session.

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
    base = _level(levels, base_session)
    if base is None:
        msg = (
            f"quote {quote.quote_id!r} needs the settlement of {base_session}, "
            f"which the series {quote.asset!r} does not have"
        )
        raise AlignmentError(msg)
    moment, implied = quote.time.astimezone(_NEW_YORK), 100 * (quote.level / base - 1)
    # Level, base and change are all rounded, each to half of its last printed digit at most.
    hidden = 0.5 * 10.0**-quote.change_decimals + 100 * 10.0**-quote.level_decimals / base
    agrees = None if quote.change_pct is None else abs(quote.change_pct - implied) <= hidden
    sentence = (
        f"{quote.level:.{quote.level_decimals}f} {quote.unit} at {quote.time:%Y-%m-%d %H:%M} "
        f"({quote.zone or quote.time.tzname()}) is {moment:%H:%M} in New York on "
        f"{moment:%d %B %Y}, within the session of {session}; against the settlement "
        f"{base:.2f} of {base_session} that is {implied:+.3f}%"
    )
    if quote.change_pct is not None:
        verdict = "agrees with" if agrees else "does not agree with"
        quoted = f"{quote.change_pct:+.{quote.change_decimals}f}%"
        sentence += f", which {verdict} the quoted {quoted}"
    return QuoteCheck(moment, session, base_session, base, implied, agrees, f"{sentence}.")


def _date(calendar: SettlementCalendar, position: int) -> dt.date:
    day: dt.date = calendar.sessions[position].astype("datetime64[D]").item()
    return day


def _level(levels: pd.Series, day: dt.date) -> float | None:
    value = float(levels.get(pd.Timestamp(day), np.nan))
    return value if np.isfinite(value) else None
