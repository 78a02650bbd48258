"""What pruning leaves of readers' own editions: the texts that they have still to carry, and of old issues the rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from tests.stocking import scalar
from tests.test_choices import ANN, BOB, DAY, HOUR, MINUTE, MONDAY, TUESDAY, A, B, World
from tidings.errors import StoreError
from tidings.model import Choices, Evidence
from tidings.posts.sketch import sketch
from tidings.store import Store, emptying, issue_states, posts, pruning, resolving, subscribers
from tidings.store.deliveries import tally
from tidings.store.posts import PostQuery

WEEK = timedelta(days=7)
OLD = TUESDAY + HOUR + emptying.WHOLE_FOR + DAY


@pytest.fixture
def world(store: Store) -> World:
    return World(store, ANN, BOB)


def prune(world: World, now: datetime) -> None:
    pruning.prune(world.store, pruning.Retention(WEEK, 0, [A, B], [world.edition], sketch), now)


def whole(world: World) -> list[str]:
    return sorted(one.title for one in posts.find(world.store, PostQuery(limit=1000)) if one.text)


@pytest.mark.parametrize(
    "chosen",
    [
        Choices("monthly", day=20),
        Choices(paused_until=MONDAY + 26 * DAY),
        Choices("monthly", day=20, sources_off=("a",)),
    ],
)
def test_what_a_reader_has_still_to_get_keeps_its_text(world: World, chosen: Choices) -> None:
    """A post that waits for the end of a month or of a pause stays whole however short posts are kept, also of a source
    that may be on again by then; what was carried goes."""
    world.choose(chosen, MONDAY + MINUTE)
    came = world.news(MONDAY + HOUR)
    world.tick(TUESDAY)
    prune(world, MONDAY + 15 * DAY)
    assert whole(world) == came
    world.tick(MONDAY + 27 * DAY)
    world.tick(MONDAY + 28 * DAY)
    prune(world, MONDAY + 29 * DAY)
    assert whole(world) == []


def test_who_left_and_missed_a_slot_keeps_no_text(world: World) -> None:
    """What came while a reader is away would never be carried; before the next slot it may be."""
    world.choose(Choices("monthly", day=20), MONDAY + MINUTE)
    came = world.news(MONDAY + HOUR)
    world.tick(TUESDAY)
    subscribers.leave(world.store, world.reader().id, "daily", "link", Evidence(), TUESDAY)
    prune(world, MONDAY + 15 * DAY)
    assert whole(world) == came
    prune(world, MONDAY + 40 * DAY)
    assert whole(world) == []


def emptied(world: World) -> list[str]:
    rows = world.store.rows("SELECT edition || '-' || number AS name FROM issues WHERE emptied_at IS NOT NULL")
    return [row["name"] for row in rows]


def mailed(world: World) -> Sequence[str]:
    """Ann's own issue, and that of all, both on Tuesday."""
    world.choose(Choices("daily", hour=9), MONDAY + MINUTE)
    world.news(MONDAY + HOUR)
    world.tick(TUESDAY)
    [own] = world.tick(TUESDAY + HOUR)
    return [own.name]


def test_old_issues_of_one_reader_lose_their_stories(world: World) -> None:
    """After ninety days the stories go, and only of readers' own; who got the issue and what it carried stays known."""
    names = mailed(world)
    prune(world, OLD - 2 * DAY)
    assert emptied(world) == []
    prune(world, OLD)
    assert emptied(world) == names
    issue = issue_states.named(world.store, names[0])
    assert (issue.content.items, issue.content.subject != "") == ((), True)
    assert tally(world.store, [issue.id]).accepted == 1
    assert scalar(world.store, f"SELECT count(*) FROM issue_items WHERE issue_id = {issue.id}") == 2
    assert issue_states.newest(world.store, "daily", 1)[0].content.items != ()
    world.news(OLD)
    assert len(world.tick(OLD + DAY)) == 2


def test_an_issue_with_an_open_mail_stays_whole(world: World) -> None:
    """Nobody knows yet whether it has to be sent again."""
    names = mailed(world)
    world.store.conn.execute("UPDATE deliveries SET state = 'uncertain', doubts = 2 WHERE address = ?", (ANN,))
    prune(world, OLD)
    assert emptied(world) == []
    resolving.resolve(world.store, issue_states.named(world.store, names[0]), [], "give-up", OLD)
    prune(world, OLD + 2 * DAY)
    assert emptied(world) == names


def test_what_has_no_stories_any_more_is_not_sent(world: World) -> None:
    """A mail without posts helps nobody: it is said that they are not kept."""
    names = mailed(world)
    world.store.conn.execute("UPDATE deliveries SET state = 'expired' WHERE address = ?", (ANN,))
    prune(world, OLD)
    with pytest.raises(StoreError, match="too old to be sent"):
        resolving.resolve(world.store, issue_states.named(world.store, names[0]), [], "send", OLD)
