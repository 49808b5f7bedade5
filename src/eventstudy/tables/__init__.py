"""Strict reading and deterministic writing of tables: CSV and Parquet.

Reading is fast on the way in and exact about faults: the whole file is converted at once, and only
a file with a fault is walked through cell by cell to say where it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from eventstudy.tables.parquet import read_wide_parquet
from eventstudy.tables.text import Row, finite, header_of, read_rows, sha256_of
from eventstudy.tables.wide import SESSION, read_wide_csv
from eventstudy.tables.writing import csv_text, replacement, write_csv, write_rows

__all__ = [
    "SESSION",
    "Row",
    "csv_text",
    "finite",
    "header_of",
    "read_rows",
    "read_wide",
    "replacement",
    "sha256_of",
    "write_csv",
    "write_rows",
]

_PARQUET: Final = (".parquet", ".pq")


def read_wide(path: Path | str, *, what: str = "prices") -> pd.DataFrame:
    """Read a table with a row per session and a column per series.

    Parameters
    ----------
    path : Path or str
        A Parquet file when it ends in ``.parquet`` or ``.pq``, else CSV in UTF-8 with commas. The
        first column is named ``session`` and holds ISO dates. Blank, ``NA``, ``nan`` and ``.`` are
        missing values.
    what : str
        What the file should hold, for messages.

    Returns
    -------
    DataFrame, shape (S, A)
        Index ``session`` (strictly increasing days), float64 columns. Numbers are exactly those of
        the text.

    Raises
    ------
    TableError
        Names file, line and column of the first fault.
    """
    path = Path(path)
    frame = read_wide_parquet(path, what) if path.suffix in _PARQUET else read_wide_csv(path, what)
    frame.index = pd.DatetimeIndex(frame.index, name=SESSION)
    return frame
