"""Effects of all events side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventstudy.charts.labels import (
    ALTERNATIVE,
    Mark,
    dated,
    interval_name,
    mark_of,
    scale,
    shorten,
)
from eventstudy.charts.style import BLACK, GREY, LIGHT, canvas, legend_below, styled
from eventstudy.errors import UnknownNameError, did_you_mean
from eventstudy.windows import Window, WindowLike, as_window

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eventstudy.results import StudyResult

MAX_EVENTS = 40


@dataclass(frozen=True, slots=True)
class _Point:
    row: float
    effect: float
    low: float
    high: float
    mark: Mark


def plot_effects(
    result: StudyResult,
    asset: str,
    *,
    window: WindowLike | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the effects of all events of an asset side by side with their intervals.

    A row per event, in order of session; an ambiguous event has a second, hollow point for its
    second session. Beyond 40 events the first 40 are drawn and the title says so.

    Parameters
    ----------
    result : StudyResult
    asset : str
    window : pair, optional
        A CAR window of the study; the headline window by default.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Figure
        The figure drawn on.

    Raises
    ------
    UnknownNameError
        When the asset has no results or the window is none of the study's.
    """
    chosen = result.headline if window is None else as_window(window)
    _check(result, asset, chosen)
    events = dated(result, asset)
    shown = events.head(MAX_EVENTS)
    points = [
        p for row, (_, e) in enumerate(shown.iterrows()) for p in _points(result, e, chosen, row)
    ]
    with styled():
        figure, ax = canvas(ax, height=1.2 + 0.25 * len(shown))
        ax.axvline(0, color=BLACK, lw=0.7)
        for point in points:
            _draw(ax, point)
        _rows(ax, shown)
        _, unit = scale(result, asset)
        ax.set_xlabel(f"effect over {chosen}, {unit}, with {interval_name(result)}")
        ax.set_title(_title(asset, len(shown), len(events)))
        _legend(ax, points)
    return figure


def _check(result: StudyResult, asset: str, window: Window) -> None:
    if asset not in result.abnormal.assets:
        msg = f"no results for asset {asset!r}; {did_you_mean(asset, result.abnormal.assets)}"
        raise UnknownNameError(msg)
    if window not in result.windows:
        msg = f"window {window} is none of this study's: {', '.join(map(str, result.windows))}"
        raise UnknownNameError(msg)


def _points(result: StudyResult, event: pd.Series, window: Window, row: int) -> list[_Point]:
    factor, _ = scale(result, event["asset"])
    tables = ((result.effects, mark_of(event)), (result.alternatives, ALTERNATIVE))
    found = [(mark, r) for table, mark in tables for r in _find(table, event, window)]
    shift = 0.18 if len(found) > 1 else 0.0
    return [
        _Point(
            row=row - shift + 2 * shift * k,
            effect=factor * effect,
            low=factor * low,
            high=factor * high,
            mark=mark,
        )
        for k, (mark, (effect, low, high)) in enumerate(found)
    ]


def _find(
    table: pd.DataFrame, event: pd.Series, window: Window
) -> list[tuple[float, float, float]]:
    same = (table["event_id"] == event["event_id"]) & (table["asset"] == event["asset"])
    rows = table[
        same & (table["window_start"] == window.start) & (table["window_end"] == window.end)
    ]
    return list(rows[["effect", "ci_low", "ci_high"]].itertuples(index=False, name=None))


def _draw(ax: Axes, point: _Point) -> None:
    mark = point.mark
    ax.plot([point.low, point.high], [point.row] * 2, color=mark.colour, lw=1.1,
            ls="-" if mark.filled else (0, (3, 1.5)))  # fmt: skip
    ax.plot(point.effect, point.row, mark.marker, ms=5, mec=mark.colour, mew=1.1,
            color=mark.colour if mark.filled else "white")  # fmt: skip


def _rows(ax: Axes, events: pd.DataFrame) -> None:
    names = [
        f"{shorten(e)}  {s}" for e, s in zip(events["event_id"], events["session"], strict=True)
    ]
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=LIGHT, lw=0.5)
    for row in range(1, len(names)):
        ax.axhline(row - 0.5, color=LIGHT, lw=0.4)
    ax.spines["left"].set_color(GREY)


def _title(asset: str, shown: int, total: int) -> str:
    cut = f" (first {shown} of {total})" if shown < total else ""
    return f"Effects: {shorten(asset, 18)}{cut}"


def _legend(ax: Axes, points: list[_Point]) -> None:
    for mark in dict.fromkeys(point.mark for point in points):
        ax.plot([], [], color=mark.colour, marker=mark.marker, mec=mark.colour, lw=1.1, ms=5,
                mfc=mark.colour if mark.filled else "white", label=mark.meaning,
                ls="-" if mark.filled else (0, (3, 1.5)))  # fmt: skip
    legend_below(ax, columns=2, centre=0.4)
