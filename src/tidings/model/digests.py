"""Values of the digest and publish pipes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from tidings.model.configured import Grouping
from tidings.model.posts import Enclosure
from tidings.records import dataclass


@dataclass(frozen=True, slots=True)
class StoredPost:
    """A post as stored, with what it needs of its source. `dated` is when its author says it was written: published,
    or, for feeds that never say, what `updated` was when it was first seen; later edits do not move it. `changed_at` is
    when its last edit was seen. `owns_guid`: no post stored before it, in whatever source, has the same guid.
    `excluded` is the rule that keeps it from being shown, or "". `originality` is as in posts/placing.py: of a story's
    posts the one with the highest represents it. `held` says whether the brake holds it, or the operator put it
    away. `rights` are its own, as in About, "" where its source's hold."""

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
    excluded: str = ""
    originality: int = 1
    held: Literal["", "held", "put-away"] = ""
    rights: str = ""

    @property
    def effective(self) -> datetime:
        """What it is sorted and shown by: never later than first seen, so a date in the future does not stay on top."""
        return self.first_seen if self.dated is None else min(self.dated, self.first_seen)


@dataclass(frozen=True, slots=True)
class EditedPost:
    """A post that an issue of an edition carried, and that was edited since. `former_title` and `former_text` are what
    the issue had; the text is None where that is not known any more."""

    post: StoredPost
    former_title: str
    former_text: str | None


@dataclass(frozen=True, slots=True)
class AlsoIn:
    """Another source that carries the same story."""

    source: str
    url: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a post. `width` and `height` are in pixels, None where the post does not say; `alt` says what it
    shows, "" when nobody said."""

    url: str
    width: int | None = None
    height: int | None = None
    alt: str = ""


@dataclass(frozen=True, slots=True)
class IssueItem:
    """One story in an issue, frozen. `html` is clean and cut to what the issue shows; `text` is the same as plain
    paragraphs; `whole` says that nothing was left out. `direction` is "ltr" or "rtl". `picture` is one to show above
    the text, which has none itself. `minutes` is how long the whole post takes to read, 0 for less than one or where
    that is not known. `group` is the tag, source or day (ISO 8601) it stands under, "" for none."""

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
    picture: Picture | None = None
    minutes: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class MoreItem:
    """A story that an issue only names, frozen: the mail says how many there are, the web issue lists them. `text` is
    the beginning of one without a title."""

    story: int
    post_id: int
    url: str
    title: str
    text: str
    source: str
    language: str
    direction: Literal["ltr", "rtl"]


@dataclass(frozen=True, slots=True)
class UpdateItem:
    """A post of an earlier issue that was edited since, frozen. `text` is the beginning of one without a title.

    What changed, as far as it is known: `former_title` is the headline it had, "" where that is the same; `words_added`
    are how many words it has more, or fewer; `quote` is where the new words begin. `direction` is "ltr" or "rtl".
    """

    post_id: int
    url: str
    title: str
    text: str
    source: str
    language: str
    direction: Literal["ltr", "rtl"]
    changed_at: datetime | None
    former_title: str = ""
    words_added: int = 0
    quote: str = ""


@dataclass(frozen=True, slots=True)
class IssueContent:
    """One digest of an edition, chosen and frozen. Mail, web page and archive are all rendered from this value.

    `language` is that of the chrome, not of the posts; dates are shown in `timezone`. `items` stand in the order in
    which they are shown, the posts of a group together; with `lead` the first is the lead story and in no group.
    `more` are named only, and `waiting` is how many stories come in the next issue. `subject` is in `language`; other
    languages are made of `subject_template`, "" for the usual one. With `text_only` its mails have no HTML.
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
    updates: tuple[UpdateItem, ...] = ()
    more: tuple[MoreItem, ...] = ()
    waiting: int = 0
    group_by: Grouping = ""
    lead: bool = False
    look: str = "letter"
    subject_template: str = ""
    text_only: bool = False

    @property
    def name(self) -> str:
        """What commands call the issue: "weekly-12"."""
        return f"{self.edition}-{self.number}"

    @property
    def path(self) -> str:
        """Where the issue is on the web, below the site's address."""
        return f"issues/{self.name}.html"


@dataclass(frozen=True, slots=True)
class ListedIssue:
    """An issue as lists have it, without its content; `mark` is a digest of that."""

    id: int
    edition: str
    edition_title: str
    number: int
    frozen_at: datetime
    timezone: str
    language: str
    mark: str

    @property
    def path(self) -> str:
        """Where the issue is on the web, as in IssueContent."""
        return f"issues/{self.edition}-{self.number}.html"


DeliveryState = Literal[
    "pending", "leased", "inflight", "accepted", "deferred", "rejected", "uncertain", "suppressed", "expired"
]
"""How far a delivery came; store/deliveries.py has what leads where."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One issue to one subscriber, in a `language` ("" for the edition's). `in_doubt` says that the outcome of an
    earlier try is not known: its message may have come already. `reader` is the subscriber's public id, where links
    need it; `since` is when it was made, if that was later than its issue.
    """

    id: int
    issue_id: int
    address: str
    message_id: str
    attempts: int = 0
    in_doubt: bool = False
    language: str = ""
    reader: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one message, and in whose words.

    accepted, deferred (later), rejected (never, this reader), uncertain (handed over, and the answer never came) and
    suppressed (its reader does not want it any more) are states of its delivery. The others say that it did not go
    out, and nothing of its reader: the server (throttled) or the reader's domain (crowded) wants less at a time, the
    server is not there (gone), it does not take the message as such (refused), or we called it back (withdrawn).
    `refused_at` is where in the talk with a server the reader was rejected, "" where no server said so.
    """

    state: Literal[
        "accepted",
        "deferred",
        "rejected",
        "uncertain",
        "suppressed",
        "throttled",
        "crowded",
        "gone",
        "refused",
        "withdrawn",
    ]
    reply: str
    refused_at: Literal["", "rcpt", "text"] = ""
