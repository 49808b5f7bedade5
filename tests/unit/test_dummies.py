"""Event dummies against statsmodels on an explicit design, and against plain loops."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.errors import EstimationError
from eventstudy.regression.dummies import FRAME_COLUMNS, event_dummies, newey_west_lags
from eventstudy.regression.groups import (
    DEPENDS,
    IN_SPAN,
    LEVEL_ONLY,
    NO_SESSION,
    SAME_SESSION,
    SHARED,
)
from eventstudy.windows import Window


def market(seed=1, n=160, k=2):
    rng = np.random.default_rng(seed)
    controls = rng.normal(0.0, 0.01, (n, k))
    return 0.0004 + controls @ np.arange(1, k + 1) * 0.5 + rng.normal(0, 0.02, n), controls


def level_design(n, positions, window):
    columns = np.zeros((n, len(positions)))
    for j, p in enumerate(positions):
        for tau in range(window.start, window.end + 1):
            if 0 <= p + tau < n:
                columns[p + tau, j] = 1.0
    return columns


POSITIONS = np.array([30, 33, 90, 140])  # the first two overlap in part under [-1, 3]
IDS = ("a", "b", "c", "d")


@pytest.mark.parametrize("with_controls", [False, True])
def test_level_matches_statsmodels_hac(with_controls):
    r, controls = market()
    window = Window(-1, 3)
    got = event_dummies(
        r, POSITIONS, IDS, window=window, controls=controls if with_controls else None
    )
    dummies = level_design(len(r), POSITIONS, window)
    parts = [np.ones(len(r)), *([controls] if with_controls else []), dummies]
    design = np.column_stack(parts)
    lags = int(np.floor(4 * (len(r) / 100) ** (2 / 9)))
    fit = sm.OLS(r, design).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True
    )
    first = design.shape[1] - 4
    np.testing.assert_allclose(got.coef, 5 * fit.params[first:], rtol=1e-9)
    np.testing.assert_allclose(got.se_hac, 5 * fit.bse[first:], rtol=1e-9)
    np.testing.assert_allclose(got.t_hac, fit.tvalues[first:], rtol=1e-9)
    np.testing.assert_allclose(got.p_hac, fit.pvalues[first:], rtol=1e-8)
    plain = sm.OLS(r, design).fit()
    np.testing.assert_allclose(got.se_ols, 5 * plain.bse[first:], rtol=1e-9)
    assert got.constant == pytest.approx(fit.params[0], rel=1e-9)
    np.testing.assert_allclose(got.control_coefs, fit.params[1:first], rtol=1e-8)
    assert (got.bandwidth, got.n, got.n_params) == (lags, 160, design.shape[1])
    assert any("Newey-West standard errors are shown for comparison" in note for note in got.notes)


def test_isolated_event_is_the_car_against_all_other_sessions():
    r, _ = market(k=1)
    window = Window(0, 4)
    inside = r[50:55]
    rest = np.delete(r, np.arange(50, 55))
    want = inside.sum() - 5 * rest.mean()
    s2 = rest.var(ddof=1)
    for shape in ("level", "session"):
        got = event_dummies(r, np.array([50]), ("x",), window=window, shape=shape)
        assert got.coef[0] == pytest.approx(want, abs=1e-12)
    # dummies per session leave the textbook forecast variance V = s2 (W + W^2 / L)
    assert got.se_ols[0] == pytest.approx(np.sqrt(s2 * (5 + 25 / len(rest))), rel=1e-9)


def naive_effects(r, controls, patterns, shape):
    """Effects by one explicit regression per shift, pattern by pattern."""
    n = len(r)
    out = np.empty((n, len(patterns)))
    for s in range(n):
        moved = [sorted({(t + s) % n for t in p}) for p in patterns]
        columns, owner = [], []
        for g, sessions in enumerate(moved):
            blocks = [sessions] if shape == "level" else [[t] for t in sessions]
            for block in blocks:
                column = np.zeros(n)
                column[block] = 1.0
                columns.append(column)
                owner.append((g, len(block)))
        design = np.column_stack([np.ones(n), *([controls] if controls is not None else []),
                                  *columns])  # fmt: skip
        params = np.linalg.lstsq(design, r, rcond=None)[0][-len(columns) :]
        effects = np.zeros(len(patterns))
        for (g, size), value in zip(owner, params, strict=True):
            effects[g] += size * value
        out[s] = effects
    return out


@pytest.mark.parametrize("shape", ["level", "session"])
@pytest.mark.parametrize("with_controls", [False, True])
def test_p_shift_is_a_loop_over_every_shift(shape, with_controls):
    r, controls = market(n=90)
    r = r.copy()
    r[20:22] += 0.03
    used = controls if with_controls else None
    positions = np.array([20, 21, 60]) if shape == "level" else np.array([20, 40, 60])
    got = event_dummies(
        r, positions, ("a", "b", "c"), window=Window(0, 1), controls=used, shape=shape
    )
    loop = naive_effects(r, used, [[p, p + 1] for p in positions], shape)
    np.testing.assert_allclose(got.coef, loop[0], rtol=1e-9)
    want = [(np.abs(loop[:, g]) >= abs(loop[0, g]) * (1 - 1e-9)).mean() for g in range(3)]
    np.testing.assert_allclose(got.p_shift, want, rtol=1e-12)
    assert got.n_shifts == 90
    assert (got.p_shift >= 1 / 90).all()


def test_level_effects_are_the_regression_after_partialling_out():
    r, controls = market()
    window = Window(0, 2)
    got = event_dummies(r, POSITIONS, IDS, window=window, controls=controls)
    z = np.column_stack([np.ones(len(r)), controls])
    annihilate = np.eye(len(r)) - z @ np.linalg.inv(z.T @ z) @ z.T
    dummies = annihilate @ level_design(len(r), POSITIONS, window)
    want = 3 * np.linalg.lstsq(dummies, annihilate @ r, rcond=None)[0]
    np.testing.assert_allclose(got.coef, want, rtol=1e-8)


def test_overlapping_windows_are_told_apart_only_by_level_dummies():
    r = np.zeros(100)
    r[40:45] += 0.01  # event a moves [40, 44]
    r[43:48] += 0.04  # event b moves [43, 47]
    r += np.random.default_rng(3).normal(0, 1e-4, 100)
    window = Window(0, 4)
    level = event_dummies(r, np.array([40, 43]), ("a", "b"), window=window)
    np.testing.assert_allclose(level.coef, [0.05, 0.20], atol=2e-3)
    assert [g.event_ids for g in level.groups] == [("a",), ("b",)]
    assert all(g.note == LEVEL_ONLY for g in level.groups)
    apart = event_dummies(r, np.array([40, 60]), ("a", "b"), window=window)
    assert all(not g.note for g in apart.groups)
    joint = event_dummies(r, np.array([40, 43]), ("a", "b"), window=window, shape="session")
    assert [g.event_ids for g in joint.groups] == [("a", "b")]
    assert SHARED in joint.groups[0].note
    assert joint.groups[0].sessions == tuple(range(40, 48))
    assert joint.coef[0] == pytest.approx(0.25, abs=2e-3)


@pytest.mark.parametrize("shape", ["level", "session"])
def test_events_on_one_session_are_one_named_group(shape):
    r, _ = market()
    got = event_dummies(
        r, np.array([80, 20, 80]), ("late", "early", "twin"), window=Window(0, 1), shape=shape
    )
    assert [g.event_ids for g in got.groups] == [("early",), ("late", "twin")]
    assert SAME_SESSION in got.groups[1].note
    alone = event_dummies(r, np.array([80, 20]), ("l", "e"), window=Window(0, 1), shape=shape)
    np.testing.assert_allclose(got.coef, alone.coef, rtol=1e-12)
    assert any("late, twin" in note for note in got.notes)


def test_linearly_dependent_sets_are_grouped_even_without_equal_columns():
    # masked sessions leave a = {10}, b = {10, 11}, c = {11}: b is the sum of the other two
    r, _ = market(n=60)
    r = r.copy()
    r[9] = r[12] = np.nan
    got = event_dummies(r, np.array([9, 10, 11, 40]), ("a", "b", "c", "z"), window=Window(0, 1))
    assert [g.event_ids for g in got.groups] == [("a", "b", "c"), ("z",)]
    assert DEPENDS in got.groups[0].note
    assert got.groups[0].sessions == (10, 11)
    rest = np.delete(r, [10, 11, 40, 41])
    assert got.coef[0] == pytest.approx(r[10:12].sum() - 2 * np.nanmean(rest), abs=1e-12)


def test_windows_that_tile_the_sample_cannot_be_told_from_the_constant():
    r, _ = market(n=40)
    got = event_dummies(r, np.arange(0, 40, 2), [str(i) for i in range(20)], window=Window(0, 1))
    assert len(got) == 1
    assert len(got.groups[0].event_ids) == 20
    assert IN_SPAN in got.groups[0].note
    assert np.isnan(got.coef).all()
    assert np.isnan(got.p_shift).all()
    assert got.constant == pytest.approx(r.mean(), abs=1e-14)


def test_event_equal_to_a_control_is_named_and_the_others_stand():
    r, controls = market(k=1)
    taken = level_design(len(r), [30], Window(0, 1))
    both = np.column_stack([controls, taken])
    got = event_dummies(
        r, np.array([30, 90]), ("taken", "free"), window=Window(0, 1), controls=both
    )
    assert [g.estimable for g in got.groups] == [False, True]
    assert IN_SPAN in got.groups[0].note
    other = event_dummies(r, np.array([90]), ("free",), window=Window(0, 1), controls=both)
    assert got.coef[1] == pytest.approx(other.coef[0], rel=1e-9)
    # two of the 160 shifts put the moved dummy of "free" on the control of the other event
    assert got.n_shifts < 160


def test_event_without_a_usable_session_stays_named():
    r, _ = market()
    r = r.copy()
    r[50:52] = np.nan
    got = event_dummies(r, np.array([-1, 50, 90]), ("off", "masked", "on"), window=Window(0, 1))
    assert [g.event_ids for g in got.groups] == [("on",), ("off",), ("masked",)]
    assert [g.note for g in got.groups[1:]] == [NO_SESSION, NO_SESSION]
    assert np.isnan(got.coef[1:]).all()
    assert got.n == 158
    assert any("2 sessions" in note for note in got.notes)


def test_window_cut_by_the_end_and_by_a_hole_counts_the_sessions_present():
    r, _ = market(n=50)
    r = r.copy()
    r[20] = np.nan
    got = event_dummies(r, np.array([19, 48]), ("hole", "end"), window=Window(0, 3))
    assert [len(g.sessions) for g in got.groups] == [3, 2]
    assert all("without a usable return" in g.note for g in got.groups)
    rest = np.delete(r, [19, 20, 21, 22, 48, 49])
    assert got.coef[1] == pytest.approx(r[48:].sum() - 2 * rest.mean(), abs=1e-12)
    assert got.coef[0] == pytest.approx(r[[19, 21, 22]].sum() - 3 * rest.mean(), abs=1e-12)


@pytest.mark.parametrize(("shape", "window"), [("level", Window(0, 0)), ("session", Window(0, 2))])
def test_hac_is_refused_on_a_session_with_its_own_dummy(shape, window):
    r, _ = market()
    got = event_dummies(r, POSITIONS, IDS, window=window, shape=shape)
    assert np.isnan(got.se_hac).all()
    assert np.isnan(got.p_hac).all()
    assert np.isfinite(got.p_shift).all()
    assert all("HAC refused" in g.note for g in got.groups)
    assert not any("Newey-West" in note for note in got.notes)


def test_shift_finds_a_planted_effect_and_not_its_neighbour():
    r, _ = market(n=400, k=1)
    r = r.copy()
    r[200] += 0.20
    got = event_dummies(r, np.array([100, 200]), ("none", "big"), window=Window(0, 0))
    assert got.p_shift[1] == pytest.approx(1 / 400)
    assert got.p_shift[0] > 0.05


def test_frame_has_the_documented_columns_and_labels():
    r, _ = market()
    labels = [f"s{i}" for i in range(len(r))]
    frame = event_dummies(
        r, np.array([30, 30, 90]), IDS[:3], window=Window(0, 1), asset="wti"
    ).to_frame(labels)
    assert tuple(frame.columns) == FRAME_COLUMNS
    assert list(frame["event_ids"]) == ["a;b", "c"]
    assert list(frame["sessions"]) == ["s30;s31", "s90;s91"]
    assert list(frame["group"]) == ["a + b", "c"]
    assert set(frame["asset"]) == {"wti"}
    assert set(frame["window"]) == {"[0,1]"}


def test_bad_input_is_one_clear_line():
    r, controls = market()
    with pytest.raises(EstimationError, match="3 positions for 2 events"):
        event_dummies(r, np.array([1, 2, 3]), ("a", "b"), window=Window(0, 0))
    with pytest.raises(EstimationError, match="controls of shape"):
        event_dummies(r, np.array([1]), ("a",), window=Window(0, 0), controls=controls[:5])
    with pytest.raises(EstimationError, match="lies after the last session"):
        event_dummies(r, np.array([999]), ("a",), window=Window(0, 0))
    with pytest.raises(EstimationError, match="no session has a return"):
        event_dummies(np.full(9, np.nan), np.array([1]), ("a",), window=Window(0, 0))
    twice = np.column_stack([controls, controls[:, 0]])
    with pytest.raises(EstimationError, match=r"on wti.*linearly independent"):
        event_dummies(r, np.array([9]), ("a",), window=Window(0, 0), controls=twice, asset="wti")
    with pytest.raises(EstimationError, match="4 usable sessions"):
        event_dummies(
            r[:4], np.array([0, 2]), ("a", "b"), window=Window(0, 1), shape="session",
            controls=controls[:4],
        )  # fmt: skip


def test_newey_west_rule():
    assert [newey_west_lags(n) for n in (50, 100, 558, 10_000)] == [3, 4, 5, 11]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-1, 79), min_size=1, max_size=6),
    st.integers(-2, 0),
    st.integers(0, 3),
    st.sampled_from(["level", "session"]),
    st.integers(0, 10_000),
)
def test_every_event_is_in_exactly_one_group_and_order_is_irrelevant(
    positions, start, end, shape, seed
):
    rng = np.random.default_rng(seed)
    r = rng.normal(0, 0.02, 80)
    r[rng.integers(0, 80, 4)] = np.nan
    ids = tuple(f"e{i}" for i in range(len(positions)))
    window = Window(start, end)
    got = event_dummies(r, np.array(positions), ids, window=window, shape=shape)
    assert sorted(e for g in got.groups for e in g.event_ids) == sorted(ids)
    back = event_dummies(r, np.array(positions[::-1]), ids[::-1], window=window, shape=shape)
    named = {frozenset(g.event_ids): c for g, c in zip(got.groups, got.coef, strict=True)}
    other = {frozenset(g.event_ids): c for g, c in zip(back.groups, back.coef, strict=True)}
    assert named.keys() == other.keys()
    for key, value in named.items():
        np.testing.assert_allclose(other[key], value, atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 100.0), st.integers(0, 1000))
def test_effects_scale_with_the_unit_and_p_values_do_not_move(factor, seed):
    r, controls = market(seed)
    one = event_dummies(r, POSITIONS, IDS, window=Window(0, 1), controls=controls)
    two = event_dummies(factor * r, POSITIONS, IDS, window=Window(0, 1), controls=controls)
    np.testing.assert_allclose(two.coef, factor * one.coef, rtol=1e-8)
    np.testing.assert_allclose(two.p_shift, one.p_shift)
    np.testing.assert_allclose(two.p_hac, one.p_hac, rtol=1e-7)
