"""What the workers remember of a feed's items, as stored."""

from __future__ import annotations

from tests.stocking import START, blog, configure, post, receive, state_of
from tidings.model import FeedChange
from tidings.store import Store, feeds, items

A, B = blog("a"), blog("b")


def test_a_memory_comes_back_as_it_was_saved(store: Store) -> None:
    """Each feed has its own bytes; one that was never read has none."""
    configure(store, A, B)
    first, second = state_of(store, A).feed_id, state_of(store, B).feed_id
    items.save(store, first, b"\x00\xff")
    assert items.recall(store, first) == b"\x00\xff"
    assert items.recall(store, second) == b""


def test_a_memory_takes_the_place_of_the_last_one(store: Store) -> None:
    """Only the last memory of a feed stays, and an empty one leaves no row behind."""
    configure(store, A)
    feed_id = state_of(store, A).feed_id
    items.save(store, feed_id, b"old")
    items.save(store, feed_id, b"new")
    assert items.recall(store, feed_id) == b"new"
    items.save(store, feed_id, b"")
    assert store.rows("SELECT * FROM feed_items") == []


def test_saving_a_document_saves_its_memory_with_it(store: Store) -> None:
    """The memory of a document replaces the one before; a document that left none ends it."""
    configure(store, A)
    receive(store, A, post(1))
    state = state_of(store, A)
    feeds.save_read(store, state, FeedChange(), START, b"memory")
    assert items.recall(store, state.feed_id) == b"memory"
    feeds.save_read(store, state, FeedChange(), START)
    assert items.recall(store, state.feed_id) == b""
