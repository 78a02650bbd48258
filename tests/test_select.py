"""Selection: which stories the next issue carries, and that none is left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOW, edition, source, stored_post
from tidings.editions.select import (
    ChosenStory,
    group,
    is_empty,
    is_given_up,
    is_young,
    select,
    select_updates,
)
from tidings.model import EditedPost, Edition, Enclosure, StoredPost


def ids(stories: Sequence[ChosenStory]) -> list[int]:
    return [story.post.id for story in stories]


def issues(posts: Sequence[StoredPost], of: Edition, limits: Mapping[str, int]) -> list[list[ChosenStory]]:
    """Issue after issue, each story carried once, until there is nothing to carry."""
    carried: set[int] = set()
    found = []
    while stories := chosen([post for post in posts if post.story not in carried], of, limits):
        carried |= {story.post.story for story in stories}
        found.append(stories)
    return found


def chosen(posts: Sequence[StoredPost], of: Edition, limits: Mapping[str, int] | None = None) -> list[ChosenStory]:
    """What an issue shows; some sources have a limit of their own."""
    sources = [source(name=name, max_posts=limit) for name, limit in (limits or {}).items()]
    return list(select(posts, of, sources, NOW).stories)


def test_nothing_new_is_no_issue() -> None:
    """Without candidates there is nothing to carry."""
    assert chosen([], edition()) == []


def test_ingest_order_chooses_and_dates_sort() -> None:
    """What came first is carried first, whatever its date; an issue shows the newest on top."""
    back_dated = stored_post(3, published=NOW - timedelta(days=900))
    posts = [stored_post(1), stored_post(2), back_dated, stored_post(4)]
    assert ids(chosen(posts, edition(max_posts=3))) == [2, 1, 3]


def test_a_post_dated_in_the_future_is_not_on_top_for_that() -> None:
    """A date ahead counts as the moment the post was first seen."""
    ahead = stored_post(1, published=NOW + timedelta(days=900))
    assert ids(chosen([ahead, stored_post(2, published=None)], edition())) == [2, 1]


def test_equal_dates_are_shown_in_ingest_order() -> None:
    """Among posts of one date the one that came last is on top."""
    posts = [stored_post(number, published=NOW - timedelta(days=2)) for number in (1, 2, 3)]
    assert ids(chosen(posts, edition())) == [3, 2, 1]


@pytest.mark.parametrize(("count", "expected"), [(1, 0), (2, 0), (3, 3), (4, 4)])
def test_too_few_stories_wait(count: int, expected: int) -> None:
    """Below `min_posts` there is no issue, and nothing is lost: the same posts are candidates next time."""
    posts = [stored_post(number) for number in range(1, count + 1)]
    assert len(chosen(posts, edition(min_posts=3))) == expected


def test_min_posts_counts_stories() -> None:
    """Two copies of one story are one story."""
    posts = [stored_post(1), stored_post(2, story=1, source="other")]
    assert chosen(posts, edition(min_posts=2)) == []


def test_min_posts_does_not_lock_out_a_capped_source() -> None:
    """What waits counts, not what fits: else one busy source with a cap below the minimum would never be mailed."""
    posts = [stored_post(number) for number in range(1, 6)]
    assert len(chosen(posts, edition(min_posts=3, max_per_source=2))) == 2


def test_limits_per_source() -> None:
    """`max_per_source` holds for every source, unless it has a limit of its own, higher or lower."""
    sources = {"a": 4, "b": 4, "c": 4}
    posts = [stored_post(n * 10 + i, source=name) for n, name in enumerate(sources, 1) for i in range(sources[name])]
    found = chosen(posts, edition(max_per_source=2), {"b": 3, "c": 1})
    taken = [story.post.source for story in found]
    assert {name: taken.count(name) for name in sources} == {"a": 2, "b": 3, "c": 1}
    assert {10, 11, 20, 21, 22, 30} == set(ids(found))


def test_a_busy_source_does_not_use_up_the_issue() -> None:
    """What a source may not take is left to those behind it."""
    posts = [*(stored_post(number, source="busy") for number in range(1, 50)), stored_post(50, source="quiet")]
    assert ids(chosen(posts, edition(max_posts=3, max_per_source=2))) == [50, 2, 1]


def test_copies_are_one_story() -> None:
    """A story is shown once, by the post that came first, with the other sources beside it."""
    posts = [
        stored_post(1, source="planet"),
        stored_post(2, source="blog"),
        stored_post(3, story=1, source="author"),
        stored_post(4, story=1, source="third"),
    ]
    found = chosen(posts, edition())
    assert ids(found) == [2, 1]
    assert [post.source for post in found[1].others] == ["author", "third"]


STREAMS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12)), max_size=30)
LIMITS = st.dictionaries(st.sampled_from("abc"), st.integers(1, 3))


@settings(max_examples=200)
@given(
    stream=STREAMS,
    max_posts=st.integers(1, 6),
    per_source=st.none() | st.integers(1, 3),
    limits=LIMITS,
)
def test_every_story_is_carried_exactly_once(
    stream: list[tuple[str, int]], max_posts: int, per_source: int | None, limits: dict[str, int]
) -> None:
    """Under any limits, issue after issue carries every story exactly once, and no issue breaks a limit."""
    posts = [stored_post(1 + n, source=name, story=100 + story) for n, (name, story) in enumerate(stream)]
    found = issues(posts, edition(max_posts=max_posts, max_per_source=per_source), limits)
    carried = [story.post.story for stories in found for story in stories]
    assert sorted(carried) == sorted({post.story for post in posts})
    for stories in found:
        taken = [story.post.source for story in stories]
        assert len(stories) <= max_posts
        for name in set(taken):
            limit = limits.get(name, per_source)
            assert limit is None or taken.count(name) <= limit


@settings(max_examples=200)
@given(
    stream=STREAMS,
    max_posts=st.integers(1, 8),
    limits=LIMITS,
    order=st.sampled_from(["time", "weight", "coverage"]),
    carry_over=st.booleans(),
)
def test_nobody_has_two_more_than_another_who_waits(
    stream: list[tuple[str, int]],
    max_posts: int,
    limits: dict[str, int],
    order: Literal["time", "weight", "coverage"],
    carry_over: bool,
) -> None:
    """However stories are ordered: a source that has one left over, and may have more, has at most one less in the
    issue than any other. What is not shown is counted or named, and nothing is both."""
    posts = [stored_post(1 + n, source=name, story=100 + story) for n, (name, story) in enumerate(stream)]
    of = edition(max_posts=max_posts, order=order, carry_over=carry_over)
    sources = [source(name=name, max_posts=limit, weight=limit) for name, limit in limits.items()]
    found = select(posts, of, sources, NOW)
    shown = {story.post.story for story in found.stories}
    taken = Counter(story.post.source for story in found.stories)
    for story in group(posts):
        name = story.post.source
        if story.post.story not in shown and taken[name] < limits.get(name, 99):
            assert len(shown) == max_posts
            assert taken[name] >= max(taken.values()) - 1
    named = {story.post.story for story in found.more}
    assert not shown & named
    assert len(shown) + len(named) + found.waiting == len({post.story for post in posts})
    assert (found.waiting if not carry_over else len(named)) == 0


@settings(max_examples=100)
@given(stream=STREAMS)
def test_every_post_is_in_its_story(stream: list[tuple[str, int]]) -> None:
    """No copy is dropped: each candidate of a carried story is its post or one of its others, in ingest order."""
    posts = [stored_post(1 + n, source=name, story=100 + story) for n, (name, story) in enumerate(stream)]
    for story in chosen(posts, edition()):
        together = [story.post.id, *(post.id for post in story.others)]
        assert together == [post.id for post in posts if post.story == story.post.story]


def test_no_post_waits_for_ever_in_a_flood() -> None:
    """While more comes each day than an issue holds, the oldest still have their turn."""
    waiting: list[StoredPost] = []
    delay: dict[int, int] = {}
    for day in range(40):
        waiting += [stored_post(day * 10 + n + 1) for n in range(3 if day < 20 else 0)]
        carried = ids(chosen(waiting, edition(max_posts=2)))
        delay |= {number: day - (number - 1) // 10 for number in carried}
        waiting = [post for post in waiting if post.id not in carried]
    assert not waiting
    assert max(delay.values()) <= 11


# ---------------------------------------------------------------------------------------------------------- fairness


def posts_of(**counts: int) -> list[StoredPost]:
    """So many posts of each source, those of the first source first; ids tell which."""
    return [
        stored_post(100 * place + n, source=name)
        for place, (name, count) in enumerate(counts.items(), 1)
        for n in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("counts", "most", "expected"),
    [
        ({"busy": 9, "quiet": 1}, 2, {101, 201}),
        ({"busy": 9, "quiet": 1}, 4, {101, 102, 103, 201}),
        ({"busy": 9, "calm": 2, "quiet": 1}, 5, {101, 102, 201, 202, 301}),
        ({"busy": 9, "calm": 2, "quiet": 1}, 2, {101, 201}),
        ({"a": 3, "b": 3, "c": 3}, 4, {101, 102, 201, 301}),
    ],
)
def test_places_are_given_in_rounds(counts: dict[str, int], most: int, expected: set[int]) -> None:
    """Each source has its first story in before any has its second, whoever came first."""
    assert set(ids(chosen(posts_of(**counts), edition(max_posts=most)))) == expected


@pytest.mark.parametrize(("carry_over", "expected"), [(True, {101, 102, 201}), (False, {108, 109, 201})])
def test_what_is_carried_over_goes_oldest_first_what_is_only_named_goes_last(
    carry_over: bool, expected: set[int]
) -> None:
    """Where the rest waits the oldest of a source have their turn; where it is only named the newest are shown."""
    selection = select(posts_of(busy=9, quiet=1), edition(max_posts=3, carry_over=carry_over), [], NOW)
    assert set(ids(selection.stories)) == expected
    rest = {*range(101, 110), 201} - expected
    assert (set(ids(selection.more)), selection.waiting) == ((set(), 7) if carry_over else (rest, 0))


def test_what_a_limit_of_a_source_leaves_out_waits_or_is_named() -> None:
    """`max_per_source` and a source's `max_posts` are limits like `max_posts`."""
    limited = [source(name="b", max_posts=1)]
    posts = posts_of(a=4, b=3)
    kept = select(posts, edition(max_per_source=2), limited, NOW)
    assert (set(ids(kept.stories)), kept.waiting) == ({101, 102, 201}, 4)
    named = select(posts, edition(max_per_source=2, carry_over=False), limited, NOW)
    assert (ids(named.stories), ids(named.more)) == ([203, 104, 103], [202, 201, 102, 101])


