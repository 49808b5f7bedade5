"""Quotes held against settlements, and claims answered with numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from eventstudy.alignment import Alignment, Pair
from eventstudy.errors import AlignmentError
from eventstudy.events.claims import Claim
from eventstudy.events.quotes import Quote, reconcile
from eventstudy.notes import Note
from eventstudy.results.tables import Claims, EffectRow, Quotes
from eventstudy.returns import ReturnPanel
from eventstudy.study.assets import all_sessions, asset_data, fit_at
from eventstudy.study.design import Study
from eventstudy.study.effects import measure
from eventstudy.study.tabulate import effects_table
from eventstudy.windows import Window

NAN = float("nan")
NOISE = "cannot be distinguished from noise"
SHARED = " by a move that other events share"


def check_quotes(quotes: Sequence[Quote], panel: ReturnPanel) -> tuple[Quotes, list[Note]]:
    """Hold every quote against the settlement before it; what cannot be held is a note."""
    rows: list[dict[str, object]] = []
    notes: list[Note] = []
    for quote in quotes:
        if quote.asset not in panel.names:
            text = f"quote not checked: {quote.asset!r} is not a series of this study"
            notes.append(Note("dropped", quote.quote_id, text))
            continue
        column = panel.column(quote.asset)
        levels = pd.Series(panel.levels[:, column], index=panel.calendar.index)
        try:
            check = reconcile(quote, panel.calendar, levels)
        except AlignmentError as error:
            notes.append(Note("dropped", quote.quote_id, f"quote not checked: {error}"))
            continue
        given = {"quote_id": quote.quote_id, "asset": quote.asset, "level": quote.level}
        quoted = NAN if quote.change_pct is None else quote.change_pct
        rows.append(
            given
            | {name: getattr(check, name) for name in ("moment", "session", "base_session")}
            | {"base_price": check.base, "implied_change_pct": check.implied_pct}
            | {"quoted_change_pct": quoted, "agrees": bool(check.agrees)}
            | {"sentence": check.sentence}
        )
    return Quotes.of(rows), notes


def answer_claims(
    claims: Sequence[Claim], study: Study, panel: ReturnPanel, pairs: Alignment
) -> tuple[Claims, list[Note]]:
    """Answer every claim: the effect over its horizon, one-sided in its direction.

    The horizon may be longer than the event window of the study; the estimation window and the
    model stay those of the study, and the filter stands at the session before the horizon.
    """
    rows: list[dict[str, object]] = []
    notes: list[Note] = []
    for claim in claims:
        pair = next(
            (p for p in pairs if (p.event_id, p.asset) == (claim.event_id, claim.asset)), None
        )
        fault = _fault(claim, pair, panel)
        if fault or pair is None:
            notes.append(Note("dropped", claim.claim_id, f"claim not tested: {fault}"))
            continue
        rows.append(_answer(claim, pair, study, panel, pairs))
    return Claims.of(rows), notes


def _fault(claim: Claim, pair: Pair | None, panel: ReturnPanel) -> str:
    if pair is None:
        return f"no event {claim.event_id!r} on {claim.asset!r} in this study"
    if not pair.studied or pair.session is None:
        return f"event {claim.event_id!r} is {pair.state}"
    reach = pair.session + claim.window.end
    if reach >= len(panel.calendar.sessions):
        short = reach - len(panel.calendar.sessions) + 1
        return f"window {claim.window} reaches {short} session(s) past the last price"
    return ""


def _answer(
    claim: Claim, pair: Pair, study: Study, panel: ReturnPanel, pairs: Alignment
) -> dict[str, object]:
    data = asset_data(study, panel, claim.asset)
    span = Window(
        min(study.window.start, claim.window.start), max(study.window.end, claim.window.end)
    )
    position = np.array([pair.session], dtype=np.int64)
    fit = fit_at(
        study, data, position, (claim.event_id,),
        sessions=all_sessions(pairs, claim.asset), window=span,
    )  # fmt: skip
    found = measure(fit, data, study, windows=(claim.window,), role="claim")
    effect = effects_table(found, fit.abnormal, data, panel.calendar.sessions).row(0)
    return _row(claim, effect, study.level, _others(claim, pair))


def _others(claim: Claim, pair: Pair) -> tuple[str, ...]:
    """Return the other events inside the window of a claim."""
    pairs = pair.alignment
    mine = pairs.rows_of(claim.asset)
    lag = pairs.session[mine] - pairs.session[pair.row]
    inside = (lag >= claim.window.start) & (lag <= claim.window.end)
    return pairs.event_ids(mine[inside & (pairs.session[mine] >= 0) & (mine != pair.row)])


def _cautions(effect: EffectRow, others: tuple[str, ...]) -> str:
    """Say what stands between the number and the claim: other events, a roll."""
    parts = []
    if others:
        parts.append(
            f" The window also holds {', '.join(others)}: the move cannot be put down to one event."
        )
    if effect.roll:
        parts.append(" It spans a roll of the front month, whose jump is part of the number.")
    return "".join(parts)


def _row(
    claim: Claim, effect: EffectRow, level: float, others: tuple[str, ...]
) -> dict[str, object]:
    names = ("claim_id", "title", "asset", "event_id", "window", "direction")
    stated = {name: getattr(claim, name) for name in names}
    if not effect.has_effect:
        sentence = f"{claim.title}: not tested, {effect.filter_reason}."
        return stated | {"verdict": "not tested", "sentence": sentence}
    agrees = (effect.effect > 0) == (claim.direction == "up")
    one_sided = effect.p / 2 if agrees else 1 - effect.p / 2
    verdict = _verdict(agrees=agrees, one_sided=one_sided, two=effect.p, level=level)
    if others and verdict != NOISE:
        verdict += SHARED
    sentence = (
        f"Sessions {claim.window}, expected {claim.direction}: {effect.percent:+.2f} % "
        f"({100 * (1 - level):g} % interval {effect.percent_low:+.2f} to "
        f"{effect.percent_high:+.2f} %), one-sided "
        f"p = {one_sided:.3f} ({effect.method.upper()}): {verdict}. An effect of "
        f"{abs(effect.mde_percent):.1f} % would have been seen with 80 % power."
        f"{_cautions(effect, others)}"
    )
    found = {name: getattr(effect, name) for name in ("effect", "percent", "ci_low", "ci_high")}
    test = {"pvalue": one_sided, "test": f"{effect.method}, one-sided"}
    return stated | found | test | {"verdict": verdict, "sentence": sentence}


def _verdict(*, agrees: bool, one_sided: float, two: float, level: float) -> str:
    if agrees and one_sided <= level:
        return "supported"
    if not agrees and two <= level:
        return "contradicted"
    return NOISE
