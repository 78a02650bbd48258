"""Feeds: what is due, and what a poll left behind."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from tidings.model import (
    About,
    Edition,
    Etiquette,
    Failed,
    FeedChange,
    FeedState,
    Move,
    Rhythm,
    Source,
    Validators,
    Wishes,
)
from tidings.store import abouts, file_readers, items, posts, slots
from tidings.store.database import (
    Store,
    seconds_to_span,
    span_to_seconds,
    stored_time,
    text_to_time,
    time_to_text,
)


def sync(
    store: Store, sources: Sequence[Source], editions: Sequence[Edition], now: datetime, content: Etiquette = "full"
) -> None:
    """Brings the tables in line with the configuration; nothing is ever deleted.

    A source whose URL the operator changed keeps its row by its name, so its posts do not come again; its validators
    are dropped, because they belong to the old URL. A name that went to another feed is that one's alone. A source is
    noted as joining each edition that covers it: what the edition takes of the time before is its backfill. Of an
    edition whose schedule or zone has changed, the slots before `now` are not due any more. Its readers are mirrored
    (store/file_readers.py). What holds of publishing each source is kept for when it has left the file; of one that
    says nothing else, `content` is shown.
    """
    file_readers.sync(store, editions, now)
    if _is_in_line(store, sources, editions, now, content):
        return
    with store.write():
        directory = _Directory(store.rows("SELECT id, name, url, adopted_url, move_url FROM feeds ORDER BY id"))
        configured = {source.url for source in sources}
        for source in sources:
            if source.url not in directory.ids:
                _take_in(store, source, directory, configured, now)
        _name(store, sources)
        _note_showing(store, sources, content)
        slots.note(store, editions, now)
        store.conn.executemany(
            """INSERT OR IGNORE INTO edition_sources (edition, feed_id, after_id)
            VALUES (?, (SELECT id FROM feeds WHERE url = ?), (SELECT coalesce(max(id), 0) FROM posts))""",
            [(edition.name, source.url) for edition in editions for source in sources if edition.covers(source)],
        )


def states(store: Store, sources: Iterable[Source]) -> list[FeedState]:
    """What is known of each source's feed, in the order of the configuration. Call `sync` first: a source that it has
    not met is left out, as is one whose URL another process has changed since, with a newer configuration."""
    rows = {row["url"]: row for row in store.rows("SELECT * FROM feeds")}
    return [_state(rows[source.url], source) for source in sources if source.url in rows]


def former(store: Store, sources: Iterable[Source], presumed: Callable[[str], bool]) -> list[Source]:
    """The feeds that were followed once and are none of `sources`, as what they last were. Of one that left the file
    before that was noted (store/tables_of_planet.py), `presumed` says by its URL whether it is published."""
    current = {source.url for source in sources}
    rows = store.rows("SELECT url, name, publish, content FROM feeds ORDER BY id")
    return [
        Source(
            row["url"],
            row["name"],
            publish=presumed(row["url"]) if row["publish"] is None else bool(row["publish"]),
            content=row["content"],
        )
        for row in rows
        if row["url"] not in current
    ]


def names(store: Store) -> dict[str, str]:
    """The name of each source that was ever followed, by its URL; the first to come first."""
    return {row["url"]: row["name"] for row in store.rows("SELECT url, name FROM feeds ORDER BY id")}


def follows(store: Store, sources: Iterable[Source]) -> bool:
    """Whether each source is known under its name; else another process has followed a newer configuration."""
    known = names(store)
    return all(known.get(source.url) == source.name for source in sources)


def own_names(store: Store) -> frozenset[str]:
    """The names of the sources whose documents turned out to be the combined feed that is published here. Pages, feeds
    and digests leave them out: their posts are other sources'."""
    return frozenset(row["name"] for row in store.rows("SELECT name FROM feeds WHERE own"))


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
        store.conn.execute(
            "UPDATE feeds SET polled_at = ?, next_poll_at = ? WHERE id = ?",
            (time_to_text(now), time_to_text(next_poll_at), feed_id),
        )


def save_read(
    store: Store, after: FeedState, change: FeedChange, now: datetime, memory: bytes = b"", about: About | None = None
) -> None:
    """Stores what a whole document brought together with the validators that stand for it, in one transaction: a crash
    leaves both or neither. `memory` is what the next reading wants to be given, `about` what it says of itself."""
    with store.write():
        posts.save(store, after.feed_id, change, now)
        if about is not None:
            abouts.keep(store, after.feed_id, about)
        items.save(store, after.feed_id, memory)
        _save(store, after)
        store.conn.execute(
            """UPDATE feeds SET first_batch_id = (SELECT coalesce(max(id), 0) FROM posts)
            WHERE id = ? AND first_batch_id IS NULL""",
            (after.feed_id,),
        )


def save_polled(store: Store, after: FeedState) -> None:
    """Records a poll that brought no document to store: an unchanged one, or a failure. Nothing is lost with it."""
    with store.note():
        _save(store, after)


