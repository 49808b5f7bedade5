"""The command line against a server on this machine that speaks for the price sources."""

import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "unit" / "prices"), str(ROOT / "tests" / "integration")]
from inprocess import run_here  # noqa: E402  # found through the line above
from loopback import LIMIT, World, serve  # noqa: E402  # found through the line above too


@pytest.fixture
def world():
    found = World()
    found.closes["CL=F"] = {"2026-01-02": 57.32, "2026-01-05": 58.32, "2026-01-06": 57.13}
    return found


@pytest.fixture
def server(world):
    with serve(world) as base:
        yield base


@pytest.fixture
def run_environment(server, world, tmp_path):
    known = {key: value for key, value in os.environ.items() if not key.startswith("EVENTSTUDY_")}
    return known | {
        "PYTHONPATH": str(ROOT / "src"),
        "EVENTSTUDY_STORE": str(tmp_path / "prices.sqlite"),
        "EVENTSTUDY_YAHOO_BASE": server,
        "EVENTSTUDY_FRED_BASE": server,
        "EVENTSTUDY_EIA_BASE": server,
        "EVENTSTUDY_NOW": "2026-01-06T23:30:00+00:00",
        "HOME": str(tmp_path),
    }, world


@pytest.fixture
def run(run_environment, tmp_path):
    """Run a command in this process; what needs a program of its own takes `start`."""

    def call(*arguments, now="2026-01-06T23:30:00+00:00"):
        return run_here(*arguments, cwd=tmp_path, env=run_environment[0] | {"EVENTSTUDY_NOW": now})

    return call


@pytest.fixture
def start():
    """Start a program of our own; it is killed when the test ends, or hangs for minutes."""
    with ExitStack() as running:

        def call(*arguments, **options):
            process = subprocess.Popen([sys.executable, *arguments], text=True, **options)
            running.enter_context(process)
            running.callback(process.kill)
            watchdog = threading.Timer(LIMIT, process.kill)
            running.callback(watchdog.cancel)
            watchdog.start()
            return process

        yield call
