"""Merging the events of several articles: kind, place and day, then words; conflicts are kept."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from eventstudy.articles.extract import Extraction
from eventstudy.articles.gather import ExtractedEvent, Tier
from eventstudy.articles.language import Language, Pattern, language
from eventstudy.articles.text import Document

ALIKE = 40.0
"""Least token-set ratio (0 to 100) of two accounts of one event.

On the texts the rules were written on and on the two articles, accounts of one event reach 43 and
more; different events of one kind, place and day, there and in the tests, at most 39. Other authors
word one event with no word in common, so that the ratio alone parts nothing that has a day.
"""

# An event reported with two neighbouring days is still one: reports round, and zones differ.
_NEAR = dt.timedelta(1)
_FUSABLE = (
    frozenset({"military strike", "energy attack", "war outbreak"}),
    frozenset({"sanctions", "embargo or price cap"}),
)
_SAME_NAME = 85.0  # spellings differ: "Novoshakhtinsk", "Novoshakhtinskiy"
_MOST = 1_500  # characters compared
_REACH = 60  # characters after the word in which a target is named
_DESK = re.compile(r"\A[\s,:]*(?:\([^()\n]{1,40}\))?\s*[-\u2013\u2014]+\s")
_WORD = re.compile(r"[^\W\d_][\w-]*|\d+(?:[.,]\d+)*")
_NAME = re.compile(r"\b[A-Z][\w-]+(?:\s+[A-Z][\w-]+)*")


@dataclass(frozen=True, slots=True)
class Account:
    """One article's account of an event.

    Parameters
    ----------
    document : Document
        The article.
    event : ExtractedEvent
        What it reports.
    starts : int
        Where its words begin: the end of the dateline.
    lang : str
        Language of its words.
    """

    document: Document
    event: ExtractedEvent
    starts: int = 0
    lang: str = "en"

    @property
    def text(self) -> str:
        """The sentences that report the event, without the dateline before them."""
        pieces = (
            self.document.text[max(span.start, self.starts) : span.end] for span in self.event.spans
        )
        return "\n".join(_DESK.sub("", piece).strip() for piece in pieces)


@dataclass(frozen=True, slots=True)
class MergedEvent:
    """An event with every account of it.

    Parameters
    ----------
    accounts : tuple of Account
        The first that states a day leads; the others follow in the order of the articles.
    """

    accounts: tuple[Account, ...]

    @property
    def lead(self) -> ExtractedEvent:
        """The account whose fields stand for the event."""
        return self.accounts[0].event

    @property
    def tier(self) -> Tier:
        """Confident where one account is."""
        tiers = {item.event.tier for item in self.accounts}
        return "confident" if "confident" in tiers else "candidate"

    @property
    def score(self) -> float:
        """The highest of its accounts."""
        return max(item.event.score for item in self.accounts)

    @property
    def other_dates(self) -> tuple[dt.date, ...]:
        """Days that other accounts give: a conflict that is kept."""
        days = dict.fromkeys(item.event.first for item in self.accounts[1:] if item.event.first)
        return tuple(day for day in days if day != self.lead.first)

    @property
    def conflict(self) -> str:
        """What the accounts disagree on, with the article of each; empty where they agree."""
        if not self.other_dates:
            return ""
        parts = [f"{item.event.date} in {item.document.name}" for item in self.accounts]
        return f"dates differ: {', '.join(parts)}"


def merge(
    extractions: Sequence[Extraction], *, candidates: bool = False
) -> tuple[MergedEvent, ...]:
    """Gather the events of several articles, so that each stands once.

    Parameters
    ----------
    extractions : sequence of Extraction
        In the order of the articles. Denied events are left out.
    candidates : bool
        Take candidates, too: beside the event of another article that they report, else after all
        events, by their score.

    Returns
    -------
    tuple of MergedEvent
        Events of one article are never merged with each other here.
    """
    groups: list[list[Account]] = []
    for extraction in extractions:
        _take([account_of(extraction, event) for event in extraction.events], groups)
    count = len(groups)
    for extraction in extractions if candidates else ():
        _take([account_of(extraction, event) for event in extraction.candidates], groups)
    merged = [MergedEvent(_ordered(group)) for group in groups]
    rest = sorted(merged[count:], key=lambda item: -item.score)
    return (*merged[:count], *rest)


def _take(accounts: Sequence[Account], groups: list[list[Account]]) -> None:
    """Put the accounts of one article into the groups they belong to, or into new ones."""
    reported = [account for account in accounts if account.event.state != "denied"]
    homes = [_home(account, groups) for account in reported]
    for account, home in zip(reported, homes, strict=True):
        if home is None:
            groups.append([account])
        else:
            home.append(account)


def account_of(extraction: Extraction, event: ExtractedEvent) -> Account:
    """Return an event of an extraction with the words that report it."""
    span = extraction.dateline.span
    return Account(extraction.document, event, span.end if span else 0, extraction.lang)


def _home(account: Account, groups: list[list[Account]]) -> list[Account] | None:
    return next(
        (group for group in groups if any(same_event(item, account) for item in group)),
        None,
    )


def _ordered(group: list[Account]) -> tuple[Account, ...]:
    """Put an account that states the day itself before one that infers or lacks it."""
    return tuple(
        sorted(group, key=lambda item: (item.event.first is None, item.event.tier == "candidate"))
    )


def same_event(one: Account, other: Account) -> bool:
    """Whether two articles report one event.

    Kind, place and day block the comparison; a day apart is allowed and becomes a conflict of
    dates. Undated events are one only with kind and place equal and the same state. Inside a
    block the words decide, and what the event does to the price: see `alike`.

    Parameters
    ----------
    one, other : Account
        Of different articles.
    """
    if not _same_block(one.event, other.event):
        return False
    # Where no day holds them together, the words have to.
    return alike(one.text, other.text, strict=one.event.first is None, lang=one.lang)


def _same_block(one: ExtractedEvent, other: ExtractedEvent) -> bool:
    if {one.direction, other.direction} == {"up", "down"}:
        return False
    if one.state != other.state or not _same_kind(one.kind, other.kind):
        return False
    if one.first is None or other.first is None:
        return one.first is other.first and one.place is not None and one.place == other.place
    if abs(one.first - other.first) > _NEAR:
        return False
    if one.place is None or other.place is None or one.place == other.place:
        return one.kind == other.kind
    return one.kind == other.kind and bool(
        {one.place.name, *one.actors} & {other.place.name, *other.actors}
    )


def _same_kind(one: str, other: str) -> bool:
    return one == other or any({one, other} <= group for group in _FUSABLE)


def alike(one: str, other: str, *, strict: bool = False, lang: str = "en") -> bool:
    """Whether two accounts of one kind, place and day report the same event.

    Agencies word one event in many ways, so that kind, place and day say more than words do. Where
    those agree, words part two accounts only when each says what was hit or put under sanctions,
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
    names, others = _names(first), _names(second)
    if names and others and not (_any_in(names, other) or _any_in(others, one)):
        return False
    if not strict and not (first and second):
        return True
    return similarity(one, other, lang=lang) >= ALIKE or _share_a_word(one, other, lang)


