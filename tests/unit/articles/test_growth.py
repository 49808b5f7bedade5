"""Work grows with the length of a text, not with its square: comparisons are counted, not timed."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from eventstudy.articles import gather
from eventstudy.articles.dates import DateExpression, DateIndex
from eventstudy.articles.extract import extract
from eventstudy.articles.text import Document, Span

PLACES = ("Ryazan", "Saratov", "Samara", "Tuapse", "Lipetsk")


def account(count):
    days = (dt.date(2025, 12, 31) - dt.timedelta(i) for i in range(count))
    attacks = (
        f"Drones hit a refinery in {PLACES[i % 5]} on {day.day} {day:%B %Y}."
        for i, day in enumerate(days)
    )
    text = "LONDON, Jan 7, 2026 (Newsdesk) - " + " ".join(attacks)
    return Document("x.txt", "0", text, "utf-8")


def comparisons(count, monkeypatch):
    calls = 0
    same, within = gather._same, DateIndex.within

    def counted(one, other):
        nonlocal calls
        calls += 1
        return same(one, other)

    def looked_up(self, span):
        nonlocal calls
        for item in within(self, span):
            calls += 1
            yield item

    with monkeypatch.context() as patch:
        patch.setattr(gather, "_same", counted)
        patch.setattr(DateIndex, "within", looked_up)
        assert len(extract(account(count)).events) == count
    return calls


def test_twice_the_text_is_twice_the_work(monkeypatch):
    assert comparisons(200, monkeypatch) <= 2.2 * comparisons(100, monkeypatch)


SPANS = st.lists(st.integers(1, 9), max_size=12)


@given(SPANS, st.integers(0, 60), st.integers(0, 20))
def test_the_index_finds_what_a_walk_over_all_finds(lengths, start, length):
    position, dates = 0, []
    for size in lengths:
        span = Span(position, position + size)
        dates.append(DateExpression("", span, None, None, None, "open", None, ""))
        position += size + size % 3
    wanted = Span(start, start + length)
    found = [item for item in dates if item.span.overlaps(wanted)]
    assert list(DateIndex(dates).within(wanted)) == found
