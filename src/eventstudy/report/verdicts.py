"""What may be said of one effect, and what limits the saying."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eventstudy.charts.letters import readable
from eventstudy.report.numbers import (
    NONE,
    is_number,
    is_true,
    mde_percent,
    number,
    p_text,
    percent_sign,
    signed,
    span,
    text_of,
)
from eventstudy.results import records

if TYPE_CHECKING:
    from eventstudy.results import StudyResult

TEST_NAMES = {
    "p_vfc": "volatility-filtered conformal test",
    "p_fhs": "filtered historical simulation",
    "p_conformal": "conformal moving-block test",
    "p_t": "t test",
}


def with_effect(result: StudyResult) -> list[dict[str, Any]]:
    """Rows of `StudyResult.events` that have an effect over the headline window."""
    rows = records(result.events)
    return [r for r in rows if is_number(r.get("effect")) and text_of(r.get("session"))]


def effect_key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return what two events must have in common to have the same effect."""
    return str(row["asset"]), str(row["session"]), text_of(row.get("alt_session"))


def primary_p(row: Mapping[str, Any]) -> tuple[str, float]:
    """Return the name and value of the p-value to read: VFC for a session, FHS for a window.

    Where it is missing the next best stands in: FHS, conformal, then t.
    """
    first = "p_vfc" if row.get("n_sessions") == 1 else "p_fhs"
    for name in (first, "p_fhs", "p_conformal", "p_t"):
        if is_number(row.get(name)):
            return name, float(row[name])
    return "p_t", float("nan")


def size(result: StudyResult, row: Mapping[str, Any], *, short: bool = False) -> str:
    """Return an effect in per cent and in units of the price, with its interval unless `short`."""
    unit = result.units.get(str(row["asset"]), "")
    cover = f"{percent_sign(100 * (1 - result.level))} interval "
    parts = []
    for name, sign in (("percent", "%"), ("usd", unit)):
        if sign and is_number(row.get(name)):
            parts.append(f"{signed(row[name])} {sign}{_band(row, name, 2, cover, short=short)}")
            cover = ""
    if not parts:
        parts.append(f"{signed(row.get('effect'), 4)}{_band(row, 'ci', 4, cover, short=short)}")
    return ", ".join(parts[:1] if short else parts)


def verdict(result: StudyResult, row: Mapping[str, Any]) -> str:
    """Say whether an effect can be told from noise, by which test, and what would be seen."""
    name, p = primary_p(row)
    if not is_number(p):
        return "No test could be computed."
    test, level = f"({p_text(p)}, {TEST_NAMES[name]})", percent_sign(100 * result.level)
    if p > result.level:
        said = f"This cannot be distinguished from noise at the {level} level {test}."
        amount = detectable(result, row)
        if amount:
            said += (
                f" Only an effect of about {amount} or more would have been found with 80 % power."
            )
        return said
    return (
        f"This is more than noise explains at the {level} level {test}; "
        "whether the event is the cause the test cannot say."
    )


def short_verdict(result: StudyResult, row: Mapping[str, Any]) -> str:
    """Say the same in a few words."""
    _, p = primary_p(row)
    if not is_number(p):
        return "no test could be computed"
    level = percent_sign(100 * result.level)
    if p <= result.level:
        return f"more than noise explains at the {level} level ({p_text(p)})"
    amount = detectable(result, row)
    seen = f"; from about {amount} on it would have been seen" if amount else ""
    return f"cannot be distinguished from noise at the {level} level ({p_text(p)}{seen})"


def second_session(result: StudyResult, row: Mapping[str, Any], window: str = "") -> str:
    """Give the result of the second session of an event whose session is not certain."""
    other_day = text_of(row.get("alt_session"))
    if not other_day:
        return ""
    table = result.alternatives
    same = (table["event_id"] == row["event_id"]) & (table["asset"] == row["asset"])
    found = records(table[same & (table["window"] == (window or str(result.headline)))])
    if not found:
        return f"The session may also be {other_day}, for which there is no result."
    said = short_verdict(result, found[0] | {"mde": None})
    return f"The session may also be {other_day}: {size(result, found[0])}: {said}."


def shared(row: Mapping[str, Any]) -> str:
    """Name the events that share the session of an event, and what follows."""
    others = [name for name in text_of(row.get("confounded_with")).split("; ") if name]
    if not others:
        return ""
    return (
        f"The session also holds {_joined(others)}: the effect belongs to all of them together "
        "and cannot be divided."
    )


def perhaps_shared(result: StudyResult, row: Mapping[str, Any]) -> str:
    """Name the events whose second possible session is the session of an event."""
    events = result.events
    same = (events["asset"] == row["asset"]) & (events["alt_session"] == row["session"])
    others = [str(e) for e in events.loc[same, "event_id"] if e != row["event_id"]]
    if not others:
        return ""
    return f"The session may also be that of {_joined(others)}, so the effect may not be its own."


def _joined(names: list[str]) -> str:
    shown = [readable(name) for name in names]
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def cautions(row: Mapping[str, Any]) -> str:
    """Name what limits the reading of an effect: unusual volatility, rolls."""
    parts = []
    ratio = row.get("vol_ratio", math.nan)
    if is_true(row.get("vol_warning")) and is_number(ratio):
        way = "reject too often" if ratio > 1 else "reject too seldom"
        parts.append(
            f"Warning: just before the event prices were {number(ratio)} times as volatile as in "
            f"the estimation window, so the t and SQ tests {way} here."
        )
    if is_true(row.get("roll")):
        parts.append("The window holds a roll of the contract, whose price jump is not news.")
    return " ".join(parts)


def _band(row: Mapping[str, Any], name: str, digits: int, cover: str, *, short: bool) -> str:
    band = span(row.get(f"{name}_low"), row.get(f"{name}_high"), digits)
    return "" if short or band == NONE else f" ({cover}{band})"


def detectable(result: StudyResult, row: Mapping[str, Any]) -> str:
    """Return the minimum detectable effect with its unit; empty when unknown."""
    if not is_number(row.get("mde")):
        return ""
    if result.return_kind == "change":
        return f"{number(row['mde'])} {result.units.get(str(row['asset']), '')}".strip()
    return f"{number(mde_percent(result, row))} %"
