"""``eventstudy schedule``: timers, a foreground scheduler, and a health check for monitors."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eventstudy.cli.options import instruments_option, json_option, now, store_option, store_path
from eventstudy.cli.output import echo, print_json
from eventstudy.cli.refresh import catalogue_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from eventstudy.prices.refresh import RefreshReport

_KINDS = ("systemd", "cron", "github-actions")


def _kind_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for kind in reversed(_KINDS):
        command = click.option(f"--{kind}", "kind", flag_value=kind, help=f"A {kind} timer.")(
            command
        )
    return store_option(command)


@click.group()
def schedule() -> None:
    """Write, install or run the daily refresh, 17:30 New York on weekdays, with catch-up."""


@schedule.command()
@_kind_options
def show(kind: Any, store: str | None) -> None:  # noqa: ANN401  # checked by click
    """Print the files of a timer."""
    from eventstudy.prices.schedule import timer_files

    for name, text in timer_files(kind or "systemd", _command(store)).items():
        echo(f"# {name}\n{text}")


@schedule.command()
@_kind_options
@click.option("--folder", type=click.Path(), help="Write here instead of the usual place.")
def install(kind: Any, store: str | None, folder: str | None) -> None:  # noqa: ANN401  # checked by click
    """Write the files of a timer to where they belong."""
    from eventstudy.prices.schedule import install_crontab, install_files

    if kind is None:
        msg = f"name one of {', '.join('--' + name for name in _KINDS)}"
        raise click.UsageError(msg)
    if kind == "cron":
        install_crontab(_command(store))
        echo("wrote the crontab of this user")
        return
    for path in install_files(kind, _command(store), folder=Path(folder) if folder else None):
        echo(f"wrote {path}")
    if kind == "systemd":
        echo("next: systemctl --user daemon-reload")
        echo("      systemctl --user enable --now eventstudy-refresh.timer")


@schedule.command()
@store_option
@click.option("--symbol", default="", help="Only this series; otherwise runs without a failure.")
@click.option("--tolerance", default=6.0, show_default=True, help="Hours after publication.")
@json_option
def health(store: str | None, symbol: str, tolerance: float, *, as_json: bool) -> int:
    """Exit 0 when the last good refresh is as new as the calendar allows, else 3."""
    from dataclasses import asdict

    from eventstudy.prices.schedule import health as measure
    from eventstudy.prices.store import Store

    with Store(store_path(store), read_only=True) as opened:
        found = measure(opened, now=now(), symbol=symbol, tolerance=timedelta(hours=tolerance))
    if as_json:
        print_json(asdict(found))
    else:
        echo(f"{'good' if found.good else 'late'}: {found.reason}")
    return 0 if found.good else 3


@schedule.command()
@store_option
@instruments_option
@click.option("--json", "as_json", is_flag=True, help="Log as JSON lines.")
def run(store: str | None, instruments: str | None, *, as_json: bool) -> None:
    """Refresh in the foreground: once now where a session was missed, then every weekday.

    Needs the optional extra oil-eventstudy[schedule]. Stops on SIGTERM or Ctrl-C.
    """
    from eventstudy.prices.schedule import keep_fresh

    path = store_path(store)

    def log(event: str, **facts: object) -> None:
        if as_json:
            line = json.dumps({"time": now().isoformat(), "event": event} | facts)
        else:
            pairs = " ".join(f"{key}={value}" for key, value in facts.items())
            line = f"{now():%Y-%m-%dT%H:%M:%S%z} {event} {pairs}".rstrip()
        echo(line)
        sys.stdout.flush()

    keep_fresh(path, lambda: _once(path, instruments), clock=now, log=log)


def _once(path: Path, instruments: str | None) -> RefreshReport:
    from eventstudy.prices.refresh import Environment, RefreshOptions, refresh

    return refresh(
        path, catalogue_of(path, instruments), RefreshOptions(wait=60), env=Environment(clock=now)
    )


def _command(store: str | None) -> list[str]:
    path = store_path(store).resolve()
    return [sys.executable, "-m", "eventstudy", "refresh", "--quiet", "--store", str(path)]
