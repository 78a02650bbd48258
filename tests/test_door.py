"""The door for returned mail: real sockets, honest peers, and the other kind."""

from __future__ import annotations

import re
import smtplib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidings.demo.sink import free_port
from tidings.errors import MailError, StoreError
from tidings.mail.dialogue import Limits
from tidings.mail.door import Door
from tidings.model.returned import Arrival

HOST = "127.0.0.1"
MAILBOX = "bounces@back.example"
CODED = "bounces+17.k3v5qz2mhd4yxa7t@back.example"
BEGIN = f"EHLO peer\r\nMAIL FROM:<>\r\nRCPT TO:<{CODED}>\r\nDATA\r\n".encode()
END = b"\r\n.\r\n"
SHORT = Limits(octets=20_000, commands=40, errors=10, idle=1.0, whole=4.0)


@dataclass
class Opened:
    """A door that is open: what was taken, and what its operator was told."""

    port: int = 0
    taken: list[Arrival] = field(default_factory=list)
    told: list[Exception] = field(default_factory=list)


@contextmanager
def opened(limits: Limits | None = None, take: Callable[[Arrival], None] | None = None) -> Iterator[Opened]:
    """A door that knows CODED, open for the block."""
    one = Opened()
    door = Door(HOST, 0, MAILBOX, lambda address: address == CODED, take or one.taken.append, one.told.append, limits)
    one.port = door.port
    door.open()
    try:
        yield one
    finally:
        door.close()


class Peer:
    """A connection that says what a test wants said."""

    def __init__(self, port: int, address: str = HOST, reads_ahead: int = 65_536) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(10)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, reads_ahead)
        self.socket.bind((address, 0))
        self.socket.connect((HOST, port))
        self.stream = self.socket.makefile("rb")

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.socket.close()

    def reply(self) -> str:
        """The next reply, all its lines; "" when the connection is over."""
        lines = []
        with suppress(ConnectionError):
            while line := self.stream.readline().decode("ascii"):
                assert re.match(r"[2-5]\d\d[ -]", line), line
                lines.append(line)
                if line[3] == " ":
                    break
        return "".join(lines)

    def say(self, *lines: bytes) -> str:
        """Says some lines, one after the other; the reply to the last."""
        reply = ""
        for line in lines:
            self.socket.sendall(line + b"\r\n")
            reply = self.reply()
        return reply

    def begin(self) -> None:
        """Gets as far as the text of a message."""
        self.reply()
        assert self.say(*BEGIN.splitlines()).startswith("354")

    def rest(self) -> str:
        """All that comes until the connection is over."""
        replies = []
        while reply := self.reply():
            replies.append(reply)
        return "".join(replies)


def hand_in(port: int, text: bytes = b"Subject: back\r\n\r\nIt came back.\r\n", recipient: str = CODED) -> None:
    """What an honest server does. Raises SMTPException where it is not taken."""
    with smtplib.SMTP(HOST, port, timeout=10) as server:
        server.sendmail("", recipient, text)


# ---------------------------------------------------------------------------------------------- honest peers


def test_a_message_is_taken_with_its_envelope_for_each_recipient() -> None:
    """Reports come from the null path, with the parameters that servers send; each recipient gets the whole text, and
    the postmaster and the plain address are recipients, too."""
    text = b"Subject: \xc3\xbc\r\n\r\n.dot\r\nbare \n line\r\n" + b"x" * 5000 + b"\r\n"
    recipients = [CODED, "BOUNCES@Back.Example", "postmaster@back.example", "Postmaster"]
    with opened() as door:
        with Peer(door.port) as peer:
            assert peer.reply() == "220 back.example ESMTP\r\n"
            assert peer.say(b"EHLO peer").splitlines()[1:] == ["250-SIZE 2000000", "250-8BITMIME", "250 SMTPUTF8"]
            assert peer.say(b"MAIL FROM:<> SIZE=5000 BODY=8BITMIME SMTPUTF8").startswith("250")
            for one in [*recipients, CODED]:
                assert peer.say(f"RCPT TO:<{one}>".encode()).startswith("250")
            assert peer.say(b"DATA").startswith("354")
            peer.socket.sendall(text.replace(b"\r\n.", b"\r\n.."))
            assert peer.say(b".").startswith("250")
            assert peer.say(b"MAIL FROM:<m\xc3\xbcller@a.example> SMTPUTF8", b"RCPT TO:<postmaster>").startswith("250")
            assert peer.say(b"DATA", b".").startswith("250")
            assert peer.say(b"QUIT").startswith("221")
        assert door.taken[:-1] == [Arrival("", one, text) for one in recipients]
        assert door.taken[-1] == Arrival("müller@a.example", "postmaster", b"")


