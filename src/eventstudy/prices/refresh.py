"""The refresh: what it is asked for, the requests that follow, what is kept, what is reported."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from eventstudy.prices.batches import (
    BatchContext,
    batch_faults,
    clock_fault,
    needs_peers,
    odd_days,
)
from eventstudy.prices.contracts import Contract
from eventstudy.prices.instruments import Catalogue, Instrument, Settled, pick
from eventstudy.prices.records import Bar, Interval, Revision, Written
from eventstudy.prices.related import related_closes, sessions_between
from eventstudy.prices.runs import (
    ItemState,
    RunItem,
    finish_run,
    last_good_item,
    record_acceptance,
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
    all_sources,
    ask,
)
from eventstudy.prices.store import Store
from eventstudy.products import FILE, product_names

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
    reason : str
        Why, in the user's words; recorded beside what validation found.
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
    reason: str = ""
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
    sources: Mapping[str, Source] = field(default_factory=all_sources)


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
    jobs = [Job(item, "1d", _first(store, item, "1d", options, today)) for item in chosen]
    if options.intraday:
        fronts = [item for item in chosen if item.series.roll]
        jobs += [
            Job(item, options.intraday, _first(store, item, options.intraday, options, today))
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
        done: dict[int, tuple[RunItem, tuple[Revision, ...]]] = {}
        held: dict[int, _Arrival] = {}
        suspended: dict[str, str] = {}

        def finish(position: int, arrival: _Arrival, *, alone: bool) -> None:
            kept = _store(store, number, arrival, options, env, alone=alone)
            if kept is None:
                held[position] = arrival
                return
            done[position] = kept
            progress(len(done), len(jobs), kept[0])

        for position, job in enumerate(jobs):
            finish(position, _ask_in_order(job, options, env, suspended), alone=False)
        # A large move waits for the related series, which may have arrived after it.
        for position, arrival in tuple(held.items()):
            finish(position, arrival, alone=True)
        items = tuple(done[position][0] for position in range(len(jobs)))
        revisions = tuple(change for position in range(len(jobs)) for change in done[position][1])
        report = RefreshReport(items, revisions)
        finish_run(store, number, exit_code=report.exit_code, now=env.clock())
    return report


@dataclass(frozen=True, slots=True)
class _Arrival:
    """What came back for a job: an answer or none, and why sources before it failed."""

    job: Job
    answer: Answer | None
    source: str = ""
    failures: tuple[str, ...] = ()


def _store(
    store: Store,
    number: int,
    arrival: _Arrival,
    options: RefreshOptions,
    env: Environment,
    *,
    alone: bool,
) -> tuple[RunItem, tuple[Revision, ...]] | None:
    """Validate and keep what arrived; None where its related series should arrive first."""
    job, now = arrival.job, env.clock()
    details = list(arrival.failures)
    written = Written()
    state: ItemState = "failed"
    with store.transaction():
        if arrival.answer is not None:
            bars = _marked(job, arrival.answer.bars, now)
            verdict = _verdict(store, arrival, bars, now)
            if verdict.waits and not alone:
                return None
            details += (*arrival.answer.notes, *verdict.notes)
            accepted = bool(verdict.faults) and job.instrument.name in options.accept
            details += [
                f"accepted although {fault}" if accepted else fault for fault in verdict.faults
            ]
            refused = bool(verdict.faults) and not accepted
            state = "stopped" if refused else "fallback" if arrival.failures else "done"
            if accepted:
                details += [f"reason: {options.reason}"] if options.reason else []
                record_acceptance(
                    store, job.instrument.name, job.interval, arrival.source, verdict.faults,
                    reason=options.reason, now=now,
                )  # fmt: skip
            if not refused:
                fallback = bool(arrival.failures)
                written = _keep(store, job, bars, arrival.source, now, fallback=fallback)
                details += [f"{written.kept} settled bar(s) left alone"] if written.kept else []
        item = RunItem(
            job.instrument.name,
            job.interval,
            state,
            arrival.source,
            written.added,
            len(written.revisions),
            "; ".join(details),
        )
        record_item(store, number, item, now=now)
    return item, written.revisions


def _ask_in_order(
    job: Job, options: RefreshOptions, env: Environment, suspended: dict[str, str]
) -> _Arrival:
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
        if not answer.bars:
            failures.append(f"{ref.source} {ref.symbol}: no data in this period")
            continue
        if failures:
            failures.append(f"fell back to {ref.source} {ref.symbol}")
        return _Arrival(job, answer, f"{ref.source} {ref.symbol}", tuple(failures))
    return _Arrival(job, None, "", tuple(failures))


def _marked(job: Job, bars: Sequence[Bar], now: datetime) -> list[Bar]:
    if job.interval == "1d":
        settled = Settled(now)
        return [replace(bar, provisional=not settled(job.instrument, bar.stamp)) for bar in bars]
    length = _INTERVAL_LENGTH[job.interval] + _PUBLISHING
    running = (now.astimezone(UTC) - length).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [replace(bar, provisional=bar.stamp > running) for bar in bars]


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Why a batch stops, what is only noted, and whether related series should come first."""

    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()
    waits: bool = False


def _verdict(store: Store, arrival: _Arrival, bars: Sequence[Bar], now: datetime) -> _Verdict:
    job = arrival.job
    name, today = job.instrument.name, now.astimezone(UTC).date()
    frame = store.read(name, interval=job.interval)
    known = dict(zip(map(str, frame.index), frame["close"].tolist(), strict=True))
    later = {f"{ref.source} {ref.symbol}" for ref in job.instrument.sources} - {arrival.source}
    context = BatchContext(
        job.instrument.series.kind,
        _sessions(job, bars),
        related_closes(store, job.instrument.series) if job.interval == "1d" else None,
        frozenset(str(stamp) for stamp in frame.index[frame["source"].isin(list(later))]),
        corrects=not arrival.failures,
    )
    faults = batch_faults(known, bars, today=today, context=context)
    # A file of the user's own may end whenever it likes.
    if not arrival.source.startswith("file "):
        days = (bar.stamp for bar in bars if not bar.provisional and bar.stamp[:10] <= str(today))
        newest = max((*days, store.newest_final(today) or ""), default="")
        late = clock_fault(newest or None, now=today)
        faults = (*faults, late) if late else faults
    odd = () if known else odd_days(known, bars, context)
    notes = (f"{len(odd)} day(s) without a settlement, such as {odd[0]}",) if odd else ()
    return _Verdict(faults, notes, waits=needs_peers(known, bars, context))


def _sessions(job: Job, bars: Sequence[Bar]) -> frozenset[str] | None:
    """Return the days on which the market of a job settled, None where it has no calendar."""
    calendar = job.instrument.series.calendar
    if calendar == FILE or job.interval != "1d" or not bars:
        return None
    return sessions_between(calendar, bars[0].stamp, bars[-1].stamp)


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
    store: Store | None,
    item: Instrument,
    interval: Interval,
    options: RefreshOptions,
    today: date,
) -> date | None:
    if options.full:
        return None
    if options.since:
        return options.since
    last = store.last_final(item.name, interval=interval, until=today) if store else None
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
