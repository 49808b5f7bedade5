"""Study files: every fault of a file is shown, with its place and what is expected."""

from pathlib import Path

import pytest

from eventstudy.errors import StudyFileError
from eventstudy.models.designs import ConstantMean, FactorModel, MarketAdjusted, MarketModel
from eventstudy.study.file import new_study_text, parse_study, read_study, shipped_study
from eventstudy.windows import Window

BASE = '[study]\nname = "x"\n[data]\nevents = "e.csv"\nprices = "p.csv"\n'


def parse(text: str):
    return parse_study(text.encode(), Path("folder/s.toml"))


def faults(text: str) -> tuple[str, ...]:
    with pytest.raises(StudyFileError) as caught:
        parse(text)
    return caught.value.faults


def test_paths_are_relative_to_the_file() -> None:
    _, inputs = parse(BASE)
    assert Path(str(inputs.events)) == Path("folder/e.csv")
    assert Path(inputs.prices) == Path("folder/p.csv")


def test_defaults_are_those_of_the_design() -> None:
    study, _ = parse(BASE)
    assert study.window == Window(-5, 5)
    assert study.estimation_window == Window(-265, -16)
    assert study.model == ConstantMean()
    assert [str(w) for w in study.car_windows] == ["[0,0]", "[0,1]", "[0,4]"]


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ('kind = "market"\nmarket = "m"', MarketModel("m")),
        ('kind = "market_model"\nmarket = "m"', MarketModel("m")),
        ('kind = "market-adjusted"\nmarket = "m"', MarketAdjusted("m")),
        ('kind = "market_adjusted"\nmarket = "m"', MarketAdjusted("m")),
        ('kind = "factor"\nfactors = ["a", "b"]', FactorModel(("a", "b"))),
        ('kind = "Constant Mean"', ConstantMean()),
    ],
)
def test_models_in_their_spellings(text: str, model) -> None:
    assert parse(f"{BASE}[model]\n{text}\n")[0].model == model


def test_all_faults_are_shown_together() -> None:
    found = faults(
        '[study]\nnme = "x"\n[data]\nevents = 5\n[windws]\n[windows]\nevent = [5, -5]\n'
        "[inference]\nlevel = 2\n"
    )
    text = "\n".join(found)
    assert "[study] nme: unknown key; did you mean 'name'?" in found
    assert "[windws]: unknown section; did you mean 'windows'?" in found
    for part in ("[data] events = 5", "[windows] event", "[inference] level = 2", "[data] prices"):
        assert part in text
    assert len(found) == 7


@pytest.mark.parametrize(
    ("section", "line", "said"),
    [
        ("windows", "estimation = 0", "a number of sessions, or a pair"),
        ("windows", "estimation = [-50, 0]", "overlaps or follows the event window"),
        ("windows", "car = [[0, 9]]", "not inside the event window"),
        ("windows", "car = []", "a list of windows"),
        ("windows", "gap = -1", "whole number of 0 or more"),
        ("returns", 'kind = "lgo"', "did you mean 'log'"),
        ("returns", 'roll_rules = { x = "cl" }', '"wti"'),
        ("model", 'kind = "market"', "market: missing"),
        ("model", 'market = "m"', 'set kind = "market"'),
        ("inference", 'seed = "today"', "whole number"),
        ("inference", 'tests = ["ptaell"]', "did you mean 'patell'"),
        ("inference", "draws = 5", "19 or more"),
        ("study", 'assets = ["a", "a"]', "each of them once"),
        ("data", 'start = "2024-13-01"', "a day such as"),
    ],
)
def test_faults_name_section_key_and_remedy(section: str, line: str, said: str) -> None:
    text = BASE.replace(f"[{section}]\n", f"[{section}]\n{line}\n")
    text = text if line in text else f"{BASE}[{section}]\n{line}\n"
    (found,) = faults(text)
    assert found.startswith(f"[{section}]")
    assert said in found


def test_missing_and_malformed_files_have_one_line(tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match="no such file"):
        read_study(tmp_path / "none.toml")
    with pytest.raises(StudyFileError, match=r"not TOML: .*line 1"):
        parse("[study\n")
    with pytest.raises(StudyFileError, match="not UTF-8"):
        parse_study(b'[study]\nname = "\xff"', Path("s.toml"))


def test_the_template_is_a_study_and_the_shipped_one_reads() -> None:
    study, inputs = parse(new_study_text("opec"))
    assert (study.name, study.assets, inputs.prices) == ("opec", ("wti_front",), "crude-daily")
    shipped, inputs = shipped_study()
    assert shipped.name == "paris-2026"
    assert inputs.quotes is not None
    assert inputs.quotes.exists()


def test_settings_repeat_the_file() -> None:
    text = BASE + "[windows]\nevent = [-2, 3]\nestimation = [-100, -10]\ncar = [[0, 2]]\n"
    settings = parse(text)[0].settings()
    assert settings["windows"]["estimation"] == [-100, -10]
    assert settings["windows"]["car"] == [[0, 2]]
    assert settings["model"] == {"kind": "constant-mean"}