def test_a_hundred_peers_at_once_are_all_served() -> None:
    """A hundred connections at the same time each hand in their message."""
    with opened(Limits(of_one_peer=100)) as door:
        start = threading.Barrier(100)

        def peer(number: int) -> None:
            with smtplib.SMTP(HOST, door.port, timeout=30) as server:
                start.wait(30)
                server.sendmail("", CODED, b"Number: %d\r\n" % number)

        with ThreadPoolExecutor(100) as pool:
            list(pool.map(peer, range(100)))
        assert sorted(one.message for one in door.taken) == sorted(b"Number: %d\r\n" % n for n in range(100))
        assert door.told == []


def test_too_many_connections_are_told_to_come_later() -> None:
    """There is a limit for all peers and one for a single address, so that nobody has the door alone; a place that
    becomes free is given."""
    with opened(Limits(connections=4, of_one_peer=3)) as door:
        peers = [Peer(door.port) for _ in range(3)]
        assert [peer.reply()[:3] for peer in peers] == ["220"] * 3
        with Peer(door.port) as one_more:
            assert one_more.rest().startswith("421 4.7.0 too many connections")
        with Peer(door.port, "127.0.0.2") as other, Peer(door.port, "127.0.0.2") as fifth:
            assert other.reply().startswith("220")
            assert fifth.rest().startswith("421")
        peers[0].say(b"QUIT")
        wait_for(lambda: _is_let_in(door.port))
        hand_in(door.port)
        for peer in peers:
            peer.__exit__()


def _is_let_in(port: int) -> bool:
    with Peer(port) as peer:
        return peer.reply().startswith("220")


# ---------------------------------------------------------------------------------------------- the other kind

RECEIVING = (Path(__file__).resolve().parents[1] / "docs" / "receiving.md").read_text(encoding="utf-8")
DOCUMENTED = {
    "octets": "octets of a message",
    "octets_at_once": "octets of all messages at once",
    "recipients": "recipients of a message",
    "connections": "connections at once",
    "of_one_peer": "connections from one address",
    "commands": "commands of a connection",
    "errors": "errors of a connection",
    "idle": "seconds without a word",
    "whole": "seconds of a connection",
    "taking": "seconds to save a message",
}

SILENCE = "421 4.4.2 nothing was said"

REFUSED_RECIPIENTS = [
    b"someone@elsewhere.example",
    b"someone@back.example",
    b"bounces+17.aaaaaaaaaaaaaaaa@back.example",
    b"postmaster@elsewhere.example",
    b"someone%elsewhere.example@back.example",
    b"elsewhere.example!someone",
    b"@back.example:someone@elsewhere.example",
    b'"someone@elsewhere.example"',
    b"bounces@[127.0.0.1]",
    b"bounces@back.example\x00.elsewhere.example",
    b"",
]

