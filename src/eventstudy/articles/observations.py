"""Price observations and claims: they are facts and opinions about prices, never events."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from eventstudy.articles.dates import DateExpression, Dateline
from eventstudy.articles.language import ClaimWords, Language, PriceWords
from eventstudy.articles.text import Sentence, Span

Instrument = Literal["wti", "brent", "oil"]
Horizon = Literal["short", "long", "open"]
_MAX_SENTENCE = 1_500
_OPENING = 80  # characters after the instrument in which an outlook makes the sentence a claim


@dataclass(frozen=True, slots=True)
class PriceObservation:
    """What somebody saw a price do.

    Parameters
    ----------
    instrument : {"wti", "brent", "oil"}
        ``"oil"`` where the text does not say which.
    level : float or None
        US dollars per barrel.
    change_pct : float or None
        Change in per cent.
    moment, day : datetime, date or None
        When, as far as it is known.
    span : Span
        The sentence.
    """

    instrument: Instrument
    level: float | None
    change_pct: float | None
    moment: dt.datetime | None
    day: dt.date | None
    span: Span
    unit: str = "USD/bbl"


@dataclass(frozen=True, slots=True)
class ArticleClaim:
    """What a text expects a price to do.

    Parameters
    ----------
    direction : {"up", "down"}
        Where the price is to go.
    horizon : {"short", "long", "open"}
        How soon, where the text says it.
    span : Span
        The sentence.
    """

    direction: Literal["up", "down"]
    horizon: Horizon
    span: Span


def find_prices(
    sentence: Sentence,
    dates: Sequence[DateExpression],
    dateline: Dateline,
    language: Language,
) -> tuple[PriceObservation, ...]:
    """Find the price observations of a sentence: one for each instrument it names."""
    words = language.words.prices
    text = sentence.text[:_MAX_SENTENCE]
    named = _instruments(text, words)
    if not named:
        return ()
    ends = [start for _, start in named[1:]] + [len(text)]
    inside = (item for item in dates if item.span.overlaps(sentence.span))
    stated = next((item for item in inside if not item.is_dateline), None)
    found: list[PriceObservation] = []
    for (name, start), end in zip(named, ends, strict=True):
        if not found and _is_outlook(text[: start + _OPENING], language):
            return ()
        numbers = _numbers(text[start:end], words)
        if numbers is not None:
            day = stated.first if stated and stated.precision in {"day", "exact"} else dateline.day
            moment = stated.moment if stated else None
            found.append(PriceObservation(name, *numbers, moment, day, sentence.span))
    return tuple(found)


def is_market(sentence: Sentence, language: Language) -> bool:
    """Whether a sentence opens with a price that moved."""
    words = language.words.prices
    head = sentence.text[:120]
    found = (pattern.search(head) for pattern in (words.brent, words.wti, words.oil))
    start = min((match.start() for match in found if match), default=None)
    return start is not None and start < 40 and words.went.search(head[start:]) is not None  # noqa: PLR2004 # opens


def _instruments(text: str, words: PriceWords) -> list[tuple[Instrument, int]]:
    """Each benchmark where it is first named; plain oil only where no benchmark is."""
    benchmarks: list[tuple[Instrument, re.Match[str] | None]] = [
        ("brent", words.brent.search(text)),
        ("wti", words.wti.search(text)),
    ]
    first = [(name, match.start()) for name, match in benchmarks if match]
    if not first:
        match = words.oil.search(text)
        return [("oil", match.start())] if match else []
    return sorted(first, key=lambda item: item[1])


def _numbers(part: str, words: PriceWords) -> tuple[float | None, float | None] | None:
    """Level and change of one instrument, where its part of the sentence says it moved."""
    percent, level = words.percent.search(part), words.level.search(part)
    if not words.moved.search(part) or (percent is None and level is None):
        return None
    return (
        float(level.group("level")) if level else None,
        _change(percent, part, words) if percent else None,
    )


def _change(percent: re.Match[str], part: str, words: PriceWords) -> float:
    """Sign a percentage by the word nearest before it."""
    value = float(percent.group("pct"))
    near = part[max(0, percent.start() - 60) : percent.start()]
    falls = max((match.start() for match in words.down.finditer(near)), default=-1)
    rises = max((match.start() for match in words.up.finditer(near)), default=-1)
    return -abs(value) if falls > rises else value


def _is_outlook(text: str, language: Language) -> bool:
    """Whether a sentence looks ahead only: an expectation is a claim, not an observation."""
    outlook = language.words.claims.outlook.search(text)
    observed = language.words.prices.moved.search(text)
    return outlook is not None and (observed is None or outlook.start() < observed.start())


def find_claims(sentence: Sentence, language: Language) -> tuple[ArticleClaim, ...]:
    """Find what the clauses of a sentence expect of the price."""
    words = language.words.claims
    text = sentence.text[:_MAX_SENTENCE]
    cuts = [match.start() for match in words.clause.finditer(text)]
    claims = []
    for first, last in zip([0, *cuts], [*cuts, len(text)], strict=True):
        expected = _expected(text[first:last], words)
        if expected is not None:
            direction, where = expected
            horizon = (
                _horizon(text[first:last], where, words)
                or _horizon(text, first + where, words)
                or "open"
            )
            claims.append(ArticleClaim(direction, horizon, sentence.span))
    return tuple(claims)


def _expected(clause: str, words: ClaimWords) -> tuple[Literal["up", "down"], int] | None:
    subject, outlook = words.subject.search(clause), words.outlook.search(clause)
    if subject is None or outlook is None:
        return None
    start = min(subject.start(), outlook.start())
    observed = words.observed.search(clause)
    if observed is not None and observed.start() < outlook.start():
        return None
    body = clause[start:]
    if words.not_down.search(body):
        return "up", start
    up, down = words.up.search(body), words.down.search(body)
    first = min((match.start() for match in (up, down) if match), default=None)
    if first is None or words.supply.search(body[:first]):
        return None
    return ("up" if up is not None and up.start() == first else "down"), start + first


def _horizon(text: str, where: int, words: ClaimWords) -> Horizon | None:
    """Name the horizon that stands nearest to the direction, or nothing."""
    horizons: tuple[tuple[Horizon, re.Pattern[str]], ...] = (
        ("short", words.short),
        ("long", words.long),
    )
    found = [
        (abs(match.start() - where), name)
        for name, pattern in horizons
        for match in pattern.finditer(text)
    ]
    return min(found)[1] if found else None
