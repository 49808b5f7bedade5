"""Daily series of two public agencies: FRED's graph data and the EIA's workbooks or API.

Neither needs a key; with one the EIA's API is used instead of its workbooks.
"""

from __future__ import annotations

import csv
import json
import os
import time
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlencode

from eventstudy.errors import MissingDependencyError
from eventstudy.prices.records import Bar
from eventstudy.prices.sources import (
    Answer,
    Request,
    SourceError,
    checked,
    download,
    from_day,
    loopback_base,
    require_daily,
)
from eventstudy.products import product_table
from eventstudy.tables import finite

FRED_BASE: Final = "EVENTSTUDY_FRED_BASE"
EIA_BASE: Final = "EVENTSTUDY_EIA_BASE"
KEY_VARIABLE: Final = "EIA_API_KEY"
_DATE_COLUMNS: Final = ("observation_date", "DATE")
_PAGE: Final = 5000
_MOST_ROWS: Final = 100_000  # a series since 1986 has ten thousand
_PAGES_TIME: Final = 5  # timeouts for all pages together
_SPOT_ROUTE: Final = "petroleum/pri/spt"
_FUTURES_ROUTE: Final = "petroleum/pri/fut"


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
        require_daily(request)
        query = {"id": request.symbol}
        if request.first is not None:
            query["cosd"] = request.first.isoformat()
        url = f"{_home(FRED_BASE, 'https://fred.stlouisfed.org')}/graph/fredgraph.csv?{urlencode(query)}"
        raw = download(url, shown="fredgraph.csv", timeout=request.timeout)
        return parse_fred(raw, request)


def parse_fred(raw: bytes, request: Request) -> Answer:
    """Read the CSV, with ``DATE`` and points or ``observation_date`` and blanks for holidays.

    Raises
    ------
    SourceError
        When it has another header, a bad date or number, or no value.
    """
    try:
        rows = list(csv.reader(raw.decode("utf-8-sig", errors="replace").splitlines()))
    except csv.Error as error:
        msg = f"returned something other than the CSV of a series: {error}"
        raise SourceError(msg, transient=True) from None
    if not rows or len(rows[0]) != 2 or rows[0][0] not in _DATE_COLUMNS:  # noqa: PLR2004  # date and value
        start = " ".join(raw[:80].decode("utf-8", errors="replace").split())
        msg = f"returned something other than the CSV of a series: {start!r}"
        raise SourceError(msg, transient=True)
    if rows[0][1] != request.symbol:
        msg = f"returned the series {rows[0][1]!r}"
        raise SourceError(msg)
    bars, blank = [], 0
    for line, cells in enumerate(rows[1:], start=2):
        if len(cells) == 2 and cells[1].strip() in ("", "."):  # noqa: PLR2004  # date and value
            blank += 1
            continue
        bars.append(_fred_bar(cells, line))
    notes = (f"{blank} day(s) without a value",) if blank else ()
    return checked(Answer(from_day(tuple(bars), request.first), notes), request)


def _fred_bar(cells: list[str], line: int) -> Bar:
    try:
        day, text = cells
        stamp = date.fromisoformat(day).isoformat()
    except ValueError:
        msg = f"line {line} is not a date and a number: {','.join(cells)[:60]!r}"
        raise SourceError(msg, transient=True) from None
    try:
        return Bar(stamp, finite(text))
    except ValueError:
        msg = f"line {line} holds {text[:60]!r}"
        raise SourceError(msg) from None


class Eia:
    """The source ``eia``: API version 2 where ``EIA_API_KEY`` is set, else the workbook."""

    name = "eia"

    def fetch(self, request: Request) -> Answer:
        """Return daily closes from `request.first` on.

        Raises
        ------
        SourceError
            When the answer is not the series that was asked for.
        """
        require_daily(request)
        key = os.environ.get(KEY_VARIABLE, "")
        bars = _from_api(request, key) if key else _from_workbook(request)
        kept = from_day(tuple(bars), request.first)
        note = "read from the API" if key else "read from the workbook"
        return checked(Answer(kept, (note,)), request)


def _home(variable: str, default: str) -> str:
    """Address of a source, or the one on this machine that replaces it in tests."""
    base = os.environ.get(variable, "")
    return loopback_base(variable, base) if base else default


