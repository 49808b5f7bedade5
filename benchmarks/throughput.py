"""Events per CPU second of a whole study beside a batched bound, a plain loop and a peer.

    python benchmarks/throughput.py [--peer PYTHON] [EVENTS ...]

Market model, 250 estimation sessions, event window [-10, 10], 30 assets of 2,500 sessions, five
named textbook tests, no filter and no joint regression. Each contender runs in a process of its
own, with one BLAS thread, on the same returns and events:

study   `run_study`, from loaded prices and events to every table of the result
bound   the same battery as bare numpy on arrays, written here: no table, no reason, no neighbour
loop    statsmodels OLS and the variance of the CAR, one event at a time (at most 1,000 events)
peer    the package `eventstudy` 0.1a12 (MacKinlay's t), under the interpreter given with --peer

The contenders that compute the same statistics must agree, or nothing is printed. CPU seconds
belong to the machine: quote ratios and exponents.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ASSETS, SESSIONS = 30, 2500
BEFORE, AFTER, LENGTH, GAP = 10, 10, 250, 10
FIRST = LENGTH + GAP + BEFORE + 1
WIDTH = BEFORE + 1 + AFTER
BLOCK = 256
EVENTS = (1_000, 10_000, 100_000)
CONTENDERS = ("study", "bound", "loop", "peer")
MOST = {"loop": 1_000, "peer": 10_000}
TESTS = ("cross_sectional_t", "patell", "bmp", "generalised_sign", "corrado_rank")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def simulate(events: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw returns (S, A) and of the market (S,), and asset and session of every event."""
    rng = np.random.default_rng(1)
    market = rng.standard_t(5, SESSIONS) * 0.01
    returns = 0.8 * market[:, None] + rng.standard_t(4, (SESSIONS, ASSETS)) * 0.02
    asset = rng.integers(0, ASSETS, events)
    session = rng.integers(FIRST, SESSIONS - AFTER, events)
    return returns, market, asset, session


def days() -> np.ndarray:
    """Weekdays, one per session."""
    return np.busday_offset("2010-01-04", np.arange(SESSIONS))


# ---- contenders: each makes a function that is timed, and one that gives what must agree


def study(events: int):
    """Run the public path."""
    import pandas as pd

    import eventstudy as es
    from eventstudy.inference.statistic import statistic
    from eventstudy.models.designs import MarketModel

    returns, market, asset, session = simulate(events)
    levels = 50 * np.exp(np.cumsum(np.column_stack([returns, market]), axis=0))
    names = [f"a{i}" for i in range(ASSETS)]
    index = pd.DatetimeIndex(days(), name="session")
    prices = es.load_prices(pd.DataFrame(levels, index=index, columns=[*names, "market"]))
    rows = {
        "event_id": [f"e{i}" for i in range(events)],
        "date": np.datetime_as_string(days()[session]),
        "asset": [names[i] for i in asset],
    }
    table = es.events_from_frame(pd.DataFrame(rows))
    design = es.Study(
        name="throughput", assets=names, model=MarketModel("market"),
        event_window=(-BEFORE, AFTER), estimation=LENGTH, gap=GAP, car=[(-BEFORE, AFTER)],
        tests=TESTS, single="t", joint=False,
    )  # fmt: skip

    def run() -> dict[str, float]:
        result = es.run_study(design, table, prices)
        # Windows of so many events overlap on an asset, so that the study refuses these tests after
        # its look at the sample; what they cost is timed all the same.
        sample = result.abnormal.restrict(es.Window(-BEFORE, AFTER))
        return {name: statistic(name).function(sample).value for name in TESTS}

    return run, dict


