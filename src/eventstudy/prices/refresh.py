"""The refresh: what it is asked for, the requests that follow, what is kept, what is reported."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from eventstudy.prices.batches import batch_faults
from eventstudy.prices.contracts import Contract
from eventstudy.prices.instruments import Catalogue, Instrument, Settled, pick
from eventstudy.prices.records import Bar, Interval, Revision, Written
from eventstudy.prices.runs import (
    ItemState,
    RunItem,
    finish_run,
    last_good_item,
    record_item,
    refresh_lock,
    start_run,
)
from eventstudy.prices.sources import (
    Answer,
    Request,
    RetryPolicy,
    Source,
    SourceError,
    ask,
    bundled_sources,
)
from eventstudy.prices.store import Store
from eventstudy.products import product_names

EXIT_DONE: Final = 0
EXIT_SOURCE: Final = 3
EXIT_QUALITY: Final = 4
# Recent days are asked for again, because that is where values are corrected.
_OVERLAP: Final = timedelta(days=14)
_INTERVAL_LENGTH: Final[dict[str, timedelta]] = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
}
_PUBLISHING: Final = timedelta(minutes=20)  # the delay of the source's intraday quotes


@dataclass(frozen=True, slots=True)
class RefreshOptions:
    """What a run is asked to do.

    Parameters
    ----------
    symbols : tuple of str
        Only these instruments; all where empty.
    since : date or None
        Ask from this day on.
    full : bool
        Ask for everything the sources have.
    intraday : {"1h", "5m", "1m"} or None
        Keep bars of this interval of the front months too.
    accept : tuple of str
        Instruments whose batch is stored although validation would stop it.
    wait : float
        Seconds to wait for another run.
    timeout : float
        Seconds to wait for an answer.
    retry : RetryPolicy
        How often sources are asked again.
    """

    symbols: tuple[str, ...] = ()
    since: date | None = None
    full: bool = False
    intraday: Interval | None = None
    accept: tuple[str, ...] = ()
    wait: float = 0.0
    timeout: float = 20.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)


@dataclass(frozen=True, slots=True)
class Job:
    """One series to ask for, from a first day on (None: everything)."""

    instrument: Instrument
    interval: Interval
    first: date | None


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a run did.

    Parameters
    ----------
    items : tuple of RunItem
        One per series and interval.
    revisions : tuple of Revision
        Every corrected value.
    """

    items: tuple[RunItem, ...]
    revisions: tuple[Revision, ...]

    @property
    def exit_code(self) -> int:
        """0 all done, 3 a source failed, 4 validation stopped a batch."""
        states = {item.state for item in self.items}
        if "stopped" in states:
            return EXIT_QUALITY
        return EXIT_SOURCE if "failed" in states else EXIT_DONE


@dataclass(slots=True)
class Environment:
    """Everything a run takes from outside, so that a test can replace it.

    Parameters
    ----------
    clock : callable
        The present moment, with a time zone.
    sleep : callable
        Waits for seconds.
    rng : random.Random
        Jitter of the waits.
    sources : mapping of str to Source
        By name.
    """

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    rng: random.Random = field(default_factory=random.Random)
    sources: Mapping[str, Source] = field(default_factory=bundled_sources)


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
    env: Environment | None = None,
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
    env : Environment, optional
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
    env = env or Environment()
    with refresh_lock(path, wait=options.wait), Store(path) as store:
        jobs = plan(store, catalogue, options, today=env.clock().date())
        number = start_run(store, now=env.clock())
        items: list[RunItem] = []
        revisions: list[Revision] = []
        suspended: dict[str, str] = {}
        for position, job in enumerate(jobs, start=1):
            item, changed = _do(store, number, job, options, env, suspended)
            items.append(item)
            revisions += changed
            progress(position, len(jobs), item)
        report = RefreshReport(tuple(items), tuple(revisions))
        finish_run(store, number, exit_code=report.exit_code, now=env.clock())
    return report


def _do(
    store: Store,
    number: int,
    job: Job,
    options: RefreshOptions,
    env: Environment,
    suspended: dict[str, str],
) -> tuple[RunItem, tuple[Revision, ...]]:
    answer, source, failures = _ask_in_order(job, options, env, suspended)
    now = env.clock()
    details = list(failures)
    written = Written()
    state: ItemState = "failed"
    with store.transaction():
        if answer is not None:
            bars = _marked(job, answer.bars, now)
            details += answer.notes
            refused = _faults(store, job, bars, options, now)
            details += refused
            state = "stopped" if refused else "fallback" if failures else "done"
            if not refused:
                written = _keep(store, job, bars, source, now, fallback=bool(failures))
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
    job: Job, options: RefreshOptions, env: Environment, suspended: dict[str, str]
) -> tuple[Answer | None, str, list[str]]:
    """Ask the sources in order; return which answered, and why those before it did not."""
    failures: list[str] = []
    for ref in job.instrument.sources:
        if ref.source in suspended:
            failures.append(f"{ref.source} {ref.symbol}: not asked, {suspended[ref.source]}")
            continue
        today = env.clock().date()
        request = Request(ref.symbol, job.first, today, job.interval, options.timeout)
        try:
            answer = ask(
                env.sources[ref.source],
                request,
                retry=options.retry,
                rng=env.rng,
                sleep=env.sleep,
            )
        except SourceError as error:
            failures.append(str(error))
            if error.suspended:
                suspended[ref.source] = error.suspended
            continue
        if failures:
            failures.append(f"fell back to {ref.source} {ref.symbol}")
        return answer, f"{ref.source} {ref.symbol}", failures
    return None, "", failures


def _marked(job: Job, bars: Sequence[Bar], now: datetime) -> list[Bar]:
    if job.interval == "1d":
        settled = Settled(now)
        return [replace(bar, provisional=not settled(job.instrument, bar.stamp)) for bar in bars]
    length = _INTERVAL_LENGTH[job.interval] + _PUBLISHING
    running = (now.astimezone(UTC) - length).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [replace(bar, provisional=bar.stamp > running) for bar in bars]


def _faults(
    store: Store, job: Job, bars: Sequence[Bar], options: RefreshOptions, now: datetime
) -> tuple[str, ...]:
    if job.interval != "1d" or job.instrument.name in options.accept:
        return ()
    closes = store.read(job.instrument.name)["close"]
    known = {str(stamp): float(close) for stamp, close in closes.items()}
    return batch_faults(known, bars, today=now.astimezone(UTC).date())


def _keep(
    store: Store, job: Job, bars: Sequence[Bar], source: str, now: datetime, *, fallback: bool
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
        fallback=fallback,
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
    """Contracts that expired after values of them last arrived: their end is still missing."""
    found = []
    for name in product_names():
        for contract in store.contracts(name):
            seen = last_good_item(store, contract.symbol)
            if seen is None or seen[:10] <= contract.last_trade.isoformat():
                found.append(contract)
    return tuple(found)
