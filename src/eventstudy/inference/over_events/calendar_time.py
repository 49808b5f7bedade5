"""Calendar-time portfolio of the pairs whose event window is open."""

from __future__ import annotations

import numpy as np

from eventstudy.arrays import FloatArray, IntArray
from eventstudy.errors import EstimationError
from eventstudy.inference.over_events.sample import EventSample, OverEvents
from eventstudy.inference.statistic import TestValue, mean_t


@OverEvents(
    name="calendar_time_t",
    title="calendar-time portfolio",
    paper="Jaffe (1974), Journal of Business 47, 410-428; Mandelker (1974), JFE 1, 303-335",
    null="the portfolio of open windows earns nothing",
    distribution="t, D - 1 degrees of freedom (D live sessions)",
    formula="sqrt D mean(P_t / s_t) / sd(P_t / s_t), P_t the mean AR of the open windows",
    meaning="Did holding whatever had an open event window move, session by session?",
    assumes=("portfolio returns of different sessions are independent",),
    allows_event_variance=True,
    allows_cross_correlation=True,
    allows_overlap=True,
)
def calendar_time_t(sample: EventSample) -> TestValue:
    """Return the t over live sessions of the standardised portfolio return.

    On each session with an open event window the portfolio is the mean abnormal return of the
    pairs that have one there. It is divided by the standard deviation (n - 1) of the same pairs'
    mean residual over the sessions that lie in every one's estimation window.
    """
    pairs = sample.pairs
    row, column = np.nonzero(np.isfinite(pairs.ar))
    session = pairs.position[row] + column
    order = np.argsort(session, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(session[order]) > 0]))
    members: list[IntArray] = np.split(row[order], starts[1:])
    today: FloatArray = np.add.reduceat(pairs.ar[row, column][order], starts)
    portfolio = today / np.diff(starts, append=len(row))
    sds: dict[bytes, float] = {}
    for some in members:  # on most sessions the same windows are open as on the one before
        if some.tobytes() not in sds:
            sds[some.tobytes()] = _portfolio_sd(pairs.ar_est, pairs.position, some)
    sd = np.array([sds[some.tobytes()] for some in members])
    result = mean_t(portfolio / sd, "standardised portfolio return")
    return TestValue(result.value, result.df, result.pvalue, len(sample))


def _portfolio_sd(ar_est: FloatArray, position: IntArray, rows: IntArray) -> float:
    """Return the standard deviation of the mean residual of some pairs, by calendar session."""
    offset = position[rows].max() - position[rows]
    length = ar_est.shape[1] - int(offset.max())
    block = ar_est[rows[:, None], offset[:, None] + np.arange(max(length, 0))]
    count = np.isfinite(block).sum(axis=0)
    mean = np.nansum(block, axis=0)[count > 0] / count[count > 0]
    sd = float(mean.std(ddof=1)) if len(mean) > 1 else 0.0
    if not sd > 0:
        msg = "a calendar-time portfolio has no variance in its estimation window"
        raise EstimationError(msg)
    return sd
