"""Bundled data, with their publishers and known oddities."""

from __future__ import annotations

import datetime as dt
import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Literal

import pandas as pd

from eventstudy.errors import UnknownNameError, did_you_mean
from eventstudy.products import product

SeriesKind = Literal["futures", "spot", "index", "volatility"]


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """What one column of a dataset is.

    Parameters
    ----------
    name, title : str
        Column and its name for people.
    unit : str
        For example ``"USD/bbl"``.
    kind : {"futures", "spot", "index", "volatility"}
        A spot assessment is not a settlement and never replaces one.
    publisher, note : str
        Who publishes the values, and what they are.
    roll : str or None
        Roll rule of a front-month series: a product.
    calendar : str
        Settlement calendar of the sessions.
    oddities : tuple of (date, str)
        Sessions with something to know about them.
    """

    name: str
    title: str
    unit: str
    kind: SeriesKind
    publisher: str
    note: str
    roll: str | None
    calendar: str
    oddities: tuple[tuple[dt.date, str], ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table of daily values that is installed with the package or with a dependency.

    Parameters
    ----------
    name, title, note : str
        How it is asked for and what it is.
    package, file : str
        Where the table lies.
    date_format : str
        How its dates are written.
    as_of : date
        Last session it holds.
    series : tuple of SeriesInfo
        Its columns, in order.
    """

    name: str
    title: str
    note: str
    package: str
    file: str
    date_format: str
    as_of: dt.date
    series: tuple[SeriesInfo, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the series."""
        return tuple(info.name for info in self.series)

    @property
    def sha256(self) -> str:
        """Hash of the file as installed."""
        return hashlib.sha256(_locate(self).read_bytes()).hexdigest()

    @property
    def dropped_rows(self) -> int:
        """Rows of the file without any value, which `read` leaves out."""
        return int(_table(self).isna().all(axis=1).sum())

    def read(self) -> pd.DataFrame:
        """Return the values as published.

        Returns
        -------
        DataFrame
            Index ``session`` (datetime64), one float column per series; NaN where a series
            has no value that day. Rows without any value are left out (`dropped_rows`).
        """
        return _table(self).dropna(how="all")

    def info(self, name: str) -> SeriesInfo:
        """Return what is known about one series.

        Raises
        ------
        UnknownNameError
            When the dataset has no such column.
        """
        for info in self.series:
            if info.name == name:
                return info
        hint = did_you_mean(name, self.columns)
        msg = f"dataset {self.name!r} has no series {name!r}; {hint}"
        raise UnknownNameError(msg)


def list_datasets() -> tuple[Dataset, ...]:
    """Return every dataset that is installed."""
    return _catalogue()


def dataset(name: str) -> Dataset:
    """Return the dataset of that name.

    Raises
    ------
    UnknownNameError
        When there is none, with the nearest name.
    """
    known = {item.name: item for item in _catalogue()}
    if name not in known:
        msg = f"no dataset is called {name!r}; {did_you_mean(name, known)}"
        raise UnknownNameError(msg)
    return known[name]


@cache
def _catalogue() -> tuple[Dataset, ...]:
    text = (resources.files("eventstudy") / "data" / "datasets.toml").read_text("utf-8")
    return tuple(_dataset(entry) for entry in tomllib.loads(text)["dataset"])


def _dataset(entry: dict[str, Any]) -> Dataset:
    return Dataset(
        name=entry["name"],
        title=entry["title"],
        note=entry["note"],
        package=entry.get("package", "eventstudy"),
        file=entry["file"],
        date_format=entry.get("date_format", "%Y-%m-%d"),
        as_of=entry["as_of"],
        series=tuple(_series(item) for item in entry["series"]),
    )


def _series(entry: dict[str, Any]) -> SeriesInfo:
    """Return what is known about a series; what is not stated comes from its product."""
    plain = {"roll": None} | entry
    if "product" in plain:
        of = product(plain.pop("product"))
        rolls = of.name if plain["kind"] == "futures" else None
        plain = {"unit": of.unit, "calendar": of.calendar} | plain | {"roll": rolls}
    plain["oddities"] = tuple((item["date"], item["what"]) for item in entry.get("oddities", ()))
    return SeriesInfo(**plain)


def _locate(item: Dataset) -> Traversable:
    folder = resources.files(item.package)
    return folder / "data" / item.file if item.package == "eventstudy" else folder / item.file


def _table(item: Dataset) -> pd.DataFrame:
    compressed: Literal["gzip"] | None = "gzip" if item.file.endswith(".gz") else None
    with _locate(item).open("rb") as stream:
        frame = pd.read_csv(stream, compression=compressed, na_values=["."])
    first = frame.columns[0]
    frame[first] = pd.to_datetime(frame[first], format=item.date_format)
    frame = frame.set_index(first).astype("float64")
    frame.columns = pd.Index(item.columns)
    return frame.rename_axis("session")
