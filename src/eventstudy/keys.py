"""Keys declared once: what a field may hold, on the field itself.

A part of a study (`Study`, `StudyInputs`, `ReportOptions`, each model) is a frozen dataclass whose
fields carry a `Key`::

    level: Annotated[float, Key("inference.level", "Level of tests.", SHARE, (0.1,))] = 0.05

From it come the check of the Python constructor (`check_fields`), the reading of a study file,
`Study.settings`, the template, the tables of ``docs/study-file.md`` and the docstring of the class.
Checks take what Python or TOML gave and return what the field holds, or raise ValueError with what
is expected; whoever calls them names the place and the value.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import textwrap
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from numbers import Integral
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

from eventstudy.errors import EventStudyError, Fault, StudyError, did_you_mean
from eventstudy.windows import Window

T = TypeVar("T")

MOST: Final = 2**31 - 1
FARTHEST: Final = 100_000  # sessions: four centuries; more is a slip, and too much for arrays
LONGEST_NAME: Final = 255  # bytes of one part of a path, on the usual file systems
LONGEST_PATH: Final = 3000  # bytes; the folder of the study file comes before
BRIEF: Final = 60


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value may be."""

    form: str  # how it reads in the documentation, in Markdown
    check: Callable[[Any], Any]  # what the field holds; ValueError with what is expected
    plain: Callable[[Any], Any] | None = None  # back into what TOML knows; `plain` if left out


@dataclass(frozen=True, slots=True)
class Key:
    """Declaration of one key of a study file, on the field that holds it.

    A `place` without a name, ``report``, is a part, whose own fields are keys.
    """

    place: str  # section and name in the file, ``windows.gap``
    doc: str  # what it means, in Markdown; the first sentence stands in the template
    kind: Kind | None = None  # from the type of the field where left out
    examples: tuple[Any, ...] = ()  # as a file would hold them
    default: str = ""  # how the default reads, where its value does not say it
    unit: str = ""  # what a number counts
    shown: bool = False  # whether a new study file sets it, or holds it commented out

    @property
    def section(self) -> str:
        """Section of the file."""
        return self.place.partition(".")[0]

    @property
    def name(self) -> str:
        """Name in its section; empty for a part."""
        return self.place.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Declared:
    """A field with its key, what it may hold, and its default (``MISSING`` where required)."""

    field: str
    key: Key
    kind: Kind
    default: Any

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is MISSING

    @property
    def form(self) -> str:
        """What it holds, with its unit."""
        return f"{self.kind.form} of {self.key.unit}" if self.key.unit else self.kind.form

    def take(self, value: Any) -> Any:
        """Check one value; a default that means "none" is taken as it is."""
        value = _scalar(value)
        if self.default in (None, "") and type(value) is type(self.default) and not value:
            return value
        return self.kind.check(value)


def _declared(part: type) -> tuple[Declared, ...]:
    hints = typing.get_type_hints(part, include_extras=True)
    found = []
    for item in fields(part):
        hint = hints[item.name]
        key = next((extra for extra in get_args(hint)[1:] if isinstance(extra, Key)), None)
        if get_origin(hint) is not Annotated or key is None:
            msg = f"{part.__name__}.{item.name} declares no Key"
            raise TypeError(msg)
        default = item.default if item.default_factory is MISSING else item.default_factory()
        found.append(Declared(item.name, key, key.kind or _kind_of(get_args(hint)[0]), default))
    return tuple(found)


declared: Callable[[type], tuple[Declared, ...]] = cache(_declared)
"""The keys of a part, in the order of its fields."""


def check_fields(made: object, across: Callable[[Any], Iterable[Fault]] | None = None) -> None:
    """Check and normalise every field of a frozen part, at the end of its construction.

    `across` finds what is wrong between fields, where each of them is right by itself.

    Raises
    ------
    StudyError
        Every fault, one line each.
    """
    faults: list[Fault] = []
    for item in declared(type(made)):
        value = getattr(made, item.field)
        try:
            object.__setattr__(made, item.field, item.take(value))
        except StudyError as error:  # a part given as a mapping
            faults += (Fault(item.field, {f.field: f.value}, f.text) for f in error.found)
        except ValueError as error:
            faults.append(Fault(item.field, value, f"expected {error}"))
    if not faults and across is not None:
        faults += across(made)
    if faults:
        raise study_error(type(made).__name__, faults)


def study_error(owner: str, faults: Sequence[Fault]) -> StudyError:
    """Make the error of a constructor, a line per fault: ``Study(level=0): expected ...``."""
    lines = tuple(f"{owner}({f.field}={brief(f.value)}): {f.text}" for f in faults)
    return StudyError("\n".join(lines), faults=lines, found=tuple(faults))


