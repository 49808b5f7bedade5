"""Claims of articles, stated as directed hypotheses over a window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from eventstudy.errors import WindowError
from eventstudy.events.rows import Faults, read_csv_rows
from eventstudy.windows import Window

_REQUIRED = ("claim_id", "asset", "event_id", "window_start", "window_end", "direction")


@dataclass(frozen=True, slots=True)
class Claim:
    """What an article says will happen to a price.

    Parameters
    ----------
    claim_id, title : str
        Key and the hypothesis in words.
    asset : str
        The price series it speaks of.
    event_id : str
        The event from which its sessions are counted.
    window : Window
        Sessions over which the price should move.
    direction : {"up", "down"}
        Sign of the cumulative abnormal return that the claim expects.
    role : str
        The part of the article's argument it stands for; claims of one role are read together.
    note, article, article_sha256, span : str
        Where it was made; several spans are separated by semicolons.
    """

    claim_id: str
    title: str
    asset: str
    event_id: str
    window: Window
    direction: Literal["up", "down"]
    role: str
    note: str
    article: str
    article_sha256: str
    span: str


def read_claims(path: str | Path) -> tuple[Claim, ...]:
    """Read claims from a CSV file.

    Parameters
    ----------
    path : str or Path
        Columns ``claim_id, asset, event_id, window_start, window_end, direction`` and where
        wanted ``title, role, note, article, article_sha256, span``.

    Raises
    ------
    TableError
        With every fault of the file, one line each.
    """
    columns, rows = read_csv_rows(path, what="claims")
    faults = Faults(str(path))
    for name in _REQUIRED:
        if name not in columns:
            faults.add(f"column {name!r} is missing; add it", row=1)
    faults.raise_any()
    claims = tuple(_claim(line, cells, faults) for line, cells in rows)
    faults.raise_any()
    return tuple(claim for claim in claims if claim is not None)


def _claim(line: int, cells: dict[str, str], faults: Faults) -> Claim | None:
    window = _window(line, cells, faults)
    if cells["direction"] not in {"up", "down"}:
        faults.add(f"{cells['direction']!r}: use up or down", row=line, column="direction")
        return None
    if window is None:
        return None
    optional = ("title", "role", "note", "article", "article_sha256", "span")
    return Claim(
        claim_id=cells["claim_id"],
        asset=cells["asset"],
        event_id=cells["event_id"],
        window=window,
        direction=cast("Literal['up', 'down']", cells["direction"]),
        **{name: cells.get(name, "") for name in optional},
    )


def _window(line: int, cells: dict[str, str], faults: Faults) -> Window | None:
    try:
        return Window(int(cells["window_start"]), int(cells["window_end"]))
    except WindowError as error:
        faults.add(str(error), row=line, column="window_end")
    except ValueError:
        faults.add("both ends of a window are whole numbers", row=line, column="window_start")
    return None
