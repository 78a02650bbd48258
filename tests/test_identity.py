"""Identity: the keys that name a post, and who is who when a document comes again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.builders import NOW, parsed_feed, parsed_post
from tests.feeds import item, rss
from tests.origin import Answer, Origin
from tests.test_poll import run_poll, source, stored
from tidings.model import Enclosure, KnownPost, ParsedPost
from tidings.posts.edits import content_hash
from tidings.posts.identity import identify, match, shared_mark
from tidings.store import Store

LINK = "https://blog.example/post"


def names(*posts: ParsedPost) -> list[tuple[str, ...]]:
    return [one.keys for one in identify(parsed_feed(*posts).posts)]


def known_as(post_id: int, post: ParsedPost) -> dict[str, KnownPost]:
    """The store after `post` came alone."""
    [one] = identify([post])
    return {key: KnownPost(post_id, content_hash(post)) for key in (*one.keys, *one.shared)}


def matched(known: dict[str, KnownPost], *posts: ParsedPost) -> list[int | None]:
    """For each post that is not left out the id of the stored one it is."""
    return [one.known.post_id if one.known else None for one in match(identify(parsed_feed(*posts).posts), known)]


@pytest.mark.parametrize("guid", ["", "  ", "\n\t"])
def test_an_empty_guid_is_none(guid: str) -> None:
    """A guid of white space names nothing: the link does."""
    [keys] = names(parsed_post(guid=guid, url=LINK, title="A"))
    assert not any(key.startswith("guid") for key in keys)
    assert any(key.startswith("link:") for key in keys)


@pytest.mark.parametrize(
    "post",
    [
        parsed_post(),
        parsed_post(guid="  "),
        parsed_post(content_html=" \n", author="Joe", published=NOW, tags=("a",)),
    ],
)
def test_a_post_that_shows_nothing_is_left_out(post: ParsedPost) -> None:
    """An item without guid, link, title and text is no post."""
    assert identify([post]) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"guid": "1"}, {"guid": "2"}),
        ({"guid": "g", "url": LINK}, {"guid": "g", "url": LINK + "2"}),
        ({"guid": "g", "url": LINK, "title": "A"}, {"guid": "g", "url": LINK, "title": "B"}),
        ({"guid": "g", "content_html": "a"}, {"guid": "g", "content_html": "b"}),
        ({"url": LINK, "title": "A"}, {"url": LINK, "title": "B"}),
        ({"url": LINK, "title": "A", "content_html": "a"}, {"url": LINK, "title": "A", "content_html": "b"}),
        ({"url": LINK + "#1"}, {"url": LINK + "#2"}),
        ({"content_html": "a"}, {"content_html": "b"}),
        ({"summary_html": "a"}, {"summary_html": "b"}),
        ({"title": "A"}, {"title": "B"}),
        ({"guid": "a b", "title": "c"}, {"guid": "a", "title": "b c"}),
        ({"guid": "x" * 400 + "1"}, {"guid": "x" * 400 + "2"}),
    ],
)
def test_different_posts_of_one_document_stay_apart(one: dict[str, str], other: dict[str, str]) -> None:
    """Two items that a reader can tell apart are two posts, whatever their guids and links."""
    first, second = names(parsed_post(**one), parsed_post(**other))
    assert first
    assert second
    assert not set(first) & set(second)


@pytest.mark.parametrize(
    "versions",
    [
        [{"guid": "g", "url": LINK, "title": "A"}, {"guid": " g\n", "url": LINK + "?utm_source=rss", "title": "A"}],
        [{"guid": "g", "title": "A", "content_html": "a"}, {"guid": "g", "title": "A", "content_html": "b"}],
        [{"url": LINK, "title": "A  B"}, {"url": "http://www.blog.example/post/", "title": "A B"}],
        [{"title": "A", "content_html": "a"}, {"title": "A", "content_html": "a "}],
    ],
)
def test_an_item_listed_twice_is_one_post(versions: list[dict[str, str]]) -> None:
    """Versions of one item in one document are one post."""
    assert len(identify(parsed_feed(*(parsed_post(**one) for one in versions)).posts)) == 1


def test_the_newest_version_of_an_item_wins_in_any_order() -> None:
    """Of two versions of one entry the one updated last is taken, wherever it stands."""
    old = parsed_post(guid="g", title="A", content_html="old", published=NOW)
    new = parsed_post(guid="g", title="A", content_html="new", published=NOW, updated=NOW + timedelta(hours=1))
    for order in ([old, new], [new, old]):
        [one] = identify(order)
        assert one.post.content_html == "new"


def test_without_dates_the_order_still_says_nothing() -> None:
    """Which of two undated versions stays does not depend on the order of the document."""
    posts = [parsed_post(guid="g", title="A", content_html=text) for text in "abc"]
    assert identify(posts)[0].post == identify(posts[::-1])[0].post
    same_day = [parsed_post(guid="g", title="A", published=NOW), parsed_post(guid="g", title="A", updated=NOW)]
    assert identify(same_day) == identify(same_day[::-1])


TWIN = {
    "guid": "d1",
    "url": LINK,
    "title": "Title",
    "content_html": "<p>text</p>",
    "published": NOW.replace(hour=9, minute=41),
}


@pytest.mark.parametrize(
    "other",
    [{}, {"url": LINK + "?utm_source=cat"}, {"url": "http://www.blog.example/post/"}, {"content_html": "<p>text</p> "}],
)
def test_a_post_listed_under_two_guids_is_one(other: dict[str, str]) -> None:
    """As in a feed that lists it once for each category: what says the same on one page at one moment has the keys of
    both, and is known when either is listed alone."""
    one, two = parsed_post(**TWIN), parsed_post(1, **TWIN | {"guid": "d1-cat"} | other)
    for order in ([one, two], [two, one]):
        [both] = identify(order)
        assert {"guid:d1", "guid:d1-cat"} <= set(both.keys)
        assert both.shared == ()
        known = {key: KnownPost(7, "x") for key in both.all_keys}
        assert matched(known, one) == matched(known, two) == matched(known, *order) == [7]
    assert matched(known_as(7, one), two, one) == [7]
    assert matched(known_as(7, two), two, one) == [7]


@pytest.mark.parametrize(
    "other",
    [
        {"url": LINK + "2"},
        {"url": LINK + "#2"},
        {"url": ""},
        {"title": "Another"},
        {"content_html": "<p>Text</p>"},
        {"published": NOW.replace(hour=9, minute=42)},
        {"published": None},
        {"updated": NOW},
        {"enclosures": (Enclosure("https://a.example/2.mp3", "audio/mpeg", 1),)},
    ],
)
def test_posts_that_differ_in_anything_stay_two(other: dict[str, Any]) -> None:
    """Another page, title, text, moment or file: two guids are two posts."""
    one, two = parsed_post(**TWIN), parsed_post(1, **TWIN | {"guid": "d2"} | other)
    assert len(identify([one, two])) == 2


@pytest.mark.parametrize("same", [{"published": None}, {"published": NOW.replace(hour=0, minute=0)}, {"url": ""}])
def test_posts_that_say_too_little_stay_two(same: dict[str, Any]) -> None:
    """Without a moment, or without a link, two guids are two posts, though they say the same: "Service is up" may come
    twice a day."""
    assert len(identify([parsed_post(n, **TWIN | {"guid": f"d{n}"} | same) for n in range(2)])) == 2


def test_the_first_key_is_always_the_posts_own() -> None:
    """Even where everything but one thing is the same, each post keeps one key, and shared ones are marked."""
    posts = [parsed_post(guid="g", url=LINK, title=title) for title in "ABC"]
    for one in identify(parsed_feed(*posts).posts):
        assert one.keys[0].startswith("guid+link+title:")
        assert any(mark.endswith("guid:g") for mark in one.shared)


def test_a_hostile_guid_does_not_fill_the_index() -> None:
    """Keys are short, however long the guid, link and title."""
    [keys] = names(parsed_post(guid="g" * 100_000, url=LINK + "/" + "u" * 7000, title="t" * 100_000, published=NOW))
    assert max(map(len, keys)) <= 300


@pytest.mark.parametrize(
    "edit",
    [
        {"title": "New title"},
        {"content_html": "new text"},
        {"url": LINK + "-moved"},
        {"url": LINK + "-moved", "title": "New title", "content_html": "new text", "published": NOW},
    ],
)
def test_a_guid_names_a_post_through_every_edit(edit: dict[str, str]) -> None:
    """While the guid stays, the post stays the same."""
    before = {"guid": "g", "url": LINK, "title": "Title", "content_html": "text"}
    assert matched(known_as(7, parsed_post(**before)), parsed_post(**before | edit)) == [7]


@pytest.mark.parametrize(
    "edit", [{"title": "New title"}, {"content_html": "new"}, {"url": "http://www.blog.example/post/?utm_medium=x"}]
)
def test_a_link_names_a_post_without_guid_through_edits(edit: dict[str, str]) -> None:
    """Without a guid the page it is on names a post."""
    before = {"url": LINK, "title": "Title", "content_html": "text"}
    assert matched(known_as(7, parsed_post(**before)), parsed_post(**before | edit)) == [7]


@pytest.mark.parametrize(
    "change",
    [
        {"guid": "http://new.example/?p=1"},
        {"guid": "other"},
        {"guid": ""},
        {"guid": "other", "url": "https://new.example/post"},
        {"guid": "other", "content_html": "<p>text</p>"},
    ],
)
def test_a_post_is_known_under_a_changed_guid(change: dict[str, str]) -> None:
    """A feed that makes up new guids, or moves to another host, does not bring its posts again."""
    before = {"guid": "g", "url": LINK, "title": "Title", "content_html": "text", "published": NOW}
    assert matched(known_as(7, parsed_post(**before)), parsed_post(**before | change)) == [7]


def test_a_post_without_date_is_known_by_its_page_and_text() -> None:
    """Where there is no date, the page with the same title and text is the same post."""
    before = {"guid": "g", "url": LINK, "title": "Title", "content_html": "text"}
    assert matched(known_as(7, parsed_post(**before)), parsed_post(**before | {"guid": "h"})) == [7]


def test_a_post_is_known_when_its_guid_comes_later() -> None:
    """A post stored without guid, as from a document that was cut off, is known by its link when the guid comes."""
    known = known_as(7, parsed_post(url=LINK, title="Tit"))
    assert matched(known, parsed_post(guid="g", url=LINK, title="Title", content_html="text")) == [7]


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Another title"},
        {"published": NOW + timedelta(days=7)},
        {"url": LINK + "2"},
    ],
)
def test_another_guid_is_another_post_unless_all_else_is_the_same(other: dict[str, str]) -> None:
    """Posts on one page (a status page) or of one title ("Open thread") are kept apart by their guids."""
    before = {"guid": "g", "url": LINK, "title": "Title", "content_html": "text", "published": NOW}
    assert matched(known_as(7, parsed_post(**before)), parsed_post(**before | other | {"guid": "h"})) == [None]


def test_undated_posts_on_the_front_page_are_kept_apart_by_their_guids() -> None:
    """A monitor's "Service is up" comes again and again with a new guid, and each is a post."""
    before = {"guid": "g", "url": "https://status.example/", "title": "Service is up"}
    assert matched(known_as(7, parsed_post(**before)), parsed_post(**before | {"guid": "h"})) == [None]


