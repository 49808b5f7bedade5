"""Returns on the sessions of a calendar, with everything masked or missing named.

A return belongs to two consecutive sessions of the calendar. Where either price is missing the
return is missing; it is never stretched over the hole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from eventstudy.arrays import BoolArray, DayArray, FloatArray, ReturnKind
from eventstudy.calendars import SettlementCalendar
from eventstudy.errors import TableError, UndefinedReturnError
from eventstudy.formats import listed
from eventstudy.notes import Note
from eventstudy.prices.contracts import roll_sessions
from eventstudy.prices.table import PriceTable

NonPositive = Literal["error", "change", "simple", "exclude", "next-contract"]
Rolls = Literal["mask", "keep"]
SHOWN = 6


@dataclass(frozen=True, slots=True, eq=False)
class ReturnPanel:
    """Returns of several series on one calendar.

    Parameters
    ----------
    calendar : SettlementCalendar
        S sessions.
    names : tuple of str, length M
    returns, levels : (S, M)
        NaN where undefined; levels are prices, all NaN when returns were given.
    rolls : (S, M) bool
        Sessions whose front-month return mixes two contracts.
    kinds : tuple of str, length M
        Kind of return of each series: a policy may have changed it.
    """

    calendar: SettlementCalendar
    names: tuple[str, ...]
    returns: FloatArray
    levels: FloatArray
    rolls: BoolArray
    kinds: tuple[ReturnKind, ...]
    notes: tuple[Note, ...]

    def column(self, name: str) -> int:
        """Column of a series."""
        return self.names.index(name)


def build_panel(
    table: PriceTable,
    calendar: SettlementCalendar,
    names: tuple[str, ...],
    *,
    kind: ReturnKind,
    nonpositive: NonPositive = "error",
    rolls: Rolls = "mask",
    roll_rules: Mapping[str, str] | None = None,
    next_contract: Mapping[str, str] | None = None,
) -> ReturnPanel:
    """Put series on the sessions of a calendar and take their returns.

    Parameters
    ----------
    names : tuple of str
        Series of the table wanted, in order.
    kind : {"log", "simple", "change"}
        ``log``: log(p_t / p_{t-1}); ``simple``: p_t / p_{t-1} - 1; ``change``: p_t - p_{t-1}
        in units of the price.
    nonpositive : {"error", "change", "simple", "exclude", "next-contract"}
        What to do where the return is undefined because a price is not positive.
    rolls : {"mask", "keep"}
        Whether roll sessions are marked at all.
    roll_rules : mapping, optional
        Series to expiry rule; overrides what the table says.
    next_contract : mapping, optional
        Series to the series that replaces an undefined return under ``next-contract``.

    Raises
    ------
    UndefinedReturnError
        A price is not positive and the policy is ``error``.
    """
    followers = dict(next_contract or {})
    table.require(names + tuple(followers[n] for n in names if n in followers))
    frame, notes = _on_sessions(table, calendar, names)
    columns, kinds, levels = [], [], frame.to_numpy(dtype=float)
    for column, name in enumerate(names):
        if table.data_kind == "returns":
            values, used = levels[:, column], kind
        else:
            later = table.frame[followers[name]] if name in followers else None
            values, used, said = series_returns(
                levels[:, column], calendar.sessions, name, kind=kind, nonpositive=nonpositive,
                follower=None if later is None else later.reindex(calendar.index).to_numpy(float),
            )  # fmt: skip
            notes += said + _stale(levels[:, column], calendar.sessions, name)
        columns.append(values)
        kinds.append(used)
    notes += _spot(table, names)
    marks, said = _roll_marks(table, calendar, names, rolls, dict(roll_rules or {}))
    if table.data_kind == "returns":
        levels = np.full_like(levels, np.nan)
    values = np.column_stack(columns) if columns else np.empty((len(calendar.sessions), 0))
    return ReturnPanel(calendar, names, values, levels, marks, tuple(kinds), (*notes, *said))


def series_returns(
    levels: FloatArray,
    sessions: DayArray,
    name: str,
    *,
    kind: ReturnKind,
    nonpositive: NonPositive = "error",
    follower: FloatArray | None = None,
) -> tuple[FloatArray, ReturnKind, list[Note]]:
    """Take the returns of one price series under a policy for non-positive prices.

    Parameters
    ----------
    levels, follower : (S,)
        Prices, NaN where missing, and those of the next contract.
    kind, nonpositive
        As in `build_panel`.

    Returns
    -------
    values : (S,)
        The first entry is NaN: a return needs a session before it.
    kind : {"log", "simple", "change"}
        The kind used; the policy ``change`` alters it for the whole series.
    notes : list of Note

    Raises
    ------
    UndefinedReturnError
        Naming series, session and remedies, when the policy is ``error``.
    """
    undefined = _undefined(levels, kind)
    if not undefined.any():
        return plain_returns(levels, kind), kind, []
    where = _dates(sessions[undefined])
    if nonpositive == "error":
        first = str(sessions[undefined][0])
        bad = int(np.flatnonzero(undefined)[0])
        msg = (
            f"series {name!r}: the {kind} return of {first} is undefined "
            f"(price {levels[bad]:g} after {levels[bad - 1]:g}); choose [returns] nonpositive = "
            '"change", "simple", "exclude" or "next-contract", or [returns] kind = "change", '
            "or leave the session out with [data] start or end"
        )
        raise UndefinedReturnError(msg, series=name, session=first)
    if nonpositive == "change":
        text = f"undefined {kind} returns ({where}): the whole series is in changes of price"
        return plain_returns(levels, "change"), "change", [Note("fallback", name, text)]
    values, notes = np.where(undefined, np.nan, plain_returns(levels, kind)), []
    filling = _filling(levels, name, kind, nonpositive, follower)
    if filling is not None:
        values = np.where(undefined, filling[0], values)
        notes.append(Note("fallback", name, f"undefined {kind} returns ({where}): {filling[1]}"))
    left = undefined & ~np.isfinite(values)
    if left.any():
        text = f"{int(left.sum())} undefined {kind} return(s) left out ({nonpositive}): {where}"
        notes.append(Note("masked", name, text))
    return values, kind, notes


def plain_returns(levels: FloatArray, kind: ReturnKind) -> FloatArray:
    """Log, simple or plain change between consecutive rows (S,), NaN where not defined."""
    before, now = levels[:-1], levels[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == "log":
            good = (before > 0) & (now > 0)
            ratio = np.where(good, now, 1.0) / np.where(good, before, 1.0)
            values = np.where(good, np.log(ratio), np.nan)
        elif kind == "simple":
            values = np.where(before > 0, now / before - 1.0, np.nan)
        else:
            values = now - before
    return np.concatenate([[np.nan], values])


def _undefined(levels: FloatArray, kind: ReturnKind) -> BoolArray:
    known = np.isfinite(levels)
    pair = np.concatenate([[False], known[1:] & known[:-1]])
    return np.asarray(pair & ~np.isfinite(plain_returns(levels, kind)))


def _filling(
    levels: FloatArray,
    name: str,
    kind: ReturnKind,
    policy: NonPositive,
    follower: FloatArray | None,
) -> tuple[FloatArray, str] | None:
    """Return what replaces undefined returns (S,) under a policy, and what it is."""
    if policy == "simple":
        return plain_returns(levels, "simple"), "simple return where the base is positive"
    if policy != "next-contract":
        return None
    if follower is None:
        msg = (
            f'series {name!r}: nonpositive = "next-contract" needs the next contract: '
            f'[returns] next_contract = {{ {name} = "column of the next contract" }}'
        )
        raise UndefinedReturnError(msg, series=name)
    return plain_returns(follower, kind), "return of the next contract"


def _on_sessions(
    table: PriceTable, calendar: SettlementCalendar, names: tuple[str, ...]
) -> tuple[pd.DataFrame, list[Note]]:
    frame = table.frame.loc[:, list(names)]
    days = frame.index.to_numpy().astype("datetime64[D]")
    settled = np.isin(days, calendar.sessions)
    notes = []
    for name in names:
        extra = days[~settled & frame[name].notna().to_numpy()]
        if extra.size:
            text = f"{extra.size} figure(s) on days without a settlement left out: {_dates(extra)}"
            notes.append(Note("not a session", name, text))
    placed = frame.reindex(calendar.index)
    for name in names:
        known = placed[name].notna().to_numpy()
        inner = ~known & np.logical_or.accumulate(known)
        inner &= np.logical_or.accumulate(known[::-1])[::-1]
        if inner.any():
            text = f"no figure on {int(inner.sum())} session(s): {_dates(calendar.sessions[inner])}"
            notes.append(Note("gap", name, text))
    return placed, notes


def _stale(levels: FloatArray, sessions: DayArray, name: str) -> list[Note]:
    same = np.concatenate([[False], levels[1:] == levels[:-1]])
    if not same.any():
        return []
    where = _dates(sessions[same])
    text = f"the price repeats the session before on {int(same.sum())} session(s): {where}"
    return [Note("stale", name, text)]


def _spot(table: PriceTable, names: tuple[str, ...]) -> list[Note]:
    """Label spot series, and say where they stand beside futures."""
    kinds = {name: table.meta(name).kind for name in names}
    spot = [name for name, kind in kinds.items() if kind == "spot"]
    futures = [name for name, kind in kinds.items() if kind == "futures"]
    text = "a spot assessment, not a settlement: its changes follow the futures only roughly"
    notes = [Note("spot", name, text) for name in spot]
    if spot and futures:
        beside = f"spot ({', '.join(spot)}) beside futures ({', '.join(futures)}) in one study"
        notes.append(Note("spot", ", ".join(spot), f"{beside}: compare them with care"))
    return notes


def _roll_marks(
    table: PriceTable,
    calendar: SettlementCalendar,
    names: tuple[str, ...],
    rolls: Rolls,
    rules: dict[str, str],
) -> tuple[BoolArray, list[Note]]:
    marks = np.zeros((len(calendar.sessions), len(names)), dtype=bool)
    notes = []
    for column, name in enumerate(names):
        meta = table.meta(name)
        rule = rules.get(name, meta.roll)
        if rule in (None, "none"):
            if meta.kind == "futures":
                text = "no roll rule is known: returns over a roll are not masked"
                notes.append(Note("roll", name, text))
            continue
        found = roll_sessions(str(rule), calendar.sessions)
        if rolls == "keep":
            text = f'{int(found.sum())} roll session(s) are not masked (rolls = "keep")'
        else:
            marks[:, column] = found
            text = (
                f"{int(found.sum())} roll session(s) mix two contracts: masked in estimation, "
                f"marked in event windows: {_dates(calendar.sessions[found])}"
            )
        notes.append(Note("roll", name, text))
    return marks, notes


def _dates(days: DayArray) -> str:
    return listed([str(day) for day in days], SHOWN, sep=", ")


def check_finite(table: PriceTable) -> None:
    """Refuse infinite figures in a table built in memory: `TableError` with series and session."""
    bad = np.isinf(table.frame.to_numpy(dtype=float))
    if bad.any():
        row, column = (int(found[0]) for found in np.nonzero(bad))
        msg = f"infinite figure on {table.frame.index[row].date()}: leave the cell blank"
        raise TableError(msg, path=table.source or None, column=table.names[column])
