"""Models of the normal return, each a linear design over one least-squares kernel.

A model says which series it regresses on (`regressors`), whether it has an intercept, and what
is subtracted with a fixed coefficient of one (`offset`). Everything else is arithmetic on arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError


@dataclass(frozen=True, slots=True)
class ConstantMean:
    """``R_t = mu + e_t``; K = 1. Brown and Warner (1980, 1985)."""

    name = "constant-mean"

    @property
    def regressors(self) -> tuple[str, ...]:
        """Series regressed on: none."""
        return ()

    @property
    def offset(self) -> str | None:
        """Series subtracted with coefficient one: none."""
        return None

    @property
    def n_params(self) -> int:
        """Regressors K."""
        return 1

    @property
    def formula(self) -> str:
        """How the abnormal return is made."""
        return "AR_t = R_t - mean(R) over the estimation window"


@dataclass(frozen=True, slots=True)
class MarketAdjusted:
    """``R_t = R_mt + e_t``: nothing is estimated; K = 0. Brown and Warner (1980).

    Parameters
    ----------
    market : str
        The market series.
    """

    market: str
    name = "market-adjusted"

    @property
    def regressors(self) -> tuple[str, ...]:
        """Series regressed on: none."""
        return ()

    @property
    def offset(self) -> str | None:
        """Series subtracted with coefficient one."""
        return self.market

    @property
    def n_params(self) -> int:
        """Regressors K."""
        return 0

    @property
    def formula(self) -> str:
        """How the abnormal return is made."""
        return f"AR_t = R_t - R({self.market})_t"


@dataclass(frozen=True, slots=True)
class MarketModel:
    """``R_t = a + b R_mt + e_t``; K = 2. Sharpe (1963); MacKinlay (1997).

    Parameters
    ----------
    market : str
        The market series.
    """

    market: str
    name = "market"

    @property
    def regressors(self) -> tuple[str, ...]:
        """Series regressed on."""
        return (self.market,)

    @property
    def offset(self) -> str | None:
        """Series subtracted with coefficient one: none."""
        return None

    @property
    def n_params(self) -> int:
        """Regressors K."""
        return 2

    @property
    def formula(self) -> str:
        """How the abnormal return is made."""
        return f"AR_t = R_t - a - b R({self.market})_t, a and b by OLS on the estimation window"


@dataclass(frozen=True, slots=True)
class FactorModel:
    """``R_t = a + sum_k b_k F_kt + e_t``; K = 1 + number of factors.

    Control series move on the same news as oil: report a factor model beside the constant
    mean, not instead of it.

    Parameters
    ----------
    factors : tuple of str
        The factor series.
    """

    factors: tuple[str, ...]
    name = "factor"

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", tuple(self.factors))
        if not self.factors:
            msg = 'a factor model needs at least one factor: factors = ["..."]'
            raise EstimationError(msg)

    @property
    def regressors(self) -> tuple[str, ...]:
        """Series regressed on."""
        return self.factors

    @property
    def offset(self) -> str | None:
        """Series subtracted with coefficient one: none."""
        return None

    @property
    def n_params(self) -> int:
        """Regressors K."""
        return 1 + len(self.factors)

    @property
    def formula(self) -> str:
        """How the abnormal return is made."""
        return (
            f"AR_t = R_t - a - sum of b_k F_kt over {', '.join(self.factors)}, "
            "by OLS on the estimation window"
        )


Model = ConstantMean | MarketAdjusted | MarketModel | FactorModel


def needed_series(model: Model) -> tuple[str, ...]:
    """Every series a model reads besides the asset."""
    return model.regressors + ((model.offset,) if model.offset else ())


def design_matrix(model: Model, factors: FloatArray) -> FloatArray:
    """Regressors of every session of the sample.

    Parameters
    ----------
    model : Model
    factors : (S, k) float
        Returns of ``model.regressors``, in that order.

    Returns
    -------
    (S, K) float
        An intercept first, where the model has one.
    """
    if model.n_params == 0:
        return np.empty((factors.shape[0], 0))
    return np.column_stack([np.ones(factors.shape[0]), factors])
