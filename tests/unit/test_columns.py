"""Tables with declared columns."""

import copy
import datetime as dt
import pickle

import numpy as np
import pyarrow.parquet as pq
import pytest

from eventstudy.formats import listed
from eventstudy.results.export import FORMATS
from eventstudy.results.tables import Effects, Notes, Quotes, Tests, as_money, as_percent
from eventstudy.tables import columns
from eventstudy.tables.columns import Later, NameLists, Row, Table
from eventstudy.windows import Window

BLANK = {
    "session": None, "df": np.nan, "ci_method": "", "filter": "", "filter_reason": "",
    "vol_warning": False, "n_sessions": 1, "n_estimation": 250, "roll": False,
}  # fmt: skip


def effects(**given):
    n = len(next(iter(given.values())))
    values = {}
    for column in Effects.columns(filed=None):
        name = column.attribute
        if column.derives is None:
            default = BLANK.get(name, np.nan if column.kind == "number" else "x")
            values[name] = given.get(name, [default] * n)
    return Effects(**values)


class _Fields:
    event_id = columns.text("Key.")
    day = columns.day("Day.")
    seen = columns.moment("When.")
    others = columns.names("Others.")
    size = columns.number("Size.", unit="%", derives=lambda t: 100 * t.share)
    share = columns.number("Share.", filed=False)
    n = columns.count("How many.")


class ItemRow(_Fields, Row):
    pass


class Items(_Fields, Table[ItemRow]):
    pass


def items():
    zone = dt.timezone(dt.timedelta(hours=-5))
    return Items(
        event_id=["a", "<b>"],
        day=["2026-01-05", "NaT"],
        seen=[dt.datetime(2026, 1, 5, 9, 30, tzinfo=zone), None],
        others=[("x", "y"), ()],
        share=[0.25, np.nan],
        n=[3, np.nan],
    )


def test_a_row_and_a_table_read_the_same_declaration():
    table = items()
    assert table.share.dtype == np.float64
    assert table.day.dtype == "datetime64[D]"
    first, second = table
    assert (first.event_id, first.day, first.size, first.others) == (
        "a", dt.date(2026, 1, 5), 25.0, ("x", "y"),
    )  # fmt: skip
    assert isinstance(first.size, float)
    assert not isinstance(first.size, np.floating)
    assert second.day is None
    assert second.seen is None


def test_times_become_text_in_the_frame_only():
    frame = items().frame()
    assert list(frame.columns) == ["event_id", "day", "seen", "others", "size", "n"]
    assert frame["day"].tolist() == ["2026-01-05", ""]
    assert frame["seen"].tolist() == ["2026-01-05T09:30:00-05:00", ""]
    assert frame["others"].tolist() == ["x; y", ""]
    assert items().take(np.array([0])).frame()["n"].dtype == np.int64


def test_records_are_plain_and_have_no_nan():
    assert items().records()[1] == {
        "event_id": "<b>", "day": "", "seen": "", "others": "", "size": None, "n": None,
    }  # fmt: skip


@pytest.mark.parametrize("change", ["share", "event_id", "anything"])
def test_a_table_is_frozen(change):
    with pytest.raises(AttributeError, match="frozen"):
        setattr(items(), change, [1.0, 2.0])


def test_a_missing_an_unknown_and_a_short_column_are_refused():
    with pytest.raises(TypeError, match="missing or unknown: detail, extra"):
        Notes(kind=["a"], subject=["b"], extra=["c"])
    with pytest.raises(TypeError, match="different lengths: kind 1, subject 2, detail 1"):
        Notes(kind=["a"], subject=["b", "c"], detail=["d"])


def test_tables_are_stacked_taken_pickled_and_copied():
    table = items()
    both = Items.joined([table, table])
    assert len(both) == 4
    assert both.take(both.event_id == "a").size.tolist() == [25.0, 25.0]
    assert [row.others for row in both][2] == ("x", "y")
    for again in (pickle.loads(pickle.dumps(table)), copy.deepcopy(table)):
        assert again.records() == table.records()
    assert len(Items.joined([])) == len(Items.empty()) == 0
    assert Items.empty().frame().columns.tolist() == table.frame().columns.tolist()


