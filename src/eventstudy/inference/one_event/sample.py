"""Single events over one window: what their tests came to, and what each test declares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from eventstudy.arrays import FloatArray, IntArray, as_slice, rows_by_label
from eventstudy.errors import EstimationError
from eventstudy.inference.one_event.single import VOLATILITY_HIGH, VOLATILITY_LOW
from eventstudy.inference.statistic import Scope, Statistic

NO_EFFECT = "the event has no effect on the price"
STEADY = "volatility before the event is that of the estimation window"
Labels = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class SingleEvents:
    """Single events over one window, as the tests of every scope need them; arrays of N.

    `sessions` are session 0 of each, `directions` "up", "down" or anything else for none, `effect`
    the CAR with its `t` and `df`, NaN where there is none; `p` is that of each event's default
    test, `pvalues` those by statistic, `vol_ratio` the volatility forecast over that of the
    estimation window, `reasons` why an event has no result.
    """

    event_ids: Labels
    assets: Labels
    sessions: IntArray
    directions: Labels
    effect: FloatArray
    t: FloatArray
    df: FloatArray
    p: FloatArray
    pvalues: Mapping[str, FloatArray]
    vol_ratio: FloatArray
    reasons: Labels

    def __len__(self) -> int:
        return len(self.event_ids)

    def of(self, name: str) -> EventValues:
        """CAR and p-value of a test; an `EstimationError` when the study did not compute it."""
        if name not in self.pvalues:
            msg = f"the study did not compute {name}"
            raise EstimationError(msg)
        return EventValues(self.effect, np.full(len(self), math.nan), self.pvalues[name])

    def on(self, asset: str) -> SingleEvents:
        """Keep the events of one asset."""
        rows = as_slice(self._rows.get(asset, np.zeros(0, dtype=np.int64)))
        names = [part.name for part in fields(self) if part.name != "pvalues"]
        pvalues = {name: values[rows] for name, values in self.pvalues.items()}
        return SingleEvents(**{name: getattr(self, name)[rows] for name in names}, pvalues=pvalues)

    @cached_property
    def _rows(self) -> dict[str, IntArray]:
        return rows_by_label(self.assets.tolist())


@dataclass(frozen=True, slots=True, eq=False)
class EventValues:
    """What a statistic came to for each of N events; `df` is NaN where there is none."""

    value: FloatArray
    df: FloatArray
    pvalue: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class OneEvent(Statistic):
    """Declare a statistic of one event, ``function(events)`` with `SingleEvents`.

    The tests share a filter and a reference set and are computed in one pass; the declared function
    says which numbers are the statistic. With `needs_steady_volatility` it misleads where
    volatility before the event is not that of the estimation window.
    """

    scope: ClassVar[Scope] = "event"

    allows_cross_correlation: bool = True
    allows_overlap: bool = True
    needs_steady_volatility: bool = False

    def caution(self, vol_ratio: float) -> str:
        """Say what stands against the test at a volatility ratio; empty where nothing does."""
        steady = VOLATILITY_LOW <= vol_ratio <= VOLATILITY_HIGH or math.isnan(vol_ratio)
        if steady or not self.needs_steady_volatility:
            return ""
        return (
            f"the volatility forecast is {vol_ratio:.2f} times that of the estimation window: "
            "read vfc or fhs"
        )


@OneEvent(
    name="t",
    title="textbook t",
    paper="MacKinlay (1997), Journal of Economic Literature 35, 13-39",
    null=NO_EFFECT,
    distribution="t, L - K degrees of freedom",
    formula="CAR / sqrt V, V = s^2 [W + 1'X*(X'X)^-1 X*'1]",
    meaning="Is the move large against the noise of the estimation window?",
    assumes=("normal abnormal returns", STEADY),
    needs_steady_volatility=True,
)
def textbook_t(events: SingleEvents) -> EventValues:
    """``CAR / sqrt V`` against t with ``L - K`` degrees of freedom."""
    return EventValues(events.t, events.df, events.of("t").pvalue)


@OneEvent(
    name="sq",
    title="sample quantile",
    paper="Gelbach, Helland and Klick (2013), American Law and Economics Review 15, 495-541",
    null=NO_EFFECT,
    distribution="rank among estimation residuals, steps of 1 / (L + 1)",
    formula="(1 + #{|AR_s| >= |AR_0|}) / (L + 1); sums of W residuals for W sessions",
    meaning="How many ordinary sessions before the event moved as much?",
    assumes=(STEADY,),
    needs_steady_volatility=True,
)
def sample_quantile(events: SingleEvents) -> EventValues:
    """Rank of the CAR among sums of W consecutive estimation residuals."""
    return events.of("sq")


@OneEvent(
    name="vfc",
    title="volatility-filtered conformal",
    paper="this package; conformal ranks after Chernozhukov, Wuthrich and Zhu (2021), "
    "JASA 116, 1849-1864",
    null=NO_EFFECT,
    distribution="rank among filtered returns, steps of 1 / (H + 1)",
    formula="z_s = (r_s - m_s) / sigma_{s|s-1}; (1 + #{|z_s| >= |z_0|}) / (H + 1)",
    meaning="How many sessions moved as much, each measured in the volatility of its time?",
    assumes=("filtered returns are exchangeable",),
    allows_event_variance=True,
)
def volatility_filtered(events: SingleEvents) -> EventValues:
    """Rank of the CAR among those of the history, each in the volatility forecast for it."""
    return events.of("vfc")


@OneEvent(
    name="fhs",
    title="filtered historical simulation",
    paper="Barone-Adesi, Giannopoulos and Vosper (1999), Journal of Futures Markets 19, 583-602",
    null=NO_EFFECT,
    distribution="simulated CARs, steps of 1 / (B + 1)",
    formula="(1 + #{|CAR_b| >= |CAR|}) / (B + 1), CAR_b from W steps of the filter",
    meaning="How often does a simulated window from today's volatility move as much?",
    assumes=("runs of filtered returns repeat",),
    allows_event_variance=True,
)
def filtered_simulation(events: SingleEvents) -> EventValues:
    """Share of simulated CARs at least as large."""
    return events.of("fhs")


@OneEvent(
    name="conformal",
    title="conformal moving block",
    paper="Chernozhukov, Wuthrich and Zhu (2021), JASA 116, 1849-1864",
    null=NO_EFFECT,
    distribution="cyclic shifts, steps of 1 / (L + W)",
    formula="share of cyclic shifts of the residuals whose last W sum to as much",
    meaning="A second opinion: how many stretches of the sample moved as much?",
    assumes=("residuals are stationary", STEADY),
    needs_steady_volatility=True,
)
def conformal(events: SingleEvents) -> EventValues:
    """Share of cyclic shifts of the residuals whose last W sum to as much."""
    return events.of("conformal")
