"""Rows of a certificate: a rejection rate, the band it must keep, and whether it does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

NOMINAL = 0.05
BAND = (0.035, 0.065)
WIDER = 2.6


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """One rejection rate.

    `panel` is single, events, closed, mackinlay or power; `cell` names design and window;
    `rejection` is the share of `n` samples rejected at level `nominal`, or a power, or a closed
    form where n is 0. `low` and `high` are the band it must keep, NaN (and `inside` None) where it
    is only shown.
    """

    panel: str
    cell: str
    test: str
    nominal: float
    rejection: float
    n: int
    low: float = math.nan
    high: float = math.nan
    inside: bool | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """Every rate of one run, and how to make it again.

    The `series` of prices, from session `first` to `last` (ISO dates), gave `sessions` returns
    whose hash is `sha256`; `form` is full or quick; `command` is the one that makes it.
    """

    rows: tuple[CertificateRow, ...]
    series: str
    sha256: str
    first: str
    last: str
    sessions: int
    form: str
    seed: int
    command: str

    @property
    def ok(self) -> bool:
        """Whether every rate with a band keeps it."""
        return all(row.inside is not False for row in self.rows)

    @property
    def outside(self) -> tuple[CertificateRow, ...]:
        """Rates outside their band."""
        return tuple(row for row in self.rows if row.inside is False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; a missing bound is None."""
        rows = [
            {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(r).items()}
            for r in self.rows
        ]
        head = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "rows"}
        return {"ok": self.ok, **head, "rows": rows}


def banded(
    row: tuple[str, str, str], rejections: Sequence[bool], band: tuple[float, float] | None
) -> CertificateRow:
    """Turn the rejections of a row (panel, cell, test) into a rate beside its band, as it is."""
    n = len(rejections)
    rate = sum(map(bool, rejections)) / n if n else math.nan
    if band is None or not n:
        return CertificateRow(*row, NOMINAL, rate, n)
    low, high = band
    return CertificateRow(*row, NOMINAL, rate, n, low, high, low <= rate <= high)


def widened(band: tuple[float, float], n: int, *, quick: bool) -> tuple[float, float]:
    """Widen a band by 2.6 binomial standard errors in the quick form, which has few samples."""
    if not quick or not n:
        return band
    low, high = band
    slack = [WIDER * math.sqrt(max(p * (1 - p), 0.0) / n) for p in (low, high)]
    return max(0.0, low - slack[0]), min(1.0, high + slack[1])
