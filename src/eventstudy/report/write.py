"""Write everything a study found into one folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eventstudy.progress import Progress, silent
from eventstudy.report.folder import replacing, write_manifest
from eventstudy.results.export import result_json, write_tables

if TYPE_CHECKING:
    from eventstudy.results import StudyResult


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """The files of a report."""

    folder: Path
    pdf: Path
    json: Path
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]


def write_report(
    result: StudyResult, out: Path | str, *, progress: Progress = silent
) -> ReportFiles:
    """Write ``report.pdf``, ``result.json``, ``tables/*.csv`` and ``figures/*`` into a folder.

    The folder appears, or replaces an older report of this package, only when it is complete. Files
    that were put into the older one are kept; one that was changed is never replaced.
    The same result gives the same bytes.

    Parameters
    ----------
    result : StudyResult
        Its ``settings["report"]`` may hold `title`, `author`, `events` (most sections on single
        events), `figures` (``"both"``, ``"pdf"`` or ``"png"``) and `sections`.
    out : Path
        The folder.
    progress : callable
        Called with a step (``tables``, ``figures``, ``pdf``), how much of it is done and of how
        much.

    Returns
    -------
    ReportFiles

    Raises
    ------
    OutputError
        When the folder cannot be written, or holds something that is not a report.
    """
    out = Path(out)
    with replacing(out) as staging:
        _fill(result, staging, progress)
        write_manifest(staging)
        made = [sorted((staging / kind).iterdir()) for kind in ("tables", "figures")]
        tables, figures = (tuple(out / p.relative_to(staging) for p in found) for found in made)
    return ReportFiles(out, out / "report.pdf", out / "result.json", tables, figures)


def _fill(result: StudyResult, folder: Path, progress: Progress) -> None:
    from eventstudy.report import content, figures, typeset

    options = content.Options.of(result)
    progress("tables", 0, 1)
    (folder / "result.json").write_text(result_json(result), encoding="utf-8", newline="\n")
    write_tables(result, folder / "tables", formats=options.tables)
    progress("tables", 1, 1)
    drawn = figures.draw_figures(
        result, folder / "figures", kinds=options.figures, pairs=options.pairs, progress=progress
    )
    progress("pdf", 0, 1)
    work, as_of = folder / "work", result.provenance.as_of
    pdf = typeset.typeset(content.content(result, drawn, options), drawn, work, as_of=as_of)
    (folder / "report.pdf").write_bytes(pdf)
    shutil.rmtree(work)
    progress("pdf", 1, 1)
