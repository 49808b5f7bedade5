"""Futures contracts: when they stop trading, and where a front month changes contract.

The rules are dated. They reproduce every last trading day that the two exchanges listed from 2003
on, except for the four WTI contracts of `WTI_EXCEPTIONS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from eventstudy.arrays import BoolArray, DayArray
from eventstudy.calendars import settlement_calendar
from eventstudy.errors import UnknownNameError, did_you_mean

Product = Literal["wti", "brent"]

MONTH_CODES: Final = "FGHJKMNQUVXZ"
ROOTS: Final[dict[Product, str]] = {"wti": "CL", "brent": "BZ"}
_FIRST_YEAR: Final[dict[Product, int]] = {"wti": 1983, "brent": 1989}
# From the March 2016 contract on, Brent stops at the end of the second month before.
_BRENT_CHANGE: Final = (2016, 3)

WTI_EXCEPTIONS: Final[dict[tuple[int, int], tuple[date, str]]] = {
    (2007, 12): (
        date(2007, 11, 16),
        "23 November 2007 settled but was no business day",
    ),
    (2008, 1): (date(2007, 12, 18), "24 December 2007 settled but was no business day"),
    (2011, 12): (
        date(2011, 11, 18),
        "25 November 2011 settled but was no business day",
    ),
    (2012, 12): (
        date(2012, 11, 16),
        "23 November 2012 settled but was no business day",
    ),
}


@dataclass(frozen=True, slots=True, order=True)
class Contract:
    """One futures contract.

    Parameters
    ----------
    product : {"wti", "brent"}
        NYMEX light sweet crude (CL), or Brent (BZ, which stops with ICE Brent).
    year, month : int
        Month of delivery.
    """

    product: Product
    year: int
    month: int

    @property
    def symbol(self) -> str:
        """Root, month code and year, such as ``CLF2026``."""
        return f"{ROOTS[self.product]}{MONTH_CODES[self.month - 1]}{self.year}"

    @property
    def last_trade(self) -> date:
        """The last day on which the contract trades."""
        return last_trade(self.product, self.year, self.month)

    def shift(self, months: int) -> Contract:
        """Return the contract for delivery `months` later."""
        index = self.year * 12 + self.month - 1 + months
        return Contract(self.product, index // 12, index % 12 + 1)


def parse_contract(symbol: str) -> Contract:
    """Read a symbol such as ``CLF2026``.

    Raises
    ------
    UnknownNameError
        When it is not a root, a month code and a year of four digits.
    """
    products = {root: product for product, root in ROOTS.items()}
    found = re.fullmatch(rf"({'|'.join(products)})([{MONTH_CODES}])(\d{{4}})", symbol)
    if not found:
        msg = f"{symbol!r} is not a contract such as CLF2026 or BZG2026"
        raise UnknownNameError(msg)
    return Contract(
        products[found.group(1)], int(found.group(3)), MONTH_CODES.index(found.group(2)) + 1
    )


def last_trade(product: Product, year: int, month: int) -> date:
    """Return the last trading day of the contract for delivery in `year` and `month`.

    WTI stops three business days before the 25th of the month before delivery, four when the
    25th is no business day. Brent stops on the last business day of the second month before
    delivery, one earlier when that is the eve of Christmas or New Year; contracts before March 2016
    stopped on the business day before the 15th day before the month of delivery.

    Raises
    ------
    UnknownNameError
        When there is no rule for the product, month or year.
    """
    _known(product, year, month)
    if product == "brent":
        return _brent_last_trade(year, month)
    if (year, month) in WTI_EXCEPTIONS:
        return WTI_EXCEPTIONS[year, month][0]
    return _wti_last_trade(year, month)


def front_contract(product: Product, day: date) -> Contract:
    """Return the nearest contract that still trades on `day`."""
    contract = Contract(product, day.year, day.month)
    while contract.last_trade < day:
        contract = contract.shift(1)
    return contract


def next_contracts(product: Product, day: date, *, count: int) -> tuple[Contract, ...]:
    """Return the nearest `count` contracts that still trade on `day`, the front month first."""
    front = front_contract(product, day)
    return tuple(front.shift(months) for months in range(count))


def front_months(product: Product, sessions: DayArray) -> NDArray[np.int64]:
    """Return the front contract of each session as a count of months since year 0.

    Parameters
    ----------
    product : {"wti", "brent"}
        Product.
    sessions : ndarray of datetime64[D], shape (S,)
        Increasing days.

    Returns
    -------
    ndarray of int64, shape (S,)
        ``12 * year + month - 1`` of delivery.
    """
    if not len(sessions):
        return np.zeros(0, dtype=np.int64)
    first = front_contract(product, sessions[0].astype(object))
    contracts = [first]
    while np.datetime64(contracts[-1].last_trade) < sessions[-1]:
        contracts.append(contracts[-1].shift(1))
    stops = np.array([contract.last_trade for contract in contracts], dtype="datetime64[D]")
    rank = np.searchsorted(stops, sessions, side="left")
    return np.asarray(rank + first.year * 12 + first.month - 1, dtype=np.int64)


def roll_sessions(product: Product, sessions: DayArray) -> BoolArray:
    """Mark the sessions on which a front-month series shows a new contract for the first time.

    The return of such a session runs from the old contract to the new one.

    Parameters
    ----------
    product : {"wti", "brent"}
        Product.
    sessions : ndarray of datetime64[D], shape (S,)
        Increasing days.

    Returns
    -------
    ndarray of bool, shape (S,)
        True on the session that follows a last trading day; the first session is never marked.
    """
    months = front_months(product, np.asarray(sessions, dtype="datetime64[D]"))
    return np.asarray(np.diff(months, prepend=months[:1]) != 0, dtype=np.bool_)


def _known(product: Product, year: int, month: int) -> None:
    if product not in ROOTS:
        msg = f"no expiry rule for {product!r}: {did_you_mean(product, ROOTS)}"
        raise UnknownNameError(msg)
    if not 1 <= month <= len(MONTH_CODES):
        msg = f"month {month} of a contract: a number from 1 to 12"
        raise UnknownNameError(msg)
    if year < _FIRST_YEAR[product]:
        msg = f"no {product} contract for {year}: the first year is {_FIRST_YEAR[product]}"
        raise UnknownNameError(msg)


def _wti_last_trade(year: int, month: int) -> date:
    before = Contract("wti", year, month).shift(-1)
    anchor = date(before.year, before.month, 25)
    days = _business_days("wti", anchor.year // 10)
    index = int(np.searchsorted(days, np.datetime64(anchor)))
    return _date(days[index - 3] if days[index] == np.datetime64(anchor) else days[index - 4])


def _brent_last_trade(year: int, month: int) -> date:
    if (year, month) < _BRENT_CHANGE:
        anchor = date(year, month, 1) - timedelta(days=15)
        on_or_before = _london_day_before(anchor + timedelta(days=1))
        return _london_day_before(on_or_before)
    before = Contract("brent", year, month).shift(-1)
    last = _london_day_before(date(before.year, before.month, 1))
    # The last business day of December is the eve of New Year; none is the eve of Christmas.
    return _london_day_before(last) if last.month == 12 else last  # noqa: PLR2004  # December


def _london_day_before(day: date) -> date:
    days = _business_days("brent", day.year // 10)
    return _date(days[int(np.searchsorted(days, np.datetime64(day))) - 1])


@lru_cache(maxsize=32)
def _business_days(product: Product, decade: int) -> DayArray:
    first, last = date(decade * 10 - 1, 12, 1), date(decade * 10 + 9, 12, 31)
    if product == "wti":
        return settlement_calendar("wti", first, last).sessions
    # The Brent rule counts English bank holidays although Brent itself trades on them.
    import pandas_market_calendars as mcal

    days = mcal.get_calendar("LSE").valid_days(first, last, tz=None)
    return days.to_numpy().astype("datetime64[D]")  # type: ignore[no-any-return]  # untyped library


def _date(day: np.datetime64) -> date:
    return day.astype("datetime64[D]").astype(object)  # type: ignore[no-any-return]  # numpy's stub
