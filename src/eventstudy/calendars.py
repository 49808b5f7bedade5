"""Settlement calendars: which session a moment belongs to.

A daily price change runs from settlement to settlement, so news belongs to the first settlement
after it: not to its calendar day, and not to the trade date, which rolls hours later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eventstudy.arrays import DayArray, IntArray
from eventstudy.errors import AlignmentError, TableError
from eventstudy.products import CalendarSpec, calendar_names, calendar_spec
from eventstudy.tables import Row, read_rows

_RULES: Final = ("extra_settlement", "no_settlement", "settlement_time")
_OVERRIDE_COLUMNS: Final = ["calendar", "session", "rule", "time", "reason"]


@dataclass(frozen=True, slots=True, eq=False)
class SettlementCalendar:
    """The sessions of a market and the instants at which they settle.

    Parameters
    ----------
    name : str
        That of the table of products, or ``"file"``.
    zone : str or None
        IANA zone of the settlement; None for a calendar read off a file.
    sessions : ndarray of datetime64[D], shape (S,)
        Strictly increasing days.
    settlements : ndarray of datetime64[s], shape (S,), or None
        UTC instants; None where only the days are known.
    """

    name: str
    zone: str | None
    sessions: DayArray
    settlements: DayArray | None

    def __len__(self) -> int:
        return len(self.sessions)

    @property
    def index(self) -> pd.DatetimeIndex:
        """The sessions as the index `session` of a frame."""
        return pd.DatetimeIndex(self.sessions.astype("datetime64[us]"), name="session")

    def session_of(self, moment: datetime) -> int:
        """Return the index of the first settlement strictly after `moment`.

        A moment exactly at a settlement belongs to the next session; one after the last settlement
        gives ``len(sessions)``. Where no settlement times are known, the moment's own calendar day
        in its own zone decides.

        Raises
        ------
        AlignmentError
            When `moment` carries no time zone.
        """
        if moment.tzinfo is None or moment.utcoffset() is None:
            msg = f"moment {moment.isoformat()} has no time zone: add an offset or a zone"
            raise AlignmentError(msg)
        if self.settlements is None:
            return self.on_or_after(moment.date())
        instant = np.datetime64(pd.Timestamp(moment).tz_convert("UTC").tz_localize(None))
        return int(np.searchsorted(self.settlements, instant, side="right"))

    def positions_of(self, moments_utc: NDArray[np.datetime64]) -> IntArray:
        """Return `session_of` for many moments at once, int64 of the same shape.

        `moments_utc` are UTC instants; for a calendar without settlement times, local days.

        Raises
        ------
        AlignmentError
            When a moment is missing (NaT).
        """
        moments = np.asarray(moments_utc)
        if moments.dtype.kind != "M" or bool(np.isnat(moments).any()):
            msg = "moments must be datetime64 values without gaps: give every event a time or a day"
            raise AlignmentError(msg)
        if self.settlements is None:
            days = moments.astype("datetime64[D]")
            return np.asarray(np.searchsorted(self.sessions, days, side="left"), dtype=np.int64)
        return np.asarray(np.searchsorted(self.settlements, moments, side="right"), dtype=np.int64)

    def on_or_after(self, day: date) -> int:
        """Return the index of the first session on or after `day`; ``len(sessions)`` when none."""
        return int(np.searchsorted(self.sessions, _day(day), side="left"))

    def is_session(self, day: date) -> bool:
        """Whether there is a settlement on `day`."""
        index = self.on_or_after(day)
        return index < len(self.sessions) and bool(self.sessions[index] == _day(day))

    def clip(self, first: date, last: date) -> SettlementCalendar:
        """Return the sessions from `first` to `last`, both included."""
        kept = slice(
            int(np.searchsorted(self.sessions, _day(first), side="left")),
            int(np.searchsorted(self.sessions, _day(last), side="right")),
        )
        settlements = None if self.settlements is None else self.settlements[kept]
        return SettlementCalendar(self.name, self.zone, self.sessions[kept], settlements)


def settlement_calendar(
    name: str, first: date, last: date, *, overrides: Path | None = None
) -> SettlementCalendar:
    """Build the settlement calendar of a market.

    Parameters
    ----------
    name : str
        A calendar of the table of products: ``"wti"``, NYMEX energy, settling at 14:30 New York;
        ``"brent"``, ICE Brent, settling at 19:30 London.
    first, last : date
        First and last day, both included.
    overrides : Path, optional
        A CSV file with the columns ``calendar, session, rule, time, reason`` that is applied after
        the bundled table; `rule` is ``extra_settlement``, ``no_settlement`` or
        ``settlement_time``, and `time` is local, such as ``13:30``.

    Returns
    -------
    SettlementCalendar
        With UTC settlement instants.

    Raises
    ------
    UnknownNameError
        When there is no calendar of that name.
    AlignmentError
        When `last` lies before `first`.
    TableError
        When the override file has a fault.

    Notes
    -----
    WTI is checked against NYMEX price days since 1983, Brent against ICE price days since 2007;
    before 2006 the Brent market kept more holidays than the three of this calendar.

    Examples
    --------
    >>> from datetime import date, datetime
    >>> from zoneinfo import ZoneInfo
    >>> calendar = settlement_calendar("wti", date(2026, 1, 5), date(2026, 1, 9))
    >>> late = datetime(2026, 1, 6, 21, 6, tzinfo=ZoneInfo("America/New_York"))
    >>> str(calendar.sessions[calendar.session_of(late)])
    '2026-01-07'
    """
    spec = calendar_spec(name)
    if last < first:
        msg = f"a calendar from {first} to {last} is empty: swap the two days"
        raise AlignmentError(msg)
    own = read_overrides(overrides) if overrides else ()
    return build_calendar(spec, first, last, overrides=(*_bundled_overrides(), *own))


def build_calendar(
    spec: CalendarSpec, first: date, last: date, *, overrides: tuple[Override, ...] = ()
) -> SettlementCalendar:
    """Build a calendar from its rules and dated exceptions, in the order of `overrides`.

    Exceptions of other calendars are ignored; `first` and `last` are both included.
    """
    times = {day: (at, zone) for day, at, zone in _rule_times(spec, first, last)}
    for row in overrides:
        if row.calendar == spec.name and first <= row.session <= last:
            regime = spec.regime(row.session)
            if row.rule == "no_settlement":
                times.pop(row.session, None)
            elif row.rule == "extra_settlement" or row.session in times:
                ruled = (regime.time, regime.zone)
                times[row.session] = (row.time, spec.zone) if row.time else ruled
    days = np.array(sorted(times), dtype="datetime64[D]")
    return SettlementCalendar(spec.name, spec.zone, days, _instants(times))


def file_calendar(sessions: Any) -> SettlementCalendar:  # noqa: ANN401  # whatever numpy reads as days
    """Build a calendar from the days (S,) of a price file, with no settlement times.

    Raises `AlignmentError` when they are not strictly increasing or one is missing.
    """
    days = np.asarray(sessions, dtype="datetime64[D]")
    if days.ndim != 1 or bool(np.isnat(days).any()) or bool((np.diff(days).astype(int) <= 0).any()):
        msg = (
            "the sessions of a calendar must be strictly increasing days: sort and deduplicate them"
        )
        raise AlignmentError(msg)
    return SettlementCalendar("file", None, days, None)


@dataclass(frozen=True, slots=True)
class Override:
    """One dated exception to a calendar's rule."""

    calendar: str
    session: date
    rule: str
    time: time | None
    reason: str


