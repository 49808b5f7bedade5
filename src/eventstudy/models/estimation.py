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
    """Abnormal returns of one asset together with the parameters behind them.

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
    masked : (S,) bool
        Estimation sessions that may not be used.
    """

    abnormal: AbnormalReturns
    params: FloatArray
    singular: BoolArray
    adjusted: FloatArray
    design: FloatArray
    masked: BoolArray

    def null_residuals(self, window: Window) -> FloatArray:
        """Residuals (N, L + W) of the model fitted on estimation and window sessions together.

        Under the null of no effect; NaN where unusable.

        References
        ----------
        Chernozhukov, Wuthrich and Zhu (2021), JASA 116, 1849-1864.
        """
        at, spans = self.abnormal.position, (self.abnormal.estimation, window)
        before = np.where(self.masked, np.nan, self.adjusted)
        y = [gather(before, at, spans[0]), gather(self.adjusted, at, window)]
        x = [gather(self.design, at, span) for span in spans]
        return least_squares(np.hstack(y), np.concatenate(x, axis=1)).residuals


def gather(values: FloatArray, position: IntArray, window: Window) -> FloatArray:
    """Rows of `values` (S,) or (S, K) in a window around each position (N, W) or (N, W, K).

    NaN outside the sample.
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
    """Abnormal returns of N events on one asset: `fit_sample` of one."""
    fit = fit_sample(
        {asset: returns}, design, offset, asset=np.zeros(len(position), dtype=np.int64),
        position=position, window=window, estimation=estimation, masked={asset: masked},
        event_ids=event_ids, return_kind=return_kind,
    )  # fmt: skip
    return ModelFit(fit.abnormal, fit.params, fit.singular, fit.adjusted[asset], design, masked)


@dataclass(frozen=True, slots=True, eq=False)
class SampleFit:
    """Fits of N pairs of an event and one of A assets.

    As `ModelFit`, with `adjusted` and `masked` by asset.
    """

    abnormal: AbnormalReturns
    params: FloatArray
    singular: BoolArray
    adjusted: Mapping[str, FloatArray]
    design: FloatArray
    masked: Mapping[str, BoolArray]

    def take(self, rows: IntArray) -> SampleFit:
        """Keep some pairs, in the order given."""
        part, of = self.abnormal.take(rows), (self.params[rows], self.singular[rows])
        return replace(self, abnormal=part, params=of[0], singular=of[1])

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
        Returns of each of the A assets, NaN where undefined.
    design : (S, K)
        Regressors of the model, the same for every asset.
    offset : (S,)
        What is subtracted with coefficient one; zeros where nothing is.
    asset, position : (N,) int
        Asset, by its number in `returns`, and session 0 of each pair.
    window, estimation : Window
        Event window (W) and estimation window (L).
    masked : mapping of str to (S,) bool
        Estimation sessions that may not be used, such as rolls and other events, by asset.
    event_ids : tuple of str, length N
    return_kind : {"log", "simple", "change"}

    References
    ----------
    MacKinlay (1997), Event studies in economics and finance, eqs. 4-9; Campbell, Lo and
    MacKinlay (1997), section 4.4, for the prediction covariance of the window.
    """
    names, size = tuple(returns), len(offset)
    adjusted = {name: one - offset for name, one in returns.items()}
    spans = (window, estimation)
    low = max(-min(int(position.min(initial=0)) + span.start for span in spans), 0)
    high = max(max(int(position.max(initial=0)) + span.end + 1 for span in spans) - size, 0)

    def laid(series: Iterable[FloatArray]) -> FloatArray:
        """Lay the assets end to end, so far apart that no window reaches into the next one."""
        ends = ((low, high), (0, 0))
        parts = [np.pad(one, ends[: one.ndim], constant_values=np.nan) for one in series]
        return np.concatenate(parts)

    y, x, less = laid(adjusted.values()), laid([design] * len(names)), laid([offset] * len(names))
    left_out = np.concatenate([np.pad(masked[name], (low, high)) for name in names])
    place = asset * (size + low + high) + low + position
    fit = _fit_windows(y, x, place, estimation, left_out)
    ar, expected, half = _predicted(fit, y, x, less, place, window)
    abnormal = AbnormalReturns(
        event_ids=event_ids,
        assets=tuple([names[i] for i in asset.tolist()]),
        window=window,
        estimation=estimation,
        position=position.astype(np.int64),
        ar=ar,
        ar_est=fit.residuals,
        returns=gather(laid(returns.values()), place, window),
        expected=expected,
        s2=fit.s2,
        n_est=fit.n_used,
        n_params=design.shape[1],
        cov_factor=CovFactor(half),
        return_kind=return_kind,
    )
    return SampleFit(abnormal, fit.params, fit.singular, adjusted, design, masked)


