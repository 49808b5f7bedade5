"""Study files: TOML to a `Study` and back, with every fault of a file shown together."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

from eventstudy.errors import EventStudyError, StudyFileError, did_you_mean
from eventstudy.models.designs import ConstantMean, FactorModel, MarketAdjusted, MarketModel, Model
from eventstudy.study.design import Study, StudyInputs
from eventstudy.studykeys import KEYS, SECTIONS, Key

SHIPPED: Final = "paris-2026"


@dataclass(slots=True)
class _Found:
    study: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
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
        elif not isinstance(values, dict):
            faults.append(f"{section}: expected a section, [{section}]")
        else:
            for name, value in values.items():
                fault = _one(found, known.get((section, name)), section, name, value)
                faults += [fault] if fault else []
    return found


def _one(found: _Found, key: Key | None, section: str, name: str, value: Any) -> str:  # noqa: ANN401  # TOML gives any value
    if key is None:
        names = [k.name for k in KEYS if k.section == section]
        return f"[{section}] {name}: unknown key; {did_you_mean(name, names)}"
    try:
        _put(found, key, key.check(value))
    except ValueError as error:
        return f"[{section}] {name} = {_brief(value)}: expected {error}"
    return ""


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
    faults.extend(
        f'[data] {name}: missing; name the file, such as {name} = "{name}.csv"'
        for name in ("events", "prices")
        if name not in found.inputs and not any(f"[data] {name}" in fault for fault in faults)
    )


def _model(values: dict[str, Any], faults: list[str]) -> Model:
    kind = values.get("kind", "constant-mean")
    needs = {"market": "market", "market-adjusted": "market", "factor": "factors"}.get(kind)
    for name in ("market", "factors"):
        if name in values and name != needs:
            better = "market" if name == "market" else "factor"
            faults.append(
                f'[model] {name}: not used by kind = "{kind}"; remove it, or set kind = "{better}"'
            )
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


def _inputs(values: Mapping[str, Any], folder: Path) -> StudyInputs:
    def place(name: str) -> Path | None:
        return folder / values[name] if name in values else None

    prices = values["prices"]
    local = folder / prices
    return StudyInputs(
        events=place("events"),
        prices=str(local) if local.exists() or "." in prices or "/" in prices else prices,
        quotes=place("quotes"),
        claims=place("claims"),
        select=values.get("select", {}),
    )


def _shown(file: Path, faults: list[str]) -> str:
    return "\n".join(f"{file}: {fault}" for fault in faults)


def _brief(value: Any) -> str:  # noqa: ANN401
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004  # fits a line
