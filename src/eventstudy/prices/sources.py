"""What a price source is: the protocol, how one is asked again, and where its code is."""

from __future__ import annotations

import math
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from eventstudy.errors import EventStudyError, PriceSourceError
from eventstudy.prices.files import read_column
from eventstudy.prices.records import FIELDS, Bar, Interval
from eventstudy.web import WebError, get, is_loopback

TIMEOUT: Final = 20.0
_OK: Final = 200
_TOO_MANY: Final = 429
_SERVER: Final = 500
_LONGEST_WAIT: Final = 10  # digits of a Retry-After in seconds
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


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
        longer wait than `retry` allows. Whatever else goes wrong inside a source is one too, so
        that a bad answer never ends the run of the others.
    """
    for attempt in range(1, retry.attempts + 1):
        try:
            return _fetched(source, request)
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


def _fetched(source: Source, request: Request) -> Answer:
    try:
        return checked(source.fetch(request), request)
    except SourceError:
        raise
    except EventStudyError as error:
        raise SourceError(str(error)) from None
    except Exception as error:  # noqa: BLE001  # a library or a plug-in may raise anything
        # Neither chained nor quoted: the text of the cause may hold an address with a key.
        msg = f"returned what cannot be read ({type(error).__name__})"
        raise SourceError(msg) from None


def checked(answer: Answer, request: Request) -> Answer:
    """Return an answer in the order of its stamps, each once.

    Raises
    ------
    SourceError
        When a stamp is not a day (or an instant in UTC for intraday bars), a close is not a finite
        number, or a day comes with two different values.
    """
    bars: dict[str, Bar] = {}
    twice = 0
    for bar in answer.bars:
        clean = _checked_bar(bar, request)
        old = bars.setdefault(clean.stamp, clean)
        if old.close != clean.close:
            msg = f"two values for {clean.stamp}: {old.close:g} and {clean.close:g}"
            raise SourceError(msg)
        twice += old is not clean
    notes = (*answer.notes, *([f"{twice} bar(s) given twice"] if twice else ()))
    return Answer(tuple(bars[stamp] for stamp in sorted(bars)), notes)


def _checked_bar(bar: Bar, request: Request) -> Bar:
    pattern = _DAY if request.interval == "1d" else _INSTANT
    if not isinstance(bar.stamp, str) or not pattern.fullmatch(bar.stamp) or not _dated(bar.stamp):
        msg = f"{str(bar.stamp)[:40]!r} is not the stamp of a {request.interval} bar"
        raise SourceError(msg)
    for name in FIELDS:
        value = getattr(bar, name)
        if value is None and name != "close":
            continue
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            msg = f"{bar.stamp} has {str(value)[:40]!r} as its {name}"
            raise SourceError(msg)
    return bar


def _dated(stamp: str) -> bool:
    try:
        datetime.fromisoformat(stamp)
    except ValueError:
        return False
    return True


def loopback_base(variable: str, value: str) -> str:
    """Check an address that replaces a source in tests: it must be on this machine.

    Raises
    ------
    SourceError
        When the host is not a loopback address.
    """
    try:
        inside = urlsplit(value).scheme == "http" and is_loopback(value)
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
        Seconds for all of it.

    Raises
    ------
    SourceError
        With `transient` and `retry_after` where the source is busy, broken or slow; when the
        document is larger than any series, or ends before its announced length.
    """
    try:
        reply = get(url, seconds=timeout)
    except WebError as error:
        msg = f"{shown} did not answer ({error})"
        suspended = UNREACHABLE if error.why == "unreachable" else ""
        again = error.why != "too large"
        raise SourceError(msg, transient=again, suspended=suspended) from None
    if reply.status == _OK:
        return reply.body
    many = reply.status == _TOO_MANY
    wait = retry_after(reply.headers.get("retry-after"))
    msg = f"{shown} answered HTTP {reply.status}"
    raise SourceError(
        msg,
        transient=many or reply.status >= _SERVER,
        retry_after=wait,
        suspended=RATE_LIMITED if many else "",
    )


def retry_after(header: str | None) -> float | None:
    """Read a Retry-After header, seconds or a date; None where it is neither."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:_LONGEST_WAIT])
    try:
        until = parsedate_to_datetime(text)
        aware = until if until.tzinfo else until.replace(tzinfo=UTC)
        return max(0.0, (aware - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


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


PLUG_INS: Final = "eventstudy.price_sources"


def bundled_sources() -> dict[str, Source]:
    """Return the sources of the package by name; a new one is a module and a line here."""
    from eventstudy.prices.agencies import Eia, Fred
    from eventstudy.prices.yahoo import Yahoo

    return {source.name: source for source in (Yahoo(), Fred(), Eia(), LocalFile())}


def all_sources() -> dict[str, Source]:
    """Return the sources of the package and those that installed packages add, by name.

    A package adds one with an entry point of the group ``eventstudy.price_sources``: its name is
    the name of the source, its object a callable without arguments that returns a `Source`. One
    that cannot be loaded is a source that fails when it is asked; one that takes the name of
    another is left out.
    """
    found = bundled_sources()
    for point in entry_points(group=PLUG_INS):
        if point.name in found:  # a plug-in never replaces a source that is there
            continue
        try:
            source: Source = point.load()()
            named, fetch = source.name, source.fetch
        except Exception as error:  # noqa: BLE001  # code of others
            found[point.name] = _Broken(point.name, f"it cannot be loaded ({error!r:.200})")
            continue
        good = named == point.name and callable(fetch)
        found[point.name] = (
            source if good else _Broken(point.name, f"it calls itself {named!r:.40}")
        )
    return found


def source_names() -> tuple[str, ...]:
    """Return the names of all sources without loading the code of any plug-in."""
    return (*bundled_sources(), *sorted(point.name for point in entry_points(group=PLUG_INS)))


@dataclass(frozen=True, slots=True)
class _Broken:
    """A plug-in that cannot be used: it fails as a source, so that the others go on."""

    name: str
    why: str

    def fetch(self, request: Request) -> Answer:  # noqa: ARG002  # the protocol
        """Fail with the reason."""
        msg = f"the plug-in {self.name} cannot be used: {self.why}"
        raise SourceError(msg)
