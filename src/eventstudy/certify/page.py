"""A certificate as a page: what was run, what came out, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eventstudy.certify.rows import Certificate, CertificateRow

SIMULATED = ("closed form", "patell, simulated")
FIFTHS = ("all", "fifth 1", "fifth 2", "fifth 3", "fifth 4", "fifth 5")
SINGLE_NOTE = (
    "Every eligible session taken as an event (a draw of them in the quick form), by fifths "
    "of the volatility of the 20 sessions before over that of the estimation window, calm to "
    "turbulent. Constant mean over 250 sessions, gap 10; GARCH(1,1)-t on 1,000 sessions, "
    "fitted anew every 20. The first 1,260 sessions (history, estimation window, gap) are history "
    "only: on WTI from 1986 events begin in 1991. Band of VFC (one session) and FHS: 3.5 to 6.5.\n"
)
EVENTS_NOTE = (
    "Dates drawn anywhere and apart (independent), in clusters of up to five within ten "
    "sessions (clustered), or with a chance in proportion to the variance ratio before them "
    "(turbulent). Band of `overlap_z`, `shift_sharp` and `shift_mean`: 3.5 to 6.5. The "
    "textbook tests are shown although a study would refuse them where windows overlap.\n"
)
CLOSED_NOTE = (
    "`patell` where the event multiplies the variance by c (N = 20), and where assets are "
    "correlated by rho (N = 50): what theory says, and what the code does.\n"
)
MACKINLAY_NOTE = "Two-sided z test at 5 %, standard deviation 2 %, by closed form and simulated.\n"
POWER_NOTE = (
    "An effect on the first session of the window, in standard deviations as forecast for "
    "it; one event, and ten independent ones.\n"
)


def certificate_page(certificate: Certificate, *, figure: str = "") -> str:
    """Return a certificate as Markdown; `figure` is a path relative to the page."""
    panels: dict[str, list[CertificateRow]] = {}
    for row in certificate.rows:
        panels.setdefault(row.panel, []).append(row)
    made = [
        make(panels.get(panel, []))
        for panel, make in (
            ("single", _single), ("events", _events), ("closed", _closed),
            ("mackinlay", _mackinlay), ("power", _power),
        )
    ]  # fmt: skip
    shown = [f"![Size and power]({figure})\n"] if figure else []
    return "\n".join([_head(certificate), *shown, *made])


def _head(certificate: Certificate) -> str:
    outside = certificate.outside
    left = f"{len(outside)} rates leave their band"
    state = "every rate with a band keeps it" if certificate.ok else left
    listed = "".join(
        f"* {row.panel}, {row.cell}, `{row.test}`: {_percent(row)} outside "
        f"{100 * row.low:.1f} to {100 * row.high:.1f}\n"
        for row in outside
    )
    return (
        "# Size and power certificate\n\n"
        f"Made by `{certificate.command}`: {state}.\n\n"
        f"Series {certificate.series}, {certificate.sessions} returns, {certificate.first} to "
        f"{certificate.last}; {certificate.form} form, seed {certificate.seed}; returns sha256 "
        f"`{certificate.sha256[:16]}`. Rates are per cent rejected at a nominal 5 % where there "
        "is no effect. Bold: outside its band. A star: a naive test inside the bad range it is "
        f"known for, which proves that the harness sees a bad size.\n\n{listed}"
    )


def _single(rows: Sequence[CertificateRow]) -> str:
    lines = [
        (sessions, f"`{test}`", *_rates(rows, [f"{sessions} {group}" for group in FIFTHS], test))
        for sessions in dict.fromkeys(row.cell.split()[0] for row in rows)
        for test in dict.fromkeys(row.test for row in rows)
    ]
    names = ("window", "test", "all", "1", "2", "3", "4", "5")
    return _section("One event", SINGLE_NOTE, names, lines)


def _events(rows: Sequence[CertificateRow]) -> str:
    counts = sorted({int(n) for row in rows for n in re.findall(r"N=(\d+)", row.cell)})
    cells = [(d, n) for d in dict.fromkeys(row.cell.split()[0] for row in rows) for n in counts]
    lines = [
        (sessions, f"`{test}`", *_rates(rows, [f"{d} N={n} {sessions}" for d, n in cells], test))
        for sessions in sorted({row.cell.split()[-1] for row in rows})
        for test in dict.fromkeys(row.test for row in rows)
    ]
    names = ("window", "test", *(f"{d} {n}" for d, n in cells))
    return _section("N events on one asset", EVENTS_NOTE, names, lines)


def _closed(rows: Sequence[CertificateRow]) -> str:
    lines = [
        (cell, *(_rates(rows, [cell], test)[0] for test in SIMULATED))
        for cell in dict.fromkeys(row.cell for row in rows)
    ]
    return _section("Closed forms", CLOSED_NOTE, ("cell", "closed form", "simulated"), lines)


def _mackinlay(rows: Sequence[CertificateRow]) -> str:
    effects = tuple(dict.fromkeys(row.cell.partition("effect=")[2] for row in rows))
    lines = [
        (n.removeprefix("N="), test, *_rates(rows, [f"{n} effect={e}" for e in effects], test))
        for n in dict.fromkeys(row.cell.split()[0] for row in rows)
        for test in SIMULATED
    ]
    return _section("Power after MacKinlay (1997)", MACKINLAY_NOTE, ("N", "", *effects), lines)


def _power(rows: Sequence[CertificateRow]) -> str:
    points: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        place, _, effect = row.cell.partition(" effect=")
        shown = f"{effect.removesuffix(' sd')}: {100 * row.rejection:.0f}"
        points.setdefault((row.test, place), []).append(shown)
    lines = [(f"`{test}`", place, ", ".join(found)) for (test, place), found in points.items()]
    names = ("test", "design", "effect: per cent rejected")
    return _section("Power of the default tests", POWER_NOTE, names, lines)


def _section(title: str, note: str, names: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    head, *body = ("| " + " | ".join(cells) + " |" for cells in (names, *lines))
    return "\n".join([f"## {title}\n", note, head, "|" + "---|" * len(names), *body, ""])


def _rates(rows: Sequence[CertificateRow], cells: Sequence[str], test: str) -> list[str]:
    found = {row.cell: _percent(row) for row in reversed(rows) if row.test == test}
    return [found.get(cell, "") for cell in cells]


def _percent(row: CertificateRow) -> str:
    text = f"{100 * row.rejection:.1f}"
    if row.inside is False:
        return f"**{text}**"
    sizes = row.inside and row.panel in {"single", "events"}
    return f"{text}*" if sizes and not row.low < row.nominal < row.high else text
