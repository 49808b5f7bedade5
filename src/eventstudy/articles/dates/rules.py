"""The rules of the finder of dates: patterns of a language, and how each match is resolved.

What cannot be resolved keeps its words and stays open; nothing is guessed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from eventstudy.articles.language import DateRuleWords, Language, Pattern, Unit
from eventstudy.articles.text import Span
from eventstudy.errors import TableError, did_you_mean

DatePrecision = Literal["exact", "day", "range", "month", "open"]
Days = tuple[dt.date, dt.date]

_REACH = 90  # characters of a sentence in which a verb still decides the tense of a weekday
_DAYS: Final[Mapping[Unit, int]] = {"day": 1, "week": 7, "month": 30}
_RECENT = 3  # days after which a quotation is no longer about the day last reported


@dataclass(frozen=True, slots=True)
class MatchContext:
    """What a rule may look at when it resolves a match.

    Parameters
    ----------
    text : str
        The document.
    start, end : int
        Where the match stands.
    sentence : Span
        The sentence around it.
    quoted : bool
        It stands in quotation marks: its days are those of the speaker.
    published : date or None
        Day of the dateline.
    reported : date or None
        The last day up to the dateline that the text named before.
    language : Language
        Tables.
    """

    text: str
    start: int
    end: int
    sentence: Span
    quoted: bool
    published: dt.date | None
    reported: dt.date | None
    language: Language

    def before(self) -> str:
        """Return the words before, within the sentence."""
        return self.text[max(self.sentence.start, self.start - _REACH) : self.start]

    def after(self) -> str:
        """Return the words after, within the sentence."""
        return self.text[self.end : min(self.sentence.end, self.end + _REACH)]

    def future(self) -> bool:
        """Whether the verb nearest before speaks of the future; the one after where none is."""
        dates = self.language.words.dates
        before, after = self.before(), self.after()
        ahead, back = _last(dates.future, before), _last(dates.past, before)
        if max(ahead, back) >= 0:
            return ahead > back
        ahead, back = _first(dates.future, after), _first(dates.past, after)
        return ahead < back


def _last(pattern: Pattern, text: str) -> int:
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def _first(pattern: Pattern, text: str) -> int:
    match = pattern.search(text)
    return match.start() if match else len(text) + 1


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a rule makes of an expression: first and last day, or what is known of it."""

    days: Days | None
    precision: DatePrecision
    partial: str | None = None
    moment: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A named pattern, how it is resolved, and days that are added."""

    name: str
    pattern: Pattern
    resolver: Callable[[re.Match[str], MatchContext, int], Resolution]
    days: int

    def resolve(self, match: re.Match[str], context: MatchContext) -> Resolution:
        """Resolve a match of the pattern; a day the calendar does not have stays open."""
        try:
            return self.resolver(match, context, self.days)
        except (ValueError, OverflowError):
            return Resolution(None, "open", "not a date")


@cache
def rules_of(language: Language) -> tuple[Rule, ...]:
    """Return the rules of a language, in the order that decides between equal matches."""
    return tuple(_rule(words, language) for words in (*_EVERYWHERE, *language.words.dates.rules))


def _rule(words: DateRuleWords, language: Language) -> Rule:
    if words.resolve not in _RESOLVERS:
        msg = f"dates.rules: no way to resolve {words.resolve!r}; "
        raise TableError(
            msg + did_you_mean(words.resolve, _RESOLVERS), path=f"{language.name}.toml"
        )
    pattern = language.compiled(rf"(?<![\w-]){words.pattern}(?!\w)")
    return Rule(words.name, pattern, _RESOLVERS[words.resolve], words.days)


def _one(day: dt.date | None, partial: str | None = None) -> Resolution:
    return Resolution((day, day), "day") if day else Resolution(None, "open", partial)


def _iso_moment(match: re.Match[str], _: MatchContext, __: int) -> Resolution:
    """Read an ISO 8601 moment; without an offset it is only a day."""
    text = re.sub(r"\s(?=[+-Z])", "", match.group("iso").replace("T", " ", 1).replace(" ", "T", 1))
    moment = dt.datetime.fromisoformat(text)
    day = moment.date()
    if moment.tzinfo is None:
        return _one(day)
    return Resolution((day, day), "exact", None, moment)


def _iso_day(match: re.Match[str], _: MatchContext, __: int) -> Resolution:
    return _one(dt.date.fromisoformat(match.group("iso")))


def _day_and_month(match: re.Match[str], context: MatchContext, _: int) -> Resolution:
    """Read a day and a month, with the year nearest before or after where none is stated."""
    month, number = _month_number(match, context), int(match.group("day"))
    if match.group("year"):
        return _one(dt.date(int(match.group("year")), month, number))
    return _one(_nearest(month, number, context), f"--{month:02d}-{number:02d}")


def _day_range(match: re.Match[str], context: MatchContext, _: int) -> Resolution:
    """Read two days of one month."""
    month = _month_number(match, context)
    first, last = int(match.group("day")), int(match.group("day2"))
    begin = (
        _date(int(match.group("year")), month, first)
        if match.group("year")
        else _nearest(month, first, context)
    )
    end = begin and _date(begin.year, month, last)
    if begin is None or end is None or end < begin:
        return Resolution(None, "open", f"--{month:02d}-{first:02d}..{last:02d}")
    return Resolution((begin, end), "range")


def _month(match: re.Match[str], context: MatchContext, _: int) -> Resolution:
    """Read a month as a whole; words named `ahead` or `behind` in the pattern decide the year."""
    month, stated = _month_number(match, context), match.groupdict()
    if stated.get("year"):
        return _whole_month(int(stated["year"]), month)
    if context.published is None:
        return Resolution(None, "open", f"--{month:02d}")
    year = context.published.year
    if stated.get("behind"):
        # "last November" is over, whatever the verb near it looks to.
        latest = context.published.month - (_which(stated["behind"], context) < 0)
        return _whole_month(year - (month > latest), month)
    decided = context.language.words.dates.month_ahead.search(context.before())
    future = context.future() or bool(stated.get("ahead")) or decided is not None
    if month < context.published.month and future:
        year += 1
    elif month > context.published.month and not future:
        year -= 1
    return _whole_month(year, month)


def _weekday(match: re.Match[str], context: MatchContext, _: int) -> Resolution:
    """Take the latest weekday up to the dateline, or the next one where the verb looks ahead."""
    if context.published is None:
        return Resolution(None, "open")
    weekdays = context.language.words.dates.words.weekdays
    back = (context.published.weekday() - _number(weekdays, match.group("weekday"))) % 7
    which = _which(match.groupdict().get("which"), context)
    if which < 0:
        return _one(context.published - dt.timedelta(back or 7))
    if which > 0:
        return _one(context.published + dt.timedelta(7 - back))
    if back == 0 or not context.future():
        return _one(context.published - dt.timedelta(back))
    return _one(context.published + dt.timedelta(7 - back))


def _same_day(_: re.Match[str], context: MatchContext, __: int) -> Resolution:
    """In a quotation the day is the speaker's: the day last reported, if it is a recent one."""
    reported, published = context.reported, context.published
    if (
        context.quoted
        and reported
        and (published is None or (published - reported).days <= _RECENT)
    ):
        return _one(reported)
    return _one(published)


