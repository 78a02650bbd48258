"""Feeds as stored: in line with the configuration, nothing lost by it; validators together with their posts."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import edition, source
from tests.stocking import START, blog, configure, post, receive, scalar, state_of, titles
from tidings.model import Failed, FeedChange, Fetched, ParsedFeed, Unchanged
from tidings.store import Store, feeds, posts, site

A, B = blog("a"), blog("b")
LATER = START + timedelta(hours=1)
FEED = ParsedFeed("rss20", "Title", "https://a.example/")


def fetched(etag: str | None = None, last_modified: str | None = None) -> Fetched:
    return Fetched(A.url, 200, b"", etag=etag, last_modified=last_modified)


def everything(store: Store) -> list[tuple[object, ...]]:
    tables = [row["name"] for row in store.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return [(name, *map(tuple, store.rows(f"SELECT * FROM {name}"))) for name in tables if "fts" not in name]


# ------------------------------------------------------------------------------------------------------- sync


def test_sync_again_changes_nothing(store: Store) -> None:
    """The same configuration leaves every table as it is."""
    configure(store, A, B)
    receive(store, A, post(1), etag="e")
    before = everything(store)
    configure(store, A, B, now=LATER)
    assert everything(store) == before


def test_a_source_taken_out_keeps_its_posts(store: Store) -> None:
    """Nothing is deleted: a removed source is found again, validators and all, when it comes back."""
    configure(store, A, B)
    receive(store, A, post(1), etag="e")
    configure(store, B)
    assert titles(store) == ["Post 1"]
    configure(store, A, B)
    assert state_of(store, A).etag == "e"
    assert set(posts.known(store, state_of(store, A).feed_id, ["guid:1"])) == {"guid:1"}


def test_a_new_url_keeps_the_posts_and_drops_the_validators(store: Store) -> None:
    """A source that moved is the same source: its posts are known, but nothing conditional is asked of the new URL, and
    it is due at once."""
    configure(store, A)
    receive(store, A, post(1), etag="e", last_modified="then")
    feeds.save_failure(store, state_of(store, A), Failed("rate-limited", "", 429, timedelta(days=1)), LATER, START)
    before = state_of(store, A)
    moved = replace(A, url="https://elsewhere.example/feed")
    configure(store, moved)
    after = state_of(store, moved)
    assert after.feed_id == before.feed_id
    assert (after.etag, after.last_modified, after.body_hash, after.next_poll_at, after.retry_after) == (None,) * 5
    assert after.failures == 0
    assert set(posts.known(store, after.feed_id, ["guid:1"])) == {"guid:1"}


def test_a_new_name_is_the_same_feed(store: Store) -> None:
    """A renamed source keeps everything and is listed under its new name."""
    configure(store, A)
    receive(store, A, post(1), etag="e")
    renamed = replace(A, name="new name")
    configure(store, renamed)
    assert state_of(store, renamed).etag == "e"
    assert titles(store, sources=("new name",)) == ["Post 1"]
    assert titles(store, sources=("a",)) == []


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned round"])
def test_two_sources_swap_their_names(store: Store, turned: bool) -> None:
    """Swapped names (or URLs, which looks the same) leave each feed its posts under its new name."""
    configure(store, A, B)
    receive(store, A, post(1), etag="a")
    receive(store, B, post(2), etag="b")
    swapped = [replace(A, name="b"), replace(B, name="a")]
    configure(store, *(reversed(swapped) if turned else swapped))
    assert titles(store, sources=("b",)) == ["Post 1"]
    assert titles(store, sources=("a",)) == ["Post 2"]
    assert [state.etag for state in feeds.states(store, swapped)] == ["a", "b"]


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned round"])
def test_a_name_that_goes_to_another_feed_takes_no_posts_along(store: Store, turned: bool) -> None:
    """When source b takes over the URL of a, and a goes somewhere new, no name shows posts of two blogs."""
    configure(store, A, B)
    receive(store, A, post(1))
    receive(store, B, post(2))
    now = [source(name="a", url="https://new.example/"), source(name="b", url=A.url)]
    configure(store, *(reversed(now) if turned else now))
    assert titles(store, sources=("b",)) == ["Post 1"]
    assert titles(store, sources=("a",)) == []
    assert titles(store) == ["Post 1", "Post 2"]
    assert scalar(store, "SELECT count(DISTINCT name) FROM feeds") == scalar(store, "SELECT count(*) FROM feeds")


def test_a_name_used_again_for_a_known_feed_shows_that_feed_alone(store: Store) -> None:
    """When a is dropped and b is given its name, the posts of the old a are not shown as the new one's."""
    configure(store, A, B)
    receive(store, A, post(1))
    receive(store, B, post(2))
    configure(store, replace(B, name="a"))
    assert titles(store, sources=("a",)) == ["Post 2"]
    assert [one.title for one in posts.newest(store, ["a"], 10)] == ["Post 2"]


