"""What comes back leads to what is documented, once, whoever sends it and whatever it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bounce_cases import CASES, HELD_OUT, ORIGINAL_ID, Case, message
from tests.returned_mail import DAY, MAILBOX, START, coded, mail_issue, report
from tidings import intake, standing
from tidings.addresses import pseudonym
from tidings.errors import MailError
from tidings.intake import take
from tidings.mail.bounces_score import MEMORY, points
from tidings.mail.verp import is_coded
from tidings.model import Arrival, Score
from tidings.store import Store, incoming, open_store, site, suppressions

ALL = CASES | HELD_OUT
ANN, BOB = "ann@readers.example", "bob@readers.example"
OUR_FAULT = {"policy", "content-refused", "too-large", "rate-limited"}

# By what a message is, what it leads to: sent to the address that a delivery bounces to, to the one where its reader
# unsubscribes, to the mailbox itself while the ledger knows the Message-ID it names, and while it does not.
LEADS_TO = {
    "bounce": ("counted", "counted", "counted", "kept"),
    "delayed": ("noted", "noted", "noted", "noted"),
    "our fault": ("ours", "ours", "ours", "ours"),
    "delivered": ("noted", "noted", "noted", "noted"),
    "complaint": ("suppressed", "suppressed", "suppressed", "kept"),
    "auto-reply": ("noted", "noted", "noted", "noted"),
    "unsubscribe": ("kept", "unsubscribed", "kept", "kept"),
    "unknown": ("kept", "unsubscribed", "kept", "kept"),
    "unknown, by a program": ("kept", "kept", "kept", "kept"),
}
BY_A_PROGRAM = {"arf-not-spam", "arf-auth-failure", "held-vacation-bare-null-path"}


def class_of(name: str, case: Case) -> str:
    """The row of the table that a message of the corpus belongs to."""
    if case.kind == "unknown" and name in BY_A_PROGRAM:
        return "unknown, by a program"
    if name == "postfix-two-recipients":
        return "delayed"  # one of them is only late, and which of the two is ours it does not say
    return "our fault" if case.meaning in OUR_FAULT else case.kind


def shown(store: Store, address: str, edition: str = "weekly") -> str:
    """Why an address is not to get an edition, or ""."""
    return standing.suppressed(store, [address], edition).get(address, "")


def score(store: Store, address: str) -> Score:
    return suppressions.score(store, pseudonym(address, site.secret(store)))


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_message_leads_to_what_is_documented(store: Store, name: str) -> None:
    """Each message of the corpus, however it was addressed; and nobody is suppressed for what is not his doing."""
    case = ALL[name]
    readers = ["bounce@r.example", "stop@r.example", "answered@r.example"]
    back, stop, _ = mail_issue(store, *readers)
    unanswered = take(store, Arrival(None, MAILBOX, message(name)), MAILBOX, START + DAY)
    store.conn.execute("UPDATE deliveries SET message_id = ? WHERE address = ?", (ORIGINAL_ID, readers[2]))
    other = message(name) + b"\n"
    effects = (
        take(store, Arrival(None, coded(store, back), message(name)), MAILBOX, START + DAY).effect,
        take(store, Arrival(None, coded(store, stop, "unsubscribe"), message(name)), MAILBOX, START + DAY).effect,
        take(store, Arrival(None, MAILBOX, other), MAILBOX, START + DAY).effect,
        unanswered.effect,
    )
    expected = LEADS_TO[class_of(name, case)]
    assert effects == (expected if case.answers else (*expected[:2], expected[3], expected[3]))
    for reader, effect in zip(readers, effects, strict=False):
        assert bool(shown(store, reader)) == (effect in ("suppressed", "unsubscribed"))
        assert (score(store, reader) == Score()) == (effect != "counted")


HARMLESS = ("our fault", "auto-reply", "delivered", "delayed", "unknown, by a program")


@pytest.mark.parametrize("name", sorted(name for name, case in ALL.items() if class_of(name, case) in HARMLESS))
def test_nobody_is_lost_for_a_reply_or_our_own_fault(store: Store, name: str) -> None:
    """However many issues it answers, at whichever address: replies of programs and policies suppress nobody."""
    for number in range(1, 7):
        [delivery] = mail_issue(store, ANN, number=number, at=START + number * DAY)
        for purpose in ("bounce", "unsubscribe"):
            address = coded(store, delivery, purpose)
            take(store, Arrival("", address, message(name)), MAILBOX, START + number * DAY)
    assert suppressions.listed(store) == []
    assert score(store, ANN) == Score()


def test_the_same_message_counts_once(store: Store) -> None:
    """One whose answer was lost comes again: it has its number, and no second row, and the score stays."""
    [delivery] = mail_issue(store, ANN)
    first = take(store, report(store, delivery), MAILBOX, START + DAY)
    before = score(store, ANN)
    again = take(store, report(store, delivery), MAILBOX, START + 2 * DAY)
    assert (first.is_new, again.is_new, again.number, again.effect) == (True, False, first.number, "counted")
    assert len(incoming.listed(store, 10)) == 1
    assert score(store, ANN) == before


def test_the_line_of_a_mailbox_file_makes_no_other_message(store: Store) -> None:
    """A message that Postfix or Exim pipes in again begins with the moment of the new try, and is known all the
    same."""
    (delivery,) = mail_issue(store, ANN)
    arrival = report(store, delivery)
    tries = [
        Arrival("", arrival.recipient, b"From MAILER-DAEMON  Sat Nov 28 17:42:%d 2026\n" % second + arrival.message)
        for second in (34, 40)
    ]
    assert [take(store, one, MAILBOX, START + DAY).is_new for one in tries] == [True, False]


def test_after_a_week_the_same_words_are_said_anew(store: Store) -> None:
    """A reader who unsubscribed, was taken in again, and writes the same as before is heard."""
    [delivery] = mail_issue(store, ANN)
    stop = Arrival(ANN, coded(store, delivery, "unsubscribe"), b"Subject: unsubscribe\n\n")
    take(store, stop, MAILBOX, START + DAY)
    standing.unsuppress(store, ANN)
    assert take(store, stop, MAILBOX, START + 8 * DAY + timedelta(seconds=1)).effect == "unsubscribed"
    assert shown(store, ANN)


@pytest.mark.parametrize(
    "address",
    [
        "bounces+1.aaaaaaaaaaaaaaaa@digest.example",
        "bounces+u-1.aaaaaaaaaaaaaaaa@digest.example",
        "bounces+1@digest.example",
        "other+1.{code}@digest.example",
        "bounces+2.{code}@digest.example",
        "bounces+u-1.{code}@digest.example",
    ],
)
def test_a_forged_code_is_nobodys(store: Store, address: str) -> None:
    """A guessed code, or one of another delivery or purpose, leads to nothing; the message is kept."""
    [delivery, _] = mail_issue(store, ANN, BOB)
    code = coded(store, delivery).partition(".")[2].partition("@")[0]
    forged = address.format(code=code)
    for sent in (report(store, delivery).message.replace(coded(store, delivery).encode(), b"x@y"), b"Subject: hi\n\n"):
        assert not is_coded(forged, MAILBOX, site.secret(store))
        assert take(store, Arrival("", forged, sent), MAILBOX, START).effect == "kept"
    assert suppressions.listed(store) == []
    assert store.rows("SELECT * FROM address_scores") == []


@pytest.mark.parametrize("place", ["envelope", "claim", "returned"])
@pytest.mark.parametrize("text", [b"", b"Subject: unsubscribe\n\n"])
def test_what_comes_late_after_a_restore_is_not_blamed_on_another(store: Store, place: str, text: bytes) -> None:
    """The database was set back, and gave the number of a delivery that it had forgotten to another reader. What comes
    back of the forgotten one is kept, and holds nothing against that reader."""
    with store.write():
        [lost] = mail_issue(store, ANN, number=1)
        late = report(store, lost)
        stop = coded(store, lost, "unsubscribe")
        store.conn.rollback()
        store.conn.execute("BEGIN")
        assert mail_issue(store, BOB, number=2) == [lost]
    message = text or late.message
    if place == "returned":
        copy = f"Return-Path: <{late.recipient}>\nList-Unsubscribe: <mailto:{stop}>\nSubject: News\n".encode()
        message = message.replace(late.recipient.encode(), MAILBOX.encode())
        message = message.replace(b"\n--b--", b"\n--b\nContent-Type: message/rfc822\n\n" + copy + b"\n--b--")
    elif text:
        message = f"To: {stop}\n".encode() + text
    to = MAILBOX if place != "envelope" else stop if text else late.recipient
    assert take(store, Arrival("", to, message), MAILBOX, START + DAY).effect == "kept"
    assert suppressions.listed(store) == []
    assert score(store, BOB) == Score()


def test_a_code_counts_wherever_it_stands(store: Store) -> None:
    """In the envelope, in a header that says whom it was sent to, or in the message that is returned."""
    deliveries = [mail_issue(store, ANN, number=number)[0] for number in (1, 2, 3)]
    sent = report(store, deliveries[1])
    returned = report(store, deliveries[2])
    original = f"Content-Type: message/rfc822\n\nReturn-Path: <{coded(store, deliveries[2])}>\nSubject: x\n\n--b--"
    inside = returned.message.replace(coded(store, deliveries[2]).encode(), MAILBOX.encode())
    arrivals = [
        report(store, deliveries[0]),
        Arrival(None, "", sent.message),
        Arrival("", MAILBOX, inside.replace(b"--b--", f"--b\n{original}".encode())),
    ]
    for arrival in arrivals:
        take(store, arrival, MAILBOX, START)
    assert [(row.entry.known_by, row.owner and row.owner.issue) for row in reversed(incoming.listed(store, 9))] == [
        ("envelope", "weekly-1"),
        ("claim", "weekly-2"),
        ("returned", "weekly-3"),
    ]


def test_where_to_unsubscribe_in_a_returned_message_asks_for_nothing(store: Store) -> None:
    """Every mail has that address: a bounce that returns it is a bounce, and a letter that quotes it is a letter."""
    [delivery] = mail_issue(store, ANN)
    stop = coded(store, delivery, "unsubscribe")
    letter = f"From: {ANN}\nSubject: Fwd: News\nContent-Type: message/rfc822\n\nList-Unsubscribe: <mailto:{stop}>\n\n"
    assert take(store, Arrival(ANN, MAILBOX, letter.encode()), MAILBOX, START).effect == "kept"
    assert shown(store, ANN) == ""


def test_an_unsubscription_is_of_its_edition(store: Store) -> None:
    """Whatever the reader writes, from whatever address; other editions and readers go on."""
    weekly, _ = mail_issue(store, ANN, BOB)
    sent = Arrival("ann@work.example", coded(store, weekly, "unsubscribe"), b"Subject: (none)\n\nSent from my phone\n")
    assert take(store, sent, MAILBOX, START).effect == "unsubscribed"
    assert "unsubscribed (2026-11-02)" in shown(store, ANN)
    assert shown(store, ANN.upper())
    assert not shown(store, ANN, "daily")
    assert not shown(store, BOB)


@pytest.mark.parametrize("sender", ["", "MAILER-DAEMON"])
def test_nobody_unsubscribes_from_the_null_path(store: Store, sender: str) -> None:
    """A report or a reply that no rule knows is no reader, wherever it was sent to; the envelope says so, whatever the
    message does."""
    [delivery] = mail_issue(store, ANN)
    text = b"Return-Path: <ann@readers.example>\nSubject: Ik ben er niet\n\nTot maandag\n"
    assert take(store, Arrival(sender, coded(store, delivery, "unsubscribe"), text), MAILBOX, START).effect == "kept"
    assert shown(store, ANN) == ""


def test_an_address_is_dead_after_two_issues(store: Store) -> None:
    """Two that failed for good, of two issues, and then nothing of any edition is mailed, for the server's reason."""
    one, two = (mail_issue(store, ANN, number=number, at=START + number * DAY)[0] for number in (1, 2))
    assert take(store, report(store, one), MAILBOX, START + DAY).effect == "counted"
    assert take(store, report(store, one, words="550 5.1.1 still not"), MAILBOX, START + DAY).effect == "counted"
    words = "550 5.1.1 <ann@readers.example>: no such user"
    assert take(store, report(store, two, words=words), MAILBOX, START + 2 * DAY).effect == "suppressed"
    assert shown(store, ANN, "daily") == "mail to it bounced (2026-11-04): 550 5.1.1 <…>: no such user"


