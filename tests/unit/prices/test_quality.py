import csv
import os
from collections import Counter
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.errors import TableError
from eventstudy.prices.batches import batch_faults
from eventstudy.prices.loading import override_file, store_table
from eventstudy.prices.quality import (
    CheckInput,
    PriceOverride,
    accept,
    apply_overrides,
    check_series,
    check_store,
    read_price_overrides,
)
from eventstudy.prices.records import Bar, StoredSeries
from eventstudy.prices.store import Store
from eventstudy.prices.yahoo import shortest

VALIDATION = Path(
    os.environ.get(
        "EVENTSTUDY_VALIDATION",
        Path(__file__).resolve().parents[3] / ".." / "shared" / "validation",
    )
)


def shipped(column):
    source = resources.files("eventstudy") / "data" / "crude_daily.csv"
    rows = csv.DictReader(source.read_text(encoding="utf-8").splitlines())
    closes = {row["session"]: float(row[column]) for row in rows if row[column]}
    return pd.Series(closes, name="close")


def bars(closes, **others):
    frame = pd.DataFrame({"close": closes})
    for name in ("open", "high", "low"):
        frame[name] = others.get(name, frame["close"])
    return frame


def found(given, check):
    return {item.session: item for item in check_series(given) if item.check == check}


def walk(days=120, seed=3, start="2025-01-02"):
    steps = np.random.default_rng(seed).normal(0, 0.01, days)
    index = pd.bdate_range(start, periods=days).strftime("%Y-%m-%d")
    return pd.Series(70 * np.exp(np.cumsum(steps)), index=index)


def test_the_known_oddities_of_the_shipped_series_are_found():
    futures = {"wti_front": shipped("wti_front")}
    spot = CheckInput("wti_spot", bars(shipped("wti_spot")), "wti", peers=futures)
    stale = found(spot, "stale")["2024-12-06"]
    assert stale.severity == "warning"
    assert stale.proposal == "drop"
    assert "while wti_front moved" in stale.detail
    front = CheckInput("wti_front", bars(shipped("wti_front")), "wti", "wti")
    assert list(found(front, "not a session")) == ["2025-07-04"]
    assert found(front, "gap") == {}
    assert {"2025-12-22", "2026-01-21"} <= set(found(front, "roll"))
    assert len(found(front, "roll")) == 26
    brent = CheckInput("brent_spot", bars(shipped("brent_spot")), "file")
    assert {"2024-12-06", "2025-12-24"} <= set(found(brent, "stale"))


def test_a_gap_is_a_settlement_without_a_figure():
    closes = shipped("wti_front").drop(["2025-03-12", "2025-03-13"])
    gaps = found(CheckInput("wti", bars(closes), "wti"), "gap")
    assert list(gaps) == ["2025-03-12", "2025-03-13"]


def test_a_real_move_is_explained_and_a_spike_is_not():
    closes = walk()
    moved = closes.copy()
    moved.iloc[80:] *= 1.15
    day = moved.index[80]
    alone = found(CheckInput("x", bars(moved)), "outlier")[day]
    assert (alone.severity, alone.proposal) == ("warning", "keep")
    known = found(CheckInput("x", bars(moved), events={day: "Attack on Abqaiq"}), "outlier")[day]
    assert known.severity == "note"
    assert "Attack on Abqaiq" in known.detail
    spiked = closes.copy()
    spiked.iloc[80] *= 1.4
    spike = found(CheckInput("x", bars(spiked)), "spike")[day]
    assert spike.proposal == "replace"
    assert spike.value == pytest.approx((closes.iloc[79] + closes.iloc[81]) / 2, abs=1e-4)
    assert found(CheckInput("x", bars(closes)), "spike") == {}


def test_ranges_signs_and_other_sources():
    closes = walk()
    day, other = closes.index[50], closes.index[60]
    high = closes * 1.01
    low = closes * 0.99
    high[day], low[day] = low[day], high[day]
    high[other] = closes[other] * 0.999
    given = CheckInput("x", bars(closes, high=high, low=low))
    assert found(given, "high below low")[day].severity == "error"
    assert list(found(given, "outside range")) == [other]
    fallen = closes.copy()
    fallen[day] = -37.63
    assert "-37.63" in found(CheckInput("x", bars(fallen)), "not positive")[day].detail
    second = closes.copy()
    second[day] *= 1.02
    second[other] *= 1.005
    apart = found(CheckInput("x", bars(closes), others={"fred": second}), "disagreement")
    assert list(apart) == [day]
    assert apart[day].value == second[day]


