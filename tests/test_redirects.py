"""Redirects: when a new address is believed, and how the old one is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.builders import NOW, feed_state, source
from tidings.model import FailureKind, FeedState, Hop, Move
from tidings.sources.redirects import after_answer, after_failure, is_verification, permanent_target, url_to_ask

DAY = timedelta(days=1)
OLD, NEW, OTHER = "https://old.example/feed", "https://new.example/feed", "https://other.example/feed"
STATE = feed_state(source=source(url=OLD))
MOVED = (Hop(OLD, 301), Hop(NEW, 200))


def polled(state: FeedState, *days: float, hops: tuple[Hop, ...] = MOVED, same_feed: bool = True) -> FeedState:
    """The state after polls on these days."""
    for day in days:
        now = NOW + day * DAY
        state = after_answer(state, url_to_ask(state, now), hops, same_feed, now)
    return state


@pytest.mark.parametrize(
    ("hops", "target"),
    [
        ((), None),
        ((Hop(OLD, 200),), None),
        ((Hop(OLD, 301), Hop(NEW, 200)), NEW),
        ((Hop(OLD, 308), Hop(NEW, 304)), NEW),
        ((Hop(OLD, 301), Hop(OTHER, 308), Hop(NEW, 200)), NEW),
        ((Hop(OLD, 302), Hop(NEW, 200)), None),
        ((Hop(OLD, 307), Hop(NEW, 200)), None),
        ((Hop(OLD, 301), Hop(OTHER, 302), Hop(NEW, 200)), None),
        ((Hop(OLD, 302), Hop(OTHER, 301), Hop(NEW, 200)), None),
    ],
)
def test_a_move_is_permanent_only_if_every_hop_is(hops: tuple[Hop, ...], target: str | None) -> None:
    """301 and 308 all the way, or it is not a move."""
    assert permanent_target(hops) == target


@pytest.mark.parametrize(
    ("days", "adopted"),
    [
        ((0,), False),
        ((0, 0.1, 0.2, 0.3, 0.4, 0.5), False),
        ((0, 8), False),
        ((0, 2, 4, 6), False),
        ((0, 2, 4, 6, 7), True),
        ((0, 1, 2, 3, 8), True),
    ],
)
def test_a_move_is_adopted_after_five_meetings_in_seven_days(days: tuple[float, ...], adopted: bool) -> None:
    """Many meetings in a short time prove nothing, and neither do few in a long one."""
    assert (polled(STATE, *days).adopted_url == NEW) is adopted


def test_a_move_to_something_else_is_never_adopted() -> None:
    """Without a post we know, however often: it may be a parked domain."""
    assert polled(STATE, *range(60), same_feed=False).adopted_url is None


def test_a_strangers_feed_does_not_become_ours_by_being_followed() -> None:
    """What counts is whose posts were there at the first meeting: later ones were stored from there."""
    met = polled(STATE, 0, same_feed=False)
    assert polled(met, *range(1, 60), same_feed=True).adopted_url is None
    assert polled(polled(STATE, 0), *range(1, 9), same_feed=False).adopted_url == NEW


def test_a_move_that_changes_its_mind_starts_again() -> None:
    """Another target, or an answer without a redirect, makes the count begin anew."""
    for between in ((Hop(OLD, 301), Hop(OTHER, 200)), (Hop(OLD, 200),), (Hop(OLD, 302), Hop(NEW, 200))):
        state = polled(polled(STATE, 0, 2, 4, 6), 6.5, hops=between)
        assert polled(state, 7).adopted_url is None


def test_the_same_url_over_https_is_adopted_at_once() -> None:
    """Nothing changes but that nobody can read along; another path, host or port is another matter."""
    plain = feed_state(source=source(url="http://old.example/feed?a=1"))
    for target, adopted in (
        ("https://old.example/feed?a=1", True),
        ("https://old.example/feed", False),
        ("https://www.old.example/feed?a=1", False),
        ("https://old.example:8443/feed?a=1", False),
    ):
        state = polled(plain, 0, hops=(Hop(plain.source.url, 301), Hop(target, 200)), same_feed=False)
        assert (state.adopted_url == target) is adopted, target


ADOPTED = polled(STATE, 0, 2, 4, 6, 7)


@pytest.mark.parametrize(
    ("day", "asked"), [(7, NEW), (36.9, NEW), (37, OLD), (400, OLD), (6.9, OLD)], ids=lambda value: str(value)
)
def test_the_adopted_url_is_asked_and_the_old_one_once_a_month(day: float, asked: str) -> None:
    """Thirty days after it was last made sure of, the operator's own URL is asked once more."""
    now = NOW + day * DAY
    assert url_to_ask(ADOPTED, now) == asked
    assert is_verification(ADOPTED, now) is (asked == OLD)


