"""What a study found, in sentences a trading desk can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eventstudy.charts.labels import shorten
from eventstudy.charts.letters import readable
from eventstudy.report.numbers import (
    is_number,
    is_true,
    number,
    p_text,
    percent_sign,
    text_of,
    true_minus,
)
from eventstudy.report.verdicts import (
    TEST_NAMES,
    effect_key,
    perhaps_shared,
    primary_p,
    second_session,
    short_verdict,
    size,
    with_effect,
)
from eventstudy.results import records

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.results import StudyResult

MAX_LINES, STRONGEST = 16, 6
MAX_ASSETS, SHOWN_ASSETS = 4, 2
MAX_JOINT = 4
_FOR_ONE_PRICE = ("overlap_z", "shift_sharp", "shift_mean", "shift_variance")
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Finding:
    """A subject, what is said of it, and a line for each asset."""

    lead: str
    text: str
    items: tuple[str, ...] = ()


def key_findings(result: StudyResult) -> list[Finding]:
    """Return the findings of a study; a large study is summed up by its strongest effects."""
    groups = _groups(with_effect(result))
    many = sum(map(len, groups)) > MAX_LINES
    chosen, assets = (_strongest(groups), SHOWN_ASSETS) if many else (groups, MAX_ASSETS)
    return [
        *_overview(result), *_other_windows(result),
        *(_group(result, rows, assets) for rows in chosen),
        *_left_out(result), *_joint(result), *_claims(result), *_quotes(result),
    ]  # fmt: skip


def _groups(rows: Rows) -> list[list[Mapping[str, Any]]]:
    """Bring events together that have the same sessions on the same assets."""
    events: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        events.setdefault(str(row["event_id"]), []).append(row)
    same: dict[tuple[tuple[str, str, str], ...], list[Mapping[str, Any]]] = {}
    for own in events.values():
        same.setdefault(tuple(effect_key(row) for row in own), []).extend(own)
    return sorted(same.values(), key=lambda group: str(group[0]["session"]))


def _strongest(groups: list[list[Mapping[str, Any]]]) -> list[list[Mapping[str, Any]]]:
    def least(group: Rows) -> float:
        return min((p for _, p in map(primary_p, group) if is_number(p)), default=2.0)

    return sorted(groups, key=least)[:STRONGEST]


def _group(result: StudyResult, rows: Rows, most: int) -> Finding:
    titles = list(dict.fromkeys(readable(text_of(r["title"]) or r["event_id"]) for r in rows))
    distinct = {effect_key(row): row for row in reversed(rows)}
    lines = [_line(result, row) for row in reversed(list(distinct.values()))]
    text = ""
    if len(titles) > 1:
        text = (
            f"These {len(titles)} events share their session: the effect belongs to all of them "
            "together and cannot be divided."
        )
    more = len(lines) - most
    tail = (f"{more} more assets are in tables/effects.csv.",) if more > 0 else ()
    return Finding("; ".join(titles) + ".", text, (*lines[:most], *tail))


def _line(result: StudyResult, row: Mapping[str, Any]) -> str:
    asset, warning = readable(row["asset"]), ""
    if is_true(row.get("vol_warning")) and is_number(row.get("vol_ratio")):
        warning = f"Volatility warning: ratio {number(row['vol_ratio'])}."
    parts = (
        f"{asset}, {row['session']}: {size(result, row)}: {short_verdict(result, row)}.",
        second_session(result, row), perhaps_shared(result, row), warning,
    )  # fmt: skip
    return " ".join(part for part in parts if part)


def _overview(result: StudyResult) -> Iterator[Finding]:
    found = {effect_key(r): primary_p(r)[1] for r in with_effect(result)}
    tested = [p for p in found.values() if is_number(p)]
    below = sum(p <= result.level for p in tested)
    if not tested:
        return
    many = "s" * (len(tested) > 1)
    over = f"effect{many} over {result.headline}, each session of an asset counted once"
    level = percent_sign(100 * result.level)
    if below == 0:
        text = (
            f"None of {len(tested)} {over}, can be distinguished from noise at the {level} level."
        )
    else:
        text = (
            f"{below} of {len(tested)} {over}, {'is' if below == 1 else 'are'} more than noise "
            f"explains at the {level} level; about {result.level * len(tested):.1f} "
            "would be by chance alone."
        )
    test = TEST_NAMES["p_vfc" if len(result.headline) == 1 else "p_fhs"]
    powered = "what would have been seen is at 80 % power"
    yield Finding("In short.", f"{text} The p-values are those of the {test}; {powered}.")


def _other_windows(result: StudyResult) -> Iterator[Finding]:
    rows = records(result.effects[result.effects["window"] != str(result.headline)])
    distinct = {(r["asset"], r["session"], r["window"]): r for r in reversed(rows)}
    scored = sorted(
        (primary_p(r)[1], key) for key, r in distinct.items() if is_number(primary_p(r)[1])
    )
    strong = [(p, distinct[key]) for p, key in scored if p <= result.level]
    if not strong:
        return
    named = [
        f"{readable(r['asset'])} from {r['session']} over {r['window']} "
        f"({size(result, r, short=True)}, {p_text(p)})"
        for p, r in strong[:STRONGEST]
    ]  # fmt: skip
    more = f" and {len(strong) - STRONGEST} more" if len(strong) > STRONGEST else ""
    yield Finding(
        "Other windows.",
        f"{len(strong)} of {len(scored)} effects over the other windows pass the "
        f"{percent_sign(100 * result.level)} level one by one: {'; '.join(named)}{more}. The "
        "windows overlap, so these are not independent findings.",
    )


def _left_out(result: StudyResult) -> Iterator[Finding]:
    for state, what in (("undated", "Without a date."), ("dropped", "Dropped.")):
        rows = result.events[result.events["state"] == state]
        ids = [shorten(e) for e in dict.fromkeys(rows["event_id"])]
        if ids:
            more = f" and {len(ids) - STRONGEST} more" if len(ids) > STRONGEST else ""
            named = f"{', '.join(ids[:STRONGEST])}{more}"
            yield Finding(what, f"{named}: no effect was computed; the reasons are listed below.")


def _joint(result: StudyResult) -> Iterator[Finding]:
    table = result.tests
    if table.empty:
        return
    rows = table[(table["window"] == str(result.headline)) & table["pvalue"].notna()]
    rows = rows[rows["verdict"].isin(["holds", "caution"])]
    groups = [group for _, group in rows.groupby("asset", sort=False)]
    for group in groups[:MAX_ASSETS]:
        asset = str(group["asset"].iloc[0])
        yield Finding(f"All events together, {_subject(asset)}.", _joint_text(result, group))


def _subject(asset: str) -> str:
    return "all assets" if asset == "all" else readable(asset)


def _joint_text(result: StudyResult, group: pd.DataFrame) -> str:
    best = group[group["statistic"].isin(_FOR_ONE_PRICE)]
    shown = (best if len(best) else group).head(MAX_JOINT)
    pairs = zip(shown["statistic"], shown["pvalue"], strict=True)
    said = [f"{_title(str(name))} {p_text(float(p))}" for name, p in pairs]
    found, level = int((shown["pvalue"] <= result.level).sum()), percent_sign(100 * result.level)
    judged = (
        f"none tells the events from ordinary sessions at the {level} level"
        if not found
        else f"{found} of {len(shown)} tell the events from ordinary sessions at the {level} level"
    )
    return f"Over {result.headline}, {'; '.join(said)}: {judged}."


def _title(name: str) -> str:
    from eventstudy.errors import UnknownNameError
    from eventstudy.inference.statistic import statistic

    try:
        return statistic(name).title
    except UnknownNameError:
        return name


def _claims(result: StudyResult) -> Iterator[Finding]:
    for claim in result.claims:
        subject = f"Claim, {readable(claim.asset)}: {readable(claim.title).rstrip('.')}."
        yield Finding(subject, true_minus(readable(claim.sentence)))


def _quotes(result: StudyResult) -> Iterator[Finding]:
    for quote in result.quotes:
        yield Finding(
            f"Quoted price, {readable(quote.asset)}.", true_minus(readable(quote.sentence))
        )
