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
from eventstudy.events.rows import Faults, read_csv_rows

_NEW_YORK = ZoneInfo("America/New_York")
_REQUIRED = ("quote_id", "asset", "time", "level")


@dataclass(frozen=True, slots=True)
class Quote:
    """A price somebody printed, with the moment it was seen.

    Parameters
    ----------
    quote_id, title, asset : str
        Key, words, and the price series it speaks of.
    time : datetime
        Aware.
    zone : str or None
        IANA zone in which the moment was stated.
    level : float
        In `unit`.
    level_decimals : int
        Decimals printed, which bound what rounding can hide.
    change_pct : float or None
        Quoted change in per cent.
    change_decimals : int
        Decimals printed of the change.
    unit, note, article, article_sha256, span : str
        Unit and where it was printed; several articles or spans are separated by semicolons.
    """

    quote_id: str
    title: str
    asset: str
    time: dt.datetime
    zone: str | None
    level: float
    level_decimals: int
    change_pct: float | None
    change_decimals: int
    unit: str
    note: str
    article: str
    article_sha256: str
    span: str


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
    columns, rows = read_csv_rows(path, what="quotes")
    faults = Faults(str(path))
    for name in _REQUIRED:
        if name not in columns:
            faults.add(f"column {name!r} is missing; add it", row=1)
    faults.raise_any()
    quotes = tuple(_quote(line, cells, faults) for line, cells in rows)
    faults.raise_any()
    return tuple(quote for quote in quotes if quote is not None)


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


def _quote(line: int, cells: dict[str, str], faults: Faults) -> Quote | None:
    moment = _moment(line, cells["time"], faults)
    level = _number(line, cells, "level", faults)
    change = _number(line, cells, "change_pct", faults) if cells.get("change_pct") else None
    if level is not None and level <= 0:
        faults.add(f"{cells['level']!r} is not a positive price", row=line, column="level")
    if moment is None or level is None:
        return None
    text = {name: cells.get(name, "") for name in ("title", "unit", "note")}
    source = {name: cells.get(name, "") for name in ("article", "article_sha256", "span")}
    return Quote(
        quote_id=cells["quote_id"],
        asset=cells["asset"],
        time=moment,
        zone=cells.get("zone") or None,
        level=level,
        level_decimals=_decimals(cells["level"]),
        change_pct=change,
        change_decimals=_decimals(cells.get("change_pct", "")),
        **text,
        **source,
    )


def _moment(line: int, text: str, faults: Faults) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        faults.add(
            f"{text!r} is not an ISO 8601 time with an offset; write 2026-01-07T10:06:00+08:00",
            row=line,
            column="time",
        )
        return None
    return moment


def _number(line: int, cells: dict[str, str], column: str, faults: Faults) -> float | None:
    try:
        value = float(cells[column])
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        faults.add(f"{cells[column]!r} is not a number", row=line, column=column)
        return None
    return value


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


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
        f"{base:.2f} of {base_session} that is {implied:+.3f} %"
    )
    if quote.change_pct is None:
        return f"{text}."
    agrees = abs(quote.change_pct - implied) <= _tolerance(quote, base)
    verdict = "agrees with" if agrees else "does not agree with"
    return f"{text}, which {verdict} the quoted {quote.change_pct:+.{quote.change_decimals}f} %."
