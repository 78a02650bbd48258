"""Values of the poll pipe, in the order they pass through it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from tidings.model.configured import Source
from tidings.records import dataclass


@dataclass(frozen=True, slots=True)
class Validators:
    """What makes the next request conditional: opaque strings kept verbatim, and the URL whose answer they came with,
    the only one they may be sent to."""

    url: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a feed document says of when it wants to be read: the longer of `ttl` and `sy:*`, and the hours (0 to 23)
    and weekdays (Monday is 0), in UTC, in which nobody need come (RSS 2.0 skipHours, skipDays)."""

    ttl: timedelta | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How a source publishes: the usual gap between its last posts, as far as there are any, and its newest post's
    arrival. Both by when we first saw the posts; by their dates for what was there when the source was added."""

    gap: timedelta | None = None
    latest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A permanent redirect as it was met so far: its target, the first meeting, and how many there were. `same_feed`
    says that at the first meeting the target had our feed: later, what it has is ours by having been followed."""

    url: str
    since: datetime
    sightings: int
    same_feed: bool


@dataclass(frozen=True, slots=True)
class FeedState:
    """What the store knows of fetching one source's feed; the memory a poll starts from.

    `request_identity` stands for what was asked beside the URL when the validators and `body_hash` came. `polled_at`
    is when a request last went out, whatever became of it; `read_at` when a whole document last came.

    Three moments say when to come again: `next_poll_at` when we mean to, `not_before` when the server and the document
    allow it, `retry_after` before which the server asked for no request at all. `freshness` is how long the server
    said its last answer stays good.

    `http` and `failure` are what the last poll came to, `failures` counts those that failed in a row since
    `failing_since`. `adopted_url` is where a permanent redirect was proved to lead, last made sure of at `adopted_at`:
    requests go there while the operator's URL stays in the file.

    `volatility` is how much its posts change from one fetch to the next in nothing that is read (posts/edits.py).
    Since `held_since` it has had posts that are held, and has not turned back to its former ones (posts/brake.py).
    `own` says that it is the combined feed which is published here: what it has came from the other sources.
    """

    feed_id: int
    source: Source
    validators: Validators | None = None
    body_hash: str | None = None
    request_identity: str = ""
    malformed: bool = False
    polled_at: datetime | None = None
    read_at: datetime | None = None
    next_poll_at: datetime | None = None
    not_before: datetime | None = None
    retry_after: datetime | None = None
    freshness: timedelta | None = None
    wishes: Wishes = Wishes()
    rhythm: Rhythm = Rhythm()
    http: int | None = None
    failure: Failed | None = None
    failures: int = 0
    failing_since: datetime | None = None
    move: Move | None = None
    adopted_url: str | None = None
    adopted_at: datetime | None = None
    title: str = ""
    site_url: str = ""
    language: str = ""
    volatility: float = 0.0
    held_since: datetime | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class HostState:
    """What is remembered of a server that one or more sources share: when it was last asked, until when it wants no
    request from us, and how many times in a row it said so."""

    host: str
    asked_at: datetime | None = None
    rest_until: datetime | None = None
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and password for HTTP basic authentication (RFC 7617)."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One conditional GET to make. The validators go exactly as they came, and only to their own URL; `headers` and
    `login` go to the origin (scheme, host and port) of `home` only, which is `url` unless given: the URL that the
    operator wrote them for."""

    feed_id: int
    url: str
    validators: Validators | None = None
    user_agent: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    login: Login | None = None
    home: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """One answer on the way of a request: `url` answered `status`. The last hop of a way is the final answer. `rest` is
    how long a redirect's server wants no further request; the final answer's is in the outcome."""

    url: str
    status: int
    rest: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A 200 or 226 answer: `url` is the final one after redirects, `body` the decoded bytes. `freshness` is what the
    server stated in Cache-Control or Expires, if any; `host_rest` how long it wants no further request from any of us
    (rate headers). `hops` are all answers, redirects first."""

    url: str
    http: int
    body: bytes
    content_type: str = ""
    etag: str | None = None
    last_modified: str | None = None
    freshness: timedelta | None = None
    host_rest: timedelta | None = None
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A 304 answer. A validator is None where the header was absent: the stored one then stays."""

    url: str
    http: int = 304
    etag: str | None = None
    last_modified: str | None = None
    freshness: timedelta | None = None
    host_rest: timedelta | None = None
    hops: tuple[Hop, ...] = ()


FailureKind = Literal[
    "offline",
    "dns",
    "tls",
    "connect",
    "timeout",
    "http",
    "unauthorized",
    "refused",
    "not-found",
    "client-error",
    "server-error",
    "gone",
    "rate-limited",
    "challenge",
    "not-a-feed",
    "too-large",
    "parse",
    "forbidden-address",
    "redirect",
    "redirect-loop",
]
"""What went wrong. `offline` is our own machine, its network above all; `http` an answer that makes no sense as HTTP,
or is cut short; `unauthorized` 401, 402 and 407; `refused` 403 and 451; `not-found` 404; `gone` 410; `rate-limited`
429, and 503 with Retry-After; `challenge` a page that wants a browser and a human."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An expected failure of one source, worded for the operator. `retry_after` is what the server asked for, and
    `host_rest` how long it wants no further request from any of us."""

    kind: FailureKind
    message: str
    http: int | None = None
    retry_after: timedelta | None = None
    host_rest: timedelta | None = None
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class Postponed:
    """A request not made, or not followed to its end, because `host` wants no request for now: nobody's failure.
    `wait` is how long, when that is known."""

    host: str
    wait: timedelta | None = None


Outcome = Fetched | Unchanged | Failed | Postponed
"""What a request came to."""


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes to parse, with what their transport said about them. `limit` bounds what a body that turns out to be
    compressed once more may unpack to, in bytes."""

    url: str
    body: bytes
    content_type: str = ""
    limit: int = 15_000_000


@dataclass(frozen=True, slots=True)
class PollRow:
    """What one source's poll came to, for the report. `note` says why it was skipped; `moved_to` is the URL that is
    asked in place of the source's own, which the operator may now write in the file; `malformed` says that the document
    may be cut short, as in ParsedFeed."""

    name: str
    url: str
    status: Literal["ok", "unchanged", "failed", "skipped"]
    http: int | None = None
    new: int = 0
    updated: int = 0
    failure: Failed | None = None
    next_poll_at: datetime | None = None
    note: str = ""
    moved_to: str | None = None
    malformed: bool = False