# What a peer does, and what it gets in the end.
HOSTILE = [
    pytest.param(b"", SILENCE, id="says nothing"),
    pytest.param(b"EHLO peer\r\nMAIL FROM:<", SILENCE, id="stops in a command"),
    pytest.param(BEGIN + b"text without", SILENCE, id="stops in the text"),
    pytest.param(b"NOOP\r\n" * 60, "421 4.7.0 too many commands", id="commands without end"),
    pytest.param(b"\r\n" * 60, "421 4.7.0 too many errors", id="empty lines without end"),
    pytest.param(
        b"EHLO a\r\nMAIL FROM:<>\r\n" + b"RCPT TO:<a@b.example>\r\n" * 30, "421 4.7.0 too many errors", id="guesses"
    ),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nB: c\r\nC: d\r\n\r\n", "502 5.5.1 Too many", id="a browser"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\n" * 30, "421 4.7.0 too many errors", id="TLS"),
    pytest.param(b"x" * 300_000 + b"\r\n", "500 Command line too long", id="a long command"),
    pytest.param(b"x" * 300_000, SILENCE, id="a command without an end"),
    pytest.param(b"EHLO a\r\nMAIL FROM:<> SIZE=20001\r\n", "552", id="announces too much"),
    pytest.param(b"EHLO a\r\nMAIL FROM:<> SIZE=99999999999999999999999\r\n", "552", id="announces far too much"),
    pytest.param(b"EHLO a\r\nMAIL FROM:<> SIZE=-1\r\n", "501", id="announces less than nothing"),
    pytest.param(BEGIN + b"x" * 20_001 + END, "552 5.3.4", id="sends too much in a line"),
    pytest.param(BEGIN + b"some words\r\n" * 2000 + END, "552 5.3.4", id="sends too much in lines"),
    pytest.param(BEGIN + b"\r\n" * 10_001 + END, "552 5.3.4", id="sends too many empty lines"),
    pytest.param(b"EHLO a\r\nMAIL FROM:<\xff@a.example>\r\n", "553 5.1.7", id="a sender that is no text"),
    pytest.param(b"EHLO a\r\nMAIL FROM:<a\x1b@a.example>\r\n", "553 5.1.7", id="a sender with a control character"),
    pytest.param(b"EHLO a\r\nMAIL FROM:<\r\n", "451 4.3.0", id="a sender that ends at once"),
    pytest.param(b"EHLO a\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\n", "503", id="two senders"),
    pytest.param(b"EHLO a\r\nMAIL FROM:<>\r\nDATA\r\n", "503", id="text for nobody"),
    pytest.param(b"MAIL FROM:<>\r\n", "503", id="no greeting"),
    pytest.param(b"EHLO a\r\nAUTH PLAIN AGEAYg==\r\n", "502 5.5.1", id="logs in"),
    pytest.param(b"EHLO a\r\nSTARTTLS\r\n", "502 5.5.1", id="wants TLS"),
    pytest.param(b"VRFY bounces\r\n", "502 5.5.1", id="asks for an address"),
    pytest.param(b"EXPN bounces\r\n", "502 5.5.1", id="asks for a list"),
    pytest.param(b"HELP\r\n", "502 5.5.1", id="asks what there is"),
    *(
        pytest.param(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<" + one + b">\r\n", "5", id=f"mail to {one.decode()}")
        for one in REFUSED_RECIPIENTS
    ),
]


@pytest.fixture(scope="module")
def strict() -> Iterator[Opened]:
    """One door with short limits for the whole table, as it must stay open."""
    with opened(SHORT) as door:
        yield door


@pytest.mark.parametrize(("said", "gets"), HOSTILE)
def test_a_hostile_peer_gets_its_answer_and_an_honest_one_beside_it_is_served(
    strict: Opened, said: bytes, gets: str
) -> None:
    """Whatever a peer does, it hears the right refusal at the end; nothing of it is taken, the operator is not
    bothered, and another peer's message is taken meanwhile."""
    strict.taken.clear()
    with Peer(strict.port) as peer:
        peer.socket.sendall(said if gets == SILENCE else said + b"QUIT\r\n")
        hand_in(strict.port)
        heard = peer.rest().splitlines()
    assert any(line.startswith(gets) for line in heard[-2:]), heard
    assert [one.recipient for one in strict.taken] == [CODED]
    assert strict.told == []


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\n\n.\r\r\n", b"\r\n\x00.\r\n"]
)
def test_only_one_end_ends_a_text(strict: Opened, end: bytes) -> None:
    """What other servers may take for the end of a message does not let a second one in behind it (SMTP smuggling)."""
    strict.taken.clear()
    inner = f"MAIL FROM:<boss@a.example>\r\nRCPT TO:<{CODED}>\r\nDATA\r\nforged".encode()
    with Peer(strict.port) as peer:
        peer.begin()
        peer.socket.sendall(b"first" + end + inner + END)
        assert peer.reply().startswith("250")
        assert peer.say(b"QUIT").startswith("221")
    text = (b"first" + end + inner + b"\r\n").replace(b"\r\n.", b"\r\n")
    assert strict.taken == [Arrival("", CODED, text)]


def test_a_dot_at_the_end_of_a_long_line_is_no_end() -> None:
    """A line so long that it comes in pieces may have a dot as its last piece; the message goes on behind it."""
    with opened() as door, Peer(door.port) as peer:
        peer.reply()
        peer.say(b"EHLO peer")
        lengths = range(16_384, 16_390)
        for length in lengths:
            peer.say(b"MAIL FROM:<>", f"RCPT TO:<{CODED}>".encode(), b"DATA")
            peer.socket.sendall(b"x" * length + b".")
            time.sleep(0.1)  # so that the door has read all of that, and nothing behind it
            peer.socket.sendall(b"\r\nmore" + END)
            assert peer.reply().startswith("250")
        assert [one.message for one in door.taken] == [b"x" * length + b".\r\nmore\r\n" for length in lengths]


