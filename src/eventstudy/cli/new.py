"""``eventstudy new``."""

from __future__ import annotations

import re
from pathlib import Path

import click

from eventstudy.cli.output import echo, note
from eventstudy.errors import OutputError

EVENTS = """\
event_id,date,time,title,kind,place,direction,source
opec-plus-pause,2025-11-30,,OPEC+ confirms its pause,producer decision,Vienna,none,OPEC
barrels-offer,,2026-01-06T18:30:00-05:00,Barrels offered,supply offer,Washington,down,press
"""


@click.command()
@click.argument("study")
@click.option("--force", is_flag=True, help="Overwrite the study file where it exists.")
def new(study: str, *, force: bool) -> None:
    """Write STUDY (a .toml file), and an events.csv beside it, to start from."""
    from eventstudy.study.file import new_study_text

    path = Path(study)
    if path.suffix != ".toml":
        path = path.with_name(path.name + ".toml")
    events = path.parent / "events.csv"
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-_") or "study"
    _write(path, new_study_text(name), force=force)
    if events.exists():
        note(f"{events} exists and was left as it is")
    else:
        _write(events, EVENTS, force=False)
    echo(f"next: eventstudy check {path}")


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        msg = f"{path} exists: choose another name, or overwrite it with --force"
        raise OutputError(msg) from None
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror}"
        raise OutputError(msg) from None
    echo(f"wrote {path}")
