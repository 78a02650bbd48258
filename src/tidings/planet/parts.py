"""A long list in parts that stay as they are when something new comes to its top. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from tidings.records import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a list, from `start` until before `end`. `number` counts the parts from the oldest, 1; the newest, which
    grows, is 0. `newer` and `older` are the numbers of the parts beside it."""

    start: int
    end: int
    number: int
    newer: int | None = None
    older: int | None = None


def parts(count: int, size: int) -> Iterator[Part]:
    """The parts of a list of `count` entries, the newest entries first. All have `size` but the newest part, which has
    up to twice as many: so nobody meets a first page with one entry."""
    old = max(0, count // size - 1)
    end = count - old * size
    yield Part(0, end, 0, None, old or None)
    for number in range(old, 0, -1):
        newer = 0 if number == old else number + 1
        yield Part(end, end + size, number, newer, number - 1 or None)
        end += size


def step(name: str, number: int) -> str:
    """The file of a part: `name` for the newest, which keeps the address; "name-3.html" for the third."""
    return f"{name}.html" if number == 0 else f"{name}-{number}.html"


def cut(entries: Sequence[T], part: Part) -> tuple[T, ...]:
    """The entries of a part."""
    return tuple(entries[part.start : part.end])
