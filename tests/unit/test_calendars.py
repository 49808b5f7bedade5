import csv
import os
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.calendars import file_calendar, read_overrides, settlement_calendar
from eventstudy.errors import AlignmentError, TableError, UnknownNameError

VALIDATION = Path(
    os.environ.get(
        "EVENTSTUDY_VALIDATION",
        Path(__file__).resolve().parents[2] / ".." / "shared" / "validation",
    )
)
NEW_YORK, LONDON = ZoneInfo("America/New_York"), ZoneInfo("Europe/London")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def listed(text):
    return text.split()


SINCE, UNTIL = datetime(1984, 1, 1), datetime(2026, 12, 30)  # noqa: DTZ001  # UTC is added below
BRENT_SINCE = datetime(2006, 2, 1)  # noqa: DTZ001  # compared with UTC instants
WTI = settlement_calendar("wti", date(1983, 1, 3), date(2026, 12, 31))
BRENT = settlement_calendar("brent", date(2006, 1, 3), date(2026, 12, 31))

# Spot assessments printed on days on which NYMEX settled nothing.
SPOT_PRINTS_WITHOUT_SETTLEMENT = listed(
    """
    1986-07-03 1986-11-28 1987-07-03 1987-09-07 1987-11-27 1988-02-15 1988-05-30 1988-09-05
    1988-11-24 1988-11-25 1989-02-20 1989-05-29 1989-07-03 1989-07-04 1989-09-04 1989-11-23
    1990-02-19 1990-07-04 1990-09-03 1990-11-22 1990-12-24 1991-02-18 1991-07-04 1991-11-28
    1992-02-17 1992-07-03 1992-09-07 1993-03-01 1993-11-26 1994-04-27 1995-07-03 1996-07-05
    1996-11-29 1999-11-26 2000-11-24 2001-09-11 2001-09-12 2001-09-13
    """
)
# Holidays on which the EIA contract series repeats the previous settlement.
CONTRACT_PRINTS_ON_HOLIDAYS = listed(
    """
    2018-01-01 2018-01-15 2018-02-19 2018-03-30 2018-05-28 2018-07-04 2018-09-03 2018-11-22
    2018-12-25 2019-04-19 2019-11-28
    """
)


def at(text, zone):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def wti_day(moment):
    return str(WTI.sessions[WTI.session_of(moment)])


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        (at("2026-01-07T10:06", SHANGHAI), "2026-01-07"),
        (at("2026-01-06T21:06", NEW_YORK), "2026-01-07"),
        (at("2026-01-07T14:29:59", NEW_YORK), "2026-01-07"),
        (at("2026-01-07T14:29:59.999999", NEW_YORK), "2026-01-07"),
        (at("2026-01-07T14:30:00", NEW_YORK), "2026-01-08"),
        (at("2026-01-03T05:00", NEW_YORK), "2026-01-05"),
        (at("2026-01-04T12:00", LONDON), "2026-01-05"),
        (at("2026-01-16T15:00", NEW_YORK), "2026-01-20"),
        (at("2026-01-19T12:00", NEW_YORK), "2026-01-20"),
        (at("2025-12-25T12:00", NEW_YORK), "2025-12-26"),
        (at("2014-11-27T15:00", LONDON), "2014-11-28"),
        (at("2025-01-09T07:00", NEW_YORK), "2025-01-09"),
        (at("2018-12-05T07:00", NEW_YORK), "2018-12-05"),
        # Thanksgiving Friday settles an hour early.
        (at("2014-11-28T13:29:59", NEW_YORK), "2014-11-28"),
        (at("2014-11-28T13:30:00", NEW_YORK), "2014-12-01"),
        # the extra settlement of New Year's Eve 2010, when Globex closed at 15:15 Chicago
        (at("2010-12-31T14:29:59", NEW_YORK), "2010-12-31"),
    ],
)
def test_wti_cases(moment, session):
    assert wti_day(moment) == session


@pytest.mark.parametrize(
    ("moment", "brent", "wti"),
    [
        # Both clocks in winter, and both in summer: 19:30 London is 14:30 New York.
        ("2026-01-07T19:29:59+00:00", "2026-01-07", "2026-01-07"),
        ("2026-01-07T19:30:00+00:00", "2026-01-08", "2026-01-08"),
        ("2026-07-07T18:29:59+00:00", "2026-07-07", "2026-07-07"),
        # 8 to 29 March 2026: New York is on summer time, London is not: WTI settles first.
        ("2026-03-10T18:45:00+00:00", "2026-03-10", "2026-03-11"),
        # 25 October to 1 November 2026: London has gone back, New York has not.
        ("2026-10-27T18:45:00+00:00", "2026-10-27", "2026-10-28"),
        ("2026-11-03T18:45:00+00:00", "2026-11-03", "2026-11-03"),
        # Brent settles on US holidays.
        ("2026-01-19T12:00:00+00:00", "2026-01-19", "2026-01-20"),
        ("2026-04-03T12:00:00+00:00", "2026-04-06", "2026-04-06"),
    ],
)
def test_london_and_new_york(moment, brent, wti):
    when = datetime.fromisoformat(moment)
    assert str(BRENT.sessions[BRENT.session_of(when)]) == brent
    assert wti_day(when) == wti


