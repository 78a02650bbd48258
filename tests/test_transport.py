"""Transport: one message's outcome is a receipt, a server that fails as a whole is an error. Against real servers."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from tests.builders import NOW
from tests.smtp_servers import HOST, Script, ScriptedServer, certificate, real_server
from tidings.errors import MailError
from tidings.mail.folder import open_folder
from tidings.mail.message import Envelope, Message, compose, message_id
from tidings.mail.smtp import USUAL, SmtpServer, open_smtp
from tidings.mail.transport import WITHDRAWN, Parcel, Transport, always
from tidings.model import Receipt

SENDER = "news@example.com"
READER = "reader@example.org"


def letter(number: int = 1, text: str = "Hello", recipient: str = READER) -> bytes:
    identity = message_id("daily", number, NOW, recipient, "example.com")
    envelope = Envelope(SENDER, "", "daily", "The daily", 1, "https://example.com/")
    return bytes(compose(envelope, recipient, "News", "<p>Hello</p>", text, identity, NOW))


def hand(transport: Transport, message: bytes, recipient: str = READER) -> Receipt:
    """Hands over a message in one piece."""
    return transport.send(Parcel(SENDER, recipient, lambda: Message(message, b"")), always)


def plain(port: int, username: str | None = None, password: str | None = None) -> SmtpServer:
    return SmtpServer(HOST, port, "none", username, password)


def send_one(server: SmtpServer, recipient: str = READER) -> Receipt:
    with open_smtp(server) as transport:
        return hand(transport, letter(recipient=recipient), recipient)


def sent(script: Script, count: int = 1) -> tuple[list[Receipt], ScriptedServer]:
    """The receipts of `count` messages to a server that answers by `script`."""
    with ScriptedServer(script) as server, open_smtp(plain(server.port)) as transport:
        return [hand(transport, letter(number)) for number in range(count)], server


class RawServer:
    """Shows in one read what comes after EHLO, then answers all that came with 250 or 354."""

    def __init__(self, ehlo: str, waiting: list[bytes]) -> None:
        self._ehlo = ehlo
        self._waiting = waiting
        self._socket = socket.create_server((HOST, 0))
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> int:
        self._thread.start()
        return int(self._socket.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._thread.join(10)
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            connection.sendall(b"220 ready\r\n")
            connection.recv(1000)
            connection.sendall(self._ehlo.encode() + b"\r\n")
            while data := connection.recv(1_000_000):
                self._waiting.append(data)
                for line in data.splitlines():
                    if line.upper().startswith((b"MAIL", b"RCPT", b"QUIT")) or line == b".":
                        connection.sendall(b"250 ok\r\n")
                    elif line == b"DATA":
                        connection.sendall(b"354 go on\r\n")


# --------------------------------------------------------------------------------------------------- a good server


def test_a_message_arrives_to_the_byte() -> None:
    """Envelope and content are what was handed over."""
    with real_server() as (port, mailbox):
        receipt = send_one(plain(port))
    assert receipt == Receipt("accepted", "250 kept")
    [envelope] = mailbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, [READER])
    assert envelope.content == letter()


def test_lines_of_dots_arrive() -> None:
    """A line that begins with a dot does not end the message (RFC 5321 section 4.5.2)."""
    message = letter(text=".\n..\n.hidden\n")
    with real_server() as (port, mailbox), open_smtp(plain(port)) as transport:
        assert hand(transport, message).state == "accepted"
        assert hand(transport, letter(2)).state == "accepted"
    assert [envelope.content for envelope in mailbox.envelopes] == [message, letter(2)]


def test_many_messages_share_a_connection_for_a_while() -> None:
    """Connections are used again, but not beyond what servers allow."""
    receipts, server = sent({}, 150)
    assert {receipt.state for receipt in receipts} == {"accepted"}
    assert server.connections == 2
    assert [message for message in server.messages if b"\r\nSubject: News\r\n" in message] == server.messages
    assert len(server.messages) == 150


def test_nothing_to_send_connects_to_nothing() -> None:
    """The connection is made with the first message."""
    with ScriptedServer() as server:
        with open_smtp(plain(server.port)):
            pass
        assert server.connections == 0


def test_the_end_is_polite() -> None:
    """A session ends with QUIT."""
    _, server = sent({})
    assert server.heard[-1].upper() == "QUIT"


# --------------------------------------------------------------------------------------------- addresses and SMTPUTF8


def test_a_foreign_address_goes_to_a_server_that_takes_it() -> None:
    """With SMTPUTF8 an address outside ASCII is used as it is, its domain in ASCII."""
    with real_server() as (port, mailbox):
        assert send_one(plain(port), "jörg@bücher.example").state == "accepted"
    [envelope] = mailbox.envelopes
    assert envelope.rcpt_tos == ["jörg@xn--bcher-kva.example"]
    assert "SMTPUTF8" in envelope.mail_options


def test_a_foreign_address_is_refused_where_it_cannot_go() -> None:
    """Without SMTPUTF8 that reader is refused, the next is not."""
    with real_server(smtputf8=False) as (port, mailbox), open_smtp(plain(port)) as transport:
        refused = hand(transport, letter(), "jörg@example.org")
        assert refused.state == "rejected"
        assert "SMTPUTF8" in refused.reply
        assert hand(transport, letter()).state == "accepted"
    assert len(mailbox.envelopes) == 1


def test_a_foreign_domain_goes_anywhere() -> None:
    """A domain outside ASCII needs no SMTPUTF8."""
    with real_server(smtputf8=False) as (port, mailbox):
        assert send_one(plain(port), "joe@bücher.example").state == "accepted"
    assert mailbox.envelopes[0].rcpt_tos == ["joe@xn--bcher-kva.example"]


# ------------------------------------------------------------------------------------------------ one message's outcome


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ({"RCPT": "450 greylisted, try later"}, "deferred"),
        ({"RCPT": "451 4.7.0 too much from you"}, "crowded"),
        ({"RCPT": "550 no such user"}, "rejected"),
        ({"RCPT": "551 user not local"}, "rejected"),
        ({"RCPT": "554 5.7.1 relay access denied"}, "refused"),
        ({"RCPT": "251 will forward"}, "accepted"),
        ({"DATA": "451 local error"}, "deferred"),
        ({"DATA": "554 no valid recipients"}, "refused"),
        ({".": "451 try again"}, "deferred"),
        ({".": "452 disk full"}, "deferred"),
        ({".": "550 5.1.1 no such user after all"}, "rejected"),
        ({".": "552 too big"}, "refused"),
        ({".": "554 looks like spam"}, "refused"),
        ({"MAIL": "451 try later"}, "throttled"),
        ({"MAIL": "550 sender refused"}, "refused"),
    ],
)
def test_a_refusal_belongs_to_one_message(script: dict[str, str], state: str) -> None:
    """What the table of replies says becomes of that message, in the server's words; the next message has its own
    chance on the same connection."""
    [verb] = script
    receipts, server = sent({verb: lambda before: AFTER[verb] if before else script[verb]}, 2)
    assert [receipt.state for receipt in receipts] == [state, "accepted"]
    if state != "accepted":
        assert receipts[0].reply == script[verb]
        assert sum(line.upper() == "RSET" for line in server.heard) == 1
    assert server.connections == 1


AFTER = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", ".": "250 queued"}


def test_without_a_refusal_there_is_no_reset() -> None:
    """Messages follow each other without a word that is not needed."""
    _, server = sent({}, 2)
    verbs = [line.split()[0].upper() for line in server.heard]
    assert verbs == ["EHLO", *["MAIL", "RCPT", "DATA", "."] * 2, "QUIT"]


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ({"RCPT": "hello?"}, "gone"),
        ({"DATA": "250 what?"}, "gone"),
        ({".": "nonsense"}, "uncertain"),
        ({".": "354 go on and on"}, "uncertain"),
    ],
)
def test_what_is_no_answer_is_no_refusal(script: dict[str, str], state: str) -> None:
    """A server that makes no sense is left; after the text it may have taken the message."""
    [verb] = script
    receipts, server = sent({verb: lambda before: AFTER[verb] if before else script[verb]}, 2)
    assert [receipt.state for receipt in receipts] == [state, "accepted"]
    assert server.connections == 2


@pytest.mark.parametrize(("verb", "state"), [("RCPT", "rejected"), ("DATA", "refused")])
def test_a_server_that_hangs_up_after_a_refusal_has_refused(verb: str, state: str) -> None:
    """A 5xx counts although the connection is gone right after it; the next message gets a new connection."""
    gone: Script = {verb: lambda before: AFTER[verb] if before else "550 go away", "RSET": None}
    receipts, server = sent(gone, 2)
    assert [receipt.state for receipt in receipts] == [state, "accepted"]
    assert server.connections == 2


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
def test_421_asks_for_a_pause(verb: str) -> None:
    """A server that shuts down in the middle blames nobody; the next message gets a new connection."""
    receipts, server = sent({verb: lambda before: AFTER[verb] if before else "421 shutting down"}, 2)
    assert [receipt.state for receipt in receipts] == ["throttled", "accepted"]
    assert server.connections == 2


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
def test_a_lost_connection_is_about_the_message_in_hand(verb: str) -> None:
    """A server that hangs up without a word has not taken it before it had the text; after that it may have."""
    receipts, server = sent({verb: lambda before: AFTER[verb] if before else None}, 2)
    assert [receipt.state for receipt in receipts] == ["uncertain" if verb == "." else "gone", "accepted"]
    assert f"{HOST}:{server.port}" in receipts[0].reply
    assert server.connections == 2


def test_a_connection_lost_inside_a_message_leaves_nothing_in_doubt() -> None:
    """The dot was not sent, and no server takes a text without its end."""
    with ScriptedServer({"body": None}) as server, open_smtp(plain(server.port)) as transport:
        receipt = hand(transport, letter(text=LONG))
    assert receipt.state == "gone"


LONG = "long line\n" * 1_000_000


@pytest.mark.parametrize(
    ("answer", "state"), [("552 5.3.4 too long", "refused"), ("451 4.3.0 disk trouble", "deferred"), ("250 ok", "gone")]
)
def test_what_is_said_within_a_message_counts(answer: str, state: str) -> None:
    """Some servers refuse a text that is too long before its end, and hang up; "ok" it can't be by then."""
    with ScriptedServer({"body": answer}) as server, open_smtp(plain(server.port)) as transport:
        receipt = hand(transport, letter(text=LONG))
    assert receipt.state == state
    assert receipt.reply == answer or state == "gone"


