"""Is a source suddenly somebody else? Pure.

When most of a well-known source's document is new at once, and it is not what the source can have written since,
readers would get old posts again, or another blog's: the new posts are held from digests. Those that turn out to be
stored ones have been recognised before (posts/healing.py). What is left is released by the operator, or by itself
unless the source turns back to what it was (research on aggregators, section e: "mass-new").

Held by mistake is late, and never lost: a source that goes on, whether it still shows the held posts or newer ones in
their place, is what it now writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from tidings.model import FeedChange, FeedState, PostToSave

RELEASED_AFTER = timedelta(days=3)
"""How long a source must not have turned back to its former posts until the held ones are what it now writes."""

RELEASED_UNREAD_AFTER = timedelta(days=30)
"""The same where nothing can be read of it: a site that was broken into is often off for days until it is mended."""

MASS = 0.6
"""The share of a document that must look new for its posts to have come, or been renewed, together (research, section
e)."""

_FEWEST = 5  # posts: of fewer, as of those that a source had before, most may well be new
SLACK = timedelta(days=1)
"""By how much a date before the last reading may be off: zones, caches."""
_FEWEST_AT_ONCE = 3
_IMPORTED = timedelta(minutes=1)  # for each post: nobody writes as fast, not even at a conference
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
    return bool(change.new) and came >= _FEWEST and came > MASS * size


def hold(change: FeedChange, kept: int, state: FeedState, history: History, now: datetime) -> FeedChange:
    """A change whose posts are mostly new, held if they are not what a source of this `history` can have written since
    it was last read. `kept` is how many other posts its document has as it had them before.

    Dates from before that reading say so themselves; what is dated since is believed. Only where nothing is kept, and
    the posts have the one date that an import gives to all, this says as little as none. Then it is said by their
    number alone; and nothing is said against a source that has brought as many before.
    """
    if state.read_at is None or history.stored < _FEWEST or len(change.new) * _USUAL <= history.largest:
        return change
    dates = [_date(post) for post in change.new]
    known = [date for date in dates if date is not None]
    strange = sum(date < state.read_at - SLACK for date in known)
    unsaid = len(dates) - (0 if not kept and _are_imported(known) else len(known))
    if not _may_have_written(unsaid, state, history, now):
        strange += unsaid
    return replace(change, held=True) if strange > MASS * len(dates) else change


def has_turned_back(former: int, size: int) -> bool:
    """Whether a document of `size` posts, of which none are held and `former` are from before the hold, is that of the
    source as it was. One that has only gone on has newer posts in place of the held ones, if not for one that is
    pinned."""
    return former > MASS * size


def is_over(state: FeedState, now: datetime, after: timedelta = RELEASED_AFTER) -> bool:
    """Whether the source has been so for so long that its held posts are what it writes."""
    return state.held_since is not None and now - state.held_since >= after


def _may_have_written(posts: int, state: FeedState, history: History, now: datetime) -> bool:
    """Whether it has been long enough, at the pace of the source, for so many posts; the pace of a new one is not
    known yet."""
    if state.read_at is None or history.since is None or now - history.since < _KNOWN_AFTER:
        return True
    gap = state.rhythm.gap
    return gap is not None and (now - state.read_at) * _HURRY >= posts * gap


def _are_imported(dates: Sequence[datetime]) -> bool:
    """Whether they came closer upon each other than anybody writes, as when a new program dates everything anew."""
    return len(dates) >= _FEWEST_AT_ONCE and max(dates) - min(dates) <= len(dates) * _IMPORTED


def _date(post: PostToSave) -> datetime | None:
    return post.published or post.updated
