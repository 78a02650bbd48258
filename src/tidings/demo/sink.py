"""The demo's mail server: takes every message over SMTP on loopback and keeps it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it arrived."""

    recipient: str
    message: bytes


@dataclass
class Mailbox:
    """The messages received, in order of arrival."""

    port: int
    received: list[Received] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        content = envelope.content or b""
        body = content if isinstance(content, bytes) else content.encode()
        with self.lock:
            self.received += [Received(recipient, body) for recipient in envelope.rcpt_tos]
        return "250 2.0.0 taken, thank you"


@contextmanager
def take_mail() -> Iterator[Mailbox]:
    """Runs the mail server on a free loopback port until the block ends."""
    mailbox = Mailbox(port=free_port())
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def free_port() -> int:
    """A loopback port that nothing listens on: for servers that can't be told to choose one themselves."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
