"""``eventstudy power``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eventstudy.cli.load import load
from eventstudy.cli.options import json_option, quiet_option, study_options
from eventstudy.cli.output import echo, note, print_json, print_table, progress_display
from eventstudy.formats import PLAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventstudy.arrays import ReturnKind
    from eventstudy.study.power import MeanPowerRow, SinglePowerRow, StudyPower

SINGLE = ("asset", "window", "by", "events", "median", "least", "most", "t, median")
MEAN = ("asset", "window", "test", "N", "N/2", "N", "2N", "4N", "verdict")


@click.command()
@study_options
@json_option
@quiet_option
def power(
    study: str | None, asof: str | None, store: str | None, *, as_json: bool, quiet: bool
) -> None:
    """Report the minimum detectable effects of STUDY, before its results are looked at.

    At 80% power. Single events by the default test and by the t; mean effects by each test that
    applies to the design, for half, the same, twice and four times the number of events. No
    return of an event window is used.
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
            f"80% power at level {found.level:g}"
        )


def _json(found: StudyPower) -> None:
    print_json(
        {
            "name": found.name,
            "level": found.level,
            "pairs": found.n_pairs,
            "dropped": found.n_dropped,
            "single": found.singles.records(),
            "mean": found.means.records(),
        }
    )


def _print(found: StudyPower) -> None:
    kind = found.return_kind
    unit = "units of the price" if kind == "change" else "per cent"
    echo(f"One event: detectable effect, {unit}\n")
    print_table(SINGLE, [_single(row, kind) for row in found.singles], right=(3, 4, 5, 6, 7))
    echo(f"\nMean over events: detectable effect, {unit}, by number of events\n")
    shown = [row for row in found.means if row.verdict != "refused"]
    print_table(MEAN, [_mean(row, kind) for row in shown], right=(3, 4, 5, 6, 7))
    for verdict in ("refused", "caution"):
        said: dict[str, list[str]] = {}
        for row in found.means:
            if row.verdict == verdict:
                said.setdefault(f"{row.asset} {row.window}: {row.reason}", []).append(row.test)
        for reason, names in said.items():
            note(f"{verdict}: {', '.join(names)}: {reason}")


def _single(row: SinglePowerRow, kind: ReturnKind) -> list[str]:
    effects = (row.median, row.low, row.high, row.median_t)
    return [row.asset, str(row.window), row.test.upper(), str(row.events), *_shown(effects, kind)]


def _mean(row: MeanPowerRow, kind: ReturnKind) -> list[str]:
    effects = (row.mde_half_n, row.mde, row.mde_2n, row.mde_4n)
    return [
        row.asset, str(row.window), row.test, str(row.n), *_shown(effects, kind), row.verdict
    ]  # fmt: skip


def _shown(effects: Sequence[float], kind: ReturnKind) -> list[str]:
    """Show sums of returns as the tables of a result do; changes stay in units of the price."""
    import numpy as np

    from eventstudy.results.tables import as_percent

    values = np.array(effects)
    if kind != "change":
        values = as_percent(values, np.array(kind, dtype=object), np.ones(len(values)))
    return [PLAIN.number(value) for value in values]
