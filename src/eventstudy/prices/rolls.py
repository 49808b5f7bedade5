"""Roll sessions by the name of a rule: crude by its expiries, equity futures by their quarters."""

from __future__ import annotations

from typing import Final, cast

import numpy as np

from eventstudy.arrays import BoolArray, DayArray
from eventstudy.errors import UnknownNameError, did_you_mean
from eventstudy.prices.contracts import Product, roll_sessions

EQUITY: Final = "cme-equity"
RULES: Final = ("wti", "brent", EQUITY)


def rolls_of(rule: str, sessions: DayArray) -> BoolArray:
    """Mark the sessions whose front-month return mixes two contracts.

    Parameters
    ----------
    rule : {"wti", "brent", "cme-equity"}
    sessions : (S,) datetime64[D]

    Returns
    -------
    (S,) bool

    Raises
    ------
    UnknownNameError
        When there is no such rule.
    """
    if rule == EQUITY:
        return equity_roll_sessions(sessions)
    if rule not in RULES:
        msg = f"no roll rule {rule!r}: {did_you_mean(rule, RULES)}"
        raise UnknownNameError(msg)
    return roll_sessions(cast("Product", rule), sessions)


def equity_roll_sessions(sessions: DayArray) -> BoolArray:
    """Mark the session after each quarterly expiry of CME equity index futures.

    They expire on the third Friday of March, June, September and December; a front-month series
    shows the next contract on the session after it.

    Parameters
    ----------
    sessions : (S,) datetime64[D]

    Returns
    -------
    (S,) bool
        The first session is never marked.
    """
    months = sessions.astype("datetime64[M]")
    quarters = np.unique(months[(months.astype(np.int64) + 1) % 3 == 0])
    starts = quarters.astype("datetime64[D]")
    fridays = starts + (4 - (starts.astype(np.int64) + 3) % 7) % 7 + 14
    marked = np.zeros(len(sessions), dtype=np.bool_)
    after = np.searchsorted(sessions, fridays, side="right")
    inside = (after > 0) & (after < len(sessions))
    marked[after[inside]] = True
    return marked
