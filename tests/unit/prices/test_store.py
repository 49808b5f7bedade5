import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.errors import StoreError, UnknownNameError
from eventstudy.prices import schema
from eventstudy.prices.contracts import Contract
from eventstudy.prices.records import Bar, StoredSeries, asof_timestamp
from eventstudy.prices.runs import (
    RunItem,
    finish_run,
    last_good_item,
    record_item,
    refresh_lock,
    runs,
    start_run,
)
from eventstudy.prices.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION
from eventstudy.prices.store import Store, default_store

DAY_1 = datetime(2026, 1, 5, 23, tzinfo=UTC)
DAY_2, DAY_3 = DAY_1 + timedelta(days=1), DAY_1 + timedelta(days=2)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "prices.sqlite") as opened:
        opened.put_series(StoredSeries("wti", "WTI", "USD/bbl", "futures", "wti", "wti"))
        yield opened


def put(store, bars, seen_at, source="yahoo", **options):
    with store.transaction():
        return store.put_bars("wti", bars, source=source, seen_at=seen_at, **options)


def closes(store, **options):
    return store.read("wti", **options)["close"].to_dict()


def test_a_revision_is_kept_and_history_can_be_read_as_it_stood(store):
    first = put(store, [Bar("2026-01-02", 57.0), Bar("2026-01-05", 58.32)], DAY_1)
    second = put(store, [Bar("2026-01-05", 58.5), Bar("2026-01-06", 57.13)], DAY_2)
    third = put(store, [Bar("2026-01-05", 58.32)], DAY_3)
    assert (first.added, second.added, third.added) == (2, 1, 0)
    assert [(r.stamp, r.field, r.old, r.new) for r in second.revisions] == [
        ("2026-01-05", "close", 58.32, 58.5)
    ]
    assert closes(store, asof=date(2026, 1, 4)) == {}
    assert closes(store, asof=date(2026, 1, 5)) == {"2026-01-02": 57.0, "2026-01-05": 58.32}
    day_2 = {"2026-01-02": 57.0, "2026-01-05": 58.5, "2026-01-06": 57.13}
    assert closes(store, asof="2026-01-06") == day_2
    assert closes(store, asof="2026-01-06T23:00:00Z") == day_2
    assert closes(store, asof="2026-01-06T22:59:59+00:00")["2026-01-05"] == 58.32
    assert closes(store) == day_2 | {"2026-01-05": 58.32}
    assert len(store.revisions("wti")) == 2
    assert len(store.revisions("wti", asof="2026-01-06")) == 1


def test_a_provisional_bar_is_replaced_and_that_is_no_correction(store):
    put(store, [Bar("2026-01-06", 57.5, provisional=True)], DAY_1)
    assert closes(store) == {}
    assert closes(store, provisional=True) == {"2026-01-06": 57.5}
    written = put(store, [Bar("2026-01-06", 57.13)], DAY_2)
    assert (written.settled, written.revisions) == (1, ())
    assert closes(store) == {"2026-01-06": 57.13}
    # As of the first day the bar was provisional, and had its provisional figure.
    assert closes(store, asof=DAY_1) == {}
    assert closes(store, asof=DAY_1, provisional=True) == {"2026-01-06": 57.5}
    # A settled figure is not taken back by a source that calls the session running.
    assert put(store, [Bar("2026-01-06", 1.0, provisional=True)], DAY_3).kept == 1
    assert closes(store) == {"2026-01-06": 57.13}


def test_a_second_source_fills_but_corrects_nothing(store):
    put(store, [Bar("2026-01-05", 58.32)], DAY_1)
    bars = [Bar("2026-01-05", 58.0), Bar("2026-01-06", 57.0)]
    written = put(store, bars, DAY_2, source="fred", fallback=True)
    assert (written.added, written.kept, written.revisions) == (1, 1, ())
    assert closes(store) == {"2026-01-05": 58.32, "2026-01-06": 57.0}
    # The first source comes back: its figure replaces the other's, and the change is said.
    changes = put(store, [Bar("2026-01-06", 57.13)], DAY_3).revisions
    assert {(c.field, c.old, c.new) for c in changes} == {
        ("close", 57.0, 57.13),
        ("source", "fred", "yahoo"),
    }


