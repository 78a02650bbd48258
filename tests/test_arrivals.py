"""What stands in our feeds, and in what order: nothing that comes in is put where nobody looks any more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.stocking import START, blog, configure, edit, only, post, receive, state_of
from tidings.model import FeedChange
from tidings.store import Store, arrivals, holding, posts

A, B = blog("a"), blog("b")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def latest(store: Store, *names: str, limit: int = 100) -> list[int]:
    return [one.post_id for one in arrivals.latest(store, names or ("a", "b"), limit)]


def guids(store: Store, *names: str, limit: int = 100) -> list[str]:
    found = {one.id: one.guid for one in posts.find(store, posts.PostQuery(limit=1000))}
    return [found[post_id].removeprefix("guid-") for post_id in latest(store, *names, limit=limit)]


def test_a_source_that_is_added_late_reshuffles_nothing(store: Store) -> None:
    """Two hundred old posts that come at once stand by their dates, below what followers have read."""
    configure(store, A, B)
    receive(store, A, *(post(f"a{n}", published=START - n * HOUR) for n in range(50)))
    before = guids(store, limit=50)
    receive(store, B, *(post(f"b{n}", published=START - 40 * DAY - n * DAY) for n in range(200)), now=START + DAY)
    assert guids(store, limit=50) == before
    assert guids(store)[50:] == [f"b{n}" for n in range(50)]


def test_the_backlog_of_a_new_source_takes_its_places_by_date(store: Store) -> None:
    """What the sources have when they are added is one list by date."""
    configure(store, A, B)
    receive(store, A, *(post(f"a{n}", published=START - n * DAY) for n in range(1, 4)))
    receive(store, B, *(post(f"b{n}", published=START - n * DAY - HOUR) for n in range(1, 4)), now=START + HOUR)
    assert guids(store) == ["a1", "b1", "a2", "b2", "a3", "b3"]


def test_a_post_with_an_old_date_comes_on_top(store: Store) -> None:
    """A draft published a month late is news to followers: below what they have read nobody would see it."""
    configure(store, A)
    receive(store, A, post(1, published=START - HOUR), post(2, published=START - 2 * HOUR))
    receive(store, A, post(3, published=START - 30 * DAY), now=START + HOUR)
    assert guids(store, "a") == ["3", "1", "2"]


def test_what_came_together_is_in_the_order_of_its_dates(store: Store) -> None:
    """Of one poll the newest comes first; one without a date counts as written when it was seen."""
    configure(store, A)
    receive(store, A)
    receive(store, A, post(1, published=START - 2 * HOUR), post(2, published=START - HOUR), post(3), now=START)
    assert guids(store, "a") == ["3", "2", "1"]


def test_a_date_in_the_future_does_not_stay_on_top(store: Store) -> None:
    """It counts as written when it was seen, in the backlog, too."""
    configure(store, A)
    receive(store, A, post(1, published=START + 900 * DAY), post(2, published=START - HOUR))
    receive(store, A, post(3, published=START + HOUR), now=START + HOUR)
    assert guids(store, "a") == ["3", "1", "2"]


def test_a_story_is_there_once(store: Store) -> None:
    """Of the posts of a story the one that is in the combined feed, else the first; in a source's own feed its own."""
    configure(store, A, B)
    receive(store, A, post("a", story_url="https://x.example/1"))
    receive(store, B, post("b", story_url="https://x.example/1"), now=START + HOUR)
    assert guids(store) == ["a"]
    assert guids(store, "b") == ["b"]
    [of_b] = latest(store, "b")
    posts.note_in_feed(store, [of_b])
    assert guids(store) == ["b"]


def test_what_is_not_shown_is_not_there(store: Store) -> None:
    """Posts that a rule excludes or the brake holds, and those of other sources."""
    configure(store, A, B)
    receive(store, A, post(1), post(2, excluded="title: x"))
    receive(store, B, post(3))
    assert guids(store, "a") == ["1"]
    assert guids(store, "nobody") == []


@pytest.mark.parametrize("some", [False, True])
def test_what_the_brake_lets_go_comes_on_top(store: Store, some: bool) -> None:
    """It is news from then on: others that came meanwhile do not keep it out of the feed for good."""
    configure(store, A, B)
    feed_id = state_of(store, A).feed_id
    receive(store, A)
    posts.save(store, feed_id, FeedChange(new=(post("held"),), held=True), START)
    receive(store, B)
    receive(store, B, post("b"), now=START + HOUR)
    if some:
        holding.release_some(store, feed_id, [1], START + DAY)
    else:
        holding.release(store, feed_id, START + DAY)
    assert guids(store) == ["held", "b"]


def test_what_an_edit_lets_in_past_a_rule_comes_on_top(store: Store) -> None:
    """It was never to be seen before; any other edit moves nothing."""
    configure(store, A)
    receive(store, A)
    receive(store, A, post("draft", excluded="title: draft"))
    receive(store, A, post("a"), now=START + HOUR)
    edit(store, A, only(store, excluded=True), now=START + DAY)
    assert guids(store, "a") == ["draft", "a"]
    edit(store, A, only(store, words='"Post a"'), now=START + 2 * DAY)
    assert guids(store, "a") == ["draft", "a"]


def test_the_newest_are_kept(store: Store) -> None:
    """No more than the limit, over all sources together; a loud one has no share (docs/decisions/0061)."""
    configure(store, A, B)
    receive(store, A, *(post(f"a{n}", published=START - n * HOUR) for n in range(5)))
    receive(store, B, post("b", published=START - 10 * HOUR))
    assert guids(store, limit=3) == ["a0", "a1", "a2"]


def test_an_edit_is_told_by_the_revision(store: Store) -> None:
    """What stands for a post changes with it, and with nothing else."""
    configure(store, A)
    receive(store, A, post(1))
    [before] = arrivals.latest(store, ["a"], 1)
    receive(store, A, now=START + DAY)
    assert arrivals.latest(store, ["a"], 1) == [before]

    edit(store, A, only(store), title="Edited")
    [after] = arrivals.latest(store, ["a"], 1)
    assert after != before
    assert after.post_id == before.post_id


def test_an_edit_after_a_restore_is_told_apart_from_the_lost_one(store: Store) -> None:
    """A database that was put back counts again: the number alone would say that nothing has changed."""
    configure(store, A)
    receive(store, A, post(1))
    edit(store, A, only(store), title="Lost")
    [before] = arrivals.latest(store, ["a"], 1)
    store.conn.execute("UPDATE posts SET revision = 0")
    edit(store, A, only(store), title="Edited")
    store.conn.execute("UPDATE posts SET revision = 1")
    assert arrivals.latest(store, ["a"], 1) != [before]


def test_an_index_answers_what_arrived_last(store: Store) -> None:
    """However many posts there are, nothing is sorted, and only the posts of stories are looked up."""
    values = {"feed": 1, "names": "[]", "limit": 1}
    plan = [row["detail"] for row in store.rows(f"EXPLAIN QUERY PLAN {arrivals._OF_ONE_FEED}", values)]
    assert any("posts_by_arrival" in step for step in plan)
    assert not any("ORDER BY" in step or step.startswith("SCAN p") for step in plan)
