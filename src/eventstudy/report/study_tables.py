"""Tables of a report: their layout, and those that concern the study as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from eventstudy.charts.glyphs import transliterate
from eventstudy.formats import TYPESET, listed, true_minus
from eventstudy.report.wording import claim_lead, quote_lead
from eventstudy.results import tables

if TYPE_CHECKING:
    from eventstudy.results import StudyResult

R = TypeVar("R")
MAX_NAMES = 3
MAX_LETTERS = 400
MAX_PLACES = 6
MAX_ROWS = 300
_LONG = re.compile(r"[^\s\-/]{26,}")


@dataclass(frozen=True, slots=True)
class ReportColumn(Generic[R]):
    """A column of a report table; `cell` makes its text from a row.

    `share` is its share of the spare width. With `right` it holds numbers: they are flushed right,
    and it is shown even where all are missing. Rows that differ in a column that `merges` alone are
    one.
    """

    heading: str
    cell: Callable[[R], str]
    share: int = 0
    right: bool = False
    merges: bool = False


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table as the template reads it."""

    columns: list[str]
    right: list[bool]
    share: list[int]
    rows: list[list[str]]
    note: str = ""


def numbers(heading: str, cell: Callable[[R], str]) -> ReportColumn[R]:
    """Declare a column of numbers."""
    return ReportColumn(heading, cell, right=True)


def report_table(
    columns: Sequence[ReportColumn[R]],
    rows: Sequence[R],
    *,
    note: str = "",
    most: int = MAX_ROWS,
    where: str = "tables/",
) -> ReportTable:
    """Lay rows out as text, with a note below.

    Beyond `most` rows the note says how many are left out and that the file `where` holds them. A
    column of text that is empty in every row is not shown.
    """
    merging = next((k for k, column in enumerate(columns) if column.merges), None)
    lines = [_line(columns, row) for row in (rows if merging is not None else rows[:most])]
    merged = lines if merging is None else _merged(lines, merging)
    total, shown = len(rows) if merging is None else len(merged), merged[:most]
    held = [k for k, c in enumerate(columns) if c.right or any(line[k] for line in shown)]
    cut = f"{total - len(shown)} more rows are in {where}." if len(shown) < total else ""
    return ReportTable(
        columns=[columns[k].heading for k in held],
        right=[columns[k].right for k in held],
        share=[columns[k].share for k in held],
        rows=[[line[k] for k in held] for line in shown],
        note=" ".join(filter(None, (note, cut))),
    )


def _line(columns: Sequence[ReportColumn[R]], row: R) -> list[str]:
    return [c.cell(row) if c.right else _text(c.cell(row)) for c in columns]


def _text(value: str) -> str:
    shown = transliterate(value)
    cut = shown if len(shown) <= MAX_LETTERS else f"{shown[:MAX_LETTERS]}…"
    # Letters that run on without a break are allowed one.
    return _LONG.sub(lambda m: "\u200b".join(re.findall(".{1,24}", m[0])), cut)


def _merged(lines: Sequence[list[str]], at: int) -> list[list[str]]:
    """Bring lines together that differ in nothing but one cell."""
    names: dict[tuple[str, ...], list[str]] = {}
    for line in lines:
        names.setdefault((*line[:at], *line[at + 1 :]), []).append(line[at])
    return [
        [*key[:at], ", ".join(of) if len(of) <= MAX_NAMES else f"{len(of)} assets", *key[at:]]
        for key, of in names.items()
    ]


# ---- the study as a whole


def left_out(result: StudyResult) -> ReportTable:
    """Events without an effect, with the reason."""
    columns: list[ReportColumn[tables.EventRow]] = [
        ReportColumn("Event", lambda e: e.event_id, share=2),
        ReportColumn("What", lambda e: e.title, share=3),
        ReportColumn("Asset", lambda e: e.asset, merges=True),
        ReportColumn("State", lambda e: e.state),
        ReportColumn("Stated", lambda e: e.stated.isoformat() if e.stated else ""),
        ReportColumn("Reason", lambda e: e.reason, share=3),
    ]
    rows = [event for event in result.tables.events if not event.studied]
    return report_table(columns, rows, where="tables/events.csv")


def confounders(result: StudyResult) -> ReportTable:
    """Events that share a session or a window with others."""
    columns: list[ReportColumn[tables.EventRow]] = [
        ReportColumn("Event", lambda e: e.event_id, share=2),
        ReportColumn("Asset", lambda e: e.asset, merges=True),
        ReportColumn("Session", lambda e: str(e.session or "")),
        ReportColumn("Same session", lambda e: listed(e.confounded_with), share=2),
        ReportColumn("Event window overlaps", lambda e: listed(e.overlaps_with), share=2),
        ReportColumn("In estimation window", lambda e: listed(e.estimation_overlaps), share=2),
    ]
    rows = [
        e for e in result.tables.events
        if e.confounded_with or e.overlaps_with or e.estimation_overlaps
    ]  # fmt: skip
    return report_table(columns, rows, where="tables/events.csv")