def test_an_absent_figure_corrects_nothing(store):
    put(store, [Bar("2026-01-05", 58.32, 57.0, 59.0, 56.5, 1000.0)], DAY_1)
    assert put(store, [Bar("2026-01-05", 58.32)], DAY_2).revisions == ()
    assert store.read("wti")["volume"].tolist() == [1000.0]


def test_a_clock_that_runs_backwards_does_not_rewrite_the_past(store):
    put(store, [Bar("2026-01-05", 58.32)], DAY_2)
    put(store, [Bar("2026-01-05", 58.5)], DAY_1)
    assert [revision.seen_at[:10] for revision in store.revisions("wti")] == ["2026-01-06"]


def test_a_change_is_kept_whole_or_not_at_all(store):
    def interrupted():
        with store.transaction():
            store.put_bars("wti", [Bar("2026-01-05", 1.0)], source="x", seen_at=DAY_1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert closes(store) == {}
    bad = [Bar("2026-01-05", 1.0), Bar("2026-01-06", None)]
    with pytest.raises(StoreError, match="nothing of this change was kept"):
        put(store, bad, DAY_1)
    assert closes(store) == {}


def test_series_contracts_and_runs(store):
    store.put_contract(Contract("wti", 2026, 2))
    store.put_contract(Contract("wti", 2025, 12))
    assert [contract.symbol for contract in store.contracts("wti")] == ["CLZ2025", "CLG2026"]
    assert store.one_series("wti").unit == "USD/bbl"
    with pytest.raises(UnknownNameError, match="did you mean 'wti'"):
        store.one_series("wtj")
    number = start_run(store, now=DAY_1)
    with store.transaction():
        record_item(store, number, RunItem("wti", "1d", "done", "yahoo", 3, 0, ""), now=DAY_1)
    finish_run(store, number, exit_code=0, now=DAY_2)
    cut = start_run(store, now=DAY_2)
    assert [(run.number, run.exit_code) for run in runs(store)] == [(cut, None), (number, 0)]
    assert last_good_item(store, "wti").startswith("2026-01-05T23")
    assert last_good_item(store, "brent") is None


def test_a_reader_reads_while_a_writer_writes(tmp_path):
    path = tmp_path / "prices.sqlite"
    with Store(path) as store:
        store.put_series(StoredSeries("wti", "WTI", "USD/bbl", "futures"))
    seen, stop, faults = [], threading.Event(), []

    def read():
        try:
            with Store(path, read_only=True) as reader:
                while not stop.is_set():
                    seen.append(len(closes(reader)))
        except StoreError as error:
            faults.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    with Store(path) as writer:
        for batch in range(40):
            while len(seen) <= batch and thread.is_alive():  # neither side runs ahead of the other
                time.sleep(0.001)
            days = [f"{2000 + batch}-01-{day:02d}" for day in range(1, 11)]
            put(writer, [Bar(day, 1.0) for day in days], DAY_1)
    stop.set()
    thread.join()
    assert faults == []
    assert len(seen) >= 40
    # Whole batches only, and never fewer than before.
    assert {count % 10 for count in seen} == {0}
    assert seen == sorted(seen)


def test_a_reader_may_not_write(store):
    with Store(store.path, read_only=True) as reader, pytest.raises(StoreError, match="readonly"):
        reader.put_series(StoredSeries("x", "", "", ""))


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_an_older_store_is_brought_up(tmp_path, version):
    path = tmp_path / "old.sqlite"
    old = sqlite3.connect(path)
    for script in MIGRATIONS[:version]:
        old.executescript(script)
    old.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version};")
    old.execute("INSERT INTO series (symbol, title, unit, kind) VALUES ('wti', 'W', 'USD', 'spot')")
    old.execute(
        "INSERT INTO bars VALUES ('wti', '1d', '2020-04-20', NULL, NULL, NULL, -37.63, NULL, 0, "
        "'yahoo', '2020-04-21T00:00:00.000000Z')"
    )
    old.commit()
    old.close()
    with Store(path) as store:
        assert closes(store) == {"2020-04-20": -37.63}
        assert store.one_series("wti").calendar == "file"
        store.put_contract(Contract("wti", 2020, 5))
        assert start_run(store, now=DAY_1) == 1
        store.check_integrity()


