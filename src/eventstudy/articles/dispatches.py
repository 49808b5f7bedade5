"""Labelled dispatches: the texts and answers against which the extraction is scored."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from eventstudy.articles.text import Document, Span

Half = Literal["dev", "held-out"]
_MARK = re.compile(r"\[\[(?P<text>.*?)=>(?P<value>[^\]]*)\]\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DateLabel:
    """A dated expression and what it means."""

    span: Span
    value: str


@dataclass(frozen=True, slots=True)
class EventLabel:
    """An event: where it is told, and what is true of it.

    `date` is a day, a range, a month or ``"bounded"``; `same` is the key that dispatches about
    one event share.
    """

    span: Span
    kind: str
    state: str
    date: str
    place: str
    same: str


@dataclass(frozen=True, slots=True)
class PriceLabel:
    """A price observation."""

    span: Span
    instrument: str
    level: float | None
    change_pct: float | None


@dataclass(frozen=True, slots=True)
class ClaimLabel:
    """A claim about the price, and its direction."""

    span: Span
    direction: str


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A labelled text."""

    name: str
    manner: str
    document: Document
    published: dt.datetime | None
    dates: tuple[DateLabel, ...]
    events: tuple[EventLabel, ...]
    prices: tuple[PriceLabel, ...]
    claims: tuple[ClaimLabel, ...]


def read_dispatches(half: Half) -> tuple[Dispatch, ...]:
    """Read ``"dev"``, or ``"held-out"``, which is looked at only for its score."""
    path = resources.files("eventstudy") / "data" / "dispatches" / half / "dispatches.txt"
    records = re.split(r"^@ ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return tuple(_dispatch(record) for record in records)


def _dispatch(record: str) -> Dispatch:
    head, _, rest = record.partition("\n")
    name, manner = (part.strip() for part in head.split("|"))
    lines = rest.strip("\n").split("\n")
    marked = "\n".join(line for line in lines if not line.startswith("#"))
    notes = [line[1:] for line in lines if line.startswith("#")]
    text, dates = _unmark(marked)
    digest = hashlib.sha256(text.encode()).hexdigest()
    published = next((note.split()[1] for note in notes if note.startswith("published")), None)
    return Dispatch(
        name=name,
        manner=manner,
        document=Document(f"{name}.txt", digest, text, "utf-8"),
        published=dt.datetime.fromisoformat(published) if published else None,
        dates=dates,
        events=tuple(EventLabel(_anchor(text, c[0]), *c[1:]) for c in _cells(notes, "E")),
        prices=tuple(
            PriceLabel(_anchor(text, c[0]), c[1], _number(c[2]), _number(c[3]))
            for c in _cells(notes, "P")
        ),
        claims=tuple(ClaimLabel(_anchor(text, c[0]), c[1]) for c in _cells(notes, "C")),
    )


def _cells(notes: list[str], letter: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in note[2:].split("|")]
        for note in notes
        if note.startswith(f"{letter} ")
    ]


def _unmark(marked: str) -> tuple[str, tuple[DateLabel, ...]]:
    text, labels, position = "", [], 0
    for match in _MARK.finditer(marked):
        text += marked[position : match.start()]
        start = len(text)
        text += match.group("text")
        labels.append(DateLabel(Span(start, len(text)), match.group("value")))
        position = match.end()
    return text + marked[position:], tuple(labels)


def _anchor(text: str, words: str) -> Span:
    start = text.index(words)
    return Span(start, start + len(words))


def _number(text: str) -> float | None:
    return float(text) if text else None
