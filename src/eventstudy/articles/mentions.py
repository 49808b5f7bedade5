"""Mentions of events: which kind, in which state, where, and with which words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any, Literal

from eventstudy.articles.language import Language, Place, words
from eventstudy.articles.text import Sentence, Span

State = Literal["reported", "planned", "conditional", "denied"]
_MAX_SENTENCE = 1_500  # patterns look at no more of a sentence than this
_OWNER = re.compile(r"(?:'s|’s)\s+")
_LOCATIVE = re.compile(
    r"\b(?:in|at|near|off|inside|across|over)\s+"
    r"(?:the\s+|(?:city|town|port|region|province|state|island|village)\s+of\s+|[\w-]+(?:'s|’s)\s+)*\Z"
)
_TIED, _FAR = 70, 160  # characters between a trigger and a place that can still be its own
_DECISIONS = frozenset(
    {"producer decision", "supply offer or release", "sanctions", "embargo or price cap"}
)


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
    direction: str
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
        The sentence tells of a price: what moved it is a clause of its own, and the day belongs
        to the price.
    """
    found: list[Mention] = []
    for clause in _clauses(sentence, language, of_prices=of_prices):
        match = _kind_of(clause.text, sentence.text, language)
        if match is None:
            continue
        kind, where = match
        trigger = Span(clause.span.start + where.start, clause.span.start + where.end)
        if not any(mention.kind == kind["kind"] for mention in found):
            mention = _mention(kind, trigger, clause, sentence, language)
            found.append(replace(mention, own_dates=of_prices))
    return tuple(found)


def _mention(
    kind: Mapping[str, Any],
    trigger: Span,
    clause: Sentence,
    sentence: Sentence,
    language: Language,
) -> Mention:
    direction, reason = _direction(kind, clause.text)
    return Mention(
        kind=kind["kind"],
        state=_state(kind["kind"], trigger, clause, sentence, language),
        trigger=trigger,
        clause=clause.span,
        sentence=sentence.span,
        place=_place(trigger, clause, sentence, language),
        actors=_actors(sentence.text, language),
        direction=direction,
        reason=reason,
    )


def _clauses(sentence: Sentence, language: Language, *, of_prices: bool) -> tuple[Sentence, ...]:
    text = sentence.text[:_MAX_SENTENCE]
    states = language.tables["states"]
    wanted = f"{states['clause']}|{states['market_clause']}" if of_prices else states["clause"]
    pattern = _pattern(wanted)
    cuts = [0, *(match.start() for match in pattern.finditer(text)), len(text)]
    base = sentence.span.start
    return tuple(
        Sentence(text[first:last], Span(base + first, base + last))
        for first, last in pairwise(cuts)
        if last > first
    )


def _kind_of(
    clause: str, sentence: str, language: Language
) -> tuple[Mapping[str, Any], Span] | None:
    for kind in language.tables["kinds"]:
        needs, unless = kind.get("needs"), kind.get("unless")
        if needs and not _pattern(needs).search(sentence):
            continue
        if unless and _pattern(unless).search(clause):
            continue
        span = _trigger(kind, clause, sentence)
        if span is not None and not _is_background(clause[: span.start], kind, language):
            return kind, span
    return None


def _trigger(kind: Mapping[str, Any], clause: str, sentence: str) -> Span | None:
    for text in kind.get("strong", ()):
        match = _pattern(text).search(clause)
        if match:
            return Span(*match.span())
    if "both" in kind:
        first, second = (_pattern(text).search(clause) for text in kind["both"])
        if first and second is None and _pattern(kind["both"][1]).search(sentence):
            return Span(*first.span()) if re.match(r"\W*(?:after|following)\b", clause) else None
        if first and second:
            return Span(min(first.start(), second.start()), max(first.end(), second.end()))
    return None


def _is_background(before: str, kind: Mapping[str, Any], language: Language) -> bool:
    """Whether what follows is only spoken of: discussed, or the condition of something else."""
    states = language.tables["states"]
    patterns = [states["background"], states["condition"], kind.get("background")]
    return any(_pattern(text).search(before) for text in patterns if text)


def _state(
    kind: str, trigger: Span, clause: Sentence, sentence: Sentence, language: Language
) -> State:
    """State of the mention, from the words near its trigger."""
    states = language.tables["states"]
    offset = trigger.start - clause.span.start
    # Denials and modal verbs belong to the trigger only within the clause and near it.
    near = clause.text[max(0, offset - 60) : trigger.end - clause.span.start]
    threat = kind == "statement or threat"
    own = clause.text[offset : trigger.end - clause.span.start]
    if _pattern(states["denied"]).search(near.removesuffix(own) if threat else near):
        return "denied"
    opening = re.match(r"\s*(?:If|Should|Once|Unless|Were|After a ceasefire)\b", sentence.text)
    reporting = _pattern(states["reporting"]).search(sentence.text) is not None
    inside = opening is not None and trigger.start - sentence.span.start < _comma(sentence.text)
    if inside or (_pattern(states["conditional"]).search(near) and not (threat and reporting)):
        return "conditional"
    after = sentence.text[trigger.end - sentence.span.start :][:80]
    later = _pattern(states["planned_after"]).search(after) is not None
    future = later or _pattern(states["planned"]).search(near) is not None
    meeting = later or re.search(r"\b(?:meet\w*|meeting|round)\b", near) is not None
    if future and not (kind in _DECISIONS and reporting and not meeting):
        return "planned"
    return "reported"


def _comma(text: str) -> int:
    index = text.find(",")
    return index if index >= 0 else len(text)


def _direction(kind: Mapping[str, Any], clause: str) -> tuple[str, str]:
    neutral, eased = kind.get("neutral"), kind.get("eased")
    if neutral and _pattern(neutral).search(clause):
        return "none", "no change decided"
    if eased and _pattern(eased).search(clause):
        default = "down" if kind["direction"] == "up" else "up"
        return kind.get("eased_direction", default), kind.get("eased_reason", "barrels return")
    return kind["direction"], kind["reason"]


def _place(trigger: Span, clause: Sentence, sentence: Sentence, language: Language) -> Place | None:
    """Choose the place that a preposition ties to the trigger, else the nearest name."""
    for part in (clause, sentence):
        text = part.text[:_MAX_SENTENCE]
        ranked = []
        for match in language.place_pattern.finditer(text):
            if _OWNER.match(text, match.end()) and language.place_pattern.match(
                text,
                _OWNER.match(text, match.end()).end(),  # type: ignore[union-attr] # matched above
            ):
                continue
            start = part.span.start + match.start()
            after = start >= trigger.start
            gap = start - trigger.start if after else 40 + trigger.start - start
            if gap > _FAR and part is sentence:
                continue
            lead = text[max(0, match.start() - 40) : match.start()]
            tied = gap <= _TIED and _LOCATIVE.search(lead) is not None
            name = " ".join(match.group().split())
            ranked.append((not tied, language.places[name].is_country, gap, name))
        if ranked:
            return language.places[min(ranked)[3]]
    return None


def _actors(text: str, language: Language) -> tuple[str, ...]:
    pattern = _names(tuple(language.tables["actors"]["names"]))
    found = [match.group() for match in pattern.finditer(text[:_MAX_SENTENCE])]
    matches = language.place_pattern.finditer(text[:_MAX_SENTENCE])
    found += [language.places[" ".join(match.group().split())].name for match in matches]
    return tuple(dict.fromkeys(found))


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.DOTALL)


@cache
def _names(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{words(names)})(?!\w)")