def test_an_adopted_url_that_is_confirmed_stays() -> None:
    """The old URL still leads there: for another month."""
    state = polled(ADOPTED, 38)
    assert (state.adopted_url, state.adopted_at) == (NEW, NOW + 38 * DAY)


@pytest.mark.parametrize("hops", [(Hop(OLD, 200),), (Hop(OLD, 302), Hop(NEW, 200)), (Hop(OLD, 301), Hop(OTHER, 200))])
def test_an_adopted_url_that_is_not_confirmed_goes(hops: tuple[Hop, ...]) -> None:
    """The old URL answers by itself again, or leads elsewhere: then it counts as the operator wrote it."""
    state = polled(ADOPTED, 38, hops=hops)
    assert (state.adopted_url, state.adopted_at) == (None, None)


def test_what_an_adopted_url_does_says_nothing_of_the_old_one() -> None:
    """Redirects from the adopted URL are followed, and looked at when the old one is asked again."""
    assert polled(ADOPTED, 8, hops=(Hop(NEW, 301), Hop(OTHER, 200))) == ADOPTED


def failed(state: FeedState, asked: str, failures: int, now: datetime, kind: FailureKind = "not-found") -> FeedState:
    return after_failure(replace(state, failures=failures), asked, kind, now)


def test_an_adopted_url_that_fails_three_times_is_given_up() -> None:
    """Then the operator's own is asked again, which may know of yet another place."""
    now = NOW + 10 * DAY
    assert failed(ADOPTED, NEW, 1, now).adopted_url == NEW
    assert failed(ADOPTED, NEW, 2, now).adopted_url is None


def test_an_adopted_url_that_is_gone_is_given_up_at_once() -> None:
    """The operator's own may be alive, and 410 would be asked again only after a month."""
    assert failed(ADOPTED, NEW, 0, NOW + 10 * DAY, "gone").adopted_url is None


def test_our_own_network_takes_no_adoption_away() -> None:
    """However often nothing could be reached."""
    assert failed(ADOPTED, NEW, 9, NOW + 10 * DAY, "offline").adopted_url == NEW


def test_no_move_leads_from_https_to_http() -> None:
    """Such a redirect is followed, and never believed for good."""
    plain = NEW.replace("https:", "http:")
    assert permanent_target((Hop(OLD, 301), Hop(plain, 200))) is None
    assert polled(STATE, *range(60), hops=(Hop(OLD, 301), Hop(plain, 200))).adopted_url is None


def test_an_old_url_that_is_dead_does_not_take_the_new_one_along() -> None:
    """The old domain lapses one day; the feed is still at its new place, and the old one is tried in a month."""
    now = NOW + 40 * DAY
    state = failed(ADOPTED, OLD, 0, now)
    assert (state.adopted_url, state.adopted_at) == (NEW, now)
    moving = replace(STATE, move=Move(NEW, NOW, 4, True))
    assert failed(moving, OLD, 9, now).move == Move(NEW, NOW, 4, True)
