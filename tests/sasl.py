"""Who may log in to a Postfix of the tests: the part of Dovecot that Postfix asks.

    with passwords({"joe": "right"}) as port:
        ... smtpd_sasl_type = dovecot, smtpd_sasl_path = inet:127.0.0.1:port

The protocol: https://doc.dovecot.org/main/developers/design/auth_protocol.html
"""

from __future__ import annotations

import base64
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_GREETING = b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t0\nDONE\n"


class _Conversation(socketserver.StreamRequestHandler):
    """One connection of Postfix, which asks for the mechanism PLAIN only."""

    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        self.wfile.write(_GREETING)
        for line in self.rfile:
            verb, *fields = line.decode("ascii").rstrip("\n").split("\t")
            if verb == "AUTH":
                self.wfile.write(self.server.answer(fields).encode("ascii"))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, known: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self._known = known

    def answer(self, fields: list[str]) -> str:
        number = fields[0]
        (response,) = (field.removeprefix("resp=") for field in fields if field.startswith("resp="))
        _, user, password = base64.b64decode(response).decode().split("\0")
        verdict = "OK" if self._known.get(user) == password else "FAIL"
        return f"{verdict}\t{number}\tuser={user}\n"


@contextmanager
def passwords(known: Mapping[str, str]) -> Iterator[int]:
    """Answers on the port that is given until the block ends."""
    with _Server(known) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