@pytest.mark.parametrize(("verb", "state"), [("MAIL", "gone"), ("RCPT", "gone"), ("DATA", "gone"), (".", "uncertain")])
def test_a_server_that_hangs_is_given_up(verb: str, state: str) -> None:
    """After the time it has to answer: before the text nothing was handed over, after it nobody knows."""

    def slow(_: int) -> str:
        time.sleep(0.6)
        return AFTER[verb]

    with ScriptedServer({verb: slow}) as server:
        habits = replace(USUAL, command_seconds=0.2, text_seconds=0.2)
        with open_smtp(plain(server.port), habits) as transport:
            receipt = hand(transport, letter())
    assert receipt.state == state
    assert "timed out" in receipt.reply


@pytest.mark.parametrize("answer", ["421 enough for now", "452 too many recipients", None])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
def test_what_may_be_the_connections_fault_is_asked_again_on_another(verb: str, answer: str | None) -> None:
    """A server that has had enough of a connection, or hung up meanwhile, takes the message on a new one."""
    receipts, server = sent({verb: lambda before: answer if before == 1 else "250 ok"}, 3)
    assert [receipt.state for receipt in receipts] == ["accepted"] * 3
    assert server.connections == 2
    assert len(server.messages) == 3


def test_who_hangs_up_after_refusals_is_asked_again() -> None:
    """Servers end a session with too many errors, though no message went over it yet: that is not about the next
    reader. On a new connection it would be."""
    answers = ["550 no", "421 too many errors", "250 ok"]
    receipts, server = sent({"RCPT": lambda before: answers[before]}, 2)
    assert [receipt.state for receipt in receipts] == ["rejected", "accepted"]
    assert server.connections == 2
    receipts, server = sent({"RCPT": "421 too many errors"}, 1)
    assert (receipts[0].state, server.connections) == ("throttled", 1)


