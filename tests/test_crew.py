"""The crew: workers that may die, and work that comes through all the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import closing
from functools import partial

import pytest

from tidings.crew import Crew, Ended
from tidings.workers import InlineExecutor, open_executor

processes = partial(open_executor, "processes")


def double(number: int) -> int:
    return number * 2


def die_of(number: int) -> int:
    """Takes its process along when it meets 3, as a fault in a C library would."""
    if number == 3:
        os._exit(1)
    return number * 2


def loop_for_ever(_number: int) -> int:
    while True:
        pass


def too_much(_number: int) -> bytes:
    raise MemoryError


def complain(_number: int) -> int:
    raise LookupError("no such thing")


@pytest.fixture
def crew() -> Iterator[Crew[int]]:
    with closing(Crew[int](processes)) as crew:
        yield crew


def results(crew: Crew[int]) -> dict[int, object]:
    found: dict[int, object] = {}
    while crew.busy:
        found.update(crew.next())
    return found


def test_a_crew_that_is_prepared_opens_once() -> None:
    """To prepare opens the executor ahead of the work, and the work goes to that one."""
    opened = []

    def opener() -> Executor:
        opened.append(InlineExecutor())
        return opened[-1]

    with closing(Crew[int](opener)) as crew:
        crew.prepare()
        crew.prepare()
        assert len(opened) == 1
        crew.submit(1, 1, 10, double, 1)
        assert results(crew) == {1: 2}
    assert len(opened) == 1


def test_work_comes_back_under_its_key(crew: Crew[int]) -> None:
    """Every piece of work is returned once, with what its user knows it by."""
    for number in range(20):
        crew.submit(number, 1, 10, double, number)
    assert results(crew) == {number: number * 2 for number in range(20)}
    assert list(crew.ready()) == []


def test_what_kills_its_worker_is_found_and_the_rest_comes_through(crew: Crew[int]) -> None:
    """Work in flight beside the deadly piece is done again, and later work finds a fresh executor."""
    for number in range(8):
        crew.submit(number, 1, 10, die_of, number)
    assert results(crew) == {n: Ended(10) if n == 3 else n * 2 for n in range(8)}
    crew.submit(9, 1, 10, double, 9)
    assert results(crew) == {9: 18}


def test_work_that_does_not_end_is_ended(crew: Crew[int]) -> None:
    """After its seconds of computing, twice."""
    crew.submit(1, 1, 0.3, loop_for_ever, 1)
    assert results(crew) == {1: Ended(0.3)}


def test_a_lack_of_memory_is_told_like_a_dead_worker(crew: Crew[int]) -> None:
    """An answer that could not even be sent is no crash of ours."""
    crew.submit(1, 1, 10, too_much, 1)
    assert results(crew) == {1: Ended(10)}


def test_a_bug_in_the_work_is_raised(crew: Crew[int]) -> None:
    """Expected failures are values; an exception is a bug and is not swallowed."""
    crew.submit(1, 1, 10, complain, 1)
    with pytest.raises(LookupError):
        results(crew)


def test_how_full_it_is_counts_pieces_and_bytes() -> None:
    """Either bound makes it full; taking results makes room."""
    with closing(Crew[int](partial(open_executor, "inline"))) as crew:
        assert not crew.is_full(2, 100)
        crew.submit(1, 60, 10, double, 1)
        assert not crew.is_full(2, 100)
        assert crew.is_full(1, 100)
        assert crew.is_full(2, 60)
        assert dict(crew.ready()) == {1: 2}
        assert not crew.is_full(1, 1)
