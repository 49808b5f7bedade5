"""Drafts and reviewed files: a reviewer's decision is never overwritten."""

import pytest

from eventstudy.articles.extract import extract
from eventstudy.articles.merge import merge
from eventstudy.articles.text import Document
from eventstudy.errors import OutputError, TableError, UnknownNameError
from eventstudy.events.drafts import (
    DRAFT_COLUMNS,
    draft_rows,
    read_draft,
    to_csv,
    update_draft,
    write_rows,
)
from eventstudy.events.review import accept, merge_rows, split_row
from eventstudy.events.table import parse_events

HEAD = "LONDON, Jan 7, 2026 (Newsdesk) - "
TWO = HEAD + "OPEC agreed to cut output on Sunday. Washington imposed sanctions on Iran on Monday."


def rows(text, name="a.txt", digest="1"):
    return draft_rows(merge([extract(Document(name, digest, text, "utf-8"))]))


def test_a_draft_has_a_row_per_event_with_its_provenance():
    first, second = rows(TWO)
    assert first["event_id"] == "producer-decision-2026-01-04"
    assert (first["date"], first["precision"], first["decision"]) == ("2026-01-04", "day", "")
    assert second["place"] == "Iran"
    assert second["zone"] == "Asia/Tehran"
    assert second["article"] == "a.txt"
    start, end = map(int, second["span"].split("-"))
    assert TWO[start:end].startswith("Washington imposed")


def test_extracting_again_keeps_what_the_reviewer_wrote():
    draft = [dict(row) for row in rows(TWO)]
    draft[0] |= {"decision": "reject", "title": "My words", "date": "2026-01-05"}
    update = update_draft(draft, rows(TWO))
    assert (update.new, update.changed) == ((), ())
    assert len(update.kept) == 2
    assert {k: v for k, v in update.rows[0].items() if k != "change"} == {
        k: v for k, v in draft[0].items() if k != "change"
    }


def test_extracting_a_changed_article_says_what_it_now_reads():
    draft = [dict(row) for row in rows(TWO)]
    draft[1]["decision"] = "accept"
    later = TWO.replace("Iran on Monday", "Iran on Tuesday") + " Drones hit a refinery in Ryazan."
    update = update_draft(draft, rows(later, digest="2"))
    assert update.changed == (draft[1]["event_id"],)
    assert "2026-01-06" in update.rows[1]["change"]
    assert update.rows[1]["date"] == "2026-01-05"
    assert update.rows[1]["decision"] == "accept"
    assert len(update.new) == 1
    assert update.rows[2]["change"] == "new"


def test_keys_stay_unique():
    text = HEAD + "Drones hit a refinery in Ryazan on Monday."
    update = update_draft(rows(text), rows(text, name="b.txt", digest="2"))
    assert [row["event_id"] for row in update.rows] == [
        "energy-attack-ryazan-2026-01-05",
        "energy-attack-ryazan-2026-01-05-2",
    ]


def test_accepting_moves_only_what_was_decided():
    draft = [dict(row) for row in rows(TWO)]
    draft[0]["decision"] = "accept"
    result = accept(DRAFT_COLUMNS, draft, (), ())
    assert result.accepted == (draft[0]["event_id"],)
    assert result.open == (draft[1]["event_id"],)
    assert not {"decision", "extracted", "change"} & set(result.columns)
    table = parse_events(to_csv(result.columns, result.rows).encode(), "reviewed.csv")
    assert table.ids == (draft[0]["event_id"],)
    again = accept(DRAFT_COLUMNS, draft, result.columns, result.rows)
    assert (again.accepted, again.updated) == ((), (draft[0]["event_id"],))
    assert again.rows == result.rows


def test_a_rejected_row_does_not_remove_what_was_accepted_before():
    draft = [dict(row) for row in rows(TWO)]
    draft[0]["decision"] = "accept"
    first = accept(DRAFT_COLUMNS, draft, (), ())
    draft[0]["decision"] = "reject"
    second = accept(DRAFT_COLUMNS, draft, first.columns, first.rows)
    assert second.rows == first.rows
    assert second.rejected == (draft[0]["event_id"],)


def test_a_decision_that_is_none_is_named():
    draft = [{**row, "decision": "perhaps"} for row in rows(TWO)]
    with pytest.raises(TableError, match="'perhaps' is not a decision"):
        accept(DRAFT_COLUMNS, draft, (), ())


SUMMIT = {"event_id": "a", "date": "2026-01-06", "other_dates": "", "article": "x", "span": "1-2"}
SECOND = {"event_id": "b", "date": "2026-01-07", "other_dates": "", "article": "y", "span": "3-4"}


def test_merging_keeps_the_conflict_and_both_sources():
    (merged,) = merge_rows([SUMMIT, SECOND], "a", "b")
    assert merged == {
        "event_id": "a",
        "date": "2026-01-06",
        "other_dates": "2026-01-07",
        "article": "x;y",
        "span": "1-2;3-4",
        "merged_from": "b",
    }


def test_merging_an_undated_row_with_a_timed_one_takes_the_time_with_its_zone():
    undated = {
        "event_id": "a",
        "date": "",
        "time": "",
        "zone": "Europe/Paris",
        "precision": "undated",
    }
    timed = {
        "event_id": "b",
        "date": "",
        "time": "2026-01-06T18:30:00-05:00",
        "zone": "",
        "precision": "hour",
    }
    (merged,) = merge_rows([undated, timed], "a", "b")
    assert merged["time"] == "2026-01-06T18:30:00-05:00"
    assert merged["zone"] == ""
    assert merged["precision"] == "hour"
    parse_events(to_csv([*merged], [merged]).encode(), "x.csv")


def test_splitting_undoes_a_merge_of_days():
    (merged,) = merge_rows([SUMMIT, SECOND], "a", "b")
    first, second = split_row([merged], "a", "b2")
    assert (first["date"], first["other_dates"]) == ("2026-01-06", "")
    assert (second["event_id"], second["date"], second["other_dates"]) == ("b2", "2026-01-07", "")


def test_bad_merges_and_splits_are_one_line():
    with pytest.raises(UnknownNameError, match="did you mean"):
        merge_rows([SUMMIT, {**SECOND, "event_id": "summit"}], "a", "sumit")
    with pytest.raises(TableError, match="with itself"):
        merge_rows([SUMMIT, SECOND], "a", "a")
    with pytest.raises(TableError, match="no other dates"):
        split_row([SUMMIT, SECOND], "a", "c")
    with pytest.raises(TableError, match="already used"):
        split_row([{**SUMMIT, "other_dates": "2026-01-07"}, SECOND], "a", "b")


def test_files_are_whole_or_absent(tmp_path):
    path = tmp_path / "draft.csv"
    write_rows(path, DRAFT_COLUMNS, rows(TWO))
    columns, read = read_draft(path)
    assert columns == DRAFT_COLUMNS
    assert read == rows(TWO)
    assert [item.name for item in tmp_path.iterdir()] == ["draft.csv"]
    with pytest.raises(OutputError, match="cannot be written"):
        write_rows(tmp_path / "none" / "draft.csv", DRAFT_COLUMNS, ())
