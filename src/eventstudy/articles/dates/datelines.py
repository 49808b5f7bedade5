"""The dateline: when a text was published, in which zone, and how that is known."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

from eventstudy.articles.language import Language, Pattern
from eventstudy.articles.text import Document, Span

Form = Literal["agency", "own line", "none"]

_HEAD = 1200  # a dateline stands at the head of a text
_LINE = 120  # a line of its own is short
_LINES = 12
_LAST_DAY = 31  # a larger number is a year
_CLOCK_AGE = 60  # minutes: a quoted clock time is not older than that when the text appears
_ISO = re.compile(r"\b\d{4}([-/])\d\d\1\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?(?:Z|[+-]\d\d:\d\d)?")
_WORD = re.compile(r"[^\W\d_]+")


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
        How day and zone were found, or that they were not; for people.
    form : {"agency", "own line", "none"}
        How it is printed: before an agency's text, on a short line of its own, or not at all.
    """

    day: dt.date | None
    moment: dt.datetime | None
    zone: str | None
    span: Span | None
    how: str
    form: Form = "none"

    @property
    def bound(self) -> dt.datetime | None:
        """Latest moment of publication: nothing reported can be after it."""
        zone = ZoneInfo(self.zone) if self.zone else dt.UTC
        if self.moment is not None:
            return self.moment if self.moment.tzinfo else self.moment.replace(tzinfo=zone)
        if self.day is None:
            return None
        return dt.datetime.combine(self.day, dt.time(23, 59, 59), zone)


def find_dateline(
    document: Document, language: Language, published: dt.datetime | dt.date | None
) -> Dateline:
    """Find the dateline of a document.

    Parameters
    ----------
    document : Document
        The text.
    language : Language
        Tables.
    published : datetime or date, optional
        What the reader says; it supplies a year or a zone that the text lacks, and the day
        where the text has none.
    """
    agency, line = _agency(document, language), _own_line(document, language)
    found = _joined(agency, line, document, language) if agency and line else agency or line
    found = found or Dateline(None, None, None, None, "no dateline in the text")
    found = _with_year(found, language, document, published)
    if found.day is None:
        return _from_reader(found, document, published)
    return found if found.zone else _with_zone(found, document, language, published)


@dataclass(frozen=True, slots=True)
class _Patterns:
    agency: Pattern
    day: Pattern
    clock: Pattern
    named_zone: Pattern


@cache
def _patterns(language: Language) -> _Patterns:
    words = language.words.dateline
    return _Patterns(
        language.compiled(words.agency, re.MULTILINE),
        language.compiled(words.day),
        language.compiled(words.clock),
        language.compiled(r"\d{1,2}:\d\d\s+(?P<zone>{zones})\b"),
    )


def _agency(document: Document, language: Language) -> Dateline | None:
    """Read ``CITY, Sept 16, 2019 (Agency) -``, the city giving the zone."""
    match = _patterns(language).agency.search(document.text[:_HEAD])
    if match is None:
        return None
    city = re.split(r"\s*/\s*", match.group("city").strip())[0].title()
    place = language.place_named(city)
    zone = place.zone if place else None
    how = f"zone of {city}" if zone else "city without a known zone"
    if match.group("date") is None:
        return Dateline(None, None, zone, None, f"no day in the dateline; {how}", "agency")
    day = _parse(match.group("date"), language)
    span = Span(*match.span("date"))
    return Dateline(day, None, zone, span, f"dateline of an agency; {how}", "agency")


def _joined(agency: Dateline, line: Dateline, document: Document, language: Language) -> Dateline:
    """Give an agency's dateline the day, or the year, that a line of its own states beside it."""
    if agency.day is not None:
        return agency
    if agency.span is None:
        how = f"{line.how}; {agency.how}"
        return replace(line, zone=line.zone or agency.zone, how=how, form="agency")
    return _with_year(agency, language, document, line.day, "a line of its own")


def _own_line(document: Document, language: Language) -> Dateline | None:
    """Read a date that stands on a short line of its own near the head."""
    start = 0
    for line in document.text[:_HEAD].split("\n")[:_LINES]:
        if len(line) <= _LINE:
            found = _in_line(line, start, language)
            if found:
                return found
        start += len(line) + 1
    return None


