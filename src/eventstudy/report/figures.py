"""Figures as the template reads them: file, width, caption, and words for those who cannot see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eventstudy.charts.letters import readable
from eventstudy.report.numbers import true_minus

if TYPE_CHECKING:
    from eventstudy.charts import SavedFigure
    from eventstudy.results import StudyResult

MAX_HEIGHT = 620.0  # points that a figure may take on an A4 page
_SIZE = re.compile(rb'(?:width|height)="([\d.]+)pt"')


def figure_entry(result: StudyResult, figure: SavedFigure) -> dict[str, Any]:
    """Return a figure as the template reads it."""
    width, height = map(float, _SIZE.findall(figure.svg)[:2])
    caption, alt = _words(result, figure)
    return {
        "file": f"{figure.stem}.svg",
        "width": width * min(1.0, MAX_HEIGHT / height),
        "caption": true_minus(caption),
        "alt": alt,
    }


def twin_of(result: StudyResult, event_id: str, own: Mapping[str, Any]) -> str:
    """Name the event whose charts stand for those of another on the same sessions."""
    if event_id in own:
        return ""
    ab = result.abnormal
    places = list(zip(ab.event_ids, ab.assets, ab.position.tolist(), strict=True))
    mine = {place[1:] for place in places if place[0] == event_id}
    return next((e for e, *place in places if e in own and tuple(place) in mine), "")


def _words(result: StudyResult, figure: SavedFigure) -> tuple[str, str]:
    asset, window = readable(figure.asset), result.abnormal.window
    if figure.which == "prices":
        return f"{asset}: price around the events.", (
            "Line chart of the price with a numbered vertical line at the session of each event; "
            "the key below the chart names the events."
        )
    if figure.which == "effects":
        return f"{asset}: effects over {result.headline} with their intervals.", (
            "A row per event with its effect as a point and its interval as a line; the numbers "
            "are in the summary table."
        )
    if figure.which == "caar":
        return (
            f"{asset}: mean cumulative abnormal return over all events. The band allows for "
            "windows that share sessions."
        ), (
            f"Line chart of the mean cumulative abnormal return from {window.start} to "
            f"{window.end} sessions from the event, with a band around zero that widens."
        )
    return _event_words(result, figure)


def _event_words(result: StudyResult, figure: SavedFigure) -> tuple[str, str]:
    own, window = f"{readable(figure.event_id)}, {readable(figure.asset)}", result.abnormal.window
    return (
        f"{own}: abnormal returns, their sum from session {window.start} on, and the event among "
        "ordinary windows."
    ), (
        f"Charts for {own}: abnormal returns from {window.start} to {window.end} sessions from the "
        "event with intervals; their running sum with a band; and where there is history a "
        "histogram of the effects of ordinary windows with the event marked."
    )
