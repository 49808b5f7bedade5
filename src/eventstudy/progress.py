"""How far a long computation is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Shows how far a run is: ``progress(what, done, total)``."""

    def __call__(self, what: str, done: int, total: int, /) -> None:
        """Show one step."""


def silent(what: str, done: int, total: int, /) -> None:
    """Show nothing."""
