"""The price store beside plain SQLite: import, refresh and as-of reads of many revised series.

Run ``python benchmarks/store.py`` for 5 series, ``--series 50 --revisions 20`` for a large store.
Times are printed as ratios to a plain table of the same closes, so that machines compare.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from eventstudy.prices.records import Bar, StoredSeries
from eventstudy.prices.store import Store

FIRST = datetime(2026, 1, 5, 23, tzinfo=UTC)


def timed(what: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    what()
    return time.perf_counter() - start


def bars_of(days: list[str], shift: float) -> list[Bar]:
    """Return bars with four prices and a volume."""
    return [
        Bar(day, 60 + shift + n % 97 / 100, 60 + shift, 62 + shift, 59 + shift, 1000.0 + n)
        for n, day in enumerate(days)
    ]


def main() -> None:
    """Fill a store and a plain table; print times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=5)
    parser.add_argument("--days", type=int, default=10_000)
    parser.add_argument("--revisions", type=int, default=20)
    given = parser.parse_args()
    start = np.datetime64("1986-01-02")
    days = [str(day) for day in np.busday_offset(start, np.arange(given.days), roll="forward")]
    names = [f"s{number}" for number in range(given.series)]
    with tempfile.TemporaryDirectory() as folder:
        plain = sqlite3.connect(Path(folder) / "plain.sqlite")
        plain.execute("CREATE TABLE bars (s, d, o, h, l, c, v, PRIMARY KEY (s, d)) WITHOUT ROWID")
        rows = [(b.stamp, b.open, b.high, b.low, b.close, b.volume) for b in bars_of(days, 0)]

        def fill_plain() -> None:
            with plain:
                for name in names:
                    plain.executemany(
                        "INSERT OR REPLACE INTO bars VALUES (?, ?, ?, ?, ?, ?, ?)",
                        [(name, *row) for row in rows],
                    )

        def read_plain() -> None:
            plain.execute("SELECT * FROM bars WHERE s = 's0' ORDER BY d").fetchall()

        base, base_read = timed(fill_plain), timed(read_plain)
        with Store(Path(folder) / "store.sqlite") as store:

            def write(shift: float, moment: datetime, chosen: list[Bar] | None = None) -> None:
                for name in names:
                    with store.transaction():
                        store.put_series(StoredSeries(name, name, "USD/bbl", "futures"))
                        bars = chosen or bars_of(days, shift)
                        store.put_bars(name, bars, source="x", seen_at=moment)

            print(f"import            {timed(lambda: write(0, FIRST)) / base:8.1f} x plain")
            print(f"read              {timed(lambda: store.read('s0')) / base_read:8.1f} x plain")
            last = bars_of(days, 0)[-10:]
            for number in range(1, given.revisions + 1):
                moment = FIRST + timedelta(days=number)
                took = timed(lambda n=number, m=moment: write(n / 10, m))  # type: ignore[misc]
                last = bars_of(days, number / 10)[-10:]
                if number in (1, given.revisions):
                    size = store.query("PRAGMA page_count")[0][0] * 4096 / 1e6
                    read = timed(lambda: store.read("s0", asof=FIRST))
                    daily = timed(lambda m=moment, b=last: write(0, m, b))  # type: ignore[misc]
                    print(f"revision {number:4d}     {took / base:8.1f} x plain, {size:.1f} MB")
                    print(f"  as of the first {read / base_read:8.1f} x plain read")
                    print(f"  daily refresh   {1000 * daily / len(names):8.1f} ms a series")


if __name__ == "__main__":
    main()
