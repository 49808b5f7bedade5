"""Futures contracts: when they stop trading, and where a front month changes contract.

The rules are dated data of the table of products. They reproduce every last trading day that the
exchanges listed from 2003 on, together with the exceptions that stand beside them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eventstudy.arrays import BoolArray, DayArray
from eventstudy.calendars import settlement_calendar
from eventstudy.errors import UnknownNameError, did_you_mean
from eventstudy.products import (
    MONTH_CODES,
    SETTLEMENTS,
    LastTradeRule,
    Product,
    product,
    product_names,
    product_table,
)


@dataclass(frozen=True, slots=True, order=True)
class Contract:
    """One futures contract.

    Parameters
    ----------
    product : str
        Name in the table of products, such as ``wti``.
    year, month : int
        Month of delivery.
    """

    product: str
    year: int
    month: int

    @property
    def symbol(self) -> str:
        """Root, month code and year, such as ``CLF2026``."""
        return contract_symbol(self.product, self.number)

    @property
    def number(self) -> int:
        """Place among the contracts of the product: ``K * year + k`` with K contracts a year."""
        months = product(self.product).months
        return self.year * len(months) + months.index(MONTH_CODES[self.month - 1])

    @property
    def last_trade(self) -> date:
        """The last day on which the contract trades."""
        return last_trade(self.product, self.year, self.month)

    def shift(self, contracts: int) -> Contract:
        """Return the contract that is so many later in the product's cycle."""
        return _contract(self.product, self.number + contracts)


def contract_symbol(name: str, number: int) -> str:
    """Return the symbol of a contract by its place in the cycle, such as ``CLF2026``."""
    known = product(name)
    year, index = divmod(number, len(known.months))
    return f"{known.root}{known.months[index]}{year}"


def product_of_root(root: str) -> str | None:
    """Return the product whose symbols begin with `root`."""
    return next((p.name for p in product_table().products.values() if p.root == root), None)


def parse_contract(symbol: str) -> Contract:
    """Read a symbol such as ``CLF2026``.

    Raises
    ------
    UnknownNameError
        When it is not a root, a letter of one of its contract months and a year of four digits.

    Examples
    --------
    >>> parse_contract("CLF2026").last_trade
    datetime.date(2025, 12, 19)
    """
    found = re.fullmatch(rf"([A-Z]+)([{MONTH_CODES}])(\d{{4}})", symbol)
    name = product_of_root(found[1]) if found else None
    if not found or name is None or found[2] not in product(name).months:
        msg = f"{symbol!r} is not a contract such as CLF2026 or BZG2026"
        raise UnknownNameError(msg)
    return Contract(name, int(found[3]), MONTH_CODES.index(found[2]) + 1)


def last_trade(name: str, year: int, month: int) -> date:
    """Return the last trading day of the contract for delivery in `year` and `month`.

    Parameters
    ----------
    name : str
        A product.
    year, month : int
        Month of delivery.

    Raises
    ------
    UnknownNameError
        When there is no rule for the product, month or year.
    """
    if name not in product_names():
        msg = f"no expiry rule for {name!r}: {did_you_mean(name, product_names())}"
        raise UnknownNameError(msg)
    known = product(name)
    if not 1 <= month <= len(MONTH_CODES) or MONTH_CODES[month - 1] not in known.months:
        msg = f"month {month} of a {name} contract: one of {known.months}, F being January"
        raise UnknownNameError(msg)
    if year < known.first_year:
        msg = f"no {name} contract for {year}: the first year is {known.first_year}"
        raise UnknownNameError(msg)
    return rule_day(known, year, month)


def front_contract(name: str, day: date) -> Contract:
    """Return the nearest contract that still trades on `day`."""
    months = product(name).months
    number = day.year * len(months) + sum(code < MONTH_CODES[day.month - 1] for code in months)
    contract = _contract(name, number)
    while contract.last_trade < day:
        contract = contract.shift(1)
    return contract


def next_contracts(name: str, day: date, *, count: int) -> tuple[Contract, ...]:
    """Return the nearest `count` contracts that still trade on `day`, the front month first."""
    front = front_contract(name, day)
    return tuple(front.shift(place) for place in range(count))


