"""Single-event effects of one asset: every event and window in one pass, arrays in, arrays out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from eventstudy.arrays import BoolArray, FloatArray, IntArray, ReturnKind
from eventstudy.errors import EstimationError
from eventstudy.inference.one_event.filtered import block_sums, filtered_tests, vfc_reference
from eventstudy.inference.one_event.single import (
    SingleTests,
    conformal_pvalues,
    quantile_pvalues,
    shortfalls,
    textbook_tests,
    unusual_volatility,
)
from eventstudy.inference.samples import generator
from eventstudy.models.estimation import ModelFit
from eventstudy.models.volatility import FilteredPath, VolatilityFilter, fit_filter
from eventstudy.results import Placebos, PlaceboSample
from eventstudy.study.design import Study
from eventstudy.windows import Window

if TYPE_CHECKING:
    from eventstudy.tables.columns import TextArray

NO_RETURN = "no return in the window"
NO_VARIANCE = "the returns of the estimation window do not vary"


@dataclass(frozen=True, slots=True, eq=False)
class AssetData:
    """What the tests need to know of one asset, on the S sessions of the calendar.

    ``returns`` and ``offset`` (S,), which is subtracted from them, zeros where nothing is; the
    regressors ``design`` (S, K); prices ``levels`` (S,), NaN where returns were given; ``rolls``
    (S,), whether a session is a roll.
    """

    asset: str
    returns: FloatArray
    offset: FloatArray
    design: FloatArray
    levels: FloatArray
    rolls: BoolArray
    kind: ReturnKind

    @property
    def adjusted(self) -> FloatArray:
        """Returns less the offset (S,)."""
        return self.returns - self.offset


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """Abnormal returns of an asset before each of N events, under the parameters of the event.

    ``position`` (N,) is session 0, ``params`` (N, K) those of the model, ``usable`` (U,) the
    sessions with a return and no roll, ``most`` how many of them a history holds.
    """

    data: AssetData
    position: IntArray
    params: FloatArray
    usable: IntArray
    most: int

    @classmethod
    def of(cls, data: AssetData, fit: ModelFit, *, most: int) -> Histories:
        """Find the sessions of an asset that a history can hold."""
        known = np.isfinite(data.adjusted) & np.isfinite(data.design).all(axis=1) & ~data.rolls
        return cls(data, fit.abnormal.position, fit.params, np.flatnonzero(known), most)

    def lengths(self, tau: int) -> IntArray:
        """Sessions in the history before session tau of each event (N,)."""
        return np.minimum(self.usable.searchsorted(self.position + tau), self.most)

    def before(self, row: int, tau: int) -> FloatArray:
        """Return the last sessions before session tau of one event, oldest first (H,)."""
        stop = int(self.usable.searchsorted(self.position[row] + tau))
        rows = self.usable[max(stop - self.most, 0) : stop]
        if not len(rows):
            return np.empty(0)
        span = slice(int(rows[0]), int(rows[-1]) + 1)
        returns = self.data.returns[span] - self.data.offset[span]
        if self.params.shape[1]:
            returns = returns - self.data.design[span] @ self.params[row]
        return np.asarray(returns[rows - span.start], dtype=float)


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredEffects:
    """Effects of N events on one asset over M windows, the first of them the headline.

    ``tests`` (N, M); ``base_price`` (N, M), the price of the session before the window, NaN where
    there is none; ``roll`` (N, M), whether the window contains a roll session; ``filters`` (N,),
    None where none was asked for or could be fitted, and the ``histories`` they were fitted on.
    """

    event_ids: tuple[str, ...]
    windows: tuple[Window, ...]
    tests: SingleTests
    base_price: FloatArray
    roll: BoolArray
    filters: tuple[VolatilityFilter | None, ...]
    histories: Histories

    def placebos(self) -> Placebos:
        """Return the ordinary windows of each event's history, made when they are read.

        For the headline window; only of events that were filtered and whose history is longer
        than the window.
        """
        window = self.windows[0]
        long = self.histories.lengths(window.start) > len(window)
        filtered = np.array([filt is not None for filt in self.filters], dtype=bool)
        rows = np.flatnonzero(self.tests.tested[:, 0] & filtered & long).tolist()
        keys = [(self.event_ids[row], self.histories.data.asset) for row in rows]
        return Placebos(keys, [partial(self.placebo, row) for row in rows])

    def placebo(self, row: int) -> PlaceboSample:
        """Lay one event among the ordinary windows of its history, for the headline window."""
        filt, window = self.filters[row], self.windows[0]
        history = self.histories.before(row, window.start)
        if filt is None:
            msg = f"event {self.event_ids[row]!r}: no filter, no placebo effects"
            raise EstimationError(msg)
        sessions, effect = int(self.tests.n_sessions[row, 0]), float(self.tests.effect[row, 0])
        path = filt.run(history)
        return PlaceboSample(
            self.event_ids[row], self.histories.data.asset, window,
            effects=block_sums(history, sessions),
            standardised=vfc_reference(history, path, filt, sessions),
            effect=effect,
            effect_standardised=effect / float(filt.forecast_scale(path.sigma_next, sessions)),
        )  # fmt: skip


def measure(
    fit: ModelFit,
    data: AssetData,
    study: Study,
    *,
    windows: tuple[Window, ...],
    role: Literal["primary", "alternative", "claim", "power"],
    tick: Callable[[], None] = lambda: None,
) -> MeasuredEffects:
    """Test every window of every event on one asset; `tick` is called once per event.

    Every simulation has a generator of its own, seeded by the study's seed and the labels of its
    event, asset, window and role: neither the order of events nor a further event changes a
    number.
    """
    batch = _Batch(fit, Histories.of(data, fit, most=study.history), study, windows, role)
    for row in range(len(fit.abnormal)):
        if batch.filtered and batch.tested[row].any():
            batch.filter_event(row)
        tick()
    return MeasuredEffects(
        fit.abnormal.event_ids, windows, batch.tests(), _base_prices(batch.histories, windows),
        _rolls(batch.histories, windows), tuple(batch.filters), batch.histories,
    )  # fmt: skip


class _Batch:
    """N events of one asset over M windows; what rests on a filter is entered event by event.

    Every array is (N, M), but for ``s`` (N,). `tested` and `reason` change as filters fail.
    """

    def __init__(
        self,
        fit: ModelFit,
        histories: Histories,
        study: Study,
        windows: tuple[Window, ...],
        role: str,
    ) -> None:
        self.fit, self.histories, self.study = fit, histories, study
        self.windows, self.role, self.filtered = windows, role, study.single != "t"
        parts = [fit.abnormal.restrict(window) for window in windows]
        varies = np.isfinite(fit.abnormal.s2) & (fit.abnormal.s2 > 0.0)
        self.n_sessions = np.column_stack([part.n_sessions for part in parts])
        self.effect = np.column_stack([part.car for part in parts])
        self.se = np.sqrt(np.column_stack([part.variance for part in parts]))
        self.s = np.sqrt(np.where(varies, fit.abnormal.s2, np.nan))
        self.tested = (self.n_sessions > 0) & varies[:, None]
        self.reason = np.where(self.tested, "", NO_VARIANCE).astype(object)
        self.reason[self.n_sessions == 0] = NO_RETURN
        self.filters: list[VolatilityFilter | None] = [None] * len(varies)
        numbers: FloatArray = np.full((5, *self.tested.shape), np.nan)
        self.p_vfc, self.p_fhs, self.half, self.mde, self.sigma_next = numbers
        self.n_vfc, self.n_fhs = np.zeros((2, *self.tested.shape), dtype=np.int64)

    def filter_event(self, row: int) -> None:
        """Fit a filter before the first window of an event, and run the tests that rest on it."""
        first = min(window.start for window in self.windows)
        try:
            filt = fit_filter(self.histories.before(row, first), kind=self.study.volatility)
        except EstimationError as error:
            self.reason[row, self.tested[row]] = str(error)
            self.tested[row] = False
            return
        self.filters[row] = filt
        paths: dict[int, tuple[FloatArray, FilteredPath]] = {}
        for column in np.flatnonzero(self.tested[row]).tolist():
            start = self.windows[column].start
            try:
                if start not in paths:
                    past = self.histories.before(row, start)
                    paths[start] = past, filt.run(past)
            except EstimationError as error:
                self.reason[row, column] = str(error)
                self.tested[row, column] = False
                continue
            self._filter_window(row, column, filt, *paths[start])

    def _filter_window(
        self, row: int, column: int, filt: VolatilityFilter, history: FloatArray, path: FilteredPath
    ) -> None:
        at, study = (row, column), self.study
        sessions = int(self.n_sessions[at])
        own = float(self.se[at]) ** 2 - sessions * float(self.s[row]) ** 2
        event, asset = self.fit.abnormal.event_ids[row], self.histories.data.asset
        one = filtered_tests(
            float(self.effect[at]),
            sessions,
            history=history,
            path=path,
            filt=filt,
            forecast_sd=math.sqrt(max(own, 0.0)),
            level=study.level,
            draws=study.draws,
            rng=generator(study.seed, event, asset, str(self.windows[column]), self.role),
        )
        self.p_vfc[at], self.p_fhs[at] = one.p_vfc, one.p_fhs
        self.n_vfc[at], self.n_fhs[at] = one.n_vfc, one.n_fhs
        self.half[at], self.mde[at], self.sigma_next[at] = one.critical, one.mde, path.sigma_next

    def tests(self) -> SingleTests:
        """Lay what the filters gave beside the t, the sample quantile and the conformal test."""
        abnormal, tested, filtered = self.fit.abnormal, self.tested, self.filtered
        effect, se = np.where(tested, self.effect, np.nan), np.where(tested, self.se, np.nan)
        df = np.where(tested, abnormal.df[:, None], np.nan)
        book = textbook_tests(effect, se, df, level=self.study.level)
        p_sq, n_sq = quantile_pvalues(effect, abnormal.ar_est, self.n_sessions)
        p_conformal = np.full(effect.shape, np.nan)
        for column, window in enumerate(self.windows if filtered else ()):
            null = self.fit.null_residuals(window)
            p_conformal[:, column] = conformal_pvalues(null, self.n_sessions[:, column])
        p_conformal[~tested] = np.nan
        default = np.where(self.n_sessions == 1, "vfc", "fhs") if filtered else "t"
        kinds = np.array([filt.kind if filt else "" for filt in self.filters], dtype=object)
        ratio = self.sigma_next / self.s[:, None]
        return SingleTests(
            n_sessions=self.n_sessions, effect=effect, se=se, t=book.t, df=df, p_t=book.p,
            p_sq=p_sq, p_vfc=self.p_vfc, p_fhs=self.p_fhs, p_conformal=p_conformal,
            ci_method=np.where(tested, default, "").astype(object),
            ci_low=effect - self.half if filtered else book.low,
            ci_high=effect + self.half if filtered else book.high,
            mde=self.mde if filtered else book.mde,
            ci_t_low=book.low, ci_t_high=book.high, mde_t=book.mde,
            vol_ratio=ratio, vol_warning=unusual_volatility(ratio),
            filter=np.where(tested, kinds[:, None], "").astype(object),
            reason=self._reasons(n_sq),
        )  # fmt: skip

    def _reasons(self, n_sq: IntArray) -> TextArray:
        """Why a window was not tested, its filter is an EWMA, or a number is missing."""
        lines = np.array([filt.reason if filt else "" for filt in self.filters], dtype=object)
        reason = np.where(self.tested, lines[:, None], self.reason).astype(object)
        short = n_sq == 0
        if self.filtered:
            short |= (self.n_vfc == 0) | (self.n_fhs == 0) | ~np.isfinite(self.half)
        for row, column in np.argwhere(short & self.tested).tolist():
            at, w = (row, column), int(self.n_sessions[row, column])
            sizes, method, half = {"sq": int(n_sq[at])}, "t", 0.0
            if self.filtered:
                sizes |= {"vfc": int(self.n_vfc[at]), "fhs": int(self.n_fhs[at])}
                method, half = "vfc" if w == 1 else "fhs", float(self.half[at])
            missing = shortfalls(sizes, method, half, w, self.study.level)
            reason[at] = "; ".join(filter(None, (reason[at], *missing)))
        return reason


def _base_prices(histories: Histories, windows: tuple[Window, ...]) -> FloatArray:
    levels = histories.data.levels
    at = histories.position[:, None] + np.array([window.start - 1 for window in windows])
    inside = (at >= 0) & (at < len(levels))
    return np.where(inside, levels[np.where(inside, at, 0)], np.nan)


def _rolls(histories: Histories, windows: tuple[Window, ...]) -> BoolArray:
    rolls = histories.data.rolls
    total = np.concatenate([[0], np.cumsum(rolls)])
    ends = np.array([[window.start, window.end + 1] for window in windows])
    span = np.clip(histories.position[:, None, None] + ends, 0, len(rolls))
    return np.asarray(np.diff(total[span], axis=2)[:, :, 0] > 0)
