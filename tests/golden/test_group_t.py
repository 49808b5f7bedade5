"""The t over groups of episodes (Ibragimov and Müller 2010) against scipy, and its size."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from eventstudy.errors import EstimationError
from eventstudy.inference.over_dates.episodes import group_t
from eventstudy.inference.over_dates.sample import DatedReturns
from eventstudy.inference.samples import run_tests


def windows(n, rng, *, scale=1.0, effect=0.0, sessions=2):
    """N windows far apart, later ones on noisier returns where `scale` says so."""
    first = 5 + 25 * np.arange(n)
    z = rng.standard_normal(int(first[-1]) + 20) * np.linspace(1.0, scale, int(first[-1]) + 20)
    for step in range(sessions):
        z[first + step] += effect
    return DatedReturns(z, first, sessions=sessions)


@pytest.mark.parametrize("n", [16, 19, 41])
def test_group_t_agrees_with_a_t_test_of_group_means(n):
    given = windows(n, np.random.default_rng(n), effect=0.3)
    z = given.z[:, 0]
    x = (z - z.mean()) / z.std(ddof=1)
    scores = [(x[at] + x[at + 1]) / math.sqrt(2) for at in given.first]
    sizes = [n // 8 + (g < n % 8) for g in range(8)]
    means, start = [], 0
    for size in sizes:
        means.append(sum(scores[start : start + size]) / size)
        start += size
    reference = stats.ttest_1samp(means, 0.0)
    found = group_t(given)
    assert found.value == pytest.approx(reference.statistic, rel=1e-9)
    assert found.pvalue == pytest.approx(reference.pvalue, rel=1e-9)
    assert (found.df, found.n) == (7, n)


def test_its_critical_value_is_that_of_the_t_table():
    """t with 7 degrees of freedom: 2.365 at 5%, two-sided."""
    given = windows(24, np.random.default_rng(1), effect=0.4)
    found = group_t(given)
    assert (abs(found.value) > 2.365) == (found.pvalue < 0.05)
    assert 2 * stats.t.sf(2.365, found.df) == pytest.approx(0.05, abs=5e-5)


@pytest.mark.parametrize("scale", [1.0, 6.0])
def test_size_holds_where_volatility_differs_between_stretches(scale):
    """5% at equal variances, at most that at unequal ones (Bakirov and Székely 2006)."""
    rng = np.random.default_rng(2)
    rate = np.mean([group_t(windows(32, rng, scale=scale)).pvalue <= 0.05 for _ in range(1500)])
    assert rate < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1500)
    if scale == 1.0:
        assert rate > 0.03


def test_windows_that_share_sessions_stay_in_one_group():
    given = windows(24, np.random.default_rng(3))
    doubled = DatedReturns(given.z, np.repeat(given.first, 2), sessions=2)
    assert group_t(doubled).value == pytest.approx(group_t(given).value, rel=1e-9)


def test_few_episodes_are_refused():
    rng = np.random.default_rng(4)
    (found,) = run_tests(windows(12, rng), tests=("group_t",), rng=rng)
    assert (found.verdict, found.reason) == ("refused", "12 episodes, needs 16")
    with pytest.raises(EstimationError, match="7 episodes cannot make 8 groups"):
        group_t(windows(7, rng))
