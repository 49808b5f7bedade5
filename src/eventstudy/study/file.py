"""Study files: TOML to a `Study`, with everything it names, and every fault of a file together.

The constructors check; this module names the place of a fault in the file. Keys, template and the
tables of ``docs/study-file.md`` come from the declarations on the fields of the parts.
"""

from __future__ import annotations

import datetime as dt
import re
import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from eventstudy.errors import StudyError, StudyFileError, did_you_mean
from eventstudy.events import EventTable, load_events
from eventstudy.events.claims import Claim, read_claims
from eventstudy.events.quotes import Quote, read_quotes
from eventstudy.keys import Declared, brief, day_of, declared, toml, values_of
from eventstudy.models.designs import MODELS, ConstantMean, Model, model_class
from eventstudy.prices.loading import load_prices
from eventstudy.prices.table import PriceTable
from eventstudy.progress import Progress, silent
from eventstudy.results import StudyResult
from eventstudy.study.design import EVERY, ReportOptions, Study, StudyInputs
from eventstudy.study.run import run_study
from eventstudy.tables.text import whole_file

BUNDLED: Final = "paris-2026"
WIDTH: Final = 96
MOST_BYTES: Final = 2_000_000
PARTS: Final = (StudyInputs, Study, *MODELS.values(), ReportOptions)

T = TypeVar("T")


class _Line(NamedTuple):
    """A fault of a file: its place there, and the line that is shown."""

    section: str
    key: str
    text: str


# ---- a study with everything it names


@dataclass(frozen=True, slots=True)
class LoadedStudy:
    """A study with its events, prices, quotes and claims."""

    study: Study
    events: EventTable
    prices: PriceTable
    quotes: tuple[Quote, ...] = ()
    claims: tuple[Claim, ...] = ()

    def run(self, *, progress: Progress = silent) -> StudyResult:
        """Run it: `run_study` on its parts."""
        return run_study(
            self.study, self.events, self.prices,
            quotes=self.quotes, claims=self.claims, progress=progress,
        )  # fmt: skip


def run(
    path: str | Path | None = None,
    *,
    asof: str | dt.date | None = None,
    events: str | Path | None = None,
    store: str | Path | None = None,
    progress: Progress = silent,
) -> StudyResult:
    """Run a study file, as ``eventstudy run`` does; `write_report` writes what it writes.

    Parameters
    ----------
    path : str or Path, optional
        A study file; the bundled study where left out.
    asof, events, store
        See `load_study`.
    progress : callable
        Told of each step.

    Raises
    ------
    EventStudyError
        What is wrong, in which file and where; see `load_study` and `run_study`.

    Examples
    --------
    >>> import eventstudy as es
    >>> result = es.run("study.toml", asof="2026-01-31")  # doctest: +SKIP
    """
    return load_study(path, asof=asof, events=events, store=store).run(progress=progress)


def load_study(
    path: str | Path | None = None,
    *,
    asof: str | dt.date | None = None,
    events: str | Path | None = None,
    store: str | Path | None = None,
) -> LoadedStudy:
    """Read a study file and everything it names.

    Parameters
    ----------
    path : str or Path, optional
        TOML; paths in it are relative to its folder. The bundled study where left out.
    asof : str or date, optional
        A day: only what was known on it is used.
    events : str or Path, optional
        An event file instead of that of the study; its quotes and claims, which concern other
        events, are then left out.
    store : str or Path, optional
        The price store, where the study reads one.

    Raises
    ------
    StudyFileError, StudyError, TableError
        What is wrong, in which file and where.

    Examples
    --------
    >>> import eventstudy as es
    >>> loaded = es.load_study()
    >>> loaded.study.name, len(loaded.events)
    ('paris-2026', 11)
    """
    study, inputs = shipped_study() if path is None else read_study(path)
    if store is not None and inputs.prices != "store":
        msg = f'store: the study reads {inputs.prices!r}; set [data] prices = "store"'
        raise StudyFileError(msg)
    day = _day(asof)
    if day:
        study = replace(study, end=min(filter(None, (study.end, day))))
    if events is not None:
        study, inputs = _on_events(study, inputs, Path(events))
    prices = load_prices(
        inputs.prices, kind=study.data_kind, store=store, asof=day or None, series=_wanted(study)
    )
    return LoadedStudy(
        study,
        load_events(inputs.events, select=inputs.select),
        prices,
        read_quotes(inputs.quotes) if inputs.quotes else (),
        read_claims(inputs.claims) if inputs.claims else (),
    )


def _day(asof: str | dt.date | None) -> str:
    try:
        return "" if asof is None else day_of(asof)
    except ValueError as error:
        msg = f"load_study(asof={brief(asof)}): expected {error}"
        raise StudyError(msg) from None


