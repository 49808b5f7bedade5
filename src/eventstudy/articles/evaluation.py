"""Scoring the extraction on a labelled corpus: texts with the answers beside them."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eventstudy.articles.dates import DateExpression
from eventstudy.articles.extract import Extraction, extract
from eventstudy.articles.gather import ExtractedEvent
from eventstudy.articles.merge import account_of, same_event
from eventstudy.articles.text import Document, Span
from eventstudy.errors import TableError

_MARK = re.compile(r"\[\[(?P<text>.*?)=>(?P<value>[^\]]*)\]\]", re.DOTALL)
_RECORD = re.compile(r"^@ ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DateLabel:
    """A dated expression and what it means."""

    span: Span
    value: str


@dataclass(frozen=True, slots=True)
class EventLabel:
    """An event: the words that report it, and what is true of it.

    `date` is a day, a range, a month or ``"bounded"``; `same` is the key that texts about one
    event share.
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
class MoveLabel:
    """A change of a price in US dollars a barrel."""

    span: Span
    instrument: str
    change: float | None


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text with its answers."""

    name: str
    manner: str
    document: Document
    published: dt.datetime | None
    dates: tuple[DateLabel, ...]
    events: tuple[EventLabel, ...]
    prices: tuple[PriceLabel, ...]
    claims: tuple[ClaimLabel, ...]
    moves: tuple[MoveLabel, ...] = ()
    denials: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """Hits, false alarms and misses of one task.

    Parameters
    ----------
    task : str
        What was scored.
    hits, false, missed : int
        Counts.
    """

    task: str
    hits: int
    false: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of what was found that is right; 1 where nothing was found."""
        found = self.hits + self.false
        return self.hits / found if found else 1.0

    @property
    def recall(self) -> float:
        """Share of what is there that was found; 1 where nothing is there."""
        there = self.hits + self.missed
        return self.hits / there if there else 1.0


def read_corpus(folder: str | Path) -> tuple[LabelledText, ...]:
    """Read the labelled texts of a folder.

    Parameters
    ----------
    folder : str or Path
        Holds ``.txt`` files in UTF-8. A text begins with a line ``@ name | manner``. In it,
        ``[[words=>value]]`` labels a dated expression with its ISO 8601 value. Lines that begin
        with ``#`` are not part of it and state ``#published 2026-01-07T10:18:14+08:00``,
        ``#E words | kind | state | date | place | same``, ``#P words | instrument | level |
        change``, ``#M words | instrument | dollars``, ``#C words | direction`` and ``#D words``,
        which is denied, where the words stand in the text.

    Raises
    ------
    TableError
        When there is no such file, or a label does not fit its text: file, text and remedy.
    """
    place = Path(folder)
    files = sorted(place.glob("*.txt")) if place.is_dir() else []
    if not files:
        msg = "holds no labelled texts; name a folder of .txt files, see docs/articles.md"
        raise TableError(msg, path=str(folder))
    return tuple(text for path in files for text in _texts(path))


def evaluate(
    corpus: Sequence[LabelledText],
    *,
    lang: str = "en",
    also: Callable[[Extraction], Extraction] | None = None,
) -> tuple[Score, ...]:
    """Score the extraction on labelled texts.

    Parameters
    ----------
    corpus : sequence of LabelledText
        See `read_corpus`.
    lang : str
        Language tables.
    also : callable, optional
        A second reader, which adds to an extraction.

    Returns
    -------
    tuple of Score
        Dates; events of the confident tier, and their kinds, states, dates and places given that
        the event was found; events of both tiers, the candidates counted with them; merges of
        events across texts; price observations; price moves; claims; denials that were taken for
        events.
    """
    found = [extract(item.document, published=item.published, lang=lang) for item in corpus]
    found = [also(item) for item in found] if also else found
    pairs = [match_events(item, result) for item, result in zip(corpus, found, strict=True)]
    return (
        _dates(corpus, found),
        *_events(corpus, found, pairs),
        _both_tiers(corpus, found),
        _merges(found, pairs),
        _prices(corpus, found),
        _moves(corpus, found),
        _claims(corpus, found),
        _denials(corpus, found),
    )


def agrees(item: DateExpression, value: str) -> bool:
    """Whether an expression means the labelled value; a moment agrees with its own day."""
    if item.value == value:
        return True
    if item.moment is None:
        return False
    if "T" in value:
        return dt.datetime.fromisoformat(value) == item.moment
    return str(item.first) == value


