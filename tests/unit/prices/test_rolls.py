"""Roll rules by name, against the dates known from the bundled data."""

import calendar as months
import datetime as dt

import numpy as np
import pytest

from eventstudy.errors import UnknownNameError
from eventstudy.prices.contracts import roll_sessions
from eventstudy.prices.datasets import dataset

DAYS = np.arange("2024-01-01", "2026-03-01", dtype="datetime64[D]")
WEEKDAYS = DAYS[np.is_busday(DAYS)]


def test_equity_rolls_follow_the_eight_known_expiries() -> None:
    known = [
        day for day, what in dataset("crude-daily").info("sp500_front").oddities if "expiry" in what
    ]
    found = WEEKDAYS[roll_sessions("cme-equity", WEEKDAYS)]
    before = [day - np.timedelta64(3, "D") for day in found]  # Monday after the Friday
    assert [str(day) for day in before] == [day.isoformat() for day in known]
    assert len(known) == 8


def test_third_fridays_by_a_calendar() -> None:
    for month in (3, 6, 9, 12):
        fridays = [w[months.FRIDAY] for w in months.monthcalendar(2025, month) if w[months.FRIDAY]]
        after = np.datetime64(dt.date(2025, month, fridays[2])) + 3
        assert roll_sessions("cme-equity", WEEKDAYS)[np.searchsorted(WEEKDAYS, after)]


def test_rules_by_name() -> None:
    assert roll_sessions("wti", WEEKDAYS).sum() > 20
    assert roll_sessions("cme-equity", WEEKDAYS).sum() == 8
    with pytest.raises(UnknownNameError, match="did you mean 'brent'"):
        roll_sessions("brnt", WEEKDAYS)
