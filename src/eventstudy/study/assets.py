"""One asset of a study: its arrays, its events, its abnormal returns, its effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eventstudy.alignment import Pair, other_event_mask
from eventstudy.arrays import BoolArray, DayArray, IntArray
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.models.designs import design_matrix
from eventstudy.models.estimation import ModelFit, fit_pairs, gather
from eventstudy.results import PlaceboSample
from eventstudy.results.tables import Effects, SessionReturns
from eventstudy.returns import ReturnPanel
from eventstudy.study.design import Study
from eventstudy.study.effects import AssetData, Effect, measure_effects
from eventstudy.study.tabulate import effects_table, session_returns
from eventstudy.windows import Window


@dataclass(frozen=True, slots=True, eq=False)
class AssetFindings:
    """What one asset contributes to a result.

    Parameters
    ----------
    pairs : tuple of Pair
        Every event on the asset, the dropped ones with their reason.
    abnormal : AbnormalReturns or None
        Pairs studied; None where none was.
    effects, alternatives : Effects
        On the first and on the second possible session.
    ar, alternative_ar : SessionReturns
    placebos : tuple of PlaceboSample
    roll_taus : mapping of (event_id, asset) to str
    """

    pairs: tuple[Pair, ...]
    abnormal: AbnormalReturns | None
    effects: Effects
    alternatives: Effects
    ar: SessionReturns
    alternative_ar: SessionReturns
    placebos: tuple[PlaceboSample, ...]
    roll_taus: dict[tuple[str, str], str]


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
    pairs: Sequence[Pair],
    *,
    sessions: DayArray,
    tick: Callable[[], None],
) -> AssetFindings:
    """Study every event on one asset.

    Parameters
    ----------
    study : Study
    data : AssetData
    pairs : sequence of Pair
        Every event on this asset.
    sessions : (S,) datetime64[D]
    tick : callable
        Called once per event studied.

    Returns
    -------
    AssetFindings
    """
    checked, fit = fit_kept(study, data, pairs)
    if fit is None:
        none, empty = Effects.empty(), SessionReturns.empty()
        return AssetFindings(checked, None, none, none, empty, empty, (), {})
    windows = study.car_windows
    effects, placebos = measure_effects(
        fit, data, study, windows=windows, role="primary", tick=tick
    )
    second, second_fit = _alternatives(study, data, checked)
    rolls = {
        (event_id, data.asset): _roll_taus(data.rolls, int(at), study.window)
        for event_id, at in zip(fit.abnormal.event_ids, fit.abnormal.position, strict=True)
    }
    return AssetFindings(
        pairs=checked,
        abnormal=fit.abnormal,
        effects=effects_table(effects, fit.abnormal, data, sessions),
        alternatives=_rows(second, second_fit, data, sessions),
        ar=session_returns(fit.abnormal, data, sessions, study.level),
        alternative_ar=session_returns(second_fit.abnormal, data, sessions, study.level)
        if second_fit
        else SessionReturns.empty(),
        placebos=tuple(placebos),
        roll_taus=rolls,
    )


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
    span = window or study.window
    estimation = study.estimation_window
    masked = np.nan_to_num(gather(data.rolls.astype(float), position, estimation)) > 0
    if study.exclude_events:
        masked |= other_event_mask(position, sessions, window=study.window, estimation=estimation)
    return fit_pairs(
        data.returns,
        data.design,
        data.offset,
        position=position,
        window=span,
        estimation=estimation,
        masked=masked,
        event_ids=event_ids,
        asset=data.asset,
        return_kind=data.kind,
    )


def kept_pairs(study: Study, data: AssetData, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Every event on an asset, those that cannot be studied dropped with their reason."""
    return fit_kept(study, data, pairs)[0]


def all_sessions(pairs: Sequence[Pair]) -> IntArray:
    """Session 0 of every dated event."""
    found = [p.session for p in pairs if p.session is not None]
    return np.array(found, dtype=np.int64)


