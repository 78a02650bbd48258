"""Deliveries as stored: the states they go through and what is due in each."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

import pytest

from tests.stocking import START
from tidings.errors import StoreError
from tidings.model import Delivery, DeliveryState, IssueContent
from tidings.store import Store, deliveries, issue_states, issues, open_store, resolving
from tidings.store.deliveries import OnUncertain, Settlement, Tally
from tidings.store.issues import Letter, StoredIssue

HOUR = timedelta(hours=1)


def freeze(store: Store, *addresses: str, number: int = 1) -> int:
    content = IssueContent("daily", "Daily", number, "S", START, "UTC", "en", "P", "https://p.example", ())
    addressed = [Letter(address, f"<{number}.{address}>") for address in addresses]
    return issues.freeze(store, content, addressed, None, START)


def lease(
    store: Store, issue_id: int, now: datetime = START, limit: int = 100, policy: OnUncertain = "resend"
) -> list[Delivery]:
    return deliveries.lease(store, [issue_id], limit, policy, now)


def leased(store: Store, issue_id: int, now: datetime = START, policy: OnUncertain = "resend") -> list[str]:
    """Whom all that is due goes to, batch by batch; let go again afterwards."""
    found: list[str] = []
    while batch := lease(store, issue_id, now, 2, policy):
        found += [one.address for one in batch]
    deliveries.release(store)
    return found


def settle(store: Store, one: Delivery, state: DeliveryState, next_at: datetime | None = None) -> None:
    """A whole try with its outcome."""
    deliveries.start(store, [one.id], START)
    deliveries.settle(store, [Settlement(one.id, state, f"said {state}", next_at)], START)


def states(store: Store) -> list[tuple[object, ...]]:
    return [tuple(row) for row in store.rows("SELECT address, state, attempts, doubts FROM deliveries ORDER BY id")]


def crash(store: Store) -> None:
    """What the next process finds that has the right to deliver."""
    deliveries.recover(store, START)


def issue(store: Store) -> StoredIssue:
    return issue_states.named(store, "daily-1")


# ------------------------------------------------------------------------------------------------------- what is due


def test_all_of_a_frozen_issue_is_due_in_the_order_of_its_readers(store: Store) -> None:
    """What was just frozen is leased batch by batch, in a fixed order, each once, with its Message-ID."""
    issue_id = freeze(store, "z@r", "a@r", "m@r")
    assert leased(store, issue_id) == ["z@r", "a@r", "m@r"]
    batch = lease(store, issue_id, limit=2)
    assert [(one.message_id, one.in_doubt) for one in batch] == [("<1.z@r>", False), ("<1.a@r>", False)]
    assert [one.address for one in lease(store, issue_id)] == ["m@r"]
    assert lease(store, issue_id) == []


@pytest.mark.parametrize("state", ["accepted", "rejected", "suppressed", "expired"])
def test_a_settled_delivery_is_never_due_again(store: Store, state: DeliveryState) -> None:
    """Accepted, refused, unwanted and expired are final."""
    issue_id = freeze(store, "a@r")
    settle(store, lease(store, issue_id)[0], state)
    assert leased(store, issue_id, START + 1000 * HOUR) == []
    assert issues.undelivered(store, "daily") == []
    row = store.rows("SELECT state, reply, attempts FROM deliveries")[0]
    assert tuple(row) == (state, f"said {state}", 1)


def test_a_deferred_delivery_waits_for_its_time(store: Store) -> None:
    """Deferred is due from its time on; who is in a hurry gets it before."""
    issue_id = freeze(store, "a@r", "b@r")
    settle(store, lease(store, issue_id, limit=1)[0], "deferred", START + HOUR)
    assert leased(store, issue_id, START + HOUR - timedelta(microseconds=1)) == ["b@r"]
    assert leased(store, issue_id, START + HOUR) == ["a@r", "b@r"]
    settle(store, lease(store, issue_id, START + HOUR, limit=1)[0], "deferred", START + 9 * HOUR)
    deliveries.hasten(store, issue_id, START)
    assert leased(store, issue_id) == ["a@r", "b@r"]
    assert states(store)[0] == ("a@r", "pending", 2, 0)


# ------------------------------------------------------------------------------------------------------- after a crash


def test_after_a_crash_what_was_only_leased_was_not_sent(store: Store) -> None:
    """Nothing of it had left, so it is as if it had never been taken in hand."""
    issue_id = freeze(store, "a@r", "b@r")
    lease(store, issue_id)
    crash(store)
    assert states(store) == [("a@r", "pending", 0, 0), ("b@r", "pending", 0, 0)]


def test_after_a_crash_what_was_in_flight_is_in_doubt(store: Store) -> None:
    """It is uncertain, an attempt, known by name, and comes again once, after all others, with its Message-ID."""
    issue_id = freeze(store, "a@r", "b@r", "c@r")
    deliveries.start(store, [lease(store, issue_id)[0].id], START)
    crash(store)
    assert states(store)[0] == ("a@r", "uncertain", 1, 1)
    assert leased(store, issue_id) == ["b@r", "c@r", "a@r"]
    crash(store)
    assert states(store)[0] == ("a@r", "pending", 1, 1)
    assert leased(store, issue_id) == ["b@r", "c@r", "a@r"]


def test_in_doubt_a_second_time_it_waits_for_a_decision(store: Store) -> None:
    """Once more is sent without being asked, and not again and again."""
    issue_id = freeze(store, "a@r")
    for _ in range(2):
        [one] = lease(store, issue_id)
        deliveries.start(store, [one.id], START)
        crash(store)
    assert states(store) == [("a@r", "uncertain", 2, 2)]
    assert leased(store, issue_id, START + 99 * HOUR) == []
    assert deliveries.tally(store, [issue_id]) == Tally(uncertain=1)


def test_held_is_held(store: Store) -> None:
    """Where what is uncertain is held, nothing of it is leased; one that was let go and put off is."""
    issue_id = freeze(store, "a@r")
    settle(store, lease(store, issue_id)[0], "uncertain")
    assert leased(store, issue_id, policy="hold") == []
    resolving.resolve(store, issue(store), (), "send", START)
    [one] = lease(store, issue_id, policy="hold")
    assert one.in_doubt
    settle(store, one, "deferred", START + HOUR)
    assert leased(store, issue_id, START + HOUR, "hold") == ["a@r"]


def test_doubt_stays_with_a_delivery(store: Store) -> None:
    """Through deferrals and servers that fail it is known that it may have come."""
    issue_id = freeze(store, "a@r")
    settle(store, lease(store, issue_id)[0], "uncertain")
    settle(store, lease(store, issue_id)[0], "deferred")
    [one] = lease(store, issue_id)
    assert one.in_doubt
    assert issue_states.is_out(store, issue_id)


def test_a_message_put_back_is_as_if_never_sent(store: Store) -> None:
    """When the server as a whole fails, the message in hand is not an attempt, and keeps its time."""
    issue_id = freeze(store, "a@r")
    [one] = lease(store, issue_id)
    deliveries.start(store, [one.id], START)
    deliveries.settle(store, [Settlement(one.id, "leased", "no server", tried=False)], START)
    deliveries.release(store)
    assert lease(store, issue_id) == [one]
    assert deliveries.tally(store, [issue_id]) == Tally(pending=1)


def test_only_what_is_leased_starts(store: Store) -> None:
    """A message is in flight once: nothing starts that somebody else has settled, or that was never in hand."""
    issue_id = freeze(store, "a@r", "b@r")
    [one] = lease(store, issue_id, limit=1)
    assert deliveries.start(store, [one.id, one.id + 1], START) == {one.id}
    assert deliveries.start(store, [one.id], START) == set()


# ------------------------------------------------------------------------------------------------------- too old


def test_to_start_a_message_looks_at_its_own_issue_alone(store: Store) -> None:
    """Where readers have issues of their own there are ten thousands, and this is done for each few messages."""
    one = lease(store, freeze(store, "a@r"))[0]
    said: list[str] = []
    store.conn.set_trace_callback(said.append)
    deliveries.start(store, [one.id], START)
    store.conn.set_trace_callback(None)
    update = next(statement for statement in said if "SET state = 'inflight'" in statement)
    plan = [row["detail"] for row in store.rows(f"EXPLAIN QUERY PLAN {update}")]
    assert any("issues USING INTEGER PRIMARY KEY" in step for step in plan), plan
    assert not any(step.startswith("SCAN") for step in plan), plan


def test_what_was_never_begun_expires(store: Store) -> None:
    """Stale mail is not sent; what was tried, or may have come, goes on."""
    issue_id = freeze(store, "a@r", "b@r", "c@r", "d@r")
    batch = lease(store, issue_id)
    settle(store, batch[0], "accepted")
    settle(store, batch[1], "deferred", START + HOUR)
    settle(store, batch[2], "uncertain", START + HOUR)
    deliveries.release(store)
    assert deliveries.expire(store, issue_id, START) == 1
    assert deliveries.expire(store, issue_id, START) == 0
    assert [row[1] for row in states(store)] == ["accepted", "deferred", "uncertain", "expired"]
    assert deliveries.tally(store, [issue_id]) == Tally(accepted=1, deferred=1, uncertain=1, expired=1)


def test_what_expired_goes_when_somebody_says_so(store: Store) -> None:
    """However old the issue: it does not expire again, also when the server was not there meanwhile."""
    issue_id = freeze(store, "a@r", "b@r")
    deliveries.expire(store, issue_id, START)
    assert issues.undelivered(store, "daily") == []
    assert resolving.resolve(store, issue(store), ["B@r"], "send", START) == ["b@r"]
    assert deliveries.expire(store, issue_id, START) == 0
    [one] = lease(store, issue_id)
    deliveries.settle(store, [Settlement(one.id, "leased", "no server", tried=False)], START)
    deliveries.release(store)
    assert deliveries.expire(store, issue_id, START) == 0
    assert leased(store, issue_id) == ["b@r"]


# ------------------------------------------------------------------------------------------------------- decisions


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        ("sent", ["accepted", "expired", "deferred", "accepted"]),
        ("send", ["pending", "pending", "pending", "accepted"]),
        ("give-up", ["rejected", "rejected", "rejected", "accepted"]),
    ],
)
def test_what_waits_is_decided_by_hand(store: Store, decision: resolving.Decision, expected: list[str]) -> None:
    """Uncertain, expired and deferred ones follow the decision; only an uncertain one can have come; what is settled
    stays."""
    issue_id = freeze(store, "a@r", "b@r", "c@r", "d@r")
    for one, state in zip(lease(store, issue_id), ("uncertain", "expired", "deferred", "accepted"), strict=True):
        settle(store, one, state)  # type: ignore[arg-type]
    resolving.resolve(store, issue(store), (), decision, START)
    assert [row[1] for row in states(store)] == expected


def test_a_reader_with_nothing_to_decide_is_an_error(store: Store) -> None:
    """Named readers are decided on all or not at all."""
    issue_id = freeze(store, "a@r", "b@r")
    settle(store, lease(store, issue_id)[0], "uncertain")
    with pytest.raises(StoreError, match="b@r"):
        resolving.resolve(store, issue(store), ["a@r", "b@r"], "sent", START)
    assert states(store)[0][1] == "uncertain"


def test_deliveries_are_listed_by_issue_state_and_reader(store: Store) -> None:
    """All, or those that are asked for, the newest issue first."""
    first, second = freeze(store, "a@r", "b@r"), freeze(store, "a@r", number=2)
    settle(store, lease(store, first)[0], "accepted")

    def named(
        issue_id: int | None = None, state: str | None = None, address: str | None = None, limit: int = 9
    ) -> list[tuple[str, str]]:
        return [(one.issue, one.address) for one in resolving.listed(store, issue_id, state, address, limit)]

    assert named() == [("daily-2", "a@r"), ("daily-1", "a@r"), ("daily-1", "b@r")]
    assert named(second) == [("daily-2", "a@r")]
    assert named(state="accepted") == [("daily-1", "a@r")]
    assert named(address="A@R") == [("daily-2", "a@r"), ("daily-1", "a@r")]
    assert named(limit=1) == [("daily-2", "a@r")]


# ------------------------------------------------------------------------------------------------------- the balance


def test_the_tally_balances(store: Store) -> None:
    """Every delivery is counted in exactly one state; one in hand counts as not sent yet."""
    issue_id = freeze(store, *(f"{n}@r" for n in range(9)))
    other = freeze(store, "x@r", number=2)
    batch = lease(store, issue_id)
    outcomes = ["accepted", "rejected", "deferred", "suppressed", "accepted", "uncertain", "expired"]
    for one, state in zip(batch, outcomes, strict=False):
        settle(store, one, state)  # type: ignore[arg-type]
    deliveries.start(store, [batch[-1].id], START)
    tally = deliveries.tally(store, [issue_id])
    counts = {"accepted": 2, "rejected": 1, "deferred": 1, "suppressed": 1, "uncertain": 1, "expired": 1}
    assert tally == Tally(**counts, pending=2)
    assert (tally.settled, tally.open) == (5, 4)
    assert deliveries.tally(store, [issue_id, other]) == Tally(**counts, pending=3)
    assert tally.any


def test_a_balance_that_does_not_come_out_is_an_error(store: Store) -> None:
    """A delivery that somebody took out of the database is missed."""
    issue_id = freeze(store, "a@r", "b@r")
    store.conn.execute("DELETE FROM deliveries WHERE address = 'a@r'")
    with pytest.raises(StoreError, match="2 deliveries were frozen and 1 are there"):
        deliveries.tally(store, [issue_id])


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
        settle(store, lease(store, issue_id)[0], "lost")  # type: ignore[arg-type]
    deliveries.release(store)
    crash(store)
    assert leased(store, issue_id) == ["a@r"]


def test_an_old_database_keeps_its_deliveries(store: Store) -> None:
    """Migrated, each has its id, its Message-ID and its state; what was in flight is in doubt; indexes are there."""
    states_then = ["pending", "inflight", "accepted", "deferred", "rejected", "suppressed"]
    freeze(store, *(f"{state}@r" for state in states_then))
    for old in (
        "UPDATE deliveries SET id = id + 40, attempts = 1, reply = 'so', next_at = '2026'",
        "ALTER TABLE deliveries RENAME TO now",
        """CREATE TABLE deliveries (id INTEGER PRIMARY KEY, issue_id INTEGER NOT NULL REFERENCES issues(id),
        address TEXT NOT NULL, message_id TEXT NOT NULL UNIQUE, state TEXT NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'inflight', 'accepted', 'deferred', 'rejected', 'suppressed')),
        attempts INTEGER NOT NULL DEFAULT 0, next_at TEXT, reply TEXT NOT NULL DEFAULT '', updated_at TEXT NOT NULL,
        language TEXT NOT NULL DEFAULT '', UNIQUE (issue_id, address))""",
        """INSERT INTO deliveries SELECT id, issue_id, address, message_id, substr(address, 1, length(address) - 2),
        attempts, next_at, reply, updated_at, 'de' FROM now""",
        "DROP TABLE now",
        "CREATE INDEX deliveries_open ON deliveries (issue_id) WHERE state IN ('pending', 'inflight', 'deferred')",
        "ALTER TABLE issues DROP COLUMN readers",
        "DELETE FROM _sqlite_migrations WHERE name = 'ledger'",
    ):
        store.conn.execute(old)
    sql = "SELECT id, address, message_id, attempts, next_at, reply, updated_at, language FROM deliveries ORDER BY id"
    before = [tuple(row) for row in store.rows(sql)]
    with open_store(store.path) as migrated:
        assert [tuple(row) for row in migrated.rows(sql)] == before
        found = {row["address"]: (row["state"], row["doubts"]) for row in migrated.rows("SELECT * FROM deliveries")}
        expected = {f"{state}@r": (state, 0) for state in states_then} | {"inflight@r": ("uncertain", 1)}
        assert found == expected
        balance = Tally(accepted=1, rejected=1, deferred=1, suppressed=1, pending=1, uncertain=1)
        assert deliveries.tally(migrated, [1]) == balance
        [plan] = migrated.rows(f"EXPLAIN QUERY PLAN SELECT 1 FROM deliveries WHERE issue_id = 1 AND {issues.IS_OPEN}")
        assert "deliveries_open" in plan["detail"]
        with pytest.raises(sqlite3.IntegrityError):
            migrated.conn.execute("UPDATE deliveries SET address = 'pending@r'")
