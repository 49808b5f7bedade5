"""From a document to dates, events, price observations and claims."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from eventstudy.articles.dates import (
    MAX_EXPRESSIONS,
    DateExpression,
    DateIndex,
    Dateline,
    find_dateline,
    find_dates,
)
from eventstudy.articles.frames import frames
from eventstudy.articles.gather import ExtractedEvent, to_events
from eventstudy.articles.language import Language, Place, language
from eventstudy.articles.mentions import mentions_of
from eventstudy.articles.observations import (
    ArticleClaim,
    PriceObservation,
    find_claims,
    find_prices,
    is_market,
)
from eventstudy.articles.roles import place_before
from eventstudy.articles.text import Document, Span, printable, quotations, sentences, unwrap

MAX_SENTENCES = 5_000
MAX_CANDIDATES = 5
"""Candidates that a reviewer is shown of one document, the likeliest."""


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
    candidates : tuple of ExtractedEvent
        What may be events, the likeliest first.
    prices : tuple of PriceObservation
        Observations of prices.
    claims : tuple of ArticleClaim
        Expectations of prices.
    notes : tuple of str
        What was cut off or could not be resolved.
    lang : str
        Language of the tables.
    """

    document: Document
    dateline: Dateline
    dates: tuple[DateExpression, ...]
    events: tuple[ExtractedEvent, ...]
    candidates: tuple[ExtractedEvent, ...]
    prices: tuple[PriceObservation, ...]
    claims: tuple[ArticleClaim, ...]
    notes: tuple[str, ...]
    lang: str = "en"

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
            "candidates": [_plain(item, _EVENT) for item in self.candidates],
            "prices": [_plain(item, _PRICE) for item in self.prices],
            "claims": [_plain(item, "direction horizon span") for item in self.claims],
            "notes": list(self.notes),
        }


_EVENT = (
    "title kind state date time not_after date_rule place zone actors direction reason spans "
    "tier score reader"
)
_PRICE = "instrument level change_pct change unit moment day span"


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
        In the order of the text; candidates by their score.
    """
    tables = language(lang)
    document = replace(document, text=unwrap(document.text))
    parts = sentences(document, tables)
    dateline = find_dateline(document, tables, published)
    spans = [part.span for part in parts] or []
    quotes = quotations(document, tables)
    dates = find_dates(document.text, spans, quotes, dateline, tables) if spans else ()
    title = parts[: _headline(parts)]
    body = parts[len(title) :][:MAX_SENTENCES]
    index = DateIndex(dates)
    headlines, prices = (
        [find_prices(part, index, dateline, tables) for part in some] for some in (title, body)
    )
    claims = [
        () if price else find_claims(part, tables) for part, price in zip(body, prices, strict=True)
    ]
    # A condition inside a claim belongs to the claim: it is no event of its own.
    mentions = [
        mention
        for index, (part, price, claim) in enumerate(zip(body, prices, claims, strict=True))
        for mention in mentions_of(
            part, tables, index, of_prices=bool(price) or is_market(part, tables)
        )
        if not (claim and mention.state == "conditional")
    ]
    events, candidates = to_events(mentions, dates, dateline)
    return Extraction(
        document=document,
        dateline=dateline,
        dates=dates,
        events=_placed(events, document, dateline, tables),
        candidates=_placed(candidates[:MAX_CANDIDATES], document, dateline, tables),
        prices=tuple(item for items in (*headlines, *prices) for item in items),
        claims=tuple(item for items in claims for item in items),
        notes=_notes(len(dates), len(parts), len(candidates), dateline),
        lang=lang,
    )


def _placed(
    events: tuple[ExtractedEvent, ...], document: Document, dateline: Dateline, tables: Language
) -> tuple[ExtractedEvent, ...]:
    """Give an event whose sentences name no place that of the sentences before it."""
    kinds = frames().kinds
    head = dateline.span.end if dateline.span else 0
    placed = []
    for event in events:
        place = event.place
        if place is None and kinds[event.kind].inherits:
            place = place_before(document.text, event.spans[0].start, head, tables)
        placed.append(replace(event, place=place))
    return tuple(placed)


def _headline(parts: tuple[Any, ...]) -> int:
    """Headlines repeat what the text reports, without its dates: they are not read for events."""
    index = 0
    while index < min(len(parts) - 1, 4) and not _is_prose(parts[index].text):
        index += 1
    return index


def _is_prose(text: str) -> bool:
    return "(" in text[:60] or text.rstrip().endswith((".", "!", '"', "”", "?"))


def _notes(dates: int, parts: int, candidates: int, dateline: Dateline) -> tuple[str, ...]:
    notes = [] if parts else ["there is no text in it: nothing can be found"]
    if dateline.day is None:
        notes.append("no day of publication: weekdays and days without a year stay open")
    elif dateline.zone is None:
        notes.append("no zone of publication: its day is taken as printed")
    if dates >= MAX_EXPRESSIONS:
        notes.append(f"only the first {MAX_EXPRESSIONS} dated expressions were read")
    if parts > MAX_SENTENCES:
        notes.append(f"only the first {MAX_SENTENCES} sentences were read for events")
    if candidates > MAX_CANDIDATES:
        left = candidates - MAX_CANDIDATES
        notes.append(f"candidates of lower rank are left out: {left}")
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
