"""The planet's pages in a real browser, under a path of a host: narrow and wide, light and dark, from right to left,
without script, by keyboard, on paper."""

from __future__ import annotations

import base64
import functools
import http.server
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html

from tests.browsing import Page, browser
from tests.render_samples import POSTS
from tests.stocking import START, blog, configure, edit, fail, only, post, receive
from tests.test_publish import freeze, settings
from tests.test_render_browser import QuietHandler
from tests.test_web_browser import RING
from tidings.model import Failed
from tidings.publish import publish
from tidings.store import open_store

LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 3
KINDS = (
    "index.html", "404.html", "archive/index.html", "archive/2026-11.html", "tags/index.html", "tags/sea/index.html",
    "sources/index.html", "sources/a/index.html", "sources/b/index.html", "posts/1.html", "posts/2.html",
    "posts/40.html", "issues/index.html", "issues/daily-1.html",
)  # fmt: skip
LOOK = """(() => {
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map(v => (v /= 255) <= .04045 ? v / 12.92
    : ((v + .055) / 1.055) ** 2.4); return .2126 * x + .7152 * y + .0722 * z; };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  const paper = element => { for (; element; element = element.parentElement) {
    const colour = rgb(getComputedStyle(element).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour; } return [255, 255, 255]; };
  const texts = [...document.querySelectorAll("h1, h2, h3, p, a, li, bdi, time")].filter(one => one.textContent.trim());
  const root = document.documentElement;
  return {
    scroll: root.scrollWidth - root.clientWidth,
    faint: texts.filter(one => one.checkVisibility() && ratio(rgb(getComputedStyle(one).color), paper(one)) < 4.5)
      .map(one => one.textContent.slice(0, 40)),
    paper: light(paper(document.body)), heads: document.querySelectorAll("h1").length,
    unnamed: [...document.querySelectorAll("a")].filter(one => !one.textContent.trim()).length,
    direction: getComputedStyle(root).direction, frame: document.querySelector(".frame").getBoundingClientRect().width,
  };
})()"""


