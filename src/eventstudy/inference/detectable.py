"""Power, and the mean effects that a sample can show before anyone looks at its event windows.

Everywhere `level` and `power` are the level of the test and the power wanted; `se` is the standard
error of the estimate of an effect, in the units of the effect.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from eventstudy.inference.over_dates.sample import DatedReturns, OverDates
from eventstudy.inference.over_events.sample import EventSample, OverEvents, event_sample
from eventstudy.inference.statistic import statistics
from eventstudy.models.abnormal import AbnormalReturns

OVER_EVENTS = {
    entry.name: entry
    for entry in statistics("events")
    if isinstance(entry, OverEvents) and entry.standard_error
}
PLACEBO = {
    entry.name: entry.placebo
    for entry in statistics("dates")
    if isinstance(entry, OverDates) and entry.placebo
}
CLOSED_FORM = tuple(OVER_EVENTS)
LEAST_WINDOWS = {entry.name: entry.min_n for entry in statistics("dates")}
PLACEBOS, STEPS, MOST, HALVINGS = 200, 12, 8.0, 60


def without_returns(sample: AbnormalReturns) -> AbnormalReturns:
    """Blank what the event windows hold: zero where there is a return, missing where not."""
    return replace(sample, ar=sample.ar * 0.0, returns=sample.returns * 0.0)


def detectable_mean(
    sample: AbnormalReturns | EventSample,
    name: str,
    *,
    level: float = 0.05,
    power: float = 0.8,
    n: float = 1.0,
) -> float:
    """Return the mean CAR that a test over pairs finds with the given power, in closed form.

    The spread of CARs is taken from the estimation windows, without event-induced variance; event
    returns are not read. NaN for a test not in `CLOSED_FORM`, or with too few pairs. `n` is the
    multiple of N to answer for; correlations stay as they are.
    """
    size = round(len(sample) * n)
    standard_error = OVER_EVENTS[name].standard_error if name in OVER_EVENTS else None
    if standard_error is None or size < 1:
        return math.nan
    se, df = standard_error(event_sample(sample), size)
    if math.isinf(df):
        return normal_detectable(se, level=level, power=power)
    return t_detectable(se, df, level=level, power=power) if df >= 1 else math.nan


def detectable_dated(
    dated: DatedReturns, name: str, *, level: float = 0.05, power: float = 0.8
) -> float:
    """Return the effect that a test over all dates finds with the given power, by placebo dates.

    All windows are moved along together to up to 200 evenly spaced places, an effect is spread
    over the covered sessions (once, however many windows cover one), and the test is run: the
    effect is the least at which the wanted share of places rejects. The returns of the windows
    themselves never stand under an event. Everything an effect changes is known beforehand, so
    that no test is run anew.

    `name` is one of `PLACEBO`, the tests that declare what an effect does to them. The effect is
    that on the sum over a window, in standard deviations of one session; infinite where eight per
    root session are not enough, NaN where there are too few windows.
    """
    if len(dated) < LEAST_WINDOWS[name]:
        return math.nan
    edges = dated.sessions, len(dated.z) - dated.sessions
    places = np.unique(np.linspace(*edges, PLACEBOS).astype(int))
    rejects = PLACEBO[name](dated.unsigned(), places, level)
    low, high = 0.0, MOST * math.sqrt(dated.sessions)
    if rejects(high) < power:
        return math.inf
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        enough = rejects(middle) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def normal_power(effect: float, se: float, *, level: float = 0.05) -> float:
    """Return the power of a two-sided z test, ``Phi(d - q) + Phi(-d - q)``, d = |effect| / se.

    References
    ----------
    MacKinlay (1997), Journal of Economic Literature 35, 13-39, table 2.
    """
    from scipy.special import ndtr, ndtri

    quantile, distance = -float(ndtri(level / 2)), abs(effect) / se
    return float(ndtr(distance - quantile) + ndtr(-distance - quantile))


def t_power(effect: float, se: float, df: float, *, level: float = 0.05) -> float:
    """Return the power of a two-sided t test from the noncentral t."""
    from scipy import special

    quantile, distance = float(special.stdtrit(df, 1 - level / 2)), abs(effect) / se
    upper = 1.0 - float(special.nctdtr(df, distance, quantile))
    return upper + float(special.nctdtr(df, distance, -quantile))


def t_detectable(se: float, df: float, *, level: float = 0.05, power: float = 0.8) -> float:
    """Return the effect that a two-sided t test finds with the given power, by bisection."""
    low, high = 0.0, se
    while t_power(high, se, df, level=level) < power:
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        enough = t_power(middle, se, df, level=level) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def normal_detectable(se: float, *, level: float = 0.05, power: float = 0.8) -> float:
    """``se (q_{1 - level/2} + q_{power})`` of a z test, the far tail (1e-5 of power) aside."""
    from scipy.special import ndtri

    if not math.isfinite(se):
        return math.inf
    return se * float(-ndtri(level / 2) + ndtri(power))
