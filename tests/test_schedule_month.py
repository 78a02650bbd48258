"""Five editions through both changes of the clock in forty zones, with an outage and a clock that is set back: on a
real store, by the real shell, against slots found by watching the clock on the wall."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests import walls
from tests.builders import edition
from tests.stocking import blog, configure, post, receive
from tests.transports import RecordingTransport
from tidings import digest
from tidings.config.schedules import schedule
from tidings.editions.compose import Masthead
from tidings.model import Edition
from tidings.store import Store, issues, open_store

ZONES = """
UTC Europe/London Europe/Dublin Europe/Berlin Europe/Athens Europe/Chisinau Europe/Lisbon Atlantic/Azores
Asia/Beirut Asia/Jerusalem Africa/Cairo Africa/Casablanca Africa/Johannesburg Africa/Lagos
Asia/Kolkata Asia/Kathmandu Asia/Kabul Asia/Tehran Asia/Yangon Asia/Dubai Asia/Tokyo Asia/Shanghai
Australia/Sydney Australia/Adelaide Australia/Darwin Australia/Eucla Australia/Lord_Howe
Pacific/Auckland Pacific/Chatham Pacific/Apia Pacific/Norfolk Pacific/Kiritimati Pacific/Marquesas Pacific/Honolulu
America/New_York America/St_Johns America/Havana America/Santiago America/Sao_Paulo America/Nuuk
""".split()
YEARS = {"Pacific/Apia": 2011, "America/Sao_Paulo": 2018, "Asia/Tehran": 2021}  # the last in which clocks changed there
SOURCE = blog("a")
MASTHEAD = Masthead("Planet", "https://planet.example")
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SPAN = 35 * DAY
NEAR = (-10 * MINUTE, timedelta(), 10 * MINUTE)

# In hours from the change of the clock that a month is about. The machine is off for three days; then the clock is set
# back by two hours, later by a day, each time until somebody sees it.
OUTAGE = (8 * 24 + 5, 11 * 24 + 5)
SET_BACK = (((2 * 24, 2 * 24 + 5), -2 * HOUR), ((5 * 24 + 1, 6 * 24 + 7), -DAY))


@dataclass
class Machine:
    """The computer it all runs on: what its clock says, and when it is off."""

    middle: datetime

    def clock(self, real: datetime) -> datetime:
        return real + next((by for hours, by in SET_BACK if self._within(hours, real)), timedelta())

    def is_on(self, real: datetime) -> bool:
        return not self._within(OUTAGE, real)

    def _within(self, hours: tuple[int, int], real: datetime) -> bool:
        return self.middle + hours[0] * HOUR <= real < self.middle + hours[1] * HOUR


@dataclass
class Expected:
    """What one edition should do: a slot has an issue at the first tick after it, unless that comes too late."""

    slots: Sequence[datetime]
    since: datetime
    fresh: list[str] = field(default_factory=list)
    handled: set[datetime] = field(default_factory=set)
    issues: list[tuple[datetime, frozenset[str]]] = field(default_factory=list)

    def tick(self, now: datetime) -> None:
        place = bisect_right(self.slots, now)
        slot, coming = self.slots[place - 1 : place + 1]
        if slot <= self.since or slot in self.handled:
            return
        self.handled.add(slot)
        if self.fresh and now - slot <= (coming - slot) / 2:
            self.issues.append((now, frozenset(self.fresh)))
            self.fresh.clear()


@pytest.mark.parametrize("zone", ZONES)
def test_every_slot_has_its_issue(zone: str, tmp_path: Path) -> None:
    """Round each change of the clock, every edition makes exactly the issues of its slots, at the first tick after
    them, with exactly the posts that came since; in the end each post was in one."""
    score = [_month(zone, middle, tmp_path / f"{n}.db") for n, middle in enumerate(_middles(zone))]
    slots, made = map(sum, zip(*score, strict=True))
    print(f"{zone}: {slots} slots, {made} issues as expected")


def test_every_ten_minutes(tmp_path: Path) -> None:
    """The same where the clock moves by half an hour, with a tick every ten minutes."""
    for middle in _middles("Australia/Lord_Howe")[:1]:
        _month("Australia/Lord_Howe", middle, tmp_path / "all.db", every=10 * MINUTE)


def test_the_zones_are_worth_it() -> None:
    """Forty zones, most with two changes in the year, among them half hours, quarters, midnights and a lost day."""
    assert len(set(ZONES)) == 40
    changing = {zone: walls.changes(zone, YEARS.get(zone, 2026)) for zone in ZONES}
    assert sum(len(found) >= 2 for found in changing.values()) >= 20
    assert any(by == DAY for _, by in changing["Pacific/Apia"])


def _middles(zone: str) -> list[datetime]:
    changes = [moment for moment, _ in walls.changes(zone, YEARS.get(zone, 2026))]
    return (changes or [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])[-2:]


def _editions(zone: str, middle: datetime) -> list[Edition]:
    """Their times lie inside the gap, or in what comes twice; the week's issue is due on that very day."""
    local = (middle - walls.STEP).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    gap, twice = local + 2 * walls.STEP, local - walls.STEP
    texts = {
        "gap": f"daily {gap:%H:%M}",
        "twice": f"daily {twice:%H:%M}",
        "weekly": f"weekly {gap:%a} {gap:%H:%M}",
        "monthly": "monthly 31 08:00",
        "cron": "15 6 * * 1-5",
    }
    return [
        edition(name=name, schedule=schedule(text), timezone=zone, max_posts=500, backfill=0)
        for name, text in texts.items()
    ]


