"""Each rule of the finder, on sentences of its own; dates are checked against a wall calendar."""

import datetime as dt

import pytest

from eventstudy.articles.extract import extract
from eventstudy.articles.text import Document

# The sentence stands under a dateline of Wednesday 7 January 2026 (London).
DATELINE = "LONDON, Jan 7, 2026 (Newsdesk) - "


def found(sentence, *, dateline=DATELINE, published=None):
    text = dateline + sentence
    extraction = extract(Document("x.txt", "0", text, "utf-8"), published=published)
    start = len(dateline)
    return [item for item in extraction.dates if item.span.start >= start]


RULES = [
    # rule, sentence, words, value
    ("iso day", "It was signed on 2025-12-31 in Oslo.", "2025-12-31", "2025-12-31"),
    (
        "iso moment",
        "The bar is stamped 2026-01-06T14:30:00-05:00 there.",
        "2026-01-06T14:30:00-05:00",
        "2026-01-06T14:30-05:00",
    ),
    ("iso moment", "The bar of 2026-01-06 14:30 was bad.", "2026-01-06 14:30", "2026-01-06"),
    (
        "day range",
        "They met on 13-14 September in Paris.",
        "13-14 September",
        "2025-09-13..2025-09-14",
    ),
    (
        "day range",
        "They met on September 13-14, 2023.",
        "September 13-14, 2023",
        "2023-09-13..2023-09-14",
    ),
    (
        "day range",
        "Ports closed from 3 to 5 January 2026.",
        "3 to 5 January 2026",
        "2026-01-03..2026-01-05",
    ),
    ("day and month", "It fell on 2 December and rose later.", "2 December", "2025-12-02"),
    ("day and month", "It fell on the 2nd of December 2024.", "2nd of December 2024", "2024-12-02"),
    ("month and day", "The port was hit on December 2.", "December 2", "2025-12-02"),
    ("month and day", "The port was hit on Dec. 2, 2019.", "Dec. 2, 2019", "2019-12-02"),
    ("month and day", "Banks have until Feb. 4 to comply.", "Feb. 4", "2026-02-04"),
    ("month", "Output fell in November.", "in November", "2025-11"),
    ("month", "Output will rise in March.", "in March", "2026-03"),
    ("month", "A cut effective from May was agreed.", "from May", "2026-05"),
    ("month", "The ban was lifted in June 2024.", "in June 2024", "2024-06"),
    ("month", "Talks stalled in mid-December.", "in mid-December", "2025-12"),
    ("weekday", "The depot was hit on Tuesday.", "on Tuesday", "2026-01-06"),
    ("weekday", "The depot was hit on Wednesday.", "on Wednesday", "2026-01-07"),
    ("weekday", "Ministers will meet on Sunday.", "on Sunday", "2026-01-11"),
    ("weekday", "The group meets on Sunday.", "on Sunday", "2026-01-11"),
    (
        "day range",
        "Traders await its meeting of 16-17 March.",
        "16-17 March",
        "2026-03-16..2026-03-17",
    ),
    ("weekday", "Ministers met on Sunday.", "on Sunday", "2026-01-04"),
    ("weekday", "Russia said on Thursday it will cut output.", "on Thursday", "2026-01-01"),
    ("weekday", "The plant burned last Wednesday.", "last Wednesday", "2025-12-31"),
    ("weekday", "Talks resume next Monday.", "next Monday", "2026-01-12"),
    ("weekday", "Drones came late on Monday.", "late on Monday", "2026-01-05"),
    ("weekday", "Drones came before dawn on Monday.", "before dawn on Monday", "2026-01-05"),
    ("weekday", "He spoke on Saturday evening.", "on Saturday evening", "2026-01-03"),
    (
        "market session",
        "In Tuesday's Asian trading session it slid.",
        "In Tuesday's Asian trading session",
        "2026-01-06",
    ),
    ("same day", "The ministry confirmed it today.", "today", "2026-01-07"),
    ("same day", "Jets struck overnight.", "overnight", "2026-01-07"),
    ("day before", "The deal was signed yesterday.", "yesterday", "2026-01-06"),
    ("day after", "They will vote tomorrow.", "tomorrow", "2026-01-08"),
    ("narrative day", "It began on Monday. Traffic stopped that day.", "that day", "2026-01-05"),
    (
        "narrative day",
        "It began on Monday. A warning came the day before.",
        "the day before",
        "2026-01-04",
    ),
    ("narrative day", "It began on Monday. Ports shut the next day.", "the next day", "2026-01-06"),
    (
        "days from narrative",
        "It began on Monday. The order came two days earlier.",
        "two days earlier",
        "2026-01-03",
    ),
    ("days from narrative", "The order was given three days ago.", "three days ago", "2026-01-04"),
    (
        "days from narrative",
        "It began on Monday. Mines were laid a month earlier.",
        "a month earlier",
        "2025-12",
    ),
    ("within days", "The body reports within 30 days.", "within 30 days", "2026-01-07..2026-02-06"),
    (
        "within days",
        "Repairs end within three days.",
        "within three days",
        "2026-01-07..2026-01-10",
    ),
    (
        "within days",
        "Flows resume within the next two weeks.",
        "within the next two weeks",
        "2026-01-07..2026-01-21",
    ),
    (
        "days back",
        "Output fell in the past two weeks.",
        "in the past two weeks",
        "2025-12-24..2026-01-07",
    ),
    (
        "days back",
        "Talks go on over the coming 10 days.",
        "over the coming 10 days",
        "2026-01-07..2026-01-17",
    ),
    (
        "month",
        "Brent will stay below the peak of last November.",
        "last November",
        "2025-11",
    ),
    ("month", "Exports will pass those of last January.", "last January", "2025-01"),
    ("month", "It will be the first cut since March.", "since March", "2025-03"),
    ("month", "Cargoes for delivery in February fell.", "in February", "2026-02"),
    ("month", "Crude loading in March was sold.", "in March", "2026-03"),
    ("weekend", "Prices were cut over the weekend.", "over the weekend", "2026-01-03..2026-01-04"),
    ("week", "Stocks fell last week.", "last week", "2025-12-29..2026-01-04"),
    (
        "week",
        "They meet at the end of next week.",
        "at the end of next week",
        "2026-01-12..2026-01-18",
    ),
    (
        "month by distance",
        "The deal was struck earlier this month.",
        "earlier this month",
        "2026-01",
    ),
    ("month by distance", "Exports stopped last month.", "last month", "2025-12"),
]


