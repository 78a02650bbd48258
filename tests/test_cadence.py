"""Cadence: when a source is polled next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, feed_state, source
from tidings.model import Failed, FailureKind, Rhythm, Wishes
from tidings.sources.cadence import (
    LONGEST_WISH,
    Limits,
    NextPoll,
    after_answer,
    after_attempt,
    after_failure,
    doubts_silence,
    due,
    rhythm,
    usual_interval,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MIN, MAX = 30 * MINUTE, 24 * HOUR
LIMITS = Limits(MIN, MAX)
BUSY = Rhythm(10 * MINUTE, NOW)
NO_WISHES = Wishes()

SPANS = st.timedeltas(timedelta(0), timedelta(days=400))
FEED_IDS = st.integers(1, 10**9)
EVERY = st.none() | st.timedeltas(timedelta(minutes=1), timedelta(days=400))
KINDS = st.sampled_from(get_args(FailureKind))
RHYTHMS = st.builds(
    Rhythm,
    gap=st.none() | SPANS,
    latest=st.none() | st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1)),  # noqa: DTZ001,
)
WISHES = st.builds(
    Wishes,
    ttl=st.none() | SPANS,
    skip_hours=st.lists(st.integers(0, 23), unique=True).map(tuple),
    skip_days=st.lists(st.integers(0, 6), unique=True).map(tuple),
)


def answer(
    rhythm: Rhythm = BUSY,
    freshness: timedelta | None = None,
    wishes: Wishes = NO_WISHES,
    every: timedelta | None = None,
    feed_id: int = 1,
    now: datetime = NOW,
) -> NextPoll:
    """The plan after an answer."""
    return after_answer(feed_state(feed_id, source=source(every=every)), rhythm, freshness, wishes, LIMITS, now)


def failure(
    failures: int,
    kind: FailureKind = "timeout",
    retry_after: timedelta | None = None,
    every: timedelta | None = None,
    feed_id: int = 1,
) -> timedelta:
    """The wait after a failure that `failures` others went before."""
    state = feed_state(feed_id, source=source(every=every), failures=failures)
    return after_failure(state, Failed(kind, "", retry_after=retry_after), None, LIMITS, NOW).at - NOW


# ----------------------------------------------------------------------------------------------------- publishing


@pytest.mark.parametrize(
    ("ages", "gap", "latest"),
    [
        ([], None, None),
        ([3 * DAY], None, 3 * DAY),
        ([DAY, 2 * DAY, 4 * DAY], 1.5 * DAY, DAY),
        ([n * DAY for n in range(1, 7)] + [n * 30 * DAY for n in range(2, 20)], DAY, DAY),
        ([4 * DAY, DAY, 2 * DAY], 1.5 * DAY, DAY),
        ([DAY, DAY, DAY, 8 * DAY], 7 * DAY, DAY),
        ([n * DAY for n in range(1, 22)] + [n * 100 * DAY for n in range(2, 40)], DAY, DAY),
    ],
)
def test_the_rhythm_is_the_usual_gap(ages: list[timedelta], gap: timedelta | None, latest: timedelta | None) -> None:
    """Twenty gaps count, or five if they are shorter, in whatever order the moments come; posts that came together
    count once."""
    found = rhythm([NOW - age for age in ages])
    assert (found.gap, found.latest) == (gap, None if latest is None else NOW - latest)


@pytest.mark.parametrize(
    ("gap", "silence", "expected"),
    [
        (None, None, MAX),
        (None, timedelta(0), MIN),
        (None, 4 * HOUR, 2 * HOUR),
        (None, 30 * DAY, MAX),
        (5 * MINUTE, timedelta(0), MIN),
        (4 * HOUR, HOUR, 2 * HOUR),
        (DAY, HOUR, 12 * HOUR),
        (7 * DAY, HOUR, MAX),
        (HOUR, 8 * DAY, 12 * HOUR),
        (HOUR, 182 * DAY, MAX),
        (HOUR, 184 * DAY, 7 * MAX),
        (None, 184 * DAY, 7 * MAX),
        (HOUR, -DAY, MIN),
    ],
)
def test_a_source_is_asked_as_often_as_it_publishes(
    gap: timedelta | None, silence: timedelta | None, expected: timedelta
) -> None:
    """Twice per usual gap, within the limits; ever less the longer it is silent; an unknown gap is the silence."""
    assert usual_interval(Rhythm(gap, None if silence is None else NOW - silence), LIMITS, NOW) == expected


def test_a_source_that_speeds_up_is_followed() -> None:
    """Posts are seen no finer than the polls; still the interval comes down until it fits, poll by poll."""
    moments, now, interval = [NOW - 14 * DAY, NOW - 7 * DAY, NOW], NOW, MAX
    for _ in range(40):
        interval = usual_interval(rhythm(moments), LIMITS, now)
        now += interval
        moments.append(now)
    assert interval == MIN


# ----------------------------------------------------------------------------------------------------- after an answer


@pytest.mark.parametrize(
    ("freshness", "ttl", "every", "expected"),
    [
        (None, None, None, MIN),
        (timedelta(0), None, None, MIN),
        (5 * MINUTE, 7 * MINUTE, None, MIN),
        (HOUR, None, None, HOUR),
        (None, 2 * HOUR, None, 2 * HOUR),
        (3 * HOUR, 2 * HOUR, HOUR, 3 * HOUR),
        (HOUR, HOUR, 3 * HOUR, 3 * HOUR),
        (None, None, 10 * MINUTE, 10 * MINUTE),
        (2 * DAY, None, None, 2 * DAY),
        (365 * DAY, None, None, LONGEST_WISH),
        (365 * DAY, None, 10 * DAY, 10 * DAY),
    ],
)
def test_the_longest_wish_counts(
    freshness: timedelta | None, ttl: timedelta | None, every: timedelta | None, expected: timedelta
) -> None:
    """The rhythm or the operator's interval, the server's freshness or the document's ttl: the longest counts, wishes
    up to a week; and at most a tenth comes on top."""
    planned = answer(freshness=freshness, wishes=Wishes(ttl), every=every)
    assert expected <= planned.at - NOW <= expected * 1.1


@pytest.mark.parametrize(
    ("now", "wishes", "expected"),
    [
        (datetime(2026, 11, 27, 8, 10, tzinfo=UTC), Wishes(skip_hours=(9, 10)), None),
        (datetime(2026, 11, 27, 8, 50, tzinfo=UTC), Wishes(skip_hours=(9, 10)), datetime(2026, 11, 27, 11, tzinfo=UTC)),
        (datetime(2026, 11, 27, 23, 45, tzinfo=UTC), Wishes(skip_days=(5, 6)), datetime(2026, 11, 30, tzinfo=UTC)),
        (
            datetime(2026, 11, 27, 23, 45, tzinfo=UTC),
            Wishes(skip_hours=(0, 1), skip_days=(5, 6)),
            datetime(2026, 11, 30, 2, tzinfo=UTC),
        ),
        (datetime(2026, 11, 27, 8, 10, tzinfo=UTC), Wishes(skip_hours=tuple(range(24))), None),
        (datetime(2026, 11, 27, 8, 10, tzinfo=UTC), Wishes(skip_days=tuple(range(7))), None),
    ],
)
def test_skipped_hours_and_days_are_skipped(now: datetime, wishes: Wishes, expected: datetime | None) -> None:
    """A poll that would fall into an hour or on a day (UTC) the feed wants skipped comes right after it; a feed that
    skips everything is not taken at its word."""
    planned = answer(wishes=wishes, now=now)
    if expected is None:
        assert MIN <= planned.at - now <= 1.1 * MIN
    else:
        assert planned.at == expected


@given(rhythm=RHYTHMS, freshness=st.none() | SPANS, wishes=WISHES, every=EVERY, feed_id=FEED_IDS)
def test_never_before_what_was_asked_for(
    rhythm: Rhythm, freshness: timedelta | None, wishes: Wishes, every: timedelta | None, feed_id: int
) -> None:
    """No rhythm and no interval bring a poll before the wishes of server and document, up to a week, nor into hours
    that are to be skipped, and no wish of theirs silences a source for good."""
    planned = answer(rhythm, freshness, wishes, every, feed_id)
    asked = min(max(freshness or timedelta(), wishes.ttl or timedelta()), LONGEST_WISH)
    assert planned.at >= planned.not_before >= NOW + asked
    assert planned.at >= NOW + (every or MIN)
    assert planned.at <= NOW + max(every or 7 * MAX, LONGEST_WISH) * 1.1 + 8 * DAY
    if len(wishes.skip_hours) < 24 and len(wishes.skip_days) < 7:
        assert planned.at.hour not in wishes.skip_hours
        assert planned.at.weekday() not in wishes.skip_days


def test_jitter_depends_on_the_feed_alone() -> None:
    """A feed's wait is the same after every restart; neighbours do not ask in step."""
    waits = [answer(feed_id=feed_id).at for feed_id in range(1, 98)]
    assert waits == [answer(feed_id=feed_id).at for feed_id in range(1, 98)]
    assert all(abs(one - other) > timedelta(seconds=30) for one, other in pairwise(waits))


