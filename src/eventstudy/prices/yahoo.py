"""Yahoo Finance through yfinance: front months, single contracts and indices.

Only ``Ticker.history`` is used: it raises where ``download`` logs and returns an empty frame.
Whatever goes wrong inside becomes one `SourceError`, and no rows is an error.
"""

from __future__ import annotations

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
    loopback_base,
)

BASE_VARIABLE: Final = "EVENTSTUDY_YAHOO_BASE"
# How far back the source keeps bars of each interval.
KEPT_DAYS: Final = {"1m": 7, "5m": 59, "1h": 729}
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
        return Answer(tuple(_bars(frame, intraday=request.interval != "1d")), notes)


def shortest(value: float) -> float:
    """Undo the widening of a 32-bit value: 56.130001068115234 was sent for 56.13."""
    if float(value).is_integer():
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
            frame: pd.DataFrame = yfinance.Ticker(request.symbol, session=session).history(
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
    return frame


def _bars(frame: pd.DataFrame, *, intraday: bool) -> list[Bar]:
    index = pd.DatetimeIndex(frame.index)
    if intraday:
        stamps = index.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    else:
        # The bar's day is that of its own zone, also where it is stamped 09:30.
        stamps = index.tz_localize(None).strftime("%Y-%m-%d")
    columns = [frame[column].to_numpy(dtype=float) for column in _COLUMNS]
    closes = frame["Close"].to_numpy(dtype=float)
    bars: dict[str, Bar] = {}
    for row, (stamp, close) in enumerate(zip(stamps, closes, strict=True)):
        opened, high, low, volume = (_value(float(values[row])) for values in columns)
        bars[stamp] = Bar(stamp, shortest(float(close)), opened, high, low, volume)
    return [bars[stamp] for stamp in sorted(bars)]


def _value(value: float) -> float | None:
    return None if np.isnan(value) else shortest(value)


def _session() -> Any:  # noqa: ANN401  # a session of curl_cffi
    base = os.environ.get(BASE_VARIABLE, "")
    return _session_class()(loopback_base(BASE_VARIABLE, base) if base else "")


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
            if base:
                _forget_zones()

        def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401  # passed on
            parts = urlsplit(url)
            if self.base and (parts.hostname or "").endswith("yahoo.com"):
                url = f"{self.base}{parts.path}" + (f"?{parts.query}" if parts.query else "")
            answer = super().request(method, url, *args, **options)
            if "/v8/finance/chart/" in parts.path:
                self.status = answer.status_code
            wait = answer.headers.get("Retry-After")
            self.retry_after = float(wait) if wait and wait.isdigit() else None
            return answer

    return Session


@cache
def _forget_zones() -> None:
    """Keep the time zones that a server of the tests reports out of the user's cache."""
    import yfinance

    yfinance.set_tz_cache_location(tempfile.mkdtemp(prefix="eventstudy-zones-"))
