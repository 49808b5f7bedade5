"""Mentions of events: which kind, in which state, where, and with which words."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Final, Literal

from eventstudy.articles.language import Direction, KindWords, Language, Pattern, Place
from eventstudy.articles.text import Sentence, Span

KINDS: Final = (
    "military strike",
    "energy attack",
    "war outbreak",
    "peace talks",
    "sanctions",
    "embargo or price cap",
    "producer decision",
    "supply offer or release",
    "export outage or restart",
    "shipping disruption",
    "regime change or unrest",
    "territorial claim",
    "statement or threat",
    "demand news",
    "other",
)
"""The kinds of events that move oil, as a desk names them."""

ATTACKS: Final = frozenset({"military strike", "energy attack"})
DECISIONS: Final = frozenset(
    {"producer decision", "supply offer or release", "sanctions", "embargo or price cap"}
)
MEETING: Final = "peace talks"
THREAT: Final = "statement or threat"

State = Literal["reported", "planned", "conditional", "denied"]
_MAX_SENTENCE = 1_500  # patterns look at no more of a sentence than this
_TIED, _FAR = 70, 160  # characters between a trigger and a place that can still be its own


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention of an event in one sentence.

    Parameters
    ----------
    kind, state : str
        What it is, and whether it happened.
    trigger : Span
        The words that decided the kind.
    clause, sentence : Span
        The clause of the trigger, and the whole sentence.
    place : Place or None
        The place named nearest to the trigger.
    actors : tuple of str
        Who is named in the sentence.
    direction, reason : str
        Expected direction of the oil price and why.
    own_dates : bool
        Only dates of its own clause can be its day.
    """

    kind: str
    state: State
    trigger: Span
    clause: Span
    sentence: Span
    place: Place | None
    actors: tuple[str, ...]
    direction: Direction
    reason: str
    own_dates: bool = False


def find_mentions(
    sentence: Sentence, language: Language, *, of_prices: bool = False
) -> tuple[Mention, ...]:
    """Find the events a sentence speaks of: at most one for each clause and each kind.

    Parameters
    ----------
    sentence : Sentence
        The words.
    language : Language
        Tables.
    of_prices : bool
        The sentence reports a price: what moved it is a clause of its own, and the day belongs to
        the price.
    """
    found: list[Mention] = []
    for clause in _clauses(sentence, language, of_prices=of_prices):
        match = _kind_of(clause.text, sentence.text, language)
        if match is None:
            continue
        kind, where = match
        trigger = Span(clause.span.start + where.start, clause.span.start + where.end)
        if not any(mention.kind == kind.kind for mention in found):
            mention = _mention(kind, trigger, clause, sentence, language)
            found.append(replace(mention, own_dates=of_prices))
    return tuple(found)


def _mention(
    kind: KindWords,
    trigger: Span,
    clause: Sentence,
    sentence: Sentence,
    language: Language,
) -> Mention:
    direction, reason = _direction(kind, clause.text, language)
    return Mention(
        kind=kind.kind,
        state=_state(kind.kind, trigger, clause, sentence, language),
        trigger=trigger,
        clause=clause.span,
        sentence=sentence.span,
        place=_place(trigger, clause, sentence, language),
        actors=_actors(sentence.text, language),
        direction=direction,
        reason=reason,
    )


@cache
def _ends_of_market_clauses(language: Language) -> Pattern:
    states = language.words.states
    return re.compile(
        f"{states.clause.pattern}|{states.market_clause.pattern}", states.clause.flags
    )


def _clauses(sentence: Sentence, language: Language, *, of_prices: bool) -> tuple[Sentence, ...]:
    text = sentence.text[:_MAX_SENTENCE]
    ends = _ends_of_market_clauses(language) if of_prices else language.words.states.clause
    cuts = sorted({0, len(text), *(match.start() for match in ends.finditer(text))})
    base = sentence.span.start
    return tuple(
        Sentence(text[first:last], Span(base + first, base + last))
        for first, last in pairwise(cuts)
    )


