"""Serves the published folder: the planet page, the combined feed, past issues. The same bytes as on disk."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, abort, send_from_directory

from tidings.web.hardening import WITH_FORM

# Werkzeug adds the charset to those it knows as text.
_TYPES = {
    # Chromium shows the types that feeds have as bare text, and the style sheet of a feed is for it.
    ".xml": "application/xml",
    ".json": "application/feed+json",
    ".css": "text/css",
    ".html": "text/html",
    ".txt": "text/plain",
    ".eml": "text/plain",
    ".svg": "image/svg+xml",
}
_MAX_AGE_SECONDS = 300


def serve_files(app: Flask, folder: Path, *, has_form: bool = False) -> None:
    """Adds what is in `folder` to `app`, for GET and HEAD; what is not in it, or hidden in it, is a 404. With
    `has_form` the first page has one that leads here."""
    root = folder.absolute()  # Flask takes a relative one to mean below its own code

    @app.get("/")
    @app.get("/<path:name>")
    def serve(name: str = "index.html") -> Response:
        path = f"{name}index.html" if name.endswith("/") else name
        if any(part.startswith(".") for part in path.split("/")):
            abort(404)  # among them files that are being written
        kind = _TYPES.get(Path(path).suffix)
        response = send_from_directory(root, path, mimetype=kind, max_age=_MAX_AGE_SECONDS, conditional=True)
        if has_form and path == "index.html":
            response.headers["Content-Security-Policy"] = WITH_FORM
        return response
