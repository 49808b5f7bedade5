"""The design of a study: everything that decides its numbers, in one frozen object.

Every key of a study file is declared here, on the field that holds it (those of a model: on the
model). A new key is a field with a `Key`, and its use.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from eventstudy import keys
from eventstudy.arrays import ReturnKind
from eventstudy.errors import Fault, StudyError, WindowError, did_you_mean
from eventstudy.keys import Key, Kind
from eventstudy.models.designs import MODELS, ConstantMean, Model, model_class, needed_series
from eventstudy.prices.table import DataKind, PriceTable
from eventstudy.products import FILE, calendar_names, product_names
from eventstudy.results.export import FORMATS
from eventstudy.returns import NonPositive, Rolls
from eventstudy.windows import Window, WindowLike, as_window, estimation_window

Incomplete = Literal["drop", "keep"]
FilterChoice = Literal["auto", "garch", "ewma"]
Tests = Literal["default", "all"] | tuple[str, ...]
Single = Literal["auto", "t"]
Joint = Literal["auto"] | bool
Figures = Literal["both", "pdf", "png"]

EVERY: Final = ("*",)


def calendar_choices() -> tuple[str, ...]:
    """Return the calendars that a study may name."""
    return ("auto", FILE, *calendar_names())


def roll_rule_names() -> tuple[str, ...]:
    """Return the expiry rules that a study may name."""
    return (*product_names(), "none")


# ---- kinds of values that only a study holds


def _tests(value: object) -> Tests:
    from eventstudy.inference.statistic import statistics

    if isinstance(value, str) and value in ("default", "all"):
        return "all" if value == "all" else "default"
    try:
        chosen: tuple[str, ...] = keys.NAMES.check(value)
    except ValueError:
        hint = did_you_mean(value, ("default", "all")) if isinstance(value, str) else ""
        more = f" ({hint})" if hint.startswith("did") else ""
        msg = f'"default", "all" or a list of names, such as ["bmp"]{more}'
        raise ValueError(msg) from None
    known = [entry.name for entry in statistics()]
    unknown = [
        f"no statistic {keys.brief(n)}: {did_you_mean(n, known)}" for n in chosen if n not in known
    ]
    if unknown:
        msg = f'"default", "all" or names of statistics: {"; ".join(unknown)}'
        raise ValueError(msg)
    return chosen


def _model(value: object) -> Model:
    if isinstance(value, Model):
        return value
    made = model_class(value)
    msg = f"the model itself, not its name: {made.__name__}(...)"
    raise ValueError(msg)


def _model_name(model: Model) -> str:
    return model.name


def _prices(value: object) -> str:
    return str(keys.PATH.check(value))


def _date(value: object) -> dt.date:
    return dt.date.fromisoformat(keys.day_of(value))


_SELECTABLE: Final[dict[str, Callable[[Any], object]]] = {
    "kind": keys.one_or_more,
    "place": keys.one_or_more,
    "event_id": keys.one_or_more,
    "first": _date,
    "last": _date,
}


def _select(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        msg = 'a table such as { kind = "producer decision", first = 2016-01-01 }'
        raise ValueError(msg)  # noqa: TRY004  # a check says what is expected with ValueError
    chosen: dict[str, Any] = {}
    for key, item in value.items():
        if key not in _SELECTABLE:
            hint = did_you_mean(str(key), _SELECTABLE)
            msg = f"{', '.join(list(_SELECTABLE)[:-1])} or last, not {keys.brief(key)} ({hint})"
            raise ValueError(msg)
        chosen[key] = _SELECTABLE[key](item)
    return chosen


def _report(value: object) -> ReportOptions:
    if isinstance(value, ReportOptions):
        return value
    if not isinstance(value, Mapping):
        msg = 'a table of options, such as { events = 10, figures = "pdf" }'
        raise ValueError(msg)  # noqa: TRY004  # a check says what is expected with ValueError
    return keys.from_mapping(ReportOptions, value)


TABLE_FORMATS = keys.several_from(lambda: tuple(FORMATS))


@keys.documented
@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """Options of the report of a study.

    Raises
    ------
    StudyError
        Every fault, one line each.

    Examples
    --------
    >>> from eventstudy.study import ReportOptions
    >>> ReportOptions(events=10, figures="pdf").events
    10
    """

    events: Annotated[int | None, Key(
        "report.events",
        "Most events with a section of their own in the PDF, and most pairs of event and asset "
        "with a figure; the tables hold all of them.",
        keys.whole(0), (10,), default="`40` sections, `24` figures",
    )] = None  # fmt: skip
    figures: Annotated[Figures, Key(
        "report.figures", "Which files of each figure are kept.", examples=("pdf",),
    )] = "both"  # fmt: skip
    tables: Annotated[Sequence[str], Key(
        "report.tables", "File formats of the tables, each a file: [tables.md](tables.md).",
        TABLE_FORMATS, (("csv", "parquet"),),
    )] = ("csv",)  # fmt: skip
    author: Annotated[str, Key(
        "report.author", "Author shown on the title page.",
        examples=("Energy desk",), default="none",
    )] = ""  # fmt: skip

    def __post_init__(self) -> None:
        keys.check_fields(self)


@keys.documented
@dataclass(frozen=True, slots=True)
class StudyInputs:
    """Where a study finds its data, beside its design.

    Raises
    ------
    StudyError
        Every fault, one line each.
    """

    events: Annotated[Path, Key(
        "data.events",
        "Event file (CSV), or `catalogue`, the reviewed events that come with the package. "
        "Columns: [events.md](events.md).", keys.PATH, ("events.csv", "catalogue"), shown=True,
    )]  # fmt: skip
    prices: Annotated[str, Key(
        "data.prices",
        "A wide CSV or Parquet file, the name of a bundled dataset (`eventstudy datasets`), or "
        "`store`, the price store that `eventstudy refresh` keeps. A name wins over a file of the"
        " same name.",
        Kind("path or dataset", _prices), ("crude-daily", "prices.csv", "store"), shown=True,
    )]  # fmt: skip
    select: Annotated[Mapping[str, Any], Key(
        "data.select",
        "Events of the file to keep. `kind`, `place` and `event_id` (one or a list), `first` and "
        "`last` day, all of which must fit; an `event_id` that is not there is an error; further "
        "columns that are blank for all that is kept are left out.",
        Kind("table", _select), ({"kind": "producer decision", "first": dt.date(2016, 1, 1)},),
        default="every event",
    )] = field(default_factory=dict)  # fmt: skip
    quotes: Annotated[Path | None, Key(
        "data.quotes",
        "Quoted prices to compare with the settlement they were quoted from. Columns: see below.",
        keys.PATH, ("quotes.csv",), default="none",
    )] = None  # fmt: skip
    claims: Annotated[Path | None, Key(
        "data.claims",
        "Hypotheses with horizon and direction, to be answered with numbers. Columns: see below.",
        keys.PATH, ("claims.csv",), default="none",
    )] = None  # fmt: skip

    def __post_init__(self) -> None:
        keys.check_fields(self)


@keys.documented
@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Design of an event study.

    Raises
    ------
    StudyError
        Every fault, one line each: values that a study file would refuse too, and windows that
        overlap or lie outside one another.

    Examples
    --------
    >>> from eventstudy import Study
    >>> study = Study(name="opec", assets=["wti_front"], event_window=(-1, 1), estimation=120)
    >>> [str(window) for window in study.car_windows]
    ['[0,0]', '[0,1]', '[-1,1]']
    """

    name: Annotated[str, Key(
        "study.name", "Key of the study; names its report folder, `reports/<name>`.",
        keys.KEY, ("opec-2024",), shown=True,
    )]  # fmt: skip
    title: Annotated[str, Key(
        "study.title", "Headline of the report, shown literally.",
        examples=("OPEC meetings and crude",), default="the name", shown=True,
    )] = ""  # fmt: skip
    assets: Annotated[Sequence[str], Key(
        "study.assets",
        "Series studied: columns of the price file. An event without an `asset` is studied on "
        "each of them.",
        keys.NAMES, (["wti_front"], ["wti_front", "brent_front"]),
        default="every series that the model does not use", shown=True,
    )] = EVERY  # fmt: skip

    data_kind: Annotated[DataKind, Key(
        "data.kind",
        "What the values of the file are. Returns are taken as they are; `[returns] kind` says "
        "which kind they are.", examples=("returns",),
    )] = "prices"  # fmt: skip
    calendar: Annotated[str, Key(
        "data.calendar",
        "Sessions and settlement times. `file`: the sessions of the price file, no settlement "
        "times. `auto`: what a bundled dataset suggests; `file` for any other file.",
        keys.choice_from(calendar_choices), ("wti",),
    )] = "auto"  # fmt: skip
    start: Annotated[str, Key(
        "data.start", "First session used.",
        keys.DAY, (dt.date(2015, 1, 2),), default="first session",
    )] = ""  # fmt: skip
    end: Annotated[str, Key(
        "data.end", "Last session used; `--asof` on the command line shortens it further.",
        keys.DAY, (dt.date(2024, 12, 31),), default="last session",
    )] = ""  # fmt: skip

    event_window: Annotated[WindowLike, Key(
        "windows.event", "Event window T1..T2.",
        keys.PAIR, ([-10, 10],), unit="sessions", shown=True,
    )] = (-5, 5)  # fmt: skip
    estimation: Annotated[int | WindowLike, Key(
        "windows.estimation",
        "Estimation window: L sessions that end `gap` sessions before T1, that is `T1 - gap - L "
        ".. T1 - gap - 1`; or a pair relative to session 0, which must end before T1.",
        keys.ESTIMATION, (120, [-260, -11]), unit="sessions", shown=True,
    )] = 250  # fmt: skip
    gap: Annotated[int, Key(
        "windows.gap",
        "Sessions left out between estimation and event window; only with a number in "
        "`estimation`.", keys.whole(0, keys.FARTHEST), (30,), unit="sessions", shown=True,
    )] = 10  # fmt: skip
    car: Annotated[Sequence[WindowLike] | None, Key(
        "windows.car",
        "Windows inside the event window over which abnormal returns are added. The first is the "
        "headline window. Where the key is left out and the event window does not hold all three "
        "of the default: those that it holds, and the event window itself. Session 0 alone is "
        "added where it is not in the list.",
        keys.PAIRS, ([[0, 1], [-1, 1]],), unit="sessions", shown=True,
    )] = None  # fmt: skip
    exclude_events: Annotated[bool, Key(
        "windows.exclude_events",
        "Leave the event windows of other events on the asset out of the estimation window.",
        examples=(True,),
    )] = False  # fmt: skip
    min_estimation: Annotated[int | None, Key(
        "windows.min_estimation",
        "Least usable returns of the estimation window. Without it the whole window must lie "
        "inside the data and half of its returns must be usable.",
        keys.whole(3), (60,), default="none", unit="returns",
    )] = None  # fmt: skip
    incomplete: Annotated[Incomplete, Key(
        "windows.incomplete",
        "An event whose event window reaches past the last return: dropped with the reason, or "
        "studied on the sessions that are there.", examples=("keep",),
    )] = "drop"  # fmt: skip
    ambiguous_minutes: Annotated[int, Key(
        "windows.ambiguous_minutes",
        "A time this close to a settlement belongs to both sessions, and both are studied.",
        keys.whole(0, 24 * 60), (15,), unit="minutes",
    )] = 30  # fmt: skip

    returns: Annotated[ReturnKind, Key(
        "returns.kind",
        "Kind of return. `log`: log(p_t / p_t-1). `simple`: p_t / p_t-1 - 1. `change`: p_t - "
        "p_t-1 in units of the price. For a file of returns: what they are, which decides how "
        "they are turned into per cent.", examples=("simple",), shown=True,
    )] = "log"  # fmt: skip
    nonpositive: Annotated[NonPositive, Key(
        "returns.nonpositive",
        "What to do where a return is undefined because a price is not positive, as on "
        "2020-04-20. `error` names series, session and remedies. `change`: the whole series in "
        "changes of the price. `simple`: simple returns where the base is positive. `exclude`: "
        "the session is missing. `next-contract`: the return of another series, see "
        "`next_contract`.", examples=("exclude",),
    )] = "error"  # fmt: skip
    rolls: Annotated[Rolls, Key(
        "returns.rolls",
        "The return of a front-month series on the first session of a new contract mixes two "
        "contracts. `mask`: left out of the estimation window and marked in the event window.",
        examples=("keep",),
    )] = "mask"  # fmt: skip
    roll_rules: Annotated[Mapping[str, str], Key(
        "returns.roll_rules",
        "Expiry rule of a series of your own: "
        f"{', '.join(f'`{rule}`' for rule in roll_rule_names()[:-1])} or "
        f"`{roll_rule_names()[-1]}`.",
        keys.mapping_to(roll_rule_names), ({"my_front": "wti"},), default="those of the dataset",
    )] = field(default_factory=dict)  # fmt: skip
    next_contract: Annotated[Mapping[str, str], Key(
        "returns.next_contract",
        'The series whose return replaces an undefined one under `nonpositive = "next-contract"`.',
        keys.MAPPING, ({"front": "second"},), default="none",
    )] = field(default_factory=dict)  # fmt: skip

    model: Annotated[Model, Key(
        "model.kind",
        "Model of the normal return, by least squares on the estimation window (K regressors). "
        + " ".join(f"`{name}`: {model.summary}." for name, model in MODELS.items()),
        Kind(keys.choice(*MODELS).form, _model, _model_name), ("market",), shown=True,
    )] = field(default_factory=ConstantMean)  # fmt: skip

    tests: Annotated[Tests, Key(
        "inference.tests",
        "Statistics over many events. `default`: those whose assumptions can hold in this design."
        " `all`: every one, those that cannot hold marked as such. Names: `eventstudy methods`.",
        Kind('`"default"`, `"all"` or list of names', _tests), (["bmp_kp", "grank_t"],), shown=True,
    )] = "default"  # fmt: skip
    level: Annotated[float, Key(
        "inference.level", "Level of tests; intervals have 1 - level coverage.",
        keys.SHARE, (0.1,), shown=True,
    )] = 0.05  # fmt: skip
    seed: Annotated[int, Key(
        "inference.seed",
        "Seed of all simulations. The draws of an event depend on the seed, its `event_id`, its "
        "asset and its window, not on the other events.",
        keys.whole(0, 2**63 - 1), (20240607,), shown=True,
    )] = 1  # fmt: skip
    draws: Annotated[int, Key(
        "inference.draws", "Paths of a filtered historical simulation; at least 19.",
        keys.whole(19, 10_000_000), (999,), unit="paths", shown=True,
    )] = 9999  # fmt: skip
    volatility: Annotated[FilterChoice, Key(
        "inference.filter",
        "Volatility filter of the single-event tests. `auto` and `garch`: GARCH(1,1) with Student"
        " t errors where at least 500 sessions lie before the event, EWMA (lambda 0.94) where "
        "there are fewer or the fit fails; the result says which.", examples=("ewma",),
    )] = "auto"  # fmt: skip
    history: Annotated[int, Key(
        "inference.history", "Most sessions before an event that its filter may use.",
        keys.whole(50), (750,), unit="sessions",
    )] = 1000  # fmt: skip
    single: Annotated[Single, Key(
        "inference.single",
        "Tests of single events. `auto`: the volatility-filtered tests beside the t and the "
        "sample quantile. `t`: those two only, without a filter and without draws, for"
        " samples of thousands of events.", examples=("t",),
    )] = "auto"  # fmt: skip
    joint: Annotated[Joint, Key(
        "inference.joint",
        "Joint regression of an asset on dummies for all of its events. `auto`: up to 100 events "
        "per asset, with a note above.", examples=(True, False),
    )] = "auto"  # fmt: skip

    report: Annotated[ReportOptions | Mapping[str, Any], Key(
        "report", "Options of the report: a `ReportOptions` or a mapping.", Kind("table", _report),
    )] = field(default_factory=ReportOptions)  # fmt: skip

    def __post_init__(self) -> None:
        keys.check_fields(self, _between_fields)
        if self.car is None:
            object.__setattr__(self, "car", _default_car(self.window))

    @property
    def window(self) -> Window:
        """Event window ``T1..T2``."""
        return as_window(self.event_window)

    @property
    def car_windows(self) -> tuple[Window, ...]:
        """CAR windows; session 0 alone is always among them."""
        asked = tuple(as_window(window) for window in self.car or ())
        zero = Window(0, 0)
        return asked if zero in asked or zero.start not in self.window else (*asked, zero)

    @property
    def estimation_window(self) -> Window:
        """Estimation window relative to session 0."""
        return estimation_window(self.window, self.estimation, gap=self.gap)

    @property
    def series(self) -> tuple[str, ...]:
        """Every series the study reads: assets, then those of the model."""
        return tuple(dict.fromkeys((*self.assets, *needed_series(self.model))))

    def settings(self) -> dict[str, dict[str, Any]]:
        """Return the design as plain values, in the sections of a study file.

        Of the report only what differs from its defaults.
        """
        found = keys.values_of(self)
        for section, values in keys.values_of(self.model).items():
            found[section] |= values
        usual = keys.values_of(ReportOptions())["report"]
        given = keys.values_of(self.report)["report"]
        found["report"] = {key: value for key, value in given.items() if value != usual[key]}
        return found


