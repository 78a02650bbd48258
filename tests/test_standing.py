"""Readers who are not to be mailed are not, and what servers say of readers while we send is held against them."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.smtp_servers import ScriptedServer, real_server
from tests.test_deliver import START, freeze, now_pace, office, readers
from tests.transports import Clock, RecordingTransport
from tidings import deliver, standing
from tidings.addresses import pseudonym
from tidings.mail.bounces_score import is_dead, points
from tidings.mail.verp import unsubscribe_address
from tidings.model import Receipt, Score
from tidings.store import Store, open_store, site, suppressions
from tidings.store.suppressions import ALL

ANN, BOB = readers(2)


def score(store: Store, address: str) -> Score:
    return suppressions.score(store, pseudonym(address, site.secret(store)))


def rows(store: Store) -> list[tuple[str, str]]:
    return [tuple(row) for row in store.rows("SELECT state, reply FROM deliveries ORDER BY id")]


@pytest.mark.parametrize(("edition", "state"), [(ALL, "suppressed"), ("daily", "suppressed"), ("weekly", "accepted")])
def test_who_is_suppressed_is_not_mailed(store: Store, edition: str, state: str) -> None:
    """Neither of that edition nor, where that was said, of any; the delivery says why, and the others get theirs."""
    standing.suppress(store, ANN.upper(), edition, "complained", "", START)
    one, mail = freeze(store, ANN, BOB), RecordingTransport()
    deliver.deliver(store, one, mail.office(), Clock(START).pace())
    assert [row[0] for row in rows(store)] == [state, "accepted"]
    assert (rows(store)[0][1] == "it called our mail spam (2026-11-27)") == (state == "suppressed")
    assert (ANN in mail.recipients) == (state == "accepted")


def test_an_unsubscription_counts_while_an_issue_goes_out(store: Store) -> None:
    """Whoever is not in hand yet does not get it any more."""
    everybody = readers(250)
    one = freeze(store, *everybody)

    class Leaving(RecordingTransport):
        def send(self, parcel, may_go):  # type: ignore[no-untyped-def]
            if not self.letters:
                with open_store(store.path) as other:
                    standing.suppress(other, everybody[240], "daily", "unsubscribed", "", START)
            return super().send(parcel, may_go)

    mail = Leaving()
    dispatch = deliver.deliver(store, one, mail.office(), now_pace())
    assert everybody[240] not in mail.recipients
    assert dispatch.tally.suppressed == 1
    assert rows(store)[240] == ("suppressed", "it unsubscribed (2026-11-27)")


def test_one_query_serves_a_batch(store: Store) -> None:
    """However many readers there are, a batch of a hundred asks once."""
    one, asked = freeze(store, *readers(300)), []
    store.conn.set_trace_callback(lambda sql: asked.append(sql) if "FROM suppressions" in sql else None)
    deliver.deliver(store, one, RecordingTransport().office(), now_pace())
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("verb", "answer", "held", "dead"),
    [
        ("RCPT", "550 5.1.1 no such user", 4, True),
        ("RCPT", "550 5.2.1 mailbox disabled", 2, False),
        ("RCPT", "550 no", 1, False),
        ("RCPT", "550 5.1.1 blocked for spam", 0, False),
        ("RCPT", "550 5.7.1 policy", 0, False),
        (".", "550 5.1.1 no such user after all", 2, False),
        (".", "554 no such user", 0, False),
        ("MAIL", "550 5.1.8 bad sender", 0, False),
        ("RCPT", "450 4.2.0 greylisted", 0, False),
    ],
)
def test_a_refusal_is_held_against_its_reader(store: Store, verb: str, answer: str, held: int, dead: bool) -> None:
    """What is final, hard, soft, or nothing of the reader at all: only the server's word to the reader's name is final,
    and a refusal of the message says nothing. Who is dead is suppressed for the server's reason."""
    one = freeze(store, *readers(3))
    usual = {"MAIL": "250 ok", "RCPT": "250 ok", ".": "250 queued"}
    with ScriptedServer({verb: lambda before: usual[verb] if before else answer}) as server:
        deliver.deliver(store, one, office(server.port), Clock(START).pace())
    assert points(score(store, readers(3)[0])) == held
    assert is_dead(score(store, readers(3)[0])) == dead
    assert [one.words for one in suppressions.listed(store)] == ([answer] if dead else [])
    assert score(store, readers(3)[1]) == Score()


def test_who_was_refused_is_left_out_of_the_next_issue(store: Store) -> None:
    """And the delivery says what the server had said."""
    freeze(store, *readers(3))
    one = freeze(store, *readers(3), number=2)
    with ScriptedServer({"RCPT": lambda before: "250 ok" if before else "550 5.1.1 no such user"}) as server:
        deliver.deliver(store, one, office(server.port), Clock(START).pace())
        assert sum(line.startswith("RCPT") for line in server.heard) == 5
    assert rows(store)[3] == ("suppressed", "mail to it bounced (2026-11-27): 550 5.1.1 no such user")


