"""The one object that charts, reports, files and notebooks read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import pandas as pd

from eventstudy.arrays import FloatArray
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
    make : sequence of callable
        Each makes the sample of its pair; partials of methods of frozen objects, which pickle.
    """

    __slots__ = ("_make", "keys")

    def __init__(
        self, keys: Sequence[tuple[str, str]], make: Sequence[Callable[[], PlaceboSample]]
    ) -> None:
        self.keys, self._make = tuple(keys), tuple(make)

    @classmethod
    def of(cls, samples: Sequence[PlaceboSample]) -> Placebos:
        """Hold samples that are there already."""
        keys = [(one.event_id, one.asset) for one in samples]
        return cls(keys, [partial(samples.__getitem__, at) for at in range(len(samples))])

    @classmethod
    def joined(cls, parts: Sequence[Placebos]) -> Placebos:
        """Stack the samples of several assets in their order."""
        keys = [key for part in parts for key in part.keys]
        return cls(keys, [make for part in parts for make in part._make])

    def find(self, event_id: str, asset: str) -> PlaceboSample | None:
        """Return the sample of one pair, or None."""
        key = (event_id, asset)
        return self[self.keys.index(key)] if key in self.keys else None

    def of_event(self, event_id: str) -> tuple[PlaceboSample, ...]:
        """Return the samples of one event on every asset."""
        return tuple(self[at] for at, key in enumerate(self.keys) if key[0] == event_id)

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> PlaceboSample: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[PlaceboSample, ...]: ...
    def __getitem__(self, index: int | slice) -> PlaceboSample | tuple[PlaceboSample, ...]:
        if isinstance(index, slice):
            return tuple(make() for make in self._make[index])
        return self._make[index]()


@dataclass(frozen=True, slots=True, eq=False)
class StudyResult:
    """Everything one run of a study found.

    The tables are typed in `tables`; `events`, `effects`, `ar` and so on are the same as
    DataFrames. Their columns are listed in ``docs/tables.md``.

    Parameters
    ----------
    name, title, settings, level
        Of the study: its key, its headline, its plain values by section, the level of its tests.
    windows : tuple of Window
        CAR windows in the order asked for; the first one is the headline window.
    tables : ResultTables
        Every table, its columns declared.
    prices : DataFrame
        Levels of the assets, sessions as index; empty when returns were given.
    abnormal : AbnormalReturns
        The arrays behind the tables (primary sessions only).
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
        """Return the effect of a row of ``tables.events``; None where it was not studied.

        `window` is one of `windows`, the headline window by default; `second` asks for the second
        possible session.
        """
        at = event.alternatives_at if second else event.effects_at
        if at < 0:
            return None
        table = self.tables.alternatives if second else self.tables.effects
        return table.row(at + (0 if window is None else self.windows.index(window)))

    def _repr_html_(self) -> str:
        at = self.tables.events.effects_at
        return to_html(self.tables.effects.take(at[at >= 0]), chosen=SUMMARY)

    def __repr__(self) -> str:
        return f"StudyResult {self.name!r}\n{self.summary().to_string(index=False, na_rep='')}"

    def test(
        self, window: WindowLike, *, tests: Literal["default", "all"] | tuple[str, ...] = "default"
    ) -> pd.DataFrame:
        """Return statistics of any scope for a window inside the event window.

        A row per sample and statistic, refused ones with their reason; statistics of one event
        and adjusted p-values have a row per event.

        Parameters
        ----------
        window : Window or pair
            Need not be one of the study's CAR windows.
        tests : "default", "all" or tuple of str
            As ``[inference] tests`` of a study file.

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
        values = np.append(self.tables.effects.mde_percent, np.nan)  # last: of pairs not studied
        wide = self.events.assign(mde_percent=values[self.tables.events.effects_at])
        return wide[list(SUMMARY)].copy()


def clean(value: Any) -> Any:
    """Turn numpy and pandas scalars into what JSON can hold; missing and non-finite become None."""
    if isinstance(value, Mapping):
        return {str(k): clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(v) for v in value]
    if isinstance(value, np.generic):
        return clean(value.item())
    infinite = isinstance(value, float) and not math.isfinite(value)
    if value is None or value is pd.NaT or value is pd.NA or infinite:
        return None
    if isinstance(value, (bool, int, float, str)):
        return value
    return str(value.date()) if isinstance(value, pd.Timestamp) else str(value)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as plain mappings, in order."""
    return [clean(row) for row in frame.to_dict(orient="records")]
