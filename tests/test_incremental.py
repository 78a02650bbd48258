"""Reading only the news: the decision is the one that reading all of the document gives, whatever was remembered."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus import CORPUS, needs_corpus
from tests.documents import NAMESPACES, URL, atom, rss
from tidings.model import Document, Failed, KnownPost, ParsedFeed, ParsedPost
from tidings.posts.cut import find_spans, without
from tidings.posts.decide import (
    Decided,
    Named,
    Plan,
    decide,
    finish,
    keys_to_look_up,
    name,
    plan,
    read,
    slices,
    takes_unread,
)
from tidings.posts.identity import shared_mark
from tidings.posts.incremental import RULES
from tidings.posts.parse import XmlText, open_up, parse


def item(number: int | str, more: str = "", text: str = "<p>Text</p>") -> str:
    link, text = f"https://blog.example/{number}", f"<description><![CDATA[{text}]]></description>"
    return f"<item><guid>{link}</guid><title>{number}</title><link>{link}</link>{more}{text}</item>"


def entry(number: int | str, more: str = "", text: str = "Text") -> str:
    link, text = f'<link href="https://blog.example/{number}"/>', f'<content type="html">{text}</content>'
    return f"<entry><id>{number}</id><title>{number}</title>{link}{more}{text}</entry>"


def document(text: str | bytes, url: str = URL) -> Document:
    return Document(url, text if isinstance(text, bytes) else text.encode())


def reading(text: str | bytes, memory: bytes = b"", url: str = URL) -> Named:
    named = read(document(text, url), memory)
    assert isinstance(named, Named), named
    return named


def unread(named: Named) -> list[int]:
    """The positions of the posts whose text was left unread."""
    return [one.post.position for one in named.posts if not one.read]


def bare(named: Named) -> Named:
    """What deciding looks at, without the texts."""

    def without_text(post: ParsedPost) -> ParsedPost:
        return ParsedPost(post.position, published=post.published, updated=post.updated)

    posts = tuple(replace(one, read=True, post=without_text(one.post)) for one in named.posts)
    return replace(named, posts=posts)


def knowledge(named: Named, random: Random) -> dict[str, KnownPost]:
    """A store that knows some of the posts, some of them as something else, and some of the keys as others' keys."""
    known: dict[str, KnownPost] = {}
    for post_id, one in enumerate(named.posts):
        content_hash = random.choice([one.content_hash, one.content_hash, one.content_hash, "other", ""])
        for key in one.lookups:
            if random.random() < 0.6:
                known[key] = KnownPost(random.choice([post_id, post_id, post_id, 1]), content_hash)
    return known


def assert_same(text: str | bytes, memory: bytes, url: str = URL) -> Named:
    """Reads a document with a memory; all that follows from it must be what follows without."""
    whole, part = reading(text, url=url), reading(text, memory, url)
    assert bare(part) == bare(whole)
    for one, other in zip(part.posts, whole.posts, strict=True):
        assert not one.read or one == other
    parsed = parse(document(text, url))
    assert isinstance(parsed, ParsedFeed)
    assert replace(whole, memory=b"") == name(parsed, url)
    assert keys_to_look_up(part) == keys_to_look_up(whole)
    for seed in range(3):
        known = knowledge(whole, Random(seed))
        decided = plan(part, known)
        assert takes_unread(decided) or decided == plan(whole, known)
        assert [draft.post_id for draft in decided.changed] == [draft.post_id for draft in plan(whole, known).changed]
        assert_same_in_one_go(document(text, url), memory, known, part, decided)
    return part


