"""From data to a PDF, and from a vector figure to its files: the only user of typst."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from eventstudy.errors import OutputError

if TYPE_CHECKING:
    from eventstudy.report.figures import DrawnFigure

PIXELS_PER_INCH = 150.0
_SOURCES = ("template.typ", "methods.typ")
_PAGE = b"""#set document(date: none)
#set page(width: auto, height: auto, margin: 0pt)
#image(bytes("%s"), format: "svg")
"""


def typeset(
    content: Mapping[str, Any], figures: Sequence[DrawnFigure], work: Path, *, as_of: str
) -> bytes:
    """Return the report as a tagged PDF (PDF/UA-1), built in the folder `work`.

    The text goes to the template as a JSON file and is shown as it is: nothing in it is evaluated.
    Only fonts that come with typst and matplotlib are used and the creation date is that of the
    data (`as_of`, ISO), so that the bytes depend on nothing else.

    Raises
    ------
    OutputError
        When the typesetter refuses.
    """
    work.mkdir(parents=True, exist_ok=True)
    for name in _SOURCES:
        (work / name).write_bytes(files("eventstudy.report").joinpath(name).read_bytes())
    for figure in figures:
        (work / f"{figure.stem}.svg").write_bytes(figure.svg)
    text = json.dumps(content, ensure_ascii=False, default=_mapping)
    (work / "content.json").write_text(text, encoding="utf-8")
    return _compiled(
        work / _SOURCES[0], "the report", root=work, format="pdf", timestamp=_moment(as_of),
        pdf_standards=["ua-1"],
    )  # fmt: skip


def figure_file(svg: bytes, kind: Literal["pdf", "png"]) -> bytes:
    """Return a figure as a PDF or PNG file of its own, made from its SVG; raises `OutputError`."""
    quoted = svg.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return _compiled(_PAGE % quoted, "a figure", format=kind, ppi=PIXELS_PER_INCH)


def _compiled(source: Path | bytes, what: str, **options: Any) -> bytes:  # noqa: ANN401  # typst's own
    import matplotlib as mpl
    import typst

    fonts = [Path(mpl.get_data_path()) / "fonts" / "ttf"]
    try:
        made = typst.compile(source, font_paths=fonts, ignore_system_fonts=True, **options)
    except typst.TypstError as error:
        msg = f"{what} cannot be typeset: {error.message}"
        raise OutputError(msg) from error
    return bytes(made)


def _mapping(value: object) -> dict[str, Any]:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    msg = f"{type(value).__name__} has no place in a report"
    raise TypeError(msg)


def _moment(as_of: str) -> datetime:
    try:
        day = datetime.fromisoformat(as_of)
    except ValueError:
        day = datetime(1970, 1, 1)  # noqa: DTZ001  # the zone is set below
    return day.replace(tzinfo=UTC)
