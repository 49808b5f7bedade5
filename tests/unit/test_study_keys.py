"""A key of a study is declared once: file, Python, settings, template and documents follow."""

import datetime as dt
import math
import pickle
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from documents import documentation
from eventstudy.errors import StudyError, StudyFileError
from eventstudy.keys import Key, check_fields, declared, documented, toml, values_of, whole
from eventstudy.models.designs import MODELS
from eventstudy.study import ReportOptions, Study, StudyInputs
from eventstudy.study.file import (
    load_study,
    new_study_text,
    parse_study,
    read_study,
    study_keys,
)
from eventstudy.windows import Window

PARTS = (Study, StudyInputs, ReportOptions, *MODELS.values())
PLACES = {
    item.field: (item.key.section, item.key.name) for item in declared(Study) if item.key.name
}


def file_text(**sections: dict) -> str:
    """TOML of a study, by section."""
    filled = {
        "study": {"name": "x", "assets": ["wti_front"]},
        "data": {"events": "e.csv", "prices": "p.csv"},
    }
    for section, values in sections.items():
        filled[section] = filled.get(section, {}) | values
    return "\n".join(
        f"[{section}]\n" + "\n".join(f"{k} = {toml(v)}" for k, v in values.items())
        for section, values in filled.items()
    )


def in_toml(section: str, name: str, value: object) -> tuple[str, ...]:
    text = file_text(**{section: {name: value}})
    with pytest.raises(StudyFileError) as caught:
        parse_study(text.encode(), Path("s.toml"))
    return caught.value.faults


def in_python(part: type = Study, **values: object) -> StudyError:
    given = {"name": "x", "assets": ["wti_front"]} if part is Study else {}
    with pytest.raises(StudyError) as caught:
        part(**(given | values))
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, es.EventStudyError)
    return caught.value


def words(fault: str) -> str:
    """What a fault says, without its place and value."""
    return re.sub(r"^(\[\w+\] \w+( = .*?)?|\w+\(\w+=.*?\)): (?=[a-zA-Z])", "", fault)


# field of Study, a value that Python and TOML can both hold, what is said of it
WRONG = [
    ("name", "two words", "letters, digits"),
    ("name", 3, "letters, digits"),
    ("title", 3, "text in quotes"),
    ("assets", "wti_front", "a list of names, such as"),
    ("assets", [], "a list of names, such as"),
    ("assets", ["a", "a"], "each of them once"),
    ("assets", [1], "a list of names, such as"),
    ("data_kind", "price", "did you mean 'prices'"),
    ("calendar", "wit", "did you mean 'wti'"),
    ("calendar", 3, 'one of "auto"'),
    ("start", "yesterday", "a day such as"),
    ("end", 20240101, "a day such as"),
    ("event_window", [5, -5], "ends before it starts"),
    ("event_window", [0, 10**9], "between -100000 and 100000"),
    ("event_window", [0, True], "a pair of sessions"),
    ("estimation", 0, "a number of sessions, or a pair"),
    ("estimation", True, "a number of sessions, or a pair"),
    ("estimation", [-50, 0], "overlaps or follows the event window"),
    ("estimation", 2, "needs more than 2"),
    ("gap", -1, "a whole number of 0 or more"),
    ("gap", math.nan, "a whole number of 0 or more"),
    ("gap", 1.5, "a whole number of 0 or more"),
    ("car", [], "at least one CAR window"),
    ("car", [[0, 9]], "not inside the event window"),
    ("car", 5, "a list of windows"),
    ("exclude_events", 1, "true or false"),
    ("min_estimation", 0, "a whole number of 3 or more"),
    ("incomplete", "dorp", "did you mean 'drop'"),
    ("ambiguous_minutes", -1, "a whole number of 0 or more"),
    ("returns", "logs", "did you mean 'log'"),
    ("nonpositive", "drop", 'one of "error"'),
    ("rolls", True, 'one of "mask", "keep"'),
    ("roll_rules", {"x": "cl"}, '"wti"'),
    ("roll_rules", "wti", "a table of names"),
    ("next_contract", {"x": 3}, "a table of names"),
    ("model", "markt", "did you mean 'market'"),
    ("model", 3, 'one of "constant-mean"'),
    ("tests", "bmp", '"default", "all" or a list of names'),
    ("tests", "defualt", "did you mean 'default'"),
    ("tests", ["vfc", "hlom", "ptaell"], "did you mean 'holm'?; no statistic 'ptaell'"),
    ("level", 0, "a number between 0 and 1"),
    ("level", math.nan, "a number between 0 and 1"),
    ("level", True, "a number between 0 and 1"),
    ("level", "5%", "a number between 0 and 1"),
    ("seed", "today", "a whole number of 0 or more"),
    ("seed", True, "a whole number of 0 or more"),
    ("draws", 5, "a whole number of 19 or more"),
    ("draws", 10**12, "from 19 to 10000000"),
    ("volatility", "grach", "did you mean 'garch'"),
    ("history", 10, "a whole number of 50 or more"),
    ("history", math.inf, "a whole number of 50 or more"),
    ("single", "all", 'one of "auto", "t"'),
    ("joint", 1, 'one of "auto", true, false'),
    ("joint", "true", 'one of "auto", true, false'),
]


