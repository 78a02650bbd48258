"""Judging stored posts again, when the rules of their source have changed in the file.

A slice of posts is read and judged, then what came out differently is written in one short transaction. A crash leaves
some posts judged and the feed marked as under way, so the next opportunity starts over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime

from tidings.records import dataclass
from tidings.store import site
from tidings.store.database import Store, time_to_text

_SLICE = 500  # posts; read one at a time, so that it takes the memory of one


@dataclass(frozen=True, slots=True)
class JudgedPost:
    """What rules look at in a stored post."""

    title: str
    text: str
    author: str
    tags: tuple[str, ...]


Judge = Callable[[JudgedPost], str]
"""Says what keeps a post from being shown, or ""."""


def judged_otherwise(store: Store, fingerprints: Mapping[str, str]) -> list[str]:
    """The URLs of feeds whose stored posts were judged by other rules than `fingerprints` (URL → rules) says."""
    rows = store.rows("SELECT url, rules FROM feeds")
    return [row["url"] for row in rows if row["rules"] != fingerprints.get(row["url"], row["rules"])]


def judge_again(store: Store, url: str, judge: Judge, fingerprint: str, now: datetime) -> int:
    """Judges the stored posts of a feed by rules that `fingerprint` stands for; returns how many came out differently.

    What becomes excluded is shown no more from `now` on; what is let in is shown again, but is no news to editions
    whose issue was made while it was out, each time that it was.
    """
    under_way = f"{fingerprint} under way"
    _mark(store, url, under_way)
    last, differing = 0, 0
    while True:
        last, changes = _slice(store, url, last, judge)
        if last == 0:
            break
        differing += _write(store, changes, now)
    with store.write():  # posts saved meanwhile by other rules have put another mark, which stays
        store.conn.execute("UPDATE feeds SET rules = ? WHERE url = ? AND rules = ?", (fingerprint, url, under_way))
    return differing


@dataclass(frozen=True, slots=True)
class _Change:
    post_id: int
    content_hash: str
    excluded: str


def _mark(store: Store, url: str, mark: str) -> None:
    with store.write():
        store.conn.execute("UPDATE feeds SET rules = ? WHERE url = ?", (mark, url))


def _slice(store: Store, url: str, after: int, judge: Judge) -> tuple[int, list[_Change]]:
    """The last id of the next slice (0 when there is none) and what came out differently in it. Posts whose text was
    pruned stay as they were judged by it."""
    last, changes = 0, []
    rows = store.conn.execute(
        """SELECT p.id, p.title, p.text, p.author, p.tags, p.content_hash, p.excluded FROM posts p
        WHERE p.feed_id = (SELECT id FROM feeds WHERE url = ?) AND p.id > ? AND p.content_hash != ''
        ORDER BY p.id LIMIT ?""",
        (url, after, _SLICE),
    )
    for row in rows:
        last = int(row["id"])
        excluded = judge(JudgedPost(row["title"], row["text"], row["author"], tuple(json.loads(row["tags"]))))
        if excluded != row["excluded"]:
            changes.append(_Change(last, row["content_hash"], excluded))
    return last, changes


def _write(store: Store, changes: list[_Change], now: datetime) -> int:
    """Writes what came out differently. A post that was edited since it was read is left to the one who saved it."""
    if not changes:
        return 0
    at = time_to_text(now)
    with store.write():
        values = [{"excluded": one.excluded, "at": at, "id": one.post_id, "hash": one.content_hash} for one in changes]
        store.conn.executemany(
            """INSERT OR IGNORE INTO exclusions (post_id, since, until) SELECT id, excluded_at, :at FROM posts
            WHERE id = :id AND content_hash = :hash AND :excluded = '' AND excluded_at < :at""",
            values,
        )
        cursor = store.conn.executemany(
            """UPDATE posts SET excluded = :excluded,
            excluded_at = CASE WHEN :excluded != '' THEN coalesce(excluded_at, :at) END
            WHERE id = :id AND content_hash = :hash""",
            values,
        )
        site.want_publishing(store)
    return int(cursor.rowcount)
