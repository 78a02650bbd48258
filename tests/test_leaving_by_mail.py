"""What comes back ends subscriptions, and is forgotten with its reader."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest

from tests.returned_mail import MAILBOX, START, coded, mail_issue, report
from tidings import intake, standing
from tidings.model import AddressChange, Arrival, Evidence
from tidings.store import Store, consents, erasing, moves, open_store, subscribers

ANN, BOB = "ann@readers.example", "bob@readers.example"
LATER = START + timedelta(hours=1)
COMPLAINT = """\
From: abuse@mx.example
To: <{to}>
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

A complaint.

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: mx/1
Version: 1

--b--
"""


def subscribe(store: Store, *editions: str) -> int:
    for edition in editions:
        subscribers.add(store, ANN, edition, "web", Evidence(), START)
    found = subscribers.find(store, ANN)
    assert found is not None
    return found.id


def mailed(store: Store) -> set[str]:
    return {name for name in ("weekly", "daily") if subscribers.active(store, name)}


def test_a_mail_to_unsubscribe_ends_that_subscription(store: Store) -> None:
    """And no other, as its reader's own doing; a click takes it back, since nothing is held against the address."""
    ann = subscribe(store, "weekly", "daily")
    (delivery,) = mail_issue(store, ANN)
    to = coded(store, delivery, "unsubscribe")
    assert intake.take(store, Arrival(ANN, to, b"Subject: stop\r\n\r\n"), MAILBOX, LATER).effect == "unsubscribed"
    assert mailed(store) == {"daily"}
    line = consents.trail(store, ann)[-1]
    assert (line.what, dict(line.evidence.detail)) == ("left", {"issue": "weekly-1", "by": "mail"})
    assert subscribers.come_back(store, ann, "weekly", Evidence(), LATER)
    assert mailed(store) == {"weekly", "daily"}
    assert standing.suppressed(store, [ANN], "weekly") == {}


def test_a_complaint_ends_them_all(store: Store) -> None:
    """Whoever calls one mail spam does not want the others."""
    subscribe(store, "weekly", "daily")
    (delivery,) = mail_issue(store, ANN)
    to = coded(store, delivery)
    taken = intake.take(store, Arrival("", to, COMPLAINT.format(to=to).encode()), MAILBOX, LATER)
    assert (taken.kind, taken.effect) == ("complaint", "suppressed")
    assert mailed(store) == set()


def test_what_came_back_is_forgotten_with_its_reader(store: Store) -> None:
    """Messages that hold the address, whoever sent them, and what servers said; those of others stay."""
    subscribe(store, "weekly")
    first, _ = mail_issue(store, ANN, BOB)
    intake.take(store, report(store, first, words=f"550 <{ANN}> is unknown"), MAILBOX, LATER)
    for sender in (ANN.upper(), BOB):
        intake.take(store, Arrival(sender, MAILBOX, f"From: {sender}\r\n\r\nWhat?\r\n".encode()), MAILBOX, LATER)
    erasing.erase(store, ANN, LATER)
    rows = store.rows("SELECT diagnostic, message FROM returned_mail ORDER BY id")
    assert [(row["diagnostic"], row["message"] is None) for row in rows] == [("", True), ("", True), ("", False)]
    assert not any(b"ann@" in bytes(row["message"] or b"").lower() for row in rows)


def keep_messages(store: Store, count: int) -> None:
    """Keeps messages that name a reader, as strangers write them."""
    for number in range(count):
        intake.take(store, Arrival(BOB, MAILBOX, f"From: {BOB}\r\n\r\n{number} {ANN}\r\n".encode()), MAILBOX, LATER)


def is_free(store: Store) -> bool:
    """Whether somebody else may write now."""
    with closing(sqlite3.connect(store.path, timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        other.execute("ROLLBACK")
        return True


def erase_here(store: Store) -> None:
    erasing.erase(store, ANN, LATER)


def erase_on_the_page(store: Store) -> None:
    """As a page does, which looks once more who its reader is."""
    held = erasing.look_through(store, ANN)
    with store.write():
        erasing.erase(store, ANN, LATER, held=held)


@pytest.mark.parametrize("erase", [erase_here, erase_on_the_page])
def test_what_is_kept_is_gone_through_while_others_may_write(store: Store, erase: Callable[[Store], None]) -> None:
    """A thousand messages take seconds. What comes meanwhile is looked at as well."""
    keep_messages(store, 5)
    was_free: list[bool] = []

    def begins(statement: str) -> None:
        if "holds(message" not in statement:
            return
        was_free.append(is_free(store))
        if len(was_free) == 1:
            with open_store(store.path) as other:
                keep_messages(other, 7)

    store.conn.set_trace_callback(begins)
    erase(store)
    store.conn.set_trace_callback(None)
    assert was_free == [True, False]
    assert [row["message"] for row in store.rows("SELECT message FROM returned_mail")] == [None] * 7


def test_what_comes_back_after_a_reader_is_erased_is_not_kept(store: Store) -> None:
    """It is known to be nobody's any more: neither the message, which names the address, nor what was said stays."""
    subscribe(store, "weekly")
    [delivery] = mail_issue(store, ANN)
    late = report(store, delivery, words=f"550 <{ANN}> is unknown")
    erasing.erase(store, ANN, LATER)
    intake.take(store, late, MAILBOX, LATER)
    [row] = store.rows("SELECT delivery_id, message, diagnostic FROM returned_mail")
    assert (row["delivery_id"], row["message"]) == (delivery, None)
    assert ANN not in row["diagnostic"]


def test_an_old_mail_ends_it_for_who_has_moved(store: Store) -> None:
    """What was sent to the address that the reader had is the reader's still: its way out, and that it was called spam.
    What is held against an address stays with that one."""
    ann = subscribe(store, "weekly", "daily")
    (delivery,) = mail_issue(store, ANN)
    store.conn.execute("UPDATE deliveries SET subscriber_id = ?, state = 'accepted'", (ann,))
    with store.write():
        moves.carry_out(store, AddressChange("a", ann, BOB, START, ""), START)
    to = coded(store, delivery, "unsubscribe")
    assert intake.take(store, Arrival(ANN, to, b"Subject: stop\r\n\r\n"), MAILBOX, LATER).effect == "unsubscribed"
    assert mailed(store) == {"daily"}
    to = coded(store, delivery)
    intake.take(store, Arrival("", to, COMPLAINT.format(to=to).encode()), MAILBOX, LATER)
    assert mailed(store) == set()
    assert set(standing.suppressed(store, [ANN, BOB], "daily")) == {ANN}
