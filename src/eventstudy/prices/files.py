"""Wide files into the store, and exports of it: the store is the record, a file is a copy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pandas as pd

from eventstudy.errors import BatchRefusedError, OutputError, TableError, did_you_mean
from eventstudy.prices.batches import BatchContext, batch_faults, clock_fault
from eventstudy.prices.records import Bar, StoredSeries, Written
from eventstudy.prices.related import related_closes, sessions_between
from eventstudy.prices.runs import last_good_run, record_acceptance
from eventstudy.prices.store import Store
from eventstudy.products import FILE, calendar_names, one_of
from eventstudy.tables import read_wide, replacement, write_csv

KINDS: Final = ("futures", "contract", "spot", "index", "volatility")
_LONG = ("open", "high", "low", "close", "volume", "source", "first_seen")


def read_column(path: Path, column: str) -> tuple[Bar, ...]:
    """Return the values of one column as bars.

    Raises
    ------
    TableError
        When there is no such column, or the file has a fault.
    """
    frame = read_wide(path)
    if column not in frame.columns:
        msg = f"no column {column!r}: {did_you_mean(column, map(str, frame.columns))}"
        raise TableError(msg, path=str(path))
    days = frame.index.strftime("%Y-%m-%d")  # type: ignore[attr-defined]  # a DatetimeIndex
    values = frame[column].tolist()
    return tuple(
        Bar(day, value) for day, value in zip(days, values, strict=True) if not math.isnan(value)
    )


def import_file(
    store: Store,
    path: Path,
    *,
    unit: str,
    source: str,
    seen_at: datetime,
    kind: str = "futures",
    calendar: str = "file",
    columns: Sequence[str] = (),
    accept: Sequence[str] = (),
    reason: str = "",
) -> dict[str, Written]:
    """Import a wide file into the store, all of it or nothing.

    The columns pass the same validation as the batches of a refresh.

    Parameters
    ----------
    store : Store
        Open for writing.
    path : Path
        CSV or Parquet with the column ``session`` first.
    unit, source : str
        Unit of every column, and who publishes the values.
    seen_at : datetime
        With a time zone.
    kind, calendar : str
        As in the table of instruments.
    columns : sequence of str
        Only these; all where empty.
    accept : sequence of str
        Columns that are stored although validation would stop them; what it found is recorded.
    reason : str
        Why, recorded with it.

    Returns
    -------
    dict of str to Written
        What changed, by column.

    Raises
    ------
    TableError
        When the file has a fault, or a series of that name has another unit or kind in the store.
    BatchRefusedError
        When a column cannot be the series it is imported as.
    """
    one_of(kind, KINDS, str(path), "kind")
    one_of(calendar, (*calendar_names(), FILE), str(path), "calendar")
    names = list(columns) or [str(name) for name in read_wide(path).columns]
    known = {series.symbol: series for series in store.series()}
    written: dict[str, Written] = {}
    with store.transaction():
        for name in names:
            series = StoredSeries(name, name, unit, kind, calendar=calendar)
            old = known.get(name)
            if old is not None and (old.unit, old.kind) != (unit, kind):
                held = f"the store holds {name!r} as {old.kind} in {old.unit!r}"
                msg = f"{held}, not as {kind} in {unit!r}"
                raise TableError(msg, path=str(path), column=name)
            if old is None:
                store.put_series(series)
            bars = read_column(path, name)
            faults = _faults(store, old or series, bars, seen_at)
            if faults and name not in accept:
                msg = f"{path}, column {name!r}: {'; '.join(faults)}; nothing was imported"
                raise BatchRefusedError(msg)
            if faults:
                record_acceptance(store, name, "1d", source, faults, reason=reason, now=seen_at)
            written[name] = store.put_bars(name, bars, source=source, seen_at=seen_at)
    return written


def _faults(
    store: Store, series: StoredSeries, bars: Sequence[Bar], seen_at: datetime
) -> tuple[str, ...]:
    """Return why a column cannot be the series."""
    today = seen_at.astimezone(UTC).date()
    known = store.closes(series.symbol)
    days = None
    if series.calendar != FILE and bars:
        days = sessions_between(series.calendar, bars[0].stamp, bars[-1].stamp)
    context = BatchContext(series.kind, days, related_closes(store, series))
    faults = batch_faults(known, bars, today=today, context=context)
    # A file may end at any time; only a store that is refreshed tells what day it can be.
    late = clock_fault(store.newest_final(today), now=today) if last_good_run(store) else ""
    return (*faults, late) if late else faults


def long_table(
    store: Store,
    symbols: Sequence[str],
    *,
    interval: str = "1d",
    asof: date | str | None = None,
) -> pd.DataFrame:
    """Return every bar of the named series as a row: symbol, stamp, values, source, first seen."""
    parts = []
    for symbol in symbols:
        store.one_series(symbol)
        bars = store.read(symbol, interval=interval, asof=asof)
        parts.append(bars[list(_LONG)].reset_index().assign(symbol=symbol))
    table = pd.concat(parts, ignore_index=True)
    return table[["symbol", "stamp", *_LONG]]


def wide_table(
    store: Store, symbols: Sequence[str], *, asof: date | str | None = None
) -> pd.DataFrame:
    """Return settled daily closes, a column per series, indexed by session."""
    columns = {}
    for symbol in symbols:
        store.one_series(symbol)
        columns[symbol] = store.read(symbol, asof=asof)["close"]
    frame = pd.DataFrame(columns).sort_index()
    return frame.set_axis(pd.DatetimeIndex(frame.index.to_numpy(), name="session"))


def export(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet where the name ends so, else as CSV.

    Raises
    ------
    OutputError
        When the file is there already or cannot be written.
    """
    if path.exists():
        msg = f"{path} exists: choose another name"
        raise OutputError(msg)
    if path.suffix not in (".parquet", ".pq"):
        write_csv(frame, path)
        return
    with replacement(path) as partial:
        frame.to_parquet(partial)
