"""Many dated events on one asset, or on several at once: filtered returns and where windows lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from eventstudy.arrays import BoolArray, FloatArray, IntArray
from eventstudy.errors import EstimationError
from eventstudy.inference.statistic import Scope, Statistic, Unit

SERIES = ("present", "x", "correlation")


@dataclass(frozen=True, eq=False)
class DatedReturns:
    """Filtered returns of A assets on T sessions, and N windows of W sessions on them.

    Parameters
    ----------
    z : (T, A) or (T,) float
        Filtered returns ``(r_s - m_s) / sigma_{s|s-1}``; NaN where there is none.
    first : (N,) int
        First session of each window.
    sessions : int
        W.
    column : (N,) int
        Asset of each window; the first by default.
    event_ids : tuple of str, length N
        Labels of the windows; their numbers by default.
    sign : (N,) float
        +1, the default, or the expected direction of each event; NaN where none was declared.

    Raises
    ------
    EstimationError
        When a window lies outside the sessions or there is none.
    """

    z: FloatArray
    first: IntArray
    _: KW_ONLY
    sessions: int = 1
    column: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    event_ids: tuple[str, ...] = ()
    sign: FloatArray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        n = len(self.first)
        given = vars(self)
        given |= {"z": self.z.reshape(len(self.z), -1), "first": np.asarray(self.first, np.int64)}
        if not len(self.column):
            given["column"] = np.zeros(n, dtype=np.int64)
        if not self.event_ids:
            given["event_ids"] = tuple(str(i) for i in range(n))
        if not len(self.sign):
            given["sign"] = np.ones(n)
        if not n:
            msg = "no event window lies on the sessions of the series"
            raise EstimationError(msg)
        if self.sessions > len(self.z):
            msg = f"a window of {self.sessions} sessions on a series of {len(self.z)}"
            raise EstimationError(msg)
        outside = (self.first < 0) | (self.first + self.sessions > len(self.z))
        if outside.any():
            names = ", ".join(self.event_ids[i] for i in np.flatnonzero(outside)[:3])
            msg = f"{int(outside.sum())} windows lie outside the series: {names}"
            raise EstimationError(msg)

    def __len__(self) -> int:
        return len(self.event_ids)

    @cached_property
    def present(self) -> BoolArray:
        """Whether a session has a filtered return (T, A)."""
        return np.asarray(np.isfinite(self.z))

    @cached_property
    def x(self) -> FloatArray:
        """``(z - zbar) / sd(z)`` by asset (T, A), 0 where missing; all must vary."""
        count = self.present.sum(axis=0)
        mean = np.where(self.present, self.z, 0.0).sum(axis=0) / np.maximum(count, 1)
        centred = np.where(self.present, self.z - mean, 0.0)
        sd = np.sqrt((centred**2).sum(axis=0) / np.maximum(count - 1, 1))
        if not (sd > 0).all():
            msg = "the filtered returns of an asset do not vary"
            raise EstimationError(msg)
        return np.asarray(centred / sd, dtype=float)

    @cached_property
    def correlation(self) -> FloatArray:
        """Correlation of filtered returns between assets, on common sessions (A, A)."""
        x, present = self.x, self.present.astype(float)
        product = x.T @ x
        scale = np.sqrt((x**2).T @ present * (present.T @ x**2))
        return np.where(scale > 0, product / np.where(scale > 0, scale, 1.0), 0.0)

    @property
    def starts(self) -> FloatArray:
        """Signed number of windows that begin on each session (T, A)."""
        starts = np.zeros(self.z.shape)
        np.add.at(starts, (self.first, self.column), self.sign)
        return starts

    @cached_property
    def cover(self) -> FloatArray:
        """``d_t``, signed number of windows over each session, 0 where z is missing (T, A)."""
        cover = np.zeros(self.z.shape)
        for step in range(self.sessions):
            np.add.at(cover, (self.first + step, self.column), self.sign)
        return np.where(self.present, cover, 0.0)

    @property
    def variances(self) -> FloatArray:
        """``d_t' R d_t``, what each session adds to the variance of the sum of ``d x`` (T,)."""
        return np.asarray(((self.cover @ self.correlation) * self.cover).sum(axis=1), dtype=float)

    def scores(self) -> FloatArray:
        """``sum of x`` over each window (N,), in units of one session's volatility."""
        total = np.concatenate([np.zeros((1, self.z.shape[1])), np.cumsum(self.x, axis=0)])
        ends = total[self.first + self.sessions, self.column]
        return np.asarray(self.sign * (ends - total[self.first, self.column]), dtype=float)

    @cached_property
    def _unsigned(self) -> DatedReturns:
        return self._on_this_series(replace(self, sign=np.ones(len(self))))

    def unsigned(self) -> DatedReturns:
        """Count every window as +1."""
        return self if (self.sign == 1.0).all() else self._unsigned

    def directed(self) -> DatedReturns:
        """Keep the windows with an expected direction; an error where none was declared."""
        rows = np.flatnonzero(np.isfinite(self.sign) & (self.sign != 0))
        if not len(rows):
            msg = "no event has an expected direction"
            raise EstimationError(msg)
        return self.take(rows)

    def take(self, rows: IntArray) -> DatedReturns:
        """Keep some windows; the series stays whole."""
        part = replace(
            self,
            event_ids=tuple(self.event_ids[i] for i in rows),
            column=self.column[rows],
            first=self.first[rows],
            sign=self.sign[rows],
        )
        return self._on_this_series(part)

    def _on_this_series(self, other: DatedReturns) -> DatedReturns:
        """Hand on what is known of the series alone."""
        vars(other).update({name: vars(self)[name] for name in SERIES if name in vars(self)})
        return other


Rejects = Callable[[float], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverDates(Statistic):
    """Declare a statistic over all dates, ``function(dated)`` with `DatedReturns`.

    Parameters
    ----------
    directional : bool
        Whether it takes only windows with an expected direction, signed by it, and is one-sided;
        every other one counts each window as +1.
    by_shifts : bool
        Whether it moves all windows along together, which has little power where they cover much.
    studentised_by : str
        The test to read instead where event sessions are more volatile than others.
    placebo : callable, optional
        ``placebo(dated, places, level)``: a function from an effect to the share of placebo places
        at which the test rejects.
    """

    scope: ClassVar[Scope] = "dates"

    counts: Unit = "windows"
    allows_cross_correlation: bool = True
    allows_overlap: bool = True
    directional: bool = False
    by_shifts: bool = False
    studentised_by: str = ""
    placebo: Callable[[DatedReturns, IntArray, float], Rejects] | None = None
