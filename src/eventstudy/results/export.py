"""A result as files: JSON, and every table in each format there is.

A format is one function with its declaration on it; the study key ``[report] tables``, the report
folder and the docs read the registry.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from eventstudy.results.result import SCHEMA, StudyResult, clean, records
from eventstudy.results.tables import wide_columns
from eventstudy.tables import write_csv
from eventstudy.tables.columns import Column

Declared = Mapping[str, Column[Any, Any]]
Write = Callable[[pd.DataFrame, Declared, Path], None]


@dataclass(frozen=True, slots=True)
class TableFormat:
    """A file format of tables: its name in ``[report] tables``, which is the suffix of its files.

    ``write(frame, columns, path)`` takes the values, the declaration of each column by name
    (columns of the event file have none), and the file.
    """

    name: str
    meaning: str
    write: Write


STATA_NAME, STATA_LABEL, STATA_TEXT = 32, 80, 2045
FORMATS: dict[str, TableFormat] = {}


def table_format(name: str, meaning: str) -> Callable[[Write], Write]:
    """Register a format of tables under its name."""

    def register(write: Write) -> Write:
        FORMATS[name] = TableFormat(name, meaning, write)
        return write

    return register


@table_format("csv", "UTF-8 with commas; numbers with all their digits")
def _csv(frame: pd.DataFrame, _: Declared, path: Path) -> None:
    write_csv(frame, path)


@table_format("parquet", "typed columns; units and meanings in the metadata of the fields")
def _parquet(frame: pd.DataFrame, columns: Declared, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields, arrays = [], []
    for name in frame.columns:
        column = columns.get(name)
        array = pa.array(_typed(frame[name], column))
        told = {} if column is None else {"meaning": column.meaning, "unit": column.unit}
        fields.append(pa.field(name, array.type, metadata=told))
        arrays.append(array)
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), path)


@table_format("dta", "Stata 118; meanings as labels, `car_-1_1` as `car_m1_1`")
def _stata(frame: pd.DataFrame, columns: Declared, path: Path) -> None:
    short = {name: _stata_name(name, number) for number, name in enumerate(frame.columns)}
    plain = pd.DataFrame({short[name]: _stata_values(frame[name]) for name in frame.columns})
    meanings = {short[name]: column.meaning[:STATA_LABEL] for name, column in columns.items()}
    plain.to_stata(
        path,
        write_index=False,
        version=118,
        time_stamp=dt.datetime(1970, 1, 1),  # noqa: DTZ001  # same bytes every time
        variable_labels=meanings,
        convert_strl=[name for name in plain if _longest(plain[name]) > STATA_TEXT],
    )


def _stata_name(name: str, number: int) -> str:
    """Return a name that Stata takes: letters, digits and underscores, at most 32 of them."""
    plain = re.sub(r"\W", "_", name.replace("-", "m"))
    plain = plain if plain[:1].isalpha() else f"_{plain}"
    return plain if len(plain) <= STATA_NAME else f"{plain[: STATA_NAME - 5]}_{number}"


def _stata_values(values: pd.Series[Any]) -> pd.Series[Any]:
    if values.dtype.kind in "fi":
        return values
    if values.dtype.kind == "b":
        return values.astype("int8")
    return values.map(lambda value: "" if _missing(value) else str(value)).astype(object)


def _longest(values: pd.Series[Any]) -> int:
    return max((len(v.encode()) for v in values), default=0) if values.dtype == object else 0


def _typed(values: pd.Series[Any], column: Column[Any, Any] | None) -> Any:
    """Return the values of a column as Arrow should hold them: days as days, blanks as null."""
    kind = "plain" if column is None else column.kind
    if kind == "day":
        return np.array([text or "NaT" for text in values], dtype="datetime64[D]")
    if kind in ("number", "integer", "count"):
        return values.to_numpy()
    items = [None if _missing(value) else value for value in values]
    if kind == "flag":
        return items
    return [None if value is None else str(value) for value in items]


def _missing(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))


def frames(result: StudyResult) -> dict[str, tuple[pd.DataFrame, Declared]]:
    """Return every table that a report writes, with the declarations of its columns.

    Tables that hold something, and those that every study has, by the name of their file.
    """
    found: dict[str, tuple[pd.DataFrame, Declared]] = {}
    for name, table in result.tables.named().items():
        if name == "events":
            found[name] = result.events, wide_columns(result.windows)
        elif len(table) or name not in ("quotes", "claims", "notes"):
            found[name] = table.frame(), {c.name: c for c in table.columns()}
    return found


def write_tables(
    result: StudyResult, folder: Path, *, formats: Sequence[str] = ("csv",)
) -> tuple[Path, ...]:
    """Write every table of a result into a folder, in each of the `FORMATS` named."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, (frame, columns) in frames(result).items():
        for form in formats:
            paths.append(folder / f"{name}.{form}")
            FORMATS[form].write(frame, columns, paths[-1])
    return tuple(paths)


def result_json(result: StudyResult) -> str:
    """Return a result as JSON: settings, tables as lists of rows, provenance.

    Keys are sorted, missing and infinite numbers are null, and each number has all its digits, so
    that the same result gives the same bytes. Prices, estimation windows and placebo effects are
    not in it: they follow from the files whose hashes are.
    """
    rows = {name: table.records() for name, table in result.tables.named().items()}
    series = rows.pop("series")
    whole: dict[str, Any] = {
        "schema": SCHEMA,
        "name": result.name,
        "title": result.title,
        "settings": clean(result.settings),
        "return_kind": result.return_kind,
        "level": result.level,
        "windows": [[w.start, w.end] for w in result.windows],
        "units": dict(result.units),
        "provenance": clean(asdict(result.provenance)) | {"series": series},
    }
    text = whole | rows | {"events": records(result.events)}
    return json.dumps(text, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
