"""Prices from wherever a study names: a shipped dataset, a CSV or Parquet file, a frame."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from eventstudy.datasets import Dataset, SeriesInfo, dataset, list_datasets
from eventstudy.errors import TableError, did_you_mean
from eventstudy.prices.location import default_store
from eventstudy.prices.stored import store_table, stored_names
from eventstudy.prices.table import DataKind, PriceTable, SeriesMeta
from eventstudy.products import suggested_calendar
from eventstudy.tables import read_wide, sha256_of

FILE_ENDINGS = (".csv", ".parquet", ".pq")


def load_prices(
    source: str | Path | pd.DataFrame,
    *,
    kind: DataKind = "prices",
    what: str = "",
    store: str | Path | None = None,
    asof: str | None = None,
    series: Sequence[str] = (),
) -> PriceTable:
    """Load a wide table of prices or returns.

    Parameters
    ----------
    source : str, Path or DataFrame
        ``"store"``, name of a shipped dataset (``eventstudy datasets``), a CSV or Parquet file
        with the column ``session`` first, or a frame indexed by session.
    kind : {"prices", "returns"}
        What the figures are.
    what : str, optional
        Name for messages where `source` is a frame.
    store : str or Path, optional
        The price store, where `source` is ``"store"``; otherwise the default one.
    asof : str, optional
        ISO date or moment: read the store as it stood then.
    series : sequence of str, optional
        Series wanted from the store, such as ``wti_front`` or ``CL@1:same-contract``; all
        that are no single contract where empty.

    Returns
    -------
    PriceTable

    Raises
    ------
    TableError
        The file is missing or faulty; the message names file, line and column.
    StoreError
        The store cannot be read.
    UnknownNameError
        The store has no such series, and no shipped dataset has it.
    """
    if isinstance(source, pd.DataFrame):
        return _from_frame(source, kind, what or "frame")
    if str(source) == "store":
        return _from_store(Path(store) if store else default_store(), tuple(series), asof)
    names = [item.name for item in list_datasets()]
    if str(source) in names:
        return from_dataset(dataset(str(source)))
    path = Path(source)
    if not path.exists() and path.suffix.lower() not in FILE_ENDINGS:
        msg = f"no dataset and no file {str(source)!r}: {did_you_mean(str(source), names)}"
        raise TableError(msg)
    frame = read_wide(path, what=kind)
    as_of = frame.index[-1].date().isoformat()
    metas = {
        str(name): SeriesMeta(str(name), str(name), source=f"file {path.name}", as_of=as_of)
        for name in frame.columns
    }
    return PriceTable(frame, kind, metas, path.name, sha256_of(path))


def _from_store(path: Path, wanted: tuple[str, ...], asof: str | None) -> PriceTable:
    """Read the store; shipped figures stand in for a store or a series that is not there."""
    shipped = from_dataset(list_datasets()[0])
    if not path.exists():
        note = f"there is no price store {path.name}: the shipped figures are used instead"
        return replace(
            _until(shipped, asof),
            source=f"{shipped.source}, no store",
            notes=(note, *shipped.notes),
        )
    held = stored_names(path)
    absent = tuple(name for name in wanted if name not in held and name in shipped.names)
    inside = tuple(name for name in wanted if name not in absent)
    if not absent:
        return store_table(path, series=inside, asof=asof)
    figures = _until(shipped, asof)
    base = store_table(path, series=inside, asof=asof) if inside else replace(shipped, notes=())
    frame = figures.frame[list(absent)]
    if inside:
        frame = base.frame.join(frame, how="outer")[list(wanted)]
    names = ", ".join(absent)
    note = f"{names}: not in the price store, the shipped figures are used instead"
    metas = {name: figures.meta(name) for name in absent}
    digest = hashlib.sha256(f"{base.sha256}{shipped.sha256}".encode()).hexdigest()
    return replace(
        base,
        frame=frame.rename_axis("session"),
        series={**base.series, **metas} if inside else metas,
        source=f"{base.source} and {shipped.source}" if inside else shipped.source,
        sha256=digest,
        notes=(*base.notes, note),
    )


def _until(table: PriceTable, asof: str | None) -> PriceTable:
    return table.between(None, asof[:10]) if asof else table


def from_dataset(item: Dataset) -> PriceTable:
    """Turn a shipped dataset into a price table with everything known about its series."""
    series = {info.name: _meta(info, item) for info in item.series}
    calendars = {info.calendar for info in item.series}
    notes = (
        (f"{item.dropped_rows} row(s) without any figure left out",) if item.dropped_rows else ()
    )
    return PriceTable(
        item.read(),
        "prices",
        series,
        f"dataset {item.name}",
        item.sha256,
        suggested_calendar(calendars),
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
    index = pd.DatetimeIndex(frame.index).tz_localize(None).normalize()
    clean = frame.set_axis(index, axis=0).rename_axis("session").astype("float64")
    if not clean.index.is_unique or not clean.index.is_monotonic_increasing:
        msg = "sessions must be unique and in order: frame[~frame.index.duplicated()].sort_index()"
        raise TableError(msg, path=what)
    digest = hashlib.sha256(clean.to_csv(lineterminator="\n").encode()).hexdigest()
    return PriceTable(clean, kind, {}, what, digest)
