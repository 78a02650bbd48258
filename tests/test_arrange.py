"""Arranging: what comes first, fairness between sources, the lead story, groups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, edition, source, stored_post
from tidings.editions.arrange import Arranged, arrange
from tidings.editions.select import ChosenStory
from tidings.model import Source

HEAVY = source(name="heavy", weight=5, tags=("news", "people"))
PLAIN = source(name="plain", tags=("people",))
LIGHT = source(name="light", weight=0)
SOURCES = {one.name: one for one in (HEAVY, PLAIN, LIGHT)}
BERLIN = ZoneInfo("Europe/Berlin")


def story(id: int, source: str = "plain", copies: int = 0, hours: float = 0, **values: Any) -> ChosenStory:
    """A story that was written `hours` before now and that so many others carry."""
    at = NOW - timedelta(hours=hours)
    post = stored_post(id, source=source, published=at, first_seen=NOW, **values)
    return ChosenStory(post, tuple(stored_post(100 * id + n, source=f"copy-{n}") for n in range(copies)))


def ids(arranged: Sequence[Arranged]) -> list[int]:
    return [one.story.post.id for one in arranged]


def groups(arranged: Sequence[Arranged]) -> list[tuple[str, list[int]]]:
    """The groups in their order, each with its stories."""
    found: dict[str, list[int]] = {}
    for one in arranged:
        found.setdefault(one.group, []).append(one.story.post.id)
    return list(found.items())


STORIES = [
    story(1, "light", copies=2, hours=1),
    story(2, "heavy", hours=3),
    story(3, "plain", copies=2, hours=4),
    story(4, "heavy", copies=1, hours=2),
    story(5, "gone", hours=1),
    story(6, "plain", hours=0),
]


@pytest.mark.parametrize(
    ("order", "expected"),
    [("time", [6, 5, 1, 4, 2, 3]), ("weight", [4, 2, 6, 5, 3, 1]), ("coverage", [3, 1, 4, 2, 6, 5])],
)
def test_order(order: str, expected: list[int]) -> None:
    """Newest first, of one moment the one stored later; or by weight before; or by coverage and weight before. A source
    that is not configured any more counts as most do."""
    assert ids(arrange(STORIES, edition(order=order), SOURCES)) == expected


@pytest.mark.parametrize(
    ("order", "sources", "expected"),
    [
        ("time", "aaaaabc", "aabaaca"),
        ("time", "aaabbb", "aababb"),
        ("time", "aabaab", "aabaab"),
        ("time", "aaaa", "aaaa"),
        ("time", "abcabc", "abcabc"),
        ("weight", "aaaab", "aabaa"),
        ("coverage", "aaaab", "aabaa"),
    ],
)
def test_a_busy_source_lets_others_in(order: str, sources: str, expected: str) -> None:
    """Within a day, after two stories of one source the next one of another source comes first, if there is any."""
    stories = [story(9 - place, name, hours=place / 60) for place, name in enumerate(sources)]
    arranged = arrange(stories, edition(order=order), {})
    assert "".join(one.story.post.source for one in arranged) == expected


def test_fairness_does_not_go_over_days() -> None:
    """Newest first is a promise: a story of yesterday never comes before one of today, in the edition's time zone."""
    stories = [story(9, "a", hours=1), story(8, "a", hours=2), story(7, "a", hours=3), story(6, "b", hours=10)]
    assert ids(arrange(stories, edition(timezone="UTC"), {})) == [9, 8, 7, 6]
    assert ids(arrange(stories, edition(timezone="Asia/Tokyo"), {})) == [9, 8, 6, 7]


def test_fairness_does_not_go_over_ranks() -> None:
    """A lighter source never comes before a heavier one, nor what fewer sources carry before what more do."""
    stories = [story(9, "heavy", 1), story(8, "heavy", 1), story(7, "heavy", 1), story(6, "plain", 0)]
    for order in ("weight", "coverage"):
        assert ids(arrange(stories, edition(order=order), SOURCES)) == [9, 8, 7, 6]


@pytest.mark.parametrize("order", ["time", "weight", "coverage"])
@pytest.mark.parametrize("group_by", ["", "tag", "source", "day"])
def test_the_lead_story_stands_above_all(order: str, group_by: str) -> None:
    """What most sources carry comes first, of several the heaviest, then the newest; it is in no group."""
    lead, *rest = arrange(STORIES, edition(order=order, group_by=group_by, lead=True), SOURCES)
    assert (lead.story.post.id, lead.group, lead.is_lead) == (3, "", True)
    assert sorted(ids(rest)) == [1, 2, 4, 5, 6]
    assert not any(one.is_lead for one in rest)


