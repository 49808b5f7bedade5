"""Bad input from the command line: a line per fault, exit code 1, nothing written."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from eventstudy.cli import main

ROOT = Path(__file__).resolve().parents[2]

EVENTS = "event_id,date,title\none,2020-10-01,First\ntwo,2020-11-05,Second\n"


def prices(n=400, *, start=50.0):
    """Weekday prices of two assets and an index, written by hand."""
    import datetime as dt

    day, lines, k = dt.date(2020, 1, 1), ["session,alpha,beta,index"], 0
    while k < n:
        if day.weekday() < 5:
            step = ((k * 7919) % 101 - 50) / 1000
            other = ((k * 104729) % 97 - 48) / 900
            lines.append(f"{day},{start + 20 * step:.4f},{start + 15 * other:.4f},"
                         f"{100 + 30 * (step + other):.4f}")  # fmt: skip
            k += 1
        day += dt.timedelta(days=1)
    return "\n".join(lines) + "\n"


PRICES = prices()
STUDY = """\
[study]
name = "mine"
assets = ["alpha", "beta"]
[data]
events = "events.csv"
prices = "prices.csv"
[windows]
event = [-2, 2]
estimation = 60
gap = 5
car = [[0, 0], [0, 2]]
[inference]
draws = 99
filter = "ewma"
[report]
events = 1
figures = "pdf"
"""


def line_of(text, number, replacement):
    lines = text.splitlines()
    lines[number - 1] = replacement
    return "\n".join(lines) + "\n"


def edit(text, old, new):
    assert old in text
    return text.replace(old, new)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "events.csv").write_text(EVENTS)
    (tmp_path / "prices.csv").write_text(PRICES)
    (tmp_path / "study.toml").write_text(STUDY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch, capsys, *arguments):
    """Exit code, standard output and the lines of standard error."""
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(sys, "argv", ["eventstudy", *arguments])
    try:
        with pytest.raises(SystemExit) as stop:
            main()
    finally:
        signal.signal(signal.SIGTERM, before)
    shown = capsys.readouterr()
    return stop.value.code, shown.out, shown.err.splitlines()


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


# name: file, its new content, what each line of the answer must hold
CASES = {
    "unknown key": (
        "study.toml", edit(STUDY, "estimation = 60", "estimatoin = 60"),
        [["study.toml", "[windows]", "estimatoin", "did you mean 'estimation'"]],
    ),
    "unknown section": (
        "study.toml", edit(STUDY, "[windows]", "[window]"),
        [["study.toml", "[window]", "did you mean 'windows'"]],
    ),
    "unknown asset": (
        "study.toml", edit(STUDY, '"beta"]', '"betta"]'),
        [["betta", "prices.csv", "did you mean 'beta'"]],
    ),
    "unknown asset of an event": (
        "events.csv", "event_id,date,asset\none,2020-10-01,alfa\n",
        [["events.csv", "line 2", "asset", "alfa", "did you mean 'alpha'"]],
    ),
    "unknown market": (
        "study.toml", STUDY + '[model]\nkind = "market"\nmarket = "indx"\n',
        [["indx", "prices.csv", "did you mean 'index'"]],
    ),
    "unknown test": (
        "study.toml", edit(STUDY, "draws = 99", 'tests = ["bmpp"]'),
        [["study.toml", "[inference] tests", "bmpp", "did you mean 'bmp'"]],
    ),
    "unknown model": (
        "study.toml", STUDY + '[model]\nkind = "markt"\n',
        [["study.toml", "[model] kind", "did you mean 'market'"]],
    ),
    "two faults of a study": (
        "study.toml", edit(edit(STUDY, "gap = 5", "gap = -5"), "draws = 99", 'drawz = "many"'),
        [["study.toml", "[windows] gap", "0 or more"],
         ["study.toml", "[inference] drawz", "did you mean 'draws'"]],
    ),
    "malformed TOML": (
        "study.toml", edit(STUDY, "gap = 5", "gap = = 5"),
        [["study.toml", "line 10"]],
    ),
    "missing event file": (
        "study.toml", edit(STUDY, "events.csv", "evnts.csv"),
        [["evnts.csv"]],
    ),
    "missing price file": (
        "study.toml", edit(STUDY, "prices.csv", "price.csv"),
        [["price.csv"]],
    ),
    "unknown dataset": (
        "study.toml", edit(STUDY, '"prices.csv"', '"crude-dayly"'),
        [["crude-dayly", "did you mean 'crude-daily'"]],
    ),
    "bad date of an event": (
        "events.csv", edit(EVENTS, "2020-11-05", "05.11.2020"),
        [["events.csv", "line 3", "date", "05.11.2020", "YYYY-MM-DD"]],
    ),
    "day that does not exist": (
        "events.csv", edit(EVENTS, "2020-11-05", "2020-02-30"),
        [["events.csv", "line 3", "date", "2020-02-30"]],
    ),
    "two bad dates": (
        "events.csv", "event_id,date\none,soon\ntwo,later\n",
        [["events.csv", "line 2", "soon"], ["events.csv", "line 3", "later"]],
    ),
    "duplicate event_id": (
        "events.csv", edit(EVENTS, "two,", "one,"),
        [["events.csv", "line 3", "event_id", "'one'", "line 2"]],
    ),
    "naive time": (
        "events.csv", "event_id,time\none,2020-10-01T10:00:00\n",
        [["events.csv", "line 2", "time", "zone"]],
    ),
    "event file without a key": (
        "events.csv", "id,date\none,2020-10-01\n",
        [["events.csv", "line 1", "event_id"]],
    ),
    "date outside the prices": (
        "events.csv", "event_id,date\none,2031-10-01\n",
        [["one", "2031-10-01", "outside the prices", "2020-01-01"]],
    ),
    "too little history": (
        "events.csv", "event_id,date\none,2020-02-03\n",
        [["one", "too little history"]],
    ),
    "empty event list": (
        "events.csv", "event_id,date,title\n",
        [["events.csv", "no events"]],
    ),
    "empty event file": ("events.csv", "", [["events.csv", "empty"]]),
    "all events dropped": (
        "events.csv", "event_id,date\none,2031-10-01\ntwo,2020-02-03\n",
        [["none of the 2", "one", "two"]],
    ),
    "duplicate session": (
        "prices.csv", line_of(PRICES, 5, PRICES.splitlines()[3]),
        [["prices.csv", "line 5", "session", "twice|again|already|repeat"]],
    ),
    "unsorted sessions": (
        "prices.csv", line_of(PRICES, 50, "2019-01-01,50,50,100"),
        [["prices.csv", "line 50", "session", "order|before|sort"]],
    ),
    "bad session": (
        "prices.csv", line_of(PRICES, 7, "2020/01/09,50,50,100"),
        [["prices.csv", "line 7", "2020/01/09"]],
    ),
    "text in a price column": (
        "prices.csv", line_of(PRICES, 9, "2020-01-13,n/a,50,100"),
        [["prices.csv", "line 9", "alpha", "n/a"]],
    ),
    "infinite price": (
        "prices.csv", line_of(PRICES, 9, "2020-01-13,inf,50,100"),
        [["prices.csv", "line 9", "alpha", "inf"]],
    ),
    "no session column": (
        "prices.csv", edit(PRICES, "session,", "day,"),
        [["prices.csv", "session"]],
    ),
    "non-positive price under log returns": (
        "prices.csv", line_of(PRICES, 100, "2020-05-18,-37.63,50,100"),
        [["alpha", "2020-05-18", "-37.63", "nonpositive"]],
    ),
    "overlapping windows": (
        "study.toml", edit(STUDY, "estimation = 60", "estimation = [-60, -1]"),
        [["study.toml", "estimation", "[-60,-1]", "overlaps", "[-2,2]"]],
    ),
    "CAR window outside the event window": (
        "study.toml", edit(STUDY, "[[0, 0], [0, 2]]", "[[0, 9]]"),
        [["study.toml", "CAR window|car", "[0,9]", "[-2,2]"]],
    ),
    "reversed window": (
        "study.toml", edit(STUDY, "event = [-2, 2]", "event = [2, -2]"),
        [["study.toml", "[windows] event", "[2, -2]"]],
    ),
    "asset that is also the market": (
        "study.toml", STUDY + '[model]\nkind = "market"\nmarket = "beta"\n',
        [["beta", "assets"]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("command", ["run", "check"])
def test_one_clear_line_per_fault(name, command, folder, monkeypatch, capsys):
    file, content, expected = CASES[name]
    (folder / file).write_text(content)
    before = files(folder)
    quiet = ["--quiet"] if command == "run" else []
    code, out, err = run(monkeypatch, capsys, command, "study.toml", *quiet)
    assert code == 1, err
    if command == "check" and out:  # what would be dropped is a table, and then the verdict
        assert "can be studied" in err[-1]
        err = [f"{err[-1]} {out.replace(chr(10), ' ')}"]
    else:
        assert out == ""
    assert len(err) == len(expected), err
    for line, parts in zip(err, expected, strict=True):
        assert line.startswith("eventstudy: ")
        assert "internal error" not in line
        for part in parts:
            assert any(p in line for p in part.split("|")), (part, line)
    assert files(folder) == before


def test_study_file_that_is_not_there(folder, monkeypatch, capsys):
    before = files(folder)
    code, out, err = run(monkeypatch, capsys, "run", "studdy.toml")
    assert (code, out, len(err)) == (1, "", 1)
    assert "studdy.toml" in err[0]
    assert files(folder) == before


def test_wrong_usage_is_exit_code_two(folder, monkeypatch, capsys):
    for arguments in (["rnu"], ["run", "--nope"], ["run", "study.toml", "--asof", "soon"]):
        code, _, err = run(monkeypatch, capsys, *arguments)
        assert code == 2, (arguments, err)
        assert err
    assert not (folder / "reports").exists()


def test_output_folder_that_cannot_be_written(folder, monkeypatch, capsys):
    (folder / "taken").write_text("a file where a folder should go")
    before = files(folder)
    code, _, err = run(monkeypatch, capsys, "run", "study.toml", "--quiet", "--out", "taken/here")
    assert code == 1
    assert len(err) == 1
    assert "taken" in err[0]
    assert files(folder) == before
    assert (folder / "taken").read_text() == "a file where a folder should go"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_output_folder_without_permission(folder, monkeypatch, capsys):
    locked = folder / "locked"
    locked.mkdir()
    locked.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        code, _, err = run(monkeypatch, capsys, "run", "study.toml", "--quiet", "--out",
                           "locked/report")  # fmt: skip
    finally:
        locked.chmod(stat.S_IRWXU)
    assert code == 1
    assert len(err) == 1
    assert "locked" in err[0]
    assert list(locked.iterdir()) == []


def test_folder_that_holds_something_else_is_left_alone(folder, monkeypatch, capsys):
    other = folder / "precious"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    before = files(folder)
    code, _, err = run(monkeypatch, capsys, "run", "study.toml", "--quiet", "--out", "precious")
    assert code == 1
    assert len(err) == 1
    assert "precious" in err[0]
    assert files(folder) == before


# The command line, halted when the first figure is drawn: the folder of the report is half full.
# A shell that starts the tests in the background has them ignore SIGINT, which is undone here.
HALTED = """
import pathlib, signal, threading
from eventstudy.cli import main

