"""What is documented is what there is, in both directions."""

import json
import os
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.cli import COMMANDS
from eventstudy.events import events_from_frame
from eventstudy.events import reading as event_reading
from eventstudy.inference.registry import statistics
from eventstudy.notes import Note
from eventstudy.prices.loading import load_prices
from eventstudy.regression.dummies import FRAME_COLUMNS
from eventstudy.report.files import result_json, tables
from eventstudy.results import (
    AR_COLUMNS,
    DESIGN_COLUMNS,
    EFFECT_COLUMNS,
    FAMILY_COLUMNS,
    SCHEMA,
    TEST_COLUMNS,
    ClaimRow,
    Provenance,
    QuoteRow,
    SeriesRecord,
)
from eventstudy.simulate import simulate
from eventstudy.study import Study, run_study
from eventstudy.study.tabulate import event_columns
from eventstudy.studykeys import KEYS
from eventstudy.windows import Window

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CODE = re.compile(r"`([^`]+)`")


def sections(name):
    """Heading to the lines below it."""
    found = {}
    for line in (DOCS / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            found[line[3:].strip("` ")] = body = []
        elif found:
            body.append(line)
    return found


def rows(lines, header):
    """Cells of the table with that header, which must be there."""
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {header} |"))
    out = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line.strip()[1:-1])
        out.append([cell.strip().replace("\\|", "|") for cell in cells])
    return out


def names(lines, header):
    return [name for row in rows(lines, header) for name in CODE.findall(row[0])]


TABLES = {
    "tables/events.csv": [
        re.sub(r"_9_9$", "_<a>_<b>", name) for name in event_columns((Window(9, 9),))
    ],
    "tables/effects.csv": EFFECT_COLUMNS,
    "tables/ar.csv": AR_COLUMNS,
    "tables/tests.csv": TEST_COLUMNS,
    "tables/design.csv": DESIGN_COLUMNS,
    "tables/family.csv": FAMILY_COLUMNS,
    "tables/regression.csv": FRAME_COLUMNS,
    "tables/quotes.csv": [f.name for f in fields(QuoteRow)],
    "tables/claims.csv": [f.name for f in fields(ClaimRow)],
    "tables/notes.csv": [f.name for f in fields(Note)],
    "tables/series.csv": [f.name for f in fields(SeriesRecord)],
}


@pytest.mark.parametrize("name", TABLES)
def test_every_column_is_documented_and_every_documented_column_exists(name):
    documented = names(sections("tables.md")[name], "column")
    assert sorted(documented) == sorted(TABLES[name])


def test_every_file_of_a_result_is_documented_with_its_columns():
    documented = sections("tables.md")
    for name, frame in tables(tiny_result()).items():
        lines = documented[f"tables/{name}.csv"]
        same = re.search(r"The columns of `([^`]+)`", "\n".join(lines))
        lines = documented[same.group(1)] if same else lines
        found = {re.sub(r"_\d+_\d+$", "_<a>_<b>", column) for column in frame.columns}
        assert set(names(lines, "column")) == found, name


def test_every_statistic_over_events_is_documented_as_the_registry_states_it():
    stated = [
        [f"`{s.name}`", f"`{s.formula}`", s.law, s.paper]
        for s in statistics()
        if s.scope != "event"
    ]
    if os.environ.get("EVENTSTUDY_WRITE_DOCS"):  # after a change of the registry
        write_rows(DOCS / "tables.md", "| statistic | formula | law | paper |", stated)
    assert rows(sections("tables.md")["tables/tests.csv"], "statistic") == stated, (
        "write the table anew with EVENTSTUDY_WRITE_DOCS=1"
    )


def write_rows(page, header, cells):
    """Put rows below the header of a table."""
    head, _, rest = page.read_text(encoding="utf-8").partition(f"{header}\n")
    rule, _, rest = rest.partition("\n")
    after = re.sub(r"^(\|.*\n)+", "", rest)
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in cells]
    body = "".join(f"| {line} |\n" for line in lines)
    page.write_text(f"{head}{header}\n{rule}\n{body}{after}", encoding="utf-8", newline="\n")


def tiny_result():
    import numpy as np

    got = simulate(120, np.random.default_rng(1))
    frame = got.wide("prices").set_index("session")
    events = events_from_frame(pd.DataFrame({"event_id": ["x"], "date": [frame.index[100]]}))
    study = Study(
        name="tiny", assets=["asset_01"], estimation=60, draws=99, volatility="ewma",
        event_window=(0, 1), car=[(0, 1)],
    )  # fmt: skip
    return run_study(study, events, load_prices(frame.set_axis(pd.DatetimeIndex(frame.index))))


def test_every_key_of_the_result_file_is_documented():
    content = json.loads(result_json(tiny_result()))
    lines = sections("tables.md")["result.json"]
    assert sorted(names(lines, "key")) == sorted(content)
    assert SCHEMA in "\n".join(lines)
    provenance = next(row for row in rows(lines, "key") if "provenance" in row[0])[1]
    assert {f.name for f in fields(Provenance)} <= set(CODE.findall(provenance))


def study_rows():
    found = sections("study-file.md")
    return {
        (heading[1:-1], CODE.findall(row[0])[0]): row
        for heading, lines in found.items()
        if heading.startswith("[")
        for row in rows(lines, "key")
    }


def test_every_key_of_a_study_file_is_documented():
    assert list(study_rows()) == [(key.section, key.name) for key in KEYS]


def test_documented_defaults_are_the_defaults():
    settings = Study(name="x", assets=["y"]).settings()
    compared = 0
    for (section, name), row in study_rows().items():
        shown = CODE.findall(row[2])
        if not shown or section == "report":
            continue
        assert tomllib.loads(f"v = {shown[0]}")["v"] == settings[section][name], name
        compared += 1
    assert compared > 15


def test_documented_examples_pass_the_checks():
    for (section, name), row in study_rows().items():
        key = next(k for k in KEYS if (k.section, k.name) == (section, name))
        examples = CODE.findall(row[4])
        assert examples, name
        for example in examples:
            key.check(tomllib.loads(f"v = {example}")["v"])


def test_study_files_in_the_documents_can_be_read():
    from eventstudy.studyfile import parse_study

    text = (DOCS / "study-file.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        parse_study(block.encode(), Path("study.toml"))


def test_every_column_of_the_event_file_is_documented():
    documented = names(sections("events.md")["Columns"], "column")
    assert sorted(documented) == sorted(event_reading._KNOWN)


def test_every_command_is_in_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `eventstudy (\w+)", text, re.MULTILINE)
    assert table == list(COMMANDS)


def test_every_page_is_linked_from_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = [f"docs/{page.name}" for page in sorted(DOCS.glob("*.md"))]
    assert [page for page in pages if f"]({page})" not in text] == []


def test_links_between_documents_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), (page.name, target)