def test_an_issue_without_stories_has_no_lead() -> None:
    """There is nothing to arrange, and no error."""
    assert arrange([], edition(lead=True, group_by="tag"), {}) == []


def test_groups_by_tag() -> None:
    """A story stands under the first of its source's tags, tags by name, and what has none last."""
    arranged = arrange(STORIES, edition(group_by="tag"), SOURCES)
    assert groups(arranged) == [("news", [4, 2]), ("people", [6, 3]), ("", [5, 1])]


def test_groups_by_the_tags_of_the_edition() -> None:
    """The edition's tags come in its order, and a source with several stands under the first of them."""
    assert groups(arrange(STORIES, edition(group_by="tag", tags=("people", "news")), SOURCES)) == [
        ("people", [6, 4, 2, 3]),
        ("", [5, 1]),
    ]
    assert groups(arrange(STORIES, edition(group_by="tag", tags=("zoo", "news")), SOURCES)) == [
        ("news", [4, 2]),
        ("people", [6, 3]),
        ("", [5, 1]),
    ]


def test_groups_by_source() -> None:
    """Sources come by their titles, whatever the letter case."""
    stories = [
        story(1, "x", source_title="Beta"),
        story(2, "y", source_title="alpha"),
        story(3, "z", source_title=""),
        story(4, "y", source_title="alpha"),
    ]
    assert groups(arrange(stories, edition(group_by="source"), {})) == [("alpha", [4, 2]), ("Beta", [1]), ("z", [3])]


def test_groups_by_day() -> None:
    """Days are those of the edition's time zone, the newest first, also where heavier sources come first."""
    stories = [story(1, "heavy", hours=12), story(2, "plain", hours=1), story(3, "heavy", hours=2)]
    one = edition(group_by="day", order="weight", timezone="UTC")
    assert groups(arrange(stories, one, SOURCES)) == [("2026-11-27", [3, 2]), ("2026-11-26", [1])]
    east = edition(group_by="day", order="weight", timezone="Pacific/Kiritimati")
    assert groups(arrange(stories, east, SOURCES)) == [("2026-11-27", [3, 1, 2])]


STORY = st.builds(
    story,
    st.integers(1, 99),
    st.sampled_from(["heavy", "plain", "light", "gone"]),
    st.integers(0, 2),
    st.integers(0, 48),
    source_title=st.sampled_from(["", "One", "one", "Two"]),
)


@given(
    stories=st.lists(STORY, max_size=20, unique_by=lambda one: one.post.id),
    order=st.sampled_from(["time", "weight", "coverage"]),
    group_by=st.sampled_from(["", "tag", "source", "day"]),
    tags=st.lists(st.sampled_from(["news", "people", "zoo"]), unique=True).map(tuple),
    lead=st.booleans(),
    turn=st.randoms(use_true_random=False),
)
def test_every_story_has_one_place(
    stories: list[ChosenStory], order: str, group_by: str, tags: tuple[str, ...], lead: bool, turn: Random
) -> None:
    """Each story is there once, groups are in one piece, in whatever order the stories come; and nobody has three in a
    row in a group while a story of another source, of the same day and rank, comes behind."""
    one = edition(order=order, group_by=group_by, tags=tags, lead=lead)
    arranged = arrange(stories, one, SOURCES)
    assert sorted(ids(arranged)) == sorted(story.post.id for story in stories)
    assert [one.is_lead for one in arranged] == [lead and place == 0 for place in range(len(arranged))]
    rest = arranged[1:] if lead else arranged
    assert [group for group, members in groups(rest) for _ in members] == [one.group for one in rest]
    turn.shuffle(stories)
    assert arrange(stories, one, SOURCES) == arranged
    assert not any(is_unfair(rest, place, order) for place in range(len(rest)))


def is_unfair(arranged: Sequence[Arranged], place: int, order: str) -> bool:
    """Whether a third story in a row stands before one of another source that could stand there."""
    three = arranged[max(place - 2, 0) : place + 1]
    if len(three) < 3 or len({(one.group, one.story.post.source) for one in three}) > 1:
        return False
    behind = [one for one in arranged[place + 1 :] if rank(one, order) == rank(arranged[place], order)]
    return any(one.story.post.source != arranged[place].story.post.source for one in behind)


def rank(one: Arranged, order: str) -> tuple[object, ...]:
    post = one.story.post
    weight = SOURCES.get(post.source, Source(url="", name="")).weight
    by = {"time": (), "weight": (weight,), "coverage": (len(one.story.others), weight)}[order]
    return one.group, post.effective.astimezone(tz=BERLIN).date(), by
