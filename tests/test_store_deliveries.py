"""Deliveries as stored: the states they go through and what is due in each."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

import pytest

from tests.stocking import START
from tidings.model import Delivery, IssueContent, Receipt
from tidings.store import Store, deliveries, issues
from tidings.store.deliveries import Tally
from tidings.store.issues import Letter

ACCEPTED = Receipt("accepted", "250 ok")
DEFERRED = Receipt("deferred", "451 later")
HOUR = timedelta(hours=1)


def freeze(store: Store, *addresses: str, number: int = 1) -> int:
    content = IssueContent("daily", "Daily", number, "S", START, "UTC", "en", "P", "https://p.example", ())
    addressed = [Letter(address, f"<{number}.{address}>") for address in addresses]
    return issues.freeze(store, content, addressed, None, START)


def due(store: Store, issue_id: int, now: datetime | None = None) -> list[str]:
    return [delivery.address for delivery in deliveries.due(store, issue_id, now)]


def first(store: Store, issue_id: int) -> Delivery:
    return deliveries.due(store, issue_id, None)[0]


def test_all_of_a_frozen_issue_is_due_in_the_order_of_its_readers(store: Store) -> None:
    """What was just frozen is due at once, in a fixed order, each with its Message-ID."""
    issue_id = freeze(store, "z@r", "a@r", "m@r")
    assert due(store, issue_id) == due(store, issue_id, START) == ["z@r", "a@r", "m@r"]
    assert [one.message_id for one in deliveries.due(store, issue_id, None)] == ["<1.z@r>", "<1.a@r>", "<1.m@r>"]
    assert [one.in_doubt for one in deliveries.due(store, issue_id, None)] == [False] * 3


@pytest.mark.parametrize("state", ["accepted", "rejected", "suppressed"])
def test_a_settled_delivery_is_never_due_again(store: Store, state: str) -> None:
    """Accepted, refused and unwanted are final."""
    issue_id = freeze(store, "a@r")
    delivery = first(store, issue_id)
    deliveries.start(store, delivery, START)
    deliveries.settle(store, delivery, Receipt(state, "said"), None, START)  # type: ignore[arg-type]
    assert due(store, issue_id) == due(store, issue_id, START + 1000 * HOUR) == []
    assert issues.undelivered(store, "daily") == []
    row = store.rows("SELECT state, reply, attempts FROM deliveries")[0]
    assert tuple(row) == (state, "said", 1)


def test_a_deferred_delivery_waits_for_its_time(store: Store) -> None:
    """Deferred is due from its time on; who asks for all that is unsettled gets it before."""
    issue_id = freeze(store, "a@r", "b@r")
    delivery = first(store, issue_id)
    deliveries.start(store, delivery, START)
    deliveries.settle(store, delivery, DEFERRED, START + HOUR, START)
    assert due(store, issue_id, START + HOUR - timedelta(microseconds=1)) == ["b@r"]
    assert due(store, issue_id, START + HOUR) == ["a@r", "b@r"]
    assert due(store, issue_id) == ["a@r", "b@r"]
    assert first(store, issue_id).attempts == 1


def test_what_was_in_flight_stays_in_doubt_until_it_is_settled(store: Store) -> None:
    """A message whose outcome nobody recorded is due, in doubt, and known by name, through any number of crashes and
    failing servers. It comes last."""
    issue_id = freeze(store, "a@r", "b@r")
    deliveries.start(store, first(store, issue_id), START)
    assert due(store, issue_id) == ["b@r", "a@r"]
    deliveries.settle(store, first(store, issue_id), ACCEPTED, None, START)
    for _ in range(2):
        doubtful = first(store, issue_id)
        assert (doubtful.address, doubtful.message_id, doubtful.in_doubt) == ("a@r", "<1.a@r>", True)
        deliveries.start(store, doubtful, START)
        deliveries.put_back(store, doubtful, "no server", START)
    doubtful = first(store, issue_id)
    assert doubtful.in_doubt
    assert doubtful.attempts == 1
    deliveries.start(store, doubtful, START)
    deliveries.settle(store, doubtful, ACCEPTED, None, START)
    assert due(store, issue_id) == []


def test_a_message_put_back_is_as_if_never_sent(store: Store) -> None:
    """When the server as a whole fails, the message in hand is pending again and the attempt does not count."""
    issue_id = freeze(store, "a@r")
    delivery = first(store, issue_id)
    deliveries.start(store, delivery, START)
    deliveries.put_back(store, delivery, "no server", START)
    assert deliveries.due(store, issue_id, START) == [delivery]
    assert deliveries.tally(store, [issue_id]) == Tally(pending=1)


def test_the_tally_balances(store: Store) -> None:
    """Every delivery is counted in exactly one state; one in flight counts as not sent yet."""
    issue_id = freeze(store, *(f"{n}@r" for n in range(7)))
    other = freeze(store, "x@r", number=2)
    for delivery, state in zip(
        deliveries.due(store, issue_id, None),
        ["accepted", "rejected", "deferred", "suppressed", "accepted"],
        strict=False,
    ):
        deliveries.start(store, delivery, START)
        deliveries.settle(store, delivery, Receipt(state, ""), None, START)  # type: ignore[arg-type]
    deliveries.start(store, deliveries.due(store, issue_id, None)[-1], START)
    tally = deliveries.tally(store, [issue_id])
    assert tally == Tally(accepted=2, rejected=1, deferred=1, suppressed=1, pending=2)
    assert deliveries.tally(store, [issue_id, other]) == Tally(2, 1, 1, 1, 3)
    assert tally.any


def test_the_tally_of_nothing_is_empty(store: Store) -> None:
    """No issues, no deliveries, no error."""
    assert deliveries.tally(store, []) == Tally()
    assert deliveries.tally(store, [freeze(store)]) == Tally()
    assert not Tally().any


def test_issues_are_undelivered_oldest_first(store: Store) -> None:
    """Issues with something unsettled are listed in the order of their numbers; those without readers never are."""
    freeze(store, number=1)
    newer, older = freeze(store, "a@r", number=3), freeze(store, "a@r", number=2)
    assert [one.id for one in issues.undelivered(store, "daily")] == [older, newer]
    assert issues.undelivered(store, "weekly") == []


def test_a_state_that_does_not_exist_cannot_be_stored(store: Store) -> None:
    """The database refuses a state that nothing would ever look for."""
    issue_id = freeze(store, "a@r")
    with pytest.raises(sqlite3.IntegrityError):
        deliveries.settle(store, first(store, issue_id), Receipt("lost", ""), None, START)  # type: ignore[arg-type]
    assert due(store, issue_id) == ["a@r"]
