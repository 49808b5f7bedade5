"""Event dummies: the effects of all events on one series, estimated jointly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from eventstudy.arrays import BoolArray, FloatArray, IntArray
from eventstudy.errors import EstimationError
from eventstudy.regression.groups import DummyGroup, event_groups, indicator
from eventstudy.regression.joint import JointFit, Sample, Shape, fit_jointly, usable_sample
from eventstudy.regression.shifts import level_effects, session_effects, shift_pvalues
from eventstudy.windows import Window

FRAME_COLUMNS = (
    "asset", "group", "event_ids", "window", "sessions", "coef", "se_ols", "se_hac", "t_hac",
    "p_hac", "p_shift", "bandwidth", "n", "note",
)  # fmt: skip

HAC_REFUSED = (
    "HAC refused: a session of this group has a dummy of its own, its residual is zero and the "
    "Newey-West variance says nothing about it"
)
HAC_CAVEAT = (
    "Newey-West standard errors are shown for comparison: with few sessions per event they reject "
    "far too often (11-42 % at a nominal 5 %); read p_shift"
)


@dataclass(frozen=True, slots=True, eq=False)
class DummyRegression:
    """Effects of G groups of events on one series, estimated jointly.

    Parameters
    ----------
    asset : str
        The series.
    window : Window
        Sessions of an event, relative to its session 0.
    shape : {"level", "session"}
        One dummy per event, or one per event and session.
    groups : tuple of DummyGroup, length G
        The events behind each effect, in order of their first session.
    coef : (G,) float
        Effect summed over the usable sessions of the group, in units of the return. NaN where
        it cannot be estimated; the group's note says why.
    se_ols : (G,) float
        Its standard error under independent errors of one variance.
    se_hac, t_hac, p_hac : (G,) float
        Newey-West standard error, t and two-sided p with ``n - n_params`` degrees of freedom;
        NaN where refused.
    p_shift : (G,) float
        Share of the `n_shifts` circular shifts of the whole pattern of dummies whose effect for
        this group is at least as large in absolute value; the observed one counts.
    bandwidth : int
        Lags of the Bartlett kernel.
    n, n_params : int
        Usable sessions; constant, controls and dummies.
    n_shifts : int
        Shifts behind `p_shift`, the observed position included.
    constant : float
        Mean return outside the windows, given the controls.
    control_coefs : (k,) float
    notes : tuple of str
        What holds for the regression as a whole.
    """

    asset: str
    window: Window
    shape: Shape
    groups: tuple[DummyGroup, ...]
    coef: FloatArray
    se_ols: FloatArray
    se_hac: FloatArray
    t_hac: FloatArray
    p_hac: FloatArray
    p_shift: FloatArray
    bandwidth: int
    n: int
    n_params: int
    n_shifts: int
    constant: float
    control_coefs: FloatArray
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.groups)

    def to_frame(self, labels: Sequence[str] | None = None) -> pd.DataFrame:
        """Return a row per group with the columns `FRAME_COLUMNS`.

        `group` names the events for people, `event_ids` and `sessions` are joined by ``;``.
        `labels` name every session of the series, such as ISO dates; positions without them.
        """
        rows = [self._row(i, labels) for i in range(len(self))]
        return pd.DataFrame(rows, columns=list(FRAME_COLUMNS))

    def _row(self, i: int, labels: Sequence[str] | None) -> dict[str, Any]:
        group = self.groups[i]
        names = (str(s) if labels is None else str(labels[s]) for s in group.sessions)
        values = {name: float(getattr(self, name)[i]) for name in FRAME_COLUMNS[5:11]}
        return values | {
            "asset": self.asset, "group": " + ".join(group.event_ids),
            "event_ids": ";".join(group.event_ids), "window": str(group.window),
            "sessions": ";".join(names),
            "bandwidth": self.bandwidth, "n": self.n, "note": group.note,
        }  # fmt: skip


def event_dummies(
    returns: FloatArray,
    positions: IntArray,
    event_ids: Sequence[str],
    *,
    window: Window,
    controls: FloatArray | None = None,
    shape: Shape = "level",
    bandwidth: int | None = None,
    asset: str = "",
) -> DummyRegression:
    """Regress a return series on a constant, controls and dummies for all events at once.

    ``shape="level"`` gives each event one dummy, 1 on the sessions of its window: the effect is
    the coefficient times the number of its usable sessions. Windows that overlap in part are
    told apart, by the assumption that an event moves every session of its window alike.
    ``shape="session"`` gives each event one dummy per session of its window: nothing is assumed
    about the path, and therefore events whose windows share a session cannot be told apart; they
    form one group and its effect is the sum over the union of the windows. For an event that
    overlaps with no other both shapes give the same effect: the CAR against the mean (and the
    controls) of all sessions outside every window.

    Events with the same session 0, or whose dummies depend linearly on one another, form one
    group with all their names. An effect that cannot be told from the constant or the controls,
    or an event without a usable session, is NaN with a note. None is left out.

    Sessions without a return or a control are left out, and the sessions beside them count as
    neighbours in the HAC covariance and in the shifts. `p_shift` compares the raw (not
    studentised) effect with that of the whole pattern moved around the circle of usable sessions,
    every shift once; the sessions of the real events stay in the sample, so that large other
    events make it conservative.

    Parameters
    ----------
    returns : (S,) float
        Returns of every session; NaN where there is none to use.
    positions : (N,) int
        Session 0 of each event; -1 for an event that is not on this series.
    event_ids : sequence of str, length N
    window : Window
        Sessions of an event.
    controls : (S, k) float, optional
        Further regressors, NaN where missing.
    shape : {"level", "session"}
        One dummy per event, or one per event and session.
    bandwidth : int, optional
        Lags of the Bartlett kernel; by default ``floor(4 (n / 100)^(2/9))``.
    asset : str
        Name of the series, for the result.

    Returns
    -------
    DummyRegression

    Raises
    ------
    EstimationError
        When the shapes disagree, too few usable sessions are left, or the controls cannot be
        told apart outside the windows.

    References
    ----------
    Karafiath, I. (1988), The Financial Review 23, 351-357 (dummies give the CAR).
    Newey, W. K. and West, K. D. (1987), Econometrica 55, 703-708; (1994), Review of Economic
    Studies 61, 631-653 (the bandwidth).
    """
    _check_shapes(returns, positions, event_ids, controls)
    sample = usable_sample(returns, controls, asset=asset)
    groups = event_groups(
        positions, tuple(event_ids), window, sample.rows, design=sample.design, shape=shape
    )
    n, live = len(sample.y), np.array([g.estimable for g in groups], dtype=bool)
    dummies = indicator([g for g in groups if g.estimable], sample.rows)
    lags = newey_west_lags(n) if bandwidth is None else bandwidth
    fit = fit_jointly(sample, dummies, shape=shape, lags=lags, asset=asset)
    effects = _all_shifts(sample, dummies, shape)
    n_shifts = int(np.isfinite(effects).all(axis=1).sum())
    t_hac, p_hac = _t_and_p(fit, n)
    return DummyRegression(
        asset=asset, window=window, shape=shape, groups=_refused(groups, live, fit),
        coef=_spread(live, fit.coef), se_ols=_spread(live, fit.se_ols),
        se_hac=_spread(live, fit.se_hac), t_hac=_spread(live, t_hac),
        p_hac=_spread(live, p_hac), p_shift=_spread(live, shift_pvalues(effects)),
        bandwidth=lags, n=n, n_params=fit.n_params, n_shifts=n_shifts,
        constant=fit.constant, control_coefs=fit.control_coefs,
        notes=_notes(
            n, len(returns) - n, n_shifts, groups, hac=bool(np.isfinite(fit.se_hac).any())
        ),
    )  # fmt: skip


def newey_west_lags(n: int) -> int:
    """Lags ``floor(4 (n / 100)^(2/9))`` of Newey and West (1994) for n sessions."""
    return int(4 * (n / 100) ** (2 / 9))


def _check_shapes(
    returns: FloatArray, positions: IntArray, event_ids: Sequence[str], controls: FloatArray | None
) -> None:
    if len(positions) != len(event_ids):
        msg = f"{len(positions)} positions for {len(event_ids)} events: one for each is needed"
        raise EstimationError(msg)
    if controls is not None and (controls.ndim != 2 or len(controls) != len(returns)):  # noqa: PLR2004  # a table
        msg = f"controls of shape {controls.shape} for {len(returns)} sessions: (sessions, k)"
        raise EstimationError(msg)
    outside = [e for e, p in zip(event_ids, positions, strict=True) if p >= len(returns)]
    if outside:
        msg = f"event {outside[0]!r} lies after the last session: use -1 for an event not on it"
        raise EstimationError(msg)


def _all_shifts(sample: Sample, dummies: BoolArray, shape: Shape) -> FloatArray:
    if not dummies.shape[1]:
        return np.empty((len(sample.y), 0))
    move = level_effects if shape == "level" else session_effects
    return move(sample.y, sample.design, dummies)


def _t_and_p(fit: JointFit, n: int) -> tuple[FloatArray, FloatArray]:
    from scipy import stats

    with np.errstate(divide="ignore", invalid="ignore"):
        t = fit.coef / fit.se_hac
    return t, np.asarray(2 * stats.t.sf(np.abs(t), n - fit.n_params))


def _refused(
    groups: tuple[DummyGroup, ...], live: BoolArray, fit: JointFit
) -> tuple[DummyGroup, ...]:
    """Note on the groups whose HAC error was refused that it was."""
    refused = _spread(live, fit.refused.astype(float)) == 1
    pairs = zip(groups, refused, strict=True)
    return tuple(group.with_note(HAC_REFUSED) if no else group for group, no in pairs)


def _spread(live: BoolArray, values: FloatArray) -> FloatArray:
    """Values of the estimated groups among all groups, NaN for the others."""
    out = np.full(len(live), np.nan)
    out[live] = values
    return out


def _notes(
    n: int, n_left_out: int, n_shifts: int, groups: tuple[DummyGroup, ...], *, hac: bool
) -> tuple[str, ...]:
    notes = [HAC_CAVEAT] if hac else []
    if n_left_out:
        notes.append(f"{n_left_out} sessions without a return or a control are left out")
    if n_shifts < n:
        notes.append(f"{n - n_shifts} shifts put the dummies on the controls and are left out")
    joint = [g for g in groups if len(g.event_ids) > 1]
    notes += [f"one effect for {', '.join(g.event_ids)}: {g.note}" for g in joint]
    return tuple(notes)
