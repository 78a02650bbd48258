"""The small mails of subscribing: what they say, and that each goes out once, whatever happens meanwhile."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NOW, edition, schedule
from tests.returned_mail import MAILBOX
from tests.smtp_servers import HOST, ScriptedServer
from tests.transports import Keeper, Keeping
from tidings import intake, managing, moving, signing, signup
from tidings import notes as small_mails
from tidings.addresses import pseudonym
from tidings.dispatching import Pace
from tidings.errors import MailError, MovedError, RenderError
from tidings.letters import PostOffice
from tidings.mail.dkim import Signer
from tidings.mail.keys import new_key
from tidings.mail.smtp import SmtpServer, open_smtp
from tidings.model import Arrival, Evidence, Note, Schedule, StoredSubscriber
from tidings.notes import Sender
from tidings.render.environment import SHIPPED, Templates
from tidings.render.frequency import how_often
from tidings.render.wording import load_wording
from tidings.signing import Purpose
from tidings.signup import Wish
from tidings.store import Store, erasing, keys, moves, notes, open_store, sender, site, subscribers

ANN = "ann@readers.example"
HOSTILE = "The <Daily>\r\nBcc: x@y.example {{ 7 * 7 }} %(a)s"
DAILY = edition(name="daily", title="The Daily", signup=True)
WEEKLY = edition(name="weekly", title=HOSTILE, signup=True, schedule=schedule(weekdays={4}))
SENDER = Sender("Example Planet", "https://planet.example", "en", (DAILY, WEEKLY))
OFFICE = PostOffice("Planet <digest@planet.example>", "editor@planet.example", "1 Test Street\nTown", lambda: None)  # type: ignore[arg-type,return-value]


def pace(now: datetime = NOW) -> Pace:
    return Pace(lambda: now, lambda: False, lambda _seconds: None)


def through(server: ScriptedServer, **more: Any) -> PostOffice:
    return replace(OFFICE, open_transport=lambda: open_smtp(SmtpServer(HOST, server.port, "none")), **more)


def ask(store: Store, number: int = 1, address: str = ANN, language: str = "", now: datetime = NOW) -> str:
    name = f"{number:016x}"
    wish = Wish(address, ("daily", "weekly"), language, "form", "I want this.")
    assert signup.ask(store, wish, ip_address(0xC6336400 + 256 * number), name, now).may_go
    return name


def send(store: Store, office: PostOffice, now: datetime = NOW) -> dict[str, int]:
    return dict(small_mails.send_due(store, SENDER, office, pace(now)))


def read(message: bytes) -> EmailMessage:
    return message_from_bytes(message, policy=policy.default)


def parts(message: EmailMessage) -> tuple[str, str]:
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


# ------------------------------------------------------------------------------------------------------- what they say


@pytest.mark.parametrize("language", ["en", "de", "fr", "ar"])
def test_a_confirmation_says_all_that_a_reader_needs(store: Store, language: str) -> None:
    """Which editions and how often, from where it was asked, who sends it, and two links that work: in both parts."""
    name = ask(store, language=language)
    (note,) = notes.due(store, NOW)
    message = read(bytes(small_mails.write(note, SENDER, OFFICE, keys.usable(store, NOW))))
    links = [set(re.findall(r"https://planet\.example/(\w+)/([\w~-]+)", part)) for part in parts(message)]
    assert links[0] == links[1]
    assert {kind for kind, _ in links[0]} == {"confirm", "refuse"}
    for kind, token in links[0]:
        purpose = Purpose.CONFIRM if kind == "confirm" else Purpose.REFUSE
        grant = signing.read(token, purpose, keys.listed(store), NOW)
        assert isinstance(grant, signing.Grant)
        assert grant.subject == (name if kind == "confirm" else pseudonym(ANN, site.secret(store)).hex())
    often = [how_often(one.schedule, load_wording(SHIPPED.folders, language)) for one in SENDER.editions]
    for part in parts(message):
        for said in ("The Daily", *often, "198.51.101.0/24", "1 Test Street", "Town", "Example Planet", "08:00"):
            assert said in part, said
    assert f'lang="{language}"' in parts(message)[1]


def test_a_confirmation_is_a_mail_of_a_machine(store: Store) -> None:
    """Auto-Submitted so that nobody's absence answers it, with a List-Id to filter by, and no list to be taken off."""
    ask(store)
    (note,) = notes.due(store, NOW)
    message = read(bytes(small_mails.write(note, SENDER, OFFICE, keys.usable(store, NOW))))
    assert message["To"] == ANN
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == '"The Daily" <daily.planet.example>'
    for absent in ("List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "Bcc"):
        assert message[absent] is None
    assert message["Message-ID"].startswith("<note.")
    assert "49" not in re.sub(r"https://\S+|&#", "", parts(message)[1])  # a token may have it
    assert "Bcc: x@y.example" not in bytes(message).decode().partition("\n\n")[0]


def test_nothing_in_it_was_typed_by_who_asked(store: Store) -> None:
    """But for the address it goes to, which the parts do not repeat."""
    ask(store, address="click-here-for-cheap-pills@readers.example")
    (note,) = notes.due(store, NOW)
    message = read(bytes(small_mails.write(note, SENDER, OFFICE, keys.usable(store, NOW))))
    assert "pills" not in "".join(parts(message)) + message["Subject"] + message["Message-ID"]


def test_it_is_signed_as_issues_are(store: Store) -> None:
    """With the key that there is."""
    signer = Signer("planet.example", "one", new_key("ed25519"))
    ask(store)
    (note,) = notes.due(store, NOW)
    message = small_mails.write(note, SENDER, replace(OFFICE, signers=(signer,)), keys.usable(store, NOW))
    assert read(bytes(message))["DKIM-Signature"].startswith("v=1; a=ed25519-sha256; ")


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (schedule(), "one mail a day"),
        (schedule(hours={8, 16}), "2 mails a day"),
        (schedule(minutes={0, 30}, hours=range(24)), "48 mails a day"),
        (schedule(weekdays={4}), "one mail a week"),
        (schedule(weekdays={0, 2, 4}), "3 mails a week"),
        (schedule(weekdays={0, 1, 2, 3, 4}), "5 mails a week"),
        (schedule(days={1}), "one mail a month"),
        (schedule(days={31}, clamp=True), "one mail a month"),
        (schedule(days={1, 15}), "2 mails a month"),
        (schedule(days={1}, weekdays={0}, either_day=True), "one mail a week"),
        (schedule(days={1}, months={1, 4, 7, 10}), "4 mails a year"),
        (schedule(days={29}, months={2}), "one mail a year"),
    ],
)
def test_how_often_an_edition_comes(when: Schedule, expected: str) -> None:
    """In the largest words that are right."""
    assert how_often(when, load_wording(SHIPPED.folders, "en")) == expected


