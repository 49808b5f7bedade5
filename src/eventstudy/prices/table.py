"""A table of prices or returns with what is known about each series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd

from eventstudy.errors import UnknownNameError, did_you_mean

DataKind = Literal["prices", "returns"]


@dataclass(frozen=True, slots=True)
class SeriesMeta:
    """What is known about one series.

    Parameters
    ----------
    name : str
        Column name.
    title : str
        Name for people.
    unit : str
        For example ``USD/bbl``; empty when nobody said.
    kind : str
        ``futures``, ``spot``, ``index``, ``volatility``, ``returns`` or ``unknown``.
    source : str
        Who publishes it and how it came here.
    roll : str or None
        Roll rule (a product) of a front-month series; its roll sessions mix two contracts.
    as_of : str
        ISO date of the newest knowledge in the series.
    """

    name: str
    title: str = ""
    unit: str = ""
    kind: str = "unknown"
    source: str = ""
    roll: str | None = None
    as_of: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PriceTable:
    """Wide prices or returns, a column per series, a row per session.

    Parameters
    ----------
    frame : DataFrame
        float64, index `session` (dates, strictly increasing); NaN where there is no value.
    data_kind : {"prices", "returns"}
    series : mapping of str to SeriesMeta
    source : str
        File or dataset the table was read from.
    sha256 : str
        Hash of what was read.
    calendar : str
        Calendar that the table suggests when a study names none, or ``file``.
    notes : tuple of str
        What happened while reading.
    """

    frame: pd.DataFrame
    data_kind: DataKind = "prices"
    series: Mapping[str, SeriesMeta] = field(default_factory=dict)
    source: str = ""
    sha256: str = ""
    calendar: str = "file"
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Series in the order of their columns."""
        return tuple(str(name) for name in self.frame.columns)

    def meta(self, name: str) -> SeriesMeta:
        """Return what is known about a series.

        Raises
        ------
        UnknownNameError
            When the table has no such series.
        """
        self.require((name,))
        return self.series.get(name, SeriesMeta(name=name, title=name, source=self.source))

    def require(self, names: tuple[str, ...]) -> None:
        """Check that every named series is there.

        Raises
        ------
        UnknownNameError
            Naming the first one that is not, with the nearest that is.
        """
        for name in names:
            if name not in self.frame.columns:
                where = f" in {self.source}" if self.source else ""
                msg = f"no series {name!r}{where}: {did_you_mean(name, self.names)}"
                raise UnknownNameError(msg)

    def between(self, first: str | None, last: str | None) -> PriceTable:
        """Keep the sessions from `first` to `last`, both included."""
        return replace(self, frame=self.frame.loc[first:last])
