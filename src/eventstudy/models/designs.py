"""Models of the normal return, each a linear design over one least-squares kernel.

A model says which series it regresses on (`regressors`), whether it has an intercept, and what
is subtracted with a fixed coefficient of one (`offset`). Everything else is arithmetic on arrays.
Its name, other spellings of it, what it says in one line and its parameters are declared on the
class; study file, documentation and checks read them there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar, get_args

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.keys import NAME, NAMES, Key, check_fields, choice, documented

Market = Annotated[str, Key(
    "model.market",
    "Market series of the model: a column of the price file that is not an asset.",
    NAME, ("sp500_front",), default="none",
)]  # fmt: skip
Factors = Annotated[tuple[str, ...], Key(
    "model.factors",
    "Factor series of the model, turned into returns like the assets.",
    NAMES, (["sp500_front", "dollar_index"],), default="none",
)]  # fmt: skip


class _Linear:
    """What the models share: an intercept and one parameter per regressor, unless they say else."""

    __slots__ = ()

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def regressors(self) -> tuple[str, ...]:
        """Series regressed on."""
        return ()

    @property
    def offset(self) -> str | None:
        """Series subtracted with coefficient one."""
        return None

    @property
    def n_params(self) -> int:
        """Parameters K, the intercept included."""
        return 1 + len(self.regressors)


@dataclass(frozen=True, slots=True)
class ConstantMean(_Linear):
    """``R_t = mu + e_t``; K = 1. Brown and Warner (1980, 1985)."""

    name: ClassVar[str] = "constant-mean"
    summary: ClassVar[str] = "its mean (K = 1)"
    spellings: ClassVar[tuple[str, ...]] = ("mean", "constant-mean-return")

    @property
    def formula(self) -> str:
        """How the abnormal return is made."""
        return "AR_t = R_t - mean(R) over the estimation window"


@documented
@dataclass(frozen=True, slots=True)
class MarketAdjusted(_Linear):
    """``R_t = R_mt + e_t``: nothing is estimated; K = 0. Brown and Warner (1980)."""

    market: Market
    name: ClassVar[str] = "market-adjusted"
    summary: ClassVar[str] = "the return of the market, nothing estimated (K = 0)"
    spellings: ClassVar[tuple[str, ...]] = ("market-return",)

    @property
    def offset(self) -> str:
        """Series subtracted with coefficient one."""
        return self.market

    @property
    def n_params(self) -> int:
        """Parameters K: none."""
        return 0

    @property
    def formula(self) -> str:
        """How the abnormal return is made."""
        return f"AR_t = R_t - R({self.market})_t"


@documented
@dataclass(frozen=True, slots=True)
class MarketModel(_Linear):
    """``R_t = a + b R_mt + e_t``; K = 2. Sharpe (1963); MacKinlay (1997)."""

    market: Market
    name: ClassVar[str] = "market"
    summary: ClassVar[str] = "a + b R_market (K = 2)"
    spellings: ClassVar[tuple[str, ...]] = ("market-model",)

    @property
    def regressors(self) -> tuple[str, ...]:
        """Series regressed on."""
        return (self.market,)

    @property
    def formula(self) -> str:
        """How the abnormal return is made."""
        return f"AR_t = R_t - a - b R({self.market})_t, a and b by OLS on the estimation window"


@documented
@dataclass(frozen=True, slots=True)
class FactorModel(_Linear):
    """``R_t = a + sum_k b_k F_kt + e_t``; K = 1 + number of factors.

    Control series move on the same news as oil: report a factor model beside the constant
    mean, not instead of it.
    """

    factors: Factors
    name: ClassVar[str] = "factor"
    summary: ClassVar[str] = "a + sum of b_k F_k (K = 1 + factors)"
    spellings: ClassVar[tuple[str, ...]] = ("factors", "factor-model", "multi-factor")

    @property
    def regressors(self) -> tuple[str, ...]:
        """Series regressed on."""
        return self.factors

    @property
    def formula(self) -> str:
        """How the abnormal return is made."""
        return (
            f"AR_t = R_t - a - sum of b_k F_kt over {', '.join(self.factors)}, "
            "by OLS on the estimation window"
        )


Model = ConstantMean | MarketModel | MarketAdjusted | FactorModel
MODELS: dict[str, type[Model]] = {model.name: model for model in get_args(Model)}


def model_class(value: object) -> type[Model]:
    """Return the model of a name in any usual spelling: ``constant_mean``, ``Market model``.

    Raises
    ------
    ValueError
        When there is none; the message lists those that there are.
    """
    if isinstance(value, str):
        spelt = re.sub(r"[\s_]+", "-", value.strip().lower())
        for model in MODELS.values():
            if spelt in (model.name, *model.spellings):
                return model
    return MODELS[choice(*MODELS).check(value)]


def needed_series(model: Model) -> tuple[str, ...]:
    """Every series a model reads besides the asset."""
    return model.regressors + ((model.offset,) if model.offset else ())


def design_matrix(model: Model, factors: FloatArray) -> FloatArray:
    """Regressors of every session (S, K), an intercept first where the model has one.

    `factors` (S, k) are the returns of ``model.regressors``, in that order.
    """
    if model.n_params == 0:
        return np.empty((factors.shape[0], 0))
    return np.column_stack([np.ones(factors.shape[0]), factors])
