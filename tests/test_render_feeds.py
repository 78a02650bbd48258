"""The combined Atom feed: valid by RFC 4287, attributed, and the same bytes for the same posts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.feed_checks import ATOM_GRAMMAR, assert_atom
from tests.render_samples import FROZEN_AT, POSTS
from tidings.model import Enclosure, Etiquette, StoredPost
from tidings.render.atom import write_atom
from tidings.render.feeds import CombinedFeed, entry_ids, feed_of_posts, made_ids
from tidings.render.xml import is_absolute_iri

NS = {"a": "http://www.w3.org/2005/Atom"}
RFC3339_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
HOSTILE = "a<b>&\"'\r\n\x00\x0b\ufffe]]>\ud800"


def combined(posts: Sequence[StoredPost] = POSTS, **changes: object) -> CombinedFeed:
    feed = CombinedFeed(
        id="tag:planet.example,2026:all",
        title="Planet Harbour",
        site_url="https://planet.example/",
        posts=posts,
        empty_updated=datetime(2026, 1, 1, tzinfo=UTC),
        language="en",
    )
    return replace(feed, **changes)  # type: ignore[arg-type]


def render_atom(feed: CombinedFeed) -> bytes:
    return write_atom(feed_of_posts(feed), "https://planet.example/atom.xml")


def only_entry(post: StoredPost, **changes: object) -> etree._Element:
    (entry,) = assert_atom(render_atom(combined([post], **changes))).iterfind("a:entry", NS)
    return entry


def test_the_feed_is_valid_and_in_order() -> None:
    """All samples make a valid feed, in the order they were given."""
    root = assert_atom(render_atom(combined()))
    assert root.findtext("a:title", namespaces=NS) == "Planet Harbour"
    assert [entry.findtext("a:id", namespaces=NS) for entry in root.iterfind("a:entry", NS)] == [p.guid for p in POSTS]


def test_the_schema_can_fail() -> None:
    """The schema that the other tests lean on refuses an entry without a date."""
    broken = re.sub(rb"<updated>[^<]*</updated>", b"", render_atom(combined()))
    assert not ATOM_GRAMMAR.validate(etree.fromstring(broken))


def test_the_same_posts_give_the_same_bytes() -> None:
    """Nothing but the posts decides the bytes, so an ETag of them is honest."""
    assert render_atom(combined()) == render_atom(combined([replace(post) for post in POSTS]))


def test_the_feed_is_as_new_as_its_newest_entry() -> None:
    """The feed's date is the newest entry's, edits included; an empty feed has the date it is given."""
    edit = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
    edited = replace(POSTS[-1], updated=edit, changed_at=edit + timedelta(minutes=5))
    root = assert_atom(render_atom(combined([*POSTS[:-1], edited])))
    assert root.findtext("a:updated", namespaces=NS) == "2026-11-20T03:00:00Z"
    assert assert_atom(render_atom(combined([]))).findtext("a:updated", namespaces=NS) == "2026-01-01T00:00:00Z"


def test_a_post_from_the_future_is_dated_when_it_was_seen() -> None:
    """A wrong year must not pin a post to the top of every reader."""
    entry = only_entry(replace(POSTS[0], published=datetime(2099, 1, 1, tzinfo=UTC), dated=None, first_seen=FROZEN_AT))
    assert entry.findtext("a:published", namespaces=NS) == "2026-11-20T07:00:00Z"
    assert entry.findtext("a:updated", namespaces=NS) == "2026-11-20T07:00:00Z"


@pytest.mark.parametrize(
    ("updated", "changed_at", "expected"),
    [
        (datetime(2098, 1, 1, tzinfo=UTC), None, "2026-11-20T07:00:00Z"),
        (datetime(2098, 1, 1, tzinfo=UTC), FROZEN_AT + timedelta(hours=2), "2026-11-20T09:00:00Z"),
        (FROZEN_AT + timedelta(hours=1), FROZEN_AT + timedelta(hours=2), "2026-11-20T08:00:00Z"),
        (FROZEN_AT - timedelta(hours=1), None, "2026-11-20T06:00:00Z"),
    ],
)
def test_no_date_is_later_than_what_was_seen(updated: datetime, changed_at: datetime | None, expected: str) -> None:
    """A wrong year in `updated` dates neither entry nor source nor feed; an edit counts until when it was seen."""
    post = replace(POSTS[0], published=None, dated=None, first_seen=FROZEN_AT, updated=updated, changed_at=changed_at)
    root = assert_atom(render_atom(combined([post])))
    dates = [date.text for date in root.xpath("//a:updated", namespaces=NS)]
    assert dates == [expected] * 3


def test_a_post_without_dates_has_only_when_it_was_seen() -> None:
    """What the author did not say is not made up: updated is required, published is not."""
    entry = only_entry(replace(POSTS[0], published=None, updated=None, dated=None, first_seen=FROZEN_AT))
    assert entry.find("a:published", NS) is None
    assert entry.findtext("a:updated", namespaces=NS) == "2026-11-20T07:00:00Z"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"author": "Ann"}, "Ann"),
        ({"author": "", "origin_title": "Her Blog"}, "Her Blog"),
        ({"author": "", "source_title": "The Planet"}, "The Planet"),
        ({"author": "", "source_title": "", "source": "planet"}, "planet"),
    ],
)
def test_every_entry_has_an_author(changes: dict[str, Any], expected: str) -> None:
    """The post's author, else where it came from first, else its source."""
    assert only_entry(replace(POSTS[0], **changes)).findtext("a:author/a:name", namespaces=NS) == expected


