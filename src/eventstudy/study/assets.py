"""One asset of a study: its arrays, its events, its abnormal returns, its effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eventstudy.alignment import Alignment, event_sessions
from eventstudy.arrays import DayArray, IntArray
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.models.designs import design_matrix
from eventstudy.models.estimation import ModelFit, fit_pairs
from eventstudy.results import Placebos
from eventstudy.results.tables import Effects
from eventstudy.returns import ReturnPanel
from eventstudy.study.design import Study
from eventstudy.study.effects import AssetData, measure
from eventstudy.study.tabulate import effects_table
from eventstudy.windows import Window


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """The pairs on one asset that can be studied, and why the others cannot.

    Parameters
    ----------
    rows : (n,) int
        Rows of the alignment that are studied, in order.
    dropped : (d,) int
        Rows that have a session and are not studied.
    reasons : tuple of str, length d
    fit : ModelFit or None
        The fits of the pairs studied; None where there is none.
    """

    rows: IntArray
    dropped: IntArray
    reasons: tuple[str, ...]
    fit: ModelFit | None

    @property
    def abnormal(self) -> AbnormalReturns | None:
        """Abnormal returns of the pairs studied; None where none was."""
        return None if self.fit is None else self.fit.abnormal


@dataclass(frozen=True, slots=True, eq=False)
class AssetFindings:
    """What one asset contributes to a result.

    Parameters
    ----------
    kept, second : Kept
        The pairs studied, on the first and on the second possible session.
    effects, alternatives : Effects
        The same on their windows.
    placebos : Placebos
    """

    kept: Kept
    second: Kept
    effects: Effects
    alternatives: Effects
    placebos: Placebos


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
    return AssetData(
        asset=asset,
        returns=returns,
        offset=subtracted,
        design=design_matrix(study.model, factors),
        levels=panel.levels[:, column],
        rolls=rolls,
        kind=panel.kinds[column],
    )


def study_asset(
    study: Study,
    data: AssetData,
    pairs: Alignment,
    *,
    sessions: DayArray,
    tick: Callable[[], None],
) -> AssetFindings:
    """Study every event on one asset.

    Parameters
    ----------
    study : Study
    data : AssetData
    pairs : Alignment
        Every event on every asset.
    sessions : (S,) datetime64[D]
    tick : callable
        Called once per event studied.

    Returns
    -------
    AssetFindings
    """
    kept = fit_kept(study, data, pairs)
    second = _fit_second(study, data, pairs, kept)
    windows = study.car_windows
    effects, alternatives, placebos = Effects.empty(), Effects.empty(), Placebos.of(())
    if kept.fit is not None:
        found = measure(kept.fit, data, study, windows=windows, role="primary", tick=tick)
        effects = effects_table(found, kept.fit.abnormal, data, sessions)
        placebos = found.placebos()
    if second.fit is not None:
        found = measure(second.fit, data, study, windows=windows, role="alternative")
        alternatives = effects_table(found, second.fit.abnormal, data, sessions)
    return AssetFindings(kept, second, effects, alternatives, placebos)


def fit_at(
    study: Study,
    data: AssetData,
    position: IntArray,
    event_ids: tuple[str, ...],
    *,
    sessions: IntArray,
    window: Window | None = None,
) -> ModelFit:
    """Fit the model of the study around given sessions.

    Parameters
    ----------
    study : Study
    data : AssetData
    position : (N,) int
        Session 0 of each event.
    event_ids : tuple of str, length N
    sessions : (M,) int
        Session 0 of every event on the asset: what may be excluded.
    window : Window, optional
        Event window; that of the study by default.

    Returns
    -------
    ModelFit
    """
    masked = data.rolls
    if study.exclude_events:
        masked = masked | event_sessions(sessions, window=study.window, size=len(data.returns))
    return fit_pairs(
        data.returns,
        data.design,
        data.offset,
        position=position,
        window=window or study.window,
        estimation=study.estimation_window,
        masked=masked,
        event_ids=event_ids,
        asset=data.asset,
        return_kind=data.kind,
    )


def all_sessions(pairs: Alignment, asset: str) -> IntArray:
    """Session 0 of every dated event on an asset."""
    found = pairs.session[pairs.rows_of(asset)]
    return found[found >= 0]


def fit_kept(study: Study, data: AssetData, pairs: Alignment) -> Kept:
    """Fit the model around every event on an asset; drop those that cannot be studied."""
    rows = pairs.rows_of(data.asset)
    rows = rows[pairs.studied[rows]]
    return _fit_rows(study, data, pairs, rows, pairs.session[rows])


def _fit_second(study: Study, data: AssetData, pairs: Alignment, kept: Kept) -> Kept:
    """Do the same with the second possible sessions of the pairs studied."""
    at = pairs.alternative[kept.rows]
    return _fit_rows(study, data, pairs, kept.rows[at >= 0], at[at >= 0])


def _fit_rows(
    study: Study, data: AssetData, pairs: Alignment, rows: IntArray, at: IntArray
) -> Kept:
    faults = _history_faults(study, data, at)
    good = np.array([i for i in range(len(rows)) if i not in faults], dtype=np.int64)
    fit = None
    if len(good):
        fit = fit_at(
            study, data, at[good], pairs.event_ids(rows[good]),
            sessions=all_sessions(pairs, data.asset),
        )  # fmt: skip
        found = _fit_faults(study, fit)
        faults |= {int(good[i]): reason for i, reason in found.items()}
        left = np.array([i for i in range(len(good)) if i not in found], dtype=np.int64)
        fit, good = (fit.take(left), good[left]) if len(left) else (None, good[:0])
    lost = sorted(faults)
    return Kept(rows[good], rows[lost], tuple(faults[i] for i in lost), fit)


def _history_faults(study: Study, data: AssetData, at: IntArray) -> dict[int, str]:
    """Why some events have too few sessions around them, by number."""
    known = np.flatnonzero(np.isfinite(data.adjusted))
    # The first price has no return, so the first usable session of prices is the second one.
    first, last = (int(known[0]), int(known[-1])) if known.size else (len(data.returns), -1)
    faults: dict[int, str] = {}
    short = first - (at + study.estimation_window.start)
    if study.min_estimation is None:
        length = len(study.estimation_window)
        for i in np.flatnonzero(short > 0).tolist():
            faults[i] = (
                f"too little history: the estimation window {study.estimation_window} needs "
                f"{length} returns before the event window and {min(int(short[i]), length)} of "
                "them lie before the first return; shorten estimation, or set [windows] "
                "min_estimation"
            )
    if study.incomplete == "drop":
        for i in np.flatnonzero(at + study.window.end > last).tolist():
            have = max(last - int(at[i]), -1)
            text = (
                f"the event window {study.window} reaches past the last return: {have + 1} of "
                f"{study.window.end + 1} sessions from session 0 are there; "
                'set [windows] incomplete = "keep" to study what there is'
            )
            faults.setdefault(i, text)
    return faults


def _fit_faults(study: Study, fit: ModelFit) -> dict[int, str]:
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
