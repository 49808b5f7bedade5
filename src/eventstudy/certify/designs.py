"""N events without an effect on one asset: how dates fall, and what every test makes of them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from eventstudy.arrays import FloatArray, IntArray
from eventstudy.certify.rows import BAND, NOMINAL, CertificateRow, banded, widened
from eventstudy.certify.singles import ESTIMATION, GAP, RECENT, ratio_before
from eventstudy.errors import EstimationError
from eventstudy.inference.over_dates.sample import DatedReturns
from eventstudy.inference.over_events.sample import EventSample, event_sample
from eventstudy.inference.statistic import statistic
from eventstudy.models.abnormal import AbnormalReturns, CovFactor
from eventstudy.windows import Window

DesignName = Literal["independent", "clustered", "turbulent"]
DESIGNS: tuple[DesignName, ...] = ("independent", "clustered", "turbulent")
COUNTS = (5, 10, 20)
LENGTHS = (1, 5)
CLUSTER, SPAN = 5, 10
FIRST = ESTIMATION + GAP + RECENT
EFFECTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)

DATED = ("overlap_z", "shift_sharp", "shift_mean", "shift_variance", "episode_bmp")
PAIRED = (
    "cross_sectional_t", "patell", "bmp", "bmp_kp", "bmp_kp_overlap", "patell_kp_overlap",
    "corrado_rank", "grank_t", "calendar_time_t",
)  # fmt: skip
BANDED = ("overlap_z", "shift_sharp", "shift_mean")
KNOWN_BAD = {("clustered", 5): ("cross_sectional_t", "bmp", "grank_t")}
BAD = (0.09, 0.60)


def draw_starts(
    design: DesignName, n: int, sessions: int, volatility: FloatArray, rng: np.random.Generator
) -> IntArray:
    """Draw the first sessions (N,) of windows of W = `sessions`.

    Independent: anywhere and apart; clustered: in clusters of up to five within ten sessions;
    turbulent: anywhere with a chance in proportion to the square of `volatility` (T,), the ratio of
    the 20 sessions before to the estimation window, NaN where there is no history.
    """
    allowed = np.flatnonzero(np.isfinite(volatility))
    allowed = allowed[allowed <= len(volatility) - sessions - SPAN]
    if design == "turbulent":
        weights = volatility[allowed] ** 2
        drawn = rng.choice(allowed, size=n, replace=False, p=weights / weights.sum())
        return np.sort(drawn)
    if design == "clustered":
        size = min(CLUSTER, -(-n // 2))
        centres = rng.choice(allowed, size=-(-n // size), replace=False)
        near = [c + rng.choice(SPAN, size=size, replace=False) for c in centres]
        return np.sort(np.concatenate(near)[:n])
    while True:
        drawn = np.sort(rng.choice(allowed, size=n, replace=False))
        if np.diff(drawn).min() >= sessions:
            return drawn


def volatility_ratio(returns: FloatArray) -> FloatArray:
    """Return volatility of the 20 sessions before over the estimation window's (T,)."""
    days = range(FIRST, len(returns))
    return np.array([np.nan] * FIRST + [ratio_before(returns, day) for day in days])


def constant_mean(returns: FloatArray, starts: IntArray, sessions: int) -> AbnormalReturns:
    """Return constant-mean abnormal returns of windows on one series."""
    columns = starts[:, None] - GAP - ESTIMATION + np.arange(ESTIMATION)
    estimation = returns[columns]
    mean = estimation.mean(axis=1, keepdims=True)
    event = returns[starts[:, None] + np.arange(sessions)]
    n = len(starts)
    return AbnormalReturns(
        event_ids=tuple(str(i) for i in range(n)),
        assets=("series",) * n,
        window=Window(0, sessions - 1),
        estimation=Window(-GAP - ESTIMATION, -GAP - 1),
        position=starts.astype(np.int64),
        ar=event - mean,
        ar_est=estimation - mean,
        returns=event,
        expected=np.repeat(mean, sessions, axis=1),
        s2=estimation.var(axis=1, ddof=1),
        n_est=np.full(n, ESTIMATION),
        n_params=1,
        cov_factor=CovFactor(np.full((n, 1, sessions), ESTIMATION**-0.5)),
        return_kind="log",
    )


def design_block(
    returns: FloatArray,
    z: FloatArray,
    volatility: FloatArray,
    cell: tuple[DesignName, int, int],
    repetitions: int,
    rng: np.random.Generator,
) -> dict[str, list[bool | None]]:
    """Draw dates again and again and note which tests reject; None where one has no value."""
    design, n, sessions = cell
    found: dict[str, list[bool | None]] = {name: [] for name in (*DATED, *PAIRED)}
    for _ in range(repetitions):
        starts = draw_starts(design, n, sessions, volatility, rng)
        dated = DatedReturns(z, starts, sessions=sessions)
        pairs = event_sample(constant_mean(returns, starts, sessions))
        for name, rejections in found.items():
            rejections.append(_rejects(name, dated if name in DATED else pairs))
    return found


def _rejects(name: str, given: DatedReturns | EventSample) -> bool | None:
    try:
        return bool(statistic(name).function(given).pvalue <= NOMINAL)
    except EstimationError:
        return None


def design_rows(
    cell: tuple[DesignName, int, int], found: dict[str, list[bool | None]], *, quick: bool
) -> list[CertificateRow]:
    """Gather one design: the defaults in their band, the naive ones in their bad range."""
    design, n, sessions = cell
    rows = []
    for name, hits in found.items():
        known = [hit for hit in hits if hit is not None]
        if name == "grank_t" and n < 20:  # noqa: PLR2004  # it is refused below 20
            continue
        band = None
        if name in BANDED:
            band = widened(BAND, len(known), quick=quick)
        elif n >= 10 and name in KNOWN_BAD.get((design, sessions), ()):  # noqa: PLR2004  # clusters of 5
            band = widened(BAD, len(known), quick=quick)
        rows.append(banded(("events", f"{design} N={n} W={sessions}", name), known, band))
    return rows


def curve_block(
    z: FloatArray, volatility: FloatArray, n: int, repetitions: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Add an effect to the first session of N independent windows, in standard deviations."""
    rows = []
    for _ in range(repetitions):
        starts = draw_starts("independent", n, 1, volatility, rng)
        for effect in EFFECTS:
            moved = z.copy()
            moved[starts] += effect
            dated = DatedReturns(moved, starts, sessions=1)
            rows += [
                {"N": n, "effect": effect, "test": name, "rejects": _rejects(name, dated)}
                for name in BANDED
            ]
    return rows


def curve_rows(found: list[dict[str, Any]], n: int) -> list[CertificateRow]:
    """Gather power by test and effect."""
    rows = []
    for name in BANDED:
        for effect in EFFECTS:
            hits = [r["rejects"] for r in found if (r["test"], r["effect"]) == (name, effect)]
            rows.append(banded(("power", f"N={n} W=1 effect={effect:g} sd", name), hits, None))
    return rows