def test_giving_up_is_held_against_the_reader(store: Store) -> None:
    """Put off six times within two days, then given up: that is a soft failure, counted once."""
    one, clock = freeze(store, ANN, BOB), Clock(START)
    mail = RecordingTransport({ANN: [Receipt("deferred", "452 4.2.2 over quota")] * 9})
    for _ in range(5):
        deliver.deliver(store, one, mail.office(), clock.pace())
        clock.now += timedelta(hours=12)
    assert score(store, ANN) == Score()
    deliver.deliver(store, one, mail.office(), clock.pace())
    assert [row[0] for row in rows(store)] == ["rejected", "accepted"]
    assert score(store, ANN).fresh == ((1, 1),)


def test_what_no_server_said_is_held_against_nobody(store: Store) -> None:
    """A server without SMTPUTF8 is not the reader's fault."""
    address = "ann-ä@r1.example"
    one = freeze(store, address, BOB)
    with real_server(smtputf8=False) as (port, _):
        deliver.deliver(store, one, office(port), Clock(START).pace())
    assert [row[0] for row in rows(store)] == ["rejected", "accepted"]
    assert score(store, address) == Score()


@pytest.mark.parametrize("count", [1, 4, 60])
def test_a_server_that_knows_nobody_is_not_believed(store: Store, count: int) -> None:
    """A relay that is set up wrongly refuses all of a list, be it short or long, issue after issue: nothing is held
    against anybody."""
    with ScriptedServer({"RCPT": "550 5.1.1 no such user"}) as server:
        for number in (1, 2):
            one = freeze(store, *readers(count), number=number)
            deliver.deliver(store, one, office(server.port), Clock(START).pace())
    assert {row[0] for row in rows(store)} == {"rejected"}
    assert suppressions.listed(store) == []


def test_where_refusals_are_the_rule_they_are_not_believed(store: Store) -> None:
    """Nor is one that knows a single reader: it costs a few their mail at most."""
    one = freeze(store, *readers(60))
    with ScriptedServer({"RCPT": lambda before: "550 5.1.1 no such user" if before else "250 ok"}) as server:
        deliver.deliver(store, one, office(server.port), Clock(START).pace())
    assert [row[0] for row in rows(store)].count("rejected") == 59
    assert len(suppressions.listed(store)) == 5


def test_who_is_refused_first_is_judged_when_others_have_their_mail(store: Store) -> None:
    """Also when those had it in an earlier pass, as where all new senders are put off at first."""
    one, clock = freeze(store, *readers(3)), Clock(START)
    mail = RecordingTransport(
        {
            readers(3)[0]: [Receipt("rejected", "550 5.1.1 no such user", "rcpt")],
            readers(3)[2]: [Receipt("deferred", "451 later"), Receipt("rejected", "550 5.1.1 no such user", "rcpt")],
        }
    )
    for suppressed in (1, 2):
        deliver.deliver(store, one, mail.office(), clock.pace())
        assert len(suppressions.listed(store)) == suppressed
        clock.now += timedelta(minutes=10)


def test_outcome_and_score_are_one_transaction(store: Store) -> None:
    """Where the score cannot be written, neither is the outcome."""
    store.conn.execute(
        "CREATE TRIGGER full BEFORE INSERT ON address_scores BEGIN SELECT raise(ABORT, 'disk full'); END"
    )
    one = freeze(store, ANN, BOB)
    says = {"RCPT": lambda before: "550 5.1.1 no such user" if before else "250 ok"}
    with ScriptedServer(says) as server, pytest.raises(sqlite3.IntegrityError):
        deliver.deliver(store, one, office(server.port), Clock(START).pace())
    assert rows(store)[1][0] == "leased"
    assert suppressions.listed(store) == []


def test_each_mail_says_where_its_reader_unsubscribes(store: Store) -> None:
    """With an address for bounces that is one of the delivery's own; without, that of whoever reads the answers."""
    one, mail = freeze(store, ANN, BOB), RecordingTransport()
    deliver.deliver(store, one, replace(mail.office(), bounces="bounces@p.example"), Clock(START).pace())
    for number, letter in enumerate(mail.letters, 1):
        identity = letter.parsed["Message-ID"]
        stop = unsubscribe_address("bounces@p.example", number, identity, site.secret(store))
        assert letter.parsed["List-Unsubscribe"] == f"<mailto:{stop}?subject=unsubscribe>"
    deliver.deliver(store, freeze(store, ANN, number=2), mail.office(), Clock(START).pace())
    assert mail.letters[2].parsed["List-Unsubscribe"] == "<mailto:editor@planet.example?subject=unsubscribe>"