@given(
    st.datetimes(min_value=SINCE, max_value=UNTIL).map(lambda moment: moment.replace(tzinfo=UTC))
)
def test_every_moment_has_exactly_one_session(moment):
    naive = np.datetime64(moment.replace(tzinfo=None))
    index = WTI.session_of(moment)
    assert WTI.settlements[index - 1] <= naive < WTI.settlements[index]
    assert WTI.positions_of(np.array([naive]))[0] == index


@settings(max_examples=50)
@given(st.lists(st.datetimes(min_value=BRENT_SINCE, max_value=UNTIL), min_size=1))
def test_many_moments_at_once_agree_with_a_loop(moments):
    # The naive road: count the settlements that are not after the moment.
    expected = [int(sum(BRENT.settlements <= np.datetime64(moment))) for moment in moments]
    found = BRENT.positions_of(np.array(moments, dtype="datetime64[us]"))
    assert found.dtype == np.int64
    assert found.tolist() == expected


def test_settlements_fall_on_the_local_time_of_their_session():
    for calendar in (WTI, BRENT):
        local = pd.DatetimeIndex(calendar.settlements).tz_localize("UTC").tz_convert(calendar.zone)
        assert (local.tz_localize(None).normalize() == pd.DatetimeIndex(calendar.sessions)).all()
        assert (np.diff(calendar.sessions).astype(int) > 0).all()
    early = WTI.settlements[WTI.on_or_after(date(2024, 11, 29))]
    assert early == np.datetime64("2024-11-29T18:30:00")


def test_the_ends_of_a_calendar():
    calendar = settlement_calendar("wti", date(2026, 1, 5), date(2026, 1, 9))
    assert len(calendar) == 5
    assert calendar.session_of(at("2020-01-01T00:00", NEW_YORK)) == 0
    assert calendar.session_of(at("2026-01-09T14:30", NEW_YORK)) == 5
    assert calendar.on_or_after(date(2026, 1, 10)) == 5
    assert calendar.is_session(date(2026, 1, 9))
    assert not calendar.is_session(date(2026, 1, 10))
    clipped = WTI.clip(date(2026, 1, 3), date(2026, 1, 11))
    np.testing.assert_array_equal(clipped.sessions, calendar.sessions)
    np.testing.assert_array_equal(clipped.settlements, calendar.settlements)


def test_a_calendar_read_off_a_file_goes_by_the_day():
    calendar = file_calendar(["2026-01-05", "2026-01-06", "2026-01-08"])
    assert calendar.settlements is None
    assert calendar.zone is None
    assert calendar.session_of(at("2026-01-06T23:59", SHANGHAI)) == 1
    assert calendar.session_of(at("2026-01-07T00:00", SHANGHAI)) == 2
    days = np.array(["2026-01-04T12:00", "2026-01-06T23:00", "2026-01-09"], dtype="datetime64[s]")
    assert calendar.positions_of(days).tolist() == [0, 1, 3]
    assert calendar.clip(date(2026, 1, 6), date(2026, 1, 7)).sessions.tolist() == [date(2026, 1, 6)]


@pytest.mark.parametrize(
    "days", [["2026-01-06", "2026-01-05"], ["2026-01-05", "2026-01-05"], ["NaT"]]
)
def test_a_file_calendar_must_be_increasing(days):
    with pytest.raises(AlignmentError, match="strictly increasing"):
        file_calendar(days)


def test_faults_are_named():
    with pytest.raises(AlignmentError, match="no time zone"):
        WTI.session_of(datetime(2026, 1, 7, 12, 0))  # noqa: DTZ001  # the fault under test
    with pytest.raises(AlignmentError, match="without gaps"):
        WTI.positions_of(np.array(["NaT"], dtype="datetime64[s]"))
    with pytest.raises(UnknownNameError, match="did you mean 'brent'"):
        settlement_calendar("brant", date(2026, 1, 1), date(2026, 2, 1))
    with pytest.raises(AlignmentError, match="empty"):
        settlement_calendar("wti", date(2026, 2, 1), date(2026, 1, 1))


def write_overrides(tmp_path, *rows):
    path = tmp_path / "overrides.csv"
    path.write_text("calendar,session,rule,time,reason\n" + "\n".join(rows) + "\n")
    return path


