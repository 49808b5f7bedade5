"""A second reader: a language model proposes events, and each proposal has to prove itself.

The model is asked over the common chat-completions interface. A proposal counts only where it
quotes words that stand in the text, names a kind of the vocabulary and, if it is dated, copies
words of a date that our own rules resolve. What fails is dropped and counted.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast, get_args
from urllib.parse import urlsplit

from eventstudy.articles.dates import DateExpression, DateIndex
from eventstudy.articles.extract import Extraction
from eventstudy.articles.frames import frames
from eventstudy.articles.gather import ExtractedEvent
from eventstudy.articles.language import Language, Place, language
from eventstudy.articles.mentions import KINDS, State
from eventstudy.articles.roles import choose_place, place_before, places_in
from eventstudy.articles.text import Sentence, Span, printable, sentences
from eventstudy.errors import ArticleSourceError

MAX_ANSWER = 1_000_000
"""Bytes of an answer that are read."""

_PIECE = 8_000  # characters of a text that are sent at once
_QUOTE = (8, 600)  # characters of a quotation
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_STATES = frozenset(get_args(State)) - {"denied"}
_VERSION = 1  # of the question and the checks: another one leaves the cache behind
_SCORE = 0.0  # of what only the reader found, among the candidates

_QUESTION: Final = """You find events in a news text that may move the price of crude oil.
Answer with JSON alone: {"events": [{"quote": ..., "kind": ..., "state": ..., "date_words": ...}]}
quote: the words of the text that report the event, copied exactly, 8 to 600 characters.
kind: one of %s.
state: reported (it happened or was decided), planned, or conditional.
date_words: the words within the quote that say when, copied exactly; "" where it has none.
List each event once. Leave out prices, opinions and what the text denies.
Where there is no event: {"events": []}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Where a language model answers, and how long it is waited for.

    Parameters
    ----------
    url : str
        Address of a chat-completions interface, such as ``http://127.0.0.1:8080/v1``.
    model : str
        Its name there.
    seconds : float
        Limit for one answer.
    attempts : int
        How often a question is asked that is not answered in time, or with a passing error.
    cache : Path or None
        Folder of answers, kept as spans; None asks again each time.
    key : str
        Sent as a bearer token where it is not empty.
    wait : callable
        Waits some seconds between attempts.
    """

    url: str
    model: str
    seconds: float = 120.0
    attempts: int = 3
    cache: Path | None = None
    key: str = field(default="", repr=False)
    wait: Callable[[float], None] = time.sleep

    @property
    def is_local(self) -> bool:
        """Whether the text stays on this machine."""
        return urlsplit(self.url).hostname in {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Usage:
    """What a reading took, and what became of the proposals.

    Parameters
    ----------
    calls, cached : int
        Answers that were asked for, and that were at hand.
    tokens_in, tokens_out : int
        As the server counts them.
    accepted : int
        Proposals that stood.
    dropped : mapping of str to int
        Proposals that did not, by reason.
    """

    calls: int = 0
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    accepted: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Usage) -> Usage:
        """Add up two readings."""
        return Usage(
            self.calls + other.calls,
            self.cached + other.cached,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.accepted + other.accepted,
            dict(sorted((Counter(self.dropped) + Counter(other.dropped)).items())),
        )


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal that quotes the text: spans and words of the vocabulary, no sentence."""

    quote: Span
    kind: str
    state: State
    date: Span | None


def read_again(extraction: Extraction, reader: Reader) -> tuple[Extraction, Usage]:
    """Let a language model read a document, too.

    Parameters
    ----------
    extraction : Extraction
        What rules found.
    reader : Reader
        Who is asked.

    Returns
    -------
    extraction : Extraction
        Events that the reader confirms bear the name of its model; what only the reader found is
        among the candidates.
    usage : Usage
        Calls, tokens, and what was dropped and why.

    Raises
    ------
    ArticleSourceError
        When it does not answer, or answers with what is no answer.
    """
    tables = language(extraction.lang)
    parts = sentences(extraction.document, tables)
    usage = Usage()
    proposals: list[Proposal] = []
    for piece in _pieces(extraction.document.text, parts):
        found, used = _ask(piece, extraction.document.text, reader)
        proposals += found
        usage += used
    kept: list[ExtractedEvent] = []
    events, candidates = list(extraction.events), list(extraction.candidates)
    index = DateIndex(extraction.dates)
    dropped: Counter[str] = Counter()
    for proposal in proposals:
        event = _event(proposal, extraction, parts, index, tables)
        if isinstance(event, str):
            dropped[event] += 1
        elif _is_repeated(event, kept):
            dropped["repeated"] += 1
        else:
            kept.append(event)
            if not (_confirm(event, events, reader) or _confirm(event, candidates, reader)):
                candidates.append(replace(event, reader=reader.model))
    candidates.sort(key=lambda item: -item.score)
    read = replace(extraction, events=tuple(events), candidates=tuple(candidates))
    return read, usage + Usage(accepted=len(kept), dropped=dropped)


