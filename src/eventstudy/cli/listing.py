"""Commands that list what is in the package: ``eventstudy datasets`` and ``methods``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eventstudy.cli.options import json_option
from eventstudy.cli.output import echo, print_json, print_table, writing
from eventstudy.errors import OutputError

if TYPE_CHECKING:
    from eventstudy.prices.datasets import Dataset


@click.command()
@click.argument("name", required=False)
@click.option("--export", type=click.Path(), help="Write the data to this CSV file.")
@json_option
def datasets(name: str | None, export: str | None, *, as_json: bool) -> None:
    """List the bundled datasets, or describe one: series, units, publishers, known oddities."""
    from eventstudy.prices.datasets import dataset, list_datasets

    if export is not None and name is None:
        msg = "--export needs the name of a dataset"
        raise click.UsageError(msg)
    chosen = [dataset(name)] if name else list(list_datasets())
    if export is not None:
        _export(chosen[0], Path(export))
    elif as_json:
        print_json([_described(item) for item in chosen])
    elif name:
        _describe(chosen[0])
    else:
        rows = [[d.name, ", ".join(d.columns), d.as_of.isoformat(), d.title] for d in chosen]
        print_table(["dataset", "series", "to", "what"], rows)


def _export(item: Dataset, path: Path) -> None:
    from eventstudy.tables import write_csv

    if path.exists():
        msg = f"{path} exists: choose another name"
        raise OutputError(msg)
    with writing(path):
        write_csv(item.read().reset_index(), path)
    echo(f"wrote {path}")


def _describe(item: Dataset) -> None:
    echo(f"{item.name}: {item.title}\n{item.note}\nsha256 {item.sha256}, to {item.as_of}\n")
    rows = [[s.name, s.kind, s.unit, s.roll or "-", s.publisher, s.title] for s in item.series]
    print_table(["series", "kind", "unit", "rolls", "published by", "what"], rows)
    oddities = [[s.name, day.isoformat(), what] for s in item.series for day, what in s.oddities]
    if oddities:
        echo("\nKnown oddities:")
        print_table(["series", "session", "what"], oddities)


def _described(item: Dataset) -> dict[str, Any]:
    return {
        "name": item.name,
        "title": item.title,
        "as_of": item.as_of.isoformat(),
        "sha256": item.sha256,
        "series": [
            {k: getattr(s, k) for k in ("name", "title", "unit", "kind", "publisher", "roll")}
            | {"oddities": [[day.isoformat(), what] for day, what in s.oddities]}
            for s in item.series
        ],
    }  # fmt: skip


@click.command()
@click.argument("name", required=False)
@json_option
@click.option("--markdown", is_flag=True, help="Print the page of the documents.")
def methods(name: str | None, *, as_json: bool, markdown: bool) -> None:
    """List every statistic, or explain one: null hypothesis, formula, distribution, paper."""
    from eventstudy.inference.statistic import statistic, statistics
    from eventstudy.inference.texts import SCOPES, described, explained, methods_page

    if markdown:
        echo(methods_page(), nl=False)
        return
    chosen = [statistic(name)] if name else list(statistics())
    if as_json:
        print_json([described(entry) for entry in chosen])
    elif name:
        echo(explained(chosen[0]))
    else:
        rows = [[entry.name, SCOPES[entry.scope], entry.meaning] for entry in chosen]
        print_table(["statistic", "for", "what it asks"], rows)