def test_text_that_comes_before_it_was_asked_for_is_one_message(strict: Opened) -> None:
    """A peer that waits for no reply is understood all the same, up to its last command."""
    strict.taken.clear()
    with Peer(strict.port) as peer:
        peer.socket.sendall(BEGIN + b"text" + END + b"QUIT\r\n")
        assert peer.rest().splitlines()[-1].startswith("221")
    assert strict.taken == [Arrival("", CODED, b"text\r\n")]


def test_who_trickles_is_cut_off_after_a_while(strict: Opened) -> None:
    """A peer that sends an octet now and then, never long enough apart to be idle, has a time in all."""
    with Peer(strict.port) as peer:
        peer.begin()
        began = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() < began + 10:
                peer.socket.sendall(b"x")
                time.sleep(0.1)
        assert 3 < time.monotonic() - began < 7
        assert "421 4.4.2 this took too long" in peer.rest()
    hand_in(strict.port)


def test_who_never_listens_is_cut_off() -> None:
    """A peer that reads no reply fills its own buffers, not our memory, and its connection ends."""
    with opened(Limits(commands=10_000_000, idle=0.5, farewell=0.5)) as door, Peer(door.port, reads_ahead=2048) as peer:
        peer.socket.settimeout(240)  # on a busy machine it takes the door a while to fill all buffers on the way
        with pytest.raises(ConnectionError):
            peer.socket.sendall(b"EHLO peer\r\n" * 3_000_000)
        hand_in(door.port)


@pytest.mark.parametrize("hang_up", ["reset", "close", "half"])
def test_who_breaks_off_in_the_text_leaves_nothing(strict: Opened, hang_up: str) -> None:
    """A text without its end is no message, however the connection ended; nobody is bothered with it."""
    strict.taken.clear()
    peer = Peer(strict.port)
    peer.begin()
    peer.socket.sendall(b"half a mess")
    if hang_up == "half":
        peer.socket.shutdown(socket.SHUT_WR)
    if hang_up == "reset":
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.__exit__()
    hand_in(strict.port)
    assert [one.message for one in strict.taken] == [b"Subject: back\r\n\r\nIt came back.\r\n"]
    assert strict.told == []


def test_all_messages_together_are_bounded() -> None:
    """When others already send as much as there is memory for, a message is put off, and taken once they are gone."""
    large = b"Subject: large\r\n" * 1250
    with opened(Limits(octets_at_once=100_000)) as door:
        with Peer(door.port) as greedy:
            greedy.begin()
            greedy.socket.sendall(b"x" * 90_000)
            wait_for(lambda: refusal(door.port, large) == 452)
            hand_in(door.port)
            greedy.socket.sendall(END)
            assert greedy.reply().startswith("250")
            assert refusal(door.port, large) == 0
        assert door.taken[-1].message == large


def refusal(port: int, text: bytes) -> int:
    """The code that a message is refused with, 0 when it is taken."""
    try:
        hand_in(port, text)
    except smtplib.SMTPDataError as error:
        return error.smtp_code
    return 0


def test_recipients_are_few() -> None:
    """More recipients than a message may have are put off, and those before them get it."""
    with opened(Limits(recipients=2)) as door, Peer(door.port) as peer:
        peer.reply()
        peer.say(b"EHLO peer", b"MAIL FROM:<>", b"RCPT TO:<postmaster>", b"RCPT TO:<" + MAILBOX.encode() + b">")
        assert peer.say(f"RCPT TO:<{CODED}>".encode()).startswith("452 4.5.3")
        assert peer.say(b"DATA", b"text\r\n.").startswith("250")
        assert [one.recipient for one in door.taken] == ["postmaster", MAILBOX]


# ---------------------------------------------------------------------------------------------- any peer at all


@settings(max_examples=80, deadline=None)
@given(text=st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b".", b"a", b"\x00", b"x" * 20_000]), max_size=12))
def test_any_text_comes_as_it_was_sent(fuzzed: Opened, text: list[bytes]) -> None:
    """Whatever octets a text is made of, and wherever it is cut on its way, it arrives as the peer meant it: a dot that
    the peer doubled at the beginning of a line is single again, and nothing else is touched."""
    meant = b"".join(text) + b"\r\n"
    sent = re.sub(rb"(\A|(?<=\r\n))\.", b"..", meant) + b".\r\nQUIT\r\n"
    fuzzed.taken.clear()
    with Peer(fuzzed.port) as peer:
        peer.begin()
        for start in range(0, len(sent), 16_383):
            peer.socket.sendall(sent[start : start + 16_383])
        assert [line[:3] for line in peer.rest().splitlines()] == ["250", "221"]
    assert fuzzed.taken == [Arrival("", CODED, meant)]


