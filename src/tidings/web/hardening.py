"""What every answer has, and what no request may: headers, limits, and pages that say what went wrong.

Pages with forms name the hash of their style, so that no other style counts, and no script does at all. Published files
have their style inline. Nothing is loaded from elsewhere, and no host of a link is looked up before it is followed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import parse_qsl, quote_plus

from flask import Flask, Response, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError, ServiceUnavailable, TooManyRequests

from tidings.addresses import AddressError, checked, checked_of_stranger
from tidings.errors import BusyError, RenderError
from tidings.render.forms import Chrome, render_error
from tidings.web.proxies import Address, client_of, moved_to
from tidings.web.site import Site

LARGEST_BODY = 64_000
"""Bytes of a form."""

_MOST_FIELDS = 50
_LONGEST_FIELD = 2_000
"""Characters of a form's field, and of its name."""

_NAME_OCTETS = 8
_OF_A_BOX = len("=on&")
_LONGEST_ADDRESS = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
_BROKEN = "\ufffd"

GUARDS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src 'self' 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Of a page without TLS, browsers look up the hosts of all links before anybody follows one.
    "X-DNS-Prefetch-Control": "off",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Headers of every answer; a page with forms has stricter ones in their place. Other sites may show our files: feeds
are made to be shown elsewhere."""

WITH_FORM = GUARDS["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
"""The policy of a published file that has a form of ours."""

_OF_PAGES = {
    "Cache-Control": "no-store",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}
_POLICY = "default-src 'none'; style-src {styles}; base-uri 'none'; form-action {forms}; frame-ancestors 'none'"
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_A_FEW_HOURS = 6 * 3600  # seconds; who waits longer does something else meanwhile
_BUSY_SECONDS = 30  # A database that is written anew takes that long, or longer.
_TO_PROGRAMS: Mapping[int, str] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"too large; at most {LARGEST_BODY} bytes",
    HTTPStatus.TOO_MANY_REQUESTS: "too often; ask again later",
    HTTPStatus.SERVICE_UNAVAILABLE: "busy; ask again in a moment",
}
_HTTPS_FOR = "max-age=31536000"


def harden(app: Flask, site: Site) -> None:
    """Has all answers of `app` guarded, and its errors told on pages of the site."""
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST_BODY
    app.config["MAX_FORM_PARTS"] = _MOST_FIELDS

    @app.before_request
    def lead_on() -> Response | None:
        there = moved_to(request.environ)
        return Response(status=308, headers={"Location": there}) if there else None

    @app.after_request
    def guard(response: Response) -> Response:
        present = {name.lower() for name, _ in response.headers}
        response.headers.extend((name, value) for name, value in GUARDS.items() if name.lower() not in present)
        if site.is_https:
            response.headers.setdefault("Strict-Transport-Security", _HTTPS_FOR)
        return response

    @app.errorhandler(HTTPException)
    def tell(error: HTTPException) -> Response | HTTPException:
        # One that stands for itself, or comes with a whole answer, as a redirect does.
        if error.code is None or error.code < 400 or error.response is not None:
            return error
        return _told(site, error)

    @app.errorhandler(BusyError)
    def put_off(_error: BusyError) -> Response:
        return _told(site, ServiceUnavailable(retry_after=_BUSY_SECONDS), is_busy=True)

    @app.errorhandler(Exception)
    def confess(error: Exception) -> Response:
        app.logger.error("%s %s", request.method, request.endpoint or "?", exc_info=error)
        return _told(site, InternalServerError())


def page(html: str, status: int = 200, *, has_form: bool = True) -> Response:
    """An answer that is a page of ours: for nobody else's eyes, and with no style but its own."""
    response = Response(html, status, mimetype="text/html")
    response.headers.update(_OF_PAGES)
    hashes = " ".join(_hash(style) for style in _STYLE.findall(html)) or "'none'"
    response.headers["Content-Security-Policy"] = _POLICY.format(
        styles=hashes, forms="'self'" if has_form else "'none'"
    )
    return response


