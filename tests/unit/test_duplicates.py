import pandas as pd
import pytest

from eventstudy.events import catalogue, events_from_frame
from eventstudy.events.review import likely_duplicates

BASE = {
    "event_id": "a",
    "date": "2026-01-05",
    "title": "Drones set the depot of Volgograd on fire",
    "kind": "energy attack",
    "place": "Volgograd, Russia",
    "direction": "up",
}


def found(**changes):
    other = {
        **BASE,
        "event_id": "b",
        "title": "Oil depot of Volgograd on fire after drones",
        **changes,
    }
    return likely_duplicates(events_from_frame(pd.DataFrame([BASE, other])))


def test_one_event_told_twice_is_named():
    assert found() == (("a", "b"),)
    assert found(date="2026-01-06") == (("a", "b"),)
    assert found(date="2026-01-04") == (("a", "b"),)
    assert found(place="") == (("a", "b"),)


@pytest.mark.parametrize(
    "changes",
    [
        {"date": "2026-01-07"},
        {"date": "", "precision": "undated"},
        {"kind": "military strike"},
        {"place": "Ryazan, Russia"},
        {"direction": "down"},
        {"title": "Refinery workers walk out over wages"},
    ],
)
def test_other_events_are_not(changes):
    base = {"precision": "day", **BASE} if "precision" in changes else BASE
    other = {**BASE, "event_id": "b", **changes}
    assert likely_duplicates(events_from_frame(pd.DataFrame([base, other]))) == ()


def test_the_catalogue_has_none():
    assert likely_duplicates(catalogue()) == ()