@pytest.mark.parametrize(
    ("verb", "answer", "state"),
    [
        (".", "250 " + "taken " * 2000, "accepted"),
        (".", "250-taken\r\n" * 20 + "250 taken", "accepted"),
        (".", "250-taken\r\n" * 200 + "250 taken", "uncertain"),
        (".", "250 " + "x" * 1_000_000, "accepted"),
        (".", "25", "uncertain"),
        (".", "2500 ok", "uncertain"),
        (".", "+25 ok", "uncertain"),
        (".", "650 ok", "uncertain"),
        (".", "250", "accepted"),
        ("RCPT", "550 " + "no such user " * 1000, "rejected"),
        ("RCPT", "550-no\r\n" * 200 + "550 no", "gone"),
        ("RCPT", "550-5.1.1 no\r\n550 5.1.1 such user", "rejected"),
        ("RCPT", "550 5.1.1 no\x1b[2J\x07 such user", "rejected"),
    ],
)
def test_an_answer_of_any_shape_is_understood_or_left(verb: str, answer: str, state: str) -> None:
    """A code counts, whatever comes behind it: a message that was taken is not sent again because the server talks
    much. What is kept of the words is short and harmless."""
    receipts, _ = sent({verb: lambda before: AFTER[verb] if before else answer}, 2)
    assert [receipt.state for receipt in receipts] == [state, "accepted"]
    assert receipts[0].reply.isprintable()
    assert len(receipts[0].reply) < 600


