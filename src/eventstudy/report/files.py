"""A result as JSON and as CSV tables."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from eventstudy.results import SCHEMA, StudyResult, clean, records
from eventstudy.tables import write_csv

_FRAMES = (
    "events",
    "effects",
    "alternatives",
    "ar",
    "alternative_ar",
    "tests",
    "design",
    "family",
    "regression",
)
_ROWS = ("quotes", "claims", "notes")


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
        "provenance": asdict(result.provenance) | {"series": result.tables.series.records()},
    }
    whole |= {name: getattr(result, name).records() for name in _ROWS}
    text = clean(whole) | {name: records(getattr(result, name)) for name in _FRAMES}
    return json.dumps(text, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return every table of a result by the name of its file, without suffix."""
    frames = {name: getattr(result, name) for name in _FRAMES}
    rows = {name: getattr(result, name).frame() for name in _ROWS if len(getattr(result, name))}
    series = {"series": result.tables.series.frame()}
    return {name: t for name, t in (frames | rows | series).items() if len(t.columns)}


def write_tables(result: StudyResult, folder: Path) -> tuple[Path, ...]:
    """Write every table of a result as CSV into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, table in tables(result).items():
        paths.append(folder / f"{name}.csv")
        write_csv(table, paths[-1])
    return tuple(paths)
