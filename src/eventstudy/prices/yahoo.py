"""Yahoo Finance through yfinance: front months, single contracts and indices.

Only ``Ticker.history`` is used: it raises where ``download`` logs and returns an empty frame.
Whatever goes wrong inside becomes one `SourceError`, and no rows is an error.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import warnings
from datetime import date, timedelta
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from eventstudy.errors import MissingDependencyError
from eventstudy.prices.records import Bar
from eventstudy.prices.sources import (
    RATE_LIMITED,
    UNREACHABLE,
    Answer,
    Request,
    SourceError,
    checked,
    loopback_base,
    retry_after,
)
from eventstudy.web import MAX_BYTES

BASE_VARIABLE: Final = "EVENTSTUDY_YAHOO_BASE"
# How far back the source keeps bars of each interval.
KEPT_DAYS: Final = {"1m": 7, "5m": 59, "1h": 729}
_LIVE: Final = timedelta(days=1)  # the running session, in UTC
_COLUMNS: Final = ("Open", "High", "Low", "Volume")  # the order of a Bar after its close


class Yahoo:
    """The source ``yahoo``."""

    name = "yahoo"

    def fetch(self, request: Request) -> Answer:
        """Return the bars from `request.first` on.

        Raises
        ------
        SourceError
            For every failure, with the library's reason.
        """
        frame = _history(request)
        if frame.empty:
            msg = "no rows: the symbol is unknown, expired, or has no bars in this period"
            raise SourceError(msg)
        missing = int(frame["Close"].isna().sum())
        notes = (f"{missing} bar(s) without a close left out",) if missing else ()
        frame = frame[frame["Close"].notna()]
        if frame.empty:
            msg = f"{missing} bar(s), none with a close"
            raise SourceError(msg)
        bars, latest = _bars(frame, intraday=request.interval != "1d", today=request.today)
        return checked(Answer(tuple(bars), (*notes, *latest)), request)


def shortest(value: float) -> float:
    """Undo the widening of a 32-bit value: 56.130001068115234 was sent for 56.13."""
    if not np.isfinite(value) or float(value).is_integer():
        return value  # a large volume has more digits than the narrow form prints
    narrow = np.float32(value)
    return float(str(narrow)) if float(narrow) == value else value


def _history(request: Request) -> pd.DataFrame:
    import yfinance
    from yfinance.data import YfData
    from yfinance.exceptions import YFRateLimitError

    session = _session()
    # The library remembers answers, failures among them: a repeated question must be asked again.
    YfData.cache_get.cache_clear()
    # It and the parser below it log to standard error what is raised and reported here.
    for name in ("yfinance", "bs4"):
        logging.getLogger(name).addHandler(logging.NullHandler())
    first = request.first
    if first is None and request.interval != "1d":
        first = request.today - timedelta(days=KEPT_DAYS[request.interval])
    debug = yfinance.config.debug
    hidden, debug.hide_exceptions = debug.hide_exceptions, False
    try:
        with warnings.catch_warnings():
            # The library still uses calls that pandas has deprecated.
            warnings.simplefilter("ignore")
            ticker = yfinance.Ticker(request.symbol, session=session)
            frame: pd.DataFrame = ticker.history(
                start=(first or date(1970, 1, 1)).isoformat(),
                interval=request.interval,
                prepost=request.interval != "1d",  # futures trade around the clock
                auto_adjust=False,
                actions=False,
                keepna=True,
                timeout=request.timeout,
            )
    except YFRateLimitError:
        msg = "HTTP 429, too many requests"
        raise SourceError(
            msg, transient=True, retry_after=session.retry_after, suspended=RATE_LIMITED
        ) from None
    except Exception as error:  # the library raises everything from IndexError up
        status = session.status
        if status == 404:  # noqa: PLR2004  # not found
            msg = "HTTP 404, the symbol is unknown or has expired"
            raise SourceError(msg) from error
        answered = f"HTTP {status}, " if status and status >= 400 else ""  # noqa: PLR2004  # HTTP errors
        reason = " ".join(str(error).split()).partition(". See http")[0][:200]
        msg = f"{answered}{type(error).__name__}: {reason}"
        kinds = {kind.__name__ for kind in type(error).__mro__}
        suspended = UNREACHABLE if kinds & {"ConnectionError", "ProxyError"} else ""
        raise SourceError(msg, transient=True, suspended=suspended) from error
    finally:
        debug.hide_exceptions = hidden
    for name in session.symbols - {request.symbol}:
        msg = f"returned the series {name[:40]!r}"
        raise SourceError(msg)
    return frame


def _bars(frame: pd.DataFrame, *, intraday: bool, today: date) -> tuple[list[Bar], list[str]]:
    index = pd.DatetimeIndex(frame.index)
    if intraday:
        stamps = index.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    else:
        # The bar's day is that of its own zone, also where it is stamped 09:30.
        stamps = index.tz_localize(None).strftime("%Y-%m-%d")
    columns = [frame[column].to_numpy(dtype=float) for column in _COLUMNS]
    closes = frame["Close"].to_numpy(dtype=float)
    bars: list[Bar] = []
    notes: list[str] = []
    for row, (stamp, close) in enumerate(zip(stamps, closes, strict=True)):
        opened, high, low, volume = (_value(float(values[row])) for values in columns)
        bar = Bar(stamp, shortest(float(close)), opened, high, low, volume)
        if bars and bars[-1].stamp == stamp and stamp[:10] >= (today - _LIVE).isoformat():
            # The running session comes as a bar of its own behind the one of the day.
            notes.append(f"{stamp} came twice, {bars[-1].close:g} and then {bar.close:g}")
            bars[-1] = bar
        else:
            bars.append(bar)
    return bars, notes


def _value(value: float) -> float | None:
    return None if np.isnan(value) else shortest(value) if np.isfinite(value) else value


def _session() -> Any:  # noqa: ANN401  # a session of curl_cffi
    base = os.environ.get(BASE_VARIABLE, "")
    return _session_class()(loopback_base(BASE_VARIABLE, base) if base else "")


def _symbols(content: bytes) -> set[str]:
    """Return the names of the series in a chart; none where it is not one."""
    try:
        results = json.loads(content)["chart"]["result"]
        return {str(result["meta"]["symbol"]) for result in results}
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()


@cache
def _session_class() -> Any:  # noqa: ANN401  # a class built on an untyped library
    try:
        from curl_cffi import requests
    except ImportError as error:
        msg = "the source yahoo needs curl_cffi, which yfinance brings: install it again"
        raise MissingDependencyError(msg) from error

    class Session(requests.Session):  # type: ignore[misc]  # the base class is untyped
        """Remembers the last status; sends the source's hosts to a loopback address in tests."""

        def __init__(self, base: str) -> None:
            super().__init__(impersonate="chrome")
            self.base = base
            self.status: int | None = None
            self.retry_after: float | None = None
            self.symbols: set[str] = set()
            if base:
                _forget_zones()

        def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401  # passed on
            parts = urlsplit(url)
            if self.base and (parts.hostname or "").endswith("yahoo.com"):
                url = f"{self.base}{parts.path}" + (f"?{parts.query}" if parts.query else "")
            body = bytearray()

            def piece(data: bytes) -> int:
                # Counted after decompression: a small answer may unpack to any size.
                if len(body) + len(data) > MAX_BYTES:
                    msg = "the answer is too large"
                    raise SourceError(msg)
                body.extend(data)
                return len(data)

            answer = super().request(method, url, *args, content_callback=piece, **options)
            answer.content = bytes(body)
            if "/v8/finance/chart/" in parts.path:
                self.status = answer.status_code
                self.symbols |= _symbols(answer.content)
            self.retry_after = retry_after(answer.headers.get("Retry-After"))
            return answer

    return Session


@cache
def _forget_zones() -> None:
    """Keep the time zones that a server of the tests reports out of the user's cache."""
    import yfinance

    yfinance.set_tz_cache_location(tempfile.mkdtemp(prefix="eventstudy-zones-"))
