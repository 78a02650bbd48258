"""Posts that the brake holds (posts/brake.py): counting them, letting them go, putting them away for good.

`posts.held_at` is when a post was held, or met again after it had been gone; '' once the operator has put it away, for
which it stays held. `feeds.held_since` is when the hold began that is still on: what was held since then is what waits
in the document.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tidings.store import site
from tidings.store.database import A_QUERY, Store, text_to_time, time_to_text


@dataclass(frozen=True, slots=True)
class Batches:
    """What a feed has brought so far: how many posts, since when, and how many of them at once at most, after what it
    had when it was first read. What is held has not come yet."""

    stored: int
    since: datetime | None
    largest: int


def history(store: Store, feed_id: int) -> Batches:
    """How a feed's posts came."""
    rows = store.rows(
        """SELECT count(*) AS posts, min(first_seen) AS came, min(posts.id) > coalesce(first_batch_id, 0) AS later
        FROM posts JOIN feeds ON feeds.id = feed_id WHERE feed_id = ? AND held_at IS NULL GROUP BY first_seen""",
        (feed_id,),
    )
    return Batches(
        stored=sum(row["posts"] for row in rows),
        since=text_to_time(min((row["came"] for row in rows), default=None)),
        largest=max((row["posts"] for row in rows if row["later"]), default=0),
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


def hold_again(store: Store, ids: Iterable[int], now: datetime) -> None:
    """Counts held posts that were gone from their document, and are back, to the hold that begins now."""
    with store.note():
        store.conn.executemany(
            "UPDATE posts SET held_at = ? WHERE id = ? AND held_at != ''", [(time_to_text(now), one) for one in ids]
        )


def release(store: Store, feed_id: int, since: datetime | None = None) -> int:
    """Lets the held posts of a feed go their way, as news; with `since` only those of the hold that began then. Returns
    how many."""
    start = "" if since is None else time_to_text(since)
    with store.write():
        cursor = store.conn.execute(
            "UPDATE posts SET held_at = NULL WHERE feed_id = ? AND held_at != '' AND held_at >= ?", (feed_id, start)
        )
        _end(store, feed_id)
        if cursor.rowcount:
            site.want_publishing(store)
    return int(cursor.rowcount)


def discard(store: Store, feed_id: int) -> int:
    """Puts the held posts of a feed away: they stay stored and known, and are never shown. Returns how many."""
    with store.write():
        cursor = store.conn.execute("UPDATE posts SET held_at = '' WHERE feed_id = ? AND held_at != ''", (feed_id,))
        _end(store, feed_id)
    return int(cursor.rowcount)


def counts_by_url(store: Store) -> dict[str, int]:
    """How many posts of each feed are held and not put away, by its source's URL; feeds without any are left out."""
    rows = store.rows(
        """SELECT feeds.url, count(*) AS count FROM posts JOIN feeds ON feeds.id = feed_id
        WHERE held_at != '' GROUP BY feeds.id"""
    )
    return {row["url"]: row["count"] for row in rows}


def _end(store: Store, feed_id: int) -> None:
    store.conn.execute("UPDATE feeds SET held_since = NULL WHERE id = ?", (feed_id,))
