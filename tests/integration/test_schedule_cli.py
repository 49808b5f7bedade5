import json
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from eventstudy.errors import OutputError
from eventstudy.prices.refresh import RefreshReport
from eventstudy.prices.runs import RunItem, finish_run, record_item, start_run
from eventstudy.prices.schedule import (
    health,
    install_crontab,
    install_files,
    keep_fresh,
    merged_crontab,
    timer_files,
)
from eventstudy.prices.store import Store

COMMAND = [sys.executable, "-m", "eventstudy", "refresh", "--store", "/data/my prices.sqlite"]


def test_the_systemd_timer_is_one_that_systemd_accepts(tmp_path):
    written = install_files("systemd", COMMAND, folder=tmp_path)
    assert [path.name for path in written] == [
        "eventstudy-refresh.service",
        "eventstudy-refresh.timer",
    ]
    timer = written[1].read_text()
    assert "OnCalendar=Mon..Fri 17:30 America/New_York\n" in timer
    assert "Persistent=true\n" in timer
    assert '"/data/my prices.sqlite"' in written[0].read_text()
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    when = ["calendar", "--iterations=2", "Mon..Fri 17:30 America/New_York"]
    assert (
        subprocess.run([analyze, *when], capture_output=True, check=False).returncode == 0
    )  # our own program
    verify = [analyze, "verify", "--user", *map(str, written)]
    result = subprocess.run(verify, capture_output=True, text=True, check=False)  # our own program
    assert "eventstudy-refresh" not in result.stderr


@pytest.mark.parametrize(
    ("moment", "runs"), [("11730", True), ("51730", True), ("61730", False), ("21630", False)]
)
def test_the_cron_line_runs_at_half_past_five_in_new_york(tmp_path, moment, runs):
    mark = tmp_path / "100% done"
    block = timer_files("cron", ["touch", str(mark)])["crontab"]
    line = block.splitlines()[1]
    assert line.startswith("0,30 * * * * ")
    # cron turns an escaped percent sign into a plain one, and hands the rest to the shell.
    shell = line.removeprefix("0,30 * * * * ").replace(r"\%", "%")
    assert "%" not in line.replace(r"\%", "")
    fake = tmp_path / "date"
    asked = '[ "$TZ" = America/New_York ] && [ "$1" = +%u%H%M ]'
    fake.write_text(f"#!/bin/sh\n{asked} && echo {moment}")
    fake.chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    subprocess.run(["/bin/sh", "-c", shell], env={"PATH": path}, check=True)  # our own program
    assert mark.exists() is runs


def test_a_crontab_keeps_what_was_there(tmp_path, monkeypatch):
    block = timer_files("cron", COMMAND)["crontab"]
    mine = "0 1 * * * backup"
    once = merged_crontab(mine, block)
    assert once == f"{mine}\n{block}"
    assert merged_crontab(once + "5 5 * * * other\n", block) == once + "5 5 * * * other\n"
    other = timer_files("cron", ["x"])["crontab"]
    assert merged_crontab(once, other) == f"{mine}\n{other}"
    table = tmp_path / "table"
    table.write_text(mine + "\n")
    program = tmp_path / "crontab"
    program.write_text(f'#!/bin/sh\n[ "$1" = -l ] && exec cat {table}\nexec cat > {table}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    install_crontab(COMMAND)
    install_crontab(COMMAND)
    assert table.read_text() == f"{mine}\n{block}"


def test_the_workflow_is_yaml_with_a_schedule():
    (name, text), *_ = timer_files("github-actions", COMMAND).items()
    assert name == ".github/workflows/refresh.yml"
    assert 'cron: "30 22 * * 1-5"' in text
    yaml = pytest.importorskip("yaml")
    steps = yaml.safe_load(text)["jobs"]["refresh"]["steps"]
    assert any("eventstudy refresh" in step.get("run", "") for step in steps)
    assert sys.executable not in text


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "prices.sqlite") as opened:
        yield opened


def ran(store, moment, *, exit_code=0, state="done"):
    number = start_run(store, now=moment)
    with store.transaction():
        item = RunItem("wti_front", "1d", state, "yahoo CL=F", 1, 0, "")
        record_item(store, number, item, now=moment)
    finish_run(store, number, exit_code=exit_code, now=moment)


@pytest.mark.parametrize(
    ("refreshed", "now", "good"),
    [
        # Wednesday 7 January 2026 settles at 19:30 UTC and is published by 21:00.
        ("2026-01-07T22:30", "2026-01-08T02:00", True),
        ("2026-01-07T22:30", "2026-01-08T23:00", True),  # Thursday's may still come
        ("2026-01-07T22:30", "2026-01-09T03:01", False),  # it did not
        ("2026-01-07T20:00", "2026-01-08T03:01", False),  # before publication
        ("2026-01-09T22:30", "2026-01-12T20:00", True),  # a weekend
        ("2026-01-16T22:30", "2026-01-20T20:00", True),  # a weekend and a holiday
    ],
)
def test_health_goes_by_the_calendar(store, refreshed, now, good):
    ran(store, datetime.fromisoformat(refreshed).replace(tzinfo=UTC))
    found = health(store, now=datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found.good is good, found.reason


def test_health_of_one_series_survives_the_failure_of_another(store):
    moment = datetime(2026, 1, 7, 22, 30, tzinfo=UTC)
    assert not health(store, now=moment).good
    ran(store, moment, exit_code=3)
    later = moment + timedelta(hours=6)
    assert "never refreshed without a failure" in health(store, now=later).reason
    assert health(store, now=later, symbol="wti_front").good
    assert not health(store, now=later, symbol="vix").good


def test_the_scheduler_catches_up_and_fires_on_weekdays_in_new_york(tmp_path, monkeypatch):
    pytest.importorskip("apscheduler")
    from apscheduler.schedulers.blocking import BlockingScheduler

    jobs, lines, calls = [], [], []
    monkeypatch.setattr(BlockingScheduler, "start", lambda self: jobs.extend(self._pending_jobs))

    def log(event, **facts):
        lines.append((event, facts))

    def once():
        calls.append(1)
        return RefreshReport((RunItem("wti_front", "1d", "failed", "", 0, 0, "x"),), ())

    # A Friday evening after the refresh, in the summer.
    now = datetime(2026, 7, 10, 23, 0, tzinfo=UTC)
    keep_fresh(tmp_path / "absent.sqlite", once, clock=lambda: now, log=log)
    assert [event for event, _ in lines] == ["missed", "refreshed", "waiting", "stopped"]
    assert lines[1][1] == {"exit_code": 3, "added": 0, "revised": 0, "failed": "wti_front"}
    assert lines[2][1] == {"next": "2026-07-13 17:30:00-04:00"}
    assert calls == [1]
    job = jobs[0][0]
    assert (job.coalesce, job.max_instances, job.misfire_grace_time) == (True, 1, None)


@pytest.mark.parametrize(
    ("now", "missed"), [("2026-01-07T22:00", False), ("2026-01-07T23:00", True)]
)
def test_a_run_of_today_that_was_missed_is_made_up_for(store, monkeypatch, now, missed):
    pytest.importorskip("apscheduler")
    from apscheduler.schedulers.blocking import BlockingScheduler

    monkeypatch.setattr(BlockingScheduler, "start", lambda self: None)  # noqa: ARG005  # a method
    ran(store, datetime(2026, 1, 6, 22, 30, tzinfo=UTC))
    lines = []
    keep_fresh(
        store.path,
        lambda: RefreshReport((), ()),
        clock=lambda: datetime.fromisoformat(now).replace(tzinfo=UTC),
        log=lambda event, **_: lines.append(event),
    )
    assert ("missed" in lines) is missed


def test_a_stop_at_the_very_beginning_of_the_waiting_is_logged(store, monkeypatch):
    pytest.importorskip("apscheduler")
    from apscheduler.schedulers.blocking import BlockingScheduler

    monkeypatch.setattr(BlockingScheduler, "start", lambda self: None)  # noqa: ARG005  # a method
    lines = []

    def log(event, **_):
        lines.append(event)
        if event == "waiting":  # whoever reads this line may send the signal at once
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_fresh(
            store.path,
            lambda: RefreshReport((), ()),
            clock=lambda: datetime(2026, 1, 7, 12, 0, tzinfo=UTC),
            log=log,
        )
    assert lines[-2:] == ["waiting", "stopped"]


def test_schedule_run_in_the_foreground(start, run_environment, tmp_path):
    pytest.importorskip("apscheduler")
    environment, world = run_environment
    world.closes["CL=F"] = {"2026-01-06": 57.13}
    (tmp_path / "mine.toml").write_text("")
    process = start(
        "-m", "eventstudy", "schedule", "run", "--json",
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    events = []
    while not events or events[-1]["event"] != "waiting":
        events.append(json.loads(process.stdout.readline()))
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert [event["event"] for event in events] == ["missed", "refreshed", "waiting"]
    assert events[1]["exit_code"] == 3  # one of many symbols is known to the server
    assert json.loads(out)["event"] == "stopped"
    assert "Traceback" not in err
    with Store(tmp_path / "prices.sqlite", read_only=True) as store:
        assert store.read("wti_front")["close"].tolist() == [57.13]


def test_health_on_the_command_line(run, store):
    ran(store, datetime(2026, 1, 7, 22, 30, tzinfo=UTC))
    good = run("schedule", "health", now="2026-01-08T02:00:00+00:00")
    assert (good.returncode, good.stdout.split(":")[0]) == (0, "good")
    late = run("schedule", "health", "--json", now="2026-01-09T12:00:00+00:00")
    assert late.returncode == 3
    assert json.loads(late.stdout)["due"] == "2026-01-08"


def test_show_and_install_on_the_command_line(run, tmp_path):
    shown = run("schedule", "show", "--github-actions")
    assert "actions/checkout" in shown.stdout
    written = run("schedule", "install", "--systemd", "--folder", str(tmp_path / "units"))
    assert written.returncode == 0
    assert "systemctl --user enable --now" in written.stdout
    assert (tmp_path / "units" / "eventstudy-refresh.timer").exists()
    assert run("schedule", "install").returncode == 2


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("echo 'no crontab for me' >&2; exit 1", False),
        ("echo 'you are not allowed to use this program' >&2; exit 1", True),
        ("echo '0 1 * * * backup'; echo 'disk error' >&2; exit 2", True),
        ("exit 1", True),
    ],
)
def test_a_crontab_that_cannot_be_read_is_not_replaced(tmp_path, monkeypatch, answer, kept):
    table = tmp_path / "table"
    table.write_text("0 1 * * * backup\n")
    program = tmp_path / "crontab"
    program.write_text(f'#!/bin/sh\nif [ "$1" = -l ]; then {answer}; fi\nexec cat > {table}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    if kept:
        with pytest.raises(OutputError, match="not replaced"):
            install_crontab(COMMAND)
    else:
        install_crontab(COMMAND)
    assert (table.read_text() == "0 1 * * * backup\n") is kept


def test_half_a_block_in_a_crontab_is_left_alone():
    block = timer_files("cron", COMMAND)["crontab"]
    begin, _, end = block.splitlines()
    for present in (begin + "\n5 5 * * * mine\n", f"{end}\n5 5 * * * mine\n{begin}\n", block * 2):
        with pytest.raises(OutputError, match="crontab -e"):
            merged_crontab(present, block)


@pytest.mark.parametrize("kind", ["systemd", "github-actions"])
def test_installing_over_another_file_is_refused(tmp_path, kind):
    written = install_files(kind, COMMAND, folder=tmp_path)
    assert install_files(kind, COMMAND, folder=tmp_path) == written  # the same again is fine
    written[-1].write_text("mine")
    first = written[0].read_text()
    with pytest.raises(OutputError, match="says something else"):
        install_files(kind, ["other"], folder=tmp_path)
    assert written[-1].read_text() == "mine"
    assert len(written) == 1 or written[0].read_text() == first


def test_the_scheduler_survives_every_failure(tmp_path, monkeypatch):
    pytest.importorskip("apscheduler")
    from apscheduler.schedulers.blocking import BlockingScheduler

    monkeypatch.setattr(BlockingScheduler, "start", lambda self: None)  # noqa: ARG005  # a method
    (tmp_path / "prices.sqlite").write_text("not a database" * 1000)
    lines = []

    def once():
        raise RecursionError

    now = datetime(2026, 7, 10, 23, 0, tzinfo=UTC)
    log = lambda event, **facts: lines.append((event, facts))  # noqa: E731  # one line
    keep_fresh(tmp_path / "prices.sqlite", once, clock=lambda: now, log=log)
    assert [event for event, _ in lines] == ["failed", "missed", "failed", "waiting", "stopped"]
