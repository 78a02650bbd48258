"""The governor: what one pass knows of servers, and what the next one will."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network

import pytest

from tests.fetches import SETTINGS
from tidings.fetching.settings import HostWait
from tidings.governor import Governor, answering
from tidings.model import Failed, Fetched, Hop, Outcome, Postponed, Unchanged
from tidings.store import Store

MINUTE = timedelta(minutes=1)
SPACED = replace(SETTINGS, host_spacing=timedelta(seconds=2), allow_networks=(ip_network("10.0.0.0/8"),))
A, B = "https://a.example/feed", "https://b.example/feed"


def governor(store: Store, now: datetime) -> Governor:
    return Governor(store, SPACED, lambda: now)


def test_a_pause_goes_on_over_a_restart(store: Store, now: datetime) -> None:
    """A host that was asked a second ago is owed the second that is left, also by another process."""
    governor(store, now).note_request(A)
    waits = governor(store, now + timedelta(seconds=1)).hosts().waits
    assert waits == {"a.example": HostWait(pause=timedelta(seconds=1))}


def test_a_wish_to_rest_goes_on_over_a_restart(store: Store, now: datetime) -> None:
    """Retry-After counts for the host that gave the last answer, not for the one that sent us there."""
    hops = (Hop(A, 302), Hop(B, 429))
    governor(store, now).note_answer(A, Failed("rate-limited", "", 429, 5 * MINUTE, hops=hops))
    waits = governor(store, now + MINUTE).hosts().waits
    assert waits == {"b.example": HostWait(rest=4 * MINUTE)}


@pytest.mark.parametrize("last", [Fetched(B, 200, b""), Failed("server-error", "", 500)])
def test_a_redirects_wish_counts_for_its_own_host(store: Store, now: datetime, last: Fetched | Failed) -> None:
    """Who sends us on and wants rest gets it, also from the next process; who answered well is not made to wait."""
    hops = (Hop(A, 302, 5 * MINUTE), Hop(B, last.http or 0))
    governor(store, now).note_answer(A, replace(last, hops=hops))
    assert {host: wait.rest for host, wait in governor(store, now).hosts().waits.items() if wait.rest} == {
        "a.example": 5 * MINUTE
    }


def test_a_redirect_that_leads_nowhere_has_its_wish_too(store: Store, now: datetime) -> None:
    """Where nobody answers behind the redirect, what it asked for still holds."""
    governor(store, now).note_answer(A, Failed("timeout", "", hops=(Hop(A, 302, 5 * MINUTE),)))
    assert governor(store, now).hosts().waits["a.example"].rest == 5 * MINUTE


def test_a_redirects_wish_outlives_the_good_answer_of_the_same_host(store: Store, now: datetime) -> None:
    """A host that redirects within itself and wants rest gets it after the feed has come."""
    inside = "https://www.a.example/feed"
    hops = (Hop(A, 302, 5 * MINUTE), Hop(inside, 200))
    governor(store, now).note_answer(A, Fetched(inside, 200, b"", hops=hops))
    assert governor(store, now).hosts().waits["a.example"].rest == 5 * MINUTE


def test_a_good_answer_ends_the_counting_of_refusals(store: Store, now: datetime) -> None:
    """Two refusals without a time double the rest; after an answer it starts anew."""
    one = governor(store, now)
    refusal = Failed("rate-limited", "", 429, hops=(Hop(A, 429),))
    for expected in (15, 30):
        one.note_answer(A, refusal)
        assert one.hosts().waits["a.example"].rest == expected * MINUTE
    one.note_answer(A, Unchanged(A, hops=(Hop(A, 304),)))
    one.note_answer(A, refusal)
    assert one.hosts().waits["a.example"].rest == 15 * MINUTE


def test_the_operators_own_machines_are_not_governed(store: Store, now: datetime) -> None:
    """Neither requests to them nor their answers leave a trace."""
    own = "http://10.1.2.3/feed"
    one = governor(store, now)
    one.note_request(own)
    one.note_answer(own, Fetched(B, 200, b"", hops=(Hop(own, 302, MINUTE), Hop(B, 200))))
    one.note_answer(own, Failed("rate-limited", "", 429, MINUTE, hops=(Hop(own, 429),)))
    assert governor(store, now).hosts().waits == {}


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Fetched(B, 200, b"", hops=(Hop(A, 301), Hop(B, 200))), B),
        (Failed("timeout", ""), A),
        (Postponed("a.example"), None),
    ],
)
def test_who_had_the_last_word(outcome: Outcome, expected: str | None) -> None:
    """The last hop answers; a request without any answer was the first host's; a postponed one nobody's."""
    assert answering(A, outcome) == expected
