"""Schedules: when an issue is due, against every minute of the clock on the wall."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import ALL_DAYS, ALL_MONTHS, ALL_WEEKDAYS, edition, schedule
from tidings.editions.schedule import Slot, is_too_late, latest_slot, next_slot
from tidings.model import Schedule

MINUTE = timedelta(minutes=1)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "Pacific/Apia",
    "America/Santiago",
    "Pacific/Chatham",
]
FRIDAY = 4


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def following(schedule_: Schedule, zone: str, start: datetime, end: datetime) -> Iterator[Slot]:
    """All slots after `start` and up to `end`, one after the other."""
    now = start
    while True:
        slot = next_slot(schedule_, zone, now)
        if slot is None or slot.at > end:
            return
        yield slot
        now = slot.at


def days_by_hand(schedule_: Schedule, first: date, last: date) -> list[date]:
    """The days of a schedule, as crontab(5) words it."""
    found = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        length = calendar.monthrange(day.year, day.month)[1]
        wanted = {min(one, length) for one in schedule_.days} if schedule_.clamp else schedule_.days
        both = (day.day in wanted, day.weekday() in schedule_.weekdays)
        if day.month in schedule_.months and (any(both) if schedule_.either_day else all(both)):
            found.append(day)
    return found


def moments_by_hand(schedule_: Schedule, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """Every due moment, by watching the clock on the wall tick through every minute: a time is due when the clock first
    shows it, or jumps over it."""
    wall = ZoneInfo(zone)
    days = set(days_by_hand(schedule_, start.date() - timedelta(days=3), end.date() + timedelta(days=3)))
    times = {(hour, minute) for hour in schedule_.hours for minute in schedule_.minutes}
    latest = start.astimezone(wall).replace(tzinfo=None)  # the latest time the clock has shown
    moment, due = start, []
    while moment < end:
        moment += MINUTE
        shown = moment.astimezone(wall).replace(tzinfo=None)
        passed = latest
        while passed < shown:
            passed += MINUTE
            if passed.date() in days and (passed.hour, passed.minute) in times:
                due.append(moment)
        latest = max(latest, shown)
    return list(dict.fromkeys(due))


@pytest.mark.parametrize(
    ("values", "now", "expected"),
    [
        ({}, "2026-03-10T06:00", "2026-03-10T08:00"),
        ({}, "2026-03-10T07:00", "2026-03-11T08:00"),
        ({"minutes": {30}, "hours": {7}}, "2026-03-10T12:00", "2026-03-11T07:30"),
        ({"weekdays": {FRIDAY}}, "2026-03-10T12:00", "2026-03-13T08:00"),
        ({"weekdays": {FRIDAY}}, "2026-03-13T07:00", "2026-03-20T08:00"),
        ({"days": {1}, "clamp": True}, "2026-03-10T12:00", "2026-04-01T08:00"),
        ({"days": {31}, "clamp": True}, "2026-04-10T12:00", "2026-04-30T08:00"),
        ({"days": {31}, "clamp": True}, "2027-02-10T12:00", "2027-02-28T08:00"),
        ({"days": {31}, "clamp": True}, "2028-02-10T12:00", "2028-02-29T08:00"),
        ({"days": {29}, "clamp": True}, "2027-02-10T12:00", "2027-02-28T08:00"),
        ({"days": {31}}, "2026-04-10T12:00", "2026-05-31T08:00"),
        ({"days": {29}, "months": {2}}, "2026-03-10T12:00", "2028-02-29T08:00"),
        ({"days": {29}, "months": {2}}, "2096-03-10T12:00", "2104-02-29T08:00"),
        ({"days": {29}, "months": {2}, "weekdays": {0}}, "2072-03-01T12:00", "2112-02-29T08:00"),
        ({"days": {13}, "weekdays": {FRIDAY}}, "2026-03-14T12:00", "2026-11-13T08:00"),
        ({"days": {20}, "weekdays": {FRIDAY}, "either_day": True}, "2026-03-14T12:00", "2026-03-20T08:00"),
        ({"days": {15}, "weekdays": {FRIDAY}, "either_day": True}, "2026-03-14T12:00", "2026-03-15T08:00"),
        ({"minutes": {0, 30}, "hours": {8, 20}}, "2026-03-10T07:15", "2026-03-10T08:30"),
        ({"months": {1}, "days": {1}, "hours": {0}}, "2026-03-10T12:00", "2027-01-01T00:00"),
    ],
)
def test_the_next_slot(values: dict[str, Any], now: str, expected: str) -> None:
    """Daily, weekly, monthly and cron schedules come when they say, in Berlin's time."""
    slot = next_slot(schedule(**values), "Europe/Berlin", utc(now))
    assert slot is not None
    assert slot.key == expected
    assert slot.at.astimezone(ZoneInfo("Europe/Berlin")).replace(tzinfo=None) == datetime.fromisoformat(expected)
    assert slot.at.utcoffset() == timedelta(0)


