"""Run a study: the one place that knows the order of the steps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Protocol

import numpy as np
import pandas as pd

from eventstudy.alignment import Pair, align
from eventstudy.arrays import IntArray
from eventstudy.calendars import SettlementCalendar, file_calendar, settlement_calendar
from eventstudy.claims import Claim
from eventstudy.errors import AlignmentError, EstimationError, TableError, did_you_mean
from eventstudy.events import EventTable
from eventstudy.inference.tables import battery_table
from eventstudy.prices.table import PriceTable
from eventstudy.quotes import Quote
from eventstudy.regression.dummies import FRAME_COLUMNS, event_dummies
from eventstudy.remarks import Remark
from eventstudy.results import Provenance, StudyResult, clean
from eventstudy.returns import ReturnPanel, build_panel, check_finite
from eventstudy.study.answers import answer_claims, check_quotes
from eventstudy.study.assets import AssetFindings, asset_data, joined, study_asset
from eventstudy.study.design import Study, with_assets
from eventstudy.study.many import DatedStudy, dated_tests, design_table, family_table
from eventstudy.study.provenance import alignment_remarks, provenance_of
from eventstudy.study.tabulate import ar_frame, effects_frame, events_frame


class Progress(Protocol):
    """Shows how far a run is: ``progress(what, done, total)``."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show one step."""


def silent(what: str, done: int, total: int) -> None:
    """Show nothing."""


def run_study(
    study: Study,
    events: EventTable,
    prices: PriceTable,
    *,
    quotes: Sequence[Quote] = (),
    claims: Sequence[Claim] = (),
    progress: Progress = silent,
) -> StudyResult:
    """Study dated events on the prices of one or a few assets.

    Parameters
    ----------
    study : Study
        The design.
    events : EventTable
    prices : PriceTable
    quotes : sequence of Quote
        Quoted prices to hold against settlements.
    claims : sequence of Claim
        Hypotheses to answer.
    progress : callable
        Told of each step.

    Returns
    -------
    StudyResult

    Raises
    ------
    UnknownNameError
        An asset, market or factor that the prices do not have.
    UndefinedReturnError
        A non-positive price under log or simple returns without a policy.
    AlignmentError
        No event can be studied; the message names why, event by event.
    """
    study = with_assets(study, prices)
    panel, pairs = prepare(study, events, prices)
    tick = _ticker(progress, sum(pair.studied for pair in pairs))
    found = {
        asset: study_asset(study, panel, [p for p in pairs if p.asset == asset], asset, tick=tick)
        for asset in study.assets
    }
    checked = _in_order(pairs, found)
    parts = [f.abnormal for f in found.values() if f.abnormal is not None]
    if not parts:
        raise AlignmentError(_nothing_left(checked))
    abnormal = joined(parts)
    windows = study.car_windows
    progress("statistics over the events", 0, 1)
    tests = battery_table(abnormal, windows, tests=study.tests, seed=study.seed)
    dated = DatedStudy(study, panel, checked, abnormal)
    tests = pd.concat([tests, dated_tests(study, dated, abnormal)], ignore_index=True)
    progress("joint regression", 0, 1)
    regression, regression_remarks = _regressions(study, panel, checked)
    effects = effects_frame([row for f in found.values() for row in f.effects])
    alternatives = effects_frame([row for f in found.values() for row in f.alternatives])
    rolls = {key: text for f in found.values() for key, text in f.roll_taus.items()}
    frame = events_frame(
        checked, effects, alternatives,
        windows=windows, sessions=panel.calendar.sessions, roll_taus=rolls,
    )  # fmt: skip
    checks, quote_remarks = check_quotes(quotes, panel)
    answers, claim_remarks = answer_claims(claims, study, panel, checked)
    remarks = (
        *panel.remarks, *(Remark("note", prices.source, note) for note in prices.notes),
        *alignment_remarks(frame), *regression_remarks, *quote_remarks, *claim_remarks,
        *_filter_remarks(effects),
    )  # fmt: skip
    return StudyResult(
        name=study.name,
        title=study.title or study.name,
        settings=study.settings(),
        return_kind=panel.kinds[panel.column(study.assets[0])],
        level=study.level,
        windows=windows,
        events=frame,
        effects=effects,
        alternatives=alternatives,
        ar=ar_frame([row for f in found.values() for row in f.ar]),
        alternative_ar=ar_frame([row for f in found.values() for row in f.alternative_ar]),
        tests=tests,
        regression=regression,
        prices=_levels(study, panel),
        abnormal=abnormal,
        provenance=_provenance(study, events, prices, panel),
        placebos=tuple(p for f in found.values() for p in f.placebos),
        quotes=tuple(checks),
        claims=tuple(answers),
        remarks=remarks,
        design=design_table(study, dated, abnormal),
        family=family_table(study, dated, abnormal, effects),
        units={name: prices.meta(name).unit for name in study.assets},
    )


def prepare(
    study: Study, events: EventTable, prices: PriceTable
) -> tuple[ReturnPanel, tuple[Pair, ...]]:
    """Put prices and events on one calendar, without any statistics.

    Parameters
    ----------
    study : Study
    events : EventTable
    prices : PriceTable

    Returns
    -------
    panel : ReturnPanel
    pairs : tuple of Pair
        Every event on every asset it concerns; history is not checked yet.

    Raises
    ------
    TableError
        No events, no sessions, or an event on an asset that the study does not have.
    """
    if not len(events):
        msg = "no events: the file has a header and no rows"
        raise TableError(msg, path=events.path)
    _check_assets(study, events, prices)
    check_finite(prices)
    table = prices.between(study.start or None, study.end or None)
    if not len(table.frame):
        msg = f"no sessions between {study.start or 'the start'} and {study.end or 'the end'}"
        raise TableError(msg, path=prices.source)
    calendar = calendar_of(study, table)
    panel = build_panel(
        table, calendar, study.series,
        kind=study.returns, nonpositive=study.nonpositive, rolls=study.rolls,
        roll_rules=study.roll_rules, next_contract=study.next_contract,
    )  # fmt: skip
    pairs = align(
        tuple(events), calendar, study.assets,
        window=study.window, estimation=study.estimation_window,
        ambiguous_minutes=study.ambiguous_minutes,
    )  # fmt: skip
    return panel, pairs


