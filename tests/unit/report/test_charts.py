"""Charts: the numbers of the result, every label whole and clear of the others, fixed bytes."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import num2date
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy import stats

from eventstudy.charts import (
    plot_ar,
    plot_caar,
    plot_car,
    plot_effects,
    plot_event,
    plot_placebo,
    plot_prices,
)
from eventstudy.charts.glyphs import has_glyphs, transliterate
from eventstudy.charts.style import render
from eventstudy.errors import UnknownNameError
from eventstudy.report import figures
from eventstudy.report.figures import draw_figures
from eventstudy.results import StudyResult

Build = Callable[..., StudyResult]
Change = Callable[..., Any]
Many = Callable[[int], tuple[dict[str, str], ...]]
PAIR = ("paris-summit", "wti_front")


def texts(figure: Figure) -> list[Text]:
    FigureCanvasAgg(figure).draw()
    found = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    hidden = {
        id(label)
        for ax in figure.axes
        for axis in (ax.xaxis, ax.yaxis)
        for label in (*axis.get_majorticklabels(), *axis.get_minorticklabels())
    }
    shown = {
        id(label)
        for ax in figure.axes
        for axis in (ax.xaxis, ax.yaxis)
        for tick in axis._update_ticks()
        for label in (tick.label1,)
    }
    return [t for t in found if id(t) not in hidden or id(t) in shown]


def check_labels(figure: Figure) -> None:
    """Every text lies inside the figure and touches no other."""
    width, height = figure.get_size_inches() * figure.dpi
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts(figure)]
    assert len(boxes) > 5
    for text, box in boxes:
        assert box.x0 >= -1, f"{text!r} is cut on the left"
        assert box.y0 >= -1, f"{text!r} is cut below"
        assert box.x1 <= width + 1, f"{text!r} is cut on the right"
        assert box.y1 <= height + 1, f"{text!r} is cut above"
    for (one, a), (two, b) in itertools.combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        down = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 1 or down <= 1, f"{one!r} and {two!r} overlap"


def line(ax: Axes, label: str) -> np.ndarray:
    found = [x for x in ax.get_lines() if x.get_label() == label]
    assert len(found) == 1
    return np.asarray(found[0].get_ydata(), dtype=float)


DRAWN: dict[str, Callable[[StudyResult], Figure]] = {
    "prices": lambda r: plot_prices(r, "wti_front"),
    "effects": lambda r: plot_effects(r, "wti_front"),
    "effects of five": lambda r: plot_effects(r, "brent_front", window=(0, 4)),
    "ar": lambda r: plot_ar(r, *PAIR),
    "car": lambda r: plot_car(r, *PAIR),
    "caar": lambda r: plot_caar(r, "wti_front"),
    "caar of all": plot_caar,
    "placebo": lambda r: plot_placebo(r, *PAIR),
    "placebo in per cent": lambda r: plot_placebo(r, *PAIR, measure="effect"),
    "event": lambda r: plot_event(r, *PAIR),
}


@pytest.mark.parametrize("name", list(DRAWN))
def test_labels_are_whole_and_apart(result: StudyResult, name: str) -> None:
    check_labels(DRAWN[name](result))


@pytest.mark.parametrize("n", [1, 15, 40, 55])
def test_labels_are_whole_and_apart_with_many_events(
    build_result: Build, many_events: Many, n: int
) -> None:
    many = build_result(events=many_events(n), assets=("wti_front",))
    check_labels(plot_prices(many, "wti_front"))
    check_labels(plot_effects(many, "wti_front"))


def test_more_than_forty_events_are_cut_and_said(build_result: Build, many_events: Many) -> None:
    many = build_result(events=many_events(55), assets=("wti_front",))
    effects = plot_effects(many, "wti_front").axes[0]
    assert "first 40 of 55" in effects.get_title(loc="left")
    assert len(effects.get_yticks()) == 40
    assert "first 40 of 55" in plot_prices(many, "wti_front").axes[0].get_title(loc="left")


@pytest.mark.parametrize("kind", ["pdf", "svg", "png"])
def test_same_chart_has_the_same_bytes(result: StudyResult, kind: str) -> None:
    first, second = (render(plot_effects(result, "wti_front"), kind) for _ in range(2))  # type: ignore[arg-type]
    assert first == second
    assert b"CreationDate" not in first
    assert first != render(plot_effects(result, "brent_front"), kind)  # type: ignore[arg-type]


def test_settings_of_the_user_change_nothing(result: StudyResult) -> None:
    plain = render(plot_car(result, *PAIR), "svg")
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 9, "font.family": "serif"}):
        assert render(plot_car(result, *PAIR), "svg") == plain
        assert mpl.rcParams["font.size"] == 20


def test_given_axes_are_drawn_on(result: StudyResult) -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot_ar(result, *PAIR, ax=right) is figure
    assert not left.has_data()
    assert right.has_data()


def test_figure_shows_itself_in_a_notebook(result: StudyResult) -> None:
    figure = plot_ar(result, *PAIR)
    assert "<svg" in figure._repr_svg_()  # type: ignore[attr-defined]


def test_ar_are_those_of_the_result(result: StudyResult) -> None:
    ax = plot_ar(result, *PAIR).axes[0]
    drawn = np.concatenate([line(ax, "abnormal return"), line(ax, "roll of the contract")])
    rows = result.ar.query("event_id == @PAIR[0] and asset == @PAIR[1]")
    expected = 100 * (np.exp(rows["ar"].to_numpy()) - 1)
    np.testing.assert_allclose(np.sort(drawn), np.sort(expected), rtol=1e-12)
    assert ax.get_ylabel() == "%"


def test_cumulative_path_and_band_follow_the_forecast_covariance(result: StudyResult) -> None:
    ab = result.abnormal
    i = list(zip(ab.event_ids, ab.assets, strict=True)).index(PAIR)
    ax = plot_car(result, *PAIR).axes[0]
    total, quantile = 0.0, stats.t.ppf(0.975, ab.n_est[i] - 1)
    band = ax.collections[0].get_paths()[0].vertices
    for k in range(len(ab.window)):
        total += ab.ar[i, k]
        assert line(ax, "cumulative")[k] == pytest.approx(100 * (np.exp(total) - 1))
        # Constant mean: the variance of a sum of k + 1 sessions is s^2 (k + 1 + (k + 1)^2 / L).
        width = k + 1
        half = quantile * np.sqrt(ab.s2[i] * (width + width**2 / ab.n_est[i]))
        heights = band[band[:, 0] == ab.window.start + k][:, 1]
        assert heights.max() == pytest.approx(100 * (np.exp(half) - 1))
        assert heights.min() == pytest.approx(100 * (np.exp(-half) - 1))


def test_missing_session_widens_nothing(result: StudyResult) -> None:
    ab = result.abnormal
    i = list(zip(ab.event_ids, ab.assets, strict=True)).index(PAIR)
    holed = ab.ar.copy()
    holed[i, 4] = np.nan
    ax = plot_car(replace(result, abnormal=replace(ab, ar=holed)), *PAIR).axes[0]
    path = line(ax, "cumulative")
    assert np.isfinite(path).all()
    assert path[4] == path[3]
    band = ax.collections[0].get_paths()[0].vertices
    top = [band[band[:, 0] == ab.window.start + k][:, 1].max() for k in (3, 4, 5)]
    assert top[0] == pytest.approx(top[1])
    assert top[2] > top[1]


def test_mean_path_and_its_band_allow_for_overlap(build_result: Build, many_events: Many) -> None:
    event = many_events(1)[0]
    one = build_result(events=(event,), assets=("wti_front",))
    twin = event | {"event_id": "twin"}
    two = build_result(events=(event, twin), assets=("wti_front",))
    single, double = (plot_caar(r).axes[0] for r in (one, two))
    np.testing.assert_allclose(line(single, "mean of 1 event"), line(double, "mean of 2 events"))
    # Two events on one session are one observation: the band must not get narrower.
    top = [ax.collections[0].get_paths()[0].vertices[:, 1].max() for ax in (single, double)]
    assert top[0] == pytest.approx(top[1])


def test_mean_band_narrows_with_events_apart(build_result: Build, many_events: Many) -> None:
    far = many_events(10)
    events = (far[0], far[9])
    both = build_result(events=events, assets=("wti_front",))
    singles = [build_result(events=(e,), assets=("wti_front",)) for e in events]

    def top(result: StudyResult) -> float:
        return float(plot_caar(result).axes[0].collections[0].get_paths()[0].vertices[:, 1].max())

    mean = np.sqrt(np.mean([top(r) ** 2 for r in singles]))
    assert top(both) == pytest.approx(mean / np.sqrt(2), rel=0.05)


def test_effects_show_both_sessions_of_an_uncertain_event(result: StudyResult) -> None:
    figure = plot_effects(result, "wti_front")
    ax = figure.axes[0]
    hollow = [
        x for x in ax.get_lines() if x.get_marker() == "D" and x.get_markerfacecolor() == "white"
    ]
    drawn = sorted(float(x.get_xdata()[0]) for x in hollow if len(x.get_xdata()))
    expected = result.alternatives.query("asset == 'wti_front' and window == '[0,0]'")["percent"]
    np.testing.assert_allclose(drawn, sorted(expected))
    legend = {t.get_text() for t in ax.get_legend().get_texts()}
    assert legend == {
        "event on its session", "session not certain: the first", "session not certain: the second",
        "confounded: shares its session",
    }  # fmt: skip


def in_changes(result: StudyResult, change: Change, *, base: float) -> StudyResult:
    """The same study in changes of the price, with one price before every event."""
    level = result.prices.copy()
    level.loc[:, :] = base
    tables = replace(
        result.tables,
        effects=change(
            result.tables.effects,
            return_kind=["change"] * len(result.tables.effects),
            base_price=np.full(len(result.tables.effects), base),
        ),
        alternatives=change(
            result.tables.alternatives,
            return_kind=["change"] * len(result.tables.alternatives),
            base_price=np.full(len(result.tables.alternatives), base),
        ),
    )
    return replace(result, return_kind="change", tables=tables, prices=level)


def test_changes_are_in_per_cent_of_a_positive_price(result: StudyResult, change: Change) -> None:
    changes = in_changes(result, change, base=40.0)
    ab = result.abnormal
    i = list(zip(ab.event_ids, ab.assets, strict=True)).index(PAIR)
    path = plot_car(changes, *PAIR).axes[0]
    np.testing.assert_allclose(line(path, "cumulative"), 100 * np.cumsum(ab.ar[i]) / 40)
    assert path.get_ylabel() == "%"
    mean = plot_caar(changes, "wti_front").axes[0]
    mine = np.array(ab.assets) == "wti_front"
    expected = 100 * np.cumsum(ab.ar[mine].mean(axis=0)) / 40
    np.testing.assert_allclose(line(mean, "mean of 6 events"), expected)
    assert "%, with 95% interval" in plot_effects(changes, "wti_front").axes[0].get_xlabel()


def test_changes_below_zero_are_in_units_of_the_price(result: StudyResult, change: Change) -> None:
    """April 2020: nothing can be said in per cent of -37.63."""
    changes = in_changes(result, change, base=-37.63)
    ab = result.abnormal
    i = list(zip(ab.event_ids, ab.assets, strict=True)).index(PAIR)
    path = plot_car(changes, *PAIR).axes[0]
    np.testing.assert_allclose(line(path, "cumulative"), np.cumsum(ab.ar[i]))
    assert path.get_ylabel() == "USD/bbl"
    assert plot_ar(changes, *PAIR).axes[0].get_ylabel() == "USD/bbl"
    placebo = plot_placebo(changes, *PAIR, measure="effect").axes[0]
    assert placebo.get_xlabel().startswith("effect in USD/bbl;")
    effects = plot_effects(changes, "wti_front").axes[0]
    assert "USD/bbl, with 95% interval" in effects.get_xlabel()
    row = next(e for e in changes.tables.effects if (e.event_id, e.asset) == PAIR)
    points = [x.get_xdata() for x in effects.get_lines() if x.get_marker() == "D"]
    assert row.usd in [float(x[0]) for x in points if len(x)]


def test_placebo_effects_are_in_per_cent(result: StudyResult) -> None:
    sample = next(s for s in result.placebos if (s.event_id, s.asset) == PAIR)
    ax = plot_placebo(result, *PAIR, measure="effect").axes[0]
    own, other = (
        next(x for x in ax.get_lines() if x.get_label() == label).get_xdata()[0]
        for label in ("the event", "same size, other sign")
    )
    assert own == pytest.approx(100 * (np.exp(sample.effect) - 1))
    assert other == pytest.approx(100 * (np.exp(-sample.effect) - 1))
    larger = sum(abs(x) >= abs(sample.effect) for x in sample.effects)
    share = (1 + larger) / (1 + len(sample.effects))
    assert f"effect in %; at least as large: {100 * share:.1f}% of windows" in ax.get_xlabel()


def test_placebo_shows_the_share_of_windows_at_least_as_large(result: StudyResult) -> None:
    sample = next(s for s in result.placebos if (s.event_id, s.asset) == PAIR)
    larger = sum(abs(x) >= abs(sample.effect_standardised) for x in sample.standardised)
    share = (1 + larger) / (1 + len(sample.standardised))
    ax = plot_placebo(result, *PAIR).axes[0]
    assert f"at least as large: {100 * share:.1f}% of windows" in ax.get_xlabel()
    assert sum(p.get_height() for p in ax.patches) == len(sample.standardised)
    own = next(x for x in ax.get_lines() if x.get_label() == "the event")
    assert own.get_xdata()[0] == pytest.approx(sample.effect_standardised)


def test_price_is_marked_at_the_sessions(result: StudyResult) -> None:
    ax = plot_prices(result, "wti_front").axes[0]
    kept = next(x for x in ax.get_lines() if x.get_label() == "event on its session")
    session = num2date(kept.get_xdata()[0]).date().isoformat()
    price = result.prices["wti_front"].loc[session]
    assert session in {"2026-01-07", "2026-01-12"}
    assert kept.get_ydata()[0] == pytest.approx(price)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda r: plot_ar(r, "paris-sumit", "wti_front"), "did you mean 'paris-summit'"),
        (lambda r: plot_car(r, "paris-summit", "wti_frnt"), "did you mean 'wti_front'"),
        (lambda r: plot_placebo(r, "greenland", "wti_front"), "no placebo effects"),
        (lambda r: plot_effects(r, "gold"), "no results for asset 'gold'"),
        (lambda r: plot_effects(r, "wti_front", window=(0, 9)), r"window \[0,9\] is none"),
        (lambda r: plot_prices(r, "gold"), "no prices of asset 'gold'"),
        (lambda r: plot_caar(r, "gold"), "no results for asset 'gold'"),
    ],
)
def test_unknown_names_are_one_line(
    result: StudyResult, draw: Callable[[StudyResult], Figure], message: str
) -> None:
    with pytest.raises(UnknownNameError, match=message):
        draw(result)


def test_files_have_stable_names_and_events_of_one_session_share_charts(
    result: StudyResult, tmp_path: Path
) -> None:
    saved = draw_figures(result, tmp_path, kinds="pdf")
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == sorted(f"{s.stem}.pdf" for s in saved)
    assert "event_paris-summit_wti-front.pdf" in names
    assert "event_kostroma_wti-front.pdf" not in names
    assert all(s.svg.startswith(b"<?xml") for s in saved)


def test_names_that_look_alike_stay_apart(
    build_result: Build, many_events: Many, tmp_path: Path
) -> None:
    one, two = many_events(2)
    events = (one | {"event_id": "a/b"}, two | {"event_id": "a b"})
    saved = draw_figures(build_result(events=events, assets=("x",)), tmp_path, kinds="png")
    assert len(list(tmp_path.iterdir())) == len(saved)


def test_every_figure_is_drawn_once_and_declared_once(
    result: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds: list[str] = []

    def counted(figure: Figure, kind: str) -> bytes:
        kinds.append(kind)
        return render(figure, kind)  # type: ignore[arg-type]

    monkeypatch.setattr(figures, "render", counted)
    mine = figures.ReportFigure(
        "own", "asset", lambda found, asset: plot_car(found, PAIR[0], asset),
        caption="{asset} from {start} to {end}, {window}: own.", alt="Words for {asset}.",
        drawn=lambda _, asset: asset == "wti_front",
    )  # fmt: skip
    monkeypatch.setattr(figures, "FIGURES", (mine,))
    (drawn,) = draw_figures(result, tmp_path)
    assert kinds == ["svg"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["own_wti-front.pdf", "own_wti-front.png"]
    entry = drawn.entry(result)
    assert entry["caption"] == "wti_front from \u22125 to 5, [0,0]: own."
    assert entry["alt"] == "Words for wti_front."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Привет, Ελλάδα, Łódź", "Привет, Ελλάδα, Łódź"),
        ("北京", "Bei Jing"),
        ("oil ↑ 5 €", "oil ↑ 5 €"),
        ("a\x00b\tc", "a b c"),
        ("שלום", "slvm"),
    ],
)
def test_letters(text: str, shown: str) -> None:
    assert transliterate(text) == shown
    assert has_glyphs(text) == (text == shown)


def test_unreadable_letters_in_names_do_not_warn(build_result: Build, many_events: Many) -> None:
    event = many_events(1)[0] | {"event_id": "会议-$x$-مرحبا"}
    figure = plot_effects(build_result(events=(event,), assets=("原油",)), "原油")
    check_labels(figure)
    assert "$x$" in figure.axes[0].get_yticklabels()[0].get_text()