@pytest.mark.parametrize(("rule", "sentence", "words", "value"), RULES)
def test_rules(rule, sentence, words, value):
    item = next(item for item in found(sentence) if words in item.text)
    assert (item.text, item.value, item.rule) == (words, value, rule)


CLOCKS = [
    ("At 10:06 Beijing time it traded.", "2026-01-07T10:06+08:00"),
    ("The order came at 0830 GMT on Monday.", "2026-01-05T08:30+00:00"),
    ("It began at 3 p.m. local time on Monday.", "2026-01-05T15:00+00:00"),
    ("It stood at that level at 08:01 a.m. Mecca time.", "2026-01-07T08:01+03:00"),
    ("Trade opens on Sunday at 6 p.m. New York time.", "2026-01-04T18:00-05:00"),
]


@pytest.mark.parametrize(("sentence", "value"), CLOCKS)
def test_clock_times_carry_the_zone_that_is_named(sentence, value):
    (item,) = found(sentence)
    assert item.value == value
    assert item.precision == "exact"


NOT_DATES = [
    "Prices may rise and output may fall.",
    "They march on while reserves run dry.",
    "Brent fell 45% to 31.10 dollars.",
    "It cost $20.25 a barrel.",
    "The 15th meeting was the largest so far.",
    "Half of the 1,900 staff left.",
    "May Day songs were sung and second thoughts came.",
    "Shipping rates hit 2019.5 points.",
    "Output stood at 1.2 million barrels a day before the shutdown.",
    "Brent for May delivery and the contract for June gained.",
    "April-loading cargoes and those for April shipment were offered.",
    "It was in USA Today and on Energy Today.",
    "A 10:1 split and a ratio of 3:2.",
    "Resolution 2231 was passed and Article 5 invoked.",
]


@pytest.mark.parametrize("sentence", NOT_DATES)
def test_what_is_no_date_is_not_found(sentence):
    assert found(sentence) == []


def test_today_in_a_quotation_is_the_day_of_the_speaker():
    (_, today) = found('He spoke on Monday. "The progress we have made today is real," he said.')
    assert today.value == "2026-01-05"
    (plain,) = found("The market is calm today.")
    assert plain.value == "2026-01-07"


def test_impossible_days_stay_open():
    items = found("It was due on 30 February 2026 or 2026-13-45.")
    assert {item.precision for item in items} == {"open"}
    assert {item.first for item in items} == {None}


