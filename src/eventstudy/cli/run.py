"""``eventstudy run``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from eventstudy.cli.load import folder_of, load
from eventstudy.cli.output import note, print_json, print_table, progress_display

if TYPE_CHECKING:
    from eventstudy.arrays import ReturnKind
    from eventstudy.results import StudyResult


@click.command()
@click.argument("study", required=False)
@click.option("--out", help="Folder of the report; reports/<name> where left out.")
@click.option("--events", help="Study the events of this file instead.")
@click.option("--asof", help="Use only what was known on this day (2026-01-31).")
@click.option("--store", help='The price store, where the study has prices = "store".')
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the events table as CSV.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def run(
    study: str | None,
    out: str | None,
    events: str | None,
    asof: str | None,
    store: str | None,
    *,
    as_json: bool,
    as_csv: bool,
    quiet: bool,
) -> None:
    """Run STUDY (a TOML file) and write its report.

    Without STUDY: the shipped study of two articles of January 2026, on the shipped figures.
    The report folder holds report.pdf, result.json, tables/*.csv and figures/*. It is replaced
    as a whole, when everything is ready.
    """
    from eventstudy.report import check_folder, write_report

    loaded = load(study, asof=asof, events=events, store=store)
    folder = folder_of(loaded.study.name, out)
    check_folder(folder)
    with progress_display(quiet=quiet) as progress:
        result = loaded.run(progress=progress)
        files = write_report(result, folder, progress=progress)
    _print(result, as_json=as_json, as_csv=as_csv)
    if not quiet:
        _notes(result)
        note(f"report: {files.pdf}")


def _print(result: StudyResult, *, as_json: bool, as_csv: bool) -> None:
    from eventstudy.results import records

    if as_json:
        print_json(
            {"name": result.name, "events": records(result.events), "tests": records(result.tests)}
        )
    elif as_csv:
        from eventstudy.tables import csv_text

        click.echo(csv_text(result.events), nl=False)
    else:
        _table(result)


def _table(result: StudyResult) -> None:
    from eventstudy.results import records

    span = f"{100 * (1 - result.level):g} % interval"
    header = [
        "event",
        "asset",
        "session",
        "state",
        "effect %",
        span,
        "p",
        "by",
        "USD",
        "detectable %",
    ]
    rows = [_row(row, result.return_kind) for row in records(result.events)]
    click.echo(
        f"{result.title}\neffect over sessions {result.headline}, {result.return_kind} returns\n"
    )
    print_table(header, rows, right=(4, 5, 6, 8, 9))


def _row(row: dict[str, Any], kind: ReturnKind) -> list[str]:
    head = [str(row["event_id"]), str(row["asset"]), str(row["session"]), str(row["state"])]
    if not _known(row["effect"]):
        return [*head, "", "", "", "", "", ""]
    method = str(row["ci_method"])
    return [
        *head,
        f"{row['percent']:+.2f}",
        f"{row['percent_low']:+.2f} .. {row['percent_high']:+.2f}",
        f"{row[f'p_{method}']:.3f}",
        method.upper(),
        f"{row['usd']:+.2f}" if _known(row["usd"]) else "",
        _detectable(row, kind),
    ]


def _detectable(row: dict[str, Any], kind: ReturnKind) -> str:
    from eventstudy.study.tabulate import percent_of

    if not _known(row["mde"]):
        return ""
    base = row["base_price"]
    return f"{percent_of(row['mde'], kind, base if _known(base) else math.nan):.2f}"


def _known(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _notes(result: StudyResult) -> None:
    counts: dict[str, int] = {}
    for item in result.notes:
        counts[item.kind] = counts.get(item.kind, 0) + 1
    said = ", ".join(f"{number} {kind}" for kind, number in counts.items())
    if said:
        note(f"notes: {said} (all of them: tables/notes.csv and the report)")
    for item in result.notes:
        if item.kind == "dropped":
            note(f"dropped: {item.subject}: {item.detail}")