class _Directory:
    """The feeds in the database when a configuration is brought in line with it, by what they may be found under. Of
    several the one that came last."""

    def __init__(self, rows: Sequence[sqlite3.Row]) -> None:
        self.ids = {row["url"]: row["id"] for row in rows}
        self._urls = {row["id"]: row["url"] for row in rows}
        self._by_name: dict[str, list[int]] = {}
        self._by_target: dict[str, list[int]] = {}
        for row in rows:
            self._by_name.setdefault(row["name"], []).append(row["id"])
            if target := row["adopted_url"] or row["move_url"]:
                self._by_target.setdefault(target, []).append(row["id"])

    def followed(self, source: Source, configured: set[str]) -> int | None:
        """The feed whose move the operator followed, if `source` is where it led."""
        return self._last(self._by_target.get(source.url, ()), configured)

    def renamed(self, source: Source, configured: set[str]) -> int | None:
        """The feed that had the name of `source`, if its own URL is not in the file any more."""
        return self._last(self._by_name.get(source.name, ()), configured)

    def move(self, feed_id: int, url: str) -> None:
        del self.ids[self._urls[feed_id]]
        self._urls[feed_id] = url
        self.ids[url] = feed_id

    def _last(self, ids: Iterable[int], configured: set[str]) -> int | None:
        return max((feed_id for feed_id in ids if self._urls[feed_id] not in configured), default=None)


def _is_in_line(
    store: Store, sources: Sequence[Source], editions: Sequence[Edition], now: datetime, content: Etiquette
) -> bool:
    """Whether there is nothing to do, as at most starts: then no other process has to wait for it."""
    feeds = {row["url"]: row for row in store.rows("SELECT id, name, url, publish, content FROM feeds")}
    names = {source.url: source.name for source in sources}
    if any(url not in feeds or feeds[url]["name"] != name for url, name in names.items()):
        return False
    if any(
        (feeds[one.url]["publish"], feeds[one.url]["content"]) != (one.publish, one.content or content)
        for one in sources
    ):
        return False
    taken = set(names.values())
    if any(row["name"] in taken for url, row in feeds.items() if url not in names):
        return False
    if not slots.are_noted(store, editions, now):
        return False
    joined = {(row["edition"], row["feed_id"]) for row in store.rows("SELECT edition, feed_id FROM edition_sources")}
    return all(
        (edition.name, feeds[source.url]["id"]) in joined
        for edition in editions
        for source in sources
        if edition.covers(source)
    )


def _take_in(store: Store, source: Source, directory: _Directory, configured: set[str], now: datetime) -> None:
    """Gives a URL that is new in the file its row: that of a feed which moved there, or which had its name, or none."""
    connection = store.conn
    # The operator followed a redirect we reported: the same document, validators and all.
    if (feed_id := directory.followed(source, configured)) is not None:
        connection.execute(
            "UPDATE feeds SET url = ?, move_url = NULL, adopted_url = NULL, failures = 0 WHERE id = ?",
            (source.url, feed_id),
        )
        directory.move(feed_id, source.url)
    elif (feed_id := directory.renamed(source, configured)) is not None:
        connection.execute(
            """UPDATE feeds SET url = ?, etag = NULL, last_modified = NULL, body_hash = NULL, next_poll_at = NULL,
            retry_after = NULL, failures = 0, move_url = NULL, adopted_url = NULL WHERE id = ?""",
            (source.url, feed_id),
        )
        directory.move(feed_id, source.url)
    else:
        connection.execute(
            "INSERT INTO feeds (name, url, added_at) VALUES (?, ?, ?)", (source.name, source.url, time_to_text(now))
        )


def _name(store: Store, sources: Sequence[Source]) -> None:
    """Gives each source its name, and takes it from feeds that had it before, so that a name never shows two blogs'
    posts. What is not configured any more and lost its name that way goes by its URL."""
    names = {source.url: source.name for source in sources}
    taken = set(names.values())
    for row in store.rows("SELECT id, name, url FROM feeds"):
        name = names.get(row["url"]) or (row["url"] if row["name"] in taken else row["name"])
        if name != row["name"]:
            store.conn.execute("UPDATE feeds SET name = ? WHERE id = ?", (name, row["id"]))


def _note_showing(store: Store, sources: Sequence[Source], content: Etiquette) -> None:
    store.conn.executemany(
        "UPDATE feeds SET publish = ?, content = ? WHERE url = ?",
        [(source.publish, source.content or content, source.url) for source in sources],
    )


def _save(store: Store, after: FeedState) -> None:
    """Writes what is known after a poll, unless the operator has given the source another URL meanwhile: then it was
    learned of the old one."""
    failure, move = after.failure, after.move
    validators = after.validators or Validators("")
    store.conn.execute(
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
            "volatility": after.volatility,
            "held_since": time_to_text(after.held_since),
            "own": after.own,
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
        volatility=row["volatility"],
        held_since=text_to_time(row["held_since"]),
        own=bool(row["own"]),
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
move_same_feed adopted_url adopted_at volatility held_since own""".split()
_SAVE = f"UPDATE feeds SET {', '.join(f'{column} = :{column}' for column in _SAVED)} WHERE id = :id AND url = :url"
