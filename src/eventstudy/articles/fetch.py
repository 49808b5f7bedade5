"""Fetching an article from the web: public addresses only, bounded in size and time."""

from __future__ import annotations

import http
import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from eventstudy.articles.text import MAX_BYTES, Document, to_document
from eventstudy.errors import ArticleSourceError
from eventstudy.web import get, without_secrets

MAX_REDIRECTS = 5
SECONDS_PER_STEP = 10.0  # for a name that is looked up
SECONDS_IN_ALL = 30.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_QUERY = "/%:@!$&'()*+,;=~-._?[]"
# Ranges whose addresses carry an IPv4 address: NAT64, 6to4, Teredo, mapped, translated, compatible.
_GATEWAYS = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96",
                 "::ffff:0:0/96", "::ffff:0:0:0/96", "fec0::/10")
)  # fmt: skip


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
            try:
                target = urljoin(target, where)
            except ValueError:
                msg = f"{without_secrets(target)}: leads to what is not an address"
                raise ArticleSourceError(msg) from None
            continue
        if status != http.HTTPStatus.OK:
            shown = without_secrets(target)
            msg = f"{shown}: answered {status}; open it in a browser and save the page"
            raise ArticleSourceError(msg)
        return to_document(content, without_secrets(target))
    msg = f"{without_secrets(url)}: more than {MAX_REDIRECTS} redirects; give the final address"
    raise ArticleSourceError(msg)


def is_public(address: str) -> bool:
    """Whether an IP address, and one that it carries for a gateway, belongs to the public internet.

    Examples
    --------
    >>> is_public("93.184.216.34"), is_public("64:ff9b::7f00:1")
    (True, False)
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_multicast or not ip.is_global or getattr(ip, "is_site_local", False):
        return False
    # Every form of IPv6 that leads to an IPv4 address is refused: none is needed to reach a page.
    return ip.version == 4 or not any(ip in network for network in _GATEWAYS)  # noqa: PLR2004  # IPv4


def _ask(
    url: str, allowed: Callable[[str], bool], deadline: float
) -> tuple[int, str | None, bytes]:
    shown = without_secrets(url)
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        msg = f"{shown}: is not an address; save the page and give its path"
        raise ArticleSourceError(msg) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = f"{shown}: only http and https addresses are fetched; save the page and give its path"
        raise ArticleSourceError(msg)
    try:
        address = _resolve(parts.hostname, port, allowed, shown, deadline)
        reply = get(
            _sent(parts, port),
            seconds=max(0.1, deadline - time.monotonic()),
            max_bytes=MAX_BYTES,
            headers=("Accept: text/html, text/plain",),
            address=address,
            redirects=False,
        )
    except (OSError, ValueError) as error:
        if isinstance(error, ArticleSourceError):
            raise
        raise ArticleSourceError(_reason(error, shown)) from None
    return reply.status, reply.headers.get("location"), reply.body


def _reason(error: OSError | ValueError, shown: str) -> str:
    why = getattr(error, "why", "")
    if why == "too large":
        return f"{shown}: is larger than {MAX_BYTES // 1_000_000} MB; save what is needed of it"
    late = isinstance(error, TimeoutError) or why == "timeout"
    # The text of another error may hold the address with its password.
    known = str(error) if why else type(error).__name__
    return (
        f"{shown}: cannot be fetched ({'no answer in time' if late else known}); "
        "save the page and give its path"
    )


def _sent(parts: SplitResult, port: int) -> str:
    """Return the address as it is asked for: ASCII, without user, password and fragment."""
    host = (parts.hostname or "").encode("idna").decode("ascii")
    host = f"[{host}]" if ":" in host else host
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = f"?{quote(parts.query, safe=_QUERY)}" if parts.query else ""
    return f"{parts.scheme}://{host}:{port}{path}{query}"


def _resolve(
    host: str, port: int, allowed: Callable[[str], bool], shown: str, deadline: float
) -> str:
    found: list[str] = []

    def look_up() -> None:
        with suppress(OSError, UnicodeError):
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(str(item[4][0]) for item in answers)

    # The system's resolver knows no limit of time.
    worker = threading.Thread(target=look_up, daemon=True)
    worker.start()
    worker.join(min(SECONDS_PER_STEP, max(0.1, deadline - time.monotonic())))
    if worker.is_alive():
        raise TimeoutError
    if not found:
        msg = f"{shown}: cannot be fetched (its name is unknown); save the page and give its path"
        raise ArticleSourceError(msg)
    if not all(map(allowed, found)):
        msg = f"{shown}: leads to a local address, which is not fetched; save the page instead"
        raise ArticleSourceError(msg)
    return found[0]
