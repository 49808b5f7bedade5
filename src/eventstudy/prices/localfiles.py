"""Local files as a source, and as one-off imports: wide CSV or Parquet, a column per series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from eventstudy.errors import EventStudyError, TableError, did_you_mean
from eventstudy.prices.bars import Bar, StoredSeries, Written
from eventstudy.prices.sources import Answer, Request, SourceError, from_day
from eventstudy.prices.store import Store
from eventstudy.tables import read_wide


class LocalFile:
    """The source ``file``: the symbol is ``PATH:COLUMN``."""

    name = "file"

    def fetch(self, request: Request) -> Answer:
        """Return the closes of one column.

        Raises
        ------
        SourceError
            When the file or column is not there or has a fault.
        """
        if request.interval != "1d":
            msg = f"has no {request.interval} bars"
            raise SourceError(msg)
        path, _, column = request.symbol.rpartition(":")
        try:
            bars = read_column(Path(path), column)
        except EventStudyError as error:
            raise SourceError(str(error)) from error
        kept = from_day(bars, request.first)
        if not kept:
            msg = "no figure in this period"
            raise SourceError(msg)
        return Answer(kept)


def read_column(path: Path, column: str) -> tuple[Bar, ...]:
    """Return the figures of one column as bars.

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
) -> dict[str, Written]:
    """Import a wide file into the store, all of it or nothing.

    Parameters
    ----------
    store : Store
        Open for writing.
    path : Path
        CSV or Parquet with the column ``session`` first.
    unit, source : str
        Unit of every column, and who publishes the figures.
    seen_at : datetime
        With a time zone.
    kind, calendar : str
        As in the table of instruments.
    columns : sequence of str
        Only these; all where empty.

    Returns
    -------
    dict of str to Written
        What changed, by column.

    Raises
    ------
    TableError
        When the file has a fault, or a series of that name has another unit or kind in the store.
    """
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
            written[name] = store.put_bars(name, bars, source=source, seen_at=seen_at)
    return written
