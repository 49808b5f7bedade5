"""Strict reading of the rows of a CSV file, and the faults found in them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from eventstudy.errors import TableError

Row = tuple[int, dict[str, str]]


class Faults:
    """Collects what is wrong with a table, so that all of it is shown at once.

    Parameters
    ----------
    path : str
        File named in each fault.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.lines: list[str] = []

    def add(self, message: str, *, row: int | None = None, column: str | None = None) -> None:
        """Note one fault."""
        self.lines.append(str(TableError(message, path=self.path, row=row, column=column)))

    def raise_any(self) -> None:
        """Raise all that was noted as one error.

        Raises
        ------
        TableError
            With a line per fault, where there is any.
        """
        if self.lines:
            raise TableError("\n".join(self.lines), faults=tuple(self.lines))


def read_bytes(path: str | Path) -> bytes:
    """Read a file.

    Raises
    ------
    TableError
        When it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        msg = f"cannot be read ({error.strerror or error}); check the path"
        raise TableError(msg, path=str(path)) from error


def read_csv_rows(path: str | Path) -> tuple[list[str], list[Row]]:
    """Read a CSV file as columns and rows, see `split_csv`."""
    return split_csv(read_bytes(path), str(path))


def split_csv(content: bytes, path: str) -> tuple[list[str], list[Row]]:
    """Split a CSV file into its columns and its rows with their lines.

    Cells are stripped of surrounding blanks and otherwise kept as they are: what looks like a
    formula is text.

    Raises
    ------
    TableError
        When the file is not UTF-8, has no header, repeats a column or has ragged rows.
    """
    text = _decode(content, path)
    faults = Faults(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(row)]
    except csv.Error as error:
        msg = f"not readable as CSV ({error}); check the quotes"
        raise TableError(msg, path=path, row=reader.line_num) from error
    if not lines:
        msg = "the file is empty; it needs a header line"
        raise TableError(msg, path=path)
    header = lines[0][1]
    for name in sorted({name for name in header if header.count(name) > 1}):
        faults.add("appears twice in the header; remove or rename one", row=1, column=name)
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            faults.add(
                f"{len(cells)} cells where the header has {len(header)}; "
                "quote a cell that holds a comma",
                row=line,
            )
    faults.raise_any()
    return header, [(line, dict(zip(header, cells, strict=True))) for line, cells in lines[1:]]


def _decode(content: bytes, path: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        msg = "not UTF-8 text; save the file as UTF-8"
        raise TableError(msg, path=path, row=line) from error
    if "\0" in text:
        msg = "holds a NUL character; this is not a CSV text file"
        raise TableError(msg, path=path, row=text[: text.index("\0")].count("\n") + 1)
    return text