def test_states_come_in_the_order_of_the_configuration(store: Store) -> None:
    """The states of sources come in the order they are asked for, each with the source as configured now."""
    configure(store, A, B)
    tagged = replace(A, tags=("x",), disabled=True)
    assert [state.source for state in feeds.states(store, [B, tagged])] == [B, tagged]


def test_a_source_that_another_configuration_has_moved_is_left_out(store: Store) -> None:
    """A daemon whose file was changed beside it goes on with the sources it still finds."""
    old, other = blog("a"), blog("b")
    configure(store, old, other)
    configure(store, replace(old, url="https://elsewhere.example/feed"), other)
    assert [state.source.name for state in feeds.states(store, [old, other])] == ["b"]


def test_a_failing_sync_leaves_the_tables_as_they_were(store: Store) -> None:
    """A configuration is taken over as a whole or not at all."""
    configure(store, A)
    before = everything(store)
    with pytest.raises(AttributeError):
        feeds.sync(store, [B], [edition(), None], START)  # type: ignore[list-item]
    assert everything(store) == before


# ------------------------------------------------------------------------------------------------------- polls


def test_validators_are_kept_verbatim_with_their_posts(store: Store) -> None:
    """ETag and Last-Modified are opaque: odd ones come back byte for byte."""
    configure(store, A)
    receive(store, A, post(1), etag='W/"é ;--gzip"', last_modified="Sun, 31 Feb 2026 25:61:00 +0100")
    state = state_of(store, A)
    assert (state.etag, state.last_modified) == ('W/"é ;--gzip"', "Sun, 31 Feb 2026 25:61:00 +0100")


def test_a_save_that_fails_in_the_middle_leaves_neither_posts_nor_validators(store: Store) -> None:
    """When the second post of a document can't be written, the first one, the keys and the validators are not either,
    so the next poll gets them all."""
    configure(store, A)
    receive(store, A, post(1), etag="before")
    before = everything(store)
    bad = post(3, title=None)
    with pytest.raises(sqlite3.IntegrityError):
        receive(store, A, post(2, story_url="x.example/2"), bad, etag="after")
    assert everything(store) == before
    receive(store, A, post(2), post(3), etag="after")
    assert titles(store, words="text") == ["Post 1", "Post 2", "Post 3"]


def test_the_last_write_of_a_save_undoes_the_first_when_it_fails(store: Store) -> None:
    """When it is the validators that can't be written, the posts are not there either."""
    configure(store, A)
    before = everything(store)
    with pytest.raises(sqlite3.Error):
        receive(store, A, post(1), etag=object())
    assert everything(store) == before