def _pieces(text: str, parts: Sequence[Sentence]) -> Iterator[Span]:
    """Cut a text between sentences, so that each piece is short enough to be read whole."""
    start = end = None
    for part in parts:
        if start is not None and end is not None and part.span.end - start > _PIECE:
            yield Span(start, end)
            start = None
        start = part.span.start if start is None else start
        end = min(part.span.end, start + _PIECE)
    if start is not None and end is not None:
        yield Span(start, min(end, len(text)))


def _ask(piece: Span, text: str, reader: Reader) -> tuple[list[Proposal], Usage]:
    """Ask about a piece of a text, or take the answer from the cache."""
    words = text[piece.start : piece.end]
    stored = _Stored(reader, words)
    known = stored.read()
    if known is not None:
        checked, used = known, Usage(cached=1)
    else:
        answer, used = _answer(words, reader)
        checked = _checked(answer, words)
        stored.write(checked)
    proposals = [_moved(item, piece.start) for item in checked["proposals"]]
    return proposals, used + Usage(dropped=checked["dropped"])


def _moved(item: Sequence[Any], by: int) -> Proposal:
    first, last, kind, state, *date = item
    when = Span(date[0] + by, date[1] + by) if date else None
    return Proposal(Span(first + by, last + by), kind, state, when)


def _checked(answer: str, words: str) -> dict[str, Any]:
    """Check what an answer proposes, and keep spans instead of words."""
    dropped: Counter[str] = Counter()
    proposals: list[list[Any]] = []
    items, is_whole = _items(answer)
    if not is_whole:
        dropped["cut off"] += 1
    for item in items:
        checked = _proposal(item, words)
        if isinstance(checked, str):
            dropped[checked] += 1
        else:
            proposals.append(checked)
    return {"proposals": proposals, "dropped": dict(sorted(dropped.items()))}


def _proposal(item: Any, words: str) -> list[Any] | str:  # noqa: ANN401  # whatever the model wrote
    """Return a proposal as spans, or why it does not stand."""
    cells = [item.get(key, "") for key in _FIELDS] if isinstance(item, dict) else []
    if not cells or not all(isinstance(cell, str) for cell in cells):
        return "malformed"
    quote, kind, state, when = cells
    if kind not in KINDS or state not in _STATES:
        return "unknown kind or state"
    span = _find(quote, words, Span(0, len(words)))
    if span is None or not _QUOTE[0] <= len(quote.strip()) <= _QUOTE[1]:
        return "misquoted"
    date = _find(when, words, span)
    if when.strip() and date is None:
        return "date not in the quote"
    return [span.start, span.end, kind, state, *((date.start, date.end) if date else ())]


_FIELDS = ("quote", "kind", "state", "date_words")


def _find(quote: str, words: str, within: Span) -> Span | None:
    """Find a quotation word for word; only its blanks may differ."""
    pieces = quote.split()
    if not pieces:
        return None
    pattern = re.compile(r"\s+".join(map(re.escape, pieces)))
    match = pattern.search(words, within.start, within.end)
    return Span(*match.span()) if match else None


def _items(answer: str) -> tuple[list[Any], bool]:
    """Read the list of events; of an answer that was cut off, the whole ones before the cut."""
    begin = re.search(r'"events"\s*:\s*\[', answer)
    if begin is None:
        return [], False
    items: list[Any] = []
    decoder, position = json.JSONDecoder(), begin.end()
    while True:
        while position < len(answer) and answer[position] in " \t\r\n,":
            position += 1
        if position >= len(answer):
            return items, False
        if answer[position] == "]":
            return items, True
        try:
            item, position = decoder.raw_decode(answer, position)
        except (json.JSONDecodeError, RecursionError):
            return items, False
        items.append(item)


def _event(
    proposal: Proposal,
    extraction: Extraction,
    parts: Sequence[Sentence],
    index: DateIndex,
    tables: Language,
) -> ExtractedEvent | str:
    """Make an event of a proposal, or say why it is none."""
    own = [part for part in parts if part.span.overlaps(proposal.quote)]
    if not own:
        return "misquoted"
    expression: DateExpression | None = None
    if proposal.date is not None:
        reached = (item for item in index.within(proposal.date) if item.first is not None)
        expression = next(reached, None)
        if expression is None:
            return "date not resolved"
    declared = frames().kinds[proposal.kind]
    found = expression or None
    rule = "no date in its quotation; bounded by publication"
    return ExtractedEvent(
        kind=proposal.kind,
        state=proposal.state,
        first=found.first if found else None,
        last=found.last if found else None,
        time=found.moment if found else None,
        not_after=None if found else extraction.dateline.bound,
        date_rule=f"{found.rule}: {printable(found.text)}" if found else rule,
        place=_place(proposal, own[0], extraction, tables),
        actors=(),
        direction=declared.direction,
        reason=declared.reason,
        spans=tuple(part.span for part in own),
        tier="candidate",
        score=_SCORE,
    )


