"""The web server on loopback, and who asks it."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tidings.web.app import create_app
from tidings.web.server import WebServer
from tidings.web.site import Site

HOST = "127.0.0.1"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Asked:
    """An answer, read to its end."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self) -> str:
        return self.body.decode()


@contextmanager
def serving(folder: Path, site: Site, **settings: float) -> Iterator[int]:
    """The port on which a site is served."""
    with in_background(WebServer(create_app(folder, site), HOST, 0, **settings)) as server:
        yield server.port


@contextmanager
def in_background(server: WebServer) -> Iterator[WebServer]:
    """A server that serves in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(20)


def ask(
    port: int,
    method: str,
    path: str,
    body: str | bytes = b"",
    headers: Mapping[str, str] | None = None,
    source: str = HOST,
) -> Asked:
    """One request, its path sent exactly as given, from some address of this machine."""
    connection = http.client.HTTPConnection(HOST, port, timeout=20, source_address=(source, 0))
    try:
        connection.request(method, path, body or None, dict(headers or {}))
        return Asked(connection.getresponse())
    finally:
        connection.close()


def talking(port: int, sent: bytes) -> bytes:
    """All that comes back for some octets."""
    answer = b""
    with socket.create_connection((HOST, port), timeout=10) as connection, suppress(ConnectionError):
        with suppress(OSError):  # it may have hung up by then, and not be connected any more
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        while more := connection.recv(65536):
            answer += more
    return answer
