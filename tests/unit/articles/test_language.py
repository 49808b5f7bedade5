"""A language is one file: what it declares is what the finder reads, and its faults are named."""

from importlib import resources

import pytest

from eventstudy.articles.dates import find_dates
from eventstudy.articles.dates.datelines import Dateline
from eventstudy.articles.language import parse_language
from eventstudy.articles.text import Span
from eventstudy.errors import TableError

ENGLISH = (resources.files("eventstudy") / "data" / "languages" / "en.toml").read_text("utf-8")


def changed(old, new):
    assert old in ENGLISH
    return parse_language("xx", ENGLISH.replace(old, new))


def dates(text, tables, day="2026-01-07"):
    import datetime as dt

    line = Dateline(dt.date.fromisoformat(day), None, None, None, "given")
    found = find_dates(text, [Span(0, len(text))], [], line, tables)
    return [(item.text, item.value) for item in found]


def test_words_and_rules_of_a_file_are_what_is_found():
    tables = changed("Monday = 0", "Montag = 0")
    assert dates("It burned on Montag.", tables) == [("on Montag", "2026-01-05")]
    assert dates("It burned on Monday.", tables) == []
    tables = changed("last = -1", "vorige = -1")
    assert dates("It burned vorige week.", tables) == [("vorige week", "2025-12-29..2026-01-04")]
    tables = changed("ways = { ago = -1", "ways = { since = -1, ago = -1")
    assert dates("It burned two days since.", tables) == [("two days since", "2026-01-05")]


def test_no_english_word_stands_in_the_finder_of_dates():
    """With other words for everything, nothing English is found any more."""
    text = "On Monday, 5 January, two days ago, last week, overnight, at 3 p.m. London time."
    tables = changed("\n[dates.words]", "\n[dates.words]")
    assert len(dates(text, tables)) >= 5
    foreign = ENGLISH
    for section in ("months", "weekdays", "which", "ways"):
        start = foreign.index(f"\n{section} = ")
        end = foreign.index("\n", start + 1)
        foreign = f"{foreign[:start]}\n{section} = {{ Xyz = 1 }}{foreign[end:]}"
    start, end = foreign.index("same_day = ["), foreign.index("\n\n# The rules, in the order")
    phrases = "".join(
        f'{line.split(" = ")[0]} = ["xyz"]\n' for line in foreign[start:end].split("\n")
    )
    foreign = foreign[:start] + phrases + foreign[end:]
    foreign = foreign.replace("London", "Xyzville")
    assert dates(text, parse_language("xx", foreign)) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[clocks]", "[clock]", r"xx.toml: \[\] has no key 'clock'; did you mean 'clocks'"),
        ("quoted = ", "quotes = ", "has no key 'quotes'; did you mean 'quoted'"),
        ("denied = ", "# denied = ", r"\[states\] lacks the key 'denied'"),
        ("denied = '", "denied = '(", "states.denied is not a pattern"),
        ('resolve = "weekend"', 'resolve = "week-end"', "did you mean 'weekend'"),
        ("{which}\\s+month", "{witch}\\s+month", "names a piece that .* lacks: 'witch'"),
        ("[dates]", "[dates", "Expected"),
    ],
)
def test_a_fault_of_a_file_is_one_line(old, new, message):
    with pytest.raises(TableError, match=message) as caught:
        dates("It burned today.", changed(old, new))
    assert "\n" not in str(caught.value)
