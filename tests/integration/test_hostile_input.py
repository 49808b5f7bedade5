"""Whatever a file holds, a command ends in words and an exit code, never an internal error.

The files are made by hand and by a seeded generator; ``-m slow`` runs the generator for longer.
"""

import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstudy.cli import main

PRICES = "session,wti,brent\n2026-01-05,58.3,61.1\n2026-01-06,57.1,60.7\n2026-01-07,55.9,60.1\n"
EVENTS = "event_id,date,title\none,2026-01-06,First\n"
STUDY = (
    '[study]\nname = "s"\nassets = ["wti"]\n[data]\nevents = "e.csv"\nprices = "p.csv"\n'
    "[windows]\nevent = [-1, 1]\nestimation = 60\ncar = [[0, 0]]\n"
)
INSTRUMENT = '[[instrument]]\nname = "x"\nunit = "u"\nkind = "futures"\n'
SOURCES = 'sources = [{ source = "file", symbol = "a:b", kind = "futures" }]\n'


RULE = (
    '[[contracts]]\nproduct = "wti"\ncount = {count}\nunit = {unit}\ncalendar = "wti"\n'
    'source = "yahoo"\nsymbol = {symbol}\n'
)


def call(*arguments):
    """Run a command in this process; return its code and what it said."""
    before, old = signal.getsignal(signal.SIGTERM), sys.argv
    sys.argv = ["eventstudy", *map(str, arguments)]
    try:
        with pytest.raises(SystemExit) as stop:
            main()
    finally:
        sys.argv = old
        signal.signal(signal.SIGTERM, before)
    return stop.value.code


def refuse(capsys, *arguments):
    """Run a command that must refuse in words."""
    code = call(*arguments)
    said = capsys.readouterr().err
    assert code in (1, 2, 3, 4), said
    assert "internal error" not in said
    assert "Traceback" not in said
    assert said.strip()
    return said


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVENTSTUDY_STORE", str(tmp_path / "store.sqlite"))
    (tmp_path / "p.csv").write_text(PRICES)
    (tmp_path / "e.csv").write_text(EVENTS)
    (tmp_path / "s.toml").write_text(STUDY)
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        INSTRUMENT + SOURCES + 'closes = "25:99"',
        INSTRUMENT + SOURCES + "closes = 5",
        INSTRUMENT + SOURCES + "closes = 12:00:00",
        INSTRUMENT + SOURCES + 'closes = "12:00+02:00"',
        INSTRUMENT + SOURCES.replace("symbol", "smybol"),
        INSTRUMENT.replace('"x"', "5") + SOURCES,
        INSTRUMENT.replace('"futures"', '["futures"]') + SOURCES,
        INSTRUMENT + "sources = 5",
        INSTRUMENT + "sources = [5]",
        INSTRUMENT + "sources = [{ source = [1], symbol = 5, kind = {} }]",
        "instrument = 5",
        "instrument = [5]",
        "contracts = 5",
        RULE.format(count='"x"', unit=5, symbol=5),
        RULE.format(count=3, unit='"x"', symbol='"{yy.__class__}"'),
        "a = " + "[" * 3000,
        "a = " + "9" * 5000,
    ],
)
def test_instruments(place, capsys, text):
    (place / "i.toml").write_text(text)
    refuse(capsys, "refresh", "--dry-run", "--instruments", "i.toml")


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 3000, "[" * 3000 + "]" * 3000, "{a=" * 2000])
def test_study_files(place, capsys, value):
    (place / "s.toml").write_text(STUDY + f"gap = {value}\n")
    for command in ("check", "run"):
        refuse(capsys, command, "s.toml")


COMMANDS = [
    ("check",),
    ("articles", "extract"),
    ("prices", "import", "--unit", "u", "--source", "s"),
    ("events", "validate"),
    ("prices", "list", "--store"),
    ("refresh", "--dry-run", "--instruments"),
    ("prices", "backup", "b.sqlite", "--store"),
]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are of POSIX")
@pytest.mark.parametrize("command", COMMANDS)
def test_pipes_devices_and_folders(place, capsys, command):
    os.mkfifo(place / "pipe")
    for name in ("pipe", "/dev/zero", ".", "x" * 300, "no/such/file"):
        refuse(capsys, *command, name)


@pytest.mark.parametrize("key", ["e.csv", "p.csv"])
@pytest.mark.parametrize("line", ["root:x:0:hunter2:/bin/sh", "password=hunter2", "hunter2"])
def test_the_first_line_of_another_file_is_not_shown(place, capsys, key, line):
    (place / "secret").write_text(f"{line}\n{line}\n")
    (place / "s.toml").write_text(STUDY.replace(key, "secret"))
    for command in (("check", "s.toml"), ("prices", "import", "secret", *COMMANDS[2][2:])):
        assert "hunter2" not in refuse(capsys, *command)


