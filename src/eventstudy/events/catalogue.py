"""The bundled catalogue of dated oil events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from eventstudy.errors import TableError, did_you_mean
from eventstudy.events.table import EventTable, read_events


def catalogue() -> EventTable:
    """Return the reviewed oil events of 1986 to early 2026.

    Each row has a kind, a place, the expected direction of the oil price, a source to look up, and
    `certainty`: ``"firm"``, or ``"uncertain: ..."`` with what is in doubt. An event without a
    known day is undated and bounded. Further columns are blank where an event has nothing in them.

    Examples
    --------
    >>> from eventstudy.events import catalogue
    >>> decisions = catalogue().select(kind="producer decision")
    """
    path = resources.files("eventstudy") / "data" / "catalogue.csv"
    with resources.as_file(path) as file:
        return read_events(file)


def load_events(path: str | Path, *, select: Mapping[str, Any] | None = None) -> EventTable:
    """Read an event file, or the catalogue where `path` is called ``catalogue`` and is no file.

    Parameters
    ----------
    path : str or Path
        A CSV file, or a path that ends in ``catalogue``.
    select : mapping, optional
        Arguments of `EventTable.select`; features that are blank for all that is kept are left out.

    Raises
    ------
    TableError
        When the file has faults, the selection leaves nothing, or it names an `event_id` that no
        event has.
    """
    place = Path(path)
    bundled = place.name == "catalogue" and not place.exists()
    table = catalogue() if bundled else read_events(place)
    if not select:
        return table
    name = "catalogue" if bundled else str(path)
    _check_ids(table, select.get("event_id", ()), name)
    chosen = table.select(**select).without_blank_features()
    if not len(chosen):
        asked = ", ".join(f"{key}: {_shown(value)}" for key, value in select.items())
        hint = _hint(table, select)
        msg = f"none of its {len(table)} event(s) fits the selection ({asked}); {hint}"
        raise TableError(msg, path=name)
    return chosen


def _check_ids(table: EventTable, asked: str | Iterable[str], name: str) -> None:
    """Refuse keys that no event has: a study with an event less would say nothing of it."""
    known = {key.casefold() for key in table.ids}
    for key in [asked] if isinstance(asked, str) else asked:
        if key.casefold() not in known:
            msg = f"the selection asks for {key!r}, and no event has that ID; "
            raise TableError(msg + did_you_mean(key, table.ids), path=name, column="event_id")


def _shown(value: object) -> str:
    return " or ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _hint(table: EventTable, select: Mapping[str, Any]) -> str:
    """Name what comes near to a kind that no event has."""
    kinds = {event.kind for event in table}
    asked = select.get("kind", ())
    strange = next((name for name in ([asked] if isinstance(asked, str) else asked)), None)
    return did_you_mean(strange, kinds) if strange and strange not in kinds else "widen it"
