"""Calendars and products: one table of what each market is, as data with dated rules.

Everything that is true of a market and not of the code (when it settles, when its contracts stop
trading, what a source calls them) stands in ``data/products.toml``, which documents each key; the
classes here have a field per key. Rules are regimes with a first day, so that a change of the
exchange adds an entry and leaves the past as it was.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

from eventstudy.errors import TableError, UnknownNameError, did_you_mean

MONTH_CODES: Final = "FGHJKMNQUVXZ"
FILE: Final = "file"  # the calendar of a series that goes by its own days
SETTLEMENTS: Final = "settlements"  # business days that are the sessions of the own calendar
_SERIES_KEYS: Final = frozenset(("name", "title", "kept"))


@dataclass(frozen=True, slots=True)
class EarlySettlement:
    """Days of a regime that settle at another time: by their close, or by day of the year."""

    time: dt.time
    closes: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SettlementRegime:
    """When a market settles from the day `first` on; the first fitting rule of `early` decides."""

    first: dt.date
    time: dt.time
    zone: str
    early: tuple[EarlySettlement, ...] = ()

    def at(self, day: dt.date, close: str = "") -> dt.time:
        """Return the local time at which `day` settles; `close` is when its trading ends."""
        for rule in self.early:
            if close in rule.closes or f"{day:%m-%d}" in rule.dates:
                return rule.time
        return self.time


@dataclass(frozen=True, slots=True)
class CalendarSpec:
    """How the settlement calendar of a market is made; `settlement` is in order of time."""

    name: str
    title: str
    exchange: str
    zone: str
    sessions: str
    settlement: tuple[SettlementRegime, ...]
    holidays: tuple[str, ...] = ()
    close_zone: str = "UTC"
    unsettled: tuple[str, ...] = ()

    def regime(self, day: dt.date) -> SettlementRegime:
        """Return the regime that holds on a day."""
        return next(item for item in reversed(self.settlement) if item.first <= day)


@dataclass(frozen=True, slots=True)
class LastTradeRule:
    """When contracts stop trading, from the delivery month `first` (year, month) on.

    The last trading day lies `count` business days before an anchor: a day of a month relative to
    delivery, or the nth weekday of the month of delivery. An exception is a year, a month, the day
    that the exchange listed, and the reason.
    """

    first: tuple[int, int]
    kind: Literal["before-day", "weekday"]
    months: int = 0
    day: int = 1
    shift: int = 0
    weekday: int = 0
    nth: int = 1
    preceding: bool = False
    count: int = 0
    business_days: str = SETTLEMENTS
    not_eve_of: tuple[str, ...] = ()
    exceptions: tuple[tuple[int, int, dt.date, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ProductSeries:
    """A series of a product that a refresh keeps; `symbols` are pairs of source and symbol."""

    name: str
    title: str
    symbols: tuple[tuple[str, str], ...]
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Product:
    """A futures product; its `name` is also the roll rule of its front-month series."""

    name: str
    root: str
    title: str
    exchange: str
    unit: str
    rulebook: str
    calendar: str
    first_year: int
    last_trade: tuple[LastTradeRule, ...]
    months: str = MONTH_CODES
    closes: dt.time | None = None
    benchmark: bool = False
    front: ProductSeries | None = None
    spot: ProductSeries | None = None
    contracts: ProductSeries | None = None

    def rule(self, year: int, month: int) -> LastTradeRule:
        """Return the last-trade rule of the contract for delivery in `year` and `month`."""
        return next(item for item in reversed(self.last_trade) if item.first <= (year, month))


@dataclass(frozen=True, slots=True)
class ProductTable:
    """All calendars and products, in the order of the table; the first calendar is the main one."""

    calendars: Mapping[str, CalendarSpec]
    products: Mapping[str, Product]


@cache
def product_table() -> ProductTable:
    """Return the table of the package."""
    source = resources.files("eventstudy") / "data" / "products.toml"
    return read_products(source.read_text("utf-8"), "products.toml")


def calendar_spec(name: str) -> CalendarSpec:
    """Return the calendar of that name; `UnknownNameError` names the nearest one."""
    return _named(product_table().calendars, name, "settlement calendar")


def product(name: str) -> Product:
    """Return the product of that name; `UnknownNameError` names the nearest one."""
    return _named(product_table().products, name, "product")


def calendar_names() -> tuple[str, ...]:
    """Return the settlement calendars, the main one first."""
    return tuple(product_table().calendars)


def product_names() -> tuple[str, ...]:
    """Return the products, which are also the roll rules."""
    return tuple(product_table().products)


def main_calendar() -> str:
    """Return the calendar by which the daily refresh goes."""
    return calendar_names()[0]


def suggested_calendar(found: Collection[str]) -> str:
    """Return the first calendar of the table that is among those of some series, else ``file``."""
    return next((name for name in calendar_names() if name in found), FILE)


def read_products(text: str, path: str) -> ProductTable:
    """Read a table of calendars and products.

    Raises `TableError` when an entry has an unknown key or calendar, or regimes out of order.
    """
    document = read_toml(text, path)
    known_keys(document, ("calendar", "product"), path, "the file")
    calendars = {
        name: _calendar(name, entry, path) for name, entry in document.get("calendar", {}).items()
    }
    products = {
        name: _product(name, entry, path) for name, entry in document.get("product", {}).items()
    }
    for item in products.values():
        one_of(item.calendar, (*calendars, FILE), path, f"product.{item.name}: calendar")
    return ProductTable(MappingProxyType(calendars), MappingProxyType(products))


def read_toml(text: str, path: str) -> dict[str, Any]:
    """Parse a TOML table of the package or of a user; `TableError` where it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"is not TOML: {error}"
        raise TableError(msg, path=path) from error
    except RecursionError:
        msg = "is not TOML that can be read: brackets nested too deeply"
        raise TableError(msg, path=path) from None
    except ValueError:
        msg = "is not TOML that can be read: a number has thousands of digits"
        raise TableError(msg, path=path) from None


