"""One request on its way through redirects: where it stands, what it may carry there, and where it goes next."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import timedelta

from tidings.fetching.decoding import ACCEPTED
from tidings.fetching.headers import Head
from tidings.fetching.urls import origin, redirect_target, userinfo, wire_url, without_userinfo
from tidings.model import Failed, FetchRequest, Hop, Validators

MAX_REDIRECTS = 5
FOLLOWED = frozenset({301, 302, 303, 307, 308})
"""300 offers a choice, 304 is an answer, and 305 and 306 are history: none of them is a redirect to follow."""

_ACCEPT_LINE = (
    b"Accept: application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    b"application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, text/html;q=0.3, */*;q=0.1"
)
_CODINGS_LINE = b"Accept-Encoding: " + ACCEPTED.encode("ascii")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = frozenset(
    {
        *("if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range", "a-im"),
        *("host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect"),
        "accept-encoding",
    }
)
"""Fields that a source's own headers don't change: what makes a request conditional, how it stands on the wire, and
which codings come back."""


@dataclass(slots=True)
class Way:
    """Where a request stands. `url` is the wire URL to ask next, `left` the seconds it may still be in the network,
    `host` the one whose turns it takes, `comparable` the wire URL that the validators belong to."""

    request: FetchRequest
    url: str
    left: float
    host: str = ""
    login: tuple[str, str] | None = None
    comparable: str = ""
    home: tuple[str, str, int] = ("", "", 0)
    visited: list[str] = field(default_factory=list)
    hops: list[Hop] = field(default_factory=list)

    @property
    def is_at_home(self) -> bool:
        """Whether the request never left the scheme, host and port its secrets are for, but perhaps for https on the
        same host. Once it has, they stay behind for good, even if a later hop comes back: a stranger would then have
        chosen what they are sent to."""
        return all(_is_home(origin(url), self.home) for url in (*self.visited, self.url))

    @property
    def validators(self) -> Validators | None:
        """The validators that may be sent to where the request stands: those that came from there."""
        return self.request.validators if self.url == self.comparable else None

    def arrive(self, status: int, rest: timedelta | None = None) -> None:
        """Notes that `url` has answered, and for how long it wants its server left alone."""
        self.visited.append(self.url)
        self.hops.append(Hop(self.url, status, rest))

    def follow(self, head: Head) -> Failed | None:
        """Goes where a redirect answer leads; a `Failed` when it leads nowhere."""
        try:
            target = redirect_target(self.url, head.fields.get("location", ""))
        except ValueError as error:
            return Failed("redirect", f"the redirect {error}; look where the URL goes in a browser", head.status)
        if target in self.visited:
            return Failed(
                "redirect-loop",
                f"the redirects go in a circle, back to {target}; the site may want cookies, or be set up wrongly",
                head.status,
            )
        if len(self.hops) > MAX_REDIRECTS:
            return Failed(
                "redirect-loop",
                f"more than {MAX_REDIRECTS} redirects in a row; look where the URL goes in a browser",
                head.status,
            )
        self.url = target
        return None


def _is_home(where: tuple[str, str, int], home: tuple[str, str, int]) -> bool:
    _, host, _ = home
    return where == home or (home == ("http", host, 80) and where == ("https", host, 443))


def set_out(request: FetchRequest, seconds: float) -> Way:
    """A request at its start, with so many seconds to go. A user name and password in its URL become its login.

    Raises ValueError, worded for the operator, when the URL or a header cannot be sent.
    """
    url = wire_url(request.url)
    for name, value in (*request.headers, ("User-Agent", request.user_agent or "")):
        if not _TOKEN.fullmatch(name) or _CONTROL.search(value):
            raise ValueError(f"the header {name[:60]!r} has a character in it that no header may have")
    login = (request.login.username, request.login.password) if request.login else userinfo(url)
    home = origin(wire_url(request.home or request.url))
    return Way(request, without_userinfo(url), seconds, login=login, comparable=_comparable(request, url), home=home)


def fields_to_send(way: Way, user_agent: str) -> list[bytes]:
    """The header lines beside Host, in the form libcurl takes them.

    The source's own headers and login only go where the request is at home. Validators go as the bytes they came as,
    and `A-IM: feed` (RFC 3229, "only what is new will do") with them; one that could not have come in a header, as it
    holds a line break, say, stays behind.
    """
    request = way.request
    fields = {"accept": _ACCEPT_LINE, "user-agent": _line("User-Agent", request.user_agent or user_agent)}
    if way.is_at_home:
        own = [(name, value) for name, value in request.headers if name.lower() not in _OURS]
        fields.update((name.lower(), _line(name, value)) for name, value in own)
        if way.login:
            fields["authorization"] = _line("Authorization", _basic(*way.login))
    conditions = [_line(name, value) for name, value in _conditions(way.validators)]
    return [*fields.values(), _CODINGS_LINE, *conditions]


def is_conditional(way: Way) -> bool:
    """Whether the request asks to compare, so that a 304 makes sense."""
    return bool(_conditions(way.validators))


def _conditions(validators: Validators | None) -> list[tuple[str, str]]:
    if validators is None:
        return []
    pairs = (("If-None-Match", validators.etag), ("If-Modified-Since", validators.last_modified))
    sent = [(name, value) for name, value in pairs if value and not _CONTROL.search(value)]
    return [*sent, ("A-IM", "feed")] if sent else []


def _line(name: str, value: str) -> bytes:
    """libcurl sends "Name;" as a field without a value, and takes "Name:" for a wish to leave the field out."""
    try:
        encoded = value.encode("latin-1")
    except UnicodeEncodeError:
        encoded = value.encode("utf-8", "replace")
    return name.encode("ascii") + (b": " + encoded if encoded.strip() else b";")


def _basic(username: str, password: str) -> str:
    """RFC 7617, in the UTF-8 it asks servers to expect."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode("utf-8", "replace")).decode("ascii")


def _comparable(request: FetchRequest, url: str) -> str:
    validators = request.validators
    if validators is None:
        return ""
    try:
        return without_userinfo(url if validators.url == request.url else wire_url(validators.url))
    except ValueError:
        return ""
