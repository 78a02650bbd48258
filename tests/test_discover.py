"""Discovery from end to end: a site on loopback, the real fetcher, the real parser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Network
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.feeds import item, rss
from tests.fetches import CLOSED, SETTINGS
from tests.origin import Answer, Origin, Request
from tidings import discover
from tidings.discover import MOST_REQUESTS, Discovery
from tidings.store import Store, open_store
from tidings.workers import open_executor

HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "tidings.db") as opened:
        yield opened


@pytest.fixture
def look(store: Store) -> Callable[..., Discovery]:
    """Discovers a URL with the settings given, by default those that open loopback."""

    def discovered(url: str, settings: object = SETTINGS, workers: str = "inline") -> Discovery:
        return discover.run(
            store,
            url,
            settings,  # type: ignore[arg-type]
            partial(open_executor, workers),  # type: ignore[arg-type]
            lambda: datetime.now(UTC),
            lambda: False,
            lambda _url: None,
        )

    return discovered


def page(*links: str, body: str = "") -> Answer:
    return Answer(200, f"<!doctype html><html><head>{''.join(links)}</head><body>{body}</body>".encode(), HTML)


def link(href: str, title: str = "", kind: str = "application/rss+xml") -> str:
    return f'<link rel="alternate" type="{kind}" href="{href}" title="{title}">'


def feed(title: str = "Blog") -> bytes:
    dates = ("Fri, 20 Nov 2026 08:00:00 GMT", "Sat, 21 Nov 2026 08:00:00 GMT")
    return rss([item(number, date=date) for number, date in enumerate(dates)], title)


def urls(found: Discovery) -> list[str]:
    return [one.url for one in found.feeds]


def test_a_page_gives_the_feeds_it_announces(look: Callable[..., Discovery]) -> None:
    """The announced feeds are fetched and described, the main one first, the comments last; the page is asked once."""
    with Origin() as origin:
        origin.serve("/", page(link("/comments/feed/", "Blog » Comments Feed"), link("/feed/", "Blog » Feed")))
        origin.serve_feed("/feed/", feed("Blog & more"))
        origin.serve_feed("/comments/feed/", feed("Comments for Blog"))
        found = look(origin.url("/"))
        assert urls(found) == [origin.url("/feed/"), origin.url("/comments/feed/")]
        assert [one.is_comments for one in found.feeds] == [False, True]
        best = found.best
        assert best is not None
        assert (best.title, best.format, best.posts, best.kind) == ("Blog & more", "rss20", 2, "announced")
        assert best.newest == datetime(2026, 11, 21, 8, tzinfo=UTC)
        assert (found.is_feed, found.refused, found.failure) == (False, (), "")
        assert sorted(request.path for request in origin.requests) == ["/", "/comments/feed/", "/feed/"]


def test_a_feed_is_its_own_answer(look: Callable[..., Discovery]) -> None:
    """A URL that is a feed's already is fetched once, and nothing else is asked for."""
    with Origin() as origin:
        origin.serve_feed("/feed", feed())
        found = look(origin.url("/feed"))
        assert (urls(found), found.is_feed) == ([origin.url("/feed")], True)
        assert [request.path for request in origin.requests] == ["/feed"]


def test_the_address_is_where_permanent_redirects_lead(look: Callable[..., Discovery]) -> None:
    """A feed is given under the address that it has moved to for good, but under its own if the redirect may change."""
    with Origin() as origin:
        origin.serve("/", page(link("/old"), link("/today", "Other")))
        origin.serve("/old", Answer(301, headers={"Location": "/new"}))
        origin.serve("/today", Answer(302, headers={"Location": "/edge-7"}))
        origin.serve_feed("/new", feed())
        origin.serve_feed("/edge-7", feed("Other"))
        assert urls(look(origin.url("/"))) == [origin.url("/new"), origin.url("/today")]


def test_two_addresses_of_one_feed_are_one(look: Callable[..., Discovery]) -> None:
    """Two announcements that lead to the same document count once, under the first."""
    with Origin() as origin:
        origin.serve("/", page(link("/feed/"), link("/feed")))
        origin.serve("/feed", Answer(302, headers={"Location": "/feed/"}))
        origin.serve_feed("/feed/", feed())
        assert urls(look(origin.url("/"))) == [origin.url("/feed/")]