def test_names_are_made_only_when_they_are_read():
    asked = []

    def get(i):
        asked.append(i)
        return (str(i),)

    lists = NameLists(get, np.array([4, 7, 9]))
    part = lists[np.array([2, 0])]
    assert not asked
    assert list(part) == [("9",), ("4",)]
    assert asked == [9, 4]


def test_many_names_are_counted():
    assert listed([str(i) for i in range(22)]).endswith("18; 19; and 2 more")


def test_html_escapes_names_units_and_cuts_long_tables():
    page = items()._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "size (%)" in page
    long = Notes(kind=["k"] * 80, subject=["s"] * 80, detail=["d"] * 80)
    assert "and 20 more rows" in long._repr_html_()


def test_per_cent_and_money_by_kind_of_return():
    kind = np.array(["log", "simple", "change", "change"], dtype=object)
    effect = np.array([np.log(1.1), 0.1, 5.0, 5.0])
    base = np.array([50.0, 50.0, 50.0, -1.0])
    assert as_percent(effect, kind, base)[:3] == pytest.approx([10, 10, 10])
    assert np.isnan(as_percent(effect, kind, base)[3])
    assert as_money(effect, kind, base) == pytest.approx([5, 5, 5, 5])


def test_large_changes_of_the_price_are_no_overflow():
    effect, base = np.array([1000.0]), np.array([20_000.0])
    kind = np.array(["change"], dtype=object)
    assert as_percent(effect, kind, base).tolist() == [5.0]
    assert as_money(effect, kind, base).tolist() == [1000.0]


def test_the_p_value_that_counts_is_that_of_the_default_test_or_the_next_best():
    table = effects(
        ci_method=["vfc", "fhs", "vfc", "fhs", "t", "vfc"],
        p_vfc=[0.1, 0.2, np.nan, np.nan, np.nan, np.nan],
        p_fhs=[0.3, 0.4, 0.5, np.nan, np.nan, np.nan],
        p_conformal=[0.6, 0.6, 0.6, 0.7, np.nan, np.nan],
        p_t=[0.8, 0.8, 0.8, 0.8, 0.9, np.nan],
    )
    assert table.method.tolist() == ["vfc", "fhs", "fhs", "conformal", "t", "t"]
    assert table.p[:5].tolist() == [0.1, 0.4, 0.5, 0.7, 0.9]
    assert np.isnan(table.p[5])


def test_parquet_keeps_days_numbers_and_units(tmp_path):
    table = Quotes.of([{"quote_id": "q", "session": dt.date(2026, 1, 7), "level": 56.3}])
    declared = {c.name: c for c in table.columns()}
    FORMATS["parquet"].write(table.frame(), declared, tmp_path / "quotes.parquet")
    read = pq.read_table(tmp_path / "quotes.parquet")
    assert read.column("session").to_pylist() == [dt.date(2026, 1, 7)]
    assert read.column("base_session").to_pylist() == [None]
    assert read.column("level").to_pylist() == [56.3]
    assert read.schema.field("level").metadata[b"unit"] == b"price"


def test_windows_are_text_in_files_and_windows_on_rows():
    table = Tests.of([{"asset": "a", "window": Window(-1, 1), "statistic": "bmp"}])
    assert next(iter(table)).window == Window(-1, 1)
    assert table.frame()[["window", "window_start", "window_end"]].to_numpy().tolist() == [
        ["[-1,1]", -1, 1]
    ]


def test_a_column_left_for_later_is_made_once_when_it_is_read():
    made = []

    def make():
        made.append(1)
        return ["claim", "moved"]

    table = Notes(kind=Later(2, make), subject=["a", "b"], detail=["x", "y"])
    assert len(table) == 2
    assert not made
    assert table.kind.tolist() == ["claim", "moved"]
    assert [row.kind for row in table] == ["claim", "moved"]
    assert made == [1]
    for part in (
        Notes(kind=Later(2, make), subject=["a", "b"], detail=["x", "y"]).take(np.array([1])),
        pickle.loads(pickle.dumps(Notes(kind=Later(2, make), subject=["a", "b"], detail="xy"))),
    ):
        assert part.kind[-1] == "moved"
    with pytest.raises(TypeError, match="different lengths"):
        Notes(kind=Later(3, make), subject=["a", "b"], detail=["x", "y"])
