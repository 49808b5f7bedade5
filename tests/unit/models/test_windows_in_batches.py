"""Windows fitted in batches: as exact as one fit at a time, and independent of one another."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.errors import EstimationError
from eventstudy.models.abnormal import CovFactor
from eventstudy.models.estimation import ModelFit, fit_pairs, fit_sample, gather
from eventstudy.models.least_squares import COLLINEAR, least_squares
from eventstudy.windows import Window

WINDOW, ESTIMATION = Window(-2, 3), Window(-42, -3)
EPS = np.finfo(float).eps


def series(seed: int, size: int = 220, holes: float = 0.04):
    rng = np.random.default_rng(seed)
    market = rng.standard_t(5, size) * 0.01
    returns = 0.8 * market + rng.standard_t(4, size) * 0.02
    returns[rng.random(size) < holes] = np.nan
    level = 80 + np.cumsum(rng.normal(size=size))
    return returns, np.column_stack([np.ones(size), market, level])


def fitted(returns, design, position, masked=None) -> ModelFit:
    position = np.asarray(position, dtype=np.int64)
    return fit_pairs(
        returns, design, np.zeros(len(returns)), position=position, window=WINDOW,
        estimation=ESTIMATION,
        masked=np.zeros(len(returns), dtype=bool) if masked is None else masked,
        event_ids=tuple(f"e{i}" for i in range(len(position))), asset="x", return_kind="log",
    )  # fmt: skip


def householder(y, x):
    """One window at a time by the reflections of LAPACK."""
    use = np.isfinite(y) & np.isfinite(x).all(axis=1)
    q, root = np.linalg.qr(x[use])
    params = np.linalg.solve(root, q.T @ y[use])
    return params, y[use] - x[use] @ params, root


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 3), st.sampled_from([0.0, 0.1]))
def test_every_window_is_that_of_one_fit_alone(seed: int, k: int, holes: float) -> None:
    returns, design = series(seed, holes=holes)
    starts = np.random.default_rng(seed).integers(0, 180, 7)
    y = np.stack([returns[s : s + 40] for s in starts])
    x = np.stack([design[s : s + 40, :k] for s in starts])
    fit = least_squares(y, x)
    ahead = np.stack([design[s : s + 5, :k] for s in starts])
    for row in range(len(starts)):
        if k == 0:
            np.testing.assert_array_equal(fit.residuals[row], y[row])
            continue
        params, residuals, root = householder(y[row], x[row])
        np.testing.assert_allclose(fit.params[row], params, rtol=1e-9, atol=1e-14)
        live = np.isfinite(y[row])
        np.testing.assert_allclose(fit.residuals[row][live], residuals, atol=1e-14)
        assert np.isnan(fit.residuals[row][~live]).all()
        assert fit.s2[row] == pytest.approx((residuals**2).sum() / (len(residuals) - k), rel=1e-12)
        np.testing.assert_allclose(
            fit.root[row].T @ fit.root[row], root.T @ root, rtol=1e-12, atol=1e-15
        )
        half = np.linalg.solve(root.T, ahead[row].T)
        np.testing.assert_allclose(fit.leverage(ahead)[row], half.T @ half, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("apart", [1e-2, 1e-5, 1e-8])
def test_nearly_collinear_factors_lose_no_more_than_their_condition(apart: float) -> None:
    rng = np.random.default_rng(3)
    one, noise = rng.normal(size=(2, 60))
    x = np.column_stack([np.ones(60), one, one + apart * noise])
    y = x @ [0.1, 1.0, -2.0] + 0.1 * rng.normal(size=60)
    fit = least_squares(y[None], x[None])
    exact = _longdouble(y, x)
    condition = np.linalg.cond(x)
    assert np.abs(fit.params[0] - exact).max() <= 50 * condition * EPS * np.abs(exact).max()
    residuals = (y - x.astype(np.longdouble) @ exact).astype(float)
    np.testing.assert_allclose(fit.residuals[0], residuals, atol=50 * condition * EPS)


def _longdouble(y, x):
    """Solve in extended precision by Gram-Schmidt, orthogonalised twice, in a plain loop."""
    q = x.astype(np.longdouble)
    k = q.shape[1]
    root = np.zeros((k, k), dtype=np.longdouble)
    for j in range(k):
        for _ in range(2):
            for i in range(j):
                weight = q[:, i] @ q[:, j]
                root[i, j] += weight
                q[:, j] = q[:, j] - weight * q[:, i]
        root[j, j] = np.sqrt(q[:, j] @ q[:, j])
        q[:, j] = q[:, j] / root[j, j]
    moments = q.T @ y.astype(np.longdouble)
    params = np.zeros(k, dtype=np.longdouble)
    for j in reversed(range(k)):
        params[j] = (moments[j] - root[j, j + 1 :] @ params[j + 1 :]) / root[j, j]
    return params


def test_a_level_keeps_its_digits() -> None:
    rng = np.random.default_rng(4)
    level = 1e6 + rng.normal(size=80)
    x = np.column_stack([np.ones(80), level])
    y = 3.0 + 2e-3 * level + rng.normal(size=80)
    found = least_squares(y[None], x[None]).params[0]
    exact = _longdouble(y, x).astype(float)
    np.testing.assert_allclose(found, exact, rtol=1e-7)  # the normal equations have no digit left


@pytest.mark.parametrize("share", [1e-13, 1e-7])
def test_collinear_means_next_to_nothing_left_of_a_column(share: float) -> None:
    rng = np.random.default_rng(5)
    one, noise = rng.normal(size=(2, 50))
    x = np.column_stack([np.ones(50), one, 7 * one + 7 * share * noise])
    fit = least_squares(rng.normal(size=(1, 50)), x[None])
    singular = share < COLLINEAR
    assert fit.singular.tolist() == [singular]
    assert np.isnan(fit.residuals).all() == singular
    assert np.isnan(fit.s2).all() == singular


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.integers(-10, 240), min_size=1, max_size=12),
    st.integers(0, 3),
    st.sampled_from([0.0, 0.02]),
)
def test_no_number_depends_on_the_other_windows(seed, positions, k, holes) -> None:
    returns, design = series(seed, holes=holes)
    design = design[:, :k]
    together = fitted(returns, design, positions)
    for row, at in enumerate(positions):
        alone = fitted(returns, design, [at])
        for name in ("ar", "ar_est", "s2", "n_est", "car", "variance", "scar", "sar", "expected"):
            mine = getattr(together.abnormal, name)[row]
            np.testing.assert_array_equal(mine, getattr(alone.abnormal, name)[0])
        np.testing.assert_array_equal(together.params[row], alone.params[0])
        assert together.singular[row] == alone.singular[0]


def test_more_windows_than_a_block_come_back_in_their_order() -> None:
    returns, design = series(1, size=900, holes=0.002)  # windows with and without a gap
    position = np.random.default_rng(1).integers(60, 880, 700)
    found = fitted(returns, design[:, :2], position).abnormal
    assert 0 < (found.n_est == len(ESTIMATION)).sum() < 700
    for row in (0, 255, 256, 511, 699):
        alone = fitted(returns, design[:, :2], position[row : row + 1]).abnormal
        np.testing.assert_array_equal(found.ar_est[row], alone.ar_est[0])
        assert found.position[row] == position[row]


def test_a_masked_session_counts_as_missing_in_the_estimation_window() -> None:
    returns, design = series(2)
    position = np.array([60, 61, 130, 215])
    sessions = np.zeros(len(returns), dtype=bool)
    sessions[::9] = True
    one = fitted(returns, design[:, :2], position, sessions)
    two = fitted(np.where(sessions, np.nan, returns), design[:, :2], position)
    for name in ("ar_est", "s2", "n_est"):
        np.testing.assert_array_equal(getattr(one.abnormal, name), getattr(two.abnormal, name))
    assert np.isfinite(one.abnormal.ar[:, 0][sessions[position]]).all()
    null = one.null_residuals(Window(0, 1))
    assert np.isnan(null[:, : len(ESTIMATION)]).sum() == np.isnan(two.abnormal.ar_est).sum()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 30),
    st.lists(st.integers(-60, 80), max_size=6),
    st.integers(-40, 40),
    st.integers(1, 40),
    st.booleans(),
)
def test_gathering_is_a_loop(size, positions, start, width, table) -> None:
    values = np.arange(float(size))
    values = np.column_stack([values, -values]) if table else values
    window = Window(start, start + width - 1)
    found = gather(values, np.array(positions, dtype=np.int64), window)
    assert found.shape == (len(positions), width, *values.shape[1:])
    for row, at in enumerate(positions):
        for column, tau in enumerate(window.taus):
            inside = 0 <= at + tau < size
            want = values[at + tau] if inside else np.full(values.shape[1:], np.nan)
            np.testing.assert_array_equal(found[row, column], want)


def test_no_events_give_empty_arrays() -> None:
    returns, design = series(6)
    empty = fitted(returns, design, [])
    assert empty.abnormal.ar.shape == (0, len(WINDOW))
    assert empty.abnormal.ar_est.shape == (0, len(ESTIMATION))
    assert empty.params.shape == (0, 3)


def test_the_factor_of_a_covariance_is_the_covariance() -> None:
    rng = np.random.default_rng(7)
    half = rng.normal(size=(4, 2, 5))
    dense = np.eye(5) + np.einsum("nkv,nkw->nvw", half, half)
    present = rng.random((4, 5)) < 0.6
    for factor in (CovFactor(half), CovFactor.of(dense)):
        assert (len(factor), factor.shape) == (4, (4, 5, 5))
        np.testing.assert_allclose(np.asarray(factor), dense, rtol=1e-12)
        np.testing.assert_allclose(factor[2], dense[2], rtol=1e-12)
        np.testing.assert_allclose(factor.diagonal(), np.diagonal(dense, axis1=1, axis2=2))
        inner = np.asarray(factor.restrict(slice(1, 4)).take(np.array([3, 1])))
        np.testing.assert_allclose(inner, dense[[3, 1], 1:4, 1:4], rtol=1e-12)
        total = [
            sum(dense[i, v, w] for v in range(5) for w in range(5) if present[i, v] & present[i, w])
            for i in range(4)
        ]
        np.testing.assert_allclose(factor.total(present), total, rtol=1e-12)
    with pytest.raises(EstimationError, match="not positive definite"):
        CovFactor.of(-dense)


def test_abnormal_returns_are_taken_and_pickled() -> None:
    returns, design = series(8)
    five = fitted(returns, design[:, :2], [60, 90, 91, 150, 70]).abnormal
    rows = np.array([4, 0])
    np.testing.assert_array_equal(five.take(rows).variance, five.variance[rows])
    assert five.take(rows).event_ids == ("e4", "e0")
    assert five.take(np.arange(5)) is five
    part = five.take(np.array([1, 2, 3]))
    assert np.shares_memory(part.ar_est, five.ar_est)
    np.testing.assert_array_equal(part.scar, five.scar[1:4])
    assert {name: rows.tolist() for name, rows in part.rows_by_asset.items()} == {"x": [0, 1, 2]}
    again = pickle.loads(pickle.dumps(five))  # our own bytes
    np.testing.assert_array_equal(again.sar, five.sar)
    np.testing.assert_array_equal(again.restrict(Window(0, 1)).car, five.restrict(Window(0, 1)).car)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.tuples(st.integers(0, 2), st.integers(-20, 240)), min_size=1, max_size=12),
    st.integers(0, 3),
)
def test_a_sample_of_several_assets_is_that_of_each_asset(seed, pairs, k) -> None:
    drawn = [series(seed + i, holes=0.02) for i in range(3)]
    design = drawn[0][1][:, :k]
    returns = {name: one[0] for name, one in zip("abc", drawn, strict=True)}
    offset = np.linspace(0.0, 0.01, 220)
    masked = {name: np.arange(220) % (7 + i) == 0 for i, name in enumerate("abc")}
    asset, position = (np.array(part, dtype=np.int64) for part in zip(*sorted(pairs), strict=True))
    ids = tuple(f"e{i}" for i in range(len(pairs)))
    found = fit_sample(
        returns, design, offset, asset=asset, position=position, window=WINDOW,
        estimation=ESTIMATION, masked=masked, event_ids=ids, return_kind="log",
    )  # fmt: skip
    assert found.abnormal.assets == tuple("abc"[i] for i in asset)
    np.testing.assert_array_equal(found.abnormal.position, position)
    for number, name in enumerate("abc"):
        rows = np.flatnonzero(asset == number)
        if not len(rows):
            continue
        alone = fit_pairs(
            returns[name], design, offset, position=position[rows], window=WINDOW,
            estimation=ESTIMATION, masked=masked[name], event_ids=tuple(ids[i] for i in rows),
            asset=name, return_kind="log",
        )  # fmt: skip
        mine = found.on(name)
        assert mine.abnormal.event_ids == alone.abnormal.event_ids
        for part in ("ar", "ar_est", "returns", "expected", "s2", "n_est", "variance", "position"):
            np.testing.assert_array_equal(
                getattr(mine.abnormal, part), getattr(alone.abnormal, part)
            )
        np.testing.assert_array_equal(mine.params, alone.params)
        np.testing.assert_array_equal(mine.singular, alone.singular)
        inner = Window(0, 1)
        np.testing.assert_array_equal(mine.null_residuals(inner), alone.null_residuals(inner))
    some = np.flatnonzero(asset != 1)
    np.testing.assert_array_equal(found.take(some).params, found.params[some])
