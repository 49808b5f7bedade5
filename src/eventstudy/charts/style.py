"""What all charts share: fonts, colours, sizes, and files whose bytes never change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Literal, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Format = Literal["pdf", "png", "svg"]

# Okabe and Ito's palette: distinct under every common colour blindness, and these four differ
# in lightness too, so that they stay apart in greyscale.
BLUE, ORANGE, GREEN, BLACK = "#0072B2", "#E69F00", "#009E73", "#222222"
GREY, LIGHT = "#7A7A7A", "#D0D0D0"

_STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 8.0,
    "axes.titlesize": 9.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "hatch.linewidth": 0.6,
    "figure.dpi": 100.0,
    "savefig.dpi": 150.0,
    "text.parse_math": False,
    "text.usetex": False,
    "svg.hashsalt": "eventstudy",
    "svg.fonttype": "none",
    "pdf.fonttype": 3,
    "pdf.compression": 6,
    "path.simplify": True,
}
_METADATA: dict[str, dict[str, str | None]] = {
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


class Chart(Figure):
    """A figure that a notebook shows as a vector without pyplot."""

    def _repr_svg_(self) -> str:
        return render(self, "svg").decode()


@contextmanager
def styled() -> Iterator[None]:
    """Draw with the charts' own settings, whatever the user's are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def canvas(ax: Axes | None, *, width: float = 6.4, height: float = 3.2) -> tuple[Figure, Axes]:
    """Return the figure and axes to draw on, new ones when none are given.

    Parameters
    ----------
    ax : Axes or None
        Axes of the caller.
    width, height : float
        Size in inches of a new figure.
    """
    if ax is not None:
        return cast("Figure", ax.get_figure(root=True)), ax
    figure = Chart(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def legend_below(ax: Axes, *, columns: int, drop: float = 29.0, centre: float = 0.5) -> None:
    """Put the legend `drop` points below the axes, clear of the labels whatever the height is."""
    from matplotlib.transforms import ScaledTranslation

    figure = cast("Figure", ax.get_figure(root=True))
    shift = ScaledTranslation(0, -drop / 72, figure.dpi_scale_trans)
    ax.legend(
        handles=ax.get_legend_handles_labels()[0], loc="upper center", ncol=columns,
        bbox_to_anchor=(centre, 0.0), bbox_transform=ax.transAxes + shift, borderaxespad=0.0,
        columnspacing=1.2, handlelength=1.8, handletextpad=0.5,
    )  # fmt: skip


def render(figure: Figure, kind: Format) -> bytes:
    """Return a figure as a file without clock or random names in it."""
    buffer = BytesIO()
    with styled():
        figure.savefig(buffer, format=kind, metadata=_METADATA[kind])
    return buffer.getvalue()
