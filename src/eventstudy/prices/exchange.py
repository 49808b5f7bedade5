"""Exports of the store as flat files: the store is the record, a file is a copy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from eventstudy.errors import OutputError
from eventstudy.prices.store import Store
from eventstudy.tables import write_csv

_LONG = ("open", "high", "low", "close", "volume", "source", "first_seen")


def long_table(
    store: Store,
    symbols: Sequence[str],
    *,
    interval: str = "1d",
    asof: date | str | None = None,
) -> pd.DataFrame:
    """Return every bar of the named series as a row: symbol, stamp, figures, source, first seen."""
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
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(partial)
        partial.replace(path)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise OutputError(msg) from error
