"""The price store: one SQLite file that keeps every value and every correction of it.

Sources rewrite history, so a value that changes is written down with its old and new value and the
moment the change was seen. Any series can be read as it stood at an earlier moment.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Self

import pandas as pd

from eventstudy.errors import StoreError, UnknownNameError, did_you_mean
from eventstudy.prices.contracts import Contract
from eventstudy.prices.records import (
    FIELDS,
    Bar,
    Revision,
    StoredSeries,
    Written,
    asof_timestamp,
    timestamp,
)
from eventstudy.prices.schema import connect

STORE_VARIABLE: Final = "EVENTSTUDY_STORE"


def default_store() -> Path:
    """Return where the store is when nobody names it.

    ``EVENTSTUDY_STORE``, else ``data/prices.sqlite`` where the working folder has a ``data``
    folder, else ``eventstudy/prices.sqlite`` in the platform's folder for application data.
    """
    import platformdirs

    named = os.environ.get(STORE_VARIABLE)
    local = Path("data") / "prices.sqlite"
    if named or local.parent.is_dir():
        return Path(named) if named else local
    return platformdirs.user_data_path("eventstudy", appauthor=False) / "prices.sqlite"


class Store:
    """An open price store; use it as a context manager.

    Parameters
    ----------
    path : Path
        The file.
    read_only : bool
        Whether nothing may be written. Readers and one writer work side by side.

    Raises
    ------
    StoreError
        When the file is not a store or cannot be opened.
    """

    def __init__(self, path: Path | str, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self._connection = connect(self.path, read_only=read_only)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing: a batch, its revisions and its line in the run are one change."""
        with self._errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def put_series(self, series: StoredSeries) -> None:
        """Write down what a series is."""
        self.query(
            "INSERT OR REPLACE INTO series (symbol, title, unit, kind, roll, calendar) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (series.symbol, series.title, series.unit, series.kind, series.roll, series.calendar),
        )

    def put_contract(self, contract: Contract) -> None:
        """Write down a contract with its last trading day."""
        self.query(
            "INSERT OR REPLACE INTO contracts VALUES (?, ?, ?, ?, ?)",
            (
                contract.symbol,
                contract.product,
                contract.year,
                contract.month,
                contract.last_trade.isoformat(),
            ),
        )

    def put_bars(
        self,
        symbol: str,
        bars: Sequence[Bar],
        *,
        source: str,
        seen_at: datetime,
        interval: str = "1d",
        fallback: bool = False,
    ) -> Written:
        """Store bars, and write down every value that changes.

        Parameters
        ----------
        symbol : str
            A series of the store.
        bars : sequence of Bar
            Distinct stamps.
        source : str
            Where they came from.
        seen_at : datetime
            With a time zone.
        interval : str
            ``1d`` or an intraday interval.
        fallback : bool
            Whether the source is a fallback: it then adds and settles bars but corrects none.

        Returns
        -------
        Written
        """
        stamp = self._monotone(timestamp(seen_at))
        known = self._bars_between(symbol, interval, bars)
        added, settled, kept, revisions = 0, 0, 0, list[Revision]()
        for bar in bars:
            old = known.get(bar.stamp)
            if old is None:
                self._insert(symbol, interval, bar, source, stamp)
                added += 1
            elif not old["provisional"] and (fallback or bar.provisional):
                # Neither a fallback source nor an unsettled bar may overwrite a settled value.
                kept += 1
            else:
                changed = self._update(symbol, interval, bar, old, source, stamp)
                settled += bool(old["provisional"] and changed)
                revisions += [change for change in changed if change.was_final]
        return Written(added, settled, tuple(revisions), kept)

    def series(self) -> tuple[StoredSeries, ...]:
        """Return every series, by symbol."""
        rows = self.query("SELECT symbol, title, unit, kind, roll, calendar FROM series ORDER BY 1")
        return tuple(StoredSeries(*row) for row in rows)

    def one_series(self, symbol: str) -> StoredSeries:
        """Return what is known about one series.

        Raises
        ------
        UnknownNameError
            When the store has no such series, with the nearest name.
        """
        known = {series.symbol: series for series in self.series()}
        if symbol not in known:
            msg = f"no series {symbol!r} in {self.path.name}: {did_you_mean(symbol, known)}"
            raise UnknownNameError(msg)
        return known[symbol]

    def contracts(self, product: str) -> tuple[Contract, ...]:
        """Return the stored contracts of a product, by delivery."""
        query = "SELECT product, year, month FROM contracts WHERE product = ? ORDER BY year, month"
        return tuple(Contract(*row) for row in self.query(query, (product,)))

    def read(
        self,
        symbol: str,
        *,
        interval: str = "1d",
        asof: date | datetime | str | None = None,
        provisional: bool = False,
    ) -> pd.DataFrame:
        """Read the bars of a series, as they are or as they stood at an earlier moment.

        Parameters
        ----------
        symbol : str
            A series of the store.
        interval : str
            ``1d`` or an intraday interval.
        asof : date, datetime or str, optional
            Only what had been seen by then, with the values of then; a day means its end in UTC.
        provisional : bool
            Whether to include bars whose session had not settled.

        Returns
        -------
        DataFrame
            Index ``stamp`` (text), columns open, high, low, close, volume, provisional, source,
            first_seen.

        Raises
        ------
        StoreError
            When `asof` cannot be read.
        """
        until = asof_timestamp(asof)
        columns = (*FIELDS, "provisional", "source", "first_seen")
        query = f"SELECT stamp, {', '.join(columns)} FROM bars WHERE symbol = ? AND interval = ?"  # noqa: S608  # constant names
        values = [symbol, interval]
        if until is not None:
            query, values = query + " AND first_seen <= ?", [*values, until]
        rows = {
            row[0]: dict(zip(columns, row[1:], strict=True)) for row in self.query(query, values)
        }
        if until is not None:
            newest_first = "AND seen_at > ? ORDER BY id DESC"
            for change in self._revisions(newest_first, (symbol, interval, until)):
                if change.stamp in rows:
                    rows[change.stamp][change.field] = change.old
        kept = {
            stamp: row
            for stamp, row in sorted(rows.items())
            if provisional or not row["provisional"]
        }
        frame = pd.DataFrame.from_dict(kept, orient="index", columns=list(columns))
        numbers = frame[list(FIELDS)].astype("float64")
        return frame.assign(**numbers).rename_axis("stamp")

    def revisions(
        self, symbol: str, *, interval: str = "1d", asof: date | datetime | str | None = None
    ) -> tuple[Revision, ...]:
        """Return the corrections of final values of a series, oldest first."""
        until = asof_timestamp(asof) or "9"
        oldest_first = "AND seen_at <= ? AND was_final ORDER BY id"
        return tuple(self._revisions(oldest_first, (symbol, interval, until)))

    def last_final(self, symbol: str, *, interval: str = "1d") -> str | None:
        """Return the stamp of the newest final bar."""
        query = "SELECT max(stamp) FROM bars WHERE symbol = ? AND interval = ? AND NOT provisional"
        return self.query(query, (symbol, interval))[0][0]  # type: ignore[no-any-return]  # a cell

    def check_integrity(self) -> None:
        """Raise `StoreError` when the file is damaged."""
        found = self.query("PRAGMA integrity_check")[0][0]
        if found != "ok":
            msg = f"{self.path} is damaged: {found}"
            raise StoreError(msg)

    def _revisions(self, rest: str, values: Sequence[str]) -> Iterator[Revision]:
        columns = "symbol, interval, stamp, field, old, new, seen_at, was_final"
        query = f"SELECT {columns} FROM revisions WHERE symbol = ? AND interval = ? {rest}"  # noqa: S608  # constant text
        for row in self.query(query, values):
            yield Revision(row[0], row[1], row[2], row[3], row[4], row[5], row[6], bool(row[7]))

    def _bars_between(
        self, symbol: str, interval: str, bars: Sequence[Bar]
    ) -> dict[str, dict[str, object]]:
        if not bars:
            return {}
        columns = (*FIELDS, "provisional", "source")
        stamps = [bar.stamp for bar in bars]
        query = (
            f"SELECT stamp, {', '.join(columns)} FROM bars "  # noqa: S608  # constant names
            "WHERE symbol = ? AND interval = ? AND stamp BETWEEN ? AND ?"
        )
        rows = self.query(query, (symbol, interval, min(stamps), max(stamps)))
        return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}

    def _insert(self, symbol: str, interval: str, bar: Bar, source: str, stamp: str) -> None:
        values = [getattr(bar, name) for name in FIELDS]
        self.query(
            "INSERT INTO bars VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (symbol, interval, bar.stamp, *values, int(bar.provisional), source, stamp),
        )

    def _update(
        self,
        symbol: str,
        interval: str,
        bar: Bar,
        old: dict[str, object],
        source: str,
        stamp: str,
    ) -> list[Revision]:
        new: dict[str, object] = {name: getattr(bar, name) for name in FIELDS}
        new |= {"provisional": int(bar.provisional), "source": source}
        final = not old["provisional"]
        # A value that a source no longer gives is kept: absence corrects nothing.
        changed = [name for name in new if new[name] is not None and new[name] != old[name]]
        for name in changed:
            self.query(
                "INSERT INTO revisions "
                "(symbol, interval, stamp, field, old, new, seen_at, was_final) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (symbol, interval, bar.stamp, name, old[name], new[name], stamp, int(final)),
            )
            self.query(
                f"UPDATE bars SET {name} = ? WHERE symbol = ? AND interval = ? AND stamp = ?",  # noqa: S608  # a constant name
                (new[name], symbol, interval, bar.stamp),
            )
        return [
            Revision(symbol, interval, bar.stamp, name, old[name], new[name], stamp, final)  # type: ignore[arg-type]  # a cell
            for name in changed
        ]

    def _monotone(self, stamp: str) -> str:
        """Keep time from running backwards when the clock of the machine does."""
        query = (
            "SELECT max(coalesce((SELECT seen_at FROM revisions ORDER BY id DESC LIMIT 1), ''), "
            "coalesce((SELECT max(first_seen) FROM bars), ''))"
        )
        latest = self.query(query)[0][0]
        return max(stamp, str(latest))

    def query(self, query: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with self._errors():
            return self._connection.execute(query, tuple(values)).fetchall()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            msg = f"price store {self.path}: {error}; nothing of this change was kept"
            raise StoreError(msg) from error
