"""Correlation of estimation residuals, matched by calendar session, in blocks of bounded size.

No matrix over all pairs is ever held: pairs are sorted by date, a block of them meets only those
whose windows can share sessions with it, and what is asked for is summed as the blocks pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eventstudy.arrays import BoolArray, FloatArray, IntArray
from eventstudy.models.abnormal import AbnormalReturns

LEAST_COMMON = 30
ROWS, COLUMNS = 64, 1024
Tile = tuple[IntArray, IntArray, BoolArray]
Both = tuple[FloatArray, FloatArray]
Moments = tuple[FloatArray, Both, Both, FloatArray]


def mean_correlation(pairs: AbnormalReturns) -> float:
    """Return the mean correlation of the estimation residuals of N pairs, by calendar session."""
    return Residuals(pairs.ar_est, pairs.position).mean_correlation


@dataclass(frozen=True, eq=False)
class Residuals:
    """Estimation residuals ``values`` (N, L) of N pairs on the calendar, NaN where missing.

    ``position`` (N,) is the index of session 0: column j of a pair lies j sessions after column 0.
    """

    values: FloatArray
    position: IntArray

    @cached_property
    def mean_correlation(self) -> float:
        """Mean of the N (N - 1) / 2 correlations of two pairs over their common sessions.

        Two pairs with fewer than 30 common sessions count as uncorrelated; 0 for a single pair.
        Kolari and Pynnonen (2010), Review of Financial Studies 23, 3996-4025.
        """
        reach = self.values.shape[1] - LEAST_COMMON
        total = sum(
            float(self.correlation(rows, columns, reach)[apart].sum())
            for rows, columns, apart in tiles(self.position, reach)
        )
        return total / number_of_pairs(len(self.values))

    def correlation(self, rows: IntArray, columns: IntArray, reach: int) -> FloatArray:
        """Correlate some pairs with some pairs of the same or later dates (R, C).

        0 below 30 common sessions, and where a residual does not vary over them; of no meaning
        for two pairs more than `reach` sessions apart.
        """
        whole = self._complete[rows].all() and self._complete[columns].all()
        moments = self._whole if whole else self._with_gaps
        count, sums, squares, product = moments(rows, columns, reach)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = [part / count for part in sums]
            variance = [part / count - m**2 for part, m in zip(squares, mean, strict=True)]
            rho = (product / count - mean[0] * mean[1]) / np.sqrt(variance[0] * variance[1])
        known = (count >= LEAST_COMMON) & np.isfinite(rho)
        return np.where(known, np.clip(rho, -1.0, 1.0), 0.0)

    @cached_property
    def _complete(self) -> BoolArray:
        return np.asarray(np.isfinite(self.values).all(axis=1))

    def _with_gaps(self, rows: IntArray, columns: IntArray, _reach: int) -> Moments:
        """Count and sum over common sessions, by matrix products: sums, squares, products."""
        start = min(self.position[rows].min(), self.position[columns].min())
        span = max(self.position[rows].max(), self.position[columns].max()) - start
        first, second = (
            place(self.values[part], self.position[part] - start, int(span))
            for part in (rows, columns)
        )
        (x, here), (y, there) = ((np.nan_to_num(z), np.isfinite(z) * 1.0) for z in (first, second))
        return (
            here @ there.T,
            (x @ there.T, here @ y.T),
            (x**2 @ there.T, here @ (y**2).T),
            x @ y.T,
        )

    def _whole(self, rows: IntArray, columns: IntArray, reach: int) -> Moments:
        """Compute the same without gaps: the end of the earlier one meets the start of the later.

        Sums over the common sessions are those of all sessions less a running sum of those before
        or after; only the products need a matrix product.
        """
        length = self.values.shape[1]
        start = min(self.position[rows].min(), self.position[columns].min())
        span = int(max(self.position[rows].max(), self.position[columns].max()) - start)
        x, y = (
            place(self.values[part], self.position[part] - start, span, missing=0.0)
            for part in (rows, columns)
        )
        most = min(max(reach, 0), length)
        lag = np.clip(self.position[columns] - self.position[rows][:, None], 0, most)
        first, last = self.values[rows][:, :most], self.values[columns][:, ::-1][:, :most]

        def common(power: int) -> Both:
            total = [(self.values[part] ** power).sum(axis=1) for part in (rows, columns)]
            before = np.take_along_axis(running(first**power), lag, axis=1)
            after = np.take_along_axis(running(last**power), lag.T, axis=1).T
            return total[0][:, None] - before, total[1] - after

        return np.asarray(length - lag, dtype=float), common(1), common(2), x @ y.T


@dataclass(frozen=True, eq=False)
class WindowPairs:
    """Event windows of N pairs, two by two.

    Whether a session of the event window is `present` (N, W), the index of session 0 and the number
    of the asset (N,), and the `residuals` of the same pairs.
    """

    present: BoolArray
    position: IntArray
    asset: IntArray
    residuals: Residuals

    @cached_property
    def _touching(self) -> tuple[int, int]:
        """How many pairs of windows share a session: on one asset, on different ones."""
        if self._whole:
            width, span = self.present.shape[1], int(np.ptp(self.position)) + 1
            # on one line, assets so far apart that their windows cannot meet
            same = neighbours(self.position + self.asset * (span + width), width)
            return same, neighbours(self.position, width) - same
        same = across = 0
        for rows, columns, apart in self._tiles():
            touching = apart & (self._shared(rows, columns) > 0)
            alike = int((touching & self._same_asset(rows, columns)).sum())
            same, across = same + alike, across + int(touching.sum()) - alike
        return same, across

    @property
    def overlapping(self) -> int:
        """Pairs of windows on one asset that share a session."""
        return self._touching[0]

    @property
    def shared(self) -> float:
        """Share of the pairs of windows on different assets that share a session; NaN without."""
        counts = np.bincount(self.asset)
        across = (len(self.asset) ** 2 - float((counts**2).sum())) / 2
        return self._touching[1] / across if across else float("nan")

    @cached_property
    def mean_correlation(self) -> float:
        """Mean correlation of two CARs whose windows may overlap in part.

        ``rho_ij |common sessions| / sqrt(W_i W_j)`` with the sessions present, and ``rho_ij = 1``
        for two events on one asset; 0 for a single pair.
        """
        if not any(self._touching):
            return 0.0
        root, total = np.sqrt(self.present.sum(axis=1)), 0.0
        for rows, columns, apart in self._tiles():
            common = np.where(apart, self._shared(rows, columns), 0.0)
            same = self._same_asset(rows, columns)
            rho = np.where(same, 1.0, self._correlation(rows, columns, common, same))
            total += float((rho * common / (root[rows][:, None] * root[columns])).sum())
        return total / number_of_pairs(len(self.asset))

    def _correlation(
        self, rows: IntArray, columns: IntArray, common: FloatArray, same: BoolArray
    ) -> FloatArray:
        if not (common[~same] > 0).any():
            return np.zeros(common.shape)
        return self.residuals.correlation(rows, columns, self.present.shape[1] - 1)

    def _tiles(self) -> Iterator[Tile]:
        return tiles(self.position, self.present.shape[1] - 1)

    def _same_asset(self, rows: IntArray, columns: IntArray) -> BoolArray:
        return np.asarray(self.asset[rows][:, None] == self.asset[columns])

    @cached_property
    def _whole(self) -> bool:
        return bool(self.present.all())

    def _shared(self, rows: IntArray, columns: IntArray) -> FloatArray:
        """Sessions with an abnormal return in both windows (R, C)."""
        width = self.present.shape[1]
        if self._whole:
            lag = np.abs(self.position[columns] - self.position[rows][:, None])
            return np.asarray(np.maximum(width - lag, 0), dtype=float)
        start = min(self.position[rows].min(), self.position[columns].min())
        span = int(max(self.position[rows].max(), self.position[columns].max()) - start)
        x, y = (
            place(self.present[part].astype(float), self.position[part] - start, span, missing=0.0)
            for part in (rows, columns)
        )
        return np.asarray(x @ y.T, dtype=float)


def number_of_pairs(n: int) -> float:
    """``n (n - 1) / 2``, and 1 where that is 0, so that an empty sum has the mean 0."""
    return max(n * (n - 1) / 2, 1.0)


def tiles(position: IntArray, reach: int) -> Iterator[Tile]:
    """Go through every two of N pairs at most `reach` sessions apart, each once.

    Yields numbers of some pairs (R,), of pairs of the same or later dates (C,), and which to
    count (R, C): each two pairs once, no pair with itself, none beyond the reach.
    """
    order = np.argsort(position, kind="stable")
    dates = position[order]
    start = 0
    while start < len(order):
        # a block ends after 64 pairs, or where its dates lie too far apart to share sessions
        near = int(np.searchsorted(dates, dates[start] + max(reach, ROWS), "right"))
        stop = min(start + ROWS, near)
        last = int(np.searchsorted(dates, dates[stop - 1] + reach, "right"))
        rows = np.arange(start, stop)
        for left in range(start, last, COLUMNS):
            columns = np.arange(left, min(left + COLUMNS, last))
            apart = columns > rows[:, None]
            apart &= dates[columns] - dates[rows][:, None] <= reach
            yield order[rows], order[columns], apart
        start = stop


def neighbours(places: IntArray, width: int) -> int:
    """Count the pairs of places less than `width` apart."""
    ordered = np.sort(places)
    upto = np.searchsorted(ordered, ordered + width, "left")
    return int((upto - np.arange(1, len(ordered) + 1)).sum())


def place(
    values: FloatArray, first: IntArray, span: int, *, missing: float = float("nan")
) -> FloatArray:
    """Place rows of values on a calendar, row i from session ``first[i]`` on (N, span + L)."""
    placed = np.full((len(values), span + values.shape[1]), missing)
    rows = np.arange(len(values))[:, None]
    placed[rows, first[:, None] + np.arange(values.shape[1])] = values
    return placed


def running(values: FloatArray) -> FloatArray:
    """Return running sums along the rows, from 0 (N, L + 1)."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
