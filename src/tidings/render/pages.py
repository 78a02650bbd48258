"""The pages a reader sees in a browser: the planet (newest posts of all sources) and an issue on the web.

Each page is one file that asks for nothing else: no script, no font, no style sheet. Links between pages are relative,
so a site works under any path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby

from tidings.model import Edition, Etiquette, IssueContent, StoredPost
from tidings.render.arrangement import arrange, has_contents, line_of
from tidings.render.environment import SHIPPED, Templates, open_press
from tidings.render.offers import form_values
from tidings.render.subject import write_subject
from tidings.render.wording import Wording
from tidings.render.words import called, direction, local_date, shorten

_EXCERPT = 320
"""Characters of a post that the planet shows: enough to decide whether to read it at its author's."""


_APPEARED_FIRST = re.compile(r"The post .{1,300} (?:appeared first|first appeared) on .{1,200}\Z", re.DOTALL)
_LONGEST_TRAILER = 550  # characters; more than the pattern can match


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed to subscribe to. `href` is relative to the page that shows it. The combined feed's `title` is "": each
    page calls it by its kind, in its own language."""

    title: str
    href: str
    type: str = "application/atom+xml"


@dataclass(frozen=True, slots=True)
class BlogrollEntry:
    """A source as the blogroll lists it. `last_post` is None for one that has none yet."""

    name: str
    site_url: str
    feed_url: str
    last_post: datetime | None = None


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
    its posts may be shown, and a source it does not name may be shown in full. With `offered` it has the form of
    subscribing to those editions; `preferences` is where who gets one changes that, "" for nowhere."""

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


@dataclass(frozen=True, slots=True)
class IssueLinks:
    """Where an issue's page leads: back to the planet and to its neighbours, relative to the page itself.

    `url` is the page's own absolute address. An empty one is left out.
    """

    planet: str = "../index.html"
    url: str = ""
    older: str = ""
    newer: str = ""
    feeds: Sequence[FeedLink] = ()


@dataclass(frozen=True, slots=True)
class PostLine:
    """A post as the planet shows it."""

    post: StoredPost
    title: str
    excerpt: str
    direction: str


@dataclass(frozen=True, slots=True)
class Day:
    """The posts of one local day."""

    day: date
    lines: tuple[PostLine, ...]


def render_planet(page: PlanetPage, templates: Templates = SHIPPED) -> str:
    """The planet as one HTML page. Raises RenderError."""
    press = open_press(templates, page.language)
    days = _days(page, press.wording)
    feeds = _called(page.feeds, press.wording)
    values = {
        "page": page,
        "days": days,
        "address": page.url,
        "feeds": feeds,
        **form_values(page.offered, press.wording),
    }
    return press.render("planet.html", values)


def render_issue_page(content: IssueContent, links: IssueLinks, templates: Templates = SHIPPED) -> str:
    """The web version of a frozen issue: what the mail has, without what is the reader's own, and by name what the mail
    only counts. Raises RenderError."""
    press = open_press(templates, content.language)
    values = {
        "content": content,
        "links": links,
        "address": links.url,
        "feeds": _called(links.feeds, press.wording),
        "subject": write_subject(content, press),
        "in_feed": False,
        "sections": arrange(content, press.wording),
        "more": [line_of(story, press.wording) for story in content.more],
        "updates": [(update, line_of(update, press.wording)) for update in content.updates],
        "has_contents": has_contents(content),
    }
    return press.render("issue.html", values)


def _called(feeds: Sequence[FeedLink], wording: Wording) -> list[FeedLink]:
    return [replace(feed, title=feed.title or wording.gettext("Atom feed")) for feed in feeds]


def excerpt(post: StoredPost) -> str:
    """The beginning of a post as plain text, cut at a word; headings between the paragraphs left out, and what
    WordPress adds at the end of every summary."""
    text = _without_trailer(post.summary or post.text)
    paragraphs = [paragraph for paragraph in text.split("\n\n") if paragraph.strip()]
    spoken = [paragraph for paragraph in paragraphs if not _is_heading(paragraph)]
    return shorten(" ".join(spoken or paragraphs), _EXCERPT)


def _without_trailer(text: str) -> str:
    """Only the end is searched: over a whole text made to harm, the search takes minutes."""
    trailer = _APPEARED_FIRST.search(text, max(0, len(text) - _LONGEST_TRAILER))
    return text[: trailer.start()].rstrip() if trailer else text


def _is_heading(paragraph: str) -> bool:
    return len(paragraph) < 80 and "\n" not in paragraph and paragraph.rstrip()[-1].isalnum()


def _days(page: PlanetPage, wording: Wording) -> list[Day]:
    def day_of(post: StoredPost) -> date:
        return local_date(post.effective, page.timezone)

    return [
        Day(day, tuple(_line(post, page.etiquette.get(post.source, "full"), wording) for post in posts))
        for day, posts in groupby(page.posts, key=day_of)
    ]


def _line(post: StoredPost, etiquette: Etiquette, wording: Wording) -> PostLine:
    is_title_only = etiquette == "title"
    title = called(post.title, "" if is_title_only else post.text or post.summary, wording)
    shown = "" if is_title_only else excerpt(post)
    return PostLine(post, title, "" if shown == title else shown, direction(f"{title} {post.text[:400]}"))
