"""The certificate as a figure: size by fifth of volatility, size by design, power."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eventstudy.charts import style
from eventstudy.charts.style import BLACK, BLUE, GREEN, GREY, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from eventstudy.certify import Certificate

Rates = dict[tuple[str, str, str], float]
SINGLE = {"t": (GREY, "--", "o"), "sq": (ORANGE, "--", "s"), "vfc": (BLUE, "-", "D"),
          "fhs": (GREEN, "-", "^"), "conformal": (BLACK, ":", "v")}  # fmt: skip
MANY = {"overlap_z": (BLUE, "-", "D"), "shift_sharp": (GREEN, "-", "^"),
        "shift_mean": (BLACK, "-", "v"), "cross_sectional_t": (GREY, "--", "o"),
        "bmp": (ORANGE, "--", "s")}  # fmt: skip
POWER = {"vfc": (BLUE, "-", "D"), "fhs": (GREEN, "-", "^"), "overlap_z": (BLUE, "--", "o"),
         "shift_sharp": (GREEN, "--", "s"), "shift_mean": (BLACK, "--", "v")}  # fmt: skip


def plot_certificate(certificate: Certificate) -> style.Chart:
    """Draw a certificate: size and power.

    Size of single-event tests by fifth of the volatility ratio for one and for five sessions, size
    of tests over ten events by design for five sessions, and power.
    """
    rates = {(row.panel, row.cell, row.test): row.rejection for row in certificate.rows}
    with style.styled():
        figure = style.Chart(figsize=(7.2, 6.4), layout="constrained")
        axes = figure.subplots(2, 2)
        _single(axes[0, 0], rates, 1)
        _single(axes[0, 1], rates, 5)
        _designs(axes[1, 0], rates)
        _power(axes[1, 1], certificate)
    return figure


def _single(ax: Axes, rates: Rates, sessions: int) -> None:
    cells = [f"W={sessions} fifth {group}" for group in range(1, 6)]
    for test, look in SINGLE.items():
        shown = [rates.get(("single", cell, test), 0.0) for cell in cells]
        _line(ax, range(1, 6), shown, look, test)
    _size_axes(ax, f"One event, {sessions} session{'s' if sessions > 1 else ''}")
    ax.set_xticks(range(1, 6), ["calm", "2", "3", "4", "turbulent"])
    ax.set_xlabel("fifth of volatility before / in the estimation window")
    style.legend_below(ax, columns=5)


def _designs(ax: Axes, rates: Rates) -> None:
    names = ("independent", "clustered", "turbulent")
    for place, (test, look) in enumerate(MANY.items()):
        shown = [rates.get(("events", f"{name} N=10 W=5", test), 0.0) for name in names]
        beside = [spot + 0.12 * (place - 2) for spot in range(3)]
        _line(ax, beside, shown, (look[0], "none", look[2]), test)
    _size_axes(ax, "Ten events, 5 sessions")
    ax.set_xticks(range(3), list(names))
    ax.set_xlim(-0.5, 2.5)
    ax.set_xlabel("how dates fall")
    style.legend_below(ax, columns=3)


def _power(ax: Axes, certificate: Certificate) -> None:
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in certificate.rows:
        if row.panel == "power":
            place, _, effect = row.cell.partition(" effect=")
            found.setdefault((row.test, place), []).append(
                (float(effect.removesuffix(" sd")), row.rejection)
            )
    for (test, place), points in found.items():
        x, y = zip(*points, strict=True)
        _line(ax, x, y, POWER[test], f"{test}, {_place(place)}")
    ax.set_ylim(0, 102)
    ax.set_title("Power")
    ax.set_xlabel("effect on one session, in standard deviations")
    ax.set_ylabel("rejected at 5%, in %")
    style.legend_below(ax, columns=2)


def _place(cell: str) -> str:
    many = re.match(r"N=(\d+)", cell)
    return f"{many.group(1)} events" if many else cell.replace("W=", "one event, W = ")


def _size_axes(ax: Axes, title: str) -> None:
    ax.axhspan(3.5, 6.5, color=style.LIGHT, alpha=0.6, linewidth=0)
    ax.set_ylim(bottom=0)
    ax.set_title(title)
    ax.set_ylabel("rejected at 5%, in %")


def _line(
    ax: Axes, x: Sequence[float], rates: Sequence[float], look: tuple[str, str, str], label: str
) -> None:
    color, line, marker = look
    values = [100 * rate for rate in rates]
    ax.plot(x, values, color=color, linestyle=line, marker=marker, markersize=3.5, label=label)
