"""The design of a sample: what of a test's assumptions holds in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.inference.correlation import (
    car_correlation,
    mean_correlation,
    mean_off_diagonal,
    shared_sessions,
)
from eventstudy.inference.values import with_car

if TYPE_CHECKING:
    from eventstudy.inference.statistic import Statistic
    from eventstudy.models.abnormal import AbnormalReturns

NOMINAL = 0.05
SIZE_CAUTION = 0.0625
SIZE_REFUSED = 0.10
LEAST_EIV = 5


@dataclass(frozen=True, slots=True)
class Design:
    """What the sample looks like to a test.

    Parameters
    ----------
    n : int
        Pairs with an abnormal return in the window.
    n_assets : int
        Different assets.
    overlapping : int
        Couples of pairs on one asset whose windows share a session.
    shared : float
        Share of couples on different assets whose windows share a session; NaN without any.
    rbar : float
        Mean correlation of estimation residuals matched by calendar session.
    rbar_windows : float
        Mean correlation of CARs, counting the sessions that windows share.
    size_xc : float
        Rejection rate at 5 % of a test that ignores `rbar_windows`.
    variance_ratio : float
        Variance of the standardised CARs over what estimation windows imply; NaN below 5.
    variance_pvalue : float
        One-sided chi-square p-value of a ratio above one; NaN below 5.
    """

    n: int
    n_assets: int
    overlapping: int
    shared: float
    rbar: float
    rbar_windows: float
    size_xc: float
    variance_ratio: float
    variance_pvalue: float

    @property
    def cross_correlated(self) -> bool:
        """Whether ignoring the correlation of windows moves the size beyond 6.25 %."""
        return self.size_xc > SIZE_CAUTION

    @property
    def variance_raised(self) -> bool:
        """Whether the events differ more than estimation windows imply, at 5 %."""
        return self.variance_pvalue < NOMINAL


def describe(sample: AbnormalReturns) -> Design:
    """Measure the design of a sample restricted to its window.

    Parameters
    ----------
    sample : AbnormalReturns
        N pairs.

    Returns
    -------
    Design

    Raises
    ------
    EstimationError
        When no pair has an abnormal return in the window.
    """
    sample = with_car(sample)
    assets = np.array(sample.assets)
    same = assets[:, None] == assets[None, :]
    upper = np.triu(np.ones_like(same), 1)
    touching = shared_sessions(sample) > 0
    couples = int((upper & ~same).sum())
    ratio, pvalue = _variance_ratio(sample)
    rbar_windows = mean_off_diagonal(car_correlation(sample))
    return Design(
        n=len(sample),
        n_assets=len(set(sample.assets)),
        overlapping=int((upper & same & touching).sum()),
        shared=float((upper & ~same & touching).sum()) / couples if couples else math.nan,
        rbar=mean_correlation(sample),
        rbar_windows=rbar_windows,
        size_xc=size_ignoring(1.0 + (len(sample) - 1) * rbar_windows),
        variance_ratio=ratio,
        variance_pvalue=pvalue,
    )


def size_ignoring(factor: float, level: float = NOMINAL) -> float:
    """Return the true size of a z test whose variance is `factor` times what it takes it for.

    ``2 Phi(-q / sqrt c)`` with q the two-sided normal quantile of the level.
    """
    from scipy.special import ndtr, ndtri

    if factor <= 0:
        return 0.0
    return 2.0 * float(ndtr(ndtri(level / 2) / math.sqrt(factor)))


def _variance_ratio(sample: AbnormalReturns) -> tuple[float, float]:
    """Return variance of SCAR over mean Q, and its one-sided chi-square p-value."""
    from scipy.special import chdtrc

    df = sample.df.astype(float)
    usable = (sample.s2 > 0) & (df > 2)  # noqa: PLR2004  # the variance of a t needs more than 2
    n = int(usable.sum())
    if n < LEAST_EIV:
        return math.nan, math.nan
    scar: FloatArray = sample.scar[usable]
    ratio = float(scar.var(ddof=1) / np.mean(df[usable] / (df[usable] - 2)))
    return ratio, float(chdtrc(n - 1, (n - 1) * ratio))


def verdict(entry: Statistic, design: Design) -> tuple[str, str]:
    """Say whether a test can be believed on a design.

    Returns
    -------
    verdict : {"holds", "caution", "refused"}
    reason : str
        Empty where it holds.
    """
    refusals = _refusals(entry, design)
    if refusals:
        return "refused", "; ".join(refusals)
    cautions = _cautions(entry, design)
    return ("caution", "; ".join(cautions)) if cautions else ("holds", "")


def _refusals(entry: Statistic, design: Design) -> list[str]:
    reasons = []
    if design.n < entry.min_n:
        reasons.append(f"N = {design.n}, needs {entry.min_n}")
    if entry.needs_no_overlap and design.overlapping:
        reasons.append(f"{overlapping(design)} on one asset share sessions")
    elif not entry.robust_xc and design.size_xc > SIZE_REFUSED:
        reasons.append(_correlated(design))
    return reasons


def _cautions(entry: Statistic, design: Design) -> list[str]:
    reasons = []
    if not entry.robust_xc and design.cross_correlated:
        reasons.append(_correlated(design))
    if entry.needs_common_dates and design.cross_correlated and design.shared < 1:
        reasons.append(f"only {100 * design.shared:.0f} % of couples of assets share sessions")
    if entry.name.endswith("_kp") and not design.shared > 0:
        reasons.append("no two assets share sessions: rbar of the estimation windows misleads")
    if not entry.robust_eiv and design.variance_raised:
        size = 100 * size_ignoring(design.variance_ratio)
        reasons.append(
            f"events vary {design.variance_ratio:.2f} times as much as estimation windows imply: "
            f"size about {size:.0f} % at 5 %"
        )
    return reasons


def overlapping(design: Design) -> str:
    """Say how many couples of windows overlap."""
    count = design.overlapping
    return f"{count} couple{'' if count == 1 else 's'} of windows"


def _correlated(design: Design) -> str:
    return (
        f"mean correlation of windows {design.rbar_windows:.3f} over {design.n} pairs: "
        f"size about {100 * design.size_xc:.0f} % at 5 %"
    )
