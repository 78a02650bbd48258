"""Small mails that come back: each has a return address of its own, and what comes to it is about that mail alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.builders import NOW
from tests.returned_mail import DSN, MAILBOX
from tests.smtp_servers import ScriptedServer
from tests.test_leaving_by_mail import COMPLAINT
from tests.test_notes import ANN, OFFICE, ask, send, subscribe, through
from tidings import forgetting, managing, moving, signing, signup, standing
from tidings.addresses import pseudonym
from tidings.intake import take
from tidings.mail.bounces_score import points
from tidings.model import Arrival, Sign
from tidings.signing import Purpose
from tidings.standing import Failure
from tidings.store import Store, erasing, keys, moves, notes, refusals, signups, site, subscribers, suppressions

NEW = "new@elsewhere.example"
LATER = NOW + timedelta(hours=1)
MOVE = "a" * 16


def mailed(store: Store) -> dict[str, str]:
    """Sends what is due; for each address that was mailed where its mail bounces to."""
    with ScriptedServer() as server:
        send(store, through(server, bounces=MAILBOX))
    heard = "\n".join(server.heard)
    paths = re.findall(r"MAIL FROM:<([^>]*)>[^\r\n]*\s+RCPT TO:<([^>]*)>", heard)
    return {reader: path for path, reader in paths}


def report(to: str, reader: str, status: str = "5.1.1", words: str = "550 5.1.1 no such user") -> Arrival:
    return Arrival("", to, DSN.format(to=to, reader=reader, action="failed", status=status, words=words).encode())


def held(store: Store, address: str) -> float:
    """The points held against an address."""
    return points(suppressions.score(store, pseudonym(address, site.secret(store))))


def is_never_asked(store: Store, address: str) -> bool:
    return refusals.among(store, [address]) == {address: "never-ask"}


def ask_for_move(store: Store) -> dict[str, str]:
    assert moving.ask(store, subscribe(store), NEW, None, MOVE, NOW).may_go
    return mailed(store)


@pytest.mark.parametrize(
    ("status", "words", "effect", "left"),
    [
        ("5.1.1", "550 5.1.1 no such user", "ended", 0),
        ("5.2.1", "550 5.2.1 mailbox disabled", "ended", 0),
        ("5.2.2", "552 5.2.2 mailbox full", "noted", 1),
        ("5.7.1", "550 5.7.1 listed as a source of spam", "ours", 1),
    ],
)
def test_a_confirmation_that_bounces_ends_its_sign_up(
    store: Store, status: str, words: str, effect: str, left: int
) -> None:
    """Where nobody is there, nobody will confirm; it is held against nobody. What is passing, or our fault, ends
    nothing."""
    ask(store)
    ask(store, 2, "bob@readers.example")
    back = mailed(store)
    assert take(store, report(back[ANN], ANN, status, words), MAILBOX, LATER).effect == effect
    assert signups.pending(store) == 1 + left
    assert held(store, ANN) == 0
    assert [row["message"] for row in store.rows("SELECT message FROM returned_mail")] == [None]


@pytest.mark.parametrize(
    ("words", "left"),
    [("550 5.1.1 no such user", 0), ("550 5.2.1 mailbox disabled", 0), ("552 5.2.2 mailbox full", 1)],
)
def test_a_confirmation_that_is_refused_ends_its_sign_up(store: Store, words: str, left: int) -> None:
    """What a server says while we speak to it counts as a report that it sends later."""
    ask(store)
    with ScriptedServer({"RCPT": words}) as server:
        assert send(store, through(server, bounces=MAILBOX)) == {"rejected": 1}
    assert signups.pending(store) == left
    assert store.rows("SELECT * FROM notes") == []
    assert held(store, ANN) == 0


def test_a_small_mail_to_a_subscriber_that_is_refused_counts_once(store: Store) -> None:
    """However many are refused: one to one address does not show that the server is right."""
    subscribe(store)
    for number in range(2):
        now = NOW + timedelta(minutes=10 * number)
        managing.ask(store, ANN, "", None, f"{number:016x}", now)
        with ScriptedServer({"RCPT": "550 5.1.1 no such user"}) as server:
            assert send(store, through(server, bounces=MAILBOX), now) == {"rejected": 1}
    assert held(store, ANN) == pytest.approx(2, abs=0.1)
    assert not standing.suppressed(store, [ANN], "daily")


def test_a_sign_up_that_bounced_is_not_asked_about_again(store: Store) -> None:
    """Nor where it was not known whether the mail came, and it was to go once more."""
    ask(store)
    with ScriptedServer({".": None}) as server:
        assert send(store, through(server, bounces=MAILBOX)) == {"uncertain": 1}
    (path,) = re.findall(r"MAIL FROM:<([^>]*)>", "\n".join(server.heard))
    assert take(store, report(path, ANN), MAILBOX, LATER).effect == "ended"
    assert store.rows("SELECT * FROM notes") == []


def test_a_code_is_that_of_one_mail(store: Store) -> None:
    """One of another number, of another purpose, or that was made up, leads to nothing."""
    ask(store)
    path = mailed(store)[ANN]
    local, _, domain = path.partition("@")
    wrong = (
        path.replace("+n-", "+n-9"),
        path.replace("+n-", "+"),
        path.replace("+n-", "+u-"),
        f"{local[:-2]}22@{domain}",
    )
    for to in wrong:
        assert take(store, report(to, ANN), MAILBOX, LATER).effect == "kept"
    assert signups.pending(store) == 1
    assert take(store, report(path.upper(), ANN), MAILBOX, LATER).effect == "ended"


def test_a_number_that_is_given_again_is_another_mails(store: Store) -> None:
    """A database that was put back gives its numbers once more: what comes back late is not about the new one."""
    ask(store)
    path = mailed(store)[ANN]
    store.conn.execute("UPDATE notes_sent SET message_id = '<note.other@planet.example>'")
    take(store, report(path, ANN), MAILBOX, LATER)
    assert signups.pending(store) == 1


def complaint(to: str) -> Arrival:
    return Arrival("", to, COMPLAINT.encode())


def test_who_calls_a_confirmation_spam_is_never_asked_again(store: Store) -> None:
    """As by its link "this was not me": the sign-up goes, and nobody can have that address asked."""
    ask(store)
    assert take(store, complaint(mailed(store)[ANN]), MAILBOX, LATER).effect == "suppressed"
    assert is_never_asked(store, ANN)
    assert signups.pending(store) == 0
    ask(store, 2, now=NOW + timedelta(days=3))
    assert mailed(store) == {}


def confirmed_sign_up(store: Store) -> str:
    name = ask(store)
    path = mailed(store)[ANN]
    link = signing.sign(Purpose.CONFIRM, name, "", keys.usable(store, NOW), NOW)
    assert signup.confirm(store, link, ["daily"], "planet.example", None, LATER).step == "open"
    return path


def confirmed_move(store: Store) -> str:
    path = ask_for_move(store)[NEW]
    link = signing.sign(Purpose.MOVE, MOVE, "", keys.usable(store, NOW), NOW)
    assert moving.confirm(store, link, None, NOW).step == "open"
    return path


@pytest.mark.parametrize(("confirmed", "address"), [(confirmed_sign_up, ANN), (confirmed_move, NEW)])
def test_a_complaint_about_what_was_confirmed_bars_nobody(
    store: Store, confirmed: Callable[[Store], str], address: str
) -> None:
    """As its link "this was not me" then: a reader who leaves later can come back by the form."""
    path = confirmed(store)
    assert take(store, complaint(path), MAILBOX, LATER).effect == "noted"
    assert not refusals.bars(store, pseudonym(address, site.secret(store)))
    assert [one.address for one in subscribers.active(store, "daily")] == [address]


def test_a_complaint_that_names_the_mail_alone(store: Store) -> None:
    """Providers leave the return path out: the Message-ID holds a secret, so it proves as much."""
    ask(store)
    with ScriptedServer() as server:
        send(store, through(server, bounces=MAILBOX))
    [sent] = server.messages
    message_id = re.search(rb"Message-ID: (<note\.[^>]+>)", sent)
    assert message_id
    original = b"--b\nContent-Type: text/rfc822-headers\n\n" + message_id[0] + b"\n\n--b--\n"
    text = COMPLAINT.encode().replace(b"--b--\n", original)
    assert take(store, Arrival("", MAILBOX, text), MAILBOX, LATER).effect == "suppressed"
    assert is_never_asked(store, ANN)


def test_a_mail_to_a_subscriber_says_something_of_the_address(store: Store) -> None:
    """All that bounce cost together what one issue does: others can have them sent, one after the other. What is about
    us costs nothing."""
    subscribe(store)
    for number in range(2):
        managing.ask(store, ANN, "", None, f"{number:016x}", NOW + timedelta(days=2 * number))
        with ScriptedServer() as server:
            send(store, through(server, bounces=MAILBOX), NOW + timedelta(days=2 * number))
        path = re.findall(r"MAIL FROM:<([^>]*)>", "\n".join(server.heard))[0]
        policy = report(path, ANN, "5.7.1", "550 5.7.1 listed as a source of spam")
        at = LATER + timedelta(days=2 * number)
        assert take(store, policy, MAILBOX, at).effect == "ours"
        assert take(store, report(path, ANN), MAILBOX, at).effect == "counted"
    assert not standing.suppressed(store, [ANN], "daily")
    issue = Failure(ANN, Sign(1, "hard"), "550 5.1.1 no such user")
    assert standing.count(store, [issue], LATER + timedelta(days=3)) == [ANN]


def test_who_complains_of_a_link_that_others_asked_for_stays_subscribed(store: Store) -> None:
    """Anybody can have a link to the preferences sent to a reader: that must not be a way to cut the reader off."""
    subscribe(store)
    managing.ask(store, ANN, "", None, "a" * 16, NOW)
    assert take(store, complaint(mailed(store)[ANN]), MAILBOX, LATER).effect == "suppressed"
    assert len(subscribers.active(store, "daily")) == 1
    assert not suppressions.bars(store, pseudonym(ANN, site.secret(store)))
    assert is_never_asked(store, ANN)


def test_a_subscriber_who_complains_of_an_own_mail_gets_no_more(store: Store) -> None:
    """As with an issue: all subscriptions end, and the address is left alone."""
    back = ask_for_move(store)
    assert take(store, complaint(back[ANN]), MAILBOX, LATER).effect == "suppressed"
    assert subscribers.active(store, "daily") == []
    assert suppressions.bars(store, pseudonym(ANN, site.secret(store)))


def test_a_new_address_that_bounces_ends_the_move(store: Store) -> None:
    """The reader stays where mail arrives, and nothing is held against anybody."""
    back = ask_for_move(store)
    assert take(store, report(back[NEW], NEW), MAILBOX, LATER).effect == "ended"
    assert moves.named(store, MOVE) is None
    assert (held(store, ANN), held(store, NEW)) == (0, 0)


def test_an_old_address_that_bounces_does_not_end_the_move(store: Store) -> None:
    """That may be why its reader moves: it counts against the old address."""
    back = ask_for_move(store)
    assert take(store, report(back[ANN], ANN), MAILBOX, LATER).effect == "counted"
    assert moves.named(store, MOVE) is not None
    assert held(store, ANN) > 0


def test_what_comes_back_from_the_old_address_is_nobodys(store: Store) -> None:
    """A reader who has moved by then is not to blame for where the mail went before."""
    back = ask_for_move(store)
    link = signing.sign(Purpose.MOVE, MOVE, "", keys.usable(store, NOW), NOW)
    assert moving.confirm(store, link, None, NOW).step == "open"
    assert take(store, report(back[ANN], ANN), MAILBOX, LATER).effect == "noted"
    assert (held(store, ANN), held(store, NEW)) == (0, 0)


def test_who_calls_the_question_about_a_move_spam_is_never_asked_again(store: Store) -> None:
    """The stranger is left alone, and the reader stays."""
    back = ask_for_move(store)
    assert take(store, complaint(back[NEW]), MAILBOX, LATER).effect == "suppressed"
    assert is_never_asked(store, NEW)
    assert moves.named(store, MOVE) is None
    assert len(subscribers.active(store, "daily")) == 1


def test_what_was_sent_is_known_for_a_while_without_an_address(store: Store) -> None:
    """By a keyed hash, for thirty days; not after its owner was erased."""
    ask(store)
    mailed(store)
    [row] = store.rows("SELECT * FROM notes_sent")
    assert ANN not in str(tuple(row))
    forgetting.forget(store, NOW + notes.SENT_KEPT)
    assert len(store.rows("SELECT * FROM notes_sent")) == 1
    forgetting.forget(store, NOW + notes.SENT_KEPT + timedelta(hours=2))
    assert store.rows("SELECT * FROM notes_sent") == []


@pytest.mark.parametrize("is_subscriber", [False, True])
def test_an_erased_address_is_not_known_by_its_mails(store: Store, is_subscriber: bool) -> None:
    """What comes back later is nobody's, and is not kept, since it may hold the address."""
    if is_subscriber:
        subscribe(store)
        managing.ask(store, ANN, "", None, "a" * 16, NOW)
    else:
        ask(store)
    path = mailed(store)[ANN]
    erasing.erase(store, ANN, NOW, reason="erased")
    assert store.rows("SELECT * FROM notes_sent WHERE fingerprint != x''") == []
    take(store, report(path, ANN), MAILBOX, LATER)
    take(store, complaint(path), MAILBOX, LATER)
    take(store, Arrival(ANN, path, f"From: {ANN}\r\n\r\nWho are you?\r\n".encode()), MAILBOX, LATER)
    assert [row["message"] for row in store.rows("SELECT message FROM returned_mail")] == [None] * 3
    assert [row["reason"] for row in store.rows("SELECT reason FROM refusals")] == ["erased"]
    assert suppressions.listed(store) == []


def test_without_an_address_for_bounces_there_is_no_code(store: Store) -> None:
    """Then they come back to who sends."""
    ask(store)
    with ScriptedServer() as server:
        send(store, through(server))
    assert f"MAIL FROM:<{OFFICE.envelope_sender}>" in "".join(server.heard)
