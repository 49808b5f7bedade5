from __future__ import annotations

import json

import numpy as np
import pytest

from eventstudy.certify import certify, closed, designs, run, singles
from eventstudy.certify.page import certificate_page
from eventstudy.certify.rows import Certificate, CertificateRow, banded, widened
from eventstudy.charts.certificate import plot_certificate
from eventstudy.charts.style import render
from eventstudy.errors import EstimationError
from eventstudy.models.volatility import filter_series


@pytest.fixture(scope="module")
def returns():
    rng = np.random.default_rng(7)
    volatility = 0.02 * np.exp(0.5 * np.sin(np.arange(2100) / 60))
    return volatility * rng.standard_t(6, 2100)


SMALL = (
    run.Task("closed forms", "closed", (50,)),
    run.Task("single 0", "single", (1300, 1500, 1700, 1800, 2000)),
    run.Task("power 0", "power", (1300, 1900)),
    run.Task("events clustered 10 5 0", "events", (("clustered", 10, 5), 3)),
    run.Task("events independent 5 1 0", "events", (("independent", 5, 1), 3)),
    run.Task("curve 0", "curve", (10, 2)),
)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(run, "plan", lambda *_args, **_options: SMALL)


@pytest.mark.usefixtures("small")
def test_every_panel_has_rows_and_one_seed_gives_one_result(returns):
    first = certify(returns, series="made up", form="quick", seed=3, jobs=1)
    assert {row.panel for row in first.rows} == {"single", "events", "closed", "mackinlay", "power"}
    again = certify(returns, series="made up", form="quick", seed=3, jobs=1)
    assert again.to_dict() == first.to_dict()
    other = certify(returns, series="made up", form="quick", seed=4, jobs=1)
    assert other.rows != first.rows
    assert json.loads(json.dumps(first.to_dict()))["rows"][0].keys() == {
        "panel", "cell", "test", "nominal", "rejection", "n", "low", "high", "inside",
    }  # fmt: skip


@pytest.mark.usefixtures("small")
def test_an_interrupted_run_resumes(returns, tmp_path, monkeypatch):
    whole = certify(returns, series="x", form="quick", seed=3, jobs=1)
    done, real = [], run.run_task

    def stops(task, data):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(task.name)
        return real(task, data)

    monkeypatch.setattr(run, "run_task", stops)
    with pytest.raises(KeyboardInterrupt):
        certify(returns, series="x", form="quick", seed=3, jobs=1, keep=tmp_path)
    assert len(list(tmp_path.rglob("*.json"))) == 3
    monkeypatch.setattr(run, "run_task", lambda t, d: done.append(t.name) or real(t, d))
    resumed = certify(returns, series="x", form="quick", seed=3, jobs=1, keep=tmp_path)
    assert resumed.to_dict() == whole.to_dict()
    assert sorted(done) == sorted(task.name for task in SMALL)


@pytest.mark.usefixtures("small")
def test_several_processes_give_the_same_rows(returns):
    alone = certify(returns, series="x", form="quick", seed=3, jobs=1)
    together = certify(returns, series="x", form="quick", seed=3, jobs=2)
    assert together.to_dict() == alone.to_dict()


def test_the_full_plan_takes_every_eligible_session():
    returns = np.zeros(2000)
    days = [d for t in run.plan(returns, form="full", seed=1) if t.kind == "single" for d in t.part]
    assert days == list(range(1260, 1990))
    cells = {t.part[0] for t in run.plan(returns, form="full", seed=1) if t.kind == "events"}
    assert len(cells) == 18
    repetitions = sum(
        t.part[1] for t in run.plan(returns, form="full", seed=1)
        if t.kind == "events" and t.part[0] == ("turbulent", 20, 5)
    )  # fmt: skip
    assert repetitions == 2000


