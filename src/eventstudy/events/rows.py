"""The rows of a CSV file with all that is wrong with them, so that it is shown at once."""

from __future__ import annotations

from pathlib import Path

from eventstudy.errors import TableError
from eventstudy.tables.text import bytes_of, cells_of, text_of

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


def read_csv_rows(path: str | Path, *, what: str) -> tuple[list[str], list[Row]]:
    """Read a CSV file of `what` as columns and rows, see `split_csv`."""
    return split_csv(bytes_of(Path(path), what), str(path))


def split_csv(content: bytes, path: str) -> tuple[list[str], list[Row]]:
    """Split a CSV file into its columns and its rows with their lines.

    Cells are stripped of surrounding blanks and otherwise kept as they are: what looks like a
    formula is text.

    Raises
    ------
    TableError
        When the file is not UTF-8, has no header, repeats a column or has ragged rows.
    """
    place, faults = Path(path), Faults(path)
    rows = cells_of(place, text_of(place, content, "a header line and rows"))
    lines = [(line, [cell.strip() for cell in cells]) for line, cells in rows if any(cells)]
    if not lines:
        msg = "the file is empty: every cell is blank, the header too"
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
