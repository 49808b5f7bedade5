import os
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.calendars import settlement_calendar
from eventstudy.errors import StoreError, UnknownNameError
from eventstudy.prices.continuous import (
    ContinuousSpec,
    ContractPanel,
    continuous,
    parse_continuous,
    term_structure,
)
from eventstudy.prices.contracts import (
    Contract,
    contract_symbol,
    front_numbers,
    last_trade,
    parse_contract,
)
from eventstudy.prices.loading import store_table
from eventstudy.prices.records import Bar, StoredSeries
from eventstudy.prices.store import Store

VALIDATION = Path(
    os.environ.get(
        "EVENTSTUDY_VALIDATION",
        Path(__file__).resolve().parents[3] / ".." / "shared" / "validation",
    )
)


def made_up(product="wti", seed=7):
    """Return a panel of contracts whose prices share one random walk and a slope."""
    rng = np.random.default_rng(seed)
    sessions = settlement_calendar(product, date(2024, 1, 2), date(2024, 12, 31)).sessions
    walk = 70 + np.cumsum(rng.normal(size=len(sessions)))
    first = 2024 * 12
    closes = walk[:, None] - 0.4 * np.arange(18) + rng.normal(0, 0.1, (len(sessions), 18))
    for column in range(18):
        month = first + column
        stop = np.datetime64(last_trade(product, month // 12, month % 12 + 1))
        closes[sessions > stop, column] = np.nan
    return ContractPanel(product, sessions, first, closes)


def naive(panel, nth, early):
    """Walk through the days with a dictionary of contracts: which is held, and what it returned."""
    days = [day.astype(object) for day in panel.sessions]
    prices = {
        (row, panel.first + column): value for (row, column), value in np.ndenumerate(panel.closes)
    }
    held, rows = [], []
    for row, _ in enumerate(days):
        ahead = days[min(row + early, len(days) - 1)]
        month = ahead.year * 12 + ahead.month - 1
        while last_trade(panel.product, month // 12, month % 12 + 1) < ahead:
            month += 1
        held.append(month + nth - 1)
        if row:
            rows.append((prices.get((row, held[-1])), prices.get((row - 1, held[-1]))))
    return held, rows


@pytest.mark.parametrize(("nth", "early"), [(1, 0), (2, 0), (1, 5), (3, 2)])
@pytest.mark.parametrize("product", ["wti", "brent"])
def test_no_return_mixes_two_contracts(product, nth, early):
    panel = made_up(product)
    held, pairs = naive(panel, nth, early)
    stop = len(held) - early  # the last days look beyond the panel
    for method in ("same-contract", "difference"):
        series = continuous(panel, ContinuousSpec(product, nth, method, early))
        assert series.held[:stop].tolist() == held[:stop]
        assert series.broken == ()
        for row, (now, before) in enumerate(pairs[: stop - 1], start=1):
            assert series.changes[row] == pytest.approx(now - before, abs=1e-12)
            if method == "difference":
                step = series.levels[row] - series.levels[row - 1]
                assert step == pytest.approx(now - before, abs=1e-9)
            else:
                step = series.levels[row] / series.levels[row - 1]
                assert step == pytest.approx(now / before, rel=1e-12)
        assert series.rolls.sum() >= 11
    plain = continuous(panel, ContinuousSpec(product, nth, "unadjusted", early))
    assert series.levels[-1] == plain.levels[-1]  # the newest level is a price


def test_a_roll_across_a_hole_is_said_and_not_bridged():
    panel = made_up()
    whole = continuous(panel, ContinuousSpec("wti"))
    roll = int(np.flatnonzero(whole.rolls)[5])
    panel.closes[roll - 1, whole.held[roll] - panel.first] = np.nan
    series = continuous(panel, ContinuousSpec("wti"))
    assert series.broken == (str(panel.sessions[roll]),)
    assert np.isnan(series.levels[:roll]).all()
    np.testing.assert_allclose(series.levels[roll:], whole.levels[roll:])


def test_the_negative_settlement_is_a_same_contract_change():
    days = np.array(["2020-04-17", "2020-04-20", "2020-04-21", "2020-04-22"], dtype="datetime64[D]")
    closes = np.array([[18.27, 25.03], [-37.63, 20.43], [10.01, 11.57], [np.nan, 13.78]])
    panel = ContractPanel("wti", days, 2020 * 12 + 4, closes)
    series = continuous(panel, ContinuousSpec("wti", 1, "difference"))
    np.testing.assert_allclose(series.changes[1:], [-55.90, 47.64, 2.21])
    np.testing.assert_allclose(np.diff(series.levels), [-55.90, 47.64, 2.21])
    assert [contract_symbol("wti", number) for number in series.held] == ["CLK2020"] * 3 + [
        "CLM2020"
    ]
    # Sold five sessions before expiry, the contract of May is not held any more.
    early = continuous(panel, ContinuousSpec("wti", 1, "same-contract", 5))
    np.testing.assert_allclose(early.levels, closes[:, 1])


def test_names_of_continuous_series():
    assert parse_continuous("CL@1:same-contract") == ContinuousSpec("wti")
    assert parse_continuous("CL@1") == ContinuousSpec("wti")
    assert parse_continuous("BZ@3:difference:5") == ContinuousSpec("brent", 3, "difference", 5)
    for text in ("CL@1:same-contract", "BZ@12:unadjusted", "CL@2:difference:10"):
        assert parse_continuous(text).name == text
    with pytest.raises(UnknownNameError, match="did you mean 'same-contract'"):
        parse_continuous("CL@1:same-contrct")
    for text in ("CL@0", "XX@1", "CL", "CL@x", "CL@1:same-contract:x"):
        with pytest.raises(UnknownNameError):
            parse_continuous(text)


def test_the_term_structure():
    panel = made_up()
    curve = term_structure(panel, count=4)
    held, _ = naive(panel, 1, 0)
    for row in (0, 30, 100, 200):
        column = held[row] - panel.first
        np.testing.assert_array_equal(curve.prices[row], panel.closes[row, column : column + 4])
        near, far = panel.closes[row, column], panel.closes[row, column + 3]
        assert curve.spread(1, 4)[row] == near - far
        assert curve.slope(1, 4)[row] == pytest.approx(4 * np.log(far / near))
    with pytest.raises(UnknownNameError, match="1 to 4"):
        curve.nth(5)


@pytest.fixture
def filled(tmp_path):
    path = tmp_path / "prices.sqlite"
    panel = made_up()
    with Store(path) as store, store.transaction():
        first = datetime(2025, 1, 2, tzinfo=UTC)
        for column in range(panel.closes.shape[1]):
            month = panel.first + column
            contract = Contract("wti", month // 12, month % 12 + 1)
            store.put_contract(contract)
            series = StoredSeries(contract.symbol, "", "USD/bbl", "contract", calendar="wti")
            store.put_series(series)
            bars = [
                Bar(str(day), float(close))
                for day, close in zip(panel.sessions, panel.closes[:, column], strict=True)
                if not np.isnan(close)
            ]
            # A bar of a holiday settled nothing.
            bars.append(Bar("2024-11-28", 1.0))
            store.put_bars(contract.symbol, bars, source="test", seen_at=first)
        store.put_series(StoredSeries("wti_front", "WTI", "USD/bbl", "futures", "wti", "wti"))
        bars = [Bar("2024-12-30", 70.99), Bar("2024-12-31", 71.72)]
        store.put_bars("wti_front", bars, source="yahoo CL=F", seen_at=first)
        later = datetime(2025, 1, 5, tzinfo=UTC)
        store.put_bars("wti_front", [Bar("2024-12-30", 71.0)], source="yahoo CL=F", seen_at=later)
    return path, panel


def test_a_study_reads_the_store(filled):
    path, panel = filled
    table = store_table(path, series=("wti_front", "CL@1:same-contract"))
    assert table.names == ("wti_front", "CL@1:same-contract")
    assert table.calendar == "wti"
    assert table.meta("wti_front").roll == "wti"
    assert "yahoo CL=F (store, 1 corrected close(s))" in table.meta("wti_front").source
    assert table.meta("wti_front").as_of == "2024-12-31"
    assert "wti_front: corrected close(s) of 2024-12-30" in table.notes
    expected = continuous(panel, ContinuousSpec("wti"))
    found = table.frame["CL@1:same-contract"].dropna()
    np.testing.assert_allclose(found, expected.levels)
    assert table.meta("CL@1:same-contract").roll is None
    assert store_table(path, series=("CL@1:unadjusted",)).meta("CL@1:unadjusted").roll == "wti"
    with pytest.raises(UnknownNameError, match="did you mean 'wti_front'"):
        store_table(path, series=("wti_frnt",))
    # Without names: every series that is no single contract.
    assert store_table(path).names == ("wti_front",)


def test_as_of_gives_the_old_numbers_and_their_hash(filled):
    path, _ = filled
    old = store_table(path, series=("wti_front",), asof="2025-01-03")
    new = store_table(path, series=("wti_front",))
    assert old.frame["wti_front"].tolist() == [70.99, 71.72]
    assert new.frame["wti_front"].tolist() == [71.0, 71.72]
    assert old.sha256 != new.sha256
    assert old.sha256 == store_table(path, series=("wti_front",), asof="2025-01-04").sha256
    assert old.notes == ()
    assert old.source == "price store, as of 2025-01-03"


def test_a_store_without_contracts(tmp_path):
    Store(tmp_path / "s.sqlite").close()
    with pytest.raises(UnknownNameError, match="no wti contracts"):
        store_table(tmp_path / "s.sqlite", series=("CL@1",))
    with pytest.raises(StoreError, match="there is no price store"):
        store_table(tmp_path / "t.sqlite")


def validation(name):
    path = VALIDATION / name
    if not path.exists():
        pytest.skip(f"{path.name} is not beside the checkout")
    return pd.read_csv(path, parse_dates=["date"])


def single_contracts():
    """Individual contracts as a panel, with the bars of holidays left out."""
    table = validation("cl_contracts_2020_2026.csv")
    table["month"] = [
        parse_contract(symbol).year * 12 + parse_contract(symbol).month - 1 for symbol in table["c"]
    ]
    wide = table.pivot_table(index="date", columns="month", values="close", aggfunc="last")
    wide = wide.reindex(columns=range(wide.columns.min(), wide.columns.max() + 1))
    days = wide.index.to_numpy().astype("datetime64[D]")
    calendar = settlement_calendar("wti", days[0].astype(object), days[-1].astype(object))
    kept = np.isin(days, calendar.sessions)
    return ContractPanel("wti", days[kept], int(wide.columns[0]), wide.to_numpy()[kept])


def generic():
    table = validation("generic_futures_cl_brn_2007_2025.csv.gz")
    return table.pivot_table(index="date", columns="series", values="value", aggfunc="last")


def joined(left, right):
    return pd.DataFrame({"left": left.dropna()}).join(right.dropna().rename("right"), how="inner")


def far_apart(left, right, tolerance=0.005):
    both = joined(left, right)
    return len(both), both[(both["left"] - both["right"]).abs() > tolerance]


def clocks_differ(days):
    """Whether New York and London are four hours apart, which they are for a few weeks a year."""
    noon = pd.DatetimeIndex(days) + pd.Timedelta(hours=12)
    apart = [
        zone.tz_localize(None)
        for zone in (
            noon.tz_localize("UTC").tz_convert("Europe/London"),
            noon.tz_localize("UTC").tz_convert("America/New_York"),
        )
    ]
    return (apart[0] - apart[1]) == pd.Timedelta(hours=4)


@pytest.mark.validation
@pytest.mark.parametrize("nth", [1, 2])
def test_single_contracts_against_the_generic_series(nth):
    series = continuous(single_contracts(), ContinuousSpec("wti", nth, "unadjusted"))
    made = pd.Series(series.levels, index=pd.DatetimeIndex(series.sessions))
    expected = generic()[f"CL{nth:02d}"]
    count, rows = far_apart(made, expected)
    assert count > 1250
    # That file stamps its bars a day early in the weeks in which the clocks differ, and only then.
    assert clocks_differ(rows.index).all()
    early = made[clocks_differ(made.index)].dropna()
    following = expected.dropna().shift(-1)
    rolls = pd.DatetimeIndex(series.sessions[np.append(series.rolls[1:], False) | series.rolls])
    shifted = joined(early[~early.index.isin(rolls)], following)
    assert ((shifted["left"] - shifted["right"]).abs() < 0.005).mean() > 0.95
    # Everywhere else not one session of over a thousand differs.
    ordinary = joined(made[~clocks_differ(made.index)], expected)
    assert len(ordinary) > 1150
    assert ((ordinary["left"] - ordinary["right"]).abs() < 0.005).all()


# EIA figures that differ from the generic series; the front month of a third source, where it has
# one, sides with the generic series each time.
EIA_DISAGREES = {
    1: {"2010-10-11": 81.33, "2010-10-13": 83.36, "2013-08-20": 104.96, "2013-09-20": 104.67},
    2: {"2010-04-06": 87.15},
    3: {"2010-04-06": 87.65},
    4: {"2010-04-06": 88.02},
}


@pytest.mark.validation
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_eia_contracts_against_the_generic_series(nth):
    name = "eia_nymex_wti_contracts_1_4_1983-03-30_2022-02-15.csv.gz"
    eia = validation(name).set_index("date")[f"RCLC{nth}"]
    count, rows = far_apart(eia, generic()[f"CL{nth:02d}"])
    assert count == 3799
    assert {str(day.date()): cell for day, cell in rows["left"].items()} == EIA_DISAGREES[nth]


@pytest.mark.validation
def test_a_front_month_series_changes_contract_where_the_rule_says():
    ranks = generic()
    front, second = ranks["CL01"].dropna(), ranks["CL02"].reindex(ranks["CL01"].dropna().index)
    path = VALIDATION / "yahoo_CL_F_ohlcv.csv"
    served = pd.read_csv(path, parse_dates=["Date"]).set_index("Date")["Close"]
    count, rows = far_apart(served, front)
    assert (count, len(rows)) == (4706, 0)
    # Put the ranks back into contracts, and let the rule find the same-contract returns.
    days = front.index.to_numpy().astype("datetime64[D]")
    months = front_numbers("wti", days)
    closes = np.full((len(days), months[-1] - months[0] + 12), np.nan)
    for rank in range(1, 13):
        column = months - months[0] + rank - 1
        closes[np.arange(len(days)), column] = ranks[f"CL{rank:02d}"].reindex(front.index)
    series = continuous(ContractPanel("wti", days, int(months[0]), closes), ContinuousSpec("wti"))
    before = np.where(series.rolls[1:], second.to_numpy()[:-1], front.to_numpy()[:-1])
    np.testing.assert_allclose(series.changes[1:], front.to_numpy()[1:] - before)
    assert series.rolls.sum() == 224
    assert series.broken == ()
