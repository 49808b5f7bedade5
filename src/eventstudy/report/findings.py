"""What a study found, in sentences a trading desk can read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eventstudy.charts.labels import shorten
from eventstudy.charts.letters import readable
from eventstudy.report.numbers import (
    in_percent,
    is_number,
    is_true,
    number,
    pvalue,
    signed,
    size,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from eventstudy.results import StudyResult

MAX_PAIRS = 16
STRONGEST = 10
TEST_NAMES = {
    "p_vfc": "volatility-filtered conformal test",
    "p_fhs": "filtered historical simulation",
    "p_conformal": "conformal moving-block test",
    "p_t": "t test",
}
_JOINT = {
    "overlap_z": "the overlap-exact z",
    "shift_sharp": "the circular shift of the sum",
    "shift_mean": "the circular shift of the studentised mean",
    "shift_variance": "the circular shift of the size of moves",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A subject and what is said of it."""

    lead: str
    text: str


def key_findings(result: StudyResult) -> list[Finding]:
    """Return the findings of a study, the events first; a large study is summed up."""
    rows = _with_effect(result)
    events = list(_each(result, rows)) if len(rows) <= MAX_PAIRS else list(_summed_up(result, rows))
    return [*events, *_left_out(result), *_joint(result), *_claims(result), *_quotes(result)]


def primary_p(row: Mapping[str, Any]) -> tuple[str, float]:
    """Return the name and value of the p-value to read: VFC for a session, FHS for a window.

    Where it is missing the next best stands in: conformal, then t.
    """
    first = "p_vfc" if row.get("n_sessions") == 1 else "p_fhs"
    for name in (first, "p_fhs", "p_conformal", "p_t"):
        if is_number(row.get(name)):
            return name, float(row[name])
    return "p_t", float("nan")


def verdict(result: StudyResult, row: Mapping[str, Any]) -> str:
    """Say whether an effect can be told from noise, by which test, and what could have been seen."""
    name, p = primary_p(row)
    if not is_number(p):
        return "No test could be computed."
    level = f"{100 * result.level:g} %"
    shown = f"p {pvalue(p)}" if p < 0.001 else f"p = {pvalue(p)}"  # noqa: PLR2004  # bound of pvalue
    if p > result.level:
        seen = _could_be_seen(result, row)
        return f"This cannot be distinguished from noise at the {level} level ({shown}, {TEST_NAMES[name]}).{seen}"
    return (
        f"This is more than noise explains at the {level} level ({shown}, {TEST_NAMES[name]}); "
        "whether the event is the cause the test cannot say."
    )


def cautions(result: StudyResult, row: Mapping[str, Any]) -> str:
    """Name what limits the reading of an effect: volatility, rolls, a moved date."""
    del result
    parts = []
    if is_true(row.get("vol_warning")) and is_number(row.get("vol_ratio")):
        parts.append(
            f"Just before the event prices were {number(row['vol_ratio'])} times as volatile as in the "
            "estimation window, so the t and SQ tests mislead here."
        )
    if is_true(row.get("roll")):
        parts.append("The window holds a roll of the contract, whose price jump is not news.")
    if row.get("state") == "moved" and text_of(row.get("moved_from")):
        parts.append(
            f"The date was moved from {row['moved_from']} to the session {row['session']}."
        )
    return " ".join(parts)


def shared(row: Mapping[str, Any]) -> str:
    """Name the events that share the session of an event, and what follows."""
    others = text_of(row.get("confounded_with"))
    if not others:
        return ""
    return (
        f"The session also holds {readable(others)}: the effect belongs to all of them together "
        "and cannot be divided."
    )


def second_session(result: StudyResult, row: Mapping[str, Any], window: str) -> str:
    """Give the result of the second session of an ambiguous event."""
    if row.get("state") != "ambiguous":
        return ""
    table = result.alternatives
    same = (table["event_id"] == row["event_id"]) & (table["asset"] == row["asset"])
    found = table[same & (table["window"] == window)].to_dict("records")
    if not found:
        return f"The session is not certain: it may be {row.get('alt_session')}, for which there is no result."
    other = found[0]
    return (
        f"The session is not certain. If it was {other['session']}: {size(result, other)}. "
        f"{verdict(result, other)}"
    )


