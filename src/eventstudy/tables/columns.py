"""Tables with declared columns: frozen arrays whose declaration also makes files, frames and rows.

A column is declared once, with its name, kind, meaning, unit and format. Its owner is inherited by
a `Table`, where the attribute is the array of the column, and by a `Row`, where the same attribute
is one value; a type checker sees both. CSV and Parquet files, `DataFrame` views, HTML and the page
of the docs follow from the declaration.

Examples
--------
>>> class _Fields:
...     event_id = text("Key of the event.")
...     effect = number("CAR of the event.", unit="return", derives=None)
...     percent = number("The same in per cent.", unit="%", derives=lambda t: 100 * t.effect)
>>> class EffectRow(_Fields, Row):
...     pass
>>> class Effects(_Fields, Table[EffectRow]):
...     pass
>>> table = Effects(event_id=["a", "b"], effect=[0.01, -0.02])
>>> table.percent.tolist()
[1.0, -2.0]
>>> [row.event_id for row in table if row.effect < 0]
['b']
"""

from __future__ import annotations

import datetime as dt
import html
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import (
    Any,
    ClassVar,
    Generic,
    Literal,
    Self,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    get_args,
    overload,
)

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eventstudy.arrays import BoolArray, DayArray, FloatArray, IntArray
from eventstudy.formats import Format, listed, significant
from eventstudy.windows import Window

TextArray = NDArray[np.object_]
Moment = dt.datetime | dt.date | None
A = TypeVar("A")
S = TypeVar("S")
R = TypeVar("R", bound="Row")
Kind = Literal[
    "text", "integer", "count", "number", "flag", "day", "moment", "window", "names", "plain"
]

HTML_ROWS = 60


class Options(TypedDict, total=False):
    """What a column may declare beside its meaning; see `Column`."""

    unit: str
    shown: Format
    name: str
    derives: Callable[[Any], Any] | None
    filed: bool
    tags: tuple[str, ...]


class NameLists:
    """A tuple of names per row, made only when it is read.

    ``get(i)`` returns the names of item i (a bound method of a frozen object pickles); `items`
    (N,) are those of the rows.
    """

    __slots__ = ("_get", "_items")

    def __init__(self, get: Callable[[int], tuple[str, ...]], items: IntArray) -> None:
        self._get, self._items = get, items

    @classmethod
    def of(cls, lists: Sequence[Sequence[str]]) -> NameLists:
        """Hold lists that are there already."""
        return cls(tuple(tuple(one) for one in lists).__getitem__, np.arange(len(lists)))

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, key: NDArray[Any] | slice) -> NameLists: ...
    def __getitem__(
        self, key: int | np.integer[Any] | NDArray[Any] | slice
    ) -> tuple[str, ...] | NameLists:
        if isinstance(key, (int, np.integer)):
            return self._get(int(self._items[key]))
        return NameLists(self._get, self._items[key])

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return (self._get(int(item)) for item in self._items)


@dataclass(frozen=True, slots=True, eq=False)
class Later:
    """An array of a given size that is made when its column is first read."""

    size: int
    make: Callable[[], Any]

    def __len__(self) -> int:
        return self.size


@dataclass(eq=False)
class Column(Generic[A, S]):
    """One declared column; on a table its array, on a row its value."""

    kind: Kind  # what a value is; decides the dtype and how a file holds it
    meaning: str  # one line for the docs: what it is, with its formula
    _: KW_ONLY
    unit: str = ""  # such as ``return``, ``%`` or ``sessions``; empty for none
    shown: Format = ""  # how a number is shown to a reader
    name: str = ""  # in files, where it differs from the attribute
    derives: Callable[[Any], Any] | None = None  # the array from the table; nothing is stored
    filed: bool = True  # whether files and frames hold it
    tags: tuple[str, ...] = ()  # read by others, such as "repeated for every window"
    attribute: str = field(default="", init=False)

    def __set_name__(self, owner: type, name: str) -> None:
        self.attribute = name
        self.name = self.name or name

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...
    @overload
    def __get__(self, owner: Table[Any], kind: type) -> A: ...
    @overload
    def __get__(self, owner: Row, kind: type) -> S: ...
    def __get__(self, owner: Table[Any] | Row | None, kind: type) -> Self | A | S:
        if owner is None:
            return self
        if isinstance(owner, Row):
            value: S = _scalar(self.kind, owner.table.array(self)[owner.index])
            return value
        array: A = owner.array(self)
        return array

    def __set__(self, owner: object, value: object) -> None:
        msg = f"a table is frozen: {self.name} cannot be changed"
        raise AttributeError(msg)


