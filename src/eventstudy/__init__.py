"""Event studies for one or a few oil prices and many dated events.

Public names are imported on first use, so that ``import eventstudy`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_PUBLIC = {
    "ConstantMean": "eventstudy.models.designs",
    "Event": "eventstudy.events",
    "EventStudyError": "eventstudy.errors",
    "EventTable": "eventstudy.events",
    "FactorModel": "eventstudy.models.designs",
    "LoadedStudy": "eventstudy.study.file",
    "MarketAdjusted": "eventstudy.models.designs",
    "MarketModel": "eventstudy.models.designs",
    "PriceTable": "eventstudy.prices.table",
    "ReportOptions": "eventstudy.study",
    "Study": "eventstudy.study",
    "StudyError": "eventstudy.errors",
    "StudyInputs": "eventstudy.study",
    "StudyResult": "eventstudy.results",
    "Window": "eventstudy.windows",
    "dataset": "eventstudy.prices.datasets",
    "event_dummies": "eventstudy.regression.dummies",
    "events_from_frame": "eventstudy.events",
    "list_datasets": "eventstudy.prices.datasets",
    "load_events": "eventstudy.events",
    "load_prices": "eventstudy.prices.loading",
    "load_study": "eventstudy.study.file",
    "plot_ar": "eventstudy.charts",
    "plot_caar": "eventstudy.charts",
    "plot_car": "eventstudy.charts",
    "plot_effects": "eventstudy.charts",
    "plot_placebo": "eventstudy.charts",
    "plot_prices": "eventstudy.charts",
    "read_claims": "eventstudy.events.claims",
    "read_events": "eventstudy.events",
    "read_quotes": "eventstudy.events.quotes",
    "read_study": "eventstudy.study.file",
    "run": "eventstudy.study.file",
    "run_study": "eventstudy.study",
    "settlement_calendar": "eventstudy.calendars",
    "shipped_study": "eventstudy.study.file",
    "write_report": "eventstudy.report",
}

__all__ = ["__version__", *sorted(_PUBLIC)]  # noqa: PLE0604  # names are text

if TYPE_CHECKING:
    from eventstudy.calendars import settlement_calendar
    from eventstudy.errors import EventStudyError, StudyError
    from eventstudy.events import Event, EventTable, events_from_frame, load_events, read_events
    from eventstudy.events.claims import read_claims
    from eventstudy.events.quotes import read_quotes
    from eventstudy.models.designs import ConstantMean, FactorModel, MarketAdjusted, MarketModel
    from eventstudy.prices.datasets import dataset, list_datasets
    from eventstudy.prices.loading import load_prices
    from eventstudy.prices.table import PriceTable
    from eventstudy.results import StudyResult
    from eventstudy.study import ReportOptions, Study, StudyInputs, run_study
    from eventstudy.study.file import LoadedStudy, load_study, read_study, run, shipped_study
    from eventstudy.windows import Window


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        msg = f"module 'eventstudy' has no attribute {name!r}"
        raise AttributeError(msg)
    value: object = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
