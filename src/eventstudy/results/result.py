"""The one object that charts, reports, files and notebooks read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import pandas as pd

from eventstudy.arrays import FloatArray, IntArray
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.results.tables import (
    Claims,
    EffectRow,
    EventRow,
    Notes,
    Quotes,
    ResultTables,
    Tests,
    wide_events,
)
from eventstudy.tables.columns import to_html
from eventstudy.windows import Window, WindowLike, as_window

if TYPE_CHECKING:
    from eventstudy.inference.samples import StudySamples

SCHEMA = "eventstudy-result/1"
SUMMARY = (
    "event_id", "asset", "session", "state", "percent", "percent_low", "percent_high", "p_vfc",
    "p_fhs", "usd", "mde_percent", "vol_ratio",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Provenance:
    """Versions, hashes and dates from which the same bytes can be made again."""

    versions: tuple[tuple[str, str], ...]
    study_sha256: str
    events_sha256: str
    prices_sha256: str
    as_of: str


@dataclass(frozen=True, slots=True, eq=False)
class PlaceboSample:
    """Effects of every ordinary window of the history, with the event's own beside them."""

    event_id: str
    asset: str
    window: Window
    effects: FloatArray
    standardised: FloatArray
    effect: float
    effect_standardised: float


class Placebos(Sequence[PlaceboSample]):
    """Placebo samples of a study, each made when it is read: thousands of numbers per pair.

    Parameters
    ----------
    keys : sequence of (event_id, asset)
        Pairs that have a sample.
    make : callable
        ``make(i)`` returns the sample of pair i. A bound method of a frozen object pickles.
    """

    __slots__ = ("_at", "_keys", "_make")

    def __init__(
        self, keys: Sequence[tuple[str, str]], make: Callable[[int], PlaceboSample]
    ) -> None:
        self._keys, self._make = tuple(keys), make
        self._at = {key: at for at, key in enumerate(self._keys)}

    @classmethod
    def of(cls, samples: Sequence[PlaceboSample]) -> Placebos:
        """Hold samples that are there already."""
        held = tuple(samples)
        return cls([(one.event_id, one.asset) for one in held], held.__getitem__)

    @classmethod
    def joined(cls, parts: Sequence[Placebos]) -> Placebos:
        """Stack the samples of several assets in their order."""
        if len(parts) == 1:
            return parts[0]
        keys = [key for part in parts for key in part.keys]
        return cls(keys, _Joined(tuple(parts)).sample)

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """Event and asset of every sample."""
        return self._keys

    def find(self, event_id: str, asset: str) -> PlaceboSample | None:
        """Return the sample of one pair, or None."""
        at = self._at.get((event_id, asset))
        return None if at is None else self._make(at)

    def of_event(self, event_id: str) -> tuple[PlaceboSample, ...]:
        """Return the samples of one event on every asset."""
        return tuple(self._make(at) for at, key in enumerate(self._keys) if key[0] == event_id)

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> PlaceboSample: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[PlaceboSample, ...]: ...
    def __getitem__(self, index: int | slice) -> PlaceboSample | tuple[PlaceboSample, ...]:
        if isinstance(index, slice):
            return tuple(self._make(at) for at in range(*index.indices(len(self))))
        return self._make(range(len(self))[index])

    def __iter__(self) -> Iterator[PlaceboSample]:
        return (self._make(at) for at in range(len(self)))


@dataclass(frozen=True, slots=True, eq=False)
class _Joined:
    parts: tuple[Placebos, ...]

    def sample(self, at: int) -> PlaceboSample:
        for part in self.parts:
            if at < len(part):
                return part[at]
            at -= len(part)
        raise IndexError(at)


