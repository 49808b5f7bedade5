import io
import json
import random
import sys
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import numpy as np
import pytest

from eventstudy.prices.agencies import Eia, Fred, parse_fred, parse_workbook
from eventstudy.prices.files import import_file
from eventstudy.prices.records import Bar
from eventstudy.prices.sources import (
    Answer,
    LocalFile,
    Request,
    RetryPolicy,
    SourceError,
    ask,
    loopback_base,
    retry_after,
)
from eventstudy.prices.store import Store
from eventstudy.prices.yahoo import Yahoo, shortest

sys.path.insert(0, str(Path(__file__).parent))
from loopback import LIMIT, World, serve  # found through the line above

TODAY = date(2026, 1, 7)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def server(world, monkeypatch):
    with serve(world) as base:
        for source in ("YAHOO", "FRED", "EIA"):
            monkeypatch.setenv(f"EVENTSTUDY_{source}_BASE", base)
        monkeypatch.delenv("EIA_API_KEY", raising=False)
        yield base


def question(symbol, first=None, *, timeout=LIMIT, **options):
    return Request(symbol, first, TODAY, timeout=timeout, **options)


def closes(answer):
    return {bar.stamp: bar.close for bar in answer.bars}


@pytest.mark.usefixtures("server")
class TestYahoo:
    def test_bars_arrive_with_everything(self, world):
        world.closes["CL=F"] = {"2026-01-05": 58.32, "2026-01-06": 57.13}
        bar = Yahoo().fetch(question("CL=F")).bars[0]
        assert (bar.stamp, bar.close, bar.open, bar.volume) == ("2026-01-05", 58.32, 58.32, 1000.0)
        assert bar.high == pytest.approx(58.82)
        assert bar.low == pytest.approx(57.82)

    def test_only_what_is_missing_is_asked_for(self, world):
        world.closes["CL=F"] = {"2026-01-05": 58.32, "2026-01-06": 57.13}
        answer = Yahoo().fetch(question("CL=F", date(2026, 1, 6)))
        assert closes(answer) == {"2026-01-06": 57.13}

    def test_a_negative_price_is_left_alone(self, world):
        world.closes["CL=F"] = {"2020-04-17": 18.27, "2020-04-20": -37.63, "2020-04-21": 10.01}
        assert closes(Yahoo().fetch(question("CL=F")))["2020-04-20"] == -37.63

    def test_figures_widened_from_32_bits_are_narrowed_again(self, world):
        world.closes["CL=F"] = {"2026-01-07": float(np.float32(56.13))}
        assert closes(Yahoo().fetch(question("CL=F"))) == {"2026-01-07": 56.13}

    def test_null_bars_are_left_out_and_counted(self, world):
        world.closes["CL=F"] = {"2026-01-05": 58.32, "2026-01-06": None, "2026-01-07": 55.99}
        answer = Yahoo().fetch(question("CL=F"))
        assert closes(answer) == {"2026-01-05": 58.32, "2026-01-07": 55.99}
        assert answer.notes == ("1 bar(s) without a close left out",)

    def test_a_bar_stamped_in_the_morning_keeps_its_day(self, world):
        world.closes["CL=F"] = {"2026-01-05": 58.32, "2026-01-06": 57.13}
        world.stamped["CL=F", "2026-01-05"] = (9, 30)
        assert list(closes(Yahoo().fetch(question("CL=F")))) == ["2026-01-05", "2026-01-06"]

    def test_intraday_bars_carry_their_instant(self, world):
        world.closes["CL=F"] = {"2026-01-05": 58.32, "2026-01-06": 57.13}
        world.stamped |= {("CL=F", "2026-01-05"): (10, 0), ("CL=F", "2026-01-06"): (11, 0)}
        answer = Yahoo().fetch(question("CL=F", date(2026, 1, 1), interval="1h"))
        assert list(closes(answer)) == ["2026-01-05T15:00:00Z", "2026-01-06T16:00:00Z"]

    @pytest.mark.parametrize(
        ("fault", "message", "transient"),
        [
            (429, "HTTP 429", True),
            (500, "HTTP 500", True),
            (503, "HTTP 503", True),
            ("html", "JSONDecodeError", True),
            ("truncated", "JSONDecodeError", True),
            ("empty", "Error", True),
        ],
    )
    def test_every_failure_is_one_error(self, world, fault, message, transient):
        world.closes["CL=F"] = {"2026-01-05": 58.32}
        world.faults["CL=F"] = fault
        with pytest.raises(SourceError, match=message) as caught:
            Yahoo().fetch(question("CL=F"))
        assert caught.value.transient is transient
        assert "\n" not in str(caught.value)
        assert caught.value.retry_after == (7.0 if fault == 429 else None)

    def test_a_slow_answer_is_given_up(self, world):
        world.closes["SLOW=F"] = {"2026-01-05": 58.32}
        world.faults["SLOW=F"] = "held"  # until the end of the test
        with pytest.raises(SourceError, match="Timeout"):
            Yahoo().fetch(question("SLOW=F", timeout=0.5))

    @pytest.mark.parametrize("known", [{}, {"2026-01-05": None}])
    def test_no_figure_is_an_error(self, world, known):
        world.closes["CLF26.NYM"] = known
        with pytest.raises(SourceError):
            Yahoo().fetch(question("CLF26.NYM"))

    def test_an_unknown_symbol_is_not_asked_for_again(self):
        with pytest.raises(SourceError, match="unknown or has expired") as caught:
            Yahoo().fetch(question("CLX99.NYM"))
        assert not caught.value.transient

    def test_a_failure_is_not_remembered(self, world):
        world.closes["HO=F"] = {"2026-01-05": 2.2}
        world.faults["HO=F"], world.times["HO=F"] = 500, 2
        waits = []
        answer = ask(
            Yahoo(),
            question("HO=F"),
            retry=RetryPolicy(attempts=4, base=1.0),
            rng=random.Random(1),  # jitter
            sleep=waits.append,
        )
        assert closes(answer) == {"2026-01-05": 2.2}
        assert waits


