"""What a refresh keeps: the table of instruments that ships, and a user's additions to it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from eventstudy.calendars import SettlementCalendar, settlement_calendar
from eventstudy.errors import TableError, UnknownNameError, did_you_mean
from eventstudy.prices.bars import StoredSeries
from eventstudy.prices.contracts import MONTH_CODES, ROOTS, Contract, next_contracts

KINDS: Final = ("futures", "contract", "spot", "index", "volatility")
SOURCES: Final = ("yahoo", "fred", "eia", "file")
# Sources publish a settlement some time after it was made.
GRACE: Final = timedelta(minutes=90)
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
            nearest = next_contracts(rule.product, today, count=rule.count)  # type: ignore[arg-type]  # checked
            others = [item for item in stored if item.product == rule.product]
            found += [rule.instrument(item) for item in sorted({*nearest, *others})]
        return tuple(found)


def load_catalogue(extra: Path | None = None) -> Catalogue:
    """Read the table that ships, and a user's file on top of it.

    Raises
    ------
    TableError
        When a file has a fault: an unknown key, kind or source, or a source of another kind, such
        as a spot price to stand in for futures.
    """
    shipped = resources.files("eventstudy") / "data" / "instruments.toml"
    instruments, rules = _parse(shipped.read_text("utf-8"), "instruments.toml")
    if extra is not None:
        try:
            text = extra.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
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
        """Whether the day `stamp` has settled, and the source has had time to say so."""
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
            self._calendars[name] = settlement_calendar(name, first, last)  # type: ignore[arg-type]  # checked
        return self._calendars[name]


def _parse(text: str, path: str) -> tuple[dict[str, Instrument], dict[str, ContractRule]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"is not TOML: {error}"
        raise TableError(msg, path=path) from error
    _known_keys(document, {"instrument", "contracts"}, path, "the file")
    instruments = [_instrument(entry, path) for entry in document.get("instrument", ())]
    rules = [_contract_rule(entry, path) for entry in document.get("contracts", ())]
    return {item.name: item for item in instruments}, {rule.product: rule for rule in rules}


def _instrument(entry: Mapping[str, Any], path: str) -> Instrument:
    name = str(entry.get("name", ""))
    where = f"instrument {name!r}"
    _known_keys(entry, _INSTRUMENT_KEYS, path, where)
    for key in ("name", "unit", "kind", "sources"):
        if not entry.get(key):
            msg = f"{where} has no {key!r}"
            raise TableError(msg, path=path)
    _one_of(entry["kind"], KINDS, path, f"{where}: kind")
    calendar = entry.get("calendar", "file")
    _one_of(calendar, ("wti", "brent", "file"), path, f"{where}: calendar")
    roll = entry.get("roll")
    if roll is not None:
        _one_of(roll, tuple(ROOTS), path, f"{where}: roll")
    title = str(entry.get("title", name))
    series = StoredSeries(name, title, str(entry["unit"]), entry["kind"], roll, calendar)
    refs = tuple(_source(ref, entry["kind"], path, where) for ref in entry["sources"])
    closes = time.fromisoformat(entry.get("closes", "17:00")) if calendar == "file" else None
    return Instrument(series, refs, closes)


def _source(ref: Mapping[str, Any], kind: str, path: str, where: str) -> SourceRef:
    _known_keys(ref, {"source", "symbol", "kind"}, path, where)
    _one_of(ref.get("source"), SOURCES, path, f"{where}: source")
    if not ref.get("symbol"):
        msg = f"{where}: source {ref['source']!r} has no 'symbol'"
        raise TableError(msg, path=path)
    if ref.get("kind") != kind:
        msg = (
            f"{where} is {kind!r} but {ref['source']} {ref['symbol']} is {ref.get('kind')!r}: "
            "only the same thing may stand in; make it an instrument of its own"
        )
        raise TableError(msg, path=path)
    return SourceRef(ref["source"], ref["symbol"])


def _contract_rule(entry: Mapping[str, Any], path: str) -> ContractRule:
    _known_keys(entry, _CONTRACT_KEYS, path, "contracts")
    missing = sorted(_CONTRACT_KEYS - set(entry))
    if missing:
        msg = f"contracts: no {missing[0]!r}"
        raise TableError(msg, path=path)
    _one_of(entry["product"], tuple(ROOTS), path, "contracts: product")
    _one_of(entry["source"], SOURCES, path, "contracts: source")
    _one_of(entry["calendar"], ("wti", "brent"), path, "contracts: calendar")
    return ContractRule(**entry)


def _known_keys(entry: Mapping[str, Any], known: Any, path: str, where: str) -> None:  # noqa: ANN401  # a set
    for key in entry:
        if key not in known:
            msg = f"{where} has an unknown key {key!r}: {did_you_mean(key, known)}"
            raise TableError(msg, path=path)


def _one_of(value: object, known: tuple[str, ...], path: str, where: str) -> None:
    if value not in known:
        msg = f"{where} = {value!r}: {did_you_mean(str(value), known)}"
        raise TableError(msg, path=path)
