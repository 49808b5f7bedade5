"""A price source of an installed package is asked by a refresh; its server is on this machine."""

import json
import re
from pathlib import Path

import pytest

from eventstudy.prices.store import Store

DOCS = Path(__file__).resolve().parents[2] / "docs" / "prices.md"
FAST = ["--pause", "0.01", "--attempts", "1", "--quiet"]


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a package beside the code as pip would, with an entry point per source."""

    def put(name, code, points):
        folder = tmp_path / "site"
        (folder / f"{name}-1.0.dist-info").mkdir(parents=True)
        (folder / f"{name}.py").write_text(code)
        (folder / f"{name}-1.0.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
        lines = "".join(f"{point} = {name}:{what}\n" for point, what in points.items())
        (folder / f"{name}-1.0.dist-info" / "entry_points.txt").write_text(
            f"[eventstudy.price_sources]\n{lines}"
        )
        monkeypatch.syspath_prepend(folder)

    return put


def instrument(tmp_path, source):
    (tmp_path / "instruments.toml").write_text(
        '[[instrument]]\nname = "dubai"\nunit = "USD/bbl"\nkind = "futures"\n'
        f'sources = [{{ source = "{source}", symbol = "DUBAI", kind = "futures" }}]\n'
    )


def test_the_example_of_the_documentation_works(run, world, server, install, tmp_path):
    code = re.search(r"```python\n(import json.*?class Desk.*?)```", DOCS.read_text(), re.DOTALL)[1]
    install("desk_prices", code.replace("http://127.0.0.1:8000", server), {"desk": "Desk"})
    instrument(tmp_path, "desk")
    days = {"2026-01-02": 59.1, "2026-01-05": 60.2, "2026-01-06": 59.4}
    rows = [{"day": day, "settle": str(close)} for day, close in days.items()]
    world.documents["/settlements/DUBAI"] = (200, json.dumps({"symbol": "DUBAI", "rows": rows}))
    done = run("refresh", "dubai", *FAST)
    assert done.returncode == 0, done.stdout + done.stderr
    with Store(tmp_path / "prices.sqlite", read_only=True) as store:
        assert store.closes("dubai") == days
        assert set(store.read("dubai")["source"]) == {"desk DUBAI"}
    for wrong in ({"symbol": "OMAN", "rows": rows}, {"rows": 5}, {"symbol": "DUBAI", "rows": []}):
        world.documents["/settlements/DUBAI"] = (200, json.dumps(wrong))
        failed = run("refresh", "dubai", *FAST)
        assert failed.returncode == 3
        assert "internal error" not in failed.stderr


def test_a_plug_in_that_breaks_is_one_failure(run, install, tmp_path):
    code = "def broken():\n    raise SystemError('no licence')\n"
    install("vendor", code, {"vendor": "broken", "yahoo": "broken"})
    instrument(tmp_path, "vendor")
    done = run("refresh", "dubai", "wti_front", *FAST)
    assert done.returncode == 3
    assert "cannot be used" in done.stdout
    assert "not refreshed: dubai" in done.stderr
    instrument(tmp_path, "vendr")
    assert "did you mean 'vendor'" in run("refresh", "dubai", *FAST).stderr
