"""The tables, as an append-only list of migrations (store/migrating.py runs them); never edit one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

STEPS: dict[str, Callable[[Database], None]] = {}
"""The migrations by their names, in their order."""


def _migration(step: Callable[[Database], None]) -> Callable[[Database], None]:
    STEPS[step.__name__] = step
    return step


# `first_batch_id` is the last post id after the feed was first read: what it brought then is its backlog, not news.
_FEEDS = """
CREATE TABLE feeds (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    url TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL DEFAULT '',
    site_url TEXT NOT NULL DEFAULT '',
    language TEXT NOT NULL DEFAULT '',
    etag TEXT,
    last_modified TEXT,
    body_hash TEXT,
    malformed INTEGER NOT NULL DEFAULT 0,
    http INTEGER,
    added_at TEXT NOT NULL,
    first_batch_id INTEGER,
    polled_at TEXT,
    next_poll_at TEXT,
    retry_after TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    failure_kind TEXT,
    failure_message TEXT
)
"""

# `dated` and `effective`: see model.StoredPost.
_POSTS = """
CREATE TABLE posts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    feed_id INTEGER NOT NULL REFERENCES feeds(id),
    story INTEGER NOT NULL,
    guid TEXT NOT NULL,
    url TEXT NOT NULL,
    title TEXT NOT NULL,
    author TEXT NOT NULL,
    published TEXT,
    updated TEXT,
    dated TEXT,
    first_seen TEXT NOT NULL,
    changed_at TEXT,
    tags TEXT NOT NULL,
    summary TEXT NOT NULL,
    content_html TEXT NOT NULL,
    text TEXT NOT NULL,
    language TEXT NOT NULL,
    enclosures TEXT NOT NULL,
    origin_title TEXT NOT NULL,
    origin_url TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    effective TEXT NOT NULL GENERATED ALWAYS AS (min(coalesce(dated, first_seen), first_seen)) STORED
)
"""

# What was seen, apart from the posts themselves: this memory outlives them.
_POST_KEYS = """
CREATE TABLE post_keys (
    feed_id INTEGER NOT NULL REFERENCES feeds(id),
    key TEXT NOT NULL,
    post_id INTEGER NOT NULL,
    PRIMARY KEY (feed_id, key)
) WITHOUT ROWID
"""

_STORY_URLS = "CREATE TABLE story_urls (url TEXT PRIMARY KEY, story INTEGER NOT NULL) WITHOUT ROWID"

_EDITIONS = "CREATE TABLE editions (name TEXT PRIMARY KEY, since TEXT NOT NULL) WITHOUT ROWID"

# `after_id` is the last post id when the source joined the edition: what it had before is backlog to this edition.
_EDITION_SOURCES = """
CREATE TABLE edition_sources (
    edition TEXT NOT NULL,
    feed_id INTEGER NOT NULL REFERENCES feeds(id),
    after_id INTEGER NOT NULL,
    PRIMARY KEY (edition, feed_id)
) WITHOUT ROWID
"""

_SLOTS = """
CREATE TABLE slots (
    edition TEXT NOT NULL,
    slot TEXT NOT NULL,
    handled_at TEXT NOT NULL,
    PRIMARY KEY (edition, slot)
) WITHOUT ROWID
"""

_ISSUES = """
CREATE TABLE issues (
    id INTEGER PRIMARY KEY,
    edition TEXT NOT NULL,
    number INTEGER NOT NULL,
    slot TEXT,
    frozen_at TEXT NOT NULL,
    content TEXT NOT NULL,
    retry_at TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    UNIQUE (edition, number),
    UNIQUE (edition, slot)
)
"""

# One row per story and edition, for ever: an edition carries a story once. Second showings of stories that were joined
# by hand since have a negative `story` (store/stories.py).
_ISSUE_ITEMS = """
CREATE TABLE issue_items (
    edition TEXT NOT NULL,
    story INTEGER NOT NULL,
    issue_id INTEGER NOT NULL REFERENCES issues(id),
    post_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (edition, story)
) WITHOUT ROWID
"""

_DELIVERIES = """
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    issue_id INTEGER NOT NULL REFERENCES issues(id),
    address TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'inflight', 'accepted', 'deferred', 'rejected', 'suppressed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at TEXT,
    reply TEXT NOT NULL DEFAULT '',
    updated_at TEXT NOT NULL,
    UNIQUE (issue_id, address)
)
"""

# One row. `feed_id` names the combined feed wherever it is published. `wanted` counts the changes worth publishing,
# `done` how far the files on disk are: a restart loses neither.
_SITE = """
CREATE TABLE site (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    feed_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    wanted INTEGER NOT NULL DEFAULT 1,
    done INTEGER NOT NULL DEFAULT 0
)
"""

_INDEXES = (
    "CREATE INDEX posts_by_feed ON posts (feed_id, id, story, effective)",
    "CREATE INDEX posts_by_feed_and_time ON posts (feed_id, effective DESC, id DESC)",
    "CREATE INDEX posts_by_story ON posts (story)",
    "CREATE INDEX posts_by_guid ON posts (guid)",
    "CREATE INDEX posts_by_effective ON posts (effective DESC, id DESC)",
    "CREATE INDEX post_keys_by_post ON post_keys (post_id)",
    "CREATE INDEX issue_items_by_issue ON issue_items (issue_id, position)",
    "CREATE INDEX deliveries_open ON deliveries (issue_id) WHERE state IN ('pending', 'inflight', 'deferred')",
)


@_migration
def tables(db: Database) -> None:
    for statement in (
        _FEEDS,
        _POSTS,
        _POST_KEYS,
        _STORY_URLS,
        _EDITIONS,
        _EDITION_SOURCES,
        _SLOTS,
        _ISSUES,
        _ISSUE_ITEMS,
        _DELIVERIES,
        _SITE,
        *_INDEXES,
    ):
        db.conn.execute(statement)
    db.conn.execute(
        """INSERT INTO site (id, feed_id, created_at)
        VALUES (1, lower(hex(randomblob(16))), strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', 'now'))"""
    )