def _from_api(request: Request, key: str) -> list[Bar]:
    bars: list[Bar] = []
    offset, total = 0, 1
    deadline = time.monotonic() + _PAGES_TIME * request.timeout
    while offset < total:
        if offset >= _MOST_ROWS or time.monotonic() > deadline:
            msg = f"the API announces {total} rows and was left after {offset}"
            raise SourceError(msg)
        rows, total = _page(request, key, offset)
        bars += [bar for bar in (_api_bar(row, request.symbol) for row in rows) if bar]
        if not rows:
            msg = f"the API announced {total} rows and gave {offset}"
            if total > offset:
                raise SourceError(msg, transient=True)
            break
        offset += len(rows)
    return bars


def _spot_symbols() -> set[str]:
    spots = (item.spot for item in product_table().products.values())
    return {symbol for spot in spots if spot for source, symbol in spot.symbols if source == "eia"}


def _page(request: Request, key: str, offset: int) -> tuple[list[Any], int]:
    route = _SPOT_ROUTE if request.symbol in _spot_symbols() else _FUTURES_ROUTE
    query = {
        "api_key": key,
        "frequency": "daily",
        "data[0]": "value",
        "facets[series][]": request.symbol,
        "sort[0][column]": "period",
        "sort[0][direction]": "asc",
        "offset": str(offset),
        "length": str(_PAGE),
    }
    if request.first is not None:
        query["start"] = request.first.isoformat()
    url = f"{_home(EIA_BASE, 'https://api.eia.gov')}/v2/{route}/data/?{urlencode(query)}"
    raw = download(url, shown="the API", timeout=request.timeout)
    try:
        answer = json.loads(raw, parse_constant=str)["response"]
        return list(answer["data"]), int(answer["total"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        msg = "the API returned something other than a page of data"
        raise SourceError(msg, transient=True) from None


def _api_bar(row: Any, symbol: str) -> Bar | None:  # noqa: ANN401  # whatever the JSON holds
    try:
        if row.get("series", symbol) != symbol:
            msg = f"the API returned the series {str(row['series'])[:40]!r}"
            raise SourceError(msg)
        if row["value"] is None or row["value"] == "":
            return None
        # The API has given the value as a number and as text.
        return Bar(date.fromisoformat(row["period"]).isoformat(), finite(row["value"]))
    except (AttributeError, KeyError, TypeError, ValueError):
        msg = f"the API returned a row that is not a day and a number: {str(row)[:80]}"
        raise SourceError(msg) from None


def _from_workbook(request: Request) -> list[Bar]:
    url = f"{_home(EIA_BASE, 'https://www.eia.gov')}/dnav/pet/hist_xls/{request.symbol}d.xls"
    raw = download(url, shown=f"{request.symbol}d.xls", timeout=request.timeout)
    return parse_workbook(raw, request.symbol)


def parse_workbook(raw: bytes, symbol: str) -> list[Bar]:
    """Read the sheet ``Data 1``: the key of the series, then a row per day.

    Raises
    ------
    SourceError
        When it is not the workbook of `symbol`.
    MissingDependencyError
        When xlrd is not installed.
    """
    try:
        import xlrd  # type: ignore[import-untyped]  # it has no stubs
    except ImportError as error:
        msg = "reading EIA workbooks needs xlrd: install 'oil-eventstudy[eia]' or set EIA_API_KEY"
        raise MissingDependencyError(msg) from error
    try:
        book = xlrd.open_workbook(file_contents=raw)
        sheet = book.sheet_by_name("Data 1")
        rows = [sheet.row_values(number) for number in range(sheet.nrows)]
    except Exception as error:  # noqa: BLE001  # the library raises everything on a damaged file
        msg = f"the workbook cannot be read ({type(error).__name__})"
        raise SourceError(msg, transient=True) from None
    if [row[1] for row in rows if row[:1] == ["Sourcekey"]] != [symbol]:
        msg = f"the workbook does not hold {symbol}"
        raise SourceError(msg)
    cells = [row[:2] for row in rows if [type(cell) for cell in row[:2]] == [float, float]]
    try:
        return [Bar(_workbook_day(xlrd, day, book.datemode), value) for day, value in cells]
    except (ValueError, xlrd.xldate.XLDateError):
        msg = f"the workbook of {symbol} holds a day that is none"
        raise SourceError(msg) from None


def _workbook_day(xlrd: Any, day: float, datemode: int) -> str:  # noqa: ANN401  # a module without stubs
    return datetime(*xlrd.xldate_as_tuple(day, datemode)).date().isoformat()  # noqa: DTZ001  # a day
