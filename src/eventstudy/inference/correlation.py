"""Cross-correlation of estimation residuals, matched by calendar session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.arrays import FloatArray

if TYPE_CHECKING:
    from eventstudy.models.abnormal import AbnormalReturns


LEAST_COMMON = 30


def residual_correlation(sample: AbnormalReturns) -> FloatArray:
    """Correlate the estimation residuals of every two pairs over the sessions both have.

    Parameters
    ----------
    sample : AbnormalReturns
        N pairs; column j of pair i lies on session ``position[i] + estimation.start + j``.

    Returns
    -------
    (N, N) float
        Ones on the diagonal; 0 for two pairs with fewer than 30 common sessions.

    References
    ----------
    Kolari and Pynnonen (2010), Review of Financial Studies 23, 3996-4025.
    """
    placed = _on_calendar(sample)
    placed = placed[:, np.isfinite(placed).sum(axis=0) > 1]  # the others are in no couple
    present = np.isfinite(placed).astype(float)
    values = np.where(np.isfinite(placed), placed, 0.0)
    count = present @ present.T
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (values @ present.T) / count
        second = ((values**2) @ present.T) / count
        product = (values @ values.T) / count
        variance = second - mean**2
        rho = (product - mean * mean.T) / np.sqrt(variance * variance.T)
    rho = np.where((count >= LEAST_COMMON) & np.isfinite(rho), np.clip(rho, -1.0, 1.0), 0.0)
    np.fill_diagonal(rho, 1.0)
    return np.asarray(rho, dtype=float)


def mean_correlation(sample: AbnormalReturns) -> float:
    """Average the N (N - 1) / 2 off-diagonal correlations; 0 for a single pair."""
    return mean_off_diagonal(residual_correlation(sample))


def car_correlation(sample: AbnormalReturns) -> FloatArray:
    """Return the correlation of two CARs whose windows overlap in part.

    ``rho_ij |common sessions| / sqrt(W_i W_j)`` with the sessions present, and ``rho_ij = 1``
    for two events on one asset.

    Parameters
    ----------
    sample : AbnormalReturns
        N pairs, each with an abnormal return in the window.

    Returns
    -------
    (N, N) float
        Ones on the diagonal.
    """
    rho = residual_correlation(sample)
    assets = np.array(sample.assets)
    rho = np.where(assets[:, None] == assets[None, :], 1.0, rho)
    size = sample.n_sessions.astype(float)
    shared = rho * shared_sessions(sample) / np.sqrt(np.outer(size, size))
    np.fill_diagonal(shared, 1.0)
    return np.asarray(shared, dtype=float)


def shared_sessions(sample: AbnormalReturns) -> FloatArray:
    """Count the calendar sessions with an abnormal return in both windows (N, N)."""
    ar = _place(sample.ar, sample.position + sample.window.start)
    present = np.isfinite(ar).astype(float)
    return np.asarray(present @ present.T, dtype=float)


def mean_off_diagonal(matrix: FloatArray) -> float:
    """Average the off-diagonal of a symmetric matrix; 0 where it has none."""
    n = len(matrix)
    if n == 1:
        return 0.0
    return float((matrix.sum() - np.trace(matrix)) / (n * (n - 1)))


def _on_calendar(sample: AbnormalReturns) -> FloatArray:
    """Place the estimation residuals on the calendar (N, span)."""
    return _place(sample.ar_est, sample.position + sample.estimation.start)


def _place(values: FloatArray, first: npt.NDArray[np.int64]) -> FloatArray:
    start = first - first.min()
    placed = np.full((len(values), int(start.max()) + values.shape[1]), np.nan)
    columns = start[:, None] + np.arange(values.shape[1])
    placed[np.arange(len(values))[:, None], columns] = values
    return placed
