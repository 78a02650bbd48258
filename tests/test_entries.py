"""Which of an item's links, texts, names and dates become the post's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.documents import URL, atom, atom_post, read, rss, rss_post
from tidings.model import Enclosure
from tidings.posts.plain import MAX_MARKUP

HOUR = timedelta(hours=1)
LONG = "a description that is much longer than the content of the same item"


@pytest.mark.parametrize("base", ["", 'xml:base="https://elsewhere.example/x/"'])
@pytest.mark.parametrize("url", [URL, "https://www.blog.example/moved/"])
def test_ids_stay_as_they_are_wherever_the_feed_comes_from(base: str, url: str) -> None:
    """feedparser resolves ids against the base: every post of a feed that moved would come a second time."""
    entry = atom(f"<entry {base}><id>post-1</id></entry>", attributes=base)
    item = rss("<item><guid>post-1</guid></item>").replace("<rss", f"<rss {base}")
    rdf = (
        f"<rdf:RDF {base} xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
        "<item rdf:about='post-1'><title>x</title></item></rdf:RDF>"
    )
    assert [read(body, url).posts[0].guid for body in (entry, item, rdf)] == ["post-1"] * 3
    assert read(item[:-20], url).posts[0].guid == "post-1"


@pytest.mark.parametrize(
    ("links", "url"),
    [
        ("<link href='https://a.example/1'/>", "https://a.example/1"),
        ("<link rel='self' href='https://a.example/s'/><link href='https://a.example/1'/>", "https://a.example/1"),
        (
            "<link rel='alternate' type='application/json' href='https://a.example/j'/>"
            "<link rel='alternate' type='text/html' href='https://a.example/1'/>",
            "https://a.example/1",
        ),
        ("<link rel='alternate' type='application/pdf' href='https://a.example/p'/>", "https://a.example/p"),
        (
            "<link rel='replies' href='https://a.example/r'/><link rel='edit' href='https://a.example/e'/>"
            "<link rel='enclosure' href='https://a.example/f'/><link rel='alternate' href='https://a.example/1'/>",
            "https://a.example/1",
        ),
        ("<link rel='related' href='https://a.example/about'/>", "https://a.example/about"),
        ("<id>https://a.example/id</id>", "https://a.example/id"),
        ("<id>urn:x</id>", ""),
        ("<link href='javascript:alert(1)'/>", ""),
        ("<link rel='enclosure' href='https://a.example/f.mp3'/>", "https://a.example/f.mp3"),
    ],
)
def test_the_link_of_an_atom_entry(links: str, url: str) -> None:
    """The alternate HTML page, then any alternate, then what it is about, its id, its file."""
    assert atom_post(links).url == url


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("<link>https://a.example/1?a=1&amp;b=2</link>", "https://a.example/1?a=1&b=2"),
        ("<link> /one\n </link>", "https://blog.example/one"),
        ("<link>//cdn.example/1</link>", "https://cdn.example/1"),
        ("<guid>https://a.example/g</guid>", "https://a.example/g"),
        ("<guid isPermaLink='true'>/g</guid>", "https://blog.example/g"),
        ("<guid isPermaLink='false'>https://a.example/g</guid>", ""),
        ("<guid>t3_abc</guid>", ""),
        ("<link>https://a.example/1</link><atom:link href='https://a.example/2'/>", "https://a.example/1"),
        ("<atom:link href='https://a.example/2'/><link>https://a.example/1</link>", "https://a.example/1"),
        ("<atom:link href='https://a.example/2'/>", "https://a.example/2"),
        (
            "<link>https://proxy.example/~r/1</link><feedburner:origLink>https://a.example/1</feedburner:origLink>",
            "https://a.example/1",
        ),
        ("<enclosure url='/e.mp3' type='audio/mpeg' length='1'/>", "https://blog.example/e.mp3"),
        ("<link></link>", ""),
    ],
)
def test_the_link_of_an_rss_item(item: str, url: str) -> None:
    """Its link, not atom:link; the page behind a feed proxy's link; a guid that is a link; a podcast's file."""
    assert rss_post(item).url == url


@pytest.mark.parametrize(
    ("site", "attributes", "url"),
    [
        ("", "", "https://blog.example/feeds/one"),
        ("<link href='https://blog.example/'/>", "", "https://blog.example/feeds/one"),
        ("<link href='https://www.blog.example/'/>", "", "https://blog.example/feeds/one"),
        ("<link href='https://site.example/b/'/>", "", "https://site.example/b/one"),
        ("<link href='https://site.example/b/'/>", "xml:base='https://base.example/x/'", "https://base.example/x/one"),
        ("", "xml:base='/x/'", "https://blog.example/x/one"),
        ("", "xml:base=''", "https://blog.example/feeds/one"),
    ],
)
def test_relative_links(site: str, attributes: str, url: str) -> None:
    """xml:base, else the site where the feed sits on another host (a proxy), else the document's own URL."""
    assert atom_post("<link href='one'/>", site, attributes).url == url