@pytest.mark.parametrize("carry_over", [True, False])
def test_weight_decides_who_comes_first_in_a_round(carry_over: bool) -> None:
    """Heavier sources have their first story in, but no second one before a lighter one's first; others weigh 1."""
    weights = [source(name="heavy", weight=9), source(name="light", weight=0)]
    posts = posts_of(light=2, usual=2, heavy=2)
    of = edition(order="weight", carry_over=carry_over)
    for most, names in ((1, ["heavy"]), (2, ["heavy", "usual"]), (4, ["heavy", "heavy", "light", "usual"])):
        found = select(posts, replace(of, max_posts=most), weights, NOW).stories
        assert sorted(story.post.source for story in found) == names


@pytest.mark.parametrize(("carry_over", "expected"), [(True, {1, 4}), (False, {2, 4})])
def test_what_more_sources_carry_comes_first(carry_over: bool, expected: set[int]) -> None:
    """In a round, and, where the rest does not wait, within a source."""
    posts = [
        *(stored_post(n, source="a") for n in (1, 2, 3)),
        stored_post(4, source="b"),
        stored_post(5, source="c"),
        stored_post(6, source="x", story=4),
        stored_post(7, source="y", story=2),
        stored_post(8, source="z", story=4),
    ]
    found = chosen(posts, edition(order="coverage", max_posts=2, carry_over=carry_over))
    assert set(ids(found)) == expected


