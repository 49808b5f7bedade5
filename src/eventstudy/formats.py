"""How numbers, shares and lists of names are shown: one place for terminal, page and notebook."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Format = Literal["", "plain", "signed", "pvalue", "count"]
SMALLEST_P = 0.001
MOST_NAMES = 20
_HYPHEN = re.compile(r"(?<![\w.-])-(?=\d)")


@dataclass(frozen=True, slots=True)
class Numerals:
    """How the numbers of one medium look: minus sign, thousands separator, missing numbers.

    Examples
    --------
    >>> PLAIN.signed(-1.526), PLAIN.pvalue(0.00021), PLAIN.span(-4.1, 1.2)
    ('-1.53', '<0.001', '-4.10 to +1.20')
    >>> TYPESET.number(float("nan"))
    '–'
    """

    minus: str = "-"
    thousands: str = ""
    missing: str = ""

    def number(self, value: float, digits: int = 2) -> str:
        """Return a number with a fixed number of decimals."""
        if not math.isfinite(value):
            return self.missing
        rounded = round(float(value), digits) + 0.0  # adding 0.0 turns a negative zero into zero
        shown = f"{rounded:,.{digits}f}".replace(",", self.thousands)
        return shown.replace("-", self.minus)

    def signed(self, value: float, digits: int = 2) -> str:
        """Return a number with its sign always shown."""
        positive = math.isfinite(value) and round(float(value), digits) > 0
        return f"+{self.number(value, digits)}" if positive else self.number(value, digits)

    def whole(self, value: float) -> str:
        """Return a count."""
        return self.number(value, 0)

    def span(self, low: float, high: float, digits: int = 2) -> str:
        """Return an interval as ``low to high``; as missing where an end is."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return self.missing
        return f"{self.signed(low, digits)} to {self.signed(high, digits)}"

    def pvalue(self, value: float) -> str:
        """Return a p-value with three decimals; small ones as a bound."""
        if not math.isfinite(value):
            return self.missing
        return f"<{SMALLEST_P}" if value < SMALLEST_P else f"{value:.3f}"

    def named_pvalue(self, value: float) -> str:
        """Return a p-value for a sentence, such as ``p = 0.310`` or ``p < 0.001``."""
        shown = self.pvalue(value)
        return f"p < {shown[1:]}" if shown.startswith("<") else f"p = {shown}"


PLAIN = Numerals()
TYPESET = Numerals(minus="\u2212", thousands="\u202f", missing="\u2013")


def significant(value: float, form: Format = "", *, digits: int = 4) -> str:
    """Return a number in the format that its column declares; empty where missing.

    `digits` are significant digits of what is neither a p-value nor a count.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    if form == "pvalue":
        return PLAIN.pvalue(value)
    if form == "count" or isinstance(value, int):
        return f"{value:.0f}"
    return f"{value:+.{digits}g}" if form == "signed" else f"{value:.{digits}g}"


def percent(share: float) -> str:
    """Return a share such as a level or a coverage in per cent.

    Examples
    --------
    >>> percent(0.05), percent(1 - 0.05)
    ('5%', '95%')
    """
    return f"{100 * share:g}%"


def true_minus(text: str) -> str:
    """Write the hyphens before numbers of a sentence as minus signs."""
    return _HYPHEN.sub(TYPESET.minus, text)


def listed(items: Sequence[str], most: int = MOST_NAMES, *, sep: str = "; ") -> str:
    """Return the first names of a list, and how many more there are.

    Examples
    --------
    >>> listed(["a", "b", "c", "d"], 2), listed(["a", "b", "c", "d"], 2, sep=", ")
    ('a; b; and 2 more', 'a, b and 2 more')
    """
    shown, more = sep.join(items[:most]), len(items) - most
    if more <= 0:
        return shown
    return f"{shown}{'' if sep == ', ' else sep.rstrip()} and {more} more"