def read_overrides(path: Path) -> tuple[Override, ...]:
    """Read dated exceptions from a CSV file.

    Raises `TableError` when it cannot be read or a row has an unknown rule, day or time, or no
    reason.
    """
    rows = read_rows(path, what="settlement overrides", columns=_OVERRIDE_COLUMNS)
    return tuple(_override(row, path) for row in rows)


def _override(row: Row, path: Path) -> Override:
    def fault(column: str, wanted: str) -> NoReturn:
        msg = f"{row[column]!r} is not {wanted}"
        raise TableError(msg, path=str(path), row=row.line, column=column)

    if row["calendar"] not in calendar_names():
        fault("calendar", f"a calendar: {', '.join(sorted(calendar_names()))}")
    if row["rule"] not in _RULES:
        fault("rule", f"a rule: {', '.join(_RULES)}")
    if not row["reason"]:
        fault("reason", "a reason: write why the day differs")
    try:
        session = date.fromisoformat(row["session"])
    except ValueError:
        fault("session", "an ISO date such as 2025-01-09")
    if not row["time"] and row["rule"] == "settlement_time":
        fault("time", "a local time such as 13:30")
    try:
        local = time.fromisoformat(row["time"]) if row["time"] else None
    except ValueError:
        fault("time", "a local time such as 13:30")
    return Override(row["calendar"], session, row["rule"], local, row["reason"])


