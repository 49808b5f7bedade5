"""From what a run computed to the tables of its result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from eventstudy.alignment import STATES, Alignment
from eventstudy.arrays import BoolArray, DayArray, FloatArray, IntArray
from eventstudy.events import Event
from eventstudy.inference.one_event.single import SingleTests
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.results.tables import Effects, Events, SessionReturns
from eventstudy.study.effects import AssetData, MeasuredEffects
from eventstudy.tables.columns import Later, NameLists, TextArray
from eventstudy.windows import Window


def effects_table(
    found: MeasuredEffects, abnormal: AbnormalReturns, data: AssetData, sessions: DayArray
) -> Effects:
    """Lay the effects of N pairs on one asset over M windows out by pair, then by window."""
    n, m = found.base_price.shape
    tests = {
        name: getattr(found.tests, name).ravel()
        for name in SingleTests.__slots__
        if name != "reason"
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
    """Lay abnormal returns out by session; intervals have ``1 - level`` coverage."""
    n, width = abnormal.ar.shape
    size, taus = n * width, np.array(abnormal.window.taus)

    def every(values: Sequence[str]) -> Later:
        return Later(size, lambda: np.repeat(np.array(values, dtype=object), width))

    def flat(make: Callable[[], FloatArray]) -> Later:
        return Later(size, lambda: np.ravel(make()))

    def at() -> tuple[IntArray, BoolArray]:
        index = abnormal.position[:, None] + taus
        inside = (index >= 0) & (index < len(sessions))
        return np.where(inside, index, 0), inside

    def days() -> DayArray:
        index, inside = at()
        found: DayArray = np.where(inside, sessions[index], np.datetime64("NaT"))
        return found.ravel()

    def rolls() -> BoolArray:
        index, inside = at()
        for asset, rows in abnormal.rows_by_asset.items():
            inside[rows] &= data[asset].rolls[index[rows]]
        return inside.ravel()

    return SessionReturns(
        event_id=every(abnormal.event_ids),
        asset=every(abnormal.assets),
        tau=Later(size, lambda: np.tile(taus, n)),
        session=Later(size, days),
        ar=abnormal.ar.ravel(),
        sar=flat(lambda: abnormal.sar),
        se=flat(lambda: abnormal.se),
        return_=abnormal.returns.ravel(),
        expected=abnormal.expected.ravel(),
        ci_low=flat(lambda: abnormal.ar - _half_widths(abnormal, level)),
        ci_high=flat(lambda: abnormal.ar + _half_widths(abnormal, level)),
        roll=Later(size, rolls),
    )


def _half_widths(abnormal: AbnormalReturns, level: float) -> FloatArray:
    """``t quantile x se`` of single abnormal returns (N, W)."""
    from scipy.special import stdtrit

    df, of = np.unique(abnormal.df, return_inverse=True)  # one quantile for the many of one length
    return np.asarray(stdtrit(df, 1 - level / 2)[of][:, None] * abnormal.se)


@dataclass(frozen=True, slots=True, eq=False)
class Rolls:
    """Roll sessions inside the event windows of an alignment."""

    pairs: Alignment
    sessions: BoolArray  # (A, S), of each asset
    window: Window
    count: IntArray  # (N,), of each pair; 0 where it is not studied

    @classmethod
    def of(cls, pairs: Alignment, rolls: Sequence[BoolArray], window: Window) -> Rolls:
        """Count the roll sessions of every pair, given those of every asset."""
        sessions = np.stack(rolls)
        before: IntArray = np.pad(np.cumsum(sessions, axis=1), ((0, 0), (1, 0)))
        ends, most = (window.start, window.end + 1), sessions.shape[1]
        first, last = (np.clip(pairs.session + tau, 0, most) for tau in ends)
        count: IntArray = before[pairs.asset, last] - before[pairs.asset, first]
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
    pairs: Alignment, rows: IntArray, second: IntArray, n_windows: int, rolls: Rolls
) -> Events:
    """Collect where every event on every asset falls, those that were not studied included.

    `rows` (n,) and `second` (m,) are the pairs in the order of their effects on the first and on
    the second possible session, `n_windows` of each.
    """
    placed, of = pairs.placements, pairs.event

    def told(value: Callable[[Event], object]) -> Later:
        return Later(len(pairs), lambda: collected(map(value, events)))

    def collected(values: Iterable[object]) -> TextArray:
        made = np.empty(len(placed), dtype=object)
        made[:] = list(values)
        return made[of]

    events, every = placed.events, np.arange(len(pairs))
    return Events(
        event_id=collected(map(attrgetter("event_id"), events)),
        asset=np.array(pairs.assets, dtype=object)[pairs.asset],
        session=pairs.days(pairs.session),
        state=np.array(STATES, dtype=object)[pairs.state],
        title=told(attrgetter("title")),
        kind=told(attrgetter("kind")),
        place=told(lambda event: event.place or ""),
        direction=told(lambda event: event.direction or ""),
        source=told(lambda event: event.source or ""),
        stated=told(lambda event: event.time or event.date),
        zone=told(lambda event: event.zone or ""),
        precision=told(attrgetter("precision")),
        moved_from=Later(len(pairs), lambda: collected(map(placed.moved_from, range(len(placed))))),
        alt_session=pairs.days(pairs.alternative),
        confounded_with=NameLists(pairs.confounded_with, every),
        perhaps_confounded_with=NameLists(pairs.perhaps_with, every),
        overlaps_with=NameLists(pairs.overlaps_with, every),
        estimation_overlaps=NameLists(pairs.estimation_overlaps, every),
        roll_taus=NameLists(rolls.taus, every),
        reasons=NameLists(pairs.reasons, every),
        effects_at=_first_rows(len(pairs), rows, n_windows),
        alternatives_at=_first_rows(len(pairs), second, n_windows),
        event=Later(len(pairs), lambda: collected(events)),
    )


def _first_rows(n: int, rows: IntArray, n_windows: int) -> IntArray:
    """First row of the effects of every pair (N,), -1 where there is none."""
    found = np.full(n, -1, dtype=np.int64)
    found[rows] = n_windows * np.arange(len(rows))
    return found
