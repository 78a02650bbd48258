"""Values of the planet's pages: what stands on each, without the texts, for which stamps stand."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from tidings.model.configured import Etiquette
from tidings.records import dataclass

Health = Literal["fine", "new", "trouble", "ended", "paused"]
"""How following a source goes: it is fetched, has not been yet, cannot be (for a day or longer), says that it has
ended, or is switched off in the configuration."""


@dataclass(frozen=True, slots=True)
class PlanetPost:
    """A post that pages may show. `arrived` is its place in feeds, and in lists that go by it. `stamp` stands for all
    that is stored of it, and changes with it. `in_feed` says that the combined feed has shown it for its story."""

    id: int
    story: int
    source: str
    url: str
    title: str
    effective: datetime
    arrived: datetime
    changed_at: datetime | None
    in_feed: bool
    stamp: str


@dataclass(frozen=True, slots=True)
class Checkup:
    """A source's health, the day since when there is trouble, and the day on which it was fetched last."""

    health: Health
    since: date | None = None
    fetched: date | None = None


@dataclass(frozen=True, slots=True)
class TagLink:
    """A tag that has a page: what it is called, and the folder of its pages, below the site."""

    name: str
    folder: str


@dataclass(frozen=True, slots=True)
class PlanetSource:
    """A source that pages show. `folder` is that of its pages, below the site; `tags` are those that have a page.
    `noindex` keeps search engines away; `rights` are the terms that its feed names."""

    name: str
    folder: str
    title: str
    feed_url: str
    site_url: str = ""
    tags: tuple[TagLink, ...] = ()
    etiquette: Etiquette = "full"
    noindex: bool = False
    rights: str = ""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source as lists of sources have it: how many posts there are, the day of the newest, and how it is doing."""

    source: PlanetSource
    posts: int = 0
    newest: date | None = None
    checkup: Checkup | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """Another source that has the same story, and where."""

    source: str
    url: str


@dataclass(frozen=True, slots=True)
class Line:
    """A post as it stands on pages, beside its text: whose it is, and who else has it. `mark` stands for all of it."""

    post_id: int
    day: date
    source: PlanetSource
    also_in: tuple[Mention, ...] = ()
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The page of another post that one leads to, by its path below the site. A post without a `title` is called by its
    text: then `post_id` is its number, else 0, and `mark` stands for the text."""

    path: str
    title: str = ""
    post_id: int = 0
    mark: str = ""


@dataclass(frozen=True, slots=True)
class FrontPage:
    """The first page: the newest stories, the newest first, and the sources that wrote last, of `blogs` in all.
    `older` is where the list goes on, "" for nowhere."""

    path: str
    lines: tuple[Line, ...]
    sources: tuple[SourceLine, ...] = ()
    blogs: int = 0
    older: str = ""


@dataclass(frozen=True, slots=True)
class ListPage:
    """A part of a long list, the newest first: the stories of a `month`, or under a `tag`, or the posts of a `source`.
    `newer` and `older` are the parts beside it. They are in the same folder. `noindex` keeps search engines away."""

    path: str
    lines: tuple[Line, ...]
    month: date | None = None
    tag: TagLink | None = None
    source: SourceLine | None = None
    newer: str = ""
    older: str = ""
    noindex: bool = False


@dataclass(frozen=True, slots=True)
class PostPage:
    """A post on a page of its own, with the posts before and after it in its source."""

    path: str
    line: Line
    older: Neighbour | None = None
    newer: Neighbour | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """A list that an overview leads to, how many posts are in it, and the month that it is of, if it is of one."""

    path: str
    title: str
    posts: int
    month: date | None = None


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """What there are pages of: months, tags or sources."""

    path: str
    kind: Literal["archive", "tags", "sources"]
    entries: tuple[Counted, ...] = ()
    sources: tuple[SourceLine, ...] = ()


@dataclass(frozen=True, slots=True)
class SitemapFile:
    """A list of pages for search engines: paths below the site, each with the moment of its last change, if known; or,
    with `is_index`, of such lists."""

    path: str
    entries: tuple[tuple[str, datetime | None], ...]
    is_index: bool = False


PlannedPage = FrontPage | ListPage | PostPage | OverviewPage | SitemapFile


@dataclass(frozen=True, slots=True)
class Planned:
    """A file to be published. As long as its `key` stays what it was, its bytes do."""

    key: str
    page: PlannedPage
