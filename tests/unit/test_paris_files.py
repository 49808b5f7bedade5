import csv
import datetime as dt
import hashlib
import os
from importlib import resources
from pathlib import Path

import pytest

from eventstudy.events import load_events
from eventstudy.study.file import shipped_study

FOLDER = Path(str(resources.files("eventstudy") / "data" / "paris-2026"))
ARTICLES = Path(
    os.environ.get("EVENTSTUDY_ARTICLES")
    or Path(__file__).resolve().parents[2] / ".." / "shared" / "articles"
)
needs_articles = pytest.mark.skipif(
    not ARTICLES.is_dir(), reason="the articles are not beside the checkout"
)

KEYWORDS = {
    "venezuela-intervention": ["military intervention in Venezuela"],
    "paris-summit": ["Paris", "Tuesday", "January 7th", "declaration of intent"],
    "kostroma-arms-depot": ["On Tuesday", "Kostroma"],
    "lipetsk-oil-depot": ["On Tuesday", "Lipetsk"],
    "venezuela-oil-offer": ["announcement"],
    "venezuela-oil-talks": ["50 million barrels"],
    "venezuela-partners-demand": ["cut economic ties"],
    "greenland-claim": ["Greenland", "Greenland"],
    "shadow-fleet-tanker": ["Coast Guard"],
    "ukraine-reconstruction": ["BlackRock"],
    "wti-asian-morning": ["1.45%", "$56.30"],
    "pullback-falls": ["pullback"],
    "pullback-reverses": ["fragile"],
    "support-month": ["support"],
    "support-longest": ["support"],
}


def study_events():
    inputs = shipped_study()[1]
    return load_events(inputs.events, select=inputs.select)


def rows(name):
    path = FOLDER.parent / name if name == "catalogue.csv" else FOLDER / name
    with path.open(newline="", encoding="utf-8") as stream:
        found = list(csv.DictReader(stream))
    ids = study_events().ids
    return [row for row in found if name != "catalogue.csv" or row["event_id"] in ids]


def pieces(row):
    return zip(
        row["article"].split(";"),
        row["article_sha256"].split(";"),
        row["span"].split(";"),
        strict=True,
    )


def test_the_events_are_entries_of_the_catalogue_and_of_no_second_file():
    assert shipped_study()[1].events.name == "catalogue"
    assert sorted(path.name for path in FOLDER.iterdir()) == [
        "claims.csv",
        "quotes.csv",
        "study.toml",
    ]


def test_every_event_is_read_with_a_source_a_direction_and_a_reason():
    table = study_events()
    assert len(table) == 11
    for event in table:
        assert event.title
        assert event.kind
        assert event.place
        assert event.source
        assert event.direction in {"up", "down", "none"}
        assert event.features["expected_reason"]
        assert event.features["state"]
        assert event.features["article"] or event.features["outside_source"]


def test_weekdays_and_the_conflict_of_dates():
    events = {event.event_id: event for event in study_events()}
    weekdays = {name: event.date.strftime("%A") for name, event in events.items() if event.date}
    assert weekdays == {
        "venezuela-intervention": "Saturday",
        "opec-plus-call": "Sunday",
        "paris-summit": "Tuesday",
        "kostroma-arms-depot": "Tuesday",
        "lipetsk-oil-depot": "Tuesday",
        "venezuela-oil-offer": "Tuesday",
    }
    assert events["paris-summit"].other_dates == (dt.date(2026, 1, 7),)


def test_undated_events_are_bounded_and_never_dated():
    table = study_events()
    undated = [event for event in table if event.precision == "undated"]
    assert len(undated) == 5
    for event in undated:
        assert event.date is None
        assert event.time is None
        assert event.not_after.utcoffset() is not None
        assert event.features["state"].startswith("bounded")


def test_the_announcement_falls_between_the_settlements_of_6_and_7_january():
    events = {event.event_id: event for event in study_events()}
    moment = events["venezuela-oil-offer"].time.astimezone(dt.UTC)
    first = dt.datetime(2026, 1, 6, 19, 30, tzinfo=dt.UTC)
    assert first + dt.timedelta(hours=2) < moment < first + dt.timedelta(days=1)


@needs_articles
@pytest.mark.parametrize("name", ["catalogue.csv", "quotes.csv", "claims.csv"])
def test_spans_point_at_what_they_say(name):
    for row in rows(name):
        key = next(iter(row.values()))
        if not row["article"]:
            assert key == "opec-plus-call"
            continue
        found = ""
        for article, digest, span in pieces(row):
            content = (ARTICLES / article).read_bytes()
            assert hashlib.sha256(content).hexdigest() == digest
            start, end = map(int, span.split("-"))
            found += content.decode("utf-8")[start:end] + "\n"
        for word in KEYWORDS[key]:
            assert word in found, (key, word)


@needs_articles
def test_no_sentence_of_an_article_is_shipped():
    shipped = " ".join(
        path.read_text("utf-8")
        for path in (FOLDER.parent / "catalogue.csv", FOLDER / "quotes.csv", FOLDER / "claims.csv")
    )
    for path in ARTICLES.glob("*.txt"):
        words = path.read_text("utf-8").split()
        for i in range(len(words) - 7):
            assert " ".join(words[i : i + 8]) not in shipped


def test_claims_hang_on_an_event_of_the_study():
    ids = study_events().ids
    for row in rows("claims.csv"):
        assert row["event_id"] in ids
        assert int(row["window_start"]) <= int(row["window_end"]) <= 35
        assert row["direction"] in {"up", "down"}