def claims(result: StudyResult) -> dict[str, Any]:
    """Claims and quotes: a sentence for each, and two tables."""
    stated = [(claim_lead(c), c.sentence) for c in result.tables.claims]
    stated += [(quote_lead(q), q.sentence) for q in result.tables.quotes]
    return {
        "claims": _claim_table(result),
        "quotes": _quote_table(result),
        "sentences": [[lead, true_minus(transliterate(said))] for lead, said in stated],
    }


def _claim_table(result: StudyResult) -> ReportTable:
    columns: list[ReportColumn[tables.ClaimRow]] = [
        ReportColumn("Claim", lambda c: c.title, share=2),
        ReportColumn("Asset", lambda c: c.asset),
        ReportColumn("Event", lambda c: c.event_id, share=1),
        ReportColumn("Window", lambda c: str(c.window)),
        ReportColumn("Direction", lambda c: c.direction),
        numbers("Effect, %", lambda c: TYPESET.signed(c.percent)),
        numbers("p", lambda c: TYPESET.pvalue(c.pvalue)),
        ReportColumn("Test", lambda c: c.test),
        ReportColumn("Answer", lambda c: c.verdict, share=2),
    ]
    return report_table(columns, list(result.tables.claims), where="tables/claims.csv")


def _quote_table(result: StudyResult) -> ReportTable:
    columns: list[ReportColumn[tables.QuoteRow]] = [
        ReportColumn("Quote", lambda q: q.quote_id),
        ReportColumn("Asset", lambda q: q.asset),
        ReportColumn("Moment", lambda q: q.moment.isoformat() if q.moment else "", share=1),
        ReportColumn("Session", lambda q: str(q.session or "")),
        ReportColumn("Base", lambda q: str(q.base_session or "")),
        numbers("Settlement", lambda q: TYPESET.number(q.base_price)),
        numbers("Level", lambda q: TYPESET.number(q.level)),
        numbers("Implied, %", lambda q: TYPESET.signed(q.implied_change_pct, 3)),
        numbers("Quoted, %", lambda q: TYPESET.signed(q.quoted_change_pct)),
        ReportColumn("Agree", lambda q: "yes" if q.agrees else "no"),
    ]
    return report_table(columns, list(result.tables.quotes), where="tables/quotes.csv")


def tests(result: StudyResult) -> dict[str, Any]:
    """Statistics over all events, headline window first; each reason is given once, by number."""
    order = {window: k for k, window in enumerate(result.windows)}
    rows = sorted(result.tables.tests, key=lambda t: order.get(t.window, len(order)))
    shown = [row for row in rows if row.verdict != "refused"]
    numbered: dict[str, int] = {}
    for row in shown[:MAX_ROWS]:
        for part in _parts(row.reason):
            numbered.setdefault(part, len(numbered) + 1)
    columns: list[ReportColumn[tables.TestRow]] = [
        ReportColumn("Window", lambda t: str(t.window)),
        ReportColumn("Asset", lambda t: t.asset),
        ReportColumn("Statistic", lambda t: t.statistic),
        numbers("Value", lambda t: TYPESET.number(t.value, 3)),
        numbers("df", lambda t: TYPESET.whole(t.df)),
        numbers("p", lambda t: TYPESET.pvalue(t.pvalue)),
        numbers("N", lambda t: TYPESET.whole(t.n)),
        ReportColumn("Verdict", lambda t: t.verdict),
        ReportColumn(
            "Reasons", lambda t: ", ".join(str(numbered[p]) for p in _parts(t.reason)), share=1
        ),
    ]
    return {
        "table": report_table(columns, shown, where="tables/tests.csv"),
        "reasons": [transliterate(reason) for reason in numbered],
        "refused": _refused([row for row in rows if row.verdict == "refused"]),
        "why": _why(result),
        "family": family(result),
    }


def _parts(reasons: str) -> list[str]:
    return [part.strip() for part in reasons.split(";") if part.strip()]


def _refused(rows: Sequence[tables.TestRow]) -> list[str]:
    """Say once for each reason which statistics were refused, and where."""
    names = _by_reason((row.reason, row.statistic) for row in rows)
    places = _by_reason((row.reason, f"{row.asset} {row.window}") for row in rows)
    return [
        transliterate(f"{', '.join(found)}: {reason} ({_places(places[reason])})")
        for reason, found in names.items()
    ]


