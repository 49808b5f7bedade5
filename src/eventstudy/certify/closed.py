"""Closed forms beside the same rates simulated through the package's own statistics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.certify.rows import NOMINAL, CertificateRow
from eventstudy.inference.applicability import size_ignoring
from eventstudy.inference.detectable import normal_power
from eventstudy.inference.over_events.parametric import patell
from eventstudy.models.abnormal import AbnormalReturns, CovFactor
from eventstudy.windows import Window

VARIANCES = (1.5, 2.0, 3.385)
CORRELATIONS = (0.02, 0.05, 0.10)
N_VARIANCE, N_CORRELATION = 20, 50
PUBLISHED_SIZE = {
    "c=1.5": 0.1095, "c=2": 0.1658, "c=3.385": 0.2867,
    "rho=0.02": 0.164, "rho=0.05": 0.291, "rho=0.1": 0.420,
}  # fmt: skip
SIGMA = 0.02
PUBLISHED_POWER = {
    1: (0.06, 0.08, 0.12, 0.17),
    10: (0.12, 0.35, 0.66, 0.89),
    20: (0.20, 0.61, 0.92, 0.99),
}
EFFECTS = (0.005, 0.010, 0.015, 0.020)
ERRORS = 3.5
KNOWN = 10_000_000
ROUNDING = 0.00051


def known_variance(car: FloatArray, sigma: float) -> AbnormalReturns:
    """Return a sample of CARs whose estimation window is so long that sigma is known."""
    n = len(car)
    return AbnormalReturns(
        event_ids=tuple(str(i) for i in range(n)),
        assets=tuple(f"asset {i}" for i in range(n)),
        window=Window(0, 0),
        estimation=Window(-1, -1),
        position=np.full(n, 1, dtype=np.int64),
        ar=car[:, None],
        ar_est=np.zeros((n, 1)),
        returns=car[:, None],
        expected=np.zeros((n, 1)),
        s2=np.full(n, sigma**2),
        n_est=np.full(n, KNOWN, dtype=np.int64),
        n_params=1,
        cov_factor=CovFactor(np.empty((n, 0, 1))),
        return_kind="log",
    )


def closed_block(repetitions: int, rng: np.random.Generator) -> dict[str, Any]:
    """Simulate the rates that closed forms give, by `patell` on samples with a known variance."""
    rates: dict[str, float] = {}
    for c in VARIANCES:
        draws = math.sqrt(c) * rng.standard_normal((repetitions, N_VARIANCE))
        rates[f"c={c:g}"] = _rate(draws, 1.0)
    for rho in CORRELATIONS:
        common = math.sqrt(rho) * rng.standard_normal((repetitions, 1))
        own = math.sqrt(1 - rho) * rng.standard_normal((repetitions, N_CORRELATION))
        rates[f"rho={rho:g}"] = _rate(common + own, 1.0)
    for n in PUBLISHED_POWER:
        for effect in EFFECTS:
            draws = effect + SIGMA * rng.standard_normal((repetitions, n))
            rates[_power_cell(n, effect)] = _rate(draws, SIGMA)
    return {"n": repetitions, "rates": rates}


def _rate(draws: FloatArray, sigma: float) -> float:
    return float(np.mean([patell(known_variance(row, sigma)).pvalue <= NOMINAL for row in draws]))


def _power_cell(n: int, effect: float) -> str:
    return f"N={n} effect={100 * effect:g} %"


def closed_rows(found: dict[str, Any]) -> list[CertificateRow]:
    """Set closed forms against the published figures, and simulations against the closed forms."""
    n, rates, rows = found["n"], found["rates"], []
    for cell, published in PUBLISHED_SIZE.items():
        key, _, value = cell.partition("=")
        factor = float(value) if key == "c" else 1.0 + (N_CORRELATION - 1) * float(value)
        exact = size_ignoring(factor)
        # the figures for rho are printed to a tenth of a per cent, those for c to a hundredth
        half = 0.1 * ROUNDING if key == "c" else ROUNDING
        rows += _beside("closed", cell, exact, (published, half), rates[cell], n)
    for events, figures in PUBLISHED_POWER.items():
        for effect, published in zip(EFFECTS, figures, strict=True):
            cell = _power_cell(events, effect)
            exact = normal_power(effect, SIGMA / math.sqrt(events))
            rows += _beside("mackinlay", cell, exact, (published, 10 * ROUNDING), rates[cell], n)
    return rows


def _beside(
    panel: str, cell: str, exact: float, published: tuple[float, float], rate: float, n: int
) -> list[CertificateRow]:
    """Compare a closed form with the published figure, and its simulation with the closed form."""
    errors = ERRORS * math.sqrt(exact * (1 - exact) / n)
    return [
        _row(panel, cell, "closed form", exact, 0, published),
        _row(panel, cell, "patell, simulated", rate, n, (exact, errors)),
    ]


def _row(
    panel: str, cell: str, test: str, rate: float, n: int, band: tuple[float, float]
) -> CertificateRow:
    low, high = max(0.0, band[0] - band[1]), min(1.0, band[0] + band[1])
    return CertificateRow(panel, cell, test, NOMINAL, rate, n, low, high, low <= rate <= high)