def test_a_repeated_guid_does_not_edit_the_first_post() -> None:
    """When a second post comes under a known guid, the first stays itself and the second is new."""
    first = parsed_post(guid="g", url=LINK, title="First")
    second = parsed_post(guid="g", url=LINK + "2", title="Second")
    assert matched(known_as(7, first), second, first) == [None, 7]


def test_a_guid_that_was_ever_shared_names_nothing_again() -> None:
    """One guid a day, as seen in the wild: after the day on which two posts had it, a third is no edit."""
    shared = [parsed_post(guid="2026-11-27", url=LINK + n, title=n) for n in "12"]
    known: dict[str, KnownPost] = {}
    for post_id, one in enumerate(identify(parsed_feed(*shared).posts)):
        known |= {key: KnownPost(post_id, "x") for key in (*one.keys, *one.shared)}
    third = parsed_post(guid="2026-11-27", url=LINK + "3", title="3")
    known |= {key: KnownPost(3, "x") for key in identify([third])[0].keys}
    assert matched(known, parsed_post(guid="2026-11-27", url=LINK + "4", title="4")) == [None]


def test_the_claim_of_a_stored_post_does_not_depend_on_order() -> None:
    """Two items that both could be a stored post: the one that is the same to the letter is, in any order."""
    first = parsed_post(guid="g", url=LINK, title="First", content_html="a")
    second = parsed_post(guid="g", url=LINK, title="Second", content_html="b")
    [one] = identify([first])
    known = known_as(7, second) | {one.keys[0]: KnownPost(7, content_hash(second))}
    for order in ([first, second], [second, first]):
        found = match(identify(parsed_feed(*order).posts), known)
        assert [one.identified.post.title for one in found] == ["Second"]


