"""From data to a PDF."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventstudy.errors import OutputError

if TYPE_CHECKING:
    from eventstudy.charts import SavedFigure

_SOURCES = ("template.typ", "methods.typ")


def typeset(
    content: Mapping[str, Any], figures: Sequence[SavedFigure], work: Path, *, as_of: str
) -> bytes:
    """Return the report as a tagged PDF (PDF/UA-1).

    The text goes to the template as a JSON file and is shown as it is: nothing in it is evaluated.
    Only fonts that come with typst and matplotlib are used and the creation date is that of the
    data, so that the bytes depend on nothing else.

    Parameters
    ----------
    content : mapping
        What `content.content` returned.
    figures : sequence of SavedFigure
    work : Path
        A folder to build in.
    as_of : str
        ISO date of the data.

    Raises
    ------
    OutputError
        When the typesetter refuses.
    """
    import typst

    work.mkdir(parents=True, exist_ok=True)
    for name in _SOURCES:
        (work / name).write_bytes(files("eventstudy.report").joinpath(name).read_bytes())
    for figure in figures:
        (work / f"{figure.stem}.svg").write_bytes(figure.svg)
    (work / "content.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    try:
        pdf = typst.compile(
            work / _SOURCES[0], root=work, format="pdf", font_paths=[_fonts()],
            ignore_system_fonts=True, timestamp=_moment(as_of), pdf_standards=["ua-1"],
        )  # fmt: skip
    except typst.TypstError as error:
        msg = f"the report cannot be typeset: {error.message}"
        raise OutputError(msg) from error
    return bytes(pdf)


def _fonts() -> Path:
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf"


def _moment(as_of: str) -> datetime:
    try:
        day = datetime.fromisoformat(as_of)
    except ValueError:
        day = datetime(1970, 1, 1)  # noqa: DTZ001  # the zone is set below
    return day.replace(tzinfo=UTC)