def test_a_rejection_counts_the_real_tests(returns):
    rows = singles.single_block(returns, (1400,), np.random.default_rng(1))
    assert [row["W"] for row in rows] == [1, 3, 5, 11]
    moved = returns.copy()
    moved[1400] += 1.0
    rows = singles.single_block(moved, (1400,), np.random.default_rng(1))
    assert all(row[name] for row in rows for name in ("t", "sq", "vfc", "fhs"))


def test_dates_fall_as_their_design_says(returns):
    ratio, rng = designs.volatility_ratio(returns), np.random.default_rng(2)
    apart = designs.draw_starts("independent", 20, 5, ratio, rng)
    assert np.diff(apart).min() >= 5
    spans = [np.ptp(designs.draw_starts("clustered", 5, 1, ratio, rng)[:3]) for _ in range(50)]
    assert np.median(spans) < 100
    turbulent = np.concatenate(
        [designs.draw_starts("turbulent", 20, 1, ratio, rng) for _ in range(50)]
    )
    assert np.mean(ratio[turbulent]) > 1.1 * np.nanmean(ratio)


def test_constant_mean_agrees_with_the_plain_mean(returns):
    sample = designs.constant_mean(returns, np.array([400, 700]), 3)
    assert sample.ar[1, 2] == pytest.approx(returns[702] - np.mean(returns[440:690]))
    assert sample.variance[0] == pytest.approx(np.var(returns[140:390], ddof=1) * (3 + 9 / 250))


def test_the_harness_sees_a_bad_size():
    row = banded(("single", "x", "vfc"), [True] * 10 + [False] * 90, (0.035, 0.065))
    assert row.inside is False
    assert banded(("single", "x", "vfc"), [True] * 5 + [False] * 95, (0.035, 0.065)).inside
    low, high = widened((0.035, 0.065), 100, quick=True)
    assert low == 0.0
    assert high == pytest.approx(0.065 + 2.6 * np.sqrt(0.065 * 0.935 / 100))
    assert widened((0.035, 0.065), 100, quick=False) == (0.035, 0.065)
    bad = Certificate((row,), "s", "0" * 64, "", "", 1, "quick", 1, "c")
    assert not bad.ok
    assert "`vfc`: **10.0** outside 3.5 to 6.5" in certificate_page(bad)


def test_closed_forms_agree_with_what_is_published_and_simulated():
    rows = closed.closed_rows(closed.closed_block(1500, np.random.default_rng(1)))
    assert len(rows) == 36
    assert all(row.inside for row in rows)
    wrong = closed.closed_block(1500, np.random.default_rng(1))
    wrong["rates"]["c=2"] = 0.05
    assert sum(row.inside is False for row in closed.closed_rows(wrong)) == 1


@pytest.mark.usefixtures("small")
def test_page_and_figure_hold_every_panel(returns):
    found = certify(returns, series="x", form="quick", seed=3, jobs=1, command="eventstudy certify")
    page = certificate_page(found, figure="certificate.svg")
    for heading in (
        "## One event",
        "## N events",
        "## Closed forms",
        "## Power after MacKinlay",
        "## Power of the default tests",
        "`eventstudy certify`",
    ):
        assert heading in page
    svg = render(plot_certificate(found), "svg")
    assert svg == render(plot_certificate(found), "svg")
    assert b"overlap_z" in svg


def test_a_short_series_is_refused():
    with pytest.raises(EstimationError, match="60 returns, a certificate needs 2000"):
        certify(np.zeros(60), series="short")


def test_rows_without_a_band_are_only_shown():
    row = CertificateRow("power", "x", "vfc", 0.05, 0.5, 10)
    assert row.inside is None
    assert (
        Certificate((row,), "s", "0", "", "", 1, "full", 1, "c").to_dict()["rows"][0]["low"] is None
    )


def test_filtered_returns_have_unit_scale(returns):
    assert np.nanstd(filter_series(returns)) == pytest.approx(1.0, abs=0.1)
