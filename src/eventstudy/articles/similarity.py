"""How alike two tellings are: the words that say which event it is, and the names in them."""

from __future__ import annotations

import re
from functools import lru_cache

from eventstudy.articles.language import Language, language

ALIKE = 40.0
"""Least token-set ratio (0 to 100) of two tellings of one event.

On the dispatches the rules were written on and on the two articles, tellings of one event reach
43 and more; different events of one kind, place and day, there and in the tests, at most 39. Other
authors word one event with no word in common, so that the ratio alone parts nothing that has a day.
"""

_SAME_NAME = 85.0  # spellings differ: "Novoshakhtinsk", "Novoshakhtinskiy"
_MOST = 1_500  # characters compared
_REACH = 60  # characters after the word in which a target is named
_WORD = re.compile(r"[^\W\d_][\w-]*|\d+(?:[.,]\d+)*")
_NAME = re.compile(r"\b[A-Z][\w-]+(?:\s+[A-Z][\w-]+)*")


def alike(one: str, other: str, *, strict: bool = False, lang: str = "en") -> bool:
    """Whether two tellings of one kind, place and day speak of the same event.

    Agencies word one event in many ways, so that kind, place and day say more than words do. Where
    those agree, words part two tellings only when each says what was hit or put under sanctions,
    and they differ in it: in its name, or in all of their words.

    Parameters
    ----------
    one, other : str
        Their sentences.
    strict : bool
        There is no day that both give: the words have to be alike in any case.
    lang : str
        Language of the tables.
    """
    first, second = _targets(one, lang), _targets(other, lang)
    names, others = _named(first), _named(second)
    if names and others and not (_any_in(names, other) or _any_in(others, one)):
        return False
    if not strict and not (first and second):
        return True
    return similarity(one, other, lang=lang) >= ALIKE or _share_a_word(one, other, lang)


def similarity(one: str, other: str, *, lang: str = "en") -> float:
    """Token-set ratio of the telling words, 0 to 100: order and repetition do not count.

    Days, places and the words that every event of a kind shares are left out: they are compared
    by themselves, or say nothing. Where nothing is left of one, 100: kind, place and day decide.
    """
    from rapidfuzz import fuzz

    first, second = telling_words(one, lang), telling_words(other, lang)
    return float(fuzz.token_set_ratio(first, second)) if first and second else 100.0


@lru_cache(maxsize=4096)
def telling_words(text: str, lang: str = "en") -> str:
    """Return the words of a text that tell which event it is, in lower case."""
    tables = language(lang)
    similar = tables.tables["similarity"]
    dropped, act = _calendar(tables) | set(similar["common"]), re.compile(similar["act"])
    plain = tables.place_pattern.sub(" ", text[:_MOST]).replace(".S.", "S")
    words = [match.group().casefold() for match in _WORD.finditer(plain)]
    return " ".join(word for word in words if word not in dropped and not act.match(word))


def _named(targets: tuple[str, ...]) -> frozenset[str]:
    """Return the names among what was hit, without the days."""
    found = (name for target in targets for name in _NAME.findall(target))
    return frozenset(word.casefold() for name in found for word in name.split())


def _share_a_word(one: str, other: str, lang: str) -> bool:
    weak = set(language(lang).tables["similarity"]["weak"])
    first = [word for word in telling_words(one, lang).split() if word not in weak]
    return _any_in(frozenset(word for word in first if word.isalpha()), other)


def _any_in(names: frozenset[str], text: str) -> bool:
    from rapidfuzz import fuzz

    there = [word.casefold() for word in _WORD.findall(text[:_MOST])]
    return any(fuzz.ratio(name, word) >= _SAME_NAME for name in names for word in there)


@lru_cache(maxsize=4096)
def _targets(text: str, lang: str) -> tuple[str, ...]:
    """Return what it was done to: the words after "sanctions on" or "killed", places left out."""
    tables = language(lang)
    days = re.compile(rf"\b(?:{'|'.join(_calendar(tables))})\b", re.IGNORECASE)
    plain = days.sub(" ", tables.place_pattern.sub(" ", text[:_MOST]))
    found = re.finditer(tables.tables["similarity"]["target"], plain)
    return tuple(plain[match.end() : match.end() + _REACH] for match in found)


def _calendar(tables: Language) -> set[str]:
    dates = tables.tables["dates"]
    return {name.casefold() for name in (*dates["months"], *dates["weekdays"])}
