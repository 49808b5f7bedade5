"""Merging events of several articles: same kind, near days and places; conflicts are kept."""

from __future__ import annotations

import datetime as dt

from eventstudy.articles.happenings import ArticleEvent

# An event told with two neighbouring days is still one: reports round, and zones differ.
_NEAR = dt.timedelta(1)
_FUSABLE = (
    frozenset({"military strike", "energy attack", "war outbreak"}),
    frozenset({"sanctions", "embargo or price cap"}),
)


def same_event(one: ArticleEvent, other: ArticleEvent) -> bool:
    """Whether two articles tell of one event.

    Kind, place and day block the comparison; a day apart is allowed and becomes a conflict of
    dates. Undated events are one only with kind and place equal and the same state.

    Parameters
    ----------
    one, other : ArticleEvent
        Of different articles.
    """
    if one.state != other.state or not _same_kind(one.kind, other.kind):
        return False
    if one.first is None or other.first is None:
        return one.first is other.first and one.place is not None and one.place == other.place
    if abs(one.first - other.first) > _NEAR:
        return False
    if one.place is None or other.place is None or one.place == other.place:
        return one.kind == other.kind
    return one.kind == other.kind and bool(
        {one.place.name, *one.actors} & {other.place.name, *other.actors}
    )


def _same_kind(one: str, other: str) -> bool:
    return one == other or any({one, other} <= group for group in _FUSABLE)
