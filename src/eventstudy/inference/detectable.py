"""Mean effects that a sample can show, by test, before anyone looks at its event windows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from eventstudy.abnormal import AbnormalReturns
from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.correlation import (
    car_correlation,
    mean_correlation,
    mean_off_diagonal,
)
from eventstudy.inference.dated import DatedReturns
from eventstudy.inference.overlap import overlap_z, shift_mean, shift_sharp
from eventstudy.inference.parametric import average_by_session
from eventstudy.inference.power import normal_detectable, t_detectable
from eventstudy.inference.values import TestValue

CLOSED_FORM = (
    "time_series_t", "crude_dependence_t", "cross_sectional_t", "patell", "patell_kp_overlap",
    "bmp", "bmp_kp", "bmp_kp_overlap",
)  # fmt: skip
PLACEBO: dict[str, Callable[[DatedReturns], TestValue]] = {
    "overlap_z": overlap_z,
    "shift_sharp": shift_sharp,
    "shift_mean": shift_mean,
}
PLACEBOS, STEPS, MOST = 200, 12, 8.0


def without_returns(sample: AbnormalReturns) -> AbnormalReturns:
    """Blank what the event windows hold: zero where there is a return, missing where not."""
    return replace(sample, ar=sample.ar * 0.0, returns=sample.returns * 0.0)


def detectable_mean(
    sample: AbnormalReturns, name: str, *, level: float = 0.05, power: float = 0.8, n: float = 1.0
) -> float:
    """Return the mean CAR that a test over pairs finds with the given power, in closed form.

    The spread of CARs is taken from the estimation windows: no event-induced variance.

    Parameters
    ----------
    sample : AbnormalReturns
        N pairs, restricted to the window; event returns are not read.
    name : str
        One of `CLOSED_FORM`.
    level, power : float
        Level of the test and the power wanted.
    n : float
        Multiple of N to answer for; correlations stay as they are.

    Returns
    -------
    float
        NaN for a test without a closed form here, or with too few pairs.
    """
    size = round(len(sample) * n)
    if name not in CLOSED_FORM or size < 1:
        return math.nan
    se, df = _standard_error(sample, name, size)
    if math.isinf(df):
        return normal_detectable(se, level=level, power=power)
    return t_detectable(se, df, level=level, power=power) if df >= 1 else math.nan


def _standard_error(sample: AbnormalReturns, name: str, size: int) -> tuple[float, float]:
    """Return the standard error of the mean CAR as the test sees it, and degrees of freedom."""
    variance = float(sample.variance.mean())
    plain = math.sqrt(variance / size)
    if name == "time_series_t":
        return plain, float(sample.df.min())
    if name == "crude_dependence_t":
        aar = average_by_session(sample.ar_est)
        factor = math.sqrt(len(sample) / size)
        return float(aar.std(ddof=1)) * math.sqrt(len(sample.window)) * factor, float(len(aar) - 1)
    if name == "cross_sectional_t":
        return plain, float(size - 1)
    # tests on SCAR weigh each pair by its own standard deviation
    df = sample.df.astype(float)
    inverse = float((1.0 / np.sqrt(sample.variance)).mean())
    scaled = math.sqrt(float((df / (df - 2.0)).mean())) / (inverse * math.sqrt(size))
    if name in {"patell", "bmp"}:
        return scaled, math.inf if name == "patell" else float(size - 1)
    rbar = (
        mean_off_diagonal(car_correlation(sample))
        if name.endswith("overlap")
        else mean_correlation(sample)
    )
    inflated = scaled * math.sqrt(max(1.0 + (size - 1) * rbar, 0.0))
    return inflated, math.inf if name.startswith("patell") else float(size - 1)


def detectable_dated(
    dated: DatedReturns, name: str, *, level: float = 0.05, power: float = 0.8
) -> float:
    """Return the effect that a test over all dates finds with the given power, by placebo dates.

    All windows are moved along together to up to 200 evenly spaced places, an effect is spread
    over the covered sessions (once, however many windows cover one), and the test is run: the
    effect is the least at which the wanted share of places rejects. The returns of the windows
    themselves never stand under an event.

    Parameters
    ----------
    dated : DatedReturns
        N windows, signs aside.
    name : str
        One of `PLACEBO`.
    level, power : float
        Level of the test and the power wanted.

    Returns
    -------
    float
        Effect on the sum over a window, in standard deviations of one session; infinite where
        eight per root session are not enough, NaN where the test has no value.
    """
    test, unsigned = PLACEBO[name], dated.unsigned()
    length = len(dated.z)
    reach = int(dated.first.max() - dated.first.min()) + dated.sessions
    places = np.unique(np.linspace(dated.sessions, length - dated.sessions, PLACEBOS).astype(int))
    low, high = 0.0, MOST * math.sqrt(dated.sessions)
    try:
        if _share(test, unsigned, places, high, level) < power:
            return math.inf if reach < length else math.nan
        for _ in range(STEPS):
            middle = 0.5 * (low + high)
            enough = _share(test, unsigned, places, middle, level) >= power
            low, high = (low, middle) if enough else (middle, high)
    except EstimationError:
        return math.nan
    return high


def _share(
    test: Callable[[DatedReturns], TestValue],
    dated: DatedReturns,
    places: FloatArray,
    effect: float,
    level: float,
) -> float:
    """Share of placebo places at which the test rejects."""
    x = np.where(np.isfinite(dated.z), dated.x, np.nan)
    covered = np.zeros(x.shape, dtype=bool)
    for step in range(dated.sessions):
        covered[dated.first + step, dated.column] = True
    hits = 0
    for place in places:
        moved = np.roll(x, -int(place), axis=0)
        moved[covered] += effect / dated.sessions
        hits += test(replace(dated, z=moved)).pvalue <= level
    return hits / len(places)
