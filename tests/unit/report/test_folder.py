"""A report folder is replaced as a whole or not at all."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import eventstudy
from eventstudy.errors import OutputError
from eventstudy.report.folder import check_folder, replacing, write_manifest
from eventstudy.results import SCHEMA
from eventstudy.results.export import FORMATS


def finished(folder: Path, word: str = "old") -> Path:
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps({"schema": SCHEMA, "word": word}))
    (folder / "tables").mkdir()
    (folder / "tables" / "events.csv").write_text("event_id\n")
    return folder


def word_of(folder: Path) -> str:
    return json.loads((folder / "result.json").read_text())["word"]


def fill(folder: Path, word: str) -> None:
    (folder / "result.json").write_text(json.dumps({"schema": SCHEMA, "word": word}))


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def replace_with(out: Path, word: str, error: BaseException | None = None) -> None:
    with replacing(out) as staging:
        fill(staging, word)
        if error is not None:
            raise error


def test_new_folder_appears_with_its_parents(tmp_path: Path) -> None:
    with replacing(tmp_path / "a" / "b" / "study") as staging:
        assert not (tmp_path / "a" / "b" / "study").exists()
        fill(staging, "new")
    assert word_of(tmp_path / "a" / "b" / "study") == "new"
    assert names(tmp_path / "a" / "b") == ["study"]
    assert names(tmp_path / "a" / "b" / "study") == ["result.json"]


def test_old_report_is_replaced_whole(tmp_path: Path) -> None:
    out = finished(tmp_path / "study")
    with replacing(out) as staging:
        fill(staging, "new")
        assert word_of(out) == "old"
    assert word_of(out) == "new"
    assert not (out / "tables").exists()
    assert names(tmp_path) == ["study"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_interruption_keeps_the_old_report(tmp_path: Path, error: type[BaseException]) -> None:
    out = finished(tmp_path / "study")
    with pytest.raises(error):
        replace_with(out, "half", error())
    assert word_of(out) == "old"
    assert names(tmp_path) == ["study"]


def test_interruption_leaves_nothing_where_nothing_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        replace_with(tmp_path / "study", "half", KeyboardInterrupt())
    assert names(tmp_path) == []


def test_failed_swap_puts_the_old_report_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = finished(tmp_path / "study")
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if ".partial-" in self.name:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutputError, match="no space left"), replacing(out) as staging:
        fill(staging, "new")
    assert word_of(out) == "old"
    assert names(tmp_path) == ["study"]


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is a signal of POSIX")
@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_killed_run_leaves_the_old_report_and_the_next_run_cleans_up(
    tmp_path: Path, death: signal.Signals
) -> None:
    out = finished(tmp_path / "study")
    script = (
        "import pathlib, sys\n"
        "from eventstudy.report.folder import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as staging:\n"
        "    (staging / 'report.pdf').write_text('half')\n"
        "    print('writing', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    source = Path(eventstudy.__file__).parents[1]
    process = subprocess.Popen(  # our own interpreter and script
        [sys.executable, "-c", script, str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(source)},
    )
    assert process.stdout is not None
    with process:
        assert process.stdout.readline().strip() == b"writing"
        with replacing(tmp_path / "study") as staging:
            fill(staging, "second")
            assert len([n for n in names(tmp_path) if ".partial-" in n]) == 2
        assert any(".partial-" in n for n in names(tmp_path)), "a live run lost its folder"
        process.send_signal(death)
        process.wait(timeout=600)
    assert word_of(out) == "second"
    assert any(".partial-" in n for n in names(tmp_path))
    with replacing(out) as staging:
        fill(staging, "new")
    assert word_of(out) == "new"
    assert names(tmp_path) == ["study"]


def test_report_moved_aside_by_a_killed_run_comes_back(tmp_path: Path) -> None:
    finished(tmp_path / ".study.old-1")
    with pytest.raises(RuntimeError), replacing(tmp_path / "study"):
        raise RuntimeError
    assert word_of(tmp_path / "study") == "old"
    assert names(tmp_path) == ["study"]


def test_own_files_of_the_user_are_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="not a report") as caught, replacing(folder):
        pass
    assert "\n" not in str(caught.value)
    assert (folder / "letter.txt").read_text() == "dear"


@pytest.mark.parametrize("name", list(FORMATS))
def test_tables_of_every_format_are_part_of_a_report(tmp_path: Path, name: str) -> None:
    out = finished(tmp_path / "study")
    (out / "tables" / f"effects.{name}").write_text("")
    with replacing(out) as staging:
        fill(staging, "new")
    assert word_of(out) == "new"


@pytest.mark.parametrize("foreign", ["notes.txt", "tables/mine.xlsx", "figures/sub/own.png"])
def test_report_with_a_foreign_file_is_not_replaced(tmp_path: Path, foreign: str) -> None:
    out = finished(tmp_path / "study")
    path = out / foreign
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    with pytest.raises(OutputError, match=foreign), replacing(out):
        pass
    assert path.read_text() == "mine"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "other/1"}'])
def test_result_of_something_else_is_not_replaced(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "result.json").write_text(text)
    with pytest.raises(OutputError, match="not a report"):
        check_folder(folder)


def test_empty_folder_and_hidden_files_of_the_desktop_are_fine(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    out = finished(tmp_path / "study")
    (out / ".DS_Store").write_text("")
    for folder in (tmp_path / "empty", out):
        with replacing(folder) as staging:
            fill(staging, "new")
        assert word_of(folder) == "new"


def test_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "study").write_text("x")
    with pytest.raises(OutputError, match="is a file"):
        check_folder(tmp_path / "study")
    with pytest.raises(OutputError, match="cannot be made because study is a file"):
        check_folder(tmp_path / "study" / "inner")


def test_current_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    for folder in (Path(), tmp_path):
        with pytest.raises(OutputError, match="current folder"):
            check_folder(folder)


def test_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(OutputError, match="no permission"):
        check_folder(tmp_path / "study")


def test_failing_disk_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"study: .*no space left") as caught:
        replace_with(tmp_path / "study", "half", OSError(28, "No space left on device"))
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == []


def test_link_to_a_report_stays_a_link(tmp_path: Path) -> None:
    finished(tmp_path / "real" / "study")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real" / "study", target_is_directory=True)
    with replacing(link) as staging:
        fill(staging, "new")
    assert link.is_symlink()
    assert word_of(link) == "new"


def listed(folder: Path, word: str = "old") -> Path:
    finished(folder, word)
    write_manifest(folder)
    return folder


def replace_listed(out: Path, word: str) -> None:
    with replacing(out) as staging:
        fill(staging, word)
        (staging / "tables").mkdir()
        (staging / "tables" / "events.csv").write_text("event_id\n")
        write_manifest(staging)


def test_what_the_user_put_into_a_report_moves_into_the_next(tmp_path: Path) -> None:
    out = listed(tmp_path / "study")
    for name in ("tables/mine.csv", ".notes.md", "figures/own.png", "deep/er/letter.txt"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(f"mine: {name}")
    replace_listed(out, "new")
    assert word_of(out) == "new"
    for name in ("tables/mine.csv", ".notes.md", "figures/own.png", "deep/er/letter.txt"):
        assert (out / name).read_text() == f"mine: {name}"
    assert names(tmp_path) == ["study"]


@pytest.mark.parametrize("name", ["tables/events.csv", "result.json"])
def test_a_file_that_the_user_changed_is_not_replaced(tmp_path: Path, name: str) -> None:
    out = listed(tmp_path / "study")
    (out / name).write_text((out / name).read_text() + " ")
    with pytest.raises(OutputError, match=f"your changes to {name}"):
        replace_listed(out, "new")
    assert (out / name).read_text().endswith(" ")


def test_what_is_saved_while_a_report_is_written_is_kept(tmp_path: Path) -> None:
    out = listed(tmp_path / "study")
    with replacing(out) as staging:
        fill(staging, "new")
        (out / "tables" / "late.csv").write_text("mine")
    assert word_of(out) == "new"
    assert (out / "tables" / "late.csv").read_text() == "mine"
    replace_listed(tmp_path / "other", "old")

    def change_while_writing() -> None:
        with replacing(tmp_path / "other") as staging:
            fill(staging, "new")
            (tmp_path / "other" / "tables" / "events.csv").write_text("changed")

    with pytest.raises(OutputError, match="your changes"):
        change_while_writing()
    assert word_of(tmp_path / "other") == "old"


@pytest.mark.parametrize("out", ["r", "*", "r[0-9]", "?"])
def test_hidden_folders_of_the_user_stay(tmp_path: Path, out: str) -> None:
    mine = (".r.old-2019", ".r.partial-1", ".r.old-thoughts", ".x.old-3", ".r.partial-draft")
    for name in mine:
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.txt").write_text("years of work")
    listed(tmp_path / ".r.old-7")
    for word in ("first", "second"):
        replace_listed(tmp_path / out, word)
    assert word_of(tmp_path / out) == "second"
    assert names(tmp_path) == sorted([*mine, ".r.old-7", out])
    for name in mine:
        assert (tmp_path / name / "thesis.txt").read_text() == "years of work"


def test_many_runs_into_one_folder_each_end_well(tmp_path: Path) -> None:
    script = (
        "import json, pathlib, sys\n"
        "from eventstudy.report.folder import replacing, write_manifest\n"
        "from eventstudy.results import SCHEMA\n"
        "for turn in range(15):\n"
        "    with replacing(pathlib.Path(sys.argv[1])) as staging:\n"
        "        text = json.dumps({'schema': SCHEMA, 'word': sys.argv[2] + str(turn)})\n"
        "        (staging / 'result.json').write_text(text)\n"
        "        write_manifest(staging)\n"
    )
    source = Path(eventstudy.__file__).parents[1]
    runs = [
        subprocess.Popen(  # our own interpreter and script
            [sys.executable, "-c", script, str(tmp_path / "study"), name],
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(source)},
        )
        for name in "abc"
    ]
    said = [run.communicate()[1].decode() for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], "".join(said)
    assert names(tmp_path) == ["study"]
    assert word_of(tmp_path / "study")[1:] == "14"


def test_names_that_no_folder_can_have_are_one_line(tmp_path: Path) -> None:
    for name in ("x" * 300, "a\0b"):
        with pytest.raises(OutputError) as caught:
            check_folder(tmp_path / name)
        assert "\n" not in str(caught.value)
