"""A small real HTTP server on loopback whose every answer a test scripts, and which remembers what it was asked.

    with Origin() as origin:
        origin.serve_feed("/feed", FEED, etag='"1"')             # answers 304 when the validators match
        origin.serve("/old", Answer(301, headers={"Location": "/feed"}))
        origin.serve("/flaky", lambda request: Answer(500 if origin.count("/flaky") == 1 else 200))
        ... origin.url("/feed") ... origin.requests[0].headers["If-None-Match"]

An unknown path answers 404. Leaving the block ends every answer under way, and raises what a script raised.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


@dataclass(frozen=True)
class Answer:
    """An answer to send after `delay` seconds. A body in pieces is sent without Content-Length, `drip` seconds
    between two, and ended by closing the connection."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0
    drip: float = 0


@dataclass(frozen=True)
class Raw:
    """Bytes to put on the wire as they are, status line and all, `drip` seconds between two; then the connection
    closes."""

    pieces: Iterable[bytes]
    drip: float = 0


@dataclass
class Request:
    """What the server was asked. `headers` finds names in any case; times are those of `time.monotonic`, and
    `answered` is set just before the last byte of the answer goes out, or when it was given up. `is_first` says that it
    is the first on its connection."""

    method: str
    path: str
    headers: Message
    body: bytes
    arrived: float
    answered: float | None = None
    is_first: bool = True


Script = Answer | Raw | Callable[[Request], Answer | Raw]


class Origin:
    """The server; a context manager. Scripts may be set and changed at any time, from any thread."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self.errors: list[Exception] = []
        self._scripts: dict[str, Script] = {}
        self._server = _Server(host, self, tls)
        self._scheme = "https" if tls else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Origin:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()
        if self.errors and error is None:
            raise self.errors[0]

    def stop(self) -> None:
        """Stops listening and ends all connections. May be called before the block is left, to play dead."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.close_connections()

    @property
    def host(self) -> str:
        return str(self._server.server_address[0])

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/", host: str = "") -> str:
        """The URL of a path. `host` is another name for the same machine: "blog.localhost", say."""
        return f"{self._scheme}://{host or self.host}:{self.port}{path}"

    def serve(self, path: str, script: Script) -> None:
        """Sets what a path answers, whatever its query, unless the path with that query has a script of its own."""
        self._scripts[path] = script

    def serve_feed(
        self,
        path: str,
        body: bytes | str,
        etag: str | None = None,
        last_modified: str | None = None,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/xml",
    ) -> None:
        """Serves a feed as a well-behaved server does: conditionally, by the validators that are given."""
        content = body.encode() if isinstance(body, str) else body
        validators = {"ETag": etag, "Last-Modified": last_modified}
        common = {**{name: value for name, value in validators.items() if value}, **(headers or {})}

        def answer(request: Request) -> Answer:
            if _matches(request, etag, last_modified):
                return Answer(304, headers=common)
            return Answer(200, content, {"Content-Type": content_type, **common})

        self.serve(path, answer)

    def asked(self, path: str) -> list[Request]:
        """The requests for a path so far, in order of arrival."""
        return [request for request in self.requests if request.path == path]

    def count(self, path: str) -> int:
        return len(self.asked(path))

    def answer_to(self, request: Request) -> Answer | Raw:
        script = self._scripts.get(request.path) or self._scripts.get(request.path.partition("?")[0])
        if script is None:
            return Answer(404, b"no such path")
        if isinstance(script, Answer | Raw):
            return script
        try:
            return script(request)
        except Exception as error:
            self.errors.append(error)
            return Answer(500, b"the test's script raised")


def _matches(request: Request, etag: str | None, last_modified: str | None) -> bool:
    """RFC 9110 13.2.2: If-Modified-Since counts only where there is no If-None-Match."""
    if "If-None-Match" in request.headers:
        return etag is not None and request.headers["If-None-Match"] == etag
    return last_modified is not None and request.headers["If-Modified-Since"] == last_modified


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, origin: Origin, tls: ssl.SSLContext | None) -> None:
        self.origin = origin
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, 0), _Handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def server_bind(self) -> None:
        """Binds without the reverse look-up of our own name that http.server does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is part of many tests. Scripts' own errors are kept by `answer_to`."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    served = 0

    def do_GET(self) -> None:
        arrived = time.monotonic()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, self.headers, body, arrived, is_first=self.served == 0)
        self.served += 1
        origin = self.server.origin
        origin.requests.append(request)
        try:
            self._send(request, origin.answer_to(request))
        finally:
            request.answered = request.answered or time.monotonic()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def _send(self, request: Request, answer: Answer | Raw) -> None:
        if isinstance(answer, Raw):
            self._drip(answer.pieces, answer.drip)
            return
        self.server.origin.stopping.wait(answer.delay)
        whole = isinstance(answer.body, bytes)
        head = self._head(answer)
        if isinstance(answer.body, bytes):
            silent = self.command == "HEAD" or answer.status in (204, 304)
            request.answered = time.monotonic()
            self.wfile.write(head if silent else head + answer.body)
        else:
            self.wfile.write(head)
            self._drip(answer.body, answer.drip)
        self.close_connection = self.close_connection or not whole

    def _head(self, answer: Answer) -> bytes:
        fields = {"Date": formatdate(usegmt=True)}
        if isinstance(answer.body, bytes) and answer.status not in (204, 304):
            fields["Content-Length"] = str(len(answer.body))
        elif not isinstance(answer.body, bytes):
            fields["Connection"] = "close"
        known = answer.status in HTTPStatus._value2member_map_
        phrase = HTTPStatus(answer.status).phrase if known else "Odd"
        lines = [f"HTTP/1.1 {answer.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in {**fields, **answer.headers}.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _drip(self, pieces: Iterable[bytes], pause: float) -> None:
        self.close_connection = True
        for piece in pieces:
            self.wfile.write(piece)
            if self.server.origin.stopping.wait(pause):
                return
