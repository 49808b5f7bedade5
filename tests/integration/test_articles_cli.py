"""From an article to reviewed events on the command line."""

import csv
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from inprocess import run_here  # found by conftest.py

ROOT = Path(__file__).resolve().parents[2]
TEXT = (
    "LONDON, Jan 7, 2026 (Newsdesk) - Drones hit a refinery in Ryazan on Tuesday. "
    "OPEC+ agreed to cut output on Sunday. Brent fell 1.2% to $60.00. "
    "In the short term prices may fall further."
)
OTHER = (
    "Market note\n6 January 2026\nThe refinery in Ryazan was hit by drones on Monday. "
    "Washington imposed sanctions on Iran."
)


def eventstudy(*args, cwd, stdin=None):
    return run_here(*args, cwd=cwd, stdin=stdin)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "a.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "news" / "b.txt").write_text(OTHER, encoding="utf-8")
    return tmp_path


def decide(path, decision):
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["decision"] = decision(row)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_from_articles_to_a_check_of_their_events(folder):
    first = eventstudy("articles", "extract", "news", "--draft", "draft.csv", cwd=folder)
    assert first.returncode == 0, first.stderr
    assert "3 new, 0 changed, 0 as before" in first.stdout
    assert "dates differ: 2026-01-06 in a.txt, 2026-01-05 in b.txt" in first.stderr
    decide(folder / "draft.csv", lambda row: "reject" if row["kind"] == "sanctions" else "accept")
    before = (folder / "draft.csv").read_text(encoding="utf-8").replace("\r\n", "\n")
    again = eventstudy("articles", "extract", "news", "--draft", "draft.csv", cwd=folder)
    assert "0 new, 0 changed, 3 as before" in again.stdout
    assert (folder / "draft.csv").read_text(encoding="utf-8").replace(",new\n", ",\n") == (
        before.replace(",new\n", ",\n")
    )
    shown = eventstudy(
        "events", "show", "energy-attack-ryazan-2026-01-06", "draft.csv", "--articles", "news",
        cwd=folder,
    )  # fmt: skip
    assert "Drones hit a refinery in Ryazan on Tuesday." in shown.stdout
    (folder / "news" / "b.txt").write_text(OTHER + " More.", encoding="utf-8")
    shown = eventstudy(
        "events", "show", "energy-attack-ryazan-2026-01-06", "draft.csv", "--articles", "news",
        cwd=folder,
    )  # fmt: skip
    assert "the file has changed" in shown.stdout
    accepted = eventstudy("events", "accept", "draft.csv", "--into", "events.csv", cwd=folder)
    assert "2 accepted, 0 updated, 1 rejected, 0 without a decision" in accepted.stdout
    checked = eventstudy("check", "--events", "events.csv", cwd=folder)
    assert checked.returncode == 0, checked.stderr
    assert "energy-attack-ryazan-2026-01-06" in checked.stdout
    line = eventstudy("events", "timeline", "events.csv", cwd=folder)
    assert line.stdout.index("producer-decision") < line.stdout.index("---- settlement ----")


