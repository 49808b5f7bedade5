"""Names, units and markers that the charts have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventstudy.charts.letters import readable
from eventstudy.charts.style import BLACK, BLUE, ORANGE

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.results import StudyResult


@dataclass(frozen=True, slots=True)
class Mark:
    """How a point of a certain state looks."""

    marker: str
    colour: str
    filled: bool
    meaning: str


KEPT = Mark("o", BLUE, True, "event on its session")
AMBIGUOUS = Mark("D", ORANGE, True, "session not certain: the first")
ALTERNATIVE = Mark("D", ORANGE, False, "session not certain: the second")
CONFOUNDED = Mark("s", BLACK, False, "confounded: shares its session")


def mark_of(event: pd.Series) -> Mark:
    """Choose the mark of a row of `StudyResult.events`."""
    if event["state"] == "ambiguous":
        return AMBIGUOUS
    if event["state"] == "confounded":
        return CONFOUNDED
    return KEPT


def shorten(text: object, width: int = 34) -> str:
    """Cut a label in the middle, where names of events differ least."""
    shown = readable(text)
    if len(shown) <= width:
        return shown
    tail = width // 3
    return f"{shown[: width - tail - 1]}…{shown[-tail:]}"


def scale(result: StudyResult, asset: str) -> tuple[float, str]:
    """Return the factor and the unit in which returns of an asset are drawn."""
    if result.return_kind == "change":
        return 1.0, result.units.get(asset) or "units of the price"
    return 100.0, "log return \u00d7 100" if result.return_kind == "log" else "%"


def dated(result: StudyResult, asset: str) -> pd.DataFrame:
    """Events of an asset that have an effect, by session."""
    events = result.events
    rows = events[(events["asset"] == asset) & (events["session"].fillna("") != "")]
    known = set(zip(result.abnormal.event_ids, result.abnormal.assets, strict=True))
    inside = [(e, asset) in known for e in rows["event_id"]]
    return rows[inside].sort_values(["session", "event_id"], kind="stable")


def interval_name(result: StudyResult) -> str:
    """Return the coverage of the study's intervals, such as ``95 % interval``."""
    return f"{100 * (1 - result.level):g} % interval"
