"""Sketches of texts that are gone: what they say of likeness, and how much room they take."""

from __future__ import annotations

import random

import pytest

from tidings.model import Remembered
from tidings.posts import likeness
from tidings.posts.comparing import compare
from tidings.posts.sketch import containment, drawn, opened, resemblance, sketch


def text(number: int, count: int) -> str:
    made = random.Random(number)
    return " ".join("".join(made.choices("abcdefghiklmnoprstu", k=6)) for _ in range(count))


def test_a_sketch_is_kept_whole() -> None:
    """What was kept is what was drawn, of any text."""
    for one in ("", "One word", text(1, 40), text(1, 3_000)):
        assert opened(sketch(one)) == drawn(one)
        assert len(sketch(one)) <= 280


@pytest.mark.parametrize("count", [12, 30, 40])
def test_of_short_texts_it_tells_exactly(count: int) -> None:
    """Texts of some forty words are compared as if they were there."""
    one, other = text(1, count), f"{text(1, count // 2)} {text(2, count // 3)}"
    runs = [likeness.shingles(likeness.words_of(each)) for each in (one, other)]
    assert resemblance(drawn(one), drawn(other)) == pytest.approx(likeness.resemblance(*runs))
    assert containment(drawn(one), drawn(other)) == pytest.approx(likeness.containment(*runs))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_of_long_texts_it_tells_roughly(share: float) -> None:
    """Of long ones it is a sample."""
    one, other = text(1, 1_000), f"{text(1, int(1_000 * share))} {text(2, 1_000 - int(1_000 * share))}"
    runs = [likeness.shingles(likeness.words_of(each)) for each in (one, other)]
    assert abs(resemblance(drawn(one), drawn(other)) - likeness.resemblance(*runs)) < 0.15


def test_a_pruned_post_is_compared_by_its_sketch() -> None:
    """Equal words are equal, counters apart; other words are not."""
    stored = Remembered(7, "A", "", None, sketch(f"{text(1, 90)} 12 views"))
    same = compare(f"{text(1, 90)} 12 views", None, stored, ["~title:a"])
    assert (same.same_words, same.likeness, same.contained) == (True, 1.0, 1.0)
    counted = compare(f"{text(1, 90)} 13 views", None, stored, ["~title:a"])
    assert (counted.same_words, counted.likeness) == (False, 1.0)
    assert (compare(text(2, 90), None, stored, ["~title:a"]).likeness or 0) < 0.1
    short = compare("Soup", None, Remembered(7, "A", "", None, sketch("Stew")), ["~title:a"])
    assert (short.likeness, short.contained) == (None, 0.0)