def match_events(
    text: LabelledText, extraction: Extraction
) -> list[tuple[EventLabel, ExtractedEvent]]:
    """Pair labels with found events that report the same words, the same kind first."""
    free = [event for event in extraction.events if event.state != "denied"]
    pairs: list[tuple[EventLabel, ExtractedEvent]] = []
    for strict in (True, False):
        for label in text.events:
            if any(label is done for done, _ in pairs):
                continue
            fitting = (
                event
                for event in free
                if any(span.overlaps(label.span) for span in event.spans)
                and (event.kind == label.kind or not strict)
            )
            match = next(fitting, None)
            if match is not None:
                free.remove(match)
                pairs.append((label, match))
    return pairs


def _dates(corpus: Sequence[LabelledText], found: Sequence[Extraction]) -> Score:
    hits = false = missed = 0
    for text, extraction in zip(corpus, found, strict=True):
        used: set[Span] = set()
        for label in text.dates:
            match = [
                item
                for item in extraction.dates
                if item.span.overlaps(label.span) and agrees(item, label.value)
            ]
            used.update(item.span for item in match[:1])
        hits += len(used)
        missed += len(text.dates) - len(used)
        false += sum(item.span not in used for item in extraction.dates)
    return Score("dates", hits, false, missed)


def _events(
    corpus: Sequence[LabelledText],
    found: Sequence[Extraction],
    pairs: Sequence[list[tuple[EventLabel, ExtractedEvent]]],
) -> list[Score]:
    matched = [pair for of_text in pairs for pair in of_text]
    hits = len(matched)
    proposed = sum(event.state != "denied" for item in found for event in item.events)
    labelled = sum(len(text.events) for text in corpus)

    def share(task: str, is_right: Callable[[EventLabel, ExtractedEvent], bool]) -> Score:
        right = sum(is_right(label, event) for label, event in matched)
        return Score(f"events: {task}", right, hits - right, hits - right)

    return [
        Score("events", hits, proposed - hits, labelled - hits),
        share("kind", lambda label, event: event.kind == label.kind),
        share("state", lambda label, event: event.state == label.state),
        share("date", _same_date),
        _places(matched),
    ]


def _both_tiers(corpus: Sequence[LabelledText], found: Sequence[Extraction]) -> Score:
    """Events that either tier finds; what neither a label nor a reviewer wants is false."""
    hits = proposed = labelled = 0
    for text, extraction in zip(corpus, found, strict=True):
        both = replace(extraction, events=(*extraction.events, *extraction.candidates))
        hits += len(match_events(text, both))
        proposed += sum(event.state != "denied" for event in both.events)
        labelled += len(text.events)
    return Score("events: both tiers", hits, proposed - hits, labelled - hits)


def _same_date(label: EventLabel, event: ExtractedEvent) -> bool:
    if event.date == label.date:
        return True
    whole_month = event.first is not None and label.date == f"{event.first:%Y-%m}"
    return whole_month and event.first != event.last


def _places(matched: Iterable[tuple[EventLabel, ExtractedEvent]]) -> Score:
    """Places of the events that were found; an event may be reported without one."""
    hits = false = missed = 0
    for label, event in matched:
        named = event.place.name if event.place else ""
        right = bool(named) and named == label.place
        hits += right
        false += bool(named) and not right
        missed += bool(label.place) and not right
    return Score("events: place", hits, false, missed)


def _merges(
    found: Sequence[Extraction], pairs: Sequence[list[tuple[EventLabel, ExtractedEvent]]]
) -> Score:
    """Pairs of found events of different texts that are, and are said to be, one."""
    accounts = [
        (label, account_of(extraction, event), index)
        for index, (extraction, of_text) in enumerate(zip(found, pairs, strict=True))
        for label, event in of_text
    ]
    hits = false = missed = 0
    for i, (label, account, index) in enumerate(accounts):
        for other_label, other, other_index in accounts[i + 1 :]:
            if index == other_index:
                continue
            truth = bool(label.same) and label.same == other_label.same
            merged = same_event(account, other)
            hits += truth and merged
            false += merged and not truth
            missed += truth and not merged
    return Score("merges", hits, false, missed)


def _prices(corpus: Sequence[LabelledText], found: Sequence[Extraction]) -> Score:
    hits = false = missed = 0
    for text, extraction in zip(corpus, found, strict=True):
        right = sum(
            any(
                item.span.overlaps(label.span)
                and item.instrument == label.instrument
                and item.level == label.level
                and item.change_pct == label.change_pct
                for item in extraction.prices
            )
            for label in text.prices
        )
        hits += right
        missed += len(text.prices) - right
        # A change in dollars alone is scored as a move.
        stated = [(item.level, item.change_pct) for item in extraction.prices]
        false += sum(item != (None, None) for item in stated) - right
    return Score("price observations", hits, false, missed)


