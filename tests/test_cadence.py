"""Cadence: when a source is polled next."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, feed_state, source
from tidings.model import Failed, FailureKind
from tidings.sources.cadence import after_failure, after_success

MIN, MAX = timedelta(minutes=30), timedelta(hours=24)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

INTERVALS = st.timedeltas(timedelta(0), timedelta(days=400))
FEED_IDS = st.integers(1, 10**9)
EVERY = st.none() | st.timedeltas(timedelta(minutes=1), timedelta(days=400))
KINDS = st.sampled_from(get_args(FailureKind))


def success(freshness: timedelta | None = None, every: timedelta | None = None, feed_id: int = 1) -> timedelta:
    """The wait after an answer."""
    return after_success(feed_state(feed_id, source=source(every=every)), freshness, MIN, MAX, NOW) - NOW


def failure(
    failures: int,
    kind: FailureKind = "timeout",
    retry_after: timedelta | None = None,
    every: timedelta | None = None,
    feed_id: int = 1,
) -> timedelta:
    """The wait after a failure that `failures` others went before."""
    state = feed_state(feed_id, source=source(every=every), failures=failures)
    return after_failure(state, Failed(kind, "", retry_after=retry_after), MIN, MAX, NOW) - NOW


@pytest.mark.parametrize(
    ("freshness", "every", "expected"),
    [
        (None, None, MIN),
        (timedelta(0), None, MIN),
        (timedelta(minutes=5), None, MIN),
        (HOUR, None, HOUR),
        (HOUR, timedelta(hours=3), timedelta(hours=3)),
        (timedelta(hours=3), HOUR, timedelta(hours=3)),
        (None, timedelta(minutes=10), timedelta(minutes=10)),
        (timedelta(days=365), None, MAX),
        (timedelta(days=365), timedelta(days=7), timedelta(days=7)),
    ],
)
def test_the_longest_wish_counts(freshness: timedelta | None, every: timedelta | None, expected: timedelta) -> None:
    """The operator's interval or the server's freshness, whichever is longer, the latter up to the maximum; and at
    most a tenth on top."""
    assert expected <= success(freshness, every) <= expected * 1.1


@given(freshness=INTERVALS, every=EVERY, feed_id=FEED_IDS)
def test_never_before_what_was_asked_for(freshness: timedelta, every: timedelta | None, feed_id: int) -> None:
    """A server's freshness (up to the maximum) and the operator's interval are never cut short, nor stretched by more
    than a tenth."""
    wait = success(freshness, every, feed_id)
    floor = max(every or MIN, min(freshness, MAX))
    assert floor <= wait <= floor * 1.1


@given(
    failures=st.integers(0, 10**6),
    kind=KINDS,
    retry_after=st.none() | st.timedeltas(timedelta(0), timedelta(days=31)),
    every=EVERY,
    feed_id=FEED_IDS,
)
def test_a_failure_never_brings_the_next_poll_forward(
    failures: int, kind: FailureKind, retry_after: timedelta | None, every: timedelta | None, feed_id: int
) -> None:
    """After any failure the wait is at least the usual one and at least Retry-After, and it has an end."""
    wait = failure(failures, kind, retry_after, every, feed_id)
    assert wait >= (every or MIN)
    assert wait >= (retry_after or timedelta())
    assert wait <= max(MAX, every or MIN, timedelta(days=31)) * 1.1


def test_failures_in_a_row_double_the_wait() -> None:
    """Half an hour, one, two, and so on up to the maximum, where it stays."""
    waits = [failure(number) for number in range(12)]
    assert [round(wait / waits[0], 3) for wait in waits[:5]] == [1, 2, 4, 8, 16]
    assert waits == sorted(waits)
    assert MAX <= waits[11] <= MAX * 1.1
    assert failure(10**6) == waits[11]


def test_a_slow_source_does_not_get_faster_by_failing() -> None:
    """An interval above the maximum is not cut down to it by a failure."""
    assert failure(3, every=timedelta(days=7)) >= timedelta(days=7)


@pytest.mark.parametrize("retry_after", [timedelta(days=3), timedelta(days=31)])
def test_retry_after_is_kept_to_beyond_the_maximum(retry_after: timedelta) -> None:
    """What a server asks for when it refuses is not capped as freshness is."""
    assert failure(0, "rate-limited", retry_after) == retry_after


def test_gone_is_asked_again_after_a_month() -> None:
    """410 is believed for thirty days, however many there were, and is not for ever; a rarer source stays rarer."""
    for failures in (0, 5, 1000):
        assert 30 * DAY <= failure(failures, "gone") <= 33 * DAY
    assert failure(0, "gone", every=60 * DAY) >= 60 * DAY


def test_jitter_depends_on_the_feed_alone() -> None:
    """A feed's wait is the same after every restart; neighbours do not ask in step."""
    waits = [success(feed_id=feed_id) for feed_id in range(1, 98)]
    assert waits == [success(feed_id=feed_id) for feed_id in range(1, 98)]
    assert len(set(waits)) == len(waits)
    assert all(abs(one - other) > timedelta(seconds=30) for one, other in pairwise(waits))
