"""A session with a mail server: one message after the other on one connection, as long as that holds.

What an answer means is in replies.py; here is who is asked what, and what is done about a connection that breaks.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Literal

from tidings.addresses import ascii_domain
from tidings.errors import MailError
from tidings.mail.bodies import Body, Shared
from tidings.mail.message import Message
from tidings.mail.replies import Meaning, Reply, Stage, meaning, readable
from tidings.mail.transport import WITHDRAWN, Parcel, Transport
from tidings.model import THIS_MACHINE, Receipt

# What a connection that was used before may be the reason of: a new one is worth a try.
_MAY_BE_THE_CONNECTION: frozenset[Meaning] = frozenset({"throttled", "server gone", "too many recipients"})
_ENDS_THE_SESSION = frozenset({-1, 421})
_CODE = re.compile(rb"[2-5][0-9][0-9](?=[- \r\n]|$)")
_LONGEST_LINE = 4096  # octets; RFC 5321 section 4.5.3.1.5 allows 512
_MOST_LINES = 100
_SIZE = re.compile(r"[0-9]{1,20}")  # RFC 1870 section 4


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


@dataclass(frozen=True, slots=True)
class Habits:
    """How long a server has to answer, in seconds, and how many messages go through one connection.

    After the text it has as long as RFC 5321 (section 4.5.3.2.6) asks for: giving up sooner on a server that is slow to
    scan a message makes it come twice. Servers commonly end a session after a hundred messages or so.
    """

    command_seconds: float = 60
    text_seconds: float = 600
    messages: int = 100


USUAL = Habits()


@contextmanager
def open_smtp(server: SmtpServer, habits: Habits = USUAL) -> Iterator[Transport]:
    """A transport to `server`; connects with the first message."""
    transport = _SmtpTransport(server, habits)
    try:
        yield transport
    finally:
        transport.close()


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An answer that was not the one hoped for, and where it came."""

    stage: Stage
    reply: Reply

    @property
    def meaning(self) -> Meaning:
        return meaning(self.stage, self.reply)


@dataclass(frozen=True, slots=True)
class _Addresses:
    """An envelope with ASCII domains. Local parts outside ASCII need a server that knows them (RFC 6531)."""

    sender: str
    recipient: str

    @property
    def needs_utf8(self) -> bool:
        return not (self.sender + self.recipient).isascii()


