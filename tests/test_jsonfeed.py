"""JSON Feed 1.0 and 1.1."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidings.model import Document, Enclosure, Failed, ParsedFeed, ParsedPost
from tidings.posts.parse import MAX_POSTS, parse

VERSION = "https://jsonfeed.org/version/1.1"
URL = "https://blog.example/feed.json"


def read(feed: Any) -> ParsedFeed:
    """What parsing gives for this value, served as JSON."""
    parsed = parse(Document(URL, json.dumps(feed).encode(), "application/feed+json"))
    assert isinstance(parsed, ParsedFeed), parsed
    return parsed


def read_item(**item: Any) -> ParsedPost:
    """The one post of a feed with this item."""
    [post] = read({"version": VERSION, "title": "T", "items": [item]}).posts
    return post


def test_reads_a_whole_feed() -> None:
    """Everything a 1.1 feed can say about a post arrives."""
    feed = read(
        {
            "version": VERSION,
            "title": " A\nBlog ",
            "home_page_url": "https://blog.example/",
            "language": "en_GB",
            "authors": [{"name": "Ada"}],
            "items": [
                {
                    "id": "1",
                    "url": "/one",
                    "title": "One & <two>",
                    "content_html": "<p>Text</p>",
                    "summary": "Short",
                    "date_published": "2024-02-29T12:00:00+01:00",
                    "date_modified": "2024-03-01T00:00:00Z",
                    "authors": [{"name": "Bea"}, {"name": "Cai"}],
                    "tags": ["x", "X", "y"],
                    "language": "de",
                    "attachments": [{"url": "/a.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 7}],
                }
            ],
        }
    )
    assert (feed.format, feed.title, feed.site_url, feed.language) == (
        "json11",
        "A Blog",
        "https://blog.example/",
        "en-GB",
    )
    assert feed.posts == (
        ParsedPost(
            position=0,
            guid="1",
            url="https://blog.example/one",
            title="One & <two>",
            author="Bea, Cai",
            published=datetime(2024, 2, 29, 11, tzinfo=UTC),
            updated=datetime(2024, 3, 1, tzinfo=UTC),
            tags=("x", "y"),
            summary_html="<p>Short</p>",
            content_html="<p>Text</p>",
            base="https://blog.example/one",
            language="de",
            enclosures=(Enclosure("https://blog.example/a.mp3", "audio/mpeg", 7),),
        ),
    )


@pytest.mark.parametrize(
    ("said", "title", "url"),
    [
        ({"title": "A\nBlog", "home_page_url": "/a", "feed_url": "/a.xml"}, "A Blog", "https://blog.example/a"),
        ({"title": "A Blog", "feed_url": "https://a.example/feed"}, "A Blog", "https://a.example/feed"),
        ({"title": 5, "home_page_url": ["/a"]}, "", ""),
        ("A Blog", "", ""),
        (None, "", ""),
    ],
)
def test_where_a_planet_took_an_item_from(said: object, title: str, url: str) -> None:
    """`_tidings` names the feed that an item is from, its site before its feed as with atom:source."""
    post = read_item(id="1", _tidings={"source": said, "rights": "CC BY"})
    assert (post.origin_title, post.origin_url, post.rights) == (title, url, "CC BY")
    assert read_item(id="1", _tidings="Tidings").origin_url == ""


@pytest.mark.parametrize(
    ("value", "guid"),
    [
        ("a", "a"),
        (7, "7"),
        (7.0, "7"),
        (7.5, "7.5"),
        (True, ""),
        (None, ""),
        (["a"], ""),
        ("  a ", "a"),
        (2**70, str(2**70)),
    ],
)
def test_ids_become_strings(value: object, guid: str) -> None:
    """A number is read as a string, as the specification asks; what is neither counts as no id."""
    assert read_item(id=value).guid == guid


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ({"url": "https://a.example/1", "external_url": "https://b.example/"}, "https://a.example/1"),
        ({"external_url": "https://b.example/"}, "https://b.example/"),
        ({"id": "https://a.example/1"}, "https://a.example/1"),
        ({"id": "1"}, ""),
        ({"url": "javascript:alert(1)"}, ""),
        ({"attachments": [{"url": "https://a.example/1.mp3"}]}, "https://a.example/1.mp3"),
    ],
)
def test_the_address_of_a_post(item: dict[str, Any], url: str) -> None:
    """Its own page, else what it links to, else an id that is a URL, else its file."""
    assert read_item(**item).url == url


@pytest.mark.parametrize(
    ("item", "content", "summary"),
    [
        ({"content_html": "<p>a</p>", "content_text": "a"}, "<p>a</p>", ""),
        ({"content_text": "1 < 2\n\nnext\nline"}, "<p>1 &lt; 2</p>\n<p>next<br>line</p>", ""),
        ({"summary": "s"}, "<p>s</p>", ""),
        ({"content_text": "s", "summary": "s"}, "<p>s</p>", ""),
        ({"image": "/i.png"}, '<img src="https://blog.example/i.png" alt="">', ""),
        ({}, "", ""),
    ],
)
def test_the_text_of_a_post(item: dict[str, Any], content: str, summary: str) -> None:
    """HTML goes before text, text keeps its paragraphs and is escaped, and a summary that repeats it is none."""
    post = read_item(**item)
    assert (post.content_html, post.summary_html) == (content, summary)


@pytest.mark.parametrize(
    ("context", "author"),
    [
        ({"author": {"name": "A"}}, "A"),
        ({"author": "A"}, "A"),
        ({"authors": ["A", {"url": "x"}, 1]}, "A"),
        ({}, "Feed"),
    ],
)
def test_authors(context: dict[str, Any], author: str) -> None:
    """1.0 and 1.1 forms and bare names are read; a post without one has the feed's."""
    feed = read({"version": VERSION, "author": {"name": "Feed"}, "items": [{"id": "1", **context}]})
    assert feed.posts[0].author == author