def _kind_of(clause: str, sentence: str, language: Language) -> tuple[KindWords, Span] | None:
    for kind in language.words.kinds:
        if kind.needs and not kind.needs.search(sentence):
            continue
        if kind.unless and kind.unless.search(clause):
            continue
        span = _trigger(kind, clause, sentence, language)
        if span is not None and not _is_background(clause[: span.start], kind, language):
            return kind, span
    return None


def _trigger(kind: KindWords, clause: str, sentence: str, language: Language) -> Span | None:
    for pattern in kind.strong:
        match = pattern.search(clause)
        if match:
            return Span(*match.span())
    if kind.both:
        first, second = (pattern.search(clause) for pattern in kind.both)
        if first and second is None and kind.both[1].search(sentence):
            return Span(*first.span()) if language.words.states.cause.match(clause) else None
        if first and second:
            return Span(min(first.start(), second.start()), max(first.end(), second.end()))
    return None


def _is_background(before: str, kind: KindWords, language: Language) -> bool:
    """Whether what follows is only spoken of: discussed, or the condition of something else."""
    states = language.words.states
    patterns = (states.background, states.condition, kind.background)
    return any(pattern.search(before) for pattern in patterns if pattern)


def _state(
    kind: str, trigger: Span, clause: Sentence, sentence: Sentence, language: Language
) -> State:
    """State of the mention, from the words near its trigger."""
    states = language.words.states
    offset = trigger.start - clause.span.start
    # Denials and modal verbs belong to the trigger only within the clause and near it.
    near = clause.text[max(0, offset - 60) : trigger.end - clause.span.start]
    own = clause.text[offset : trigger.end - clause.span.start]
    if states.denied.search(near.removesuffix(own) if kind == THREAT else near):
        return "denied"
    opening = states.opening.match(sentence.text)
    reporting = states.reporting.search(sentence.text) is not None
    inside = opening is not None and trigger.start - sentence.span.start < _comma(sentence.text)
    if inside or (states.conditional.search(near) and not (kind == THREAT and reporting)):
        return "conditional"
    after = sentence.text[trigger.end - sentence.span.start :][:80]
    later = states.planned_after.search(after) is not None
    future = later or states.planned.search(near) is not None
    meeting = later or states.meeting.search(near) is not None
    if future and not (kind in DECISIONS and reporting and not meeting):
        return "planned"
    return "reported"


def _comma(text: str) -> int:
    index = text.find(",")
    return index if index >= 0 else len(text)


def _direction(kind: KindWords, clause: str, language: Language) -> tuple[Direction, str]:
    states = language.words.states
    if kind.neutral and kind.neutral.search(clause):
        return "none", states.neutral_reason
    if kind.eased and kind.eased.search(clause):
        turned: Direction = "down" if kind.direction == "up" else "up"
        return kind.eased_direction or turned, kind.eased_reason or states.eased_reason
    return kind.direction, kind.reason


def _place(trigger: Span, clause: Sentence, sentence: Sentence, language: Language) -> Place | None:
    """Choose the place that a preposition ties to the trigger, else the nearest name."""
    words = language.words.places
    for part in (clause, sentence):
        text = part.text[:_MAX_SENTENCE]
        ranked = []
        for match in language.place_pattern.finditer(text):
            owner = words.owner.match(text, match.end())
            if owner and language.place_pattern.match(text, owner.end()):
                continue
            start = part.span.start + match.start()
            after = start >= trigger.start
            gap = start - trigger.start if after else 40 + trigger.start - start
            if gap > _FAR and part is sentence:
                continue
            lead = text[max(0, match.start() - 40) : match.start()]
            tied = gap <= _TIED and words.locative.search(lead) is not None
            name = " ".join(match.group().split())
            ranked.append((not tied, language.places[name].is_country, gap, name))
        if ranked:
            return language.places[min(ranked)[3]]
    return None


def _actors(text: str, language: Language) -> tuple[str, ...]:
    found = [match.group() for match in language.actor_pattern.finditer(text[:_MAX_SENTENCE])]
    matches = language.place_pattern.finditer(text[:_MAX_SENTENCE])
    found += [language.places[" ".join(match.group().split())].name for match in matches]
    return tuple(dict.fromkeys(found))
