"""Lists of feeds, in and out."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.corpus import CORPUS, needs_corpus
from tidings.posts.encoding import decode
from tidings.sources.opml import Listed, read_list, write_opml


def opml(body: str) -> str:
    return f'<?xml version="1.0"?><opml version="2.0"><head><title>x</title></head><body>{body}</body></opml>'


@pytest.mark.parametrize(
    ("text", "feeds"),
    [
        (opml('<outline type="rss" text="A" xmlUrl="https://a.example/f"/>'), [Listed("https://a.example/f", "A")]),
        (opml('<outline title="A" XMLURL=" https://a.example/f "/>'), [Listed("https://a.example/f", "A")]),
        (opml('<outline type="RSS" text="A" url="https://a.example/f"/>'), [Listed("https://a.example/f", "A")]),
        (opml('<outline text="A" xml_url="https://a.example/f"/>'), [Listed("https://a.example/f", "A")]),
        (opml('<outline text="A" title="B" xmlUrl="https://a.example/f"/>'), [Listed("https://a.example/f", "A")]),
        (
            opml('<outline text=" " title="B\n C" xmlUrl="https://a.example/f"/>'),
            [Listed("https://a.example/f", "B C")],
        ),
        (opml('<outline xmlUrl="https://a.example/?a=1&amp;b=2"/>'), [Listed("https://a.example/?a=1&b=2")]),
        (
            opml('<outline text="A & B" xmlUrl="https://a.example/?a=1&b=2"/>'),
            [Listed("https://a.example/?a=1&b=2", "A & B")],
        ),
        (opml('<outline text="caf&eacute;" xmlUrl="https://a.example/"/>'), [Listed("https://a.example/", "café")]),
        (
            opml('<outline text="&copy=1" xmlUrl="https://a.example/?x=1&copy=2"/>'),
            [Listed("https://a.example/?x=1&copy=2", "&copy=1")],
        ),
        (
            opml('<outline text="The "A" <b>blog</b>" xmlUrl="https://a.example/"/>'),
            [Listed("https://a.example/", 'The "A" <b>blog</b>')],
        ),
        (opml('<outline text="a\x0bb" xmlUrl="https://a.example/"/>'), [Listed("https://a.example/", "a b")]),
        (opml('<outline xmlUrl="feed://a.example/f"/>'), [Listed("https://a.example/f")]),
        (opml('<outline xmlUrl="feed:http://a.example/f"/>'), [Listed("http://a.example/f")]),
        (opml('<o:outline xmlns:o="x" xmlUrl="https://a.example/f"/>'), [Listed("https://a.example/f")]),
        ('<opml><outline xmlUrl="https://a.example/f"/></opml>', [Listed("https://a.example/f")]),
        ('<outline xmlUrl="https://a.example/f"/>', [Listed("https://a.example/f")]),
        ("\ufeff \n<opml><body><outline xmlUrl='https://a.example/f'/></body></opml>", [Listed("https://a.example/f")]),
        ('<opml><body><outline xmlUrl="https://a.example/f"/><outline xmlU', [Listed("https://a.example/f")]),
        (opml('<outline text="just a note"/><outline type="song" f="x.mp3"/>'), []),
    ],
)
def test_outlines_are_read_as_they_come(text: str, feeds: list[Listed]) -> None:
    """Spelling of attributes, missing parts, wrong ampersands and quotes cost no feed."""
    assert list(read_list(text).feeds) == feeds


@pytest.mark.parametrize(
    ("body", "tags"),
    [
        ('<outline text="T">{}</outline>', ("T",)),
        ('<outline title="T"><outline text="U">{}</outline></outline>', ("T/U",)),
        ('<outline text="T"><outline>{}</outline></outline>', ("T",)),
        ('<outline text="T"></outline>{}', ()),
        ('<outline text="T"/>{}', ()),
        ('<outline text="T"><outline xmlUrl="https://b.example/"/></outline>{}', ()),
    ],
)
def test_folders_are_tags(body: str, tags: tuple[str, ...]) -> None:
    """A feed has the path of its folders as its tag, whether the list is well-formed or not."""
    feed = '<outline xmlUrl="https://a.example/" text="A{}"/>'
    for text in ("", " & B"):
        read = read_list(opml(body.format(feed.format(text))))
        assert [one.tags for one in read.feeds if one.url == "https://a.example/"] == [tags]


@pytest.mark.parametrize(
    ("category", "tags"),
    [
        ("/a,/b", ("a", "b")),
        ("tag one,tag_two,tag/three", ("tag one", "tag_two", "tag/three")),
        ("/Philosophy/Baseball/Mets,/Tourism/New York", ("Philosophy/Baseball/Mets", "Tourism/New York")),
        (" a , ,/,a", ("a",)),
        ("/one%2C two,/100%", ("one, two", "100%")),
        ("", ()),
    ],
)
def test_categories_are_tags(category: str, tags: tuple[str, ...]) -> None:
    """The paths of `category` are tags, without their leading slash."""
    (feed,) = read_list(opml(f'<outline xmlUrl="https://a.example/" category="{category}"/>')).feeds
    assert feed.tags == tags


def test_an_address_that_comes_twice_is_one_feed_with_all_tags() -> None:
    """Readers put a feed of two folders in twice; it is one feed with two tags."""
    feed = '<outline xmlUrl="https://a.example/" text="A"/>'
    read = read_list(opml(f'<outline text="x">{feed}</outline><outline text="y">{feed}</outline>'))
    assert read.feeds == (Listed("https://a.example/", "A", ("x", "y")),)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ('<outline type="rss" xmlUrl="|~/fetch.py"/>', "command"),
        ('<outline type="rss" xmlUrl="exec:~/fetch.sh"/>', "command"),
        ('<outline type="rss" xmlUrl="filter:~/f.pl:https://a.example/"/>', "command"),
        ('<outline type="rss" xmlUrl="https://a.example/" filtercmd="~/f.pl"/>', "command"),
        ('<outline type="rss" text="Empty" xmlUrl=""/>', "no address"),
        ('<outline type="rss" text="Empty"/>', "no address"),
        ('<outline type="link" url="https://a.example/more.opml"/>', "another list"),
        ('<outline type="include" url="https://a.example/more"/>', "another list"),
    ],
)
def test_unusable_entries_are_named(entry: str, reason: str) -> None:
    """Commands of other programs, entries without address and other lists are reported, each with its reason."""
    read = read_list(opml(entry))
    assert read.feeds == ()
    (unusable,) = read.unusable
    assert reason in unusable.reason


@pytest.mark.parametrize(
    ("text", "feeds"),
    [
        ("https://a.example/f\n\nhttp://b.example/g\n", [Listed("https://a.example/f"), Listed("http://b.example/g")]),
        ("# blogs\r\nhttps://a.example/f\r\n", [Listed("https://a.example/f")]),
        ("https://a.example/f#top # a comment", [Listed("https://a.example/f#top")]),
        ("a.example/feed", [Listed("https://a.example/feed")]),
        (
            'https://a.example/f "two words" news "~The \\"A\\" blog"',
            [Listed("https://a.example/f", 'The "A" blog', ("two words", "news"))],
        ),
        ('"https://a.example/f" !hidden', [Listed("https://a.example/f", "", ("hidden",))]),
        ("", []),
    ],
)
def test_plain_lists(text: str, feeds: list[Listed]) -> None:
    """A list may be text with an address a line, with tags and names as newsboat writes them."""
    assert list(read_list(text).feeds) == feeds


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE opml [<!ENTITY a "https://secret.example/">]>',
        '<!DOCTYPE opml [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE opml [<!ENTITY % a SYSTEM "http://127.0.0.1/x.dtd"> %a;]>',
        '<!DOCTYPE opml [<!ENTITY l "lol"><!ENTITY a "' + "&l;" * 100 + '">]>',
    ],
)
def test_entities_are_refused(doctype: str) -> None:
    """A list that declares entities is not read at all, so none is expanded and no file or address is opened."""
    read = read_list(
        f'<?xml version="1.0"?>{doctype}<opml><body><outline text="x" xmlUrl="https://a.example/&a;"/></body></opml>'
    )
    assert (read.feeds, read.unusable) == ((), ())
    assert "entities" in read.damage


def test_a_bomb_of_entities_is_refused_at_once() -> None:
    """The classic document that grows to gigabytes costs nothing."""
    bomb = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    began = time.monotonic()
    read = read_list(f'<!DOCTYPE o [<!ENTITY l0 "lol">{bomb}]><opml><outline xmlUrl="https://a.example/&l9;"/></opml>')
    assert read.feeds == ()
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "text",
    [
        "<outline>" * 200_000,
        '<outline text="' * 50_000,
        '<outline xmlUrl="' + 'a" text="' * 50_000,
        "<opml>" + "&" * 300_000,
        '"' * 300_000,
        "https://a.example/ " + '"a\\' * 100_000,
        '<outline text="x">' * 100_000 + '<outline xmlUrl="https://a.example/"/>',
    ],
    ids=range(7),
)
def test_no_list_takes_long(text: str) -> None:
    """What is made to be slow, or deep, is read in time that grows with its length."""
    began = time.monotonic()
    read_list(text)
    assert time.monotonic() - began < 30


def test_broken_lists_say_where() -> None:
    """What was wrong with a list is said with its line, and what could be read is there; of no list, nothing is."""
    read = read_list('<opml>\n<body>\n<outline text="A & B" xmlUrl="https://a.example/"/>\n</body></opml>')
    assert "line 3" in read.damage
    assert len(read.feeds) == 1
    assert "no OPML" in read_list("<html><body>hello</body></html>").damage
    assert "no OPML; line 1" in read_list("<html><body>hello<br></body></html>").damage


@pytest.mark.parametrize(
    ("text", "feeds", "damage"),
    [
        ("https://a.example/f\n\0", 0, "it is binary"),
        ("prose\nmore of it\nhttps://a.example/f", 0, "an address begins 1 of 3 lines"),
        ("prose\nhttps://a.example/f", 2, ""),
        ("# prose\n# more of it\n\nhttps://a.example/f", 1, ""),
        ("|command\nexec:x\nb.example\n", 1, ""),
    ],
)
def test_a_text_that_is_mostly_something_else_is_no_list(text: str, feeds: int, damage: str) -> None:
    """Lines that are no address are reported one by one only where they are the exception."""
    read = read_list(text)
    assert len(read.feeds) == feeds
    assert read.damage.startswith(damage)
    assert bool(read.damage) is bool(damage)


PRINTABLE = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=30).map(
    lambda text: " ".join(text.split())
)
NAMES = PRINTABLE.filter(bool)
URLS = st.from_regex(r"https?://[a-z]{1,8}\.example/[!-~]{0,20}", fullmatch=True)
SOURCES = st.lists(
    st.builds(Listed, URLS, NAMES, st.lists(NAMES, max_size=4, unique=True).map(tuple)),
    max_size=8,
    unique_by=lambda one: one.url,
)


@given(PRINTABLE, SOURCES)
@example("x", [Listed("https://a.example/", 'A & "B" <c>', ("/x", "a,b", "%2C", "%25", "a/b", "100%"))])
def test_what_is_written_is_read_back(title: str, sources: list[Listed]) -> None:
    """Addresses, names and tags come back from an export exactly, whatever characters are in them."""
    read = read_list(write_opml(title, sources))
    assert (read.damage, read.unusable) == ("", ())
    assert sorted(read.feeds, key=lambda one: one.url) == sorted(sources, key=lambda one: one.url)


@given(SOURCES.filter(bool))
def test_an_export_keeps_the_order(sources: list[Listed]) -> None:
    """Each folder, and each feed without tags, stands in the order of its first feed; the feeds of a folder are in
    theirs. So a list with one folder at most for each run of feeds comes back as it was."""
    read = read_list(write_opml("x", sources)).feeds
    firsts = [sources.index(one) for one in sources if _is_first(one, sources)]
    assert [sources.index(one) for one in read if _is_first(one, sources)] == firsts
    for tag in {one.tags[0] for one in sources if one.tags}:
        members = [one for one in sources if one.tags[:1] == (tag,)]
        start = read.index(members[0])
        assert list(read[start : start + len(members)]) == members


def _is_first(feed: Listed, feeds: list[Listed]) -> bool:
    return not feed.tags or feed == next(one for one in feeds if one.tags[:1] == feed.tags[:1])


def test_an_export_has_folders_for_other_readers() -> None:
    """A feed stands in the folder of its first tag, and `category` has them all; folders are not repeated."""
    tags = {"a": ("x", "y"), "b": (), "c": ("z",), "d": ("x",)}
    text = write_opml("P", [Listed(f"https://{name}.example/", name, its) for name, its in tags.items()])
    wanted = ['text="x"', "//a.", "//d.", "</outline>", "//b.", 'text="z"', "//c.", "</outline>"]
    assert re.findall(r'text="[xz]"|//[abcd]\.|</outline>', text) == wanted
    assert 'category="/x,/y"' in text


PIECES = (
    '<opml> <outline </outline> <body> text=" xmlUrl=" " /> > & &amp; <!DOCTYPE [ <!ENTITY ]> https://a.example/ '
    "\x00 \ud800 # |".split(" ")
)


@given(st.text(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join))
def test_never_raises(text: str) -> None:
    """Any text is read without raising, and what is found has an address."""
    assert all(feed.url for feed in read_list(text).feeds)


# Feeds, unusable entries, and tags in use of each list of the corpus, counted by eye or with grep.
LISTS = {
    "awesome-tech-rss.opml": (141, 0),
    "awesome-with-category-japan.opml": (8, 0),
    "awesome-with-category-programming.opml": (50, 0),
    "awesome-with-category-russia.opml": (13, 0),
    "awesome-with-category-web-development.opml": (7, 0),
    "awesome-without-category-android.opml": (18, 0),
    "hackernews-personal-blogs.opml": (1229, 0),
    "kagi-smallweb.txt": (36515, 0),
    "newsboat-body-element-missing.opml": (0, 0),
    "newsboat-category.opml": (1, 0),
    "newsboat-example.opml": (7, 0),
    "newsboat-example2.opml": (7, 0),
    "newsboat-filtered.opml": (1, 1),
    "newsboat-opml-element-missing.opml": (1, 1),
    "newsboat-piped.opml": (1, 1),
    "newsboat-test-urls+.opml": (4, 0),
    "pluto-category.opml": (0, 0),
    "pluto-directory.opml": (0, 8),
    "pluto-feedbase_about.opml": (0, 0),
    "pluto-feedbase_hotlist.opml": (140, 0),
    "pluto-places_lived.opml": (0, 1),
    "pluto-playlist.opml": (0, 0),
    "pluto-presentation.opml": (0, 0),
    "pluto-simple_script.opml": (0, 0),
    "pluto-specification.opml": (0, 0),
    "pluto-states.opml": (0, 0),
    "pluto-subscription_list.opml": (13, 0),
}
TAGS = {
    "newsboat-example.opml": {"Blogs", "Blogs/friends", "eloquent"},
    "newsboat-example2.opml": {"Rant boards/humans", "Rant boards", "eloquent"},
    "newsboat-test-urls+.opml": {"tag1/tag2", "tag1/tag3"},
    "newsboat-category.opml": {"tag one", "tag_two", "tag/three"},
    "awesome-with-category-russia.opml": {"Russia"},
}


@needs_corpus
def test_every_list_of_the_corpus_has_an_expectation() -> None:
    """No list of the corpus is left out of the table above."""
    assert {path.name for path in (CORPUS / "lists").iterdir()} == set(LISTS)


@needs_corpus
@pytest.mark.parametrize("name", LISTS)
def test_real_lists(name: str) -> None:
    """Of each real list every feed is found, tags too, and an export of it is read back the same."""
    read = read_list(decode((CORPUS / "lists" / name).read_bytes()))
    assert (len(read.feeds), len(read.unusable)) == LISTS[name]
    assert {tag for feed in read.feeds for tag in feed.tags} >= TAGS.get(name, set())
    assert all(feed.url.startswith(("http://", "https://")) for feed in read.feeds)
    again = read_list(write_opml(name, read.feeds)).feeds
    assert sorted(again, key=lambda one: one.url) == sorted(read.feeds, key=lambda one: one.url)
