"""A feed as who opens it in a browser sees it: readable, in light and dark, and what it is said in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.browsing import Page, browser
from tests.render_samples import POSTS
from tests.test_feed_formats import SITE, WRITERS, combined
from tests.webs import HOST, serving
from tidings.errors import RenderError
from tidings.model import Etiquette
from tidings.render.environment import Templates
from tidings.render.feeds import feed_of_posts
from tidings.render.style import render_style
from tidings.render.words import css_text
from tidings.web.site import Site

_SHOWN = """(() => {
    const found = document.querySelector(%s);
    const box = found.getBoundingClientRect();
    return [getComputedStyle(found).display != "none" && box.height > 0, box.left >= 0, box.right <= innerWidth];
})()"""


_TEXT = """(() => {
    const texts = [], walk = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        if (walk.currentNode.parentElement.getClientRects().length) texts.push(walk.currentNode.data);
    }
    return texts.join(" ");
})()"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("web")


@pytest.fixture(scope="module")
def pages(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Page]]:
    """A feed in its formats with its style sheet, served by our own web server, and a browser."""
    feed = feed_of_posts(combined(style="feed.css", content="excerpt"))
    for name, write in WRITERS.items():
        (folder / name).write_bytes(write(feed, f"{SITE}/{name}"))
    (folder / "feed.css").write_text(render_style("en"), encoding="utf-8")
    profile = tmp_path_factory.mktemp("profile")
    with serving(folder, Site("http://planet.example", "Planet", "en")) as port, browser(profile) as page:
        yield f"http://{HOST}:{port}", page


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(
    ("name", "shown", "hidden"),
    [
        (
            "atom.xml",
            ["feed > title", "feed > link[rel=self]", "entry > title", "source > title", "summary", "published"],
            ["feed > id", "entry > id", "entry > updated", "author", "category", "source > link"],
        ),
        (
            "rss.xml",
            ["channel > title", "item > title", "item > source", "item > pubDate"],
            ["channel > link", "guid", "ttl", "lastBuildDate", "item > category", "item > description"],
        ),
    ],
)
def test_a_feed_is_readable(
    pages: tuple[str, Page], name: str, shown: list[str], hidden: list[str], width: int
) -> None:
    """Titles, sources, dates and beginnings are seen, and fit; what is for programs is not seen."""
    url, page = pages
    page.looks(width)
    page.open(f"{url}/{name}")
    for selector in shown:
        assert page.value(_SHOWN % repr(selector)) == [True, True, True], selector
    for selector in hidden:
        assert page.value(f"getComputedStyle(document.querySelector({selector!r})).display") == "none", selector
    assert page.value("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("content", ["full", "excerpt", "title"])
@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])
def test_no_mark_up_is_seen(pages: tuple[str, Page], folder: Path, name: str, content: Etiquette) -> None:
    """Neither tags nor references, which texts in a feed are written with: not even of a headline with signs."""
    url, page = pages
    post = replace(POSTS[0], title="R&D < fun", summary="Salt & <b> pepper", text="Salt & <b> pepper")
    feed = feed_of_posts(combined([post], style="feed.css", content=content))
    (folder / f"{content}-{name}").write_bytes(WRITERS[name](feed, f"{SITE}/{name}"))
    page.open(f"{url}/{content}-{name}")
    seen = page.value(_TEXT)
    assert "R&D < fun" in seen
    assert not re.search(r"&\w+;|&#|<p|</", seen)


@pytest.mark.parametrize(("name", "head"), [("atom.xml", "feed"), ("rss.xml", "channel")])
def test_it_says_what_it_is(pages: tuple[str, Page], name: str, head: str) -> None:
    """Above the entries stands what a feed is for; and the page asks nobody else for anything."""
    url, page = pages
    page.requests.clear()
    page.open(f"{url}/{name}")
    said = page.value(f"getComputedStyle(document.querySelector('{head}'), '::before').content")
    assert said.startswith('"This is a feed:')
    assert {request for request in page.requests if not request.startswith(url)} == set()


@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])
def test_it_is_dark_where_that_is_wanted(pages: tuple[str, Page], name: str) -> None:
    """Light letters on a dark ground, or the other way round."""
    url, page = pages
    colours = []
    for dark in (False, True):
        page.looks(800, dark=dark)
        page.open(f"{url}/{name}")
        colours.append(page.value("getComputedStyle(document.documentElement).backgroundColor"))
    assert colours == ["rgb(252, 252, 250)", "rgb(22, 22, 21)"]


def test_the_style_sheet_speaks_the_language_of_the_site() -> None:
    """Its words come from the catalogues, and the page runs in their direction."""
    assert "Das ist ein Feed" in render_style("de")
    assert "direction: rtl" in render_style("ar")


@pytest.mark.parametrize(("text", "written"), [('a "b"', '"a \\"b\\""'), ("a\\", '"a\\\\"'), ("a\nb", '"a b"')])
def test_words_in_a_style_sheet(text: str, written: str) -> None:
    """No word ends the string that it stands in."""
    assert css_text(text) == written


def test_a_wrong_style_sheet_is_a_clear_error(tmp_path: Path) -> None:
    """An operator's own one is a template like the others."""
    (tmp_path / "feed.css").write_text("{{ nothing }}")
    with pytest.raises(RenderError, match=r"feed\.css, line 1"):
        render_style("en", Templates(tmp_path))
