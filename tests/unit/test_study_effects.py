from __future__ import annotations

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from eventstudy.errors import EstimationError
from eventstudy.inference.one_event.filtered import filtered_tests
from eventstudy.models.volatility import fit_filter
from eventstudy.results import Placebos
from eventstudy.study import Study, effects
from eventstudy.study.assets import fit_at
from eventstudy.study.effects import AssetData, generator, measure
from eventstudy.windows import Window

WINDOWS = (Window(0, 0), Window(0, 2), Window(-2, 4))
POSITION = (330, 345, 390, 452, 497)
ESTIMATION = 60
STUDY = Study(
    name="batch", assets=("oil",), event_window=(-3, 6), estimation=ESTIMATION, gap=5,
    car=WINDOWS, draws=299, history=250, seed=11, min_estimation=20, incomplete="keep",
)  # fmt: skip


def asset(*, holes=(), rolls=(), length=500, seed=8):
    rng = np.random.default_rng(seed)
    returns = 0.001 + 0.01 * rng.standard_t(5, length)
    returns[list(holes)] = np.nan
    rolled = np.zeros(length, dtype=bool)
    rolled[list(rolls)] = True
    return AssetData(
        asset="oil",
        returns=returns,
        offset=np.zeros(length),
        design=np.ones((length, 1)),
        levels=50.0 + np.arange(length),
        rolls=rolled,
        kind="log",
    )


def fitted(data, position=POSITION, study=STUDY):
    at = np.array(position)
    ids = tuple(f"e{i}" for i in position)
    return fit_at(study, data, at, ids, sessions=at)


def measured(data, position=POSITION, study=STUDY, **options):
    fit = fitted(data, position, study)
    given = {"windows": WINDOWS, "role": "primary"} | options
    return fit, measure(fit, data, study, **given)


HOLES = (280, 331, 332, 391, 420, 453)
CASES = [
    {},
    {"holes": HOLES, "rolls": (300, 350, 400)},
]


NUMBERS = (
    "effect", "se", "t", "df", "p_t", "p_sq", "p_vfc", "p_fhs", "p_conformal", "ci_low", "ci_high",
    "mde", "ci_t_low", "ci_t_high", "mde_t", "vol_ratio",
)  # fmt: skip


def naive_variances(history):
    """Run an EWMA of weight 0.94 over squares: its value before each session, and the next one."""
    first = history[:75]
    start = sum(0.94**i * r * r for i, r in enumerate(first)) / sum(
        0.94**i for i in range(len(first))
    )
    variances, square = [], start
    variance = start
    for value in [*history, None]:
        variance = (1 - 0.94) * square + 0.94 * variance
        variances.append(variance)
        square = value * value if value is not None else None
    return variances[:-1], variances[-1]


def naive_window(data, position, window, label):
    """Every number of one event and window by its definition, in plain Python."""
    low = position + STUDY.estimation_window.start
    kept = [i for i in range(low, low + ESTIMATION) if not data.rolls[i]]
    sample = [data.returns[i] for i in kept if not math.isnan(data.returns[i])]
    mean = sum(sample) / len(sample)
    residuals = [r - mean for r in sample]
    df = len(sample) - 1
    s2 = sum(r * r for r in residuals) / df
    inside = [
        data.returns[position + tau] for tau in window.taus if position + tau < len(data.returns)
    ]
    inside = [r for r in inside if not math.isnan(r)]
    w, car = len(inside), sum(r - mean for r in inside)
    se = math.sqrt(s2 * (w + w * w / len(sample)))
    found = {"effect": car, "se": se, "t": car / se, "df": df}
    found["p_t"] = 2 * stats.t.sf(abs(car / se), df)
    half = stats.t.ppf(0.975, df) * se
    found["ci_t_low"], found["ci_t_high"] = car - half, car + half
    found["mde_t"] = (stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df)) * se
    runs = [abs(sum(residuals[j : j + w])) for j in range(len(residuals) - w + 1)]
    found["p_sq"] = (1 + sum(run >= abs(car) for run in runs)) / (len(runs) + 1)
    both = sample + inside
    null = [r - sum(both) / len(both) for r in both]
    shifts = [abs(sum((null[k:] + null[:k])[-w:])) for k in range(len(null))]
    found["p_conformal"] = sum(x >= shifts[0] - 1e-15 for x in shifts) / len(null)
    past = [data.returns[i] - mean for i in range(position + window.start) if not data.rolls[i]]
    past = [r for r in past if not math.isnan(r)][-STUDY.history :]
    variances, ahead = naive_variances(past)
    found["vol_ratio"] = math.sqrt(ahead / s2)
    vfc = [sum(past[j : j + w]) * math.sqrt(ahead / variances[j]) for j in range(len(past) - w + 1)]
    found["p_vfc"] = (1 + sum(abs(x) >= abs(car) for x in vfc)) / (len(vfc) + 1)
    z = [r / math.sqrt(v) for r, v in zip(past, variances, strict=True)]
    z = [x - sum(z) / len(z) for x in z]
    rng = generator(STUDY.seed, f"e{position}", "oil", str(window), label)
    starts = []
    while len(starts) < STUDY.draws:
        starts += rng.permutation(len(z) - w + 1).tolist()
    fhs = []
    for j, noise in zip(starts[: STUDY.draws], rng.standard_normal(STUDY.draws), strict=True):
        total, variance = 0.0, ahead
        for shock in z[j : j + w]:
            value = math.sqrt(variance) * shock
            total += value
            variance = (1 - 0.94) * value * value + 0.94 * variance
        fhs.append(total + noise * math.sqrt(max(se * se - w * s2, 0.0)))
    found["p_fhs"] = (1 + sum(abs(x) >= abs(car) for x in fhs)) / (len(fhs) + 1)
    return found, vfc if w == 1 else fhs


