"""Score the extraction on the labelled corpora, its dates beside those of dateparser.

Run from the root of the repository: ``python -m validation.evaluate``.
"""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from eventstudy.articles.evaluation import LabelledText, Score, evaluate, read_corpus
from eventstudy.articles.text import Span

CORPORA = tuple(Path(__file__).parent / name for name in ("corpus", "corpus-2"))
"""The first texts, and those in five more manners; README.md says what they are."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
SPLITS = ("dev", "held-out")
"""``dev`` is what the rules were written on; ``held-out`` is looked at only for its score."""


def dateparser_dates(corpus: Sequence[LabelledText]) -> Score:
    """Score the dates of `dateparser.search.search_dates` on labelled texts.

    The day of the first labelled date is its reference, as the dateline is ours.
    """
    from dateparser.search import search_dates

    hits = false = missed = 0
    for text in corpus:
        settings: dict[str, Any] = {"PREFER_DATES_FROM": "past"}
        days = (label.value for label in text.dates if _DAY.match(label.value))
        base = next(days, None)
        if base:
            settings["RELATIVE_BASE"] = dt.datetime.fromisoformat(base[:10])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            words = text.document.text
            found = search_dates(words, languages=["en"], settings=settings) or []
        used, position = 0, 0
        for phrase, moment in found:
            start = words.find(phrase, position)
            position = max(position, start)
            span = Span(start, start + len(phrase))
            used += any(
                label.span.overlaps(span) and label.value[:10] == f"{moment:%Y-%m-%d}"
                for label in text.dates
            )
        hits += used
        false += len(found) - used
        missed += len(text.dates) - used
    return Score("dates: dateparser search_dates", hits, false, missed)


def main() -> None:
    """Print a line for each corpus, split and task."""
    print(f"{'corpus':<10}{'split':<10}{'task':<32}{'precision':>10}{'recall':>10}{'n':>6}")
    for folder, split in product(CORPORA, SPLITS):
        corpus = read_corpus(folder / split)
        dates, *rest = evaluate(corpus)
        for score in (dates, dateparser_dates(corpus), *rest):
            counts = f"{score.precision:>10.3f}{score.recall:>10.3f}{score.hits + score.missed:>6}"
            print(f"{folder.name:<10}{split:<10}{score.task:<32}{counts}")


if __name__ == "__main__":
    main()
