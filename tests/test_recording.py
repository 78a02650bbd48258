"""What the outcomes of a poll leave behind, in one transaction each, and what their rows say."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.feeds import blog, item, rss
from tests.origin import Answer, Origin
from tests.test_healing import as_item, essay, menu, new_page, text
from tests.test_poll import SETTINGS, run_poll, source, stored, titles
from tidings.model import FeedChange, Fetched, Hop, ParsedFeed, Source, Unchanged
from tidings.posts.decide import finish, keys_to_look_up, merge, name, plan, slices
from tidings.recording import ReadDocument, Recorder
from tidings.store import Store, feeds, holding, posts

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OLD = "Mon, 02 Jan 2023 08:00:00 GMT"
STRANGE = rss(item(n, text=f"<p>{text(n)}</p>", date=OLD) for n in range(100, 107))


def serve(origin: Origin, body: bytes) -> None:
    origin.serve("/a", Answer(200, body))


def test_held_posts_and_their_hold_are_stored_together(store: Store, origin: Origin, now: datetime) -> None:
    """Posts, validators and the hold are one transaction: what interrupts it leaves none of them."""
    feed = source(origin, "/a")
    serve(origin, blog(range(8)))
    run_poll(store, [feed], now)
    [state] = feeds.states(store, [feed])
    document = ParsedFeed("rss20", "A", "https://a.example/", posts=tuple(essay(n, published=None) for n in range(9)))
    named = name(document)
    made = plan(named, posts.known(store, state.feed_id, keys_to_look_up(named)))
    done = [finish(piece) for piece in slices(made)]
    change = merge([one for one in done if isinstance(one, FeedChange)])
    fetched = Fetched(feed.url, 200, b"", etag='"2"', hops=(Hop(feed.url, 200),))
    recorder = Recorder(store, SETTINGS.limits, lambda: now + 30 * DAY)
    read = ReadDocument(feed.url, fetched, "other", document, made, b"")
    spoilt = replace(change, new=(*change.new[:-1], replace(change.new[-1], title=["no", "text"])))  # type: ignore[arg-type]
    with pytest.raises(sqlite3.Error):
        recorder.read(state, read, spoilt)
    [after] = feeds.states(store, [feed])
    assert (after.validators, after.held_since, len(titles(store))) == (None, None, 8)
    row = recorder.read(state, read, change)
    [after] = feeds.states(store, [feed])
    assert (row.new, after.held_since, len(titles(store))) == (9, now + 30 * DAY, 17)
    assert after.validators is not None
    assert after.validators.etag == '"2"'


def test_a_document_costs_the_same_however_many_posts_its_source_has(store: Store, now: datetime) -> None:
    """Looked up and saved, twenty new posts, or one beside nineteen known, take the database hardly more steps where
    there are 1,000 posts than where there are 100: it never goes through them."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    def shown(feed: Source, start: int, time: datetime) -> None:
        [state] = feeds.states(store, [feed])
        document = ParsedFeed(
            "rss20", feed.name, posts=tuple(essay(n, published=None) for n in range(start, start + 20))
        )
        named = name(document)
        made = plan(named, posts.known(store, state.feed_id, keys_to_look_up(named)))
        done = [finish(replace(piece, before=posts.remembered(store, piece.to_compare))) for piece in slices(made)]
        change = merge([one for one in done if isinstance(one, FeedChange)])
        fetched = Fetched(feed.url, 200, b"", hops=(Hop(feed.url, 200),))
        read = ReadDocument(feed.url, fetched, str(start), document, made, b"")
        Recorder(store, SETTINGS.limits, lambda: time).read(state, read, change)

    costs: list[tuple[int, ...]] = []
    for feed, size in ((Source("https://a.example/", "a"), 100), (Source("https://b.example/", "b"), 1000)):
        feeds.sync(store, [feed], [], now)
        for start in range(0, size, 20):
            shown(feed, start, now + start * DAY)
        store.conn.set_progress_handler(count, 10)
        taken = []
        for start in (size, size + 1):
            steps = 0
            shown(feed, start, now + start * DAY)
            taken.append(steps)
        store.conn.set_progress_handler(None, 10)
        costs.append(tuple(taken))
    assert min(costs[0]) > 50
    assert all(large < 1.1 * small for small, large in zip(*costs, strict=True)), costs


