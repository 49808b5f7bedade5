"""The assets of a study: their arrays, the events that can be studied, fits and effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eventstudy.alignment import Alignment, event_sessions
from eventstudy.arrays import BoolArray, DayArray, IntArray
from eventstudy.models.designs import design_matrix
from eventstudy.models.estimation import ModelFit, SampleFit, fit_pairs, fit_sample
from eventstudy.results import Placebos
from eventstudy.results.tables import Effects
from eventstudy.returns import ReturnPanel
from eventstudy.study.design import Study
from eventstudy.study.effects import AssetData, measure
from eventstudy.study.tabulate import effects_table
from eventstudy.windows import Window


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """The pairs that can be studied, and why the others cannot."""

    rows: IntArray  # (n,) rows of the alignment that are studied, by asset, then by event
    dropped: IntArray  # (d,) rows that have a session and are not studied
    reasons: tuple[str, ...]  # (d,)
    fit: SampleFit | None  # of the pairs studied; None where there is none


def asset_data(study: Study, panel: ReturnPanel, asset: str) -> AssetData:
    """Take the arrays of one asset out of the panel."""
    column = panel.column(asset)
    offset = study.model.offset
    returns = panel.returns[:, column]
    subtracted = panel.returns[:, panel.column(offset)] if offset else np.zeros_like(returns)
    factors = panel.returns[:, [panel.column(name) for name in study.model.regressors]]
    rolls = panel.rolls[:, column].copy()
    for name in (*study.model.regressors, *((offset,) if offset else ())):
        rolls |= panel.rolls[:, panel.column(name)]
    design, levels = design_matrix(study.model, factors), panel.levels[:, column]
    return AssetData(asset, returns, subtracted, design, levels, rolls, panel.kinds[column])


def study_effects(
    study: Study,
    data: Mapping[str, AssetData],
    fit: SampleFit | None,
    sessions: DayArray,
    *,
    role: Literal["primary", "alternative"],
    tick: Callable[[], None] = lambda: None,
) -> tuple[Effects, Placebos]:
    """Test the single events of every asset over the windows of a study, see `measure`.

    The effects are ordered by pair, then by window; `fit` has its pairs ordered by asset.
    """
    tables, placebos = [], []
    for asset in fit.abnormal.rows_by_asset if fit else ():
        assert fit is not None  # noqa: S101  # there would be no asset
        mine = fit.on(asset)
        found = measure(mine, data[asset], study, windows=study.car_windows, role=role, tick=tick)
        tables.append(effects_table(found, mine.abnormal, data[asset], sessions))
        placebos.append(found.placebos())
    return Effects.joined(tables), Placebos.joined(placebos)


def fit_at(
    study: Study,
    data: AssetData,
    position: IntArray,
    event_ids: tuple[str, ...],
    *,
    sessions: IntArray,
    window: Window | None = None,
) -> ModelFit:
    """Fit the model of the study around the sessions 0 of N events, ``position`` (N,).

    `sessions` (M,) are those of every event on the asset, which may be excluded; `window` is the
    event window, that of the study by default.
    """
    return fit_pairs(
        data.returns, data.design, data.offset,
        position=position, window=window or study.window, estimation=study.estimation_window,
        masked=_masked(study, data, sessions),
        event_ids=event_ids, asset=data.asset, return_kind=data.kind,
    )  # fmt: skip


def _masked(study: Study, data: AssetData, sessions: IntArray) -> BoolArray:
    """Sessions that no estimation window may use (S,)."""
    if not study.exclude_events:
        return data.rolls
    events = event_sessions(sessions, window=study.window, size=len(data.returns))
    return np.asarray(data.rolls | events)


def all_sessions(pairs: Alignment, asset: str) -> IntArray:
    """Session 0 of every dated event on an asset."""
    found = pairs.session[pairs.rows_of(asset)]
    return found[found >= 0]


def fit_kept(study: Study, data: Mapping[str, AssetData], pairs: Alignment) -> Kept:
    """Fit the model around every event on some assets; drop those that cannot be studied."""
    rows = np.concatenate([pairs.rows_of(asset) for asset in data])
    rows = rows[pairs.studied[rows]]
    return _fit_rows(study, data, pairs, rows, pairs.session[rows])


def fit_second(study: Study, data: Mapping[str, AssetData], pairs: Alignment, kept: Kept) -> Kept:
    """Do the same with the second possible sessions of the pairs studied."""
    at = pairs.alternative[kept.rows]
    return _fit_rows(study, data, pairs, kept.rows[at >= 0], at[at >= 0])


def _fit_rows(
    study: Study, data: Mapping[str, AssetData], pairs: Alignment, rows: IntArray, at: IntArray
) -> Kept:
    numbers = {pairs.assets.index(asset): number for number, asset in enumerate(data)}
    asset = np.array([numbers[i] for i in pairs.asset[rows].tolist()], dtype=np.int64)
    faults = _history_faults(study, list(data.values()), asset, at)
    good = _others(len(rows), faults)
    fit = None
    if len(good):
        fit = _fit_assets(study, data, pairs, rows[good], asset[good], at[good])
        found = _fit_faults(study, fit)
        faults |= {int(good[i]): reason for i, reason in found.items()}
        left = _others(len(good), found)
        fit, good = (fit.take(left) if len(left) else None), good[left]
    lost = sorted(faults)
    return Kept(rows[good], rows[lost], tuple(faults[i] for i in lost), fit)


def _others(n: int, faults: Mapping[int, str]) -> IntArray:
    """Numbers below n without a fault."""
    good = np.ones(n, dtype=bool)
    good[list(faults)] = False
    return np.flatnonzero(good)


def _fit_assets(
    study: Study,
    data: Mapping[str, AssetData],
    pairs: Alignment,
    rows: IntArray,
    asset: IntArray,
    at: IntArray,
) -> SampleFit:
    one = list(data.values())[int(asset[0])]  # regressors are the same for every asset
    return fit_sample(
        {name: each.returns for name, each in data.items()}, one.design, one.offset,
        asset=asset, position=at, window=study.window, estimation=study.estimation_window,
        masked={n: _masked(study, each, all_sessions(pairs, n)) for n, each in data.items()},
        event_ids=pairs.event_ids(rows), return_kind=one.kind,
    )  # fmt: skip


def _history_faults(
    study: Study, data: Sequence[AssetData], asset: IntArray, at: IntArray
) -> dict[int, str]:
    """Why some events have too few sessions around them, by number."""
    ends = np.array([_ends(np.isfinite(one.adjusted)) for one in data], dtype=np.int64)
    first, last = ends[asset, 0], ends[asset, 1]
    faults: dict[int, str] = {}
    short = first - (at + study.estimation_window.start)
    if study.min_estimation is None:
        length = len(study.estimation_window)
        for i in np.flatnonzero(short > 0).tolist():
            faults[i] = (
                f"too little history: the estimation window {study.estimation_window} needs "
                f"{length} returns before the event window and {min(int(short[i]), length)} of them"
                " lie before the first return; shorten estimation, or set [windows] min_estimation"
            )
    if study.incomplete == "drop":
        for i in np.flatnonzero(at + study.window.end > last).tolist():
            have = max(int(last[i] - at[i]), -1)
            text = (
                f"the event window {study.window} reaches past the last return: {have + 1} of "
                f"{study.window.end + 1} sessions from session 0 are there; "
                'set [windows] incomplete = "keep" to study what there is'
            )
            faults.setdefault(i, text)
    return faults


def _ends(known: BoolArray) -> tuple[int, int]:
    """First and last session with a return: the first price has none."""
    at = np.flatnonzero(known)
    return (int(at[0]), int(at[-1])) if at.size else (len(known), -1)


def _fit_faults(study: Study, fit: SampleFit) -> dict[int, str]:
    """Why some fits give no abnormal return, by number."""
    abnormal, length = fit.abnormal, len(study.estimation_window)
    least = length // 2 if study.min_estimation is None else study.min_estimation
    least = max(least, study.model.n_params + 2)
    few = abnormal.n_est < least
    faults = {
        i: f"{abnormal.n_est[i]} usable returns in the estimation window, {least} are needed"
        for i in np.flatnonzero(few).tolist()
    }
    for wrong, reason in (
        (fit.singular, "the regressors are collinear or constant in the estimation window"),
        (abnormal.n_sessions == 0, "no return in the event window"),
        (~(abnormal.s2 > 0.0), "the returns of the estimation window do not vary"),
    ):
        for i in np.flatnonzero(wrong).tolist():
            faults.setdefault(i, reason)
    return faults
