"""What is stored of one post, put together so that every decision about it can be told: where it came from, the keys it
is known under, its story, the issues that showed it, and what keeps it out of the next ones.

Reads only. Whether an edition may carry a post is decided in store/issues.py and nowhere else; `backlog` and
`shut_out_at` only say which of the conditions there a post does not meet.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from tidings.model import Join, StoredPost
from tidings.records import dataclass
from tidings.store import stories
from tidings.store.database import Store, stored_time, text_to_time
from tidings.store.issues import DROPPED_FROM, IS_SHARED, Kept, kept
from tidings.store.posts import stored_post

_SELECT = """
SELECT p.*, f.name AS source, f.title AS source_title, f.site_url AS source_url, f.url AS feed_url,
    f.held_since, p.id <= f.first_batch_id AS in_first_batch, v.replaced_at, j.joined_at
FROM posts p JOIN feeds f ON f.id = p.feed_id LEFT JOIN first_versions v ON v.post_id = p.id
LEFT JOIN story_joins j ON j.post_id = p.id
"""


@dataclass(frozen=True, slots=True)
class PostFacts:
    """A post and what became of it. `in_first_batch`: it came with the first reading of its source. `edited_at` is its
    first edit, as far as the version before it is kept; the last one worth telling is `post.changed_at`. `put_away`:
    the operator discarded it while it was held. `feed_held_since` is when the hold of its source began that is still
    on. `joined_at` is when it joined its story, None for the one that began it."""

    post: StoredPost
    in_first_batch: bool
    edited_at: datetime | None
    pruned_at: datetime | None
    held_at: datetime | None
    put_away: bool
    feed_held_since: datetime | None
    excluded_at: datetime | None
    join: Join | None
    joined_at: datetime | None

    @property
    def may_be_shown(self) -> bool:
        """Whether no rule excludes it, and nothing holds it."""
        return not self.post.excluded and self.held_at is None and not self.put_away


@dataclass(frozen=True, slots=True)
class KnownUnder:
    """A key (posts/identity.py) that a post was met under, and when it was first; None where that was not noted."""

    key: str
    met_at: datetime | None


@dataclass(frozen=True, slots=True)
class Showing:
    """An issue that carried a story, and the post of it that it showed, or only named. `kept` says what keeps the issue
    from being sent, and `taken_out` that the story was dropped from it by hand."""

    edition: str
    number: int
    frozen_at: datetime
    post_id: int
    kept: Kept = ""
    taken_out: bool = False
    only_named: bool = False


@dataclass(frozen=True, slots=True)
class Passed:
    """That a rule of an edition left a post out when an issue was made, or a slot passed, and when."""

    rule: str
    at: datetime


@contextmanager
def snapshot(store: Store) -> Iterator[None]:
    """All that is read inside is of one moment, whatever others write meanwhile. Nobody waits for it."""
    store.conn.execute("BEGIN")
    try:
        yield
    finally:
        store.conn.rollback()


def stored(store: Store, post_id: int) -> PostFacts:
    """What is stored of a post. Raises StoreError when there is none with that id."""
    story = stories.story_of(store, post_id)
    return next(one for one in members(store, story) if one.post.id == post_id)


def facts(store: Store, post_id: int) -> PostFacts | None:
    """The same, or None when there is none."""
    row = store.row(f"{_SELECT} WHERE p.id = ?", (post_id,))
    return None if row is None else _facts(store, row)


def members(store: Store, story: int) -> list[PostFacts]:
    """The posts of a story, the first stored first."""
    return [_facts(store, row) for row in store.rows(f"{_SELECT} WHERE p.story = ? ORDER BY p.id", (story,))]


def keys(store: Store, post_id: int) -> list[KnownUnder]:
    """What a post is known under, in the order in which it was met."""
    rows = store.rows("SELECT key, met_at FROM post_keys WHERE post_id = ? ORDER BY met_at, key", (post_id,))
    return [KnownUnder(row["key"], text_to_time(row["met_at"])) for row in rows]


def showings(store: Store, story: int) -> list[Showing]:
    """The issues that carried a story, oldest first, but for those made for one reader. There may be several of an
    edition, of posts joined since."""
    rows = store.rows(
        f"""SELECT s.*, i.post_id, x.post_id IS NOT NULL AS taken_out,
            x.post_id IS NULL AND i.position >= json_array_length(s.content, '$.items') AS only_named
        FROM posts p JOIN issue_items i ON i.post_id = p.id
        JOIN issues s ON s.id = i.issue_id LEFT JOIN passed_posts x ON x.edition = i.edition AND x.post_id = i.post_id
            AND x.rule = ? || s.edition || '-' || s.number
        WHERE p.story = ? AND s.edition = i.edition AND {IS_SHARED} ORDER BY s.frozen_at, s.id, i.position""",
        (DROPPED_FROM, story),
    )
    return [_showing(row, bool(row["taken_out"]), bool(row["only_named"])) for row in rows]


def told_of(store: Store, edition: str, story: int) -> Showing | None:
    """The issue of an edition that listed an edit of a story, or had until that was dropped, with the post that it was
    of; None while none did."""
    row = store.row(
        """SELECT s.*, u.post_id, x.post_id IS NOT NULL AS taken_out FROM posts p
        JOIN issue_updates u ON u.post_id = p.id JOIN issues s ON s.id = u.issue_id
        LEFT JOIN passed_posts x ON x.edition = u.edition AND x.post_id = u.post_id
            AND x.rule = ? || s.edition || '-' || s.number
        WHERE p.story = ? AND u.edition = ? ORDER BY s.frozen_at LIMIT 1""",
        (DROPPED_FROM, story, edition),
    )
    return _showing(row, bool(row["taken_out"])) if row else None


def edited_since_shown(store: Store, edition: str, post_id: int) -> bool:
    """Whether a post that an issue of an edition showed was edited after that, in a way worth telling."""
    row = store.row(
        """SELECT 1 FROM posts p JOIN issue_items i ON i.post_id = p.id AND i.edition = ?
        JOIN issues s ON s.id = i.issue_id AND i.position < json_array_length(s.content, '$.items')
        WHERE p.id = ? AND p.changed_at IS NOT NULL AND p.changed_at IS NOT i.changed_at""",
        (edition, post_id),
    )
    return row is not None


def backlog(store: Store, edition: str, post_id: int) -> bool:
    """Whether a post was there before its source joined an edition, or came with the source's first reading."""
    row = store.row(
        """SELECT 1 FROM posts p JOIN edition_sources e ON e.feed_id = p.feed_id JOIN feeds f ON f.id = p.feed_id
        WHERE p.id = ? AND e.edition = ? AND p.id <= max(e.after_id, coalesce(f.first_batch_id, 0))""",
        (post_id, edition),
    )
    return row is not None


