"""The tables of a result, each column declared once.

The order of the declarations is that of the files. What follows from other columns (per cent,
money, the p-value that counts) is derived here and nowhere else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from eventstudy.arrays import DayArray, FloatArray, IntArray
from eventstudy.events import Event
from eventstudy.tables.columns import (
    Column,
    Row,
    Table,
    TextArray,
    count,
    day,
    flag,
    integer,
    moment,
    names,
    number,
    p_value,
    signed,
    text,
    window,
)
from eventstudy.windows import Window

HEADLINE, PER_WINDOW, SECOND = "headline", "per window", "second session"
_WIDE = (HEADLINE, PER_WINDOW, SECOND)
_ALT = (HEADLINE, SECOND)


def as_percent(effect: FloatArray, kind: TextArray, base: FloatArray) -> FloatArray:
    """Return effects in per cent of `base`, the price of the session before the window (N,).

    ``100 (exp(effect) - 1)`` for log returns, ``100 effect`` for simple ones and
    ``100 effect / base`` for changes of the price; NaN where that price is not positive.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        change = np.where(base > 0, 100.0 * effect / base, np.nan)
        growth = 100.0 * np.expm1(effect)  # a change of the price may be too large for this
    return np.where(kind == "log", growth, np.where(kind == "simple", 100.0 * effect, change))