# ----------------------------------------------------------------------------------------------------- after a failure


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
    """After any failure that is the source's the wait is at least the usual one; always at least Retry-After; and it
    always has an end."""
    wait = failure(failures, kind, retry_after, every, feed_id)
    assert wait >= (MIN if kind == "offline" else every or MIN)
    assert wait >= (retry_after or timedelta())
    assert wait <= max(3 * MAX, every or MIN, timedelta(days=31)) * 1.25


def test_failures_in_a_row_double_the_wait() -> None:
    """An hour, two, four, and so on, up to three times the longest interval, where it stays; a quarter at most on
    top."""
    waits = [failure(number) for number in range(12)]
    for number, wait in enumerate(waits):
        expected = min(HOUR * 2**number, 3 * MAX)
        assert expected <= wait <= expected * 1.25
    assert 3 * MAX <= failure(10**6) <= 3 * MAX * 1.25


def test_neighbours_that_fail_together_do_not_come_back_together() -> None:
    """The feeds of one dead server ask again at moments of their own, and at others each time."""
    for failures in (0, 1, 5):
        waits = [failure(failures, feed_id=feed_id) for feed_id in range(1, 50)]
        assert len(set(waits)) == len(waits)
    assert failure(0, feed_id=7) * 2 != failure(1, feed_id=7)


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("offline", MIN),
        ("dns", HOUR),
        ("server-error", HOUR),
        ("not-found", HOUR),
        ("not-a-feed", HOUR),
        ("refused", 6 * HOUR),
        ("unauthorized", 6 * HOUR),
        ("challenge", 12 * HOUR),
        ("gone", 30 * DAY),
    ],
)
def test_the_first_wait_fits_the_trouble(kind: FailureKind, least: timedelta) -> None:
    """What may pass by itself is tried again soon, what needs a human later, what is gone after a month."""
    assert least <= failure(0, kind) <= least * 1.25


