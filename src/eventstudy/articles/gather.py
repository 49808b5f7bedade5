"""Extracted events of one article: mentions, dated and gathered so that each stands once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from eventstudy.articles.dates import DateExpression, DateIndex, Dateline
from eventstudy.articles.evidence import Evidence
from eventstudy.articles.language import Direction, Place
from eventstudy.articles.mentions import ATTACKS, DECISIONS, MEETING, Mention, State
from eventstudy.articles.text import Span, printable

Tier = Literal["confident", "candidate"]

CONFIDENT, CANDIDATE = 0.1, -1.5
"""Scores from which on a mention is a confident event, or a candidate."""

_ACCOUNT = 1_500  # characters over which an account of attacks keeps the day it opened with
_LEAD = 1_500  # characters from the head in which the lead event takes the first day reported


@dataclass(frozen=True, slots=True)
class ExtractedEvent:
    """An event an article speaks of.

    Parameters
    ----------
    kind, state : str
        Kind of the vocabulary; reported, planned, conditional or denied.
    first, last : date or None
        Local days; None for an event that is only bounded.
    time : datetime or None
        Where a clock time is stated.
    not_after : datetime or None
        Bound of an undated event: it was published by then.
    date_rule : str
        How the date was found, or why there is none.
    place : Place or None
        With its zone.
    actors : tuple of str
        Who is named.
    direction, reason : str
        Expected direction of the oil price and why.
    spans : tuple of Span
        The sentences that speak of it.
    tier : {"confident", "candidate"}
        Whether it is likely to stand as it is, or worth a look only.
    score : float
        By which candidates are ranked.
    reader : str
        Model of a second reader that found it, too, or alone.
    """

    kind: str
    state: State
    first: dt.date | None
    last: dt.date | None
    time: dt.datetime | None
    not_after: dt.datetime | None
    date_rule: str
    place: Place | None
    actors: tuple[str, ...]
    direction: Direction
    reason: str
    spans: tuple[Span, ...]
    tier: Tier = "confident"
    score: float = 0.0
    reader: str = ""

    @property
    def title(self) -> str:
        """Kind and place; a reviewer words it."""
        return f"{self.kind}, {self.place.name}" if self.place else self.kind

    @property
    def zone(self) -> str | None:
        """Zone of its place."""
        return self.place.zone if self.place else None

    @property
    def date(self) -> str:
        """Day, range, or ``"bounded"``."""
        if self.first is None or self.last is None:
            return "bounded"
        return str(self.first) if self.first == self.last else f"{self.first}..{self.last}"


def to_events(
    mentions: Sequence[Mention],
    dates: Sequence[DateExpression],
    dateline: Dateline,
) -> tuple[tuple[ExtractedEvent, ...], tuple[ExtractedEvent, ...]]:
    """Date the mentions of an article and gather those that are one event.

    Parameters
    ----------
    mentions : sequence of Mention
        In the order of the text.
    dates : sequence of DateExpression
        Ordered.
    dateline : Dateline
        Of the article.

    Returns
    -------
    events, candidates : tuple of ExtractedEvent
        Confident ones in the order of the text; the others by their score.
    """
    index = DateIndex(dates)
    dated = [_dated(mention, index, dateline) for mention in mentions]
    sure = [event for event in dated if event.score >= CONFIDENT]
    rest = [event for event in dated if CANDIDATE <= event.score < CONFIDENT]
    gathered = _Gathered()
    for event in _date_lead(_carry_account(sure), dates, dateline):
        gathered.add(event, _same)
    count = len(gathered.events)
    for event in sorted(rest, key=lambda item: -item.score):
        if event.state != "denied":
            gathered.add(replace(event, tier="candidate"), _is_repeated)
    return tuple(gathered.events[:count]), tuple(gathered.events[count:])


class _Gathered:
    """Events, each once, looked up by kind and day: one day agrees with itself or with a range."""

    def __init__(self) -> None:
        self.events: list[ExtractedEvent] = []
        self._of_kind: dict[str, list[int]] = {}
        self._of_day: dict[tuple[str, dt.date | None], list[int]] = {}

    def add(
        self,
        event: ExtractedEvent,
        same: Callable[[ExtractedEvent, ExtractedEvent], bool],
    ) -> None:
        """Join an event to the first that it repeats, or put it behind them all."""
        index = next((i for i in self._near(event) if same(self.events[i], event)), None)
        if index is None:
            index = len(self.events)
            self.events.append(event)
            self._of_kind.setdefault(event.kind, []).append(index)
        else:
            self.events[index] = _join(self.events[index], event)
        known = self._of_day.setdefault((event.kind, _one_day(self.events[index])), [])
        if index not in known[-1:]:
            known.append(index)

    def _near(self, event: ExtractedEvent) -> Sequence[int]:
        day = _one_day(event)
        if day is None:
            return self._of_kind.get(event.kind, ())
        days = (self._of_day.get((event.kind, one), ()) for one in (day, None))
        return sorted({index for indexes in days for index in indexes})


def _one_day(event: ExtractedEvent) -> dt.date | None:
    return event.first if event.first == event.last else None


def _is_repeated(one: ExtractedEvent, other: ExtractedEvent) -> bool:
    """Whether a candidate only repeats what is gathered already."""
    if one.kind != other.kind or not _days_agree(one, other):
        return False
    if one.place is None or other.place is None:
        return one.first == other.first
    return one.place == other.place


def _dated(mention: Mention, dates: DateIndex, dateline: Dateline) -> ExtractedEvent:
    expression = _expression_for(mention, dates, dateline)
    statement = (
        mention.kind in DECISIONS
        and mention.state == "reported"
        and dateline.day is not None
        and dateline.moment is None
        and dateline.form == "own line"
    )
    first = last = None
    moment = None
    rule = "no date in its sentence; bounded by publication"
    if expression is not None:
        first, last, moment = expression.first, expression.last, expression.moment
        rule = f"{expression.rule}: {printable(expression.text)}"
    elif statement:
        first = last = dateline.day
        rule = "the statement is the event: day of the dateline"
    return ExtractedEvent(
        kind=mention.kind,
        state=mention.state,
        first=first,
        last=last,
        time=moment,
        not_after=None if first else dateline.bound,
        date_rule=rule,
        place=mention.place,
        actors=mention.actors,
        direction=mention.direction,
        reason=mention.reason,
        spans=(mention.sentence,),
        score=_timely(mention, expression, dateline).score,
    )


_RECENT = dt.timedelta(60)


def _timely(mention: Mention, expression: DateExpression | None, dateline: Dateline) -> Evidence:
    """Weigh the day of a mention: recent days are news, those long past are background."""
    if expression is None or expression.last is None:
        return mention.evidence
    old = dateline.day is not None and dateline.day - expression.last > _RECENT
    return replace(mention.evidence, old=float(old), dated=float(not old))


def _expression_for(
    mention: Mention, dates: DateIndex, dateline: Dateline
) -> DateExpression | None:
    """Choose the nearest expression whose tense fits the state, in its own clause first."""
    fitting = [
        item
        for item in dates.within(mention.clause if mention.own_dates else mention.sentence)
        if item.first is not None and not item.is_dateline and _fits(item, mention, dateline)
    ]
    trigger = mention.trigger

    def distance(item: DateExpression) -> tuple[int, int]:
        inside = item.span.overlaps(mention.clause)
        gap = max(item.span.start - trigger.end, trigger.start - item.span.end, 0)
        return (0 if inside else 1, gap)

    return min(fitting, key=distance, default=None)


def _fits(item: DateExpression, mention: Mention, dateline: Dateline) -> bool:
    if dateline.day is None or item.first is None:
        return True
    if mention.state == "reported":
        return item.first <= dateline.day
    return item.last is not None and item.last >= dateline.day


def _carry_account(events: Sequence[ExtractedEvent]) -> list[ExtractedEvent]:
    """Attacks reported one by one keep the day of the sentence that opened the account."""
    carried: list[ExtractedEvent] = []
    opened: int | None = None
    followed: set[int] = set()
    for index, event in enumerate(events):
        current = event
        if event.kind in ATTACKS and event.state == "reported":
            if event.first is not None:
                opened = index
            elif opened is not None and _follows(events[opened], event):
                head = events[opened]
                current = replace(
                    event,
                    place=event.place or head.place,
                    first=head.first,
                    last=head.last,
                    not_after=None,
                    date_rule=f"day of the account it belongs to ({head.date_rule})",
                    spans=(*head.spans, *event.spans),
                )
                if head.place is None or head.place.is_country:
                    followed.add(opened)
        carried.append(current)
    return [event for index, event in enumerate(carried) if index not in followed]


def _follows(head: ExtractedEvent, event: ExtractedEvent) -> bool:
    """Whether an event belongs to the account that `head` opened, and to no other country's."""
    if event.place is not None and event.place.is_country and event.place != head.place:
        return False
    return 0 < event.spans[0].start - head.spans[0].start <= _ACCOUNT


