"""Finding posts for visitors: what their words come to, and how long the database may take."""

from __future__ import annotations

import pytest

from tests.stocking import blog, configure, post, receive
from tidings.errors import TooLongError
from tidings.store import Store, finding
from tidings.store.finding import Question

A = blog("a")


@pytest.fixture
def stocked(store: Store) -> Store:
    configure(store, A)
    receive(
        store,
        A,
        post(1, title="Sea! 海 and 港口", text="one two three four five six seven eight nine"),
        post(2, title="Sea", text="one two three four five six seven eight ?"),
        post(3, title="港口", text="one"),
    )
    return store


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("sea", [2, 1]),
        ("SEA sea", [2, 1]),
        ("one sea", [2, 1]),
        ('"three four"', [2, 1]),
        ('"four three"', []),
        ("港", [3, 1]),
        ("港 sea", [1]),
        ("海 港口", [3, 1]),  # one of them is looked for sign by sign, the one that says most
        ("?!", []),
        ("!", []),
        ("! sea", [2, 1]),
        ("", []),
        ("one two three four five six seven eight nine", [2, 1]),  # the ninth is not asked for
        ("one one one one one one one one nine", [1]),
        ("One ONE oNE onE oNe ONe OnE one nine", [1]),
    ],
)
def test_a_question_has_few_words(stocked: Store, words: str, found: list[int]) -> None:
    """Eight different ones; signs alone are none; and one word at most of a script that is written without spaces."""
    assert [one.id for one in finding.find(stocked, Question(words, ("a",), (), 10, 0))[0]] == found


def test_who_is_not_asked_about_is_not_found(stocked: Store) -> None:
    """Sources that are named in neither way."""
    assert finding.find(stocked, Question("sea", ("b",), ("c",), 10, 0)) == ([], 0)


@pytest.mark.parametrize(("limit", "offset", "found"), [(1, 0, [2]), (1, 1, [1]), (10, 0, [2, 1])])
def test_all_that_is_found_is_counted(stocked: Store, limit: int, offset: int, found: list[int]) -> None:
    """However few of it are asked for; past its end there is nothing to count."""
    posts, total = finding.find(stocked, Question("sea", ("a",), (), limit, offset))
    assert ([one.id for one in posts], total) == (found, 2)
    assert finding.find(stocked, Question("sea", ("a",), (), 1, 2)) == ([], 0)


@pytest.mark.parametrize(("words", "found"), [("sea", [2, 1]), ("one", []), ("sea one", []), ("港", [3, 1])])
def test_of_headlines_only_these_are_looked_into(stocked: Store, words: str, found: list[int]) -> None:
    """Neither the index nor the scan reads a text that is not shown."""
    assert [one.id for one in finding.find(stocked, Question(words, (), ("a",), 10, 0))[0]] == found


def test_a_statement_ends_with_its_time(store: Store) -> None:
    """What would run for ever is stopped, and the database answers the next question."""
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) SELECT count(*) FROM n"
    with pytest.raises(TooLongError), store.within(0.05):
        store.rows(endless)
    assert store.rows("SELECT 1 AS one")[0]["one"] == 1