def from_mapping(part: type[T], values: Mapping[str, Any]) -> T:
    """Make a part from a mapping of its fields; unknown names are faults beside wrong values."""
    known = [item.field for item in declared(part)]
    faults = [
        Fault(str(name), value, f"unknown key; {did_you_mean(str(name), known)}")
        for name, value in values.items()
        if name not in known
    ]
    made = None
    try:
        made = part(**{name: value for name, value in values.items() if name in known})
    except StudyError as error:
        faults += error.found
    if faults or made is None:
        raise study_error(part.__name__, faults)
    return made


def values_of(part: object) -> dict[str, dict[str, Any]]:
    """Return the values of a part as plain ones, by section and key."""
    found: dict[str, dict[str, Any]] = {}
    for item in declared(type(part)):
        section = found.setdefault(item.key.section, {})
        if item.key.name:
            section[item.key.name] = (item.kind.plain or plain)(getattr(part, item.field))
    return found


def documented(part: type[T]) -> type[T]:
    """Write the section "Parameters" of the docstring of a part from its keys."""
    lines = ["", "", "Parameters", "----------"]
    for item in declared(part):
        optional = "" if item.required else ", optional"
        said = textwrap.wrap(item.key.doc, 90, initial_indent="    ", subsequent_indent="    ")
        lines += [f"{item.field} : {item.form.replace('`', '')}{optional}", *said]
    head, rule, rest = (part.__doc__ or "").partition("\n\n    Raises")
    body = "\n".join(f"    {line}" if line else "" for line in lines)
    part.__doc__ = f"{head.rstrip()}{body}{rule}{rest}"
    return part


def plain(value: Any) -> Any:
    """Turn a value into what TOML and JSON know."""
    if isinstance(value, Window):
        return [value.start, value.end]
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


def toml(value: Any) -> str:
    """Write one value as TOML."""
    value = plain(value) if isinstance(value, (Window, Path)) else value
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(toml(item) for item in value)}]"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_toml_key(str(k))} = {toml(v)}" for k, v in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else repr(value)


def brief(value: Any, write: Callable[[Any], str] = repr) -> str:
    """Write a value of any kind for a message: one short line."""
    try:
        text = " ".join(write(value).split())
    except (ValueError, RecursionError):  # a number of thousands of digits, a list without end
        text = f"{type(value).__name__} too long to show"
    return text if len(text) <= BRIEF else f"{text[: BRIEF - 3]}..."


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml(name)


def _scalar(value: Any) -> Any:
    """Turn a scalar of numpy into one of Python."""
    alone = type(value).__module__ == "numpy" and getattr(value, "shape", None) == ()
    return value.item() if alone else value


def _items(value: Any) -> list[Any] | None:
    """Return the items of a list, a tuple or an array; None for anything else."""
    if hasattr(value, "tolist") and getattr(value, "ndim", 0) == 1:
        value = value.tolist()
    return [_scalar(item) for item in value] if isinstance(value, (list, tuple)) else None


def _kind_of(hint: Any) -> Kind:
    """Return what a field of a plain type may hold."""
    if hint in (str, bool):
        return TEXT if hint is str else FLAG
    words: list[str | bool] = []
    for option in get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,):
        if get_origin(option) is not Literal and option is not bool:
            msg = f"a field of type {hint} needs a kind"
            raise TypeError(msg)
        words += (True, False) if option is bool else get_args(option)
    return choice(*words)


# ---- kinds of values


def _plainly(
    form: str, expected: str, make: Callable[[Any], Any], holds: Callable[[Any], bool]
) -> Kind:
    """Accept what `holds` says, as `make` turns it."""

    def check(value: Any) -> Any:
        if not holds(value):
            raise ValueError(expected)
        return make(value)

    return Kind(form, check)


def choice(*known: str | bool) -> Kind:
    """One of a few words; true and false may be among them."""
    return choice_from(lambda: known)


def choice_from(names: Callable[[], Sequence[str | bool]]) -> Kind:
    """One of the words that `names` gives when it is asked."""

    def check(value: Any) -> Any:
        known = names()
        if any(value is word or (isinstance(value, str) and value == word) for word in known):
            return value
        words = [word for word in known if isinstance(word, str)]
        hint = did_you_mean(value, words) if isinstance(value, str) else ""
        listed = ", ".join(toml(word) for word in known)
        msg = f"one of {listed}" + (f" ({hint})" if hint.startswith("did") else "")
        raise ValueError(msg)

    shown = [f"`{toml(word)}`" for word in names()]
    return Kind(f"{', '.join(shown[:-1])} or {shown[-1]}", check)


def several_from(names: Callable[[], Sequence[str]]) -> Kind:
    """Accept a list of the words that `names` gives when it is asked."""
    one = choice_from(names)

    def check(value: Any) -> tuple[str, ...]:
        found = _names(value)
        for word in found:
            one.check(word)
        return found

    return Kind(f"list of {one.form}", check)