def calendar_of(study: Study, table: PriceTable) -> SettlementCalendar:
    """Return the sessions of a study: those of a market, or those of the file."""
    name = table.calendar if study.calendar == "auto" else study.calendar
    days = table.frame.index.to_numpy().astype("datetime64[D]")
    if name == "file":
        return file_calendar(days)
    first, last = (date.fromisoformat(str(day)) for day in (days[0], days[-1]))
    return settlement_calendar(name, first, last)


def check_history(study: Study, panel: ReturnPanel, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Drop the pairs a run would drop, for `eventstudy check`: fits, but no tests."""
    from eventstudy.study.assets import kept_pairs

    done = {}
    for asset in study.assets:
        mine = [pair for pair in pairs if pair.asset == asset]
        kept, _ = kept_pairs(study, asset_data(study, panel, asset), mine)
        done[asset] = AssetFindings(kept, None, [], [], [], [], (), {})
    return _in_order(pairs, done)


def _check_assets(study: Study, events: EventTable, prices: PriceTable) -> None:
    prices.require(study.series)
    for asset in study.assets:
        if asset in study.series[len(study.assets) :] or (
            asset in (*study.model.regressors, study.model.offset)
        ):
            msg = f"asset {asset!r} is also a series of the model: take it out of [study] assets"
            raise TableError(msg)
    for event in events:
        if event.asset is not None and event.asset not in study.assets:
            hint = did_you_mean(event.asset, study.assets)
            msg = f"event {event.event_id!r} concerns asset {event.asset!r}, not studied; {hint}"
            raise TableError(msg, path=events.path, row=event.row, column="asset")


def _in_order(pairs: Sequence[Pair], found: dict[str, AssetFindings]) -> tuple[Pair, ...]:
    done = {(p.event_id, p.asset): p for f in found.values() for p in f.pairs}
    return tuple(done[pair.event_id, pair.asset] for pair in pairs)


def _nothing_left(pairs: Sequence[Pair]) -> str:
    shown = "; ".join(f"{p.event_id}: {p.placement.reason or p.state}" for p in pairs[:3])
    more = f"; and {len(pairs) - 3} more" if len(pairs) > 3 else ""  # noqa: PLR2004  # three are shown
    return f"none of the {len(pairs)} event(s) can be studied: {shown}{more}"


def _regressions(
    study: Study, panel: ReturnPanel, pairs: Sequence[Pair]
) -> tuple[pd.DataFrame, list[Remark]]:
    frames, remarks = [], []
    labels = [str(day) for day in panel.calendar.sessions]
    for asset in study.assets:
        data = asset_data(study, panel, asset)
        mine = [p for p in pairs if p.asset == asset and p.studied]
        if not mine:
            continue
        position: IntArray = np.array([p.placement.session for p in mine], dtype=np.int64)
        returns = np.where(data.rolls, np.nan, data.adjusted)
        controls = data.design[:, 1:] if data.design.shape[1] > 1 else None
        try:
            fit = event_dummies(
                returns, position, [p.event_id for p in mine],
                window=study.car_windows[0], controls=controls, asset=asset,
            )  # fmt: skip
        except EstimationError as error:
            remarks.append(Remark("dropped", asset, f"no joint regression: {error}"))
            continue
        frames.append(fit.to_frame(labels))
        remarks += [Remark("note", f"regression {asset}", note) for note in fit.notes]
    table = (
        pd.concat(frames, ignore_index=True)
        if frames
        else pd.DataFrame(columns=list(FRAME_COLUMNS))
    )
    return table, remarks


def _filter_remarks(effects: pd.DataFrame) -> list[Remark]:
    """Say where a test stood on a fallback or gave no number."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for row in effects.itertuples():
        if row.filter_reason:
            grouped.setdefault((str(row.asset), str(row.filter_reason)), []).append(
                f"{row.event_id} {row.window}"
            )
    return [
        Remark("fallback", asset, f"{reason}: {', '.join(where[:6])}"
               + (f" and {len(where) - 6} more" if len(where) > 6 else ""))  # noqa: PLR2004  # six are shown
        for (asset, reason), where in grouped.items()
    ]  # fmt: skip


def _levels(study: Study, panel: ReturnPanel) -> pd.DataFrame:
    index = pd.DatetimeIndex(panel.calendar.sessions.astype("datetime64[us]"), name="session")
    if study.data_kind == "returns":
        return pd.DataFrame(index=index[:0])
    columns = [panel.column(name) for name in study.assets]
    return pd.DataFrame(panel.levels[:, columns], index=index, columns=list(study.assets))


def _provenance(
    study: Study, events: EventTable, prices: PriceTable, panel: ReturnPanel
) -> Provenance:
    settings = json.dumps(clean(study.settings()), sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(settings.encode()).hexdigest()
    return provenance_of(digest, events, prices, panel)


def _ticker(progress: Progress, total: int) -> Callable[[], None]:
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        progress("events", done, total)

    progress("events", 0, total)
    return tick
