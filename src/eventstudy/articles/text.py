"""Reading text: bytes to a bounded document, split into sentences with their spans."""

from __future__ import annotations

import errno
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from eventstudy.articles.language import Language, Pattern, alternation, language
from eventstudy.errors import MissingDependencyError, TableError
from eventstudy.tables.text import whole_file

MAX_BYTES = 2_000_000
# A page has a root or a closing tag: a ticker such as <P> in an agency's text has neither.
_HTML = re.compile(
    r"<(?:!doctype\s+html|html|head)\b|</(?:body|article|div|p|script)\s*>", re.IGNORECASE
)
_ITEM = re.compile(r"\s*(?:[-*•–—]|\(?\d{1,2}[.)])\s")
_ENDS = '.!?:;"”'
_SHORTEST, _NARROWEST, _WIDEST = 30, 40, 130  # characters of a line that may be broken at a width
_RAGGED = 16  # characters by which lines of one width differ
_LINES_OF_WIDTH, _MOSTLY = 3, 0.7  # lines, and the share of them, that fix a width
# Marks that change how text looks but not what it says: bidirectional controls, zero width.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start..end`` (end excluded) of a document."""

    start: int
    end: int

    def overlaps(self, other: Span) -> bool:
        """Whether the two share a character."""
        return self.start < other.end and other.start < self.end

    def __str__(self) -> str:
        return f"{self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and its place in the document."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Document:
    """A text with the hash of the bytes it came from.

    Parameters
    ----------
    name : str
        File name, address, or ``"-"``.
    sha256 : str
        Hash of the bytes.
    text : str
        Spans count its characters. Control and invisible marks are blanks in it, one for one, so
        that spans stay those of the decoded file.
    encoding : str
        How the bytes were decoded.
    metadata_date : str or None
        Date an HTML page states about itself.
    """

    name: str
    sha256: str
    text: str
    encoding: str
    metadata_date: str | None = None

    @property
    def title(self) -> str:
        """First line that holds letters."""
        lines = (line.strip() for line in self.text.splitlines())
        return next((line[:200] for line in lines if any(map(str.isalpha, line))), "")


def read_document(path: str | Path) -> Document:
    """Read an article from a file.

    Raises
    ------
    TableError
        When it cannot be read, is too large, or is not text.
    """
    place = Path(path)
    try:
        content = whole_file(place, most=MAX_BYTES)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            raise _too_large(str(path)) from error
        reason = getattr(error, "strerror", None) or error
        msg = f"cannot be read ({reason}); check the path"
        raise TableError(msg, path=str(path)) from error
    return to_document(content, place.name)


def _too_large(name: str) -> TableError:
    return TableError(f"is larger than {MAX_BYTES // 1_000_000} MB; split it", path=name)


def to_document(content: bytes, name: str) -> Document:
    """Turn bytes into a document; HTML becomes its main text.

    Raises
    ------
    TableError
        When they are too many, or not text.
    MissingDependencyError
        When they are HTML and trafilatura is not installed.
    """
    if len(content) > MAX_BYTES:
        raise _too_large(name)
    text, encoding = _decode(content, name)
    digest = hashlib.sha256(content).hexdigest()
    if _HTML.search(text[:4000]):
        body, date = _from_html(text, name)
        return Document(name, digest, _clean(body), encoding, date)
    return Document(name, digest, _clean(text), encoding)


def unwrap(text: str) -> str:
    r"""Return a text in which line breaks within a paragraph are blanks, one for one.

    Agencies break lines at a fixed width, that of most lines which another one follows. A break is
    such a one where the first word of the next line would not have fitted, or where that line goes
    on in lower case. Blank lines, deeper indentation and list marks begin paragraphs.

    Parameters
    ----------
    text : str
        Of any length; spans of the result are spans of the text.

    Examples
    --------
    >>> unwrap("The pipeline was shut on Monday after a leak, the\ncompany said.")
    'The pipeline was shut on Monday after a leak, the company said.'
    """
    lines = text.split("\n")
    width = _wrap_width(lines)
    pieces = [lines[0]]
    for line, following in pairwise(lines):
        pieces += [" " if _is_soft(line, following, width) else "\n", following]
    return "".join(pieces)


