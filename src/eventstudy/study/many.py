"""Many events of a study looked at together: their samples, and the tables made of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from eventstudy.alignment import Alignment
from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.applicability import (
    SampleDescription,
    default_tests,
    describe,
    describe_dates,
)
from eventstudy.inference.multiplicity import Family as FamilySample
from eventstudy.inference.multiplicity import benjamini_hochberg, holm, leave_one_out, step_down
from eventstudy.inference.one_event.sample import SingleEvents
from eventstudy.inference.over_dates.direction import SIGNS, expected_signs, one_sided
from eventstudy.inference.over_dates.sample import DatedReturns
from eventstudy.inference.samples import ALL, StudySamples, as_rows, needs_filtered_returns
from eventstudy.inference.statistic import statistics
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.models.estimation import gather
from eventstudy.models.least_squares import least_squares
from eventstudy.models.volatility import filter_series
from eventstudy.results.tables import Effects, Family, Samples, Tests
from eventstudy.study.design import Study
from eventstudy.study.effects import AssetData
from eventstudy.windows import Window

MANY_PAIRS = 100
NAMED = "the study names its tests"
OVER_WINDOWS = (
    "score", "p_max_z", "overlap_z_without", "p_overlap_z_without", "p_shift_sharp_without",
)  # fmt: skip
STEP = 20
REFIT, REFIT_MANY, MANY = 125, 250, 5


def filtered_returns(study: Study, data: AssetData) -> FloatArray:
    """Filter the abnormal returns of every session of one asset (S,).

    The model is fitted anew every 20 sessions on the estimation length before them, roll
    sessions left out; the filter as in `filter_series`. Nothing after a session enters it.
    """
    y = np.where(data.rolls, np.nan, data.adjusted)
    refit = REFIT if len(study.assets) <= MANY else REFIT_MANY
    return filter_series(
        _rolling_residuals(y, data.design, len(study.estimation_window)),
        kind=study.volatility,
        refit=refit,
        history=study.history,
    )


def _rolling_residuals(y: FloatArray, design: FloatArray, length: int) -> FloatArray:
    if not design.shape[1]:
        return y
    residuals = np.full(len(y), np.nan)
    if len(y) <= length:
        return residuals
    starts = np.arange(length, len(y), STEP, dtype=np.int64)
    before = Window(-length, -1)
    fit = least_squares(gather(y, starts, before), gather(design, starts, before))
    thin = fit.n_used < length // 2
    params = np.where(thin[:, None], np.nan, fit.params)
    rows = (np.arange(length, len(y)) - length) // STEP
    residuals[length:] = y[length:] - (design[length:] * params[rows]).sum(axis=1)
    return residuals


class FilteredReturns(Mapping[str, FloatArray]):
    """Filtered returns of the assets of a study, each computed when first asked for."""

    def __init__(self, study: Study, data: Mapping[str, AssetData]) -> None:
        self._study = study
        self._data = dict(data)
        self._found: dict[str, FloatArray] = {}

    def __getitem__(self, asset: str) -> FloatArray:
        if asset not in self._found:
            self._found[asset] = filtered_returns(self._study, self._data[asset])
        return self._found[asset]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


def study_samples(
    study: Study,
    data: Mapping[str, AssetData],
    pairs: Alignment,
    abnormal: AbnormalReturns,
    effects: Effects,
) -> StudySamples:
    """Gather what the tests of every scope need; `effects` give the p-values of single events."""
    known = {e.event_id: e.direction for e in pairs.placements.events if e.direction}
    directions = tuple([known.get(name, "") for name in abnormal.event_ids])
    singles = {
        window: single_events(effects, number, len(study.car_windows), abnormal, directions)
        for number, window in enumerate(study.car_windows)
    }
    return StudySamples(abnormal, FilteredReturns(study, data), singles, directions, study.seed)


def single_events(
    effects: Effects,
    number: int,
    n_windows: int,
    abnormal: AbnormalReturns,
    directions: tuple[str, ...],
) -> SingleEvents:
    """Return the single events of one of the windows, which follow one another by pair."""
    mine = slice(number, None, n_windows)
    names = [entry.name for entry in statistics("event")]
    return SingleEvents(
        event_ids=effects.event_id[mine],
        assets=effects.asset[mine],
        sessions=abnormal.position,
        directions=np.array(directions, dtype=object),
        effect=effects.effect[mine],
        t=effects.t[mine],
        df=effects.df[mine],
        p=effects.p[mine],
        pvalues={name: getattr(effects, f"p_{name}")[mine] for name in names},
        vol_ratio=effects.vol_ratio[mine],
        reasons=effects.filter_reason[mine],
    )


def tests_table(study: Study, samples: StudySamples) -> Tests:
    """Run the tests of a study on its samples."""
    found = samples.run(*study.car_windows, tests=study.tests, level=study.level)
    return Tests.of(as_rows(found))


def design_table(study: Study, samples: StudySamples) -> Samples:
    """Report what the choice of tests rests on, per asset and window.

    Where the study names its tests, only what they need is measured: correlations of many pairs
    and filtered returns stay empty otherwise.
    """
    whole = isinstance(study.tests, str) or len(samples.abnormal) <= MANY_PAIRS
    found = {
        (label, window): _sample_row(study, samples, label, window, whole=whole)
        for window in study.car_windows  # a sample is known for one window at a time
        for label in samples.labels
    }
    return Samples.of([found[a, w] for a in samples.labels for w in study.car_windows])


def _sample_row(
    study: Study, samples: StudySamples, label: str, window: Window, *, whole: bool
) -> dict[str, Any]:
    row: dict[str, Any] = {"asset": label, "window": window}
    try:
        described = describe(samples.over_events(label, window))
        row |= _measured(described, whole=whole)
        if needs_filtered_returns(study.tests):
            row |= _dates(samples.over_dates(label, window))
    except EstimationError as error:
        row["why"] = "; ".join(filter(None, (row.get("why", ""), str(error))))
    return row


def _measured(d: SampleDescription, *, whole: bool) -> dict[str, Any]:
    names = ["n", "n_assets", "overlapping", "shared", "variance_ratio", "variance_pvalue"]
    if not whole:
        return {name: getattr(d, name) for name in names} | {"why": NAMED}
    names += ["rbar", "rbar_windows", "size_xc"]
    return {name: getattr(d, name) for name in names} | {"why": default_tests(d)[1]}


def _dates(dated: DatedReturns) -> dict[str, Any]:
    dates = describe_dates(dated)
    return {
        "n_dated": dates.n,
        "n_episodes": dates.n_episodes,
        "covered": dates.covered,
        "abs_z_ratio": dates.variance_ratio,
        "p_abs_z": dates.variance_pvalue,
    }


def family_table(study: Study, samples: StudySamples) -> Family:
    """Adjust the single p-values of each asset together, and leave out one event at a time.

    Leave-one-out is computed for the headline window; what needs filtered returns is empty where
    the study names tests that do not.
    """
    assets = [label for label in samples.labels if label != ALL]
    if len(samples.abnormal) < 2:  # noqa: PLR2004  # a family needs two
        return Family.empty()
    return Family.joined(
        [_family(study, samples, one, w) for one in assets for w in study.car_windows]
    )


def _family(study: Study, samples: StudySamples, asset: str, window: Window) -> Family:
    mine, family = samples.singles[window].on(asset), samples.family(asset, window)
    signed = expected_signs(tuple(mine.directions)) * mine.effect
    over_windows = dict.fromkeys(OVER_WINDOWS, np.full(len(mine), np.nan))
    if needs_filtered_returns(study.tests):
        over_windows |= _over_windows(family, influence=window == study.car_windows[0])
    return Family(
        asset=mine.assets,
        window=np.array([window], dtype=object).repeat(len(mine)),
        event_id=mine.event_ids,
        pvalue=mine.p,
        direction=[text if text in SIGNS else "" for text in mine.directions],
        signed_effect=signed,
        p_one_sided=one_sided(mine.p, signed),
        p_holm=family.adjusted(holm),
        p_benjamini_hochberg=family.adjusted(benjamini_hochberg),
        **over_windows,
    )


def _over_windows(family: FamilySample, *, influence: bool) -> dict[str, FloatArray]:
    """Return scores, their adjusted p-values and the family without each event."""
    try:
        found = {"score": family.over_windows(_scores), "p_max_z": family.over_windows(step_down)}
        if influence and len(family.dated) > 1:
            out = leave_one_out(family.dated)
            found |= {
                "overlap_z_without": family.over_windows(lambda _: out.overlap_z),
                "p_overlap_z_without": family.over_windows(lambda _: out.p_overlap),
                "p_shift_sharp_without": family.over_windows(lambda _: out.p_shift),
            }
    except EstimationError:  # no window on filtered returns: the columns stay empty
        return {}
    return found


def _scores(dated: DatedReturns) -> FloatArray:
    return dated.scores() / math.sqrt(dated.sessions)
