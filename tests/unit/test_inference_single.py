from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from eventstudy.inference.one_event.filtered import (
    block_sums,
    conformal_pvalue,
    critical_value,
    detectable_effect,
    filtered_tests,
    rank_pvalue,
)
from eventstudy.inference.one_event.single import (
    quantile_pvalues,
    shortfalls,
    textbook_tests,
    unusual_volatility,
)
from eventstudy.models.volatility import VolatilityFilter, fit_filter

L, DF = 250, 249


def arguments(window=(0.03,), seed=3, history=600, **changes):
    rng = np.random.default_rng(seed)
    past = 0.01 * rng.standard_t(6, history)
    residuals = past[-L:] - past[-L:].mean()
    s = math.sqrt(float(residuals @ residuals) / DF)
    window = np.array(window)
    joined = np.concatenate([residuals, window])
    given = {
        "history": past,
        "filter": fit_filter(past),
        "residuals": residuals,
        "window_ar": window,
        "se": s * math.sqrt(len(window) + len(window) ** 2 / L),
        "s": s,
        "df": DF,
        "null_residuals": joined - joined.mean(),
        "rng": np.random.default_rng(1),
        "draws": 999,
    }
    return given | changes


def outcome(given):
    """Put the tests of one window together, as a batch does."""
    window, past, filt = given["window_ar"], given["history"], given["filter"]
    w, car, path = len(window), float(window.sum()), filt.run(past)
    found = filtered_tests(
        car, w, history=past, path=path, filt=filt,
        forecast_sd=math.sqrt(max(given["se"] ** 2 - w * given["s"] ** 2, 0.0)),
        level=0.05, draws=given["draws"], rng=given["rng"],
    )  # fmt: skip
    effect, ratio = np.array([[car]]), path.sigma_next / given["s"]
    book = textbook_tests(effect, np.array([[given["se"]]]), np.array([[DF]]), level=0.05)
    p_sq, n_sq = quantile_pvalues(effect, given["residuals"][None], np.array([[w]]))
    names = ("p_vfc", "p_fhs", "n_vfc", "n_fhs", "method", "mde", "reference")
    return SimpleNamespace(
        **{name: getattr(found, name) for name in names},
        p_default=getattr(found, f"p_{found.method}"),
        effect=car, half=found.critical, vol_ratio=ratio,
        p_t=book.p[0, 0], mde_t=book.mde[0, 0], p_sq=p_sq[0, 0], n_sq=n_sq[0, 0],
        p_conformal=float(conformal_pvalue(given["null_residuals"], w)),
    )  # fmt: skip


def test_one_session_agrees_with_loops():
    given = arguments((0.021,))
    result = outcome(given)
    filt = given["filter"]
    variance = sum(0.94**i * r * r for i, r in enumerate(given["history"][:75]))
    variance /= sum(0.94**i for i in range(75))
    square, count, last = variance, 0, []
    for value in given["history"]:
        variance = filt.omega + filt.alpha * square + filt.beta * variance
        last.append(abs(value) / math.sqrt(variance))
        square = value * value
    ahead = math.sqrt(filt.omega + filt.alpha * square + filt.beta * variance)
    count = sum(1 for z in last if z >= 0.021 / ahead)
    assert result.p_vfc == pytest.approx((1 + count) / 601)
    larger = sum(1 for r in given["residuals"] if abs(r) >= 0.021)
    assert result.p_sq == pytest.approx((1 + larger) / 251)
    assert result.p_t == pytest.approx(2 * stats.t.sf(0.021 / given["se"], DF))
    assert result.vol_ratio == pytest.approx(ahead / given["s"])
    assert result.method == "vfc"
    assert result.p_default == result.p_vfc
    assert (result.n_vfc, result.n_sq) == (600, 250)


def test_several_sessions_agree_with_loops():
    given = arguments((0.02, -0.005, 0.03))
    result = outcome(given)
    residuals, car = given["residuals"], 0.045
    larger = sum(1 for j in range(248) if abs(sum(residuals[j : j + 3])) >= car)
    assert result.p_sq == pytest.approx((1 + larger) / 249)
    null, at_least = list(given["null_residuals"]), 0
    observed = abs(sum(null[-3:]))
    for shift in range(253):
        turned = null[shift:] + null[:shift]
        at_least += abs(sum(turned[-3:])) >= observed - 1e-15
    assert result.p_conformal == pytest.approx(at_least / 253)
    assert result.p_default == result.p_fhs
    filt, path = given["filter"], given["filter"].run(given["history"])
    scaled = []
    for start in range(598):
        variance, total = path.sigma[start] ** 2, 0.0
        for _ in range(3):
            total += variance
            variance = filt.omega + (filt.alpha + filt.beta) * variance
        scaled.append(abs(sum(given["history"][start : start + 3])) / math.sqrt(total))
    total, variance = 0.0, path.sigma_next**2
    for _ in range(3):
        total += variance
        variance = filt.omega + (filt.alpha + filt.beta) * variance
    count = sum(1 for value in scaled if value >= car / math.sqrt(total))
    assert result.p_vfc == pytest.approx((1 + count) / 599)


