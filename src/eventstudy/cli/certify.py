"""``eventstudy certify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eventstudy.cli.options import json_option, quiet_option
from eventstudy.cli.output import note, print_json, print_table, progress_display, writing

if TYPE_CHECKING:
    from eventstudy.arrays import FloatArray
    from eventstudy.certify import Certificate
    from eventstudy.certify.run import Form

DEFAULT_SERIES = "wti-spot-1986"
FILES = ("certificate.json", "certificate.md", "certificate.svg", "certificate.png")


@click.command()
@click.option("--quick", is_flag=True, help="About a minute: fewer samples, wider bands.")
@click.option("--series", default=DEFAULT_SERIES, help="A dataset, CSV or Parquet file of prices.")
@click.option("--column", help="Which of its series; the first by default.")
@click.option("--seed", type=click.IntRange(min=0), default=1, help="Seed of every draw.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes; all cores by default.")
@click.option("--out", help="Folder for table, page and figure; an interrupted run resumes there.")
@json_option
@quiet_option
def certify(
    series: str,
    column: str | None,
    seed: int,
    jobs: int | None,
    out: str | None,
    *,
    quick: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure the size and power of the tests on real sessions.

    Every rejection rate that has a band is compared with it: exit code 1 where one leaves it.
    """
    from eventstudy.certify import certify as run

    name, first, last, returns = _returns(series, column, quiet=quiet)
    form: Form = "quick" if quick else "full"
    command = f"eventstudy certify{' --quick' if quick else ''} --series {series} --seed {seed}"
    folder = Path(out) if out else None
    if folder:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    with progress_display(quiet=quiet) as progress:
        certificate = run(
            returns, series=name, first=first, last=last, form=form, seed=seed, jobs=jobs,
            keep=folder / "parts" if folder else None, command=command, progress=progress,
        )  # fmt: skip
    if folder:
        _write(certificate, folder)
    if as_json:
        print_json(certificate.to_dict())
    else:
        _print(certificate)
    if not quiet:
        state = "inside" if certificate.ok else "NOT inside"
        note(f"{form} certificate on {name}: {state} the bands")
    if not certificate.ok:
        raise SystemExit(1)


def _returns(source: str, column: str | None, *, quiet: bool) -> tuple[str, str, str, FloatArray]:
    """Load one series as log returns; returns beside a price that is not positive are left out."""
    import numpy as np

    from eventstudy.prices.loading import load_prices

    prices = load_prices(source)
    name = column or str(prices.frame.columns[0])
    prices.require((name,))
    level = prices.frame[name].dropna()
    positive = level.to_numpy() > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = np.diff(np.log(np.where(positive, level.to_numpy(), np.nan)))
    lost = int((~np.isfinite(returns)).sum())
    if lost and not quiet:
        note(f"{lost} returns beside a price that is not positive left out")
    first, last = (str(level.index[at].date()) for at in (0, -1))
    return f"{prices.source}, {name}", first, last, returns


def _write(certificate: Certificate, folder: Path) -> None:
    """Write the certificate as JSON, page and figure."""
    import json

    from eventstudy.certify.page import certificate_page
    from eventstudy.charts.certificate import plot_certificate
    from eventstudy.charts.style import render

    figure = plot_certificate(certificate)
    text = json.dumps(certificate.to_dict(), indent=1) + "\n"
    page = certificate_page(certificate, figure="certificate.svg")
    contents = (text.encode(), page.encode(), render(figure, "svg"), render(figure, "png"))
    for name, content in zip(FILES, contents, strict=True):
        (folder / name).write_bytes(content)


def _print(certificate: Certificate) -> None:
    """Print the rates that have a band, and those of the design panels."""
    rows = [
        [
            row.panel, row.cell, row.test, f"{100 * row.rejection:.1f}", str(row.n or "exact"),
            "" if row.inside is None else f"{100 * row.low:.1f}-{100 * row.high:.1f}",
            {True: "inside", False: "OUTSIDE", None: ""}[row.inside],
        ]
        for row in certificate.rows
    ]  # fmt: skip
    print_table(["panel", "cell", "test", "%", "n", "band", ""], rows, right=(3, 4))
