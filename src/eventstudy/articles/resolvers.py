"""How each rule resolves its expression; what cannot be resolved stays open."""

from __future__ import annotations

import datetime as dt
import re

from eventstudy.articles.scenes import Found, Resolver, Scene


def _one(day: dt.date | None, partial: str | None = None) -> Found:
    return Found((day, day), "day") if day else Found(None, "open", partial)


def iso_moment(match: re.Match[str], _: Scene) -> Found:
    """Read an ISO 8601 moment; without an offset it is only a day."""
    text = re.sub(r"\s(?=[+-Z])", "", match.group("iso").replace("T", " ", 1).replace(" ", "T", 1))
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return Found(None, "open", "not a date")
    day = moment.date()
    return Found(
        (day, day), "exact" if moment.tzinfo else "day", None, moment if moment.tzinfo else None
    )


def iso_day(match: re.Match[str], _: Scene) -> Found:
    """Read an ISO 8601 day."""
    try:
        return _one(dt.date.fromisoformat(match.group("iso")))
    except ValueError:
        return Found(None, "open", "not a date")


def day_month(match: re.Match[str], scene: Scene) -> Found:
    """Read a day and a month, with the year nearest before or after where none is stated."""
    month, number = _month_number(match, scene), int(match.group("day"))
    partial = f"--{month:02d}-{number:02d}"
    if match.group("year"):
        return _one(_date(int(match.group("year")), month, number), "not a date")
    return _one(_nearest(month, number, scene), partial)


def day_range(match: re.Match[str], scene: Scene) -> Found:
    """Read two days of one month."""
    month = _month_number(match, scene)
    first, last = int(match.group("day")), int(match.group("day2"))
    begin = (
        _date(int(match.group("year")), month, first)
        if match.group("year")
        else _nearest(month, first, scene)
    )
    end = begin and _date(begin.year, month, last)
    if begin is None or end is None or end < begin:
        return Found(None, "open", f"--{month:02d}-{first:02d}..{last:02d}")
    return Found((begin, end), "range")


def month(match: re.Match[str], scene: Scene) -> Found:
    """Read a month as a whole."""
    month = _month_number(match, scene)
    if match.groupdict().get("year"):
        return _whole_month(int(match.group("year")), month)
    if scene.day is None:
        return Found(None, "open", f"--{month:02d}")
    year = scene.day.year
    lead = match.group().casefold()
    decided = re.search(scene.language.tables["dates"]["cues"]["month_ahead"], scene.before())
    ahead = lead.startswith(("from", "until", "till", "by", "next"))
    future = scene.future() or ahead or decided is not None
    if month < scene.day.month and future and not lead.startswith(("since", "last")):
        year += 1
    elif month > scene.day.month and not future:
        year -= 1
    return _whole_month(year, month)


def weekday(match: re.Match[str], scene: Scene) -> Found:
    """Take the latest weekday up to the dateline, or the next one where the verb looks ahead."""
    if scene.day is None:
        return Found(None, "open")
    target = scene.language.tables["dates"]["weekdays"][match.group("weekday").capitalize()]
    back = (scene.day.weekday() - target) % 7
    lead = (match.groupdict().get("lead") or "").casefold()
    if lead == "last":
        return _one(scene.day - dt.timedelta(back or 7))
    if lead == "next":
        return _one(scene.day + dt.timedelta(7 - back))
    if back == 0 or not scene.future():
        return _one(scene.day - dt.timedelta(back))
    return _one(scene.day + dt.timedelta(7 - back))


def same_day(_: re.Match[str], scene: Scene) -> Found:
    """In a quotation the day is the speaker's: the day last told, if it is a recent one."""
    if scene.quoted and scene.told and (scene.day is None or (scene.day - scene.told).days <= 3):  # noqa: PLR2004 # quotes age quickly
        return _one(scene.told)
    return _one(scene.day)


def offset(days: int) -> Resolver:
    """Return a rule that counts days from the dateline, in a quotation from the day last told."""

    def resolve(_: re.Match[str], scene: Scene) -> Found:
        base = scene.told if scene.quoted and scene.told else scene.day
        return _one(base and base + dt.timedelta(days))

    return resolve


def narrative(days: int) -> Resolver:
    """Return a rule that counts days from the day last told."""

    def resolve(_: re.Match[str], scene: Scene) -> Found:
        base = scene.told or scene.day
        return _one(base and base + dt.timedelta(days))

    return resolve


def counted(match: re.Match[str], scene: Scene) -> Found:
    """Count days, weeks or months: "ago" from the dateline, else from the day last told."""
    way, unit = match.group("way").casefold(), match.group("unit").casefold()
    base = scene.day if way == "ago" else scene.told or scene.day
    if base is None:
        return Found(None, "open")
    numbers = scene.language.tables["dates"]["numbers"]
    text = match.group("count").casefold()
    count = (int(text) if text.isdigit() else numbers[text]) * (
        1 if way in {"later", "after"} else -1
    )
    if unit == "month":
        index = base.year * 12 + base.month - 1 + count
        return _whole_month(index // 12, index % 12 + 1)
    return _one(base + dt.timedelta(count * (7 if unit == "week" else 1)))


def within(match: re.Match[str], scene: Scene) -> Found:
    """Read a term of days that starts with the dateline."""
    if scene.day is None:
        return Found(None, "open")
    return Found((scene.day, scene.day + dt.timedelta(int(match.group("count")))), "range")


def weekend(_: re.Match[str], scene: Scene) -> Found:
    """Take the last weekend, or the next one where the verb looks ahead."""
    if scene.day is None:
        return Found(None, "open")
    saturday = scene.day - dt.timedelta((scene.day.weekday() - 5) % 7)
    if scene.future():
        saturday += dt.timedelta(7)
    return Found((saturday, saturday + dt.timedelta(1)), "range")


def week(match: re.Match[str], scene: Scene) -> Found:
    """Take the week before, of or after the dateline, Monday to Sunday."""
    if scene.day is None:
        return Found(None, "open")
    shift = {"last": -7, "this": 0, "next": 7}[match.group("which").casefold()]
    monday = scene.day - dt.timedelta(scene.day.weekday() - shift)
    return Found((monday, monday + dt.timedelta(6)), "range")


def this_month(match: re.Match[str], scene: Scene) -> Found:
    """Take the month before, of or after the dateline."""
    base = scene.told if scene.quoted and scene.told else scene.day
    if base is None:
        return Found(None, "open")
    index = base.year * 12 + base.month - 1
    index += {"last": -1, "this": 0, "next": 1}[match.group("which").casefold()]
    return _whole_month(index // 12, index % 12 + 1)


def _month_number(match: re.Match[str], scene: Scene) -> int:
    number: int = scene.language.tables["dates"]["months"][match.group("month")]
    return number


def _whole_month(year: int, month: int) -> Found:
    first = dt.date(year, month, 1)
    last = dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(1)
    return Found((first, last), "month")


def _nearest(month: int, number: int, scene: Scene) -> dt.date | None:
    """Take the year nearest before the dateline, or after it where the verb looks ahead."""
    if scene.day is None:
        return None
    years = (scene.day.year - 1, scene.day.year, scene.day.year + 1)
    days = [day for year in years if (day := _date(year, month, number))]
    if scene.future():
        return min((day for day in days if day >= scene.day), default=None)
    return max((day for day in days if day <= scene.day), default=None)


def _date(year: int, month: int, number: int) -> dt.date | None:
    try:
        return dt.date(year, month, number)
    except ValueError:
        return None
