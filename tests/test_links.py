"""Links: what a reader may click, and what makes two links the same page."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidings.posts.links import canonical, host, is_front_page, resolve

BASE = "https://blog.example/2026/post?x=1#top"

RESOLVED = [
    ("/about", "https://blog.example/about"),
    ("next", "https://blog.example/2026/next"),
    ("../img/a.png", "https://blog.example/img/a.png"),
    ("../../../a", "https://blog.example/a"),
    ("?page=2", "https://blog.example/2026/post?page=2"),
    ("#note", "https://blog.example/2026/post?x=1#note"),
    ("//cdn.example/a", "https://cdn.example/a"),
    ("http://other.example/a", "http://other.example/a"),
    ("HTTPS://Other.example/A", "https://Other.example/A"),
    ("  https://other.example/a\n", "https://other.example/a"),
    ("https://other.example/\ta\r\nb", "https://other.example/ab"),
    ("https://other.example/a b  c", "https://other.example/a%20b%20%20c"),
    ("https://other.example/a\u200bb", "https://other.example/ab"),
    ("https://other.example/\u202egpj.exe", "https://other.example/gpj.exe"),
    ("https://other.example/\ud800a", "https://other.example/a"),
    ("https://bücher.example/straße", "https://bücher.example/straße"),
    ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a"),
    ("https://user:secret@other.example/", "https://user:secret@other.example/"),
    ("mailto:joe@example.org?subject=a b", "mailto:joe@example.org?subject=a%20b"),
    ("MAILTO:joe@example.org", "mailto:joe@example.org"),
    ("https://other.example:8443/", "https://other.example:8443/"),
    ("https://other.example/" + "a" * 8000, "https://other.example/" + "a" * 8000),
]

REFUSED = [
    "",
    "   ",
    "\u200b",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    "vbscript:x",
    "data:text/html,<script>",
    "blob:https://other.example/1",
    "file:///etc/passwd",
    "ftp://other.example/a",
    "about:blank",
    "tel:+491234",
    "tag:other.example,2026:1",
    "urn:uuid:1",
    "mailto:",
    "mailto:nobody",
    "http:",
    "http://",
    "https:///path",
    "https://:80/",
    "http://[::1/",
    "http://[not-an-address]/",
    "http://other.example:99999/",
    "http://other.example:port/",
    "http://other.example/" + "a" * 9000,
]

CANONICAL = [
    ("https://blog.example/post", "https://blog.example/post"),
    ("http://blog.example/post", "https://blog.example/post"),
    ("https://www.blog.example/post", "https://blog.example/post"),
    ("https://www.www.blog.example/post", "https://blog.example/post"),
    ("https://BLOG.Example/Post", "https://blog.example/Post"),
    ("https://blog.example./post", "https://blog.example/post"),
    ("https://blog.example:443/post", "https://blog.example/post"),
    ("http://blog.example:80/post", "https://blog.example/post"),
    ("https://blog.example:8443/post", "https://blog.example:8443/post"),
    ("https://blog.example/post/", "https://blog.example/post"),
    ("https://blog.example/", "https://blog.example"),
    ("https://blog.example/post#comments", "https://blog.example/post"),
    ("https://blog.example/#!/post", "https://blog.example#!/post"),
    ("https://blog.example/#/post", "https://blog.example#/post"),
    ("https://blog.example/post?utm_source=rss&utm_medium=feed", "https://blog.example/post"),
    ("https://blog.example/post?UTM_Source=rss", "https://blog.example/post"),
    ("https://blog.example/post?id=1&fbclid=abc", "https://blog.example/post?id=1"),
    ("https://blog.example/post?gclid=a&mc_cid=b&mc_eid=c&_hsenc=d", "https://blog.example/post"),
    ("https://blog.example/post?b=2&a=1", "https://blog.example/post?a=1&b=2"),
    ("https://blog.example/post?a", "https://blog.example/post?a="),
    ("https://blog.example/post?a=&b=2", "https://blog.example/post?a=&b=2"),
    ("https://blog.example/post?", "https://blog.example/post"),
    ("https://blog.example/post?q=a+b", "https://blog.example/post?q=a+b"),
    ("https://blog.example/post?q=a%20b", "https://blog.example/post?q=a+b"),
    ("https://blog.example/%7Ejoe/%61", "https://blog.example/~joe/a"),
    ("https://blog.example/caf%c3%a9", "https://blog.example/caf%C3%A9"),
    ("https://blog.example/café", "https://blog.example/caf%C3%A9"),
    ("https://blog.example/a%2Fb", "https://blog.example/a%2Fb"),
    ("https://blog.example/100%", "https://blog.example/100%25"),
    ("https://blog.example/a b", "https://blog.example/a%20b"),
    ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
    ("https://xn--bcher-kva.example/a", "https://xn--bcher-kva.example/a"),
    ("https://BÜCHER.example/a", "https://xn--bcher-kva.example/a"),
    ("https://bücher。example。/a", "https://xn--bcher-kva.example/a"),
    ("https://joe:secret@blog.example/a", "https://blog.example/a"),
    ("https://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
    ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
    ("https://blog.example:0/a", "https://blog.example/a"),
    ("mailto:joe@example.org", ""),
    ("javascript:alert(1)", ""),
    ("/post", ""),
    ("//blog.example/post", ""),
    ("blog.example/post", ""),
    ("http://./post", ""),
    ("http://blog.example:99999/", ""),
    ("http://[::1/", ""),
    ("", ""),
]

DIFFERENT = [
    ("https://blog.example/a", "https://blog.example/b"),
    ("https://blog.example/a", "https://blog.example/A"),
    ("https://blog.example/?p=1", "https://blog.example/?p=2"),
    ("https://blog.example/a%2Fb", "https://blog.example/a/b"),
    ("https://blog.example/?q=%E9", "https://blog.example/?q=%E8"),
    ("https://blog.example/?q=%83%65", "https://blog.example/?q=%83%66"),
    ("https://blog.example/%E9", "https://blog.example/%E8"),
    ("https://blog.example/?q=%2B", "https://blog.example/?q=+"),
    ("https://blog.example:8080/", "https://blog.example:8081/"),
    ("https://blog.example/#!/a", "https://blog.example/#!/b"),
]

PIECES = (
    "http https :// : // www. blog.example bücher 。 . / .. ? & = # ! % %41 %2f %E9 %c3%a9 @ [ ] ::1 :80 :443 :9 "
    "utm_source a é + ; \\ ß İ ﬀ mailto: x@y javascript:"
).split()
SOME_URLS = st.lists(st.sampled_from([*PIECES, " ", "\t", "\x00", "\u200b", "\ud800"]), max_size=14).map("".join)
ANY_TEXT = SOME_URLS | st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(("link", "expected"), RESOLVED)
def test_links_are_made_absolute(link: str, expected: str) -> None:
    """A link becomes the absolute URL that a browser would go to."""
    assert resolve(BASE, link) == expected


@pytest.mark.parametrize("link", REFUSED)
def test_what_nobody_should_click_is_no_link(link: str) -> None:
    """Anything but a usable http, https or mailto URL is dropped, however it is disguised."""
    assert resolve("", link) == ""


@pytest.mark.parametrize("base", ["", "not a url", "/relative", "http://[broken", "mailto:a@b", "data:x"])
def test_a_base_that_is_none_leaves_absolute_links_alone(base: str) -> None:
    """A useless base costs relative links, and nothing else."""
    assert resolve(base, "https://blog.example/a") == "https://blog.example/a"
    assert resolve(base, "a.html") == ""


def test_a_base_is_cleaned_as_links_are() -> None:
    """Blanks in the base don't end up in the link."""
    assert resolve(" https://blog.example/a b/\n", "c") == "https://blog.example/a%20b/c"