@pytest.mark.parametrize("order", ["weight", "coverage"])
def test_what_was_left_over_once_is_not_left_over_again(order: Literal["weight", "coverage"]) -> None:
    """Three heavy sources bring what others carry, too, every day, and an issue takes three: the light one's only post
    is in the second issue all the same, since what was left over goes by age."""
    heavy = [source(name=name, weight=5) for name in "abc"]
    of = edition(order=order, max_posts=3)
    waiting = [stored_post(9999, source="light", first_seen=NOW)]
    last = None
    for day in range(2):
        now = NOW + timedelta(days=day)
        for n, name in enumerate("abc"):
            id = 10 * day + 2 * n + 1
            waiting.append(stored_post(id, source=name, first_seen=now))
            waiting.append(stored_post(id + 1, story=id, source=f"{name}'s fan", first_seen=now))
        found = select(waiting, of, heavy, now, last)
        assert ("light" in {story.post.source for story in found.stories}) == (day == 1)
        assert found.waiting == 1
        last, carried = now, {story.post.story for story in found.stories}
        waiting = [post for post in waiting if post.story not in carried]


# ------------------------------------------------------------------------------------------------------------- grace


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("seen", "changed", "expected"),
    [
        (2 * HOUR, None, False),
        (2 * HOUR - timedelta(seconds=1), None, True),
        (timedelta(), None, True),
        (90 * HOUR, HOUR, True),
        (90 * HOUR, 2 * HOUR, False),
        (-HOUR, None, False),
        (90 * HOUR, -HOUR, False),
        (7 * 24 * HOUR + HOUR, HOUR, True),
        (7 * 24 * HOUR + 2 * HOUR, HOUR, False),
    ],
)
def test_what_is_young(seen: timedelta, changed: timedelta | None, expected: bool) -> None:
    """First seen or edited less than the grace ago; not by a clock that was ahead, and not by edits without end."""
    post = stored_post(first_seen=NOW - seen, changed_at=None if changed is None else NOW - changed)
    assert is_young(post, 2 * HOUR, NOW) is expected
    assert not is_young(post, timedelta(), NOW)