def test_an_answer_that_is_no_feed_has_its_freshness_too() -> None:
    """A page sent in place of a feed is not asked for again before its time, up to a week."""
    for said, expected in ((2 * DAY, 2 * DAY), (365 * DAY, LONGEST_WISH)):
        planned = after_failure(feed_state(), Failed("not-a-feed", ""), said, LIMITS, NOW)
        assert planned.at >= planned.not_before == NOW + expected


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
        assert 30 * DAY <= failure(failures, "gone") <= 38 * DAY
    assert failure(0, "gone", every=60 * DAY) >= 60 * DAY


@pytest.mark.parametrize("longest", [20 * DAY, 60 * DAY, 366 * DAY])
def test_no_plan_is_taken_for_a_wrong_clock(longest: timedelta) -> None:
    """However long the operator lets sources wait, the next tick does not find them due."""
    limits = Limits(MIN, longest)
    silent = Rhythm(DAY, NOW - 400 * DAY)
    planned = after_answer(feed_state(), silent, None, NO_WISHES, limits, NOW).at
    assert not due(feed_state(next_poll_at=planned), [], limits, NOW + MINUTE)
    for feed_id in range(20):
        failing = feed_state(feed_id, failures=20)
        planned = after_failure(failing, Failed("dns", ""), None, limits, NOW).at
        assert not due(feed_state(next_poll_at=planned), [], limits, NOW + MINUTE)
    assert after_failure(feed_state(failures=9), Failed("gone", ""), None, limits, NOW).at <= NOW + 38 * DAY


