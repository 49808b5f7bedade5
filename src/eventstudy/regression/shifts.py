"""Event dummies moved around the sample: the effect of every group at every circular shift."""

from __future__ import annotations

import numpy as np

from eventstudy.arrays import BoolArray, FloatArray

SINGULAR = 1e-10  # smallest eigenvalue of a scaled matrix of products that still counts


def level_effects(y: FloatArray, design: FloatArray, dummies: BoolArray) -> FloatArray:
    """Effects of level dummies, estimated jointly, at every circular shift (n, G).

    Shift s replaces the dummies ``D[t]`` by ``D[t - s]`` and leaves returns and controls where
    they are. By the theorem of Frisch, Waugh and Lovell the coefficients are those of the
    dummies after the other regressors; all inner products that this needs are correlations
    over the circle, one Fourier transform each.

    `y` (n,) are the returns of the usable sessions, `design` (n, k) the constant and the controls,
    `dummies` (n, G) a column per group. An effect is the coefficient times the number of sessions
    of the group; row s is shift s. NaN where moved dummies and controls are linearly dependent.

    References
    ----------
    Frisch, R. and Waugh, F. V. (1933), Econometrica 1, 387-401.
    """
    columns = dummies.astype(float)
    sizes = columns.sum(axis=0)
    basis, _ = np.linalg.qr(design)
    target = y - basis @ (basis.T @ y)
    rhs = circular(target[:, None], columns)[:, 0, :]
    gram = columns.T @ columns
    if design.shape[1] == 1:  # the constant alone: no shift changes the normal equations
        fixed = gram - np.outer(sizes, sizes) / len(y)
        return np.asarray(np.linalg.solve(fixed, rhs.T).T * sizes)
    return np.asarray(_after(gram, circular(basis, columns), rhs) * sizes)


def session_effects(y: FloatArray, design: FloatArray, dummies: BoolArray) -> FloatArray:
    """`level_effects` of one dummy per session, summed by group; the groups share no session.

    A dummy of its own takes its session out of the regression, so the coefficients of constant
    and controls come from the sessions outside every window, and a group's effect is the sum of
    the forecast errors on its sessions.
    """
    k = design.shape[1]
    union = dummies.any(axis=1).astype(float)[:, None]
    products = np.einsum("ti,tj->tij", design, design).reshape(len(y), k * k)
    inside = circular(np.column_stack([products, design * y[:, None]]), union)[:, :, 0]
    gram = (design.T @ design)[None] - inside[:, : k * k].reshape(-1, k, k)
    rhs = (design.T @ y)[None] - inside[:, k * k :]
    params = _solve_scaled(gram, rhs, reference=np.diagonal(design.T @ design))
    sums = circular(np.column_stack([y[:, None], design]), dummies.astype(float))
    return np.asarray(sums[:, 0, :] - np.einsum("sk,skg->sg", params, sums[:, 1:, :]))


def shift_pvalues(effects: FloatArray) -> FloatArray:
    """Share of shifts (G,) with an effect at least as large as the observed one, in row 0.

    NaN where the observed effect has no value.
    """
    size = np.abs(effects)
    live = np.asarray(np.isfinite(size).all(axis=1))
    if not live[0]:
        return np.full(effects.shape[1], np.nan)
    scale = size[live].max(axis=0)
    return np.asarray((size[live] >= size[0] - 1e-10 * scale).mean(axis=0))


def circular(series: FloatArray, columns: FloatArray) -> FloatArray:
    """``sum_t series[t, a] columns[t - s, g]`` for every shift s, series a, column g (n, A, G)."""
    n = len(series)
    left = np.fft.rfft(series, axis=0)[:, :, None]
    right = np.conj(np.fft.rfft(columns, axis=0))[:, None, :]
    return np.asarray(np.fft.irfft(left * right, n=n, axis=0))


def _after(gram: FloatArray, cross: FloatArray, rhs: FloatArray) -> FloatArray:
    """Solve ``(gram - c_s' c_s) b_s = rhs_s`` at every shift s (n, G); NaN where it is singular.

    Only the k rows of c_s (n, k, G), the products of the moved dummies with an orthonormal basis of
    the other regressors, differ by shift: with ``g = gram^-1`` the inverse is
    ``g + g c' (I - c g c')^-1 c g``. The eigenvalues of ``I - c g c'`` are the squared sines of
    the angles between the two spaces.

    References
    ----------
    Woodbury, M. A. (1950), Inverting modified matrices, Princeton Memorandum Report 42.
    """
    from scipy.linalg import cho_factor, cho_solve

    n, k, groups = cross.shape
    factor = cho_factor(gram)
    alone = cho_solve(factor, rhs.T).T
    moved = cho_solve(factor, cross.reshape(n * k, groups).T).T.reshape(n, k, groups)
    angles = np.eye(k) - np.einsum("sag,sbg->sab", cross, moved)
    usable = np.linalg.eigvalsh(angles)[:, 0] > SINGULAR
    angles[~usable] = np.eye(k)
    gained = np.linalg.solve(angles, np.einsum("sag,sg->sa", cross, alone)[:, :, None])[:, :, 0]
    solved = alone + np.einsum("sag,sa->sg", moved, gained)
    return np.where(usable[:, None], solved, np.nan)


def _solve_scaled(gram: FloatArray, rhs: FloatArray, *, reference: FloatArray) -> FloatArray:
    """Solve many systems scaled to a unit diagonal; NaN where one is singular.

    `reference` (G,) is the diagonal before other columns were taken out: what is left of a
    column must be more than rounding.
    """
    diagonal = np.diagonal(gram, axis1=1, axis2=2)
    left_over = diagonal > SINGULAR * reference
    usable = left_over.all(axis=1)
    root = np.sqrt(np.where(left_over, diagonal, 1.0))
    scaled = gram / (root[:, :, None] * root[:, None, :])
    usable &= np.linalg.eigvalsh(scaled)[:, 0] > SINGULAR
    scaled[~usable] = np.eye(gram.shape[1])
    solved = np.linalg.solve(scaled, (rhs / root)[:, :, None])[:, :, 0] / root
    return np.where(usable[:, None], solved, np.nan)
