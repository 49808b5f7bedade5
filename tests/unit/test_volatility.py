from __future__ import annotations

import warnings
from types import SimpleNamespace

import arch.data.wti
import numpy as np
import pytest
from arch.univariate import GARCH, EWMAVariance, StudentsT, ZeroMean
from scipy import optimize

from eventstudy.errors import EstimationError
from eventstudy.models import volatility
from eventstudy.models.volatility import VolatilityFilter, backcast, filter_series, fit_filter
from eventstudy.prices.datasets import dataset


@pytest.fixture(scope="module")
def wti() -> np.ndarray:
    price = arch.data.wti.load()["DCOILWTICO"].dropna()
    returns = np.diff(np.log(price.to_numpy()))[3000:4000]
    return returns - returns.mean()


@pytest.fixture
def fresh_fits():
    """No fit remembered from another test, none left for the next."""
    volatility._garch_params.cache_clear()
    yield
    volatility._garch_params.cache_clear()


def naive_variance(returns, omega, alpha, beta):
    first = returns[:75]
    weights = [0.94**i for i in range(len(first))]
    start = sum(w * r * r for w, r in zip(weights, first, strict=True)) / sum(weights)
    path, previous, square = [], start, start
    for value in [*returns, None]:
        previous = omega + alpha * square + beta * previous
        path.append(previous)
        if value is not None:
            square = value * value
    return np.array(path)


def test_garch_filter_agrees_with_arch_and_a_loop(wti):
    fitted = fit_filter(wti)
    assert fitted.kind == "garch"
    assert fitted.reason == ""
    path = fitted.run(wti)
    scale = wti.std()
    model = ZeroMean(wti / scale, volatility=GARCH(1, 0, 1), distribution=StudentsT())
    reference = model.fit(disp="off")
    np.testing.assert_allclose(path.sigma, reference.conditional_volatility * scale, rtol=1e-8)
    ahead = reference.forecast(horizon=5).variance.to_numpy()[-1]
    np.testing.assert_allclose(path.sigma_next, np.sqrt(ahead[0]) * scale, rtol=1e-8)
    np.testing.assert_allclose(
        fitted.forecast_scale(path.sigma_next, 5), np.sqrt(ahead.sum()) * scale, rtol=1e-8
    )
    loop = naive_variance(wti, fitted.omega, fitted.alpha, fitted.beta)
    np.testing.assert_allclose(path.sigma**2, loop[:-1], rtol=1e-10)
    np.testing.assert_allclose(path.sigma_next**2, loop[-1], rtol=1e-10)


def simulated(omega, alpha, beta, nu, seed):
    rng = np.random.default_rng(seed)
    shocks, variance, path = rng.standard_t(nu, 2000) * np.sqrt(1 - 2 / nu), 1.0, []
    for shock in shocks:
        path.append(shock * np.sqrt(variance))
        variance = omega + alpha * path[-1] ** 2 + beta * variance
    return 0.02 * np.array(path)


def windows_of_several_series():
    """Histories of 500 to 1,000 sessions: oil, a share index, calm, wild and constant variance."""
    crude = dataset("crude-daily").read()
    series = [
        np.diff(np.log(arch.data.wti.load()["DCOILWTICO"].dropna().to_numpy())),
        np.diff(np.log(crude["brent_front"].dropna().to_numpy())),
        np.diff(np.log(crude["sp500_front"].dropna().to_numpy())),
        simulated(0.01, 0.02, 0.97, 4, seed=1),
        simulated(0.3, 0.2, 0.5, 8, seed=2),
        simulated(1.0, 0.0, 0.0, 30, seed=3),
        simulated(0.02, 0.15, 0.84, 3, seed=4),
    ]
    for returns in series:
        for length in (500, 750, 1000):
            for start in np.unique(np.linspace(0, max(len(returns) - length, 0), 3).astype(int)):
                window = returns[start : start + length]
                yield window - window.mean()


@pytest.mark.usefixtures("fresh_fits")
def test_garch_parameters_are_those_of_arch_on_every_series():
    """The likelihood is arch's and so is the optimiser: the parameters too, not merely close."""
    count = 0
    for returns in windows_of_several_series():
        scale = returns.std()
        model = ZeroMean(returns / scale, volatility=GARCH(1, 0, 1), distribution=StudentsT())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reference = model.fit(disp="off", show_warning=False)
        params, converged = volatility._garch_params((returns / scale).tobytes())
        assert converged == (reference.convergence_flag == 0)
        np.testing.assert_allclose(params, reference.params, rtol=1e-10, atol=1e-14)
        count += 1
    assert count >= 40


