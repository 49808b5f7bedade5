"""The tables of a price store, and the steps from each older version to the newest."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Final

from eventstudy.errors import StoreError

_PATIENCE: Final = 30.0  # seconds to wait for another process that writes
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
    """
    CREATE TABLE acceptances (
        id INTEGER PRIMARY KEY, seen_at TEXT NOT NULL, symbol TEXT NOT NULL,
        interval TEXT NOT NULL, source TEXT NOT NULL, faults TEXT NOT NULL, reason TEXT NOT NULL
    );
    CREATE TABLE stamp_repairs (
        id INTEGER PRIMARY KEY, repaired_at TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL
    );
    CREATE TABLE latest_stamp (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1), stamp TEXT NOT NULL
    );
    INSERT INTO latest_stamp SELECT 1, max(
        coalesce((SELECT max(seen_at) FROM revisions), ''),
        coalesce((SELECT max(first_seen) FROM bars), ''));
    DROP INDEX revisions_of;
    CREATE INDEX revisions_by_bar ON revisions (symbol, interval, stamp, field, seen_at);
    CREATE INDEX run_items_of ON run_items (symbol, interval, state, seen_at);
    """,
)
SCHEMA_VERSION: Final = len(MIGRATIONS)


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open a store, creating it or bringing it up to the newest version where it may be written.

    A store that may only be read, such as one on a medium without write access, is read where it
    is; where a log of unfinished work lies beside it, or its version is older, a copy in memory is.

    Raises
    ------
    StoreError
        When there is no file to read, or the file is not a store, is damaged, was written by a
        newer version, or cannot be opened.
    """
    _check_path(path, read_only=read_only)
    try:
        if read_only:
            return _reader(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        return _writer(path)
    except sqlite3.OperationalError as error:
        msg = f"price store {path} cannot be opened: {error}"
        raise StoreError(msg) from error
    except (sqlite3.DatabaseError, UnicodeError) as error:
        msg = f"{path} is not a price store, or is damaged: {error}"
        raise StoreError(msg) from error
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        msg = f"price store {path} cannot be opened: {error.strerror or error}"
        raise StoreError(msg) from error


def _check_path(path: Path, *, read_only: bool) -> None:
    """Refuse what SQLite would take for something else than a file, and what is no file."""
    if str(path).startswith(("file:", ":memory:")) or path.name == ":memory:":
        msg = f"{path} is not a file: name the file of the store"
        raise StoreError(msg)
    if "\0" in str(path):
        msg = f"price store {str(path)[:80]!r} cannot be opened: no file can have this name"
        raise StoreError(msg)
    try:
        found, regular = path.exists(), path.is_file()
    except (OSError, ValueError) as error:
        msg = f"price store {str(path)[:80]!r} cannot be opened: {error}"
        raise StoreError(msg) from error
    if found and not regular:
        msg = f"price store {path} cannot be opened: it is not a file"
        raise StoreError(msg)
    if read_only and not found:
        msg = f"there is no price store {path}: run 'eventstudy refresh' or name one with --store"
        raise StoreError(msg)


def _writer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
    try:
        version = _version(connection, path)
        _switch_to_wal(connection)
        # A commit must survive a power cut, not only the death of the process.
        connection.execute("PRAGMA synchronous = FULL")
        if version < SCHEMA_VERSION:
            _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _reader(path: Path) -> sqlite3.Connection:
    uri = path.resolve().as_uri()
    log = path.resolve().with_name(path.resolve().name + "-wal")
    try:
        connection = _open_uri(f"{uri}?mode=ro")
    except sqlite3.OperationalError:
        # Without permission to make files beside it, a store in WAL mode opens only as immutable.
        if log.exists() and log.stat().st_size:
            return _in_memory(path)
        connection = _open_uri(f"{uri}?immutable=1")
    try:
        version = _version(connection, path)
        if version < SCHEMA_VERSION:
            connection.close()
            return _brought_up(path)
        connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _open_uri(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _brought_up(path: Path) -> sqlite3.Connection:
    """Bring an older store up where it is, or a copy of it where it may not be written."""
    try:
        _writer(path).close()
    except sqlite3.OperationalError:
        return _in_memory(path)
    connection = _open_uri(f"{path.resolve().as_uri()}?mode=ro")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _in_memory(path: Path) -> sqlite3.Connection:
    """Read a store, its log included, into memory from a copy in a folder of our own."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with tempfile.TemporaryDirectory(prefix="eventstudy-store-") as folder:
        copy = Path(folder) / "copy.sqlite"
        shutil.copyfile(path.resolve(), copy)
        log = path.resolve().with_name(path.resolve().name + "-wal")
        if log.exists():
            shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
        source = sqlite3.connect(copy, isolation_level=None)
        try:
            if _version(source, path) < SCHEMA_VERSION:
                _migrate(source)
            source.backup(connection)
        finally:
            source.close()
    connection.execute("PRAGMA query_only = ON")
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of a store; 0 for an empty file."""
    # One view of the file: another process may be making the tables at this moment.
    connection.execute("BEGIN")
    try:
        version = _pragma(connection, "user_version")
        known = _pragma(connection, "application_id") == APPLICATION_ID
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    finally:
        connection.execute("ROLLBACK")
    if not known and (tables or version):
        msg = f"{path} is a database of another program: name another file with --store"
        raise StoreError(msg)
    if version > SCHEMA_VERSION:
        msg = f"{path} has schema {version}, this version knows {SCHEMA_VERSION}: update eventstudy"
        raise StoreError(msg)
    return version


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to a write-ahead log; SQLite does not wait for others here, so we do."""
    deadline = time.monotonic() + _PATIENCE
    while _pragma_text(connection, "journal_mode") != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


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


def _pragma_text(connection: sqlite3.Connection, name: str) -> str:
    return str(connection.execute(f"PRAGMA {name}").fetchone()[0])
