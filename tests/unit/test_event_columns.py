"""A column of the event file is declared in one place; everything else follows from it."""

import copy
import datetime as dt
import json
import pickle
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from eventstudy.events import Event, catalogue
from eventstudy.events.claims import read_claims
from eventstudy.events.columns import (
    Cells,
    Faults,
    column_names,
    columns_of,
    row_of,
    zone_names,
)
from eventstudy.events.drafts import DRAFT_COLUMNS, to_csv
from eventstudy.events.quotes import read_quotes
from eventstudy.events.table import Features, parse_events

PACKAGE = Path(str(resources.files("eventstudy")))
NEW = """    barrels: float | None = column(
        Cells.number, "Barrels a day that it takes away.", "not known", tags=["carried"]
    )
"""
SCRIPT = """
import json, sys
from eventstudy.cli.events import _plain
from eventstudy.events.columns import columns_of, document
from eventstudy.events.drafts import DRAFT_COLUMNS
from eventstudy.events.review import accept
from eventstudy.events.table import Event, parse_events
table = parse_events(b"event_id,date,barrels\\na,2026-01-05,1500\\nb,2026-01-06,\\n", "x.csv")
faulty = ""
try:
    parse_events(b"event_id,date,barrels\\na,2026-01-05,many\\n", "x.csv")
except ValueError as error:
    faulty = str(error)
print(json.dumps({
    "read": [event.barrels for event in table],
    "feature": [dict(event.features) for event in table],
    "frame": table.frame()["barrels"].fillna(-1).tolist(),
    "json": _plain(table.events[0])["barrels"],
    "carried": table.events[0].carried,
    "draft": "barrels" in DRAFT_COLUMNS,
    "accepted": accept(DRAFT_COLUMNS, [{**dict.fromkeys(DRAFT_COLUMNS, ""), "event_id": "c",
                       "decision": "accept", "barrels": "7"}], (), ()).rows[0]["barrels"],
    "documented": [row for row in document(columns_of(Event)) if "barrels" in row[0]],
    "faulty": faulty,
}))
"""


def test_a_column_that_is_declared_once_is_read_written_and_documented(tmp_path):
    package = shutil.copytree(PACKAGE, tmp_path / "eventstudy")
    table = package / "events" / "table.py"
    text = table.read_text("utf-8")
    place = "    features: Mapping[str, str | float]"
    assert text.count(place) == 1
    table.write_text(text.replace(place, NEW + place), "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "read": [1500.0, None],
        "feature": [{}, {}],
        "frame": [1500.0, -1.0],
        "json": 1500.0,
        "carried": {"barrels": 1500.0},
        "draft": True,
        "accepted": "7",
        "documented": [["`barrels`", "Barrels a day that it takes away.", "not known"]],
        "faulty": "x.csv, line 2, column 'barrels': 'many' is not a number",
    }


def test_what_is_read_can_be_written_and_read_again():
    table = catalogue()
    rows = [row_of(event) for event in table]
    again = parse_events(to_csv(column_names(Event), rows).encode(), "again.csv")
    for one, other in zip(table, again, strict=True):
        assert row_of(one) == row_of(other)
        assert (one.date, one.time, one.other_dates) == (other.date, other.time, other.other_dates)


def test_tables_quotes_and_claims_can_be_pickled_and_copied():
    paris = PACKAGE / "data" / "paris-2026"
    for value in (
        catalogue(),
        read_quotes(paris / "quotes.csv"),
        read_claims(paris / "claims.csv"),
    ):
        for again in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value)):  # our own bytes
            assert again == value
            assert repr(again) == repr(value)
    (first, *_) = catalogue()
    assert pickle.loads(pickle.dumps(first)).features["certainty"] == "firm"  # our own bytes


def test_features_are_a_mapping_that_nothing_changes():
    features = Features({"surprise": 1.5, "note": "x"})
    assert dict(features) == {"surprise": 1.5, "note": "x"}
    assert features == {"surprise": 1.5, "note": "x"}
    assert hash(features) == hash(Features({"note": "x", "surprise": 1.5}))
    with pytest.raises(TypeError):
        features["note"] = "y"
    event = Event(event_id="a", date=dt.date(2026, 1, 5), features=features)
    assert len({event, copy.deepcopy(event)}) == 1
    given = {"note": "x"}
    event = Event(event_id="a", date=dt.date(2026, 1, 5), features=given)
    given["note"] = "y"
    assert event.features == {"note": "x"}


def test_the_columns_of_a_draft_are_those_of_the_file_and_of_the_reviewer():
    assert DRAFT_COLUMNS[:2] == ("event_id", "decision")
    assert "asset" not in DRAFT_COLUMNS
    assert {"title", "date", "place", "extracted"} <= set(DRAFT_COLUMNS)
    assert len(DRAFT_COLUMNS) == len(set(DRAFT_COLUMNS))


def test_every_column_says_what_it_means():
    assert [item.field for item in columns_of(Event) if not (item.meaning and item.blank)] == []


def test_zones_are_those_of_the_database_and_a_wrong_one_gets_a_hint():
    assert {"Europe/Paris", "UTC", "Asia/Shanghai"} <= zone_names()
    assert "localtime" not in zone_names()
    faults = Faults("x.csv")
    assert Cells(2, {"zone": "Somewhere else"}, faults).zone() is None
    assert "use a name such as Europe/Paris" in faults.lines[0]


QUOTES = [
    ("quote_id,asset,time\na,wti,2026-01-07T10:06Z\n", "column 'level' is missing"),
    ("quote_id,asset,time,level\na,wti,,56.3\n", "column 'time': is empty"),
    (
        "quote_id,asset,time,level\na,wti,2026-01-07T10:06Z,1\na,wti,2026-01-07T10:07Z,1\n",
        "line 3, column 'quote_id': 'a' is already used in line 2",
    ),
    ("quote_id,asset,time,level,zone\na,wti,2026-01-07T10:06,1,Asia/Shangai\n", "did you mean"),
]


@pytest.mark.parametrize(("text", "message"), QUOTES)
def test_quotes_are_checked_as_events_are(tmp_path, text, message):
    path = tmp_path / "quotes.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_quotes(path)
    assert len(caught.value.faults) == 1


def test_a_quote_may_state_its_clock_by_the_name_of_a_zone(tmp_path):
    path = tmp_path / "quotes.csv"
    path.write_text(
        "quote_id,asset,time,zone,level\n"
        "a,wti,2026-01-07T10:06,Asia/Shanghai,56.30\n"
        "b,wti,2026-01-07T10:06:00+08:00,,56.3\n"
    )
    first, second = read_quotes(path)
    assert first.time == second.time
    assert (first.level_decimals, second.level_decimals) == (2, 1)


CLAIM = "claim_id,asset,event_id,window_start,window_end,direction\n"


def test_a_claim_without_a_direction_is_refused(tmp_path):
    path = tmp_path / "claims.csv"
    path.write_text(CLAIM + "a,wti,x,0,1,\n")
    with pytest.raises(ValueError, match="line 2, column 'direction': is empty"):
        read_claims(path)
