"""No page asks anybody but us: every kind of page, of posts that try every way, in a real browser, with and without the
policy that would forbid it. What the browser does is read from the log of its network, so a mere look-up counts."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from tests.browsing import Page, browser
from tests.stocking import blog, configure, post, receive
from tests.test_render_browser import QuietHandler
from tests.test_web_signup import ANN, BOB, CLOSED, DAILY, NOW, WEEKLY, House, a_house
from tests.webs import FORM, Asked, ask
from tidings import managing, signing
from tidings.model import Enclosure, IssueContent, IssueItem, Picture
from tidings.posts.clean import clean
from tidings.publish import PublishSettings, publish
from tidings.signing import Purpose
from tidings.store import issues, keys, open_store, subscribers

ELSEWHERE = "evil.example"
THERE = f"http://{ELSEWHERE}"
RELATIONS = ("prefetch", "preconnect", "dns-prefetch", "preload", "stylesheet", "icon", "prerender", "next")
WAYS = "\n".join(
    (
        f'<p>Text</p><img src="{THERE}/img"><img alt="x" srcset="{THERE}/set 2x" data-src="{THERE}/lazy">',
        f'<picture><source srcset="{THERE}/source"><img src="{THERE}/picture" alt="A picture"></picture>',
        f'<figure><a href="{THERE}/big"><img src="{THERE}/small" alt="A"></a><figcaption>C</figcaption></figure>',
        f'<video poster="{THERE}/poster" src="{THERE}/video" autoplay><track default src="{THERE}/track"></video>',
        f'<audio src="{THERE}/audio" autoplay></audio><iframe src="{THERE}/frame"></iframe><embed src="{THERE}/embed">',
        f'<object data="{THERE}/object"></object><svg><image href="{THERE}/i"/><use href="{THERE}/use#a"/></svg>',
        f'<p style="background:url({THERE}/style)">p</p><style>@import "{THERE}/import";</style>',
        *(f'<link rel="{relation}" href="{THERE}/{relation}" as="image">' for relation in RELATIONS),
        f'<base href="{THERE}/"><meta http-equiv="refresh" content="0;url={THERE}/refresh">',
        f'<script src="{THERE}/js"></script><img src=x onerror="fetch(\'{THERE}/fetch\')">',
        f'<form action="{THERE}/form"><input type="image" src="{THERE}/input"></form>',
        f'<a ping="{THERE}/ping" href="#">a</a><math href="{THERE}/math"><mi>x</mi></math>',
        f'<table background="{THERE}/table"><tr><td background="{THERE}/cell">t</td></tr></table>',
        f'<template><img src="{THERE}/template"></template><noscript><img src="{THERE}/noscript"></noscript>',
        f'<xmp><img src="{THERE}/xmp"></xmp><body background="{THERE}/body">',
    )
)
PUBLIC = ("/", "/issues/daily-1.html", "/atom.xml", "/issues/daily.xml", "/subscribe", "/nowhere", "/u/nobody")
A_NAME = f'"><img src="{THERE}/name"><base href="{THERE}/">'


@dataclass
class Kind:
    """A kind of page, and what was answered with it."""

    name: str
    answer: Asked


def the_issue(html: str) -> IssueContent:
    item = IssueItem(
        1,
        1,
        f"{THERE}/post",
        A_NAME,
        A_NAME,
        THERE,
        A_NAME,
        NOW,
        "en",
        "ltr",
        html,
        "Text",
        True,
        picture=Picture(f"{THERE}/lead", 600, 400, "The lead"),
        enclosures=(Enclosure(f"{THERE}/talk.mp3", "audio/mpeg", 1),),
    )
    return IssueContent(
        "daily",
        A_NAME,
        1,
        A_NAME,
        NOW,
        "UTC",
        "en",
        A_NAME,
        "https://planet.example",
        (item, replace(item, post_id=2, story=2, html="")),
    )


def fill(house: House, html: str) -> None:
    """A planet with a post of that HTML, and an issue with it."""
    source = blog("a")
    settings = PublishSettings(
        "Planet", "https://planet.example", "en", "UTC", 100, "full", (source,), (DAILY, WEEKLY, CLOSED)
    )
    with open_store(house.database) as store:
        configure(store, source, editions=(DAILY, WEEKLY, CLOSED), now=NOW)
        values = {"content_html": html, "title": A_NAME, "author": A_NAME, "tags": (A_NAME,), "url": f"{THERE}/post"}
        receive(store, source, post(1, **values), post(2, **values), now=NOW)
        issues.freeze(store, the_issue(html), [], None, NOW)
        publish(store, house.database.parent / "public", settings)


def token(house: House, purpose: Purpose, address: str = BOB, scope: str = "daily") -> str:
    with open_store(house.database) as store:
        public_id = subscribers.public_ids(store, [address])[address]
        return signing.sign(purpose, public_id, scope, keys.usable(store, NOW), NOW)


def kinds(house: House) -> Iterator[Kind]:
    """Each page that is published or answered, the latter in the order in which a reader meets them."""
    for name in PUBLIC:
        yield Kind(name, house.get(name))
    yield Kind("no address", house.send("/subscribe", urlencode({"address": A_NAME, "edition-daily": "yes"})))
    yield Kind("asked", house.subscribe())
    confirm = f"/confirm/{house.token()}"
    house.subscribe("cat@readers.example")
    refuse = f"/refuse/{house.way_out('cat@readers.example')}"
    with open_store(house.database) as store:
        scope = managing.scope_of(store, BOB)
    manage = f"/preferences/{token(house, Purpose.MANAGE, scope=scope)}"
    leave = f"/u/{token(house, Purpose.UNSUBSCRIBE)}"
    for path, words in (
        (confirm, ("", "do=confirm", "do=confirm")),
        ("/confirm/x", ("",)),
        (f"/refuse/{house.way_out()}", ("",)),
        (refuse, ("", "do=refuse")),
        ("/preferences", ("", "address=bob%40readers.example")),
        (manage, ("",)),
        (f"{manage}/reader/move", ("do=move&address=new%40readers.example",)),
        (f"{manage}/reader/erase", ("do=ask",)),
        (f"{manage}/daily", ("", "do=save&cadence=never", "do=nonsense")),
        (leave, ("", "do=leave")),
        (f"{leave}/return", ("", "do=return")),
        (leave, ("do=leave",)),
        (f"{leave}/fewer", ("do=weekly",)),
        (f"{manage}/reader/erase", ("do=erase",)),
    ):
        for body in words:
            yield Kind(f"{path} {body}", ask(house.port, "POST" if body else "GET", path, body, FORM))


@pytest.fixture(params=["as it comes", "cleaned"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A planet of hostile posts, cleaned as a poll does, or not even that."""
    (tmp_path / "house").mkdir()
    for house in a_house(tmp_path / "house", DAILY, WEEKLY, CLOSED):
        fill(house, WAYS if request.param == "as it comes" else clean(WAYS, f"{THERE}/post"))
        yield house


