"""All figures of a result as files with names that stay the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eventstudy.charts.effects import plot_effects
from eventstudy.charts.labels import dated
from eventstudy.charts.paths import plot_ar, plot_caar, plot_car
from eventstudy.charts.placebo import has_placebo, plot_placebo
from eventstudy.charts.prices import plot_prices
from eventstudy.charts.style import Chart, Format, render, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from eventstudy.results import StudyResult

Kinds = Literal["pdf", "png", "both"]
Which = Literal["prices", "effects", "caar", "event"]
MAX_ASSETS = 6
MAX_PAIRS = 24


@dataclass(frozen=True, slots=True)
class SavedFigure:
    """A figure that was drawn: what it shows, its name without suffix, and its vector form."""

    which: Which
    stem: str
    asset: str
    event_id: str
    svg: bytes


def save_figures(
    result: StudyResult,
    folder: Path,
    *,
    kinds: Kinds = "both",
    pairs: int = MAX_PAIRS,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[SavedFigure, ...]:
    """Draw every figure of a result into a folder.

    Prices, effects and the mean over events are drawn for the first six assets, the details of
    events for the first `pairs` pairs, events in order of the study, so that a large study ends.

    Parameters
    ----------
    result : StudyResult
    folder : Path
        Made when missing.
    kinds : {"pdf", "png", "both"}
    pairs : int
        Most pairs of an event and an asset that get a figure of their own.
    progress : callable, optional
        Told after each figure how many are done, and of how many.

    Returns
    -------
    tuple of SavedFigure
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = list(_jobs(result, pairs))
    names = _unique([_slug(job) for job in jobs])
    saved = []
    for k, (job, name) in enumerate(zip(jobs, names, strict=True), 1):
        figure = job.draw()
        svg = render(figure, "svg")
        figure.set_layout_engine("none")  # the layout is found: no need to look for it again
        for kind in _formats(kinds):
            (folder / f"{name}.{kind}").write_bytes(render(figure, kind))
        saved.append(SavedFigure(job.which, name, job.asset, job.event_id, svg))
        if progress:
            progress(k, len(jobs))
    return tuple(saved)


def plot_event(result: StudyResult, event_id: str, asset: str) -> Figure:
    """Draw the abnormal returns, the cumulative path and the placebo effects of a pair."""
    placebo = has_placebo(result, event_id, asset)
    with styled():
        figure = Chart(figsize=(7.0, 4.3 if placebo else 2.5), layout="constrained")
        grid = figure.add_gridspec(2 if placebo else 1, 2, height_ratios=[1.15, 1][: 1 + placebo])
        left, right = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
        plot_ar(result, event_id, asset, ax=left)
        left.set_title("Abnormal return, session by session")
        plot_car(result, event_id, asset, ax=right)
        right.set_title("Cumulative abnormal return")
        if placebo:
            lower = figure.add_subplot(grid[1, :])
            plot_placebo(result, event_id, asset, ax=lower)
            lower.set_title("The event among ordinary windows")
    return figure


@dataclass(frozen=True, slots=True)
class _Job:
    which: Which
    asset: str
    event_id: str
    draw: Callable[[], Figure]


def _jobs(result: StudyResult, pairs: int) -> Iterator[_Job]:
    assets = [a for a in result.assets if a in result.abnormal.assets][:MAX_ASSETS]
    for asset in assets:
        if asset in result.prices:
            yield _Job("prices", asset, "", partial(plot_prices, result, asset))
        if len(dated(result, asset)) > 1:
            yield _Job("caar", asset, "", partial(plot_caar, result, asset))
        yield _Job("effects", asset, "", partial(plot_effects, result, asset))
    for event_id, asset in _pairs(result)[:pairs]:
        yield _Job("event", asset, event_id, partial(plot_event, result, event_id, asset))


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


def _formats(kinds: Kinds) -> tuple[Format, ...]:
    return ("pdf", "png") if kinds == "both" else (kinds,)


def _slug(job: _Job) -> str:
    parts = (job.which, job.event_id, job.asset)
    text = "_".join(re.sub(r"[^A-Za-z0-9-]+", "-", part).strip("-") for part in parts if part)
    return text[:80].lower()


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique
