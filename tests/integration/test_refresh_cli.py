import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pandas as pd
import pytest
from loopback import LIMIT  # found by conftest.py

from eventstudy.prices.store import Store

FAST = ["--pause", "0.01", "--attempts", "2", "--quiet"]
PATIENT = [*FAST, "--timeout", str(LIMIT)]  # for answers that are held
CLOSES = {"2026-01-02": 57.32, "2026-01-05": 58.32, "2026-01-06": 57.13}


def stored(tmp_path, symbol="wti_front", **options):
    with Store(tmp_path / "prices.sqlite", read_only=True) as store:
        return store.read(symbol, **options)["close"].to_dict()


def test_two_days_of_refreshing(run, world, tmp_path):
    first = run("refresh", "wti_front", *FAST, "--json", now="2026-01-06T18:00:00+00:00")
    assert (first.returncode, first.stderr) == (0, "")
    # 13:00 New York: the running session is provisional.
    assert stored(tmp_path) == {"2026-01-02": 57.32, "2026-01-05": 58.32}
    assert stored(tmp_path, provisional=True)["2026-01-06"] == 57.13

    world.closes["CL=F"] |= {"2026-01-05": 58.4, "2026-01-06": 57.2, "2026-01-07": 55.99}
    second = run("refresh", "wti_front", *FAST, "--json", now="2026-01-07T23:30:00+00:00")
    report = json.loads(second.stdout)
    assert second.returncode == 0
    assert (report["series"][0]["added"], report["series"][0]["revised"]) == (1, 4)
    closes = [change for change in report["revisions"] if change["field"] == "close"]
    assert [(c["stamp"], c["old"], c["new"]) for c in closes] == [("2026-01-05", 58.32, 58.4)]
    assert stored(tmp_path, asof="2026-01-06") == {"2026-01-02": 57.32, "2026-01-05": 58.32}

    # The same again changes nothing.
    third = run("refresh", "wti_front", *FAST, now="2026-01-07T23:40:00+00:00")
    assert third.returncode == 0
    assert "Corrected" not in third.stdout
    assert list(stored(tmp_path).values()) == [57.32, 58.4, 57.2, 55.99]
    # Only recent days are asked for again.
    assert "period1" in world.asked[-1][1]
    assert int(world.asked[-1][1]["period1"]) > 1_760_000_000


def test_the_default_symbols_are_all_asked_for(run, world):
    shown = run("refresh", "--dry-run", "--json")
    names = [row["series"] for row in json.loads(shown.stdout)]
    assert world.asked == []
    assert names[:2] == ["wti_front", "brent_front"]
    assert {"rbob_front", "natural_gas_front", "gold_front", "vix", "ovx"} <= set(names)
    assert next(name for name in names if name.startswith("CL")) == "CLG2026"
    assert next(name for name in names if name.startswith("BZ")) == "BZH2026"
    assert sum(name.startswith(("CL", "BZ")) for name in names) == 24


def test_one_failing_source_loses_nothing(run, world, tmp_path):
    world.closes |= {"BZ=F": {"2026-01-06": 60.7}, "GC=F": {"2026-01-06": 4490.1}}
    world.faults["BZ=F"] = 500
    result = run("refresh", "wti_front", "brent_front", "gold_front", *FAST)
    assert result.returncode == 3
    assert "not refreshed: brent_front" in result.stderr
    assert "HTTP 500" in result.stdout
    assert "Traceback" not in result.stderr
    assert stored(tmp_path, "gold_front") == {"2026-01-06": 4490.1}
    assert stored(tmp_path, "brent_front") == {}


def test_too_many_requests_are_respected(run, world):
    world.closes |= {"BZ=F": {"2026-01-06": 60.7}}
    world.faults |= {"CL=F": 429, "BZ=F": 429}
    result = run("refresh", "wti_front", "brent_front", "--attempts", "1", "--quiet")
    assert result.returncode == 3
    assert "429" in result.stdout
    # The second series does not ask a source that wants to be left alone.
    assert {symbol for symbol, _ in world.asked} == {"CL=F"}
    assert len(world.asked) <= 2  # the library itself tries another cookie
    assert "rate limited" in result.stdout