def _moves(corpus: Sequence[LabelledText], found: Sequence[Extraction]) -> Score:
    hits = false = missed = 0
    for text, extraction in zip(corpus, found, strict=True):
        if not text.moves:
            continue  # written before moves were labelled
        free = [item for item in extraction.prices if item.change is not None]
        for label in text.moves:
            fitting = (
                item
                for item in free
                if item.span.overlaps(label.span)
                and item.instrument == label.instrument
                and item.change == label.change
            )
            match = next(fitting, None)
            if match is None:
                missed += 1
            else:
                free.remove(match)
                hits += 1
        false += len(free)
    return Score("price moves in dollars", hits, false, missed)


def _denials(corpus: Sequence[LabelledText], found: Sequence[Extraction]) -> Score:
    """Denials that are left alone are hits; one that is proposed as an event is false."""
    proposed = kept = 0
    for text, extraction in zip(corpus, found, strict=True):
        reported = [event for event in extraction.events if event.state == "reported"]
        for label in text.denials:
            wrong = any(span.overlaps(label) for event in reported for span in event.spans)
            proposed += wrong
            kept += not wrong
    return Score("denials left alone", kept, proposed, proposed)


def _claims(corpus: Sequence[LabelledText], found: Sequence[Extraction]) -> Score:
    hits = false = missed = 0
    for text, extraction in zip(corpus, found, strict=True):
        free = list(extraction.claims)
        for label in text.claims:
            fitting = (
                item
                for item in free
                if item.span.overlaps(label.span) and item.direction == label.direction
            )
            match = next(fitting, None)
            if match is None:
                missed += 1
            else:
                free.remove(match)
                hits += 1
        false += len(free)
    return Score("claims", hits, false, missed)


def _texts(path: Path) -> list[LabelledText]:
    try:
        content = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot be read as UTF-8 text ({error})"
        raise TableError(msg, path=str(path)) from error
    texts = []
    for record in _RECORD.split(content)[1:]:
        head = record.partition("\n")[0].strip()
        try:
            texts.append(_text(record))
        except (ValueError, IndexError, TypeError) as error:
            msg = f"text {head!r}: {error}; see docs/articles.md for the form of labels"
            raise TableError(msg, path=str(path)) from error
    return texts


def _text(record: str) -> LabelledText:
    head, _, rest = record.partition("\n")
    name, manner = (part.strip() for part in head.split("|"))
    lines = rest.strip("\n").split("\n")
    notes = [line[1:] for line in lines if line.startswith("#")]
    text, dates = _unmark("\n".join(line for line in lines if not line.startswith("#")))
    digest = hashlib.sha256(text.encode()).hexdigest()
    published = next((note.split()[1] for note in notes if note.startswith("published")), None)
    return LabelledText(
        name=name,
        manner=manner,
        document=Document(f"{name}.txt", digest, text, "utf-8"),
        published=dt.datetime.fromisoformat(published) if published else None,
        dates=dates,
        events=tuple(EventLabel(_place(text, c[0]), *c[1:]) for c in _cells(notes, "E", 6)),
        prices=tuple(
            PriceLabel(_place(text, c[0]), c[1], _number(c[2]), _number(c[3]))
            for c in _cells(notes, "P", 4)
        ),
        claims=tuple(ClaimLabel(_place(text, c[0]), c[1]) for c in _cells(notes, "C", 2)),
        moves=tuple(
            MoveLabel(_place(text, c[0]), c[1], _number(c[2])) for c in _cells(notes, "M", 3)
        ),
        denials=tuple(_place(text, c[0]) for c in _cells(notes, "D", 1)),
    )


def _cells(notes: Sequence[str], letter: str, count: int) -> list[list[str]]:
    rows = [
        [cell.strip() for cell in note[2:].split("|")]
        for note in notes
        if note.startswith(f"{letter} ")
    ]
    for row in rows:
        if len(row) != count:
            msg = f"a label #{letter} has {count} cells, not {len(row)}: {' | '.join(row)}"
            raise ValueError(msg)
    return rows


def _unmark(marked: str) -> tuple[str, tuple[DateLabel, ...]]:
    text, labels, position = "", [], 0
    for match in _MARK.finditer(marked):
        text += marked[position : match.start()]
        start = len(text)
        text += match.group("text")
        labels.append(DateLabel(Span(start, len(text)), match.group("value")))
        position = match.end()
    return text + marked[position:], tuple(labels)


def _place(text: str, words: str) -> Span:
    start = text.find(words)
    if start < 0:
        msg = f"the words {words!r} of a label are not in it"
        raise ValueError(msg)
    return Span(start, start + len(words))


def _number(text: str) -> float | None:
    return float(text) if text else None
