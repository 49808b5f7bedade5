"""Abnormal returns and their cumulative path, session by session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.charts.labels import interval_name, scale, shorten
from eventstudy.charts.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    LIGHT,
    ORANGE,
    canvas,
    legend_below,
    styled,
)
from eventstudy.errors import UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eventstudy.arrays import FloatArray
    from eventstudy.models.abnormal import AbnormalReturns
    from eventstudy.results import StudyResult


def plot_ar(result: StudyResult, event_id: str, asset: str, *, ax: Axes | None = None) -> Figure:
    """Draw the abnormal return of each session of an event window with its interval.

    Parameters
    ----------
    result : StudyResult
    event_id, asset : str
        The pair to draw.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Figure
        The figure drawn on.

    Raises
    ------
    UnknownNameError
        When the study has no result for the pair.
    """
    pair_index(result, event_id, asset)
    rows = result.ar[(result.ar["event_id"] == event_id) & (result.ar["asset"] == asset)]
    factor, unit = scale(result, asset)
    tau, ar = rows["tau"].to_numpy(int), factor * rows["ar"].to_numpy(float)
    spread = factor * rows[["ci_low", "ci_high"]].to_numpy(float).T
    roll = rows["roll"].isin([True, 1, "True", "true", "yes"]).to_numpy()
    with styled():
        figure, ax = canvas(ax, height=2.6)
        _zero(ax, tau)
        ax.errorbar(
            tau, ar, yerr=np.abs(spread - ar), fmt="none", ecolor=GREY, elinewidth=1.0, capsize=2,
            label=interval_name(result),
        )  # fmt: skip
        ax.plot(tau[~roll], ar[~roll], "o", ms=4.5, color=BLUE, label="abnormal return")
        if roll.any():
            ax.plot(tau[roll], ar[roll], "X", ms=6, color=ORANGE, mec=BLACK, mew=0.5,
                    label="roll of the contract")  # fmt: skip
        _finish(ax, f"Abnormal return: {shorten(event_id)}, {shorten(asset, 20)}", unit, tau)
    return figure


def plot_car(result: StudyResult, event_id: str, asset: str, *, ax: Axes | None = None) -> Figure:
    """Draw the cumulative abnormal return of an event with the band of its forecast error.

    The half-width at tau is the t quantile times
    ``s sqrt(1' C 1)``, C the forecast-error factor of the sessions up to tau, so that the band
    widens with each session and with the uncertainty of the model's parameters.

    Parameters
    ----------
    result : StudyResult
    event_id, asset : str
        The pair to draw.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Figure
        The figure drawn on.

    Raises
    ------
    UnknownNameError
        When the study has no result for the pair.
    """
    i = pair_index(result, event_id, asset)
    abnormal = result.abnormal
    factor, unit = scale(result, asset)
    tau = np.asarray(abnormal.window.taus)
    path = factor * np.nancumsum(abnormal.ar[i])
    half = factor * _half_width(abnormal, i, result.level)
    with styled():
        figure, ax = canvas(ax, height=2.6)
        _zero(ax, tau)
        ax.fill_between(
            tau, -half, half, color=LIGHT, lw=0, label=f"{_coverage(result)} band, no event"
        )
        ax.plot(tau, half, tau, -half, color=GREY, lw=0.6)
        ax.plot(tau, path, "-o", ms=3.5, color=BLUE, label="cumulative")
        _finish(ax, f"Cumulative: {shorten(event_id)}, {shorten(asset, 20)}", unit, tau)
    return figure


def plot_caar(result: StudyResult, asset: str | None = None, *, ax: Axes | None = None) -> Figure:
    """Draw the mean cumulative abnormal return over events with a band.

    The band allows for windows that share sessions: a session that d event windows cover counts
    d times in the sum, so its variance enters with d squared. Several assets on one session are
    taken as moving together, which errs on the wide side.

    Parameters
    ----------
    result : StudyResult
    asset : str, optional
        One asset; all pairs of an event and an asset otherwise.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Figure
        The figure drawn on.

    Raises
    ------
    UnknownNameError
        When the study has no result for the asset.
    """
    rows = [i for i, name in enumerate(result.abnormal.assets) if asset in (None, name)]
    if not rows:
        msg = f"no results for asset {asset!r}; {did_you_mean(str(asset), result.abnormal.assets)}"
        raise UnknownNameError(msg)
    part = result.abnormal.take(np.array(rows))
    factor, unit = scale(result, asset or part.assets[0])
    tau = np.asarray(part.window.taus)
    path = factor * np.cumsum(np.nan_to_num(np.nanmean(_filled(part.ar), axis=0)))
    half = factor * _mean_half_width(part, result.level)
    name = shorten(asset, 20) if asset else f"{len(set(part.assets))} assets"
    events = len(set(part.event_ids))
    with styled():
        figure, ax = canvas(ax, height=2.6)
        _zero(ax, tau)
        ax.fill_between(
            tau, -half, half, color=LIGHT, lw=0, label=f"{_coverage(result)} band, no effect"
        )
        ax.plot(tau, half, tau, -half, color=GREY, lw=0.6)
        ax.plot(
            tau,
            path,
            "-s",
            ms=3.5,
            color=GREEN,
            label=f"mean of {events} event{'s' * (events > 1)}",
        )
        _finish(ax, f"Mean cumulative abnormal return: {name}", unit, tau)
    return figure


def pair_index(result: StudyResult, event_id: str, asset: str) -> int:
    """Position of a pair in the arrays of a result."""
    pairs = list(zip(result.abnormal.event_ids, result.abnormal.assets, strict=True))
    if (event_id, asset) in pairs:
        return pairs.index((event_id, asset))
    known = (
        result.abnormal.assets
        if event_id in result.abnormal.event_ids
        else result.abnormal.event_ids
    )
    hint = did_you_mean(asset if known is result.abnormal.assets else event_id, known)
    msg = f"no result for event {event_id!r} and asset {asset!r}; {hint}"
    raise UnknownNameError(msg)


def _coverage(result: StudyResult) -> str:
    return f"{100 * (1 - result.level):g} %"


def _half_width(abnormal: AbnormalReturns, i: int, level: float) -> FloatArray:
    from scipy.stats import t

    factor = abnormal.cov_factor[i] * np.outer(*2 * [np.isfinite(abnormal.ar[i])])
    sums = np.cumsum(np.cumsum(factor, axis=0), axis=1).diagonal()
    return np.asarray(t.isf(level / 2, int(abnormal.df[i])) * np.sqrt(abnormal.s2[i] * sums))


def _mean_half_width(abnormal: AbnormalReturns, level: float) -> FloatArray:
    from scipy.stats import norm

    width, n = len(abnormal.window), len(abnormal)
    present = np.isfinite(abnormal.ar)
    forecast = np.asarray(abnormal.cov_factor) - np.eye(width)
    total = np.zeros(width)
    for k in range(width):
        first = abnormal.position[:, None] + np.arange(k + 1)
        _, cover = np.unique(first[present[:, : k + 1]], return_counts=True)
        parameters = abnormal.s2 * forecast[:, : k + 1, : k + 1].sum(axis=(1, 2))
        total[k] = abnormal.s2.mean() * (cover**2).sum() / n**2 + parameters.mean()
    return np.asarray(norm.isf(level / 2) * np.sqrt(total))


def _filled(ar: FloatArray) -> FloatArray:
    empty = ~np.isfinite(ar).any(axis=0)
    filled = ar.copy()
    filled[:, empty] = 0.0
    return filled


def _zero(ax: Axes, tau: np.ndarray) -> None:
    ax.axhline(0, color=BLACK, lw=0.7)
    if tau.min() <= 0 <= tau.max():
        ax.axvline(0, color=GREY, lw=0.8, ls=(0, (2, 2)))


def _finish(ax: Axes, title: str, unit: str, tau: np.ndarray) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_title(title)
    ax.set_xlabel("sessions from the event (dotted line: session 0)")
    ax.set_ylabel(unit)
    ax.xaxis.set_major_locator(
        MaxNLocator(integer=True, nbins=min(len(tau), 12), steps=[1, 2, 5, 10])
    )
    ax.grid(axis="y", color=LIGHT, lw=0.5)
    legend_below(ax, columns=3)