def test_a_second_source_stands_in_and_says_so(run, world, tmp_path):
    world.closes["^VIX"] = {}
    world.faults["^VIX"] = "html"
    world.documents["VIXCLS"] = (200, "observation_date,VIXCLS\n2026-01-05,14.9\n2026-01-06,\n")
    result = run("refresh", "vix", *FAST)
    assert result.returncode == 0
    assert "fallback" in result.stdout
    assert "fell back to fred VIXCLS" in result.stdout
    assert stored(tmp_path, "vix") == {"2026-01-05": 14.9}


def test_quality_stops_another_unit(run, world, tmp_path):
    assert run("refresh", "wti_front", *FAST).returncode == 0
    world.closes["CL=F"] |= {"2026-01-07": 5599.0}
    late = "2026-01-07T23:30:00+00:00"
    stopped = run("refresh", "wti_front", *FAST, now=late)
    assert stopped.returncode == 4
    assert "5599" in stopped.stdout
    assert stored(tmp_path) == CLOSES
    accepted = run("refresh", "wti_front", *FAST, "--accept", "wti_front", now=late)
    assert accepted.returncode == 0
    assert stored(tmp_path)["2026-01-07"] == 5599.0


def test_wrong_names_and_places(run, tmp_path):
    result = run("refresh", "wti_frnt", *FAST)
    assert (result.returncode, result.stdout) == (1, "")
    assert "did you mean 'wti_front'" in result.stderr
    (tmp_path / "prices.sqlite").write_text("not a database" * 1000)
    result = run("refresh", "wti_front", *FAST)
    assert result.returncode == 1
    assert "not a price store" in result.stderr


def test_two_refreshes_at_once(run, start, run_environment, tmp_path):
    known, world = run_environment
    world.faults["CL=F"] = "held"
    first = start(
        "-m", "eventstudy", "refresh", "wti_front", *PATIENT,
        env=known, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert world.wait_until_held(first)
    second = run("refresh", "wti_front", *FAST)
    assert second.returncode == 1
    assert "another refresh" in second.stderr
    world.release()
    assert first.communicate() == (None, "")
    assert first.returncode == 0
    assert stored(tmp_path) == CLOSES


def test_another_process_reads_while_a_refresh_writes(run, start, run_environment, tmp_path):
    known, world = run_environment
    days = [f"{year}-{month:02d}-{day:02d}" for year in range(2000, 2026)
            for month in range(1, 13) for day in range(1, 28)]  # fmt: skip
    world.closes |= {symbol: dict.fromkeys(days, 60.0) for symbol in ("BZ=F", "GC=F", "NG=F")}
    names = ["wti_front", "brent_front", "gold_front", "natural_gas_front"]
    assert run("refresh", "wti_front", *FAST).returncode == 0
    world.faults["GC=F"] = "held"
    process = start(
        "-m", "eventstudy", "refresh", *names, *PATIENT, env=known, stdout=subprocess.DEVNULL
    )

    def counts():
        return tuple(len(stored(tmp_path, name)) for name in names)

    assert world.wait_until_held(process)
    seen = {counts()}
    assert seen == {(len(CLOSES), len(days), 0, 0)}
    world.release()
    while process.poll() is None:
        seen.add(counts())
    assert process.returncode == 0
    # A reader sees whole series or nothing of them, and is never turned away.
    assert {count for found in seen for count in found} <= {0, len(CLOSES), len(days)}
    assert counts() == (len(CLOSES), *[len(days)] * 3)


def test_an_interrupted_refresh_keeps_what_arrived(start, run_environment, tmp_path):
    known, world = run_environment
    world.closes["BZ=F"] = {"2026-01-06": 60.7}
    world.faults["BZ=F"] = "held"
    names = ["wti_front", "brent_front"]
    process = start(
        "-m", "eventstudy", "refresh", *names, *PATIENT,
        env=known, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert world.wait_until_held(process)
    process.send_signal(signal.SIGTERM)
    world.release()
    _, told = process.communicate()
    assert process.returncode == 130
    assert "the series that had arrived are stored" in told
    assert "Traceback" not in told
    assert stored(tmp_path) == CLOSES


def test_a_full_disk_keeps_what_was_there(run, run_environment, tmp_path):
    known, world = run_environment
    assert run("refresh", *FAST, "wti_front").returncode == 0
    days = [f"{year}-{month:02d}-{day:02d}" for year in range(1990, 2026)
            for month in range(1, 13) for day in range(1, 28)]  # fmt: skip
    world.closes["GC=F"] = dict.fromkeys(days, 1000.0)

    limited = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        "from eventstudy.cli import main\n"
        "main()\n"
    )
    full = subprocess.run(  # our own program
        [sys.executable, "-c", limited, "refresh", *FAST, "gold_front"],
        env=known | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert full.returncode == 1
    assert "nothing of this change was kept" in full.stderr
    assert "Traceback" not in full.stderr
    assert stored(tmp_path) == CLOSES
    assert stored(tmp_path, "gold_front") == {}
    # With room again, the same command catches up.
    assert run("refresh", *FAST, "gold_front").returncode == 0
    assert len(stored(tmp_path, "gold_front")) == len(days)


LATE = "2026-01-09T23:30:00+00:00"


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ({"2026-01-07": 57.0, "2026-01-08": 5710.0}, "another unit or series"),
        ({"2026-01-07": 57.0, "2026-01-08": 0.0}, "closes at 0"),
        ({"2026-01-07": 57.0, "2026-01-08": -57.0}, "slip of the sign"),
        ({"2026-01-07": 57.0, "2026-01-08": 80.0}, "no related series confirms"),
        ({"2026-01-03": 57.0, "2026-01-07": 57.0}, "nothing settled on 2026-01-03"),
        ({"2026-01-02": 57.33, "2026-01-05": 58.33, "2026-01-06": 57.14}, "3 of 3 known closes"),
    ],
)
def test_a_wrong_figure_stops_with_code_4_until_it_is_accepted(run, world, tmp_path, new, said):
    assert run("refresh", "wti_front", *FAST, now="2026-01-07T01:00:00+00:00").returncode == 0
    assert stored(tmp_path) == CLOSES
    world.closes["CL=F"] = dict(sorted((world.closes["CL=F"] | new).items()))
    stopped = run("refresh", "wti_front", *FAST, now=LATE)
    assert stopped.returncode == 4
    assert said in stopped.stdout
    assert stored(tmp_path) == CLOSES
    words = ["--accept", "wti_front", "--reason", "looked at the exchange's page"]
    assert run("refresh", "wti_front", *FAST, *words, now=LATE).returncode == 0
    assert stored(tmp_path) == world.closes["CL=F"]
    (row,) = json.loads(run("prices", "acceptances", "--json", now=LATE).stdout)
    assert (row["series"], row["reason"]) == ("wti_front", "looked at the exchange's page")
    assert said in row["found"]


