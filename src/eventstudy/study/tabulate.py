"""From what a run computed to the tables of its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eventstudy.alignment import Pair
from eventstudy.arrays import DayArray, FloatArray, IntArray
from eventstudy.inference.single import SingleTests
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.results.tables import Effects, Events, SessionReturns
from eventstudy.study.effects import AssetData, MeasuredEffects
from eventstudy.tables.columns import NameLists

NAN = float("nan")


def effects_table(
    found: MeasuredEffects, abnormal: AbnormalReturns, data: AssetData, sessions: DayArray
) -> Effects:
    """Lay the effects of one asset out by pair, then by window.

    Parameters
    ----------
    found : MeasuredEffects
        N pairs and M windows.
    abnormal : AbnormalReturns
        The N pairs.
    data : AssetData
    sessions : (S,) datetime64[D]
    """
    n, m = found.base_price.shape
    tests = {
        name: getattr(found.tests, name).ravel()
        for name in SingleTests.__slots__
        if name not in {"reason", "n_sq", "n_vfc", "n_fhs", "n_conformal"}
    }
    windows = np.empty(m, dtype=object)
    windows[:] = found.windows
    return Effects(
        event_id=np.repeat(np.array(abnormal.event_ids, dtype=object), m),
        asset=np.full(n * m, data.asset, dtype=object),
        session=np.repeat(sessions[abnormal.position], m),
        window=np.tile(windows, n),
        base_price=found.base_price.ravel(),
        n_estimation=np.repeat(abnormal.n_est, m),
        roll=found.roll.ravel(),
        return_kind=np.full(n * m, data.kind, dtype=object),
        filter_reason=found.tests.reason.ravel(),
        **tests,
    )


def session_returns(
    abnormal: AbnormalReturns, data: AssetData, sessions: DayArray, level: float
) -> SessionReturns:
    """Lay the abnormal returns of one asset out by session of the event window.

    Parameters
    ----------
    abnormal : AbnormalReturns
        N pairs on the asset.
    data : AssetData
    sessions : (S,) datetime64[D]
    level : float
        The intervals have ``1 - level`` coverage.
    """
    from scipy.special import stdtrit

    n, width = abnormal.ar.shape
    se = np.sqrt(abnormal.s2[:, None] * np.diagonal(abnormal.cov_factor, axis1=1, axis2=2))
    half = stdtrit(abnormal.df, 1 - level / 2)[:, None] * se
    index = abnormal.position[:, None] + np.array(abnormal.window.taus)
    inside = (index >= 0) & (index < len(sessions))
    at = np.where(inside, index, 0)
    days = np.where(inside, sessions[at], np.datetime64("NaT"))
    return SessionReturns(
        event_id=np.repeat(np.array(abnormal.event_ids, dtype=object), width),
        asset=np.full(n * width, data.asset, dtype=object),
        tau=np.tile(np.array(abnormal.window.taus), n),
        session=days.ravel(),
        ar=abnormal.ar.ravel(),
        sar=abnormal.sar.ravel(),
        se=se.ravel(),
        return_=abnormal.returns.ravel(),
        expected=abnormal.expected.ravel(),
        ci_low=(abnormal.ar - half).ravel(),
        ci_high=(abnormal.ar + half).ravel(),
        roll=(inside & data.rolls[at]).ravel(),
    )


def events_table(
    pairs: Sequence[Pair],
    effects: Effects,
    alternatives: Effects,
    *,
    sessions: DayArray,
    roll_taus: Mapping[tuple[str, str], str],
) -> Events:
    """Collect where every event on every asset falls, those that were not studied included.

    Parameters
    ----------
    pairs : sequence of Pair
        Every event on every asset it concerns.
    effects, alternatives : Effects
        Effects on the first and on the second possible session.
    sessions : (S,) datetime64[D]
    roll_taus : mapping of (event_id, asset) to str
        Roll sessions inside the event window.
    """
    keys = [(pair.event_id, pair.asset) for pair in pairs]
    first = _first_rows(effects)
    at = np.array([first.get(key, -1) for key in keys], dtype=np.int64)
    second = _first_rows(alternatives)
    placed = [pair.placement for pair in pairs]
    events = [one.event for one in placed]
    why = effects.filter_reason
    return Events(
        event_id=[key[0] for key in keys],
        asset=[key[1] for key in keys],
        session=_days(sessions, [one.session for one in placed]),
        state=[pair.state for pair in pairs],
        title=[event.title for event in events],
        kind=[event.kind for event in events],
        place=[event.place or "" for event in events],
        direction=[event.direction or "" for event in events],
        source=[event.source or "" for event in events],
        stated=[event.time or event.date for event in events],
        zone=[event.zone or "" for event in events],
        precision=[event.precision for event in events],
        moved_from=[one.moved_from for one in placed],
        alt_session=_days(sessions, [one.alternative for one in placed]),
        confounded_with=NameLists.of([pair.confounded_with for pair in pairs]),
        perhaps_confounded_with=NameLists.of([pair.perhaps_with for pair in pairs]),
        overlaps_with=NameLists.of([pair.overlaps_with for pair in pairs]),
        estimation_overlaps=NameLists.of([pair.estimation_overlaps for pair in pairs]),
        roll_taus=NameLists.of([tuple(filter(None, [roll_taus.get(key, "")])) for key in keys]),
        reason=[
            one.reason or (why[row] if row >= 0 else "")
            for one, row in zip(placed, at, strict=True)
        ],
        effects_at=at,
        alternatives_at=[second.get(key, -1) for key in keys],
        features=[event.carried for event in events],
    )


def _first_rows(effects: Effects) -> dict[tuple[str, str], int]:
    """Return the first row of every pair; its windows follow one another."""
    keys = zip(effects.event_id, effects.asset, strict=True)
    found: dict[tuple[str, str], int] = {}
    for row, key in enumerate(keys):
        found.setdefault(key, row)
    return found


def _days(sessions: DayArray, at: Sequence[int | None]) -> DayArray:
    index: IntArray = np.array([-1 if one is None else one for one in at], dtype=np.int64)
    return np.where(index >= 0, sessions[index], np.datetime64("NaT"))


def percent_of(effect: float, kind: str, base: float) -> float:
    """Return one effect in per cent of the price before the window, as `as_percent`."""
    from eventstudy.results.tables import as_percent

    values: FloatArray = as_percent(
        np.array([effect]), np.array([kind], dtype=object), np.array([base])
    )
    return float(values[0])