def test_shortest_keeps_what_was_not_widened():
    assert shortest(float(np.float32(31.95))) == 31.95
    assert shortest(56.13) == 56.13
    assert shortest(-37.63) == -37.63
    assert shortest(0.5) == 0.5
    assert shortest(123456792.0) == 123456792.0
    assert shortest(float(np.float32(4490.1))) == 4490.1


@pytest.mark.usefixtures("server")
class TestFred:
    @pytest.mark.parametrize(
        "document",
        [
            "DATE,DCOILWTICO\n2026-01-05,58.4\n2026-01-06,.\n2026-01-07,56.01\n",
            "observation_date,DCOILWTICO\n2026-01-05,58.4\n2026-01-06,\n2026-01-07,56.01\n",
        ],
    )
    def test_both_forms(self, world, document):
        world.documents["DCOILWTICO"] = (200, document)
        answer = Fred().fetch(question("DCOILWTICO", date(2026, 1, 5)))
        assert closes(answer) == {"2026-01-05": 58.4, "2026-01-07": 56.01}
        assert answer.notes == ("1 day(s) without a value",)
        assert world.asked[-1][1]["cosd"] == "2026-01-05"

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            ((200, "<html>busy</html>"), "something other than the CSV"),
            ((200, ""), "something other than the CSV"),
            ((200, "DATE,OTHER\n2026-01-05,1\n"), "returned the series 'OTHER'"),
            ((200, "DATE,DCOILWTICO\n2026-01-05,1\n2026-01"), "line 3"),
            ((200, "DATE,DCOILWTICO\n2026-01-05,nan\n"), "line 2 holds 'nan'"),
            ((200, "DATE,DCOILWTICO\n2026-01-05,.\n"), "no data"),
            ((404, ""), "HTTP 404"),
            ((503, ""), "HTTP 503"),
        ],
    )
    def test_what_is_no_series(self, world, document, message):
        world.documents["DCOILWTICO"] = document
        with pytest.raises(SourceError, match=message):
            Fred().fetch(question("DCOILWTICO"))

    def test_a_rest_that_is_asked_for_is_told(self, world):
        world.documents["DCOILWTICO"] = (429, "")
        world.headers["DCOILWTICO"] = [("Retry-After", "120")]
        with pytest.raises(SourceError) as caught:
            Fred().fetch(question("DCOILWTICO"))
        assert (caught.value.transient, caught.value.retry_after) == (True, 120.0)

    def test_it_has_no_intraday_bars(self):
        with pytest.raises(SourceError, match="no 1h bars"):
            Fred().fetch(question("DCOILWTICO", interval="1h"))

    def test_the_series_is_checked_without_a_server(self):
        assert parse_fred(b"\xef\xbb\xbfDATE,X\n2026-01-05,1\n", question("X")).bars[0].close == 1.0


