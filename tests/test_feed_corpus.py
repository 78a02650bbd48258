"""All real feeds as sources, the seed among them, and what is published of them, in every format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import feedparser
import pytest

from tests.corpus import CORPUS, needs_corpus
from tests.feed_checks import ATOM, assert_atom, assert_feed, assert_json_feed
from tests.origin import Origin
from tests.rss_profile import assert_rss
from tests.sites import Site
from tidings.cli import wiring
from tidings.feeding import Kitchen, feed_files
from tidings.model import Document, ParsedFeed
from tidings.posts.parse import parse
from tidings.store.site import record

pytestmark = needs_corpus

SEED = "blogger-seed.xml"


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Path]:
    """The corpus polled and published, every post of it in the feeds; a third of the sources have a tag."""
    site = Site(tmp_path_factory.mktemp("planet"))
    files = [CORPUS / SEED, *sorted(path for path in (CORPUS / "feeds").iterdir() if path.is_file())]
    with Origin() as origin:
        for path in files:
            origin.serve_feed(f"/{path.name}", path.read_bytes(), etag=f'"{path.name}"')
        sources = "".join(
            f"\n[[sources]]\nurl = {json.dumps(origin.url(f'/{path.name}'))}\nname = {json.dumps(path.name)}\n"
            f"tags = {json.dumps(['C++', 'Schöne Texte'][: number % 3])}\n"
            for number, path in enumerate(files)
        )
        site.configure([], workers="processes", more=sources)
        site.json("poll", check=False)
    folder = site.folder / "public"
    with wiring.open_site(site.folder / "config.toml") as (loaded, store):
        kitchen = Kitchen("Test Planet", "https://planet.example", "en", 20_000, "full", loaded.sources, record(store))
        for leaf in feed_files(store, kitchen):
            path = folder / leaf.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(leaf.render())
    return site, folder


def feeds_in(folder: Path) -> list[Path]:
    return [path for name in ("atom.xml", "rss.xml", "feed.json") for path in sorted(folder.rglob(name))]


def test_every_feed_of_the_corpus_is_valid(public: tuple[Site, Path]) -> None:
    """The combined feed, and those of each tag and each source, in all formats."""
    site, folder = public
    counted = {path: assert_feed(path.name, path.read_bytes()) for path in feeds_in(folder)}
    sources = len({post["source"] for post in site.posts()})
    assert len(counted) >= 3 * sources
    assert len({counted[folder / name] for name in ("atom.xml", "rss.xml", "feed.json")}) == 1
    assert counted[folder / "atom.xml"] >= 5_000
    assert {path.parent.name for path in folder.glob("tags/*/atom.xml")} == {"c-cedb1bac", "schöne-texte"}


def test_all_formats_have_the_same_entries(public: tuple[Site, Path]) -> None:
    """Ids, titles, links and dates, read by other programs: XML and JSON readers, and feedparser."""
    _, folder = public
    atom = assert_atom((folder / "atom.xml").read_bytes()).findall("a:entry", ATOM)
    rss = assert_rss((folder / "rss.xml").read_bytes()).findall("channel/item")
    items = assert_json_feed((folder / "feed.json").read_bytes())["items"]
    parsed = feedparser.parse((folder / "atom.xml").read_bytes(), sanitize_html=False, resolve_relative_uris=False)
    assert len(parsed.entries) == len(atom)
    for entry, item, found, other in zip(atom, rss, items, parsed.entries, strict=True):
        expected = tuple(entry.findtext(f"a:{name}", namespaces=ATOM) for name in ("id", "title"))
        link = entry.find("a:link[@rel='alternate']", ATOM).get("href")
        assert (item.findtext("guid"), item.findtext("title"), item.findtext("link")) == (*expected, link)
        assert (found["id"], found["title"], found["url"]) == (*expected, link)
        assert found["date_modified"] == entry.findtext("a:updated", namespaces=ATOM)
        assert found.get("date_published") == entry.findtext("a:published", namespaces=ATOM)
        assert (other.id, other.link) == (expected[0], link)


@pytest.mark.parametrize("name", ["atom.xml", "rss.xml", "feed.json"])
def test_our_own_reader_reads_it_as_published(public: tuple[Site, Path], name: str) -> None:
    """A planet that follows this one gets what was published, whatever format it takes."""
    _, folder = public
    parsed = parse(Document(f"https://planet.example/{name}", (folder / name).read_bytes(), limit=200_000_000))
    assert isinstance(parsed, ParsedFeed)
    assert not parsed.malformed
    items: list[dict[str, Any]] = assert_json_feed((folder / "feed.json").read_bytes())["items"]
    for item, post in zip(items, parsed.posts, strict=True):
        assert (post.guid, post.url) == (item["id"], item["url"])
        if name != "rss.xml":  # a title of RSS is text to some and mark-up to others
            assert post.title == item["title"]


def test_the_seed_comes_through_whole(public: tuple[Site, Path]) -> None:
    """Both posts of the blog that it all began with, in its own feed, with every word of their text."""
    site, folder = public
    stored = {post["guid"]: post for post in site.posts() if post["source"] == SEED}
    assert len(stored) == 2
    for item in assert_json_feed((folder / "sources" / "blogger-seed-xml" / "feed.json").read_bytes())["items"]:
        post = stored.pop(item["id"])
        assert item["content_html"] == post["content_html"]
        assert (item["title"], item["url"], item["authors"]) == (post["title"], post["url"], [{"name": post["author"]}])
    assert stored == {}
