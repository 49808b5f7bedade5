"""The words of a language: one TOML file, read once into typed tables with compiled patterns."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from importlib import resources
from typing import Any, ClassVar, Literal, cast, get_args, get_origin, get_type_hints

from eventstudy.errors import TableError, UnknownNameError, did_you_mean

Direction = Literal["up", "down", "none"]
Level = Literal["site", "water", "country", "seat", "nationality", "body"]
Unit = Literal["day", "week", "month"]
Pattern = re.Pattern[str]
_PIECE = re.compile(r"\{([a-z_][a-z_0-9]*)\}")


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the alias table, under one of its names.

    Parameters
    ----------
    name, zone : str
        Its usual name, and the zone of its clocks.
    level : {"site", "water", "country", "seat", "nationality", "body"}
        What the text named: a country, its government, its people, or a company or movement of it
        mean one place but not one role. Two names of one place are equal.
    capital_of : str
        The country whose government its name may stand for; empty for other places.
    """

    name: str
    zone: str
    level: Level = field(compare=False)
    capital_of: str = field(default="", compare=False)

    @property
    def is_country(self) -> bool:
        """Whether it is a whole country, however it was named."""
        return self.level not in {"site", "water"}


@dataclass(frozen=True, slots=True)
class SentenceWords:
    """How sentences begin and do not end, what is quoted, and who finds the stems of words."""

    start: str
    abbreviations: tuple[str, ...]
    quoted: Pattern
    stemmer: str


@dataclass(frozen=True, slots=True)
class DatelineWords:
    """Datelines of agencies, days on a line of their own, clock times; pieces not yet filled in."""

    agency: str
    day: str
    clock: str


@dataclass(frozen=True, slots=True)
class ClockWords:
    """Times of day, pieces not yet filled in, and what joins one to its day."""

    time: str
    gap: Pattern


@dataclass(frozen=True, slots=True)
class CalendarWords:
    """Words that stand for numbers and distances."""

    months: Mapping[str, int]
    weekdays: Mapping[str, int]
    numbers: Mapping[str, int]
    which: Mapping[str, int]
    units: Mapping[str, Unit]
    ways: Mapping[str, int]
    published: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DateRuleWords:
    """A rule of the finder of dates as the file states it."""

    name: str
    resolve: str
    pattern: str
    days: int = 0


@dataclass(frozen=True, slots=True)
class DateWords:
    """Cues of tense, words, pieces and rules of dated expressions."""

    FLAGS: ClassVar[re.RegexFlag] = re.IGNORECASE

    future: Pattern
    past: Pattern
    month_ahead: Pattern
    words: CalendarWords
    pieces: Mapping[str, Any]
    rules: tuple[DateRuleWords, ...]


@dataclass(frozen=True, slots=True)
class StateWords:
    """What says that an event happened, is to happen, might, or did not; and where clauses end."""

    FLAGS: ClassVar[re.RegexFlag] = re.IGNORECASE | re.DOTALL

    planned_after: Pattern
    reporting: Pattern
    planned: Pattern
    conditional: Pattern
    denied: Pattern
    denied_after: Pattern
    condition: Pattern
    background: Pattern
    market_clause: Pattern
    clause: Pattern
    cause: Pattern
    opening: Pattern
    meeting: Pattern
    neutral_reason: str
    eased_reason: str


@dataclass(frozen=True, slots=True)
class KindWords:
    """What stands for an event of a kind, and what turns its effect on the price of oil."""

    FLAGS: ClassVar[re.RegexFlag] = re.IGNORECASE | re.DOTALL

    kind: str
    strong: tuple[Pattern, ...] = ()
    both: tuple[Pattern, ...] = ()
    needs: Pattern | None = None
    unless: Pattern | None = None
    background: Pattern | None = None
    neutral: Pattern | None = None
    eased: Pattern | None = None
    eased_direction: Direction | None = None
    eased_reason: str | None = None


@dataclass(frozen=True, slots=True)
class PlaceWords:
    """What joins places to each other and to events."""

    owner: Pattern
    locative: Pattern
    target: Pattern
    agent: Pattern
    passive: Pattern
    people: Pattern


