"""Tests over all dates as a study runs them: its tables against the prices themselves."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eventstudy.events import events_from_frame
from eventstudy.inference.multiplicity import step_down
from eventstudy.inference.over_dates import overlap
from eventstudy.inference.over_dates.sample import DatedReturns
from eventstudy.models.designs import ConstantMean, MarketModel
from eventstudy.models.volatility import filter_series
from eventstudy.prices.loading import load_prices
from eventstudy.results.tables import Family, Samples
from eventstudy.study import Study, run_study

PLACES = np.array([420, 421, 470, 520, 523, 560, 610, 660])
DIRECTIONS = ("up", "down", "up", "none", "up", "down", "up", "up")


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(4)
    days = pd.bdate_range("2012-01-02", periods=720, name="session")
    common = 0.01 * rng.standard_t(5, 720)
    own = 0.006 * rng.standard_normal((720, 2))
    levels = 70 * np.exp(np.cumsum(np.column_stack([common, common + own[:, 0], own[:, 1]]), 0))
    return pd.DataFrame(levels, index=days, columns=["market", "wti", "brent"])


@pytest.fixture(scope="module")
def events(frame):
    days = [str(day.date()) for day in frame.index[PLACES]]
    ids = [f"e{i}" for i in range(len(PLACES))]
    return pd.DataFrame({"event_id": ids, "date": days, "title": ids, "direction": DIRECTIONS})


def run(frame, events, model=None, **options):
    chosen = {
        "name": "made-up", "assets": ["wti", "brent"], "model": model or ConstantMean(),
        "event_window": (-1, 3), "estimation": 150, "gap": 5, "car": [(0, 0), (0, 3)],
        "volatility": "ewma", "draws": 199, "calendar": "file",
    } | options  # fmt: skip
    return run_study(Study(**chosen), events_from_frame(events), load_prices(frame))


@pytest.fixture(scope="module")
def result(frame, events):
    return run(frame, events)


def rolling(y, x, length=150, step=20):
    """Fit anew every 20 sessions on the 150 before, by lstsq."""
    out = np.full(len(y), np.nan)
    for t in range(length, len(y)):
        start = length + (t - length) // step * step
        use = [k for k in range(start - length, start) if np.isfinite(y[k])]
        beta = np.linalg.lstsq(x[use], y[use], rcond=None)[0]
        out[t] = y[t] - x[t] @ beta
    return out


def filtered(frame, asset, *, market=False):
    y = np.concatenate([[np.nan], np.diff(np.log(frame[asset].to_numpy()))])
    x = np.ones((len(y), 1))
    if market:
        other = np.concatenate([[0.0], np.diff(np.log(frame["market"].to_numpy()))])
        x = np.column_stack([x, other])
    return filter_series(rolling(y, x), kind="ewma")


def row(table, **keys):
    for name, value in keys.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


@pytest.mark.parametrize("window", [(0, 0), (0, 3)])
@pytest.mark.parametrize("name", ["overlap_z", "shift_sharp", "shift_mean", "shift_variance"])
def test_one_asset_agrees_with_filtering_it_by_hand(frame, result, window, name):
    z = filtered(frame, "wti")
    start = int(np.argmax(np.isfinite(z)))
    dates = DatedReturns(z[start:], PLACES - start, sessions=window[1] + 1)
    expected = getattr(overlap, name)(dates)
    found = row(result.tests, asset="wti", window=f"[{window[0]},{window[1]}]", statistic=name)
    assert found["value"] == pytest.approx(expected.value, rel=1e-9)
    assert found["pvalue"] == pytest.approx(expected.pvalue, rel=1e-9)
    assert found["n"] == 8


def test_a_market_model_is_fitted_before_each_session(frame, events):
    found = run(frame, events, MarketModel("market"), assets=["wti"]).tests
    z = filtered(frame, "wti", market=True)
    start = int(np.argmax(np.isfinite(z)))
    expected = overlap.overlap_z(DatedReturns(z[start:], PLACES - start))
    value = row(found, asset="wti", window="[0,0]", statistic="overlap_z")["value"]
    assert value == pytest.approx(expected.value, rel=1e-8)


def test_several_assets_move_together(frame, result):
    z = np.column_stack([filtered(frame, name) for name in ("wti", "brent")])
    start = int(np.argmax(np.isfinite(z).any(axis=1)))
    dates = DatedReturns(
        z[start:], np.tile(PLACES - start, 2), column=np.repeat([0, 1], len(PLACES))
    )
    expected = overlap.overlap_z(dates)
    found = row(result.tests, asset="all", window="[0,0]", statistic="overlap_z")
    assert found["value"] == pytest.approx(expected.value, rel=1e-9)
    assert found["n"] == 16


def test_the_family_holds_single_p_values_together(frame, result):
    assert list(result.family.columns) == [c.name for c in Family.columns()]
    mine = result.family[(result.family["asset"] == "wti") & (result.family["window"] == "[0,0]")]
    effects = result.effects[
        (result.effects["asset"] == "wti") & (result.effects["window"] == "[0,0]")
    ]
    np.testing.assert_array_equal(mine["pvalue"], effects["p_vfc"])
    p = np.sort(mine["pvalue"].to_numpy())
    smallest = mine["p_holm"].min()
    assert smallest == pytest.approx(min(1.0, 8 * p[0]))
    np.testing.assert_allclose(
        np.sort(mine["p_benjamini_hochberg"]), np.sort(stats.false_discovery_control(p))
    )
    z = filtered(frame, "wti")
    start = int(np.argmax(np.isfinite(z)))
    expected = step_down(DatedReturns(z[start:], PLACES - start))
    np.testing.assert_allclose(mine["p_max_z"], expected)
    without = overlap.overlap_z(DatedReturns(z[start:], np.delete(PLACES - start, 2)))
    assert mine["overlap_z_without"].iloc[2] == pytest.approx(without.value, rel=1e-9)


def test_directions_turn_effects_and_make_one_sided_tests(result):
    mine = result.family[(result.family["asset"] == "brent") & (result.family["window"] == "[0,3]")]
    effects = result.effects[
        (result.effects["asset"] == "brent") & (result.effects["window"] == "[0,3]")
    ]["effect"].to_numpy()
    for place, (text, effect) in enumerate(zip(DIRECTIONS, effects, strict=True)):
        found = mine.iloc[place]
        if text == "none":
            assert math.isnan(found["signed_effect"])
            assert math.isnan(found["p_one_sided"])
            assert found["direction"] == ""
            continue
        agrees = (effect > 0) == (text == "up")
        assert found["signed_effect"] == pytest.approx(abs(effect) if agrees else -abs(effect))
        half = found["pvalue"] / 2
        assert found["p_one_sided"] == pytest.approx(half if agrees else 1 - half)
    signed = row(result.tests, asset="brent", window="[0,0]", statistic="signed_overlap_z")
    assert signed["n"] == 7
    assert "one-sided, 7 of 8 windows" in signed["reason"]
    share = row(result.tests, asset="wti", window="[0,0]", statistic="direction_share")
    up = result.family[(result.family["asset"] == "wti") & (result.family["window"] == "[0,0]")]
    assert share["value"] == pytest.approx(
        np.mean(
            up["score"].dropna() * [{"up": 1, "down": -1, "none": np.nan}[d] for d in DIRECTIONS]
            > 0
        )
        * 8
        / 7
    )


def test_the_design_says_what_the_choice_rests_on(result):
    assert list(result.design.columns) == [c.name for c in Samples.columns()]
    found = row(result.design, asset="wti", window="[0,3]")
    assert (found["n"], found["overlapping"], found["n_episodes"]) == (8, 2, 6)
    assert "2 pairs of windows on one asset share sessions" in found["why"]
    chosen = set(
        result.tests[(result.tests["asset"] == "wti") & (result.tests["window"] == "[0,3]")][
            "statistic"
        ]
    )
    assert {"bmp_kp_overlap", "overlap_z", "episode_sign_flip"} <= chosen
    assert "cross_sectional_t" not in chosen