# ----------------------------------------------------------------------------------------------------- an attempt


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, MIN),
        ({"not_before": NOW - DAY, "retry_after": NOW - HOUR}, MIN),
        ({"not_before": NOW + 5 * HOUR}, 5 * HOUR),
        ({"retry_after": NOW + 31 * DAY}, 31 * DAY),
        ({"not_before": NOW + 2 * HOUR, "retry_after": NOW + HOUR}, 2 * HOUR),
        ({"freshness": 6 * HOUR}, 6 * HOUR),
        ({"freshness": MINUTE}, MIN),
        ({"wishes": Wishes(ttl=3 * HOUR)}, 3 * HOUR),
        ({"freshness": 365 * DAY}, LONGEST_WISH),
        ({"source": source(every=12 * HOUR)}, 12 * HOUR),
        ({"source": source(every=MINUTE)}, MIN),
        ({"source": source(every=HOUR), "freshness": 2 * HOUR, "not_before": NOW + 3 * HOUR}, 3 * HOUR),
        ({"source": source(every=4 * HOUR), "freshness": 2 * HOUR, "not_before": NOW + 3 * HOUR}, 4 * HOUR),
        ({"wishes": Wishes(skip_hours=(8, 9, 10))}, 3 * HOUR),
        ({"not_before": NOW + 33 * DAY, "retry_after": NOW + 3000 * DAY}, MIN),
    ],
)
def test_an_attempt_without_an_end_waits_as_long_as_one_with(values: dict[str, Any], expected: timedelta) -> None:
    """A poll that is killed leaves a plan no sooner than the operator, the server and the document want it, as far as
    they are known; what a wrong clock left behind does not count."""
    assert after_attempt(feed_state(**values), LIMITS, NOW) == NOW + expected


@given(freshness=st.none() | SPANS, wishes=WISHES, every=EVERY, feed_id=FEED_IDS)
def test_an_attempt_is_no_cheaper_than_an_answer(
    freshness: timedelta | None, wishes: Wishes, every: timedelta | None, feed_id: int
) -> None:
    """Being killed brings no poll before the one that an answer like the last allows, and the plan is not taken for
    that of a wrong clock."""
    state = feed_state(feed_id, source=source(every=every), freshness=freshness, wishes=wishes)
    planned = after_attempt(state, LIMITS, NOW)
    assert planned >= answer(BUSY, freshness, wishes, every, feed_id).not_before
    assert planned >= NOW + max(every or MIN, MIN)
    assert not due(replace(state, next_poll_at=planned), [], LIMITS, NOW)


# ----------------------------------------------------------------------------------------------------- what is due


CUTOFF = NOW + 5 * HOUR


@pytest.mark.parametrize(
    ("next_poll_at", "expected"),
    [
        (None, True),
        (NOW, True),
        (NOW - DAY, True),
        (NOW + MINUTE, False),
        (NOW + timedelta(days=400), False),
        (NOW + timedelta(days=421), True),
    ],
)
def test_what_is_due(next_poll_at: datetime | None, expected: bool) -> None:
    """A source is due when it was never polled, when its time has come, or when that time can't be right."""
    assert due(feed_state(next_poll_at=next_poll_at), [], LIMITS, NOW) is expected


def test_nothing_is_due_in_time_that_is_to_be_skipped() -> None:
    """A poll that was due a minute before the skipped hour began waits for its end, a first one does not, and one of a
    feed that skips everything does not either."""
    hour = NOW.hour
    assert not due(feed_state(next_poll_at=NOW - MINUTE, wishes=Wishes(skip_hours=(hour,))), [], LIMITS, NOW)
    assert due(feed_state(next_poll_at=NOW - MINUTE, wishes=Wishes(skip_hours=(hour,))), [], LIMITS, NOW + HOUR)
    assert due(feed_state(wishes=Wishes(skip_hours=(hour,))), [], LIMITS, NOW)
    assert due(feed_state(next_poll_at=NOW, wishes=Wishes(skip_hours=tuple(range(24)))), [], LIMITS, NOW)


