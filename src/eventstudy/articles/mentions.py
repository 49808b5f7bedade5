"""Mentions of events: which kind, in which state, where, and with which words."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Final, Literal

from eventstudy.articles.evidence import Evidence
from eventstudy.articles.frames import FrameMatch, frames, match_frames
from eventstudy.articles.language import Direction, KindWords, Language, Pattern, Place
from eventstudy.articles.lexicon import Token, tokens_of
from eventstudy.articles.roles import as_hits, choose_place, places_in
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
    evidence : Evidence
        What speaks for and against it.
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
    evidence: Evidence
    own_dates: bool = False

    @property
    def score(self) -> float:
        """How sure it is that somebody wants to read of it."""
        return self.evidence.score


def mentions_of(
    sentence: Sentence, language: Language, index: int, *, of_prices: bool = False
) -> tuple[Mention, ...]:
    """Find the mentions of a sentence: by patterns, and by frames where those are silent.

    Parameters
    ----------
    sentence : Sentence
        The words.
    language : Language
        Tables.
    index : int
        Sentences before it: news comes first.
    of_prices : bool
        See `find_mentions`.
    """
    known = find_mentions(sentence, language, of_prices=of_prices)
    found = list(known)
    for item in find_framed(sentence, language, of_prices=of_prices):
        if any(other.kind == item.kind or other.trigger.overlaps(item.trigger) for other in known):
            continue
        if any(_is_threatened(item, other) for other in known):
            continue
        beside = sum(other.clause.overlaps(item.clause) for other in known)
        further = item.evidence.further + len(known) + beside
        found.append(replace(item, evidence=replace(item.evidence, further=further)))
    lead = 1 / (1 + index)
    return tuple(replace(item, evidence=replace(item.evidence, lead=lead)) for item in found)


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
        place=_place(kind.kind, trigger, trigger, clause, sentence, language),
        actors=_actors(sentence.text, language),
        direction=direction,
        reason=reason,
        evidence=Evidence(pattern=1),
    )


def find_framed(
    sentence: Sentence, language: Language, *, of_prices: bool = False
) -> tuple[Mention, ...]:
    """Find the events that frames make of the words of a sentence: at most one of each kind.

    Parameters
    ----------
    sentence : Sentence
        The words.
    language : Language
        Tables.
    of_prices : bool
        The sentence reports a price, see `find_mentions`.

    Returns
    -------
    tuple of Mention
        Each with a score: the weight of its frame, less what distance, a condition or a mere
        mention of the past takes from it.
    """
    text = sentence.text[:_MAX_SENTENCE]
    tokens = tokens_of(text, language.words.sentences.stemmer)
    clauses = _clauses(sentence, language, of_prices=of_prices)
    starts = [clause.span.start - sentence.span.start for clause in clauses[1:]]
    boundaries = [
        next((i for i, token in enumerate(tokens) if token.start >= start), len(tokens))
        for start in starts
    ]
    places = as_hits(places_in(text, language), tokens)
    best: dict[tuple[str, Span], Mention] = {}
    for match in match_frames(tokens, places, boundaries, language):
        mention = _framed(match, tokens, clauses, sentence, language)
        known = best.get((mention.kind, mention.clause))
        if known is None or mention.score > known.score:
            best[mention.kind, mention.clause] = replace(mention, own_dates=of_prices)
    threats = [item for item in best.values() if item.kind == THREAT and item.score > 0]
    real = [item for item in best.values() if not any(_is_threatened(item, one) for one in threats)]
    ranked = sorted(real, key=lambda item: (-item.score, item.trigger.start))
    return tuple(
        replace(item, evidence=replace(item.evidence, further=index, market=float(of_prices)))
        for index, item in enumerate(ranked)
    )


def _is_threatened(item: Mention, threat: Mention) -> bool:
    """Whether a mention is what `threat` threatens: it has not happened."""
    return (
        item.kind != THREAT == threat.kind
        and item.clause.overlaps(threat.clause)
        and item.trigger.start > threat.trigger.start
    )


def _framed(
    match: FrameMatch,
    tokens: tuple[Token, ...],
    clauses: tuple[Sentence, ...],
    sentence: Sentence,
    language: Language,
) -> Mention:
    base = sentence.span.start
    hits = [match.act] if match.target is None else [match.act, match.target]
    act, *rest = (
        Span(base + tokens[hit.first].start, base + tokens[hit.last - 1].end) for hit in hits
    )
    target = rest[0] if rest else act
    trigger = Span(min(act.start, target.start), max(act.end, target.end))
    clause = next(item for item in reversed(clauses) if item.span.start <= act.start)
    kind = match.frame.kind
    state = _state(kind, act, clause, sentence, language)
    return Mention(
        kind=kind,
        state=state,
        trigger=trigger,
        clause=clause.span,
        sentence=sentence.span,
        place=_place(kind, act, target, clause, sentence, language),
        actors=_actors(sentence.text, language),
        direction=match.frame.direction,
        reason=match.frame.reason,
        evidence=replace(
            _context(kind, act, state, clause, sentence, language),
            pair=match.frame.weight,
            distance=match.distance,
            between=match.between,
            boundary=match.boundary,
            of_price=match.of_price,
        ),
    )


_SUBJECT = 60  # characters before an act in which its subject stands


def _context(
    kind: str, act: Span, state: State, clause: Sentence, sentence: Sentence, language: Language
) -> Evidence:
    """Weigh the words around an act."""
    states = language.words.states
    text = sentence.text[:_MAX_SENTENCE]
    start = act.start - sentence.span.start
    before = clause.text[: act.start - clause.span.start]
    words = next((item for item in language.words.kinds if item.kind == kind), None)
    quoted = any(
        match.start(1) <= start < match.end(1)
        for match in language.words.sentences.quoted.finditer(text)
    )
    named = language.body_pattern.search(before[-_SUBJECT:])
    return Evidence(
        reporting=float(states.reporting.search(text) is not None),
        background=float(_is_background(before, words, language)),
        conditional=float(state == "conditional"),
        planned=float(state == "planned"),
        outlook=float(language.words.claims.outlook.search(clause.text) is not None),
        quoted=float(quoted),
        placed=float(language.body_pattern.search(text) is not None),
        subject=float(named is not None or language.actor_pattern.search(before) is not None),
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


def _is_background(before: str, kind: KindWords | None, language: Language) -> bool:
    """Whether what follows is only spoken of: discussed, or the condition of something else."""
    states = language.words.states
    patterns = (states.background, states.condition, kind.background if kind else None)
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
    after = sentence.text[trigger.end - sentence.span.start :][:80]
    if states.denied_after.search(after):
        return "denied"
    opening = states.opening.match(sentence.text)
    reporting = states.reporting.search(sentence.text) is not None
    inside = opening is not None and trigger.start - sentence.span.start < _comma(sentence.text)
    if inside or (states.conditional.search(near) and not (kind == THREAT and reporting)):
        return "conditional"
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
    usual = frames().kinds[kind.kind]
    if kind.neutral and kind.neutral.search(clause):
        return "none", states.neutral_reason
    if kind.eased and kind.eased.search(clause):
        turned: Direction = "down" if usual.direction == "up" else "up"
        return kind.eased_direction or turned, kind.eased_reason or states.eased_reason
    return usual.direction, usual.reason


def _place(
    kind: str, act: Span, target: Span, clause: Sentence, sentence: Sentence, language: Language
) -> Place | None:
    base = sentence.span.start
    text = sentence.text[:_MAX_SENTENCE]
    spans = (act, target, clause.span)
    own, done_to, around = (Span(span.start - base, span.end - base) for span in spans)
    return choose_place(text, kind, own, done_to, around, language)


def _actors(text: str, language: Language) -> tuple[str, ...]:
    found = [match.group() for match in language.actor_pattern.finditer(text[:_MAX_SENTENCE])]
    matches = language.place_pattern.finditer(text[:_MAX_SENTENCE])
    found += [language.places[" ".join(match.group().split())].name for match in matches]
    return tuple(dict.fromkeys(found))