def test_a_refusal_of_the_text_gives_no_server_more_time_for_commands() -> None:
    """What comes after a refused DATA has as long as any command, not as long as a text."""

    def slow(before: int) -> str:
        time.sleep(3 if before else 0)
        return "250 ok"

    habits = replace(USUAL, command_seconds=0.3)
    with (
        ScriptedServer({"DATA": "451 later", "RCPT": slow}) as server,
        open_smtp(plain(server.port), habits) as transport,
    ):
        assert hand(transport, letter()).state == "deferred"
        begun = time.monotonic()
        assert hand(transport, letter()).state == "gone"
    assert time.monotonic() - begun < 2


def test_too_many_recipients_on_a_new_connection_is_later() -> None:
    """Then it is not the connection."""
    receipts, server = sent({"RCPT": "452 too many recipients"}, 1)
    assert (receipts[0].state, server.connections) == ("deferred", 1)


def test_nothing_leaves_that_is_called_back() -> None:
    """Asked at the last moment, after the reader was taken and before the text: a no leaves nothing in doubt."""
    with ScriptedServer() as server, open_smtp(plain(server.port)) as transport:
        parcel = Parcel(SENDER, READER, lambda: Message(letter(), b""))
        assert transport.send(parcel, lambda: False) == WITHDRAWN
        assert [line.split()[0].upper() for line in server.heard] == ["EHLO", "MAIL", "RCPT", "RSET"]
        assert transport.send(parcel, always).state == "accepted"


def test_who_is_refused_is_not_asked_for() -> None:
    """A reader who is refused was never in doubt: nobody is asked whether the message may go."""
    asked: list[str] = []

    def may_go() -> bool:
        asked.append("may it go?")
        return True

    with ScriptedServer({"RCPT": "550 no"}) as server, open_smtp(plain(server.port)) as transport:
        parcel = Parcel(SENDER, READER, lambda: Message(letter(), b""))
        transport.send(parcel, may_go)
    assert asked == []


# ------------------------------------------------------------------------------------------------------- extensions

PIPELINING = "250-here\r\n250-PIPELINING\r\n250 SIZE 5000"


