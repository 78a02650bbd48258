"""Stocks a real database through the store's own functions, the way a poll does."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.builders import edition, source
from tidings.joining import placed
from tidings.model import (
    Edition,
    Failed,
    FeedChange,
    FeedState,
    Fetched,
    Hop,
    ParsedFeed,
    PostToSave,
    Source,
    StoredPost,
    Unchanged,
)
from tidings.sources import memory
from tidings.sources.cadence import Limits
from tidings.store import Store, feeds, posts
from tidings.store.posts import PostQuery

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LIMITS = Limits(timedelta(minutes=30), timedelta(hours=24))


def post(number: int | str, **values: Any) -> PostToSave:
    """A new post; everything in it follows from its number unless told otherwise. It has no `story_url`."""
    defaults: dict[str, Any] = {
        "post_id": None,
        "keys": (f"guid:{number}",),
        "content_hash": f"hash-{number}",
        "story_url": "",
        "guid": f"guid-{number}",
        "url": values.get("story_url") or f"https://blog.example/{number}",
        "title": f"Post {number}",
        "author": "",
        "published": None,
        "updated": None,
        "tags": (),
        "summary": "",
        "content_html": f"<p>Text {number}</p>",
        "text": f"Text {number}",
        "language": "en",
        "enclosures": (),
        "origin_title": "",
        "origin_url": "",
    }
    return PostToSave(**defaults | values)


def blog(name: str, **values: Any) -> Source:
    return source(name=name, url=f"https://{name}.example/feed", **values)


def configure(store: Store, *sources: Source, editions: Sequence[Edition] = (), now: datetime = START) -> None:
    """What a command does first: brings the tables in line with these sources and editions."""
    feeds.sync(store, sources, editions or [edition()], now)


def state_of(store: Store, one: Source) -> FeedState:
    return feeds.states(store, [one])[0]


def receive(
    store: Store, one: Source, *new: PostToSave, now: datetime = START, called: str = "", **answer: Any
) -> None:
    """A poll of one source that brought `new`, whose feed is `called` something; `answer` are the validators that came
    with it."""
    fetched = Fetched(one.url, 200, b"", hops=(Hop(one.url, 200),), **answer)
    feed = ParsedFeed("rss20", called or f"The {one.name}", f"https://{one.name}.example/")
    read(store, one, fetched, feed, FeedChange(new=new), now)


def read(
    store: Store, one: Source, fetched: Fetched, feed: ParsedFeed, change: FeedChange, now: datetime = START
) -> None:
    """A poll of one source that came to reading a document."""
    state = state_of(store, one)
    after = memory.after_read(state, one.url, fetched, feed, "hash", state.rhythm, True, LIMITS, now)
    feeds.save_read(store, after, placed(store, state.feed_id, f"{one.name}.example", change, now), now)


def unchanged(store: Store, one: Source, answer: Unchanged | Fetched, now: datetime = START) -> None:
    """A poll of one source that brought nothing new."""
    feeds.save_polled(store, memory.after_unchanged(state_of(store, one), one.url, answer, LIMITS, now))


def fail(store: Store, one: Source, failure: Failed, now: datetime = START) -> None:
    """A poll of one source that failed."""
    feeds.save_polled(store, memory.after_failed(state_of(store, one), one.url, failure, None, LIMITS, now))


def edit(store: Store, one: Source, stored: StoredPost, now: datetime = START, **values: Any) -> None:
    """A poll that brought a changed text of a post already stored."""
    changed = post(stored.guid.removeprefix("guid-"), post_id=stored.id, content_hash="edited", **values)
    posts.save(store, state_of(store, one).feed_id, FeedChange(changed=(changed,)), now)


def titles(store: Store, **query: Any) -> list[str]:
    """The titles that a query finds, in alphabetical order."""
    return sorted(
        found.title for found in posts.find(store, PostQuery(limit=100_000) if not query else PostQuery(**query))
    )


def only(store: Store, **query: Any) -> StoredPost:
    """The one post that a query finds."""
    [found] = posts.find(store, PostQuery(**query))
    return found


def scalar(store: Store, sql: str) -> Any:
    """The one value of a statement, read by another connection: what is really on disk."""
    connection = sqlite3.connect(store.path)
    try:
        return connection.execute(sql).fetchone()[0]
    finally:
        connection.close()