def _place(
    proposal: Proposal, sentence: Sentence, extraction: Extraction, tables: Language
) -> Place | None:
    """Choose the place as for any other event: the model is not asked."""
    base = sentence.span.start
    inside = Span(
        max(proposal.quote.start - base, 0),
        min(proposal.quote.end, sentence.span.end) - base,
    )
    place = choose_place(sentence.text, proposal.kind, inside, inside, inside, tables)
    named = places_in(sentence.text[inside.start : inside.end], tables)
    if place is None and named:
        return named[0].place
    if place is None and frames().kinds[proposal.kind].inherits:
        span = extraction.dateline.span
        return place_before(extraction.document.text, base, span.end if span else 0, tables)
    return place


def _is_repeated(event: ExtractedEvent, kept: Sequence[ExtractedEvent]) -> bool:
    return any(
        other.kind == event.kind and other.date == event.date and _share(other, event)
        for other in kept
    )


def _share(one: ExtractedEvent, other: ExtractedEvent) -> bool:
    return any(span.overlaps(item) for span in one.spans for item in other.spans)


def _confirm(event: ExtractedEvent, known: list[ExtractedEvent], reader: Reader) -> bool:
    """Put the reader's name on an event that it found as well."""
    for place, other in enumerate(known):
        if other.kind == event.kind and not other.reader and _share(other, event):
            known[place] = replace(other, reader=reader.model)
            return True
    return False


class _Stored:
    """The checked answer to one question, in the cache."""

    def __init__(self, reader: Reader, words: str) -> None:
        question = json.dumps([_VERSION, reader.url, reader.model, _QUESTION, words])
        name = hashlib.sha256(question.encode()).hexdigest()
        self._path = reader.cache / f"{name}.json" if reader.cache else None

    def read(self) -> dict[str, Any] | None:
        """Return it where it is there and whole."""
        if self._path is None:
            return None
        try:
            content = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        is_whole = isinstance(content, dict) and {"proposals", "dropped"} <= content.keys()
        return cast("dict[str, Any]", content) if is_whole else None

    def write(self, checked: Mapping[str, Any]) -> None:
        """Keep it; a cache that cannot be written is none."""
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._path.parent, suffix=".part")
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(checked, stream)
            Path(name).replace(self._path)
        except OSError:
            return


def _answer(words: str, reader: Reader) -> tuple[str, Usage]:
    """Ask until there is an answer, or no attempt is left."""
    body = json.dumps(
        {
            "model": reader.model,
            "temperature": 0,
            "messages": [
                {"role": "system", "content": _QUESTION % ", ".join(KINDS)},
                {"role": "user", "content": words},
            ],
        }
    ).encode()
    reason = ""
    for attempt in range(reader.attempts):
        if attempt:
            reader.wait(0.5 * 2**attempt)
        try:
            status, content = _post(body, reader)
        except ArticleSourceError:
            raise
        except (OSError, http.client.HTTPException) as error:
            is_late = isinstance(error, TimeoutError)
            reason = "no answer in time" if is_late else str(error) or type(error).__name__
            continue
        if status in _AGAIN:
            reason = f"answered {status}"
            continue
        if status != http.HTTPStatus.OK:
            msg = f"{reader.url}: answered {status}; check address, model and key"
            raise ArticleSourceError(msg)
        return _content(content, reader, attempt + 1)
    msg = f"{reader.url}: {reason} after {reader.attempts} attempts; is the server running?"
    raise ArticleSourceError(msg)


def _content(content: bytes, reader: Reader, calls: int) -> tuple[str, Usage]:
    """Return what the model wrote, and the tokens it took."""
    try:
        answer = json.loads(content)
        text = answer["choices"][0]["message"]["content"]
        used = answer.get("usage") or {}
        usage = Usage(
            calls, 0, int(used.get("prompt_tokens") or 0), int(used.get("completion_tokens") or 0)
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        msg = (
            f"{reader.url}: returned invalid data; give the address of a chat-completions interface"
        )
        raise ArticleSourceError(msg) from error
    return (text if isinstance(text, str) else ""), usage


def _post(body: bytes, reader: Reader) -> tuple[int, bytes]:
    parts = urlsplit(reader.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = f"{reader.url}: is not an http or https address; give one such as http://127.0.0.1:8080/v1"
        raise ArticleSourceError(msg)
    deadline = time.monotonic() + reader.seconds
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=reader.seconds, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=reader.seconds)
    path = parts.path.rstrip("/")
    path = path if path.endswith("/chat/completions") else f"{path}/chat/completions"
    headers = {"Content-Type": "application/json", "User-Agent": "oil-eventstudy"}
    if reader.key:
        headers["Authorization"] = f"Bearer {reader.key}"
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        pieces: list[bytes] = []
        while piece := response.read1(65_536):
            pieces.append(piece)
            if sum(map(len, pieces)) > MAX_ANSWER:
                msg = f"{reader.url}: its answer is larger than {MAX_ANSWER:,} bytes"
                raise ArticleSourceError(msg)
            if time.monotonic() > deadline:
                raise TimeoutError
        return response.status, b"".join(pieces)
    finally:
        connection.close()
