"""Which events of a series have effects that a regression can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eventstudy.arrays import BoolArray, FloatArray, IntArray
from eventstudy.regression.joint import DEPENDENT, Shape, dependent
from eventstudy.windows import Window

NO_SESSION = "no usable session on this series"
IN_SPAN = "cannot be told from the constant and the controls"
SAME_SESSION = "same session 0, cannot be told apart"
DEPENDS = "dummies depend linearly on one another, cannot be told apart"
SHARED = "windows share a session, dummies per session cannot tell them apart"
LEVEL_ONLY = (
    "shares sessions with other events: told apart only by the assumption that an event moves "
    "every session of its window alike"
)


@dataclass(frozen=True, slots=True)
class DummyGroup:
    """Events behind one effect: a single one, or several that cannot be told apart.

    Parameters
    ----------
    event_ids : tuple of str
        In the order of the events given.
    window : Window
        Sessions of an event, relative to its session 0.
    sessions : tuple of int
        Positions in the series of the usable sessions of all windows of the group, once each.
    estimable : bool
        Whether an effect can be estimated.
    note : str
        What is to be known about the group; empty where there is nothing.
    """

    event_ids: tuple[str, ...]
    window: Window
    sessions: tuple[int, ...]
    estimable: bool = True
    note: str = ""

    def with_note(self, text: str) -> DummyGroup:
        """Add a note behind those there are."""
        return replace(self, note=f"{self.note}; {text}" if self.note else text)


@dataclass(frozen=True, slots=True)
class _Placed:
    """Events on a series: session 0 of each (N,), -1 for none, and its usable sessions."""

    positions: IntArray
    event_ids: tuple[str, ...]
    window: Window
    sessions: list[tuple[int, ...]]


def event_groups(
    positions: IntArray,
    event_ids: tuple[str, ...],
    window: Window,
    rows: IntArray,
    *,
    design: FloatArray,
    shape: Shape,
) -> tuple[DummyGroup, ...]:
    """Group the events whose dummies cannot be told apart, in order of their first session.

    With a level dummy for each, those whose dummies are equal or linearly dependent; with dummies
    per session, those whose windows share a session, directly or through others: such a dummy
    never depends on others while sessions outside the windows are left. `positions` (N,) are
    session 0 of each event, -1 for none, `rows` (n,) the positions of the usable sessions,
    `design` (n, k) constant and controls on those. Groups without a session come last.
    """
    placed = _Placed(positions, event_ids, window, _windows(positions, window, rows))
    found = _dependent(placed, rows, design) if shape == "level" else _overlapping(placed)
    return tuple(sorted(found, key=lambda g: (not g.sessions, g.sessions[:1])))


def _dependent(placed: _Placed, rows: IntArray, design: FloatArray) -> list[DummyGroup]:
    equal: dict[tuple[int, ...], list[int]] = {}
    for event, sessions in enumerate(placed.sessions):
        equal.setdefault(sessions or (-1 - event,), []).append(event)
    sets = list(equal.values())
    while True:
        groups = _named(sets, placed, DEPENDS)
        live = [i for i, g in enumerate(groups) if g.sessions]
        circuits = _circuits(indicator([groups[i] for i in live], rows), design)
        joined = [tuple(live[i] for i in c) for c in circuits]
        if all(len(c) == 1 for c in joined):
            lost = {c[0] for c in joined}
            return _with_overlaps([_lost(g) if i in lost else g for i, g in enumerate(groups)])
        sets = _merge(sets, [c for c in joined if len(c) > 1])


def _overlapping(placed: _Placed) -> list[DummyGroup]:
    by_session: dict[int, list[int]] = {}
    for event, sessions in enumerate(placed.sessions):
        for session in sessions:
            by_session.setdefault(session, []).append(event)
    every = [[i] for i in range(len(placed.sessions))]
    return _named(_merge(every, [tuple(v) for v in by_session.values()]), placed, SHARED)


def indicator(groups: Sequence[DummyGroup], rows: IntArray) -> BoolArray:
    """Whether usable session t belongs to group g, (n, G)."""
    out = np.zeros((len(rows), len(groups)), dtype=bool)
    for column, group in enumerate(groups):
        out[np.searchsorted(rows, np.array(group.sessions, dtype=np.int64)), column] = True
    return out


def _windows(positions: IntArray, window: Window, rows: IntArray) -> list[tuple[int, ...]]:
    usable = frozenset(rows.tolist())
    return [
        tuple(p + tau for tau in window.taus if p >= 0 and p + tau in usable)
        for p in positions.tolist()
    ]


def _circuits(columns: BoolArray, design: FloatArray) -> list[tuple[int, ...]]:
    """Return the smallest dependent sets of columns, one for each column too many.

    A column alone in its set depends on constant and controls only. The sets of one basis are
    enough: whatever depends on one another is connected through them.
    """
    full = np.column_stack([design, columns.astype(float)])
    if not dependent(full, np.linalg.qr(full)[1]).any():
        return []
    fixed = design.shape[1]
    basis = np.zeros((len(full), min(full.shape)))
    root = np.zeros((basis.shape[1],) * 2)
    members: list[int] = []
    out: list[tuple[int, ...]] = []
    for g, column in enumerate(full.T):
        rank = len(members)
        inside, rest = _split(column, basis[:, :rank])
        length = float(np.linalg.norm(rest))
        if rank < len(root) and length > DEPENDENT * np.linalg.norm(column):
            root[:rank, rank], root[rank, rank] = inside, length
            basis[:, rank] = rest / length
            members.append(g - fixed)
        elif g >= fixed:
            weights = np.linalg.solve(root[:rank, :rank], inside)
            used = np.abs(weights) > DEPENDENT
            needed = (m for m, u in zip(members, used, strict=True) if u and m >= 0)
            out.append((*needed, g - fixed))
    return out


def _split(column: FloatArray, basis: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coordinates of a column in an orthonormal basis, and what is left of it."""
    inside = basis.T @ column
    rest = column - basis @ inside
    again = basis.T @ rest  # once more, or rounding would be left where nothing is
    return inside + again, rest - basis @ again