def test_a_jump_is_compared_with_a_series_that_arrives_later(run, world, tmp_path):
    world.closes["BZ=F"] = {"2026-01-05": 61.0, "2026-01-06": 60.7}
    names = ["wti_front", "brent_front"]
    assert run("refresh", *names, *FAST, now="2026-01-07T01:00:00+00:00").returncode == 0
    world.closes["CL=F"]["2026-01-07"] = 40.0
    world.closes["BZ=F"]["2026-01-07"] = 60.5
    stopped = run("refresh", *names, *FAST, now="2026-01-08T01:00:00+00:00")
    assert stopped.returncode == 4
    assert "while brent_front moved by" in stopped.stdout
    world.closes["BZ=F"]["2026-01-07"] = 43.0
    fine = run("refresh", *names, *FAST, now="2026-01-08T01:30:00+00:00")
    assert "wti_front" not in fine.stderr
    assert stored(tmp_path)["2026-01-07"] == 40.0


def test_a_clock_in_the_future_stamps_nothing(run, world, tmp_path):
    assert run("refresh", "wti_front", *FAST).returncode == 0
    for now in ("2036-01-06T23:30:00+00:00", "2026-02-06T23:30:00+00:00"):
        world.closes["CL=F"]["2026-01-05"] = 58.5
        wrong = run("refresh", "wti_front", *FAST, now=now)
        assert wrong.returncode == 4
        assert "set the clock" in wrong.stdout
    with Store(tmp_path / "prices.sqlite", read_only=True) as store:
        assert store.latest_stamp().startswith("2026-01-06")
    good = run("refresh", "wti_front", *FAST, now="2026-01-07T01:00:00+00:00")
    assert good.returncode == 0
    assert stored(tmp_path)["2026-01-05"] == 58.5


