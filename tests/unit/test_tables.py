import hashlib
import math
import sys
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstudy.errors import OutputError, TableError
from eventstudy.tables import read_rows, read_wide, sha256_of, write_csv


def write(tmp_path, content, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_table_is_read(tmp_path):
    path = write(tmp_path, "session,a,b\n2020-04-17,18.27,1\n2020-04-20,-37.63,\n2020-04-21,NA,.\n")
    frame = read_wide(path)
    assert frame.index.name == "session"
    assert frame.index.tolist() == [pd.Timestamp(f"2020-04-{day}") for day in (17, 20, 21)]
    assert frame.columns.tolist() == ["a", "b"]
    assert frame.dtypes.tolist() == [np.dtype("float64")] * 2
    np.testing.assert_array_equal(frame["a"], [18.27, -37.63, np.nan])
    np.testing.assert_array_equal(frame["b"], [1.0, np.nan, np.nan])


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfsession,a\n2020-01-02,1.5\n2020-01-03,nan\n",
        b"session,a\r\n2020-01-02,1.5\r\n2020-01-03,NaN\r\n",
        b'"session","a"\n\n"2020-01-02","1.5"\n"2020-01-03",""\n\n',
        b"session,a\n2020-01-02, 1.5\n2020-01-03,",
    ],
)
def test_marks_line_ends_quotes_and_blank_lines(tmp_path, content):
    frame = read_wide(write(tmp_path, content))
    np.testing.assert_array_equal(frame["a"], [1.5, np.nan])


