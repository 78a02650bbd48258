"""Delivery while this machine, its clock or its mail server fails: it ends, nobody is lost, and few are in doubt."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.builders import edition
from tests.smtp_servers import Mailbox, ScriptedServer, real_server
from tests.test_deliver import START, freeze, now_pace, office, readers, states
from tests.transports import LATER, Clock, Keeper, Keeping, RecordingTransport
from tidings import deliver
from tidings.errors import MailError, StoreError
from tidings.mail.connections import Asked, Connections
from tidings.mail.message import Message
from tidings.mail.pacing import Pacing
from tidings.mail.transport import Parcel
from tidings.model import Edition, Evidence, Receipt
from tidings.settling import REFUSALS
from tidings.store import Store, deliveries, file_readers, issue_states, issues, subscribers
from tidings.store.deliveries import Tally
from tidings.store.issues import Letter


def ends(work: Callable[[], object], seconds: float = 20) -> bool:
    """Whether something ends at all."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def parcel(number: int) -> Parcel:
    return Parcel(
        "digest@p.example", f"reader{number}@r.example", lambda: Message(b"Subject: News\r\n\r\n", b"Hello\r\n")
    )


def test_connections_that_ask_and_have_more_to_do_are_closed() -> None:
    """One that waits for its permit is told no, and the message behind that is not begun: nobody would answer it."""
    written: list[int] = []

    def parcel(number: int) -> Parcel:
        def write() -> Message:
            written.append(number)
            return Message(b"Subject: News\r\n\r\n", b"Hello\r\n")

        return Parcel("digest@p.example", f"reader{number}@r.example", write)

    mail = RecordingTransport()
    connections = Connections(mail.opened, 1)
    for number in range(3):
        connections.hand(0, parcel(number))
    assert connections.events(5) == [Asked(0)]
    assert ends(connections.close)
    assert (mail.letters, written) == ([], [0])


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("updates", [0, 101, 111, 150, 170])
def test_a_disk_that_is_full_loses_nobody(store: Store, updates: int, connections: int) -> None:
    """The pass ends with an error, however far it came. With space again everybody has the mail, and those who got two
    were in doubt, one for each connection at most."""
    one = freeze(store, *readers(60))
    store.conn.execute("CREATE TABLE ballast (octets BLOB)")
    store.conn.execute(
        "CREATE TRIGGER ballast AFTER UPDATE ON deliveries BEGIN INSERT INTO ballast VALUES (zeroblob(4000)); END"
    )
    store.conn.execute(f"PRAGMA max_page_count = {_pages(store) + updates}")
    with real_server() as (port, mailbox):
        with pytest.raises(StoreError, match="full"):
            deliver.deliver(store, one, office(port, connections), now_pace())
        store.conn.execute("PRAGMA max_page_count = 1000000")
        deliveries.recover(store, now_pace().clock())
        doubtful = {row["address"] for row in store.rows("SELECT address FROM deliveries WHERE state = 'uncertain'")}
        assert deliver.deliver(store, one, office(port, connections), now_pace()).tally.accepted == 60
    assert {reader for reader, count in copies(mailbox).items() if count > 1} <= doubtful
    assert len(doubtful) <= connections


@pytest.mark.parametrize("connections", [1, 4])
def test_a_bug_puts_nobody_in_doubt(store: Store, connections: int) -> None:
    """A message that can't be made ends the pass with its error. What the other connections have in hand ends first:
    the daemon tries again, and each time others would be in doubt."""
    one = freeze(store, *readers(50))
    mail = RecordingTransport({readers(50)[20]: [ValueError("a bug")]})
    several = replace(mail.office(), connections=connections)
    with pytest.raises(ValueError, match="a bug"):
        deliver.deliver(store, one, several, now_pace())
    assert Counter(states(store)) == {"accepted": len(mail.letters), "pending": 49 - len(mail.letters), "inflight": 1}
    # Each of the others may still have two of the twenty before it in hand, which do not begin any more.
    assert len(mail.letters) >= 20 - 2 * (connections - 1)
    assert deliver.deliver(store, one, several, now_pace()).tally == Tally(accepted=50)


