"""Events placed by arrays are those of a plain loop over events, moments and pairs."""

import datetime as dt
import pickle
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.alignment import STATES, align
from eventstudy.calendars import file_calendar, settlement_calendar
from eventstudy.events.table import Event, EventTable
from eventstudy.windows import Window

FIRST, LAST = dt.date(2024, 1, 2), dt.date(2024, 12, 30)
WTI = settlement_calendar("wti", FIRST, LAST)
CALENDARS = {
    "wti": WTI,
    "brent": settlement_calendar("brent", FIRST, LAST),
    "file": file_calendar(WTI.sessions),
}
ASSETS = ("oil", "gas")
ZONES = ("America/New_York", "Europe/London", "Asia/Shanghai", "Europe/Moscow", None)
# Moments crowd around the settlements of both markets: 14:30 New York, 19:30 London.
HOURS = st.sampled_from([0, 9, 13, 14, 15, 18, 19, 20, 23])
MINUTES = st.sampled_from([0, 1, 29, 30, 31, 59])
SECONDS = st.sampled_from([0, 1, 59])
DAYS = st.dates(FIRST - dt.timedelta(4), FIRST + dt.timedelta(45)) | st.dates(
    LAST - dt.timedelta(6), LAST + dt.timedelta(4)
)


@st.composite
def event(draw, name: str) -> Event:
    day, zone = draw(DAYS), draw(st.sampled_from(ZONES))
    kind = draw(st.sampled_from(["day", "day", "exact", "hour", "undated"]))
    time = None
    if kind in ("exact", "hour"):
        base = ZoneInfo(draw(st.sampled_from(["America/New_York", "Europe/London"])))
        clock = dt.time(draw(HOURS), draw(MINUTES), draw(SECONDS), draw(st.sampled_from([0, 1])))
        time = dt.datetime.combine(day, clock, base).astimezone(ZoneInfo(zone) if zone else None)
        day = time.date()
    other = draw(st.lists(st.integers(-3, 3), max_size=2)) if kind != "undated" else []
    bound = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
    return Event(
        event_id=name, title=name, kind="", date=None if kind == "undated" else day, time=time,
        zone=zone, precision=kind, other_dates=tuple(day + dt.timedelta(d) for d in other),
        not_before=draw(st.sampled_from([None, bound])), not_after=None,
        asset=draw(st.sampled_from([None, *ASSETS])), place=None, direction=None, source=None,
        features=MappingProxyType({"size": 1.0}), row=1,
    )  # fmt: skip


@st.composite
def events(draw) -> tuple[Event, ...]:
    count = draw(st.integers(0, 9))
    return tuple(draw(event(f"e{i}")) for i in range(count))


def sessions_by_hand(one: Event, calendar, minutes: int):
    """Session 0, and the second session that the clock allows."""
    days = [day.item() for day in calendar.sessions]
    settled = None
    if calendar.settlements is not None:
        settled = [at.item().replace(tzinfo=dt.UTC) for at in calendar.settlements]
    second = None
    if one.time is not None and settled is not None:
        session = sum(at <= one.time for at in settled)
        margin = dt.timedelta(minutes=minutes + (30 if one.precision == "hour" else 0))
        whole = one.time.replace(microsecond=0)
        if session > 0 and whole - settled[session - 1] < margin:
            second = session - 1
        elif session < len(days) and settled[session] - whole <= margin:
            second = session + 1
    else:
        session = sum(day < one.date for day in days)
        if settled is not None:
            zone = ZoneInfo(one.zone or calendar.zone)
            midnight = dt.datetime.combine(one.date, dt.time(23, 59, 59), zone)
            late = sum(at <= midnight for at in settled)
            second = late if late > session else None
    return session, second


def placed_by_hand(one: Event, calendar, minutes: int):
    """State, session, alternative and day moved from, by comparing one settlement at a time."""
    days = [day.item() for day in calendar.sessions]
    if one.precision == "undated":
        return "undated", None, None, ""
    session, second = sessions_by_hand(one, calendar, minutes)
    state = "kept"
    moved = session < len(days) and days[session] != one.date
    if moved:
        state = "moved"
    if second is not None:
        state = "ambiguous"
    different = [sum(d < other for d in days) for other in one.other_dates]
    different = [other for other in different if other != session]
    if different:
        state = "ambiguous"
        second = second if second in different else different[0]
    if session >= len(days) or (session == 0 and one.date < days[0]):
        return "dropped", None, None, ""
    second = None if second is not None and second >= len(days) else second
    return state, session, second, one.date.isoformat() if moved else ""


