"""``eventstudy refresh``."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eventstudy.cli.options import (
    SECONDS,
    day_of,
    instruments_option,
    json_option,
    now,
    store_option,
    store_path,
)
from eventstudy.cli.output import echo, note, print_json, print_rows, print_table, progress_display

if TYPE_CHECKING:
    from collections.abc import Callable

    from eventstudy.prices.instruments import Catalogue
    from eventstudy.prices.records import Revision
    from eventstudy.prices.refresh import Job, RefreshOptions, RefreshReport
    from eventstudy.prices.runs import RunItem

INSTRUMENTS = "EVENTSTUDY_INSTRUMENTS"
EXIT_INTERRUPTED = 130


def catalogue_of(store: Path, instruments: str | None) -> Catalogue:
    """Return the bundled instruments with those of the user's file on top."""
    from eventstudy.prices.instruments import load_catalogue

    named = instruments or os.environ.get(INSTRUMENTS)
    beside = store.with_name("instruments.toml")
    extra = Path(named) if named else beside if beside.exists() else None
    return load_catalogue(extra)


def _number(
    name: str, kind: click.ParamType[Any], default: float, text: str
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    return click.option(name, type=kind, default=default, show_default=True, help=text)


@click.command()
@click.argument("symbols", nargs=-1)
@click.option("--symbols", "listed", help="The same as arguments, separated by commas.")
@store_option
@instruments_option
@click.option("--since", help="Ask from this day on (2026-01-31).")
@click.option("--full", is_flag=True, help="Ask for everything the sources have.")
@click.option(
    "--intraday", type=click.Choice(["1h", "5m", "1m"]), help="Keep these bars of front months too."
)
@click.option("--dry-run", is_flag=True, help="Show what would be asked for; ask nothing.")
@click.option("--accept", multiple=True, help="Store SYMBOL although validation would stop it.")
@click.option("--reason", default="", help="Why, recorded with what --accept stores.")
@_number("--wait", SECONDS, 0.0, "Seconds to wait for another run.")
@_number("--timeout", SECONDS, 20.0, "Seconds for a whole answer.")
@_number("--attempts", click.IntRange(1, 100), 4, "How often to ask a busy source.")
@_number("--pause", SECONDS, 1.0, "Seconds before asking again.")
@json_option
@click.option("--quiet", is_flag=True, help="No progress.")
def refresh(
    symbols: tuple[str, ...],
    listed: str | None,
    store: str | None,
    instruments: str | None,
    since: str | None,
    attempts: int,
    pause: float,
    *,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    **given: Any,  # noqa: ANN401  # options of the same name, checked by click
) -> int:
    """Bring the price store up to date: all instruments, or SYMBOLS.

    Catches up what is missing since the last good run. Exit code 0: all done; 3: a source failed,
    what did arrive is kept and what failed is named; 4: validation stopped a batch.
    """
    from eventstudy.prices.refresh import RefreshOptions
    from eventstudy.prices.sources import RetryPolicy

    path = store_path(store)
    more = tuple(filter(None, (listed or "").split(",")))
    options = RefreshOptions(
        symbols=(*symbols, *more),
        since=day_of(since or None, "--since"),
        retry=RetryPolicy(attempts, pause),
        **given,
    )
    catalogue = catalogue_of(path, instruments)
    if dry_run:
        _show_plan(path, catalogue, options, as_json=as_json)
        return 0
    try:
        report = _refresh(path, catalogue, options, quiet=quiet or as_json)
    except KeyboardInterrupt:
        note("interrupted: the series that had arrived are stored, the next run catches up")
        return EXIT_INTERRUPTED
    _show_report(report, as_json=as_json)
    return report.exit_code


def _refresh(
    path: Path, catalogue: Catalogue, options: RefreshOptions, *, quiet: bool
) -> RefreshReport:
    from eventstudy.prices.refresh import Environment
    from eventstudy.prices.refresh import refresh as run

    with progress_display(quiet=quiet) as show:

        def step(done: int, total: int, item: RunItem) -> None:  # noqa: ARG001  # the callback's shape
            show("asking", done, total)

        return run(path, catalogue, options, env=Environment(clock=now), progress=step)


def _show_plan(path: Path, catalogue: Catalogue, options: RefreshOptions, *, as_json: bool) -> None:
    from eventstudy.prices.refresh import plan
    from eventstudy.prices.store import Store

    def jobs() -> tuple[Job, ...]:
        if not path.exists():
            return plan(None, catalogue, options, today=now().date())
        with Store(path, read_only=True) as store:
            return plan(store, catalogue, options, today=now().date())

    rows = [
        [job.instrument.name, job.interval, str(job.first or "beginning"),
         ", then ".join(f"{ref.source} {ref.symbol}" for ref in job.instrument.sources)]
        for job in jobs()
    ]  # fmt: skip
    print_rows(["series", "interval", "from", "sources"], rows, as_json=as_json)


def _show_report(report: RefreshReport, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "exit_code": report.exit_code,
                "series": [asdict(item) for item in report.items],
                "revisions": [asdict(change) for change in report.revisions],
            }
        )
        return
    rows = [
        [i.symbol, i.interval, i.state, i.source or "-", str(i.added), str(i.revised), i.detail]
        for i in report.items
    ]
    header = ["series", "interval", "state", "source", "new", "revised", "notes"]
    print_table(header, rows, right=(4, 5))
    if report.revisions:
        echo("\nCorrected values:")
        print_revisions(report.revisions)
    bad = [item.symbol for item in report.items if not item.good]
    if bad:
        note(f"not refreshed: {', '.join(bad)}; everything else is stored")


def print_revisions(revisions: tuple[Revision, ...]) -> None:
    """Print corrected values as a table."""
    rows = [[r.symbol, r.stamp, r.field, str(r.old), str(r.new), r.seen_at] for r in revisions]
    print_table(["series", "session", "field", "old", "new", "seen at"], rows, right=(3, 4))
