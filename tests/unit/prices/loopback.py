"""A server on this machine that speaks for the sources, and can be told to misbehave."""

import json
import threading
from contextlib import contextmanager
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
LIMIT = 600.0  # seconds until a test that waits for something that never comes is given up


class World:
    """What the sources know: bars by symbol, and a fault by symbol.

    A fault is a status, or one of ``html``, ``truncated``, ``empty``, ``null``, ``held``; with
    `times` it goes away after so many answers. Of a symbol that is ``held`` the bars are answered
    only after `release`; its time zone is at once, because the library waits ten seconds for it.
    """

    def __init__(self):
        self.closes = {}
        self.faults = {}
        self.times = {}
        self.stamped = {}
        self.asked = []
        self.documents = {}
        self.headers = {}
        self._holding = 0
        self._releases = 0
        self._changed = threading.Condition()

    def hold(self):
        """Keep an answer back, in a thread of the server, until the next release."""
        with self._changed:
            self._holding += 1
            self._changed.notify_all()
            before = self._releases
            self._changed.wait_for(lambda: self._releases > before, LIMIT)

    def release(self):
        """Let every answer go out that is held now."""
        with self._changed:
            self._holding = 0
            self._releases += 1
            self._changed.notify_all()

    def wait_until_held(self, process):
        """Wait until `process` waits for an answer that is held; false if it ended before."""
        with self._changed:
            while not self._holding and process.poll() is None:
                self._changed.wait(0.1)  # the end of a process wakes nobody
            return self._holding > 0

    def fault(self, symbol):
        fault = self.faults.get(symbol)
        if fault is not None and symbol in self.times:
            self.times[symbol] -= 1
            if self.times[symbol] < 0:
                return None
        return fault

    def chart(self, symbol, first):
        days = {
            day: close for day, close in self.closes.get(symbol, {}).items() if day >= str(first)
        }
        stamps = [self.stamp(symbol, day) for day in days]
        closes = list(days.values())
        meta = {
            "currency": "USD",
            "symbol": symbol,
            "instrumentType": "FUTURE",
            "exchangeTimezoneName": "America/New_York",
            "timezone": "EST",
            "gmtoffset": -18000,
            "firstTradeDate": 967003200,
            "regularMarketTime": stamps[-1] if stamps else 0,
            "validRanges": ["1d", "5d", "1mo", "max"],
            "dataGranularity": "1d",
            "range": "",
            "priceHint": 2,
        }
        spread = [None if close is None else 0.5 for close in closes]
        quote = {
            "open": closes,
            "high": [c if c is None else c + s for c, s in zip(closes, spread, strict=True)],
            "low": [c if c is None else c - s for c, s in zip(closes, spread, strict=True)],
            "close": closes,
            "volume": [None if close is None else 1000 for close in closes],
        }
        indicators = {"quote": [quote], "adjclose": [{"adjclose": closes}]}
        result = {"meta": meta, "timestamp": stamps, "indicators": indicators}
        if not stamps:
            del result["timestamp"]
            result["indicators"] = {"quote": [{}], "adjclose": [{}]}
        return {"chart": {"result": [result], "error": None}}

    def stamp(self, symbol, day):
        hour, minute = self.stamped.get((symbol, day), (0, 0))
        moment = datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=NEW_YORK)
        return int(moment.replace(hour=hour, minute=minute).timestamp())


def handler(world):  # noqa: C901  # one branch per kind of misbehaviour
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def reply(self, status, body, kind="application/json", headers=()):
            raw = body if isinstance(body, bytes) else body.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(raw)))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def do_GET(self):
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            if parts.path.startswith("/v8/finance/chart/"):
                self.chart(unquote(parts.path.rsplit("/", 1)[1]), query)
            elif parts.path == "/v1/test/getcrumb":
                self.reply(200, "crumb", "text/plain")
            elif parts.path in world.documents or parts.path == "/graph/fredgraph.csv":
                name = query.get("id", parts.path)
                world.asked.append((name, query))
                document = world.documents.get(name)
                if callable(document):
                    document = document(query)
                status, body = (404, b"") if document is None else document
                self.reply(status, body, "text/plain", world.headers.get(name, ()))
            else:
                self.reply(404, "", "text/plain")

        def chart(self, symbol, query):
            world.asked.append((symbol, query))
            fault = world.fault(symbol)
            first = datetime.fromtimestamp(max(int(query.get("period1", 0)), 0), NEW_YORK).date()
            body = json.dumps(world.chart(symbol, first))
            if symbol not in world.closes:
                description = "No data found, symbol may be delisted"
                error = {"code": "Not Found", "description": description}
                body = json.dumps({"chart": {"result": None, "error": error}})
                self.reply(404, body)
            elif isinstance(fault, int):
                headers = [("Retry-After", "7")] if fault == 429 else []
                self.reply(fault, "Too Many Requests", "text/plain", headers)
            elif fault == "html":
                self.reply(200, "<html><body>We will be back</body></html>", "text/html")
            elif fault == "truncated":
                self.reply(200, body[: len(body) // 2])
            elif fault == "empty":
                self.reply(200, json.dumps({"chart": {"result": [], "error": None}}))
            elif fault == "held":
                if "period1" in query:
                    world.hold()
                self.reply(200, body)
            else:
                self.reply(200, body)

    return Handler


@contextmanager
def serve(world):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(world))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        world.release()
        server.shutdown()
        server.server_close()
        thread.join()