def bound(events: int):
    """Compute the battery on arrays, a block of events at a time."""
    returns, market, asset, session = simulate(events)
    by_asset = np.ascontiguousarray(returns.T)

    def run() -> dict[str, float]:
        parts = [
            _bound_block(by_asset, market, asset[i : i + BLOCK], session[i : i + BLOCK])
            for i in range(0, events, BLOCK)
        ]
        car, scar, positive, share = (np.concatenate(p) for p in list(zip(*parts, strict=True))[:4])
        ranks = sum(part[4] for part in parts) / events
        mean_rank = ranks - (LENGTH + WIDTH + 1) / 2
        df = LENGTH - 2
        p = share.mean()
        return {
            "cross_sectional_t": math.sqrt(events) * car.mean() / car.std(ddof=1),
            "patell": scar.sum() / math.sqrt(events * df / (df - 2)),
            "bmp": math.sqrt(events) * scar.mean() / scar.std(ddof=1),
            "generalised_sign": (positive.sum() - events * p) / math.sqrt(events * p * (1 - p)),
            "corrado_rank": math.sqrt(WIDTH)
            * mean_rank[LENGTH:].mean()
            / math.sqrt((mean_rank**2).mean()),
        }

    return run, dict


def _bound_block(returns, market, asset, session):
    estimation = session[:, None] + np.arange(-BEFORE - GAP - LENGTH, -BEFORE - GAP)
    window = session[:, None] + np.arange(-BEFORE, AFTER + 1)
    y, x = returns[asset[:, None], estimation], market[estimation]
    ahead = market[window]
    mean_x = x.mean(axis=1)
    x -= mean_x[:, None]
    mean_y = y.mean(axis=1)
    spread = np.vecdot(x, x)
    beta = np.vecdot(x, y) / spread
    residuals = y - mean_y[:, None] - beta[:, None] * x
    s2 = np.vecdot(residuals, residuals) / (LENGTH - 2)
    centred = ahead - mean_x[:, None]
    ar = returns[asset[:, None], window] - mean_y[:, None] - beta[:, None] * centred
    car = ar.sum(axis=1)
    forecast = WIDTH**2 / LENGTH + centred.sum(axis=1) ** 2 / spread
    scar = car / np.sqrt(s2 * (WIDTH + forecast))
    order = np.argsort(np.hstack([residuals, ar]), axis=1)
    ranks = np.empty(order.shape)
    np.put_along_axis(ranks, order, np.arange(1.0, order.shape[1] + 1)[None, :], axis=1)
    return car, scar, car > 0, (residuals > 0).mean(axis=1), ranks.sum(axis=0)


def loop(events: int):
    """Fit one event at a time with statsmodels."""
    import statsmodels.api as sm

    returns, market, asset, session = simulate(events)
    design = sm.add_constant(market)

    def run() -> dict[str, float]:
        scar = np.empty(events)
        for i, (a, at) in enumerate(zip(asset, session, strict=True)):
            before = slice(at - BEFORE - GAP - LENGTH, at - BEFORE - GAP)
            window = slice(at - BEFORE, at + AFTER + 1)
            fit = sm.OLS(returns[before, a], design[before]).fit()
            total = design[window].sum(axis=0)
            variance = fit.mse_resid * WIDTH + total @ fit.cov_params() @ total
            scar[i] = (returns[window, a] - fit.predict(design[window])).sum() / np.sqrt(variance)
        return {"bmp": math.sqrt(events) * scar.mean() / scar.std(ddof=1)}

    return run, dict