def with_assets(study: Study, prices: PriceTable) -> Study:
    """Fill in the assets of a study that names none: every series the model does not use.

    Raises
    ------
    StudyError
        When no series is left.
    """
    if study.assets != EVERY:
        return study
    used = set(needed_series(study.model))
    left = tuple(name for name in prices.names if name not in used)
    if not left:
        msg = f"{prices.source}: the model uses every series, so that no asset is left to study"
        raise StudyError(msg)
    return replace(study, assets=left)


def _default_car(event: Window) -> tuple[Window, ...]:
    """Return the usual windows that lie inside the event window, and it where one does not."""
    usual = (Window(0, 0), Window(0, 1), Window(0, 4))
    inside = tuple(window for window in usual if event.covers(window))
    return inside if len(inside) == len(usual) else tuple(dict.fromkeys((*inside, event)))


def _between_fields(study: Study) -> Iterator[Fault]:
    """Find windows that do not fit one another; every field is right by itself."""
    for window in study.car or ():
        if not study.window.covers(as_window(window)):
            text = f"CAR window {window} is not inside the event window {study.window}"
            yield Fault("car", keys.plain(study.car), text)
    try:
        length = len(study.estimation_window)
    except WindowError as error:
        yield Fault("estimation", keys.plain(study.estimation), str(error))
        return
    needed = study.model.n_params + 1
    if length <= needed:
        text = (
            f"estimation window {study.estimation_window} has {length} "
            f"sessions; a model with {study.model.n_params} parameter(s) needs more than {needed}"
        )
        yield Fault("estimation", keys.plain(study.estimation), text)
