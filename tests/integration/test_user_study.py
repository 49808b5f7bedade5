"""A user's own study, from CSV files to CSV files, against computations that share no code.

Every figure of ``tables/ar.csv``, ``tables/effects.csv``, ``tables/events.csv`` and
``tables/tests.csv`` is computed again here from the input files, with statsmodels for the fits and
plain loops for the rest.
"""

import bisect
import csv
import datetime as dt
import itertools
import json
import math
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from inprocess import run_here  # found by conftest.py
from scipy import stats

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-9


@dataclass(eq=False)
class Scenario:
    """A study as a user writes it down."""

    name: str
    assets: list
    events: list  # (event_id, ISO date, asset or "")
    kind: str = "returns"
    returns: str = "log"
    model: str = "market"
    event: tuple = (-5, 5)
    estimation: int = 120
    gap: int = 10
    car: tuple = ((0, 0), (-1, 1), (-5, 5))
    exclude: bool = False
    sessions: list = field(default_factory=list)
    columns: dict = field(default_factory=dict)  # name -> list of float or None


def weekdays(n, start=dt.date(2015, 1, 5)):
    days, day = [], start
    while len(days) < n:
        if day.weekday() < 5 and not (day.month == 12 and day.day == 25):
            days.append(day.isoformat())
        day += dt.timedelta(days=1)
    return days


def figures(rng, n_assets, n, *, missing=0.0):
    """Returns with one common factor, unequal volatility, correlated errors and holes."""
    market = 0.0003 + 0.01 * rng.standard_t(5, n) / math.sqrt(5 / 3)
    common = rng.normal(0, 0.006, n)
    columns = {}
    for i in range(n_assets):
        own = rng.normal(0, 0.008 + 0.001 * i, n)
        values = 0.0002 + (0.5 + 0.05 * i) * market + common + own
        columns[f"a{i + 1:02d}"] = [None if rng.random() < missing else float(v) for v in values]
    columns["index"] = [float(v) for v in market]
    return columns


def as_prices(columns, start=80.0):
    """Prices with those log returns, a hole where a return was missing."""
    out = {}
    for name, values in columns.items():
        level, prices = start, []
        for value in values:
            level *= math.exp(value or 0.0)
            prices.append(None if value is None else round(level, 4))
        out[name] = prices
    return out


def thirty_by_thirty():
    """30 assets, 30 events, one market series; an asset per event; some dates on weekends."""
    rng = np.random.default_rng(20)
    case = Scenario("thirty", [f"a{i + 1:02d}" for i in range(30)], [])
    case.sessions, case.columns = weekdays(900), figures(rng, 30, 900)
    for i in range(30):
        at = int(rng.integers(200, 880))
        day = dt.date.fromisoformat(case.sessions[at])
        if i % 6 == 0:  # a Saturday
            day += dt.timedelta(days=5 - day.weekday())
        case.events.append((f"event-{i + 1:02d}", day.isoformat(), case.assets[i]))
    return case


def thirty_missing():
    """The same with 4 % of the returns missing and every event on three assets."""
    rng = np.random.default_rng(21)
    case = Scenario("missing", [f"a{i + 1:02d}" for i in range(3)], [])
    case.sessions, case.columns = weekdays(1_500), figures(rng, 3, 1_500, missing=0.04)
    for i in range(30):
        at = 150 + 44 * i
        for a in case.assets:  # an event window with no return at all would be dropped
            case.columns[a][at] = case.columns[a][at] or 0.004
        case.events.append((f"event-{i + 1:02d}", case.sessions[at], ""))
    return case


def twenty_four_on_eight():
    """24 events on 8 assets, three each, from prices with holes, simple returns."""
    rng = np.random.default_rng(22)
    case = Scenario(
        "recurring", [f"a{i + 1:02d}" for i in range(8)], [], kind="prices", returns="simple",
        estimation=100, gap=5, car=((0, 1), (0, 4)), event=(-2, 6), exclude=True,
    )  # fmt: skip
    case.sessions = weekdays(800)
    case.columns = as_prices(figures(rng, 8, 800, missing=0.01))
    for i in range(24):
        at = 160 + 26 * i
        name = case.assets[i % 8]
        for t in (at - 1, at):
            case.columns[name][t] = case.columns[name][t] or case.columns[name][t - 3] or 80.0
        case.events.append((f"event-{i + 1:02d}", case.sessions[at], name))
    return case


def common_date():
    """One event on twelve assets, log returns of prices, constant mean."""
    rng = np.random.default_rng(23)
    case = Scenario(
        "common", [f"a{i + 1:02d}" for i in range(12)], [("shock", "2016-02-13", "")],
        kind="prices", model="constant-mean", car=((0, 0), (0, 2)), event=(0, 5), gap=0,
    )  # fmt: skip
    case.sessions = weekdays(400)
    case.columns = as_prices(figures(rng, 12, 400))
    return case


