"""All events of a study on one oil price: overlap-exact tests, and families of events.

The returns are filtered once per asset, over every session of the study: the model is fitted on
the whole sample and a volatility filter divides what it leaves. The windows keep their exact
overlap (`eventstudy.inference.dated`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from eventstudy.alignment import Pair
from eventstudy.arrays import FloatArray, IntArray
from eventstudy.errors import EstimationError
from eventstudy.inference.dated import DatedReturns, dated_returns
from eventstudy.inference.direction import expected_signs
from eventstudy.inference.many import run_dated
from eventstudy.inference.multiplicity import (
    benjamini_hochberg,
    holm,
    leave_one_out,
    step_down,
)
from eventstudy.inference.tables import ALL
from eventstudy.inference.tables import COLUMNS as TEST_COLUMNS
from eventstudy.leastsquares import least_squares
from eventstudy.remarks import Remark
from eventstudy.study.design import Study
from eventstudy.study.effects import AssetData
from eventstudy.volatility import fit_filter
from eventstudy.windows import Window

FAMILY_COLUMNS = (
    "family", "asset", "window", "event_ids", "score", "pvalue", "p_holm", "p_bh", "p_step_down",
    "overlap_z_without", "p_overlap_without", "p_shift_without",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DatedFindings:
    """Tests over all dates, and every event within its family.

    Parameters
    ----------
    tests : list of mappings
        Rows of the table of tests.
    families : DataFrame
        A row per family and member (`FAMILY_COLUMNS`).
    remarks : list of Remark
    """

    tests: list[dict[str, Any]]
    families: pd.DataFrame
    remarks: list[Remark]


def study_dates(
    study: Study,
    data: Mapping[str, AssetData],
    pairs: Sequence[Pair],
    effects: pd.DataFrame,
) -> DatedFindings:
    """Test all events of each asset together, and all pairs of the study jointly.

    Parameters
    ----------
    study : Study
    data : mapping of str to AssetData
        Assets with at least one event studied.
    pairs : sequence of Pair
    effects : DataFrame
        Effects by event, asset and window, for the p-values of the single events.

    Returns
    -------
    DatedFindings
    """
    remarks: list[Remark] = []
    z = _filtered(study, data, remarks)
    kept = [p for p in pairs if p.studied and p.asset in z]
    tests: list[dict[str, Any]] = []
    families: list[pd.DataFrame] = []
    for label, members in _families(kept, study):
        for number, window in enumerate(study.car_windows):
            dated, left = _windows(members, z, window)
            if left:
                text = f"windows {window} of {', '.join(left)} reach past the prices: left out"
                remarks.append(Remark("dropped", f"dates {label}", text))
            if dated is None:
                continue
            rng = np.random.default_rng([study.seed, *_words(f"{label}|{window}")])
            tests += [_row(label, window, t) for t in run_dated(dated, tests=study.tests, rng=rng)]
            if number == 0:
                family = _family(label, window, members, z, effects)
                families += [] if family is None else [family]
    table = pd.concat(families, ignore_index=True) if families else _no_family()
    return DatedFindings(tests, table, remarks)


def _filtered(
    study: Study, data: Mapping[str, AssetData], remarks: list[Remark]
) -> dict[str, FloatArray]:
    found = {}
    for asset, one in data.items():
        path = np.where(one.rolls, np.nan, one.adjusted)
        residuals = least_squares(path[None, :], one.design[None, :, :]).residuals[0]
        usable = np.flatnonzero(np.isfinite(residuals))
        try:
            volatility = fit_filter(residuals[usable], kind=study.volatility)
            filtered = volatility.run(residuals[usable]).z
        except EstimationError as error:
            remarks.append(Remark("dropped", asset, f"no tests over all dates: {error}"))
            continue
        if volatility.reason and study.volatility != "ewma":
            text = f"tests over all dates stand on an EWMA filter: {volatility.reason}"
            remarks.append(Remark("fallback", asset, text))
        z = np.full(len(path), np.nan)
        z[usable] = filtered
        found[asset] = z
    return found


def _families(pairs: Sequence[Pair], study: Study) -> list[tuple[str, list[Pair]]]:
    present = [a for a in study.assets if any(p.asset == a for p in pairs)]
    found = [(ALL, list(pairs))] if len(present) > 1 else []
    for asset in present:
        mine = [p for p in pairs if p.asset == asset]
        if len(mine) > 1 or len(present) == 1:
            found.append((asset, mine))
    return found


def _windows(
    members: Sequence[Pair], z: Mapping[str, FloatArray], window: Window
) -> tuple[DatedReturns | None, list[str]]:
    assets = list(dict.fromkeys(p.asset for p in members))
    matrix = np.column_stack([z[asset] for asset in assets])
    first = np.array([_session(p) + window.start for p in members], dtype=np.int64)
    inside = (first >= 0) & (first + len(window) <= len(matrix))
    rows = np.flatnonzero(inside)
    left = [members[int(i)].event_id for i in np.flatnonzero(~inside)]
    if not rows.size:
        return None, left
    signs = expected_signs(tuple(p.placement.event.direction or "" for p in members))
    dated = dated_returns(
        matrix,
        first[rows],
        sessions=len(window),
        column=_columns(members, assets)[rows],
        event_ids=tuple(members[int(i)].event_id for i in rows),
        sign=signs[rows],
    )
    return dated, left


def _session(pair: Pair) -> int:
    session = pair.placement.session
    if session is None:
        msg = f"event {pair.event_id!r} has no session"
        raise EstimationError(msg)
    return session


def _columns(members: Sequence[Pair], assets: list[str]) -> IntArray:
    return np.array([assets.index(p.asset) for p in members], dtype=np.int64)


def _family(
    label: str,
    window: Window,
    members: Sequence[Pair],
    z: Mapping[str, FloatArray],
    effects: pd.DataFrame,
) -> pd.DataFrame | None:
    """Adjust the events of a family together; events on one session are one member."""
    merged = _merged(members)
    dated, _ = _windows([group[0] for group in merged], z, window)
    if dated is None or len(set(dated.event_ids)) < 2:  # noqa: PLR2004  # a family has two members
        return None
    plain = replace(dated, sign=np.ones(len(dated)))
    names = {group[0].event_id: "; ".join(p.event_id for p in group) for group in merged}
    assets = _assets_of(plain, [group[0] for group in merged])
    pvalues = _single_pvalues(plain.event_ids, assets, window, effects)
    influence = leave_one_out(plain)
    where = {event: i for i, event in enumerate(influence.event_ids)}
    rows = [where[event] for event in plain.event_ids]
    return pd.DataFrame(
        {
            "family": label,
            "asset": assets,
            "window": str(window),
            "event_ids": [names[event] for event in plain.event_ids],
            "score": plain.scores() / np.sqrt(len(window)),
            "pvalue": pvalues,
            "p_holm": _adjusted(holm, pvalues),
            "p_bh": _adjusted(benjamini_hochberg, pvalues),
            "p_step_down": step_down(plain),
            "overlap_z_without": influence.overlap_z[rows],
            "p_overlap_without": influence.p_overlap[rows],
            "p_shift_without": influence.p_shift[rows],
        },
        columns=list(FAMILY_COLUMNS),
    )


def _merged(members: Sequence[Pair]) -> list[list[Pair]]:
    groups: dict[tuple[str, int], list[Pair]] = {}
    for pair in members:
        groups.setdefault((pair.asset, _session(pair)), []).append(pair)
    return list(groups.values())


def _assets_of(dated: DatedReturns, members: Sequence[Pair]) -> list[str]:
    assets = list(dict.fromkeys(p.asset for p in members))
    return [assets[int(column)] for column in dated.column]


def _single_pvalues(
    events: Sequence[str], assets: Sequence[str], window: Window, effects: pd.DataFrame
) -> FloatArray:
    mine = effects[effects["window"] == str(window)]
    known = {
        (row["event_id"], row["asset"]): row[f"p_{row['ci_method']}"]
        for row in mine.to_dict(orient="records")
        if row["ci_method"]
    }
    keys = zip(events, assets, strict=True)
    return np.array([known.get(key, np.nan) for key in keys], dtype=float)


def _adjusted(method: Any, pvalues: FloatArray) -> FloatArray:  # noqa: ANN401  # a function of p-values
    """Adjust the p-values there are; an event without one is no member of the family."""
    found = np.full(len(pvalues), np.nan)
    known = np.isfinite(pvalues)
    found[known] = method(pvalues[known])
    return found


def _row(label: str, window: Window, found: Any) -> dict[str, Any]:  # noqa: ANN401  # a TestResult
    place = {
        "asset": label,
        "window": str(window),
        "window_start": window.start,
        "window_end": window.end,
    }
    return place | {name: getattr(found, name) for name in TEST_COLUMNS[len(place) :]}


def _no_family() -> pd.DataFrame:
    return pd.DataFrame(columns=list(FAMILY_COLUMNS))


def _words(text: str) -> list[int]:
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in (0, 4)]
