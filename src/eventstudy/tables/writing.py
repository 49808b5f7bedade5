"""Tables as CSV: the same table, the same bytes, and nothing that a spreadsheet would run."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from eventstudy.errors import OutputError

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
