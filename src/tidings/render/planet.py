"""The planet's other pages: lists of posts by tag, source and month, what there is of each, and a post by itself.

Links between them are relative, so a site works under any path; only the page of what is not there, which a server
shows under any address, has absolute ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from tidings.model import FEED_FILES, Etiquette, Line, ListPage, Neighbour, OverviewPage, PostPage, StoredPost
from tidings.render.environment import Press, Templates, open_press
from tidings.render.lists import PostLine, by_day, listed, name_of
from tidings.render.pages import FeedLink, PastIssue, Room, name_feeds
from tidings.render.words import headline, one_line, web_link

ALL_ISSUES = "issues/index.html"
"""The page that lists all issues, below the site."""


def feeds_in(folder: str) -> tuple[FeedLink, ...]:
    """The feeds of posts in a folder, "" for those of the whole site, in their formats; relative to the site."""
    atom, rss, json = (f"{folder}/{name}" if folder else name for name in FEED_FILES)
    return FeedLink("", atom), FeedLink("", rss, "application/rss+xml"), FeedLink("", json, "application/feed+json")


@dataclass(frozen=True, slots=True)
class Frame:
    """What all pages of a planet have. `url` is its address, without a slash at the end; `feeds` are those of the
    site, relative to it."""

    title: str
    url: str
    language: str
    timezone: str
    templates: Templates
    rooms: Sequence[Room] = ()
    feeds: Sequence[FeedLink] = ()


def render_list(page: ListPage, posts: Mapping[int, StoredPost], frame: Frame) -> str:
    """A part of a list, with its feeds; `posts` has all that are on it, by id. Raises RenderError."""
    press = open_press(frame.templates, frame.language)
    lines = _listed(page.lines, posts, press)
    values = {
        "page": page,
        "lines": lines,
        "days": list(by_day(lines, frame.timezone)),
        "noindex": page.noindex,
    }
    template = "month.html" if page.month else "list.html"
    feeds = frame.feeds if page.month else feeds_in(page.path.rpartition("/")[0])
    return press.render(template, _around(page.path, feeds, frame, press) | values)


def render_post(page: PostPage, posts: Mapping[int, StoredPost], frame: Frame) -> str:
    """A post on a page of its own; `posts` has it and those beside it that are without a title, by id. Raises
    RenderError."""
    press = open_press(frame.templates, frame.language)
    source, post = page.line.source, posts[page.line.post_id]
    [line] = _listed((page.line,), {post.id: post}, press)
    there = web_link(post.url)
    values = {
        "page": page,
        "line": line,
        "whole": source.etiquette == "full" and bool(post.content_html),
        "older": _beside(page.older, posts, source.etiquette, press),
        "newer": _beside(page.newer, posts, source.etiquette, press),
        "noindex": source.noindex,
        "description": line.excerpt or line.title,
    }
    around = _around(page.path, frame.feeds, frame, press)
    return press.render("post.html", around | ({"address": there} if there else {}) | values)


def _beside(neighbour: Neighbour | None, posts: Mapping[int, StoredPost], etiquette: Etiquette, press: Press) -> str:
    """What a post before or after another is called: as on its own page."""
    if neighbour is None:
        return ""
    untitled = posts.get(neighbour.post_id)
    return name_of(untitled, etiquette, press.wording) if untitled else one_line(headline(neighbour.title, "", ""))


def render_overview(page: OverviewPage, frame: Frame) -> str:
    """What there is of something. Raises RenderError."""
    press = open_press(frame.templates, frame.language)
    return press.render(f"{page.kind}.html", _around(page.path, frame.feeds, frame, press) | {"page": page})


def render_issues(issues: Sequence[PastIssue], frame: Frame) -> str:
    """All past issues; their `href` are relative to the site. Raises RenderError."""
    press = open_press(frame.templates, frame.language)
    return press.render("issues.html", _around(ALL_ISSUES, frame.feeds, frame, press) | {"issues": issues})


def render_not_found(frame: Frame) -> str:
    """What a server shows for what is not there, under whatever address that is. Raises RenderError."""
    press = open_press(frame.templates, frame.language)
    values = _around("404.html", (), frame, press) | {"root": f"{frame.url}/", "address": "", "noindex": True}
    return press.render("not-found.html", values)


def address_of(path: str, frame: Frame) -> str:
    """The address of a page by its path below the site: that of its folder, for the first page of one."""
    shown = path.removesuffix("index.html") if f"/{path}".endswith("/index.html") else path
    return f"{frame.url}/{quote(shown)}"


def _around(path: str, feeds: Sequence[FeedLink], frame: Frame, press: Press) -> dict[str, object]:
    root = "../" * path.count("/")
    return {
        "site": frame,
        "root": root,
        "address": address_of(path, frame),
        "feeds": [FeedLink(feed.title, f"{root}{feed.href}", feed.type) for feed in name_feeds(feeds, press.wording)],
        "noindex": False,
    }


def _listed(lines: Sequence[Line], posts: Mapping[int, StoredPost], press: Press) -> list[PostLine]:
    about = {line.post_id: line for line in lines}
    etiquette = {line.source.name: line.source.etiquette for line in lines}
    return listed((posts[line.post_id] for line in lines), etiquette, about, press.wording)
