"""Price and return paths with a known effect, for tests, size studies and examples.

What a simulation is made of, what it holds when it is done, and the paths drawn from one generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from eventstudy.arrays import BoolArray, FloatArray

BURN_IN = 500  # sessions that a filter runs before the first one kept
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
        if self.alpha < 0 or self.beta < 0 or self.alpha + self.beta >= 1 or self.nu <= 2:
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


def simulate(
    n_sessions: int,
    rng: np.random.Generator,
    *,
    n_assets: int = 1,
    volatility: ConstantVolatility | Garch | None = None,
    drift: float = 0.0,
    correlation: float = 0.0,
    market: Market | None = None,
    jumps: Jumps | None = None,
    effects: Sequence[Effect] = (),
    rolls: Sequence[int] = (),
    roll_gap: float = 0.02,
    missing: float | Sequence[tuple[int, int]] = 0.0,
    start: str = "2020-01-02",
    first_price: float = 70.0,
) -> Simulation:
    """Simulate daily series of one or several assets with effects that are known.

    A return is ``drift + beta m + e + jump + mean effect`` with ``e = sigma_t sqrt(c) z``. The
    shock e, event variance c included, feeds the variance of later sessions; mean effects and
    jumps do not, so that an effect of zero and one of ten per cent share every other number.

    Parameters
    ----------
    n_sessions : int
        S.
    rng : Generator
        The only source of chance.
    n_assets : int
        A.
    volatility : ConstantVolatility or Garch, optional
        Of each asset's own shock; 2 % every session without it.
    drift : float
        Mean log return per session.
    correlation : float
        Between the own shocks of any two assets, from 0 to below 1; of their normal part when
        the errors are Student t.
    market : Market, optional
        A factor.
    jumps : Jumps, optional
        Drawn for each asset.
    effects : sequence of Effect
        Several on one session add up in the mean and multiply in the variance.
    rolls : sequence of int
        Sessions on which the front month is a new contract for the first time.
    roll_gap : float
        Log difference of new and old contract.
    missing : float or sequence of pairs
        Share of figures withheld at random, or ``(session, asset)`` one by one.
    start : str
        First session, ISO; the following ones are weekdays.
    first_price : float
        Price of the session before the first one, USD per barrel.

    Returns
    -------
    Simulation

    Raises
    ------
    ValueError
        When a session, asset, share or correlation lies outside its range.
    """
    design = volatility or ConstantVolatility()
    names = tuple(f"asset_{i + 1:02d}" for i in range(n_assets))
    _check(n_sessions, n_assets, effects, rolls, correlation)
    mean, factor = _effect_tables(effects, n_sessions, n_assets)
    shocks, sigma = _shocks(design, factor, correlation, rng)
    factor_returns, exposure = _market_part(market, n_sessions, n_assets, rng)
    jump_part = _jump_part(jumps, n_sessions, n_assets, rng)
    gaps = np.zeros((n_sessions, n_assets))
    gaps[list(rolls)] = roll_gap
    hidden = _missing_part(missing, n_sessions, n_assets, rng)
    returns = drift + factor_returns[:, None] * exposure + shocks + jump_part + mean
    prices = first_price * np.exp(np.cumsum(returns + gaps, axis=0))
    return Simulation(
        sessions=pd.bdate_range(start, periods=n_sessions), assets=names, returns=returns,
        prices=np.where(hidden, np.nan, prices), market=factor_returns, mean=mean, sigma=sigma,
        jumps=jump_part, roll_gap=gaps, missing=hidden,
        market_name=market.name if market else "",
    )  # fmt: skip


def write_wide(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a wide table as CSV, every figure with the digits that bring it back exactly.

    Parameters
    ----------
    frame : DataFrame
        ``session`` and a column per series; missing figures become empty cells.
    path : str or Path

    Returns
    -------
    Path
    """
    target = Path(path)
    frame.to_csv(target, index=False, lineterminator="\n")
    return target


