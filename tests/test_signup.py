"""Subscribing over the web: who is mailed, what a confirmation makes, and that no order of events gets round the
limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import NOW, edition
from tidings import signing, signup
from tidings.addresses import pseudonym
from tidings.model import Delivery, Evidence, IssueContent, Mailed, Receipt, Subscriber
from tidings.readers.signups import filling, reply
from tidings.settling import settlement
from tidings.signing import Purpose
from tidings.signup import Wish
from tidings.standing import suppressed
from tidings.store import (
    Store,
    consents,
    deliveries,
    erasing,
    file_readers,
    issues,
    keys,
    notes,
    open_store,
    signups,
    site,
    subscribers,
    suppressions,
)

ANN = "ann@readers.example"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DAILY, WEEKLY = edition(name="daily", signup=True), edition(name="weekly", signup=True)
HERE = ip_address("192.0.2.7")
BOTH = ("daily", "weekly")
DOMAIN = "planet.example"


def wish(address: str = ANN, editions: tuple[str, ...] = ("daily",)) -> Wish:
    return Wish(address, editions, "de", "page", "I want this.")


def a_name(number: int) -> str:
    return f"{number:016x}"


def ask(store: Store, number: int = 1, address: str = ANN, now: datetime = NOW, **more: tuple[str, ...]) -> bool:
    """Asks from a network of its own, so that only the address counts."""
    client = ip_address(0x0A000000 + 256 * number)
    return signup.ask(store, wish(address, **more), client, a_name(number), now).may_go


def link(store: Store, number: int = 1, now: datetime = NOW) -> str:
    return signing.sign(Purpose.CONFIRM, a_name(number), "", keys.usable(store, now), now)


def way_out(store: Store, address: str = ANN) -> str:
    print_ = pseudonym(address, site.secret(store))
    return signing.sign(Purpose.REFUSE, print_.hex(), "", keys.usable(store, NOW), NOW)


def confirm(store: Store, number: int = 1, now: datetime = NOW + HOUR, offered: tuple[str, ...] = BOTH) -> str:
    return signup.confirm(store, link(store, number), offered, DOMAIN, HERE, now).step


def queued(store: Store) -> list[tuple[str, str]]:
    return [(one.kind, one.address) for one in notes.due(store, NOW + 900 * DAY)]


def running(store: Store, address: str = ANN) -> set[str]:
    found = subscribers.find(store, address)
    return {one.edition for one in found.subscriptions if not one.ended_by} if found else set()


def an_issue(store: Store, number: int = 1, name: str = "daily", now: datetime = NOW, **kept: datetime) -> int:
    content = IssueContent(
        edition=name,
        edition_title="The daily",
        number=number,
        subject="Issue",
        frozen_at=now,
        timezone="UTC",
        language="en",
        site_title="A planet",
        site_url="https://planet.example",
        items=(),
    )
    return issues.freeze(store, content, [], None, now, **kept)


# ------------------------------------------------------------------------------------------------------------ the rules


@pytest.mark.parametrize(
    ("mailed", "is_refused", "is_subscribed", "note"),
    [
        (Mailed(), False, False, "confirm"),
        (Mailed(1, NOW - DAY), False, False, "confirm"),
        (Mailed(1, NOW - DAY + timedelta(seconds=1)), False, False, "blank"),
        (Mailed(2, NOW - DAY), False, False, "confirm"),
        (Mailed(3, NOW - 900 * DAY), False, False, "blank"),
        (Mailed(1, NOW + 900 * DAY), False, False, "blank"),
        (Mailed(), True, False, "blank"),
        (Mailed(), True, True, "blank"),
        (Mailed(), False, True, "already"),
        (Mailed(3, NOW - DAY), False, True, "already"),
        (Mailed(0, NOW - HOUR), False, True, "blank"),
    ],
)
def test_which_mail_goes(mailed: Mailed, is_refused: bool, is_subscribed: bool, note: str) -> None:
    """At most one a day, three for who never confirms, none for who wants none; a clock set back changes nothing."""
    answer = reply(mailed, is_refused=is_refused, is_subscribed=is_subscribed, now=NOW)
    assert answer.note == note
    assert answer.mailed.at is None or answer.mailed.at <= NOW
    assert answer.mailed.count == mailed.count + (note == "confirm")


@pytest.mark.parametrize(
    ("decoy", "shown_at", "expected"),
    [
        ("", None, "person"),
        ("", NOW - timedelta(seconds=3), "person"),
        ("", NOW - timedelta(seconds=2), "too fast"),
        ("", NOW + HOUR, "too fast"),
        ("", "long ago", "too old"),
        ("x", None, "program"),
        ("x", NOW - HOUR, "program"),
    ],
)
def test_how_a_form_was_filled(decoy: str, shown_at: datetime | None, expected: str) -> None:
    """A program fills what nobody sees, or is faster than a person."""
    assert filling(decoy, shown_at, NOW) == expected


# -------------------------------------------------------------------------------------------------------------- asking


def test_nobody_is_a_subscriber_before_the_click(store: Store) -> None:
    """The row stands apart, with what was asked for, when, from which network, and what was agreed to."""
    assert ask(store, editions=BOTH)
    assert subscribers.find(store, ANN) is None
    found = signup.look_up(store, link(store), NOW + HOUR)
    assert found.step == "open"
    assert found.signup == signups.named(store, a_name(1))
    assert found.signup is not None
    assert found.signup.editions == BOTH
    assert found.signup.evidence == Evidence("page", "I want this.", "10.0.1.0/24")
    assert queued(store) == [("confirm", ANN)]


def test_a_thousand_sign_ups_for_one_address_are_one_mail(store: Store) -> None:
    """From as many networks, in all spellings of the address; and three in as many days as there are."""
    spellings = [ANN, ANN.upper(), "Ann@READERS.example"]
    for number in range(1000):
        ask(store, number, spellings[number % 3], NOW + timedelta(seconds=40 * number))
    assert [kind for kind, _ in queued(store)] == ["confirm"]
    for number in range(1000, 1060):
        ask(store, number, ANN, NOW + (number - 998) * DAY)
    assert [kind for kind, _ in queued(store)] == ["confirm"] * 3


def test_a_thousand_addresses_of_one_network_are_three_mails(store: Store) -> None:
    """Whatever the address is, and whichever house of the /24 asks."""
    for number in range(1000):
        client = ip_address(f"192.0.2.{number % 250}")
        signup.ask(store, wish(f"reader{number}@readers.example"), client, a_name(number), NOW)
    assert len(queued(store)) == 3
    assert signups.floods(store) == {}


def test_a_flood_from_everywhere_is_noted_once_an_hour(store: Store) -> None:
    """A hundred mails go; that more was asked for is written down, but not with each request."""
    for number in range(200):
        ask(store, number, f"reader{number}@readers.example", NOW + timedelta(seconds=number / 100))
    assert len(queued(store)) == 100
    first = signups.floods(store)
    assert list(first) == ["sign-up"]
    assert first["sign-up"] < NOW + timedelta(seconds=2)
    ask(store, 500, "x@readers.example", NOW + timedelta(seconds=3))
    assert signups.floods(store) == first


def test_who_has_it_already_is_told_once_a_day(store: Store) -> None:
    """So that the page, which says that a mail comes, is right for all; and nothing waits to be confirmed."""
    file_readers.sync(store, [replace(DAILY, subscribers=(Subscriber(ANN),))], NOW)
    for number in range(10):
        ask(store, number, ANN, NOW + number * 6 * HOUR)
    assert queued(store) == [("already", ANN)] * 3
    assert signups.pending(store) == 0


def test_only_what_is_new_is_asked_about(store: Store) -> None:
    """Who has one edition and wants two confirms the other."""
    file_readers.sync(store, [replace(DAILY, subscribers=(Subscriber(ANN),))], NOW)
    ask(store, editions=BOTH)
    found = signup.look_up(store, link(store), NOW)
    assert found.signup is not None
    assert found.signup.editions == ("weekly",)


def test_what_nobody_confirms_is_erased_after_a_week(store: Store) -> None:
    """But for the count of mails, which is under a hash."""
    ask(store)
    later = NOW + signups.KEPT + HOUR
    ask(store, 2, "bob@readers.example", later)
    assert ANN not in "\n".join(store.conn.iterdump()).split('INSERT INTO "notes"')[0]
    assert signup.look_up(store, link(store, 1, later), later).step == "over"
    assert [signups.mailed(store, pseudonym(ANN, site.secret(store))).count] == [1]


def test_asking_goes_through_no_table_of_strangers(store: Store) -> None:
    """There can be a million of them, and all who write wait for a request meanwhile."""
    statements: list[str] = []
    store.conn.set_trace_callback(statements.append)
    ask(store)
    store.conn.set_trace_callback(None)
    changes = [one for one in statements if one.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))]
    plans = [row["detail"] for one in changes for row in store.rows(f"EXPLAIN QUERY PLAN {one}")]
    assert any("sent_to_strangers" in one for one in changes)
    assert [step for step in plans if step in ("SCAN sent_to_strangers", "SCAN signups_done", "SCAN signups")] == []


# ----------------------------------------------------------------------------------------------------------- confirming


def test_the_click_makes_a_subscriber(store: Store) -> None:
    """With the trail of both steps, in the language of the form; the row is gone, and the link says it was used."""
    ask(store, editions=BOTH)
    assert confirm(store) == "open"
    reader = subscribers.find(store, ANN)
    assert reader is not None
    assert (running(store), reader.language) == (set(BOTH), "de")
    assert [(one.edition, one.what, one.evidence.network) for one in consents.trail(store, reader.id)] == [
        ("daily", "asked", "10.0.1.0/24"),
        ("weekly", "asked", "10.0.1.0/24"),
        ("daily", "confirmed", "192.0.2.0/24"),
        ("weekly", "confirmed", "192.0.2.0/24"),
    ]
    assert {one.evidence.wording for one in consents.trail(store, reader.id)} == {"I want this."}
    assert signups.pending(store) == 0
    assert [confirm(store) for _ in range(3)] == ["done"] * 3
    assert len(consents.trail(store, reader.id)) == 4


def test_a_link_is_good_for_three_days(store: Store) -> None:
    """Then it does nothing, nor does one for another purpose."""
    ask(store)
    assert confirm(store, now=NOW + timedelta(hours=72)) == "over"
    other = signing.sign(Purpose.FORM, a_name(1), "", keys.usable(store, NOW), NOW)
    assert signup.confirm(store, other, BOTH, DOMAIN, HERE, NOW).step == "not ours"
    assert confirm(store, now=NOW + timedelta(hours=71)) == "open"


def test_who_left_comes_back_by_both_steps(store: Store) -> None:
    """Even a reader of the file whom the file cannot bring back."""
    listed = [replace(DAILY, subscribers=(Subscriber(ANN),))]
    file_readers.sync(store, listed, NOW)
    reader = subscribers.find(store, ANN)
    assert reader is not None
    subscribers.leave(store, reader.id, "daily", "complaint", Evidence(), NOW)
    ask(store)
    assert running(store) == set()
    assert confirm(store) == "open"
    assert running(store) == {"daily"}


def test_an_edition_that_is_closed_meanwhile_is_not_begun(store: Store) -> None:
    """The other one is; with none left the link is worth nothing."""
    ask(store, editions=BOTH)
    assert confirm(store, offered=()) == "over"
    assert confirm(store, offered=("weekly",)) == "open"
    assert running(store) == {"weekly"}


def test_a_confirmation_forgives_the_mails_it_took(store: Store) -> None:
    """Whoever subscribes and leaves may subscribe again, later."""
    for number in range(3):
        ask(store, number, now=NOW + number * DAY)
    assert signup.confirm(store, link(store, 2, NOW + 2 * DAY), BOTH, DOMAIN, HERE, NOW + 2 * DAY).step == "open"
    ask(store, 4, now=NOW + 4 * DAY, editions=("weekly",))
    assert queued(store) == [("confirm", ANN)] * 4


def test_who_has_confirmed_may_ask_for_more_on_the_same_day(store: Store) -> None:
    """A mail for each, as the page says; but for three rounds a day at most."""
    names = [f"edition{number}" for number in range(5)]
    for number, name in enumerate(names):
        at = NOW + number * HOUR
        ask(store, number, now=at, editions=(name,))
        signup.confirm(store, link(store, number, at), names, DOMAIN, HERE, at)
    assert running(store) == set(names[:3])
    ask(store, 9, now=NOW + 2 * DAY, editions=("daily",))
    assert queued(store) == [("confirm", ANN)] * 4


def left(store: Store) -> None:
    reader = subscribers.find(store, ANN)
    assert reader is not None
    subscribers.leave(store, reader.id, "daily", "link", Evidence(), NOW)


def bounced(store: Store) -> None:
    suppressions.add(store, pseudonym(ANN, site.secret(store)), "", "bounced", "550 no such user", NOW)


@pytest.mark.parametrize("happens", [left, bounced])
def test_a_round_counts_whatever_comes_back_by_it(store: Store, happens: Callable[[Store], None]) -> None:
    """Who leaves after each click, or whose mail comes back, has three mails a day as well, one more a day later."""
    for number in range(12):
        at = NOW + number * MINUTE
        ask(store, number, now=at)
        signup.confirm(store, link(store, number, at), BOTH, DOMAIN, HERE, at)
        happens(store)
    assert queued(store) == [("confirm", ANN)] * 3
    ask(store, 99, now=NOW + DAY + HOUR)
    assert queued(store) == [("confirm", ANN)] * 4


# ---------------------------------------------------------------------------------------------------- the newest issue


def test_the_newest_issue_is_delivered_as_a_welcome(store: Store) -> None:
    """As a delivery of that issue, which counts it, and which a second click does not repeat; its age does not make it
    stale, and no new issue has to wait for it."""
    for number in (1, 2):
        an_issue(store, number)
    held = an_issue(store, 3)
    store.conn.execute("UPDATE issues SET dropped_at = '2026' WHERE id = ?", (held,))
    ask(store)
    confirm(store)
    confirm(store)
    rows = store.rows("SELECT i.number, i.readers, d.* FROM deliveries d JOIN issues i ON i.id = d.issue_id")
    assert [(row["number"], row["readers"], row["address"], row["state"]) for row in rows] == [(2, 1, ANN, "pending")]
    issue_id = rows[0]["issue_id"]
    assert deliveries.expire(store, issue_id, NOW + 30 * DAY) == 0
    assert not issues.interrupted(store, "daily")
    assert deliveries.tally(store, [issue_id]).pending == 1
    (delivery,) = deliveries.lease(store, [issue_id], 10, "resend", NOW + HOUR)
    assert (delivery.address, delivery.since) == (ANN, NOW + HOUR)


@pytest.mark.parametrize("of", ["", "daily"])
@pytest.mark.parametrize("reason", ["bounced", "unsubscribed"])
def test_a_confirmation_shows_that_mail_arrives_again(store: Store, reason: suppressions.Reason, of: str) -> None:
    """Whose mail came back, or who left by mail, is asked like anybody, and is mailed again after the click; what is
    held against another edition stays."""
    print_ = pseudonym(ANN, site.secret(store))
    subscribers.add(store, ANN, "daily", "cli", Evidence(), NOW)
    suppressions.add(store, print_, of, reason, "550 no such user", NOW)
    suppressions.add(store, print_, "weekly", "unsubscribed", "", NOW)
    ask(store)
    assert queued(store) == [("confirm", ANN)]
    assert confirm(store) == "open"
    assert suppressed(store, [ANN], "daily") == {}
    assert list(suppressed(store, [ANN], "weekly")) == [ANN]


@pytest.mark.parametrize("reason", ["complained", "by-hand"])
def test_who_is_not_to_be_mailed_is_not_asked(store: Store, reason: suppressions.Reason) -> None:
    """After a complaint, or a no of the operator, no form has an address mailed, and no older link brings it back."""
    print_ = pseudonym(ANN, site.secret(store))
    ask(store, 1)
    suppressions.add(store, print_, "", reason, "", NOW)
    ask(store, 2, now=NOW + 2 * DAY)
    assert queued(store) == [("confirm", ANN)]
    assert confirm(store) == "over"
    assert running(store) == set()


def test_what_is_not_barred_can_be_had(store: Store) -> None:
    """An edition that the operator does not want somebody to get is left out; the other is asked for."""
    suppressions.add(store, pseudonym(ANN, site.secret(store)), "daily", "by-hand", "", NOW)
    ask(store, editions=BOTH)
    assert confirm(store) == "open"
    assert running(store) == {"weekly"}


def test_a_welcome_is_tried_for_as_long_as_any_mail() -> None:
    """Two days from the click, though its issue is a week old; what came with the issue is given up by then."""
    refused = Receipt("deferred", "451 greylisted")
    late = Delivery(1, 1, ANN, "<1>", attempts=6, since=NOW - HOUR)
    assert settlement(late, refused, NOW - 7 * DAY, NOW).state == "deferred"
    assert settlement(late, refused, NOW - 7 * DAY, NOW + 2 * DAY).state == "rejected"
    assert settlement(replace(late, since=None), refused, NOW - 7 * DAY, NOW).state == "rejected"


def test_no_issue_comes_twice_to_who_returns(store: Store) -> None:
    """One who had the newest issue before leaving gets no second; one whose was kept back gets it now."""
    for state, expected in (("accepted", "accepted"), ("suppressed", "pending")):
        address = f"{state}@readers.example"
        number = len(issues.frozen(store)) + 1
        issue = an_issue(store, number)
        store.conn.execute("UPDATE issues SET readers = 1 WHERE id = ?", (issue,))
        store.conn.execute(
            "INSERT INTO deliveries (issue_id, address, message_id, state, updated_at) VALUES (?, ?, ?, ?, '2026')",
            (issue, address, f"<{state}>", state),
        )
        ask(store, number, address)
        confirm(store, number)
        rows = store.rows("SELECT state FROM deliveries WHERE address = ?", (address,))
        assert [row["state"] for row in rows] == [expected]
        deliveries.tally(store, [issue])


def test_without_an_issue_there_is_no_welcome(store: Store) -> None:
    """The first one comes by itself."""
    ask(store)
    assert confirm(store) == "open"
    assert store.rows("SELECT * FROM deliveries") == []


# ------------------------------------------------------------------------------------------------------------- refusing


def test_it_was_not_me(store: Store) -> None:
    """The address is known by its hash only, is not mailed again, and the confirmation that is out is worth nothing."""
    ask(store)
    before = queued(store)
    assert signup.look_up_refusal(store, way_out(store), NOW) == "open"
    assert queued(store) == before
    assert [signup.refuse(store, way_out(store), NOW) for _ in range(2)] == ["open", "done"]
    assert confirm(store) == "over"
    for number in range(2, 9):
        assert ask(store, number, now=NOW + number * 2 * DAY)
    assert queued(store) == []
    assert ANN not in "\n".join(store.conn.iterdump())


def test_an_old_mail_cannot_shut_out_a_subscriber(store: Store) -> None:
    """Once confirmed, the link for refusing in the same mail is worth nothing."""
    ask(store)
    confirm(store)
    assert signup.refuse(store, way_out(store), NOW + DAY) == "over"
    assert running(store) == {"daily"}


def test_who_never_asked_cannot_be_refused(store: Store) -> None:
    """A link is for one address, and only where a mail went."""
    ask(store)
    assert signup.refuse(store, way_out(store, "bob@readers.example"), NOW) == "over"
    assert signup.refuse(store, link(store), NOW) == "not ours"
    assert not store.rows("SELECT * FROM refusals")


def test_what_stands_for_nobody_goes_with_the_next_mails(store: Store) -> None:
    """As many rows are written where no mail goes; none of them has an address, or is left for long."""
    file_readers.sync(store, [replace(DAILY, subscribers=(Subscriber(ANN),))], NOW)
    ask(store)
    ask(store, 2)
    ask(store, 3, "bob@readers.example")
    assert [len(store.rows(f"SELECT * FROM {table}")) for table in ("signups", "notes")] == [3, 3]
    signups.drop_blanks(store)
    assert [row["address"] for row in store.rows("SELECT address FROM signups")] == ["bob@readers.example"]
    assert queued(store) == [("already", ANN), ("confirm", "bob@readers.example")]
    assert len(store.rows("SELECT * FROM notes")) == 2


def test_erasing_takes_the_asking_too(store: Store) -> None:
    """Neither the row nor the mail that waits is left, nor how often there was one."""
    ask(store)
    erasing.erase(store, ANN, NOW, refuse=False)
    assert ANN not in "\n".join(store.conn.iterdump())
    assert store.rows("SELECT * FROM sent_to_strangers") == []


# ------------------------------------------------------------------------------------------------- any order of events

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "confirm", "refuse", "restart"]),
        st.integers(0, 2),
        st.sampled_from([0, 1, 3600, 86_399, 86_400, 7 * 86_400, -86_400]),
    ),
    max_size=40,
)


@given(steps=STEPS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_of_events_gets_round_the_limits(steps: list[tuple[str, int, int]], tmp_path: Path) -> None:
    """However often the program is started anew, and whatever the clock does: no more than three confirmations between
    two clicks, none after a refusal, no subscriber without a click, and no address without its reader's."""
    database = tmp_path / f"{len(list(tmp_path.iterdir()))}.db"
    addresses = [f"reader{n}@readers.example" for n in range(3)]
    mails = dict.fromkeys(addresses, 0)
    refused, clicked, now, number = set[str](), set[str](), NOW, 0
    with open_store(database) as store:
        keys.usable(store, NOW)
    for step, who, seconds in steps:
        address, now = addresses[who], now + timedelta(seconds=seconds)
        with open_store(database) as store:
            if step == "ask":
                number += 1
                before = len(queued(store))
                ask(store, number, address, now)
                mails[address] += len(queued(store)) - before if address not in clicked else 0
            elif step == "confirm" and (row := _newest(store, address)):
                token = signing.sign(Purpose.CONFIRM, row, "", keys.usable(store, now), now)
                assert signup.confirm(store, token, BOTH, DOMAIN, HERE, now).step == "open"
                clicked.add(address)
                mails[address] = 0
            elif step == "refuse" and signup.refuse(store, way_out(store, address), now) == "open":
                refused.add(address)
                mails[address] = 0
            assert max(mails.values()) <= 3
            assert all(mails[one] == 0 for one in refused)
            assert {one for one in addresses if running(store, one)} == clicked


def _newest(store: Store, address: str) -> str:
    row = store.row("SELECT name FROM signups WHERE address = ? ORDER BY name DESC", (address,))
    return row["name"] if row else ""
