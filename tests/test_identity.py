"""Identity: the keys that name a post, and who is who when a document comes again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.builders import NOW, parsed_feed, parsed_post
from tidings.model import KnownPost, ParsedPost
from tidings.posts.edits import content_hash
from tidings.posts.identity import identify, match

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