WORDS = [
    *(line + b"\r\n" for line in BEGIN.splitlines()),
    *(b"QUIT\r\n", b"RSET\r\n", b"HELO a\r\n", b".\r\n", b"\r\n", b"\n", b"RCPT TO:<a@b.example>\r\n", b"MAIL FROM:<"),
    *(
        b"RCPT TO:<(((",
        b'MAIL FROM:<"\\',
        b"SIZE=",
        b" BODY=8BITMIME",
        b"VRFY ",
        b"AUTH LOGIN\r\n",
        b"NOOP " + b"x" * 2000,
    ),
]


@settings(max_examples=80, deadline=None)
@given(said=st.lists(st.sampled_from(WORDS) | st.binary(max_size=30), max_size=25))
def test_any_dialogue_leaves_the_door_open(fuzzed: Opened, said: list[bytes]) -> None:
    """Whatever is said, every reply is one, what is taken was for somebody we know, the operator hears of nothing, and
    the next peer is served."""
    fuzzed.taken.clear()
    with Peer(fuzzed.port) as peer:
        with suppress(ConnectionError):
            peer.socket.sendall(b"".join(said) + END + b"\r\nQUIT\r\n")
        peer.rest()
    assert {one.recipient for one in fuzzed.taken} <= {CODED}
    assert fuzzed.told == []
    hand_in(fuzzed.port)


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Opened]:
    """One door for all examples."""
    with opened(Limits(idle=0.5)) as door:
        yield door


# ---------------------------------------------------------------------------------------------- taking


@pytest.mark.parametrize(
    "error", [StoreError("the disk is full"), RuntimeError("a bug with its secrets"), OSError(28, "full")]
)
def test_what_cannot_be_taken_stays_with_its_sender(error: Exception) -> None:
    """Whatever goes wrong while a message is taken, its sender is told to try again, and nothing else; the operator is
    told what it was; the next message is taken."""
    troubles: list[Exception] = [error]
    taken: list[Arrival] = []

    def take(arrival: Arrival) -> None:
        if troubles:
            raise troubles.pop()
        taken.append(arrival)

    with opened(take=take) as door:
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            hand_in(door.port)
        assert (refusal.value.smtp_code, refusal.value.smtp_error) == (
            451,
            b"4.3.0 this cannot be kept now, try again later",
        )
        assert door.told == [error]
        hand_in(door.port)
        assert len(taken) == 1


def test_a_recipient_that_cannot_be_looked_up_may_be_tried_again() -> None:
    """When our own check of a recipient fails, its sender is not told that there is no such address."""

    def accepts(_address: str) -> bool:
        raise RuntimeError("on purpose")

    told: list[Exception] = []
    door = Door(HOST, 0, MAILBOX, accepts, lambda _: None, told.append)
    door.open()
    with closing(door), Peer(door.port) as peer:
        peer.reply()
        assert peer.say(b"EHLO a", b"MAIL FROM:<>", f"RCPT TO:<{CODED}>".encode()).startswith("451 4.3.0")
    assert [str(one) for one in told] == ["on purpose"]


def test_a_message_that_takes_too_long_stops_no_dialogue() -> None:
    """While one message hangs, others are answered at once up to their end; those that wait for it are told to try
    again, and so is its own sender; nothing of that is lost or kept for ever."""
    go_on = threading.Event()
    began = threading.Event()

    def take(_arrival: Arrival) -> None:
        began.set()
        go_on.wait(30)

    with opened(Limits(taking=2.0, idle=1.0), take) as door, Peer(door.port) as hung, Peer(door.port) as other:
        hung.begin()
        hung.socket.sendall(b"text" + END)
        began.wait(10)
        since = time.monotonic()
        other.begin()
        assert time.monotonic() - since < 1
        other.socket.sendall(b"text" + END)
        assert other.reply().startswith("451 4.3.0")
        assert hung.reply().startswith("451 4.3.0")
        assert [str(one)[:45] for one in door.told] == ["mail that came in was not saved in 2 seconds;"] * 2
        go_on.set()
        hand_in(door.port)


