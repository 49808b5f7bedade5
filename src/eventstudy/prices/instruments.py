"""What a refresh keeps: series of the products, other bundled instruments, a user's additions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from eventstudy.calendars import SettlementCalendar, settlement_calendar
from eventstudy.errors import TableError, UnknownNameError, did_you_mean
from eventstudy.prices.contracts import Contract, next_contracts
from eventstudy.prices.files import KINDS
from eventstudy.prices.records import StoredSeries
from eventstudy.prices.sources import source_names
from eventstudy.products import (
    FILE,
    MONTH_CODES,
    Product,
    ProductSeries,
    calendar_names,
    known_keys,
    one_of,
    product_names,
    product_table,
    read_toml,
)
from eventstudy.tables.text import whole_file

# Sources publish a settlement some time after it was made.
GRACE: Final = timedelta(minutes=90)
_MOST_BYTES: Final = 2_000_000
_MOST_CONTRACTS: Final = 120
_NEW_YORK: Final = ZoneInfo("America/New_York")
_INSTRUMENT_KEYS: Final = frozenset(
    ("name", "title", "unit", "kind", "calendar", "closes", "roll", "sources")
)
_CONTRACT_KEYS: Final = frozenset(("product", "count", "unit", "calendar", "source", "symbol"))


@dataclass(frozen=True, slots=True)
class SourceRef:
    """Where a series can be had: a source, and its name there."""

    source: str
    symbol: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """One series that a refresh keeps.

    Parameters
    ----------
    series : StoredSeries
        Name, title, unit, kind, roll and calendar.
    sources : tuple of SourceRef
        In the order of asking; all of them publish the same thing.
    closes : time or None
        New York time at which the day is over, for the calendar ``file``.
    contract : Contract or None
        The contract, where it is one.
    """

    series: StoredSeries
    sources: tuple[SourceRef, ...]
    closes: time | None = None
    contract: Contract | None = None

    @property
    def name(self) -> str:
        """Name in the store."""
        return self.series.symbol


@dataclass(frozen=True, slots=True)
class ContractRule:
    """Which single contracts are kept, and what a source calls them."""

    product: str
    count: int
    unit: str
    calendar: str
    source: str
    symbol: str

    def instrument(self, contract: Contract) -> Instrument:
        """Return the instrument of one contract."""
        code, yy = MONTH_CODES[contract.month - 1], f"{contract.year % 100:02d}"
        title = f"{self.product} {contract.year}-{contract.month:02d}"
        series = StoredSeries(contract.symbol, title, self.unit, "contract", calendar=self.calendar)
        ref = SourceRef(self.source, self.symbol.format(code=code, yy=yy))
        return Instrument(series, (ref,), contract=contract)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All instruments, in order, and the rules for single contracts."""

    instruments: tuple[Instrument, ...]
    contracts: tuple[ContractRule, ...]

    def due(self, today: date, *, stored: Sequence[Contract] = ()) -> tuple[Instrument, ...]:
        """Return everything to refresh on a day.

        Parameters
        ----------
        today : date
            The day.
        stored : sequence of Contract
            Contracts to keep asking for although they are not among the nearest any more.
        """
        found = list(self.instruments)
        for rule in self.contracts:
            nearest = next_contracts(rule.product, today, count=rule.count)
            others = [item for item in stored if item.product == rule.product]
            found += [rule.instrument(item) for item in sorted({*nearest, *others})]
        return tuple(found)


