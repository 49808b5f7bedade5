"""Run the certificate: blocks of work over all cores, each with its own seed, kept as they end."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np

from eventstudy.arrays import FloatArray, IntArray
from eventstudy.certify import closed, designs, singles
from eventstudy.certify.rows import Certificate, CertificateRow
from eventstudy.errors import EstimationError
from eventstudy.models.volatility import filter_series
from eventstudy.progress import Progress, silent

Form = Literal["full", "quick"]
BLOCK = 200
QUICK_DAYS, QUICK_REPETITIONS = 1600, 300
POWER_DAYS, QUICK_POWER_DAYS = 1000, 300
REPETITIONS = 2000
CURVE_REPETITIONS, QUICK_CURVE = 1000, 200
CURVE_N = 10
LEAST_SESSIONS = 2000
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Task:
    """One block of work; its unique name is part of its seed and of the file it is kept in."""

    name: str
    kind: Literal["single", "power", "events", "curve", "closed"]
    part: tuple[Any, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What every block reads: log returns, filtered returns, volatility ratios (T,); the seed."""

    returns: FloatArray
    z: FloatArray
    volatility: FloatArray
    seed: int


def certify(
    returns: FloatArray,
    *,
    series: str,
    first: str = "",
    last: str = "",
    form: Form = "full",
    seed: int = 1,
    jobs: int | None = None,
    keep: Path | None = None,
    command: str = "",
    progress: Progress = silent,
) -> Certificate:
    """Measure size and power of the tests on the sessions of a series.

    Parameters
    ----------
    returns : (T,) float
        Log returns of ordinary sessions, oldest first; missing ones are left out.
    series, first, last, command : str
        Name, first and last session, and the command that makes it, for the record.
    form : {"full", "quick"}
        "quick" takes about a minute and has bands widened by 2.6 standard errors.
    seed : int
        Each block draws from its own generator, made of the seed and its name.
    jobs : int, optional
        Processes; all cores by default.
    keep : Path, optional
        Folder where finished blocks are kept and read again: an interrupted run resumes.
    progress : callable
        ``progress(what, done, total)``.

    Raises
    ------
    EstimationError
        When the series has fewer than 2,000 returns.
    """
    usable = returns[np.isfinite(returns)]
    if len(usable) < LEAST_SESSIONS:
        msg = f"{series}: {len(usable)} returns, a certificate needs {LEAST_SESSIONS}"
        raise EstimationError(msg)
    digest = hashlib.sha256(np.ascontiguousarray(usable).tobytes()).hexdigest()
    tasks = plan(usable, form=form, seed=seed)
    store = _Store(keep, f"{digest[:16]}-{form}-{seed}")
    data = Series(usable, filter_series(usable), designs.volatility_ratio(usable), seed)
    found = _work(tasks, data, store, jobs=jobs or os.cpu_count() or 1, progress=progress)
    rows = gather(tasks, found, quick=form == "quick")
    return Certificate(tuple(rows), series, digest, first, last, len(usable), form, seed, command)


def plan(returns: FloatArray, *, form: Form, seed: int) -> tuple[Task, ...]:
    """List the blocks of work: every eligible session, or a draw of them in the quick form."""
    quick = form == "quick"
    days, rng = singles.eligible_days(returns), np.random.default_rng(seed)
    chosen = _some(days, QUICK_DAYS, rng) if quick else days
    some = _some(days, QUICK_POWER_DAYS if quick else POWER_DAYS, rng)
    tasks = [Task("closed forms", "closed", (REPETITIONS,))]
    tasks += [_days_task("single", chosen, start) for start in range(0, len(chosen), BLOCK)]
    tasks += [_days_task("power", some, start) for start in range(0, len(some), BLOCK)]
    repetitions = QUICK_REPETITIONS if quick else REPETITIONS
    tasks += [
        Task(f"events {design} {n} {sessions} {start}", "events",
             ((design, n, sessions), min(BLOCK, repetitions - start)))
        for sessions in designs.LENGTHS
        for design in designs.DESIGNS
        for n in designs.COUNTS
        for start in range(0, repetitions, BLOCK)
    ]  # fmt: skip
    repetitions = QUICK_CURVE if quick else CURVE_REPETITIONS
    tasks += [
        Task(f"curve {start}", "curve", (CURVE_N, min(BLOCK, repetitions - start)))
        for start in range(0, repetitions, BLOCK)
    ]
    return tuple(tasks)


def _some(days: IntArray, size: int, rng: np.random.Generator) -> IntArray:
    """Draw some days, in order; all of them where there are no more."""
    return np.sort(rng.choice(days, min(size, len(days)), replace=False))


