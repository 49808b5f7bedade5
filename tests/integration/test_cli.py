"""The command line as a user meets it."""

import filecmp
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from inprocess import Completed, run_here  # found by conftest.py

ROOT = Path(__file__).resolve().parents[2]


def program(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # our own command
        [sys.executable, "-m", "eventstudy", *args],
        capture_output=True, text=True, check=False, cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **env},
    )  # fmt: skip


def eventstudy(*args: str, cwd: Path) -> Completed:
    return run_here(*args, cwd=cwd)


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("runs")
    first = program("run", cwd=folder)
    (folder / "reports" / "paris-2026").rename(folder / "first")
    second = program("run", cwd=folder, PYTHONHASHSEED="7", TZ="Asia/Tokyo", LC_ALL="C")
    return folder, first, second


def test_the_main_job_writes_everything_it_names(two_runs) -> None:
    folder, first, _ = two_runs
    assert first.returncode == 0, first.stderr
    report = folder / "first"
    assert (report / "report.pdf").read_bytes().startswith(b"%PDF")
    result = json.loads((report / "result.json").read_text())
    assert result["schema"] == "eventstudy-result/1"
    names = {path.name for path in (report / "tables").iterdir()}
    assert {"events.csv", "effects.csv", "ar.csv", "tests.csv", "notes.csv"} <= names
    assert list((report / "figures").glob("*.pdf"))
    assert "paris-summit" in first.stdout
    assert "report: reports/paris-2026/report.pdf" in first.stderr


def test_running_twice_gives_the_same_bytes(two_runs) -> None:
    folder, first, second = two_runs
    assert first.stdout == second.stdout
    left, right = folder / "first", folder / "reports" / "paris-2026"
    files = sorted(path.relative_to(left) for path in left.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(right) for path in right.rglob("*") if path.is_file())
    differing = [str(f) for f in files if not filecmp.cmp(left / f, right / f, shallow=False)]
    assert differing == []


def test_the_published_numbers_of_the_two_articles(two_runs) -> None:
    folder, *_ = two_runs
    result = json.loads((folder / "first" / "result.json").read_text())
    (quote,) = result["quotes"]
    assert quote["base_price"] == 57.13
    assert round(quote["implied_change_pct"], 3) == -1.453
    assert quote["agrees"] is True
    assert quote["moment"].startswith("2026-01-06T21:06")
    assert len(result["claims"]) == 4
    verdicts = {claim["claim_id"]: claim["verdict"] for claim in result["claims"]}
    assert verdicts == {
        "pullback-falls": "supported by a move that other events share",
        "pullback-reverses": "supported",
        "support-month": "supported by a move that other events share",
        "support-longest": "cannot be distinguished from noise",
    }


def test_check_shows_sessions_without_statistics(tmp_path: Path) -> None:
    done = eventstudy("check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "venezuela-intervention" in done.stdout
    assert "2026-01-05" in done.stdout
    assert "undated" in done.stdout
    assert list(tmp_path.iterdir()) == []
    rows = json.loads(eventstudy("check", "--json", cwd=tmp_path).stdout)["pairs"]
    sunday = next(r for r in rows if r["event_id"] == "opec-plus-call")
    assert (sunday["session"], sunday["state"]) == ("2026-01-05", "confounded")
    assert sunday["moved_from"] == "2026-01-04"
    assert sunday["same_session"] == "venezuela-intervention"


def test_new_writes_a_study_that_checks_and_runs(tmp_path: Path) -> None:
    assert eventstudy("new", "mine.toml", cwd=tmp_path).returncode == 0
    checked = eventstudy("check", "mine.toml", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    done = eventstudy("run", "mine.toml", "--out", "out", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert (tmp_path / "out" / "report.pdf").exists()
    again = eventstudy("new", "mine.toml", cwd=tmp_path)
    assert again.returncode == 1
    assert "--force" in again.stderr


def test_asof_uses_only_what_was_known(tmp_path: Path) -> None:
    done = eventstudy("check", "--asof", "2026-01-06", "--json", cwd=tmp_path)
    rows = json.loads(done.stdout)["pairs"]
    offer = next(r for r in rows if r["event_id"] == "venezuela-oil-offer")
    assert offer["state"] == "dropped"
    assert "2026-01-06" in offer["reason"]


def test_datasets_are_listed_described_and_exported(tmp_path: Path) -> None:
    listed = eventstudy("datasets", cwd=tmp_path)
    assert "crude-daily" in listed.stdout
    assert "wti-spot-1986" in listed.stdout
    assert "2025-07-04" in eventstudy("datasets", "crude-daily", cwd=tmp_path).stdout
    assert eventstudy("datasets", "crude-daily", "--export", "x.csv", cwd=tmp_path).returncode == 0
    shipped = (ROOT / "src/eventstudy/data/crude_daily.csv").read_text().splitlines()
    written = (tmp_path / "x.csv").read_text().splitlines()
    assert len(written) == len(shipped)
    assert written[1].split(",")[1] == "70.38"


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["nwe"], 2, "did you mean 'new'"),
        (["run", "--ot", "x"], 2, "--out"),
        (["run", "missing.toml"], 1, "no such file"),
        (["datasets", "crude"], 1, "did you mean 'crude-daily'"),
        (["run", "--asof", "yesterday"], 2, "--asof"),
        (["datasets", "--export", "x.csv"], 2, "--export"),
    ],
)
def test_misuse_has_one_line_and_a_code(
    tmp_path: Path, args: list[str], code: int, text: str
) -> None:
    done = eventstudy(*args, cwd=tmp_path)
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['eventstudy', '--help']\n"
        "from eventstudy.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'statsmodels', 'arch', 'matplotlib', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(  # our own interpreter
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert done.stderr.strip() == "[]"
