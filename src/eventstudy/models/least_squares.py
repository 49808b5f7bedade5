"""One least-squares kernel for many windows at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from eventstudy.arrays import BoolArray, FloatArray, IntArray

# A regressor is collinear when what the others leave of it is this small a share of its length.
COLLINEAR = 1e-10
# Windows orthogonalised together: a block of 256 windows of 250 sessions stays in cache.
BLOCK = 256


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Least squares on N windows, with `n_used` (N,) usable sessions L_i each.

    `params` (N, K) are NaN where `singular` (N,): where regressors are collinear or there are fewer
    than K + 1 sessions. `residuals` (N, L) are NaN on unusable sessions, `s2` (N,) is their sum of
    squares over ``L_i - K``, and ``root' root = X'X`` with an upper triangular `root` (N, K, K).
    """

    params: FloatArray
    residuals: FloatArray
    s2: FloatArray
    n_used: IntArray
    root: FloatArray
    singular: BoolArray

    def take(self, rows: slice) -> Fit:
        """Keep some consecutive windows."""
        return Fit(**{part.name: getattr(self, part.name)[rows] for part in fields(self)})

    def half_leverage(self, design: FloatArray) -> FloatArray:
        """``root^-T x*'`` of new rows (N, W, K), as (N, K, W): ``H'H`` is their leverage.

        NaN where the window has no unique solution.
        """
        half = np.empty((design.shape[0], design.shape[2], design.shape[1]))
        with np.errstate(divide="ignore", invalid="ignore"):
            for j in range(half.shape[1]):
                row = design[:, :, j]
                for i in range(j):
                    row = row - self.root[:, i, j, None] * half[:, i]
                half[:, j] = row / self.root[:, j, j, None]
        half[self.singular] = np.nan
        return half

    def leverage(self, design: FloatArray) -> FloatArray:
        """``X* (X'X)^-1 X*'`` of new rows (N, W, K), as (N, W, W)."""
        half = self.half_leverage(design)
        return np.asarray(np.einsum("nkv,nkw->nvw", half, half))


def least_squares(y: FloatArray, design: FloatArray) -> Fit:
    """Fit windows of returns (N, L) on regressors (N, L, K) by an orthogonal factorisation.

    A session is usable when the return and every regressor are finite. Orthogonalising rather
    than solving the normal equations: a factor in levels would cost them half their digits.
    """
    usable = np.isfinite(y) & np.isfinite(design).all(axis=2)
    filled = np.where(usable, y, 0.0)
    fits = []
    for first in range(0, max(len(y), 1), BLOCK):
        rows = slice(first, first + BLOCK)
        columns = [np.where(usable[rows], design[rows, :, j], 0.0) for j in range(design.shape[2])]
        fits.append(fit_columns(filled[rows], columns, usable[rows].sum(axis=1)))
    fit = stacked(fits, filled)
    fit.residuals[~usable] = np.nan
    return fit


def fit_columns(y: FloatArray, columns: Sequence[FloatArray | None], n_used: IntArray) -> Fit:
    """Fit a block of windows whose unusable sessions are zero in every column.

    Modified Gram-Schmidt on ``[X | y]``, which solves least squares as stably as Householder
    reflections do. A window's numbers do not depend on the others of its block. `y` (N, L) is
    overwritten by the residuals (zero, not NaN, on unusable sessions), and so are the K columns
    (N, L); None is the constant where all L sessions are usable.

    References
    ----------
    Bjorck, A. (1967), BIT 7, 1-21 (modified Gram-Schmidt on the extended matrix is stable).
    """
    if len(columns) == 1:
        return _fit_one(y, np.ones_like(y) if columns[0] is None else columns[0], n_used)
    n, k = len(y), len(columns)
    root, moments = np.zeros((n, k, k)), np.empty((n, k))
    with np.errstate(divide="ignore", invalid="ignore"):
        for i, column in enumerate(columns):
            length = float(y.shape[1]) if column is None else np.vecdot(column, column)
            root[:, i, i] = np.sqrt(length)
            for j in range(i + 1, k):
                root[:, i, j] = _take_out(column, length, columns[j], n_used) * root[:, i, i]
            moments[:, i] = _take_out(column, length, y, n_used) * root[:, i, i]
        singular = (n_used <= k) | _collinear(root)
        params = _back_substituted(root, moments)
        params[singular] = np.nan
        y[singular] = np.nan if k else 0.0
        s2 = np.where(n_used > k, np.vecdot(y, y) / (n_used - k), np.nan)
    return Fit(params, y, s2, n_used.astype(np.int64), root, singular)


def stacked(fits: Sequence[Fit], residuals: FloatArray) -> Fit:
    """Put the fits of consecutive blocks together, given the residuals (N, L) they have written."""
    names = [part.name for part in fields(Fit) if part.name != "residuals"]
    joined = {name: np.concatenate([getattr(fit, name) for fit in fits]) for name in names}
    return Fit(residuals=residuals, **joined)


def _fit_one(y: FloatArray, column: FloatArray, n_used: IntArray) -> Fit:
    """Fit one regressor by LAPACK's reflector, overwriting `y` by the residuals.

    A search for GARCH parameters on these residuals answers their last bit, so that another way
    to the same mean would move intervals in their fourth digit.
    """
    q, root = np.linalg.qr(column[:, :, None])
    length = np.abs(root[:, 0, 0])
    tiny = np.finfo(float).tiny
    singular = (n_used <= 1) | (
        length <= COLLINEAR * np.maximum(np.sqrt((column**2).sum(axis=1)), tiny)
    )
    good = ~singular
    params = np.full((len(y), 1), np.nan)
    moments = np.einsum("nlk,nl->nk", q[good], y[good])
    params[good] = np.linalg.solve(root[good], moments[:, :, None])[:, :, 0]
    y -= column * params
    with np.errstate(divide="ignore", invalid="ignore"):
        s2 = np.where(n_used > 1, (y**2).sum(axis=1) / (n_used - 1), np.nan)
    return Fit(params, y, s2, n_used.astype(np.int64), length[:, None, None], singular)


def _take_out(
    column: FloatArray | None, length: FloatArray | float, other: FloatArray | None, n: IntArray
) -> FloatArray:
    """Take the multiple of `column` that it holds out of `other` in place; return it (N,)."""
    assert other is not None  # noqa: S101  # the constant comes first
    if column is None:
        weight = np.add.reduce(other, axis=1) / n
        other -= weight[:, None]
    else:
        weight = np.vecdot(column, other) / length
        other -= column * weight[:, None]
    return np.asarray(weight)


def _collinear(root: FloatArray) -> BoolArray:
    """Columns of which the others leave nothing; a column of root is as long as that of X."""
    length = np.sqrt((root**2).sum(axis=1))
    left = np.diagonal(root, axis1=1, axis2=2)
    small = left <= COLLINEAR * np.maximum(length, np.finfo(float).tiny)
    return np.asarray(small.any(axis=1))


def _back_substituted(root: FloatArray, moments: FloatArray) -> FloatArray:
    params = np.empty_like(moments)
    for i in reversed(range(moments.shape[1])):
        rest = np.vecdot(root[:, i, i + 1 :], params[:, i + 1 :])
        params[:, i] = (moments[:, i] - rest) / root[:, i, i]
    return params
