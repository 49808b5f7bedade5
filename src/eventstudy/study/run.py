"""Run a study: the one place that knows the order of the steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import pandas as pd

from eventstudy.alignment import Alignment, align
from eventstudy.calendars import SettlementCalendar, file_calendar, settlement_calendar
from eventstudy.errors import AlignmentError, TableError, did_you_mean
from eventstudy.events import EventTable
from eventstudy.events.claims import Claim
from eventstudy.events.quotes import Quote
from eventstudy.formats import listed
from eventstudy.models.designs import needed_series
from eventstudy.notes import Note
from eventstudy.prices.table import PriceTable
from eventstudy.progress import Progress, silent
from eventstudy.results import ResultTables, StudyResult
from eventstudy.results.tables import Notes, SessionReturns
from eventstudy.returns import ReturnPanel, build_panel, check_finite
from eventstudy.study.answers import answer_claims, check_quotes
from eventstudy.study.assets import asset_data, fit_kept, fit_second, study_effects
from eventstudy.study.design import Study, with_assets
from eventstudy.study.many import design_table, family_table, study_samples, tests_table
from eventstudy.study.provenance import alignment_notes, filter_notes, provenance_of, series_table
from eventstudy.study.regressions import joint_regressions
from eventstudy.study.tabulate import Rolls, events_table, session_returns

SHOWN = 3


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
    sessions = panel.calendar.sessions
    data = {asset: asset_data(study, panel, asset) for asset in study.assets}
    kept = fit_kept(study, data, pairs)
    second = fit_second(study, data, pairs, kept)
    pairs = pairs.dropped(kept.dropped, kept.reasons)
    if kept.fit is None:
        raise AlignmentError(_nothing_left(pairs))
    tick, abnormal, level = _ticker(progress, len(kept.rows)), kept.fit.abnormal, study.level
    effects, placebos = study_effects(study, data, kept.fit, sessions, role="primary", tick=tick)
    alternatives, _ = study_effects(study, data, second.fit, sessions, role="alternative")
    again = second.fit and session_returns(second.fit.abnormal, data, sessions, level=level)
    rolls = Rolls.of(pairs, [data[name].rolls for name in pairs.assets], study.window)
    progress("statistics over the events", 0, 1)
    studied = {asset: data[asset] for asset in abnormal.rows_by_asset}
    samples = study_samples(study, studied, pairs, abnormal, effects)
    tests = tests_table(study, samples)
    progress("joint regression", 0, 1)
    regression, noted = joint_regressions(study, studied, pairs, sessions)
    checks, unchecked = check_quotes(quotes, panel)
    answers, untested = answer_claims(claims, study, panel, pairs)
    notes = (
        *panel.notes, *(Note("note", prices.source, note) for note in prices.notes),
        *_unused(study), *alignment_notes(pairs, rolls), *noted, *unchecked, *untested,
        *filter_notes(effects),
    )  # fmt: skip
    series = series_table(prices, panel)
    tables = ResultTables(
        events=events_table(pairs, kept.rows, second.rows, len(study.car_windows), rolls),
        effects=effects, alternatives=alternatives,
        ar=session_returns(abnormal, data, sessions, level=level),
        alternative_ar=again or SessionReturns.empty(),
        tests=tests, design=design_table(study, samples), family=family_table(study, samples),
        regression=regression, quotes=checks, claims=answers, notes=notes_table(notes),
        series=series,
    )  # fmt: skip
    return StudyResult(
        name=study.name, title=study.title or study.name, settings=study.settings(),
        return_kind=panel.kinds[panel.column(study.assets[0])], level=level,
        windows=study.car_windows, tables=tables, prices=_levels(study, panel),
        abnormal=abnormal, samples=samples, placebos=placebos,
        provenance=provenance_of(study, events, prices, series),
        units={name: prices.meta(name).unit for name in study.assets},
    )  # fmt: skip


def notes_table(notes: Sequence[Note]) -> Notes:
    """Collect the entries of the audit log."""
    return Notes(
        kind=[one.kind for one in notes],
        subject=[one.subject for one in notes],
        detail=[one.detail for one in notes],
    )


def _unused(study: Study) -> list[Note]:
    if isinstance(study.estimation, int):
        return []
    text = f"not used: the estimation window is given as a pair, {study.estimation_window}"
    return [Note("note", "[windows] gap", text)]


def prepare(study: Study, events: EventTable, prices: PriceTable) -> tuple[ReturnPanel, Alignment]:
    """Put prices and events on one calendar, without any statistics.

    The pairs are of every event and every asset it concerns; their history is not checked yet.

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
        events.events, calendar, study.assets,
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


def check_history(study: Study, panel: ReturnPanel, pairs: Alignment) -> Alignment:
    """Drop the pairs a run would drop, for `eventstudy check`: fits, but no tests."""
    data = {asset: asset_data(study, panel, asset) for asset in study.assets}
    kept = fit_kept(study, data, pairs)
    return pairs.dropped(kept.dropped, kept.reasons)


def _check_assets(study: Study, events: EventTable, prices: PriceTable) -> None:
    prices.require(study.series)
    for asset in study.assets:
        if asset in needed_series(study.model):
            msg = f"asset {asset!r} is also a series of the model: take it out of [study] assets"
            raise TableError(msg)
    for event in events:
        if event.asset is not None and event.asset not in study.assets:
            hint = did_you_mean(event.asset, study.assets)
            msg = f"event {event.event_id!r} concerns asset {event.asset!r}, not studied; {hint}"
            raise TableError(msg, path=events.path, row=event.row, column="asset")


def _nothing_left(pairs: Alignment) -> str:
    events = len({p.event_id for p in pairs})
    reasons = list(dict.fromkeys(f"{p.event_id}: {p.reason or p.state}" for p in pairs))
    return f"none of the {events} event(s) can be studied: {listed(reasons, SHOWN)}"


def _levels(study: Study, panel: ReturnPanel) -> pd.DataFrame:
    index = panel.calendar.index
    if study.data_kind == "returns":
        return pd.DataFrame(index=index[:0])
    columns = [panel.column(name) for name in study.assets]
    return pd.DataFrame(panel.levels[:, columns], index=index, columns=list(study.assets))


def _ticker(progress: Progress, total: int) -> Callable[[], None]:
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        progress("events", done, total)

    progress("events", 0, total)
    return tick
