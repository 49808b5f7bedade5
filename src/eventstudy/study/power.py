"""What a study could see, said before its event windows are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eventstudy.arrays import ReturnKind
from eventstudy.errors import AlignmentError, EstimationError
from eventstudy.events import EventTable
from eventstudy.inference.applicability import describe, verdict
from eventstudy.inference.detectable import (
    OVER_EVENTS,
    PLACEBO,
    detectable_dated,
    detectable_mean,
    without_returns,
)
from eventstudy.inference.over_events.sample import EventSample
from eventstudy.inference.samples import ALL, StudySamples
from eventstudy.inference.statistic import statistic
from eventstudy.prices.table import PriceTable
from eventstudy.progress import Progress, silent
from eventstudy.study.assets import asset_data, fit_kept
from eventstudy.study.design import Study, with_assets
from eventstudy.study.effects import MeasuredEffects, measure
from eventstudy.study.many import FilteredReturns
from eventstudy.study.run import prepare
from eventstudy.tables import columns
from eventstudy.tables.columns import Row, Table
from eventstudy.windows import Window

MULTIPLES = (0.5, 1.0, 2.0, 4.0)
BLIND = "no effect up to eight standard deviations of a session is found"
WINDOWS = (Window(0, 0), Window(0, 1), Window(0, 4), Window(0, 9))


class _SingleFields:
    asset = columns.text("Series studied.")
    window = columns.window("CAR window.")
    test = columns.text(
        "The default test of a single event in this window; empty where none was fitted."
    )
    events = columns.integer("Events with a filter.", shown="count")
    median = columns.number("Median detectable effect of that test.", unit="return")
    low = columns.number("The smallest.", unit="return")
    high = columns.number("The largest.", unit="return")
    median_t = columns.number("Median detectable effect of the t.", unit="return")
    power = columns.number("Power at which these effects are found.")


class SinglePowerRow(_SingleFields, Row):
    """Detectable effects of the single events of one asset and window."""


class SinglePower(_SingleFields, Table[SinglePowerRow]):
    """A row per asset and window."""

    row_type = SinglePowerRow


class _MeanFields:
    asset = columns.text("The sample: an asset, or `all` for every pair.")
    window = columns.window("CAR window.")
    test = columns.text("Name of the statistic.")
    n = columns.integer("Pairs of event and asset, N.", shown="count")
    verdict = columns.text("`holds`, `caution` or `refused`, as in the tests of a result.")
    reason = columns.text("Why the verdict is not `holds`.")
    mde_half_n = columns.number("Detectable mean effect with N / 2 events.", unit="return")
    mde = columns.number("With N events.", unit="return")
    mde_2n = columns.number("With 2N events.", unit="return")
    mde_4n = columns.number("With 4N events.", unit="return")


class MeanPowerRow(_MeanFields, Row):
    """Mean effects that one test finds on one sample and window."""


class MeanPower(_MeanFields, Table[MeanPowerRow]):
    """A row per sample, window and test over events."""

    row_type = MeanPowerRow


@dataclass(frozen=True, slots=True, eq=False)
class StudyPower:
    """Effects that a study finds with 80% power, in units of the return.

    `singles` hold median and range of the detectable effect by the default test, and the median
    by the t. `means` hold the mean effect that tests over events find with N / 2, N, 2N and 4N
    events, and whether they apply to the design; tests over all dates answer for N, by placebo
    dates.
    """

    name: str
    level: float
    singles: SinglePower
    means: MeanPower
    n_pairs: int
    n_dropped: int
    return_kind: ReturnKind


def study_power(
    study: Study, events: EventTable, prices: PriceTable, *, progress: Progress = silent
) -> StudyPower:
    """Say what effects a study can see, without using a return of any event window.

    Raises
    ------
    AlignmentError
        No event can be studied.
    """
    study = with_assets(study, prices)
    panel, pairs = prepare(study, events, prices)
    windows = tuple(
        dict.fromkeys((*study.car_windows, *(w for w in WINDOWS if study.window.covers(w))))
    )
    data = {asset: asset_data(study, panel, asset) for asset in study.assets}
    fit = fit_kept(study, data, pairs).fit
    if fit is None:
        count = len({pair.event_id for pair in pairs})
        msg = f"none of the {count} event(s) can be studied: see eventstudy check"
        raise AlignmentError(msg)
    singles: list[dict[str, Any]] = []
    studied = tuple(fit.abnormal.rows_by_asset)
    for number, asset in enumerate(studied):
        progress("assets", number, len(studied))
        found = measure(fit.on(asset), data[asset], study, windows=windows, role="power")
        singles += [_single(asset, found, column) for column in range(len(windows))]
    progress("assets", len(studied), len(studied))
    abnormal = without_returns(fit.abnormal)
    samples = StudySamples(abnormal, FilteredReturns(study, data))
    means = _means(samples, windows, study.level)
    return StudyPower(
        study.name,
        study.level,
        SinglePower.of(singles),
        MeanPower.of(means),
        len(abnormal),
        len(pairs) - len(abnormal),
        data[study.assets[0]].kind,
    )


def _single(asset: str, found: MeasuredEffects, column: int) -> dict[str, Any]:
    tests, window = found.tests, found.windows[column]
    rows = np.flatnonzero(tests.tested[:, column])
    row: dict[str, Any] = {"asset": asset, "window": window, "events": len(rows)}
    if len(rows):
        values = tests.mde[rows, column]
        row |= {
            "test": str(tests.ci_method[rows[0], column]),
            "median": float(np.median(values)),
            "low": float(values.min()),
            "high": float(values.max()),
            "median_t": float(np.median(tests.mde_t[rows, column])),
        }
    return row | {"power": 0.8}


def _means(
    samples: StudySamples, windows: tuple[Window, ...], level: float
) -> list[dict[str, Any]]:
    rows = []
    for label in samples.labels:
        for window in windows:
            place = {"asset": label, "window": window}
            part = samples.over_events(label, window)
            if len(part) < 2 and label != ALL:  # noqa: PLR2004  # a mean needs two
                continue
            rows += [place | row for row in _dates_rows(samples, label, window, part, level)]
            rows += [place | row for row in _events_rows(part, level)]
    return rows


def _events_rows(part: EventSample, level: float) -> list[dict[str, Any]]:
    described = describe(part)
    rows = []
    for name, entry in OVER_EVENTS.items():
        judged, reason = verdict(entry, described)
        row = {"test": name, "n": described.n, "verdict": judged, "reason": reason}
        if judged != "refused":
            values = [detectable_mean(part, name, level=level, n=k) for k in MULTIPLES]
            row |= dict(zip(("mde_half_n", "mde", "mde_2n", "mde_4n"), values, strict=True))
        rows.append(row)
    return rows


def _dates_rows(
    samples: StudySamples, label: str, window: Window, part: EventSample, level: float
) -> list[dict[str, Any]]:
    """Return detectable effects of the tests over all dates, turned into returns by the mean s."""
    scale = float(np.sqrt(part.pairs.s2.mean()))
    rows = []
    for name in PLACEBO:
        entry = statistic(name)
        row: dict[str, Any] = {"test": name, "n": len(part), "verdict": "holds", "reason": ""}
        try:
            windows = samples.over_dates(label, window)
            if len(windows) < entry.min_n:
                row |= {"verdict": "refused", "reason": f"N = {len(windows)}, needs {entry.min_n}"}
            else:
                found = detectable_dated(windows, name, level=level)
                row["mde"] = scale * found if np.isfinite(found) else np.nan
                if not np.isfinite(found):
                    row |= {"verdict": "caution", "reason": BLIND}
        except EstimationError as error:
            row |= {"verdict": "refused", "reason": str(error)}
        rows.append(row)
    return rows
