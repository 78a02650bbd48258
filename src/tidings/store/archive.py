"""The issues that readers may see on the web: a line for each, and the content of those that are rendered.

All contents at once would be hundreds of megabytes after some years, so SQLite makes a digest of each by itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

from tidings.model import IssueContent, ListedIssue
from tidings.store.contents import text_to_content
from tidings.store.database import Store, stored_time
from tidings.store.issues import IS_SHARED, ON_THE_WEB

_POSTS = """(SELECT issue_id, post_id FROM issue_items UNION SELECT issue_id, post_id FROM issue_updates)"""
"""The posts of all issues: what these show, name, or tell of."""


def listed(store: Store) -> list[ListedIssue]:
    """The issues that readers may see, newest first."""
    store.conn.create_function("content_mark", 1, _mark, deterministic=True)
    rows = store.rows(
        f"""SELECT id, edition, number, frozen_at, content_mark(CAST(content AS BLOB)) AS mark,
        json_extract(content, '$.edition_title', '$.timezone', '$.language') AS said
        FROM issues i WHERE {ON_THE_WEB} AND {IS_SHARED} ORDER BY frozen_at DESC, id DESC"""
    )
    found: list[ListedIssue] = []
    for row in rows:
        title, timezone, language = json.loads(row["said"])
        frozen_at = stored_time(row["frozen_at"])
        found.append(
            ListedIssue(row["id"], row["edition"], title, row["number"], frozen_at, timezone, language, row["mark"])
        )
    return found


def content(store: Store, issue_id: int) -> IssueContent:
    """The content of an issue."""
    [row] = store.rows("SELECT content FROM issues WHERE id = ?", (issue_id,))
    return text_to_content(row["content"])


def posts_of(store: Store, sources: Sequence[str]) -> dict[int, list[int]]:
    """The posts of `sources` (names) that issues have, by the ids of the issues."""
    return _by_issue(store, "f.name IN (SELECT value FROM json_each(?))", (json.dumps(list(sources)),))


def withdrawn(store: Store) -> dict[int, list[int]]:
    """The posts that issues have and that a rule excludes by now, or that are held, by the ids of the issues."""
    return _by_issue(store, "(p.excluded != '' OR p.held_at IS NOT NULL)", ())


def with_others(store: Store, sources: Sequence[str]) -> set[int]:
    """The issues that have a post of any other source than `sources` (names)."""
    rows = store.rows(
        f"""SELECT DISTINCT x.issue_id FROM {_POSTS} x JOIN posts p ON p.id = x.post_id JOIN feeds f ON f.id = p.feed_id
        WHERE f.name NOT IN (SELECT value FROM json_each(?))""",
        (json.dumps(list(sources)),),
    )
    return {row["issue_id"] for row in rows}


def beside(store: Store, sources: Sequence[str]) -> dict[int, list[int]]:
    """The posts that issues have of stories that any of `sources` (names) has, by the ids of the issues."""
    rule = """p.story IN (SELECT q.story FROM posts q JOIN feeds g ON g.id = q.feed_id
        WHERE g.name IN (SELECT value FROM json_each(?)))"""
    return _by_issue(store, rule, (json.dumps(list(sources)),))


def addresses(store: Store, sources: Sequence[str]) -> list[tuple[datetime, str]]:
    """The addresses of the posts of `sources` (names), each with when the post came, the oldest first."""
    rows = store.rows(
        """SELECT p.first_seen, p.url FROM posts p JOIN feeds f ON f.id = p.feed_id
        WHERE f.name IN (SELECT value FROM json_each(?)) AND p.url != '' ORDER BY p.first_seen, p.id""",
        (json.dumps(list(sources)),),
    )
    return [(stored_time(row["first_seen"]), row["url"]) for row in rows]


def named_at(store: Store, sources: Sequence[str], others: Sequence[str]) -> set[tuple[str, str]]:
    """What `sources` (names) have at the same addresses as `others` (names): name and address, and what the source
    calls itself and address."""
    rows = store.rows(
        """SELECT f.name, f.title, p.url FROM posts p JOIN feeds f ON f.id = p.feed_id
        WHERE f.name IN (SELECT value FROM json_each(?)) AND p.url IN (
            SELECT q.url FROM posts q JOIN feeds g ON g.id = q.feed_id
            WHERE g.name IN (SELECT value FROM json_each(?)))""",
        (json.dumps(list(sources)), json.dumps(list(others))),
    )
    return {(name, row["url"]) for row in rows for name in (row["name"], row["title"])}


def _by_issue(store: Store, rule: str, values: Sequence[str]) -> dict[int, list[int]]:
    rows = store.rows(
        f"""SELECT x.issue_id, p.id FROM {_POSTS} x JOIN posts p ON p.id = x.post_id JOIN feeds f ON f.id = p.feed_id
        WHERE {rule} ORDER BY x.issue_id, p.id""",
        values,
    )
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row["issue_id"], []).append(row["id"])
    return found


def _mark(content: bytes) -> str:
    return blake2b(content, digest_size=12).hexdigest()
