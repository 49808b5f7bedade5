"""The quality of stored series: the checks, their findings, and the overrides that settle them.

Nothing is repaired here. A finding may carry a proposal; a user who accepts it writes it into an
override file, and reading with that file reports how many values it changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eventstudy.calendars import SettlementCalendar, settlement_calendar
from eventstudy.errors import TableError
from eventstudy.prices.contracts import roll_sessions
from eventstudy.prices.records import StoredSeries
from eventstudy.prices.store import Store
from eventstudy.products import product_table
from eventstudy.tables import finite, header_of, read_rows, read_wide, write_rows

Severity = Literal["error", "warning", "note"]
Action = Literal["drop", "replace", "keep"]
SEVERITIES: Final = ("error", "warning", "note")
_COLUMNS: Final = ("symbol", "session", "action", "value", "reason")
_STALE_RUN: Final = 2
_OUTLIER: Final = 6.0
_WINDOW: Final = 60
_MAD: Final = 1.4826  # the median absolute deviation of a normal variable, inverted
_TOLERANCE: Final = 0.01
_MOVED: Final = 0.005
_BACK: Final = 0.1  # a slip of the finger is taken back nearly whole, a market seldom is
_BIG_JUMP: Final = 0.05


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a series.

    Parameters
    ----------
    symbol : str
        The series.
    check : str
        Name of the check, such as ``gap`` or ``outlier``.
    severity : {"error", "warning", "note"}
        `error`: not to be used without a decision; `warning`: to be looked at; `note`: explained.
    session : str
        ISO day, or the first day of a run.
    detail : str
        What was found, with the values.
    proposal : {"drop", "replace", "keep"} or None
        What a user may accept.
    value : float or None
        The value to put in its place, for ``replace``.
    """

    symbol: str
    check: str
    severity: Severity
    session: str
    detail: str
    proposal: Action | None = None
    value: float | None = None

    @property
    def key(self) -> str:
        """Short name of the finding, the same every time it is found."""
        text = f"{self.symbol}|{self.check}|{self.session}|{self.proposal}|{self.value}"
        return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """A decision of a user about one value."""

    symbol: str
    session: str
    action: Action
    value: float | None
    reason: str


def read_price_overrides(path: Path) -> tuple[PriceOverride, ...]:
    """Read ``symbol, session, action, value, reason``; nothing where there is no such file.

    Raises
    ------
    TableError
        When a row has an unknown action, or a value where none belongs.
    """
    if not path.exists():
        return ()
    found = []
    for row in read_rows(path, what="price overrides"):
        missing = [name for name in _COLUMNS if name not in row]
        if missing:
            msg = f"there is no column {missing[0]!r}: it needs {', '.join(_COLUMNS)}"
            raise TableError(msg, path=str(path), row=1)
        action, text = row["action"], row["value"]
        if action not in ("drop", "replace", "keep") or (action == "replace") != bool(text):
            msg = f"{action!r} with value {text!r}: drop and keep have none, replace has a number"
            raise TableError(msg, path=str(path), row=row.line, column="action")
        try:
            value = finite(text) if text else None
        except ValueError:
            msg = f"{text!r} is not a number"
            raise TableError(msg, path=str(path), row=row.line, column="value") from None
        found.append(PriceOverride(row["symbol"], row["session"], action, value, row["reason"]))  # type: ignore[arg-type]  # checked above
    return tuple(found)


def accept(findings: Sequence[Finding], path: Path) -> tuple[PriceOverride, ...]:
    """Write the proposals of findings into the override file and return what is new in it."""
    known = read_price_overrides(path)
    settled = {(item.symbol, item.session) for item in known}
    new = [
        PriceOverride(
            item.symbol, item.session, item.proposal, item.value, f"{item.check}: {item.detail}"
        )
        for item in findings
        if item.proposal and (item.symbol, item.session) not in settled
    ]
    # Rows and columns of the user's own stay as they are, word for word.
    rows = [dict(row) for row in read_rows(path, what="price overrides")] if path.exists() else []
    columns = header_of(path, what="price overrides") if path.exists() else list(_COLUMNS)
    for item in new:
        value = "" if item.value is None else repr(item.value)
        cells = (item.symbol, item.session, item.action, value, item.reason)
        rows.append(dict.fromkeys(columns, "") | dict(zip(_COLUMNS, cells, strict=True)))
    write_rows(path, columns, [[row[name] for name in columns] for row in rows])
    return tuple(new)


