"""The U.S. Energy Information Administration: workbooks without a key, its API with one."""

from __future__ import annotations

import json
import math
import os
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlencode

from eventstudy.errors import MissingDependencyError
from eventstudy.prices.bars import Bar
from eventstudy.prices.sources import (
    Answer,
    Request,
    SourceError,
    download,
    from_day,
    loopback_base,
)
from eventstudy.products import product_table

BASE_VARIABLE: Final = "EVENTSTUDY_EIA_BASE"
KEY_VARIABLE: Final = "EIA_API_KEY"
_PAGE: Final = 5000
_SPOT_ROUTE: Final = "petroleum/pri/spt"
_FUTURES_ROUTE: Final = "petroleum/pri/fut"


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
        if request.interval != "1d":
            msg = f"has no {request.interval} bars"
            raise SourceError(msg)
        key = os.environ.get(KEY_VARIABLE, "")
        bars = _from_api(request, key) if key else _from_workbook(request)
        kept = from_day(tuple(bars), request.first)
        if not kept:
            msg = "no figure in this period"
            raise SourceError(msg)
        return Answer(kept, ("read from the API" if key else "read from the workbook",))


def _home(default: str) -> str:
    base = os.environ.get(BASE_VARIABLE, "")
    return loopback_base(BASE_VARIABLE, base) if base else default


def _from_api(request: Request, key: str) -> list[Bar]:
    bars: dict[str, Bar] = {}
    offset, total = 0, 1
    while offset < total:
        rows, total = _page(request, key, offset)
        bars |= {bar.stamp: bar for bar in map(_api_bar, rows) if bar}
        if not rows:
            break
        offset += len(rows)
    return [bars[stamp] for stamp in sorted(bars)]


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
    url = f"{_home('https://api.eia.gov')}/v2/{route}/data/?{urlencode(query)}"
    raw = download(url, shown="the API", timeout=request.timeout)
    try:
        answer = json.loads(raw)["response"]
        return list(answer["data"]), int(answer["total"])
    except (ValueError, KeyError, TypeError):
        msg = "the API answered something else than a page of figures"
        raise SourceError(msg, transient=True) from None


def _api_bar(row: Any) -> Bar | None:  # noqa: ANN401  # whatever the JSON holds
    try:
        if row["value"] is None or row["value"] == "":
            return None
        # The API has given the value as a number and as text.
        value, stamp = float(row["value"]), date.fromisoformat(row["period"]).isoformat()
    except (KeyError, TypeError, ValueError):
        msg = f"the API gave a row that is no day and number: {str(row)[:80]}"
        raise SourceError(msg) from None
    return Bar(stamp, value) if math.isfinite(value) else None


def _from_workbook(request: Request) -> list[Bar]:
    url = f"{_home('https://www.eia.gov')}/dnav/pet/hist_xls/{request.symbol}d.xls"
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
    if [row[1] for row in rows if row[0] == "Sourcekey"] != [symbol]:
        msg = f"the workbook does not hold {symbol}"
        raise SourceError(msg)
    days = [row for row in rows if isinstance(row[0], float) and isinstance(row[1], float)]
    return [
        Bar(datetime(*xlrd.xldate_as_tuple(row[0], book.datemode)).date().isoformat(), row[1])  # noqa: DTZ001  # a day
        for row in days
    ]
