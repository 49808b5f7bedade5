"""The price around the events, with events and sessions marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from eventstudy.charts.labels import ALTERNATIVE, Mark, dated, mark_of, shorten
from eventstudy.charts.style import BLACK, GREY, LIGHT, canvas, styled
from eventstudy.errors import UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eventstudy.results import StudyResult

BEFORE, AFTER = 20, 15
MAX_EVENTS = 40
KEY_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class _Flag:
    session: pd.Timestamp
    numbers: str
    lane: int


def plot_prices(result: StudyResult, asset: str, *, ax: Axes | None = None) -> Figure:
    """Draw the price around the events; numbers above the sessions lead to a key below.

    Parameters
    ----------
    result : StudyResult
    asset : str
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Figure
        The figure drawn on.

    Raises
    ------
    UnknownNameError
        When the study has no prices of the asset, for instance because it was given returns.
    """
    if asset not in result.prices:
        msg = (
            f"no prices of asset {asset!r}; {did_you_mean(asset, map(str, result.prices.columns))}"
        )
        raise UnknownNameError(msg)
    events = dated(result, asset)
    shown = events.head(MAX_EVENTS)
    price = _around(result.prices[asset].dropna(), shown)
    flags = _flags(shown, price)
    rows = -(-len(shown) // KEY_COLUMNS)
    with styled():
        figure, ax = canvas(ax, height=3.1 + 0.135 * rows)
        ax.plot(_days(price.index), price.to_numpy(), color=GREY, lw=1.1)
        _mark_sessions(ax, shown, price)
        _mark_moves(ax, shown, price)
        _mark_flags(ax, flags)
        lanes = 1 + max((flag.lane for flag in flags), default=-1)
        ax.set_title(_title(asset, len(shown), len(events)), pad=6 + 9 * lanes)
        _dress(ax, result.units.get(asset) or "price")
        _key(ax, shown)
    return figure


def _days(moments: object) -> list[float]:
    """Days as matplotlib counts them, so that no unit converter is involved."""
    from matplotlib.dates import date2num

    return [float(day) for day in date2num(moments)]  # type: ignore[no-untyped-call]  # matplotlib's


def _around(price: pd.Series, events: pd.DataFrame) -> pd.Series:
    if events.empty:
        return price
    sessions = pd.to_datetime(events["session"])
    first, last = price.index.searchsorted(pd.DatetimeIndex([sessions.min(), sessions.max()]))
    return price.iloc[max(0, first - BEFORE) : last + AFTER + 1]


def _flags(events: pd.DataFrame, price: pd.Series) -> list[_Flag]:
    """Give each session its numbers, and a lane in which they touch no neighbour's."""
    span = max((price.index[-1] - price.index[0]).days, 1)
    ends: list[float] = []
    flags = []
    numbers = pd.Series(range(1, len(events) + 1), index=events.index)
    for session, group in numbers.groupby(events["session"]):
        text = _ranges(list(group))
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


def _mark_sessions(ax: Axes, events: pd.DataFrame, price: pd.Series) -> None:
    seen: set[tuple[str, str]] = set()
    for _, event in events.iterrows():
        _point(ax, price, event["session"], mark_of(event), seen)
        _point(ax, price, event["alt_session"], ALTERNATIVE, seen)


def _point(
    ax: Axes, price: pd.Series, session: str, mark: Mark, seen: set[tuple[str, str]]
) -> None:
    moment = pd.Timestamp(session)
    if not session or (session, mark.meaning) in seen or moment not in price.index:
        return
    label = "_" if mark.meaning in {meaning for _, meaning in seen} else mark.meaning
    seen.add((session, mark.meaning))
    ax.plot(
        _days([moment]), [price[moment]], mark.marker, ms=5.5 if mark.filled else 7.5,
        mec=mark.colour, mew=1.2, color=mark.colour if mark.filled else "none", label=label,
        ls="none", zorder=3,
    )  # fmt: skip


def _mark_moves(ax: Axes, events: pd.DataFrame, price: pd.Series) -> None:
    """Mark stated dates that are no sessions, at the foot of the chart."""
    stated = pd.to_datetime(events["moved_from"].str.slice(0, 10), errors="coerce").dropna()
    stated = stated[(stated >= price.index[0]) & (stated <= price.index[-1])].unique()
    if len(stated):
        ax.plot(
            _days(stated), [0.02] * len(stated), "^", ms=4.5, color=BLACK, ls="none",
            transform=ax.get_xaxis_transform(), label="date stated, moved to its session",
        )  # fmt: skip


def _mark_flags(ax: Axes, flags: list[_Flag]) -> None:
    for flag in flags:
        (day,) = _days([flag.session])
        ax.axvline(day, color=GREY, lw=0.6, ls=(0, (2, 2)), zorder=1)
        ax.annotate(
            flag.numbers, (day, 1.0), xycoords=("data", "axes fraction"),
            xytext=(0, 3 + 9 * flag.lane), textcoords="offset points", ha="center", va="bottom",
            fontsize=6.5, color=BLACK, annotation_clip=False,
        )  # fmt: skip


def _title(asset: str, shown: int, total: int) -> str:
    cut = f" (first {shown} of {total} events)" if shown < total else ""
    return f"Price and events: {shorten(asset, 24)}{cut}"


def _dress(ax: Axes, unit: str) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter

    ax.set_ylabel(unit)
    locator = AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]  # matplotlib's
    ax.xaxis.set_major_locator(locator)
    # Month names would hang on the locale.
    ax.xaxis.set_major_formatter(DateFormatter("%Y-%m-%d"))  # type: ignore[no-untyped-call]  # same
    ax.grid(axis="y", color=LIGHT, lw=0.5)
    ax.margins(x=0.01)
    ax.legend(loc="best", frameon=True, facecolor="white", edgecolor="none", framealpha=0.85)


def _key(ax: Axes, events: pd.DataFrame) -> None:
    names = [
        f"{i}  {shorten(e, 36)}, {s}"
        for i, (e, s) in enumerate(zip(events["event_id"], events["session"], strict=True), 1)
    ]
    rows = -(-len(names) // KEY_COLUMNS)
    for column in range(KEY_COLUMNS):
        ax.annotate(
            "\n".join(names[column * rows : (column + 1) * rows]), (column / KEY_COLUMNS, 0.0),
            xycoords="axes fraction", xytext=(0, -30), textcoords="offset points",
            ha="left", va="top", fontsize=6.5, linespacing=1.35, annotation_clip=False,
        )  # fmt: skip
