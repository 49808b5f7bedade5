"""The joint regression of every asset of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from eventstudy.alignment import Pair
from eventstudy.arrays import DayArray, IntArray
from eventstudy.errors import EstimationError
from eventstudy.regression.dummies import FRAME_COLUMNS, event_dummies
from eventstudy.remarks import Remark
from eventstudy.study.design import Study
from eventstudy.study.effects import AssetData


def joint_regressions(
    study: Study, data: Mapping[str, AssetData], pairs: Sequence[Pair], sessions: DayArray
) -> tuple[pd.DataFrame, list[Remark]]:
    """Regress every asset on dummies for all of its events, over the headline window.

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
        A row per group of events that cannot be told apart.
    remarks : list of Remark
    """
    frames, remarks = [], []
    labels = [str(day) for day in sessions]
    for asset, one in data.items():
        mine = [p for p in pairs if p.asset == asset and p.studied]
        position: IntArray = np.array([p.placement.session for p in mine], dtype=np.int64)
        controls = one.design[:, 1:] if one.design.shape[1] > 1 else None
        try:
            fit = event_dummies(
                np.where(one.rolls, np.nan, one.adjusted),
                position,
                [p.event_id for p in mine],
                window=study.car_windows[0],
                controls=controls,
                asset=asset,
            )
        except EstimationError as error:
            remarks.append(Remark("dropped", asset, f"no joint regression: {error}"))
            continue
        frames.append(fit.to_frame(labels))
        remarks += [Remark("note", f"regression {asset}", note) for note in fit.notes]
    empty = pd.DataFrame(columns=list(FRAME_COLUMNS))
    return (pd.concat(frames, ignore_index=True) if frames else empty), remarks