def test_a_late_source_and_an_empty_series():
    closes = shipped("wti_front")[:"2026-01-07"]
    given = {"symbol": "wti", "bars": bars(closes), "calendar": "wti"}
    on_time = CheckInput(**given, now=datetime(2026, 1, 8, 23, tzinfo=UTC))
    late = CheckInput(**given, now=datetime(2026, 1, 9, 23, tzinfo=UTC))
    assert found(on_time, "late") == {}
    assert "2 sessions have settled" in found(late, "late")["2026-01-07"].detail
    empty = check_series(CheckInput("x", bars(pd.Series(dtype=float))))
    assert [(item.check, item.severity) for item in empty] == [("empty", "error")]


def test_errors_come_first_and_a_decision_silences():
    closes = walk()
    day = closes.index[50]
    high = closes * 1.01
    high[day] = closes[day] * 0.9
    closes.iloc[30] = closes.iloc[29]
    given = CheckInput("x", bars(closes, high=high, low=closes * 0.99))
    findings = check_series(given)
    order = ["error", "warning", "note"]
    ranks = [order.index(item.severity) for item in findings]
    assert ranks == sorted(ranks)
    assert len({item.key for item in findings}) == len(findings)
    decided = PriceOverride("x", day, "keep", None, "looked at")
    quiet = CheckInput("x", bars(closes, high=high, low=closes * 0.99), overrides=(decided,))
    assert day not in {item.session for item in check_series(quiet)}


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "prices.sqlite"
    with Store(path) as opened, opened.transaction():
        opened.put_series(StoredSeries("wti_front", "WTI", "USD/bbl", "futures", "wti", "wti"))
        rows = [Bar(day, close) for day, close in shipped("wti_front").items()]
        opened.put_bars("wti_front", rows, source="x", seen_at=datetime(2026, 3, 1, tzinfo=UTC))
    with Store(path) as opened:
        yield opened


def test_other_sources_are_held_against_their_own_series_only(store):
    other = shipped("wti_front")
    other["2025-03-12"] *= 1.05
    found = check_store(
        store, (), against={"wti_front": {"desk": other}, "brent_front": {"x": other}}
    )
    apart = [item for item in found if item.check == "disagreement"]
    assert [(item.session, item.severity) for item in apart] == [("2025-03-12", "error")]
    assert "desk has" in apart[0].detail


def test_nothing_is_repaired_until_a_proposal_is_accepted(store):
    holiday = "2025-07-04"
    before = store_table(store.path)
    assert pd.Timestamp(holiday) in before.frame.index
    proposals = [
        item for item in check_store(store, ()) if item.session == holiday and item.proposal
    ]
    new = accept(proposals, override_file(store.path))
    assert [(item.session, item.action) for item in new] == [(holiday, "drop")]
    assert accept(proposals, override_file(store.path)) == ()
    after = store_table(store.path)
    assert pd.Timestamp(holiday) not in after.frame.index
    assert any("2025-07-04 left out by the override file" in note for note in after.notes)
    assert holiday not in {item.session for item in check_store(store, ())}
    # The store itself has lost nothing.
    assert holiday in store.read("wti_front").index


def test_overrides_drop_replace_and_keep(tmp_path):
    closes = pd.Series({"2026-01-05": 1.0, "2026-01-06": 2.0, "2026-01-07": 3.0})
    path = tmp_path / "overrides.csv"
    path.write_text(
        "symbol,session,action,value,reason\nx,2026-01-05,drop,,stale\n"
        "x,2026-01-06,replace,2.5,typo\nx,2026-01-07,keep,,real\ny,2026-01-07,drop,,other\n"
    )
    repaired, used = apply_overrides(closes, "x", read_price_overrides(path))
    assert repaired.to_dict() == {"2026-01-06": 2.5, "2026-01-07": 3.0}
    assert [item.session for item in used] == ["2026-01-05", "2026-01-06"]
    assert closes["2026-01-05"] == 1.0