def test_links_are_tried_where_nothing_is_announced(look: Callable[..., Discovery]) -> None:
    """A link in the text counts if the page announces nothing, and the usual addresses are left alone then."""
    with Origin() as origin:
        origin.serve("/", page(body='<a href="/about">About</a> <a href="/news">Subscribe by RSS</a>'))
        origin.serve_feed("/news", feed())
        found = look(origin.url("/"))
        assert [(one.url, one.kind) for one in found.feeds] == [(origin.url("/news"), "linked")]
        assert [request.path for request in origin.requests] == ["/", "/news"]


def test_an_announcement_that_does_not_work_is_reported(look: Callable[..., Discovery]) -> None:
    """What the page announces and is no feed is named with the reason, and the search goes on."""
    with Origin() as origin:
        origin.serve("/", page(link("/gone"), link("/page"), body='<a href="/real.rss">here</a>'))
        origin.serve("/page", page())
        origin.serve_feed("/real.rss", feed())
        found = look(origin.url("/"))
        assert urls(found) == [origin.url("/real.rss")]
        assert {one.url: one.kind for one in found.refused} == {
            origin.url("/gone"): "announced",
            origin.url("/page"): "announced",
        }
        assert "404" in found.refused[0].reason
        assert "web page" in found.refused[1].reason


@pytest.mark.parametrize("path", ["/feed", "/atom.xml", "/index.xml", "/feeds/posts/default"])
def test_usual_addresses_are_tried_last_and_one_by_one(look: Callable[..., Discovery], path: str) -> None:
    """Without any announcement or link the usual addresses are tried, until one is a feed."""
    with Origin() as origin:
        origin.serve("/", page())
        origin.serve_feed(path, feed())
        found = look(origin.url("/"))
        assert [(one.url, one.kind) for one in found.feeds] == [(origin.url(path), "guessed")]
        assert origin.requests[-1].path == path


def test_never_more_than_a_dozen_requests(look: Callable[..., Discovery]) -> None:
    """However much a page announces and links to, a discovery ends after its dozen."""
    with Origin() as origin:
        many = [link(f"/dead/{number}.xml") for number in range(40)]
        origin.serve("/blog/post", page(*many, body='<a href="/x.rss">RSS</a>' * 9))
        found = look(origin.url("/blog/post"))
        assert found.feeds == ()
        assert len(origin.requests) == MOST_REQUESTS
        assert len({request.path for request in origin.requests}) == MOST_REQUESTS
        assert origin.count("/blog/post") == 1


def test_only_comments_are_no_answer(look: Callable[..., Discovery]) -> None:
    """A feed of comments alone does not end the search, and is never the best."""
    with Origin() as origin:
        origin.serve("/", page(link("/c", "Comments")))
        origin.serve_feed("/c", feed("Comments on Blog"))
        assert look(origin.url("/")).best is None
        origin.serve_feed("/feed.xml", feed())
        found = look(origin.url("/"))
        assert found.best is not None
        assert urls(found) == [origin.url("/feed.xml"), origin.url("/c")]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(404), "404"),
        (Answer(500), "500"),
        (Answer(403), "403"),
        (Answer(302, headers={"Location": "/"}), "redirect"),
    ],
)
def test_a_page_that_cannot_be_had_is_a_reason(look: Callable[..., Discovery], answer: Answer, words: str) -> None:
    """If the page itself does not come, the reason is given and nothing is guessed at that site."""
    with Origin() as origin:
        origin.serve("/", answer)
        found = look(origin.url("/"))
        assert found.feeds == ()
        assert words in found.failure
        assert {request.path for request in origin.requests} == {"/"}


