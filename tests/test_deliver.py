"""Delivery against a mail server that answers as scripted: each class of reply leads to its documented state."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import edition
from tests.smtp_servers import HOST, Script, ScriptedServer, real_server
from tests.stocking import scalar
from tests.transports import ACCEPTED, LATER, NEVER, Clock, RecordingTransport
from tidings import deliver
from tidings.dispatching import Pace
from tidings.errors import MailError, RenderError
from tidings.letters import PostOffice
from tidings.mail.pacing import PATIENCE, Limits
from tidings.mail.smtp import USUAL, SmtpServer, open_smtp
from tidings.model import Delivery, Edition, IssueContent, IssueItem, Receipt, Subscriber
from tidings.render.environment import Templates, open_press
from tidings.settling import LADDER, REFUSALS, settlement
from tidings.store import Store, file_readers, issue_states, issues, resolving
from tidings.store.deliveries import Tally
from tidings.store.issues import Letter

START = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
QUICK = replace(USUAL, command_seconds=0.3, text_seconds=0.3)


def freeze(store: Store, *addresses: str, number: int = 1) -> Edition:
    """An issue with a story, frozen for these readers; returns its edition."""
    page, blog = "https://a.example/1", "https://a.example"
    item = IssueItem(number, number, page, "A post", "A", blog, "", None, "en", "ltr", "", "", True)
    content = IssueContent("daily", "Daily", number, "News", START, "UTC", "en", "P", "https://p.example", (item,))
    issues.freeze(store, content, [Letter(one, f"<{number}.{one}>") for one in addresses], None, START)
    readers = replace(edition(), subscribers=tuple(map(Subscriber, addresses)))
    file_readers.sync(store, [readers], START)
    return readers


def readers(count: int) -> list[str]:
    return [f"reader{number}@r{number % 3}.example" for number in range(count)]


def office(port: int, connections: int = 1) -> PostOffice:
    server = SmtpServer(HOST, port, "none")
    return PostOffice("digest@p.example", "", "", lambda: open_smtp(server, QUICK), connections=connections)


def states(store: Store) -> list[str]:
    return [row["state"] for row in store.rows("SELECT state FROM deliveries ORDER BY id")]


# ------------------------------------------------------------------------------------------ one answer, to one reader


FIRST = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", ".": "250 queued"}


@pytest.mark.parametrize(
    ("verb", "answer", "state", "attempts"),
    [
        ("RCPT", "450 4.2.0 greylisted", "deferred", 1),
        ("RCPT", "451 4.3.0 local error", "deferred", 1),
        ("RCPT", "452 4.2.2 over quota", "deferred", 1),
        ("RCPT", "550 5.1.1 no such user", "rejected", 1),
        ("RCPT", "421 4.7.0 slow down", "accepted", 1),
        ("RCPT", "454 4.7.0 try later", "accepted", 1),
        ("RCPT", "451 4.7.0 too much for this domain", "accepted", 1),
        ("RCPT", "452 too many recipients", "deferred", 1),
        ("MAIL", "451 try later", "accepted", 1),
        ("MAIL", "421 going down", "accepted", 1),
        ("MAIL", "550 5.7.1 not you", "rejected", 1),
        ("DATA", "451 try later", "deferred", 1),
        ("DATA", "554 no", "rejected", 1),
        ("DATA", None, "accepted", 1),
        (".", "451 try later", "deferred", 1),
        (".", "550 5.1.1 no such user after all", "rejected", 1),
        (".", "554 5.7.1 spam", "rejected", 1),
        (".", "421 going down", "accepted", 1),
        (".", None, "uncertain", 1),
        (".", "what?", "uncertain", 1),
    ],
)
def test_an_answer_leads_to_its_state(store: Store, verb: str, answer: str | None, state: str, attempts: int) -> None:
    """Said once to the first of three readers, who is at last in the state that the documentation names; the other two
    get their mail. What is no reader's fault costs no attempt, and the mail goes in the same pass."""
    one = freeze(store, *readers(3))
    with ScriptedServer({verb: lambda before: FIRST[verb] if before else answer}) as server:
        dispatch = deliver.deliver(store, one, office(server.port), Clock(START).pace())
    assert states(store) == [state, "accepted", "accepted"]
    assert scalar(store, "SELECT attempts FROM deliveries WHERE id = 1") == attempts
    assert dispatch.tally.settled + dispatch.tally.open == 3