def test_an_entry_names_its_source() -> None:
    """Readers see where a post is from, and can subscribe there."""
    post = POSTS[0]
    source = only_entry(post).find("a:source", NS)
    assert source.findtext("a:id", namespaces=NS) == post.feed_url
    assert source.findtext("a:title", namespaces=NS) == post.source_title
    assert source.find("a:link[@rel='self']", NS).get("href") == post.feed_url
    assert source.find("a:link[@rel='alternate']", NS).get("href") == post.source_url
    assert RFC3339_UTC.fullmatch(source.findtext("a:updated", namespaces=NS))


def test_an_entry_that_was_copied_names_the_source_it_was_copied_from() -> None:
    """Atom says that the source of an entry is to be preserved: the copy of a copy leads to the blog, not to us."""
    post = replace(POSTS[0], origin_title="Her Blog", origin_url="https://her.example/")
    source = only_entry(post).find("a:source", NS)
    assert source.findtext("a:id", namespaces=NS) == "https://her.example/"
    assert source.findtext("a:title", namespaces=NS) == "Her Blog"
    assert [link.get("href") for link in source.findall("a:link", NS)] == ["https://her.example/"]


def test_an_id_is_kept_for_good() -> None:
    """What an entry was published under before goes before its guid, and is nobody else's."""
    post, other = replace(POSTS[0], id=1, guid="tag:a.example,2026:new"), replace(POSTS[0], id=2, guid="tag:old")
    assert entry_ids(FEED, [post], {"tag:old": 1}) == {1: "tag:old"}
    assert entry_ids(FEED, [other], {"tag:old": 1})[2].startswith("urn:uuid:")


def test_enclosures_keep_type_and_length() -> None:
    """A podcast in the combined feed still plays; what the feed said wrongly is left out."""
    files = (
        Enclosure("https://a.example/1.mp3", "audio/mpeg", 123),
        Enclosure("https://a.example/2", "mp3", 0),
        Enclosure("file:///etc/passwd", "audio/mpeg", 1),
    )
    links = only_entry(replace(POSTS[0], enclosures=files)).findall("a:link[@rel='enclosure']", NS)
    assert [dict(link.attrib) for link in links] == [
        {"rel": "enclosure", "href": "https://a.example/1.mp3", "type": "audio/mpeg", "length": "123"},
        {"rel": "enclosure", "href": "https://a.example/2"},
    ]


def test_tags_and_language_are_kept() -> None:
    """Every tag is a category, and the language is the post's own."""
    entry = only_entry(replace(POSTS[0], tags=("Go", "Go", "a & b"), language="pt_BR"))
    assert [category.get("term") for category in entry.iterfind("a:category", NS)] == ["Go", "a & b"]
    assert entry.get("{http://www.w3.org/XML/1998/namespace}lang") == "pt-BR"
    assert only_entry(replace(POSTS[0], language="English!")).attrib == {}


