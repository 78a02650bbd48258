"""Slots on a real database: schedules that change, clocks that jump, issues that are late, and two daemons at once."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import edition
from tests.stocking import START, blog, configure, post, receive, scalar
from tests.transports import RecordingTransport
from tidings import digest
from tidings.config.schedules import schedule
from tidings.editions.compose import Masthead
from tidings.model import Edition
from tidings.store import Store, issues

A = blog("a")
MASTHEAD = Masthead("Planet", "https://planet.example")
DAILY = edition(schedule=schedule("daily 08:00"), timezone="UTC", backfill=0, max_posts=10_000)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def on(text: str) -> datetime:
    """A time in November 2026; the 23rd, when all is set up at noon, is a Monday."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=UTC)


def at(text: str, one: Edition = DAILY, timezone: str = "UTC") -> Edition:
    return replace(one, schedule=schedule(text), timezone=timezone)


@pytest.fixture
def news(store: Store) -> News:
    return News(store)


class News:
    """A source with a new post whenever an issue is looked for, so that one comes if its slot is due."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.count = 0
        configure(store, A, editions=[DAILY])
        receive(store, A)

    def has_issue(self, now: datetime, one: Edition = DAILY) -> bool:
        self.count += 1
        receive(self.store, A, post(self.count), now=now)
        return digest.freeze_due(self.store, one, [A], MASTHEAD, RecordingTransport().office(), now) is not None

    def change(self, one: Edition, now: datetime) -> Edition:
        configure(self.store, A, editions=[one], now=now)
        return one

    def finish(self, now: datetime, one: Edition = DAILY) -> None:
        """After one more issue every post was in exactly one."""
        self.has_issue(now, one)
        shown = [item.title for stored in issues.frozen(self.store) for item in stored.content.items]
        assert sorted(shown) == sorted(f"Post {n + 1}" for n in range(self.count))


# ------------------------------------------------------------------------------------------------------- late issues


def test_a_late_slot_has_no_issue_and_its_posts_come_in_the_next(news: News) -> None:
    """Thirteen hours late is nearer to the next morning: the slot is done without an issue, and nothing is lost."""
    assert not news.has_issue(on("24 21:00"))
    assert scalar(news.store, "SELECT slot FROM slots") == "2026-11-24T08:00"
    assert not news.has_issue(on("24 21:10"))
    news.finish(on("25 08:00"))


def test_late_up_to_sets_the_limit(news: News) -> None:
    """Six hours may be six hours, and a day a day."""
    short, long = replace(DAILY, late_up_to=6 * HOUR), replace(DAILY, late_up_to=DAY)
    assert not news.has_issue(on("24 14:01"), short)
    assert news.has_issue(on("25 14:00"), short)
    assert news.has_issue(on("26 23:00"), long)


def test_what_is_too_late_is_told_before(news: News) -> None:
    """The daemon can say which slot it leaves out."""
    assert digest.late_slot(news.store, DAILY, on("24 19:00")) is None
    late = digest.late_slot(news.store, DAILY, on("24 21:00"))
    assert late is not None
    assert late.key == "2026-11-24T08:00"
    news.has_issue(on("24 21:00"))
    assert digest.late_slot(news.store, DAILY, on("24 21:01")) is None


# --------------------------------------------------------------------------------------------- schedules that change


@pytest.mark.parametrize(
    ("before", "after", "changed", "due"),
    [
        # (schedules, when it is changed, the first issue after that)
        ("daily 08:00", "weekly fri 08:00", "30 12:00", "2026-12-04T08:00"),  # on a Monday, not for last Friday
        ("weekly fri 08:00", "daily 08:00", "25 12:00", "2026-11-26T08:00"),  # not for this morning
        ("weekly fri 08:00", "daily 08:00", "25 07:59", "2026-11-25T08:00"),
        ("daily 08:00", "daily 11:00", "25 12:00", "2026-11-26T11:00"),
        ("daily 08:00", "daily 11:00", "25 10:00", "2026-11-25T11:00"),
        ("weekly fri 08:00", "monthly 24 08:00", "25 12:00", "2026-12-24T08:00"),
        ("monthly 24 08:00", "weekly wed 09:00", "25 12:00", "2026-12-02T09:00"),
    ],
)
def test_slots_before_a_change_of_the_schedule_are_not_due(
    news: News, before: str, after: str, changed: str, due: str
) -> None:
    """Under another schedule the first issue comes at its first slot after the change, whatever was due before it."""
    old = news.change(at(before), START)
    moment = START
    while moment < on(changed):
        news.has_issue(moment, old)
        moment += HOUR
    new = news.change(at(after), on(changed))
    first = datetime.fromisoformat(due).replace(tzinfo=UTC)
    assert not news.has_issue(on(changed), new)
    moment = on(changed).replace(minute=0) + HOUR
    while moment < first:
        assert not news.has_issue(moment, new)
        moment += HOUR
    assert news.has_issue(first, new)
    news.finish(first + 31 * DAY, replace(new, late_up_to=31 * DAY))


def test_another_zone_is_another_schedule(news: News) -> None:
    """In Auckland the day's slot is long past: the first there is the next one."""
    assert news.has_issue(on("24 08:00"))
    moved = news.change(at("daily 08:00", timezone="Pacific/Auckland"), on("24 20:00"))
    assert not news.has_issue(on("24 20:01"), moved)
    assert news.has_issue(on("25 19:00"), moved)


