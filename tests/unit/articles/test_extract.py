import datetime as dt
import json
import os
from pathlib import Path

import pytest

from eventstudy.articles.extract import extract
from eventstudy.articles.language import language
from eventstudy.articles.mentions import KINDS
from eventstudy.articles.merge import ALIKE, account_of, merge, same_event, similarity
from eventstudy.articles.text import Document, read_document, sentences

ARTICLES = Path(
    os.environ.get("EVENTSTUDY_ARTICLES")
    or Path(__file__).resolve().parents[3] / ".." / "shared" / "articles"
)
needs_articles = pytest.mark.skipif(
    not ARTICLES.is_dir(), reason="the articles are not beside the checkout"
)
HEAD = "LONDON, Jan 7, 2026 (Newsdesk) - "


def events(sentence, head=HEAD):
    return extract(Document("x.txt", "0", head + sentence, "utf-8")).events


def one(sentence):
    (event,) = events(sentence)
    return event


def account(sentence):
    found = extract(Document("x.txt", "0", HEAD + sentence, "utf-8"))
    (event,) = found.events
    return account_of(found, event)


SENTENCES = [
    ("Warplanes bombed army posts in Syria on Monday.", "military strike", "reported", "up"),
    ("Drones struck a refinery in Ryazan on Monday.", "energy attack", "reported", "up"),
    ("Iraqi tanks invaded Kuwait on Monday.", "war outbreak", "reported", "up"),
    ("Iran and Iraq signed a truce on Monday.", "peace talks", "reported", "down"),
    ("Washington imposed sanctions on Iran on Monday.", "sanctions", "reported", "up"),
    ("Washington lifted sanctions on Iran on Monday.", "sanctions", "reported", "down"),
    (
        "Brussels agreed an embargo on Russian oil on Monday.",
        "embargo or price cap",
        "reported",
        "up",
    ),
    ("OPEC agreed to cut output on Monday.", "producer decision", "reported", "up"),
    ("OPEC agreed to raise output on Monday.", "producer decision", "reported", "down"),
    ("OPEC+ will meet on Sunday.", "producer decision", "planned", "up"),
    ("OPEC+ could cut output on Sunday.", "producer decision", "conditional", "up"),
    ("OPEC denied that it had cut output.", "producer decision", "denied", "up"),
    (
        "Japan said it would release 15 million barrels.",
        "supply offer or release",
        "reported",
        "down",
    ),
    (
        "Libya halted exports from its ports on Monday.",
        "export outage or restart",
        "reported",
        "up",
    ),
    (
        "Libya resumed exports from its ports on Monday.",
        "export outage or restart",
        "reported",
        "down",
    ),
    ("Gunmen seized an oil tanker off Oman on Monday.", "shipping disruption", "reported", "up"),
    ("The president was toppled in a coup on Monday.", "regime change or unrest", "reported", "up"),
    ("Venezuela moved to annex part of Guyana.", "territorial claim", "reported", "none"),
    ("Iran threatened to close the strait on Monday.", "statement or threat", "reported", "up"),
    (
        "China's economy shrank in the quarter, data showed on Monday.",
        "demand news",
        "reported",
        "down",
    ),
    ("Paris announced a rebuilding project on Monday.", "other", "reported", "none"),
    (
        "An earthquake struck Japan, shutting refineries.",
        "export outage or restart",
        "reported",
        "up",
    ),
    ("Allies are discussing a ban on imports of oil.", "embargo or price cap", "conditional", "up"),
    ("A third round of talks, which will be held on Sunday.", "peace talks", "planned", "down"),
    ("Iran's president was killed in a crash.", "regime change or unrest", "reported", "up"),
    ("Producers of OPEC+ added 411,000 barrels a day.", "producer decision", "reported", "down"),
    ("Saudi Arabia lowered its July prices for Asia.", "producer decision", "reported", "down"),
    ("The G7 set price caps on Friday.", "embargo or price cap", "reported", "up"),
]


@pytest.mark.parametrize(("sentence", "kind", "state", "direction"), SENTENCES)
def test_kinds_states_and_directions(sentence, kind, state, direction):
    event = one(sentence)
    assert (event.kind, event.state, event.direction) == (kind, state, direction)
    assert event.reason


def test_every_kind_has_patterns_and_a_test():
    assert {item.kind for item in language().words.kinds} == set(KINDS)
    assert {kind for _, kind, _, _ in SENTENCES} == set(KINDS)


