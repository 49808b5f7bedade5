"""``eventstudy methods``."""

from __future__ import annotations

import click

from eventstudy.cli.options import json_option
from eventstudy.cli.output import echo, print_json, print_table


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
