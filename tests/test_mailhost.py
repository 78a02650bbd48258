"""The mail host of the tests itself: what `tidings send` hands over is what a reader's program gets by IMAP."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from smtplib import SMTP

import pytest

from tests.feeds import item, rss
from tests.mailhost import MailHost, read_mail, require_mailhost, run_mailhost, sent_part
from tests.origin import Origin
from tests.postfix import HOST
from tests.sites import Site
from tests.test_cli_dkim import sign
from tests.test_dkim import results

JOERG, ANN = "jörg@xn--bcher-kva.example", "ann@readers.example"


@pytest.fixture
def host() -> Iterator[MailHost]:
    require_mailhost()
    with run_mailhost() as host:
        yield host


@contextmanager
def overhearing(port: int) -> Iterator[tuple[int, list[bytes]]]:
    """A port that leads to another, and what clients said there."""
    heard: list[bytes] = []
    with socket.create_server((HOST, 0)) as listener:
        threading.Thread(target=_accept, args=(listener, port, heard), daemon=True).start()
        yield listener.getsockname()[1], heard
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, port: int, heard: list[bytes]) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            server = socket.create_connection((HOST, port))
            threading.Thread(target=_pass_on, args=(client, server, heard), daemon=True).start()
            threading.Thread(target=_pass_on, args=(server, client, []), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket, heard: list[bytes]) -> None:
    with suppress(OSError):
        while octets := one.recv(65536):
            heard.append(octets)
            other.sendall(octets)
        other.shutdown(socket.SHUT_WR)


def handed_over(heard: list[bytes]) -> list[bytes]:
    """The messages of a conversation, without the dots that SMTP doubles (RFC 5321 section 4.5.2)."""
    found = re.findall(rb"(?<=DATA\r\n).*?(?<=\r\n)(?=\.\r\n)", b"".join(heard), re.DOTALL)
    return [re.sub(rb"^\.\.", b".", message, flags=re.MULTILINE) for message in found]


def test_a_mail_comes_as_it_was_sent(site: Site, origin: Origin, host: MailHost, tmp_path: Path) -> None:
    """A subject and a reader outside ASCII, and lines that begin with a dot: octet by octet what was handed over, with
    both signatures right, under what Postfix writes above it."""
    text = "<p>Grüße, 日本.</p><p>.</p><p>..</p>"
    origin.serve_feed("/blog", rss([item(1, title="Schöne Grüße 🎉", text=text), item(2)]))
    with overhearing(host.port) as (port, heard):
        site.configure([origin.url("/blog")], subscribers=[JOERG, ANN], transport=f"smtp://{HOST}:{port}")
        records = sign(site, "rsa", "ed25519")
        site.run("poll")
        assert "2 delivered" in site.run("send", "weekly").stdout
    sent = {read_mail(message)["To"]: message for message in handed_over(heard)}
    assert set(sent) == {JOERG, ANN}
    for address in (JOERG, ANN):
        (letter,) = host.mailbox.wait_for_letters(address)
        assert sent_part(letter) == sent[address]
        assert results(tmp_path, letter, records) == ["pass", "pass"]
        (mail,) = host.mailbox.wait(address)
        assert mail["To"] == address
        assert "Schöne Grüße 🎉" in mail["Subject"]
        parts = [part for part in mail.walk() if not part.is_multipart()]
        assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
        assert all("Grüße, 日本." in part.get_content() for part in parts)


def test_each_reader_has_their_own_mail(host: MailHost) -> None:
    """Whatever the domain, in the order in which it came, and as often as it is asked for."""
    with SMTP(HOST, host.port) as session:
        for number, reader in enumerate((ANN, "bob@else.example", ANN)):
            session.sendmail("digest@planet.example", reader, f"Subject: {number}\r\n\r\nHello\r\n")
            host.postfix.settle()
    for _ in range(2):
        assert [mail["Subject"] for mail in host.mailbox.wait(ANN, 2)] == ["0", "2"]
        assert [mail["Subject"] for mail in host.mailbox.wait("bob@else.example")] == ["1"]
    assert host.mailbox.letters("cy@readers.example") == []


def test_no_process_is_left_of_a_test_that_is_killed() -> None:
    """Killed with SIGKILL, which lets nobody clean up: Postfix and Dovecot end all the same."""
    require_mailhost()
    process = subprocess.Popen([sys.executable, "-c", HOLDING], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    with process.stdout:
        folder, *pids = process.stdout.readline().split()
    try:
        assert len(pids) >= 5
        process.kill()
        process.wait()
        deadline = time.monotonic() + 20
        while left := [pid for pid in pids if is_running(pid)]:
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
    finally:
        shutil.rmtree(folder)


HOLDING = """
import time
from tests.mailhost import run_mailhost
with run_mailhost() as host:
    print(host.postfix.folder, *host.pids, flush=True)
    time.sleep(60)
"""


def is_running(pid: str) -> bool:
    """Whether a process is more than a name that waits to be struck off."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
