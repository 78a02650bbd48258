"""Handing messages over to the `sendmail` program of this machine, which every mail server of Unix brings along.

What its exit status means is in sysexits.h: https://man.openbsd.org/sysexits.3
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tidings.errors import MailError
from tidings.mail.replies import readable
from tidings.mail.transport import WITHDRAWN, Parcel, Transport
from tidings.model import Receipt

SENDMAIL = Path("/usr/sbin/sendmail")

_SECONDS = 600  # as long as a mail server has to answer after the text: RFC 5321 section 4.5.3.2.6
_MOST_READ = 2000  # octets of what the program says
# Exit statuses that are about one reader: no such user, no such host; and those that say "later".
_NEVER = frozenset({os.EX_NOUSER, os.EX_NOHOST})
_LATER = frozenset({os.EX_TEMPFAIL, os.EX_IOERR, os.EX_OSERR, os.EX_UNAVAILABLE})
_REFUSED = frozenset({os.EX_DATAERR})
# That nobody's mail goes: the program is set up wrongly, or can't be run (127 and 126 are the shell's).
_BROKEN = frozenset({os.EX_CONFIG, os.EX_NOPERM, 126, 127})


@contextmanager
def open_sendmail(program: Path = SENDMAIL, seconds: float = _SECONDS) -> Iterator[Transport]:
    """A transport that runs `program` for each message, and ends it after so many seconds."""
    yield _SendmailTransport(program, seconds)


class _SendmailTransport:
    def __init__(self, program: Path, seconds: float) -> None:
        self._program = program
        self._seconds = seconds

    def send(self, parcel: Parcel, may_go: Callable[[], bool]) -> Receipt:
        """A program that was ended, or ended by itself in some strange way, may have taken the message."""
        message = parcel.write()
        if not may_go():
            return WITHDRAWN
        # The program takes lines as this machine writes them; -i, so that a dot alone ends nothing.
        text = bytes(message).replace(b"\r\n", b"\n")
        command = [str(self._program), "-i", "-f", parcel.sender, "--", parcel.recipient]
        try:
            status, said = self._run(command, text)
        except subprocess.TimeoutExpired:
            return Receipt("uncertain", f"{self._program} did not end within {self._seconds:g} seconds")
        except OSError as error:
            raise MailError(f"{self._program}: cannot be run ({error}); check [mail] transport") from error
        return self._receipt(status, f"exit status {status}{': ' if said else ''}{said}")

    def _run(self, command: list[str], text: bytes) -> tuple[int, str]:
        """The exit status, and what the program said on standard error. That is a file, since a pipe would be open as
        long as a process has it that the program left behind to deliver. In a session of its own Ctrl-C, which is for
        us, doesn't end the program in the middle of a message."""
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                command,
                input=text,
                stdout=subprocess.DEVNULL,
                stderr=said,
                timeout=self._seconds,
                check=False,
                start_new_session=True,
            )
            said.seek(0)
            return done.returncode, readable(said.read(_MOST_READ))

    def _receipt(self, status: int, words: str) -> Receipt:
        if status == os.EX_OK:
            return Receipt("accepted", f"taken by {self._program.name}")
        if status in _NEVER:
            return Receipt("rejected", words)
        if status in _LATER:
            return Receipt("deferred", words)
        if status in _REFUSED:
            return Receipt("refused", words)
        if status in _BROKEN:
            raise MailError(f"{self._program}: {words}; check the mail server of this machine")
        if status > 0:  # of this message or of all: the others tell
            return Receipt("gone", words)
        return Receipt("uncertain", f"{self._program} was ended by signal {-status}")
