"""The figures of a report, each declared once: what draws it, for what, its caption and its words.

A new figure is a function in `eventstudy.charts` and an entry of `FIGURES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from eventstudy.charts.event import plot_event
from eventstudy.charts.events import plot_caar, plot_effects, plot_prices
from eventstudy.charts.glyphs import transliterate
from eventstudy.charts.style import render, studied_events
from eventstudy.formats import true_minus
from eventstudy.progress import Progress, silent
from eventstudy.report.typeset import figure_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from eventstudy.results import StudyResult

Kinds = Literal["pdf", "png", "both"]
MAX_ASSETS = 6
MAX_PAIRS = 24
MAX_HEIGHT = 620.0  # points that a figure may take on an A4 page
_SIZE = re.compile(rb'(?:width|height)="([\d.]+)pt"')


@dataclass(frozen=True, slots=True)
class ReportFigure:
    """A figure of the report.

    `name` is how its file names begin. An asset gets one in the summary, a pair in the section of
    its event, if `drawn(result, asset)`, by `draw(result, asset)` or `draw(result, event_id,
    asset)`. `caption`, and `alt` for those who cannot see it, may hold ``{event}``, ``{asset}``,
    ``{window}`` (the headline), ``{start}`` and ``{end}`` (the event window).
    """

    name: str
    each: Literal["asset", "pair"]
    draw: Callable[..., Figure]
    caption: str
    alt: str
    drawn: Callable[[StudyResult, str], bool] = lambda _result, _asset: True


FIGURES = (
    ReportFigure(
        "prices", "asset", plot_prices,
        caption="{asset}: price around the events.",
        alt="Line chart of the price with a numbered vertical line at the session of each event; "
        "the key below the chart names the events.",
        drawn=lambda result, asset: asset in result.prices,
    ),
    ReportFigure(
        "caar", "asset", plot_caar,
        caption="{asset}: mean cumulative abnormal return over all events. The band allows for "
        "windows that share sessions.",
        alt="Line chart of the mean cumulative abnormal return from {start} to {end} sessions from "
        "the event, with a band around zero that widens.",
        drawn=lambda result, asset: len(studied_events(result, asset)) > 1,
    ),
    ReportFigure(
        "effects", "asset", plot_effects,
        caption="{asset}: effects over {window} with their intervals.",
        alt="A row per event with its effect as a point and its interval as a line; the numbers "
        "are in the summary table.",
    ),
    ReportFigure(
        "event", "pair", plot_event,
        caption="{event}, {asset}: abnormal returns, their sum from session {start} on, and the "
        "event among ordinary windows.",
        alt="Charts for {event}, {asset}: abnormal returns from {start} to {end} sessions from the "
        "event with intervals; their running sum with a band; and where there is history a "
        "histogram of the effects of ordinary windows with the event marked.",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """A figure that was drawn; `stem` names its files, no event is that of an asset."""

    figure: ReportFigure
    stem: str
    asset: str
    event_id: str
    svg: bytes

    def entry(self, result: StudyResult) -> dict[str, Any]:
        """Return the figure as the template reads it."""
        width, height = map(float, _SIZE.findall(self.svg)[:2])
        window = result.abnormal.window
        words = {
            "asset": transliterate(self.asset), "event": transliterate(self.event_id),
            "window": result.headline, "start": window.start, "end": window.end,
        }  # fmt: skip
        return {
            "file": f"{self.stem}.svg",
            "width": width * min(1.0, MAX_HEIGHT / height),
            "caption": true_minus(self.figure.caption.format(**words)),
            "alt": self.figure.alt.format(**words),
        }


def draw_figures(
    result: StudyResult,
    folder: Path,
    *,
    kinds: Kinds = "both",
    pairs: int = MAX_PAIRS,
    progress: Progress = silent,
) -> tuple[DrawnFigure, ...]:
    """Draw every figure of a result into a folder, which is made when missing.

    Figures of an asset are drawn for the first six, those of pairs for the first `pairs`, events in
    order of the study, so that a large study ends. Each is drawn once, as SVG; its files are made
    from that. `progress` is called with ``"figures"``, done and total after each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = list(_jobs(result, pairs))
    names = _unique([_slug(*job) for job in jobs])
    drawn = []
    for k, ((figure, event_id, asset), name) in enumerate(zip(jobs, names, strict=True), 1):
        svg = render(figure.draw(result, *filter(None, (event_id, asset))), "svg")
        for kind in ("pdf", "png"):
            if kinds in (kind, "both"):
                (folder / f"{name}.{kind}").write_bytes(figure_file(svg, kind))
        drawn.append(DrawnFigure(figure, name, asset, event_id, svg))
        progress("figures", k, len(jobs))
    return tuple(drawn)


def _jobs(result: StudyResult, pairs: int) -> Iterator[tuple[ReportFigure, str, str]]:
    """Give each figure with its event, empty for those of an asset, and its asset."""
    assets = [("", a) for a in result.assets if a in result.abnormal.assets][:MAX_ASSETS]
    for event_id, asset in (*assets, *_pairs(result)[:pairs]):
        for figure in FIGURES:
            if (figure.each == "pair") == bool(event_id) and figure.drawn(result, asset):
                yield figure, event_id, asset


def _pairs(result: StudyResult) -> list[tuple[str, str]]:
    """Pairs, the first asset of every event before the second of any, one for each session.

    Events that share a session have the same charts, which stand under the first of them.
    """
    ab = result.abnormal
    found: dict[str, list[str]] = {}
    seen: set[tuple[str, int]] = set()
    for event_id, asset, position in zip(ab.event_ids, ab.assets, ab.position, strict=True):
        if (asset, int(position)) not in seen:
            found.setdefault(event_id, []).append(asset)
        seen.add((asset, int(position)))
    depth = max(map(len, found.values()), default=0)
    return [(e, a[k]) for k in range(depth) for e, a in found.items() if k < len(a)]


def _slug(figure: ReportFigure, event_id: str, asset: str) -> str:
    parts = (figure.name, event_id, asset)
    text = "_".join(re.sub(r"[^A-Za-z0-9-]+", "-", part).strip("-") for part in parts if part)
    return text[:80].lower()


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique
