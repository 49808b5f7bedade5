"""Finding dated expressions: each is found by a named rule and resolved against the dateline.

What a rule cannot resolve keeps its words and stays open; nothing is guessed.
"""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from eventstudy.articles.clocks import find_clocks, join
from eventstudy.articles.daterules import rules_of
from eventstudy.articles.language import Language
from eventstudy.articles.moments import DateExpression, Dateline
from eventstudy.articles.scenes import Found, Rule, Scene
from eventstudy.articles.text import Span

MAX_EXPRESSIONS = 5_000


def find_dates(
    text: str,
    sentences: Sequence[Span],
    quotations: Sequence[Span],
    dateline: Dateline,
    language: Language,
) -> tuple[DateExpression, ...]:
    """Find and resolve the dated expressions of a text.

    Parameters
    ----------
    text : str
        The document.
    sentences, quotations : sequence of Span
        Ordered.
    dateline : Dateline
        Weekdays and days without a year are resolved against it.
    language : Language
        Tables.

    Returns
    -------
    tuple of DateExpression
        In order, without overlaps; at most `MAX_EXPRESSIONS`.
    """
    rules = rules_of(language)
    starts = [span.start for span in sentences]
    inside = [span.start for span in quotations]
    found: list[DateExpression] = []
    told: dt.date | None = None
    for rule, match in _candidates(text, rules):
        sentence = sentences[max(0, bisect_right(starts, match.start()) - 1)]
        index = bisect_right(inside, match.start()) - 1
        quoted = index >= 0 and match.start() < quotations[index].end
        start, end = match.span()
        scene = Scene(text, start, end, sentence, quoted, dateline.day, told, language)
        result = rule.resolve(match, scene)
        item = _expression(match, rule, result, dateline)
        is_dateline = dateline.span is not None and dateline.span.overlaps(item.span)
        if is_dateline and dateline.day is not None and item.precision != "range":
            item = _at_dateline(item, dateline)
        elif item.precision in {"day", "exact"} and not quoted and _is_past(item, dateline):
            told = item.first
        found.append(item)
        if len(found) == MAX_EXPRESSIONS:
            break
    clocks = find_clocks(text, dateline, language)
    return join(text, found, clocks, dateline)[:MAX_EXPRESSIONS]


def _expression(
    match: re.Match[str], rule: Rule, result: Found, dateline: Dateline
) -> DateExpression:
    first, last = result.days or (None, None)
    return DateExpression(
        text=match.group(),
        span=Span(*match.span()),
        first=first,
        last=last,
        moment=result.moment,
        precision=result.precision,
        zone=dateline.zone,
        rule=rule.name,
        partial=result.partial,
    )


def _at_dateline(item: DateExpression, dateline: Dateline) -> DateExpression:
    moment = dateline.moment if dateline.moment and dateline.moment.tzinfo else item.moment
    return replace(
        item,
        first=dateline.day,
        last=dateline.day,
        moment=moment,
        precision="exact" if moment else "day",
        rule="dateline",
    )


def _is_past(item: DateExpression, dateline: Dateline) -> bool:
    return item.first is not None and (dateline.day is None or item.first <= dateline.day)


def _candidates(text: str, rules: Sequence[Rule]) -> list[tuple[Rule, re.Match[str]]]:
    """List the matches of all rules, the longest where several start within each other."""
    matches = [
        (match.start(), -match.end(), order, rule, match)
        for order, rule in enumerate(rules)
        for match in rule.pattern.finditer(text)
    ]
    matches.sort(key=lambda item: item[:3])
    kept: list[tuple[Rule, re.Match[str]]] = []
    for _, _, _, rule, match in matches:
        if kept and match.start() < kept[-1][1].end():
            if len(match.group()) > len(kept[-1][1].group()):
                kept[-1] = (rule, match)
            continue
        kept.append((rule, match))
    return kept