def assert_same_in_one_go(
    document: Document, memory: bytes, known: dict[str, KnownPost], part: Named, decided: Plan
) -> None:
    """Decides in a worker, where all keys of the source are known, also those that the document does not ask for."""
    others = {shared_mark(one.keys[0]): KnownPost(0, "other") for one in part.posts} | {"guid:other": KnownPost(9, "x")}
    made, change = decide(document, memory, {**others, **known}, 0.0), finish(decided)
    if takes_unread(decided) or decided.to_compare or len(slices(decided)) > 1:
        assert made == part
    else:
        assert not isinstance(change, Failed)
        assert made == Decided(replace(part, posts=(), stories={}), decided.without_posts, change)


# --------------------------------------------------------------------------------------------- what is left unread


def test_of_twenty_items_only_the_new_one_is_read() -> None:
    """A new item in front, a changed head: the others are known by position, link and dates alone."""
    head = "<lastBuildDate>Mon, 23 Nov 2026 08:00:00 GMT</lastBuildDate>"
    before = reading(rss("".join(map(item, range(20))), head))
    text = rss(
        item("new") + "".join(map(item, range(19))), "<lastBuildDate>Tue, 24 Nov 2026 08:00:00 GMT</lastBuildDate>"
    )
    named = assert_same(text, before.memory)
    assert unread(named) == list(range(1, 20))
    assert all(not one.post.content_html and not one.post.title for one in named.posts if not one.read)


def test_a_memory_lasts_from_one_partial_reading_to_the_next() -> None:
    """What a partial reading remembers is what a whole one would."""
    named = reading(rss("".join(map(item, range(3)))))
    for number in range(3, 9):
        named = assert_same(rss("".join(item(n) for n in range(number, number - 3, -1))), named.memory)
        assert unread(named) == [1, 2]


def test_a_document_with_nothing_new_in_it_is_hardly_read() -> None:
    """One known item is read all the same: it shows that the feed still means what it meant."""
    text = atom("".join(map(entry, range(10))))
    assert unread(assert_same(text, reading(text).memory)) == list(range(1, 10))


def test_an_item_edited_by_one_character_is_read() -> None:
    """Known is what is the same to the letter, wherever it stands now."""
    before = reading(rss(item(1) + item(2) + item(3)))
    named = assert_same(rss(item(3) + item(2, text="<p>text</p>") + item(1)), before.memory)
    assert unread(named) == [0, 2]


def test_a_post_that_is_to_be_saved_but_was_left_unread_is_noticed() -> None:
    """A store that knows nothing of the posts, as after they were lost, needs the whole document."""
    text = rss(item(1) + item(2))
    named = reading(text, reading(text).memory)
    assert takes_unread(plan(named, {}))
    known = {key: KnownPost(one.post.position, one.content_hash) for one in named.posts for key in one.keys}
    assert not takes_unread(plan(named, known))
    edited = {key: replace(post, content_hash="other") for key, post in known.items()}
    assert takes_unread(plan(named, edited))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<link>https://blog.example/</link>", "<link>https://other.example/</link>"),
        ("<language>en</language>", "<language>fr</language>"),
        ("<managingEditor>A</managingEditor>", "<managingEditor>B</managingEditor>"),
        ("", "<image><url>https://blog.example/i.png</url></image>"),
    ],
)
def test_a_head_that_speaks_for_the_items_makes_them_new(before: str, after: str) -> None:
    """The site, the language and the author of a feed are its posts' too, so with a new one all is read again."""
    items = item(1) + item(2)
    memory = reading(rss(items, before)).memory
    assert unread(assert_same(rss(items, before), memory)) == [1]
    assert unread(assert_same(rss(items, after), memory)) == []


@pytest.mark.parametrize(
    ("before", "after", "use"),
    [
        ('xml:base="https://a.example/"', 'xml:base="https://b.example/"', ""),
        ('xml:lang="en"', 'xml:lang="fr"', ""),
        ('xmlns:x="http://purl.org/dc/elements/1.1/"', 'xmlns:x="urn:x"', "<x:creator>A</x:creator>"),
        ('xmlns:x="urn:x"', "", ""),
    ],
)
def test_a_root_that_speaks_for_the_items_makes_them_new(before: str, after: str, use: str) -> None:
    """Base, language and namespaces of the root decide on what the mark-up of an item means."""
    items = entry(1, use) + entry(2)
    memory = reading(atom(items, attributes=before)).memory
    assert unread(assert_same(atom(items, attributes=before), memory)) == [1]
    assert unread(assert_same(atom(items, attributes=after), memory)) == []


