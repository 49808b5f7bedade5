"""What a refresh is asked to do, what it takes from outside, and what it reports."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from eventstudy.prices.bars import Interval, Revision
from eventstudy.prices.eia import Eia
from eventstudy.prices.fred import Fred
from eventstudy.prices.instruments import Instrument
from eventstudy.prices.localfiles import LocalFile
from eventstudy.prices.runs import RunItem
from eventstudy.prices.sources import Patience, Source
from eventstudy.prices.yahoo import Yahoo

EXIT_DONE: Final = 0
EXIT_SOURCE: Final = 3
EXIT_QUALITY: Final = 4


@dataclass(frozen=True, slots=True)
class RefreshOptions:
    """What a run is asked to do.

    Parameters
    ----------
    symbols : tuple of str
        Only these instruments; all where empty.
    since : date or None
        Ask from this day on.
    full : bool
        Ask for everything the sources have.
    intraday : {"1h", "5m", "1m"} or None
        Keep bars of this interval of the front months too.
    accept : tuple of str
        Instruments whose batch is stored although the quality gate would stop it.
    wait : float
        Seconds to wait for another run.
    timeout : float
        Seconds to wait for an answer.
    patience : Patience
        How often sources are asked again.
    """

    symbols: tuple[str, ...] = ()
    since: date | None = None
    full: bool = False
    intraday: Interval | None = None
    accept: tuple[str, ...] = ()
    wait: float = 0.0
    timeout: float = 20.0
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Job:
    """One series to ask for, from a first day on (None: everything)."""

    instrument: Instrument
    interval: Interval
    first: date | None


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a run did.

    Parameters
    ----------
    items : tuple of RunItem
        One per series and interval.
    revisions : tuple of Revision
        Every corrected figure.
    """

    items: tuple[RunItem, ...]
    revisions: tuple[Revision, ...]

    @property
    def exit_code(self) -> int:
        """0 all done, 3 a source failed, 4 quality stopped a batch."""
        states = {item.state for item in self.items}
        if "stopped" in states:
            return EXIT_QUALITY
        return EXIT_SOURCE if "failed" in states else EXIT_DONE


@dataclass(slots=True)
class Surroundings:
    """Everything a run takes from outside, so that a test can replace it.

    Parameters
    ----------
    clock : callable
        The present moment, with a time zone.
    sleep : callable
        Waits for seconds.
    rng : random.Random
        Jitter of the waits.
    sources : mapping of str to Source
        By name.
    """

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    rng: random.Random = field(default_factory=random.Random)
    sources: Mapping[str, Source] = field(
        default_factory=lambda: {
            "yahoo": Yahoo(),
            "fred": Fred(),
            "eia": Eia(),
            "file": LocalFile(),
        }
    )
