"""Episodes: windows that share sessions, merged, so that one shock is one observation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from eventstudy.arrays import FloatArray, IntArray
from eventstudy.errors import EstimationError
from eventstudy.inference.over_dates.sample import DatedReturns, OverDates
from eventstudy.inference.statistic import TestValue, mean_t, spread

GROUPS = 8
LEAST_FLIP = 6
EXACT_FLIPS = 14
DRAWS = 9999
INDEPENDENT = "episodes are independent"
WEBB = np.sqrt(np.array([1.5, 1.0, 0.5]))


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """Windows merged wherever they share a session, on whatever asset.

    `members` are the windows of each of E episodes, by position, `scores` (E,) its
    ``sum_t d_t x_t / sqrt(sum_t d_t' R d_t)``.
    """

    members: tuple[tuple[int, ...], ...]
    scores: FloatArray

    def __len__(self) -> int:
        return len(self.members)


def episode_labels(first: IntArray, sessions: int) -> IntArray:
    """Return the number of each window's episode (N,), counted in time.

    A window joins the episode whose last session it shares.
    """
    order = np.argsort(first, kind="stable")
    new = np.concatenate([[False], np.diff(first[order]) >= sessions])
    labels = np.empty(len(first), dtype=np.int64)
    labels[order] = np.cumsum(new)
    return labels


def merge_episodes(dated: DatedReturns) -> Episodes:
    """Merge windows into episodes and score each; refuses if none has a filtered return."""
    labels = episode_labels(dated.first, dated.sessions)
    # no session belongs to two episodes: cut the sums over all sessions where each one begins
    begins = np.full(int(labels.max()) + 1, len(dated.z))
    np.minimum.at(begins, labels, dated.first)
    sums = np.add.reduceat((dated.cover * dated.x).sum(axis=1), begins)
    variances = np.add.reduceat(dated.variances, begins)
    found = np.flatnonzero(variances > 0)
    if not len(found):
        msg = "no episode has a filtered return"
        raise EstimationError(msg)
    ends = np.cumsum(np.bincount(labels))
    windows = np.split(np.argsort(labels, kind="stable"), ends[:-1])
    members = tuple(tuple(int(i) for i in windows[label]) for label in found)
    return Episodes(members, sums[found] / np.sqrt(variances[found]))


@OverDates(
    name="episode_bmp",
    title="BMP over episodes",
    paper="Boehmer, Musumeci and Poulsen (1991), JFE 30, 253-272, episodes for events",
    null="the mean effect is zero",
    distribution="t, E - 1 degrees of freedom (E episodes)",
    formula="sqrt E mean(y) / sd(y), y = sum_t d_t z_t / sqrt(sum_t d_t^2) of an episode",
    meaning="Windows that share sessions count as one observation.",
    assumes=(INDEPENDENT, "episode scores are near normal, or E is large"),
    min_n=2,
    counts="episodes",
    allows_event_variance=True,
)
def episode_bmp(dated: DatedReturns) -> TestValue:
    """Return the t of the episode scores."""
    return mean_t(merge_episodes(dated).scores, "episode score")


@OverDates(
    name="group_t",
    title="t over groups of episodes",
    paper="Ibragimov and Müller (2010), Journal of Business and Economic Statistics 28, 453-468",
    null="the mean effect is zero",
    distribution="t, 7 degrees of freedom (8 groups)",
    formula="sqrt q mean(b) / sd(b), b the mean episode score of q = 8 groups in order of time",
    meaning="Do eight stretches of the history agree, each counted once?",
    assumes=(
        "groups are independent; episodes within one need not be",
        "level of at most 8.3%, where unequal variances of groups only make it conservative",
    ),
    min_n=2 * GROUPS,
    counts="episodes",
    allows_event_variance=True,
)
def group_t(dated: DatedReturns) -> TestValue:
    """Return the t of the means of q = 8 groups of episodes.

    Episodes in order of time are cut into groups of as equal a number as can be, so that neither a
    dependence between neighbouring episodes nor a volatility that differs between stretches of the
    history makes the test reject too often.
    """
    scores = merge_episodes(dated).scores
    if len(scores) < GROUPS:
        msg = f"{len(scores)} episodes cannot make {GROUPS} groups"
        raise EstimationError(msg)
    means = np.array([group.mean() for group in np.array_split(scores, GROUPS)])
    return replace(mean_t(means, "mean of a group of episodes"), n=len(scores))


@OverDates(
    name="episode_sign_flip",
    title="sign flips over episodes",
    paper="Canay, Romano and Shaikh (2017), Econometrica 85, 1013-1030",
    null="an episode is as likely to score y as -y",
    distribution="sign patterns, all of them up to 14 episodes",
    formula="share of sign patterns with |sum s_e y_e| >= |sum y_e|; value sqrt E mean(y)",
    meaning="Had each episode gone the other way by a coin, how often as large a sum?",
    assumes=(INDEPENDENT, "episode scores are symmetric"),
    min_n=LEAST_FLIP,
    counts="episodes",
    allows_event_variance=True,
    needs_rng=True,
)
def episode_sign_flip(dated: DatedReturns, rng: np.random.Generator) -> TestValue:
    """Sign-flip randomisation of the mean episode score; every pattern up to 14 episodes.

    Above 14 episodes 9,999 draws, the observed pattern counted.
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


@OverDates(
    name="episode_wild",
    title="wild bootstrap over episodes",
    paper="Cameron, Gelbach and Miller (2008), REStat 90, 414-427; Webb (2023), CJE 56, 839",
    null="the mean effect is zero",
    distribution="bootstrap, six-point weights per episode",
    formula="sqrt E mean(y) / sd(y) against the same of w_e y_e",
    meaning="The t over episodes against its own bootstrap distribution.",
    assumes=(INDEPENDENT,),
    min_n=LEAST_FLIP,
    counts="episodes",
    allows_event_variance=True,
    needs_rng=True,
)
def episode_wild(dated: DatedReturns, rng: np.random.Generator) -> TestValue:
    """Wild bootstrap of the t of the episode scores, null imposed, six-point weights."""
    scores = merge_episodes(dated).scores
    n = len(scores)
    if n < LEAST_FLIP:
        msg = f"{n} episodes: a wild bootstrap over episodes needs {LEAST_FLIP}"
        raise EstimationError(msg)
    value = math.sqrt(n) * float(scores.mean()) / spread(scores, "episode score")
    weights = rng.choice(np.concatenate([WEBB, -WEBB]), size=(DRAWS, n))
    drawn = weights * scores
    under_null = math.sqrt(n) * drawn.mean(axis=1) / drawn.std(axis=1, ddof=1)
    pvalue = (1 + int((np.abs(under_null) >= abs(value)).sum())) / (DRAWS + 1)
    return TestValue(value, math.nan, pvalue, n)