def common_date_by_rows():
    """Twenty-two events on one date, one on each of as many assets, returns given as simple."""
    rng = np.random.default_rng(25)
    case = Scenario("rows", [f"a{i + 1:02d}" for i in range(22)], [], returns="simple",
                    car=((0, 0), (-2, 2)), event=(-2, 2), estimation=150)  # fmt: skip
    case.sessions, case.columns = weekdays(300), figures(rng, 22, 300, missing=0.01)
    for i, asset in enumerate(case.assets):
        case.columns[asset][220] = case.columns[asset][220] or 0.01
        case.events.append((f"event-{i + 1:02d}", case.sessions[220], asset))
    return case


def overlapping():
    """Ten events on one asset whose windows overlap."""
    rng = np.random.default_rng(24)
    case = Scenario(
        "overlap", ["a01"], [], model="market-adjusted", car=((0, 0), (0, 4)), event=(0, 4),
        estimation=80,
    )  # fmt: skip
    case.sessions, case.columns = weekdays(700), figures(rng, 1, 700)
    at = 200
    for i in range(10):
        case.events.append((f"event-{i + 1:02d}", case.sessions[at], ""))
        at += 2 if i % 3 else 40
    return case


SCENARIOS = {
    f.__name__: f
    for f in (
        thirty_by_thirty,
        thirty_missing,
        twenty_four_on_eight,
        common_date,
        common_date_by_rows,
        overlapping,
    )
}
MODELS = {
    "market": '[model]\nkind = "market"\nmarket = "index"\n',
    "market-adjusted": '[model]\nkind = "market-adjusted"\nmarket = "index"\n',
    "constant-mean": '[model]\nkind = "constant-mean"\n',
}


