import csv
import os
from datetime import date
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.errors import UnknownNameError
from eventstudy.prices.contracts import (
    Contract,
    front_contract,
    last_trade,
    next_contracts,
    parse_contract,
    roll_sessions,
)
from eventstudy.products import product as product_of

VALIDATION = Path(
    os.environ.get(
        "EVENTSTUDY_VALIDATION",
        Path(__file__).resolve().parents[3] / ".." / "shared" / "validation",
    )
)


@pytest.mark.parametrize(
    ("product", "year", "month", "expected"),
    [
        ("wti", 2026, 1, "2025-12-19"),  # 25 December is no business day
        ("wti", 2026, 2, "2026-01-20"),  # the 25th is a Sunday
        ("wti", 2020, 5, "2020-04-21"),  # the day after -37.63
        ("brent", 2025, 6, "2025-04-30"),
        ("brent", 2016, 2, "2016-01-14"),  # the last contract under the old rule
        ("brent", 2016, 3, "2016-01-29"),  # the first under the new one
        ("brent", 2017, 2, "2016-12-29"),  # the 30th is the eve of New Year
        ("brent", 2020, 10, "2020-08-28"),  # 31 August is a London bank holiday
        ("brent", 2006, 5, "2006-04-12"),  # Easter
    ],
)
def test_last_trading_days(product, year, month, expected):
    assert str(last_trade(product, year, month)) == expected


def test_contracts_are_read_named_and_ordered():
    contract = parse_contract("CLF2026")
    assert contract == Contract("wti", 2026, 1)
    assert contract.symbol == "CLF2026"
    assert contract.shift(-1) == Contract("wti", 2025, 12)
    assert contract.last_trade == date(2025, 12, 19)
    assert front_contract("wti", date(2025, 12, 19)).symbol == "CLF2026"
    assert front_contract("wti", date(2025, 12, 20)).symbol == "CLG2026"
    nearest = [contract.symbol for contract in next_contracts("brent", date(2025, 12, 31), count=3)]
    assert nearest == ["BZH2026", "BZJ2026", "BZK2026"]


@pytest.mark.parametrize("symbol", ["CLA2026", "CL=F", "CLF26", "XXF2026", ""])
def test_what_is_no_contract(symbol):
    with pytest.raises(UnknownNameError, match="not a contract"):
        parse_contract(symbol)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("wtj", 2026, 1), "did you mean 'wti'"),
        (("wti", 2026, 13), "month 13"),
        (("brent", 1970, 1), "first year is 1989"),
    ],
)
def test_what_has_no_rule(arguments, message):
    with pytest.raises(UnknownNameError, match=message):
        last_trade(*arguments)


def shipped(column):
    source = resources.files("eventstudy") / "data" / "crude_daily.csv"
    rows = [
        (row["session"], float(row[column]))
        for row in csv.DictReader(source.read_text(encoding="utf-8").splitlines())
        if row[column]
    ]
    days, prices = zip(*rows, strict=True)
    return np.array(days, dtype="datetime64[D]"), np.array(prices)


def test_the_rolls_of_the_shipped_front_months():
    days, _ = shipped("wti_front")
    marked = {str(day) for day in days[roll_sessions("wti", days)]}
    assert {"2025-12-22", "2026-01-21"} <= marked
    assert len(marked) == 26
    days, _ = shipped("brent_front")
    marked = {str(day) for day in days[roll_sessions("brent", days)]}
    assert "2025-05-01" in marked
    assert len(marked) == 25


def test_the_front_months_jump_on_their_rolls():
    # The two roll on different days, so their difference moves on a roll and hardly otherwise.
    days, wti = shipped("wti_front")
    _, brent = shipped("brent_front")
    change = np.abs(np.diff(np.log(wti)) - np.diff(np.log(brent)))
    for product in ("wti", "brent"):
        rolls = roll_sessions(product, days)[1:]
        other = ~(roll_sessions("wti", days)[1:] | roll_sessions("brent", days)[1:])
        assert np.median(change[rolls]) > 2 * np.median(change[other])


def test_rolls_of_few_sessions():
    days = np.array(["2025-12-19", "2025-12-22", "2025-12-23"], dtype="datetime64[D]")
    assert roll_sessions("wti", days).tolist() == [False, True, False]
    assert roll_sessions("wti", days[1:]).tolist() == [False, False]
    assert roll_sessions("wti", days[:0]).tolist() == []


def listed(product):
    path = VALIDATION / "futures_expiry_table.csv"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside the checkout")
    table = pd.read_csv(path)
    return table[table["cmdty"] == product].sort_values("Last.Trade")


@pytest.mark.validation
def test_every_listed_wti_day():
    table = listed("cmewti")
    found = {
        tuple(int(part) for part in delivery.split("-")[:2]): date.fromisoformat(stop)
        for delivery, stop in zip(table["First.Delivery"], table["Last.Trade"], strict=True)
    }
    assert len(found) == 337
    assert {key: stop for key, stop in found.items() if last_trade("wti", *key) != stop} == {}
    (exceptions,) = [rule.exceptions for rule in product_of("wti").last_trade]
    assert len(exceptions) == 4
    for year, month, stop, reason in exceptions:
        assert found[year, month] == stop
        assert "business day" in reason


@pytest.mark.validation
def test_every_listed_brent_day():
    # The delivery column changes its meaning in 2016, so the contracts are counted from the first.
    stops = listed("icebrent")["Last.Trade"].tolist()
    contract = Contract("brent", 2003, 2)
    assert len(stops) == 314
    assert [str(contract.shift(months).last_trade) for months in range(314)] == stops
