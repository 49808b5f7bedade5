"""Every event ends on a session or with a reason, and nothing moves silently."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from eventstudy.alignment import align, event_sessions, place_event
from eventstudy.calendars import file_calendar, settlement_calendar
from eventstudy.events import events_from_frame
from eventstudy.formats import listed
from eventstudy.windows import Window

WTI = settlement_calendar("wti", dt.date(2013, 1, 1), dt.date(2026, 2, 27))


def event(**cells: str):
    row = {"event_id": "e", "title": "t", **cells}
    return events_from_frame(pd.DataFrame([row])).events[0]


def day_of(placement) -> str:
    return str(WTI.sessions[placement.session])


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        ("2026-01-07T10:06:00+08:00", "2026-01-07"),
        ("2026-01-07T14:29:59-05:00", "2026-01-07"),
        ("2026-01-07T14:30:00-05:00", "2026-01-08"),
        ("2026-01-16T15:00:00-05:00", "2026-01-20"),
        ("2026-01-19T12:00:00-05:00", "2026-01-20"),
        ("2025-01-09T07:00:00-05:00", "2025-01-09"),
    ],
)
def test_moments_of_the_market_table(moment: str, session: str) -> None:
    assert day_of(place_event(event(time=moment), WTI)) == session


@pytest.mark.parametrize(
    ("day", "session"),
    [
        ("2026-01-03", "2026-01-05"),
        ("2026-01-04", "2026-01-05"),
        ("2025-12-25", "2025-12-26"),
        ("2014-11-27", "2014-11-28"),
    ],
)
def test_days_without_a_settlement_are_moved_and_say_so(day: str, session: str) -> None:
    placed = place_event(event(date=day), WTI)
    assert (placed.state, day_of(placed), placed.moved_from) == ("moved", session, day)
    assert day in placed.reason


def test_news_after_the_settlement_is_moved() -> None:
    placed = place_event(event(time="2026-01-06T18:30:00-05:00"), WTI)
    assert (placed.state, placed.moved_from) == ("moved", "2026-01-06")
    assert day_of(placed) == "2026-01-07"
    assert placed.alternative is None


@pytest.mark.parametrize(
    ("clock", "first", "second"),
    [
        ("14:00:00", "2026-01-07", "2026-01-08"),  # exactly 30 minutes before
        ("14:29:59", "2026-01-07", "2026-01-08"),
        ("14:30:00", "2026-01-08", "2026-01-07"),
        ("14:59:59", "2026-01-08", "2026-01-07"),
    ],
)
def test_near_a_settlement_both_sessions_are_kept(clock: str, first: str, second: str) -> None:
    placed = place_event(event(time=f"2026-01-07T{clock}-05:00"), WTI)
    assert placed.state == "ambiguous"
    assert day_of(placed) == first
    assert str(WTI.sessions[placed.alternative]) == second


@pytest.mark.parametrize("clock", ["13:59:59", "15:00:00"])
def test_half_an_hour_away_is_not_ambiguous(clock: str) -> None:
    assert place_event(event(time=f"2026-01-07T{clock}-05:00"), WTI).alternative is None


def test_known_to_the_hour_widens_the_margin() -> None:
    sure = event(time="2026-01-07T13:45:00-05:00")
    rough = event(time="2026-01-07T13:45:00-05:00", precision="hour")
    assert place_event(sure, WTI).state == "kept"
    assert place_event(rough, WTI).state == "ambiguous"


@pytest.mark.parametrize(
    ("zone", "alternative"),
    [
        ("America/New_York", "2026-01-07"),
        ("Europe/Moscow", "2026-01-07"),  # midnight in Moscow is 16:00 in New York
        ("Asia/Shanghai", None),  # midnight in Shanghai is 11:00 in New York
    ],
)
def test_a_day_is_ambiguous_when_it_outlasts_the_settlement(
    zone: str, alternative: str | None
) -> None:
    placed = place_event(event(date="2026-01-06", zone=zone), WTI)
    assert day_of(placed) == "2026-01-06"
    found = None if placed.alternative is None else str(WTI.sessions[placed.alternative])
    assert found == alternative


def test_a_day_on_a_file_calendar_is_not_ambiguous() -> None:
    calendar = file_calendar(WTI.sessions)
    placed = place_event(event(date="2026-01-06"), calendar)
    assert (placed.state, placed.alternative) == ("kept", None)


def test_conflicting_sources_keep_both_days() -> None:
    placed = place_event(
        event(date="2026-01-06", zone="Asia/Shanghai", other_dates="2026-01-08"), WTI
    )
    assert placed.state == "ambiguous"
    assert str(WTI.sessions[placed.alternative]) == "2026-01-08"
    assert "another source says 2026-01-08" in placed.reason


@pytest.mark.parametrize("day", ["2012-12-31", "2026-03-02", "2031-01-01"])
def test_outside_the_prices_is_dropped_with_the_range(day: str) -> None:
    placed = place_event(event(date=day), WTI)
    assert placed.state == "dropped"
    assert placed.session is None
    assert "2013-01-02 to 2026-02-27" in placed.reason


def test_undated_events_keep_their_bound() -> None:
    placed = place_event(
        event(date="", precision="undated", not_after="2026-01-07T10:18:14+08:00"), WTI
    )
    assert placed.state == "undated"
    assert "2026-01-07 10:18" in placed.reason


def table(**dates: str):
    rows = [
        {"event_id": k, "title": k, "date": v, "zone": "Asia/Shanghai"} for k, v in dates.items()
    ]
    return tuple(events_from_frame(pd.DataFrame(rows)))


def test_confounders_and_overlaps_by_hand() -> None:
    events = table(sat="2026-01-03", sun="2026-01-04", tue="2026-01-06", far="2025-06-03")
    pairs = align(events, WTI, ("wti",), window=Window(-2, 2), estimation=Window(-160, -3))
    found = {p.event_id: p for p in pairs}
    assert found["sat"].confounded_with == ("sun",)
    assert found["sun"].state == "confounded"
    assert found["tue"].confounded_with == ()
    assert found["tue"].overlaps_with == ("sat", "sun")
    assert found["far"].overlaps_with == ()
    assert found["sat"].estimation_overlaps == ("far",)
    assert found["far"].estimation_overlaps == ()


def test_an_event_on_one_asset_does_not_confound_another() -> None:
    rows = [
        {"event_id": "a", "date": "2026-01-06", "asset": "wti"},
        {"event_id": "b", "date": "2026-01-06", "asset": "brent"},
        {"event_id": "c", "date": "2026-01-09", "asset": ""},
    ]
    events = tuple(events_from_frame(pd.DataFrame(rows)))
    pairs = align(
        events,
        file_calendar(WTI.sessions),
        ("wti", "brent"),
        window=Window(0, 0),
        estimation=Window(-50, -1),
    )
    assert [(p.event_id, p.asset) for p in pairs] == [
        ("a", "wti"), ("b", "brent"), ("c", "wti"), ("c", "brent"),
    ]  # fmt: skip
    assert {p.state for p in pairs} == {"kept"}


def test_an_ambiguous_neighbour_is_named() -> None:
    rows = [
        {"event_id": "day", "date": "2026-01-06", "zone": "America/New_York"},
        {"event_id": "night", "date": "2026-01-07", "zone": "Asia/Shanghai"},
    ]
    events = tuple(events_from_frame(pd.DataFrame(rows)))
    pairs = align(events, WTI, ("wti",), window=Window(0, 0), estimation=Window(-50, -1))
    assert pairs[1].perhaps_with == ("day",)
    assert pairs[1].confounded_with == ()


def test_other_events_are_masked_by_hand() -> None:
    mask = event_sessions(np.array([20, 10, 3]), window=Window(-1, 1), size=22)
    columns = np.arange(8, 19)
    assert columns[mask[columns]].tolist() == [9, 10, 11]
    assert np.flatnonzero(mask).tolist() == [2, 3, 4, 9, 10, 11, 19, 20, 21]


def test_long_lists_are_cut_and_counted() -> None:
    text = listed([f"e{i}" for i in range(25)])
    assert text.endswith("e19; and 5 more")


def test_every_moment_of_a_week_has_one_session() -> None:
    start = dt.datetime(2026, 1, 2, tzinfo=ZoneInfo("Europe/London"))
    for hours in range(0, 24 * 7, 5):
        moment = start + dt.timedelta(hours=hours)
        placed = place_event(event(time=moment.isoformat()), WTI)
        settled = WTI.settlements[placed.session].astype("datetime64[s]").item()
        before = WTI.settlements[placed.session - 1].astype("datetime64[s]").item()
        utc = moment.astimezone(dt.UTC).replace(tzinfo=None)
        assert before <= utc < settled