def workbook(symbol="RWTC", rows=((46027.0, 58.4), (46028.0, ""), (46029.0, 56.01))):
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    book.add_sheet("Contents").write(0, 0, "Workbook Contents")
    sheet = book.add_sheet("Data 1")
    for row, cells in enumerate([("Back to Contents", "Data 1: Spot"), ("Sourcekey", symbol),
                                 ("Date", "Dollars per Barrel"), *rows]):  # fmt: skip
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.mark.usefixtures("server")
class TestEia:
    def test_the_workbook(self, world):
        world.documents["/dnav/pet/hist_xls/RWTCd.xls"] = (200, workbook())
        answer = Eia().fetch(question("RWTC"))
        assert closes(answer) == {"2026-01-05": 58.4, "2026-01-07": 56.01}
        assert closes(Eia().fetch(question("RWTC", date(2026, 1, 7)))) == {"2026-01-07": 56.01}

    def test_what_is_no_workbook(self, world):
        for raw, message in ((b"<html>", "cannot be read"), (workbook("RBRTE"), "not hold RWTC")):
            world.documents["/dnav/pet/hist_xls/RWTCd.xls"] = (200, raw)
            with pytest.raises(SourceError, match=message):
                Eia().fetch(question("RWTC"))
        with pytest.raises(SourceError, match="cannot be read"):
            parse_workbook(workbook()[:700], "RWTC")

    def test_the_api_turns_its_pages(self, world, monkeypatch):
        monkeypatch.setenv("EIA_API_KEY", "secret")
        days = [date(2000, 1, 1) + timedelta(days=number) for number in range(12)]
        data = [
            {"period": str(day), "value": str(10 + n) if n % 2 else 10 + n}
            for n, day in enumerate(days)
        ]
        data[3]["value"] = None

        def page(query):
            start = int(query["offset"])
            answer = {"total": "12", "data": data[start : start + 5]}
            return 200, json.dumps({"response": answer})

        path = "/v2/petroleum/pri/spt/data/"
        world.documents[path] = page
        answer = Eia().fetch(question("RWTC", date(2000, 1, 1)))
        assert [query["offset"] for _, query in world.asked] == ["0", "5", "10"]
        assert world.asked[0][1]["facets[series][]"] == "RWTC"
        assert list(closes(answer).values()) == [10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21]

    @pytest.mark.parametrize(
        "document",
        [
            (403, "{}"),
            (200, "<html>"),
            (200, '{"response": {}}'),
            (200, '{"response": {"total": 1, "data": [{"period": "2026-01", "value": 1}]}}'),
            (200, '{"response": {"total": 0, "data": []}}'),
        ],
    )
    def test_no_failure_shows_the_key(self, world, monkeypatch, document):
        monkeypatch.setenv("EIA_API_KEY", "secret")
        world.documents["/v2/petroleum/pri/spt/data/"] = document
        with pytest.raises(SourceError) as caught:
            Eia().fetch(question("RWTC"))
        assert "secret" not in repr(caught.value)
        assert caught.value.__cause__ is None or "secret" not in repr(caught.value.__cause__)