def test_accepting_keeps_rows_columns_and_permissions_of_the_user(store):
    path = override_file(store.path)
    path.write_text(
        'symbol,session,action,value,reason,who,when\nx,2026-01-05,replace,2.50,"a, b",me,today\n'
    )
    path.chmod(0o600)
    (path.parent / "price_overrides.csv.partial").write_text("mine")
    proposals = [item for item in check_store(store, ()) if item.proposal][:1]
    accept(proposals, path)
    lines = path.read_text().splitlines()
    assert lines[0] == "symbol,session,action,value,reason,who,when"
    assert lines[1] == 'x,2026-01-05,replace,2.50,"a, b",me,today'
    assert lines[2].endswith(",,")
    assert path.stat().st_mode & 0o777 == 0o600
    assert (path.parent / "price_overrides.csv.partial").read_text() == "mine"
    assert len(read_price_overrides(path)) == 2


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "6_1.5", "٣"])
def test_an_override_is_a_finite_number(tmp_path, text):
    path = tmp_path / "overrides.csv"
    path.write_text(f"symbol,session,action,value,reason\nx,2026-01-05,replace,{text},a\n")
    with pytest.raises(TableError, match="is not a number"):
        read_price_overrides(path)


@pytest.mark.parametrize(
    "row", ["x,2026-01-05,remove,,a", "x,2026-01-05,drop,3,a", "x,2026-01-05,replace,,a",
            "x,2026-01-05,replace,much,a"],
)  # fmt: skip
def test_a_faulty_override_is_located(tmp_path, row):
    path = tmp_path / "overrides.csv"
    path.write_text(f"symbol,session,action,value,reason\n{row}\n")
    with pytest.raises(TableError) as caught:
        read_price_overrides(path)
    assert caught.value.row == 2
    path.write_text("symbol,session\nx,y\n")
    with pytest.raises(TableError, match="no column 'action'"):
        read_price_overrides(path)


KNOWN = {f"2026-01-{day:02d}": 57.0 + day / 10 for day in range(5, 16)}


def gate(closes, known=KNOWN):
    rows = [Bar(day, close) for day, close in closes.items()]
    return batch_faults(known, rows, today=date(2026, 1, 16))


def test_the_gate_lets_markets_move():
    assert gate(KNOWN | {"2026-01-16": 30.0}) == ()
    assert gate({"2026-01-16": -37.63}) == ()
    assert gate(KNOWN | {"2026-01-06": 99.0, "2026-01-07": 99.0}) == ()
    assert gate({"2026-01-16": 5000.0}, known={}) == ()


def test_the_gate_stops_what_cannot_be_the_series():
    assert "another unit" in gate({"2026-01-16": 5700.0})[0]
    assert "known closes would change" in gate({day: close * 42 for day, close in KNOWN.items()})[0]
    assert "from the future" in gate({"2026-02-16": 58.0})[0]


@pytest.mark.validation
@pytest.mark.parametrize(
    ("name", "roll", "range_faults", "inverted"), [("CL", "wti", 7, 0), ("BZ", "brent", 69, 6)]
)
def test_a_raw_series_as_a_source_serves_it(name, roll, range_faults, inverted):
    path = VALIDATION / f"yahoo_{name}_F_ohlcv.csv"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside the checkout")
    raw = pd.read_csv(path, index_col=0).rename(columns=str.lower).dropna(subset=["close"])
    raw = raw.map(shortest)
    abqaiq = {"2019-09-16": "Attack on Abqaiq"}
    findings = check_series(CheckInput(name, raw, "wti", roll, abqaiq))
    by_check = Counter(item.check for item in findings)
    assert by_check["outside range"] + by_check["high below low"] == range_faults
    assert by_check["high below low"] == inverted
    assert by_check["spike"] == 0
    severities = {item.session: item.severity for item in findings if item.check == "outlier"}
    assert severities["2019-09-16"] == "note"
    if name == "CL":
        assert [i.session for i in findings if i.check == "not positive"] == ["2020-04-20"]
        gaps = {item.session for item in findings if item.check == "gap"}
        assert gaps == {"2012-10-29", "2012-10-30", "2016-10-10", "2016-11-11", "2018-12-05"}
    else:
        april = [i for i in findings if i.check == "gap" and i.session.startswith("2009-04")]
        assert len(april) == 12  # the hole of April 2009
