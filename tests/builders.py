"""Values of the model with defaults, so that a test says only what it is about.

Nothing here depends on a clock: the moment everything happens at is `NOW`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tidings.model import (
    Edition,
    FeedState,
    ParsedFeed,
    ParsedPost,
    Schedule,
    Source,
    StoredPost,
)

NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
ALL_DAYS = frozenset(range(1, 32))
ALL_MONTHS = frozenset(range(1, 13))
ALL_WEEKDAYS = frozenset(range(7))


def parsed_post(position: int = 0, /, **values: Any) -> ParsedPost:
    """An item of a feed; without any values it shows nothing."""
    return ParsedPost(position=position, **values)


def parsed_feed(*posts: ParsedPost, **values: Any) -> ParsedFeed:
    """A document with `posts`, numbered by their place in it."""
    numbered = tuple(replace(post, position=position) for position, post in enumerate(posts))
    return ParsedFeed(
        **{"format": "rss20", "title": "A blog", "site_url": "https://blog.example/"} | values, posts=numbered
    )


def stored_post(id: int = 1, **values: Any) -> StoredPost:
    """A stored post, a story of its own unless `story` says otherwise; a later id was seen later."""
    source = values.get("source", "blog")
    defaults: dict[str, Any] = {
        "feed_id": 1,
        "story": id,
        "source": source,
        "source_title": f"The {source}",
        "source_url": f"https://{source}.example/",
        "feed_url": f"https://{source}.example/feed",
        "guid": f"guid-{id}",
        "url": f"https://{source}.example/{id}",
        "title": f"Post {id}",
        "author": "",
        "published": NOW - timedelta(days=1) + timedelta(minutes=id),
        "updated": None,
        "first_seen": NOW - timedelta(hours=1) + timedelta(seconds=id),
        "tags": (),
        "summary": "",
        "content_html": f"<p>Text {id}</p>",
        "text": f"Text {id}",
        "language": "en",
    }
    values.setdefault("dated", values.get("published", defaults["published"]))
    return StoredPost(id=id, **defaults | values)


def schedule(**values: Any) -> Schedule:
    """Daily at 08:00, unless told otherwise; sets may be given as any iterable of numbers."""
    sets: dict[str, Any] = {
        "minutes": {0},
        "hours": {8},
        "days": ALL_DAYS,
        "months": ALL_MONTHS,
        "weekdays": ALL_WEEKDAYS,
    }
    for name in sets:
        sets[name] = frozenset(values.pop(name, sets[name]))
    return Schedule(text=values.pop("text", "test"), **sets, **values)


def edition(**values: Any) -> Edition:
    """A daily digest of everything."""
    defaults: dict[str, Any] = {
        "name": "daily",
        "title": "The daily",
        "schedule": schedule(),
        "timezone": "Europe/Berlin",
    }
    return Edition(**defaults | values)


def source(**values: Any) -> Source:
    return Source(**{"url": "https://blog.example/feed", "name": "blog"} | values)


def feed_state(feed_id: int = 1, **values: Any) -> FeedState:
    return FeedState(feed_id=feed_id, source=values.pop("source", source()), **values)
