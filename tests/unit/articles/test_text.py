"""Reading: lines broken at a width, what is and is not HTML, offsets that stay."""

import pytest

from eventstudy.articles.extract import extract
from eventstudy.articles.text import Document, sentences, to_document, unwrap

WIRE = """REFINER SHUTS PIPELINE AFTER LEAK IN DELTA
    LAGOS, March 6 - The refiner has halted all exports of crude for
several weeks because a pipeline to the coast was broken by an
explosion late on Thursday, the Oil Minister told reporters after
a meeting on Friday.
    The line carries 250,000 barrels a day to the coast, he
said.
 Newsdesk
"""


def test_a_sentence_broken_at_a_width_is_one_and_keeps_its_offsets():
    text = unwrap(WIRE)
    assert len(text) == len(WIRE)
    assert [a for a, b in zip(WIRE, text, strict=True) if a != b] == ["\n"] * 4
    parts = sentences(Document("x", "0", text, "utf-8"))
    assert [part.text[-12:] for part in parts] == [
        "EAK IN DELTA",
        "g on Friday.",
        "st, he said.",
        "Newsdesk",
    ]
    assert parts[1].text.startswith("LAGOS")


def test_an_event_over_broken_lines_is_found():
    text = (
        "LONDON, Jan 7, 2026 (Newsdesk) - Libya halted exports of crude from\n"
        "its ports in the east of the country, the company said late on\n"
        "Monday. It gave no reason for the step, and nobody could say on\n"
        "Tuesday how long it would last."
    )
    (event,) = extract(Document("x.txt", "0", text, "utf-8")).events
    assert (event.kind, event.date) == ("export outage or restart", "2026-01-05")
    assert text[event.spans[0].start : event.spans[0].end].endswith("on\nMonday.")


KEPT = [
    # a list of headlines, paragraphs of a line each, lists, a headline in capitals
    "Oil rises as traders wait\nBrent slips on fears about demand\nSupply falls\nTankers wait",
    "A paragraph that ends here.\nAnother one that ends here, too.\nAnd a third one that ends.",
    "It named three aims for the coming year:\n- to cut output\n- to keep the cuts\n- to meet",
    "SAUDI ARABIA CUTS OUTPUT AND RAISES THE PRICE\nthat it asks of buyers in Asia, it said.",
    "",
    "\n\n",
]


@pytest.mark.parametrize("text", KEPT)
def test_other_line_breaks_stay(text):
    assert unwrap(text) == text


def test_a_ticker_is_not_html():
    text = "Phillips Petroleum <P> shut a field on Monday. <script> and <b> are only words."
    document = to_document(text.encode(), "x.txt")
    assert document.text == text


@pytest.mark.parametrize("page", ["<html><body>{}", "<!DOCTYPE html><div>{}</div>"])
def test_pages_are_html(page):
    pytest.importorskip("trafilatura")
    words = "The company shut the pipeline on Monday after a leak was found near the coast. " * 8
    document = to_document(page.format(words).encode(), "x.html")
    assert "<" not in document.text
    assert "shut the pipeline" in document.text