@pytest.mark.parametrize(
    ("content", "line", "column", "message"),
    [
        ("", None, None, "empty"),
        ("  \n\n", None, None, "empty"),
        ("date,a\n2020-01-02,1\n", 1, None, "rename 'date' to 'session'"),
        ("session;a\n2020-01-02;1\n", 1, None, "with commas"),
        ("a,session\n1,2020-01-02\n", 1, None, "first column must be named 'session'"),
        ("session\n2020-01-02\n", 1, None, "no column of prices"),
        ("session,a\n", None, None, "no rows"),
        ("session,a,a\n2020-01-02,1,2\n", 1, "a", "occurs twice"),
        ("session,,a\n2020-01-02,1,2\n", 1, None, "named ''"),
        ("session, a\n2020-01-02,1\n", 1, None, "without blanks"),
        ("session,a\n2020-01-02,1\n02/01/2020,1\n", 3, "session", "'02/01/2020' is not an ISO"),
        ("session,a\n20200102,1\n", 2, "session", "not an ISO date"),
        ("session,a\n2020-02-30,1\n", 2, "session", "not an ISO date"),
        ("session,a\n2020-01-02T00:00,1\n", 2, "session", "not an ISO date"),
        ("session,a\n,1\n", 2, "session", "'' is not an ISO date"),
        ("session,a\n2020-01-02,1\n2020-01-02,2\n", 3, "session", "already on line 2"),
        ("session,a\n2020-01-03,1\n\n2020-01-02,2\n", 4, "session", "sort the rows"),
        ("session,a\n2020-01-02,n/a\n", 2, "a", "'n/a' is not a number"),
        ('session,a\n2020-01-02,"1,000"\n', 2, "a", "thousands separator"),
        ("session,a\n2020-01-02,1_000\n", 2, "a", "'1_000' is not a number"),
        ("session,a\n2020-01-02,5%\n", 2, "a", "'5%' is not a number"),
        ("session,a\n2020-01-02,0x10\n", 2, "a", "'0x10' is not a number"),
        ("session,a\n2020-01-02,True\n", 2, "a", "'True' is not a number"),
        ("session,a\n2020-01-02,inf\n", 2, "a", "infinite"),
        ("session,a\n2020-01-02,-Infinity\n", 2, "a", "infinite"),
        ("session,a\n2020-01-02,1e999\n", 2, "a", "too large"),
        ("session,a\n2020-01-02,1,2\n", 2, None, "3 cells where the header has 2"),
        ("session,a,b\n2020-01-02,1\n", 2, None, "2 cells where the header has 3"),
        ('session,a\n2020-01-02,"1\n', 2, None, "is not CSV"),
        (b"session,a\n2020-01-02,1\n2020-01-03,\xff\n", 3, None, "0xff is not UTF-8"),
        ("session,a\n2020-01-02,1".encode("utf-16"), 1, None, "save the file as CSV UTF-8"),
        (b"session,a\n2020-01-02,\x001\n", 2, None, "zero byte"),
    ],
)
def test_a_fault_is_located(tmp_path, content, line, column, message):
    path = write(tmp_path, content)
    with pytest.raises(TableError, match=message) as caught:
        read_wide(path)
    assert caught.value.path == str(path)
    assert (caught.value.row, caught.value.column) == (line, column)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TableError, match="no such file"):
        read_wide(tmp_path / "absent.csv")
    with pytest.raises(TableError, match="cannot be read"):
        read_wide(tmp_path)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_numbers_survive_writing_and_reading_exactly(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("exact") / "table.csv"
    days = pd.date_range("2020-01-01", periods=len(numbers), name="session", unit="us")
    frame = pd.DataFrame({"a": numbers, "b": [-0.1] * len(numbers)}, index=days)
    write_csv(frame, path)
    found = read_wide(path)
    assert [value.hex() for value in found["a"]] == [float(value).hex() for value in numbers]
    assert found["b"].tolist() == frame["b"].tolist()


@given(st.decimals(min_value=-200, max_value=200, places=17, allow_nan=False))
def test_long_decimals_are_rounded_as_python_rounds_them(tmp_path_factory, number):
    path = tmp_path_factory.mktemp("decimal") / "table.csv"
    path.write_text(f"session,a\n2020-01-02,{number:f}\n")
    assert read_wide(path)["a"].iloc[0].hex() == float(f"{number:f}").hex()


def test_a_large_table_is_not_read_cell_by_cell(tmp_path):
    values = np.random.default_rng(1).normal(size=(2000, 500)).round(4)
    days = pd.date_range("1990-01-01", periods=2000, name="session", unit="us")
    frame = pd.DataFrame(values, index=days, columns=[f"c{i}" for i in range(500)])
    write_csv(frame, tmp_path / "large.csv")
    calls = []
    sys.setprofile(lambda frame, event, argument: calls.append(event))  # noqa: ARG005  # its signature
    try:
        found = read_wide(tmp_path / "large.csv")
    finally:
        sys.setprofile(None)
    assert sum(event in {"call", "c_call"} for event in calls) < frame.size / 10
    pd.testing.assert_frame_equal(found, frame, check_freq=False)


def parquet(tmp_path, frame, **options):
    path = tmp_path / "table.parquet"
    frame.to_parquet(path, **options)
    return path


def days(*texts):
    return pd.DatetimeIndex(texts, name="session")


def test_parquet_gives_what_csv_gives(tmp_path):
    frame = pd.DataFrame({"a": [1.5, np.nan], "b": [1, 2]}, index=days("2020-01-02", "2020-01-03"))
    write_csv(frame, tmp_path / "table.csv")
    expected = read_wide(tmp_path / "table.csv")
    for stored in (
        frame,
        frame.reset_index(),
        frame.reset_index().assign(session=["2020-01-02", "2020-01-03"]),
        frame.reset_index().assign(session=[date(2020, 1, 2), date(2020, 1, 3)]),
    ):
        pd.testing.assert_frame_equal(read_wide(parquet(tmp_path, stored)), expected)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": [1.0]}), "must be named 'session'"),
        (pd.DataFrame(index=days("2020-01-02")), "no column of prices"),
        (pd.DataFrame({"a": [1.0]}, index=days("2020-01-02")).iloc[:0], "no rows"),
        (pd.DataFrame({"a": ["x"]}, index=days("2020-01-02")), "'x' is .*not a number"),
        (pd.DataFrame({"a": [True]}, index=days("2020-01-02")), "not a number"),
        (pd.DataFrame({"a": [math.inf]}, index=days("2020-01-02")), "row 1: an infinite"),
        (
            pd.DataFrame({"a": [1.0, 2.0]}, index=days("2020-01-02", "2020-01-02")),
            "row 2: session 2020-01-02 occurs twice",
        ),
        (
            pd.DataFrame({"a": [1.0, 2.0]}, index=days("2020-01-03", "2020-01-02")),
            "row 2: session 2020-01-02 is out of order",
        ),
        (pd.DataFrame({"a": [1.0]}, index=days("2020-01-02T14:30")), "row 1: .*time of day"),
        (pd.DataFrame({"a": [1.0, 2.0]}, index=days("2020-01-02", None)), "a session is missing"),
        (pd.DataFrame({"session": ["2.1.2020"], "a": [1.0]}), "row 1: '2.1.2020' is not an ISO"),
        (pd.DataFrame({"session": [20200102], "a": [1.0]}), "store days"),
    ],
)
def test_a_fault_in_parquet_is_located(tmp_path, frame, message):
    with pytest.raises(TableError, match=message):
        read_wide(parquet(tmp_path, frame))


