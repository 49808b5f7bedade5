"""A made-up study on a random walk: every state an event can have, on two assets."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eventstudy.models.abnormal import AbnormalReturns
from eventstudy.results import (
    ALIGNMENT_COLUMNS,
    AR_COLUMNS,
    EFFECT_COLUMNS,
    ClaimRow,
    Note,
    PlaceboSample,
    Provenance,
    QuoteRow,
    SeriesRecord,
    StudyResult,
)
from eventstudy.windows import Window

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


def effect_rows(ab: AbnormalReturns, table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for window in WINDOWS:
        part = ab.restrict(window)
        se = np.sqrt(part.variance)
        t = part.scar
        p = 2 * stats.t.sf(np.abs(t), ab.df)
        q = stats.t.isf(0.025, ab.df) * se
        for i in range(len(ab)):
            base = float(table[ab.assets[i]].iloc[ab.position[i] - 1])
            low, high = part.car[i] - q[i], part.car[i] + q[i]
            row = dict.fromkeys(EFFECT_COLUMNS, np.nan) | {
                "event_id": ab.event_ids[i],
                "asset": ab.assets[i],
                "session": table.index[ab.position[i]].date().isoformat(),
                "window": str(window),
                "window_start": window.start,
                "window_end": window.end,
                "n_sessions": len(window),
                "effect": part.car[i],
                "se": se[i],
                "t": t[i],
                "df": int(ab.df[i]),
                "p_t": p[i],
                "p_sq": p[i],
                "p_vfc": p[i] if len(window) == 1 else np.nan,
                "p_fhs": p[i],
                "p_conformal": p[i],
                "ci_low": low,
                "ci_high": high,
                "ci_method": "vfc" if len(window) == 1 else "fhs",
                "ci_t_low": low,
                "ci_t_high": high,
                "mde": 2.8 * se[i],
                "mde_t": 2.8 * se[i],
                "vol_ratio": 1.4 if i == 0 else 0.95,
                "vol_warning": "the days before were 1.4 times as volatile" if i == 0 else "",
                "filter": "ewma",
                "filter_reason": "407 sessions before the event, 500 are needed",
                "percent": 100 * np.expm1(part.car[i]),
                "percent_low": 100 * np.expm1(low),
                "percent_high": 100 * np.expm1(high),
                "base_price": base,
                "usd": base * np.expm1(part.car[i]),
                "usd_low": base * np.expm1(low),
                "usd_high": base * np.expm1(high),
                "n_estimation": len(ESTIMATION),
                "roll": "",
            }
            rows.append(row)
    return pd.DataFrame(rows, columns=list(EFFECT_COLUMNS))


def ar_rows(ab: AbnormalReturns, table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    se = np.sqrt(ab.s2[:, None] * np.diagonal(ab.cov_factor, axis1=1, axis2=2))
    for i, w in itertools.product(range(len(ab)), range(len(ab.window))):
        values = (
            ab.event_ids[i],
            ab.assets[i],
            ab.window.start + w,
            table.index[ab.position[i] + ab.window.start + w].date().isoformat(),
            ab.ar[i, w],
            ab.sar[i, w],
            se[i, w],
            ab.returns[i, w],
            ab.expected[i, w],
            ab.ar[i, w] - 1.96 * se[i, w],
            ab.ar[i, w] + 1.96 * se[i, w],
            ab.window.start + w == 3,
        )
        rows.append(dict(zip(AR_COLUMNS, values, strict=True)))
    return pd.DataFrame(rows, columns=list(AR_COLUMNS))


def event_rows(
    events: tuple[dict[str, str], ...], assets: tuple[str, ...], effects: pd.DataFrame
) -> pd.DataFrame:
    head = effects[effects["window"] == str(WINDOWS[0])].set_index(["event_id", "asset"])
    rows = []
    for event, asset in itertools.product(events, assets):
        row: dict[str, object] = dict.fromkeys(ALIGNMENT_COLUMNS, "")
        row |= {"kind": "politics", "source": "the paper", "precision": "day"} | event
        row["asset"] = asset
        key = (event["event_id"], asset)
        for column in EFFECT_COLUMNS[3:]:
            if column not in {"window_start", "window_end"}:
                row[column] = head.loc[key, column] if key in head.index else np.nan
        row["ar0"] = row["effect"]
        rows.append(row)
    return pd.DataFrame(rows)


def provenance(table: pd.DataFrame) -> Provenance:
    series = tuple(
        SeriesRecord(
            name=name,
            title=f"{name} front month",
            unit="USD/bbl",
            kind="futures",
            source="made up",
            first="2024-06-03",
            last="2026-02-27",
            n_sessions=len(table),
            n_missing=0,
            n_masked_rolls=19,
            n_stale=0,
            as_of="2026-02-27",
            sha256="0" * 64,
        )
        for name in table.columns
    )
    return Provenance(
        versions=(("oil-eventstudy", "0.1.0"), ("numpy", "2.4.6")),
        study_sha256="1" * 64,
        events_sha256="2" * 64,
        prices_sha256="3" * 64,
        as_of="2026-02-27",
        series=series,
    )


TESTS = pd.DataFrame(
    [
        {
            "asset": "wti_front",
            "window": "[0,0]",
            "window_start": 0,
            "window_end": 0,
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
            "window": "[0,0]",
            "window_start": 0,
            "window_end": 0,
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
REGRESSION = pd.DataFrame(
    [
        {
            "asset": "wti_front",
            "group": "venezuela-intervention + opec-call",
            "event_ids": "venezuela-intervention; opec-call",
            "window": "[0,1]",
            "sessions": 2,
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
QUOTES = (
    QuoteRow(
        quote_id="q1",
        asset="wti_front",
        moment="2026-01-07T10:06:00+08:00",
        session="2026-01-07",
        base_session="2026-01-06",
        base_price=57.13,
        level=56.30,
        implied_change_pct=-1.453,
        quoted_change_pct=-1.45,
        agrees=True,
        sentence="56.30 against the settlement 57.13 is -1.453 %, as quoted.",
    ),
)
CLAIMS = (
    ClaimRow(
        claim_id="c1",
        title="A short and fragile pullback",
        asset="wti_front",
        event_id="paris-summit",
        window="[0,1]",
        direction="down",
        effect=-0.012,
        percent=-1.2,
        ci_low=-0.04,
        ci_high=0.02,
        pvalue=0.4,
        test="fhs",
        verdict="cannot be distinguished from noise",
        sentence="The pullback cannot be distinguished from noise at the 5 % level.",
    ),
)
REMARKS = (
    Note("moved", "storage-report", "moved from Saturday 2026-01-10 to 2026-01-12"),
    Note("masked", "wti_front", "19 roll sessions masked in the estimation window"),
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
    effects = effect_rows(ab, table)
    return StudyResult(
        name="made-up",
        title=title,
        settings={"study": {"name": "made-up"}, "report": report or {}},
        return_kind="log",
        level=0.05,
        windows=WINDOWS,
        events=event_rows(events, assets, effects),
        effects=effects,
        alternatives=effect_rows(alt, table),
        ar=ar_rows(ab, table),
        alternative_ar=ar_rows(alt, table),
        tests=TESTS,
        regression=REGRESSION,
        prices=table,
        abnormal=ab,
        provenance=provenance(table),
        placebos=placebos(ab),
        quotes=QUOTES,
        claims=CLAIMS,
        notes=REMARKS,
        units=dict.fromkeys(assets, "USD/bbl"),
    )


def placebos(ab: AbnormalReturns) -> tuple[PlaceboSample, ...]:
    s = np.sqrt(ab.s2)
    zero = -EVENT.start
    return tuple(
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
def many_events() -> Callable[[int], tuple[dict[str, str], ...]]:
    return many