def test_nested_bases_end_with_their_element() -> None:
    """An xml:base is itself relative to the one around it, and holds for its own element only."""
    body = atom(
        "<entry xml:base='x/'><link href='one'/><content type='html' xml:base='deep/'>c</content></entry>"
        "<entry><link href='two'/></entry>",
        attributes="xml:base='https://base.example/'",
    )
    first, second = read(body).posts
    assert (first.url, first.base) == ("https://base.example/x/one", "https://base.example/x/deep/")
    assert (second.url, second.base) == ("https://base.example/two", "https://base.example/")
    alone = atom("<entry xml:base='https://a.example/'/><entry><link href='two'/></entry>")
    assert read(alone).posts[1].url == "https://blog.example/feeds/two"


@pytest.mark.parametrize(
    ("item", "channel", "base"),
    [
        ("<link>https://a.example/1</link>", "", "https://a.example/1"),
        ("", "<link>https://site.example/</link>", "https://site.example/"),
        ("", "", URL),
    ],
)
def test_what_the_html_of_a_post_is_relative_to(item: str, channel: str, base: str) -> None:
    """Its own page; without one the site; without that the document."""
    assert rss_post(item, channel).base == base


def test_enclosures() -> None:
    """Files with web addresses, each once, with their type and length where these make sense."""
    post = rss_post(
        "<enclosure url='/a.mp3' type='audio/mpeg' length='123'/><enclosure url='/a.mp3' type='x/y' length='1'/>"
        "<enclosure url='https://a.example/b' type='' length='0'/><enclosure url='ftp://a.example/c'/>"
        "<enclosure url='/d' length='-1'/><enclosure/>"
    )
    assert post.enclosures == (
        Enclosure("https://blog.example/a.mp3", "audio/mpeg", 123),
        Enclosure("https://a.example/b"),
        Enclosure("https://blog.example/d"),
    )


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("<title>a &lt;b&gt; &amp; c</title>", "a <b> & c"),
        ("<title type='text'>&lt;script&gt;x&lt;/script&gt;</title>", "<script>x</script>"),
        ("<title type='html'>a &lt;b&gt;bold&lt;/b&gt; &amp;amp; c&lt;br&gt;d</title>", "a bold & c d"),
        (
            "<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>a <b>&lt;p&gt;</b> c</div></title>",
            "a <p> c",
        ),
        ("<title>\n  two\n  lines&#9;</title>", "two lines"),
        ("<title/>", ""),
    ],
)
def test_atom_titles(title: str, text: str) -> None:
    """The declared type decides: text is literal, HTML loses its tags; either comes on one line."""
    assert atom_post(title).title == text


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("<title>AT&amp;T</title>", "AT&T"),
        ("<title>AT&amp;amp;T</title>", "AT&T"),
        ("<title>a &lt;b&gt;bold&lt;/b&gt; word</title>", "a bold word"),
        ("<title><![CDATA[1 < 2 &#8211; three]]></title>", "1 < 2 – three"),
        ("<title>using &lt;script&gt;</title>", "using <script>"),
        ("<media:title>only media</media:title>", "only media"),
        ("<title>own</title><media:title>media</media:title>", "own"),
        ("<dc:title>dc</dc:title><title>own</title>", "own"),
        ("", ""),
    ],
)
def test_rss_titles(item: str, text: str) -> None:
    """RSS says no type, so mark-up is dropped where it looks like HTML; other modules' titles only stand in."""
    assert rss_post(item).title == text


