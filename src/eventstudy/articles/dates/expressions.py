"""Finding dated expressions: each is found by a named rule and resolved against the dateline."""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from zoneinfo import ZoneInfo

from eventstudy.articles.dates.datelines import Dateline, zone_named
from eventstudy.articles.dates.rules import (
    DatePrecision,
    MatchContext,
    Resolution,
    Rule,
    rules_of,
)
from eventstudy.articles.language import Language, Pattern
from eventstudy.articles.text import Span

MAX_EXPRESSIONS = 5_000

_AROUND = 3  # expressions before and after a clock time that may be its day
_NEAR = 12  # characters that may stand between a clock time and its day


@dataclass(frozen=True, slots=True)
class DateExpression:
    """A dated expression of a text.

    Parameters
    ----------
    text : str
        The words.
    span : Span
        Where they stand.
    first, last : date or None
        First and last local day it means; None while open.
    moment : datetime or None
        The moment, where a clock time with a zone is stated.
    precision : {"exact", "day", "range", "month", "open"}
        What is known.
    zone : str or None
        IANA zone of the day, where the text says it.
    rule : str
        Name of the rule that resolved it; for people.
    partial : str or None
        What is known of an open date, such as ``"--11-03"``.
    is_dateline : bool
        It is the dateline itself, which dates the text and no event in it.
    """

    text: str
    span: Span
    first: dt.date | None
    last: dt.date | None
    moment: dt.datetime | None
    precision: DatePrecision
    zone: str | None
    rule: str
    partial: str | None = None
    is_dateline: bool = False

    @property
    def value(self) -> str:
        """ISO 8601 text of what is known."""
        if self.moment is not None:
            return self.moment.isoformat(timespec="minutes")
        if self.first is None or self.last is None:
            return self.partial or "open"
        if self.precision == "month":
            return f"{self.first:%Y-%m}"
        return str(self.first) if self.first == self.last else f"{self.first}..{self.last}"


class DateIndex:
    """Dated expressions of a text, looked up by where they stand.

    Parameters
    ----------
    dates : sequence of DateExpression
        Ordered, without overlaps, as `find_dates` returns them.
    """

    __slots__ = ("_dates", "_ends")

    def __init__(self, dates: Sequence[DateExpression]) -> None:
        self._dates = dates
        self._ends = [item.span.end for item in dates]

    def within(self, span: Span) -> Iterator[DateExpression]:
        """Return the expressions that share a character with `span`, in their order."""
        for index in range(bisect_right(self._ends, span.start), len(self._dates)):
            if self._dates[index].span.start >= span.end:
                return
            yield self._dates[index]


def find_dates(
    text: str,
    sentences: Sequence[Span],
    quotations: Sequence[Span],
    dateline: Dateline,
    language: Language,
) -> tuple[DateExpression, ...]:
    """Find and resolve the dated expressions of a text.

    Parameters
    ----------
    text : str
        The document.
    sentences, quotations : sequence of Span
        Ordered.
    dateline : Dateline
        Weekdays and days without a year are resolved against it.
    language : Language
        Tables.

    Returns
    -------
    tuple of DateExpression
        In order, without overlaps; at most `MAX_EXPRESSIONS`.
    """
    starts = [span.start for span in sentences]
    inside = [span.start for span in quotations]
    found: list[DateExpression] = []
    reported: dt.date | None = None
    for rule, match in _matches(text, rules_of(language))[:MAX_EXPRESSIONS]:
        sentence = sentences[max(0, bisect_right(starts, match.start()) - 1)]
        index = bisect_right(inside, match.start()) - 1
        quoted = index >= 0 and match.start() < quotations[index].end
        context = MatchContext(
            text, *match.span(), sentence, quoted, dateline.day, reported, language
        )
        item = _expression(match, rule, rule.resolve(match, context), dateline)
        is_dateline = dateline.span is not None and dateline.span.overlaps(item.span)
        if is_dateline and dateline.day is not None and item.precision != "range":
            item = _at_dateline(item, dateline)
        elif item.precision in {"day", "exact"} and not quoted and _is_past(item, dateline):
            reported = item.first
        found.append(item)
    return _with_clocks(text, found, dateline, language)[:MAX_EXPRESSIONS]


def _matches(text: str, rules: Sequence[Rule]) -> list[tuple[Rule, re.Match[str]]]:
    """List the matches of all rules, the longest where several start within each other."""
    matches = [
        (match.start(), -match.end(), order, rule, match)
        for order, rule in enumerate(rules)
        for match in rule.pattern.finditer(text)
    ]
    matches.sort(key=lambda item: item[:3])
    kept: list[tuple[Rule, re.Match[str]]] = []
    for _, _, _, rule, match in matches:
        if kept and match.start() < kept[-1][1].end():
            if len(match.group()) > len(kept[-1][1].group()):
                kept[-1] = (rule, match)
            continue
        kept.append((rule, match))
    return kept


