"""The tables of ``docs/tables.md``, from the declarations of the columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, get_type_hints

from eventstudy.results.tables import PER_WINDOW, SECOND, ResultTables, tagged, wide_columns
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