def _from_published(_: re.Match[str], context: MatchContext, days: int) -> Resolution:
    """Count days from the dateline, in a quotation from the day last reported."""
    base = _speaker_day(context)
    return _one(base and base + dt.timedelta(days))


def _from_reported(_: re.Match[str], context: MatchContext, days: int) -> Resolution:
    """Count days from the day last reported."""
    base = context.reported or context.published
    return _one(base and base + dt.timedelta(days))


def _counted(match: re.Match[str], context: MatchContext, _: int) -> Resolution:
    """Count days, weeks or months from the day last reported, "ago" from the dateline."""
    words = context.language.words.dates.words
    way = match.group("way").casefold()
    published = context.published
    base = published if way in words.published else context.reported or published
    if base is None:
        return Resolution(None, "open")
    count = _count(match, context) * _number(words.ways, way)
    unit = words.units[match.group("unit").casefold()]
    if unit == "month":
        return _month_after(base, count)
    return _one(base + dt.timedelta(count * _DAYS[unit]))


def _within(match: re.Match[str], context: MatchContext, _: int) -> Resolution:
    """Read a term that starts with the dateline."""
    return _stretch(match, context, 1)


def _span(match: re.Match[str], context: MatchContext, _: int) -> Resolution:
    """Read the days, weeks or months up to the dateline, or from it on."""
    return _stretch(match, context, _which(match.group("which"), context))


