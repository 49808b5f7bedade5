"""Tests over all dates of an asset against loops straight from the formulas, and scipy."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from eventstudy.errors import EstimationError
from eventstudy.inference import multiplicity
from eventstudy.inference.applicability import describe_dates
from eventstudy.inference.over_dates import episodes, overlap
from eventstudy.inference.over_dates.direction import (
    direction_share,
    expected_signs,
    one_sided,
    signed_overlap_z,
    signed_shift,
)
from eventstudy.inference.over_dates.sample import DatedReturns
from eventstudy.inference.samples import run_tests as run_dated

T, W = 211, 4
FIRST = np.array([20, 22, 23, 60, 61, 90, 120, 150, 153, 180])


def one_asset(*, holes=False, sign=(), seed=0):
    rng = np.random.default_rng(seed)
    z = rng.standard_t(5, T) * 1.2 + 0.1
    if holes:
        z[[21, 62, 63, 100, 5]] = np.nan
    return DatedReturns(z, FIRST, sessions=W, sign=sign)


def two_assets(seed=1):
    """One asset in many events, and both assets in most of them."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal(T)
    z = np.column_stack([common + 0.5 * rng.standard_normal(T) for _ in range(2)])
    z[[30, 61], 1] = np.nan
    first = np.concatenate([FIRST, FIRST[:6]])
    column = np.array([0] * 10 + [1] * 6)
    names = tuple(f"e{i}" for i in (*range(10), *range(6)))
    return DatedReturns(z, first, sessions=W, column=column, event_ids=names)


@pytest.fixture(params=["one", "holes", "two"])
def dated(request):
    return {"one": one_asset, "holes": lambda: one_asset(holes=True), "two": two_assets}[
        request.param
    ]()


def standardised(dated):
    """Columns of x with zeros for holes, by loops."""
    out = []
    for a in range(dated.z.shape[1]):
        live = [v for v in dated.z[:, a] if not math.isnan(v)]
        mean = sum(live) / len(live)
        sd = math.sqrt(sum((v - mean) ** 2 for v in live) / (len(live) - 1))
        out.append([0.0 if math.isnan(v) else (v - mean) / sd for v in dated.z[:, a]])
    return out


def rho(dated, x, a, b):
    if a == b:
        return 1.0
    both = [t for t in range(T) if not np.isnan(dated.z[t, [a, b]]).any()]
    top = sum(x[a][t] * x[b][t] for t in both)
    return top / math.sqrt(sum(x[a][t] ** 2 for t in both) * sum(x[b][t] ** 2 for t in both))


def counts(dated, rows=None):
    d = [[0] * T for _ in range(dated.z.shape[1])]
    for i in range(len(dated)) if rows is None else rows:
        for step in range(W):
            t, a = dated.first[i] + step, dated.column[i]
            if not math.isnan(dated.z[t, a]):
                d[a][t] += 1
    return d


def exact_z(dated, rows=None):
    x, d, assets = standardised(dated), counts(dated, rows), range(dated.z.shape[1])
    top = sum(d[a][t] * x[a][t] for a in assets for t in range(T))
    variance = sum(
        d[a][t] * rho(dated, x, a, b) * d[b][t] for a in assets for b in assets for t in range(T)
    )
    return top / math.sqrt(variance)


def test_overlap_z(dated):
    found = overlap.overlap_z(dated)
    assert found.value == pytest.approx(exact_z(dated), rel=1e-9)
    assert found.pvalue == pytest.approx(2 * stats.norm.sf(abs(found.value)))


def test_overlap_z_by_the_printed_formula():
    given = one_asset()
    z, d = given.z[:, 0], given.cover[:, 0]
    expected = (d * (z - z.mean())).sum() / (z.std(ddof=1) * math.sqrt((d**2).sum()))
    assert overlap.overlap_z(given).value == pytest.approx(expected, rel=1e-12)


def test_overlap_z_has_the_variance_it_claims():
    """Var(sum CAR) = sigma^2 sum d^2, not sigma^2 N W: over independent draws."""
    values = [overlap.overlap_z(one_asset(seed=s)).value for s in range(1500)]
    assert np.std(values) == pytest.approx(1.0, abs=0.06)


def shifted(dated, s):
    """The windows moved by s sessions, round the end: their summed x, window by window."""
    x = standardised(dated)
    return [
        sum(x[a][(first + s + step) % T] for step in range(W))
        for first, a in zip(dated.first, dated.column, strict=True)
    ]


