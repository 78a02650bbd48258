"""Is a source suddenly somebody else? Pure.

When most of a well-known source's document is new at once, and it is not what the source can have written since,
readers would get old posts again, or another blog's: the new posts are held from digests. Those that turn out to be
stored ones have been recognised before (posts/healing.py). What is left is released by the operator, or by itself once
the document has stayed as it is (research on aggregators, section e: "mass-new").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from tidings.model import FeedChange, FeedState, PostToSave

RELEASED_AFTER = timedelta(days=3)
"""How long a document must stay as it is until its held posts are taken for what the source now writes."""

_FEWEST = 5  # posts: of fewer, as of those that a source had before, most may well be new
_MASS = 0.6
SLACK = timedelta(days=1)
"""By how much a date before the last reading may be off: zones, caches."""
_AT_ONCE = timedelta(hours=1)
_FEWEST_AT_ONCE = 3
_HURRY = 3
_KNOWN_AFTER = timedelta(days=3)
_USUAL = 0.5


class History(Protocol):
    """What a source has brought so far: how many posts, since when, and how many of them at once at most, after what it
    had when it was first read."""

    @property
    def stored(self) -> int: ...
    @property
    def since(self) -> datetime | None: ...
    @property
    def largest(self) -> int: ...


def is_mass(change: FeedChange, size: int) -> bool:
    """Whether so much of a document of `size` posts looked new that it must be looked at, with or without what was
    recognised."""
    came = len(change.new) + len(change.healed)
    return bool(change.new) and came >= _FEWEST and came > _MASS * size


def hold(change: FeedChange, state: FeedState, history: History, now: datetime) -> FeedChange:
    """A change whose posts are mostly new, held if they are not what a source of this `history` can have written since
    it was last read.

    Dates from before that say so themselves. Without dates, or with that of an import on all of them, it is said by
    their number alone; and nothing is said against a source that has brought as many before.
    """
    if state.read_at is None or history.stored < _FEWEST or len(change.new) * _USUAL <= history.largest:
        return change
    dates = [_date(post) for post in change.new]
    known = [date for date in dates if date is not None]
    strange = sum(date < state.read_at - SLACK for date in known)
    unsaid = len(dates) - (0 if _came_at_once(known) else len(known))
    if not _may_have_written(unsaid, state, history, now):
        strange += unsaid
    return replace(change, held=True) if strange > _MASS * len(dates) else change


def is_over(state: FeedState, now: datetime) -> bool:
    """Whether held posts have stayed in the document for so long that they are what the source writes."""
    return state.held_since is not None and now - state.held_since >= RELEASED_AFTER


def _may_have_written(posts: int, state: FeedState, history: History, now: datetime) -> bool:
    """Whether it has been long enough, at the pace of the source, for so many posts; the pace of a new one is not
    known yet."""
    if state.read_at is None or history.since is None or now - history.since < _KNOWN_AFTER:
        return True
    gap = state.rhythm.gap
    return gap is not None and (now - state.read_at) * _HURRY >= posts * gap


def _came_at_once(dates: Sequence[datetime]) -> bool:
    """Whether all of them are of one and the same hour: that of a new program."""
    return len(dates) >= _FEWEST_AT_ONCE and max(dates) - min(dates) <= _AT_ONCE


def _date(post: PostToSave) -> datetime | None:
    return post.published or post.updated
