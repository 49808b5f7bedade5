"""Dated expressions and the dateline they hang on."""

from eventstudy.articles.dates.datelines import Dateline, find_dateline
from eventstudy.articles.dates.expressions import (
    MAX_EXPRESSIONS,
    DateExpression,
    DateIndex,
    find_dates,
)

__all__ = [
    "MAX_EXPRESSIONS",
    "DateExpression",
    "DateIndex",
    "Dateline",
    "find_dateline",
    "find_dates",
]
