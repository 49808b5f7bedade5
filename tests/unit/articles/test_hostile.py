"""Text that means harm: bounded time, bounded memory, a clear line, nothing that runs."""

import csv
import io
import time
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstudy.articles.extract import extract
from eventstudy.articles.merge import merge
from eventstudy.articles.text import MAX_BYTES, read_document, to_document
from eventstudy.errors import MissingDependencyError, TableError
from eventstudy.events.drafts import DRAFT_COLUMNS, draft_rows, guarded, parse_rows, to_csv
from eventstudy.events.table import parse_events

PIECES = (
    "OPEC cut output on Tuesday may May 31 January 7th 2026-01-07 10:06 Beijing time said will",
    'strike hit oil depot in Lipetsk sanctions imposed ceasefire " ( ) $56.30 1.45% Brent fell',
    "U.S. <script> </p> \u202e \u200f \x00 \x07 \n \r\n =cmd|' +1 @SUM 30 February today",
)
WORDS = st.sampled_from(" ".join(PIECES).split(" "))


def _extracted(content):
    """None where the bytes are refused, which takes one line."""
    refusal = ""
    try:
        return extract(to_document(content, "x.txt"))
    except (TableError, MissingDependencyError) as error:
        refusal = str(error)
    assert refusal
    assert "\n" not in refusal
    return None


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(max_size=400), st.lists(WORDS, max_size=80).map(" ".join)))
def test_any_text_is_read_or_refused_in_one_line(text):
    extraction = _extracted(text.encode("utf-8", "surrogatepass"))
    if extraction is None:
        return
    size = len(extraction.document.text)
    for item in extraction.dates:
        assert 0 <= item.span.start < item.span.end <= size
        assert extraction.document.text[item.span.start : item.span.end] == item.text
    for event in extraction.events:
        assert all(0 <= span.start < span.end <= size for span in event.spans)
    rows = draft_rows(merge([extraction]))
    assert parse_rows(to_csv(DRAFT_COLUMNS, rows).encode(), "x")[1] == tuple(
        {name: row[name] for name in DRAFT_COLUMNS} for row in rows
    )
    if rows:
        parse_events(to_csv(DRAFT_COLUMNS, rows).encode(), "draft.csv")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content):
    extraction = _extracted(content)
    if extraction is not None:
        shown = extraction.document.text
        assert all(unicodedata.category(char) != "Cc" or char in "\n\t" for char in shown)


@given(st.text(min_size=1, max_size=60))
def test_no_cell_runs_in_a_spreadsheet(text):
    body = to_csv(["a", "b"], [{"a": text, "b": "end"}]).split("\n", 1)[1]
    cell = next(csv.reader(io.StringIO(body)))[0]
    number = cell.lstrip("+-").replace(".", "", 1).isdigit()
    assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("formula", ["=cmd|' /C calc'!A0", "@SUM(A1)", "+1+cmd()", "-2+3+cmd()"])
def test_a_formula_from_a_file_name_is_text(formula):
    assert guarded(formula) == f"'{formula}"
    text = "LONDON, Jan 7, 2026 (Newsdesk) - Russian forces invaded Ukraine on Tuesday."
    row = dict(draft_rows(merge([extract(to_document(text.encode(), formula))]))[0])
    line = to_csv(DRAFT_COLUMNS, [row]).split("\n")[1]
    assert formula in line
    assert f",{formula}" not in line
    assert parse_rows(to_csv(DRAFT_COLUMNS, [row]).encode(), "x")[1][0]["article"] == formula


def test_a_large_file_is_refused_without_reading_it(tmp_path):
    path = tmp_path / "big.txt"
    with path.open("wb") as stream:
        stream.write(b"on Tuesday, 6 January 2026, " * 750_000)
        stream.truncate(2**40)  # with a hole of a terabyte, which nobody reads
    with pytest.raises(TableError, match="larger than 2 MB"):
        read_document(path)


def test_as_many_dates_as_fit_are_read_in_bounded_time():
    text = ("May 5 2020 " * (MAX_BYTES // 11)).encode()
    begin = time.process_time()  # our own work, however busy the machine is
    extraction = extract(to_document(text, "many.txt"))
    assert time.process_time() - begin < 30
    assert len(extraction.dates) == 5_000
    assert any("first 5000 dated" in note for note in extraction.notes)


@pytest.mark.parametrize(
    "piece",
    ["a" * 100_000, "(" * 50_000, "oil " * 50_000, "$1 " * 50_000, "said " * 50_000, '"' * 9_999],
)
def test_no_pattern_explodes(piece):
    begin = time.process_time()
    extract(to_document(f"Brent {piece} fell on Tuesday.".encode(), "x.txt"))
    assert time.process_time() - begin < 20


def test_controls_and_direction_marks_are_blanks_of_the_same_length():
    text = "OPEC\u202e cut\x07 output\u200b on 5 January 2026."
    document = to_document(text.encode(), "x.txt")
    assert document.text == "OPEC  cut  output  on 5 January 2026."
    (item,) = extract(document).dates
    assert text[item.span.start : item.span.end] == "5 January 2026"


def test_markup_and_scripts_are_not_read_as_text():
    pytest.importorskip("trafilatura")
    body = "<p>" + "Oil traders waited for news from the ministers in Vienna. " * 8 + "</p>"
    page = (
        "<!doctype html><html><head><title>Oil</title><script>var d='5 May 2021';</script></head>"
        "<body><nav><a href='/x'>Archive 3 March 2020</a></nav><article><h1>Oil waits</h1>"
        f"{body}<p>OPEC agreed to cut output on 6 January 2026, ministers said in Vienna.</p>{body}"
        "</article><aside>Most read: 1 April 2019</aside></body></html>"
    )
    extraction = extract(to_document(page.encode(), "page.html"))
    assert [item.value for item in extraction.dates] == ["2026-01-06"]
    assert "<" not in extraction.document.text
    assert "var d" not in extraction.document.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding):
    text = "PARIS, Jan 7, 2026 (Newsdesk) - Communiqué: OPEC cut output on Tuesday."
    document = to_document(text.encode(encoding), "x.txt")
    assert "Communiqué" in document.text
    assert extract(document).dates[1].value == "2026-01-06"
