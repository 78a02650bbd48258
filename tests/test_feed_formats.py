"""A feed in its three formats: valid, alike, and no more of a post than may be shown."""

from __future__ import annotations

import calendar
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.feed_checks import ATOM, JSON_FEED, assert_atom, assert_feed, assert_json_feed
from tests.render_samples import FIXTURES, FROZEN_AT, ISSUE, POSTS
from tests.rss_profile import assert_rss
from tidings.model import About, Document, Enclosure, ParsedFeed, StoredPost
from tidings.posts.parse import parse
from tidings.render.atom import write_atom
from tidings.render.feeds import CombinedFeed, Feed, feed_of_posts
from tidings.render.issue_feed import IssueFeed, feed_of_issues
from tidings.render.jsonfeed import write_json
from tidings.render.rss import write_rss

WRITERS: dict[str, Callable[[Feed, str], bytes]] = {
    "atom.xml": write_atom,
    "rss.xml": write_rss,
    "feed.json": write_json,
}
SITE = "https://planet.example"
DC = "{http://purl.org/dc/elements/1.1/}"
ENCODED = "{http://purl.org/rss/1.0/modules/content/}encoded"
ABOUT = About(
    "tag:a.example,2026:blog",
    "Ann",
    "© Ann, CC BY-ND",
    "https://a.example/icon.png",
    "https://a.example/logo.png",
    ("Go", "Zig"),
)
HOSTILE = {
    "mark-up": "<script>alert(1)</script>",
    "reference": "AT&amp;T &lt;b&gt; &nosuch; & &#0;",
    "quotes": "\"'`>",
    "controls": "a\x00b\x07c\x0b\x1bd\x7fe\x85f",
    "no characters": "a\ufffeb\uffffc\ud800d\udfffe",
    "astral": "\U0001f469\u200d\U0001f680 \U00020000 \U0010fffd",
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "direction": "\u202eevil\u202c \u2066isolated\u2069 \u200f\u200e",
    "CDATA ends": "]]>]]&gt;<![CDATA[x]]>",
    "CDATA in CDATA": "<![CDATA[<![CDATA[x]]]]><![CDATA[>]]>",
    "processing": "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y 'z'>]><!-- -- -->&y;",
    "lines": "a\r\nb\u2028c\u2029d\te",
    "blank": " \u00a0\u3000\u200b ",
    "marks": "a" + "\u0300" * 500,
}


def combined(posts: Sequence[StoredPost] = POSTS, **values: Any) -> CombinedFeed:
    feed = CombinedFeed(
        id="urn:uuid:3f1c3a5e-8f0b-4a53-9d8e-0d8d0b1c2a11",
        title="Planet Harbour",
        site_url=f"{SITE}/",
        posts=posts,
        empty_updated=datetime(2026, 1, 1, tzinfo=UTC),
        author="Planet Harbour",
        language="en",
    )
    return replace(feed, **values)


def written(feed: CombinedFeed) -> dict[str, bytes]:
    """The feed in each format, each of them valid, with as many entries as there are posts."""
    value = feed_of_posts(feed)
    documents = {name: write(value, f"{SITE}/{name}") for name, write in WRITERS.items()}
    for name, document in documents.items():
        assert assert_feed(name, document) == len(feed.posts)
    return documents


def item(post: StoredPost, **values: Any) -> etree._Element:
    return assert_rss(written(combined([post], **values))["rss.xml"]).find("channel/item")


def json_item(post: StoredPost, **values: Any) -> dict[str, Any]:
    [found] = assert_json_feed(written(combined([post], **values))["feed.json"])["items"]
    return dict(found)


def source(post: StoredPost, **values: Any) -> etree._Element:
    return assert_atom(written(combined([post], **values))["atom.xml"]).find("a:entry/a:source", ATOM)


def read_back(name: str, document: bytes) -> ParsedFeed:
    """The feed as our own reader reads it."""
    parsed = parse(Document(f"{SITE}/{name}", document))
    assert isinstance(parsed, ParsedFeed)
    assert not parsed.malformed
    return parsed


# --------------------------------------------------------------------------------------------------- all formats