def write_inputs(case, folder):
    """Write the three files of a study by hand."""
    with (folder / "events.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["event_id", "date", "title", "kind", "asset"])
        for event_id, date, asset in case.events:
            writer.writerow([event_id, date, f"Title of {event_id}", "test", asset])
    names = [*case.assets, "index"]
    with (folder / "figures.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["session", *names])
        for t, session in enumerate(case.sessions):
            cells = [case.columns[n][t] for n in names]
            writer.writerow([session, *("" if c is None else repr(c) for c in cells)])
    text = "\n".join(
        [
            "[study]", f'name = "{case.name}"', f"assets = {json.dumps(case.assets)}",
            "[data]", 'events = "events.csv"', 'prices = "figures.csv"', f'kind = "{case.kind}"',
            "[windows]", f"event = {list(case.event)}", f"estimation = {case.estimation}",
            f"gap = {case.gap}", f"car = {[list(w) for w in case.car]}",
            f"exclude_events = {json.dumps(case.exclude)}",
            "[returns]", f'kind = "{case.returns}"',
            MODELS[case.model],
            "[inference]", 'tests = "all"', "seed = 3", "draws = 199", 'filter = "ewma"',
            "[report]", "events = 1", 'figures = "pdf"', "",
        ]
    )  # fmt: skip
    (folder / "study.toml").write_text(text)
    return folder / "study.toml"


def run_command(study, out):
    done = run_here("run", str(study), "--out", str(out), cwd=study.parent)
    assert done.returncode == 0, done.stderr
    found = list(out.rglob("events.csv"))
    assert len(found) == 1, found
    return found[0].parent


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def number(cell):
    return float(cell) if cell not in ("", None) else math.nan


def close(got, want, what):
    if want is None or (isinstance(want, float) and math.isnan(want)):
        assert got == "" or math.isnan(number(got)), f"{what}: {got} but nothing was expected"
        return
    value = number(got)
    assert value == pytest.approx(want, rel=TOLERANCE, abs=TOLERANCE), f"{what}: {value} != {want}"


@dataclass(eq=False)
class Naive:
    """One event on one asset, computed again."""

    event_id: str
    asset: str
    at: int
    resid: list  # estimation window by relative session, None where there is none
    ar: dict  # tau -> value or None
    ret: dict
    expected: dict
    se: dict
    design: dict  # tau -> regressors
    cov: np.ndarray  # covariance of the parameters
    s2: float
    n: int
    k: int
    history: list  # abnormal return of every session before a given one, by position
    levels: list

    @property
    def df(self):
        return self.n - self.k

    def taus(self, window):
        return [t for t in range(window[0], window[1] + 1) if self.ar[t] is not None]

    def car(self, window):
        return sum(self.ar[t] for t in self.taus(window))

    def variance(self, window):
        taus = self.taus(window)
        total = self.s2 * len(taus)
        if self.k:
            x = sum(np.array(self.design[t]) for t in taus)
            total += float(x @ self.cov @ x)
        return total

    def scar(self, window):
        return self.car(window) / math.sqrt(self.variance(window))


@cache
def returns_of(case):
    out = {}
    for name, values in case.columns.items():
        if case.kind == "returns":
            out[name] = list(values)
            continue
        row = [None]
        for before, now in itertools.pairwise(values):
            if before is None or now is None:
                row.append(None)
            elif case.returns == "log":
                row.append(math.log(now / before))
            else:
                row.append(now / before - 1.0)
        out[name] = row
    return out


def regressors(case, returns, t):
    if case.model == "market":
        return None if returns["index"][t] is None else [1.0, returns["index"][t]]
    if case.model == "constant-mean":
        return [1.0]
    return []


def naive_pairs(case):
    returns = returns_of(case)
    offset = returns["index"] if case.model == "market-adjusted" else None
    places = {e: bisect.bisect_left(case.sessions, d) for e, d, _ in case.events}
    pairs = []
    for asset in case.assets:  # the abnormal returns are held by asset, then by event
        for event_id, _, own in case.events:
            if own in ("", asset):
                mine = [places[e] for e, _, o in case.events if o in ("", asset)]
                pairs.append(one_pair(case, returns, offset, event_id, asset, places[event_id],
                                      mine))  # fmt: skip
    return pairs


def one_pair(case, returns, offset, event_id, asset, at, events_here):
    r = returns[asset]
    y = [
        None if r[t] is None or (offset and offset[t] is None) else r[t] - (offset[t] if offset
                                                                          else 0.0)
        for t in range(len(r))
    ]  # fmt: skip
    last = at + case.event[0] - case.gap - 1
    span = range(last - case.estimation + 1, last + 1)
    busy = set()
    if case.exclude:
        for other in events_here:
            busy |= set(range(other + case.event[0], other + case.event[1] + 1))
    x_all = [regressors(case, returns, t) for t in range(len(r))]
    rows = [t for t in span if y[t] is not None and x_all[t] is not None and t not in busy]
    k = len(x_all[rows[0]])
    if k:
        fit = sm.OLS([y[t] for t in rows], np.array([x_all[t] for t in rows])).fit()
        params, cov, s2 = fit.params, fit.cov_params(), fit.mse_resid
    else:
        params, cov = np.zeros(0), np.zeros((0, 0))
        s2 = sum(y[t] ** 2 for t in rows) / len(rows)
    resid = [y[t] - float(np.dot(x_all[t], params)) if t in set(rows) else None for t in span]
    pair = Naive(event_id, asset, at, resid, {}, {}, {}, {}, {}, cov, float(s2), len(rows), k, [],
                 case.columns[asset])  # fmt: skip
    for tau in range(case.event[0], case.event[1] + 1):
        t = at + tau
        pair.ret[tau] = r[t] if t < len(r) else None
        pair.design[tau] = x_all[t] if t < len(r) else None
        usable = t < len(r) and y[t] is not None and x_all[t] is not None
        pair.ar[tau] = y[t] - float(np.dot(x_all[t], params)) if usable else None
        if t < len(r) and x_all[t] is not None:
            base = float(np.dot(x_all[t], params)) + (offset[t] if offset else 0.0)
            pair.expected[tau] = base
        if k and usable:
            prediction = fit.get_prediction(np.array([x_all[t]]))
            pair.se[tau] = float(prediction.se_obs[0])
        elif usable:
            pair.se[tau] = math.sqrt(s2)
    pair.history = [
        None if y[t] is None or x_all[t] is None else y[t] - float(np.dot(x_all[t], params))
        for t in range(len(r))
    ]
    return pair


# ---------------------------------------------------------------------------------------------
# One event


def check_ar(case, pairs, rows):
    by_key = {(r["event_id"], r["asset"], int(r["tau"])): r for r in rows}
    assert len(by_key) == len(rows)
    assert len(rows) == len(pairs) * (case.event[1] - case.event[0] + 1)
    for p in pairs:
        quantile = stats.t.isf(0.025, p.df)
        for tau, ar in p.ar.items():
            row, what = by_key[p.event_id, p.asset, tau], f"{p.event_id} {p.asset} {tau}"
            assert row["session"] == case.sessions[p.at + tau], what
            close(row["ar"], ar, what)
            close(row["return"], p.ret[tau], what)
            if ar is None:
                close(row["sar"], None, what)
                continue
            close(row["expected"], p.expected[tau], what)
            close(row["se"], p.se[tau], what)
            close(row["sar"], ar / p.se[tau], what)
            close(row["ci_low"], ar - quantile * p.se[tau], what)
            close(row["ci_high"], ar + quantile * p.se[tau], what)


def sq_pvalue(p, window):
    """Share of sums of consecutive residuals at least as large as the CAR."""
    residuals = [e for e in p.resid if e is not None]
    w, car = len(p.taus(window)), abs(p.car(window))
    sums = [sum(residuals[i : i + w]) for i in range(len(residuals) - w + 1)]
    return (1 + sum(abs(s) >= car for s in sums)) / (len(sums) + 1)


def vfc_pvalue(p, window, decay=0.94):
    """Volatility-filtered conformal p of an EWMA filter, session by session."""
    before = [e for e in p.history[: p.at + window[0]] if e is not None][-1000:]
    first = [e * e for e in before[:75]]
    weights = [decay**j for j in range(len(first))]
    h = sum(a * b for a, b in zip(first, weights, strict=True)) / sum(weights)
    h = decay * h + (1 - decay) * h
    sigma = []
    for e in before:
        sigma.append(math.sqrt(h))
        h = decay * h + (1 - decay) * e * e
    w = len(p.taus(window))
    # an EWMA forecasts the same variance for every session ahead
    scaled = [
        sum(before[i : i + w]) / (sigma[i] * math.sqrt(w)) for i in range(len(before) - w + 1)
    ]
    now = abs(p.car(window)) / (math.sqrt(h) * math.sqrt(w))
    return (1 + sum(abs(z) >= now for z in scaled)) / (len(scaled) + 1)


def conformal_pvalue(case, p, window):
    """Cyclic shifts of the residuals of a fit on estimation and window sessions together."""
    taus = p.taus(window)
    returns = returns_of(case)
    offset = returns["index"] if case.model == "market-adjusted" else None
    last = p.at + case.event[0] - case.gap - 1
    span = [last - case.estimation + 1 + j for j, e in enumerate(p.resid) if e is not None]
    span += [p.at + tau for tau in taus]
    y = [returns[p.asset][t] - (offset[t] if offset else 0.0) for t in span]
    e = y
    if p.k:
        x = np.array([regressors(case, returns, t) for t in span])
        e = list(sm.OLS(y, x).fit().resid)
    n, w = len(e), len(taus)
    sums = [abs(sum(e[(s + j) % n] for j in range(w))) for s in range(n)]
    observed = abs(sum(e[-w:]))
    return sum(s >= observed * (1 - 1e-12) for s in sums) / n


def check_effects(case, pairs, rows):
    by_key = {(r["event_id"], r["asset"], r["window"]): r for r in rows}
    assert len(by_key) == len(rows)
    for p in pairs:
        for window in case.car:
            row = by_key[p.event_id, p.asset, f"[{window[0]},{window[1]}]"]
            check_effect(case, p, window, row)


def check_effect(case, p, window, row):
    what = f"{p.event_id} {p.asset} {window}"
    se, quantile = math.sqrt(p.variance(window)), stats.t.isf(0.025, p.df)
    effect = p.car(window)
    assert row["session"] == case.sessions[p.at], what
    assert int(row["n_sessions"]) == len(p.taus(window)), what
    assert int(row["n_estimation"]) == p.n, what
    assert int(row["df"]) == p.df, what
    close(row["effect"], effect, what)
    close(row["se"], se, what)
    close(row["t"], effect / se, what)
    close(row["p_t"], 2 * stats.t.sf(abs(effect / se), p.df), what)
    close(row["ci_t_low"], effect - quantile * se, what)
    close(row["ci_t_high"], effect + quantile * se, what)
    close(row["mde_t"], (quantile + stats.t.isf(0.2, p.df)) * se, what)
    close(row["p_sq"], sq_pvalue(p, window), what)
    close(row["p_vfc"], vfc_pvalue(p, window), what)
    close(row["p_conformal"], conformal_pvalue(case, p, window), what)
    assert number(row["ci_low"]) < effect < number(row["ci_high"]), what
    assert row["filter"] == "ewma", what
    percent = 100 * (math.exp(effect) - 1) if case.returns == "log" else 100 * effect
    close(row["percent"], percent, what)
    base = p.levels[p.at + window[0] - 1] if case.kind == "prices" else None
    close(row["base_price"], base, what)
    close(row["usd"], None if base is None else base * percent / 100, what)


def check_events(case, pairs, rows):
    by_key = {(r["event_id"], r["asset"]): r for r in rows}
    assert len(by_key) == len(rows) == len(pairs)
    dates = {e: d for e, d, _ in case.events}
    for p in pairs:
        row, what = by_key[p.event_id, p.asset], f"{p.event_id} {p.asset}"
        assert row["session"] == case.sessions[p.at], what
        assert row["title"] == f"Title of {p.event_id}", what
        moved = dates[p.event_id] != case.sessions[p.at]
        assert row["moved_from"] == (dates[p.event_id] if moved else ""), what
        if row["state"] != "confounded":
            assert row["state"] == ("moved" if moved else "kept"), what
        close(row["ar0"], p.ar[0], what)
        for window in case.car:
            suffix = f"{window[0]}_{window[1]}"
            close(row[f"car_{suffix}"], p.car(window), what)
            close(row[f"se_{suffix}"], math.sqrt(p.variance(window)), what)
            close(row[f"t_{suffix}"], p.scar(window), what)
            close(row[f"p_sq_{suffix}"], sq_pvalue(p, window), what)
        head = case.car[0]
        close(row["effect"], p.car(head), what)
        close(row["se"], math.sqrt(p.variance(head)), what)
        close(row["t"], p.scar(head), what)
        close(row["p_t"], 2 * stats.t.sf(abs(p.scar(head)), p.df), what)


# ---------------------------------------------------------------------------------------------
# Many events: each function returns value, degrees of freedom or None, p-value


def by_t(value, df):
    return value, df, 2 * stats.t.sf(abs(value), df)


def by_normal(value):
    return value, None, 2 * stats.norm.sf(abs(value))


def sd(values):
    m = sum(values) / len(values)
    return math.sqrt(sum((v - m) ** 2 for v in values) / (len(values) - 1))


def time_series_t(ps, w):
    caar = sum(p.car(w) for p in ps) / len(ps)
    return by_t(caar / (math.sqrt(sum(p.variance(w) for p in ps)) / len(ps)),
                min(p.df for p in ps))  # fmt: skip


def crude_dependence_t(ps, w):
    aar = []
    for j in range(len(ps[0].resid)):
        live = [p.resid[j] for p in ps if p.resid[j] is not None]
        if live:
            aar.append(sum(live) / len(live))
    n_w = sum(any(p.ar[t] is not None for p in ps) for t in range(w[0], w[1] + 1))
    caar = sum(p.car(w) for p in ps) / len(ps)
    return by_t(caar / (sd(aar) * math.sqrt(n_w)), len(aar) - 1)


def t_of_mean(values):
    n = len(values)
    return by_t(sum(values) / n / (sd(values) / math.sqrt(n)), n - 1)


def cross_sectional_t(ps, w):
    return t_of_mean([p.car(w) for p in ps])


def patell(ps, w):
    q = sum(p.df / (p.df - 2) for p in ps)
    return by_normal(sum(p.scar(w) for p in ps) / math.sqrt(q))


def patell_sum_sar(ps, w):
    q = sum(p.df / (p.df - 2) for p in ps)
    total = sum(sum(p.ar[t] / p.se[t] for t in p.taus(w)) / math.sqrt(len(p.taus(w))) for p in ps)
    return by_normal(total / math.sqrt(q))


@cache
def correlation(a, b):
    """Of the residuals of two pairs matched by calendar session."""
    one = {a.at + j: e for j, e in enumerate(a.resid) if e is not None}
    two = {b.at + j: e for j, e in enumerate(b.resid) if e is not None}
    both = sorted(set(one) & set(two))
    if len(both) < 30:
        return 0.0
    return float(np.corrcoef([one[t] for t in both], [two[t] for t in both])[0, 1])


def rbar(ps, w, *, overlap=False):
    total, pairs = 0.0, 0
    for i in range(len(ps)):
        for j in range(i):
            a, b = ps[i], ps[j]
            if overlap:
                rho = 1.0 if a.asset == b.asset else correlation(a, b)
                common = {a.at + t for t in a.taus(w)} & {b.at + t for t in b.taus(w)}
                rho *= len(common) / math.sqrt(len(a.taus(w)) * len(b.taus(w)))
            else:
                rho = correlation(a, b)
            total, pairs = total + rho, pairs + 1
    return total / pairs


def patell_kp(ps, w, *, overlap=False):
    return by_normal(patell(ps, w)[0] / math.sqrt(1 + (len(ps) - 1) * rbar(ps, w, overlap=overlap)))


def bmp(ps, w):
    return t_of_mean([p.scar(w) for p in ps])


def bmp_kp(ps, w, *, overlap=False):
    r, n = rbar(ps, w, overlap=overlap), len(ps)
    return by_t(bmp(ps, w)[0] * math.sqrt((1 - r) / (1 + (n - 1) * r)), n - 1)


def skew_parts(values):
    n, s = len(values), sd(values)
    mean = sum(values) / n
    g = n / ((n - 1) * (n - 2)) * sum((v - mean) ** 3 for v in values) / s**3
    return n, mean / s, g


def johnson_t(ps, w):
    n, s, g = skew_parts([p.car(w) for p in ps])
    return by_t(math.sqrt(n) * (s + g * s**2 / 3 + g / (6 * n)), n - 1)


def hall_t(ps, w):
    n, s, g = skew_parts([p.car(w) for p in ps])
    return by_normal(math.sqrt(n) * (s + g * s**2 / 3 + g**2 * s**3 / 27 + g / (6 * n)))


def joined(p, w):
    return [*p.resid, *(p.ar[t] for t in range(w[0], w[1] + 1))]


def ranks_of(row):
    """Midranks of what is there, by counting what is smaller and what is equal."""
    live = sorted(v for v in row if v is not None)
    ranks = []
    for v in row:
        smaller = None if v is None else bisect.bisect_left(live, v)
        ranks.append(
            None if v is None else smaller + (bisect.bisect_right(live, v) - smaller + 1) / 2
        )
    return ranks, len(live)


def score_statistic(scores, w, *, root):
    """Sum scores over events by session, event part over the root mean square of all."""
    n = len(scores)
    series = []
    for t in range(len(scores[0])):
        live = [s[t] for s in scores if s[t] is not None]
        if live:
            series.append((t, sum(live) / (math.sqrt(len(live)) if root else n)))
    s = math.sqrt(sum(v * v for _, v in series) / len(series))
    first = len(scores[0]) - (w[1] - w[0] + 1)
    event = [v for t, v in series if t >= first]
    return by_normal(sum(event) / len(event) * math.sqrt(len(event)) / s)


def corrado_rank(ps, w):
    scores = []
    for p in ps:
        ranks, count = ranks_of(joined(p, w))
        scores.append([None if k is None else k - (count + 1) / 2 for k in ranks])
    return score_statistic(scores, w, root=False)


def corrado_zivney_rank(ps, w):
    scores = []
    for p in ps:
        ranks, count = ranks_of(joined(p, w))
        scores.append([None if k is None else k / (1 + count) - 0.5 for k in ranks])
    return score_statistic(scores, w, root=True)


def corrado_zivney_sign(ps, w):
    scores = []
    for p in ps:
        row = joined(p, w)
        live = sorted(v for v in row if v is not None)
        h = len(live) // 2
        median = live[h] if len(live) % 2 else (live[h - 1] + live[h]) / 2
        scores.append([None if v is None else float((v > median) - (v < median)) for v in row])
    return score_statistic(scores, w, root=True)


def grank_scores(ps, w):
    spread = sd([p.scar(w) for p in ps])
    out, counts = [], []
    for p in ps:
        s = math.sqrt(p.s2)
        row = [None if e is None else e / s for e in p.resid] + [p.scar(w) / spread]
        ranks, count = ranks_of(row)
        out.append([None if k is None else k / (count + 1) - 0.5 for k in ranks])
        counts.append(count)
    return out, counts


def grank_t(ps, w):
    scores, _ = grank_scores(ps, w)
    total, terms = 0.0, 0
    for t in range(len(scores[0])):
        live = [s[t] for s in scores if s[t] is not None]
        if live:
            total += len(live) / len(ps) * (sum(live) / len(live)) ** 2
            terms += 1
    z = sum(s[-1] for s in scores) / len(ps) / math.sqrt(total / terms)
    return by_t(z * math.sqrt((terms - 2) / (terms - 1 - z * z)), terms - 2)


def grank_z(ps, w):
    scores, counts = grank_scores(ps, w)
    n, mean = len(ps), sum(s[-1] for s in scores) / len(ps)
    variance = sum((t - 1) / (t + 1) for t in counts) / (12 * n * n)
    return by_normal(mean / math.sqrt(variance))


def sign(ps, w):
    n, plus = len(ps), sum(p.car(w) > 0 for p in ps)
    value = (plus - n / 2) / math.sqrt(n / 4)
    if n < 25:
        return value, None, stats.binomtest(plus, n).pvalue
    return by_normal(value)


def generalised_sign(ps, w):
    n, plus = len(ps), sum(p.car(w) > 0 for p in ps)
    share = sum(sum(e > 0 for e in p.resid if e is not None) / p.n for p in ps) / n
    return by_normal((plus - n * share) / math.sqrt(n * share * (1 - share)))


def wilcoxon(ps, w):
    found = stats.wilcoxon(
        [p.car(w) for p in ps], method="exact" if len(ps) <= 25 else "approx", correction=False
    )
    return found.statistic, None, found.pvalue


def bhars(ps, w, kind):
    values = []
    for p in ps:
        held = expected = 1.0
        for t in p.taus(w):
            held *= math.exp(p.ret[t]) if kind == "log" else 1 + p.ret[t]
            expected *= math.exp(p.expected[t]) if kind == "log" else 1 + p.expected[t]
        values.append(held - expected)
    return values


def bhar_t(ps, w, *, kind):
    return t_of_mean(bhars(ps, w, kind))


def bhar_skew_t(ps, w, *, kind):
    n, s, g = skew_parts(bhars(ps, w, kind))
    return by_t(math.sqrt(n) * (s + g * s**2 / 3 + g / (6 * n)), n - 1)


def calendar_time_t(ps, w):
    """Mean AR of the open windows by calendar session, over the sd of the same pairs' residuals."""
    live = sorted({p.at + t for p in ps for t in p.taus(w)})
    length, values = len(ps[0].resid), []
    for day in live:
        held = [p for p in ps if w[0] <= day - p.at <= w[1] and p.ar[day - p.at] is not None]
        mean = sum(p.ar[day - p.at] for p in held) / len(held)
        # residual j of a pair lies on the session at + (start of the estimation window) + j
        first, last = max(p.at for p in held), min(p.at for p in held) + length - 1
        series = []
        for session in range(first, last + 1):
            found = [p.resid[session - p.at] for p in held]
            found = [e for e in found if e is not None]
            if found:
                series.append(sum(found) / len(found))
        values.append(mean / sd(series))
    return t_of_mean(values)


# ---------------------------------------------------------------------------------------------
# All dates of one asset, on returns filtered with an EWMA that is started anew every 125 sessions


def filtered(returns, decay=0.94):
    """``(r - m) / sigma`` of each session by what came before; None for the first 75."""
    z = [None] * len(returns)
    live = [t for t, r in enumerate(returns) if r is not None]
    for start in range(75, len(live), 125):
        past = [returns[t] for t in live[max(0, start - 1000) : start]]
        mean = sum(past) / len(past)
        block = [r - mean for r in past]
        block += [returns[t] - mean for t in live[start : start + 125]]
        weights = [decay**j for j in range(75)]
        h = sum(w * e * e for w, e in zip(weights, block, strict=False)) / sum(weights)
        for place, e in enumerate(block):
            if place >= len(past):
                z[live[start + place - len(past)]] = e / math.sqrt(h)
            h = decay * h + (1 - decay) * e * e
    return z


def dated_parts(case, ps, w):
    """Standardised filtered returns from the first one on, and the windows over each session."""
    returns = returns_of(case)
    adjusted = [a - b for a, b in zip(returns[ps[0].asset], returns["index"], strict=True)]
    z = filtered(adjusted)
    start = next(t for t, v in enumerate(z) if v is not None)
    z = z[start:]
    mean, spread = sum(z) / len(z), sd(z)
    cover = [0] * len(z)
    for p in ps:
        for tau in range(w[0], w[1] + 1):
            cover[p.at + tau - start] += 1
    return [(v - mean) / spread for v in z], cover, [p.at + w[0] - start for p in ps]


def share(values):
    return sum(abs(v) >= abs(values[0]) * (1 - 1e-9) for v in values) / len(values)


def overlap_z(case, ps, w):
    x, d, _ = dated_parts(case, ps, w)
    total = sum(a * b for a, b in zip(x, d, strict=True))
    return by_normal(total / math.sqrt(sum(k * k for k in d)))


def shift_sharp(case, ps, w):
    x, d, _ = dated_parts(case, ps, w)
    n = len(x)
    hits = [(t, k) for t, k in enumerate(d) if k]
    sums = [sum(k * x[(t + s) % n] for t, k in hits) for s in range(n)]
    return sums[0] / math.sqrt(sum(v * v for v in sums) / n), None, share(sums)


def shift_mean(case, ps, w):
    x, _, first = dated_parts(case, ps, w)
    n, length = len(x), w[1] - w[0] + 1
    values = []
    for s in range(n):
        sums = [sum(x[(f + s + j) % n] for j in range(length)) for f in first]
        values.append(sum(sums) / len(sums) / (sd(sums) / math.sqrt(len(sums))))
    return values[0], None, share(values)


def shift_variance(case, ps, w):
    x, d, _ = dated_parts(case, ps, w)
    n, hits = len(x), [t for t, k in enumerate(d) if k]
    means = [sum(abs(x[(t + s) % n]) for t in hits) / len(hits) for s in range(n)]
    ordinary = [abs(v) for v, k in zip(x, d, strict=True) if not k]
    middle = sum(means) / n
    return means[0] / (sum(ordinary) / len(ordinary)), None, share([m - middle for m in means])


def brown_forsythe(case, ps, w):
    x, d, _ = dated_parts(case, ps, w)
    inside = [v for v, k in zip(x, d, strict=True) if k]
    outside = [v for v, k in zip(x, d, strict=True) if not k]
    found = stats.levene(inside, outside, center="median")
    return found.statistic, len(x) - 2, found.pvalue


def episode_bmp(case, ps, w):
    x, _, first = dated_parts(case, ps, w)
    length, merged = w[1] - w[0] + 1, []
    for f in sorted(first):
        if merged and f - merged[-1][-1] < length:
            merged[-1].append(f)
        else:
            merged.append([f])
    scores = []
    for starts in merged:
        d = {}
        for f in starts:
            for j in range(length):
                d[f + j] = d.get(f + j, 0) + 1
        total = sum(k * x[t] for t, k in d.items())
        scores.append(total / math.sqrt(sum(k * k for k in d.values())))
    return t_of_mean(scores)


DATED = {
    "overlap_z": overlap_z,
    "shift_sharp": shift_sharp,
    "shift_mean": shift_mean,
    "shift_variance": shift_variance,
    "brown_forsythe": brown_forsythe,
    "episode_bmp": episode_bmp,
}

BATTERY = {
    "time_series_t": time_series_t,
    "crude_dependence_t": crude_dependence_t,
    "cross_sectional_t": cross_sectional_t,
    "patell": patell,
    "patell_sum_sar": patell_sum_sar,
    "patell_kp": patell_kp,
    "patell_kp_overlap": lambda ps, w: patell_kp(ps, w, overlap=True),
    "bmp": bmp,
    "bmp_kp": bmp_kp,
    "bmp_kp_overlap": lambda ps, w: bmp_kp(ps, w, overlap=True),
    "johnson_t": johnson_t,
    "hall_t": hall_t,
    "corrado_rank": corrado_rank,
    "corrado_zivney_rank": corrado_zivney_rank,
    "corrado_zivney_sign": corrado_zivney_sign,
    "grank_t": grank_t,
    "grank_z": grank_z,
    "sign": sign,
    "generalised_sign": generalised_sign,
    "wilcoxon": wilcoxon,
    "calendar_time_t": calendar_time_t,
    "bhar_t": bhar_t,
    "bhar_skew_t": bhar_skew_t,
}


def check_tests(case, pairs, rows):
    by_key = {(r["asset"], r["window"], r["statistic"]): r for r in rows}
    assert len(by_key) == len(rows)
    groups = {"all": pairs} if len(case.assets) > 1 else {case.assets[0]: pairs}
    if len(case.assets) > 1:
        for asset in case.assets:
            mine = [p for p in pairs if p.asset == asset]
            if len(mine) > 1:
                groups[asset] = mine
    assert {k[0] for k in by_key} == set(groups)
    compared = 0
    for label, ps in groups.items():
        for w in case.car:
            for name, compute in BATTERY.items():
                row = by_key[label, f"[{w[0]},{w[1]}]", name]
                what = f"{name} {label} {w} ({row['verdict']}: {row['reason']})"
                compared += check_statistic(case, ps, w, name, compute, row, what)
    if len(case.assets) == 1 and case.model == "market-adjusted":
        check_dated(case, pairs, by_key)
    assert compared > len(BATTERY) * len(groups) * len(case.car) / 2
    assert {r["statistic"] for r in rows} >= set(BATTERY)


def check_dated(case, ps, by_key):
    """Tests over all dates, where nothing but the filter stands between returns and test."""
    for w in case.car:
        for name, compute in DATED.items():
            row = by_key[ps[0].asset, f"[{w[0]},{w[1]}]", name]
            what = f"{name} {w} ({row['verdict']}: {row['reason']})"
            value, df, pvalue = compute(case, ps, w)
            close(row["value"], value, what)
            close(row["pvalue"], pvalue, what)
            close(row["df"], df, what)


def check_statistic(case, ps, w, name, compute, row, what):
    if row["value"] == "":  # nothing that could be computed: the reason must say why
        assert row["reason"], what
        return 0
    extra = {"kind": case.returns} if name.startswith("bhar") else {}
    value, df, pvalue = compute(ps, w, **extra)
    close(row["value"], value, what)
    close(row["pvalue"], pvalue, what)
    close(row["df"], df, what)
    assert int(float(row["n"])) == len(ps), what
    return 1


def check_json(tables):
    """The same numbers stand in ``result.json``, to the last digit."""
    result = json.loads((tables.parent / "result.json").read_text())
    for name in ("events", "effects", "ar", "tests"):
        rows = table(tables / f"{name}.csv")
        assert len(rows) == len(result[name]), name
        for row, twin in zip(rows, result[name], strict=True):
            assert set(row) == set(twin), name
            for key, cell in row.items():
                if isinstance(twin[key], float):
                    assert float(cell) == twin[key], (name, key)
                elif twin[key] is None:
                    assert cell == "", (name, key)


@pytest.mark.parametrize("name", SCENARIOS)
def test_tables_of_a_users_own_study(name, tmp_path):
    case = SCENARIOS[name]()
    study = write_inputs(case, tmp_path)
    tables = run_command(study, tmp_path / "out")
    pairs = naive_pairs(case)
    check_ar(case, pairs, table(tables / "ar.csv"))
    check_effects(case, pairs, table(tables / "effects.csv"))
    check_events(case, pairs, table(tables / "events.csv"))
    check_tests(case, pairs, table(tables / "tests.csv"))
    check_json(tables)
