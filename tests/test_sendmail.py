"""The sendmail transport, with programs of the test in place of the real one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.test_deliver import START, freeze, readers
from tests.transports import Clock
from tidings import deliver
from tidings.errors import MailError
from tidings.letters import PostOffice
from tidings.mail.message import Message
from tidings.mail.sendmail import open_sendmail
from tidings.mail.transport import WITHDRAWN, Parcel, always
from tidings.model import Receipt
from tidings.store import Store
from tidings.store.deliveries import Tally

MESSAGE = Message(b"Subject: News\r\n\r\n", b"Hello\r\n.\r\nyou\r\n")
PARCEL = Parcel("bounces+1.a@planet.example", "-reader@example.org", lambda: MESSAGE)


def program(folder: Path, script: str) -> Path:
    """A program that does what the lines of a shell script say."""
    path = folder / "sendmail"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def sent(folder: Path, script: str, seconds: float = 30) -> Receipt:
    with open_sendmail(program(folder, script), seconds) as transport:
        return transport.send(PARCEL, always)


def test_the_program_gets_envelope_and_message(tmp_path: Path) -> None:
    """Sender and reader as arguments, an address that looks like an option too; the text with lines as Unix has them,
    and a line of one dot ends nothing."""
    receipt = sent(tmp_path, f'printf "%s\\n" "$@" > {tmp_path}/arguments; cat > {tmp_path}/text')
    assert receipt == Receipt("accepted", "taken by sendmail")
    arguments = (tmp_path / "arguments").read_text(encoding="utf-8").splitlines()
    assert arguments == ["-i", "-f", PARCEL.sender, "--", PARCEL.recipient]
    assert (tmp_path / "text").read_bytes() == b"Subject: News\n\nHello\n.\nyou\n"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (os.EX_OK, "accepted"),
        (os.EX_NOUSER, "rejected"),
        (os.EX_NOHOST, "rejected"),
        (os.EX_DATAERR, "refused"),
        (os.EX_TEMPFAIL, "deferred"),
        (os.EX_UNAVAILABLE, "deferred"),
        (os.EX_OSERR, "deferred"),
        (os.EX_IOERR, "deferred"),
        (os.EX_USAGE, "gone"),
        (os.EX_SOFTWARE, "gone"),
        (1, "gone"),
    ],
)
def test_an_exit_status_leads_to_its_state(tmp_path: Path, status: int, state: str) -> None:
    """What sysexits.h says of a message, with the program's own words."""
    receipt = sent(tmp_path, f"cat > /dev/null; echo 'so it is' >&2; exit {status}")
    assert receipt.state == state
    assert (f"exit status {status}: so it is" in receipt.reply) == (status != os.EX_OK)


@pytest.mark.parametrize("status", [os.EX_CONFIG, os.EX_NOPERM, 126, 127])
def test_a_program_that_is_set_up_wrongly_is_an_error(tmp_path: Path, status: int) -> None:
    """That is about the machine, and nobody is refused for it."""
    with pytest.raises(MailError, match=f"exit status {status}"):
        sent(tmp_path, f"cat > /dev/null; exit {status}")


def test_a_reader_whom_the_program_does_not_take_stops_no_other(store: Store, tmp_path: Path) -> None:
    """Whatever status it ends with for one of them: the others get their mail, over one connection, too."""
    one = freeze(store, *readers(9))
    script = f"cat > /dev/null; for last; do :; done; case $last in {readers(9)[0]}) exit 64;; esac"
    office = PostOffice("digest@p.example", "", "", lambda: open_sendmail(program(tmp_path, script)))
    assert deliver.deliver(store, one, office, Clock(START).pace()).tally == Tally(accepted=8, deferred=1)


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """It is named."""
    with open_sendmail(tmp_path / "absent") as transport, pytest.raises(MailError, match="absent"):
        transport.send(PARCEL, always)


def test_a_program_that_does_not_end_may_have_sent(tmp_path: Path) -> None:
    """Ended after its time, or by a signal, it leaves the message in doubt."""
    assert sent(tmp_path, "cat > /dev/null; exec sleep 9", 0.3).state == "uncertain"
    assert sent(tmp_path, "cat > /dev/null; kill -9 $$").state == "uncertain"


def test_a_program_that_leaves_another_behind_has_ended(tmp_path: Path) -> None:
    """Some deliver in the background, in a process that has inherited all: the status counts, and nobody waits."""
    receipt = sent(tmp_path, "cat > /dev/null; sleep 9 & echo 'in the queue' >&2; exit 0", 4)
    assert receipt == Receipt("accepted", "taken by sendmail")


def test_a_signal_from_the_terminal_is_not_for_the_program(tmp_path: Path) -> None:
    """Ctrl-C goes to the processes in the foreground: the program is none of them, and ends its message."""
    sent(tmp_path, f"cat > /dev/null; cut -d ' ' -f 5 /proc/$$/stat > {tmp_path}/group")
    assert int((tmp_path / "group").read_text()) != os.getpgrp()


def test_a_program_that_talks_much_or_strangely_is_cut_short(tmp_path: Path) -> None:
    """What is kept of its words is short, and moves no cursor."""
    receipt = sent(tmp_path, "cat > /dev/null; printf 'no\\033[2J ' >&2; head -c 9000000 /dev/zero >&2; exit 75")
    assert receipt.state == "deferred"
    assert receipt.reply.isprintable()
    assert receipt.reply.startswith("exit status 75: no [2J")
    assert len(receipt.reply) < 600


def test_a_program_is_not_run_for_what_is_called_back(tmp_path: Path) -> None:
    """Nothing has left then."""
    with open_sendmail(program(tmp_path, f"touch {tmp_path}/ran")) as transport:
        assert transport.send(PARCEL, lambda: False) == WITHDRAWN
    assert not (tmp_path / "ran").exists()
