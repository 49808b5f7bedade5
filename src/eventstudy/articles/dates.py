"""Finding dated expressions: each is found by a named rule and resolved against the dateline.

What a rule cannot resolve keeps its words and stays open; nothing is guessed.
"""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

from eventstudy.articles.language import Language, words
from eventstudy.articles.text import Span

MAX_EXPRESSIONS = 5_000
_REACH = 90  # characters of a sentence in which a verb still decides the tense of a weekday

DatePrecision = Literal["exact", "day", "range", "month", "open"]


@dataclass(frozen=True, slots=True)
class Dateline:
    """When and where a text was published.

    Parameters
    ----------
    day : date or None
        Local day; None when neither text nor reader says.
    moment : datetime or None
        The moment, where the dateline holds a time; naive when its zone is not known.
    zone : str or None
        IANA zone.
    span : Span or None
        Where it stands in the text.
    how : str
        How day and zone were found, or that they were not.
    """

    day: dt.date | None
    moment: dt.datetime | None
    zone: str | None
    span: Span | None
    how: str

    @property
    def bound(self) -> dt.datetime | None:
        """Latest moment of publication: nothing reported can be after it."""
        zone = ZoneInfo(self.zone) if self.zone else dt.UTC
        if self.moment is not None:
            return self.moment if self.moment.tzinfo else self.moment.replace(tzinfo=zone)
        if self.day is None:
            return None
        return dt.datetime.combine(self.day, dt.time(23, 59, 59), zone)


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
        Name of the rule that resolved it.
    partial : str or None
        What is known of an open date, such as ``"--11-03"``.
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


@dataclass(frozen=True, slots=True)
class _Scene:
    """What a rule may look at when it resolves an expression."""

    text: str
    start: int
    end: int
    sentence: Span
    quoted: bool
    day: dt.date | None
    told: dt.date | None
    language: Language

    def before(self) -> str:
        return self.text[max(self.sentence.start, self.start - _REACH) : self.start]

    def after(self) -> str:
        return self.text[self.end : min(self.sentence.end, self.end + _REACH)]

    def future(self) -> bool:
        """Whether the verb nearest before speaks of the future; the one after where none is."""
        future, past = _cues(self.language)
        before, after = self.before(), self.after()
        ahead, back = _last(future, before), _last(past, before)
        if max(ahead, back) >= 0:
            return ahead > back
        ahead, back = _first(future, after), _first(past, after)
        return ahead < back


Days = tuple[dt.date, dt.date]
_Resolver = Callable[[re.Match[str], _Scene], "_Found"]


@dataclass(frozen=True, slots=True)
class _Found:
    days: Days | None
    precision: DatePrecision
    partial: str | None = None
    moment: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    pattern: re.Pattern[str]
    resolve: _Resolver


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
    rules = _rules(language)
    starts = [span.start for span in sentences]
    inside = [span.start for span in quotations]
    found: list[DateExpression] = []
    told: dt.date | None = None
    for rule, match in _candidates(text, rules):
        sentence = sentences[max(0, bisect_right(starts, match.start()) - 1)]
        index = bisect_right(inside, match.start()) - 1
        quoted = index >= 0 and match.start() < quotations[index].end
        start, end = match.span()
        scene = _Scene(text, start, end, sentence, quoted, dateline.day, told, language)
        result = rule.resolve(match, scene)
        item = _expression(match, rule, result, dateline)
        is_dateline = dateline.span is not None and dateline.span.overlaps(item.span)
        if is_dateline and dateline.day is not None and item.precision != "range":
            item = _at_dateline(item, dateline)
        elif item.precision in {"day", "exact"} and not quoted and _is_past(item, dateline):
            told = item.first
        found.append(item)
        if len(found) == MAX_EXPRESSIONS:
            break
    return _with_clocks(text, tuple(found), dateline, language)


def _expression(
    match: re.Match[str], rule: _Rule, result: _Found, dateline: Dateline
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
    )


def _is_past(item: DateExpression, dateline: Dateline) -> bool:
    return item.first is not None and (dateline.day is None or item.first <= dateline.day)