@dataclass(frozen=True)
class Declare(Generic[A, S]):
    """Declares columns of a kind: ``number("CAR.", unit="return")``."""

    kind: Kind
    shown: Format = ""

    def __call__(self, meaning: str, **options: Unpack[Options]) -> Column[A, S]:
        """Declare a column."""
        shown: Options = {"shown": self.shown}
        return Column(self.kind, meaning, **(shown | options))


text = Declare[TextArray, str]("text")  # empty where there is none
number = Declare[FloatArray, float]("number")  # NaN where missing
signed = Declare[FloatArray, float]("number", "signed")
p_value = Declare[FloatArray, float]("number", "pvalue")
integer = Declare[IntArray, int]("integer")
count = Declare[FloatArray, float]("count")  # whole numbers that may be missing: NaN
flag = Declare[BoolArray, bool]("flag")
day = Declare[DayArray, dt.date | None]("day")  # NaT, and None on a row, where missing
moment = Declare[TextArray, Moment]("moment")  # with zone, or a day where no more is known
window = Declare[TextArray, Window]("window")
names = Declare[NameLists, tuple[str, ...]]("names")


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row of a table: a view that makes each value when it is asked for."""

    table: Table[Any]
    index: int

    def __repr__(self) -> str:
        shown = ", ".join(f"{c.name}={getattr(self, c.attribute)!r}" for c in self.table.columns())
        return f"{type(self).__name__}({shown})"


class Table(Generic[R]):
    """Columns of equal length under declared names, frozen.

    Parameters
    ----------
    **values : array_like or Later
        One for every declared column that is not derived.

    Raises
    ------
    TypeError
        A column is missing, unknown, or of another length.
    """

    row_type: ClassVar[type[Row]]  # the class in the brackets
    _arrays: dict[str, Any]
    _derived: dict[str, Any]
    _size: int

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.row_type = get_args(cls.__orig_bases__[-1])[0]  # type: ignore[attr-defined]  # typing

    def __init__(self, **values: Any) -> None:
        stored = self.stored()
        unknown = sorted(set(values) ^ {c.attribute for c in stored})
        if unknown:
            msg = f"{type(self).__name__}: columns missing or unknown: {', '.join(unknown)}"
            raise TypeError(msg)
        arrays = {c.attribute: _array(c.kind, values[c.attribute]) for c in stored}
        sizes = {len(array) for array in arrays.values()}
        if len(sizes) > 1:
            told = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
            msg = f"{type(self).__name__}: columns of different lengths: {told}"
            raise TypeError(msg)
        put = object.__setattr__
        put(self, "_arrays", arrays)
        put(self, "_derived", {})
        put(self, "_size", sizes.pop() if sizes else 0)

    def __getitem__(self, index: int) -> R:
        return self.row(range(len(self))[index])

    def __setattr__(self, name: str, value: object) -> None:
        msg = f"a table is frozen: {name} cannot be changed"
        raise AttributeError(msg)

    def __getstate__(self) -> dict[str, Any]:
        return self._stored()

    def __setstate__(self, state: dict[str, Any]) -> None:
        Table.__init__(self, **state)

    def __len__(self) -> int:
        return int(self._size)

    def __iter__(self) -> Iterator[R]:
        return (self.row(i) for i in range(len(self)))

    def __repr__(self) -> str:
        return f"{type(self).__name__} of {len(self)} rows\n{self.frame()!r}"

    def _repr_html_(self) -> str:
        return to_html(self)

    @classmethod
    def columns(cls, *, filed: bool | None = True) -> tuple[Column[Any, Any], ...]:
        """Return the declared columns in their order; all of them with ``filed=None``."""
        return tuple(c for c in _declared(cls) if filed is None or c.filed == filed)

    @classmethod
    def stored(cls) -> tuple[Column[Any, Any], ...]:
        """Return the columns that are not derived from others."""
        return tuple(c for c in _declared(cls) if c.derives is None)

    @classmethod
    def empty(cls) -> Self:
        """Return the table without rows."""
        return cls.of(())

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> Self:
        """Collect a few mappings of values, each with every stored column or less.

        What a mapping leaves out is missing: NaN, NaT, empty text or False.
        """
        held = {c.attribute: _MISSING[c.kind] for c in cls.stored()}
        return cls(**{name: [r.get(name, blank) for r in rows] for name, blank in held.items()})

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Stack tables of this kind in their order."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.empty()
        return cls(**{c.attribute: _stacked([p.array(c) for p in parts]) for c in cls.stored()})

    def array(self, column: Column[Any, Any]) -> Any:
        """Return the array of a column, made once where it is derived or left for later."""
        if column.derives is None:
            found = self._arrays[column.attribute]
            if isinstance(found, Later):
                found = self._arrays[column.attribute] = _array(column.kind, found.make())
            return found
        if column.attribute not in self._derived:
            self._derived[column.attribute] = _array(column.kind, column.derives(self))
        return self._derived[column.attribute]

    def row(self, index: int) -> R:
        """Return one row."""
        return cast("R", self.row_type(self, index))

    def take(self, rows: IntArray | BoolArray) -> Self:
        """Keep rows by position, in the order given, or by a mask."""
        return type(self)(**{name: array[rows] for name, array in self._stored().items()})

    def _stored(self) -> dict[str, Any]:
        return {c.attribute: self.array(c) for c in self.columns(filed=None) if c.derives is None}

    def frame(self) -> pd.DataFrame:
        """Return the columns that files hold as a DataFrame: days and windows as text."""
        held = self.columns()
        return pd.DataFrame({c.name: cells(c, self.array(c)) for c in held}, index=range(len(self)))

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as plain values for JSON; missing and infinite numbers are None."""
        held = self.columns()
        plain = [[_plain(v) for v in cells(c, self.array(c)).tolist()] for c in held]
        labels = [c.name for c in held]
        return [dict(zip(labels, row, strict=True)) for row in zip(*plain, strict=True)]


