"""FRED graph data as CSV, without a key: spot prices and volatility indices by day."""

from __future__ import annotations

import csv
import math
import os
from datetime import date
from typing import Final
from urllib.parse import urlencode

from eventstudy.prices.bars import Bar
from eventstudy.prices.sources import (
    Answer,
    Request,
    SourceError,
    download,
    from_day,
    loopback_base,
)

BASE_VARIABLE: Final = "EVENTSTUDY_FRED_BASE"
_HOME: Final = "https://fred.stlouisfed.org"
_DATE_COLUMNS: Final = ("observation_date", "DATE")


class Fred:
    """The source ``fred``."""

    name = "fred"

    def fetch(self, request: Request) -> Answer:
        """Return daily closes from `request.first` on.

        Raises
        ------
        SourceError
            When the document is not the CSV that was asked for.
        """
        if request.interval != "1d":
            msg = f"has no {request.interval} bars"
            raise SourceError(msg)
        base = os.environ.get(BASE_VARIABLE, "")
        home = loopback_base(BASE_VARIABLE, base) if base else _HOME
        query = {"id": request.symbol}
        if request.first is not None:
            query["cosd"] = request.first.isoformat()
        url = f"{home}/graph/fredgraph.csv?{urlencode(query)}"
        raw = download(url, shown="fredgraph.csv", timeout=request.timeout)
        return parse_fred(raw, request)


def parse_fred(raw: bytes, request: Request) -> Answer:
    """Read the CSV, with ``DATE`` and points or ``observation_date`` and blanks for holidays.

    Raises
    ------
    SourceError
        When it has another header, a bad date or number, or no figure.
    """
    rows = list(csv.reader(raw.decode("utf-8-sig", errors="replace").splitlines()))
    if not rows or len(rows[0]) != 2 or rows[0][0] not in _DATE_COLUMNS:  # noqa: PLR2004  # date and value
        msg = f"answered something else than the CSV of a series: {_start(raw)}"
        raise SourceError(msg, transient=True)
    if rows[0][1] != request.symbol:
        msg = f"answered the series {rows[0][1]!r}"
        raise SourceError(msg)
    bars, blank = [], 0
    for line, cells in enumerate(rows[1:], start=2):
        if len(cells) == 2 and cells[1].strip() in ("", "."):  # noqa: PLR2004  # date and value
            blank += 1
            continue
        bars.append(_bar(cells, line))
    if not bars:
        msg = "no figure in this period"
        raise SourceError(msg)
    notes = (f"{blank} day(s) without a figure",) if blank else ()
    return Answer(from_day(tuple(bars), request.first), notes)


def _bar(cells: list[str], line: int) -> Bar:
    try:
        day, text = cells
        value = float(text)
        stamp = date.fromisoformat(day).isoformat()
    except ValueError:
        msg = f"line {line} is no date and number: {','.join(cells)[:60]!r}"
        raise SourceError(msg, transient=True) from None
    if not math.isfinite(value):
        msg = f"line {line} holds {text!r}"
        raise SourceError(msg)
    return Bar(stamp, value)


def _start(raw: bytes) -> str:
    return repr(" ".join(raw[:80].decode("utf-8", errors="replace").split()))
