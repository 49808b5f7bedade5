"""Statistics over all dates of an asset; imported in the order of the documents."""

# isort: off
from eventstudy.inference.over_dates import overlap
from eventstudy.inference.over_dates import episodes
from eventstudy.inference.over_dates import direction

__all__ = ["direction", "episodes", "overlap"]
