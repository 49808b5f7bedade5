"""Timers for the daily refresh: systemd units, a crontab line, a CI workflow.

The refresh is idempotent and catches up by itself, so a timer has only to call it once after the
settlement is published: 17:30 New York on weekdays.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from eventstudy.errors import OutputError

Kind = Literal["systemd", "cron", "github-actions"]
NAME: Final = "eventstudy-refresh"
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
        When a file cannot be written.
    """
    base = folder or (_unit_folder() if kind == "systemd" else Path())
    written = []
    for name, text in timer_files(kind, command).items():
        path = base / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            msg = f"{path} cannot be written: {error.strerror or error}"
            raise OutputError(msg) from error
        written.append(path)
    return written


def merged_crontab(present: str, block: str) -> str:
    """Return a crontab with the block in it once, in the place of an older one."""
    if _BEGIN in present and _END in present:
        before, _, rest = present.partition(_BEGIN)
        _, _, after = rest.partition(_END)
        return before + block.rstrip("\n") + after
    gap = "" if not present or present.endswith("\n") else "\n"
    return present + gap + block


def install_crontab(command: Sequence[str]) -> None:
    """Put the block into the user's crontab.

    Raises
    ------
    OutputError
        When there is no cron, or it refuses.
    """
    block = timer_files("cron", command)["crontab"]
    try:
        present = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=False)  # noqa: S607  # the user's own
        text = merged_crontab(present.stdout if present.returncode == 0 else "", block)
        subprocess.run(["crontab", "-"], input=text, text=True, check=True)  # noqa: S607  # the user's own
    except FileNotFoundError:
        msg = "there is no crontab command here: use --systemd, or 'eventstudy schedule run'"
        raise OutputError(msg) from None
    except subprocess.CalledProcessError as error:
        msg = f"crontab refused the new table (exit code {error.returncode})"
        raise OutputError(msg) from error


def _unit_folder() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "systemd" / "user"


def _systemd_word(word: str) -> str:
    plain = word.replace("%", "%%").replace("$", "$$")
    if plain and not any(letter in plain for letter in " \t\"'\\;"):
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