def shut_out_at(store: Store, edition: str, post_id: int) -> datetime | None:
    """When an issue was made, or a slot of it passed, while a rule kept a post out that is let in by now."""
    row = store.row(
        """SELECT min(made.at) AS at FROM exclusions x JOIN (
            SELECT frozen_at AS at FROM issues WHERE edition = :edition
            UNION ALL SELECT handled_at FROM slots WHERE edition = :edition
        ) AS made ON made.at >= x.since AND made.at < x.until WHERE x.post_id = :id""",
        {"edition": edition, "id": post_id},
    )
    return None if row is None else text_to_time(row["at"])


def passed_over(store: Store, edition: str, post_id: int) -> Passed | None:
    """What left a post out of an issue, or a slot, of an edition: then it is no news to it any more."""
    row = store.row("SELECT rule, passed_at FROM passed_posts WHERE edition = ? AND post_id = ?", (edition, post_id))
    return None if row is None else Passed(row["rule"], stored_time(row["passed_at"]))


def under_keys(store: Store, wanted: Sequence[str]) -> list[int]:
    """The posts of whatever source that are known under one of some keys."""
    rows = store.rows(
        f"""SELECT DISTINCT p.id FROM feeds f CROSS JOIN post_keys k
        ON k.feed_id = f.id AND k.key IN ({", ".join("?" * len(wanted))})
        JOIN posts p ON p.id = k.post_id ORDER BY p.id""",
        wanted,
    )
    return [row["id"] for row in rows]


def under_keys_like(store: Store, part: str, is_it: Callable[[str], bool]) -> list[int]:
    """The posts that are known under a key which `is_it`; only those that hold `part`, in small letters, are asked
    about. Reads all keys, which takes seconds in a large archive."""
    rows = store.rows(
        "SELECT k.key, p.id FROM post_keys k JOIN posts p ON p.id = k.post_id WHERE instr(lower(k.key), ?) > 0", (part,)
    )
    return sorted({row["id"] for row in rows if is_it(row["key"])})


def with_guid(store: Store, guid: str) -> list[int]:
    """The posts whose guid is this one, to the letter."""
    return [row["id"] for row in store.rows("SELECT id FROM posts WHERE guid = ? ORDER BY id", (guid,))]


def with_page(store: Store, path: str, shared: str, is_it: Callable[[str], bool]) -> list[int]:
    """The posts whose own URL `is_it`, found by a hint (posts/identity.py), the `path` of their page. Where posts of a
    source `shared` that hint it leads to one of them only, and nothing is found."""
    if under_keys(store, [shared]):
        return []
    ids = json.dumps(under_keys(store, [path]))
    rows = store.rows("SELECT id, url FROM posts WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", (ids,))
    return [row["id"] for row in rows if is_it(row["url"])]


def with_url(store: Store, part: str, is_it: Callable[[str], bool]) -> list[int]:
    """The posts whose own URL `is_it`; only those that hold `part`, in small letters, are asked about. Reads the links
    of all posts, which takes seconds in a large archive."""
    rows = store.rows("SELECT id, url FROM posts WHERE instr(lower(url), ?) > 0 ORDER BY id", (part,))
    return [row["id"] for row in rows if is_it(row["url"])]


def _showing(row: sqlite3.Row, taken_out: bool = False, only_named: bool = False) -> Showing:
    at = stored_time(row["frozen_at"])
    return Showing(row["edition"], row["number"], at, row["post_id"], kept(row), taken_out, only_named)


def _facts(store: Store, row: sqlite3.Row) -> PostFacts:
    return PostFacts(
        post=stored_post(row),
        in_first_batch=bool(row["in_first_batch"]),
        edited_at=text_to_time(row["replaced_at"]),
        pruned_at=text_to_time(row["pruned_at"]),
        held_at=text_to_time(row["held_at"] or None),
        put_away=row["held_at"] == "",
        feed_held_since=text_to_time(row["held_since"]),
        excluded_at=text_to_time(row["excluded_at"]),
        join=stories.join_of(store, row["id"]),
        joined_at=text_to_time(row["joined_at"]),
    )
