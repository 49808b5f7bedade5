"""What the finder of dates returns: dated expressions and the dateline they hang on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from eventstudy.articles.text import Span

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