class _SmtpTransport:
    def __init__(self, server: SmtpServer, habits: Habits) -> None:
        self._server = server
        self._habits = habits
        self._session: smtplib.SMTP | None = None
        self._sent = 0
        # Reading the certificates of all authorities takes a tenth of a second: not for each connection anew.
        self._context = None if server.security == "none" else ssl.create_default_context()

    def send(self, parcel: Parcel, may_go: Callable[[], bool]) -> Receipt:
        """A refusal that may be the connection's fault is heard again on a new one, while nothing has left yet."""
        addresses = _Addresses(ascii_domain(parcel.sender), ascii_domain(parcel.recipient))
        message = parcel.write()
        was_open, sent = self._session is not None, self._sent
        problem = self._offer(addresses, message)
        if isinstance(problem, _Refusal) and was_open and _had_enough(problem, sent):
            self.close()
            problem = self._offer(addresses, message)
        if isinstance(problem, Receipt):
            return problem
        if problem is not None:
            return self._receipt(problem)
        if not may_go():
            self._reset()
            return WITHDRAWN
        return self._hand_over(message)

    def close(self) -> None:
        if self._session is not None:
            with suppress(OSError):
                self._session.quit()
            self._session.close()
        self._session, self._sent = None, 0

    def _offer(self, addresses: _Addresses, message: Message) -> Receipt | _Refusal | None:
        """Names sender and reader; None when both are taken."""
        session = self._ready_session()
        if addresses.needs_utf8 and not session.has_extn("smtputf8"):
            return Receipt("rejected", "the mail server cannot take addresses outside ASCII (no SMTPUTF8)")
        size, most = len(message.head) + len(message.body), _largest(session)
        if most and size > most:
            return Receipt("refused", f"the message has {size} octets, and the mail server takes no more than {most}")
        mail = _mail_command(session, addresses, size)
        rcpt = f"RCPT TO:{smtplib.quoteaddr(addresses.recipient)}\r\n".encode()
        try:
            return _name_both(session, mail, rcpt)
        except OSError as error:  # smtplib's own errors are OSErrors too
            return _Refusal("RCPT", self._lost(error))

    def _hand_over(self, message: Message) -> Receipt:
        """Once the dot behind the text is sent, the message may have come, whatever happens: RFC 1047. Without it no
        server takes a message (RFC 5321 section 4.1.1.4)."""
        session = self._session
        assert session is not None
        assert session.sock is not None
        try:
            session.send(b"DATA\r\n")
            go_on = _answer(session)
        except OSError as error:
            return self._receipt(_Refusal("DATA", self._lost(error)))
        if go_on.code != 354:
            return self._receipt(_Refusal("DATA", go_on))
        session.sock.settimeout(self._habits.text_seconds)
        try:
            session.sock.sendall(_stuffed(message.head))
            session.sock.sendall(_ending(message))
        except OSError as error:
            return self._receipt(_Refusal("end", self._broken_off(session, error)))
        try:
            reply = _answer(session)
            session.sock.settimeout(self._habits.command_seconds)
        except OSError as error:
            return self._unanswered(f"the connection to {self._server} was lost ({error})")
        self._sent += 1
        if 200 <= reply.code < 300:
            return Receipt("accepted", str(reply))
        refusal = _Refusal("end", reply)
        return self._unanswered(str(reply)) if refusal.meaning == "server gone" else self._receipt(refusal)

    def _broken_off(self, session: smtplib.SMTP, error: OSError) -> Reply:
        """What a server said that left within the text, as some do for which it is too long."""
        reply = None
        with suppress(OSError):
            reply = _answer(session)
        lost = self._lost(error)
        return reply if reply and reply.code >= 400 else lost

    def _unanswered(self, what: str) -> Receipt:
        self._drop()
        return Receipt("uncertain", f"{what} before the server said whether it took the message")

    def _receipt(self, refusal: _Refusal) -> Receipt:
        """What a refusal comes to, with the connection ready for the next message, or gone. Raises MailError when
        nobody can be served before the operator does something."""
        reply = refusal.reply
        words = str(reply)
        if reply.code in _ENDS_THE_SESSION or 200 <= reply.code < 400:
            self._drop()
        else:
            self._reset()
        match refusal.meaning:
            case "login failure":
                self.close()
                raise MailError(f"{self._server}: no mail is taken without a login ({words}); check [mail] transport")
            case "throttled":
                return Receipt("throttled", words)
            case "crowded":
                return Receipt("crowded", words)
            case "deferred" | "too many recipients":
                return Receipt("deferred", words)
            case "address rejected":
                return Receipt("rejected", words, "rcpt" if refusal.stage == "RCPT" else "text")
            case "message rejected":
                return Receipt("refused", words)
            case "server gone":
                return Receipt("gone", words)

    def _lost(self, error: OSError) -> Reply:
        self._drop()
        return Reply(-1, f"the connection to {self._server} was lost ({error})")

    def _reset(self) -> None:
        """Ends a transaction. A server that hangs up meanwhile has still said what it said."""
        if self._session is None:
            return
        try:
            self._session.rset()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        """Leaves a connection without a word: there is nobody, or nobody to be understood."""
        if self._session is not None:
            self._session.close()
        self._session, self._sent = None, 0

    def _ready_session(self) -> smtplib.SMTP:
        if self._session is not None and self._sent >= self._habits.messages:
            self.close()
        if self._session is None:
            self._session = _connect(self._server, self._context, self._habits.command_seconds)
        return self._session


def _had_enough(problem: _Refusal, sent: int) -> bool:
    """Whether a refusal may be the fault of a connection over which so many messages went. Servers also hang up on who
    names too many readers that are not there (Postfix: smtpd_hard_error_limit)."""
    if sent:
        return problem.meaning in _MAY_BE_THE_CONNECTION
    return problem.reply.code in _ENDS_THE_SESSION


def _largest(session: smtplib.SMTP) -> int:
    """The largest message that the server takes, in octets; 0 where it does not say (RFC 1870)."""
    size = session.esmtp_features.get("size", "")
    return int(size) if _SIZE.fullmatch(size) else 0


def _mail_command(session: smtplib.SMTP, addresses: _Addresses, size: int) -> bytes:
    options = f" SIZE={size}" if session.has_extn("size") else ""
    if addresses.needs_utf8:
        options += " SMTPUTF8" + (" BODY=8BITMIME" if session.has_extn("8bitmime") else "")
    return f"MAIL FROM:{smtplib.quoteaddr(addresses.sender)}{options}\r\n".encode()


def _name_both(session: smtplib.SMTP, mail: bytes, rcpt: bytes) -> _Refusal | None:
    """Sender and reader, in one write where the server can take that (RFC 2920)."""
    pipelined = session.has_extn("pipelining")
    session.send(mail + rcpt if pipelined else mail)
    sender = _answer(session)
    if not pipelined:
        if sender.code != 250:
            return _Refusal("MAIL", sender)
        session.send(rcpt)
    elif sender.code in _ENDS_THE_SESSION:
        return _Refusal("MAIL", sender)
    reader = _answer(session)
    if sender.code != 250:
        return _Refusal("MAIL", sender)
    return None if reader.code in (250, 251) else _Refusal("RCPT", reader)


