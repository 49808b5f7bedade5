"""Claims of articles, stated as directed hypotheses over a window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eventstudy.errors import WindowError
from eventstudy.events.columns import Cells, column, read_table
from eventstudy.windows import Window

_DIRECTIONS: dict[str, Literal["up", "down"]] = {"up": "up", "down": "down"}


class _ClaimCells(Cells):
    def window(self, _: str) -> Window | None:
        try:
            return Window(int(self.text("window_start")), int(self.text("window_end")))
        except WindowError as error:
            self.fault("window_end", str(error))
        except ValueError:
            self.fault("window_start", "both ends of a window are whole numbers")
        return None

    def direction(self, name: str) -> Literal["up", "down"] | None:
        return self.choice(name, _DIRECTIONS, "direction; use up or down")


@dataclass(frozen=True, slots=True)
class Claim:
    """What an article says will happen to a price.

    Parameters
    ----------
    claim_id, asset, event_id : str
        Key, the price series it speaks of, and the event from which its sessions are counted.
    window : Window
        Sessions over which the price should move.
    direction : {"up", "down"}
        Sign of the cumulative abnormal return that the claim expects.
    title, role : str
        The hypothesis in words, and the part of the article's argument it stands for; claims of
        one role are read together.
    note, article, article_sha256, span : str
        Where it was made; several spans are separated by semicolons.
    """

    claim_id: str = column(_ClaimCells.text, required=True)
    asset: str = column(_ClaimCells.text, required=True)
    event_id: str = column(_ClaimCells.text, required=True)
    window: Window = column(_ClaimCells.window, names=("window_start", "window_end"), required=True)
    direction: Literal["up", "down"] = column(_ClaimCells.direction, required=True)
    title: str = column(_ClaimCells.text, default="")
    role: str = column(_ClaimCells.text, default="")
    note: str = column(_ClaimCells.text, default="")
    article: str = column(_ClaimCells.text, default="")
    article_sha256: str = column(_ClaimCells.text, default="")
    span: str = column(_ClaimCells.text, default="")


def read_claims(path: str | Path) -> tuple[Claim, ...]:
    """Read claims from a CSV file, whose columns are the fields of `Claim`.

    Parameters
    ----------
    path : str or Path
        ``claim_id, asset, event_id, window_start, window_end, direction``, and the others where
        wanted.

    Raises
    ------
    TableError
        With every fault of the file, one line each.
    """
    return read_table(path, Claim, cells=_ClaimCells, what="claims")
