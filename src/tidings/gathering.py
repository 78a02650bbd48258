"""What the planet's pages are made of, gathered from the database, and each page rendered with the texts it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from tidings.model import (
    Etiquette,
    FrontPage,
    Line,
    ListPage,
    OverviewPage,
    PlannedPage,
    PostPage,
    SitemapFile,
    Source,
    SourceLine,
    StoredPost,
    TagLink,
)
from tidings.planet.health import check_up
from tidings.planet.plan import Material, plan
from tidings.planet.tags import planet_sources, tag_places
from tidings.records import dataclass
from tidings.render.finding import render_sitemap
from tidings.render.pages import BlogrollEntry, PlanetPage, render_planet
from tidings.render.planet import Frame, render_list, render_overview, render_post
from tidings.shelving import Leaf
from tidings.store import Store, abouts, feeds, planet


@dataclass(frozen=True, slots=True)
class Layout:
    """How the planet is laid out. `sources` are those that it shows; of one that says nothing else, `content`. The
    first page has `limit` stories at most, and what `front` has beside them; `base` stands for what all pages share,
    `beside` for what is in `front`. `issues` are the paths of issues on the web."""

    frame: Frame
    sources: Sequence[Source]
    content: Etiquette
    limit: int
    front: PlanetPage
    issues: Sequence[str] = ()
    base: str = ""
    beside: str = ""


def gather(store: Store, layout: Layout) -> Iterator[Leaf]:
    """The planet's pages as files, each with its key and what makes it."""
    timezone = layout.frame.timezone
    tags = [(TagLink(place.name, place.folder), place.sources) for place in tag_places(layout.sources)]
    states = feeds.states(store, layout.sources)
    said = abouts.by_name(store, [source.name for source in layout.sources])
    material = Material(
        posts=planet.shown(store, [source.name for source in layout.sources]),
        sources=planet_sources(layout.sources, states, said, layout.content, feeds.names(store).values()),
        checkups={state.source.name: check_up(state, timezone) for state in states},
        tags=tags,
        timezone=timezone,
        limit=layout.limit,
        issues=layout.issues,
        base=layout.base,
        front=layout.beside,
    )
    for planned in plan(material):
        yield Leaf(planned.page.path, planned.key, partial(_rendered, store, planned.page, layout))


def _rendered(store: Store, page: PlannedPage, layout: Layout) -> bytes:
    frame = layout.frame
    match page:
        case FrontPage():
            return _front(store, page, layout).encode()
        case ListPage():
            return render_list(page, _whole(store, page.lines), frame).encode()
        case PostPage():
            return render_post(page, _with_untitled(store, page), frame).encode()
        case OverviewPage():
            return render_overview(page, frame).encode()
        case SitemapFile():
            return render_sitemap(page, frame.url)


def _front(store: Store, page: FrontPage, layout: Layout) -> str:
    whole = _whole(store, page.lines)
    return render_planet(
        _filled(layout.front, page, [whole[line.post_id] for line in page.lines]), layout.frame.templates
    )


def _filled(front: PlanetPage, page: FrontPage, posts: Sequence[StoredPost]) -> PlanetPage:
    """The first page with its posts and the sources beside them."""
    return replace(
        front,
        posts=posts,
        sources=[_entry(line) for line in page.sources],
        etiquette={line.source.name: line.source.etiquette for line in page.lines},
        about={line.post_id: line for line in page.lines},
        blogs=page.blogs,
        older=page.older,
    )


def _entry(line: SourceLine) -> BlogrollEntry:
    source = line.source
    return BlogrollEntry(source.title, source.site_url, source.feed_url, line.newest, f"{source.folder}/index.html")


def _with_untitled(store: Store, page: PostPage) -> dict[int, StoredPost]:
    """The post of a page, and those beside it that are called by their texts."""
    beside = [one.post_id for one in (page.older, page.newer) if one is not None and one.post_id]
    return planet.whole(store, [page.line.post_id, *beside])


def _whole(store: Store, lines: Sequence[Line]) -> dict[int, StoredPost]:
    return planet.whole(store, [line.post_id for line in lines])