def _date_lead(
    events: Sequence[ExtractedEvent], dates: Sequence[DateExpression], dateline: Dateline
) -> list[ExtractedEvent]:
    """Date the meeting an article opens with by the first past day reported after it."""
    if not events or dateline.span is None or dateline.day is None:
        return list(events)
    lead, head = events[0], events[0].spans[0]
    if lead.kind != MEETING or lead.state != "reported":
        return list(events)
    if any(event.first is not None for event in events if event.spans[0].start < _LEAD):
        return list(events)
    days = (
        item
        for item in dates
        if item.precision == "day"
        and not item.is_dateline
        and item.first is not None
        and item.first <= dateline.day
        and head.end <= item.span.start < head.start + _LEAD
    )
    first = next(days, None)
    if lead.first is not None or first is None:
        return list(events)
    rule = f"first day reported after the lead ({first.rule}: {printable(first.text)})"
    dated = replace(lead, first=first.first, last=first.last, not_after=None, date_rule=rule)
    return [dated, *events[1:]]


def _same(one: ExtractedEvent, other: ExtractedEvent) -> bool:
    if one.kind != other.kind:
        return False
    if one.state != other.state:
        # A possible delivery, spoken of again, is the delivery reported before.
        again = one.state == "reported" and other.state == "conditional"
        return again and other.first is None and one.place == other.place
    return _days_agree(one, other) and _places_agree(one, other)


