"""Abnormal returns of event windows, with the covariance of the whole window's forecast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from eventstudy.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    ReturnKind,
    as_slice,
    rows_by_label,
    taken,
)
from eventstudy.errors import EstimationError, WindowError
from eventstudy.windows import Window

BY_PAIR = ("position", "ar", "ar_est", "returns", "expected", "s2", "n_est")


@dataclass(frozen=True, slots=True, eq=False)
class CovFactor:
    """Covariance ``C = noise I + H'H`` of the forecasts of N windows, kept as its small factor.

    The matrices of N windows hold N W^2 numbers, their factors N K W; variances of sums and of
    single sessions follow from the factor. `numpy.asarray` makes all matrices (N, W, W), and
    ``cov_factor[i]`` that of one window.

    Parameters
    ----------
    half : (N, K, W) float
        ``root^-T X*'`` of the least-squares fit, so that ``H'H = X* (X'X)^-1 X*'``.
    noise : float
        What every session adds of its own: 1, or 0 where H holds all of C.

    Examples
    --------
    >>> mean_of_four_sessions = CovFactor(np.full((1, 1, 2), 0.5))
    >>> mean_of_four_sessions[0].tolist()
    [[1.25, 0.25], [0.25, 1.25]]
    >>> mean_of_four_sessions.total(np.ones((1, 2))).tolist()
    [3.0]
    """

    half: FloatArray
    noise: float = 1.0

    @classmethod
    def of(cls, matrices: FloatArray) -> CovFactor:
        """Factor matrices (N, W, W); an `EstimationError` when one is not positive definite."""
        try:
            lower = np.linalg.cholesky(np.asarray(matrices, dtype=np.float64))
        except np.linalg.LinAlgError as error:
            msg = "cov_factor holds a matrix that is not positive definite"
            raise EstimationError(msg) from error
        return cls(np.swapaxes(lower, 1, 2), 0.0)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the matrices (N, W, W)."""
        n, _, width = self.half.shape
        return n, width, width

    def __len__(self) -> int:
        return len(self.half)

    def __getitem__(self, row: int) -> FloatArray:
        half = self.half[row]
        return np.asarray(self.noise * np.eye(half.shape[-1]) + half.T @ half)

    def __array__(
        self,
        dtype: npt.DTypeLike | None = None,
        copy: bool | None = None,  # noqa: FBT001  # the protocol of numpy
    ) -> FloatArray:
        del copy
        common: FloatArray = np.einsum("nkv,nkw->nvw", self.half, self.half)
        matrices = common + self.noise * np.eye(self.half.shape[2])
        return matrices if dtype is None else matrices.astype(dtype)

    def diagonal(self) -> FloatArray:
        """Variances of single sessions, in units of s^2 (N, W)."""
        return np.asarray(self.noise + np.einsum("nkw,nkw->nw", self.half, self.half))

    def total(self, present: BoolArray | FloatArray) -> FloatArray:
        """``1'C1`` over the sessions present (N, W), in units of s^2 (N,)."""
        weights = np.asarray(present, dtype=np.float64)
        # A missing session leaves the sum, its forecast included; NaN of a singular fit stays.
        common = np.einsum("nkw,nw->nk", self.half, weights)
        return np.asarray(self.noise * weights.sum(axis=1) + np.vecdot(common, common))

    def restrict(self, part: slice) -> CovFactor:
        """Keep some consecutive sessions."""
        return CovFactor(self.half[:, :, part], self.noise)

    def take(self, rows: IntArray | slice) -> CovFactor:
        """Keep some windows."""
        return CovFactor(self.half[rows], self.noise)


@dataclass(frozen=True, eq=False)
class AbnormalReturns:
    """Abnormal returns of N pairs of an event and an asset.

    A missing or masked session is NaN in `ar` and `ar_est`. The calendar session of event
    column w of pair i is ``position[i] + window.start + w``, that of estimation column j is
    ``position[i] + estimation.start + j``.

    Parameters
    ----------
    event_ids, assets : tuple of str, length N
        Labels of the pairs.
    window, estimation : Window
        Event window (W sessions) and estimation window (L sessions).
    position : (N,) int
        Index of session 0 on the calendar of the study.
    ar : (N, W) float
        ``R - x'b`` in the event window, in units of the return.
    ar_est : (N, L) float
        Residuals of the estimation window.
    returns, expected : (N, W) float
        The return and what the model expects of it.
    s2 : (N,) float
        ``sum_est AR^2 / (L_i - K)``.
    n_est : (N,) int
        Usable estimation sessions L_i.
    n_params : int
        Regressors K.
    cov_factor : CovFactor, or (N, W, W) float
        ``I + X* (X'X)^-1 X*'``; times `s2` it is the prediction covariance of the window.
    return_kind : {"log", "simple", "change"}
        What a return is.

    Notes
    -----
    What follows from these arrays is computed once, when it is first read.
    """

    event_ids: tuple[str, ...]
    assets: tuple[str, ...]
    window: Window
    estimation: Window
    position: IntArray
    ar: FloatArray
    ar_est: FloatArray
    returns: FloatArray
    expected: FloatArray
    s2: FloatArray
    n_est: IntArray
    n_params: int
    cov_factor: CovFactor
    return_kind: ReturnKind

    def __post_init__(self) -> None:
        given: object = self.cov_factor
        if isinstance(given, np.ndarray):
            object.__setattr__(self, "cov_factor", CovFactor.of(given))

    def __len__(self) -> int:
        return len(self.event_ids)

    @cached_property
    def rows_by_asset(self) -> dict[str, IntArray]:
        """Pairs of every asset, in the order of its first one."""
        return rows_by_label(self.assets)

    @cached_property
    def df(self) -> IntArray:
        """Residual degrees of freedom ``L_i - K`` (N,)."""
        return np.asarray(self.n_est - self.n_params, dtype=np.int64)

    @cached_property
    def se(self) -> FloatArray:
        """Standard errors ``s sqrt C`` of single abnormal returns (N, W)."""
        return np.asarray(np.sqrt(self.s2[:, None] * self.cov_factor.diagonal()))

    @cached_property
    def sar(self) -> FloatArray:
        """Standardised abnormal returns ``AR / (s sqrt C)`` (N, W)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.ar / self.se)

    @cached_property
    def present(self) -> BoolArray:
        """Event sessions with an abnormal return (N, W)."""
        return np.isfinite(self.ar)

    @cached_property
    def n_sessions(self) -> IntArray:
        """Event sessions with an abnormal return, by pair (N,)."""
        return np.asarray(self.present.sum(axis=1), dtype=np.int64)

    @cached_property
    def car(self) -> FloatArray:
        """``sum_tau AR`` over the sessions present (N,); NaN where none is."""
        total = np.where(self.present, self.ar, 0.0).sum(axis=1)
        return np.where(self.n_sessions > 0, total, np.nan)

    @cached_property
    def variance(self) -> FloatArray:
        """``s^2 [W + 1' X* (X'X)^-1 X*' 1]`` over the sessions present (N,)."""
        total = self.cov_factor.total(self.present)
        return np.where(self.n_sessions > 0, self.s2 * total, np.nan)

    @cached_property
    def scar(self) -> FloatArray:
        """Standardised CAR ``CAR / sqrt V`` (N,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.car / np.sqrt(self.variance))

    def restrict(self, window: Window) -> AbnormalReturns:
        """Keep the sessions of a window inside the event window.

        Raises
        ------
        WindowError
            When `window` is not inside the event window.
        """
        if window == self.window:
            return self
        if not self.window.covers(window):
            msg = f"window {window} is not inside the event window {self.window}"
            raise WindowError(msg)
        part = slice(window.start - self.window.start, window.end - self.window.start + 1)
        return replace(
            self,
            window=window,
            ar=self.ar[:, part],
            returns=self.returns[:, part],
            expected=self.expected[:, part],
            cov_factor=self.cov_factor.restrict(part),
        )

    def take(self, rows: IntArray) -> AbnormalReturns:
        """Keep some pairs, in the order given."""
        if len(rows) == len(self) and bool((rows == np.arange(len(self))).all()):
            return self
        chosen = as_slice(rows)  # the pairs of one asset follow one another: a view
        return replace(
            self,
            event_ids=taken(self.event_ids, chosen),
            assets=taken(self.assets, chosen),
            **{name: getattr(self, name)[chosen] for name in BY_PAIR},
            cov_factor=self.cov_factor.take(chosen),
        )
