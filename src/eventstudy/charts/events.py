"""All events of an asset: their effects, their mean, and the price around them.

Every ``plot_...(result, asset, ax=None)`` draws on `ax`, or on a new figure where `ax` is None, and
returns the matplotlib figure drawn on. An asset without what is drawn raises `UnknownNameError`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from eventstudy.charts import style
from eventstudy.charts.event import finish_path, in_scale, path_band
from eventstudy.errors import UnknownNameError
from eventstudy.windows import Window, WindowLike, as_window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eventstudy.arrays import FloatArray
    from eventstudy.models.abnormal import AbnormalReturns
    from eventstudy.results import StudyResult
    from eventstudy.results.tables import EffectRow, EventRow

BEFORE, AFTER = 20, 15
MAX_EVENTS = 40
KEY_COLUMNS = 2
Point = tuple[float, style.Mark, "EffectRow"]


def plot_effects(
    result: StudyResult, asset: str, *, window: WindowLike | None = None, ax: Axes | None = None
) -> Figure:
    """Draw the effects of all events of an asset side by side with their intervals.

    A row per event, in order of session; an ambiguous event has a second, hollow point for its
    second session. Beyond 40 events the first 40 are drawn and the title says so.

    Parameters
    ----------
    window : pair, optional
        A CAR window of the study; the headline window by default.

    Raises
    ------
    UnknownNameError
        When the asset has no results or the window is none of the study's.
    """
    chosen = result.headline if window is None else as_window(window)
    style.require_asset(asset, result.abnormal.assets, "results for")
    if chosen not in result.windows:
        msg = f"window {chosen} is none of this study's: {', '.join(map(str, result.windows))}"
        raise UnknownNameError(msg)
    events = style.studied_events(result, asset)
    shown = events[:MAX_EVENTS]
    points = [p for row, event in enumerate(shown) for p in _points(result, event, chosen, row)]
    base = [e.base_price for _, _, e in points if e.has_effect]
    scale = style.scale_of(result, asset, np.array(base))
    with style.drawing(ax, height=1.2 + 0.25 * len(shown)) as (figure, axes):
        axes.axvline(0, color=style.BLACK, lw=0.7)
        for row, mark, e in points:
            percent, usd = (
                (e.percent, e.percent_low, e.percent_high),
                (e.usd, e.usd_low, e.usd_high),
            )
            _draw(axes, row, mark, percent if scale.in_percent else usd)
        _rows(axes, shown)
        cover = f"{style.coverage(result)} interval"
        axes.set_xlabel(f"effect over {chosen}, {scale.unit}, with {cover}")
        axes.set_title(f"Effects: {style.shorten(asset, 18)}{_cut(shown, events)}")
        _legend(axes, points)
    return figure


def plot_caar(result: StudyResult, asset: str | None = None, *, ax: Axes | None = None) -> Figure:
    """Draw the mean cumulative abnormal return over events with a band, in per cent.

    The band allows for windows that share sessions: a session that d event windows cover counts
    d times in the sum, so its variance enters with d squared. Several assets on one session are
    taken as moving together, which errs on the wide side. Without `asset` all pairs enter.

    Raises
    ------
    UnknownNameError
        When the study has no result for the asset.
    """
    if asset is not None:
        style.require_asset(asset, result.abnormal.assets, "results for")
    rows = [i for i, name in enumerate(result.abnormal.assets) if asset in (None, name)]
    part, scale = in_scale(result, asset or result.abnormal.assets[0], np.array(rows))
    half = _mean_half_width(part, result.level)
    path = scale(np.cumsum(_mean(part.ar)))
    name = style.shorten(asset, 20) if asset else f"{len(set(part.assets))} assets"
    events = len(set(part.event_ids))
    with style.drawing(ax) as (figure, axes):
        tau = path_band(axes, part, scale, half, f"{style.coverage(result)} band, no effect")
        axes.plot(tau, path, "-s", ms=3.5, color=style.GREEN,
                label=f"mean of {events} event{'s' * (events > 1)}")  # fmt: skip
        finish_path(axes, f"Mean cumulative abnormal return: {name}", scale.unit, tau)
    return figure


def plot_prices(result: StudyResult, asset: str, *, ax: Axes | None = None) -> Figure:
    """Draw the price around the events; numbers above the sessions lead to a key below.

    Raises
    ------
    UnknownNameError
        When the study has no prices of the asset, for instance because it was given returns.
    """
    style.require_asset(asset, result.prices.columns, "prices of")
    events = style.studied_events(result, asset)
    shown = events[:MAX_EVENTS]
    price = _around(result.prices[asset].dropna(), shown)
    flags = _flags(shown, price)
    rows = -(-len(shown) // KEY_COLUMNS)
    with style.drawing(ax, height=3.1 + 0.135 * rows) as (figure, axes):
        axes.plot(_days(price.index), price.to_numpy(), color=style.GREY, lw=1.1)
        _mark_sessions(axes, shown, price)
        _mark_moves(axes, shown, price)
        _mark_flags(axes, flags)
        lanes = 1 + max((flag.lane for flag in flags), default=-1)
        title = f"Price and events: {style.shorten(asset, 24)}{_cut(shown, events, ' events')}"
        axes.set_title(title, pad=6 + 9 * lanes)
        _dress(axes, result.units.get(asset) or "price")
        _key(axes, shown)
    return figure


def _cut(shown: Sequence[EventRow], events: Sequence[EventRow], what: str = "") -> str:
    """Say in a title that not all events are drawn."""
    cut = len(shown) < len(events)
    return f" (first {len(shown)} of {len(events)}{what})" if cut else ""


# ---- effects


def _points(result: StudyResult, event: EventRow, window: Window, row: int) -> list[Point]:
    """Effects on the first and on the second possible session, with their marks and heights."""
    marks = (style.mark_of(event), style.ALTERNATIVE)
    found = [result.effect_of(event, window, second=second) for second in (False, True)]
    effects = [
        (mark, effect) for mark, effect in zip(marks, found, strict=True) if effect is not None
    ]
    shifts = (-0.18, 0.18) if len(effects) > 1 else (0.0,)
    return [(row + k, mark, e) for k, (mark, e) in zip(shifts, effects, strict=False)]


def _draw(ax: Axes, row: float, mark: style.Mark, values: tuple[float, float, float]) -> None:
    effect, low, high = values
    ax.plot([low, high], [row] * 2, color=mark.colour, lw=1.1,
            ls="-" if mark.filled else (0, (3, 1.5)))  # fmt: skip
    ax.plot(effect, row, mark.marker, ms=5, mec=mark.colour, mew=1.1,
            color=mark.colour if mark.filled else "white")  # fmt: skip


def _rows(ax: Axes, events: Sequence[EventRow]) -> None:
    names = [f"{style.shorten(event.event_id)}  {event.session}" for event in events]
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=style.LIGHT, lw=0.5)
    for row in range(1, len(names)):
        ax.axhline(row - 0.5, color=style.LIGHT, lw=0.4)
    ax.spines["left"].set_color(style.GREY)


def _legend(ax: Axes, points: list[Point]) -> None:
    for mark in dict.fromkeys(mark for _, mark, _ in points):
        ax.plot([], [], color=mark.colour, marker=mark.marker, mec=mark.colour, lw=1.1, ms=5,
                mfc=mark.colour if mark.filled else "white", label=mark.meaning,
                ls="-" if mark.filled else (0, (3, 1.5)))  # fmt: skip
    style.legend_below(ax, columns=2, centre=0.4)


# ---- mean path


def _mean(ar: FloatArray) -> FloatArray:
    """Mean over events at each session (W,); zero where no event has a return."""
    empty = ~np.isfinite(ar).any(axis=0)
    return np.asarray(np.nanmean(np.where(empty, 0.0, ar), axis=0))


def _mean_half_width(abnormal: AbnormalReturns, level: float) -> FloatArray:
    from scipy.stats import norm

    n, start = len(abnormal), abnormal.window.start
    total = []
    for tau in abnormal.window.taus:
        part = abnormal.restrict(Window(start, tau))
        sessions = part.position[:, None] + np.array(part.window.taus)
        _, cover = np.unique(sessions[np.isfinite(part.ar)], return_counts=True)
        parameters = np.nan_to_num(part.variance - part.s2 * part.n_sessions)
        total.append(part.s2.mean() * (cover**2).sum() / n**2 + parameters.mean())
    return np.asarray(norm.isf(level / 2) * np.sqrt(total))


# ---- prices


@dataclass(frozen=True, slots=True)
class _Flag:
    session: pd.Timestamp
    numbers: str
    lane: int


def _days(moments: object) -> list[float]:
    """Days as matplotlib counts them, so that no unit converter is involved."""
    from matplotlib.dates import date2num

    return [float(day) for day in date2num(moments)]  # type: ignore[no-untyped-call]  # matplotlib's


def _around(price: pd.Series, events: Sequence[EventRow]) -> pd.Series:
    if not events:
        return price
    ends = pd.DatetimeIndex([events[0].session, events[-1].session])  # they are in order
    first, last = price.index.searchsorted(ends)
    return price.iloc[max(0, first - BEFORE) : last + AFTER + 1]


def _flags(events: Sequence[EventRow], price: pd.Series) -> list[_Flag]:
    """Give each session its numbers, and a lane in which they touch no neighbour's."""
    span = max((price.index[-1] - price.index[0]).days, 1)
    ends: list[float] = []
    flags = []
    for session, group in groupby(enumerate(events, 1), key=lambda item: item[1].session):
        text = _ranges([number for number, _ in group])
        moment = pd.Timestamp(str(session))
        centre = (moment - price.index[0]).days / span
        half = (0.5 * len(text) + 0.8) * 0.0105
        lane = next((k for k, end in enumerate(ends) if end <= centre - half), len(ends))
        ends[lane : lane + 1] = [centre + half]
        flags.append(_Flag(moment, text, lane))
    return flags