@pytest.mark.parametrize(
    ("etiquette", "content", "summary"), [("full", True, False), ("excerpt", False, True), ("title", False, False)]
)
def test_a_source_is_shown_as_far_as_its_etiquette_allows(etiquette: str, content: bool, summary: bool) -> None:
    """The whole text, its beginning, or the headline alone; a source's own rule goes before the feed's."""
    for changes in ({"content": etiquette}, {"content": "full", "etiquette": {POSTS[0].source: etiquette}}):
        entry = only_entry(POSTS[0], **changes)
        assert (entry.find("a:content", NS) is not None) is content
        assert (entry.find("a:summary", NS) is not None) is summary


def test_a_headline_only_entry_shows_nothing_of_its_text() -> None:
    """Without a title it is not called by its first words, and its picture is no file of it; a recording is."""
    files = (Enclosure("https://b.example/x.jpg", "image/jpeg", 5), Enclosure("https://b.example/x.mp3", "audio/mpeg"))
    post = replace(POSTS[0], title="", text="Words of the text", summary="Words of the summary", enclosures=files)
    for shown, title, links in (("title", "Untitled", ["x.mp3"]), ("excerpt", "Words of the text", ["x.jpg", "x.mp3"])):
        entry = only_entry(post, etiquette={post.source: shown})
        assert entry.findtext("a:title", namespaces=NS) == title
        hrefs = [link.get("href") for link in entry.findall("a:link[@rel='enclosure']", NS)]
        assert hrefs == [f"https://b.example/{name}" for name in links]


def test_content_is_the_posts_html() -> None:
    """Unescaped, the content is the very HTML that is stored."""
    assert only_entry(POSTS[0]).findtext("a:content", namespaces=NS) == POSTS[0].content_html


def test_a_post_without_an_address_links_to_its_source() -> None:
    """An entry that has no content needs a link somewhere."""
    entry = only_entry(replace(POSTS[0], url="javascript:x", content_html="", text=""))
    assert entry.find("a:link[@rel='alternate']", NS).get("href") == POSTS[0].source_url


@pytest.mark.parametrize(
    "field", ["title", "author", "content_html", "text", "source_title", "guid", "language", "url"]
)
def test_hostile_text_leaves_the_feed_valid(field: str) -> None:
    """Mark-up stays text, and what XML cannot write is replaced by U+FFFD."""
    only_entry(replace(POSTS[0], **{field: HOSTILE}))  # type: ignore[arg-type]


def test_what_xml_cannot_write_is_replaced() -> None:
    """Content keeps its length: each illegal character becomes one U+FFFD."""
    entry = only_entry(replace(POSTS[0], content_html="a\x00b\x1bc\ud800d\U0001f600"))
    assert entry.findtext("a:content", namespaces=NS) == "a\ufffdb\ufffdc\ufffdd\U0001f600"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example/1", True),
        ("tag:blogger.com,1999:blog-1.post-2", True),
        ("urn:uuid:1225c695-cfb8-4ebb-aaaa-80da344efa6a", True),
        ("https://a.example/é", True),
        ("1234", False),
        ("post 12", False),
        ("https://a.example/a b", False),
        ("https://a.example/50%", False),
        ("https:///path", False),
        ("http://ex\u2100mple/1", False),
        ("http:relative", False),
        ("https://a.example/#a#b", False),
        ("/relative", False),
        ("tag:", False),
        ("", False),
    ],
)
def test_absolute_iri(text: str, expected: bool) -> None:
    """What may stand as an entry's id as it is."""
    assert is_absolute_iri(text) is expected


FEED = "urn:uuid:3f1c3a5e-8f0b-4a53-9d8e-0d8d0b1c2a11"


def test_a_guid_that_is_no_iri_gets_a_stable_id() -> None:
    """The made id comes from what the post's feed says, by whatever number it is stored, and stays through every edit;
    another post, of another feed or in another combined feed has another."""
    post = replace(POSTS[0], guid="1234")
    made = entry_ids(FEED, [post])[post.id]
    assert made.startswith("urn:uuid:")
    assert entry_ids(FEED, [replace(post, id=999, title="Edited")]) == {999: made}
    moved = replace(post, feed_url="https://moved.example/feed", url="https://moved.example/", guid="5", title="Edited")
    assert entry_ids(FEED, [moved], {made: post.id}) == {post.id: made}
    assert entry_ids(FEED, [moved])[post.id] != made
    assert entry_ids("tag:other.example,2026:all", [post])[post.id] != made