def first_due(**values: Any) -> datetime | None:
    """The minute in which a source becomes due before or at `CUTOFF`."""
    defaults: dict[str, Any] = {"polled_at": NOW, "next_poll_at": CUTOFF + HOUR, "not_before": NOW}
    state = feed_state(**{**defaults, **values})
    minutes = (NOW + MINUTE * n for n in range(5 * 60))
    return next((minute for minute in minutes if due(state, [CUTOFF], LIMITS, minute)), None)


@given(feed_id=FEED_IDS)
def test_a_source_is_polled_in_the_hour_before_an_edition(feed_id: int) -> None:
    """A poll planned for after the cut-off happens early, within the hour before it and with time to spare."""
    moment = first_due(feed_id=feed_id)
    assert moment is not None
    assert CUTOFF - HOUR <= moment <= CUTOFF - 15 * MINUTE


def test_sources_are_not_all_pulled_forward_at_once() -> None:
    """Each has a moment of its own within the hour."""
    moments = [first_due(feed_id=feed_id) for feed_id in range(1, 31)]
    assert len(set(moments)) > 15


@pytest.mark.parametrize(
    "values",
    [
        {"not_before": CUTOFF + MINUTE},
        {"failures": 1},
        {"polled_at": CUTOFF - 20 * MINUTE},
        {"polled_at": None},
        {"wishes": Wishes(skip_days=(NOW.weekday(),))},
        {"source": source(every=8 * HOUR)},
    ],
    ids=[
        "the server forbids it",
        "it fails",
        "it is fresh",
        "it was never polled",
        "the feed skips the day",
        "its interval is the operator's",
    ],
)
def test_what_is_not_pulled_forward(values: dict[str, object]) -> None:
    """Nothing is polled early against a server's wish, while it fails, when it is fresh anyway, or against `every`."""
    assert first_due(**values) is None


@given(feed_id=FEED_IDS, minutes=st.integers(0, 119))
def test_what_was_asked_before_its_moment_is_asked_again(feed_id: int, minutes: int) -> None:
    """Whenever a source was last asked, it is asked again from its moment in the hour before the cut-off on, but never
    sooner than the shortest interval; and not again when that was since its moment."""
    polled_at = CUTOFF - 2 * HOUR + minutes * MINUTE
    own = first_due(feed_id=feed_id)
    again = first_due(feed_id=feed_id, polled_at=polled_at, not_before=polled_at)
    assert own is not None
    if polled_at >= own:
        assert again is None
    elif max(own, polled_at + MIN) < CUTOFF:
        assert again == max(own, polled_at + MIN)


def test_a_poll_planned_before_the_cut_off_is_left_alone() -> None:
    """A source that comes up in time by itself is not asked twice."""
    planned = CUTOFF - 10 * MINUTE
    assert first_due(next_poll_at=planned) == planned


def test_a_wish_that_ends_within_the_hour_is_kept_and_the_poll_made_up_for() -> None:
    """When the server allows it only shortly before the cut-off, that is when it is asked."""
    assert first_due(not_before=CUTOFF - 5 * MINUTE) == CUTOFF - 5 * MINUTE


# ----------------------------------------------------------------------------------------------------- doubt


@pytest.mark.parametrize(
    ("read_age", "gap", "silence", "expected"),
    [
        (None, DAY, 60 * DAY, False),
        (44 * DAY, DAY, 60 * DAY, False),
        (46 * DAY, DAY, 60 * DAY, True),
        (46 * DAY, 7 * DAY, 60 * DAY, False),
        (46 * DAY, None, 60 * DAY, True),
    ],
)
def test_a_silence_that_does_not_fit_is_doubted(
    read_age: timedelta | None, gap: timedelta | None, silence: timedelta, expected: bool
) -> None:
    """ "Not modified" for 45 days and ten usual gaps may be a stuck cache: once, the whole document is asked for."""
    state = feed_state(read_at=read_age and NOW - read_age, rhythm=Rhythm(gap, NOW - silence))
    assert doubts_silence(state, NOW) is expected