@pytest.mark.parametrize(
    ("item", "content", "summary"),
    [
        ("<description>&lt;p>a&lt;/p></description>", "<p>a</p>", ""),
        ("<description>one\n\ntwo &amp;amp; three</description>", "<p>one</p>\n<p>two &amp; three</p>", ""),
        (
            "<description>short</description><content:encoded>&lt;p>the long text&lt;/p></content:encoded>",
            "<p>the long text</p>",
            "short",
        ),
        (
            "<content:encoded>&lt;p>the long text&lt;/p></content:encoded><description>short</description>",
            "<p>the long text</p>",
            "short",
        ),
        ("<description>same</description><content:encoded>same</content:encoded>", "same", ""),
        ("<description>same</description><content:encoded>&lt;p>same&lt;/p></content:encoded>", "<p>same</p>", ""),
        (
            f"<description>{LONG}</description><content:encoded>short</content:encoded>",
            LONG,
            "short",
        ),
        ("<itunes:summary>a\n\nb &lt; c</itunes:summary>", "<p>a</p>\n<p>b &lt; c</p>", ""),
        ("<itunes:summary><![CDATA[see <a href='x'>x</a>]]></itunes:summary>", "see <a href='x'>x</a>", ""),
        ("<description>own</description><itunes:summary>own</itunes:summary>", "own", ""),
        (
            "<media:group><media:description>video\n\ntext</media:description></media:group>",
            "<p>video</p>\n<p>text</p>",
            "",
        ),
        ("<description>own text</description><media:description>a picture</media:description>", "own text", ""),
    ],
)
def test_texts_of_an_rss_item(item: str, content: str, summary: str) -> None:
    """The full text is the content, the shorter one the summary unless it says the same."""
    post = rss_post(item)
    assert (post.content_html, post.summary_html) == (content, summary)


@pytest.mark.parametrize(
    ("entry", "content", "summary"),
    [
        ("<content type='html'>&lt;p>a&lt;/p></content>", "<p>a</p>", ""),
        ("<content>1 &lt; 2</content>", "<p>1 &lt; 2</p>", ""),
        ("<content type='text'>&lt;p>forgot the type&lt;/p></content>", "<p>forgot the type</p>", ""),
        ("<summary>&lt;b> is bold</summary>", "<p>&lt;b&gt; is bold</p>", ""),
        (
            "<summary>short</summary><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>"
            "<p>a<br/>b &lt; c</p><img src='x'/></div></content>",
            '<p>a<br>b &lt; c</p><img src="x">',
            "<p>short</p>",
        ),
        ("<content type='image/png'>iVBORw0KGgo=</content><summary>s</summary>", "<p>s</p>", ""),
        ("<content src='https://a.example/x.html' type='text/html'/><summary>s</summary>", "<p>s</p>", ""),
    ],
)
def test_texts_of_an_atom_entry(entry: str, content: str, summary: str) -> None:
    """Text is escaped, HTML stays as it is, what is no text is left out."""
    post = atom_post(entry)
    assert (post.content_html, post.summary_html) == (content, summary)


