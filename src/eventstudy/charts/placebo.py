"""Where an event lies among the ordinary windows of its own history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from eventstudy.charts.labels import scale, shorten
from eventstudy.charts.style import BLACK, GREY, LIGHT, ORANGE, canvas, legend_below, styled
from eventstudy.errors import UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eventstudy.arrays import FloatArray
    from eventstudy.results import PlaceboSample, StudyResult


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
    result : StudyResult
    event_id, asset : str
        The pair to draw.
    measure : {"standardised", "effect"}
        Effects divided by the volatility expected that day (what the filtered tests compare), or
        as returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Figure
        The figure drawn on.

    Raises
    ------
    UnknownNameError
        When there are no placebo effects of the pair.
    """
    sample = _sample(result, event_id, asset)
    factor, unit = scale(result, asset)
    if measure == "standardised":
        values, own, unit = (
            sample.standardised,
            sample.effect_standardised,
            "in volatilities expected that day",
        )
    else:
        values, own = factor * sample.effects, factor * sample.effect
    values = values[np.isfinite(values)]
    share = (1 + np.count_nonzero(np.abs(values) >= abs(own))) / (1 + len(values))
    with styled():
        figure, ax = canvas(ax, height=2.6)
        ax.hist(values, bins=_edges(values), color=LIGHT, ec=GREY, lw=0.5,
                label=f"{len(values)} ordinary windows")  # fmt: skip
        ax.axvline(own, color=ORANGE, lw=2.0, label="the event")
        ax.axvline(-own, color=BLACK, lw=0.9, ls=(0, (3, 2)), label="same size, other sign")
        ax.set_title(
            f"Among ordinary windows {sample.window}: {shorten(event_id)}, {shorten(asset, 20)}"
        )
        ax.set_xlabel(
            f"effect {unit}; at least as large: {share:.1%} of windows".replace("%", " %")
        )
        ax.set_ylabel("windows")
        legend_below(ax, columns=3)
    return figure


def has_placebo(result: StudyResult, event_id: str, asset: str) -> bool:
    """Whether a pair has placebo effects to draw."""
    sample = result.placebos.find(event_id, asset)
    return (
        sample is not None
        and bool(np.isfinite(sample.effect_standardised))
        and bool(np.isfinite(sample.standardised).any())
    )


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
