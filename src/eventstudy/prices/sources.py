"""What a price source is: the protocol, how one is asked again, and where its code is."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Protocol
from urllib import error as url_error
from urllib import request as url_request
from urllib.parse import urlsplit

from eventstudy.errors import EventStudyError, PriceSourceError
from eventstudy.prices.files import read_column
from eventstudy.prices.records import Bar, Interval

TIMEOUT: Final = 20.0
_TOO_MANY: Final = 429
_SERVER: Final = 500
_AGENT: Final = "oil-eventstudy (price refresh)"


class SourceError(PriceSourceError):
    """A source that did not answer, or returned invalid data.

    Parameters
    ----------
    message : str
        What happened.
    transient : bool
        Whether asking again may help.
    retry_after : float, optional
        Seconds to wait before the next request, as the source demands.
    suspended : str
        Why the source should not be asked for anything else in this run; empty where it may.
    """

    def __init__(
        self,
        message: str,
        *,
        transient: bool = False,
        retry_after: float | None = None,
        suspended: str = "",
    ) -> None:
        super().__init__(message)
        self.transient = transient
        self.retry_after = retry_after
        self.suspended = suspended


RATE_LIMITED: Final = "rate limited"
UNREACHABLE: Final = "it could not be reached"


@dataclass(frozen=True, slots=True)
class Request:
    """A question to a source.

    Parameters
    ----------
    symbol : str
        The source's own name of the series.
    first : date or None
        First day wanted; None for everything there is.
    interval : str
        ``1d`` or an intraday interval.
    today : date
        The day of asking, in UTC.
    timeout : float
        Seconds.
    """

    symbol: str
    first: date | None
    today: date
    interval: Interval = "1d"
    timeout: float = TIMEOUT


@dataclass(frozen=True, slots=True)
class Answer:
    """Bars in order, and notes about what was left out of them."""

    bars: tuple[Bar, ...]
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Anything that answers a `Request` or raises `SourceError`; no rows is an error."""

    @property
    def name(self) -> str:
        """Name in the catalogue of instruments."""

    def fetch(self, request: Request) -> Answer:
        """Return the bars from `request.first` on."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how slowly a source is asked again.

    Parameters
    ----------
    attempts : int
        Requests at most.
    base, cap : float
        Seconds before the first retry, doubled each time, and the longest wait. A source that
        demands more than `cap` seconds is given up for this run.
    """

    attempts: int = 4
    base: float = 1.0
    cap: float = 60.0


def ask(
    source: Source,
    request: Request,
    *,
    retry: RetryPolicy,
    rng: random.Random,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Ask a source, again after a growing and jittered wait where that may help.

    Raises
    ------
    SourceError
        When the last attempt failed, when asking again cannot help, or when the source asked for a
        longer wait than `retry` allows.
    """
    for attempt in range(1, retry.attempts + 1):
        try:
            return source.fetch(request)
        except SourceError as error:
            wait = min(retry.cap, retry.base * 2 ** (attempt - 1)) * rng.uniform(0.5, 1.0)
            wait = max(wait, error.retry_after or 0.0)
            if not error.transient or attempt == retry.attempts or wait > retry.cap:
                tries = f" (asked {attempt} times)" if attempt > 1 else ""
                msg = f"{source.name} {request.symbol}: {error}{tries}"
                raise SourceError(
                    msg,
                    transient=error.transient,
                    retry_after=error.retry_after,
                    suspended=error.suspended,
                ) from error
            sleep(wait)
    msg = f"{source.name} {request.symbol}: no attempt was allowed"
    raise SourceError(msg)


def loopback_base(variable: str, value: str) -> str:
    """Check an address that replaces a source in tests: it must be on this machine.

    Raises
    ------
    SourceError
        When the host is not a loopback address.
    """
    parts = urlsplit(value)
    try:
        inside = parts.scheme == "http" and ip_address(parts.hostname or "").is_loopback
    except ValueError:
        inside = False
    if not inside:
        msg = f"{variable} must be an http address of this machine such as http://127.0.0.1:8000"
        raise SourceError(msg)
    return value.rstrip("/")


def download(url: str, *, shown: str, timeout: float) -> bytes:
    """Fetch a document.

    Parameters
    ----------
    url : str
        Address; it may hold a key and is never shown.
    shown : str
        What to call it in messages.
    timeout : float
        Seconds.

    Raises
    ------
    SourceError
        With `transient` and `retry_after` where the source is busy, broken or slow.
    """
    question = url_request.Request(url, headers={"User-Agent": _AGENT})  # noqa: S310  # https or loopback by construction
    try:
        with url_request.urlopen(question, timeout=timeout) as answer:  # noqa: S310  # as above
            return bytes(answer.read())
    except url_error.HTTPError as error:
        many = error.code == _TOO_MANY
        busy = many or error.code >= _SERVER
        wait = retry_after(error.headers.get("Retry-After"))
        error.close()
        msg = f"{shown} answered HTTP {error.code}"
        suspended = RATE_LIMITED if many else ""
        raise SourceError(msg, transient=busy, retry_after=wait, suspended=suspended) from None
    except (OSError, ValueError) as error:
        # No chaining: the text of the cause may hold the address with a key.
        cause = getattr(error, "reason", error)
        msg = f"{shown} did not answer ({type(cause).__name__})"
        suspended = "" if isinstance(cause, TimeoutError) else UNREACHABLE
        raise SourceError(msg, transient=True, suspended=suspended) from None


def retry_after(header: str | None) -> float | None:
    """Read a Retry-After header, seconds or a date."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def require_daily(request: Request) -> None:
    """Refuse intraday intervals.

    Raises
    ------
    SourceError
        When anything but daily bars is wanted.
    """
    if request.interval != "1d":
        msg = f"has no {request.interval} bars"
        raise SourceError(msg)


def from_day(bars: tuple[Bar, ...], first: date | None) -> tuple[Bar, ...]:
    """Keep the bars from `first` on.

    Raises
    ------
    SourceError
        When there is none.
    """
    kept = tuple(bar for bar in bars if first is None or bar.stamp >= first.isoformat())
    if not kept:
        msg = "no data in this period"
        raise SourceError(msg)
    return kept


class LocalFile:
    """The source ``file``: the symbol is ``PATH:COLUMN`` of a wide CSV or Parquet file."""

    name = "file"

    def fetch(self, request: Request) -> Answer:
        """Return the closes of one column.

        Raises
        ------
        SourceError
            When the file or column is not there or has a fault.
        """
        require_daily(request)
        path, _, column = request.symbol.rpartition(":")
        try:
            bars = read_column(Path(path), column)
        except EventStudyError as error:
            raise SourceError(str(error)) from error
        return Answer(from_day(bars, request.first))


def bundled_sources() -> dict[str, Source]:
    """Return the sources of the package by name; a new one is a module and a line here."""
    from eventstudy.prices.agencies import Eia, Fred
    from eventstudy.prices.yahoo import Yahoo

    return {source.name: source for source in (Yahoo(), Fred(), Eia(), LocalFile())}