@pytest.mark.usefixtures("server")
class TestWrongFigures:
    @pytest.mark.parametrize("text", ["Infinity", "1e999", "6_1.5", "nan", "-inf", "٦١", "0x10"])
    def test_only_plain_finite_numbers_are_read(self, world, monkeypatch, text):
        world.documents["X"] = (200, f"DATE,X\n2026-01-05,{text}\n")
        with pytest.raises(SourceError, match="line 2 holds"):
            Fred().fetch(question("X"))
        monkeypatch.setenv("EIA_API_KEY", "secret")
        for value in (json.dumps(text), text if text in ("Infinity", "1e999") else "[]"):
            rows = f'[{{"period": "2026-01-05", "value": {value}}}]'
            world.documents["/v2/petroleum/pri/spt/data/"] = (
                200, f'{{"response": {{"total": 1, "data": {rows}}}}}'
            )  # fmt: skip
            with pytest.raises(SourceError, match="not a day and a number"):
                Eia().fetch(question("RWTC"))

    def test_yahoo_with_an_infinite_close_is_refused(self, world):
        world.closes["CL=F"] = {"2026-01-05": 58.32, "2026-01-06": float("inf")}
        with pytest.raises(SourceError, match="2026-01-06 has 'inf'"):
            Yahoo().fetch(question("CL=F"))

    def test_another_series_than_the_one_asked_for(self, world, monkeypatch):
        world.closes["CL=F"] = {"2026-01-05": 58.32}
        chart = world.chart
        world.chart = lambda symbol, first: json.loads(
            json.dumps(chart(symbol, first)).replace('"CL=F"', '"BZ=F"')
        )
        with pytest.raises(SourceError, match="returned the series 'BZ=F'"):
            Yahoo().fetch(question("CL=F"))
        monkeypatch.setenv("EIA_API_KEY", "secret")
        rows = [{"period": "2026-01-05", "value": 60.0, "series": "RBRTE"}]
        body = json.dumps({"response": {"total": 1, "data": rows}})
        world.documents["/v2/petroleum/pri/spt/data/"] = (200, body)
        with pytest.raises(SourceError, match="returned the series 'RBRTE'"):
            Eia().fetch(question("RWTC"))

    def test_two_values_for_one_day_are_named(self, world, monkeypatch):
        world.documents["X"] = (200, "DATE,X\n2026-01-05,58.4\n2026-01-05,58.9\n")
        with pytest.raises(SourceError, match=r"two values for 2026-01-05: 58.4 and 58.9"):
            Fred().fetch(question("X"))
        world.documents["X"] = (200, "DATE,X\n2026-01-05,58.4\n2026-01-05,58.4\n")
        assert "1 bar(s) given twice" in Fred().fetch(question("X")).notes
        monkeypatch.setenv("EIA_API_KEY", "secret")
        rows = [{"period": "2026-01-05", "value": value} for value in (60.0, 61.0)]
        body = json.dumps({"response": {"total": 2, "data": rows}})
        world.documents["/v2/petroleum/pri/spt/data/"] = (200, body)
        with pytest.raises(SourceError, match="two values for 2026-01-05: 60 and 61"):
            Eia().fetch(question("RWTC"))


@pytest.mark.usefixtures("server")
class TestBadAnswers:
    @pytest.mark.parametrize("total", [10**12, "1e999", None, [], "Infinity"])
    def test_a_total_without_end_is_left(self, world, monkeypatch, total):
        monkeypatch.setenv("EIA_API_KEY", "secret")
        rows = [{"period": "2026-01-05", "value": 60.0}] * 5000
        body = json.dumps({"response": {"total": total, "data": rows}})
        world.documents["/v2/petroleum/pri/spt/data/"] = (200, body)
        with pytest.raises(SourceError):
            Eia().fetch(question("RWTC"))
        assert len(world.asked) <= 20

    @pytest.mark.parametrize(
        "body",
        ["[" * 100_000, '{"response": ' * 3000, '{"response": 5}', "9" * 5000, "\x00", '"' * 99],
    )
    def test_json_of_any_shape_is_that_sources_failure(self, world, monkeypatch, body):
        monkeypatch.setenv("EIA_API_KEY", "secret")
        world.documents["/v2/petroleum/pri/spt/data/"] = (200, body)
        with pytest.raises(SourceError):
            Eia().fetch(question("RWTC"))

    def test_a_huge_cell_is_that_sources_failure(self, world):
        world.documents["X"] = (200, 'DATE,X\n2026-01-05,"' + "1" * 200_000 + '"\n')
        with pytest.raises(SourceError):
            Fred().fetch(question("X"))

    def test_a_library_that_is_missing_is_that_sources_failure(self, world, monkeypatch):
        world.documents["/dnav/pet/hist_xls/RWTCd.xls"] = (200, workbook())
        monkeypatch.setitem(sys.modules, "xlrd", None)
        with pytest.raises(SourceError, match="needs xlrd"):
            ask(Eia(), question("RWTC"), retry=RetryPolicy(1), rng=random.Random(1))

    @pytest.mark.parametrize(
        "header", ["²", "Wed, 99 Foo 2026", "-5", "9" * 500, "Wed, 21 Oct 2015 07:28:00 -0000", ";"]
    )
    def test_an_odd_retry_after_is_no_error_of_ours(self, world, header):
        wait = retry_after(header)
        assert wait is None or wait >= 0
        world.documents["X"] = (503, "")
        world.headers["X"] = [("Retry-After", header.encode("ascii", "ignore").decode())]
        with pytest.raises(SourceError, match="HTTP 503"):
            Fred().fetch(question("X"))


