"""Which documents are feeds, what is read of broken ones, and what hostile ones cannot do."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.documents import URL, atom, read, refused, rss
from tests.feeds import blog
from tidings.model import Document, Failed, ParsedFeed
from tidings.posts.parse import MAX_POSTS, parse


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("", "not-a-feed", "empty"),
        (" \n\t", "not-a-feed", "empty"),
        ("hello", "not-a-feed", "text"),
        ("[1, 2]", "not-a-feed", "text"),
        ("<!DOCTYPE html><html><head><title>x</title></head></html>", "not-a-feed", f"`tidings discover {URL}`"),
        ("<html><body>a post about &lt;rss> and <rss version='2.0'></body></html>", "not-a-feed", "web page"),
        ("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><entry/></html>", "not-a-feed", "web page"),
        ("oops <html><rss><channel><title>x</title></channel></rss></html>", "not-a-feed", ""),
        ("<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'/>", "not-a-feed", "sitemap"),
        ("<opml version='2.0'><body/></opml>", "not-a-feed", "`tidings sources import FILE`"),
        ("<Error><Code>AccessDenied</Code></Error>", "not-a-feed", "<error>"),
        ("<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>", "parse", "rdf"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not-a-feed", ""),
        (b"\x1f\x8b", "not-a-feed", ""),
    ],
)
def test_refuses_what_is_no_feed(body: bytes | str, kind: str, words: str) -> None:
    """Pages, sitemaps, lists and noise are no feeds, and the message says what came and what to do."""
    failed = refused(body)
    assert failed.kind == kind
    assert words in failed.message


@pytest.mark.parametrize(
    ("link", "feed"),
    [
        ('<link rel="alternate" type="application/rss+xml" href="/feed">', "https://blog.example/feed"),
        ("<LINK HREF=feed.xml TYPE=application/atom+xml REL='home Alternate'/>", "https://blog.example/feeds/feed.xml"),
        ('<link rel="alternate" type="application/feed+json" href="/f?a=1&amp;b=2">', "https://blog.example/f?a=1&b=2"),
        ('<link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">', ""),
        ('<link rel="alternate" type="text/html" hreflang="de" href="/de">', ""),
        ('<link rel="stylesheet" type="application/rss+xml" href="/feed">', ""),
    ],
)
def test_a_page_is_refused_with_the_feed_it_announces(link: str, feed: str) -> None:
    """Where a web page came instead of a feed, the message gives the feed's address, if the page announces one."""
    failed = refused(f"<!DOCTYPE html><html><head>{link}</head><body></body></html>")
    assert failed.kind == "not-a-feed"
    assert (f"announces {feed} as its feed" if feed else "tidings discover") in failed.message


def test_the_command_in_a_message_can_be_pasted() -> None:
    """A URL that a server chose is quoted for the shell in the command that a message proposes."""
    failed = parse(Document("https://a.example/$(touch x);y", b"<html></html>"))
    assert isinstance(failed, Failed)
    assert "`tidings discover 'https://a.example/$(touch x);y'`" in failed.message


@pytest.mark.parametrize(
    "body",
    [
        "\n  <?xml version='1.0'?>" + rss(""),
        "<!-- hello --><?xml version='1.0'?>" + rss(""),
        "<br />\n<b>Warning</b>: Undefined index in /x.php<br />\n<?xml version='1.0'?>" + rss(""),
        "<?xml version='1.0'?><?xml-stylesheet href='x.xsl'?><!DOCTYPE rss [<!ENTITY a 'b'>]>" + rss(""),
        "\ufeff" + rss(""),
        rss("") + "\n<!-- cached -->\n",
    ],
)
def test_skips_what_stands_before_a_feed(body: str) -> None:
    """White space, comments, PHP warnings and document types before the feed cost nothing."""
    feed = read(body)
    assert (feed.title, feed.malformed) == ("T", False)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (rss(""), "rss20"),
        ("<rss version='0.91'><channel><title>T</title></channel></rss>", "rss091u"),
        (atom(""), "atom10"),
        ("<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:title>T</a:title></a:feed>", "atom10"),
        ("<feed xmlns='http://purl.org/atom/ns#' version='0.3'><title>T</title></feed>", "atom03"),
        (
            "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
            "<channel><title>T</title></channel></rdf:RDF>",
            "rss10",
        ),
        ("<CHANNEL><TITLE>T</TITLE></CHANNEL>", "cdf"),
    ],
)
def test_names_the_format(body: str, kind: str) -> None:
    """A feed without posts is a feed, whatever its format."""
    feed = read(body)
    assert (feed.format, feed.title, feed.posts) == (kind, "T", ())


def test_a_lone_atom_entry_is_a_feed_of_one_post() -> None:
    """RFC 4287 allows an entry as a document of its own."""
    feed = read("<entry xmlns='http://www.w3.org/2005/Atom'><id>a</id><title>One</title></entry>")
    assert [(post.guid, post.title) for post in feed.posts] == [("a", "One")]


