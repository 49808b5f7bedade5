"""Versions, hashes and dates; and every move of an event as a note."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from operator import attrgetter
from platform import python_version

import numpy as np

from eventstudy import __version__
from eventstudy.alignment import Alignment, Pair
from eventstudy.events import Event, EventTable
from eventstudy.formats import listed
from eventstudy.notes import Note
from eventstudy.prices.table import PriceTable
from eventstudy.results import Provenance
from eventstudy.results.tables import Effects, Series
from eventstudy.returns import ReturnPanel
from eventstudy.study.tabulate import Rolls

SHOWN = 6
LIBRARIES = ("numpy", "pandas", "scipy", "statsmodels", "arch", "matplotlib", "typst",
             "pandas-market-calendars", "tzdata")  # fmt: skip


def provenance_of(
    study_sha256: str, events: EventTable, prices: PriceTable, series: Series
) -> Provenance:
    """Collect what a reader needs to make the same bytes again."""
    return Provenance(
        versions=(("oil-eventstudy", __version__), ("python", python_version()), *_versions()),
        study_sha256=study_sha256,
        events_sha256=events.sha256 or _events_hash(events),
        prices_sha256=prices.sha256,
        as_of=max((last for last in series.last if last), default=""),
    )


def alignment_notes(pairs: Alignment, rolls: Rolls) -> list[Note]:
    """One note per event that was moved, doubled, dropped, or shares its session."""
    found: dict[Note, None] = {}
    said = (
        ~pairs.studied | pairs.moved | (pairs.alternative >= 0) | (rolls.count > 0)
        | (pairs.n_confounded > 0) | (pairs.n_possible > 0)
    )  # fmt: skip
    several = len(set(pairs.asset.tolist())) > 1
    days = np.datetime_as_string(pairs.placements.calendar.sessions).tolist()
    for row in np.flatnonzero(said).tolist():
        pair = pairs[row]
        if pair.studied:
            for kind, text in _placing(pair, days, rolls):
                found.setdefault(Note(kind, pair.event_id, text))
        else:
            where = f" on {pair.asset}" if several and pair.state == "dropped" else ""
            text = f"not studied{where}: {pair.reason}"
            found.setdefault(Note(pair.state, pair.event_id, text))
    return list(found)


def _placing(pair: Pair, days: list[str], rolls: Rolls) -> Iterator[tuple[str, str]]:
    session = days[pair.session or 0]
    if moved_from := pair.moved_from:
        yield "moved", f"from {moved_from} to {session}: {pair.reason}"
    if (second := pair.alternative) is not None:
        yield "ambiguous", f"{session} or {days[second]}: {pair.reason}"
    if others := pair.confounded_with:
        yield "confounded", f"session {session} is also that of {listed(others)}"
    if others := pair.perhaps_with:
        yield "confounded", f"session {session} may also be that of {listed(others)}"
    if taus := rolls.taus(pair.row):
        text = f"a roll falls into the event window of {pair.asset}: tau {listed(taus)}"
        yield "roll", text


def filter_notes(effects: Effects) -> list[Note]:
    """Say where a test fell back to another filter or gave no number."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for index in np.flatnonzero(effects.filter_reason != ""):
        row = effects.row(int(index))
        grouped.setdefault((row.asset, row.filter_reason), []).append(
            f"{row.event_id} {row.window}"
        )
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
        "name": name,
        "title": meta.title or name,
        "unit": meta.unit,
        "kind": meta.kind,
        "source": meta.source or prices.source,
        "first": first,
        "last": last,
        "n_sessions": int(lived.size),
        "n_missing": inner,
        "n_masked_rolls": int(panel.rolls[:, column].sum()),
        "n_stale": repeats,
        "as_of": meta.as_of or last,
        "observations": (days, shown[lived]),
    }


def _events_hash(events: EventTable) -> str:
    """Hash the content of events that come from no file, column by column."""
    digest = hashlib.sha256()
    for item in fields(Event):
        if item.name != "row":
            column = map(repr, map(attrgetter(item.name), events))
            digest.update("\n".join([item.name, *column, ""]).encode())
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