def test_a_young_story_waits_and_counts_for_nothing() -> None:
    """It takes no place, does not help to reach `min_posts`, and is not said to come in the next issue."""
    posts = [stored_post(1, first_seen=NOW - 5 * HOUR), stored_post(2, first_seen=NOW - HOUR)]
    selection = select(posts, edition(grace=2 * HOUR), [], NOW)
    assert (ids(selection.stories), selection.waiting, selection.more) == ([1], 0, ())
    assert select(posts, edition(grace=2 * HOUR, min_posts=2), [], NOW).stories == ()
    assert ids(select(posts, edition(grace=2 * HOUR, min_posts=2), [], NOW + HOUR).stories) == [2, 1]


def test_a_selection_knows_what_is_young_and_until_when() -> None:
    """It counts the stories in their grace and names the end of the first; edits put that off, for a week at most."""
    grace = edition(grace=2 * HOUR)
    old, young = stored_post(1, first_seen=NOW - 5 * HOUR), stored_post(2, first_seen=NOW - HOUR)
    mended = stored_post(3, first_seen=NOW - 3 * HOUR, changed_at=NOW - HOUR / 2)
    pestered = stored_post(4, first_seen=NOW - 7 * 24 * HOUR - HOUR, changed_at=NOW)
    for posts, expected in [
        ([old], (0, None)),
        ([old, young, mended], (2, NOW + HOUR)),
        ([mended], (1, NOW + 1.5 * HOUR)),
        ([pestered], (1, NOW + HOUR)),
    ]:
        selection = select(posts, grace, [], NOW)
        assert (selection.young, selection.ripe_at) == expected


