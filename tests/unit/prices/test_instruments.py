from datetime import UTC, date, datetime

import pytest

from eventstudy.errors import TableError, UnknownNameError
from eventstudy.prices.contracts import Contract
from eventstudy.prices.instruments import Settled, load_catalogue, pick
from eventstudy.prices.records import Bar
from eventstudy.prices.refresh import Environment, RefreshOptions, plan, refresh
from eventstudy.prices.sources import UNREACHABLE, Answer, RetryPolicy, SourceError
from eventstudy.prices.store import Store

ENTRY = """
[[instrument]]
name = "{name}"
unit = "USD/bbl"
kind = "{kind}"
calendar = "wti"
sources = [{{ source = "{source}", symbol = "X", kind = "{of}" }}]
"""


def written(tmp_path, text=None, **cells):
    path = tmp_path / "instruments.toml"
    known = {"name": "dubai", "kind": "spot", "source": "fred", "of": "spot"} | cells
    path.write_text(ENTRY.format(**known) if text is None else text)
    return path


def test_a_user_adds_to_the_table_and_replaces_in_it(tmp_path):
    shipped = load_catalogue()
    names = [item.name for item in shipped.instruments]
    assert len(names) == len(set(names)) == 12
    more = load_catalogue(written(tmp_path))
    assert [item.name for item in more.instruments] == [*names, "dubai"]
    other = load_catalogue(written(tmp_path, name="vix", kind="volatility", of="volatility"))
    assert [item.name for item in other.instruments] == names
    assert pick(other.instruments, ["vix"])[0].sources[0].source == "fred"


def test_spot_is_never_the_fallback_of_futures(tmp_path):
    with pytest.raises(TableError, match="only the same thing may be a fallback"):
        load_catalogue(written(tmp_path, kind="futures"))
    for item in load_catalogue().instruments:
        if item.series.kind == "futures":
            assert [ref.source for ref in item.sources] == ["yahoo"]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"kind": "spott", "of": "spott"}, "did you mean 'spot'"),
        ({"source": "quandl"}, "known: eia, file, fred, yahoo"),
        ({"name": ""}, "has no 'name'"),
        ({"text": "[[instrument]]\nname = 'x'\nunits = 'USD'"}, "did you mean 'unit'"),
        ({"text": "[[instruments]]\n"}, "did you mean 'instrument'"),
        ({"text": "name = "}, "is not TOML"),
        ({"text": "[[contracts]]\nproduct = 'wti'"}, "no 'calendar'"),
    ],
)
def test_a_fault_in_the_table_is_named(tmp_path, cells, message):
    with pytest.raises(TableError, match=message):
        load_catalogue(written(tmp_path, **cells))
    with pytest.raises(TableError, match="cannot be read"):
        load_catalogue(tmp_path / "absent.toml")


def test_the_next_twelve_contracts_of_both_products_are_due():
    due = load_catalogue().due(date(2026, 1, 21), stored=[Contract("wti", 2026, 2)])
    symbols = {item.name: item.sources[0].symbol for item in due if item.contract}
    # February expired on the 20th; it is asked for once more because its end is missing.
    assert list(symbols)[:3] == ["CLG2026", "CLH2026", "CLJ2026"]
    assert len(symbols) == 25
    assert symbols["CLH2026"] == "CLH26.NYM"
    assert symbols["BZH2026"] == "BZH26.NYM"
    with pytest.raises(UnknownNameError, match="did you mean 'CLH2026'"):
        pick(due, ["CLH26"])


