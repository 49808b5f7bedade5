"""Checks of the values of a study file.

Each takes what TOML gave and returns what `Study` takes, or raises ValueError with what is
expected; the reader of the file adds the section, the key and the value found.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any, Final

from eventstudy.errors import EventStudyError, did_you_mean
from eventstudy.products import product_names
from eventstudy.windows import as_window

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def text(value: Any) -> str:
    """Accept text."""
    if not isinstance(value, str):
        raise ValueError("text in quotes")
    return value


def name(value: Any) -> str:
    """Accept a key: letters, digits, dash, underscore, dot."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ValueError("letters, digits, '-', '_' and '.', such as \"opec-2014\"")
    return value


def names(value: Any) -> tuple[str, ...]:
    """Accept one name or a list of different names."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise ValueError('a list of names, such as ["wti_front"]')
    if len(set(value)) != len(value):
        raise ValueError("a list of names, each of them once")
    return tuple(value)


def whole(least: int) -> Callable[[Any], int]:
    """Accept a whole number of `least` or more."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            msg = f"a whole number of {least} or more"
            raise ValueError(msg)
        return value

    return check


def share(value: Any) -> float:
    """Accept a number between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise ValueError("a number between 0 and 1, such as 0.05")
    return float(value)


def flag(value: Any) -> bool:
    """Accept true or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def choice(*known: str) -> Callable[[Any], str]:
    """Accept one of the known words."""

    def check(value: Any) -> str:
        if value not in known:
            hint = did_you_mean(str(value), known)
            listed = ", ".join(f'"{item}"' for item in known)
            msg = f"one of {listed}" + (f" ({hint})" if hint.startswith("did") else "")
            raise ValueError(msg)
        return str(value)

    return check


# Other spellings of a model, as people and papers write them.
MODEL_SPELLINGS: Final = {
    "mean": "constant-mean",
    "constant-mean-return": "constant-mean",
    "market-model": "market",
    "market-return": "market-adjusted",
    "factors": "factor",
    "factor-model": "factor",
    "multi-factor": "factor",
}


def model(*known: str) -> Callable[[Any], str]:
    """Accept a model in any usual spelling: ``constant_mean``, ``market model``."""
    plain = choice(*known)

    def check(value: Any) -> str:
        spelt = re.sub(r"[\s_]+", "-", str(value).strip().lower())
        return plain(MODEL_SPELLINGS.get(spelt, spelt))

    return check


def pair(value: Any) -> Any:
    """Accept a window."""
    try:
        return as_window(value)
    except EventStudyError as error:
        raise ValueError(f"a pair of sessions such as [-5, 5] ({error})") from None


def estimation(value: Any) -> Any:
    """Accept a number of sessions or a window."""
    if isinstance(value, list):
        return pair(value)
    try:
        return whole(2)(value)
    except ValueError:
        raise ValueError("a number of sessions, or a pair such as [-260, -11]") from None


def pairs(value: Any) -> Any:
    """Accept a list of windows, or one window."""
    if isinstance(value, list) and value and all(isinstance(item, int) for item in value):
        return (pair(value),)
    if not isinstance(value, list) or not value:
        raise ValueError("a list of windows, such as [[0, 0], [0, 4]]")
    return tuple(dict.fromkeys(pair(item) for item in value))


def mapping(value: Any) -> dict[str, str]:
    """Accept a table of names."""
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise ValueError('a table of names, such as { wti_front = "wti" }')
    return dict(value)


def selection(value: Any) -> dict[str, Any]:
    """Accept a table that selects events: kind, place, event_id, first, last."""
    if not isinstance(value, dict):
        raise ValueError('a table such as { kind = "producer decision", first = 2016-01-01 }')
    chosen: dict[str, Any] = {}
    for key, item in value.items():
        if key in {"kind", "place", "event_id"}:
            chosen[key] = names(item)
        elif key in {"first", "last"}:
            chosen[key] = dt.date.fromisoformat(day(item))
        else:
            hint = did_you_mean(key, ("kind", "place", "event_id", "first", "last"))
            msg = f"kind, place, event_id, first or last, not {key!r} ({hint})"
            raise ValueError(msg)
    return chosen


def roll_rules(value: Any) -> dict[str, str]:
    """Accept a table of expiry rules."""
    rules = mapping(value)
    for rule in rules.values():
        choice(*product_names(), "none")(rule)
    return rules


def tests(value: Any) -> Any:
    """Accept statistics by name, or a selection."""
    from eventstudy.inference.registry import statistic

    if value in ("default", "all"):
        return value
    chosen = names(value)
    for one in chosen:
        try:
            statistic(one)
        except EventStudyError as error:
            raise ValueError(f'"default", "all" or names of statistics: {error}') from None
    return chosen


def day(value: Any) -> str:
    """Accept an ISO day."""
    if isinstance(value, dt.date):
        return value.isoformat()[:10]
    try:
        return dt.date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ValueError("a day such as 2024-01-02") from None
