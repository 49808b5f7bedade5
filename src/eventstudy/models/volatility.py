"""Volatility filters: GARCH(1,1) with Student t errors, and an EWMA where history is short."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError

FilterKind = Literal["garch", "ewma"]

BACKCAST_SESSIONS = 75
BACKCAST_DECAY = 0.94
PERSISTENCE_LIMIT = 1.0 - 1e-6
LEAST_SESSIONS = 20

# GARCH fit: constraints (omega, alpha, beta, 1 - alpha - beta, nu - 2.05, 500 - nu) >= 0, step of
# the difference quotients, grid of starting values
REMEMBERED_FITS = 1024
LEAST_NU, MOST_NU, START_NU, HEAVY_TAILS = 2.05, 500.0, 12.0, 3.75
CONSTRAINTS = np.array(
    [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, -1, -1, 0], [0, 0, 0, 1], [0, 0, 0, -1]], float
)
ONE_EACH = np.eye(4, dtype=bool)
LIMITS = np.array([0.0, 0.0, 0.0, -1.0, LEAST_NU, -MOST_NU])
STEP = float(np.sqrt(np.finfo(float).eps))
LOG_2PI = float(np.log(2.0 * np.pi))
START_ALPHAS, START_PERSISTENCE = (0.01, 0.05, 0.1, 0.2), (0.5, 0.7, 0.9, 0.98)


@dataclass(frozen=True, slots=True, eq=False)
class FilteredPath:
    """A return series seen through a volatility filter.

    `sigma` (H,) is the one-step-ahead volatility ``sigma_{s|s-1}``, in units of the return, `z`
    (H,) ``r_s / sigma_{s|s-1}``, `sigma_next` the forecast for the session after the last one.
    """

    sigma: FloatArray
    z: FloatArray
    sigma_next: float


@dataclass(frozen=True, slots=True)
class VolatilityFilter:
    """The recursion ``sigma2_{s+1} = omega + alpha r_s^2 + beta sigma2_s``, parameters fixed.

    Parameters
    ----------
    kind, reason : str
        "garch" or "ewma", and why an EWMA stands in for the GARCH filter.
    omega, alpha, beta : float
        The recursion, `omega` in squared units of the return.
    nu : float
        Degrees of freedom of the Student t errors; NaN for an EWMA.
    n_fit : int
        Sessions the parameters were fitted on.

    References
    ----------
    Bollerslev (1987), Review of Economics and Statistics 69, 542-547, for GARCH(1,1)-t.
    """

    kind: FilterKind
    reason: str
    omega: float
    alpha: float
    beta: float
    nu: float
    n_fit: int

    @property
    def params(self) -> tuple[tuple[str, float], ...]:
        """Names and values of the parameters."""
        return (("omega", self.omega), ("alpha", self.alpha), ("beta", self.beta), ("nu", self.nu))

    def run(self, returns: FloatArray) -> FilteredPath:
        """Filter demeaned returns (H,), oldest first; the parameters stay as they are.

        ``z[s]`` uses returns up to s - 1 and the starting value of the recursion, a weighted mean
        of the first 75 squares.

        Raises
        ------
        EstimationError
            When a return is not finite or the series has no variance.
        """
        _check(returns)
        start = backcast(returns)
        shocks = self.omega + self.alpha * np.concatenate([[start], returns**2])
        sigma2 = _recursion(shocks, self.beta, start)
        sigma = np.sqrt(sigma2)
        return FilteredPath(sigma=sigma[:-1], z=returns / sigma[:-1], sigma_next=float(sigma[-1]))

    def forecast_scale(self, sigma: FloatArray | float, sessions: int) -> FloatArray:
        """Volatility of the sum of the next W sessions, forecast from the first one's (H,).

        ``sqrt(sum_h sigma2_{s+h|s-1})``, h = 0 .. W - 1, with
        ``sigma2_{s+h|s-1} = omega + (alpha + beta) sigma2_{s+h-1|s-1}``.
        """
        step = np.asarray(sigma, dtype=float) ** 2
        total = np.zeros_like(step)
        for _ in range(sessions):
            total = total + step
            step = self.omega + (self.alpha + self.beta) * step
        return np.asarray(np.sqrt(total), dtype=float)

    def steps(self, sigma_next: float, draws: Iterable[FloatArray]) -> Iterator[FloatArray]:
        """Run the filter forward from the forecast `sigma_next`, fed with standardised draws (B,).

        Yields the simulated returns (B,) of each session.
        """
        sigma2, returns = np.array(sigma_next**2), None
        for z in draws:
            if returns is not None:
                shocks = returns**2
                shocks *= self.alpha
                shocks += self.omega
                shocks += self.beta * sigma2
                sigma2 = shocks
            returns = np.sqrt(sigma2) * z
            yield returns


def fit_filter(
    returns: FloatArray,
    *,
    kind: Literal["auto", "garch", "ewma"] = "auto",
    min_garch: int = 500,
    decay: float = 0.94,
) -> VolatilityFilter:
    """Fit a volatility filter to the sessions before an event.

    Parameters
    ----------
    returns : (H,) float
        Demeaned returns, oldest first, none of them inside the event window.
    kind : {"auto", "garch", "ewma"}
        "auto" and "garch" take GARCH(1,1)-t where there are `min_garch` sessions and the fit
        converges, an EWMA with lambda `decay` otherwise, with the reason.

    Raises
    ------
    EstimationError
        When there are fewer than 20 sessions, a return is not finite, or none of them varies.

    References
    ----------
    Bollerslev (1987) for GARCH(1,1)-t; RiskMetrics (1996) for the EWMA with lambda 0.94.
    """
    _check(returns)
    if len(returns) < LEAST_SESSIONS:
        msg = f"{len(returns)} sessions before the window: a filter needs {LEAST_SESSIONS}"
        raise EstimationError(msg)
    if kind == "ewma":
        return _ewma(len(returns), decay, reason="an EWMA was asked for")
    if len(returns) < min_garch:
        return _ewma(
            len(returns), decay, reason=f"{len(returns)} sessions, GARCH needs {min_garch}"
        )
    fitted = _fit_garch(returns)
    return _ewma(len(returns), decay, reason=fitted) if isinstance(fitted, str) else fitted


def backcast(returns: FloatArray) -> float:
    """Return the starting variance: exponentially weighted mean of the first squares."""
    first = returns[:BACKCAST_SESSIONS] ** 2
    weights = BACKCAST_DECAY ** np.arange(len(first))
    return float(first @ (weights / weights.sum()))


def _recursion(shocks: FloatArray, beta: float, start: float) -> FloatArray:
    """``v_s = shocks_s + beta v_{s-1}``, with ``v_{-1} = start``."""
    from scipy.signal import lfilter

    path, _ = lfilter([1.0], [1.0, -beta], shocks, zi=[beta * start])
    return np.asarray(path, dtype=float)


def _check(returns: FloatArray) -> None:
    if not np.isfinite(returns).all():
        msg = "a return before the window is not finite: mask or drop it first"
        raise EstimationError(msg)
    if len(returns) == 0 or not np.any(returns[:BACKCAST_SESSIONS]):
        msg = "the returns before the window do not vary: no volatility can be filtered"
        raise EstimationError(msg)


def _ewma(n_fit: int, decay: float, *, reason: str) -> VolatilityFilter:
    return VolatilityFilter("ewma", reason, 0.0, 1.0 - decay, decay, float("nan"), n_fit)


def _fit_garch(returns: FloatArray) -> VolatilityFilter | str:
    """Return the fitted filter, or the reason why there is none."""
    scale = float(returns.std())
    params, converged = _garch_params((returns / scale).tobytes())
    omega, alpha, beta, nu = params
    if not converged or not np.isfinite(params).all():
        return "the GARCH fit did not converge"
    if alpha + beta >= PERSISTENCE_LIMIT:
        return f"the GARCH fit is explosive (alpha + beta = {alpha + beta:.4f})"
    return VolatilityFilter("garch", "", omega * scale**2, alpha, beta, nu, len(returns))


# Events of one session, the second session of an ambiguous event, claims and refits of a whole
# series ask for the same history again.
@lru_cache(maxsize=REMEMBERED_FITS)
def _garch_params(scaled: bytes) -> tuple[tuple[float, ...], bool]:
    """Parameters omega, alpha, beta, nu of returns with unit variance, and whether they converged.

    The likelihood, its parts and the optimiser are those of `arch`, and so are the parameters, to
    the last bit. `arch` leaves every derivative to SciPy, even those of its linear constraints,
    and computes 64 starting values of which 16 differ: three quarters of its time.
    """
    from scipy.optimize import minimize

    likelihood = _GarchLikelihood(np.frombuffer(scaled))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the outcome is judged by its convergence flag
        try:
            found = minimize(
                likelihood,
                likelihood.start(),
                jac=likelihood.gradient,
                method="SLSQP",
                bounds=np.column_stack([likelihood.low, likelihood.high]),
                constraints={
                    "type": "ineq",
                    "fun": lambda params: CONSTRAINTS @ params - LIMITS,
                    "jac": likelihood.constraint_slopes,
                },
            )
        except (ValueError, np.linalg.LinAlgError):
            return (float("nan"),) * 4, False
    return tuple(float(value) for value in found.x), found.status == 0


class _GarchLikelihood:
    """Negative log-likelihood of GARCH(1,1)-t, with the difference quotients SciPy would take.

    The returns (H,) are scaled to unit variance.
    """

    def __init__(self, returns: FloatArray) -> None:
        from arch.univariate import GARCH
        from arch.univariate.recursions import garch_recursion
        from scipy.special import gammaln

        model = GARCH(1, 0, 1)
        self._recursion, self._gammaln = garch_recursion, gammaln
        self._squares, self._signs = returns**2, np.sign(returns)
        self._returns, self._backcast = returns, model.backcast(returns)
        self._bounds = model.variance_bounds(returns)
        self._sigma2, self._work = np.empty_like(returns), np.empty_like(returns)
        self._known: tuple[bytes, float] = (b"", float("nan"))
        self._constant = (float("nan"), float("nan"))
        self.mean_square = float(np.mean(self._squares))
        self.low = np.array([1e-8 * self.mean_square, 0.0, 0.0, LEAST_NU])
        self.high = np.array([10.0 * self.mean_square, 1.0, 1.0, MOST_NU])

    def __call__(self, params: FloatArray) -> float:
        key = params.tobytes()
        if key != self._known[0]:
            self._variance(params[:3])
            self._known = (key, self._student(float(params[3])))
        return self._known[1]

    def start(self) -> FloatArray:
        """Return the best of 16 variance paths under normal errors, and nu by its kurtosis (4,)."""
        grid = [
            np.array([(1.0 - persistence) * self.mean_square, alpha, persistence - alpha])
            for alpha in START_ALPHAS
            for persistence in START_PERSISTENCE
        ]
        best = grid[int(np.argmin([self._normal(start) for start in grid]))]
        z = self._returns / np.sqrt(self._variance(best))
        square_z = (z - z.mean()) ** 2
        kurtosis = float(np.mean(square_z**2) / np.mean(square_z) ** 2)
        nu = (4.0 * kurtosis - 6.0) / (kurtosis - 3.0) if kurtosis > HEAVY_TAILS else START_NU
        return np.array([*best, max(nu, 4.0)])

    def gradient(self, params: FloatArray) -> FloatArray:
        """Forward differences of the likelihood (4,)."""
        here, ahead = self(params), self._ahead(params)
        # nu leaves the variances as they are, those of `params` until the next line computes others
        ends, nu = np.empty(len(params)), float(params[-1])
        ends[-1] = self._student(float(ahead[-1]))
        for i in range(len(params) - 1):
            moved = params[:-1].copy()
            moved[i] = ahead[i]
            self._variance(moved)
            ends[i] = self._student(nu)
        self._known = (b"", float("nan"))
        return np.asarray((ends - here) / (ahead - params), dtype=float)

    def constraint_slopes(self, params: FloatArray) -> FloatArray:
        """Forward differences of the linear constraints (6, 4): their matrix, with its rounding."""
        params = np.minimum(np.maximum(params, self.low), self.high)
        ahead = self._ahead(params)
        here = CONSTRAINTS @ params - LIMITS
        moved = np.where(ONE_EACH, ahead, params[:, None])
        rise = (CONSTRAINTS @ moved - LIMITS[:, None]) - here[:, None]
        return np.asarray(rise / (ahead - params), dtype=float)

    def _ahead(self, params: FloatArray) -> FloatArray:
        """Each parameter one step ahead, or back where its bound is nearer than that (4,)."""
        ahead = params + STEP
        return np.where(ahead <= self.high, ahead, params - STEP)

    def _variance(self, params: FloatArray) -> FloatArray:
        n = len(self._returns)
        self._recursion(
            params, self._squares, self._signs, self._sigma2, 1, 0, 1, n,
            self._backcast, self._bounds,
        )  # fmt: skip
        return self._sigma2

    def _normal(self, params: FloatArray) -> float:
        sigma2 = self._variance(params)
        return float((LOG_2PI + np.log(sigma2) + self._squares / sigma2).sum()) / 2

    def _student(self, nu: float) -> float:
        """Negative log-likelihood of the variances last computed, in two work arrays."""
        # the operations of `arch` in their order
        if nu != self._constant[0]:
            ratio = self._gammaln((nu + 1) / 2) - self._gammaln(nu / 2)
            self._constant = (nu, float(ratio - np.log(np.pi * (nu - 2)) / 2))
        tails = np.multiply(self._sigma2, nu - 2, out=self._work)
        np.divide(self._squares, tails, out=tails)
        np.add(tails, 1.0, out=tails)
        np.log(tails, out=tails)
        np.multiply(tails, (nu + 1) / 2, out=tails)
        each = np.log(self._sigma2)
        np.multiply(each, 0.5, out=each)
        np.subtract(self._constant[1], each, out=each)
        np.subtract(each, tails, out=each)
        return -float(each.sum())


def filter_series(
    returns: FloatArray,
    *,
    kind: Literal["auto", "garch", "ewma"] = "auto",
    refit: int = 125,
    history: int = 1000,
    min_garch: int = 500,
) -> FloatArray:
    """Standardise a whole series (T,), each session by what was known before it.

    ``z_s = (r_s - m) / sigma_{s|s-1}``, m the mean of the sessions the filter was fitted on. Every
    `refit` sessions the parameters are fitted anew on the last `history` usable sessions, an EWMA
    standing in before there are `min_garch` of them or where the fit fails; in between only the
    state moves on. Missing sessions are stepped over; the first 75 usable ones start the recursion
    and stay missing.
    """
    usable = np.flatnonzero(np.isfinite(returns))
    series, z = returns[usable], np.full(len(returns), np.nan)
    for start in range(BACKCAST_SESSIONS, len(series), refit):
        past = series[max(0, start - history) : start]
        stop = min(start + refit, len(series))
        block = np.concatenate([past, series[start:stop]]) - past.mean()
        if not np.any(block[:BACKCAST_SESSIONS]):
            continue
        fitted = fit_filter(past - past.mean(), kind=kind, min_garch=min_garch)
        z[usable[start:stop]] = fitted.run(block).z[len(past) :]
    return z