@pytest.mark.parametrize(("verb", "state"), [("RCPT", "accepted"), (".", "uncertain")])
def test_a_server_that_hangs_once_holds_up_one_message(store: Store, verb: str, state: str) -> None:
    """Given up after its time, the message goes on a new connection, or is in doubt; the others get theirs."""

    def slow(before: int) -> str:
        if not before:
            time.sleep(1)
        return FIRST[verb]

    one = freeze(store, *readers(3))
    with ScriptedServer({verb: slow}) as server:
        deliver.deliver(store, one, office(server.port), Clock(START).pace())
    assert states(store) == [state, "accepted", "accepted"]


def test_a_login_that_is_wanted_stops_all(store: Store) -> None:
    """With an error that says so; nobody is refused, and the server is asked once, however many connections there
    are."""
    one = freeze(store, *readers(9))
    with ScriptedServer({"MAIL": "530 5.7.0 log in first"}) as server:
        with pytest.raises(MailError, match="530"):
            deliver.deliver(store, one, office(server.port, 4), Clock(START).pace())
        assert server.connections == 1
    assert set(states(store)) == {"pending"}
    [issue] = issues.undelivered(store, "daily")
    assert issue.retry_at == START + timedelta(minutes=5)


@pytest.mark.parametrize("script", [{".": "554 5.7.1 spam"}, {"MAIL": "550 no"}, {"RCPT": "554 5.7.1 relaying denied"}])
def test_a_message_that_is_refused_stops_its_issue(store: Store, script: Script) -> None:
    """After some refusals in a row it is not the readers: they stay due, and the operator is told."""
    one = freeze(store, *readers(20))
    with ScriptedServer(script) as server, pytest.raises(MailError, match=f"{REFUSALS} times in a row"):
        deliver.deliver(store, one, office(server.port), Clock(START).pace())
    assert set(states(store)) == {"pending"}
    assert scalar(store, "SELECT max(attempts) FROM deliveries") == 0
    with real_server() as (port, mailbox):
        deliver.deliver(store, one, office(port), Clock(START).pace())
    assert len(mailbox.envelopes) == 20


def test_an_issue_of_few_readers_that_all_refuse_is_stopped_too(store: Store) -> None:
    """With nobody who takes it, it is not the readers either."""
    one = freeze(store, *readers(2))
    with ScriptedServer({".": "554 spam"}) as server, pytest.raises(MailError, match="2 times in a row"):
        deliver.deliver(store, one, office(server.port), Clock(START).pace())
    assert states(store) == ["pending", "pending"]


def test_a_throttling_server_costs_nobody_a_try(store: Store) -> None:
    """It gets longer and longer pauses, then the rest of the issue waits, and nobody has used up a chance."""
    one, clock = freeze(store, *readers(4)), Clock(START)
    with (
        ScriptedServer({"MAIL": "451 4.7.0 slow down"}) as server,
        pytest.raises(MailError, match=r"again and again.*tries again after 5 minutes"),
    ):
        deliver.deliver(store, one, office(server.port), clock.pace())
    assert clock.now - START > timedelta(minutes=1)
    assert sum(line.startswith("MAIL") for line in server.heard) == PATIENCE
    assert set(states(store)) == {"pending"}
    assert scalar(store, "SELECT max(attempts) FROM deliveries") == 0
    assert issues.undelivered(store, "daily")[0].retry_at == clock.now + timedelta(minutes=5)


def test_a_crowded_domain_holds_up_no_other(store: Store) -> None:
    """A domain that always wants less is left for later, the others get their mail, and the next issue can be made."""
    one, clock = freeze(store, *readers(30)), Clock(START)
    crowded = Receipt("crowded", "451 4.7.0 too much")
    mail = RecordingTransport({address: [crowded] * 99 for address in readers(30) if "@r1." in address})
    dispatch = deliver.deliver(store, one, mail.office(), clock.pace())
    assert dispatch.tally == Tally(accepted=20, pending=10)
    assert not issues.interrupted(store, "daily")
    assert deliver.deliver_due(store, one, mail.office(), clock.pace()).sent == 0
    clock.now += timedelta(minutes=31)
    mail.answers = {}
    assert deliver.deliver_due(store, one, mail.office(), clock.pace()).tally == Tally(accepted=30)


