"""Prices from wherever a study names: a shipped dataset, a CSV or Parquet file, a frame."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from eventstudy.datasets import Dataset, SeriesInfo, dataset, list_datasets
from eventstudy.errors import TableError, did_you_mean
from eventstudy.prices.table import DataKind, PriceTable, SeriesMeta
from eventstudy.tables import read_wide, sha256_of

FILE_ENDINGS = (".csv", ".parquet", ".pq")


def load_prices(
    source: str | Path | pd.DataFrame, *, kind: DataKind = "prices", what: str = ""
) -> PriceTable:
    """Load a wide table of prices or returns.

    Parameters
    ----------
    source : str, Path or DataFrame
        Name of a shipped dataset (``eventstudy datasets``), a CSV or Parquet file with the
        column ``session`` first, or a frame indexed by session.
    kind : {"prices", "returns"}
        What the figures are.
    what : str, optional
        Name for messages where `source` is a frame.

    Returns
    -------
    PriceTable

    Raises
    ------
    TableError
        The file is missing or faulty; the message names file, line and column.
    """
    if isinstance(source, pd.DataFrame):
        return _from_frame(source, kind, what or "frame")
    names = [item.name for item in list_datasets()]
    if str(source) in names:
        return from_dataset(dataset(str(source)))
    path = Path(source)
    if not path.exists() and path.suffix.lower() not in FILE_ENDINGS:
        msg = f"no dataset and no file {str(source)!r}: {did_you_mean(str(source), names)}"
        raise TableError(msg)
    frame = read_wide(path, what=kind)
    as_of = frame.index[-1].date().isoformat()
    series = {
        str(name): SeriesMeta(str(name), str(name), source=f"file {path.name}", as_of=as_of)
        for name in frame.columns
    }
    return PriceTable(frame, kind, series, path.name, sha256_of(path))


def from_dataset(item: Dataset) -> PriceTable:
    """Turn a shipped dataset into a price table with everything known about its series."""
    series = {info.name: _meta(info, item) for info in item.series}
    calendars = {info.calendar for info in item.series}
    calendar = "wti" if "wti" in calendars else "file"
    notes = (
        (f"{item.dropped_rows} row(s) without any figure left out",) if item.dropped_rows else ()
    )
    return PriceTable(
        item.read(),
        "prices",
        series,
        f"dataset {item.name}",
        item.sha256,
        calendar,  # type: ignore[arg-type]
        notes,
    )


def _meta(info: SeriesInfo, item: Dataset) -> SeriesMeta:
    return SeriesMeta(
        info.name,
        info.title,
        info.unit,
        info.kind,
        f"{info.publisher} (shipped, {item.name})",
        info.roll,
        item.as_of.isoformat(),
    )


def _from_frame(frame: pd.DataFrame, kind: DataKind, what: str) -> PriceTable:
    import hashlib

    index = pd.DatetimeIndex(frame.index).tz_localize(None).normalize()
    clean = frame.set_axis(index, axis=0).rename_axis("session").astype("float64")
    if not clean.index.is_unique or not clean.index.is_monotonic_increasing:
        msg = "sessions must be unique and in order: frame[~frame.index.duplicated()].sort_index()"
        raise TableError(msg, path=what)
    digest = hashlib.sha256(clean.to_csv(lineterminator="\n").encode()).hexdigest()
    return PriceTable(clean, kind, {}, what, digest)
