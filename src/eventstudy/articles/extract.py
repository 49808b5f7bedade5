"""From a document to dates, events, price observations and claims."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from eventstudy.articles.dates import (
    MAX_EXPRESSIONS,
    DateExpression,
    Dateline,
    find_dateline,
    find_dates,
)
from eventstudy.articles.gather import ExtractedEvent, to_events
from eventstudy.articles.language import Place, language
from eventstudy.articles.mentions import find_mentions
from eventstudy.articles.observations import (
    ArticleClaim,
    PriceObservation,
    find_claims,
    find_prices,
    is_market,
)
from eventstudy.articles.text import Document, Span, printable, quotations, sentences

MAX_SENTENCES = 5_000


@dataclass(frozen=True, slots=True)
class Extraction:
    """All that was found in one document.

    Parameters
    ----------
    document : Document
        The text.
    dateline : Dateline
        When it was published, and how that is known.
    dates : tuple of DateExpression
        Dated expressions.
    events : tuple of ExtractedEvent
        Events in each state, the denied ones included.
    prices : tuple of PriceObservation
        Observations of prices.
    claims : tuple of ArticleClaim
        Expectations of prices.
    notes : tuple of str
        What was cut off or could not be resolved.
    """

    document: Document
    dateline: Dateline
    dates: tuple[DateExpression, ...]
    events: tuple[ExtractedEvent, ...]
    prices: tuple[PriceObservation, ...]
    claims: tuple[ArticleClaim, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the extraction as plain data: the title, and spans instead of sentences."""
        title = self.document.title
        start = self.document.text.find(title)
        return {
            "schema": 1,
            "article": self.document.name,
            "sha256": self.document.sha256,
            "encoding": self.document.encoding,
            "title": _value(title),
            "title_span": f"{start}-{start + len(title)}",
            "dateline": _plain(self.dateline, "day moment zone span how"),
            "dates": [_plain(item, "text span value precision zone rule") for item in self.dates],
            "events": [_plain(item, _EVENT) for item in self.events],
            "prices": [_plain(item, _PRICE) for item in self.prices],
            "claims": [_plain(item, "direction horizon span") for item in self.claims],
            "notes": list(self.notes),
        }


_EVENT = "title kind state date time not_after date_rule place zone actors direction reason spans"
_PRICE = "instrument level change_pct unit moment day span"


def extract(
    document: Document, *, published: dt.datetime | dt.date | None = None, lang: str = "en"
) -> Extraction:
    """Find what a document says about dated events and oil prices.

    Parameters
    ----------
    document : Document
        See `read_document`.
    published : datetime or date, optional
        When it was published, where its own text does not say.
    lang : str
        Language tables.

    Returns
    -------
    Extraction
        In the order of the text.
    """
    tables = language(lang)
    parts = sentences(document, tables)
    dateline = find_dateline(document, tables, published)
    spans = [part.span for part in parts] or []
    quotes = quotations(document, tables)
    dates = find_dates(document.text, spans, quotes, dateline, tables) if spans else ()
    body = parts[_headline(parts) :][:MAX_SENTENCES]
    prices = [find_prices(part, dates, dateline, tables) for part in body]
    claims = [
        () if price else find_claims(part, tables) for part, price in zip(body, prices, strict=True)
    ]
    # A condition inside a claim belongs to the claim: it is no event of its own.
    mentions = [
        mention
        for part, price, claim in zip(body, prices, claims, strict=True)
        for mention in find_mentions(part, tables, of_prices=bool(price) or is_market(part, tables))
        if not (claim and mention.state == "conditional")
    ]
    return Extraction(
        document=document,
        dateline=dateline,
        dates=dates,
        events=to_events(mentions, dates, dateline),
        prices=tuple(item for items in prices for item in items),
        claims=tuple(item for items in claims for item in items),
        notes=_notes(len(dates), len(parts), dateline),
    )


def _headline(parts: tuple[Any, ...]) -> int:
    """Headlines repeat what the text reports, without its dates: they are not read for events."""
    index = 0
    while index < min(len(parts) - 1, 4) and not _is_prose(parts[index].text):
        index += 1
    return index


def _is_prose(text: str) -> bool:
    return "(" in text[:60] or text.rstrip().endswith((".", "!", '"', "”", "?"))


def _notes(dates: int, parts: int, dateline: Dateline) -> tuple[str, ...]:
    notes = [] if parts else ["there is no text in it: nothing can be found"]
    if dateline.day is None:
        notes.append("no day of publication: weekdays and days without a year stay open")
    elif dateline.zone is None:
        notes.append("no zone of publication: its day is taken as printed")
    if dates >= MAX_EXPRESSIONS:
        notes.append(f"only the first {MAX_EXPRESSIONS} dated expressions were read")
    if parts > MAX_SENTENCES:
        notes.append(f"only the first {MAX_SENTENCES} sentences were read for events")
    return tuple(notes)


def _plain(item: object, names: str) -> dict[str, Any]:
    return {name: _value(getattr(item, name)) for name in names.split()}


def _value(value: Any) -> Any:  # noqa: ANN401  # any value of what was found
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    if isinstance(value, Place):
        return value.name
    return printable(str(value)) if isinstance(value, (Span, str)) else value