@_migration
def full_text_search(db: Database) -> None:
    # Without triggers: they are the dearest part of storing; `posts.save` indexes a document's posts in one statement.
    db.table("posts").enable_fts(
        ["title", "author", "text"], fts_version="FTS5", tokenize="unicode61 remove_diacritics 2", create_triggers=False
    )


# When and how each feed and each server may be asked again. Durations are in seconds.
_POLLING = (
    "ALTER TABLE feeds ADD COLUMN validators_url TEXT",
    "ALTER TABLE feeds ADD COLUMN request_identity TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE feeds ADD COLUMN read_at TEXT",
    "ALTER TABLE feeds ADD COLUMN not_before TEXT",
    "ALTER TABLE feeds ADD COLUMN freshness REAL",
    "ALTER TABLE feeds ADD COLUMN ttl REAL",
    "ALTER TABLE feeds ADD COLUMN skip_hours TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE feeds ADD COLUMN skip_days TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE feeds ADD COLUMN gap REAL",
    "ALTER TABLE feeds ADD COLUMN latest_at TEXT",
    "ALTER TABLE feeds ADD COLUMN failing_since TEXT",
    "ALTER TABLE feeds ADD COLUMN move_url TEXT",
    "ALTER TABLE feeds ADD COLUMN move_since TEXT",
    "ALTER TABLE feeds ADD COLUMN move_sightings INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE feeds ADD COLUMN move_same_feed INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE feeds ADD COLUMN adopted_url TEXT",
    "ALTER TABLE feeds ADD COLUMN adopted_at TEXT",
    """CREATE TABLE hosts (
        host TEXT PRIMARY KEY,
        asked_at TEXT,
        rest_until TEXT,
        refusals INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID""",
)


@_migration
def polling(db: Database) -> None:
    for statement in _POLLING:
        db.conn.execute(statement)


# `excluded` is the rule that keeps a post from being shown, or '', since `excluded_at`. `feeds.rules` stands for the
# rules that its posts were judged by.
_RULES = (
    "ALTER TABLE posts ADD COLUMN excluded TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE posts ADD COLUMN excluded_at TEXT",
    "ALTER TABLE posts ADD COLUMN restored_at TEXT",
    "ALTER TABLE feeds ADD COLUMN rules TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX posts_excluded ON posts (id) WHERE excluded != ''",
)


@_migration
def rules(db: Database) -> None:
    for statement in _RULES:
        db.conn.execute(statement)


# What the workers remember of the items of each feed's last document. In a table of its own: feeds are read without it,
# and nothing is in it that reading a document whole would not bring again.
_ITEMS = "CREATE TABLE feed_items (feed_id INTEGER PRIMARY KEY REFERENCES feeds(id), memory BLOB NOT NULL)"


@_migration
def items(db: Database) -> None:
    db.conn.execute(_ITEMS)


# `met_at` is when a post was first met under a key; `held_at` when the brake held it, '' when the operator put it away;
# `text_hash` is of the words alone.
# The first version of a post is kept from its first edit on; the latest is in `posts`.
_MEMORY = (
    "ALTER TABLE post_keys ADD COLUMN met_at TEXT",
    "ALTER TABLE posts ADD COLUMN text_hash TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE posts ADD COLUMN held_at TEXT",
    "ALTER TABLE feeds ADD COLUMN volatility REAL NOT NULL DEFAULT 0",
    "ALTER TABLE feeds ADD COLUMN held_since TEXT",
    "CREATE INDEX posts_held ON posts (feed_id, id) WHERE held_at IS NOT NULL",
    """CREATE TABLE first_versions (
        post_id INTEGER PRIMARY KEY REFERENCES posts(id),
        title TEXT NOT NULL,
        content_html TEXT NOT NULL,
        text TEXT NOT NULL,
        replaced_at TEXT NOT NULL
    )""",
)


