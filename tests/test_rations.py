"""How many mails of a kind a reader may have: a table, and what holds for all."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW
from tidings.readers.rations import LINKS, MOVES, Ration, wait

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("ration", "ages", "expected"),
    [
        (LINKS, [], 0 * MINUTE),
        (LINKS, [0 * MINUTE], 5 * MINUTE),
        (LINKS, [4 * MINUTE], MINUTE),
        (LINKS, [5 * MINUTE], 0 * MINUTE),
        (LINKS, [HOUR * n for n in range(1, 6)], 0 * MINUTE),
        (LINKS, [HOUR * n for n in range(1, 7)], 18 * HOUR),
        (LINKS, [HOUR * n for n in range(1, 20)], 18 * HOUR),
        (LINKS, [DAY] * 9, 0 * MINUTE),
        (LINKS, [-DAY], 5 * MINUTE),
        (LINKS, [-DAY] * 6, DAY),
        (MOVES, [0 * MINUTE, HOUR], 0 * MINUTE),
        (MOVES, [0 * MINUTE, HOUR, 2 * HOUR], 22 * HOUR),
    ],
)
def test_how_long_to_wait(ration: Ration, ages: list[timedelta], expected: timedelta) -> None:
    """Since the last one, and since the first of as many as a day may have. A clock that was set back costs a day."""
    assert wait([NOW - age for age in ages], ration, NOW) == expected


@given(st.lists(st.integers(0, 3000), max_size=60))
def test_no_day_has_more_than_its_ration(minutes: list[int]) -> None:
    """Whenever one asks: six in any day, no two within five minutes; and who waits as told may."""
    sent: list[datetime] = []
    for minute in sorted(minutes):
        now = NOW + minute * MINUTE
        told = wait(sent, LINKS, now)
        assert wait(sent, LINKS, now + told) == timedelta()
        if not told:
            sent.append(now)
    assert all(later - earlier >= LINKS.pause for earlier, later in pairwise(sent))
    assert all(seventh - first >= DAY for first, seventh in zip(sent, sent[LINKS.most :], strict=False))
