"""Posts for the planet's pages: all of them without their texts, and the texts of those that are written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from hashlib import blake2b

from tidings.model import PlanetPost, StoredPost
from tidings.store.database import Store, stored_time, text_to_time
from tidings.store.posts import SELECT_POSTS, stored_post

STAMPED = """p.id, p.first_seen, p.revision, p.content_hash, p.title, p.url, p.author, p.tags, p.published, p.updated,
    p.changed_at, p.effective, p.origin_title, p.origin_url"""
"""What stands for a post `p`: `revision` counts what is done to its row (store/schema.py), the others keep two
databases apart, such as one and its backup."""

_STAMPS = STAMPED.count(",") + 1


def shown(store: Store, sources: Sequence[str]) -> list[PlanetPost]:
    """The posts of `sources` (names) that no rule excludes and nothing holds, the newest first."""
    rows = store.rows(
        f"""SELECT {STAMPED}, p.arrived, p.story, p.in_feed, f.name AS source
        FROM posts p JOIN feeds f ON f.id = p.feed_id
        WHERE f.name IN (SELECT value FROM json_each(?)) AND p.excluded = '' AND p.held_at IS NULL
        ORDER BY p.effective DESC, p.id DESC""",
        (json.dumps(list(sources)),),
    )
    return [_post(row) for row in rows]


def whole(store: Store, ids: Sequence[int]) -> dict[int, StoredPost]:
    """Posts with their texts, by their ids."""
    rows = store.rows(f"{SELECT_POSTS} WHERE p.id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))
    return {row["id"]: stored_post(row) for row in rows}


def missing(store: Store, ids: Collection[int]) -> int:
    """How many of some posts, by their ids, the database does not have."""
    [row] = store.rows(
        "SELECT count(*) AS n FROM posts WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
    )
    return len(ids) - int(row["n"])


def _post(row: sqlite3.Row) -> PlanetPost:
    return PlanetPost(
        id=row["id"],
        story=row["story"],
        source=row["source"],
        url=row["url"],
        title=row["title"],
        effective=stored_time(row["effective"]),
        arrived=stored_time(row["arrived"]),
        changed_at=text_to_time(row["changed_at"]),
        in_feed=bool(row["in_feed"]),
        stamp=stamp(row),
    )


def stamp(row: sqlite3.Row) -> str:
    """A digest of the columns of `STAMPED`, with which the row begins."""
    return blake2b(repr(tuple(row)[:_STAMPS]).encode(), digest_size=12).hexdigest()
