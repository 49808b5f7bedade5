import json

import pandas as pd
import pytest

from eventstudy.prices.contracts import Contract, next_contracts
from eventstudy.prices.records import Bar, StoredSeries
from eventstudy.prices.store import Store

FAST = ["--pause", "0.01", "--attempts", "1", "--quiet"]
LATER = "2026-01-07T23:30:00+00:00"


@pytest.fixture
def filled(run, world):
    """Two refreshes: the second one corrects a figure of the first."""
    for contract in next_contracts("wti", pd.Timestamp("2026-01-06").date(), count=12):
        symbol = f"{contract.symbol[:3]}{contract.symbol[-2:]}.NYM"
        months = (contract.year - 2026) * 12 + contract.month
        world.closes[symbol] = {
            "2026-01-05": round(58.6 - 0.2 * months, 2), "2026-01-06": round(57.5 - 0.2 * months, 2)
        }  # fmt: skip
    names = [row["series"] for row in json.loads(run("refresh", "--dry-run", "--json").stdout)]
    contracts = [name for name in names if name.startswith("CL")]
    assert run("refresh", "wti_front", *contracts, *FAST).returncode == 0
    world.closes["CL=F"] |= {"2026-01-05": 58.4, "2026-01-07": 55.99}
    assert run("refresh", "wti_front", *FAST, now=LATER).returncode == 0
    return run


def test_the_store_can_be_looked_at(filled):
    listed = json.loads(filled("prices", "list", "--json").stdout)
    front = next(row for row in listed if row["series"] == "wti_front")
    assert (front["bars"], front["from"], front["to"]) == ("4", "2026-01-02", "2026-01-07")
    assert len([row for row in listed if row["kind"] == "contract"]) == 12
    shown = json.loads(filled("prices", "show", "wti_front", "--json").stdout)
    assert [row["close"] for row in shown] == ["57.32", "58.4", "57.13", "55.99"]
    old = filled("prices", "show", "wti_front", "--asof", "2026-01-06", "--json")
    assert [row["close"] for row in json.loads(old.stdout)] == ["57.32", "58.32", "57.13"]
    changes = json.loads(filled("prices", "revisions", "wti_front", "--json").stdout)
    assert [c["new"] for c in changes if c["field"] == "close"] == [58.4]
    runs = json.loads(filled("prices", "runs", "--json").stdout)
    assert [row["exit code"] for row in runs] == ["0", "0"]
    wrong = filled("prices", "show", "wti_frnt")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "did you mean 'wti_front'" in wrong.stderr


def test_the_term_structure_is_printed(filled):
    rows = json.loads(filled("prices", "curve", "wti", "--json").stdout)
    assert rows[-1]["front"] == "CLG2026"
    assert rows[-1]["1"] == "57.1"
    assert rows[-1]["1-2"] == "0.2"
    assert rows[-1]["slope 1-12"].startswith("-")


def test_export_and_import_again(filled, tmp_path):
    for name in ("wide.csv", "wide.parquet"):
        assert filled("prices", "export", name, "wti_front").returncode == 0
        again = filled("prices", "export", name, "wti_front")
        assert (again.returncode, "exists" in again.stderr) == (1, True)
    text = (tmp_path / "wide.csv").read_text()
    assert text.startswith("session,wti_front\n2026-01-02,57.32\n2026-01-05,58.4\n")
    options = [
        "--unit",
        "USD/bbl",
        "--source",
        "export",
        "--calendar",
        "wti",
        "--store",
        "b.sqlite",
    ]
    done = filled("prices", "import", "wide.parquet", *options)
    assert done.returncode == 0
    shown = filled("prices", "show", "wti_front", "--json", "--store", "b.sqlite")
    assert [row["close"] for row in json.loads(shown.stdout)] == ["57.32", "58.4", "57.13", "55.99"]
    other = ["--unit", "EUR/bbl", "--source", "x", "--store", "b.sqlite"]
    wrong = filled("prices", "import", "wide.csv", *other)
    assert wrong.returncode == 1
    assert "'USD/bbl'" in wrong.stderr
    bars = filled("prices", "export", "bars.csv", "wti_front", "--bars", "--asof", "2026-01-06")
    assert bars.stdout == "wrote bars.csv: 3 rows\n"
    assert "wti_front,2026-01-05,58.32," in (tmp_path / "bars.csv").read_text()


def test_check_and_accept(filled, tmp_path):
    (tmp_path / "other.csv").write_text("session,settle\n2026-01-05,58.4\n2026-01-06,60.0\n")
    command = ["prices", "check", "wti_front", "--against", "other.csv:settle", "--json"]
    checked = filled(*command, now=LATER)
    assert checked.returncode == 4
    (finding,) = [row for row in json.loads(checked.stdout) if row["check"] == "disagreement"]
    assert finding["session"] == "2026-01-06"
    accept = ["prices", "accept", finding["key"], "--symbol", "wti_front", *command[3:5]]
    assert filled(*accept, now=LATER).returncode == 0
    assert "wti_front,2026-01-06,replace,60.0," in (tmp_path / "price_overrides.csv").read_text()
    assert filled(*command, now=LATER).returncode == 0
    assert filled("prices", "accept", "no-such", now=LATER).returncode == 1


