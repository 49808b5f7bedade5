"""Sentences a desk reads: one for each case, and none that says too much."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from eventstudy.report.findings import key_findings
from eventstudy.report.numbers import mde_percent
from eventstudy.report.verdicts import (
    cautions,
    perhaps_shared,
    primary_p,
    second_session,
    shared,
    short_verdict,
    size,
    verdict,
)
from eventstudy.results import StudyResult


def row(result: StudyResult, event_id: str, asset: str = "wti_front") -> dict[str, object]:
    events = result.events
    found = events[(events["event_id"] == event_id) & (events["asset"] == asset)]
    return found.to_dict("records")[0]


def leads(result: StudyResult) -> dict[str, str]:
    return {f.lead: " ".join((f.text, *f.items)) for f in key_findings(result)}


def test_noise_is_called_noise_and_says_what_would_have_been_seen(result: StudyResult) -> None:
    said = verdict(result, row(result, "barrels") | {"p_vfc": 0.31, "mde": 0.04})
    assert "cannot be distinguished from noise at the 5 % level" in said
    assert "p = 0.310, volatility-filtered conformal test" in said
    assert "about 4.08 % or more would have been found with 80 % power" in said  # exp(0.04) - 1


def test_more_than_noise_does_not_claim_a_cause(result: StudyResult) -> None:
    said = verdict(result, row(result, "barrels") | {"p_vfc": 0.0004})
    assert "more than noise explains at the 5 % level (p < 0.001" in said
    assert "whether the event is the cause the test cannot say" in said
    assert "would have been found" not in said


def test_level_itself_rejects(result: StudyResult) -> None:
    assert "more than noise" in verdict(result, row(result, "barrels") | {"p_vfc": 0.05})
    assert "cannot be" in verdict(result, row(result, "barrels") | {"p_vfc": 0.0501})


def test_level_of_the_study_is_named(result: StudyResult) -> None:
    strict = replace(result, level=0.01)
    assert "at the 1 % level" in verdict(strict, row(result, "barrels") | {"p_vfc": 0.03})
    assert "99 % interval" in size(strict, row(result, "barrels"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"n_sessions": 1}, "p_vfc"),
        ({"n_sessions": 5}, "p_fhs"),
        ({"n_sessions": 1, "p_vfc": float("nan")}, "p_fhs"),
        ({"n_sessions": 5, "p_fhs": float("nan")}, "p_conformal"),
        ({"n_sessions": 5, "p_fhs": None, "p_conformal": None}, "p_t"),
    ],
)
def test_test_to_read(changes: dict[str, object], expected: str) -> None:
    values = {"p_vfc": 0.1, "p_fhs": 0.2, "p_conformal": 0.3, "p_t": 0.4}
    assert primary_p(values | changes)[0] == expected
    assert primary_p(values | changes)[1] == values[expected]


def test_short_form_says_the_same(result: StudyResult) -> None:
    noise = short_verdict(result, row(result, "barrels") | {"p_vfc": 0.31, "mde": 0.04})
    assert noise == (
        "cannot be distinguished from noise at the 5 % level (p = 0.310; from about 4.08 % on "
        "it would have been seen)"
    )
    effect = short_verdict(result, row(result, "barrels") | {"p_vfc": 0.02})
    assert effect == "more than noise explains at the 5 % level (p = 0.020)"


def test_detectable_change_of_price_is_in_units_of_the_price(result: StudyResult) -> None:
    change = replace(result, return_kind="change")
    numbers = {"asset": "wti_front", "mde": 1.5, "base_price": 60.0, "p_vfc": 0.5, "n_sessions": 1}
    assert "about 1.50 USD/bbl on" in short_verdict(change, numbers)
    assert mde_percent(change, numbers) == pytest.approx(2.5)
    assert pd.isna(mde_percent(change, numbers | {"base_price": None}))


def test_no_test_is_said(result: StudyResult) -> None:
    assert verdict(result, {"n_sessions": 1, "p_vfc": float("nan")}) == "No test could be computed."


def test_effect_has_interval_in_per_cent_and_in_price(result: StudyResult) -> None:
    numbers = {
        "asset": "wti_front", "percent": -1.526, "percent_low": -4.1, "percent_high": 1.2,
        "usd": -0.871, "usd_low": -2.3, "usd_high": 0.7,
    }  # fmt: skip
    assert size(result, numbers) == (
        "−1.53 % (95 % interval −4.10 to +1.20), −0.87 USD/bbl (−2.30 to +0.70)"  # true minus
    )


def test_effect_without_prices_is_in_per_cent_alone(result: StudyResult) -> None:
    bare = replace(result, units={})
    numbers = {"asset": "x", "percent": 2.0, "percent_low": 1.0, "percent_high": 3.0, "usd": 9.0}
    assert size(bare, numbers) == "+2.00 % (95 % interval +1.00 to +3.00)"


def test_second_session_is_given_beside_the_first(result: StudyResult) -> None:
    said = second_session(result, row(result, "paris-summit"))
    other = result.alternatives.query(
        "event_id == 'paris-summit' and asset == 'wti_front' and window == '[0,0]'"
    ).iloc[0]
    assert "may also be 2026-01-07" in said
    assert size(result, other.to_dict()) in said
    assert second_session(result, row(result, "barrels")) == ""


def test_second_session_without_result_is_said(result: StudyResult) -> None:
    bare = replace(result, alternatives=result.alternatives.iloc[:0])
    assert "for which there is no result" in second_session(bare, row(result, "paris-summit"))


def test_confounders_are_named(result: StudyResult) -> None:
    assert "also holds opec-call:" in shared(row(result, "venezuela-intervention"))
    assert "a, b and c" in shared({"confounded_with": "a; b; c"})
    assert shared(row(result, "barrels")) == ""


def test_uncertain_neighbours_are_named(result: StudyResult) -> None:
    said = perhaps_shared(result, row(result, "barrels"))
    assert "may also be that of paris-summit and kostroma," in said
    assert perhaps_shared(result, row(result, "paris-summit")) == ""


def test_volatility_warning_says_which_way() -> None:
    high = cautions({"vol_warning": True, "vol_ratio": 1.6})
    low = cautions({"vol_warning": True, "vol_ratio": 0.5})
    assert "1.60 times" in high
    assert "too often" in high
    assert "too seldom" in low
    assert cautions({"vol_warning": False, "vol_ratio": 1.0, "roll": False}) == ""
    assert "roll of the contract" in cautions({"vol_warning": False, "roll": True})


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


def test_overview_counts_each_session_once(result: StudyResult) -> None:
    assert leads(result)["In short."].startswith("None of 8 effects over [0,0]")
    strong = result.events.assign(p_vfc=result.events["p_vfc"] * 0)
    said = leads(replace(result, events=strong))["In short."]
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
