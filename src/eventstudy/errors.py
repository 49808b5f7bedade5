"""The tree of errors.

::

    EventStudyError
    |-- StudyError (ValueError)               a study that cannot be: every fault, with its key
    |   `-- StudyFileError                    the same of a study file: file, section, key
    |-- TableError (ValueError)               a CSV or Parquet file: file, row, column
    |-- WindowError (ValueError)              windows that are empty, reversed or overlap
    |-- AlignmentError (ValueError)           no event can be placed on a session
    |-- UndefinedReturnError (ArithmeticError)  a return that has no value: series, session
    |-- EstimationError (ArithmeticError)     a model that cannot be fitted: event, asset
    |-- UnknownNameError (KeyError)           a dataset, statistic, calendar or asset nobody knows
    |-- OutputError (OSError)                 a report that cannot be written
    |-- PriceSourceError (OSError)            a source that did not answer, or returned invalid data
    |-- ArticleSourceError (OSError)          an article that cannot be fetched, or may not be
    |-- StoreError (OSError)                  a price store that cannot be opened or trusted
    `-- MissingDependencyError (ImportError)  an optional library that is not installed

Each message says in one line what was found, where, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple

from eventstudy.formats import listed


class EventStudyError(Exception):
    """Base of every error the package raises on purpose."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else type(self).__name__


class Fault(NamedTuple):
    """One fault of a study: the field, the value it was given, and what is wrong with it."""

    field: str
    value: object
    text: str


class StudyError(EventStudyError, ValueError):
    """A study that cannot be, with every fault in one message.

    Parameters
    ----------
    message : str
        One line, or one line per fault.
    faults : tuple of str
        The single faults, each naming its key.
    found : tuple of Fault
        The same as field, value and text.
    """

    def __init__(
        self, message: str, *, faults: tuple[str, ...] = (), found: tuple[Fault, ...] = ()
    ) -> None:
        super().__init__(message)
        self.faults = faults or (message,)
        self.found = found


class StudyFileError(StudyError):
    """A study file with faults, all of them in one message, each naming section and key."""


class TableError(EventStudyError, ValueError):
    """A table that cannot be read: names the file, and the row and column where there is one.

    Parameters
    ----------
    message : str
        What was found and what to do.
    path : str, optional
        The file.
    row : int, optional
        Line of the file, the header being line 1.
    column : str, optional
        Name of the column.
    faults : tuple of str
        The single faults where the message holds several, one a line.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        row: int | None = None,
        column: str | None = None,
        faults: tuple[str, ...] = (),
    ) -> None:
        places = [path, f"line {row}" if row else None, f"column {column!r}" if column else None]
        where = ", ".join(place for place in places if place)
        super().__init__(f"{where}: {message}" if where else message)
        self.path = path
        self.row = row
        self.column = column
        self.faults = faults or (str(self),)


class WindowError(EventStudyError, ValueError):
    """A window that is empty, reversed, or overlaps another that it may not."""


class AlignmentError(EventStudyError, ValueError):
    """No event of a study can be placed on a session with enough history."""


class UndefinedReturnError(EventStudyError, ArithmeticError):
    """A return that has no value, such as the logarithm of a negative price.

    Parameters
    ----------
    message : str
        Names series, session and remedies.
    series : str
        The price series.
    session : str
        ISO date of the first session concerned.
    """

    def __init__(self, message: str, *, series: str = "", session: str = "") -> None:
        super().__init__(message)
        self.series = series
        self.session = session


class EstimationError(EventStudyError, ArithmeticError):
    """A model that cannot be fitted on its estimation window."""


class UnknownNameError(EventStudyError, KeyError):
    """A name nobody knows, with the nearest known one."""


class OutputError(EventStudyError, OSError):
    """A folder or file that cannot be written."""


class PriceSourceError(EventStudyError, OSError):
    """A price source that could not be reached or returned invalid data."""


class ArticleSourceError(EventStudyError, OSError):
    """An article that could not be fetched, or lies where nothing is fetched from."""


class StoreError(EventStudyError, OSError):
    """A price store that cannot be opened, written or trusted."""


class BatchRefusedError(StoreError):
    """Values that batch validation keeps out of a store until they are accepted."""


class MissingDependencyError(EventStudyError, ImportError):
    """An optional library that is not installed."""


_MOST_KNOWN = 40  # names listed where none is near


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint for a name nobody knows.

    Parameters
    ----------
    name : str
        What was asked for.
    known : iterable of str
        What there is.

    Returns
    -------
    str
        ``"did you mean 'x'?"`` where something is near, else a list of what is known, cut where it
        is long.
    """
    choices = sorted(set(known))
    near = nearest(name, choices)
    if near is not None:
        return f"did you mean {near!r}?"
    if not choices:
        return "nothing of that kind is known"
    return f"known: {listed(choices, _MOST_KNOWN, sep=', ')}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is nearest to a name, None where none is near."""
    near = difflib.get_close_matches(name, sorted(set(known)), n=1, cutoff=0.6)
    return near[0] if near else None