def _places_agree(one: ExtractedEvent, other: ExtractedEvent) -> bool:
    """Whether two accounts of a kind, whose days agree, are one by their places.

    A pause of one company is not the halt of another, however near they stand in the text: an
    account without a day belongs to one with a day only at the same place. Meetings are the
    exception: an article speaks of one.
    """
    if one.place is not None and one.place == other.place:
        return True
    if one.kind == MEETING:
        return one.first is None or other.first is None or one.first == other.first
    if one.place is not None and other.place is not None:
        return False
    dated = one.first is not None and other.first is not None
    return dated or (one.first is other.first and one.place is other.place)


def _days_agree(one: ExtractedEvent, other: ExtractedEvent) -> bool:
    """Whether two accounts in one article can mean the same day: a range holds its days."""
    if not (one.first and one.last and other.first and other.last):
        return True
    if one.date == other.date:
        return True
    ranged = one.first != one.last or other.first != other.last
    inside = one.first <= other.first and other.last <= one.last
    around = other.first <= one.first and one.last <= other.last
    return ranged and (inside or around)


def _length(event: ExtractedEvent) -> int:
    """Days an event may have been on; an undated one is longest."""
    return (event.last - event.first).days if event.first and event.last else 10_000


def _join(one: ExtractedEvent, other: ExtractedEvent) -> ExtractedEvent:
    dated = other if _length(other) < _length(one) else one
    return replace(
        dated,
        place=one.place or other.place,
        actors=tuple(dict.fromkeys((*one.actors, *other.actors))),
        direction=one.direction,
        reason=one.reason,
        spans=tuple(dict.fromkeys((*one.spans, *other.spans))),
        tier=one.tier,
        reader=one.reader or other.reader,
        score=max(one.score, other.score),
    )
