"""An issue is made while others may write, and what they wrote meanwhile is not missed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from tests.builders import edition
from tests.stocking import START, blog, configure, edit, post, receive, scalar
from tests.transports import RecordingTransport
from tidings import digest
from tidings.editions.compose import Masthead
from tidings.errors import StoreError
from tidings.model import IssueContent
from tidings.store import Store, open_store, posts
from tidings.store.posts import PostQuery

A = blog("a")
DAILY = edition(timezone="UTC", updates=True, backfill=0)
SLOT = datetime(2026, 11, 24, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
Freeze = Callable[..., IssueContent | None]


@pytest.fixture
def stocked(store: Store) -> Store:
    """A source with one post that is news."""
    configure(store, A, editions=[DAILY])
    receive(store, A)
    receive(store, A, post(1), now=START + HOUR)
    return store


def make(freeze: Freeze, store: Store, meanwhile: Callable[[Store], object], now: datetime = SLOT) -> Made:
    """Freezes an issue; each time that it is judged, another process does something before the verdict."""
    times = 0

    def is_fit(_content: IssueContent) -> bool:
        nonlocal times
        times += 1
        with open_store(store.path) as other:
            other.conn.execute("PRAGMA busy_timeout = 20")
            meanwhile(other)
        return True

    content = freeze(store, DAILY, [A], Masthead("Planet", ""), RecordingTransport().office(), now, is_fit)
    return sorted(item.title for item in content.items) if content else None, times


Made = tuple[list[str] | None, int]
"""The headlines of an issue, if one was made, and how often it was judged."""

both = pytest.mark.parametrize("freeze", [digest.freeze_next, digest.freeze_due])


@both
def test_while_an_issue_is_judged_others_write(stocked: Store, freeze: Freeze) -> None:
    """However long that takes, a poll can store what it has: here validators, which change no issue."""
    assert make(freeze, stocked, lambda other: receive(other, A, etag="new")) == (["Post 1"], 1)


@both
def test_what_comes_meanwhile_is_not_missed(stocked: Store, freeze: Freeze) -> None:
    """A post that is stored while an issue is made is in it, and the issue is judged again."""
    coming = [post(2)]

    def come(other: Store) -> None:
        if coming:
            receive(other, A, coming.pop(), now=SLOT)

    found = make(freeze, stocked, come)
    assert found == (["Post 1", "Post 2"], 2)


@both
def test_an_edit_meanwhile_is_what_readers_get(stocked: Store, freeze: Freeze) -> None:
    """A text that is corrected while an issue is made is mailed as corrected."""

    def correct(other: Store) -> None:
        [stored] = posts.find(other, PostQuery(limit=9))
        edit(other, A, stored, SLOT, title="Corrected")

    assert make(freeze, stocked, correct) == (["Corrected"], 2)


@both
def test_one_who_writes_time_and_again_is_made_to_wait(stocked: Store, freeze: Freeze) -> None:
    """When something comes with each try, the last one is made while nobody can write, and holds all there is."""
    numbers = iter(range(2, 100))
    refused = 0

    def write(other: Store) -> None:
        nonlocal refused
        with suppress(StoreError):
            receive(other, A, post(next(numbers)), now=SLOT)
            return
        refused += 1

    assert make(freeze, stocked, write) == ([f"Post {n}" for n in range(1, 5)], 4)
    assert refused == 1


@both
def test_an_issue_that_another_makes_meanwhile_is_the_only_one(stocked: Store, freeze: Freeze) -> None:
    """Of two processes that make the same issue at the same time, the second finds nothing left to do."""
    assert make(freeze, stocked, lambda other: make(freeze, other, lambda _: None)) == (None, 1)
    assert scalar(stocked, "SELECT count(*) FROM issues") == 1
    assert scalar(stocked, "SELECT count(*) FROM issue_items") == 1