def test_without_a_day_of_publication_nothing_is_guessed():
    items = found("It burned on Tuesday, then on 5 March and today.", dateline="Plain text. ")
    assert [item.value for item in items] == ["open", "--03-05", "open"]


def test_the_reader_may_say_when_it_was_published():
    items = found(
        "It burned on Tuesday, then on 5 March.",
        dateline="Plain text. ",
        published=dt.date(2026, 1, 7),
    )
    assert [item.value for item in items] == ["2026-01-06", "2025-03-05"]


DATELINES = [
    ("LONDON, Jan 7, 2026 (Newsdesk) - It fell.", "2026-01-07", "Europe/London"),
    ("DUBAI, 7 January 2026 (Newsdesk) - It fell.", "2026-01-07", "Asia/Dubai"),
    ("Headline\n2026-01-07 10:18:14\nIt fell.", "2026-01-07", None),
    (
        "Headline\n2026-01-07 10:18:14\nAt 10:06 Beijing time it fell.",
        "2026-01-07",
        "Asia/Shanghai",
    ),
    ("Headline\n2026-01-07 10:18:14+00:00\nIt fell.", "2026-01-07", "UTC"),
    ("Morning note\n7 January 2026, 07:15 London\nIt fell.", "2026-01-07", "Europe/London"),
    ("Statement\nVienna, 30 November 2016\nThe Conference met.", "2016-11-30", None),
    ("It fell and then it rose again.", None, None),
    ("    QUITO, March 6, 1987 - It fell.", "1987-03-06", "America/Guayaquil"),
    ("VIENNA Nov 27, 2014 - It fell.", "2014-11-27", "Europe/Vienna"),
    ("VIENNA, Nov 27, 2014 -- It fell.", "2014-11-27", "Europe/Vienna"),
    ("DUBAI, MARCH 6, 2020 (Newsdesk) - It fell.", "2020-03-06", "Asia/Dubai"),
    ("LONDON/DUBAI, March 6, 2020 (Newsdesk) - It fell.", "2020-03-06", "Europe/London"),
    ("RIYADH, Saudi Arabia (Newsdesk) - It fell.\nMarch 6, 2020", "2020-03-06", "Asia/Riyadh"),
    ("LAGOS (Newsdesk)\nMarch 6, 2003\nIt fell.", "2003-03-06", "Africa/Lagos"),
    ("6-MAR-1987 10:14:02\n  QUITO, March 5 - It fell.", "1987-03-05", "America/Guayaquil"),
    ("2020/03/06\nIt fell.", "2020-03-06", None),
    ("6th March, 2020\nIt fell.", "2020-03-06", None),
    ("CRUDE - It fell on Tuesday.", None, None),
]


@pytest.mark.parametrize(("text", "day", "zone"), DATELINES)
def test_datelines(text, day, zone):
    line = extract(Document("x.txt", "0", text, "utf-8")).dateline
    assert (str(line.day) if line.day else None, line.zone) == (day, zone)
    assert line.how


def test_a_clock_in_the_text_long_before_the_dateline_implies_no_zone():
    text = "Headline\n2026-01-07 18:18:14\nAt 10:06 Beijing time it fell."
    assert extract(Document("x.txt", "0", text, "utf-8")).dateline.zone is None


def test_a_dateline_without_a_year_takes_it_from_the_reader():
    document = Document("x.txt", "0", "LAGOS, Jan 2 (Newsdesk) - It fell on Tuesday.", "utf-8")
    assert extract(document).dateline.day is None
    line = extract(document, published=dt.date(2025, 12, 31)).dateline
    assert line.day == dt.date(2026, 1, 2)


@pytest.mark.parametrize(
    "text",
    ["On 9999-12-31 it burned. Ports shut the next day.", "9999-12-31\nIt will burn tomorrow."],
)
def test_days_beyond_the_calendar_stay_open(text):
    items = extract(Document("x.txt", "0", text, "utf-8")).dates
    assert items[-1].value == "not a date"


def test_a_zone_broken_over_two_lines_is_still_named():
    (item,) = found("Trade opens on Sunday at 6 p.m. New\nYork time.")
    assert item.value == "2026-01-04T18:00-05:00"
    text = "Headline\n2026-01-07 10:18:14\nAt 10:06 New\nYork time it fell."
    assert extract(Document("x.txt", "0", text, "utf-8")).dateline.zone == "America/New_York"
