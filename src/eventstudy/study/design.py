"""The design of a study: everything that decides its numbers, in one frozen object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from eventstudy.arrays import ReturnKind
from eventstudy.errors import WindowError
from eventstudy.models.designs import ConstantMean, Model, needed_series
from eventstudy.prices.table import DataKind, PriceTable
from eventstudy.returns import NonPositive, Rolls
from eventstudy.windows import Window, WindowLike, as_window, estimation_window

Incomplete = Literal["drop", "keep"]
FilterChoice = Literal["auto", "garch", "ewma"]
Tests = Literal["default", "all"] | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Design of an event study.

    Parameters
    ----------
    name : str
        Key of the study: letters, digits, ``-`` and ``_``; names its report folder.
    assets : sequence of str
        Series studied.
    title : str
        Headline of the report.
    model : Model
        Model of the normal return.
    event_window : Window or pair
        ``T1..T2``, sessions relative to session 0.
    estimation : int or pair
        Sessions L before the event window, or a window relative to session 0.
    gap : int
        Sessions between estimation and event window; only with a number L.
    car : sequence of windows
        Windows over which abnormal returns are added; the first is the headline window. None:
        [0,0], [0,1] and [0,4]; where the event window does not hold them all, those it holds
        and itself.
    exclude_events : bool
        Leave event windows of other events out of the estimation window.
    min_estimation : int or None
        Least usable estimation sessions. None: the whole window must lie inside the prices
        and half of its returns must be usable.
    incomplete : {"drop", "keep"}
        What to do with an event whose event window reaches past the last session.
    returns : {"log", "simple", "change"}
        Kind of return.
    nonpositive, rolls, roll_rules, next_contract
        See `eventstudy.returns.build_panel`.
    calendar : str
        ``auto``, ``file``, or a calendar of the table of products.
        Sessions and settlements; ``auto`` takes what the prices suggest.
    data_kind : {"prices", "returns"}
        What the figures are.
    start, end : str
        ISO dates that bound the prices used; empty for all.
    ambiguous_minutes : int
        A moment this close to a settlement belongs to both sessions.
    tests : {"default", "all"} or tuple of str
        Statistics over many events.
    level : float
        Level of tests; intervals have ``1 - level`` coverage.
    seed, draws : int
        Seed of the simulations and paths per filtered historical simulation.
    volatility : {"auto", "garch", "ewma"}
        Volatility filter of the single-event tests.
    history : int
        Most sessions before an event that its filter may use.
    report : mapping
        Options of the report.

    Raises
    ------
    WindowError
        Windows that overlap or lie outside one another.
    """

    name: str
    assets: Sequence[str]
    title: str = ""
    model: Model = field(default_factory=ConstantMean)
    event_window: WindowLike = (-5, 5)
    estimation: int | WindowLike = 250
    gap: int = 10
    car: Sequence[WindowLike] | None = None
    exclude_events: bool = False
    min_estimation: int | None = None
    incomplete: Incomplete = "drop"
    returns: ReturnKind = "log"
    nonpositive: NonPositive = "error"
    rolls: Rolls = "mask"
    roll_rules: Mapping[str, str] = field(default_factory=dict)
    next_contract: Mapping[str, str] = field(default_factory=dict)
    calendar: str = "auto"
    data_kind: DataKind = "prices"
    start: str = ""
    end: str = ""
    ambiguous_minutes: int = 30
    tests: Tests = "default"
    level: float = 0.05
    seed: int = 1
    draws: int = 9999
    volatility: FilterChoice = "auto"
    history: int = 1000
    report: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "assets", tuple(self.assets))
        put(self, "event_window", as_window(self.event_window))
        asked = _default_car(self.window) if self.car is None else self.car
        put(self, "car", tuple(as_window(window) for window in asked))
        _check_windows(self)

    @property
    def window(self) -> Window:
        """Event window ``T1..T2``."""
        return as_window(self.event_window)

    @property
    def car_windows(self) -> tuple[Window, ...]:
        """CAR windows; session 0 alone is always among them."""
        asked = tuple(as_window(window) for window in self.car or ())
        zero = Window(0, 0)
        return asked if zero in asked or zero.start not in self.window else (*asked, zero)

    @property
    def estimation_window(self) -> Window:
        """Estimation window relative to session 0."""
        return estimation_window(self.window, self.estimation, gap=self.gap)

    @property
    def series(self) -> tuple[str, ...]:
        """Every series the study reads: assets, then those of the model."""
        return tuple(dict.fromkeys((*self.assets, *needed_series(self.model))))

    def settings(self) -> dict[str, dict[str, Any]]:
        """Return the design as plain values, in the sections of a study file."""
        estimation = self.estimation
        return {
            "study": {"name": self.name, "title": self.title, "assets": list(self.assets)},
            "data": {
                "kind": self.data_kind,
                "calendar": self.calendar,
                "start": self.start,
                "end": self.end,
            },
            "windows": {
                "event": _pair(self.window),
                "estimation": estimation
                if isinstance(estimation, int)
                else _pair(as_window(estimation)),
                "gap": self.gap,
                "car": [_pair(as_window(window)) for window in self.car or ()],
                "exclude_events": self.exclude_events,
                "min_estimation": self.min_estimation,
                "incomplete": self.incomplete,
                "ambiguous_minutes": self.ambiguous_minutes,
            },
            "returns": {
                "kind": self.returns,
                "nonpositive": self.nonpositive,
                "rolls": self.rolls,
                "roll_rules": dict(self.roll_rules),
                "next_contract": dict(self.next_contract),
            },
            "model": _model_settings(self.model),
            "inference": {
                "tests": self.tests if isinstance(self.tests, str) else list(self.tests),
                "level": self.level,
                "seed": self.seed,
                "draws": self.draws,
                "filter": self.volatility,
                "history": self.history,
            },
            "report": dict(self.report),
        }


