"""The tables of a price store, and the steps from each older version to the newest."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from eventstudy.errors import StoreError

APPLICATION_ID: Final = 0x45565354  # "EVST", so that another program's database is recognised

# One script per version; a store of version n is brought up by the scripts after the n-th.
MIGRATIONS: Final = (
    """
    CREATE TABLE series (
        symbol TEXT PRIMARY KEY, title TEXT NOT NULL, unit TEXT NOT NULL, kind TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE bars (
        symbol TEXT NOT NULL, interval TEXT NOT NULL, stamp TEXT NOT NULL,
        open REAL, high REAL, low REAL, close REAL NOT NULL, volume REAL,
        provisional INTEGER NOT NULL, source TEXT NOT NULL, first_seen TEXT NOT NULL,
        PRIMARY KEY (symbol, interval, stamp)
    ) WITHOUT ROWID;
    CREATE TABLE revisions (
        id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, interval TEXT NOT NULL, stamp TEXT NOT NULL,
        field TEXT NOT NULL, old, new, seen_at TEXT NOT NULL, was_final INTEGER NOT NULL
    );
    CREATE INDEX revisions_of ON revisions (symbol, interval, seen_at);
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, started TEXT NOT NULL, finished TEXT, exit_code INTEGER
    );
    """,
    """
    CREATE TABLE contracts (
        symbol TEXT PRIMARY KEY, product TEXT NOT NULL, year INTEGER NOT NULL,
        month INTEGER NOT NULL, last_trade TEXT NOT NULL
    ) WITHOUT ROWID;
    ALTER TABLE series ADD COLUMN roll TEXT;
    ALTER TABLE series ADD COLUMN calendar TEXT NOT NULL DEFAULT 'file';
    """,
    """
    CREATE TABLE run_items (
        run INTEGER NOT NULL, symbol TEXT NOT NULL, interval TEXT NOT NULL, state TEXT NOT NULL,
        source TEXT NOT NULL, added INTEGER NOT NULL, revised INTEGER NOT NULL,
        detail TEXT NOT NULL, seen_at TEXT NOT NULL, PRIMARY KEY (run, symbol, interval)
    ) WITHOUT ROWID;
    """,
)
SCHEMA_VERSION: Final = len(MIGRATIONS)


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open a store, creating it or bringing it up to the newest version where it may be written.

    Raises
    ------
    StoreError
        When there is no file to read, or the file is not a store, is damaged, was written by a
        newer version, or cannot be opened.
    """
    if read_only and not path.exists():
        msg = f"there is no price store {path}: run 'eventstudy refresh' or name one with --store"
        raise StoreError(msg)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        msg = f"price store {path} cannot be opened: {error}"
        raise StoreError(msg) from error
    try:
        _prepare(connection, path, read_only=read_only)
    except sqlite3.DatabaseError as error:
        connection.close()
        msg = f"{path} is not a price store, or cannot be read: {error}"
        raise StoreError(msg) from error
    except StoreError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    version = _pragma(connection, "user_version")
    if _pragma(connection, "application_id") != APPLICATION_ID:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables or version:
            msg = f"{path} is a database of another program: name another file with --store"
            raise StoreError(msg)
    if version > SCHEMA_VERSION:
        msg = f"{path} has schema {version}, this version knows {SCHEMA_VERSION}: update eventstudy"
        raise StoreError(msg)
    connection.execute("PRAGMA journal_mode = WAL")
    # A commit must survive a power cut, not only the death of the process.
    connection.execute("PRAGMA synchronous = FULL")
    if version < SCHEMA_VERSION:
        _migrate(connection)
    if read_only:
        connection.execute("PRAGMA query_only = ON")


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up in one transaction; two processes may arrive here at once."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for script in MIGRATIONS[_pragma(connection, "user_version") :]:
            for statement in filter(str.strip, script.split(";")):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
