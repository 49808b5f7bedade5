import contextlib
import socket
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from eventstudy.articles import fetch as fetching
from eventstudy.articles.fetch import fetch, is_public
from eventstudy.errors import ArticleSourceError, TableError

TEXT = "LONDON, Jan 7, 2026 (Newsdesk) - Oil fell on Tuesday."


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.path = self.path.partition("?")[0]
        answers = {
            "/file": "file:///etc/passwd",
            "/local": "http://10.0.0.1/secret",
            "/meta": "http://169.254.169.254/latest/meta-data/",
            "/loop": "/loop",
            "/moved": "/text",
        }
        if self.path in answers:
            self.send_response(302)
            self.send_header("Location", answers[self.path])
            self.end_headers()
        elif self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):  # until the other side has left
                for _ in range(6_000):
                    self.wfile.write(b"x" * 10)
                    self.wfile.flush()
                    time.sleep(0.1)
                self.server.finished.append(self.path)
        elif self.path == "/big":
            self.send_response(200)
            self.end_headers()
            for _ in range(60):
                self.wfile.write(b"x" * 100_000)
        elif self.path == "/text":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(TEXT.encode())
        else:
            self.send_response(404)
            self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A server of these tests that is slow is none that is left, unless the test says so."""
    monkeypatch.setattr(fetching, "SECONDS_PER_STEP", 600.0)


@pytest.fixture(scope="module")
def server():
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None
    server.finished = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def base(server):
    return f"http://127.0.0.1:{server.server_port}"


def loopback(address):
    return address == "127.0.0.1"


def test_a_text_is_fetched_through_a_redirect(base):
    document = fetch(f"{base}/moved", is_allowed=loopback, seconds=600.0)
    assert document.text == TEXT
    assert document.name.endswith("/text")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/file", "only http and https"),
        ("/local", "local address"),
        ("/meta", "local address"),
        ("/loop", "more than 5 redirects"),
        ("/none", "answered 404"),
        ("/big", "larger than 2 MB"),
    ],
)
def test_what_is_refused_says_so_in_one_line(base, path, message):
    with pytest.raises(ArticleSourceError, match=message) as caught:
        fetch(base + path, is_allowed=loopback, seconds=600.0)
    assert "\n" not in str(caught.value)


def test_loopback_itself_is_refused(base):
    with pytest.raises(ArticleSourceError, match="local address"):
        fetch(f"{base}/text")


def test_a_server_that_drips_is_left(base, server):
    with pytest.raises(ArticleSourceError, match="no answer in time"):
        fetch(f"{base}/slow", is_allowed=loopback, seconds=0.5)
    assert server.finished == []  # it would drip for ten minutes


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/x", "http:///x", "gopher://x"]
)
def test_other_schemes_are_refused(url):
    with pytest.raises(ArticleSourceError, match="only http and https"):
        fetch(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "0.0.0.0",  # noqa: S104 # an address to be refused
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "224.0.0.1",
        "100.64.0.1",
    ],
)
def test_addresses_that_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",  # 6to4 of 127.0.0.1
        "2002:a00:1::1",
        "::7f00:1",
        "::10.0.0.1",
        "fec0::1",
        "::ffff:0:127.0.0.1",
        "::ffff:10.0.0.1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
        "fe80::1%eth0",
    ],
)
def test_addresses_that_carry_another_one_are_not_public(address):
    assert not is_public(address)


@contextmanager
def raw_server(*pieces, pause=0.0):
    """A server that sends these bytes and nothing else."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def speak():
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                for piece in pieces:
                    if stop.wait(pause):
                        return
                    connection.sendall(piece)

    thread = threading.Thread(target=speak, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    stop.set()
    listener.close()
    thread.join(10)


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (OK + b"Content-Length: 500\r\n\r\nLONDON", "before its announced length"),
        (
            OK + b"Transfer-Encoding: chunked\r\n\r\n40\r\nLONDON",
            "before its announced length|HTTP",
        ),
        (b"hello, this is no status line\r\n\r\n", "did not speak HTTP"),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", "packed as 'gzip'"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
            "not an address",
        ),
    ],
)
def test_half_an_answer_is_none(answer, message):
    with raw_server(answer) as base, pytest.raises(ArticleSourceError, match=message) as caught:
        fetch(f"{base}/x", is_allowed=loopback)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "drips",
    [
        [b"HTTP/1.1 200 OK\r\n", *[b"X-Y: z\r\n"] * 200],
        [b"HTTP/1.1 100 Continue\r\n\r\n"] * 200,
        [OK + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1;x\r\na\r\n"] * 200],
    ],
)
def test_headers_and_chunks_that_drip_are_left(drips):
    begin = time.perf_counter()
    with raw_server(*drips, pause=0.05) as base, pytest.raises(ArticleSourceError, match="in time"):
        fetch(f"{base}/x", is_allowed=loopback, seconds=0.6)
    assert time.perf_counter() - begin < 60  # the drips go on for ten seconds at least


def test_no_password_and_no_token_is_shown_or_kept(base):
    secret = base.replace("http://", "http://me:hunter2@")
    document = fetch(f"{secret}/text?access_token=abc123&page=2#part", is_allowed=loopback)
    assert document.name == f"{base}/text?access_token=***&page=2"
    for path in ("/none", "/big", "/loop", "/file"):
        with pytest.raises(ArticleSourceError) as caught:
            fetch(f"{secret}{path}?api_key=abc123", is_allowed=loopback)
        assert "hunter2" not in str(caught.value)
        assert "abc123" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://[", "http://x:99999/", "http://[::1", "http://a b/"])
def test_what_is_no_address_is_one_line(url):
    with pytest.raises(ArticleSourceError) as caught:
        fetch(url)
    assert "\n" not in str(caught.value)


def test_public_addresses():
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")


def test_an_error_is_not_a_table_error(base):
    with pytest.raises(ArticleSourceError) as caught:
        fetch(f"{base}/none", is_allowed=loopback)
    assert not isinstance(caught.value, TableError)