def test_a_former_version_does_not_take_another_posts_place() -> None:
    """An item seen before as a version of one post is that or nothing, though a weaker key of it names another."""
    former = parsed_post(guid="g", url=LINK, title="First", published=NOW)
    current = parsed_post(guid="g", url=LINK, title="Second", published=NOW)
    [one] = identify([former])
    now_known = KnownPost(7, content_hash(current))
    known = {key: KnownPost(8, "x") for key in one.keys} | known_as(7, current) | {one.keys[0]: now_known}
    assert matched(known, former, current) == [7]


def test_the_front_page_names_no_post() -> None:
    """Posts without guid that all link to the front page are not edits of one another."""
    known = known_as(7, parsed_post(url="https://blog.example/", title="First"))
    assert matched(known, parsed_post(url="https://blog.example/", title="Second")) == [None]


def test_moving_pages_does_not_swap_posts() -> None:
    """Strong keys claim first: a post under its own guid is itself, though another now has its old link and title."""
    first = parsed_post(guid="1", url=LINK, title="A", published=NOW)
    moved = parsed_post(guid="1", url=LINK + "-old", title="A (old)", published=NOW)
    second = parsed_post(guid="2", url=LINK, title="A", published=NOW)
    assert matched(known_as(7, first), second, moved) == [None, 7]


