"""One peer at the door for returned mail: what it says over SMTP, and how long we listen.

The dialogue is aiosmtpd's. What is here is what a port that strangers reach needs beside it: limits of size, time,
commands and errors, and text read by its end alone (docs/decisions/0044-a-door-for-returned-mail.md).
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from tidings.model.returned import Arrival

_CRLF = b"\r\n"
_END = b"\r\n.\r\n"
_NULL_PATH = "<>"
# RFC 5321 section 4.5.3.1.4 has 512 for a command, and extensions add to it.
_COMMAND_OCTETS = 1024
# How much is read ahead before the peer has to wait; no limit for the lines of a text.
_AHEAD_OCTETS = 16_384


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may ask for. `octets` is for one message, `octets_at_once` for all that come in; `connections` are
    those of all peers, `of_one_peer` those from one address; times are in seconds: without a word, in all, that taking
    a message may last, and for the peer to read its farewell."""

    octets: int = 2_000_000
    octets_at_once: int = 50_000_000
    recipients: int = 10
    commands: int = 1000
    errors: int = 20
    connections: int = 100
    of_one_peer: int = 50
    idle: float = 60.0
    whole: float = 600.0
    taking: float = 120.0
    farewell: float = 5.0


@dataclass(frozen=True, slots=True)
class Desk:
    """What a dialogue asks about: the reply to a recipient, and the one to a message that came whole; whether there is
    room for more of one; `failed` is told what nobody expected, `gone` that the connection is over."""

    to_recipient: Callable[[str], str]
    to_message: Callable[[list[Arrival]], Awaitable[str]]
    has_room: Callable[[], bool]
    failed: Callable[[Exception], None]
    gone: Callable[[Dialogue], None]