def test_numbers_of_seconds(capsys):
    for option in ("--wait", "--timeout", "--pause"):
        for value in ("nan", "inf", "-1", "1e9", "soon"):
            refuse(capsys, "refresh", "--dry-run", option, value)
    refuse(capsys, "refresh", "--dry-run", "--attempts", "0")
    refuse(capsys, "prices", "list", "--store", "")
    refuse(capsys, "prices", "list", "--store", ":memory:")


def test_a_table_of_very_many_columns(place, capsys):
    names = ",".join(f"c{n}" for n in range(200_000))
    (place / "p.csv").write_text(f"session,{names}\n2026-01-05{',1' * 200_000}\n")
    assert "columns" in refuse(capsys, "check", "s.toml")


def test_a_parquet_file_that_unpacks_to_very_much(place, capsys):
    import pyarrow as pa
    import pyarrow.parquet as pq

    zeros = pa.DictionaryArray.from_arrays(pa.array([0] * 30_000_000, pa.int8()), pa.array([1.0]))
    pq.write_table(pa.table({"session": zeros}), place / "bomb.parquet")
    assert (place / "bomb.parquet").stat().st_size < 1_000_000
    said = refuse(capsys, "prices", "import", "bomb.parquet", *COMMANDS[2][2:])
    assert "unpacks to" in said


def test_what_would_act_on_a_terminal_is_shown_escaped(place, capsys):
    title = "\x1b]0;owned\x07\x1b[2J\u202e"
    (place / "e.csv").write_text(f"event_id,date,title\none,2026-01-06,{title}\n")
    for command in (("events", "list", "e.csv"), ("events", "show", "one", "e.csv")):
        assert call(*command) == 0
        shown = capsys.readouterr()
        assert "owned" in shown.out
        assert not set(shown.out + shown.err) & set("\x1b\x07\u202e")
    said = refuse(capsys, "prices", "show", "\x1b[2J")
    assert "\x1b" not in said


@pytest.mark.parametrize("day", ["Jan 7, 0001", "Dec 31, 9999", "January 0, 0000"])
def test_datelines_at_the_ends_of_the_calendar(place, capsys, day):
    (place / "a.txt").write_text(f"LONDON, {day} (Desk) - Oil fell on Tuesday, and next week.\n")
    code = call("articles", "extract", "a.txt")
    assert code in (0, 1)
    assert "internal error" not in capsys.readouterr().err


HOSTILE = st.one_of(
    st.text(max_size=200),
    st.sampled_from(
        ["nan", "1e999", "-0", "9" * 400, "=1+1", "\x00", "\x1b[2J", "2026-13-45", "0001-01-01",
         "9999-12-31", "[[", "]]", '"', "''", "\ue000", "\ud7ff", "\U0010ffff", ",,,", "\r", "{}"]
    ),
)  # fmt: skip
KNOWN = {"p.csv": PRICES, "e.csv": EVENTS, "s.toml": STUDY, "i.toml": INSTRUMENT + SOURCES}
RUNS = [
    ("check", "s.toml"),
    ("prices", "import", "p.csv", "--unit", "u", "--source", "s"),
    ("prices", "check"),
    ("events", "validate", "e.csv"),
    ("events", "list", "e.csv"),
    ("articles", "extract", "e.csv"),
    ("refresh", "--dry-run", "--instruments", "i.toml"),
    ("prices", "list"),
]


def any_file(place, capsys, changes, run):
    """Replace stretches of good files by hostile text; the command must end in words."""
    files = {name: text.encode() for name, text in KNOWN.items()}
    for name, start, length, text in changes:
        old = files[name]
        at = start % (len(old) + 1)
        files[name] = old[:at] + text.encode("utf-8", "surrogatepass") + old[at + length :]
    for name, content in files.items():
        (place / name).write_bytes(content)
    (place / "store.sqlite").unlink(missing_ok=True)
    code = call(*run)
    said = capsys.readouterr().err
    assert "internal error" not in said, said
    assert code in (0, 1, 2, 3, 4)


CHANGES = st.lists(
    st.tuples(st.sampled_from(sorted(KNOWN)), st.integers(0, 400), st.integers(0, 40), HOSTILE),
    min_size=1, max_size=4,
)  # fmt: skip
FIXED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=FIXED)
@given(changes=CHANGES, run=st.sampled_from(RUNS))
def test_no_file_ends_in_an_internal_error(place, capsys, changes, run):
    any_file(place, capsys, changes, run)


@pytest.mark.slow
@settings(max_examples=5000, deadline=None, suppress_health_check=FIXED)
@given(changes=CHANGES, run=st.sampled_from(RUNS))
def test_no_file_ends_in_an_internal_error_for_long(place, capsys, changes, run):
    any_file(place, capsys, changes, run)
