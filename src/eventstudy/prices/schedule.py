"""The daily refresh: timers, a foreground scheduler, and whether the store is up to date.

The refresh is idempotent and catches up by itself, so a timer has only to call it once after the
settlement is published: 17:30 New York on weekdays.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, Protocol

from eventstudy.calendars import settlement_calendar
from eventstudy.errors import EventStudyError, MissingDependencyError, OutputError
from eventstudy.prices.instruments import GRACE
from eventstudy.prices.records import timestamp
from eventstudy.prices.refresh import RefreshReport
from eventstudy.prices.runs import last_good_item, last_good_run
from eventstudy.prices.store import Store
from eventstudy.products import main_calendar

Kind = Literal["systemd", "cron", "github-actions"]
NAME: Final = "eventstudy-refresh"
TOLERANCE: Final = timedelta(hours=6)
# The scheduled run takes place 90 minutes after publication: 17:30 New York.
_DUE_AFTER: Final = timedelta(minutes=90)
_BEGIN: Final = f"# >>> {NAME} >>>"
_END: Final = f"# <<< {NAME} <<<"

_SERVICE: Final = """\
[Unit]
Description=Bring the oil price store up to date
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart={command}
# 3: a source failed and the next run catches up; 4: quality stopped a batch and wants a look.
SuccessExitStatus=3
TimeoutStartSec=30min
Nice=10
"""

_TIMER: Final = """\
[Unit]
Description=Refresh oil prices after the settlement

[Timer]
OnCalendar=Mon..Fri 17:30 America/New_York
Persistent=true
RandomizedDelaySec=5min

[Install]
WantedBy=timers.target
"""

# Not every cron knows CRON_TZ, so the line asks New York itself, twice an hour.
_CRON: Final = """\
{begin}
0,30 * * * * case "$(TZ=America/New_York date +\\%u\\%H\\%M)" in [1-5]1730) {command};; esac
{end}
"""

_WORKFLOW: Final = """\
name: refresh prices

on:
  schedule:
    # Schedules are in UTC: 17:30 New York in winter, 18:30 in summer; never before publication.
    - cron: "30 22 * * 1-5"
  workflow_dispatch:

concurrency:
  group: refresh-prices
  cancel-in-progress: false

permissions:
  contents: read

jobs:
  refresh:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: python -m pip install .
      - uses: actions/cache/restore@v4
        with:
          path: data
          key: prices-${{ github.run_id }}
          restore-keys: prices-
      - run: |
          mkdir -p data
          python -m eventstudy refresh --quiet
      - if: always()
        uses: actions/cache/save@v4
        with:
          path: data
          key: prices-${{ github.run_id }}
      - if: always()
        uses: actions/upload-artifact@v4
        with:
          name: prices
          path: data/prices.sqlite
          retention-days: 90
"""


def timer_files(kind: Kind, command: Sequence[str]) -> dict[str, str]:
    """Return the texts of a timer by file name.

    Parameters
    ----------
    kind : {"systemd", "cron", "github-actions"}
        Which timer.
    command : sequence of str
        The refresh command, with absolute paths; the workflow brings its own.

    Returns
    -------
    dict of str to str
        Names relative to the folder that belongs to the kind.
    """
    if kind == "systemd":
        words = " ".join(_systemd_word(word) for word in command)
        return {f"{NAME}.service": _SERVICE.format(command=words), f"{NAME}.timer": _TIMER}
    if kind == "cron":
        # A percent sign ends the command of a crontab line.
        line = shlex.join(command).replace("%", r"\%")
        return {"crontab": _CRON.format(begin=_BEGIN, command=line, end=_END)}
    return {".github/workflows/refresh.yml": _WORKFLOW}


def install_files(kind: Kind, command: Sequence[str], *, folder: Path | None = None) -> list[Path]:
    """Write the files of a timer, and return where they are.

    Parameters
    ----------
    kind : {"systemd", "github-actions"}
        Which timer.
    command : sequence of str
        The refresh command.
    folder : Path, optional
        Otherwise the user's unit folder, or the working folder for the workflow.

    Raises
    ------
    OutputError
        When a file cannot be written, or another one is in its place.
    """
    base = folder or (_unit_folder() if kind == "systemd" else Path())
    files = {base / name: text for name, text in timer_files(kind, command).items()}
    for path, text in files.items():
        _refuse_other(path, text)
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            _refuse_other(path, text)
        except OSError as error:
            msg = f"{path} cannot be written: {error.strerror or error}"
            raise OutputError(msg) from error
    return list(files)


def _refuse_other(path: Path, text: str) -> None:
    """Refuse to take the place of a file that says something else."""
    try:
        same = path.read_bytes() == text.encode()
    except FileNotFoundError:
        return
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise OutputError(msg) from error
    if not same:
        msg = f"{path} exists and says something else: move it away, then install again"
        raise OutputError(msg)


def merged_crontab(present: str, block: str) -> str:
    """Return a crontab with the block in it once, in the place of an older one."""
    begins, ends = present.count(_BEGIN), present.count(_END)
    if (begins, ends) == (1, 1) and present.index(_BEGIN) < present.index(_END):
        before, _, rest = present.partition(_BEGIN)
        _, _, after = rest.partition(_END)
        return before + block.rstrip("\n") + after
    if begins or ends:
        msg = f"the crontab has only part of the block {_BEGIN!r}: mend it with 'crontab -e'"
        raise OutputError(msg)
    gap = "" if not present or present.endswith("\n") else "\n"
    return present + gap + block


def install_crontab(command: Sequence[str]) -> None:
    """Put the block into the user's crontab.

    Raises
    ------
    OutputError
        When there is no cron, it does not give the present table, or it refuses the new one.
    """
    block = timer_files("cron", command)["crontab"]
    try:
        text = merged_crontab(_present_crontab(), block)
        subprocess.run(  # the user's own
            ["crontab", "-"],  # noqa: S607  # the user's own
            input=text.encode("utf-8", "surrogateescape"),
            check=True,
        )
    except FileNotFoundError:
        msg = "there is no crontab command here: use --systemd, or 'eventstudy schedule run'"
        raise OutputError(msg) from None
    except (OSError, subprocess.CalledProcessError) as error:
        if isinstance(error, OutputError):
            raise
        code = getattr(error, "returncode", None)
        msg = f"crontab refused the new table ({error if code is None else f'exit code {code}'})"
        raise OutputError(msg) from error


def _present_crontab() -> str:
    """Return the user's crontab, empty only where crontab says that there is none."""
    found = subprocess.run(
        ["crontab", "-l"],  # noqa: S607  # the user's own
        capture_output=True,
        check=False,
        env={**os.environ, "LC_ALL": "C", "LANGUAGE": "C"},
    )
    said = " ".join(found.stderr.decode("utf-8", "replace").split())
    if found.returncode == 0:
        return found.stdout.decode("utf-8", "surrogateescape")
    if not found.stdout and "no crontab" in said.lower():
        return ""
    msg = (
        f"crontab -l failed (exit code {found.returncode}: {said[:200]}): the present table cannot "
        "be read, so it is not replaced"
    )
    raise OutputError(msg)