def test_another_address_makes_all_items_new() -> None:
    """Links are resolved against the address a document came from."""
    text = rss(item(1) + item(2), channel="")
    assert unread(assert_same(text, reading(text).memory, "https://other.example/feed")) == []


def test_another_meaning_of_an_entity_makes_all_items_new() -> None:
    """An entity that the document declares stands for what it says now."""
    text = '<!DOCTYPE rss [<!ENTITY who "A">]>' + rss(item(1, "<author>&who;</author>") + item(2))
    memory = reading(text).memory
    assert unread(assert_same(text, memory)) == [1]
    assert unread(assert_same(text.replace('"A"', '"B"'), memory)) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [{"id": "1", "content_text": "x"}]}',
        rss(item(1, "<a><b></a></b>") + item(2)),
        rss(item(1, "Q & A") + item(2)),
        rss(item(1) + item(2))[:-20],
        rss(item(1) + item(2) + "<title>T</title>"),
        rss(item(1, '<a:b xmlns:a="urn:a">x</a:b>') + item(2)),
        rss(item(1, '<dc:b xmlns:dc="http://www.w3.org/1999/xhtml">x</dc:b>') + item(2, "<dc:creator>A</dc:creator>")),
        rss(item(1, "<textInput><name>x</name></textInput>") + item(2), "<textInput><name>y</name></textInput>"),
        rss(item(1), "<content:encoded>x</content:encoded>") + "",
    ],
)
def test_nothing_is_remembered_of_a_document_that_is_not_plain(text: str) -> None:
    """JSON, broken and mended XML, and items that may depend on each other are read whole each time."""
    assert reading(text).memory == b""
    assert_same(text, b"")


@pytest.mark.parametrize("memory", [b"\x00", b"[]", zlib.compress(b"[]"), zlib.compress(b'["x", {"a": [1]}]')])
def test_a_memory_that_cannot_be_read_is_made_anew(memory: bytes) -> None:
    """A damaged memory, or one of another version, costs a whole reading and nothing else."""
    text = rss(item(1) + item(2))
    named = assert_same(text, memory)
    assert unread(named) == []
    assert named.memory == reading(text).memory


def test_where_the_news_are_long_nothing_is_left_out() -> None:
    """A partial reading that turns out to be of no use costs little: with much to read, all is read at once."""
    text = rss(item(1) + item(2))
    longer = rss(item(1) + item(2) + item(3, text="x" * 1_000_000))
    assert unread(assert_same(longer, reading(text).memory)) == []


def test_a_document_that_broke_since_is_read_whole() -> None:
    """What is wrong outside of the known items is met by the strict reader, and then nothing is left out."""
    memory = reading(rss(item(1) + item(2))).memory
    for text in (rss(item(1) + item(2, "<a>")), rss(item(1) + item(2), "<a>"), rss(item(1) + item(2))[:-10]):
        assert unread(assert_same(text, memory)) == []


def test_a_change_of_the_rules_of_reading_is_noted() -> None:
    """What a plain document is read as. Where this changes, raise RULES beside it: items that are remembered would
    otherwise stay what they were."""
    more = "<dc:creator>A</dc:creator><category>t</category><content:encoded>&lt;p&gt;long&lt;/p&gt;</content:encoded>"
    parts = [
        rss(item(1, more + "<pubDate>Mon, 23 Nov 2026 08:00:00 GMT</pubDate>") + item("b?utm_source=x&amp;y=1#z")),
        atom(entry(1, "<summary>s</summary><published>2026-11-23</published>") + "<entry><title>b</title></entry>"),
    ]
    named = [reading(part) for part in parts]
    posts = [
        (one.lookups, one.content_hash, one.post.published, one.post.updated) for each in named for one in each.posts
    ]
    said = repr((posts, [each.stories for each in named]))
    assert (RULES, hashlib.sha256(said.encode()).hexdigest()[:16]) == (7, "cfaede67eb0e54f0")