def test_standard_input_and_json(folder):
    done = subprocess.run(  # our own command, with a pipe as its input
        [sys.executable, "-m", "eventstudy", "articles", "extract", "-", "--json"],
        capture_output=True, text=True, check=True, cwd=folder, input=TEXT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    (found,) = json.loads(done.stdout)
    assert [event["kind"] for event in found["events"]] == ["energy attack", "producer decision"]
    assert found["prices"][0]["change_pct"] == -1.2
    assert found["claims"][0]["direction"] == "down"
    assert "refinery" not in json.dumps(found["events"])


def test_one_bad_file_stops_no_folder(folder):
    (folder / "news" / "aa.txt").write_bytes(b"\0\x81\0" * 9)
    (folder / "news" / "zz.txt").write_bytes(b"\0\x81\0" * 9)
    done = eventstudy("articles", "extract", "news", "none.txt", "--draft", "d.csv", cwd=folder)
    assert done.returncode == 1
    assert "3 new" in done.stdout
    assert [line.split(":")[0] for line in done.stderr.splitlines() if "not text" in line] == [
        "aa.txt",
        "zz.txt",
    ]
    assert "none.txt: cannot be read" in done.stderr
    alone = eventstudy("articles", "extract", "news/aa.txt", "--draft", "e.csv", cwd=folder)
    assert (alone.returncode, alone.stdout) == (1, "")
    assert not (folder / "e.csv").exists()


def test_a_table_for_people(folder):
    done = eventstudy("articles", "extract", "news/a.txt", cwd=folder)
    assert "published 2026-01-07 (dateline of an agency; zone of London)" in done.stdout
    assert "weekday: on Tuesday" in done.stdout


def test_merge_split_show_validate(folder):
    (folder / "e.csv").write_text(
        "event_id,date,title\na,2026-01-06,One\nb,2026-01-07,The same\nc,2026-01-08,=1+1\n"
    )
    assert eventstudy("events", "merge", "e.csv", "a", "b", cwd=folder).returncode == 0
    shown = eventstudy("events", "show", "a", "e.csv", cwd=folder).stdout
    assert "['2026-01-07']" in shown
    assert eventstudy("events", "split", "e.csv", "a", "b2", cwd=folder).returncode == 0
    assert "'=1+1" in (folder / "e.csv").read_text()
    listed = json.loads(eventstudy("events", "list", "e.csv", "--json", cwd=folder).stdout)
    assert [event["event_id"] for event in listed] == ["a", "b2", "c"]
    assert (
        "3 event(s), 0 undated, no faults"
        in eventstudy("events", "validate", "e.csv", cwd=folder).stdout
    )


def test_the_catalogue_can_be_searched(folder):
    done = eventstudy("events", "list", "--kind", "war outbreak", "--place", "Kuwait", cwd=folder)
    assert "iraq-invades-kuwait-1990" in done.stdout
    assert len(done.stdout.splitlines()) == 3


def test_what_was_not_found_is_said(folder):
    (folder / "blank.txt").write_text(" \n")
    blank = eventstudy("articles", "extract", "blank.txt", cwd=folder)
    assert "there is no text in it" in blank.stderr
    nowhere = eventstudy("events", "list", "--place", "Atlantis", cwd=folder)
    assert "no event is at 'Atlantis'" in nowhere.stderr
    shown = eventstudy("events", "show", "opec-plus-2018-12", "--articles", ".", cwd=folder)
    assert "no article is named for this event" in shown.stdout
    row = "2026-01-05,energy attack,Drones set the depot of Volgograd on fire"
    (folder / "twice.csv").write_text(f"event_id,date,kind,title\na,{row}\nb,{row}\n")
    twice = eventstudy("events", "validate", "twice.csv", cwd=folder)
    assert "a and b may be one event: eventstudy events merge twice.csv a b" in twice.stderr


BAD = [
    (("articles", "extract", "none.txt"), 1, "cannot be read"),
    (("articles", "extract", "."), 1, "holds no article"),
    (("articles", "extract", "news", "--published", "soon"), 2, "neither a day"),
    (("articles", "extract", "news", "--lang", "xx"), 1, "no tables for language"),
    (("articles", "extract", "file:///etc/passwd"), 3, "only http and https"),
    (("articles", "extract", "http://127.0.0.1:9/x"), 3, "local address"),
    (("articles", "extract", "news", "--draft", "no/draft.csv"), 1, "cannot be written"),
    (("articles", "evaluate", "."), 1, "holds no labelled texts"),
    (("articles", "evaluate"), 2, "Missing argument"),
    (("events", "show", "paris-sumit"), 1, "did you mean 'paris-summit'"),
    (("events", "list", "--from", "yesterday"), 2, "is not a day"),
    (("events", "validate", "bad.csv"), 1, "line 2, column 'date'"),
    (("events", "merge", "bad.csv", "x", "x"), 1, "with itself"),
    (("events", "accept", "none.csv", "--into", "x.csv"), 1, "no such file to read events from"),
    (("events", "accept", "plain.csv", "--into", "x.csv"), 1, "column 'decision' is missing"),
    (("events", "merge", "catalogue", "a", "b"), 1, "is not edited"),
    (("events", "list", "--kind", "war outbrake"), 1, "did you mean 'war outbreak'"),
    (("events", "list", "--kind", "picnic"), 1, "known: "),
    (("events", "show", "zzz"), 1, " more"),
    (("events", "show", "paris-summit", "--articles", "nowhere"), 2, "is not a folder"),
    (("events", "list", "."), 1, "cannot be read"),
    (("events", "list", "empty.csv"), 1, "the file is empty"),
    (("check", "picky.toml"), 1, "did you mean 'producer decision'"),
]


@pytest.mark.parametrize(("args", "code", "message"), BAD)
def test_bad_input_is_one_clear_line(folder, args, code, message):
    (folder / "bad.csv").write_text("event_id,date\nx,2026-02-30\n")
    (folder / "plain.csv").write_text("event_id,date\nx,2026-02-03\n")
    (folder / "empty.csv").write_text("")
    (folder / "picky.toml").write_text(
        '[study]\nname = "x"\n[data]\nevents = "catalogue"\nprices = "crude-daily"\n'
        'select = { kind = "producer decison" }\n'
    )
    done = eventstudy(*args, cwd=folder)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "x.csv").exists()


