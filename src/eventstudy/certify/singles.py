"""Single events on ordinary sessions: rejection rates by fifth of the volatility ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from eventstudy.arrays import FloatArray, IntArray
from eventstudy.certify.rows import BAND, NOMINAL, CertificateRow, banded, widened
from eventstudy.inference.one_event.filtered import (
    FilteredTests,
    conformal_pvalue,
    filtered_tests,
)
from eventstudy.inference.one_event.single import quantile_pvalues, textbook_tests
from eventstudy.models.volatility import VolatilityFilter, fit_filter

ESTIMATION, GAP, HISTORY, REFIT, RECENT = 250, 10, 1000, 20, 20
WINDOWS = (1, 3, 5, 11)
TESTS = ("t", "sq", "vfc", "fhs", "conformal")
DRAWS = 4999
CALM = (0.0, 0.035)
TURBULENT = (0.09, 0.30)
EFFECTS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)


def eligible_days(returns: FloatArray) -> IntArray:
    """Return the sessions that can be an event.

    Before them lie the history and one estimation window with its gap more, so that no filter
    stands on the very start of a series; after them the longest window.
    """
    return np.arange(HISTORY + ESTIMATION + GAP, len(returns) - max(WINDOWS) + 1)


def single_block(
    returns: FloatArray, days: Sequence[int], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Test every window that begins on some days of `returns` (T,), a row for each.

    Rows hold day, W, ratio (volatility of the 20 sessions before over that of the estimation
    window), and whether each test rejects at 5%.
    """
    filters: dict[int, VolatilityFilter] = {}
    rows = []
    for day in days:
        fitted = _filter_before(returns, day, filters)
        for sessions in WINDOWS:
            pvalues = _pvalues(returns, day, sessions, fitted, rng)
            rejected = {name: pvalues[name] <= NOMINAL for name in TESTS}
            row = {"day": int(day), "W": sessions, "ratio": ratio_before(returns, day)}
            rows.append(row | rejected)
    return rows


def power_block(
    returns: FloatArray, days: Sequence[int], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Add an effect, in standard deviations of the session to come, and test with the defaults."""
    filters: dict[int, VolatilityFilter] = {}
    rows = []
    for day in days:
        fitted = _filter_before(returns, day, filters)
        for sessions in (1, 5):
            past, window = _demeaned(returns, day, sessions)
            found = _filtered(returns, day, sessions, fitted, rng)
            under_null, ahead = np.abs(found.reference), fitted.run(past).sigma_next
            sign = rng.choice((-1.0, 1.0))
            for effect in EFFECTS:
                moved = abs(float(window.sum()) + sign * effect * ahead)
                pvalue = (1 + int((under_null >= moved).sum())) / (len(under_null) + 1)
                rows.append({"W": sessions, "effect": effect, "rejects": pvalue <= NOMINAL})
    return rows


def _filter_before(
    returns: FloatArray, day: int, filters: dict[int, VolatilityFilter]
) -> VolatilityFilter:
    """Fit on sessions before the day, anew every 20 sessions."""
    stop = day // REFIT * REFIT
    if stop not in filters:
        past = returns[max(0, stop - HISTORY) : stop]
        filters[stop] = fit_filter(past - past.mean())
    return filters[stop]


def _demeaned(returns: FloatArray, day: int, sessions: int) -> tuple[FloatArray, FloatArray]:
    """History and window less the mean of the estimation window, (H,) and (W,)."""
    mean = float(returns[day - GAP - ESTIMATION : day - GAP].mean())
    return returns[day - HISTORY : day] - mean, returns[day : day + sessions] - mean


def _filtered(
    returns: FloatArray,
    day: int,
    sessions: int,
    fitted: VolatilityFilter,
    rng: np.random.Generator,
) -> FilteredTests:
    """Run the tests that rest on a filter as a study would, constant mean."""
    past, window = _demeaned(returns, day, sessions)
    s = float(returns[day - GAP - ESTIMATION : day - GAP].std(ddof=1))
    se = s * math.sqrt(sessions + sessions**2 / ESTIMATION)
    return filtered_tests(
        float(window.sum()),
        sessions,
        history=past,
        path=fitted.run(past),
        filt=fitted,
        forecast_sd=math.sqrt(max(se**2 - sessions * s**2, 0.0)),
        level=NOMINAL,
        draws=DRAWS,
        rng=rng,
    )


def _pvalues(
    returns: FloatArray,
    day: int,
    sessions: int,
    fitted: VolatilityFilter,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Run every single-event test as a study would, constant mean."""
    found = _filtered(returns, day, sessions, fitted, rng)
    estimation = returns[day - GAP - ESTIMATION : day - GAP]
    _, window = _demeaned(returns, day, sessions)
    effect, s = np.array([[window.sum()]]), float(estimation.std(ddof=1))
    se = np.full((1, 1), s * math.sqrt(sessions + sessions**2 / ESTIMATION))
    book = textbook_tests(effect, se, np.full((1, 1), ESTIMATION - 1), level=NOMINAL)
    p_sq, _ = quantile_pvalues(effect, estimation[None] - estimation.mean(), np.array([[sessions]]))
    joined = np.concatenate([estimation, returns[day : day + sessions]])
    return {
        "t": float(book.p[0, 0]),
        "sq": float(p_sq[0, 0]),
        "vfc": found.p_vfc,
        "fhs": found.p_fhs,
        "conformal": float(conformal_pvalue(joined - joined.mean(), sessions)),
    }


def ratio_before(returns: FloatArray, day: int) -> float:
    """Return volatility of the last 20 sessions over that of the estimation window."""
    before = returns[day - RECENT : day].std(ddof=1)
    return float(before / returns[day - GAP - ESTIMATION : day - GAP].std(ddof=1))


def single_rows(found: list[dict[str, Any]], *, quick: bool) -> list[CertificateRow]:
    """Gather rejections by window, test and fifth of the ratio."""
    rows = []
    for sessions in WINDOWS:
        part = [row for row in found if row["W"] == sessions]
        ratio = np.array([row["ratio"] for row in part])
        fifth = np.searchsorted(np.quantile(ratio, [0.2, 0.4, 0.6, 0.8]), ratio)
        for test in TESTS:
            hits = [bool(row[test]) for row in part]
            for group in range(-1, 5):
                chosen = [h for h, f in zip(hits, fifth, strict=True) if group in {-1, f}]
                label = "all" if group < 0 else f"fifth {group + 1}"
                band = _band(test, sessions, group, len(chosen), quick=quick)
                rows.append(banded(("single", f"W={sessions} {label}", test), chosen, band))
    return rows


def _band(
    test: str, sessions: int, group: int, n: int, *, quick: bool
) -> tuple[float, float] | None:
    """Return the band of the defaults, and the bad range in which naive tests are known to lie."""
    if test == "fhs" or (test == "vfc" and sessions == 1):
        return widened(BAND, n, quick=quick)
    if test in {"t", "sq"} and group == 0:
        return widened(CALM, n, quick=quick)
    if test in {"t", "sq"} and group == 4:  # noqa: PLR2004  # the last fifth
        return widened(TURBULENT, n, quick=quick)
    return None


def power_rows(found: list[dict[str, Any]]) -> list[CertificateRow]:
    """Gather power by window and effect."""
    rows = []
    for sessions, test in ((1, "vfc"), (5, "fhs")):
        for effect in EFFECTS:
            hits = [r["rejects"] for r in found if (r["W"], r["effect"]) == (sessions, effect)]
            rows.append(banded(("power", f"W={sessions} effect={effect:g} sd", test), hits, None))
    return rows
