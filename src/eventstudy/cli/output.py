"""Tables, notes and progress as text."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from eventstudy.errors import OutputError
from eventstudy.progress import Progress, silent

# Controls of a terminal, marks that turn the direction of text, and halves of letters.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def shown(text: str) -> str:
    r"""Return text with everything escaped that would act on a terminal instead of being read.

    Examples
    --------
    >>> shown("title\x1b[2J")
    'title\\x1b[2J'
    """
    return _UNSAFE.sub(lambda match: _escape(match.group()), text)


def _escape(letter: str) -> str:
    number = ord(letter)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"  # noqa: PLR2004  # one byte


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print text, the only way out of a command: titles, names and paths come from anywhere."""
    click.echo(shown(str(text)), err=err, nl=nl)


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> None:
    """Print aligned columns; those of `right` are flushed right."""
    rows = [[shown(str(cell)).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(len(str(line[i])) for line in (header, *rows)) for i in range(len(header))]
    for number, line in enumerate((header, *rows)):
        cells = [
            f"{cell!s:{'>' if i in right else '<'}{width}}"
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        echo("  ".join(cells).rstrip())
        if number == 0:
            echo("  ".join("-" * width for width in widths))


def print_rows(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    as_json: bool,
    right: Sequence[int] = (),
) -> None:
    """Print rows as a table, or as JSON objects keyed by the header."""
    if as_json:
        print_json([dict(zip(header, row, strict=True)) for row in rows])
    else:
        print_table(header, rows, right=right)


def print_json(value: Any) -> None:  # noqa: ANN401  # JSON holds any plain value
    """Print plain values as JSON."""
    text = json.dumps(value, indent=1, ensure_ascii=False, sort_keys=False)
    click.echo(_UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text))


def note(text: str) -> None:
    """Print one note to standard error."""
    echo(text, err=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Give an error of the system while `path` is written in one line."""
    try:
        yield
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror}"
        raise OutputError(msg) from None


@contextmanager
def progress_display(*, quiet: bool) -> Iterator[Progress]:
    """Show progress on standard error: a bar on a terminal, a line per step elsewhere."""
    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    text = TextColumn("{task.description:<28}")
    columns = (text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=max(total, 1))

        yield show


def _lines() -> Progress:
    """Show one line when a step starts: enough for a log."""
    seen: set[str] = set()

    def show(what: str, done: int, total: int) -> None:  # noqa: ARG001  # the protocol
        if what not in seen:
            echo(f"{what} ..." + (f" {total}" if total > 1 else ""), err=True)
        seen.add(what)

    return show