def apply_overrides(
    closes: pd.Series, symbol: str, overrides: Sequence[PriceOverride]
) -> tuple[pd.Series, tuple[PriceOverride, ...]]:
    """Return a series with the accepted repairs in it, and those that changed a value.

    Parameters
    ----------
    closes : Series of float
        Indexed by ISO day.
    symbol : str
        The series.
    overrides : sequence of PriceOverride
        Those of other series are left out.
    """
    result, used = closes.copy(), []
    for item in overrides:
        if item.symbol != symbol or item.session not in result.index or item.action == "keep":
            continue
        result[item.session] = np.nan if item.action == "drop" else item.value
        used.append(item)
    return result.dropna(), tuple(used)


def override_file(store: Path) -> Path:
    """Return the file of accepted repairs that belongs to a store."""
    return store.with_name("price_overrides.csv")


@dataclass(frozen=True, slots=True)
class CheckInput:
    """A series and everything it is checked against.

    Parameters
    ----------
    symbol : str
        The series.
    bars : DataFrame
        Final bars, index ISO day, with open, high, low, close.
    calendar : str
        A settlement calendar, or ``file``.
    roll : str or None
        Expiry rule of a front-month series.
    events : mapping of str to str
        Titles of catalogued events by ISO day: context of large moves.
    others : mapping of str to Series
        Closes of the same thing from other sources, by ISO day.
    peers : mapping of str to Series
        Closes of related things: where they moved, a repeated value is stale.
    overrides : sequence of PriceOverride
        What a user has decided; such a day is not reported again.
    now : datetime or None
        Moment for lateness, with a time zone; None leaves that check out.
    """

    symbol: str
    bars: pd.DataFrame
    calendar: str = "file"
    roll: str | None = None
    events: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, pd.Series] = field(default_factory=dict)
    peers: Mapping[str, pd.Series] = field(default_factory=dict)
    overrides: Sequence[PriceOverride] = ()
    now: datetime | None = None


def check_series(given: CheckInput) -> tuple[Finding, ...]:
    """Run every check on one series.

    Returns
    -------
    tuple of Finding
        Errors first, then by session; without the days a user has decided on.
    """
    if given.bars.empty:
        return (Finding(given.symbol, "empty", "error", "", "no final bar: refresh or import it"),)
    checks = (_calendar, _stale, _outliers, _ranges, _rolls, _nonpositive, _sources, _late)
    found = [finding for check in checks for finding in check(given)]
    decided = {(item.symbol, item.session) for item in given.overrides}
    left = [item for item in found if (item.symbol, item.session) not in decided]
    return tuple(sorted(left, key=lambda item: (SEVERITIES.index(item.severity), item.session)))


def _days(given: CheckInput) -> NDArray[np.datetime64]:
    return given.bars.index.to_numpy().astype("datetime64[D]")


def _market(given: CheckInput) -> SettlementCalendar | None:
    if given.calendar == "file":
        return None
    days = _days(given)
    last = max(days[-1].astype(object), given.now.date() if given.now else date.min)
    return settlement_calendar(given.calendar, days[0].astype(object), last)


def _calendar(given: CheckInput) -> Iterator[Finding]:
    """Find sessions without a value, and values on days without a settlement."""
    market = _market(given)
    if market is None:
        return
    days = _days(given)
    sessions = market.sessions[market.sessions <= days[-1]]
    for day in sessions[~np.isin(sessions, days)]:
        yield Finding(given.symbol, "gap", "warning", str(day), "settled, but there is no value")
    for day in days[~np.isin(days, market.sessions)]:
        close = given.bars["close"][str(day)]
        detail = f"nothing settled, but there is a value ({close:g})"
        yield Finding(given.symbol, "not a session", "warning", str(day), detail, "drop")


