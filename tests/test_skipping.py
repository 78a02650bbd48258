"""What counts as mailed after a database was restored: what was there by a moment, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stocking import configure, post, receive
from tests.test_digest import DAILY, DAY, FIRST_SLOT, HOUR, MASTHEAD, SOURCES, START, A, B, freeze_due
from tests.transports import RecordingTransport
from tidings import adopting, digest
from tidings.adopting import DueBy
from tidings.store import Store, issue_states, issues, open_store

EVENING = START + 8 * HOUR


@pytest.fixture
def stocked(store: Store) -> Store:
    """Two sources, read empty at first."""
    configure(store, *SOURCES, editions=[DAILY])
    receive(store, A)
    receive(store, B)
    return store


def due_by(store: Store, until: datetime, now: datetime) -> DueBy:
    return adopting.due_by(store, DAILY, SOURCES, until, now)


def skip(store: Store, until: datetime, now: datetime) -> None:
    adopting.skip(store, DAILY, due_by(store, until, now), now)


def shown(store: Store) -> list[str]:
    return [item.title for stored in issues.frozen(store) for item in stored.content.items]


def test_posts_count_by_their_dates_even_when_fetched_later(stocked: Store) -> None:
    """A post is of that time by its date, or when it was first seen; a later one is news as ever."""
    receive(stocked, A, post(1), now=START)
    receive(stocked, A, post(2, published=START), post(3, published=EVENING), post(4), now=FIRST_SLOT)
    skip(stocked, START + HOUR, FIRST_SLOT)
    freeze_due(stocked, FIRST_SLOT)
    assert sorted(shown(stocked)) == ["Post 3", "Post 4"]


def test_a_story_counts_as_a_whole(stocked: Store) -> None:
    """What another blog copied of it since is no news either."""
    page = "https://a.example/piece"
    receive(stocked, A, post(1, story_url=page, published=START), now=START)
    receive(stocked, B, post(2, story_url=page), now=EVENING)
    assert len(due_by(stocked, START + HOUR, FIRST_SLOT).posts) == 2
    skip(stocked, START + HOUR, FIRST_SLOT)
    assert freeze_due(stocked, FIRST_SLOT) is None


@pytest.mark.parametrize(("until", "has_issue"), [(FIRST_SLOT, False), (FIRST_SLOT - timedelta(seconds=1), True)])
def test_a_slot_that_was_due_by_then_is_done(stocked: Store, until: datetime, has_issue: bool) -> None:
    """Its issue counts as mailed; the next slot is as ever."""
    receive(stocked, A, post(1), now=FIRST_SLOT + HOUR)
    skip(stocked, until, FIRST_SLOT + HOUR)
    assert (freeze_due(stocked, FIRST_SLOT + HOUR) is not None) == has_issue
    receive(stocked, A, post(2), now=FIRST_SLOT + 2 * HOUR)
    assert freeze_due(stocked, FIRST_SLOT + DAY) is not None
    assert sorted(shown(stocked)) == ["Post 1", "Post 2"]


def test_what_the_next_slot_is_for_was_not_mailed(stocked: Store) -> None:
    """A moment between two slots, as another edition's last mail names it: the posts since the slot are still to
    come, and those of a slot that the database has handled, too."""
    receive(stocked, A, post(1), now=START)
    freeze_due(stocked, FIRST_SLOT)
    receive(stocked, A, post(2, published=FIRST_SLOT + HOUR), now=FIRST_SLOT + 2 * HOUR)
    between, later = FIRST_SLOT + DAY + 3 * HOUR, FIRST_SLOT + DAY + 5 * HOUR
    assert due_by(stocked, FIRST_SLOT + 3 * HOUR, later).posts == ()
    receive(stocked, A, post(3, published=FIRST_SLOT + DAY + HOUR), now=later)
    skip(stocked, between, later)
    freeze_due(stocked, FIRST_SLOT + 2 * DAY)
    assert sorted(shown(stocked)) == ["Post 1", "Post 3"]


def states(store: Store) -> set[str]:
    return {row["state"] for row in store.rows("SELECT state FROM deliveries")}


def frozen(store: Store, review: timedelta = timedelta()) -> int:
    """An issue with open deliveries, frozen in the first slot; returns its id."""
    receive(store, A, post(1), now=START)
    freeze_due(store, FIRST_SLOT, replace(DAILY, review=review))
    return issues.frozen(store)[0].id


def test_open_mails_of_an_issue_expire(stocked: Store) -> None:
    """All that is not settled, whatever its state; those of an issue made later stay due."""
    frozen(stocked)
    stocked.conn.execute("UPDATE deliveries SET state = 'deferred', next_at = '2027' WHERE id = 2")
    stocked.conn.execute("UPDATE deliveries SET state = 'accepted' WHERE id = 3")
    skip(stocked, FIRST_SLOT - HOUR, FIRST_SLOT + HOUR)
    assert states(stocked) == {"pending", "deferred", "accepted"}
    (found,) = due_by(stocked, FIRST_SLOT, FIRST_SLOT + HOUR).mails
    assert (found.issue, found.count) == ("daily-1", 3)
    skip(stocked, FIRST_SLOT, FIRST_SLOT + HOUR)
    assert states(stocked) == {"expired", "accepted"}
    assert due_by(stocked, FIRST_SLOT, FIRST_SLOT + HOUR) == DueBy((), None, ())


def test_what_could_not_go_by_then_is_not_skipped(stocked: Store) -> None:
    """In review until later, or held: such an issue was not mailed by itself."""
    issue = frozen(stocked, review=3 * HOUR)
    assert due_by(stocked, FIRST_SLOT + HOUR, FIRST_SLOT + DAY).mails == ()
    assert len(due_by(stocked, FIRST_SLOT + 3 * HOUR, FIRST_SLOT + DAY).mails) == 1
    issue_states.hold(stocked, issue, FIRST_SLOT)
    assert due_by(stocked, FIRST_SLOT + 3 * HOUR, FIRST_SLOT + DAY).mails == ()


@settings(max_examples=25)
@given(
    seen=st.lists(st.tuples(st.integers(0, 40), st.none() | st.integers(0, 60)), max_size=8),
    until=st.integers(0, 40),
)
def test_each_post_is_skipped_or_shown(seen: list[tuple[int, int | None]], until: int) -> None:
    """Whenever posts were seen and dated, exactly those of before the moment are passed, and the next issue has all
    others."""
    now, office = START + 50 * HOUR, RecordingTransport().office()
    with TemporaryDirectory() as folder, open_store(Path(folder) / "tidings.db") as store:
        configure(store, A, editions=[DAILY])
        receive(store, A)
        for n, (hour, dated) in enumerate(seen):
            published = None if dated is None else START + dated * HOUR
            receive(store, A, post(n, published=published), now=START + hour * HOUR)
        skip(store, START + until * HOUR, now)
        digest.freeze_next(store, DAILY, SOURCES, MASTHEAD, office, now)
        late = [n for n, (hour, dated) in enumerate(seen) if min(hour, hour if dated is None else dated) > until]
        assert sorted(shown(store)) == [f"Post {n}" for n in late]