def test_what_is_not_parquet(tmp_path):
    with pytest.raises(TableError, match="not a Parquet file"):
        read_wide(write(tmp_path, "session,a\n2020-01-02,1\n", "table.parquet"))


def test_rows_are_text_with_their_lines(tmp_path):
    path = write(tmp_path, 'event_id,note\ne1," 007"\n\ne2,"two\nlines"\ne3,\n')
    rows = read_rows(path)
    assert rows == [
        {"event_id": "e1", "note": " 007"},
        {"event_id": "e2", "note": "two\nlines"},
        {"event_id": "e3", "note": ""},
    ]
    assert [row.line for row in rows] == [2, 5, 6]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("a,a\n1,2\n", "occurs twice"),
        ("a,b\n1\n", "1 cells where the header has 2"),
        (b"a\n\xe4\n", "not UTF-8"),
    ],
)
def test_rows_have_faults_too(tmp_path, content, message):
    with pytest.raises(TableError, match=message):
        read_rows(write(tmp_path, content))


def test_a_table_is_written_the_same_every_time(tmp_path):
    frame = pd.DataFrame(
        {
            "number": [0.1 + 0.2, -1.0, np.nan],
            "count": [1, -2, 3],
            "flag": [True, False, True],
            "day": pd.to_datetime(["2020-01-02", None, "2020-01-03"]),
            "moment": np.array(["2020-01-02T14:30", "2020-01-02", "2020-01-02"], dtype="M8[us]"),
            "aware": [datetime(2020, 1, 2, 3, tzinfo=UTC), pd.NaT, None],
            "text": ["=1+1", "-5", 'a "b", c'],
            "mixed": ["@x", -5.5, None],
        },
        index=pd.Index(["e1", "+e2", "e3"], name="event_id"),
    )
    path = tmp_path / "deep" / "table.csv"
    write_csv(frame, path)
    assert path.read_bytes().decode() == (
        "event_id,number,count,flag,day,moment,aware,text,mixed\n"
        "e1,0.30000000000000004,1,true,2020-01-02,2020-01-02T14:30:00,"
        "2020-01-02T03:00:00+00:00,'=1+1,'@x\n"
        "'+e2,-1.0,-2,false,,2020-01-02T00:00:00,,'-5,-5.5\n"
        'e3,,3,true,2020-01-03,2020-01-02T00:00:00,,"a ""b"", c",\n'
    )
    first = path.read_bytes()
    write_csv(frame, path)
    assert path.read_bytes() == first
    assert [child.name for child in path.parent.iterdir()] == ["table.csv"]
    assert sha256_of(path) == hashlib.sha256(first).hexdigest()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1"])
def test_no_text_cell_runs_in_a_spreadsheet(tmp_path, text):
    write_csv(pd.DataFrame({text: [text]}), tmp_path / "t.csv")
    rows = read_rows(tmp_path / "t.csv")
    assert list(rows[0].items()) == [("'" + text, "'" + text)]


def test_a_table_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_csv(pd.DataFrame({"a": [1]}), tmp_path / "file" / "t.csv")
    with pytest.raises(TableError, match="no such file"):
        sha256_of(tmp_path / "absent")
