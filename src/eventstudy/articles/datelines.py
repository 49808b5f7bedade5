"""The dateline: when a text was published, in which zone, and how that is known."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from zoneinfo import ZoneInfo

from eventstudy.articles.language import Language, words
from eventstudy.articles.moments import Dateline
from eventstudy.articles.text import Document, Span

_HEAD = 1200  # a dateline stands at the head of a text
_LINE = 120  # a line of its own is short
_LINES = 6


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
    found = _agency(document, language) or _own_line(document, language)
    found = found or Dateline(None, None, None, None, "no dateline in the text")
    found = _with_year(found, language, document, published)
    if found.day is None:
        return _from_reader(found, document, published)
    return found if found.zone else _with_zone(found, document, language, published)


def _agency(document: Document, language: Language) -> Dateline | None:
    """Read ``CITY, Sept 16, 2019 (Agency) -``, the city giving the zone."""
    months = words(language.tables["dates"]["months"])
    pattern = re.compile(
        rf"^(?P<city>[A-Z][A-Z .'/-]{{2,40}})(?:,\s+(?P<date>(?:{months})\.?\s+\d{{1,2}}"
        rf"(?:,\s+\d{{4}})?|\d{{1,2}}\s+(?:{months})\.?(?:\s+\d{{4}})?))?\s+\(",
        re.MULTILINE,
    )
    match = pattern.search(document.text[:_HEAD])
    if match is None:
        return None
    place = language.places.get(match.group("city").strip().title())
    zone = place.zone if place else None
    how = f"zone of {match.group('city').title()}" if zone else "city without a known zone"
    if match.group("date") is None:
        return Dateline(None, None, zone, None, f"no day in the dateline; {how}")
    day = _parse(match.group("date"), language)
    span = Span(*match.span("date"))
    return Dateline(day, None, zone, span, f"dateline of an agency; {how}")


def _own_line(document: Document, language: Language) -> Dateline | None:
    """Read a date that stands on a short line of its own near the head."""
    start = 0
    for line in document.text[:_HEAD].split("\n")[: 2 * _LINES]:
        if len(line) <= _LINE:
            found = _in_line(line, start, language)
            if found:
                return found
        start += len(line) + 1
    return None


def _in_line(line: str, start: int, language: Language) -> Dateline | None:
    iso = re.search(r"\b\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?(?:Z|[+-]\d\d:\d\d)?", line)
    if iso:
        try:
            moment = dt.datetime.fromisoformat(iso.group())
        except ValueError:
            return None
        timed = len(iso.group()) > len("2026-01-07")
        span = Span(start + iso.start(), start + iso.end())
        how = "line of its own" + (", offset stated" if moment.tzinfo else "")
        zone = _offset_zone(moment)
        return Dateline(moment.date(), moment if timed else None, zone, span, how)
    months = words(language.tables["dates"]["months"])
    match = re.search(
        rf"\b(?:(?:{months})\.?\s+\d{{1,2}},?\s+\d{{4}}|\d{{1,2}}\s+(?:{months})\.?\s+\d{{4}})\b"
        r"(?!\s*[a-z])",
        line,
    )
    if match is None or re.search(r"[.!?]\s", line) or line.rstrip().endswith("."):
        return None
    span = Span(start + match.start(), start + match.end())
    zone = _named_zone(line, language)
    how = "line of its own" + (", zone named in it" if zone else "")
    return Dateline(_parse(match.group(), language), None, zone, span, how)


def _parse(text: str, language: Language) -> dt.date | None:
    months = language.tables["dates"]["months"]
    month = next(months[word] for word in re.findall(r"[A-Za-z]+", text) if word in months)
    numbers = [int(part) for part in re.findall(r"\d+", text)]
    years = [number for number in numbers if number > 31]  # noqa: PLR2004 # no day is larger
    days = [number for number in numbers if number <= 31]  # noqa: PLR2004 # no day is larger
    try:
        return dt.date(years[0], month, days[0]) if years and days else None
    except ValueError:
        return None


def _named_zone(line: str, language: Language) -> str | None:
    zones = language.tables["zones"]
    match = re.search(rf"\d{{1,2}}:\d\d\s+(?P<zone>{words(zones)})\b", line)
    return zones[match.group("zone")] if match else None


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
) -> Dateline:
    """Give a dateline without a year the year in which it lies nearest to `published`."""
    if found.day is not None or found.span is None or published is None:
        return found
    reader = published.date() if isinstance(published, dt.datetime) else published
    text = document.text[found.span.start : found.span.end]
    days = [_parse(f"{text} {reader.year + step}", language) for step in (-1, 0, 1)]
    near = min((day for day in days if day), key=lambda day: abs(day - reader), default=None)
    return replace(found, day=near, how=f"{found.how}; year from --published")


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
        zones = language.tables["zones"]
        pattern = rf"(\d{{1,2}}):(\d\d)\s+(?P<zone>{words(zones)})\s+time\b"
        for match in re.finditer(pattern, document.text):
            minutes = int(match.group(1)) * 60 + int(match.group(2))
            own = found.moment.hour * 60 + found.moment.minute
            if 0 <= own - minutes <= 60:  # noqa: PLR2004 # an hour: a quote is not older than that
                zone = zones[match.group("zone")]
                moment = found.moment.replace(tzinfo=ZoneInfo(zone))
                how = f"{found.how}; zone implied by {match.group('zone')} time just before it"
                return replace(found, moment=moment, zone=zone, how=how)
    if isinstance(published, dt.datetime) and published.tzinfo:
        zone_name = _offset_zone(published)
        return replace(found, zone=zone_name, how=f"{found.how}; zone from --published")
    return replace(found, how=f"{found.how}; no zone in the text")
