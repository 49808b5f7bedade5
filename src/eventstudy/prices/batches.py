"""Batch validation: what a source returned that cannot be the series it claims to be.

Every new bar is looked at, and every known close that would change. It stops what would spoil the
store: another unit, another series, a shift by a day, a slip of the sign. Whoever knows better
accepts the batch, and the reasons to stop it are recorded with the acceptance.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

import numpy as np

from eventstudy.prices.records import Bar

_REWRITTEN_SHARE: Final = 0.5
_REWRITTEN_LEAST: Final = 3
_FAR: Final = 0.10
_LEVEL_FACTOR: Final = 5.0
# A bar is compared with the one before it over a pause of so many days by its level and moves,
_NEAR_DAYS: Final = 10
# and over a longer one by its level alone.
_FAR_DAYS: Final = 400
# Log moves: beyond the move of the nearest peer, without a peer for that day, and of series of
# their own. WTI fell by 0.28 on 9 March 2020 as Brent did; volatility indices have doubled.
_BEYOND_PEERS: Final = 0.25
_UNCONFIRMED: Final = 0.30
_ALONE: Final[Mapping[str, float]] = {"volatility": 1.2}
_ALONE_OTHERS: Final = 0.50
_SIGNED_KINDS: Final = ("spread", "difference")
_CLOCK_WEEKDAYS: Final = 7
_CLOCK_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What a batch is compared with besides the known closes.

    Parameters
    ----------
    kind : str
        Kind of the series.
    sessions : collection of str or None
        Days on which its market settled; None where it has no calendar.
    peers : mapping of str to mapping of str to float, or None
        Closes of related series by session, by name; None where nothing is related.
    replaced : collection of str
        Known sessions whose values came from a fallback source, which the first source replaces.
    corrects : bool
        Whether the batch may correct known closes; that of a fallback source may not.
    """

    kind: str = "futures"
    sessions: Collection[str] | None = None
    peers: Mapping[str, Mapping[str, float]] | None = None
    replaced: Collection[str] = field(default=())
    corrects: bool = True


def batch_faults(
    known: Mapping[str, float],
    bars: Sequence[Bar],
    *,
    today: date,
    context: BatchContext | None = None,
) -> tuple[str, ...]:
    """Return the reasons to refuse a batch of bars; none means that it may be stored.

    Parameters
    ----------
    known : mapping of str to float
        Final closes of the store, by session.
    bars : sequence of Bar
        What arrived, in order.
    today : date
        The day of arrival, in UTC.
    context : BatchContext, optional
        Calendar, kind and peers; without it signs, moves and days are not looked at.

    Returns
    -------
    tuple of str
        One line per reason.
    """
    limit = (today + timedelta(days=1)).isoformat()
    past = {stamp: close for stamp, close in known.items() if stamp[:10] <= limit}
    found = [
        _from_the_future(bars, limit),
        _rewritten(past, bars, context),
        _odd_days(past, bars, context),
        *_values(past, bars, context),
    ]
    return tuple(reason for reason in found if reason)


def clock_fault(newest: str | None, *, now: date) -> str:
    """Return why a moment cannot be now, empty where it can.

    A clock that runs ahead would stamp every later value wrongly too, because stamps never run
    backwards.

    Parameters
    ----------
    newest : str or None
        The newest final session of the store and of the batch.
    now : date
        What the clock says. A week of weekdays and its holidays may lie between.
    """
    if newest is None:
        return ""
    last = date.fromisoformat(newest[:10])
    if now - last <= timedelta(days=_CLOCK_DAYS):
        weekdays = int(np.busday_count(last + timedelta(days=1), now))
        if weekdays <= _CLOCK_WEEKDAYS:
            return ""
    return (
        f"the clock says {now}, but the newest final session is {newest[:10]}, more than a week "
        "before: set the clock, or accept the series where its source is late"
    )


def _from_the_future(bars: Sequence[Bar], limit: str) -> str:
    late = [bar.stamp for bar in bars if bar.stamp[:10] > limit]
    return f"{len(late)} bar(s) from the future, the last {late[-1]}" if late else ""


def _rewritten(
    known: Mapping[str, float], bars: Sequence[Bar], context: BatchContext | None
) -> str:
    """Find a batch that changes most of what is known, by however little."""
    replaced = context.replaced if context else ()
    corrects = context is None or context.corrects
    both = [(bar, known[bar.stamp]) for bar in bars if bar.stamp in known and not bar.provisional]
    changed = [
        (bar, old)
        for bar, old in both
        if abs(bar.close - old) > _FAR * abs(old)
        or (corrects and bar.close != old and bar.stamp not in replaced)
    ]
    if len(changed) < _REWRITTEN_LEAST or len(changed) <= _REWRITTEN_SHARE * len(both):
        return ""
    bar, old = changed[-1]
    return (
        f"{len(changed)} of {len(both)} known closes would change (such as {bar.stamp} "
        f"from {old:g} to {bar.close:g}): another unit, series or day?"
    )


