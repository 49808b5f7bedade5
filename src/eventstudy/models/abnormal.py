"""Abnormal returns of event windows, with the covariance of the whole window's forecast."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from eventstudy.arrays import FloatArray, IntArray, ReturnKind
from eventstudy.errors import WindowError
from eventstudy.windows import Window


@dataclass(frozen=True, slots=True)
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
    cov_factor : (N, W, W) float
        ``I + X* (X'X)^-1 X*'``; times `s2` it is the prediction covariance of the window.
    return_kind : {"log", "simple", "change"}
        What a return is.
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
    cov_factor: FloatArray
    return_kind: ReturnKind

    def __len__(self) -> int:
        return len(self.event_ids)

    @property
    def df(self) -> IntArray:
        """Residual degrees of freedom ``L_i - K`` (N,)."""
        return np.asarray(self.n_est - self.n_params, dtype=np.int64)

    @property
    def sar(self) -> FloatArray:
        """Standardised abnormal returns ``AR / (s sqrt C)`` (N, W)."""
        factor = np.diagonal(self.cov_factor, axis1=1, axis2=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.ar / np.sqrt(self.s2[:, None] * factor)

    @property
    def n_sessions(self) -> IntArray:
        """Event sessions with an abnormal return, by pair (N,)."""
        return np.asarray(np.isfinite(self.ar).sum(axis=1), dtype=np.int64)

    @property
    def car(self) -> FloatArray:
        """``sum_tau AR`` over the sessions present (N,); NaN where none is."""
        total = np.nansum(self.ar, axis=1)
        return np.where(self.n_sessions > 0, total, np.nan)

    @property
    def variance(self) -> FloatArray:
        """``s^2 [W + 1' X* (X'X)^-1 X*' 1]`` over the sessions present (N,)."""
        present = np.isfinite(self.ar).astype(float)
        total = np.einsum("nv,nvw,nw->n", present, self.cov_factor, present)
        return np.where(self.n_sessions > 0, self.s2 * total, np.nan)

    @property
    def scar(self) -> FloatArray:
        """Standardised CAR ``CAR / sqrt V`` (N,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.car / np.sqrt(self.variance)

    def restrict(self, window: Window) -> AbnormalReturns:
        """Keep the sessions of a window inside the event window.

        Raises
        ------
        WindowError
            When `window` is not inside the event window.
        """
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
            cov_factor=self.cov_factor[:, part, part],
        )

    def take(self, rows: IntArray) -> AbnormalReturns:
        """Keep some pairs, in the order given."""
        return replace(
            self,
            event_ids=tuple(self.event_ids[i] for i in rows),
            assets=tuple(self.assets[i] for i in rows),
            position=self.position[rows],
            ar=self.ar[rows],
            ar_est=self.ar_est[rows],
            returns=self.returns[rows],
            expected=self.expected[rows],
            s2=self.s2[rows],
            n_est=self.n_est[rows],
            cov_factor=self.cov_factor[rows],
        )