def test_shift_sharp(dated):
    x, d, assets = standardised(dated), counts(dated), range(dated.z.shape[1])
    sums = [sum(d[a][t] * x[a][(t + s) % T] for a in assets for t in range(T)) for s in range(T)]
    found = overlap.shift_sharp(dated)
    assert found.pvalue == pytest.approx(
        sum(abs(v) >= abs(sums[0]) - 1e-9 for v in sums) / T, abs=1e-12
    )
    rms = math.sqrt(sum(v * v for v in sums) / T)
    assert found.value == pytest.approx(sums[0] / rms, rel=1e-9)


def test_shift_mean(dated):
    values = []
    for s in range(T):
        scores = shifted(dated, s)
        values.append(stats.ttest_1samp(scores, 0.0).statistic)
    found = overlap.shift_mean(dated)
    assert found.value == pytest.approx(values[0], rel=1e-8)
    assert found.pvalue == pytest.approx(
        sum(abs(v) >= abs(values[0]) - 1e-9 for v in values) / T, abs=1e-12
    )


def test_shift_variance(dated):
    x, d, assets = standardised(dated), counts(dated), range(dated.z.shape[1])
    means = []
    for s in range(T):
        live = [
            abs(x[a][(t + s) % T])
            for a in assets
            for t in range(T)
            if d[a][t] and not math.isnan(dated.z[(t + s) % T, a])
        ]
        means.append(sum(live) / len(live))
    outside = [
        abs(x[a][t])
        for a in assets
        for t in range(T)
        if not d[a][t] and not math.isnan(dated.z[t, a])
    ]
    found, middle = overlap.shift_variance(dated), sum(means) / T
    assert found.value == pytest.approx(means[0] / (sum(outside) / len(outside)), rel=1e-9)
    observed = abs(means[0] - middle)
    assert found.pvalue == pytest.approx(
        sum(abs(m - middle) >= observed - 1e-9 for m in means) / T, abs=1e-12
    )


def test_brown_forsythe(dated):
    x, d, assets = standardised(dated), counts(dated), range(dated.z.shape[1])
    live = [(a, t) for a in assets for t in range(T) if not math.isnan(dated.z[t, a])]
    inside = [x[a][t] for a, t in live if d[a][t]]
    outside = [x[a][t] for a, t in live if not d[a][t]]
    reference = stats.levene(inside, outside, center="median")
    found = overlap.brown_forsythe(dated)
    assert found.value == pytest.approx(reference.statistic, rel=1e-9)
    assert found.pvalue == pytest.approx(reference.pvalue, rel=1e-9)


def merged(dated):
    """Windows joined where they share a session, by sets."""
    groups = []
    for i in range(len(dated)):
        mine = {int(dated.first[i]) + step for step in range(W)}
        rows = [i]
        for group in [g for g in groups if g[0] & mine]:
            groups.remove(group)
            mine, rows = mine | group[0], rows + group[1]
        groups.append((mine, rows))
    return [sorted(rows) for _, rows in sorted(groups, key=lambda g: min(g[0]))]


def test_episodes(dated):
    found = episodes.merge_episodes(dated)
    assert [list(m) for m in found.members] == merged(dated)
    scores = [exact_z(dated, rows) for rows in merged(dated)]
    np.testing.assert_allclose(found.scores, scores, rtol=1e-9)
    reference = stats.ttest_1samp(scores, 0.0)
    bmp = episodes.episode_bmp(dated)
    assert bmp.value == pytest.approx(reference.statistic, rel=1e-9)
    assert bmp.pvalue == pytest.approx(reference.pvalue, rel=1e-8)
    assert (bmp.df, bmp.n) == (len(scores) - 1, len(scores))


def test_sign_flips_are_exact_for_few_episodes(dated):
    scores = [exact_z(dated, rows) for rows in merged(dated)]
    sums = [
        abs(sum(s * y for s, y in zip(signs, scores, strict=True)))
        for signs in product((1, -1), repeat=len(scores))
    ]
    found = episodes.episode_sign_flip(dated, np.random.default_rng(0))
    share = sum(v >= abs(sum(scores)) - 1e-9 for v in sums) / len(sums)
    assert found.pvalue == pytest.approx(share)


