"""Tables of a report: headings, alignment and cells as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eventstudy.charts.letters import readable
from eventstudy.report.numbers import text_of

MAX_NAMES = 3
MAX_LETTERS = 400
_LONG = re.compile(r"[^\s\-/]{26,}")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, how a cell is shown, and its share of spare width."""

    heading: str
    key: str
    show: Callable[[Any], str] | None = None
    share: int = 0


@dataclass(frozen=True, slots=True)
class Tablet:
    """A table as the template reads it."""

    columns: list[str]
    right: list[bool]
    share: list[int]
    rows: list[list[str]]
    note: str = ""


def tablet(
    columns: Sequence[Column],
    rows: Sequence[dict[str, Any]],
    *,
    note: str = "",
    most: int | None = None,
    where: str = "tables/",
) -> Tablet:
    """Lay rows out as text.

    Beyond `most` rows the note says how many are left out and where to look. A column of text
    that is empty in every row is not shown.
    """
    shown = rows if most is None else rows[:most]
    columns = [c for c in columns if c.show or any(text_of(row.get(c.key)) for row in shown)]
    cut = f"{len(rows) - len(shown)} more rows are in {where}." if len(shown) < len(rows) else ""
    return Tablet(
        columns=[c.heading for c in columns],
        right=[c.show is not None for c in columns],
        share=[c.share for c in columns],
        rows=[[_cell(c, row) for c in columns] for row in shown],
        note=" ".join(n for n in (note, cut) if n),
    )


def merged(columns: Sequence[Column], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Bring rows together that differ in nothing shown but the asset."""
    assets: dict[tuple[str, ...], list[str]] = {}
    first: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(_cell(c, row) for c in columns if c.key != "asset")
        assets.setdefault(key, []).append(str(row["asset"]))
        first.setdefault(key, row)
    return [row | {"asset": _listed(assets[key])} for key, row in first.items()]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= MAX_NAMES else f"{len(names)} assets"


def breakable(text: str) -> str:
    """Allow a line break inside letters that run on without one."""
    return _LONG.sub(lambda m: "\u200b".join(re.findall(".{1,24}", m[0])), text)


def _cell(column: Column, row: dict[str, Any]) -> str:
    value = row.get(column.key)
    if column.show:
        return column.show(value)
    text = readable(text_of(value))
    return breakable(text if len(text) <= MAX_LETTERS else f"{text[:MAX_LETTERS]}…")
