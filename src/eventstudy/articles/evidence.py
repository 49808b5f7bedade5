"""What speaks for and against a mention being news, and the score that it makes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a mention, each as a number.

    Parameters
    ----------
    bias : float
        Always 1.
    pattern : float
        1 where a pattern of the language found it, 0 where a frame did.
    pair : float
        Weight of the frame.
    distance, between, boundary, of_price : float
        Tokens between act and object beyond the next ones, other objects and an end of a clause
        between the two, and whether a price stands beside the act.
    lead : float
        1 in the first sentence, less in the next ones.
    dated, old, year : float
        Whether a recent or an old day belongs to it, and whether another year is named.
    reporting, background, conditional, planned, outlook : float
        Whether words near it report, only refer to it, or look ahead.
    quoted, market : float
        Whether it stands in a quotation, or in a sentence that reports a price.
    placed, subject : float
        Whether a place is named, and whether a country, a body or producers stand before the act.
    further : float
        Mentions of the sentence that stand before it.
    """

    bias: float = 1.0
    pattern: float = 0.0
    pair: float = 0.0
    distance: float = 0.0
    between: float = 0.0
    boundary: float = 0.0
    of_price: float = 0.0
    lead: float = 0.0
    dated: float = 0.0
    old: float = 0.0
    year: float = 0.0
    reporting: float = 0.0
    background: float = 0.0
    conditional: float = 0.0
    planned: float = 0.0
    outlook: float = 0.0
    quoted: float = 0.0
    market: float = 0.0
    placed: float = 0.0
    subject: float = 0.0
    further: float = 0.0

    @property
    def score(self) -> float:
        """Weighted sum, in log-odds, see ``[score]`` in data/frames.toml."""
        weights = score_weights()
        return round(float(sum(weights[name] * getattr(self, name) for name in weights)), 2)


@cache
def score_weights() -> Mapping[str, float]:
    """Return the weight of each kind of evidence.

    Examples
    --------
    >>> score_weights()["background"] < 0 < score_weights()["dated"]
    True
    """
    text = (resources.files("eventstudy") / "data" / "frames.toml").read_text("utf-8")
    table = tomllib.loads(text)["score"]
    return {item.name: float(table[item.name]) for item in fields(Evidence)}
