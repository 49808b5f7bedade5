"""Words by class: tokens of a sentence, their stems, and the classes that the words belong to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+(?:[.,]\d+)*")
_EXACT = "="
_GAP, _WIDEST_GAP = "...", 4  # what stands for words between those of a phrase, and how many


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a sentence.

    Parameters
    ----------
    start, end : int
        Characters of the sentence.
    word, stem : str
        In lower case, and without its ending.
    """

    start: int
    end: int
    word: str
    stem: str


@dataclass(frozen=True, slots=True)
class Hit:
    """Words of a class: tokens ``first..last`` of a sentence, `last` excluded."""

    name: str
    first: int
    last: int

    def overlaps(self, other: Hit) -> bool:
        """Whether the two share a token."""
        return self.first < other.last and other.first < self.last

    def gap(self, other: Hit) -> int:
        """Count the tokens between the two."""
        return max(other.first - self.last, self.first - other.last, 0)


@lru_cache(maxsize=65_536)
def stem(word: str, stemmer: str) -> str:
    """Return the stem of a word in lower case, by a Snowball stemmer.

    Parameters
    ----------
    word : str
        One word.
    stemmer : str
        Language of the stemmer, such as ``"english"``.

    References
    ----------
    Porter, M. F. (2001). Snowball: a language for stemming algorithms.

    Examples
    --------
    >>> stem("suspended", "english"), stem("suspending", "english")
    ('suspend', 'suspend')
    """
    import snowballstemmer

    return str(snowballstemmer.stemmer(stemmer).stemWord(word))


def tokens_of(text: str, stemmer: str) -> tuple[Token, ...]:
    """Split a sentence into words; hyphens part them."""
    found = []
    for match in _TOKEN.finditer(text):
        word = match.group().casefold().replace("’", "'")
        found.append(Token(match.start(), match.end(), word, stem(word, stemmer)))
    return tuple(found)


class Lexicon:
    """Finds the words of several classes.

    Parameters
    ----------
    classes : mapping of str to sequence of str
        Words and phrases of each class. A word stands for all words with its stem, ``"=word"`` for
        itself; the words of a phrase follow each other, up to four others standing at ``...``.
    stemmer : str
        See `stem`.

    Notes
    -----
    A hit inside a longer one is none: in "air strike" nobody refuses to work.
    """

    __slots__ = ("_entries",)

    def __init__(self, classes: Mapping[str, Sequence[str]], stemmer: str) -> None:
        entries: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for name, phrases in classes.items():
            for phrase in phrases:
                keys = tuple(_keys(phrase, stemmer))
                entries.setdefault(keys[0], []).append((name, keys))
        self._entries = entries

    def find(self, tokens: Sequence[Token]) -> tuple[Hit, ...]:
        """Return the hits in a sentence, in its order, the longest at each place."""
        hits = [hit for index in range(len(tokens)) for hit in self._at(tokens, index)]
        longest = [0] * len(tokens)
        for hit in hits:
            for index in range(hit.first, hit.last):
                longest[index] = max(longest[index], hit.last - hit.first)
        return tuple(
            hit for hit in hits if hit.last - hit.first >= max(longest[hit.first : hit.last])
        )

    def _at(self, tokens: Sequence[Token], index: int) -> Iterable[Hit]:
        token = tokens[index]
        seen: dict[str, int] = {}
        for key in (token.stem, _EXACT + token.word):
            for name, keys in self._entries.get(key, ()):
                last = _end(tokens, index, keys)
                if last is not None:
                    seen[name] = max(seen.get(name, 0), last)
        return (Hit(name, index, last) for name, last in seen.items())


def _keys(phrase: str, stemmer: str) -> Iterable[str]:
    exact = phrase.startswith(_EXACT)
    for piece in phrase.removeprefix(_EXACT).split():
        if piece == _GAP:
            yield _GAP
        for match in _TOKEN.finditer(piece):
            word = match.group().casefold()
            yield _EXACT + word if exact else stem(word, stemmer)


def _end(tokens: Sequence[Token], index: int, keys: Sequence[str]) -> int | None:
    """Token after the last of a phrase that begins at `index`, or None where it does not."""
    reach = 0
    for key in keys:
        if key == _GAP:
            reach = _WIDEST_GAP
            continue
        stop = min(index + reach, len(tokens) - 1)
        found = next((i for i in range(index, stop + 1) if _is(tokens[i], key)), None)
        if found is None:
            return None
        index, reach = found + 1, 0
    return index


def _is(token: Token, key: str) -> bool:
    return key in {token.stem, _EXACT + token.word}