def build(folder: Path, language: str) -> None:
    """A planet with everything on it: long words, also as the title of a blog, two directions, no titles, copies,
    edits, a blog in trouble."""
    sources = [blog("a", tags=("sea", "long & winding")), blog("b", tags=("sea",)), blog("c", content="title")]
    with open_store(folder / f"{language}.db") as store:
        configure(store, *sources)
        for number, sample in enumerate(POSTS):
            values = {name: getattr(sample, name) for name in ("title", "text", "content_html", "language", "author")}
            values |= {"enclosures": sample.enclosures, "tags": sample.tags, "published": START}
            receive(store, sources[number % 2], post(f"s{number}", **values))
        for number in range(60):
            at = START - timedelta(hours=9 * number)
            told = "https://story.example/one" if number in (4, 5) else ""
            title = ("", LONG, f"Number {number}", "رسالة من المرفأ القديم")[number % 4]
            text = f"Text {number} of some length, about boats. " * 9
            new = post(number, title=title, published=at, text=text, story_url=told)
            receive(store, sources[number % 3], new, called=LONG if number % 3 == 1 else "")
        edit(store, sources[2], only(store, words='"Number 2"'), title="Number 2, edited", now=START)
        fail(store, sources[1], Failed("timeout", "no answer"), START + timedelta(days=1))
        fail(store, sources[1], Failed("timeout", "no answer"), START + timedelta(days=3))
        freeze(store, 1)
        publish(store, folder / "site" / language / "b", settings(sources=sources, language=language, search=True))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a host that has an English and an Arabic planet, each under a path."""
    folder = tmp_path_factory.mktemp("planets")
    for language in ("en", "ar"):
        build(folder, language)
    handler = functools.partial(QuietHandler, directory=str(folder / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser"), scripts=False) as page:
        yield page


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_page_fits_and_can_be_read(page: Page, base: str, language: str, width: int, dark: bool) -> None:
    """Nothing scrolls sideways, all text has a contrast of 4.5, each page has one heading of the first level, no link
    is without a name, and the page runs as its language does."""
    page.looks(width, dark=dark)
    for kind in KINDS:
        page.open(f"{base}{language}/b/{kind}")
        found = page.value(LOOK)
        assert (found["scroll"], found["faint"], found["unnamed"], found["heads"]) == (0, [], 0, 1), kind
        own_language = "en" if kind == "issues/daily-1.html" else language  # an issue has that of its edition
        assert found["direction"] == ("rtl" if own_language == "ar" else "ltr")
        assert (found["paper"] < 0.05) == dark
        assert found["frame"] <= 1060
    assert [said for said in page.complaints if "Failed to load" not in said] == []


def test_the_title_of_a_blog_is_cut_as_headlines_are(page: Page, base: str) -> None:
    """A text that somebody put into the title of a feed fills no page, and breaks where it is too long for a line."""
    cut = f"{LONG[:119]}…"
    page.looks(390)
    for kind in ("index.html", "tags/sea/index.html", "sources/index.html", "posts/2.html"):
        page.open(f"{base}en/b/{kind}")
        named = page.value("""[...document.querySelectorAll("a[href$='sources/b/index.html']")].map(one => one.text)""")
        assert set(named) == {cut}, kind
        assert page.value(LOOK)["scroll"] == 0
    assert page.value("document.querySelector('.away').textContent") == f"Read it at {cut}"
    page.open(f"{base}en/b/sources/b/index.html")
    assert page.value("document.querySelector('h1').textContent") == cut


def test_every_link_of_a_page_leads_somewhere(page: Page, base: str) -> None:
    """Under a path of a host, each link within the site is there; nothing is asked of another host on the way."""
    page.requests.clear()
    seen: set[str] = set()
    waiting = [f"{base}en/b/{kind}" for kind in KINDS if kind != "404.html"]
    while waiting:
        url = waiting.pop()
        if url in seen:
            continue
        seen.add(url)
        page.open(url)
        assert page.value("document.querySelectorAll('h1').length") == 1, url
        links: list[str] = page.value("[...document.querySelectorAll('a[href]')].map(one => one.href.split('#')[0])")
        inner = [link for link in links if link.startswith(base)]
        assert all(link.startswith(f"{base}en/b/") for link in inner), url
        waiting += [link for link in inner if link.endswith(".html") and "/posts/" not in link]
    assert len(seen) > len(KINDS)
    assert all(url.startswith(base) for url in page.requests)
    assert page.value("document.cookie") == ""


def test_files_that_pages_name_are_there(base: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Feeds, lists and posts: each relative address in a page is that of a file, but that of searching."""
    root = next(path for path in tmp_path_factory.getbasetemp().rglob("site/en/b") if path.is_dir())
    missing = set()
    for file in root.rglob("*.html"):
        for href in lxml_html.document_fromstring(file.read_bytes()).xpath("//a/@href | //link/@href"):
            if re.match(r"[a-z]+:|#", href):
                continue
            if not (file.parent / href.partition("#")[0]).exists():
                missing.add((file.parent / href).resolve().relative_to(root.resolve()).as_posix())
    assert base
    assert missing == {"search"}