@pytest.mark.parametrize(
    "bar",
    [
        Bar("2026-13-45", 1.0), Bar("5 January", 1.0), Bar(None, 1.0), Bar("2026-01-05", None),
        Bar("2026-01-05", "58"), Bar("2026-01-05", float("nan")), Bar("2026-01-05", 1.0, high="x"),
        Bar("2026-01-05T10:00:00Z", 1.0), "no bar",
    ],
)  # fmt: skip
def test_whatever_a_plug_in_returns_is_checked(bar):
    with pytest.raises(SourceError, match="scripted X"):
        ask_scripted(Answer((bar,)))


@pytest.mark.parametrize("error", [RecursionError(), MemoryError(), KeyError("key=secret")])
def test_whatever_a_plug_in_raises_is_its_failure(error):
    with pytest.raises(SourceError, match=type(error).__name__) as caught:
        ask_scripted(error)
    assert "secret" not in str(caught.value)


class Scripted:
    name = "scripted"

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)

    def fetch(self, request):  # noqa: ARG002  # the protocol
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def ask_scripted(*outcomes, **patience):
    waits = []
    options = RetryPolicy(**({"attempts": 4, "base": 1.0, "cap": 60.0} | patience))
    rng = random.Random(1)  # jitter
    source = Scripted(*outcomes)
    answer = ask(source, question("X"), retry=options, rng=rng, sleep=waits.append)
    return answer, waits


def test_waits_grow_with_jitter():
    busy = SourceError("busy", transient=True)
    answer, waits = ask_scripted(busy, busy, busy, Answer(()))
    assert answer == Answer(())
    for number, wait in enumerate(waits):
        assert 0.5 * 2**number <= wait <= 2**number
    assert len(set(waits)) == 3


def test_a_rest_is_kept_and_a_long_one_ends_the_asking():
    _, waits = ask_scripted(SourceError("429", transient=True, retry_after=30), Answer(()))
    assert waits == [30]
    with pytest.raises(SourceError, match="scripted X: 429"):
        ask_scripted(SourceError("429", transient=True, retry_after=3600), Answer(()))


def test_what_cannot_help_is_not_tried_again():
    with pytest.raises(SourceError, match="unknown"):
        ask_scripted(SourceError("unknown"), Answer(()))
    with pytest.raises(SourceError, match="asked 2 times"):
        ask_scripted(*[SourceError("busy", transient=True)] * 2, attempts=2)


def test_a_stand_in_server_is_on_this_machine():
    assert loopback_base("X", "http://127.0.0.1:80/") == "http://127.0.0.1:80"
    for value in ("http://example.org", "https://127.0.0.1", "ftp://127.0.0.1", "localhost:1"):
        with pytest.raises(SourceError, match="this machine"):
            loopback_base("X", value)


def test_retry_after_is_seconds_or_a_date():
    assert retry_after("7") == 7.0
    assert retry_after(None) is None
    assert retry_after("soon") is None
    before = datetime.now(UTC)
    found = retry_after(format_datetime(before + timedelta(seconds=100)))
    passed = (datetime.now(UTC) - before).total_seconds()
    assert 99 - passed <= found <= 100  # the header has whole seconds


def test_a_server_that_is_not_there(monkeypatch):
    monkeypatch.setenv("EVENTSTUDY_FRED_BASE", "http://127.0.0.1:9")
    with pytest.raises(SourceError, match="did not answer") as caught:
        Fred().fetch(question("X"))
    assert caught.value.transient


def test_local_files(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("session,dubai,oman\n2026-01-05,60.1,\n2026-01-06,59.2,59.0\n")
    answer = LocalFile().fetch(question(f"{path}:dubai", date(2026, 1, 6)))
    assert closes(answer) == {"2026-01-06": 59.2}
    for symbol in (f"{path}:dubay", f"{path}x:dubai"):
        with pytest.raises(SourceError):
            LocalFile().fetch(question(symbol))
    now = datetime(2026, 1, 7, tzinfo=UTC)
    with Store(tmp_path / "s.sqlite") as store:
        options = {"unit": "USD/bbl", "source": "desk", "seen_at": now, "kind": "spot"}
        written = import_file(store, path, **options)
        assert {name: change.added for name, change in written.items()} == {"dubai": 2, "oman": 1}
        assert store.read("oman")["source"].tolist() == ["desk"]
        with pytest.raises(Exception, match="the store holds 'dubai' as spot in 'USD/bbl'"):
            import_file(store, path, **options | {"unit": "EUR/bbl"})
