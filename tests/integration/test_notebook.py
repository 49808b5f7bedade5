"""The notebook and the README's example run, and say what they should."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from eventstudy.cli.studies import EVENTS

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "paris_2026.ipynb"


def shown(cell):
    """Everything a cell printed or showed as text."""
    texts = [o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return "\n".join(texts)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT / "src"))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        folder = str(tmp_path_factory.mktemp("notebook"))
        resources = {"metadata": {"path": folder}}
        NotebookClient(
            notebook, timeout=900, startup_timeout=900, kernel_name="python3", resources=resources
        ).execute()
    return notebook


def test_notebook_tells_the_story(executed):
    text = "\n".join(shown(c) for c in executed.cells if c.cell_type == "code")
    assert "(-1.453, -1.45, True)" in text
    assert re.search(r"offer of Venezuelan barrels +2026-01-07", text)
    assert re.search(r"US intervention in Venezuela +2026-01-05", text)
    assert text.count("expected down") + text.count("expected up") == 4
    assert "cannot be distinguished from noise" in text
    pictures = [
        o for c in executed.cells if c.cell_type == "code" for o in c.outputs
        if "image/svg+xml" in o.get("data", {})
    ]  # fmt: skip
    assert len(pictures) == 3
    warned = [o for c in executed.cells if c.cell_type == "code" for o in c.outputs
              if o.get("name") == "stderr"]  # fmt: skip
    assert warned == []


def test_notebook_is_committed_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert len(code) > 10
    assert all(not c.outputs and c.execution_count is None for c in code)


def test_example_of_the_readme_runs(tmp_path, monkeypatch):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1)
    assert len(example.splitlines()) <= 12
    (tmp_path / "events.csv").write_text(EVENTS)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102  # our own example
    assert len(names["result"].events) == 2
    assert (tmp_path / "reports" / "opec" / "report.pdf").stat().st_size > 10_000