def test_stamps_of_a_wrong_clock_are_repaired(run, world, tmp_path):
    future = "2036-01-06T23:30:00+00:00"
    accepted = ["--accept", "wti_front"]
    assert run("refresh", "wti_front", *FAST, *accepted, now=future).returncode == 0
    world.closes["CL=F"]["2026-01-05"] = 58.5
    blocked = run("refresh", "wti_front", *FAST)
    assert (blocked.returncode, "repair-stamps" in blocked.stderr) == (1, True)
    shown = run("prices", "repair-stamps", "--dry-run")
    assert "2036-01-06" in shown.stdout
    assert run("prices", "repair-stamps").returncode == 0
    assert run("refresh", "wti_front", *FAST, now="2026-01-07T00:30:00+00:00").returncode == 0
    assert stored(tmp_path)["2026-01-05"] == 58.5
    health = run("schedule", "health", now="2026-01-20T12:00:00+00:00")
    assert health.returncode == 3


@pytest.mark.parametrize(
    "document",
    [
        (200, "DATE,DCOILWTICO\n2026-01-05,1\n2026-01-05,2\n"),
        (200, 'DATE,DCOILWTICO\n2026-01-05,"' + "1" * 200_000),
        (200, "\x00" * 1000),
        (599, "no such status"),
    ],
)
def test_one_bad_answer_is_one_failure(run, world, tmp_path, document):
    world.documents["VIXCLS"] = (document[0], document[1].replace("DCOILWTICO", "VIXCLS"))
    world.headers["VIXCLS"] = [("Retry-After", "Wed, 99 Foo")]
    world.faults["^VIX"], world.closes["^VIX"] = "html", {}
    result = run("refresh", "vix", "wti_front", *FAST)
    assert result.returncode == 3
    assert "internal error" not in result.stderr
    assert "not refreshed: vix" in result.stderr
    assert stored(tmp_path) == CLOSES


def test_an_import_passes_the_same_gate(run, tmp_path):
    days = pd.bdate_range("2025-11-03", "2026-01-06").strftime("%Y-%m-%d")
    days = [day for day in days if day not in ("2025-11-27", "2025-12-25", "2026-01-01")]
    closes = {day: round(60 + n / 10, 2) for n, day in enumerate(days)}

    def write(name, values):
        lines = [f"{day},{value}" for day, value in values.items()]
        (tmp_path / name).write_text("session,wti_front\n" + "\n".join(lines) + "\n")
        options = ["--unit", "USD/bbl", "--source", "desk", "--calendar", "wti"]
        return ["prices", "import", name, *options]

    assert run(*write("good.csv", closes)).returncode == 0
    bad = {
        "hundred": {day: 100 * close for day, close in closes.items()},
        "two per cent": {day: round(1.02 * close, 4) for day, close in closes.items()},
        "future": closes | {"2099-01-05": 60.0},
        "shifted": dict(zip(days[1:], list(closes.values())[:-1], strict=True)),
    }
    for name, values in bad.items():
        stopped = run(*write(f"{name}.csv", values))
        assert (stopped.returncode, stopped.stdout) == (4, ""), name
        assert "nothing was imported" in stopped.stderr
        assert stored(tmp_path) == closes
    words = ["--accept", "wti_front", "--reason", "new unit"]
    assert run(*write("hundred.csv", bad["hundred"]), *words).returncode == 0
    assert stored(tmp_path) == bad["hundred"]
    for option, value in (("--calendar", "mars"), ("--kind", "soup")):
        wrong = run(*write("good.csv", closes), option, value)
        assert (wrong.returncode, "internal error" in wrong.stderr) == (1, False)


def test_a_day_far_in_the_future_does_not_block_later_refreshes(run, world, tmp_path):
    assert run("refresh", "wti_front", *FAST).returncode == 0
    with Store(tmp_path / "prices.sqlite") as store:
        store.query(
            "INSERT INTO bars SELECT symbol, interval, '2099-01-05', open, high, low, close, "
            "volume, 0, source, first_seen FROM bars WHERE stamp = '2026-01-05'"
        )
    world.closes["CL=F"]["2026-01-07"] = 56.9
    assert run("refresh", "wti_front", *FAST, now="2026-01-08T01:00:00+00:00").returncode == 0
    assert stored(tmp_path)["2026-01-07"] == 56.9