@pytest.mark.parametrize(("field", "value", "said"), WRONG)
def test_python_refuses_what_a_file_refuses_with_the_same_words(field, value, said) -> None:
    section, name = PLACES[field]
    (here,) = in_python(**{field: value}).faults
    (there,) = in_toml(section, name, value)
    assert here.startswith(f"Study({field}=")
    assert there.startswith(f"[{section}] {name} = ")
    assert said in here
    assert words(here) == words(there)
    assert "\n" not in here


def test_every_field_is_refused_something() -> None:
    assert {field for field, _, _ in WRONG} == set(PLACES)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("evnts", 3, "unknown key; did you mean 'events'?"),
        ("events", -1, "expected a whole number of 0 or more"),
        ("figures", "svg", 'expected one of "both"'),
        ("author", 3, "expected text in quotes"),
    ],
)
def test_options_of_the_report_are_checked_alike(name, value, said) -> None:
    (here,) = in_python(report={name: value}).faults
    (there,) = in_toml("report", name, value)
    assert here.startswith("Study(report={")
    assert said in here
    assert words(here) == words(there)
    if name != "evnts":
        assert words(in_python(ReportOptions, **{name: value}).faults[0]) == words(there)


@pytest.mark.parametrize(
    ("field", "value"),
    [("events", 3), ("events", ""), ("prices", ""), ("prices", "a" * 300), ("quotes", 5),
     ("claims", True), ("select", {"knd": "x"}), ("select", {"first": "soon"})],
)  # fmt: skip
def test_inputs_are_checked_alike(field, value) -> None:
    given = {"events": "e.csv", "prices": "p.csv"} | {field: value}
    (here,) = in_python(StudyInputs, **given).faults
    (there,) = in_toml("data", field, value)
    assert words(here) == words(there)


@pytest.mark.parametrize(
    ("model", "values"),
    [("market", {"market": 3}), ("market-adjusted", {"market": ""}),
     ("factor", {"factors": "sp500_front"}), ("factor", {"factors": []})],
)  # fmt: skip
def test_parameters_of_models_are_checked_alike(model, values) -> None:
    (here,) = in_python(MODELS[model], **values).faults
    text = file_text(model={"kind": model} | values)
    with pytest.raises(StudyFileError) as caught:
        parse_study(text.encode(), Path("s.toml"))
    assert [words(here)] == [words(fault) for fault in caught.value.faults]


def test_all_faults_of_a_constructor_are_shown_together() -> None:
    error = in_python(
        returns="logs", level=0, draws=5, tests="bmp", nonpositive="drop", assets="wti",
        volatility="arch", history=0, seed=-1, calendar="x", data_kind="x", incomplete="x",
        ambiguous_minutes=-1, gap=-1, start="yesterday", min_estimation=0, model="x",
        report={"evnts": 1, "events": -1},
    )  # fmt: skip
    assert len(error.faults) == 19
    assert str(error).splitlines() == list(error.faults)
    assert Counter(fault.field for fault in error.found)["report"] == 2


def test_values_of_any_kind_are_shown_in_one_short_line() -> None:
    frame = pd.DataFrame({"a": range(50)})
    for value in (frame, 10**5000, "x\ny" * 500, np.arange(3), object()):
        for field in ("level", "assets", "tests", "car", "returns", "roll_rules", "start"):
            (line,) = in_python(**{field: value}).faults
            assert "\n" not in line
            assert len(line) < 400


def test_scalars_and_arrays_of_numpy_and_pandas_are_taken() -> None:
    study = Study(
        name="x", assets=np.array(["a", "b"]), level=np.float32(0.25), draws=np.int64(99),
        exclude_events=np.True_, start=pd.Timestamp("2020-01-02"), end=dt.date(2021, 1, 1),
        event_window=np.array([-2, 2]), car=[Window(0, 1), (np.int64(0), np.int64(2))],
        tests=("vfc", "holm"), joint=np.False_,
    )  # fmt: skip
    plain = Study(
        name="x", assets=("a", "b"), level=0.25, draws=99, exclude_events=True,
        start="2020-01-02", end="2021-01-01", event_window=(-2, 2), car=[(0, 1), (0, 2)],
        tests=["vfc", "holm"], joint=False,
    )  # fmt: skip
    assert study == plain
    assert study.settings() == plain.settings()
    assert type(study.draws) is int
    assert type(study.exclude_events) is bool


