"""Which feeds a page has, told from its text alone."""

from __future__ import annotations

import time
from urllib.parse import urljoin

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.corpus import CORPUS, needs_corpus
from tidings.posts.encoding import decode
from tidings.sources.discovery import Candidate, guesses, is_comments, rank, read_page
from tidings.sources.services import known_feeds

PAGE = "https://blog.example/posts/today"


def announced(text: str, url: str = PAGE) -> list[str]:
    return [candidate.url for candidate in read_page(text, url).announced]


def linked(text: str, url: str = PAGE) -> list[str]:
    return [candidate.url for candidate in read_page(text, url).linked]


@pytest.mark.parametrize(
    "tag",
    [
        '<link rel="alternate" type="application/rss+xml" href="/feed">',
        '<link rel="alternate" type="application/atom+xml" href="https://blog.example/feed"/>',
        '<link rel="alternate" type="application/feed+json" href="/feed">',
        '<link rel="alternate" type="application/rdf+xml" href="/feed">',
        '<link rel="alternate" type="text/xml" href="/feed">',
        '<link rel="alternate" type="application/json" href="/feed">',
        '<link rel="alternate" type="Application/RSS+XML; charset=utf-8" href="/feed">',
        '<LINK REL="ALTERNATE" TYPE="application/rss+xml" HREF="/feed">',
        "<link rel='home alternate  me' type='application/rss+xml' href='../feed'>",
        "<link rel=alternate type=application/rss+xml href=/feed>",
        "<link href=/feed\ntype=application/rss+xml\nrel=alternate>",
        '<link rel="feed" href="/feed">',
        '<link rel="service.feed" type="application/atom+xml" href="/feed">',
        '<link rel="alternate" href="/feed">',
        '<link rel="alternate" type="application/rss+xml" href=" /fe\ned ">',
        '<link rel="alternate" type="application/rss+xml" href="feed://blog.example/feed">',
        '<link rel="alternate" type="application/rss+xml" href="feed:https://blog.example/feed">',
        '<link rel="alternate" type="application/rss+xml" href="//blog.example/feed#top">',
        '<link rel="alternate" type="application/rss+xml" href="/&#102;eed">',
        '<base href="/"><base href="/other/"><link rel="alternate" type="application/rss+xml" href="feed">',
        '</head><body><p><link rel="alternate" type="application/rss+xml" href="/feed">',
        '<![if IE]><link rel="alternate" type="application/rss+xml" href="/feed"><![endif]>',
        '<link rel="alternate" rel="stylesheet" type="application/rss+xml" href="/feed" href="/other">',
    ],
)
def test_announcements_are_found_however_they_are_written(tag: str) -> None:
    """Relation, type, address and place of an announcement may be written in any way that browsers understand."""
    assert announced(f"<!DOCTYPE html><html><head><title>x</title>{tag}") == ["https://blog.example/feed"]