def test_sender_and_reader_go_in_one_write_where_that_is_offered() -> None:
    """With PIPELINING both commands are there before the first is answered; without it they take turns."""
    for offered in (True, False):
        waiting: list[bytes] = []
        ehlo = PIPELINING if offered else "250 here"
        with RawServer(ehlo, waiting) as port, open_smtp(plain(port)) as transport:
            assert hand(transport, letter()).state == "accepted"
        assert (b"RCPT TO:" in waiting[0]) is offered


def test_a_refused_sender_in_a_pipeline_does_not_confuse_the_next_message() -> None:
    """Both answers are read, and the sender's counts."""
    script: Script = {
        "EHLO": PIPELINING,
        "MAIL": lambda before: "250 ok" if before else "550 not you",
        "RCPT": lambda before: "250 ok" if before else "503 sender first",
    }
    receipts, server = sent(script, 2)
    assert [(receipt.state, receipt.reply) for receipt in receipts] == [
        ("refused", "550 not you"),
        ("accepted", "250 queued"),
    ]
    assert server.connections == 1


def test_a_message_too_large_for_the_server_is_not_sent() -> None:
    """SIZE is told to a server that knows it, and its limit is kept to without asking."""
    script: Script = {"EHLO": PIPELINING}
    with ScriptedServer(script) as server, open_smtp(plain(server.port)) as transport:
        small, large = letter(), letter(text="word " * 2000)
        assert hand(transport, large).state == "refused"
        assert hand(transport, small).state == "accepted"
    assert f"MAIL FROM:<{SENDER}> SIZE={len(small)}" in server.heard
    assert len(server.messages) == 1


# --------------------------------------------------------------------------------------------- the server as a whole


def test_a_server_that_is_not_there_is_an_error() -> None:
    """Nobody listening is the transport's failure, named with its address."""
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        port = unused.getsockname()[1]
        with pytest.raises(MailError, match=f"{HOST}:{port}"):
            send_one(plain(port))


@pytest.mark.parametrize(
    "script",
    [
        {"": "554 no service for you"},
        {"": "421 too busy"},
        {"": None},
        {"": "garbage"},
        {"EHLO": None},
        {"EHLO": "550 no", "HELO": "550 no"},
        {"MAIL": "530 log in first"},
        {"RCPT": "530 5.7.0 log in first"},
    ],
)
def test_a_server_that_takes_no_mail_is_an_error(script: Script) -> None:
    """A server that is not there, or wants a login, concerns all readers."""
    with ScriptedServer(script) as server, pytest.raises(MailError, match=str(server.port)):
        send_one(plain(server.port))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"": "554 5.7.1 you are blocked"}, r"turns us away \(554 5\.7\.1 you are blocked\); ask who runs it"),
        ({"EHLO": "550 no", "HELO": "550 no"}, r"turns us away \(550 no\)"),
        ({"": "421 too busy"}, r"takes nothing for now \(421 too busy\)"),
        ({"": "garbage"}, r"answers without a code, as no mail server does; check \[mail\] transport"),
        ({"": "250 what"}, r"what is there answers 250 what; check \[mail\] transport"),
    ],
)
def test_who_is_turned_away_is_told_why(script: Script, words: str) -> None:
    """In the server's words, and with what may help: a block is no matter of the configuration."""
    with ScriptedServer(script) as server, pytest.raises(MailError, match=words):
        send_one(plain(server.port))


def test_what_is_no_answer_is_shown_as_it_came() -> None:
    """Without a code that nobody sent."""
    receipts, _ = sent({".": "? yes maybe"}, 1)
    said = "an answer that makes no sense: ? yes maybe before the server said whether it took the message"
    assert [receipt.reply for receipt in receipts] == [said]


def test_after_an_error_a_later_message_may_go() -> None:
    """The transport can be used again: it starts afresh."""
    with ScriptedServer({"MAIL": lambda before: "250 ok" if before else "530 who?"}) as server:
        with open_smtp(plain(server.port)) as transport:
            with pytest.raises(MailError, match="530 who"):
                hand(transport, letter())
            assert hand(transport, letter()).state == "accepted"
        assert server.connections == 2


# ---------------------------------------------------------------------------------------------------- login and TLS


