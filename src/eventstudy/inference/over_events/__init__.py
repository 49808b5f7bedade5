"""Statistics over N pairs of an event and an asset; imported in the order of the documents."""

# isort: off
from eventstudy.inference.over_events import parametric
from eventstudy.inference.over_events import skewness
from eventstudy.inference.over_events import rank
from eventstudy.inference.over_events import sign
from eventstudy.inference.over_events import calendar_time
from eventstudy.inference.over_events import bhar

__all__ = ["bhar", "calendar_time", "parametric", "rank", "sign", "skewness"]
