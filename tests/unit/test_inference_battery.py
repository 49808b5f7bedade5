from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from eventstudy.errors import UnknownNameError
from eventstudy.inference.applicability import default_tests, describe, size_ignoring
from eventstudy.inference.samples import run_tests
from eventstudy.inference.statistic import statistic, statistics
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.windows import Window

LENGTH = 80
NAMES = {
    "time_series_t",
    "crude_dependence_t",
    "cross_sectional_t",
    "patell",
    "patell_sum_sar",
    "patell_kp",
    "patell_kp_overlap",
    "bmp",
    "bmp_kp",
    "bmp_kp_overlap",
    "johnson_t",
    "hall_t",
    "corrado_rank",
    "corrado_zivney_rank",
    "corrado_zivney_sign",
    "grank_t",
    "grank_z",
    "sign",
    "generalised_sign",
    "wilcoxon",
    "calendar_time_t",
    "bhar_t",
    "bhar_skew_t",
    "bhar_bootstrap",
    "t",
    "sq",
    "vfc",
    "fhs",
    "conformal",
}


def sample(assets, positions, *, common=0.0, inflate=1.0, sessions=3, seed=0):
    """Constant-mean abnormal returns of pairs that share a factor by calendar session."""
    rng = np.random.default_rng(seed)
    n, start, stop = len(assets), min(positions) - 100, max(positions) + 20
    factor = rng.standard_normal(stop - start)
    series = {
        a: 0.01 * (common * factor + rng.standard_normal(stop - start)) for a in sorted(set(assets))
    }
    est = np.array(
        [series[a][p - 90 - start : p - 10 - start] for a, p in zip(assets, positions, strict=True)]
    )
    event = np.array(
        [
            series[a][p - start : p - start + sessions]
            for a, p in zip(assets, positions, strict=True)
        ]
    )
    mean = est.mean(axis=1, keepdims=True)
    return AbnormalReturns(
        event_ids=tuple(f"e{i}" for i in range(n)),
        assets=tuple(assets),
        window=Window(0, sessions - 1),
        estimation=Window(-90, -11),
        position=np.array(positions),
        ar=inflate * (event - mean),
        ar_est=est - mean,
        returns=event,
        expected=np.repeat(mean, sessions, axis=1),
        s2=((est - mean) ** 2).sum(axis=1) / (LENGTH - 1),
        n_est=np.full(n, LENGTH),
        n_params=1,
        cov_factor=np.broadcast_to(np.eye(sessions) + 1 / LENGTH, (n, sessions, sessions)),
        return_kind="log",
    )


def run(given, **options):
    results = run_tests(given, rng=np.random.default_rng(1), **options)
    return {result.statistic: result for result in results}


APART = [200 + 130 * i for i in range(24)]


def test_the_registry_names_every_statistic_once():
    names = [entry.name for entry in statistics()]
    assert len(names) == len(set(names))
    assert set(names) >= NAMES
    for entry in statistics():
        for text in (
            entry.title,
            entry.paper,
            entry.null,
            entry.distribution,
            entry.formula,
            entry.meaning,
        ):
            assert text
        assert entry.assumes
        assert entry.paper in entry.function.__doc__


def test_a_name_nobody_knows_gets_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'patell_kp'"):
        statistic("patel_kp")


def test_independent_events_choose_independent_tests():
    results = run(sample(["A"] * 24, APART))
    assert {"cross_sectional_t", "bmp", "grank_t", "wilcoxon"} <= set(results)
    assert {r.verdict for r in results.values()} == {"holds"}
    assert all(math.isfinite(r.pvalue) and not r.reason for r in results.values())