def test_login() -> None:
    """The right password opens, and mail flows."""
    with real_server(login=True) as (port, mailbox):
        assert send_one(plain(port, "joe", "right")).state == "accepted"
    assert mailbox.logins == [(b"joe", b"right")]


@pytest.mark.parametrize("password", ["wrong", "", None, "pässwörd"])
def test_a_refused_login_is_an_error(password: str | None) -> None:
    """A wrong password is said to be wrong, with the user's name and never the password."""
    with real_server(login=True) as (port, mailbox):
        with pytest.raises(MailError, match="password") as caught:
            send_one(plain(port, "joe", password))
        assert mailbox.envelopes == []
    assert not password or password not in str(caught.value)


def test_a_server_without_login_is_an_error_for_who_has_one() -> None:
    """A name and password that nobody asks for mean the wrong server or port."""
    with real_server() as (port, _), pytest.raises(MailError, match="AUTH"):
        send_one(plain(port, "joe", "right"))


@pytest.mark.parametrize("host", ["mail.example", "192.0.2.1", "127.0.0.1.example", "10.0.0.1"])
def test_no_password_goes_over_an_open_line(host: str) -> None:
    """Without TLS a password is only ever told to this machine; it is refused before anything is looked up."""
    with pytest.raises(MailError, match=r"unencrypted.*smtps://"):
        send_one(SmtpServer(host, 25, "none", "joe", "right"))


SECURE: list[Literal["tls", "starttls"]] = ["tls", "starttls"]


