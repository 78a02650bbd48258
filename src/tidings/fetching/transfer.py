"""One libcurl easy handle, and what it holds of the request it is busy with."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pycurl  # type: ignore[import-untyped]

from tidings.fetching import outcomes
from tidings.fetching.guard import forbidden
from tidings.fetching.headers import MAX_HEAD_BYTES, Head
from tidings.fetching.outcomes import BODY_STATUSES, Answer, Outcome
from tidings.fetching.settings import FetchSettings
from tidings.fetching.trust import TrustStore
from tidings.fetching.urls import without_userinfo
from tidings.model import FetchRequest

_ACCEPT = (
    "Accept: application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
)
_MAX_REDIRECTS = 5
_WEB = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
_MAX_ERROR_PAGE = 64 * 1024
"""A longer error page is cut off: reading it would keep the connection, but no one looks at it."""

_CONNECT_SECONDS = 300
_TOO_LARGE = 100
"""CURLE_TOO_LARGE: a single header line over libcurl's own limit. pycurl has no name for it."""


class Transfer:
    """Serves one request at a time, any number in a row. `deadline` is for its user to set and to watch."""

    def __init__(self, settings: FetchSettings, trust: TrustStore) -> None:
        self.handle = pycurl.Curl()
        self.deadline = 0.0
        self.host = ""
        self._settings = settings
        self._set_up(trust)
        self._clear()

    def begin(self, request: FetchRequest, url: str) -> None:
        """Loads a request. Raises ValueError or pycurl.error when libcurl will not have the URL."""
        self._clear()
        self.request = request
        self.handle.setopt(pycurl.URL, url)
        self.handle.setopt(pycurl.HTTPHEADER, _request_headers(request))

    def outcome(self, code: int, detail: str) -> Outcome:
        """What the finished transfer came to, given libcurl's verdict on it."""
        if code == pycurl.E_OK and not self._head.complete:  # libcurl lets a head that breaks off pass for a whole one
            code, detail = pycurl.E_PARTIAL_FILE, "the connection closed within the headers"
        if code == pycurl.E_OK or self._refused():
            return outcomes.judge(self.request, self._answer())
        if code == pycurl.E_COULDNT_CONNECT and self._forbidden:
            return outcomes.forbidden_address(*self._forbidden)
        if self._head.size > MAX_HEAD_BYTES or code == _TOO_LARGE:
            return outcomes.head_too_large(MAX_HEAD_BYTES)
        if self._received > self._settings.max_bytes or code == pycurl.E_FILESIZE_EXCEEDED:
            return outcomes.too_large(self._settings.max_bytes)
        return outcomes.failure(code, detail, redirected=300 <= self._head.status < 400)

    def outcome_at_deadline(self) -> Outcome:
        """What the transfer came to, given that its time is up."""
        if self._refused():
            return outcomes.judge(self.request, self._answer())
        return outcomes.timed_out(self._settings.timeout, self._received)

    def finish(self) -> None:
        """Lets go of the body and of our copies of the sockets."""
        self._chunks.clear()
        for opened in self._opened:
            opened.close()
        self._opened.clear()

    def close(self) -> None:
        self.finish()
        self.handle.close()

    def _set_up(self, trust: TrustStore) -> None:
        """The options that are the same for every request.

        libcurl's own TIMEOUT is not among them: it counts the time in which our caller does not let us run.
        """
        option = self.handle.setopt
        option(pycurl.USERAGENT, self._settings.user_agent)
        option(pycurl.ACCEPT_ENCODING, "")
        option(pycurl.FOLLOWLOCATION, 1)
        option(pycurl.MAXREDIRS, _MAX_REDIRECTS)
        option(pycurl.PROTOCOLS, _WEB)
        option(pycurl.REDIR_PROTOCOLS, _WEB)
        option(pycurl.PROXY, "")
        option(pycurl.NETRC, pycurl.NETRC_IGNORED)
        option(pycurl.NOSIGNAL, 1)
        option(pycurl.HTTP09_ALLOWED, 0)
        option(pycurl.CONNECTTIMEOUT, max(_CONNECT_SECONDS, int(self._settings.timeout.total_seconds())))
        option(pycurl.MAXFILESIZE_LARGE, self._settings.max_bytes)
        option(pycurl.WRITEFUNCTION, self._on_body)
        option(pycurl.HEADERFUNCTION, self._on_header)
        option(pycurl.OPENSOCKETFUNCTION, self._on_connect)
        if trust.file:
            option(pycurl.CAINFO, trust.file)
        if trust.folder:
            self.handle.unsetopt(pycurl.CAINFO)
            option(pycurl.CAPATH, trust.folder)

    def _clear(self) -> None:
        self.request = FetchRequest(0, "")
        self._head = Head()
        self._chunks: list[bytes] = []
        self._received = 0
        self._forbidden: tuple[str, str] | None = None
        self._opened: list[socket.socket] = []

    def _refused(self) -> bool:
        """Whether the status alone settles it, however the rest of the answer went."""
        return self._head.complete and self._head.status >= 400

    def _answer(self) -> Answer:
        url = without_userinfo(self.handle.getinfo(pycurl.EFFECTIVE_URL))
        return Answer(url, self._head, b"".join(self._chunks), datetime.now(UTC))

    def _on_header(self, line: bytes) -> int:
        return len(line) if self._head.read(line) else -1

    def _on_body(self, chunk: bytes) -> int:
        """Keeps a decoded piece of the body; -1 makes libcurl give up."""
        self._received += len(chunk)
        if self._head.status not in BODY_STATUSES:
            return len(chunk) if self._received <= _MAX_ERROR_PAGE else -1
        if self._received > self._settings.max_bytes:
            return -1
        self._chunks.append(chunk)
        return len(chunk)

    def _on_connect(self, _purpose: int, address: tuple[int, int, int, tuple[str, ...] | bytes]) -> socket.socket | int:
        """Opens the socket for an address that libcurl resolved, if the guard lets it."""
        family, kind, protocol, where = address
        numeric = where[0] if isinstance(where, tuple) else "a local socket"
        reason = forbidden(numeric, self._settings.allow_networks)
        if reason:
            self._forbidden = (numeric, reason)
            return int(pycurl.SOCKET_BAD)
        try:
            opened = socket.socket(family, kind, protocol)
        except OSError:
            return int(pycurl.SOCKET_BAD)
        self._opened.append(opened)  # pycurl duplicates it, and never closes this one
        return opened


def _request_headers(request: FetchRequest) -> list[bytes]:
    """The headers beside libcurl's own. Validators go as the bytes they came as; one that could not have come in a
    header (it holds a line break, say) stays behind."""
    headers = [_ACCEPT.encode("ascii")]
    for name, value in (("If-None-Match", request.etag), ("If-Modified-Since", request.last_modified)):
        if value and not any(ord(character) < 32 and character != "\t" for character in value):
            headers.append(f"{name}: {value}".encode("latin-1", "replace"))
    return headers
