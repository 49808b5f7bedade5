"""The joint regression of every asset of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from eventstudy.alignment import Pair
from eventstudy.arrays import DayArray, IntArray
from eventstudy.errors import EstimationError
from eventstudy.notes import Note
from eventstudy.regression.dummies import FRAME_COLUMNS, DummyRegression, event_dummies
from eventstudy.study.design import Study
from eventstudy.study.effects import AssetData
from eventstudy.windows import Window


def joint_regressions(
    study: Study, data: Mapping[str, AssetData], pairs: Sequence[Pair], sessions: DayArray
) -> tuple[pd.DataFrame, list[Note]]:
    """Regress every asset on dummies for all of its events, over every CAR window.

    Parameters
    ----------
    study : Study
    data : mapping of str to AssetData
        Assets with at least one event studied.
    pairs : sequence of Pair
    sessions : (S,) datetime64[D]

    Returns
    -------
    table : DataFrame
        A row per asset, window and group of events that cannot be told apart.
    notes : list of Note
        Each note once per asset, with the windows that it holds for.
    """
    frames: list[pd.DataFrame] = []
    notes: list[Note] = []
    labels = [str(day) for day in sessions]
    for asset, one in data.items():
        mine = [p for p in pairs if p.asset == asset and p.studied]
        said: dict[str, list[str]] = {}
        for window in study.car_windows:
            try:
                fit = _regression(one, mine, window)
            except EstimationError as error:
                said.setdefault(f"no joint regression: {error}", []).append(str(window))
                continue
            frames.append(fit.to_frame(labels))
            for note in fit.notes:
                said.setdefault(note, []).append(str(window))
        notes += [
            Note("note", f"regression {asset} {', '.join(windows)}", note)
            for note, windows in said.items()
        ]
    empty = pd.DataFrame(columns=list(FRAME_COLUMNS))
    return (pd.concat(frames, ignore_index=True) if frames else empty), notes


def _regression(one: AssetData, pairs: Sequence[Pair], window: Window) -> DummyRegression:
    position: IntArray = np.array([p.placement.session for p in pairs], dtype=np.int64)
    return event_dummies(
        np.where(one.rolls, np.nan, one.adjusted),
        position,
        [p.event_id for p in pairs],
        window=window,
        controls=one.design[:, 1:] if one.design.shape[1] > 1 else None,
        asset=one.asset,
    )