def test_html_elements_in_xhtml_are_not_taken_for_those_of_the_feed() -> None:
    """A <summary> in <details>, a <link>, <source> or <title> inside the content ends nothing but itself."""
    inner = (
        "<details><summary>More</summary><p>inside</p></details><video><source src='v'/></video>"
        "<svg xmlns='http://www.w3.org/2000/svg'><title>t</title></svg><p>after</p>"
    )
    post = atom_post(
        f"<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>{inner}</div></content><title>Own</title>"
    )
    assert "<details><summary>More</summary><p>inside</p></details>" in post.content_html
    assert post.content_html.endswith("<p>after</p>")
    assert (post.title, post.summary_html, post.origin_title) == ("Own", "", "")


@pytest.mark.parametrize(
    ("item", "author"),
    [
        ("<author>ada@example.org (Ada)</author>", "Ada"),
        ("<author>Ada &lt;ada@example.org></author>", "Ada"),
        ("<author>Ada</author>", "Ada"),
        ("<author>noreply@blogger.com (Ada)</author>", "Ada"),
        ("<author>noreply@blogger.com</author>", "Editor"),
        ("<author>no-reply@example.org</author>", "Editor"),
        ("<author>ada@example.org</author>", "ada@example.org"),
        ("<dc:creator>Ada</dc:creator><dc:creator>Bea</dc:creator>", "Ada, Bea"),
        ("<author>ada@example.org (Ada)</author><itunes:author>Ada</itunes:author>", "Ada"),
        ("<dc:creator>A &lt;b>B&lt;/b></dc:creator>", "A B"),
        ("", "Editor"),
    ],
)
def test_rss_authors(item: str, author: str) -> None:
    """Names, not addresses; no placeholder addresses; the feed's editor where the item names nobody."""
    assert rss_post(item, "<managingEditor>ed@example.org (Editor)</managingEditor>").author == author


@pytest.mark.parametrize(
    ("entry", "author"),
    [
        ("<author><name>Ada</name><email>noreply@blogger.com</email></author>", "Ada"),
        ("<author><email>noreply@blogger.com</email></author>", "Feed"),
        ("<author><name>Ada</name></author><author><name>Bea</name></author>", "Ada, Bea"),
        ("<source><author><name>Planet</name></author></source>", "Planet"),
        ("", "Feed"),
    ],
)
def test_atom_authors(entry: str, author: str) -> None:
    """An entry's authors, else its source's, else the feed's (RFC 4287 section 4.2.1)."""
    assert atom_post(entry, "<author><name>Feed</name></author>").author == author


def test_tags() -> None:
    """Labels before terms, each once whatever its case, without Google's kinds, thirty at most."""
    post = atom_post(
        "<category term='a' label='Label A'/><category term='b'/><category term='B'/><category term=''/>"
        "<category scheme='http://schemas.google.com/g/2005#kind' term='http://schemas.google.com/kind#post'/>"
    )
    assert post.tags == ("Label A", "b")
    assert rss_post("<category>x</category><category><![CDATA[y &amp; z]]></category>").tags == ("x", "y & z")
    assert len(rss_post("".join(f"<category>c{number}</category>" for number in range(99))).tags) == 30


@pytest.mark.parametrize(
    ("item", "published", "updated"),
    [
        ("<pubDate>Thu, 29 Feb 2024 12:00:00 CEST</pubDate>", datetime(2024, 2, 29, 10, tzinfo=UTC), None),
        ("<dc:date>2024-02-29</dc:date>", datetime(2024, 2, 29, tzinfo=UTC), None),
        (
            "<dc:date>soon</dc:date><pubDate>29 Feb 2024 00:00 GMT</pubDate>",
            datetime(2024, 2, 29, tzinfo=UTC),
            None,
        ),
        ("<pubDate>2024-13-45</pubDate><dc:date>2024-02-29</dc:date>", datetime(2024, 2, 29, tzinfo=UTC), None),
        ("<atom:updated>2024-02-29T00:00:00Z</atom:updated>", None, datetime(2024, 2, 29, tzinfo=UTC)),
        ("<pubDate>1709164800</pubDate>", datetime(2024, 2, 29, tzinfo=UTC), None),
        ("", None, None),
    ],
)
def test_dates(item: str, published: datetime | None, updated: datetime | None) -> None:
    """A date of publication never fills in for one of change, and an unreadable one gives way to the next."""
    post = rss_post(item)
    assert (post.published, post.updated) == (published, updated)


