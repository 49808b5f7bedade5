"""Run the tests over all dates of an asset; refuse what cannot hold, with the reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.errors import EstimationError
from eventstudy.inference import direction, episodes, overlap
from eventstudy.inference.battery import TestResult, Tests
from eventstudy.inference.dated import DatedReturns
from eventstudy.inference.registry import statistic, statistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from eventstudy.inference.statistic import Statistic
    from eventstudy.inference.values import TestValue

DEFAULT = ("overlap_z", "shift_sharp", "shift_mean", "shift_variance")
SIGNED = ("signed_overlap_z", "signed_shift", "direction_share")
DEFAULT_EPISODES = ("episode_bmp", "episode_sign_flip")
EPISODE_TESTS = ("episode_bmp", "episode_sign_flip", "episode_wild")
STUDENTISED = {
    "overlap_z": "shift_mean",
    "shift_sharp": "shift_mean",
    "signed_overlap_z": "signed_shift",
}
CROWDED = 0.5
FEW = 5
LEAST_SHOWN = 0.001
VARIANCE_LEVEL = 0.05
INTERVAL_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class DatedDesign:
    """How windows lie on a series.

    Parameters
    ----------
    n : int
        Windows.
    n_episodes : int
        Windows merged wherever they share a session.
    overlapping : int
        Windows that share a session with another one.
    covered : float
        Share of sessions inside a window.
    variance_ratio, variance_pvalue : float
        Mean |z| on covered over other sessions, and the p-value of its circular shifts.
    """

    n: int
    n_episodes: int
    overlapping: int
    covered: float
    variance_ratio: float
    variance_pvalue: float


def describe_dates(dated: DatedReturns) -> DatedDesign:
    """Measure how windows lie on a series, signs aside.

    Parameters
    ----------
    dated : DatedReturns
        N windows.
    """
    dated = dated.unsigned()
    labels = episodes.episode_labels(dated.first, dated.sessions)
    sizes = np.bincount(labels)
    try:
        found = overlap.shift_variance(dated)
        ratio, pvalue = found.value, found.pvalue
    except EstimationError:
        ratio = pvalue = math.nan
    return DatedDesign(
        n=len(dated),
        n_episodes=len(sizes),
        overlapping=int(sizes[sizes > 1].sum()),
        covered=float((dated.cover != 0).sum() / max(int(np.isfinite(dated.z).sum()), 1)),
        variance_ratio=ratio,
        variance_pvalue=pvalue,
    )


def run_dated(
    dated: DatedReturns, *, tests: Tests = "default", rng: np.random.Generator
) -> tuple[TestResult, ...]:
    """Run the tests over all dates.

    Parameters
    ----------
    dated : DatedReturns
        N windows; `sign` holds the expected direction of each, NaN where none was declared.
    tests : "default", "all" or tuple of str
        Names of other scopes are left to their own tables. Directional tests are part of the
        default where directions were declared.
    rng : numpy.random.Generator
        Source of sign flips and bootstrap weights.

    Returns
    -------
    tuple of TestResult
        Refused ones with NaN values and the reason.

    Raises
    ------
    UnknownNameError
        When a name is not in the registry.
    """
    design = describe_dates(dated)
    return tuple(
        _run(entry, dated, design, rng, show=tests == "all")
        for entry in _chosen(tests, dated, design)
    )


def _chosen(tests: Tests, dated: DatedReturns, design: DatedDesign) -> tuple[Statistic, ...]:
    declared = bool(np.isfinite(dated.sign).any())
    if tests == "all":
        known = tuple(entry for entry in statistics() if entry.scope == "asset")
        return tuple(entry for entry in known if declared or entry.name not in SIGNED)
    names = tests
    if isinstance(tests, str):
        several = DEFAULT_EPISODES if design.overlapping else ()
        names = (*DEFAULT, *several, *(SIGNED if declared else ()))
    entries = (statistic(name) for name in dict.fromkeys(names))
    return tuple(entry for entry in entries if entry.scope == "asset")


def _run(
    entry: Statistic,
    dated: DatedReturns,
    design: DatedDesign,
    rng: np.random.Generator,
    *,
    show: bool,
) -> TestResult:
    refusal = _refusal(entry, design)
    if refusal and not show:
        return TestResult(entry.name, math.nan, math.nan, math.nan, design.n, "refused", refusal)
    try:
        found, note = _value(entry, dated, rng)
    except EstimationError as error:
        reason = "; ".join(dict.fromkeys(filter(None, (refusal, str(error)))))
        return TestResult(entry.name, math.nan, math.nan, math.nan, design.n, "refused", reason)
    caution = "; ".join(_cautions(entry, design))
    verdict = "marked" if refusal else "caution" if caution else "holds"
    reason = "; ".join(filter(None, (refusal, caution, note)))
    return TestResult(
        entry.name,
        found.value,
        found.df,
        found.pvalue,
        found.n,
        verdict,  # type: ignore[arg-type]  # one of the literals by construction
        reason,
    )


def _refusal(entry: Statistic, design: DatedDesign) -> str:
    count = design.n_episodes if entry.name.startswith("episode") else design.n
    if count < entry.min_n:
        what = "episode" if entry.name.startswith("episode") else "window"
        return f"{count} {what}{'s' if count != 1 else ''}, needs {entry.min_n}"
    if entry.name == "direction_share" and design.overlapping:
        return f"{design.overlapping} windows share sessions: they are not independent"
    return ""


def _cautions(entry: Statistic, design: DatedDesign) -> list[str]:
    reasons = []
    if entry.name.startswith(("shift", "signed_shift")) and design.covered > CROWDED:
        reasons.append(f"windows cover {100 * design.covered:.0f} % of the sessions: little power")
    if entry.name not in EPISODE_TESTS and design.n_episodes < FEW:
        reasons.append(
            f"{design.n} windows in {design.n_episodes} separate "
            f"episode{'s' if design.n_episodes != 1 else ''}: few independent observations"
        )
    raised = design.variance_ratio > 1 and design.variance_pvalue <= VARIANCE_LEVEL
    if raised and entry.name in STUDENTISED:
        reasons.append(
            f"event sessions move {design.variance_ratio:.2f} times as much as others "
            f"(p {_rounded(design.variance_pvalue)}): a rejection may be variance, "
            f"read {STUDENTISED[entry.name]}"
        )
    return reasons


def _rounded(pvalue: float) -> str:
    return f"= {pvalue:.3f}" if pvalue >= LEAST_SHOWN else f"< {LEAST_SHOWN}"


def _value(
    entry: Statistic, dated: DatedReturns, rng: np.random.Generator
) -> tuple[TestValue, str]:
    plain: dict[str, Callable[[DatedReturns], TestValue]] = {
        "overlap_z": overlap.overlap_z,
        "shift_sharp": overlap.shift_sharp,
        "shift_mean": overlap.shift_mean,
        "shift_variance": overlap.shift_variance,
        "brown_forsythe": overlap.brown_forsythe,
        "episode_bmp": episodes.episode_bmp,
    }
    drawn: dict[str, Callable[[DatedReturns, np.random.Generator], TestValue]] = {
        "episode_sign_flip": episodes.episode_sign_flip,
        "episode_wild": episodes.episode_wild,
    }
    unsigned = dated.unsigned()
    if entry.name in plain:
        return plain[entry.name](unsigned), ""
    if entry.name in drawn:
        return drawn[entry.name](unsigned, rng), ""
    return _directional(entry.name, dated)


def _directional(name: str, dated: DatedReturns) -> tuple[TestValue, str]:
    declared = np.flatnonzero(np.isfinite(dated.sign) & (dated.sign != 0))
    if not len(declared):
        msg = "no event has an expected direction"
        raise EstimationError(msg)
    signed = dated.take(declared)
    note = f"one-sided, {len(declared)} of {len(dated)} windows with an expected direction"
    if name == "signed_overlap_z":
        return direction.signed_overlap_z(signed), note
    if name == "signed_shift":
        return direction.signed_shift(signed), note
    moves = signed.unsigned().scores()
    return direction.share_value(moves, signed.sign, level=INTERVAL_LEVEL, note=note)