@_migration
def memory(db: Database) -> None:
    for statement in _MEMORY:
        db.conn.execute(statement)


# Posts of several sources that are one piece. `mark` stands for a page, a headline or a sentence of a post
# (posts/pieces.py), `period` for the weeks in which it was stored.
_STORIES = (
    "ALTER TABLE posts ADD COLUMN originality INTEGER NOT NULL DEFAULT 1",
    """CREATE TABLE story_marks (
        period INTEGER NOT NULL,
        mark INTEGER NOT NULL,
        feed_id INTEGER NOT NULL REFERENCES feeds(id),
        post_id INTEGER NOT NULL,
        PRIMARY KEY (period, mark, feed_id)
    ) WITHOUT ROWID""",
    """CREATE TABLE story_joins (
        post_id INTEGER PRIMARY KEY REFERENCES posts(id),
        with_post INTEGER NOT NULL,
        tier TEXT NOT NULL,
        score REAL NOT NULL,
        why TEXT NOT NULL,
        joined_at TEXT NOT NULL
    )""",
    """CREATE TABLE never_merged (
        one INTEGER NOT NULL,
        other INTEGER NOT NULL,
        parted_at TEXT NOT NULL,
        PRIMARY KEY (one, other)
    ) WITHOUT ROWID""",
)


@_migration
def stories(db: Database) -> None:
    for statement in _STORIES:
        db.conn.execute(statement)


# `pruned_at` is when a post lost its body. One without a fingerprint has no body that could go. `pruned_before` is when
# the youngest posts that the last whole pass looked at were first seen.
_PRUNING = (
    "ALTER TABLE posts ADD COLUMN pruned_at TEXT",
    "ALTER TABLE site ADD COLUMN pruned_before TEXT",
    "CREATE INDEX posts_unpruned ON posts (first_seen) WHERE content_hash != ''",
)


@_migration
def pruning(db: Database) -> None:
    for statement in _PRUNING:
        db.conn.execute(statement)


# Edited posts that issues told of, each once in an edition. `issue_items.changed_at` is the last edit behind what an
# issue showed: with it, what was edited since does not hang on clocks. Older issues count as having seen every edit.
_UPDATES = (
    "ALTER TABLE issue_items ADD COLUMN changed_at TEXT",
    "UPDATE issue_items SET changed_at = (SELECT p.changed_at FROM posts p WHERE p.id = post_id)",
    """CREATE TABLE issue_updates (
        edition TEXT NOT NULL,
        post_id INTEGER NOT NULL,
        issue_id INTEGER NOT NULL REFERENCES issues(id),
        position INTEGER NOT NULL,
        PRIMARY KEY (edition, post_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX posts_changed ON posts (changed_at) WHERE changed_at IS NOT NULL",
)


@_migration
def updates(db: Database) -> None:
    for statement in _UPDATES:
        db.conn.execute(statement)


# Whether a post's link is a page of its own, by which copies of it are known. One that several posts of a document
# share, as the home of a podcast, is none's (posts/stories.py).
_PAGES = ("ALTER TABLE posts ADD COLUMN names_page INTEGER NOT NULL DEFAULT 1",)


@_migration
def pages_of_posts(db: Database) -> None:
    for statement in _PAGES:
        db.conn.execute(statement)


# From when until when rules kept a post out that they let in again: an edition whose issue was made in between does not
# carry it later. Of a post that is kept out now `excluded_at` says since when; `posts.restored_at` is used no more.
_EXCLUSIONS = (
    """CREATE TABLE exclusions (
        post_id INTEGER NOT NULL REFERENCES posts(id),
        since TEXT NOT NULL,
        until TEXT NOT NULL,
        PRIMARY KEY (post_id, since)
    ) WITHOUT ROWID""",
    """INSERT INTO exclusions (post_id, since, until)
    SELECT id, excluded_at, restored_at FROM posts WHERE excluded_at < restored_at""",
    "UPDATE posts SET excluded_at = NULL WHERE excluded = '' AND excluded_at IS NOT NULL",
)


@_migration
def exclusions_by_rules(db: Database) -> None:
    for statement in _EXCLUSIONS:
        db.conn.execute(statement)


# Whether a post has been in the combined feed for its story. It stays there for it, since followers know its id. Of the
# stories there were, the first post that may be shown was.
_FRONTS = (
    "ALTER TABLE posts ADD COLUMN in_feed INTEGER NOT NULL DEFAULT 0",
    """UPDATE posts SET in_feed = 1 WHERE id IN (SELECT min(id) FROM posts WHERE excluded = '' AND held_at IS NULL
    AND story IN (SELECT p.story FROM story_joins j JOIN posts p ON p.id = j.post_id) GROUP BY story)""",
)


@_migration
def fronts_of_stories(db: Database) -> None:
    for statement in _FRONTS:
        db.conn.execute(statement)
