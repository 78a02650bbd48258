"""What is known of a feed after a poll. Pure: the old state and what came of it in, the new state out."""

from __future__ import annotations

from datetime import datetime, timedelta

from tidings.model import Failed, FeedState, Fetched, ParsedFeed, Postponed, Rhythm, Unchanged, Validators
from tidings.records import replace
from tidings.sources import cadence, redirects
from tidings.sources.cadence import Limits
from tidings.sources.requests import request_identity

_UNSAID_WAIT = timedelta(minutes=15)


def after_read(
    state: FeedState,
    asked: str,
    fetched: Fetched,
    feed: ParsedFeed,
    body_hash: str,
    rhythm: Rhythm,
    same_feed: bool,
    limits: Limits,
    now: datetime,
) -> FeedState:
    """After a document was read. `asked` is the URL the request began with, `rhythm` counts its new posts in, and
    `same_feed` says that it holds a post we knew. Validators are overwritten also with nothing, and dropped for a
    malformed document, whose missing part must be asked for again (research on aggregators, b.1)."""
    planned = cadence.after_answer(state, rhythm, fetched.freshness, feed.wishes, limits, now)
    moved = redirects.after_answer(state, asked, fetched.hops, same_feed or state.read_at is None, now)
    return replace(
        _well(moved, planned, fetched.http, now),
        validators=None if feed.malformed else _validators(fetched),
        body_hash=body_hash,
        request_identity=request_identity(state.source),
        malformed=feed.malformed,
        read_at=now,
        freshness=fetched.freshness,
        wishes=feed.wishes,
        rhythm=rhythm,
        title=feed.title or state.title,
        site_url=feed.site_url or state.site_url,
        language=feed.language,
    )


def after_unchanged(
    state: FeedState, asked: str, answer: Unchanged | Fetched, limits: Limits, now: datetime
) -> FeedState:
    """After a 304, or the very bytes of last time. A 304 refreshes only what it carries (RFC 9111 4.3.4); a 200
    replaces all, unless its document is malformed."""
    freshness = answer.freshness
    if isinstance(answer, Unchanged):
        freshness = state.freshness if freshness is None else freshness
        validators = _refreshed(state.validators, answer)
    else:
        validators = None if state.malformed else _validators(answer)
    planned = cadence.after_answer(state, state.rhythm, freshness, state.wishes, limits, now)
    moved = redirects.after_answer(state, asked, answer.hops, True, now)
    return replace(
        _well(moved, planned, answer.http, now),
        validators=validators,
        request_identity=request_identity(state.source),
        read_at=state.read_at if isinstance(answer, Unchanged) else now,
        freshness=freshness,
    )


def after_failed(
    state: FeedState, asked: str, failure: Failed, freshness: timedelta | None, limits: Limits, now: datetime
) -> FeedState:
    """After a failure: posts and validators stay. What our own network did counts against no one, and neither does an
    old address that was only looked at again. `freshness` is what the server said of an answer that can't be read."""
    planned = cadence.after_failure(state, failure, freshness, limits, now)
    kept = max(planned.not_before, state.not_before or now)
    planned = cadence.NextPoll(max(planned.at, kept), kept)
    soon = max(now + limits.min_interval, kept)
    after = replace(
        redirects.after_failure(state, asked, failure.kind, now),
        polled_at=now,
        next_poll_at=planned.at,
        not_before=planned.not_before,
        retry_after=None if failure.retry_after is None else now + failure.retry_after,
        http=failure.http,
    )
    if redirects.is_verification(state, now):
        return replace(after, next_poll_at=soon)
    if failure.kind == "offline":
        return replace(after, failure=failure)
    if state.adopted_url is not None and after.adopted_url is None:
        after = replace(after, next_poll_at=soon)
    return replace(after, failure=failure, failing_since=state.failing_since or now, failures=state.failures + 1)


def after_postponed(state: FeedState, postponed: Postponed, limits: Limits, now: datetime) -> FeedState:
    """After a poll that its host did not want now: made up for when the host has rested, and nobody's fault."""
    wait = max(postponed.wait or _UNSAID_WAIT, limits.min_interval)
    return replace(state, next_poll_at=max(now + wait, state.next_poll_at or now))


def _well(state: FeedState, planned: cadence.NextPoll, http: int, now: datetime) -> FeedState:
    return replace(
        state,
        polled_at=now,
        next_poll_at=planned.at,
        not_before=planned.not_before,
        retry_after=None,
        http=http,
        failure=None,
        failures=0,
        failing_since=None,
    )


def _validators(fetched: Fetched) -> Validators | None:
    if fetched.etag is None and fetched.last_modified is None:
        return None
    return Validators(fetched.url, fetched.etag, fetched.last_modified)


def _refreshed(validators: Validators | None, answer: Unchanged) -> Validators | None:
    if validators is None:
        return None
    return Validators(validators.url, answer.etag or validators.etag, answer.last_modified or validators.last_modified)