def test_a_reader_at_whose_name_the_server_hangs_up_is_put_off(store: Store) -> None:
    """One reader who brings the connection down each time does not stop the others."""
    one = freeze(store, *readers(3))
    gone = Receipt("gone", "connection lost")
    mail = RecordingTransport({readers(3)[1]: [gone] * 99})
    dispatch = deliver.deliver(store, one, mail.office(), Clock(START).pace())
    assert dispatch.tally == Tally(accepted=2, deferred=1)


# ------------------------------------------------------------------------------------------------ several connections


def test_several_connections_reach_everybody_once(store: Store) -> None:
    """Four sessions share the readers of an issue; each reader gets one message."""
    one = freeze(store, *readers(300))
    with real_server() as (port, mailbox):
        dispatch = deliver.deliver(store, one, office(port, 4), now_pace())
    assert dispatch.tally == Tally(accepted=300)
    assert Counter(to for envelope in mailbox.envelopes for to in envelope.rcpt_tos) == dict.fromkeys(readers(300), 1)


def now_pace(stop: Callable[[], bool] = lambda: False) -> Pace:
    return Pace(lambda: START, stop, time.sleep)


def test_what_is_in_flight_is_on_disk_before_it_leaves(store: Store) -> None:
    """Whatever a connection hands over, the ledger has it as in flight by then, and never more than one each."""
    seen: list[tuple[int, bool]] = []
    one = freeze(store, *readers(60))

    class Watching(RecordingTransport):
        def send(self, parcel, may_go):  # type: ignore[no-untyped-def]
            if not may_go():
                return super().send(parcel, lambda: False)
            seen.append(in_flight(store.path, parcel.recipient))
            return ACCEPTED

    mail = Watching()
    deliver.deliver(store, one, replace(mail.office(), connections=3), now_pace())
    assert len(seen) == 60
    assert all(is_there and count <= 3 for count, is_there in seen)


