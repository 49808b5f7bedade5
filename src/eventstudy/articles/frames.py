"""Frames: an act and what it is done to, in any order and voice, make a kind of event."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, cast

from eventstudy.articles.language import Direction, Language
from eventstudy.articles.lexicon import Hit, Lexicon, Token
from eventstudy.errors import TableError, did_you_mean

Role = Literal["at", "object", "target", "agent"]

COUNTRY, SITE = "country", "site"
"""Classes of objects that the places of a sentence belong to."""

ANY = "any"
"""Stands for any class of objects but prices."""

_PRICE = "price"
_IDLE = "idle"
_TRANSPARENT = frozenset({"oil", COUNTRY, SITE})
_FAR = 14  # tokens between an act and what it is done to
_NEAR = 2  # tokens between the two that cost nothing
_PER_TOKEN = 0.12
_BESIDE = 2  # tokens between an act and a price that rises or falls
_BETWEEN = 0.5  # what another object between the two costs
_BOUNDARY = 1.0  # what the end of a clause between the two costs
_OF_PRICES = 1.5  # what a price beside the act costs: prices rise and fall, too


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event: what it usually does to the price, and where it is.

    Parameters
    ----------
    name : str
        As a desk names it.
    direction, reason : str
        Usual direction of the oil price and why.
    roles : tuple of str
        Roles of the places of a sentence, the best first.
    inherits : bool
        A sentence without a place speaks of that of the sentences before it.
    convenes : bool
        A city that acts is where people met, and not its government.
    """

    name: str
    direction: Direction
    reason: str
    roles: tuple[Role, ...]
    inherits: bool
    convenes: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """Classes of acts and objects that make an event of a kind.

    Parameters
    ----------
    kind : str
        Name of the kind.
    acts, objects, needs : tuple of str
        Classes; without `objects` an act alone is enough, and one of `needs` has to be in the
        sentence besides.
    weight : float
        How sure the pair is: 3 hardly means anything else.
    direction, reason : str
        Of the oil price.
    """

    kind: str
    acts: tuple[str, ...]
    objects: tuple[str, ...]
    needs: tuple[str, ...]
    weight: float
    direction: Direction
    reason: str


@dataclass(frozen=True, slots=True)
class FrameMatch:
    """A frame found in a sentence.

    Parameters
    ----------
    frame : Frame
        Which.
    act : Hit
        The words of the act.
    target : Hit or None
        What it is done to.
    distance, between, boundary, of_price : int
        See `Evidence`.
    """

    frame: Frame
    act: Hit
    target: Hit | None
    distance: int = 0
    between: int = 0
    boundary: int = 0
    of_price: int = 0

    @property
    def rank(self) -> float:
        """Weight less what distance costs, by which matches of one act are compared."""
        return (
            self.frame.weight
            - _PER_TOKEN * self.distance
            - _BETWEEN * self.between
            - _BOUNDARY * self.boundary
            - _OF_PRICES * self.of_price
        )


@dataclass(frozen=True, slots=True)
class Frames:
    """All kinds and frames, and the frames by act and object."""

    kinds: Mapping[str, Kind]
    by_pair: Mapping[tuple[str, str], tuple[Frame, ...]]
    by_act: Mapping[str, tuple[Frame, ...]]


@cache
def frames() -> Frames:
    """Load the kinds and frames.

    Raises
    ------
    TableError
        When a frame names a kind that is not declared.

    Examples
    --------
    >>> frames().kinds["sanctions"].direction
    'up'
    """
    text = (resources.files("eventstudy") / "data" / "frames.toml").read_text("utf-8")
    return parse_frames(text)


def parse_frames(text: str) -> Frames:
    """Read the text of the file of frames, see `frames`."""
    content = tomllib.loads(text)
    kinds = {
        name: Kind(name=name, roles=tuple(table.pop("place")), **table)
        for name, table in content["kinds"].items()
    }
    by_pair: dict[tuple[str, str], tuple[Frame, ...]] = {}
    by_act: dict[str, tuple[Frame, ...]] = {}
    for table in content["frames"]:
        frame = _frame(table, kinds)
        for act in frame.acts:
            for item in frame.objects:
                by_pair[act, item] = (*by_pair.get((act, item), ()), frame)
            if not frame.objects:
                by_act[act] = (*by_act.get(act, ()), frame)
    return Frames(kinds, by_pair, by_act)


