"""The values that pass between rooms, named for their place in the pipes. Frozen; no I/O, no clock.

    poll     Source → FetchRequest → Fetched | Unchanged | Failed → Document → ParsedFeed → FeedChange
    digest   StoredPost → IssueContent → Delivery → Receipt
    publish  StoredPost, IssueContent → pages and feeds

All times are aware UTC datetimes; sizes are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Etiquette = Literal["full", "excerpt", "title"]
"""How much of a source's posts may be shown: the whole text, its leading paragraphs, or the headline alone."""


@dataclass(frozen=True, slots=True)
class Source:
    """A blog as the operator configured it. `name` is unique and is what commands and reports call it."""

    url: str
    name: str
    tags: tuple[str, ...] = ()
    every: timedelta | None = None
    max_posts: int | None = None
    content: Etiquette | None = None
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """When an edition's issues are due, in the edition's local time: the sets of a five-field cron line.

    `weekdays` counts Monday as 0. `either_day` is cron's rule when both a day of the month and a weekday are given:
    one of them matching is enough. `clamp` makes a day past the end of a month mean its last day ("monthly 31").
    `text` is what the operator wrote.
    """

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool = False
    clamp: bool = False


@dataclass(frozen=True, slots=True)
class Edition:
    """A digest as configured. `timezone` is an IANA name. An empty `tags` means all sources."""

    name: str
    title: str
    schedule: Schedule
    timezone: str
    tags: tuple[str, ...] = ()
    max_posts: int = 50
    max_per_source: int | None = None
    min_posts: int = 1
    backfill: int = 3
    subscribers: tuple[str, ...] = ()

    def covers(self, source: Source) -> bool:
        """Whether the edition takes posts of a source: it has no tags, or one in common."""
        return not self.tags or not set(self.tags).isdisjoint(source.tags)


# ---------------------------------------------------------------------------------------------------------- poll


