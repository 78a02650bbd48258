"""What is left of an issue when stories are taken out of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.editions.dropping import without
from tidings.model import IssueContent, IssueItem, MoreItem, UpdateItem

AT = datetime(2026, 11, 27, 8, tzinfo=UTC)


def story(number: int, group: str = "") -> IssueItem:
    return IssueItem(
        number, number, "", f"Post {number}", "a", "", "", None, "en", "ltr", "", "", True, group=group
    )  # fmt: skip


def named(number: int) -> MoreItem:
    return MoreItem(number, number, "", f"Post {number}", "", "a", "en", "ltr")


def issue(*stories: IssueItem, more: tuple[int, ...] = (), lead: bool = False) -> IssueContent:
    return IssueContent(
        "weekly", "The Weekly", 12, "The Weekly: as frozen", AT, "UTC", "en", "Planet", "https://p.example",
        stories, (UpdateItem(99, "", "Post 99", "", "a", "en", "ltr", AT),), tuple(map(named, more)), lead=lead,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("gone", "left", "more"),
    [
        ({1}, [2, 3], [8, 9]),
        ({2}, [1, 3], [8, 9]),
        ({2, 3}, [1], [8, 9]),
        ({3, 8}, [1, 2], [9]),
        ({9}, [1, 2, 3], [8]),
        ({99}, [1, 2, 3], [8, 9]),
    ],
)
def test_what_is_dropped_is_gone_and_the_rest_stays(gone: set[int], left: list[int], more: list[int]) -> None:
    """Stories and those only named go, the others keep their order."""
    found = without(issue(story(1), story(2), story(3), more=(8, 9)), gone)
    assert [item.post_id for item in found.items] == left
    assert [item.post_id for item in found.more] == more


def test_the_next_story_leads_when_the_lead_is_dropped() -> None:
    """A lead story stands in no group, so the first that is left leaves its group; without a lead all stay."""
    stories = (story(1), story(2, "people"), story(3, "people"))
    assert [item.group for item in without(issue(*stories, lead=True), {1}).items] == ["", "people"]
    assert [item.group for item in without(issue(*stories, lead=True), {2}).items] == ["", "people"]
    assert [item.group for item in without(issue(*stories), {1}).items] == ["people", "people"]


@given(numbers=st.lists(st.integers(1, 20), unique=True, max_size=8), gone=st.sets(st.integers(1, 20), max_size=8))
def test_nothing_else_changes(numbers: list[int], gone: set[int]) -> None:
    """Whatever is dropped: what is left is as it was, and dropping it again changes nothing."""
    whole = issue(*map(story, numbers))
    left = without(whole, gone)
    assert left.items == tuple(item for item in whole.items if item.post_id not in gone)
    assert replace(left, items=whole.items, subject=whole.subject) == whole
    assert without(left, gone) == left