def test_the_page_of_nothing_works_anywhere(page: Page, base: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A server shows it under any address, so it names whole ones."""
    root = next(path for path in tmp_path_factory.getbasetemp().rglob("site/en/b") if path.is_dir())
    hrefs = lxml_html.document_fromstring((root / "404.html").read_bytes()).xpath("//a/@href")
    assert {href for href in hrefs if not href.startswith("#")} >= {"https://planet.example/index.html"}
    assert all(href.startswith(("https://planet.example/", "#")) for href in hrefs)
    page.open(f"{base}en/b/404.html")
    assert "There is no page here" in page.value("document.body.innerText")


def test_a_headline_of_the_other_direction(page: Page, base: str) -> None:
    """An Arabic headline of an English text runs from right to left, on a list, in the archive and by itself; the text
    does not."""
    title = "رسالة من المرفأ القديم"
    found = """(() => [...document.querySelectorAll("h1, h3, li > a")].filter(one => one.textContent.trim() === %r)
        .map(one => [one, one.closest("article")?.querySelector("p:not(.quiet), .body")])
        .map(pair => pair.map(one => one && getComputedStyle(one).direction)))()"""
    for name, text in (("tags/sea/index.html", "ltr"), ("archive/2026-11.html", None)):
        page.open(f"{base}en/b/{name}")
        directions = page.value(found % title)
        assert directions
        assert all(one == ["rtl", text] for one in directions), name
    page.open(f"{base}en/b/tags/sea/index.html")
    there = page.value(f"""[...document.querySelectorAll("article")]
        .find(one => one.textContent.includes({title!r})).querySelector("p a[href*=posts]").href""")
    page.open(there)
    assert page.value(found % title) == [["rtl", "ltr"]]


@pytest.mark.parametrize("kind", ["index.html", "sources/a/index.html", "issues/daily-1.html"])
def test_a_title_of_the_other_direction_stands_where_the_page_begins(page: Page, base: str, kind: str) -> None:
    """On a page from right to left, a Latin title begins at the right; its signs are at its own end."""
    page.looks(1280)
    page.open(f"{base}ar/b/{kind}")
    begins = "rtl" if kind != "issues/daily-1.html" else "ltr"
    found = "(() => { const head = document.querySelector('h1'); return %s; })()"
    assert page.value(found % "getComputedStyle(head).direction") == begins
    assert page.value(found % "getComputedStyle(head.firstChild).direction") == "ltr"


def test_an_issue_leads_to_the_rest_of_the_planet(page: Page, base: str) -> None:
    """As every other page does: to the first page, the blogs, the archive and past issues."""
    page.open(f"{base}en/b/issues/daily-1.html")
    ways = page.value("[...document.querySelectorAll('nav.home a')].map(one => one.getAttribute('href'))")
    rooms = ("index.html", "sources/index.html", "tags/index.html", "archive/index.html", "issues/index.html", "search")
    assert ways == [f"../{room}" for room in rooms]


def test_the_first_page_by_keyboard(page: Page, base: str) -> None:
    """The first Tab leads past the head of the page; each link on the way shows that it has the focus."""
    page.looks(1280)
    page.open(f"{base}en/b/index.html")
    page.press("Tab")
    assert page.value("document.activeElement.className") == "skip"
    for _ in range(12):
        page.press("Tab")
        ring, name = page.value(RING).split()
        assert (ring, name) == ("solid", "a")


@pytest.mark.parametrize("kind", ["index.html", "posts/1.html", "posts/6.html", "archive/2026-11.html"])
def test_a_page_on_paper(page: Page, base: str, kind: str) -> None:
    """It is printed, with dark ink on white also by who reads in the dark, and without the ways to other pages."""
    page.looks(800, dark=True)
    page.open(f"{base}en/b/{kind}")
    page.tell("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    try:
        assert page.value(LOOK)["paper"] > 0.9
        assert page.value("[...document.querySelectorAll('nav, .pic')].every(one => !one.checkVisibility())")
        printed = base64.b64decode(page.tell("Page.printToPDF")["data"])
        assert printed.startswith(b"%PDF")
    finally:
        page.tell("Emulation.setEmulatedMedia", media="", features=[])


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_first_page_is_light(base: str, language: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """It is below 100 kB, whatever stands on it, as is each list."""
    root = next(path for path in tmp_path_factory.getbasetemp().rglob(f"site/{language}/b") if path.is_dir())
    assert base
    sizes: dict[str, Any] = {str(path): path.stat().st_size for path in root.rglob("*.html")}
    assert max(sizes.values()) < 100_000
