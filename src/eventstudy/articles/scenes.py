"""What a rule sees of an expression: the words around it, and what was told before."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from eventstudy.articles.language import Language
from eventstudy.articles.moments import DatePrecision
from eventstudy.articles.text import Span

_REACH = 90  # characters of a sentence in which a verb still decides the tense of a weekday


@dataclass(frozen=True, slots=True)
class Scene:
    """What a rule may look at when it resolves an expression."""

    text: str
    start: int
    end: int
    sentence: Span
    quoted: bool
    day: dt.date | None
    told: dt.date | None
    language: Language

    def before(self) -> str:
        """Return the words before, within the sentence."""
        return self.text[max(self.sentence.start, self.start - _REACH) : self.start]

    def after(self) -> str:
        """Return the words after, within the sentence."""
        return self.text[self.end : min(self.sentence.end, self.end + _REACH)]

    def future(self) -> bool:
        """Whether the verb nearest before speaks of the future; the one after where none is."""
        future, past = _cues(self.language)
        before, after = self.before(), self.after()
        ahead, back = _last(future, before), _last(past, before)
        if max(ahead, back) >= 0:
            return ahead > back
        ahead, back = _first(future, after), _first(past, after)
        return ahead < back


Days = tuple[dt.date, dt.date]
Resolver = Callable[[re.Match[str], Scene], "Found"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule makes of an expression: first and last day, or what is known of it."""

    days: Days | None
    precision: DatePrecision
    partial: str | None = None
    moment: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A named pattern and how it is resolved."""

    name: str
    pattern: re.Pattern[str]
    resolve: Resolver


@cache
def _cues_of(future: str, past: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(future, re.IGNORECASE), re.compile(past, re.IGNORECASE)


def _cues(language: Language) -> tuple[re.Pattern[str], re.Pattern[str]]:
    cues = language.tables["dates"]["cues"]
    return _cues_of(cues["future"], cues["past"])


def _last(pattern: re.Pattern[str], text: str) -> int:
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def _first(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.search(text)
    return match.start() if match else len(text) + 1
