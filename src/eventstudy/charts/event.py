"""One event on one asset: its returns, their cumulative path, and ordinary windows beside it.

Every ``plot_...(result, event_id, asset, ax=None)`` draws a pair of a `StudyResult` on `ax`, or on
a new figure where `ax` is None, and returns the matplotlib figure drawn on. A pair without a result
raises `UnknownNameError`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from eventstudy.charts import style
from eventstudy.errors import UnknownNameError, did_you_mean
from eventstudy.windows import Window

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eventstudy.arrays import FloatArray, IntArray
    from eventstudy.charts.style import Scale
    from eventstudy.models.abnormal import AbnormalReturns
    from eventstudy.results import PlaceboSample, StudyResult


def plot_ar(result: StudyResult, event_id: str, asset: str, *, ax: Axes | None = None) -> Figure:
    """Draw the abnormal return of each session of an event window with its interval, in per cent.

    Changes of the price are divided by the price of the session before; where that is not positive
    they are drawn in units of the price.

    Raises
    ------
    UnknownNameError
        When the study has no result for the pair.
    """
    i = pair_index(result, event_id, asset)
    table = result.tables.ar
    rows = table.take((table.event_id == event_id) & (table.asset == asset))
    tau, roll = rows.tau, rows.roll
    base = style.prices_at(result, asset, result.abnormal.position[i] + tau - 1)
    scale = style.scale_of(result, asset, base[np.isfinite(rows.ar)])
    ar, low, high = (scale(values, base) for values in (rows.ar, rows.ci_low, rows.ci_high))
    with style.drawing(ax) as (figure, axes):
        _zero(axes, tau)
        axes.errorbar(
            tau, ar, yerr=np.abs([low - ar, high - ar]), fmt="none", ecolor=style.GREY,
            elinewidth=1.0, capsize=2, label=f"{style.coverage(result)} interval",
        )  # fmt: skip
        axes.plot(tau[~roll], ar[~roll], "o", ms=4.5, color=style.BLUE, label="abnormal return")
        if roll.any():
            axes.plot(tau[roll], ar[roll], "X", ms=6, color=style.ORANGE, mec=style.BLACK, mew=0.5,
                    label="roll of the contract")  # fmt: skip
        finish_path(axes, f"Abnormal return: {_pair(event_id, asset)}", scale.unit, tau)
    return figure


def plot_car(result: StudyResult, event_id: str, asset: str, *, ax: Axes | None = None) -> Figure:
    """Draw the cumulative abnormal return of an event with the band of its forecast error.

    The half-width at tau is the t quantile times ``s sqrt(1' C 1)``, C the forecast-error factor of
    the sessions up to tau, so that the band widens with each session and with the uncertainty of
    the model's parameters. Path and band are turned into per cent of the price before the window.

    Raises
    ------
    UnknownNameError
        When the study has no result for the pair.
    """
    rows = np.array([pair_index(result, event_id, asset)])
    part, scale = in_scale(result, asset, rows)
    half = _half_width(part, result.level)
    with style.drawing(ax) as (figure, axes):
        tau = path_band(axes, part, scale, half, f"{style.coverage(result)} band, no event")
        path = scale(np.nancumsum(part.ar[0]))
        axes.plot(tau, path, "-o", ms=3.5, color=style.BLUE, label="cumulative")
        finish_path(axes, f"Cumulative: {_pair(event_id, asset)}", scale.unit, tau)
    return figure


def plot_placebo(
    result: StudyResult,
    event_id: str,
    asset: str,
    *,
    measure: Literal["standardised", "effect"] = "standardised",
    ax: Axes | None = None,
) -> Figure:
    """Draw the distribution of placebo effects with the event in it.

    Parameters
    ----------
    measure : {"standardised", "effect"}
        Effects divided by the volatility expected that day (what the filtered tests compare), or
        in per cent.

    Raises
    ------
    UnknownNameError
        When there are no placebo effects of the pair.
    """
    sample = _sample(result, event_id, asset)
    returns, effect = sample.standardised, sample.effect_standardised
    if measure == "effect":
        returns, effect = sample.effects, sample.effect
    returns = returns[np.isfinite(returns)]
    share = (1 + np.count_nonzero(np.abs(returns) >= abs(effect))) / (1 + len(returns))
    values, (own, mirrored), unit = returns, (effect, -effect), "in volatilities expected that day"
    if measure == "effect":
        at = result.abnormal.position[pair_index(result, event_id, asset)]
        base = style.prices_at(result, asset, at + sample.window.start - 1)
        scale = style.scale_of(result, asset, base)
        values, unit = scale(returns, base), f"in {scale.unit}"
        own, mirrored = scale(np.array([effect, -effect]), base)
    with style.drawing(ax) as (figure, axes):
        axes.hist(values, bins=_edges(values), color=style.LIGHT, ec=style.GREY, lw=0.5,
                label=f"{len(values)} ordinary windows")  # fmt: skip
        axes.axvline(own, color=style.ORANGE, lw=2.0, label="the event")
        axes.axvline(mirrored, color=style.BLACK, lw=0.9, ls=(0, (3, 2)),
                     label="same size, other sign")  # fmt: skip
        axes.set_title(f"Among ordinary windows {sample.window}: {_pair(event_id, asset)}")
        axes.set_xlabel(f"effect {unit}; at least as large: {share:.1%} of windows")
        axes.set_ylabel("windows")
        style.legend_below(axes, columns=3)
    return figure


def has_placebo(result: StudyResult, event_id: str, asset: str) -> bool:
    """Whether a pair has placebo effects to draw."""
    sample = result.placebos.find(event_id, asset)
    if sample is None or not np.isfinite(sample.effect_standardised):
        return False
    return bool(np.isfinite(sample.standardised).any())


def plot_event(result: StudyResult, event_id: str, asset: str) -> Figure:
    """Draw the abnormal returns, the cumulative path and the placebo effects of a pair together."""
    placebo = has_placebo(result, event_id, asset)
    with style.styled():
        figure = style.Chart(figsize=(7.0, 4.3 if placebo else 2.5), layout="constrained")
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


def pair_index(result: StudyResult, event_id: str, asset: str) -> int:
    """Position of a pair in the arrays of a result."""
    ids, assets = result.abnormal.event_ids, result.abnormal.assets
    pairs = list(zip(ids, assets, strict=True))
    if (event_id, asset) in pairs:
        return pairs.index((event_id, asset))
    hint = did_you_mean(asset, assets) if event_id in ids else did_you_mean(event_id, ids)
    msg = f"no result for event {event_id!r} and asset {asset!r}; {hint}"
    raise UnknownNameError(msg)


def in_scale(result: StudyResult, asset: str, rows: IntArray) -> tuple[AbnormalReturns, Scale]:
    """Return abnormal returns of pairs `rows` (n,), ready for the scale of an asset.

    Changes are divided by the price of the session before.
    """
    part = result.abnormal.take(rows)
    before = part.position + part.window.start - 1
    base = np.array(
        [float(style.prices_at(result, a, at)) for a, at in zip(part.assets, before, strict=True)]
    )
    scale = style.scale_of(result, asset, base)
    if scale.kind == "change" and scale.in_percent:
        part = replace(part, ar=part.ar / base[:, None], s2=part.s2 / base**2)
    return part, scale


def path_band(
    ax: Axes, part: AbnormalReturns, scale: Scale, half: FloatArray, label: str
) -> IntArray:
    """Draw the zero line and a band of half-widths (W,) in returns; return the sessions (W,)."""
    tau = np.asarray(part.window.taus)
    low, high = scale(-half), scale(half)
    _zero(ax, tau)
    ax.fill_between(tau, low, high, color=style.LIGHT, lw=0, label=label)
    ax.plot(tau, high, tau, low, color=style.GREY, lw=0.6)
    return tau


def finish_path(ax: Axes, title: str, unit: str, tau: IntArray) -> None:
    """Set title, labels and ticks of a chart over the sessions of an event window."""
    from matplotlib.ticker import MaxNLocator

    ax.set_title(title)
    ax.set_xlabel("sessions from the event (dotted line: session 0)")
    ax.set_ylabel(unit)
    ax.xaxis.set_major_locator(
        MaxNLocator(integer=True, nbins=min(len(tau), 12), steps=[1, 2, 5, 10])
    )
    ax.grid(axis="y", color=style.LIGHT, lw=0.5)
    style.legend_below(ax, columns=3)


def _pair(event_id: str, asset: str) -> str:
    return f"{style.shorten(event_id)}, {style.shorten(asset, 20)}"


def _zero(ax: Axes, tau: IntArray) -> None:
    ax.axhline(0, color=style.BLACK, lw=0.7)
    if tau.min() <= 0 <= tau.max():
        ax.axvline(0, color=style.GREY, lw=0.8, ls=(0, (2, 2)))


def _half_width(part: AbnormalReturns, level: float) -> FloatArray:
    """Half-width of the band of one pair at each session (W,); a missing session adds nothing."""
    from scipy.stats import t

    start = part.window.start
    upto = [part.restrict(Window(start, tau)).variance[0] for tau in part.window.taus]
    return np.asarray(t.isf(level / 2, int(part.df[0])) * np.sqrt(np.nan_to_num(upto)))


def _sample(result: StudyResult, event_id: str, asset: str) -> PlaceboSample:
    sample = result.placebos.find(event_id, asset)
    if sample is not None:
        return sample
    hint = did_you_mean(event_id, (key[0] for key in result.placebos.keys))
    msg = f"no placebo effects of event {event_id!r} and asset {asset!r}; {hint}"
    raise UnknownNameError(msg)


def _edges(values: FloatArray) -> list[float]:
    count = int(np.clip(np.sqrt(len(values)) * 1.5, 8, 60))
    edges: list[float] = np.linspace(values.min(), values.max() + 1e-12, count + 1).tolist()
    return edges