QUIET = [
    "After a ceasefire, France plans to train soldiers.",
    "Traders discussed sanctions over lunch.",
    "Once a ceasefire is reached, ports will open.",
    "Prices are higher since Russia's invasion of Ukraine.",
    "Brent fell 2% to $60.10 on Monday.",
    "Crude prices may fall in the short term.",
    "The market was calm and volumes were thin.",
]


@pytest.mark.parametrize("sentence", QUIET)
def test_what_is_no_event_that_happened(sentence):
    assert [event for event in events(sentence) if event.state == "reported"] == []


def test_an_undated_event_is_bounded_by_publication():
    event = one("Washington imposed sanctions on Iran.")
    assert event.date == "bounded"
    assert event.not_after.isoformat() == "2026-01-07T23:59:59+00:00"


def test_a_plan_takes_a_day_ahead_and_a_report_a_day_behind():
    assert one("OPEC+ will meet on Sunday.").date == "2026-01-11"
    assert one("OPEC agreed to cut output on Sunday.").date == "2026-01-04"


def test_attacks_reported_one_by_one_keep_the_day_of_the_account():
    text = (
        "On Monday, Ukraine carried out drone strikes deep inside Russia. "
        "Drones struck a weapons store in Russia's Kostroma region. "
        "In another attack drones hit an oil depot in Lipetsk."
    )
    found = events(text)
    assert [(event.place.name, event.kind, event.date) for event in found] == [
        ("Kostroma", "military strike", "2026-01-05"),
        ("Lipetsk", "energy attack", "2026-01-05"),
    ]


def test_prices_and_claims_are_types_of_their_own():
    text = HEAD + (
        "On Tuesday Brent fell 1.9% to $60.70. In the short term prices may fall further, "
        "but in the long run crude will climb."
    )
    found = extract(Document("x.txt", "0", text, "utf-8"))
    (price,) = found.prices
    assert (price.instrument, price.level, price.change_pct) == ("brent", 60.7, -1.9)
    assert price.day == dt.date(2026, 1, 6)
    claims = [(claim.direction, claim.horizon) for claim in found.claims]
    assert claims == [("down", "short"), ("up", "long")]
    assert found.events == ()


def test_each_benchmark_of_a_sentence_is_an_observation():
    text = (
        HEAD + "Brent settled up 45 cents, or 0.7%, at $67.40 while WTI settled at $63.30, down 1%."
    )
    prices = extract(Document("x.txt", "0", text, "utf-8")).prices
    assert [(item.instrument, item.level, item.change_pct) for item in prices] == [
        ("brent", 67.4, 0.7),
        ("wti", 63.3, -1.0),
    ]


PRICES = [
    # sentence; instrument, level, per cent, dollars of each observation
    ("Oil plunges by as much as $14.25 to $31.02.", [("oil", 31.02, None, -14.25)]),
    ("Brent was last 31.37% lower at $31.02.", [("brent", 31.02, -31.37, None)]),
    (
        "Brent fell by as much as $9 to $31 and was last 22.4% lower at $35.13.",
        [("brent", 35.13, -22.4, -9.0)],
    ),
    ("Crude for May delivery was 31 cts higher at 17.80 dlrs.", [("oil", 17.8, None, 0.31)]),
    ("Light sweet crude slipped 12 cents to $19.83.", [("wti", 19.83, None, -0.12)]),
    (
        "Brent rose $3.62, or 6%, to $64.41 and WTI $3.42, or 5.9%, to $61.18.",
        [("brent", 64.41, 6.0, 3.62), ("wti", 61.18, 5.9, 3.42)],
    ),
    (
        "Brent plunged 6.1%, while U.S. crude gave up 6% to $64.37.",
        [("brent", None, -6.1, None), ("wti", 64.37, -6.0, None)],
    ),
    (
        "Brent traded in a range of $63.29 to $65.83 before ending at $63.34, down 2.1%.",
        [("brent", 63.34, -2.1, None)],
    ),
    ("Brent jumps more than $3 on war fears.", [("brent", None, None, 3.0)]),
    ("WTI jumps 24.67% to $25.32 as Riyadh and Moscow will talk.", [("wti", 25.32, 24.67, None)]),
    # no moves and no prices
    ("Gulf operators of oil had 1.2% of output shut in.", []),
    ("The cap on Russian oil was lowered to $47.60.", []),
    ("Oil made up 92% of state revenue and was taxed.", []),
    ("A survey of economists put Brent at $90.49 for the year.", []),
    ("If flows fall by a million, we would expect Brent to climb to $90.", []),
]


@pytest.mark.parametrize(("sentence", "prices"), PRICES)
def test_levels_moves_and_what_is_neither(sentence, prices):
    found = extract(Document("x.txt", "0", HEAD + sentence, "utf-8")).prices
    assert [(p.instrument, p.level, p.change_pct, p.change) for p in found] == prices


