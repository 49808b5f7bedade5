"""What must hold for any data: tests over all dates and adjustments of p-values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eventstudy.inference import multiplicity
from eventstudy.inference.one_event.filtered import conformal_pvalue, critical_value, rank_pvalue
from eventstudy.inference.over_dates import episodes, overlap
from eventstudy.inference.over_dates.sample import DatedReturns
from eventstudy.models.volatility import VolatilityFilter

LENGTH = 120
SEEDS = st.integers(0, 2**32 - 1)
PVALUES = arrays(float, st.integers(1, 30), elements=st.floats(0.0, 1.0))


@st.composite
def dated(draw, least=1):
    rng = np.random.default_rng(draw(SEEDS))
    n, sessions = draw(st.integers(least, 12)), draw(st.integers(1, 6))
    assets = draw(st.integers(1, 2))
    whole = rng.standard_t(4, (LENGTH, assets))
    first, column = rng.integers(0, LENGTH - sessions + 1, n), rng.integers(0, assets, n)
    z = np.where(rng.random(whole.shape) < 0.05, np.nan, whole)
    z[first, column] = whole[first, column]  # every window keeps one session at least
    return DatedReturns(z, first, sessions=sessions, column=column)


@settings(deadline=None, max_examples=60)
@given(dated(), SEEDS)
def test_order_of_events_and_currency_are_irrelevant(given_dates, seed):
    order = np.random.default_rng(seed).permutation(len(given_dates))
    scaled = DatedReturns(
        given_dates.z * 37.0, given_dates.first, sessions=given_dates.sessions,
        column=given_dates.column,
    )  # fmt: skip
    for test in (overlap.overlap_z, overlap.shift_sharp):
        expected = test(given_dates)
        for changed in (given_dates.take(order), scaled):
            assert test(changed).value == pytest.approx(expected.value, rel=1e-8, abs=1e-10)
            assert test(changed).pvalue == pytest.approx(expected.pvalue, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(dated(least=5))
def test_randomisation_cannot_go_below_its_granularity(given_dates):
    for test in (overlap.shift_sharp, overlap.shift_mean, overlap.shift_variance):
        assert 1 / LENGTH - 1e-12 <= test(given_dates).pvalue <= 1.0


@settings(deadline=None, max_examples=60)
@given(dated(), st.integers(1, LENGTH - 1))
def test_moving_series_and_windows_along_changes_nothing(given_dates, by):
    """Round the end: the circular tests know no first session."""
    first = given_dates.first + by
    if (first + given_dates.sessions > LENGTH).any():
        return
    moved = DatedReturns(
        np.roll(given_dates.z, by, axis=0), first, sessions=given_dates.sessions,
        column=given_dates.column,
    )  # fmt: skip
    for test in (overlap.overlap_z, overlap.shift_sharp):
        assert test(moved).pvalue == pytest.approx(test(given_dates).pvalue, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(dated())
def test_episodes_hold_every_window_once(given_dates):
    labels = episodes.episode_labels(given_dates.first, given_dates.sessions)
    for i in range(len(given_dates)):
        for j in range(len(given_dates)):
            near = abs(given_dates.first[i] - given_dates.first[j]) < given_dates.sessions
            assert not near or labels[i] == labels[j]
    assert set(labels) == set(range(labels.max() + 1))


@settings(deadline=None, max_examples=40)
@given(dated())
def test_step_down_is_above_the_single_shift_and_monotone(given_dates):
    adjusted = multiplicity.step_down(given_dates)
    size = np.abs(given_dates.scores())
    order = np.argsort(-size, kind="stable")
    assert (np.diff(adjusted[order]) >= -1e-12).all()
    assert (adjusted >= 1 / LENGTH - 1e-12).all()


@settings(deadline=None)
@given(PVALUES)
def test_adjusted_p_values_keep_order_and_holm_is_the_stricter(pvalues):
    holm, bh = multiplicity.holm(pvalues), multiplicity.benjamini_hochberg(pvalues)
    assert (pvalues <= bh + 1e-12).all()
    assert (bh <= holm + 1e-12).all()
    assert (holm <= 1).all()
    for adjusted in (holm, bh):
        assert (np.diff(adjusted[np.argsort(pvalues, kind="stable")]) >= -1e-12).all()


@settings(deadline=None)
@given(arrays(float, st.integers(1, 60), elements=st.floats(-5, 5)), st.floats(0.01, 0.3))
def test_the_critical_value_is_the_largest_not_rejected(reference, level):
    critical = critical_value(np.sort(np.abs(reference)), level)
    if np.isinf(critical):
        assert 1 / (len(reference) + 1) > level - 1e-9
        return
    assert rank_pvalue(critical, reference) > level - 1e-9
    assert rank_pvalue(critical * 1.001 + 1e-6, reference) <= level + 1e-9


@settings(deadline=None)
@given(arrays(float, st.integers(3, 40), elements=st.floats(-3, 3)), st.integers(1, 2))
def test_conformal_p_is_a_share_of_shifts(residuals, sessions):
    pvalue = conformal_pvalue(residuals, sessions)
    assert pvalue * len(residuals) == pytest.approx(round(pvalue * len(residuals)))
    assert pvalue >= 1 / len(residuals)


@settings(deadline=None)
@given(SEEDS, st.integers(30, 200), st.integers(5, 25))
def test_the_filter_never_looks_ahead(seed, length, cut):
    returns = np.random.default_rng(seed).standard_normal(length + 75)
    filt = VolatilityFilter("ewma", "", 0.0, 0.06, 0.94, float("nan"), length)
    whole, part = filt.run(returns), filt.run(returns[:-cut])
    np.testing.assert_allclose(whole.sigma[: len(part.sigma)], part.sigma, rtol=1e-12)
    assert whole.sigma[len(part.sigma)] == pytest.approx(part.sigma_next, rel=1e-12)
