"""The certificate as a figure: size by fifth of volatility, size by design, power."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eventstudy.charts.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    LIGHT,
    ORANGE,
    Chart,
    legend_below,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from eventstudy.certify import Certificate, CertificateRow

SINGLE = {"t": (GREY, "--", "o"), "sq": (ORANGE, "--", "s"), "vfc": (BLUE, "-", "D"),
          "fhs": (GREEN, "-", "^"), "conformal": (BLACK, ":", "v")}  # fmt: skip
MANY = {"overlap_z": (BLUE, "-", "D"), "shift_sharp": (GREEN, "-", "^"),
        "shift_mean": (BLACK, "-", "v"), "cross_sectional_t": (GREY, "--", "o"),
        "bmp": (ORANGE, "--", "s")}  # fmt: skip
POWER = {"vfc": (BLUE, "-", "D"), "fhs": (GREEN, "-", "^"), "overlap_z": (BLUE, "--", "o"),
         "shift_sharp": (GREEN, "--", "s"), "shift_mean": (BLACK, "--", "v")}  # fmt: skip


def plot_certificate(certificate: Certificate) -> Chart:
    """Draw a certificate.

    Parameters
    ----------
    certificate : Certificate

    Returns
    -------
    Figure
        Size of single-event tests by fifth of the volatility ratio for one and for five
        sessions, size of tests over ten events by design for five sessions, and power.
    """
    with styled():
        figure = Chart(figsize=(7.2, 6.4), layout="constrained")
        axes = figure.subplots(2, 2)
        _single(axes[0, 0], certificate, 1)
        _single(axes[0, 1], certificate, 5)
        _designs(axes[1, 0], certificate)
        _power(axes[1, 1], certificate)
    return figure


def _single(ax: Axes, certificate: Certificate, sessions: int) -> None:
    cells = [f"W={sessions} fifth {group}" for group in range(1, 6)]
    for test, look in SINGLE.items():
        rates = [_rate(certificate, "single", cell, test) for cell in cells]
        _line(ax, range(1, 6), rates, look, test)
    _size_axes(ax, f"One event, {sessions} session{'s' if sessions > 1 else ''}")
    ax.set_xticks(range(1, 6), ["calm", "2", "3", "4", "turbulent"])
    ax.set_xlabel("fifth of volatility before / in the estimation window")
    legend_below(ax, columns=5)


def _designs(ax: Axes, certificate: Certificate) -> None:
    names = ("independent", "clustered", "turbulent")
    for place, (test, look) in enumerate(MANY.items()):
        rates = [_rate(certificate, "events", f"{name} N=10 W=5", test) for name in names]
        beside = [spot + 0.12 * (place - 2) for spot in range(3)]
        _line(ax, beside, rates, (look[0], "none", look[2]), test)
    _size_axes(ax, "Ten events, 5 sessions")
    ax.set_xticks(range(3), list(names))
    ax.set_xlim(-0.5, 2.5)
    ax.set_xlabel("how dates fall")
    legend_below(ax, columns=3)


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
    legend_below(ax, columns=2)


def _place(cell: str) -> str:
    many = re.match(r"N=(\d+)", cell)
    return f"{many.group(1)} events" if many else cell.replace("W=", "one event, W = ")


def _size_axes(ax: Axes, title: str) -> None:
    ax.axhspan(3.5, 6.5, color=LIGHT, alpha=0.6, linewidth=0)
    ax.set_ylim(bottom=0)
    ax.set_title(title)
    ax.set_ylabel("rejected at 5%, in %")


def _line(ax: Axes, x: object, rates: object, look: tuple[str, str, str], label: str) -> None:
    color, style, marker = look
    values = [100 * rate for rate in rates]  # type: ignore[attr-defined]  # any sequence of rates
    ax.plot(x, values, color=color, linestyle=style, marker=marker, markersize=3.5, label=label)  # type: ignore[arg-type]  # any sequence of places


def _rate(certificate: Certificate, panel: str, cell: str, test: str) -> float:
    return next((row.rejection for row in certificate.rows if _is(row, panel, cell, test)), 0.0)


def _is(row: CertificateRow, panel: str, cell: str, test: str) -> bool:
    return (row.panel, row.cell, row.test) == (panel, cell, test)
