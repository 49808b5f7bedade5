"""Study files: TOML to a `Study` and back, with every fault of a file shown together."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

from eventstudy.errors import EventStudyError, StudyFileError, did_you_mean
from eventstudy.models import ConstantMean, FactorModel, MarketAdjusted, MarketModel, Model
from eventstudy.study.design import Study, StudyInputs
from eventstudy.windows import as_window

SHIPPED: Final = "paris-2026"
MODELS: Final = ("constant-mean", "market-adjusted", "market", "factor")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a study file.

    Parameters
    ----------
    section, name : str
    form : str
        What it holds, for people.
    check : callable
        Turns the value into what `Study` takes; raises ValueError with what is expected.
    target : str
        Field of `Study`, or of `StudyInputs` behind a dot.
    meaning : str
        One line for the documentation.
    """

    section: str
    name: str
    form: str
    check: Callable[[Any], Any]
    target: str
    meaning: str


def _text(value: Any) -> str:  # noqa: ANN401  # TOML values
    if not isinstance(value, str):
        raise ValueError("text in quotes")  # noqa: EM101, TRY003, TRY004  # the caller adds the place
    return value


def _name(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ValueError("letters, digits, '-', '_' and '.', such as \"opec-2014\"")  # noqa: EM101, TRY003
    return value


def _names(value: Any) -> tuple[str, ...]:  # noqa: ANN401
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise ValueError('a list of names, such as ["wti_front"]')  # noqa: EM101, TRY003
    if len(set(value)) != len(value):
        raise ValueError("a list of names, each of them once")  # noqa: EM101, TRY003
    return tuple(value)


def _whole(least: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:  # noqa: ANN401
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            msg = f"a whole number of {least} or more"
            raise ValueError(msg)
        return value

    return check


def _share(value: Any) -> float:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise ValueError("a number between 0 and 1, such as 0.05")  # noqa: EM101, TRY003
    return float(value)


def _flag(value: Any) -> bool:  # noqa: ANN401
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: EM101, TRY003, TRY004
    return value


def _choice(*known: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:  # noqa: ANN401
        if value not in known:
            hint = did_you_mean(str(value), known)
            listed = ", ".join(f'"{item}"' for item in known)
            msg = f"one of {listed}" + (f" ({hint})" if hint.startswith("did") else "")
            raise ValueError(msg)
        return str(value)

    return check


def _pair(value: Any) -> Any:  # noqa: ANN401
    try:
        return as_window(value)
    except EventStudyError as error:
        raise ValueError(f"a pair of sessions such as [-5, 5] ({error})") from None  # noqa: EM102, TRY003


def _estimation(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return _pair(value)
    try:
        return _whole(2)(value)
    except ValueError:
        raise ValueError("a number of sessions, or a pair such as [-260, -11]") from None  # noqa: EM101, TRY003


def _pairs(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list) and value and all(isinstance(item, int) for item in value):
        return (_pair(value),)
    if not isinstance(value, list) or not value:
        raise ValueError("a list of windows, such as [[0, 0], [0, 4]]")  # noqa: EM101, TRY003
    return tuple(dict.fromkeys(_pair(item) for item in value))


def _mapping(value: Any) -> dict[str, str]:  # noqa: ANN401
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise ValueError('a table of names, such as { wti_front = "wti" }')  # noqa: EM101, TRY003
    return dict(value)


def _roll_rules(value: Any) -> dict[str, str]:  # noqa: ANN401
    rules = _mapping(value)
    for rule in rules.values():
        _choice("wti", "brent", "none")(rule)
    return rules


def _tests(value: Any) -> Any:  # noqa: ANN401
    from eventstudy.inference.registry import statistic

    if value in ("default", "all"):
        return value
    names = _names(value)
    for name in names:
        try:
            statistic(name)
        except EventStudyError as error:
            raise ValueError(f'"default", "all" or names of statistics: {error}') from None  # noqa: EM102, TRY003
    return names


def _day(value: Any) -> str:  # noqa: ANN401
    import datetime as dt

    if isinstance(value, dt.date):
        return value.isoformat()[:10]
    try:
        return dt.date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ValueError("a day such as 2024-01-02") from None  # noqa: EM101, TRY003


KEYS: Final[tuple[Key, ...]] = (
    Key("study", "name", "text", _name, "name", "key of the study; names its report folder"),
    Key("study", "title", "text", _text, "title", "headline of the report"),
    Key("study", "assets", "list of names", _names, "assets", "series studied; all that the model does not use, where left out"),
    Key("data", "events", "path", _text, ".events", "event file (CSV), relative to the study file"),
    Key("data", "prices", "path or dataset", _text, ".prices", "wide CSV or Parquet file, relative to the study file, or the name of a shipped dataset"),
    Key("data", "kind", '"prices" or "returns"', _choice("prices", "returns"), "data_kind", "what the figures of the file are"),
    Key("data", "calendar", '"auto", "file", "wti" or "brent"', _choice("auto", "file", "wti", "brent"), "calendar", "sessions and settlements; auto takes what the prices suggest, for a file its own sessions"),
    Key("data", "start", "day", _day, "start", "first session used"),
    Key("data", "end", "day", _day, "end", "last session used"),
    Key("data", "quotes", "path", _text, ".quotes", "quoted prices to hold against settlements (CSV)"),
    Key("data", "claims", "path", _text, ".claims", "hypotheses to answer (CSV)"),
    Key("windows", "event", "pair", _pair, "event_window", "event window T1..T2, sessions relative to session 0"),
    Key("windows", "estimation", "number or pair", _estimation, "estimation", "sessions before the event window, or a pair relative to session 0"),
    Key("windows", "gap", "number", _whole(0), "gap", "sessions left out between estimation and event window; only with a number"),
    Key("windows", "car", "list of pairs", _pairs, "car", "windows over which abnormal returns are added; the first is the headline window"),
    Key("windows", "exclude_events", "true or false", _flag, "exclude_events", "leave event windows of other events out of the estimation window"),
    Key("windows", "min_estimation", "number", _whole(3), "min_estimation", "least usable estimation returns; without it the whole window must lie inside the data and half of it be usable"),
    Key("windows", "incomplete", '"drop" or "keep"', _choice("drop", "keep"), "incomplete", "an event whose window reaches past the last session"),
    Key("windows", "ambiguous_minutes", "number", _whole(0), "ambiguous_minutes", "a moment this close to a settlement belongs to both sessions"),
    Key("returns", "kind", '"log", "simple" or "change"', _choice("log", "simple", "change"), "returns", "kind of return; of a return file, what its figures are"),
    Key("returns", "nonpositive", "policy", _choice("error", "change", "simple", "exclude", "next-contract"), "nonpositive", "what to do where a price is not positive"),
    Key("returns", "rolls", '"mask" or "keep"', _choice("mask", "keep"), "rolls", "whether roll sessions of front-month series are masked in estimation"),
    Key("returns", "roll_rules", "table", _roll_rules, "roll_rules", "expiry rule of a series: wti, brent or none"),
    Key("returns", "next_contract", "table", _mapping, "next_contract", 'series whose return replaces an undefined one under nonpositive = "next-contract"'),
    Key("model", "kind", "model", _choice(*MODELS), "model.kind", "model of the normal return"),
    Key("model", "market", "name", _text, "model.market", "market series of the market and market-adjusted model"),
    Key("model", "factors", "list of names", _names, "model.factors", "factor series of the factor model"),
    Key("inference", "tests", '"default", "all" or names', _tests, "tests", "statistics over many events"),
    Key("inference", "level", "number", _share, "level", "level of tests; intervals have 1 - level coverage"),
    Key("inference", "seed", "number", _whole(0), "seed", "seed of the simulations"),
    Key("inference", "draws", "number", _whole(99), "draws", "paths of a filtered historical simulation"),
    Key("inference", "filter", '"auto", "garch" or "ewma"', _choice("auto", "garch", "ewma"), "volatility", "volatility filter of the single-event tests"),
    Key("inference", "history", "number", _whole(50), "history", "most sessions before an event that its filter may use"),
    Key("report", "events", "number", _whole(0), "report.events", "most events with a section of their own in the PDF"),
    Key("report", "figures", '"both" or "pdf"', _choice("both", "pdf"), "report.figures", "which files of each figure are kept"),
    Key("report", "author", "text", _text, "report.author", "author shown on the title page"),
)  # fmt: skip
SECTIONS: Final = tuple(dict.fromkeys(key.section for key in KEYS))


@dataclass(slots=True)
class _Found:
    study: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)


def read_study(path: str | Path) -> tuple[Study, StudyInputs]:
    """Read a study file.

    Parameters
    ----------
    path : str or Path
        TOML; paths in it are relative to its folder.

    Returns
    -------
    study : Study
        With no assets where the file names none; `complete` fills them from the prices.
    inputs : StudyInputs

    Raises
    ------
    StudyFileError
        Every fault of the file, one line each: section, key, what is expected.
    """
    file = Path(path)
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        msg = f"{file}: no such file; make one with: eventstudy new {file}"
        raise StudyFileError(msg) from None
    except OSError as error:
        msg = f"{file}: cannot be read: {error.strerror}"
        raise StudyFileError(msg) from None
    return parse_study(raw, file)


def parse_study(raw: bytes, file: Path) -> tuple[Study, StudyInputs]:
    """Parse the bytes of a study file; `file` gives the name for messages and the folder."""
    try:
        content = tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        msg = f"{file}: not UTF-8 at byte {error.start}: save it as UTF-8"
        raise StudyFileError(msg) from None
    except tomllib.TOMLDecodeError as error:
        msg = f"{file}: not TOML: {error}"
        raise StudyFileError(msg) from None
    faults: list[str] = []
    found = _collect(content, faults)
    model = _model(found.model, faults)
    _required(found, faults)
    study = None if faults else _build(found, model, faults)
    if faults or study is None:
        raise StudyFileError(_shown(file, faults), faults=tuple(faults))
    return study, _inputs(found.inputs, file.parent)


def shipped_study() -> tuple[Study, StudyInputs]:
    """Return the study that ships with the package: the events of two articles."""
    folder = Path(str(resources.files("eventstudy") / "data" / SHIPPED))
    return read_study(folder / "study.toml")


def new_study_text(name: str) -> str:
    """Text of a new study file, every key shown with its meaning, optional ones commented out."""
    template = resources.files("eventstudy") / "data" / "template.toml"
    return template.read_text("utf-8").replace("@name@", name)


def _collect(content: Mapping[str, Any], faults: list[str]) -> _Found:
    found = _Found()
    known = {(key.section, key.name): key for key in KEYS}
    for section, values in content.items():
        if section not in SECTIONS:
            faults.append(f"[{section}]: unknown section; {did_you_mean(section, SECTIONS)}")
            continue
        if not isinstance(values, dict):
            faults.append(f"{section}: expected a section, [{section}]")
            continue
        for name, value in values.items():
            key = known.get((section, name))
            if key is None:
                names = [k.name for k in KEYS if k.section == section]
                faults.append(f"[{section}] {name}: unknown key; {did_you_mean(name, names)}")
                continue
            try:
                _put(found, key, key.check(value))
            except ValueError as error:
                faults.append(f"[{section}] {name} = {_brief(value)}: expected {error}")
    return found


def _put(found: _Found, key: Key, value: Any) -> None:  # noqa: ANN401
    head, _, tail = key.target.partition(".")
    if not tail:
        found.study[head] = value
    elif head == "":
        found.inputs[tail] = value
    else:
        getattr(found, head)[tail] = value


def _required(found: _Found, faults: list[str]) -> None:
    if "name" not in found.study and not any("[study] name" in fault for fault in faults):
        faults.append('[study] name: missing; give the study a key, such as name = "opec"')
    for name in ("events", "prices"):
        if name not in found.inputs and not any(f"[data] {name}" in fault for fault in faults):
            faults.append(f'[data] {name}: missing; name the file, such as {name} = "{name}.csv"')


def _model(values: dict[str, Any], faults: list[str]) -> Model:
    kind = values.get("kind", "constant-mean")
    needs = {"market": "market", "market-adjusted": "market", "factor": "factors"}.get(kind)
    for name in ("market", "factors"):
        if name in values and name != needs:
            faults.append(f'[model] {name}: not used by kind = "{kind}"; remove it')
    if needs and needs not in values:
        example = 'market = "sp500_front"' if needs == "market" else 'factors = ["sp500_front"]'
        faults.append(f'[model] {needs}: missing; kind = "{kind}" needs it, such as {example}')
        return ConstantMean()
    if kind == "market":
        return MarketModel(values["market"])
    if kind == "market-adjusted":
        return MarketAdjusted(values["market"])
    return FactorModel(values["factors"]) if kind == "factor" else ConstantMean()


def _build(found: _Found, model: Model, faults: list[str]) -> Study | None:
    assets = found.study.pop("assets", None)
    try:
        return Study(assets=assets or ("*",), model=model, report=found.report, **found.study)
    except EventStudyError as error:
        faults.append(f"[windows] {error}")
        return None


def _inputs(values: Mapping[str, str], folder: Path) -> StudyInputs:
    def place(name: str) -> Path | None:
        return folder / values[name] if name in values else None

    prices = values["prices"]
    local = folder / prices
    return StudyInputs(
        events=place("events"),
        prices=str(local) if local.exists() or "." in prices or "/" in prices else prices,
        quotes=place("quotes"),
        claims=place("claims"),
    )


def _shown(file: Path, faults: list[str]) -> str:
    return "\n".join(f"{file}: {fault}" for fault in faults)


def _brief(value: Any) -> str:  # noqa: ANN401
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004  # fits a line
