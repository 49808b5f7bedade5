"""The table of products: rules are data, dated, and an entry is all that a new one needs."""

import csv
import os
import re
from datetime import date, time
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from eventstudy.calendars import build_calendar, settlement_calendar
from eventstudy.errors import TableError, UnknownNameError
from eventstudy.prices.contracts import last_trade, parse_contract, rule_day
from eventstudy.prices.instruments import load_catalogue
from eventstudy.products import (
    calendar_names,
    calendar_spec,
    main_calendar,
    product,
    product_names,
    product_table,
    read_products,
    suggested_calendar,
)

VALIDATION = Path(
    os.environ.get(
        "EVENTSTUDY_VALIDATION",
        Path(__file__).resolve().parents[2] / ".." / "shared" / "validation",
    )
)
BUNDLED = (resources.files("eventstudy") / "data" / "products.toml").read_text("utf-8")
GASOIL = """
[product.gasoil]
root = "G"
title = "Low Sulphur Gasoil"
exchange = "ICE Futures Europe"
unit = "USD/t"
calendar = "brent"
first_year = 1989
rulebook = "ICE Futures Europe, Low Sulphur Gasoil Futures"

[[product.gasoil.last_trade]]
kind = "before-day"
day = 14
count = 2
business_days = "LSE"
"""


def test_a_settlement_time_changes_from_a_day_on_and_leaves_the_past():
    changed = BUNDLED.replace(
        "[calendar.brent]",
        "[[calendar.wti.settlement]]\nfrom = 2026-03-10\ntime = 12:00:00\n"
        'zone = "Europe/London"\nearly = [{ time = 11:00:00, dates = ["03-17"] }]\n\n'
        "[calendar.brent]",
    )
    spec = read_products(changed, "changed.toml").calendars["wti"]
    first, last = date(2024, 11, 25), date(2026, 3, 31)
    old = build_calendar(calendar_spec("wti"), first, last)
    new = build_calendar(spec, first, last)
    np.testing.assert_array_equal(old.sessions, new.sessions)
    before = old.sessions < np.datetime64("2026-03-10")
    assert 0 < before.sum() < len(before)
    np.testing.assert_array_equal(old.settlements[before], new.settlements[before])
    assert (old.settlements[~before] != new.settlements[~before]).all()
    at = dict(zip(map(str, new.sessions), map(str, new.settlements), strict=True))
    assert at["2026-03-09"] == "2026-03-09T18:30:00"  # 14:30 New York, already in summer time
    assert at["2026-03-10"] == "2026-03-10T12:00:00"  # London is still in winter time
    assert at["2026-03-17"] == "2026-03-17T11:00:00"
    assert at["2026-03-30"] == "2026-03-30T11:00:00"
    assert at["2024-11-29"] == "2024-11-29T18:30:00"  # early under the old regime


def test_a_last_trade_rule_changes_from_a_delivery_on():
    later = BUNDLED.replace(
        "[product.wti.front]",
        '[[product.wti.last_trade]]\nfrom = "2030-01"\nkind = "before-day"\nday = 1\ncount = 1\n\n'
        "[product.wti.front]",
    )
    wti = read_products(later, "later.toml").products["wti"]
    assert rule_day(wti, 2029, 12) == rule_day(product("wti"), 2029, 12)
    assert rule_day(wti, 2030, 1) == date(2029, 12, 31)


def listed(name):
    path = VALIDATION / "futures_expiry_table.csv"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside the checkout")
    with path.open(encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if row["cmdty"] == name]
    return [(*map(int, row["First.Delivery"].split("-")[:2]), row["Last.Trade"]) for row in rows]


@pytest.mark.validation
def test_gas_oil_needs_nothing_but_an_entry():
    gasoil = read_products(BUNDLED + GASOIL, "more.toml").products["gasoil"]
    days = listed("icegasoil")
    assert len(days) == 228
    assert [row for row in days if str(rule_day(gasoil, *row[:2])) != row[2]] == []


def test_gas_oil_around_easter():
    gasoil = read_products(BUNDLED + GASOIL, "more.toml").products["gasoil"]
    # Good Friday and Easter Monday 2009 lie between the 8th and the 14th of April.
    assert rule_day(gasoil, 2009, 4) == date(2009, 4, 8)
    assert rule_day(gasoil, 2026, 1) == date(2026, 1, 12)


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [((2026, 2), "2026-01-28"), ((2013, 12), "2013-11-26"), ((2010, 12), "2010-11-24")],
)
def test_natural_gas_stops_three_business_days_before_delivery(delivery, expected):
    assert str(last_trade("natural-gas", *delivery)) == expected
    assert parse_contract("NGG2026").last_trade == date(2026, 1, 28)


