from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from eventstudy.cli.listing import methods
from eventstudy.inference.statistic import statistic, statistics
from eventstudy.inference.texts import SCOPES, described, explained, methods_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "statistics.md"


def test_the_docs_page_is_the_one_the_declarations_make():
    assert PAGE.read_text("utf-8") == methods_page()


@pytest.mark.parametrize("entry", statistics(), ids=lambda entry: entry.name)
def test_every_entry_explains_itself(entry):
    text = explained(entry)
    for part in (entry.null, entry.formula, entry.distribution, entry.paper, SCOPES[entry.scope]):
        assert part in text
    assert described(entry)["formula"] == entry.formula


def test_the_command_lists_explains_and_corrects():
    run = CliRunner()
    listed = run.invoke(methods)
    assert listed.exit_code == 0
    assert all(entry.name in listed.output for entry in statistics())
    one = run.invoke(methods, ["bmp_kp"])
    assert "BMP sqrt((1 - rbar) / (1 + (N - 1) rbar))" in one.output
    assert '"name": "vfc"' in run.invoke(methods, ["vfc", "--json"]).output
    wrong = run.invoke(methods, ["overlapz"])
    assert "did you mean 'overlap_z'" in str(wrong.exception)
    assert run.invoke(methods, ["--markdown"]).output == methods_page()


def test_what_is_checked_is_said():
    assert "at least 20 pairs" in explained(statistic("grank_t"))
    assert "no two windows of one asset share a session" in explained(statistic("bmp"))
