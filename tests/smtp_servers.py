"""Real SMTP servers on loopback: one whose every answer a test scripts, and aiosmtpd with and without TLS.

with ScriptedServer({"RCPT": "550 no such user", "DATA": None}) as server:    # None hangs up
    ... server.port ... server.heard ... server.messages
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

HOST = "127.0.0.1"
GREETING = "220 ready"
USUAL = {
    "": GREETING,
    "EHLO": "250-here\r\n250-SMTPUTF8\r\n250 8BITMIME",
    "HELO": "250 here",
    "DATA": "354 go on",
    ".": "250 queued",
    "QUIT": "221 bye",
}

Script = Mapping[str, str | Callable[[int], str | None] | None]


class ScriptedServer:
    """Answers each command as scripted, else as any server would; None ends the connection. A script that is a function
    gets the number of times the command came before. "" is the greeting, "." the end of a message, and with "body" the
    server says that and hangs up in the middle of one."""

    def __init__(self, script: Script | None = None) -> None:
        self.heard: list[str] = []
        self.messages: list[bytes] = []
        self.connections = 0
        self._script = {**USUAL, **(script or {})}
        self._socket = socket.create_server((HOST, 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rwb") as stream:
            self._converse(stream)

    def _converse(self, stream: Any) -> None:
        if not self._answer(stream, ""):
            return
        while line := stream.readline():
            self.heard.append(line.decode("latin-1").rstrip())
            verb = line.decode("latin-1").upper().partition(" ")[0].strip() or "?"
            reply = self._answer(stream, verb)
            if not reply:
                return
            if verb == "DATA" and reply.startswith("354") and not self._take_message(stream):
                return
            if verb == "QUIT":
                return

    def _take_message(self, stream: Any) -> str:
        if "body" in self._script:
            stream.readline()
            self._answer(stream, "body")
            return ""
        lines = []
        while (line := stream.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        self.messages.append(b"".join(lines))
        self.heard.append(".")
        return self._answer(stream, ".")

    def _answer(self, stream: Any, verb: str) -> str:
        before = max(sum(line.upper().startswith(verb) for line in self.heard) - 1, 0)
        reply = self._reply(verb, self.connections - 1 if verb == "" else before)
        if reply:
            stream.write(reply.encode() + b"\r\n")
            stream.flush()
        return reply

    def _reply(self, verb: str, before: int) -> str:
        scripted = self._script.get(verb, "250 ok")
        return (scripted(before) if callable(scripted) else scripted) or ""


class Mailbox:
    """What aiosmtpd was given: envelopes, and who logged in."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: ARG002, N802
        self.envelopes.append(envelope)
        return "250 kept"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> AuthResult:  # noqa: ARG002
        assert isinstance(login, LoginPassword)
        self.logins.append((login.login, login.password))
        return AuthResult(success=login.password == b"right", handled=False)


class _Controller(Controller):
    """aiosmtpd on a port of the system's choice."""

    def __init__(self, mailbox: Mailbox, implicit: ssl.SSLContext | None, **options: Any) -> None:
        self._options = options
        super().__init__(mailbox, hostname=HOST, port=0, ssl_context=implicit)

    def factory(self) -> SMTP:
        return SMTP(self.handler, hostname="mail.example", **self._options)

    def _trigger_server(self) -> None:
        """Connects once to see whether the server is up, and must know where."""
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def real_server(
    *,
    implicit: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    login: bool = False,
    smtputf8: bool = True,
) -> Iterator[tuple[int, Mailbox]]:
    """aiosmtpd, its port and what it gets. `login` offers one; the password is "right"."""
    mailbox = Mailbox()
    controller = _Controller(
        mailbox,
        implicit,
        tls_context=starttls,
        require_starttls=starttls is not None,
        enable_SMTPUTF8=smtputf8,
        authenticator=mailbox.authenticate if login else None,
        auth_require_tls=starttls is not None or not login,
    )
    controller.start()
    try:
        yield controller.port, mailbox
    finally:
        controller.stop()


def certificate(folder: Path, name: str = "localhost") -> tuple[Path, ssl.SSLContext]:
    """A certificate for `name` and 127.0.0.1 signed by itself, as a file to trust, and a server's context with it.

    Skips the test where there is no openssl; in CI that is a failure."""
    openssl = shutil.which("openssl")
    if openssl is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs the openssl command for the tests of encrypted mail")
        pytest.skip("there is no openssl command to make a certificate with")
    key, file = folder / f"{name}.key", folder / f"{name}.pem"
    alternatives = f"subjectAltName=DNS:{name}" + (",IP:127.0.0.1" if name == "localhost" else "")
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name}"
    subprocess.run(
        [*command.split(), "-addext", alternatives, "-keyout", str(key), "-out", str(file)],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return file, context