def fit_kept(
    study: Study, data: AssetData, pairs: Sequence[Pair]
) -> tuple[tuple[Pair, ...], ModelFit | None]:
    """Drop the pairs that cannot be studied, each with its reason, and fit the others."""
    checked = [_with_history(study, pair, pair.session, data) for pair in pairs]
    kept = [i for i, pair in enumerate(checked) if pair.studied]
    if not kept:
        return tuple(checked), None
    position = np.array([checked[i].session for i in kept], dtype=np.int64)
    ids = tuple(checked[i].event_id for i in kept)
    fit = fit_at(study, data, position, ids, sessions=all_sessions(pairs))
    good = []
    for row, index in enumerate(kept):
        fault = _fault(study, fit, row)
        if fault:
            checked[index] = checked[index].dropped(fault)
        else:
            good.append(row)
    if not good:
        return tuple(checked), None
    return tuple(checked), _take(fit, np.array(good))


def _with_history(study: Study, pair: Pair, session: int | None, data: AssetData) -> Pair:
    if not pair.studied or session is None:
        return pair
    needed = session + study.estimation_window.start
    # The first price has no return, so the first usable session of prices is the second one.
    lived = np.flatnonzero(np.isfinite(data.adjusted))
    first = int(lived[0]) if lived.size else len(data.adjusted)
    if needed < first and study.min_estimation is None:
        missing = first - needed
        length = len(study.estimation_window)
        return pair.dropped(
            f"too little history: the estimation window {study.estimation_window} needs {length} "
            f"returns before the event window and {min(missing, length)} of them lie before the "
            "first return; shorten estimation, or set [windows] min_estimation"
        )
    last = int(lived[-1]) if lived.size else -1
    if session + study.window.end > last and study.incomplete == "drop":
        have = max(last - session, -1)
        return pair.dropped(
            f"the event window {study.window} reaches past the last return: {have + 1} of "
            f"{study.window.end + 1} sessions from session 0 are there; "
            'set [windows] incomplete = "keep" to study what there is'
        )
    return pair


def _fault(study: Study, fit: ModelFit, row: int) -> str:
    abnormal = fit.abnormal
    n_used = int(abnormal.n_est[row])
    length = len(study.estimation_window)
    least = length // 2 if study.min_estimation is None else study.min_estimation
    least = max(least, study.model.n_params + 2)
    if n_used < least:
        return f"{n_used} usable returns in the estimation window, {least} are needed"
    if fit.singular[row]:
        return "the regressors are collinear or constant in the estimation window"
    if not abnormal.n_sessions[row]:
        return "no return in the event window"
    if not abnormal.s2[row] > 0.0:
        return "the returns of the estimation window do not vary"
    return ""


def _alternatives(
    study: Study, data: AssetData, pairs: Sequence[Pair]
) -> tuple[list[Effect], ModelFit | None]:
    chosen = [p for p in pairs if p.studied and p.alternative is not None]
    chosen = [
        p
        for p in chosen
        if _with_history(study, p, p.alternative, data).studied  # as for the first session
    ]
    if not chosen:
        return [], None
    position = np.array([p.alternative for p in chosen], dtype=np.int64)
    ids = tuple(p.event_id for p in chosen)
    fit = fit_at(study, data, position, ids, sessions=all_sessions(pairs))
    good = np.array([row for row in range(len(ids)) if not _fault(study, fit, row)], dtype=int)
    if not good.size:
        return [], None
    fit = _take(fit, good)
    effects, _ = measure_effects(fit, data, study, windows=study.car_windows, role="alternative")
    return effects, fit


def _rows(
    effects: list[Effect], fit: ModelFit | None, data: AssetData, sessions: DayArray
) -> Effects:
    return effects_table(effects, fit.abnormal, data, sessions) if fit else Effects.empty()


def _take(fit: ModelFit, rows: IntArray) -> ModelFit:
    return fit.take(rows)


def _roll_taus(rolls: BoolArray, position: int, window: Window) -> str:
    found = [
        tau for tau in window.taus if 0 <= position + tau < len(rolls) and rolls[position + tau]
    ]
    return "; ".join(str(tau) for tau in found)


def joined(parts: Sequence[AbnormalReturns]) -> AbnormalReturns:
    """Stack the pairs of several assets, in their order.

    Raises
    ------
    EstimationError
        When the parts have different windows.
    """
    return AbnormalReturns.joined(parts)
