"""Power in closed form, and the effect that a given power needs."""

from __future__ import annotations

import math


def normal_power(effect: float, se: float, *, level: float = 0.05) -> float:
    """Return the power of a two-sided z test, ``Phi(d - q) + Phi(-d - q)``, d = effect / se.

    Parameters
    ----------
    effect : float
        Mean effect.
    se : float
        Standard error of its estimate, in the same units.
    level : float
        Level of the test; q is its two-sided normal quantile.

    References
    ----------
    MacKinlay (1997), Journal of Economic Literature 35, 13-39, table 2.
    """
    from scipy.special import ndtr, ndtri

    quantile, distance = -float(ndtri(level / 2)), abs(effect) / se
    return float(ndtr(distance - quantile) + ndtr(-distance - quantile))


def t_power(effect: float, se: float, df: float, *, level: float = 0.05) -> float:
    """Return the power of a two-sided t test from the noncentral t.

    Parameters
    ----------
    effect, se : float
        Mean effect and the standard error of its estimate, in the same units.
    df : float
        Degrees of freedom.
    level : float
        Level of the test.
    """
    from scipy import special

    quantile, distance = float(special.stdtrit(df, 1 - level / 2)), abs(effect) / se
    upper = 1.0 - float(special.nctdtr(df, distance, quantile))
    return upper + float(special.nctdtr(df, distance, -quantile))


def t_detectable(se: float, df: float, *, level: float = 0.05, power: float = 0.8) -> float:
    """Return the effect that a two-sided t test finds with the given power, by bisection.

    Parameters
    ----------
    se : float
        Standard error of the estimate.
    df : float
        Degrees of freedom.
    level, power : float
        Level of the test and the power wanted.
    """
    low, high = 0.0, se
    while t_power(high, se, df, level=level) < power:
        low, high = high, 2 * high
    for _ in range(60):
        middle = 0.5 * (low + high)
        enough = t_power(middle, se, df, level=level) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def normal_detectable(se: float, *, level: float = 0.05, power: float = 0.8) -> float:
    """Return the effect that a two-sided z test finds with the given power.

    ``se (q_{1 - level/2} + q_{power})``; the far tail adds less than 1e-5 of power.

    Parameters
    ----------
    se : float
        Standard error of the estimate.
    level, power : float
        Level of the test and the power wanted.
    """
    from scipy.special import ndtri

    if not math.isfinite(se):
        return math.inf
    return se * float(-ndtri(level / 2) + ndtri(power))
