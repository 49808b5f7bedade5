"""Frames: order and voice do not matter, roles decide the place, candidates are ranked."""

import tomllib
from dataclasses import fields
from importlib import resources

import pytest

from eventstudy.articles.evidence import Evidence, score_weights
from eventstudy.articles.extract import MAX_CANDIDATES, extract
from eventstudy.articles.frames import frames, lexicons, parse_frames
from eventstudy.articles.language import language
from eventstudy.articles.lexicon import Lexicon, tokens_of
from eventstudy.articles.mentions import KINDS
from eventstudy.articles.merge import merge
from eventstudy.articles.text import Document
from eventstudy.errors import TableError
from eventstudy.events.drafts import draft_rows

HEAD = "LONDON, Jan 7, 2026 (Newsdesk) - "
FRAMES = (resources.files("eventstudy") / "data" / "frames.toml").read_text("utf-8")


def found(sentence, head=HEAD):
    extraction = extract(Document("x.txt", "0", head + sentence, "utf-8"))
    return (*extraction.events, *extraction.candidates)


def best(sentence):
    return max(found(sentence), key=lambda event: event.score)


ANY_ORDER = [
    # one event in the active, the passive, as a noun and as a headline
    ("Rebels attacked the Kirkuk pipeline on Monday.", "energy attack"),
    ("The Kirkuk pipeline was attacked by rebels on Monday.", "energy attack"),
    ("An attack on the Kirkuk pipeline by rebels was reported on Monday.", "energy attack"),
    ("Norway's oil workers go on strike", "export outage or restart"),
    ("A strike by oil workers in Norway began on Monday.", "export outage or restart"),
    ("The licence for Venezuela lapsed on Monday.", "sanctions"),
    ("Washington revoked the licence for Venezuela on Monday.", "sanctions"),
    ("Gunmen came alongside a flow station in Nigeria on Monday.", "energy attack"),
    ("The oil minister of Nigeria was replaced on Monday.", "regime change or unrest"),
    ("Kuwait will limit production from Monday.", "producer decision"),
    (
        "The industry has shut in most of its output in the Gulf of Mexico.",
        "export outage or restart",
    ),
    ("The Ever Green ran aground in the Suez Canal on Monday.", "shipping disruption"),
    ("The line was brought back into service on Monday, Iraq said.", "export outage or restart"),
]


@pytest.mark.parametrize(("sentence", "kind"), ANY_ORDER)
def test_order_and_voice_do_not_matter(sentence, kind):
    assert best(sentence).kind == kind


PLACES = [
    ("Ukrainian drones set fire to an oil depot in Saratov on Monday.", "Saratov"),
    ("The oil terminal of Novorossiysk was struck by Ukrainian drones.", "Novorossiysk"),
    ("Washington slapped sanctions on refiners in Iran on Monday.", "Iran"),
    ("The United States blacklisted Rosneft on Monday.", "Russia"),
    ("Iraqi troops invaded Kuwait on Monday.", "Kuwait"),
    ("A tanker was seized by Iran in the Strait of Hormuz on Monday.", "Strait of Hormuz"),
    ("Riyadh cut its output on Monday.", "Saudi Arabia"),
]


@pytest.mark.parametrize(("sentence", "place"), PLACES)
def test_roles_decide_the_place(sentence, place):
    assert best(sentence).place.name == place


def test_the_place_of_the_sentence_before_is_that_of_a_plant_without_one():
    events = found(
        "A pipe burst at the refinery in Basra on Monday. The refinery was shut on Tuesday."
    )
    assert {event.place.name for event in events} == {"Basra"}


def test_a_pause_of_one_is_not_the_halt_of_another():
    text = (
        "Maersk halted all sailings of its ships through the Red Sea on Friday. "
        "BP has paused its tankers, too."
    )
    events = [event for event in found(text) if event.kind == "shipping disruption"]
    assert [event.date for event in events] == ["2026-01-02", "bounded"]