# ------------------------------------------------------------------------------------------------------------- sending


def test_each_goes_out_once(store: Store) -> None:
    """To a real server, from the address that bounces come back to; nothing is left of it then."""
    with ScriptedServer() as server:
        for number in range(3):
            ask(store, number, f"r{number}@readers.example")
        assert send(store, through(server, bounces="bounces@planet.example")) == {"accepted": 3}
        assert send(store, through(server)) == {}
    assert [read(one)["To"] for one in server.messages] == [f"r{number}@readers.example" for number in range(3)]
    assert "".join(server.heard).count("MAIL FROM:<bounces+n-") == 3
    assert store.rows("SELECT * FROM notes") == []


@pytest.mark.parametrize(
    ("script", "outcome", "later"),
    [
        ({"RCPT": "550 no such user"}, "rejected", []),
        ({"RCPT": "451 greylisted"}, "deferred", ["accepted"]),
        ({".": None}, "uncertain", ["accepted"]),
    ],
)
def test_what_a_server_says(store: Store, script: dict[str, str | None], outcome: str, later: list[str]) -> None:
    """Never is never; later is later; and where no answer came it goes once more, under the same Message-ID."""
    ask(store)
    with ScriptedServer(script) as server:
        assert send(store, through(server)) == {outcome: 1}
        assert send(store, through(server), NOW + timedelta(minutes=1)) == (
            {} if outcome != "uncertain" else {"uncertain": 1}
        )
        if outcome == "uncertain":
            assert store.rows("SELECT * FROM notes") == []
            assert len({read(one)["Message-ID"] for one in server.messages}) == 1
            return
    with ScriptedServer() as server:
        assert list(send(store, through(server), NOW + timedelta(minutes=6))) == later


def test_a_server_that_is_away_loses_nothing(store: Store) -> None:
    """It is tried again, for a day; then whoever waited has gone."""
    ask(store)
    with ScriptedServer() as server:
        port = server.port
    gone = replace(OFFICE, open_transport=lambda: open_smtp(SmtpServer(HOST, port, "none")))
    with pytest.raises(MailError):
        send(store, gone)
    with ScriptedServer() as server:
        assert send(store, through(server), NOW + timedelta(hours=23)) == {"accepted": 1}
        ask(store, 2, "bob@readers.example")
        assert send(store, through(server), NOW + timedelta(hours=24)) == {"expired": 1}
    assert len(server.messages) == 1


