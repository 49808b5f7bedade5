"""What a simulation is made of, and what it holds when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from eventstudy.arrays import BoolArray, FloatArray

WideKind = Literal["prices", "returns"]


@dataclass(frozen=True, slots=True)
class ConstantVolatility:
    """The same standard deviation every session.

    Parameters
    ----------
    sigma : float
        Log return per session.
    """

    sigma: float = 0.02


@dataclass(frozen=True, slots=True)
class Garch:
    """GARCH(1,1) with Student t errors, ``h_t = omega + alpha e_{t-1}^2 + beta h_{t-1}``.

    Parameters
    ----------
    sigma : float
        Long-run standard deviation; ``omega = sigma^2 (1 - alpha - beta)``.
    alpha, beta : float
        Weights of the last squared shock and the last variance; their sum is below 1.
    nu : float
        Degrees of freedom of the errors, above 2; infinite for normal ones.

    Raises
    ------
    ValueError
        When the variance has no long-run value.

    References
    ----------
    Bollerslev, T. (1987), Review of Economics and Statistics 69, 542-547.
    """

    sigma: float = 0.02
    alpha: float = 0.08
    beta: float = 0.90
    nu: float = 6.0

    def __post_init__(self) -> None:
        if self.alpha < 0 or self.beta < 0 or self.alpha + self.beta >= 1 or self.nu <= 2:  # noqa: PLR2004  # a variance exists
            msg = (
                f"alpha = {self.alpha}, beta = {self.beta}, nu = {self.nu}: alpha and beta are "
                "not negative and sum to less than 1, nu is above 2"
            )
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Market:
    """A factor that moves every asset: ``r_i = beta_i m + e_i``.

    Parameters
    ----------
    sigma : float
        Standard deviation of the factor per session.
    betas : float or sequence of float
        One for all assets, or one each.
    name : str
        Column of the factor in wide files.
    """

    sigma: float = 0.01
    betas: float | Sequence[float] = 1.0
    name: str = "market"


@dataclass(frozen=True, slots=True)
class Jumps:
    """Normal jumps at the times of a Poisson process, at most one per session.

    Parameters
    ----------
    rate : float
        Probability of a jump in a session.
    sigma : float
        Standard deviation of a jump.
    """

    rate: float = 0.01
    sigma: float = 0.05


@dataclass(frozen=True, slots=True)
class Effect:
    """What an event does to one session.

    Parameters
    ----------
    session : int
        Position in the sample.
    mean : float
        Added to the log return.
    variance : float
        Factor on the variance of the session's own shock.
    asset : int, optional
        The asset concerned; all of them without it.
    """

    session: int
    mean: float = 0.0
    variance: float = 1.0
    asset: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """Simulated series and the truth behind them.

    Parameters
    ----------
    sessions : DatetimeIndex, length S
        Weekdays.
    assets : tuple of str, length A
    returns : (S, A) float
        Log return of every session on the same contract, nothing missing. The first is that of
        session 0 against a price of the session before.
    prices : (S, A) float
        What a file shows: the front month, with the jumps of rolls in it, NaN where missing.
    market : (S,) float
        Returns of the factor; zeros without one.
    mean : (S, A) float
        Mean effect put into each return.
    sigma : (S, A) float
        Standard deviation of each asset's own shock given the past, event variance included.
    jumps, roll_gap : (S, A) float
        What jumps and rolls put in; `roll_gap` is in `prices` and not in `returns`.
    missing : (S, A) bool
        Where a figure is withheld.
    market_name : str
        Column of the factor; empty without one.
    """

    sessions: pd.DatetimeIndex
    assets: tuple[str, ...]
    returns: FloatArray
    prices: FloatArray
    market: FloatArray
    mean: FloatArray
    sigma: FloatArray
    jumps: FloatArray
    roll_gap: FloatArray
    missing: BoolArray
    market_name: str

    def wide(self, kind: WideKind) -> pd.DataFrame:
        """Return the table that a wide file of prices or returns holds.

        A factor has a column of its own, in prices an index that starts at 100.

        Returns
        -------
        DataFrame
            ``session`` and a column per series.
        """
        shown = np.where(self.missing, np.nan, self.returns)
        values = self.prices if kind == "prices" else shown
        frame = pd.DataFrame(values, columns=list(self.assets))
        if self.market_name:
            index = 100.0 * np.exp(np.cumsum(self.market))
            frame[self.market_name] = index if kind == "prices" else self.market
        frame.insert(0, "session", self.sessions.strftime("%Y-%m-%d"))
        return frame