def test_a_headline_states_a_price_too():
    text = "Oil leaps 3% to $71.20\n" + HEAD + "Drones hit a refinery in Ryazan on Monday."
    (price,) = extract(Document("x.txt", "0", text, "utf-8")).prices
    assert (price.level, price.change_pct) == (71.2, 3.0)


def test_the_day_of_a_price_is_not_the_day_of_what_moved_it():
    (event,) = events("Oil prices rose on Monday after drones hit a refinery in Ryazan.")
    assert (event.place.name, event.date) == ("Ryazan", "bounded")
    text = "Oil prices rose on Monday on concerns that Iran will strike bases."
    assert events(text) == ()
    assert events("Traders weighed the impact of drone strikes.") == ()


def test_a_day_reported_later_narrows_the_range_reported_first():
    text = (
        "Oil rose on news that Iran seized a tanker in the Persian Gulf last week. "
        "The ship was boarded on Friday, and the tanker was seized within minutes."
    )
    (event,) = events(text)
    assert event.date == "2026-01-02"
    assert len(event.spans) == 2


def test_a_site_is_a_better_place_than_the_country_of_the_attacker():
    event = one("A Ukrainian drone attack caused a fire at an oil refinery in the city of Samara.")
    assert event.place.name == "Samara"


def test_the_same_event_in_two_articles_is_one_and_the_conflict_is_kept():
    words = "Leaders signed a declaration of intent in Paris"
    first = f"PARIS, Jan 7, 2026 (Newsdesk) - {words} on Tuesday."
    second = f"Note\n7 January 2026\n{words} today."
    found = [
        extract(Document(name, str(i), text, "utf-8"))
        for i, (name, text) in enumerate([("a.txt", first), ("b.txt", second)])
    ]
    (event,) = merge(found)
    assert event.lead.first == dt.date(2026, 1, 6)
    assert event.other_dates == (dt.date(2026, 1, 7),)
    assert event.conflict == "dates differ: 2026-01-06 in a.txt, 2026-01-07 in b.txt"
    assert [item.document.name for item in event.accounts] == ["a.txt", "b.txt"]


def test_events_of_other_days_places_or_kinds_are_not_merged():
    base = account("Drones hit a refinery in Ryazan on Monday.")
    assert same_event(base, account("A refinery in Ryazan was hit by drones on Monday."))
    assert not same_event(base, account("Drones hit a refinery in Saratov on Monday."))
    assert not same_event(base, account("Drones hit a refinery in Ryazan on Friday."))
    assert not same_event(base, account("Drones could hit a refinery in Ryazan on Monday."))


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (
            "The United States imposed sanctions on Rosneft and Lukoil on Monday.",
            "The United States imposed sanctions on Gazprom Neft and Surgutneftegas on Monday.",
            False,
        ),
        (
            "The United States imposed sanctions on Rosneft and Lukoil on Monday.",
            "Washington on Monday imposed sanctions on Chinese refineries that buy Iranian crude.",
            False,
        ),
        (
            "The United States imposed sanctions on Rosneft and Lukoil on Monday.",
            "On Monday the US imposed sanctions on the oil companies Lukoil and Rosneft.",
            True,
        ),
        (
            "An air strike on Monday killed the militia leader Abu Taqwa in Baghdad.",
            "Warplanes on Monday bombed an arms depot on the outskirts of Baghdad.",
            False,
        ),
        (
            "An air strike on Monday killed the militia leader Abu Taqwa in Baghdad.",
            "The militia leader Abu Takwa was killed by an air strike in Baghdad on Monday.",
            True,
        ),
        (
            "Missiles hit a grain port in Odesa on Monday and sank a ferry.",
            "Missiles hit a barracks in Odesa on Monday and wounded ten soldiers.",
            False,
        ),
        (
            "OPEC+ agreed on Monday to raise output by 137,000 barrels a day.",
            "OPEC+ agreed on Monday to cut output by two million barrels a day.",
            False,
        ),
        (
            "Drones struck the Ryazan refinery on Monday and set a tank on fire.",
            "A refinery in Ryazan was set on fire by drones on Monday.",
            True,
        ),
    ],
)
def test_words_part_two_events_of_one_kind_place_and_day(first, second, same):
    assert same_event(account(first), account(second)) is same
    assert same_event(account(second), account(first)) is same


