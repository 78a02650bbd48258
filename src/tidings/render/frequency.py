"""How many mails an edition comes to, in words: what a reader wants to know before subscribing."""

from __future__ import annotations

from datetime import date, timedelta

from tidings.model import Schedule
from tidings.render.wording import Wording

_YEAR = 365
_FIRST = date(2026, 1, 1)  # of a year like most others


def how_often(schedule: Schedule, wording: Wording) -> str:
    """As in "one mail a week"; an edition sends no more than that, and fewer when there is nothing new."""
    mails = sum(_is_due(_FIRST + timedelta(days=n), schedule) for n in range(_YEAR))
    mails *= len(schedule.minutes) * len(schedule.hours)
    if mails >= _YEAR - 1:
        number = round(mails / _YEAR)
        return wording.ngettext("one mail a day", "%(num)s mails a day", number) % {"num": number}
    if mails >= 52:
        number = round(mails / 52)
        return wording.ngettext("one mail a week", "%(num)s mails a week", number) % {"num": number}
    number = max(1, round(mails / 12))
    if mails >= 6:
        return wording.ngettext("one mail a month", "%(num)s mails a month", number) % {"num": number}
    number = max(1, mails)
    return wording.ngettext("one mail a year", "%(num)s mails a year", number) % {"num": number}


def _is_due(day: date, schedule: Schedule) -> bool:
    """Whether a schedule has the day; cron takes either of two lists of days, if it has both."""
    if day.month not in schedule.months:
        return False
    is_last = (day + timedelta(days=1)).month != day.month
    in_month = day.day in schedule.days or (schedule.clamp and is_last and max(schedule.days) > day.day)
    in_week = day.weekday() in schedule.weekdays
    return (in_month or in_week) if schedule.either_day else (in_month and in_week)
