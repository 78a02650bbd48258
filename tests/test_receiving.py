"""Returned mail through `tidings run`: a real process, a real SMTP client, the real database."""

from __future__ import annotations

import signal
import smtplib
import socket
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from subprocess import Popen

import pytest

from tests.returned_mail import MAILBOX, mail_issue, report
from tests.sites import Site
from tests.test_daemon import running, stop, wait_for
from tests.test_door import Peer, hand_in
from tidings.demo.sink import free_port
from tidings.model import Arrival
from tidings.store import open_store

HOST = "127.0.0.1"
READER = "ann@readers.example"


@contextmanager
def receiving(site: Site) -> Iterator[tuple[Popen[str], int, Arrival]]:
    """A daemon whose door is open: its process, its port, and a report on a delivery that came to nobody."""
    port = free_port()
    configure(site, port)
    with open_store(site.folder / "data/tidings.db") as store:
        (delivery,) = mail_issue(store, READER)
        dsn = report(store, delivery)
    with running(site) as process:
        wait_for(lambda: is_open(port), process)
        yield process, port, dsn


def configure(site: Site, port: int) -> None:
    more = f'\n[mail.bounces]\naddress = "{MAILBOX}"\nlisten = "{HOST}:{port}"\n'
    site.configure([], listen=f"{HOST}:{free_port()}", more=more)


def is_open(port: int) -> bool:
    try:
        with Peer(port) as peer:
            return peer.reply().startswith("220")
    except ConnectionRefusedError:
        return False


def test_what_is_acknowledged_survives_the_death_of_the_daemon(site: Site) -> None:
    """A report that a mail server handed in at the address of a delivery is listed with its reader, also when the
    daemon is killed at the very moment of the acknowledgement; started again it takes the same report once more, which
    counts once."""
    with receiving(site) as (process, port, dsn):
        hand_in(port, dsn.message, dsn.recipient)
        process.kill()
        (listed,) = site.json("bounces", "list")
        assert (listed["kind"], listed["address"], listed["effect"]) == ("bounce", READER, "counted")
        process.wait()
        with running(site) as again:
            wait_for(lambda: is_open(port), again)
            hand_in(port, dsn.message, dsn.recipient)
            hand_in(port, recipient=MAILBOX)
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                hand_in(port, dsn.message, dsn.recipient.replace("+1.", "+2."))
            assert stop(again) == 0
        assert [one["effect"] for one in site.json("bounces", "list")] == ["kept", "counted"]


def test_a_signal_in_the_middle_of_a_text_leaves_it_with_its_sender(site: Site) -> None:
    """On SIGTERM a peer that is still writing is told to try again later; the daemon ends with status 0 and has taken
    nothing of it."""
    with receiving(site) as (process, port, dsn), Peer(port) as peer:
        peer.reply()
        peer.say(b"EHLO peer", b"MAIL FROM:<>", f"RCPT TO:<{dsn.recipient}>".encode())
        assert peer.say(b"DATA").startswith("354")
        peer.socket.sendall(dsn.message[:300])
        process.send_signal(signal.SIGTERM)
        assert peer.rest().startswith("421 4.3.2 closing for now")
        assert stop(process) == 0
    assert site.json("bounces", "list") == []


def test_what_cannot_be_saved_is_told_once_and_taken_later(site: Site) -> None:
    """While the database can't be written, senders have to keep what they have, and the operator reads why, once;
    after that it is taken."""
    database = site.folder / "data/tidings.db"
    with receiving(site) as (process, port, dsn):
        rename(database, "returned_mail", "elsewhere")
        for _ in range(3):
            with pytest.raises(smtplib.SMTPDataError) as refusal:
                hand_in(port, dsn.message, dsn.recipient)
            assert refusal.value.smtp_code == 451
        rename(database, "elsewhere", "returned_mail")
        hand_in(port, dsn.message, dsn.recipient)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert said.count("returned mail: ") == 1
    assert "the database cannot be used" in said
    assert len(site.json("bounces", "list")) == 1


def rename(database: object, table: str, name: str) -> None:
    with closing(sqlite3.connect(str(database), isolation_level=None)) as connection:
        connection.execute("PRAGMA legacy_alter_table = ON")
        connection.execute(f"ALTER TABLE {table} RENAME TO {name}")


def test_strangers_have_no_say_on_the_operators_terminal(site: Site) -> None:
    """What peers say, however they go, and what is wrong with them is not printed."""
    with receiving(site) as (process, port, _):
        with Peer(port) as peer:
            peer.reply()
            peer.say(b"\x1b[31mHELLO", b"EHLO \x1b[31mpeer", b"MAIL FROM:<", b"RCPT TO:<\xff>", *[b"STRANGE"] * 5)
        for _ in range(20):
            peer = Peer(port)
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.socket.sendall(b"EHLO peer\r\n" * 1000)
            peer.__exit__()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    begins = [line.split(" ")[0] for line in said.splitlines()]
    assert [one for one in begins if one != "publish:"] == ["serving", "taking", "stopped"]


def test_a_port_in_use_is_a_clear_error(site: Site) -> None:
    """When the address is taken, the daemon says so and names the key, with status 1, and serves nothing."""
    with socket.create_server((HOST, 0)) as other:
        configure(site, other.getsockname()[1])
        done = site.run("run", check=False)
    assert (done.returncode, "[mail.bounces] listen" in done.stderr) == (1, True), done.stderr


def test_no_port_is_opened_without_being_asked_for(site: Site) -> None:
    """A daemon without `listen` takes no mail and says nothing of it."""
    site.configure([], listen=f"{HOST}:{free_port()}", more=f'\n[mail.bounces]\naddress = "{MAILBOX}"\n')
    process = site.start("run")
    assert process.stderr is not None
    process.stderr.readline()  # it serves
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert "returned mail" not in said