def as_money(effect: FloatArray, kind: TextArray, base: FloatArray) -> FloatArray:
    """Return effects in units of the price (N,).

    ``base (exp(effect) - 1)`` for log returns, ``base effect`` for simple ones, the effect itself
    for changes of the price.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        growth = base * np.expm1(effect)  # a change of the price may be too large for this
    return np.where(kind == "log", growth, np.where(kind == "simple", base * effect, effect))


def _percent(name: str) -> Any:
    return lambda t: as_percent(getattr(t, name), t.return_kind, t.base_price)


def _money(name: str) -> Any:
    return lambda t: as_money(getattr(t, name), t.return_kind, t.base_price)


# The tests of one event in the order in which they stand in where the default gives no number.
FALLBACK = ("fhs", "conformal", "t")


def _method(table: Effects) -> TextArray:
    """Return the test whose p-value counts: the default of the window, or the next best."""
    chosen = table.ci_method.copy()
    for name in FALLBACK:
        chosen[~np.isfinite(_p_of(table, chosen))] = name
    return chosen


def _p_of(table: Effects, methods: TextArray) -> FloatArray:
    found = np.full(len(table), np.nan)
    for name in ("vfc", "fhs", "conformal", "t", "sq"):
        mine = methods == name
        values: FloatArray = getattr(table, f"p_{name}")
        found[mine] = values[mine]
    return found


class _EffectFields:
    event_id = text("Key of the event.")
    asset = text("Series studied.")
    session = day("Session 0.")
    window = window("The window, `[a,b]`.", tags=(HEADLINE,))
    window_start = integer("a.", unit="sessions", derives=lambda t: [w.start for w in t.window])
    window_end = integer("b.", unit="sessions", derives=lambda t: [w.end for w in t.window])
    n_sessions = integer("Sessions of it that have a return, W.", tags=(HEADLINE,))
    effect = signed("Its CAR.", unit="return", tags=_ALT)
    se = number(
        "sqrt V, V = s^2 (W + 1' X* (X'X)^-1 X*' 1) over the sessions present.",
        unit="return", tags=_WIDE,
    )  # fmt: skip
    t = signed("effect / se.", tags=_WIDE)
    df = count("L - K.", tags=(HEADLINE,))
    p_t = p_value(
        "Two-sided p of `t` under the t distribution with `df` degrees of freedom.", tags=_WIDE
    )
    p_sq = p_value(
        "Sample quantile: (1 + number of sums of W consecutive residuals of the estimation window "
        "at least as large in absolute value) / (their number + 1).", tags=(HEADLINE, PER_WINDOW),
    )  # fmt: skip
    p_vfc = p_value(
        "Volatility-filtered conformal: the same rank among the sessions (or runs of W sessions) "
        "before the event, each divided by its volatility forecast. The default for one session.",
        tags=_WIDE,
    )  # fmt: skip
    p_fhs = p_value(
        "Filtered historical simulation: share of simulated CARs at least as large. The default "
        "for several sessions.", tags=_WIDE,
    )  # fmt: skip
    p_conformal = p_value(
        "Moving-block permutation: share of the L + W cyclic shifts of the residuals, fitted on "
        "estimation and window sessions together, whose last W sum to as much.",
        tags=(HEADLINE, PER_WINDOW),
    )  # fmt: skip
    ci_low = signed(
        "Lower end of the interval with 1 - level coverage by inversion of `ci_method`.",
        unit="return", tags=_WIDE,
    )  # fmt: skip
    ci_high = signed("Its upper end.", unit="return", tags=_WIDE)
    ci_method = text(
        "`vfc` or `fhs`: the default test of the window; `t` where the study asks for no filter.",
        tags=(HEADLINE,),
    )  # fmt: skip
    ci_t_low = signed("Lower end of effect -+ t quantile x se.", unit="return", tags=(HEADLINE,))
    ci_t_high = signed("Its upper end.", unit="return", tags=(HEADLINE,))
    mde = number(
        "Minimum detectable effect: what `ci_method` finds in 8 of 10 cases at the study's level.",
        unit="return", tags=(HEADLINE, PER_WINDOW),
    )  # fmt: skip
    mde_t = number(
        "The same for the t: (t quantile of 1 - level/2 + t quantile of 0.8) x se.",
        unit="return", tags=(HEADLINE,),
    )  # fmt: skip
    vol_ratio = number(
        "Volatility forecast for the first session of the window / s.", tags=(HEADLINE,)
    )
    vol_warning = flag(
        "Whether it lies above 1.3 or below 0.7: `p_t` and `p_sq` mislead there.", tags=(HEADLINE,)
    )
    filter = text("`garch` or `ewma`; empty where none was run.", tags=(HEADLINE,))
    filter_reason = text(
        "Why the filter falls back to EWMA, or why a number is missing; empty where there is "
        "nothing to say.", tags=(HEADLINE,),
    )  # fmt: skip
    percent = signed(
        "Effect in per cent: 100 (exp(effect) - 1) for log returns, 100 effect for simple ones, "
        "100 effect / base price for changes.", unit="%", tags=_WIDE, derives=_percent("effect"),
    )  # fmt: skip
    percent_low = signed("The same for `ci_low`.", unit="%", tags=_ALT, derives=_percent("ci_low"))
    percent_high = signed(
        "The same for `ci_high`.", unit="%", tags=_ALT, derives=_percent("ci_high")
    )
    base_price = number("Price of the session before the window.", unit="price", tags=(HEADLINE,))
    usd = signed(
        "Effect in units of the price: base price x (exp(effect) - 1) for log returns, x effect "
        "for simple ones, the effect itself for changes. Empty for a file of returns.",
        unit="price", tags=_WIDE, derives=_money("effect"),
    )  # fmt: skip
    usd_low = signed("The same for `ci_low`.", unit="price", tags=_ALT, derives=_money("ci_low"))
    usd_high = signed("The same for `ci_high`.", unit="price", tags=_ALT, derives=_money("ci_high"))
    n_estimation = integer(
        "Usable sessions of the estimation window, L.", unit="sessions", tags=(HEADLINE,)
    )
    roll = flag("Whether the window contains a roll session.")
    return_kind = text("What a return is: `log`, `simple` or `change`.", filed=False)
    method = text(
        "The test whose p-value counts: `ci_method`, or the next best where it gives no number.",
        filed=False, derives=_method,
    )  # fmt: skip
    p = p_value(
        "The p-value that counts: that of `method`.",
        filed=False, derives=lambda t: _p_of(t, t.method),
    )  # fmt: skip
    mde_percent = number(
        "`mde` in per cent of the price before the window.",
        unit="%", filed=False, derives=_percent("mde"),
    )  # fmt: skip
    mde_t_percent = number("`mde_t` in per cent.", unit="%", filed=False, derives=_percent("mde_t"))


class EffectRow(_EffectFields, Row):
    """One event, one asset, one window."""

    @property
    def has_effect(self) -> bool:
        """Whether the window holds a return that was tested."""
        return bool(np.isfinite(self.effect))


class Effects(_EffectFields, Table[EffectRow]):
    """A row per event, asset and window of `[windows] car`; only pairs that were studied."""


class _EventFields:
    event_id = text("Key of the event.")
    asset = text("Series studied.")
    session = day("Session 0; empty where there is none.")
    state = text(
        "`kept`, `moved`, `ambiguous`, `confounded`, `dropped` or `undated`: see "
        "[events.md](events.md)."
    )
    title = text("As in the event file.")
    kind = text("As in the event file.")
    place = text("As in the event file.")
    direction = text("`up`, `down`, `none` or empty.")
    source = text("As in the event file.")
    stated = moment("Date or moment as stated, ISO 8601.")
    zone = text("IANA zone it was stated in.")
    precision = text("`exact`, `hour`, `day` or `undated`.")
    moved_from = text("The stated day where the session is another one.")
    alt_session = day("The second possible session of an ambiguous event.")
    confounded_with = names("Events with the same session 0 on this asset.")
    perhaps_confounded_with = names(
        "Ambiguous events whose second possible session is this session 0."
    )
    overlaps_with = names("Events whose event window shares a session with this one.")
    estimation_overlaps = names("Events whose event window reaches into this estimation window.")
    roll_taus = names(
        "Sessions of the event window, relative to session 0, on which the front month changes its "
        "contract."
    )
    reason = text(
        "Why this session, or why the event was not studied.",
        derives=lambda t: ["; ".join(parts) for parts in t.reasons],
    )  # fmt: skip
    reasons = names("The same, part by part.", filed=False)
    effects_at = integer("First row of the pair in the effects, or -1.", filed=False)
    alternatives_at = integer("The same in the alternatives.", filed=False)
    event = Column[TextArray, Event]("plain", "The event as it was read.", filed=False)
    features = Column[TextArray, dict[str, Any]](
        "plain", "Further columns of the event file.", filed=False,
        derives=lambda t: [one.carried for one in t.event],
    )  # fmt: skip


class EventRow(_EventFields, Row):
    """One event on one asset, studied or not."""

    @property
    def studied(self) -> bool:
        """Whether the pair has a session and was not dropped."""
        return self.state not in ("dropped", "undated")


class Events(_EventFields, Table[EventRow]):
    """A row per event and asset, in the order of the event file."""


class _SessionFields:
    event_id = text("Key of the event.")
    asset = text("Series studied.")
    tau = integer("Session relative to session 0.", unit="sessions")
    session = day("Its date; empty past the last session.")
    ar = signed(
        "AR = return - expected; empty where the return or a regressor is missing.", unit="return"
    )
    sar = signed("AR / se.")
    se = number("s sqrt C, C = 1 + x_t' (X'X)^-1 x_t.", unit="return")
    return_ = signed("The return of the session.", unit="return", name="return")
    expected = signed("What the model expects of it.", unit="return")
    ci_low = signed(
        "Lower end of AR -+ t quantile x se with L - K degrees of freedom.", unit="return"
    )
    ci_high = signed("Its upper end.", unit="return")
    roll = flag("Whether the front month changes its contract on this session.")


class SessionRow(_SessionFields, Row):
    """One session of an event window."""


class SessionReturns(_SessionFields, Table[SessionRow]):
    """A row per event, asset and session of the event window."""


class _TestFields:
    asset = text("The sample: `all` or an asset.")
    event_id = text(
        "The event, for a statistic of one event or an adjusted p-value; empty for those of many."
    )
    window = window("The window, `[a,b]`.")
    window_start = integer("a.", unit="sessions", derives=lambda t: [w.start for w in t.window])
    window_end = integer("b.", unit="sessions", derives=lambda t: [w.end for w in t.window])
    statistic = text("Name: see below.")
    value = signed("Its value; empty where it was refused.")
    df = number(
        "Degrees of freedom of its t distribution; empty where there are none.", shown="count"
    )
    pvalue = p_value("Two-sided, unless the statistic says otherwise.")
    n = integer(
        "Observations that entered: pairs of event and asset, windows, episodes or events.",
        shown="count",
    )  # fmt: skip
    verdict = text(
        "`holds`: its assumptions can hold in this sample. `caution`: one of them is in doubt. "
        "`refused`: they cannot hold, no number is given. `marked`: they cannot hold and the number"
        ' is shown because `tests = "all"` asked for it.'
    )
    reason = text("Why the verdict is not `holds`, and what else to know of the value.")


class TestRow(_TestFields, Row):
    """One statistic on one sample and window."""

    __test__ = False  # no class of tests to pytest


class Tests(_TestFields, Table[TestRow]):
    """A row per sample, window and statistic; per event too where a statistic is of one event."""

    __test__ = False  # no class of tests to pytest


class _SampleFields:
    asset = text("The sample: an asset, or `all` for every pair.")
    window = window("CAR window.")
    n = count("Pairs with an abnormal return in the window.")
    n_assets = count("Assets among them.")
    overlapping = count("Overlapping pairs of windows on one asset.")
    shared = number("Share of pairs of windows on different assets that share a session.")
    rbar = number("Mean correlation of estimation residuals, matched by calendar session.")
    rbar_windows = number("Mean correlation of CARs that this and the overlap imply.")
    size_xc = number("What a test that ignores this correlation rejects at a nominal 5%.")
    variance_ratio = number("Variance of the standardised CARs against 1: event-induced variance.")
    variance_pvalue = p_value("Its p-value.")
    n_dated = count("Windows on the filtered returns.")
    n_episodes = count("Windows merged wherever they share a session.")
    covered = number("Share of sessions inside a window.")
    abs_z_ratio = number("Mean absolute filtered return on covered over other sessions.")
    p_abs_z = p_value("Its p-value by circular shift.")
    why = text("Why these tests are the default here.")


class SampleRow(_SampleFields, Row):
    """What the choice of tests rests on for one sample and window."""


class Samples(_SampleFields, Table[SampleRow]):
    """What the choice of tests rests on, a row per asset (or `all`) and window."""


class _FamilyFields:
    asset = text("The family.")
    window = window("CAR window.")
    event_id = text("Key of the event.")
    score = signed(
        "Sum of filtered returns over the window, divided by the square root of W; about N(0, 1) "
        "without an effect."
    )
    pvalue = p_value("P-value of the default test of the single event.")
    p_max_z = p_value(
        "Adjusted by the largest score over the circular shifts of the whole family (Westfall and "
        "Young 1993; Romano and Wolf 2005)."
    )
    p_holm = p_value("Adjusted by Holm (1979).")
    p_benjamini_hochberg = p_value("Adjusted by Benjamini and Hochberg (1995).")
    direction = text("Expected direction, `up` or `down`; empty where none was declared.")
    signed_effect = signed(
        "CAR of the event, turned so that positive is the expected direction.", unit="return"
    )
    p_one_sided = p_value(
        "One-sided p-value of the default test, in the expected direction: half of `pvalue` where "
        "the move agrees, else one minus that."
    )
    overlap_z_without = signed(
        "Overlap-exact z of the family without this event (headline window)."
    )
    p_overlap_z_without = p_value("Its p-value.")
    p_shift_sharp_without = p_value("P-value of the circular shift without this event.")


class FamilyRow(_FamilyFields, Row):
    """One event of a family of single p-values."""


class Family(_FamilyFields, Table[FamilyRow]):
    """The single p-values of the events of one asset, adjusted together."""


class _RegressionFields:
    asset = text("The series.")
    group = text("The events of the group, for people: `a + b`.")
    event_ids = text("The same, separated by `;`.")
    window = window("The window.")
    sessions = text("The usable sessions of the group, ISO dates separated by `;`.")
    coef = signed(
        "Effect: coefficient x number of sessions. For an event whose window overlaps with no "
        "other it is the CAR against the mean (and the controls) of all sessions outside "
        "every window.",
        unit="return",
    )  # fmt: skip
    se_ols = number("Its standard error under independent errors of one variance.", unit="return")
    se_hac = number(
        "Newey-West standard error, Bartlett kernel, scaled by n / (n - parameters). Empty where a "
        "session has a dummy of its own: its residual is zero and the estimate says nothing about "
        "it.", unit="return",
    )  # fmt: skip
    t_hac = signed("coef / se_hac.")
    p_hac = p_value(
        "Two-sided p under the t distribution with n - parameters degrees of freedom. Shown for "
        "comparison: it rejects far too often with few sessions per event."
    )
    p_shift = p_value(
        "Share of the circular shifts of the whole pattern of dummies, the observed one included, "
        "whose effect for this group is at least as large in absolute value. Raw effects, the "
        "sessions of real events included."
    )
    bandwidth = integer("Lags of the kernel, floor(4 (n / 100)^(2/9)).", unit="sessions")
    n = integer("Usable sessions of the series.", shown="count")
    note = text("What was joined, cannot be estimated, or is refused.")


class RegressionRow(_RegressionFields, Row):
    """One group of events that cannot be told apart, on one asset and window."""


class Regression(_RegressionFields, Table[RegressionRow]):
    """Joint event dummies: a row per asset, window and group of events."""


class _QuoteFields:
    quote_id = text("Key of the quote.")
    asset = text("Its series.")
    moment = moment("When it was seen, New York time.")
    session = day("Session the moment belongs to.")
    base_session = day("Session of the settlement before it.")
    base_price = number("That settlement.", unit="price")
    level = number("The quoted price.", unit="price")
    implied_change_pct = signed("100 (level / base_price - 1).", unit="%")
    quoted_change_pct = signed("The change that was printed; empty where none was.", unit="%")
    agrees = flag(
        "Whether the two differ by no more than rounding of the printed numbers can hide."
    )
    sentence = text("The same in words.")


class QuoteRow(_QuoteFields, Row):
    """A quoted price compared with the settlement it was quoted from."""


class Quotes(_QuoteFields, Table[QuoteRow]):
    """Quoted prices compared with settlements."""


class _ClaimFields:
    claim_id = text("Key of the claim.")
    title = text("The claim.")
    asset = text("Series.")
    event_id = text("Event.")
    window = window("Horizon.")
    direction = text("Expected sign.")
    effect = signed("CAR over the horizon.", unit="return")
    percent = signed("The same in per cent.", unit="%")
    ci_low = signed("Lower end of the two-sided interval.", unit="return")
    ci_high = signed("Its upper end.", unit="return")
    pvalue = p_value("One-sided, in the direction of the claim.")
    test = text("The test behind it.")
    verdict = text(
        "`supported`, `contradicted` (either with ` by a move that other events share` where the "
        "window holds others), `cannot be distinguished from noise` or `not tested`."
    )
    sentence = text("The same in words, with the effect that is found in 8 of 10 cases.")


class ClaimRow(_ClaimFields, Row):
    """A claim stated as a hypothesis, and its answer."""


class Claims(_ClaimFields, Table[ClaimRow]):
    """Claims and their answers."""


class _NoteFields:
    kind = text(
        "`moved`, `ambiguous`, `confounded`, `dropped`, `undated`, `masked`, `gap`, `stale`, `not "
        "a session`, `spot`, `fallback`, `roll` or `note`."
    )
    subject = text("The event, series or key concerned.")
    detail = text("One sentence.")


class NoteRow(_NoteFields, Row):
    """One entry of the audit log."""


class Notes(_NoteFields, Table[NoteRow]):
    """Everything that was moved, dropped, masked, replaced or is missing."""


def _hash(days: DayArray, values: FloatArray) -> str:
    # The representation of a value is that of numpy from version 2 on, kept for old records.
    rows = zip(np.datetime_as_string(days), map(repr, values.tolist()), strict=True)
    text = "".join([f"{day},np.float64({value})\n" for day, value in rows])
    return hashlib.sha256(text.encode()).hexdigest()


class _SeriesFields:
    name = text("The series.")
    title = text("What it is.")
    unit = text("Its unit.")
    kind = text("`futures`, `spot`, `index`, `volatility`, `returns` or `unknown`.")
    source = text("Who publishes it and how it came here.")
    first = text("First session with a value.")
    last = text("Last session with a value.")
    n_sessions = integer("Sessions with a value.", shown="count")
    n_missing = integer("Sessions between the two without one.", shown="count")
    n_masked_rolls = integer("Roll sessions left out of estimation.", shown="count")
    n_stale = integer("Sessions that repeat the price of the one before.", shown="count")
    as_of = text("Day of the newest knowledge in it.")
    sha256 = text(
        "Hash of its sessions and values.",
        derives=lambda t: [_hash(*one) for one in t.observations],
    )  # fmt: skip
    observations = Column[TextArray, tuple[DayArray, FloatArray]](
        "plain", "Its sessions and values.", filed=False
    )


class SeriesRow(_SeriesFields, Row):
    """Where one price or return series came from and what was done to it."""


class Series(_SeriesFields, Table[SeriesRow]):
    """A row per series used."""


@dataclass(frozen=True, slots=True, eq=False)
class ResultTables:
    """Every table of a result under the name of its file.

    `alternatives` and `alternative_ar` are those of the second possible session of an event.
    """

    events: Events
    effects: Effects
    alternatives: Effects
    ar: SessionReturns
    alternative_ar: SessionReturns
    tests: Tests
    design: Samples
    family: Family
    regression: Regression
    quotes: Quotes
    claims: Claims
    notes: Notes
    series: Series

    def named(self) -> dict[str, Table[Any]]:
        """Return the tables by name, in order."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def wide_events(
    events: Events, effects: Effects, alternatives: Effects, windows: tuple[Window, ...]
) -> pd.DataFrame:
    """Return one wide row per event and asset, those that were not studied included.

    Unsuffixed columns of the effect speak of the first window; ``<name>_<a>_<b>`` repeats the
    columns declared with `PER_WINDOW` for each; ``alt_<name>`` those declared with `SECOND` for
    the second possible session. Further columns of the event file come last.
    """
    facts = events.frame()
    blocks = {
        "first": (effects.frame(), events.effects_at),
        "second": (alternatives.frame(), events.alternatives_at),
    }
    zero = windows.index(Window(0, 0)) if Window(0, 0) in windows else None
    parts: dict[str, Any] = {}
    for name, column, block, k in _wide_plan(windows):
        if block == "facts":
            parts[name] = facts[name]
        elif k is None:
            missing: FloatArray = np.full(len(events), np.nan)
            parts[name] = missing if zero is None else _laid(*blocks[block], "effect", zero)
        else:
            parts[name] = _laid(*blocks[block], column.name, k)
    parts |= features(events, taken=set(parts))
    return pd.DataFrame(parts, index=range(len(events)))


