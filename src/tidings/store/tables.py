"""The tables as they were at first: what came to them since is in store/schema.py. Never edited."""

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

FIRST = (
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
)

# When and how each feed and each server may be asked again. Durations are in seconds.
POLLING = (
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
