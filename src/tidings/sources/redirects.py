"""Where does a source live now? Pure.

A permanent redirect is believed only on proof: hijacked domains, maintenance pages and mis-deploys send 301 as well,
and a URL once given up is hard to get back (research on aggregators, b.4). The operator's own URL stays what it is;
the adopted one is asked in its place, and the other is looked at again every month.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from tidings.model import FailureKind, FeedState, Hop, Move

_PERMANENT = frozenset({301, 308})
_SIGHTINGS = 5
_PROVEN_AFTER = timedelta(days=7)
_VERIFY_AFTER = timedelta(days=30)
_GIVEN_UP_AFTER = 3


def url_to_ask(state: FeedState, now: datetime) -> str:
    """The adopted URL if there is one, else the source's own; once a month the latter all the same."""
    if state.adopted_url is None or is_verification(state, now):
        return state.source.url
    return state.adopted_url


def is_verification(state: FeedState, now: datetime) -> bool:
    """Whether it is time to look whether the source's own URL still leads to the adopted one."""
    if state.adopted_url is None or state.adopted_at is None:
        return False
    return not state.adopted_at <= now < state.adopted_at + _VERIFY_AFTER


def after_answer(state: FeedState, asked: str, hops: Sequence[Hop], same_feed: bool, now: datetime) -> FeedState:
    """The state with what this answer says of the feed's address. `asked` is the URL the request began with;
    `same_feed` says that the answer is the feed we follow: it carries a post we have, or confirms our validators; what
    it says when a target is first met is what counts, since from then on the target's posts are ours too."""
    target = permanent_target(hops)
    if asked != state.source.url:
        return state
    if target is None:
        # Nearly always there was none before either, and to copy a state takes as long as to judge an answer.
        known = (state.move, state.adopted_url, state.adopted_at) != (None, None, None)
        return replace(state, move=None, adopted_url=None, adopted_at=None) if known else state
    if target == state.adopted_url:
        return replace(state, adopted_at=now)
    move = _sighted(state.move, target, same_feed, now)
    proven = move.same_feed and move.sightings >= _SIGHTINGS and now - move.since >= _PROVEN_AFTER
    if proven or _only_upgrades(state.source.url, target):
        return replace(state, move=move, adopted_url=target, adopted_at=now)
    return replace(state, move=move, adopted_url=None, adopted_at=None)


def after_failure(state: FeedState, asked: str, kind: FailureKind, now: datetime) -> FeedState:
    """The state after a failed request to `asked`. An adopted URL that is gone, or fails three times, is given up for
    the operator's own; that one failing, when it was only looked at again, says nothing against the adopted one."""
    if state.adopted_url is None:
        return state
    if asked == state.source.url:
        return replace(state, adopted_at=now)
    if kind == "offline" or (kind != "gone" and state.failures + 1 < _GIVEN_UP_AFTER):
        return state
    return replace(state, move=None, adopted_url=None, adopted_at=None)


def permanent_target(hops: Sequence[Hop]) -> str | None:
    """Where a chain of redirects ends if each of them is permanent (RFC 9110 15.4.2, 15.4.9), else None."""
    redirects = hops[:-1]
    if not redirects or any(hop.status not in _PERMANENT for hop in redirects):
        return None
    if redirects[0].url.startswith("https:") and not hops[-1].url.startswith("https:"):
        return None  # nobody gives up on encryption for good on purpose
    return hops[-1].url


def _sighted(move: Move | None, target: str, same_feed: bool, now: datetime) -> Move:
    if move is None or move.url != target or move.since > now:
        return Move(target, now, 1, same_feed)
    return Move(target, move.since, move.sightings + 1, move.same_feed)


def _only_upgrades(url: str, target: str) -> bool:
    """Whether the target is the same URL over https, which one meeting is proof enough for."""
    old, new = urlsplit(url), urlsplit(target)
    return (old.scheme, new.scheme) == ("http", "https") and old[1:4] == new[1:4]