def test_words_written_otherwise_are_no_change(news: News) -> None:
    """A slot missed while the file was tidied up is still due, as is one of before an update."""
    news.store.conn.execute("UPDATE editions SET schedule = ''")
    news.change(DAILY, on("24 08:30"))
    same = news.change(at("Daily  08:00"), on("24 08:45"))
    assert news.has_issue(on("24 09:00"), same)


def test_a_slot_is_closed_by_what_was_handled_after_it(news: News) -> None:
    """Where another schedule's slot was handled since a slot was due, that had its posts: one issue is enough."""
    assert news.has_issue(on("24 08:00"))
    assert not news.has_issue(on("24 08:10"), at("daily 07:45"))
    assert news.has_issue(on("24 08:30"), at("daily 08:15"))


# --------------------------------------------------------------------------------------------------- clocks that jump


@pytest.mark.parametrize("back", [HOUR, 3 * HOUR, DAY])
def test_a_clock_set_back_makes_no_second_issue_for_a_slot(news: News, back: timedelta) -> None:
    """Whatever the clock is set back by: slots that had their issue have none again, and the next one has its own."""
    assert news.has_issue(on("24 08:00"))
    assert news.has_issue(on("25 08:00"))
    moment = on("25 08:30") - back
    while moment < on("26 08:00"):
        assert not news.has_issue(moment)
        moment += 30 * MINUTE
    news.finish(on("26 08:00"))


@pytest.mark.parametrize("ahead", [timedelta(hours=30), 5 * DAY, 40 * DAY, 365 * DAY])
def test_a_clock_that_was_ahead_stops_nothing(news: News, ahead: timedelta) -> None:
    """What was handled in the future is none of now: the next morning has its issue, and when the year has passed so
    has each of the mornings that were handled too early. Only what was ahead by a day or so counts as handled."""
    assert news.has_issue(on("24 08:00"))
    wrong = [news.has_issue(on("24 08:30") + ahead + days * DAY) for days in range(3)]
    assert any(wrong)
    made = [news.has_issue(on("25 08:00") + days * DAY) for days in range(400)]
    lost = sum(not one for one in made)
    assert lost <= (3 if ahead < 2 * DAY else 0)
    assert all(made[4:])
    news.finish(on("25 08:00") + 400 * DAY)


def test_a_schedule_changed_by_a_clock_that_was_ahead_is_not_silent(news: News) -> None:
    """The daemon, started while the clock was a year ahead, goes on when it is right again."""
    weekly = news.change(at("weekly wed 08:00"), START + 365 * DAY)
    assert not news.has_issue(on("24 12:00"), weekly)
    assert news.has_issue(on("25 08:00"), weekly)


def test_a_machine_that_starts_with_an_old_clock_forgets_nothing(news: News) -> None:
    """Until its clock is set right it is in 1970, or yesterday; after that the day's slot is still done."""
    assert news.has_issue(on("24 08:00"))
    assert news.has_issue(on("25 08:00"))
    for wrong in (datetime(1970, 1, 1, tzinfo=UTC), on("24 09:00")):
        assert not news.has_issue(wrong)
        assert not news.has_issue(on("25 09:00"))


# ------------------------------------------------------------------------------------------------------- two daemons

_ONE_EACH = replace(DAILY, max_posts=1)
_DAEMON = """
import sys
from datetime import timedelta
from pathlib import Path
from tests.test_digest_slots import _ONE_EACH, A, MASTHEAD, START
from tests.transports import RecordingTransport
from tidings import digest
from tidings.store import open_store

print("ready", flush=True)
sys.stdin.readline()
made = 0
with open_store(Path(sys.argv[1])) as store:
    for hours in range(24 * 12):
        now = START + timedelta(hours=hours)
        made += digest.freeze_due(store, _ONE_EACH, [A], MASTHEAD, RecordingTransport().office(), now) is not None
print(made)
"""


def test_two_daemons_on_one_database_make_one_issue_for_a_slot(news: News) -> None:
    """Two processes tick through twelve days at the same time: each slot has one issue, and each post is in one."""
    receive(news.store, A, *(post(n) for n in range(1, 13)))
    command = [sys.executable, "-c", _DAEMON, str(news.store.path)]
    daemons = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
        )
        for _ in range(2)
    ]
    for daemon in daemons:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "ready\n"
    for daemon in daemons:
        assert daemon.stdin is not None
        daemon.stdin.write("go\n")
        daemon.stdin.flush()
    outcomes = [daemon.communicate(timeout=120)[0] for daemon in daemons]
    assert sum(map(int, outcomes)) == 12
    assert scalar(news.store, "SELECT count(DISTINCT slot) FROM issues") == 12
    assert scalar(news.store, "SELECT count(*) FROM issue_items") == 12
    assert digest.draft(news.store, _ONE_EACH, [A], MASTHEAD, START + 30 * DAY) is None
