"""From returns and positions to abnormal returns: gather windows, fit, predict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from eventstudy.arrays import BoolArray, FloatArray, IntArray, ReturnKind
from eventstudy.models.abnormal import AbnormalReturns, CovFactor
from eventstudy.models.least_squares import BLOCK, Fit, fit_columns, least_squares, stacked
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
    adjusted : (S,)
        Returns of the asset less the offset.
    design : (S, K)
        Regressors of the model.
    masked : (S,) or (N, L) bool
        Estimation sessions that may not be used.
    """

    abnormal: AbnormalReturns
    params: FloatArray
    singular: BoolArray
    adjusted: FloatArray
    design: FloatArray
    masked: BoolArray

    def take(self, rows: IntArray) -> ModelFit:
        """Keep some pairs, in the order given."""
        return ModelFit(
            self.abnormal.take(rows),
            self.params[rows],
            self.singular[rows],
            self.adjusted,
            self.design,
            self.masked if self.masked.ndim == 1 else self.masked[rows],
        )

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
        at, spans = self.abnormal.position, (self.abnormal.estimation, window)
        left_out = _spread(self.masked, at, spans[0])
        y = [gather(self.adjusted, at, span) for span in spans]
        y[0] = np.where(left_out, np.nan, y[0])
        x = [gather(self.design, at, span) for span in spans]
        return least_squares(np.hstack(y), np.concatenate(x, axis=1)).residuals


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
    first, views = _views(values, position, window)
    found = views[first]
    return np.ascontiguousarray(np.moveaxis(found, -1, 1))


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
    masked : (S,) or (N, L) bool
        Estimation sessions that may not be used, such as rolls and other events: sessions of
        the sample, or of each window where they differ by event.
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
    adjusted, position = returns - offset, position.astype(np.int64)
    abnormal, fit = _abnormal(
        returns, adjusted, design, offset, position,
        window=window, estimation=estimation, masked=masked,
        event_ids=event_ids, assets=(asset,) * len(event_ids), return_kind=return_kind,
    )  # fmt: skip
    return ModelFit(abnormal, fit.params, fit.singular, adjusted, design, masked)


@dataclass(frozen=True, slots=True, eq=False)
class SampleFit:
    """Fits of N pairs of an event and one of A assets.

    Parameters
    ----------
    abnormal : AbnormalReturns
    params : (N, K)
    singular : (N,) bool
        As in `ModelFit`.
    adjusted : mapping of str to (S,)
        Returns of each asset less the offset.
    design : (S, K)
    masked : mapping of str to (S,) bool
        Estimation sessions that may not be used, by asset.
    """

    abnormal: AbnormalReturns
    params: FloatArray
    singular: BoolArray
    adjusted: Mapping[str, FloatArray]
    design: FloatArray
    masked: Mapping[str, BoolArray]

    def take(self, rows: IntArray) -> SampleFit:
        """Keep some pairs, in the order given."""
        return replace(
            self,
            abnormal=self.abnormal.take(rows),
            params=self.params[rows],
            singular=self.singular[rows],
        )

    def on(self, asset: str) -> ModelFit:
        """Return the pairs of one asset; views where they follow one another."""
        rows = self.abnormal.rows_by_asset[asset]
        return ModelFit(
            self.abnormal.take(rows),
            self.params[rows],
            self.singular[rows],
            self.adjusted[asset],
            self.design,
            self.masked[asset],
        )