# ------------------------------------------------------------------------------------------------------------- hints


def hints(**values: Any) -> set[str]:
    [one] = identify([parsed_post(**values)])
    return set(one.hints)


FILE = Enclosure("https://cdn.blog.example/audio/7.mp3?token=abc", "audio/mpeg", 1)
LOAD = Enclosure("https://cdn.blog.example/load.php?id=3", "audio/mpeg", 1)


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({"title": "A Title", "url": LINK}, {"~title:a title", "~path:post"}),
        ({"title": "A", "guid": LINK}, {"~title:a", "~guid:post"}),
        ({"title": "A", "guid": LINK, "url": LINK}, {"~title:a", "~path:post"}),
        ({"title": "A", "url": "https://blog.example/"}, {"~title:a"}),
        ({"title": "A", "url": "https://blog.example/?p=17"}, {"~title:a", "~path:p=17"}),
        ({"title": "A", "url": "https://blog.example/x"}, {"~title:a"}),
        ({"title": "A", "enclosures": (FILE,)}, {"~title:a", "~file:audio/7.mp3"}),
        ({"title": "A", "enclosures": (LOAD,)}, {"~title:a", "~file:load.php?id=3"}),
        ({"title": "A", "enclosures": (Enclosure("https://a.example/pic.png", "image/png", 1),)}, {"~title:a"}),
    ],
)
def test_what_hints_at_a_post(values: dict[str, Any], kinds: set[str]) -> None:
    """Its title, the path of its page and of its guid, its file without a signature; no host, front page, picture."""
    assert hints(**values) == kinds


