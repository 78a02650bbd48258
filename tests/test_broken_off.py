"""Documents that break off: what is known of the post they break off in stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.builders import parsed_feed, parsed_post
from tests.deciding import decide
from tests.origin import Answer, Origin
from tests.test_decide import Memory
from tests.test_healing import text
from tests.test_poll import run_poll, source, stored
from tidings.model import Document, FeedChange, ParsedPost, Remembered
from tidings.posts.decide import Named, finish, keys_to_look_up, name, plan, read
from tidings.posts.edits import is_cut
from tidings.store import Store

SUMMARY = "What this is about, in quite other words than those of the text, and not many of them."


def parts(number: int) -> dict[str, str]:
    """What an item of RSS, or an entry of Atom, is made of."""
    body = f'<p>{text(number, 20)} &amp; <a href="https://blog.example/x">this</a> {text(number + 50, 20)}</p>'
    return {
        "guid": f'<guid isPermaLink="false">g{number}</guid>',
        "title": f"<title>A headline about number {number}</title>",
        "link": f"<link>https://blog.example/post-{number}</link>",
        "date": "<pubDate>Mon, 23 Nov 2026 08:00:00 GMT</pubDate>",
        "description": f"<description><![CDATA[{body}]]></description>",
        "summary": f"<description>{SUMMARY}</description>",
        "content": f"<content:encoded><![CDATA[{body}]]></content:encoded>",
        "file": '<enclosure url="https://blog.example/a.mp3" type="audio/mpeg" length="1"/>',
        "id": f"<id>urn:{number}</id>",
        "href": f'<link href="https://blog.example/post-{number}"/>',
        "html": f'<content type="html"><![CDATA[{body}]]></content>',
    }


def document(order: str) -> str:
    """Three posts, each with parts in this order."""
    item = "entry" if "id" in order.split() else "item"
    items = "".join(f"<{item}>{''.join(parts(n)[part] for part in order.split())}</{item}>" for n in range(3))
    if item == "entry":
        return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title>{items}</feed>'
    space = "http://purl.org/rss/1.0/modules/content/"
    return f'<rss version="2.0" xmlns:content="{space}"><channel><title>A</title>{items}</channel></rss>'


def named(body: str) -> Named:
    found = read(Document("https://blog.example/feed", body.encode(), "application/xml"))
    assert isinstance(found, Named)
    return found


@pytest.mark.parametrize(
    "order",
    [
        "guid title link date description file",
        "title link date guid description",
        "title link date guid summary content",
        "description guid link title date",
        "title link date description",
        "id title href html",
        "html title href id",
    ],
)
def test_a_cut_changes_nothing_wherever_it_is(order: str) -> None:
    """A document that breaks off anywhere in its last post brings nothing and empties nothing."""
    whole = document(order)
    first = finish(plan(named(whole), {}))
    assert isinstance(first, FeedChange)
    memory = Memory()
    for number, post in enumerate(first.new):
        memory.remember(post, number)
    before = {
        number: Remembered(number, post.title, post.text, post.published, summary=post.summary)
        for number, post in memory.posts.items()
    }
    for end in range(max(whole.rfind("<item>"), whole.rfind("<entry>")), whole.rfind("</"), 3):
        cut = named(whole[:end])
        assert cut.feed.malformed
        made = plan(cut, memory.known(keys_to_look_up(cut)))
        change = finish(replace(made, before=before))
        assert isinstance(change, FeedChange)
        assert (change.new, change.changed) == ((), ()), whole[:end][-60:]


def edited(*posts: ParsedPost, malformed: bool) -> list[str]:
    """The new texts of those posts that a document changes, of two that were stored."""
    memory = Memory()
    memory.poll(*STORED)
    before = {number: Remembered(number, post.title, post.text) for number, post in memory.posts.items()}
    feed = parsed_feed(*posts, malformed=malformed)
    return [post.text for post in decide(feed, memory.known(keys_to_look_up(name(feed))), before).changed]


STORED = [parsed_post(guid=f"g{n}", title=f"Post {n}", content_html=f"<p>{text(n)}</p>") for n in range(2)]
SHORTER = [replace(post, content_html=f"<p>{text(n)[:60]}</p>") for n, post in enumerate(STORED)]


def test_only_the_last_post_of_a_malformed_document_can_be_cut() -> None:
    """An author who leaves only the beginning of a post is heard: in a document that is whole, in any post but the last
    of one that is not, and with other words in that too."""
    one, other = (text(n)[:60].strip() for n in range(2))
    assert edited(SHORTER[0], SHORTER[1], malformed=True) == [one]
    assert sorted(edited(SHORTER[0], SHORTER[1], malformed=False)) == sorted([one, other])
    retracted = replace(STORED[1], content_html="This was wrong.")
    assert edited(STORED[0], retracted, malformed=True) == ["This was wrong."]


@pytest.mark.parametrize(
    ("title", "words", "expected"),
    [
        ("Title", "", True),
        ("Title", "One two three fo", True),
        ("Title", "One two <im", True),
        ("Title", "One two three four five", True),
        ("Tit", "", True),
        ("", "", True),
        ("Title", "In sh", True),
        ("Title", "One three", True),
        ("Title", "One three four", False),
        ("Title", "One two three four five six", False),
        ("Title 2", "", False),
        ("Titel", "One two", False),
    ],
)
def test_what_a_cut_leaves(title: str, words: str, expected: bool) -> None:
    """The beginnings of title and text, or of the summary; of the last word nobody knows."""
    before = Remembered(7, "Title", "One two three four five", summary="In short.")
    assert is_cut(before, title, words) == expected


def test_a_text_longer_than_is_counted_is_cut_as_well() -> None:
    """Only the first few thousand words are compared, and the length of all."""
    long = text(1, 6000)
    assert is_cut(Remembered(7, "A", long), "A", long[:-3000])
    assert not is_cut(Remembered(7, "A", long[:-3000]), "A", long)


def test_a_cut_document_edits_nothing_in_real_polls(store: Store, origin: Origin, now: datetime) -> None:
    """Broken off, and whole again: no edit is reported, and the posts are as they were, down to their summaries."""
    feed, whole = source(origin, "/a"), document("title link date guid summary content")
    before = None
    for number, body in enumerate([whole, whole[: whole.rfind("<content:encoded>") + 80], whole[:-60], whole]):
        origin.serve("/a", Answer(200, body.encode()))
        row = run_poll(store, [feed], now + number * timedelta(hours=1))["a"]
        assert (row.new, row.updated) == (3 if number == 0 else 0, 0)
        before = before or stored(store)
        assert stored(store) == before
