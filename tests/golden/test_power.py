"""Power in closed form against MacKinlay's table, statsmodels, and simulation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from eventstudy.inference.detectable import (
    CLOSED_FORM,
    PLACEBO,
    detectable_dated,
    detectable_mean,
    normal_detectable,
    normal_power,
    t_detectable,
    t_power,
    without_returns,
)
from eventstudy.inference.over_dates import overlap
from eventstudy.inference.over_dates.overlap import overlap_z, shift_mean
from eventstudy.inference.over_dates.sample import DatedReturns
from eventstudy.inference.over_events import parametric
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.windows import Window


@pytest.mark.parametrize(
    ("n", "published"),
    [(1, (0.06, 0.08, 0.12, 0.17)), (10, (0.12, 0.35, 0.66, 0.89)), (20, (0.20, 0.61, 0.92, 0.99))],
)
def test_mackinlays_table_of_power(n, published):
    found = [normal_power(e / 100, 0.02 / math.sqrt(n)) for e in (0.5, 1.0, 1.5, 2.0)]
    assert [round(p, 2) for p in found] == list(published)


@pytest.mark.parametrize("effect", [0.0, 0.3, 1.0, 2.5])
@pytest.mark.parametrize("n", [3, 12, 60])
def test_power_of_the_t_agrees_with_statsmodels(effect, n):
    reference = TTestPower().power(effect / math.sqrt(n), n, 0.05)
    assert t_power(effect, 1.0, n - 1) == pytest.approx(reference, abs=1e-9)


def test_detectable_effects_have_the_power_they_promise():
    assert t_power(t_detectable(2.0, 7), 2.0, 7) == pytest.approx(0.8)
    reference = TTestPower().solve_power(nobs=8, alpha=0.05, power=0.8)
    assert t_detectable(1.0, 7) == pytest.approx(reference * math.sqrt(8), rel=1e-6)
    assert normal_power(normal_detectable(0.3), 0.3) == pytest.approx(0.8, abs=1e-5)
    assert math.isinf(normal_detectable(math.inf))


def sample(effect, rng, *, n=8, sessions=2, length=60):
    estimation = 0.02 * rng.standard_normal((n, length))
    estimation -= estimation.mean(axis=1, keepdims=True)
    noise = 0.02 * (
        rng.standard_normal((n, sessions)) - rng.standard_normal((n, 1)) / math.sqrt(length)
    )
    return AbnormalReturns(
        event_ids=tuple(f"e{i}" for i in range(n)), assets=("A",) * n,
        window=Window(0, sessions - 1), estimation=Window(-length - 10, -11),
        position=np.arange(100, 100 + 200 * n, 200),
        ar=noise + effect / sessions, ar_est=estimation, returns=noise,
        expected=noise * 0, s2=(estimation**2).sum(axis=1) / (length - 1),
        n_est=np.full(n, length), n_params=1,
        cov_factor=np.broadcast_to(np.eye(sessions) + 1 / length, (n, sessions, sessions)),
        return_kind="log",
    )  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["time_series_t", "crude_dependence_t", "cross_sectional_t", "patell", "bmp", "bmp_kp_overlap"],
)
def test_detectable_means_are_found_four_times_in_five(name):
    rng, test, hits = np.random.default_rng(3), getattr(parametric, name), 0
    promised = np.mean([detectable_mean(sample(0.0, rng), name) for _ in range(40)])
    for _ in range(800):
        hits += test(sample(promised, rng)).pvalue <= 0.05
    assert hits / 800 == pytest.approx(0.8, abs=0.05)


def test_no_event_return_is_read():
    given = sample(0.5, np.random.default_rng(1))
    for name in CLOSED_FORM:
        assert detectable_mean(given, name) == detectable_mean(without_returns(given), name)
    assert not without_returns(given).ar.any()


def test_more_events_see_less():
    given = sample(0.0, np.random.default_rng(2))
    values = [detectable_mean(given, "cross_sectional_t", n=k) for k in (0.5, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[2] / values[3] == pytest.approx(math.sqrt(2), rel=0.1)
    assert math.isnan(detectable_mean(given, "wilcoxon"))


@pytest.mark.parametrize("test", [overlap_z, shift_mean])
def test_placebo_dates_find_what_they_promise(test):
    rng, first = np.random.default_rng(5), np.arange(30, 1900, 90)
    promised = detectable_dated(
        DatedReturns(rng.standard_normal(2000), first, sessions=2), test.__name__
    )
    if test is overlap_z:
        exact = (stats.norm.isf(0.025) + stats.norm.isf(0.2)) * 2 / math.sqrt(2 * len(first))
        assert promised == pytest.approx(exact, rel=0.12)
    hits = 0
    for _ in range(300):
        z = rng.standard_normal(2000)
        z[first] += promised / 2
        z[first + 1] += promised / 2
        hits += test(DatedReturns(z, first, sessions=2)).pvalue <= 0.05
    assert hits / 300 == pytest.approx(0.8, abs=0.09)


@pytest.mark.parametrize("name", PLACEBO)
@pytest.mark.parametrize("effect", [0.0, 0.7, 1.5])
def test_shares_at_placebo_places_agree_with_running_the_test_there(name, effect):
    """Two assets, overlapping windows: the test itself, run anew at every place."""
    rng = np.random.default_rng(3)
    first = np.array([*range(30, 350, 40), 32, 90])
    column = np.array([0] * 8 + [1, 1])
    given = DatedReturns(rng.standard_t(5, (400, 2)), first, sessions=3, column=column)
    places = np.arange(3, 397, 7)
    covered = np.zeros((400, 2), dtype=bool)
    for step in range(3):
        covered[first + step, column] = True
    hits = 0
    for place in places:
        moved = np.roll(given.x, -int(place), axis=0)
        moved[covered] += effect / 3
        hits += getattr(overlap, name)(replace(given, z=moved)).pvalue <= 0.05
    assert PLACEBO[name](given, places, 0.05)(effect) == pytest.approx(hits / len(places))
