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
from eventstudy.articles.language import language
from eventstudy.articles.mentions import find_mentions
from eventstudy.articles.observations import (
    ArticleClaim,
    PriceObservation,
    find_claims,
    find_prices,
    is_market,
)
from eventstudy.articles.text import Document, printable, quotations, sentences

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
        return {
            "schema": 1,
            "article": self.document.name,
            "sha256": self.document.sha256,
            "encoding": self.document.encoding,
            "title": printable(self.document.title),
            "title_span": _title_span(self.document),
            "dateline": _dateline(self.dateline),
            "dates": [_date(item) for item in self.dates],
            "events": [_event(item) for item in self.events],
            "prices": [_price(item) for item in self.prices],
            "claims": [_claim(item) for item in self.claims],
            "notes": list(self.notes),
        }


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


def _title_span(document: Document) -> str:
    start = document.text.find(document.title)
    return f"{start}-{start + len(document.title)}"


def _dateline(item: Dateline) -> dict[str, Any]:
    return {
        "day": str(item.day) if item.day else None,
        "moment": item.moment.isoformat() if item.moment else None,
        "zone": item.zone,
        "span": str(item.span) if item.span else None,
        "how": item.how,
    }


def _date(item: DateExpression) -> dict[str, Any]:
    return {
        "text": printable(item.text),
        "span": str(item.span),
        "value": item.value,
        "precision": item.precision,
        "zone": item.zone,
        "rule": item.rule,
    }


def _event(item: ExtractedEvent) -> dict[str, Any]:
    return {
        "title": item.title,
        "kind": item.kind,
        "state": item.state,
        "date": item.date,
        "time": item.moment.isoformat() if item.moment else None,
        "not_after": item.not_after.isoformat() if item.not_after else None,
        "date_rule": item.date_rule,
        "place": item.place.name if item.place else None,
        "zone": item.place.zone if item.place else None,
        "actors": list(item.actors),
        "direction": item.direction,
        "reason": item.reason,
        "spans": [str(span) for span in item.spans],
    }


def _price(item: PriceObservation) -> dict[str, Any]:
    return {
        "instrument": item.instrument,
        "level": item.level,
        "change_pct": item.change_pct,
        "unit": item.unit,
        "moment": item.moment.isoformat() if item.moment else None,
        "day": str(item.day) if item.day else None,
        "span": str(item.span),
    }


def _claim(item: ArticleClaim) -> dict[str, Any]:
    return {"direction": item.direction, "horizon": item.horizon, "span": str(item.span)}
