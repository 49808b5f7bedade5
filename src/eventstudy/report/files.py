"""A result as JSON and as CSV tables."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from eventstudy.results import SCHEMA, StudyResult, clean, records

_FRAMES = ("events", "effects", "alternatives", "ar", "alternative_ar", "tests", "regression")
_ROWS = ("quotes", "claims", "remarks")


def result_json(result: StudyResult) -> str:
    """Return a result as JSON: settings, tables as lists of rows, provenance.

    Keys are sorted, missing and infinite numbers are null, and each number has all its digits, so
    that the same result gives the same bytes. Prices, estimation windows and placebo effects are
    not in it: they follow from the files whose hashes are.
    """
    whole: dict[str, Any] = {
        "schema": SCHEMA,
        "name": result.name,
        "title": result.title,
        "settings": result.settings,
        "return_kind": result.return_kind,
        "level": result.level,
        "windows": [[w.start, w.end] for w in result.windows],
        "units": dict(result.units),
        "provenance": asdict(result.provenance),
    }
    whole |= {name: [asdict(row) for row in getattr(result, name)] for name in _ROWS}
    text = clean(whole) | {name: records(getattr(result, name)) for name in _FRAMES}
    return json.dumps(text, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return every table of a result by the name of its file, without suffix."""
    frames = {name: getattr(result, name) for name in _FRAMES}
    rows = {name: pd.DataFrame([asdict(r) for r in getattr(result, name)]) for name in _ROWS}
    series = {"series": pd.DataFrame([asdict(s) for s in result.provenance.series])}
    return {name: t for name, t in (frames | rows | series).items() if len(t.columns)}


def write_tables(result: StudyResult, folder: Path) -> tuple[Path, ...]:
    """Write every table of a result as CSV into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_write(table, folder / f"{name}.csv") for name, table in tables(result).items())


def _write(table: pd.DataFrame, path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(_cells(row) for row in table.itertuples(index=False, name=None))
    return path


def _cells(row: Iterable[Any]) -> list[str]:
    return [_cell(clean(value)) for value in row]


def _cell(value: Any) -> str:  # noqa: ANN401  # a cell holds any plain value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, (int, float)) else str(value)
