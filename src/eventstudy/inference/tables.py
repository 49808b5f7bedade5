"""Statistics over many events as one table: per asset, over all pairs, per window."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from eventstudy.inference.battery import run_battery
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.windows import Window

ALL = "all"
Tests = Literal["default", "all"] | tuple[str, ...]
COLUMNS = (
    "asset", "window", "window_start", "window_end", "statistic", "value", "df", "pvalue", "n",
    "verdict", "reason",
)  # fmt: skip


def battery_table(
    abnormal: AbnormalReturns,
    windows: Sequence[Window],
    *,
    tests: Tests = "default",
    seed: int = 1,
) -> pd.DataFrame:
    """Run the statistics over many events on every window.

    Where a study has several assets there are rows over all pairs of an event and an asset
    (``asset = "all"``), and rows for each asset that has at least two events. A study of one
    asset has rows for that asset only.

    Parameters
    ----------
    abnormal : AbnormalReturns
        Every pair studied.
    windows : sequence of Window
    tests : "default", "all" or tuple of str
    seed : int
        For the statistics that draw.

    Returns
    -------
    DataFrame
        Columns asset, window, window_start, window_end, statistic, value, df, pvalue, n,
        verdict, reason.
    """
    rows = [
        row
        for label, sample in groups(abnormal)
        for window in windows
        for row in _rows(label, sample.restrict(window), tests, seed)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(label: str, sample: AbnormalReturns, tests: Tests, seed: int) -> list[dict[str, object]]:
    window = sample.window
    place = {
        "asset": label,
        "window": str(window),
        "window_start": window.start,
        "window_end": window.end,
    }
    found = run_battery(sample, tests=tests, rng=_generator(seed, label, window))
    names = COLUMNS[len(place) :]
    return [place | {name: getattr(result, name) for name in names} for result in found]


def groups(abnormal: AbnormalReturns) -> list[tuple[str, AbnormalReturns]]:
    """Return the samples that are tested: all pairs, then each asset with two events or more."""
    assets = list(dict.fromkeys(abnormal.assets))
    labels = np.array(abnormal.assets, dtype=object)
    if len(assets) == 1:
        return [(assets[0], abnormal)]
    found = [(ALL, abnormal)]
    for asset in assets:
        rows = np.flatnonzero(labels == asset)
        if rows.size > 1:
            found.append((asset, abnormal.take(rows)))
    return found


def _generator(seed: int, label: str, window: Window) -> np.random.Generator:
    digest = hashlib.blake2b(f"{label}\x1f{window}".encode(), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest, "little")])