def test_a_database_that_another_process_keeps_loses_nobody(store: Store) -> None:
    """Where it can't be written in the middle of an issue and the pass is told to stop, it ends; those in flight are in
    doubt."""
    one = freeze(store, *readers(50))
    store.conn.execute("PRAGMA busy_timeout = 200")
    other = sqlite3.connect(store.path, isolation_level=None, check_same_thread=False)

    class Holding(RecordingTransport):
        def send(self, parcel, may_go):  # type: ignore[no-untyped-def]
            if len(self.letters) == 10 and not other.in_transaction:
                other.execute("BEGIN IMMEDIATE")
            return super().send(parcel, may_go)

    mail = Holding()
    with closing(other):
        with pytest.raises(StoreError, match="another process has kept it"):
            deliver.deliver(store, one, replace(mail.office(), connections=4), now_pace(lambda: other.in_transaction))
        other.execute("ROLLBACK")
    assert deliver.deliver(store, one, mail.office(), now_pace()).tally == Tally(accepted=50)
    assert len(mail.letters) - 50 <= 4


@pytest.mark.parametrize("connections", [1, 4])
def test_an_outcome_waits_for_who_keeps_the_database(store: Store, connections: int) -> None:
    """Kept for longer than is waited otherwise, just when a server has taken a message: what became of it is written
    down all the same, so nobody gets two."""
    one = freeze(store, *readers(50))
    store.conn.execute("PRAGMA busy_timeout = 20")
    keeper = Keeper(store)
    mail = Keeping(keeper=keeper, after=10)
    with closing(keeper):
        dispatch = deliver.deliver(store, one, replace(mail.office(), connections=connections), now_pace())
    assert keeper.has_kept
    assert dispatch.tally == Tally(accepted=50)
    assert len(mail.letters) == 50


def _pages(store: Store) -> int:
    return int(store.rows("PRAGMA page_count")[0][0])


def copies(mailbox: Mailbox) -> Counter[str]:
    return Counter(to for envelope in mailbox.envelopes for to in envelope.rcpt_tos)


# --------------------------------------------------------------------------------------------------------- the server


@pytest.mark.parametrize("connections", [1, 4, 8])
def test_a_server_that_never_says_whether_it_took_a_message_is_left(store: Store, connections: int) -> None:
    """A filter that dies after each text would leave every reader in doubt, and mail each of them twice: after a few in
    a row the rest stays due, for longer each time."""
    one, clock = freeze(store, *readers(60)), Clock(START)
    with ScriptedServer({".": None}) as server:
        for turn in (1, 2):
            with pytest.raises(MailError, match="in a row"):
                deliver.deliver_due(store, one, office(server.port, connections), clock.pace())
            assert len(server.messages) <= turn * 2 * max(REFUSALS, connections + 1)
            assert issues.undelivered(store, "daily")[0].retry_at == clock.now + timedelta(minutes=5 * turn)
            clock.now += timedelta(minutes=5 * turn)
    assert Counter(states(store)) == {"uncertain": len(server.messages), "pending": 60 - len(server.messages)}


def test_a_server_that_dies_now_and_then_is_none_of_those(store: Store) -> None:
    """What is taken in between shows that it works."""
    one = freeze(store, *readers(60))
    mail = RecordingTransport({address: [Receipt("uncertain", "lost")] for address in readers(60)[::2]})
    assert deliver.deliver(store, one, mail.office(), now_pace()).tally == Tally(accepted=30, uncertain=30)


def test_a_late_issue_is_not_given_up_at_the_first_greylisting(store: Store) -> None:
    """When the mail server of this site was down for two days and a half, readers whose servers put off whom they do
    not know get the mail at the second try."""
    one, clock = freeze(store, *readers(9)), Clock(START + timedelta(hours=60))
    mail = RecordingTransport({address: [LATER] for address in readers(9)})
    assert deliver.deliver_due(store, one, mail.office(), clock.pace()).tally == Tally(deferred=9)
    clock.now += timedelta(minutes=5)
    assert deliver.deliver_due(store, one, mail.office(), clock.pace()).tally == Tally(accepted=9)