def test_a_malformed_document_leaves_no_validators(store: Store) -> None:
    """What was cut off must be asked for again, so its validators are not kept, and old ones go."""
    configure(store, A)
    receive(store, A, post(1), etag="old", last_modified="old")
    state = state_of(store, A)
    feeds.save_fetched(
        store, state, fetched("new", "new"), replace(FEED, malformed=True), FeedChange(), "hash", LATER, START
    )
    after = state_of(store, A)
    assert (after.etag, after.last_modified, after.malformed) == (None, None, True)
    feeds.save_unchanged(store, after, fetched("new", "new"), LATER, START)
    assert (state_of(store, A).etag, state_of(store, A).last_modified) == (None, None)


def test_a_200_without_validators_drops_the_old_ones(store: Store) -> None:
    """Validators stand for the document they came with, never for the next."""
    configure(store, A)
    receive(store, A, post(1), etag="old", last_modified="old")
    receive(store, A, post(2))
    assert (state_of(store, A).etag, state_of(store, A).last_modified) == (None, None)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Unchanged(), ("old", "old date")),
        (Unchanged(etag="new"), ("new", "old date")),
        (Unchanged(last_modified="new date"), ("old", "new date")),
        (fetched("new", None), ("new", None)),
        (fetched(None, None), (None, None)),
    ],
)
def test_an_unchanged_answer_refreshes_validators(
    store: Store, answer: Unchanged | Fetched, expected: tuple[str | None, str | None]
) -> None:
    """A 304 replaces the validators it carries; a 200 with the bytes of last time replaces both."""
    configure(store, A)
    receive(store, A, post(1), etag="old", last_modified="old date")
    feeds.save_failure(store, state_of(store, A), Failed("http", "", 500), LATER, START)
    feeds.save_unchanged(store, state_of(store, A), answer, LATER, START)
    state = state_of(store, A)
    assert (state.etag, state.last_modified) == expected
    assert (state.failures, state.retry_after) == (0, None)


def test_a_failure_keeps_posts_and_validators_and_counts(store: Store) -> None:
    """A failed poll is counted and keeps the server's wish; what is stored stays."""
    configure(store, A)
    receive(store, A, post(1), etag="e")
    for _ in range(2):
        failure = Failed("rate-limited", "slow down", 429, timedelta(minutes=7))
        feeds.save_failure(store, state_of(store, A), failure, LATER, START)
    state = state_of(store, A)
    assert (state.etag, state.failures) == ("e", 2)
    assert state.retry_after == START + timedelta(minutes=7)
    assert state.next_poll_at == LATER
    assert titles(store) == ["Post 1"]


def test_an_empty_title_does_not_replace_the_feeds_title(store: Store) -> None:
    """A feed that forgets its title for once keeps the one it had."""
    configure(store, A)
    receive(store, A, post(1))
    feeds.save_fetched(store, state_of(store, A), fetched(), ParsedFeed("rss20"), FeedChange(), "hash", LATER, START)
    assert (state_of(store, A).title, state_of(store, A).site_url) == ("The a", "https://a.example/")


def test_the_last_post_is_the_newest_by_date(store: Store) -> None:
    """A feed's last post is the one written last; a feed without posts has none."""
    configure(store, A)
    assert feeds.last_post(store, state_of(store, A).feed_id) is None
    receive(store, A, post(1, published=START - timedelta(days=9)), post(2, published=START - timedelta(days=90)))
    assert feeds.last_post(store, state_of(store, A).feed_id) == START - timedelta(days=9)


def test_only_what_changes_pages_asks_for_publishing(store: Store) -> None:
    """New and edited posts want publishing; an unchanged answer, a failure or an empty change does not."""
    configure(store, A)
    receive(store, A, post(1))
    change = site.publishing_wanted(store)
    assert change is not None
    site.record_published(store, change)
    receive(store, A)
    feeds.save_unchanged(store, state_of(store, A), Unchanged(), LATER, START)
    feeds.save_failure(store, state_of(store, A), Failed("dns", ""), LATER, START)
    assert site.publishing_wanted(store) is None
    receive(store, A, post(2))
    assert site.publishing_wanted(store) is not None