def test_a_post_is_hinted_at_by_its_second() -> None:
    """With a text to compare, and a time of day; a known post gets no more of them when its date moves."""
    long = {"guid": "g", "title": "A", "content_html": "word " * 20}
    assert hints(**long, published=NOW.replace(hour=9, second=7)) == {
        "~title:a",
        f"~moment:{NOW.date()}T09:00:07+00:00",
    }
    assert hints(**long, published=NOW.replace(hour=0)) == {"~title:a"}
    assert hints(guid="g", title="A", content_html="word", published=NOW.replace(hour=9)) == {"~title:a"}
    [one] = identify([parsed_post(**long, published=NOW.replace(hour=9))])
    assert any(key.startswith("~moment:") for key in one.all_keys)
    assert not any(key.startswith("~moment:") for key in one.lasting_keys)


def test_a_post_without_title_is_hinted_at_by_its_text() -> None:
    """Its words are all there is to know it by."""
    [hint] = hints(content_html="<p>Some words.</p>")
    assert hint.startswith("~text:")
    assert hints(content_html="<p>Some words.</p>", title="A") == {"~title:a"}


def suspected(known: dict[str, KnownPost], *posts: ParsedPost) -> list[dict[int, tuple[str, ...]]]:
    return [dict(one.suspects) for one in match(identify(parsed_feed(*posts).posts), known) if one.known is None]


def hinted_as(post_id: int, post: ParsedPost) -> dict[str, KnownPost]:
    """The store after `post` came alone, hints and all."""
    [one] = identify([post])
    return {key: KnownPost(post_id, content_hash(post)) for key in one.all_keys}


STORED = parsed_post(guid="g", url=LINK, title="A title", content_html="words", published=NOW)
OTHER = parsed_post(guid="h", url=LINK + "-2", title="A title", content_html="others")


def test_hints_lead_to_stored_posts() -> None:
    """A new post comes with the posts that it may be, and what led to each."""
    assert suspected(hinted_as(7, STORED), OTHER) == [{7: ("~title:a title",)}]
    both = parsed_post(guid="h", url=LINK, title="A title", content_html="others")
    assert suspected(hinted_as(7, STORED), both) == [{7: ("~title:a title", "~path:post")}]


def test_a_post_that_the_document_still_has_is_no_suspect() -> None:
    """Two posts of one title in a document are two posts."""
    assert suspected(hinted_as(7, STORED), OTHER, STORED) == [{}]


def test_a_hint_that_led_to_another_post_leads_nowhere() -> None:
    """Marked as shared, by the document or by a former comparison, it says nothing any more."""
    known = hinted_as(7, STORED)
    assert suspected(known | {shared_mark("~title:a title"): KnownPost(8, "x")}, OTHER) == [{}]
    assert suspected(known, OTHER, parsed_post(guid="i", title="A title", content_html="more")) == [{}, {}]


# ------------------------------------------------------------------------------------- through the real poll


def polls(store: Store, origin: Origin, now: datetime, *documents: Sequence[str], path: str = "/a") -> list[int]:
    """Polls a source that shows one document after the other, an hour apart; how many posts each brought."""
    feed, brought = source(origin, path), []
    for number, items in enumerate(documents):
        origin.serve(path, Answer(200, rss(items, head=f"<ttl>{number}</ttl>")))
        brought.append(run_poll(store, [feed], now + timedelta(hours=number))[feed.name].new)
    return brought


def bare(text: str, inside: str = "") -> str:
    return f"<item>{inside}<description>{text}</description></item>"