def test_sign_flips_by_draws_agree_with_scipy():
    rng = np.random.default_rng(2)
    z = rng.standard_normal(800) + 0.15
    given = DatedReturns(z, np.arange(5, 780, 25), sessions=2)
    scores = episodes.merge_episodes(given).scores
    reference = stats.permutation_test(
        (scores,),
        np.mean,
        permutation_type="samples",
        n_resamples=20_000,
        rng=np.random.default_rng(3),
    )
    found = episodes.episode_sign_flip(given, np.random.default_rng(4))
    assert found.pvalue == pytest.approx(reference.pvalue, abs=0.02)


def test_the_wild_bootstrap_agrees_with_a_loop(dated):
    scores = np.array([exact_z(dated, rows) for rows in merged(dated)])
    rng, larger = np.random.default_rng(5), 0
    observed = abs(stats.ttest_1samp(scores, 0.0).statistic)
    six = [s * math.sqrt(k / 2) for s in (1, -1) for k in (1, 2, 3)]
    for _ in range(4000):
        drawn = [
            six[int(k)] * y for k, y in zip(rng.integers(0, 6, len(scores)), scores, strict=True)
        ]
        mean = sum(drawn) / len(drawn)
        sd = math.sqrt(sum((v - mean) ** 2 for v in drawn) / (len(drawn) - 1))
        larger += abs(math.sqrt(len(drawn)) * mean / sd) >= observed
    found = episodes.episode_wild(dated, np.random.default_rng(6))
    assert found.pvalue == pytest.approx(larger / 4000, abs=0.03)


def test_step_down(dated):
    observed = [abs(v) for v in shifted(dated, 0)]
    order = sorted(range(len(dated)), key=lambda i: -observed[i])
    placebo = [[abs(v) for v in shifted(dated, s)] for s in range(T)]
    expected, highest = [0.0] * len(dated), 0.0
    for rank, i in enumerate(order):
        left = order[rank:]
        share = sum(max(p[j] for j in left) >= observed[i] - 1e-9 for p in placebo) / T
        highest = max(highest, share)
        expected[i] = highest
    np.testing.assert_allclose(multiplicity.step_down(dated), expected, atol=1e-12)


def test_holm_and_benjamini_hochberg():
    from statsmodels.stats.multitest import multipletests

    p = np.array([0.01, 0.04, 0.03, 0.005, 0.2, 0.04])
    np.testing.assert_allclose(multiplicity.holm(p), multipletests(p, method="holm")[1])
    np.testing.assert_allclose(
        multiplicity.benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1]
    )
    gaps = np.array([0.01, np.nan, 0.04])
    np.testing.assert_allclose(multiplicity.holm(gaps), [0.02, np.nan, 0.04])
    np.testing.assert_allclose(multiplicity.benjamini_hochberg(gaps), [0.02, np.nan, 0.04])


def test_leaving_out_an_event_takes_all_its_windows():
    given = two_assets()
    found = multiplicity.leave_one_out(given)
    assert found.event_ids == tuple(f"e{i}" for i in range(10))
    rows = [i for i in range(16) if given.event_ids[i] != "e3"]
    assert found.overlap_z[3] == pytest.approx(exact_z(given, rows), rel=1e-9)
    rest = given.take(np.array(rows))
    assert found.p_shift[3] == overlap.shift_sharp(rest).pvalue