def similarity(one: str, other: str, *, lang: str = "en") -> float:
    """Token-set ratio of the distinctive words, 0 to 100: order and repetition do not count.

    Days, places and the words that every event of a kind shares are left out: they are compared
    by themselves, or say nothing. Where nothing is left of one, 100: kind, place and day decide.

    Examples
    --------
    >>> similarity("Drones hit an old depot on Monday", "Old depot hit, in Ryazan")
    100.0
    """
    from rapidfuzz import fuzz

    first, second = _distinctive(one, lang), _distinctive(other, lang)
    return float(fuzz.token_set_ratio(first, second)) if first and second else 100.0


@lru_cache(maxsize=4096)
def _distinctive(text: str, lang: str) -> str:
    """Return the words of a text that say which event it is, in lower case."""
    tables = language(lang)
    words = tables.words.similarity
    dropped = _calendar(tables) | set(words.common)
    plain = tables.place_pattern.sub(" ", text[:_MOST])
    for spelling, usual in words.spellings.items():
        plain = plain.replace(spelling, usual)
    found = [match.group().casefold() for match in _WORD.finditer(plain)]
    return " ".join(word for word in found if word not in dropped and not words.act.match(word))


@lru_cache(maxsize=4096)
def _targets(text: str, lang: str) -> tuple[str, ...]:
    """Return what it was done to: the words after "sanctions on" or "killed", places left out."""
    tables = language(lang)
    plain = _days(tables).sub(" ", tables.place_pattern.sub(" ", text[:_MOST]))
    found = tables.words.similarity.target.finditer(plain)
    return tuple(plain[match.end() : match.end() + _REACH] for match in found)


def _names(targets: tuple[str, ...]) -> frozenset[str]:
    """Return the names among what was hit, without the days."""
    found = (name for target in targets for name in _NAME.findall(target))
    return frozenset(word.casefold() for name in found for word in name.split())


def _share_a_word(one: str, other: str, lang: str) -> bool:
    weak = set(language(lang).words.similarity.weak)
    first = [word for word in _distinctive(one, lang).split() if word not in weak]
    return _any_in(frozenset(word for word in first if word.isalpha()), other)


def _any_in(names: frozenset[str], text: str) -> bool:
    from rapidfuzz import fuzz

    there = [word.casefold() for word in _WORD.findall(text[:_MOST])]
    return any(fuzz.ratio(name, word) >= _SAME_NAME for name in names for word in there)


@cache
def _calendar(tables: Language) -> frozenset[str]:
    words = tables.words.dates.words
    return frozenset(name.casefold() for name in (*words.months, *words.weekdays))


@cache
def _days(tables: Language) -> Pattern:
    return re.compile(rf"\b(?:{'|'.join(sorted(_calendar(tables)))})\b", re.IGNORECASE)
