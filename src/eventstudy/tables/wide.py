"""Wide CSV tables: converted at once, walked cell by cell only to say where a fault is."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from eventstudy.tables.text import decoded, fault, lines_of, looks_like_header

SESSION: Final = "session"
_MOST_COLUMNS: Final = 20_000
_BLOCK: Final = 1 << 20  # bytes; the header and a row must fit into a block
_MISSING: Final = ("", "NA", "nan", "NaN", "NAN", ".")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INFINITE: Final = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
ISO_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_wide_csv(path: Path, what: str) -> pd.DataFrame:
    """Read a CSV file with the sessions first."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    text = decoded(path, what)
    header, rows = lines_of(path, text, what)
    check_wide_header(path, header, what, 1)
    if len(header) > _MOST_COLUMNS:
        msg = (
            f"there are {len(header)} columns of {what}, more than {_MOST_COLUMNS}: split the file"
        )
        raise fault(path, msg)
    types = {name: pa.float64() for name in header[1:]} | {SESSION: pa.string()}
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(text.encode("utf-8")),
            read_options=arrow_csv.ReadOptions(block_size=max(_BLOCK, 4 * text.find("\n"))),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types, null_values=list(_MISSING)
            ),
        )
        frame = _checked_wide(table, header)
    except (pa.ArrowInvalid, ValueError) as error:
        _locate(path, header, rows)
        raise fault(path, f"cannot be read as {what}: {error}") from error
    if frame.empty:
        raise fault(path, f"there are no rows below the header: the file should hold {what}")
    return frame


def check_wide_header(path: Path, header: list[str], what: str, line: int | None) -> None:
    """Refuse a table whose first column is not the session, or that has no other."""
    if SESSION not in header[:1]:
        found = header[0] if header else ""
        if ";" in found:
            hint = "separate the columns with commas"
        elif looks_like_header(header):
            hint = f"rename {found!r} to 'session'"
        else:
            hint = "this is not the header of a table"
        msg = f"the first column must be named 'session' and hold ISO dates: {hint}"
        raise fault(path, msg, row=line)
    if len(header) == 1:
        msg = f"there is no column of {what} beside 'session': add one column per series"
        raise fault(path, msg, row=line)


def _checked_wide(table: Any, header: list[str]) -> pd.DataFrame:  # noqa: ANN401  # an Arrow table
    """Build the frame; any fault raises ValueError and is located by the caller."""
    texts = pd.Series(table.column(SESSION).to_numpy(zero_copy_only=False), dtype=str)
    if not bool(texts.str.fullmatch(ISO_DAY.pattern).all()):
        msg = "a day is not an ISO date"
        raise ValueError(msg)
    days = pd.to_datetime(texts, format="%Y-%m-%d").to_numpy().astype("datetime64[us]")
    values = {
        name: np.array(table.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)
        for name in header[1:]
    }
    frame = pd.DataFrame(values, index=pd.DatetimeIndex(days, name=SESSION), columns=header[1:])
    check_frame(frame)
    return frame


def check_frame(frame: pd.DataFrame) -> None:
    """Refuse sessions out of order and infinite numbers."""
    if not (frame.index.is_monotonic_increasing and frame.index.is_unique):
        msg = "sessions are not strictly increasing"
        raise ValueError(msg)
    if bool(np.isinf(frame.to_numpy()).any()):
        msg = "a number is infinite"
        raise ValueError(msg)


def _locate(path: Path, header: list[str], rows: Iterator[tuple[int, list[str]]]) -> None:
    """Walk through the cells and raise at the first fault."""
    previous: date | None = None
    lines: dict[date, int] = {}
    for line, cells in rows:
        day = parsed_day(path, cells[0], line)
        if day in lines:
            msg = f"session {day} is already on line {lines[day]}: keep one of the two"
            raise fault(path, msg, row=line, column=SESSION)
        if previous is not None and day < previous:
            msg = f"session {day} follows {previous}: sort the rows by session"
            raise fault(path, msg, row=line, column=SESSION)
        previous, lines[day] = day, line
        for name, cell in zip(header[1:], cells[1:], strict=True):
            _check_number(path, cell, line, name)


def parsed_day(path: Path, cell: str, line: int) -> date:
    """Read one ISO day, or say what is wrong with it."""
    try:
        # The pattern comes first: Python also reads 20250109 and week dates.
        return date.fromisoformat(cell if ISO_DAY.fullmatch(cell) else "")
    except ValueError:
        msg = f"{cell!r} is not an ISO date such as 2025-01-09"
        raise fault(path, msg, row=line, column=SESSION) from None


def _check_number(path: Path, cell: str, line: int, column: str) -> None:
    text = cell.strip(" \t")
    if text in _MISSING or _NUMBER.fullmatch(text):
        if text not in _MISSING and abs(float(text)) == float("inf"):
            raise fault(path, f"{cell!r} is too large for a number", row=line, column=column)
        return
    if _INFINITE.fullmatch(text):
        text = f"{cell!r} is infinite: leave the cell blank where there is no figure"
    else:
        text = f"{cell!r} is not a number: use a point for decimals and no thousands separator"
    raise fault(path, text, row=line, column=column)