def test_what_is_not_a_store(tmp_path):
    text = tmp_path / "text.sqlite"
    text.write_text("this is a text file that somebody called a database " * 50)
    with pytest.raises(StoreError, match="not a price store"):
        Store(text)
    assert text.read_text().startswith("this is")
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE songs (title)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        Store(other)
    newer = tmp_path / "newer.sqlite"
    Store(newer).close()
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="schema 99"):
        Store(newer)
    with pytest.raises(StoreError, match="there is no price store"):
        Store(tmp_path / "absent.sqlite", read_only=True)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(text / "below" / "a-file.sqlite")


def test_two_refreshes_never_interleave(tmp_path):
    path = tmp_path / "prices.sqlite"
    with refresh_lock(path), pytest.raises(StoreError, match="another refresh"), refresh_lock(path):
        pass
    with refresh_lock(path):
        pass
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StoreError, match="no lock can be made"),
        refresh_lock(tmp_path / "file" / "s"),
    ):
        pass
    (tmp_path / "x.lock").write_text("not a database " * 100)
    with pytest.raises(StoreError, match="no lock can be taken"), refresh_lock(tmp_path / "x"):
        pass


def test_where_the_store_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVENTSTUDY_STORE", "/x/y.sqlite")
    assert default_store() == Path("/x/y.sqlite")
    monkeypatch.delenv("EVENTSTUDY_STORE")
    (tmp_path / "data").mkdir()
    assert default_store() == Path("data/prices.sqlite")


@pytest.mark.skipif(sys.platform != "linux", reason="the data folder of another platform")
def test_where_the_store_is_without_a_data_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVENTSTUDY_STORE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert default_store() == tmp_path / "share" / "eventstudy" / "prices.sqlite"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = tmp_path / ".local" / "share" / "eventstudy" / "prices.sqlite"
    assert default_store() == expected


def test_as_of_is_a_day_or_a_moment_with_a_zone():
    assert asof_timestamp("2026-01-07") == "2026-01-07T23:59:59.999999Z"
    assert asof_timestamp("2026-01-07T10:06:00+08:00") == "2026-01-07T02:06:00.000000Z"
    for text in ("yesterday", "2026-01-07T10:06:00", "2026-13-01"):
        with pytest.raises(StoreError):
            asof_timestamp(text)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["yahoo", "fred"]),
            st.dictionaries(
                st.sampled_from(["2026-01-05", "2026-01-06", "2026-01-07"]),
                st.tuples(st.floats(-40, 150), st.booleans()),
            ),
        ),
        max_size=8,
    )
)
def test_every_past_can_be_read_back(tmp_path_factory, batches):
    # The other road: a dictionary that is copied after every batch.
    model, pasts = {}, []
    with Store(tmp_path_factory.mktemp("past") / "s.sqlite") as store:
        for number, (source, batch) in enumerate(batches):
            bars = [Bar(day, close, provisional=p) for day, (close, p) in batch.items()]
            second = source == "fred"
            put(store, bars, DAY_1 + timedelta(hours=number), source=source, fallback=second)
            for day, (close, running) in batch.items():
                settled = day in model and not model[day][1]
                if not settled or (source == "yahoo" and not running):
                    model[day] = (close, running)
            pasts.append(dict(model))
        for number, past in enumerate(pasts):
            moment = DAY_1 + timedelta(hours=number)
            expected = {day: close for day, (close, running) in past.items() if not running}
            assert closes(store, asof=moment) == expected
            everything = {day: close for day, (close, _) in past.items()}
            assert closes(store, asof=moment, provisional=True) == everything
        assert closes(store, asof=DAY_1 - timedelta(seconds=1), provisional=True) == {}