@pytest.mark.parametrize(
    ("channel", "ttl"),
    [
        ("<ttl>90</ttl>", timedelta(minutes=90)),
        ("<ttl>0</ttl>", None),
        ("<ttl>soon</ttl>", None),
        ("<ttl>99999999</ttl>", timedelta(days=365)),
        ("<sy:updatePeriod> daily </sy:updatePeriod>", timedelta(days=1)),
        ("<ttl>60</ttl><sy:updatePeriod>daily</sy:updatePeriod>", timedelta(days=1)),
        ("<ttl>60</ttl><sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>", HOUR),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", timedelta(hours=6)),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", timedelta(days=1)),
        ("", None),
    ],
)
def test_how_often_the_feed_wants_to_be_asked(channel: str, ttl: timedelta | None) -> None:
    """RSS ttl in minutes, or the syndication module's period; the longer if there are both."""
    assert read(rss("", channel)).wishes.ttl == ttl


def test_languages() -> None:
    """The nearest xml:lang, the item's own, the feed's; underscores are hyphens, nonsense is none."""
    feed = read(
        atom(
            "<entry xml:lang='de'><title>x</title></entry><entry><content xml:lang='fr'>c</content></entry><entry/>",
            attributes='xml:lang="en_GB"',
        )
    )
    assert (feed.language, [post.language for post in feed.posts]) == ("en-GB", ["de", "fr", "en-GB"])
    assert rss_post("<dc:language>nl</dc:language>", "<language>en</language>").language == "nl"
    assert read(rss("", "<language>plain English</language>")).language == ""


def test_where_a_planet_took_a_post_from() -> None:
    """atom:source and RSS source name the origin, without leaking its fields into the entry."""
    post = atom_post(
        "<title>Own</title><id>own</id><source><id>s</id><title>Origin</title><updated>2001-01-01T00:00:00Z</updated>"
        "<link rel='self' href='https://o.example/feed'/><link href='https://o.example/'/></source>"
    )
    assert (post.title, post.guid, post.updated, post.url) == ("Own", "own", None, "")
    assert (post.origin_title, post.origin_url) == ("Origin", "https://o.example/")
    item = rss_post("<source url='https://o.example/feed'>Origin</source>")
    assert (item.origin_title, item.origin_url) == ("Origin", "https://o.example/feed")


