"""Sentences a desk reads: one for each case, and none that says too much."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from eventstudy.report.wording import (
    cautions,
    key_findings,
    perhaps_shared,
    second_session,
    shared,
    short_verdict,
    size,
    verdict,
)
from eventstudy.results import StudyResult
from eventstudy.results.tables import EffectRow, Effects, EventRow, Events
from eventstudy.windows import Window

Change = Callable[..., Any]


def event(result: StudyResult, event_id: str, asset: str = "wti_front") -> EventRow:
    rows = result.tables.events
    return next(row for row in rows if (row.event_id, row.asset) == (event_id, asset))


def effect(result: StudyResult, event_id: str, **changes: Any) -> EffectRow:
    """The effect of an event over the headline window, with other values in some columns."""
    row = result.effect_of(event(result, event_id))
    assert row is not None
    stored = [c.attribute for c in Effects.columns(filed=None) if c.derives is None]
    return Effects.of([{name: getattr(row, name) for name in stored} | changes])[0]


def with_tables(result: StudyResult, **tables: Any) -> StudyResult:
    return replace(result, tables=replace(result.tables, **tables))


def leads(result: StudyResult) -> dict[str, str]:
    return {f.lead: " ".join((f.text, *f.items)) for f in key_findings(result)}


def test_noise_is_called_noise_and_says_what_would_have_been_seen(result: StudyResult) -> None:
    said = verdict(result, effect(result, "barrels", p_vfc=0.31, mde=0.04))
    assert "cannot be distinguished from noise at the 5% level" in said
    assert "p = 0.310, volatility-filtered conformal test" in said
    assert "about 4.08% or more would have been found with 80% power" in said  # exp(0.04) - 1


def test_more_than_noise_does_not_claim_a_cause(result: StudyResult) -> None:
    said = verdict(result, effect(result, "barrels", p_vfc=0.0004))
    assert "more than noise explains at the 5% level (p < 0.001" in said
    assert "whether the event is the cause the test cannot say" in said
    assert "would have been found" not in said


def test_level_itself_rejects(result: StudyResult) -> None:
    assert "more than noise" in verdict(result, effect(result, "barrels", p_vfc=0.05))
    assert "cannot be" in verdict(result, effect(result, "barrels", p_vfc=0.0501))


def test_level_of_the_study_is_named(result: StudyResult) -> None:
    strict = replace(result, level=0.01)
    assert "at the 1% level" in verdict(strict, effect(result, "barrels", p_vfc=0.03))
    assert "99% interval" in size(strict, effect(result, "barrels"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ci_method": "vfc"}, "vfc"),
        ({"ci_method": "fhs"}, "fhs"),
        ({"ci_method": "vfc", "p_vfc": float("nan")}, "fhs"),
        ({"ci_method": "fhs", "p_fhs": float("nan")}, "conformal"),
        ({"ci_method": "fhs", "p_fhs": float("nan"), "p_conformal": float("nan")}, "t"),
    ],
)
def test_test_to_read(result: StudyResult, changes: dict[str, object], expected: str) -> None:
    values = {"p_vfc": 0.1, "p_fhs": 0.2, "p_conformal": 0.3, "p_t": 0.4}
    row = effect(result, "barrels", **values | changes)
    assert row.method == expected
    assert row.p == values[f"p_{expected}"]


def test_short_form_says_the_same(result: StudyResult) -> None:
    noise = short_verdict(result, effect(result, "barrels", p_vfc=0.31, mde=0.04))
    assert noise == (
        "cannot be distinguished from noise at the 5% level (p = 0.310; from about 4.08% on "
        "it would have been seen)"
    )
    found = short_verdict(result, effect(result, "barrels", p_vfc=0.02))
    assert found == "more than noise explains at the 5% level (p = 0.020)"


def test_detectable_change_of_price_is_in_units_of_the_price(result: StudyResult) -> None:
    numbers = {"mde": 1.5, "base_price": 60.0, "p_vfc": 0.5, "return_kind": "change"}
    row = effect(result, "barrels", **numbers)
    assert "about 1.50 USD/bbl on" in short_verdict(result, row)
    assert row.mde_percent == pytest.approx(2.5)
    below_zero = effect(result, "barrels", **numbers | {"base_price": -37.63})
    assert pd.isna(below_zero.mde_percent)
    assert "USD/bbl (95% interval" in size(result, below_zero)
    assert "%" not in size(result, below_zero).replace("95%", "")


def test_no_test_is_said(result: StudyResult) -> None:
    none = dict.fromkeys(("p_vfc", "p_fhs", "p_conformal", "p_t"), float("nan"))
    assert verdict(result, effect(result, "barrels", **none)) == "No test could be computed."


def in_percent(percent: float) -> float:
    return math.log1p(percent / 100)


def test_effect_has_interval_in_per_cent_and_in_price(result: StudyResult) -> None:
    row = effect(
        result, "barrels", effect=in_percent(-1.526), ci_low=in_percent(-4.1),
        ci_high=in_percent(1.2), base_price=57.1,
    )  # fmt: skip
    assert size(result, row) == (
        "−1.53% (95% interval −4.10 to +1.20), −0.87 USD/bbl (−2.34 to +0.69)"  # true minus
    )


def test_effect_without_prices_is_in_per_cent_alone(result: StudyResult) -> None:
    bare = replace(result, units={})
    row = effect(
        result, "barrels", effect=in_percent(2), ci_low=in_percent(1), ci_high=in_percent(3)
    )
    assert size(bare, row) == "+2.00% (95% interval +1.00 to +3.00)"


def test_second_session_is_given_beside_the_first(result: StudyResult) -> None:
    paris = event(result, "paris-summit")
    said = second_session(result, paris)
    other = result.effect_of(paris, Window(0, 0), second=True)
    assert other is not None
    assert "may also be 2026-01-07" in said
    assert size(result, other) in said
    assert second_session(result, event(result, "barrels")) == ""


def test_second_session_without_result_is_said(result: StudyResult, change: Change) -> None:
    events = result.tables.events
    bare = change(events, alternatives_at=[-1] * len(events))
    found = with_tables(result, events=bare, alternatives=Effects.empty())
    assert "for which there is no result" in second_session(found, event(found, "paris-summit"))


def test_confounders_are_named(result: StudyResult) -> None:
    assert "also holds opec-call:" in shared(event(result, "venezuela-intervention"))
    several = Events.of([{"confounded_with": ("a", "b", "c")}])
    assert "a, b and c" in shared(several[0])
    assert shared(event(result, "barrels")) == ""


def test_uncertain_neighbours_are_named(result: StudyResult) -> None:
    said = perhaps_shared(event(result, "barrels"))
    assert "may also be that of paris-summit and kostroma," in said
    assert perhaps_shared(event(result, "paris-summit")) == ""


def test_volatility_warning_says_which_way(result: StudyResult) -> None:
    high = cautions(effect(result, "barrels", vol_warning=True, vol_ratio=1.6))
    low = cautions(effect(result, "barrels", vol_warning=True, vol_ratio=0.5))
    assert "1.60 times" in high
    assert "too often" in high
    assert "too seldom" in low
    assert cautions(effect(result, "barrels", vol_warning=False, vol_ratio=1.0, roll=False)) == ""
    assert "roll of the contract" in cautions(
        effect(result, "barrels", vol_warning=False, roll=True)
    )


def test_events_of_one_session_are_told_once(result: StudyResult) -> None:
    told = leads(result)
    together = [lead for lead in told if "Military intervention" in lead]
    assert together == ["Military intervention in Venezuela; OPEC+ call keeps output where it is."]
    assert "cannot be divided" in told[together[0]]
    assert told[together[0]].count("wti_front") == 1


def test_findings_name_what_has_no_effect(result: StudyResult) -> None:
    told = leads(result)
    assert told["Without a date."].startswith("greenland:")
    assert told["Dropped."].startswith("far-future:")


def test_overview_counts_each_session_once(result: StudyResult, change: Change) -> None:
    assert leads(result)["In short."].startswith("None of 8 effects over [0,0]")
    strong = change(result.tables.effects, p_vfc=0 * result.tables.effects.p_vfc)
    said = leads(with_tables(result, effects=strong))["In short."]
    assert said.startswith("8 of 8 effects")
    assert "about 0.4 would be by chance alone" in said


def test_claims_quotes_and_joint_tests_are_told(result: StudyResult) -> None:
    told = leads(result)
    assert (
        "cannot be distinguished from noise"
        in told["Claim, wti_front: A short and fragile pullback."]
    )
    assert "−1.453" in told["Quoted price, wti_front."]  # true minus
    joint = told["All events together, wti_front."]
    assert "circular shift, sharp null p = 0.420" in joint
    assert "none tells" in joint


def test_large_study_is_summed_up(
    build_result: Callable[..., StudyResult],
    many_events: Callable[[int], tuple[dict[str, str], ...]],
) -> None:
    told = key_findings(build_result(events=many_events(30), assets=("wti_front",)))
    groups = [f for f in told if f.items]
    assert len(groups) == 6
    best = build_result(events=many_events(30), assets=("wti_front",)).events["p_vfc"].min()
    assert f"p = {best:.3f}" in groups[0].items[0] or "p < 0.001" in groups[0].items[0]
