"""Which feeds are published, where they are, and what becomes of them when something changes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.builders import edition
from tests.feed_checks import ATOM, assert_atom, assert_feed, assert_json_feed
from tests.stocking import START, blog, configure, edit, only, post, receive, state_of
from tests.test_publish import freeze, settings
from tidings.model import FEED_FILES, About, AlsoIn, FeedChange, IssueContent, IssueItem
from tidings.planet.issues import Silence, Veil, without
from tidings.posts.own import is_own
from tidings.publish import publish
from tidings.store import Store, feeds, open_store

A, B = blog("a", tags=("C++",)), blog("b", tags=("日本", "c++"))
OWN = "https://planet.example/blogs/atom.xml"


@pytest.fixture
def stocked(store: Store) -> Store:
    configure(store, A, B)
    receive(store, A, post(1), post(2))
    receive(store, B, post(3, url="https://b.example/3"))
    return store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "public"


def published(store: Store, folder: Path, **values: Any) -> set[str]:
    """The feeds that publishing writes or takes away."""
    changed = publish(store, folder, settings(sources=(A, B), **values))
    paths = {str(path.relative_to(folder)) for path in changed}
    return {path for path in paths if path.endswith(FEED_FILES) or (path.startswith("issues/") and ".html" not in path)}


def titles(path: Path) -> list[str]:
    return sorted(item["title"] for item in json.loads(path.read_text("utf-8"))["items"])


def feed_id(path: Path) -> str:
    return str(assert_atom(path.read_bytes()).findtext("a:id", namespaces=ATOM))


def test_a_feed_is_known_by_its_source_not_by_its_folder(store: Store, folder: Path) -> None:
    """When "C" is called otherwise, "C++" has its folder; who followed that is not told that it is the same feed."""
    first, second = replace(A, name="C"), replace(B, name="C++")
    configure(store, first, second)
    publish(store, folder, settings(sources=(first, second)))
    known = {feed_id(path) for path in folder.glob("sources/*/atom.xml")}
    before = feed_id(folder / "sources/c/atom.xml")
    renamed = replace(first, name="Sea")
    configure(store, renamed, second)
    publish(store, folder, settings(sources=(renamed, second)))
    after = feed_id(folder / "sources/c/atom.xml")
    assert after in known - {before}


def test_where_the_feeds_are(stocked: Store, folder: Path) -> None:
    """The whole site, each tag of the operator's, each source and each edition, in three formats, all valid."""
    freeze(stocked, 1)
    places = ["", "tags/c-cedb1bac/", "tags/日本/", "sources/a/", "sources/b/"]
    expected = {f"{place}{name}" for place in places for name in FEED_FILES}
    issues = {"issues/daily.xml", "issues/daily.rss.xml", "issues/daily.json"}
    assert published(stocked, folder) == expected | issues
    for path in expected | issues:
        assert_feed(path, (folder / path).read_bytes())
    assert (
        titles(folder / "feed.json") == titles(folder / "tags/c-cedb1bac/feed.json") == ["Post 1", "Post 2", "Post 3"]
    )
    assert titles(folder / "tags/日本/feed.json") == titles(folder / "sources/b/feed.json") == ["Post 3"]


def test_a_feed_says_where_it_is_and_what_page_shows_the_same(stocked: Store, folder: Path) -> None:
    """Addresses are escaped; the style sheet is found from any folder."""
    published(stocked, folder)
    root = assert_atom((folder / "tags/日本/atom.xml").read_bytes())
    links = {link.get("rel"): link.get("href") for link in root.iterfind("a:link", ATOM)}
    base = "https://planet.example/tags/%E6%97%A5%E6%9C%AC/"
    assert links == {"self": f"{base}atom.xml", "alternate": base}
    assert b'href="../../feed.css"' in (folder / "tags/日本/atom.xml").read_bytes()
    assert b'href="feed.css"' in (folder / "rss.xml").read_bytes()
    assert (folder / "feed.css").is_file()
    feed = assert_json_feed((folder / "sources/a/feed.json").read_bytes())
    assert (feed["feed_url"], feed["title"]) == ("https://planet.example/sources/a/feed.json", "Planet: a")


def test_each_feed_has_an_id_for_life(stocked: Store, folder: Path) -> None:
    """Made of the site's and of what it is about: no address, title or tag beside it has a say."""
    published(stocked, folder)
    paths = [folder / place / "atom.xml" for place in ("", "tags/日本", "sources/a", "sources/b")]
    before = [feed_id(path) for path in paths]
    assert len(set(before)) == 4
    with open_store(stocked.path) as again:
        published(again, folder, url="https://moved.example/planet", title="New")
    assert [feed_id(path) for path in paths] == before


def test_an_entry_has_one_id_wherever_it_is(stocked: Store, folder: Path) -> None:
    """Who follows the whole planet and a tag of it has each post once."""
    published(stocked, folder)
    ids = {item["title"]: item["id"] for item in json.loads((folder / "feed.json").read_text("utf-8"))["items"]}
    for path in folder.glob("*/*/feed.json"):
        for item in json.loads(path.read_text("utf-8"))["items"]:
            assert item["id"] == ids[item["title"]]


def test_only_the_feeds_that_a_post_is_in_are_written(stocked: Store, folder: Path) -> None:
    """A new post of one source, or an edit, leaves the feeds of others alone."""
    published(stocked, folder)
    assert published(stocked, folder) == set()
    touched = {f"{place}{name}" for place in ("", "tags/c-cedb1bac/", "sources/a/") for name in FEED_FILES}
    receive(stocked, A, post(4), now=START + timedelta(hours=1))
    assert published(stocked, folder) == touched
    edit(stocked, A, only(stocked, words='"Post 1"'), title="Corrected")
    assert published(stocked, folder) == touched
    assert "Corrected" in titles(folder / "sources/a/feed.json")


