"""Versions, hashes and dates; and every move of an event as a note."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from platform import python_version

import numpy as np
import pandas as pd

from eventstudy import __version__
from eventstudy.events import EventTable
from eventstudy.notes import Note
from eventstudy.prices.table import PriceTable
from eventstudy.results import Provenance, SeriesRecord
from eventstudy.returns import ReturnPanel

SHOWN = 6
LIBRARIES = ("numpy", "pandas", "scipy", "statsmodels", "arch", "matplotlib", "typst",
             "pandas-market-calendars", "tzdata")  # fmt: skip


def provenance_of(
    study_sha256: str, events: EventTable, prices: PriceTable, panel: ReturnPanel
) -> Provenance:
    """Collect what a reader needs to make the same bytes again."""
    records = tuple(_series(name, prices, panel) for name in panel.names)
    return Provenance(
        versions=(("oil-eventstudy", __version__), ("python", python_version()), *_versions()),
        study_sha256=study_sha256,
        events_sha256=events.sha256 or _events_hash(events),
        prices_sha256=prices.sha256,
        as_of=max((record.last for record in records if record.last), default=""),
        series=records,
    )


def alignment_notes(events: pd.DataFrame) -> list[Note]:
    """One note per event that was moved, doubled, dropped, or shares its session."""
    found: dict[tuple[str, str, str], Note] = {}
    several = len(set(events["asset"])) > 1
    for row in events.to_dict(orient="records"):
        subject = str(row["event_id"])
        if row["state"] in ("dropped", "undated"):
            where = f" on {row['asset']}" if several and row["state"] == "dropped" else ""
            add = Note(row["state"], subject, f"not studied{where}: {row['reason']}")
            found.setdefault((row["state"], subject, add.detail), add)
            continue
        if row["moved_from"]:
            text = f"from {row['moved_from']} to {row['session']}: {row['reason']}"
            found.setdefault(("moved", subject, text), Note("moved", subject, text))
        if row["alt_session"]:
            text = f"{row['session']} or {row['alt_session']}: {row['reason']}"
            found.setdefault(("ambiguous", subject, text), Note("ambiguous", subject, text))
        if row["confounded_with"]:
            text = f"session {row['session']} is also that of {row['confounded_with']}"
            found.setdefault(("confounded", subject, text), Note("confounded", subject, text))
        if row["perhaps_confounded_with"]:
            text = f"session {row['session']} may also be that of {row['perhaps_confounded_with']}"
            found.setdefault(("confounded", subject, text), Note("confounded", subject, text))
        if row["roll_taus"]:
            text = f"a roll falls into the event window of {row['asset']}: tau {row['roll_taus']}"
            found.setdefault(("roll", subject, text), Note("roll", subject, text))
    return list(found.values())


def filter_notes(effects: pd.DataFrame) -> list[Note]:
    """Say where a test stood on a fallback or gave no number."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for row in effects.to_dict(orient="records"):
        if row["filter_reason"]:
            key = (str(row["asset"]), str(row["filter_reason"]))
            grouped.setdefault(key, []).append(f"{row['event_id']} {row['window']}")
    return [
        Note("fallback", asset, f"{reason}: {_first(where)}")
        for (asset, reason), where in grouped.items()
    ]


def _first(items: list[str]) -> str:
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(items[:SHOWN]) + more


def _series(name: str, prices: PriceTable, panel: ReturnPanel) -> SeriesRecord:
    meta, column = prices.meta(name), panel.column(name)
    given = prices.data_kind == "returns"
    shown = panel.returns[:, column] if given else panel.levels[:, column]
    lived = np.flatnonzero(np.isfinite(shown))
    days = panel.calendar.sessions[lived]
    inner = int(lived[-1] - lived[0] + 1 - lived.size) if lived.size else 0
    repeats = 0 if given else int(np.sum(shown[1:] == shown[:-1]))
    first, last = (str(days[0]), str(days[-1])) if lived.size else ("", "")
    return SeriesRecord(
        name=name, title=meta.title or name, unit=meta.unit, kind=meta.kind,
        source=meta.source or prices.source, first=first, last=last,
        n_sessions=int(lived.size), n_missing=inner,
        n_masked_rolls=int(panel.rolls[:, column].sum()), n_stale=repeats,
        as_of=meta.as_of or last, sha256=_array_hash(days, shown[lived]),
    )  # fmt: skip


def _array_hash(days: np.ndarray, values: np.ndarray) -> str:
    digest = hashlib.sha256()
    for day, value in zip(days, values, strict=True):
        digest.update(f"{day},{value!r}\n".encode())
    return digest.hexdigest()


def _events_hash(events: EventTable) -> str:
    return hashlib.sha256(events.frame().to_csv(lineterminator="\n").encode()).hexdigest()


def _versions() -> list[tuple[str, str]]:
    found = []
    for name in LIBRARIES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "not installed"))
    return found