@pytest.mark.validation
@pytest.mark.parametrize(
    ("name", "of", "count"),
    [("natural-gas", "cmeng", 299), ("rbob", "cmerbob", 205), ("ulsd", "cmeulsd", 240)],
)
def test_every_listed_day_of_a_product_that_is_data(name, of, count):
    days = listed(of)
    assert len(days) == count
    assert [row for row in days if str(last_trade(name, *row[:2])) != row[2]] == []


def test_the_refined_products_stop_at_the_end_of_the_month():
    for name in ("rbob", "ulsd"):
        assert last_trade(name, 2026, 6) == date(2026, 5, 29)
        assert last_trade(name, 2026, 1) == date(2025, 12, 31)


def test_quarterly_contracts_expire_on_third_fridays_or_before():
    equity = product("cme-equity")
    assert equity.months == "HMUZ"
    assert rule_day(equity, 2025, 3) == date(2025, 3, 21)
    assert rule_day(equity, 2008, 3) == date(2008, 3, 20)  # the third Friday was Good Friday


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('root = "CL"', 'roots = "CL"', "unknown key 'roots': did you mean 'root'"),
        ('root = "CL"\n', "", "product.wti: missing 1 required .* 'root'"),
        ('calendar = "wti"', 'calendar = "wtj"', "did you mean 'wti'"),
        ('from = "2016-03"\n', "", "regimes must be in order"),
        ('kind = "weekday"', 'kind = "week-day"', "did you mean 'weekday'"),
        ("[[calendar.brent.settlement]]\n", "", "calendar.brent"),
        ("[product.wti]", "[produce.wti]", "did you mean 'product'"),
        ("[product.wti]", "[product.wti", "is not TOML"),
    ],
)
def test_a_fault_in_the_table_is_named(old, new, message):
    with pytest.raises(TableError, match=message):
        read_products(BUNDLED.replace(old, new), "products.toml")


def test_the_bundled_table():
    assert calendar_names() == ("wti", "brent")
    assert main_calendar() == "wti"
    assert suggested_calendar({"file", "brent"}) == "brent"
    assert suggested_calendar({"file"}) == "file"
    table = product_table()
    assert {"wti", "brent", "cme-equity"} <= set(product_names())
    roots = [item.root for item in table.products.values()]
    assert len(set(roots)) == len(roots)
    for item in table.products.values():
        assert item.rulebook, item.name
        assert item.calendar in (*calendar_names(), "file")
    assert calendar_spec("wti").regime(date(2026, 1, 6)).at(date(2026, 1, 6)) == time(14, 30)
    with pytest.raises(UnknownNameError, match="did you mean 'brent'"):
        product("brant")


def test_the_documentation_names_every_calendar_and_product():
    path = Path(__file__).resolve().parents[2] / "docs" / "prices.md"
    text = path.read_text("utf-8").partition("### Calendars and products")[2]
    text = text.partition("\n## ")[0]
    named = re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)
    assert named == [*calendar_names(), *product_names()]
    roots = re.findall(r"^\| `[a-z-]+` \| ([A-Z]{2}), ", text, re.MULTILINE)
    assert roots == [item.root for item in product_table().products.values()]


def test_front_months_are_kept_with_the_rule_of_their_product():
    series = {item.name: item.series for item in load_catalogue().instruments}
    for item in product_table().products.values():
        if item.front:
            assert series[item.front.name].roll == item.name
            assert series[item.front.name].unit == item.unit
    assert series["wti_spot"].roll is None


def test_a_calendar_needs_no_code():
    text = """
    [calendar.baltic]
    title = "A market of one's own"
    exchange = "none"
    zone = "Europe/Riga"
    sessions = "weekdays"
    holidays = ["05-01"]
    [[calendar.baltic.settlement]]
    time = 17:00:00
    """
    spec = read_products(text, "own.toml").calendars["baltic"]
    found = build_calendar(spec, date(2026, 4, 29), date(2026, 5, 5))
    assert list(map(str, found.settlements)) == [
        "2026-04-29T14:00:00", "2026-04-30T14:00:00", "2026-05-04T14:00:00", "2026-05-05T14:00:00"
    ]  # fmt: skip
    assert len(settlement_calendar("brent", date(2026, 12, 25), date(2026, 12, 28))) == 1
