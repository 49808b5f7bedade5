"""A report folder that is replaced as a whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from eventstudy.errors import OutputError
from eventstudy.results import SCHEMA
from eventstudy.results.export import FORMATS

_SHAPES = (
    "report.pdf", "result.json", "figures/*.pdf", "figures/*.png",
    *(f"tables/*.{name}" for name in FORMATS),
)  # fmt: skip
_PARTIAL, _OLD, _LOCK = "partial", "old", ".lock"


def check_folder(out: Path) -> Path:
    """Refuse a folder in which a report may not or cannot be written; return it without links.

    Raises
    ------
    OutputError
        When `out` is a file, holds something that is not a report of this package, is the current
        folder or above it, or its parent cannot be written.
    """
    target = Path(os.path.realpath(out))
    if target.exists() and not target.is_dir():
        _refuse(out, "is a file; name a folder")
    if target in (Path.cwd(), *Path.cwd().parents):
        _refuse(out, "is or holds the current folder; name a folder inside it")
    if target.is_dir():
        _check_content(out, target)
    parent = next(p for p in target.parents if p.exists())
    if not parent.is_dir():
        _refuse(out, f"cannot be made because {parent.name} is a file")
    if not os.access(parent, os.W_OK | os.X_OK):
        _refuse(out, f"cannot be written: no permission in {parent}")
    return target


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Give an empty folder beside `out` that takes its place when the block ends well.

    When the block raises, the folder is removed and `out` stays as it was. A process that is killed
    leaves the folder behind under a hidden name; the next run for the same `out` removes it.

    Raises
    ------
    OutputError
        When `out` may not be replaced (`check_folder`) or a folder cannot be made or moved.
    """
    target = check_folder(out)
    with _one_line(out):
        target.parent.mkdir(parents=True, exist_ok=True)
        _recover(target)
        staging = _hidden(target, _PARTIAL)
        staging.mkdir()
    try:
        with _locked(staging / _LOCK):
            with _one_line(out):
                yield staging
            (staging / _LOCK).unlink()
        with _one_line(out):
            _swap(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check_content(out: Path, target: Path) -> None:
    found = [p for p in target.rglob("*") if not p.is_dir()]
    if not found:
        return
    if not _is_report(target / "result.json"):
        _refuse(out, "holds files that are not a report of this package; name another folder")
    known = {p for shape in _SHAPES for p in target.glob(shape)}
    foreign = [p for p in found if p not in known and not p.name.startswith(".")]
    if foreign:
        name = min(p.relative_to(target).as_posix() for p in foreign)
        _refuse(out, f"would lose {name}, which is not part of a report; move it elsewhere first")


def _is_report(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8"))["schema"] == SCHEMA)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _refuse(out: Path, why: str) -> None:
    msg = f"{out}: the output folder {why}"
    raise OutputError(msg)


@contextmanager
def _one_line(out: Path) -> Iterator[None]:
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        msg = f"{out}: the report cannot be written: {reason.lower()}; name another folder"
        raise OutputError(msg) from error


def _hidden(target: Path, what: str) -> Path:
    return target.with_name(f".{target.name}.{what}-{os.getpid()}")


def _recover(target: Path) -> None:
    """Put back an old report that a killed run had moved aside; remove what killed runs left."""
    for old in sorted(target.parent.glob(f".{target.name}.{_OLD}-*")):
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(target)
    for partial in sorted(target.parent.glob(f".{target.name}.{_PARTIAL}-*")):
        if not _in_use(partial / _LOCK):
            shutil.rmtree(partial, ignore_errors=True)


def _swap(staging: Path, target: Path) -> None:
    old = _hidden(target, _OLD)
    if target.exists():
        target.rename(old)
    try:
        staging.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        _lock(file)
        yield


def _lock(file: IO[str]) -> bool:
    try:
        import fcntl
    except ImportError:  # elsewhere an open file cannot be removed, which protects it as well
        return True
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _in_use(path: Path) -> bool:
    if not path.exists():
        return False
    with path.open("r+") as file:
        return not _lock(file)