def test_time_does_not_run_out_for_a_message_that_is_being_taken() -> None:
    """A connection that has had its time meanwhile gets the answer first, and then its farewell."""
    with opened(Limits(whole=1.0, idle=0.5), lambda _: time.sleep(1.5)) as door, Peer(door.port) as peer:
        peer.begin()
        peer.socket.sendall(b"text" + END)
        assert [line[:14] for line in peer.rest().splitlines()] == ["250 2.0.0 kept", "421 4.4.2 this"]


def test_messages_are_taken_one_at_a_time_in_one_thread() -> None:
    """A database connection belongs to one thread, and only one message is written at a time."""
    threads: set[int] = set()
    busy = threading.Lock()

    def take(_arrival: Arrival) -> None:
        assert busy.acquire(blocking=False)
        threads.add(threading.get_ident())
        time.sleep(0.002)
        busy.release()

    with opened(take=take) as door:
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(lambda _: hand_in(door.port), range(30)))
        assert door.told == []
    assert len(threads) == 1
    assert threading.get_ident() not in threads


# ---------------------------------------------------------------------------------------------- opening and closing


def test_closing_finishes_what_is_being_taken() -> None:
    """A door that closes says so to peers that wait, cuts a text short, and acknowledges the message that is being
    taken before it ends; then nobody listens any more."""
    began, go_on = threading.Event(), threading.Event()
    taken: list[Arrival] = []

    def take(arrival: Arrival) -> None:
        began.set()
        go_on.wait(30)
        taken.append(arrival)

    door = Door(HOST, 0, MAILBOX, lambda address: address == CODED, take, lambda _: None)
    door.open()
    with Peer(door.port) as idle, Peer(door.port) as writing, Peer(door.port) as waiting:
        idle.reply()
        writing.begin()
        writing.socket.sendall(b"half a mess")
        waiting.begin()
        waiting.socket.sendall(b"text" + END)
        began.wait(10)
        closer = threading.Thread(target=door.close)
        closer.start()
        assert idle.rest().startswith("421 4.3.2 closing")
        assert writing.rest().startswith("421 4.3.2 closing")
        assert closer.is_alive()
        go_on.set()
        assert [line[:9] for line in waiting.rest().splitlines()] == ["250 2.0.0", "421 4.3.2"]
        closer.join(10)
        assert not closer.is_alive()
    assert len(taken) == 1
    with pytest.raises(ConnectionRefusedError):
        Peer(door.port)


def test_closing_ends_though_a_message_takes_too_long() -> None:
    """A message that takes longer than it may is not acknowledged, and the door closes when it is done at last."""
    began, go_on = threading.Event(), threading.Event()

    def take(_arrival: Arrival) -> None:
        began.set()
        go_on.wait(30)

    told: list[Exception] = []
    door = Door(HOST, 0, MAILBOX, lambda _: True, take, told.append, Limits(taking=0.5))
    door.open()
    with Peer(door.port) as peer:
        peer.begin()
        peer.socket.sendall(b"text" + END)
        began.wait(10)
        closer = threading.Thread(target=door.close)
        closer.start()
        assert [line[:9] for line in peer.rest().splitlines()] in (["451 4.3.0", "421 4.3.2"], [])
        go_on.set()
        closer.join(10)
        assert not closer.is_alive()
    assert {type(one) for one in told} <= {MailError}


def test_closing_does_not_wait_for_those_who_do_not_go() -> None:
    """A peer that does not read its farewell does not keep the door open."""
    with opened() as door:
        peer = Peer(door.port)
        peer.begin()
        since = time.monotonic()
    assert time.monotonic() - since < 2
    peer.__exit__()


def test_a_port_that_cannot_be_had_is_named() -> None:
    """An address in use, one that is not ours, and a name that is none are told with the key to change."""
    with socket.create_server((HOST, 0)) as other:
        for host, port in [(HOST, other.getsockname()[1]), ("192.0.2.1", free_port()), ("no-such-host.invalid", 25)]:
            with pytest.raises(
                MailError, match=rf"cannot take mail on {host}:{port} \(.+\); change \[mail.bounces\] listen"
            ):
                Door(host, port, MAILBOX, lambda _: True, lambda _: None, lambda _: None)


def test_documented_limits_are_those_there_are() -> None:
    """The page on receiving lists each limit with the number it has."""
    listed = dict(re.findall(r"^\| ([a-z ]+) \| (\d+) \| [45]\d\d \|$", RECEIVING, re.MULTILINE))
    assert listed == {words: str(int(getattr(Limits(), name))) for name, words in DOCUMENTED.items()}
    assert {one.name for one in fields(Limits)} - set(DOCUMENTED) == {"farewell"}


def wait_for(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)