@pytest.mark.parametrize(
    ("name", "items"),
    [
        ("one guid for all", [item(n, guid="same") for n in range(6)]),
        ("one guid for some", [item(n, guid="same" if n % 2 else f"g{n}") for n in range(6)]),
        ("one link for all", [item(n, link="https://blog.example/status") for n in range(6)]),
        ("one link and no guids", [item(n, guid=None, link="https://blog.example/status") for n in range(6)]),
        ("one title and no guids", [item(n, guid=None, title="Note") for n in range(6)]),
        ("one guid and one link", [item(n, guid="same", link="https://blog.example/status") for n in range(6)]),
        ("one guid, one link, one title", [item(n, guid="s", link="https://a.example/", title="A") for n in range(6)]),
        ("empty guids", [item(n, guid=" ") for n in range(6)]),
        ("nothing but text", [bare(f"Text number {n}.") for n in range(6)]),
        ("nothing but titles", [bare("", f"<title>Title {n}</title>") for n in range(6)]),
        ("nothing but guids", [bare("", f"<guid>g{n}</guid>") for n in range(6)]),
        ("nothing but fragments", [item(n, guid=None, link=f"https://blog.example/log#{n}") for n in range(6)]),
    ],
)
def test_feeds_that_name_posts_badly_bring_each_once(
    store: Store, origin: Origin, now: datetime, name: str, items: list[str]
) -> None:
    """Non-unique guids, equal links, or nothing at all to name a post by: in a window that rolls on, forwards and
    backwards, each post comes once. One guid, link and title for all is one entry in its versions."""
    windows = [items[2:], items[1:5], items[:4], items, items[3:], items[::-1], items[1:3]]
    brought = sum(polls(store, origin, now, *windows))
    if name == "one guid, one link, one title":
        assert brought == 1
    else:
        assert brought == len(items)
        assert len(stored(store)) == len(items)


def test_two_feeds_may_share_all_their_guids(store: Store, origin: Origin, now: datetime) -> None:
    """Guid `1` of one source is not that of another, at any poll."""
    one = [item(f"a{n}", guid=str(n), link=f"https://a.example/{n}") for n in range(4)]
    other = [item(f"b{n}", guid=str(n), link=f"https://b.example/{n}") for n in range(4)]
    assert polls(store, origin, now, one, one, path="/a") == [4, 0]
    assert polls(store, origin, now, other, other, path="/b") == [4, 0]
    assert len(stored(store)) == 8


def test_a_planet_whose_blogs_count_alike_brings_all(store: Store, origin: Origin, now: datetime) -> None:
    """`/?p=1` of one blog, then of another: same path, same first title, two posts."""

    def of(blog: str, number: int) -> str:
        page = f"https://{blog}.example/?p={number}"
        title = "Hello world" if number == 1 else f"{blog} says {number}"
        return item(number, guid=page, link=page, title=title, text=f"<p>Words of {blog}, {number}.</p>")

    one, two = ([of(blog, number) for number in (3, 2, 1)] for blog in ("one", "two"))
    assert polls(store, origin, now, one[1:], two[1:] + one[:2], two, one, one + two) == [2, 3, 1, 0, 0]
    assert len(stored(store)) == 6


@pytest.mark.parametrize("start", ["http://blog.example", "https://www.blog.example", "http://www.blog.example:80"])
def test_another_way_to_write_the_host_brings_nothing(store: Store, origin: Origin, now: datetime, start: str) -> None:
    """http for https, `www.`, a port: whole documents and single posts, guids being links or not."""
    before = [item(n, guid=f"https://blog.example/{n}") for n in range(6)]
    after = [item(n, guid=f"{start}/{n}", link=f"{start}/{n}") for n in range(6)]
    assert polls(store, origin, now, before, [after[0], *before[1:]], after, before) == [6, 0, 0, 0]


def test_a_feed_proxy_brings_nothing(store: Store, origin: Origin, now: datetime) -> None:
    """Links through a proxy that says where they lead, and guids as before or its own."""

    def proxied(number: int, guid: str) -> str:
        proxy = f"http://feedproxy.example/~r/blog/~3/x{number}/"
        made = item(number, guid=guid, link=proxy)
        return made.replace("</item>", f"<f:origLink>https://blog.example/{number}</f:origLink></item>")

    def served(guids: str) -> bytes:
        return rss(proxied(n, f"{guids}-{n}") for n in range(6)).replace(
            b"<rss ", b'<rss xmlns:f="http://rssnamespace.org/feedburner/ext/1.0" '
        )

    feed = source(origin, "/a")
    origin.serve("/a", Answer(200, rss(item(n) for n in range(6))))
    run_poll(store, [feed], now)
    for guids in ("post", "proxy"):
        origin.serve("/a", Answer(200, served(guids)))
        assert run_poll(store, [feed], now)["a"].new == 0
