"""Returns belong to two consecutive sessions; what is undefined, masked or stale is named."""

import itertools

import numpy as np
import pandas as pd
import pytest

from eventstudy.calendars import file_calendar
from eventstudy.errors import TableError, UndefinedReturnError, UnknownNameError
from eventstudy.prices.loading import load_prices
from eventstudy.prices.table import PriceTable, SeriesMeta
from eventstudy.returns import build_panel, check_finite, plain_returns, series_returns
from eventstudy.study import Study
from eventstudy.study.run import calendar_of

DAYS = pd.bdate_range("2020-04-15", "2020-04-23", name="session")
MAY = np.array([19.87, 19.87, 18.27, -37.63, 10.01, 13.78, 16.50])
JUNE = np.array([27.0, 26.2, 25.03, 20.43, 11.57, 13.78, 16.50])


def sessions(index: pd.DatetimeIndex) -> np.ndarray:
    return index.to_numpy().astype("datetime64[D]")


def table(**columns) -> PriceTable:
    return PriceTable(pd.DataFrame(columns, index=DAYS))


def panel(prices: PriceTable, *names: str, **options):
    calendar = file_calendar(sessions(prices.frame.index))
    return build_panel(prices, calendar, names, **{"kind": "log", **options})


@pytest.mark.parametrize("kind", ["log", "simple", "change"])
def test_kinds_against_a_plain_loop(kind: str) -> None:
    prices = [50.0, 55.0, 44.0, 44.0]
    by_hand = {
        "log": lambda a, b: np.log(b) - np.log(a),
        "simple": lambda a, b: b / a - 1,
        "change": lambda a, b: b - a,
    }[kind]
    expected = [by_hand(a, b) for a, b in itertools.pairwise(prices)]
    found = plain_returns(np.array(prices), kind)
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1:], expected, rtol=1e-14)


def test_the_base_of_a_simple_return_is_the_session_before() -> None:
    # 100, 110, 99: +10 % and -10 %; dividing by the later price would give +9.09 % and -11.1 %.
    np.testing.assert_allclose(
        plain_returns(np.array([100.0, 110.0, 99.0]), "simple")[1:], [0.1, -0.1]
    )


def test_a_negative_price_stops_a_log_study_with_remedies() -> None:
    with pytest.raises(UndefinedReturnError, match=r"'cl': the log return of 2020-04-20") as caught:
        panel(table(cl=MAY), "cl")
    assert caught.value.session == "2020-04-20"
    for remedy in ("change", "simple", "exclude", "next-contract"):
        assert remedy in str(caught.value)


def test_policy_change_turns_the_whole_series() -> None:
    found = panel(table(cl=MAY), "cl", nonpositive="change")
    assert found.kinds == ("change",)
    np.testing.assert_allclose(found.returns[1:, 0], np.diff(MAY))
    assert [r.kind for r in found.notes] == ["fallback", "stale"]


def test_policy_simple_uses_the_positive_base_and_masks_the_rest() -> None:
    found = panel(table(cl=MAY), "cl", nonpositive="simple")
    assert found.returns[3, 0] == pytest.approx(-37.63 / 18.27 - 1)
    assert np.isnan(found.returns[4, 0])
    assert any(r.kind == "masked" and "2020-04-21" in r.detail for r in found.notes)


def test_policy_exclude_masks_and_says_so() -> None:
    found = panel(table(cl=MAY), "cl", nonpositive="exclude")
    assert np.isnan(found.returns[[3, 4], 0]).all()
    assert np.isfinite(found.returns[[1, 2, 5, 6], 0]).all()
    assert any(r.kind == "masked" and "2 undefined" in r.detail for r in found.notes)


def test_policy_next_contract_takes_its_return() -> None:
    prices = table(cl=MAY, next=JUNE)
    found = panel(prices, "cl", nonpositive="next-contract", next_contract={"cl": "next"})
    assert found.returns[3, 0] == pytest.approx(np.log(20.43 / 25.03))
    assert found.returns[5, 0] == pytest.approx(np.log(13.78 / 10.01))
    with pytest.raises(UndefinedReturnError, match="next_contract"):
        panel(prices, "cl", nonpositive="next-contract")
    with pytest.raises(UnknownNameError, match="did you mean 'next'"):
        panel(prices, "cl", nonpositive="next-contract", next_contract={"cl": "nxt"})


def test_changes_need_no_policy() -> None:
    assert np.isfinite(panel(table(cl=MAY), "cl", kind="change").returns[1:, 0]).all()


def test_a_hole_takes_both_returns_beside_it_and_is_named() -> None:
    prices = [50.0, np.nan, 52.0, 53.0, 54.0, 55.0, 56.0]
    found = panel(table(cl=prices), "cl")
    assert np.isnan(found.returns[[1, 2], 0]).all()
    assert [r for r in found.notes if r.kind == "gap" and "2020-04-16" in r.detail]