def test_candidates_are_fewer_ranked_and_follow_in_the_draft():
    text = HEAD + (
        "Drones hit a refinery in Ryazan on Monday. "
        "Analysts said that Kuwait may supply buyers if ships avoid the route. "
        "Some in Vienna urge producers to talk. India could buy, and Oman might sell oil. "
        "Iraq was weighing a visit. Kenya may deploy drones. Ghana could lose fields if it rains."
    )
    extraction = extract(Document("x.txt", "0", text, "utf-8"))
    assert [event.tier for event in extraction.events] == ["confident"]
    scores = [event.score for event in extraction.candidates]
    assert scores == sorted(scores, reverse=True)
    assert 2 <= len(scores) <= MAX_CANDIDATES
    assert max(scores) < extraction.events[0].score
    assert len(merge([extraction])) == 1
    rows = draft_rows(merge([extraction], candidates=True))
    assert [row["tier"] for row in rows] == ["confident"] + ["candidate"] * len(scores)
    assert [float(row["score"]) for row in rows[1:]] == scores


def test_a_candidate_of_one_article_joins_the_event_of_another():
    first = extract(
        Document("a.txt", "1", HEAD + "Drones hit a refinery in Ryazan on Monday.", "utf-8")
    )
    weak = "Traders spoke of rain. Some said that in Ryazan a refinery might be damaged on Monday."
    second = extract(Document("b.txt", "2", HEAD + weak, "utf-8"))
    assert second.events == ()
    assert len(merge([first, second], candidates=True)) == 1 + len(second.candidates)


QUIET = [
    "Reports that drones hit a refinery in Ryazan are false, a spokesman said.",
    "Brent hit its highest in a year, and the supply chain was fine.",
    "The paper was read with a cup of tea.",
]


@pytest.mark.parametrize("sentence", QUIET)
def test_denials_and_idle_phrases_propose_nothing(sentence):
    assert [event for event in found(sentence) if event.state != "denied"] == []


def test_what_is_threatened_has_not_happened():
    (event,) = found("Iran threatened to close the Strait of Hormuz on Monday.")
    assert event.kind == "statement or threat"


def test_words_stand_for_their_stem_exact_words_for_themselves_and_gaps_for_others():
    lexicon = Lexicon(
        {"halt": ["suspend"], "strike": ["=strikes"], "back": ["bring ... back"]}, "english"
    )

    def names(text):
        return [hit.name for hit in lexicon.find(tokens_of(text, "english"))]

    assert names("It suspended, suspends, is suspending.") == ["halt"] * 3
    assert names("One strike, two strikes.") == ["strike"]
    assert names("They bring the old field back.") == ["back"]
    assert names("They bring one two three four five back.") == []


def test_a_hit_inside_a_longer_one_is_none():
    acts, _ = lexicons(language())
    hits = acts.find(tokens_of("An air strike on Monday.", "english"))
    assert [hit.name for hit in hits] == ["strike from the air"]


def test_every_kind_is_declared_and_every_class_exists():
    table = frames()
    assert set(table.kinds) == set(KINDS)
    words = language().words
    content = tomllib.loads(FRAMES)["frames"]
    assert {act for item in content for act in item["acts"]} == set(words.acts)
    named = {name for item in content for key in ("objects", "needs") for name in item.get(key, ())}
    assert named - {"any", "country", "site"} <= set(words.objects)


def test_every_kind_of_evidence_has_a_weight():
    assert set(score_weights()) == {item.name for item in fields(Evidence)}
    assert Evidence(pattern=1).score > Evidence(pattern=1, background=1).score


def test_a_fault_of_the_frames_or_acts_is_one_line():
    with pytest.raises(
        TableError, match="no kind 'sanction' for a frame; did you mean 'sanctions'"
    ):
        parse_frames(FRAMES.replace('kind = "sanctions"', 'kind = "sanction"', 1))