def known_keys(entry: Mapping[str, Any], known: Iterable[str], path: str, where: str) -> None:
    """Refuse keys that an entry does not have (`TableError`), naming the nearest."""
    for key in entry:
        if key not in known:
            msg = f"{where} has an unknown key {key!r}: {did_you_mean(key, known)}"
            raise TableError(msg, path=path)


def one_of(value: object, known: Collection[object], path: str, where: str) -> None:
    """Refuse a value that is not one of the known ones (`TableError`), naming the nearest."""
    # A list or a table cannot be looked up in a table.
    if not isinstance(value, str) or value not in known:
        msg = f"{where} = {value!r:.60}: {did_you_mean(str(value), map(str, known))}"
        raise TableError(msg, path=path)


_Entry = TypeVar("_Entry")


def _named(known: Mapping[str, _Entry], name: str, what: str) -> _Entry:
    if name not in known:
        msg = f"no {what} {name!r}: {did_you_mean(name, known)}"
        raise UnknownNameError(msg)
    return known[name]


def _build(kind: type[_Entry], entry: Mapping[str, Any], path: str, where: str) -> _Entry:
    """Make a frozen entry out of plain values; its fields are the known keys."""
    fields: Mapping[str, Any] = kind.__dataclass_fields__  # type: ignore[attr-defined]  # a dataclass
    known_keys(entry, fields, path, where)
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    try:
        return kind(**plain)
    except TypeError as error:
        msg = f"{where}: {str(error).partition(') ')[2] or error}"
        raise TableError(msg, path=path) from None


def _calendar(name: str, entry: Mapping[str, Any], path: str) -> CalendarSpec:
    where = f"calendar.{name}"
    regimes = []
    for item in entry.get("settlement", ()):
        regime = {"first": item.get("from", dt.date.min), "zone": entry.get("zone"), **item}
        regime.pop("from", None)
        regime["early"] = [
            _build(EarlySettlement, rule, path, where) for rule in item.get("early", ())
        ]
        regimes.append(_build(SettlementRegime, regime, path, where))
    _in_order([item.first for item in regimes], dt.date.min, path, f"{where}.settlement")
    return _build(CalendarSpec, {**entry, "name": name, "settlement": regimes}, path, where)


def _product(name: str, entry: Mapping[str, Any], path: str) -> Product:
    where = f"product.{name}"
    rules = [_last_trade(item, path, where) for item in entry.get("last_trade", ())]
    _in_order([item.first for item in rules], (0, 0), path, f"{where}.last_trade")
    series = {
        key: _series(entry[key], path, f"{where}.{key}")
        for key in ("front", "spot", "contracts")
        if key in entry
    }
    return _build(Product, {**entry, "name": name, "last_trade": rules, **series}, path, where)


def _last_trade(entry: Mapping[str, Any], path: str, where: str) -> LastTradeRule:
    plain = dict(entry)
    first = _delivery(plain.pop("from")) if "from" in plain else (0, 0)
    exceptions = [
        (*_delivery(item["delivery"]), item["day"], item["reason"])
        for item in plain.pop("exceptions", ())
    ]
    one_of(entry.get("kind"), ("before-day", "weekday"), path, f"{where}.last_trade: kind")
    return _build(LastTradeRule, {**plain, "first": first, "exceptions": exceptions}, path, where)


def _series(entry: Mapping[str, Any], path: str, where: str) -> ProductSeries:
    symbols = tuple((key, str(entry[key])) for key in entry if key not in _SERIES_KEYS)
    known = {"name": "", "title": ""} | {k: entry[k] for k in entry if k in _SERIES_KEYS}
    return _build(ProductSeries, {**known, "symbols": symbols}, path, where)


def _delivery(text: str) -> tuple[int, int]:
    year, month = text.split("-")
    return int(year), int(month)


def _in_order(firsts: list[Any], start: Any, path: str, where: str) -> None:  # noqa: ANN401  # days or months
    if not firsts or firsts[0] != start or sorted(set(firsts)) != firsts:
        msg = f"{where}: regimes must be in order, the first one without 'from'"
        raise TableError(msg, path=path)
