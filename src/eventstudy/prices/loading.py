"""Prices from wherever a study names: a dataset, a CSV or Parquet file, a frame, the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from eventstudy.calendars import settlement_calendar
from eventstudy.errors import TableError, UnknownNameError, did_you_mean
from eventstudy.formats import listed
from eventstudy.prices.continuous import (
    ContinuousSpec,
    ContractPanel,
    continuous,
    parse_continuous,
)
from eventstudy.prices.datasets import Dataset, SeriesInfo, dataset, list_datasets
from eventstudy.prices.quality import (
    PriceOverride,
    apply_overrides,
    override_file,
    read_price_overrides,
)
from eventstudy.prices.records import StoredSeries
from eventstudy.prices.store import Store, default_store
from eventstudy.prices.table import DataKind, PriceTable, SeriesMeta
from eventstudy.products import FILE, product, suggested_calendar
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
        ``"store"``, name of a bundled dataset (``eventstudy datasets``), a CSV or Parquet file
        with the column ``session`` first, or a frame indexed by session.
    kind : {"prices", "returns"}
        What the values are.
    what : str, optional
        Name for messages where `source` is a frame.
    store : str or Path, optional
        The price store, where `source` is ``"store"``; otherwise the default one.
    asof : str, optional
        ISO date or moment: read the store as it stood then.
    series : sequence of str, optional
        Series wanted from the store, such as ``wti_front`` or ``CL@1:same-contract``; all
        that are not single contracts where empty.

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
        The store has no such series, and no bundled dataset has it.

    Examples
    --------
    >>> table = load_prices("crude-daily")
    >>> table.meta("wti_front").unit, table.calendar
    ('USD/bbl', 'wti')
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
    """Read the store; fall back to bundled data for a store or a series that is not there."""
    bundled = from_dataset(list_datasets()[0])
    if not path.exists():
        note = f"there is no price store {path.name}: the bundled data are used instead"
        return replace(
            _until(bundled, asof),
            source=f"{bundled.source}, no store",
            notes=(note, *bundled.notes),
        )
    held = stored_names(path)
    absent = tuple(name for name in wanted if name not in held and name in bundled.names)
    inside = tuple(name for name in wanted if name not in absent)
    if not absent:
        return store_table(path, series=inside, asof=asof)
    known = _until(bundled, asof)
    base = store_table(path, series=inside, asof=asof) if inside else replace(bundled, notes=())
    frame = known.frame[list(absent)]
    if inside:
        frame = base.frame.join(frame, how="outer")[list(wanted)]
    names = ", ".join(absent)
    note = f"{names}: not in the price store, the bundled data are used instead"
    metas = {name: known.meta(name) for name in absent}
    digest = hashlib.sha256(f"{base.sha256}{bundled.sha256}".encode()).hexdigest()
    return replace(
        base,
        frame=frame.rename_axis("session"),
        series={**base.series, **metas} if inside else metas,
        source=f"{base.source} and {bundled.source}" if inside else bundled.source,
        sha256=digest,
        notes=(*base.notes, note),
    )


def _until(table: PriceTable, asof: str | None) -> PriceTable:
    return table.between(None, asof[:10]) if asof else table


def from_dataset(item: Dataset) -> PriceTable:
    """Turn a bundled dataset into a price table with everything known about its series."""
    series = {info.name: _meta(info, item) for info in item.series}
    calendars = {info.calendar for info in item.series}
    notes = (f"{item.dropped_rows} row(s) without any value left out",) if item.dropped_rows else ()
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
        f"{info.publisher} (bundled, {item.name})",
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


def store_table(
    path: Path | str, *, series: Sequence[str] = (), asof: date | str | None = None
) -> PriceTable:
    """Read series of a store into a price table.

    Parameters
    ----------
    path : Path or str
        The store.
    series : sequence of str
        Names of stored series, or continuous ones such as ``CL@1:same-contract``; where empty,
        every series that is not a single contract.
    asof : date or str, optional
        Read everything as it stood then.

    Returns
    -------
    PriceTable
        Settled sessions only. Each series states where its values came from, its newest session,
        and how many of its values had been corrected; repairs that the user accepted are made
        and noted.

    Raises
    ------
    StoreError
        When the store cannot be read.
    UnknownNameError
        When the store has no such series, with the nearest name.
    """
    with Store(path, read_only=True) as store:
        known = {item.symbol: item for item in store.series()}
        names = list(series) or [name for name, item in known.items() if item.kind != "contract"]
        columns, metas, notes = {}, {}, list[str]()
        for name in names:
            if name in known:
                columns[name], metas[name], said = _stored(store, known[name], asof)
            elif "@" in name:
                columns[name], metas[name], said = _continuous(store, parse_continuous(name), asof)
            else:
                msg = f"no series {name!r} in {store.path.name}: {did_you_mean(name, known)}"
                raise UnknownNameError(msg)
            notes += said
    frame = pd.DataFrame(columns).sort_index()
    frame.index = pd.DatetimeIndex(frame.index.astype("datetime64[us]"), name="session")
    when = f", as of {asof}" if asof else ""
    calendars = {
        known[name].calendar if name in known else product(parse_continuous(name).product).calendar
        for name in names
    }
    return PriceTable(
        frame,
        "prices",
        metas,
        f"price store{when}",
        _digest(frame),
        suggested_calendar(calendars),
        tuple(notes),
    )


def stored_names(path: Path | str) -> frozenset[str]:
    """Return the names of the series of a store."""
    with Store(path, read_only=True) as store:
        return frozenset(item.symbol for item in store.series())


def contract_panel(store: Store, name: str, *, asof: date | str | None = None) -> ContractPanel:
    """Read every stored contract of a product into a panel of consecutive contracts.

    Raises
    ------
    UnknownNameError
        When the store has no contract of the product.
    """
    contracts = store.contracts(name)
    if not contracts:
        msg = f"the store has no {name} contracts: run 'eventstudy refresh' or import some"
        raise UnknownNameError(msg)
    closes = {item.number: _closes(store, item.symbol, asof)[0] for item in contracts}
    numbers = range(min(closes), max(closes) + 1)
    wide = pd.DataFrame({number: closes.get(number, pd.Series(dtype=float)) for number in numbers})
    wide = wide.sort_index()
    # Bars of holidays carry prices that settled nothing.
    of = store.one_series(contracts[0].symbol).calendar
    days = wide.index.to_numpy().astype("datetime64[D]")
    if of != FILE and len(days):
        calendar = settlement_calendar(of, days[0].astype(object), days[-1].astype(object))
        wide = wide[np.isin(days, calendar.sessions)]
    sessions = wide.index.to_numpy().astype("datetime64[D]")
    return ContractPanel(name, sessions, numbers[0], wide.to_numpy(dtype=float))


def _stored(
    store: Store, series: StoredSeries, asof: date | str | None
) -> tuple[pd.Series, SeriesMeta, list[str]]:
    frame = store.read(series.symbol, asof=asof)
    closes, repaired = _closes(store, series.symbol, asof)
    corrected = store.revisions(series.symbol, asof=asof)
    changed = sorted({change.stamp for change in corrected if change.field == "close"})
    sources = ", ".join(sorted(set(frame["source"]))) or "no source yet"
    last = str(frame.index[-1]) if len(frame) else ""
    origin = f"{sources} (store, {len(changed)} corrected close(s))"
    meta = SeriesMeta(
        series.symbol, series.title, series.unit, series.kind, origin, series.roll, last
    )
    notes = [f"{series.symbol}: corrected close(s) of {_some(changed)}"] if changed else []
    return closes, meta, notes + repaired


def _continuous(
    store: Store, spec: ContinuousSpec, asof: date | str | None
) -> tuple[pd.Series, SeriesMeta, list[str]]:
    panel = contract_panel(store, spec.product, asof=asof)
    known = product(spec.product)
    made = continuous(panel, spec)
    levels = pd.Series(made.levels, index=pd.DatetimeIndex(made.sessions)).dropna()
    how = f"rolled {spec.early} session(s) before expiry" if spec.early else "rolled at expiry"
    source = f"{known.root} contracts of the store, {spec.method}, {how}"
    last = str(levels.index[-1].date()) if len(levels) else ""
    jumps = spec.method == "unadjusted"
    meta = SeriesMeta(
        spec.name,
        f"{spec.product} contract {spec.nth}, {spec.method}",
        known.unit if jumps else f"{known.unit}, adjusted",
        "futures" if jumps else "continuous",
        source,
        spec.product if jumps and not spec.early else None,
        last,
    )
    notes = [f"{spec.name}: {int(made.rolls.sum())} roll(s), {how}"]
    if made.broken:
        notes.append(f"{spec.name}: not linked over {_some(made.broken)}; no levels before it")
    return levels, meta, notes


def _closes(store: Store, symbol: str, asof: date | str | None) -> tuple[pd.Series, list[str]]:
    """Return the closes with the accepted repairs in them, and what was repaired."""
    stored = store.read(symbol, asof=asof)["close"]
    overrides = read_price_overrides(override_file(store.path))
    closes, used = apply_overrides(stored, symbol, overrides)
    said = [f"{symbol}: {_repair(item)} by the override file ({item.reason})" for item in used]
    index = pd.DatetimeIndex(closes.index.to_numpy(), dtype="datetime64[us]")
    return closes.set_axis(index), said


def _repair(item: PriceOverride) -> str:
    new = "left out" if item.value is None else f"set to {item.value:g}"
    return f"{item.session} {new}"


def _some(days: Iterable[str]) -> str:
    return listed(list(days), 3, sep=", ")


def _digest(frame: pd.DataFrame) -> str:
    lines = hashlib.sha256(",".join(map(str, frame.columns)).encode())
    lines.update(np.ascontiguousarray(frame.index.to_numpy().astype("datetime64[D]")).tobytes())
    lines.update(np.ascontiguousarray(frame.to_numpy(dtype=float)).tobytes())
    return lines.hexdigest()
