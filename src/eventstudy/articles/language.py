"""The words of a language: tables for the finder of dates, events, prices and claims."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from eventstudy.errors import UnknownNameError, did_you_mean


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the alias table: name, zone of its clocks, and whether it is a country."""

    name: str
    zone: str
    is_country: bool


@dataclass(frozen=True, slots=True)
class Language:
    """Tables of one language.

    Parameters
    ----------
    name : str
        ISO code.
    tables : mapping
        The sections of its file.
    places : mapping of str to Place
        Names and aliases of oil places.
    place_pattern : Pattern
        Finds any of them.
    """

    name: str
    tables: Mapping[str, Any]
    places: Mapping[str, Place]
    place_pattern: re.Pattern[str]


@cache
def language(name: str = "en") -> Language:
    """Load the tables of a language.

    Raises
    ------
    UnknownNameError
        When there is no file for it.
    """
    folder = resources.files("eventstudy") / "data" / "languages"
    known = sorted(item.name.removesuffix(".toml") for item in folder.iterdir())
    if name not in known:
        msg = f"no tables for language {name!r}; {did_you_mean(name, known)}"
        raise UnknownNameError(msg)
    tables = tomllib.loads((folder / f"{name}.toml").read_text("utf-8"))
    places = _places()
    return Language(name, tables, places, re.compile(rf"(?<!\w)(?:{words(places)})(?!\w)"))


def words(names: Iterable[str]) -> str:
    """Return an alternation of literal names, longest first."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in ordered)


@cache
def _places() -> Mapping[str, Place]:
    text = (resources.files("eventstudy") / "data" / "places.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        row["name"]: Place(row["place"], row["zone"], row["level"] == "country") for row in rows
    }
