"""Many events of a study looked at together: their samples, and the tables made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from eventstudy.alignment import Pair
from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.applicability import (
    SampleDescription,
    default_tests,
    describe,
    describe_dates,
)
from eventstudy.inference.multiplicity import benjamini_hochberg, holm, leave_one_out, step_down
from eventstudy.inference.one_event.sample import SingleEvents
from eventstudy.inference.over_dates.direction import SIGNS, expected_signs, one_sided
from eventstudy.inference.over_dates.sample import DatedReturns
from eventstudy.inference.samples import ALL, StudySamples, as_rows, needs_filtered_returns
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.models.estimation import gather
from eventstudy.models.least_squares import least_squares
from eventstudy.models.volatility import filter_series
from eventstudy.results import DESIGN_COLUMNS, FAMILY_COLUMNS, TEST_COLUMNS
from eventstudy.study.design import Study
from eventstudy.study.effects import AssetData
from eventstudy.windows import Window

MANY_PAIRS = 2000
SINGLE_TESTS = ("t", "sq", "vfc", "fhs", "conformal")
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
    """Filtered returns of the assets of a study, each computed when first asked for.

    Parameters
    ----------
    study : Study
    data : mapping of str to AssetData
        The assets studied.
    """

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
    pairs: Sequence[Pair],
    abnormal: AbnormalReturns,
    effects: pd.DataFrame,
) -> StudySamples:
    """Gather what the tests of every scope need.

    Parameters
    ----------
    study : Study
    data : mapping of str to AssetData
        The assets studied.
    pairs : sequence of Pair
        Every pair, in order; those not studied are left out.
    abnormal : AbnormalReturns
        The pairs studied.
    effects : DataFrame
        `EFFECT_COLUMNS`, for the p-values of single events.
    """
    known = {(p.event_id, p.asset): p.placement.event.direction or "" for p in pairs}
    keys = zip(abnormal.event_ids, abnormal.assets, strict=True)
    return StudySamples(
        abnormal,
        FilteredReturns(study, data),
        single_events(effects, abnormal),
        tuple(known[key] for key in keys),
        study.seed,
    )


def single_events(effects: pd.DataFrame, abnormal: AbnormalReturns) -> dict[Window, SingleEvents]:
    """Return single events by the window they were tested on."""
    pairs = zip(abnormal.event_ids, abnormal.assets, strict=True)
    position = dict(zip(pairs, abnormal.position, strict=True))
    found = {}
    for window in dict.fromkeys(zip(effects["window_start"], effects["window_end"], strict=True)):
        mine = effects[(effects[["window_start", "window_end"]] == window).all(axis=1)]
        keys = zip(mine["event_id"], mine["asset"], strict=True)
        numbers = {
            name: mine[name].to_numpy(dtype=float)
            for name in ("effect", "t", "df", "vol_ratio", *(f"p_{test}" for test in SINGLE_TESTS))
        }
        found[Window(*map(int, window))] = SingleEvents(
            event_ids=tuple(mine["event_id"]),
            assets=tuple(mine["asset"]),
            sessions=np.array([position[key] for key in keys], dtype=np.int64),
            effect=numbers["effect"],
            t=numbers["t"],
            df=numbers["df"],
            pvalues={test: numbers[f"p_{test}"] for test in SINGLE_TESTS},
            default=tuple(mine["ci_method"]),
            vol_ratio=numbers["vol_ratio"],
            reasons=tuple(mine["filter_reason"].fillna("")),
        )
    return found


def tests_table(study: Study, samples: StudySamples) -> pd.DataFrame:
    """Run the tests of a study on its samples.

    Returns
    -------
    DataFrame
        `TEST_COLUMNS`.
    """
    found = samples.run(*study.car_windows, tests=study.tests, level=study.level)
    return pd.DataFrame(as_rows(found), columns=list(TEST_COLUMNS))


def design_table(study: Study, samples: StudySamples) -> pd.DataFrame:
    """Report what the choice of tests rests on, per asset and window.

    Where the study names its tests, only what they need is measured: correlations of many pairs
    and filtered returns stay empty otherwise.

    Returns
    -------
    DataFrame
        `DESIGN_COLUMNS`.
    """
    rows = []
    for label in samples.labels:
        for window in study.car_windows:
            row: dict[str, Any] = {"asset": label, "window": str(window)}
            try:
                described = describe(samples.over_events(label, window))
                row |= _measured(described, chosen=isinstance(study.tests, str))
                if needs_filtered_returns(study.tests):
                    row |= _dates(samples.over_dates(label, window))
            except EstimationError as error:
                row["why"] = "; ".join(filter(None, (row.get("why", ""), str(error))))
            rows.append(row)
    return pd.DataFrame(rows, columns=list(DESIGN_COLUMNS))


def _measured(d: SampleDescription, *, chosen: bool) -> dict[str, Any]:
    names = ["n", "n_assets", "overlapping", "shared", "variance_ratio", "variance_pvalue"]
    if not chosen and d.n > MANY_PAIRS:
        return {name: getattr(d, name) for name in names} | {"why": "the study names its tests"}
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


def family_table(study: Study, samples: StudySamples) -> pd.DataFrame:
    """Adjust the single p-values of each asset together, and leave out one event at a time.

    Leave-one-out is computed for the headline window; what needs filtered returns is empty where
    the study names tests that do not.

    Returns
    -------
    DataFrame
        `FAMILY_COLUMNS`.
    """
    assets = [label for label in samples.labels if label != ALL]
    if not assets or len(samples.abnormal) < 2:  # noqa: PLR2004  # a family needs two
        return pd.DataFrame(columns=list(FAMILY_COLUMNS))
    frames = [
        _family(study, samples, one, window) for one in assets for window in study.car_windows
    ]
    return pd.concat(frames, ignore_index=True)[list(FAMILY_COLUMNS)]


def _family(study: Study, samples: StudySamples, asset: str, window: Window) -> pd.DataFrame:
    mine = samples.singles[window].on(asset)
    filtered = needs_filtered_returns(study.tests)
    family = samples.family(asset, window)
    directions = samples.directions_of(asset, mine.event_ids)
    signed = expected_signs(directions) * mine.effect
    frame = pd.DataFrame(
        {
            "asset": asset,
            "window": str(window),
            "event_id": mine.event_ids,
            "pvalue": mine.p,
            "direction": [text if text in SIGNS else "" for text in directions],
            "signed_effect": signed,
            "p_one_sided": one_sided(mine.p, signed),
            "p_holm": family.adjusted(holm),
            "p_benjamini_hochberg": family.adjusted(benjamini_hochberg),
        }
    )
    if filtered:
        shared = _over_windows(samples, asset, window, influence=window == study.car_windows[0])
        frame = frame.merge(shared, on="event_id", how="left")
    return frame.reindex(columns=list(FAMILY_COLUMNS))


def _over_windows(
    samples: StudySamples, asset: str, window: Window, *, influence: bool
) -> pd.DataFrame:
    try:
        windows = samples.over_dates(asset, window).unsigned()
        score = windows.scores() / np.sqrt(windows.sessions)
        shared = pd.DataFrame(
            {"event_id": windows.event_ids, "score": score, "p_max_z": step_down(windows)}
        )
        if not influence or len(set(windows.event_ids)) == 1:
            return shared
        out = leave_one_out(windows)
    except EstimationError:
        return pd.DataFrame({"event_id": pd.Series(dtype="str")})
    without = pd.DataFrame(
        {
            "event_id": out.event_ids,
            "overlap_z_without": out.overlap_z,
            "p_overlap_z_without": out.p_overlap,
            "p_shift_sharp_without": out.p_shift,
        }
    )
    return shared.merge(without, on="event_id", how="left")
