"""Fits and forecasts of every model against statsmodels, to 1e-9 and with missing sessions."""

import numpy as np
import pytest
import statsmodels.api as sm

from eventstudy.models.estimation import fit_pairs
from eventstudy.models.least_squares import least_squares
from eventstudy.windows import Window

WINDOW, ESTIMATION = Window(-2, 4), Window(-130, -6)
RNG = np.random.default_rng(5)
MARKET = RNG.standard_t(5, 400) * 0.01
FACTOR = 80 + np.cumsum(RNG.normal(size=400))  # a level: the normal equations would lose digits
RETURNS = 0.0004 + 0.7 * MARKET + 1e-4 * FACTOR + RNG.standard_t(4, 400) * 0.015
RETURNS[[150, 201, 263, 303]] = np.nan
POSITION = np.array([200, 265, 300, 301])
DESIGNS = {
    "constant-mean": np.ones((400, 1)),
    "market": np.column_stack([np.ones(400), MARKET]),
    "factor": np.column_stack([np.ones(400), MARKET, FACTOR]),
}


def fitted(design: np.ndarray, masked: np.ndarray | None = None):
    mask = np.zeros(400, dtype=bool) if masked is None else masked
    return fit_pairs(
        RETURNS, design, np.zeros(400),
        position=POSITION, window=WINDOW, estimation=ESTIMATION, masked=mask,
        event_ids=("a", "b", "c", "d"), asset="x", return_kind="log",
    )  # fmt: skip


@pytest.mark.parametrize("name", DESIGNS)
def test_fit_and_prediction_agree_with_statsmodels(name: str) -> None:
    design = DESIGNS[name]
    found = fitted(design)
    for row, at in enumerate(POSITION):
        est = np.arange(at + ESTIMATION.start, at + ESTIMATION.end + 1)
        est = est[np.isfinite(RETURNS[est])]
        model = sm.OLS(RETURNS[est], design[est]).fit()
        win = np.arange(at + WINDOW.start, at + WINDOW.end + 1)
        forecast = model.get_prediction(design[win])
        np.testing.assert_allclose(found.params[row], model.params, rtol=1e-9)
        np.testing.assert_allclose(found.abnormal.s2[row], model.mse_resid, rtol=1e-9)
        assert found.abnormal.df[row] == model.df_resid
        np.testing.assert_allclose(found.abnormal.expected[row], forecast.predicted_mean, rtol=1e-9)
        se = np.sqrt(found.abnormal.s2[row] * np.diag(found.abnormal.cov_factor[row]))
        np.testing.assert_allclose(se, forecast.se_obs, rtol=1e-9)
        inverse = np.linalg.inv(design[est].T @ design[est])
        full = np.eye(len(win)) + design[win] @ inverse @ design[win].T
        np.testing.assert_allclose(found.abnormal.cov_factor[row], full, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", DESIGNS)
def test_variance_of_a_car_is_that_of_one_long_forecast(name: str) -> None:
    design = DESIGNS[name]
    found = fitted(design).abnormal
    for row, at in enumerate(POSITION):
        est = np.arange(at + ESTIMATION.start, at + ESTIMATION.end + 1)
        est = est[np.isfinite(RETURNS[est])]
        win = np.arange(at + WINDOW.start, at + WINDOW.end + 1)
        win = win[np.isfinite(RETURNS[win])]
        model = sm.OLS(RETURNS[est], design[est]).fit()
        total = design[win].sum(axis=0)
        variance = model.mse_resid * len(win) + total @ model.cov_params() @ total
        np.testing.assert_allclose(found.variance[row], variance, rtol=1e-9)
        np.testing.assert_allclose(
            found.car[row], np.sum(RETURNS[win] - design[win] @ model.params)
        )
        assert found.n_sessions[row] == len(win)


def test_constant_mean_variance_is_w_plus_w_squared_over_l() -> None:
    found = fitted(DESIGNS["constant-mean"]).abnormal
    w, n_est = found.n_sessions, found.n_est
    np.testing.assert_allclose(found.variance, found.s2 * (w + w**2 / n_est), rtol=1e-12)


def test_masked_sessions_leave_the_fit() -> None:
    mask, at = np.zeros(400, dtype=bool), POSITION[0]
    mask[at + ESTIMATION.start + 10 : at + ESTIMATION.start + 30] = True
    found = fitted(DESIGNS["market"], mask)
    est = np.arange(at + ESTIMATION.start, at + ESTIMATION.end + 1)
    est = est[~mask[est]]
    est = est[np.isfinite(RETURNS[est])]
    model = sm.OLS(RETURNS[est], DESIGNS["market"][est]).fit()
    np.testing.assert_allclose(found.params[0], model.params, rtol=1e-9)
    assert np.isnan(found.abnormal.ar_est[0, 10:30]).all()


def test_null_residuals_are_those_of_a_joint_fit() -> None:
    found = fitted(DESIGNS["market"]).null_residuals(Window(0, 1))
    at = POSITION[1]
    rows = np.r_[at + ESTIMATION.start : at + ESTIMATION.end + 1, at : at + 2]
    good = np.isfinite(RETURNS[rows])
    model = sm.OLS(RETURNS[rows][good], DESIGNS["market"][rows][good]).fit()
    np.testing.assert_allclose(found[1][good], model.resid, atol=1e-12)


def test_nothing_to_estimate_is_a_design_of_no_columns() -> None:
    y = np.array([[0.1, -0.2, np.nan, 0.4]])
    fit = least_squares(y, np.empty((1, 4, 0)))
    assert fit.s2[0] == pytest.approx((0.01 + 0.04 + 0.16) / 3)
    np.testing.assert_array_equal(fit.leverage(np.empty((1, 2, 0)))[0], np.zeros((2, 2)))


def test_collinear_and_short_windows_are_flagged_not_solved() -> None:
    y = RNG.normal(size=(3, 30))
    x = np.ones((3, 30, 2))
    x[1, :, 1] = np.arange(30)
    y[2, 1:] = np.nan
    fit = least_squares(y, x)
    assert fit.singular.tolist() == [True, False, True]
    assert np.isnan(fit.params[0]).all()
    assert np.isfinite(fit.params[1]).all()


def test_no_windows_give_empty_arrays() -> None:
    fit = least_squares(np.empty((0, 30)), np.ones((0, 30, 2)))
    assert fit.params.shape == (0, 2)
    assert fit.leverage(np.ones((0, 5, 2))).shape == (0, 5, 5)
