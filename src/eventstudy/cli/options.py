"""Options that several commands share, and what they stand for."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
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
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")


class _Seconds(click.ParamType[float]):
    """A number of seconds: not negative, not infinite, at most a day."""

    name = "seconds"
    _most = 86_400.0

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            seconds = float(str(value))
        except ValueError:
            self.fail(f"{str(value)[:40]!r} is not a number of seconds", param, ctx)
        if not 0 <= seconds <= self._most:  # refuses nan too
            self.fail(f"{seconds:g} is not between 0 and {self._most:.0f} seconds", param, ctx)
        return seconds


SECONDS = _Seconds()


def day_of(text: str | None, option: str) -> date | None:
    """Read an ISO day given on the command line."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        msg = f"{option} {text!r} is not a day such as 2026-01-31"
        raise click.UsageError(msg) from None


def store_path(store: str | None) -> Path:
    """Return the store that was named, or the default one."""
    from eventstudy.prices.store import default_store

    if store == "":
        msg = "--store is empty: name the file of the store"
        raise click.UsageError(msg)
    return Path(store) if store else default_store()


def now() -> datetime:
    """Return the present moment, or the one that goes with replaced sources."""
    fixed = os.environ.get(_NOW) if os.environ.get(_BASE) else None
    return datetime.fromisoformat(fixed) if fixed else datetime.now(UTC)
