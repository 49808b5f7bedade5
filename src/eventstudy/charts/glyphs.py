"""Text that the bundled fonts can show."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

import matplotlib as mpl


@cache
def _glyphs() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return frozenset(FT2Font(str(path)).get_charmap())


def _has_glyph(letter: str) -> bool:
    if unicodedata.category(letter) in {"Cc", "Cf", "Co", "Cs", "Cn"}:
        return False
    right_to_left = unicodedata.bidirectional(letter) in {"R", "AL"}
    return ord(letter) in _glyphs() and not right_to_left


def transliterate(text: object) -> str:
    """Return `text` with everything the fonts cannot show written in Latin letters.

    Latin, Greek, Cyrillic and other scripts of the fonts that run from left to right stay as they
    are; a run of other letters is transliterated; control characters become spaces.
    """
    from anyascii import anyascii

    composed = unicodedata.normalize("NFC", str(text))
    if composed.isascii() and composed.isprintable():
        return " ".join(composed.split())
    parts = [
        letter if _has_glyph(letter) else _latin(letter, anyascii(letter)) for letter in composed
    ]
    return " ".join("".join(parts).split())


def _latin(letter: str, letters: str) -> str:
    if unicodedata.category(letter) == "Cc":
        return " "
    if letters and letter.isalpha() and letters[:1].isupper():
        return f"{letters} "  # ideographs become one capitalised syllable each
    return letters or " "


def has_glyphs(text: object) -> bool:
    """Whether the fonts show every letter of `text` as it is."""
    return all(
        _has_glyph(letter) or letter.isspace() for letter in unicodedata.normalize("NFC", str(text))
    )