def test_samples_are_valid_in_every_format() -> None:
    """By the grammar of RFC 4287, by the RSS profile, and by the schema of JSON Feed."""
    written(combined())
    written(combined([]))


def test_the_checks_can_fail() -> None:
    """A feed that lacks what its format wants is refused by what the other tests lean on."""
    documents = written(combined())
    for name, broken in (
        ("rss.xml", rb"<link>[^<]*</link>"),
        ("rss.xml", rb"<guid[^<]*</guid>"),
        ("rss.xml", rb"<title>[^<]*</title>\n  <link>"),
        ("rss.xml", rb"<atom:link[^>]*/>"),
        ("atom.xml", rb"<updated>[^<]*</updated>"),
        ("atom.xml", rb"<author>\s*<name>[^<]*</name>\s*</author>\s*<c"),
    ):
        with pytest.raises((AssertionError, AttributeError, ValueError, etree.Error)):
            assert_feed(name, re.sub(broken, b"", documents[name], count=1))
    with pytest.raises(AssertionError):
        assert_feed("rss.xml", documents["rss.xml"].replace(b" GMT</lastBuildDate>", b" CEST</lastBuildDate>"))
    feed = json.loads(documents["feed.json"])
    for wrong in ({"version": "1"}, {"items": [{"id": 1}]}, {"items": [{"id": "1"}]}, {"tidings": 1}):
        assert not JSON_FEED.is_valid(feed | wrong)