def in_flight(path, recipient: str) -> tuple[int, bool]:  # type: ignore[no-untyped-def]
    """How many messages are in flight by the ledger on disk, and whether this reader's is."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as connection:
        rows = [row[0] for row in connection.execute("SELECT address FROM deliveries WHERE state = 'inflight'")]
    return len(rows), recipient in rows


def test_stop_finishes_what_is_in_hand(store: Store) -> None:
    """Told to stop, four connections end their messages; none is in flight or in doubt afterwards."""
    one, stop = freeze(store, *readers(400)), threading.Event()
    with real_server() as (port, mailbox):

        def enough() -> bool:
            if len(mailbox.envelopes) >= 40:
                stop.set()
            return stop.is_set()

        dispatch = deliver.deliver(store, one, office(port, 4), now_pace(enough))
        assert 40 <= len(mailbox.envelopes) < 100
        assert dispatch.tally == Tally(accepted=len(mailbox.envelopes), pending=400 - len(mailbox.envelopes))
        assert set(states(store)) == {"accepted", "pending"}
        deliver.deliver(store, one, office(port, 4), now_pace())
    assert len(mailbox.envelopes) == 400


def test_fewer_connections_than_wanted_are_enough(store: Store) -> None:
    """A server that takes one connection at a time gets the mail over that one."""
    one = freeze(store, *readers(40))
    taken = threading.Lock()

    class Alone(RecordingTransport):
        def send(self, parcel, may_go):  # type: ignore[no-untyped-def]
            if threading.current_thread().name != "mail 0":
                raise MailError("421 one at a time")
            with taken:
                return super().send(parcel, may_go)

    mail = Alone()
    dispatch = deliver.deliver(store, one, replace(mail.office(), connections=4), now_pace())
    assert dispatch.tally == Tally(accepted=40)
    assert Counter(mail.recipients) == dict.fromkeys(readers(40), 1)


def test_a_domain_gets_no_more_at_once_than_it_may(store: Store) -> None:
    """With `domain_connections = 1` no two messages to one domain are on their way together."""
    one = freeze(store, *readers(60))
    busy, most, lock = Counter[str](), Counter[str](), threading.Lock()

    class Counting(RecordingTransport):
        def send(self, parcel, may_go):  # type: ignore[no-untyped-def]
            domain = parcel.recipient.partition("@")[2]
            with lock:
                busy[domain] += 1
                most[domain] = max(most[domain], busy[domain])
            time.sleep(0.002)
            receipt = super().send(parcel, may_go)
            with lock:
                busy[domain] -= 1
            return receipt

    mail = Counting()
    limited = replace(mail.office(), connections=4, limits=Limits(domain_connections=1))
    assert deliver.deliver(store, one, limited, now_pace()).tally == Tally(accepted=60)
    assert set(most.values()) == {1}


# --------------------------------------------------------------------------------------------- policies of the ledger


def test_what_is_uncertain_is_held_where_that_is_wanted(store: Store) -> None:
    """With `on_uncertain = "hold"` it waits for a decision, which is then followed."""
    one, clock = freeze(store, *readers(2)), Clock(START)
    mail = RecordingTransport({readers(2)[0]: [Receipt("uncertain", "lost")]})
    holding = replace(mail.office(), resend=False)
    deliver.deliver(store, one, holding, clock.pace())
    clock.now += timedelta(hours=9)
    assert deliver.deliver(store, one, holding, clock.pace()).tally == Tally(accepted=1, uncertain=1)
    resolving.resolve(store, issue_states.named(store, "daily-1"), (), "send", clock.now)
    assert deliver.deliver_due(store, one, holding, clock.pace()).tally == Tally(accepted=2)
    assert mail.tries == {readers(2)[0]: 2, readers(2)[1]: 1}


def test_an_issue_that_is_too_old_is_not_begun(store: Store) -> None:
    """After `stale_after` it expires, which is said, and goes only when somebody says so; counted from its release."""
    one, clock, mail = freeze(store, *readers(2)), Clock(START), RecordingTransport()
    clock.now += timedelta(days=3, seconds=1)
    dispatch = deliver.deliver_due(store, one, mail.office(), clock.pace())
    assert (dispatch.expired, dispatch.sent, dispatch.tally) == ({"daily-1": 2}, 0, Tally(expired=2))
    assert deliver.deliver(store, one, mail.office(), clock.pace()) == deliver.Dispatch(Tally())
    resolving.resolve(store, issue_states.named(store, "daily-1"), (), "send", clock.now)
    assert deliver.deliver_due(store, one, mail.office(), clock.pace()).tally == Tally(accepted=2)
    freeze(store, *readers(2), number=2)
    issue_states.hold(store, 2, START)
    issue_states.release(store, 2, clock.now)
    assert deliver.deliver_due(store, one, mail.office(), clock.pace()).tally == Tally(accepted=2)


def test_a_million_outcomes_are_not_kept(store: Store) -> None:
    """What went as it should is counted and not kept by name, nor is every refusal of a long list."""
    one = freeze(store, *readers(1200))
    mail = RecordingTransport({address: [NEVER] for address in readers(1200)[1:]})
    dispatch = deliver.deliver(store, one, mail.office(), now_pace())
    assert dispatch.counts == {"accepted": 1, "rejected": 1199}
    assert len(dispatch.outcomes) == 1000


@pytest.mark.parametrize(("attempts", "pause"), [(0, 5), (1, 15), (2, 60), (3, 240), (4, 720), (9, 720)])
def test_the_ladder(attempts: int, pause: int) -> None:
    """Later means later each time: minutes by the number of tries; it ends after two days, and when all were tried."""
    one = Delivery(1, 1, "a@r", "<a>", attempts)
    assert settlement(one, LATER, START, START).next_at == START + timedelta(minutes=pause)
    given_up = settlement(one, LATER, START, START + timedelta(hours=48)).state == "rejected"
    assert given_up == (attempts >= len(LADDER))
    assert len(LADDER) == 5


def test_a_wrong_catalogue_stops_only_its_readers(store: Store, tmp_path: Path) -> None:
    """Who reads another language has the mail, the error is raised then, and the others get theirs, once, when the
    catalogue is right."""
    (tmp_path / "locale").mkdir()
    catalogue = tmp_path / "locale" / "fr.po"
    catalogue.write_text('msgid ""\nmsgstr ""\n\nmsgid "Issue %(number)s"\nmsgstr "Numéro"\n', encoding="utf-8")
    one, mail, clock = freeze(store, *readers(4)), RecordingTransport(), Clock(START + timedelta(minutes=1))
    store.conn.execute("UPDATE deliveries SET language = 'fr' WHERE id = 1")
    store.conn.commit()
    ours = replace(mail.office(), templates=Templates(tmp_path))
    with pytest.raises(RenderError, match=r"fr\.po"):
        deliver.deliver(store, one, ours, clock.pace())
    assert states(store) == ["pending", "accepted", "accepted", "accepted"]
    catalogue.unlink()
    open_press.cache_clear()
    assert deliver.deliver(store, one, ours, clock.pace()).tally == Tally(accepted=4)
    assert Counter(mail.recipients) == dict.fromkeys(readers(4), 1)
