"""What a study found: labelled tables, notes and provenance, frozen.

`StudyResult` is the one object that charts, reports, files and notebooks read. Its tables are
pandas frames whose columns are fixed below and documented in ``docs/tables.md``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from eventstudy.arrays import FloatArray
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.notes import Note
from eventstudy.windows import Window, WindowLike, as_window

if TYPE_CHECKING:
    from eventstudy.inference.samples import StudySamples

SCHEMA = "eventstudy-result/1"

ALIGNMENT_COLUMNS = (
    "event_id", "asset", "title", "kind", "place", "direction", "source", "stated", "zone",
    "precision", "session", "state", "moved_from", "alt_session", "confounded_with",
    "perhaps_confounded_with", "overlaps_with", "estimation_overlaps", "roll_taus", "reason",
)  # fmt: skip
EFFECT_COLUMNS = (
    "event_id", "asset", "session", "window", "window_start", "window_end", "n_sessions",
    "effect", "se", "t", "df", "p_t", "p_sq", "p_vfc", "p_fhs", "p_conformal", "ci_low",
    "ci_high", "ci_method", "ci_t_low", "ci_t_high", "mde", "mde_t", "vol_ratio", "vol_warning",
    "filter", "filter_reason", "percent", "percent_low", "percent_high", "base_price", "usd",
    "usd_low", "usd_high", "n_estimation", "roll",
)  # fmt: skip
AR_COLUMNS = (
    "event_id", "asset", "tau", "session", "ar", "sar", "se", "return", "expected", "ci_low",
    "ci_high", "roll",
)  # fmt: skip
TEST_COLUMNS = (
    "asset", "event_id", "window", "window_start", "window_end", "statistic", "value", "df",
    "pvalue", "n", "verdict", "reason",
)  # fmt: skip
DESIGN_COLUMNS = (
    "asset", "window", "n", "n_assets", "overlapping", "shared", "rbar", "rbar_windows",
    "size_xc", "variance_ratio", "variance_pvalue", "n_dated", "n_episodes", "covered",
    "abs_z_ratio", "p_abs_z", "why",
)  # fmt: skip
FAMILY_COLUMNS = (
    "asset", "window", "event_id", "score", "pvalue", "p_max_z", "p_holm",
    "p_benjamini_hochberg", "direction", "signed_effect", "p_one_sided", "overlap_z_without",
    "p_overlap_z_without", "p_shift_sharp_without",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """Where one price or return series came from and what was done to it."""

    name: str
    title: str
    unit: str
    kind: str
    source: str
    first: str
    last: str
    n_sessions: int
    n_missing: int
    n_masked_rolls: int
    n_stale: int
    as_of: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Versions, hashes and dates from which the same bytes can be made again."""

    versions: tuple[tuple[str, str], ...]
    study_sha256: str
    events_sha256: str
    prices_sha256: str
    as_of: str
    series: tuple[SeriesRecord, ...]


@dataclass(frozen=True, slots=True)
class QuoteRow:
    """A quoted price held against the settlement it was quoted from."""

    quote_id: str
    asset: str
    moment: str
    session: str
    base_session: str
    base_price: float
    level: float
    implied_change_pct: float
    quoted_change_pct: float
    agrees: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim stated as a hypothesis, and its answer."""

    claim_id: str
    title: str
    asset: str
    event_id: str
    window: str
    direction: str
    effect: float
    percent: float
    ci_low: float
    ci_high: float
    pvalue: float
    test: str
    verdict: str
    sentence: str


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


@dataclass(frozen=True, slots=True, eq=False)
class StudyResult:
    """Everything one run of a study found.

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
    events : DataFrame
        A row per event and asset (`ALIGNMENT_COLUMNS`, then results; see ``docs/tables.md``).
    effects, alternatives : DataFrame
        A row per event, asset and window (`EFFECT_COLUMNS`); `alternatives` holds the second
        session of ambiguous events.
    ar, alternative_ar : DataFrame
        A row per event, asset and tau (`AR_COLUMNS`).
    tests : DataFrame
        A row per asset, window and statistic (`TEST_COLUMNS`).
    regression : DataFrame
        Joint event dummies.
    prices : DataFrame
        Levels of the assets, sessions as index; empty when returns were given.
    abnormal : AbnormalReturns
        The arrays behind the tables (primary sessions only).
    placebos : tuple of PlaceboSample
    quotes : tuple of QuoteRow
    claims : tuple of ClaimRow
    notes : tuple of Note
    design : DataFrame
        What the choice of tests rests on, a row per asset and window (`DESIGN_COLUMNS`).
    family : DataFrame
        Single p-values of the events of an asset held together, and the study without each
        (`FAMILY_COLUMNS`).
    samples : StudySamples
        What tests of every scope are run on.
    provenance : Provenance
    """

    name: str
    title: str
    settings: Mapping[str, Mapping[str, Any]]
    return_kind: Literal["log", "simple", "change"]
    level: float
    windows: tuple[Window, ...]
    events: pd.DataFrame
    effects: pd.DataFrame
    alternatives: pd.DataFrame
    ar: pd.DataFrame
    alternative_ar: pd.DataFrame
    tests: pd.DataFrame
    regression: pd.DataFrame
    prices: pd.DataFrame
    abnormal: AbnormalReturns
    provenance: Provenance
    placebos: tuple[PlaceboSample, ...] = ()
    quotes: tuple[QuoteRow, ...] = ()
    claims: tuple[ClaimRow, ...] = ()
    notes: tuple[Note, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    design: pd.DataFrame = field(default_factory=pd.DataFrame)
    family: pd.DataFrame = field(default_factory=pd.DataFrame)
    samples: StudySamples | None = None

    @property
    def headline(self) -> Window:
        """The first CAR window: what unsuffixed columns of `events` speak of."""
        return self.windows[0]

    @property
    def assets(self) -> tuple[str, ...]:
        """Assets of the study, in its order."""
        return tuple(dict.fromkeys(self.events["asset"]))

    def _repr_html_(self) -> str:
        return str(self.summary().to_html(index=False, na_rep="", float_format="{:.4g}".format))

    def __repr__(self) -> str:
        return f"StudyResult {self.name!r}\n{self.summary().to_string(index=False, na_rep='')}"

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
            `TEST_COLUMNS`: a row per sample and statistic, refused ones with their reason;
            statistics of one event have a row per event.

        Raises
        ------
        WindowError
            When `window` is not inside the event window.
        """
        from eventstudy.inference.samples import StudySamples, as_rows

        seed = int(self.settings["inference"]["seed"])
        samples = self.samples or StudySamples(self.abnormal, seed=seed)
        found = samples.run(as_window(window), tests=tests, level=self.level)
        return pd.DataFrame(as_rows(found), columns=list(TEST_COLUMNS))

    def summary(self) -> pd.DataFrame:
        """Return a short table: a row per event and asset, effects of the headline window."""
        columns = ["event_id", "asset", "session", "state", "percent", "percent_low",
                   "percent_high", "p_vfc", "p_fhs", "usd", "mde", "vol_ratio"]  # fmt: skip
        return self.events[[c for c in columns if c in self.events]].copy()


def clean(value: Any) -> Any:  # noqa: ANN401  # JSON holds any plain value
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


def _as_text(value: Any) -> str | None:  # noqa: ANN401  # dates, and missing markers of pandas
    if value is pd.NaT or value is pd.NA:
        return None
    return str(value.date().isoformat()) if isinstance(value, pd.Timestamp) else str(value)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as plain mappings, in order."""
    return [clean(row) for row in frame.to_dict(orient="records")]
