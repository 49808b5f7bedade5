import csv
import datetime as dt
import hashlib
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import eventstudy.prices.datasets as module
from eventstudy.errors import UnknownNameError
from eventstudy.prices.datasets import dataset, list_datasets

RAW = Path(str(resources.files("eventstudy") / "data" / "crude_daily.csv"))


def test_both_datasets_are_listed():
    assert [item.name for item in list_datasets()] == ["crude-daily", "wti-spot-1986"]


def test_figures_are_read_as_printed():
    frame = dataset("crude-daily").read()
    with RAW.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [str(day.date()) for day in frame.index] == [row["session"] for row in rows]
    for name in frame.columns:
        printed = [float(row[name]) if row[name] else np.nan for row in rows]
        np.testing.assert_array_equal(frame[name].to_numpy(), printed)


def test_settlements_around_the_articles():
    frame = dataset("crude-daily").read()
    days = frame.loc["2026-01-05":"2026-01-07"]
    assert days["wti_front"].tolist() == [58.32, 57.13, 55.99]
    assert days["brent_front"].tolist() == [61.76, 60.70, 59.96]


def test_hash_is_that_of_the_file():
    assert dataset("crude-daily").sha256 == hashlib.sha256(RAW.read_bytes()).hexdigest()


def test_spot_since_1986_matches_arch_and_counts_what_it_leaves_out():
    from arch.data import wti

    item = dataset("wti-spot-1986")
    reference = wti.load()["DCOILWTICO"]
    frame = item.read()
    assert item.dropped_rows == int(reference.isna().sum()) == 290
    np.testing.assert_array_equal(frame["wti_spot"].to_numpy(), reference.dropna().to_numpy())
    assert frame.index[0] == pd.Timestamp("1986-01-02")
    assert item.series[0].kind == "spot"


@pytest.mark.parametrize("item", list_datasets(), ids=lambda item: item.name)
def test_as_of_and_oddities_are_sessions(item):
    frame = item.read()
    assert item.as_of == frame.index[-1].date()
    assert frame.index.is_monotonic_increasing
    assert frame.index.is_unique
    for info in item.series:
        for day, what in info.oddities:
            assert np.isfinite(frame.loc[pd.Timestamp(day), info.name]), (info.name, day, what)


def test_repeats_named_in_the_oddities_are_repeats():
    frame = dataset("crude-daily").read()
    for info in dataset("crude-daily").series:
        values = frame[info.name].dropna()
        repeats = {day.date() for day in values.index[values.diff() == 0]}
        named = {day for day, what in info.oddities if "repeats" in what}
        assert named <= repeats
        if info.name == "dollar_index":
            assert named == repeats


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'crude-daily'"):
        dataset("crude-dayly")
    with pytest.raises(UnknownNameError, match="did you mean 'wti_front'"):
        dataset("crude-daily").info("wti_fornt")


def test_front_months_name_their_roll_rule_and_spot_has_none():
    rolls = {info.name: info.roll for info in dataset("crude-daily").series}
    assert rolls["wti_front"] == "wti"
    assert rolls["brent_front"] == "brent"
    assert rolls["wti_spot"] is None
    assert module.dataset("crude-daily").as_of == dt.date(2026, 2, 27)