def test_a_merge_that_would_break_the_file_writes_nothing(folder):
    text = "event_id,date\nx,2026-02-30\ny,2026-01-05\n"
    (folder / "bad.csv").write_text(text)
    done = eventstudy("events", "merge", "bad.csv", "y", "x", cwd=folder)
    assert done.returncode == 1
    assert (folder / "bad.csv").read_text() == text


def test_scores_are_printed_for_each_corpus(folder):
    dev, held = (str(ROOT / "validation" / "corpus" / split) for split in ("dev", "held-out"))
    done = eventstudy("articles", "evaluate", dev, held, "--json", cwd=folder)
    scores = {(row["corpus"], row["task"]): row for row in json.loads(done.stdout)}
    assert scores[held, "dates"]["recall"] >= 0.95
    assert scores[dev, "events"]["precision"] >= 0.85


def test_a_draft_is_reviewed_key_by_key_and_goes_on_where_it_stopped(folder):
    eventstudy("articles", "extract", "news", "--draft", "draft.csv", cwd=folder)
    steps = "a\nu\nr\ne\ndate\n2026-02-30\nx\nq\n"
    done = eventstudy(
        "articles", "review", "draft.csv", "--articles", "news", cwd=folder, stdin=steps
    )
    assert done.returncode == 0, done.stderr
    assert "1 of 3" in done.stdout
    assert ">>>" in done.stdout
    assert "a day that does not exist" in done.stderr
    assert "press one of" in done.stderr
    assert "0 accepted, 1 rejected, 2 without a decision" in done.stdout
    again = eventstudy("articles", "review", "draft.csv", cwd=folder, stdin="m\n1\na\n")
    assert "1 of 2" in again.stdout
    assert "1 accepted, 1 rejected, 0 without a decision" in again.stdout
    assert "events accept draft.csv" in again.stdout
    nothing = eventstudy("articles", "review", "draft.csv", cwd=folder, stdin="")
    assert "1 accepted" in nothing.stdout
    missing = eventstudy("articles", "review", "none.csv", cwd=folder, stdin="")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)


class Model(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        quote = "OPEC+ agreed to cut output on Sunday"
        cells = {"kind": "producer decision", "state": "reported", "date_words": "on Sunday"}
        events = [{"quote": quote, **cells}, {"quote": "A tanker sank today", **cells}]
        content = json.dumps({"events": events})
        usage = {"prompt_tokens": 1000, "completion_tokens": 500}
        self.send_response(200 if self.path.startswith("/v1/") else 500)
        self.end_headers()
        answer = {"choices": [{"message": {"content": content}}], "usage": usage}
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def model():
    server = HTTPServer(("127.0.0.1", 0), Model)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_second_reader_says_what_it_took_and_what_was_dropped(folder, model):
    done = eventstudy(
        "articles", "extract", "news/a.txt", "--draft", "d.csv", "--reader", f"{model}/v1",
        "--model", "small", "--reader-cache", "cache", "--token-price", "2", "4", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 calls, 0 answers from the cache, 1,000 tokens in, 500 out, USD 0.0040" in done.stderr
    assert "dropped, misquoted: 1" in done.stderr
    assert "are sent" not in done.stderr
    with (folder / "d.csv").open(newline="", encoding="utf-8") as stream:
        readers = {row["kind"]: row["reader"] for row in csv.DictReader(stream)}
    assert readers == {"energy attack": "", "producer decision": "small"}


def test_a_reader_that_fails_costs_only_its_reading(folder, model):
    done = eventstudy(
        "articles", "extract", "news/a.txt", "--draft", "d.csv", "--reader", f"{model}/v2",
        "--model", "small", "--reader-cache", "cache", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 3
    assert "answered 500 after 3 attempts" in done.stderr
    assert "2 new" in done.stdout
    alone = eventstudy("articles", "extract", "news/a.txt", "--reader", model, cwd=folder)
    assert (alone.returncode, "go together" in alone.stderr) == (2, True)