def _by_reason(said: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Bring together what a reason is given for, each once, in order."""
    found: dict[str, list[str]] = {}
    for reason, of in dict.fromkeys(said):
        found.setdefault(reason, []).append(of)
    return found


def _places(places: Sequence[str]) -> str:
    return listed(places, MAX_PLACES, sep=", ")


def _why(result: StudyResult) -> list[str]:
    """Say once for each reason why these tests are the default, and where."""
    said = _by_reason((row.why, f"{row.asset} {row.window}") for row in result.tables.design)
    return [transliterate(f"{_places(where)}: {why}") for why, where in said.items() if why]


def family(result: StudyResult) -> ReportTable:
    """Single p-values adjusted together and the study without each event, headline window."""
    columns: list[ReportColumn[tables.FamilyRow]] = [
        ReportColumn("Asset", lambda f: f.asset),
        ReportColumn("Event", lambda f: f.event_id, share=1),
        numbers("z", lambda f: TYPESET.number(f.score)),
        numbers("p", lambda f: TYPESET.pvalue(f.pvalue)),
        numbers("p max |z|", lambda f: TYPESET.pvalue(f.p_max_z)),
        numbers("p Holm", lambda f: TYPESET.pvalue(f.p_holm)),
        numbers("p BH", lambda f: TYPESET.pvalue(f.p_benjamini_hochberg)),
        numbers("z without", lambda f: TYPESET.number(f.overlap_z_without)),
        numbers("p without", lambda f: TYPESET.pvalue(f.p_overlap_z_without)),
    ]
    rows = [row for row in result.tables.family if row.window == result.headline]
    return report_table(columns, rows, where="tables/family.csv")


def regression(result: StudyResult) -> ReportTable:
    """Coefficients of the joint regression, groups of inseparable events by name."""
    columns: list[ReportColumn[tables.RegressionRow]] = [
        ReportColumn("Asset", lambda r: r.asset),
        ReportColumn("Events", lambda r: ", ".join(_parts(r.event_ids)), share=2),
        ReportColumn("Window", lambda r: str(r.window)),
        numbers("Effect", lambda r: TYPESET.signed(r.coef, 4)),
        numbers("OLS s.e.", lambda r: TYPESET.number(r.se_ols, 4)),
        numbers("HAC s.e.", lambda r: TYPESET.number(r.se_hac, 4)),
        numbers("HAC p", lambda r: TYPESET.pvalue(r.p_hac)),
        numbers("Randomisation p", lambda r: TYPESET.pvalue(r.p_shift)),
        numbers("n", lambda r: TYPESET.whole(r.n)),
    ]
    rows = list(result.tables.regression)
    notes = "; ".join(dict.fromkeys(part for row in rows for part in _parts(row.note)))
    note = f"Notes: {notes}." if notes else ""
    return report_table(columns, rows, note=note, where="tables/regression.csv")


def settings(result: StudyResult) -> list[list[str]]:
    """List the study file as it was understood, defaults included, a line for each section."""
    lines = []
    for section, values in sorted(result.settings.items()):
        held = {key: value for key, value in values.items() if value not in (None, "", [], (), {})}
        stated = "; ".join(f"{key} = {_setting(value)}" for key, value in sorted(held.items()))
        if stated:
            lines.append([section, transliterate(stated)])
    return lines


def _setting(value: Any) -> str:  # noqa: ANN401  # a study file holds any plain value
    if isinstance(value, (list, tuple)):
        nested = any(isinstance(v, (list, tuple)) for v in value)
        return ", ".join(f"[{_setting(v)}]" if nested else _setting(v) for v in value)
    return "" if value is None else str(value)


def provenance(result: StudyResult) -> dict[str, Any]:
    """Series, hashes and versions from which the same bytes can be made again."""
    made = result.provenance
    columns: list[ReportColumn[tables.SeriesRow]] = [
        ReportColumn("Series", lambda s: s.name),
        ReportColumn("What", lambda s: s.title, share=2),
        ReportColumn("Unit", lambda s: s.unit),
        ReportColumn("Kind", lambda s: s.kind),
        ReportColumn("Source", lambda s: s.source, share=2),
        ReportColumn("First", lambda s: s.first),
        ReportColumn("Last", lambda s: s.last),
        numbers("Sessions", lambda s: TYPESET.whole(s.n_sessions)),
        numbers("Missing", lambda s: TYPESET.whole(s.n_missing)),
        numbers("Rolls masked", lambda s: TYPESET.whole(s.n_masked_rolls)),
        numbers("Stale", lambda s: TYPESET.whole(s.n_stale)),
    ]
    digests = (
        ("study", made.study_sha256), ("events", made.events_sha256), ("prices", made.prices_sha256)
    )  # fmt: skip
    return {
        "series": report_table(columns, list(result.tables.series), where="tables/series.csv"),
        "hashes": [[what, digest] for what, digest in digests if digest],
        "versions": [list(pair) for pair in made.versions],
    }


def notes(result: StudyResult) -> ReportTable:
    """Everything that was moved, dropped, masked or replaced."""
    columns: list[ReportColumn[tables.NoteRow]] = [
        ReportColumn("Kind", lambda n: n.kind),
        ReportColumn("Subject", lambda n: n.subject, share=1),
        ReportColumn("What was done", lambda n: n.detail, share=3),
    ]
    return report_table(columns, list(result.tables.notes), where="tables/notes.csv")
