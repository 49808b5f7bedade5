"""Wording of the assumptions and hypotheses that entries share."""

from __future__ import annotations

NO_EIV = "the event does not change the variance"
NO_XC = "windows of different pairs are uncorrelated"
NORMAL = "abnormal returns are near normal, or N is large"
APART = "windows of one asset share no session"
COMMON = "every two pairs are correlated alike, as on common dates"

MEAN_ZERO = "the mean CAR is zero"
RANK_ZERO = "event sessions rank like estimation sessions"