@pytest.mark.parametrize("case", CASES)
def test_a_batch_is_what_plain_loops_give(case):
    data = asset(**case)
    study = replace(STUDY, volatility="ewma")
    _, found = measured(data, study=study)
    for row, position in enumerate(POSITION):
        for column, window in enumerate(WINDOWS):
            expected, reference = naive_window(data, position, window, "primary")
            tests, at = found.tests, (row, column)
            for name, value in expected.items():
                got = getattr(tests, name)[at]
                assert got == pytest.approx(value, rel=1e-12, abs=1e-14), (at, name)
            assert tests.ci_method[at] == ("vfc" if tests.n_sessions[at] == 1 else "fhs")
            half, sizes = tests.ci_high[at] - tests.effect[at], np.abs(reference)
            assert tests.effect[at] - tests.ci_low[at] == pytest.approx(half, rel=1e-12)
            for factor, rejected in ((1 - 1e-9, False), (1 + 1e-9, True)):
                pvalue = (1 + np.sum(sizes >= half * factor)) / (len(sizes) + 1)
                assert (pvalue <= 0.05) is np.bool_(rejected)
            law = np.concatenate([reference, -np.array(reference)])
            for factor, enough in ((1 - 1e-9, False), (1 + 1e-9, True)):
                share = np.mean(np.abs(law + tests.mde[at] * factor) > half)
                assert (share >= 0.8) is np.bool_(enough)
            assert found.base_price[at] == data.levels[position + window.start - 1]
            inside = data.rolls[position + window.start : position + window.end + 1]
            assert found.roll[at] == inside.any()


def test_a_batch_fits_one_garch_filter_for_all_windows_of_an_event():
    data = asset(length=900)
    study = replace(STUDY, history=800)
    fit, found = measured(data, (650, 700, 850), study)
    assert (found.tests.filter == "garch").all()
    for row, event_id in enumerate(fit.abnormal.event_ids):
        filt = fit_filter(found.histories.before(row, -2))
        for column, window in enumerate(WINDOWS):
            part, past = fit.abnormal.restrict(window), found.histories.before(row, window.start)
            w = int(part.n_sessions[row])
            one = filtered_tests(
                float(np.nansum(part.ar[row])), w, history=past, path=filt.run(past), filt=filt,
                forecast_sd=math.sqrt(max(part.variance[row] - w * part.s2[row], 0.0)),
                level=study.level, draws=study.draws,
                rng=generator(study.seed, event_id, "oil", str(window), "primary"),
            )  # fmt: skip
            for name in ("p_vfc", "p_fhs", "mde"):
                got = getattr(found.tests, name)[row, column]
                assert got == pytest.approx(getattr(one, name), rel=1e-12), name


def test_neither_the_order_nor_a_further_event_changes_a_number():
    data = asset(holes=HOLES)
    _, whole = measured(data)
    _, some = measured(data, (497, 345))
    for name in whole.tests.__slots__:
        expected = getattr(whole.tests, name)[[4, 1]]
        assert np.array_equal(getattr(some.tests, name), expected) or np.array_equal(
            getattr(some.tests, name), expected, equal_nan=True
        )


def test_an_event_of_another_role_is_drawn_anew():
    data = asset()
    one, other = (measured(data, role=role)[1].tests for role in ("primary", "alternative"))
    assert np.array_equal(one.p_vfc, other.p_vfc)
    assert not np.array_equal(one.p_fhs, other.p_fhs)