def _expression(
    match: re.Match[str], rule: Rule, result: Resolution, dateline: Dateline
) -> DateExpression:
    first, last = result.days or (None, None)
    return DateExpression(
        text=match.group(),
        span=Span(*match.span()),
        first=first,
        last=last,
        moment=result.moment,
        precision=result.precision,
        zone=dateline.zone,
        rule=rule.name,
        partial=result.partial,
    )


def _at_dateline(item: DateExpression, dateline: Dateline) -> DateExpression:
    moment = dateline.moment if dateline.moment and dateline.moment.tzinfo else item.moment
    return replace(
        item,
        first=dateline.day,
        last=dateline.day,
        moment=moment,
        precision="exact" if moment else "day",
        rule="dateline",
        is_dateline=True,
    )


def _is_past(item: DateExpression, dateline: Dateline) -> bool:
    return item.first is not None and (dateline.day is None or item.first <= dateline.day)


@dataclass(frozen=True, slots=True)
class _Clock:
    """A time of day in a zone; `zone` is None where the text only says "local"."""

    span: Span
    time: dt.time
    zone: str | None


def _with_clocks(
    text: str, found: Sequence[DateExpression], dateline: Dateline, language: Language
) -> tuple[DateExpression, ...]:
    """Give each clock time its day: the one beside it, else that of the dateline."""
    gap = language.words.clocks.gap
    joined = list(found)
    alone: list[DateExpression] = []
    starts = [item.span.start for item in found]
    for clock in _clocks(text, dateline, language):
        index = bisect_right(starts, clock.span.start)
        near = range(max(0, index - _AROUND), min(len(joined), index + _AROUND))
        day = next((i for i in near if _beside(text, joined[i], clock, gap)), None)
        if day is not None:
            joined[day] = _merged(text, joined[day], clock)
        elif dateline.day is not None and not any(
            joined[i].span.overlaps(clock.span) for i in near
        ):
            alone.append(_on_dateline(text, clock, dateline.day))
    return tuple(sorted((*joined, *alone), key=lambda item: item.span.start))


@cache
def _clock_pattern(language: Language) -> Pattern:
    return language.compiled(language.words.clocks.time)


def _clocks(text: str, dateline: Dateline, language: Language) -> list[_Clock]:
    """Find the clock times of a text that say whose clock it is."""
    clocks = (
        _clock(match, dateline, language) for match in _clock_pattern(language).finditer(text)
    )
    return [clock for clock in clocks if clock is not None]


def _clock(match: re.Match[str], dateline: Dateline, language: Language) -> _Clock | None:
    hour, minute = int(match.group("hour")), int(match.group("minute") or 0)
    if match.group("am") or match.group("pm"):
        hour = hour % 12 + (12 if match.group("pm") else 0)
    elif match.group("minute") is None:
        return None
    zone = dateline.zone if match.group("local") else zone_named(match.group("zone"), language)
    try:
        return _Clock(Span(*match.span()), dt.time(hour, minute), zone)
    except ValueError:
        return None


def _beside(text: str, item: DateExpression, clock: _Clock, gap: Pattern) -> bool:
    if item.precision != "day" or item.first is None:
        return False
    first, second = sorted((item.span, clock.span), key=lambda span: span.start)
    between = text[first.end : second.start]
    return len(between) <= _NEAR and gap.match(between) is not None


def _merged(text: str, item: DateExpression, clock: _Clock) -> DateExpression:
    """Join a day with its clock time; beside the dateline, the text states it once more."""
    start = min(item.span.start, clock.span.start)
    end = max(item.span.end, clock.span.end)
    moment = _moment(item.first, clock)
    return replace(
        item,
        text=text[start:end],
        span=Span(start, end),
        moment=moment,
        zone=clock.zone,
        precision="exact" if moment else "day",
        rule=f"{item.rule}, clock",
        is_dateline=False,
    )


def _on_dateline(text: str, clock: _Clock, day: dt.date) -> DateExpression:
    moment = _moment(day, clock)
    return DateExpression(
        text=text[clock.span.start : clock.span.end],
        span=clock.span,
        first=day,
        last=day,
        moment=moment,
        precision="exact" if moment else "day",
        zone=clock.zone,
        rule="clock on the day of the dateline",
    )


def _moment(day: dt.date | None, clock: _Clock) -> dt.datetime | None:
    if day is None or clock.zone is None:
        return None
    return dt.datetime.combine(day, clock.time, ZoneInfo(clock.zone))
