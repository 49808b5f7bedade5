"""What may be said of the effects of a study, and what limits it, for a trading desk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.charts.glyphs import transliterate
from eventstudy.charts.style import coverage, shorten
from eventstudy.formats import TYPESET, listed, percent, true_minus
from eventstudy.inference.statistic import statistics
from eventstudy.results.tables import ClaimRow, EffectRow, EventRow, QuoteRow, TestRow

if TYPE_CHECKING:
    from eventstudy.results import StudyResult

MAX_LINES, STRONGEST = 16, 6
MAX_ASSETS, SHOWN_ASSETS = 4, 2
MAX_JOINT = 4
_FOR_ONE_PRICE = ("overlap_z", "shift_sharp", "shift_mean", "shift_variance")
Studied = tuple[EventRow, EffectRow]
Key = tuple[str, date | None, date | None]


# ---- one effect


def effect_key(event: EventRow) -> Key:
    """Return what two events must have in common to have the same effect."""
    return event.asset, event.session, event.alt_session


def size(result: StudyResult, effect: EffectRow, *, short: bool = False) -> str:
    """Return an effect in per cent and in units of the price, with its interval unless `short`."""
    unit, cover = result.units.get(effect.asset, ""), f"{coverage(result)} interval "
    parts = []
    if np.isfinite(effect.percent):
        band = TYPESET.span(effect.percent_low, effect.percent_high)
        parts.append(f"{TYPESET.signed(effect.percent)}%{_bracket(cover, band, short=short)}")
        cover = ""
    if unit and np.isfinite(effect.usd):
        band = TYPESET.span(effect.usd_low, effect.usd_high)
        parts.append(f"{TYPESET.signed(effect.usd)} {unit}{_bracket(cover, band, short=short)}")
    if not parts:
        band = TYPESET.span(effect.ci_low, effect.ci_high, 4)
        parts.append(f"{TYPESET.signed(effect.effect, 4)}{_bracket(cover, band, short=short)}")
    return ", ".join(parts[:1] if short else parts)


def _bracket(cover: str, band: str, *, short: bool) -> str:
    return "" if short or band == TYPESET.missing else f" ({cover}{band})"


def verdict(result: StudyResult, effect: EffectRow) -> str:
    """Say whether an effect can be told from noise, by which test, and what would be seen."""
    if not np.isfinite(effect.p):
        return "No test could be computed."
    test = f"({TYPESET.named_pvalue(effect.p)}, {test_title(effect.method)})"
    level = percent(result.level)
    if effect.p <= result.level:
        return (
            f"This is more than noise explains at the {level} level {test}; "
            "whether the event is the cause the test cannot say."
        )
    text = f"This cannot be distinguished from noise at the {level} level {test}."
    amount = detectable(result, effect)
    if amount:
        text += f" Only an effect of about {amount} or more would have been found with 80% power."
    return text


def short_verdict(result: StudyResult, effect: EffectRow, *, with_detectable: bool = True) -> str:
    """Say the same in a few words."""
    if not np.isfinite(effect.p):
        return "no test could be computed"
    level, p = percent(result.level), TYPESET.named_pvalue(effect.p)
    if effect.p <= result.level:
        return f"more than noise explains at the {level} level ({p})"
    amount = detectable(result, effect) if with_detectable else ""
    seen = f"; from about {amount} on it would have been seen" if amount else ""
    return f"cannot be distinguished from noise at the {level} level ({p}{seen})"


def detectable(result: StudyResult, effect: EffectRow) -> str:
    """Return the minimum detectable effect with its unit; empty when unknown."""
    if not np.isfinite(effect.mde):
        return ""
    if effect.return_kind == "change":
        return f"{TYPESET.number(effect.mde)} {result.units.get(effect.asset, '')}".strip()
    return f"{TYPESET.number(effect.mde_percent)}%"


def second_session(result: StudyResult, event: EventRow) -> str:
    """Give the result of the second session of an event whose session is not certain."""
    if event.alt_session is None:
        return ""
    effect = result.effect_of(event, second=True)
    if effect is None:
        return f"The session may also be {event.alt_session}, for which there is no result."
    said = short_verdict(result, effect, with_detectable=False)
    return f"The session may also be {event.alt_session}: {size(result, effect)}: {said}."


def shared(event: EventRow) -> str:
    """Name the events that share the session of an event, and what follows."""
    if not event.confounded_with:
        return ""
    return (
        f"The session also holds {_joined(event.confounded_with)}: the effect belongs to all of "
        "them together and cannot be divided."
    )


def perhaps_shared(event: EventRow) -> str:
    """Name the events whose second possible session is the session of an event."""
    if not event.perhaps_confounded_with:
        return ""
    others = _joined(event.perhaps_confounded_with)
    return f"The session may also be that of {others}, so the effect may not be its own."


def _joined(names: Sequence[str]) -> str:
    shown = [transliterate(name) for name in names]
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def cautions(effect: EffectRow) -> str:
    """Name what limits the reading of an effect: unusual volatility, rolls."""
    parts = []
    if effect.vol_warning and np.isfinite(effect.vol_ratio):
        way = "reject too often" if effect.vol_ratio > 1 else "reject too seldom"
        parts.append(
            f"Warning: just before the event prices were {TYPESET.number(effect.vol_ratio)} times "
            f"as volatile as in the estimation window, so the t and SQ tests {way} here."
        )
    if effect.roll:
        parts.append("The window holds a roll of the contract, whose price jump is not news.")
    return " ".join(parts)


# ---- names of tests


def title_of(name: str) -> str:
    """Return the title of a statistic; its name where the registry does not know it."""
    return next((entry.title for entry in statistics() if entry.name == name), name)


def test_title(method: str) -> str:
    """Return the title of a test of one event, such as ``filtered historical simulation test``."""
    return f"{title_of(method)} test"


def described_statistics(result: StudyResult) -> list[dict[str, str]]:
    """Say what each statistic over all events is, in the words of the registry."""
    used = set(result.tables.tests.statistic)
    keys = ("name", "title", "meaning", "formula", "distribution", "paper")
    return [{k: getattr(entry, k) for k in keys} for entry in statistics() if entry.name in used]


# ---- key findings


@dataclass(frozen=True, slots=True)
class Finding:
    """A subject, what is said of it, and a line for each asset."""

    lead: str
    text: str
    items: tuple[str, ...] = ()


def key_findings(result: StudyResult) -> list[Finding]:
    """Return the findings of a study; a large study is summed up by its strongest effects."""
    found = [(event, result.effect_of(event)) for event in result.tables.events]
    pairs = [(event, effect) for event, effect in found if effect is not None and effect.has_effect]
    chosen, assets = _groups(pairs), MAX_ASSETS
    if sum(map(len, chosen)) > MAX_LINES:
        least = [min((e.p for _, e in of if np.isfinite(e.p)), default=2.0) for of in chosen]
        order = np.argsort(least, kind="stable")[:STRONGEST]
        chosen, assets = [chosen[k] for k in order], SHOWN_ASSETS
    return [
        *_overview(result, pairs), *_other_windows(result),
        *(_group(result, group, assets) for group in chosen),
        *_left_out(result), *_joint(result), *_stated(result),
    ]  # fmt: skip


def _groups(pairs: Sequence[Studied]) -> list[list[Studied]]:
    """Bring events together that have the same sessions on the same assets."""
    events: dict[str, list[Studied]] = {}
    for pair in pairs:
        events.setdefault(pair[0].event_id, []).append(pair)
    same: dict[tuple[Key, ...], list[Studied]] = {}
    for own in events.values():
        same.setdefault(tuple(effect_key(event) for event, _ in own), []).extend(own)
    return sorted(same.values(), key=lambda group: str(group[0][0].session))


def _group(result: StudyResult, group: Sequence[Studied], most: int) -> Finding:
    titles = list(dict.fromkeys(transliterate(e.title or e.event_id) for e, _ in group))
    distinct = {effect_key(event): (event, effect) for event, effect in reversed(group)}
    lines = [_line(result, *pair) for pair in reversed(list(distinct.values()))]
    text = (
        f"These {len(titles)} events share their session: the effect belongs to all of them "
        "together and cannot be divided."
    ) * (len(titles) > 1)
    more = len(lines) - most
    tail = (f"{more} more assets are in tables/effects.csv.",) if more > 0 else ()
    return Finding("; ".join(titles) + ".", text, (*lines[:most], *tail))


def _line(result: StudyResult, event: EventRow, effect: EffectRow) -> str:
    warning = ""
    if effect.vol_warning and np.isfinite(effect.vol_ratio):
        warning = f"Volatility warning: ratio {TYPESET.number(effect.vol_ratio)}."
    said = f"{size(result, effect)}: {short_verdict(result, effect)}"
    parts = (
        f"{transliterate(event.asset)}, {event.session}: {said}.",
        second_session(result, event), perhaps_shared(event), warning,
    )  # fmt: skip
    return " ".join(part for part in parts if part)


def _overview(result: StudyResult, pairs: Sequence[Studied]) -> Iterator[Finding]:
    found = {effect_key(event): effect.p for event, effect in pairs}
    tested = [p for p in found.values() if np.isfinite(p)]
    below = sum(p <= result.level for p in tested)
    if not tested:
        return
    many = "s" * (len(tested) > 1)
    over = f"effect{many} over {result.headline}, each session of an asset counted once"
    level = percent(result.level)
    text = f"None of {len(tested)} {over}, can be distinguished from noise at the {level} level."
    if below:
        text = (
            f"{below} of {len(tested)} {over}, {'is' if below == 1 else 'are'} more than noise "
            f"explains at the {level} level; about {result.level * len(tested):.1f} "
            "would be by chance alone."
        )
    test = test_title("vfc" if len(result.headline) == 1 else "fhs")
    powered = "what would have been seen is at 80% power"
    yield Finding("In short.", f"{text} The p-values are those of the {test}; {powered}.")


def _other_windows(result: StudyResult) -> Iterator[Finding]:
    rows = [row for row in result.tables.effects if row.window != result.headline]
    distinct = {(r.asset, str(r.session), str(r.window)): r for r in reversed(rows)}
    scored = sorted((r.p, key) for key, r in distinct.items() if np.isfinite(r.p))
    strong = [distinct[key] for p, key in scored if p <= result.level]
    if not strong:
        return
    named = [
        f"{transliterate(r.asset)} from {r.session} over {r.window} "
        f"({size(result, r, short=True)}, {TYPESET.named_pvalue(r.p)})"
        for r in strong
    ]
    yield Finding(
        "Other windows.",
        f"{len(strong)} of {len(scored)} effects over the other windows pass the "
        f"{percent(result.level)} level one by one: {listed(named, STRONGEST)}. The windows "
        "overlap, so these are not independent findings.",
    )


def _left_out(result: StudyResult) -> Iterator[Finding]:
    events = result.tables.events
    for state, what in (("undated", "Without a date."), ("dropped", "Dropped.")):
        ids = list(dict.fromkeys(events.event_id[events.state == state]))
        if ids:
            named = listed([shorten(event_id) for event_id in ids], STRONGEST, sep=", ")
            yield Finding(what, f"{named}: no effect was computed; the reasons are listed below.")


def _joint(result: StudyResult) -> Iterator[Finding]:
    tests = result.tables.tests
    chosen = np.isfinite(tests.pvalue) & np.isin(tests.verdict, ["holds", "caution"])
    rows = [row for row in tests.take(chosen) if row.window == result.headline]
    groups: dict[str, list[TestRow]] = {}
    for row in rows:
        groups.setdefault(row.asset, []).append(row)
    for asset, group in list(groups.items())[:MAX_ASSETS]:
        subject = "all assets" if asset == "all" else transliterate(asset)
        yield Finding(f"All events together, {subject}.", _joint_text(result, group))


def _joint_text(result: StudyResult, group: Sequence[TestRow]) -> str:
    best = [row for row in group if row.statistic in _FOR_ONE_PRICE]
    shown = (best or group)[:MAX_JOINT]
    said = [f"{title_of(row.statistic)} {TYPESET.named_pvalue(row.pvalue)}" for row in shown]
    found, level = sum(row.pvalue <= result.level for row in shown), percent(result.level)
    judged = f"{found} of {len(shown)} tell" if found else "none tells"
    what = f"{judged} the events from ordinary sessions at the {level} level"
    return f"Over {result.headline}, {'; '.join(said)}: {what}."


def _stated(result: StudyResult) -> Iterator[Finding]:
    """Give the answers to claims and to quoted prices."""
    for claim in result.tables.claims:
        lead = f"Claim, {transliterate(claim.asset)}: {claim_lead(claim)}"
        yield Finding(lead, true_minus(transliterate(claim.sentence)))
    for quote in result.tables.quotes:
        yield Finding(quote_lead(quote), true_minus(transliterate(quote.sentence)))


def claim_lead(claim: ClaimRow) -> str:
    """Return the title of a claim as the beginning of a paragraph."""
    return transliterate(claim.title).rstrip(".") + "."


def quote_lead(quote: QuoteRow) -> str:
    """Return the subject of a quoted price as the beginning of a paragraph."""
    return f"Quoted price, {transliterate(quote.asset)}."