def test_undated_accounts_need_words_that_agree():
    vow = account("Iran threatened to close the Strait of Hormuz to all tankers.")
    again = account(
        "The closure of the Strait of Hormuz to tankers was threatened by Iran, which vowed it."
    )
    revenge = account("Iran vowed revenge for the killing of its general Soleimani.")
    assert vow.event.first is again.event.first is revenge.event.first is None
    assert similarity(vow.text, again.text) >= ALIKE > similarity(vow.text, revenge.text)
    assert not same_event(vow, revenge)


def test_similarity_ignores_order_days_places_and_the_dateline():
    assert similarity("Drones hit an old depot on Monday", "Old depot hit, in Ryazan") == 100
    assert similarity("Drones struck Ryazan on Monday", "A depot burns") == 100
    assert account("Drones hit a depot in Ryazan on Monday.").text.startswith("Drones hit")


def test_sentences_keep_abbreviations_together_and_their_spans():
    text = 'The U.S. said so on Jan. 5. "It works," he said. Then it ended.\nNew line here'
    document = Document("x", "0", text, "utf-8")
    parts = sentences(document)
    assert [part.text for part in parts] == [
        "The U.S. said so on Jan. 5.",
        '"It works," he said.',
        "Then it ended.",
        "New line here",
    ]
    assert all(text[part.span.start : part.span.end] == part.text for part in parts)


@needs_articles
def test_the_two_articles():
    published = {"000": dt.date(2026, 1, 8), "003": None}
    found = {
        path.name[:3]: extract(read_document(path), published=published[path.name[:3]])
        for path in sorted(ARTICLES.glob("*.txt"))
    }
    values = [item.value for key in ("000", "003") for item in found[key].dates]
    assert values == [
        "2026-01-07",
        "2026-01-07T10:18+08:00",
        "2026-01-06",
        "2026-01-06",
        "2026-01-06",
        "2026-01-07",
        "2026-01-07T10:06+08:00",
    ]
    reported = [
        (key, event.kind, event.place.name, event.date)
        for key in ("000", "003")
        for event in found[key].events
        if event.state != "denied"
    ]
    assert sorted(reported) == sorted(
        [
            ("000", "peace talks", "Paris", "2026-01-07"),
            ("000", "supply offer or release", "Venezuela", "bounded"),
            ("000", "statement or threat", "Venezuela", "bounded"),
            ("000", "territorial claim", "Greenland", "bounded"),
            ("000", "shipping disruption", "Russia", "bounded"),
            ("000", "other", "United States", "bounded"),
            ("003", "peace talks", "Paris", "2026-01-06"),
            ("003", "military strike", "Kostroma", "2026-01-06"),
            ("003", "energy attack", "Lipetsk", "2026-01-06"),
            ("003", "military strike", "Venezuela", "bounded"),
            ("003", "territorial claim", "Greenland", "bounded"),
        ]
    )
    states = {event.state for item in found.values() for event in item.events}
    assert states <= {"reported", "denied"}
    prices = [(item.level, item.change_pct) for item in found["003"].prices]
    assert prices == [(None, -1.45), (56.3, None)]
    assert found["000"].prices == ()
    claims = {(item.direction, item.horizon) for item in found["003"].claims}
    assert {("down", "short"), ("up", "long")} <= claims
    merged = merge([found["000"], found["003"]])
    assert len(merged) == 9
    (summit,) = (item for item in merged if item.lead.kind == "peace talks")
    assert summit.other_dates == (dt.date(2026, 1, 6),)


@needs_articles
def test_without_the_reader_the_year_of_the_undated_article_stays_open():
    path = next(iter(sorted(ARTICLES.glob("000*.txt"))))
    found = extract(read_document(path))
    assert [item.value for item in found.dates] == ["--01-07"]
    assert all(event.date == "bounded" for event in found.events)


def test_no_sentence_is_in_the_json_and_it_has_the_documented_keys():
    secret = "The zebra clause was never meant for anyone."  # noqa: S105 # a sentence
    text = f"Headline\n{HEAD}OPEC cut output on Monday. {secret}"
    found = extract(Document("x.txt", "0", text, "utf-8"))
    plain = json.loads(json.dumps(found.as_dict()))
    assert "zebra" not in json.dumps(plain)
    docs = (Path(__file__).resolve().parents[3] / "docs" / "articles.md").read_text("utf-8")
    for key in (*plain, *plain["dateline"], *plain["dates"][0], *plain["events"][0]):
        assert f"`{key}`" in docs, key


def test_an_unknown_language_is_answered_with_the_known():
    from eventstudy.errors import UnknownNameError

    with pytest.raises(UnknownNameError, match="known: en"):
        language("xx")