def test_one_that_cannot_be_written_keeps_no_other_waiting(store: Store, tmp_path: Path) -> None:
    """It is told of, and tried again later; those behind it go out at once."""
    own = tmp_path / "notes" / "manage.txt"
    own.parent.mkdir()
    own.write_text("{{ note.nothing.at_all }}", encoding="utf-8")
    managing.ask(store, subscribe(store).address, "", None, f"{9:016x}", NOW)
    ask(store, address="bob@readers.example")
    with ScriptedServer() as server:
        office = through(server, templates=Templates(tmp_path))
        with pytest.raises(RenderError, match="manage"):
            send(store, office)
        assert [read(one)["To"] for one in server.messages] == ["bob@readers.example"]
        assert send(store, office, NOW + timedelta(minutes=4)) == {}
        assert send(store, through(server), NOW + timedelta(minutes=5)) == {"accepted": 1}


def test_who_refuses_is_not_asked_by_what_waits(store: Store) -> None:
    """A mail that is still in the queue goes with the rest."""
    ask(store)
    print_ = pseudonym(ANN, site.secret(store))
    signup.refuse(store, signing.sign(Purpose.REFUSE, print_.hex(), "", keys.usable(store, NOW), NOW), NOW)
    with ScriptedServer() as server:
        assert send(store, through(server)) == {}


def test_an_outcome_waits_for_who_keeps_the_database(store: Store) -> None:
    """Kept for longer than is waited otherwise, just when a server has taken a mail: it is not sent again."""
    ask(store)
    store.conn.execute("PRAGMA busy_timeout = 20")
    keeper = Keeper(store)
    mail = Keeping(keeper=keeper)
    with closing(keeper):
        assert send(store, mail.office()) == {"accepted": 1}
    assert keeper.has_kept
    assert send(store, mail.office(), NOW + timedelta(hours=1)) == {}
    assert mail.recipients == [ANN]


def test_a_copy_sends_none(tmp_path: Path) -> None:
    """A database that was copied after it had sent touches no mail until it is adopted: the original sends them."""
    home, copy = tmp_path / "home", tmp_path / "copy"
    home.mkdir()
    with open_store(home / "tidings.db") as store:
        sender.count(store, NOW)
        ask(store)
    shutil.copytree(home, copy)
    with ScriptedServer() as server, open_store(copy / "tidings.db") as store:
        with pytest.raises(MovedError):
            send(store, through(server))
        sender.adopt(store)
        assert send(store, through(server)) == {"accepted": 1}


_CHILD = """
import sys
from pathlib import Path
from tests.test_notes import *
with open_store(Path(sys.argv[1])) as store:
    office = replace(OFFICE, open_transport=lambda: open_smtp(SmtpServer(HOST, int(sys.argv[2]), "none")))
    send(store, office)
"""


@pytest.mark.parametrize("point", ["RCPT", "DATA", "."])
def test_a_kill_loses_no_mail_and_repeats_only_the_one_in_flight(tmp_path: Path, point: str) -> None:
    """SIGKILL when the server hears a word of the second of three mails: all three come; none twice but, where it was
    at its end, that one under the same Message-ID."""
    database, children = tmp_path / "tidings.db", list[subprocess.Popen[bytes]]()
    with open_store(database) as store:
        keys.usable(store, NOW)
        for number in range(3):
            ask(store, number, f"r{number}@readers.example")

    def kill(before: int) -> str | None:
        if before == 1 and children[0].poll() is None:
            os.kill(children[0].pid, signal.SIGKILL)
            children[0].wait()
            return None
        return "354 go on" if point == "DATA" else "250 ok"

    with ScriptedServer({point: kill}) as server:
        children.append(subprocess.Popen([sys.executable, "-c", _CHILD, str(database), str(server.port)]))
        assert children[0].wait(60) == -signal.SIGKILL
        with open_store(database) as store:
            send(store, through(server))
            assert store.rows("SELECT * FROM notes") == []
    came = [(read(one)["To"], read(one)["Message-ID"]) for one in server.messages]
    assert {address for address, _ in came} == {f"r{number}@readers.example" for number in range(3)}
    assert len(set(came)) == 3
    assert len(came) == (4 if point == "." else 3)


def test_without_resend_what_is_in_doubt_is_given_up(store: Store) -> None:
    """As with issues, where the operator wants that: who still wants it asks again."""
    ask(store)
    (note,) = notes.due(store, NOW)
    assert notes.start(store, note, "<note.1@planet.example>", NOW)
    with ScriptedServer() as server:
        assert send(store, through(server, resend=False)) == {}
    assert store.rows("SELECT * FROM notes") == []


# --------------------------------------------------------------------------------------- links, and changes of address


def subscribe(store: Store, language: str = "") -> StoredSubscriber:
    subscribers.add(store, ANN, "daily", "web", Evidence(), NOW, language=language)
    keys.usable(store, NOW)
    found = subscribers.find(store, ANN)
    assert found is not None
    return found


def written(store: Store, note: Note, new_address: str = "") -> EmailMessage:
    return read(bytes(small_mails.write(note, SENDER, OFFICE, keys.usable(store, NOW), new_address)))