def _on_events(study: Study, inputs: StudyInputs, events: Path) -> tuple[Study, StudyInputs]:
    """Put a study on another event file, whose name it takes."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", events.stem).strip("-._") or "events"
    return (
        replace(study, name=name, title=f"The events of {events.name}"),
        replace(inputs, events=events, quotes=None, claims=None, select={}),
    )


def _wanted(study: Study) -> tuple[str, ...]:
    """Series to read from a store; everything where the study names no asset."""
    if study.assets == EVERY:
        return ()
    return tuple(dict.fromkeys((*study.series, *study.next_contract.values())))


def shipped_study() -> tuple[Study, StudyInputs]:
    """Return the study that comes with the package: the events of two articles."""
    folder = Path(str(resources.files("eventstudy") / "data" / BUNDLED))
    return read_study(folder / "study.toml")


# ---- the file alone


def read_study(path: str | Path) -> tuple[Study, StudyInputs]:
    """Read a study file without what it names.

    Parameters
    ----------
    path : str or Path
        TOML; paths in it are relative to its folder.

    Returns
    -------
    study : Study
        With the assets ``("*",)`` where the file names none; a run fills them from the prices.
    inputs : StudyInputs

    Raises
    ------
    StudyFileError
        Every fault of the file, one line each: section, key, what is expected.

    Examples
    --------
    >>> import eventstudy as es
    >>> study, inputs = es.read_study("study.toml")  # doctest: +SKIP
    """
    file = Path(path)
    try:
        raw = whole_file(file, most=2_000_000)
    except FileNotFoundError:
        msg = f"{file}: no such file; make one with: eventstudy new {file}"
        raise StudyFileError(msg) from None
    except (OSError, ValueError) as error:
        msg = f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}"
        raise StudyFileError(msg) from None
    return parse_study(raw, file)


def parse_study(raw: bytes, file: Path) -> tuple[Study, StudyInputs]:
    """Parse the bytes of a study file; `file` gives the name for messages and the folder."""
    content = _content(raw, file)
    faults: list[_Line] = []
    given = _known(content, faults)
    model = _model(given.get("model", {}), faults)
    report = _made(ReportOptions, given, faults)
    # A part with faults is replaced by its default, so that those of the others show as well.
    study = _made(
        Study, given, faults, model=model or ConstantMean(), report=report or ReportOptions()
    )
    inputs = _made(StudyInputs, given, faults)
    if faults or study is None or inputs is None:
        lines = _in_order(faults, content)
        raise StudyFileError("\n".join(f"{file}: {line}" for line in lines), faults=lines)
    return study, _placed(inputs, file.parent)


def _content(raw: bytes, file: Path) -> dict[str, Any]:
    if len(raw) > MOST_BYTES:
        msg = f"{file}: larger than {MOST_BYTES // 1_000_000} MB: a study file holds settings only"
        raise StudyFileError(msg)
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        msg = f"{file}: not UTF-8 at byte {error.start}: save it as UTF-8"
    except tomllib.TOMLDecodeError as error:
        msg = f"{file}: not TOML: {error}"
    except RecursionError:
        msg = f"{file}: not TOML that can be read: brackets nested too deeply"
    except ValueError:  # of int(): more digits than Python converts
        msg = f"{file}: not TOML that can be read: a number has thousands of digits"
    raise StudyFileError(msg)


def _known(content: Mapping[str, Any], faults: list[_Line]) -> dict[str, dict[str, Any]]:
    """Values by section and key; what is in no part of a study is a fault."""
    known: dict[str, list[str]] = {}
    for item in study_keys():
        known.setdefault(item.key.section, []).append(item.key.name)
    found: dict[str, dict[str, Any]] = {section: {} for section in known}
    for section, values in content.items():
        if section not in known:
            text = f"[{brief(section, str)}]: unknown section; {did_you_mean(section, known)}"
            faults.append(_Line(section, "", text))
        elif not isinstance(values, dict):
            faults.append(_Line(section, "", f"{section}: expected a section, [{section}]"))
        else:
            found[section] = {name: values[name] for name in values if name in known[section]}
            for name in (name for name in values if name not in found[section]):
                hint = did_you_mean(name, known[section])
                text = f"[{section}] {brief(name, str)}: unknown key; {hint}"
                faults.append(_Line(section, name, text))
    return found


def _model(values: Mapping[str, Any], faults: list[_Line]) -> Model | None:
    """Make the model that the section names; parameters of another model are faults."""
    try:
        kind: type[Model] = model_class(values.get("kind", ConstantMean.name))
    except ValueError as error:
        text = f"[model] kind = {brief(values['kind'], toml)}: expected {error}"
        faults.append(_Line("model", "kind", text))
        return None
    for name in values:
        if name not in {"kind", *_names(kind)}:
            users = [one for one in MODELS.values() if name in _names(one)]
            better = " or ".join(f'"{one.name}"' for one in users)
            use = f'not used by kind = "{kind.name}"'
            text = f"[model] {name}: {use}; remove it, or set kind = {better}"
            faults.append(_Line("model", name, text))
    return _made(kind, {"model": values}, faults, why=f'kind = "{kind.name}" needs it')


def _made(
    part: type[T],
    given: Mapping[str, Mapping[str, Any]],
    faults: list[_Line],
    *,
    why: str = "set it",
    **parts: object,
) -> T | None:
    """Make a part from its keys of the file; its faults with their place in the file."""
    keys = {item.field: item for item in declared(part)}
    chosen: dict[str, Any] = dict(parts)
    for field, item in keys.items():
        key, values = item.key, given.get(item.key.section, {})
        if field in parts:
            continue
        if key.name in values:
            chosen[field] = values[key.name]
        elif item.required:
            example = toml(key.examples[0])
            text = f"[{key.section}] {key.name}: missing; {why}, such as {key.name} = {example}"
            faults.append(_Line(key.section, key.name, text))
            chosen[field] = key.examples[0]  # so that the other fields are checked all the same
    try:
        return part(**chosen)
    except StudyError as error:
        for fault in error.found:
            key = keys[fault.field].key
            value = brief(given.get(key.section, {}).get(key.name, fault.value), toml)
            text = f"[{key.section}] {key.name} = {value}: {fault.text}"
            faults.append(_Line(key.section, key.name, text))
    return None


def _in_order(faults: list[_Line], content: Mapping[str, Any]) -> tuple[str, ...]:
    """Lines in the order of the file; what is missing there comes last."""
    places = [
        (section, key)
        for section, values in content.items()
        for key in ("", *(values if isinstance(values, dict) else ()))
    ]
    rank = {place: number for number, place in enumerate(places)}
    ordered = sorted(faults, key=lambda line: rank.get((line.section, line.key), len(rank)))
    return tuple(line.text for line in ordered)


def _placed(inputs: StudyInputs, folder: Path) -> StudyInputs:
    """Take paths relative to the folder of the study file; prices may be a name instead."""
    local = folder / inputs.prices
    is_file = "." in inputs.prices or "/" in inputs.prices or local.exists()
    return replace(
        inputs,
        events=folder / inputs.events,
        prices=str(local) if is_file else inputs.prices,
        quotes=folder / inputs.quotes if inputs.quotes else None,
        claims=folder / inputs.claims if inputs.claims else None,
    )


# ---- all keys, and what is written from them


def study_keys() -> tuple[Declared, ...]:
    """Return every key of a study file, in the order of the template and the documentation."""
    order = list(dict.fromkeys(item.key.section for item in declared(Study)))
    found: dict[tuple[str, str], Declared] = {}
    for part in PARTS:
        for item in declared(part):
            if item.key.name:
                found.setdefault((item.key.section, item.key.name), item)
    return tuple(sorted(found.values(), key=lambda item: order.index(item.key.section)))


def _names(part: type) -> list[str]:
    return [item.key.name for item in declared(part)]


def new_study_text(name: str) -> str:
    """Text of a new study file, every key with its meaning, optional ones commented out."""
    usual = values_of(Study(name="x")) | values_of(ReportOptions())
    lines = [
        "# A study: what happened, on which prices, measured how.",
        "# Keys behind a # show their default or an example. All of them: docs/study-file.md",
    ]
    section = ""
    for item in study_keys():
        key = item.key
        if key.section != section:
            section = key.section
            lines += ["", f"[{section}]"]
        words = f" ({item.form.replace('`', '')})" if item.form.startswith('`"') else ""
        said = f"{_first_sentence(key.doc)}{words}."
        lines += textwrap.wrap(said, WIDTH, initial_indent="# ", subsequent_indent="# ")
        default = usual[section].get(key.name)
        value = key.examples[0] if default in (None, "", {}, ["*"]) else default
        value = name if (section, key.name) == ("study", "name") else value
        lines.append(f"{'' if key.shown else '#'}{key.name} = {toml(value)}")
    return "\n".join(lines) + "\n"


def _first_sentence(text: str) -> str:
    """Return the first sentence without its full stop; ``a .. b`` ends none."""
    return re.split(r"(?<=[^ .])\. ", text, maxsplit=1)[0].rstrip(".")
