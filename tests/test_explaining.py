"""What the store says of one post: its facts, keys, story, issues, and the conditions that keep it from an edition."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.builders import edition
from tests.stocking import START, blog, configure, edit, post, receive
from tests.test_store_issues import carry, offered
from tidings.errors import StoreError
from tidings.store import Store, explaining, issues, open_store, slots, stories
from tidings.store.posts import PostQuery, find

A, B, C = blog("a"), blog("b"), blog("c")
DAILY, WEEKLY = edition(), edition(name="weekly")
LATER = START + timedelta(days=1)
SAME = "https://one.example/piece"
LONG = "Every word of this is the same in both places, and there are quite enough words of it to tell. " * 9


def test_facts_of_a_post(store: Store) -> None:
    """A post comes with how it arrived; what did not happen to it is not there."""
    configure(store, A)
    receive(store, A, post(1))
    receive(store, A, post(2, excluded="title:two"), now=LATER)
    first, second = explaining.stored(store, 1), explaining.stored(store, 2)
    assert (first.in_first_batch, second.in_first_batch) == (True, False)
    assert (first.edited_at, first.pruned_at, first.held_at, first.excluded_at, first.join) == (None,) * 5
    assert (first.may_be_shown, second.may_be_shown) == (True, False)
    assert second.excluded_at == LATER
    [stored] = find(store, PostQuery())
    edit(store, A, stored, title="Other")
    assert explaining.stored(store, 1).edited_at == START


def test_a_post_that_is_not_there(store: Store) -> None:
    """An id that no post has gives nothing, or an error that names it."""
    assert explaining.facts(store, 7) is None
    with pytest.raises(StoreError, match="no post has the id 7"):
        explaining.stored(store, 7)


def test_keys_come_in_the_order_in_which_they_were_met(store: Store) -> None:
    """Later keys come later, and those of a time that was not noted come first."""
    configure(store, A)
    receive(store, A, post(1, keys=("guid:b", "link:a")))
    store.conn.execute("INSERT INTO post_keys (feed_id, key, post_id) VALUES (1, 'page:z', 1)")
    receive(store, A, now=LATER)
    store.conn.execute("INSERT INTO post_keys VALUES (1, 'guid:a', 1, ?)", (LATER.isoformat(),))
    assert [(known.key, known.met_at) for known in explaining.keys(store, 1)] == [
        ("page:z", None),
        ("guid:b", START),
        ("link:a", START),
        ("guid:a", LATER),
    ]


def test_showings_are_all_issues_of_a_story(store: Store) -> None:
    """Of posts that one edition showed in two issues and that are one story now, both issues are told."""
    configure(store, A, B, editions=[DAILY, WEEKLY])
    for source in (A, B):
        receive(store, source)
    receive(store, A, post(1))
    carry(store)
    receive(store, B, post(2))
    carry(store)
    carry(store, WEEKLY)
    stories.merge(store, 1, 2, LATER)
    told = [(one.edition, one.number, one.post_id) for one in explaining.showings(store, 1)]
    assert told == [("daily", 1, 1), ("daily", 2, 2), ("weekly", 1, 1), ("weekly", 1, 2)]
    assert explaining.showings(store, 2) == []


def test_backlog_is_what_is_not_offered_with_a_backfill_of_none(store: Store) -> None:
    """The condition agrees with what the edition is offered, for an edition of the start and one that came later."""
    configure(store, A, B)
    receive(store, A, *(post(n) for n in range(1, 4)))
    receive(store, A, post(4), now=LATER)
    configure(store, A, B, editions=[DAILY, WEEKLY], now=LATER)
    receive(store, B, post(5), now=LATER)
    receive(store, A, post(6), now=LATER)
    for one in (DAILY, WEEKLY):
        news = [n for n in range(1, 7) if not explaining.backlog(store, one.name, n)]
        assert [f"{n}" for n in news] == offered(store, one, backfill=0)


def test_a_copy_names_the_post_in_the_backlog(store: Store) -> None:
    """Not the first post of the story counts, but one that is in its source's backlog; a link to it is no copy."""
    configure(store, A, B, C)
    receive(store, A)
    receive(store, A, post(1, title="A piece", story_url=SAME, text=LONG))
    receive(store, B, post(2, title="A piece", story_url=SAME, text=LONG))
    receive(store, C)
    receive(store, C, post(3, title="A piece", story_url=SAME, text=LONG), now=LATER)
    assert stories.posts_of(store, 1) == [1, 2, 3]
    assert issues.copied_from(store, "daily", 1) is None
    assert issues.copied_from(store, "daily", 2) is None
    assert issues.copied_from(store, "daily", 3) == 2
    assert "A piece" in offered(store, backfill=0)
    assert issues.candidates(store, "daily", ["c"], 0) == []
    store.conn.execute("UPDATE story_joins SET tier = 'link' WHERE post_id = 3")
    assert issues.copied_from(store, "daily", 3) is None
    assert [one.id for one in issues.candidates(store, "daily", ["c"], 0)] == [3]


