"""All scopes through one call: every name that is asked for has a row, with a value or a reason."""

from __future__ import annotations

import json
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eventstudy.events import events_from_frame
from eventstudy.inference.over_events.sample import event_sample
from eventstudy.inference.samples import StudySamples, run_tests
from eventstudy.inference.statistic import OVER_MANY, statistic, statistics
from eventstudy.models.designs import ConstantMean
from eventstudy.prices.loading import load_prices
from eventstudy.study import Study, run_study
from eventstudy.windows import Window

PLACES = np.array([420, 421, 470, 520, 523, 560, 610, 660])
DIRECTIONS = ("up", "down", "up", "none", "up", "down", "up", "up")
DAY, WEEK = Window(0, 0), Window(0, 3)


def prices():
    rng = np.random.default_rng(4)
    days = pd.bdate_range("2012-01-02", periods=720, name="session")
    returns = 0.01 * rng.standard_t(5, (720, 2)) + 0.01 * rng.standard_normal((720, 1))
    return pd.DataFrame(70 * np.exp(np.cumsum(returns, 0)), index=days, columns=["wti", "brent"])


def run(places=PLACES, directions=DIRECTIONS, **options):
    frame = prices()
    ids = [f"e{i}" for i in range(len(places))]
    days = [str(day.date()) for day in frame.index[places]]
    table = {"event_id": ids, "date": days, "title": ids, "direction": directions[: len(ids)]}
    chosen = {
        "name": "made-up", "assets": ["wti", "brent"], "model": ConstantMean(),
        "event_window": (-1, 3), "estimation": 150, "gap": 5, "car": [(0, 0), (0, 3)],
        "volatility": "ewma", "draws": 199, "calendar": "file",
    } | options  # fmt: skip
    study = Study(**chosen)
    return run_study(study, events_from_frame(pd.DataFrame(table)), load_prices(frame))


@pytest.fixture(scope="module")
def result():
    return run()


def rows(frame, **keys):
    for name, value in keys.items():
        frame = frame[frame[name] == value]
    return frame


@pytest.mark.parametrize("entry", statistics(), ids=lambda entry: entry.name)
def test_every_statistic_of_every_scope_has_rows(result, entry):
    found = result.test((0, 3), tests=(entry.name,))
    assert len(found)
    assert set(found["statistic"]) == {entry.name}
    assert (found["pvalue"].notna() | (found["reason"] != "")).all()
    if entry.scope in OVER_MANY:
        assert list(found["asset"]) == ["all", "wti", "brent"]
        assert set(found["event_id"]) == {""}
    else:
        pairs = {(asset, f"e{i}") for asset in ("wti", "brent") for i in range(8)}
        assert set(zip(found["asset"], found["event_id"], strict=True)) == pairs


def test_the_default_of_a_result_is_that_of_its_study(result):
    found = result.test((0, 3))
    stated = rows(result.tests, window="[0,3]").reset_index(drop=True)
    pd.testing.assert_frame_equal(found, stated)
    assert {"overlap_z", "shift_sharp", "shift_mean", "shift_variance"} <= set(found["statistic"])


def test_a_window_that_is_no_car_window_is_tested_over_many_events(result):
    found = result.test((-1, 1), tests=("overlap_z", "calendar_time_t", "vfc", "holm"))
    values = found[found["statistic"].isin(["overlap_z", "calendar_time_t"])]
    assert values["pvalue"].notna().all()
    others = found[found["statistic"].isin(["vfc", "holm"])]
    assert set(others["verdict"]) == {"refused"}
    assert (
        others["reason"].str.contains(r"not tested over \[-1,1\] but over \[0,0\], \[0,3\]").all()
    )


def test_statistics_of_one_event_are_those_of_the_effects(result):
    for name in ("t", "sq", "vfc", "fhs", "conformal"):
        found = result.test((0, 3), tests=(name,))
        effects = rows(result.effects, window="[0,3]")
        np.testing.assert_array_equal(found["pvalue"], effects[f"p_{name}"])
        assert (found["n"] == 1).all()
    textbook = result.test((0, 3), tests=("t",))
    np.testing.assert_array_equal(textbook["value"], effects["t"])
    expected = 2 * stats.t.sf(np.abs(textbook["value"]), textbook["df"])
    np.testing.assert_allclose(textbook["pvalue"], expected)


def test_a_changed_volatility_is_a_caution_on_the_textbook_t_alone(result):
    changed = rows(result.effects, window="[0,0]")["vol_warning"].to_numpy()
    found = result.test((0, 0), tests=("t", "vfc"))
    textbook = rows(found, statistic="t")["verdict"].to_numpy()
    np.testing.assert_array_equal(textbook == "caution", changed)
    assert changed.any()
    assert not changed.all()
    assert set(rows(found, statistic="vfc")["verdict"]) == {"holds"}


