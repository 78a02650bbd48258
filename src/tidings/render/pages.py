"""The pages a reader sees in a browser: the planet (newest posts of all sources) and an issue on the web.

Each page is one file that asks for nothing else: no script, no font, no style sheet. Links between pages are relative,
so a site works under any path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from tidings.model import Edition, Etiquette, IssueContent, Line, StoredPost
from tidings.render.arrangement import arrange, has_contents, line_of
from tidings.render.environment import SHIPPED, Templates, open_press
from tidings.render.lists import by_day, listed, within
from tidings.render.offers import form_values
from tidings.render.subject import write_subject
from tidings.render.wording import Wording

_FIRST_PAGE = 60_000
"""Bytes of posts on the first page, which with all else stays below 100 kB."""


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed to subscribe to. `href` is relative to the page that shows it. The `title` of a feed of posts is "": each
    page calls it by its kind, in its own language."""

    title: str
    href: str
    type: Literal["application/atom+xml", "application/rss+xml", "application/feed+json"] = "application/atom+xml"


Room = Literal["blogs", "tags", "archive", "issues", "search"]
"""A part of the site that all its pages lead to."""


@dataclass(frozen=True, slots=True)
class BlogrollEntry:
    """A source as the blogroll lists it. `last_post` is None for one that has none yet; `page` is that of its posts
    here, relative to the page that lists it, "" for none."""

    name: str
    site_url: str
    feed_url: str
    last_post: date | None = None
    page: str = ""


@dataclass(frozen=True, slots=True)
class PastIssue:
    """An issue as the archive lists it; `day` is its date in its edition's time zone, `href` relative to the page."""

    edition_title: str
    number: int
    day: date
    href: str


@dataclass(frozen=True, slots=True)
class PlanetPage:
    """What the planet shows. `posts` come newest first by `effective`; `etiquette` tells by source name how much of
    its posts may be shown, and a source it does not name may be shown in full; `about` tells more of posts, by their
    ids. With `offered` it has the form of subscribing to those editions. Where there are more pages, `rooms` are those
    that all pages lead to, `blogs` says how many sources there are in all, and `older` is where the list goes on.
    `preferences` is where who gets an edition changes that, "" for nowhere."""

    title: str
    url: str
    language: str
    timezone: str
    posts: Sequence[StoredPost]
    sources: Sequence[BlogrollEntry] = ()
    issues: Sequence[PastIssue] = ()
    feeds: Sequence[FeedLink] = ()
    etiquette: Mapping[str, Etiquette] = field(default_factory=dict)
    offered: Sequence[Edition] = ()
    preferences: str = ""
    about: Mapping[int, Line] = field(default_factory=dict)
    rooms: Sequence[Room] = ()
    blogs: int = 0
    older: str = ""


@dataclass(frozen=True, slots=True)
class IssueLinks:
    """Where an issue's page leads: back to the planet and to its neighbours, relative to the page itself.

    `url` is the page's own absolute address. An empty one is left out. `rooms` are those that all pages lead to.
    """

    planet: str = "../index.html"
    url: str = ""
    older: str = ""
    newer: str = ""
    feeds: Sequence[FeedLink] = ()
    rooms: Sequence[Room] = ()


def render_planet(page: PlanetPage, templates: Templates = SHIPPED) -> str:
    """The planet as one HTML page. Raises RenderError."""
    press = open_press(templates, page.language)
    lines = within(listed(page.posts, page.etiquette, page.about, press.wording), _FIRST_PAGE)
    values = {
        "page": page,
        "root": "",
        "days": list(by_day(lines, page.timezone)),
        "address": page.url,
        "feeds": name_feeds(page.feeds, press.wording),
        **form_values(page.offered, press.wording),
    }
    return press.render("planet.html", values)


def render_issue_page(
    content: IssueContent, links: IssueLinks, templates: Templates = SHIPPED, *, noindex: bool = False
) -> str:
    """The web version of a frozen issue: what the mail has, without what is the reader's own, and by name what the mail
    only counts. With `noindex` it asks search engines to leave it out. Raises RenderError."""
    press = open_press(templates, content.language)
    values = {
        "content": content,
        "links": links,
        "address": links.url,
        "feeds": name_feeds(links.feeds, press.wording),
        "subject": write_subject(content, press),
        "noindex": noindex,
        "in_feed": False,
        "sections": arrange(content, press.wording),
        "more": [line_of(story, press.wording) for story in content.more],
        "updates": [(update, line_of(update, press.wording)) for update in content.updates],
        "has_contents": has_contents(content),
    }
    return press.render("issue.html", values)


def name_feeds(feeds: Sequence[FeedLink], wording: Wording) -> list[FeedLink]:
    """Feeds as a page names them."""
    kinds = {
        "application/atom+xml": wording.gettext("Atom feed"),
        "application/rss+xml": wording.gettext("RSS feed"),
        "application/feed+json": wording.gettext("JSON feed"),
    }
    return [replace(feed, title=feed.title or kinds[feed.type]) for feed in feeds]