def front_numbers(name: str, sessions: DayArray) -> NDArray[np.int64]:
    """Return the front contract of each session by its place in the product's cycle.

    Parameters
    ----------
    name : str
        A product.
    sessions : (S,) datetime64[D]
        Increasing days.

    Returns
    -------
    (S,) int64
        ``K * year + k`` with K contracts a year; ``12 * year + month - 1`` where all months trade.
    """
    if not len(sessions):
        return np.zeros(0, dtype=np.int64)
    first = front_contract(name, sessions[0].astype(object))
    contracts = [first]
    while np.datetime64(contracts[-1].last_trade) < sessions[-1]:
        contracts.append(contracts[-1].shift(1))
    stops = np.array([contract.last_trade for contract in contracts], dtype="datetime64[D]")
    return np.asarray(np.searchsorted(stops, sessions, side="left") + first.number, dtype=np.int64)


def roll_sessions(rule: str, sessions: DayArray) -> BoolArray:
    """Mark the sessions on which a front-month series shows a new contract for the first time.

    The return of such a session runs from the old contract to the new one.

    Parameters
    ----------
    rule : str
        The product whose last trading days decide.
    sessions : (S,) datetime64[D]
        Increasing days.

    Returns
    -------
    (S,) bool
        True on the session that follows a last trading day; the first session is never marked.

    Raises
    ------
    UnknownNameError
        When there is no such rule.
    """
    if rule not in product_names():
        msg = f"no roll rule {rule!r}: {did_you_mean(rule, product_names())}"
        raise UnknownNameError(msg)
    numbers = front_numbers(rule, np.asarray(sessions, dtype="datetime64[D]"))
    return np.asarray(np.diff(numbers, prepend=numbers[:1]) != 0, dtype=np.bool_)


def rule_day(known: Product, year: int, month: int) -> date:
    """Return the last trading day that the rules of a product give for a delivery month."""
    rule = known.rule(year, month)
    for listed_year, listed_month, day, _ in rule.exceptions:
        if (listed_year, listed_month) == (year, month):
            return day
    anchor = _anchor(rule, year, month)
    days = _business_days(known.calendar, rule.business_days, anchor.year // 10)
    index = int(np.searchsorted(days, np.datetime64(anchor))) - rule.count
    if rule.preceding and not np.isin(np.datetime64(anchor), days):
        index -= 1
    if any(_is_eve(_date(days[index]), _date(days[index + 1]), eve) for eve in rule.not_eve_of):
        index -= 1
    return _date(days[index])


def _contract(name: str, number: int) -> Contract:
    months = product(name).months
    year, index = divmod(number, len(months))
    return Contract(name, year, MONTH_CODES.index(months[index]) + 1)


def _anchor(rule: LastTradeRule, year: int, month: int) -> date:
    if rule.kind == "weekday":
        first = date(year, month, 1)
        return first + timedelta((rule.weekday - first.weekday()) % 7 + 7 * (rule.nth - 1))
    month_index = year * 12 + month - 1 + rule.months
    return date(month_index // 12, month_index % 12 + 1, rule.day) + timedelta(rule.shift)


def _is_eve(day: date, following: date, eve_of: str) -> bool:
    """Whether `eve_of` (``MM-DD``) lies after `day` and not after the next business day."""
    between = (day + timedelta(i) for i in range(1, (following - day).days + 1))
    return any(f"{item:%m-%d}" == eve_of for item in between)


@lru_cache(maxsize=64)
def _business_days(calendar: str, rule: str, decade: int) -> DayArray:
    first, last = date(decade * 10 - 1, 12, 1), date(decade * 10 + 10, 1, 31)
    if rule == SETTLEMENTS:
        return settlement_calendar(calendar, first, last).sessions
    import pandas_market_calendars as mcal

    days = mcal.get_calendar(rule).valid_days(first, last, tz=None)
    return days.to_numpy().astype("datetime64[D]")  # type: ignore[no-any-return]  # untyped library


def _date(day: np.datetime64) -> date:
    return day.astype("datetime64[D]").astype(object)  # type: ignore[no-any-return]  # numpy's stub