# ------------------------------------------------------------------------------------------------------- invariants

DATES = (
    "",
    "<pubDate>Mon, 23 Nov 2026 08:00:00 GMT</pubDate>",
    "<dc:date>2026-11-23</dc:date>",
    "<atom:updated>2026-11-22T01:00:00Z</atom:updated>",
)
RSS_ITEMS = (
    *(item(number, date) for number in range(3) for date in DATES),
    item(1, text="&nbsp;</item> <item>"),
    item(1, "<!-- </item> --><?x <item> ?>"),
    item(4, "<description>&lt;/item&gt;</description>"),
    item(5, "<image><title>i</title><link>https://blog.example/i</link></image>"),
    item(6, "<textInput><name>x</name></textInput>"),
    item(7, "<source url='https://a.example/'>A</source><author>a@example.org (A)</author>"),
    item(8, '<svg xmlns="http://www.w3.org/2000/svg"><title>s</title></svg>'),
    item(8, '<a:b xmlns:a="urn:a">x</a:b>'),
    item(8, '<media:title xmlns:media="http://search.yahoo.com/mrss/">m</media:title>'),
    item(9, '<dc:creator xmlns:dc="urn:other">x</dc:creator>'),
    item(9, '<x:creator xmlns:x="http://purl.org/dc/elements/1.1/">x</x:creator>'),
    item(9, "<dc:creator>B</dc:creator><language>fr</language><content:encoded>c &amp; d</content:encoded>"),
    item(9, "<itunes:owner><itunes:name>o</itunes:name></itunes:owner><itunes:summary>s</itunes:summary>"),
    item(9, "<channel><title>c</title></channel>"),
    item(9, "<unknown>u</unknown><unknown a='b'>u</unknown><rss version='0.91'/>"),
    "<item xml:lang='de' xml:base='https://base.example/'><link>rel</link><title>based</title></item>",
    "<item><title>no id</title><pubDate>Mon, 23 Nov 2026 08:00:00 GMT</pubDate></item>",
    "<item><description>only text</description></item>",
    "<item><guid isPermaLink='false'>2</guid><title>same guid</title></item>",
    "<item></item>",
    "<item><item>nested</item></item>",
    "<item/>",
    "<item>&eacute;&who;</item>",
    "<title>between</title>",
)  # fmt: skip
CHANNELS = (
    "",
    "<link>https://blog.example/</link>",
    "<lastBuildDate>Mon, 23 Nov 2026 08:00:00 GMT</lastBuildDate>",
    "<image><title>I</title><url>https://blog.example/i.png</url></image>",
    "<language>en</language>",
    "<textInput><title>t</title></textInput>",
    "<itunes:author>A</itunes:author>",
    "<content:encoded>c</content:encoded>",
    '<x:y xmlns:x="urn:a"/>',
)
XHTML = "xmlns='http://www.w3.org/1999/xhtml'"
ENTRIES = (
    *(entry(number, more) for number in range(3) for more in ("", "<updated>2026-11-23T08:00:00Z</updated>")),
    entry(3, "<source><title>S</title><link href='https://a.example/'/></source>"),
    entry(4, f"<summary type='xhtml'><div {XHTML}><p>x</p><svg><title>t</title></svg></div></summary>"),
    entry(5, "<author><name>A</name><email>a@example.org</email></author><category term='t'/>"),
    entry(6, f"<content type='xhtml'><div {XHTML}><item>x</item></div></content>"),
    entry(7, "<published>2026-11-20T08:00:00Z</published>", "&lt;a href='/x'&gt;&lt;/entry&gt;"),
    entry(8, "<link rel='enclosure' href='a.mp3' type='audio/mpeg'/><rights>r</rights>"),
    "<entry xml:base='/b/' xml:lang='de'><title type='html'>&lt;b&gt;x&lt;/b&gt;</title><link href='c'/></entry>",
    "<entry><title>no id</title></entry>",
    "<e:entry xmlns:e='http://www.w3.org/2005/Atom'><e:id>p</e:id></e:entry>",
)  # fmt: skip
FEEDS = (
    "",
    "<updated>2026-11-23T08:00:00Z</updated>",
    "<author><name>F</name></author>",
    "<link href='https://blog.example/'/>",
    "<icon>i</icon>",
)
ROOTS = ("", "xml:base='https://base.example/'", "xml:lang='en'", "xmlns:dc='urn:other'")


