"""Numbers as a reader of a report wants them."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eventstudy.results import StudyResult

NONE = "\u2013"
MINUS, THIN = "\u2212", "\u202f"
_HYPHEN = re.compile(r"(?<![\w.-])-(?=\d)")
NEW_YORK = ZoneInfo("America/New_York")


def is_number(value: object) -> bool:
    """Whether a cell holds a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def text_of(value: object) -> str:
    """Return a cell of text; empty when missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value)


def is_true(value: object) -> bool:
    """Whether a cell says yes: a true flag or any words."""
    return value is True or text_of(value).strip().lower() not in {"", "false", "0", "0.0", "no"}


def number(value: Any, digits: int = 2) -> str:  # noqa: ANN401  # a cell holds any plain value
    """Return a number with a true minus sign, or a dash when missing."""
    if not is_number(value):
        return NONE
    rounded = round(float(value), digits) + 0.0  # adding 0.0 turns a negative zero into zero
    shown = f"{rounded:,.{digits}f}".replace(",", THIN)
    return shown.replace("-", MINUS)


def signed(value: Any, digits: int = 2) -> str:  # noqa: ANN401  # a cell holds any plain value
    """Return a number with its sign always shown."""
    shown = number(value, digits)
    return f"+{shown}" if is_number(value) and round(float(value), digits) > 0 else shown


def pvalue(value: Any) -> str:  # noqa: ANN401  # a cell holds any plain value
    """Return a p-value with three decimals; small ones as a bound."""
    if not is_number(value):
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004  # three decimals


def p_text(value: float) -> str:
    """Return a p-value with its name, such as ``p = 0.310`` or ``p < 0.001``."""
    shown = pvalue(value)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def whole(value: Any) -> str:  # noqa: ANN401  # a cell holds any plain value
    """Return a count."""
    return number(value, 0)


def span(low: Any, high: Any, digits: int = 2) -> str:  # noqa: ANN401  # cells hold any plain value
    """Return an interval as ``low to high``."""
    if not (is_number(low) and is_number(high)):
        return NONE
    return f"{signed(low, digits)} to {signed(high, digits)}"


def mde_percent(result: StudyResult, row: Mapping[str, Any]) -> float:
    """Return the minimum detectable effect of a row in per cent of the price before the window."""
    mde: Any = row.get("mde")
    base: Any = row.get("base_price")
    if not is_number(mde):
        return math.nan
    if result.return_kind == "change":
        return 100 * float(mde) / float(base) if is_number(base) and base > 0 else math.nan
    return 100 * (math.expm1(mde) if result.return_kind == "log" else float(mde))


def true_minus(text: str) -> str:
    """Write the hyphens before numbers of a sentence as minus signs."""
    return _HYPHEN.sub(MINUS, text)


def percent_sign(value: float) -> str:
    """Return a level such as ``5 %``."""
    return f"{value:g} %"


def new_york(stated: str) -> str:
    """Return an exact moment in New York time; empty when only the day is known."""
    try:
        moment = datetime.fromisoformat(stated)
    except ValueError:
        return ""
    if moment.tzinfo is None:
        return ""
    return moment.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S %Z").replace(":00 ", " ", 1)
