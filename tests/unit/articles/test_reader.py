"""A second reader that invents, misquotes, repeats, cuts off, answers slowly or with errors."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from eventstudy.articles.evaluation import evaluate, read_corpus
from eventstudy.articles.extract import extract
from eventstudy.articles.mentions import KINDS
from eventstudy.articles.merge import merge
from eventstudy.articles.reader import MAX_ANSWER, Reader, Usage, read_again
from eventstudy.articles.text import Document
from eventstudy.errors import ArticleSourceError
from eventstudy.events.drafts import draft_rows

TEXT = (
    "LONDON, Jan 7, 2026 (Newsdesk) - Drones hit a refinery in Ryazan on Monday. "
    "The pumps of Kirkuk have been\nsilent since Sunday. It rained in May."
)
SILENT = {
    "quote": "The pumps of Kirkuk have been silent since Sunday",
    "kind": "export outage or restart",
    "state": "reported",
    "date_words": "Sunday",
}
KNOWN = {
    "quote": "Drones hit a refinery in Ryazan on Monday.",
    "kind": "energy attack",
    "state": "reported",
    "date_words": "on Monday",
}


class Model(BaseHTTPRequestHandler):
    answers: list = []  # noqa: RUF012  # set by each test
    asked: list = []  # noqa: RUF012

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, self.headers.get("Authorization"), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, int):
            self.send_response(answer)
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        if answer == "slow":
            for _ in range(40):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)
        elif isinstance(answer, bytes):
            self.wfile.write(answer)
        else:
            usage = {"prompt_tokens": 100, "completion_tokens": 20}
            message = {"choices": [{"message": {"content": answer}}], "usage": usage}
            self.wfile.write(json.dumps(message).encode())

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    server = HTTPServer(("127.0.0.1", 0), Model)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def ask(address):
    def asked(*answers, text=TEXT, **options):
        Model.answers = [
            json.dumps({"events": answer}) if isinstance(answer, list) else answer
            for answer in answers
        ]
        Model.asked = []
        reader = Reader(
            url=address, model="small", **{"wait": lambda _: None, "seconds": 20.0, **options}
        )
        return read_again(extract(Document("x.txt", "0", text, "utf-8")), reader)

    return asked


def only_by_reader(extraction):
    return [event for event in extraction.candidates if event.reader and event.score == 0]


def test_a_proposal_that_stands_is_a_candidate_with_its_reader(ask):
    found, usage = ask([SILENT, KNOWN], key="secret")
    (event,) = only_by_reader(found)
    assert (event.kind, event.date, event.place.name) == (
        "export outage or restart",
        "2026-01-04",
        "Kirkuk",
    )
    assert TEXT[event.spans[0].start : event.spans[0].end].startswith("The pumps")
    assert [item.reader for item in found.events] == ["small"]
    assert usage == Usage(1, 0, 100, 20, 2, {})
    ((path, key, body),) = Model.asked
    assert (path, key, body["model"], body["temperature"]) == (
        "/v1/chat/completions",
        "Bearer secret",
        "small",
        0,
    )
    assert all(kind in body["messages"][0]["content"] for kind in KINDS)


def test_the_draft_names_the_reader(ask):
    found, _ = ask([SILENT, KNOWN])
    rows = {row["kind"]: row for row in draft_rows(merge([found], candidates=True))}
    assert rows["energy attack"]["reader"] == "small"
    assert rows["export outage or restart"]["tier"] == "candidate"
    assert "silent" not in json.dumps(found.as_dict()["candidates"])


DROPPED = [
    ({"quote": "A tanker sank off Fujairah on Monday"}, "misquoted"),  # invented
    ({"quote": "The pumps in Kirkuk have been silent since Sunday"}, "misquoted"),  # one word
    ({"quote": "pumps"}, "misquoted"),  # too short to prove anything
    ({"kind": "explosion"}, "unknown kind or state"),
    ({"state": "denied"}, "unknown kind or state"),
    ({"date_words": "Monday"}, "date not in the quote"),
    ({"date_words": "silent"}, "date not resolved"),
    ({"quote": 7}, "malformed"),
]


@pytest.mark.parametrize(("cells", "reason"), DROPPED)
def test_what_does_not_prove_itself_is_dropped_and_counted(ask, cells, reason):
    found, usage = ask([{**SILENT, **cells}])
    assert only_by_reader(found) == []
    assert (usage.accepted, usage.dropped) == (0, {reason: 1})


def test_a_repetition_counts_once(ask):
    found, usage = ask(
        [SILENT, SILENT, {**SILENT, "quote": "pumps of Kirkuk have been silent since Sunday"}]
    )
    assert len(only_by_reader(found)) == 1
    assert usage.dropped == {"repeated": 2}


def test_of_an_answer_that_is_cut_off_the_whole_proposals_count(ask):
    whole = json.dumps({"events": [SILENT, KNOWN]})
    found, usage = ask(whole[: whole.index("Drones")])
    assert len(only_by_reader(found)) == 1
    assert usage.dropped == {"cut off": 1}


@pytest.mark.parametrize("answer", ["", "I found none.", '{"events": {}}', '{"events": [[[['])
def test_words_that_are_no_answer_propose_nothing(ask, answer):
    found, usage = ask(answer)
    assert only_by_reader(found) == []
    assert usage.accepted == 0
    assert usage.dropped == {"cut off": 1}


def test_an_answer_in_a_fence_is_read(ask):
    found, _ = ask("Here it is:\n```json\n" + json.dumps({"events": [SILENT]}) + "\n```")
    assert len(only_by_reader(found)) == 1


def test_passing_errors_are_asked_again(ask):
    waits = []
    found, usage = ask(500, 429, [SILENT], wait=waits.append)
    assert len(only_by_reader(found)) == 1
    assert (usage.calls, waits) == (3, [1.0, 2.0])


@pytest.mark.parametrize(
    ("answer", "message", "calls"),
    [
        (500, "answered 500 after 3 attempts", 3),
        (401, "answered 401; check address, model and key", 1),
        (b"no json", "returned invalid data", 1),
        (b'{"choices": []}', "returned invalid data", 1),
        (b"x" * (MAX_ANSWER + 1), "larger than", 1),
    ],
)
def test_a_server_that_fails_is_one_line(ask, answer, message, calls):
    with pytest.raises(ArticleSourceError, match=message) as caught:
        ask(answer)
    assert "\n" not in str(caught.value)
    assert len(Model.asked) == calls


def test_a_server_that_drips_is_left(ask):
    with pytest.raises(ArticleSourceError, match="no answer in time after 2 attempts"):
        ask("slow", seconds=0.3, attempts=2)


def test_nobody_there_and_no_address():
    extraction = extract(Document("x.txt", "0", TEXT, "utf-8"))
    for url, message in (
        ("http://127.0.0.1:9/v1", "is the server running"),
        ("ftp://127.0.0.1/v1", "is not an http or https address"),
        ("127.0.0.1", "is not an http or https address"),
    ):
        with pytest.raises(ArticleSourceError, match=message):
            read_again(extraction, Reader(url=url, model="m", wait=lambda _: None))


def test_the_cache_holds_spans_and_spares_a_call(ask, tmp_path):
    first, used = ask([SILENT, {**SILENT, "kind": "x"}], cache=tmp_path)
    second, again = ask(500, cache=tmp_path)
    assert first == second
    assert (used.calls, again.calls, again.cached) == (1, 0, 1)
    assert used.dropped == again.dropped
    (stored,) = tmp_path.iterdir()
    assert "pumps" not in stored.read_text("utf-8")
    stored.write_text("broken", encoding="utf-8")
    assert ask([SILENT], cache=tmp_path)[1].calls == 1


def test_a_long_text_is_asked_about_in_pieces(ask):
    text = TEXT + " Nothing else was said about it in the town." * 400
    found, usage = ask([SILENT], text=text)
    assert usage.calls == 3
    assert max(len(body["messages"][1]["content"]) for _, _, body in Model.asked) <= 8_000
    assert len(only_by_reader(found)) == 1
    assert usage.dropped == {"misquoted": 2}


def test_a_reader_is_scored_on_a_corpus(address, tmp_path):
    label = "#E The pumps of Kirkuk | export outage or restart | reported | 2026-01-04 | Kirkuk |\n"
    text = TEXT.replace("been\n", "been ")
    (tmp_path / "own.txt").write_text(f"@ a | b\n{text}\n{label}", encoding="utf-8")
    corpus = read_corpus(tmp_path)
    without = {score.task: score.hits for score in evaluate(corpus)}
    Model.answers = [json.dumps({"events": [SILENT]})]
    reader = Reader(url=address, model="small")
    also = evaluate(corpus, also=lambda item: read_again(item, reader)[0])
    assert {score.task: score.hits for score in also}["events: both tiers"] == 1
    assert without["events: both tiers"] == 0
