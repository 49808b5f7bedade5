"""Episodes: windows that share sessions, merged, so that one shock is one observation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from eventstudy.arrays import FloatArray, IntArray
from eventstudy.errors import EstimationError
from eventstudy.inference.dated import DatedReturns
from eventstudy.inference.values import TestValue, spread, t_value

LEAST_FLIP = 6
EXACT_FLIPS = 14
DRAWS = 9999
WEBB = np.sqrt(np.array([1.5, 1.0, 0.5]))


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """Windows merged wherever they share a session, on whatever asset.

    Parameters
    ----------
    members : tuple of tuple of int
        Windows of each episode, by position.
    scores : (E,) float
        ``sum_t d_t x_t / sqrt(sum_t d_t' R d_t)`` over the sessions of each.
    """

    members: tuple[tuple[int, ...], ...]
    scores: FloatArray

    def __len__(self) -> int:
        return len(self.members)


def episode_labels(first: IntArray, sessions: int) -> IntArray:
    """Return the number of each window's episode (N,), counted in time.

    A window joins the episode whose last session it shares.

    Parameters
    ----------
    first : (N,) int
        First session of each window.
    sessions : int
        W.
    """
    order = np.argsort(first, kind="stable")
    new = np.concatenate([[False], np.diff(first[order]) >= sessions])
    labels = np.empty(len(first), dtype=np.int64)
    labels[order] = np.cumsum(new)
    return labels


def merge_episodes(dated: DatedReturns) -> Episodes:
    """Merge windows into episodes and score each.

    Raises
    ------
    EstimationError
        When no episode has a filtered return.
    """
    labels = episode_labels(dated.first, dated.sessions)
    x, rho = dated.x, dated.correlation
    members, scores = [], []
    for label in range(int(labels.max()) + 1):
        rows = np.flatnonzero(labels == label)
        cover = dated.take(rows).cover
        variance = float(np.einsum("ta,ab,tb->", cover, rho, cover))
        if variance > 0:
            members.append(tuple(int(i) for i in rows))
            scores.append(float((cover * x).sum()) / math.sqrt(variance))
    if not members:
        msg = "no episode has a filtered return"
        raise EstimationError(msg)
    return Episodes(tuple(members), np.array(scores))


def episode_bmp(dated: DatedReturns) -> TestValue:
    """``sqrt E mean / sd`` of the episode scores against t with E - 1 degrees of freedom.

    Raises
    ------
    EstimationError
        When there is one episode, or all score the same.

    References
    ----------
    Boehmer, Musumeci and Poulsen (1991), JFE 30, 253-272, with episodes for events.
    """
    scores = merge_episodes(dated).scores
    n = len(scores)
    value = math.sqrt(n) * float(scores.mean()) / spread(scores, "episode score")
    return t_value(value, n - 1, n)


def episode_sign_flip(dated: DatedReturns, rng: np.random.Generator) -> TestValue:
    """Sign-flip randomisation of the mean episode score; every pattern up to 14 episodes.

    The value is ``sqrt E mean``; above 14 episodes 9,999 draws, the observed pattern counted.

    Raises
    ------
    EstimationError
        When there are fewer than 6 episodes: the smallest p-value is ``2 / 2^E``.

    References
    ----------
    Canay, Romano and Shaikh (2017), Econometrica 85, 1013-1030.
    """
    scores = merge_episodes(dated).scores
    n = len(scores)
    if n < LEAST_FLIP:
        msg = f"{n} episodes: sign flips need {LEAST_FLIP} (the smallest p-value is 2 / 2^E)"
        raise EstimationError(msg)
    value = math.sqrt(n) * float(scores.mean())
    if n <= EXACT_FLIPS:
        flips = np.array(list(product((1.0, -1.0), repeat=n)))
    else:
        drawn = rng.choice((1.0, -1.0), size=(DRAWS, n))
        flips = np.concatenate([np.ones((1, n)), drawn])
    sums = np.abs(flips @ scores)
    return TestValue(value, math.nan, float(np.mean(sums >= sums[0] * (1 - 1e-12))), n)


def episode_wild(dated: DatedReturns, rng: np.random.Generator) -> TestValue:
    """Wild bootstrap of the t of the episode scores, null imposed, six-point weights per episode.

    Raises
    ------
    EstimationError
        When there are fewer than 6 episodes, or all score the same.

    References
    ----------
    Cameron, Gelbach and Miller (2008), Review of Economics and Statistics 90, 414-427; the
    six-point weights are Webb's (2023), Canadian Journal of Economics 56, 839-858.
    """
    scores = merge_episodes(dated).scores
    n = len(scores)
    if n < LEAST_FLIP:
        msg = f"{n} episodes: a wild bootstrap over episodes needs {LEAST_FLIP}"
        raise EstimationError(msg)
    value = math.sqrt(n) * float(scores.mean()) / spread(scores, "episode score")
    weights = rng.choice(np.concatenate([WEBB, -WEBB]), size=(DRAWS, n))
    drawn = weights * scores
    law = math.sqrt(n) * drawn.mean(axis=1) / drawn.std(axis=1, ddof=1)
    pvalue = (1 + int((np.abs(law) >= abs(value)).sum())) / (DRAWS + 1)
    return TestValue(value, math.nan, pvalue, n)
