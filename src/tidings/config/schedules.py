"""The text of an edition's `schedule` to the sets of a cron line. Raises ValueError with the forms that are right.

Cron's grammar is that of crontab(5): lists, ranges, steps, names, 0 and 7 for Sunday, and the rule that a day of the
month and a weekday that are both restricted match when either does.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import field

from tidings.config.wording import did_you_mean, quoted
from tidings.model import Schedule
from tidings.records import dataclass

FORMS = 'write "daily 07:30", "weekly fri 08:00", "monthly 1 08:00" or five cron fields such as "30 7 * * 1-5"'

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CRON_WEEKDAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_CRON_MONTHS = {
    name.lower(): number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_ALL_DAYS = frozenset(range(1, 32))
_ALL_MONTHS = frozenset(range(1, 13))
_ALL_WEEKDAYS = frozenset(range(7))
_LEAP_YEAR = 2000


def schedule(text: str) -> Schedule:
    """Reads "daily HH:MM", "weekly DAYS HH:MM", "monthly DAY HH:MM" or a five-field cron line."""
    words = text.lower().split()
    match words:
        case ["daily", time]:
            return _at(text, time)
        case ["weekly", *days, time] if days:
            return _at(text, time, weekdays=_weekdays(" ".join(days)))
        case ["monthly", day, time]:
            return _at(text, time, days=_day(day), clamp=True)
        case [("daily" | "weekly" | "monthly"), *_]:
            raise ValueError(f"{quoted(text)} is not a whole schedule; {FORMS}")
        case [_, _, _, _, _]:
            return _cron(text, words)
    hint = did_you_mean(words[0], ("daily", "weekly", "monthly")) if words else ""
    raise ValueError(f"{quoted(text)} is not a schedule{hint or '; ' + FORMS}")


def _at(
    text: str,
    time: str,
    *,
    days: frozenset[int] = _ALL_DAYS,
    weekdays: frozenset[int] = _ALL_WEEKDAYS,
    clamp: bool = False,
) -> Schedule:
    found = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", time)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError(f"{quoted(text)}: {quoted(time)} is not a time of day; write 00:00 to 23:59, such as 07:30")
    minutes, hours = frozenset({int(found[2])}), frozenset({int(found[1])})
    return Schedule(text, minutes, hours, days, _ALL_MONTHS, weekdays, clamp=clamp)


def _weekdays(text: str) -> frozenset[int]:
    return frozenset(_weekday(name.strip()) for name in text.split(","))


def _weekday(name: str) -> int:
    for number, whole in enumerate(_WEEKDAYS):
        if name in (whole, whole[:3]):
            return number
    hint = did_you_mean(name, _WEEKDAYS) or '; write mon, tue, wed, thu, fri, sat or sun, several as "mon,thu"'
    raise ValueError(f"{quoted(name)} is not a weekday{hint}")


def _day(text: str) -> frozenset[int]:
    if re.fullmatch(r"[0-9]{1,2}", text) and 1 <= int(text) <= 31:
        return frozenset({int(text)})
    raise ValueError(f"{quoted(text)} is not a day of the month; write 1 to 31, past a month's end means its last day")


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five: what it is called, its range, and the names its numbers may go by."""

    called: str
    low: int
    high: int
    names: dict[str, int] = field(default_factory=dict)

    @property
    def right(self) -> str:
        by_name = f" or {next(iter(self.names))} to {list(self.names)[-1]}" if self.names else ""
        return f"{self.called}s are {self.low} to {self.high}{by_name}, with lists 1,2, ranges 1-5 and steps */2"


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day", 1, 31)
_MONTH = _Field("month", 1, 12, _CRON_MONTHS)
_WEEKDAY = _Field("weekday", 0, 7, _CRON_WEEKDAYS)


def _cron(text: str, words: list[str]) -> Schedule:
    minute, hour, day, month, weekday = words
    cron_weekdays = _numbers(weekday, _WEEKDAY)
    parsed = Schedule(
        text,
        minutes=_numbers(minute, _MINUTE),
        hours=_numbers(hour, _HOUR),
        days=_numbers(day, _DAY),
        months=_numbers(month, _MONTH),
        weekdays=frozenset((number - 1) % 7 for number in cron_weekdays),
        # crontab(5): a field that starts with a star, "*/2" too, does not count as restricted.
        either_day=not day.startswith("*") and not weekday.startswith("*"),
    )
    if not parsed.either_day and not _ever_comes(parsed):
        raise ValueError(f"{quoted(text)} never comes: no month it names has such a day; use a day that exists")
    return parsed


def _ever_comes(parsed: Schedule) -> bool:
    longest = max(calendar.monthrange(_LEAP_YEAR, month)[1] for month in parsed.months)
    return min(parsed.days) <= longest


def _numbers(text: str, of: _Field) -> frozenset[int]:
    return frozenset(number for part in text.split(",") for number in _part(part, of))


def _part(text: str, of: _Field) -> range:
    """One member of a list: `*`, a number, a range, the first and last with an optional step."""
    body, slash, step = text.partition("/")
    first, dash, last = body.partition("-")
    if slash and (not re.fullmatch(r"[0-9]{1,2}", step) or int(step) == 0):
        raise ValueError(f"{quoted(text)} has a step that is not a number above 0; {of.right}")
    if slash and not dash and body != "*":
        raise ValueError(f"{quoted(text)} has a step without a range; write {body}-{of.high}/{step} or */{step}")
    if body == "*":
        return range(of.low, of.high + 1, int(step or 1))
    low = _number(first, of)
    high = _number(last, of) if dash else low
    if of is _WEEKDAY and high == 0 < low:
        high = 7
    if high < low:
        raise ValueError(f"{quoted(text)} runs backwards; write the lower {of.called} first, or a list of both parts")
    return range(low, high + 1, int(step or 1))


def _number(text: str, of: _Field) -> int:
    if text in of.names:
        return of.names[text]
    if re.fullmatch(r"[0-9]{1,2}", text) and of.low <= int(text) <= of.high:
        return int(text)
    raise ValueError(f"{quoted(text)} is not a {of.called}; {of.right}")
