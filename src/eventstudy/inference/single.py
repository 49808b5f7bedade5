"""One event, one asset: every single-event test side by side, intervals and detectable effect."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.filtered import (
    MDE_POWER,
    block_sums,
    conformal_pvalue,
    critical_value,
    detectable_effect,
    fhs_reference,
    rank_pvalue,
    vfc_reference,
)

if TYPE_CHECKING:
    from eventstudy.models.volatility import VolatilityFilter

VOLATILITY_HIGH = 1.3
VOLATILITY_LOW = 0.7
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Granularity:
    """Smallest p-value each test can give; 0 for the t.

    Parameters
    ----------
    t, sq, vfc, fhs, conformal : float
        ``1 / (n + 1)`` with n the size of the reference set; NaN where the test gives nothing.
    """

    t: float
    sq: float
    vfc: float
    fhs: float
    conformal: float


@dataclass(frozen=True, slots=True)
class SingleEventResult:
    """What the single-event tests say about one window.

    Parameters
    ----------
    effect : float
        CAR over the sessions present, in units of the return.
    se, t : float
        ``sqrt V`` and ``CAR / sqrt V``.
    df : int
        ``L - K``.
    p_t, p_sq, p_vfc, p_fhs, p_conformal : float
        Two-sided p-values; NaN where `notes` says why.
    ci_t : (low, high)
        Interval of the textbook t.
    granularity : Granularity
        Smallest p-value of each test.
    method : {"vfc", "fhs"}
        The default test: VFC for one session, FHS for several.
    ci_low, ci_high : float
        Interval for the effect by inversion of the default test.
    mde, mde_t : float
        Effect found with 80 % power by the default test, and by the t.
    sigma_next : float
        Volatility forecast for the first session of the window.
    vol_ratio : float
        `sigma_next` over the volatility of the estimation window.
    vol_warning : bool
        Whether the ratio lies above 1.3 or below 0.7: the t and SQ p-values mislead there.
    filter_kind, filter_reason : str
        Which filter, and why an EWMA where it is one.
    reference : (n,) float
        Law of the effect under the null by the default test, for a chart of placebo effects.
    notes : tuple of str
        One line for every value that is NaN or infinite.
    """

    effect: float
    se: float
    t: float
    df: int
    p_t: float
    p_sq: float
    p_vfc: float
    p_fhs: float
    p_conformal: float
    ci_t: tuple[float, float]
    granularity: Granularity
    method: Literal["vfc", "fhs"]
    ci_low: float
    ci_high: float
    mde: float
    mde_t: float
    sigma_next: float
    vol_ratio: float
    vol_warning: bool
    filter_kind: str
    filter_reason: str
    reference: FloatArray = field(repr=False, compare=False)
    notes: tuple[str, ...]

    @property
    def p_default(self) -> float:
        """P-value of the default test."""
        return self.p_vfc if self.method == "vfc" else self.p_fhs

    @property
    def ci_method(self) -> str:
        """Test whose inversion gives the interval."""
        return self.method


def single_event_tests(
    *,
    history: FloatArray,
    filter: VolatilityFilter,  # noqa: A002  # the field's word, and it is keyword-only
    residuals: FloatArray,
    window_ar: FloatArray,
    se: float,
    s: float,
    df: int,
    null_residuals: FloatArray,
    rng: np.random.Generator,
    level: float = 0.05,
    draws: int = 9999,
) -> SingleEventResult:
    """Test one window of one event on one asset.

    Parameters
    ----------
    history : (H,) float
        Usable abnormal returns of the sessions strictly before the window, oldest first.
    filter : VolatilityFilter
        Fitted on sessions before the window.
    residuals : (L,) float
        Usable estimation-window residuals.
    window_ar : (W,) float
        Abnormal returns present in the window.
    se : float
        ``sqrt V``, forecast error included.
    s : float
        Residual standard deviation of the estimation window.
    df : int
        ``L - K``.
    null_residuals : (L + W,) float
        Residuals of the model fitted on estimation and event sessions together.
    rng : numpy.random.Generator
        Source of the draws of the filtered historical simulation.
    level : float
        Level of the intervals and of the detectable effect.
    draws : int
        B, number of simulated CARs.

    Returns
    -------
    SingleEventResult

    Raises
    ------
    EstimationError
        When the window has no abnormal return, a value is not finite, or the estimation window
        has no variance.

    Notes
    -----
    SQ for W sessions ranks ``|CAR|`` among the sums of W consecutive estimation residuals.
    VFC for W sessions ranks the CAR over the volatility forecast for W sessions made at its start
    among the same for every run of W sessions of the history; the volatility realised inside the
    window never enters.

    References
    ----------
    MacKinlay (1997), Journal of Economic Literature 35, 13-39, for the t; Gelbach, Helland and
    Klick (2013), American Law and Economics Review 15, 495-541, for SQ; Chernozhukov, Wuthrich
    and Zhu (2021), JASA 116, 1849-1864, for the conformal p-value; Barone-Adesi, Giannopoulos
    and Vosper (1999), Journal of Futures Markets 19, 583-602, for FHS.
    """
    _check((window_ar, residuals, null_residuals), se, s, df)
    sessions, effect = len(window_ar), float(np.sum(window_ar))
    path = filter.run(history)
    forecast_sd = math.sqrt(max(se**2 - sessions * s**2, 0.0))
    scale = float(filter.forecast_scale(path.sigma_next, sessions))
    laws = {
        "sq": block_sums(residuals, sessions),
        "vfc": scale * vfc_reference(history, path, filter, sessions),
        "fhs": fhs_reference(path, filter, sessions, forecast_sd=forecast_sd, draws=draws, rng=rng),
    }
    p_t, ci_t, mde_t = _textbook(effect, se, df, level)
    method: Literal["vfc", "fhs"] = "vfc" if sessions == 1 else "fhs"
    critical = critical_value(laws[method], level)
    ratio = path.sigma_next / s
    return SingleEventResult(
        effect=effect,
        se=se,
        t=effect / se,
        df=df,
        p_t=p_t,
        p_sq=_pvalue(effect, laws["sq"]),
        p_vfc=_pvalue(effect, laws["vfc"]),
        p_fhs=_pvalue(effect, laws["fhs"]),
        p_conformal=conformal_pvalue(null_residuals, sessions),
        ci_t=ci_t,
        granularity=Granularity(
            t=0.0,
            sq=_granularity(laws["sq"]),
            vfc=_granularity(laws["vfc"]),
            fhs=_granularity(laws["fhs"]),
            conformal=1.0 / len(null_residuals),
        ),
        method=method,
        ci_low=effect - critical,
        ci_high=effect + critical,
        mde=detectable_effect(laws[method], critical),
        mde_t=mde_t,
        sigma_next=path.sigma_next,
        vol_ratio=ratio,
        vol_warning=not VOLATILITY_LOW <= ratio <= VOLATILITY_HIGH,
        filter_kind=filter.kind,
        filter_reason=filter.reason,
        reference=laws[method],
        notes=_notes(laws, method, critical, sessions, level),
    )


def _textbook(
    effect: float, se: float, df: int, level: float
) -> tuple[float, tuple[float, float], float]:
    """Return p-value, interval and detectable effect of the t."""
    from scipy import stats

    quantile = float(stats.t.isf(level / 2, df))
    interval = (effect - quantile * se, effect + quantile * se)
    detectable = (quantile + float(stats.t.isf(1 - MDE_POWER, df))) * se
    return 2.0 * float(stats.t.sf(abs(effect) / se, df)), interval, detectable


def _pvalue(effect: float, reference: FloatArray) -> float:
    return rank_pvalue(effect, reference) if len(reference) else NAN


def _granularity(reference: FloatArray) -> float:
    return 1.0 / (len(reference) + 1) if len(reference) else NAN


def _notes(
    laws: dict[str, FloatArray], method: str, critical: float, sessions: int, level: float
) -> tuple[str, ...]:
    empty = tuple(
        f"{name}: fewer sessions than the {sessions} of the window, no p-value"
        for name, law in laws.items()
        if not len(law)
    )
    if math.isfinite(critical):
        return empty
    size = len(laws[method])
    wide = f"{method}: {size} reference values cannot reject at level {level}, interval unbounded"
    return (*empty, wide)


def _check(series: tuple[FloatArray, ...], se: float, s: float, df: int) -> None:
    """Refuse what no test can be computed from."""
    if len(series[0]) == 0:
        msg = "no abnormal return in the event window: every session is missing or masked"
        raise EstimationError(msg)
    if not all(np.isfinite(values).all() for values in series):
        msg = "an abnormal return is not finite: mask or drop the session first"
        raise EstimationError(msg)
    if df < 1 or not (se > 0 and s > 0 and math.isfinite(se) and math.isfinite(s)):
        msg = f"the estimation window gives no variance (s = {s:g}, {df} degrees of freedom)"
        raise EstimationError(msg)
