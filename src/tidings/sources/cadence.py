"""When is a source polled next? Pure.

Four voices are heard, and the latest moment counts: how often the source publishes (or the operator's `every`), what
the server said (`Cache-Control`, `Expires`), what the document says (`ttl`, `sy:*`, skipHours, skipDays), and what the
server asks for when it is tired (Retry-After). A little jitter depends on the feed alone, so that restarts do not
re-roll it and neighbours do not ask in step (research on aggregators, b.2 and b.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from tidings.model import Failed, FailureKind, FeedState, Rhythm, Wishes
from tidings.records import dataclass
from tidings.sources.hosts import LONGEST_MEMORY

LONGEST_WISH = timedelta(days=7)
"""A year of max-age, or `sy:updatePeriod` yearly, is a slip: news would come a year late."""

FRESH_WITHIN = timedelta(hours=1)
"""A source polled this shortly before an edition's cut-off is fresh enough for it."""

_LONGEST_PLAN = timedelta(days=403)  # `every` may be a year, and jitter adds a tenth
_LONGEST_WAIT = timedelta(days=420)  # a plan further ahead was made by a clock that was wrong
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_JITTER = 0.1
_BACKOFF_JITTER = 0.25
_GAPS, _LATEST_GAPS = 20, 5
_SILENT = timedelta(days=183)
_SILENT_FACTOR = 7
_BACKOFF_FACTOR = 3
_FIRST_RETRY: dict[FailureKind, timedelta] = {
    "gone": timedelta(days=30),  # 410 from a mis-deploy must not be for ever
    "challenge": timedelta(hours=12),
    "unauthorized": timedelta(hours=6),
    "refused": timedelta(hours=6),
    "forbidden-address": timedelta(hours=6),
}
_PULL_SHARE = 2 / 3
_STUCK_AFTER = timedelta(days=45)
_STUCK_GAPS = 10
_DOUBT_EVERY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Limits:
    """The operator's bounds on how often a source is polled."""

    min_interval: timedelta
    max_interval: timedelta


@dataclass(frozen=True, slots=True)
class NextPoll:
    """`at` is when to ask again, `not_before` when server and document allow it at the earliest."""

    at: datetime
    not_before: datetime


def due(state: FeedState, cutoffs: Iterable[datetime], limits: Limits, now: datetime) -> bool:
    """Whether a source's time has come: never polled, past its next poll, pulled forward to be fresh at one of the
    `cutoffs` of its editions, or waiting longer than anything makes it wait, as after a clock that was wrong. Never in
    an hour or on a day that the feed wants to be skipped, also when its time has come just before."""
    planned = state.next_poll_at
    if planned is None:
        return True
    if _skipping(now, state.wishes) != now:
        return False
    if not now < planned <= now + _LONGEST_WAIT:
        return True
    return any(_pulled_forward(state, cutoff, limits, now) for cutoff in cutoffs)


def rhythm(arrivals: Sequence[datetime]) -> Rhythm:
    """How a source publishes, from the moments its posts arrived, in any order. Posts that came together count once.

    The gap is the median of the last twenty, or of the last five if that is shorter: posts are seen no finer than the
    polls, so a source that speeds up must show in a few of them.
    """
    from statistics import median  # it loads fractions and decimals, and an unchanged source needs none of it

    moments = sorted(set(arrivals), reverse=True)[: _GAPS + 1]
    gaps = [(later - earlier).total_seconds() for later, earlier in pairwise(moments)]
    usual = min(median(gaps), median(gaps[:_LATEST_GAPS])) if gaps else None
    return Rhythm(gap=None if usual is None else timedelta(seconds=usual), latest=moments[0] if moments else None)


def after_answer(
    state: FeedState, rhythm: Rhythm, freshness: timedelta | None, wishes: Wishes, limits: Limits, now: datetime
) -> NextPoll:
    """The next poll after an answer that worked. `freshness` is what the server said of it."""
    wish = _longest_wish(freshness, wishes)
    interval = state.source.every or usual_interval(rhythm, limits, now)
    wait = min(_jittered(max(interval, wish), state.feed_id), _LONGEST_PLAN)
    return NextPoll(
        at=_skipping(now + wait, wishes),
        not_before=_skipping(now + wish, wishes),
    )


