"""Handing messages over: to an SMTP server, or into a folder.

One message's outcome is a value, `Receipt`; a server that fails as a whole raises MailError, and then the message in
hand did not go out.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from tidings.errors import MailError
from tidings.mail.message import ascii_domain
from tidings.model import Receipt

_TIMEOUT_SECONDS = 60
_ANSWER_SECONDS = 600
_MESSAGES_PER_CONNECTION = 100  # servers commonly end a session after about this many
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how to reach an SMTP server. `security` is TLS from the start, STARTTLS (required, not only tried), or
    none."""

    host: str
    port: int
    security: Literal["none", "starttls", "tls"]
    username: str | None = None
    password: str | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Transport(Protocol):
    """One way to hand a message over."""

    def send(self, sender: str, recipient: str, message: bytes) -> Receipt:
        """Hands over one message with the envelope addresses given. Raises MailError when nothing can be sent now."""


@contextmanager
def open_smtp(server: SmtpServer) -> Iterator[Transport]:
    """A transport to `server`; connects with the first message."""
    transport = _SmtpTransport(server)
    try:
        yield transport
    finally:
        transport.close()


@contextmanager
def open_folder(folder: Path) -> Iterator[Transport]:
    """A transport that writes each message as one `.eml` file into `folder`, named by its Message-ID."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MailError(f"{folder}: the mail folder cannot be made ({error}); check [mail] transport") from error
    yield _FolderTransport(folder)


class _FolderTransport:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, sender: str, recipient: str, message: bytes) -> Receipt:  # noqa: ARG002
        """The name comes from the message, so writing it again after a crash makes no second copy."""
        path = self._folder / f"{_file_stem(message)}.eml"
        partial = path.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                file.write(message)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            _sync(self._folder)
        except OSError as error:
            raise MailError(f"{path}: the message cannot be written ({error})") from error
        return Receipt("accepted", f"written to {path.name}")


def _sync(folder: Path) -> None:
    """Makes a renaming in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _SmtpTransport:
    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._session: smtplib.SMTP | None = None
        self._sent = 0

    def send(self, sender: str, recipient: str, message: bytes) -> Receipt:
        session = self._ready_session()
        sender, recipient = ascii_domain(sender), ascii_domain(recipient)
        needs_utf8 = not (sender + recipient).isascii()
        if needs_utf8 and not session.has_extn("smtputf8"):
            return Receipt("rejected", "the mail server cannot take addresses outside ASCII (no SMTPUTF8)")
        try:
            self._expect(session.mail(sender, ["SMTPUTF8"] if needs_utf8 else []), sender)
            code, reply = session.rcpt(recipient)
            if code in (250, 251):
                return self._hand_over(session, message)
            return self._refused(session, code, reply)
        except OSError as error:  # smtplib's own errors are OSErrors too
            self.close()
            return Receipt("deferred", f"the connection to {self._server} was lost ({error})")

    def _hand_over(self, session: smtplib.SMTP, message: bytes) -> Receipt:
        try:
            code, reply = _data(session, message)
        except smtplib.SMTPDataError as error:  # anything but 354, a 250 too
            return self._refused(session, error.smtp_code, error.smtp_error)
        except OSError as error:
            self.close()
            lost = f"the connection to {self._server} was lost ({error}) before it said whether it took the message"
            return Receipt("deferred", f"{lost}, so that may come twice", in_doubt=True)
        self._sent += 1
        return Receipt("accepted", _words(code, reply)) if code == 250 else _refusal(code, reply)

    def _expect(self, answer: tuple[int, bytes], sender: str) -> None:
        if answer[0] != 250:
            self.close()
            refused = f"mail from {sender} is refused ({_words(*answer)})"
            raise MailError(f"{self._server}: {refused}; check [mail] from and [mail.bounces]")

    def close(self) -> None:
        if self._session is not None:
            with suppress(OSError):
                self._session.quit()
        self._session, self._sent = None, 0

    def _refused(self, session: smtplib.SMTP, code: int, reply: bytes | str) -> Receipt:
        """Ends a refused transaction. A server that hangs up after its refusal has still refused."""
        try:
            session.rset()
        except OSError:
            self.close()
        return _refusal(code, reply)

    def _ready_session(self) -> smtplib.SMTP:
        """An open session; a new one after a while, or when the server has hung up since the last message."""
        if self._session is not None:
            if self._sent < _MESSAGES_PER_CONNECTION and _is_alive(self._session):
                return self._session
            self.close()
        self._session = _connect(self._server)
        return self._session


def _data(session: smtplib.SMTP, message: bytes) -> tuple[int, bytes | str]:
    """Hands the text over and waits for the answer as long as RFC 5321 (section 4.5.3.2.6) asks for: giving up sooner
    on a server that is slow to scan a message makes it come twice."""
    assert session.sock is not None
    session.sock.settimeout(_ANSWER_SECONDS)
    try:
        return session.data(message)
    finally:
        if session.sock is not None:
            session.sock.settimeout(_TIMEOUT_SECONDS)


def _connect(server: SmtpServer) -> smtplib.SMTP:
    if server.username and server.security == "none" and server.host not in _LOOPBACK:
        raise MailError(
            f"{server}: refusing to send a password over an unencrypted connection; use smtps:// or smtp+starttls://"
        )
    session: smtplib.SMTP | None = None
    try:
        session = _greet(server)
        if server.username:
            session.login(server.username, server.password or "")
    except smtplib.SMTPAuthenticationError as error:
        reason = _words(error.smtp_code, error.smtp_error)
        problem = f"login as {server.username} was refused ({reason}); check the password"
    except UnicodeEncodeError:
        problem = "user names and passwords outside ASCII cannot be sent; choose another password"
    except OSError as error:
        problem = f"the mail server cannot be used ({error}); check [mail] transport"
    else:
        return session
    if session is not None:
        session.close()
    raise MailError(f"{server}: {problem}")


def _greet(server: SmtpServer) -> smtplib.SMTP:
    """A session ready for the login or the first message; encrypted, with a certificate that was checked, if it is to
    be encrypted at all."""
    context = ssl.create_default_context()
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_SECONDS, context=context)
    session = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_SECONDS)
    try:
        if server.security == "starttls":
            session.starttls(context=context)
        session.ehlo_or_helo_if_needed()
    except OSError:
        session.close()
        raise
    return session


def _is_alive(session: smtplib.SMTP) -> bool:
    try:
        return session.noop()[0] == 250
    except OSError:
        return False


def _refusal(code: int, reply: bytes | str) -> Receipt:
    """5xx is "never", 4xx and whatever is no answer at all is "later" (RFC 5321 section 4.2.1)."""
    return Receipt("rejected" if 500 <= code < 600 else "deferred", _words(code, reply))


def _words(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return " ".join(f"{code} {text}".split())


def _file_stem(message: bytes) -> str:
    """The Message-ID's left side as a file name."""
    for line in message.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"message-id":
            left = value.decode("ascii", "replace").strip().strip("<>").partition("@")[0]
            return "".join(character if character.isalnum() or character in ".-_" else "_" for character in left)
    raise ValueError("a message without a Message-ID")
