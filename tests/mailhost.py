"""A mail host private to a test: a real Postfix that takes mail for all, and a real Dovecot that shows it by IMAP.

    with run_mailhost() as host:
        ... send to HOST, host.port ...
        (mail,) = host.mailbox.wait("ann@readers.example")

All readers share one Maildir, which the Postfix fills and the Dovecot opens; whose a mail is, Postfix wrote above it.
LMTP from one to the other would not do: the Dovecot 2.3 of Debian 12 takes no address outside ASCII over it. The
Dovecot runs as nobody, in the folder of the Postfix.
"""

from __future__ import annotations

import grp
import imaplib
import os
import pwd
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.postfix import HOST, NOBODY, Postfix, children, guard, release, require_postfix, run_postfix
from tidings.demo.sink import free_port

_SECONDS = 60
_PASSWORD = "secret"
_EVERYBODY = {"virtual_mailbox_domains": "static:all", "virtual_mailbox_maps": "static:readers/"}

_ALWAYS = """\
protocols = imap
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
listen = {host}
ssl = no
first_valid_uid = 1
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""

_SYNTAX_2_3 = """\
disable_plaintext_auth = no
mail_location = maildir:{mail}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={nobody} gid={nobody} home={folder}/home
}}
"""

_SYNTAX_2_4 = """\
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = {mail}
passdb static {{
  password = {password}
}}
userdb static {{
  fields {{
    uid = {nobody}
    gid = {nobody}
    home = {folder}/home
  }}
}}
"""


class Mailbox:
    """What has come, read over IMAP."""

    def __init__(self, port: int) -> None:
        self._port = port

    def wait(self, address: str, count: int = 1) -> list[EmailMessage]:
        """All mails to an address, oldest first, as soon as there are so many."""
        return [read_mail(letter) for letter in self.wait_for_letters(address, count)]

    def wait_for_letters(self, address: str, count: int = 1) -> list[bytes]:
        """The same, octet by octet as the server gives them."""
        deadline = time.monotonic() + _SECONDS
        while len(found := self.letters(address)) < count:
            assert time.monotonic() < deadline, f"{len(found)} mails came to {address}, not {count}"
            time.sleep(0.05)
        return found

    def letters(self, address: str = "") -> list[bytes]:
        """What is there for an address by now, or for anybody. Reading marks nothing as read."""
        with imaplib.IMAP4(HOST, self._port, timeout=_SECONDS) as session:
            session.login("reader", _PASSWORD)
            session.select("INBOX", readonly=True)
            _, parts = session.uid("FETCH", "1:*", "(BODY.PEEK[])")
        letters = [part[1] for part in parts if isinstance(part, tuple)]
        return [letter for letter in letters if not address or reader_of(letter) == address]


@dataclass(frozen=True)
class MailHost:
    """A Postfix that takes mail on `port`, and the mailbox into which it puts it."""

    postfix: Postfix
    mailbox: Mailbox
    dovecot: int

    @property
    def port(self) -> int:
        return self.postfix.port

    @property
    def pids(self) -> list[int]:
        """Both masters and their children."""
        return [*self.postfix.pids, self.dovecot, *children(self.dovecot)]


def read_mail(letter: bytes) -> EmailMessage:
    found = message_from_bytes(letter, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def reader_of(letter: bytes) -> str:
    """To whom the envelope was addressed, as Postfix wrote above the message."""
    return str(read_mail(letter)["X-Original-To"])


def sent_part(letter: bytes) -> bytes:
    """A message without what Postfix wrote above it: Return-Path, X-Original-To, Delivered-To and Received."""
    above = re.match(rb"(?:(?:Return-Path|X-Original-To|Delivered-To|Received):.*\r\n(?:[ \t].*\r\n)*)+", letter)
    assert above
    return letter[above.end() :]


def require_mailhost() -> None:
    """Skips a test where there is no Postfix or Dovecot, or no right to run them; in CI that is a failure."""
    require_postfix()
    if Path("/usr/lib/dovecot/imap").exists():
        return
    if os.environ.get("CI"):
        pytest.fail("CI needs a Dovecot to read mail from, and there is none")
    pytest.skip("there is no Dovecot")


@contextmanager
def run_mailhost(within: Path | None = None) -> Iterator[MailHost]:
    """A Postfix and a Dovecot that run until the block ends, in a folder of their own as `run_postfix` makes it."""
    with run_postfix(_EVERYBODY, within=within) as postfix:
        folder, port = postfix.folder / "dovecot", free_port()
        dovecot = _start(_furnish(folder, postfix.folder / "mail" / "readers", port))
        guarding = guard(dovecot.pid)
        try:
            _wait_until_it_answers(port, folder / "log")
            yield MailHost(postfix, Mailbox(port), dovecot.pid)
        finally:
            release(guarding)
            dovecot.send_signal(signal.SIGTERM)
            dovecot.wait(_SECONDS)


def _furnish(folder: Path, mail: Path, port: int) -> Path:
    """Makes the folder of a Dovecot; returns its configuration."""
    for path in (folder, folder / "run", folder / "home"):
        path.mkdir()
        os.chown(path, NOBODY, NOBODY)
    user, group = pwd.getpwuid(NOBODY).pw_name, grp.getgrgid(NOBODY).gr_name
    said = subprocess.run(["dovecot", "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(map(int, re.findall(r"\d+", said)[:2]))
    # From 2.4 on (Debian 13) these come first, and what is behind them has other names.
    head = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n" if version >= (2, 4) else ""
    text = head + _ALWAYS + (_SYNTAX_2_4 if version >= (2, 4) else _SYNTAX_2_3)
    about = {"folder": folder, "mail": mail, "port": port, "host": HOST, "password": _PASSWORD, "nobody": NOBODY}
    configuration = folder / "dovecot.conf"
    configuration.write_text(text.format(user=user, group=group, **about), encoding="utf-8")
    return configuration


def _start(configuration: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["dovecot", "-F", "-c", str(configuration)],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait_until_it_answers(port: int, log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), imaplib.IMAP4(HOST, port, timeout=_SECONDS):
            return
        time.sleep(0.02)
    raise AssertionError(f"Dovecot never answers:\n{log.read_text(encoding='utf-8') if log.exists() else ''}")