def test_the_recipient_we_mailed_counts(store: Store) -> None:
    """In a report on several, ours; where ours is not among them, the one that is best off."""
    full, other = message("postfix-two-recipients"), [BOB]
    [ada] = mail_issue(store, "ada@reader.example")
    [team] = mail_issue(store, *other, number=2)
    take(store, Arrival("", coded(store, ada), full), MAILBOX, START)
    take(store, Arrival("", coded(store, team), full), MAILBOX, START)
    assert [row.entry.meaning for row in incoming.listed(store, 9)] == ["mailbox-full", "address-dead"]


def test_an_issue_that_came_through_takes_a_point_back(store: Store) -> None:
    """One failure, an issue of which nothing came back for a week, another failure: the first is forgiven."""
    numbers = [mail_issue(store, ANN, number=n, at=START + n * DAY)[0] for n in range(1, 9)]
    full = {"status": "4.2.2", "words": "452 4.2.2 mailbox full"}
    take(store, report(store, numbers[0], **full), MAILBOX, START + DAY)
    assert score(store, ANN).fresh == ((1, 1),)
    take(store, report(store, numbers[7], **full), MAILBOX, START + 9 * DAY + timedelta(hours=1))
    # Only issue 2 had a quiet week by then; issue 1 came back.
    assert score(store, ANN).eroded == 1
    assert points(score(store, ANN)) == 1
    take(store, report(store, numbers[6], **full), MAILBOX, START + 9 * DAY + timedelta(hours=2))
    assert score(store, ANN).eroded == 0


