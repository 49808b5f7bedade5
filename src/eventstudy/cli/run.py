"""``eventstudy run``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from eventstudy.cli.load import folder_of, load
from eventstudy.cli.options import events_option, json_option, quiet_option, study_options
from eventstudy.cli.output import echo, note, print_json, print_table, progress_display

if TYPE_CHECKING:
    from eventstudy.results import StudyResult
    from eventstudy.results.tables import EffectRow, EventRow


@click.command()
@study_options
@events_option
@click.option("--out", help="Folder of the report; reports/<name> where left out.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print the events table as CSV.")
@quiet_option
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

    Without STUDY: the bundled study of two articles of January 2026, on the bundled prices.
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
        tests = result.tables.tests.records()
        print_json({"name": result.name, "events": records(result.events), "tests": tests})
    elif as_csv:
        from eventstudy.tables import csv_text

        echo(csv_text(result.events), nl=False)
    else:
        _table(result)


def _table(result: StudyResult) -> None:
    from eventstudy.formats import percent

    header = [
        "event", "asset", "session", "state", "effect %", f"{percent(1 - result.level)} interval",
        "p", "by", "USD", "detectable %",
    ]  # fmt: skip
    rows = [_row(event, result.effect_of(event)) for event in result.tables.events]
    echo(f"{result.title}\neffect over sessions {result.headline}, {result.return_kind} returns\n")
    print_table(header, rows, right=(4, 5, 6, 8, 9))


def _row(event: EventRow, effect: EffectRow | None) -> list[str]:
    from eventstudy.formats import PLAIN

    head = [event.event_id, event.asset, str(event.session or ""), event.state]
    if effect is None or not effect.has_effect:
        return [*head, "", "", "", "", "", ""]
    return [
        *head,
        PLAIN.signed(effect.percent),
        PLAIN.span(effect.percent_low, effect.percent_high),
        PLAIN.pvalue(effect.p),
        effect.method.upper(),
        PLAIN.signed(effect.usd),
        PLAIN.number(effect.mde_percent),
    ]


def _notes(result: StudyResult) -> None:
    notes = result.tables.notes
    counts = Counter(item.kind for item in notes)
    said = ", ".join(f"{number} {kind}" for kind, number in counts.items())
    if said:
        note(f"notes: {said} (all of them: tables/notes.csv and the report)")
    for item in notes:
        if item.kind == "dropped":
            note(f"dropped: {item.subject}: {item.detail}")
