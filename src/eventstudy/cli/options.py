"""Options that several commands share, and what they stand for."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

# A server that replaces the sources in tests, on this machine only, may set the day.
_NOW, _BASE = "EVENTSTUDY_NOW", "EVENTSTUDY_YAHOO_BASE"

store_option = click.option(
    "--store", help="Store file [EVENTSTUDY_STORE, else data/prices.sqlite, else the data folder]."
)
asof_option = click.option("--asof", help="As it stood on this day, or at this moment with a zone.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
instruments_option = click.option(
    "--instruments", help="A file with more instruments [EVENTSTUDY_INSTRUMENTS]."
)


def store_path(store: str | None) -> Path:
    """Return the store that was named, or the default one."""
    from eventstudy.prices.store import default_store

    return Path(store) if store else default_store()


def now() -> datetime:
    """Return the present moment, or the one that goes with replaced sources."""
    fixed = os.environ.get(_NOW) if os.environ.get(_BASE) else None
    return datetime.fromisoformat(fixed) if fixed else datetime.now(UTC)
