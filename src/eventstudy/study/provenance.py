"""Versions, hashes and dates; and every move of an event as a note."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from operator import attrgetter
from platform import python_version

import numpy as np

from eventstudy import __version__
from eventstudy.alignment import Alignment
from eventstudy.events import Event, EventTable
from eventstudy.formats import listed
from eventstudy.notes import Note
from eventstudy.prices.table import PriceTable
from eventstudy.results import Provenance, clean
from eventstudy.results.tables import Effects, Series
from eventstudy.returns import ReturnPanel
from eventstudy.study.design import Study
from eventstudy.study.tabulate import Rolls

SHOWN = 6
LIBRARIES = ("numpy", "pandas", "scipy", "statsmodels", "arch", "matplotlib", "typst",
             "pandas-market-calendars", "tzdata")  # fmt: skip


def provenance_of(
    study: Study, events: EventTable, prices: PriceTable, series: Series
) -> Provenance:
    """Collect what a reader needs to make the same bytes again."""
    settings = json.dumps(clean(study.settings()), sort_keys=True, ensure_ascii=False)
    return Provenance(
        versions=(("oil-eventstudy", __version__), ("python", python_version()), *_versions()),
        study_sha256=hashlib.sha256(settings.encode()).hexdigest(),
        events_sha256=events.sha256 or _events_hash(events),
        prices_sha256=prices.sha256,
        as_of=max((last for last in series.last if last), default=""),
    )


def alignment_notes(pairs: Alignment, rolls: Rolls) -> list[Note]:
    """One note per event that was moved, doubled, dropped, or shares its session."""
    found: list[Note] = []
    several = len(set(pairs.asset.tolist())) > 1
    days = np.datetime_as_string(pairs.placements.calendar.sessions).tolist()
    flags = (
        ~pairs.studied, pairs.moved, pairs.alternative >= 0, pairs.n_confounded > 0,
        pairs.n_possible > 0, rolls.count > 0,
    )  # fmt: skip
    rows = np.flatnonzero(np.any(flags, axis=0))
    shared, ids = pairs.confounded(), pairs.event_ids(rows)
    said = zip(*(flag[rows].tolist() for flag in flags), strict=True)
    for row, event_id, (lost, *marks) in zip(rows.tolist(), ids, said, strict=True):
        if lost:
            pair = pairs[row]
            where = f" on {pair.asset}" if several and pair.state == "dropped" else ""
            text = f"not studied{where}: {pair.reason}"
            found.append(Note(pair.state, event_id, text))
            continue
        for kind, text in _placing(pairs, row, marks, days, shared, rolls):
            found.append(Note(kind, event_id, text))
    # what holds of an event on every asset is said once
    return list(dict.fromkeys(found)) if len(pairs) > len(pairs.placements) else found


def _placing(
    pairs: Alignment,
    row: int,
    marks: Sequence[bool],
    days: Sequence[str],
    shared: Mapping[int, Sequence[str]],
    rolls: Rolls,
) -> Iterator[tuple[str, str]]:
    """Yield the notes on a pair that is studied, by the marks on it."""
    moved, second, confounded, possible, rolled = marks
    session = days[pairs.placements.session[pairs.event[row]]]
    if moved:
        yield "moved", f"from {pairs[row].moved_from} to {session}: {pairs[row].reason}"
    if second:
        other = days[pairs[row].alternative or 0]
        yield "ambiguous", f"{session} or {other}: {pairs[row].reason}"
    if confounded:
        yield "confounded", f"session {session} is also that of {listed(shared[row])}"
    if possible:
        others = listed(pairs.perhaps_with(row))
        yield "confounded", f"session {session} may also be that of {others}"
    if rolled:
        taus = listed(rolls.taus(row))
        text = f"a roll falls into the event window of {pairs[row].asset}: tau {taus}"
        yield "roll", text


def filter_notes(effects: Effects) -> list[Note]:
    """Say where a test fell back to another filter or gave no number."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for index in np.flatnonzero(effects.filter_reason != "").tolist():
        row = effects.row(index)
        where = grouped.setdefault((row.asset, row.filter_reason), [])
        where.append(f"{row.event_id} {row.window}")
    return [
        Note("fallback", asset, f"{reason}: {listed(where, SHOWN, sep=', ')}")
        for (asset, reason), where in grouped.items()
    ]


def series_table(prices: PriceTable, panel: ReturnPanel) -> Series:
    """Collect where each series came from and what was done to it."""
    return Series.of([_series(name, prices, panel) for name in panel.names])


def _series(name: str, prices: PriceTable, panel: ReturnPanel) -> dict[str, object]:
    meta, column = prices.meta(name), panel.column(name)
    given = prices.data_kind == "returns"
    shown = panel.returns[:, column] if given else panel.levels[:, column]
    lived = np.flatnonzero(np.isfinite(shown))
    days = panel.calendar.sessions[lived]
    inner = int(lived[-1] - lived[0] + 1 - lived.size) if lived.size else 0
    repeats = 0 if given else int(np.sum(shown[1:] == shown[:-1]))
    first, last = (str(days[0]), str(days[-1])) if lived.size else ("", "")
    return {
        "name": name, "title": meta.title or name, "unit": meta.unit, "kind": meta.kind,
        "source": meta.source or prices.source, "first": first, "last": last,
        "n_sessions": int(lived.size), "n_missing": inner,
        "n_masked_rolls": int(panel.rolls[:, column].sum()), "n_stale": repeats,
        "as_of": meta.as_of or last, "observations": (days, shown[lived]),
    }  # fmt: skip


def _events_hash(events: EventTable) -> str:
    """Hash the content of events that come from no file, column by column."""
    digest = hashlib.sha256()
    for item in fields(Event):
        if item.name != "row":
            column = list(map(attrgetter(item.name), events))
            if column.count(None) < len(column):
                digest.update("\n".join([item.name, *map(repr, column), ""]).encode())
    return digest.hexdigest()


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    found = []
    for name in LIBRARIES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "not installed"))
    return tuple(found)