def test_relative_links_of_a_proxied_feed_belong_to_the_site() -> None:
    """A feed served by another host than its site means the site by its relative links."""
    feed = {"version": VERSION, "home_page_url": "https://site.example/b/", "items": [{"id": "1", "url": "one"}]}
    assert read(feed).posts[0].url == "https://site.example/b/one"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "not-a-feed"),
        (b'{"error": "not found"}', "not-a-feed"),
        (b'{"version": 1, "items": {}}', "not-a-feed"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": [', "parse"),
        (b"{" * 100_000, "parse"),
        (b'{"a":' * 100_000, "parse"),
        (b'{"items": [' + b"1" * 10_000 + b"]}", "parse"),
    ],
)
def test_refuses_other_json(body: bytes, kind: str) -> None:
    """JSON that is no JSON Feed, or no whole JSON, fails with a reason."""
    failed = parse(Document(URL, body))
    assert isinstance(failed, Failed)
    assert failed.kind == kind
    assert failed.message


@pytest.mark.parametrize("lead", [b"\xef\xbb\xbf", b"\n  ", b"\xef\xbb\xbf\n"])
def test_byte_order_mark_and_blanks_before_json(lead: bytes) -> None:
    """They are not part of the feed, and UTF-16 is read too."""
    body = json.dumps({"version": VERSION, "title": "é"}, ensure_ascii=False)
    for document in (lead + body.encode(), body.encode("utf-16")):
        feed = parse(Document(URL, document))
        assert isinstance(feed, ParsedFeed)
        assert feed.title == "é"


def test_a_document_with_too_many_posts_is_called_malformed() -> None:
    """Posts over the limit are not read, and the feed says so."""
    feed = read({"version": VERSION, "items": [{"id": number} for number in range(MAX_POSTS + 1)]})
    assert len(feed.posts) == MAX_POSTS
    assert feed.malformed


def test_lone_surrogates_never_reach_a_post() -> None:
    """JSON can spell characters that UTF-8 cannot hold; they are dropped."""
    post = read_item(id="a\ud800", title="b\udfff", content_html="<p>c\ud800</p>", summary="d\ud800", tags=["e\ud800"])
    assert (post.guid, post.title, post.content_html, post.summary_html) == ("a", "b", "<p>c</p>", "<p>d</p>")
    assert post.tags == ("e",)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.just("http://[x"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    "id url external_url title content_html content_text summary image date_published date_modified author authors "
    "tags attachments language name mime_type size_in_bytes"
).split()
OBJECTS = st.dictionaries(st.sampled_from(KEYS), ANYTHING | st.fixed_dictionaries({"url": ANYTHING, "name": ANYTHING}))


@given(
    st.dictionaries(st.sampled_from(["title", "home_page_url", *KEYS]), ANYTHING),
    st.lists(OBJECTS | ANYTHING, max_size=4),
)
@settings(deadline=None)
def test_any_value_anywhere_is_survived(feed: dict[str, Any], items: list[Any]) -> None:
    """Whatever types the values have, the objects among the items become posts."""
    posts = read({**feed, "version": VERSION, "items": items}).posts
    assert len(posts) == sum(isinstance(item, dict) for item in items)
