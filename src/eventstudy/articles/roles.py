"""Where an event happened: the places of a sentence by the part they play in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eventstudy.articles.frames import COUNTRY, SITE, Role, frames
from eventstudy.articles.language import Language, Place
from eventstudy.articles.lexicon import Hit, Token
from eventstudy.articles.text import Span

_LEAD = 40  # characters before a place in which a preposition ties it
_BESIDE = 24  # characters between a place and what it belongs to: "an oil depot in Lipetsk"
_REACH = 50  # characters beside an act in which something is done to a place
_BEFORE = 250  # characters before a sentence whose place may be its own
_NAMED = frozenset({"site", "water", "country"})
_FAR = 160  # characters between an act and a place that can still be its own
_PER_ROLE, _PER_CHARACTER, _OTHER_CLAUSE = 2.0, 0.02, 1.0
_LEVELS = {"site": 0.0, "water": 0.2, "country": 1.5, "seat": 2.0, "nationality": 2.0, "body": 2.5}


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place where a text names it.

    Parameters
    ----------
    place : Place
        Which, as it is named.
    span : Span
        Characters of the sentence.
    """

    place: Place
    span: Span


def places_in(text: str, language: Language) -> tuple[NamedPlace, ...]:
    """Find the places of a sentence; the owner of the next one is none (Russia's Kostroma)."""
    found = []
    for match in language.body_pattern.finditer(text):
        owner = language.words.places.owner.match(text, match.end())
        if owner and language.body_pattern.match(text, owner.end()):
            continue
        name = " ".join(match.group().split())
        found.append(NamedPlace(language.places[name], Span(*match.span())))
    return tuple(found)


def as_hits(places: Sequence[NamedPlace], tokens: Sequence[Token]) -> tuple[Hit, ...]:
    """Return places as hits among the tokens of their sentence."""
    hits = []
    for item in places:
        inside = [
            index
            for index, token in enumerate(tokens)
            if item.span.start <= token.start < item.span.end
        ]
        if inside:
            name = COUNTRY if item.place.is_country else SITE
            hits.append(Hit(name, inside[0], inside[-1] + 1))
    return tuple(hits)


def choose_place(
    text: str, kind: str, act: Span, target: Span, clause: Span, language: Language
) -> Place | None:
    """Choose the place of an event among those its sentence names.

    Parameters
    ----------
    text : str
        The sentence.
    kind : str
        Its kind says which roles count most: an attack is where it struck, sanctions are on whom
        they hit, a decision is of whoever took it.
    act, target, clause : Span
        Characters of the sentence: the words of the act, of what it was done to, and its clause.
    language : Language
        Tables.

    Returns
    -------
    Place or None
        The one whose role comes first for the kind, then a site rather than a country, a country
        rather than a nationality, and the nearest.
    """
    declared = frames().kinds[kind]
    order = declared.roles
    best: tuple[float, Place] | None = None
    for item in places_in(text, language):
        gap = min(_gap(item.span, act), _gap(item.span, target))
        if gap > _FAR:
            continue
        role = role_of(item, text, act, target, language)
        rank = order.index(role) if role in order else len(order)
        level: str = item.place.level
        if language.words.places.people.match(text, item.span.end):
            level = "nationality"
        place = item.place
        if role == "agent" and place.capital_of and not declared.convenes:
            # Capitals decide, warn and agree in the name of their countries.
            place, level = language.places[place.capital_of], "seat"
        cost = _PER_ROLE * rank + _LEVELS[level] + _PER_CHARACTER * gap
        cost += 0.0 if item.span.overlaps(clause) else _OTHER_CLAUSE
        if best is None or cost < best[0]:
            best = (cost, place)
    return best[1] if best else None


def role_of(
    item: NamedPlace, text: str, act: Span, target: Span, language: Language
) -> Role | None:
    """Return the part that a place plays beside an act; None for one that stands far after it."""
    words = language.words.places
    lead = text[max(0, item.span.start - _LEAD) : item.span.start]
    is_of_people = item.place.is_country and words.people.match(text, item.span.end)
    if is_of_people or words.agent.search(lead):
        return "agent"
    if words.locative.search(lead):
        return "at"
    is_before = target != act and 0 <= target.start - item.span.end <= _BESIDE // 2
    is_after = 0 <= item.span.start - target.end <= _BESIDE and words.target.search(lead)
    if item.span.overlaps(target) or is_before or is_after:
        return "object"
    is_passive = words.passive.match(text, act.end) is not None
    if (item.span.start > act.start) == is_passive:
        return "agent"
    return "target" if _gap(item.span, act) <= _REACH else None


def place_before(text: str, start: int, dateline_end: int, language: Language) -> Place | None:
    """Choose the place that the text before a sentence speaks of.

    Parameters
    ----------
    text : str
        The document.
    start : int
        Where the sentence begins.
    dateline_end : int
        What stands before it is no account of anything.
    language : Language
        Tables.

    Returns
    -------
    Place or None
        Of the places within the paragraph before, the last that is no nationality.
    """
    first = max(dateline_end, start - _BEFORE)
    found = [item.place for item in places_in(text[first:start], language)]
    sites = [place for place in found if place.level in _NAMED]
    return (sites or found)[-1] if found else None


def _gap(one: Span, other: Span) -> int:
    return max(one.start - other.end, other.start - one.end, 0)