def _ranges(numbers: list[int]) -> str:
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:  # noqa: PLR2004  # a run
        return f"{numbers[0]}\u2013{numbers[-1]}"
    return ",".join(map(str, numbers))


def _mark_sessions(ax: Axes, events: Sequence[EventRow], price: pd.Series) -> None:
    """Mark the first and the second possible session of each event, each kind once."""
    possible = [
        (session, mark) for event in events
        for session, mark in (
            (event.session, style.mark_of(event)), (event.alt_session, style.ALTERNATIVE)
        )
        if session is not None and pd.Timestamp(session) in price.index
    ]  # fmt: skip
    named: set[style.Mark] = set()
    for session, mark in dict.fromkeys(possible):
        moment = pd.Timestamp(session)
        ax.plot(
            _days([moment]), [price[moment]], mark.marker, ms=5.5 if mark.filled else 7.5,
            mec=mark.colour, mew=1.2, color=mark.colour if mark.filled else "none",
            label="_" if mark in named else mark.meaning, ls="none", zorder=3,
        )  # fmt: skip
        named.add(mark)


def _mark_moves(ax: Axes, events: Sequence[EventRow], price: pd.Series) -> None:
    """Mark stated dates that are not sessions, at the foot of the chart."""
    moved = dict.fromkeys(pd.Timestamp(e.moved_from[:10]) for e in events if e.moved_from)
    stated = [day for day in moved if price.index[0] <= day <= price.index[-1]]
    if stated:
        ax.plot(
            _days(stated), [0.02] * len(stated), "^", ms=4.5, color=style.BLACK, ls="none",
            transform=ax.get_xaxis_transform(), label="date stated, moved to its session",
        )  # fmt: skip


