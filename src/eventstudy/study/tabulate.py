"""Tables of a result: effects, abnormal returns, and one wide row per event and asset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from eventstudy.alignment import Pair, listed
from eventstudy.arrays import DayArray, ReturnKind
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.results import ALIGNMENT_COLUMNS, AR_COLUMNS, EFFECT_COLUMNS
from eventstudy.study.effects import AssetData, Effect
from eventstudy.windows import Window

NAN = float("nan")
# Columns of an effect that the wide table repeats for every window, with the window as suffix.
PER_WINDOW = (
    "se", "t", "p_t", "p_sq", "p_vfc", "p_fhs", "p_conformal", "ci_low", "ci_high", "mde",
    "percent", "usd",
)  # fmt: skip
HEADLINE = (
    "window", "n_sessions", "effect", "se", "t", "df", "p_t", "p_sq", "p_vfc", "p_fhs",
    "p_conformal", "ci_low", "ci_high", "ci_method", "ci_t_low", "ci_t_high", "mde", "mde_t",
    "vol_ratio", "vol_warning", "filter", "filter_reason", "usd", "usd_low", "usd_high",
    "percent", "percent_low", "percent_high", "base_price", "n_estimation",
)  # fmt: skip
ALTERNATIVE = (
    "ar0", "effect", "se", "t", "p_t", "p_vfc", "p_fhs", "ci_low", "ci_high", "percent",
    "percent_low", "percent_high", "usd", "usd_low", "usd_high",
)  # fmt: skip


def effect_rows(
    effects: Sequence[Effect], abnormal: AbnormalReturns, data: AssetData, sessions: DayArray
) -> list[dict[str, Any]]:
    """One mapping per effect, with the columns `EFFECT_COLUMNS`.

    Parameters
    ----------
    effects : sequence of Effect
    abnormal : AbnormalReturns
        The pairs that `Effect.row` counts.
    data : AssetData
    sessions : (S,) datetime64[D]
    """
    rows = []
    for effect in effects:
        row = {
            "event_id": abnormal.event_ids[effect.row],
            "asset": data.asset,
            "session": str(sessions[int(abnormal.position[effect.row])]),
            "window": str(effect.window),
            "window_start": effect.window.start,
            "window_end": effect.window.end,
            "n_sessions": effect.n_sessions,
            "base_price": effect.base_price,
            "n_estimation": int(abnormal.n_est[effect.row]),
            "roll": effect.roll,
            "filter_reason": effect.reason,
        }
        rows.append(row | _numbers(effect, data.kind))
    return rows


def effects_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Effects as a table with fixed columns."""
    return pd.DataFrame(list(rows), columns=list(EFFECT_COLUMNS))


def ar_rows(
    abnormal: AbnormalReturns, data: AssetData, sessions: DayArray, level: float
) -> list[dict[str, Any]]:
    """One mapping per event, asset and tau, with the columns `AR_COLUMNS`."""
    from scipy import stats

    factor = np.diagonal(abnormal.cov_factor, axis1=1, axis2=2)
    se = np.sqrt(abnormal.s2[:, None] * factor)
    sar, quantile = abnormal.sar, stats.t.isf(level / 2, abnormal.df)
    rows = []
    for row, event_id in enumerate(abnormal.event_ids):
        for column, tau in enumerate(abnormal.window.taus):
            index = int(abnormal.position[row]) + tau
            inside = 0 <= index < len(sessions)
            ar, half = float(abnormal.ar[row, column]), float(quantile[row] * se[row, column])
            rows.append(
                {
                    "event_id": event_id,
                    "asset": data.asset,
                    "tau": tau,
                    "session": str(sessions[index]) if inside else "",
                    "ar": ar,
                    "sar": float(sar[row, column]),
                    "se": float(se[row, column]),
                    "return": float(abnormal.returns[row, column]),
                    "expected": float(abnormal.expected[row, column]),
                    "ci_low": ar - half,
                    "ci_high": ar + half,
                    "roll": bool(data.rolls[index]) if inside else False,
                }
            )
    return rows