def test_a_backup_can_be_restored(run, tmp_path):
    assert run("refresh", "wti_front", *FAST).returncode == 0
    assert run("prices", "backup", "copy.sqlite").returncode == 0
    again = run("prices", "backup", "copy.sqlite")
    assert (again.returncode, "exists" in again.stderr) == (1, True)
    (tmp_path / "prices.sqlite").write_bytes(b"gone")
    assert run("prices", "list").returncode == 1
    (tmp_path / "copy.sqlite").replace(tmp_path / "prices.sqlite")
    assert run("refresh", "wti_front", *FAST).returncode == 0
    assert stored(tmp_path) == CLOSES


KILLS = int(os.environ.get("EVENTSTUDY_KILLS", "4"))


def test_kill_at_random_moments_loses_no_accepted_figure(start, run_environment, tmp_path):
    known, world = run_environment
    rng = random.Random(20260106)  # moments of death
    for number, symbol in enumerate(("CL=F", "BZ=F", "GC=F", "NG=F", "RB=F", "HO=F")):
        world.closes[symbol] = {
            f"{year}-{month:02d}-{day:02d}": round(50 + number + day / 100, 2)
            for year in range(2020, 2026) for month in range(1, 13) for day in range(1, 28)
        }  # fmt: skip
    names = ["wti_front", "brent_front", "gold_front", "natural_gas_front", "rbob_front",
             "heating_oil_front"]  # fmt: skip
    # A series that missed some turns finds most of its closes corrected, which is accepted here.
    accept = [word for name in names for word in ("--accept", name)]
    command = [sys.executable, "-m", "eventstudy", "refresh", *names, "--full", *accept, *FAST]
    path = tmp_path / "prices.sqlite"
    accepted, cut, turn, lost = {}, 0, 0, 0
    while cut < KILLS:
        world.faults = {rng.choice(list(world.closes)): "held"}
        process = start(
            *command[1:], *PATIENT, env=known, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert world.wait_until_held(process)
        if turn % 2:  # every other run dies while it stores what it was waiting for
            world.release()
            time.sleep(rng.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        cut += process.wait() == -signal.SIGKILL
        world.release()
        lost += check_store(path, accepted)
        # The next run finds every third close corrected.
        for closes in world.closes.values():
            for day in list(closes)[turn % 3 :: 3]:
                closes[day] = round(closes[day] + 0.01, 2)
        turn += 1
    assert lost == 0
    world.faults = {}
    finished = subprocess.run(
        command, env=known, check=False, capture_output=True
    )  # our own program
    assert finished.returncode == 0
    assert check_store(path, accepted) == 0
    for symbol, name in zip(("CL=F", "BZ=F"), names, strict=False):
        assert stored(tmp_path, name) == world.closes[symbol]
    with sqlite3.connect(path) as connection:
        inside = connection.execute("SELECT count(*) FROM runs WHERE finished IS NULL").fetchone()
    connection.close()
    assert inside[0] >= KILLS // 2
    told = f"kills {cut} of {turn} runs, {inside[0]} inside a run, figures {len(accepted)}"
    print(f"\n{told}, accepted ones lost {lost}")  # noqa: T201  # the figures of this test


def check_store(path, accepted):
    """Return how many figures that had been committed are gone; remember those that are there."""
    if not path.exists():
        return 0
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'bars'").fetchone():
            return 0
        now = {
            (row[0], row[1]): row[2:]
            for row in connection.execute("SELECT symbol, stamp, close, first_seen FROM bars")
        }
        changes = connection.execute(
            "SELECT symbol, stamp, old, new FROM revisions WHERE field = 'close' ORDER BY id"
        ).fetchall()
        # Whole series only, and every line of a run belongs to bars that are there.
        counts = dict(connection.execute("SELECT symbol, count(*) FROM bars GROUP BY 1"))
        items = connection.execute("SELECT symbol FROM run_items WHERE state = 'done'").fetchall()
    connection.close()
    assert {symbol for (symbol,) in items} == set(counts)
    assert len(set(counts.values())) <= 1
    # Undoing every revision must lead back to figures that were once accepted.
    chain = {}
    for symbol, stamp, old, new in changes:
        assert chain.get((symbol, stamp), old) == old
        chain[symbol, stamp] = new
    for key, value in chain.items():
        assert now[key][0] == value
    gone = sum(key not in now or now[key][1] != seen for key, (_, seen) in accepted.items())
    accepted.update(now)
    return gone
