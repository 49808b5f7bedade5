"""The command line in this process: what a user sees of it, without the start of a program."""

import io
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from eventstudy.cli import main


@dataclass(frozen=True)
class Completed:
    """What a command answered, as `subprocess.run` gives it."""

    returncode: int
    stdout: str
    stderr: str


def run_here(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, stdin: str | None = None
) -> Completed:
    """Run ``eventstudy`` in a folder, with these environment variables on top."""
    out, err = _stream(), _stream()
    stop = signal.getsignal(signal.SIGTERM)  # the command line takes it
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in [name for name in os.environ if name.startswith("EVENTSTUDY_")]:
            patch.delenv(name)
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["eventstudy", *arguments])
        patch.setattr(sys, "stdin", _stream(stdin or ""))
        try:
            main()
        except SystemExit as end:
            code = end.code
        finally:
            signal.signal(signal.SIGTERM, stop)
    assert isinstance(code, int)
    return Completed(code, _text(out), _text(err))


def _stream(text: str = "") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode().replace("\r\n", "\n")
