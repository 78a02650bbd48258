"""Serves the published folder: the planet, feeds, past issues. The bytes on disk, compressed for those who take that.

Every file has a strong tag and a date, so that whoever has it already is sent nothing (RFC 9110 section 13.1).
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from flask import Flask, Response, abort, request, send_file
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header
from werkzeug.security import safe_join

from tidings.web.hardening import WITH_FORM, page
from tidings.web.shelf import Coding, Shelf, Volume

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
    ".opml": "text/x-opml",
}
_OTHER = "application/octet-stream"
_FOR_CACHES = {"Cache-Control": "public, max-age=300"}
_CODINGS: tuple[Coding, ...] = ("br", "gzip")  # the smaller one first
_LONGEST_WISH = 200  # characters


def serve_files(app: Flask, folder: Path, *, has_form: bool = False) -> None:
    """Adds what is in `folder` to `app`, for GET and HEAD; what is not in it, or hidden in it, is a 404. With
    `has_form` the first page has one that leads here."""
    root = folder.absolute()  # the working directory may change
    shelf = Shelf()

    @app.get("/")
    @app.get("/<path:name>")
    def serve(name: str = "index.html") -> Response:
        path = f"{name}index.html" if name.endswith("/") else name
        # What is hidden is not there: among it are files that are being written.
        is_hidden = any(part.startswith(".") for part in path.split("/"))
        place = None if is_hidden else safe_join(str(root), path)
        if place is None:
            return _absent(shelf.take(root / "404.html"))
        volume = shelf.take(Path(place))
        if volume is None:
            is_folder = shelf.take(Path(place, "index.html")) is not None
            return _moved(name) if is_folder else _absent(shelf.take(root / "404.html"))
        response = _served(volume)
        if has_form and path == "index.html":
            response.headers["Content-Security-Policy"] = WITH_FORM
        return response


def _absent(volume: Volume | None) -> Response:
    """What is published for what is not there, as hosts of static files show it."""
    if volume is None or volume.body is None:
        abort(404)
    return page(volume.body.decode(), 404, has_form=False)


def _moved(name: str) -> Response:
    """To the same with a slash behind it, since relative links in a folder's page count from there; as seen from here,
    under whatever path that is."""
    return Response(status=308, headers={"Location": f"./{quote(name.rpartition('/')[2])}/"})


def _served(volume: Volume) -> Response:
    coding = _coding(volume)
    kind = _TYPES.get(volume.path.suffix, _OTHER)
    if volume.body is None:
        response = send_file(volume.path, mimetype=kind, etag=False)
    else:
        response = Response(volume.coded(coding), mimetype=kind)
    response.headers.update(_FOR_CACHES)
    response.set_etag(volume.tag(coding))
    response.last_modified = volume.modified
    if volume.can_be_coded:
        response.headers["Vary"] = "Accept-Encoding"
    if coding != "identity":
        response.headers["Content-Encoding"] = coding
    has_parts = coding == "identity"
    response.make_conditional(request.environ, accept_ranges=has_parts and _is_one_part(), complete_length=volume.size)
    if response.status_code == HTTPStatus.PRECONDITION_FAILED:
        response.close()
        abort(HTTPStatus.PRECONDITION_FAILED)
    if has_parts:
        response.accept_ranges = "bytes"
    return response


def _is_one_part() -> bool:
    """Whether one part of the file is asked for. Other wishes may be ignored (RFC 9110 section 14.2)."""
    wanted = request.range
    return wanted is not None and wanted.units == "bytes" and len(wanted.ranges) == 1


def _coding(volume: Volume) -> Coding:
    """What the client has already, else the smallest that it takes. A server before this one may ask with the tag of
    one coding and take another; all are the same file. Parts are of the file itself, so that they fit together
    whatever is asked with them."""
    for coding in ("identity", *_CODINGS):
        if request.if_none_match.contains_weak(volume.tag(coding)) and not request.if_none_match.star_tag:
            return coding
    if not volume.can_be_coded or "Range" in request.headers:
        return "identity"
    accepted = request.headers.get("Accept-Encoding", "")
    # Each other one is remembered: what no browser sends is not.
    return _wanted(accepted) if len(accepted) <= _LONGEST_WISH else "identity"


@lru_cache(maxsize=256)
def _wanted(accepted: str) -> Coding:
    """What the header of that name (RFC 9110 section 12.5.3) comes to; there are few that are in use."""
    quality = parse_accept_header(accepted, Accept).quality
    best = max(_CODINGS, key=quality)
    return best if quality(best) > 0 else "identity"
