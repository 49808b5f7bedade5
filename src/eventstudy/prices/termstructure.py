"""The term structure: prices of the nth contracts of each session, their spreads and slope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eventstudy.arrays import FloatArray
from eventstudy.errors import UnknownNameError
from eventstudy.prices.continuous import ContractPanel
from eventstudy.prices.contracts import front_numbers
from eventstudy.products import product


@dataclass(frozen=True, slots=True, eq=False)
class TermStructure:
    """Prices by distance from the front.

    Parameters
    ----------
    sessions : ndarray of datetime64[D], shape (S,)
        Increasing days.
    prices : ndarray of float, shape (S, N)
        In the unit of the product; column 0 is the front month.
    fronts : ndarray of int64, shape (S,)
        Front contract, by its place in the product's cycle.
    per_year : int
        Contracts a year.
    """

    sessions: NDArray[np.datetime64]
    prices: FloatArray
    fronts: NDArray[np.int64]
    per_year: int = 12

    def nth(self, number: int) -> FloatArray:
        """Return the prices of the nth contract, shape (S,); 1 is the front month.

        Raises
        ------
        UnknownNameError
            When the structure does not reach so far.
        """
        if not 1 <= number <= self.prices.shape[1]:
            msg = f"contract {number}: the term structure has 1 to {self.prices.shape[1]}"
            raise UnknownNameError(msg)
        return self.prices[:, number - 1]

    def spread(self, near: int, far: int) -> FloatArray:
        """Return near minus far, shape (S,): positive in backwardation."""
        return self.nth(near) - self.nth(far)

    def slope(self, near: int = 1, far: int = 12) -> FloatArray:
        """Return the logarithmic slope between two contracts a year, shape (S,).

        ``K (log F_far - log F_near) / (far - near)`` with K contracts a year: negative in
        backwardation; NaN where either price is missing or not positive.
        """
        first, last = self.nth(near), self.nth(far)
        with np.errstate(divide="ignore", invalid="ignore"):
            good = (first > 0) & (last > 0)
            ratio = np.where(good, last / first, np.nan)
            return np.asarray(self.per_year * np.log(ratio) / (far - near), dtype=np.float64)


def term_structure(panel: ContractPanel, *, count: int = 12) -> TermStructure:
    """Arrange contracts by their distance from the front month.

    Parameters
    ----------
    panel : ContractPanel
        Contracts of one product.
    count : int
        How many contracts.

    Returns
    -------
    TermStructure
        NaN where a contract has no price.
    """
    fronts = front_numbers(panel.product, panel.sessions)
    columns = fronts[:, None] + np.arange(count) - panel.first
    known = (columns >= 0) & (columns < panel.closes.shape[1])
    rows = np.arange(len(fronts))[:, None]
    safe = np.where(known, columns, 0)
    prices = np.full(known.shape, np.nan)
    if panel.closes.size:
        prices = np.where(known, panel.closes[rows, safe], np.nan)
    per_year = len(product(panel.product).months)
    return TermStructure(panel.sessions, prices, fronts, per_year)