def load_catalogue(extra: Path | None = None) -> Catalogue:
    """Return the instruments of the products and the bundled table, and a user's file on top.

    Raises
    ------
    TableError
        When a file has a fault: an unknown key, kind or source, or a source of another kind, such
        as a spot price as the fallback of futures.
    """
    bundled = resources.files("eventstudy") / "data" / "instruments.toml"
    others, rules = _parse(bundled.read_text("utf-8"), "instruments.toml")
    products = tuple(product_table().products.values())
    instruments = {
        series.name: _of_product(item, series, kind)
        for kind in ("futures", "spot")
        for item in products
        if (series := item.front if kind == "futures" else item.spot)
    } | others
    rules = {item.name: _kept(item, item.contracts) for item in products if item.contracts} | rules
    if extra is not None:
        try:
            text = whole_file(extra, most=_MOST_BYTES).decode("utf-8")
        except (OSError, ValueError) as error:
            msg = f"cannot be read: {error}"
            raise TableError(msg, path=str(extra)) from error
        more, more_rules = _parse(text, str(extra))
        instruments, rules = instruments | more, rules | more_rules
    return Catalogue(tuple(instruments.values()), tuple(rules.values()))


def pick(instruments: Sequence[Instrument], names: Sequence[str]) -> tuple[Instrument, ...]:
    """Return the named instruments, or all where none is named.

    Raises
    ------
    UnknownNameError
        With the nearest name.
    """
    known = {item.name: item for item in instruments}
    for name in names:
        if name not in known:
            msg = f"no instrument {name!r}: {did_you_mean(name, known)}"
            raise UnknownNameError(msg)
    return tuple(known[name] for name in names) if names else tuple(instruments)


class Settled:
    """Whether a session's bar is final at a moment.

    Parameters
    ----------
    now : datetime
        The moment, with a time zone.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._calendars: dict[str, SettlementCalendar] = {}

    def __call__(self, instrument: Instrument, stamp: str) -> bool:
        """Whether the day `stamp` has settled, and the source has had time to publish it."""
        day = date.fromisoformat(stamp)
        if day < self._now.date() - timedelta(days=14):
            return True
        if instrument.closes is not None:
            close = datetime.combine(day, instrument.closes, tzinfo=_NEW_YORK)
            return self._now >= close + GRACE
        calendar = self._calendar(instrument.series.calendar)
        position = calendar.on_or_after(day)
        settlements = calendar.settlements
        assert settlements is not None  # noqa: S101  # only file calendars have none
        if position == len(settlements):
            return False
        settled = settlements[position].astype(datetime).replace(tzinfo=UTC)
        return bool(self._now >= settled + GRACE)

    def _calendar(self, name: str) -> SettlementCalendar:
        if name not in self._calendars:
            today = self._now.date()
            first, last = today - timedelta(days=30), today + timedelta(days=15)
            self._calendars[name] = settlement_calendar(name, first, last)
        return self._calendars[name]


def _of_product(item: Product, series: ProductSeries, kind: str) -> Instrument:
    """Return the instrument of a product's front month or spot price."""
    rolls = item.name if kind == "futures" else None
    stored = StoredSeries(series.name, series.title, item.unit, kind, rolls, item.calendar)
    refs = tuple(SourceRef(source, symbol) for source, symbol in series.symbols)
    return Instrument(stored, refs, item.closes)


def _kept(item: Product, contracts: ProductSeries) -> ContractRule:
    ((source, pattern),) = contracts.symbols
    return ContractRule(item.name, contracts.kept, item.unit, item.calendar, source, pattern)


def _parse(text: str, path: str) -> tuple[dict[str, Instrument], dict[str, ContractRule]]:
    document = read_toml(text, path)
    known_keys(document, {"instrument", "contracts"}, path, "the file")
    instruments = [_instrument(entry, path) for entry in _entries(document, "instrument", path)]
    rules = [_contract_rule(entry, path) for entry in _entries(document, "contracts", path)]
    return {item.name: item for item in instruments}, {rule.product: rule for rule in rules}


def _entries(document: Mapping[str, Any], key: str, path: str) -> list[dict[str, Any]]:
    """Return the tables of a list of tables."""
    found = document.get(key, [])
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        msg = f"{key!r} is not a list of tables: write [[{key}]] above each"
        raise TableError(msg, path=path)
    return found