@dataclass(frozen=True, slots=True)
class StudyInputs:
    """Where a study file finds what it needs, beside its design.

    Parameters
    ----------
    events, quotes, claims : Path or None
        Event file and, where given, price observations and claims.
    prices : str
        A dataset name or a file.
    select : mapping
        Arguments of `EventTable.select`; empty for every event of the file.
    """

    events: Path | None = None
    prices: str = ""
    quotes: Path | None = None
    claims: Path | None = None
    select: Mapping[str, Any] = field(default_factory=dict)


EVERY = ("*",)


def with_assets(study: Study, prices: PriceTable) -> Study:
    """Fill in the assets of a study that names none: every series the model does not use.

    Raises
    ------
    WindowError
        When no series is left.
    """
    if study.assets != EVERY:
        return study
    used = set(needed_series(study.model))
    return replace(study, assets=tuple(name for name in prices.names if name not in used))


def _default_car(event: Window) -> tuple[Window, ...]:
    """Return the usual windows that lie inside the event window, and it where one does not."""
    usual = (Window(0, 0), Window(0, 1), Window(0, 4))
    inside = tuple(window for window in usual if event.covers(window))
    return inside if len(inside) == len(usual) else tuple(dict.fromkeys((*inside, event)))


def _check_windows(study: Study) -> None:
    if not study.assets:
        msg = 'a study needs at least one asset: assets = ["..."]'
        raise WindowError(msg)
    if not study.car:
        msg = "a study needs at least one CAR window: car = [[0, 0]]"
        raise WindowError(msg)
    for window in study.car:
        if not study.window.covers(as_window(window)):
            msg = f"CAR window {window} is not inside the event window {study.window}"
            raise WindowError(msg)
    needed = study.model.n_params + 1
    if len(study.estimation_window) <= needed:
        msg = (
            f"estimation window {study.estimation_window} has {len(study.estimation_window)} "
            f"sessions; a model with {study.model.n_params} parameter(s) needs more than {needed}"
        )
        raise WindowError(msg)


def _pair(window: Window) -> list[int]:
    return [window.start, window.end]


def _model_settings(model: Model) -> dict[str, Any]:
    values: dict[str, Any] = {"kind": model.name}
    for item in fields(model):
        value = getattr(model, item.name)
        values[item.name] = list(value) if isinstance(value, tuple) else value
    return values