def plain(text: str, status: int = 200) -> Response:
    """An answer for programs."""
    response = Response(f"{text}\n", status, mimetype="text/plain")
    response.headers.update(_OF_PAGES)
    return response


def data(values: Mapping[str, str], status: int) -> Response:
    """The same as JSON."""
    response = Response(f"{json.dumps(values)}\n", status, mimetype="application/json")
    response.headers.update(_OF_PAGES)
    return response


def attachment(text: str, name: str) -> Response:
    """JSON to be kept as a file of that name."""
    response = Response(f"{text}\n", mimetype="application/json")
    response.headers.update(_OF_PAGES)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def form(boxes: Collection[str] = ()) -> dict[str, str]:
    """The fields of the request's form, in either encoding. Raises BadRequest (or RequestEntityTooLarge) where it is
    more than a form of ours can have: files, a field twice, too many, too long. A page that offers many `boxes` has as
    much room more as they take."""
    most = _MOST_FIELDS + len(boxes)
    request.max_form_parts = most
    request.max_content_length = LARGEST_BODY + sum(len(quote_plus(name)) + _OF_A_BOX for name in boxes)
    request.max_form_memory_size = request.max_content_length
    fields = _typed_or_not()
    if request.files or len(fields) > most:
        raise BadRequest
    for name, values in fields.lists():
        if len(values) > 1 or max(len(name), len(values[0])) > _LONGEST_FIELD:
            raise BadRequest
    return fields.to_dict()


def _typed_or_not() -> MultiDict[str, str]:
    """The fields as they came. Some programs that send the one click (RFC 8058) leave the type out, and mean a form."""
    if request.content_type:
        return request.form
    body = request.get_data().decode(errors="replace")
    return MultiDict(parse_qsl(body, keep_blank_values=True))


def mail_address(text: str) -> str:
    """A mail address that somebody typed, "" for what is none; octets that were no UTF-8 have come as a mark of their
    own."""
    return _address(text, checked)


def new_address(text: str) -> str:
    """The same where it may be anybody's: "" also for one that only the operator may name."""
    return _address(text, checked_of_stranger)


def _address(text: str, check: Callable[[str], str]) -> str:
    if len(text) > _LONGEST_ADDRESS or _BROKEN in text:
        return ""
    try:
        return check(text)
    except AddressError:
        return ""


def too_often(wait: timedelta) -> TooManyRequests:
    """That it is worth asking again after a while."""
    return TooManyRequests(retry_after=math.ceil(wait.total_seconds()))


def new_name() -> str:
    """A name for what a mail's link is about, which nobody can guess."""
    return secrets.token_hex(_NAME_OCTETS)


def client() -> Address | None:
    """Who makes the request, as far as can be told."""
    return client_of(request.environ)


def chrome(site: Site, language: str = "") -> Chrome:
    """What is around a page, in a language or that of the site."""
    return Chrome(site.title, site.url, language or site.language, site.templates)


def _told(site: Site, error: HTTPException, *, is_busy: bool = False) -> Response:
    """An error as JSON where JSON was sent, else as a page; as a line where even that has an error in its templates."""
    status = error.code or 500
    phrase = HTTPStatus(status).phrase
    try:
        if request.is_json:
            response = data({"error": _TO_PROGRAMS.get(status, phrase)}, status)
        else:
            is_long = isinstance(error, TooManyRequests) and _is_long(error.retry_after)
            shown = render_error(status, chrome(site), is_busy=is_busy, is_long=is_long)
            response = page(shown, status, has_form=False)
    except RenderError:
        response = plain(phrase, status)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value  # as Allow, with 405
    return response


def _is_long(retry_after: datetime | int | None) -> bool:
    """Whether a wait, in seconds, is rather until tomorrow than for a while."""
    return isinstance(retry_after, int) and retry_after > _A_FEW_HOURS


def _hash(style: str) -> str:
    """A style as a policy names it (CSP 3, section 6.7.3.3)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode('ascii')}'"
