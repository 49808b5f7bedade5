"""A foreground scheduler for places without systemd or cron."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from eventstudy.errors import EventStudyError, MissingDependencyError
from eventstudy.prices.health import health
from eventstudy.prices.jobs import RefreshReport
from eventstudy.prices.store import Store

# The daily run takes place 90 minutes after publication: 17:30 New York.
_DUE_AFTER: Final = timedelta(minutes=90)


class Log(Protocol):
    """Takes one event and its facts."""

    def __call__(self, event: str, **facts: object) -> None:
        """Write a line."""


def keep_fresh(
    path: Path, once: Callable[[], RefreshReport], *, clock: Callable[[], datetime], log: Log
) -> None:
    """Refresh now where a session was missed, then at 17:30 New York on weekdays, until stopped.

    Parameters
    ----------
    path : Path
        The store.
    once : callable
        Runs one refresh.
    clock : callable
        The present moment, with a time zone.
    log : Log
        Receives ``missed``, ``refreshed``, ``failed``, ``waiting`` and ``stopped``.

    Raises
    ------
    MissingDependencyError
        When APScheduler is not installed.
    """
    try:
        from apscheduler.schedulers.blocking import BlockingScheduler
        from apscheduler.triggers.cron import CronTrigger
    except ImportError as error:
        msg = "schedule run needs APScheduler: install 'oil-eventstudy[schedule]', or use a timer"
        raise MissingDependencyError(msg) from error

    def job() -> None:
        _logged(once, log)

    if _missed(path, clock()):
        log("missed")
        job()
    # Named days: its crontab form counts from Monday, where cron counts from Sunday.
    trigger = CronTrigger(day_of_week="mon-fri", hour=17, minute=30, timezone="America/New_York")
    scheduler = BlockingScheduler(timezone="America/New_York")
    # A machine that slept through 17:30 refreshes once when it wakes.
    scheduler.add_job(job, trigger, coalesce=True, misfire_grace_time=None, max_instances=1)
    try:  # whoever reads that this waits may stop it at once
        log("waiting", next=str(trigger.get_next_fire_time(None, clock())))
        scheduler.start()
    finally:
        log("stopped")


def _missed(path: Path, now: datetime) -> bool:
    if not path.exists():
        return True
    with Store(path, read_only=True) as store:
        return not health(store, now=now, tolerance=_DUE_AFTER).good


def _logged(once: Callable[[], RefreshReport], log: Log) -> None:
    """Run once; a failure is logged and the next day tries again."""
    try:
        report = once()
    except EventStudyError as error:
        log("failed", error=str(error))
        return
    failed = [item.symbol for item in report.items if not item.good]
    log(
        "refreshed",
        exit_code=report.exit_code,
        added=sum(item.added for item in report.items),
        revised=len(report.revisions),
        failed=",".join(failed) or "none",
    )
