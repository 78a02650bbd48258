"""The door for returned mail: an SMTP port that takes what comes back, and nothing else.

It listens in a thread of its own. A message is acknowledged when it has been taken, which means written down; until
then its sender keeps it, and tries again for days if we can't (RFC 5321 section 4.2.5). So none is lost, and one may
come twice when the connection breaks just before the acknowledgement.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tidings.errors import MailError
from tidings.mail.dialogue import Desk, Dialogue, Limits
from tidings.model.returned import Arrival

_LOG_OF_AIOSMTPD = "mail.log"
_END_SECONDS = 0.02  # between two looks whether the last one has gone


class Door:
    """A server on `host`:`port`, bound when made and open from `open` to `close`.

    It takes mail to `mailbox`, to the postmaster of its domain (RFC 5321 section 4.5.1), and to what `accepts`. `take`
    is called for each message and recipient, one at a time and always in the same thread; whatever it raises, the
    sender has to try again, and `tell` is told. Raises MailError when the address can't be had.
    """

    def __init__(
        self,
        host: str,
        port: int,
        mailbox: str,
        accepts: Callable[[str], bool],
        take: Callable[[Arrival], None],
        tell: Callable[[Exception], None],
        limits: Limits | None = None,
    ) -> None:
        self._mailbox = mailbox.lower()
        self._domain = self._mailbox.rpartition("@")[2]
        self._accepts = accepts
        self._take = take
        self._tell = tell
        self._limits = limits or Limits()
        self._peers: dict[Dialogue, str] = {}
        self._desk = Desk(self._to_recipient, self._to_message, self._has_room, tell, self._gone)
        self._worker = ThreadPoolExecutor(1, "taking")
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._unexpected)
        self._thread = threading.Thread(target=self._loop.run_forever, name="door")
        # It would tell the operator what strangers say.
        logging.getLogger(_LOG_OF_AIOSMTPD).setLevel(logging.CRITICAL)
        try:
            self._server = self._loop.run_until_complete(self._loop.create_server(lambda: _Doorman(self), host, port))
        except (OSError, ValueError) as error:
            self._loop.close()
            raise _not_to_be_had(host, port, error) from error
        self.port: int = self._server.sockets[0].getsockname()[1]

    def open(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends all connections, those whose message is being taken after the answer, and returns when nothing is being
        taken any more."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._worker.shutdown(cancel_futures=True)

    def admit(self, transport: asyncio.Transport) -> None:
        """Begins a dialogue with a new peer, unless there are too many. For the door's own thread."""
        peer = str((transport.get_extra_info("peername") or ("",))[0])
        of_this_peer = sum(other == peer for other in self._peers.values())
        full = len(self._peers) >= self._limits.connections or of_this_peer >= self._limits.of_one_peer
        if full or not self._server.is_serving():
            transport.write(b"421 4.7.0 too many connections, try again later\r\n")
            transport.close()
            return
        dialogue = Dialogue(self._domain, self._desk, self._limits, self._loop)
        self._peers[dialogue] = peer
        transport.set_protocol(dialogue)
        dialogue.connection_made(transport)

    def _gone(self, dialogue: Dialogue) -> None:
        del self._peers[dialogue]

    def _to_recipient(self, address: str) -> str:
        own = (self._mailbox, f"postmaster@{self._domain}", "postmaster")
        if address.lower() in own or self._accepts(address):
            return "250 2.1.5 go on"
        return "550 5.1.1 nobody here has this address"

    async def _to_message(self, arrivals: list[Arrival]) -> str:
        try:
            async with asyncio.timeout(self._limits.taking):
                for arrival in arrivals:
                    await self._loop.run_in_executor(self._worker, self._take, arrival)
        except TimeoutError:
            self._tell(
                MailError(f"mail that came in was not saved in {self._limits.taking:g} seconds; it will come again")
            )
        except Exception as error:
            self._tell(error)
        else:
            return "250 2.0.0 kept"
        return "451 4.3.0 this cannot be kept now, try again later"

    def _has_room(self) -> bool:
        return sum(dialogue.held for dialogue in self._peers) < self._limits.octets_at_once

    async def _end(self) -> None:
        self._server.close()
        for dialogue in list(self._peers):
            dialogue.leave("421 4.3.2 closing for now, try again later")
        deadline = self._loop.time() + self._limits.taking
        while self._peers and self._loop.time() < deadline:
            await asyncio.sleep(_END_SECONDS)
        for dialogue in list(self._peers):
            dialogue.cut()
        await asyncio.sleep(_END_SECONDS)

    def _unexpected(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What happens outside of any dialogue. That a peer broke off is nothing to tell."""
        error = context.get("exception") or MailError(str(context["message"]))
        if not isinstance(error, ConnectionError):
            self._tell(error)


class _Doorman(asyncio.Protocol):
    """The protocol of a connection until it is known whether there will be a dialogue."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._door.admit(transport)


def _not_to_be_had(host: str, port: int, error: Exception) -> MailError:
    # asyncio puts the address before it once more, in parentheses of its own.
    reason = str(getattr(error, "strerror", None) or error).rpartition("): ")[2]
    fix = "let the service have ports below 1024 (docs/receiving.md), or " if isinstance(error, PermissionError) else ""
    return MailError(f"cannot take mail on {host}:{port} ({reason}); {fix}change [mail.bounces] listen")
