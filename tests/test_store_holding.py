"""How a feed's posts came, counted as they come."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

from tests.stocking import START, blog, configure, post, receive, state_of
from tidings.model import FeedChange
from tidings.store import Store, feeds, holding, open_store, posts
from tidings.store.database import text_to_time
from tidings.store.holding import Batches

A, B = blog("a"), blog("b")
HOUR = timedelta(hours=1)


def counted(store: Store, feed_id: int) -> Batches:
    """What the posts themselves say."""
    rows = store.rows(
        """SELECT posts.id, first_seen, first_batch_id FROM posts JOIN feeds ON feeds.id = feed_id
        WHERE feed_id = ? AND held_at IS NULL""",
        (feed_id,),
    )
    later = Counter(row["first_seen"] for row in rows if row["id"] > row["first_batch_id"])
    since = min((row["first_seen"] for row in rows), default=None)
    return Batches(len(rows), text_to_time(since), max(later.values(), default=0))


def test_a_feed_that_brought_nothing_has_no_history(store: Store) -> None:
    """Nothing has come of a new feed, nor of one that there is not."""
    configure(store, A)
    nothing = Batches(0, None, 0)
    assert holding.history(store, state_of(store, A).feed_id) == holding.history(store, 99) == nothing


def test_the_first_reading_is_no_batch(store: Store) -> None:
    """Its posts are counted, but only what comes later says how many come at once; an edit says nothing."""
    configure(store, A)
    feed_id = state_of(store, A).feed_id
    receive(store, A, *(post(n) for n in range(9)))
    assert holding.history(store, feed_id) == Batches(9, START, 0)
    receive(store, A, *(post(n) for n in range(10, 14)), now=START + HOUR)
    receive(store, A, post(20), now=START + 2 * HOUR)
    edited = post(20, post_id=14, content_hash="edited")
    posts.save(store, feed_id, FeedChange(changed=(edited,)), START + 3 * HOUR)
    assert holding.history(store, feed_id) == Batches(14, START, 4)


def test_history_is_what_the_posts_say(store: Store) -> None:
    """However posts of two feeds come, are held, let go in part, and put away, what was counted is what is stored."""
    chance = random.Random(3)
    configure(store, A, B)
    ids = [state_of(store, one).feed_id for one in (A, B)]
    for one in (A, B):
        receive(store, one, *(post(f"{one.name}-{n}") for n in range(6)))
    largest = set[int]()
    for step in range(120):
        now, feed_id = START + step * HOUR, chance.choice(ids)
        new = tuple(post(f"{step}-{n}") for n in range(chance.randrange(9)))
        posts.save(store, feed_id, FeedChange(new=new, held=chance.random() < 0.5), now)
        if chance.random() < 0.2:
            holding.release(store, feed_id, now, None if chance.random() < 0.3 else now - 4 * HOUR)
        if chance.random() < 0.1:
            holding.discard(store, feed_id)
        for known in ids:
            assert holding.history(store, known) == counted(store, known)
            largest.add(holding.history(store, known).largest)
    assert len(largest) > 3


def test_what_older_versions_stored_is_counted(store: Store) -> None:
    """A database from before the count is opened: each feed has the history that its posts say, and goes on from it."""
    configure(store, A, B)
    ids = [state_of(store, one).feed_id for one in (A, B)]
    receive(store, A, post(1), post(2))
    receive(store, A, *(post(n) for n in range(3, 6)), now=START + HOUR)
    posts.save(store, ids[0], FeedChange(new=tuple(post(n) for n in range(10, 17)), held=True), START + 2 * HOUR)
    with store.write():
        for column in ("posts_came", "posts_since", "largest_batch"):
            store.conn.execute(f"ALTER TABLE feeds DROP COLUMN {column}")
        store.conn.execute("DELETE FROM _sqlite_migrations WHERE name = 'batches'")
    with open_store(store.path) as again:
        assert [holding.history(again, one) for one in ids] == [Batches(5, START, 3), Batches(0, None, 0)]
        feeds.save_read(again, state_of(again, A), FeedChange(new=(post(20),)), START + 3 * HOUR)
        assert holding.history(again, ids[0]) == Batches(6, START, 3)
