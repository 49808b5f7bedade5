"""A draft on the desk: decide, skip, edit, merge, and the sentences where the articles are."""

from pathlib import Path

import pytest

from eventstudy.articles.extract import extract
from eventstudy.articles.merge import merge
from eventstudy.articles.text import Document, read_document
from eventstudy.cli.review import run_review
from eventstudy.errors import TableError
from eventstudy.events.deciding import (
    Desk,
    alike_rows,
    decide,
    edit,
    merge_into,
    quotations_of,
    skip,
)
from eventstudy.events.drafts import DRAFT_COLUMNS, draft_rows, write_rows

TEXT = (
    "LONDON, Jan 7, 2026 (Newsdesk) - Drones hit a refinery in Ryazan on Monday. Washington "
    "imposed sanctions on Iran. Some in Vienna urge producers to talk. India could buy oil."
)


def desk_of(document):
    rows = draft_rows(merge([extract(document)], candidates=True))
    return Desk("d.csv", DRAFT_COLUMNS, rows)


@pytest.fixture
def desk():
    return desk_of(Document("a.txt", "1", TEXT, "utf-8"))


def keys(desk):
    return [row["event_id"] for row in desk.waiting]


def test_confident_rows_wait_first_then_the_likeliest_candidates(desk):
    tiers = [row["tier"] for row in desk.waiting]
    assert tiers == sorted(tiers, reverse=True)
    assert {"confident", "candidate"} == set(tiers)
    scores = [float(row["score"]) for row in desk.waiting if row["tier"] == "candidate"]
    assert scores == sorted(scores, reverse=True)


def test_what_is_decided_or_skipped_waits_no_more_and_the_desk_before_is_as_it_was(desk):
    first, second, *rest = keys(desk)
    decided = decide(desk, first, "accept")
    passed = skip(decided, second)
    assert keys(passed) == rest
    assert keys(desk) == [first, second, *rest]
    assert [row["decision"] for row in passed.rows if row["event_id"] == second] == [""]


def test_an_edited_day_makes_a_dated_event_and_a_wrong_one_is_refused(desk):
    key = next(row["event_id"] for row in desk.rows if row["kind"] == "sanctions")
    changed = edit(desk, key, "date", "2026-01-05")
    row = next(row for row in changed.rows if row["event_id"] == key)
    assert (row["date"], row["precision"]) == ("2026-01-05", "")
    back = edit(changed, key, "date", "")
    assert next(row for row in back.rows if row["event_id"] == key)["precision"] == "undated"
    with pytest.raises(TableError, match="is a day that does not exist"):
        edit(desk, key, "date", "2026-02-30")
    with pytest.raises(TableError, match="no column 'day'"):
        edit(desk, key, "day", "2026-01-05")
    with pytest.raises(TableError, match="already used"):
        edit(desk, key, "event_id", keys(desk)[0])


def test_a_merge_keeps_both_sources(desk):
    first, second = keys(desk)[:2]
    row = desk.waiting[1]
    assert first in [other["event_id"] for other in alike_rows(desk, row)]
    merged = merge_into(desk, second, first)
    (kept,) = (row for row in merged.rows if row["event_id"] == first)
    assert kept["merged_from"] == second
    assert kept["span"].count(";") == 1
    assert second not in keys(merged)


def test_sentences_are_shown_only_of_the_article_they_were_read_from(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(TEXT, encoding="utf-8")
    row = desk_of(read_document(path)).waiting[0]
    (shown,) = quotations_of(row, [Path("nowhere"), tmp_path], {})
    assert shown.sentence.endswith("Drones hit a refinery in Ryazan on Monday.")
    assert shown.after.startswith("Washington")
    path.write_text(TEXT + " More.", encoding="utf-8")
    (hidden,) = quotations_of(row, [tmp_path], {})
    assert (hidden.article, hidden.sentence) == ("a.txt", "")


def test_keys_need_no_return_in_a_terminal_and_none_is_lost(tmp_path, monkeypatch, capsys):
    path = tmp_path / "d.csv"
    desk = desk_of(Document("a.txt", "1", TEXT, "utf-8"))
    write_rows(path, desk.columns, desk.rows)
    typed = iter(["ar", "\x1b[A", "q"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.getchar", lambda: next(typed))
    run_review(str(path), ())
    shown = capsys.readouterr()
    assert f"1 accepted, 1 rejected, {len(desk.rows) - 2} without a decision" in shown.out
    assert "press one of" in shown.err
