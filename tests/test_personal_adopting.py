"""Readers with an edition of their own in a database that was restored: what went out since does not go out again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.stocking import post, receive
from tests.test_choices import ANN, BOB, DAY, FRIDAY, HOUR, MINUTE, MONDAY, TUESDAY, A, B, World
from tidings import adopting
from tidings.model import Choices, Evidence
from tidings.store import Store, open_store, subscribers

LATER = FRIDAY + DAY + HOUR


@pytest.fixture
def world(store: Store) -> World:
    return World(store, ANN, BOB)


def skip(world: World, until: datetime, now: datetime) -> None:
    with world.store.write():
        for own, due in adopting.own_due_by(world.store, world.edition, [A, B], until, now):
            adopting.skip(world.store, own, due, now)


@pytest.mark.parametrize(
    "chosen", [Choices("daily", hour=9), Choices("every post"), Choices("weekly", weekday=4), Choices(content="title")]
)
def test_what_was_mailed_since_the_backup_is_not_mailed_again(world: World, chosen: Choices, tmp_path: Path) -> None:
    """What a lost database mailed to a reader of an own edition stays mailed; what comes then is news."""
    world.choose(chosen, MONDAY + MINUTE)
    world.news(MONDAY + HOUR)
    world.store.conn.execute("VACUUM INTO ?", (str(tmp_path / "restored.db"),))
    with open_store(tmp_path / "restored.db") as restored:
        world.store = restored
        receive(restored, A, post(50, published=FRIDAY - HOUR), now=LATER - HOUR)
        skip(world, LATER - HOUR, LATER - HOUR)
        world.tick(LATER - HOUR)
        assert world.got() == []
        receive(restored, A, post(51, published=LATER), now=LATER + MINUTE)
        world.tick(LATER + 7 * DAY)
        assert world.got() == ["Post 51"]


def test_a_mail_that_is_open_counts_as_sent(world: World) -> None:
    """An issue that was frozen and not mailed when the backup was made is given up."""
    world.choose(Choices("daily", hour=9), MONDAY + MINUTE)
    world.news(MONDAY + HOUR)
    world.transport.down = True
    with pytest.raises(Exception, match="cannot be used"):
        world.tick(TUESDAY + HOUR)
    world.transport.down = False
    skip(world, TUESDAY + 2 * HOUR, TUESDAY + 3 * HOUR)
    world.tick(TUESDAY + 3 * HOUR)
    assert world.got() == []


def test_what_waits_for_a_later_slot_is_not_skipped(world: World) -> None:
    """In a pause, or before the end of a month, nothing was mailed since; who left is mailed nothing anyhow."""
    for address, chosen in ((ANN, Choices("daily", paused_until=LATER + DAY)), (BOB, Choices("monthly", day=20))):
        world.choose(chosen, MONDAY + MINUTE, address)
    came = world.news(MONDAY + HOUR)
    assert adopting.own_due_by(world.store, world.edition, [A, B], LATER, LATER) == []
    skip(world, LATER, LATER)
    world.tick(LATER + 4 * DAY)
    world.tick(LATER + 23 * DAY)
    assert world.got() == world.got(BOB) == came
    subscribers.leave(world.store, world.reader().id, "daily", "link", Evidence(), LATER + 23 * DAY)
    world.news(LATER + 23 * DAY)
    assert adopting.own_due_by(world.store, world.edition, [A, B], LATER + 30 * DAY, LATER + 30 * DAY) == []