def peer(events: int):
    """Run the packaged peer: one object per event, MacKinlay's variance of the mean."""
    import pandas as pd

    import eventstudy

    if not hasattr(eventstudy, "Single"):
        sys.exit("the interpreter given with --peer does not hold the peer package")
    returns, market, asset, session = simulate(events)
    frame = pd.DataFrame(returns, columns=[f"a{i}" for i in range(ASSETS)])
    frame.insert(0, "date", np.datetime_as_string(days()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "returns.csv"
        frame.assign(market=market).to_csv(path, index=False)
        eventstudy.Single.import_returns(str(path))
    dates = days().astype("datetime64[ns]")[session]
    rows = [
        {"event_date": day, "security_ticker": f"a{i}", "market_ticker": "market"}
        for day, i in zip(dates, asset, strict=True)
    ]

    def run() -> dict[str, float]:
        found = eventstudy.Multiple.from_list(
            rows, eventstudy.Single.market_model, (-BEFORE, AFTER), LENGTH, GAP, ignore_errors=False
        )
        if len(found.sample) != events:
            sys.exit(f"the peer studied {len(found.sample)} of {events} events")
        return {}

    return run, dict


# ---- processes


def measure(contender: str, events: int) -> dict[str, object]:
    """Time one contender in this process."""
    make = globals()[contender]
    warm_up, _ = make(60)  # imports and caches are not what is measured
    warm_up()
    run, values_of = make(events)
    times, found = [], None
    for _ in range(3):
        started = time.process_time()
        found = run()
        times.append(time.process_time() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    values = {name: float(value) for name, value in values_of(found).items()}
    return {"cpu": min(times), "rss": peak, "values": values}


def spawn(contender: str, events: int, python: str) -> dict[str, object]:
    """Measure a contender in a process of its own."""
    env = os.environ | dict.fromkeys(THREADS, "1")
    if contender == "peer":
        env.pop("PYTHONPATH", None)
    done = subprocess.run(  # noqa: S603  # this file under an interpreter that the user names
        [python, __file__, "--contender", contender, str(events)],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{contender}, {events} events: {done.stderr.strip() or done.stdout.strip()}")
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def check(found: dict[str, dict[str, object]]) -> None:
    """Refuse to print numbers of contenders that disagree."""
    ours = found["study"]["values"]
    for name, one in found.items():
        for statistic, value in one["values"].items():
            if not math.isclose(ours[statistic], value, rel_tol=1e-8):
                sys.exit(f"{statistic}: {ours[statistic]!r} by study, {value!r} by {name}")


def report(results: dict[int, dict[str, dict[str, object]]]) -> None:
    """Print events per CPU second, ratios, memory and growth as a table."""
    names = [n for n in CONTENDERS if any(n in found for found in results.values())]
    print("| events | " + " | ".join(f"{n}, events/s" for n in names) + " | ", end="")
    print(" | ".join(f"study / {n}" for n in names[1:]) + " | study, MiB |")
    print("|" + " ---: |" * (2 * len(names) + 1))
    for events, found in results.items():
        rate = {n: events / one["cpu"] for n, one in found.items()}
        cells = [f"{events:,}"]
        cells += [f"{rate[n]:,.0f}" if n in rate else "" for n in names]
        cells += [f"{rate['study'] / rate[n]:.2f}" if n in rate else "" for n in names[1:]]
        print(f"| {' | '.join(cells)} | {found['study']['rss']:,.0f} |")
    sizes = list(results)
    for small, large in itertools.pairwise(sizes):
        grown = results[large]["study"]["cpu"] / results[small]["study"]["cpu"]
        power = math.log(grown) / math.log(large / small)
        print(f"\n{small:,} to {large:,} events: CPU time grows with the power {power:.2f}")


def main() -> None:
    """Measure every contender at every size."""
    parser = argparse.ArgumentParser(description="events per CPU second of a whole study")
    parser.add_argument("events", nargs="*", type=int, default=list(EVENTS))
    parser.add_argument("--peer", help="interpreter of an environment with the peer package")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contender:
        print(json.dumps(measure(given.contender, given.events[0])))
        return
    results: dict[int, dict[str, dict[str, object]]] = {}
    for events in given.events:
        results[events] = {
            name: spawn(name, events, (given.peer if name == "peer" else None) or sys.executable)
            for name in CONTENDERS
            if events <= MOST.get(name, events) and (name != "peer" or given.peer)
        }
        check(results[events])
    report(results)
    if not given.peer:
        print("\npeer: skipped, no --peer PYTHON with the package `eventstudy` 0.1a12 in it")


if __name__ == "__main__":
    main()
