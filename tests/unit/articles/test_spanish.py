"""A second language is data only: one file of words, and names of places."""

from importlib import resources
from pathlib import Path

import pytest

from eventstudy.articles.evaluation import evaluate, read_corpus
from eventstudy.articles.extract import extract
from eventstudy.articles.merge import merge
from eventstudy.articles.text import Document

HEAD = "LONDRES, 7 de enero de 2026 (NDK) - "
CORPUS = Path(__file__).resolve().parents[3] / "validation" / "corpus-es"


def read(sentence, head=HEAD, name="x.txt"):
    return extract(Document(name, name, head + sentence, "utf-8"), lang="es")


EVENTS = [
    (
        "Drones incendiaron el lunes una refinería en Riazán.",
        "energy attack",
        "Ryazan",
        "2026-01-05",
    ),
    (
        "Una refinería de Riazán fue incendiada el lunes por drones.",
        "energy attack",
        "Ryazan",
        "2026-01-05",
    ),
    (
        "Irán capturó ayer un petrolero en el estrecho de Ormuz.",
        "shipping disruption",
        "Strait of Hormuz",
        "2026-01-06",
    ),
    (
        "Libia declaró el domingo fuerza mayor en sus puertos.",
        "export outage or restart",
        "Libya",
        "2026-01-04",
    ),
    (
        "Washington levantó el 2 de enero las sanciones a Venezuela.",
        "sanctions",
        "Venezuela",
        "2026-01-02",
    ),
]


@pytest.mark.parametrize(("sentence", "kind", "place", "date"), EVENTS)
def test_events_dates_and_places(sentence, kind, place, date):
    found = read(sentence)
    event = max((*found.events, *found.candidates), key=lambda item: item.score)
    assert (event.kind, event.place.name, event.date) == (kind, place, date)
    assert found.dateline.zone == "Europe/London"


def test_prices_have_a_decimal_comma_and_cents_in_words():
    prices = read("El Brent cayó un 2,5% hasta 69,02 dólares y el WTI sumó nueve centavos.").prices
    assert [(p.instrument, p.level, p.change_pct, p.change) for p in prices] == [
        ("brent", 69.02, -2.5, None),
        ("wti", None, None, 0.09),
    ]


def test_two_accounts_in_spanish_are_one_event():
    first = read("Drones atacaron el lunes la refinería de Riazán.", name="a.txt")
    second = read("La refinería de Riazán fue atacada el lunes.", name="b.txt")
    assert len(merge([first, second])) == 1


def test_a_denial_is_none():
    found = read("Es falso que la terminal de Kharg haya sido bombardeada.")
    assert [item for item in (*found.events, *found.candidates) if item.state != "denied"] == []


def test_scores_on_what_was_set_aside():
    scores = {item.task: item for item in evaluate(read_corpus(CORPUS / "held-out"), lang="es")}
    assert min(scores["dates"].precision, scores["dates"].recall) >= 0.9
    assert scores["events: both tiers"].recall >= 0.85
    assert scores["events"].precision >= 0.85


def test_tables_hold_no_sentence_of_the_corpus():
    tables = (resources.files("eventstudy") / "data" / "languages" / "es.toml").read_text("utf-8")
    for split in ("dev", "held-out"):
        for text in read_corpus(CORPUS / split):
            words = text.document.text.split()
            assert not any(" ".join(words[i : i + 6]) in tables for i in range(len(words) - 5))