def test_a_post_that_names_nothing_gets_an_id_of_its_link_or_its_date() -> None:
    """Its number has a say only among posts of one feed that say all the same, also when they come one by one."""
    first = replace(POSTS[0], id=1, guid="", url="https://a.example/1")
    second = replace(first, id=2, url="https://a.example/2")
    dated = replace(first, id=3, url="")
    later = replace(dated, id=4, published=None)
    ids = entry_ids(FEED, [first, second, dated, later])
    assert len(set(ids.values())) == 4
    assert entry_ids(FEED, [replace(dated, id=9)]) == {9: ids[3]}
    assert made_ids(FEED, [first]) == [ids[1]]
    assert entry_ids(FEED, [replace(first, id=9)], {ids[1]: 1})[9] not in ids.values()


def test_a_feed_has_room_for_so_much_text() -> None:
    """Of what goes beyond three million characters it has the beginning; shorter texts still find room."""
    sizes = [1_500_000, 1_499_000, 1_500_000, 900]
    posts = [replace(POSTS[0], id=n, guid=f"{n}", content_html="x" * size) for n, size in enumerate(sizes)]
    feed = feed_of_posts(CombinedFeed(FEED, "Planet", "https://planet.example/", posts, POSTS[0].first_seen))
    assert [bool(entry.html) for entry in feed.entries] == [True, True, False, True]
    assert feed.entries[2].summary


@pytest.mark.parametrize("content", ["excerpt", "title"])
def test_texts_that_are_not_shown_take_no_room(content: Etiquette) -> None:
    """Long posts of which only the beginning or the headline is shown leave all the room to others."""
    long, short = replace(POSTS[0], id=1, content_html="x" * 2_900_000), replace(POSTS[0], id=2, source="b")
    posts = [long, replace(short, guid="2", content_html="y" * 200_000)]
    etiquette: dict[str, Etiquette] = {long.source: content}
    at = POSTS[0].first_seen
    feed = feed_of_posts(CombinedFeed(FEED, "Planet", "https://planet.example/", posts, at, etiquette=etiquette))
    assert [len(entry.html) for entry in feed.entries] == [0, 200_000]


def test_a_guid_that_an_earlier_post_has_is_not_used() -> None:
    """A post that does not own its guid has the same id with and without the owner beside it, in whatever order."""
    first = replace(POSTS[0], id=1)
    second = replace(POSTS[0], id=2, feed_url="https://copycat.example/feed", owns_guid=False)
    ids = entry_ids(FEED, [first, second])
    assert ids == entry_ids(FEED, [second, first])
    assert ids[1] == first.guid
    assert ids[2].startswith("urn:uuid:")
    assert entry_ids(FEED, [second]) == {2: ids[2]}
    assert entry_ids(FEED, [first]) == {1: ids[1]}


def test_ids_are_unique_whatever_posts_claim() -> None:
    """Two owners of one guid, and guids that imitate the feed's id or another entry's made one, still differ."""
    plain = replace(POSTS[0], id=9, guid="1234")
    made = entry_ids(FEED, [plain])[9]
    guids = ["tag:a.example,2026:1", "tag:a.example,2026:1", FEED, made]
    imitations = [replace(POSTS[0], id=number, guid=guid) for number, guid in enumerate(guids)]
    ids = entry_ids(FEED, [*imitations, plain])
    assert len({FEED, *ids.values()}) == 6
    assert (ids[0], ids[3]) == (guids[0], made)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=8), st.text(max_size=8), st.sampled_from(["x", "1", "urn:a:b", ""]), st.text()),
        max_size=6,
    )
)
def test_any_posts_make_a_valid_feed(rows: list[tuple[str, str, str, str]]) -> None:
    """Whatever titles, tags and ids posts have, the feed is valid and its ids are unique."""
    posts = [
        replace(
            POSTS[0], id=number, title=title, tags=(tag,), guid=guid, url="", content_html=content,
            published=FROZEN_AT - timedelta(hours=number),
        )
        for number, (title, tag, guid, content) in enumerate(rows)
    ]  # fmt: skip
    assert_atom(render_atom(combined(posts)))