def _stale(given: CheckInput) -> Iterator[Finding]:
    """Find runs of equal closes: values repeated for want of new ones."""
    closes = given.bars["close"].to_numpy()
    starts = np.flatnonzero(np.append(True, np.diff(closes) != 0))
    lengths = np.diff(np.append(starts, len(closes)))
    stamps = [str(stamp) for stamp in given.bars.index]
    for start, length in zip(starts, lengths, strict=True):
        if length >= _STALE_RUN:
            severity = "warning" if length > _STALE_RUN else "note"
            last = stamps[start + length - 1]
            moved = _others_moved(given, stamps[start], last)
            detail = f"{closes[start]:g} on {length} sessions to {last}{moved}"
            drop = "drop" if moved and length == _STALE_RUN else None
            severity = "warning" if moved else severity
            yield Finding(given.symbol, "stale", severity, last, detail, drop)  # type: ignore[arg-type]  # one of three


def _others_moved(given: CheckInput, first: str, last: str) -> str:
    for name, closes in (*given.others.items(), *given.peers.items()):
        if first not in closes.index or last not in closes.index:
            continue
        if abs(closes[last] - closes[first]) > _MOVED * abs(closes[first]):
            return f", while {name} moved from {closes[first]:g} to {closes[last]:g}"
    return ""


