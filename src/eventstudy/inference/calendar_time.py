"""Calendar-time portfolio of the pairs whose event window is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.errors import EstimationError
from eventstudy.inference.parametric import mean_t
from eventstudy.inference.values import TestValue, with_car

if TYPE_CHECKING:
    from eventstudy.models.abnormal import AbnormalReturns


def calendar_time_t(sample: AbnormalReturns) -> TestValue:
    """Return the t over live sessions of the standardised portfolio return, against t_{D-1}.

    On each session with an open event window the portfolio is the mean abnormal return of the
    pairs that have one there. It is divided by the standard deviation (n - 1) of the same pairs'
    mean residual over the sessions that lie in every one's estimation window.

    Raises
    ------
    EstimationError
        When fewer than two sessions are live, or a portfolio has no estimation variance.

    References
    ----------
    Jaffe (1974), Journal of Business 47, 410-428; Mandelker (1974), Journal of Financial
    Economics 1, 303-335.
    """
    sample = with_car(sample)
    session = sample.position[:, None] + sample.window.start + np.arange(sample.ar.shape[1])
    present = np.isfinite(sample.ar)
    live = np.unique(session[present])
    standardised = np.empty(len(live))
    for place, day in enumerate(live):
        rows, columns = np.nonzero((session == day) & present)
        portfolio = float(sample.ar[rows, columns].mean())
        standardised[place] = portfolio / _portfolio_sd(sample, rows)
    result = mean_t(standardised, "standardised portfolio return")
    return TestValue(result.value, result.df, result.pvalue, len(sample))


def _portfolio_sd(sample: AbnormalReturns, rows: npt.NDArray[np.intp]) -> float:
    """Return the standard deviation of the mean residual of some pairs, by calendar session."""
    start = sample.position[rows]
    length = sample.ar_est.shape[1] - int(start.max() - start.min())
    offsets = start.max() - start
    columns = offsets[:, None] + np.arange(max(length, 0))
    block = sample.ar_est[rows[:, None], columns]
    present = np.isfinite(block)
    live = present.any(axis=0)
    mean = np.where(present, block, 0.0).sum(axis=0)[live] / present.sum(axis=0)[live]
    sd = float(mean.std(ddof=1)) if len(mean) > 1 else 0.0
    if not sd > 0:
        msg = "a calendar-time portfolio has no variance in its estimation window"
        raise EstimationError(msg)
    return sd