def _stretch(match: re.Match[str], context: MatchContext, way: int) -> Resolution:
    if context.published is None:
        return Resolution(None, "open")
    words = context.language.words.dates.words
    unit = words.units[match.group("unit").casefold()]
    other = context.published + dt.timedelta(way * _count(match, context) * _DAYS[unit])
    first, last = sorted((context.published, other))
    return Resolution((first, last), "range")


def _weekend(_: re.Match[str], context: MatchContext, __: int) -> Resolution:
    """Take the last weekend, or the next one where the verb looks ahead."""
    if context.published is None:
        return Resolution(None, "open")
    saturday = context.published - dt.timedelta((context.published.weekday() - 5) % 7)
    if context.future():
        saturday += dt.timedelta(7)
    return Resolution((saturday, saturday + dt.timedelta(1)), "range")


def _week(match: re.Match[str], context: MatchContext, _: int) -> Resolution:
    """Take the week before, of or after the dateline, Monday to Sunday."""
    if context.published is None:
        return Resolution(None, "open")
    shift = 7 * _which(match.groupdict().get("which"), context)
    monday = context.published - dt.timedelta(context.published.weekday() - shift)
    return Resolution((monday, monday + dt.timedelta(6)), "range")


def _month_by_distance(match: re.Match[str], context: MatchContext, _: int) -> Resolution:
    """Take the month before, of or after the dateline."""
    base = _speaker_day(context)
    if base is None:
        return Resolution(None, "open")
    return _month_after(base, _which(match.group("which"), context))


_RESOLVERS: Final[Mapping[str, Callable[[re.Match[str], MatchContext, int], Resolution]]] = {
    "iso moment": _iso_moment,
    "iso day": _iso_day,
    "day and month": _day_and_month,
    "day range": _day_range,
    "month": _month,
    "weekday": _weekday,
    "same day": _same_day,
    "published": _from_published,
    "reported": _from_reported,
    "counted": _counted,
    "within": _within,
    "span": _span,
    "weekend": _weekend,
    "week": _week,
    "month by distance": _month_by_distance,
}

_EVERYWHERE: Final = (
    DateRuleWords(
        "iso moment",
        "iso moment",
        r"(?P<iso>\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?:\s?(?:Z|[+-]\d\d:?\d\d))?)",
    ),
    DateRuleWords("iso day", "iso day", r"(?P<iso>\d{4}-\d\d-\d\d)"),
)
"""Rules that every language has."""


def _speaker_day(context: MatchContext) -> dt.date | None:
    return context.reported if context.quoted and context.reported else context.published


def _which(word: str | None, context: MatchContext) -> int:
    """Return -1, 0 or 1 for last, this or next; 0 where there is no such word."""
    names = context.language.words.dates.words.which
    return next((names[name] for name in names if word and name in word.casefold().split()), 0)


def _number(numbers: Mapping[str, int], word: str) -> int:
    """Look a word up, whether or not it begins a sentence."""
    return next(value for name, value in numbers.items() if name.casefold() == word.casefold())


def _count(match: re.Match[str], context: MatchContext) -> int:
    text = match.group("count")
    numbers = context.language.words.dates.words.numbers
    return int(text) if text.isdigit() else _number(numbers, text)


def _month_number(match: re.Match[str], context: MatchContext) -> int:
    return context.language.words.dates.words.months[match.group("month")]


def _month_after(base: dt.date, count: int) -> Resolution:
    index = base.year * 12 + base.month - 1 + count
    return _whole_month(index // 12, index % 12 + 1)


def _whole_month(year: int, month: int) -> Resolution:
    first = dt.date(year, month, 1)
    last = dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(1)
    return Resolution((first, last), "month")


def _nearest(month: int, number: int, context: MatchContext) -> dt.date | None:
    """Take the year nearest before the dateline, or after it where the verb looks ahead."""
    if context.published is None:
        return None
    years = (context.published.year - 1, context.published.year, context.published.year + 1)
    days = [day for year in years if (day := _date(year, month, number))]
    if context.future():
        return min((day for day in days if day >= context.published), default=None)
    return max((day for day in days if day <= context.published), default=None)


def _date(year: int, month: int, number: int) -> dt.date | None:
    try:
        return dt.date(year, month, number)
    except ValueError:
        return None