def _unit_folder() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "systemd" / "user"


def _systemd_word(word: str) -> str:
    plain = word.replace("%", "%%").replace("$", "$$")
    if plain and not any(letter in plain for letter in " \t\"'\\;"):
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, slots=True)
class Health:
    """The state of a store.

    Parameters
    ----------
    good : bool
        Whether a good refresh followed the newest settlement that is due.
    last : str or None
        UTC instant of the last good refresh; None when there was none.
    due : str
        The newest session whose values should be there.
    reason : str
        One line for people.
    """

    good: bool
    last: str | None
    due: str
    reason: str


def health(
    store: Store, *, now: datetime, symbol: str = "", tolerance: timedelta = TOLERANCE
) -> Health:
    """Compare the last good refresh with the settlement calendar.

    Parameters
    ----------
    store : Store
        Open store.
    now : datetime
        With a time zone.
    symbol : str
        Only this series; where empty, runs in which nothing failed.
    tolerance : timedelta
        How long after a settlement is published a refresh may take place.

    Returns
    -------
    Health
        Good over weekends and holidays as long as the last session was fetched after it settled.
    """
    today = now.astimezone(UTC).date()
    calendar = settlement_calendar(
        main_calendar(), today - timedelta(days=15), today + timedelta(days=1)
    )
    assert calendar.settlements is not None  # noqa: S101  # a market calendar has them
    published = [
        moment.astype(datetime).replace(tzinfo=UTC) + GRACE for moment in calendar.settlements
    ]
    index = max(i for i, moment in enumerate(published) if moment + tolerance <= now)
    due, needed = str(calendar.sessions[index]), timestamp(published[index])
    last = last_good_item(store, symbol) if symbol else last_good_run(store)
    what = symbol or "everything"
    if last is None:
        return Health(False, None, due, f"{what} was never refreshed without a failure")
    if last < needed:
        reason = f"{what} was last refreshed at {last}, before session {due} was published"
        return Health(False, last, due, reason)
    return Health(True, last, due, f"{what} was refreshed at {last}, after session {due}")


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

    if _missed(path, clock(), log):
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


def _missed(path: Path, now: datetime, log: Log) -> bool:
    if not path.exists():
        return True
    try:
        with Store(path, read_only=True) as store:
            return not health(store, now=now, tolerance=_DUE_AFTER).good
    except Exception as error:  # noqa: BLE001  # the refresh itself will say what is wrong
        log("failed", error=_reason(error))
        return True


def _reason(error: Exception) -> str:
    known = isinstance(error, EventStudyError)
    return str(error) if known else f"{type(error).__name__}: {error}"


def _logged(once: Callable[[], RefreshReport], log: Log) -> None:
    """Run once; a failure of any kind is logged and the next day tries again."""
    try:
        report = once()
    except Exception as error:  # noqa: BLE001  # the scheduler outlives every failure
        log("failed", error=_reason(error))
        return
    failed = [item.symbol for item in report.items if not item.good]
    log(
        "refreshed",
        exit_code=report.exit_code,
        added=sum(item.added for item in report.items),
        revised=len(report.revisions),
        failed=",".join(failed) or "none",
    )
