"""Scoring the extraction against labelled dispatches."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from eventstudy.articles.dispatches import Dispatch, EventLabel, Half, read_dispatches
from eventstudy.articles.extract import Extraction, extract
from eventstudy.articles.happenings import ArticleEvent
from eventstudy.articles.moments import DateExpression
from eventstudy.articles.text import Span


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


def score(half: Half, *, baseline: bool = False) -> tuple[Score, ...]:
    """Score one half of the labelled dispatches.

    Parameters
    ----------
    half : {"dev", "held-out"}
        The half on which the rules were written, or the one set aside.
    baseline : bool
        Score the dates of `dateparser.search.search_dates` as well, where it is installed.

    Returns
    -------
    tuple of Score
        Dates, events, their kinds, states and dates given that the event was found, merges of
        events across dispatches, price observations, and claims.
    """
    dispatches = read_dispatches(half)
    found = [extract(item.document, published=item.published) for item in dispatches]
    scores = [_dates(dispatches, found), *_events(dispatches, found)]
    scores += [_merges(dispatches, found), _prices(dispatches, found), _claims(dispatches, found)]
    if baseline:
        scores.insert(1, _baseline(dispatches))
    return tuple(scores)


def _dates(dispatches: Sequence[Dispatch], found: Sequence[Extraction]) -> Score:
    hits = false = missed = 0
    for dispatch, extraction in zip(dispatches, found, strict=True):
        used: set[Span] = set()
        for label in dispatch.dates:
            match = [
                item
                for item in extraction.dates
                if item.span.overlaps(label.span) and agrees(item, label.value)
            ]
            used.update(item.span for item in match[:1])
        hits += len(used)
        missed += len(dispatch.dates) - len(used)
        false += sum(item.span not in used for item in extraction.dates)
    return Score("dates", hits, false, missed)


def agrees(item: DateExpression, value: str) -> bool:
    """Whether an expression means the labelled value; a moment agrees with its own day."""
    if item.value == value:
        return True
    if item.moment is None:
        return False
    if "T" in value:
        return dt.datetime.fromisoformat(value) == item.moment
    return str(item.first) == value


def _events(dispatches: Sequence[Dispatch], found: Sequence[Extraction]) -> list[Score]:
    hits = false = missed = kinds = states = dates = 0
    for dispatch, extraction in zip(dispatches, found, strict=True):
        pairs = match_events(dispatch, extraction)
        hits += len(pairs)
        missed += len(dispatch.events) - len(pairs)
        false += sum(event.state != "denied" for event in extraction.events) - len(pairs)
        kinds += sum(event.kind == label.kind for label, event in pairs)
        states += sum(event.state == label.state for label, event in pairs)
        dates += sum(_same_date(event, label) for label, event in pairs)
    return [
        Score("events", hits, false, missed),
        Score("events: kind", kinds, hits - kinds, hits - kinds),
        Score("events: state", states, hits - states, hits - states),
        Score("events: date", dates, hits - dates, hits - dates),
    ]


def match_events(
    dispatch: Dispatch, extraction: Extraction
) -> list[tuple[EventLabel, ArticleEvent]]:
    """Pair labels with found events that tell of the same sentence, the same kind first."""
    free = [event for event in extraction.events if event.state != "denied"]
    pairs: list[tuple[EventLabel, ArticleEvent]] = []
    for strict in (True, False):
        for label in dispatch.events:
            if any(label is done for done, _ in pairs):
                continue
            match = next(
                (
                    event
                    for event in free
                    if any(span.overlaps(label.span) for span in event.spans)
                    and (event.kind == label.kind or not strict)
                ),
                None,
            )
            if match is not None:
                free.remove(match)
                pairs.append((label, match))
    return pairs


def _same_date(event: ArticleEvent, label: EventLabel) -> bool:
    if event.date == label.date:
        return True
    whole_month = event.first is not None and label.date == f"{event.first:%Y-%m}"
    return whole_month and event.first != event.last


def _merges(dispatches: Sequence[Dispatch], found: Sequence[Extraction]) -> Score:
    """Pairs of found events of different dispatches that are, and are said to be, one."""
    from eventstudy.articles.merge import same_event, telling

    told = [
        (label, telling(extraction, event), index)
        for index, (dispatch, extraction) in enumerate(zip(dispatches, found, strict=True))
        for label, event in match_events(dispatch, extraction)
    ]
    hits = false = missed = 0
    for i, (label, event, index) in enumerate(told):
        for other_label, other, other_index in told[i + 1 :]:
            if index == other_index:
                continue
            truth = bool(label.same) and label.same == other_label.same
            said = same_event(event, other)
            hits += truth and said
            false += said and not truth
            missed += truth and not said
    return Score("merges", hits, false, missed)


def _prices(dispatches: Sequence[Dispatch], found: Sequence[Extraction]) -> Score:
    hits = false = missed = 0
    for dispatch, extraction in zip(dispatches, found, strict=True):
        right = sum(
            any(
                item.span.overlaps(label.span)
                and item.instrument == label.instrument
                and item.level == label.level
                and item.change_pct == label.change_pct
                for item in extraction.prices
            )
            for label in dispatch.prices
        )
        hits += right
        missed += len(dispatch.prices) - right
        false += len(extraction.prices) - right
    return Score("price observations", hits, false, missed)


def _claims(dispatches: Sequence[Dispatch], found: Sequence[Extraction]) -> Score:
    hits = false = missed = 0
    for dispatch, extraction in zip(dispatches, found, strict=True):
        free = list(extraction.claims)
        for label in dispatch.claims:
            match = next(
                (
                    item
                    for item in free
                    if item.span.overlaps(label.span) and item.direction == label.direction
                ),
                None,
            )
            if match is None:
                missed += 1
            else:
                free.remove(match)
                hits += 1
        false += len(free)
    return Score("claims", hits, false, missed)


def _baseline(dispatches: Sequence[Dispatch]) -> Score:
    """Dates of a general finder, given the day of the first labelled date as its reference."""
    from dateparser.search import search_dates

    hits = false = missed = 0
    for dispatch in dispatches:
        settings = {"PREFER_DATES_FROM": "past"}
        base = next((label.value for label in dispatch.dates if label.value[:1].isdigit()), None)
        if base:
            settings["RELATIVE_BASE"] = dt.datetime.fromisoformat(base[:10])  # type: ignore[assignment] # the settings mix types
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = dispatch.document.text
            result = search_dates(text, languages=["en"], settings=settings) or []
        used, position = 0, 0
        for words, moment in result:
            start = text.find(words, position)
            position = max(position, start)
            span = Span(start, start + len(words))
            used += any(
                label.span.overlaps(span) and label.value[:10] == f"{moment:%Y-%m-%d}"
                for label in dispatch.dates
            )
        hits += used
        false += len(result) - used
        missed += len(dispatch.dates) - used
    return Score("dates: dateparser search_dates", hits, false, missed)
