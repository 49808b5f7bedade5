"""Commands on a study file: ``eventstudy new``, ``check``, ``power`` and ``run``."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eventstudy.cli.options import day_of, json_option, quiet_option, store_option
from eventstudy.cli.output import echo, note, print_json, print_table, progress_display, writing
from eventstudy.errors import AlignmentError, OutputError
from eventstudy.formats import PLAIN, listed, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventstudy.alignment import Alignment, Pair
    from eventstudy.arrays import DayArray, ReturnKind
    from eventstudy.results import StudyResult
    from eventstudy.results.tables import EffectRow, EventRow
    from eventstudy.study.file import LoadedStudy
    from eventstudy.study.power import StudyPower

EVENTS = """\
event_id,date,time,title,kind,place,direction,source
opec-plus-pause,2025-11-30,,OPEC+ confirms its pause,producer decision,Vienna,none,OPEC
barrels-offer,,2026-01-06T18:30:00-05:00,Barrels offered,supply offer,Washington,down,press
"""
PAIRS = (
    "event_id", "asset", "session", "state", "moved_from", "or_session", "same_session",
    "windows_overlap", "in_estimation",
)  # fmt: skip
SINGLE = ("asset", "window", "by", "events", "median", "least", "most", "t, median")
MEAN = ("asset", "window", "test", "N", "N/2", "N", "2N", "4N", "verdict")


def _reads_study(command: Any) -> Any:  # noqa: ANN401  # click's decorators are untyped
    """Declare the study of a command and what of its prices may be used; give it the study."""

    def reading(study: str | None, asof: str | None, store: str | None, **options: Any) -> None:  # noqa: ANN401  # click checked them
        from eventstudy.study.file import load_study

        day, events = day_of(asof, "--asof"), options.pop("events", None)
        command(load_study(study, asof=day, events=events, store=store), **options)

    update_wrapper(reading, command)
    for option in (
        store_option,
        click.option("--asof", help="Use only what was known on this day (2026-01-31)."),
        click.argument("study", required=False),
    ):
        option(reading)
    return reading


_EVENTS = click.option("--events", help="Study the events of this file instead.")


@click.command()
@click.argument("study")
@click.option("--force", is_flag=True, help="Overwrite the study file where it exists.")
def new(study: str, *, force: bool) -> None:
    """Write STUDY (a .toml file), and an events.csv beside it, to start from."""
    from eventstudy.study.file import new_study_text

    path = Path(study)
    if path.suffix != ".toml":
        path = path.with_name(path.name + ".toml")
    events = path.parent / "events.csv"
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-_") or "study"
    _write(path, new_study_text(name), force=force)
    if events.exists():
        note(f"{events} exists and was left as it is")
    else:
        _write(events, EVENTS, force=False)
    echo(f"next: eventstudy check {path}")


def _write(path: Path, text: str, *, force: bool) -> None:
    if path.exists() and not force:
        msg = f"{path} exists: choose another name, or overwrite it with --force"
        raise OutputError(msg)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    echo(f"wrote {path}")


@click.command()
@_reads_study
@_EVENTS
@json_option
def check(loaded: LoadedStudy, *, as_json: bool) -> None:
    """Show what STUDY would study, without any statistics.

    Every event with its session and state, what it was moved from, what falls on the same
    session, whose windows overlap, and what would be dropped and why.
    """
    from eventstudy.study import check_history, prepare, with_assets

    design = with_assets(loaded.study, loaded.prices)
    panel, pairs = prepare(design, loaded.events, loaded.prices)
    checked = check_history(design, panel, pairs)
    if as_json:
        rows = [_plain_pair(pair, panel.calendar.sessions) for pair in checked]
        notes = [asdict(item) for item in panel.notes]
        print_json({"name": design.name, "pairs": rows, "notes": notes})
    else:
        _print_pairs(design.name, checked, panel.calendar.sessions)
        for item in panel.notes:
            note(f"{item.kind}: {item.subject}: {item.detail}")
    if not any(pair.studied for pair in checked):
        count = len({pair.event_id for pair in checked})
        msg = f"none of the {count} event(s) can be studied: see the reasons above"
        raise AlignmentError(msg)


def _plain_pair(pair: Pair, sessions: DayArray) -> dict[str, str]:
    """Return a pair as JSON holds it."""
    return {
        "event_id": pair.event_id,
        "asset": pair.asset,
        "session": _day(sessions, pair.session),
        "state": pair.state,
        "moved_from": pair.moved_from,
        "or_session": _day(sessions, pair.alternative),
        "same_session": listed(pair.confounded_with),
        "maybe_same_session": listed(pair.perhaps_with),
        "windows_overlap": listed(pair.overlaps_with),
        "in_estimation": listed(pair.estimation_overlaps),
        "reason": pair.reason,
    }


def _day(sessions: DayArray, at: int | None) -> str:
    return "" if at is None else str(sessions[at])


def _print_pairs(name: str, pairs: Alignment, sessions: DayArray) -> None:
    states = Counter(pair.state for pair in pairs)
    counted = ", ".join(f"{number} {state}" for state, number in states.items())
    echo(f"{name}: {len(pairs)} pairs of event and asset: {counted}\n")
    print_table(PAIRS, [_pair_cells(pair, sessions) for pair in pairs], right=(6, 7, 8))
    echo()
    for text in dict.fromkeys(f"{pair.event_id}: {_why(pair)}" for pair in pairs):
        echo(text)


def _pair_cells(pair: Pair, sessions: DayArray) -> list[str]:
    others = (pair.confounded_with, pair.overlaps_with, pair.estimation_overlaps)
    return [
        pair.event_id, pair.asset, _day(sessions, pair.session), pair.state, pair.moved_from,
        _day(sessions, pair.alternative), *(str(len(names)) for names in others),
    ]  # fmt: skip


def _why(pair: Pair) -> str:
    parts = [pair.reason]
    if pair.confounded_with:
        parts.append(f"same session as {listed(pair.confounded_with)}")
    if pair.perhaps_with:
        parts.append(f"perhaps the same session as {listed(pair.perhaps_with)}")
    return "; ".join(filter(None, parts))


@click.command()
@_reads_study
@json_option
@quiet_option
def power(loaded: LoadedStudy, *, as_json: bool, quiet: bool) -> None:
    """Report the minimum detectable effects of STUDY, before its results are looked at.

    At 80% power. Single events by the default test and by the t; mean effects by each test that
    applies to the design, for half, the same, twice and four times the number of events. No
    return of an event window is used.
    """
    from eventstudy.study.power import study_power

    with progress_display(quiet=quiet) as progress:
        found = study_power(loaded.study, loaded.events, loaded.prices, progress=progress)
    if as_json:
        single, mean = found.singles.records(), found.means.records()
        head = {"name": found.name, "level": found.level, "pairs": found.n_pairs}
        print_json({**head, "dropped": found.n_dropped, "single": single, "mean": mean})
    else:
        _print_power(found)
    if not quiet:
        note(
            f"{found.n_pairs} pairs of event and asset, {found.n_dropped} would be dropped; "
            f"80% power at level {found.level:g}"
        )


def _print_power(found: StudyPower) -> None:
    kind = found.return_kind
    unit = "units of the price" if kind == "change" else "per cent"
    echo(f"One event: detectable effect, {unit}\n")
    single = [
        [row.asset, str(row.window), row.test.upper(), str(row.events),
         *_in_unit((row.median, row.low, row.high, row.median_t), kind)]
        for row in found.singles
    ]  # fmt: skip
    print_table(SINGLE, single, right=(3, 4, 5, 6, 7))
    echo(f"\nMean over events: detectable effect, {unit}, by number of events\n")
    mean = [
        [row.asset, str(row.window), row.test, str(row.n),
         *_in_unit((row.mde_half_n, row.mde, row.mde_2n, row.mde_4n), kind), row.verdict]
        for row in found.means if row.verdict != "refused"
    ]  # fmt: skip
    print_table(MEAN, mean, right=(3, 4, 5, 6, 7))
    for verdict in ("refused", "caution"):
        said: dict[str, list[str]] = {}
        for row in found.means:
            if row.verdict == verdict:
                said.setdefault(f"{row.asset} {row.window}: {row.reason}", []).append(row.test)
        for reason, names in said.items():
            note(f"{verdict}: {', '.join(names)}: {reason}")


def _in_unit(effects: Sequence[float], kind: ReturnKind) -> list[str]:
    """Show sums of returns as the tables of a result do; changes stay in units of the price."""
    import numpy as np

    from eventstudy.results.tables import as_percent

    values = np.array(effects)
    if kind != "change":
        values = as_percent(values, np.array(kind, dtype=object), np.ones(len(values)))
    return [PLAIN.number(value) for value in values]


@click.command()
@_reads_study
@_EVENTS
@click.option("--out", help="Folder of the report; reports/<name> where left out.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print the events table as CSV.")
@quiet_option
def run(loaded: LoadedStudy, out: str | None, *, as_json: bool, as_csv: bool, quiet: bool) -> None:
    """Run STUDY (a TOML file) and write its report.

    Without STUDY: the bundled study of two articles of January 2026, on the bundled prices.
    The report folder holds report.pdf, result.json, tables/*.csv and figures/*. It is replaced
    as a whole, when everything is ready.
    """
    from eventstudy.report import check_folder, write_report

    folder = Path(out) if out else Path("reports") / loaded.study.name
    check_folder(folder)
    with progress_display(quiet=quiet) as progress:
        result = loaded.run(progress=progress)
        files = write_report(result, folder, progress=progress)
    _print_result(result, as_json=as_json, as_csv=as_csv)
    if not quiet:
        _print_notes(result)
        note(f"report: {files.pdf}")


def _print_result(result: StudyResult, *, as_json: bool, as_csv: bool) -> None:
    from eventstudy.results import records

    if as_json:
        tests = result.tables.tests.records()
        print_json({"name": result.name, "events": records(result.events), "tests": tests})
    elif as_csv:
        from eventstudy.tables import csv_text

        echo(csv_text(result.events), nl=False)
    else:
        _print_effects(result)


def _print_effects(result: StudyResult) -> None:
    header = [
        "event", "asset", "session", "state", "effect %", f"{percent(1 - result.level)} interval",
        "p", "by", "USD", "detectable %",
    ]  # fmt: skip
    rows = [_effect_cells(event, result.effect_of(event)) for event in result.tables.events]
    echo(f"{result.title}\neffect over sessions {result.headline}, {result.return_kind} returns\n")
    print_table(header, rows, right=(4, 5, 6, 8, 9))


def _effect_cells(event: EventRow, effect: EffectRow | None) -> list[str]:
    head = [event.event_id, event.asset, str(event.session or ""), event.state]
    if effect is None or not effect.has_effect:
        return [*head, "", "", "", "", "", ""]
    return [
        *head, PLAIN.signed(effect.percent), PLAIN.span(effect.percent_low, effect.percent_high),
        PLAIN.pvalue(effect.p), effect.method.upper(), PLAIN.signed(effect.usd),
        PLAIN.number(effect.mde_percent),
    ]  # fmt: skip


def _print_notes(result: StudyResult) -> None:
    notes = result.tables.notes
    counts = Counter(item.kind for item in notes)
    said = ", ".join(f"{number} {kind}" for kind, number in counts.items())
    if said:
        note(f"notes: {said} (all of them: tables/notes.csv and the report)")
    for item in notes:
        if item.kind == "dropped":
            note(f"dropped: {item.subject}: {item.detail}")
