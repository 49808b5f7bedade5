"""Correlations in blocks against pairs of windows laid side by side one by one."""

from __future__ import annotations

import tracemalloc
from itertools import combinations

import numpy as np
import pytest

from eventstudy.inference.applicability import describe
from eventstudy.inference.over_events import correlation
from eventstudy.inference.over_events.sample import centred_ranks, event_sample
from eventstudy.models.abnormal import AbnormalReturns, CovFactor
from eventstudy.windows import Window

L, W = 60, 4


def sample(n, assets=4, sessions=500, *, holes=0.0, flat=(), seed=0):
    rng = np.random.default_rng(seed)
    common = rng.standard_normal(sessions + 100)
    series = common[:, None] + rng.standard_normal((sessions + 100, assets))
    column = rng.integers(0, assets, n)
    position = rng.integers(80, sessions, n)
    est = series[position[:, None] - 75 + np.arange(L), column[:, None]].copy()
    event = series[position[:, None] + np.arange(W), column[:, None]].copy()
    est[rng.random(est.shape) < holes] = np.nan
    event[rng.random(event.shape) < holes] = np.nan
    event[:, 0] = np.where(np.isfinite(event).any(axis=1), event[:, 0], 1.0)
    est[list(flat)] = 0.5
    return AbnormalReturns(
        event_ids=tuple(map(str, range(n))), assets=tuple(f"A{c}" for c in column),
        window=Window(0, W - 1), estimation=Window(-75, -16), position=position,
        ar=event, ar_est=est, returns=event, expected=event * 0, s2=np.ones(n),
        n_est=np.full(n, L), n_params=1, cov_factor=CovFactor(np.full((n, 1, W), L**-0.5)),
        return_kind="log",
    )  # fmt: skip


def on_dates(values, first):
    return {first + k: v for k, v in enumerate(values) if np.isfinite(v)}


def by_pairs(given):
    """Mean correlations and counts of windows that meet, from dictionaries of sessions."""
    n = len(given)
    est = [on_dates(given.ar_est[i], given.position[i] - 75) for i in range(n)]
    event = [set(on_dates(given.ar[i], given.position[i])) for i in range(n)]
    total = over = 0.0
    same = across = possible = 0
    for i, j in combinations(range(n), 2):
        both = sorted(est[i].keys() & est[j].keys())
        rho = 0.0
        if len(both) >= 30:
            x, y = (np.array([one[t] for t in both]) for one in (est[i], est[j]))
            if np.ptp(x) > 0 and np.ptp(y) > 0:
                rho = np.corrcoef(x, y)[0, 1]
        shared = len(event[i] & event[j])
        alike = given.assets[i] == given.assets[j]
        total += rho
        over += (1.0 if alike else rho) * shared / np.sqrt(len(event[i]) * len(event[j]))
        same, across = same + (alike and shared > 0), across + (not alike and shared > 0)
        possible += not alike
    pairs = n * (n - 1) / 2
    return total / pairs, over / pairs, same, across / possible


@pytest.mark.parametrize("holes", [0.0, 0.1])
@pytest.mark.parametrize("flat", [(), (3, 40, 41)])
def test_blocks_agree_with_pairs_one_by_one(holes, flat, monkeypatch):
    monkeypatch.setattr(correlation, "ROWS", 8)
    monkeypatch.setattr(correlation, "COLUMNS", 13)
    given = sample(160, holes=holes, flat=flat)
    mean, over, same, shared = by_pairs(given)
    d = describe(given)
    assert d.rbar == pytest.approx(mean, rel=1e-9)
    assert d.rbar_windows == pytest.approx(over, rel=1e-9)
    assert (d.overlapping, d.shared) == (same, pytest.approx(shared, rel=1e-12))
    assert correlation.mean_correlation(given) == d.rbar


def test_all_on_one_date_and_far_apart():
    given = sample(30, assets=30)
    together = event_sample(given.take(np.arange(30)))
    for positions in (np.full(30, 100), 100 + 1000 * np.arange(30)):
        moved = AbnormalReturns(**{**fields_of(together.pairs), "position": positions})
        mean, over, same, shared = by_pairs(moved)
        d = describe(moved)
        assert d.rbar == pytest.approx(mean, rel=1e-9, abs=1e-12)
        assert d.rbar_windows == pytest.approx(over, rel=1e-9, abs=1e-12)
        assert (d.overlapping, d.shared) == (same, pytest.approx(shared))


def fields_of(pairs):
    return {name: getattr(pairs, name) for name in AbnormalReturns.__dataclass_fields__}


def test_one_pair_and_one_asset():
    one = describe(sample(1))
    assert (one.rbar, one.rbar_windows, one.overlapping) == (0.0, 0.0, 0)
    assert np.isnan(one.shared)
    assert np.isnan(describe(sample(20, assets=1)).shared)


def test_no_matrix_over_all_pairs_is_held():
    given = sample(4000, assets=10, sessions=6000)
    tracemalloc.start()
    d = describe(given)
    numbers = (d.overlapping, d.shared, d.rbar, d.rbar_windows, d.variance_ratio)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.isfinite(numbers).all()
    assert peak < 4000**2  # an eighth of one matrix of numbers


@pytest.mark.parametrize("holes", [0.0, 0.2])
@pytest.mark.parametrize("ties", [False, True])
def test_ranks_agree_with_counting(holes, ties):
    rng = np.random.default_rng(1)
    values = rng.integers(0, 6, (12, 25)).astype(float) if ties else rng.random((12, 25))
    values[rng.random(values.shape) < holes] = np.nan
    found, present = centred_ranks(values)
    for row, ranks, here in zip(values, found, present, strict=True):
        live = row[here]
        assert (ranks[~here] == 0).all()
        expected = [(live < v).sum() + ((live == v).sum() + 1) / 2 for v in live]
        np.testing.assert_allclose(ranks[here], np.array(expected) - (len(live) + 1) / 2)


def test_pairs_taken_from_a_sample_keep_what_is_known_of_them():
    given = event_sample(sample(300, holes=0.05))
    assert given.ranks.shape == (300, L + W)
    rows = np.flatnonzero(np.array(given.pairs.assets) == "A1")
    part, fresh = given.take(rows), event_sample(given.pairs.take(rows))
    assert "ranks" in vars(part)
    np.testing.assert_array_equal(part.ranks, fresh.ranks)
    np.testing.assert_array_equal(part.rank_counts, fresh.rank_counts)
