"""Feeds: what is due, and what a poll left behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

from tidings.model import Edition, Failed, FeedChange, FeedState, Fetched, ParsedFeed, Source, Unchanged
from tidings.store import posts
from tidings.store.database import Store, text_to_time, time_to_text


def sync(store: Store, sources: Sequence[Source], editions: Sequence[Edition], now: datetime) -> None:
    """Brings the tables in line with the configuration; nothing is ever deleted.

    A source whose URL the operator changed keeps its row by its name, so its posts do not come again; its validators
    are dropped, because they belong to the old URL. A name that went to another feed is that one's alone. A source is
    noted as joining each edition that covers it: what the edition takes of the time before is its backfill.
    """
    with store.write():
        configured = {source.url for source in sources}
        for source in sources:
            _sync_source(store, source, configured, now)
        _free_names(store, sources)
        ids = {row["url"]: row["id"] for row in store.rows("SELECT id, url FROM feeds")}
        for edition in editions:
            # Lowered where it lies in the future: a clock that was wrong once must not silence an edition until then.
            store.db.conn.execute(
                """INSERT INTO editions (name, since) VALUES (:name, :now)
                ON CONFLICT (name) DO UPDATE SET since = :now WHERE since > :now""",
                {"name": edition.name, "now": time_to_text(now)},
            )
            for source in sources:
                if edition.covers(source):
                    store.db.conn.execute(
                        """INSERT OR IGNORE INTO edition_sources (edition, feed_id, after_id)
                        VALUES (?, ?, (SELECT coalesce(max(id), 0) FROM posts))""",
                        (edition.name, ids[source.url]),
                    )


def states(store: Store, sources: Iterable[Source]) -> list[FeedState]:
    """What is known of each source's feed, in the order of the configuration. Call `sync` first: a source that it has
    not met is left out, as is one whose URL another process has changed since, with a newer configuration."""
    rows = {row["url"]: row for row in store.rows("SELECT * FROM feeds")}
    return [_state(rows[source.url], source) for source in sources if source.url in rows]


def last_post(store: Store, feed_id: int) -> datetime | None:
    """When the newest post of a feed was written, or None while it has none."""
    row = store.row("SELECT max(effective) AS effective FROM posts WHERE feed_id = ?", (feed_id,))
    return text_to_time(row["effective"]) if row else None


def save_fetched(
    store: Store,
    state: FeedState,
    fetched: Fetched,
    feed: ParsedFeed,
    change: FeedChange,
    body_hash: str,
    next_poll_at: datetime,
    now: datetime,
) -> None:
    """Stores what a 200 answer brought together with the validators that stand for it, in one transaction: a crash
    leaves both or neither. Validators are overwritten also with nothing, and dropped for a malformed document, whose
    missing part must be asked for again (research on aggregators, b.1)."""
    with store.write():
        posts.save(store, state.feed_id, change, now)
        store.db.conn.execute(
            """UPDATE feeds SET title = coalesce(nullif(:title, ''), title), site_url = coalesce(nullif(:site_url, ''),
            site_url), language = :language, etag = :etag, last_modified = :last_modified, body_hash = :body_hash,
            malformed = :malformed, http = :http, polled_at = :now, next_poll_at = :next_poll_at,
            retry_after = NULL, failures = 0, failure_kind = NULL, failure_message = NULL,
            first_batch_id = coalesce(first_batch_id, (SELECT coalesce(max(id), 0) FROM posts)) WHERE id = :id""",
            {
                "title": feed.title,
                "site_url": feed.site_url,
                "language": feed.language,
                "etag": None if feed.malformed else fetched.etag,
                "last_modified": None if feed.malformed else fetched.last_modified,
                "body_hash": body_hash,
                "malformed": feed.malformed,
                "http": fetched.http,
                "now": time_to_text(now),
                "next_poll_at": time_to_text(next_poll_at),
                "id": state.feed_id,
            },
        )


def save_unchanged(
    store: Store, state: FeedState, answer: Unchanged | Fetched, next_poll_at: datetime, now: datetime
) -> None:
    """Records that there was nothing new. A 304 refreshes only the validators it carries; a 200 with the bytes of last
    time replaces both, unless that document is malformed."""
    etag, last_modified = answer.etag, answer.last_modified
    if isinstance(answer, Unchanged):
        etag, last_modified = etag or state.etag, last_modified or state.last_modified
    elif state.malformed:
        etag = last_modified = None
    with store.write():
        store.db.conn.execute(
            """UPDATE feeds SET etag = ?, last_modified = ?, http = ?, polled_at = ?, next_poll_at = ?,
            retry_after = NULL, failures = 0, failure_kind = NULL, failure_message = NULL WHERE id = ?""",
            (etag, last_modified, answer.http, time_to_text(now), time_to_text(next_poll_at), state.feed_id),
        )


def save_failure(store: Store, state: FeedState, failure: Failed, next_poll_at: datetime, now: datetime) -> None:
    """Records a failed poll; posts and validators stay as they are."""
    retry_after = None if failure.retry_after is None else now + failure.retry_after
    with store.write():
        store.db.conn.execute(
            """UPDATE feeds SET http = ?, polled_at = ?, next_poll_at = ?, retry_after = ?, failures = failures + 1,
            failure_kind = ?, failure_message = ? WHERE id = ?""",
            (
                failure.http,
                time_to_text(now),
                time_to_text(next_poll_at),
                time_to_text(retry_after),
                failure.kind,
                failure.message,
                state.feed_id,
            ),
        )


def _sync_source(store: Store, source: Source, configured: set[str], now: datetime) -> None:
    connection = store.db.conn
    if store.row("SELECT 1 FROM feeds WHERE url = ?", (source.url,)):
        connection.execute("UPDATE feeds SET name = ? WHERE url = ?", (source.name, source.url))
        return
    former = store.rows("SELECT id, url FROM feeds WHERE name = ? ORDER BY id", (source.name,))
    moved = [row["id"] for row in former if row["url"] not in configured]
    if moved:
        connection.execute(
            """UPDATE feeds SET url = ?, etag = NULL, last_modified = NULL, body_hash = NULL, next_poll_at = NULL,
            retry_after = NULL, failures = 0 WHERE id = ?""",
            (source.url, moved[-1]),
        )
        return
    connection.execute(
        "INSERT INTO feeds (name, url, added_at) VALUES (?, ?, ?)", (source.name, source.url, time_to_text(now))
    )


def _free_names(store: Store, sources: Sequence[Source]) -> None:
    """Takes the names of `sources` from feeds that had them before, so that a name never shows two blogs' posts. What
    is not configured any more and lost its name that way goes by its URL."""
    configured = {source.name: source.url for source in sources}
    for row in store.rows("SELECT id, name, url FROM feeds"):
        if configured.get(row["name"], row["url"]) != row["url"]:
            store.db.conn.execute("UPDATE feeds SET name = url WHERE id = ?", (row["id"],))


def _state(row: sqlite3.Row, source: Source) -> FeedState:
    return FeedState(
        feed_id=row["id"],
        source=source,
        etag=row["etag"],
        last_modified=row["last_modified"],
        body_hash=row["body_hash"],
        malformed=bool(row["malformed"]),
        next_poll_at=text_to_time(row["next_poll_at"]),
        retry_after=text_to_time(row["retry_after"]),
        failures=row["failures"],
        title=row["title"],
        site_url=row["site_url"],
    )
