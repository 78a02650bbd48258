"""Two years of a simulated source list: nothing comes twice, and nothing is lost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.two_years import MEMORY, Score, live
from tests.two_years_cast import CAST

SEED = 1


@pytest.fixture(scope="module")
def score() -> Iterator[Score]:
    """What came of the two years, lived through once."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield live(SEED, Path(folder))


def test_no_piece_comes_twice(score: Score) -> None:
    """In all issues of an edition together no true piece stands in two places, whatever its source did to it."""
    assert score.repeats == []


def test_no_piece_is_lost(score: Score) -> None:
    """Every true piece that a whole document showed to a poll stands in an issue of each edition."""
    assert score.losses == []


def test_no_two_pieces_are_one_story(score: Score) -> None:
    """No story has posts of two true pieces."""
    assert score.merges == []


def test_names_of_a_post_are_bounded(score: Score) -> None:
    """A program that makes up a guid at every fetch does not fill the database with them."""
    assert score.most_keys < 80


def test_the_two_years_print_their_score(score: Score, capsys: pytest.CaptureFixture[str]) -> None:
    """The two years were full enough to mean something; their score is printed, also where output is captured."""
    with capsys.disabled():
        print(f"\n{score}")
    assert (score.polls > 3_500, score.posts > 40 * len(CAST), score.issues > 600, score.restarts > 30) == (True,) * 4
