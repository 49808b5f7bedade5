"""Names for the arrays that kernels take and return, and how rows are found in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
DayArray = npt.NDArray[np.datetime64]
"""Calendar days, ``datetime64[D]``."""

ReturnKind = Literal["log", "simple", "change"]


def rows_by_label(labels: Sequence[str]) -> dict[str, IntArray]:
    """Rows of every label, in the order of its first one.

    Examples
    --------
    >>> {name: rows.tolist() for name, rows in rows_by_label(["b", "a", "b"]).items()}
    {'b': [0, 2], 'a': [1]}
    """
    if labels and labels.count(labels[0]) == len(labels):  # one asset: the common case
        return {labels[0]: np.arange(len(labels))}
    number = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    codes = np.fromiter(map(number.__getitem__, labels), np.int64, len(labels))
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(number)))
    return dict(zip(number, np.split(order, ends[:-1]), strict=True)) if number else {}


def as_slice(rows: IntArray) -> IntArray | slice:
    """Rows that follow one another as a slice, which takes views; others as they are."""
    if len(rows) and bool((np.diff(rows) == 1).all()):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def taken(labels: tuple[str, ...], rows: IntArray | slice) -> tuple[str, ...]:
    """Keep some labels, in the order given."""
    return labels[rows] if isinstance(rows, slice) else tuple([labels[i] for i in rows.tolist()])