def test_fhs_agrees_with_a_loop_over_every_run():
    """Without noise the simulated law is the set of runs: compare its quantile with them all."""
    given = arguments((0.02, -0.005), draws=40_000)
    given["se"] = given["s"] * math.sqrt(2)
    result = outcome(given)
    filt, path = given["filter"], given["filter"].run(given["history"])
    z = path.z - path.z.mean()
    every = []
    for start in range(599):
        first = path.sigma_next * z[start]
        variance = filt.omega + filt.alpha * first**2 + filt.beta * path.sigma_next**2
        every.append(abs(first + math.sqrt(variance) * z[start + 1]))
    assert result.p_fhs == pytest.approx(np.mean(np.array(every) >= 0.015), abs=0.01)
    assert (
        np.isclose(np.abs(result.reference[:50])[:, None], np.array(every), rtol=0, atol=1e-8)
        .any(axis=1)
        .all()
    )


@pytest.mark.parametrize("window", [(0.01,), (0.01, 0.02, -0.01)])
def test_the_interval_inverts_the_default_test(window):
    given = arguments(window)
    base = outcome(given)
    half = base.half
    for factor, rejected in ((0.999, False), (1.001, True)):
        moved = arguments((half * factor,) + (0.0,) * (len(window) - 1))
        moved["se"], moved["s"] = given["se"], given["s"]
        assert (outcome(moved).p_default <= 0.05) is rejected


def test_the_detectable_effect_is_found_in_four_of_five():
    law = np.random.default_rng(0).standard_normal(200_000)
    effect = detectable_effect(np.sort(np.abs(law)), 1.96)
    assert effect == pytest.approx(1.95996 + 0.84162, abs=0.01)
    result = outcome(arguments())
    quantile = stats.t.ppf(0.975, DF) + stats.t.ppf(0.8, DF)
    assert result.mde_t == pytest.approx(quantile * arguments()["se"])


def test_scale_does_not_matter():
    given = arguments((0.02, 0.01))
    names = ("history", "residuals", "window_ar", "se", "s", "null_residuals")
    scaled = given | {name: given[name] * 100 for name in names}
    scaled["filter"] = VolatilityFilter(
        given["filter"].kind,
        "",
        given["filter"].omega * 1e4,
        given["filter"].alpha,
        given["filter"].beta,
        given["filter"].nu,
        600,
    )
    scaled["rng"] = np.random.default_rng(1)
    small, large = outcome(given), outcome(scaled)
    for name in ("p_t", "p_sq", "p_vfc", "p_fhs", "p_conformal", "vol_ratio"):
        assert getattr(small, name) == pytest.approx(getattr(large, name))
    assert large.mde == pytest.approx(100 * small.mde)
    assert large.half == pytest.approx(100 * small.half)


def test_a_turbulent_start_warns():
    given = arguments()
    given["history"] = given["history"].copy()
    given["history"][-10:] *= 6
    given["filter"] = fit_filter(given["history"], kind="ewma")
    assert unusual_volatility(np.array(outcome(given).vol_ratio))


def test_short_histories_say_what_they_cannot_do():
    given = arguments((0.01,) * 30, history=260)
    given["history"] = given["history"][-25:]
    result = outcome(given)
    assert math.isnan(result.p_vfc)
    assert math.isnan(result.p_fhs)
    assert (result.n_vfc, result.n_fhs) == (0, 0)
    assert math.isinf(result.half)
    sizes = {"sq": int(result.n_sq), "vfc": result.n_vfc, "fhs": result.n_fhs}
    assert len(shortfalls(sizes, result.method, result.half, 30, 0.05)) == 3


def test_rank_pvalue_and_its_critical_value_agree():
    rng = np.random.default_rng(4)
    for size in (10, 19, 20, 99, 999):
        law = rng.standard_normal(size)
        critical = critical_value(np.sort(np.abs(law)), 0.05)
        if math.isinf(critical):
            assert 1 / (size + 1) > 0.05
            continue
        assert rank_pvalue(critical, law) > 0.05
        assert rank_pvalue(critical * 1.0001, law) <= 0.05


def test_block_sums_and_conformal_edges():
    assert block_sums(np.ones(2), 3).size == 0
    assert math.isnan(conformal_pvalue(np.ones(2), 2))
    assert conformal_pvalue(np.r_[np.zeros(9), 1.0], 1) == pytest.approx(0.1)
