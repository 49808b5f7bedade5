"""Batch validation: what a source returned that cannot be the series it claims to be.

It stops batches that would spoil the store, such as another unit or another series. A large move is
not stopped: oil did settle at -37.63.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from eventstudy.prices.records import Bar

_REWRITTEN_SHARE: Final = 0.5
_REWRITTEN_BY: Final = 0.10
_REWRITTEN_LEAST: Final = 5
_LEVEL_FACTOR: Final = 5.0
_LEVEL_DAYS: Final = 10


def batch_faults(
    known: Mapping[str, float], bars: Sequence[Bar], *, today: date
) -> tuple[str, ...]:
    """Return the reasons to refuse a batch of daily bars; none means that it may be stored.

    Parameters
    ----------
    known : mapping of str to float
        Final closes of the store, by session.
    bars : sequence of Bar
        What arrived, in order.
    today : date
        The day of arrival, in UTC.

    Returns
    -------
    tuple of str
        One line per reason.
    """
    found = (_from_the_future(bars, today), _rewritten(known, bars), _level(known, bars))
    return tuple(reason for reason in found if reason)


def _from_the_future(bars: Sequence[Bar], today: date) -> str:
    limit = (today + timedelta(days=1)).isoformat()
    late = [bar.stamp for bar in bars if bar.stamp > limit]
    return f"{len(late)} bar(s) from the future, the last {late[-1]}" if late else ""


def _rewritten(known: Mapping[str, float], bars: Sequence[Bar]) -> str:
    both = [(known[bar.stamp], bar.close) for bar in bars if bar.stamp in known]
    far = [pair for pair in both if abs(pair[1] - pair[0]) > _REWRITTEN_BY * abs(pair[0])]
    if len(far) < _REWRITTEN_LEAST or len(far) <= _REWRITTEN_SHARE * len(both):
        return ""
    old, new = far[-1]
    return (
        f"{len(far)} of {len(both)} known closes would change by more than "
        f"{_REWRITTEN_BY:.0%} (such as {old:g} to {new:g}): another unit or series?"
    )


def _level(known: Mapping[str, float], bars: Sequence[Bar]) -> str:
    new = next((bar for bar in bars if not known or bar.stamp > max(known)), None)
    if new is None or not known:
        return ""
    last = max(known)
    apart = date.fromisoformat(new.stamp) - date.fromisoformat(last)
    before = known[last]
    if apart > timedelta(days=_LEVEL_DAYS) or before <= 0 or new.close <= 0:
        return ""
    if before / _LEVEL_FACTOR <= new.close <= before * _LEVEL_FACTOR:
        return ""
    return f"{new.stamp} closes at {new.close:g} after {before:g}: another unit or series?"
