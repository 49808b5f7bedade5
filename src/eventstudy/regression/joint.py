"""One least-squares fit of returns on constant, controls and the dummies of every group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from eventstudy.arrays import BoolArray, FloatArray, IntArray
from eventstudy.errors import EstimationError

Shape = Literal["level", "session"]

DEPENDENT = 1e-8  # share of a column's length that must lie outside the span of the others
FULL_LEVERAGE = 1 - 1e-9  # a session whose residual is zero by construction


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Usable sessions of a series.

    Their positions `rows` (n,) in it, returns `y` (n,), and the `design` (n, 1 + k): the constant
    and the controls, each with mean 0 and standard deviation 1 by its `means` and `scales` (k,).
    """

    rows: IntArray
    y: FloatArray
    design: FloatArray
    means: FloatArray
    scales: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class JointFit:
    """Parameters of one fit, and the G effects as linear combinations of them, with errors.

    `refused` are the groups with a session whose residual is zero by construction.
    """

    constant: float
    control_coefs: FloatArray
    coef: FloatArray
    se_ols: FloatArray
    se_hac: FloatArray
    refused: BoolArray
    n_params: int


def usable_sample(returns: FloatArray, controls: FloatArray | None, *, asset: str = "") -> Sample:
    """Keep the sessions with a return and every control, and standardise the controls.

    Standardised controls span the same space with the constant and keep the fit well scaled.
    Raises an `EstimationError`, which names the asset, when no session is left.
    """
    extra = np.empty((len(returns), 0)) if controls is None else controls
    rows = np.flatnonzero(np.isfinite(returns) & np.isfinite(extra).all(axis=1))
    if not len(rows):
        msg = f"event dummies{_on(asset)}: no session has a return and all controls"
        raise EstimationError(msg)
    part = extra[rows].astype(float)
    means, spread = part.mean(axis=0), part.std(axis=0)
    scales = np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(len(rows)), (part - means) / scales])
    return Sample(rows.astype(np.int64), returns[rows].astype(float), design, means, scales)


def fit_jointly(
    sample: Sample, dummies: BoolArray, *, shape: Shape, lags: int, asset: str = ""
) -> JointFit:
    """Fit returns on constant, controls and dummies (n, G) with ordinary and with HAC errors.

    One column per group, or one per group and session, by `shape`; `lags` is the bandwidth of the
    Bartlett kernel, whose covariance is scaled by ``n / (n - n_params)``. Raises an
    `EstimationError` when the regressors are too many or linearly dependent.
    """
    from scipy.linalg import solve_triangular

    columns, weights = _columns(dummies, shape)
    full = np.column_stack([sample.design, columns])
    basis, root = np.linalg.qr(full)
    n, n_params = full.shape
    _check_rank(full, root, asset)
    params = solve_triangular(root, basis.T @ sample.y)
    residuals = sample.y - full @ params
    # Every effect is linear in the returns: column g holds their weights, w_g' (X'X)^-1 X'.
    n_fixed = sample.design.shape[1]
    ahead = np.zeros((n_params, dummies.shape[1]))
    ahead[n_fixed:] = weights.T
    linear = basis @ solve_triangular(root, ahead, trans="T")
    s2 = float(residuals @ residuals) / (n - n_params)
    refused = _refused(basis, dummies)
    control_coefs = params[1:n_fixed] / sample.scales
    return JointFit(
        constant=float(params[0] - sample.means @ control_coefs),
        control_coefs=control_coefs,
        coef=weights @ params[n_fixed:],
        se_ols=np.sqrt(s2 * (linear**2).sum(axis=0)),
        se_hac=np.where(refused, np.nan, _newey_west(linear * residuals[:, None], lags, n_params)),
        refused=refused,
        n_params=n_params,
    )


def _columns(dummies: BoolArray, shape: Shape) -> tuple[FloatArray, FloatArray]:
    """Lay out the dummy columns (n, P), and the weights (G, P) that sum them to effects."""
    n_groups = dummies.shape[1]
    if shape == "level":
        return dummies.astype(float), np.diag(dummies.sum(axis=0).astype(float))
    owner, row = np.nonzero(dummies.T)
    columns = np.zeros((len(dummies), len(row)))
    columns[row, np.arange(len(row))] = 1.0
    return columns, (owner[None, :] == np.arange(n_groups)[:, None]).astype(float)


def _check_rank(full: FloatArray, root: FloatArray, asset: str) -> None:
    n, n_params = full.shape
    if n - n_params < 1 or dependent(full, root).any():
        msg = (
            f"event dummies{_on(asset)}: {n} usable sessions for {n_params} regressors that must "
            "be linearly independent: give a longer series, fewer controls or a shorter window"
        )
        raise EstimationError(msg)


def dependent(columns: FloatArray, root: FloatArray) -> BoolArray:
    """Columns (n, P) of which those before leave nothing, by the diagonal of their QR factor.

    Where there are more columns than rows, those too many are dependent.
    """
    left = np.zeros(columns.shape[1])
    diagonal = np.abs(np.diagonal(root))
    left[: len(diagonal)] = diagonal
    return np.asarray(left <= DEPENDENT * np.linalg.norm(columns, axis=0))


def _refused(basis: FloatArray, dummies: BoolArray) -> BoolArray:
    """Find the groups with a session whose residual is zero whatever the return was."""
    saturated = np.vecdot(basis, basis) > FULL_LEVERAGE
    return np.asarray(dummies[saturated].any(axis=0))


def _newey_west(scores: FloatArray, lags: int, n_params: int) -> FloatArray:
    """Return standard errors of effects from their scores ``a_t e_t`` (n, G)."""
    from statsmodels.stats.sandwich_covariance import S_hac_simple

    n = len(scores)
    variance = np.diagonal(S_hac_simple(scores, nlags=lags))
    return np.asarray(np.sqrt(np.maximum(variance, 0.0) * n / (n - n_params)))


def _on(asset: str) -> str:
    return f" on {asset}" if asset else ""
