"""The log of refresh runs in the store, and the lock that keeps two of them apart."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from eventstudy.errors import StoreError
from eventstudy.prices.records import timestamp
from eventstudy.prices.store import Store

ItemState = Literal["done", "fallback", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class RunItem:
    """What a run did to one series.

    Parameters
    ----------
    symbol, interval : str
        The series.
    state : {"done", "fallback", "failed", "stopped"}
        `stopped` when batch validation refused what arrived.
    source : str
        The source whose values were stored; empty when none.
    added, revised : int
        New bars and corrected values.
    detail : str
        One line: what failed, fell back or was left out.
    """

    symbol: str
    interval: str
    state: ItemState
    source: str
    added: int
    revised: int
    detail: str

    @property
    def good(self) -> bool:
        """Whether values arrived and were accepted."""
        return self.state in ("done", "fallback")


@dataclass(frozen=True, slots=True)
class Run:
    """One refresh run.

    Parameters
    ----------
    number : int
        Its number in the store.
    started : str
        UTC instant.
    finished : str or None
        UTC instant; None for a run that was cut off.
    exit_code : int or None
        0, 3 or 4.
    """

    number: int
    started: str
    finished: str | None
    exit_code: int | None


def start_run(store: Store, *, now: datetime) -> int:
    """Open a run and return its number."""
    with store.transaction():
        store.query("INSERT INTO runs (started) VALUES (?)", (timestamp(now),))
        return int(store.query("SELECT last_insert_rowid()")[0][0])


def record_item(store: Store, run: int, item: RunItem, *, now: datetime) -> None:
    """Write what a run did to one series; call it inside the transaction that stored its bars."""
    store.query(
        "INSERT OR REPLACE INTO run_items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run,
            item.symbol,
            item.interval,
            item.state,
            item.source,
            item.added,
            item.revised,
            item.detail,
            timestamp(now),
        ),
    )


def record_acceptance(
    store: Store,
    symbol: str,
    interval: str,
    source: str,
    faults: Sequence[str],
    *,
    reason: str,
    now: datetime,
) -> None:
    """Write down that a batch was stored although validation would have stopped it, and why."""
    store.query(
        "INSERT INTO acceptances (seen_at, symbol, interval, source, faults, reason) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (timestamp(now), symbol, interval, source, "; ".join(faults), reason),
    )


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A batch that was stored although validation would have stopped it.

    Parameters
    ----------
    seen_at : str
        UTC instant.
    symbol, interval, source : str
        The batch.
    faults : str
        What validation found.
    reason : str
        The words of the user who accepted it.
    """

    seen_at: str
    symbol: str
    interval: str
    source: str
    faults: str
    reason: str


def acceptances(store: Store) -> tuple[Acceptance, ...]:
    """Return every accepted batch, newest first."""
    query = (
        "SELECT seen_at, symbol, interval, source, faults, reason FROM acceptances ORDER BY id DESC"
    )
    return tuple(Acceptance(*row) for row in store.query(query))


def finish_run(store: Store, run: int, *, exit_code: int, now: datetime) -> None:
    """Close a run."""
    with store.transaction():
        store.query(
            "UPDATE runs SET finished = ?, exit_code = ? WHERE id = ?",
            (timestamp(now), exit_code, run),
        )


def runs(store: Store, *, limit: int = 20) -> tuple[Run, ...]:
    """Return the newest runs, newest first."""
    query = "SELECT id, started, finished, exit_code FROM runs ORDER BY id DESC LIMIT ?"
    return tuple(Run(*row) for row in store.query(query, (limit,)))


def last_good_item(store: Store, symbol: str, *, interval: str = "1d") -> str | None:
    """Return the UTC instant at which values of a series last arrived and were accepted."""
    query = (
        "SELECT max(seen_at) FROM run_items "
        "WHERE symbol = ? AND interval = ? AND state IN ('done', 'fallback')"
    )
    return store.query(query, (symbol, interval))[0][0]  # type: ignore[no-any-return]  # a cell


def last_good_run(store: Store) -> str | None:
    """Return the UTC instant of the last run in which nothing failed."""
    query = "SELECT max(started) FROM runs WHERE exit_code = 0"
    return store.query(query)[0][0]  # type: ignore[no-any-return]  # a cell


@contextmanager
def refresh_lock(path: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the only right to refresh the store at `path`.

    The lock is a transaction on a small SQLite file beside the store, so the system gives it back
    when the process dies, whatever it dies of.

    Parameters
    ----------
    path : Path
        The store.
    wait : float
        Seconds to wait for another run to end.

    Raises
    ------
    StoreError
        When another run holds the lock, or none can be made there.
    """
    try:
        path = path.resolve()  # every name of a store has the same lock
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(path.with_name(path.name + ".lock"), timeout=0, isolation_level=None)
    except (OSError, RuntimeError, sqlite3.Error) as error:  # RuntimeError: links in a circle
        msg = f"no lock can be made beside {path}: {error}"
        raise StoreError(msg) from error
    try:
        _acquire(lock, path, time.monotonic() + wait)
        yield
    finally:
        lock.close()


def _acquire(lock: sqlite3.Connection, path: Path, deadline: float) -> None:
    while True:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                msg = f"no lock can be taken beside {path}: {error}"
                raise StoreError(msg) from error
            if time.monotonic() >= deadline:
                msg = f"another refresh of {path} is running: wait for it, or use --wait SECONDS"
                raise StoreError(msg) from error
            time.sleep(0.1)
        else:
            return