@lru_cache(maxsize=1)
def _bundled_overrides() -> tuple[Override, ...]:
    source = resources.files("eventstudy") / "data" / "settlement_overrides.csv"
    with resources.as_file(source) as path:
        return read_overrides(path)


@lru_cache(maxsize=32)
def _rule_times(spec: CalendarSpec, first: date, last: date) -> tuple[tuple[date, time, str], ...]:
    """Sessions by the rules alone, each with its local time and the zone of that time."""
    days = _weekdays if spec.sessions == "weekdays" else _library_days
    found = []
    for day, close in days(spec, first, last):
        if close not in spec.unsettled:
            regime = spec.regime(day)
            found.append((day, regime.at(day, close), regime.zone))
    return tuple(found)


def _library_days(spec: CalendarSpec, first: date, last: date) -> list[tuple[date, str]]:
    """Trading days of a calendar of pandas_market_calendars, each with its close."""
    import pandas_market_calendars as mcal

    schedule = mcal.get_calendar(spec.sessions).schedule(first, last, tz=spec.close_zone)
    closes = schedule["market_close"].dt.strftime("%H:%M")
    return [(day.date(), close) for day, close in zip(schedule.index, closes, strict=True)]


def _weekdays(spec: CalendarSpec, first: date, last: date) -> list[tuple[date, str]]:
    """Weekdays less the holidays of the calendar; none of them is known to close early."""
    years = range(first.year, last.year + 1)
    closed = {_holiday(name, year) for year in years for name in spec.holidays}
    days = pd.bdate_range(first, last)
    return [(day.date(), "") for day in days if day.date() not in closed]


def _holiday(name: str, year: int) -> date:
    if name == "good-friday":
        from pandas.tseries.holiday import GoodFriday

        return GoodFriday.dates(date(year, 1, 1), date(year, 12, 31))[0].date()  # type: ignore[no-any-return]  # untyped library
    day = date.fromisoformat(f"{year}-{name}")
    return day + timedelta(days=1) if day.isoweekday() == 7 else day  # noqa: PLR2004  # Sunday


def _instants(times: dict[date, tuple[time, str]]) -> DayArray:
    """UTC instants of local times, in the order of their days, shape (S,)."""
    ordered = sorted(times.items())
    found = np.zeros(len(ordered), dtype="datetime64[s]")
    for zone in sorted({zone for _, zone in times.values()}):
        rows = [i for i, (_, (_, of)) in enumerate(ordered) if of == zone]
        local = pd.DatetimeIndex(
            [datetime.combine(ordered[i][0], ordered[i][1][0]) for i in rows], dtype="datetime64[s]"
        )
        found[rows] = local.tz_localize(zone).tz_convert("UTC").tz_localize(None).to_numpy()
    return found


def _day(day: date) -> np.datetime64:
    return np.datetime64(day, "D")
