"""Strict reading and deterministic writing of tables: CSV and Parquet.

Reading is fast on the way in and exact about faults: the whole file is converted at once, and only
a file with a fault is walked through cell by cell to say where it is.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from eventstudy.errors import OutputError, TableError

SESSION: Final = "session"
_MISSING: Final = ("", "NA", "nan", "NaN", "NAN", ".")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INFINITE: Final = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_ISO_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_NEEDS_QUOTES: Final = re.compile(r"""[",\r\n]""")
_PARQUET: Final = (".parquet", ".pq")
_STARTS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Row(dict[str, str]):
    """The cells of one line as text, by column name.

    Parameters
    ----------
    cells : dict of str
        Cells by column.
    line : int
        Line of the file on which the row ends, the header being line 1.
    """

    __slots__ = ("line",)

    def __init__(self, cells: dict[str, str], *, line: int) -> None:
        super().__init__(cells)
        self.line = line


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
    frame = _wide_parquet(path, what) if path.suffix in _PARQUET else _wide_csv(path, what)
    frame.index = pd.DatetimeIndex(frame.index, name=SESSION)
    return frame


def read_rows(path: Path | str, *, what: str = "rows") -> list[Row]:
    """Read a CSV file as text, without interpreting any cell.

    Parameters
    ----------
    path : Path or str
        CSV in UTF-8 with commas and a header line.
    what : str
        What the file should hold, for messages.

    Returns
    -------
    list of Row
        A dict of text per line that is not blank, each with its `line`.

    Raises
    ------
    TableError
        When the file is missing, empty, not UTF-8 or not CSV, when a column name is blank or occurs
        twice, or when a row has more or fewer cells than the header.
    """
    path = Path(path)
    header, rows = _lines(path, _text(path, what), what)
    return [Row(dict(zip(header, cells, strict=True)), line=line) for line, cells in rows]


def write_csv(frame: pd.DataFrame, path: Path | str) -> None:
    """Write a table so that the same table always gives the same bytes.

    Named index levels come first. Floats are written so that they read back exactly, dates in ISO
    form, missing values blank. A text cell that a spreadsheet would run as a formula gets a leading
    apostrophe. The file appears only when it is complete.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    path = Path(path)
    named = [name for name in frame.index.names if name is not None]
    flat = frame.reset_index(level=named) if named else frame
    columns = [_cells(flat.iloc[:, position]) for position in range(flat.shape[1])]
    header = [_quoted(_guarded(str(name))) for name in flat.columns]
    lines = [",".join(cells) for cells in (header, *zip(*columns, strict=True))]
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes("".join(line + "\n" for line in lines).encode("utf-8"))
        os.replace(partial, path)  # noqa: PTH105  # the atomic replacement, under its own name
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise OutputError(msg) from error


def sha256_of(path: Path | str) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal.

    Raises
    ------
    TableError
        When the file cannot be read.
    """
    return hashlib.sha256(_bytes(Path(path), "a file")).hexdigest()


