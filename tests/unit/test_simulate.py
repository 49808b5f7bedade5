"""Simulated paths: the truth they claim is the truth they hold."""

import io

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from simulate import (
    ConstantVolatility,
    Effect,
    Garch,
    Jumps,
    Market,
    simulate,
    write_wide,
)


def rng(seed=5):
    return np.random.default_rng(seed)


def test_constant_volatility_has_its_moments():
    got = simulate(40_000, rng(), volatility=ConstantVolatility(0.015), drift=0.001)
    r = got.returns[:, 0]
    assert r.std() == pytest.approx(0.015, rel=0.02)
    assert abs(r.mean() - 0.001) < 4 * 0.015 / 200
    assert stats.kstest((r - 0.001) / 0.015, "norm").pvalue > 1e-3


def test_garch_recursion_holds_session_by_session():
    design = Garch(sigma=0.02, alpha=0.1, beta=0.85, nu=5.0)
    got = simulate(3_000, rng(), volatility=design, effects=[Effect(1_000, 0.1, variance=9.0)])
    shock = got.returns[:, 0] - got.mean[:, 0]
    own = got.sigma[:, 0] ** 2
    own[1_000] /= 9.0
    omega = 0.02**2 * 0.05
    want = omega + 0.1 * shock[:-1] ** 2 + 0.85 * own[:-1]
    np.testing.assert_allclose(own[1:], want, rtol=1e-9)


def test_garch_errors_are_student_t_and_volatility_clusters():
    got = simulate(20_000, rng(), volatility=Garch(nu=5.0))
    z = got.returns[:, 0] / got.sigma[:, 0]
    assert stats.kstest(z * np.sqrt(5 / 3), stats.t(5).cdf).pvalue > 1e-3
    assert got.returns.std() == pytest.approx(0.02, rel=0.15)
    size = np.abs(got.returns[:, 0])
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.08
    assert abs(np.corrcoef(np.abs(z[1:]), np.abs(z[:-1]))[0, 1]) < 0.04


def test_effects_change_their_sessions_and_nothing_else():
    plain = simulate(300, rng(), n_assets=3, volatility=Garch())
    moved = simulate(
        300, rng(), n_assets=3, volatility=Garch(),
        effects=[Effect(50, 0.04), Effect(50, 0.01, asset=2), Effect(120, -0.03, asset=0)],
    )  # fmt: skip
    difference = moved.returns - plain.returns
    want = np.zeros((300, 3))
    want[50] = [0.04, 0.04, 0.05]
    want[120, 0] = -0.03
    np.testing.assert_allclose(difference, want, atol=1e-15)
    np.testing.assert_allclose(moved.mean, want, atol=1e-15)


def test_event_variance_scales_the_shock_of_its_session():
    plain = simulate(300, rng(), n_assets=2)
    wild = simulate(300, rng(), n_assets=2, effects=[Effect(9, variance=4.0, asset=1)])
    ratio = wild.returns / plain.returns
    assert ratio[9, 1] == pytest.approx(2.0)
    ratio[9, 1] = 1.0
    np.testing.assert_allclose(ratio, 1.0)
    assert wild.sigma[9, 1] == pytest.approx(0.04)


def test_market_and_correlation():
    got = simulate(
        20_000, rng(), n_assets=3, market=Market(sigma=0.01, betas=(0.5, 1.0, 2.0)),
        correlation=0.3, volatility=ConstantVolatility(0.02),
    )  # fmt: skip
    for i, beta in enumerate((0.5, 1.0, 2.0)):
        assert np.polyfit(got.market, got.returns[:, i], 1)[0] == pytest.approx(beta, abs=0.06)
    own = got.returns - np.outer(got.market, [0.5, 1.0, 2.0])
    np.testing.assert_allclose(np.corrcoef(own.T)[np.triu_indices(3, 1)], 0.3, atol=0.03)


def test_jumps_come_at_their_rate():
    got = simulate(20_000, rng(), jumps=Jumps(rate=0.02, sigma=0.1))
    live = got.jumps[:, 0] != 0
    assert live.mean() == pytest.approx(0.02, abs=0.004)
    assert got.jumps[live, 0].std() == pytest.approx(0.1, rel=0.15)
    assert got.returns[live].std() > 4 * got.returns[~live].std()


def test_rolls_are_in_the_prices_and_not_in_the_returns():
    got = simulate(200, rng(), rolls=[40, 60], roll_gap=0.03, first_price=50.0)
    shown = np.diff(np.log(np.concatenate([[50.0], got.prices[:, 0]])))
    gap = shown - got.returns[:, 0]
    assert list(np.flatnonzero(np.abs(gap) > 1e-9)) == [40, 60]
    np.testing.assert_allclose(gap[[40, 60]], 0.03)


def test_missing_figures_are_withheld_in_both_kinds_of_file():
    one = simulate(50, rng(), n_assets=2, missing=[(3, 1), (7, 0)])
    for kind in ("prices", "returns"):
        frame = one.wide(kind)
        holes = np.argwhere(frame[list(one.assets)].isna().to_numpy())
        assert holes.tolist() == [[3, 1], [7, 0]]
    share = simulate(5_000, rng(), n_assets=4, missing=0.03).missing.mean()
    assert share == pytest.approx(0.03, abs=0.005)
    assert np.isfinite(one.returns).all()


def test_wide_file_comes_back_exactly(tmp_path):
    got = simulate(60, rng(), n_assets=2, market=Market(), missing=0.05)
    for kind in ("prices", "returns"):
        frame = got.wide(kind)
        assert list(frame.columns) == ["session", "asset_01", "asset_02", "market"]
        path = write_wide(frame, tmp_path / f"{kind}.csv")
        back = pd.read_csv(path)
        pd.testing.assert_frame_equal(back, frame, check_dtype=False, check_exact=True)
    index = got.wide("prices")["market"]
    np.testing.assert_allclose(np.diff(np.log(index)), got.market[1:], atol=1e-12)
    assert pd.read_csv(io.StringIO(path.read_text()))["session"].iloc[0] == "2020-01-02"


def test_sessions_are_weekdays_in_order():
    got = simulate(30, rng(), start="2024-01-01")
    assert got.sessions.is_monotonic_increasing
    assert (got.sessions.day_of_week < 5).all()


def test_same_seed_same_path():
    one = simulate(100, rng(8), volatility=Garch(), jumps=Jumps(), missing=0.1)
    two = simulate(100, rng(8), volatility=Garch(), jumps=Jumps(), missing=0.1)
    np.testing.assert_array_equal(one.prices, two.prices)
    other = simulate(100, rng(9), volatility=Garch(), jumps=Jumps(), missing=0.1)
    assert not np.array_equal(one.returns, other.returns)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"effects": [Effect(100)]}, "session 100"),
        ({"rolls": [-1]}, "session -1"),
        ({"effects": [Effect(1, asset=1)]}, "asset 1"),
        ({"correlation": 1.0}, "correlation"),
        ({"missing": 1.0}, "missing"),
    ],
)
def test_values_outside_their_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        simulate(100, rng(), **options)


def test_garch_without_a_long_run_variance_is_refused():
    with pytest.raises(ValueError, match="sum to less than 1"):
        Garch(alpha=0.2, beta=0.8)
