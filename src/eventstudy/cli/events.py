"""``eventstudy events``."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from eventstudy.cli.options import day_of, json_option
from eventstudy.cli.output import echo, note, print_json, print_table
from eventstudy.products import calendar_names, main_calendar

if TYPE_CHECKING:
    from eventstudy.alignment import Placement
    from eventstudy.calendars import SettlementCalendar
    from eventstudy.events import Event, EventTable
    from eventstudy.events.drafts import Row

NEW_YORK = ZoneInfo("America/New_York")
_FILE = click.argument("file", required=False)
_CHOICES = [
    click.option("--kind", "kinds", multiple=True, help="Keep events of this kind."),
    click.option("--place", "places", multiple=True, help="Keep events at this place."),
    click.option("--from", "first", help="Keep events from this day on (2019-01-01)."),
    click.option("--to", "last", help="Keep events up to this day."),
    json_option,
]


def _chooses(command: Any) -> Any:  # noqa: ANN401  # click's decorators are untyped
    """Declare the options that choose events; the command is given those that were chosen."""

    def chosen(file: str | None, **options: Any) -> None:  # noqa: ANN401  # click checked them
        named = {name: options.pop(name) for name in ("kinds", "places", "first", "last")}
        command(_select(_table(file), **named), **options)

    update_wrapper(chosen, command)
    for option in reversed((_FILE, *_CHOICES)):
        option(chosen)
    return chosen


@click.group()
def events() -> None:
    """List, check, merge, split and accept events.

    FILE is an event file; without one it is the bundled catalogue.
    """


@events.command(name="list")
@_chooses
def list_events(table: EventTable, *, as_json: bool) -> None:
    """List events, all of them or those of some kinds, places and days."""
    if as_json:
        print_json([_plain(event) for event in table])
        return
    rows = [
        [event.event_id, _when(event), event.kind, event.place or "-", event.title]
        for event in table
    ]
    print_table(["event_id", "when", "kind", "place", "title"], rows)
    note(f"{len(table)} event(s)")


@events.command()
@click.argument("event_id")
@_FILE
@click.option("--articles", "folder", help="Folder of the articles: show their sentences.")
@json_option
def show(event_id: str, file: str | None, folder: str | None, *, as_json: bool) -> None:
    """Show everything that is known of one event, with --articles also what they say of it."""
    from eventstudy.errors import UnknownNameError, did_you_mean

    if folder and not Path(folder).is_dir():
        msg = f"--articles {folder!r} is not a folder; name the one that holds the articles"
        raise click.UsageError(msg)
    table = _table(file)
    event = next((item for item in table if item.event_id == event_id), None)
    if event is None:
        msg = f"no event has the ID {event_id!r}; {did_you_mean(event_id, table.ids)}"
        raise UnknownNameError(msg)
    if as_json:
        print_json(_plain(event))
    else:
        for name, value in _plain(event).items():
            if value not in ("", None, []):
                echo(f"{name:<16} {value}")
        for line in _sentences(event, folder) if folder else ():
            echo(line)


@events.command()
@click.argument("file")
def validate(file: str) -> None:
    """Check an event file: all of its faults at once, and sessions that are shared."""
    table = _table(file)
    undated = sum(event.precision == "undated" for event in table)
    echo(f"{file}: {len(table)} event(s), {undated} undated, no faults")
    for kind, count in sorted(_kinds(table).items()):
        echo(f"  {count:4d}  {kind}")
    from eventstudy.articles.mentions import KINDS
    from eventstudy.events.review import likely_duplicates

    for keep, other in likely_duplicates(table):
        note(f"{keep} and {other} may be one event: eventstudy events merge {file} {keep} {other}")
    for kind in sorted(set(_kinds(table)) - set(KINDS) - {"-"}):
        note(f"kind {kind!r} is not one of the catalogue's: {', '.join(KINDS)}")


@events.command()
@click.argument("file")
@click.argument("keep")
@click.argument("other")
def merge(file: str, keep: str, other: str) -> None:
    """Merge event OTHER into KEEP: a differing day is kept as a conflict, sources are joined."""
    from eventstudy.events.review import merge_rows

    columns, rows = _rows(file)
    merged = merge_rows(rows, keep, other)
    _save(file, tuple(dict.fromkeys((*columns, "other_dates", "merged_from"))), merged)
    days = next(row["other_dates"] for row in merged if row["event_id"] == keep)
    echo(f"{file}: {other} merged into {keep}" + (f", other dates {days}" if days else ""))


@events.command()
@click.argument("file")
@click.argument("event_id")
@click.argument("new_id")
def split(file: str, event_id: str, new_id: str) -> None:
    """Split EVENT_ID: its first other date becomes an event of its own, NEW_ID."""
    from eventstudy.events.review import split_row

    columns, rows = _rows(file)
    _save(file, columns, split_row(rows, event_id, new_id))
    echo(f"{file}: {new_id} split off {event_id}")


@events.command()
@click.argument("draft")
@click.option("--into", "target", required=True, type=click.Path(), help="Reviewed event file.")
def accept(draft: str, target: str) -> None:
    """Move the rows of DRAFT that a reviewer marked accept into the reviewed file."""
    from eventstudy.events.review import accept as accept_rows

    columns, rows = _rows(draft)
    known, reviewed = _rows(target) if Path(target).exists() else ((), ())
    result = accept_rows(columns, rows, known, reviewed)
    if result.accepted or result.updated:
        _save(target, result.columns, result.rows)
    echo(
        f"{target}: {len(result.accepted)} accepted, {len(result.updated)} updated, "
        f"{len(result.rejected)} rejected, {len(result.open)} without a decision"
    )


@events.command()
@_chooses
@click.option("--calendar", "market", type=click.Choice(calendar_names()), default=main_calendar())
def timeline(table: EventTable, market: str, *, as_json: bool) -> None:
    """Show events in New York time between the settlements, and what else each session holds."""
    calendar, placed = _placed(table, market)
    if as_json:
        print_json([_plain_placement(item, calendar) for item in placed])
    else:
        _draw(placed, calendar)
    for event in table:
        if event.date is None:
            bound = f", not after {event.not_after.isoformat()}" if event.not_after else ""
            note(f"undated{bound}: {event.event_id}: {event.title}")


def _table(file: str | None) -> EventTable:
    from eventstudy.events import catalogue, read_events

    return read_events(file) if file and file != "catalogue" else catalogue()


def _select(
    table: EventTable, kinds: tuple[str, ...], places: tuple[str, ...],
    first: str | None, last: str | None,
) -> EventTable:  # fmt: skip
    from eventstudy.errors import UnknownNameError, did_you_mean

    for kind in kinds:
        if not len(table.select(kind=kind)):
            msg = f"no event is of the kind {kind!r}; {did_you_mean(kind, _kinds(table))}"
            raise UnknownNameError(msg)
    for place in places:
        if not len(table.select(place=place)):
            note(f"no event is at {place!r}: it is the place, or a part of it after a comma")
    return table.select(
        kind=kinds or None, place=places or None,
        first=day_of(first or None, "--from"), last=day_of(last or None, "--to"),
    )  # fmt: skip


def _when(event: Event) -> str:
    if event.time:
        return event.time.isoformat(timespec="minutes")
    return str(event.date) if event.date else "undated"


def _plain(event: Event) -> dict[str, Any]:
    """Return an event as values of JSON, by column."""
    from eventstudy.events.columns import columns_of

    declared = {item.field: getattr(event, item.field) for item in columns_of(type(event))}
    return {name: _json(value) for name, value in {**declared, **event.features}.items()}


def _json(value: Any) -> Any:  # noqa: ANN401  # any value of an event
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    return None if value != value else value  # noqa: PLR0124  # NaN is no JSON


def _sentences(event: Event, folder: str) -> list[str]:
    """Read the spans of an event where the articles are at hand and unchanged."""
    from eventstudy.articles.text import printable, read_document
    from eventstudy.errors import TableError

    if not event.features.get("article"):
        return ["no article is named for this event"]
    names, digests, spans = (
        str(event.features.get(key, "")).split(";") for key in ("article", "article_sha256", "span")
    )
    lines = []
    for name, digest, span in zip(names, digests, spans, strict=False):
        try:
            document = read_document(Path(folder) / Path(name).name)
        except TableError:
            lines.append(f"{name} {span}: not in {folder}")
            continue
        start, _, end = span.partition("-")
        same = document.sha256 == digest and start.isdigit() and end.isdigit()
        text = printable(document.text[int(start) : int(end)]) if same else "the file has changed"
        lines.append(f"{name} {span}: {text}")
    return lines


def _kinds(table: EventTable) -> dict[str, int]:
    return Counter(event.kind or "-" for event in table)


def _rows(file: str) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    from eventstudy.errors import TableError
    from eventstudy.events.drafts import read_draft

    if file == "catalogue" and not Path(file).exists():
        msg = "the bundled one is not edited; name an event file of your own"
        raise TableError(msg, path=file)
    return read_draft(file)


def _save(file: str, columns: tuple[str, ...], rows: tuple[Row, ...]) -> None:
    """Write an event file only when it is one that reads back without a fault."""
    from eventstudy.events.drafts import to_csv, write_rows
    from eventstudy.events.table import parse_events

    parse_events(to_csv(columns, rows).encode(), file)
    write_rows(file, columns, rows)


def _placed(table: EventTable, market: str) -> tuple[SettlementCalendar, list[Placement]]:
    """Find the session of each dated event on the calendar of a market, in the order of time."""
    from eventstudy.alignment import place_event
    from eventstudy.calendars import settlement_calendar

    days = [event.date for event in table if event.date] or [dt.date(2000, 1, 1)]
    margin = dt.timedelta(15)
    calendar = settlement_calendar(market, min(days) - margin, max(days) + margin)
    placed = [place_event(event, calendar) for event in table if event.date]
    placed.sort(key=lambda item: (_moment(item.event), item.event.event_id))
    return calendar, placed


def _moment(event: Event) -> dt.datetime:
    if event.time:
        return event.time.astimezone(dt.UTC)
    zone = ZoneInfo(event.zone) if event.zone else dt.UTC
    return dt.datetime.combine(event.date or dt.date.min, dt.time(), zone).astimezone(dt.UTC)


def _plain_placement(item: Placement, calendar: SettlementCalendar) -> dict[str, Any]:
    """Return a placement as plain values."""
    event = item.event
    return {
        "event_id": event.event_id,
        "title": event.title,
        "new_york": _moment(event).astimezone(NEW_YORK).isoformat() if event.time else None,
        "date": str(event.date),
        "state": item.state,
        "session": _session_day(item.session, calendar),
        "alternative": _session_day(item.alternative, calendar),
        "reason": item.reason,
    }


def _session_day(index: int | None, calendar: SettlementCalendar) -> str | None:
    return None if index is None else str(calendar.sessions[index])


def _draw(placed: list[Placement], calendar: SettlementCalendar) -> None:
    """Draw a line for each settlement that lies between two events, or that one belongs to."""
    lines: list[tuple[dt.datetime, int, str]] = []
    for item in placed:
        moment = _moment(item.event)
        local = moment.astimezone(NEW_YORK)
        stated = f"{local:%Y-%m-%d %H:%M}" if item.event.time else f"{item.event.date}      "
        session = _session_day(item.session, calendar) or "-"
        if item.alternative is not None:
            session += f" or {_session_day(item.alternative, calendar)}"
        others = [
            other.event.event_id for other in placed
            if other is not item and other.session is not None and other.session == item.session
        ]  # fmt: skip
        text = f"{stated}  -> {session}  {item.state:<10} {item.event.event_id}: {item.event.title}"
        lines.append((moment, 1, text + (f"  [with {', '.join(others)}]" if others else "")))
        for index in (item.session, item.alternative):
            if index is not None and calendar.settlements is not None:
                settled = calendar.settlements[index].item().replace(tzinfo=dt.UTC)
                mark = f"{settled.astimezone(NEW_YORK):%Y-%m-%d %H:%M}  ---- settlement ----"
                lines.append((settled, 0, mark))
    for _, _, text in sorted(set(lines)):
        echo(text)