def _frame(table: Mapping[str, object], kinds: Mapping[str, Kind]) -> Frame:
    name = str(table["kind"])
    if name not in kinds:
        msg = f"no kind {name!r} for a frame; {did_you_mean(name, kinds)}"
        raise TableError(msg, path="frames.toml")
    kind = kinds[name]

    def names(key: str) -> tuple[str, ...]:
        return tuple(str(item) for item in cast("Sequence[object]", table.get(key, ())))

    return Frame(
        kind=name,
        acts=names("acts"),
        objects=names("objects"),
        needs=names("needs"),
        weight=float(cast("float", table["weight"])),
        direction=cast("Direction", table.get("direction", kind.direction)),
        reason=str(table.get("reason", kind.reason)),
    )


@cache
def lexicons(language: Language) -> tuple[Lexicon, Lexicon]:
    """Return the finders of acts and of objects of a language.

    Raises
    ------
    TableError
        When the language has a class that no frame uses.
    """
    words = language.words
    found = frames()
    known = {act for act, _ in found.by_pair} | set(found.by_act)
    for name in words.acts:
        if name not in known:
            msg = f"[acts] has a class {name!r} that no frame uses; {did_you_mean(name, known)}"
            raise TableError(msg, path=f"{language.name}.toml")
    stemmer = words.sentences.stemmer
    idle = {_IDLE: words.idle.phrases}
    return Lexicon({**words.acts, **idle}, stemmer), Lexicon({**words.objects, **idle}, stemmer)


def match_frames(
    tokens: Sequence[Token],
    places: Sequence[Hit],
    boundaries: Sequence[int],
    language: Language,
) -> tuple[FrameMatch, ...]:
    """Find the frames of a sentence: the best for each act.

    Parameters
    ----------
    tokens : sequence of Token
        The sentence.
    places : sequence of Hit
        Its places, of class `COUNTRY` or `SITE`.
    boundaries : sequence of int
        Tokens at which a clause begins.
    language : Language
        Tables.
    """
    acts, objects = (lexicon.find(tokens) for lexicon in lexicons(language))
    acts = tuple(hit for hit in acts if hit.name != _IDLE)
    things = [hit for hit in (*objects, *places) if hit.name != _IDLE]
    present = {hit.name for hit in things}
    best: dict[tuple[int, int], FrameMatch] = {}
    for act in acts:
        for match in _of_act(act, things, boundaries):
            if match.frame.needs and not present.intersection(match.frame.needs):
                continue
            key = (act.first, act.last)
            if key not in best or match.rank > best[key].rank:
                best[key] = match
    return tuple(best[key] for key in sorted(best))


def _of_act(act: Hit, things: Sequence[Hit], boundaries: Sequence[int]) -> Iterable[FrameMatch]:
    table = frames()
    for frame in table.by_act.get(act.name, ()):
        yield FrameMatch(frame, act, None)
    for thing in things:
        if thing.name == _PRICE:
            continue
        pairs = (
            *table.by_pair.get((act.name, thing.name), ()),
            *table.by_pair.get((act.name, ANY), ()),
        )
        if not pairs or act.overlaps(thing) or act.gap(thing) > _FAR:
            continue
        counts = _between(act, thing, things, boundaries)
        for frame in pairs:
            yield FrameMatch(frame, act, thing, *counts)


def _between(
    act: Hit, thing: Hit, things: Sequence[Hit], boundaries: Sequence[int]
) -> tuple[int, int, int, int]:
    """Count what lies between an act and its object, see `FrameMatch`."""
    low, high = min(act.last, thing.last), max(act.first, thing.first)
    others = {
        item.first
        for item in things
        if low <= item.first and item.last <= high and item.name not in _TRANSPARENT
    }
    beside = thing.name != "selling price" and any(
        item.name == _PRICE and item.gap(act) <= _BESIDE for item in things
    )
    return (
        max(0, act.gap(thing) - _NEAR),
        len(others),
        int(any(low <= start <= high for start in boundaries)),
        int(beside),
    )
