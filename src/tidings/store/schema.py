"""The tables, as an append-only list of migrations (store/migrating.py runs them); never edit one."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from tidings.store.tables import FIRST, POLLING
from tidings.store.tables_of_choices import CHOICES, EMPTYING
from tidings.store.tables_of_issues import LEDGER, SCHEDULING, SENDER, SETTLED, SUPPRESSING, UPDATES
from tidings.store.tables_of_links import LINKS
from tidings.store.tables_of_moves import MOVES
from tidings.store.tables_of_planet import FEEDS_OF_OURS, REVISIONS, SHOWING
from tidings.store.tables_of_readers import FORGETTING, SUBSCRIBERS
from tidings.store.tables_of_signups import FLOODS, RETURNS, SIGNUPS

if TYPE_CHECKING:
    from sqlite_utils import Database

STEPS: dict[str, Callable[[Database], None]] = {}
"""The migrations by their names, in their order."""


def _migration(step: Callable[[Database], None]) -> Callable[[Database], None]:
    STEPS[step.__name__] = step
    return step


@_migration
def tables(db: Database) -> None:
    for statement in FIRST:
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


@_migration
def polling(db: Database) -> None:
    for statement in POLLING:
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
# `text_hash` is of the words alone. The first version of a post is kept from its first edit on; `posts` has the latest.
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


@_migration
def updates(db: Database) -> None:
    for statement in UPDATES:
        db.conn.execute(statement)


# What each feed has brought, without what is held, counted as it comes, since going through its posts takes longer the
# more of them there are. `largest_batch` is the most that came at once after the first reading.
_BATCHES = (
    "ALTER TABLE feeds ADD COLUMN posts_came INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE feeds ADD COLUMN posts_since TEXT",
    "ALTER TABLE feeds ADD COLUMN largest_batch INTEGER NOT NULL DEFAULT 0",
    """WITH batches AS (
        SELECT feed_id, first_seen, count(*) AS posts, min(posts.id) > coalesce(first_batch_id, 0) AS is_later
        FROM posts JOIN feeds ON feeds.id = feed_id WHERE held_at IS NULL GROUP BY feed_id, first_seen
    ), sums AS (
        SELECT feed_id, sum(posts) AS posts, min(first_seen) AS since, max(posts * is_later) AS largest
        FROM batches GROUP BY feed_id
    )
    UPDATE feeds SET (posts_came, posts_since, largest_batch) = (sums.posts, sums.since, sums.largest)
    FROM sums WHERE sums.feed_id = feeds.id""",
)


@_migration
def batches(db: Database) -> None:
    for statement in _BATCHES:
        db.conn.execute(statement)


# What is left of a text that pruning took (posts/sketch.py).
@_migration
def sketches(db: Database) -> None:
    db.conn.execute("ALTER TABLE posts ADD COLUMN sketch BLOB")


# Whether a post's link is a page of its own, by which copies of it are known. One that several posts of a document
# share, as the home of a podcast, is none's (posts/stories.py).
_PAGES = "ALTER TABLE posts ADD COLUMN names_page INTEGER NOT NULL DEFAULT 1"


@_migration
def pages_of_posts(db: Database) -> None:
    db.conn.execute(_PAGES)


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


@_migration
def settled_news(db: Database) -> None:
    for statement in SETTLED:
        db.conn.execute(statement)


# `own`: the document is the combined feed that is published here (recording.py).
_OWN_FEED = "ALTER TABLE feeds ADD COLUMN own INTEGER NOT NULL DEFAULT 0"


@_migration
def own_feed(db: Database) -> None:
    db.conn.execute(_OWN_FEED)


# Under which ids entries of the combined feed went out; `made` are those that are no post's own. What copies say that
# they were taken from is found by `posts_by_origin`.
_ENTRY_IDS = (
    """CREATE TABLE entry_ids (
        id TEXT PRIMARY KEY,
        post_id INTEGER NOT NULL UNIQUE,
        made INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX posts_by_origin ON posts (origin_url, id) WHERE origin_url != ''",
)


@_migration
def lasting_entry_ids(db: Database) -> None:
    for statement in _ENTRY_IDS:
        db.conn.execute(statement)


# How posts looked last that are not rewritten in a volatile source (store/noise.py).
_NOISE = "CREATE TABLE noise (post_id INTEGER PRIMARY KEY, content_hash TEXT NOT NULL) WITHOUT ROWID"


@_migration
def noise_of_posts(db: Database) -> None:
    db.conn.execute(_NOISE)


@_migration
def scheduling(db: Database) -> None:
    for statement in SCHEDULING:
        db.conn.execute(statement)


# When an issue was let go, by the end of its review or by hand: from then on it is sent, and shown on the web.
_RELEASED = "ALTER TABLE issues ADD COLUMN released_at TEXT"


@_migration
def releases_of_issues(db: Database) -> None:
    db.conn.execute(_RELEASED)


# What codes in addresses and links are made with, so that nobody else can make one.
_SECRET = "ALTER TABLE site ADD COLUMN secret BLOB NOT NULL DEFAULT x''"


@_migration
def secret_of_the_site(db: Database) -> None:
    db.conn.execute(_SECRET)
    db.conn.execute("UPDATE site SET secret = ?", (secrets.token_bytes(32),))


@_migration
def ledger(db: Database) -> None:
    for statement in LEDGER:
        db.conn.execute(statement)


@_migration
def suppressing(db: Database) -> None:
    for statement in SUPPRESSING:
        db.conn.execute(statement)


@_migration
def sender_of_mail(db: Database) -> None:
    db.conn.execute(SENDER)


@_migration
def subscribers(db: Database) -> None:
    for statement in SUBSCRIBERS:
        db.conn.execute(statement)


@_migration
def links_of_readers(db: Database) -> None:
    for statement in LINKS:
        db.conn.execute(statement)


@_migration
def signups(db: Database) -> None:
    for statement in SIGNUPS:
        db.conn.execute(statement)


@_migration
def choices_of_readers(db: Database) -> None:
    for statement in CHOICES:
        db.conn.execute(statement)


@_migration
def forgetting(db: Database) -> None:
    for statement in FORGETTING:
        db.conn.execute(statement)


# What readers choose is kept for each edition (store/tables_of_choices.py). These were never set.
@_migration
def choices_of_editions_only(db: Database) -> None:
    for column in ("timezone", "format", "paused_until"):
        db.conn.execute(f"ALTER TABLE subscribers DROP COLUMN {column}")


@_migration
def moves_of_readers(db: Database) -> None:
    for statement in MOVES:
        db.conn.execute(statement)


@_migration
def emptying_of_own_issues(db: Database) -> None:
    for statement in EMPTYING:
        db.conn.execute(statement)


@_migration
def revisions_of_posts(db: Database) -> None:
    for statement in REVISIONS:
        db.conn.execute(statement)


@_migration
def places_in_feeds(db: Database) -> None:
    for statement in FEEDS_OF_OURS:
        db.conn.execute(statement)


@_migration
def floods_by_kind(db: Database) -> None:
    for statement in FLOODS:
        db.conn.execute(statement)


@_migration
def notes_that_come_back(db: Database) -> None:
    for statement in RETURNS:
        db.conn.execute(statement)


@_migration
def showing_of_feeds(db: Database) -> None:
    for statement in SHOWING:
        db.conn.execute(statement)