@dataclass(frozen=True, slots=True)
class FeedState:
    """What the store knows of fetching one source's feed; the memory a poll starts from.

    `etag` and `last_modified` are opaque strings, kept verbatim. `retry_after` is the moment before which the server
    asked not to be asked again. `failures` counts consecutive failed polls.
    """

    feed_id: int
    source: Source
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    malformed: bool = False
    next_poll_at: datetime | None = None
    retry_after: datetime | None = None
    failures: int = 0
    title: str = ""
    site_url: str = ""


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One conditional GET to make. The validators are sent exactly as they were received."""

    feed_id: int
    url: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A 200 answer: `url` is the final one after redirects, `body` the decoded bytes. `ttl` is the freshness the
    server stated in Cache-Control or Expires, if any."""

    url: str
    http: int
    body: bytes
    content_type: str = ""
    etag: str | None = None
    last_modified: str | None = None
    ttl: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A 304 answer. A validator is None where the header was absent: the stored one then stays."""

    http: int = 304
    etag: str | None = None
    last_modified: str | None = None
    ttl: timedelta | None = None


FailureKind = Literal[
    "dns",
    "tls",
    "connect",
    "timeout",
    "http",
    "gone",
    "rate-limited",
    "too-large",
    "forbidden-address",
    "redirect",
    "not-a-feed",
    "parse",
]


@dataclass(frozen=True, slots=True)
class Failed:
    """An expected failure of one source, worded for the operator. `retry_after` is what the server asked for."""

    kind: FailureKind
    message: str
    http: int | None = None
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes to parse, with what their transport said about them."""

    url: str
    body: bytes
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file attached to a post, as a podcast episode has. `length` is in bytes."""

    url: str
    type: str = ""
    length: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedPost:
    """One item of a feed as the document has it: mark-up not cleaned yet, `base` to resolve its links against.

    `url` is absolute or "". `position` counts from 0 in document order.
    """

    position: int
    guid: str = ""
    url: str = ""
    title: str = ""
    author: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    tags: tuple[str, ...] = ()
    summary_html: str = ""
    content_html: str = ""
    base: str = ""
    language: str = ""
    enclosures: tuple[Enclosure, ...] = ()
    origin_title: str = ""
    origin_url: str = ""


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed document, read. `malformed` says that it may be cut short: its validators must not be kept, or posts
    behind the cut would wait for the next change."""

    format: str
    title: str = ""
    site_url: str = ""
    language: str = ""
    malformed: bool = False
    ttl: timedelta | None = None
    posts: tuple[ParsedPost, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownPost:
    """What the store remembers of a post that a document may bring again."""

    post_id: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class PostToSave:
    """A post decided on: cleaned, with its keys. `post_id` is None for a new one, else the row it changes.

    `story_url` is the canonical URL under which other sources may carry the same story, or "" when it can't tell.
    """

    post_id: int | None
    keys: tuple[str, ...]
    content_hash: str
    story_url: str
    guid: str
    url: str
    title: str
    author: str
    published: datetime | None
    updated: datetime | None
    tags: tuple[str, ...]
    summary: str
    content_html: str
    text: str
    language: str
    enclosures: tuple[Enclosure, ...]
    origin_title: str
    origin_url: str


@dataclass(frozen=True, slots=True)
class FeedChange:
    """What one polled document changes, decided: posts to add in ingest order, posts to rewrite, keys to remember."""

    new: tuple[PostToSave, ...] = ()
    changed: tuple[PostToSave, ...] = ()
    aliases: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PollRow:
    """What one source's poll came to, for the report."""

    name: str
    url: str
    status: Literal["ok", "unchanged", "failed", "skipped"]
    http: int | None = None
    new: int = 0
    updated: int = 0
    failure: Failed | None = None
    next_poll_at: datetime | None = None


# ---------------------------------------------------------------------------------------------- digest and publish


@dataclass(frozen=True, slots=True)
class StoredPost:
    """A post as stored, with what it needs of its source. `dated` is when its author says it was written: published,
    or, for feeds that never say, what `updated` was when it was first seen; later edits do not move it. `changed_at` is
    when its last edit was seen. `owns_guid`: no post stored before it, in whatever source, has the same guid."""

    id: int
    feed_id: int
    story: int
    source: str
    source_title: str
    source_url: str
    feed_url: str
    guid: str
    url: str
    title: str
    author: str
    published: datetime | None
    updated: datetime | None
    dated: datetime | None
    first_seen: datetime
    tags: tuple[str, ...]
    summary: str
    content_html: str
    text: str
    language: str
    enclosures: tuple[Enclosure, ...] = ()
    origin_title: str = ""
    origin_url: str = ""
    changed_at: datetime | None = None
    owns_guid: bool = True

    @property
    def effective(self) -> datetime:
        """What it is sorted and shown by: never later than first seen, so a date in the future does not stay on top."""
        return self.first_seen if self.dated is None else min(self.dated, self.first_seen)


@dataclass(frozen=True, slots=True)
class AlsoIn:
    """Another source that carries the same story."""

    source: str
    url: str


@dataclass(frozen=True, slots=True)
class IssueItem:
    """One story in an issue, frozen. `html` is clean and cut to what the issue shows; `text` is the same as plain
    paragraphs; `whole` says that nothing was left out. `direction` is "ltr" or "rtl"."""

    story: int
    post_id: int
    url: str
    title: str
    source: str
    source_url: str
    author: str
    published: datetime | None
    language: str
    direction: Literal["ltr", "rtl"]
    html: str
    text: str
    whole: bool
    enclosures: tuple[Enclosure, ...] = ()
    also_in: tuple[AlsoIn, ...] = ()


@dataclass(frozen=True, slots=True)
class IssueContent:
    """One digest of an edition, chosen and frozen. Mail, web page and archive are all rendered from this value.

    `language` is that of the chrome, not of the posts; dates are shown in `timezone`.
    """

    edition: str
    edition_title: str
    number: int
    subject: str
    frozen_at: datetime
    timezone: str
    language: str
    site_title: str
    site_url: str
    items: tuple[IssueItem, ...]

    @property
    def path(self) -> str:
        """Where the issue is on the web, below the site's address."""
        return f"issues/{self.edition}-{self.number}.html"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One issue to one subscriber. `in_doubt` says that its message was in flight when a process died: it may have come
    already."""

    id: int
    issue_id: int
    address: str
    message_id: str
    attempts: int = 0
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one message: accepted, to be tried again later, refused for good, or not sent because its reader
    does not want it any more. A deferred one is `in_doubt` when it was handed over and the answer never came."""

    state: Literal["accepted", "deferred", "rejected", "suppressed"]
    reply: str
    in_doubt: bool = False