def test_the_t_alone_asks_for_no_filter_and_draws_nothing(monkeypatch):
    data = asset(holes=HOLES)
    full = measured(data)[1].tests
    for name in ("fit_filter", "generator", "conformal_pvalues"):
        monkeypatch.setattr(effects, name, None)
    ticks = []
    _, found = measured(data, study=replace(STUDY, single="t"), tick=lambda: ticks.append(1))
    tests = found.tests
    assert len(ticks) == len(POSITION)
    for name in ("n_sessions", "effect", "se", "t", "df", "p_t", "p_sq", "ci_t_low", "ci_t_high",
                 "mde_t"):  # fmt: skip
        np.testing.assert_array_equal(getattr(tests, name), getattr(full, name))
    for name in ("ci_low", "ci_high"):
        np.testing.assert_array_equal(
            getattr(tests, name), getattr(full, name.replace("ci", "ci_t"))
        )
    np.testing.assert_array_equal(tests.mde, full.mde_t)
    assert (tests.ci_method == "t").all()
    assert (tests.filter == "").all()
    assert (tests.reason == "").all()
    for name in ("p_vfc", "p_fhs", "p_conformal", "vol_ratio"):
        assert np.isnan(getattr(tests, name)).all()
    assert not tests.vol_warning.any()
    assert len(found.placebos()) == 0


def test_what_cannot_be_tested_has_its_reason_and_no_number():
    data = asset(holes=range(345, 352))
    data.returns[402:470] = 0.0
    _, found = measured(data, (345, 380, 475))
    tests = found.tests
    assert tests.tested.tolist() == [[False, False, True], [True] * 3, [False] * 3]
    assert tests.reason[0, :2].tolist() == ["no return in the window"] * 2
    assert tests.reason[1].tolist() == ["250 sessions, GARCH needs 500"] * 3
    assert set(tests.reason[2]) == {"the returns of the estimation window do not vary"}
    for name in NUMBERS:
        assert np.isnan(getattr(tests, name)[~tests.tested]).all(), name
        assert np.isfinite(getattr(tests, name)[tests.tested]).all(), name
    assert (tests.ci_method[~tests.tested] == "").all()


def test_a_history_too_short_to_filter_is_named():
    data = asset(holes=range(285))
    study = replace(STUDY, estimation=20, gap=0, event_window=(0, 6), min_estimation=10, car=None)
    _, found = measured(data, (304, 400), study, windows=(Window(0, 0), Window(2, 3)))
    assert (
        found.tests.reason[0].tolist() == ["19 sessions before the window: a filter needs 20"] * 2
    )
    assert found.filters[0] is None
    assert found.tests.tested.tolist() == [[False, False], [True, True]]


def test_a_reference_too_small_for_the_level_is_named():
    study = replace(STUDY, level=0.002, history=60)
    _, found = measured(asset(), study=study)
    expected = (
        "60 sessions, GARCH needs 500; vfc: 60 reference values cannot reject at level 0.002, "
        "interval unbounded"
    )
    assert found.tests.reason[0, 0] == expected
    assert np.isinf(found.tests.ci_high[0, 0])
    assert np.isinf(found.tests.mde[0, 0])


def test_placebo_samples_are_made_when_asked_for():
    data = asset(holes=HOLES)
    _, found = measured(data, study=replace(STUDY, volatility="ewma"))
    held = (found.histories, *(getattr(found.tests, name) for name in found.tests.__slots__))
    assert all(array.shape == (len(POSITION), len(WINDOWS)) for array in held[1:])
    samples = found.placebos()
    assert samples.keys == tuple((f"e{i}", "oil") for i in POSITION)
    assert samples.find("e330", "gas") is None
    assert [one.event_id for one in samples.of_event("e390")] == ["e390"]
    both = pickle.loads(pickle.dumps(Placebos.joined([samples, samples])))  # our own
    assert both[-1].event_id == "e497"
    assert len(both[3:6]) == 3
    sample = both.find("e330", "oil")
    expected, reference = naive_window(data, POSITION[0], WINDOWS[0], "primary")
    assert sample.effect == pytest.approx(expected["effect"], rel=1e-12)
    scale = sample.effect / sample.effect_standardised
    np.testing.assert_allclose(sample.standardised * scale, reference, rtol=1e-10, atol=1e-15)
    history = found.histories.before(0, 0)
    np.testing.assert_allclose(sample.effects, history, rtol=1e-10, atol=1e-15)


def test_a_filter_that_cannot_run_before_a_later_window_is_named(monkeypatch):
    def fails(_filter, _returns):
        msg = "a stand-in failure"
        raise EstimationError(msg)

    monkeypatch.setattr(effects.VolatilityFilter, "run", fails)
    _, found = measured(asset())
    assert set(found.tests.reason.ravel()) == {"a stand-in failure"}
    assert not found.tests.tested.any()