def test_windows_that_overlap_on_one_asset_refuse_cross_sections():
    given = sample(["A"] * 24, [200 + 2 * i for i in range(24)])
    chosen = run(given)
    assert set(chosen) == {"bmp_kp_overlap", "calendar_time_t"}
    refused = run(given, tests=("cross_sectional_t", "bmp", "overlap_z_is_not_here")[:2])
    assert {r.verdict for r in refused.values()} == {"refused"}
    assert "23 pairs of windows on one asset share sessions" in refused["bmp"].reason
    assert math.isnan(refused["bmp"].pvalue)
    shown = run(given, tests="all")
    assert shown["bmp"].verdict == "marked"
    assert math.isfinite(shown["bmp"].value)
    assert shown["bmp"].reason == refused["bmp"].reason


def test_common_dates_refuse_what_ignores_them():
    given = sample([f"A{i:02d}" for i in range(24)], [200] * 24, common=1.0)
    assert "bmp_kp" in run(given)
    refused = run(given, tests=("cross_sectional_t", "bmp_kp"))
    assert refused["cross_sectional_t"].verdict == "refused"
    assert "mean correlation of windows 0.5" in refused["cross_sectional_t"].reason
    assert refused["bmp_kp"].verdict == "holds"


def test_common_dates_without_correlation_keep_every_test():
    results = run(sample([f"A{i:02d}" for i in range(24)], [200] * 24), tests="all")
    assert {r.verdict for r in results.values()} <= {"holds", "caution"}


def test_event_induced_variance_is_named():
    results = run(sample(["A"] * 24, APART, inflate=2.0), tests=("patell", "bmp"))
    assert results["patell"].verdict == "caution"
    assert "times as much as estimation windows imply" in results["patell"].reason
    assert results["bmp"].verdict == "holds"


def test_one_pair_has_no_cross_section():
    given = sample(["A"], [200])
    assert set(run(given)) == {"time_series_t", "crude_dependence_t"}
    every = run(given, tests="all")
    assert all(r.reason or math.isfinite(r.pvalue) for r in every.values())
    assert every["cross_sectional_t"].verdict == "refused"
    assert "N = 1, needs 2; one CAR only" in every["cross_sectional_t"].reason


@pytest.mark.parametrize("case", ["equal", "flat", "empty", "zero", "ties"])
def test_no_value_is_missing_without_a_reason(case):
    given = sample(["A"] * 24, APART)
    spoiled = {
        "equal": lambda: replace(given, ar=np.full_like(given.ar, 0.01)),
        "flat": lambda: replace(given, ar_est=given.ar_est * 0, s2=given.s2 * 0),
        "empty": lambda: replace(given, ar=np.full_like(given.ar, np.nan)),
        "zero": lambda: replace(given, ar=given.ar * 0, ar_est=given.ar_est * 0, s2=given.s2 * 0),
        "ties": lambda: replace(given, ar=np.sign(given.ar)),
    }[case]()
    for tests in ("default", "all"):
        for result in run(spoiled, tests=tests).values():
            if not math.isfinite(result.pvalue):
                assert result.reason
                assert result.verdict == "refused"
            else:
                assert math.isfinite(result.value)


def test_the_order_of_names_is_kept_and_other_scopes_are_left_out():
    names = [
        r.statistic
        for r in run_tests(
            sample(["A"] * 24, APART),
            tests=("bmp", "vfc", "patell", "bmp"),
            rng=np.random.default_rng(0),
        )
    ]
    assert names == ["bmp", "patell"]


def test_the_reason_of_the_selection_is_a_sentence():
    design = describe(sample(["A"] * 24, [200 + 2 * i for i in range(24)]))
    names, reason = default_tests(design)
    assert "count each session once" in reason
    assert all(statistic(name) for name in names)


@pytest.mark.parametrize(
    ("factor", "percent"),
    [
        (1.5, 10.95),
        (2.0, 16.58),
        (3.385, 28.67),
        (1 + 49 * 0.02, 16.4),
        (1 + 49 * 0.05, 29.1),
        (1 + 49 * 0.10, 42.0),
    ],
)
def test_size_of_an_ignored_variance(factor, percent):
    assert 100 * size_ignoring(factor) == pytest.approx(percent, abs=0.06)