def test_a_study_as_of_a_day_keeps_its_numbers_after_a_correction(run, world, tmp_path):
    days = pd.bdate_range("2024-01-02", "2026-01-06").strftime("%Y-%m-%d")
    for number, day in enumerate(days):
        world.closes["CL=F"][day] = round(70 + (number * 7919 % 100) / 50, 2)
    world.closes["CL=F"] |= {"2026-01-05": 58.32, "2026-01-06": 57.13}
    (tmp_path / "events.csv").write_text(
        "event_id,date,time,title,kind,place,direction,source\n"
        "a,2025-10-01,,One,decision,,up,press\nb,2025-11-03,,Two,decision,,down,press\n"
    )
    (tmp_path / "s.toml").write_text(
        '[study]\nname = "s"\nassets = ["wti_front"]\n[data]\nevents = "events.csv"\n'
        'prices = "store"\n[windows]\nevent = [-2, 2]\nestimation = 120\ngap = 5\ncar = [[0, 0]]\n'
        '[inference]\ndraws = 199\n[report]\nfigures = "pdf"\n'
    )

    def numbers(folder, *options):
        done = run("run", "s.toml", "--out", folder, *options, now=LATER)
        assert done.returncode == 0, done.stderr
        return (tmp_path / folder / "tables" / "events.csv").read_text(), json.loads(
            (tmp_path / folder / "result.json").read_text()
        )

    assert run("refresh", "wti_front", *FAST).returncode == 0
    before, _ = numbers("before", "--asof", "2026-01-06")
    world.closes["CL=F"]["2025-10-01"] += 1.5
    assert run("refresh", "wti_front", "--full", *FAST, now=LATER).returncode == 0
    after, found = numbers("after")
    again, _ = numbers("again", "--asof", "2026-01-06")
    assert again == before
    assert after != before
    assert "yahoo CL=F (store, 1 corrected close(s))" in json.dumps(found)
    report = (tmp_path / "after" / "report.pdf").read_bytes()
    pypdf = pytest.importorskip("pypdf")
    import io

    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(report)).pages)
    assert "corrected close" in " ".join(text.split())


def test_a_study_without_a_store_says_so(run, tmp_path):
    (tmp_path / "events.csv").write_text("event_id,date,title,kind\na,2025-10-01,One,decision\n")
    (tmp_path / "s.toml").write_text(
        '[study]\nname = "s"\nassets = ["wti_front"]\n[data]\nevents = "events.csv"\n'
        'prices = "store"\n[windows]\nevent = [-2, 2]\nestimation = 120\ngap = 5\ncar = [[0, 0]]\n'
        '[report]\nfigures = "pdf"\n'
    )
    checked = run("check", "s.toml")
    assert checked.returncode == 0, checked.stderr
    assert "2025-10-01" in checked.stdout
    done = run("run", "s.toml", "--out", "out")
    assert done.returncode == 0, done.stderr
    notes = (tmp_path / "out" / "tables" / "notes.csv").read_text()
    assert "there is no price store prices.sqlite: the bundled data are used instead" in notes


def test_a_study_names_a_continuous_series(run, tmp_path):
    days = pd.bdate_range("2024-06-03", "2026-01-06").strftime("%Y-%m-%d")
    with Store(tmp_path / "prices.sqlite") as store, store.transaction():
        for months in range(24):
            contract = Contract("wti", 2024, 7).shift(months)
            store.put_contract(contract)
            series = StoredSeries(contract.symbol, "", "USD/bbl", "contract", calendar="wti")
            store.put_series(series)
            bars = [
                Bar(day, round(70 + (number * 7919 % 100) / 50 - 0.3 * months, 2))
                for number, day in enumerate(days)
                if day <= contract.last_trade.isoformat()
            ]
            store.put_bars(
                contract.symbol, bars, source="test", seen_at=pd.Timestamp("2026-01-06T22:00Z")
            )
    (tmp_path / "events.csv").write_text("event_id,date,title,kind\na,2025-10-01,One,decision\n")
    study = (
        '[study]\nname = "s"\nassets = ["{asset}"]\n[data]\nevents = "events.csv"\n'
        'prices = "store"\n[windows]\nevent = [-2, 2]\nestimation = 120\ngap = 5\ncar = [[0, 0]]\n'
        '[inference]\ndraws = 199\n[report]\nfigures = "pdf"\n'
    )
    (tmp_path / "s.toml").write_text(study.format(asset="CL@1:same-contract"))
    done = run("run", "s.toml", "--out", "out")
    assert done.returncode == 0, done.stderr
    notes = (tmp_path / "out" / "tables" / "notes.csv").read_text()
    assert "CL@1:same-contract: 19 roll(s), rolled at expiry" in notes
    assert "roll session(s) mix two contracts" not in notes
    (tmp_path / "prices.sqlite").rename(tmp_path / "moved.sqlite")
    assert run("check", "s.toml").returncode == 1
    assert run("check", "s.toml", "--store", "moved.sqlite").returncode == 0
    other = study.format(asset="wti_front").replace('"store"', '"crude-daily"')
    (tmp_path / "other.toml").write_text(other)
    refused = run("check", "other.toml", "--store", "moved.sqlite")
    assert (refused.returncode, "reads 'crude-daily'" in refused.stderr) == (1, True)
    (tmp_path / "s.toml").write_text(study.format(asset="CL@1:same-contrct"))
    wrong = run("check", "s.toml", "--store", "moved.sqlite")
    assert wrong.returncode == 1
    assert "did you mean 'same-contract'" in wrong.stderr
