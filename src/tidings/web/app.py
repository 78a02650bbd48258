"""Serves the published folder: the planet page, the combined feed, past issues. The same bytes as on disk.

GET and HEAD only; nothing here changes anything, sets a cookie or asks another host for anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, send_from_directory
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server

from tidings.errors import TidingsError

# Werkzeug adds the charset to those it knows as text.
_TYPES = {
    ".xml": "application/atom+xml",
    ".html": "text/html",
    ".txt": "text/plain",
    ".eml": "text/plain",
    ".svg": "image/svg+xml",
}
# Pages carry their style inline and show pictures from the blogs they quote; they run nothing and embed nothing.
_POLICY = (
    "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
_MAX_AGE_SECONDS = 300


def create_app(folder: Path) -> Flask:
    """The application that serves `folder`; what is not in it, or hidden in it, is a 404."""
    app = Flask("tidings", static_folder=None)
    root = folder.absolute()  # Flask takes a relative one to mean below its own code

    @app.get("/")
    @app.get("/<path:name>")
    def serve(name: str = "index.html") -> Response:
        path = f"{name}index.html" if name.endswith("/") else name
        if any(part.startswith(".") for part in path.split("/")):
            abort(404)  # among them files that are being written
        kind = _TYPES.get(Path(path).suffix)
        return send_from_directory(root, path, mimetype=kind, max_age=_MAX_AGE_SECONDS, conditional=True)

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return app


class WebServer:
    """A waitress server on `host`:`port`, bound when made. Raises TidingsError when the address can't be had."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        self._connections: dict[int, Any] = {}  # waitress's own, by file descriptor: listeners, clients, wake-up pipes
        try:
            self._server = create_server(app, map=self._connections, host=host, port=port, threads=4, ident=None)
        except (OSError, ValueError) as error:
            wasyncore.close_all(self._connections)
            raise TidingsError(f"cannot serve on {host}:{port} ({error}); change [web] listen") from error
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
