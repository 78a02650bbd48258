"""Whether templates can make the planet's pages: a specimen of each kind is rendered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tidings.model import (
    Checkup,
    Counted,
    Enclosure,
    Line,
    ListPage,
    Mention,
    Neighbour,
    OverviewPage,
    PlanetSource,
    PostPage,
    SourceLine,
    StoredPost,
    TagLink,
)
from tidings.render.environment import Templates
from tidings.render.pages import PastIssue, PlanetPage, render_planet
from tidings.render.planet import (
    Frame,
    feeds_in,
    render_issues,
    render_list,
    render_not_found,
    render_overview,
    render_post,
)
from tidings.render.search import SearchPage, render_search
from tidings.render.style import render_style

_SITE = "https://planet.example"
_WHEN = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
_DAY = _WHEN.date()
_TAG = TagLink("A tag", "tags/a-tag")
_BLOG = PlanetSource("a", "sources/a", "A blog", _SITE, _SITE, (_TAG,), rights="All rights reserved")
_LISTED = SourceLine(_BLOG, 1, _DAY, Checkup("fine", None, _DAY))
_LINE = Line(1, _DAY, _BLOG, (Mention("Another blog", _SITE),))
_POST = StoredPost(
    id=1,
    feed_id=1,
    story=1,
    source="a",
    source_title="A blog",
    source_url=_SITE,
    feed_url=_SITE,
    guid="1",
    url=f"{_SITE}/1",
    title="A headline",
    author="An author",
    published=_WHEN,
    updated=None,
    dated=_WHEN,
    first_seen=_WHEN,
    tags=("another tag",),
    summary="",
    content_html="<p>A paragraph.</p>",
    text="A paragraph.",
    language="en",
    enclosures=(Enclosure(f"{_SITE}/1.mp3", "audio/mpeg", 1_000_000),),
    changed_at=_WHEN,
)
_COUNTED = (Counted("archive/2026-01.html", "A tag", 1, _DAY),)


def makers(language: str, templates: Templates) -> tuple[Callable[[], object], ...]:
    """What makes a specimen of each page; each raises RenderError where a template is wrong."""
    frame = Frame(
        "A planet", _SITE, language, "UTC", templates, ("blogs", "tags", "archive", "issues", "search"), feeds_in("")
    )
    posts = {1: _POST}
    front = PlanetPage("A planet", f"{_SITE}/", language, "UTC", (_POST,), about={1: _LINE}, rooms=frame.rooms)
    return (
        lambda: render_planet(PlanetPage("A planet", f"{_SITE}/", language, "UTC", ()), templates),
        lambda: render_planet(front, templates),
        lambda: render_list(ListPage("tags/a-tag/index.html", (_LINE,), tag=_TAG, older="index-1.html"), posts, frame),
        lambda: render_list(ListPage("sources/a/index.html", (_LINE,), source=_LISTED), posts, frame),
        lambda: render_list(ListPage("archive/2026-01.html", (_LINE,), month=_DAY), posts, frame),
        lambda: render_post(PostPage("posts/1.html", _LINE, Neighbour("posts/2.html", "Older")), posts, frame),
        lambda: render_overview(OverviewPage("archive/index.html", "archive", _COUNTED), frame),
        lambda: render_overview(OverviewPage("tags/index.html", "tags", _COUNTED), frame),
        lambda: render_overview(OverviewPage("sources/index.html", "sources", sources=(_LISTED,)), frame),
        lambda: render_issues((PastIssue("An edition", 1, _DAY, "issues/daily-1.html"),), frame),
        lambda: render_not_found(frame),
        lambda: render_search(SearchPage("words", 1, (_POST,), {1: _LINE}, 2, True, True), frame),
        lambda: render_style(language, templates),
    )