def test_a_study_is_the_same_after_replacing_nothing_and_after_pickling() -> None:
    study = Study(name="x", model=es.FactorModel(("a", "b")), report={"events": 3})
    assert replace(study) == study == pickle.loads(pickle.dumps(study))  # its own bytes
    assert study.report == ReportOptions(events=3)


# ---- declared once


def test_every_field_of_every_part_is_declared_with_meaning_and_example() -> None:
    for part in PARTS:
        assert [item.field for item in declared(part)] == [f.name for f in fields(part)]
        for item in declared(part):
            assert item.key.doc.endswith("."), item.field
            if item.key.name:
                assert item.key.examples, item.field


def test_every_key_stands_in_the_template_the_documents_and_the_settings() -> None:
    template, tables = new_study_text("x"), documentation()
    settings = Study(name="x", model=es.MarketModel("m"), report={"events": 1}).settings()
    for item in study_keys():
        section, name = item.key.section, item.key.name
        part = template.split(f"[{section}]\n")[1].split("\n[")[0]
        assert re.search(rf"^#?{name} = ", part, re.MULTILINE), name
        assert f"`{name}`" in [row[0] for row in tables[section]]
        if item in declared(Study):
            assert name in settings[section]


def test_docstrings_list_the_fields() -> None:
    for part in PARTS:
        for item in declared(part):
            assert f"\n    {item.field} : " in part.__doc__, (part, item.field)


def test_a_key_behind_a_sign_can_be_set_as_it_stands() -> None:
    template = new_study_text("x")
    commented = re.findall(r"^#(\w+ = .*)$", template, re.MULTILINE)
    assert len(commented) + len(re.findall(r"^\w+ = ", template, re.MULTILINE)) == len(study_keys())
    usual, _ = parse_study(template.encode(), Path("s.toml"))
    for line in commented:
        text = template.replace(f"#{line}\n", f"{line}\n", 1)
        if line.startswith(("market =", "factors =")):
            kind = "market" if line.startswith("market") else "factor"
            text = text.replace('kind = "constant-mean"', f'kind = "{kind}"')
        study, _ = parse_study(text.encode(), Path("s.toml"))
        assert isinstance(study, Study)
    assert replace(usual, title="") == Study(name="x", assets=["wti_front"])


def test_settings_can_be_read_as_a_file_again() -> None:
    study = Study(
        name="x", assets=["a"], estimation=(-90, -10), model=es.MarketModel("m"), single="t",
        joint=False, roll_rules={"a b": "wti"}, report={"figures": "pdf"}, title='say "so"\n',
        min_estimation=20, start="2020-01-01",
    )  # fmt: skip
    sections = {
        section: {name: value for name, value in values.items() if value not in (None, "")}
        for section, values in study.settings().items()
    }
    assert parse_study(file_text(**sections).encode(), Path("s.toml"))[0] == study


def test_a_new_field_is_all_that_a_key_needs() -> None:
    @documented
    @dataclass(frozen=True)
    class Part:
        """A part."""

        depth: Annotated[int, Key("soil.depth", "How deep.", whole(1), (3,), unit="feet")] = 2

        def __post_init__(self) -> None:
            check_fields(self)

    assert values_of(Part(4)) == {"soil": {"depth": 4}}
    assert "depth : number of feet, optional\n        How deep." in Part.__doc__
    with pytest.raises(StudyError, match=r"Part\(depth=0\): expected a whole number of 1 or more"):
        Part(0)


def test_values_are_written_as_toml() -> None:
    for value in (
        'a "b"\n\x7f\\', 3, -0.5, 1e-9, True, [1, [2, "x"]], {"a b": {"c": False}}, {},
        dt.date(2020, 1, 2),
    ):  # fmt: skip
        assert tomllib.loads(f"v = {toml(value)}")["v"] == value


# ---- files


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[study]\nname = " + "9" * 5000, "a number has thousands of digits"),
        ("[study]\nname = " + "[" * 3000 + "]" * 3000, "nested too deeply"),
        ("# " + "x" * 2_000_001, "larger than 2 MB"),
        ("[inference]\nseed = " + "9" * 4000, "from 0 to"),
        ("[windows]\nestimation = " + "9" * 4000, "a number of sessions"),
        ('[study]\n"a\\n' + "b" * 4000 + '" = 1', "unknown key"),
        ('["a\\n' + "b" * 4000 + '"]', "unknown section"),
        ('[inference]\ntests = ["a\\n' + "b" * 4000 + '"]', "no statistic"),
        ('[data]\nselect = { "a\\n' + "b" * 4000 + '" = 1 }', "event_id, first or last"),
        ('[data]\nprices = "' + "a/" * 4000 + '"', "a path of at most"),
        ('[returns]\nkind = "' + "a" * 4000 + '"', "one of"),
        ("[windows]\nevent = [0, " + "9" * 4000 + "]", "between -100000 and 100000"),
    ],
)
def test_values_of_absurd_size_end_in_one_short_line_each(text, said) -> None:
    with pytest.raises(StudyFileError) as caught:
        parse_study(text.encode(), Path("s.toml"))
    assert any(said in fault for fault in caught.value.faults)
    assert all(len(line) < 900 for line in str(caught.value).splitlines())