def test_a_slot_is_due_at_its_very_moment() -> None:
    """At the minute of a slot that slot is the latest, and the next is a day later."""
    at = utc("2026-03-10T07:00")
    for now, key in ((at, "2026-03-10T08:00"), (at - timedelta(microseconds=1), "2026-03-09T08:00")):
        slot = latest_slot(schedule(), "Europe/Berlin", now)
        assert slot is not None
        assert slot.key == key


@pytest.mark.parametrize(
    ("zone", "local", "now", "at"),
    [
        # (zone, wanted local time, a moment on the day before, when it is due in UTC)
        ("Europe/Berlin", "02:30", "2026-03-28T12:00", "2026-03-29T01:00"),
        ("Europe/Berlin", "02:00", "2026-03-28T12:00", "2026-03-29T01:00"),
        ("Europe/Berlin", "03:00", "2026-03-28T12:00", "2026-03-29T01:00"),
        ("Europe/Berlin", "03:01", "2026-03-28T12:00", "2026-03-29T01:01"),
        ("Europe/Berlin", "01:59", "2026-03-28T12:00", "2026-03-29T00:59"),
        ("Europe/Berlin", "02:30", "2026-10-24T12:00", "2026-10-25T00:30"),
        ("Europe/Berlin", "03:00", "2026-10-24T12:00", "2026-10-25T02:00"),
        ("America/New_York", "02:30", "2026-03-07T12:00", "2026-03-08T07:00"),
        ("America/New_York", "01:30", "2026-10-31T12:00", "2026-11-01T05:30"),
        ("Australia/Lord_Howe", "02:15", "2026-10-03T12:00", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "01:45", "2026-04-04T12:00", "2026-04-04T14:45"),
        ("Asia/Kathmandu", "08:00", "2026-03-28T12:00", "2026-03-29T02:15"),
        ("Africa/Cairo", "00:00", "2026-04-23T12:00", "2026-04-23T22:00"),
        ("Africa/Cairo", "00:30", "2026-04-23T12:00", "2026-04-23T22:00"),
        ("Africa/Cairo", "23:30", "2026-10-29T12:00", "2026-10-29T20:30"),
        ("Pacific/Apia", "12:00", "2011-12-29T23:00", "2011-12-30T10:00"),  # the day that Samoa left out
    ],
)
def test_a_clock_that_jumps(zone: str, local: str, now: str, at: str) -> None:
    """A time that the clock skips is due in the first minute after the gap, one that it shows twice the first time."""
    hour, minute = map(int, local.split(":"))
    slot = next_slot(schedule(hours={hour}, minutes={minute}), zone, utc(now))
    assert slot is not None
    assert slot.at == utc(at)
    assert slot.key.endswith(local)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "values",
    [
        {"minutes": {30}, "hours": {2}},
        {"minutes": {0, 30}, "hours": {0, 1, 2, 23}, "weekdays": {0, 6}},
        {"days": {31}, "clamp": True, "hours": {0}},
        {"days": {1, 15}, "weekdays": {FRIDAY}, "either_day": True, "hours": {1}, "minutes": {59}},
        {"days": {29}, "months": {2}},
    ],
)
def test_no_day_is_skipped_in_two_years(values: dict[str, Any], zone: str) -> None:
    """Walking from slot to slot meets every day of the schedule, once, in order."""
    some = schedule(**values)
    start, end = utc("2027-03-01T12:00"), utc("2029-03-01T12:00")
    slots = list(following(some, zone, start, end))
    expected = days_by_hand(some, date(2027, 3, 3), date(2029, 2, 26))
    met = list(dict.fromkeys(date.fromisoformat(slot.key[:10]) for slot in slots))
    assert [day for day in met if expected and expected[0] <= day <= expected[-1]] == expected
    assert len({slot.key for slot in slots}) == len(slots)
    assert slots == sorted(slots, key=lambda slot: slot.at)


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Europe/Berlin", "2026-03-28T12:00"),
        ("Europe/Berlin", "2026-10-24T12:00"),
        ("America/New_York", "2026-03-07T12:00"),
        ("America/New_York", "2026-10-31T12:00"),
        ("Australia/Lord_Howe", "2026-10-03T00:00"),
        ("Australia/Lord_Howe", "2026-04-04T00:00"),
        ("Africa/Cairo", "2026-04-23T12:00"),
        ("Africa/Cairo", "2026-10-29T12:00"),
        ("Asia/Kathmandu", "2026-03-28T12:00"),
        ("America/Santiago", "2026-09-05T12:00"),
        ("America/Santiago", "2026-04-04T12:00"),
        ("Pacific/Apia", "2011-12-29T12:00"),
        ("America/St_Johns", "2010-11-06T12:00"),
    ],
)
def test_slots_come_when_the_clock_on_the_wall_says(zone: str, start: str) -> None:
    """Over a day round a change of the clock, slots are due at exactly the minutes one finds by watching."""
    some = schedule(hours=range(24), minutes={0, 15, 30, 59})
    first = utc(start)
    last = first + timedelta(hours=26)
    assert [slot.at for slot in following(some, zone, first, last)] == moments_by_hand(some, zone, first, last)


