"""Series out of single contracts: continuous ones, whose returns never mix two, and the curve.

A front-month series jumps where it changes contract. Here the return of every session is that of
the contract held on it, from the session before: the position moves to the next contract at the
close before the change. Back-adjusted prices put those returns, or price changes, into levels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from eventstudy.arrays import BoolArray, DayArray, FloatArray, IntArray
from eventstudy.errors import UnknownNameError, did_you_mean
from eventstudy.prices.contracts import front_numbers, product_of_root
from eventstudy.products import product

Method = Literal["same-contract", "difference", "unadjusted"]

_SPEC: Final = re.compile(r"(?P<root>[A-Z]+)@(?P<nth>\d+)(:(?P<method>[a-z-]+))?(:(?P<early>\d+))?")


@dataclass(frozen=True, slots=True)
class ContinuousSpec:
    """Which continuous series is meant.

    Parameters
    ----------
    product : str
        A product of the table.
    nth : int
        1 for the front month.
    method : {"same-contract", "difference", "unadjusted"}
        ``same-contract``: levels whose ratios are same-contract gross returns, so that log and
        simple returns are exact; ``difference``: levels whose changes are same-contract changes of
        price; ``unadjusted``: the prices themselves, which jump at rolls.
    early : int
        Sessions before the last trading day after which the next contract is held; 0 for expiry.
    """

    product: str
    nth: int = 1
    method: Method = "same-contract"
    early: int = 0

    @property
    def name(self) -> str:
        """Its spelling, such as ``CL@1:same-contract`` or ``CL@1:same-contract:5``."""
        early = f":{self.early}" if self.early else ""
        return f"{product(self.product).root}@{self.nth}:{self.method}{early}"


@dataclass(frozen=True, slots=True, eq=False)
class ContractPanel:
    """Prices of the contracts of one product.

    Parameters
    ----------
    product : str
        A product of the table.
    sessions : ndarray of datetime64[D], shape (S,)
        Increasing days.
    first : int
        Contract of the first column by its place in the product's cycle (`Contract.number`); the
        columns are consecutive.
    closes : ndarray of float, shape (S, C)
        In the unit of the product; NaN where there is no value.
    """

    product: str
    sessions: DayArray
    first: int
    closes: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Continuous:
    """A continuous series.

    Parameters
    ----------
    sessions : ndarray of datetime64[D], shape (S,)
        Those of the panel.
    levels : ndarray of float, shape (S,)
        Prices by the method asked for; the newest are unadjusted.
    changes : ndarray of float, shape (S,)
        Same-contract changes of price in the unit of the product; the first is NaN.
    held : ndarray of int64, shape (S,)
        Contract held, by its place in the product's cycle.
    rolls : ndarray of bool, shape (S,)
        Sessions on which another contract is held than on the session before.
    broken : tuple of str
        Roll sessions that cannot be linked, because one of the two contracts has no value or, for
        ratios, no positive one; levels before the last of them are missing.
    """

    sessions: DayArray
    levels: FloatArray
    changes: FloatArray
    held: IntArray
    rolls: BoolArray
    broken: tuple[str, ...]


def parse_continuous(text: str) -> ContinuousSpec:
    """Read ``CL@1:same-contract``, ``BZ@2:difference`` or ``CL@1:same-contract:5``.

    Raises
    ------
    UnknownNameError
        When it is none of these.
    """
    found = _SPEC.fullmatch(text)
    name = product_of_root(found["root"]) if found else None
    if not found or name is None or int(found["nth"]) < 1:
        msg = f"{text!r} is not a continuous series such as CL@1:same-contract or BZ@2:difference:5"
        raise UnknownNameError(msg)
    method = found["method"] or "same-contract"
    if method not in get_args(Method):
        msg = f"{text!r}: no method {method!r}; {did_you_mean(method, get_args(Method))}"
        raise UnknownNameError(msg)
    return ContinuousSpec(name, int(found["nth"]), method, int(found["early"] or 0))  # type: ignore[arg-type]  # checked above


def continuous(panel: ContractPanel, spec: ContinuousSpec) -> Continuous:
    """Build a continuous series from contracts.

    Parameters
    ----------
    panel : ContractPanel
        Contracts of the product.
    spec : ContinuousSpec
        Which contract is held, until when, and which levels are wanted.

    Returns
    -------
    Continuous
    """
    held = _held(panel, spec)
    now, before = _prices_of(panel, held)
    shown = np.concatenate([[np.nan], now[:-1]])
    rolls = np.diff(held, prepend=held[:1]) != 0
    # At a roll the old and the new contract are both priced at the close before.
    levels, bad = _adjusted(now, before, shown, rolls, spec.method)
    broken = tuple(str(day) for day in panel.sessions[bad])
    return Continuous(panel.sessions, levels, now - before, held, rolls, broken)


def _held(panel: ContractPanel, spec: ContinuousSpec) -> IntArray:
    """Contract held on each session, shape (S,)."""
    fronts = front_numbers(panel.product, panel.sessions)
    if spec.early:
        # Held as if it were so many sessions later; after the panel weekdays count as sessions.
        days = panel.sessions[-1] if len(panel.sessions) else np.datetime64("2000-01-03")
        more = np.busday_offset(days, np.arange(1, spec.early + 1), roll="forward")
        ahead = np.concatenate([panel.sessions, more.astype("datetime64[D]")])[spec.early :]
        fronts = front_numbers(panel.product, ahead)
    return fronts + spec.nth - 1


def _prices_of(panel: ContractPanel, held: IntArray) -> tuple[FloatArray, FloatArray]:
    """Price of the held contract on each session and on the session before, both (S,)."""
    columns = held - panel.first
    known = (columns >= 0) & (columns < panel.closes.shape[1])
    rows = np.arange(len(held))
    safe = np.where(known, columns, 0)
    if not panel.closes.size:
        return np.full(len(held), np.nan), np.full(len(held), np.nan)
    now = np.where(known, panel.closes[rows, safe], np.nan)
    before = np.where(known & (rows > 0), panel.closes[rows - 1, safe], np.nan)
    return now, before


def _adjusted(
    now: FloatArray, before: FloatArray, shown: FloatArray, rolls: BoolArray, method: Method
) -> tuple[FloatArray, BoolArray]:
    """Levels (S,) and the rolls (S,) over which they cannot be linked."""
    none = np.zeros(len(now), dtype=np.bool_)
    if method == "unadjusted":
        return now, none
    at = np.flatnonzero(rolls)
    with np.errstate(divide="ignore", invalid="ignore"):
        if method == "difference":
            links, neutral = (before - shown)[at], 0.0
        else:
            good = (before > 0) & (shown > 0)
            links, neutral = np.where(good, before / shown, np.nan)[at], 1.0
    bad = none.copy()
    bad[at[np.isnan(links)]] = True
    # Breaks before the first price break nothing.
    priced = np.flatnonzero(~np.isnan(now))
    bad[: priced[0] + 1 if len(priced) else len(now)] = False
    steps = np.full(len(now), neutral)
    steps[at] = np.where(np.isnan(links), neutral, links)
    # The step of a roll applies to every session before it.
    later = np.append(steps[1:], neutral)[::-1]
    total = (np.cumsum(later) if method == "difference" else np.cumprod(later))[::-1]
    levels = now + total if method == "difference" else now * total
    if bad.any():
        levels[: np.flatnonzero(bad)[-1]] = np.nan
    return levels, bad


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

    sessions: DayArray
    prices: FloatArray
    fronts: IntArray
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
