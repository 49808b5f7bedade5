"""A file's bytes, its text, and its rows as text with their lines."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from eventstudy.errors import TableError


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
        raise fault(path, f"columns must be {', '.join(columns)}, found {', '.join(header)}", row=1)
    return [Row(dict(zip(header, cells, strict=True)), line=line) for line, cells in rows]


def sha256_of(path: Path | str) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    return hashlib.sha256(bytes_of(Path(path), "a file")).hexdigest()


def bytes_of(path: Path, what: str) -> bytes:
    """Read the bytes of a file, or say why they cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise fault(path, f"there is no such file to read {what} from") from None
    except OSError as error:
        raise fault(path, f"cannot be read: {error.strerror or error}") from error


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


def check_header(path: Path, header: list[str], what: str, line: int | None) -> None:
    """Refuse column names that are blank, padded or given twice."""
    seen: set[str] = set()
    for position, name in enumerate(header, start=1):
        if name != name.strip() or not name:
            raise fault(
                path,
                f"column {position} of the {what} is named {name!r}: give it a name without blanks",
                row=line,
            )
        if name in seen:
            msg = "this column name occurs twice: rename one of the two"
            raise fault(path, msg, row=line, column=name)
        seen.add(name)