def test_too_few_stories_are_counted() -> None:
    """Those that wait for `min_posts` are told apart from those in their grace."""
    posts = [*(stored_post(n, first_seen=NOW - 5 * HOUR) for n in range(1, 5)), stored_post(5, first_seen=NOW)]
    selection = select(posts, edition(grace=2 * HOUR, min_posts=30), [], NOW)
    assert (selection.stories, selection.waiting, selection.young) == ((), 4, 1)


AUDIO = (Enclosure("https://blog.example/a.mp3", "audio/mpeg", 1),)


@pytest.mark.parametrize(
    ("values", "empty"),
    [
        ({}, True),
        ({"title": " ", "text": "\n", "content_html": "<p> </p>", "url": "urn:uuid:1"}, True),
        ({"title": "A title"}, False),
        ({"text": "A text"}, False),
        ({"url": "https://blog.example/1"}, False),
        ({"content_html": '<p><img src="https://blog.example/a.png"></p>'}, False),
        ({"enclosures": AUDIO}, False),
    ],
)
def test_what_is_empty(values: dict[str, Any], empty: bool) -> None:
    """Without title, text, link, picture and file; a week long it is waited for."""
    post = stored_post(**{"title": "", "text": "", "content_html": "", "url": "", "first_seen": NOW, **values})
    assert is_empty(post) is empty
    assert not is_given_up(post, NOW + timedelta(days=7))
    assert is_given_up(post, NOW + timedelta(days=8)) is empty


def test_a_young_copy_does_not_keep_a_story_waiting() -> None:
    """Only the post that is shown has to be old enough; its copies are just named."""
    posts = [stored_post(1, first_seen=NOW - 5 * HOUR), stored_post(2, story=1, source="b", first_seen=NOW)]
    [story] = chosen(posts, edition(grace=2 * HOUR))
    assert [post.id for post in story.posts] == [1, 2]
    original = [posts[0], replace(posts[1], originality=2)]
    assert chosen(original, edition(grace=2 * HOUR)) == []


def edited(id: int, hours_ago: float, **values: str | None) -> EditedPost:
    """A post edited some hours ago; the issue had another text."""
    post = stored_post(id, changed_at=NOW - timedelta(hours=hours_ago))
    return EditedPost(post, **{"former_title": post.title, "former_text": "Other words"} | values)  # type: ignore[arg-type]


def test_the_newest_edits_are_told_and_the_rest_waits() -> None:
    """Of seven edits the five newest are told of, and the other two when those are gone."""
    waiting = [edited(number, hours) for number, hours in enumerate((5, 1, 7, 3, 2, 6, 4), 1)]
    first = select_updates(waiting)
    assert [one.post.id for one in first] == [2, 5, 4, 7, 1]
    assert [one.post.id for one in select_updates([one for one in waiting if one not in first])] == [6, 3]
    assert select_updates([]) == []


def test_edits_of_one_poll_are_in_a_fixed_order() -> None:
    """The same candidates give the same updates, in whatever order the store finds them."""
    candidates = [edited(number, 1) for number in range(1, 8)]
    assert select_updates(candidates) == select_updates(candidates[::-1])


def test_an_edit_taken_back_takes_no_place() -> None:
    """A post that says again what the issue said is not told of, and leaves its place to another."""
    candidates = [edited(1, 1, former_text="Text 1"), *(edited(number, number) for number in range(2, 7))]
    assert [one.post.id for one in select_updates(candidates)] == [2, 3, 4, 5, 6]
