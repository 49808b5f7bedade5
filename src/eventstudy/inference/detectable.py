"""Mean effects that a sample can show, by test, before anyone looks at its event windows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from eventstudy.arrays import FloatArray, IntArray
from eventstudy.inference.correlation import (
    car_correlation,
    mean_correlation,
    mean_off_diagonal,
)
from eventstudy.inference.dated import DatedReturns
from eventstudy.inference.overlap import (
    LEAST_MEAN,
    NOISE,
    circular_blocks,
    shifted_sums,
    studentised,
)
from eventstudy.inference.parametric import average_by_session
from eventstudy.inference.power import normal_detectable, t_detectable
from eventstudy.models.abnormal import AbnormalReturns

CLOSED_FORM = (
    "time_series_t", "crude_dependence_t", "cross_sectional_t", "patell", "patell_kp_overlap",
    "bmp", "bmp_kp", "bmp_kp_overlap",
)  # fmt: skip
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
    themselves never stand under an event. Everything an effect changes is known beforehand, so
    that no test is run anew.

    Parameters
    ----------
    dated : DatedReturns
        N windows, signs aside.
    name : {"overlap_z", "shift_sharp", "shift_mean"}
        One of `PLACEBO`.
    level, power : float
        Level of the test and the power wanted.

    Returns
    -------
    float
        Effect on the sum over a window, in standard deviations of one session; infinite where
        eight per root session are not enough, NaN where the test has no value.

    Raises
    ------
    EstimationError
        When the filtered returns do not vary.
    """
    unsigned = dated.unsigned()
    if name == "shift_mean" and len(dated) < LEAST_MEAN:
        return math.nan
    edges = dated.sessions, len(dated.z) - dated.sessions
    places = np.unique(np.linspace(*edges, PLACEBOS).astype(int))
    rejects = PLACEBO[name](unsigned, places, level)
    low, high = 0.0, MOST * math.sqrt(dated.sessions)
    if rejects(high) < power:
        return math.inf
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        enough = rejects(middle) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


Rejects = Callable[[float], float]


def _unit_effect(dated: DatedReturns) -> FloatArray:
    """Spread one effect over the sessions of each window, each session once, centred (T, A)."""
    unit = np.zeros(dated.z.shape)
    for step in range(dated.sessions):
        unit[dated.first + step, dated.column] = 1.0 / dated.sessions
    return np.asarray(unit - unit.mean(axis=0), dtype=float)


def _overlap(dated: DatedReturns, places: IntArray, level: float) -> Rejects:
    """Judge `overlap_z`: an effect moves its sum linearly, and the scale of returns a little."""
    from scipy.special import ndtri

    cover = dated.cover
    scale = math.sqrt(float(np.einsum("ta,ab,tb->", cover, dated.correlation, cover)))
    sums = shifted_sums(cover, dated.x)[places]
    unit, critical = _unit_effect(dated), -scale * float(ndtri(level / 2))
    per_effect, spread = float((cover * unit).sum()), float(unit.var(axis=0).mean())

    def rejects(effect: float) -> float:
        bound = critical * math.sqrt(1.0 + effect**2 * spread)
        return float(np.mean(np.abs(sums + effect * per_effect) > bound))

    return rejects


def _sharp(dated: DatedReturns, places: IntArray, level: float) -> Rejects:
    """Judge `shift_sharp`: its sums at a place are ``T(s + place) + effect A(s)``."""
    sums = shifted_sums(dated.cover, dated.x)
    moved = sums[(np.arange(len(sums)) + places[:, None]) % len(sums)]
    per_effect = shifted_sums(dated.cover, _unit_effect(dated))

    def rejects(effect: float) -> float:
        return _share_rejected(moved + effect * per_effect, level)

    return rejects


def _mean(dated: DatedReturns, places: IntArray, level: float) -> Rejects:
    """Judge `shift_mean`: sums and squares at every shift, as polynomials of the effect."""
    starts, length = dated.starts, len(dated.z)
    blocks = circular_blocks(dated.x, dated.sessions)
    unit = circular_blocks(_unit_effect(dated), dated.sessions)
    turned = (np.arange(length) + places[:, None]) % length
    total, squares = (shifted_sums(starts, b)[turned] for b in (blocks, blocks**2))
    unit_total, unit_squares = (shifted_sums(starts, b) for b in (unit, unit**2))
    cross = np.array(
        [shifted_sums(starts, np.roll(blocks, -int(place), axis=0) * unit) for place in places]
    )

    def rejects(effect: float) -> float:
        summed = total + effect * unit_total
        squared = squares + 2.0 * effect * cross + effect**2 * unit_squares
        values = studentised(summed, squared, len(dated))
        return _share_rejected(np.where(np.isfinite(values), values, MOST**9), level)

    return rejects


def _share_rejected(values: FloatArray, level: float) -> float:
    """Share of places whose first value is rejected among all shifts."""
    size = np.abs(values)
    pvalues = np.mean(size >= size[:, :1] * (1.0 - NOISE), axis=1)
    return float(np.mean(pvalues <= level))


PLACEBO: dict[str, Callable[[DatedReturns, IntArray, float], Rejects]] = {
    "overlap_z": _overlap,
    "shift_sharp": _sharp,
    "shift_mean": _mean,
}