@pytest.mark.parametrize("language", ["en", "de", "fr", "ar"])
def test_the_link_to_the_page_of_preferences(store: Store, language: str) -> None:
    """One link in both parts that opens the reader's page, for an hour, in the reader's language."""
    reader = subscribe(store, language)
    managing.ask(store, ANN, "", ip_address("192.0.2.1"), "a" * 16, NOW)
    (note,) = notes.due(store, NOW)
    message = written(store, note)
    links = [re.findall(r"https://planet\.example/preferences/([\w~-]+)", part) for part in parts(message)]
    assert [len(found) for found in links] == [1, 1]
    assert links[0] == links[1]
    assert managing.read(store, links[0][0], NOW) == reader
    assert managing.read(store, links[0][0], NOW + timedelta(hours=1)) is signing.Refusal.EXPIRED
    assert f'lang="{language}"' in parts(message)[1]
    assert message["To"] == ANN


def test_a_link_that_has_run_out_is_not_sent(store: Store) -> None:
    """A mail server that is down for an hour: the reader has asked again by then."""
    subscribe(store)
    managing.ask(store, ANN, "", None, "a" * 16, NOW)
    with ScriptedServer() as server:
        assert send(store, through(server), NOW + timedelta(minutes=59)) == {"accepted": 1}
        managing.ask(store, ANN, "", None, "b" * 16, NOW + timedelta(hours=2))
        assert send(store, through(server), NOW + timedelta(hours=3)) == {"expired": 1}


def test_the_mails_of_a_move(store: Store) -> None:
    """The new address is told neither the old one nor anything that was typed; the old one is told the new, and how to
    stop it; when it is done, the old one is not told where it went."""
    reader, new = subscribe(store), "cheap-pills@elsewhere.example"
    assert moving.ask(store, reader, new, None, "a" * 16, NOW).may_go
    for_new, for_old = notes.due(store, NOW)
    there, here = written(store, for_new, new), written(store, for_old, new)
    assert (there["To"], here["To"]) == (new, ANN)
    assert there["Message-ID"] != here["Message-ID"]
    for part in parts(there):
        assert ANN not in part
        assert "pills" not in part
        assert set(re.findall(r"planet\.example/(\w+)/", part)) == {"move", "refuse"}
    for part in parts(here):
        assert new in part
        assert set(re.findall(r"planet\.example/(\w+)/", part)) == {"withdraw"}
    link = re.findall(r"planet\.example/move/([\w~-]+)", parts(there)[0])[0]
    assert moving.confirm(store, link, None, NOW).step == "open"
    (done,) = notes.due(store, NOW)
    assert done.address == ANN
    for part in parts(written(store, done)):
        assert "pills" not in part
        assert "/move/" not in part


def test_mails_of_a_move_that_was_taken_back_are_not_sent(store: Store) -> None:
    """Also one that was in hand when that was done, and came back."""
    reader = subscribe(store)
    moving.ask(store, reader, "new@elsewhere.example", None, "a" * 16, NOW)
    store.conn.execute("UPDATE notes SET state = 'inflight'")
    assert moves.withdraw(store, "a" * 16)
    with ScriptedServer() as server:
        assert send(store, through(server)) == {"withdrawn": 2}
        assert server.messages == []


def test_erasing_takes_the_mails_along(store: Store) -> None:
    """Of the reader, and to the address that the reader wanted."""
    reader = subscribe(store)
    moving.ask(store, reader, "new@elsewhere.example", None, "a" * 16, NOW)
    managing.ask(store, ANN, "", None, "b" * 16, NOW)
    erasing.erase(store, ANN, NOW, reason="erased")
    assert store.rows("SELECT * FROM notes") == store.rows("SELECT * FROM moves") == []


def test_what_stands_for_nobody_is_erased(store: Store) -> None:
    """Of strangers who asked for a link nothing is left but, for a day, that somebody did; and nothing was mailed."""
    subscribe(store)
    managing.ask(store, "stranger@readers.example", "", None, "a" * 16, NOW)
    with ScriptedServer() as server:
        assert send(store, through(server)) == {}
        assert server.messages == []
    assert store.rows("SELECT * FROM notes") == []


def test_one_that_comes_back_keeps_nobodys_address(store: Store) -> None:
    """What a server says of it is on record; the message, with a stranger's address, is not."""
    ask(store)
    (note,) = notes.due(store, NOW)
    message = bytes(small_mails.write(note, SENDER, OFFICE, keys.usable(store, NOW)))
    report = (
        b"From: MAILER-DAEMON@mx.example\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        b"Final-Recipient: rfc822; " + ANN.encode() + b"\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + message + b"\r\n--b--\r\n"
    )
    assert intake.take(store, Arrival("", MAILBOX, report), MAILBOX, NOW).effect == "noted"
    assert [row["message"] for row in store.rows("SELECT message FROM returned_mail")] == [None]
