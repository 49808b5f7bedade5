"""What several commands read from their command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventstudy.study.file import LoadedStudy


def load(
    path: str | None, *, asof: str | None, events: str | None = None, store: str | None = None
) -> LoadedStudy:
    """Load the study of a command; `eventstudy.load_study` with the day checked as an option."""
    from eventstudy.study.file import load_study

    return load_study(path, asof=day_of(asof, "--asof") or None, events=events, store=store)


def day_of(text: str | None, option: str) -> str:
    """Check an ISO day given on the command line."""
    import datetime as dt

    import click

    if text is None:
        return ""
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        msg = f"{option} {text!r} is not a day such as 2026-01-31"
        raise click.UsageError(msg) from None


def folder_of(name: str, out: str | None) -> Path:
    """Folder a report goes to: ``--out``, else ``reports/<name>`` of the working folder."""
    return Path(out) if out else Path("reports") / name
