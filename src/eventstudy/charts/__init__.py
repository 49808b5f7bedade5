"""Charts of a result: one figure per function, on given axes, as vectors."""

from __future__ import annotations

from eventstudy.charts.effects import plot_effects
from eventstudy.charts.paths import plot_ar, plot_caar, plot_car
from eventstudy.charts.placebo import plot_placebo
from eventstudy.charts.prices import plot_prices
from eventstudy.charts.save import SavedFigure, save_figures

__all__ = [
    "SavedFigure",
    "plot_ar",
    "plot_caar",
    "plot_car",
    "plot_effects",
    "plot_placebo",
    "plot_prices",
    "save_figures",
]
