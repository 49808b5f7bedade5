"""N pairs of an event and an asset, and what several statistics need of them, computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import ClassVar, Concatenate, ParamSpec

import numpy as np

from eventstudy.arrays import BoolArray, FloatArray, IntArray
from eventstudy.errors import EstimationError
from eventstudy.inference.over_events.correlation import Residuals, WindowPairs
from eventstudy.inference.statistic import Scope, Statistic, TestValue, Unit
from eventstudy.models.abnormal import AbnormalReturns

BLOCK = 1024
BY_PAIR = ("ranks", "rank_counts")
P = ParamSpec("P")


@dataclass(frozen=True, eq=False)
class EventSample:
    """N pairs that all have an abnormal return in the window, to which `pairs` are restricted.

    Statistics over events take this; they also accept the `AbnormalReturns` it is made of. The
    `residuals` on the calendar are shared by the windows of a study.
    """

    pairs: AbnormalReturns
    residuals: Residuals = field(repr=False)

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def df(self) -> FloatArray:
        """Residual degrees of freedom ``L_i - K`` (N,)."""
        return self.pairs.df.astype(float)

    @property
    def car(self) -> FloatArray:
        """CAR over the sessions present (N,)."""
        return self.pairs.car

    @property
    def variance(self) -> FloatArray:
        """Forecast variance of each CAR (N,)."""
        return self.pairs.variance

    @property
    def scar(self) -> FloatArray:
        """Standardised CAR (N,); refuses a pair whose estimation window has no variance."""
        self.require_variance()
        return self.pairs.scar

    def require_variance(self) -> None:
        """Refuse, by name, the first pair whose estimation window has no variance."""
        flat = ~(self.pairs.s2 > 0)
        if flat.any():
            i = int(np.argmax(flat))
            pair = f"{self.pairs.event_ids[i]!r} on {self.pairs.assets[i]!r}"
            msg = f"the estimation window of {pair} has no variance"
            raise EstimationError(msg)

    @property
    def usable_scar(self) -> tuple[FloatArray, FloatArray]:
        """SCAR and degrees of freedom of the pairs whose SCAR has a variance, (M,) each."""
        usable = (self.pairs.s2 > 0) & (self.df > 2)  # noqa: PLR2004  # the variance of a t needs more than 2
        return self.pairs.scar[usable], self.df[usable]

    @cached_property
    def asset_codes(self) -> IntArray:
        """Number of each pair's asset (N,)."""
        codes = np.zeros(len(self), dtype=np.int64)
        for code, rows in enumerate(self.pairs.rows_by_asset.values()):
            codes[rows] = code
        return codes

    @cached_property
    def windows(self) -> WindowPairs:
        """The event windows of every two pairs: which share sessions, how correlated they are."""
        pairs = self.pairs
        return WindowPairs(
            pairs.present, pairs.position, self.asset_codes, residuals=self.residuals
        )

    @cached_property
    def ranks(self) -> FloatArray:
        """Midranks ``K_it - (T_i + 1) / 2`` of the estimation and event sessions (N, L + W).

        Exact halves in single precision; 0 where a session is missing.
        """
        width = self.pairs.ar_est.shape[1] + self.pairs.ar.shape[1]
        ranks = np.empty((len(self), width), dtype=np.float32)
        for rows, values in self.joined():
            centred, _ = centred_ranks(values)
            ranks[rows] = centred
        return ranks  # single precision holds every half exactly

    @cached_property
    def rank_counts(self) -> FloatArray:
        """Sessions ranked for each pair, ``T_i`` (N,)."""
        both = (self.pairs.ar_est, self.pairs.ar)
        return np.asarray(sum(np.isfinite(part).sum(axis=1) for part in both), dtype=float)

    @cached_property
    def session_counts(self) -> IntArray:
        """Pairs with a value, by session of the estimation and event windows (L + W,)."""
        both = (self.pairs.ar_est, self.pairs.ar)
        return np.concatenate([np.isfinite(part).sum(axis=0) for part in both])

    def joined(self) -> Iterator[tuple[slice, FloatArray]]:
        """Estimation and event sessions side by side, a block of pairs at a time."""
        for start in range(0, len(self), BLOCK):
            rows = slice(start, start + BLOCK)
            yield rows, np.concatenate([self.pairs.ar_est[rows], self.pairs.ar[rows]], axis=1)

    def take(self, rows: IntArray, *, residuals: Residuals | None = None) -> EventSample:
        """Keep some pairs; what is known of each pair stays known."""
        part = event_sample(self.pairs.take(rows), residuals=residuals)
        known = vars(self)
        vars(part).update({name: known[name][rows] for name in BY_PAIR if name in known})
        return part


def event_sample(
    sample: AbnormalReturns | EventSample, *, residuals: Residuals | None = None
) -> EventSample:
    """Keep the pairs that have an abnormal return in the window; a sample passes as it is.

    `residuals` are those of the same pairs over another window: their correlations need not be
    computed again. An `EstimationError` when no pair is left.
    """
    if isinstance(sample, EventSample):
        return sample
    present = sample.n_sessions > 0
    if not present.any():
        msg = "0 pairs with an abnormal return in the window, 1 needed"
        raise EstimationError(msg)
    if not present.all():
        sample, residuals = sample.take(np.flatnonzero(present)), None
    if residuals is None:
        residuals = Residuals(sample.ar_est, sample.position)
    return EventSample(sample, residuals)


def centred_ranks(values: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Rank each row ``K - (T_i + 1) / 2``, ties shared, 0 where missing; and what is present."""
    present = np.isfinite(values)
    order = np.argsort(values, axis=1)  # missing values last, which leaves the other ranks alone
    rows, ranks = np.arange(len(values))[:, None], np.empty(values.shape)
    ranks[rows, order] = np.arange(1.0, values.shape[1] + 1)
    ordered = values[rows, order]
    tied = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
    if len(tied):
        from scipy.stats import rankdata

        ranks[tied] = rankdata(values[tied], axis=1, nan_policy="omit")
    middle = (present.sum(axis=1, keepdims=True) + 1) / 2
    ranks -= middle
    ranks[~present] = 0.0
    return ranks, present


@dataclass(frozen=True, slots=True, kw_only=True)
class OverEvents(Statistic):
    """Declare a statistic over N pairs, ``function(sample)`` with an `EventSample`.

    Parameters
    ----------
    needs_shared_sessions : bool
        Whether it takes every two pairs to be correlated alike, as on common dates.
    uses_rbar : bool
        Whether it adjusts by the mean correlation of the estimation windows.
    standard_error : callable, optional
        ``standard_error(sample, n)``: standard error of the mean CAR as the test sees it with n
        pairs, and its degrees of freedom (infinite for a normal one); event returns are not read.
    """

    scope: ClassVar[Scope] = "events"

    counts: Unit = "pairs"
    needs_shared_sessions: bool = False
    uses_rbar: bool = False
    standard_error: Callable[[EventSample, int], tuple[float, float]] | None = None

    def __call__(  # type: ignore[override]  # what it returns takes more than a sample
        self, function: Callable[Concatenate[EventSample, P], TestValue]
    ) -> Callable[Concatenate[AbnormalReturns | EventSample, P], TestValue]:
        """Declare the function, which then accepts abnormal returns as well."""

        @wraps(function)
        def over_events(
            sample: AbnormalReturns | EventSample, /, *args: P.args, **options: P.kwargs
        ) -> TestValue:
            return function(event_sample(sample), *args, **options)

        return super(OverEvents, self).__call__(over_events)