def _mark_flags(ax: Axes, flags: list[_Flag]) -> None:
    for flag in flags:
        (day,) = _days([flag.session])
        ax.axvline(day, color=style.GREY, lw=0.6, ls=(0, (2, 2)), zorder=1)
        ax.annotate(
            flag.numbers, (day, 1.0), xycoords=("data", "axes fraction"),
            xytext=(0, 3 + 9 * flag.lane), textcoords="offset points", ha="center", va="bottom",
            fontsize=6.5, color=style.BLACK, annotation_clip=False,
        )  # fmt: skip


def _dress(ax: Axes, unit: str) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter

    ax.set_ylabel(unit)
    locator = AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]  # matplotlib's
    ax.xaxis.set_major_locator(locator)
    # Month names would hang on the locale.
    ax.xaxis.set_major_formatter(DateFormatter("%Y-%m-%d"))  # type: ignore[no-untyped-call]  # same
    ax.grid(axis="y", color=style.LIGHT, lw=0.5)
    ax.margins(x=0.01)
    ax.legend(loc="best", frameon=True, facecolor="white", edgecolor="none", framealpha=0.85)


def _key(ax: Axes, events: Sequence[EventRow]) -> None:
    names = [f"{i}  {style.shorten(e.event_id, 36)}, {e.session}" for i, e in enumerate(events, 1)]
    rows = -(-len(names) // KEY_COLUMNS)
    for column in range(KEY_COLUMNS):
        ax.annotate(
            "\n".join(names[column * rows : (column + 1) * rows]), (column / KEY_COLUMNS, 0.0),
            xycoords="axes fraction", xytext=(0, -30), textcoords="offset points",
            ha="left", va="top", fontsize=6.5, linespacing=1.35, annotation_clip=False,
        )  # fmt: skip