def _in_line(line: str, start: int, language: Language) -> Dateline | None:
    iso = _ISO.search(line)
    if iso:
        try:
            moment = dt.datetime.fromisoformat(iso.group().replace("/", "-"))
        except ValueError:
            return None
        timed = moment if len(iso.group()) > len("2026-01-07") else None
        span = Span(start + iso.start(), start + iso.end())
        how = "line of its own" + (", offset stated" if moment.tzinfo else "")
        return Dateline(moment.date(), timed, _offset_zone(moment), span, how, "own line")
    match = _patterns(language).day.search(line)
    if match is None or re.search(r"[.!?]\s", line) or line.rstrip().endswith("."):
        return None
    span = Span(start + match.start(), start + match.end())
    named = _patterns(language).named_zone.search(line)
    zone = zone_named(named.group("zone"), language) if named else None
    how = "line of its own" + (", zone named in it" if zone else "")
    return Dateline(_parse(match.group(), language), None, zone, span, how, "own line")


def zone_named(words: str, language: Language) -> str:
    """Return the zone that a text names, however its words are broken over lines."""
    return language.words.zones[" ".join(words.split())]


def _parse(text: str, language: Language) -> dt.date | None:
    months = {name.casefold(): value for name, value in language.words.dates.words.months.items()}
    words = (word.casefold() for word in _WORD.findall(text))
    month = next(months[word] for word in words if word in months)
    numbers = [int(part) for part in re.findall(r"\d+", text)]
    years = [number for number in numbers if number > _LAST_DAY]
    days = [number for number in numbers if number <= _LAST_DAY]
    try:
        return dt.date(years[0], month, days[0]) if years and days else None
    except ValueError:
        return None


def _offset_zone(moment: dt.datetime) -> str | None:
    offset = moment.utcoffset()
    if offset is None:
        return None
    hours = offset.total_seconds() / 3600
    return "UTC" if hours == 0 else f"Etc/GMT{-hours:+.0f}" if hours == int(hours) else None


def _with_year(
    found: Dateline,
    language: Language,
    document: Document,
    published: dt.datetime | dt.date | None,
    source: str = "--published",
) -> Dateline:
    """Give a dateline without a year the year in which it lies nearest to `published`."""
    if found.day is not None or found.span is None or published is None:
        return found
    reader = published.date() if isinstance(published, dt.datetime) else published
    text = document.text[found.span.start : found.span.end]
    days = [_parse(f"{text} {reader.year + step}", language) for step in (-1, 0, 1)]
    near = min((day for day in days if day), key=lambda day: abs(day - reader), default=None)
    return replace(found, day=near, how=f"{found.how}; year from {source}")


def _from_reader(
    found: Dateline, document: Document, published: dt.datetime | dt.date | None
) -> Dateline:
    if published is None and document.metadata_date:
        day = dt.date.fromisoformat(document.metadata_date)
        return replace(found, day=day, how=f"{found.how}; day from the metadata of the page")
    if published is None:
        return replace(found, how=f"{found.how}; give --published to resolve days")
    moment = published if isinstance(published, dt.datetime) else None
    day = moment.date() if moment else published
    zone = found.zone or (_offset_zone(moment) if moment else None)
    return replace(found, day=day, moment=moment, zone=zone, how=f"{found.how}; from --published")


def _with_zone(
    found: Dateline,
    document: Document,
    language: Language,
    published: dt.datetime | dt.date | None,
) -> Dateline:
    """Take the zone of a clock time just before the dateline's own, else that of the reader."""
    if found.moment is not None and found.moment.tzinfo is None:
        own = found.moment.hour * 60 + found.moment.minute
        for match in _patterns(language).clock.finditer(document.text):
            minutes = int(match.group("hour")) * 60 + int(match.group("minute"))
            if 0 <= own - minutes <= _CLOCK_AGE:
                zone = zone_named(match.group("zone"), language)
                moment = found.moment.replace(tzinfo=ZoneInfo(zone))
                how = f"{found.how}; zone implied by {match.group('zone')} time just before it"
                return replace(found, moment=moment, zone=zone, how=how)
    if isinstance(published, dt.datetime) and published.tzinfo:
        zone_name = _offset_zone(published)
        return replace(found, zone=zone_name, how=f"{found.how}; zone from --published")
    return replace(found, how=f"{found.how}; no zone in the text")
