"""The labelled texts of ``corpus-2`` and ``corpus-es``: are they what their README says?"""

import datetime as dt
import hashlib
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from eventstudy.articles.evaluation import LabelledText, read_corpus

VALIDATION = Path(__file__).resolve().parents[3] / "validation"
SPLITS = ("dev", "held-out")
MANNERS = {"agency, wrapped", "headline", "market wrap", "official", "trap"}
FOLDERS = [f"{corpus}/{split}" for corpus in ("corpus-2", "corpus-es") for split in SPLITS]
TEXTS = {folder: read_corpus(VALIDATION / folder) for folder in FOLDERS}
STATES = {"reported", "planned", "conditional"}
WIDEST = 71


def documented_kinds() -> set[str]:
    docs = (VALIDATION.parent / "docs" / "articles.md").read_text("utf-8")
    listed = docs.split("Kinds: ", 1)[1].split(".", 1)[0]
    return {" ".join(kind.split()) for kind in listed.split(",")}


def of(corpus: str) -> list[LabelledText]:
    return [text for split in SPLITS for text in TEXTS[f"{corpus}/{split}"]]


def is_held_out(name: str) -> bool:
    story, _, number = name.rpartition("-")
    assert story
    assert number.isdigit()
    return int(hashlib.sha256(story.encode()).hexdigest(), 16) % 3 == 0


def test_there_are_enough_texts_in_every_manner():
    manners = Counter(text.manner for text in of("corpus-2"))
    assert manners.total() >= 150
    assert manners["agency, wrapped"] >= 45
    assert manners["headline"] >= 40
    assert manners["market wrap"] >= 30
    assert manners["official"] >= 25
    assert manners["trap"] >= 15
    assert len(of("corpus-es")) >= 30
    for corpus in ("corpus-2", "corpus-es"):
        assert {text.manner for text in of(corpus)} == MANNERS


def test_no_text_and_no_name_is_there_twice():
    old = [text for split in SPLITS for text in read_corpus(VALIDATION / "corpus" / split)]
    texts = [*old, *of("corpus-2"), *of("corpus-es")]
    assert len({text.document.text for text in texts}) == len(texts)
    assert len({text.name for text in texts}) == len(texts)


@pytest.mark.parametrize("folder", FOLDERS)
def test_texts_are_where_the_rule_of_the_split_sends_them(folder):
    for text in TEXTS[folder]:
        assert is_held_out(text.name) == folder.endswith("held-out"), text.name


@pytest.mark.parametrize("folder", FOLDERS)
def test_labels_are_of_the_documented_vocabulary(folder):
    kinds = documented_kinds()
    for text in TEXTS[folder]:
        for event in text.events:
            assert event.kind in kinds, (text.name, event.kind)
            assert event.state in STATES, (text.name, event.state)
            days = {label.value.split("T")[0] for label in text.dates}
            assert event.date in days | {"bounded"}, (text.name, event.date)
        for price in text.prices:
            assert price.instrument in {"wti", "brent", "oil"}, text.name
            assert (price.level, price.change_pct) != (None, None), text.name
        assert {claim.direction for claim in text.claims} <= {"up", "down"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_date_is_a_calendar_value_that_its_words_allow(folder):
    value = re.compile(
        r"\d{4}-\d\d(-\d\d(T\d\d:\d\d[+-]\d\d:\d\d)?)?|\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d"
    )
    weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    weekdays += ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"]
    for text in TEXTS[folder]:
        for label in text.dates:
            assert value.fullmatch(label.value), (text.name, label.value)
            words = text.document.text[label.span.start : label.span.end].lower()
            assert words.strip() == words, (text.name, words)
            for number, weekday in enumerate(weekdays):
                if weekday in words and ".." not in label.value:
                    day = dt.date.fromisoformat(label.value[:10])
                    assert day.weekday() == number % 7, (text.name, words, label.value)


def test_words_of_every_label_are_found_also_those_that_are_not_scored_yet():
    counts = Counter()
    for folder in FOLDERS:
        texts = {text.name: text.document.text for text in TEXTS[folder]}
        for path in sorted((VALIDATION / folder).glob("*.txt")):
            for record in re.split(r"^@ ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
                text = texts[record.split("|", 1)[0].strip()]
                for line in re.findall(r"^#([A-Z]) (.*)$", record, flags=re.MULTILINE):
                    letter, cells = line[0], [cell.strip() for cell in line[1].split("|")]
                    counts[letter] += 1
                    assert text.count(cells[0]) >= 1, (path.name, cells)
                    if letter == "M":
                        assert len(cells) == 3
                        assert cells[1] in {"wti", "brent", "oil"}
                        assert float(cells[2]) != 0
                    assert letter in "EPCMD"
    assert min(counts[letter] for letter in "EPCMD") >= 5


def test_agency_texts_are_wrapped_in_mid_sentence():
    for corpus in ("corpus-2", "corpus-es"):
        for text in of(corpus):
            if text.manner == "agency, wrapped":
                lines = text.document.text.split("\n")
                assert max(map(len, lines)) <= WIDEST, text.name
                broken = [a for a, b in pairwise(lines) if a[-1:].isalpha() and b[:1].islower()]
                assert broken, text.name


def test_accounts_of_one_event_are_on_one_side_of_the_split():
    for corpus in ("corpus-2", "corpus-es"):
        sides = [
            {
                event.same
                for text in TEXTS[f"{corpus}/{split}"]
                for event in text.events
                if event.same
            }
            for split in SPLITS
        ]
        assert not sides[0] & sides[1]
        assert any(sides)