@pytest.mark.parametrize(
    "tag",
    [
        '<link rel="stylesheet" type="text/css" href="/feed.css">',
        '<link rel="alternate stylesheet" type="text/xml" href="/feed.xml">',
        '<link rel="alternate" hreflang="de" href="/de/">',
        '<link rel="alternate" media="handheld" href="https://m.blog.example/">',
        '<link rel="alternate" type="text/html" href="/feed">',
        '<link rel="alternate" type="application/json+oembed" href="/oembed?url=feed">',
        '<link rel="alternate" type="text/xml+oembed" href="/oembed?format=xml">',
        '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/997">',
        '<link rel="alternate" type="application/rss+xml" href="">',
        '<link rel="alternate" type="application/rss+xml">',
        '<link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">',
        '<link rel="alternate" type="application/rss+xml" href="file:///etc/passwd">',
        '<link rel="alternate" type="application/rss+xml" href="https://user:secret@blog.example/feed">',
        '<link rel="alternate" type="application/rss+xml" href="https://[broken/feed">',
        '<link rel="alternate" type="application/rss+xml" href="https://blog.example:port/feed">',
        '<!-- <link rel="alternate" type="application/rss+xml" href="/feed"> -->',
        "<script>'<link rel=alternate type=application/rss+xml href=/feed>'</script>",
    ],
)
def test_what_is_no_announcement(tag: str) -> None:
    """Translations, style sheets, embeddings, comments, scripts and unusable addresses announce no feed."""
    assert announced(f"<html><head>{tag}<body>") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('<a href="/feed">x</a>', ["https://blog.example/feed"]),
        ('<a href="/index.xml">x</a>', ["https://blog.example/index.xml"]),
        ('<a href="/blog.rss">x</a>', ["https://blog.example/blog.rss"]),
        ('<a href="?feed=rss2">x</a>', ["https://blog.example/posts/today?feed=rss2"]),
        ('<a href="/abo"><img alt="RSS feed" src="/rss.png"></a>', ["https://blog.example/abo"]),
        ('<a href="/abo" title="Atom"></a>', ["https://blog.example/abo"]),
        ('<a href="/abo">Sub<b>scribe by</b> RSS', ["https://blog.example/abo"]),
        ('<a href="https://feeds.example.net/blog">RSS</a>', ["https://feeds.example.net/blog"]),
        ('<a href="https://feeds.feedburner.com/blog">Feed</a>', ["https://feeds.feedburner.com/blog"]),
        ('<a href="https://news.blog.example/feed">x</a>', ["https://news.blog.example/feed"]),
        ('<a href="https://other.example/feed">RSS</a>', []),
        ('<a href="/feedback">Feedback</a>', []),
        ('<a href="/why-rss">Why I think that RSS is not dead and that all of you should use it again</a>', []),
        ('<a href="mailto:feed@blog.example">RSS</a>', []),
        ('<a name="feed">RSS</a>', []),
    ],
)
def test_links_that_look_like_feeds(text: str, found: list[str]) -> None:
    """A link of the site itself counts if its address or its label is that of a feed; other blogs' feeds do not."""
    assert linked(text) == found


def test_a_link_that_is_announced_too_is_not_asked_for_twice() -> None:
    """What a page both announces and links to is announced."""
    page = read_page('<link rel=alternate type=text/xml href=/feed title="The &amp; feed"><a href=/feed>RSS</a>', PAGE)
    assert page.announced == (Candidate("https://blog.example/feed", "announced", "The & feed"),)
    assert page.linked == ()


@pytest.mark.parametrize(
    ("page", "order"),
    [
        # WordPress: the front page, and a post with the feed of its comments.
        (
            "https://a.example/",
            [("/feed/", "A » Feed"), ("/comments/feed/", "A » Comments Feed")],
        ),
        (
            "https://a.example/2026/11/post/",
            [("/feed/", "A » Feed"), ("/2026/11/post/feed/", "A » Post Comments Feed"), ("/comments/feed/", "")],
        ),
        # A page of a category is followed by the category's feed, the front page by the whole site's.
        ("https://a.example/category/tea/", [("/category/tea/feed/", ""), ("/feed/", "")]),
        ("https://a.example/", [("/feed/", ""), ("/category/tea/feed/", "")]),
        ("https://a.example/", [("/index.xml", "All"), ("/?cat=3&feed=rss2", "A » Tea Category Feed")]),
        ("https://a.example/talks/", [("/talks/feed/", "Talks"), ("/feed/", "All"), ("/code/feed/", "Code")]),
        ("https://a.example/", [("/atom.xml", ""), ("/feed.json", "JSON")]),
        # A feed elsewhere, a friend's or a network's, comes after the site's own, but before comments.
        ("https://a.example/", [("/feed/", ""), ("https://b.example/feed", "B"), ("/comments/feed/", "")]),
        ("https://a.example/", [("/?cat=3&feed=rss2", "A » Tea Category Feed"), ("https://b.example/feed", "B")]),
        ("https://www.a.example/", [("https://feeds.a.example/x", ""), ("https://b.example/feed", "B")]),
        ("https://a.blogspot.com/", [("https://a.blogspot.com/x", ""), ("https://b.blogspot.com/x", "B")]),
        ("http://127.0.0.1/", [("http://127.0.0.1:8000/x", ""), ("http://127.0.0.2/x", "B")]),
        ("https://a.example/", [("https://b.example/feed", "B"), ("https://c.example/comments/feed/", "C")]),
        # A service for feeds keeps the site's own.
        ("https://a.example/", [("https://feeds.feedburner.com/a", ""), ("https://b.example/feed", "B")]),
    ],
)
def test_the_main_feed_comes_first(page: str, order: list[tuple[str, str]]) -> None:
    """The site's own feeds before others', the page's own section before the site before other sections, comments last,
    RSS and Atom before JSON."""
    wanted = [
        Candidate(urljoin("https://a.example/", url), "announced", title, is_json=title == "JSON")
        for url, title in order
    ]
    assert rank(wanted, page) == wanted
    assert rank(wanted[::-1], page) == wanted