def fit_sample(
    returns: Mapping[str, FloatArray],
    design: FloatArray,
    offset: FloatArray,
    *,
    asset: IntArray,
    position: IntArray,
    window: Window,
    estimation: Window,
    masked: Mapping[str, BoolArray],
    event_ids: tuple[str, ...],
    return_kind: ReturnKind,
) -> SampleFit:
    """Abnormal returns of N pairs of an event and one of A assets, in one pass.

    Parameters
    ----------
    returns : mapping of str to (S,)
        Returns of each of the A assets.
    design, offset, window, estimation, return_kind
        As in `fit_pairs`; the same for every asset.
    asset, position : (N,) int
        Asset, by its number in `returns`, and session 0 of each pair.
    masked : mapping of str to (S,) bool
        Estimation sessions that may not be used, by asset.
    event_ids : tuple of str, length N

    Returns
    -------
    SampleFit
    """
    names, size = tuple(returns), len(offset)
    adjusted = {name: one - offset for name, one in returns.items()}
    spans = (window, estimation)
    low = max(-min(int(position.min(initial=0)) + span.start for span in spans), 0)
    high = max(max(int(position.max(initial=0)) + span.end + 1 for span in spans) - size, 0)

    def one_after_another(series: Iterable[FloatArray]) -> FloatArray:
        """Lay the assets end to end, so far apart that no window reaches into the next one."""
        ends = ((low, high), (0, 0))
        parts = [np.pad(one, ends[: one.ndim], constant_values=np.nan) for one in series]
        return np.concatenate(parts)

    together, fit = _abnormal(
        one_after_another(returns.values()),
        one_after_another(adjusted.values()),
        one_after_another([design] * len(names)),
        one_after_another([offset] * len(names)),
        asset * (size + low + high) + low + position,
        window=window,
        estimation=estimation,
        masked=np.concatenate([np.pad(masked[name], (low, high)) for name in names]),
        event_ids=event_ids,
        assets=tuple([names[i] for i in asset.tolist()]),
        return_kind=return_kind,
    )
    abnormal = replace(together, position=position.astype(np.int64))
    return SampleFit(abnormal, fit.params, fit.singular, adjusted, design, masked)


def _abnormal(
    returns: FloatArray,
    adjusted: FloatArray,
    design: FloatArray,
    offset: FloatArray,
    position: IntArray,
    *,
    window: Window,
    estimation: Window,
    masked: BoolArray,
    event_ids: tuple[str, ...],
    assets: tuple[str, ...],
    return_kind: ReturnKind,
) -> tuple[AbnormalReturns, Fit]:
    fit = _fit_windows(adjusted, design, position, estimation, masked)
    n, width, k = len(position), len(window), design.shape[1]
    ar, expected, half = np.empty((n, width)), np.empty((n, width)), np.empty((n, k, width))
    for first in range(0, n, 4 * BLOCK):  # what a block needs stays in the cache
        rows = slice(first, first + 4 * BLOCK)
        ahead, part = gather(design, position[rows], window), fit.take(rows)
        fitted = np.vecdot(ahead, part.params[:, None, :])
        ar[rows] = gather(adjusted, position[rows], window) - fitted
        expected[rows] = fitted + gather(offset, position[rows], window)
        # A missing regressor makes the abnormal return missing; it must not spoil the others.
        half[rows] = part.half_leverage(np.where(np.isfinite(ahead), ahead, 0.0))
    ar[fit.singular] = np.nan
    abnormal = AbnormalReturns(
        event_ids=event_ids,
        assets=assets,
        window=window,
        estimation=estimation,
        position=position,
        ar=ar,
        ar_est=fit.residuals,
        returns=gather(returns, position, window),
        expected=expected,
        s2=fit.s2,
        n_est=fit.n_used,
        n_params=k,
        cov_factor=CovFactor(half),
        return_kind=return_kind,
    )
    return abnormal, fit


