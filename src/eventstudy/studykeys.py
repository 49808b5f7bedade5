"""Every key of a study file: what it holds, how it is checked, where it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from eventstudy import studychecks as checks
from eventstudy.products import calendar_names, product_names

MODELS: Final = ("constant-mean", "market-adjusted", "market", "factor")


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a study file.

    Parameters
    ----------
    section, name : str
    form : str
        What it holds, for people.
    check : callable
        Turns the value into what `Study` takes; raises ValueError with what is expected.
    target : str
        Field of `Study`, or of `StudyInputs` behind a dot.
    meaning : str
        One line for the documentation.
    """

    section: str
    name: str
    form: str
    check: Callable[[Any], Any]
    target: str
    meaning: str


KEYS: Final[tuple[Key, ...]] = (
    Key(
        "study",
        "name",
        "text",
        checks.name,
        "name",
        "key of the study; names its report folder",
    ),
    Key(
        "study",
        "title",
        "text",
        checks.text,
        "title",
        "headline of the report",
    ),
    Key(
        "study",
        "assets",
        "list of names",
        checks.names,
        "assets",
        "series studied; all that the model does not use, where left out",
    ),
    Key(
        "data",
        "events",
        "path",
        checks.text,
        ".events",
        'event file (CSV), relative to the study file, or "catalogue"',
    ),
    Key(
        "data",
        "select",
        "table",
        checks.selection,
        ".select",
        "events to keep, by kind, place, event_id, first and last day",
    ),
    Key(
        "data",
        "prices",
        "path or dataset",
        checks.text,
        ".prices",
        "wide CSV or Parquet file, relative to the study file, or the name of a shipped dataset",
    ),
    Key(
        "data",
        "kind",
        '"prices" or "returns"',
        checks.choice("prices", "returns"),
        "data_kind",
        "what the figures of the file are",
    ),
    Key(
        "data",
        "calendar",
        " or ".join(f'"{name}"' for name in ("auto", "file", *calendar_names())),
        checks.choice("auto", "file", *calendar_names()),
        "calendar",
        "sessions and settlements; auto takes what the prices suggest, for a file its own sessions",
    ),
    Key(
        "data",
        "start",
        "day",
        checks.day,
        "start",
        "first session used",
    ),
    Key(
        "data",
        "end",
        "day",
        checks.day,
        "end",
        "last session used",
    ),
    Key(
        "data",
        "quotes",
        "path",
        checks.text,
        ".quotes",
        "quoted prices to hold against settlements (CSV)",
    ),
    Key(
        "data",
        "claims",
        "path",
        checks.text,
        ".claims",
        "hypotheses to answer (CSV)",
    ),
    Key(
        "windows",
        "event",
        "pair",
        checks.pair,
        "event_window",
        "event window T1..T2, sessions relative to session 0",
    ),
    Key(
        "windows",
        "estimation",
        "number or pair",
        checks.estimation,
        "estimation",
        "sessions before the event window, or a pair relative to session 0",
    ),
    Key(
        "windows",
        "gap",
        "number",
        checks.whole(0),
        "gap",
        "sessions left out between estimation and event window; only with a number",
    ),
    Key(
        "windows",
        "car",
        "list of pairs",
        checks.pairs,
        "car",
        "windows over which abnormal returns are added; the first is the headline window",
    ),
    Key(
        "windows",
        "exclude_events",
        "true or false",
        checks.flag,
        "exclude_events",
        "leave event windows of other events out of the estimation window",
    ),
    Key(
        "windows",
        "min_estimation",
        "number",
        checks.whole(3),
        "min_estimation",
        "least usable estimation returns; without it the whole window must lie inside the "
        "data and half of it be usable",
    ),
    Key(
        "windows",
        "incomplete",
        '"drop" or "keep"',
        checks.choice("drop", "keep"),
        "incomplete",
        "an event whose window reaches past the last session",
    ),
    Key(
        "windows",
        "ambiguous_minutes",
        "number",
        checks.whole(0),
        "ambiguous_minutes",
        "a moment this close to a settlement belongs to both sessions",
    ),
    Key(
        "returns",
        "kind",
        '"log", "simple" or "change"',
        checks.choice("log", "simple", "change"),
        "returns",
        "kind of return; of a return file, what its figures are",
    ),
    Key(
        "returns",
        "nonpositive",
        "policy",
        checks.choice("error", "change", "simple", "exclude", "next-contract"),
        "nonpositive",
        "what to do where a price is not positive",
    ),
    Key(
        "returns",
        "rolls",
        '"mask" or "keep"',
        checks.choice("mask", "keep"),
        "rolls",
        "whether roll sessions of front-month series are masked in estimation",
    ),
    Key(
        "returns",
        "roll_rules",
        "table",
        checks.roll_rules,
        "roll_rules",
        f"expiry rule of a series: {', '.join(product_names())} or none",
    ),
    Key(
        "returns",
        "next_contract",
        "table",
        checks.mapping,
        "next_contract",
        'series whose return replaces an undefined one under nonpositive = "next-contract"',
    ),
    Key(
        "model",
        "kind",
        "model",
        checks.model(*MODELS),
        "model.kind",
        "model of the normal return",
    ),
    Key(
        "model",
        "market",
        "name",
        checks.text,
        "model.market",
        "market series of the market and market-adjusted model",
    ),
    Key(
        "model",
        "factors",
        "list of names",
        checks.names,
        "model.factors",
        "factor series of the factor model",
    ),
    Key(
        "inference",
        "tests",
        '"default", "all" or names',
        checks.tests,
        "tests",
        "statistics over many events",
    ),
    Key(
        "inference",
        "level",
        "number",
        checks.share,
        "level",
        "level of tests; intervals have 1 - level coverage",
    ),
    Key(
        "inference",
        "seed",
        "number",
        checks.whole(0),
        "seed",
        "seed of the simulations",
    ),
    Key(
        "inference",
        "draws",
        "number",
        checks.whole(19),
        "draws",
        "paths of a filtered historical simulation",
    ),
    Key(
        "inference",
        "filter",
        '"auto", "garch" or "ewma"',
        checks.choice("auto", "garch", "ewma"),
        "volatility",
        "volatility filter of the single-event tests",
    ),
    Key(
        "inference",
        "history",
        "number",
        checks.whole(50),
        "history",
        "most sessions before an event that its filter may use",
    ),
    Key(
        "report",
        "events",
        "number",
        checks.whole(0),
        "report.events",
        "most events with a section of their own in the PDF",
    ),
    Key(
        "report",
        "figures",
        '"both", "pdf" or "png"',
        checks.choice("both", "pdf", "png"),
        "report.figures",
        "which files of each figure are kept",
    ),
    Key(
        "report",
        "author",
        "text",
        checks.text,
        "report.author",
        "author shown on the title page",
    ),
)
SECTIONS: Final = tuple(dict.fromkeys(key.section for key in KEYS))