def after_failure(
    state: FeedState, failure: Failed, freshness: timedelta | None, limits: Limits, now: datetime
) -> NextPoll:
    """The next poll after a failure. Each in a row doubles the wait, up to three times the longest interval; nothing
    stops a source for ever. A Retry-After is kept to in full, as is the `freshness` of an answer that is no feed."""
    wish = min(freshness or timedelta(), LONGEST_WISH)
    asked = now + max(failure.retry_after or timedelta(), wish)
    if failure.kind == "offline":
        return NextPoll(max(asked, now + _jittered(limits.min_interval, state.feed_id)), asked)
    first = _FIRST_RETRY.get(failure.kind, max(limits.min_interval, _HOUR))
    longest = max(limits.max_interval * _BACKOFF_FACTOR, first)
    backoff = first if failure.kind == "gone" else min(first * 2 ** min(state.failures, 16), longest)
    wait = max(backoff, state.source.every or timedelta())
    seed = state.feed_id * 31 + state.failures
    jittered = min(wait * (1 + _BACKOFF_JITTER * _share(seed)), _LONGEST_PLAN)
    return NextPoll(max(now + jittered, asked), asked)


def after_attempt(state: FeedState, limits: Limits, now: datetime) -> datetime:
    """The next poll of a source whose request goes out now, should nobody live to record what came of it: as after an
    answer that says what the last one said, and not before what is already known to be too early."""
    wish = _longest_wish(state.freshness, state.wishes)
    wait = max(limits.min_interval, state.source.every or timedelta(), wish)
    known = [moment for moment in (state.not_before, state.retry_after) if moment is not None]
    kept = [moment for moment in known if moment <= now + LONGEST_MEMORY]
    return _skipping(max([now + wait, *kept]), state.wishes)


def usual_interval(rhythm: Rhythm, limits: Limits, now: datetime) -> timedelta:
    """Half the usual gap between posts, so that one is seen after a quarter of it on average, within the limits. The
    present silence counts too: where no gap is known yet it is the gap, and a source that stopped is asked ever less,
    after half a year seven times less than the longest interval."""
    if rhythm.latest is None:
        return limits.max_interval
    silence = max(now - rhythm.latest, timedelta())
    if silence > _SILENT:
        return limits.max_interval * _SILENT_FACTOR
    wanted = silence / 2 if rhythm.gap is None else max(rhythm.gap / 2, silence / 16)
    return min(max(wanted, limits.min_interval), limits.max_interval)


def doubts_silence(state: FeedState, now: datetime) -> bool:
    """Whether to ask once, and then once in thirty days, without validators: "not modified" for 45 days, and for ten
    usual gaps, is what a stuck cache says for ever (research on aggregators, section e)."""
    if state.read_at is None or now - state.read_at < _STUCK_AFTER:
        return False
    begun = state.read_at + _STUCK_AFTER
    if state.polled_at is not None and (state.polled_at - begun) // _DOUBT_EVERY == (now - begun) // _DOUBT_EVERY:
        return False  # asked already in these thirty days, whatever came of it
    gap, latest = state.rhythm.gap, state.rhythm.latest
    return gap is None or latest is None or now - latest > gap * _STUCK_GAPS


def _pulled_forward(state: FeedState, cutoff: datetime, limits: Limits, now: datetime) -> bool:
    """Whether to ask now although it is early: the poll as planned would come after the cut-off, nobody forbids it, and
    this source's moment in the hour before the cut-off has come. Sources are spread over its first two thirds. One that
    was asked earlier in that hour is asked again, so that what its author has mended since is in the issue."""
    if state.failures or state.source.every or state.polled_at is None or state.next_poll_at is None:
        return False
    moment = cutoff - FRESH_WITHIN * (1 - _PULL_SHARE * _share(state.feed_id))
    if not moment <= now < cutoff <= state.next_poll_at:
        return False
    rested = state.polled_at < moment and state.polled_at + limits.min_interval <= now
    return rested and (state.not_before is None or state.not_before <= now)


def _longest_wish(freshness: timedelta | None, wishes: Wishes) -> timedelta:
    """How long server and document want to be left alone after an answer."""
    return min(max(freshness or timedelta(), wishes.ttl or timedelta()), LONGEST_WISH)


def _skipping(moment: datetime, wishes: Wishes) -> datetime:
    """The first moment from `moment` on that is in no hour and on no day the feed wants to be skipped; `moment` itself
    when that would be never."""
    later = moment
    for _ in range(8 * 24):
        if later.weekday() in wishes.skip_days:
            later = later.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
        elif later.hour in wishes.skip_hours:
            later = later.replace(minute=0, second=0, microsecond=0) + _HOUR
        else:
            return later
    return moment


def _jittered(interval: timedelta, feed_id: int) -> timedelta:
    """Up to a tenth longer, never shorter."""
    return interval * (1 + _JITTER * _share(feed_id))


def _share(seed: int) -> float:
    """From 0 to 1, evenly spread over whole numbers in a row (multiplication by the golden ratio, Knuth 6.4)."""
    return (seed * 2_654_435_769 % 2**32) / 2**32