def filled(path):
    with Store(path) as store:
        store.put_series(StoredSeries("wti", "WTI", "USD/bbl", "futures", "wti", "wti"))
        put(store, [Bar("2026-01-05", 58.32), Bar("2026-01-06", 57.13)], DAY_2)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder in which nothing can be made")
def test_a_store_without_a_place_beside_it_is_read(tmp_path, monkeypatch):
    path = filled(tmp_path / "media" / "prices.sqlite")
    plain = schema._open_uri

    def on_read_only_media(uri):
        if uri.endswith("mode=ro"):
            raise sqlite3.OperationalError(uri)
        return plain(uri)

    monkeypatch.setattr(schema, "_open_uri", on_read_only_media)
    before = sorted(item.name for item in path.parent.iterdir())
    with Store(path, read_only=True) as reader:
        assert closes(reader) == {"2026-01-05": 58.32, "2026-01-06": 57.13}
    assert sorted(item.name for item in path.parent.iterdir()) == before


def test_unfinished_work_beside_a_store_on_read_only_media_is_read_too(tmp_path, monkeypatch):
    path = filled(tmp_path / "prices.sqlite")
    writer = Store(path)
    put(writer, [Bar("2026-01-07", 55.99)], DAY_3)
    assert (tmp_path / "prices.sqlite-wal").stat().st_size > 0
    copy = tmp_path / "media" / "prices.sqlite"
    copy.parent.mkdir()
    for end in ("", "-wal"):
        shutil.copyfile(f"{path}{end}", f"{copy}{end}")
    writer.close()

    def refuse(uri):
        raise sqlite3.OperationalError(uri)

    monkeypatch.setattr(schema, "_open_uri", refuse)
    with Store(copy, read_only=True) as reader:
        assert closes(reader)["2026-01-07"] == 55.99


def test_reading_writes_nothing(tmp_path):
    path = filled(tmp_path / "prices.sqlite")
    before = path.read_bytes()
    with Store(path, read_only=True) as reader, pytest.raises(StoreError, match="readonly"):
        reader.query("DELETE FROM bars")
    assert path.read_bytes() == before