@pytest.mark.parametrize("field", ["title", "author", "content_html", "text", "summary", "source_title", "source"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_text(kind: str, field: str) -> None:
    """Whatever a post says, each format is valid, and the entries beside it are as they were."""
    other = replace(POSTS[1], id=900, guid="tag:other.example,2026:1")
    documents = written(combined([replace(POSTS[0], **{field: HOSTILE[kind]}), other]))  # type: ignore[arg-type]
    for name, document in documents.items():
        assert read_back(name, document).posts[1].guid == other.guid


@pytest.mark.parametrize("field", ["guid", "url", "source_url", "language", "rights", "origin_url", "origin_title"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_names_are_no_names(kind: str, field: str) -> None:
    """What is no address is not given out for one, and what is no language is left out."""
    written(combined([replace(POSTS[0], **{field: HOSTILE[kind]})]))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_facts_about_a_feed(kind: str) -> None:
    """What a source says of itself is as little to be trusted as its posts."""
    text = HOSTILE[kind]
    about = About(text, text, text, text, text, (text, ""), True)
    written(combined(abouts={POSTS[0].source: about}, title=text or "x"))
    written(combined([replace(POSTS[0], tags=(text, "x"), enclosures=(Enclosure(text, text, -1),))]))


def test_a_megabyte_of_text() -> None:
    """A text as long as any that is stored comes through whole."""
    html = "<p>" + "long &amp; longer \U0001f600 " * 45_000 + "</p>"
    for name, document in written(combined([replace(POSTS[0], content_html=html)])).items():
        assert feedparser.parse(document).entries or name == "feed.json"
        [post] = read_back(name, document).posts
        assert post.content_html.count("longer") == 45_000


@settings(max_examples=60, deadline=None)
@given(title=st.text(max_size=80), text=st.text(max_size=200), author=st.text(max_size=20), tag=st.text(max_size=9))
def test_any_text_makes_valid_feeds(title: str, text: str, author: str, tag: str) -> None:
    """There is no text that makes a feed invalid."""
    post = replace(POSTS[0], title=title, content_html=text, text=text, author=author, tags=(tag,))
    written(combined([post]))


def test_the_same_posts_give_the_same_bytes() -> None:
    """No clock, no order of a set: an ETag of the bytes is honest."""
    assert written(combined()) == written(combined([replace(post) for post in POSTS]))


@pytest.mark.parametrize("name", WRITERS)
def test_what_we_read_of_it_is_what_was_published(name: str) -> None:
    """Our own reader finds the same ids, titles, links, dates, authors and texts in every format."""
    value = feed_of_posts(combined())
    for entry, post in zip(value.entries, read_back(name, written(combined())[name]).posts, strict=True):
        assert (post.guid, post.title, post.url) == (entry.id, entry.title, entry.url)
        assert post.published == (entry.published or (entry.updated if name == "rss.xml" else None))
        assert post.author == entry.author
        assert post.tags == entry.tags
        assert post.content_html == (entry.html or f"<p>{entry.summary}</p>")


def utc(found: time.struct_time) -> datetime:
    """A moment as feedparser gives it."""
    return datetime.fromtimestamp(calendar.timegm(found), UTC)


@pytest.mark.parametrize("name", WRITERS)
def test_where_posts_are_from_is_read_back(name: str) -> None:
    """Who follows a planet learns of each entry which blog it is from, in every format."""
    post, copied = POSTS[0], replace(POSTS[1], origin_title="Far", origin_url="https://far.example/")
    first, second = read_back(name, written(combined([post, copied]))[name]).posts
    assert first.origin_title == post.source_title
    assert first.origin_url in (post.source_url, post.feed_url)
    assert (second.origin_title, second.origin_url) == ("Far", "https://far.example/")


@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])
def test_what_feedparser_reads_of_it_is_what_was_published(name: str) -> None:
    """Another reader finds the same ids, titles, links and dates."""
    value = feed_of_posts(combined())
    parsed = feedparser.parse(written(combined())[name], sanitize_html=False)
    assert not parsed.bozo
    for entry, found in zip(value.entries, parsed.entries, strict=True):
        assert (found.id, found.title, found.link) == (entry.id, entry.title, entry.url)
        at = utc(found.published_parsed) if "published" in found else None
        assert at == (entry.published or (entry.updated if name == "rss.xml" else None))
        assert utc(found.updated_parsed) == entry.updated


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("fixture", FIXTURES)
def test_issues_are_valid_in_every_format(fixture: str, name: str) -> None:
    """An edition's feed has an entry for each issue, which leads to its page."""
    issue = FIXTURES[fixture]
    feed = IssueFeed("urn:uuid:1", issue.edition, issue.edition_title, "Planet", f"{SITE}/", "en", (issue,), FROZEN_AT)
    document = WRITERS[name](feed_of_issues(feed), f"{SITE}/issues/{name}")
    assert assert_feed(name, document) == 1
    [post] = read_back(name, document).posts
    assert post.url == f"{issue.site_url}/{issue.path}"


def test_an_empty_feed_of_issues() -> None:
    """Before the first issue there is a valid feed, too."""
    feed = IssueFeed("urn:uuid:1", ISSUE.edition, ISSUE.edition_title, "Planet", f"{SITE}/", "en", (), FROZEN_AT)
    for name, write in WRITERS.items():
        assert assert_feed(name, write(feed_of_issues(feed), f"{SITE}/issues/{name}")) == 0


# --------------------------------------------------------------------------------------------------- etiquette


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    ("shown", "says", "hides"),
    [
        ("full", ["WHOLE", "picture.jpg"], []),
        ("excerpt", ["BEGINNING", "picture.jpg"], ["WHOLE"]),
        ("title", ["The headline", "talk.mp3"], ["BEGINNING", "WHOLE", "picture.jpg"]),
    ],
)
def test_no_format_shows_more_than_another(name: str, shown: str, says: list[str], hides: list[str]) -> None:
    """The whole text, its beginning, or the headline alone, whoever asks for it: the source, or the whole feed."""
    post = replace(
        POSTS[0],
        title="The headline",
        summary="BEGINNING of it",
        content_html="<p>BEGINNING of it, and the WHOLE</p>",
        enclosures=(
            Enclosure("https://a.example/picture.jpg", "image/jpeg", 5),
            Enclosure("https://a.example/talk.mp3", "audio/mpeg", 9),
        ),
    )
    pictures = {post.id: "https://a.example/picture.jpg"}
    for values in ({"etiquette": {post.source: shown}}, {"content": shown}):
        document = written(combined([post], pictures=pictures, **values))[name].decode()
        assert all(words in document for words in says)
        assert not any(words in document for words in hides)


def test_rights_are_carried() -> None:
    """Those of the post itself, else its source's, in the words of each format."""
    post, abouts = POSTS[0], {POSTS[0].source: ABOUT}
    documents = written(combined([post, replace(post, id=2, guid="tag:x:2", rights="© Bo")], abouts=abouts))
    root = assert_atom(documents["atom.xml"])
    assert [one.text for one in root.iterfind("a:entry/a:source/a:rights", ATOM)] == [ABOUT.rights] * 2
    assert [one.text for one in root.iterfind("a:entry/a:rights", ATOM)] == ["© Bo"]
    items = assert_rss(documents["rss.xml"]).findall(f"channel/item/{DC}rights")
    assert [one.text for one in items] == [ABOUT.rights, "© Bo"]
    first, second = assert_json_feed(documents["feed.json"])["items"]
    assert first["_tidings"]["source"]["rights"] == ABOUT.rights
    assert second["_tidings"]["rights"] == "© Bo"


def test_who_wants_to_be_in_no_search_engine_is_marked() -> None:
    """A source in `atom:source`, and a feed as a whole in its head; others are not."""
    post, shy = POSTS[0], {POSTS[0].source: replace(ABOUT, noindex=True)}
    mark = b'<xhtml:meta name="robots" content="noindex" />'
    documents = written(combined([post], abouts=shy))
    assert [document.count(mark) for document in documents.values()] == [1, 0, 0]
    documents = written(combined([post], abouts=shy, noindex=True))
    assert [document.count(mark) for document in documents.values()] == [2, 1, 0]
    assert not any(b"noindex" in document for document in written(combined()).values())


# --------------------------------------------------------------------------------------------------- Atom


def test_the_source_as_it_calls_itself() -> None:
    """Its own id, author, rights, pictures and categories, so that a copy leads back to it (RFC 4287 4.2.11)."""
    post = POSTS[0]
    found = source(post, abouts={post.source: ABOUT})
    assert found.findtext("a:id", namespaces=ATOM) == ABOUT.id
    assert found.findtext("a:author/a:name", namespaces=ATOM) == "Ann"
    assert found.findtext("a:icon", namespaces=ATOM) == ABOUT.icon
    assert found.findtext("a:logo", namespaces=ATOM) == ABOUT.logo
    assert [one.get("term") for one in found.iterfind("a:category", ATOM)] == ["Go", "Zig"]
    assert found.find("a:link[@rel='self']", ATOM).get("href") == post.feed_url


def test_a_source_without_an_id_is_called_by_its_address() -> None:
    """RSS has no ids of feeds, and what is no address cannot stand for one."""
    post = POSTS[0]
    for about in (About(), About(id="bare word")):
        assert source(post, abouts={post.source: about}).findtext("a:id", namespaces=ATOM) == post.feed_url


def test_a_copy_has_nothing_of_the_planet_it_was_copied_from() -> None:
    """The rights of another planet are not those of the blog that it copied."""
    post = replace(POSTS[0], origin_url="https://her.example/", origin_title="Her Blog")
    found = source(post, abouts={post.source: ABOUT})
    assert found.find("a:rights", ATOM) is None
    assert found.find("a:author", ATOM) is None


def test_a_browser_finds_the_style_sheet() -> None:
    """Before the root, with an address that is relative to the feed; without one there is none."""
    documents = written(combined(style="../../feed.css"))
    styled = b'<?xml-stylesheet type="text/css" href="../../feed.css"?>'
    assert documents["atom.xml"].splitlines()[1] == documents["rss.xml"].splitlines()[1] == styled
    assert b"stylesheet" not in written(combined())["atom.xml"]


# --------------------------------------------------------------------------------------------------- RSS


def test_the_channel_says_where_it_is_and_when_it_changed() -> None:
    """Its own address, its page, its language, and the date of its newest entry rather than of its writing."""
    channel = assert_rss(written(combined())["rss.xml"]).find("channel")
    assert channel.find("{http://www.w3.org/2005/Atom}link").get("href") == f"{SITE}/rss.xml"
    assert [channel.findtext(name) for name in ("title", "link", "language", "ttl")] == [
        "Planet Harbour",
        f"{SITE}/",
        "en",
        "60",
    ]
    assert channel.findtext("lastBuildDate").endswith(" GMT")


def test_an_item_of_rss() -> None:
    """The id is no link, a name is a creator, the feed it is from has its address, and the text is whole."""
    post = POSTS[0]
    found = item(post)
    assert (found.findtext("guid"), found.find("guid").get("isPermaLink")) == (post.guid, "false")
    assert found.findtext("link") == post.url
    assert found.findtext(f"{DC}creator") == (post.author or post.source_title)
    assert found.find("source").get("url") == post.feed_url
    assert found.findtext("source") == post.source_title
    assert found.findtext(ENCODED) == post.content_html
    assert [one.text for one in found.iterfind("category")] == list(post.tags)


def test_a_description_is_html() -> None:
    """The beginning is plain text, and a description is HTML: what looks like mark-up is escaped once more."""
    found = item(replace(POSTS[0], summary="a < b & <i>c</i>"), content="excerpt")
    assert found.findtext("description") == "a &lt; b &amp; &lt;i&gt;c&lt;/i&gt;"


def test_plain_text_is_written_in_hexadecimal() -> None:
    """As the profile wants it, for readers that would take a title for mark-up; the text stays what it is."""
    post = replace(POSTS[0], title="AT&T <b>", tags=("R&D",), author="A & B")
    document = written(combined([post]))["rss.xml"]
    assert b"<title>AT&#x26;T &#x3C;b&gt;</title>" in document
    assert b"<category>R&#x26;D</category>" in document
    assert item(post).findtext("title") == "AT&T <b>"


@pytest.mark.parametrize(
    ("files", "enclosure", "others"),
    [
        ([("1.mp3", "audio/mpeg", 5), ("2.ogg", "audio/ogg", 6)], ("1.mp3", "5", "audio/mpeg"), ["2.ogg"]),
        ([("1", "", None), ("2.mp3", "audio/mpeg", None)], ("2.mp3", "0", "audio/mpeg"), ["1"]),
        ([("1", "mp3", 5)], None, ["1"]),
        ([], None, []),
    ],
)
def test_an_item_has_one_file(files: Any, enclosure: Any, others: list[str]) -> None:
    """The first whose type is known, with the length 0 where nobody knows it; the others are links."""
    enclosures = tuple(Enclosure(f"https://a.example/{name}", kind, size) for name, kind, size in files)
    found = item(replace(POSTS[0], enclosures=enclosures))
    shown = [(one.get("url").rpartition("/")[2], one.get("length"), one.get("type")) for one in found.iter("enclosure")]
    assert shown == ([enclosure] if enclosure else [])
    links = found.findall("{http://www.w3.org/2005/Atom}link[@rel='enclosure']")
    assert [link.get("href").rpartition("/")[2] for link in links] == others


# --------------------------------------------------------------------------------------------------- JSON Feed


def test_an_item_of_json_feed() -> None:
    """Text, dates, names, files, picture, and under `_tidings` the feed it is from."""
    files = (Enclosure("https://a.example/1.mp3", "audio/mpeg", 5), Enclosure("https://a.example/2"))
    post = replace(POSTS[0], enclosures=files)
    found = json_item(post, pictures={post.id: "https://a.example/p.jpg"}, abouts={post.source: ABOUT})
    assert (found["id"], found["url"]) == (post.guid, post.url)
    assert found["content_html"] == post.content_html
    assert found["image"] == "https://a.example/p.jpg"
    assert found["attachments"] == [
        {"url": "https://a.example/1.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 5},
        {"url": "https://a.example/2", "mime_type": "application/octet-stream"},
    ]
    origin = found["_tidings"]["source"]
    assert origin["feed_url"] == post.feed_url
    assert (origin["title"], origin["authors"]) == (post.source_title, [{"name": "Ann"}])


def test_the_head_of_a_json_feed() -> None:
    """It says where it is, and by which id the same feed is known in Atom."""
    feed = assert_json_feed(written(combined())["feed.json"])
    assert (feed["feed_url"], feed["home_page_url"]) == (f"{SITE}/feed.json", f"{SITE}/")
    assert feed["_tidings"]["id"] == combined().id
