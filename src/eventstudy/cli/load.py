"""From a study file to everything a run needs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from eventstudy.errors import StudyFileError

if TYPE_CHECKING:
    from eventstudy.events import EventTable
    from eventstudy.events.claims import Claim
    from eventstudy.events.quotes import Quote
    from eventstudy.prices.table import PriceTable
    from eventstudy.study.design import Study


@dataclass(frozen=True, slots=True)
class Loaded:
    """A study with its events, prices, quotes and claims."""

    study: Study
    events: EventTable
    prices: PriceTable
    quotes: tuple[Quote, ...]
    claims: tuple[Claim, ...]


def load_study(
    path: str | None, *, as_of: str = "", events: str | None = None, store: str | None = None
) -> Loaded:
    """Read a study file, or the shipped study, and everything it names.

    Parameters
    ----------
    path : str or None
        None for the shipped study.
    as_of : str
        ISO date: only sessions up to it are used.
    events : str, optional
        An event file that stands in for that of the study; its quotes and claims, which speak of
        other events, are then left out.
    store : str, optional
        The price store, where the study reads one.

    Raises
    ------
    StudyFileError, TableError
        What is wrong, in which file and where.
    """
    from eventstudy.events import load_events
    from eventstudy.events.claims import read_claims
    from eventstudy.events.quotes import read_quotes
    from eventstudy.prices.loading import load_prices
    from eventstudy.studyfile import read_study, shipped_study

    study, inputs = shipped_study() if path is None else read_study(path)
    if inputs.events is None:
        msg = f"{path}: [data] events: missing; name the event file"
        raise StudyFileError(msg)
    if store is not None and inputs.prices != "store":
        msg = f'--store: the study reads {inputs.prices!r}; set [data] prices = "store"'
        raise StudyFileError(msg)
    if as_of:
        study = replace(study, end=min(filter(None, (study.end, as_of))))
    if events is not None:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(events).stem).strip("-.") or "events"
        study = replace(study, name=name, title=f"The events of {Path(events).name}")
        inputs = replace(inputs, events=Path(events), quotes=None, claims=None, select={})
    return Loaded(
        study,
        load_events(inputs.events or "", select=inputs.select),
        load_prices(
            inputs.prices,
            kind=study.data_kind,
            store=store,
            asof=as_of or None,
            series=_wanted(study),
        ),
        read_quotes(inputs.quotes) if inputs.quotes else (),
        read_claims(inputs.claims) if inputs.claims else (),
    )


def _wanted(study: Study) -> tuple[str, ...]:
    """Series to read from a store; everything where the study names no asset."""
    if "*" in study.assets:
        return ()
    return tuple(dict.fromkeys((*study.series, *study.next_contract.values())))


def day_of(text: str | None, option: str) -> str:
    """Check an ISO day given on the command line."""
    import datetime as dt

    import click

    if text is None:
        return ""
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        msg = f"{option} {text!r} is not a day such as 2026-01-31"
        raise click.UsageError(msg) from None


def folder_of(name: str, out: str | None) -> Path:
    """Folder a report goes to: ``--out``, else ``reports/<name>`` of the working folder."""
    return Path(out) if out else Path("reports") / name
