"""What feeds say of themselves, for who shows their posts elsewhere: read, kept, and written only when it is news."""

from __future__ import annotations

import pytest

from tests.stocking import START, blog, configure, post, receive, state_of
from tidings.model import About, Document, FeedChange, ParsedFeed
from tidings.posts.parse import parse
from tidings.searching import search
from tidings.store import Store, abouts, feeds, posts, site

URL = "https://a.example/blog/feed"
NAMESPACES = (
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" '
    'xmlns:googleplay="http://www.google.com/schemas/play-podcasts/1.0" '
    'xmlns:creativeCommons="http://backend.userland.com/creativeCommonsRssModule" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xhtml="http://www.w3.org/1999/xhtml"'
)
A = blog("a")


def atom(inside: str, entry: str = "") -> ParsedFeed:
    return read(
        f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACES}><id>tag:a.example,2026:1</id><title>A</title>{inside}'
        f"<entry><id>tag:a.example,2026:2</id><title>T</title>{entry}</entry></feed>"
    )


def rss(inside: str, item: str = "") -> ParsedFeed:
    return read(
        f'<rss version="2.0" {NAMESPACES}><channel><title>A</title>{inside}'
        f"<item><guid>1</guid><title>T</title>{item}</item></channel></rss>"
    )


def read(text: str) -> ParsedFeed:
    parsed = parse(Document(URL, text.encode()))
    assert isinstance(parsed, ParsedFeed)
    return parsed


@pytest.mark.parametrize(
    ("inside", "rights"),
    [
        ("<rights>© Ann</rights>", "© Ann"),
        ('<rights type="html">&lt;b&gt;©&lt;/b&gt; Ann</rights>', "© Ann"),
        ('<link rel="license" href="/by-nd"/>', "https://a.example/by-nd"),
        ('<rights>© Ann</rights><link rel="license" href="/by-nd"/>', "© Ann, https://a.example/by-nd"),
        ('<link rel="license" href="javascript:x"/>', ""),
        ("", ""),
    ],
)
def test_rights_of_an_atom_feed_and_its_entries(inside: str, rights: str) -> None:
    """What Atom says of rights, and the licence that a link names (RFC 4946), in words; the same for an entry."""
    assert atom(inside).about.rights == rights
    assert atom("", inside).posts[0].rights == rights


@pytest.mark.parametrize(
    ("inside", "rights"),
    [
        ("<dc:rights>© Ann</dc:rights>", "© Ann"),
        ("<creativeCommons:license>https://cc.example/by</creativeCommons:license>", "https://cc.example/by"),
        ("", ""),
    ],
)
def test_rights_of_rss_and_its_items(inside: str, rights: str) -> None:
    """Dublin Core and the Creative Commons module, of a channel and of an item."""
    assert rss(inside).about.rights == rights
    assert rss("", inside).posts[0].rights == rights


def test_copyright_of_rss() -> None:
    """RSS has a word of its own for it, of the channel alone."""
    assert rss("<copyright>© 2026 Ann</copyright>").about.rights == "© 2026 Ann"


@pytest.mark.parametrize(
    ("inside", "noindex"),
    [
        ('<xhtml:meta name="robots" content="noindex"/>', True),
        ('<meta xmlns="http://www.w3.org/1999/xhtml" name="Robots" content="NoIndex, follow"/>', True),
        ('<xhtml:meta name="robots" content="none"/><xhtml:meta name="author" content="Ann"/>', True),
        ('<xhtml:meta name="robots" content="index, follow"/>', False),
        ('<xhtml:meta name="author" content="noindex"/>', False),
        ("<itunes:block>Yes</itunes:block>", True),
        ("<itunes:block>yes</itunes:block>", True),
        ("<itunes:block>no</itunes:block>", False),
        ("<googleplay:block>yes</googleplay:block>", True),
        ("<googleplay:block>no</googleplay:block>", False),
        ("", False),
    ],
)
def test_who_wants_to_be_in_no_search_engine(inside: str, noindex: bool) -> None:
    """The mark of HTML as Planet Venus heeds it, and what keeps podcasts out of directories."""
    assert rss(inside).about.noindex is noindex
    assert atom(inside).about.noindex is noindex


def test_an_item_that_is_blocked_blocks_no_feed() -> None:
    """What one item says holds for that item."""
    assert not rss("", "<itunes:block>yes</itunes:block>").about.noindex
    assert not atom("", '<xhtml:meta name="robots" content="noindex"/>').about.noindex


def test_author_pictures_and_categories() -> None:
    """Addresses are absolute, and what is no address of a picture is left out."""
    about = atom(
        "<author><name>Ann</name></author><icon>/icon.png</icon><logo>data:image/png,x</logo>"
        '<category term="go" label="Go"/><category term="Zig"/>'
    ).about
    assert about == About("tag:a.example,2026:1", "Ann", "", "https://a.example/icon.png", "", ("Go", "Zig"))
    image = "<image><url>https://a.example/logo.png</url><title>A</title><link>https://a.example/</link></image>"
    assert rss(image).about.logo == "https://a.example/logo.png"


def test_about_a_json_feed() -> None:
    """Its favicon is the small picture, its icon the large one."""
    about = read(
        '{"version": "https://jsonfeed.org/version/1.1", "title": "A", "favicon": "/f.ico", "icon": "/i.png", '
        '"authors": [{"name": "Ann"}], "items": []}'
    ).about
    assert about == About(author="Ann", icon="https://a.example/f.ico", logo="https://a.example/i.png")


def save(store: Store, about: About | None) -> None:
    feeds.save_read(store, state_of(store, A), FeedChange(), START, about=about)


def test_what_a_feed_says_is_kept(store: Store) -> None:
    """By the name of its source; of one that was not read nothing is known."""
    configure(store, A, blog("b"))
    about = About("tag:a", "Ann", "©", "https://a.example/i", "https://a.example/l", ("x", "y"), True)
    save(store, about)
    assert abouts.by_name(store, ["a", "b", "c"]) == {"a": about, "b": About()}
    save(store, About())
    assert abouts.by_name(store, ["a"]) == {"a": About()}


def test_only_news_is_written(store: Store) -> None:
    """The same again makes nothing out of date; anything else does."""
    configure(store, A)
    save(store, About(rights="©"))
    wanted = site.publishing_wanted(store)
    save(store, About(rights="©"))
    assert site.publishing_wanted(store) == wanted
    save(store, About(rights="© 2027"))
    assert site.publishing_wanted(store) != wanted


def test_the_rights_of_a_post_are_kept(store: Store) -> None:
    """As the post says them; they come back with it."""
    configure(store, A)
    feeds.save_read(store, state_of(store, A), FeedChange(new=(post(1, rights="CC BY"), post(2))), START)

    assert [one.rights for one in posts.find(store, posts.PostQuery())] == ["", "CC BY"]


def test_a_search_knows_a_source_as_pages_do(store: Store) -> None:
    """Its site, the terms of its feed and its wish to be in no search engine as well."""
    configure(store, A)
    receive(store, A, post(1))
    save(store, About(rights="©", noindex=True))
    [line] = search(store, [A], "full", "UTC", "Text", 1).about.values()
    assert (line.source.site_url, line.source.rights, line.source.noindex) == ("https://a.example/", "©", True)
