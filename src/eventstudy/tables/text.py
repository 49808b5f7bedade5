"""A file's bytes, its text, and its rows as text with their lines."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import math
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from eventstudy.errors import TableError

_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
MOST_BYTES: Final = 500_000_000
_LONGEST_NAME: Final = 60
_LONGEST: Final = 400  # digits


def fault(
    path: Path, text: str, *, row: int | None = None, column: str | None = None
) -> TableError:
    """Make the error that a table in a file is wrong."""
    return TableError(text, path=str(path), row=row, column=column)


class Row(dict[str, str]):
    """The cells of one line as text by column, and the line on which it ends (header: line 1)."""

    __slots__ = ("line",)

    def __init__(self, cells: dict[str, str], *, line: int) -> None:
        super().__init__(cells)
        self.line = line


def read_rows(path: Path | str, *, what: str = "rows", columns: Sequence[str] = ()) -> list[Row]:
    """Read a CSV file as text, without interpreting any cell: a `Row` per line that is not blank.

    Parameters
    ----------
    path : Path or str
        CSV in UTF-8 with commas and a header line.
    what : str
        What the file should hold, for messages.
    columns : sequence of str
        The header it must have; any where empty.

    Raises
    ------
    TableError
        When the file is missing, empty, not UTF-8 or not CSV, when a column name is blank or occurs
        twice, or when a row has more or fewer cells than the header.
    """
    path = Path(path)
    header, rows = lines_of(path, decoded(path, what), what)
    if columns and header != list(columns):
        found = f", found {', '.join(header)}" if looks_like_header(header) else ""
        msg = f"columns must be {', '.join(columns)}{found}"
        raise TableError(msg, path=str(path), row=1)
    return [Row(dict(zip(header, cells, strict=True)), line=line) for line, cells in rows]


def header_of(path: Path | str, *, what: str = "rows") -> list[str]:
    """Return the column names of a CSV file, also of one without rows.

    Raises
    ------
    TableError
        As `read_rows`.
    """
    path = Path(path)
    return lines_of(path, decoded(path, what), what)[0]


def sha256_of(path: Path | str) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    return hashlib.sha256(bytes_of(Path(path), "a file")).hexdigest()


def bytes_of(path: Path, what: str) -> bytes:
    """Read the bytes of a file, or say why they cannot be read."""
    try:
        return whole_file(path)
    except FileNotFoundError:
        msg = f"there is no such file to read {what} from"
        raise TableError(msg, path=str(path)) from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        msg = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise TableError(msg, path=str(path)) from error


def whole_file(path: Path, *, most: int = MOST_BYTES) -> bytes:
    """Return the bytes of a regular file of bounded size.

    Raises
    ------
    OSError
        When it cannot be read, is a pipe or a device, which may never end, or is larger than `most`
        bytes.
    """
    # Without waiting: a pipe nobody writes to would keep the opening for ever.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is a pipe or a device; save it as a file")
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most // 1_000_000} MB; split it")
    return content


def decoded(path: Path, what: str) -> str:
    """Read the text of a UTF-8 file, with or without a byte order mark."""
    return text_of(path, bytes_of(path, what), what)


def text_of(path: Path, raw: bytes, what: str) -> str:
    """Decode the bytes of a file; `path` is for messages."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        msg = f"byte {raw[error.start]:#04x} is not UTF-8: save the file as CSV UTF-8"
        raise fault(path, msg, row=line) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise fault(path, "holds a zero byte: this is not a text file", row=line)
    if not text.strip():
        raise fault(path, f"the file is empty: it should hold {what}")
    return text


def cells_of(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the cells of every row of CSV text that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise fault(path, f"is not CSV: {error}: check the quotes", row=reader.line_num) from None


def lines_of(path: Path, text: str, what: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Return the header, and the line number and cells of every row that is not blank."""
    stream = cells_of(path, text)
    line, header = next(stream, (1, []))
    check_header(path, header, what, line)

    def checked() -> Iterator[tuple[int, list[str]]]:
        for number, cells in stream:
            if len(cells) != len(header):
                counts = f"{len(cells)} cells where the header has {len(header)}"
                raise fault(path, f"{counts}: a comma too many or too few", row=number)
            yield number, cells

    return header, checked()


def looks_like_header(cells: Sequence[str]) -> bool:
    """Whether a first line names columns, so that a message may quote it.

    A file that a study names by mistake, such as one with passwords, is not shown.

    Examples
    --------
    >>> looks_like_header(["day", "wti"]), looks_like_header(["root:x:0:0:root:/root:/bin/sh"])
    (True, False)
    """
    return len(cells) > 1 and all(
        len(cell) <= _LONGEST_NAME and not set(cell) & set("=:;/\\@") for cell in cells
    )


def check_header(path: Path, header: list[str], what: str, line: int | None) -> None:
    """Refuse column names that are blank, padded or given twice."""
    seen: set[str] = set()
    for position, name in enumerate(header, start=1):
        if name != name.strip() or not name:
            named = f" is named {name!r}" if looks_like_header(header) else " has no good name"
            msg = f"column {position} of the {what}{named}: give it a name without blanks"
            raise TableError(msg, path=str(path), row=line)
        if name in seen:
            msg = "this column name occurs twice: rename one of the two"
            shown = name if looks_like_header(header) else None
            raise TableError(msg, path=str(path), row=line, column=shown)
        seen.add(name)


def finite(text: object) -> float:
    """Read a price as text or number: digits, a point, an exponent, and nothing else.

    Raises
    ------
    ValueError
        For ``1_000``, ``nan``, ``Infinity``, ``1e999`` and whatever is not a number.

    Examples
    --------
    >>> finite(" -37.63 ")
    -37.63
    """
    known = isinstance(text, str | int | float) and not isinstance(text, bool)
    shown = str(text).strip()[:_LONGEST]
    value = float(shown) if known and _NUMBER.fullmatch(shown) else math.nan
    if not math.isfinite(value):
        msg = f"{shown[:40]!r} is not a finite number"
        raise ValueError(msg)
    return value