@pytest.mark.usefixtures("fresh_fits")
def test_a_history_is_fitted_once(wti, monkeypatch):
    calls = []
    real = optimize.minimize
    monkeypatch.setattr(
        optimize, "minimize", lambda *args, **options: calls.append(1) or real(*args, **options)
    )
    assert fit_filter(wti) == fit_filter(wti.copy())
    assert len(calls) == 1
    fit_filter(wti[1:])
    assert len(calls) == 2


def test_ewma_filter_agrees_with_arch(wti):
    short = wti[:180]
    fitted = fit_filter(short)
    assert (fitted.kind, fitted.reason) == ("ewma", "180 sessions, GARCH needs 500")
    model = ZeroMean(short * 100, volatility=EWMAVariance(0.94))
    reference = model.fit(disp="off")
    np.testing.assert_allclose(
        fitted.run(short).sigma * 100, reference.conditional_volatility, rtol=1e-8
    )


def test_forecasts_never_see_what_follows(wti):
    fitted = fit_filter(wti[:600])
    short, long = fitted.run(wti[:700]), fitted.run(wti[:900])
    np.testing.assert_allclose(long.sigma[:700], short.sigma, rtol=1e-12)
    np.testing.assert_allclose(long.sigma[700], short.sigma_next, rtol=1e-12)


def test_parameters_scale_with_the_returns(wti):
    small, large = fit_filter(wti), fit_filter(wti * 100)
    np.testing.assert_allclose(large.run(wti * 100).z, small.run(wti).z, rtol=1e-6)


def test_simulation_follows_the_recursion():
    fixed = VolatilityFilter("garch", "", 0.1, 0.2, 0.7, 5.0, 500)
    draws = np.array([[1.0, -2.0, 0.5], [0.0, 1.0, -1.0]])
    path = np.column_stack(list(fixed.steps(1.5, draws.T)))
    for row in range(2):
        variance = 1.5**2
        for step in range(3):
            value = variance**0.5 * draws[row, step]
            assert path[row, step] == pytest.approx(value)
            variance = 0.1 + 0.2 * value**2 + 0.7 * variance


@pytest.mark.usefixtures("fresh_fits")
@pytest.mark.parametrize(
    ("params", "status", "reason"),
    [
        ((0.1, 0.2, 0.85, 5.0), 0, r"the GARCH fit is explosive (alpha + beta = 1.0500)"),
        ((0.1, 0.1, 0.85, 5.0), 4, "the GARCH fit did not converge"),
        ((np.nan, 0.1, 0.85, 5.0), 0, "the GARCH fit did not converge"),
    ],
)
def test_a_fit_that_cannot_be_used_falls_back_by_name(wti, monkeypatch, params, status, reason):
    found = SimpleNamespace(x=params, status=status)
    monkeypatch.setattr(optimize, "minimize", lambda *_args, **_options: found)
    fitted = fit_filter(wti)
    assert (fitted.kind, fitted.reason) == ("ewma", reason)


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (np.zeros(600), "do not vary"),
        (np.r_[np.ones(30), np.nan], "not finite"),
        (np.ones(5), "needs 20"),
        (np.empty(0), "do not vary"),
    ],
)
def test_what_cannot_be_filtered_is_named(returns, message):
    with pytest.raises(EstimationError, match=message):
        fit_filter(returns)


def test_backcast_weighs_the_first_sessions():
    assert backcast(np.array([2.0])) == pytest.approx(4.0)


def test_a_filtered_series_knows_only_the_past(wti):
    holes = wti.copy()
    holes[[100, 650]] = np.nan
    whole = filter_series(holes, refit=125)
    cut = filter_series(holes[:760], refit=125)
    np.testing.assert_allclose(whole[:760], cut, rtol=1e-12)
    assert np.isnan(whole[:75]).all()
    assert np.isnan(whole[[100, 650]]).all()
    assert np.isfinite(np.delete(whole, [*range(75), 100, 650])).all()
    usable = holes[np.isfinite(holes)]
    past = usable[:575]
    fitted = fit_filter(past - past.mean())
    block = fitted.run(usable[:600] - past.mean()).z[575:]
    np.testing.assert_allclose(whole[576:601], block, rtol=1e-12)
