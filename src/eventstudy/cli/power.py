"""``eventstudy power``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from eventstudy.cli.load import load
from eventstudy.cli.output import note, print_json, print_table, progress_display

if TYPE_CHECKING:
    from eventstudy.study.power import StudyPower


@click.command()
@click.argument("study", required=False)
@click.option("--asof", help="Use only what was known on this day (2026-01-31).")
@click.option("--store", help='The price store, where the study has prices = "store".')
@click.option("--json", "as_json", is_flag=True, help="Print both tables as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def power(
    study: str | None, asof: str | None, store: str | None, *, as_json: bool, quiet: bool
) -> None:
    """Say what effects STUDY could see with 80 % power, before its results are looked at.

    Single events by the default test and by the t; mean effects by each test that applies to the
    design, for half, the same, twice and four times the number of events. No return of an event
    window is used.
    """
    from eventstudy.study.power import study_power

    loaded = load(study, asof=asof, store=store)
    with progress_display(quiet=quiet) as progress:
        found = study_power(loaded.study, loaded.events, loaded.prices, progress=progress)
    if as_json:
        _json(found)
    else:
        _print(found)
    if not quiet:
        note(
            f"{found.n_pairs} pairs of event and asset, {found.n_dropped} would be dropped; "
            f"80 % power at level {found.level:g}"
        )


def _json(found: StudyPower) -> None:
    from eventstudy.results import records

    print_json(
        {
            "name": found.name,
            "level": found.level,
            "pairs": found.n_pairs,
            "dropped": found.n_dropped,
            "single": records(found.singles),
            "mean": records(found.means),
        }
    )


def _print(found: StudyPower) -> None:
    from eventstudy.results import records

    click.echo("One event: detectable effect, per cent\n")
    rows = [
        [r["asset"], r["window"], str(r["test"] or "").upper(), str(r["events"])]
        + [_percent(r[k]) for k in ("median", "low", "high", "median_t")]
        for r in records(found.singles)
    ]
    header = ["asset", "window", "by", "events", "median", "least", "most", "t, median"]
    print_table(header, rows, right=(3, 4, 5, 6, 7))
    click.echo("\nMean over events: detectable effect, per cent, by number of events\n")
    shown = [r for r in records(found.means) if r["verdict"] != "refused"]
    rows = [
        [r["asset"], r["window"], r["test"], str(r["n"])]
        + [_percent(r[k]) for k in ("mde_half_n", "mde", "mde_2n", "mde_4n")]
        + [r["verdict"]]
        for r in shown
    ]
    header = ["asset", "window", "test", "N", "N/2", "N", "2N", "4N", "verdict"]
    print_table(header, rows, right=(3, 4, 5, 6, 7))
    for verdict in ("refused", "caution"):
        said: dict[str, list[str]] = {}
        for r in records(found.means):
            if r["verdict"] == verdict:
                said.setdefault(f"{r['asset']} {r['window']}: {r['reason']}", []).append(r["test"])
        for reason, names in said.items():
            note(f"{verdict}: {', '.join(names)}: {reason}")


def _percent(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{100 * value:.2f}"