def _with_effect(result: StudyResult) -> list[dict[str, Any]]:
    rows = result.events.to_dict("records")
    return [
        r for r in rows if is_number(r.get("effect", r.get("ar0"))) and text_of(r.get("session"))
    ]


def _each(result: StudyResult, rows: list[dict[str, Any]]) -> Iterator[Finding]:
    window = str(result.headline)
    for row in rows:
        parts = (
            f"{size(result, row)}.", verdict(result, row), second_session(result, row, window),
            shared(row), cautions(result, row),
        )  # fmt: skip
        subject = f"{readable(row['title'] or row['event_id'])}, {readable(row['asset'])}, session {row['session']}:"
        yield Finding(subject, " ".join(p for p in parts if p))


def _summed_up(result: StudyResult, rows: list[dict[str, Any]]) -> Iterator[Finding]:
    scored = sorted(
        ((primary_p(r)[1], k) for k, r in enumerate(rows) if is_number(primary_p(r)[1]))
    )
    below = sum(p <= result.level for p, _ in scored)
    level = f"{100 * result.level:g} %"
    yield Finding(
        "All effects:",
        f"{len(scored)} effects over the window {result.headline} were tested; {below} are more than noise "
        f"explains at the {level} level. If no event had any effect, about {result.level * len(scored):.0f} "
        "would be so by chance. The strongest follow; all are in tables/effects.csv.",
    )
    yield from _each(result, [rows[k] for _, k in scored[:STRONGEST]])


def _left_out(result: StudyResult) -> Iterator[Finding]:
    for state, what in (("undated", "Without a date:"), ("dropped", "Dropped:")):
        rows = result.events[result.events["state"] == state]
        ids = [shorten(e) for e in dict.fromkeys(rows["event_id"])]
        if ids:
            names = ", ".join(ids[:STRONGEST]) + (
                f" and {len(ids) - STRONGEST} more" if len(ids) > STRONGEST else ""
            )
            yield Finding(
                what, f"{names}. No effect was computed for them; the reasons are listed below."
            )


def _joint(result: StudyResult) -> Iterator[Finding]:
    table = result.tests
    if table.empty:
        return
    rows = table[table["statistic"].isin(list(_JOINT)) & (table["window"] == str(result.headline))]
    for asset, group in rows[rows["pvalue"].notna()].groupby("asset", sort=False):
        yield Finding(f"All events together, {readable(asset)}:", _joint_text(result, group))


def _joint_text(result: StudyResult, group: pd.DataFrame) -> str:
    said = [
        f"{_JOINT[s]} gives p = {pvalue(p)}"
        for s, p in zip(group["statistic"], group["pvalue"], strict=True)
    ]
    found = (group["pvalue"] <= result.level).sum()
    level = f"{100 * result.level:g} %"
    judged = (
        f"none tells the events from ordinary sessions at the {level} level" if not found
        else f"{found} of {len(group)} tell the events from ordinary sessions at the {level} level"
    )  # fmt: skip
    return f"over {result.headline}, {'; '.join(said)}: {judged}."


def _claims(result: StudyResult) -> Iterator[Finding]:
    for claim in result.claims:
        yield Finding(f"Claim, {readable(claim.title)}:", readable(claim.sentence))


def _quotes(result: StudyResult) -> Iterator[Finding]:
    for quote in result.quotes:
        yield Finding(f"Quoted price, {readable(quote.asset)}:", readable(quote.sentence))


def _could_be_seen(result: StudyResult, row: Mapping[str, Any]) -> str:
    mde = row.get("mde")
    if not is_number(mde):
        return ""
    if result.return_kind == "change":
        amount = f"{number(mde)} {result.units.get(str(row['asset']), '')}".strip()
    else:
        amount = f"{signed(in_percent(result, mde)).lstrip('+')} %"
    return f" Only an effect of about {amount} or more would have been found with 80 % power."
