"""What the operator configured: sources and editions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Etiquette = Literal["full", "excerpt", "title"]
"""How much of a source's posts may be shown: the whole text, its leading paragraphs, or the headline alone."""

COMBINED_FEED = "atom.xml"
"""The file of the combined feed, below the site's URL."""

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
    none) and none of `exclude` does.
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
    """A digest as configured. `timezone` is an IANA name. An empty `tags` means all sources. With `updates` its issues
    also tell of posts edited since an earlier one carried them."""

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
    subscribers: tuple[str, ...] = ()

    def covers(self, source: Source) -> bool:
        """Whether the edition takes posts of a source: it has no tags, or one in common."""
        return not self.tags or not set(self.tags).isdisjoint(source.tags)