def test_a_domain_that_never_takes_anything_is_not_asked_for_ever(store: Store) -> None:
    """After the time in which its issue must be begun, the mails expire."""
    one, clock = freeze(store, *readers(3)), Clock(START)
    crowded = Receipt("crowded", "451 4.7.0 too much")
    mail = RecordingTransport({readers(3)[1]: [crowded] * 9999})
    while clock.now < START + timedelta(days=4):
        deliver.deliver_due(store, one, mail.office(), clock.pace())
        clock.now += timedelta(hours=6)
    assert states(store) == ["accepted", "expired", "accepted"]


# ---------------------------------------------------------------------------------------------------------- the clock


def test_a_clock_that_is_set_back_stops_nothing(store: Store) -> None:
    """Set back by a day within an issue, it makes nobody wait for a day."""
    one, clock = freeze(store, *readers(9)), Clock(START)

    class SettingBack(RecordingTransport):
        def send(self, parcel, may_go):  # type: ignore[no-untyped-def]
            if len(self.letters) == 4:
                clock.now = START - timedelta(days=1)
            return super().send(parcel, may_go)

    mail = SettingBack()
    assert deliver.deliver(store, one, mail.office(rate=1), clock.pace()).tally == Tally(accepted=9)
    assert sum(clock.pauses) < 10


def test_a_clock_that_was_far_ahead_makes_nobody_wait_until_then(store: Store) -> None:
    """What was put off by it, a reader or a whole issue, is tried again when the clock is right."""
    one, clock = freeze(store, *readers(2)), Clock(START + timedelta(days=400))
    mail = RecordingTransport({readers(2)[0]: [LATER], readers(2)[1]: [MailError("down")]})
    patient = replace(mail.office(), stale_after=timedelta(days=999))
    with pytest.raises(MailError):
        deliver.deliver_due(store, one, patient, clock.pace())
    clock.now = START
    assert deliver.deliver_due(store, one, patient, clock.pace()).tally == Tally(accepted=2)


# -------------------------------------------------------------------------------------------------------- a long list


def test_many_who_unsubscribed_are_written_down_in_batches(store: Store) -> None:
    """However many readers are gone, one transaction and one list in memory hold a thousand or so."""
    freeze(store, *readers(5000))
    written: list[set[str]] = [set()]

    def watch(sql: str) -> None:
        if sql.startswith(("BEGIN", "COMMIT")):
            written.append(set())
        if "SET state = 'suppressed'" in sql:
            written[-1].add(sql)  # once, though a statement is told again when it sets off a trigger

    store.conn.set_trace_callback(watch)
    gone = edition(subscribers=())
    file_readers.sync(store, [gone], START)
    assert deliver.deliver(store, gone, RecordingTransport().office(), now_pace()).tally == Tally(suppressed=5000)
    assert 0 < max(map(len, written)) <= 1100


def test_a_rate_holds_from_pass_to_pass(store: Store) -> None:
    """Ten an hour are ten an hour, whether a pass goes on, another one begins, or another process does."""
    one, clock = freeze(store, *readers(3)), Clock(START)
    other = freeze(store, *readers(3), number=2)
    times: list[datetime] = []

    class Timing(RecordingTransport):
        def send(self, parcel, may_go):  # type: ignore[no-untyped-def]
            times.append(clock.now)
            return super().send(parcel, may_go)

    mail = Timing()
    for _ in range(6):
        before = len(times)
        one_more = clock.pace(stop=lambda before=before: len(times) > before)  # type: ignore[misc]
        deliver.deliver(store, one, mail.office(rate=10 / 3600), one_more)
    assert deliver.deliver(store, other, mail.office(), now_pace()) == deliver.Dispatch(Tally())
    assert [late - early for early, late in pairwise(times)] == [timedelta(minutes=6)] * 5


def another(store: Store, name: str, *addresses: str) -> Edition:
    """An edition with an issue of its own."""
    content = replace(issue_states.named(store, "daily-1").content, edition=name)
    issues.freeze(store, content, [Letter(one, f"<{name}.{one}>") for one in addresses], None, START)
    for one in addresses:
        subscribers.add(store, one, name, "cli", Evidence(), START)
    return edition(name=name)


