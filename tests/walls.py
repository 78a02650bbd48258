"""When schedules are due, by watching the clock on the wall: knows nothing of the code it is there to judge."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from tidings.model import Schedule

STEP = timedelta(minutes=15)
"""Offsets and schedules are multiples of this."""


def shown(zone: str, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Each local time that a clock on the wall shows for the first time, or jumps over, with the moment of it."""
    wall = ZoneInfo(zone)
    latest, moment = start.astimezone(wall).replace(tzinfo=None), start
    while moment < end:
        moment += STEP
        now = moment.astimezone(wall).replace(tzinfo=None)
        while latest < now:
            latest += STEP
            yield moment, latest


def due(schedule: Schedule, times: list[tuple[datetime, datetime]]) -> list[datetime]:
    """The moments at which a schedule is due, each once."""
    found = [
        moment
        for moment, local in times
        if local.hour in schedule.hours and local.minute in schedule.minutes and _is_day(schedule, local.date())
    ]
    return list(dict.fromkeys(found))


@cache
def changes(zone: str, year: int) -> list[tuple[datetime, timedelta]]:
    """The moments in a year at which a zone changes its offset, with by how much. At most one on a day."""
    wall, found = ZoneInfo(zone), []
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(366)]
    for start, end in pairwise(days):
        change = _offset(end, wall) - _offset(start, wall)
        while change and _offset(start, wall) != _offset(end, wall):
            start += STEP
        if change:
            found.append((start, change))
    return found


def _offset(moment: datetime, wall: ZoneInfo) -> timedelta:
    return moment.astimezone(wall).utcoffset() or timedelta()


def _is_day(schedule: Schedule, day: date) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    days = {min(one, last) for one in schedule.days} if schedule.clamp else schedule.days
    return day.month in schedule.months and day.day in days and day.weekday() in schedule.weekdays
