"""Feeds as stored: in line with the configuration, nothing lost by it; validators together with their posts."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import edition, source
from tests.stocking import START, blog, configure, fail, post, read, receive, scalar, state_of, titles, unchanged
from tidings.model import (
    Failed,
    FeedChange,
    FeedState,
    Fetched,
    Hop,
    Move,
    ParsedFeed,
    Rhythm,
    Unchanged,
    Validators,
    Wishes,
)
from tidings.store import Store, feeds, posts, site

A, B = blog("a"), blog("b")
LATER = START + timedelta(hours=1)
FEED = ParsedFeed("rss20", "Title", "https://a.example/")


def fetched(etag: str | None = None, last_modified: str | None = None) -> Fetched:
    return Fetched(A.url, 200, b"", etag=etag, last_modified=last_modified)


def validators_of(state: FeedState) -> tuple[str | None, str | None]:
    """ETag and Last-Modified as they would be sent."""
    return (state.validators.etag, state.validators.last_modified) if state.validators else (None, None)


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
    assert validators_of(state_of(store, A))[0] == "e"
    assert set(posts.known(store, state_of(store, A).feed_id, ["guid:1"])) == {"guid:1"}


def test_a_new_url_keeps_the_posts_and_drops_the_validators(store: Store) -> None:
    """A source that moved is the same source: its posts are known, but nothing conditional is asked of the new URL, and
    it is due at once."""
    configure(store, A)
    receive(store, A, post(1), etag="e", last_modified="then")
    fail(store, A, Failed("rate-limited", "", 429, timedelta(days=1)))
    before = state_of(store, A)
    moved = replace(A, url="https://elsewhere.example/feed")
    configure(store, moved)
    after = state_of(store, moved)
    assert after.feed_id == before.feed_id
    assert (after.validators, after.body_hash, after.next_poll_at, after.retry_after) == (None,) * 4
    assert after.failures == 0
    assert set(posts.known(store, after.feed_id, ["guid:1"])) == {"guid:1"}


def test_a_new_name_is_the_same_feed(store: Store) -> None:
    """A renamed source keeps everything and is listed under its new name."""
    configure(store, A)
    receive(store, A, post(1), etag="e")
    renamed = replace(A, name="new name")
    configure(store, renamed)
    assert validators_of(state_of(store, renamed))[0] == "e"
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
    assert [validators_of(state)[0] for state in feeds.states(store, swapped)] == ["a", "b"]


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


def test_following_a_reported_redirect_in_the_file_keeps_everything(store: Store) -> None:
    """When the operator writes the URL a source has moved to, the feed stays the same one, validators and all, also
    when its name came from the old URL."""
    old = source(url="http://old.example/feed", name="old.example/feed")
    new = source(url="https://new.example/feed", name="new.example/feed")
    configure(store, old)
    hops = (Hop(old.url, 301), Hop(new.url, 200))
    read(store, old, Fetched(new.url, 200, b"", etag="e", hops=hops), FEED, FeedChange(new=(post(1),)))
    before = state_of(store, old)
    configure(store, new)
    after = state_of(store, new)
    assert (after.feed_id, after.validators, after.next_poll_at) == (
        before.feed_id,
        before.validators,
        before.next_poll_at,
    )
    assert (after.move, after.adopted_url) == (None, None)


# ------------------------------------------------------------------------------------------------------- polls


def test_a_state_comes_back_as_it_was_saved(store: Store) -> None:
    """Every part of what is known of a feed goes through the table and back."""
    configure(store, A)
    state = replace(
        state_of(store, A),
        validators=Validators("https://a.example/real", '"e"', "then"),
        body_hash="hash",
        request_identity="identity",
        malformed=True,
        polled_at=START,
        read_at=START - timedelta(hours=1),
        next_poll_at=START + timedelta(hours=2),
        not_before=START + timedelta(hours=1),
        retry_after=START + timedelta(minutes=1),
        freshness=timedelta(seconds=1.5),
        wishes=Wishes(timedelta(minutes=60), (0, 23), (5, 6)),
        rhythm=Rhythm(timedelta(days=1.25), START - timedelta(days=3)),
        http=503,
        failure=Failed("server-error", "it is broken", 503),
        failures=3,
        failing_since=START - timedelta(days=1),
        move=Move("https://b.example/", START - timedelta(days=2), 4, True),
        adopted_url="https://c.example/",
        adopted_at=START - timedelta(days=1),
        title="Title",
        site_url="https://a.example/",
        language="de",
    )
    feeds.save_polled(store, state)
    assert state_of(store, A) == state


def test_an_attempt_is_noted_before_anything_comes_of_it(store: Store) -> None:
    """A request that goes out moves the next poll on, so a process that dies in it does not ask again at once."""
    configure(store, A)
    feeds.note_attempt(store, state_of(store, A).feed_id, LATER, START)
    state = state_of(store, A)
    assert (state.polled_at, state.next_poll_at, state.read_at) == (START, LATER, None)


def test_a_poll_of_an_old_url_says_nothing_of_the_new_one(store: Store) -> None:
    """When the operator changes the URL while a poll is under way, what that poll learned is not written over the new
    beginning."""
    configure(store, A)
    receive(store, A, post(1), etag="e")
    polled = replace(state_of(store, A), adopted_url="https://moved.example/", next_poll_at=LATER)
    moved = replace(A, url="https://elsewhere.example/feed")
    configure(store, moved)
    feeds.save_polled(store, polled)
    after = state_of(store, moved)
    assert (after.adopted_url, after.next_poll_at, after.validators) == (None, None, None)


def test_a_note_survives_the_process_and_joins_a_transaction(store: Store) -> None:
    """What is noted is committed at once for other connections; inside a transaction it goes with that one. Only a
    write waits for the disk."""
    configure(store, A)
    feeds.note_attempt(store, state_of(store, A).feed_id, LATER, START)
    assert scalar(store, "SELECT polled_at FROM feeds") is not None
    store.conn.execute("BEGIN")
    feeds.note_attempt(store, state_of(store, A).feed_id, LATER, LATER)
    store.conn.rollback()
    assert state_of(store, A).polled_at == START
    assert store.rows("PRAGMA synchronous")[0][0] == 1
    with store.write():
        assert store.rows("PRAGMA synchronous")[0][0] == 2


def test_arrivals_are_when_posts_were_first_seen_but_for_the_backlog(store: Store) -> None:
    """What a source brings at first arrived when it was written, as far as that is known; later posts when they came,
    whatever date they carry."""
    configure(store, A)
    old = START - timedelta(days=30)
    receive(store, A, post(1, published=old), post(2))
    receive(store, A, post(3, published=old), now=LATER)
    assert feeds.arrivals(store, state_of(store, A).feed_id, 10) == [LATER, START, old]
    assert feeds.arrivals(store, state_of(store, A).feed_id, 1) == [LATER]


# ------------------------------------------------------------------------------------------------------- polls


def test_validators_are_kept_verbatim_with_their_posts(store: Store) -> None:
    """ETag and Last-Modified are opaque: odd ones come back byte for byte."""
    configure(store, A)
    receive(store, A, post(1), etag='W/"é ;--gzip"', last_modified="Sun, 31 Feb 2026 25:61:00 +0100")
    state = state_of(store, A)
    assert validators_of(state) == ('W/"é ;--gzip"', "Sun, 31 Feb 2026 25:61:00 +0100")


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
    read(store, A, fetched("new", "new"), replace(FEED, malformed=True), FeedChange())
    assert (state_of(store, A).validators, state_of(store, A).malformed) == (None, True)
    unchanged(store, A, fetched("new", "new"))
    assert state_of(store, A).validators is None


def test_a_200_without_validators_drops_the_old_ones(store: Store) -> None:
    """Validators stand for the document they came with, never for the next."""
    configure(store, A)
    receive(store, A, post(1), etag="old", last_modified="old")
    receive(store, A, post(2))
    assert validators_of(state_of(store, A)) == (None, None)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Unchanged(A.url), ("old", "old date")),
        (Unchanged(A.url, etag="new"), ("new", "old date")),
        (Unchanged(A.url, last_modified="new date"), ("old", "new date")),
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
    fail(store, A, Failed("server-error", "", 500))
    unchanged(store, A, answer)
    state = state_of(store, A)
    assert validators_of(state) == expected
    assert (state.failures, state.retry_after) == (0, None)


def test_a_failure_keeps_posts_and_validators_and_counts(store: Store) -> None:
    """A failed poll is counted and keeps the server's wish; what is stored stays."""
    configure(store, A)
    receive(store, A, post(1), etag="e")
    for _ in range(2):
        failure = Failed("rate-limited", "slow down", 429, timedelta(minutes=7))
        fail(store, A, failure)
    state = state_of(store, A)
    assert (validators_of(state)[0], state.failures) == ("e", 2)
    assert state.retry_after == START + timedelta(minutes=7)
    assert state.next_poll_at is not None
    assert state.next_poll_at > START + timedelta(minutes=7)
    assert titles(store) == ["Post 1"]


def test_an_empty_title_does_not_replace_the_feeds_title(store: Store) -> None:
    """A feed that forgets its title for once keeps the one it had."""
    configure(store, A)
    receive(store, A, post(1))
    read(store, A, fetched(), ParsedFeed("rss20"), FeedChange())
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
    unchanged(store, A, Unchanged(A.url))
    fail(store, A, Failed("dns", ""))
    assert site.publishing_wanted(store) is None
    receive(store, A, post(2))
    assert site.publishing_wanted(store) is not None