def _check(
    n_sessions: int,
    n_assets: int,
    effects: Sequence[Effect],
    rolls: Sequence[int],
    correlation: float,
) -> None:
    outside = [s for s in (*(e.session for e in effects), *rolls) if not 0 <= s < n_sessions]
    if outside:
        msg = f"session {outside[0]} is not one of the {n_sessions} sessions 0..{n_sessions - 1}"
        raise ValueError(msg)
    strangers = [e.asset for e in effects if e.asset is not None and not 0 <= e.asset < n_assets]
    if strangers:
        msg = f"asset {strangers[0]} is not one of the {n_assets} assets 0..{n_assets - 1}"
        raise ValueError(msg)
    if not 0 <= correlation < 1:
        msg = f"correlation = {correlation}: from 0 to below 1"
        raise ValueError(msg)


def _effect_tables(
    effects: Sequence[Effect], n_sessions: int, n_assets: int
) -> tuple[FloatArray, FloatArray]:
    mean = np.zeros((n_sessions, n_assets))
    factor = np.ones((n_sessions, n_assets))
    for effect in effects:
        part = slice(None) if effect.asset is None else effect.asset
        mean[effect.session, part] += effect.mean
        factor[effect.session, part] *= effect.variance
    return mean, factor


def _shocks(
    design: ConstantVolatility | Garch,
    factor: FloatArray,
    correlation: float,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Draw own shocks (S, A) and their standard deviations given the past."""
    n, n_assets = factor.shape
    burn = BURN_IN if isinstance(design, Garch) else 0
    z = _errors(design, (n + burn, n_assets), correlation, rng)
    if isinstance(design, ConstantVolatility):
        sigma = design.sigma * np.sqrt(factor)
        return sigma * z, sigma
    full = np.vstack([np.ones((burn, n_assets)), factor])
    shocks, sigma = np.empty_like(z), np.empty_like(z)
    omega = design.sigma**2 * (1 - design.alpha - design.beta)
    h = np.full(n_assets, design.sigma**2)
    for t in range(n + burn):
        sigma[t] = np.sqrt(h * full[t])
        shocks[t] = sigma[t] * z[t]
        h = omega + design.alpha * shocks[t] ** 2 + design.beta * h
    return shocks[burn:], sigma[burn:]


def _errors(
    design: ConstantVolatility | Garch,
    shape: tuple[int, int],
    correlation: float,
    rng: np.random.Generator,
) -> FloatArray:
    own = rng.standard_normal(shape)
    z = own
    if correlation:
        common = rng.standard_normal((shape[0], 1))
        z = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
    if isinstance(design, Garch) and np.isfinite(design.nu):
        z = z * np.sqrt((design.nu - 2) / rng.chisquare(design.nu, shape))
    return z


def _market_part(
    market: Market | None, n_sessions: int, n_assets: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    if market is None:
        return np.zeros(n_sessions), np.zeros(n_assets)
    betas = np.broadcast_to(np.asarray(market.betas, dtype=float), (n_assets,))
    return market.sigma * rng.standard_normal(n_sessions), betas


def _jump_part(
    jumps: Jumps | None, n_sessions: int, n_assets: int, rng: np.random.Generator
) -> FloatArray:
    shape = (n_sessions, n_assets)
    if jumps is None:
        return np.zeros(shape)
    return np.where(rng.random(shape) < jumps.rate, jumps.sigma * rng.standard_normal(shape), 0.0)


def _missing_part(
    missing: float | Sequence[tuple[int, int]],
    n_sessions: int,
    n_assets: int,
    rng: np.random.Generator,
) -> BoolArray:
    if isinstance(missing, (int, float)):
        if not 0 <= missing < 1:
            msg = f"missing = {missing}: a share from 0 to below 1"
            raise ValueError(msg)
        return (
            np.asarray(rng.random((n_sessions, n_assets)) < missing)
            if missing
            else _none(n_sessions, n_assets)
        )
    out = _none(n_sessions, n_assets)
    for session, asset in missing:
        out[session, asset] = True
    return out


def _none(n_sessions: int, n_assets: int) -> BoolArray:
    return np.zeros((n_sessions, n_assets), dtype=bool)