def _fit_windows(
    y: FloatArray, design: FloatArray, position: IntArray, window: Window, masked: BoolArray
) -> Fit:
    """Fit one window of a series per position, a block of windows at a time.

    Windows without a gap and windows with one are fitted apart: a number must not depend on
    what lies in the other windows of its block.
    """
    usable = np.isfinite(y) & np.isfinite(design).all(axis=1)
    left_out = masked if masked.ndim == 2 else None  # noqa: PLR2004  # a mask per window
    if left_out is None:
        usable &= ~masked
    columns = [np.where(usable, column, 0.0) for column in (*design.T, y)]
    constant = design.shape[1] > 0 and bool((design[:, 0] == 1.0).all())
    series = _Series([*columns, usable.astype(np.float64)], position, window)
    n_used = series.sums()
    if left_out is not None:
        n_used = n_used - (series.block(-1, slice(None)) * left_out).sum(axis=1).astype(np.int64)
    full = n_used == len(window)
    residuals = np.empty((len(position), len(window)))
    order, fits = [], []
    for whole in (True, False):
        rows = np.flatnonzero(full == whole)
        for first in range(0, len(rows), BLOCK):
            part = rows[first : first + BLOCK]
            fit = _fit_block(series, part, n_used[part], left_out, constant=whole and constant)
            residuals[part] = fit.residuals
            order.append(part)
            fits.append(fit)
    together = stacked(fits, residuals, design.shape[1])
    back = np.argsort(np.concatenate(order)) if order else np.zeros(0, dtype=np.int64)
    return Fit(
        together.params[back], residuals, together.s2[back], n_used,
        together.root[back], together.singular[back],
    )  # fmt: skip


def _fit_block(
    series: _Series, rows: IntArray, n_used: IntArray, left_out: BoolArray | None, *, constant: bool
) -> Fit:
    """Fit some windows; with `constant` they have no gap and begin with an intercept."""
    n_params = series.size - 2
    columns: list[FloatArray | None] = [None] if constant else []
    columns += [series.block(j, rows) for j in range(len(columns), n_params)]
    y = series.block(n_params, rows)
    if bool((n_used == series.width).all()):
        return fit_columns(y, columns, n_used)
    live = series.block(-1, rows)
    if left_out is not None:
        live *= ~left_out[rows]
        y *= live
        for column in columns:
            if column is not None:
                np.multiply(column, live, out=column)
    fit = fit_columns(y, columns, n_used)
    fit.residuals[live == 0.0] = np.nan
    return fit


class _Series:
    """Windows of a fixed length on several series of one sample, zero outside it."""

    def __init__(self, series: list[FloatArray], position: IntArray, window: Window) -> None:
        self.size, self.width = len(series), len(window)
        made = [_views(one, position, window, outside=0.0) for one in series]
        self._first = made[0][0]
        self._views = [views for _, views in made]

    def block(self, number: int, rows: IntArray | slice) -> FloatArray:
        """Copy the windows of one series (n, L)."""
        return np.asarray(self._views[number][self._first[rows]])

    def sums(self) -> IntArray:
        """Sum the last series, of zeros and ones, over every window (N,)."""
        flat = self._views[-1]
        running = np.concatenate([[0.0], np.cumsum(np.append(flat[:, 0], flat[-1, 1:]))])
        return np.asarray(running[self._first + self.width] - running[self._first], dtype=np.int64)


def _views(
    values: FloatArray, position: IntArray, window: Window, *, outside: float = np.nan
) -> tuple[IntArray, FloatArray]:
    """Every window of `values` as a view, time last, and the first row of each position."""
    ends = (int(position.min()), int(position.max())) if len(position) else (-window.start,) * 2
    low = min(ends[0] + window.start, 0)
    high = max(ends[1] + window.end + 1, len(values), low + len(window))
    if low < 0 or high > len(values):
        padding = [(-low, high - len(values))] + [(0, 0)] * (values.ndim - 1)
        values = np.pad(values, padding, constant_values=outside)
    return position + window.start - low, sliding_window_view(values, len(window), axis=0)


def _spread(masked: BoolArray, position: IntArray, window: Window) -> BoolArray:
    """Return a mask of sessions, or of windows, as one of windows (N, L)."""
    if masked.ndim == 2:  # noqa: PLR2004  # a mask per window
        return masked
    return np.asarray(np.nan_to_num(gather(masked.astype(np.float64), position, window)) > 0)
