"""``eventstudy articles``."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eventstudy.cli.options import json_option
from eventstudy.cli.output import echo, note, print_json, print_table

if TYPE_CHECKING:
    from eventstudy.articles.extract import Extraction
    from eventstudy.articles.text import Document
    from eventstudy.errors import EventStudyError

_SUFFIXES = (".txt", ".text", ".md", ".html", ".htm")


@click.group()
def articles() -> None:
    """Extract dated events from articles, review them, and score the extraction."""


def _reader_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a second reader."""
    options = (
        click.option("--reader", "url", help="Ask a language model at this address, too."),
        click.option("--model", help="Its name at that address."),
        click.option("--reader-seconds", default=120.0, help="Limit for one answer."),
        click.option("--reader-cache", type=click.Path(), help="Folder of its answers."),
        click.option(
            "--token-price",
            nargs=2,
            type=float,
            help="US dollars for a million tokens in and out, to show the cost.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@articles.command()
@click.argument("sources", nargs=-1, required=True, metavar="PATH|URL|-...")
@click.option("--published", help="When it was published (2026-01-07, or a time with its offset).")
@click.option("--lang", default="en", show_default=True, help="Language tables.")
@click.option("--draft", type=click.Path(), help="Write or update this draft for a reviewer.")
@click.option("--sentences", is_flag=True, help="Print the sentences that report each event.")
@json_option
@_reader_options
def extract(
    sources: tuple[str, ...],
    published: str | None,
    lang: str,
    draft: str | None,
    *,
    sentences: bool,
    as_json: bool,
    **asked: Any,  # noqa: ANN401  # the options of a second reader
) -> None:
    """Extract dates, events, price observations and claims from texts or HTML pages.

    A folder stands for the texts in it, and - for standard input. What cannot be read is named, and
    the rest is extracted all the same; the exit code is then not 0. With --draft the events go to a
    CSV file in which a reviewer writes accept or reject; see `eventstudy articles review`.

    With --reader and --model a language model reads each text as well, at an address of your own
    choice: the text is sent there. Its proposals count where they quote the text and a date in it.
    """
    from eventstudy.articles.extract import extract as extract_document

    moment = _moment(published)
    second = _SecondReader(**asked)
    documents, faults = _documents(sources)
    if not documents:
        _report(faults)
    found = [extract_document(item, published=moment, lang=lang) for item in documents]
    found = [second.read(item, faults) for item in found]
    second.report()
    if draft:
        _write_draft(Path(draft), found)
    if as_json:
        print_json([item.as_dict() for item in found])
    elif not draft:
        for item in found:
            _show(item, sentences=sentences)
    for item in found:
        for text in item.notes:
            note(f"{item.document.name}: {text}")
    _report(faults)


@articles.command()
@click.argument("draft", type=click.Path())
@click.option(
    "--articles",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False),
    help="Where the articles are; the folder of the draft is looked at, too. Repeatable.",
)
def review(draft: str, folders: tuple[str, ...]) -> None:
    """Decide on the rows of DRAFT one by one, with their sentences where the articles are at hand.

    One key each: a accept, r reject, e edit a cell, s skip, m merge into another row, u undo, q
    quit. Every decision is saved at once; what was decided is not shown again.
    """
    from eventstudy.cli.review import run_review

    run_review(draft, folders)


@articles.command()
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...")
@click.option("--lang", default="en", show_default=True, help="Language tables.")
@json_option
@_reader_options
def evaluate(
    folders: tuple[str, ...],
    lang: str,
    *,
    as_json: bool,
    **asked: Any,  # noqa: ANN401  # the options of a second reader
) -> None:
    """Score the extraction on labelled texts of your own, one corpus in each FOLDER.

    A corpus is a folder of .txt files with labels; docs/articles.md describes their form.
    """
    from eventstudy.articles.evaluation import evaluate as evaluate_corpus
    from eventstudy.articles.evaluation import read_corpus

    second = _SecondReader(**asked)
    faults: list[EventStudyError] = []
    table = [
        {
            "corpus": folder,
            "task": item.task,
            "precision": round(item.precision, 3),
            "recall": round(item.recall, 3),
            "hits": item.hits,
            "false": item.false,
            "missed": item.missed,
        }
        for folder in folders
        for item in evaluate_corpus(
            read_corpus(folder), lang=lang, also=lambda item: second.read(item, faults)
        )
    ]
    second.report()
    if as_json:
        print_json(table)
    else:
        rows = [[str(cell) for cell in line.values()] for line in table]
        print_table(list(table[0]), rows, right=(2, 3, 4, 5, 6))
    _report(faults)


class _SecondReader:
    """A language model that reads each text as well, where the user names one.

    Parameters
    ----------
    url, model, reader_seconds, reader_cache, token_price
        The options of the command line.
    """

    def __init__(
        self,
        url: str | None,
        model: str | None,
        reader_seconds: float,
        reader_cache: str | None,
        token_price: tuple[float, float] | None,
    ) -> None:
        from eventstudy.articles.reader import Reader, Usage

        if bool(url) != bool(model):
            msg = "--reader and --model go together: an address, and the name of a model there"
            raise click.UsageError(msg)
        home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        cache = Path(reader_cache) if reader_cache else Path(home) / "eventstudy" / "reader"
        self._reader = (
            Reader(
                url=url,
                model=model,
                seconds=reader_seconds,
                cache=cache,
                key=os.environ.get("EVENTSTUDY_READER_KEY", ""),
            )
            if url and model
            else None
        )
        self._price, self._usage = token_price, Usage()
        if self._reader and not self._reader.is_local:
            note(f"the texts are sent to {url}")

    def read(self, item: Extraction, faults: list[EventStudyError]) -> Extraction:
        """Read a document again; one that fails stays as it was, and the fault is kept."""
        from eventstudy.articles.reader import read_again
        from eventstudy.errors import ArticleSourceError

        if self._reader is None:
            return item
        try:
            read, used = read_again(item, self._reader)
        except ArticleSourceError as error:
            faults.append(error)
            return item
        self._usage += used
        return read

    def report(self) -> None:
        """Print what it took, and what was dropped."""
        if self._reader is None:
            return
        used = self._usage
        note(
            f"reader {self._reader.model}: {used.calls} calls, {used.cached} answers from the "
            f"cache, {used.tokens_in:,} tokens in, {used.tokens_out:,} out{self._cost()}; "
            f"{used.accepted} proposals stand"
        )
        for reason, count in used.dropped.items():
            note(f"reader {self._reader.model}: dropped, {reason}: {count}")

    def _cost(self) -> str:
        if self._price is None:
            return ""
        counts = (self._usage.tokens_in, self._usage.tokens_out)
        dollars = sum(count * price for count, price in zip(counts, self._price, strict=True)) / 1e6
        return f", USD {dollars:.4f}"


def _moment(text: str | None) -> dt.datetime | dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        msg = f"--published {text!r} is neither a day (2026-01-07) nor an ISO 8601 time"
        raise click.UsageError(msg) from None


def _documents(sources: tuple[str, ...]) -> tuple[list[Document], list[EventStudyError]]:
    """Read what can be read; the faults of the rest stop nothing."""
    from eventstudy.errors import EventStudyError

    documents: list[Document] = []
    faults: list[EventStudyError] = []
    for source in sources:
        try:
            readers = _readers(source)
        except EventStudyError as error:
            faults.append(error)
            continue
        for read in readers:
            try:
                documents.append(read())
            except EventStudyError as error:
                faults.append(error)
    return documents, faults


def _readers(source: str) -> list[Callable[[], Document]]:
    """Return a reader for each document that a source stands for."""
    from eventstudy.articles.fetch import fetch
    from eventstudy.articles.text import MAX_BYTES, read_document, to_document
    from eventstudy.errors import TableError

    if source == "-":
        return [lambda: to_document(sys.stdin.buffer.read(MAX_BYTES + 1), "-")]
    if "://" in source:
        return [partial(fetch, source)]
    path = Path(source)
    if not path.is_dir():
        return [partial(read_document, path)]
    files = sorted(item for item in path.iterdir() if item.suffix.lower() in _SUFFIXES)
    if not files:
        msg = f"holds no article: files ending in {', '.join(_SUFFIXES)} are read"
        raise TableError(msg, path=source)
    return [partial(read_document, item) for item in files]


def _report(faults: list[EventStudyError]) -> None:
    """Name what could not be read, and end with the code of the first fault."""
    if not faults:
        return
    *others, last = faults
    for fault in others:
        note(str(fault))
    raise last


def _write_draft(path: Path, found: list[Extraction]) -> None:
    from eventstudy.articles.merge import merge
    from eventstudy.events.drafts import (
        DRAFT_COLUMNS,
        draft_rows,
        read_draft,
        update_draft,
        write_rows,
    )

    columns, existing = read_draft(path) if path.exists() else (DRAFT_COLUMNS, ())
    update = update_draft(existing, draft_rows(merge(found, candidates=True)))
    write_rows(path, tuple(dict.fromkeys((*columns, *DRAFT_COLUMNS))), update.rows)
    echo(
        f"{path}: {len(update.new)} new, {len(update.changed)} changed, "
        f"{len(update.kept)} as before"
    )
    for row in update.rows:
        if row["event_id"] in (*update.new, *update.changed):
            date = row["date"] or row["time"] or "undated"
            tier = ", candidate" if row.get("tier") == "candidate" else ""
            state = f"{row['state']}, {date}{tier}"
            echo(f"  {row['change'] or 'new'}: {row['event_id']} ({state})")
        if row["event_id"] in update.new and row["conflict"]:
            note(f"{row['event_id']}: {row['conflict']}")


def _show(item: Extraction, *, sentences: bool) -> None:
    from eventstudy.articles.text import printable

    line = item.dateline
    echo(f"{item.document.name}: {printable(item.document.title)}")
    echo(f"published {line.moment or line.day or 'unknown'} ({line.how})\n")
    dates = [[str(d.span), printable(d.text), d.value, d.precision, d.rule] for d in item.dates]
    _section("Dates", ["span", "words", "value", "precision", "rule"], dates)
    events = [
        [e.date, e.state, e.kind, e.place.name if e.place else "-", e.direction, e.date_rule]
        for e in item.events
    ]
    _section("Events", ["date", "state", "kind", "place", "oil", "how dated"], events)
    candidates = [
        [f"{e.score:.2f}", e.date, e.state, e.kind, e.place.name if e.place else "-", e.direction]
        for e in item.candidates
    ]
    header = ["score", "date", "state", "kind", "place", "oil"]
    _section("Candidates, the likeliest first", header, candidates)
    for event in (*item.events, *item.candidates) if sentences else ():
        echo(f"{event.title} ({event.date})")
        for span in event.spans:
            echo(f"  {span}: {printable(item.document.text[span.start : span.end])}")
    prices = [
        [
            p.instrument,
            "-" if p.level is None else f"{p.level:.2f}",
            "-" if p.change_pct is None else f"{p.change_pct:+.2f}%",
            "-" if p.change is None else f"{p.change:+.2f}",
            str(p.moment or p.day or "-"),
            str(p.span),
        ]
        for p in item.prices
    ]
    _section("Price observations", ["what", "USD/bbl", "change", "USD", "when", "span"], prices)
    claims = [[c.direction, c.horizon, str(c.span)] for c in item.claims]
    _section("Claims", ["direction", "horizon", "span"], claims)


def _section(title: str, header: list[str], rows: list[list[str]]) -> None:
    echo(f"{title}: {len(rows)}")
    if rows:
        print_table(header, rows)
    echo()