def test_a_store_made_by_four_processes_at_once_is_one_of_ours(tmp_path):
    script = (
        "import sys\n"
        "from eventstudy.prices.store import Store\n"
        "for number in range(25):\n"
        "    Store(f'{sys.argv[1]}/{number}.sqlite').close()\n"
    )
    source = Path(schema.__file__).parents[2]
    makers = [
        subprocess.Popen(  # our own interpreter and script
            [sys.executable, "-c", script, str(tmp_path)],
            env=os.environ | {"PYTHONPATH": str(source)},
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    said = [maker.communicate()[1].decode() for maker in makers]
    assert [maker.returncode for maker in makers] == [0] * 4, said


@pytest.mark.parametrize("name", [":memory:", "file:x?mode=memory", "x/:memory:"])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_store_is_a_file(tmp_path, monkeypatch, name, read_only):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="is not a file"):
        Store(name, read_only=read_only)
    with pytest.raises(StoreError, match="not a file"):
        Store(tmp_path, read_only=read_only)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store("x\0y", read_only=read_only)
    assert list(tmp_path.iterdir()) == []


def test_links_to_a_store_share_its_lock(tmp_path):
    path = filled(tmp_path / "prices.sqlite")
    (tmp_path / "link.sqlite").symlink_to(path)
    with (
        refresh_lock(path),
        pytest.raises(StoreError, match="another refresh"),
        refresh_lock(tmp_path / "link.sqlite"),
    ):
        pass


def test_a_backup_is_a_store_and_replaces_nothing(tmp_path):
    path = filled(tmp_path / "prices.sqlite")
    with Store(path, read_only=True) as store:
        store.backup(tmp_path / "deep" / "copy.sqlite")
        with pytest.raises(StoreError, match="exists"):
            store.backup(tmp_path / "deep" / "copy.sqlite")
    assert [item.name for item in (tmp_path / "deep").iterdir()] == ["copy.sqlite"]
    path.write_bytes(b"lost")
    (tmp_path / "deep" / "copy.sqlite").replace(path)
    with Store(path) as restored:
        restored.check_integrity()
        assert closes(restored) == {"2026-01-05": 58.32, "2026-01-06": 57.13}
        put(restored, [Bar("2026-01-07", 55.99)], DAY_3)
        assert closes(restored, asof=DAY_2) == {"2026-01-05": 58.32, "2026-01-06": 57.13}


def read_all(path):
    with Store(path, read_only=True) as store:
        store.series()
        store.read("wti", asof="2026-01-05", provisional=True)
        store.check_integrity()


def test_damaged_pages_are_one_line(tmp_path):
    path = tmp_path / "prices.sqlite"
    with Store(path) as store:
        days = [f"{2000 + n // 300}-{n // 25 % 12 + 1:02d}-{n % 25 + 1:02d}" for n in range(3000)]
        put(store, [Bar(day, 60.0) for day in sorted(set(days))], DAY_1)
    whole = path.read_bytes()
    rng = random.Random(1)  # where the damage is
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(30):
            place = rng.randrange(100, len(whole) - 300)
            damaged[place : place + 200] = rng.randbytes(200)
        path.write_bytes(damaged)
        with pytest.raises(StoreError) as caught:
            read_all(path)
        assert "\n" not in str(caught.value)


def test_a_clock_a_week_behind_the_store_is_refused(store):
    put(store, [Bar("2026-01-05", 58.32)], DAY_1 + timedelta(days=3650))
    with pytest.raises(StoreError, match="repair-stamps"):
        put(store, [Bar("2026-01-06", 57.13)], DAY_2)
    assert closes(store) == {"2026-01-05": 58.32}


def test_wrong_stamps_are_repaired_in_their_order_and_written_down(store):
    put(store, [Bar("2026-01-02", 57.0)], DAY_1)
    future = DAY_1 + timedelta(days=3650)
    put(store, [Bar("2026-01-05", 58.0)], future)
    put(store, [Bar("2026-01-05", 58.32)], future + timedelta(days=1))
    assert len(store.stamps_after(DAY_3)) == 2
    changed = store.repair_stamps(now=DAY_3)
    assert list(changed) == sorted(changed)
    assert list(changed.values()) == sorted(changed.values())
    assert store.stamps_after(DAY_3) == []
    assert store.latest_stamp() <= "2026-01-07T23:00:00.000000Z"
    assert closes(store, asof=DAY_2) == {"2026-01-02": 57.0}
    assert closes(store) == {"2026-01-02": 57.0, "2026-01-05": 58.32}
    # The order of what was seen is kept: between the two stamps the first value stands.
    first = min(changed.values())
    assert closes(store, asof=first.replace("Z", "+00:00"))["2026-01-05"] == 58.0
    assert len(store.query("SELECT old, new FROM stamp_repairs")) == 2
    put(store, [Bar("2026-01-06", 57.13)], DAY_3)
    assert store.repair_stamps(now=DAY_3) == {}


def test_a_value_of_the_wrong_type_is_one_line(store):
    put(store, [Bar("2026-01-05", 58.32)], DAY_1)
    store.query("UPDATE bars SET close = 'much'")
    with pytest.raises(StoreError, match="a price is not a number"):
        store.read("wti")