class Dialogue(SMTP):
    """The protocol of one connection. It takes mail for those whom the desk knows, and knows nobody by name: no login,
    no relaying, no questions about addresses."""

    line_length_limit = _AHEAD_OCTETS
    command_size_limit = _COMMAND_OCTETS

    def __init__(self, hostname: str, desk: Desk, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        # aiosmtpd shares one table of these among all connections, and lets each EHLO add to it.
        self.command_size_limits = defaultdict(lambda: _COMMAND_OCTETS)
        super().__init__(
            _Hooks(desk, limits),
            data_size_limit=limits.octets,
            enable_SMTPUTF8=True,
            hostname=hostname,
            ident="ESMTP",
            timeout=limits.whole + limits.taking,  # it would not wait for a message that is being taken; ours do
            loop=loop,
        )
        self._desk = desk
        self._limits = limits
        self._replies = 0
        self._errors = 0
        self._taking = False
        self._farewell = ""
        self.held = 0  # octets of the message that is coming in, or being taken
        self._timers: dict[str, asyncio.TimerHandle] = {}

    # ------------------------------------------------------------------------------------------ the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._leave_in("whole", self._limits.whole, "421 4.4.2 this took too long, good-bye")
        self._wait_for_a_word()

    def data_received(self, data: bytes) -> None:
        self._wait_for_a_word()
        super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        for timer in self._timers.values():
            timer.cancel()
        super().connection_lost(error)
        self._desk.gone(self)

    def leave(self, farewell: str) -> None:
        """Ends the connection, after the answer to a message that is being taken. Whoever does not read the farewell
        is cut off."""
        if self._taking or self._farewell or not isinstance(self.transport, asyncio.Transport):
            self._farewell = self._farewell or farewell
            return
        self._farewell = farewell
        self.transport.write(farewell.encode("ascii") + _CRLF)
        self.transport.close()
        self._timers["abort"] = self.loop.call_later(self._limits.farewell, self.cut)

    def cut(self) -> None:
        """Ends the connection at once."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    def _wait_for_a_word(self) -> None:
        if not self._taking:
            self._leave_in("idle", self._limits.idle, "421 4.4.2 nothing was said for too long, good-bye")

    def _leave_in(self, name: str, seconds: float, farewell: str) -> None:
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self.loop.call_later(seconds, self.leave, farewell)

    # ------------------------------------------------------------------------------------------ what is said

    async def push(self, status: Any) -> None:
        """Every reply goes through here, so here they are counted; a peer that goes on without end is sent away."""
        if status[3:4] != "-":
            self._replies += 1
            self._errors += status[0] in "45"
        if self._errors > self._limits.errors:
            self._send_away("421 4.7.0 too many errors, good-bye")
        if self._replies > self._limits.commands:
            self._send_away("421 4.7.0 too many commands, good-bye")
        await super().push(status)

    def _send_away(self, farewell: str) -> None:
        self.leave(farewell)
        raise asyncio.CancelledError  # what else it has sent is not looked at

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """The text of a message. aiosmtpd takes it line by line, with an object for each: a few peers that send empty
        lines keep everybody else waiting for a minute."""
        refusal = self._no_data(arg)
        if refusal:
            await self.push(refusal)
            return
        await self.push("354 end with a line that is a dot")
        text = await self._text()
        envelope, self.envelope = self.envelope or Envelope(), Envelope()
        if isinstance(text, bytes):
            await self._answer(_arrivals(envelope, text))
        else:
            await self.push(text)
        self.held = 0

    def _no_data(self, arg: str) -> str:
        if arg:
            return "501 5.5.4 DATA stands alone"
        if self.envelope is None or not self.envelope.rcpt_tos:
            return "503 5.5.1 first MAIL and RCPT"
        return ""

    async def _text(self) -> bytes | str:
        """What comes up to CRLF, a dot and CRLF: only that is an end, or a message could hold another one, with an
        envelope of its author's choice (RFC 5321 section 4.1.1.4). The refusal where that is too much."""
        # The line break before the first line is that of the command.
        text, searched, refusal = bytearray(_CRLF), 0, ""
        while (end := text.find(_END, searched)) < 0:
            refusal = refusal or self._too_much(len(text) - len(_END))
            if refusal:
                del text[: 1 - len(_END)]
            self.held = len(text)
            searched = max(0, len(text) - len(_END))
            text += await self._what_came()
        self._reader.feed_data(bytes(text[end + len(_END) :]))
        text = text[: end + len(_CRLF)].replace(b"\r\n.", _CRLF).removeprefix(_CRLF)
        self.held = len(text)
        return refusal or self._too_much(len(text)) or bytes(text)

    def _too_much(self, octets: int) -> str:
        if octets > self._limits.octets:
            return f"552 5.3.4 a message may have {self._limits.octets} octets"
        return "" if self._desk.has_room() else "452 4.3.1 too much at once, try again later"

    async def _what_came(self) -> bytes:
        """All that there is to read, so that what was too much of it can be put back."""
        octets = await self._reader.read(sys.maxsize)
        if not octets:
            raise ConnectionResetError
        return octets

    async def _answer(self, arrivals: list[Arrival]) -> None:
        self._taking = True
        self._timers["idle"].cancel()
        try:
            reply = await self._desk.to_message(arrivals)
        finally:
            self._taking = False
        self._wait_for_a_word()
        await self.push(reply)
        if self._farewell:
            farewell, self._farewell = self._farewell, ""
            self._send_away(farewell)

    async def _not_here(self, arg: str) -> None:  # noqa: ARG002
        await self.push("502 5.5.1 not here")

    smtp_AUTH = smtp_STARTTLS = smtp_VRFY = smtp_EXPN = smtp_HELP = _not_here  # noqa: N815


class _Hooks:
    """What aiosmtpd asks on the way to DATA."""

    def __init__(self, desk: Desk, limits: Limits) -> None:
        self._desk = desk
        self._limits = limits

    async def handle_EHLO(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,  # noqa: ARG002
        hostname: str,
        responses: list[str],  # noqa: ARG002
    ) -> list[str]:
        session.host_name = hostname
        return [f"250-{server.hostname}", f"250-SIZE {self._limits.octets}", "250-8BITMIME", "250 SMTPUTF8"]

    async def handle_MAIL(  # noqa: N802
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if not address.isprintable():  # octets that are no UTF-8 among them, which nothing could write down
            return "553 5.1.7 not an address"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 go on"

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        if address in envelope.rcpt_tos:
            return "250 2.1.5 known already"
        if len(envelope.rcpt_tos) >= self._limits.recipients:
            return "452 4.5.3 too many recipients at once"
        reply = self._desk.to_recipient(address)
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_exception(self, error: Exception) -> str:
        """Addresses that Python's parser of them stumbles over end here, and our own mistakes: the peer may try again,
        and is told nothing."""
        if not isinstance(error, IndexError):
            self._desk.failed(error)
        return "451 4.3.0 not understood"


def _arrivals(envelope: Envelope, message: bytes) -> list[Arrival]:
    """One for each recipient. aiosmtpd writes the null path as it came."""
    sender = envelope.mail_from or ""
    return [Arrival("" if sender == _NULL_PATH else sender, one, message) for one in envelope.rcpt_tos]
