"""What a statistic declares about itself, the registry that collects it, and the value it gives.

A statistic is a function with its declaration above it::

    @OverEvents(name="bmp", title="Boehmer, Musumeci and Poulsen", ...)
    def bmp(sample: EventSample) -> TestValue: ...

The declaration is its documentation: formula, null distribution and paper join the docstring.
Each scope has its own declaration, which names what a test of that scope can need, and its own
sample: `one_event.OneEvent`, `over_events.OverEvents`, `over_dates.OverDates` and
`multiplicity.OverFamily`. Every statistic raises `EstimationError`, with the reason, where its
sample gives it no value. Tables, documents, the command line and the choice of tests read the
declarations; nothing else knows a statistic by its name.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, TypeVar

from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError, UnknownNameError, did_you_mean

Scope = Literal["event", "dates", "events", "family"]
Unit = Literal["events", "pairs", "windows", "episodes"]
SCOPES: tuple[Scope, ...] = ("event", "dates", "events", "family")
OVER_MANY: tuple[Scope, ...] = ("dates", "events")

# Wording that declarations share.
NO_EVENT_VARIANCE = "the event does not change the variance"
NO_CROSS_CORRELATION = "windows of different pairs are uncorrelated"
NORMAL = "abnormal returns are near normal, or N is large"
APART = "windows of one asset share no session"
COMMON = "every two pairs are correlated alike, as on common dates"
MEAN_ZERO = "the mean CAR is zero"

_REGISTRY: dict[str, Statistic] = {}
F = TypeVar("F", bound=Callable[..., Any])


def _no_function(*_sample: object) -> Any:  # noqa: ANN401  # stands until the decorator is applied
    msg = "a declaration without a function"
    raise TypeError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """A statistic as it declares itself; an instance of a scope's class decorates its function.

    Parameters
    ----------
    name, title, paper, null, distribution, formula, meaning : str
        Name in study files and tables, and in sentences; where it comes from; the hypothesis
        tested; the distribution under it; one line for a reader who is not a statistician.
    assumes : tuple of str
        What must hold.
    min_n : int
        Least number of observations, counted in `counts`.
    allows_event_variance : bool
        Whether it is robust to event-induced variance.
    allows_cross_correlation : bool
        Whether it allows windows to be correlated on common dates.
    allows_overlap : bool
        Whether windows of one asset may share sessions.
    needs_rng, needs_level : bool
        Whether `function` takes a generator after the sample, or ``level`` for an interval.
    function : callable
        ``function(sample)``, set by decoration.
    """

    scope: ClassVar[Scope]

    name: str
    title: str
    paper: str
    null: str
    distribution: str
    formula: str
    meaning: str
    assumes: tuple[str, ...]
    min_n: int = 1
    counts: Unit = "events"
    allows_event_variance: bool = False
    allows_cross_correlation: bool = False
    allows_overlap: bool = False
    needs_rng: bool = False
    needs_level: bool = False
    function: Callable[..., Any] = field(default=_no_function, repr=False, compare=False)

    def __call__(self, function: F) -> F:
        """Enter the statistic with its function into the registry; its facts join the docstring."""
        if self.name in _REGISTRY:
            msg = f"two statistics are called {self.name!r}"
            raise ValueError(msg)
        _REGISTRY[self.name] = replace(self, function=function)
        what = inspect.cleandoc(function.__doc__ or "")
        how = f"``{self.formula}``; null distribution: {self.distribution}. {self.meaning}"
        function.__doc__ = f"{what}\n\n{how}\n\nReferences\n----------\n{self.paper}."
        return function


def statistics(scope: Scope | None = None) -> tuple[Statistic, ...]:
    """Return every statistic, or those of a scope, in the order of the documents.

    Examples
    --------
    >>> [entry.name for entry in statistics("family")]
    ['max_z', 'holm', 'benjamini_hochberg']
    """
    wanted = SCOPES if scope is None else (scope,)
    return tuple(one for place in wanted for one in _declared().values() if one.scope == place)


def statistic(name: str) -> Statistic:
    """Return one statistic; an `UnknownNameError` names the nearest where there is none.

    Examples
    --------
    >>> statistic("bmp").distribution
    't, N - 1 degrees of freedom'
    """
    known = _declared()
    if name not in known:
        msg = f"no statistic {name!r}: {did_you_mean(name, known)}"
        raise UnknownNameError(msg)
    return known[name]


def _declared() -> dict[str, Statistic]:
    # importing a room declares its statistics, in the order its __init__ gives
    from eventstudy.inference import multiplicity, one_event, over_dates, over_events  # noqa: F401  # see above

    return _REGISTRY


@dataclass(frozen=True, slots=True)
class TestValue:
    """What a statistic came to.

    Parameters
    ----------
    value, df, pvalue : float
        The statistic; degrees of freedom of its t distribution, NaN where that has none; two-sided
        unless the statistic says otherwise.
    n : int
        Observations that entered.
    note : str
        What a reader of the value must know, such as its interval.
    """

    __test__ = False

    value: float
    df: float
    pvalue: float
    n: int
    note: str = ""


def normal_value(value: float, n: int) -> TestValue:
    """Give a statistic its two-sided p-value under N(0, 1)."""
    from scipy.special import ndtr

    return TestValue(float(value), math.nan, 2.0 * float(ndtr(-abs(value))), n)


def t_value(value: float, df: float, n: int) -> TestValue:
    """Give a statistic its two-sided p-value under t with `df` degrees of freedom."""
    from scipy.special import stdtr

    return TestValue(float(value), float(df), 2.0 * float(stdtr(df, -abs(value))), n)


def mean_t(values: FloatArray, what: str) -> TestValue:
    """Return the t of a mean of independent values, against t_{n-1}."""
    n = len(values)
    value = math.sqrt(n) * float(values.mean()) / spread(values, what)
    return t_value(value, n - 1, n)


def spread(values: FloatArray, what: str) -> float:
    """Return the standard deviation with n - 1; refuses fewer than two values, or all equal."""
    if len(values) < 2:  # noqa: PLR2004  # a spread needs two
        msg = f"one {what} only: no spread across events"
        raise EstimationError(msg)
    sd = float(values.std(ddof=1))
    if not sd > 1e-12 * float(abs(values).max()):
        msg = f"every {what} is the same: no spread across events"
        raise EstimationError(msg)
    return sd
