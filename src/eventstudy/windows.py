"""Windows in event time: closed intervals of sessions relative to session 0."""

from __future__ import annotations

from dataclasses import dataclass

from eventstudy.errors import WindowError


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A closed interval of sessions ``start..end`` relative to the event session 0.

    Parameters
    ----------
    start, end : int
        First and last tau, both included.

    Raises
    ------
    WindowError
        When `end` lies before `start` or either is not a whole number.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        for bound in (self.start, self.end):
            if isinstance(bound, bool) or not isinstance(bound, int):
                msg = f"a window is two whole numbers, not {self.start!r} and {self.end!r}"
                raise WindowError(msg)
        if self.end < self.start:
            msg = f"window [{self.start}, {self.end}] ends before it starts"
            raise WindowError(msg)

    def __len__(self) -> int:
        return self.end - self.start + 1

    def __contains__(self, tau: object) -> bool:
        return isinstance(tau, int) and self.start <= tau <= self.end

    def __str__(self) -> str:
        return f"[{self.start},{self.end}]"

    @property
    def taus(self) -> range:
        """All sessions of the window, in order."""
        return range(self.start, self.end + 1)

    @property
    def suffix(self) -> str:
        """Form used in column names: ``car_<start>_<end>``."""
        return f"{self.start}_{self.end}"

    def covers(self, other: Window) -> bool:
        """Whether `other` lies wholly inside this window."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: Window) -> bool:
        """Whether the two windows share a session."""
        return self.start <= other.end and other.start <= self.end


WindowLike = Window | tuple[int, int] | list[int]


def as_window(value: WindowLike) -> Window:
    """Turn a pair such as ``(-5, 5)`` into a `Window`.

    Raises
    ------
    WindowError
        When `value` is not a pair of whole numbers in order.
    """
    if isinstance(value, Window):
        return value
    if not isinstance(value, (list, tuple)) or len(value) != 2:  # noqa: PLR2004  # a pair
        msg = f"a window is a pair such as [-5, 5], not {value!r}"
        raise WindowError(msg)
    return Window(value[0], value[1])


def estimation_window(event: Window, estimation: int | WindowLike, *, gap: int = 0) -> Window:
    """Place the estimation window before the event window.

    Parameters
    ----------
    event : Window
        The event window ``T1..T2``.
    estimation : int or pair
        A number L of sessions, which then ends `gap` sessions before T1
        (``T1 - gap - L .. T1 - gap - 1``), or the pair itself, relative to the event.
    gap : int
        Sessions left out between the two windows; used only with a number.

    Returns
    -------
    Window
        The estimation window, relative to session 0.

    Raises
    ------
    WindowError
        When the two windows overlap, the estimation window lies after the event window,
        or a length is not positive.
    """
    if isinstance(estimation, int):
        if isinstance(estimation, bool) or estimation < 1 or gap < 0:
            msg = f"estimation = {estimation}, gap = {gap}: at least 1 session, a gap of 0 or more"
            raise WindowError(msg)
        end = event.start - gap - 1
        return Window(end - estimation + 1, end)
    window = as_window(estimation)
    if window.end >= event.start:
        msg = (
            f"estimation window {window} overlaps or follows the event window {event}: "
            f"it must end at {event.start - 1} or before"
        )
        raise WindowError(msg)
    return window