@dataclass(frozen=True, slots=True)
class ActorWords:
    """Who is named beside the places."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SimilarityWords:
    """Words that do, or do not, say which event a sentence reports."""

    common: tuple[str, ...]
    weak: tuple[str, ...]
    act: Pattern
    target: Pattern
    spellings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PriceWords:
    """Benchmarks, what prices do, and the numbers beside them."""

    brent: Pattern
    wti: Pattern
    oil: Pattern
    went: Pattern
    moved: Pattern
    up: Pattern
    down: Pattern
    beside: Pattern
    decimal: str
    percent: Pattern
    dollars: Pattern
    cents: Pattern
    level: Pattern
    no_level: Pattern
    capped: Pattern
    aside: Pattern
    supposed: Pattern


@dataclass(frozen=True, slots=True)
class ClaimWords:
    """What expects something of a price, which way and how soon."""

    FLAGS: ClassVar[re.RegexFlag] = re.IGNORECASE

    clause: Pattern
    subject: Pattern
    outlook: Pattern
    up: Pattern
    down: Pattern
    observed: Pattern
    not_down: Pattern
    supply: Pattern
    short: Pattern
    long: Pattern


@dataclass(frozen=True, slots=True)
class IdleWords:
    """Phrases with a word of a class that mean nothing of it."""

    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LanguageFile:
    """The sections of a language's file."""

    sentences: SentenceWords
    zones: Mapping[str, str]
    dateline: DatelineWords
    clocks: ClockWords
    dates: DateWords
    states: StateWords
    places: PlaceWords
    actors: ActorWords
    similarity: SimilarityWords
    prices: PriceWords
    claims: ClaimWords
    acts: Mapping[str, tuple[str, ...]]
    objects: Mapping[str, tuple[str, ...]]
    idle: IdleWords
    kinds: tuple[KindWords, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """Tables of one language.

    Parameters
    ----------
    name : str
        ISO code.
    words : LanguageFile
        The sections of its file.
    places : mapping of str to Place
        Names and aliases of oil places.
    place_pattern, body_pattern, actor_pattern : Pattern
        Find any of the places; those and the bodies that have one; the actors.
    """

    name: str
    words: LanguageFile
    places: Mapping[str, Place]
    place_pattern: Pattern
    body_pattern: Pattern
    actor_pattern: Pattern

    def place_named(self, name: str) -> Place | None:
        """Return the place of a name in whichever case, as datelines print it."""
        return _folded().get(name.casefold())

    def compiled(self, pattern: str, flags: int = 0) -> Pattern:
        """Compile a pattern of the file with its ``{pieces}`` filled in.

        Raises
        ------
        TableError
            When it names a piece that is not there, or is no pattern once filled in.
        """
        path = f"{self.name}.toml"
        try:
            return re.compile(_filled(pattern, _pieces(self.words)), flags)
        except KeyError as error:
            msg = f"{pattern!r} names a piece that [dates.pieces] lacks: {error}"
            raise TableError(msg, path=path) from error
        except re.error as error:
            msg = f"{pattern!r} is not a pattern: {error}"
            raise TableError(msg, path=path) from error


def _filled(pattern: str, pieces: Mapping[str, str]) -> str:
    return _PIECE.sub(lambda match: _filled(pieces[match.group(1)], pieces), pattern)


def _pieces(words: LanguageFile) -> dict[str, str]:
    """Name what patterns are put together from: numbers, the words for them, and the file's own."""
    calendar = words.dates.words
    months = alternation(calendar.months)
    pieces = {
        "day": r"(?P<day>\d{1,2}){ordinal}(?!\d|%|[.,]\d)",
        "day2": r"(?P<day2>\d{1,2}){ordinal}(?!\d|%|[.,]\d)",
        "month": rf"(?P<month>{months})\b(?:\.(?=\s*\d))?",
        "months": f"(?:{months})",
        "year": r"(?P<year>(?:19|20)\d\d)\b",
        "weekday": f"(?P<weekday>{alternation(calendar.weekdays)})",
        "which": f"(?P<which>{alternation(calendar.which)})",
        "count": rf"(?P<count>{alternation(calendar.numbers)}|\d{{1,2}})",
        "unit": f"(?P<unit>{alternation(calendar.units)})",
        "way": f"(?P<way>{alternation(calendar.ways)})",
        "zones": alternation(words.zones),
    }
    for name, value in words.dates.pieces.items():
        pieces[name] = value if isinstance(value, str) else f"(?:{alternation(value)})"
    return pieces


@cache
def language(name: str = "en") -> Language:
    """Load the tables of a language.

    Raises
    ------
    UnknownNameError
        When there is no file for it.
    TableError
        When its file lacks a key, has an unknown one, or holds a pattern that is none.

    Examples
    --------
    >>> language("en").words.dates.words.months["January"]
    1
    """
    folder = resources.files("eventstudy") / "data" / "languages"
    known = sorted(item.name.removesuffix(".toml") for item in folder.iterdir())
    if name not in known:
        msg = f"no tables for language {name!r}; {did_you_mean(name, known)}"
        raise UnknownNameError(msg)
    return parse_language(name, (folder / f"{name}.toml").read_text("utf-8"))


def parse_language(name: str, text: str) -> Language:
    """Read the text of a language's file, see `language`."""
    path = f"{name}.toml"
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TableError(str(error), path=path) from error
    tables: LanguageFile = _section(LanguageFile, content, path, "")
    places = _places()
    named = [name for name, place in places.items() if place.level != "body"]
    patterns = (_any_of(named), _any_of(places), _any_of(tables.actors.names))
    return Language(name, tables, places, *patterns)


def alternation(names: Iterable[str]) -> str:
    """Return an alternation of literal names, longest first."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in ordered)


def _any_of(names: Iterable[str]) -> Pattern:
    return re.compile(rf"(?<!\w)(?:{alternation(names)})(?!\w)")


@cache
def _places() -> Mapping[str, Place]:
    text = (resources.files("eventstudy") / "data" / "places.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        row["name"]: Place(
            row["place"], row["zone"], cast("Level", row["level"]), row["capital_of"]
        )
        for row in rows
    }


@cache
def _folded() -> Mapping[str, Place]:
    return {name.casefold(): place for name, place in reversed(list(_places().items()))}


def _section(kind: type[Any], table: Any, path: str, where: str) -> Any:  # noqa: ANN401  # any of the tables above
    """Build one of the tables above; its fields say which keys there are and of what type."""
    if not isinstance(table, dict):
        msg = f"[{where}] is not a table; see data/languages/en.toml"
        raise TableError(msg, path=path)
    hints = get_type_hints(kind)
    known = [item.name for item in fields(kind)]
    for key in table:
        if key not in known:
            msg = f"[{where}] has no key {key!r}; {did_you_mean(key, known)}"
            raise TableError(msg, path=path)
    flags = getattr(kind, "FLAGS", re.RegexFlag(0))
    values = {}
    for item in fields(kind):
        if item.name in table:
            place = f"{where}.{item.name}" if where else item.name
            values[item.name] = _value(hints[item.name], table[item.name], path, place, flags)
        elif item.default is MISSING:
            msg = f"[{where}] lacks the key {item.name!r}; see data/languages/en.toml"
            raise TableError(msg, path=path)
    return kind(**values)


def _value(hint: Any, value: Any, path: str, where: str, flags: re.RegexFlag) -> Any:  # noqa: ANN401  # any type of a field
    """Convert one value: patterns are compiled, arrays become tuples, tables dataclasses."""
    options = [option for option in get_args(hint) if option is not type(None)]
    if is_dataclass(hint):
        return _section(hint, value, path, where)  # type: ignore[arg-type]  # a class, not an instance
    if get_origin(hint) is tuple:
        return tuple(_value(options[0], item, path, where, flags) for item in value)
    if Pattern in {hint, *options}:
        try:
            return re.compile(value, flags)
        except (re.error, TypeError) as error:
            msg = f"{where} is not a pattern: {error}"
            raise TableError(msg, path=path) from error
    return value