def some(pieces: Sequence[str], most: int = 7) -> st.SearchStrategy[str]:
    """Mostly plain pieces: the odd ones stand behind."""
    early = st.sampled_from(pieces[: len(pieces) // 2 + 1])
    return st.lists(st.one_of(early, early, early, st.sampled_from(pieces)), max_size=most).map("".join)


RSS = st.builds(rss, some(RSS_ITEMS), some(CHANNELS, 2)).map(lambda text: f'<!DOCTYPE rss [<!ENTITY who "W">]>{text}')
ATOM = st.builds(atom, some(ENTRIES), some(FEEDS, 2), st.sampled_from(ROOTS))
RDF = st.builds(
    lambda items, head: (
        f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" {NAMESPACES} '
        f'xmlns="http://purl.org/rss/1.0/"><channel>{head}</channel>{items}</rdf:RDF>'
    ),
    some(RSS_ITEMS),
    some(CHANNELS, 2),
)


@settings(max_examples=150)
@given(documents=st.one_of(*(st.lists(kind, min_size=2, max_size=4) for kind in (RSS, ATOM, RDF))))
def test_reading_the_news_decides_what_reading_all_decides(documents: list[str]) -> None:
    """Whatever a feed was and has become, and however often: the same posts, keys, stories, order, and memory."""
    memory = b""
    for text in documents:
        if not isinstance(parse(document(text)), ParsedFeed):
            continue
        memory = assert_same(text, memory).memory


@settings(max_examples=60)
@given(text=st.one_of(RSS, ATOM, RDF), data=st.data())
def test_any_items_may_be_known_and_any_order_may_change(text: str, data: st.DataObject) -> None:
    """A memory of some items of a document, in another order, twice or once, changes nothing of what it says."""
    spans = find_spans(text, text.index("<rss") if "<rss" in text else 0)
    if spans is None or not isinstance(parse(document(text)), ParsedFeed):
        return
    items = [text[span.start : span.end] for span in spans]
    former = "".join(data.draw(st.lists(st.sampled_from(items), max_size=6)))
    before = text[: spans[0].start] + former + text[spans[-1].end :]
    assert_same(text, reading(before).memory)


def corpus_files() -> list[Path]:
    return sorted((CORPUS / "feeds").iterdir()) if CORPUS.is_dir() else []


@needs_corpus
def test_real_feeds_say_the_same_in_part_as_whole() -> None:
    """Every feed of the corpus, with a random part of its items known; most of the plain ones are read in part."""
    random, cut = Random(1), 0
    for path in corpus_files():
        body = path.read_bytes()
        opened = open_up(document(body))
        spans = find_spans(opened.text, opened.root.start) if isinstance(opened, XmlText) else None
        if spans is None or not isinstance(opened, XmlText):
            continue
        new = random.sample(range(len(spans)), random.randrange(len(spans) + 1))
        former = read(document(without(opened.text, spans, new)))
        if isinstance(former, Named):
            cut += bool(unread(assert_same(body, former.memory)))
    assert cut > 150
