"""Charts of a result: one figure per function, on given axes, as vectors."""

from __future__ import annotations

from eventstudy.charts.event import plot_ar, plot_car, plot_event, plot_placebo
from eventstudy.charts.events import plot_caar, plot_effects, plot_prices

__all__ = [
    "plot_ar",
    "plot_caar",
    "plot_car",
    "plot_effects",
    "plot_event",
    "plot_placebo",
    "plot_prices",
]