def test_the_content_type_is_not_asked() -> None:
    """A feed served as text/html is a feed, and it isn't malformed for that."""
    assert read(blog([1]), content_type="text/html; charset=us-ascii").malformed is False


def test_a_document_cut_off_gives_its_posts_and_is_malformed() -> None:
    """At whatever byte a document breaks off, whole posts before the cut are read and the cut is noticed."""
    body = blog(range(5))
    for cut in range(body.index(b"<item>") + 6, len(body)):
        feed = read(body[:cut])
        whole = body[:cut].count(b"</item>")
        assert [post.guid for post in feed.posts][:whole] == [f"post-{number}" for number in range(whole)]
        assert feed.malformed


@pytest.mark.parametrize(
    "junk",
    [
        "<script>track()</script>",
        "<!-- 12 queries -->",
        "<!-- never closed",
        "</body></html>",
        "\n<br />\n<b>Warning</b>: a && b in <b>/x.php</b>",
        "&nbsp;",
        "<p>" + "x" * 300_000,
    ],
)
@pytest.mark.parametrize("broken", ["", "</oops>"], ids=["strict", "lenient"])
def test_junk_behind_a_document_leaves_it_whole(junk: str, broken: str) -> None:
    """What stands behind the root's end tag is no part of the feed, so its validators can be kept."""
    feed = read(
        rss(f"<item><title>a</title></item>{broken}<item><title>b</title></item>")
        + junk[: 400_000 if not broken else 9_000]
    )
    assert [post.title for post in feed.posts] == ["a", "b"]
    assert not feed.malformed


def test_posts_behind_the_end_of_a_document_are_read() -> None:
    """An end tag of the root too early hides no posts, and does not show that all arrived."""
    feed = read(rss("<item><title>a</title></item>") + " " * 300_000 + "<item><title>b</title></item>")
    assert [post.title for post in feed.posts] == ["a", "b"]
    assert feed.malformed


def test_a_post_that_tells_of_an_end_tag_does_not_end_the_document() -> None:
    """Where a document breaks off in a post about feeds, `</rss>` in its text is not the document's."""
    whole = rss("<item><guid>1</guid></oops></item><item><guid>2</guid><description><![CDATA[<p></rss> ends")
    feed = read(whole.partition("</channel>")[0])
    assert feed.malformed


def test_a_post_cut_off_before_it_is_named_is_left_out() -> None:
    """Neither half an address nor a title alone names a post; it comes with the whole document."""
    start = "<item><title>a</title><guid>1</guid></item><item><title>b</title>"
    for cut in ("", "<guid>https://blog.exam", "<link>https://blog.exam", "<description>x</description>"):
        feed = read(rss(start + cut).partition("</channel>")[0])
        assert [post.guid for post in feed.posts] == ["1"]
    for name in ("<guid>2</guid>", "<link>https://blog.example/2</link>"):
        assert len(read(rss(start + name + "<descr").partition("</channel>")[0]).posts) == 2


@pytest.mark.parametrize(
    ("items", "titles"),
    [
        ("<item><title>a & b</title></item><item><title>c</title></item>", ["a & b", "c"]),
        ("<item><title>a&nbsp;&hellip;</title></item><item><title>c</title></item>", ["a …", "c"]),
        ("<item><title>a &nope; b</title></item><item><title>c</title></item>", ["a &nope; b", "c"]),
        ("<item><title>a\x0b\x00b</title></item><item><title>c&#x1f;&#0;</title></item>", ["ab", "c"]),
        ("<item><title>a</title><x:y>1</x:y></item><item><title>c</title></item>", ["a", "c"]),
        ("<item><title><![CDATA[a & b]]></title><z:q/></item><item><title>c</title></item>", ["a & b", "c"]),
    ],
)
def test_mends_what_loses_nothing(items: str, titles: list[str]) -> None:
    """Stray ampersands, HTML entities, control characters and undeclared prefixes leave a whole feed, not malformed."""
    feed = read(rss(items))
    assert [post.title for post in feed.posts] == titles
    assert not feed.malformed


def test_an_undeclared_prefix_keeps_its_meaning() -> None:
    """A feed that forgot to declare the content module still has its contents."""
    feed = read(
        "<rss version='2.0'><channel><item><content:encoded>&lt;p>x&lt;/p></content:encoded></item></channel></rss>"
    )
    assert feed.posts[0].content_html == "<p>x</p>"


def test_mixed_up_tags_are_read_and_the_document_counts_as_whole() -> None:
    """Where tags don't match, what can be read is read; the end tag of the root shows that nothing was cut off."""
    feed = read(rss("<item><title>a</titel></item><item><title>b</title></item>"))
    assert not feed.malformed
    assert feed.posts[-1].title == "b"


