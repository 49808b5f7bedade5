"""Examples in docstrings run and print what they say."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import eventstudy

ROOT = Path(eventstudy.__file__).parent
FILES = {
    ".".join(("eventstudy", *path.relative_to(ROOT).with_suffix("").parts)): path
    for path in sorted(ROOT.rglob("*.py"))
}
MODULES = [
    name.removesuffix(".__init__")
    for name, path in FILES.items()
    if re.search(r"^ *>>> ", path.read_text("utf-8"), re.MULTILINE)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_module_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(
        importlib.import_module(name),
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
    )
    assert found.attempted
    assert not found.failed
