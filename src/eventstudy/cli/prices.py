"""``eventstudy prices``: what the store holds, whether it can be trusted, files in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eventstudy.cli.options import asof_option, json_option, now, store_option, store_path
from eventstudy.cli.output import echo, note, print_json, print_rows, print_table
from eventstudy.cli.refresh import print_revisions
from eventstudy.products import main_calendar, product_names

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.prices.quality import Finding
    from eventstudy.prices.store import Store


@click.group()
def prices() -> None:
    """Show, check, import and export the prices of the store."""


@prices.command("list")
@store_option
@json_option
def list_series(store: str | None, *, as_json: bool) -> None:
    """List the series of the store."""
    with _open(store) as opened:
        rows = []
        for item in opened.series():
            frame = opened.read(item.symbol)
            ends = [str(frame.index[0]), str(frame.index[-1])] if len(frame) else ["-", "-"]
            corrected = str(len(opened.revisions(item.symbol)))
            what = [item.symbol, item.kind, item.unit, item.calendar, item.roll or "-"]
            rows.append([*what, str(len(frame)), *ends, corrected, item.title])
    header = ["series", "kind", "unit", "calendar", "rolls", "bars", "from", "to", "corrected",
              "what"]  # fmt: skip
    print_rows(header, rows, as_json=as_json, right=(5, 8))


@prices.command()
@click.argument("symbol")
@store_option
@asof_option
@click.option("--interval", default="1d", show_default=True, help="1d, 1h, 5m or 1m.")
@click.option("--provisional", is_flag=True, help="Include bars that have not settled.")
@click.option("--last", default=10, show_default=True, help="How many of the newest bars; 0: all.")
@json_option
def show(symbol: str, store: str | None, last: int, *, as_json: bool, **asked: Any) -> None:  # noqa: ANN401  # click checked them
    """Print the bars of SYMBOL, now or as they stood."""
    with _open(store) as opened:
        opened.one_series(symbol)
        frame = opened.read(symbol, **asked)
    rows = [
        [str(stamp), *(_number(row[name]) for name in ("open", "high", "low", "close", "volume")),
         "provisional" if row["provisional"] else "final", row["source"], row["first_seen"]]
        for stamp, row in frame.iloc[-last if last else 0 :].iterrows()
    ]  # fmt: skip
    header = ["session", "open", "high", "low", "close", "volume", "state", "source", "first seen"]
    print_rows(header, rows, as_json=as_json, right=(1, 2, 3, 4, 5))


@prices.command()
@click.argument("symbol")
@store_option
@json_option
def revisions(symbol: str, store: str | None, *, as_json: bool) -> None:
    """Print every correction of a settled value of SYMBOL."""
    from dataclasses import asdict

    with _open(store) as opened:
        opened.one_series(symbol)
        found = opened.revisions(symbol)
    if as_json:
        print_json([asdict(item) for item in found])
    else:
        print_revisions(found)


@prices.command()
@store_option
@json_option
def runs(store: str | None, *, as_json: bool) -> None:
    """Print the newest refresh runs."""
    from eventstudy.prices.runs import runs as read_runs

    with _open(store) as opened:
        rows = [
            [str(run.number), run.started, run.finished or "cut off", str(run.exit_code)]
            for run in read_runs(opened)
        ]
    print_rows(["run", "started", "finished", "exit code"], rows, as_json=as_json)


@prices.command()
@click.argument("symbols", nargs=-1)
@store_option
@click.option("--against", help="FILE:COLUMN with the same thing from another source.")
@click.option("--notes", is_flag=True, help="Show explained findings too.")
@json_option
def check(
    symbols: tuple[str, ...], store: str | None, against: str | None, *, notes: bool, as_json: bool
) -> int:
    """Check SYMBOLS, or everything: gaps, stale runs, outliers, rolls, other sources, lateness.

    Every bundled series is compared with the bundled data too, unless --against names others.
    Exit code 4 when there is an error among the findings. Nothing is repaired: `prices accept`
    writes the proposals that you accept into price_overrides.csv beside the store.
    """
    found = _findings(symbols, store, against)
    shown = [item for item in found if notes or item.severity != "note"]
    header = ["key", "series", "check", "severity", "session", "finding", "proposal"]
    rows = [
        [f.key, f.symbol, f.check, f.severity, f.session, f.detail, _proposal(f)] for f in shown
    ]
    print_rows(header, rows, as_json=as_json)
    counts = {level: sum(f.severity == level for f in found) for level in ("error", "warning")}
    note(
        f"{counts['error']} error(s), {counts['warning']} warning(s), "
        f"{len(found) - sum(counts.values())} note(s)"
    )
    return 4 if counts["error"] else 0


@prices.command()
@click.argument("keys", nargs=-1, required=True)
@store_option
@click.option("--against", help="As in the check that gave the keys.")
@click.option("--symbol", help="The series that was checked with --against.")
def accept(
    keys: tuple[str, ...], store: str | None, against: str | None, symbol: str | None
) -> None:
    """Accept the proposals with these KEYS of `prices check` into the override file."""
    from eventstudy.errors import UnknownNameError, did_you_mean
    from eventstudy.prices.quality import accept as write_overrides
    from eventstudy.prices.quality import override_file

    symbols = (symbol,) if symbol else ()
    found = {item.key: item for item in _findings(symbols, store, against) if item.proposal}
    for key in keys:
        if key not in found:
            msg = f"no finding {key!r} with a proposal: {did_you_mean(key, found)}"
            raise UnknownNameError(msg)
    path = override_file(store_path(store))
    new = write_overrides([found[key] for key in keys], path)
    for item in new:
        echo(f"{item.symbol} {item.session}: {item.action} {_number(item.value)}".rstrip())
    echo(f"wrote {path}")


@prices.command("import")
@click.argument("file", type=click.Path())
@click.option("--unit", required=True, help="Unit of every column, such as USD/bbl.")
@click.option("--source", required=True, help="Who publishes the values.")
@click.option("--kind", default="futures", show_default=True, help="futures, spot, index, ...")
@click.option(
    "--calendar", default="file", show_default=True, help="A settlement calendar, or file."
)
@click.option("--column", "columns", multiple=True, help="Only this column.")
@click.option("--accept", multiple=True, help="Import COLUMN although validation would stop it.")
@click.option("--reason", default="", help="Why, recorded with what --accept imports.")
@store_option
def import_prices(file: str, store: str | None, **given: Any) -> None:  # noqa: ANN401  # click checked them
    """Import a wide CSV or Parquet FILE, all of it or nothing.

    Exit code 4 when a column cannot be the series that the store holds under its name.
    """
    from eventstudy.prices.files import import_file
    from eventstudy.prices.runs import refresh_lock
    from eventstudy.prices.store import Store

    path = store_path(store)
    with refresh_lock(path), Store(path) as opened:
        written = import_file(opened, Path(file), seen_at=now(), **given)
    rows = [[name, str(w.added), str(len(w.revisions))] for name, w in written.items()]
    print_table(["series", "new", "revised"], rows, right=(1, 2))


@prices.command()
@click.argument("file", type=click.Path())
@click.argument("symbols", nargs=-1)
@store_option
@asof_option
@click.option("--bars", is_flag=True, help="Every bar as a row, instead of a column per series.")
@click.option("--interval", default="1d", show_default=True, help="With --bars: 1d, 1h, 5m, 1m.")
def export(
    file: str,
    symbols: tuple[str, ...],
    store: str | None,
    asof: str | None,
    *,
    bars: bool,
    interval: str,
) -> None:
    """Export SYMBOLS, or everything, to FILE: Parquet where it ends in .parquet, else CSV."""
    from eventstudy.prices.files import export as write_file
    from eventstudy.prices.files import long_table, wide_table

    with _open(store) as opened:
        names = symbols or tuple(item.symbol for item in opened.series())
        if not names:
            from eventstudy.errors import StoreError

            msg = f"{opened.path} is empty: run 'eventstudy refresh' first"
            raise StoreError(msg)
        if bars:
            table = long_table(opened, names, interval=interval, asof=asof)
        else:
            table = wide_table(opened, names, asof=asof)
    write_file(table.set_index("symbol") if bars else table, Path(file))
    echo(f"wrote {file}: {len(table)} rows")


@prices.command()
@click.argument("file", type=click.Path())
@store_option
def backup(file: str, store: str | None) -> None:
    """Copy the store to a new FILE, whole and checked, while others may read and write it.

    The copy is a store: restore it by naming it with --store, or by moving it into place.
    """
    with _open(store) as opened:
        opened.backup(Path(file))
    echo(f"wrote {file}")


@prices.command("repair-stamps")
@store_option
@click.option("--after", help="Stamps after this moment (with a zone) are wrong; else after now.")
@click.option("--dry-run", is_flag=True, help="Show the stamps; change nothing.")
def repair_stamps(store: str | None, after: str | None, *, dry_run: bool) -> None:
    """Move stamps of a clock that ran ahead to the present, in their order.

    Values and their order stay. Old and new stamps are recorded in the store. Set the clock first.
    """
    from eventstudy.prices.records import moment_of
    from eventstudy.prices.runs import refresh_lock
    from eventstudy.prices.store import Store

    limit = moment_of(after, "--after") if after else None
    path = store_path(store)
    if dry_run:
        with _open(store) as opened:
            changed = dict.fromkeys(opened.stamps_after(limit or now()), "the present")
    else:
        _open(store).close()  # there is a store to repair
        with refresh_lock(path), Store(path) as opened:
            changed = opened.repair_stamps(now=now(), after=limit)
    print_table(["stamp", "becomes"], [[old, new] for old, new in changed.items()])
    note(f"{len(changed)} stamp(s) {'would change' if dry_run else 'changed'}")


@prices.command()
@store_option
@json_option
def acceptances(store: str | None, *, as_json: bool) -> None:
    """List the batches that were accepted although validation would have stopped them."""
    from eventstudy.prices.runs import acceptances as read_acceptances

    with _open(store) as opened:
        rows = [
            [item.seen_at, item.symbol, item.interval, item.source, item.faults, item.reason]
            for item in read_acceptances(opened)
        ]
    header = ["seen at", "series", "interval", "source", "found", "reason"]
    print_rows(header, rows, as_json=as_json)


@prices.command()
@click.argument("product", type=click.Choice(product_names()))
@store_option
@asof_option
@click.option("--count", default=12, show_default=True, help="How many contracts.")
@click.option("--last", default=5, show_default=True, help="How many of the newest sessions.")
@json_option
def curve(
    product: str, store: str | None, asof: str | None, count: int, last: int, *, as_json: bool
) -> None:
    """Print the term structure: front contract, prices by distance, 1-2 spread, slope a year."""
    from eventstudy.prices.continuous import term_structure
    from eventstudy.prices.contracts import contract_symbol
    from eventstudy.prices.loading import contract_panel

    with _open(store) as opened:
        shape = term_structure(contract_panel(opened, product, asof=asof), count=count)
    spread, slope = shape.spread(1, 2), shape.slope(1, count)
    rows = [
        [str(shape.sessions[i]), contract_symbol(product, int(shape.fronts[i])),
         *(_number(price) for price in shape.prices[i]), _number(spread[i]), _percent(slope[i])]
        for i in range(max(0, len(shape.sessions) - last), len(shape.sessions))
    ]  # fmt: skip
    numbers = [str(number) for number in range(1, count + 1)]
    header = ["session", "front", *numbers, "1-2", f"slope 1-{count}"]
    print_rows(header, rows, as_json=as_json, right=range(2, count + 4))


def _open(store: str | None) -> Store:
    from eventstudy.prices.store import Store

    return Store(store_path(store), read_only=True)


def _findings(
    symbols: tuple[str, ...], store: str | None, against: str | None
) -> tuple[Finding, ...]:
    from eventstudy.prices.quality import check_store

    if against and len(symbols) != 1:
        msg = "--against needs exactly one series"
        raise click.UsageError(msg)
    others = {symbols[0]: _other(against)} if against else _bundled()
    with _open(store) as opened:
        opened.check_integrity()
        return check_store(opened, symbols, now=now(), events=_event_days(), against=others)


def _bundled() -> dict[str, dict[str, pd.Series]]:
    """Return the bundled data of each series as another source of the same thing."""
    import pandas as pd

    from eventstudy.prices.datasets import list_datasets

    found: dict[str, dict[str, pd.Series]] = {}
    for item in list_datasets():
        frame = item.read()
        days = pd.Index(pd.DatetimeIndex(frame.index).strftime("%Y-%m-%d"))
        for name in item.columns:
            found.setdefault(name, {})[item.name] = frame[name].set_axis(days).dropna()
    return found


def _event_days() -> dict[str, str]:
    """Return the titles of catalogued events by the WTI sessions that they can have moved.

    An event known to the day may move that session or the next one.
    """
    from eventstudy.calendars import settlement_calendar
    from eventstudy.events.catalogue import catalogue

    dated = [(event.date, event.title) for event in catalogue().events if event.date]
    calendar = settlement_calendar(main_calendar(), min(dated)[0], now().date())
    days: dict[str, str] = {}
    for day, title in dated:
        position = calendar.on_or_after(day)
        for session in calendar.sessions[position : position + 2]:
            days.setdefault(str(session), title)
    return days


def _other(against: str) -> dict[str, pd.Series]:
    from eventstudy.errors import UnknownNameError, did_you_mean
    from eventstudy.prices.quality import closes_of_file

    path, _, column = against.rpartition(":")
    columns = closes_of_file(path or against)
    if column not in columns:
        msg = f"no column {column!r} in {path}: {did_you_mean(column, columns)}"
        raise UnknownNameError(msg)
    return {column: columns[column]}


def _proposal(finding: Finding) -> str:
    value = "" if finding.value is None else f" {finding.value:g}"
    return f"{finding.proposal}{value}" if finding.proposal else "-"


def _number(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:g}"  # noqa: PLR0124  # NaN


def _percent(value: float) -> str:
    return "" if value != value else f"{value:+.1%}"  # noqa: PLR0124  # NaN