def _merge(sets: list[list[int]], joined: list[tuple[int, ...]]) -> list[list[int]]:
    """Join the sets whose numbers stand together, keeping the order of the first of each."""
    root = list(range(len(sets)))
    for numbers in joined:
        roots = {_find(root, i) for i in numbers}
        for other in roots:
            root[other] = min(roots)
    out: dict[int, list[int]] = {}
    for i, members in enumerate(sets):
        out.setdefault(_find(root, i), []).extend(members)
    return [sorted(members) for members in out.values()]


def _find(root: list[int], i: int) -> int:
    while root[i] != i:
        i = root[i]
    return i


def _named(sets: list[list[int]], placed: _Placed, partial: str) -> list[DummyGroup]:
    return [
        DummyGroup(
            tuple(placed.event_ids[i] for i in members),
            placed.window,
            tuple(sorted({s for i in members for s in placed.sessions[i]})),
            estimable=any(placed.sessions[i] for i in members),
            note=_note(members, placed, partial),
        )
        for members in sets
    ]


def _note(members: list[int], placed: _Placed, partial: str) -> str:
    notes = []
    if not any(placed.sessions[i] for i in members):
        return NO_SESSION
    if len(members) > 1:
        same = len({int(placed.positions[i]) for i in members}) == 1
        notes.append(SAME_SESSION if same else partial)
    missing = sum(len(placed.window) - len(placed.sessions[i]) for i in members)
    if missing:
        notes.append(f"{missing} sessions of the window without a usable return")
    return "; ".join(notes)


def _with_overlaps(groups: Sequence[DummyGroup]) -> list[DummyGroup]:
    covered: dict[int, int] = {}
    for group in groups:
        for session in group.sessions:
            covered[session] = covered.get(session, 0) + 1
    return [
        group.with_note(LEVEL_ONLY)
        if group.estimable and any(covered[session] > 1 for session in group.sessions)
        else group
        for group in groups
    ]


def _lost(group: DummyGroup) -> DummyGroup:
    return replace(group, estimable=False).with_note(IN_SPAN)
