"""A real Postfix, private to a test: its own configuration, queue and log under a folder, listening on loopback only.

    with run_postfix() as postfix:
        ... postfix.port ... postfix.letters() ... postfix.stop() ... postfix.start()

It takes mail for readers.example and for bounces+…@planet.example into a Maildir each. Who is called nobody…, full…,
grey… or policy… is refused when named, and so is a message whose subject has the word "forbidden". `settings` are lines
of main.cf, `files` are put beside that.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tidings.demo.sink import free_port

HOST = "127.0.0.1"
PROGRAMS = Path("/usr/lib/postfix/sbin")
MASTER = PROGRAMS / "master"
SENDMAIL = Path("/usr/sbin/sendmail")
_SECONDS = 60
NOBODY = 65534
_QUEUES = ("incoming", "active", "deferred", "maildrop")

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {programs}
command_directory = /usr/sbin
meta_directory = {folder}/etc
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = relay.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
disable_dns_lookups = yes
smtp_host_lookup = native
smtpd_peername_lookup = no
alias_maps =
alias_database =
local_transport = error:5.1.1 nobody lives here
recipient_delimiter = +
virtual_mailbox_domains = readers.example, planet.example
virtual_mailbox_maps = regexp:$config_directory/mailboxes
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{nobody}
virtual_minimum_uid = 1
smtpd_recipient_restrictions = check_recipient_access regexp:$config_directory/recipients,
 permit_sasl_authenticated, permit_mynetworks, reject
smtpd_data_restrictions = reject_unauth_pipelining
header_checks = regexp:$config_directory/headers
transport_maps = regexp:$config_directory/ways
minimal_backoff_time = 1s
queue_run_delay = 1s
"""

_MASTER = """\
{host}:{port} inet n - n - - smtpd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

_FILES = {
    "mailboxes": "/^bounces(\\+.*)?@planet/ bounces/\nif !/^nobody/\n/@readers/ readers/\nendif\n",
    "recipients": (
        "/^full/ 452 4.2.2 Mailbox over quota\n"
        "/^grey/ 450 4.2.0 Greylisted, see http://postgrey.schweikert.ch/help/readers.example.html\n"
        "/^policy/ 554 5.7.1 Service refused, our list has your address\n"
    ),
    "headers": "/^Subject: .*forbidden/ REJECT this looks like spam\n",
    "ways": "",
}


class Postfix:
    """One that runs in `folder` and takes mail on `port`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._master: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def configuration(self) -> Path:
        """The folder of main.cf."""
        return self.folder / "etc"

    @property
    def log(self) -> str:
        """What it wrote into its log so far."""
        path = self.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def pids(self) -> list[int]:
        """The master and its children."""
        assert self._master is not None
        return [self._master.pid, *children(self._master.pid)]

    def start(self) -> None:
        """Begins, and returns when it answers."""
        self._master = subprocess.Popen(
            [str(MASTER), "-c", str(self.configuration), "-d"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # it ends all of its process group
        )
        self._guard = guard(self._master.pid)
        self.wait_until(self._answers, "answers")

    def stop(self) -> None:
        """Ends it with all its children, whatever they are doing."""
        if self._master is not None and self._guard is not None:
            release(self._guard)
            self._master.send_signal(signal.SIGTERM)
            self._master.wait(_SECONDS)
            self._master = self._guard = None

    def letters(self, mailbox: str = "readers") -> list[bytes]:
        """What was delivered to readers, or came back to "bounces", with the line ends of mail. Above each message
        stand X-Original-To and Return-Path, the addresses of its envelope."""
        found = (self.folder / "mail" / mailbox / "new").glob("*")
        return [path.read_bytes().replace(b"\n", b"\r\n") for path in sorted(found)]

    def queued(self) -> int:
        """How many messages wait, or are on their way."""
        return sum(1 for queue in _QUEUES for path in (self.folder / "queue" / queue).rglob("*") if path.is_file())

    def settle(self) -> None:
        """Returns when nothing is left in the queue."""
        self.wait_until(lambda: not self.queued(), "has an empty queue")

    def wait_until(self, reached: Callable[[], bool], what: str) -> None:
        """Returns when something is so; fails with the log when it never is."""
        deadline = time.monotonic() + _SECONDS
        while not reached():
            if time.monotonic() > deadline:
                raise AssertionError(f"Postfix never {what}:\n{self.log}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        with suppress(OSError), smtplib.SMTP(HOST, self.port, timeout=_SECONDS) as session:
            return session.ehlo()[0] == 250
        return False


def guard(pid: int) -> subprocess.Popen[bytes]:
    """Ends a process as soon as this one is gone, also when it was killed and had no time to clean up: the guard waits
    at a pipe that nobody else holds. A signal at the death of the parent would not do, since Postfix changes its user,
    and Linux takes that signal back then."""
    command = ["sh", "-c", 'read -r _; kill "$0"', str(pid)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def release(one: subprocess.Popen[bytes]) -> None:
    """Sends a guard home, before what it guards is ended."""
    one.kill()
    one.communicate()


def children(pid: int) -> list[int]:
    """The processes that one started itself."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def require_postfix() -> None:
    """Skips a test where there is no Postfix or no right to run one; in CI that is a failure."""
    missing = "" if MASTER.exists() else "there is no Postfix"
    missing = missing or ("" if os.geteuid() == 0 else "only root can run a Postfix")
    if missing and os.environ.get("CI"):
        pytest.fail(f"CI needs a Postfix to send through, and {missing}")
    if missing:
        pytest.skip(missing)


@contextmanager
def run_postfix(
    settings: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None, within: Path | None = None
) -> Iterator[Postfix]:
    """A Postfix that runs until the block ends, in a folder of its own `within` another, else where temporary files
    are. Others than root have to get into that, so it is not pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="postfix-", dir=within))
    try:
        postfix = Postfix(folder, free_port())
        _furnish(postfix, settings or {}, {**_FILES, **(files or {})})
        try:
            postfix.start()
            yield postfix
        finally:
            postfix.stop()
    finally:
        shutil.rmtree(folder)


def _furnish(postfix: Postfix, settings: Mapping[str, str], files: Mapping[str, str]) -> None:
    folder, owner = postfix.folder, pwd.getpwnam("postfix").pw_uid
    folder.chmod(0o755)
    main = _MAIN.format(folder=folder, programs=PROGRAMS, nobody=NOBODY)
    for name, value in settings.items():
        # A name that comes twice has each program write a warning. The one that keeps the log would wait for ever to
        # hand its own to itself, where the others have filled its queue before.
        main = re.sub(rf"^{name} = .*\n(?: .*\n)*", "", main, flags=re.MULTILINE) + f"{name} = {value}\n"
    (folder / "etc").mkdir()
    for name, text in {"main.cf": main, "master.cf": _MASTER.format(host=HOST, port=postfix.port), **files}.items():
        (folder / "etc" / name).write_text(text, encoding="utf-8")
    (folder / "mail").mkdir()
    os.chown(folder / "mail", NOBODY, NOBODY)
    (folder / "data").mkdir()
    os.chown(folder / "data", owner, -1)
    (folder / "queue" / "pid").mkdir(parents=True)
    private = "active bounce corrupt defer deferred flush hold incoming private saved trace".split()
    for name in (*private, "maildrop", "public"):
        (folder / "queue" / name).mkdir(mode=0o700)
        os.chown(folder / "queue" / name, owner, -1)
