"""Time the estimation kernel beside a loop over statsmodels, in one run on one machine.

    python benchmarks/estimation.py [EVENTS]

Market model, 250 estimation sessions, event window [-10, 10], 500 series of 2,500 sessions. Prints
events per second of both and their ratio; absolute numbers belong to the machine, quote the ratio.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import statsmodels.api as sm

from eventstudy.models.estimation import fit_pairs
from eventstudy.windows import Window

SERIES, SESSIONS = 500, 2500
EVENT, ESTIMATION = Window(-10, 10), Window(-260, -11)


def main(events: int) -> None:
    """Run both roads on the same events, check that they agree, and print the ratio."""
    rng = np.random.default_rng(1)
    market = rng.standard_t(5, SESSIONS) * 0.01
    returns = 0.8 * market[:, None] + rng.standard_t(4, (SESSIONS, SERIES)) * 0.02
    design = np.column_stack([np.ones(SESSIONS), market])
    column = rng.integers(0, SERIES, events)
    position = rng.integers(300, SESSIONS - 20, events)

    started = time.perf_counter()
    ours = np.full(events, np.nan)
    for series in np.unique(column):
        rows = np.flatnonzero(column == series)
        fit = fit_pairs(
            returns[:, series],
            design,
            np.zeros(SESSIONS),
            position=position[rows],
            window=EVENT,
            estimation=ESTIMATION,
            masked=np.zeros((rows.size, len(ESTIMATION)), dtype=bool),
            event_ids=tuple(map(str, rows)),
            asset=str(series),
            return_kind="log",
        )
        ours[rows] = fit.abnormal.scar
    kernel = events / (time.perf_counter() - started)

    few = min(events, 1000)
    started = time.perf_counter()
    theirs = np.array([_loop(returns[:, column[i]], design, position[i]) for i in range(few)])
    loop = few / (time.perf_counter() - started)
    np.testing.assert_allclose(ours[:few], theirs, rtol=1e-9)
    print(f"{events} events on {SERIES} series: kernel {kernel:,.0f} events/s, ", end="")
    print(f"statsmodels loop {loop:,.0f} events/s, ratio {kernel / loop:.1f}")


def _loop(returns: np.ndarray, design: np.ndarray, at: int) -> float:
    est = slice(at + ESTIMATION.start, at + ESTIMATION.end + 1)
    win = slice(at + EVENT.start, at + EVENT.end + 1)
    model = sm.OLS(returns[est], design[est]).fit()
    total = design[win].sum(axis=0)
    variance = model.mse_resid * len(EVENT) + total @ model.cov_params() @ total
    return float(np.sum(returns[win] - design[win] @ model.params) / np.sqrt(variance))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
