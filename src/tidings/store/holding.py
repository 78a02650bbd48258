"""Posts that the brake holds (posts/brake.py): counting them, letting them go, putting them away.

`posts.held_at` is when a post was held, or met again after its source had turned back to its former ones; '' once the
operator has put it away: then it stays held until the operator takes it back. `feeds.held_since` is when the hold began
that is still on: what was held since then goes when that is over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from tidings.records import dataclass
from tidings.store import site
from tidings.store.database import A_QUERY, Store, text_to_time, time_to_text


@dataclass(frozen=True, slots=True)
class Batches:
    """What a feed has brought so far: how many posts, since when, and how many of them at once at most, after what it
    had when it was first read. What is held has not come yet."""

    stored: int
    since: datetime | None
    largest: int


_NOTHING = Batches(0, None, 0)


def history(store: Store, feed_id: int) -> Batches:
    """How a feed's posts came, as it was counted then: asking takes no longer the more of them there are."""
    row = store.row("SELECT posts_came, posts_since, largest_batch FROM feeds WHERE id = ?", (feed_id,))
    return Batches(row["posts_came"], text_to_time(row["posts_since"]), row["largest_batch"]) if row else _NOTHING


def count_batch(store: Store, feed_id: int, posts: int, now: datetime) -> None:
    """Counts new posts that are not held, within the transaction that stores them."""
    store.conn.execute(
        """UPDATE feeds SET posts_came = posts_came + :posts, posts_since = min(coalesce(posts_since, :now), :now),
        largest_batch = iif(first_batch_id IS NULL, largest_batch, max(largest_batch, :posts)) WHERE id = :id""",
        {"posts": posts, "now": time_to_text(now), "id": feed_id},
    )


def waiting(store: Store, ids: Iterable[int]) -> list[int]:
    """Those of some posts that are held and not put away."""
    wanted = sorted(ids)
    found: list[int] = []
    for start in range(0, len(wanted), A_QUERY):
        some = wanted[start : start + A_QUERY]
        rows = store.rows(f"SELECT id FROM posts WHERE held_at != '' AND id IN ({', '.join('?' * len(some))})", some)
        found.extend(row["id"] for row in rows)
    return found


def former(store: Store, ids: Iterable[int], since: datetime) -> int:
    """How many of some posts are from before `since`, and not held."""
    wanted, count = sorted(ids), 0
    for start in range(0, len(wanted), A_QUERY):
        some = wanted[start : start + A_QUERY]
        rows = store.rows(
            f"""SELECT count(*) AS count FROM posts
            WHERE held_at IS NULL AND first_seen < ? AND id IN ({", ".join("?" * len(some))})""",
            (time_to_text(since), *some),
        )
        count += rows[0]["count"]
    return count


def hold_again(store: Store, ids: Iterable[int], now: datetime) -> None:
    """Counts held posts that their source had turned back from, and are there again, to the hold that begins now."""
    with store.note():
        store.conn.executemany(
            "UPDATE posts SET held_at = ? WHERE id = ? AND held_at != ''", [(time_to_text(now), one) for one in ids]
        )


def release(store: Store, feed_id: int, now: datetime, since: datetime | None = None) -> int:
    """Lets the held posts of a feed go their way, as news that arrives at `now`; with `since` only those of the hold
    that began then. Returns how many."""
    start = "" if since is None else time_to_text(since)
    with store.write():
        cursor = store.conn.execute(
            "UPDATE posts SET held_at = NULL, arrived = ? WHERE feed_id = ? AND held_at != '' AND held_at >= ?",
            (time_to_text(now), feed_id, start),
        )
        _end(store, feed_id)
        if cursor.rowcount:
            _count_again(store, feed_id)
            site.want_publishing(store)
    return int(cursor.rowcount)


def discard(store: Store, feed_id: int) -> int:
    """Puts the held posts of a feed away: they stay stored and known, and are never shown. Returns how many."""
    with store.write():
        cursor = store.conn.execute("UPDATE posts SET held_at = '' WHERE feed_id = ? AND held_at != ''", (feed_id,))
        _end(store, feed_id)
    return int(cursor.rowcount)


def release_some(store: Store, feed_id: int, ids: Iterable[int], now: datetime) -> int:
    """Lets some posts of a feed go that are held, or were put away, as news that arrives at `now`; the hold of the
    others goes on. Returns how many."""
    return _settle_some(store, feed_id, ids, None, time_to_text(now))


def discard_some(store: Store, feed_id: int, ids: Iterable[int]) -> int:
    """Puts some posts of a feed away that are held; the hold of the others goes on. Returns how many."""
    return _settle_some(store, feed_id, ids, "", None)


def put_away(store: Store, feed_id: int) -> list[int]:
    """The posts of a feed that were put away."""
    return [row["id"] for row in store.rows("SELECT id FROM posts WHERE feed_id = ? AND held_at = ''", (feed_id,))]


def kept_back(store: Store, feed_id: int, ids: Iterable[int]) -> set[int]:
    """Those of some posts that are of a feed and held, or were put away."""
    rows = store.rows(
        "SELECT id FROM posts WHERE feed_id = ? AND held_at IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
        (feed_id, json.dumps(list(ids))),
    )
    return {row["id"] for row in rows}


def _settle_some(store: Store, feed_id: int, ids: Iterable[int], held_at: str | None, arrived: str | None) -> int:
    with store.write():
        cursor = store.conn.execute(
            """UPDATE posts SET held_at = ?, arrived = coalesce(?, arrived) WHERE feed_id = ? AND held_at IS NOT NULL
            AND id IN (SELECT value FROM json_each(?))""",
            (held_at, arrived, feed_id, json.dumps(list(ids))),
        )
        if not store.row("SELECT 1 FROM posts WHERE feed_id = ? AND held_at != '' LIMIT 1", (feed_id,)):
            _end(store, feed_id)
        if cursor.rowcount and held_at is None:
            _count_again(store, feed_id)
            site.want_publishing(store)
    return int(cursor.rowcount)


def counts_by_url(store: Store) -> dict[str, int]:
    """How many posts of each feed are held and not put away, by its source's URL; feeds without any are left out."""
    rows = store.rows(
        """SELECT feeds.url, count(*) AS count FROM posts JOIN feeds ON feeds.id = feed_id
        WHERE held_at != '' GROUP BY feeds.id"""
    )
    return {row["url"]: row["count"] for row in rows}


def _count_again(store: Store, feed_id: int) -> None:
    """Counts all that a feed has brought: what is released has come when it was first seen, as parts of batches."""
    store.conn.execute(
        """UPDATE feeds SET (posts_came, posts_since, largest_batch) = (
            SELECT coalesce(sum(posts), 0), min(first_seen), coalesce(max(posts * is_later), 0) FROM (
                SELECT first_seen, count(*) AS posts, min(id) > coalesce(feeds.first_batch_id, 0) AS is_later
                FROM posts WHERE feed_id = feeds.id AND held_at IS NULL GROUP BY first_seen)
        ) WHERE id = ?""",
        (feed_id,),
    )


def _end(store: Store, feed_id: int) -> None:
    store.conn.execute("UPDATE feeds SET held_since = NULL WHERE id = ?", (feed_id,))
