"""Events of one article: mentions, dated and gathered so that each event stands once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from eventstudy.articles.language import Place
from eventstudy.articles.mentions import Mention, State
from eventstudy.articles.moments import DateExpression, Dateline
from eventstudy.articles.text import Span, printable

_STRIKES = frozenset({"military strike", "energy attack"})
_MEETING = "peace talks"
_STATEMENTS = frozenset(
    {"producer decision", "sanctions", "embargo or price cap", "supply offer or release"}
)
_ACCOUNT = 1_500  # characters over which an account of attacks keeps the day it opened with
_LEAD = 1_500  # characters from the head in which the lead event takes the first day told


@dataclass(frozen=True, slots=True)
class ArticleEvent:
    """An event an article speaks of.

    Parameters
    ----------
    title : str
        Kind and place; a reviewer words it.
    kind, state : str
        Kind of the vocabulary; reported, planned, conditional or denied.
    first, last : date or None
        Local days; None for an event that is only bounded.
    moment : datetime or None
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
    """

    title: str
    kind: str
    state: State
    first: dt.date | None
    last: dt.date | None
    moment: dt.datetime | None
    not_after: dt.datetime | None
    date_rule: str
    place: Place | None
    actors: tuple[str, ...]
    direction: str
    reason: str
    spans: tuple[Span, ...]

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
) -> tuple[ArticleEvent, ...]:
    """Date the mentions of an article and gather those that are one event."""
    told = [_dated(mention, dates, dateline) for mention in mentions]
    told = _carry_account(told)
    told = _date_lead(told, dates, dateline)
    gathered: list[ArticleEvent] = []
    for event in told:
        index = next((i for i, other in enumerate(gathered) if _same(other, event)), None)
        if index is None:
            gathered.append(event)
        else:
            gathered[index] = _join(gathered[index], event)
    return tuple(gathered)


def _dated(mention: Mention, dates: Sequence[DateExpression], dateline: Dateline) -> ArticleEvent:
    expression = _expression_for(mention, dates, dateline)
    statement = (
        mention.kind in _STATEMENTS
        and mention.state == "reported"
        and dateline.day is not None
        and dateline.moment is None
        and dateline.how.startswith("line of its own")
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
    return ArticleEvent(
        title=f"{mention.kind}, {mention.place.name}" if mention.place else mention.kind,
        kind=mention.kind,
        state=mention.state,
        first=first,
        last=last,
        moment=moment,
        not_after=None if first else dateline.bound,
        date_rule=rule,
        place=mention.place,
        actors=mention.actors,
        direction=mention.direction,
        reason=mention.reason,
        spans=(mention.sentence,),
    )


def _expression_for(
    mention: Mention, dates: Sequence[DateExpression], dateline: Dateline
) -> DateExpression | None:
    """Choose the nearest expression whose tense fits the state, in its own clause first."""
    fitting = [
        item
        for item in dates
        if item.span.overlaps(mention.clause if mention.own_dates else mention.sentence)
        and item.first is not None
        and item.rule != "dateline"
        and _fits(item, mention, dateline)
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


def _carry_account(told: Sequence[ArticleEvent]) -> list[ArticleEvent]:
    """Attacks told one by one keep the day of the sentence that opened the account."""
    carried: list[ArticleEvent] = []
    opened: int | None = None
    followed: set[int] = set()
    for index, event in enumerate(told):
        current = event
        if event.kind in _STRIKES and event.state == "reported":
            if event.first is not None:
                opened = index
            elif opened is not None and _follows(told[opened], event):
                head = told[opened]
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


def _follows(head: ArticleEvent, event: ArticleEvent) -> bool:
    """Whether an event is told in the account that `head` opened, and no other country's."""
    if event.place is not None and event.place.is_country and event.place != head.place:
        return False
    return 0 < event.spans[0].start - head.spans[0].start <= _ACCOUNT


def _date_lead(
    told: Sequence[ArticleEvent], dates: Sequence[DateExpression], dateline: Dateline
) -> list[ArticleEvent]:
    """Date the meeting an article opens with by the first past day told after it."""
    if not told or told[0].first is not None or told[0].state != "reported":
        return list(told)
    lead = told[0]
    if lead.kind != _MEETING:
        return list(told)
    if any(event.first is not None for event in told if event.spans[0].start < _LEAD):
        return list(told)
    first = next(
        (
            item
            for item in dates
            if item.precision == "day"
            and item.rule != "dateline"
            and item.first is not None
            and dateline.day is not None
            and item.first <= dateline.day
            and lead.spans[0].end <= item.span.start < lead.spans[0].start + _LEAD
        ),
        None,
    )
    if first is None or dateline.span is None:
        return list(told)
    rule = f"first day told after the lead ({first.rule}: {printable(first.text)})"
    dated = replace(lead, first=first.first, last=first.last, not_after=None, date_rule=rule)
    return [dated, *told[1:]]


def _same(one: ArticleEvent, other: ArticleEvent) -> bool:
    if one.kind != other.kind:
        return False
    if one.state != other.state:
        # A possible delivery, spoken of again, is the delivery told before.
        again = one.state == "reported" and other.state == "conditional"
        return again and other.first is None and one.place == other.place
    if not _days_agree(one, other):
        return False
    if one.kind in _STRIKES:
        return one.place == other.place
    return (
        one.place is None
        or other.place is None
        or one.place == other.place
        or (one.first is None or other.first is None or one.first == other.first)
    )


def _days_agree(one: ArticleEvent, other: ArticleEvent) -> bool:
    """Whether two tellings of one article can mean the same day: a range holds its days."""
    if not (one.first and one.last and other.first and other.last):
        return True
    if one.date == other.date:
        return True
    ranged = one.first != one.last or other.first != other.last
    inside = one.first <= other.first and other.last <= one.last
    around = other.first <= one.first and one.last <= other.last
    return ranged and (inside or around)


def _length(event: ArticleEvent) -> int:
    """Days an event may have been on; an undated one is longest."""
    return (event.last - event.first).days if event.first and event.last else 10_000


def _join(one: ArticleEvent, other: ArticleEvent) -> ArticleEvent:
    dated = other if _length(other) < _length(one) else one
    return replace(
        dated,
        place=one.place or other.place,
        title=one.title if one.place else other.title,
        actors=tuple(dict.fromkeys((*one.actors, *other.actors))),
        direction=one.direction,
        reason=one.reason,
        spans=tuple(dict.fromkeys((*one.spans, *other.spans))),
    )