def _month(zone: str, middle: datetime, path: Path, every: timedelta | None = None) -> tuple[int, int]:
    """Lives through it; returns how many slots there were and how many issues."""
    machine, start = Machine(middle), middle - SPAN / 2
    editions = _editions(zone, middle)
    times = list(walls.shown(zone, start - 40 * DAY, start + SPAN + 70 * DAY))
    expected = {one.name: Expected(walls.due(one.schedule, times), start) for one in editions}
    with ExitStack() as stack:
        store = stack.enter_context(open_store(path))
        configure(store, SOURCE, editions=editions, now=start)
        receive(store, SOURCE, now=start)
        for number, (real, names) in enumerate(_events(machine, expected, start, every)):
            now = machine.clock(real)
            if not names:
                receive(store, SOURCE, post(number), now=now)
                for one in expected.values():
                    one.fresh.append(f"Post {number}")
            if number % 400 == 399:
                store = stack.enter_context(open_store(path))
                configure(store, SOURCE, editions=editions, now=now)
            for edition in editions:
                if edition.name in names:
                    _tick(store, edition, now)
                    expected[edition.name].tick(now)
        _finish(store, editions, expected, start + SPAN)
        _compare(store, expected)
    return sum(len(one.handled) for one in expected.values()), sum(len(one.issues) for one in expected.values())


def _events(
    machine: Machine, expected: dict[str, Expected], start: datetime, every: timedelta | None
) -> Iterator[tuple[datetime, set[str]]]:
    """The moments at which something happens, with the editions that are looked at then; where that is none, a post
    comes. Looked at is what is near a slot, as the clock says, and all every six hours."""
    looks: dict[datetime, set[str]] = {}
    offsets = [timedelta(), *(by for _, by in SET_BACK)]
    for name, one in expected.items():
        for slot in one.slots:
            for by in offsets:
                for near in NEAR:
                    looks.setdefault(slot - by + near, set()).add(name)
    step = every or 6 * HOUR
    for n in range(SPAN // step):
        looks.setdefault(start + n * step + MINUTE, set()).update(expected)
    posts = {start + (11 * n + 1) * HOUR + 7 * MINUTE: set[str]() for n in range(SPAN // (11 * HOUR))}
    happens = sorted((posts | looks).items())
    return ((real, names) for real, names in happens if start < real < start + SPAN and machine.is_on(real))


def _tick(store: Store, one: Edition, now: datetime) -> None:
    digest.freeze_due(store, one, [SOURCE], MASTHEAD, RecordingTransport().office(), now)


def _finish(store: Store, editions: Sequence[Edition], expected: dict[str, Expected], end: datetime) -> None:
    """Each edition has one more slot, so that nothing is left."""
    for one in editions:
        slot = next(slot for slot in expected[one.name].slots if slot > end)
        _tick(store, one, slot)
        expected[one.name].tick(slot)


def _compare(store: Store, expected: dict[str, Expected]) -> None:
    made: dict[str, list[tuple[datetime, frozenset[str]]]] = {name: [] for name in expected}
    for stored in reversed(issues.frozen(store)):
        content = stored.content
        made[content.edition].append((content.frozen_at, frozenset(item.title for item in content.items)))
    posts = {row["title"] for row in store.rows("SELECT title FROM posts")}
    for name, one in expected.items():
        assert sorted(made[name], key=lambda issue: issue[0]) == sorted(one.issues, key=lambda issue: issue[0]), name
        shown = [title for _, titles in made[name] for title in titles]
        assert len(shown) == len(set(shown)), name
        assert set(shown) == posts, name


def test_the_expectation_knows_a_late_slot() -> None:
    """Half of the way to the next slot is the limit, here as there."""
    slots = [datetime(2026, 3, n, 8, tzinfo=UTC) for n in (1, 2, 3)]
    for late, count in ((11 * HOUR, 1), (13 * HOUR, 0)):
        one = Expected(slots, slots[0] - HOUR, fresh=["x"])
        one.tick(slots[0] + late)
        assert len(one.issues) == count
