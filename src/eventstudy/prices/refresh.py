"""The refresh job: ask what is missing, keep what arrives, say what failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from eventstudy.prices.bars import Bar, Interval, Revision, Written
from eventstudy.prices.contracts import Contract
from eventstudy.prices.gate import refusals
from eventstudy.prices.instruments import Catalogue, Instrument, Settled, pick
from eventstudy.prices.jobs import Job, RefreshOptions, RefreshReport, Surroundings
from eventstudy.prices.runs import (
    ItemState,
    RunItem,
    finish_run,
    last_good_item,
    record_item,
    refresh_lock,
    start_run,
)
from eventstudy.prices.sources import Answer, Request, SourceError, ask
from eventstudy.prices.store import Store
from eventstudy.products import product_names

# Recent days are asked for again, because that is where figures are corrected.
_OVERLAP: Final = timedelta(days=14)
_INTERVAL_LENGTH: Final[dict[str, timedelta]] = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
}
_PUBLISHING: Final = timedelta(minutes=20)  # the delay of the source's intraday quotes


def plan(
    store: Store | None, catalogue: Catalogue, options: RefreshOptions, *, today: date
) -> tuple[Job, ...]:
    """Return what a run would ask for, without asking.

    Raises
    ------
    UnknownNameError
        When an instrument is named that the catalogue does not have.
    """
    stored = _unfinished_contracts(store) if store else ()
    chosen = pick(catalogue.due(today, stored=stored), options.symbols)
    pick(chosen, options.accept)
    jobs = [Job(item, "1d", _first(store, item, "1d", options)) for item in chosen]
    if options.intraday:
        fronts = [item for item in chosen if item.series.roll]
        jobs += [
            Job(item, options.intraday, _first(store, item, options.intraday, options))
            for item in fronts
        ]
    return tuple(jobs)


def refresh(
    path: Path,
    catalogue: Catalogue,
    options: RefreshOptions,
    *,
    outside: Surroundings | None = None,
    progress: Callable[[int, int, RunItem], None] = lambda *_: None,
) -> RefreshReport:
    """Bring a store up to date.

    Each series is one transaction: whatever arrived is kept whatever happens to the others, and a
    run that is cut off is simply repeated.

    Parameters
    ----------
    path : Path
        The store; made where there is none.
    catalogue : Catalogue
        What to keep.
    options : RefreshOptions
        What to ask for.
    outside : Surroundings, optional
        Clock, sources, sleep and jitter.
    progress : callable
        Called with number, total and item after each series.

    Returns
    -------
    RefreshReport

    Raises
    ------
    StoreError
        When another run holds the lock, or the store cannot be written.
    """
    world = outside or Surroundings()
    with refresh_lock(path, wait=options.wait), Store(path) as store:
        jobs = plan(store, catalogue, options, today=world.clock().date())
        number = start_run(store, now=world.clock())
        items: list[RunItem] = []
        revisions: list[Revision] = []
        resting: dict[str, str] = {}
        for position, job in enumerate(jobs, start=1):
            item, changed = _do(store, number, job, options, world, resting)
            items.append(item)
            revisions += changed
            progress(position, len(jobs), item)
        report = RefreshReport(tuple(items), tuple(revisions))
        finish_run(store, number, exit_code=report.exit_code, now=world.clock())
    return report


def _do(
    store: Store,
    number: int,
    job: Job,
    options: RefreshOptions,
    world: Surroundings,
    resting: dict[str, str],
) -> tuple[RunItem, tuple[Revision, ...]]:
    answer, source, failures = _ask_in_order(job, options, world, resting)
    now = world.clock()
    details = list(failures)
    written = Written()
    state: ItemState = "failed"
    with store.transaction():
        if answer is not None:
            bars = _marked(job, answer.bars, now)
            details += answer.notes
            refused = _refused(store, job, bars, options, now)
            details += refused
            state = "stopped" if refused else "fallback" if failures else "done"
            if not refused:
                written = _keep(store, job, bars, source, now, stand_in=bool(failures))
                details += [f"{written.kept} settled bar(s) left alone"] if written.kept else []
        item = RunItem(
            job.instrument.name,
            job.interval,
            state,
            source,
            written.added,
            len(written.revisions),
            "; ".join(details),
        )
        record_item(store, number, item, now=now)
    return item, written.revisions


def _ask_in_order(
    job: Job, options: RefreshOptions, world: Surroundings, resting: dict[str, str]
) -> tuple[Answer | None, str, list[str]]:
    """Ask the sources in order; say which answered, and why those before it did not."""
    failures: list[str] = []
    for ref in job.instrument.sources:
        if ref.source in resting:
            failures.append(f"{ref.source} {ref.symbol}: not asked, {resting[ref.source]}")
            continue
        today = world.clock().date()
        request = Request(ref.symbol, job.first, today, job.interval, options.timeout)
        try:
            answer = ask(
                world.sources[ref.source],
                request,
                patience=options.patience,
                rng=world.rng,
                sleep=world.sleep,
            )
        except SourceError as error:
            failures.append(str(error))
            if error.rest:
                resting[ref.source] = error.rest
            continue
        if failures:
            failures.append(f"{ref.source} {ref.symbol} stood in")
        return answer, f"{ref.source} {ref.symbol}", failures
    return None, "", failures


def _marked(job: Job, bars: Sequence[Bar], now: datetime) -> list[Bar]:
    if job.interval == "1d":
        settled = Settled(now)
        return [replace(bar, provisional=not settled(job.instrument, bar.stamp)) for bar in bars]
    length = _INTERVAL_LENGTH[job.interval] + _PUBLISHING
    running = (now.astimezone(UTC) - length).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [replace(bar, provisional=bar.stamp > running) for bar in bars]


def _refused(
    store: Store, job: Job, bars: Sequence[Bar], options: RefreshOptions, now: datetime
) -> tuple[str, ...]:
    if job.interval != "1d" or job.instrument.name in options.accept:
        return ()
    closes = store.read(job.instrument.name)["close"]
    known = {str(stamp): float(close) for stamp, close in closes.items()}
    return refusals(known, bars, today=now.astimezone(UTC).date())


def _keep(
    store: Store, job: Job, bars: Sequence[Bar], source: str, now: datetime, *, stand_in: bool
) -> Written:
    store.put_series(job.instrument.series)
    if job.instrument.contract:
        store.put_contract(job.instrument.contract)
    return store.put_bars(
        job.instrument.name,
        bars,
        source=source,
        seen_at=now,
        interval=job.interval,
        stand_in=stand_in,
    )


def _first(
    store: Store | None, item: Instrument, interval: Interval, options: RefreshOptions
) -> date | None:
    if options.full:
        return None
    if options.since:
        return options.since
    last = store.last_final(item.name, interval=interval) if store else None
    return None if last is None else date.fromisoformat(last[:10]) - _OVERLAP


def _unfinished_contracts(store: Store) -> tuple[Contract, ...]:
    """Contracts that expired after figures of them last arrived: their end is still missing."""
    found = []
    for name in product_names():
        for contract in store.contracts(name):
            seen = last_good_item(store, contract.symbol)
            if seen is None or seen[:10] <= contract.last_trade.isoformat():
                found.append(contract)
    return tuple(found)