def _bytes(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        msg = f"there is no such file to read {what} from"
        raise TableError(msg, path=str(path)) from None
    except OSError as error:
        msg = f"cannot be read: {error.strerror or error}"
        raise TableError(msg, path=str(path)) from error


def _text(path: Path, what: str) -> str:
    raw = _bytes(path, what)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        msg = f"byte {raw[error.start]:#04x} is not UTF-8: save the file as CSV UTF-8"
        raise TableError(msg, path=str(path), row=line) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        msg = "holds a zero byte: this is not a text file"
        raise TableError(msg, path=str(path), row=line)
    if not text.strip():
        msg = f"the file is empty: it should hold {what}"
        raise TableError(msg, path=str(path))
    return text


def _lines(path: Path, text: str, what: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Return the header, and the line number and cells of every row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)

    def rows() -> Iterator[tuple[int, list[str]]]:
        try:
            for cells in reader:
                if cells:
                    yield reader.line_num, cells
        except csv.Error as error:
            msg = f"is not CSV: {error}"
            raise TableError(msg, path=str(path), row=reader.line_num) from None

    stream = rows()
    line, header = next(stream, (1, []))
    _check_header(path, header, what, line)

    def checked() -> Iterator[tuple[int, list[str]]]:
        for number, cells in stream:
            if len(cells) != len(header):
                counts = f"{len(cells)} cells where the header has {len(header)}"
                msg = f"{counts}: a comma too many or too few"
                raise TableError(msg, path=str(path), row=number)
            yield number, cells

    return header, checked()


def _check_header(path: Path, header: list[str], what: str, line: int | None) -> None:
    seen: set[str] = set()
    for position, name in enumerate(header, start=1):
        if name != name.strip() or not name:
            msg = (
                f"column {position} of the {what} is named {name!r}: give it a name without blanks"
            )
            raise TableError(msg, path=str(path), row=line)
        if name in seen:
            msg = "this column name occurs twice: rename one of the two"
            raise TableError(msg, path=str(path), row=line, column=name)
        seen.add(name)


def _check_wide_header(path: Path, header: list[str], what: str, line: int | None) -> None:
    if SESSION not in header[:1]:
        found = header[0] if header else ""
        hint = (
            "separate the columns with commas" if ";" in found else f"rename {found!r} to 'session'"
        )
        msg = f"the first column must be named 'session' and hold ISO dates: {hint}"
        raise TableError(msg, path=str(path), row=line)
    if len(header) == 1:
        msg = f"there is no column of {what} beside 'session': add one column per series"
        raise TableError(msg, path=str(path), row=line)


def _wide_csv(path: Path, what: str) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    text = _text(path, what)
    header, rows = _lines(path, text, what)
    _check_wide_header(path, header, what, 1)
    types = {name: pa.float64() for name in header[1:]} | {SESSION: pa.string()}
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(text.encode("utf-8")),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types, null_values=list(_MISSING)
            ),
        )
        frame = _checked_wide(table, header)
    except (pa.ArrowInvalid, ValueError) as error:
        _locate(path, header, rows)
        msg = f"cannot be read as {what}: {error}"
        raise TableError(msg, path=str(path)) from error
    if frame.empty:
        msg = f"there are no rows below the header: the file should hold {what}"
        raise TableError(msg, path=str(path))
    return frame


def _checked_wide(table: Any, header: list[str]) -> pd.DataFrame:  # noqa: ANN401  # an Arrow table
    """Build the frame; any fault raises ValueError and is located by the caller."""
    texts = pd.Series(table.column(SESSION).to_numpy(zero_copy_only=False), dtype=str)
    if not bool(texts.str.fullmatch(_ISO_DAY.pattern).all()):
        msg = "a day is not an ISO date"
        raise ValueError(msg)
    days = pd.to_datetime(texts, format="%Y-%m-%d").to_numpy().astype("datetime64[us]")
    values = {
        name: np.array(table.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)
        for name in header[1:]
    }
    frame = pd.DataFrame(values, index=pd.DatetimeIndex(days, name=SESSION), columns=header[1:])
    _check_frame(frame)
    return frame


def _check_frame(frame: pd.DataFrame) -> None:
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
        day = _day(path, cells[0], line)
        if day in lines:
            msg = f"session {day} is already on line {lines[day]}: keep one of the two"
            raise TableError(msg, path=str(path), row=line, column=SESSION)
        if previous is not None and day < previous:
            msg = f"session {day} follows {previous}: sort the rows by session"
            raise TableError(msg, path=str(path), row=line, column=SESSION)
        previous, lines[day] = day, line
        for name, cell in zip(header[1:], cells[1:], strict=True):
            _check_number(path, cell, line, name)


def _day(path: Path, cell: str, line: int) -> date:
    try:
        # The pattern comes first: Python also reads 20250109 and week dates.
        return date.fromisoformat(cell if _ISO_DAY.fullmatch(cell) else "")
    except ValueError:
        msg = f"{cell!r} is not an ISO date such as 2025-01-09"
        raise TableError(msg, path=str(path), row=line, column=SESSION) from None


def _check_number(path: Path, cell: str, line: int, column: str) -> None:
    text = cell.strip(" \t")
    if text in _MISSING or _NUMBER.fullmatch(text):
        if text not in _MISSING and abs(float(text)) == float("inf"):
            msg = f"{cell!r} is too large for a number"
            raise TableError(msg, path=str(path), row=line, column=column)
        return
    if _INFINITE.fullmatch(text):
        msg = f"{cell!r} is infinite: leave the cell blank where there is no figure"
    else:
        msg = f"{cell!r} is not a number: use a point for decimals and no thousands separator"
    raise TableError(msg, path=str(path), row=line, column=column)


