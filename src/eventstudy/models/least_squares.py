"""One least-squares kernel for many windows at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.arrays import BoolArray, FloatArray, IntArray

# A regressor is collinear when what the others leave of it is this small a share of its length.
COLLINEAR = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Least squares on N windows.

    Parameters
    ----------
    params : (N, K)
        Coefficients; NaN where the window has no unique solution.
    residuals : (N, L)
        NaN on unusable sessions.
    s2 : (N,)
        Residual sum of squares over ``L_i - K``.
    n_used : (N,) int
        Usable sessions L_i.
    root : (N, K, K)
        Upper triangular factor: ``root' root = X'X`` over the usable sessions.
    singular : (N,) bool
        Windows whose regressors are collinear or fewer than K + 1 sessions long.
    """

    params: FloatArray
    residuals: FloatArray
    s2: FloatArray
    n_used: IntArray
    root: FloatArray
    singular: BoolArray

    def leverage(self, design: FloatArray) -> FloatArray:
        """``X* (X'X)^-1 X*'`` of new rows (N, W, K), as (N, W, W)."""
        if design.shape[2] == 0 or design.shape[0] == 0:
            return np.zeros((*design.shape[:2], design.shape[1]))
        half = np.full((design.shape[0], design.shape[2], design.shape[1]), np.nan)
        good = ~self.singular
        transposed = np.swapaxes(design[good], 1, 2)
        half[good] = np.linalg.solve(np.swapaxes(self.root[good], 1, 2), transposed)
        return np.asarray(np.einsum("nkv,nkw->nvw", half, half))


def least_squares(y: FloatArray, design: FloatArray) -> Fit:
    """Fit every window by QR on its usable sessions.

    A session is usable when the return and every regressor are finite. QR rather than the
    normal equations: a factor in levels would cost them half their digits.

    Parameters
    ----------
    y : (N, L)
        Returns, NaN where missing.
    design : (N, L, K)
        Regressors; K may be 0 (the market-adjusted model has nothing to estimate).

    Returns
    -------
    Fit
    """
    usable = np.isfinite(y) & np.isfinite(design).all(axis=2)
    n_used = usable.sum(axis=1).astype(np.int64)
    k = design.shape[2]
    filled_y = np.where(usable, y, 0.0)
    filled_x = np.where(usable[:, :, None], design, 0.0)
    params, root, singular = _solve(filled_y, filled_x, n_used)
    residuals = filled_y - np.einsum("nlk,nk->nl", filled_x, params)
    with np.errstate(divide="ignore", invalid="ignore"):
        s2 = np.where(n_used > k, (residuals**2).sum(axis=1) / (n_used - k), np.nan)
    return Fit(params, np.where(usable, residuals, np.nan), s2, n_used, root, singular)


def _solve(
    y: FloatArray, x: FloatArray, n_used: IntArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    n, length, k = x.shape
    short = n_used <= k
    if k == 0 or n == 0 or length < k:
        return np.full((n, k), np.nan if length < k else 0.0), np.zeros((n, k, k)), short
    q, root = np.linalg.qr(x)
    scale = np.sqrt((x**2).sum(axis=1))
    diagonal = np.abs(np.diagonal(root, axis1=1, axis2=2))
    singular = short | (diagonal <= COLLINEAR * np.maximum(scale, np.finfo(float).tiny)).any(axis=1)
    params = np.full((n, k), np.nan)
    good = ~singular
    moments = np.einsum("nlk,nl->nk", q[good], y[good])
    params[good] = np.linalg.solve(root[good], moments[:, :, None])[:, :, 0]
    return params, root, singular
