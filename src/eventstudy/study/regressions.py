"""The joint regression of every asset of a study."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eventstudy.alignment import Alignment
from eventstudy.arrays import DayArray, IntArray
from eventstudy.errors import EstimationError
from eventstudy.notes import Note
from eventstudy.regression.dummies import DummyRegression, event_dummies
from eventstudy.results.tables import Regression
from eventstudy.study.design import Study
from eventstudy.study.effects import AssetData
from eventstudy.windows import Window

MOST_EVENTS = 100  # effects of more events on one asset are more than a reader can read


def joint_regressions(
    study: Study, data: Mapping[str, AssetData], pairs: Alignment, sessions: DayArray
) -> tuple[Regression, list[Note]]:
    """Regress every asset on dummies for all of its events, over every CAR window.

    With ``joint="auto"`` an asset with more than 100 events is left out, with a note.

    The table has a row per asset, window and group of events that cannot be told apart; a note
    stands once per asset, with the windows that it holds for.
    """
    parts: list[Regression] = []
    notes: list[Note] = []
    if study.joint is False:
        return Regression.joined(parts), notes
    for asset, one in data.items():
        mine = pairs.rows_of(asset)
        mine = mine[pairs.studied[mine]]
        if study.joint == "auto" and len(mine) > MOST_EVENTS:
            text = (
                f"no joint regression of {len(mine)} events, more than {MOST_EVENTS}: "
                "[inference] joint = true asks for it"
            )
            notes.append(Note("note", f"regression {asset}", text))
            continue
        position, ids = pairs.session[mine], pairs.event_ids(mine)
        said: dict[str, list[str]] = {}
        for window in study.car_windows:
            try:
                fit = _regression(one, position, ids, window)
            except EstimationError as error:
                said.setdefault(f"no joint regression: {error}", []).append(str(window))
                continue
            parts.append(regression_table(fit, sessions))
            for note in fit.notes:
                said.setdefault(note, []).append(str(window))
        notes += [
            Note("note", f"regression {asset} {', '.join(windows)}", note)
            for note, windows in said.items()
        ]
    return Regression.joined(parts), notes


def regression_table(fit: DummyRegression, sessions: DayArray) -> Regression:
    """Lay a joint regression out, a row per group of events that cannot be told apart."""
    groups = fit.groups
    names = ("coef", "se_ols", "se_hac", "t_hac", "p_hac", "p_shift")
    return Regression(
        asset=[fit.asset] * len(groups),
        group=[" + ".join(one.event_ids) for one in groups],
        event_ids=[";".join(one.event_ids) for one in groups],
        window=[one.window for one in groups],
        sessions=[";".join(str(sessions[at]) for at in one.sessions) for one in groups],
        bandwidth=[fit.bandwidth] * len(groups),
        n=[fit.n] * len(groups),
        note=[one.note for one in groups],
        **{name: getattr(fit, name) for name in names},
    )


def _regression(
    one: AssetData, position: IntArray, event_ids: tuple[str, ...], window: Window
) -> DummyRegression:
    return event_dummies(
        np.where(one.rolls, np.nan, one.adjusted),
        position,
        event_ids,
        window=window,
        controls=one.design[:, 1:] if one.design.shape[1] > 1 else None,
        asset=one.asset,
    )
