"""The price store: one SQLite file that keeps every value and every correction of it.

Sources rewrite history, so a value that changes is written down with its old and new value and the
moment the change was seen. Any series can be read as it stood at an earlier moment.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
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
# Clocks differ; one that is a week behind the store, or ahead of its sources, is wrong.
_CLOCK_SLACK: Final = timedelta(days=7)
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_STAMPED: Final = (
    ("bars", "first_seen"),
    ("revisions", "seen_at"),
    ("runs", "started"),
    ("runs", "finished"),
    ("run_items", "seen_at"),
    ("acceptances", "seen_at"),
)
# The value that a cell had at a moment: what the first later change replaced, else what it is.
_AS_OF: Final = (
    "CASE WHEN EXISTS (SELECT 1 FROM revisions AS r WHERE r.symbol = bars.symbol "
    "AND r.interval = bars.interval AND r.stamp = bars.stamp AND r.field = '{name}' "
    "AND r.seen_at > ?1) "
    "THEN (SELECT old FROM revisions AS r WHERE r.symbol = bars.symbol "
    "AND r.interval = bars.interval AND r.stamp = bars.stamp AND r.field = '{name}' "
    "AND r.seen_at > ?1 ORDER BY r.seen_at, r.id LIMIT 1) ELSE {name} END"
)


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

    def backup(self, target: Path) -> None:
        """Copy the store as it is at this moment to a new file, while others may write.

        Raises
        ------
        StoreError
            When the file is there already or cannot be written.
        """
        partial = None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            os.close(handle)
            partial = Path(name)
            with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
                self._connection.backup(copy)
                # One file, that can also be read where nothing may be written beside it.
                copy.execute("PRAGMA journal_mode = DELETE")
                _check_integrity(copy, target)
            os.link(partial, target)  # refuses where a file is, unlike a replacement
        except FileExistsError:
            msg = f"{target} exists: choose another name"
            raise StoreError(msg) from None
        except (OSError, sqlite3.Error) as error:
            if isinstance(error, StoreError):
                raise
            msg = f"{target} cannot be written: {getattr(error, 'strerror', None) or error}"
            raise StoreError(msg) from error
        finally:
            if partial is not None:
                partial.unlink(missing_ok=True)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing: a batch, its revisions and its line in the run are one change."""
        with self._errors(changing=True):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    with suppress(sqlite3.Error):  # a damaged file, whose error is raised below
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
        stamp = self._monotone(seen_at)
        known = self._bars_between(symbol, interval, bars)
        new = [bar for bar in bars if bar.stamp not in known]
        settled, kept, changes = 0, 0, list[Revision]()
        touched: list[Bar] = []
        for bar in (bar for bar in bars if bar.stamp in known):
            old = known[bar.stamp]
            if not old["provisional"] and (fallback or bar.provisional):
                # Neither a fallback source nor an unsettled bar may overwrite a settled value.
                kept += 1
                continue
            found = _changes(symbol, interval, bar, old, source, stamp)
            if found:
                touched.append(bar)
                settled += bool(old["provisional"])
                changes += found
        self._insert(symbol, interval, new, source, stamp)
        self._revise(symbol, interval, touched, changes, source)
        revisions = tuple(change for change in changes if change.was_final)
        return Written(len(new), settled, revisions, kept)

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
        columns = {name: name for name in (*FIELDS, "provisional", "source", "first_seen")}
        if until is not None and until < self.latest_stamp():
            for name in (*FIELDS, "provisional", "source"):
                columns[name] = _AS_OF.format(name=name)
        query = (
            f"SELECT stamp, {', '.join(columns.values())} FROM bars "  # noqa: S608  # constant names
            "WHERE symbol = ?2 AND interval = ?3 AND first_seen <= ?1 ORDER BY stamp"
        )
        rows = self.query(query, (until or "9", symbol, interval))
        place = 1 + list(columns).index("provisional")
        kept = rows if provisional else [row for row in rows if not row[place]]
        return self._frame(kept, list(columns))

    def closes(self, symbol: str, *, interval: str = "1d") -> dict[str, float]:
        """Return the final closes of a series by stamp, without the rest of their bars."""
        query = (
            "SELECT stamp, close FROM bars WHERE symbol = ? AND interval = ? AND NOT provisional "
            "ORDER BY stamp"
        )
        return dict(self.query(query, (symbol, interval)))

    def _frame(self, rows: Sequence[tuple[Any, ...]], columns: Sequence[str]) -> pd.DataFrame:
        cells = list(zip(*rows, strict=True)) or [()] * (1 + len(columns))
        index = pd.Index(np.array(cells[0], dtype=object), name="stamp", dtype=object)
        try:
            data = {
                name: np.array(cell, dtype=float if name in FIELDS else object)
                for name, cell in zip(columns, cells[1:], strict=True)
            }
        except (TypeError, ValueError) as error:
            msg = f"price store {self.path} is damaged: a price is not a number"
            raise StoreError(msg) from error
        return pd.DataFrame(data, index=index).astype({"source": str, "first_seen": str})

    def revisions(
        self, symbol: str, *, interval: str = "1d", asof: date | datetime | str | None = None
    ) -> tuple[Revision, ...]:
        """Return the corrections of final values of a series, oldest first."""
        until = asof_timestamp(asof) or "9"
        oldest_first = "AND seen_at <= ? AND was_final ORDER BY id"
        return tuple(self._revisions(oldest_first, (symbol, interval, until)))

    def last_final(
        self, symbol: str, *, interval: str = "1d", until: date | None = None
    ) -> str | None:
        """Return the stamp of the newest final bar, of those up to a day where one is given."""
        limit = "9" if until is None else f"{until.isoformat()}T99"
        query = (
            "SELECT max(stamp) FROM bars "
            "WHERE symbol = ? AND interval = ? AND NOT provisional AND stamp < ?"
        )
        return self.query(query, (symbol, interval, limit))[0][0]  # type: ignore[no-any-return]  # a cell

    def newest_final(self, until: date) -> str | None:
        """Return the newest final daily session of all series, of those up to a day."""
        found = [self.last_final(series.symbol, until=until) for series in self.series()]
        return max((stamp for stamp in found if stamp), default=None)

    def latest_stamp(self) -> str:
        """Return the newest moment at which anything was seen; empty in an empty store."""
        found = self.query("SELECT stamp FROM latest_stamp")
        return str(found[0][0]) if found else ""

    def stamps_after(self, moment: datetime) -> list[str]:
        """Return every stamp after a moment, in order."""
        found: set[str] = set()
        for table, column in _STAMPED:
            query = f"SELECT DISTINCT {column} FROM {table} WHERE {column} > ?"  # noqa: S608  # constant names
            found.update(stamp for (stamp,) in self.query(query, (timestamp(moment),)))
        return sorted(found)

    def repair_stamps(self, *, now: datetime, after: datetime | None = None) -> dict[str, str]:
        """Move stamps of a clock that ran ahead to the present, in their order.

        What was seen under a wrong stamp had certainly been seen by now; an earlier moment would
        claim knowledge that nobody may have had. Old and new stamps are written down.

        Parameters
        ----------
        now : datetime
            The present moment.
        after : datetime, optional
            Stamps after this moment are wrong; after `now` where it is not given.

        Returns
        -------
        dict of str to str
            New stamps by old ones.
        """
        with self.transaction():
            wrong = self.stamps_after(after or now)
            start = now - timedelta(microseconds=len(wrong))
            new = {old: timestamp(start + timedelta(microseconds=n)) for n, old in enumerate(wrong)}
            for old, stamp in new.items():
                for table, column in _STAMPED:
                    self.query(
                        f"UPDATE {table} SET {column} = ? WHERE {column} = ?",  # noqa: S608  # constant names
                        (stamp, old),
                    )
                self.query(
                    "INSERT INTO stamp_repairs (repaired_at, old, new) VALUES (?, ?, ?)",
                    (timestamp(now), old, stamp),
                )
            self.query(
                "UPDATE latest_stamp SET stamp = max("
                "coalesce((SELECT max(seen_at) FROM revisions), ''), "
                "coalesce((SELECT max(first_seen) FROM bars), ''))"
            )
        return new

    def check_integrity(self) -> None:
        """Raise `StoreError` when the file is damaged."""
        with self._errors():
            _check_integrity(self._connection, self.path)

    def _revisions(self, rest: str, values: Sequence[str]) -> Iterator[Revision]:
        columns = "symbol, interval, stamp, field, old, new, seen_at, was_final"
        query = f"SELECT {columns} FROM revisions WHERE symbol = ? AND interval = ? {rest}"  # noqa: S608  # constant text
        for row in self.query(query, values):
            yield Revision(row[0], row[1], row[2], row[3], row[4], row[5], row[6], bool(row[7]))

    def _bars_between(
        self, symbol: str, interval: str, bars: Sequence[Bar]
    ) -> dict[str, dict[str, Any]]:
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

    def _insert(
        self, symbol: str, interval: str, bars: Sequence[Bar], source: str, stamp: str
    ) -> None:
        rows = [
            (symbol, interval, bar.stamp, *_values(bar), int(bar.provisional), source, stamp)
            for bar in bars
        ]
        self._many("INSERT INTO bars VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _revise(
        self,
        symbol: str,
        interval: str,
        bars: Sequence[Bar],
        changes: Sequence[Revision],
        source: str,
    ) -> None:
        """Write changes down and make them; a value that a source no longer gives is kept."""
        query = (
            "INSERT INTO revisions (symbol, interval, stamp, field, old, new, seen_at, was_final) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        rows = [
            (symbol, interval, c.stamp, c.field, c.old, c.new, c.seen_at, int(c.was_final))
            for c in changes
        ]
        self._many(query, rows)
        sets = ", ".join(f"{name} = coalesce(?, {name})" for name in FIELDS)
        query = (
            f"UPDATE bars SET {sets}, provisional = ?, source = ? "  # noqa: S608  # constant names
            "WHERE symbol = ? AND interval = ? AND stamp = ?"
        )
        updates = [
            (*_values(bar), int(bar.provisional), source, symbol, interval, bar.stamp)
            for bar in bars
        ]
        self._many(query, updates)

    def _many(self, query: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self._errors():
            self._connection.executemany(query, rows)

    def _monotone(self, seen_at: datetime) -> str:
        """Keep time from running backwards when the clock of the machine does."""
        latest = self.latest_stamp()
        if latest > timestamp(seen_at + _CLOCK_SLACK):
            msg = (
                f"price store {self.path} holds stamps up to {latest}, but the clock says "
                f"{timestamp(seen_at)}: set the clock, or run 'eventstudy prices repair-stamps'"
            )
            raise StoreError(msg)
        stamp = max(timestamp(seen_at), latest)
        self.query("INSERT OR REPLACE INTO latest_stamp VALUES (1, ?)", (stamp,))
        return stamp

    def query(self, query: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with self._errors():
            return self._connection.execute(query, tuple(values)).fetchall()

    @contextmanager
    def _errors(self, *, changing: bool = False) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            changing = changing or self._connection.in_transaction
            changed = "; nothing of this change was kept" if changing else ""
            damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
            remedy = ": the file is damaged, restore a backup of it" if damaged else changed
            msg = f"price store {self.path}: {error}{remedy}"
            raise StoreError(msg) from error


def _values(bar: Bar) -> list[float | None]:
    return [getattr(bar, name) for name in FIELDS]


def _changes(
    symbol: str, interval: str, bar: Bar, old: dict[str, Any], source: str, stamp: str
) -> list[Revision]:
    """Return what a bar changes; absence corrects nothing."""
    new: dict[str, Any] = dict(zip(FIELDS, _values(bar), strict=True))
    new |= {"provisional": int(bar.provisional), "source": source}
    final = not old["provisional"]
    return [
        Revision(symbol, interval, bar.stamp, name, old[name], value, stamp, final)
        for name, value in new.items()
        if value is not None and value != old[name]
    ]


def _check_integrity(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        msg = f"{path} is damaged: {' '.join(str(found).split())}; restore a backup of it"
        raise StoreError(msg)