def _wide_parquet(path: Path, what: str) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    raw = _bytes(path, what)
    try:
        table = pq.read_table(io.BytesIO(raw))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        msg = f"is not a Parquet file: {error}"
        raise TableError(msg, path=str(path)) from error
    names = list(table.column_names)
    _check_header(path, names, what, None)
    # An index that pandas stored comes last in the file.
    names.sort(key=lambda name: name != SESSION)
    _check_wide_header(path, names, what, None)
    if not table.num_rows:
        msg = f"there are no rows: the file should hold {what}"
        raise TableError(msg, path=str(path))
    days = _parquet_days(path, table.column(SESSION))
    frame = pd.DataFrame(
        {name: _parquet_numbers(path, table.column(name), name) for name in names[1:]},
        index=pd.DatetimeIndex(days, name=SESSION),
    )
    _check_parquet_days(path, days)
    return frame


def _parquet_days(path: Path, column: Any) -> np.ndarray[Any, np.dtype[np.datetime64]]:  # noqa: ANN401  # an Arrow column
    import pyarrow as pa

    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        cells = column.to_pylist()
        days = [_parquet_day(path, cell, row) for row, cell in enumerate(cells, start=1)]
        return np.array(days, dtype="datetime64[us]")
    if column.null_count:
        msg = "a session is missing: every row needs its day"
        raise TableError(msg, path=str(path), column=SESSION)
    if not pa.types.is_date(kind) and not (pa.types.is_timestamp(kind) and kind.tz is None):
        msg = f"sessions of type {kind}: store days, without a time zone"
        raise TableError(msg, path=str(path), column=SESSION)
    moments = column.cast(pa.timestamp("us")).to_numpy()
    odd = np.flatnonzero(moments != moments.astype("datetime64[D]"))
    if len(odd):
        msg = f"row {odd[0] + 1}: {moments[odd[0]]} has a time of day: a session is a day"
        raise TableError(msg, path=str(path), column=SESSION)
    return np.asarray(moments, dtype="datetime64[us]")


def _parquet_day(path: Path, cell: str | None, row: int) -> date:
    try:
        return date.fromisoformat(cell if cell and _ISO_DAY.fullmatch(cell) else "")
    except ValueError:
        msg = f"row {row}: {cell!r} is not an ISO date such as 2025-01-09"
        raise TableError(msg, path=str(path), column=SESSION) from None


def _check_parquet_days(path: Path, days: np.ndarray[Any, np.dtype[np.datetime64]]) -> None:
    steps = np.diff(days).astype(np.int64)
    for fault, remedy in ((steps == 0, "keep one of the two"), (steps < 0, "sort the rows")):
        found = np.flatnonzero(fault)
        if len(found):
            row, day = found[0] + 2, days[found[0] + 1].astype("datetime64[D]")
            text = "occurs twice" if steps[found[0]] == 0 else "is out of order"
            msg = f"row {row}: session {day} {text}: {remedy} by session"
            raise TableError(msg, path=str(path), column=SESSION)


def _parquet_numbers(path: Path, column: Any, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:  # noqa: ANN401  # an Arrow column
    import pyarrow as pa

    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        first = next((cell for cell in column.to_pylist() if cell is not None), None)
        msg = f"{first!r} is {kind}, not a number: store the column as float64"
        raise TableError(msg, path=str(path), column=name)
    values = np.array(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        msg = f"row {infinite[0] + 1}: an infinite number: leave it missing"
        raise TableError(msg, path=str(path), column=name)
    return values


def _cells(column: pd.Series[Any]) -> list[str]:
    values = column.to_numpy()
    if values.dtype.kind == "f":
        return ["" if value != value else repr(value) for value in values.tolist()]  # noqa: PLR0124  # NaN
    if values.dtype.kind == "M":
        known = values[~np.isnat(values)]
        unit = next(
            unit for unit in ("D", "s", "us", "ns") if (known == known.astype(f"M8[{unit}]")).all()
        )
        texts = np.datetime_as_string(values, unit=unit)  # type: ignore[call-overload]  # unit is one
        return ["" if text == "NaT" else str(text) for text in texts]
    return [_quoted(_cell(value)) for value in column.tolist()]


def _cell(value: Any) -> str:  # noqa: ANN401  # a cell holds any scalar
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else repr(float(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return _guarded(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    """Quote a cell where needed; the csv module leaves a lone carriage return bare."""
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _guarded(text: str) -> str:
    return "'" + text if text.startswith(_STARTS_FORMULA) else text
