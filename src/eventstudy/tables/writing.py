"""Tables as CSV: the same table, the same bytes, and nothing that a spreadsheet would run."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from eventstudy.errors import EventStudyError, OutputError

_NEEDS_QUOTES: Final = re.compile(r"""[",\r\n]""")
_STARTS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


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
    with replacement(Path(path)) as partial:
        partial.write_bytes(csv_text(frame).encode("utf-8"))


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows of text as they are, quoted where needed.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    lines = [",".join(_quoted(cell) for cell in line) for line in (columns, *rows)]
    with replacement(path) as partial:
        partial.write_bytes("".join(line + "\n" for line in lines).encode("utf-8"))


def csv_text(frame: pd.DataFrame) -> str:
    """Return the text that `write_csv` writes."""
    named = [name for name in frame.index.names if name is not None]
    flat = frame.reset_index(level=named) if named else frame
    columns = [_cells(flat.iloc[:, position]) for position in range(flat.shape[1])]
    header = [_quoted(_guarded(str(name))) for name in flat.columns]
    lines = [",".join(cells) for cells in (header, *zip(*columns, strict=True))]
    return "".join(line + "\n" for line in lines)


@contextmanager
def replacement(path: Path) -> Iterator[Path]:
    """Give a new file that takes the place of `path` when the block ends well.

    The file has a name of its own, so that nothing of the user's is written over, and the
    permissions of the file it replaces. Where `path` is a link, what it leads to is replaced.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    partial: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", dir=target.parent)
        os.close(handle)
        partial = Path(name)
        yield partial
        partial.chmod(mode)
        os.replace(partial, target)  # noqa: PTH105  # the atomic replacement, under its own name
        partial = None
    except OSError as error:
        if isinstance(error, EventStudyError):
            raise
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise OutputError(msg) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def _umask() -> int:
    """Return the mask of new files; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


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
