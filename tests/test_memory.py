"""What is known of a feed after a poll: the old state and what came of it in, the new state out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import NOW, feed_state, source
from tidings.model import (
    Failed,
    FeedState,
    Fetched,
    Hop,
    Move,
    ParsedFeed,
    Postponed,
    Rhythm,
    Unchanged,
    Validators,
    Wishes,
)
from tidings.sources.cadence import Limits
from tidings.sources.memory import after_failed, after_postponed, after_read, after_unchanged
from tidings.sources.requests import Manner, recall, request, request_identity

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIMITS = Limits(30 * MINUTE, DAY)
URL, ELSEWHERE = "https://blog.example/feed", "https://cdn.example/feed"
SOURCE = source(url=URL)
OLD = Validators(URL, "old", "old date")
FEED = ParsedFeed("rss20", "Title", "https://blog.example/", "de")
FAILING = feed_state(
    source=SOURCE,
    validators=OLD,
    body_hash="old",
    failures=3,
    failing_since=NOW - DAY,
    failure=Failed("server-error", "", 500),
    retry_after=NOW - HOUR,
    title="Before",
    read_at=NOW - 2 * DAY,
)
MANNER = Manner("Tidings/test")


def fetched(url: str = URL, **values: Any) -> Fetched:
    return Fetched(url, 200, b"", **{"etag": "new", "last_modified": "new date", "hops": (Hop(url, 200),)} | values)


def read(state: FeedState, answer: Fetched, feed: ParsedFeed = FEED) -> FeedState:
    return after_read(state, URL, answer, feed, "new", Rhythm(DAY, NOW), True, LIMITS, NOW)


def test_a_document_that_was_read_replaces_all_that_was_known() -> None:
    """Validators, hash, freshness, wishes, rhythm and titles are those of the new document; failures are forgotten."""
    after = read(FAILING, fetched(freshness=HOUR), replace(FEED, wishes=Wishes(2 * HOUR)))
    assert after.validators == Validators(URL, "new", "new date")
    assert (after.body_hash, after.freshness, after.wishes.ttl, after.rhythm.gap) == ("new", HOUR, 2 * HOUR, DAY)
    assert (after.title, after.site_url, after.language) == ("Title", "https://blog.example/", "de")
    assert (after.failure, after.failures, after.failing_since, after.retry_after) == (None, 0, None, None)
    assert (after.polled_at, after.read_at, after.http) == (NOW, NOW, 200)
    assert after.request_identity == request_identity(SOURCE)


@pytest.mark.parametrize(
    ("answer", "malformed", "expected"),
    [
        (fetched(), False, Validators(URL, "new", "new date")),
        (fetched(ELSEWHERE), False, Validators(ELSEWHERE, "new", "new date")),
        (fetched(etag=None), False, Validators(URL, None, "new date")),
        (fetched(etag=None, last_modified=None), False, None),
        (fetched(), True, None),
    ],
    ids=["both", "of the final URL", "one", "none", "cut short"],
)
def test_validators_after_reading(answer: Fetched, malformed: bool, expected: Validators | None) -> None:
    """Overwritten also with nothing, belonging to the URL they came from, and not kept for half a document."""
    assert read(FAILING, answer, replace(FEED, malformed=malformed)).validators == expected


def test_a_feed_that_forgets_its_title_keeps_it() -> None:
    """An empty title or site is no news."""
    assert read(FAILING, fetched(), ParsedFeed("rss20")).title == "Before"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Unchanged(URL), OLD),
        (Unchanged(URL, etag="new"), Validators(URL, "new", "old date")),
        (Unchanged(URL, last_modified="new date"), Validators(URL, "old", "new date")),
        (fetched(etag="new", last_modified=None), Validators(URL, "new", None)),
        (fetched(etag=None, last_modified=None), None),
    ],
)
def test_validators_after_an_unchanged_answer(answer: Unchanged | Fetched, expected: Validators | None) -> None:
    """A 304 refreshes what it carries; a 200 with the bytes of last time replaces both."""
    after = after_unchanged(FAILING, URL, answer, LIMITS, NOW)
    assert after.validators == expected
    assert (after.failures, after.failure, after.body_hash, after.title) == (0, None, "old", "Before")


def test_the_same_bytes_of_a_document_cut_short_leave_no_validators() -> None:
    """What was malformed is malformed still."""
    assert after_unchanged(replace(FAILING, malformed=True), URL, fetched(), LIMITS, NOW).validators is None


@pytest.mark.parametrize(
    ("stored", "said", "expected"),
    [(None, None, None), (HOUR, None, HOUR), (HOUR, 2 * HOUR, 2 * HOUR), (HOUR, timedelta(0), timedelta(0))],
)
def test_a_304_keeps_the_freshness_it_does_not_speak_of(
    stored: timedelta | None, said: timedelta | None, expected: timedelta | None
) -> None:
    """Freshness counts after a 304 too: the one it states, else that of the answer it confirms (RFC 9111 4.3.4)."""
    after = after_unchanged(replace(FAILING, freshness=stored), URL, Unchanged(URL, freshness=said), LIMITS, NOW)
    assert after.freshness == expected
    assert after.not_before == NOW + (expected or timedelta())


def test_only_a_whole_document_counts_as_read() -> None:
    """A 304 does not move the time a document was last seen whole; the same bytes in full do."""
    assert after_unchanged(FAILING, URL, Unchanged(URL), LIMITS, NOW).read_at == FAILING.read_at
    assert after_unchanged(FAILING, URL, fetched(), LIMITS, NOW).read_at == NOW


def test_a_failure_leaves_what_was_stored_and_counts() -> None:
    """Validators and hash stay for the next good day; the failure, its number and its beginning are kept."""
    failure = Failed("rate-limited", "slow down", 429, 7 * MINUTE)
    after = after_failed(FAILING, URL, failure, None, LIMITS, NOW)
    assert (after.validators, after.body_hash, after.read_at) == (OLD, "old", FAILING.read_at)
    assert (after.failure, after.failures, after.failing_since) == (failure, 4, NOW - DAY)
    assert (after.retry_after, after.http) == (NOW + 7 * MINUTE, 429)
    assert after_failed(feed_state(), URL, failure, None, LIMITS, NOW).failing_since == NOW


def test_our_own_network_counts_against_no_one() -> None:
    """It is told, and nothing is counted; the next try is soon."""
    after = after_failed(FAILING, URL, Failed("offline", "no network"), None, LIMITS, NOW)
    assert after.failure is not None
    assert (after.failure.kind, after.failures, after.failing_since) == ("offline", 3, NOW - DAY)
    well = after_failed(feed_state(), URL, Failed("offline", "no network"), None, LIMITS, NOW)
    assert (well.failures, well.failing_since) == (0, None)
    assert after.next_poll_at is not None
    assert after.next_poll_at <= NOW + HOUR


def test_looking_at_an_old_address_again_is_no_failure_of_the_feed() -> None:
    """The monthly look at the operator's URL finds it dead: the feed is fine where it moved."""
    moved = feed_state(
        source=SOURCE, adopted_url=ELSEWHERE, adopted_at=NOW - 40 * DAY, move=Move(ELSEWHERE, NOW - 60 * DAY, 9, True)
    )
    after = after_failed(moved, URL, Failed("dns", "gone"), None, LIMITS, NOW)
    assert (after.failures, after.failure, after.adopted_url, after.adopted_at) == (0, None, ELSEWHERE, NOW)
    assert request(after, MANNER, NOW + HOUR).url == ELSEWHERE