def test_one_element_that_feedparser_trips_over_does_not_cost_the_rest() -> None:
    """feedparser raises TypeError on a stray </width> where the tags are mixed up."""
    feed = read(rss("<item><title>a</title></width></height></item><item><title>b</title></item>"))
    assert [post.title for post in feed.posts] == ["a", "b"]
    assert feed.malformed


def test_more_posts_than_the_limit_are_left_and_said_so() -> None:
    """Reading stops at the limit, and the feed is malformed so that nobody believes it was whole."""
    feed = read(rss("<item><title>a</title></item>" * (MAX_POSTS + 1)))
    assert (len(feed.posts), feed.malformed) == (MAX_POSTS, True)
    whole = read(rss("<item><title>a</title></item>" * MAX_POSTS))
    assert (len(whole.posts), whole.malformed) == (MAX_POSTS, False)


def test_external_entities_are_not_read(tmp_path: Path) -> None:
    """No file or address named in the document is opened."""
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    body = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{secret}">]>' + rss("<item><title>a&x;b</title></item>")
    feed = read(body)
    assert len(feed.posts) == 1
    assert "SECRET" not in repr(feed)


@pytest.mark.parametrize("tail", ["", "<broken"])
def test_entities_cannot_be_blown_up(tail: str) -> None:
    """Nested and long entities don't multiply, by the strict reader or the lenient one."""
    laughs = "".join(f'<!ENTITY {one} "{f"&{two};" * 8}">' for one, two in zip("bcdefghij", "abcdefghi", strict=True))
    long = f'<!ENTITY long "{"x" * 100_000}">'
    title = f"&j;{'&long;' * 1000}"
    body = f'<!DOCTYPE rss [<!ENTITY a "ha">{laughs}{long}]>' + rss(f"<item><title>{title}</title></item>") + tail
    feed = read(body)
    assert len(feed.posts) == 1
    assert len(repr(feed)) < 100_000


def test_a_short_entity_of_its_own_is_understood() -> None:
    """A document may declare abbreviations."""
    feed = read('<!DOCTYPE rss [<!ENTITY me "Ada">]>' + rss("<item><title>&me;!</title></item>"))
    assert feed.posts[0].title == "Ada!"


def test_parsing_runs_in_another_process() -> None:
    """The function and both its answers can be pickled."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for body in (blog([1]), b"nothing"):
            document = Document(URL, body)
            assert pool.submit(parse, document).result() == parse(document)
    assert pickle.loads(pickle.dumps(parse)) is parse


WORDS = st.sampled_from(
    (
        "<rss> </rss> <channel> </channel> <item> </item> <title> </title> <link> </link> <link/> <guid> </guid> "
        "<feed> </feed> <entry> </entry> <content> </content> <summary> </summary> <width> </width> <source> </source> "
        "<image> </image> <svg> </svg> <category/> <author> <name> </name> <media:content> <itunes:image/> "
        "<georss:point> </georss:point> <![CDATA[ ]]> <!-- --> <? ?> & &amp; &#0; &#xd800; &#99999999999; &nbsp; &x; "
        "<x: <p </ > w é"
    ).split()
)
FEEDS = st.sampled_from(
    [blog(range(3)), rss("<item><title>a</title><link>/x</link></item>" * 2).encode(), atom("<entry/>").encode()]
)
EDITS = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 20), st.binary(max_size=6)), min_size=1, max_size=6)


@given(st.binary(max_size=200))
@example(b"\x1f\x8b\x08\x00")
@example(b"\xff\xfe\x00")
@example(b"\xfe\xff\xd8\x00<\x00r")
@example(b"<rss><channel><item></width>")
@settings(deadline=None)
def test_never_raises_on_bytes(body: bytes) -> None:
    """Any bytes are a feed or a failure with words, and that failure is never a bug of ours."""
    parsed = parse(Document(URL, body))
    assert isinstance(parsed, ParsedFeed) or (parsed.message and "bug" not in parsed.message)


@given(
    st.lists(WORDS, max_size=30).map("".join),
    st.sampled_from(["<rss>", "<feed xmlns='http://www.w3.org/2005/Atom'>", "<rss><item>"]),
)
@settings(max_examples=300, deadline=None)
def test_never_raises_on_tag_soup(soup: str, root: str) -> None:
    """Elements in any order don't break the readers."""
    parsed = parse(Document(URL, (root + soup).encode()))
    assert isinstance(parsed, ParsedFeed) or "bug" not in parsed.message


@given(FEEDS, EDITS)
@settings(max_examples=300, deadline=None)
def test_never_raises_on_mutated_feeds(body: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    """A feed with bytes cut out and put in anywhere is a feed or a failure, and what it holds is text and web links."""
    for at, length, insert in edits:
        place = at % (len(body) + 1)
        body = body[:place] + insert + body[place + length :]
    parsed = parse(Document(URL, body))
    if isinstance(parsed, Failed):
        assert "bug" not in parsed.message
        return
    for post in parsed.posts:
        assert post.url == "" or post.url.startswith(("http://", "https://", "mailto:"))
        repr(post).encode()