write = pathlib.Path.write_bytes

def halt(path, data):
    write(path, data)
    if path.parent.name == "figures":
        print("halted", flush=True)
        threading.Event().wait()

pathlib.Path.write_bytes = halt
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_leaves_nothing(folder, start, sent):
    before = files(folder)
    process = start(
        "-c", HALTED, "run", "study.toml", "--out", "out",
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, cwd=folder,
        stderr=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    said = process.stdout.readline()
    half = [name for name in files(folder) if name not in before]
    process.send_signal(sent)
    _, rest = process.communicate()
    assert said == "halted\n", rest
    assert any(name.endswith(".pdf") for name in half)
    assert process.returncode == 130, rest
    assert rest.splitlines()[-1] == "eventstudy: interrupted: nothing was written"
    assert "Traceback" not in rest
    assert files(folder) == before


def test_interrupted_run_keeps_the_report_before(folder, monkeypatch, capsys):
    code, *_ = run(monkeypatch, capsys, "run", "study.toml", "--quiet", "--out", "out")
    assert code == 0
    before = {p: p.read_bytes() for p in (folder / "out").rglob("*") if p.is_file()}
    assert folder / "out" / "report.pdf" in before

    def stop(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("eventstudy.report.typeset.typeset", stop)
    code, _, err = run(monkeypatch, capsys, "run", "study.toml", "--quiet", "--out", "out")
    assert code == 130
    assert [line for line in err if line] == ["eventstudy: interrupted: nothing was written"]
    after = {p: p.read_bytes() for p in (folder / "out").rglob("*") if p.is_file()}
    assert after == before
    assert [p.name for p in folder.iterdir() if p.name.startswith((".", "tmp"))] == []


@pytest.mark.usefixtures("folder")
def test_good_input_is_exit_code_zero(monkeypatch, capsys):
    """The study that the faults are put into runs without them."""
    code, out, err = run(monkeypatch, capsys, "check", "study.toml")
    assert code == 0
    assert "one" in out
    assert not any(line.startswith("eventstudy:") for line in err)
