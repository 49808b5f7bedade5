"""Every new value is looked at before the store takes it."""

from datetime import date

import pytest

from eventstudy.prices.batches import BatchContext, batch_faults, clock_fault, needs_peers
from eventstudy.prices.records import Bar

DAYS = [f"2026-01-{day:02d}" for day in (5, 6, 7, 8, 9, 12, 13, 14, 15)]
KNOWN = {day: 57.0 + n / 10 for n, day in enumerate(DAYS)}
SESSIONS = frozenset([*DAYS, "2026-01-16", "2026-01-20", "2026-01-21"])
TODAY = date(2026, 1, 21)


def gate(closes, known=KNOWN, **context):
    bars = [Bar(day, close) for day, close in closes.items()]
    given = BatchContext(**({"sessions": SESSIONS} | context))
    return " | ".join(batch_faults(known, bars, today=TODAY, context=given))


def test_good_bars_pass():
    assert gate(KNOWN | {"2026-01-16": 58.0, "2026-01-20": 61.0, "2026-01-21": 55.0}) == ""


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (5800.0, "another unit or series"),
        (0.58, "another unit or series"),
        (0.0, "closes at 0"),
        (-58.0, "slip of the sign"),
        (-0.01, "slip of the sign"),
        (100.0, "beyond any on record"),
        (float("nan"), "closes at nan"),
    ],
)
@pytest.mark.parametrize("place", ["2026-01-16", "2026-01-20", "2026-01-21"])
def test_every_new_bar_is_checked_not_only_the_first(bad, said, place):
    new = {"2026-01-16": 58.0, "2026-01-20": 58.5, "2026-01-21": 59.0} | {place: bad}
    assert said in gate(new)
    assert place in gate(new)


def test_a_bar_between_known_ones_is_checked_too():
    known = {day: close for day, close in KNOWN.items() if day != "2026-01-09"}
    assert "2026-01-09" in gate({"2026-01-09": 575.0}, known)


def test_most_known_closes_may_not_change_however_little():
    shifted = dict(zip(DAYS[1:], list(KNOWN.values())[:-1], strict=True))
    assert "8 of 8 known closes would change" in gate(shifted)
    assert "9 of 9" in gate({day: close * 1.02 for day, close in KNOWN.items()})
    assert "9 of 9" in gate({day: close + 0.01 for day, close in KNOWN.items()})
    few = {day: KNOWN[day] + 0.01 for day in DAYS[:4]}
    assert gate(KNOWN | few) == ""


def test_a_correction_of_one_close_is_checked_as_well():
    assert "another unit" in gate(KNOWN | {"2026-01-13": 5740.0})
    assert "sign" in gate(KNOWN | {"2026-01-13": -57.4})
    assert gate(KNOWN | {"2026-01-13": 59.0}) == ""


def test_a_fallback_source_corrects_nothing_and_is_replaced_without_a_stop():
    other = {day: close + 0.02 for day, close in KNOWN.items()}
    assert gate(other, corrects=False) == ""
    assert gate(other, replaced=frozenset(DAYS)) == ""
    assert "known closes would change" in gate({d: c * 2 for d, c in KNOWN.items()}, corrects=False)


def test_days_without_a_settlement_stop_after_the_first_load():
    assert "nothing settled on 2026-01-17" in gate({"2026-01-16": 58.0, "2026-01-17": 58.0})
    assert gate({"2026-01-16": 58.0, "2026-01-17": 58.0}, known={}) == ""
    assert gate({"2026-01-17": 58.0}, sessions=None) == ""


def test_a_move_is_compared_with_its_peers():
    flat = {"brent_front": KNOWN | {"2026-01-16": 58.0, "2026-01-20": 58.2}}
    falling = {"brent_front": KNOWN | {"2026-01-16": 42.0}}
    assert "while brent_front moved by" in gate({"2026-01-16": 40.0}, peers=flat)
    assert gate({"2026-01-16": 40.0}, peers=falling) == ""
    assert "no related series confirms" in gate({"2026-01-16": 40.0}, peers={"brent_front": KNOWN})
    bars = [Bar("2026-01-16", 40.0)]
    assert needs_peers(KNOWN, bars, BatchContext(peers={"brent_front": KNOWN}))
    assert needs_peers(KNOWN, bars, BatchContext(peers=flat))
    assert not needs_peers(KNOWN, bars, BatchContext(peers=falling))


def test_volatility_may_double():
    assert gate({"2026-01-16": 120.0}, kind="volatility") == ""


def test_a_stored_day_in_the_future_spoils_nothing():
    assert gate({"2026-01-16": 58.0}, KNOWN | {"2099-01-01": 5.0}) == ""


@pytest.mark.parametrize(
    ("newest", "now", "wrong"),
    [
        ("2026-01-06", date(2026, 1, 6), False),
        ("2026-01-06", date(2026, 1, 14), False),
        ("2025-12-23", date(2026, 1, 2), False),  # Christmas
        ("2026-01-06", date(2026, 1, 20), True),
        ("2026-01-06", date(2027, 1, 6), True),
        ("2026-01-06", date(9999, 12, 31), True),
        (None, date(2030, 1, 1), False),
    ],
)
def test_a_clock_a_week_ahead_of_every_source_is_wrong(newest, now, wrong):
    assert bool(clock_fault(newest, now=now)) is wrong