@pytest.mark.parametrize(("url", "expected"), CANONICAL)
def test_canonical_drops_what_does_not_name_the_page(url: str, expected: str) -> None:
    """Two spellings of one page have one canonical URL, and what is no page has none."""
    assert canonical(url) == expected


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_canonical_keeps_pages_apart(one: str, other: str) -> None:
    """What may be two pages stays two: merging them would lose one."""
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://blog.example", True),
        ("https://blog.example/?utm_source=rss", True),
        ("https://blog.example/#comments", True),
        ("https://blog.example/?p=12", False),
        ("https://blog.example/#!/a", False),
        ("https://blog.example/a", False),
    ],
)
def test_a_front_page_is_told_from_a_page(url: str, expected: bool) -> None:
    """A URL without path, query and route names a whole site."""
    assert is_front_page(canonical(url)) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.Blog.example:8443/a", "blog.example"),
        ("https://bücher.example", "xn--bcher-kva.example"),
        ("not a url", ""),
        ("http://[broken", ""),
        ("", ""),
    ],
)
def test_host_is_comparable(url: str, expected: str) -> None:
    """The host comes in lower case, in ASCII and without www."""
    assert host(url) == expected


@settings(max_examples=400)
@given(base=ANY_TEXT, link=ANY_TEXT)
@example(base="https://blog.example/", link="http://.")
def test_resolve_gives_a_clean_url_or_nothing(base: str, link: str) -> None:
    """Whatever a feed holds, the result is "" or one http, https or mailto URL that UTF-8 can carry on one line."""
    url = resolve(base, link)
    assert url == "" or url.startswith(("http://", "https://", "mailto:"))
    assert url.encode().decode() == url
    assert len(url.split()) <= 1
    assert not any(ord(character) < 33 for character in url)


@settings(max_examples=200)
@given(base=ANY_TEXT, link=ANY_TEXT)
def test_a_resolved_link_resolves_to_itself(base: str, link: str) -> None:
    """Resolving is done once: a second time, against any base, changes nothing."""
    url = resolve(base, link)
    assert resolve(BASE, url) == url


@settings(max_examples=600)
@given(url=ANY_TEXT)
@example(url="http://./a")
@example(url="http://a。。/")
@example(url="https://blog.example/?%")
@example(url="https://blog.example/#! #!")
def test_canonical_is_idempotent(url: str) -> None:
    """The canonical form of a canonical URL is that URL, and plain ASCII but for a route or an impossible host."""
    once = canonical(url)
    assert canonical(once) == once
    assert host(once) == host(canonical(once))
    is_front_page(once)
