import datetime as dt
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from eventstudy.errors import TableError
from eventstudy.events import events_from_frame, read_events


def write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "events.csv"
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return path


def faults(tmp_path, text):
    with pytest.raises(TableError) as caught:
        read_events(write(tmp_path, text))
    return caught.value.faults


def test_one_asset_in_many_events_and_many_assets_in_one_event(tmp_path):
    table = read_events(
        write(
            tmp_path,
            "event_id,date,asset,kind,surprise,note\n"
            "a,2026-01-05,wti_front,strike,1.5,x\n"
            "b,2026-01-06,wti_front,Strike,-2,\n"
            "c,2026-01-06,brent_front,talks,,3\n",
        )
    )
    assert table.ids == ("a", "b", "c")
    assert [event.asset for event in table] == ["wti_front", "wti_front", "brent_front"]
    assert table.events[1].features["surprise"] == -2.0
    assert table.events[0].features["note"] == "x"
    assert table.events[2].features["note"] == "3"
    assert pd.isna(table.events[2].features["surprise"])
    assert table.select(kind="strike").ids == ("a", "b")
    assert table.select(first=dt.date(2026, 1, 6), kind=["talks", "strike"]).ids == ("b", "c")
    assert table.events[0].row == 2
    assert table.frame().loc["b", "date"] == dt.date(2026, 1, 6)


def test_moments_keep_their_zone_and_local_day(tmp_path):
    table = read_events(
        write(
            tmp_path,
            "event_id,time,zone,precision\n"
            "offset,2026-01-07T10:06:00+08:00,,\n"
            "utc,2026-01-07T02:06:00Z,Asia/Shanghai,\n"
            "naive,2026-01-07T10:06,Asia/Shanghai,hour\n",
        )
    )
    moments = {event.time.astimezone(dt.UTC) for event in table}
    assert moments == {dt.datetime(2026, 1, 7, 2, 6, tzinfo=dt.UTC)}
    assert {event.date for event in table} == {dt.date(2026, 1, 7)}
    assert [event.precision for event in table] == ["exact", "exact", "hour"]
    assert table.events[1].time.tzinfo == ZoneInfo("Asia/Shanghai")


def test_undated_events_have_bounds_and_conflicts_are_kept(tmp_path):
    table = read_events(
        write(
            tmp_path,
            "event_id,date,precision,not_after,other_dates,direction\n"
            "open,,undated,2026-01-07T10:18:14+08:00,,-1\n"
            "summit,2026-01-06,,,2026-01-07; 2026-01-08,+\n",
        )
    )
    open_event, summit = table
    assert open_event.date is None
    assert open_event.not_after.astimezone(dt.UTC).hour == 2
    assert (open_event.direction, summit.direction) == ("down", "up")
    assert summit.other_dates == (dt.date(2026, 1, 7), dt.date(2026, 1, 8))
    assert table.select(first=dt.date(1990, 1, 1)).ids == ("summit",)


def test_titles_survive_exactly_and_formulas_are_text(tmp_path):
    title = "=SUM(A1), سعر النفط — «цена» 油价"
    text = f'\ufeffevent_id,date,title\nx,2026-01-06,"{title}"\n'
    assert read_events(write(tmp_path, text)).events[0].title == title


BAD_ROWS = [
    ("x,2026-02-30,,,,", "does not exist"),
    ("x,06/01/2026,,,,", "YYYY-MM-DD"),
    ("x,Tuesday,,,,", "YYYY-MM-DD"),
    ("x,2026-01-06T10:00,,,,", "put it in column 'time'"),
    ("x,,2026-01-06,,,", "put it in column 'date'"),
    ("x,,2026-01-06T10:00,,,", "has no zone"),
    ("x,,nonsense,,,", "not an ISO 8601 time"),
    ("x,,2026-01-06T10:00,Europe/Pariss,,", "did you mean 'Europe/Paris'"),
    ("x,,2026-03-29T02:30,Europe/Paris,,", "clocks skip it"),
    ("x,,2025-10-26T02:30,Europe/Paris,,", "clocks go back"),
    ("x,2026-01-06,,,exactly,", "not a precision"),
    ("x,2026-01-06,,,undated,", "'undated' although"),
    ("x,2026-01-06,,,hour,", "the row has no time"),
    ("x,2026-01-06,,,,sideways", "use up, down or none"),
    ("x,,,,,", "fill 'date' or 'time'"),
    (",2026-01-06,,,,", "give the event a key"),
    ("x,2026-01-05,2026-01-06T10:00Z,,,", "not the local day"),
]


@pytest.mark.parametrize(("row", "message"), BAD_ROWS)
def test_one_bad_row_is_one_line_with_its_place(tmp_path, row, message):
    header = "event_id,date,time,zone,precision,direction\n"
    (line,) = faults(tmp_path, f"{header}good,2026-01-02,,,,\n{row}\n")
    assert message in line
    assert "line 3" in line
    assert "events.csv" in line
    assert "\n" not in line


def test_every_fault_of_a_file_is_shown_together(tmp_path):
    rows = "".join(f"{row}\n" for row, _ in BAD_ROWS if row.startswith("x,") and row != "x,,,,,")
    lines = faults(tmp_path, f"event_id,date,time,zone,precision,direction\n{rows}")
    assert len([line for line in lines if "already used" in line]) == len(rows.splitlines()) - 1
    assert len(lines) == 2 * len(rows.splitlines()) - 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (",,\n,,\n", "every cell is blank"),
        ("event_id,date\n", "no events"),
        ("event,date\nx,2026-01-06\n", "did you mean 'event'"),
        ("event_id,day\nx,2026-01-06\n", "column 'date' or 'time' is missing"),
        ("event_id,date,date\nx,2026-01-06,\n", "appears twice"),
        ("event_id,date\nx,2026-01-06,more\n", "3 cells where the header has 2"),
        (b"event_id,date,title\nx,2026-01-06,caf\xe9\n", "not UTF-8"),
        (b"PK\x03\x04\0\0", "zero byte"),
        ('event_id,date\n"x,2026-01-06\n', "check the quotes"),
    ],
)
def test_files_that_are_no_event_table(tmp_path, text, message):
    (line, *_) = faults(tmp_path, text)
    assert message in line


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(TableError, match=r"none.csv: there is no such file to read events from"):
        read_events(tmp_path / "none.csv")


def test_a_frame_is_read_like_its_file(tmp_path):
    path = write(
        tmp_path,
        "event_id,date,time,asset,size\na,2026-01-05,,wti,1\nb,,2026-01-06T10:00:00+00:00,,2\n",
    )
    frame = pd.DataFrame(
        {
            "event_id": ["a", "b"],
            "date": [dt.date(2026, 1, 5), None],
            "time": [None, pd.Timestamp("2026-01-06T10:00", tz="UTC")],
            "asset": ["wti", None],
            "size": [1, 2],
        }
    )
    expected = read_events(path)
    for given in (frame, frame.set_index("event_id")):
        assert events_from_frame(given).events == expected.events
    days = pd.DataFrame({"event_id": ["a"], "date": pd.to_datetime(["2026-01-05"])})
    assert events_from_frame(days).events[0].date == dt.date(2026, 1, 5)


def test_a_frame_with_a_fault_is_refused():
    frame = pd.DataFrame({"event_id": ["a", "a"], "date": ["2026-01-05", "2026-01-06"]})
    with pytest.raises(TableError, match="already used in line 2"):
        events_from_frame(frame)
