"""What all charts share: fonts, colours, labels, units, and files whose bytes never change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, cast

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eventstudy.charts.glyphs import transliterate
from eventstudy.errors import UnknownNameError, did_you_mean
from eventstudy.formats import percent
from eventstudy.results.tables import EventRow, as_percent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eventstudy.arrays import FloatArray, IntArray, ReturnKind
    from eventstudy.results import StudyResult

Format = Literal["pdf", "png", "svg"]

# Okabe and Ito's palette: distinct under every common colour blindness, and these four differ
# in lightness too, so that they stay apart in greyscale.
BLUE, ORANGE, GREEN, BLACK = "#0072B2", "#E69F00", "#009E73", "#222222"
WIDTH = 6.4
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


@contextmanager
def drawing(ax: Axes | None, *, height: float = 2.6) -> Iterator[tuple[Figure, Axes]]:
    """Give styled axes to draw on, those of a new figure (size in inches) when none are given."""
    with styled():
        if ax is not None:
            yield cast("Figure", ax.get_figure(root=True)), ax
        else:
            figure = Chart(figsize=(WIDTH, height), layout="constrained")
            yield figure, figure.add_subplot()


def legend_below(ax: Axes, *, columns: int, centre: float = 0.5) -> None:
    """Put the legend 29 points below the axes, clear of the labels whatever the height is."""
    from matplotlib.transforms import ScaledTranslation

    figure = cast("Figure", ax.get_figure(root=True))
    shift = ScaledTranslation(0, -29 / 72, figure.dpi_scale_trans)
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


@dataclass(frozen=True, slots=True)
class Mark:
    """How a point of a certain state looks."""

    marker: str
    colour: str
    filled: bool
    meaning: str


KEPT = Mark("o", BLUE, True, "event on its session")
AMBIGUOUS = Mark("D", ORANGE, True, "session not certain: the first")
ALTERNATIVE = Mark("D", ORANGE, False, "session not certain: the second")
CONFOUNDED = Mark("s", BLACK, False, "confounded: shares its session")
_MARKS = {"ambiguous": AMBIGUOUS, "confounded": CONFOUNDED}


def mark_of(event: EventRow) -> Mark:
    """Choose the mark of an event."""
    return _MARKS.get(event.state, KEPT)


@dataclass(frozen=True, slots=True)
class Scale:
    """The unit of an axis of effects, and the way there from returns of one kind.

    `unit` is ``%``, or the unit of the price where a change has no positive price to stand on.
    """

    kind: ReturnKind
    unit: str

    @property
    def in_percent(self) -> bool:
        """Whether the axis is in per cent."""
        return self.unit == "%"

    def __call__(self, returns: FloatArray, base: FloatArray | float = 1.0) -> FloatArray:
        """Turn sums of returns into what is drawn, as the tables do.

        Only changes of the price need `base`, the price of the session before.
        """
        if not self.in_percent:
            return np.asarray(returns)
        kind = np.array(self.kind, dtype=object)
        return as_percent(np.asarray(returns), kind, np.asarray(base, dtype=float))


def scale_of(result: StudyResult, asset: str, base: FloatArray | float) -> Scale:
    """Choose the unit of effects: per cent where the prices `base` of changes are positive."""
    effects = result.tables.effects
    kinds = effects.return_kind[effects.asset == asset]
    kind: ReturnKind = kinds[0] if len(kinds) else result.return_kind
    if kind == "change" and not np.all(np.asarray(base) > 0):
        return Scale(kind, result.units.get(asset) or "units of the price")
    return Scale(kind, "%")


def prices_at(result: StudyResult, asset: str, sessions: IntArray) -> FloatArray:
    """Return the prices of an asset at positions of its sessions; NaN where there is none."""
    if asset not in result.prices:
        return np.full(np.shape(sessions), np.nan)
    levels = result.prices[asset].to_numpy(dtype=float)
    inside = (sessions >= 0) & (sessions < len(levels))
    return np.where(inside, levels[np.where(inside, sessions, 0)], np.nan)


def shorten(text: object, width: int = 34) -> str:
    """Cut a label in the middle, where names of events differ least."""
    shown = transliterate(text)
    if len(shown) <= width:
        return shown
    tail = width // 3
    return f"{shown[: width - tail - 1]}…{shown[-tail:]}"


def studied_events(result: StudyResult, asset: str) -> list[EventRow]:
    """Events of an asset that have an effect, by session."""
    rows = [e for e in result.tables.events if e.asset == asset and e.effects_at >= 0]
    return sorted(rows, key=lambda e: (str(e.session), e.event_id))


def coverage(result: StudyResult) -> str:
    """Return the coverage of the study's intervals, such as ``95%``."""
    return percent(1 - result.level)


def require_asset(asset: str, known: Iterable[object], what: str) -> None:
    """Refuse an asset without what a chart shows (`UnknownNameError`), naming the nearest."""
    names = tuple(map(str, known))
    if asset not in names:
        msg = f"no {what} asset {asset!r}; {did_you_mean(asset, names)}"
        raise UnknownNameError(msg)
