"""Wide Parquet tables, held to the same checks as CSV."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from eventstudy.errors import TableError
from eventstudy.tables.text import bytes_of, check_header, fault
from eventstudy.tables.wide import ISO_DAY, SESSION, check_wide_header

_MOST_CELLS: Final = 20_000_000


def read_wide_parquet(path: Path, what: str) -> pd.DataFrame:
    """Read a Parquet file with the sessions first."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    raw = bytes_of(path, what)
    try:
        _check_size(path, pq.ParquetFile(io.BytesIO(raw)).metadata)
        table = pq.read_table(io.BytesIO(raw))
    except MemoryError:
        msg = "unpacks to more than there is memory for: split the file"
        raise TableError(msg, path=str(path)) from None
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, TableError):
            raise
        msg = f"is not a Parquet file: {error}"
        raise TableError(msg, path=str(path)) from error
    names = list(table.column_names)
    check_header(path, names, what, None)
    # An index that pandas stored comes last in the file.
    names.sort(key=lambda name: name != SESSION)
    check_wide_header(path, names, what, None)
    if not table.num_rows:
        raise fault(path, f"there are no rows: the file should hold {what}")
    days = _parquet_days(path, table.column(SESSION))
    frame = pd.DataFrame(
        {name: _parquet_numbers(path, table.column(name), name) for name in names[1:]},
        index=pd.DatetimeIndex(days, name=SESSION),
    )
    _check_parquet_days(path, days)
    return frame


def _check_size(path: Path, metadata: Any) -> None:  # noqa: ANN401  # of an untyped library
    """Refuse a file that unpacks to more than prices can be, before anything is unpacked."""
    cells = metadata.num_rows * metadata.num_columns
    size = sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups))
    if cells > _MOST_CELLS or size > 8 * _MOST_CELLS:
        msg = f"unpacks to {cells} cells, more than {_MOST_CELLS}: split the file"
        raise TableError(msg, path=str(path))


def _parquet_days(path: Path, column: Any) -> np.ndarray[Any, np.dtype[np.datetime64]]:  # noqa: ANN401  # an Arrow column
    import pyarrow as pa

    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        cells = column.to_pylist()
        days = [_parquet_day(path, cell, row) for row, cell in enumerate(cells, start=1)]
        return np.array(days, dtype="datetime64[us]")
    if column.null_count:
        raise fault(path, "a session is missing: every row needs its day", column=SESSION)
    if not pa.types.is_date(kind) and not (pa.types.is_timestamp(kind) and kind.tz is None):
        msg = f"sessions of type {kind}: store days, without a time zone"
        raise fault(path, msg, column=SESSION)
    moments = column.cast(pa.timestamp("us")).to_numpy()
    odd = np.flatnonzero(moments != moments.astype("datetime64[D]"))
    if len(odd):
        msg = f"row {odd[0] + 1}: {moments[odd[0]]} has a time of day: a session is a day"
        raise fault(path, msg, column=SESSION)
    return np.asarray(moments, dtype="datetime64[us]")


def _parquet_day(path: Path, cell: str | None, row: int) -> date:
    try:
        return date.fromisoformat(cell if cell and ISO_DAY.fullmatch(cell) else "")
    except ValueError:
        msg = f"row {row}: {cell!r} is not an ISO date such as 2025-01-09"
        raise fault(path, msg, column=SESSION) from None


def _check_parquet_days(path: Path, days: np.ndarray[Any, np.dtype[np.datetime64]]) -> None:
    steps = np.diff(days).astype(np.int64)
    for wrong, remedy in ((steps == 0, "keep one of the two"), (steps < 0, "sort the rows")):
        found = np.flatnonzero(wrong)
        if len(found):
            row, day = found[0] + 2, days[found[0] + 1].astype("datetime64[D]")
            text = "occurs twice" if steps[found[0]] == 0 else "is out of order"
            msg = f"row {row}: session {day} {text}: {remedy} by session"
            raise fault(path, msg, column=SESSION)


def _parquet_numbers(path: Path, column: Any, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:  # noqa: ANN401  # an Arrow column
    import pyarrow as pa

    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        first = next((cell for cell in column.to_pylist() if cell is not None), None)
        msg = f"{first!r} is {kind}, not a number: store the column as float64"
        raise fault(path, msg, column=name)
    values = np.array(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        msg = f"row {infinite[0] + 1}: an infinite number: leave it missing"
        raise fault(path, msg, column=name)
    return values
