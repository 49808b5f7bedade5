"""The files of a report."""

import csv
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pypdf
import pytest

from eventstudy.errors import OutputError
from eventstudy.report import ReportFiles, write_report
from eventstudy.results import SCHEMA, StudyResult

LITERAL = '#panic("x") *bold* $x$ <label> @ref _under_ `raw` // \\ "quoted"'


@pytest.fixture(scope="module")
def small(build_result: Callable[..., StudyResult]) -> StudyResult:
    return build_result(assets=("wti_front",), report={"author": "The desk"})


@pytest.fixture(scope="module")
def written(small: StudyResult, tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    return write_report(small, tmp_path_factory.mktemp("report") / "made-up")


@pytest.fixture(scope="module")
def pdf(written: ReportFiles) -> pypdf.PdfReader:
    return pypdf.PdfReader(written.pdf)


@pytest.fixture(scope="module")
def text(pdf: pypdf.PdfReader) -> str:
    whole = " ".join(page.extract_text() for page in pdf.pages)
    return re.sub(r"\s+", " ", whole)


def objects(pdf: pypdf.PdfReader) -> list[Any]:
    return [pdf.get_object(i) for i in range(1, int(pdf.trailer["/Size"]))]


def structure(pdf: pypdf.PdfReader, kind: str) -> list[Any]:
    found = [o for o in objects(pdf) if isinstance(o, dict) and "/P" in o]
    return [o for o in found if o.get("/S") == kind]


def every_file(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_files_are_those_promised(written: ReportFiles) -> None:
    found = set(every_file(written.folder))
    assert {"report.pdf", "result.json"} <= found
    for table in ("events", "effects", "alternatives", "ar", "tests", "regression", "notes"):
        assert f"tables/{table}.csv" in found
    figures = {name for name in found if name.startswith("figures/")}
    assert "figures/prices_wti-front.pdf" in figures
    assert {n[:-4] for n in figures if n.endswith(".pdf")} == {
        n[:-4] for n in figures if n.endswith(".png")
    }
    assert found == {"report.pdf", "result.json"} | {
        p.relative_to(written.folder).as_posix() for p in (*written.tables, *written.figures)
    }


def test_same_result_gives_the_same_bytes(
    small: StudyResult, written: ReportFiles, tmp_path: Path
) -> None:
    before = mpl.rcParams["font.size"]
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.hashsalt": "other"}):
        again = write_report(small, tmp_path / "elsewhere")
    assert mpl.rcParams["font.size"] == before
    assert every_file(again.folder) == every_file(written.folder)


def test_other_numbers_give_other_bytes(
    small: StudyResult, written: ReportFiles, change: Callable[..., Any], tmp_path: Path
) -> None:
    effects = change(small.tables.effects, effect=small.tables.effects.effect + 0.01)
    other = replace(small, tables=replace(small.tables, effects=effects))
    again = every_file(write_report(other, tmp_path / "other").folder)
    assert again["report.pdf"] != written.pdf.read_bytes()
    assert again["result.json"] != written.json.read_bytes()


def test_text_of_titles_stays_literal(text: str) -> None:
    assert re.sub(r"\s+", " ", LITERAL) in text


def test_cyrillic_is_shown_and_other_scripts_are_transliterated_with_a_note(
    text: str, written: ReportFiles
) -> None:
    assert "Удар по складу, Кострома" in text
    assert "Bei Jing Shi Jian storage report" in text
    assert "北京时间" not in text
    assert "1 text holds letters of scripts that the fonts of this report lack" in text
    stored = json.loads(written.json.read_text(encoding="utf-8"))
    assert any(row["title"] == "北京时间 storage report" for row in stored["events"])
    assert "北京时间" in (written.folder / "tables" / "events.csv").read_text(encoding="utf-8")


def test_outline_names_sections_and_events(pdf: pypdf.PdfReader) -> None:
    flat: list[str] = []

    def walk(items: list[Any]) -> None:
        for item in items:
            if isinstance(item, list):
                walk(item)
            else:
                flat.append(str(item.title))

    walk(pdf.outline)
    joined = "\n".join(flat)
    for name in ("Key findings", "Summary", "Events", "Coalition summit in Paris", "Methods"):
        assert name in joined
    assert LITERAL in joined


def test_document_is_tagged_titled_and_in_a_language(pdf: pypdf.PdfReader) -> None:
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"].startswith("en")
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert pdf.metadata is not None
    assert pdf.metadata.title == "Two articles, January 2026"
    assert pdf.metadata.author == "The desk"
    assert b"pdfuaid:part" in root["/Metadata"].get_data()


def test_creation_date_is_that_of_the_data(pdf: pypdf.PdfReader) -> None:
    assert pdf.metadata is not None
    assert pdf.metadata.creation_date is not None
    assert pdf.metadata.creation_date.date().isoformat() == "2026-02-27"


def test_every_figure_has_a_text_for_those_who_cannot_see(pdf: pypdf.PdfReader) -> None:
    figures = structure(pdf, "/Figure")
    assert len(figures) >= 6
    assert all(len(str(f["/Alt"])) > 40 for f in figures)


def test_every_formula_has_its_words(pdf: pypdf.PdfReader) -> None:
    formulas = structure(pdf, "/Formula")
    assert len(formulas) >= 8
    assert all(str(f["/Alt"]) for f in formulas)


def test_tables_have_headers(pdf: pypdf.PdfReader) -> None:
    assert len(structure(pdf, "/TH")) > 30


def test_charts_are_vectors(pdf: pypdf.PdfReader) -> None:
    images = [o for o in objects(pdf) if isinstance(o, dict) and o.get("/Subtype") == "/Image"]
    assert images == []
    text = " ".join(page.extract_text() for page in pdf.pages)
    assert "cumulative" in text, "words of charts are text, not outlines"


def test_all_fonts_are_embedded(pdf: pypdf.PdfReader) -> None:
    fonts = [o for o in objects(pdf) if isinstance(o, dict) and o.get("/Type") == "/FontDescriptor"]
    assert fonts
    assert all({"/FontFile", "/FontFile2", "/FontFile3"} & set(f) for f in fonts)


def test_pages_are_numbered_and_bounded(pdf: pypdf.PdfReader) -> None:
    count = len(pdf.pages)
    assert 8 <= count <= 20
    for number, page in enumerate(pdf.pages, 1):
        assert f"{number} / {count}" in page.extract_text()
        assert len(page.extract_text()) > 150, f"page {number} is nearly empty"


def test_every_section_is_there(text: str, small: StudyResult) -> None:
    for heading in (
        "Key findings", "Summary", "Confounders and overlaps", "Claims and quoted prices",
        "Tests over all events", "Joint regression on event dummies", "References",
        "Data and provenance", "What was moved, dropped, masked or replaced",
        "Events without an effect",
    ):  # fmt: skip
        assert heading in text
    assert "needs 20 events, has 6" in text
    assert "19 roll sessions masked" in text
    assert small.tables.series[0].sha256 not in text.replace(" ", "")
    assert "1" * 64 in text.replace(" ", "")


def test_json_has_every_table_and_no_infinities(written: ReportFiles, small: StudyResult) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    stored = json.loads(written.json.read_text(encoding="utf-8"), parse_constant=refuse)
    assert stored["schema"] == SCHEMA
    for name in ("events", "effects", "alternatives", "ar", "tests", "regression"):
        assert len(stored[name]) == len(getattr(small, name))
    undated = next(r for r in stored["events"] if r["state"] == "undated")
    assert undated["effect"] is None
    first = stored["effects"][0]["effect"]
    assert first == small.effects["effect"].iloc[0]


def test_tables_hold_the_numbers_exactly(written: ReportFiles, small: StudyResult) -> None:
    with (written.folder / "tables" / "effects.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(r["effect"]) for r in rows] == small.effects["effect"].tolist()
    assert all(math.isfinite(float(r["t"])) for r in rows)


def test_user_options(build_result: Callable[..., StudyResult], tmp_path: Path) -> None:
    report = {
        "title": "Short",
        "events": 1,
        "figures": "pdf",
        "sections": ["findings", "events"],
    }
    files = write_report(build_result(assets=("wti_front",), report=report), tmp_path / "out")
    assert all(p.suffix == ".pdf" for p in files.figures)
    assert len([p for p in files.figures if p.name.startswith("event_")]) == 1
    reader = pypdf.PdfReader(files.pdf)
    text = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages))
    assert text.count("Short") >= 1
    assert "5 more events have no section here" in text
    assert "References" not in text


def test_progress_is_told(build_result: Callable[..., StudyResult], tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    result = build_result(assets=("wti_front",), report={"events": 1, "figures": "pdf"})
    write_report(result, tmp_path / "out", progress=lambda *step: told.append(step))
    assert [s[0] for s in told] == sorted(
        (s[0] for s in told), key=["tables", "figures", "pdf"].index
    )
    assert all(0 <= done <= total for _, done, total in told)
    assert told[-1] == ("pdf", 1, 1)


def test_interrupted_typesetting_leaves_the_old_report(
    small: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "study"
    out.mkdir()
    (out / "result.json").write_text(json.dumps({"schema": SCHEMA}))

    def interrupt(*_: object, **__: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("eventstudy.report.typeset.typeset", interrupt)
    monkeypatch.setattr("eventstudy.report.figures.draw_figures", lambda *_, **__: ())
    with pytest.raises(KeyboardInterrupt):
        write_report(small, out)
    assert every_file(out) == {"result.json": json.dumps({"schema": SCHEMA}).encode()}
    assert [p.name for p in tmp_path.iterdir()] == ["study"]


def test_typesetter_refusal_is_one_of_our_errors(
    small: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstudy.report.figures.draw_figures", lambda *_, **__: ())
    monkeypatch.setattr("eventstudy.report.content.content", lambda *_: {"title": 3})
    with pytest.raises(OutputError, match="cannot be typeset"):
        write_report(small, tmp_path / "study")
    assert list(tmp_path.iterdir()) == []


def test_large_study_is_bounded_and_says_so(
    build_result: Callable[..., StudyResult],
    many_events: Callable[[int], tuple[dict[str, str], ...]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("eventstudy.report.figures.MAX_ASSETS", 2)
    assets = tuple(f"asset_{i:02d}" for i in range(10))
    result = build_result(
        events=many_events(30), assets=assets, report={"events": 3, "figures": "pdf"}
    )
    files = write_report(result, tmp_path / "out")
    reader = pypdf.PdfReader(files.pdf)
    text = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages))
    assert len(reader.pages) < 40
    assert "27 more events have no section here" in text
    assert "150 more rows are in tables/events.csv" in text
    assert "6 more assets of this event are in tables/effects.csv" in text
    assert "Charts of 8 more assets are not drawn" in text
    assert "would be by chance alone" in text or "None of 300 effects" in text
    assert len(files.figures) == 2 * 3 + 3