@dataclass(frozen=True, slots=True, eq=False)
class StudyResult:
    """Everything one run of a study found.

    The tables are typed in `tables`; `events`, `effects`, `ar` and so on are the same as
    DataFrames. Their columns are listed in ``docs/tables.md``.

    Parameters
    ----------
    name, title : str
        The study's key and its headline.
    settings : mapping
        The study as plain values, section by section.
    return_kind : {"log", "simple", "change"}
    level : float
        Level of tests; intervals have ``1 - level`` coverage.
    windows : tuple of Window
        CAR windows in the order asked for; the first one is the headline window.
    tables : ResultTables
        Every table, its columns declared.
    prices : DataFrame
        Levels of the assets, sessions as index; empty when returns were given.
    abnormal : AbnormalReturns
        The arrays behind the tables (primary sessions only).
    provenance : Provenance
    placebos : Placebos
        The ordinary windows of each pair's history.
    units : mapping of str to str
        Unit of each asset's price.
    samples : StudySamples, optional
        What tests of every scope are run on.
    """

    name: str
    title: str
    settings: Mapping[str, Mapping[str, Any]]
    return_kind: Literal["log", "simple", "change"]
    level: float
    windows: tuple[Window, ...]
    tables: ResultTables
    prices: pd.DataFrame
    abnormal: AbnormalReturns
    provenance: Provenance
    placebos: Placebos = field(default_factory=lambda: Placebos.of(()))
    units: Mapping[str, str] = field(default_factory=dict)
    samples: StudySamples | None = None

    @property
    def headline(self) -> Window:
        """The first CAR window: what unsuffixed columns of `events` speak of."""
        return self.windows[0]

    @property
    def assets(self) -> tuple[str, ...]:
        """Assets of the study, in its order."""
        return tuple(dict.fromkeys(self.tables.events.asset))

    @property
    def events(self) -> pd.DataFrame:
        """A wide row per event and asset: where it falls, its effect, every window."""
        held = self.tables
        return wide_events(held.events, held.effects, held.alternatives, self.windows)

    @property
    def effects(self) -> pd.DataFrame:
        """A row per event, asset and window."""
        return self.tables.effects.frame()

    @property
    def alternatives(self) -> pd.DataFrame:
        """The effects with the second possible session of ambiguous events as session 0."""
        return self.tables.alternatives.frame()

    @property
    def ar(self) -> pd.DataFrame:
        """A row per event, asset and session of the event window."""
        return self.tables.ar.frame()

    @property
    def alternative_ar(self) -> pd.DataFrame:
        """The same with the second possible session as session 0."""
        return self.tables.alternative_ar.frame()

    @property
    def tests(self) -> pd.DataFrame:
        """A row per sample, window and statistic over many events."""
        return self.tables.tests.frame()

    @property
    def design(self) -> pd.DataFrame:
        """What the choice of tests rests on, a row per sample and window."""
        return self.tables.design.frame()

    @property
    def family(self) -> pd.DataFrame:
        """Single p-values of the events of an asset, adjusted together."""
        return self.tables.family.frame()

    @property
    def regression(self) -> pd.DataFrame:
        """Joint event dummies."""
        return self.tables.regression.frame()

    @property
    def quotes(self) -> Quotes:
        """Quoted prices compared with settlements."""
        return self.tables.quotes

    @property
    def claims(self) -> Claims:
        """Claims and their answers."""
        return self.tables.claims

    @property
    def notes(self) -> Notes:
        """Everything that was moved, dropped, masked, replaced or is missing."""
        return self.tables.notes

    def effect_of(
        self, event: EventRow, window: Window | None = None, *, second: bool = False
    ) -> EffectRow | None:
        """Return the effect of an event over a CAR window; None where it was not studied.

        Parameters
        ----------
        event : EventRow
            A row of ``tables.events``.
        window : Window, optional
            One of `windows`; the headline window by default.
        second : bool
            On its second possible session.
        """
        at = event.alternatives_at if second else event.effects_at
        if at < 0:
            return None
        table = self.tables.alternatives if second else self.tables.effects
        return table.row(at + (0 if window is None else self.windows.index(window)))

    def _repr_html_(self) -> str:
        return to_html(self.tables.effects.take(self._headline_rows()), chosen=SUMMARY)

    def __repr__(self) -> str:
        return f"StudyResult {self.name!r}\n{self.summary().to_string(index=False, na_rep='')}"

    def _headline_rows(self) -> IntArray:
        at = self.tables.events.effects_at
        return at[at >= 0]

    def test(
        self, window: WindowLike, *, tests: Literal["default", "all"] | tuple[str, ...] = "default"
    ) -> pd.DataFrame:
        """Return statistics of any scope for a window inside the event window.

        Parameters
        ----------
        window : Window or pair
            Need not be one of the study's CAR windows.
        tests : "default", "all" or tuple of str
            As ``[inference] tests`` of a study file.

        Returns
        -------
        DataFrame
            A row per sample and statistic, refused ones with their reason; statistics of one
            event and adjusted p-values have a row per event.

        Raises
        ------
        WindowError
            When `window` is not inside the event window.
        """
        from eventstudy.inference.samples import StudySamples, as_rows

        seed = int(self.settings["inference"]["seed"])
        samples = self.samples or StudySamples(self.abnormal, seed=seed)
        found = samples.run(as_window(window), tests=tests, level=self.level)
        return Tests.of(as_rows(found)).frame()

    def summary(self) -> pd.DataFrame:
        """Return a short table: a row per event and asset, effects of the headline in per cent."""
        wide = self.events.assign(mde_percent=self._mde_percent())
        return wide[list(SUMMARY)].copy()

    def _mde_percent(self) -> FloatArray:
        at = self.tables.events.effects_at
        values = np.append(self.tables.effects.mde_percent, np.nan)
        return values[at]


def clean(value: Any) -> Any:
    """Turn numpy and pandas scalars into what JSON can hold; missing and non-finite become None."""
    if isinstance(value, Mapping):
        return {str(k): clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(v) for v in value]
    if isinstance(value, np.generic):
        return clean(value.item())
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _as_text(value)


def _as_text(value: Any) -> str | None:
    if value is pd.NaT or value is pd.NA:
        return None
    return str(value.date().isoformat()) if isinstance(value, pd.Timestamp) else str(value)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as plain mappings, in order."""
    return [clean(row) for row in frame.to_dict(orient="records")]
