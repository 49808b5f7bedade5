"""From returns and positions to abnormal returns: gather windows, fit, predict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.arrays import BoolArray, FloatArray, IntArray, ReturnKind
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.models.least_squares import Fit, least_squares
from eventstudy.windows import Window


@dataclass(frozen=True, slots=True, eq=False)
class ModelFit:
    """Abnormal returns together with the parameters behind them.

    Parameters
    ----------
    abnormal : AbnormalReturns
    params : (N, K)
        Coefficients of the estimation window; the intercept first where there is one.
    singular : (N,) bool
        Pairs that could not be fitted.
    y : (N, L + W)
        Returns less the offset, estimation sessions first; NaN where unusable.
    x : (N, L + W, K)
        Regressors of the same sessions.
    """

    abnormal: AbnormalReturns
    params: FloatArray
    singular: BoolArray
    y: FloatArray
    x: FloatArray

    def null_residuals(self, window: Window) -> FloatArray:
        """Residuals of the model fitted on estimation and window sessions together.

        Parameters
        ----------
        window : Window
            Inside the event window.

        Returns
        -------
        (N, L + W') float
            Under the null of no effect; NaN where unusable.

        References
        ----------
        Chernozhukov, Wuthrich and Zhu (2021), JASA 116, 1849-1864.
        """
        length = len(self.abnormal.estimation)
        start = length + window.start - self.abnormal.window.start
        columns = np.r_[0:length, start : start + len(window)]
        return least_squares(self.y[:, columns], self.x[:, columns]).residuals


def gather(values: FloatArray, position: IntArray, window: Window) -> FloatArray:
    """Rows of `values` in a window around each position; NaN outside the sample.

    Parameters
    ----------
    values : (S,) or (S, K)
    position : (N,) int
    window : Window

    Returns
    -------
    (N, W) or (N, W, K)
    """
    index = position[:, None] + np.arange(window.start, window.end + 1)[None, :]
    inside = (index >= 0) & (index < values.shape[0])
    found = values[np.clip(index, 0, values.shape[0] - 1)]
    mask = inside if found.ndim == inside.ndim else inside[:, :, None]
    return np.where(mask, found, np.nan)


def fit_pairs(
    returns: FloatArray,
    design: FloatArray,
    offset: FloatArray,
    *,
    position: IntArray,
    window: Window,
    estimation: Window,
    masked: BoolArray,
    event_ids: tuple[str, ...],
    asset: str,
    return_kind: ReturnKind,
) -> ModelFit:
    """Abnormal returns of N events on one asset.

    Parameters
    ----------
    returns : (S,)
        Returns of the asset, NaN where undefined.
    design : (S, K)
        Regressors of the model.
    offset : (S,)
        What is subtracted with coefficient one; zeros where nothing is.
    position : (N,) int
        Session 0 of each event.
    window, estimation : Window
        Event window (W) and estimation window (L).
    masked : (N, L) bool
        Estimation sessions that may not be used: rolls, other events.
    event_ids : tuple of str, length N
    asset : str
    return_kind : {"log", "simple", "change"}

    Returns
    -------
    ModelFit

    References
    ----------
    MacKinlay (1997), Event studies in economics and finance, eqs. 4-9; Campbell, Lo and
    MacKinlay (1997), section 4.4, for the prediction covariance of the window.
    """
    adjusted = returns - offset
    y_est = np.where(masked, np.nan, gather(adjusted, position, estimation))
    x_est = gather(design, position, estimation)
    fit = least_squares(y_est, x_est)
    y_win, x_win = gather(adjusted, position, window), gather(design, position, window)
    fitted = np.einsum("nwk,nwk->nw", x_win, np.broadcast_to(fit.params[:, None, :], x_win.shape))
    ar = _predict_residual(y_win, fitted, fit)
    abnormal = AbnormalReturns(
        event_ids=event_ids,
        assets=(asset,) * len(event_ids),
        window=window,
        estimation=estimation,
        position=position.astype(np.int64),
        ar=ar,
        ar_est=fit.residuals,
        returns=gather(returns, position, window),
        expected=fitted + gather(offset, position, window),
        s2=fit.s2,
        n_est=fit.n_used,
        n_params=design.shape[1],
        cov_factor=_cov_factor(x_win, fit),
        return_kind=return_kind,
    )
    y = np.hstack([y_est, y_win])
    x = np.concatenate([x_est, x_win], axis=1)
    return ModelFit(abnormal, fit.params, fit.singular, y, x)


def _predict_residual(y: FloatArray, fitted: FloatArray, fit: Fit) -> FloatArray:
    return np.where(fit.singular[:, None], np.nan, y - fitted)


def _cov_factor(x_win: FloatArray, fit: Fit) -> FloatArray:
    # A missing regressor makes the abnormal return missing; its row must not spoil the others.
    filled = np.where(np.isfinite(x_win), x_win, 0.0)
    return np.eye(x_win.shape[1])[None, :, :] + fit.leverage(filled)
