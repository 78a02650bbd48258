"""When is an issue due? Slots of a schedule in local time, as UTC moments. Pure.

A slot is named by its local time, so a clock that jumps or a zone that changes its offset can't make two of one.
"""

from __future__ import annotations

import calendar
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tidings.model import Edition, Schedule

_HORIZON = timedelta(days=366 * 40 + 2)  # 29 February falls on one weekday at most forty years apart (2072, 2112).
_MINUTE = timedelta(minutes=1)
_ON_TIME = timedelta(minutes=1)  # the daemon looks every ten seconds: less than this is no delay


@dataclass(frozen=True, slots=True)
class Slot:
    """One due time: `key` is its local time ("2026-11-27T08:00"), `at` the moment in UTC."""

    key: str
    at: datetime


def latest_slot(schedule: Schedule, timezone: str, now: datetime) -> Slot | None:
    """The last slot at or before `now`, or None for a schedule that never comes (30 February)."""
    return _search(schedule, ZoneInfo(timezone), now, step=-1)


def next_slot(schedule: Schedule, timezone: str, now: datetime) -> Slot | None:
    """The first slot after `now`, or None for a schedule that never comes."""
    return _search(schedule, ZoneInfo(timezone), now, step=1)


def next_due(edition: Edition, now: datetime, paused_until: datetime | None = None) -> datetime | None:
    """When an edition is due next, at a time after `now` at which it is not paused; None for never."""
    slot = next_slot(edition.schedule, edition.timezone, max(now, paused_until or now))
    return slot.at if slot else None


def is_too_late(edition: Edition, slot: Slot, now: datetime) -> bool:
    """Whether a slot is past by more than `late_up_to`: then it has no issue any more, and its posts come in the next.
    Without that key the limit is half of the way to the next slot: from there on the next issue is nearer."""
    limit = edition.late_up_to
    if limit is None:
        coming = next_slot(edition.schedule, edition.timezone, slot.at)
        if coming is None:
            return False
        limit = (coming.at - slot.at) / 2
    return now - slot.at > max(limit, _ON_TIME)


def _search(schedule: Schedule, zone: ZoneInfo, now: datetime, step: int) -> Slot | None:
    today = now.astimezone(zone).date()
    # One day the other way too: where clocks go back over midnight, the first minutes of tomorrow have been already.
    for offset in range(-1, _HORIZON.days):
        try:
            day = today + timedelta(days=offset * step)
        except OverflowError:
            return None
        slot = _search_day(schedule, zone, day, now, step) if _matches(schedule, day) else None
        if slot is not None:
            return slot
    return None


def _search_day(schedule: Schedule, zone: ZoneInfo, day: date, now: datetime, step: int) -> Slot | None:
    """The last slot of a day at or before `now`, or its first after that. Later local times are later moments, or the
    same where a gap is: so few of them have to be worked out."""
    locals_ = [
        datetime.combine(day, time(hour, minute))
        for hour in sorted(schedule.hours)
        for minute in sorted(schedule.minutes)
    ]
    coming = bisect_right(locals_, now, key=lambda local: _to_utc(local, zone))
    place = coming if step > 0 else coming - 1
    if not 0 <= place < len(locals_):
        return None
    local = locals_[place]
    return Slot(local.isoformat(timespec="minutes"), _to_utc(local, zone))


def _matches(schedule: Schedule, day: date) -> bool:
    if day.month not in schedule.months:
        return False
    by_date = day.day in schedule.days or (schedule.clamp and _is_clamped(day, max(schedule.days)))
    by_weekday = day.weekday() in schedule.weekdays
    return by_date or by_weekday if schedule.either_day else by_date and by_weekday


def _is_clamped(day: date, wanted: int) -> bool:
    """Whether `day` stands in for day `wanted`, which its month does not have."""
    last = calendar.monthrange(day.year, day.month)[1]
    return day.day == last < wanted


def _to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a local time: the first of two when clocks go back, the first minute after the gap when they go
    forward over it."""
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    # In a gap fold=0 reads the clock before the change and lands as far behind the gap as `local` was inside it; fold=1
    # lands as far before it.
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    minutes = range((moment - before) // _MINUTE)
    return before + _MINUTE * bisect_left(
        minutes, True, key=lambda minute: (before + _MINUTE * minute).astimezone(zone).utcoffset() != offset
    )