def test_a_planet_read_before_the_blog_takes_no_news_from_it(store: Store) -> None:
    """What came to a planet's backlog just before the blog was asked is news of the blog: the original of a copy, and
    whatever was written since the blog is followed."""
    configure(store, A)
    receive(store, A, post(1))
    configure(store, A, B, now=LATER)
    new = {"title": "A piece", "story_url": SAME, "text": LONG, "published": LATER - timedelta(hours=1)}
    old = {"title": "Two", "story_url": f"{SAME}-2", "text": LONG[::-1], "published": START - timedelta(days=9)}
    receive(store, B, post(2, **new), post(3, **old, originality=0), now=LATER)
    receive(store, A, post(4, **new), post(5, **old, originality=2), now=LATER)
    assert [stories.story_of(store, n) for n in (4, 5)] == [2, 3]
    assert [one.id for one in issues.candidates(store, "daily", ["a", "b"], 0)] == [4, 5]
    assert [issues.copied_from(store, "daily", n) for n in (4, 5)] == [None, None]
    store.conn.execute("UPDATE posts SET originality = 2")
    assert [one.id for one in issues.candidates(store, "daily", ["a", "b"], 0)] == [4]
    assert [issues.copied_from(store, "daily", n) for n in (4, 5)] == [None, 3]


@pytest.mark.parametrize("hidden", ["excluded = 'include'", "held_at = ''", "held_at = '2026-11-23'"])
def test_a_copy_of_what_is_not_shown_is_news(store: Store, hidden: str) -> None:
    """A post of the backlog that a rule or the brake keeps from readers keeps no other post from them."""
    configure(store, A, B)
    receive(store, A, post(1, title="A piece", story_url=SAME, text=LONG))
    receive(store, B)
    receive(store, B, post(2, title="A piece", story_url=SAME, text=LONG), now=LATER)
    assert issues.copied_from(store, "daily", 2) == 1
    store.conn.execute(f"UPDATE posts SET {hidden} WHERE id = 1")
    assert issues.copied_from(store, "daily", 2) is None
    assert [one.id for one in issues.candidates(store, "daily", ["a", "b"], 9)] == [2]


@pytest.mark.parametrize(("tier", "original"), [("id", 1), ("page", 1), ("copy", 1), ("headline", 1), ("link", None)])
def test_every_kind_of_copy_of_backlog_is_no_news(store: Store, tier: str, original: int | None) -> None:
    """Copies are told by four rules, and a link post is none."""
    configure(store, A, B)
    receive(store, A, post(1, title="A piece", story_url=SAME, text=LONG))
    receive(store, B)
    receive(store, B, post(2, title="A piece", story_url=SAME, text=LONG), now=LATER)
    store.conn.execute("UPDATE story_joins SET tier = ?", (tier,))
    assert issues.copied_from(store, "daily", 2) == original
    assert len(issues.candidates(store, "daily", ["b"], 0)) == (original is None)


def test_a_post_shut_out_by_a_rule_names_the_issue(store: Store) -> None:
    """Only what was made while the rule kept it out counts."""
    configure(store, A)
    receive(store, A)
    receive(store, A, post(1))
    slots.record(store, "daily", "one", START)
    assert explaining.shut_out_at(store, "daily", 1) is None
    times = (f"{at:%Y-%m-%dT%H:%M:%S.%f}+00:00" for at in (START, LATER))
    store.conn.execute("INSERT INTO exclusions (post_id, since, until) VALUES (1, ?, ?)", tuple(times))
    assert explaining.shut_out_at(store, "daily", 1) == START
    assert offered(store) == []
    assert explaining.shut_out_at(store, "weekly", 1) is None


def test_posts_are_found_by_keys_of_any_source(store: Store) -> None:
    """The same key of two sources finds both posts, and no key finds none."""
    configure(store, A, B)
    receive(store, A, post(1, keys=("guid:x", "guid:y")))
    receive(store, B, post(2, keys=("guid:x",)))
    assert explaining.under_keys(store, ["guid:x", "guid:y"]) == [1, 2]
    assert explaining.under_keys(store, ["guid:y"]) == [1]
    assert explaining.under_keys(store, ["guid:z"]) == []


def test_posts_of_a_page_are_found_by_its_path(store: Store) -> None:
    """Posts of any source on one page are found, those of other hosts with the same path are not; and none are where
    posts of a source shared it, since the path leads to the first of them alone."""
    configure(store, A, B, C)
    receive(store, A, post(1, url="https://a.example/piece?x", keys=("~path:piece",)))
    receive(store, B, post(2, url="https://a.example/piece", keys=("~path:piece",)))
    receive(store, C, post(3, url="https://c.example/piece", keys=("~path:piece",)))

    def found() -> list[int]:
        return explaining.with_page(store, "~path:piece", "shared:~path:piece", lambda url: "//a.example/piece" in url)

    assert found() == [1, 2]
    receive(store, A, post(4, url="https://a.example/piece", keys=("shared:~path:piece",)))
    assert found() == []


def test_a_snapshot_is_of_one_moment(store: Store) -> None:
    """What another process writes meanwhile is seen only afterwards, and it does not have to wait."""
    configure(store, A)
    receive(store, A, post(1))
    with open_store(store.path) as other:
        with explaining.snapshot(store):
            assert explaining.facts(store, 1)
            receive(other, A, post(2))
            assert explaining.facts(store, 2) is None
        assert explaining.facts(store, 2)
