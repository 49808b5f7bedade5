"""Prices for a study out of the store: series as they stood, and continuous ones of contracts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from eventstudy.calendars import settlement_calendar
from eventstudy.errors import UnknownNameError, did_you_mean
from eventstudy.formats import listed
from eventstudy.prices.bars import StoredSeries
from eventstudy.prices.continuous import (
    ContinuousSpec,
    ContractPanel,
    continuous,
    parse_continuous,
)
from eventstudy.prices.contracts import ROOTS, Contract, Product
from eventstudy.prices.quality import PriceOverride, apply_overrides, read_price_overrides
from eventstudy.prices.store import Store
from eventstudy.prices.table import PriceTable, SeriesMeta


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
        every series that is no single contract.
    asof : date or str, optional
        Read everything as it stood then.

    Returns
    -------
    PriceTable
        Settled sessions only. Each series says where its figures came from, what is its newest
        session, and how many of its figures had been corrected; repairs that the user accepted are
        made, and said.

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
    calendars = {known[name].calendar for name in names if name in known} | (
        {"wti"} if any("@" in name for name in names) else set()
    )
    calendar = next((name for name in ("wti", "brent") if name in calendars), "file")
    return PriceTable(
        frame,
        "prices",
        metas,
        f"price store{when}",
        _digest(frame),
        calendar,  # type: ignore[arg-type]  # one of the three
        tuple(notes),
    )


def stored_names(path: Path | str) -> frozenset[str]:
    """Return the names of the series of a store."""
    with Store(path, read_only=True) as store:
        return frozenset(item.symbol for item in store.series())


def contract_panel(
    store: Store, product: Product, *, asof: date | str | None = None
) -> ContractPanel:
    """Read every stored contract of a product into a panel of consecutive delivery months.

    Raises
    ------
    UnknownNameError
        When the store has no contract of the product.
    """
    contracts = store.contracts(product)
    if not contracts:
        msg = f"the store has no {product} contracts: run 'eventstudy refresh' or import some"
        raise UnknownNameError(msg)
    closes = {_month(item): _closes(store, item.symbol, asof)[0] for item in contracts}
    months = range(min(closes), max(closes) + 1)
    wide = pd.DataFrame({month: closes.get(month, pd.Series(dtype=float)) for month in months})
    wide = wide.sort_index()
    # Bars of holidays carry prices that settled nothing.
    name = store.one_series(contracts[0].symbol).calendar
    days = wide.index.to_numpy().astype("datetime64[D]")
    if name != "file" and len(days):
        calendar = settlement_calendar(name, days[0].astype(object), days[-1].astype(object))  # type: ignore[arg-type]  # checked when stored
        wide = wide[np.isin(days, calendar.sessions)]
    sessions = wide.index.to_numpy().astype("datetime64[D]")
    return ContractPanel(product, sessions, months[0], wide.to_numpy(dtype=float))


def _stored(
    store: Store, series: StoredSeries, asof: date | str | None
) -> tuple[pd.Series, SeriesMeta, list[str]]:
    frame = store.read(series.symbol, asof=asof)
    closes, repaired = _closes(store, series.symbol, asof)
    corrected = store.revisions(series.symbol, asof=asof)
    changed = sorted({change.stamp for change in corrected if change.field == "close"})
    sources = ", ".join(sorted(set(frame["source"]))) or "no source yet"
    last = str(frame.index[-1]) if len(frame) else ""
    told = f"{sources} (store, {len(changed)} corrected close(s))"
    meta = SeriesMeta(
        series.symbol, series.title, series.unit, series.kind, told, series.roll, last
    )
    notes = [f"{series.symbol}: corrected close(s) of {_some(changed)}"] if changed else []
    return closes, meta, notes + repaired


def _continuous(
    store: Store, spec: ContinuousSpec, asof: date | str | None
) -> tuple[pd.Series, SeriesMeta, list[str]]:
    panel = contract_panel(store, spec.product, asof=asof)
    made = continuous(panel, spec)
    levels = pd.Series(made.levels, index=pd.DatetimeIndex(made.sessions)).dropna()
    how = f"rolled {spec.early} session(s) before expiry" if spec.early else "rolled at expiry"
    source = f"{ROOTS[spec.product]} contracts of the store, {spec.method}, {how}"
    last = str(levels.index[-1].date()) if len(levels) else ""
    jumps = spec.method == "unadjusted"
    meta = SeriesMeta(
        spec.name,
        f"{spec.product} contract {spec.nth}, {spec.method}",
        "USD/bbl" if jumps else "USD/bbl, adjusted",
        "futures" if jumps else "continuous",
        source,
        spec.product if jumps and not spec.early else None,
        last,
    )
    notes = [f"{spec.name}: {int(made.rolls.sum())} roll(s), {how}"]
    if made.broken:
        notes.append(f"{spec.name}: not linked over {_some(made.broken)}; no levels before it")
    return levels, meta, notes


def override_file(store: Path) -> Path:
    """Return the file of accepted repairs that belongs to a store."""
    return store.with_name("price_overrides.csv")


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


def _month(contract: Contract) -> int:
    return contract.year * 12 + contract.month - 1


def _some(days: Iterable[str]) -> str:
    return listed(list(days), 3, sep=", ")


def _digest(frame: pd.DataFrame) -> str:
    lines = hashlib.sha256(",".join(map(str, frame.columns)).encode())
    lines.update(np.ascontiguousarray(frame.index.to_numpy().astype("datetime64[D]")).tobytes())
    lines.update(np.ascontiguousarray(frame.to_numpy(dtype=float)).tobytes())
    return lines.hexdigest()