def test_a_release_and_the_end_of_its_hold_are_stored_together(store: Store, origin: Origin, now: datetime) -> None:
    """An unchanged document after three days lets go what is held, and the source has no hold any more."""
    feed = source(origin, "/a")
    for after, body in ((timedelta(), blog(range(8))), (30 * DAY, STRANGE)):
        serve(origin, body)
        run_poll(store, [feed], now + after)
    [state] = feeds.states(store, [feed])
    assert state.held_since == now + 30 * DAY
    early, late = now + 33 * DAY - HOUR, now + 33 * DAY
    row = Recorder(store, SETTINGS.limits, lambda: early).unchanged(state, feed.url, Unchanged(feed.url))
    assert (row.note, len(holding.counts_by_url(store))) == ("", 1)
    row = Recorder(store, SETTINGS.limits, lambda: late).unchanged(state, feed.url, Unchanged(feed.url))
    assert "7 held posts are released" in row.note
    [state] = feeds.states(store, [feed])
    assert (state.held_since, holding.counts_by_url(store)) == (None, {})


def test_volatility_is_kept_with_the_source(store: Store, origin: Origin, now: datetime) -> None:
    """What was noisy in a document is counted in the state of its source, and unchanged documents count for nothing."""
    feed = source(origin, "/a")
    scores: list[float] = []
    for fetch in (0, 1, 1, 2):
        serve(origin, rss(item(n, text=f"<p>Some words. {fetch} views</p>") for n in range(4)))
        run_poll(store, [feed], now + len(scores) * HOUR)
        scores.append(feeds.states(store, [feed])[0].volatility)
    assert scores[0] == 0
    assert scores[0] < scores[1] == scores[2] < scores[3]


def test_updated_counts_what_a_renewal_rewrote(store: Store, origin: Origin, now: datetime) -> None:
    """Of posts that came back under other ids only those with other words count as updated."""
    feed = source(origin, "/a")
    old = [essay(number) for number in range(6)]
    serve(origin, rss(map(as_item, old)))
    run_poll(store, [feed], now)
    renewed = [new_page(post) for post in old]
    half = " ".join(text(0).split()[:20])
    renewed[0] = replace(renewed[0], content_html=f"<p>{half} {text(900, 15)}</p>")
    serve(origin, rss(map(as_item, renewed)))
    row = run_poll(store, [feed], now + DAY)["a"]
    assert (row.new, row.updated) == (0, 1)
    assert [post.title for post in stored(store) if post.changed_at] == ["The essay with number 0"]


def test_a_renewed_post_keeps_its_place(store: Store, origin: Origin, now: datetime) -> None:
    """Id, story and first sighting stay those of the stored post; the page is the new one; and it is found under both
    ids from then on."""
    feed = source(origin, "/a")
    old = [essay(number) for number in range(6)]
    serve(origin, rss(map(as_item, old)))
    run_poll(store, [feed], now)
    before = {post.title: (post.id, post.story, post.first_seen) for post in stored(store)}
    for body in (map(new_page, old), map(new_page, old), old):
        serve(origin, rss(map(as_item, body)))
        assert run_poll(store, [feed], now + DAY)["a"].new == 0
        if body is not old:
            assert all("renewed" in post.url for post in stored(store))
    assert {post.title: (post.id, post.story, post.first_seen) for post in stored(store)} == before


def test_a_row_says_nothing_where_nothing_is_to_be_said(store: Store, origin: Origin, now: datetime) -> None:
    """News, edits and quiet polls have no note."""
    feed = source(origin, "/a")
    for number, body in enumerate((blog([1]), blog([2, 1]), blog([2, 1], title="B"), blog([2, 1], title="B"))):
        serve(origin, body)
        assert run_poll(store, [feed], now + number * HOUR)["a"].note == ""


def test_a_series_with_new_guids_is_news_each_time(store: Store, origin: Origin, now: datetime) -> None:
    """A page that is written anew each day is a post a day, and nothing is said of other ids."""
    feed = source(origin, "/a")
    for day in range(5):
        serve(origin, rss([as_item(menu(day))]))
        row = run_poll(store, [feed], now + day * DAY)["a"]
        assert (row.new, row.note) == (1, "")
    assert len(stored(store)) == 5


def test_parts_of_one_page_in_two_sources_are_two_stories(store: Store, origin: Origin, now: datetime) -> None:
    """What a post's own link has behind `#` reaches the decision on its story."""
    for path, part, words in (("a", "one", "The printer prints again."), ("b", "two", "The door is shut.")):
        link = f"https://log.example/page35#{part}"
        origin.serve(f"/{path}", Answer(200, rss([item(path, link=link, title=words[:11], text=f"<p>{words}</p>")])))
        run_poll(store, [source(origin, f"/{path}")], now)
    assert len({post.story for post in stored(store)}) == 2
