"""Feeds: what is due, and what a poll left behind."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

from tidings.model import Edition, Failed, FeedChange, FeedState, Move, Rhythm, Source, Validators, Wishes
from tidings.store import items, posts
from tidings.store.database import (
    Store,
    seconds_to_span,
    span_to_seconds,
    stored_time,
    text_to_time,
    time_to_text,
)


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


def arrivals(store: Store, feed_id: int, count: int) -> list[datetime]:
    """When the last `count` posts of a feed arrived, newest first: when they were first seen, or, for the backlog that
    a new source brings, when they were written."""
    rows = store.rows(
        """SELECT iif(posts.id > coalesce(first_batch_id, posts.id), first_seen, effective) AS arrived
        FROM posts JOIN feeds ON feeds.id = feed_id WHERE feed_id = ? ORDER BY posts.id DESC LIMIT ?""",
        (feed_id, count),
    )
    return [stored_time(row["arrived"]) for row in rows]


def polled_since(store: Store, since: datetime) -> list[FeedState]:
    """The feeds asked since then, whoever has them configured, for what their last polls came to."""
    rows = store.rows("SELECT * FROM feeds WHERE polled_at >= ?", (time_to_text(since),))
    return [_state(row, Source(row["url"], row["name"])) for row in rows]


def note_attempt(store: Store, feed_id: int, next_poll_at: datetime, now: datetime) -> None:
    """Records that a request is about to go out, so that no restart sends it again."""
    with store.note():
        store.db.conn.execute(
            "UPDATE feeds SET polled_at = ?, next_poll_at = ? WHERE id = ?",
            (time_to_text(now), time_to_text(next_poll_at), feed_id),
        )


def save_read(store: Store, after: FeedState, change: FeedChange, now: datetime, memory: bytes = b"") -> None:
    """Stores what a whole document brought together with the validators that stand for it, in one transaction: a crash
    leaves both or neither. `memory` is what the next reading wants to be given."""
    with store.write():
        posts.save(store, after.feed_id, change, now)
        items.save(store, after.feed_id, memory)
        _save(store, after)
        store.db.conn.execute(
            """UPDATE feeds SET first_batch_id = (SELECT coalesce(max(id), 0) FROM posts)
            WHERE id = ? AND first_batch_id IS NULL""",
            (after.feed_id,),
        )


def save_polled(store: Store, after: FeedState) -> None:
    """Records a poll that brought no document to store: an unchanged one, or a failure. Nothing is lost with it."""
    with store.note():
        _save(store, after)


def _sync_source(store: Store, source: Source, configured: set[str], now: datetime) -> None:
    connection = store.db.conn
    if store.row("SELECT 1 FROM feeds WHERE url = ?", (source.url,)):
        connection.execute("UPDATE feeds SET name = ? WHERE url = ?", (source.name, source.url))
        return
    # The operator followed a redirect we reported: the same document, validators and all.
    former = store.rows(
        "SELECT id, url FROM feeds WHERE coalesce(adopted_url, move_url) = ? ORDER BY id", (source.url,)
    )
    followed = [row["id"] for row in former if row["url"] not in configured]
    if followed:
        connection.execute(
            """UPDATE feeds SET url = ?, name = ?, move_url = NULL, adopted_url = NULL, failures = 0 WHERE id = ?""",
            (source.url, source.name, followed[-1]),
        )
        return
    former = store.rows("SELECT id, url FROM feeds WHERE name = ? ORDER BY id", (source.name,))
    moved = [row["id"] for row in former if row["url"] not in configured]
    if moved:
        connection.execute(
            """UPDATE feeds SET url = ?, etag = NULL, last_modified = NULL, body_hash = NULL, next_poll_at = NULL,
            retry_after = NULL, failures = 0, move_url = NULL, adopted_url = NULL WHERE id = ?""",
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


def _save(store: Store, after: FeedState) -> None:
    """Writes what is known after a poll, unless the operator has given the source another URL meanwhile: then it was
    learned of the old one."""
    failure, move = after.failure, after.move
    validators = after.validators or Validators("")
    store.db.conn.execute(
        _SAVE,
        {
            "id": after.feed_id,
            "url": after.source.url,
            "title": after.title,
            "site_url": after.site_url,
            "language": after.language,
            "etag": validators.etag,
            "last_modified": validators.last_modified,
            "validators_url": validators.url or None,
            "body_hash": after.body_hash,
            "request_identity": after.request_identity,
            "malformed": after.malformed,
            "http": after.http,
            "polled_at": time_to_text(after.polled_at),
            "read_at": time_to_text(after.read_at),
            "next_poll_at": time_to_text(after.next_poll_at),
            "not_before": time_to_text(after.not_before),
            "retry_after": time_to_text(after.retry_after),
            "freshness": span_to_seconds(after.freshness),
            "ttl": span_to_seconds(after.wishes.ttl),
            "skip_hours": json.dumps(after.wishes.skip_hours),
            "skip_days": json.dumps(after.wishes.skip_days),
            "gap": span_to_seconds(after.rhythm.gap),
            "latest_at": time_to_text(after.rhythm.latest),
            "failures": after.failures,
            "failing_since": time_to_text(after.failing_since),
            "failure_kind": failure.kind if failure else None,
            "failure_message": failure.message if failure else None,
            "move_url": move.url if move else None,
            "move_since": time_to_text(move.since) if move else None,
            "move_sightings": move.sightings if move else 0,
            "move_same_feed": bool(move and move.same_feed),
            "adopted_url": after.adopted_url,
            "adopted_at": time_to_text(after.adopted_at),
        },
    )


def _state(row: sqlite3.Row, source: Source) -> FeedState:
    return FeedState(
        feed_id=row["id"],
        source=source,
        validators=_validators(row),
        body_hash=row["body_hash"],
        request_identity=row["request_identity"],
        malformed=bool(row["malformed"]),
        polled_at=text_to_time(row["polled_at"]),
        read_at=text_to_time(row["read_at"]),
        next_poll_at=text_to_time(row["next_poll_at"]),
        not_before=text_to_time(row["not_before"]),
        retry_after=text_to_time(row["retry_after"]),
        freshness=seconds_to_span(row["freshness"]),
        wishes=Wishes(
            seconds_to_span(row["ttl"]), tuple(json.loads(row["skip_hours"])), tuple(json.loads(row["skip_days"]))
        ),
        rhythm=Rhythm(seconds_to_span(row["gap"]), text_to_time(row["latest_at"])),
        http=row["http"],
        failure=Failed(row["failure_kind"], row["failure_message"], row["http"]) if row["failure_kind"] else None,
        failures=row["failures"],
        failing_since=text_to_time(row["failing_since"]),
        move=_move(row),
        adopted_url=row["adopted_url"],
        adopted_at=text_to_time(row["adopted_at"]),
        title=row["title"],
        site_url=row["site_url"],
        language=row["language"],
    )


def _validators(row: sqlite3.Row) -> Validators | None:
    if row["validators_url"] is None or (row["etag"] is None and row["last_modified"] is None):
        return None
    return Validators(row["validators_url"], row["etag"], row["last_modified"])


def _move(row: sqlite3.Row) -> Move | None:
    if row["move_url"] is None:
        return None
    since = stored_time(row["move_since"])
    return Move(row["move_url"], since, row["move_sightings"], bool(row["move_same_feed"]))


_SAVED = """title site_url language etag last_modified validators_url body_hash request_identity malformed http
polled_at read_at next_poll_at not_before retry_after freshness ttl skip_hours skip_days gap latest_at failures
failing_since failure_kind failure_message move_url move_since move_sightings
move_same_feed adopted_url adopted_at""".split()
_SAVE = f"UPDATE feeds SET {', '.join(f'{column} = :{column}' for column in _SAVED)} WHERE id = :id AND url = :url"