def test_repeated_prices_are_reported_not_removed() -> None:
    found = panel(table(cl=MAY), "cl", kind="change")
    assert found.returns[1, 0] == 0.0
    assert [r.detail for r in found.notes if r.kind == "stale"] == [
        "the price repeats the session before on 1 session(s): 2020-04-16"
    ]


def test_figures_on_days_without_a_settlement_are_left_out_and_named() -> None:
    prices = load_prices("crude-daily")
    study = Study(name="x", assets=["wti_front"])
    calendar = calendar_of(study, prices)
    found = build_panel(prices, calendar, ("wti_front", "vix"), kind="log")
    holiday = np.datetime64("2025-07-04")
    assert holiday not in calendar.sessions
    named = {r.subject: r.detail for r in found.notes if r.kind == "not a session"}
    assert "2025-07-04" in named["wti_front"]
    # Fifteen holidays of the futures, and the day on which nothing settled.
    assert named["vix"].startswith("16 figure(s)")
    where = int(np.searchsorted(calendar.sessions, holiday))
    levels = prices.frame["wti_front"]
    assert found.returns[where, 0] == pytest.approx(
        np.log(levels["2025-07-07"] / levels["2025-07-03"])
    )


def test_roll_sessions_of_the_shipped_front_month() -> None:
    prices = load_prices("crude-daily")
    calendar = calendar_of(Study(name="x", assets=["wti_front"]), prices)
    found = build_panel(prices, calendar, ("wti_front", "wti_spot"), kind="log")
    rolls = set(calendar.sessions[found.rolls[:, 0]].astype(str))
    assert {"2025-12-22", "2026-01-21"} <= rolls
    assert not found.rolls[:, 1].any()
    kept = build_panel(prices, calendar, ("wti_front",), kind="log", rolls="keep")
    assert not kept.rolls.any()
    assert any('rolls = "keep"' in r.detail for r in kept.notes)


def test_a_rule_can_be_given_to_a_series_of_a_file() -> None:
    days = pd.bdate_range("2025-12-01", "2026-02-10", name="session")
    prices = PriceTable(pd.DataFrame({"mine": np.linspace(60, 62, len(days))}, index=days))
    calendar = file_calendar(sessions(days))
    plain = build_panel(prices, calendar, ("mine",), kind="log")
    ruled = build_panel(prices, calendar, ("mine",), kind="log", roll_rules={"mine": "wti"})
    assert not plain.rolls.any()
    assert "2025-12-22" in set(calendar.sessions[ruled.rolls[:, 0]].astype(str))


def test_futures_without_a_rule_are_noted() -> None:
    prices = PriceTable(
        pd.DataFrame({"x": JUNE}, index=DAYS), series={"x": SeriesMeta("x", kind="futures")}
    )
    assert any(r.kind == "roll" and "no roll rule" in r.detail for r in panel(prices, "x").notes)


def test_given_returns_are_taken_as_they_are() -> None:
    given = PriceTable(
        pd.DataFrame({"x": [0.01, np.nan, -0.02, 0, 0, 0, 0.5]}, index=DAYS), "returns"
    )
    found = panel(given, "x")
    np.testing.assert_array_equal(found.returns[:, 0], given.frame["x"].to_numpy())
    assert np.isnan(found.levels).all()


def test_infinite_figures_are_refused() -> None:
    with pytest.raises(TableError, match="infinite figure on 2020-04-20"):
        check_finite(table(cl=[1, 2, 3, np.inf, 5, 6, 7]))


def test_unknown_series_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'wti_front'"):
        load_prices("crude-daily").require(("wti_frnt",))


def test_levels_without_fault_need_no_policy_and_say_nothing() -> None:
    values, kind, notes = series_returns(JUNE, sessions(DAYS), "x", kind="log")
    assert (kind, notes) == ("log", [])
    np.testing.assert_allclose(values[1:], np.diff(np.log(JUNE)))


def test_spot_is_labelled_and_never_mixed_silently() -> None:
    prices = load_prices("crude-daily")
    calendar = calendar_of(Study(name="x", assets=["wti_front"]), prices)
    mixed = build_panel(prices, calendar, ("wti_front", "wti_spot"), kind="log")
    said = [r.detail for r in mixed.notes if r.kind == "spot"]
    assert any("not a settlement" in text for text in said)
    assert any("wti_spot" in text and "wti_front" in text for text in said)
    alone = build_panel(prices, calendar, ("wti_front",), kind="log")
    assert not [r for r in alone.notes if r.kind == "spot"]
