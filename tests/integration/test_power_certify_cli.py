"""``eventstudy power`` and ``eventstudy certify`` as a user meets them."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner

from eventstudy.certify import run as harness
from eventstudy.cli.certify import certify
from eventstudy.cli.studies import power
from eventstudy.errors import EstimationError, OutputError, TableError


@pytest.fixture
def prices(tmp_path):
    """Two oils that move together, and one price that is not positive."""
    rng = np.random.default_rng(1)
    days = np.arange("2010-01-04", "2019-01-01", dtype="datetime64[D]")
    days = days[np.is_busday(days)][:2300]
    common = rng.standard_normal(2300)
    levels = [
        60 * np.exp(np.cumsum(0.012 * (common + 0.5 * rng.standard_normal(2300)))) for _ in range(2)
    ]
    path = tmp_path / "prices.csv"
    with path.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["session", "wti", "brent"])
        out.writerows(zip(days, *levels, strict=True))
    return path, days, levels


@pytest.fixture
def study(tmp_path, prices):
    _, days, levels = prices
    rows = [[f"e{i}", str(days[1000 + 40 * i]), f"Event {i}", "up"] for i in range(24)]
    with (tmp_path / "events.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["event_id", "date", "title", "direction"], *rows])
    path = tmp_path / "study.toml"
    path.write_text(
        '[study]\nname = "made-up"\nassets = ["wti", "brent"]\n'
        '[data]\nevents = "events.csv"\nprices = "prices.csv"\n'
        "[windows]\nevent = [0, 4]\nestimation = 200\ngap = 5\ncar = [[0, 0], [0, 4]]\n"
        '[inference]\ndraws = 199\nfilter = "ewma"\n'
    )
    return path, days, levels


def test_power_says_what_can_be_seen(study):
    done = CliRunner().invoke(power, [str(study[0]), "--json", "-q"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["pairs"], found["dropped"]) == (48, 0)
    single = {(r["asset"], r["window"]): r for r in found["single"]}
    assert single["wti", "[0,0]"]["test"] == "vfc"
    assert single["wti", "[0,4]"]["median"] > 1.5 * single["wti", "[0,0]"]["median"]
    mean = {(r["asset"], r["window"], r["test"]): r for r in found["mean"]}
    bmp = mean["wti", "[0,0]", "bmp"]
    assert bmp["verdict"] == "holds"
    assert bmp["mde_half_n"] > bmp["mde"] > bmp["mde_2n"] > bmp["mde_4n"]
    assert mean["all", "[0,0]", "bmp"]["verdict"] == "refused"
    assert "correlation" in mean["all", "[0,0]", "bmp"]["reason"]
    overlap = mean["wti", "[0,0]", "overlap_z"]["mde"]
    assert overlap == pytest.approx(mean["wti", "[0,0]", "patell"]["mde"], rel=0.25)


def test_power_reads_no_return_of_an_event_window(study, tmp_path):
    """The last events may hold any effect: the answer for them does not move."""
    path, days, levels = study
    before = CliRunner().invoke(power, [str(path), "--json", "-q"]).stdout
    moved = [level.copy() for level in levels]
    last = 1000 + 40 * 23
    moved[0][last + 4 :] *= 1.0  # untouched after the window
    moved[0][last : last + 4] *= 1.3
    with (tmp_path / "prices.csv").open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["session", "wti", "brent"])
        out.writerows(zip(days, *moved, strict=True))
    after = CliRunner().invoke(power, [str(path), "--json", "-q"]).stdout

    def closed(text):
        return [
            r
            for r in json.loads(text)["mean"]
            if r["test"] not in {"overlap_z", "shift_sharp", "shift_mean"}
        ]

    assert closed(after) == closed(before)
    assert json.loads(after)["single"] == json.loads(before)["single"]


def test_power_prints_tables_and_says_what_is_refused(study):
    done = CliRunner().invoke(power, [str(study[0])])
    assert "One event: detectable effect, per cent" in done.stdout
    assert "Mean over events" in done.stdout
    assert "refused: " in done.stderr
    assert "48 pairs of event and asset, 0 would be dropped" in done.stderr


SMALL = (
    harness.Task("closed forms", "closed", (40,)),
    harness.Task("single 0", "single", (1300, 1500, 1700)),
    harness.Task("power 0", "power", (1300,)),
    harness.Task("events independent 5 1 0", "events", (("independent", 5, 1), 2)),
    harness.Task("curve 0", "curve", (10, 2)),
)


def test_certify_writes_table_page_and_figure(prices, tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "plan", lambda *_args, **_options: SMALL)
    out = tmp_path / "certificate"
    options = ["--quick", "--series", str(prices[0]), "--out", str(out), "--jobs", "1", "--json"]
    done = CliRunner().invoke(certify, options)
    found = json.loads(done.stdout)
    assert found == json.loads((out / "certificate.json").read_text())
    assert done.exit_code == (0 if found["ok"] else 1)
    assert found["command"].startswith("eventstudy certify --quick --series")
    assert {row["inside"] for row in found["rows"]} <= {True, False, None}
    assert (out / "certificate.md").read_text().startswith("# Size and power certificate")
    assert (out / "certificate.svg").read_bytes().startswith(b"<?xml")


def test_certify_leaves_its_band_with_exit_code_1(prices, monkeypatch):
    monkeypatch.setattr(harness, "plan", lambda *_args, **_options: SMALL)
    monkeypatch.setattr("eventstudy.certify.closed.PUBLISHED_SIZE", {"c=2": 0.5})
    done = CliRunner().invoke(certify, ["--quick", "--series", str(prices[0]), "--jobs", "1"])
    assert done.exit_code == 1
    assert "OUTSIDE" in done.stdout
    assert "NOT inside the bands" in done.stderr


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--seed", "seven"], 2, "'seven' is not a valid integer"),
        (["--jobs", "0"], 2, "not in the range"),
        (["--series", "nowhere"], 1, "no dataset and no file 'nowhere'"),
        (["--series", "crude-daily"], 1, "returns, a certificate needs 2000"),
    ],
)
def test_certify_says_what_is_wrong_in_one_line(options, code, said):
    done = CliRunner().invoke(certify, [*options, "-q"])
    if code == 2:
        assert done.exit_code == 2
        assert said in done.stderr
    else:
        assert isinstance(done.exception, (TableError, EstimationError))
        assert said in str(done.exception)


def test_certify_names_a_folder_it_cannot_write(prices, tmp_path):
    (tmp_path / "taken").write_text("")
    done = CliRunner().invoke(
        certify, ["--series", str(prices[0]), "--out", str(tmp_path / "taken")]
    )
    assert isinstance(done.exception, OutputError)
    assert "cannot be written" in str(done.exception)