def _days_task(kind: Literal["single", "power"], days: Any, start: int) -> Task:  # noqa: ANN401  # an array of days
    block = tuple(int(day) for day in days[start : start + BLOCK])
    return Task(f"{kind} {start}", kind, block)


def run_task(task: Task, data: Series) -> Any:  # noqa: ANN401  # plain values, by kind
    """Do one block of work."""
    rng = np.random.default_rng([data.seed, *task.name.encode()])
    if task.kind == "closed":
        return closed.closed_block(task.part[0], rng)
    if task.kind == "single":
        return singles.single_block(data.returns, task.part, rng)
    if task.kind == "power":
        return singles.power_block(data.returns, task.part, rng)
    if task.kind == "curve":
        return designs.curve_block(data.z, data.volatility, task.part[0], task.part[1], rng)
    cell, repetitions = task.part
    return designs.design_block(data.returns, data.z, data.volatility, cell, repetitions, rng)


def gather(tasks: tuple[Task, ...], found: dict[str, Any], *, quick: bool) -> list[CertificateRow]:
    """Turn finished blocks into rows, panel by panel."""

    def blocks(kind: str) -> list[dict[str, Any]]:
        return [row for task in tasks if task.kind == kind for row in found[task.name]]

    rows = singles.single_rows(blocks("single"), quick=quick)
    cells = dict.fromkeys(task.part[0] for task in tasks if task.kind == "events")
    for cell in cells:
        mine = [found[t.name] for t in tasks if t.kind == "events" and t.part[0] == cell]
        merged = {name: [hit for block in mine for hit in block[name]] for name in mine[0]}
        rows += designs.design_rows(cell, merged, quick=quick)
    rows += closed.closed_rows(found["closed forms"])
    rows += singles.power_rows(blocks("power"))
    return rows + designs.curve_rows(blocks("curve"), CURVE_N)


def _work(
    tasks: tuple[Task, ...], data: Series, store: _Store, *, jobs: int, progress: Progress
) -> dict[str, Any]:
    found = {task.name: kept for task in tasks if (kept := store.read(task)) is not None}
    left = [task for task in tasks if task.name not in found]
    progress("certificate", len(found), len(tasks))
    for task, value in _done(left, data, jobs):
        # through JSON in any case, so that a resumed run reads what a fresh one has
        found[task.name] = store.write(task, value)
        progress("certificate", len(found), len(tasks))
    return found


def _done(tasks: list[Task], data: Series, jobs: int) -> Iterator[tuple[Task, Any]]:
    if jobs == 1 or len(tasks) < 2:  # noqa: PLR2004  # one block needs no pool
        for task in tasks:
            yield task, run_task(task, data)
        return
    with (
        _single_threaded(),
        ProcessPoolExecutor(
            min(jobs, len(tasks)), get_context("spawn"), initializer=_set_series, initargs=(data,)
        ) as pool,
    ):
        futures: dict[Future[Any], Task] = {pool.submit(_in_worker, t): t for t in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_SERIES: dict[str, Series] = {}


def _set_series(data: Series) -> None:
    """Keep the series in a worker, so that blocks need not carry it."""
    _SERIES["data"] = data


def _in_worker(task: Task) -> Any:  # noqa: ANN401  # plain values, by kind
    return run_task(task, _SERIES["data"])


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Give workers one thread each: small products otherwise wait for one another."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class _Store:
    """Finished blocks as files of a folder; nowhere where there is none."""

    def __init__(self, folder: Path | None, key: str) -> None:
        self._folder = folder / key if folder else None
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)

    def read(self, task: Task) -> Any:  # noqa: ANN401  # plain values, by kind
        path = self._path(task)
        if path is None or not path.exists():
            return None
        try:
            return json.loads(path.read_text("utf-8"))
        except ValueError:
            return None

    def write(self, task: Task, value: Any) -> Any:  # noqa: ANN401  # plain values, by kind
        text = json.dumps(value, default=_plain)
        path = self._path(task)
        if path is not None:
            part = path.with_suffix(".part")
            part.write_text(text, "utf-8")
            part.replace(path)
        return json.loads(text)

    def _path(self, task: Task) -> Path | None:
        if self._folder is None:
            return None
        part = hashlib.sha256(repr(task.part).encode()).hexdigest()[:12]
        return self._folder / f"{task.name.replace(' ', '-')}-{part}.json"


def _plain(value: Any) -> Any:  # noqa: ANN401  # numpy scalars of any kind
    return value.item()