def _odd_days(known: Mapping[str, float], bars: Sequence[Bar], context: BatchContext | None) -> str:
    """Find new bars of days on which nothing settled; a first load is left to ``prices check``."""
    odd = odd_days(known, bars, context)
    if not odd or not known:
        return ""
    more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
    return f"nothing settled on {odd[0]}{more}, but there is a close"


def odd_days(
    known: Mapping[str, float], bars: Sequence[Bar], context: BatchContext | None
) -> list[str]:
    """Return the stamps of new bars of days without a settlement."""
    if context is None or context.sessions is None:
        return []
    days = context.sessions
    return [bar.stamp for bar in bars if bar.stamp not in known and bar.stamp[:10] not in days]


def _values(
    known: Mapping[str, float], bars: Sequence[Bar], context: BatchContext | None
) -> list[str]:
    """Compare every bar that is new or changed with the one before it; name the first of a kind."""
    levels = dict(known)
    order = sorted({*known, *(bar.stamp for bar in bars)})
    new = {bar.stamp: bar.close for bar in bars if known.get(bar.stamp) != bar.close}
    found: dict[str, list[str]] = {}
    before: str | None = None
    for stamp in order:
        if stamp in new:
            close = new[stamp]
            kind, text = _value_fault(levels, before, stamp, close, known, context)
            if text:
                found.setdefault(kind, []).append(text)
                if stamp in known:
                    before = stamp
                continue
            levels[stamp] = close
        before = stamp
    return [
        texts[0] + (f"; {len(texts) - 1} more like it" if len(texts) > 1 else "")
        for texts in found.values()
    ]


def _value_fault(  # noqa: PLR0911  # one fault after the other
    levels: Mapping[str, float],
    before: str | None,
    stamp: str,
    close: float,
    known: Mapping[str, float],
    context: BatchContext | None,
) -> tuple[str, str]:
    if not math.isfinite(close):
        return "number", f"{stamp} closes at {close}"
    signed = context is not None and context.kind in _SIGNED_KINDS
    if close == 0 and not signed:
        return "zero", f"{stamp} closes at 0"
    old = levels[before] if before else None
    if before is None or old is None or old == 0 or signed:
        return "", ""
    pause = (date.fromisoformat(stamp[:10]) - date.fromisoformat(before[:10])).days
    if pause > _FAR_DAYS:
        return "", ""
    shown = f"{stamp} closes at {close:g} after {old:g}"
    size = math.log(abs(close) / abs(old))
    if abs(size) > math.log(_LEVEL_FACTOR) and (close > 0 or size > 0) and old > 0:
        return "level", f"{shown}: another unit or series?"
    if context is None or not known or old < 0:
        return "", ""
    if close < 0:
        return "sign", f"{shown}: a slip of the sign?"
    if pause > _NEAR_DAYS or stamp in known:
        return "", ""
    return _move_fault(before, stamp, size, shown, context)


def _move_fault(
    before: str, stamp: str, size: float, shown: str, context: BatchContext
) -> tuple[str, str]:
    if context.peers is None:
        limit = _ALONE.get(context.kind, _ALONE_OTHERS)
        return ("move", f"{shown}: a move beyond any on record") if abs(size) > limit else ("", "")
    moves = {name: _move(closes, before, stamp) for name, closes in context.peers.items()}
    seen = {name: move for name, move in moves.items() if move is not None}
    if not seen:
        return (
            ("move", f"{shown}: no related series confirms it")
            if abs(size) > _UNCONFIRMED
            else ("", "")
        )
    name, nearest = min(seen.items(), key=lambda item: abs(size - item[1]))
    if abs(size - nearest) <= _BEYOND_PEERS:
        return "", ""
    return (
        "move",
        f"{shown} ({math.expm1(size):+.0%}) while {name} moved by {math.expm1(nearest):+.0%}",
    )


def needs_peers(known: Mapping[str, float], bars: Sequence[Bar], context: BatchContext) -> bool:
    """Whether a new bar moved so much that its peers decide, and none that is there confirms it."""
    if not context.peers or not known:
        return False
    stamps = sorted({*known, *(bar.stamp for bar in bars)})
    closes = {bar.stamp: bar.close for bar in bars}
    for before, stamp in pairwise(stamps):
        if stamp in known or stamp not in closes:
            continue
        old, new = closes.get(before, known.get(before, 0.0)), closes[stamp]
        if old <= 0 or new <= 0 or abs(math.log(new / old)) <= _BEYOND_PEERS:
            continue
        moves = [_move(peer, before, stamp) for peer in context.peers.values()]
        apart = [abs(math.log(new / old) - move) for move in moves if move is not None]
        if min(apart, default=math.inf) > _BEYOND_PEERS:
            return True
    return False


def _move(closes: Mapping[str, float], before: str, stamp: str) -> float | None:
    """Return the log change of a peer between two sessions, None where it has not both."""
    old, new = closes.get(before), closes.get(stamp)
    if old is None or new is None or old <= 0 or new <= 0:
        return None
    return math.log(new / old)