def test_a_clock_that_goes_back_over_midnight() -> None:
    """In Newfoundland it was once 00:00, and half an hour later again the evening before: that midnight's slot came."""
    slot = latest_slot(schedule(hours={0}), "America/St_Johns", utc("2010-11-07T02:45"))
    assert slot == Slot("2010-11-07T00:00", utc("2010-11-07T02:30"))


@pytest.mark.parametrize("values", [{"days": {30}, "months": {2}}, {"days": {31}, "months": {4, 6}}])
def test_a_schedule_that_never_comes_has_no_slot(values: dict[str, Any]) -> None:
    """30 February is answered with None, soon."""
    assert next_slot(schedule(**values), "Europe/Berlin", utc("2026-03-01T00:00")) is None
    assert latest_slot(schedule(**values), "Europe/Berlin", utc("2026-03-01T00:00")) is None


def test_the_ends_of_the_calendar_are_no_error() -> None:
    """A clock set to the end of time finds no next slot, or one, but does not raise."""
    yearly = schedule(months={1}, days={2})
    assert next_slot(yearly, "UTC", utc("9999-06-01T00:00")) is None
    assert latest_slot(yearly, "UTC", utc("0001-01-01T12:00")) is None


def subsets(values: frozenset[int], size: int) -> st.SearchStrategy[frozenset[int]]:
    return st.just(values) | st.frozensets(st.sampled_from(sorted(values)), min_size=1, max_size=size)


SCHEDULES = st.builds(
    schedule,
    minutes=st.frozensets(st.integers(0, 59), min_size=1, max_size=3),
    hours=st.frozensets(st.integers(0, 23), min_size=1, max_size=3),
    days=subsets(ALL_DAYS, 3),
    months=subsets(ALL_MONTHS, 3),
    weekdays=subsets(ALL_WEEKDAYS, 3),
    either_day=st.booleans(),
    clamp=st.booleans(),
)
MOMENTS = st.datetimes(datetime(1975, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=80)
@given(some=SCHEDULES, zone=st.sampled_from(ZONES), now=MOMENTS)
def test_next_and_latest_agree(some: Schedule, zone: str, now: datetime) -> None:
    """The next slot lies ahead and the latest behind, nothing lies between them, and each is found again from the
    other's moment."""
    latest, coming = latest_slot(some, zone, now), next_slot(some, zone, now)
    if latest is None or coming is None:
        assert latest is coming
        return
    assert latest.at <= now < coming.at
    assert latest.key < coming.key
    again = latest_slot(some, zone, coming.at)
    assert again is not None
    assert again.at == coming.at
    before = latest_slot(some, zone, coming.at - timedelta(microseconds=1))
    assert before == latest
    after = next_slot(some, zone, latest.at)
    assert after is not None
    assert after == coming


@pytest.mark.parametrize(
    ("values", "slot", "limit", "late", "expected"),
    [
        ({}, "2026-03-10T07:00", None, 12 * 60, False),
        ({}, "2026-03-10T07:00", None, 12 * 60 + 1, True),
        ({"weekdays": {FRIDAY}}, "2026-03-13T07:00", None, 84 * 60, False),
        ({"weekdays": {FRIDAY}}, "2026-03-13T07:00", None, 84 * 60 + 1, True),
        ({"weekdays": {FRIDAY, 5}}, "2026-03-13T07:00", None, 12 * 60 + 1, True),
        ({"weekdays": {FRIDAY, 5}}, "2026-03-14T07:00", None, 12 * 60 + 1, False),
        ({}, "2026-03-28T07:00", None, 11 * 60 + 30, False),
        ({}, "2026-03-28T07:00", None, 11 * 60 + 31, True),  # that night is an hour shorter
        ({}, "2026-03-10T07:00", timedelta(hours=6), 6 * 60, False),
        ({}, "2026-03-10T07:00", timedelta(hours=6), 6 * 60 + 1, True),
        ({}, "2026-03-10T07:00", timedelta(days=9), 23 * 60, False),
        ({}, "2026-03-10T07:00", timedelta(), 1, False),
        ({}, "2026-03-10T07:00", timedelta(), 2, True),
        ({"minutes": range(60), "hours": range(24)}, "2026-03-10T07:00", None, 1, False),
    ],
)
def test_how_late_is_too_late(
    values: dict[str, Any], slot: str, limit: timedelta | None, late: int, expected: bool
) -> None:
    """Up to `late_up_to`, else up to half of the way to the next slot; a minute is no delay."""
    at = utc(slot)
    one = edition(schedule=schedule(**values), late_up_to=limit)
    assert is_too_late(one, Slot("any", at), at + late * MINUTE) is expected


def test_a_slot_without_a_next_one_is_never_too_late() -> None:
    """At the end of the calendar there is no next issue to move posts to."""
    last = edition(schedule=schedule(months={1}, days={2}), timezone="UTC")
    assert not is_too_late(last, Slot("any", utc("9999-01-02T08:00")), utc("9999-12-01T08:00"))