def test_where_nothing_else_decides_the_author_does() -> None:
    """Feeds of equal standing keep the order of the page."""
    feeds = [Candidate(f"https://a.example/{name}.xml", "announced") for name in ("rss", "atom", "news")]
    assert rank(feeds, "https://a.example/") == feeds
    assert rank(feeds[::-1], "https://a.example/") == feeds[::-1]


@pytest.mark.parametrize(
    ("url", "title", "comments"),
    [
        ("https://a.example/feed", "A", False),
        ("https://a.example/comments/feed/", "", True),
        ("https://a.example/?feed=comments-rss2", "", True),
        ("https://a.blogspot.com/feeds/4711/comments/default", "", True),
        ("https://a.example/feed", "Comments on: A post", True),
        ("https://a.example/feed", "Kommentare zu: Ein Text", True),
        ("https://a.example/commentary/feed", "Commentary", False),
    ],
)
def test_feeds_of_comments_are_told(url: str, title: str, comments: bool) -> None:
    """Feeds of comments are known by address or title, in a few languages."""
    assert is_comments(Candidate(url, "announced", title)) is comments


@pytest.mark.parametrize(
    ("url", "feed"),
    [
        (
            "https://www.youtube.com/channel/UC0123456789abcdefghijkl",
            "https://www.youtube.com/feeds/videos.xml?channel_id=UC0123456789abcdefghijkl",
        ),
        (
            "https://www.youtube.com/playlist?list=PL0123456789abc",
            "https://www.youtube.com/feeds/videos.xml?playlist_id=PL0123456789abc",
        ),
        ("https://github.com/ada/engine", "https://github.com/ada/engine/releases.atom"),
        ("https://github.com/ada/engine/releases", "https://github.com/ada/engine/releases.atom"),
        ("https://github.com/ada/engine/commits/main", "https://github.com/ada/engine/commits/main.atom"),
        ("https://github.com/ada/engine/commits", "https://github.com/ada/engine/commits.atom"),
        ("https://github.com/ada", "https://github.com/ada.atom"),
        ("https://www.reddit.com/r/python/new", "https://www.reddit.com/r/python/.rss"),
        ("https://medium.com/@ada", "https://medium.com/feed/@ada"),
        ("https://ada.medium.com/", "https://ada.medium.com/feed"),
        ("https://ada.substack.com/p/engines", "https://ada.substack.com/feed"),
        ("https://ada.wordpress.com", "https://ada.wordpress.com/feed/"),
        ("https://ada.blogspot.com/2026/11/x.html", "https://ada.blogspot.com/feeds/posts/default"),
        ("https://social.example/@ada", "https://social.example/@ada.rss"),
        ("https://bsky.app/profile/ada.example", "https://bsky.app/profile/ada.example/rss"),
    ],
)
def test_known_services(url: str, feed: str) -> None:
    """What a service's own rule says of its feeds is known without asking."""
    assert known_feeds(url) == [feed]


@pytest.mark.parametrize(
    "url", ["https://blog.example/", "https://github.com/", "https://www.youtube.com/@ada", "https://notgithub.com/a/b"]
)
def test_unknown_pages(url: str) -> None:
    """Nothing is claimed of a page that no rule is for."""
    assert known_feeds(url) == []


def test_guesses_start_in_the_pages_folder() -> None:
    """The usual addresses are tried in the folder of the page, then at the root of the site, each once."""
    found = [
        candidate.url.removeprefix("https://a.example") for candidate in guesses("https://a.example/blog/post?x=1")
    ]
    assert found[:6] == ["/blog/feed", "/blog/feed.xml", "/blog/atom.xml", "/blog/index.xml", "/feed", "/feed.xml"]
    assert len(found) == len(set(found))
    assert [candidate.url for candidate in guesses("https://a.example")][:1] == ["https://a.example/feed"]