def test_a_broken_feed_is_said_to_be_one(look: Callable[..., Discovery]) -> None:
    """A document that begins like a feed and holds nothing is a reason of its own, not a page to search."""
    with Origin() as origin:
        origin.serve("/feed", Answer(200, b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>"))
        assert "begins like a feed" in look(origin.url("/feed")).failure


SCRAPS = [b"<rss><channel>" + b"<div><p>" * 20, b"<rss><channel><title>", b"<rss version='2.0'><channel></channel>"]


@pytest.mark.parametrize("scrap", SCRAPS)
def test_a_scrap_of_a_feed_is_not_suggested(look: Callable[..., Discovery], scrap: bytes) -> None:
    """A document that breaks off before it names itself or has a post is none, announced or given, whatever the page
    calls it; the search goes on."""
    with Origin() as origin:
        origin.serve("/", page(link("/scrap", "The Blog"), body='<a href="/real.rss">here</a>'))
        origin.serve("/scrap", Answer(200, scrap))
        origin.serve_feed("/real.rss", feed())
        found = look(origin.url("/"))
        assert urls(found) == [origin.url("/real.rss")]
        assert ["cut short" in one.reason for one in found.refused] == [True]
        given = look(origin.url("/scrap"))
        assert given.feeds == ()
        assert "cut short" in given.failure


@pytest.mark.parametrize(
    "body",
    [
        rss([], title=""),
        b"<rss><channel/></rss>",
        b"<rss><channel><title>New Blog</title><link>https://blog.example/",
        rss([item(1)], title="")[:-20],
        b"<feed xmlns='http://www.w3.org/2005/Atom'/>",
    ],
    ids=["no title", "nothing in it", "cut behind its title", "cut behind a post", "an empty Atom feed"],
)
def test_a_feed_that_is_empty_or_only_cut_is_suggested(look: Callable[..., Discovery], body: bytes) -> None:
    """A new blog has no posts yet, and a cut feed with a name or a post is still that blog's."""
    with Origin() as origin:
        origin.serve("/", page(link("/feed")))
        origin.serve_feed("/feed", body)
        assert urls(look(origin.url("/"))) == [origin.url("/feed")]
        assert look(origin.url("/feed")).is_feed


def test_the_own_feed_comes_before_one_elsewhere(look: Callable[..., Discovery]) -> None:
    """A page that announces a friend's feed first is followed by its own; where only the friend's is there, by that."""
    with Origin("127.0.0.2") as site, Origin("127.0.0.1") as friend:
        friend.serve_feed("/feed", feed("Friend"))
        site.serve_feed("/own", feed("Own"))
        site.serve_feed("/comments/feed", feed("Comments"))
        site.serve("/", page(link(friend.url("/feed")), link("/comments/feed", "Comments"), link("/own")))
        assert urls(look(site.url("/"))) == [site.url("/own"), friend.url("/feed"), site.url("/comments/feed")]
        site.serve("/", page(link(friend.url("/feed"))))
        best = look(site.url("/")).best
        assert best is not None
        assert best.url == friend.url("/feed")


# ---------------------------------------------------------------------------------------------- hostile pages


def test_loopback_is_closed_by_default(look: Callable[..., Discovery]) -> None:
    """A page on a private address is not even asked for while its network is not opened."""
    with Origin() as origin:
        origin.serve("/", page())
        found = look(origin.url("/"), CLOSED)
        assert found.feeds == ()
        assert "127.0.0.1" in found.failure
        assert origin.requests == []


def outside(origin: Origin) -> object:
    """Settings under which `origin` is the internet, and all the rest of loopback is private."""
    return replace(SETTINGS, allow_networks=(IPv4Network(f"{origin.host}/32"),))


def as_feed_host(url: str) -> str:
    """The same machine under a name that a site's links may lead to: services for feeds are often called `feeds.`."""
    return f"http://feeds.localhost:{urlsplit(url).port}/feed.xml"


WAYS = {
    "announced": lambda url: page(link(url)),
    "announced atom": lambda url: page(link(url, kind="application/atom+xml")),
    "announced without type": lambda url: page(f"<link rel=feed href='{url}'>"),
    "feed scheme": lambda url: page(link(f"feed:{url}")),
    "base": lambda url: page(f"<base href='{url}'>", link("feed.xml")),
    "scheme-relative": lambda url: page(link(url.removeprefix("http:"))),
    "tabs inside": lambda url: page(link(url.replace("127", "1\t2\n7"))),
    "entities": lambda url: page(link(url.replace("1", "&#49;"))),
    "user name": lambda url: page(link(url.replace("http://", "http://blog.example@"))),
    "linked": lambda url: page(body=f'<a href="{as_feed_host(url)}">RSS</a>'),
    "linked with base": lambda url: page(f"<base href='{as_feed_host(url)}'>", body='<a href="/feed.xml">RSS</a>'),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "written",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]"],
)
def test_no_page_leads_to_a_private_address(look: Callable[..., Discovery], way: str, written: str) -> None:
    """Whatever way a page names a private address as its feed, and however it writes it, no request arrives there."""
    with Origin("127.0.0.2") as site, Origin("127.0.0.1") as inside:
        inside.serve_feed("/feed.xml", feed("Secret"))
        site.serve("/", WAYS[way](f"http://{written}:{inside.port}/feed.xml"))
        found = look(site.url("/"), outside(site))
        assert inside.requests == []
        assert found.feeds == ()


@pytest.mark.parametrize("way", [way for way in WAYS if way != "user name"])
def test_the_same_ways_lead_to_an_address_that_is_open(look: Callable[..., Discovery], way: str) -> None:
    """It is the guard that keeps these pages from the private address: with the network opened they lead there."""
    with Origin("127.0.0.2") as site, Origin("127.0.0.1") as inside:
        inside.serve_feed("/feed.xml", feed("Open"))
        site.serve("/", WAYS[way](inside.url("/feed.xml")))
        found = look(site.url("/"))
        assert inside.count("/feed.xml") == len(found.feeds) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", ["/", "/feed.xml", "/feed"])
def test_no_redirect_leads_to_a_private_address(look: Callable[..., Discovery], status: int, path: str) -> None:
    """The page, an announced feed and a guessed address may redirect to a private address; none is followed there."""
    with Origin("127.0.0.2") as site, Origin("127.0.0.1") as inside:
        inside.serve_feed("/feed.xml", feed("Secret"))
        site.serve("/", page(link("/feed.xml") if path == "/feed.xml" else ""))
        site.serve(path, Answer(status, headers={"Location": inside.url("/feed.xml")}))
        found = look(site.url("/"), outside(site))
        assert site.count(path) == 1
        assert inside.requests == []
        assert found.feeds == ()


def test_a_page_that_only_redirects_by_script_is_not_followed(look: Callable[..., Discovery]) -> None:
    """Nothing in a page is followed but what may be a feed."""
    with Origin("127.0.0.2") as site, Origin("127.0.0.1") as inside:
        refresh = f'<meta http-equiv="refresh" content="0;url={inside.url("/feed")}">'
        site.serve("/", page(refresh, body=f"<script>location='{inside.url('/feed')}'</script>"))
        look(site.url("/"), outside(site))
        assert inside.requests == []


def test_a_hostile_page_does_not_stop_discovery(look: Callable[..., Discovery]) -> None:
    """Pages made to break parsers are read, or given up, in the worker."""
    with Origin() as origin:
        origin.serve("/", Answer(200, b"<html><![bad[" + b"<a " * 100_000 + b"<link rel=alternate", HTML))
        origin.serve_feed("/feed", feed())
        assert urls(look(origin.url("/"), workers="processes")) == [origin.url("/feed")]


# ---------------------------------------------------------------------------------------------- politeness


def test_a_host_is_asked_one_request_at_a_time_with_its_pause(look: Callable[..., Discovery]) -> None:
    """Between any two requests of a discovery to one server lies the configured pause, from page to last candidate."""
    spacing = timedelta(seconds=0.3)
    with Origin() as origin:

        def answer(request: Request) -> Answer:
            return page(link("/a.xml"), link("/b.xml")) if request.path == "/" else Answer(404)

        for path in ("/", "/a.xml", "/b.xml"):
            origin.serve(path, answer)
        # A name that resolves to loopback but is no literal address counts as somebody else's server.
        settings = replace(SETTINGS, host_spacing=spacing)
        look(origin.url("/", host="blog.localhost"), settings)
        arrivals = [(request.arrived, request.answered) for request in origin.requests]
        assert len(arrivals) == MOST_REQUESTS
        for (_, answered), (arrived, _) in pairwise(arrivals):
            assert answered is not None
            assert arrived - answered >= spacing.total_seconds() * 0.9


def test_a_server_that_says_stop_is_not_asked_again(look: Callable[..., Discovery]) -> None:
    """After a 429 the rest of the discovery leaves the server alone, and so does the next one."""
    with Origin() as origin:
        origin.serve("/", page(link("/a.xml"), link("/b.xml")))
        origin.serve("/a.xml", Answer(429, headers={"Retry-After": "3600"}))
        found = look(origin.url("/", host="blog.localhost"))
        assert [request.path for request in origin.requests] == ["/", "/a.xml"]
        assert "429" in found.refused[0].reason
        again = look(origin.url("/", host="blog.localhost"))
        assert len(origin.requests) == 2
        assert "no requests for now" in again.failure