def ar_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Abnormal returns as a table with fixed columns."""
    return pd.DataFrame(list(rows), columns=list(AR_COLUMNS))


def events_frame(
    pairs: Sequence[Pair],
    effects: pd.DataFrame,
    alternatives: pd.DataFrame,
    *,
    windows: tuple[Window, ...],
    sessions: DayArray,
    roll_taus: dict[tuple[str, str], str],
) -> pd.DataFrame:
    """One wide row per event and asset, those that were not studied included.

    Parameters
    ----------
    pairs : sequence of Pair
        Every event on every asset it concerns.
    effects, alternatives : DataFrame
        Effects on the first and on the second possible session.
    windows : tuple of Window
        CAR windows; unsuffixed columns speak of the first.
    sessions : (S,) datetime64[D]
    roll_taus : mapping of (event_id, asset) to str
        Roll sessions inside the event window.
    """
    main, second = _by_pair(effects), _by_pair(alternatives)
    rows = []
    for pair in pairs:
        key = (pair.event_id, pair.asset)
        first = main.get(key, {})
        row = _alignment(pair, sessions) | {"roll_taus": roll_taus.get(key, "")}
        row |= _wide(first, windows) | _second(second.get(key, {}), windows)
        if not row["reason"] and first:
            row["reason"] = str(first[str(windows[0])]["filter_reason"])
        rows.append(row | _features(pair, windows))
    features = dict.fromkeys(name for pair in pairs for name in _features(pair, windows))
    return pd.DataFrame(rows, columns=[*event_columns(windows), *features])


def _features(pair: Pair, windows: tuple[Window, ...]) -> dict[str, Any]:
    """Further columns of the event file, under their own names; a taken name gets a prefix."""
    taken = set(event_columns(windows))
    return {
        f"feature_{name}" if name in taken else name: value
        for name, value in pair.placement.event.carried.items()
    }


def event_columns(windows: tuple[Window, ...]) -> list[str]:
    """Columns of the wide table, in order."""
    lead = ["event_id", "asset", "session", "state", "ar0"]
    cars = [f"car_{window.suffix}" for window in windows]
    details = [name for name in ALIGNMENT_COLUMNS if name not in lead]
    suffixed = [f"{name}_{window.suffix}" for window in windows for name in PER_WINDOW]
    second = [f"alt_{name}" for name in ALTERNATIVE]
    return [*lead, *cars, *HEADLINE, *details, *suffixed, *second]


def _numbers(effect: Effect, kind: ReturnKind) -> dict[str, Any]:
    result = effect.result
    if result is None:
        return {"ci_method": "", "filter": "", "vol_warning": False}
    low, high = result.ci_low, result.ci_high
    values = {
        "effect": result.effect, "se": result.se, "t": result.t, "df": result.df,
        "p_t": result.p_t, "p_sq": result.p_sq, "p_vfc": result.p_vfc, "p_fhs": result.p_fhs,
        "p_conformal": result.p_conformal, "ci_low": low, "ci_high": high,
        "ci_method": result.ci_method, "ci_t_low": result.ci_t[0], "ci_t_high": result.ci_t[1],
        "mde": result.mde, "mde_t": result.mde_t, "vol_ratio": result.vol_ratio,
        "vol_warning": result.vol_warning, "filter": result.filter_kind,
        "filter_reason": "; ".join(filter(None, (result.filter_reason, *result.notes))),
    }  # fmt: skip
    for name, value in (("", result.effect), ("_low", low), ("_high", high)):
        values[f"percent{name}"] = percent_of(value, kind, effect.base_price)
        values[f"usd{name}"] = usd_of(value, kind, effect.base_price)
    return values


def percent_of(effect: float, kind: ReturnKind, base: float) -> float:
    """Return an effect in per cent of the price before the window."""
    if kind == "log":
        return 100.0 * float(np.expm1(effect))
    if kind == "simple":
        return 100.0 * effect
    return 100.0 * effect / base if base > 0 else NAN


def usd_of(effect: float, kind: ReturnKind, base: float) -> float:
    """Return an effect in units of the price, from the price of the session before the window."""
    if kind == "log":
        return base * float(np.expm1(effect))
    return base * effect if kind == "simple" else effect


def _by_pair(frame: pd.DataFrame) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for record in frame.to_dict(orient="records"):
        row = {str(name): value for name, value in record.items()}
        found.setdefault((row["event_id"], row["asset"]), {})[row["window"]] = row
    return found


def _alignment(pair: Pair, sessions: DayArray) -> dict[str, Any]:
    event, placed = pair.placement.event, pair.placement
    stated = event.time.isoformat() if event.time else event.date.isoformat() if event.date else ""
    alternative = placed.alternative
    return {
        "event_id": event.event_id, "asset": pair.asset, "title": event.title,
        "kind": event.kind, "place": event.place or "", "direction": event.direction or "",
        "source": event.source or "", "stated": stated, "zone": event.zone or "",
        "precision": event.precision,
        "session": "" if placed.session is None else str(sessions[placed.session]),
        "state": pair.state, "moved_from": placed.moved_from,
        "alt_session": "" if alternative is None else str(sessions[alternative]),
        "confounded_with": listed(pair.confounded_with),
        "perhaps_confounded_with": listed(pair.perhaps_with),
        "overlaps_with": listed(pair.overlaps_with),
        "estimation_overlaps": listed(pair.estimation_overlaps), "reason": placed.reason,
    }  # fmt: skip


def _wide(found: dict[str, dict[str, Any]], windows: tuple[Window, ...]) -> dict[str, Any]:
    if not found:
        return {}
    row = {name: found[str(windows[0])].get(name) for name in HEADLINE}
    zero = found.get(str(Window(0, 0)))
    row["ar0"] = zero["effect"] if zero else NAN
    for window in windows:
        one = found[str(window)]
        row[f"car_{window.suffix}"] = one["effect"]
        row |= {f"{name}_{window.suffix}": one[name] for name in PER_WINDOW}
    return row


def _second(found: dict[str, dict[str, Any]], windows: tuple[Window, ...]) -> dict[str, Any]:
    if not found:
        return {}
    one, zero = found[str(windows[0])], found.get(str(Window(0, 0)))
    row = {f"alt_{name}": one[name] for name in ALTERNATIVE if name != "ar0"}
    return row | {"alt_ar0": zero["effect"] if zero else NAN}
