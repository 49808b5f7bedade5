"""What holds of any study: sums add up, nothing looks ahead, order and currency are irrelevant."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstudy.events import events_from_frame
from eventstudy.models.designs import ConstantMean, MarketModel
from eventstudy.prices.loading import load_prices
from eventstudy.study import Study, run_study

DAYS = pd.bdate_range("2022-01-03", periods=420, name="session")
FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def prices(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    market = rng.standard_t(5, 420) * 0.01
    oil = 0.8 * market + rng.standard_t(4, 420) * 0.02
    return pd.DataFrame(
        {"oil": 70 * np.exp(np.cumsum(oil)), "market": 100 * np.exp(np.cumsum(market))}, index=DAYS
    )


def events(positions: list[int]) -> pd.DataFrame:
    rows = [{"event_id": f"e{p}", "date": DAYS[p].date().isoformat()} for p in positions]
    return pd.DataFrame(rows)


def study(**options: object) -> Study:
    chosen: dict = {
        "name": "p", "assets": ["oil"], "event_window": (-3, 6), "estimation": 120, "gap": 5,
        "car": [(0, 0), (-3, -1), (0, 2), (3, 6), (-3, 6)], "draws": 199, "volatility": "ewma",
        "model": MarketModel("market"),
    }  # fmt: skip
    return Study(**(chosen | options))


def run(frame: pd.DataFrame, table: pd.DataFrame, **options: object):
    return run_study(study(**options), events_from_frame(table), load_prices(frame))


places = st.lists(st.integers(140, 410), min_size=1, max_size=5, unique=True)


@FEW
@given(st.integers(0, 10**6), places)
def test_cars_of_adjacent_windows_add_up(seed: int, positions: list[int]) -> None:
    found = run(prices(seed), events(positions)).events
    parts = found["car_-3_-1"] + found["car_0_2"] + found["car_3_6"]
    np.testing.assert_allclose(parts, found["car_-3_6"], rtol=0, atol=1e-12)


@FEW
@given(st.integers(0, 10**6), st.integers(140, 400))
def test_nothing_looks_ahead(seed: int, position: int) -> None:
    frame = prices(seed)
    cut = run(frame.iloc[: position + 7], events([position]))
    full = run(frame, events([position]))
    pd.testing.assert_frame_equal(cut.effects, full.effects)
    shaken = frame.copy()
    shaken.iloc[position + 1 :] *= 1.5
    calm = run(frame, events([position])).effects.iloc[0]
    other = run(shaken, events([position])).effects.iloc[0]
    same = ["effect", "se", "t", "p_t", "p_sq", "p_vfc", "p_fhs", "mde", "vol_ratio"]
    assert calm[same].tolist() == other[same].tolist()


@FEW
@given(st.integers(0, 10**6), places, st.randoms(use_true_random=False))
def test_order_of_events_is_irrelevant(seed: int, positions: list[int], random) -> None:
    mixed = list(positions)
    random.shuffle(mixed)
    frame = prices(seed)
    one, two = (run(frame, events(order)).effects for order in (positions, mixed))
    keys = ["event_id", "window"]
    pd.testing.assert_frame_equal(
        one.sort_values(keys, ignore_index=True), two.sort_values(keys, ignore_index=True)
    )


@FEW
@given(st.integers(0, 10**6), places, st.sampled_from([0.5, 4.0, 1024.0]))
def test_currency_is_irrelevant(seed: int, positions: list[int], rate: float) -> None:
    frame = prices(seed)
    one = run(frame, events(positions)).effects
    two = run(frame * [rate, 1.0], events(positions)).effects
    for name in ("effect", "se", "t", "p_vfc", "p_fhs", "percent"):
        np.testing.assert_allclose(one[name], two[name], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one["usd"] * rate, two["usd"], rtol=1e-9)


@FEW
@given(st.integers(0, 10**6), st.integers(140, 400), st.floats(0.01, 0.3))
def test_a_known_effect_moves_the_estimate_by_itself(seed: int, at: int, jump: float) -> None:
    frame = prices(seed)
    moved = frame.copy()
    moved.iloc[at:, 0] *= np.exp(jump)
    plain, hit = (run(f, events([at]), model=ConstantMean()).events.iloc[0] for f in (frame, moved))
    assert hit["ar0"] - plain["ar0"] == pytest.approx(jump, abs=1e-12)
    assert hit["se"] == pytest.approx(plain["se"], rel=1e-12)
    assert hit["mde"] == pytest.approx(plain["mde"], rel=1e-12)


def test_excluding_other_events_changes_only_windows_that_hold_one() -> None:
    frame, table = prices(3), events([200, 260, 400])
    plain, without = (
        run(frame, table, exclude_events=flag).effects.set_index(["event_id", "window"])
        for flag in (False, True)
    )
    assert (
        plain.loc["e200", "n_estimation"].tolist() == without.loc["e200", "n_estimation"].tolist()
    )
    # e260 estimates on 132..251: the ten sessions 197..206 of e200 lie inside.
    assert (without.loc["e260", "n_estimation"] == 110).all()
    assert (plain.loc["e260", "n_estimation"] == 120).all()


def test_a_gap_beside_a_pair_is_said_to_be_unused() -> None:
    frame, table = prices(4), events([300])
    pair = run(frame, table, estimation=(-128, -9), gap=5)
    number = run(frame, table, estimation=120, gap=5)
    pd.testing.assert_frame_equal(pair.effects, number.effects)
    said = [r.detail for r in pair.notes if r.subject == "[windows] gap"]
    assert len(said) == 1
    assert "[-128,-9]" in said[0]
    assert not [r for r in number.notes if r.subject == "[windows] gap"]


def test_few_draws_still_give_numbers() -> None:
    found = run(prices(5), events([300]), draws=19).effects
    assert found[["p_fhs", "ci_low", "ci_high", "mde"]].notna().all(axis=None)
