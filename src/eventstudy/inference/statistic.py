"""What a statistic declares about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Scope = Literal["event", "sample", "asset", "family"]


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic: its name, paper, formula, law, and what it assumes.

    Parameters
    ----------
    name : str
        Name in study files and tables.
    title : str
        Name in sentences.
    paper : str
        Where it comes from.
    null : str
        The hypothesis tested.
    law : str
        Distribution under the null.
    formula : str
        The formula, in plain text.
    meaning : str
        One line for a reader who is not a statistician.
    assumes : tuple of str
        What must hold.
    scope : {"event", "sample", "asset", "family"}
        "event": one window; "sample": N pairs of event and asset; "asset": all dates of one
        asset or of several on the same dates; "family": the p-values of a whole study.
    min_n : int
        Least number of pairs, events or episodes.
    robust_eiv, robust_xc : bool
        Whether it stands event-induced variance, and cross-correlation on common dates.
    needs_no_overlap : bool
        Whether windows of one asset must not share sessions.
    needs_common_dates : bool
        Whether it takes every pair to be correlated alike, as on common dates.
    needs_rng : bool
        Whether `function` takes a generator after the sample.
    function : callable, optional
        ``function(sample) -> TestValue`` for scope "sample".
    """

    name: str
    title: str
    paper: str
    null: str
    law: str
    formula: str
    meaning: str
    assumes: tuple[str, ...]
    scope: Scope = "sample"
    min_n: int = 1
    robust_eiv: bool = False
    robust_xc: bool = False
    needs_no_overlap: bool = True
    needs_common_dates: bool = False
    needs_rng: bool = False
    function: Callable[..., Any] | None = None
