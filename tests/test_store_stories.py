"""Stories joined and parted by hand: what editions carry afterwards, and that each step can be taken back.

The invariant: an edition may carry exactly the posts of those stories of which it has shown no post. So it never shows
a post twice, nothing of a story that it showed comes again, and every other post is still to come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import edition
from tests.stocking import START, blog, configure, post, receive, state_of
from tidings.editions.compose import Masthead, compose
from tidings.editions.select import select
from tidings.errors import StoreError
from tidings.model import Edition
from tidings.store import Store, issues, open_store, site, stories

A, B, C = blog("a"), blog("b"), blog("c")
SOURCES = (A, B, C)
DAILY = edition()
_EPOCH = START.replace(month=1, day=1, hour=0)  # where a period begins


def stock(store: Store, *groups: Sequence[int], editions: Sequence[Edition] = (DAILY,)) -> None:
    """Sources a, b, c, each with as many posts as the groups say, all of them news."""
    configure(store, *SOURCES, editions=editions)
    for source in SOURCES:
        receive(store, source)
    for source, numbers in zip(SOURCES, groups, strict=False):
        receive(store, source, *(post(n) for n in numbers))


def waiting(store: Store, one: Edition = DAILY) -> list[int]:
    return [found.id for found in issues.candidates(store, one.name, [source.name for source in SOURCES], 3)]


def freeze(store: Store, one: Edition = DAILY, most: int = 50) -> list[int]:
    """Freezes the next issue of an edition; returns the posts it shows."""
    names = [source.name for source in SOURCES]
    chosen = select(issues.candidates(store, one.name, names, 3), one, SOURCES, START).stories[:most]
    if not chosen:
        return []
    number = issues.next_number(store, one.name)
    content = compose(chosen, one, Masthead("Planet", "https://planet.example"), number, SOURCES, START)
    with store.write():
        issues.freeze(store, content, [], None, START)
        issues.settle(store, one.name, 3)
    return [item.post_id for item in content.items]


def groups(store: Store) -> list[list[int]]:
    """The posts of each story."""
    found: dict[int, list[int]] = {}
    for row in store.rows("SELECT id, story FROM posts ORDER BY id"):
        found.setdefault(row["story"], []).append(row["id"])
    assert all(number == members[0] for number, members in found.items())
    return sorted(found.values())


def dump(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """What stories and editions are about, row by row, without times."""
    return {
        table: [tuple(row) for row in store.rows(f"SELECT {columns} FROM {table} ORDER BY 1, 2")]
        for table, columns in {
            "posts": "id, story",
            "story_urls": "url, story",
            "issue_items": "edition, story, issue_id, post_id, position",
            "never_merged": "one, other",
        }.items()
    }


def test_merged_posts_are_one_story_that_an_issue_shows_once(store: Store) -> None:
    """Two posts joined before an issue are one item of it, and neither comes again."""
    stock(store, [1], [2])
    assert stories.merge(store, 2, 1, START) == 1
    assert groups(store) == [[1, 2]]
    assert freeze(store) == [1]
    assert waiting(store) == []


def test_what_is_joined_to_a_carried_story_was_carried(store: Store) -> None:
    """A post joined to one that an issue showed is no news any more; parted from it, it is again, the other is not."""
    stock(store, [1])
    assert freeze(store) == [1]
    receive(store, B, post(2))
    stories.merge(store, 1, 2, START)
    assert waiting(store) == []
    stories.split(store, 2, START)
    assert waiting(store) == [2]
    assert freeze(store) == [2]


def test_two_posts_that_were_both_shown_are_never_shown_again(store: Store) -> None:
    """Joined after issues showed both, and parted again from either end, neither of them is news."""
    stock(store, [1], [2])
    assert freeze(store) == [2, 1]
    for taken_out in (2, 1):
        stories.merge(store, 1, 2, START)
        stories.split(store, taken_out, START)
        assert waiting(store) == []
    assert groups(store) == [[1], [2]]


def test_taking_out_the_post_that_was_shown_makes_the_others_news(store: Store) -> None:
    """Of a story of three the issue showed the first; without it the other two are a story that nobody has seen."""
    stock(store, [1], [2], [3])
    stories.merge(store, 1, 2, START)
    stories.merge(store, 3, 1, START)
    assert freeze(store) == [1]
    assert stories.split(store, 1, START) == 1
    assert groups(store) == [[1], [2, 3]]
    assert waiting(store) == [2, 3]
    assert freeze(store) == [2]


def test_merging_and_splitting_can_be_repeated(store: Store) -> None:
    """A second call changes nothing, not even the pages that are to be published."""
    stock(store, [1], [2])
    stories.merge(store, 1, 2, START)
    before, wanted = dump(store), site.publishing_wanted(store)
    assert stories.merge(store, 2, 1, START) == 1
    assert (dump(store), site.publishing_wanted(store)) == (before, wanted)
    stories.split(store, 2, START)
    before, wanted = dump(store), site.publishing_wanted(store)
    assert stories.split(store, 2, START) == 2
    assert stories.split(store, 1, START) == 1
    assert (dump(store), site.publishing_wanted(store)) == (before, wanted)


def test_a_split_is_taken_back_by_a_merge(store: Store) -> None:
    """Whichever post of a story is taken out, joining it again leaves stories, ledger and pages as they were."""
    stock(store, [1], [2], [3])
    stories.merge(store, 1, 2, START)
    stories.merge(store, 2, 3, START)
    freeze(store)
    before = dump(store)
    for taken_out, back in ((1, 3), (2, 1), (3, 2)):
        stories.split(store, taken_out, START)
        assert dump(store) != before
        stories.merge(store, back, taken_out, START)
        assert dump(store) == before


@pytest.mark.parametrize(
    "act",
    [
        lambda store: stories.merge(store, 1, 99, START),
        lambda store: stories.merge(store, 99, 1, START),
        lambda store: stories.split(store, 99, START),
    ],
)
def test_a_post_that_is_not_there_is_an_error(store: Store, act: Callable[[Store], int]) -> None:
    """An id that no post has is named, and nothing changes."""
    stock(store, [1])
    before = dump(store)
    with pytest.raises(StoreError, match="no post has the id 99"):
        act(store)
    assert dump(store) == before


def test_two_posts_of_one_source_are_no_story(store: Store) -> None:
    """Neither by themselves nor with others between them; the posts are named, and nothing changes."""
    stock(store, [1, 2], [3], [4])
    stories.merge(store, 1, 3, START)
    stories.merge(store, 2, 4, START)
    before = dump(store)
    for one, other in ((1, 2), (4, 3)):
        with pytest.raises(StoreError, match="posts 1 and 2 are both of 'a', and a story has one post of a source"):
            stories.merge(store, one, other, START)
    assert dump(store) == before
    stories.split(store, 2, START)
    assert stories.merge(store, 3, 4, START) == 1


def test_marks_are_kept_as_long_as_they_are_looked_into(store: Store) -> None:
    """Posts find each other by a mark in its period of 45 days and in the next; then it is dropped."""
    stock(store)
    day = timedelta(days=1)
    receive(store, A, post(1, landmarks=(7, 8)), now=_EPOCH)
    feed_id = state_of(store, B).feed_id
    for after, found in ((0, [1]), (44, [1]), (45, [1]), (89, [1]), (90, None)):
        place = stories.candidates(store, feed_id, [post(2, landmarks=(8,))], _EPOCH + after * day)
        assert place.get(0) == found
        stories.forget_marks(store, _EPOCH + after * day)
        marks = [tuple(row) for row in store.rows("SELECT mark, post_id FROM story_marks ORDER BY mark")]
        assert marks == ([(7, 1), (8, 1)] if found else [])


def test_a_mark_that_very_many_have_leads_nowhere(store: Store) -> None:
    """What forty sources have in common may be a story; what more of them have is a notice."""
    many = [blog(f"b{n}") for n in range(42)]
    configure(store, *many)
    new, feed_id = [post("x", landmarks=(7,))], state_of(store, many[41]).feed_id
    for n, one in enumerate(many[:41]):
        receive(store, one, post(n, landmarks=(7,)))
        if n == 39:
            assert len(stories.candidates(store, feed_id, new, START)[0]) == 8
    assert stories.candidates(store, feed_id, new, START) == {}


def test_those_that_share_most_marks_are_looked_at(store: Store) -> None:
    """Of more than eight posts the eight that have most in common with the new one, the likeliest first."""
    many = [blog(f"b{n}") for n in range(11)]
    configure(store, *many)
    for n, one in enumerate(many[:10]):
        receive(store, one, post(n, landmarks=tuple(range(n + 1))))
    new = [post("x", landmarks=tuple(range(10)))]
    found = stories.candidates(store, state_of(store, many[10]).feed_id, new, START)
    assert found == {0: [10, 9, 8, 7, 6, 5, 4, 3]}


def test_why_posts_are_together_is_kept(store: Store) -> None:
    """The post that began the later story has the reason; taken out it has none, and the pair is remembered."""
    stock(store, [1], [2], [3])
    stories.merge(store, 2, 3, START)
    stories.merge(store, 3, 1, START)
    join = stories.join_of(store, 2)
    assert join is not None
    assert (join.story, join.post_id, join.tier, join.why) == (1, 1, "hand", "joined by hand, together with post 3")
    assert stories.join_of(store, 1) is None
    stories.split(store, 3, START)
    assert stories.join_of(store, 3) is None
    assert stories.parted(store, 3) == {1: START, 2: START}
    assert stories.parted(store, 1) == {3: START}
    stories.merge(store, 3, 2, START)
    assert stories.parted(store, 3) == {}


def test_whoever_is_left_first_begins_the_story(store: Store) -> None:
    """When the post that began a story is taken out, the next one begins it and needs no reason."""
    stock(store, [1], [2], [3])
    stories.merge(store, 1, 2, START)
    stories.merge(store, 1, 3, START)
    stories.split(store, 1, START)
    assert stories.join_of(store, 2) is None
    assert stories.join_of(store, 3) is not None


def test_a_post_taken_out_is_found_by_its_own_page(store: Store) -> None:
    """A copy of the page of a post that was taken out joins that one; a page that others have too stays with them."""
    stock(store)
    first, second = "https://one.example/x", "https://two.example/y"
    text = "Every word of this is the same in both places, and there are quite enough words of it to tell. " * 9
    receive(store, A, post(1, story_url=first, title="A piece", text=text))
    receive(store, B, post(2, story_url=second, text="Something else."))
    stories.merge(store, 1, 2, START)
    stories.split(store, 1, START, {1: first, 2: second})
    receive(store, C, post(3, story_url=first, title="A piece", text=text))
    assert groups(store) == [[1, 3], [2]]
    stories.split(store, 3, START, {1: first, 3: first})
    assert ("https://one.example/x", 1) in dump(store)["story_urls"]


WEEKLY = edition(name="weekly")
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.integers(0, 2), st.integers(0, 2)),
        st.tuples(st.just("merge"), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.just("split"), st.integers(0, 9), st.just(0)),
        st.tuples(st.sampled_from(["daily", "weekly"]), st.integers(1, 3), st.just(0)),
    ),
    max_size=25,
)


@given(_STEPS)
@settings(max_examples=60)
def test_no_order_of_steps_repeats_or_loses_a_post(steps: list[tuple[str, int, int]]) -> None:
    """Posts come, are joined and parted, issues are frozen: after each step an edition may carry exactly the posts of
    stories that it has shown no post of, and it has shown no post twice."""
    with TemporaryDirectory() as folder, open_store(Path(folder) / "tidings.db") as store:
        stock(store, [1], [2], [3], editions=(DAILY, WEEKLY))
        shown: dict[str, list[int]] = {"daily": [], "weekly": []}
        for step, one, other in steps:
            ids = [row["id"] for row in store.rows("SELECT id FROM posts ORDER BY id")]
            if step == "post":
                receive(store, SOURCES[one], post(len(ids) + 1, originality=other))
            elif step == "merge":
                with suppress(StoreError):  # both of one source
                    stories.merge(store, ids[one % len(ids)], ids[other % len(ids)], START)
            elif step == "split":
                stories.split(store, ids[one % len(ids)], START)
            else:
                shown[step] += freeze(store, DAILY if step == "daily" else WEEKLY, most=one)
            for each in (DAILY, WEEKLY):
                _check(store, each, shown[each.name])


def _check(store: Store, one: Edition, shown: list[int]) -> None:
    assert max(Counter(shown).values(), default=1) == 1
    still = [member for members in groups(store) if not set(members) & set(shown) for member in members]
    assert sorted(waiting(store, one)) == sorted(still)
    for row in store.rows("SELECT one, other FROM never_merged"):
        assert stories.story_of(store, row["one"]) != stories.story_of(store, row["other"])