def _candidates(text: str, rules: Sequence[_Rule]) -> list[tuple[_Rule, re.Match[str]]]:
    """List the matches of all rules, the longest where several start within each other."""
    matches = [
        (match.start(), -match.end(), order, rule, match)
        for order, rule in enumerate(rules)
        for match in rule.pattern.finditer(text)
    ]
    matches.sort(key=lambda item: item[:3])
    kept: list[tuple[_Rule, re.Match[str]]] = []
    for _, _, _, rule, match in matches:
        if kept and match.start() < kept[-1][1].end():
            if len(match.group()) > len(kept[-1][1].group()):
                kept[-1] = (rule, match)
            continue
        kept.append((rule, match))
    return kept


@cache
def _cues_of(future: str, past: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(future, re.IGNORECASE), re.compile(past, re.IGNORECASE)


def _cues(language: Language) -> tuple[re.Pattern[str], re.Pattern[str]]:
    cues = language.tables["dates"]["cues"]
    return _cues_of(cues["future"], cues["past"])


def _last(pattern: re.Pattern[str], text: str) -> int:
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def _first(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.search(text)
    return match.start() if match else len(text) + 1


_COMPILED: dict[str, tuple[_Rule, ...]] = {}


def _rules(language: Language) -> tuple[_Rule, ...]:
    if language.name not in _COMPILED:
        _COMPILED[language.name] = _build(language)
    return _COMPILED[language.name]


def _build(language: Language) -> tuple[_Rule, ...]:
    table = language.tables["dates"]
    month = rf"(?P<month>{words(table['months'])})\b(?:\.(?=\s*\d))?"
    day = rf"(?P<day>\d{{1,2}})(?:{table['ordinals']})?(?!\d|%|[.,]\d)"
    year = r"(?P<year>(?:19|20)\d\d)\b"
    tail = rf"(?P<day2>\d{{1,2}})(?:{table['ordinals']})?(?!\d|%|[.,]\d)"
    dash = r"\s*(?:-|–|to|and)\s*"  # ranges are printed with either dash
    weekday = rf"(?P<weekday>{words(table['weekdays'])})"
    part = table["day_part"]
    number = words(table["numbers"])

    def rule(name: str, pattern: str, resolve: _Resolver, *, flags: int = 0) -> _Rule:
        return _Rule(name, re.compile(rf"(?<![\w-]){pattern}(?!\w)", flags), resolve)

    def phrases(name: str, key: str, resolve: _Resolver) -> _Rule:
        return rule(name, f"(?:{words(table[key])})", resolve, flags=re.IGNORECASE)

    before = table["before_weekday"]
    session = rf"(?:'s|’s)?\s+(?:{table['session']})\s+{table['trading']}"  # printed apostrophe
    return (
        rule(
            "iso moment",
            r"(?P<iso>\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?:\s?(?:Z|[+-]\d\d:?\d\d))?)",
            _iso_moment,
        ),
        rule("iso day", r"(?P<iso>\d{4}-\d\d-\d\d)", _iso_day),
        rule("day range", rf"{day}{dash}{tail}\s+{month}(?:,?\s+{year})?", _range),
        rule("day range", rf"{month}\s+{day}{dash}{tail}(?:,?\s+{year})?", _range),
        rule("day and month", rf"{day}\s+(?:of\s+)?{month}(?:,?\s+{year})?", _day_month),
        rule("month and day", rf"{month}\s+{day}(?:,?\s+{year})?", _day_month),
        rule(
            "month",
            rf"(?i:(?:in\s+)?mid-|(?:{table['month_lead']})\s+){month}(?!\.?\s*\d{{1,2}}(?!\d))(?:\s+{year})?",
            _month,
        ),
        rule("month", rf"{month}\s+{year}", _month),
        rule(
            "weekday", rf"(?:(?P<lead>last|next|this)\s+)?{weekday}(?:'s|’s)?", _weekday
        ),  # printed apostrophe
        rule("weekday", rf"{before}{weekday}(?:\s+(?:{part}))?", _weekday, flags=re.IGNORECASE),
        rule("weekday", rf"{weekday}(?:'s|’s)?\s+(?:{part})", _weekday),  # printed apostrophe
        rule("market session", rf"(?:[Ii]n\s+)?{weekday}{session}", _weekday),
        phrases("same day", "same_day", _same_day),
        phrases("day before", "day_before", _offset(-1)),
        phrases("day after", "day_after", _offset(1)),
        phrases("narrative day", "narrative_day", _narrative(0)),
        phrases("narrative day", "narrative_before", _narrative(-1)),
        phrases("narrative day", "narrative_after", _narrative(1)),
        rule(
            "days from narrative",
            rf"(?<!barrels )(?<!tonnes )(?<!tons )(?<!feet )(?P<count>{number}|\d{{1,2}})\s+"
            r"(?P<unit>day|week|month)s?\s+"
            r"(?P<way>earlier|later|before|ago|after)",
            _counted,
            flags=re.IGNORECASE,
        ),
        rule("within days", r"within\s+(?P<count>\d{1,3})\s+days", _within, flags=re.IGNORECASE),
        rule("weekend", f"(?:{table['weekend']})", _weekend, flags=re.IGNORECASE),
        rule(
            "week",
            r"(?:(?:earlier|later|at\s+the\s+end\s+of)\s+)?(?P<which>last|this|next)\s+week",
            _week,
            flags=re.IGNORECASE,
        ),
        rule(
            "month by distance",
            r"(?:(?:earlier|later)\s+)?(?P<which>last|this|next)\s+month",
            _this_month,
            flags=re.IGNORECASE,
        ),
    )


def _one(day: dt.date | None, partial: str | None = None) -> _Found:
    return _Found((day, day), "day") if day else _Found(None, "open", partial)


def _iso_moment(match: re.Match[str], _: _Scene) -> _Found:
    text = re.sub(r"\s(?=[+-Z])", "", match.group("iso").replace("T", " ", 1).replace(" ", "T", 1))
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return _Found(None, "open", "not a date")
    day = moment.date()
    return _Found(
        (day, day), "exact" if moment.tzinfo else "day", None, moment if moment.tzinfo else None
    )


def _iso_day(match: re.Match[str], _: _Scene) -> _Found:
    try:
        return _one(dt.date.fromisoformat(match.group("iso")))
    except ValueError:
        return _Found(None, "open", "not a date")


def _day_month(match: re.Match[str], scene: _Scene) -> _Found:
    month, number = _month_number(match, scene), int(match.group("day"))
    partial = f"--{month:02d}-{number:02d}"
    if match.group("year"):
        return _one(_date(int(match.group("year")), month, number), "not a date")
    return _one(_nearest(month, number, scene), partial)


def _range(match: re.Match[str], scene: _Scene) -> _Found:
    month = _month_number(match, scene)
    first, last = int(match.group("day")), int(match.group("day2"))
    begin = (
        _date(int(match.group("year")), month, first)
        if match.group("year")
        else _nearest(month, first, scene)
    )
    end = begin and _date(begin.year, month, last)
    if begin is None or end is None or end < begin:
        return _Found(None, "open", f"--{month:02d}-{first:02d}..{last:02d}")
    return _Found((begin, end), "range")


def _month(match: re.Match[str], scene: _Scene) -> _Found:
    month = _month_number(match, scene)
    if match.groupdict().get("year"):
        return _whole_month(int(match.group("year")), month)
    if scene.day is None:
        return _Found(None, "open", f"--{month:02d}")
    year = scene.day.year
    lead = match.group().casefold()
    decided = re.search(scene.language.tables["dates"]["cues"]["month_ahead"], scene.before())
    ahead = lead.startswith(("from", "until", "till", "by", "next"))
    future = scene.future() or ahead or decided is not None
    if month < scene.day.month and future and not lead.startswith(("since", "last")):
        year += 1
    elif month > scene.day.month and not future:
        year -= 1
    return _whole_month(year, month)


def _weekday(match: re.Match[str], scene: _Scene) -> _Found:
    if scene.day is None:
        return _Found(None, "open")
    target = scene.language.tables["dates"]["weekdays"][match.group("weekday").capitalize()]
    back = (scene.day.weekday() - target) % 7
    lead = (match.groupdict().get("lead") or "").casefold()
    if lead == "last":
        return _one(scene.day - dt.timedelta(back or 7))
    if lead == "next":
        return _one(scene.day + dt.timedelta(7 - back))
    if back == 0 or not scene.future():
        return _one(scene.day - dt.timedelta(back))
    return _one(scene.day + dt.timedelta(7 - back))


def _same_day(_: re.Match[str], scene: _Scene) -> _Found:
    """In a quotation the day is the speaker's: the day last told, if it is a recent one."""
    if scene.quoted and scene.told and (scene.day is None or (scene.day - scene.told).days <= 3):  # noqa: PLR2004 # quotes age quickly
        return _one(scene.told)
    return _one(scene.day)


def _offset(days: int) -> _Resolver:
    def resolve(_: re.Match[str], scene: _Scene) -> _Found:
        base = scene.told if scene.quoted and scene.told else scene.day
        return _one(base and base + dt.timedelta(days))

    return resolve


def _narrative(days: int) -> _Resolver:
    def resolve(_: re.Match[str], scene: _Scene) -> _Found:
        base = scene.told or scene.day
        return _one(base and base + dt.timedelta(days))

    return resolve


def _counted(match: re.Match[str], scene: _Scene) -> _Found:
    way, unit = match.group("way").casefold(), match.group("unit").casefold()
    base = scene.day if way == "ago" else scene.told or scene.day
    if base is None:
        return _Found(None, "open")
    numbers = scene.language.tables["dates"]["numbers"]
    text = match.group("count").casefold()
    count = (int(text) if text.isdigit() else numbers[text]) * (
        1 if way in {"later", "after"} else -1
    )
    if unit == "month":
        index = base.year * 12 + base.month - 1 + count
        return _whole_month(index // 12, index % 12 + 1)
    return _one(base + dt.timedelta(count * (7 if unit == "week" else 1)))


def _within(match: re.Match[str], scene: _Scene) -> _Found:
    if scene.day is None:
        return _Found(None, "open")
    return _Found((scene.day, scene.day + dt.timedelta(int(match.group("count")))), "range")


def _weekend(_: re.Match[str], scene: _Scene) -> _Found:
    if scene.day is None:
        return _Found(None, "open")
    saturday = scene.day - dt.timedelta((scene.day.weekday() - 5) % 7)
    if scene.future():
        saturday += dt.timedelta(7)
    return _Found((saturday, saturday + dt.timedelta(1)), "range")


def _week(match: re.Match[str], scene: _Scene) -> _Found:
    if scene.day is None:
        return _Found(None, "open")
    shift = {"last": -7, "this": 0, "next": 7}[match.group("which").casefold()]
    monday = scene.day - dt.timedelta(scene.day.weekday() - shift)
    return _Found((monday, monday + dt.timedelta(6)), "range")


def _this_month(match: re.Match[str], scene: _Scene) -> _Found:
    base = scene.told if scene.quoted and scene.told else scene.day
    if base is None:
        return _Found(None, "open")
    index = base.year * 12 + base.month - 1
    index += {"last": -1, "this": 0, "next": 1}[match.group("which").casefold()]
    return _whole_month(index // 12, index % 12 + 1)


def _month_number(match: re.Match[str], scene: _Scene) -> int:
    number: int = scene.language.tables["dates"]["months"][match.group("month")]
    return number


def _whole_month(year: int, month: int) -> _Found:
    first = dt.date(year, month, 1)
    last = dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(1)
    return _Found((first, last), "month")


def _nearest(month: int, number: int, scene: _Scene) -> dt.date | None:
    """Take the year nearest before the dateline, or after it where the verb looks ahead."""
    if scene.day is None:
        return None
    years = (scene.day.year - 1, scene.day.year, scene.day.year + 1)
    days = [day for year in years if (day := _date(year, month, number))]
    if scene.future():
        return min((day for day in days if day >= scene.day), default=None)
    return max((day for day in days if day <= scene.day), default=None)


def _date(year: int, month: int, number: int) -> dt.date | None:
    try:
        return dt.date(year, month, number)
    except ValueError:
        return None


def _with_clocks(
    text: str,
    found: tuple[DateExpression, ...],
    dateline: Dateline,
    language: Language,
) -> tuple[DateExpression, ...]:
    """Join clock times that name a zone with the day beside them, or with the day told."""
    from eventstudy.articles.clocks import find_clocks, join

    clocks = find_clocks(text, dateline, language)
    return join(text, found, clocks, dateline)[:MAX_EXPRESSIONS]
