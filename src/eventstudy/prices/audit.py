"""The quality report of a store: every series against calendar, sources and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import pandas as pd

from eventstudy.prices.bars import StoredSeries
from eventstudy.prices.checks import CheckInput, check_series
from eventstudy.prices.quality import Finding, read_price_overrides
from eventstudy.prices.store import Store
from eventstudy.prices.stored import override_file
from eventstudy.products import product_table
from eventstudy.tables import read_wide


def audit(
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
    """Whether a repeated figure of a series is suspicious when the peer moved."""
    return series.symbol != peer and series.calendar != "file"


def closes_of_file(path: str) -> dict[str, pd.Series]:
    """Return the columns of a wide file as closes by ISO day, to check a series against."""
    frame = read_wide(path)
    days = pd.Index(frame.index.strftime("%Y-%m-%d"))  # type: ignore[attr-defined]  # a DatetimeIndex
    return {str(name): frame[name].set_axis(days).dropna() for name in frame.columns}
