import datetime as dt
import os
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.articles.mentions import KINDS
from eventstudy.calendars import settlement_calendar
from eventstudy.errors import TableError
from eventstudy.events import catalogue, load_events

TABLE = catalogue()
LAST = dt.date(2025, 12, 31)
VALIDATION = Path(
    os.environ.get("EVENTSTUDY_VALIDATION")
    or Path(__file__).resolve().parents[2] / ".." / "shared" / "validation"
)


def test_it_spans_four_decades_in_order():
    assert len(TABLE) >= 150
    days = [event.date for event in TABLE if event.date]
    assert len(days) >= 150
    assert days == sorted(days)
    assert days[0].year == 1986
    assert days[-1] == dt.date(2026, 1, 6)


def test_every_row_is_complete():
    for event in TABLE:
        assert event.title, event.event_id
        assert event.place, event.event_id
        assert event.source, event.event_id
        assert event.zone or not event.date, event.event_id
        assert event.direction, event.event_id
        assert event.kind in KINDS, event.event_id
        certainty = str(event.features["certainty"])
        assert certainty == "firm" or certainty.startswith("uncertain: "), event.event_id


def test_weekdays_as_written_are_the_weekdays_of_the_dates():
    for event in TABLE:
        weekday = event.date.strftime("%a") if event.date else ""
        assert event.features["weekday"] == weekday, event.event_id


def test_undated_entries_are_bounded_uncertain_and_come_last():
    states = [event.precision == "undated" for event in TABLE]
    assert states == sorted(states)
    for event in TABLE:
        if event.precision == "undated":
            assert event.not_after.utcoffset() is not None, event.event_id
            assert str(event.features["certainty"]).startswith("uncertain: "), event.event_id
        else:
            assert event.not_before is event.not_after is None, event.event_id


def test_nothing_is_there_twice():
    assert max(Counter(event.title for event in TABLE).values()) == 1
    keys = Counter((event.date, event.kind, event.place) for event in TABLE)
    assert [key for key, count in keys.items() if count > 1] == []


def test_every_event_has_a_session_within_five_days():
    calendar = settlement_calendar("wti", dt.date(1986, 1, 1), dt.date(2026, 2, 27))
    for event in (event for event in TABLE if event.date):
        noon = dt.datetime.combine(event.date, dt.time(12), dt.UTC)
        position = calendar.session_of(event.time or noon)
        gap = calendar.sessions[position].item() - event.date
        assert dt.timedelta(-1) <= gap <= dt.timedelta(5), event.event_id


def test_every_kind_is_represented():
    assert {event.kind for event in TABLE} == set(KINDS)


def test_a_selection_has_no_feature_that_is_blank_for_all_of_it():
    whole = load_events("catalogue")
    decisions = load_events("catalogue", select={"kind": "producer decision", "last": LAST})
    assert "article" in whole.events[0].features
    assert set(decisions.events[0].features) == {"weekday", "certainty"}
    paris = load_events("catalogue", select={"event_id": ["greenland-claim", "paris-summit"]})
    assert {"article", "span", "state", "weekday"} <= set(paris.events[0].features)
    assert "related_to" not in paris.events[0].features
    assert paris.events[1].not_after.isoformat() == "2026-01-07T10:18:14+08:00"


def test_a_selection_of_a_key_that_is_not_there_is_refused():
    with pytest.raises(TableError, match=r"'paris-sumit'.*did you mean 'paris-summit'"):
        load_events("catalogue", select={"event_id": ["opec-plus-call", "paris-sumit"]})


@pytest.mark.validation
@pytest.mark.skipif(not VALIDATION.is_dir(), reason="the validation series are not here")
def test_opec_decisions_agree_with_a_published_list_of_announcements():
    listed = pd.read_csv(VALIDATION / "kaenzig_daily_surprises_2024M12.csv")
    days = {pd.Timestamp(day).date() for day in listed.iloc[:, 0]}
    decisions = [
        event
        for event in TABLE.select(kind="producer decision", last=dt.date(2024, 12, 10))
        if event.source.startswith("OPEC")
    ]
    apart = {event.event_id for event in decisions if event.date not in days}
    # The list stamps three decisions on the session after, and does not hold the other two.
    assert apart == {
        "opec-ok-raise-1990-08",
        "opec-jakarta-1997",
        "opec-vienna-2000-09",
        "opec-vienna-2018-06",
        "opec-plus-2023-04",
    }
    assert len(decisions) >= 60
