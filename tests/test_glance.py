"""What is told at a glance: nothing is passed over that telling would have found."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stories import read
from tidings.posts.glance import Glance, glance, may_be_one
from tidings.posts.pieces import Piece, piece
from tidings.posts.telling import tell

PAGE, OTHER = "https://one.example/a", "https://two.example/b"
WORDS = "river stone lantern copper garden winter engine paper silver harbour 字 天 候 7 42".split()


def seen(told: Piece) -> Glance:
    return glance(told.url, told.title, told.text, told.language)


@pytest.mark.parametrize("name", ["tuning", "heldout", "check"])
def test_no_labelled_story_is_passed_over(name: str) -> None:
    """Whatever telling finds in the labelled sets, in their pairs and in pairs drawn at random, may be one at a
    glance."""
    pieces, pairs = read(name)
    drawn = Random(1).sample(list(combinations(sorted(pieces), 2)), 400)
    for one, other in [*((pair["a"], pair["b"]) for pair in pairs), *drawn]:
        if tell(pieces[one], pieces[other]):
            assert may_be_one(seen(pieces[one]), seen(pieces[other])), (one, other)


def test_most_posts_that_are_two_are_passed_over() -> None:
    """Of posts drawn at random hardly any pair is looked at more closely, or a glance would save nothing."""
    pieces, _ = read("tuning")
    long = [told for told in pieces.values() if len(told.text.split()) > 150]
    drawn = Random(1).sample(list(combinations(long, 2)), 300)
    assert sum(may_be_one(seen(one), seen(other)) for one, other in drawn) < 30


def sentences(count: int) -> st.SearchStrategy[str]:
    """Texts of a few passages, which two of them easily have in common."""
    passages = [" ".join(Random(seed).choices(WORDS, k=12)) for seed in range(12)]
    return st.lists(st.sampled_from(passages), max_size=count).map(". ".join)


POSTS = st.builds(
    piece,
    st.sampled_from(["one.example", "two.example"]),
    st.sampled_from([PAGE, OTHER, ""]),
    st.sampled_from(["River stone lantern copper", "River stone lantern copper garden", "Winter engine", ""]),
    sentences(24),
    st.sampled_from(["", f'<p><a href="{PAGE}">a</a></p>', f'<p><a href="{OTHER}">b</a> <a href="{PAGE}">a</a></p>']),
    st.sampled_from(["", "en", "de"]),
)


@given(POSTS, POSTS)
def test_nothing_that_telling_finds_is_passed_over(one: Piece, other: Piece) -> None:
    """Whatever two posts are like; and which comes first makes no difference."""
    assert may_be_one(seen(one), seen(other)) == may_be_one(seen(other), seen(one))
    if tell(one, other):
        assert may_be_one(seen(one), seen(other))


def test_long_posts_with_a_link_in_common_are_two_at_a_glance() -> None:
    """Two articles that link to one page, and say nothing alike."""
    one = glance(PAGE, "On rivers", " ".join(f"a{n}" for n in range(100)), "en")
    other = glance(OTHER, "On stones", " ".join(f"b{n}" for n in range(100)), "en")
    assert not may_be_one(one, other)
    assert may_be_one(one, glance(PAGE, "On stones", " ".join(f"b{n}" for n in range(100)), "en"))
    assert may_be_one(one, glance(OTHER, "On stones", "A link.", "en"))