def test_a_parameter_of_another_model_names_the_models_that_have_it() -> None:
    (other,) = in_toml("model", "market", "m")
    assert other == (
        '[model] market: not used by kind = "constant-mean"; '
        'remove it, or set kind = "market" or "market-adjusted"'
    )
    (missing,) = in_toml("model", "kind", "factor")
    assert missing == (
        '[model] factors: missing; kind = "factor" needs it, such as '
        'factors = ["sp500_front", "dollar_index"]'
    )


def test_faults_of_a_file_come_in_its_order_and_what_is_missing_last() -> None:
    text = (
        "[inference]\nlevel = 2\n[report]\nfigures = 1\n[bogus]\n[windows]\ngap = -1\nevnt = 1\n"
        '[model]\nkind = "market"\n[data]\nprices = 3\nevents = "e.csv"\n'
    )
    with pytest.raises(StudyFileError) as caught:
        parse_study(text.encode(), Path("s.toml"))
    places = [re.match(r"\[\w+\]( \w+)?", fault)[0] for fault in caught.value.faults]
    assert places == [
        "[inference] level", "[report] figures", "[bogus]", "[windows] gap", "[windows] evnt",
        "[data] prices", "[model] market", "[study] name",
    ]  # fmt: skip


def test_reading_names_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("")
    with pytest.raises(StudyFileError) as caught:
        read_study(tmp_path / "s.toml")
    assert caught.value.faults == (
        '[study] name: missing; set it, such as name = "opec-2024"',
        '[data] events: missing; set it, such as events = "events.csv"',
        '[data] prices: missing; set it, such as prices = "crude-daily"',
    )
    with pytest.raises(StudyFileError, match="cannot be read"):
        read_study(tmp_path)
    with pytest.raises(StudyFileError, match="cannot be read"):
        read_study("a\0b.toml")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A study of one event on two hundred sessions."""
    days = pd.bdate_range("2020-01-01", periods=200, name="session")
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"a": 50 * np.exp(np.cumsum(rng.normal(0, 0.01, 200)))}, index=days)
    frame.to_csv(tmp_path / "prices.csv")
    (tmp_path / "events.csv").write_text("event_id,date,title\none,2020-08-03,First\n")
    (tmp_path / "others.csv").write_text("event_id,date,title\ntwo,2020-08-10,Second\n")
    text = file_text(
        study={"assets": ["a"]}, data={"events": "events.csv", "prices": "prices.csv"},
        windows={"event": [0, 2], "estimation": 60, "gap": 5, "car": [[0, 0]]},
        inference={"filter": "ewma", "draws": 99},
    )  # fmt: skip
    (tmp_path / "study.toml").write_text(text)
    return tmp_path / "study.toml"


def test_a_study_file_is_loaded_and_run_in_one_call(small: Path) -> None:
    loaded = load_study(small)
    assert (loaded.study.name, loaded.events.ids, loaded.quotes) == ("x", ("one",), ())
    by_hand = es.run_study(
        read_study(small)[0],
        es.load_events(small.parent / "events.csv"),
        es.load_prices(small.parent / "prices.csv"),
    )
    result = es.run(small)
    pd.testing.assert_frame_equal(result.events, by_hand.events)
    assert result.settings == by_hand.settings == loaded.study.settings()
    with pytest.raises(AttributeError):
        loaded.study = None


def test_other_events_and_an_earlier_day_are_options(small: Path) -> None:
    other = es.run(small, events=small.parent / "others.csv", asof=dt.date(2020, 9, 1))
    assert (other.name, list(other.events["event_id"])) == ("others", ["two"])
    assert other.settings["data"]["end"] == "2020-09-01"
    assert load_study(small, asof="2020-09-01").study.end == "2020-09-01"
    with pytest.raises(StudyError, match="a day such as 2024-01-02"):
        load_study(small, asof="soon")
    with pytest.raises(StudyFileError, match=r"reads '.*prices\.csv'"):
        load_study(small, store="x.sqlite")
    odd = small.parent / "_-.csv"
    odd.write_text((small.parent / "others.csv").read_text())
    assert load_study(small, events=odd).study.name == "events"


def test_the_bundled_study_is_the_default() -> None:
    loaded = load_study()
    assert (loaded.study.name, len(loaded.events)) == ("paris-2026", 11)
    assert loaded.quotes
    assert loaded.claims
