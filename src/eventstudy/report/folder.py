"""A report folder that is replaced as a whole or not at all, and only what this package wrote.

A finished report carries a list of its files with their hashes. What is not on it, or was changed
since, is the user's: files that were added move into the new report, a changed one is never
replaced.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from eventstudy.errors import OutputError
from eventstudy.results import SCHEMA
from eventstudy.results.export import FORMATS

_SHAPES = (
    "report.pdf", "result.json", "figures/*.pdf", "figures/*.png",
    *(f"tables/*.{name}" for name in FORMATS),
)  # fmt: skip
_PARTIAL, _OLD, _LOCK = "partial", "old", ".lock"
_RESULT, _FILES = "result.json", "files"
_ASIDE = ".eventstudy-aside"
_MARK = "a report of eventstudy that is being written\n"
_TRIES = 100
_LONGEST = 200  # letters of a path that a message shows


def check_folder(out: Path) -> Path:
    """Refuse a folder in which a report may not or cannot be written; return it without links.

    Raises
    ------
    OutputError
        When `out` is a file, holds something that is not a report of this package, is the current
        folder or above it, or its parent cannot be written.
    """
    with _one_line(out):
        target = Path(os.path.realpath(out))
        if not target.parent.is_dir():
            return _checked(out, target)
        # Not while another run swaps its report in.
        with _alone(target.parent):
            return _checked(out, target)


def _checked(out: Path, target: Path) -> Path:
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
    leaves the folder behind under a hidden name; the next run for the same `out` removes it. Of two
    runs for the same `out` each replaces the folder in turn.

    Raises
    ------
    OutputError
        When `out` may not be replaced (`check_folder`) or a folder cannot be made or moved.
    """
    target = check_folder(out)
    with _one_line(out):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.parent):
            _recover(target)
            staging = _new_folder(target, _PARTIAL)
            lock = (staging / _LOCK).open("w", encoding="utf-8")
            lock.write(_MARK)
            lock.flush()
            _lock(lock)
    try:
        with _one_line(out):
            yield staging
        with _one_line(out), _alone(target.parent):
            # Given up only now, when no other run can take the folder for one that was left.
            lock.close()
            (staging / _LOCK).unlink()
            # A second look: the user may have saved something in it meanwhile.
            _checked(out, target)
            _swap(out, staging, target)
    finally:
        lock.close()
        shutil.rmtree(staging, ignore_errors=True)


def write_manifest(folder: Path) -> None:
    """List the files of a finished report with their hashes in its ``result.json``.

    The list has a hash of ``result.json`` itself too, of its text without the list.
    """
    path = folder / _RESULT
    content = json.loads(path.read_text(encoding="utf-8"))
    files = (p for p in _content(folder) if p.name != _LOCK and p != path)
    listed = {file.relative_to(folder).as_posix(): _digest(file) for file in files}
    listed[_RESULT] = hashlib.sha256(_text(content).encode()).hexdigest()
    path.write_text(_text(content | {_FILES: listed}), encoding="utf-8", newline="\n")


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _manifest(folder: Path) -> dict[str, str] | None:
    """Return the hashes of what this package wrote, None for a report without such a list.

    The hash of an unchanged ``result.json`` is that of its bytes here, so that all compare alike.
    """
    path = folder / _RESULT
    try:
        raw = path.read_bytes()
        content = json.loads(raw)
        listed = content.pop(_FILES)
        own = listed.pop(_RESULT)
        whole = _text(content | {_FILES: listed | {_RESULT: own}})
        same = hashlib.sha256(_text(content).encode()).hexdigest() == own and whole.encode() == raw
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return {**listed, _RESULT: _digest(path) if same else ""}


def _content(folder: Path) -> list[Path]:
    """Return everything in a folder that is not a folder itself; a link counts as itself."""
    return sorted(p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())