def _answer(session: smtplib.SMTP) -> Reply:
    """An answer, of one line or several (RFC 5321 section 4.2.1). Of a line that is too long the beginning counts: the
    standard library's own reading ends in an error there, although the code was said.

    Raises OSError when the connection ends, or when the lines do not.
    """
    assert session.file is not None
    text = []
    for _ in range(_MOST_LINES):
        line = session.file.readline(_LONGEST_LINE)
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = session.file.readline(_LONGEST_LINE)
        if not line:
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        found = _CODE.match(line)
        if found is None:
            return Reply(-1, f"an answer that makes no sense: {readable(line)}")
        text.append(line[4:].strip())
        if line[3:4] != b"-":
            return Reply(int(found[0]), readable(b"\n".join(text)))
    raise smtplib.SMTPServerDisconnected(f"more than {_MOST_LINES} lines for an answer")


def _stuffed(text: bytes) -> bytes:
    """Lines that begin with a dot get another (RFC 5321 section 4.5.2)."""
    return _doubled(b"\n" + text)[1:]


def _doubled(text: bytes) -> bytes:
    """The same for text that begins in the middle of a line."""
    return text.replace(b"\n.", b"\n..")


def _ending(message: Message) -> bytes:
    """A body as it is sent, with the dot that ends the message."""
    if message.woven is None:
        return bytes(Body(_prepared(Shared((message.body,)))))
    return bytes(Body(_prepared(message.woven.shared), message.woven.token))


# The same for all readers of an issue in one language. What stands in the gaps begins no line with a dot.
@lru_cache(maxsize=8)
def _prepared(body: Shared) -> Shared:
    *before, last = (_stuffed(piece) if n == 0 else _doubled(piece) for n, piece in enumerate(body.pieces))
    ended = body.pieces[-1].endswith(b"\r\n") or not any(body.pieces)
    return Shared((*before, last + (b".\r\n" if ended else b"\r\n.\r\n")), body.gaps)


def _connect(server: SmtpServer, context: ssl.SSLContext | None, seconds: float) -> smtplib.SMTP:
    if server.username and server.security == "none" and server.host not in THIS_MACHINE:
        raise MailError(
            f"{server}: refusing to send a password over an unencrypted connection; use smtps:// or smtp+starttls://"
        )
    session: smtplib.SMTP | None = None
    try:
        session = _greet(server, context, seconds)
        if server.username:
            session.login(server.username, server.password or "")
    except smtplib.SMTPAuthenticationError as error:
        reason = Reply(error.smtp_code, readable(error.smtp_error))
        problem = f"login as {server.username} was refused ({reason}); check the password"
    except smtplib.SMTPResponseException as error:
        problem = _turned_away(error.smtp_code, readable(error.smtp_error))
    except UnicodeEncodeError:
        problem = "user names and passwords outside ASCII cannot be sent; choose another password"
    except ValueError as error:  # smtplib decodes what the server asks with no care
        problem = f"the mail server's login makes no sense ({error}); check [mail] transport"
    except OSError as error:
        problem = f"the mail server cannot be used ({error}); check [mail] transport"
    else:
        return session
    if session is not None:
        session.close()
    raise MailError(f"{server}: {problem}")


def _turned_away(code: int, words: str) -> str:
    """What a server has against us before the first message, and what to do about that."""
    if 400 <= code < 500:
        return f"the mail server takes nothing for now ({code} {words}); `tidings run` tries again by itself"
    if 500 <= code < 600:
        return f"the mail server turns us away ({code} {words}); ask who runs it what it has against this machine"
    # The standard library cuts off what stands where the code should be.
    answer = f"answers {code} {words}" if code > 0 else "answers without a code, as no mail server does"
    return f"what is there {answer}; check [mail] transport"


def _greet(server: SmtpServer, context: ssl.SSLContext | None, seconds: float) -> smtplib.SMTP:
    """A session ready for the login or the first message; encrypted, with a certificate that was checked, if it is to
    be encrypted at all."""
    if server.security == "tls":
        session: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=seconds, context=context)
    else:
        session = smtplib.SMTP(server.host, server.port, timeout=seconds)
    try:
        if server.security == "starttls":
            session.starttls(context=context)
        session.ehlo_or_helo_if_needed()
        # A message leaves in two writes, and the second must not wait until the first is acknowledged.
        assert session.sock is not None
        session.sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    except OSError:
        session.close()
        raise
    return session
