"""What is documented is what there is, in both directions."""

import json
import os
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

from documents import HEADER, documentation, documented_tables
from eventstudy.cli import COMMANDS
from eventstudy.events import Event, events_from_frame
from eventstudy.events.columns import column_names, columns_of, document
from eventstudy.events.drafts import REVIEW_COLUMNS
from eventstudy.inference.texts import default_rows, methods_page, statistic_rows
from eventstudy.models.designs import model_class
from eventstudy.prices.loading import load_prices
from eventstudy.results import SCHEMA, Provenance
from eventstudy.results.export import FORMATS, frames, result_json
from eventstudy.study import Study, run_study
from eventstudy.study.file import study_keys
from simulate import simulate

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


TABLES = documented_tables()


@pytest.mark.parametrize("name", TABLES)
def test_every_column_is_documented_as_it_is_declared(name):
    if os.environ.get("EVENTSTUDY_WRITE_DOCS"):  # after a change of a declaration
        write_section(DOCS / "tables.md", f"## `{name}`", HEADER, TABLES[name])
    assert rows(sections("tables.md")[name], "column") == TABLES[name], (
        "write the table anew with EVENTSTUDY_WRITE_DOCS=1"
    )


def test_every_format_of_the_tables_is_documented():
    stated = [[f"`{form.name}`", form.meaning] for form in FORMATS.values()]
    if os.environ.get("EVENTSTUDY_WRITE_DOCS"):
        write_rows(DOCS / "tables.md", "| format | what it holds |", stated)
    page = (DOCS / "tables.md").read_text(encoding="utf-8").splitlines()
    assert rows(page, "format") == stated, "write the table anew with EVENTSTUDY_WRITE_DOCS=1"


def test_every_file_of_a_result_is_documented_with_its_columns():
    documented = sections("tables.md")
    for name, (frame, _) in frames(tiny_result()).items():
        lines = documented[f"tables/{name}.csv"]
        same = re.search(r"The columns of `([^`]+)`", "\n".join(lines))
        lines = documented[same.group(1)] if same else lines
        found = {re.sub(r"_\d+_\d+$", "_<a>_<b>", column) for column in frame.columns}
        assert set(names(lines, "column")) == found, name


def test_every_statistic_over_events_is_documented_as_the_registry_states_it():
    if os.environ.get("EVENTSTUDY_WRITE_DOCS"):  # after a change of the registry
        header = "| statistic | formula | null distribution | paper |"
        write_rows(DOCS / "tables.md", header, statistic_rows())
        (DOCS / "statistics.md").write_text(methods_page(), encoding="utf-8", newline="\n")
    assert rows(sections("tables.md")["tables/tests.csv"], "statistic") == statistic_rows(), (
        "write the table anew with EVENTSTUDY_WRITE_DOCS=1"
    )


def test_the_default_tests_are_documented_as_their_table_states_them():
    if os.environ.get("EVENTSTUDY_WRITE_DOCS"):  # after a change of the defaults
        write_rows(DOCS / "inference.md", "| sample | layout | default tests |", default_rows())
    heading = "What is refused, and what is a caution"
    assert rows(sections("inference.md")[heading], "sample") == default_rows(), (
        "write the table anew with EVENTSTUDY_WRITE_DOCS=1"
    )


def write_section(page, heading, header, cells):
    """Put the first table below a heading anew, its header included."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(f"{heading}\n")
    lead, _, _ = rest.partition(f"\n| {header[0]} |")
    table = rest[len(lead) + 1 :]
    after = re.sub(r"^(\|.*\n)+", "", table)
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in [header, *cells]]
    lines.insert(1, "|".join("---" for _ in header))
    body = "".join(f"| {line} |\n" if "---" not in line else f"|{line}|\n" for line in lines)
    page.write_text(f"{before}{heading}\n{lead}\n{body}{after}", encoding="utf-8", newline="\n")


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


STUDY_HEADER = ("key", "type", "default", "meaning", "example", "in Python")


def test_tables_of_the_study_file_are_those_of_the_declarations():
    stated = {
        f"[{section}]": [list(row) for row in table] for section, table in documentation().items()
    }
    if os.environ.get("EVENTSTUDY_WRITE_DOCS"):  # after a change of a key
        for section, table in stated.items():
            write_section(DOCS / "study-file.md", f"## `{section}`", STUDY_HEADER, table)
    found = {
        section: rows(lines, "key")
        for section, lines in sections("study-file.md").items()
        if section.startswith("[")
    }
    assert found == stated, "write the tables anew with EVENTSTUDY_WRITE_DOCS=1"


def test_every_key_of_a_study_file_is_documented():
    assert list(study_rows()) == [(item.key.section, item.key.name) for item in study_keys()]


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
        item = next(k for k in study_keys() if (k.key.section, k.key.name) == (section, name))
        examples = CODE.findall(row[4])
        assert examples, name
        for example in examples:
            value = tomllib.loads(f"v = {example}")["v"]
            item.take(model_class(value)("m") if name == "kind" and section == "model" else value)


def test_study_files_in_the_documents_can_be_read():
    from eventstudy.study.file import parse_study

    text = (DOCS / "study-file.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        parse_study(block.encode(), Path("study.toml"))


def test_every_column_of_the_event_file_is_documented():
    documented = names(sections("events.md")["Columns"], "column")
    assert sorted(documented) == sorted(column_names(Event))


def test_the_event_file_is_documented_as_its_columns_are_declared():
    stated = [list(cells) for cells in document(columns_of(Event))]
    header = "| column | what it holds | if it is missing or blank |"
    if os.environ.get("EVENTSTUDY_WRITE_DOCS"):  # after a change of the declarations
        write_rows(DOCS / "events.md", header, stated)
    assert rows(sections("events.md")["Columns"], "column") == stated, (
        "write the table anew with EVENTSTUDY_WRITE_DOCS=1"
    )


def test_the_columns_of_a_draft_are_documented_as_they_are_declared():
    stated = [[f"`{item.name}`", item.meaning] for item in REVIEW_COLUMNS]
    header = "| column | what it holds |"
    if os.environ.get("EVENTSTUDY_WRITE_DOCS"):  # after a change of the declarations
        write_rows(DOCS / "articles.md", header, stated)
    assert rows(sections("articles.md")["Drafts and reviewed files"], "column") == stated, (
        "write the table anew with EVENTSTUDY_WRITE_DOCS=1"
    )


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
