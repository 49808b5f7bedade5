"""Single-event effects of one asset: every event and window in one pass, arrays in, arrays out."""

from __future__ import annotations

import hashlib
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
    parts = [fit.abnormal.restrict(window) for window in windows]
    n_sessions = np.column_stack([part.n_sessions for part in parts])
    varies = np.isfinite(fit.abnormal.s2) & (fit.abnormal.s2 > 0.0)
    tested = (n_sessions > 0) & varies[:, None]
    reason = np.where(varies[:, None] | (n_sessions == 0), "", NO_VARIANCE).astype(object)
    reason[n_sessions == 0] = NO_RETURN
    sample = _Sample(
        fit=fit,
        histories=Histories.of(data, fit, most=study.history),
        windows=windows,
        n_sessions=n_sessions,
        effect=np.where(tested, np.column_stack([part.car for part in parts]), np.nan),
        se=np.sqrt(np.where(tested, np.column_stack([part.variance for part in parts]), np.nan)),
        s=np.sqrt(np.where(varies, fit.abnormal.s2, np.nan)),
        role=role,
    )
    asked = study.single != "t"
    found = _Filtered.empty(tested, reason)
    for row in range(len(fit.abnormal)):
        if asked and found.tested[row].any():
            _filter_event(found, sample, study, row)
        tick()
    tests = _tests(found, sample, study.level, filtered=asked)
    return MeasuredEffects(
        fit.abnormal.event_ids, windows, tests, _base_prices(sample), _rolls(sample),
        tuple(found.filters), sample.histories,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """N events of one asset over M windows, and what is known of them before a filter is."""

    fit: ModelFit
    histories: Histories
    windows: tuple[Window, ...]
    n_sessions: IntArray
    effect: FloatArray
    se: FloatArray
    s: FloatArray
    role: str


@dataclass(frozen=True, slots=True, eq=False)
class _Filtered:
    """What the tests that rest on a filter give (N, M), entered event by event."""

    tested: BoolArray
    reason: TextArray
    p_vfc: FloatArray
    p_fhs: FloatArray
    half: FloatArray
    mde: FloatArray
    sigma_next: FloatArray
    n_vfc: IntArray
    n_fhs: IntArray
    filters: list[VolatilityFilter | None]

    @classmethod
    def empty(cls, tested: BoolArray, reason: TextArray) -> _Filtered:
        number: FloatArray = np.full((5, *tested.shape), np.nan)
        count: IntArray = np.zeros((2, *tested.shape), dtype=np.int64)
        return cls(
            tested=tested.copy(), reason=reason, filters=[None] * len(tested),
            p_vfc=number[0], p_fhs=number[1], half=number[2], mde=number[3],
            sigma_next=number[4], n_vfc=count[0], n_fhs=count[1],
        )  # fmt: skip


def _filter_event(found: _Filtered, sample: _Sample, study: Study, row: int) -> None:
    """Fit the filter of one event before its first window, and run the tests that rest on it."""
    histories = sample.histories
    first = min(window.start for window in sample.windows)
    try:
        filt = fit_filter(histories.before(row, first), kind=study.volatility)
    except EstimationError as error:
        found.reason[row, found.tested[row]] = str(error)
        found.tested[row] = False
        return
    found.filters[row] = filt
    paths: dict[int, tuple[FloatArray, FilteredPath]] = {}
    for column in np.flatnonzero(found.tested[row]).tolist():
        start = sample.windows[column].start
        try:
            if start not in paths:
                past = histories.before(row, start)
                paths[start] = past, filt.run(past)
            _filter_window(found, sample, study, (row, column), filt, *paths[start])
        except EstimationError as error:
            found.reason[row, column] = str(error)
            found.tested[row, column] = False


def _filter_window(
    found: _Filtered,
    sample: _Sample,
    study: Study,
    at: tuple[int, int],
    filt: VolatilityFilter,
    history: FloatArray,
    path: FilteredPath,
) -> None:
    row, column = at
    sessions = int(sample.n_sessions[at])
    own = float(sample.se[at]) ** 2 - sessions * float(sample.s[row]) ** 2
    labels = (sample.fit.abnormal.event_ids[row], sample.histories.data.asset)
    one = filtered_tests(
        float(sample.effect[at]), sessions, history=history, path=path, filt=filt,
        forecast_sd=math.sqrt(max(own, 0.0)), level=study.level, draws=study.draws,
        rng=generator(study.seed, *labels, str(sample.windows[column]), sample.role),
    )  # fmt: skip
    found.p_vfc[at], found.p_fhs[at] = one.p_vfc, one.p_fhs
    found.n_vfc[at], found.n_fhs[at] = one.n_vfc, one.n_fhs
    found.half[at], found.mde[at] = one.critical, one.mde
    found.sigma_next[at] = path.sigma_next


def _tests(found: _Filtered, sample: _Sample, level: float, *, filtered: bool) -> SingleTests:
    """Lay what the filters gave beside the t, the sample quantile and the conformal test."""
    abnormal, tested = sample.fit.abnormal, found.tested
    effect, se = np.where(tested, sample.effect, np.nan), np.where(tested, sample.se, np.nan)
    df = np.where(tested, abnormal.df[:, None], np.nan)
    book = textbook_tests(effect, se, df, level=level)
    p_sq, n_sq = quantile_pvalues(effect, abnormal.ar_est, sample.n_sessions)
    p_conformal, n_conformal = np.full(effect.shape, np.nan), np.zeros_like(n_sq)
    if filtered:
        for column, window in enumerate(sample.windows):
            null = sample.fit.null_residuals(window)
            p_conformal[:, column] = conformal_pvalues(null, sample.n_sessions[:, column])
            n_conformal[:, column] = np.isfinite(null).sum(axis=1)
        p_conformal[~tested] = np.nan
    default = np.where(sample.n_sessions == 1, "vfc", "fhs") if filtered else "t"
    ratio = found.sigma_next / sample.s[:, None]
    kinds = np.array([filt.kind if filt else "" for filt in found.filters], dtype=object)
    return SingleTests(
        n_sessions=sample.n_sessions, effect=effect, se=se, t=book.t, df=df, p_t=book.p,
        p_sq=p_sq, p_vfc=found.p_vfc, p_fhs=found.p_fhs, p_conformal=p_conformal,
        ci_method=np.where(tested, default, "").astype(object),
        ci_low=effect - found.half if filtered else book.low,
        ci_high=effect + found.half if filtered else book.high,
        mde=found.mde if filtered else book.mde,
        ci_t_low=book.low, ci_t_high=book.high, mde_t=book.mde,
        vol_ratio=ratio, vol_warning=unusual_volatility(ratio),
        filter=np.where(tested, kinds[:, None], "").astype(object),
        reason=_reasons(found, sample, n_sq, level, filtered=filtered),
        n_sq=n_sq, n_vfc=found.n_vfc, n_fhs=found.n_fhs,
        n_conformal=np.where(tested, n_conformal, 0),
    )  # fmt: skip


def _reasons(
    found: _Filtered, sample: _Sample, n_sq: IntArray, level: float, *, filtered: bool
) -> TextArray:
    """Return why a window was not tested, why its filter is an EWMA, or why a number is missing."""
    lines = np.array([filt.reason if filt else "" for filt in found.filters], dtype=object)
    reason = np.where(found.tested, lines[:, None], found.reason).astype(object)
    short = n_sq == 0
    if filtered:
        short |= (found.n_vfc == 0) | (found.n_fhs == 0) | ~np.isfinite(found.half)
    for row, column in np.argwhere(short & found.tested).tolist():
        at, w = (row, column), int(sample.n_sessions[row, column])
        sizes, method, half = {"sq": int(n_sq[at])}, "t", 0.0
        if filtered:
            sizes |= {"vfc": int(found.n_vfc[at]), "fhs": int(found.n_fhs[at])}
            method, half = "vfc" if w == 1 else "fhs", float(found.half[at])
        missing = shortfalls(sizes, method, half, w, level)
        reason[at] = "; ".join(filter(None, (reason[at], *missing)))
    return reason


def _base_prices(sample: _Sample) -> FloatArray:
    levels = sample.histories.data.levels
    before = np.array([window.start - 1 for window in sample.windows])
    at = sample.histories.position[:, None] + before
    inside = (at >= 0) & (at < len(levels))
    return np.where(inside, levels[np.where(inside, at, 0)], np.nan)


def _rolls(sample: _Sample) -> BoolArray:
    rolls = sample.histories.data.rolls
    total = np.concatenate([[0], np.cumsum(rolls)])
    ends = np.array([[window.start, window.end + 1] for window in sample.windows])
    span = np.clip(sample.histories.position[:, None, None] + ends, 0, len(rolls))
    return np.asarray(np.diff(total[span], axis=2)[:, :, 0] > 0)


def generator(seed: int, *labels: str) -> np.random.Generator:
    """Return a generator that depends on the seed and on labels, not on the order of events."""
    digest = hashlib.blake2b("\x1f".join(labels).encode(), digest_size=16).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
    return np.random.default_rng([seed, *words])
