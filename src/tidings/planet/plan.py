"""Which pages the planet has, what stands on each, and a key for each that changes with its bytes. Pure.

A page is made of lines, and of little else. Each line has a mark, a digest of all that a page may show of a post: its
stamp, its source, the others that have the story. A page's key is a digest of the marks on it, of its neighbours, and
of what all pages share (`base`: the site's settings and its templates).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import date
from hashlib import blake2b
from itertools import groupby
from zoneinfo import ZoneInfo

from tidings.model import (
    Checkup,
    Counted,
    FrontPage,
    Line,
    ListPage,
    Mention,
    Neighbour,
    OverviewPage,
    PlanetPost,
    PlanetSource,
    Planned,
    PlannedPage,
    PostPage,
    SitemapFile,
    SourceLine,
    TagLink,
)
from tidings.planet.parts import cut, parts, step
from tidings.records import dataclass

MOST_SOURCES = 20
"""Sources beside the front page; all of them are on a page of their own."""

_IN_A_LIST = 30
"""Posts in a part of a list that shows their beginnings, up to twice as many in its newest part."""

_IN_THE_ARCHIVE = 150
"""The same of a month, which shows headlines."""

_IN_A_SITEMAP = 10_000
"""Ids of posts in one list for search engines, which may have 50,000 entries (sitemaps.org). By ids, so that a post
that goes moves no other."""


@dataclass(frozen=True, slots=True)
class Material:
    """What the planet is made of. `posts` come newest first, `sources` in the order of the file, `checkups` by their
    names, `tags` with the names of their sources. The front page has `limit` stories at most. `base` stands for what
    all pages share, `front` for what the front page has beside its posts."""

    posts: Sequence[PlanetPost]
    sources: Sequence[PlanetSource]
    tags: Sequence[tuple[TagLink, Sequence[str]]]
    timezone: str
    limit: int
    checkups: Mapping[str, Checkup] = field(default_factory=dict)
    issues: Sequence[str] = ()
    base: str = ""
    front: str = ""


def plan(material: Material) -> list[Planned]:
    """All pages, each with its key."""
    return list(_Planning(material).files())


def digest(*parts: object) -> str:
    """A key for some values, by how they show themselves."""
    return blake2b(repr(parts).encode(errors="surrogatepass"), digest_size=12).hexdigest()


class _Planning:
    """The lines of all posts, and which of them stands for each story."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._sources = {source.name: source for source in material.sources}
        shown = [post for post in material.posts if post.source in self._sources]
        self._of_source: dict[str, list[PlanetPost]] = {}
        for post in shown:
            self._of_source.setdefault(post.source, []).append(post)
        self._lines = _lines(shown, self._sources, material.timezone)
        self._fronts = _each_once(shown)
        self._posts = shown

    def files(self) -> Iterator[Planned]:
        yield self._front_page()
        yield from self._months()
        yield from self._tag_pages()
        yield from self._source_pages()
        yield from self._post_pages()
        yield from self._sitemaps()

    def _planned(self, page: PlannedPage, lines: Iterable[Line] = (), *others: object) -> Planned:
        return Planned(digest(self._material.base, page.path, [line.mark for line in lines], *others), page)

    def _front_page(self) -> Planned:
        lines = self._of(self._fronts[: self._material.limit])
        by_age = sorted(self._source_lines(), key=lambda one: one.newest or date.min, reverse=True)
        sources = tuple(replace(line, posts=0, checkup=None) for line in by_age[:MOST_SOURCES])
        older = _month_path(lines[-1].day) if lines else ""
        page = FrontPage("index.html", lines, sources, len(self._sources), older)
        return self._planned(page, lines, sources, page.blogs, self._material.front)

    def _months(self) -> Iterator[Planned]:
        """The archive: each month in parts, and the page that lists them."""
        months: list[Counted] = []
        for month, posts in groupby(self._fronts, key=lambda post: self._lines[post.id].day.replace(day=1)):
            listed = list(posts)
            path = _month_path(month)
            months.append(Counted(path, "", len(listed), month))
            yield from self._list(ListPage(path, (), month=month), listed, _IN_THE_ARCHIVE)
        page = OverviewPage("archive/index.html", "archive", tuple(months))
        yield self._planned(page, (), months)

    def _tag_pages(self) -> Iterator[Planned]:
        counted: list[Counted] = []
        for tag, names in self._material.tags:
            members = set(names)
            posts = _by_arrival(_each_once([post for post in self._posts if post.source in members]))
            path = f"{tag.folder}/index.html"
            counted.append(Counted(path, tag.name, len(posts)))
            page = ListPage(path, (), tag=tag, noindex=self._is_shy(names))
            yield from self._list(page, posts, _IN_A_LIST)
        if counted:
            overview = OverviewPage("tags/index.html", "tags", tuple(counted))
            yield self._planned(overview, (), counted)

    def _source_pages(self) -> Iterator[Planned]:
        lines = self._source_lines()
        for line in lines:
            page = ListPage(f"{line.source.folder}/index.html", (), source=line, noindex=line.source.noindex)
            yield from self._list(page, _by_arrival(self._of_source.get(line.source.name, [])), _IN_A_LIST)
        overview = OverviewPage("sources/index.html", "sources", sources=tuple(map(_without_day, lines)))
        yield self._planned(overview, (), overview.sources)

    def _post_pages(self) -> Iterator[Planned]:
        """A page for each post, between those of the posts before and after it in its source."""
        for posts in self._of_source.values():
            for newer, post, older in zip([None, *posts], posts, [*posts[1:], None], strict=False):
                line = self._lines[post.id]
                page = PostPage(post_path(post.id), line, _neighbour(older), _neighbour(newer))
                yield self._planned(page, (line,), page.older, page.newer)

    def _list(self, page: ListPage, posts: Sequence[PlanetPost], size: int) -> Iterator[Planned]:
        """A list in parts, which are beside the first."""
        lines = self._of(posts)
        folder, _, name = page.path.rpartition("/")
        name = name.removesuffix(".html")
        for part in parts(len(lines), size):
            one = replace(
                page,
                path=f"{folder}/{step(name, part.number)}",
                lines=cut(lines, part),
                # Only the newest part says how things are now, or all would change with each post.
                source=page.source and (SourceLine(page.source.source) if part.number else page.source),
                newer="" if part.newer is None else step(name, part.newer),
                older="" if part.older is None else step(name, part.older),
            )
            yield self._planned(one, one.lines, one.month, one.tag, one.source, one.newer, one.older, one.noindex)

    def _sitemaps(self) -> Iterator[Planned]:
        """What search engines may have, in lists, and the list of these."""
        lists = ["", "archive/index.html", "sources/index.html", *self._material.issues]
        lists += ["tags/index.html"] * bool(self._material.tags)
        lists += [f"{tag.folder}/index.html" for tag, names in self._material.tags if not self._is_shy(names)]
        lists += [f"{source.folder}/index.html" for source in self._material.sources if not source.noindex]
        lists += dict.fromkeys(_month_path(self._lines[post.id].day) for post in self._fronts)
        files = [SitemapFile("sitemap-pages.xml", tuple((path, None) for path in lists))]
        open_posts = [post for post in self._posts if not self._sources[post.source].noindex]
        by_id = sorted(open_posts, key=lambda post: post.id)
        for number, posts in groupby(by_id, key=lambda post: post.id // _IN_A_SITEMAP):
            entries = tuple((post_path(post.id), post.changed_at or post.effective) for post in posts)
            files.append(SitemapFile(f"sitemap-posts-{number}.xml", entries))
        files.append(SitemapFile("sitemap.xml", tuple((file.path, None) for file in files), is_index=True))
        for file in files:
            yield self._planned(file, (), file.entries)

    def _is_shy(self, names: Iterable[str]) -> bool:
        """Whether all of some sources want to be in no search engine, as in their feed (feeding.py)."""
        return all(self._sources[name].noindex for name in names if name in self._sources)

    def _of(self, posts: Sequence[PlanetPost]) -> tuple[Line, ...]:
        return tuple(self._lines[post.id] for post in posts)

    def _source_lines(self) -> list[SourceLine]:
        found: list[SourceLine] = []
        for source in self._material.sources:
            posts = self._of_source.get(source.name, [])
            newest = self._lines[posts[0].id].day if posts else None
            found.append(SourceLine(source, len(posts), newest, self._material.checkups.get(source.name)))
        return sorted(found, key=lambda line: (line.source.title.casefold(), line.source.name))


def post_path(post_id: int) -> str:
    """The page of a post: by its id, which never changes, as its headline may."""
    return f"posts/{post_id}.html"


def _month_path(day: date) -> str:
    # Not by strftime, which writes some years with fewer than four digits.
    return f"archive/{day.isoformat()[:7]}.html"


def _stories(posts: Iterable[PlanetPost]) -> dict[int, list[PlanetPost]]:
    stories: dict[int, list[PlanetPost]] = {}
    for post in posts:
        stories.setdefault(post.story, []).append(post)
    return stories


def _each_once(posts: Sequence[PlanetPost]) -> list[PlanetPost]:
    """Of each story the post that stands for it, as in the combined feed: the one that this has shown, else the one
    that was stored first (store/posts.py, `newest`)."""
    fronts = {
        story: min(some, key=lambda post: (not post.in_feed, post.id)).id for story, some in _stories(posts).items()
    }
    return [post for post in posts if fronts[post.story] == post.id]


def _by_arrival(posts: Iterable[PlanetPost]) -> list[PlanetPost]:
    """As in feeds, the last to arrive first: by date a late post would move all that is below it to another part of its
    list, and so to another address."""
    return sorted(posts, key=lambda post: (post.arrived, post.effective, post.id), reverse=True)


def _lines(posts: Sequence[PlanetPost], sources: Mapping[str, PlanetSource], timezone: str) -> dict[int, Line]:
    zone = ZoneInfo(timezone)
    stories = _stories(posts)
    marks = {name: digest(source) for name, source in sources.items()}
    lines: dict[int, Line] = {}
    for post in posts:
        also_in = _also_in(post, stories[post.story], sources)
        day = post.effective.astimezone(zone).date()
        mark = digest(post.stamp, marks[post.source], *also_in)
        lines[post.id] = Line(post.id, day, sources[post.source], also_in, mark)
    return lines


def _also_in(post: PlanetPost, story: Sequence[PlanetPost], sources: Mapping[str, PlanetSource]) -> tuple[Mention, ...]:
    """The other sources of a story, each once, by its first post."""
    if len(story) == 1:
        return ()
    others = sorted((one for one in story if one.source != post.source), key=lambda one: one.id)
    first = {one.source: one for one in reversed(others)}
    return tuple(Mention(sources[name].title, first[name].url) for name in dict.fromkeys(one.source for one in others))


def _without_day(line: SourceLine) -> SourceLine:
    """A source as the page of all has it: the day on which it was fetched is on its own, and there is a new one each
    day."""
    return replace(line, posts=0, checkup=line.checkup and replace(line.checkup, fetched=None))


def _neighbour(post: PlanetPost | None) -> Neighbour | None:
    if post is None:
        return None
    if post.title.strip():
        return Neighbour(post_path(post.id), post.title)
    return Neighbour(post_path(post.id), post_id=post.id, mark=post.stamp)