def test_adjusted_p_values_are_those_of_the_family(result):
    columns = {"holm": "p_holm", "benjamini_hochberg": "p_benjamini_hochberg", "max_z": "p_max_z"}
    found = result.test((0, 0), tests=tuple(columns))
    for name, column in columns.items():
        for asset in ("wti", "brent"):
            mine = rows(found, statistic=name, asset=asset)
            family = rows(result.family, asset=asset, window="[0,0]")
            np.testing.assert_array_equal(mine["pvalue"], family[column])
            np.testing.assert_array_equal(mine["value"], family["pvalue"])


def test_a_study_that_names_single_and_family_statistics_shows_them():
    found = run(tests=("vfc", "holm"))
    assert len(found.tests) == 2 * 2 * 2 * 8
    assert set(found.tests["statistic"]) == {"vfc", "holm"}
    assert found.tests["pvalue"].notna().all()


def test_one_event_has_no_family_and_says_so():
    found = run(places=PLACES[:1], assets=["wti"], tests=("holm", "max_z", "vfc"))
    family = found.tests[found.tests["statistic"] != "vfc"]
    assert list(family["reason"]) == ["1 event, needs 2"] * 4
    assert rows(found.tests, statistic="vfc")["pvalue"].notna().all()


def test_the_level_reaches_the_interval_of_the_share():
    strict, loose = (run(level=level, car=[(0, 0)]).tests for level in (0.05, 0.10))
    texts = [
        rows(t, asset="wti", statistic="direction_share")["reason"].iloc[0] for t in (strict, loose)
    ]
    assert "95% interval" in texts[0]
    assert "90% interval" in texts[1]
    share = rows(loose, asset="wti", statistic="direction_share").iloc[0]
    n, k = int(share["n"]), round(share["value"] * share["n"])
    interval = stats.binomtest(k, n).proportion_ci(0.90, method="exact")
    assert f"{interval.low:.2f} to {interval.high:.2f}" in texts[1]


def test_samples_can_be_pickled_and_give_the_same_rows(result):
    names = ("bmp_kp_overlap", "overlap_z", "episode_wild", "bhar_bootstrap", "vfc", "max_z")
    first = result.samples.run(DAY, WEEK, tests=names)
    again = pickle.loads(pickle.dumps(result.samples)).run(DAY, WEEK, tests=names)
    assert repr(again) == repr(first)


def test_rows_depend_neither_on_the_other_windows_nor_on_the_other_tests(result):
    both = result.samples.run(DAY, WEEK, tests=("bhar_bootstrap", "episode_wild", "bmp"))
    alone = result.samples.run(WEEK, tests=("episode_wild",))
    mine = [one for one in both if one.window == WEEK and one.statistic == "episode_wild"]
    assert repr(mine) == repr(list(alone))


def test_samples_without_filtered_returns_refuse_with_the_reason(result):
    bare = StudySamples(result.abnormal)
    found = bare.run(WEEK, tests=("overlap_z", "vfc", "holm", "calendar_time_t"))
    told = {one.statistic: one.reason for one in found if one.verdict == "refused"}
    assert told["overlap_z"] == "there are no filtered returns of 'brent'"
    assert "not tested over [0,3] but over none" in told["vfc"]
    assert set(told) == {"overlap_z", "vfc", "holm"}


def test_named_tests_measure_no_more_than_they_need():
    found = run(tests=("patell", "time_series_t"))
    for column in ("n_dated", "abs_z_ratio"):
        assert found.design[column].isna().all()
    for column in ("score", "p_max_z", "overlap_z_without"):
        assert found.family[column].isna().all()
    assert found.family["p_holm"].notna().all()
    assert found.design["size_xc"].notna().all()  # the sample is small: cheap


def test_overlapping_windows_are_refused_without_any_correlation(result):
    whole = event_sample(result.abnormal.restrict(WEEK))
    found = run_tests(whole, tests=("patell", "bmp"), rng=np.random.default_rng(0))
    assert {one.verdict for one in found} == {"refused"}
    assert "mean_correlation" not in vars(whole.windows)
    assert "mean_correlation" not in vars(whole.residuals)


def test_every_name_of_the_command_is_a_statistic_with_its_needs():
    from click.testing import CliRunner

    from eventstudy.cli.listing import methods

    told = json.loads(CliRunner().invoke(methods, ["--json"]).output)
    assert [one["name"] for one in told] == [entry.name for entry in statistics()]
    kept = {one["name"]: one for one in told}
    assert kept["shift_mean"]["requires"] == ["at least 5 windows"]
    assert kept["episode_wild"]["requires"] == ["at least 6 episodes"]
    assert kept["bmp"]["allows_event_variance"]
    assert "distribution" in kept["bmp"]


def test_a_name_can_be_declared_once_only():
    entry = statistic("bmp")
    with pytest.raises(ValueError, match="two statistics are called 'bmp'"):
        entry(entry.function)


def test_tests_to_read_instead_exist():
    for entry in statistics("dates"):
        if entry.studentised_by:
            assert statistic(entry.studentised_by).allows_event_variance


def test_a_missing_value_is_never_without_a_reason(result):
    for one in result.samples.run(DAY, WEEK, tests=tuple(e.name for e in statistics())):
        assert math.isfinite(one.pvalue) or (one.reason and one.verdict == "refused")