def test_overrides_add_drop_and_move_settlements(tmp_path):
    path = write_overrides(
        tmp_path,
        "brent,2026-12-24,settlement_time,12:30,circular",
        "brent,2026-12-28,no_settlement,,test",
        "brent,2026-12-26,extra_settlement,,a Saturday",
        "wti,2026-12-29,no_settlement,,another market",
        "brent,2026-12-25,settlement_time,12:30,no session to move",
    )
    calendar = settlement_calendar("brent", date(2026, 12, 23), date(2026, 12, 31), overrides=path)
    assert [str(day)[-2:] for day in calendar.sessions] == ["23", "24", "26", "29", "30", "31"]
    assert calendar.settlements[1] == np.datetime64("2026-12-24T12:30:00")
    assert calendar.settlements[2] == np.datetime64("2026-12-26T19:30:00")


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("wty,2026-12-24,no_settlement,,x", "calendar"),
        ("wti,24.12.2026,no_settlement,,x", "session"),
        ("wti,2026-12-24,holiday,,x", "rule"),
        ("wti,2026-12-24,settlement_time,,x", "time"),
        ("wti,2026-12-24,settlement_time,noon,x", "time"),
        ("wti,2026-12-24,no_settlement,,", "reason"),
    ],
)
def test_a_faulty_override_is_located(tmp_path, row, column):
    with pytest.raises(TableError) as caught:
        read_overrides(write_overrides(tmp_path, row))
    assert (caught.value.row, caught.value.column) == (2, column)


def test_an_override_file_needs_its_columns(tmp_path):
    path = tmp_path / "overrides.csv"
    path.write_text("session,rule\n")
    with pytest.raises(TableError, match="columns must be"):
        read_overrides(path)
    with pytest.raises(TableError, match="no such file"):
        read_overrides(tmp_path / "absent.csv")


def test_every_shipped_price_day_settles():
    source = resources.files("eventstudy") / "data" / "crude_daily.csv"
    rows = list(csv.DictReader(source.read_text(encoding="utf-8").splitlines()))
    for column in ("wti_front", "brent_front"):  # BZ=F follows the US calendar
        days = {row["session"] for row in rows if row[column]}
        assert len(days) > 500
        # 4 July 2025 has a close although nothing settled.
        assert {day for day in days if not WTI.is_session(date.fromisoformat(day))} == {
            "2025-07-04"
        }
        first, last = date.fromisoformat(min(days)), date.fromisoformat(max(days))
        assert {str(day) for day in WTI.clip(first, last).sessions} <= days


def test_every_spot_day_that_arch_ships_settles_or_is_listed():
    from arch.data import wti

    days = [day.date() for day in wti.load().dropna().index]
    missing = [str(day) for day in days if not WTI.is_session(day)]
    assert missing == SPOT_PRINTS_WITHOUT_SETTLEMENT


def validation_days(name, column, series=None):
    path = VALIDATION / name
    if not path.exists():
        pytest.skip(f"{path.name} is not beside the checkout")
    frame = pd.read_csv(path)
    frame = frame if series is None else frame[frame["series"] == series]
    frame = frame.dropna(subset=column)
    return [date.fromisoformat(day) for day in frame[frame.columns[0]]]


@pytest.mark.validation
def test_eia_spot_days():
    days = validation_days("eia_wti_spot_daily.csv", "Price")
    missing = [str(day) for day in days if not WTI.is_session(day)]
    assert missing == SPOT_PRINTS_WITHOUT_SETTLEMENT


@pytest.mark.validation
def test_eia_contract_days():
    name = "eia_nymex_wti_contracts_1_4_1983-03-30_2022-02-15.csv.gz"
    days = validation_days(name, "RCLC1")
    missing = [str(day) for day in days if not WTI.is_session(day)]
    assert missing == CONTRACT_PRINTS_ON_HOLIDAYS


@pytest.mark.validation
@pytest.mark.parametrize(("series", "calendar"), [("CL01", WTI), ("BRN01", BRENT)])
def test_settlements_of_both_markets_match_day_by_day(series, calendar):
    days = validation_days("generic_futures_cl_brn_2007_2025.csv.gz", "value", series)
    assert calendar.clip(min(days), max(days)).sessions.tolist() == sorted(days)


@pytest.mark.validation
def test_eia_brent_days_are_settlement_days_since_2006():
    days = [day for day in validation_days("eia_brent_spot_daily.csv", "Price") if day.year >= 2006]
    assert [day for day in days if not BRENT.is_session(day)] == []


def test_a_week_of_hours_moves_forward_only():
    start = datetime(2026, 3, 6, tzinfo=UTC)
    found = [WTI.session_of(start + timedelta(hours=hour)) for hour in range(24 * 7)]
    assert found == sorted(found)
    assert len(set(found)) == 6
