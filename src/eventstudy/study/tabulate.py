"""From what a run computed to the tables of its result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eventstudy.alignment import STATES, Alignment
from eventstudy.arrays import BoolArray, DayArray, FloatArray, IntArray
from eventstudy.inference.one_event.single import SingleTests
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.results.tables import Effects, Events, SessionReturns
from eventstudy.study.effects import AssetData, MeasuredEffects
from eventstudy.tables.columns import NameLists, TextArray
from eventstudy.windows import Window

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
    abnormal: AbnormalReturns,
    data: Mapping[str, AssetData],
    sessions: DayArray,
    *,
    level: float,
) -> SessionReturns:
    """Lay abnormal returns out by session of the event window.

    Parameters
    ----------
    abnormal : AbnormalReturns
        N pairs.
    data : mapping of str to AssetData
        By asset.
    sessions : (S,) datetime64[D]
    level : float
        The intervals have ``1 - level`` coverage.
    """
    from scipy.special import stdtrit

    n, width = abnormal.ar.shape
    df, of = np.unique(abnormal.df, return_inverse=True)  # one quantile for the many of one length
    half = stdtrit(df, 1 - level / 2)[of][:, None] * abnormal.se
    index = abnormal.position[:, None] + np.array(abnormal.window.taus)
    inside = (index >= 0) & (index < len(sessions))
    at = np.where(inside, index, 0)
    days = np.where(inside, sessions[at], np.datetime64("NaT"))
    return SessionReturns(
        event_id=np.repeat(np.array(abnormal.event_ids, dtype=object), width),
        asset=np.repeat(np.array(abnormal.assets, dtype=object), width),
        tau=np.tile(np.array(abnormal.window.taus), n),
        session=days.ravel(),
        ar=abnormal.ar.ravel(),
        sar=abnormal.sar.ravel(),
        se=abnormal.se.ravel(),
        return_=abnormal.returns.ravel(),
        expected=abnormal.expected.ravel(),
        ci_low=(abnormal.ar - half).ravel(),
        ci_high=(abnormal.ar + half).ravel(),
        roll=(inside & _at_sessions(abnormal, data, at)).ravel(),
    )


def _at_sessions(
    abnormal: AbnormalReturns, data: Mapping[str, AssetData], at: IntArray
) -> BoolArray:
    """Whether the sessions of each pair (N, W) are roll sessions of its asset."""
    found = np.zeros(at.shape, dtype=bool)
    for asset, rows in abnormal.rows_by_asset.items():
        if data[asset].rolls.any():
            found[rows] = data[asset].rolls[at[rows]]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Rolls:
    """Roll sessions inside the event windows of an alignment.

    Parameters
    ----------
    pairs : Alignment
        N pairs.
    sessions : (A, S) bool
        Roll sessions of each asset.
    window : Window
    count : (N,) int
        Roll sessions inside the event window; 0 for pairs that are not studied.
    """

    pairs: Alignment
    sessions: BoolArray
    window: Window
    count: IntArray

    @classmethod
    def of(cls, pairs: Alignment, rolls: Sequence[BoolArray], window: Window) -> Rolls:
        """Count the roll sessions of every pair, given those of every asset."""
        sessions = np.stack(rolls)
        before = np.concatenate(
            [np.zeros((len(rolls), 1), dtype=np.int64), np.cumsum(sessions, axis=1)], axis=1
        )
        first, last = (
            np.clip(pairs.session + tau, 0, sessions.shape[1])
            for tau in (window.start, window.end + 1)
        )
        count = before[pairs.asset, last] - before[pairs.asset, first]
        return cls(pairs, sessions, window, np.where(pairs.studied, count, 0))

    def taus(self, row: int) -> tuple[str, ...]:
        """Roll sessions of a pair, relative to session 0."""
        if not self.count[row]:
            return ()
        at = int(self.pairs.session[row])
        rolls = self.sessions[int(self.pairs.asset[row])]
        found = (tau for tau in self.window.taus if 0 <= at + tau < len(rolls) and rolls[at + tau])
        return tuple(str(tau) for tau in found)


def events_table(
    pairs: Alignment,
    *,
    rows: IntArray,
    second: IntArray,
    n_windows: int,
    rolls: Rolls,
) -> Events:
    """Collect where every event on every asset falls, those that were not studied included.

    Parameters
    ----------
    pairs : Alignment
        N pairs.
    rows, second : (n,), (m,) int
        Pairs in the order of the effects on the first and on the second possible session.
    n_windows : int
        Effects of each.
    rolls : Rolls
    """
    placed, of = pairs.placements, pairs.event

    def told(values: Iterable[object]) -> TextArray:
        made = np.empty(len(placed), dtype=object)
        made[:] = list(values)
        return made[of]

    events, every = placed.events, np.arange(len(pairs))
    return Events(
        event_id=told(event.event_id for event in events),
        asset=np.array(pairs.assets, dtype=object)[pairs.asset],
        session=pairs.days(pairs.session),
        state=np.array(STATES, dtype=object)[pairs.state],
        title=told(event.title for event in events),
        kind=told(event.kind for event in events),
        place=told(event.place or "" for event in events),
        direction=told(event.direction or "" for event in events),
        source=told(event.source or "" for event in events),
        stated=told(event.time or event.date for event in events),
        zone=told(event.zone or "" for event in events),
        precision=told(event.precision for event in events),
        moved_from=told(placed.moved_from(i) for i in range(len(placed))),
        alt_session=pairs.days(pairs.alternative),
        confounded_with=NameLists(pairs.confounded_with, every),
        perhaps_confounded_with=NameLists(pairs.perhaps_with, every),
        overlaps_with=NameLists(pairs.overlaps_with, every),
        estimation_overlaps=NameLists(pairs.estimation_overlaps, every),
        roll_taus=NameLists(rolls.taus, every),
        reasons=NameLists(pairs.reasons, every),
        effects_at=_first_rows(len(pairs), rows, n_windows),
        alternatives_at=_first_rows(len(pairs), second, n_windows),
        event=told(events),
    )


def _first_rows(n: int, rows: IntArray, n_windows: int) -> IntArray:
    """First row of the effects of every pair (N,), -1 where there is none."""
    found = np.full(n, -1, dtype=np.int64)
    found[rows] = n_windows * np.arange(len(rows))
    return found


def percent_of(effect: float, kind: str, base: float) -> float:
    """Return one effect in per cent of the price before the window, as `as_percent`."""
    from eventstudy.results.tables import as_percent

    values: FloatArray = as_percent(
        np.array([effect]), np.array([kind], dtype=object), np.array([base])
    )
    return float(values[0])
