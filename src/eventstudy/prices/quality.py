"""What a quality report holds: findings with severities, and the overrides that settle them.

Nothing is repaired here. A finding may carry a proposal; a user who accepts it writes it into an
override file, and reading with that file says how many figures it changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd

from eventstudy.errors import TableError
from eventstudy.tables import read_rows, write_csv

Severity = Literal["error", "warning", "note"]
Action = Literal["drop", "replace", "keep"]
SEVERITIES: Final = ("error", "warning", "note")
_COLUMNS: Final = ("symbol", "session", "action", "value", "reason")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a series.

    Parameters
    ----------
    symbol : str
        The series.
    check : str
        Name of the check, such as ``gap`` or ``outlier``.
    severity : {"error", "warning", "note"}
        `error`: not to be used without a decision; `warning`: to be looked at; `note`: explained.
    session : str
        ISO day, or the first day of a run.
    detail : str
        What was found, with the figures.
    proposal : {"drop", "replace", "keep"} or None
        What a user may accept.
    value : float or None
        The figure to put in its place, for ``replace``.
    """

    symbol: str
    check: str
    severity: Severity
    session: str
    detail: str
    proposal: Action | None = None
    value: float | None = None

    @property
    def key(self) -> str:
        """Short name of the finding, the same every time it is found."""
        text = f"{self.symbol}|{self.check}|{self.session}|{self.proposal}|{self.value}"
        return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """A decision of a user about one figure."""

    symbol: str
    session: str
    action: Action
    value: float | None
    reason: str


def read_price_overrides(path: Path) -> tuple[PriceOverride, ...]:
    """Read ``symbol, session, action, value, reason``; nothing where there is no such file.

    Raises
    ------
    TableError
        When a row has an unknown action, or a value where none belongs.
    """
    if not path.exists():
        return ()
    found = []
    for row in read_rows(path, what="price overrides"):
        missing = [name for name in _COLUMNS if name not in row]
        if missing:
            msg = f"there is no column {missing[0]!r}: it needs {', '.join(_COLUMNS)}"
            raise TableError(msg, path=str(path), row=1)
        action, text = row["action"], row["value"]
        if action not in ("drop", "replace", "keep") or (action == "replace") != bool(text):
            msg = f"{action!r} with value {text!r}: drop and keep have none, replace has a number"
            raise TableError(msg, path=str(path), row=row.line, column="action")
        try:
            value = float(text) if text else None
        except ValueError:
            msg = f"{text!r} is not a number"
            raise TableError(msg, path=str(path), row=row.line, column="value") from None
        found.append(PriceOverride(row["symbol"], row["session"], action, value, row["reason"]))  # type: ignore[arg-type]  # checked above
    return tuple(found)


def accept(findings: Sequence[Finding], path: Path) -> tuple[PriceOverride, ...]:
    """Write the proposals of findings into the override file and return what is new in it."""
    known = read_price_overrides(path)
    settled = {(item.symbol, item.session) for item in known}
    new = [
        PriceOverride(
            item.symbol, item.session, item.proposal, item.value, f"{item.check}: {item.detail}"
        )
        for item in findings
        if item.proposal and (item.symbol, item.session) not in settled
    ]
    rows = [
        [item.symbol, item.session, item.action, item.value, item.reason] for item in (*known, *new)
    ]
    write_csv(pd.DataFrame(rows, columns=list(_COLUMNS)), path)
    return tuple(new)


def apply_overrides(
    closes: pd.Series, symbol: str, overrides: Sequence[PriceOverride]
) -> tuple[pd.Series, tuple[PriceOverride, ...]]:
    """Return a series with the accepted repairs in it, and those that changed a figure.

    Parameters
    ----------
    closes : Series of float
        Indexed by ISO day.
    symbol : str
        The series.
    overrides : sequence of PriceOverride
        Those of other series are left out.
    """
    result, used = closes.copy(), []
    for item in overrides:
        if item.symbol != symbol or item.session not in result.index or item.action == "keep":
            continue
        result[item.session] = np.nan if item.action == "drop" else item.value
        used.append(item)
    return result.dropna(), tuple(used)
