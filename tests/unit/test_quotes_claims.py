import datetime as dt
from importlib import resources
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.calendars import settlement_calendar
from eventstudy.errors import AlignmentError, TableError
from eventstudy.events.claims import read_claims
from eventstudy.events.quotes import read_quotes, reconcile
from eventstudy.prices.datasets import dataset
from eventstudy.windows import Window

FOLDER = Path(str(resources.files("eventstudy") / "data" / "paris-2026"))


@pytest.fixture(scope="module")
def calendar():
    return settlement_calendar("wti", dt.date(2025, 12, 1), dt.date(2026, 2, 27))


@pytest.fixture(scope="module")
def quote():
    return read_quotes(FOLDER / "quotes.csv")[0]


def test_the_quote_agrees_with_the_settlement_before_it(quote, calendar):
    levels = dataset("crude-daily").read()["wti_front"]
    check = reconcile(quote, calendar, levels)
    assert check.moment.strftime("%Y-%m-%d %H:%M") == "2026-01-06 21:06"
    assert check.session == dt.date(2026, 1, 7)
    assert check.base_session == dt.date(2026, 1, 6)
    assert check.base == 57.13
    assert round(check.implied_pct, 3) == -1.453
    assert check.agrees is True
    assert "-1.453%, which agrees with the quoted -1.45%" in check.sentence
    assert "21:06 in New York on 06 January 2026" in check.sentence


def test_against_the_spot_of_the_day_it_does_not_agree(quote, calendar):
    levels = dataset("crude-daily").read()["wti_spot"]
    check = reconcile(quote, calendar, levels)
    assert round(check.implied_pct, 2) == -1.18
    assert check.agrees is False
    assert "does not agree" in check.sentence


def test_without_a_settlement_before_it_nothing_is_guessed(quote, calendar):
    levels = dataset("crude-daily").read()["wti_front"].drop(pd.Timestamp("2026-01-06"))
    with pytest.raises(AlignmentError, match="needs the settlement of 2026-01-06"):
        reconcile(quote, calendar, levels)


def test_faults_of_a_quote_file_are_shown_together(tmp_path):
    path = tmp_path / "quotes.csv"
    path.write_text(
        "quote_id,asset,time,level,change_pct\n"
        "a,wti,2026-01-07T10:06,56.3,\n"
        "b,wti,2026-01-07T10:06Z,high,\n"
        "c,wti,2026-01-07T10:06Z,-1,x\n"
    )
    with pytest.raises(TableError) as caught:
        read_quotes(path)
    assert len(caught.value.faults) == 4


def test_claims_are_directed_windows():
    claims = {claim.claim_id: claim for claim in read_claims(FOLDER / "claims.csv")}
    assert claims["pullback-falls"].window == Window(0, 1)
    assert claims["pullback-falls"].direction == "down"
    assert claims["pullback-reverses"].window == Window(2, 5)
    assert {claim.role for claim in claims.values()} == {"pullback", "reversal", "support"}


def test_the_longest_claim_fits_the_shipped_figures():
    (longest,) = (
        claim for claim in read_claims(FOLDER / "claims.csv") if claim.claim_id == "support-longest"
    )
    levels = dataset("crude-daily").read()["wti_front"].dropna()
    for day in ("2026-01-06", "2026-01-07"):
        assert levels.index.get_loc(pd.Timestamp(day)) + longest.window.end < len(levels)


def test_faults_of_a_claim_file_are_shown_together(tmp_path):
    path = tmp_path / "claims.csv"
    path.write_text(
        "claim_id,asset,event_id,window_start,window_end,direction\n"
        "a,wti,x,0,1,sideways\n"
        "b,wti,x,5,1,up\n"
        "c,wti,x,0,soon,up\n"
    )
    with pytest.raises(TableError) as caught:
        read_claims(path)
    assert len(caught.value.faults) == 3