def wide_columns(windows: tuple[Window, ...]) -> dict[str, Column[Any, Any]]:
    """Columns of the wide table of events by name, without those of the event file."""
    return {name: column for name, column, _, _ in _wide_plan(windows)}


_Plan = tuple[str, Column[Any, Any], str, int | None]


def _wide_plan(windows: tuple[Window, ...]) -> list[_Plan]:
    """Return name, declaration, block and window of each wide column; no window: session 0."""
    facts = {c.name: c for c in Events.columns()}
    lead = ("event_id", "asset", "session", "state")
    ar0 = number("Abnormal return of session 0.", unit="return", shown="signed")
    plan: list[_Plan] = [(name, facts[name], "facts", None) for name in lead]
    plan.append(("ar0", ar0, "first", None))
    plan += [(f"car_{w.suffix}", _CAR, "first", k) for k, w in enumerate(windows)]
    plan += [(c.name, c, "first", 0) for c in tagged(HEADLINE)]
    plan += [(name, c, "facts", None) for name, c in facts.items() if name not in lead]
    plan += [
        (f"{c.name}_{w.suffix}", c, "first", k)
        for k, w in enumerate(windows)
        for c in tagged(PER_WINDOW)
    ]
    plan.append(("alt_ar0", ar0, "second", None))
    return plan + [(f"alt_{c.name}", c, "second", 0) for c in tagged(SECOND)]


_CAR = number("CAR = sum of AR over the window.", unit="return", shown="signed", name="effect")


def tagged(tag: str) -> tuple[Column[Any, Any], ...]:
    """Columns of the effects that carry a tag."""
    return tuple(c for c in Effects.columns() if tag in c.tags)


def features(events: Events, *, taken: set[str]) -> dict[str, list[Any]]:
    """Return further columns of the event file; a taken name gets the prefix ``feature_``."""
    found = dict.fromkeys(name for one in events.features for name in one)
    return {
        f"feature_{name}" if name in taken else name: [one.get(name) for one in events.features]
        for name in found
    }


def _laid(frame: pd.DataFrame, at: IntArray, name: str, window: int) -> Any:
    """Lay a column of effects out by pair: row ``at + k`` is window k of a pair; -1 for none."""
    column, known = frame[name].to_numpy(), at >= 0
    kind = column.dtype.kind
    if known.all() and len(column):
        return column[at + window]
    empty = np.nan if kind in "fiu" else "" if kind == "O" and name != "vol_warning" else None
    found = np.full(len(at), empty, dtype=float if kind in "fiu" else object)
    found[known] = column[at[known] + window]
    return found
