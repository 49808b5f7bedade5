"""Price observations and claims: they are facts and opinions about prices, never events."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from eventstudy.articles.language import Language
from eventstudy.articles.moments import DateExpression, Dateline
from eventstudy.articles.text import Sentence, Span

_MAX_SENTENCE = 1_500
_SUPPLY = re.compile(r"\b(?:output|exports|production|supply|demand)\b")
_HORIZONS = (
    ("short", r"\b(?:short[- ]term|near[- ]term|near term|in the short|for now|today|this week)\b"),
    ("long", r"\b(?:long[- ]run|long[- ]term|in the long|lasting|permanent)\b"),
)


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

    instrument: str
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

    direction: str
    horizon: str
    span: Span


def find_prices(
    sentence: Sentence,
    dates: Sequence[DateExpression],
    dateline: Dateline,
    language: Language,
) -> tuple[PriceObservation, ...]:
    """Find the price observations of a sentence: one for each instrument it names."""
    tables = language.tables["prices"]
    text = sentence.text[:_MAX_SENTENCE]
    named = _instruments(text, tables)
    if not named:
        return ()
    ends = [start for _, start in named[1:]] + [len(text)]
    inside = (item for item in dates if item.span.overlaps(sentence.span))
    stated = next((item for item in inside if item.rule != "dateline"), None)
    found: list[PriceObservation] = []
    for (name, start), end in zip(named, ends, strict=True):
        if not found and _is_outlook(text[: start + 80], language):
            return ()
        numbers = _numbers(text[start:end], tables)
        if numbers is not None:
            day = stated.first if stated and stated.precision in {"day", "exact"} else dateline.day
            moment = stated.moment if stated else None
            found.append(PriceObservation(name, *numbers, moment, day, sentence.span))
    return tuple(found)


def is_market(sentence: Sentence, language: Language) -> bool:
    """Whether a sentence opens with a price that moved."""
    tables = language.tables["prices"]
    head = sentence.text[:120]
    start = min((match.start() for match in _any(head, tables)), default=None)
    return start is not None and start < 40 and bool(_compiled(tables["went"]).search(head[start:]))  # noqa: PLR2004 # opens


def _numbers(part: str, tables: dict[str, str]) -> tuple[float | None, float | None] | None:
    """Level and change of one instrument, where its part of the sentence says it moved."""
    percent = _compiled(tables["percent"]).search(part)
    level = _compiled(tables["level"]).search(part)
    if not _compiled(tables["moved"]).search(part) or (percent is None and level is None):
        return None
    return (
        float(level.group("level")) if level else None,
        _change(percent, part, tables["down"]) if percent else None,
    )


def find_claims(sentence: Sentence, language: Language) -> tuple[ArticleClaim, ...]:
    """Find what the clauses of a sentence expect of the price."""
    tables = language.tables["claims"]
    text = sentence.text[:_MAX_SENTENCE]
    cuts = [match.start() for match in _compiled(tables["clause"]).finditer(text)]
    claims = []
    for first, last in zip([0, *cuts], [*cuts, len(text)], strict=True):
        expected = _expected(text[first:last], tables)
        if expected is not None:
            direction, where = expected
            clause = text[first:last]
            horizon = _horizon(clause, where) or _horizon(text, first + where) or "open"
            claims.append(ArticleClaim(direction, horizon, sentence.span))
    return tuple(claims)


def _expected(clause: str, tables: dict[str, str]) -> tuple[str, int] | None:
    subject = _compiled(tables["subject"], re.IGNORECASE).search(clause)
    outlook = _compiled(tables["outlook"], re.IGNORECASE).search(clause)
    if subject is None or outlook is None:
        return None
    start = min(subject.start(), outlook.start())
    observed = _compiled(tables["observed"], re.IGNORECASE).search(clause)
    if observed is not None and observed.start() < outlook.start():
        return None
    body = clause[start:]
    if _compiled(tables["not_down"], re.IGNORECASE).search(body):
        return "up", start
    up = _compiled(tables["up"], re.IGNORECASE).search(body)
    down = _compiled(tables["down"], re.IGNORECASE).search(body)
    first = min((match.start() for match in (up, down) if match), default=None)
    if first is None or _SUPPLY.search(body[:first]):
        return None
    return ("up" if up is not None and up.start() == first else "down"), start + first


def _horizon(text: str, where: int) -> str:
    """Name the horizon that stands nearest to the direction, or nothing."""
    found = [
        (abs(match.start() - where), name)
        for name, pattern in _HORIZONS
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]
    return min(found)[1] if found else ""


def _instruments(text: str, tables: dict[str, str]) -> list[tuple[str, int]]:
    """Each benchmark where it is first named; plain oil only where no benchmark is."""
    first: dict[str, int] = {}
    for name in ("brent", "wti"):
        match = _compiled(tables[name]).search(text)
        if match:
            first[name] = match.start()
    if not first:
        match = _compiled(tables["oil"]).search(text)
        return [("oil", match.start())] if match else []
    return sorted(first.items(), key=lambda item: item[1])


def _any(text: str, tables: dict[str, str]) -> list[re.Match[str]]:
    found = (_compiled(tables[name]).search(text) for name in ("brent", "wti", "oil"))
    return [match for match in found if match]


def _change(percent: re.Match[str], rest: str, down: str) -> float:
    value = float(percent.group("pct"))
    near = rest[max(0, percent.start() - 60) : percent.start()]
    words = list(_compiled(down).finditer(near))
    rises = list(re.finditer(r"\b(?:up|rose|gain\w*|jump\w*|climb\w*|higher|add\w*)\b", near))
    falls = bool(words) and (not rises or words[-1].start() > rises[-1].start())
    return -abs(value) if falls else value


def _is_outlook(text: str, language: Language) -> bool:
    """Whether a sentence looks ahead only: an expectation is a claim, not an observation."""
    tables = language.tables["claims"]
    outlook = _compiled(tables["outlook"], re.IGNORECASE).search(text)
    observed = _compiled(language.tables["prices"]["moved"]).search(text)
    return outlook is not None and (observed is None or outlook.start() < observed.start())


@cache
def _compiled(text: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(text, flags)
