"""The rules of the finder of dates, built from the tables of a language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from eventstudy.articles import resolvers
from eventstudy.articles.language import Language, words
from eventstudy.articles.scenes import Resolver, Rule

_COMPILED: dict[str, tuple[Rule, ...]] = {}


def rules_of(language: Language) -> tuple[Rule, ...]:
    """Return the rules of a language, in the order that decides between equal matches."""
    if language.name not in _COMPILED:
        _COMPILED[language.name] = _build(language)
    return _COMPILED[language.name]


def _build(language: Language) -> tuple[Rule, ...]:
    table = language.tables["dates"]
    return (*_calendar(table), *_weekdays(table), *_phrased(table), *_counted(table))


def _rule(name: str, pattern: str, resolve: Resolver, *, flags: int = 0) -> Rule:
    return Rule(name, re.compile(rf"(?<![\w-]){pattern}(?!\w)", flags), resolve)


def _phrases(table: Mapping[str, Any], name: str, key: str, resolve: Resolver) -> Rule:
    return _rule(name, f"(?:{words(table[key])})", resolve, flags=re.IGNORECASE)


def _calendar(table: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Days and months as the calendar names them."""
    month = rf"(?P<month>{words(table['months'])})\b(?:\.(?=\s*\d))?"
    day = rf"(?P<day>\d{{1,2}})(?:{table['ordinals']})?(?!\d|%|[.,]\d)"
    year = r"(?P<year>(?:19|20)\d\d)\b"
    tail = rf"(?P<day2>\d{{1,2}})(?:{table['ordinals']})?(?!\d|%|[.,]\d)"
    dash = r"\s*(?:-|–|to|and)\s*"  # ranges are printed with either dash
    return (
        _rule(
            "iso moment",
            r"(?P<iso>\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?:\s?(?:Z|[+-]\d\d:?\d\d))?)",
            resolvers.iso_moment,
        ),
        _rule("iso day", r"(?P<iso>\d{4}-\d\d-\d\d)", resolvers.iso_day),
        _rule("day range", rf"{day}{dash}{tail}\s+{month}(?:,?\s+{year})?", resolvers.day_range),
        _rule("day range", rf"{month}\s+{day}{dash}{tail}(?:,?\s+{year})?", resolvers.day_range),
        _rule("day and month", rf"{day}\s+(?:of\s+)?{month}(?:,?\s+{year})?", resolvers.day_month),
        _rule("month and day", rf"{month}\s+{day}(?:,?\s+{year})?", resolvers.day_month),
        _rule(
            "month",
            rf"(?<!contract )(?<!contracts )(?<!futures )"
            rf"(?i:(?:in\s+)?mid-|(?:{table['month_lead']})\s+){month}"
            rf"(?!\.?\s*\d{{1,2}}(?!\d))(?:\s+{year})?(?!\s+(?:{table['contract_month']}))",
            resolvers.month,
        ),
        _rule("month", rf"{month}\s+{year}", resolvers.month),
    )


def _weekdays(table: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Weekdays, with their part of the day or their market session."""
    weekday = rf"(?P<weekday>{words(table['weekdays'])})"
    part, before = table["day_part"], table["before_weekday"]
    session = rf"(?:'s|’s)?\s+(?:{table['session']})\s+{table['trading']}"
    return (
        _rule(
            "weekday", rf"(?:(?P<lead>last|next|this)\s+)?{weekday}(?:'s|’s)?", resolvers.weekday
        ),
        _rule(
            "weekday",
            rf"{before}{weekday}(?:\s+(?:{part}))?",
            resolvers.weekday,
            flags=re.IGNORECASE,
        ),
        _rule("weekday", rf"{weekday}(?:'s|’s)?\s+(?:{part})", resolvers.weekday),
        _rule("market session", rf"(?:[Ii]n\s+)?{weekday}{session}", resolvers.weekday),
    )


def _phrased(table: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Words that stand for a day, seen from the publication or from what is told."""
    return (
        _phrases(table, "same day", "same_day", resolvers.same_day),
        _phrases(table, "day before", "day_before", resolvers.offset(-1)),
        _phrases(table, "day after", "day_after", resolvers.offset(1)),
        _phrases(table, "narrative day", "narrative_day", resolvers.narrative(0)),
        _phrases(table, "narrative day", "narrative_before", resolvers.narrative(-1)),
        _phrases(table, "narrative day", "narrative_after", resolvers.narrative(1)),
    )


def _counted(table: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Distances in days, weeks and months."""
    number = words(table["numbers"])
    return (
        _rule(
            "days from narrative",
            rf"(?<!barrels )(?<!tonnes )(?<!tons )(?<!feet )(?P<count>{number}|\d{{1,2}})\s+"
            r"(?P<unit>day|week|month)s?\s+"
            r"(?P<way>earlier|later|before|ago|after)",
            resolvers.counted,
            flags=re.IGNORECASE,
        ),
        _rule(
            "within days",
            r"within\s+(?P<count>\d{1,3})\s+days",
            resolvers.within,
            flags=re.IGNORECASE,
        ),
        _rule("weekend", f"(?:{table['weekend']})", resolvers.weekend, flags=re.IGNORECASE),
        _rule(
            "week",
            r"(?:(?:earlier|later|at\s+the\s+end\s+of)\s+)?(?P<which>last|this|next)\s+week",
            resolvers.week,
            flags=re.IGNORECASE,
        ),
        _rule(
            "month by distance",
            r"(?:(?:earlier|later)\s+)?(?P<which>last|this|next)\s+month",
            resolvers.this_month,
            flags=re.IGNORECASE,
        ),
    )