def _wrap_width(lines: Sequence[str]) -> int | None:
    """Width at which the lines of a text are broken, or None where no width fits most of them."""
    lengths = [
        len(line.rstrip())
        for line, following in pairwise(lines)
        if len(line.rstrip()) >= _NARROWEST and _continues(line, following)
    ]
    if len(lengths) < _LINES_OF_WIDTH:
        return None
    width = max(lengths)
    ragged = sum(length >= width - _RAGGED for length in lengths)
    return width if width <= _WIDEST and ragged >= _MOSTLY * len(lengths) else None


def _is_soft(line: str, following: str, width: int | None) -> bool:
    stem = line.rstrip()
    if not stem or not _continues(line, following):
        return False
    first = following.split(None, 1)[0]
    if stem.isupper() and not following.isupper():
        return False  # a headline in capitals
    if width is not None and len(stem) + 1 + len(first) > width:
        return True
    goes_on = first[0].islower() and stem[-1] not in _ENDS
    return goes_on and _SHORTEST <= len(stem) <= _WIDEST


def _continues(line: str, following: str) -> bool:
    """Whether the next line may belong to the same paragraph."""
    if not following.strip() or _ITEM.match(following):
        return False
    return _indent(following) <= _indent(line) + 1


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


@cache
def _sentence_patterns(language: Language) -> tuple[Pattern, Pattern]:
    """Return what stands between sentences, and what a full stop does not end."""
    words = language.words.sentences
    between = rf"(?<=[.!?])[\"'”’)]*\s+(?={words.start})|\n+"
    return re.compile(between), re.compile(rf"\b(?:{alternation(words.abbreviations)}|[A-Z])\.$")


def sentences(document: Document, tables: Language | None = None) -> tuple[Sentence, ...]:
    """Split a document into sentences, as its language ends them; English where none is given."""
    text = document.text
    between, abbreviation = _sentence_patterns(tables or language())
    starts, begin = [], 0
    for match in between.finditer(text):
        if "\n" not in match.group() and abbreviation.search(
            text[max(0, match.start() - 8) : match.start()]
        ):
            continue
        starts.append((begin, match.start()))
        begin = match.end()
    starts.append((begin, len(text)))
    found = []
    for first, last in starts:
        piece = text[first:last]
        if piece.strip():
            lead = len(piece) - len(piece.lstrip())
            stop = first + len(piece.rstrip())
            found.append(Sentence(text[first + lead : stop], Span(first + lead, stop)))
    return tuple(found)


def quotations(document: Document, tables: Language | None = None) -> tuple[Span, ...]:
    """Return the spans inside quotation marks, within one line each."""
    quoted = (tables or language()).words.sentences.quoted
    return tuple(Span(match.start(1), match.end(1)) for match in quoted.finditer(document.text))


def printable(text: str) -> str:
    """Return text that is safe to show: no control characters, one line."""
    return "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)


def _decode(content: bytes, name: str) -> tuple[str, str]:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, errors="replace"), encoding
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        pass
    if b"\0" in content[:4000]:
        msg = "is not text (it holds NUL bytes); give a text or HTML file"
        raise TableError(msg, path=name)
    return content.decode("cp1252", errors="replace"), "cp1252"


def _clean(text: str) -> str:
    text = text.replace("\r\n", " \n").replace("\r", "\n")
    text = _INVISIBLE.sub(" ", text)
    return "".join(
        char if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cs"} else " "
        for char in text
    )


def _from_html(text: str, name: str) -> tuple[str, str | None]:
    try:
        import trafilatura
    except ImportError as error:
        msg = f"{name}: HTML needs trafilatura; install oil-eventstudy[articles] or give plain text"
        raise MissingDependencyError(msg) from error
    body = trafilatura.extract(text, include_comments=False, include_tables=False) or ""
    # The extensive search takes dates from links beside the article.
    data = trafilatura.extract_metadata(text, extensive=False)
    if not body.strip():
        msg = "holds no article text beside the rest of the page; give plain text"
        raise TableError(msg, path=name)
    return body, (data.date if data else None)
