"""Options that several commands share, each declared once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
quiet = click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
asof = click.option("--asof", help="Use only what was known on this day (2026-01-31).")
store = click.option(
    "--store",
    help="The price store, where prices come from one "
    "[EVENTSTUDY_STORE, else data/prices.sqlite, else the data folder].",
)
events = click.option("--events", help="Study the events of this file instead.")


def study(command: F) -> F:
    """Declare the study file of a command, and what of its prices may be used."""
    for option in (store, asof, click.argument("study", required=False)):
        command = option(command)
    return command
