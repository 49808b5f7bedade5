"""A made-up study on a random walk: every state an event can have, on two assets."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eventstudy.events import Event
from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.results import Placebos, PlaceboSample, Provenance, ResultTables, StudyResult
from eventstudy.results.tables import (
    Claims,
    Effects,
    Events,
    Family,
    Notes,
    Quotes,
    Regression,
    Samples,
    Series,
    SessionReturns,
    Tests,
)
from eventstudy.tables.columns import Table
from eventstudy.windows import Window

T = TypeVar("T", bound=Table[Any])
EVENT = Window(-5, 5)
ESTIMATION = Window(-265, -16)
WINDOWS = (Window(0, 0), Window(0, 1), Window(0, 4))
LITERAL = '#panic("x") *bold* $x$ <label> @ref _under_ `raw` // \\ "quoted"'

EVENTS: tuple[dict[str, str], ...] = (
    {
        "event_id": "venezuela-intervention",
        "title": "Military intervention in Venezuela",
        "stated": "2026-01-03",
        "session": "2026-01-05",
        "state": "confounded",
        "moved_from": "2026-01-03",
        "confounded_with": "opec-call",
        "direction": "up",
    },
    {
        "event_id": "opec-call",
        "title": "OPEC+ call keeps output where it is",
        "stated": "2026-01-04",
        "session": "2026-01-05",
        "state": "confounded",
        "moved_from": "2026-01-04",
        "confounded_with": "venezuela-intervention",
    },
    {
        "event_id": "paris-summit",
        "title": "Coalition summit in Paris",
        "stated": "2026-01-06",
        "session": "2026-01-06",
        "state": "ambiguous",
        "alt_session": "2026-01-07",
        "place": "Paris",
        "direction": "down",
    },
    {
        "event_id": "kostroma",
        "title": "Удар по складу, Кострома",
        "stated": "2026-01-06",
        "session": "2026-01-06",
        "state": "ambiguous",
        "alt_session": "2026-01-07",
        "place": "Kostroma",
        "direction": "up",
    },
    {
        "event_id": "barrels",
        "title": LITERAL,
        "stated": "2026-01-06T18:40:00-05:00",
        "zone": "America/New_York",
        "precision": "time",
        "session": "2026-01-07",
        "state": "kept",
        "direction": "down",
    },
    {
        "event_id": "storage-report",
        "title": "北京时间 storage report",
        "stated": "2026-01-10",
        "session": "2026-01-12",
        "state": "moved",
        "moved_from": "2026-01-10",
    },
    {
        "event_id": "greenland",
        "title": "Wish for control over Greenland",
        "state": "undated",
        "reason": "no date in the text, only a bound by publication",
    },
    {
        "event_id": "far-future",
        "title": "An event after the last price",
        "stated": "2026-05-01",
        "state": "dropped",
        "reason": "2026-05-01 lies after the last session 2026-02-27",
    },
)


def sessions() -> pd.DatetimeIndex:
    days = pd.bdate_range("2024-06-03", "2026-02-27")
    holidays = pd.to_datetime(["2024-12-25", "2025-01-01", "2025-12-25", "2026-01-01"])
    return days.difference(holidays)


def prices(assets: tuple[str, ...]) -> pd.DataFrame:
    rng = np.random.default_rng(20260107)
    index = sessions()
    common = rng.normal(0, 0.017, len(index))
    levels = {
        asset: (58 + 3 * i) * np.exp(np.cumsum(common + rng.normal(0, 0.004, len(index))))
        for i, asset in enumerate(assets)
    }
    return pd.DataFrame(levels, index=pd.Index(index, name="session"))


def constant_mean(table: pd.DataFrame, pairs: list[tuple[str, str, str]]) -> AbnormalReturns:
    ar, est, ret, exp, s2, pos = [], [], [], [], [], []
    for _, asset, session in pairs:
        r = np.log(table[asset]).diff().to_numpy()
        at = int(table.index.get_loc(pd.Timestamp(session)))
        past = r[at + ESTIMATION.start : at + ESTIMATION.end + 1]
        window = r[at + EVENT.start : at + EVENT.end + 1]
        ar.append(window - past.mean())
        est.append(past - past.mean())
        ret.append(window)
        exp.append(np.full(len(window), past.mean()))
        s2.append(past.var(ddof=1))
        pos.append(at)
    L, W, N = len(ESTIMATION), len(EVENT), len(pairs)
    return AbnormalReturns(
        event_ids=tuple(p[0] for p in pairs),
        assets=tuple(p[1] for p in pairs),
        window=EVENT,
        estimation=ESTIMATION,
        position=np.array(pos, dtype=np.int64),
        ar=np.array(ar).reshape(N, W),
        ar_est=np.array(est).reshape(N, L),
        returns=np.array(ret).reshape(N, W),
        expected=np.array(exp).reshape(N, W),
        s2=np.array(s2),
        n_est=np.full(N, L, dtype=np.int64),
        n_params=1,
        cov_factor=np.broadcast_to(np.eye(W) + 1 / L, (N, W, W)).copy(),
        return_kind="log",
    )


def changed(table: T, **columns: Any) -> T:
    """Return a table with other values in some columns."""
    stored = {c.attribute: table.array(c) for c in table.columns(filed=None) if c.derives is None}
    return type(table)(**stored | columns)


def effect_rows(ab: AbnormalReturns, table: pd.DataFrame) -> Effects:
    rows = []
    parts = [ab.restrict(window) for window in WINDOWS]
    for i, (window, part) in itertools.product(range(len(ab)), zip(WINDOWS, parts, strict=True)):
        se = np.sqrt(part.variance[i])
        p = 2 * stats.t.sf(np.abs(part.scar[i]), ab.df[i])
        q = stats.t.isf(0.025, ab.df[i]) * se
        one = len(window) == 1
        row = {
            "event_id": ab.event_ids[i],
            "asset": ab.assets[i],
            "session": table.index[ab.position[i]].date(),
            "window": window,
            "n_sessions": len(window),
            "effect": part.car[i],
            "se": se,
            "t": part.scar[i],
            "df": int(ab.df[i]),
            "p_t": p,
            "p_sq": p,
            "p_vfc": p if one else np.nan,
            "p_fhs": p,
            "p_conformal": p,
            "ci_low": part.car[i] - q,
            "ci_high": part.car[i] + q,
            "ci_method": "vfc" if one else "fhs",
            "ci_t_low": part.car[i] - q,
            "ci_t_high": part.car[i] + q,
            "mde": 2.8 * se,
            "mde_t": 2.8 * se,
            "vol_ratio": 1.4 if i == 0 else 0.95,
            "vol_warning": i == 0,
            "filter": "ewma",
            "filter_reason": "407 sessions before the event, 500 are needed",
            "base_price": float(table[ab.assets[i]].iloc[ab.position[i] + window.start - 1]),
            "n_estimation": len(ESTIMATION),
            "return_kind": "log",
        }
        rows.append(row)
    return Effects.of(rows)


def ar_rows(ab: AbnormalReturns, table: pd.DataFrame) -> SessionReturns:
    rows = []
    se = np.sqrt(ab.s2[:, None] * np.diagonal(np.asarray(ab.cov_factor), axis1=1, axis2=2))
    for i, w in itertools.product(range(len(ab)), range(len(ab.window))):
        tau = ab.window.start + w
        row = {
            "event_id": ab.event_ids[i],
            "asset": ab.assets[i],
            "tau": tau,
            "session": table.index[ab.position[i] + tau].date(),
            "ar": ab.ar[i, w],
            "sar": ab.sar[i, w],
            "se": se[i, w],
            "return_": ab.returns[i, w],
            "expected": ab.expected[i, w],
            "ci_low": ab.ar[i, w] - 1.96 * se[i, w],
            "ci_high": ab.ar[i, w] + 1.96 * se[i, w],
            "roll": tau == 3,
        }
        rows.append(row)
    return SessionReturns.of(rows)


def event_rows(
    events: tuple[dict[str, str], ...],
    assets: tuple[str, ...],
    effects: Effects,
    alternatives: Effects,
) -> Events:
    first, second = first_rows(effects), first_rows(alternatives)
    rows = []
    for event, asset in itertools.product(events, assets):
        key = (event["event_id"], asset)
        perhaps = [
            other["event_id"]
            for other in events
            if event.get("session") and other.get("alt_session") == event["session"]
        ]
        days = {name: day(event.get(name, "")) for name in ("session", "alt_session")}
        row = {"kind": "politics", "source": "the paper", "precision": "day"} | event | days
        rows.append(
            row
            | {
                "asset": asset,
                "stated": stated(event.get("stated", "")),
                "confounded_with": tuple(filter(None, [event.get("confounded_with", "")])),
                "perhaps_confounded_with": tuple(perhaps),
                "effects_at": first.get(key, -1),
                "alternatives_at": second.get(key, -1),
                "reasons": tuple(filter(None, [event.get("reason", "")])),
                "event": Event(event_id=event["event_id"]),
            }
        )
    return Events.of(rows)


def day(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def stated(text: str) -> dt.datetime | dt.date | None:
    return dt.datetime.fromisoformat(text) if "T" in text else day(text)


def first_rows(effects: Effects) -> dict[tuple[str, str], int]:
    keys = list(zip(effects.event_id, effects.asset, strict=True))
    return {key: keys.index(key) for key in keys}


def series(table: pd.DataFrame) -> Series:
    days = table.index.to_numpy().astype("datetime64[D]")
    return Series.of(
        [
            {
                "name": name,
                "title": f"{name} front month",
                "unit": "USD/bbl",
                "kind": "futures",
                "source": "made up",
                "first": "2024-06-03",
                "last": "2026-02-27",
                "n_sessions": len(table),
                "n_masked_rolls": 19,
                "as_of": "2026-02-27",
                "observations": (days, table[name].to_numpy()),
            }
            for name in table.columns
        ]
    )


PROVENANCE = Provenance(
    versions=(("oil-eventstudy", "0.1.0"), ("numpy", "2.4.6")),
    study_sha256="1" * 64,
    events_sha256="2" * 64,
    prices_sha256="3" * 64,
    as_of="2026-02-27",
)
TESTS = Tests.of(
    [
        {
            "asset": "wti_front",
            "window": WINDOWS[0],
            "statistic": "shift_sharp",
            "value": 0.4,
            "df": np.nan,
            "pvalue": 0.42,
            "n": 6,
            "verdict": "holds",
            "reason": "",
        },
        {
            "asset": "wti_front",
            "window": WINDOWS[0],
            "statistic": "grank_t",
            "value": np.nan,
            "df": np.nan,
            "pvalue": np.nan,
            "n": 6,
            "verdict": "refused",
            "reason": "needs 20 events, has 6",
        },
    ]
)
REGRESSION = Regression.of(
    [
        {
            "asset": "wti_front",
            "group": "venezuela-intervention + opec-call",
            "event_ids": "venezuela-intervention; opec-call",
            "window": WINDOWS[1],
            "sessions": "2026-01-05; 2026-01-06",
            "coef": 0.012,
            "se_hac": 0.002,
            "t_hac": 6.0,
            "p_hac": 1e-9,
            "p_shift": 0.31,
            "bandwidth": 4,
            "n": 400,
            "note": "two events on one session cannot be separated",
        }
    ]
)
QUOTES = Quotes.of(
    [
        {
            "quote_id": "q1",
            "asset": "wti_front",
            "moment": dt.datetime.fromisoformat("2026-01-07T10:06:00+08:00"),
            "session": dt.date(2026, 1, 7),
            "base_session": dt.date(2026, 1, 6),
            "base_price": 57.13,
            "level": 56.30,
            "implied_change_pct": -1.453,
            "quoted_change_pct": -1.45,
            "agrees": True,
            "sentence": "56.30 against the settlement 57.13 is -1.453%, as quoted.",
        }
    ]
)
CLAIMS = Claims.of(
    [
        {
            "claim_id": "c1",
            "title": "A short and fragile pullback",
            "asset": "wti_front",
            "event_id": "paris-summit",
            "window": WINDOWS[1],
            "direction": "down",
            "effect": -0.012,
            "percent": -1.2,
            "ci_low": -0.04,
            "ci_high": 0.02,
            "pvalue": 0.4,
            "test": "fhs",
            "verdict": "cannot be distinguished from noise",
            "sentence": "The pullback cannot be distinguished from noise at the 5% level.",
        }
    ]
)
NOTES = Notes(
    kind=["moved", "masked"],
    subject=["storage-report", "wti_front"],
    detail=[
        "moved from Saturday 2026-01-10 to 2026-01-12",
        "19 roll sessions masked in the estimation window",
    ],
)


def build(
    *,
    events: tuple[dict[str, str], ...] = EVENTS,
    assets: tuple[str, ...] = ("wti_front", "brent_front"),
    title: str = "Two articles, January 2026",
    report: dict[str, object] | None = None,
) -> StudyResult:
    """Put the tables of a study together by the textbook formulas."""
    table = prices(assets)
    dated = [e for e in events if e.get("session")]
    pairs = [(e["event_id"], a, e["session"]) for e in dated for a in assets]
    ab = constant_mean(table, pairs)
    second = [
        (e["event_id"], a, e["alt_session"]) for e in dated if e.get("alt_session") for a in assets
    ]
    alt = constant_mean(table, second)
    effects, alternatives = effect_rows(ab, table), effect_rows(alt, table)
    tables = ResultTables(
        events=event_rows(events, assets, effects, alternatives),
        effects=effects,
        alternatives=alternatives,
        ar=ar_rows(ab, table),
        alternative_ar=ar_rows(alt, table),
        tests=TESTS,
        design=Samples.empty(),
        family=Family.empty(),
        regression=REGRESSION,
        quotes=QUOTES,
        claims=CLAIMS,
        notes=NOTES,
        series=series(table),
    )
    return StudyResult(
        name="made-up",
        title=title,
        settings={"study": {"name": "made-up"}, "report": report or {}},
        return_kind="log",
        level=0.05,
        windows=WINDOWS,
        tables=tables,
        prices=table,
        abnormal=ab,
        provenance=PROVENANCE,
        placebos=placebos(ab),
        units=dict.fromkeys(assets, "USD/bbl"),
    )


def placebos(ab: AbnormalReturns) -> Placebos:
    s = np.sqrt(ab.s2)
    zero = -EVENT.start
    return Placebos.of(
        [
            PlaceboSample(
                event_id=ab.event_ids[i],
                asset=ab.assets[i],
                window=WINDOWS[0],
                effects=ab.ar_est[i],
                standardised=ab.ar_est[i] / s[i],
                effect=float(ab.ar[i, zero]),
                effect_standardised=float(ab.ar[i, zero] / s[i]),
            )
            for i in range(len(ab))
        ]
    )


def many(n: int) -> tuple[dict[str, str], ...]:
    days = sessions()[np.linspace(290, 420, n).round().astype(int)]
    return tuple(
        {
            "event_id": f"event-{i:02d}-with-a-rather-long-name",
            "title": f"Event number {i}",
            "stated": day.date().isoformat(),
            "session": day.date().isoformat(),
            "state": "kept",
        }
        for i, day in enumerate(days)
    )


@pytest.fixture(scope="session")
def result() -> StudyResult:
    return build()


@pytest.fixture(scope="session")
def build_result() -> Callable[..., StudyResult]:
    return build


@pytest.fixture(scope="session")
def change() -> Callable[..., Any]:
    return changed


@pytest.fixture(scope="session")
def many_events() -> Callable[[int], tuple[dict[str, str], ...]]:
    return many