def test_news_of_a_source_itself_are_written(stocked: Store, folder: Path) -> None:
    """Rights and pictures of its feed stand with each of its entries."""
    published(stocked, folder)
    about = About(rights="© Bo", noindex=True)
    feeds.save_read(stocked, state_of(stocked, B), FeedChange(), START, about=about)
    changed = published(stocked, folder)
    assert {"atom.xml", "sources/b/atom.xml", "tags/日本/rss.xml"} <= changed
    assert not any(path.startswith("sources/a/") for path in changed)
    assert "© Bo" in (folder / "rss.xml").read_text("utf-8")
    head = (folder / "sources/b/rss.xml").read_text("utf-8").partition("<item>")[0]
    assert 'content="noindex"' in head
    assert 'content="noindex"' not in (folder / "rss.xml").read_text("utf-8").partition("<item>")[0]


def test_a_source_that_goes_takes_its_feeds_along(stocked: Store, folder: Path) -> None:
    """What is not published any more is not left lying there."""
    published(stocked, folder)
    publish(stocked, folder, settings(sources=(A,)))
    assert not (folder / "sources/b").exists()
    assert not (folder / "tags/日本").exists()
    assert titles(folder / "feed.json") == ["Post 1", "Post 2"]


def test_a_quiet_source_is_in_no_public_issue(store: Store, folder: Path) -> None:
    """With `publish = false` its stories are in the mail alone: neither page nor feed of the issue has them."""
    configure(store, A, B, editions=[edition()])
    receive(store, A, post(1))
    freeze(store, 1)
    assert "Item 1" in (published(store, folder) and (folder / "issues/daily.json").read_text("utf-8"))
    publish(store, folder, settings(sources=(replace(A, publish=False), B)))
    for name in ("daily.json", "daily.xml", "daily.rss.xml", "daily-1.html"):
        assert "Item 1" not in (folder / "issues" / name).read_text("utf-8")


def item(number: int, *also_in: AlsoIn) -> IssueItem:
    return IssueItem(
        number, number, "https://a.example/1", f"Item {number}", "a", "", "", None, "en", "ltr", "", "", True,
        also_in=also_in,
    )  # fmt: skip


def test_an_issue_without_some_posts() -> None:
    """What is named or told of goes as well as what is shown, and so does what mentions a source that is not published;
    others are mentioned as before."""
    content = IssueContent(
        "daily", "Daily", 1, "", START, "UTC", "en", "Planet", "https://planet.example",
        (item(1, AlsoIn("b", "https://b.example/"), AlsoIn("c", "https://c.example/")), item(2)),
    )  # fmt: skip
    found = without(content, Veil(hidden=(2,)), Silence(names=frozenset({"b"})))
    assert [one.post_id for one in found.items] == [1]
    assert [one.source for one in found.items[0].also_in] == ["c"]
    assert without(content, Veil(), Silence()) == content


@pytest.mark.parametrize(
    ("source", "url", "beside", "is_kept"),
    [
        ("Open", "https://open.example/1", False, True),
        ("Secret", "https://open.example/1", False, False),
        ("Once Secret", "https://secret.example/1", False, False),
        ("Once Secret", "https://secret.example/old", True, False),
        ("Once Open", "https://open.example/1", False, True),
        ("Open", "https://open.example/old", True, True),
        ("Open", "https://both.example/1", True, True),
        ("Once Secret", "https://both.example/1", False, False),
        ("Shared", "https://both.example/1", True, True),
        ("Shared", "https://open.example/1", False, True),
        ("Shared", "https://secret.example/1", False, False),
        ("Shared", "https://secret.example/old", True, False),
    ],
)
def test_who_may_be_mentioned(source: str, url: str, beside: bool, is_kept: bool) -> None:
    """No mention tells of a source that is not published: by its name, by the address of a post, or, where it has the
    same story, by a name and an address of before. What fits a post of a published source is that one's."""
    silence = Silence(
        names=frozenset({"Secret", "Shared"}),
        addresses=frozenset({"https://secret.example/1", "https://both.example/1"}),
        open_names=frozenset({"Open", "Shared"}),
        open_posts=frozenset({("Open", "https://both.example/1"), ("Shared", "https://both.example/1")}),
    )
    content = IssueContent(
        "daily", "Daily", 1, "", START, "UTC", "en", "Planet", "https://planet.example", (item(1, AlsoIn(source, url)),)
    )
    [shown] = without(content, Veil(beside=(1,) if beside else ()), silence).items
    assert bool(shown.also_in) == is_kept


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://planet.example/blogs/atom.xml", True),
        ("http://www.planet.example/blogs/rss.xml?utm_source=x", True),
        ("https://planet.example/blogs/feed.json", True),
        ("https://planet.example/blogs/tags/go/atom.xml", True),
        ("https://planet.example/blogs/sources/a/feed.json", True),
        ("https://planet.example/blogs/issues/daily.xml", False),
        ("https://planet.example/atom.xml", False),
        ("https://planet.example/blogs/ann/atom.xml", False),
        ("https://planet.example/blogs/other.xml", False),
        ("https://other.example/blogs/atom.xml", False),
        ("", False),
    ],
)
def test_which_feeds_are_our_own(url: str, expected: bool) -> None:
    """Whoever follows one of them follows this planet, and brings back what it has."""
    assert is_own(url, OWN) is expected
    assert not is_own(url, "")
