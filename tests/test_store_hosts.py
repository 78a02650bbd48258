"""Hosts as stored: two kinds of knowledge that do not overwrite each other."""

from __future__ import annotations

from datetime import timedelta

from tests.stocking import START
from tidings.model import HostState
from tidings.store import Store, hosts

LATER = START + timedelta(hours=1)


def test_a_host_that_was_asked_is_remembered(store: Store) -> None:
    """When a host was last asked survives, and the last time counts."""
    hosts.note_asked(store, "a.example", START)
    hosts.note_asked(store, "a.example", LATER)
    assert hosts.states(store) == {"a.example": HostState("a.example", LATER)}


def test_a_wish_to_rest_and_the_last_request_are_kept_apart(store: Store) -> None:
    """Saving one leaves the other as it is, in whichever order they come."""
    hosts.note_asked(store, "a.example", START)
    hosts.save(store, HostState("a.example", None, LATER, 2))
    hosts.save(store, HostState("b.example", None, LATER, 1))
    hosts.note_asked(store, "b.example", START)
    assert hosts.states(store) == {
        "a.example": HostState("a.example", START, LATER, 2),
        "b.example": HostState("b.example", START, LATER, 1),
    }