# The first feed to follow of each page of the corpus, and how many it announces, read by eye.
PAGES = {
    "page-001.html": ("https://page.example/feed/", 5),
    "page-ars-1.html": ("http://feeds.arstechnica.com/arstechnica/index/", 1),
    "page-daringfireball-1.html": ("https://page.example/feeds/main", 1),
    "page-ebb-org.html": ("http://ebb.org/bkuhn/rss.xml", 2),
    "page-ehow-1.html": ("http://www.ehow.com/feed/ehow-crafts.rss", 1),
    "page-firefox-nightly-blog.html": ("https://blog.nightly.mozilla.org/feed/", 3),
    "page-gitlab-blog.html": ("https://page.example/atom.xml", 4),
    "page-heise.html": ("http://www.heise.de/mac-and-i/news-atom.xml", 2),
    "page-iab-1.html": ("http://www.iab.com/feed/", 1),
    "page-keep-tabular-data.html": ("https://page.example/blog/rss", 1),
    "page-lemonde-1.html": ("http://www.lemonde.fr/pixels/rss_full.xml", 1),
    "page-lwn-1.html": ("http://lwn.net/headlines/newrss", 1),
    "page-v8-blog.html": ("https://page.example/blog.atom", 2),
    "page-xray-h-feed-with-atom-alternate.html": ("https://page.example/atom", 1),
    "page-xray-h-feed-with-rss-alternate.html": ("https://page.example/podcast.xml", 1),
    "page-xray-html-with-atom-alternate.html": ("https://page.example/atom", 1),
    "page-xray-html-with-json-and-atom.html": ("https://page.example/atom", 2),
}


@needs_corpus
def test_every_page_of_the_corpus_has_an_expectation() -> None:
    """No page of the corpus is left out of the table above."""
    assert {path.name for path in (CORPUS / "pages").iterdir()} == set(PAGES)


@needs_corpus
@pytest.mark.parametrize("name", PAGES)
def test_real_pages(name: str) -> None:
    """Of each real page the feed that a person would follow is the first candidate."""
    text = decode((CORPUS / "pages" / name).read_bytes())
    found = read_page(text, "https://page.example/")
    assert (found.announced[0].url, len(found.announced)) == PAGES[name]
    assert not is_comments(found.announced[0])


MARKUP = st.sampled_from(
    "<link <a <base > </a> rel= alternate type= application/rss+xml href= /feed \" ' = <!-- --> <![CDATA[ <![x[ ]]> <! "
    "<? &amp; &#x0; &#99999999999; & <script> </script> http:// //[ : @ feed: \x00 \ud800 é <textarea> <svg> ".split(
        " "
    )
)


@given(st.lists(MARKUP | st.text(max_size=5), max_size=40).map("".join), st.sampled_from([PAGE, "https://[::1]/", ""]))
@example("<![x[", PAGE)
@example('<link rel=feed href="http://a:b:c">', PAGE)
def test_never_raises_and_gives_only_web_addresses(text: str, url: str) -> None:
    """Whatever a page is made of, reading it raises nothing and gives nothing but http and https addresses."""
    found = read_page(text, url)
    for candidate in (*found.announced, *found.linked):
        assert candidate.url.startswith(("http://", "https://"))
        assert "@" not in candidate.url.split("/")[2]


@given(
    st.text(max_size=60), st.sampled_from(["https://a.example/", "https://github.com/", "https://www.reddit.com/r/"])
)
def test_rules_for_addresses_never_raise(text: str, start: str) -> None:
    """Any address that a page can have gives known feeds and guesses without raising."""
    try:
        candidates = [*known_feeds(start + text), *(one.url for one in guesses(start + text))]
    except ValueError as error:
        raise AssertionError(text) from error
    assert all(one.startswith("https://") for one in candidates)


SLOW = (
    *("<a", "<", "</", "<!", "<!--", "<![", "<?", "<base>", "<script></", "<textarea>", "&", " x='"),
    *("<a href=feed.xml>", "<a title=rss href='", "<a href='/feed-feed-", "<link rel=alternate type=text/xml href=a"),
)


@pytest.mark.parametrize("piece", SLOW)
def test_no_page_takes_long(piece: str) -> None:
    """A page made to be slow is read in time that grows with its length, in seconds at the very most."""
    began = time.monotonic()
    read_page("<html><a " + piece * (300_000 // len(piece)) + "'>", PAGE)
    assert time.monotonic() - began < 60