def whole(least: int, most: int = MOST) -> Kind:
    """Accept a whole number from `least` to `most`."""

    def check(value: Any) -> int:
        if not _is_whole(value) or value < least:
            msg = f"a whole number of {least} or more"
            raise ValueError(msg)
        if value > most:
            msg = f"a whole number from {least} to {most}"
            raise ValueError(msg)
        return int(value)

    return Kind("number", check)


def _names(value: Any) -> tuple[str, ...]:
    found = _items(value)
    if not found or not all(isinstance(one, str) and one.strip() for one in found):
        raise ValueError('a list of names, such as ["wti_front"]')
    if len(set(found)) != len(found):
        raise ValueError("a list of names, each of them once")
    return tuple(str(one) for one in found)


def one_or_more(value: Any) -> tuple[str, ...]:
    """Accept a name or a list of names."""
    return _names([value] if isinstance(value, str) else value)


def _path(value: Any) -> Path:
    if not isinstance(value, (str, os.PathLike)) or not str(value) or "\0" in str(value):
        raise ValueError("a path in quotes")
    path = Path(value)
    longest = max((len(os.fsencode(part)) for part in path.parts), default=0)
    if longest > LONGEST_NAME or len(os.fsencode(path)) > LONGEST_PATH:
        msg = f"a path of at most {LONGEST_PATH} bytes, and {LONGEST_NAME} in each part"
        raise ValueError(msg)
    return path


def _pair(value: Any) -> Window:
    bounds = [value.start, value.end] if isinstance(value, Window) else _items(value)
    if bounds is None or len(bounds) != 2 or not all(map(_is_whole, bounds)):  # noqa: PLR2004  # a pair
        raise ValueError("a pair of sessions such as [-5, 5]")
    if max(map(abs, bounds)) > FARTHEST:
        msg = f"a pair of sessions between {-FARTHEST} and {FARTHEST}"
        raise ValueError(msg)
    try:
        return Window(int(bounds[0]), int(bounds[1]))
    except EventStudyError as error:
        msg = f"a pair of sessions such as [-5, 5] ({error})"
        raise ValueError(msg) from None


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _estimation(value: Any) -> int | Window:
    if isinstance(value, Window) or _items(value) is not None:
        return _pair(value)
    try:
        number: int = whole(2, FARTHEST).check(value)
    except ValueError:
        raise ValueError("a number of sessions, or a pair such as [-260, -11]") from None
    return number


def _pairs(value: Any) -> tuple[Window, ...]:
    if isinstance(value, Window):
        return (value,)
    found = _items(value)
    if found == []:
        raise ValueError("a list of windows, such as [[0, 0], [0, 4]]: at least one CAR window")
    if found is None:
        raise ValueError("a list of windows, such as [[0, 0], [0, 4]]")
    if all(map(_is_whole, found)):
        return (_pair(found),)
    return tuple(dict.fromkeys(_pair(item) for item in found))


def mapping_to(names: Callable[[], Sequence[str]]) -> Kind:
    """Accept a table from names to one of the words that `names` gives."""

    def check(value: Any) -> dict[str, str]:
        found: dict[str, str] = MAPPING.check(value)
        for word in found.values():
            choice_from(names).check(word)
        return found

    return Kind("table", check)


def day_of(value: Any) -> str:
    """Accept a day, as text, date or time stamp; return its ISO form."""
    try:
        given = value.isoformat()[:10] if isinstance(value, dt.date) else value
        return dt.date.fromisoformat(given).isoformat()
    except (TypeError, ValueError):
        raise ValueError("a day such as 2024-01-02") from None


TEXT: Final = _plainly("text", "text in quotes", str, lambda v: isinstance(v, str))
KEY: Final = _plainly(
    "text: letters, digits, `-`, `_`, `.`",
    "letters, digits, '-', '_' and '.', such as \"opec-2014\"",
    str,
    lambda v: isinstance(v, str) and bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", v)),
)
NAME: Final = _plainly(
    "name", 'the name of a series, such as "sp500_front"', str,
    lambda v: isinstance(v, str) and bool(v.strip()),
)  # fmt: skip
FLAG: Final = _plainly("true or false", "true or false", bool, lambda v: isinstance(v, bool))
SHARE: Final = _plainly(
    "number between 0 and 1", "a number between 0 and 1, such as 0.05", float,
    lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and 0 < v < 1,
)  # fmt: skip
MAPPING: Final = _plainly(
    "table", 'a table of names, such as { wti_front = "wti" }', dict,
    lambda v: isinstance(v, Mapping) and all(isinstance(x, str) for two in v.items() for x in two),
)  # fmt: skip
NAMES: Final = Kind("list of names", _names)
PATH: Final = Kind("path", _path)
PAIR: Final = Kind("pair", _pair)
PAIRS: Final = Kind("list of pairs", _pairs)
ESTIMATION: Final = Kind("number or pair", _estimation)
DAY: Final = Kind("day", day_of)
