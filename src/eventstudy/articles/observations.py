"""Price observations and claims: they are facts and opinions about prices, never events."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal

from eventstudy.articles.dates import DateIndex, Dateline
from eventstudy.articles.language import ClaimWords, Language, PriceWords
from eventstudy.articles.text import Sentence, Span

Instrument = Literal["wti", "brent", "oil"]
Horizon = Literal["short", "long", "open"]
_MAX_SENTENCE = 1_500
_NEAR = 60  # characters before a number in which a verb says which way it went
_CAP = 80  # characters before an amount in which it is one of a cap, a quota or a spread
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
    change_pct, change : float or None
        Change in per cent, and in US dollars per barrel.
    moment, day : datetime, date or None
        When, as far as it is known.
    span : Span
        The sentence.
    """

    instrument: Instrument
    level: float | None
    change_pct: float | None
    change: float | None
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
    dates: DateIndex,
    dateline: Dateline,
    language: Language,
) -> tuple[PriceObservation, ...]:
    """Find the price observations of a sentence: one for each instrument it names."""
    words = language.words.prices
    text = sentence.text[:_MAX_SENTENCE]
    named = _instruments(text, words)
    if not named or not words.moved.search(text):
        return ()
    ends = [start for _, start in named[1:]] + [len(text)]
    stated = next((item for item in dates.within(sentence.span) if not item.is_dateline), None)
    day = stated.first if stated and stated.precision in {"day", "exact"} else dateline.day
    moment = stated.moment if stated else None
    found: list[PriceObservation] = []
    sign = 0
    for (name, start), end in zip(named, ends, strict=True):
        opens = max(text.rfind(mark, 0, start) for mark in ",;:") + 1
        if not found and _is_outlook(text[opens : start + _OPENING], language):
            return ()
        if words.supposed.search(text[:start]):
            continue
        # "Brent rose 2% and WTI 1%": the second moved as the first did.
        numbers, sign = _numbers(text, start, end, sign, language)
        if numbers is not None:
            level, change, percent = numbers
            found.append(PriceObservation(name, level, percent, change, moment, day, sentence.span))
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


_Numbers = tuple[float | None, float | None, float | None]


def _numbers(
    text: str, start: int, end: int, sign: int, language: Language
) -> tuple[_Numbers | None, int]:
    """Read level, change in dollars and in per cent of one instrument, as they are last stated.

    Returns
    -------
    numbers : tuple or None
        None where there is no number.
    sign : int
        Which way it moved, for the next instrument.
    """
    words = language.words.prices
    asides = [match.span() for match in words.aside.finditer(text, start, end)]

    def is_aside(position: int) -> bool:
        return any(first <= position < last for first, last in asides)

    level = change = percent = None
    for match in words.dollars.finditer(text, start, end):
        if words.capped.search(text[max(0, match.start() - _CAP) : match.start()]):
            continue
        amount = _value(match.group("amount") or match.group("spelt"), words)
        before = text[start : match.start()]
        if words.level.search(before) and not words.no_level.search(before):
            level = level if is_aside(match.start()) else amount
        elif change is None and not is_aside(match.start()):
            change, sign = _signed(amount, match, text, start, sign, words)
    for match in words.cents.finditer(text, start, end):
        if not is_aside(match.start()):
            spelt = language.words.dates.words.numbers.get(match.group("cents"))
            amount = (spelt or _value(match.group("cents"), words)) / 100
            change, sign = _signed(amount, match, text, start, sign, words)
    for match in words.percent.finditer(text, start, end):
        if not is_aside(match.start()):
            percent, sign = _signed(
                _value(match.group("pct"), words), match, text, start, sign, words
            )
    numbers = (level, change, percent)
    return (None if numbers == (None, None, None) else numbers), sign


def _value(text: str, words: PriceWords) -> float:
    return float(text.replace(words.decimal, "."))


def _signed(
    value: float, match: re.Match[str], text: str, start: int, sign: int, words: PriceWords
) -> tuple[float, int]:
    """Sign a move by the word beside it, else by the one nearest before, else as the one before."""
    beside = words.beside.match(text, match.end())
    if beside:
        sign = 1 if beside.group("up") else -1
    else:
        near = text[max(start, match.start() - _NEAR) : match.start()]
        falls, rises = _nearest(words.down, near), _nearest(words.up, near)
        if falls != rises:
            sign = -1 if falls > rises else 1
    return (-abs(value) if sign < 0 else value), sign


def _nearest(pattern: re.Pattern[str], text: str) -> tuple[int, int]:
    """Where the last match ends, and its length: "gave up" is no "up"."""
    return max(((item.end(), len(item.group())) for item in pattern.finditer(text)), default=(0, 0))


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