def test_a_slow_server_loses_nobody(store: Store) -> None:
    """Each issue of a daily edition is reported as delayed, and comes: nothing is held against its reader, and each
    counts as one that came through."""
    for number in range(1, 31):
        [delivery] = mail_issue(store, ANN, number=number, at=START + number * DAY)
        arrival = report(store, delivery, "4.4.1", f"connection timed out {number}", "delayed")
        assert take(store, arrival, MAILBOX, START + (number + 0.2) * DAY).effect == "noted"
    assert score(store, ANN) == Score()
    assert len(incoming.came_through(store, ANN, standing.QUIET, START, START + 37.5 * DAY)) == 30


def test_what_came_back_in_time_did_not_come_through(store: Store) -> None:
    """An issue that was refused for what we are is no success, and neither is one of which it is not known yet."""
    one, two, three = (mail_issue(store, ANN, number=n, at=START + n * DAY)[0] for n in (1, 2, 3))
    take(store, report(store, one), MAILBOX, START + DAY)
    take(store, report(store, two, "5.7.1", "550 5.7.1 blocked"), MAILBOX, START + 3 * DAY)
    take(store, report(store, three, "4.2.2", "452 full"), MAILBOX, START + 9.5 * DAY)
    assert score(store, ANN).eroded == 0
    assert incoming.came_through(store, ANN, standing.QUIET, START, START + 99 * DAY) == []


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["5.1.1", "4.2.2", "5.7.1", "5.0.0"])), max_size=4),
    st.integers(0, 20),
)
def test_the_order_of_the_same_reports_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, reports: list[tuple[int, str]], days: int
) -> None:
    """Whatever has been before, reports that come at one moment leave the same score and the same standing."""
    outcomes = set()
    with open_store(tmp_path_factory.mktemp("order") / "tidings.db") as store:
        numbers = [mail_issue(store, ANN, number=n + 1, at=START + 2 * n * DAY)[0] for n in range(4)]
        take(store, report(store, numbers[0], "4.2.2", "452 full"), MAILBOX, START + DAY)
        now = START + 8 * DAY + days * DAY
        arrivals = [report(store, numbers[n], code, f"5{n} {code} {k}") for k, (n, code) in enumerate(reports)]
        for order in permutations(arrivals):
            store.conn.execute("BEGIN")
            for arrival in order:
                take(store, arrival, MAILBOX, now)
            outcomes.add((score(store, ANN), shown(store, ANN)[:20]))
            store.conn.rollback()
    assert len(outcomes) == 1


