"""Single-event effects: every pair and window through the tests that stand on volatility."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from eventstudy.arrays import BoolArray, FloatArray, ReturnKind
from eventstudy.inference.single import SingleEventResult, single_event_tests
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.models.estimation import ModelFit
from eventstudy.models.volatility import VolatilityFilter, fit_filter
from eventstudy.results import PlaceboSample
from eventstudy.study.design import Study
from eventstudy.windows import Window


@dataclass(frozen=True, slots=True, eq=False)
class AssetData:
    """What the tests need to know of one asset, on the S sessions of the calendar.

    Parameters
    ----------
    asset : str
    returns, offset : (S,)
        Returns, and what is subtracted from them with coefficient one; zeros where nothing is.
    design : (S, K)
        Regressors of the model.
    levels : (S,)
        Prices; NaN where returns were given.
    rolls : (S,) bool
        Roll sessions.
    kind : {"log", "simple", "change"}
    """

    asset: str
    returns: FloatArray
    offset: FloatArray
    design: FloatArray
    levels: FloatArray
    rolls: BoolArray
    kind: ReturnKind

    @property
    def adjusted(self) -> FloatArray:
        """Returns less the offset (S,)."""
        return self.returns - self.offset


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """One event, one asset, one window.

    Parameters
    ----------
    row : int
        Row of the pair in its `AbnormalReturns`.
    window : Window
    n_sessions : int
        Sessions of the window with a return.
    result : SingleEventResult or None
        None where the window holds no return or no filter could be fitted.
    reason : str
        Why there is no result.
    base_price : float
        Price of the session before the window, in units of the price.
    roll : bool
        Whether the window contains a roll session.
    """

    row: int
    window: Window
    n_sessions: int
    result: SingleEventResult | None
    reason: str
    base_price: float
    roll: bool


def measure_effects(
    fit: ModelFit,
    data: AssetData,
    study: Study,
    *,
    windows: tuple[Window, ...],
    role: str,
    tick: Callable[[], None] = lambda: None,
) -> tuple[list[Effect], list[PlaceboSample]]:
    """Test every window of every event on one asset.

    Parameters
    ----------
    fit : ModelFit
        Abnormal returns of the events on this asset.
    data : AssetData
    study : Study
    windows : tuple of Window
        CAR windows; the first is the headline.
    role : str
        ``primary`` or ``alternative``; part of the seed, so that the two differ.
    tick : callable
        Called once per event.

    Returns
    -------
    effects : list of Effect
        Ordered by event, then by window.
    placebos : list of PlaceboSample
        Ordinary windows of the history, for the headline window.
    """
    effects: list[Effect] = []
    placebos: list[PlaceboSample] = []
    null = [fit.null_residuals(window) for window in windows]
    for row in range(len(fit.abnormal)):
        past = _history(fit, data, row)
        first = min(window.start for window in windows)
        position = int(fit.abnormal.position[row])
        before = _usable_before(past, position + first, study.history)
        volatility = _filter(before, study)
        for number, window in enumerate(windows):
            history = _usable_before(past, position + window.start, study.history)
            under_null = null[number][row]
            effect = _one(fit, data, study, row, window, history, volatility, under_null, role)
            effects.append(effect)
            if number == 0 and effect.result is not None:
                sample = _placebo(fit.abnormal, row, window, history, volatility, effect)
                placebos += [sample] if sample is not None else []
        tick()
    return effects, placebos


def _history(fit: ModelFit, data: AssetData, row: int) -> FloatArray:
    """Abnormal return of every session of the sample under one event's parameters (S,)."""
    expected = data.design @ fit.params[row] if data.design.shape[1] else 0.0
    return np.where(data.rolls, np.nan, data.adjusted - expected)


def _usable_before(path: FloatArray, end: int, most: int) -> FloatArray:
    before = path[: max(end, 0)]
    return before[np.isfinite(before)][-most:]


def _filter(history: FloatArray, study: Study) -> VolatilityFilter | str:
    from eventstudy.errors import EstimationError

    try:
        return fit_filter(history, kind=study.volatility)
    except EstimationError as error:
        return str(error)


def _one(
    fit: ModelFit,
    data: AssetData,
    study: Study,
    row: int,
    window: Window,
    history: FloatArray,
    volatility: VolatilityFilter | str,
    null_residuals: FloatArray,
    role: str,
) -> Effect:
    part = fit.abnormal.restrict(window)
    position = int(part.position[row])
    inside = slice(max(position + window.start, 0), position + window.end + 1)
    base = position + window.start - 1
    price = float(data.levels[base]) if 0 <= base < len(data.levels) else float("nan")
    roll = bool(data.rolls[inside].any())
    ar = part.ar[row][np.isfinite(part.ar[row])]
    s2, df = float(part.s2[row]), int(part.df[row])
    reason = volatility if isinstance(volatility, str) else ""
    if not ar.size:
        reason = "no return in the window"
    elif not np.isfinite(s2) or s2 <= 0.0:
        reason = "the returns of the estimation window do not vary"
    if reason or isinstance(volatility, str):
        return Effect(row, window, int(ar.size), None, reason, price, roll)
    residuals = part.ar_est[row]
    found = single_event_tests(
        history=history,
        filter=volatility,
        residuals=residuals[np.isfinite(residuals)],
        window_ar=ar,
        se=float(np.sqrt(part.variance[row])),
        s=float(np.sqrt(s2)),
        df=df,
        null_residuals=null_residuals[np.isfinite(null_residuals)],
        level=study.level,
        draws=study.draws,
        rng=generator(study.seed, part.event_ids[row], data.asset, str(window), role),
    )
    # The law of the placebo effects is drawn on its own; thousands of paths per row need not stay.
    result = replace(found, reference=np.empty(0))
    return Effect(row, window, int(ar.size), result, "", price, roll)


def _placebo(
    abnormal: AbnormalReturns,
    row: int,
    window: Window,
    history: FloatArray,
    volatility: VolatilityFilter | str,
    effect: Effect,
) -> PlaceboSample | None:
    if isinstance(volatility, str) or effect.result is None or history.size < len(window) + 1:
        return None
    size = effect.n_sessions
    path = volatility.run(history)
    sums = np.convolve(history, np.ones(size), mode="valid")
    scale = volatility.forecast_scale(path.sigma, size)[: sums.size]
    now = float(volatility.forecast_scale(path.sigma_next, size))
    return PlaceboSample(
        event_id=abnormal.event_ids[row],
        asset=abnormal.assets[row],
        window=window,
        effects=sums,
        standardised=sums / scale,
        effect=effect.result.effect,
        effect_standardised=effect.result.effect / now,
    )


def generator(seed: int, *labels: str) -> np.random.Generator:
    """Return a generator that depends on the seed and on labels, not on the order of events."""
    digest = hashlib.blake2b("\x1f".join(labels).encode(), digest_size=16).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
    return np.random.default_rng([seed, *words])
