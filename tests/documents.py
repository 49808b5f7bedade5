"""The tables of ``docs/``, from the declarations on the code that they document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, get_type_hints

from eventstudy.keys import Declared, declared, toml, values_of
from eventstudy.models.designs import MODELS
from eventstudy.results.tables import PER_WINDOW, SECOND, ResultTables, tagged, wide_columns
from eventstudy.study.design import ReportOptions, Study
from eventstudy.study.file import PARTS, study_keys
from eventstudy.tables.columns import Column, Table
from eventstudy.windows import Window

HEADER = ("column", "unit", "meaning")


def documented_tables() -> dict[str, list[list[str]]]:
    """Return, by name of the file, the cells of the table that documents its columns.

    A row per column: its name, its unit and its meaning. Tables with the columns of another one
    (`alternatives`, `alternative_ar`) are left out.
    """
    kinds: dict[str, type[Table[Any]]] = get_type_hints(ResultTables)
    found: dict[str, list[list[str]]] = {}
    seen: set[type] = set()
    for item in fields(ResultTables):
        kind = kinds[item.name]
        if kind not in seen:
            found[f"tables/{item.name}.csv"] = [_cells(c.name, c) for c in kind.columns()]
        seen.add(kind)
    found["tables/events.csv"] = _events()
    return found


def _events() -> list[list[str]]:
    suffix = Window(9, 9).suffix
    plain = {
        name.replace(suffix, "<a>_<b>"): column
        for name, column in wide_columns((Window(9, 9),)).items()
        if not name.startswith("alt_") or name == "alt_session"
    }
    repeated = {f"{c.name}_<a>_<b>" for c in tagged(PER_WINDOW)}
    rows = [_cells(name, column) for name, column in plain.items() if name not in repeated]
    second = ["alt_ar0", *(f"alt_{c.name}" for c in tagged(SECOND))]
    again = "The columns above with the second possible session as session 0, where there is one."
    return [
        *rows,
        [_listed(sorted(repeated, key=list(plain).index)), "", "The columns above by window."],
        [_listed(second), "", again],
    ]


def _cells(name: str, column: Column[Any, Any]) -> list[str]:
    return [f"`{name}`", column.unit, column.meaning]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def documentation() -> dict[str, list[tuple[str, ...]]]:
    """Rows of ``docs/study-file.md`` by section: key, type, default, meaning, example, Python."""
    usual = values_of(Study(name="x")) | values_of(ReportOptions())
    found: dict[str, list[tuple[str, ...]]] = {}
    for item in study_keys():
        key = item.key
        default = key.default
        if not default:
            default = "required" if item.required else f"`{toml(usual[key.section][key.name])}`"
        kinds = [f"`{name}`" for name, model in MODELS.items() if item in declared(model)]
        meaning = key.doc + (f" Only with {' and '.join(kinds)}." if kinds else "")
        examples = ", ".join(f"`{toml(example)}`" for example in key.examples)
        row = f"`{key.name}`", item.form, default, meaning, examples
        found.setdefault(key.section, []).append((*row, f"`{_in_python(item)}`"))
    return found


def _in_python(item: Declared) -> str:
    owners = [part.__name__ for part in PARTS if item in declared(part)]
    return ", ".join(f"{owner}({item.field}=)" for owner in owners)
