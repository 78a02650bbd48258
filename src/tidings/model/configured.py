"""What the operator configured: sources and editions."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from tidings.records import dataclass

Etiquette = Literal["full", "excerpt", "title"]
"""How much of a source's posts may be shown: the whole text, its leading paragraphs, or the headline alone."""

COMBINED_FEED = "atom.xml"
"""The file of the combined feed, below the site's URL."""

FEED_FILES = (COMBINED_FEED, "rss.xml", "feed.json")
"""The files of a feed in its formats: Atom, RSS and JSON Feed."""

THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
"""The hosts that a password may be told to without encryption."""

Order = Literal["time", "weight", "coverage"]
"""What comes first in an issue: the newest, what heavier sources bring, or what more sources carry."""

Grouping = Literal["", "tag", "source", "day"]
"""What an issue's stories are put together by; "" for nothing."""

RuleField = Literal["title", "text", "author", "tag"]
"""The part of a post that a rule looks at."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a post is kept or left out by: `sought` is found in its `field`, as words or as a regular expression of RE2.
    `text` is what the operator wrote."""

    field: RuleField
    kind: Literal["words", "pattern"]
    sought: str
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A blog as the operator configured it. `name` is unique and is what commands and reports call it.

    `headers` are sent with its requests, in place of ours of the same name; `${NAME}` in a value stands for an
    environment variable, as `password_env` names one. A post is shown when one of `include` matches it (or there are
    none) and none of `exclude` does. `weight` is how much it counts in editions that go by it. Without `publish` its
    posts are in digests alone, never on pages or in feeds.
    """

    url: str
    name: str
    tags: tuple[str, ...] = ()
    every: timedelta | None = None
    max_posts: int | None = None
    content: Etiquette | None = None
    disabled: bool = False
    user_agent: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    username: str | None = None
    password_env: str | None = None
    include: tuple[Rule, ...] = ()
    exclude: tuple[Rule, ...] = ()
    weight: int = 1
    publish: bool = True


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
class Subscriber:
    """A reader as the operator lists one. `language` is that of the words around the posts, "" for the edition's."""

    address: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Edition:
    """A digest as configured. `timezone` is an IANA name, `language` that of the words around the posts.

    Which posts: those of sources with one of `tags` or a name in `sources` (both empty: all sources) that its rules
    let in, first seen at least `grace` ago. What is over `max_posts` or `max_per_source` waits for the next issue, or
    without `carry_over` is only named in this one. With `updates` issues also tell of posts edited since an earlier one
    carried them.

    How they are shown: in an `order`, in groups, with the first as `lead`; no more of a post than `content` and what
    its source says, an excerpt ending after `excerpt_length` characters. `look` names the templates; `subject` is a
    template, "" for the usual one.

    When: on its `schedule`, or later by `late_up_to` (None: up to half of the way to the next slot); an issue waits
    `review` between being frozen and being sent.

    To whom: its `subscribers`, and with `signup` whoever asks for it over the web.

    In an edition that is one reader's own (readers/personal.py), the reader has switched off sources with a name in
    `sources_off` or one of `tags_off`, and may want mails that are `text_only`.
    """

    name: str
    title: str
    schedule: Schedule
    timezone: str
    tags: tuple[str, ...] = ()
    max_posts: int = 50
    max_per_source: int | None = None
    min_posts: int = 1
    backfill: int = 3
    updates: bool = False
    subscribers: tuple[Subscriber, ...] = ()
    sources: tuple[str, ...] = ()
    include: tuple[Rule, ...] = ()
    exclude: tuple[Rule, ...] = ()
    carry_over: bool = True
    grace: timedelta = timedelta()
    late_up_to: timedelta | None = None
    review: timedelta = timedelta()
    order: Order = "time"
    group_by: Grouping = ""
    lead: bool = False
    content: Etiquette | None = None
    excerpt_length: int = 500
    look: str = "letter"
    language: str = "en"
    subject: str = ""
    signup: bool = False
    sources_off: tuple[str, ...] = ()
    tags_off: tuple[str, ...] = ()
    text_only: bool = False

    def covers(self, source: Source) -> bool:
        """Whether the edition takes posts of a source: it names none, or names it or one of its tags."""
        if not self.tags and not self.sources:
            return True
        return source.name in self.sources or not set(self.tags).isdisjoint(source.tags)

    def leaves_out(self, source: Source) -> bool:
        """Whether the reader whose own it is has switched off a source, by its name or by one of its tags."""
        return source.name in self.sources_off or not set(self.tags_off).isdisjoint(source.tags)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Whom its issues go to."""
        return tuple(subscriber.address for subscriber in self.subscribers)