def test_direction_share_has_the_exact_interval():
    effects = np.array([1.0, -2.0, 3.0, 0.5, -1.0, 2.0, 0.0, 4.0])
    signs = expected_signs(("up", "down", "up", "Up", "up", "", "up", "down"))
    found = direction_share(effects, signs)
    reference = stats.binomtest(4, 6, alternative="greater")
    interval = stats.binomtest(4, 6).proportion_ci(0.95, method="exact")
    assert (found.n, found.n_expected) == (6, 4)
    assert found.pvalue == pytest.approx(reference.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    none = direction_share(-np.ones(3), np.ones(3))
    assert (none.low, none.pvalue) == (0.0, 1.0)
    assert direction_share(np.ones(3), np.ones(3)).high == 1.0
    with pytest.raises(EstimationError, match="no event has an expected direction"):
        direction_share(effects, np.full(8, np.nan))


def test_one_sided_p_values_halve_where_the_move_agrees():
    found = one_sided(np.array([0.04, 0.04, 0.5]), np.array([1.0, -1.0, np.nan]))
    np.testing.assert_allclose(found, [0.02, 0.98, np.nan])


def test_signed_tests_are_one_sided():
    signs = np.where(np.array(shifted(one_asset(), 0)) > 0, 1.0, -1.0)
    agree, against = one_asset(sign=signs), one_asset(sign=-signs)
    x = standardised(agree)[0]
    d = [0.0] * T
    for first, s in zip(FIRST, signs, strict=True):
        for step in range(W):
            d[first + step] += s
    expected = sum(a * b for a, b in zip(d, x, strict=True)) / math.sqrt(sum(v * v for v in d))
    found = signed_overlap_z(agree)
    assert found.value == pytest.approx(expected, rel=1e-9)
    assert found.pvalue == pytest.approx(stats.norm.sf(expected))
    assert signed_overlap_z(against).pvalue == pytest.approx(stats.norm.cdf(expected))
    values = []
    for s in range(T):
        own = [
            sign * sum(x[(first + s + step) % T] for step in range(W))
            for first, sign in zip(FIRST, signs, strict=True)
        ]
        values.append(stats.ttest_1samp(own, 0.0).statistic)
    found = signed_shift(agree)
    assert found.value == pytest.approx(values[0], rel=1e-8)
    assert found.pvalue == pytest.approx(sum(v >= values[0] - 1e-9 for v in values) / T, abs=1e-12)
    assert signed_shift(against).pvalue > 0.9


def test_the_default_follows_from_the_dates():
    rng = np.random.default_rng(1)
    names = [r.statistic for r in run_dated(one_asset(sign=np.full(10, np.nan)), rng=rng)]
    assert names == [
        "overlap_z",
        "shift_sharp",
        "shift_mean",
        "shift_variance",
        "episode_bmp",
        "episode_sign_flip",
    ]
    design = describe_dates(one_asset())
    assert (design.n, design.n_episodes, design.overlapping) == (10, 6, 7)
    apart = DatedReturns(one_asset().z, np.array([20, 60, 100, 140, 180]), sessions=2)
    names = [r.statistic for r in run_dated(apart, rng=rng)]
    assert names[-3:] == ["signed_overlap_z", "signed_shift", "direction_share"]


def test_few_dates_refuse_with_a_reason():
    few = DatedReturns(one_asset().z, np.array([20, 60, 62]), sessions=3, sign=np.full(3, np.nan))
    found = {r.statistic: r for r in run_dated(few, rng=np.random.default_rng(1))}
    assert found["shift_mean"].verdict == "refused"
    assert found["shift_mean"].reason == "3 windows, needs 5"
    assert found["episode_sign_flip"].reason == "2 episodes, needs 6"
    for tests in ("all", "default"):
        for result in run_dated(few, tests=tests, rng=np.random.default_rng(1)):
            assert math.isfinite(result.pvalue) or result.reason


def test_more_volatile_events_are_said():
    rng = np.random.default_rng(8)
    z = rng.standard_normal(2000)
    first = np.arange(50, 1950, 60)
    z[first] *= 3
    found = {
        r.statistic: r
        for r in run_dated(DatedReturns(z, first, sign=np.full(len(first), np.nan)), rng=rng)
    }
    assert found["shift_variance"].pvalue < 0.01
    assert found["overlap_z"].verdict == "caution"
    assert "times as much as others" in found["overlap_z"].reason
    assert found["shift_mean"].verdict == "holds"


def test_windows_outside_the_series_are_named():
    with pytest.raises(EstimationError, match="1 windows lie outside the series: late"):
        DatedReturns(np.zeros(50), np.array([10, 49]), sessions=2, event_ids=("a", "late"))
    with pytest.raises(EstimationError, match="a window of 60 sessions on a series of 50"):
        DatedReturns(np.zeros(50), np.array([0]), sessions=60)
    with pytest.raises(EstimationError, match="do not vary"):
        overlap.overlap_z(DatedReturns(np.zeros(50), np.array([10]), sessions=2))


def test_order_and_units_are_irrelevant(dated):
    order = np.argsort(np.random.default_rng(3).random(len(dated)))
    for test in (
        overlap.overlap_z,
        overlap.shift_sharp,
        overlap.shift_mean,
        overlap.shift_variance,
        episodes.episode_bmp,
    ):
        assert test(dated.take(order)).value == pytest.approx(test(dated).value, rel=1e-9)
        assert test(dated.take(order)).pvalue == pytest.approx(test(dated).pvalue, abs=1e-12)
        scaled = DatedReturns(dated.z * 7, dated.first, sessions=W, column=dated.column)
        assert test(scaled).value == pytest.approx(test(dated).value, rel=1e-9)