@pytest.mark.parametrize(
    ("name", "stamp", "now", "final"),
    [
        ("wti_front", "2026-01-07", "2026-01-07T20:59", False),  # settled at 19:30, not yet told
        ("wti_front", "2026-01-07", "2026-01-07T21:00", True),
        ("wti_front", "2026-07-07", "2026-07-07T20:00", True),  # summer time
        ("wti_front", "2026-01-19", "2026-01-19T23:00", False),  # a holiday: settles on the 20th
        ("wti_front", "2026-01-19", "2026-01-20T21:00", True),
        ("vix", "2026-01-07", "2026-01-07T22:30", False),  # 16:15 New York and the grace
        ("vix", "2026-01-07", "2026-01-07T22:45", True),
        ("wti_front", "2020-04-20", "2026-01-07T12:00", True),
    ],
)
def test_a_bar_is_final_only_after_its_settlement(name, stamp, now, final):
    (item,) = pick(load_catalogue().instruments, [name])
    settled = Settled(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert settled(item, stamp) is final


class Scripted:
    def __init__(self, outcomes):
        self.outcomes = outcomes
        self.asked = []

    name = "yahoo"

    def fetch(self, request):
        self.asked.append(request)
        outcome = self.outcomes[request.symbol]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def surroundings(source, now="2026-01-21T23:00+00:00"):
    return Environment(
        clock=lambda: datetime.fromisoformat(now), sleep=lambda _: None, sources={"yahoo": source}
    )


def test_the_end_of_an_expired_contract_is_fetched_once_more(tmp_path):
    path, catalogue = tmp_path / "s.sqlite", load_catalogue()
    source = Scripted({"CLG26.NYM": Answer((Bar("2026-01-15", 60.0),))})
    options = RefreshOptions(symbols=("CLG2026",))
    refresh(path, catalogue, options, env=surroundings(source, "2026-01-15T23:00+00:00"))

    def planned():
        with Store(path, read_only=True) as store:
            jobs = plan(store, catalogue, RefreshOptions(), today=date(2026, 1, 21))
        return {job.instrument.name: job.first for job in jobs}

    assert planned()["CLG2026"] == date(2026, 1, 1)
    source.outcomes["CLG26.NYM"] = Answer((Bar("2026-01-20", 60.34),))
    assert refresh(path, catalogue, options, env=surroundings(source)).exit_code == 0
    assert "CLG2026" not in planned()
    assert planned()["CLH2026"] is None


def test_a_source_that_cannot_be_reached_is_asked_once(tmp_path):
    down = SourceError("no network", transient=True, suspended=UNREACHABLE)
    source = Scripted({"CL=F": down, "BZ=F": down})
    options = RefreshOptions(symbols=("wti_front", "brent_front"), retry=RetryPolicy(attempts=2))
    report = refresh(tmp_path / "s", load_catalogue(), options, env=surroundings(source))
    assert [request.symbol for request in source.asked] == ["CL=F", "CL=F"]
    assert report.exit_code == 3
    assert "not asked, it could not be reached" in report.items[1].detail


def test_intraday_bars_of_the_front_months_are_kept_too(tmp_path):
    daily = Answer((Bar("2026-01-21", 60.6),))

    class Source(Scripted):
        def fetch(self, request):
            self.asked.append(request)
            if request.interval == "1d":
                return daily
            return Answer((Bar("2026-01-21T15:00:00Z", 60.1), Bar("2026-01-21T22:00:00Z", 60.7)))

    source = Source({})
    options = RefreshOptions(symbols=("wti_front", "vix"), intraday="1h")
    refresh(tmp_path / "s", load_catalogue(), options, env=surroundings(source))
    assert [(r.symbol, r.interval) for r in source.asked] == [
        ("CL=F", "1d"), ("^VIX", "1d"), ("CL=F", "1h")
    ]  # fmt: skip
    with Store(tmp_path / "s", read_only=True) as store:
        # The bar that began at 22:00 had not ended, or had not been published, at 23:00.
        assert list(store.read("wti_front", interval="1h").index) == ["2026-01-21T15:00:00Z"]
        assert len(store.read("wti_front", interval="1h", provisional=True)) == 2
        found = store.query("SELECT DISTINCT symbol, interval FROM bars ORDER BY 1, 2")
        assert [row[1] for row in found if row[0] == "wti_front"] == ["1d", "1h"]
