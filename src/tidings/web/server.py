"""The server: waitress, with an end to requests that never end."""

from __future__ import annotations

import logging
import time
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask

from tidings.errors import TidingsError
from tidings.web.hardening import GUARDS

LARGEST_BODY = 1_000_000
"""Bytes of a request that are taken in at all; the application wants far less (hardening.py), and says so on a page."""

_LARGEST_HEADERS = 16_384
"""Bytes of a request's headers, all together: twice what other servers take for one."""

_IDLE_SECONDS = 30
_REQUEST_SECONDS = 30
_SETTINGS = {
    "threads": 16,  # most wait, for the disk or for a turn to write
    "ident": None,
    "max_request_body_size": LARGEST_BODY,
    "max_request_header_size": _LARGEST_HEADERS,
    "channel_timeout": _IDLE_SECONDS,
    "cleanup_interval": 5,
    "connection_limit": 500,
    "asyncore_use_poll": True,  # select() cannot watch file descriptors above 1023
    "clear_untrusted_proxy_headers": False,  # proxies.py believes no more than it should
}


class _Refusal(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """What the server answers by itself, to what is no request or too large: guarded like all else."""

    def execute(self) -> None:
        self.response_headers.extend(GUARDS.items())
        super().execute()


class _Channel(HTTPChannel):  # type: ignore[misc]
    """A connection. waitress drops one that says nothing; one that says a byte now and then could be kept for ever."""

    error_task_class = _Refusal
    _begun = 0.0  # when what has come of a request began to

    def received(self, data: bytes) -> bool:
        before = self.request
        taken = bool(super().received(data))
        now = time.monotonic()
        if self.request is not before:
            self._begun = now
        elif self.request is not None and now - self._begun > self.server.request_seconds:
            self.will_close = True
        return taken


# It tells of each request that waits for a thread for a moment: nothing that anybody could do something about.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)


class WebServer:
    """A waitress server on `host`:`port`, bound when made. A request has to be there after `request_seconds`. Raises
    TidingsError when the address can't be had."""

    def __init__(self, app: Flask, host: str, port: int, request_seconds: float = _REQUEST_SECONDS) -> None:
        self._connections: dict[int, Any] = {}  # waitress's own, by file descriptor: listeners, clients, wake-up pipes
        try:
            self._server = create_server(app, map=self._connections, host=host, port=port, **_SETTINGS)
        except (OSError, ValueError) as error:
            wasyncore.close_all(self._connections)
            raise TidingsError(f"cannot serve on {host}:{port} ({error}); change [web] listen") from error
        for one in self._connections.values():
            if isinstance(one, BaseWSGIServer):
                one.channel_class, one.request_seconds = _Channel, request_seconds
        # A host name with an IPv4 and an IPv6 address gives two listeners.
        self._listener = next(one for one in self._connections.values() if isinstance(one, BaseWSGIServer))
        self.port: int = int(self._listener.effective_port)

    def serve_forever(self) -> None:
        """Serves until `close` is called from another thread."""
        self._server.run()

    def close(self) -> None:
        """Ends `serve_forever`, also before it has begun. The thread that serves does the closing itself: a socket
        closed under its feet would end it with an error, and a reader's idle connection would keep it for minutes."""
        trigger = self._listener.trigger
        # `_end` runs under this lock too. Without it a request that ends just now can wake the server after it was told
        # and before its pipe is written to, which by then would be closed, or somebody else's file.
        with trigger.lock:
            if self._connections:
                trigger.thunks.append(self._end)
                trigger.pull_trigger()

    def _end(self) -> None:
        for one in list(self._connections.values()):
            if isinstance(one, HTTPChannel):
                one.handle_close()
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._connections)