def skips(hours: str = "", days: str = "") -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What a channel wishes that names these hours and days, divided by spaces."""
    named = "".join(f"<hour>{hour}</hour>" for hour in hours.split())
    off = "".join(f"<day>{day}</day>" for day in days.split())
    wishes = read(
        rss(
            "<item><title>a</title></item>",
            f"<skipHours>{named}</skipHours><skipDays>{off}</skipDays>",
        )
    ).wishes
    return wishes.skip_hours, wishes.skip_days


@pytest.mark.parametrize(
    ("hours", "days", "skipped"),
    [
        ("", "", ((), ())),
        ("3 1 2 2", "Sunday Saturday", ((1, 2, 3), (5, 6))),
        ("24 00 09", "MONDAY sunday", ((0, 9), (0, 6))),
        ("25 -1 noon 1.5 ٣", "Sonntag Sun 6", ((), ())),
        (" ".join(map(str, range(24))), "Monday", ((), (0,))),
        (" ".join(map(str, range(1, 25))), "", ((), ())),
        ("5", "Monday Tuesday Wednesday Thursday Friday Saturday Sunday", ((5,), ())),
    ],
)
def test_when_the_feed_wants_to_be_left_alone(
    hours: str, days: str, skipped: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    """RSS skipHours and skipDays; what is no hour or day is left out, and all hours or all days is nonsense."""
    assert skips(hours, days) == skipped


def test_an_hour_or_a_day_of_a_post_is_no_wish() -> None:
    """Only the channel says when to come; RSS 1.0 and Atom feeds may use the same elements."""
    feed = read(rss("<item><hour>5</hour><day>Monday</day></item>", "<skipHours><hour>7</hour></skipHours>"))
    assert (feed.wishes.skip_hours, feed.wishes.skip_days) == ((7,), ())
    broken = read(rss("<item><title>a</titel></item>", "<skipHours><hour>7</hour><hour>8</hour></skipHours>"))
    assert broken.wishes.skip_hours == (7, 8)


def test_the_time_of_the_build_is_no_date_of_a_post() -> None:
    """Where every entry was updated at the same moment, none was; two of them can be a coincidence."""
    entry = "<entry><id>{}</id><updated>2024-02-29T10:20:30Z</updated></entry>"
    assert [post.updated for post in read(atom("".join(map(entry.format, "abc")))).posts] == [None] * 3
    assert None not in [post.updated for post in read(atom("".join(map(entry.format, "ab")))).posts]
    other = "<entry><id>d</id><updated>2024-02-28T10:20:30Z</updated></entry>"
    assert None not in [post.updated for post in read(atom("".join(map(entry.format, "abc")) + other)).posts]


@pytest.mark.parametrize(
    "make",
    [
        lambda text: rss(f"<item><description>{text}</description><guid>g</guid></item>"),
        lambda text: rss(
            f"<item><description><![CDATA[{text.replace('&lt;', '<')}]]></description><guid>g</guid></item>"
        ),
        lambda text: atom(f"<entry><content type='html'>{text}</content><id>g</id></entry>"),
        lambda text: atom(
            f"<entry><content type='xhtml'><div>{text.replace('&lt;', '<')}</div></content><id>g</id></entry>"
        ),
        lambda text: rss(f"<item><description>{text}</description><guid>g</guid></item></x>"),
    ],
    ids=["rss", "cdata", "atom", "xhtml", "broken"],
)
def test_a_text_over_a_mebibyte_is_cut_and_its_post_kept(make: Callable[[str], str]) -> None:
    """The text ends where the limit is, with no tag divided; what stands behind it in the post is read all the same."""
    [post] = read(make("&lt;p>word&lt;/p>" * 120_000)).posts
    assert MAX_MARKUP - 100 < len(post.content_html) <= MAX_MARKUP
    assert post.content_html.removeprefix("<div>").startswith("<p>word</p><p>word</p>")
    assert post.content_html.endswith(("</p>", "<p>", "<p>word", "d", "w", "wo", "wor"))
    assert post.guid == "g"


def test_one_line_texts_are_cut() -> None:
    """Titles, names and labels have a thousand characters at most; of labels, files and people there are thirty."""
    long = "x" * 2_000
    post = rss_post(
        f"<title>{long}</title><dc:creator>{long}</dc:creator><category>{long}</category>"
        f"<enclosure url='/a' type='a/{long}'/><link>https://a.example/{'x' * 9_000}</link>"
    )
    assert (len(post.title), len(post.author), len(post.tags[0])) == (1_000, 1_000, 1_000)
    assert len(post.enclosures[0].type) == 1_000
    assert post.url == "https://blog.example/a"
    many = atom_post("".join(f"<author><name>Ada {n}</name></author>" for n in range(99)))
    assert len(many.author.split(", ")) == 30
    files = rss_post("".join(f"<enclosure url='/{n}'/>" for n in range(99)))
    assert len(files.enclosures) == 30


def test_a_post_of_very_many_elements_is_kept() -> None:
    """What is behind the ten thousandth element of a post is not looked at; the next post is read as ever."""
    crowd = "<category>x</category>" * 10_001
    feed = read(
        rss(f"<item><guid>a</guid>{crowd}<title>late</title></item><item><guid>b</guid><title>B</title></item>")
    )
    assert [(post.guid, post.title) for post in feed.posts] == [("a", ""), ("b", "B")]
