"""``eventstudy check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eventstudy.cli.load import load
from eventstudy.cli.output import note, print_json, print_table
from eventstudy.errors import AlignmentError

if TYPE_CHECKING:
    from eventstudy.alignment import Pair
    from eventstudy.arrays import DayArray


@click.command()
@click.argument("study", required=False)
@click.option("--events", help="Study the events of this file instead.")
@click.option("--asof", help="Use only what was known on this day (2026-01-31).")
@click.option("--store", help='The price store, where the study has prices = "store".')
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def check(
    study: str | None,
    events: str | None,
    asof: str | None,
    store: str | None,
    *,
    as_json: bool,
) -> None:
    """Show what STUDY would study, without any statistics.

    Every event with its session and state, what it was moved from, what falls on the same
    session, whose windows overlap, and what would be dropped and why.
    """
    from eventstudy.study import check_history, prepare, with_assets

    loaded = load(study, asof=asof, events=events, store=store)
    design = with_assets(loaded.study, loaded.prices)
    panel, pairs = prepare(design, loaded.events, loaded.prices)
    checked = check_history(design, panel, pairs)
    rows = [_row(pair, panel.calendar.sessions) for pair in checked]
    if as_json:
        notes = [{"kind": r.kind, "subject": r.subject, "detail": r.detail} for r in panel.notes]
        print_json({"name": design.name, "pairs": rows, "notes": notes})
    else:
        _print(design.name, rows)
        for item in panel.notes:
            note(f"{item.kind}: {item.subject}: {item.detail}")
    if not any(pair.studied for pair in checked):
        count = len({pair.event_id for pair in checked})
        msg = f"none of the {count} event(s) can be studied: see the reasons above"
        raise AlignmentError(msg)


def _row(pair: Pair, sessions: DayArray) -> dict[str, str]:
    from eventstudy.alignment import listed

    return {
        "event_id": pair.event_id,
        "asset": pair.asset,
        "session": "" if pair.session is None else str(sessions[pair.session]),
        "state": pair.state,
        "moved_from": pair.moved_from,
        "or_session": "" if pair.alternative is None else str(sessions[pair.alternative]),
        "same_session": listed(pair.confounded_with),
        "maybe_same_session": listed(pair.perhaps_with),
        "windows_overlap": listed(pair.overlaps_with),
        "in_estimation": listed(pair.estimation_overlaps),
        "reason": pair.reason,
    }


def _print(name: str, rows: list[dict[str, str]]) -> None:
    states: dict[str, int] = {}
    for row in rows:
        states[row["state"]] = states.get(row["state"], 0) + 1
    counted = ", ".join(f"{number} {state}" for state, number in states.items())
    click.echo(f"{name}: {len(rows)} pairs of event and asset: {counted}\n")
    columns = ["event_id", "asset", "session", "state", "moved_from", "or_session"]
    counts = ["same_session", "windows_overlap", "in_estimation"]
    body = [
        [
            *(row[c] for c in columns),
            *(str(len(row[c].split("; ")) if row[c] else 0) for c in counts),
        ]
        for row in rows
    ]
    print_table([*columns, *counts], body, right=(6, 7, 8))
    click.echo()
    for text in dict.fromkeys(f"{row['event_id']}: {_why(row)}" for row in rows):
        click.echo(text)


def _why(row: dict[str, str]) -> str:
    parts = [row["reason"]]
    if row["same_session"]:
        parts.append(f"same session as {row['same_session']}")
    if row["maybe_same_session"]:
        parts.append(f"perhaps the same session as {row['maybe_same_session']}")
    return "; ".join(filter(None, parts))
