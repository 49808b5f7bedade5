"""Every statistic of the textbook battery against loops straight from the formulas, and scipy."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from eventstudy.errors import EstimationError
from eventstudy.inference.over_events import (
    bhar,
    calendar_time,
    correlation,
    parametric,
    rank,
    sign,
    skewness,
)
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.windows import Window

ESTIMATION = Window(-70, -11)
EVENT = Window(-1, 2)
SESSIONS = 420


def build(pairs, *, window=EVENT, missing=0.0, market=False, kind="log", seed=1):
    """Fit every pair by least squares on returns with a common factor."""
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal(SESSIONS) * 0.01
    assets = sorted({asset for _, _, asset in pairs})
    table = {a: 0.0004 + factor + 0.012 * rng.standard_t(5, SESSIONS) for a in assets}
    for series in table.values():
        series[rng.random(SESSIONS) < missing] = np.nan
    rows = [one(table[a], factor, at, window, market=market) for _, at, a in pairs]
    ar, ar_est, returns, expected, s2, n_est, cov = (np.array(x) for x in zip(*rows, strict=True))
    return AbnormalReturns(
        event_ids=tuple(e for e, _, _ in pairs),
        assets=tuple(a for _, _, a in pairs),
        window=window,
        estimation=ESTIMATION,
        position=np.array([at for _, at, _ in pairs]),
        ar=ar,
        ar_est=ar_est,
        returns=returns,
        expected=expected,
        s2=s2,
        n_est=n_est,
        n_params=2 if market else 1,
        cov_factor=cov,
        return_kind=kind,
    )


def one(series, factor, at, window, *, market):
    est = slice(at + ESTIMATION.start, at + ESTIMATION.end + 1)
    event = slice(at + window.start, at + window.end + 1)
    design = np.column_stack([np.ones(SESSIONS), factor])[:, : 2 if market else 1]
    use = np.isfinite(series[est])
    x, y = design[est][use], series[est][use]
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    fitted, expected = series[est] - design[est] @ beta, design[event] @ beta
    s2 = float(np.nansum(fitted**2)) / (len(y) - x.shape[1])
    ahead = design[event]
    return (
        series[event] - expected,
        fitted,
        series[event],
        expected,
        s2,
        len(y),
        np.eye(len(expected)) + ahead @ inverse @ ahead.T,
    )


MANY_ASSETS_ONE_DATE = [("d", 200, a) for a in "ABCDEFGHIJKL"]
ONE_ASSET_MANY_DATES = [(f"e{i}", 90 + 25 * i, "A") for i in range(12)]
MIXED = [
    ("e1", 100, "A"),
    ("e1", 100, "B"),
    ("e2", 102, "A"),
    ("e3", 180, "C"),
    ("e3", 181, "B"),
    ("e4", 260, "A"),
    ("e5", 261, "C"),
    ("e6", 330, "B"),
    ("e7", 400, "A"),
    ("e8", 400, "B"),
]


@pytest.fixture(
    params=["one date", "one asset", "mixed", "mixed with holes", "market with holes", "day"],
)
def sample(request):
    built = {
        "one date": lambda: build(MANY_ASSETS_ONE_DATE),
        "one asset": lambda: build(ONE_ASSET_MANY_DATES, seed=2),
        "mixed": lambda: build(MIXED, seed=3),
        "mixed with holes": lambda: build(MIXED, missing=0.12, seed=4),
        "market with holes": lambda: build(MIXED, missing=0.12, market=True, seed=5),
        "day": lambda: build(MIXED, window=Window(0, 0), seed=6),
    }
    return built[request.param]()


def present(row):
    return [float(x) for x in row if not math.isnan(x)]


def cars(sample):
    return [sum(present(row)) for row in sample.ar]


def variances(sample):
    out = []
    for i, row in enumerate(sample.ar):
        live = [w for w, x in enumerate(row) if not math.isnan(x)]
        cov = sample.cov_factor[i]
        out.append(sample.s2[i] * sum(cov[v][w] for v in live for w in live))
    return out


def scars(sample):
    return [c / math.sqrt(v) for c, v in zip(cars(sample), variances(sample), strict=True)]


def mean(values):
    return sum(values) / len(values)


def sd(values):
    middle = mean(values)
    return math.sqrt(sum((x - middle) ** 2 for x in values) / (len(values) - 1))


def two_sided_normal(z):
    return math.erfc(abs(z) / math.sqrt(2))


def check(result, value, *, df=None, pvalue=None):
    assert result.value == pytest.approx(value, rel=1e-9)
    if pvalue is None:
        pvalue = two_sided_normal(value) if df is None else 2 * stats.t.sf(abs(value), df)
    assert result.pvalue == pytest.approx(pvalue, rel=1e-8)
    assert math.isnan(result.df) if df is None else result.df == df


def test_time_series_t(sample):
    expected = sum(cars(sample)) / math.sqrt(sum(variances(sample)))
    check(parametric.time_series_t(sample), expected, df=min(sample.n_est) - sample.n_params)


def test_crude_dependence_t(sample):
    aar = []
    for j in range(sample.ar_est.shape[1]):
        column = present(sample.ar_est[:, j])
        if column:
            aar.append(mean(column))
    width = sum(1 for w in range(sample.ar.shape[1]) if present(sample.ar[:, w]))
    expected = mean(cars(sample)) / (sd(aar) * math.sqrt(width))
    check(parametric.crude_dependence_t(sample), expected, df=len(aar) - 1)


def test_cross_sectional_t(sample):
    reference = stats.ttest_1samp(cars(sample), 0.0)
    check(
        parametric.cross_sectional_t(sample),
        reference.statistic,
        df=len(sample) - 1,
        pvalue=reference.pvalue,
    )
    loop = mean(cars(sample)) / (sd(cars(sample)) / math.sqrt(len(sample)))
    check(parametric.cross_sectional_t(sample), loop, df=len(sample) - 1)


def q_sum(sample):
    free = [float(n - sample.n_params) for n in sample.n_est]
    return sum(d / (d - 2) for d in free)


def test_patell(sample):
    expected = sum(scars(sample)) / math.sqrt(q_sum(sample))
    check(parametric.patell(sample), expected)
    reference = stats.t(df=1e9)
    assert parametric.patell(sample).pvalue == pytest.approx(2 * reference.sf(abs(expected)))


def test_patell_sum_sar(sample):
    total = 0.0
    for i, row in enumerate(sample.ar):
        live = [w for w, x in enumerate(row) if not math.isnan(x)]
        sars = [row[w] / math.sqrt(sample.s2[i] * sample.cov_factor[i][w][w]) for w in live]
        total += sum(sars) / math.sqrt(len(live))
    check(parametric.patell_sum_sar(sample), total / math.sqrt(q_sum(sample)))


def correlation_by_session(sample, i, j):
    first = {}
    for k, value in enumerate(sample.ar_est[i]):
        if not math.isnan(value):
            first[sample.position[i] + ESTIMATION.start + k] = value
    both = []
    for k, value in enumerate(sample.ar_est[j]):
        session = sample.position[j] + ESTIMATION.start + k
        if not math.isnan(value) and session in first:
            both.append((first[session], value))
    if len(both) < 30:
        return 0.0
    return float(stats.pearsonr(*zip(*both, strict=True)).statistic)


def shared(sample, i, j):
    start = sample.window.start
    sessions = [
        {sample.position[k] + start + w for w, x in enumerate(sample.ar[k]) if not math.isnan(x)}
        for k in (i, j)
    ]
    return len(sessions[0] & sessions[1]) / math.sqrt(len(sessions[0]) * len(sessions[1]))


def rbar(sample):
    pairs = combinations(range(len(sample)), 2)
    return mean([correlation_by_session(sample, i, j) for i, j in pairs])


def rbar_overlap(sample):
    values = []
    for i, j in combinations(range(len(sample)), 2):
        same = sample.assets[i] == sample.assets[j]
        rho = 1.0 if same else correlation_by_session(sample, i, j)
        values.append(rho * shared(sample, i, j))
    return mean(values)


def test_rbar_is_matched_by_calendar_session(sample):
    assert correlation.mean_correlation(sample) == pytest.approx(rbar(sample), rel=1e-9)


@pytest.mark.parametrize("overlap", [False, True])
def test_kolari_pynnonen(sample, overlap):
    r, n = rbar_overlap(sample) if overlap else rbar(sample), len(sample)
    adjusted_patell = parametric.patell_kp_overlap if overlap else parametric.patell_kp
    adjusted_bmp = parametric.bmp_kp_overlap if overlap else parametric.bmp_kp
    plain = sum(scars(sample)) / math.sqrt(q_sum(sample))
    check(adjusted_patell(sample), plain / math.sqrt(1 + (n - 1) * r))
    plain = math.sqrt(n) * mean(scars(sample)) / sd(scars(sample))
    check(adjusted_bmp(sample), plain * math.sqrt((1 - r) / (1 + (n - 1) * r)), df=n - 1)


def test_bmp(sample):
    reference = stats.ttest_1samp(scars(sample), 0.0)
    check(parametric.bmp(sample), reference.statistic, df=len(sample) - 1, pvalue=reference.pvalue)


def location_and_skew(values):
    n, middle, spread = len(values), mean(values), sd(values)
    cubes = sum((x - middle) ** 3 for x in values) / spread**3
    return middle / spread, n / ((n - 1) * (n - 2)) * cubes


def test_johnson_and_hall(sample):
    n, (s, g) = len(sample), location_and_skew(cars(sample))
    assert g == pytest.approx(stats.skew(cars(sample), bias=False))
    johnson = math.sqrt(n) * (s + g * s**2 / 3 + g / (6 * n))
    check(skewness.johnson_t(sample), johnson, df=n - 1)
    hall = math.sqrt(n) * (s + g * s**2 / 3 + g**2 * s**3 / 27 + g / (6 * n))
    check(skewness.hall_t(sample), hall)


def rank_of(value, values):
    below = sum(1 for x in values if x < value)
    same = sum(1 for x in values if x == value)
    return below + (same + 1) / 2


def scored(sample, score):
    """Score every value of every pair among its own; NaN where there is none."""
    out = []
    for i in range(len(sample)):
        row = [*sample.ar_est[i], *sample.ar[i]]
        own = present(row)
        out.append([math.nan if math.isnan(x) else score(x, own) for x in row])
    return out


def over_own_rms(series, n_est):
    live = [x for x in series if x is not None]
    rms = math.sqrt(sum(x * x for x in live) / len(live))
    event = [x for x in series[n_est:] if x is not None]
    return math.sqrt(len(event)) * mean(event) / rms


def columns(scores):
    return [present(column) for column in zip(*scores, strict=True)]


def test_corrado_rank(sample):
    scores = scored(sample, lambda x, own: rank_of(x, own) - (len(own) + 1) / 2)
    series = [sum(c) / len(sample) if c else None for c in columns(scores)]
    check(rank.corrado_rank(sample), over_own_rms(series, 60))


def test_corrado_rank_by_scipy():
    sample = build(MANY_ASSETS_ONE_DATE)
    joined = np.concatenate([sample.ar_est, sample.ar], axis=1)
    mean_rank = (stats.rankdata(joined, axis=1) - 65 / 2).mean(axis=0)
    expected = 2 * mean_rank[60:].mean() / np.sqrt((mean_rank**2).mean())
    check(rank.corrado_rank(sample), expected)


def test_corrado_zivney_rank(sample):
    scores = scored(sample, lambda x, own: rank_of(x, own) / (1 + len(own)) - 0.5)
    series = [sum(c) / math.sqrt(len(c)) if c else None for c in columns(scores)]
    check(rank.corrado_zivney_rank(sample), over_own_rms(series, 60))


def test_corrado_zivney_sign(sample):
    def signed(x, own):
        ordered, n = sorted(own), len(own)
        middle = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
        return int(x > middle) - int(x < middle)

    series = [sum(c) / math.sqrt(len(c)) if c else None for c in columns(scored(sample, signed))]
    check(rank.corrado_zivney_sign(sample), over_own_rms(series, 60))


def generalised(sample):
    spread, out, counts = sd(scars(sample)), [], []
    for i, scar in enumerate(scars(sample)):
        s = math.sqrt(sample.s2[i])
        row = [*(x / s for x in sample.ar_est[i]), scar / spread]
        own = present(row)
        counts.append(len(own))
        out.append(
            [math.nan if math.isnan(x) else rank_of(x, own) / (len(own) + 1) - 0.5 for x in row]
        )
    return out, counts


def test_grank_t(sample):
    scores, _ = generalised(sample)
    live = [c for c in columns(scores) if c]
    terms = len(live)
    variance = sum(len(c) / len(sample) * mean(c) ** 2 for c in live) / terms
    z = mean(live[-1]) / math.sqrt(variance)
    check(rank.grank_t(sample), z * math.sqrt((terms - 2) / (terms - 1 - z * z)), df=terms - 2)


def test_grank_z(sample):
    scores, counts = generalised(sample)
    n = len(sample)
    if len(set(counts)) == 1:
        factor = math.sqrt(12 * n * (counts[0] + 1) / (counts[0] - 1))
    else:
        factor = 1 / math.sqrt(sum((t - 1) / (12 * (t + 1)) for t in counts) / n**2)
    check(rank.grank_z(sample), factor * mean([row[-1] for row in scores]))


def test_sign(sample):
    n, positive = len(sample), sum(1 for c in cars(sample) if c > 0)
    expected = (positive - n / 2) / math.sqrt(n / 4)
    check(sign.sign(sample), expected, pvalue=stats.binomtest(positive, n).pvalue)


def test_sign_is_normal_from_25():
    sample = build([(f"e{i}", 80 + 12 * i, "A") for i in range(26)])
    positive = sum(1 for c in cars(sample) if c > 0)
    check(sign.sign(sample), (positive - 13) / math.sqrt(6.5))


def test_generalised_sign(sample):
    shares = []
    for row in sample.ar_est:
        own = present(row)
        shares.append(sum(1 for x in own if x > 0) / len(own))
    n, p = len(sample), mean(shares)
    positive = sum(1 for c in cars(sample) if c > 0)
    check(sign.generalised_sign(sample), (positive - n * p) / math.sqrt(n * p * (1 - p)))


def test_wilcoxon(sample):
    reference = stats.wilcoxon(cars(sample), method="exact")
    check(sign.wilcoxon(sample), reference.statistic, pvalue=reference.pvalue)


def test_wilcoxon_is_normal_above_25():
    sample = build([(f"e{i}", 80 + 12 * i, "A") for i in range(26)])
    reference = stats.wilcoxon(cars(sample), method="asymptotic")
    check(sign.wilcoxon(sample), reference.statistic, pvalue=reference.pvalue)


def test_wilcoxon_with_ties_counts_every_sign_pattern():
    sample = build(MIXED, window=Window(0, 0))
    tied = np.array([1, 1, -1, 2, 2, 3, -3, 4, 5, 5.0])[:, None]
    result = sign.wilcoxon(replace(sample, ar=tied))
    ranks = [rank_of(x, list(np.abs(tied[:, 0]))) for x in np.abs(tied[:, 0])]
    small = sum(r for r, x in zip(ranks, tied[:, 0], strict=True) if x < 0)
    hits = 0
    for pattern in range(2**10):
        hits += sum(r for k, r in enumerate(ranks) if pattern >> k & 1) <= small
    assert result.value == small
    assert result.pvalue == pytest.approx(2 * hits / 2**10)


def test_calendar_time_t(sample):
    live = {}
    for i in range(len(sample)):
        for w, value in enumerate(sample.ar[i]):
            if not math.isnan(value):
                live.setdefault(sample.position[i] + sample.window.start + w, []).append((i, w))
    standardised = []
    for session in sorted(live):
        members = [i for i, _ in live[session]]
        first = max(sample.position[i] for i in members) + ESTIMATION.start
        last = min(sample.position[i] for i in members) + ESTIMATION.end
        portfolio = []
        for day in range(first, last + 1):
            at = [sample.ar_est[i][day - sample.position[i] - ESTIMATION.start] for i in members]
            if present(at):
                portfolio.append(mean(present(at)))
        today = mean([sample.ar[i][w] for i, w in live[session]])
        standardised.append(today / sd(portfolio))
    if len(standardised) == 1:
        pytest.skip("one session only")
    reference = stats.ttest_1samp(standardised, 0.0)
    check(
        calendar_time.calendar_time_t(sample),
        reference.statistic,
        df=len(standardised) - 1,
        pvalue=reference.pvalue,
    )


def holding(sample):
    out = []
    for i in range(len(sample)):
        held = expected = 1.0
        for w, value in enumerate(sample.ar[i]):
            if math.isnan(value):
                continue
            r, e = sample.returns[i][w], sample.expected[i][w]
            log = sample.return_kind == "log"
            held *= math.exp(r) if log else 1 + r
            expected *= math.exp(e) if log else 1 + e
        out.append(held - expected)
    return out


@pytest.mark.parametrize("kind", ["log", "simple"])
def test_bhar(sample, kind):
    sample = replace(sample, return_kind=kind)
    values = holding(sample)
    reference = stats.ttest_1samp(values, 0.0)
    check(bhar.bhar_t(sample), reference.statistic, df=len(values) - 1, pvalue=reference.pvalue)
    n, (s, g) = len(values), location_and_skew(values)
    expected = math.sqrt(n) * (s + g * s**2 / 3 + g / (6 * n))
    check(bhar.bhar_skew_t(sample), expected, df=n - 1)


@pytest.mark.parametrize(
    "sample",
    [
        build([(f"e{i}", 80 + 12 * i, "A") for i in range(26)]),
        # Missing sessions, one asset in many events and several assets in one event.
        build(
            [(f"e{i}", 80 + 30 * i, a) for i in range(9) for a in ("A", "B", "C")][:26],
            missing=0.08,
            seed=5,
        ),
    ],
    ids=["balanced", "unbalanced"],
)
def test_bhar_bootstrap_agrees_with_a_loop(sample):
    result = bhar.bhar_bootstrap(sample, np.random.default_rng(3))
    values, rng = holding(sample), np.random.default_rng(8)
    s, g = location_and_skew(values)
    assert result.value == pytest.approx(math.sqrt(26) * (s + g * s * s / 3 + g / (6 * 26)))
    law = []
    for _ in range(4000):
        drawn = [values[k] for k in rng.integers(0, 26, 6)]
        s, g = location_and_skew(drawn)
        s -= mean(values) / sd(drawn)
        law.append(math.sqrt(6) * (s + g * s * s / 3 + g / 36))
    tail = min(mean([x <= result.value for x in law]), mean([x >= result.value for x in law]))
    assert result.pvalue == pytest.approx(2 * tail, abs=0.03)
    with pytest.raises(EstimationError, match="need 20"):
        bhar.bhar_bootstrap(sample.take(np.arange(5)), rng)


def test_price_changes_do_not_compound():
    with pytest.raises(EstimationError, match="do not compound"):
        bhar.bhar_t(replace(build(MIXED), return_kind="change"))


TESTS = (
    parametric.time_series_t,
    parametric.crude_dependence_t,
    parametric.cross_sectional_t,
    parametric.patell,
    parametric.patell_sum_sar,
    parametric.patell_kp,
    parametric.bmp,
    parametric.patell_kp_overlap,
    parametric.bmp_kp,
    parametric.bmp_kp_overlap,
    skewness.johnson_t,
    skewness.hall_t,
    rank.corrado_rank,
    rank.corrado_zivney_rank,
    rank.corrado_zivney_sign,
    rank.grank_t,
    rank.grank_z,
    sign.sign,
    sign.generalised_sign,
    sign.wilcoxon,
    calendar_time.calendar_time_t,
    bhar.bhar_t,
    bhar.bhar_skew_t,
)


@pytest.mark.parametrize("test", TESTS)
def test_order_of_pairs_is_irrelevant(test):
    sample = build(MIXED, missing=0.1, seed=9)
    turned = sample.take(np.array([3, 1, 9, 0, 2, 8, 7, 5, 6, 4]))
    assert test(turned).value == pytest.approx(test(sample).value, rel=1e-9)
    assert test(turned).pvalue == pytest.approx(test(sample).pvalue, rel=1e-9)


@pytest.mark.parametrize("test", TESTS[:-2])
@pytest.mark.parametrize("scale", [100.0, 1e-4])
def test_units_are_irrelevant(test, scale):
    sample = build(MIXED, missing=0.1, seed=9)
    scaled = replace(
        sample, ar=sample.ar * scale, ar_est=sample.ar_est * scale, s2=sample.s2 * scale**2
    )
    assert test(scaled).value == pytest.approx(test(sample).value, rel=1e-9)


@pytest.mark.parametrize("test", TESTS)
def test_a_pair_without_a_car_is_left_out(test):
    sample = build(MIXED, seed=9)
    ar = sample.ar.copy()
    ar[4] = np.nan
    result = test(replace(sample, ar=ar))
    assert result.n == 9
    kept = test(sample.take(np.delete(np.arange(10), 4)))
    assert result.value == pytest.approx(kept.value, rel=1e-12)


ODD = tuple(t for t in TESTS[:-2] if t not in {sign.wilcoxon, sign.generalised_sign})


@pytest.mark.parametrize("test", ODD)
def test_a_mirror_image_turns_the_sign(test):
    sample = build(MIXED, missing=0.1, seed=9)
    mirrored = replace(sample, ar=-sample.ar, ar_est=-sample.ar_est)
    assert test(mirrored).value == pytest.approx(-test(sample).value, rel=1e-9)
