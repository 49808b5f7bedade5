"""Many events of a study on one price: tests over all dates, and single p-values held together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eventstudy.alignment import Pair
from eventstudy.arrays import FloatArray
from eventstudy.errors import EstimationError
from eventstudy.inference.battery import default_selection
from eventstudy.inference.dated import DatedReturns, dated_returns
from eventstudy.inference.design import describe
from eventstudy.inference.direction import SIGNS, expected_signs, one_sided
from eventstudy.inference.many import describe_dates, run_dated
from eventstudy.inference.multiplicity import benjamini_hochberg, holm, leave_one_out, step_down
from eventstudy.inference.tables import ALL, groups
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.models.estimation import gather
from eventstudy.models.least_squares import least_squares
from eventstudy.models.volatility import filter_series
from eventstudy.results.tables import Family, Samples, Tests
from eventstudy.study.design import Study
from eventstudy.study.effects import AssetData, generator
from eventstudy.windows import Window

DESIGN_COLUMNS = [c.name for c in Samples.columns()]
FAMILY_COLUMNS = [c.name for c in Family.columns()]
TEST_COLUMNS = [c.name for c in Tests.columns()]
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


class DatedStudy:
    """Filtered returns of the assets of a study, and its windows on them.

    Parameters
    ----------
    study : Study
    data : mapping of str to AssetData
        The assets studied.
    pairs : sequence of Pair
        Every pair, in order; those not studied are left out.
    abnormal : AbnormalReturns
        The pairs studied.
    """

    def __init__(
        self,
        study: Study,
        data: Mapping[str, AssetData],
        pairs: Sequence[Pair],
        abnormal: AbnormalReturns,
    ) -> None:
        self._abnormal = abnormal
        names = tuple(dict.fromkeys(abnormal.assets))
        columns = [filtered_returns(study, data[name]) for name in names]
        self._z = dict(zip(names, columns, strict=True))
        known = {(p.event_id, p.asset): p.placement.event.direction or "" for p in pairs}
        keys = zip(abnormal.event_ids, abnormal.assets, strict=True)
        self._known = known
        self._directions = tuple(known[key] for key in keys)

    def direction(self, event_id: str, asset: str) -> str:
        """Return the expected direction of an event, empty where none was declared."""
        return self._known.get((event_id, asset), "")

    def dated(self, label: str, window: Window) -> DatedReturns:
        """Windows of one asset, or of all, on their filtered returns.

        Raises
        ------
        EstimationError
            When no window lies on filtered returns.
        """
        assets = tuple(self._z) if label == ALL else (label,)
        z = np.column_stack([self._z[name] for name in assets])
        first = self._abnormal.position + window.start
        column = np.array([assets.index(a) if a in assets else -1 for a in self._abnormal.assets])
        inside = (column >= 0) & (first >= 0) & (first + len(window) <= len(z))
        rows = np.array(
            [
                i
                for i in np.flatnonzero(inside)
                if np.isfinite(z[first[i] : first[i] + len(window), column[i]]).any()
            ],
            dtype=np.int64,
        )
        usable = np.isfinite(z).any(axis=1)
        start = int(np.argmax(usable)) if usable.any() else 0
        return dated_returns(
            z[start:],
            first[rows] - start,
            sessions=len(window),
            column=column[rows],
            event_ids=tuple(self._abnormal.event_ids[i] for i in rows),
            sign=expected_signs(tuple(self._directions[i] for i in rows)),
        )


def dated_tests(study: Study, dated: DatedStudy, abnormal: AbnormalReturns) -> pd.DataFrame:
    """Run the tests over all dates, per asset with two events or more and over all assets.

    Returns
    -------
    DataFrame
        `TEST_COLUMNS`.
    """
    rows = []
    for label, sample in groups(abnormal):
        if len(set(sample.event_ids)) == 1 and study.tests == "default":
            continue
        for window in study.car_windows:
            place = {"asset": label, "window": str(window), "window_start": window.start,
                     "window_end": window.end}  # fmt: skip
            rng = generator(study.seed, "dates", label, str(window))
            try:
                found = run_dated(dated.dated(label, window), tests=study.tests, rng=rng)
            except EstimationError as error:
                rows.append(place | {"statistic": "overlap_z", "n": 0, "verdict": "refused",
                                     "reason": str(error)})  # fmt: skip
                continue
            rows += [place | asdict(one) for one in found]
    return pd.DataFrame(rows, columns=list(TEST_COLUMNS))


def design_table(study: Study, dated: DatedStudy, abnormal: AbnormalReturns) -> pd.DataFrame:
    """Say what the choice of tests rests on, per asset and window.

    Returns
    -------
    DataFrame
        `DESIGN_COLUMNS`.
    """
    rows = []
    for label, sample in groups(abnormal):
        for window in study.car_windows:
            row: dict[str, Any] = {"asset": label, "window": str(window)}
            try:
                design = describe(sample.restrict(window))
                row |= asdict(design) | {"why": default_selection(design)[1]}
                dates = describe_dates(dated.dated(label, window))
                row |= {
                    "n_dated": dates.n,
                    "n_episodes": dates.n_episodes,
                    "covered": dates.covered,
                    "abs_z_ratio": dates.variance_ratio,
                    "p_abs_z": dates.variance_pvalue,
                }
            except EstimationError as error:
                row["why"] = "; ".join(filter(None, (row.get("why", ""), str(error))))
            rows.append(row)
    return pd.DataFrame(rows, columns=list(DESIGN_COLUMNS))


def family_table(
    study: Study, dated: DatedStudy, abnormal: AbnormalReturns, effects: pd.DataFrame
) -> pd.DataFrame:
    """Hold the single p-values of each asset together, and leave out one event at a time.

    Leave-one-out is computed for the headline window.

    Returns
    -------
    DataFrame
        `FAMILY_COLUMNS`.
    """
    frames = []
    for label, sample in groups(abnormal):
        if label == ALL or len(sample) < 2:  # noqa: PLR2004  # a family needs two
            continue
        for window in study.car_windows:
            mine = effects[(effects["asset"] == label) & (effects["window"] == str(window))]
            frames.append(
                _family(dated, label, window, mine, influence=window == study.car_windows[0])
            )
    if not frames:
        return pd.DataFrame(columns=list(FAMILY_COLUMNS))
    return pd.concat(frames, ignore_index=True)[list(FAMILY_COLUMNS)]


def _family(
    dated: DatedStudy,
    label: str,
    window: Window,
    mine: pd.DataFrame,
    *,
    influence: bool,
) -> pd.DataFrame:
    single = np.where(mine["ci_method"] == "vfc", mine["p_vfc"], mine["p_fhs"]).astype(float)
    sessions = mine["session"].to_numpy()
    directions = tuple(dated.direction(event_id, label) for event_id in mine["event_id"])
    signed = expected_signs(directions) * mine["effect"].to_numpy(dtype=float)
    frame = pd.DataFrame(
        {
            "asset": label,
            "window": str(window),
            "event_id": mine["event_id"].to_numpy(),
            "pvalue": single,
            "direction": [text if text in SIGNS else "" for text in directions],
            "signed_effect": signed,
            "p_one_sided": one_sided(single, signed),
            "p_holm": _adjusted(holm, single, sessions),
            "p_benjamini_hochberg": _adjusted(benjamini_hochberg, single, sessions),
        }
    )
    try:
        windows = dated.dated(label, window).unsigned()
        score = windows.scores() / np.sqrt(windows.sessions)
        shared = pd.DataFrame(
            {"event_id": windows.event_ids, "score": score, "p_max_z": step_down(windows)}
        )
        if influence and len(set(windows.event_ids)) > 1:
            out = leave_one_out(windows)
            without = pd.DataFrame(
                {
                    "event_id": out.event_ids,
                    "overlap_z_without": out.overlap_z,
                    "p_overlap_z_without": out.p_overlap,
                    "p_shift_sharp_without": out.p_shift,
                }
            )
            shared = shared.merge(without, on="event_id", how="left")
    except EstimationError:
        shared = pd.DataFrame({"event_id": pd.Series(dtype="str")})
    merged = frame.merge(shared, on="event_id", how="left")
    return merged.reindex(columns=list(FAMILY_COLUMNS))


def _adjusted(
    method: Callable[[FloatArray], FloatArray], pvalues: FloatArray, sessions: NDArray[np.object_]
) -> FloatArray:
    """Adjust over the sessions with a p-value: events on one session are one test, said twice."""
    known = pd.Series(pvalues, index=sessions).dropna()
    once = known[~known.index.duplicated()]
    values: FloatArray = np.asarray(once.to_numpy(), dtype=np.float64)
    adjusted = pd.Series(method(values), index=once.index)
    found = adjusted.reindex(sessions).to_numpy(dtype=float)
    return np.where(np.isfinite(pvalues), found, np.nan)