def _sorted_out(folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Return the files of a report that are ours, that were added, and that were changed."""
    listed = _manifest(folder)
    shapes = {p for shape in _SHAPES for p in folder.glob(shape)}
    ours: list[Path] = []
    added: list[Path] = []
    changed: list[Path] = []
    for path in _content(folder):
        name = path.relative_to(folder).as_posix()
        if path.parent == folder and path.name == _ASIDE:
            ours.append(path)
        elif listed is None:
            (ours if path in shapes else added).append(path)
        elif name not in listed:
            added.append(path)
        else:
            same = path.is_file() and not path.is_symlink() and _digest(path) == listed[name]
            (ours if same else changed).append(path)
    return ours, added, changed


def _check_content(out: Path, target: Path) -> None:
    if not _content(target):
        return
    if not _is_report(target / _RESULT):
        _refuse(out, "holds files that are not a report of this package; name another folder")
    _, added, changed = _sorted_out(target)
    if changed:
        name = changed[0].relative_to(target).as_posix()
        _refuse(out, f"would lose your changes to {name}; move it elsewhere first")
    foreign = [p for p in added if not p.name.startswith(".")]
    # A report of an older version lists nothing, so what looks foreign is not touched at all.
    if foreign and _manifest(target) is None:
        name = min(p.relative_to(target).as_posix() for p in foreign)
        _refuse(out, f"would lose {name}, which is not part of a report; move it elsewhere first")


def _is_report(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8"))["schema"] == SCHEMA)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _short(out: Path) -> str:
    text = str(out)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _refuse(out: Path, why: str) -> None:
    msg = f"{_short(out)}: the output folder {why}"
    raise OutputError(msg)


@contextmanager
def _one_line(out: Path) -> Iterator[None]:
    try:
        yield
    except OutputError:
        raise
    except ValueError as error:
        msg = f"{str(out)[:80]!r} cannot be the name of a folder: {error}"
        raise OutputError(msg) from error
    except OSError as error:
        reason = error.strerror or str(error)
        msg = f"{_short(out)}: the report cannot be written: {reason.lower()}; name another folder"
        raise OutputError(msg) from error


def _new_folder(target: Path, what: str) -> Path:
    """Make a hidden folder beside the target under a name that nothing has."""
    for number in range(_TRIES):
        more = f"-{number}" if number else ""
        folder = target.with_name(f".{target.name}.{what}-{os.getpid()}{more}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder
    msg = f"{folder} exists"
    raise FileExistsError(msg)


def _recover(target: Path) -> None:
    """Put back an old report that a killed run had moved aside; remove what killed runs left.

    Only folders with our mark in them are removed: a name alone proves nothing.
    """
    name = re.escape(target.name)
    beside = sorted(p for p in target.parent.iterdir() if p.is_dir() and not p.is_symlink())
    for old in (p for p in beside if re.fullmatch(rf"\.{name}\.{_OLD}-\d+(-\d+)?", p.name)):
        marked = (old / _ASIDE).exists()
        legacy = _is_report(old / _RESULT) and _manifest(old) is None
        if not target.exists() and (marked or legacy):
            old.rename(target)
            (target / _ASIDE).unlink(missing_ok=True)
        elif marked:
            _remove_ours(old, target)
    partial = re.compile(rf"\.{name}\.{_PARTIAL}-\d+(-\d+)?")
    for left in (p for p in beside if partial.fullmatch(p.name)):
        if _is_left(left / _LOCK):
            shutil.rmtree(left, ignore_errors=True)


def _swap(out: Path, staging: Path, target: Path) -> None:
    old = None
    if target.exists():
        old = _new_folder(target, _OLD)
        old.rmdir()
        (target / _ASIDE).write_text(_MARK, encoding="utf-8")
        target.rename(old)
    try:
        staging.rename(target)
    except BaseException:
        if old is not None and old.exists() and not target.exists():
            old.rename(target)
            (target / _ASIDE).unlink(missing_ok=True)
        raise
    if old is not None and not _remove_ours(old, target):
        _refuse(out, f"was replaced while you changed a file; yours is in {old.name}")


def _remove_ours(old: Path, target: Path) -> bool:
    """Remove what this package wrote, move the rest into the new report; whether all fit."""
    ours, added, changed = _sorted_out(old)
    for path in (*added, *changed):
        place = target / path.relative_to(old)
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists() and not place.is_symlink():
                path.rename(place)
    for path in ours:
        path.unlink(missing_ok=True)
    for folder in sorted((p for p in old.rglob("*") if p.is_dir()), reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()
    with contextlib.suppress(OSError):
        old.rmdir()
    return not old.exists()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the only right to move reports in a folder; the system gives it back at death."""
    try:
        import fcntl
    except ImportError:  # elsewhere two swaps may meet, and one of them fails in words
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network folders know no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _lock(file: IO[str]) -> bool:
    try:
        import fcntl
    except ImportError:  # elsewhere an open file cannot be removed, which protects it as well
        return True
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _is_left(path: Path) -> bool:
    """Whether a half-written report was left by a run that is no more."""
    try:
        with path.open("r+", encoding="utf-8") as file:
            return file.read(len(_MARK)) == _MARK and _lock(file)
    except (OSError, UnicodeDecodeError):
        return False
