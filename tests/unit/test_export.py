"""Tables in the formats that statistics packages read."""

import json

import numpy as np
import pandas as pd
import pytest

from eventstudy.events import events_from_frame
from eventstudy.prices.loading import load_prices
from eventstudy.results.export import FORMATS, frames, write_tables
from eventstudy.study import Study, run_study
from simulate import simulate


@pytest.fixture(scope="module")
def result():
    got = simulate(120, np.random.default_rng(1))
    frame = got.wide("prices").set_index("session")
    days = {"event_id": ["x", "y"], "date": [frame.index[100], frame.index[104]],
            "why": ["=1+1 " * 700, "Ölpreis"]}  # fmt: skip
    events = events_from_frame(pd.DataFrame(days))
    study = Study(
        name="tiny", assets=["asset_01"], estimation=60, draws=99, volatility="ewma",
        event_window=(-1, 1), car=[(-1, 1), (0, 0)],
    )  # fmt: skip
    return run_study(study, events, load_prices(frame.set_axis(pd.DatetimeIndex(frame.index))))


def test_every_format_writes_every_table_twice_to_the_same_bytes(result, tmp_path):
    first = write_tables(result, tmp_path / "a", formats=tuple(FORMATS))
    again = write_tables(result, tmp_path / "b", formats=tuple(FORMATS))
    assert len(first) == len(frames(result)) * len(FORMATS)
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]


def test_stata_reads_numbers_text_and_meanings(result, tmp_path):
    write_tables(result, tmp_path, formats=("dta",))
    with pd.io.stata.StataReader(tmp_path / "events.dta") as reader:
        read, labels = reader.read(), reader.variable_labels()
    wide = result.events
    assert read["car_m1_1"].tolist() == wide["car_-1_1"].tolist()
    assert read["why"].tolist() == wide["why"].tolist()
    assert labels["se"].startswith("sqrt V")
    assert all(len(name) <= 32 for name in read.columns)
    assert pd.read_stata(tmp_path / "effects.dta")["roll"].tolist() == [0, 0, 0, 0]


def test_parquet_and_csv_hold_the_same_numbers(result, tmp_path):
    write_tables(result, tmp_path, formats=("csv", "parquet"))
    for name in ("effects", "ar", "tests"):
        table, text = pd.read_parquet(tmp_path / f"{name}.parquet"), frames(result)[name][0]
        numbers = text.select_dtypes("number")
        assert json.loads(table[numbers.columns].to_json()) == json.loads(numbers.to_json())