@pytest.mark.parametrize(("wait", "least"), [(None, 30 * MINUTE), (MINUTE, 30 * MINUTE), (3 * HOUR, 3 * HOUR)])
def test_a_postponed_poll_is_made_up_for(wait: timedelta | None, least: timedelta) -> None:
    """When its host has rested, but not sooner than any source is asked again; nothing else changes."""
    after = after_postponed(FAILING, Postponed("blog.example", wait), LIMITS, NOW)
    assert after == replace(FAILING, next_poll_at=NOW + least)


# ---------------------------------------------------------------------------------------------------------- requests


def test_a_request_is_conditional_and_says_who_asks() -> None:
    """Validators go along, and what the operator set for this source."""
    manner = Manner("me", (("X-Key", "1"),))
    made = request(FAILING, manner, NOW)
    assert (made.url, made.validators, made.user_agent, made.headers) == (URL, OLD, "me", (("X-Key", "1"),))
    moved = replace(FAILING, adopted_url=ELSEWHERE, adopted_at=NOW)
    assert (request(moved, manner, NOW).url, request(moved, manner, NOW).home) == (ELSEWHERE, URL)


def test_a_doubted_silence_is_asked_about_in_full() -> None:
    """After 45 days of "not modified" the whole document is asked for, once in thirty days whatever comes of it."""
    silent = replace(FAILING, read_at=NOW - 50 * DAY)
    assert request(replace(silent, polled_at=NOW - 6 * DAY), MANNER, NOW).validators is None
    assert request(replace(silent, polled_at=NOW - DAY), MANNER, NOW).validators == OLD
    assert request(replace(silent, polled_at=NOW), MANNER, NOW + 29 * DAY).validators is None


@pytest.mark.parametrize(
    ("values", "same"),
    [
        ({}, True),
        ({"name": "other", "tags": ("x",), "every": DAY, "max_posts": 3, "user_agent": "me"}, True),
        ({"username": "me", "password_env": "SECRET"}, False),
        ({"headers": (("X-Key", "${KEY}"),)}, False),
    ],
)
def test_what_makes_a_request_another_one(values: dict[str, Any], same: bool) -> None:
    """A user or a header changes what a server may answer, so old validators and hashes are not compared with it; names
    and limits of ours do not."""
    state = replace(FAILING, request_identity=request_identity(SOURCE), source=replace(SOURCE, **values))
    recalled = recall(state)
    assert ((recalled.validators, recalled.body_hash) == (OLD, "old")) is same
    assert ((recalled.validators, recalled.body_hash) == (None, None)) is not same