def test_what_is_kept_has_limits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each message so many bytes, and so many messages; then others like them are not taken, and nothing of them is
    left, while what is understood is; after some are forgotten there is room."""
    monkeypatch.setattr(intake, "KEPT_MESSAGES", 3)
    [delivery] = mail_issue(store, ANN)
    long = b"Subject: hello\n\n" + b"x" * 3 * intake.KEPT_BYTES
    for number in range(3):
        take(store, Arrival("a@b.example", MAILBOX, long + b"%d" % number), MAILBOX, START)
    with pytest.raises(MailError, match="tidings bounces list"):
        take(store, Arrival("a@b.example", MAILBOX, long), MAILBOX, START)
    assert take(store, Arrival("", coded(store, delivery), b"Subject: what?\n\n"), MAILBOX, START).effect == "kept"
    incoming.forget(store, [incoming.newest(store)])
    assert take(store, report(store, delivery), MAILBOX, START).effect == "counted"
    rows = incoming.listed(store, 9)
    assert all(row.entry.size > 3 * intake.KEPT_BYTES for row in rows[1:])
    assert {len(row.entry.message or b"") for row in rows} == {0, intake.KEPT_BYTES}
    assert incoming.forget(store, [rows[1].id, 999]) == [999]
    take(store, Arrival("a@b.example", MAILBOX, long), MAILBOX, START)


def test_no_address_is_written_down(store: Store) -> None:
    """Neither what is suppressed, nor what is held against somebody, nor what was understood names its reader."""
    one, two = (mail_issue(store, ANN, number=number)[0] for number in (1, 2))
    for delivery in (one, two):
        words = f"550 5.1.1 <{ANN}>: no such user {ANN} (ann@readers.example)"
        take(store, report(store, delivery, words=words), MAILBOX, START)
    take(store, Arrival(ANN, coded(store, one, "unsubscribe"), b"Subject: stop\n\n"), MAILBOX, START)
    for table in ("suppressions", "address_scores", "returned_mail"):
        rows = store.rows(f"SELECT * FROM {table}")
        assert rows
        assert "readers.example" not in repr([tuple(row) for row in rows])


def test_a_suppression_outlives_its_reader(store: Store) -> None:
    """It is there when the address comes back in another spelling, and gone, with all that was held against it, when
    somebody takes it away."""
    one, two = (mail_issue(store, "Ann@Bücher.example", number=number)[0] for number in (1, 2))
    for delivery in (one, two):
        take(store, report(store, delivery), MAILBOX, START)
    store.conn.execute("DELETE FROM deliveries")
    assert shown(store, "ann@xn--bcher-kva.example")
    assert standing.unsuppress(store, "ANN@bücher.example")
    assert not standing.unsuppress(store, "ann@bücher.example")
    assert score(store, "ann@bücher.example") == Score()


_DYING = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from tidings.intake import take
from tidings.model import Arrival
from tidings.store import open_store
path, recipient, mailbox, now = sys.argv[1:]
with open_store(Path(path)) as store:
    take(store, Arrival("", recipient, sys.stdin.buffer.read()), mailbox, datetime.fromisoformat(now))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_before_it_could_answer(store: Store) -> None:
    """What was taken is on disk by then, so when the mail server sends it again it is known."""
    [delivery] = mail_issue(store, ANN)
    arrival = report(store, delivery)
    command = [sys.executable, "-c", _DYING, str(store.path), arrival.recipient, MAILBOX, START.isoformat()]
    for _ in range(2):
        done = subprocess.run(command, input=arrival.message, env=os.environ, timeout=60, check=False)
        assert done.returncode == -signal.SIGKILL
    assert [row.entry.effect for row in incoming.listed(store, 9)] == ["counted"]
    assert score(store, ANN).fresh == ((1, 2),)
    assert not take(store, arrival, MAILBOX, START + DAY).is_new


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.none(), st.text(max_size=40)), st.text(max_size=40), st.binary(max_size=300))
def test_anything_can_be_taken(store: Store, sender: str | None, recipient: str, octets: bytes) -> None:
    """Whatever envelope and message somebody makes up, nobody is harmed, and it is kept or noted."""
    with store.write():
        effect = take(store, Arrival(sender, recipient, octets), MAILBOX, START).effect
    assert effect in ("kept", "noted", "ours")
    assert suppressions.listed(store) == []


def test_halves_of_characters_are_taken(store: Store) -> None:
    """UTF-7 can spell what no database can hold; that is no reason to ask for the message again and again."""
    head = b"From: MAILER-DAEMON@x\nSubject: failure notice\nContent-Type: text/plain; charset=utf-7\n\n"
    text = b"<ada@reader.example>: user unknown +2AA-\n\nMessage-ID: <a+2AA-b@x>\n"
    assert take(store, Arrival("", MAILBOX, head + text), MAILBOX, START).effect == "kept"
    subject = b"From: a@b.example\nSubject: =?utf-7?Q?+2AA-?=\nAuto-Submitted: auto-replied\n\n"
    assert take(store, Arrival("a@b.example", "\udcff@x", subject), MAILBOX, START).effect == "noted"


def test_old_scores_fade(store: Store) -> None:
    """A month after the last failure nothing is left of it, whatever came through meanwhile."""
    one, two = (mail_issue(store, ANN, number=number)[0] for number in (1, 2))
    take(store, report(store, one), MAILBOX, START)
    assert take(store, report(store, two), MAILBOX, START + MEMORY).effect == "counted"
