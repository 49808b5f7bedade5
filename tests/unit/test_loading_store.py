from datetime import UTC, datetime

import pytest

from eventstudy.errors import UnknownNameError
from eventstudy.prices.loading import load_prices
from eventstudy.prices.records import Bar, StoredSeries
from eventstudy.prices.store import Store


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "prices.sqlite"
    with Store(path) as store, store.transaction():
        store.put_series(StoredSeries("wti_front", "WTI", "USD/bbl", "futures", "wti", "wti"))
        for day, close in ((5, 58.0), (6, 58.32)):
            store.put_bars(
                "wti_front",
                [Bar("2026-01-05", close), Bar("2026-01-06", 57.13)],
                source="yahoo CL=F",
                seen_at=datetime(2026, 1, day, 22, tzinfo=UTC),
            )
    return path


def test_a_study_reads_the_store(path):
    table = load_prices("store", store=path, series=("wti_front",))
    assert table.source == "price store"
    assert table.frame["wti_front"].tolist() == [58.32, 57.13]
    old = load_prices("store", store=path, series=("wti_front",), asof="2026-01-05")
    assert old.frame["wti_front"].tolist() == [58.0, 57.13]


def test_bundled_data_are_the_fallback_and_noted(path, tmp_path):
    table = load_prices("store", store=tmp_path / "absent.sqlite")
    assert "no price store absent.sqlite: the bundled data are used" in table.notes[0]
    assert "wti_front" in table.names
    assert (
        load_prices("store", store=tmp_path / "x", asof="2025-01-31").frame.index[-1].year == 2025
    )

    both = load_prices("store", store=path, series=("wti_front", "vix"))
    assert both.names == ("wti_front", "vix")
    assert both.notes[-1] == "vix: not in the price store, the bundled data are used instead"
    assert both.source == "price store and dataset crude-daily"
    assert both.frame["wti_front"].dropna().tolist() == [58.32, 57.13]
    assert len(both.frame["vix"].dropna()) > 500
    assert both.meta("vix").unit
    only = load_prices("store", store=path, series=("vix",))
    assert only.names == ("vix",)
    assert only.source == "dataset crude-daily"


def test_a_series_that_nobody_has(path):
    with pytest.raises(UnknownNameError, match="did you mean 'wti_front'"):
        load_prices("store", store=path, series=("wti_frnt",))


def test_the_default_store_is_found(path, monkeypatch):
    monkeypatch.setenv("EVENTSTUDY_STORE", str(path))
    assert load_prices("store").names == ("wti_front",)
