"""Finding posts for visitors: what their words come to, and how long the database may take."""

from __future__ import annotations

import time

import pytest

from tests.stocking import blog, configure, post, receive
from tidings.errors import TooLongError
from tidings.store import Store, finding
from tidings.store.finding import Findings, Question

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
    assert [one.id for one in finding.find(stocked, Question(words, ("a",), (), 10, 0), 5).posts] == found


def test_who_is_not_asked_about_is_not_found(stocked: Store) -> None:
    """Sources that are named in neither way."""
    assert finding.find(stocked, Question("sea", ("b",), ("c",), 10, 0), 5) == Findings((), 0, is_all=True)


@pytest.mark.parametrize(("limit", "offset", "found"), [(1, 0, [2]), (1, 1, [1]), (10, 0, [2, 1]), (1, 2, [])])
def test_all_that_is_found_is_counted(stocked: Store, limit: int, offset: int, found: list[int]) -> None:
    """However few of it are asked for, and past its end, too."""
    findings = finding.find(stocked, Question("sea", ("a",), (), limit, offset), 5)
    assert ([one.id for one in findings.posts], findings.total, findings.is_all) == (found, 2, True)


@pytest.mark.parametrize(("words", "found"), [("sea", [2, 1]), ("one", []), ("sea one", []), ("港", [3, 1])])
def test_of_headlines_only_these_are_looked_into(stocked: Store, words: str, found: list[int]) -> None:
    """Neither the index nor the scan reads a text that is not shown."""
    assert [one.id for one in finding.find(stocked, Question(words, (), ("a",), 10, 0), 5).posts] == found


# ------------------------------------------------------------------------------------------ words outside of the index


@pytest.fixture
def looked_into(store: Store) -> list[str]:
    """A hundred posts, of which each has 海, each tenth 港, and the oldest 山; and the texts that a scan reads of them,
    on a machine that takes 5 ms for each."""
    read = list[str]()

    def casefold(text: str) -> str:
        read.append(text)
        time.sleep(0.005)
        return text.casefold()

    marks = {n: "海" + "港" * (n % 10 == 0) + "山" * (n == 1) for n in range(1, 101)}
    configure(store, A)
    receive(store, A, *(post(n, title=f"{mark} {'rare' * (n == 1)}") for n, mark in marks.items()))
    store.conn.create_function("casefold", 1, casefold, deterministic=True)
    return read


@pytest.mark.parametrize(
    ("words", "limit", "offset", "seconds", "found", "total", "is_all"),
    [
        ("港", 3, 0, 5, [100, 90, 80], 4, False),  # the page is full
        ("港", 3, 3, 5, [70, 60, 50], 8, False),
        ("港", 10, 0, 5, [100, 90, 80, 70, 60, 50, 40, 30, 20, 10], 10, True),
        ("山", 3, 0, 5, [1], 1, True),
        ("山", 3, 0, 0.1, [], 0, False),  # time is over
        ("山 rare", 3, 0, 0.1, [1], 1, True),  # one text is left to be read
        ("rare 川", 3, 0, 0.1, [], 0, True),
    ],
)
def test_what_the_index_does_not_hold_is_looked_for_among_the_newest(
    store: Store,
    looked_into: list[str],
    words: str,
    limit: int,
    offset: int,
    seconds: float,
    found: list[int],
    total: int,
    is_all: bool,
) -> None:
    """Until the page is full or time is over, which is said; other words leave fewer texts to be read."""
    findings = finding.find(store, Question(words, ("a",), (), limit, offset), seconds)
    assert ([one.id for one in findings.posts], findings.is_all) == (found, is_all)
    assert findings.total == total if is_all else findings.total >= total
    if "rare" in words:
        assert len([text for text in looked_into if "rare" in text]) == len(looked_into) - 1 == 1


def test_what_is_found_when_time_is_over_is_the_answer(store: Store, looked_into: list[str]) -> None:
    """No error takes its place."""
    findings = finding.find(store, Question("海", ("a",), (), 1000, 0), 0.3)
    assert not findings.is_all
    assert 0 < findings.total == len(findings.posts) < 100
    assert [one.id for one in findings.posts] == list(range(100, 100 - findings.total, -1))
    assert looked_into


@pytest.mark.usefixtures("looked_into")
def test_without_time_for_the_index_there_is_no_answer(store: Store) -> None:
    """Not even the newest ones are known then."""
    with pytest.raises(TooLongError):
        finding.find(store, Question("海", ("a",), (), 10, 0), 0)


def test_a_statement_ends_with_its_time(store: Store) -> None:
    """What would run for ever is stopped, and the database answers the next question."""
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) SELECT count(*) FROM n"
    with pytest.raises(TooLongError), store.within(0.05):
        store.rows(endless)
    assert store.rows("SELECT 1 AS one")[0]["one"] == 1
