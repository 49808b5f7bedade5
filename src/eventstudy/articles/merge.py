"""Merging events of several articles: kind, place and day, then similarity; conflicts are kept."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from eventstudy.articles.extract import Extraction
from eventstudy.articles.happenings import ArticleEvent
from eventstudy.articles.similarity import alike
from eventstudy.articles.text import Document

# An event told with two neighbouring days is still one: reports round, and zones differ.
_NEAR = dt.timedelta(1)
_DESK = re.compile(r"\A[\s,:]*(?:\([^()\n]{1,40}\))?\s*[-\u2013\u2014]+\s")
_FUSABLE = (
    frozenset({"military strike", "energy attack", "war outbreak"}),
    frozenset({"sanctions", "embargo or price cap"}),
)


@dataclass(frozen=True, slots=True)
class Telling:
    """One article's account of an event.

    Parameters
    ----------
    document : Document
        The article.
    event : ArticleEvent
        What it tells.
    starts : int
        Where its words begin: the end of the dateline.
    """

    document: Document
    event: ArticleEvent
    starts: int = 0

    @property
    def text(self) -> str:
        """The sentences that tell of the event, without the dateline before them."""
        pieces = (
            self.document.text[max(span.start, self.starts) : span.end] for span in self.event.spans
        )
        return "\n".join(_DESK.sub("", piece).strip() for piece in pieces)


@dataclass(frozen=True, slots=True)
class MergedEvent:
    """An event with every account of it.

    Parameters
    ----------
    tellings : tuple of Telling
        The first that states a day leads; the others follow in the order of the articles.
    """

    tellings: tuple[Telling, ...]

    @property
    def lead(self) -> ArticleEvent:
        """The account whose fields stand for the event."""
        return self.tellings[0].event

    @property
    def other_dates(self) -> tuple[dt.date, ...]:
        """Days that other accounts give: a conflict that is kept."""
        days = dict.fromkeys(item.event.first for item in self.tellings[1:] if item.event.first)
        return tuple(day for day in days if day != self.lead.first)

    @property
    def conflict(self) -> str:
        """What the accounts disagree on, with the article of each; empty where they agree."""
        if not self.other_dates:
            return ""
        parts = [f"{item.event.date} in {item.document.name}" for item in self.tellings]
        return f"dates differ: {', '.join(parts)}"


def merge(extractions: Sequence[Extraction]) -> tuple[MergedEvent, ...]:
    """Gather the events of several articles, so that each stands once.

    Parameters
    ----------
    extractions : sequence of Extraction
        In the order of the articles. Denied events are left out.

    Returns
    -------
    tuple of MergedEvent
        Events of one article are never merged with each other here.
    """
    groups: list[list[Telling]] = []
    for extraction in extractions:
        tellings = [
            telling(extraction, event) for event in extraction.events if event.state != "denied"
        ]
        homes = [_home(told, groups) for told in tellings]
        for told, home in zip(tellings, homes, strict=True):
            if home is None:
                groups.append([told])
            else:
                home.append(told)
    return tuple(MergedEvent(_ordered(group)) for group in groups)


def telling(extraction: Extraction, event: ArticleEvent) -> Telling:
    """Return an event of an extraction with the words that tell of it."""
    span = extraction.dateline.span
    return Telling(extraction.document, event, span.end if span else 0)


def _home(told: Telling, groups: list[list[Telling]]) -> list[Telling] | None:
    return next(
        (group for group in groups if any(same_event(item, told) for item in group)),
        None,
    )


def _ordered(group: list[Telling]) -> tuple[Telling, ...]:
    """Put an account that states the day itself before one that infers or lacks it."""
    return tuple(sorted(group, key=lambda item: item.event.first is None))


def same_event(one: Telling, other: Telling) -> bool:
    """Whether two articles tell of one event.

    Kind, place and day block the comparison; a day apart is allowed and becomes a conflict of
    dates. Undated events are one only with kind and place equal and the same state. Inside a
    block the words decide, and what the event does to the price: see `similarity.alike`.

    Parameters
    ----------
    one, other : Telling
        Of different articles.
    """
    if not _same_block(one.event, other.event):
        return False
    # Where no day holds them together, the words have to.
    return alike(one.text, other.text, strict=one.event.first is None)


def _same_block(one: ArticleEvent, other: ArticleEvent) -> bool:
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
