"""Posts that may come back from other planets: the ids under which they went out, and the sources that copies name.

An entry of the combined feed keeps the id under which it was published first, as RFC 4287 section 4.2.6 asks, whatever
its post is called by now. An id that was made here stands for one post wherever it is met again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from tidings.model import Counterpart, StoredPost
from tidings.records import dataclass
from tidings.store.database import Store, text_to_time

_MOST = 200  # of one source: planets show what is new
_READ = 4_000  # characters of a text


@dataclass(frozen=True, slots=True)
class Address:
    """Where a feed is had, and what it says that its site is."""

    feed_id: int
    url: str
    site_url: str


def entry_ids(store: Store, posts: Sequence[StoredPost], made: Sequence[str] = ()) -> dict[str, int]:
    """The ids under which entries were published, with their posts: those of `posts`, and who has what they are called
    by in their own feeds, or one of `made`."""
    wanted = [*(post.guid for post in posts), *made]
    rows = store.rows(
        """SELECT id, post_id FROM entry_ids WHERE post_id IN (SELECT value FROM json_each(:posts))
        UNION SELECT id, post_id FROM entry_ids WHERE id IN (SELECT value FROM json_each(:wanted))""",
        {"posts": json.dumps([post.id for post in posts]), "wanted": json.dumps(wanted)},
    )
    return {row["id"]: row["post_id"] for row in rows}


def keep_entry_ids(store: Store, ids: Mapping[int, str], posts: Sequence[StoredPost]) -> None:
    """Notes under which ids posts go out, before they do. One that is not the post's own was made here."""
    kept = entry_ids(store, posts)
    new = [(ids[post.id], post.id, ids[post.id] != post.guid) for post in posts if ids[post.id] not in kept]
    if new:
        with store.write():
            store.conn.executemany("INSERT OR IGNORE INTO entry_ids (id, post_id, made) VALUES (?, ?, ?)", new)


def behind(store: Store, ids: Iterable[str], reader: int) -> dict[str, tuple[int, int]]:
    """The posts that went out under ids which were made here, each with its story, if that has no post yet of the feed
    that is being read, `reader`."""
    rows = store.rows(
        """SELECT e.id, p.id AS post, p.story FROM entry_ids e JOIN posts p ON p.id = e.post_id
        WHERE e.made AND e.id IN (SELECT value FROM json_each(?))
        AND NOT EXISTS (SELECT 1 FROM posts q WHERE q.story = p.story AND +q.feed_id = ?)""",
        (json.dumps(list(ids)), reader),
    )
    return {row["id"]: (row["post"], row["story"]) for row in rows}


def addresses(store: Store, feed_id: int) -> list[Address]:
    """Those of all other feeds."""
    rows = store.rows("SELECT id, url, site_url FROM feeds WHERE id != ?", (feed_id,))
    return [Address(row["id"], row["url"], row["site_url"]) for row in rows]


def of_feed(store: Store, feed_id: int, reader: int) -> list[Counterpart]:
    """The newest posts of a feed, but those whose story has a post of the feed that is being read, `reader`: what that
    one brings again under another id is another post."""
    return _counterparts(store, "p.feed_id = ?", (feed_id,), reader)


def taken_from(store: Store, origin_urls: Iterable[str], reader: int) -> list[Counterpart]:
    """The newest posts of which other feeds say that they were taken from one of some addresses; the same left out."""
    wanted = dict.fromkeys(url for url in origin_urls if url)
    return [
        one for url in wanted for one in _counterparts(store, "p.origin_url != '' AND p.origin_url = ?", (url,), reader)
    ]


def _counterparts(store: Store, condition: str, values: Sequence[object], reader: int) -> list[Counterpart]:
    # The plus keeps SQLite from looking through all posts of the reader for each (sqlite.org/optoverview.html, 4).
    rows = store.rows(
        f"""SELECT p.id, p.story, p.url, p.title, substr(p.text, 1, {_READ}) AS text, p.published
        FROM posts p WHERE {condition}
        AND NOT EXISTS (SELECT 1 FROM posts q WHERE q.story = p.story AND +q.feed_id = ?)
        ORDER BY p.id DESC LIMIT {_MOST}""",
        (*values, reader),
    )
    return [
        Counterpart(row["id"], row["story"], row["url"], row["title"], row["text"], text_to_time(row["published"]))
        for row in rows
    ]
