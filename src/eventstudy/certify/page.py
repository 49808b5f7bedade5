"""A certificate as a page: what was run, what came out, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eventstudy.certify.rows import Certificate, CertificateRow

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
    parts = [_head(certificate)]
    if figure:
        parts.append(f"![Size and power]({figure})\n")
    parts += [
        _single(certificate),
        _events(certificate),
        _closed(certificate),
        _mackinlay(certificate),
        _power(certificate),
    ]
    return "\n".join(parts)


def _head(certificate: Certificate) -> str:
    outside = certificate.outside
    state = (
        "every rate with a band keeps it"
        if certificate.ok
        else (f"{len(outside)} rates leave their band")
    )
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


def _single(certificate: Certificate) -> str:
    rows = _panel(certificate, "single")
    lines = [
        "## One event\n",
        SINGLE_NOTE,
        _header(("window", "test", "all", "1", "2", "3", "4", "5")),
    ]
    for sessions in dict.fromkeys(row.cell.split()[0] for row in rows):
        for test in dict.fromkeys(row.test for row in rows):
            cells = [_find(rows, f"{sessions} {group}", test) for group in FIFTHS]
            lines.append(_line((sessions, f"`{test}`", *map(_percent, cells))))
    return "\n".join([*lines, ""])


def _events(certificate: Certificate) -> str:
    rows = _panel(certificate, "events")
    counts = sorted({int(n) for row in rows for n in re.findall(r"N=(\d+)", row.cell)})
    lines = [
        "## N events on one asset\n",
        EVENTS_NOTE,
        _header(("window", "test", *(f"{d} {n}" for d in _designs(rows) for n in counts))),
    ]
    for sessions in sorted({row.cell.split()[-1] for row in rows}):
        for test in dict.fromkeys(row.test for row in rows):
            cells = [
                _find(rows, f"{design} N={n} {sessions}", test)
                for design in _designs(rows)
                for n in counts
            ]
            lines.append(_line((sessions, f"`{test}`", *map(_percent, cells))))
    return "\n".join([*lines, ""])


def _designs(rows: Sequence[CertificateRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.cell.split()[0] for row in rows))


def _closed(certificate: Certificate) -> str:
    rows = _panel(certificate, "closed")
    lines = ["## Closed forms\n", CLOSED_NOTE, _header(("cell", "closed form", "simulated"))]
    for cell in dict.fromkeys(row.cell for row in rows):
        found = [_find(rows, cell, test) for test in ("closed form", "patell, simulated")]
        lines.append(_line((cell, *map(_percent, found))))
    return "\n".join([*lines, ""])


def _mackinlay(certificate: Certificate) -> str:
    rows = _panel(certificate, "mackinlay")
    effects = tuple(dict.fromkeys(row.cell.partition("effect=")[2] for row in rows))
    lines = ["## Power after MacKinlay (1997)\n", MACKINLAY_NOTE, _header(("N", "", *effects))]
    for n in dict.fromkeys(row.cell.split()[0] for row in rows):
        for test in ("closed form", "patell, simulated"):
            found = [_find(rows, f"{n} effect={effect}", test) for effect in effects]
            lines.append(_line((n.removeprefix("N="), test, *map(_percent, found))))
    return "\n".join([*lines, ""])


def _power(certificate: Certificate) -> str:
    rows = _panel(certificate, "power")
    lines = [
        "## Power of the default tests\n",
        POWER_NOTE,
        _header(("test", "design", "effect: per cent rejected")),
    ]
    places = dict.fromkeys((row.test, row.cell.partition(" effect=")[0]) for row in rows)
    for test, place in places:
        points = [
            f"{row.cell.partition('effect=')[2].removesuffix(' sd')}: {100 * row.rejection:.0f}"
            for row in rows
            if row.test == test and row.cell.startswith(f"{place} ")
        ]
        lines.append(_line((f"`{test}`", place, ", ".join(points))))
    return "\n".join([*lines, ""])


def _panel(certificate: Certificate, name: str) -> list[CertificateRow]:
    return [row for row in certificate.rows if row.panel == name]


def _find(rows: Sequence[CertificateRow], cell: str, test: str) -> CertificateRow | None:
    return next((row for row in rows if (row.cell, row.test) == (cell, test)), None)


def _percent(row: CertificateRow | None) -> str:
    if row is None:
        return ""
    text = f"{100 * row.rejection:.1f}"
    if row.inside is False:
        return f"**{text}**"
    naive = (
        row.inside and row.panel in {"single", "events"} and not row.low < row.nominal < row.high
    )
    return f"{text}*" if naive else text


def _header(names: Sequence[str]) -> str:
    return "\n".join([_line(names), "|" + "---|" * len(names)])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