def _text(entry: Mapping[str, Any], key: str, where: str, path: str) -> str:
    """Return a key of an entry that is text and not empty."""
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        wrong = f"has no {key!r}" if value in (None, "") else f"{key} = {value!r:.60} is not a text"
        msg = f"{where} {wrong}"
        raise TableError(msg, path=path)
    return value


def _closes(entry: Mapping[str, Any], where: str, path: str) -> time:
    value = entry.get("closes", "17:00")
    try:
        found = time.fromisoformat(value)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is not None:
        msg = f'{where}: closes = {value!r:.60} is not a New York time such as "17:00"'
        raise TableError(msg, path=path)
    return found


def _instrument(entry: Mapping[str, Any], path: str) -> Instrument:
    where = f"instrument {entry.get('name', '')!r:.60}"
    known_keys(entry, _INSTRUMENT_KEYS, path, where)
    name, unit = _text(entry, "name", where, path), _text(entry, "unit", where, path)
    kind = _text(entry, "kind", where, path)
    one_of(kind, KINDS, path, f"{where}: kind")
    calendar = entry.get("calendar", FILE)
    one_of(calendar, (*calendar_names(), FILE), path, f"{where}: calendar")
    roll = entry.get("roll")
    if roll is not None:
        one_of(roll, product_names(), path, f"{where}: roll")
    title = _text({"title": name} | dict(entry), "title", where, path)
    series = StoredSeries(name, title, unit, kind, roll, calendar)
    sources = entry.get("sources")
    if not isinstance(sources, list) or not sources:
        wrong = "has no 'sources'" if not sources else f"sources = {sources!r:.60} is not a list"
        msg = f"{where} {wrong}"
        raise TableError(msg, path=path)
    refs = tuple(_source(ref, kind, path, where) for ref in sources)
    return Instrument(series, refs, _closes(entry, where, path) if calendar == FILE else None)


def _source(ref: Mapping[str, Any], kind: str, path: str, where: str) -> SourceRef:
    if not isinstance(ref, dict):
        msg = f'{where}: {ref!r:.60} is not a source such as {{ source = "fred", ... }}'
        raise TableError(msg, path=path)
    known_keys(ref, {"source", "symbol", "kind"}, path, where)
    one_of(ref.get("source"), source_names(), path, f"{where}: source")
    _text(ref, "symbol", f"{where}: source {ref['source']!r}", path)
    if ref.get("kind") != kind:
        msg = (
            f"{where} is {kind!r} but {ref['source']} {ref['symbol']} is {ref.get('kind')!r}: "
            "only the same thing may be a fallback; make it an instrument of its own"
        )
        raise TableError(msg, path=path)
    return SourceRef(ref["source"], ref["symbol"])


def _contract_rule(entry: Mapping[str, Any], path: str) -> ContractRule:
    known_keys(entry, _CONTRACT_KEYS, path, "contracts")
    missing = sorted(_CONTRACT_KEYS - set(entry))
    if missing:
        msg = f"contracts: no {missing[0]!r}"
        raise TableError(msg, path=path)
    one_of(entry["product"], product_names(), path, "contracts: product")
    one_of(entry["source"], source_names(), path, "contracts: source")
    one_of(entry["calendar"], calendar_names(), path, "contracts: calendar")
    count = entry["count"]
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MOST_CONTRACTS:
        msg = f"contracts: count = {count!r:.60} is not a number from 1 to {_MOST_CONTRACTS}"
        raise TableError(msg, path=path)
    symbol = _text(entry, "symbol", "contracts:", path)
    _text(entry, "unit", "contracts:", path)
    if set(re.findall(r"{[^}]*}?|}", symbol)) - {"{code}", "{yy}"}:
        msg = f"contracts: symbol = {symbol!r:.60} may hold {{code}} and {{yy}} only"
        raise TableError(msg, path=path)
    return ContractRule(**entry)