def _predicted(
    fit: Fit,
    y: FloatArray,
    design: FloatArray,
    offset: FloatArray,
    position: IntArray,
    window: Window,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Abnormal and expected returns of a window (N, W), and its leverage ``half`` (N, K, W)."""
    n, width, k = len(position), len(window), design.shape[1]
    ar, expected, half = np.empty((n, width)), np.empty((n, width)), np.empty((n, k, width))
    for first in range(0, n, 4 * BLOCK):  # what a block needs stays in the cache
        rows = slice(first, first + 4 * BLOCK)
        ahead, part = gather(design, position[rows], window), fit.take(rows)
        fitted = np.vecdot(ahead, part.params[:, None, :])
        ar[rows] = gather(y, position[rows], window) - fitted
        expected[rows] = fitted + gather(offset, position[rows], window)
        # A missing regressor makes the abnormal return missing; it must not spoil the others.
        half[rows] = part.half_leverage(np.where(np.isfinite(ahead), ahead, 0.0))
    ar[fit.singular] = np.nan
    return ar, expected, half


def _fit_windows(
    y: FloatArray, design: FloatArray, position: IntArray, window: Window, masked: BoolArray
) -> Fit:
    """Fit one window of a series per position, a block of windows at a time.

    Windows without a gap and windows with one are fitted apart: a number must not depend on
    what lies in the other windows of its block.
    """
    usable = np.isfinite(y) & np.isfinite(design).all(axis=1) & ~masked
    columns = [np.where(usable, column, 0.0) for column in (*design.T, y)]
    constant = design.shape[1] > 0 and bool((design[:, 0] == 1.0).all())
    series = _Series([*columns, usable.astype(np.float64)], position, window)
    n_used = series.sums()
    full = n_used == len(window)
    residuals = np.empty((len(position), len(window)))
    order, fits = [], []
    for whole in (True, False):
        rows = np.flatnonzero(full == whole)
        for first in range(0, max(len(rows), 1), BLOCK):
            part = rows[first : first + BLOCK]
            fit = _fit_block(series, part, n_used[part], constant=whole and constant)
            residuals[part] = fit.residuals
            order.append(part)
            fits.append(fit)
    together, back = stacked(fits, residuals), np.argsort(np.concatenate(order))
    return Fit(
        together.params[back], residuals, together.s2[back], n_used,
        together.root[back], together.singular[back],
    )  # fmt: skip


def _fit_block(series: _Series, rows: IntArray, n_used: IntArray, *, constant: bool) -> Fit:
    """Fit some windows; with `constant` they have no gap and begin with an intercept."""
    n_params = series.size - 2
    columns: list[FloatArray | None] = [None] if constant else []
    columns += [series.block(j, rows) for j in range(len(columns), n_params)]
    y = series.block(n_params, rows)
    if bool((n_used == series.width).all()):
        return fit_columns(y, columns, n_used)
    fit = fit_columns(y, columns, n_used)
    fit.residuals[series.block(-1, rows) == 0.0] = np.nan
    return fit


class _Series:
    """Windows of a fixed length on several series of one sample, zero outside it."""

    def __init__(self, series: list[FloatArray], position: IntArray, window: Window) -> None:
        self.size, self.width = len(series), len(window)
        made = [_views(one, position, window, outside=0.0) for one in series]
        self._first = made[0][0]
        self._views = [views for _, views in made]

    def block(self, number: int, rows: IntArray) -> FloatArray:
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
