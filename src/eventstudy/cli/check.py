"""``eventstudy check``."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from eventstudy.cli.load import load
from eventstudy.cli.options import events_option, json_option, study_options
from eventstudy.cli.output import echo, note, print_json, print_table
from eventstudy.errors import AlignmentError
from eventstudy.formats import listed

if TYPE_CHECKING:
    from eventstudy.alignment import Alignment, Pair
    from eventstudy.arrays import DayArray

HEADER = (
    "event_id", "asset", "session", "state", "moved_from", "or_session", "same_session",
    "windows_overlap", "in_estimation",
)  # fmt: skip


@click.command()
@study_options
@events_option
@json_option
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
    if as_json:
        rows = [_plain(pair, panel.calendar.sessions) for pair in checked]
        notes = [asdict(item) for item in panel.notes]
        print_json({"name": design.name, "pairs": rows, "notes": notes})
    else:
        _print(design.name, checked, panel.calendar.sessions)
        for item in panel.notes:
            note(f"{item.kind}: {item.subject}: {item.detail}")
    if not any(pair.studied for pair in checked):
        count = len({pair.event_id for pair in checked})
        msg = f"none of the {count} event(s) can be studied: see the reasons above"
        raise AlignmentError(msg)


def _plain(pair: Pair, sessions: DayArray) -> dict[str, str]:
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


def _print(name: str, pairs: Alignment, sessions: DayArray) -> None:
    states = Counter(pair.state for pair in pairs)
    counted = ", ".join(f"{number} {state}" for state, number in states.items())
    echo(f"{name}: {len(pairs)} pairs of event and asset: {counted}\n")
    print_table(HEADER, [_line(pair, sessions) for pair in pairs], right=(6, 7, 8))
    echo()
    for text in dict.fromkeys(f"{pair.event_id}: {_why(pair)}" for pair in pairs):
        echo(text)


def _line(pair: Pair, sessions: DayArray) -> list[str]:
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
