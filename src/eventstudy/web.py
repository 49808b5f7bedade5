"""One HTTP client for every download: a limit on the whole time, a limit on the size, no surprise.

libcurl counts everything against the total time: names, connections, ``100 Continue``, headers,
chunk lines, the body. A body that is shorter than announced, a bad status line and content that was
compressed without being asked are errors, never data.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from eventstudy.errors import EventStudyError

Why = Literal["timeout", "too large", "truncated", "unreachable", "invalid"]
MAX_BYTES: Final = 32_000_000
_AGENT: Final = "oil-eventstudy"
_REDIRECTS: Final = 5
# libcurl's numbers of what went wrong; everything else is an invalid answer.
_WHY: Final[dict[int, Why]] = {
    28: "timeout",
    63: "too large",
    18: "truncated",
    5: "unreachable",
    6: "unreachable",
    7: "unreachable",
    35: "unreachable",
    60: "unreachable",
}
_WORDS: Final[dict[Why, str]] = {
    "timeout": "no whole answer in time",
    "too large": "the answer is too large",
    "truncated": "the answer ended before its announced length",
    "unreachable": "the server could not be reached",
    "invalid": "the server did not speak HTTP",
}
# Names under which addresses carry credentials: as a word of the name, or as its end.
_SECRET_WORDS: Final = frozenset(
    ("auth", "authorization", "code", "jwt", "pass", "passwd", "pwd", "session", "sid", "sig")
)
_SECRET_ENDS: Final = ("key", "token", "secret", "password", "signature", "credential", "sessionid")
_MASK: Final = "***"


class WebError(EventStudyError, OSError):
    """A download that failed.

    Parameters
    ----------
    why : {"timeout", "too large", "truncated", "unreachable", "invalid"}
        Its kind; the message never holds the address, which may hold a key.
    """

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(detail or _WORDS[why])
        self.why: Why = why


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, its last headers in lower case, its body."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def get(
    url: str,
    *,
    seconds: float,
    max_bytes: int = MAX_BYTES,
    headers: Sequence[str] = (),
    address: str | None = None,
    redirects: bool = True,
) -> Reply:
    """Fetch a document within a total time and size.

    Parameters
    ----------
    url : str
        ``http`` or ``https``.
    seconds : float
        For everything together.
    max_bytes : int
        Of the body.
    headers : sequence of str
        Lines such as ``Accept: text/html``.
    address : str, optional
        The IP address to connect to whatever the name resolves to; proxies are then not used.
    redirects : bool
        Whether to follow redirects.

    Raises
    ------
    WebError
        For every failure below HTTP; an HTTP error is a `Reply`.
    """
    transfer = _Transfer(max_bytes)
    # A thread of its own: libcurl would keep an interruption waiting until the transfer ends.
    worker = threading.Thread(
        target=transfer.run, args=(url, seconds, headers, address, redirects), daemon=True
    )
    worker.start()
    worker.join(seconds + 5.0)
    if transfer.error is not None:
        raise transfer.error
    if worker.is_alive() or transfer.reply is None:
        why: Why = "timeout"
        raise WebError(why)
    return transfer.reply


class _Transfer:
    """The state of one download, which the callbacks of libcurl fill."""

    def __init__(self, max_bytes: int) -> None:
        self.reply: Reply | None = None
        self.error: Exception | None = None
        self._max_bytes = max_bytes
        self._body = bytearray()
        self._headers: dict[str, str] = {}

    def run(
        self,
        url: str,
        seconds: float,
        headers: Sequence[str],
        address: str | None,
        redirects: bool,  # noqa: FBT001  # a thread hands its arguments on by position
    ) -> None:
        from curl_cffi import Curl, CurlError, CurlInfo

        curl = Curl()
        try:
            for option, value in _options(url, seconds, self._max_bytes, headers, address).items():
                curl.setopt(option, value)
            _set(curl, "FOLLOWLOCATION", int(redirects))
            _set(curl, "WRITEFUNCTION", self._piece)
            _set(curl, "HEADERFUNCTION", self._header)
            curl.perform()
            status = int(curl.getinfo(CurlInfo.RESPONSE_CODE))
            self._finish(status)
        except WebError as error:
            self.error = error
        except CurlError as error:
            self.error = WebError(_WHY.get(int(error.code), "invalid"))
        except Exception as error:  # noqa: BLE001  # such as an address that cannot be encoded
            self.error = WebError("invalid", f"the address cannot be used ({type(error).__name__})")
        finally:
            curl.close()

    def _finish(self, status: int) -> None:
        coding = self._headers.get("content-encoding", "identity").lower()
        if coding not in ("", "identity"):
            self.error = WebError("invalid", f"the answer is packed as {coding[:20]!r}, unasked")
            return
        self.reply = Reply(status, bytes(self._body), self._headers)

    def _piece(self, data: bytes) -> int:
        if len(self._body) + len(data) > self._max_bytes:
            why: Why = "too large"
            raise WebError(why)
        self._body += data
        return len(data)

    def _header(self, line: bytes) -> int:
        text = line.decode("latin-1").strip()
        if text.startswith("HTTP/"):
            # A new answer, after a redirect or a provisional one.
            self._headers.clear()
            self._body.clear()
        name, colon, value = text.partition(":")
        if colon:
            self._headers[name.strip().lower()] = value.strip()
        return len(line)


def _options(
    url: str, seconds: float, max_bytes: int, headers: Sequence[str], address: str | None
) -> dict[Any, Any]:
    from curl_cffi import CurlOpt

    milliseconds = max(1, int(seconds * 1000))
    options: dict[Any, Any] = {
        CurlOpt.URL: url,
        CurlOpt.TIMEOUT_MS: milliseconds,
        CurlOpt.CONNECTTIMEOUT_MS: milliseconds,
        CurlOpt.NOSIGNAL: 1,
        CurlOpt.MAXFILESIZE_LARGE: max_bytes,
        CurlOpt.MAXREDIRS: _REDIRECTS,
        CurlOpt.PROTOCOLS_STR: "http,https",
        CurlOpt.REDIR_PROTOCOLS_STR: "http,https",
        CurlOpt.HTTP_VERSION: 2,  # HTTP/1.1
        CurlOpt.USERAGENT: _AGENT,
    }
    if headers:
        options[CurlOpt.HTTPHEADER] = [line.encode("latin-1") for line in headers]
    if address is not None:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        ip = f"[{address}]" if ":" in address else address
        host = parts.hostname or ""
        options[CurlOpt.RESOLVE] = [f"{host}:{port}:{ip}"]
        options[CurlOpt.PROXY] = ""
    elif is_loopback(url):
        options[CurlOpt.PROXY] = ""
    return options


def _set(curl: Any, name: str, value: Any) -> None:  # noqa: ANN401  # a handle of an untyped library
    from curl_cffi import CurlOpt

    curl.setopt(getattr(CurlOpt, name), value)


def is_loopback(url: str) -> bool:
    """Whether an address names this machine by its IP address.

    Examples
    --------
    >>> is_loopback("http://127.0.0.1:8000/x"), is_loopback("https://example.org")
    (True, False)
    """
    from ipaddress import ip_address

    try:
        return ip_address(urlsplit(url).hostname or "").is_loopback
    except ValueError:
        return False


def without_secrets(url: str) -> str:
    """Return an address to be shown or kept: no user, no password, no token, no fragment.

    Examples
    --------
    >>> without_secrets("https://me:pass@example.org/a?page=2&api_key=123#top")
    'https://example.org/a?page=2&api_key=***'
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return url.partition("?")[0].rpartition("@")[2]
    if parts.scheme not in ("http", "https"):
        return url
    query = parts.query
    if any(_is_secret(name) for name, _ in pairs):
        shown = [(name, _MASK if _is_secret(name) else value) for name, value in pairs]
        query = urlencode(shown, safe="*/:")
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def _is_secret(name: str) -> bool:
    low = name.lower()
    words = re.split(r"[^a-z0-9]+", low)
    return low.rstrip("]").endswith(_SECRET_ENDS) or any(word in _SECRET_WORDS for word in words)