@pytest.mark.parametrize("security", SECURE)
def test_encrypted_mail_with_login(
    security: Literal["tls", "starttls"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS from the start and STARTTLS both carry login and mail, with a certificate that is trusted."""
    file, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    options = {"implicit" if security == "tls" else "starttls": context}
    with real_server(login=True, **options) as (port, mailbox):  # type: ignore[arg-type]
        assert send_one(SmtpServer("localhost", port, security, "joe", "right")).state == "accepted"
    assert mailbox.logins == [(b"joe", b"right")]
    assert mailbox.envelopes[0].content == letter()


@pytest.mark.parametrize("security", SECURE)
@pytest.mark.parametrize("problem", ["untrusted", "other name"])
def test_a_bad_certificate_gets_no_password(
    security: Literal["tls", "starttls"], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that is not trusted, or is somebody else's, ends it before the login."""
    file, context = certificate(tmp_path, "localhost" if problem == "untrusted" else "other.example")
    trusted, _ = certificate(tmp_path, "unrelated.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted if problem == "untrusted" else file))
    options = {"implicit" if security == "tls" else "starttls": context}
    with real_server(login=True, **options) as (port, mailbox):  # type: ignore[arg-type]
        with pytest.raises(MailError, match=r"(?i)certificate"):
            send_one(SmtpServer("localhost", port, security, "joe", "right"))
        assert mailbox.logins == []


def test_starttls_is_required_and_not_only_tried() -> None:
    """A server, or somebody in between, that does not offer STARTTLS gets neither password nor mail."""
    with ScriptedServer() as server:
        with pytest.raises(MailError, match="STARTTLS"):
            send_one(SmtpServer("localhost", server.port, "starttls", "joe", "right"))
        assert not any(line.upper().startswith(("AUTH", "MAIL")) for line in server.heard)


def test_what_comes_before_tls_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that somebody in between puts behind the one to STARTTLS are dropped with all else that was said in the
    open (CVE-2011-0411): the server's own words are heard, in this case none."""
    file, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"220 ready\r\n")
            connection.recv(1000)
            connection.sendall(b"250-here\r\n250 STARTTLS\r\n")
            connection.recv(1000)
            connection.sendall(b"220 go on\r\n250 AUTH PLAIN\r\n" + b"235 welcome\r\n" * 5)
            with context.wrap_socket(connection, server_side=True) as secure:
                heard.append(secure.recv(1000))

    heard: list[bytes] = []
    with socket.create_server((HOST, 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(MailError, match="cannot be used"):
            send_one(SmtpServer("localhost", listening.getsockname()[1], "starttls", "joe", "right"))
        thread.join(10)
    assert [line[:4].lower() for line in heard] == [b"ehlo"]


def test_a_starttls_that_fails_is_an_error() -> None:
    """No mail and no password go in the open then."""
    script: Script = {"EHLO": "250-here\r\n250 STARTTLS", "STARTTLS": "454 not now"}
    with ScriptedServer(script) as server:
        with pytest.raises(MailError, match="454"):
            send_one(SmtpServer("localhost", server.port, "starttls", "joe", "right"))
        assert not any(line.upper().startswith(("AUTH", "MAIL")) for line in server.heard)


@pytest.mark.parametrize("challenge", ["334 !", "334 A", "334", "hello?", "535 5.7.8 no\x1b[2J", None])
def test_a_login_that_is_garbage_is_an_error(challenge: str | None) -> None:
    """Whatever a server asks for, that is about the server, and what it says can't move the cursor."""
    script: Script = {"EHLO": "250-here\r\n250 AUTH CRAM-MD5", "AUTH": challenge, "?": "501 what?"}
    with ScriptedServer(script) as server, pytest.raises(MailError) as caught:
        send_one(plain(server.port, "joe", "right"))
    assert str(caught.value).isprintable()


def test_a_size_that_is_none_is_no_limit() -> None:
    """Nor an error."""
    with ScriptedServer({"EHLO": "250-here\r\n250 SIZE " + "9" * 5000}) as server:
        assert send_one(plain(server.port)).state == "accepted"


def test_tls_to_a_server_that_speaks_plainly_is_an_error() -> None:
    """The wrong port for smtps:// is reported, not hung on."""
    with ScriptedServer() as server, pytest.raises(MailError, match=str(server.port)):
        send_one(SmtpServer("localhost", server.port, "tls"))


# ------------------------------------------------------------------------------------------------------------- folder


def test_a_folder_keeps_a_file_a_message(tmp_path: Path) -> None:
    """Each message is one file, to the byte; the folder is made when it is missing."""
    folder = tmp_path / "a" / "outbox"
    with open_folder(folder) as transport:
        receipts = [hand(transport, letter(number)) for number in (1, 2)]
    assert [receipt.state for receipt in receipts] == ["accepted", "accepted"]
    files = sorted(folder.iterdir())
    assert {file.suffix for file in files} == {".eml"}
    assert [file.read_bytes() for file in files] == [letter(1), letter(2)]
    assert all(any(file.name in receipt.reply for receipt in receipts) for file in files)


def test_a_message_written_again_makes_no_second_file(tmp_path: Path) -> None:
    """After a crash the same Message-ID is the same file, also where a torn one was left."""
    (tmp_path / "torn.partial").write_bytes(b"To")
    with open_folder(tmp_path) as transport:
        for _ in range(3):
            hand(transport, letter())
    assert [file.read_bytes() for file in tmp_path.glob("*.eml")] == [letter()]
    assert list(tmp_path.glob("*.partial")) == [tmp_path / "torn.partial"]


def test_different_messages_have_different_files(tmp_path: Path) -> None:
    """Readers, issues and moments are told apart, with long names too."""
    identities = [
        message_id("e" * 60, number, NOW + timedelta(days=number), address, "mail." * 10 + "example")
        for number in (1, 2)
        for address in (READER, "other@example.org")
    ]
    envelope = Envelope(SENDER, "", "daily", "The daily", 1, "https://example.com/")
    with open_folder(tmp_path) as transport:
        for identity in identities:
            hand(transport, bytes(compose(envelope, READER, "News", "", "", identity, NOW)))
    assert len(list(tmp_path.glob("*.eml"))) == len(identities)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """A file in the way is the operator's to remove."""
    (tmp_path / "outbox").write_text("in the way")
    with pytest.raises(MailError, match="outbox"), open_folder(tmp_path / "outbox"):
        pass


def test_a_folder_that_went_away_is_an_error(tmp_path: Path) -> None:
    """What cannot be written was not sent."""
    folder = tmp_path / "outbox"
    with open_folder(folder) as transport:
        folder.rmdir()
        with pytest.raises(MailError, match="cannot be written"):
            hand(transport, letter())
