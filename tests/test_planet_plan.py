"""The plan of the planet's pages: which there are, what stands on each, and when a key changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import source
from tidings.model import Checkup, Failed, FeedState, ListPage, PlanetPost, PlanetSource, PostPage, SitemapFile, TagLink
from tidings.planet.health import check_up
from tidings.planet.parts import parts, step
from tidings.planet.plan import Material, plan
from tidings.records import replace

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
GO, SEA = TagLink("go", "tags/go"), TagLink("sea", "tags/sea")
A = PlanetSource("a", "sources/a", "The A", "https://a.example/feed", tags=(GO,))
B = PlanetSource("b", "sources/b", "The B", "https://b.example/feed", tags=(GO, SEA))
TAGS = ((GO, ("a", "b")), (SEA, ("b",)))


def post(number: int, name: str = "a", **values: Any) -> PlanetPost:
    """A post an hour older than the one before it."""
    defaults: dict[str, Any] = {
        "story": number,
        "url": f"https://{name}.example/{number}",
        "title": f"Post {number}",
        "effective": NOON - timedelta(hours=number),
        "arrived": values.get("effective", NOON - timedelta(hours=number)),
        "changed_at": None,
        "in_feed": False,
        "stamp": f"stamp {number}",
    }
    return PlanetPost(number, source=name, **defaults | values)


POSTS = (post(1), post(2, "b"), post(3), post(4, "b"))


def material(posts: tuple[PlanetPost, ...] = POSTS, **values: Any) -> Material:
    defaults: dict[str, Any] = {"sources": (A, B), "tags": TAGS, "timezone": "UTC", "limit": 100}
    return Material(posts, **defaults | values)


def keys(of: Material) -> dict[str, str]:
    return {planned.page.path: planned.key for planned in plan(of)}


def pages(of: Material) -> dict[str, Any]:
    return {planned.page.path: planned.page for planned in plan(of)}


def changed(before: Material, after: Material) -> set[str]:
    """The paths whose keys differ, or that are on one side only."""
    one, other = keys(before), keys(after)
    return {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}


def test_the_files_of_a_small_planet() -> None:
    """A page for everything there is, each once."""
    paths = [planned.page.path for planned in plan(material())]
    assert len(paths) == len(set(paths))
    assert set(paths) == {
        "index.html",
        "archive/index.html",
        "archive/2026-11.html",
        "tags/index.html",
        "tags/go/index.html",
        "tags/sea/index.html",
        "sources/index.html",
        "sources/a/index.html",
        "sources/b/index.html",
        "posts/1.html",
        "posts/2.html",
        "posts/3.html",
        "posts/4.html",
        "sitemap.xml",
        "sitemap-pages.xml",
        "sitemap-posts-0.xml",
    }


ALL_LISTS = {"index.html", "archive/2026-11.html", "tags/go/index.html"}


@dataclass(frozen=True)
class Change:
    """What happens, and which pages it touches."""

    name: str
    after: Material
    touched: set[str]


CHANGES = (
    Change("nothing", material(), set()),
    Change("shown in the feed", material(tuple(replace(one, in_feed=True) for one in POSTS)), set()),
    Change(
        "an edit of a text",
        material((replace(POSTS[0], stamp="other"), *POSTS[1:])),
        {*ALL_LISTS, "sources/a/index.html", "posts/1.html"},
    ),
    Change(
        "another headline, which the neighbour names",
        material((replace(POSTS[0], stamp="other", title="Other"), *POSTS[1:])),
        {*ALL_LISTS, "sources/a/index.html", "posts/1.html", "posts/3.html"},
    ),
    Change(
        "a new post",
        material((post(5, "b", effective=NOON), *POSTS)),
        {
            *ALL_LISTS,
            "tags/sea/index.html",
            "sources/b/index.html",
            "posts/5.html",
            "posts/2.html",
            "archive/index.html",
            "tags/index.html",
            "sitemap-posts-0.xml",
        },
    ),
    Change(
        "a post that goes",
        material(POSTS[:3]),
        {
            *ALL_LISTS,
            "tags/sea/index.html",
            "tags/index.html",
            "archive/index.html",
            "sources/b/index.html",
            "posts/4.html",
            "posts/2.html",
            "sitemap-posts-0.xml",
        },
    ),
    Change(
        "a source with another address",
        material(sources=(replace(A, site_url="https://new.example/"), B)),
        {*ALL_LISTS, "sources/index.html", "sources/a/index.html", "posts/1.html", "posts/3.html"},
    ),
    Change(
        "a source that was fetched on another day",
        material(checkups={"a": Checkup("fine", None, date(2026, 11, 21)), "b": Checkup("fine")}),
        {"sources/a/index.html"},
    ),
    Change(
        "a source in trouble",
        material(checkups={"a": Checkup("trouble", date(2026, 11, 20)), "b": Checkup("fine")}),
        {"sources/index.html", "sources/a/index.html"},
    ),
    Change("another limit of the first page", material(limit=3), {"index.html"}),
    Change("another issue", material(front="other"), {"index.html"}),
    Change("an issue on the web", material(issues=("issues/daily-1.html",)), {"sitemap-pages.xml"}),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_touches_what_shows_it(change: Change) -> None:
    """A key changes where the bytes may, and nowhere else."""
    before = material()
    if change.after.checkups:
        before = material(checkups={"a": Checkup("fine", None, date(2026, 11, 20)), "b": Checkup("fine")})
    assert changed(before, change.after) == change.touched


def test_settings_and_templates_touch_everything() -> None:
    """What all pages share is in all keys."""
    assert changed(material(base="one"), material(base="other")) == set(keys(material()))


def test_a_story_is_listed_once_and_names_the_others() -> None:
    """Lists show the post that the combined feed has shown, else the first that was stored; each source lists its own;
    each of them says who else has it, a source once."""
    copies = (post(1), post(2, "b", story=1), post(3, "b", story=1), post(4))
    of = pages(material(copies))
    assert [line.post_id for line in of["index.html"].lines] == [1, 4]
    assert [line.post_id for line in of["sources/b/index.html"].lines] == [2, 3]
    assert [(other.source, other.url) for other in of["posts/1.html"].line.also_in] == [
        ("The B", "https://b.example/2")
    ]
    assert [other.source for other in of["posts/2.html"].line.also_in] == ["The A"]
    shown = (post(1), replace(copies[1], in_feed=True), post(4))
    assert [line.post_id for line in pages(material(shown))["index.html"].lines] == [2, 4]


def test_a_tag_lists_a_story_by_one_of_its_own_blogs() -> None:
    """What a blog without the tag wrote first is there by the copy of one that has it."""
    copies = (post(1), post(2, "b", story=1), post(3, "b"))
    of = pages(material(copies))
    assert [line.post_id for line in of["tags/sea/index.html"].lines] == [2, 3]
    assert [line.post_id for line in of["tags/go/index.html"].lines] == [1, 3]


def test_neighbours_are_those_of_the_source() -> None:
    """A post leads to the one before and the one after it in its blog."""
    page = pages(material())["posts/1.html"]
    assert isinstance(page, PostPage)
    assert (page.newer, page.older and page.older.path) == (None, "posts/3.html")


def test_days_are_local() -> None:
    """A post of half past eleven in the evening in UTC is of the next month in Berlin."""
    late = post(1, effective=datetime(2026, 10, 31, 23, 30, tzinfo=UTC))
    assert "archive/2026-11.html" in keys(material((late,), timezone="Europe/Berlin"))
    assert "archive/2026-10.html" in keys(material((late,), timezone="UTC"))


def test_what_is_not_to_be_indexed_is_in_no_sitemap() -> None:
    """Neither posts nor page of a source that keeps search engines away; all else is."""
    files = pages(material(sources=(replace(A, noindex=True), B))).values()
    named = {path for page in files if isinstance(page, SitemapFile) for path, _ in page.entries}
    assert {"posts/2.html", "sources/b/index.html", "tags/go/index.html", ""} <= named
    assert not named & {"posts/1.html", "posts/3.html", "sources/a/index.html"}


def test_a_tag_of_sources_that_keep_search_engines_away_does_so_too() -> None:
    """All of them: then its page says so, is in no sitemap, and is made again."""
    before, after = material(), material(sources=(A, replace(B, noindex=True)))
    shy = {path for path, page in pages(after).items() if isinstance(page, ListPage) and page.noindex}
    assert shy == {"tags/sea/index.html", "sources/b/index.html"}
    named = {path for path, _ in pages(after)["sitemap-pages.xml"].entries}
    assert ("tags/go/index.html" in named, "tags/sea/index.html" in named) == (True, False)
    assert "tags/sea/index.html" in changed(before, after)


def test_sitemaps_are_split_by_ids() -> None:
    """A list has no more than 10,000 posts, and a post that goes moves no other to another list."""
    few = (post(9_999), post(10_000), post(25_000))
    before = pages(material(few))
    assert [path for path, _ in before["sitemap.xml"].entries] == [
        "sitemap-pages.xml",
        "sitemap-posts-0.xml",
        "sitemap-posts-1.xml",
        "sitemap-posts-2.xml",
    ]
    assert changed(material(few), material(few[1:])) & {"sitemap-posts-1.xml", "sitemap-posts-2.xml"} == set()


def test_a_long_list_stays_where_it_is() -> None:
    """Of a hundred and more posts a new one touches the newest part alone; the full parts keep their addresses."""
    many = tuple(post(number) for number in range(1, 121))
    after = (post(200, effective=NOON), *many)
    touched = changed(material(many), material(after))
    of_source = {path for path in touched if path.startswith("sources/a/")}
    assert of_source == {"sources/a/index.html"}
    assert [path for path in pages(material(after)) if path.startswith("sources/a/")] == [
        "sources/a/index.html",
        "sources/a/index-3.html",
        "sources/a/index-2.html",
        "sources/a/index-1.html",
    ]


@pytest.mark.parametrize("years", [0, 1, 30])
def test_a_post_that_is_dated_back_moves_no_full_part(years: int) -> None:
    """The lists of a tag and of a source go by arrival, as feeds do: what comes late stands on top, under its own date,
    and only its month and its neighbours have it in its place."""
    many = tuple(post(number) for number in range(1, 121))
    late = post(200, effective=NOON - timedelta(days=365 * years, hours=100.5), arrived=NOON)
    before, after = material(many), material(tuple(sorted((late, *many), key=lambda one: one.effective, reverse=True)))
    lists = {path for path in changed(before, after) if path.startswith(("sources/a/", "tags/go/"))}
    assert lists == {"sources/a/index.html", "tags/go/index.html"}
    page = pages(after)["sources/a/index.html"]
    assert page.lines[0].post_id == 200
    assert page.source.newest == NOON.date()
    newer = pages(after)["posts/200.html"].newer
    assert newer is not None
    assert newer.path == ("posts/100.html" if years == 0 else "posts/120.html")


@given(st.integers(0, 500), st.integers(1, 40))
def test_parts_are_the_whole_list(count: int, size: int) -> None:
    """Each entry is in one part; all are full but the newest, which is never short; neighbours name each other."""
    found = list(parts(count, size))
    assert [number for part in found for number in range(part.start, part.end)] == list(range(count))
    assert all(part.end - part.start == size for part in found[1:])
    assert found[0].end == count or size <= found[0].end < 2 * size
    assert [part.number for part in found] == [0, *range(len(found) - 1, 0, -1)]
    for newer, older in pairwise(found):
        assert (newer.older, older.newer) == (older.number, newer.number)


@given(st.integers(0, 300), st.integers(1, 20))
def test_full_parts_never_change(count: int, size: int) -> None:
    """What comes to the top of a list leaves the oldest entries of each full part what they were."""
    before = {part.number: (count - part.end, count - part.start) for part in parts(count, size) if part.number}
    after = {part.number: (count + 1 - part.end, count + 1 - part.start) for part in parts(count + 1, size)}
    assert all(after[number] == place for number, place in before.items())


def test_names_of_parts() -> None:
    """The newest keeps the address of the list."""
    assert (step("index", 0), step("2026-11", 3)) == ("index.html", "2026-11-3.html")


DAY = timedelta(days=1)
WRONG = Failed("timeout", "no answer")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, ("new", None, None)),
        ({"polled_at": NOON, "read_at": NOON - DAY}, ("fine", None, NOON.date())),
        (
            {"polled_at": NOON, "read_at": NOON - DAY, "failing_since": NOON - DAY / 2, "failure": WRONG},
            ("fine", None, (NOON - DAY / 2).date()),
        ),
        (
            {"polled_at": NOON, "read_at": NOON - 3 * DAY, "failing_since": NOON - DAY, "failure": WRONG},
            ("trouble", (NOON - DAY).date(), (NOON - DAY).date()),
        ),
        ({"polled_at": NOON, "failing_since": NOON - DAY, "failure": WRONG}, ("trouble", (NOON - DAY).date(), None)),
        ({"polled_at": NOON, "failing_since": NOON, "failure": WRONG}, ("trouble", NOON.date(), None)),
        (
            {"polled_at": NOON, "failing_since": NOON, "failure": Failed("gone", "410")},
            ("ended", NOON.date(), None),
        ),
    ],
)
def test_how_a_source_is_doing(state: dict[str, Any], expected: tuple[Any, ...]) -> None:
    """Trouble is what lasts a day, by the polls themselves, or what never went well; a feed that is gone has ended;
    until then it is fine."""
    found = check_up(FeedState(1, source(), **state), "UTC")
    assert (found.health, found.since, found.fetched) == expected


def test_a_source_that_is_switched_off_is_paused() -> None:
    """What the operator does not follow is not in trouble."""
    state = FeedState(1, source(disabled=True), polled_at=NOON, failing_since=NOON - 9 * DAY, failure=WRONG)
    assert check_up(state, "UTC").health == "paused"


def test_a_list_page_knows_what_it_is_of() -> None:
    """Of a tag or a source, with its newest day and how many there are."""
    of = pages(material())
    tag, one = of["tags/sea/index.html"], of["sources/a/index.html"]
    assert isinstance(tag, ListPage)
    assert tag.tag == SEA
    assert (one.source.posts, one.source.newest) == (2, NOON.date())