def test_editions_take_turns(store: Store) -> None:
    """A list that takes ten hours at its rate keeps two others waiting for a message or two, and the rate is that of
    all together."""
    clock = Clock(START)
    order = [freeze(store, *readers(100)), another(store, "b", "b1@r", "b2@r"), another(store, "c", "c1@r", "c2@r")]
    mail = RecordingTransport()
    slow = mail.office(rate=10 / 3600)
    pacing = Pacing(slow.limits)
    while clock.now < START + timedelta(hours=1):
        for one in tuple(order):
            in_turn = replace(clock.pace(), turn=timedelta(minutes=2))
            if deliver.deliver_due(store, one, slow, in_turn, pacing).sent:
                order.remove(one)
                order.append(one)
        clock.pause(10)
    assert {"b1@r", "b2@r", "c1@r", "c2@r"} < set(mail.recipients)
    assert len(mail.letters) in (10, 11)


def test_a_turn_ends_and_the_next_goes_on(store: Store) -> None:
    """Ten a second for two minutes, then it is another's turn; nobody is lost or mailed twice by that."""
    one, clock, mail = freeze(store, *readers(1500)), Clock(START), RecordingTransport()
    office = mail.office(rate=10)
    in_turn = replace(clock.pace(), turn=timedelta(minutes=2))
    tallies = [deliver.deliver_due(store, one, office, in_turn, Pacing(office.limits)).tally for _ in range(2)]
    assert 1150 < tallies[0].accepted < 1250
    assert tallies[1] == Tally(accepted=1500)
    assert Counter(mail.recipients) == dict.fromkeys(readers(1500), 1)


def test_a_refusal_is_judged_within_a_turn(store: Store) -> None:
    """At a rate of one message a turn, the first reader's refusal does not come first in each of them for ever."""
    one, clock = freeze(store, *readers(3)), Clock(START)
    mail = RecordingTransport({readers(3)[0]: [Receipt("refused", "554 5.7.1 no")] * 99})
    office = mail.office(rate=10 / 3600)
    in_turn = replace(clock.pace(), turn=timedelta(minutes=2))
    deliver.deliver_due(store, one, office, in_turn, Pacing(office.limits))
    assert states(store) == ["rejected", "accepted", "pending"]


def test_a_stop_judges_no_refusal(store: Store) -> None:
    """Told to stop after the first of many refused the mail, nobody knows whom that was about: all stay due."""
    one = freeze(store, *readers(9))
    mail = RecordingTransport({readers(9)[0]: [Receipt("refused", "554 5.7.1 no")]})
    deliver.deliver(store, one, mail.office(), now_pace(lambda: bool(mail.tries)))
    assert set(states(store)) == {"pending"}


def test_nobody_waits_behind_a_connection_that_hangs(store: Store) -> None:
    """What waits there is given to one that has nothing else to do."""
    one = freeze(store, *readers(7))
    all_others = threading.Event()

    class Hanging(RecordingTransport):
        def send(self, parcel, may_go):  # type: ignore[no-untyped-def]
            if parcel.recipient == readers(7)[1]:
                assert all_others.wait(20)
            receipt = super().send(parcel, may_go)
            if len(self.letters) == 6:
                all_others.set()
            return receipt

    mail = Hanging()
    dispatch = deliver.deliver(store, one, replace(mail.office(), connections=2), now_pace())
    assert dispatch.tally == Tally(accepted=7)
    assert mail.recipients[-1] == readers(7)[1]
    assert sorted(mail.recipients) == sorted(readers(7))


def test_who_is_called_back_keeps_what_was_said_before(store: Store) -> None:
    """A reader who was tried, and then called back since the whole machinery fails, is listed with the failure."""
    one = freeze(store, *readers(3))
    broken = {reader: [MailError(f"exit status {77 + n}")] for n, reader in enumerate(readers(3)) if n}

    class Slow(RecordingTransport):
        def send(self, parcel, may_go):  # type: ignore[no-untyped-def]
            if parcel.recipient == readers(3)[2]:
                time.sleep(0.5)
            return super().send(parcel, may_go)

    with pytest.raises(MailError):
        deliver.deliver(store, one, replace(Slow(broken).office(), connections=2), now_pace())
    assert states(store) == ["accepted", "pending", "pending"]
    replies = [row["reply"] for row in store.rows("SELECT reply FROM deliveries ORDER BY id")]
    assert replies[1:] == ["exit status 78", "exit status 79"]
