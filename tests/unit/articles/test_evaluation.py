"""The labelled corpora beside the package, and the scorer that users have for their own."""

from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from eventstudy.articles import extract as extraction
from eventstudy.articles.evaluation import evaluate, read_corpus
from eventstudy.articles.language import language
from eventstudy.errors import TableError

CORPUS = Path(__file__).resolve().parents[3] / "validation" / "corpus"
DEV, HELD = (read_corpus(CORPUS / split) for split in ("dev", "held-out"))


def test_the_corpora_cover_every_manner_and_hide_half():
    assert len(DEV) == len(HELD) == 32
    for split in (DEV, HELD):
        assert {item.manner for item in split} == {"agency", "broker", "official", "translated"}
        assert any(item.published for item in split)
    texts = [item.document.text for item in (*DEV, *HELD)]
    assert len(set(texts)) == 64


def test_scores_on_what_was_set_aside_reach_what_was_aimed_for():
    scores = {item.task: item for item in evaluate(HELD)}
    assert min(scores["dates"].precision, scores["dates"].recall) >= 0.95
    assert min(scores["events"].precision, scores["events"].recall) >= 0.85


def test_a_score_falls_when_the_answers_are_wrong(monkeypatch):
    """The scoring itself can fail: without its kinds and acts nothing is found."""
    english = language("en")
    blind = replace(english, words=replace(english.words, kinds=(), acts={}))
    monkeypatch.setattr(extraction, "language", lambda _: blind)
    scores = {item.task: item for item in evaluate(DEV)}
    assert scores["events"].recall == 0


def test_tables_hold_no_sentence_of_the_corpus():
    tables = (resources.files("eventstudy") / "data" / "languages" / "en.toml").read_text("utf-8")
    for text in HELD:
        words = text.document.text.split()
        assert not any(" ".join(words[i : i + 5]) in tables for i in range(len(words) - 4))


def test_the_corpora_are_not_in_the_package():
    package = Path(str(resources.files("eventstudy")))
    assert [path.name for path in package.rglob("*.txt")] == []


TEXT = """@ a1 | agency
LONDON, [[Jan 7, 2026=>2026-01-07]] (Newsdesk) - Drones hit a refinery in Ryazan
[[on Tuesday=>2026-01-06]].
"""


def corpus(tmp_path, labels, text=TEXT):
    (tmp_path / "own.txt").write_text(text + labels, encoding="utf-8")
    return tmp_path


def test_a_corpus_of_ones_own_is_scored(tmp_path):
    label = "#E refinery in Ryazan | energy attack | reported | 2026-01-06 | Ryazan |\n"
    (text,) = read_corpus(corpus(tmp_path, label))
    scores = {item.task: (item.hits, item.false, item.missed) for item in evaluate([text])}
    assert scores["dates"] == (2, 0, 0)
    assert scores["events"] == scores["events: place"] == (1, 0, 0)
    wrong = "#E refinery in Ryazan | sanctions | reported | 2026-01-05 | Samara |\n"
    scores = {item.task: item.hits for item in evaluate(read_corpus(corpus(tmp_path, wrong)))}
    assert (scores["events"], scores["events: kind"], scores["events: date"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("#E refinery in Samara | energy attack | reported | 2026-01-06 | Ryazan |", "not in it"),
        ("#E refinery | energy attack | reported", "has 6 cells, not 3"),
        ("#P refinery | brent | high |", "could not convert string to float"),
        ("#published soon", "Invalid isoformat"),
    ],
)
def test_a_label_that_does_not_fit_is_named_with_its_text(tmp_path, labels, message):
    with pytest.raises(TableError, match=message) as caught:
        read_corpus(corpus(tmp_path, labels))
    assert "own.txt: text 'a1 | agency'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_texts_is_one_line(tmp_path):
    with pytest.raises(TableError, match="holds no labelled texts"):
        read_corpus(tmp_path)
    with pytest.raises(TableError, match="holds no labelled texts"):
        read_corpus(tmp_path / "none")
    (tmp_path / "x.txt").write_bytes(b"@ a | b\n\xff")
    with pytest.raises(TableError, match="cannot be read as UTF-8"):
        read_corpus(tmp_path)


def test_the_corpus_in_the_documents_is_read_and_right(tmp_path):
    docs = (CORPUS.parents[1] / "docs" / "articles.md").read_text("utf-8")
    block = docs.split("```text\n", 1)[1].split("```", 1)[0]
    scores = evaluate(read_corpus(corpus(tmp_path, "", text=block)))
    assert all(score.false == score.missed == 0 for score in scores)
    assert {score.task: score.hits for score in scores}["dates"] == 2