@settings(max_examples=150, deadline=None)
@given(
    events(),
    st.sampled_from(sorted(CALENDARS)),
    st.integers(-6, 0),
    st.integers(0, 6),
    st.integers(0, 3),
    st.integers(1, 25),
    st.sampled_from([0, 30, 90]),
)
def test_placements_and_neighbours_are_those_of_a_loop(
    given_events, name, start, end, gap, length, minutes
) -> None:
    calendar, window = CALENDARS[name], Window(start, end)
    estimation = Window(start - gap - length, start - gap - 1)
    pairs = align(
        given_events, calendar, ASSETS,
        window=window, estimation=estimation, ambiguous_minutes=minutes,
    )  # fmt: skip
    want = [(e, a) for e in given_events for a in ASSETS if e.asset in (None, a)]
    assert [(p.event_id, p.asset) for p in pairs] == [(e.event_id, a) for e, a in want]
    hand = {e.event_id: placed_by_hand(e, calendar, minutes) for e in given_events}
    for pair, (one, asset) in zip(pairs, want, strict=True):
        state, session, second, moved_from = hand[one.event_id]
        mine = (pair.session, pair.alternative, pair.moved_from)
        assert mine == (session, second, moved_from)
        found: dict[str, list[str]] = {"same": [], "near": [], "reach": [], "perhaps": []}
        for other, its_asset in want:
            theirs, maybe = hand[other.event_id][1:3]
            if its_asset != asset or other is one or session is None or theirs is None:
                continue
            lag = theirs - session
            taus = {lag + tau for tau in window.taus}
            if lag == 0:
                found["same"].append(other.event_id)
            elif taus & set(window.taus):
                found["near"].append(other.event_id)
            if taus & set(estimation.taus):
                found["reach"].append(other.event_id)
            if maybe == session:
                found["perhaps"].append(other.event_id)
        assert pair.confounded_with == tuple(found["same"])
        assert pair.overlaps_with == tuple(found["near"])
        assert pair.estimation_overlaps == tuple(found["reach"])
        assert pair.perhaps_with == tuple(found["perhaps"])
        assert pair.state == ("confounded" if found["same"] else state)
        assert pair.studied == (session is not None)
        assert pair.reason
        assert pairs.confounded().get(pair.row, ()) == pair.confounded_with
        assert bool(pairs.n_confounded[pair.row]) == bool(pair.confounded_with)
        assert pairs.n_possible[pair.row] == len(pair.perhaps_with)


@settings(max_examples=40, deadline=None)
@given(events(), st.randoms(use_true_random=False))
def test_the_order_of_events_decides_nothing(given_events, random) -> None:
    shuffled = list(given_events)
    random.shuffle(shuffled)
    window, estimation = Window(-2, 2), Window(-30, -3)
    one, two = (
        {
            (p.event_id, p.asset): (p.state, p.session, p.alternative, p.reason,
                                    sorted(p.overlaps_with), sorted(p.estimation_overlaps))
            for p in align(order, WTI, ASSETS, window=window, estimation=estimation)
        }
        for order in (given_events, shuffled)
    )  # fmt: skip
    assert one == two


@pytest.fixture
def three():
    events = tuple(
        Event(
            event_id=name, title="", kind="", date=day, time=None, zone="Asia/Shanghai",
            precision="day", other_dates=(), not_before=None, not_after=None, asset=None,
            place=None, direction=None, source=None, features=MappingProxyType({"f": 2.0}), row=i,
        )
        for i, (name, day) in enumerate(
            {"a": dt.date(2024, 3, 5), "b": dt.date(2024, 3, 5), "c": dt.date(2024, 3, 7)}.items()
        )
    )  # fmt: skip
    return align(events, WTI, ("oil",), window=Window(-1, 1), estimation=Window(-20, -2))


def test_a_dropped_pair_keeps_its_neighbours_and_gains_a_reason(three) -> None:
    less = three.dropped([0], ["too little history"])
    assert [p.state for p in less] == ["dropped", "confounded", "kept"]
    assert [p.state for p in three] == ["confounded", "confounded", "kept"]
    assert less[0].reason == "stated day; too little history"
    assert less[1].confounded_with == ("a",)
    assert less.studied.tolist() == [False, True, True]
    again = less.dropped(np.array([0, 2]), ["twice", "late"])
    assert again[0].reason == "stated day; too little history; twice"
    assert again[-1].reason == "stated day; late"
    with pytest.raises(IndexError):
        three[3]


def test_arrays_and_rows_are_the_same_pairs_also_after_pickling(three) -> None:
    for pairs in (three, pickle.loads(pickle.dumps(three))):  # our own bytes
        assert [STATES[code] for code in pairs.state] == [p.state for p in pairs]
        assert pairs.session.tolist() == [p.session for p in pairs]
        assert pairs.alternative.tolist() == [-1, -1, -1]
        assert pairs.rows_of("oil").tolist() == [0, 1, 2]
        assert [p.event.features["f"] for p in pairs] == [2.0, 2.0, 2.0]
    table = EventTable(three.placements.events, "f.csv", "0")
    again = pickle.loads(pickle.dumps(table))  # our own bytes
    assert again == table
    with pytest.raises(TypeError):
        again.events[0].features["f"] = 3.0
