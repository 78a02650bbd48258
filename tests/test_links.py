"""Links: what a reader may click, and where the links of wrappers lead."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidings.posts.links import carried, host, plain_parts, resolve

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

# A link through a wrapper in canonical parts (host, path, query), and where it leads.
CARRIED = [
    ("google.com", "/url", "q=https%3A%2F%2Fblog.example%2Fa%3Fb%3D1&sa=D", "https://blog.example/a?b=1"),
    ("google.co.uk", "/url", "q=words&url=http%3A%2F%2Fblog.example%2F", "http://blog.example/"),
    ("google.com", "/url", "Q=https%3A%2F%2Fblog.example%2F", "https://blog.example/"),
    ("google.com", "/url", "q=https%253A%252F%252Fblog.example%252F", "https://blog.example/"),
    ("google.com", "/url", "q=javascript%3Aalert", ""),
    ("google.com", "/url", "q=%2Fsearch", ""),
    ("google.com", "/search", "q=https%3A%2F%2Fblog.example%2F", ""),
    ("google.com.evil.example", "/url", "q=https%3A%2F%2Fblog.example%2F", ""),
    ("google.com", "/amp/s/blog.example/a", "b=1", "https://blog.example/a?b=1"),
    ("google.com", "/amp/guitar", "", ""),
    ("web.archive.org", "/web/2020/http://blog.example/a", "", "http://blog.example/a"),
    ("web.archive.org", "/web/2020/http:/blog.example/a", "", "http:/blog.example/a"),
    ("web.archive.org", "/details/blog.example/a", "", ""),
    ("href.li", "", "c=2&https%3A%2F%2Fblog.example%2Fa%3Fb=1", "https://blog.example/a?b=1&c=2"),
    ("href.li", "", "https%3A%2F%2Fblog.example%2Fa=", "https://blog.example/a"),
    ("href.li", "", "words=", ""),
    ("bing.com", "/ck/a", "u=a1aHR0cHM6Ly9ibG9nLmV4YW1wbGUvcG9zdD9pZD0x", "https://blog.example/post?id=1"),
    ("bing.com", "/ck/a", "u=a1x", ""),
    ("bing.com", "/ck/a", "u=a1%C3%A9", ""),
    ("bing.com", "/ck/a", "", ""),
    ("blog.example", "/url", "q=https%3A%2F%2Fother.example%2F&url=https%3A%2F%2Fother.example%2F", ""),
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


@pytest.mark.parametrize(("host_name", "path", "query", "expected"), CARRIED)
def test_a_wrapper_says_where_it_leads(host_name: str, path: str, query: str, expected: str) -> None:
    """Of known wrappers the page behind them is read; any other page with a URL in its parameters is left alone."""
    assert carried(host_name, path, query) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.Blog.example:8443/a", "blog.example"),
        ("https://bücher.example", "xn--bcher-kva.example"),
        ("https://straße.example", "xn--strae-oqa.example"),
        ("https://Www.Blog.example./a", "blog.example"),
        ("https://www.com/a", "www.com"),
        ("https://[2001:DB8::1]/a", "[2001:db8::1]"),
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


@settings(max_examples=300)
@given(url=ANY_TEXT)
@example(url="http://a\ud800.example/")
def test_every_url_has_a_host_or_none(url: str) -> None:
    """Whatever a feed holds, asking for the host gives one or "", the same for the host alone."""
    name = host(url)
    assert name == name.lower()
    assert name == "" or host(f"https://{name}/") in (name, "")


_WRITTEN = st.text(st.sampled_from("ab.-/?#=&%:@ [é\t1A~+"), max_size=24)


@given(st.sampled_from(["https://", "http://", "HTTP://", "//", ""]), _WRITTEN)
def test_what_is_in_plain_sight_is_what_the_long_way_finds(scheme: str, rest: str) -> None:
    """A URL in plain characters has the parts that the standard library finds, and resolving it gives it back."""
    url = scheme + rest
    if parts := plain_parts(url):
        split = urlsplit(url)
        assert parts == (split.hostname, split.path, split.query, split.fragment)
        assert split.port is None
        assert resolve("https://base.example/", url) == url
        assert resolve("https://base.example/", f" {url}") == url
