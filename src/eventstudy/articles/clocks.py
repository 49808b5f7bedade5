"""Clock times with a place or zone, joined with the day they belong to."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from eventstudy.articles.language import Language, words
from eventstudy.articles.moments import DateExpression, Dateline
from eventstudy.articles.text import Span

_GAP = re.compile(r"[\s,]*(?:at|on)?\s*\Z")
_NEAR = 12  # characters that may stand between a clock time and its day


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day in a zone; `zone` is None where the text only says "local"."""

    span: Span
    time: dt.time
    zone: str | None


def find_clocks(text: str, dateline: Dateline, language: Language) -> tuple[Clock, ...]:
    """Find the clock times of a text that say whose clock it is."""
    zones = language.tables["zones"]
    pattern = re.compile(
        r"(?<![\d.,:$-])(?:[Aa]t\s+)?(?P<hour>\d{1,2})(?:[:.]?(?P<minute>\d\d))?"
        r"(?:\s*(?P<half>[ap])\.?m\.?)?\s+"
        rf"(?P<zone>local|{words(zones)})(?:\s+time\b|(?<=GMT|UTC|EST|EDT|CET|BST)\b)"
    )
    return tuple(
        clock for match in pattern.finditer(text) if (clock := _clock(match, dateline, zones))
    )


def _clock(match: re.Match[str], dateline: Dateline, zones: dict[str, str]) -> Clock | None:
    hour, minute = int(match.group("hour")), int(match.group("minute") or 0)
    if match.group("half"):
        hour = hour % 12 + (12 if match.group("half") == "p" else 0)
    elif match.group("minute") is None:
        return None
    name = " ".join(match.group("zone").split())
    zone = dateline.zone if name == "local" else zones.get(name)
    try:
        return Clock(Span(*match.span()), dt.time(hour, minute), zone)
    except ValueError:
        return None


def join(
    text: str,
    found: Sequence[DateExpression],
    clocks: Sequence[Clock],
    dateline: Dateline,
) -> tuple[DateExpression, ...]:
    """Give each clock time its day: the one beside it, else that of the dateline."""
    joined = list(found)
    for clock in clocks:
        index = next((i for i, item in enumerate(joined) if _beside(text, item, clock)), None)
        if index is not None:
            joined[index] = _merge(text, joined[index], clock)
        elif dateline.day is not None and not any(
            item.span.overlaps(clock.span) for item in joined
        ):
            joined.append(_alone(text, clock, dateline))
    return tuple(sorted(joined, key=lambda item: item.span.start))


def _beside(text: str, item: DateExpression, clock: Clock) -> bool:
    if item.precision != "day" or item.first is None:
        return False
    first, second = sorted((item.span, clock.span), key=lambda span: span.start)
    between = text[first.end : second.start]
    return len(between) <= _NEAR and _GAP.match(between) is not None


def _merge(text: str, item: DateExpression, clock: Clock) -> DateExpression:
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
    )


def _alone(text: str, clock: Clock, dateline: Dateline) -> DateExpression:
    moment = _moment(dateline.day, clock)
    return DateExpression(
        text=text[clock.span.start : clock.span.end],
        span=clock.span,
        first=dateline.day,
        last=dateline.day,
        moment=moment,
        precision="exact" if moment else "day",
        zone=clock.zone,
        rule="clock on the day of the dateline",
    )


def _moment(day: dt.date | None, clock: Clock) -> dt.datetime | None:
    if day is None or clock.zone is None:
        return None
    return dt.datetime.combine(day, clock.time, ZoneInfo(clock.zone))
