"""When is a source polled next? Pure.

Never before the server's own freshness (`Cache-Control`, `Expires`, `ttl`, `sy:*`), never before its Retry-After; with
a little jitter that depends on the feed alone, so that restarts do not re-roll it and neighbours do not ask in step.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tidings.model import Failed, FeedState

_GONE = timedelta(days=30)  # 410 from a mis-deploy must not be for ever (research on aggregators, b.3)
_JITTER_STEPS = 97
_JITTER = 0.1


def after_success(
    state: FeedState, freshness: timedelta | None, min_interval: timedelta, max_interval: timedelta, now: datetime
) -> datetime:
    """The next poll after an answer. `freshness` is the longest the server or the feed asked for; it counts up to
    `max_interval`, so that one odd header can't silence a source."""
    base = state.source.every or min_interval
    wanted = min(freshness or timedelta(), max_interval)
    return now + _jittered(max(base, wanted), state.feed_id)


def after_failure(
    state: FeedState, failure: Failed, min_interval: timedelta, max_interval: timedelta, now: datetime
) -> datetime:
    """The next poll after a failure: each in a row doubles the wait up to `max_interval`; a gone feed is asked again
    after a month; a server's Retry-After is kept to in full."""
    base = state.source.every or min_interval
    doubled = min(base * 2 ** min(state.failures, 16), max(max_interval, base))
    wait = max(_GONE, base) if failure.kind == "gone" else doubled
    return now + max(_jittered(wait, state.feed_id), failure.retry_after or timedelta())


def _jittered(interval: timedelta, feed_id: int) -> timedelta:
    """Up to a tenth longer, never shorter."""
    share = (feed_id * 31 % _JITTER_STEPS) / _JITTER_STEPS
    return interval * (1 + _JITTER * share)
