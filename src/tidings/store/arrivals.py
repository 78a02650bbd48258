"""What stands in the combined feed, and in those of tags and sources: the posts that arrived last.

By when a post was first seen, not by its date: who follows the feed has read down to some entry, and would never see
one that comes in below. The backlog of a new source goes by its dates, for it is no news (aggregators.md b.9).
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Sequence

from tidings.records import dataclass
from tidings.store.database import Store
from tidings.store.planet import STAMPED, stamp


@dataclass(frozen=True, slots=True)
class Arrival:
    """A post in a feed, without its text: `stamp` stands for all that is shown of it."""

    post_id: int
    stamp: str


def latest(store: Store, sources: Sequence[str], limit: int) -> list[Arrival]:
    """The posts of `sources` (names) that arrived last, each story once, by the same post as in `posts.newest`."""
    names = json.dumps(list(sources))
    rows = store.rows("SELECT id FROM feeds WHERE name IN (SELECT value FROM json_each(?))", (names,))
    found = [
        (row["arrived"], row["effective"], row["id"])
        for feed in rows
        for row in store.rows(_OF_ONE_FEED, {"feed": feed["id"], "names": names, "limit": limit})
    ]
    return _arrivals(store, [post_id for *_, post_id in heapq.nlargest(limit, found)])


def _arrivals(store: Store, ids: Sequence[int]) -> list[Arrival]:
    rows = store.rows(
        f"SELECT {STAMPED} FROM posts p WHERE p.id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
    )
    found = {row["id"]: Arrival(row["id"], stamp(row)) for row in rows}
    return [found[post_id] for post_id in ids]


# All but the stories is in the index `posts_by_arrival`.
_OF_ONE_FEED = """
SELECT p.id, p.arrived, p.effective FROM posts p
WHERE p.feed_id = :feed AND p.excluded = '' AND p.held_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM posts q JOIN feeds g ON g.id = q.feed_id
    WHERE q.story = p.story AND q.id != p.id
    AND (q.in_feed > p.in_feed OR (q.in_feed = p.in_feed AND q.id < p.id))
    AND q.excluded = '' AND q.held_at IS NULL AND g.name IN (SELECT value FROM json_each(:names)))
ORDER BY p.arrived DESC, p.effective DESC, p.id DESC LIMIT :limit
"""
