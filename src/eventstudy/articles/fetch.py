"""Fetching an article from the web: public addresses only, bounded in size and time."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from urllib.parse import SplitResult, urljoin, urlsplit

from eventstudy.articles.text import MAX_BYTES, Document, to_document
from eventstudy.errors import ArticleSourceError

MAX_REDIRECTS = 5
SECONDS_PER_STEP = 10.0
SECONDS_IN_ALL = 30.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOVED = "Location"


def fetch(
    url: str,
    *,
    is_allowed: Callable[[str], bool] | None = None,
    seconds: float = SECONDS_IN_ALL,
) -> Document:
    """Fetch a document.

    Parameters
    ----------
    url : str
        ``http`` or ``https``.
    is_allowed : callable, optional
        Whether an IP address may be asked; public ones by default. Every redirect is checked,
        and the connection goes to the very address that was checked.
    seconds : float
        Limit for everything together.

    Raises
    ------
    ArticleSourceError
        When the address is refused, does not answer in time, or answers with an error.
    """
    allowed = is_allowed or is_public
    deadline = time.monotonic() + seconds
    target = url
    for _ in range(MAX_REDIRECTS + 1):
        status, where, content = _ask(target, allowed, deadline)
        if status in _REDIRECTS and where:
            target = urljoin(target, where)
            continue
        if status != http.HTTPStatus.OK:
            msg = f"{target}: answered {status}; open it in a browser and save the page"
            raise ArticleSourceError(msg)
        return to_document(content, target)
    msg = f"{url}: more than {MAX_REDIRECTS} redirects; give the final address"
    raise ArticleSourceError(msg)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet."""
    ip = ipaddress.ip_address(address)
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_global and not ip.is_multicast


def _ask(
    url: str, allowed: Callable[[str], bool], deadline: float
) -> tuple[int, str | None, bytes]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = f"{url}: only http and https addresses are fetched; save the page and give its path"
        raise ArticleSourceError(msg)
    try:
        address = _resolve(parts, allowed, url)
        connection = _connect(parts, address, deadline)
        try:
            path = parts.path or "/"
            query = f"?{parts.query}" if parts.query else ""
            headers = {"User-Agent": "oil-eventstudy", "Accept": "text/html, text/plain"}
            connection.request("GET", path + query, headers=headers)
            with closing(connection.getresponse()) as response:
                return response.status, response.getheader(_MOVED), _body(response, url, deadline)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, ArticleSourceError):
            raise
        reason = "no answer in time" if isinstance(error, TimeoutError) else str(error)
        msg = f"{url}: cannot be fetched ({reason}); save the page and give its path"
        raise ArticleSourceError(msg) from error


def _resolve(parts: SplitResult, allowed: Callable[[str], bool], url: str) -> str:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses: Sequence[str] = [str(item[4][0]) for item in found]
    refused = [address for address in addresses if not allowed(address)]
    if refused or not addresses:
        msg = f"{url}: leads to a local address, which is not fetched; save the page instead"
        raise ArticleSourceError(msg)
    return addresses[0]


def _connect(parts: SplitResult, address: str, deadline: float) -> http.client.HTTPConnection:
    left = min(SECONDS_PER_STEP, max(0.1, deadline - time.monotonic()))
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    host = parts.hostname or ""
    plain = socket.create_connection((address, port), timeout=left)
    connection = http.client.HTTPConnection(host, port, timeout=left)
    connection.sock = plain
    if secure:
        try:
            connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        except OSError:
            plain.close()
            raise
    return connection


def _body(response: http.client.HTTPResponse, url: str, deadline: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(65_536):
        size += len(piece)
        pieces.append(piece)
        if size > MAX_BYTES:
            msg = f"{url}: is larger than {MAX_BYTES // 1_000_000} MB; save what is needed of it"
            raise ArticleSourceError(msg)
        if time.monotonic() > deadline:
            raise TimeoutError
    return b"".join(pieces)