_MISSING: dict[str, Any] = {
    "text": "", "number": math.nan, "count": math.nan, "integer": 0, "flag": False,
    "day": np.datetime64("NaT"), "moment": None, "window": None, "names": (), "plain": None,
}  # fmt: skip


def _declared(cls: type) -> tuple[Column[Any, Any], ...]:
    found: dict[str, Column[Any, Any]] = {}
    for base in reversed(cls.__mro__):
        found |= {k: v for k, v in vars(base).items() if isinstance(v, Column)}
    return tuple(found.values())


_DTYPES: dict[str, Any] = {
    "number": np.float64, "count": np.float64, "integer": np.int64, "flag": np.bool_,
    "day": "datetime64[D]",
}  # fmt: skip


def _array(kind: Kind, values: Any) -> Any:
    if isinstance(values, Later):
        return values
    if kind in _DTYPES:
        return np.asarray(values, dtype=_DTYPES[kind])
    if kind == "names":
        return values if isinstance(values, NameLists) else NameLists.of(list(values))
    if isinstance(values, np.ndarray) and values.dtype == object:
        return values
    items = list(values)
    made = np.empty(len(items), dtype=object)
    if kind == "text":
        made[:] = items
        return made
    for position, item in enumerate(items):  # a pair or window must not become a second axis
        made[position] = item
    return made


def _stacked(arrays: list[Any]) -> Any:
    if isinstance(arrays[0], NameLists):
        return NameLists.of([one for array in arrays for one in array])
    return np.concatenate(arrays)


def _scalar(kind: str, value: Any) -> Any:
    if kind == "day":
        return None if np.isnat(value) else value.item()
    return value.item() if isinstance(value, np.generic) else value


def cells(column: Column[Any, Any], array: Any) -> Any:
    """Return the array of a column (N,) as a frame or a CSV file holds it.

    Numbers, flags and text as they are; days, moments, windows and lists of names as text.
    """
    if column.kind == "count" and np.isfinite(array).all():
        return array.astype(np.int64)
    if column.kind == "day":
        made = np.datetime_as_string(array).astype(object)
        made[np.isnat(array)] = ""
        return made
    if column.kind == "names":
        return _array("text", [listed(one) for one in array])
    if column.kind == "moment":
        return _array("text", ["" if v is None else v.isoformat() for v in array])
    if column.kind == "window":
        return _array("text", ["" if v is None else str(v) for v in array])
    return array


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def shown(column: Column[Any, Any], value: Any, *, digits: int = 4) -> str:
    """Return one value as a reader sees it, by the declared format."""
    if column.kind in ("number", "integer", "count"):
        form: Format = "count" if column.kind == "count" else column.shown
        return significant(value, form, digits=digits)
    if column.kind == "flag":
        return "yes" if value else ""
    if column.kind == "names":
        return listed(value)
    return "" if value is None else str(value)


def to_html(table: Table[Any], *, chosen: Sequence[str] = ()) -> str:
    """Return a table as HTML with its units, every text escaped, long tables cut.

    `chosen` are the names of the columns to show; all that files hold by default.
    """
    held = [c for c in table.columns(filed=None) if (c.name in chosen if chosen else c.filed)]
    head = "".join(
        f'<th title="{html.escape(c.meaning, quote=True)}">{html.escape(c.name)}'
        f"{f' ({html.escape(c.unit)})' if c.unit else ''}</th>"
        for c in held
    )
    body = []
    for i in range(min(len(table), HTML_ROWS)):
        values = (_scalar(c.kind, table.array(c)[i]) for c in held)
        line = "".join(
            f"<td>{html.escape(shown(c, v))}</td>" for c, v in zip(held, values, strict=True)
        )
        body.append(f"<tr>{line}</tr>")
    more = len(table) - HTML_ROWS
    left = f"<p>and {more} more rows</p>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{left}"