def _outliers(given: CheckInput) -> Iterator[Finding]:
    """Find moves far outside the robust volatility before them; an event explains a move."""
    closes = given.bars["close"]
    moves = _moves(closes)
    scale = moves.abs().rolling(_WINDOW, min_periods=_WINDOW // 2).median().shift(1) * _MAD
    for day in moves.index[(moves.abs() > _OUTLIER * scale).to_numpy()]:
        size = moves[day] / scale[day]
        detail = f"{moves[day]:+.1%} to {closes[day]:g}, {abs(size):.1f} robust deviations"
        event = given.events.get(str(day))
        back = moves.shift(-1).get(day, 0.0)
        spike = bool(abs(moves[day] + back) < _BACK * abs(moves[day]))
        spike = spike and not _travelled(given.bars, str(day))
        if event:
            yield Finding(given.symbol, "outlier", "note", str(day), f"{detail}: {event}", "keep")
        elif spike:
            middle = float((closes.shift(1)[day] + closes.shift(-1)[day]) / 2)
            text = f"{detail}, and back the session after"
            yield Finding(
                given.symbol, "spike", "warning", str(day), text, "replace", round(middle, 4)
            )
        else:
            yield Finding(given.symbol, "outlier", "warning", str(day), detail, "keep")


def _travelled(bars: pd.DataFrame, day: str) -> bool:
    """Whether the range of the session covers half of its move: then prices were really there."""
    row = bars.loc[day]
    move = abs(row["close"] - bars["close"].shift(1)[day])
    inside = row["low"] <= row["close"] <= row["high"]
    return bool(inside and row["high"] - row["low"] >= move / 2)


def _moves(closes: pd.Series) -> pd.Series:
    """Log changes where both prices are positive, simple ones where only the first is."""
    before = closes.shift(1).to_numpy(dtype=float)
    now = closes.to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        simple = np.where(before > 0, now / before - 1, np.nan)
        logs = np.log1p(np.where(now > 0, simple, np.nan))
    return pd.Series(np.where(np.isnan(logs), simple, logs), index=closes.index)


def _ranges(given: CheckInput) -> Iterator[Finding]:
    """Find highs below lows, and opens and closes outside of them."""
    bars = given.bars
    inverted = bars["high"] < bars["low"]
    outside = (bars["close"] > bars["high"]) | (bars["close"] < bars["low"])
    outside |= (bars["open"] > bars["high"]) | (bars["open"] < bars["low"])
    for day, row in bars[inverted | outside].iterrows():
        shown = f"o {row['open']:g} h {row['high']:g} l {row['low']:g} c {row['close']:g}"
        if row["high"] < row["low"]:
            yield Finding(given.symbol, "high below low", "error", str(day), shown)
        else:
            yield Finding(given.symbol, "outside range", "note", str(day), shown)


def _rolls(given: CheckInput) -> Iterator[Finding]:
    """Find the jumps of a front-month series where it changes contract."""
    if given.roll is None:
        return
    marked = roll_sessions(given.roll, _days(given))
    moves = _moves(given.bars["close"])
    for day in given.bars.index[marked]:
        large = abs(moves[day]) > _BIG_JUMP
        detail = f"{moves[day]:+.1%} from one contract to the next"
        yield Finding(given.symbol, "roll", "warning" if large else "note", str(day), detail)


def _nonpositive(given: CheckInput) -> Iterator[Finding]:
    """Find prices of zero and below: real once, and undefined for every logarithm."""
    closes = given.bars["close"]
    for day, close in closes[closes <= 0].items():
        event = given.events.get(str(day), "no logarithmic return is defined")
        detail = f"{close:g}: {event}"
        yield Finding(given.symbol, "not positive", "warning", str(day), detail, "keep")


def _sources(given: CheckInput) -> Iterator[Finding]:
    """Find closes that differ between sources of the same thing by more than a tolerance."""
    for name, other in given.others.items():
        both = pd.DataFrame({"own": given.bars["close"]}).join(other.rename("other"), how="inner")
        apart = (both["own"] - both["other"]).abs() > _TOLERANCE * both["other"].abs()
        for day, row in both[apart].iterrows():
            detail = f"{row['own']:g}, but {name} has {row['other']:g}"
            value = float(row["other"])
            yield Finding(given.symbol, "disagreement", "error", str(day), detail, "replace", value)


def _late(given: CheckInput) -> Iterator[Finding]:
    """Find a source that is late: sessions have settled since its newest value."""
    market = _market(given)
    if market is None or given.now is None or market.settlements is None:
        return
    days = _days(given)
    now = _utc(given.now)
    due = market.sessions[(market.sessions > days[-1]) & (market.settlements <= now)]
    if len(due) > 1:
        detail = f"newest value {days[-1]}; {len(due)} sessions have settled since"
        yield Finding(given.symbol, "late", "error", str(days[-1]), detail)


def _utc(moment: datetime) -> np.datetime64:
    return np.datetime64(pd.Timestamp(moment).tz_convert("UTC").tz_localize(None), "s")


def check_store(
    store: Store,
    symbols: Sequence[str],
    *,
    now: datetime | None = None,
    events: Mapping[str, str] | None = None,
    against: Mapping[str, Mapping[str, pd.Series]] | None = None,
) -> tuple[Finding, ...]:
    """Check series of a store.

    Parameters
    ----------
    store : Store
        Open store.
    symbols : sequence of str
        Series; all where empty.
    now : datetime, optional
        Moment for lateness, with a time zone.
    events : mapping of str to str, optional
        Titles of events by ISO day, which explain large moves.
    against : mapping of str to mapping of str to Series, optional
        By series: closes of the same thing from elsewhere, by name of the source.

    Returns
    -------
    tuple of Finding
        By series, errors first.
    """
    overrides = read_price_overrides(override_file(store.path))
    chosen = [store.one_series(name) for name in symbols] if symbols else list(store.series())
    # A market that settled without a change while the most liquid series moved is rare.
    fronts = (item.front for item in product_table().products.values() if item.benchmark)
    peers = {
        front.name: store.read(front.name)["close"]
        for front in fronts
        if front and store.last_final(front.name)
    }
    found: list[Finding] = []
    for series in chosen:
        bars = store.read(series.symbol)
        found += check_series(
            CheckInput(
                series.symbol,
                bars,
                series.calendar,
                series.roll,
                events or {},
                (against or {}).get(series.symbol, {}),
                {name: closes for name, closes in peers.items() if _related(series, name)},
                overrides,
                now if series.kind != "contract" else None,
            )
        )
    return tuple(found)


def _related(series: StoredSeries, peer: str) -> bool:
    """Whether a repeated value of a series is suspicious when the peer moved."""
    return series.symbol != peer and series.calendar != "file"


def closes_of_file(path: str) -> dict[str, pd.Series]:
    """Return the columns of a wide file as closes by ISO day, to check a series against."""
    frame = read_wide(path)
    days = pd.Index(frame.index.strftime("%Y-%m-%d"))  # type: ignore[attr-defined]  # a DatetimeIndex
    return {str(name): frame[name].set_axis(days).dropna() for name in frame.columns}