@contextmanager
def bare_server(folder: Path) -> Iterator[str]:
    """The address of a server of files, that says nothing with them."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def copy_bare(pages: list[Kind], folder: Path) -> list[str]:
    """Writes the pages without the policies that they have in them; the names of the files."""
    folder.mkdir()
    names = []
    for number, page in enumerate(pages):
        names.append(f"{number}.{'html' if 'html' in page.answer.headers['Content-Type'] else 'xml'}")
        bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.answer.text)
        (folder / names[-1]).write_text(bare, encoding="utf-8")
    return names


def hosts(page: Page) -> set[str]:
    """Whom it asked. What stands in an address itself (RFC 2397) is asked of nobody; Chromium shows XML with such."""
    return {urlsplit(url).hostname or "" for url in page.requests if not url.startswith("data:")}


def keeps_nothing(page: Page) -> bool:
    cookies = page.tell("Network.getAllCookies")["cookies"]
    return not cookies and page.value("localStorage.length + sessionStorage.length") == 0


def test_no_page_asks_anybody_but_us(house: House, tmp_path: Path) -> None:
    """Neither as served nor stripped of every policy; no name is looked up, and nothing is kept in the browser."""
    pages, log = list(kinds(house)), tmp_path / "network.json"
    assert [page.name for page in pages if page.answer.headers["Set-Cookie"]] == []
    names = copy_bare(pages, tmp_path / "copies")
    with (
        bare_server(tmp_path / "copies") as bare,
        browser(tmp_path, arguments=[f"--log-net-log={log}"]) as page,
    ):
        served = [f"http://127.0.0.1:{house.port}{name}" for name in PUBLIC]
        for url in (*served, *(f"{bare}/{name}" for name in names)):
            page.open(url)
            assert keeps_nothing(page)
        assert hosts(page) == {"127.0.0.1"}
    assert bare in log.read_text(errors="replace")
    assert ELSEWHERE not in log.read_text(errors="replace")


def test_the_browser_would_have_told(tmp_path: Path) -> None:
    """The same posts, put on a page as they come, make the browser ask: the test above can fail."""
    log = tmp_path / "network.json"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "open.html").write_text(f"<!DOCTYPE html><title>x</title>{WAYS}", encoding="utf-8")
    with (
        bare_server(tmp_path / "site") as bare,
        browser(tmp_path, arguments=[f"--log-net-log={log}"]) as page,
    ):
        page.open(f"{bare}/open.html")
        assert ELSEWHERE in hosts(page)
    assert ELSEWHERE in log.read_text(errors="replace")


def test_there_is_a_page_of_every_kind(house: House) -> None:
    """Every template that is a page was among those that were opened, and answers are what they seem."""
    found = [re.search(r"<h1[^>]*>(.*?)</h1>", page.answer.text, re.DOTALL) for page in kinds(house)]
    headings = {re.sub(r"<[^>]*>", "", one.group(1)).strip() for one in found if one}
    assert headings >= {
        "Planet",
        "Subscribe by mail",
        "Look into your mail",
        "Confirm your subscription",
        "You are subscribed",
        "This link was used already",
        "This link has run out",
        "Never ask this address again?",
        "You will not be asked again",
        "Your mails",
        "Change what you get",
        "Erase all about you?",
        "You are erased",
        "You are unsubscribed",
        "You are subscribed again",
        "You get fewer mails now",
        "There is no page here",
        "There is no such page",
        "That was not understood",
    }
    assert any(heading.startswith("Unsubscribe from") for heading in headings)
    assert ANN not in "".join(headings)
