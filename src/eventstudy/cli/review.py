"""``eventstudy articles review``: a draft decided on row by row, in a plain terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eventstudy.cli.output import note

if TYPE_CHECKING:
    from eventstudy.articles.text import Document
    from eventstudy.events.deciding import Desk
    from eventstudy.events.drafts import Row

_KEYS = "[a]ccept [r]eject [e]dit [s]kip [m]erge [u]ndo [q]uit > "
_QUOTED = 3  # sentences that are shown of an event
_EDITED = ("date", "kind", "place", "title", "direction")


class _Reviewer:
    """Keys and lines of a reviewer, from a terminal or a pipe."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdin.isatty()
        self._typed = ""  # keys that were pressed faster than they were read

    def key(self) -> str:
        """Return one key in lower case; ``"q"`` at the end of the input."""
        click.echo(_KEYS, nl=False)
        if self._is_terminal:
            typed = self._typed or click.getchar()
            is_sequence = typed.startswith("\x1b")  # an arrow or a function key is one key
            pressed, self._typed = typed[:1], "" if is_sequence else typed[1:]
            click.echo(pressed if pressed.isprintable() else "")
        else:
            pressed = self._line()[:1]
            click.echo(pressed.strip())
        return pressed.casefold() or "q"

    def line(self, question: str) -> str:
        """Ask for a line; empty at the end of the input."""
        click.echo(question, nl=False)
        self._typed = ""
        text = self._line().strip()
        if not self._is_terminal:
            click.echo(text)
        return text

    @staticmethod
    def _line() -> str:
        return sys.stdin.readline()


def run_review(draft: str, folders: tuple[str, ...]) -> None:
    """Show the rows of a draft that wait for a decision; each decision is saved at once."""
    from eventstudy.events.deciding import Desk
    from eventstudy.events.drafts import read_draft, write_rows

    columns, rows = read_draft(draft)
    places = [*map(Path, folders), Path(draft).parent]
    desk = Desk(draft, columns, rows)
    total = len(desk.waiting)
    past: list[Desk] = []
    cache: dict[str, Document | None] = {}
    reviewer = _Reviewer()
    while desk.waiting:
        row = desk.waiting[0]
        _show(row, len(desk.waiting), total, places, cache)
        key = reviewer.key()
        if key == "q":
            break
        if key == "u":
            desk = past.pop() if past else _said(desk, "nothing to undo")
            write_rows(draft, desk.columns, desk.rows)
            continue
        after = _step(desk, row, key, reviewer)
        if after is not desk:
            past.append(desk)
            desk = after
            write_rows(draft, desk.columns, desk.rows)
    _summary(desk)


def _step(desk: Desk, row: Row, key: str, reviewer: _Reviewer) -> Desk:
    """Do what a key asks for; the same desk where it asks for nothing."""
    from eventstudy.events.deciding import decide, skip

    actions: dict[str, Callable[[], Desk]] = {
        "a": lambda: decide(desk, row["event_id"], "accept"),
        "r": lambda: decide(desk, row["event_id"], "reject"),
        "s": lambda: skip(desk, row["event_id"]),
        "e": lambda: _edit(desk, row, reviewer),
        "m": lambda: _merge(desk, row, reviewer),
    }
    if key not in actions:
        return _said(desk, "press one of a, r, e, s, m, u, q")
    return actions[key]()


def _edit(desk: Desk, row: Row, reviewer: _Reviewer) -> Desk:
    from eventstudy.errors import EventStudyError
    from eventstudy.events.deciding import edit

    known = ", ".join(name for name in _EDITED if name in desk.columns)
    column = reviewer.line(f"column ({known}, ...): ")
    if not column:
        return desk
    value = reviewer.line(f"{column} [{row.get(column, '')}]: ")
    try:
        return edit(desk, row["event_id"], column, value)
    except EventStudyError as error:
        return _said(desk, str(error))


def _merge(desk: Desk, row: Row, reviewer: _Reviewer) -> Desk:
    from eventstudy.events.deciding import alike_rows, merge_into

    others = alike_rows(desk, row)
    for number, other in enumerate(others, start=1):
        click.echo(f"  {number} {other['event_id']} ({_when(other)}): {other.get('title', '')}")
    answer = reviewer.line("merge into number: ")
    if answer not in map(str, range(1, len(others) + 1)):
        return _said(desk, "nothing merged")
    return merge_into(desk, row["event_id"], others[int(answer) - 1]["event_id"])


def _show(
    row: Row, left: int, total: int, folders: list[Path], cache: dict[str, Document | None]
) -> None:
    from eventstudy.articles.text import printable
    from eventstudy.events.deciding import quotations_of

    tier = f"{row.get('tier') or 'event'} {row.get('score', '')}".strip()
    click.echo(f"\n{total - left + 1} of {total}  {printable(row['event_id'])}  ({tier})")
    facts = [row.get(name, "") for name in ("kind", "place", "state")]
    oil = row.get("direction", "")
    click.echo("  " + ", ".join(filter(None, (*facts, _when(row), f"oil {oil}" if oil else ""))))
    for name in ("date_rule", "conflict", "change"):
        if row.get(name):
            click.echo(f"  {name}: {printable(row[name])}")
    quoted = quotations_of(row, folders, cache)
    for item in quoted[:_QUOTED]:
        click.echo(f"  {printable(item.article)} {item.span}")
        if item.sentence:
            marked = click.style(item.sentence, bold=True)
            click.echo(f"    ... {item.before} >>>{marked}<<< {item.after} ...")
    if len(quoted) > _QUOTED:
        click.echo(f"  and {len(quoted) - _QUOTED} sentences more")


def _when(row: Row) -> str:
    return row.get("time") or row.get("date") or "undated"


def _said(desk: Desk, text: str) -> Desk:
    note(text)
    return desk


def _summary(desk: Desk) -> None:
    counts = dict.fromkeys(("accept", "reject", ""), 0)
    for row in desk.rows:
        decision = row.get("decision", "").strip().casefold()
        counts[decision] = counts.get(decision, 0) + 1
    click.echo(
        f"\n{desk.path}: {counts['accept']} accepted, {counts['reject']} rejected, "
        f"{counts['']} without a decision"
    )
    if counts["accept"]:
        click.echo(f"next: eventstudy events accept {desk.path} --into events.csv")
